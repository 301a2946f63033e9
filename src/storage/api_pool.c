/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on pools.
 */
#define ERROR_DOMAIN managed_thread_domain
#include "storage/api.h"
#include <string.h>

static int pool_job(ManagedJob *job, virStoragePoolPtr pool, const char *api)
{
    return managed_job_begin(job, pool->o.conn->tables->pools, pool->uuid, NULL, api);
}

/* ---- finding ---- */

static int connect_num_of_storage_pools(virConnectPtr conn)
{
    return managed_count(conn->tables->pools, MANAGED_LIST_ACTIVE);
}

static int connect_list_storage_pools(virConnectPtr conn, char **const names, int max)
{
    return managed_names(conn->tables->pools, MANAGED_LIST_ACTIVE, (char **) names, max);
}

static int connect_num_of_defined_storage_pools(virConnectPtr conn)
{
    return managed_count(conn->tables->pools, MANAGED_LIST_INACTIVE);
}

static int connect_list_defined_storage_pools(virConnectPtr conn, char **const names, int max)
{
    return managed_names(conn->tables->pools, MANAGED_LIST_INACTIVE, (char **) names, max);
}

/* Flags that ask for types, by type. */
static const unsigned int type_flags[STORAGE_POOL_TYPE_LAST] = {
    [STORAGE_POOL_TYPE_DIR] = VIR_CONNECT_LIST_STORAGE_POOLS_DIR,
    [STORAGE_POOL_TYPE_FS] = VIR_CONNECT_LIST_STORAGE_POOLS_FS,
    [STORAGE_POOL_TYPE_NETFS] = VIR_CONNECT_LIST_STORAGE_POOLS_NETFS,
    [STORAGE_POOL_TYPE_LOGICAL] = VIR_CONNECT_LIST_STORAGE_POOLS_LOGICAL,
    [STORAGE_POOL_TYPE_DISK] = VIR_CONNECT_LIST_STORAGE_POOLS_DISK,
    [STORAGE_POOL_TYPE_ISCSI] = VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI,
    [STORAGE_POOL_TYPE_ISCSI_DIRECT] = VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI_DIRECT,
    [STORAGE_POOL_TYPE_SCSI] = VIR_CONNECT_LIST_STORAGE_POOLS_SCSI,
    [STORAGE_POOL_TYPE_MPATH] = VIR_CONNECT_LIST_STORAGE_POOLS_MPATH,
    [STORAGE_POOL_TYPE_RBD] = VIR_CONNECT_LIST_STORAGE_POOLS_RBD,
    [STORAGE_POOL_TYPE_SHEEPDOG] = VIR_CONNECT_LIST_STORAGE_POOLS_SHEEPDOG,
    [STORAGE_POOL_TYPE_GLUSTER] = VIR_CONNECT_LIST_STORAGE_POOLS_GLUSTER,
    [STORAGE_POOL_TYPE_ZFS] = VIR_CONNECT_LIST_STORAGE_POOLS_ZFS,
    [STORAGE_POOL_TYPE_VSTORAGE] = VIR_CONNECT_LIST_STORAGE_POOLS_VSTORAGE,
};
#define TYPE_FLAGS (VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI_DIRECT * 2 - VIR_CONNECT_LIST_STORAGE_POOLS_DIR)

static gboolean type_passes(Managed *obj, const ManagedState *state, void *opaque)
{
    unsigned int wanted = *(unsigned int *) opaque & TYPE_FLAGS;
    return !wanted || (wanted & type_flags[storage_pool_def(state)->type]);
}

static int connect_list_all_storage_pools(virConnectPtr conn, virStoragePoolPtr **pools, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->pools, flags, MANAGED_LIST_ALL | TYPE_FLAGS, -1);
    return managed_list(conn->tables->pools, conn, flags, type_passes, &flags, pools);
}

static virStoragePoolPtr storage_pool_lookup_by_name(virConnectPtr conn, const char *name)
{
    return managed_lookup(conn, conn->tables->pools, NULL, name);
}

static virStoragePoolPtr storage_pool_lookup_by_uuid(virConnectPtr conn, const unsigned char *uuid)
{
    return managed_lookup(conn, conn->tables->pools, uuid, NULL);
}

virStoragePoolPtr storage_pool_lookup_by_volume(virStorageVolPtr vol)
{
    return managed_lookup(vol->o.conn, vol->o.conn->tables->pools, NULL, vol->pool);
}

static gboolean has_target(Managed *obj, const ManagedState *state, void *opaque)
{
    return g_strcmp0(storage_pool_def(state)->target.path, opaque) == 0;
}

static virStoragePoolPtr storage_pool_lookup_by_target_path(virConnectPtr conn, const char *path)
{
    g_autofree char *clean = g_strdup(path);
    for (size_t len = strlen(clean); len > 1 && clean[len - 1] == '/'; )
        clean[--len] = '\0';
    g_autoptr(GPtrArray) found = managed_objects(conn->tables->pools, MANAGED_LIST_ACTIVE, has_target, clean);
    if (!found->len)
        return FAIL_NULL(VIR_ERR_NO_STORAGE_POOL, "no storage pool with matching target path '%s'", path);
    return managed_handle(conn, found->pdata[0]);
}

/* ---- life ---- */

static virStoragePoolPtr storage_pool_define_xml(virConnectPtr conn, const char *xml, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->pools, flags, VIR_STORAGE_POOL_DEFINE_VALIDATE, NULL);
    return managed_define_xml(conn, conn->tables->pools, xml, flags & VIR_STORAGE_POOL_DEFINE_VALIDATE, __func__);
}

#define BUILD_ON_CREATE (VIR_STORAGE_POOL_CREATE_WITH_BUILD | VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE | \
    VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE)

/* What @flags of a creation mean for the build; -1 with an error if they contradict each other. */
static int build_flags_of(unsigned int flags)
{
    gboolean over = (flags & VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE) != 0;
    gboolean keep = (flags & VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE) != 0;
    if (over && keep)
        return FAIL(VIR_ERR_INVALID_ARG, "overwriting and not overwriting what is there exclude each other");
    return (over ? VIR_STORAGE_POOL_BUILD_OVERWRITE : 0) | (keep ? VIR_STORAGE_POOL_BUILD_NO_OVERWRITE : 0);
}

static int check_build(ManagedTable *table, const StoragePoolDef *def, unsigned int flags)
{
    const StorageBackend *backend = storage_host_backend(managed_table_priv(table), def->type);
    unsigned int both = VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE;
    if (!backend)
        return -1;
    if ((flags & both) == both)
        return FAIL(VIR_ERR_INVALID_ARG, "overwriting and not overwriting what is there exclude each other");
    return error_check_flags(ERROR_DOMAIN, "virStoragePoolBuild", flags, backend->build_flags);
}

/* With the pool's job. */
static int build(Managed *obj, const StoragePoolDef *def, unsigned int flags)
{
    return check_build(obj->table, def, flags) < 0 ? -1 : storage_pool_build(obj, def, flags);
}

static int storage_pool_create(virStoragePoolPtr pool, unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    MANAGED_FLAGS(pool->o.conn->tables->pools, flags, BUILD_ON_CREATE, -1);
    int how = build_flags_of(flags);
    if (how < 0 || pool_job(&job, pool, __func__) < 0)
        return -1;
    if ((flags & BUILD_ON_CREATE) &&
        (storage_pool_need_inactive(&job) < 0 || build(job.obj, storage_pool_def(job.state), how) < 0))
        return -1;
    return managed_start(&job);
}

static int build_first(Managed *obj, void *def, void *opaque)
{
    return build(obj, def, *(int *) opaque);
}

static virStoragePoolPtr storage_pool_create_xml(virConnectPtr conn, const char *xml, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->pools, flags, BUILD_ON_CREATE, NULL);
    int how = build_flags_of(flags);
    ManagedTable *table = conn->tables->pools;
    StoragePoolDef *def = how < 0 ? NULL : managed_parse(table, xml, FALSE);
    if (!def)
        return NULL;
    g_autoptr(Managed) obj = managed_create_prepared(table, def, flags & BUILD_ON_CREATE ? build_first : NULL, &how, __func__);
    return obj ? managed_handle(conn, obj) : NULL;
}

static int storage_pool_build_call(virStoragePoolPtr pool, unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    if (pool_job(&job, pool, "virStoragePoolBuild") < 0 || storage_pool_need_inactive(&job) < 0)
        return -1;
    return build(job.obj, storage_pool_def(job.state), flags);
}

static int storage_pool_destroy(virStoragePoolPtr pool)
{
    g_auto(ManagedJob) job = { NULL };
    return pool_job(&job, pool, __func__) < 0 ? -1 : managed_stop(&job);
}

static int storage_pool_undefine(virStoragePoolPtr pool)
{
    g_auto(ManagedJob) job = { NULL };
    return pool_job(&job, pool, __func__) < 0 ? -1 : managed_undefine(&job);
}

static int storage_pool_delete_call(virStoragePoolPtr pool, unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    if (pool_job(&job, pool, "virStoragePoolDelete") < 0)
        return -1;
    const StorageBackend *backend = storage_host_backend(storage_api_host(pool->o.conn), storage_pool_def(job.state)->type);
    if (!backend || error_check_flags(ERROR_DOMAIN, "virStoragePoolDelete", flags, backend->delete_flags) < 0)
        return -1;
    return storage_pool_delete(&job, flags);
}

static int storage_pool_refresh_call(virStoragePoolPtr pool, unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    MANAGED_FLAGS(pool->o.conn->tables->pools, flags, 0, -1);
    return pool_job(&job, pool, "virStoragePoolRefresh") < 0 ? -1 : storage_pool_refresh(&job);
}

/* ---- answers ---- */

static int storage_pool_get_info(virStoragePoolPtr handle, virStoragePoolInfoPtr info)
{
    g_autoptr(Managed) obj = managed_find(handle->o.conn->tables->pools, handle->uuid, NULL);
    if (!obj)
        return -1;
    g_autoptr(ManagedState) state = managed_state(obj);
    StoragePool *pool = storage_pool_of(obj);
    g_mutex_lock(&pool->lock);
    *info = (virStoragePoolInfo) {
        .state = pool->building ? VIR_STORAGE_POOL_BUILDING : !managed_active(state) ? VIR_STORAGE_POOL_INACTIVE
            : storage_pool_is_silent(pool) ? VIR_STORAGE_POOL_INACCESSIBLE : VIR_STORAGE_POOL_RUNNING,
        .capacity = pool->capacity, .allocation = pool->allocation, .available = pool->available };
    g_mutex_unlock(&pool->lock);
    return 0;
}

static char *storage_pool_get_xml_desc(virStoragePoolPtr handle, unsigned int flags)
{
    MANAGED_FLAGS(handle->o.conn->tables->pools, flags, VIR_STORAGE_XML_INACTIVE, NULL);
    g_autoptr(ManagedState) state = NULL;
    g_autoptr(Managed) obj = managed_find_state(handle->o.conn->tables->pools, handle->uuid, NULL, &state);
    if (!obj)
        return NULL;
    return storage_pool_xml(obj, state, flags & VIR_STORAGE_XML_INACTIVE ? XML_INACTIVE : 0);
}

static int storage_pool_get_autostart(virStoragePoolPtr pool, int *autostart)
{
    return managed_get_autostart(pool->o.conn->tables->pools, pool->uuid, NULL, autostart);
}

static int storage_pool_set_autostart(virStoragePoolPtr pool, int autostart)
{
    g_auto(ManagedJob) job = { NULL };
    if (pool_job(&job, pool, __func__) < 0)
        return -1;
    if (!job.state->config)
        return FAIL(VIR_ERR_INVALID_ARG, "pool '%s' is transient: only persistent ones start by themselves",
                    MANAGED_NAME(job.obj));
    return managed_set_autostart(&job, autostart != 0);
}

static int storage_pool_is_active(virStoragePoolPtr pool)
{
    return managed_is_active(pool->o.conn->tables->pools, pool->uuid, NULL);
}

static int storage_pool_is_persistent(virStoragePoolPtr pool)
{
    return managed_is_persistent(pool->o.conn->tables->pools, pool->uuid, NULL);
}

/* ---- what a host offers ---- */

static char *connect_get_storage_pool_capabilities(virConnectPtr conn, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->pools, flags, 0, NULL);
    const void *supported[STORAGE_POOL_TYPE_LAST] = { NULL };
    for (int type = 1; type < STORAGE_POOL_TYPE_LAST; type++) {
        if (!(supported[type] = storage_host_backend(storage_api_host(conn), type)))
            virResetLastError(); /* an answer */
    }
    return storage_pool_capabilities(supported);
}

static char *connect_find_storage_pool_sources(virConnectPtr conn, const char *type, const char *spec, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->pools, flags, 0, NULL);
    PoolHost *host = storage_api_host(conn);
    StoragePoolSource *wanted = spec ? storage_pool_source_parse(spec) : NULL;
    if (spec && !wanted)
        return NULL;
    StoragePoolType kind = storage_pool_type_from_string(type);
    if (!kind)
        error_report(ERROR_DOMAIN, VIR_ERR_NO_SUPPORT, "'%s' is no type of pools", type);
    const StorageBackend *backend = kind ? storage_host_backend(host, kind) : NULL;
    char *text = NULL;
    if (backend && backend->find_sources)
        text = backend->find_sources(host, kind, wanted);
    else if (backend)
        error_report(ERROR_DOMAIN, VIR_ERR_NO_SUPPORT, "sources for pools of type '%s' can't be found", type);
    xml_struct_free(&STORAGE_POOL_SOURCE_DESC, wanted);
    return text;
}

const StorageDriver storage_functions = {
    .connect_get_storage_pool_capabilities = connect_get_storage_pool_capabilities,
    .connect_num_of_storage_pools = connect_num_of_storage_pools,
    .connect_list_storage_pools = connect_list_storage_pools,
    .connect_num_of_defined_storage_pools = connect_num_of_defined_storage_pools,
    .connect_list_defined_storage_pools = connect_list_defined_storage_pools,
    .connect_list_all_storage_pools = connect_list_all_storage_pools,
    .connect_find_storage_pool_sources = connect_find_storage_pool_sources,
    .storage_pool_lookup_by_name = storage_pool_lookup_by_name,
    .storage_pool_lookup_by_uuid = storage_pool_lookup_by_uuid,
    .storage_pool_lookup_by_volume = storage_pool_lookup_by_volume,
    .storage_pool_lookup_by_target_path = storage_pool_lookup_by_target_path,
    .storage_pool_create_xml = storage_pool_create_xml,
    .storage_pool_define_xml = storage_pool_define_xml,
    .storage_pool_build = storage_pool_build_call,
    .storage_pool_undefine = storage_pool_undefine,
    .storage_pool_create = storage_pool_create,
    .storage_pool_destroy = storage_pool_destroy,
    .storage_pool_delete = storage_pool_delete_call,
    .storage_pool_refresh = storage_pool_refresh_call,
    .storage_pool_get_info = storage_pool_get_info,
    .storage_pool_get_xml_desc = storage_pool_get_xml_desc,
    .storage_pool_get_autostart = storage_pool_get_autostart,
    .storage_pool_set_autostart = storage_pool_set_autostart,
    .storage_pool_num_of_volumes = storage_pool_num_of_volumes,
    .storage_pool_list_volumes = storage_pool_list_volumes,
    .storage_pool_list_all_volumes = storage_pool_list_all_volumes,
    .storage_vol_lookup_by_name = storage_vol_lookup_by_name,
    .storage_vol_lookup_by_key = storage_vol_lookup_by_key,
    .storage_vol_lookup_by_path = storage_vol_lookup_by_path,
    .storage_vol_create_xml = storage_vol_create_xml,
    .storage_vol_create_xml_from = storage_vol_create_xml_from,
    .storage_vol_download = storage_vol_download,
    .storage_vol_upload = storage_vol_upload,
    .storage_vol_delete = storage_vol_delete,
    .storage_vol_wipe = storage_vol_wipe,
    .storage_vol_wipe_pattern = storage_vol_wipe_pattern,
    .storage_vol_get_info = storage_vol_get_info,
    .storage_vol_get_info_flags = storage_vol_get_info_flags,
    .storage_vol_get_xml_desc = storage_vol_get_xml_desc,
    .storage_vol_get_path = storage_vol_get_path,
    .storage_vol_resize = storage_vol_resize,
    .storage_pool_is_active = storage_pool_is_active,
    .storage_pool_is_persistent = storage_pool_is_persistent,
};
