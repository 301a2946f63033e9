/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools of type "dir": a folder of the host that somebody else has mounted, or that is just there.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "base/error.h"
#include "drivers/storage/file_vol.h"
#include "drivers/storage/folder.h"
#include "drivers/storage/storage_driver.h"

static int pool_build(StoragePool *pool, const StoragePoolDef *def, unsigned int flags)
{
    if (flags)
        return FAIL(VIR_ERR_OPERATION_INVALID, "pool '%s' is a directory: there is nothing to format, and nothing to overwrite", def->name);
    return folder_build(def);
}

static int pool_start(StoragePool *pool, const StoragePoolDef *def)
{
    if (folder_check(def) < 0)
        return -1;
    folder_sweep(def);
    return 0;
}

static int pool_delete(StoragePool *pool, const StoragePoolDef *def, unsigned int flags)
{
    return folder_delete(def);
}

const StorageBackend storage_dir_backend = {
    .build_flags = VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE,
    FILE_VOL_FUNCTIONS,
    .pool_build = pool_build,
    .pool_start = pool_start,
    .pool_refresh = folder_refresh,
    .pool_delete = pool_delete,
};
