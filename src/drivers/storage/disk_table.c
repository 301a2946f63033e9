/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/storage/disk_table.h"
#include <string.h>
#include "base/error.h"
#include "drivers/storage/tool.h"

/* Partitions begin at multiples, which suit every disk. */
#define ALIGN ((guint64) 1 << 20)
/* What a logical partition's own record needs before it. */
#define RECORD 1024
#define DOS_PRIMARY 4
#define MAX_PARTS 4096

void disk_table_free(DiskTable *table)
{
    if (!table)
        return;
    g_free(table->label);
    if (table->parts)
        g_array_unref(table->parts);
    g_free(table);
}

const char *disk_table_label(StoragePoolFormat format)
{
    switch (format) {
    case STORAGE_POOL_FORMAT_UNKNOWN: case STORAGE_POOL_FORMAT_DOS:
        return "msdos";
    case STORAGE_POOL_FORMAT_LVM2:
        return NULL;
    default:
        return storage_pool_format_to_string(format);
    }
}

/* ---- reading ---- */

/* Bytes, as in "1048576B". 0 or -1. */
static int get_bytes(json_object *object, const char *key, guint64 *value)
{
    const char *text;
    char *end;
    if (json_get_string(object, key, &text) < 0)
        return -1;
    *value = g_ascii_strtoull(text, &end, 10);
    return end != text && strcmp(end, "B") == 0 && *value <= G_MAXINT64 ? 0
        : FAIL(VIR_ERR_INTERNAL_ERROR, "parted printed '%s' for '%s', which is no number of bytes", text, key);
}

static gboolean has_flag(json_object *flags, const char *flag)
{
    for (size_t i = 0; flags && i < json_object_array_length(flags); i++) {
        const char *text = json_object_get_string(json_object_array_get_idx(flags, i));
        if (g_strcmp0(text, flag) == 0)
            return TRUE;
    }
    return FALSE;
}

static StorageVolFormat format_of(DiskPartType type, json_object *flags, const char *fs)
{
    if (type == DISK_EXTENDED)
        return STORAGE_VOL_FORMAT_EXTENDED;
    if (has_flag(flags, "lvm"))
        return STORAGE_VOL_FORMAT_LINUX_LVM;
    if (has_flag(flags, "raid"))
        return STORAGE_VOL_FORMAT_LINUX_RAID;
    if (has_flag(flags, "swap") || (fs && g_str_has_prefix(fs, "linux-swap")))
        return STORAGE_VOL_FORMAT_LINUX_SWAP;
    if (fs && (strcmp(fs, "fat16") == 0 || strcmp(fs, "fat32") == 0))
        return storage_vol_format_from_string(fs);
    return fs ? STORAGE_VOL_FORMAT_LINUX : STORAGE_VOL_FORMAT_NONE;
}

static int read_part(json_object *object, DiskPart *part)
{
    static const char *const types[] = { "primary", "extended", "logical", "free" };
    const char *type, *fs = NULL;
    json_object *flags = NULL;
    uint64_t number;
    int kind = 0;
    if (json_get_uint(object, "number", &number) < 0 || json_get_string(object, "type", &type) < 0 ||
        get_bytes(object, "start", &part->start) < 0 || get_bytes(object, "end", &part->end) < 0 ||
        json_find_array(object, "flags", &flags) < 0 || json_find_string(object, "filesystem", &fs) < 0)
        return -1;
    while (kind < (int) G_N_ELEMENTS(types) && strcmp(type, types[kind]) != 0)
        kind++;
    if (kind == G_N_ELEMENTS(types) || part->end < part->start || number > MAX_PARTS)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "parted printed partition %" G_GUINT64_FORMAT " of type '%s', which makes no sense", (guint64) number, type);
    part->end++;
    part->type = kind;
    part->number = (guint) number;
    part->format = format_of(part->type, flags, fs);
    return 0;
}

DiskTable *disk_table_parse(json_object *printed)
{
    g_autoptr(DiskTable) table = g_new0(DiskTable, 1);
    json_object *disk, *parts = NULL;
    const char *label;
    uint64_t sector, max = 0;
    table->parts = g_array_new(FALSE, TRUE, sizeof(DiskPart));
    if (json_get_object(printed, "disk", &disk) < 0 || json_get_string(disk, "label", &label) < 0 || get_bytes(disk, "size", &table->size) < 0 ||
        json_get_uint(disk, "logical-sector-size", &sector) < 0 || json_find_uint(disk, "max-partitions", &max) < 0 ||
        json_find_array(disk, "partitions", &parts) < 0)
        return NULL;
    table->label = g_strdup(label);
    table->sector = sector;
    table->max = (guint) MIN(max, MAX_PARTS);
    if (!sector || sector > ALIGN || (parts && json_object_array_length(parts) > 2 * MAX_PARTS))
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "parted printed a table that makes no sense");
    for (size_t i = 0; parts && i < json_object_array_length(parts); i++) {
        DiskPart part = { 0 };
        json_object *object = json_array_object(parts, i);
        if (!object || read_part(object, &part) < 0)
            return NULL;
        g_array_append_val(table->parts, part);
    }
    return g_steal_pointer(&table);
}

DiskTable *disk_table_read(const char *path)
{
    int status; /* 1 for a disk without table */
    g_autoptr(json_object) printed = tool_json(TOOL("parted", "-s", "--json", path, "unit", "B", "print", "free"), &status);
    DiskTable *table = printed ? disk_table_parse(printed) : NULL;
    if (!table)
        error_context("cannot read the partition table of '%s'", path);
    return table;
}

/* ---- planning ---- */

const DiskPart *disk_table_find(const DiskTable *table, guint number)
{
    for (guint i = 0; i < table->parts->len; i++) {
        const DiskPart *part = &g_array_index(table->parts, DiskPart, i);
        if (part->type != DISK_FREE && part->number == number)
            return part;
    }
    return NULL;
}

static const DiskPart *find_extended(const DiskTable *table)
{
    gboolean dos = strcmp(table->label, "msdos") == 0; /* others call something else so */
    for (guint i = 0; dos && i < table->parts->len; i++) {
        const DiskPart *part = &g_array_index(table->parts, DiskPart, i);
        if (part->type == DISK_EXTENDED)
            return part;
    }
    return NULL;
}

int disk_table_next(const DiskTable *table, StorageVolFormat format, guint *number, DiskPartType *type)
{
    gboolean dos = strcmp(table->label, "msdos") == 0;
    const DiskPart *extended = find_extended(table);
    *type = format == STORAGE_VOL_FORMAT_EXTENDED ? DISK_EXTENDED : extended ? DISK_LOGICAL : DISK_PRIMARY;
    if (*type == DISK_EXTENDED && !dos)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume.target.format: a partition table '%s' has no extended partitions", table->label);
    if (*type == DISK_EXTENDED && extended)
        return FAIL(VIR_ERR_OPERATION_INVALID, "there is an extended partition (number %u) already, and there can't be two", extended->number);
    guint n = *type == DISK_LOGICAL ? DOS_PRIMARY + 1 : 1, last = *type == DISK_LOGICAL ? MAX_PARTS : dos ? DOS_PRIMARY : MAX(table->max, 1);
    while (n <= last && disk_table_find(table, n))
        n++;
    if (n > last)
        return FAIL(VIR_ERR_OPERATION_FAILED, "the partition table has room for %u partitions, and has them%s", last,
                    dos ? "; an extended one instead of one of them could hold more" : "");
    *number = n;
    return 0;
}

static guint64 align_up(guint64 at, guint64 to)
{
    return (at + to - 1) / to * to;
}

int disk_table_place(const DiskTable *table, DiskPartType type, guint64 bytes, guint64 *start, guint64 *end)
{
    const DiskPart *extended = find_extended(table);
    guint64 best = G_MAXUINT64, largest = 0;
    if (bytes == 0 || bytes > G_MAXINT64)
        return FAIL(VIR_ERR_INVALID_ARG, "a partition can't have %" G_GUINT64_FORMAT " bytes", bytes);
    bytes = align_up(bytes, table->sector);
    for (guint i = 0; i < table->parts->len; i++) {
        const DiskPart *part = &g_array_index(table->parts, DiskPart, i);
        gboolean inside = extended && part->start >= extended->start && part->end <= extended->end;
        if (part->type != DISK_FREE || inside != (type == DISK_LOGICAL))
            continue;
        guint64 from = align_up(part->start + (inside ? RECORD : 0), ALIGN);
        guint64 room = from < part->end ? part->end - from : 0;
        largest = MAX(largest, room);
        if (room < bytes || room >= best)
            continue;
        best = room;
        *start = from;
        *end = from + bytes;
    }
    return best != G_MAXUINT64 ? 0 : FAIL(VIR_ERR_OPERATION_FAILED, "no free part of the disk has %" G_GUINT64_FORMAT " bytes: the largest "
                                          "has %" G_GUINT64_FORMAT, bytes, largest);
}
