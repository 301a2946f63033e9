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

/** Whether the volume that @def describes, an image, can be made at all, before anything is. 0, or -1 with an error that names its format. */
int image_tool_check(const StorageVolDef *def);
/** Make it in the empty file @fd. @flags: PREALLOC_METADATA. 0, or -1 with an error. */
int image_tool_create(int fd, const StorageVolDef *def, unsigned int flags);
/** Make it with the content of @source. @larger: @def has more bytes than that. */
int image_tool_convert(int fd, const StorageVolDef *def, const SourceChain *source, gboolean larger, unsigned int flags);
/** Whether it can be made as a copy that is based on another volume, as @def says. 0, or -1 with an error. */
int image_tool_check_layer(const StorageVolDef *def, unsigned int flags);
/** Make it with the content of @source, based on @base, whose keys and servers are named otherwise: it holds what differs. */
int image_tool_convert_layer(int fd, const StorageVolDef *def, const SourceChain *source, const SourceChain *base, unsigned int flags);
/** Write the content of @source to @to: raw, or an image of @format that is there already, and large enough. What the program needs for that
 * becomes part of @source. */
int image_tool_write(StorageContent *to, const StorageVolDef *def, StorageVolFormat format, SourceChain *source);
/** Whether images of the format of @def can get the size @capacity. 0, or -1 with an error. */
int image_tool_check_size(const StorageVolDef *def, guint64 capacity);
/** Give @image, of the format and size of @def and opened to be changed, another one. */
int image_tool_resize(const SourceChain *image, const StorageVolDef *def, guint64 capacity, gboolean allocate);
