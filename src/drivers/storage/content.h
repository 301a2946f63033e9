/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bytes behind descriptors of files and block devices: copied and wiped. Both last, tell storage_progress(), and end when the call is
 * given up.
 */
#pragma once
#include <glib.h>

/** Copy @bytes of @from, holes as holes unless @whole, sharing blocks where the file system can; @must_share: or not at all. 0 or -1. */
int content_copy(int from, int to, guint64 bytes, gboolean whole, gboolean must_share, const char *name);

/** All algorithms that content_wipe() knows: bit N is virStorageVolWipeAlgorithm N. */
#define CONTENT_WIPE_ALGORITHMS ((2u << VIR_STORAGE_VOL_WIPE_ALG_TRIM) - 1)
/** Overwrite all that holds data. 0 or -1. */
int content_wipe(int fd, unsigned int algorithm, const char *name);
