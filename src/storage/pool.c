/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools as managed objects.
 */
#define ERROR_DOMAIN managed_thread_domain
#include "storage/pool.h"
#include <stddef.h>
#include <string.h>
#include "base/error.h"
#include "base/threadpool.h"
#include "core/event_table.h"
#include "storage/call.h"

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

void storage_pool_set_rights(StoragePool *pool, guint mode, gint64 owner, gint64 group)
{
    g_mutex_lock(&pool->lock);
    pool->rights = (StoragePermissions) { .has_mode = true, .mode = mode, .has_owner = true, .owner = owner, .has_group = true,
                                          .group = group };
    g_mutex_unlock(&pool->lock);
}

void storage_pool_set_free_extents(StoragePool *pool, const StorageExtent *extents, guint n)
{
    GArray *copy = g_array_new(FALSE, TRUE, sizeof(*extents));
    if (n)
        g_array_append_vals(copy, extents, n);
    g_mutex_lock(&pool->lock);
    GArray *old = pool->extents;
    pool->extents = copy;
    g_mutex_unlock(&pool->lock);
    if (old)
        g_array_unref(old);
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
    g_cond_init(&pool->changed);
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
    storage_connection_unref(pool->connection);
    definition_unref(pool->running);
    if (pool->extents)
        g_array_unref(pool->extents);
    g_cond_clear(&pool->changed);
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
    .edit = "pool-edit",
    .status = "poolstate",
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

static int run_start(StorageCall *call)
{
    return call->backend->pool_start(call->pool, definition_get(call->pool_def));
}

static int run_restore(StorageCall *call)
{
    return call->backend->pool_restore(call->pool, definition_get(call->pool_def));
}

static int run_stop(StorageCall *call)
{
    return call->backend->pool_stop(call->pool, definition_get(call->pool_def));
}

static int run_build(StorageCall *call)
{
    return call->backend->pool_build(call->pool, definition_get(call->pool_def), call->flags);
}

static int run_delete(StorageCall *call)
{
    return call->backend->pool_delete(call->pool, definition_get(call->pool_def), call->flags);
}

static int run_refresh(StorageCall *call)
{
    return call->backend->pool_refresh(call->pool, definition_get(call->pool_def), &call->scan);
}

static int call_pool(StoragePool *pool, const StoragePoolDef *def, const char *operation, StorageRun run, unsigned int flags)
{
    g_autoptr(StorageCall) call = storage_call_new(pool, def, operation, run);
    if (!call)
        return -1;
    call->flags = flags;
    call->always = run == run_stop || run == run_start || run == run_restore;
    call->asks_anew = TRUE;
    if (run == run_stop && def->target.path)
        call->by_hand = call->backend->stop_by_hand;
    return storage_call_run(call);
}

static int scan(StoragePool *pool, const StorageBackend *backend, const StoragePoolDef *def)
{
    if (!backend->pool_refresh)
        return 0;
    g_autoptr(StorageCall) call = storage_call_new(pool, def, "refresh", run_refresh);
    if (!call)
        return -1;
    storage_scan_init(pool, &call->scan);
    call->asks_anew = TRUE;
    int rc = storage_call_run(call);
    if (rc == 0)
        storage_scan_apply(pool, &call->scan);
    return rc;
}

void storage_pool_moved(StoragePool *pool)
{
    pool->moved_us = g_get_monotonic_time();
    g_cond_broadcast(&pool->changed);
}

void storage_pool_wait(StoragePool *pool, gint64 until_us)
{
    pool_blocking_begin();
    g_cond_wait_until(&pool->changed, &pool->lock, until_us);
    pool_blocking_end();
}

/* With the pool's lock held: how many are at work on volumes, and until when that is waited for. Clients that are idle don't count: their
 * streams have descriptors of their own. */
static guint at_work(const StoragePool *pool, gint64 began_us, gint64 *until_us)
{
    guint jobs = pool->jobs - pool->streams;
    *until_us = jobs ? MAX(began_us, pool->moved_us) + STORAGE_STALL_MS * 1000 : pool->stream_us + STORAGE_IDLE_MS * 1000;
    return jobs || !pool->streams || g_get_monotonic_time() >= *until_us ? jobs : pool->streams;
}

/* Let those that are at work on volumes end, and no others begin. */
static int close_pool(StoragePool *pool)
{
    gint64 began_us = g_get_monotonic_time(), until_us;
    guint jobs;
    g_mutex_lock(&pool->lock);
    pool->closing = TRUE;
    while ((jobs = at_work(pool, began_us, &until_us)) && g_get_monotonic_time() < until_us)
        storage_pool_wait(pool, until_us);
    if (jobs) {
        pool->closing = FALSE;
        storage_pool_moved(pool);
    }
    g_mutex_unlock(&pool->lock);
    if (!jobs)
        return 0;
    return FAIL(VIR_ERR_OPERATION_TIMEOUT, "pool '%s' can't be stopped: %u calls are at work on its volumes, and have not moved on for %d s",
                MANAGED_NAME(pool->obj), jobs, STORAGE_STALL_MS / 1000);
}

/* Let calls on volumes in, or tell those that wait that there won't be any. */
static void set_running(StoragePool *pool, const StoragePoolDef *def)
{
    Definition *running = def ? definition_new(&STORAGE_POOL_ROOT, xml_struct_copy(&STORAGE_POOL_DEF_DESC, def)) : NULL;
    g_mutex_lock(&pool->lock);
    g_clear_pointer(&pool->running, definition_unref);
    pool->running = running;
    pool->closing = FALSE;
    if (!running) {
        pool->life++;
        pool->left += pool->stuck;
        pool->stuck = 0;
        pool->silent_us = 0;
    }
    storage_pool_moved(pool);
    g_mutex_unlock(&pool->lock);
}

static void reopen_pool(StoragePool *pool)
{
    g_mutex_lock(&pool->lock);
    pool->closing = FALSE;
    storage_pool_moved(pool);
    g_mutex_unlock(&pool->lock);
}

static int stop_backend(StoragePool *pool, const StorageBackend *backend, const StoragePoolDef *def)
{
    if (backend->pool_stop && call_pool(pool, def, "stop", run_stop, 0) < 0)
        return -1;
    if (backend->pool_refresh) {
        g_mutex_lock(&pool->lock);
        storage_index_clear(pool);
        storage_index_init(pool);
        g_mutex_unlock(&pool->lock);
    }
    return 0;
}

static int begin(StoragePool *pool, const StorageBackend *backend, const StoragePoolDef *def)
{
    set_running(pool, def);
    if (scan(pool, backend, def) == 0)
        return 0;
    virErrorPtr saved = error_save();
    stop_backend(pool, backend, def);
    set_running(pool, NULL);
    error_restore(saved);
    return -1;
}

static int pool_start(Managed *obj, void *live)
{
    StoragePool *pool = obj->data;
    const StoragePoolDef *def = live;
    const StorageBackend *backend = storage_host_backend(pool->host, def->type);
    if (!backend || (backend->pool_start && call_pool(pool, def, "start", run_start, 0) < 0))
        return -1;
    return begin(pool, backend, def);
}

static int pool_restore(Managed *obj, void *live)
{
    StoragePool *pool = obj->data;
    const StoragePoolDef *def = live;
    const StorageBackend *backend = storage_host_backend(pool->host, def->type);
    StorageRun run = !backend ? NULL : backend->pool_restore ? run_restore : backend->pool_start ? run_start : NULL;
    if (!backend || (run && call_pool(pool, def, "restore", run, 0) < 0))
        return -1;
    return begin(pool, backend, def);
}

static int pool_stop(Managed *obj, const void *live)
{
    StoragePool *pool = obj->data;
    const StoragePoolDef *def = live;
    const StorageBackend *backend = storage_host_backend(pool->host, def->type);
    if (!backend || close_pool(pool) < 0)
        return -1;
    int rc = stop_backend(pool, backend, def);
    if (rc < 0)
        reopen_pool(pool);
    else
        set_running(pool, NULL);
    return rc;
}

const ManagedBackend storage_pool_managed = {
    .rules = MANAGED_MAY_HANG,
    .check = pool_check,
    .start = pool_start,
    .stop = pool_stop,
    .restore = pool_restore,
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
    int rc = backend->pool_build ? call_pool(pool, def, "build", run_build, flags) : 0;
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
    if (backend->pool_delete && call_pool(pool, def, "delete", run_delete, flags) < 0)
        return -1;
    managed_table_emit(job->obj->table, pool_event(job->obj, def, VIR_STORAGE_POOL_EVENT_DELETED, 0));
    return 0;
}

/* With the pool's lock held. */
static void show_extents(const StoragePool *pool, StoragePoolDef *def)
{
    if (!pool->extents || !def->source.n_devices)
        return;
    StoragePoolDevice *device = def->source.devices[0];
    while (device->n_free_extents)
        xml_struct_free(&STORAGE_EXTENT_DESC, device->free_extents[--device->n_free_extents]);
    device->free_extents = g_renew(StorageExtent *, device->free_extents, pool->extents->len + 1);
    for (guint i = 0; i < pool->extents->len; i++) {
        StorageExtent *extent = device->free_extents[device->n_free_extents++] = xml_struct_new(&STORAGE_EXTENT_DESC);
        *extent = g_array_index(pool->extents, StorageExtent, i);
    }
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
    if (pool->running && shown == state->live)
        show_extents(pool, def);
    if (pool->running && shown == state->live && pool->rights.has_mode) {
        StoragePermissions *rights = def->target.permissions ?: (def->target.permissions = xml_struct_new(&STORAGE_PERMISSIONS_DESC));
        g_autofree char *label = rights->label;
        *rights = pool->rights;
        rights->label = g_steal_pointer(&label);
    }
    g_mutex_unlock(&pool->lock);
    char *text = xml_format(&STORAGE_POOL_DEF_DESC, def, STORAGE_POOL_ROOT.name, STORAGE_POOL_ROOT.ns, 0, flags);
    xml_struct_free(&STORAGE_POOL_DEF_DESC, def);
    return text;
}
