/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools of type "zfs": a pool of ZFS or a data set in one, whose block volumes are the volumes.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include <string.h>
#include "base/error.h"
#include "drivers/storage/block_vol.h"
#include "drivers/storage/device.h"
#include "drivers/storage/storage_driver.h"
#include "drivers/storage/tool.h"
#include "drivers/storage/zfs_list.h"

#define MAX_NAME 200

/* What ZFS allows in names; a pool's may have several parts. */
static int check_name(const char *what, const char *name, const char *more)
{
    gboolean fine = g_ascii_isalnum(*name) && strlen(name) <= MAX_NAME && !strstr(name, "//") && !g_str_has_suffix(name, "/");
    for (const char *c = name; *c; c++)
        fine = fine && (g_ascii_isalnum(*c) || strchr("-_.:", *c) || strchr(more, *c));
    g_autofree char *shown = fine ? NULL : g_strescape(name, NULL);
    return fine ? 0 : FAIL(VIR_ERR_INVALID_ARG, "'%s' can't be the name of a %s: it has letters, digits and '-_.:', a letter or digit first", shown, what);
}

static const char *set_of(const StoragePoolDef *def)
{
    return check_name("pool of ZFS", def->source.name, "/") < 0 ? NULL : def->source.name;
}

/* The pool itself, without the parts behind it; the caller frees. */
static char *tank_of(const StoragePoolDef *def)
{
    return g_strndup(def->source.name, strcspn(def->source.name, "/"));
}

/* ---- the pool ---- */

static int pool_start(StoragePool *pool, const StoragePoolDef *def)
{
    const char *set = set_of(def);
    return set ? tool_run(TOOL("zfs", "list", "-H", "-o", "name", set), TOOL_MS) : -1;
}

static int pool_sizes(StoragePool *pool, const StoragePoolDef *def)
{
    g_autofree char *tank = tank_of(def);
    g_autofree char *text = tool_output(TOOL("zpool", "get", "-Hp", "-o", "property,value", "size,free,allocated", tank), TOOL_MS);
    guint64 size, available, allocated;
    if (!text || zfs_parse_sizes(text, &size, &available, &allocated) < 0)
        return -1;
    storage_pool_set_sizes(pool, size, allocated, available);
    return 0;
}

static int pool_refresh(StoragePool *pool, const StoragePoolDef *def, StorageScan *scan)
{
    const char *set = set_of(def);
    g_autofree char *text = set ? tool_output(TOOL("zfs", "list", "-Hp", "-t", "volume", "-r", "-d", "1", "-o", "name,volsize,refreservation", set), TOOL_MS)
        : NULL;
    g_autoptr(GPtrArray) found = text ? zfs_parse_volumes(text, set) : NULL;
    for (guint i = 0; found && i < found->len; i++) {
        StorageVolDef *vol = found->pdata[i];
        vol->target.path = g_strdup_printf("%s/%s", def->target.path, vol->name);
        vol->key = g_strdup(vol->target.path);
        storage_scan_add(scan, vol);
    }
    return found ? pool_sizes(pool, def) : -1;
}

static int pool_build(StoragePool *pool, const StoragePoolDef *def, unsigned int flags)
{
    const char *set = set_of(def);
    if (!set)
        return -1;
    if (!def->source.n_devices || strchr(set, '/'))
        return FAIL(VIR_ERR_OPERATION_INVALID, "pool '%s': only a pool of ZFS with <device>s can be made", def->name);
    const char **argv = g_new0(const char *, def->source.n_devices + 4);
    int rc = 0;
    argv[0] = "zpool";
    argv[1] = "create";
    argv[2] = set;
    for (guint i = 0; i < def->source.n_devices && rc == 0; i++) {
        argv[3 + i] = def->source.devices[i]->path;
        if ((rc = device_check_path(argv[3 + i])) == 0)
            rc = device_may_format(def, argv[3 + i], "pool of ZFS", flags);
    }
    if (rc == 0)
        rc = tool_run(argv, TOOL_MS);
    g_free(argv);
    return rc;
}

static int pool_delete(StoragePool *pool, const StoragePoolDef *def, unsigned int flags)
{
    const char *set = set_of(def);
    if (!set)
        return -1;
    return strchr(set, '/') ? tool_run(TOOL("zfs", "destroy", set), TOOL_MS) : tool_run(TOOL("zpool", "destroy", set), TOOL_MS);
}

/* ---- volumes ---- */

static int vol_plan(StoragePool *pool, const StoragePoolDef *pool_def, StorageVolDef *def)
{
    if (check_name("volume of ZFS", def->name, "") < 0)
        return -1;
    if (def->target.encryption)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume.target.encryption: a volume of ZFS isn't encrypted by its pool");
    if (def->capacity == 0 || def->capacity > G_MAXINT64)
        return FAIL(VIR_ERR_INVALID_ARG, "a volume of ZFS can't have %" G_GUINT64_FORMAT " bytes", def->capacity);
    g_free(def->target.path);
    g_free(def->key);
    def->target.path = g_strdup_printf("%s/%s", pool_def->target.path, def->name);
    def->key = g_strdup(def->target.path);
    return 0;
}

static int remove_volume(const StoragePoolDef *pool_def, const char *name)
{
    g_autofree char *full = g_strdup_printf("%s/%s", pool_def->source.name, name);
    return tool_run(TOOL("zfs", "destroy", full), TOOL_MS);
}

static int vol_create(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageVol *from, unsigned int flags)
{
    const StoragePoolDef *pool_def = storage_vol_pool_def(vol);
    g_autofree char *full = g_strdup_printf("%s/%s", pool_def->source.name, def->name), *size = g_strdup_printf("%" G_GUINT64_FORMAT, def->capacity);
    int rc = def->allocation < def->capacity ? tool_run(TOOL("zfs", "create", "-s", "-V", size, full), TOOL_MS)
        : tool_run(TOOL("zfs", "create", "-V", size, full), TOOL_MS);
    if (rc < 0) {
        error_context("cannot make volume '%s'", def->name);
        return -1;
    }
    if (device_wait(def->target.path) == 0 && block_vol_fill(def, from) == 0)
        return pool_sizes(pool, pool_def);
    virErrorPtr saved = error_save();
    remove_volume(pool_def, def->name);
    error_restore(saved);
    return -1;
}

static int vol_delete(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int flags)
{
    const StoragePoolDef *pool_def = storage_vol_pool_def(vol);
    return remove_volume(pool_def, def->name) < 0 ? -1 : pool_sizes(pool, pool_def);
}

const StorageBackend storage_zfs_backend = {
    .build_flags = VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE,
    BLOCK_VOL_FUNCTIONS,
    .pool_build = pool_build,
    .pool_start = pool_start,
    .pool_refresh = pool_refresh,
    .pool_delete = pool_delete,
    .vol_plan = vol_plan,
    .vol_create = vol_create,
    .vol_delete = vol_delete,
};
