/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The driver of storage pools: started once by the process that owns state, before the hypervisors' drivers, whose connections share
 * what it has (core/node.h).
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#define LOG_SOURCE "storage.driver"
#include "base/error.h"
#include "base/log.h"
#include "core/driver.h"
#include "core/folders.h"
#include "core/node.h"
#include "core/node_driver.h"
#include "drivers/storage/content_fill.h"
#include "drivers/storage/storage_driver.h"
#include "storage/functions.h"

/* Called by driver_module_load(). */
void storage_driver_register(void);

static StorageNode *state;

/* Kinds of pools whose libraries are loaded when they are first needed. */
static const char *const parts[STORAGE_POOL_TYPE_LAST][2] = {
    [STORAGE_POOL_TYPE_RBD] = { "libvirt_storage_backend_rbd.so", "storage_rbd_backend" },
    [STORAGE_POOL_TYPE_GLUSTER] = { "libvirt_storage_backend_gluster.so", "storage_gluster_backend" },
    [STORAGE_POOL_TYPE_ISCSI_DIRECT] = { "libvirt_storage_backend_iscsi_direct.so", "storage_iscsi_direct_backend" },
};

static const StorageBackend *load_part(StoragePoolType type)
{
    if (!parts[type][0])
        return FAIL_NULL(VIR_ERR_NO_SUPPORT, "there are no pools of type '%s' here", storage_pool_type_to_string(type));
    return driver_module_symbol(parts[type][0], parts[type][1]);
}

static const StorageDriverSetup setup = {
    .backends = {
        [STORAGE_POOL_TYPE_DIR] = &storage_dir_backend,
        [STORAGE_POOL_TYPE_FS] = &storage_fs_backend,
        [STORAGE_POOL_TYPE_NETFS] = &storage_netfs_backend,
        [STORAGE_POOL_TYPE_DISK] = &storage_disk_backend,
        [STORAGE_POOL_TYPE_LOGICAL] = &storage_logical_backend,
        [STORAGE_POOL_TYPE_SCSI] = &storage_scsi_backend,
        [STORAGE_POOL_TYPE_MPATH] = &storage_mpath_backend,
        [STORAGE_POOL_TYPE_ISCSI] = &storage_iscsi_backend,
        [STORAGE_POOL_TYPE_ZFS] = &storage_zfs_backend,
    },
    .load = load_part,
    .vol_fill = content_fill,
    .vol_resize_image = content_resize_image,
};

static void node_free(StorageNode *node)
{
    if (!node)
        return;
    storage_host_free(node->host);
    g_free(node->config);
    g_free(node->state);
    g_free(node);
}

static int state_start(const StateContext *ctx)
{
    StorageNode *node = g_new0(StorageNode, 1);
    node->privileged = ctx->privileged;
    node->config = folder_of(FOLDER_CONFIG, ctx->root, ctx->privileged, "storage");
    node->state = folder_of(FOLDER_STATE, ctx->root, ctx->privileged, "storage");
    node->host = storage_host_new(&setup, node, node_get()->bus);
    ManagedTable *table = storage_host_pools(node->host);
    if (managed_table_keep(table, node->config, node->state) < 0) {
        node_free(node);
        return -1;
    }
    state = node;
    managed_table_load(table);
    managed_table_autostart(table);
    node_get()->tables.pools = table;
    return 0;
}

static void state_stop(void)
{
    node_get()->tables.pools = NULL;
    g_clear_pointer(&state, node_free);
}

static gboolean state_busy(void)
{
    return state && managed_table_busy(storage_host_pools(state->host));
}

void storage_driver_register(void)
{
    static const NodeDriver driver = {
        .name = "storage", .error_domain = VIR_FROM_STORAGE, .start = state_start, .stop = state_stop, .busy = state_busy,
    };
    node_get()->storage = &storage_functions;
    node_driver_register(&driver);
}
