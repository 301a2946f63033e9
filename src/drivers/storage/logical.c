/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools of type "logical": a volume group of LVM, whose logical volumes are the volumes.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "drivers/storage/block_vol.h"
#include "drivers/storage/device.h"
#include "drivers/storage/storage_driver.h"
#include "drivers/storage/tool.h"

#define MAX_NAME 127
/* How LVM's programs print: one row of words for each object. */
#define REPORT "--reportformat", "json", "--units", "b", "--nosuffix"
#define LV_FIELDS "lv_name,lv_uuid,lv_size,lv_attr,origin,origin_size,data_percent,stripes,seg_size,vg_extent_size,devices"

/* What LVM allows in names of groups and volumes; it has more rules, which it tells itself. */
static int check_name(const char *what, const char *name)
{
    gboolean fine = *name && *name != '-' && strlen(name) <= MAX_NAME && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    for (const char *c = name; *c; c++)
        fine = fine && (g_ascii_isalnum(*c) || strchr("+_.-", *c));
    g_autofree char *shown = fine ? NULL : g_strescape(name, NULL);
    return fine ? 0 : FAIL(VIR_ERR_INVALID_ARG, "'%s' can't be the name of a %s: it has 1 to %d letters, digits and '+_.-', not '-' first", shown,
                           what, MAX_NAME);
}

static const char *group_of(const StoragePoolDef *def)
{
    return check_name("volume group", def->source.name) < 0 ? NULL : def->source.name;
}

/* The caller frees. */
static char *full_name(const StoragePoolDef *pool_def, const char *name)
{
    return g_strdup_printf("%s/%s", pool_def->source.name, name);
}

/* ---- reports ---- */

/* Rows of the report that is called @key; they are @printed's. NULL with an error. */
static json_object *report_rows(json_object *printed, const char *key)
{
    json_object *reports, *first, *rows;
    if (json_get_array(printed, "report", &reports) < 0 || !(first = json_array_object(reports, 0)) || json_get_array(first, key, &rows) < 0)
        return NULL;
    return rows;
}

/* A number, which LVM prints as a word, and as an empty one where there is none. */
static guint64 number(json_object *row, const char *key)
{
    const char *text = NULL;
    return json_find_string(row, key, &text) > 0 ? g_ascii_strtoull(text, NULL, 10) : 0;
}

static const char *word(json_object *row, const char *key)
{
    const char *text = NULL;
    return json_find_string(row, key, &text) > 0 ? text : "";
}

/* ---- the pool ---- */

static int pool_sizes(StoragePool *pool, const StoragePoolDef *def)
{
    g_autoptr(json_object) printed = tool_json(TOOL("vgs", REPORT, "-o", "vg_size,vg_free", def->source.name), NULL);
    json_object *rows = printed ? report_rows(printed, "vg") : NULL, *row = rows ? json_array_object(rows, 0) : NULL;
    if (!row) {
        error_context("cannot tell how much room volume group '%s' has", def->source.name);
        return -1;
    }
    guint64 size = number(row, "vg_size"), available = number(row, "vg_free");
    storage_pool_set_sizes(pool, size, size - MIN(size, available), available);
    return 0;
}

static int pool_start(StoragePool *pool, const StoragePoolDef *def)
{
    const char *group = group_of(def);
    if (!group || tool_run(TOOL("vgchange", "-aay", group), TOOL_MS) < 0) {
        error_context("cannot start pool '%s' ('vgs' lists the volume groups there are)", def->name);
        return -1;
    }
    return 0;
}

static int pool_stop(StoragePool *pool, const StoragePoolDef *def)
{
    const char *group = group_of(def);
    return group ? tool_run(TOOL("vgchange", "-aln", group), TOOL_MS) : -1;
}

/* Undo what a build has begun. The error stays. */
static void remove_physical(const StoragePoolDef *def, guint n)
{
    virErrorPtr saved = error_save();
    for (guint i = 0; i < n; i++) {
        if (tool_run(TOOL("pvremove", "-y", "-f", def->source.devices[i]->path), TOOL_MS) < 0)
            virResetLastError();
    }
    error_restore(saved);
}

static int make_physical(const StoragePoolDef *def, unsigned int flags)
{
    for (guint i = 0; i < def->source.n_devices; i++) {
        const char *path = def->source.devices[i]->path;
        if (device_check_path(path) < 0 || device_may_format(def, path, "physical volume", flags) < 0)
            return -1;
    }
    for (guint i = 0; i < def->source.n_devices; i++) {
        const char *path = def->source.devices[i]->path;
        gboolean overwrite = (flags & VIR_STORAGE_POOL_BUILD_OVERWRITE) != 0;
        if ((overwrite && device_clear(path) < 0) || tool_run(TOOL("pvcreate", "-y", path), TOOL_MS) < 0) {
            remove_physical(def, i);
            return -1;
        }
    }
    return 0;
}

static int pool_build(StoragePool *pool, const StoragePoolDef *def, unsigned int flags)
{
    const char *group = group_of(def);
    if (!group)
        return -1;
    if (!def->source.n_devices)
        return FAIL(VIR_ERR_OPERATION_INVALID, "pool '%s' has no <device> that a volume group could be made of", def->name);
    if (make_physical(def, flags) < 0)
        return -1;
    const char **argv = g_new0(const char *, def->source.n_devices + 4);
    argv[0] = "vgcreate";
    argv[1] = "-y";
    argv[2] = group;
    for (guint i = 0; i < def->source.n_devices; i++)
        argv[3 + i] = def->source.devices[i]->path;
    int rc = tool_run(argv, TOOL_MS);
    g_free(argv);
    if (rc < 0)
        remove_physical(def, def->source.n_devices);
    return rc;
}

static int pool_delete(StoragePool *pool, const StoragePoolDef *def, unsigned int flags)
{
    const char *group = group_of(def);
    if (!group || tool_run(TOOL("vgremove", "-f", group), TOOL_MS) < 0)
        return -1;
    for (guint i = 0; i < def->source.n_devices; i++) {
        const char *path = def->source.devices[i]->path;
        if (device_check_path(path) < 0 || tool_run(TOOL("pvremove", "-y", path), TOOL_MS) < 0)
            return -1;
    }
    return 0;
}

/* ---- what volumes there are ---- */

/* The parts of devices that a segment is on: "/dev/sda(0),/dev/sdb(12)", each the first extent on that device. */
static void add_places(StorageVolDef *def, json_object *row)
{
    guint64 extent_size = number(row, "vg_extent_size"), stripes = MAX(number(row, "stripes"), 1);
    g_auto(GStrv) parts = g_strsplit(word(row, "devices"), ",", 256);
    for (char **part = parts; *part; part++) {
        char *open = strrchr(*part, '('), *end;
        if (**part != '/' || !open || def->n_devices >= 256)
            continue; /* on another logical volume */
        guint64 first = g_ascii_strtoull(open + 1, &end, 10);
        if (*end != ')' || !extent_size || first > G_MAXINT64 / extent_size)
            continue;
        *open = '\0';
        StorageVolDevice *device = xml_struct_new(&STORAGE_VOL_DEVICE_DESC);
        StorageVolExtent *extent = xml_struct_new(&STORAGE_VOL_EXTENT_DESC);
        device->path = g_strdup(*part);
        *extent = (StorageVolExtent) { .start = first * extent_size, .end = first * extent_size + number(row, "seg_size") / stripes };
        XML_LIST_APPEND(device->extents, device->n_extents, extent);
        XML_LIST_APPEND(def->devices, def->n_devices, device);
    }
}

static void set_from_row(StorageVolDef *def, const StoragePoolDef *pool_def, json_object *row)
{
    const char *origin = word(row, "origin"), *percent = word(row, "data_percent");
    gboolean thin = word(row, "lv_attr")[0] == 'V', snapshot = *origin && !thin;
    def->type = STORAGE_VOL_TYPE_BLOCK;
    def->has_capacity = def->has_allocation = true;
    def->capacity = def->allocation = number(row, "lv_size");
    if (snapshot && number(row, "origin_size"))
        def->capacity = number(row, "origin_size");
    if (thin)
        def->allocation = (guint64) ((double) def->capacity * CLAMP(g_ascii_strtod(percent, NULL), 0, 100) / 100);
    g_free(def->key);
    g_free(def->target.path);
    def->key = g_strdup(word(row, "lv_uuid"));
    def->target.path = g_strdup_printf("/dev/%s/%s", pool_def->source.name, def->name);
    if (*origin && *origin != '[') {
        xml_struct_free(&STORAGE_VOL_BACKING_DESC, def->backing_store);
        def->backing_store = xml_struct_new(&STORAGE_VOL_BACKING_DESC);
        def->backing_store->path = g_strdup_printf("/dev/%s/%s", pool_def->source.name, origin);
    }
}

/* Thin pools hold volumes and are none; what isn't active has no device. */
static gboolean is_volume(json_object *row)
{
    const char *attr = word(row, "lv_attr");
    return strlen(attr) > 4 && attr[0] != 't' && attr[4] == 'a' && *word(row, "lv_name") && *word(row, "lv_uuid");
}

static int add_rows(const StoragePoolDef *def, json_object *rows, StorageScan *scan)
{
    StorageVolDef *vol = NULL;
    for (size_t i = 0; i < json_object_array_length(rows); i++) { /* the segments of a volume one after the other */
        json_object *row = json_array_object(rows, i);
        if (!row || !is_volume(row)) {
            virResetLastError();
            continue;
        }
        if (vol && strcmp(vol->name, word(row, "lv_name")) != 0)
            storage_scan_add(scan, g_steal_pointer(&vol));
        if (!vol) {
            vol = xml_struct_new(&STORAGE_VOL_DEF_DESC);
            vol->name = g_strdup(word(row, "lv_name"));
            set_from_row(vol, def, row);
        }
        add_places(vol, row);
    }
    if (vol)
        storage_scan_add(scan, vol);
    return 0;
}

static int pool_refresh(StoragePool *pool, const StoragePoolDef *def, StorageScan *scan)
{
    const char *group = group_of(def);
    device_settle();
    g_autoptr(json_object) printed = group ? tool_json(TOOL("lvs", REPORT, "--segments", "-O", "lv_name", "-o", LV_FIELDS, group), NULL) : NULL;
    json_object *rows = printed ? report_rows(printed, "seg") : NULL;
    return rows && add_rows(def, rows, scan) == 0 ? pool_sizes(pool, def) : -1;
}

/* ---- volumes ---- */

static int vol_plan(StoragePool *pool, const StoragePoolDef *pool_def, StorageVolDef *def)
{
    if (check_name("logical volume", def->name) < 0)
        return -1;
    if (def->target.encryption)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume.target.encryption: a logical volume isn't encrypted by its pool");
    if (def->capacity == 0 || def->capacity > G_MAXINT64)
        return FAIL(VIR_ERR_INVALID_ARG, "a logical volume can't have %" G_GUINT64_FORMAT " bytes", def->capacity);
    g_free(def->target.path);
    g_free(def->key);
    def->target.path = g_strdup_printf("/dev/%s/%s", pool_def->source.name, def->name);
    def->key = g_strdup(def->target.path); /* its UUID, once it has one */
    return 0;
}

/* The volume below, as GROUP/NAME; the caller frees. NULL with an error. */
static char *origin_of(const StoragePoolDef *pool_def, const StorageVolDef *def)
{
    g_autofree char *folder = g_strdup_printf("/dev/%s/", pool_def->source.name);
    const char *path = def->backing_store->path;
    if (!g_str_has_prefix(path, folder) || check_name("logical volume", path + strlen(folder)) < 0)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "volume.backingStore.path: '%s' is no volume of pool '%s', whose are in '%s'", path,
                         pool_def->name, folder);
    return full_name(pool_def, path + strlen(folder));
}

static int run_lvcreate(const StoragePoolDef *pool_def, const StorageVolDef *def)
{
    gboolean sparse = def->allocation < def->capacity && !def->backing_store;
    g_autofree char *origin = def->backing_store ? origin_of(pool_def, def) : NULL;
    g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT "b", sparse ? MAX(def->allocation, 1) : def->capacity);
    g_autofree char *virtual = g_strdup_printf("%" G_GUINT64_FORMAT "b", def->capacity);
    if (def->backing_store && !origin)
        return -1;
    if (origin)
        return tool_run(TOOL("lvcreate", "-y", "-s", "-n", def->name, "-L", size, origin), TOOL_MS);
    if (sparse)
        return tool_run(TOOL("lvcreate", "-y", "--type", "snapshot", "-n", def->name, "-L", size, "--virtualsize", virtual, pool_def->source.name),
                        TOOL_MS);
    return tool_run(TOOL("lvcreate", "-y", "-n", def->name, "-L", size, pool_def->source.name), TOOL_MS);
}

/* Complete the definition with what LVM says. */
static int look_at(const StoragePoolDef *pool_def, StorageVolDef *def)
{
    g_autofree char *name = full_name(pool_def, def->name);
    g_autoptr(json_object) printed = tool_json(TOOL("lvs", REPORT, "--segments", "-o", LV_FIELDS, name), NULL);
    json_object *rows = printed ? report_rows(printed, "seg") : NULL;
    for (size_t i = 0; rows && i < json_object_array_length(rows); i++) {
        json_object *row = json_array_object(rows, i);
        if (!row)
            return -1;
        if (i == 0)
            set_from_row(def, pool_def, row);
        add_places(def, row);
    }
    return rows && json_object_array_length(rows) ? 0 : -1;
}

static int remove_volume(const StoragePoolDef *pool_def, const char *name)
{
    g_autofree char *full = full_name(pool_def, name);
    return tool_run(TOOL("lvremove", "-f", full), TOOL_MS);
}

static int vol_create(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageVol *from, unsigned int flags)
{
    const StoragePoolDef *pool_def = storage_vol_pool_def(vol);
    if (run_lvcreate(pool_def, def) < 0) {
        error_context("cannot make volume '%s'", def->name);
        return -1;
    }
    if (device_wait(def->target.path) == 0 && block_vol_fill(def, from) == 0 && look_at(pool_def, def) == 0)
        return pool_sizes(pool, pool_def);
    virErrorPtr saved = error_save();
    if (remove_volume(pool_def, def->name) == 0)
        pool_sizes(pool, pool_def);
    error_restore(saved);
    return -1;
}

static int vol_delete(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int flags)
{
    const StoragePoolDef *pool_def = storage_vol_pool_def(vol);
    if (device_is_used(def->target.path))
        return FAIL(VIR_ERR_OPERATION_INVALID, "volume '%s' is in use: it is mounted, or part of other storage", def->name);
    return remove_volume(pool_def, def->name) < 0 ? -1 : pool_sizes(pool, pool_def);
}

static int vol_resize(StoragePool *pool, StorageVol *vol, StorageVolDef *def, guint64 capacity, unsigned int flags)
{
    const StoragePoolDef *pool_def = storage_vol_pool_def(vol);
    g_autofree char *name = full_name(pool_def, def->name), *size = g_strdup_printf("%" G_GUINT64_FORMAT "b", capacity);
    if (capacity == 0 || capacity > G_MAXINT64)
        return FAIL(VIR_ERR_INVALID_ARG, "a logical volume can't have %" G_GUINT64_FORMAT " bytes", capacity);
    if (def->backing_store && def->allocation < def->capacity)
        return FAIL(VIR_ERR_NO_SUPPORT, "volume '%s' is a snapshot, which is as large as what it is of", def->name);
    int rc = capacity < def->capacity ? tool_run(TOOL("lvreduce", "-y", "-f", "-L", size, name), TOOL_MS)
        : capacity > def->capacity ? tool_run(TOOL("lvextend", "-L", size, name), TOOL_MS) : 0;
    return rc < 0 ? -1 : pool_sizes(pool, pool_def);
}

/* A volume that allocates as it is written keeps what only LVM can tell of it. */
static int vol_refresh(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageStamp *stamp)
{
    guint64 capacity = def->capacity, allocation = def->allocation;
    if (block_vol_refresh(pool, vol, def, stamp) < 0)
        return -1;
    if (allocation < capacity)
        def->allocation = MIN(allocation, def->capacity);
    return 0;
}

static int vol_wipe(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int algorithm)
{
    return def->allocation < def->capacity ? FAIL(VIR_ERR_NO_SUPPORT, "volume '%s' has less room than bytes: wiping it would fill its room", def->name)
        : block_vol_wipe(pool, vol, def, algorithm);
}

/* ---- discovery ---- */

static StoragePoolSource *source_named(GPtrArray *found, const char *group)
{
    for (guint i = 0; i < found->len; i++) {
        StoragePoolSource *source = found->pdata[i];
        if (strcmp(source->name, group) == 0)
            return source;
    }
    StoragePoolSource *source = xml_struct_new(&STORAGE_POOL_SOURCE_DESC);
    source->name = g_strdup(group);
    source->format = STORAGE_POOL_FORMAT_LVM2;
    g_ptr_array_add(found, source);
    return source;
}

static char *find_sources(PoolHost *host, StoragePoolType type, const StoragePoolSource *wanted)
{
    g_autoptr(json_object) printed = tool_json(TOOL("pvs", REPORT, "-o", "pv_name,vg_name"), NULL);
    json_object *rows = printed ? report_rows(printed, "pv") : NULL;
    if (!rows)
        return NULL;
    GPtrArray *found = g_ptr_array_new();
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        json_object *row = json_array_object(rows, i);
        if (!row || !*word(row, "vg_name"))
            continue;
        StoragePoolSource *source = source_named(found, word(row, "vg_name"));
        StoragePoolDevice *device = xml_struct_new(&STORAGE_POOL_DEVICE_DESC);
        device->path = g_strdup(word(row, "pv_name"));
        XML_LIST_APPEND(source->devices, source->n_devices, device);
    }
    return storage_pool_sources_finish(found);
}

const StorageBackend storage_logical_backend = {
    .build_flags = VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE,
    .vol_resize_flags = VIR_STORAGE_VOL_RESIZE_SHRINK | VIR_STORAGE_VOL_RESIZE_DELTA | VIR_STORAGE_VOL_RESIZE_ALLOCATE,
    .wipe_algorithms = 1u << VIR_STORAGE_VOL_WIPE_ALG_ZERO | 1u << VIR_STORAGE_VOL_WIPE_ALG_TRIM,
    .vol_clash = VIR_ERR_STORAGE_VOL_EXIST,
    .pool_build = pool_build,
    .pool_start = pool_start,
    .pool_refresh = pool_refresh,
    .pool_stop = pool_stop,
    .pool_delete = pool_delete,
    .find_sources = find_sources,
    .vol_plan = vol_plan,
    .vol_create = vol_create,
    .vol_delete = vol_delete,
    .vol_resize = vol_resize,
    .vol_wipe = vol_wipe,
    .vol_refresh = vol_refresh,
    .vol_open = block_vol_open,
};
