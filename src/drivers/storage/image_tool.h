/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Images of other formats than raw are made and changed by qemu-img: a child that has the image's descriptor and nothing else, a deadline,
 * and a bound on its memory. It never opens what an image is based on.
 */
#pragma once
#include "drivers/storage/source_chain.h"

/** Append NAME=VALUE to options of qemu-img, in which a comma ends an option unless it is doubled. */
void image_tool_add_option(GString *options, const char *name, const char *value);
/** What QEMU calls a format; NULL: it has none such. */
const char *image_tool_format(StorageVolFormat format);

/** Make the image that @def describes in the empty file @fd. @flags: PREALLOC_METADATA. 0, or -1 with an error. */
int image_tool_create(int fd, const StorageVolDef *def, unsigned int flags);
/** The same with the content of @source. */
int image_tool_convert(int fd, const StorageVolDef *def, const SourceChain *source, unsigned int flags);
int image_tool_resize(int fd, const StorageVolDef *def, guint64 capacity, gboolean allocate);
