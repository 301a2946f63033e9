/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Partition tables, as parted tells them, and where a new partition goes. No I/O but disk_table_read().
 */
#pragma once
#include "base/json.h"
#include "model/storage.h"

typedef enum { DISK_PRIMARY, DISK_EXTENDED, DISK_LOGICAL, DISK_FREE } DiskPartType;

typedef struct DiskPart {
    guint number;             /* 0: free */
    DiskPartType type;
    StorageVolFormat format;
    guint64 start, end;       /* bytes; the end is the first behind */
} DiskPart;

typedef struct DiskTable {
    char *label;              /* as parted calls it; "unknown": there is none */
    guint64 size, sector;
    guint max;                /* partitions; those of "msdos" without logical ones */
    GArray *parts;            /* of DiskPart, in the order of their places */
} DiskTable;

void disk_table_free(DiskTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DiskTable, disk_table_free)

/** The table of a device (which device_check_path() has passed), and of what parted has printed about one. NULL with an error. */
DiskTable *disk_table_read(const char *path);
DiskTable *disk_table_parse(json_object *printed);

/** What parted calls a format of pools; NULL if it can't make that. */
const char *disk_table_label(StoragePoolFormat format);

/** Number and type of the partition that a volume of @format would become. 0, or -1 with an error. */
int disk_table_next(const DiskTable *table, StorageVolFormat format, guint *number, DiskPartType *type);
/** Where a partition of @type with @bytes goes: the smallest free part that is large enough. 0, or -1 with an error. */
int disk_table_place(const DiskTable *table, DiskPartType type, guint64 bytes, guint64 *start, guint64 *end);
/** The partition of a number, or NULL. */
const DiskPart *disk_table_find(const DiskTable *table, guint number);
