/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools as managed objects.
 */
#define ERROR_DOMAIN managed_thread_domain
#include "storage/pool.h"
#include <stddef.h>
#include <string.h>
#include "base/error.h"
#include "core/event_table.h"
#include "storage/vol.h"

/* ---- for backends ---- */

PoolHost *storage_pool_host(const StoragePool *pool) { return pool->host; }
const char *storage_pool_name(const StoragePool *pool) { return MANAGED_NAME(pool->obj); }
void *storage_pool_priv(const StoragePool *pool) { return pool->priv; }

void storage_pool_set_priv(StoragePool *pool, void *priv, GDestroyNotify free_priv)
{
    pool->priv = priv;
    pool->free_priv = free_priv;
}

void storage_pool_set_sizes(StoragePool *pool, guint64 capacity, guint64 allocation, guint64 available)
{
    g_mutex_lock(&pool->lock);
    pool->capacity = capacity;
    pool->allocation = allocation;
    pool->available = available;
    g_mutex_unlock(&pool->lock);
}

gboolean storage_pool_take(StoragePool *pool, guint64 bytes)
{
    g_mutex_lock(&pool->lock);
    gboolean enough = bytes <= pool->available;
    if (enough) {
        pool->available -= bytes;
        pool->allocation += bytes;
    }
    g_mutex_unlock(&pool->lock);
    return enough;
}

void storage_pool_give(StoragePool *pool, guint64 bytes)
{
    g_mutex_lock(&pool->lock);
    bytes = MIN(bytes, pool->allocation);
    pool->allocation -= bytes;
    pool->available += bytes;
    g_mutex_unlock(&pool->lock);
}

/* ---- as managed objects ---- */

static void pool_init(Managed *obj)
{
    StoragePool *pool = obj->data = g_new0(StoragePool, 1);
    pool->obj = obj;
    pool->host = managed_table_priv(obj->table);
    g_mutex_init(&pool->lock);
    storage_index_init(pool);
    const StorageDriverSetup *setup = storage_host_setup(pool->host);
    if (setup->pool_new)
        setup->pool_new(pool);
}

static void pool_clear(Managed *obj)
{
    StoragePool *pool = obj->data;
    storage_index_clear(pool);
    if (pool->free_priv)
        pool->free_priv(pool->priv);
    g_mutex_clear(&pool->lock);
    g_free(pool);
}

static Event *pool_event(const Managed *obj, const void *def, int event, int detail)
{
    return event_storage_pool_lifecycle_new(MANAGED_NAME(obj), obj->entry.uuid, -1, event, detail);
}

static void *pool_handle(virConnectPtr conn, const Managed *obj, const void *def)
{
    return storage_pool_handle_new(conn, MANAGED_NAME(obj), obj->entry.uuid);
}

static int pool_complete(void *def)
{
    return storage_pool_complete(def);
}

const ManagedKind storage_pool_kind = {
    .name = "storage pool",
    .root = &STORAGE_POOL_ROOT,
    .error_domain = VIR_FROM_STORAGE,
    .no_object = VIR_ERR_NO_STORAGE_POOL,
    .clash = VIR_ERR_OPERATION_FAILED,
    .name_at = offsetof(StoragePoolDef, name),
    .uuid_at = offsetof(StoragePoolDef, uuid),
    .has_uuid_at = offsetof(StoragePoolDef, has_uuid),
    .complete = pool_complete,
    .event = pool_event,
    .defined = VIR_STORAGE_POOL_EVENT_DEFINED,
    .undefined = VIR_STORAGE_POOL_EVENT_UNDEFINED,
    .started = VIR_STORAGE_POOL_EVENT_STARTED,
    .stopped = VIR_STORAGE_POOL_EVENT_STOPPED,
    .handle = pool_handle,
    .init = pool_init,
    .clear = pool_clear,
};

const StoragePoolDef *storage_pool_def(const ManagedState *state)
{
    return definition_get(managed_definition(state));
}

/* Two pools for the same storage would each change it behind the other's back. */
static int pool_check(ManagedTable *table, void *def, const void *old)
{
    const StoragePoolDef *pool = def;
    if (!storage_host_backend(managed_table_priv(table), pool->type))
        return -1;
    g_autoptr(GPtrArray) all = managed_objects(table, 0, NULL, NULL);
    for (guint i = 0; i < all->len; i++) {
        Managed *other = all->pdata[i];
        g_autoptr(ManagedState) state = managed_state(other);
        if (!managed_visible(state) || memcmp(other->entry.uuid, pool->uuid, sizeof(pool->uuid)) == 0)
            continue;
        if (!storage_pool_same_source(pool, storage_pool_def(state)))
            continue;
        error_report(VIR_FROM_STORAGE, VIR_ERR_OPERATION_FAILED, "storage source of pool '%s' is already that of pool '%s'",
                     pool->name, MANAGED_NAME(other));
        return -1;
    }
    return 0;
}

/* ---- backend calls ---- */

static int scan(StoragePool *pool, const StorageBackend *backend, const StoragePoolDef *def)
{
    StorageScan found;
    if (!backend->pool_refresh)
        return 0;
    storage_scan_init(pool, &found);
    int rc = backend->pool_refresh(pool, def, &found);
    if (rc == 0)
        storage_scan_apply(pool, &found);
    storage_scan_clear(&found);
    return rc;
}

/* Keep calls on volumes out. */
static int close_pool(StoragePool *pool, const char *what)
{
    g_mutex_lock(&pool->lock);
    guint jobs = pool->jobs;
    if (!jobs)
        pool->closing = TRUE;
    g_mutex_unlock(&pool->lock);
    if (!jobs)
        return 0;
    return FAIL(VIR_ERR_INTERNAL_ERROR, "pool '%s' can't be %s: %u calls are at work on its volumes",
                MANAGED_NAME(pool->obj), what, jobs);
}

static void reopen_pool(StoragePool *pool)
{
    g_mutex_lock(&pool->lock);
    pool->closing = FALSE;
    g_mutex_unlock(&pool->lock);
}

static int stop_backend(StoragePool *pool, const StorageBackend *backend, const StoragePoolDef *def)
{
    if (backend->pool_stop && backend->pool_stop(pool, def) < 0)
        return -1;
    if (backend->pool_refresh) {
        g_mutex_lock(&pool->lock);
        storage_index_clear(pool);
        storage_index_init(pool);
        g_mutex_unlock(&pool->lock);
    }
    return 0;
}

static int pool_start(Managed *obj, void *live)
{
    StoragePool *pool = obj->data;
    const StoragePoolDef *def = live;
    const StorageBackend *backend = storage_host_backend(pool->host, def->type);
    if (!backend || (backend->pool_start && backend->pool_start(pool, def) < 0))
        return -1;
    if (scan(pool, backend, def) == 0) {
        reopen_pool(pool);
        return 0;
    }
    virErrorPtr saved = error_save();
    stop_backend(pool, backend, def);
    error_restore(saved);
    return -1;
}

static int pool_stop(Managed *obj, const void *live)
{
    StoragePool *pool = obj->data;
    const StoragePoolDef *def = live;
    const StorageBackend *backend = storage_host_backend(pool->host, def->type);
    if (!backend || close_pool(pool, "stopped") < 0)
        return -1;
    int rc = stop_backend(pool, backend, def);
    if (rc < 0)
        reopen_pool(pool); /* else it stays closed until it is started again */
    return rc;
}

const ManagedBackend storage_pool_managed = {
    .check = pool_check,
    .start = pool_start,
    .stop = pool_stop,
};

int storage_pool_need_inactive(const ManagedJob *job)
{
    return managed_active(job->state)
        ? FAIL(VIR_ERR_OPERATION_INVALID, "storage pool '%s' is already active", MANAGED_NAME(job->obj)) : 0;
}

static void set_building(StoragePool *pool, gboolean building)
{
    g_mutex_lock(&pool->lock);
    pool->building = building;
    g_mutex_unlock(&pool->lock);
}

int storage_pool_build(Managed *obj, const StoragePoolDef *def, unsigned int flags)
{
    StoragePool *pool = storage_pool_of(obj);
    const StorageBackend *backend = storage_host_backend(pool->host, def->type);
    if (!backend)
        return -1;
    set_building(pool, TRUE);
    int rc = backend->pool_build ? backend->pool_build(pool, def, flags) : 0;
    set_building(pool, FALSE);
    if (rc == 0)
        managed_table_emit(obj->table, pool_event(obj, def, VIR_STORAGE_POOL_EVENT_CREATED, 0));
    return rc;
}

int storage_pool_refresh(ManagedJob *job)
{
    StoragePool *pool = storage_pool_of(job->obj);
    const StoragePoolDef *def = storage_pool_def(job->state);
    const StorageBackend *backend = storage_host_backend(pool->host, def->type);
    if (!backend)
        return -1;
    if (!managed_active(job->state))
        return FAIL(VIR_ERR_OPERATION_INVALID, "storage pool '%s' is not active", MANAGED_NAME(job->obj));
    if (scan(pool, backend, def) < 0)
        return -1;
    managed_table_emit(job->obj->table, event_storage_pool_refresh_new(MANAGED_NAME(job->obj), job->obj->entry.uuid, -1));
    return 0;
}

int storage_pool_delete(ManagedJob *job, unsigned int flags)
{
    StoragePool *pool = storage_pool_of(job->obj);
    const StoragePoolDef *def = storage_pool_def(job->state);
    const StorageBackend *backend = storage_host_backend(pool->host, def->type);
    if (!backend || storage_pool_need_inactive(job) < 0)
        return -1;
    if (backend->pool_delete && backend->pool_delete(pool, def, flags) < 0)
        return -1;
    managed_table_emit(job->obj->table, pool_event(job->obj, def, VIR_STORAGE_POOL_EVENT_DELETED, 0));
    return 0;
}

char *storage_pool_xml(Managed *obj, const ManagedState *state, unsigned int flags)
{
    StoragePool *pool = obj->data;
    Definition *shown = (flags & XML_INACTIVE) && state->config ? state->config : managed_definition(state);
    StoragePoolDef *def = definition_copy(shown);
    g_mutex_lock(&pool->lock);
    def->capacity = pool->capacity;
    def->allocation = pool->allocation;
    def->available = pool->available;
    g_mutex_unlock(&pool->lock);
    char *text = xml_format(&STORAGE_POOL_DEF_DESC, def, STORAGE_POOL_ROOT.name, STORAGE_POOL_ROOT.ns, 0, flags);
    xml_struct_free(&STORAGE_POOL_DEF_DESC, def);
    return text;
}
