/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools of type "disk": a partition table, whose partitions are the volumes.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "drivers/storage/block_vol.h"
#include "drivers/storage/device.h"
#include "drivers/storage/disk_table.h"
#include "drivers/storage/storage_driver.h"
#include "drivers/storage/tool.h"

/* What is known of a running pool's disk. */
typedef struct Disk {
    GMutex work;        /* one changes the table at a time */
    GMutex lock;        /* guards the following, for a few instructions */
    DiskTable *table;
    char *device;       /* without links */
} Disk;

static void disk_free(void *opaque)
{
    Disk *disk = opaque;
    disk_table_free(disk->table);
    g_free(disk->device);
    g_mutex_clear(&disk->work);
    g_mutex_clear(&disk->lock);
    g_free(disk);
}

/* ---- the table ---- */

static const char *device_of(const StoragePoolDef *def)
{
    const StoragePoolSource *source = &def->source;
    if (source->n_devices != 1)
        return FAIL_NULL(VIR_ERR_XML_ERROR, "pool.source.device: pool '%s' is one disk, not %u", def->name, source->n_devices);
    return device_check_path(source->devices[0]->path) < 0 ? NULL : source->devices[0]->path;
}

/* Devices whose names end in a digit have a "p" before the number, unless the definition knows better. */
static char *part_path(const Disk *disk, const StoragePoolDef *def, guint number)
{
    int separator = def->source.devices[0]->part_separator;
    gboolean has_p = separator ? separator == TRISTATE_YES : g_ascii_isdigit(disk->device[strlen(disk->device) - 1]);
    return g_strdup_printf("%s%s%u", disk->device, has_p ? "p" : "", number);
}

static void tell_sizes(StoragePool *pool, const DiskTable *table)
{
    g_autoptr(GArray) extents = g_array_new(FALSE, TRUE, sizeof(StorageExtent));
    guint64 available = 0, used = 0;
    for (guint i = 0; i < table->parts->len; i++) {
        const DiskPart *part = &g_array_index(table->parts, DiskPart, i);
        guint64 bytes = part->end - part->start;
        StorageExtent extent = { .start = part->start, .end = part->end };
        if (part->type == DISK_FREE) {
            g_array_append_val(extents, extent);
            available += bytes;
        } else if (part->type != DISK_EXTENDED) {
            used += bytes;
        }
    }
    storage_pool_set_sizes(pool, table->size, used, available);
    storage_pool_set_free_extents(pool, (const StorageExtent *) (const void *) extents->data, extents->len);
}

/* Read the table again. 0 or -1. */
static int look(StoragePool *pool, const StoragePoolDef *def)
{
    Disk *disk = storage_pool_priv(pool);
    DiskTable *table = disk_table_read(def->source.devices[0]->path);
    if (!table)
        return -1;
    tell_sizes(pool, table);
    g_mutex_lock(&disk->lock);
    DiskTable *old = disk->table;
    disk->table = table;
    g_mutex_unlock(&disk->lock);
    disk_table_free(old);
    return 0;
}

/* ---- the pool ---- */

static int pool_build(StoragePool *pool, const StoragePoolDef *def, unsigned int flags)
{
    const char *path = device_of(def), *label = disk_table_label(def->source.format);
    if (!path)
        return -1;
    if (!label)
        return FAIL(VIR_ERR_OPERATION_INVALID, "pool '%s': a partition table of format '%s' can't be made; give <format type='gpt'/> or another one",
                    def->name, storage_pool_format_to_string(def->source.format));
    if (device_may_format(def, path, "partition table", flags) < 0)
        return -1;
    if ((flags & VIR_STORAGE_POOL_BUILD_OVERWRITE) && device_clear(path) < 0) /* what another format has left would be recognised */
        return -1;
    return tool_run(TOOL("parted", "-s", path, "mklabel", label), TOOL_MS);
}

static int pool_start(StoragePool *pool, const StoragePoolDef *def)
{
    const char *path = device_of(def), *label = disk_table_label(def->source.format);
    g_autofree char *real = path ? realpath(path, NULL) : NULL;
    if (!path)
        return -1;
    if (!real)
        return FAIL_ERRNO(errno, "cannot find the disk '%s' of pool '%s'", path, def->name);
    g_autoptr(DiskTable) table = disk_table_read(path);
    if (!table)
        return -1;
    if (strcmp(table->label, "unknown") == 0)
        return FAIL(VIR_ERR_STORAGE_PROBE_FAILED, "there is no partition table on '%s': 'virsh pool-build %s' makes one", path, def->name);
    if (def->source.format != STORAGE_POOL_FORMAT_UNKNOWN && g_strcmp0(label, table->label) != 0)
        return FAIL(VIR_ERR_STORAGE_PROBE_FAILED, "the partition table on '%s' is '%s', not '%s' as pool '%s' says", path, table->label, label ?: "lvm2",
                    def->name);
    Disk *disk = storage_pool_priv(pool);
    if (!disk) {
        disk = g_new0(Disk, 1);
        g_mutex_init(&disk->work);
        g_mutex_init(&disk->lock);
        storage_pool_set_priv(pool, disk, disk_free);
    }
    g_free(disk->device);
    disk->device = g_steal_pointer(&real);
    return 0;
}

/* Where on the disk a volume is. */
static void set_place(StorageVolDef *def, const StoragePoolDef *pool_def, const DiskPart *part)
{
    StorageVolDevice *device = xml_struct_new(&STORAGE_VOL_DEVICE_DESC);
    device->path = g_strdup(pool_def->source.devices[0]->path);
    StorageVolExtent *extent = xml_struct_new(&STORAGE_VOL_EXTENT_DESC);
    *extent = (StorageVolExtent) { .start = part->start, .end = part->end };
    XML_LIST_APPEND(device->extents, device->n_extents, extent);
    XML_LIST_APPEND(def->devices, def->n_devices, device);
    def->capacity = def->allocation = part->end - part->start;
    def->has_capacity = def->has_allocation = true;
}

static void add_part(const Disk *disk, const StoragePoolDef *pool_def, const DiskPart *part, StorageScan *scan)
{
    StorageVolDef *def = xml_struct_new(&STORAGE_VOL_DEF_DESC);
    g_autofree char *path = part_path(disk, pool_def, part->number);
    def->type = STORAGE_VOL_TYPE_BLOCK;
    def->name = g_path_get_basename(path);
    def->target.path = device_stable_path(pool_def->target.path, path);
    def->key = g_strdup(def->target.path);
    def->target.format = part->format;
    set_place(def, pool_def, part);
    storage_scan_add(scan, def);
}

static int pool_refresh(StoragePool *pool, const StoragePoolDef *def, StorageScan *scan)
{
    Disk *disk = storage_pool_priv(pool);
    device_settle();
    g_mutex_lock(&disk->work);
    int rc = look(pool, def);
    for (guint i = 0; rc == 0 && i < disk->table->parts->len; i++) {
        const DiskPart *part = &g_array_index(disk->table->parts, DiskPart, i);
        if (part->type != DISK_FREE && part->number)
            add_part(disk, def, part, scan);
    }
    g_mutex_unlock(&disk->work);
    return rc;
}

static int pool_delete(StoragePool *pool, const StoragePoolDef *def, unsigned int flags)
{
    const char *path = device_of(def);
    return path ? device_clear(path) : -1;
}

/* ---- volumes ---- */

static int vol_plan(StoragePool *pool, const StoragePoolDef *pool_def, StorageVolDef *def)
{
    Disk *disk = storage_pool_priv(pool);
    DiskPartType type;
    guint number = 0;
    if (def->target.encryption)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume.target.encryption: a partition isn't encrypted by its pool");
    g_mutex_lock(&disk->lock);
    int rc = disk->table ? disk_table_next(disk->table, def->target.format, &number, &type)
        : FAIL(VIR_ERR_OPERATION_INVALID, "pool '%s' was not looked at yet", pool_def->name);
    g_mutex_unlock(&disk->lock);
    if (rc < 0)
        return -1;
    g_autofree char *path = part_path(disk, pool_def, number), *name = g_path_get_basename(path);
    if (strcmp(def->name, name) != 0)
        return FAIL(VIR_ERR_INVALID_ARG, "invalid partition name '%s', expected '%s': the kernel names partitions", def->name, name);
    g_free(def->target.path);
    g_free(def->key);
    def->target.path = g_steal_pointer(&path);
    def->key = g_strdup(def->target.path);
    return 0;
}

/* What parted calls the content; NULL: nothing in particular. */
static const char *content_word(StorageVolFormat format)
{
    switch (format) {
    case STORAGE_VOL_FORMAT_LINUX:
        return "ext2";
    case STORAGE_VOL_FORMAT_FAT16: case STORAGE_VOL_FORMAT_FAT32: case STORAGE_VOL_FORMAT_LINUX_SWAP:
        return storage_vol_format_to_string(format);
    default:
        return NULL;
    }
}

static int make_part(const char *path, const DiskTable *table, DiskPartType type, const StorageVolDef *def, guint number)
{
    static const char *const types[] = { "primary", "extended", "logical" };
    guint64 start, end;
    if (disk_table_place(table, type, def->capacity, &start, &end) < 0)
        return -1;
    /* a number of MB lets parted move it to the next cylinder, which one in bytes doesn't */
    gboolean cylinders = g_str_equal(table->label, "pc98");
    g_autofree char *from = g_strdup_printf("%" G_GUINT64_FORMAT "%s", cylinders ? start / 1000000 + 1 : start, cylinders ? "MB" : "B");
    g_autofree char *to = g_strdup_printf("%" G_GUINT64_FORMAT "%s", cylinders ? end / 1000000 + 2 : end - 1, cylinders ? "MB" : "B");
    g_autofree char *n = g_strdup_printf("%u", number);
    const char *words[20] = { "parted", "-s", "-a", "none", path, "mkpart" }, *flag = NULL;
    guint w = 6;
    if (!g_str_equal(table->label, "sun") && !g_str_equal(table->label, "bsd"))
        words[w++] = types[type]; /* what has no types takes it as the name */
    if (content_word(def->target.format))
        words[w++] = content_word(def->target.format);
    words[w++] = from;
    words[w++] = to;
    if (def->target.format == STORAGE_VOL_FORMAT_LINUX_LVM)
        flag = "lvm";
    else if (def->target.format == STORAGE_VOL_FORMAT_LINUX_RAID)
        flag = "raid";
    if (flag) {
        words[w++] = "set";
        words[w++] = n;
        words[w++] = flag;
        words[w++] = "on";
    }
    return tool_run(words, TOOL_MS);
}

static int remove_part(const char *path, guint number)
{
    g_autofree char *n = g_strdup_printf("%u", number);
    return tool_run(TOOL("parted", "-s", path, "rm", n), TOOL_MS);
}

/* With the work's lock. */
static int create_locked(StoragePool *pool, const StoragePoolDef *pool_def, StorageVolDef *def, guint *number)
{
    const char *path = pool_def->source.devices[0]->path;
    Disk *disk = storage_pool_priv(pool);
    DiskPartType type;
    if (look(pool, pool_def) < 0 || disk_table_next(disk->table, def->target.format, number, &type) < 0)
        return -1;
    g_autofree char *expected = part_path(disk, pool_def, *number), *name = g_path_get_basename(expected);
    if (strcmp(name, def->name) != 0)
        return FAIL(VIR_ERR_OPERATION_FAILED, "the partition table of '%s' was changed by another program: 'virsh pool-refresh %s' reads it", path,
                    pool_def->name);
    if (make_part(path, disk->table, type, def, *number) < 0 || look(pool, pool_def) < 0)
        return -1;
    const DiskPart *part = disk_table_find(disk->table, *number);
    if (!part)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the new partition of '%s' has not become number %u", path, *number);
    set_place(def, pool_def, part);
    return 0;
}

/* A device node that appears is the kernel's word that the partition is there. */
static int vol_create(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageVol *from, unsigned int flags)
{
    const StoragePoolDef *pool_def = storage_vol_pool_def(vol);
    Disk *disk = storage_pool_priv(pool);
    guint number;
    g_mutex_lock(&disk->work);
    int rc = create_locked(pool, pool_def, def, &number);
    g_mutex_unlock(&disk->work);
    if (rc < 0)
        return -1;
    if (device_wait(def->target.path) == 0) {
        g_autofree char *stable = device_stable_path(pool_def->target.path, def->target.path);
        if (block_vol_fill(def, from) == 0) {
            g_free(def->key);
            g_free(def->target.path);
            def->key = g_strdup(stable);
            def->target.path = g_steal_pointer(&stable);
            return 0;
        }
    }
    virErrorPtr saved = error_save();
    g_mutex_lock(&disk->work);
    if (remove_part(pool_def->source.devices[0]->path, number) == 0)
        look(pool, pool_def);
    g_mutex_unlock(&disk->work);
    error_restore(saved);
    return -1;
}

/* With the work's lock. */
static int delete_locked(StoragePool *pool, const StoragePoolDef *pool_def, const StorageVolDef *def)
{
    Disk *disk = storage_pool_priv(pool);
    const char *path = pool_def->source.devices[0]->path;
    const DiskPart *found = NULL;
    guint last = 0;
    if (look(pool, pool_def) < 0)
        return -1;
    for (guint i = 0; i < disk->table->parts->len; i++) {
        const DiskPart *part = &g_array_index(disk->table->parts, DiskPart, i);
        g_autofree char *name = part_path(disk, pool_def, part->number);
        if (part->type == DISK_FREE)
            continue;
        if (strcmp(strrchr(name, '/') + 1, def->name) == 0)
            found = part;
        if (part->type == DISK_LOGICAL)
            last = MAX(last, part->number);
    }
    if (!found)
        return 0; /* it has gone already */
    if (found->type == DISK_EXTENDED && last)
        return FAIL(VIR_ERR_OPERATION_INVALID, "volume '%s' is the extended partition, which others are in: delete those before", def->name);
    if (found->type == DISK_LOGICAL && found->number < last)
        return FAIL(VIR_ERR_OPERATION_INVALID, "volume '%s' is a logical partition, and those behind it would get other numbers: delete number %u "
                    "before", def->name, last);
    if (found->type != DISK_EXTENDED && device_is_used(def->target.path))
        return FAIL(VIR_ERR_OPERATION_INVALID, "volume '%s' is in use: it is mounted, or part of other storage", def->name);
    return remove_part(path, found->number) < 0 ? -1 : look(pool, pool_def);
}

static int vol_delete(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int flags)
{
    Disk *disk = storage_pool_priv(pool);
    g_mutex_lock(&disk->work);
    int rc = delete_locked(pool, storage_vol_pool_def(vol), def);
    g_mutex_unlock(&disk->work);
    return rc;
}

const StorageBackend storage_disk_backend = {
    .build_flags = VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE,
    .delete_flags = VIR_STORAGE_POOL_DELETE_ZEROED,
    BLOCK_VOL_FUNCTIONS,
    .pool_build = pool_build,
    .pool_start = pool_start,
    .pool_refresh = pool_refresh,
    .pool_delete = pool_delete,
    .vol_plan = vol_plan,
    .vol_create = vol_create,
    .vol_delete = vol_delete,
};
