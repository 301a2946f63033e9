/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on volumes.
 */
#define ERROR_DOMAIN managed_thread_domain
#include "storage/api.h"
#include "storage/call.h"
#include <string.h>

static virStorageVolPtr vol_handle(virConnectPtr conn, const StoragePool *pool, const StorageVol *vol)
{
    return storage_vol_handle_new(conn, MANAGED_NAME(pool->obj), vol->name, vol->key);
}

static int vol_job(VolJob *job, virStorageVolPtr vol, VolAccess access)
{
    job->conn = vol->o.conn;
    return vol_job_begin(job, storage_api_host(vol->o.conn), vol->pool, vol->name, access);
}

static const StorageBackend *job_backend(const VolJob *job)
{
    return storage_host_backend(job->pool->host, storage_pool_def(job->state)->type);
}

/* ---- finding ---- */

/* References to all volumes of an active pool; NULL with an error. */
static GPtrArray *pool_volumes(virStoragePoolPtr handle)
{
    g_autoptr(Managed) obj = managed_find(handle->o.conn->tables->pools, handle->uuid, NULL);
    if (!obj)
        return NULL;
    g_autoptr(ManagedState) state = managed_state(obj);
    if (!managed_active(state))
        return FAIL_NULL(VIR_ERR_OPERATION_INVALID, "storage pool '%s' is not active", handle->name);
    StoragePool *pool = storage_pool_of(obj);
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify) storage_vol_unref);
    g_mutex_lock(&pool->lock);
    for (guint i = 0; i < pool->vols->len; i++)
        g_ptr_array_add(list, storage_vol_ref(pool->vols->pdata[i]));
    g_mutex_unlock(&pool->lock);
    return g_steal_pointer(&list);
}

int storage_pool_num_of_volumes(virStoragePoolPtr pool)
{
    g_autoptr(GPtrArray) list = pool_volumes(pool);
    return list ? (int) list->len : -1;
}

int storage_pool_list_volumes(virStoragePoolPtr pool, char **const names, int max)
{
    g_autoptr(GPtrArray) list = pool_volumes(pool);
    if (!list)
        return -1;
    int n = 0;
    for (; n < max && n < (int) list->len; n++)
        names[n] = g_strdup(((StorageVol *) list->pdata[n])->name);
    return n;
}

int storage_pool_list_all_volumes(virStoragePoolPtr pool, virStorageVolPtr **vols, unsigned int flags)
{
    CHECK_FLAGS(flags, 0, -1);
    g_autoptr(GPtrArray) list = pool_volumes(pool);
    if (!list)
        return -1;
    if (!vols)
        return (int) list->len;
    *vols = g_new0(virStorageVolPtr, list->len + 1);
    for (guint i = 0; i < list->len; i++) {
        const StorageVol *vol = list->pdata[i];
        (*vols)[i] = storage_vol_handle_new(pool->o.conn, pool->name, vol->name, vol->key);
    }
    return (int) list->len;
}

virStorageVolPtr storage_vol_lookup_by_name(virStoragePoolPtr pool, const char *name)
{
    g_auto(VolJob) job = { NULL };
    if (vol_job_begin(&job, storage_api_host(pool->o.conn), pool->name, name, VOL_LOOK) < 0)
        return NULL;
    return vol_handle(pool->o.conn, job.pool, job.vol);
}

/* The volume that an index of any active pool has under @text. */
static virStorageVolPtr lookup_everywhere(virConnectPtr conn, size_t index_at, const char *text)
{
    g_autoptr(GPtrArray) pools = managed_objects(conn->tables->pools, MANAGED_LIST_ACTIVE, NULL, NULL);
    for (guint i = 0; i < pools->len; i++) {
        StoragePool *pool = storage_pool_of(pools->pdata[i]);
        g_mutex_lock(&pool->lock);
        StorageVol *vol = g_hash_table_lookup(*(GHashTable **) ((char *) pool + index_at), text);
        virStorageVolPtr handle = vol ? vol_handle(conn, pool, vol) : NULL;
        g_mutex_unlock(&pool->lock);
        if (handle)
            return handle;
    }
    return NULL;
}

virStorageVolPtr storage_vol_lookup_by_key(virConnectPtr conn, const char *key)
{
    virStorageVolPtr vol = lookup_everywhere(conn, offsetof(StoragePool, by_key), key);
    return vol ? vol : FAIL_NULL(VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching key '%s'", key);
}

virStorageVolPtr storage_vol_lookup_by_path(virConnectPtr conn, const char *path)
{
    virStorageVolPtr vol = lookup_everywhere(conn, offsetof(StoragePool, by_path), path);
    return vol ? vol : FAIL_NULL(VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching path '%s'", path);
}

/* ---- making ---- */

static int run_create(StorageCall *call)
{
    return call->backend->vol_create(call->pool, call->vol, call->def, call->from, call->flags);
}

static int make(VolJob *job, StorageVol *from, unsigned int flags)
{
    g_autoptr(StorageCall) call = vol_job_call(job, from ? "copy" : "create", run_create);
    if (call) {
        if (from)
            storage_call_set_source(call, from);
        call->flags = flags;
    }
    if (!call || storage_call_run(call) < 0) {
        vol_job_drop(job);
        return -1;
    }
    call->def->target.nocow = false; /* a wish, not a property */
    vol_job_settle(job, call->def);
    vol_job_publish(job, g_steal_pointer(&call->def));
    return vol_job_refresh(job);
}

static virStorageVolPtr create(virStoragePoolPtr handle, const char *xml, StorageVol *from, unsigned int flags,
                               const char *api)
{
    virConnectPtr conn = handle->o.conn;
    PoolHost *host = storage_api_host(conn);
    g_auto(VolJob) job = { .conn = conn };
    g_autoptr(Managed) obj = managed_find(conn->tables->pools, handle->uuid, NULL);
    if (!obj)
        return NULL;
    g_autoptr(ManagedState) state = managed_state(obj);
    if (!managed_active(state))
        return FAIL_NULL(VIR_ERR_OPERATION_INVALID, "storage pool '%s' is not active", handle->name);
    const StoragePoolDef *pool_def = storage_pool_def(state);
    const StorageBackend *backend = storage_host_backend(host, pool_def->type);
    if (!backend)
        return NULL;
    if (!backend->vol_create)
        return FAIL_NULL(VIR_ERR_NO_SUPPORT, "volumes can't be made in storage pool '%s'", handle->name);
    if (error_check_flags(ERROR_DOMAIN, api, flags, backend->vol_create_flags | VIR_STORAGE_VOL_CREATE_VALIDATE) < 0)
        return NULL;
    gboolean validate = (flags & VIR_STORAGE_VOL_CREATE_VALIDATE) != 0;
    StorageVolDef *def = storage_vol_read(storage_pool_of(obj), pool_def, xml, FALSE, validate);
    if (!def || vol_job_create(&job, host, handle->name, from, def) < 0 ||
        make(&job, from, flags & ~VIR_STORAGE_VOL_CREATE_VALIDATE) < 0)
        return NULL;
    return vol_handle(conn, job.pool, job.vol);
}

virStorageVolPtr storage_vol_create_xml(virStoragePoolPtr pool, const char *xml, unsigned int flags)
{
    return create(pool, xml, NULL, flags, "virStorageVolCreateXML");
}

virStorageVolPtr storage_vol_create_xml_from(virStoragePoolPtr pool, const char *xml, virStorageVolPtr from,
                                             unsigned int flags)
{
    g_auto(VolJob) source = { NULL };
    if (vol_job(&source, from, VOL_USE) < 0 || vol_job_refresh(&source) < 0)
        return NULL;
    return create(pool, xml, source.vol, flags, "virStorageVolCreateXMLFrom");
}

/* ---- changing ---- */

static int run_delete(StorageCall *call)
{
    return call->backend->vol_delete(call->pool, call->vol, call->def, call->flags);
}

int storage_vol_delete(virStorageVolPtr vol, unsigned int flags)
{
    g_auto(VolJob) job = { NULL };
    if (vol_job(&job, vol, VOL_CHANGE) < 0)
        return -1;
    const StorageBackend *backend = job_backend(&job);
    if (!backend || error_check_flags(ERROR_DOMAIN, "virStorageVolDelete", flags, backend->vol_delete_flags) < 0)
        return -1;
    if (backend->vol_delete) {
        g_autoptr(StorageCall) call = vol_job_call(&job, "delete", run_delete);
        if (!call)
            return -1;
        call->flags = flags;
        if (storage_call_run(call) < 0)
            return -1;
    }
    vol_job_drop(&job);
    return 0;
}

static int run_wipe(StorageCall *call)
{
    return call->backend->vol_wipe(call->pool, call->vol, call->def, call->algorithm);
}

int storage_vol_wipe_pattern(virStorageVolPtr vol, unsigned int algorithm, unsigned int flags)
{
    g_auto(VolJob) job = { NULL };
    CHECK_FLAGS(flags, 0, -1);
    if (algorithm > VIR_STORAGE_VOL_WIPE_ALG_TRIM)
        return FAIL(VIR_ERR_INVALID_ARG, "there is no wiping algorithm %u", algorithm);
    if (vol_job(&job, vol, VOL_CHANGE) < 0)
        return -1;
    const StorageBackend *backend = job_backend(&job);
    if (!backend)
        return -1;
    if (!backend->vol_wipe || !(backend->wipe_algorithms >> algorithm & 1))
        return FAIL(VIR_ERR_NO_SUPPORT, "volume '%s' can't be wiped with algorithm %u", vol->name, algorithm);
    g_autoptr(StorageCall) call = vol_job_refresh(&job) < 0 ? NULL : vol_job_call(&job, "wipe", run_wipe);
    if (!call)
        return -1;
    call->algorithm = algorithm;
    return storage_call_run(call) < 0 ? -1 : vol_job_refresh(&job);
}

int storage_vol_wipe(virStorageVolPtr vol, unsigned int flags)
{
    return storage_vol_wipe_pattern(vol, VIR_STORAGE_VOL_WIPE_ALG_ZERO, flags);
}

/* The capacity that is wanted; 0 or -1. */
static int wanted_capacity(const StorageVolDef *def, guint64 *capacity, unsigned int flags)
{
    if (flags & VIR_STORAGE_VOL_RESIZE_DELTA) {
        if (flags & VIR_STORAGE_VOL_RESIZE_SHRINK)
            *capacity = def->capacity - MIN(def->capacity, *capacity);
        else if (*capacity > G_MAXUINT64 - def->capacity)
            return FAIL(VIR_ERR_OVERFLOW, "volume '%s' can't become so large", def->name);
        else
            *capacity += def->capacity;
    }
    if (flags & VIR_STORAGE_VOL_RESIZE_SHRINK)
        return 0;
    if (*capacity < def->allocation)
        return FAIL(VIR_ERR_INVALID_ARG, "volume '%s' has %" G_GUINT64_FORMAT " bytes allocated and can't be made smaller",
                    def->name, def->allocation);
    if (*capacity < def->capacity)
        return FAIL(VIR_ERR_INVALID_ARG, "volume '%s' would become smaller: that needs the flag SHRINK "
                    "(virsh vol-resize --shrink)", def->name);
    return 0;
}

static int run_resize(StorageCall *call)
{
    return call->backend->vol_resize(call->pool, call->vol, call->def, call->number, call->flags);
}

int storage_vol_resize(virStorageVolPtr vol, unsigned long long wanted, unsigned int flags)
{
    g_auto(VolJob) job = { NULL };
    guint64 capacity = wanted;
    if (vol_job(&job, vol, VOL_CHANGE) < 0)
        return -1;
    const StorageBackend *backend = job_backend(&job);
    if (!backend || error_check_flags(ERROR_DOMAIN, "virStorageVolResize", flags, backend->vol_resize_flags) < 0)
        return -1;
    if (!backend->vol_resize)
        return FAIL(VIR_ERR_NO_SUPPORT, "volumes of storage pool '%s' can't be resized", vol->pool);
    if (vol_job_refresh(&job) < 0 || wanted_capacity(vol_job_def(&job), &capacity, flags) < 0)
        return -1;
    g_autoptr(StorageCall) call = vol_job_call(&job, "resize", run_resize);
    if (!call)
        return -1;
    call->number = capacity;
    call->flags = flags;
    if (storage_call_run(call) < 0)
        return -1;
    call->def->capacity = capacity;
    vol_job_publish(&job, g_steal_pointer(&call->def));
    return vol_job_refresh(&job);
}

/* ---- answers ---- */

/* Bytes of a volume that are there while it is being made: what clients show as progress. */
static guint64 progress_of(const VolJob *job)
{
    g_mutex_lock(&job->pool->lock);
    guint64 bytes = job->vol->call ? job->vol->call->progress : 0;
    g_mutex_unlock(&job->pool->lock);
    return bytes;
}

int storage_vol_get_info_flags(virStorageVolPtr vol, virStorageVolInfoPtr info, unsigned int flags)
{
    g_auto(VolJob) job = { NULL };
    CHECK_FLAGS(flags, VIR_STORAGE_VOL_GET_PHYSICAL, -1);
    if (vol_job(&job, vol, VOL_LOOK) < 0 || vol_job_refresh(&job) < 0)
        return -1;
    const StorageVolDef *def = vol_job_def(&job);
    *info = (virStorageVolInfo) { .type = def->type - 1, .capacity = def->capacity, .allocation = def->allocation };
    if (job.making)
        info->allocation = progress_of(&job);
    if ((flags & VIR_STORAGE_VOL_GET_PHYSICAL) && def->has_physical)
        info->allocation = def->physical;
    return 0;
}

int storage_vol_get_info(virStorageVolPtr vol, virStorageVolInfoPtr info)
{
    return storage_vol_get_info_flags(vol, info, 0);
}

char *storage_vol_get_xml_desc(virStorageVolPtr vol, unsigned int flags)
{
    g_auto(VolJob) job = { NULL };
    CHECK_FLAGS(flags, 0, NULL);
    return vol_job(&job, vol, VOL_LOOK) < 0 || vol_job_refresh(&job) < 0 ? NULL : g_strdup(definition_xml(job.def, 0));
}

char *storage_vol_get_path(virStorageVolPtr vol)
{
    g_auto(VolJob) job = { NULL };
    return vol_job(&job, vol, VOL_LOOK) < 0 ? NULL : g_strdup(job.vol->path);
}
