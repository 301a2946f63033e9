/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the programs of ZFS print, with -Hp: words between tabs, sizes in bytes. No I/O.
 */
#pragma once
#include "model/storage.h"

/** Volumes right below @set, of lines "name volsize refreservation": of StorageVolDef, whose owner is who takes them, without path and
 * key. NULL with an error. */
GPtrArray *zfs_parse_volumes(const char *text, const char *set);
/** Sizes of a pool, of lines "property value". 0, or -1 with an error. */
int zfs_parse_sizes(const char *text, guint64 *size, guint64 *available, guint64 *allocated);
