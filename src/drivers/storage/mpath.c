/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools of type "mpath": what multipathd has put together of several ways to one disk.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/storage/block_vol.h"
#include "drivers/storage/scsi_units.h"
#include "drivers/storage/storage_driver.h"

#define MAX_DEVICES 65536
#define SECTOR 512
/* So begins what the device mapper calls a map of multipathd; partitions of one have another word before it. */
#define PREFIX "mpath-"

/* Its bytes; 0: it is none. */
static guint64 add_map(StorageScan *scan, const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL), *uuid = scsi_attribute(path, "dm/uuid"), *map = scsi_attribute(path, "dm/name");
    g_autofree char *sectors = scsi_attribute(path, "size");
    guint64 n = 0;
    if (!uuid || !map || !*map || strchr(map, '/') || !g_str_has_prefix(uuid, PREFIX) || !sectors ||
        !g_ascii_string_to_unsigned(sectors, 10, 0, G_MAXINT64 / SECTOR, &n, NULL))
        return 0;
    StorageVolDef *def = xml_struct_new(&STORAGE_VOL_DEF_DESC);
    def->type = STORAGE_VOL_TYPE_BLOCK;
    def->name = g_strdup(name);
    def->target.path = g_strdup_printf("/dev/mapper/%s", map);
    def->key = g_strdup(uuid + strlen(PREFIX));
    def->has_capacity = def->has_allocation = true;
    def->capacity = def->allocation = n * SECTOR;
    storage_scan_add(scan, def);
    return n * SECTOR;
}

static int pool_refresh(StoragePool *pool, const StoragePoolDef *def, StorageScan *scan)
{
    g_autofree char *folder = g_build_filename(scsi_sys, "block", NULL);
    g_auto(GStrv) names = file_list_dir(folder, MAX_DEVICES);
    guint64 total = 0;
    for (char **name = names; name && *name; name++) {
        if (g_str_has_prefix(*name, "dm-"))
            total += add_map(scan, folder, *name);
    }
    if (names)
        storage_pool_set_sizes(pool, total, total, 0);
    return names ? 0 : -1;
}

const StorageBackend storage_mpath_backend = {
    BLOCK_VOL_FUNCTIONS,
    .pool_refresh = pool_refresh,
    .pool_delete = scsi_pool_delete,
    .vol_plan = scsi_vol_plan,
    .vol_delete = scsi_vol_delete,
};
