/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Content of volumes (core/content.h): copied and wiped. Both last, tell storage_progress(), and end when the call is given up.
 */
#pragma once
#include "core/content.h"

/** Copy at most @bytes of @from, holes as holes unless @whole, sharing blocks where the file system can; @must_share: or not at all. What is
 * a hole in @from must read as zeros in @to already. 0; -1 with an error that names the volume that is made, @name. */
int storage_content_copy(StorageContent *from, StorageContent *to, guint64 bytes, gboolean whole, gboolean must_share, const char *name);

/** All algorithms that storage_content_wipe() knows: bit N is virStorageVolWipeAlgorithm N. */
#define CONTENT_WIPE_ALGORITHMS ((2u << VIR_STORAGE_VOL_WIPE_ALG_TRIM) - 1)
/** Overwrite all that holds data. 0; -1 with an error that names the volume, @name. */
int storage_content_wipe(StorageContent *content, unsigned int algorithm, const char *name);
