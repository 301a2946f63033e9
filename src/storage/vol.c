/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN managed_thread_domain
#include "storage/vol.h"
#include <string.h>
#include "base/error.h"
#include "storage/call.h"
#include "storage/content_calls.h"

/* ---- volumes ---- */

StorageVolDef *storage_vol_read(StoragePool *pool, const StoragePoolDef *pool_def, const char *xml, gboolean known,
                                gboolean validate)
{
    const StorageBackend *backend = storage_host_backend(pool->host, pool_def->type);
    StorageVolDef *def = backend ? definition_read(&STORAGE_VOL_ROOT, xml, validate) : NULL;
    if (!def)
        return NULL;
    if (storage_vol_complete(def, pool_def->type, known) < 0)
        definition_error_in(xml, &STORAGE_VOL_ROOT, NULL);
    else if (backend->vol_plan(pool, pool_def, def) == 0)
        return def;
    if (validate)
        definition_invalid();
    xml_struct_free(&STORAGE_VOL_DEF_DESC, def);
    return NULL;
}

StorageVol *storage_vol_new(StoragePool *pool, StorageVolDef *def)
{
    StorageVol *vol = g_new0(StorageVol, 1);
    vol->refs = 1;
    vol->pool = pool;
    vol->name = g_strdup(def->name);
    vol->key = g_strdup(def->key);
    vol->path = g_strdup(def->target.path);
    vol->def = definition_new(&STORAGE_VOL_ROOT, def);
    return vol;
}

StorageVol *storage_vol_ref(StorageVol *vol)
{
    g_atomic_int_inc(&vol->refs);
    return vol;
}

void storage_vol_unref(StorageVol *vol)
{
    if (!vol || !g_atomic_int_dec_and_test(&vol->refs))
        return;
    if (vol->free_priv)
        vol->free_priv(vol->priv);
    definition_unref(vol->def);
    g_free(vol->name);
    g_free(vol->key);
    g_free(vol->path);
    g_free(vol);
}

const char *storage_vol_name(const StorageVol *vol) { return vol->name; }
const char *storage_vol_path(const StorageVol *vol) { return vol->path; }
StoragePool *storage_vol_pool(const StorageVol *vol) { return vol->pool; }
void *storage_vol_priv(const StorageVol *vol) { return vol->priv; }

const StorageBackend *storage_vol_backend(const StorageVol *vol)
{
    return storage_host_backend(vol->pool->host, storage_vol_pool_def(vol)->type);
}

/* A volume whose backend was not asked yet has no more than names. */
static Definition *definition_locked(StorageVol *vol)
{
    if (!vol->def) {
        StorageVolDef *def = xml_struct_new(&STORAGE_VOL_DEF_DESC);
        def->name = g_strdup(vol->name);
        def->key = g_strdup(vol->key);
        def->target.path = g_strdup(vol->path);
        vol->def = definition_new(&STORAGE_VOL_ROOT, def);
    }
    return definition_ref(vol->def);
}

StorageVolDef *storage_vol_copy_def(const StorageVol *vol)
{
    g_mutex_lock(&vol->pool->lock);
    g_autoptr(Definition) def = definition_locked((StorageVol *) vol);
    g_mutex_unlock(&vol->pool->lock);
    return definition_copy(def);
}

void storage_vol_set_priv(StorageVol *vol, void *priv, GDestroyNotify free_priv)
{
    vol->priv = priv;
    vol->free_priv = free_priv;
}

/* ---- the index ---- */

void storage_index_init(StoragePool *pool)
{
    pool->vols = g_ptr_array_new_with_free_func((GDestroyNotify) storage_vol_unref);
    pool->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    pool->by_key = g_hash_table_new(g_str_hash, g_str_equal);
    pool->by_path = g_hash_table_new(g_str_hash, g_str_equal);
}

void storage_index_clear(StoragePool *pool)
{
    g_hash_table_unref(pool->by_name);
    g_hash_table_unref(pool->by_key);
    g_hash_table_unref(pool->by_path);
    for (guint i = 0; i < pool->vols->len; i++)
        ((StorageVol *) pool->vols->pdata[i])->stored = FALSE;
    g_ptr_array_unref(pool->vols);
}

void storage_index_add(StoragePool *pool, StorageVol *vol)
{
    vol->serial = ++pool->serial;
    vol->stored = TRUE;
    g_ptr_array_add(pool->vols, storage_vol_ref(vol));
    g_hash_table_insert(pool->by_name, vol->name, vol);
    g_hash_table_insert(pool->by_key, vol->key, vol);
    g_hash_table_insert(pool->by_path, vol->path, vol);
}

/* Keys and paths may belong to several volumes (links); the last one that appeared is found. */
static void forget(GHashTable *table, const char *text, StorageVol *vol)
{
    if (g_hash_table_lookup(table, text) == vol)
        g_hash_table_remove(table, text);
}

void storage_index_remove(StoragePool *pool, StorageVol *vol)
{
    if (!vol->stored)
        return;
    vol->stored = FALSE;
    forget(pool->by_name, vol->name, vol);
    forget(pool->by_key, vol->key, vol);
    forget(pool->by_path, vol->path, vol);
    g_ptr_array_remove(pool->vols, vol);
}

/* ---- what a look has found ---- */

void storage_scan_init(StoragePool *pool, StorageScan *scan)
{
    scan->pool = pool;
    scan->vols = g_ptr_array_new_with_free_func((GDestroyNotify) storage_vol_unref);
    g_mutex_lock(&pool->lock);
    scan->since = pool->serial;
    g_mutex_unlock(&pool->lock);
}

void storage_scan_add(StorageScan *scan, StorageVolDef *def)
{
    g_ptr_array_add(scan->vols, storage_vol_new(scan->pool, def));
}

void storage_scan_add_name(StorageScan *scan, const char *name, const char *key, const char *path)
{
    StorageVol *vol = g_new0(StorageVol, 1);
    *vol = (StorageVol) { .refs = 1, .pool = scan->pool, .name = g_strdup(name), .key = g_strdup(key), .path = g_strdup(path) };
    g_ptr_array_add(scan->vols, vol);
}

void storage_scan_clear(StorageScan *scan)
{
    g_ptr_array_unref(scan->vols);
}

static gboolean is_used(const StorageVol *vol)
{
    return vol->busy || vol->users;
}

/* Take what was found of a volume that is known. */
static void take_found(StorageVol *vol, StorageVol *found)
{
    if (!found->def)
        return; /* it is looked into when somebody asks */
    definition_unref(vol->def);
    vol->def = g_steal_pointer(&found->def);
    vol->stamp = found->stamp;
}

void storage_scan_apply(StoragePool *pool, StorageScan *scan)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    g_mutex_lock(&pool->lock);
    for (guint i = 0; i < scan->vols->len; i++) {
        StorageVol *found = scan->vols->pdata[i], *vol = g_hash_table_lookup(pool->by_name, found->name);
        if (vol && !is_used(vol) && vol->serial <= scan->since) { /* else who uses it knows better */
            if (g_str_equal(vol->key, found->key) && g_str_equal(vol->path, found->path)) {
                take_found(vol, found);
            } else {
                storage_index_remove(pool, vol);
                vol = NULL;
            }
        }
        if (!vol)
            storage_index_add(pool, vol = found);
        g_hash_table_add(seen, vol);
    }
    for (guint i = pool->vols->len; i-- > 0;) {
        StorageVol *vol = pool->vols->pdata[i];
        if (!is_used(vol) && vol->serial <= scan->since && !g_hash_table_contains(seen, vol))
            storage_index_remove(pool, vol);
    }
    g_mutex_unlock(&pool->lock);
}

/* ---- calls ---- */

static int fail_inactive(const StoragePool *pool)
{
    return FAIL(VIR_ERR_OPERATION_INVALID, "storage pool '%s' is not active", MANAGED_NAME(pool->obj));
}

static int job_pool(VolJob *job, PoolHost *host, const char *pool)
{
    job->obj = managed_find(storage_host_pools(host), NULL, pool);
    if (!job->obj)
        return -1;
    job->state = managed_state(job->obj);
    job->pool = storage_pool_of(job->obj);
    return managed_active(job->state) ? 0 : fail_inactive(job->pool);
}

/* With the pool's lock held: what has to be waited for, and until when; NULL if there is nothing. */
static const char *use_hindered(const StoragePool *pool, const StorageVol *vol, VolAccess access, gint64 began_us, gint64 *until_us)
{
    if (access == VOL_LOOK)
        return NULL;
    *until_us = MAX(began_us, pool->closing ? pool->moved_us : vol->moved_us) + STORAGE_STALL_MS * 1000;
    if (pool->closing)
        return "its pool is being stopped";
    if (vol->building)
        return "it is still being made";
    if (vol->busy)
        return "another call changes it";
    if (access != VOL_CHANGE || !vol->users)
        return NULL;
    if (vol->users == vol->streams) /* whose clients may be idle for ever */
        *until_us = vol->moved_us + STORAGE_IDLE_MS * 1000;
    return vol->users > vol->streams || g_get_monotonic_time() < *until_us ? "it is in use" : NULL;
}

static gboolean is_use(VolAccess access)
{
    return access == VOL_USE || access == VOL_STREAM;
}

/* With the pool's lock held. */
static void move_locked(VolAccess access, StoragePool *pool, StorageVol *vol)
{
    vol->moved_us = g_get_monotonic_time();
    if (access == VOL_STREAM)
        pool->stream_us = vol->moved_us;
    storage_pool_moved(pool);
}

void vol_job_moved(const VolJob *job)
{
    g_mutex_lock(&job->pool->lock);
    move_locked(job->access, job->pool, job->vol);
    g_mutex_unlock(&job->pool->lock);
}

/* With the pool's lock held. */
static void begin_locked(VolJob *job, StoragePool *pool, StorageVol *vol, VolAccess access)
{
    job->vol = storage_vol_ref(vol);
    job->def = definition_locked(vol);
    job->stamp = vol->stamp;
    job->access = access;
    job->making = vol->building;
    pool->jobs += access != VOL_LOOK;
    vol->users += is_use(access);
    vol->busy |= access == VOL_CHANGE;
    if (access == VOL_STREAM) {
        pool->streams++;
        vol->streams++;
        move_locked(access, pool, vol);
    }
}

/* What the pool runs with, which may be another thing than before a wait. 0 or -1. */
static int settle_state(VolJob *job, gboolean active)
{
    managed_state_unref(job->state);
    job->state = managed_state(job->obj);
    return active && managed_active(job->state) ? 0 : fail_inactive(job->pool);
}

int vol_job_begin(VolJob *job, PoolHost *host, const char *pool_name, const char *name, VolAccess access)
{
    if (job_pool(job, host, pool_name) < 0)
        return -1;
    StoragePool *pool = job->pool;
    const char *hindered = NULL;
    StorageVol *vol;
    gint64 began_us = g_get_monotonic_time(), until_us;
    g_mutex_lock(&pool->lock);
    while ((vol = g_hash_table_lookup(pool->by_name, name)) && (hindered = use_hindered(pool, vol, access, began_us, &until_us)) &&
           g_get_monotonic_time() < until_us)
        storage_pool_wait(pool, until_us);
    gboolean active = pool->running != NULL;
    if (vol && !hindered && active)
        begin_locked(job, pool, vol, access);
    g_mutex_unlock(&pool->lock);
    if (settle_state(job, active) < 0)
        return -1;
    if (!vol)
        return FAIL(VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'", name);
    return !hindered ? 0 : FAIL(VIR_ERR_OPERATION_TIMEOUT, "volume '%s' can't be used: %s, and that has not moved on for %d s", name,
                                hindered, STORAGE_STALL_MS / 1000);
}

/* With the pool's lock held. */
static void end_stream_locked(VolJob *job)
{
    job->pool->streams--;
    job->vol->streams--;
    job->access = VOL_USE;
}

gboolean vol_job_end_stream(VolJob *job)
{
    g_mutex_lock(&job->pool->lock);
    gboolean there = job->vol->stored && !job->pool->closing;
    if (there)
        end_stream_locked(job);
    g_mutex_unlock(&job->pool->lock);
    return there;
}

void vol_job_end(VolJob *job)
{
    if (job->vol && job->access != VOL_LOOK) {
        g_mutex_lock(&job->pool->lock);
        if (job->access == VOL_STREAM)
            end_stream_locked(job);
        job->pool->jobs--;
        job->vol->users -= job->access == VOL_USE;
        if (job->access == VOL_CHANGE)
            job->vol->busy = job->vol->building = FALSE;
        move_locked(job->access, job->pool, job->vol);
        g_mutex_unlock(&job->pool->lock);
    }
    g_clear_pointer(&job->vol, storage_vol_unref);
    g_clear_pointer(&job->def, definition_unref);
    g_clear_pointer(&job->state, managed_state_unref);
    g_clear_pointer(&job->obj, managed_unref);
}

const StorageVolDef *vol_job_def(const VolJob *job)
{
    return definition_get(job->def);
}

void vol_job_publish(VolJob *job, StorageVolDef *def)
{
    Definition *next = definition_new(&STORAGE_VOL_ROOT, def);
    g_mutex_lock(&job->pool->lock);
    if (job->access == VOL_CHANGE || job->vol->def == job->def) {
        definition_unref(job->vol->def);
        job->vol->def = definition_ref(next);
        job->vol->stamp = job->stamp;
    } /* else it was changed while this call looked */
    g_mutex_unlock(&job->pool->lock);
    definition_unref(job->def);
    job->def = next;
}

static int run_refresh(StorageCall *call)
{
    return call->backend->vol_refresh(call->pool, call->vol, call->def, &call->stamp);
}

StorageCall *vol_job_call(const VolJob *job, const char *operation, int (*run)(StorageCall *))
{
    StorageCall *call = storage_call_new(job->pool, storage_pool_def(job->state), operation, run);
    if (!call)
        return NULL;
    call->vol = storage_vol_ref(job->vol);
    call->def = definition_copy(job->def);
    call->conn = job->conn ? object_ref(job->conn) : NULL;
    return call;
}

int vol_job_refresh(VolJob *job)
{
    const StorageBackend *backend = storage_host_backend(job->pool->host, storage_pool_def(job->state)->type);
    if (!backend)
        return -1;
    if (!backend->vol_refresh || (job->access == VOL_LOOK && job->making))
        return 0;
    g_autoptr(StorageCall) call = vol_job_call(job, "look", run_refresh);
    call->stamp = job->stamp;
    call->keeps_name = TRUE;
    int rc = storage_call_run(call);
    if (rc == 0) {
        job->stamp = call->stamp;
        vol_job_publish(job, g_steal_pointer(&call->def));
    }
    return MIN(rc, 0);
}

static int run_open(StorageCall *call)
{
    call->content = call->backend->vol_open(call->pool, call->vol, call->def, call->write);
    return call->content ? 0 : -1;
}

/* Without the guard: for who is within a call already. */
static StorageContent *open_content(const VolJob *job, gboolean write)
{
    const StorageBackend *backend = storage_host_backend(job->pool->host, storage_pool_def(job->state)->type);
    if (!backend)
        return NULL;
    if (!backend->vol_open)
        return FAIL_NULL(VIR_ERR_NO_SUPPORT, "the content of volumes of storage pool '%s' can't be had", MANAGED_NAME(job->obj));
    g_autoptr(StorageCall) call = vol_job_call(job, "open", run_open);
    if (!call)
        return NULL;
    call->write = write;
    call->keeps_name = TRUE;
    return storage_call_run(call) < 0 ? NULL : g_steal_pointer(&call->content);
}

StorageContent *vol_job_open(const VolJob *job, gboolean write)
{
    StorageContent *content = open_content(job, write);
    return content && content->fd < 0 ? content_in_calls(job, content) : content;
}

int vol_job_create(VolJob *job, PoolHost *host, const char *pool_name, const StorageVol *source, StorageVolDef *def)
{
    if (job_pool(job, host, pool_name) < 0) {
        xml_struct_free(&STORAGE_VOL_DEF_DESC, def);
        return -1;
    }
    StoragePool *pool = job->pool;
    g_autoptr(StorageVol) vol = storage_vol_new(pool, def);
    const StorageBackend *backend = storage_host_backend(host, storage_pool_def(job->state)->type);
    if (!backend)
        return -1;
    gint64 began_us = g_get_monotonic_time(), until_us;
    g_mutex_lock(&pool->lock);
    while (pool->closing && !source && g_get_monotonic_time() < (until_us = MAX(began_us, pool->moved_us) + STORAGE_STALL_MS * 1000))
        storage_pool_wait(pool, until_us);
    gboolean shut = pool->closing && !(source && source->pool == pool);
    gboolean active = pool->running && !shut, taken = g_hash_table_contains(pool->by_name, vol->name);
    if (!taken && active) {
        storage_index_add(pool, vol);
        begin_locked(job, pool, vol, VOL_CHANGE);
        vol->building = TRUE;
    }
    g_mutex_unlock(&pool->lock);
    if (settle_state(job, active) < 0)
        return -1;
    return taken ? FAIL(backend->vol_clash, "storage volume '%s' exists already in pool '%s'", vol->name, pool_name) : 0;
}

/* Key and path never change, so that they can be read without the lock: a volume with others takes the planned one's place. */
void vol_job_settle(VolJob *job, const StorageVolDef *def)
{
    StorageVol *planned = job->vol;
    if (strcmp(planned->key, def->key) == 0 && strcmp(planned->path, def->target.path) == 0)
        return;
    StorageVol *vol = g_new0(StorageVol, 1);
    *vol = (StorageVol) { .refs = 1, .pool = job->pool, .name = g_strdup(def->name), .key = g_strdup(def->key),
                          .path = g_strdup(def->target.path), .priv = g_steal_pointer(&planned->priv), .free_priv = planned->free_priv,
                          .busy = TRUE, .building = TRUE };
    planned->free_priv = NULL;
    g_mutex_lock(&job->pool->lock);
    storage_index_remove(job->pool, planned);
    storage_index_add(job->pool, vol);
    g_mutex_unlock(&job->pool->lock);
    job->vol = vol;
    storage_vol_unref(planned);
}

void vol_job_drop(VolJob *job)
{
    g_mutex_lock(&job->pool->lock);
    storage_index_remove(job->pool, job->vol);
    g_mutex_unlock(&job->pool->lock);
}

/* A reference to the volume of an active pool with this path; NULL: there is none. */
static StorageVol *find_path(PoolHost *host, const char *path, Managed **obj)
{
    g_autoptr(GPtrArray) pools = managed_objects(storage_host_pools(host), MANAGED_LIST_ACTIVE, NULL, NULL);
    for (guint i = 0; i < pools->len; i++) {
        StoragePool *pool = storage_pool_of(pools->pdata[i]);
        g_mutex_lock(&pool->lock);
        StorageVol *vol = pool->running ? g_hash_table_lookup(pool->by_path, path) : NULL;
        if (vol && !vol->building)
            storage_vol_ref(vol);
        else
            vol = NULL;
        g_mutex_unlock(&pool->lock);
        if (!vol)
            continue;
        *obj = managed_ref(pools->pdata[i]);
        return vol;
    }
    return NULL;
}

StorageContent *storage_host_open_path(PoolHost *host, const char *path, StorageVolDef **def)
{
    g_autoptr(Managed) obj = NULL;
    g_autoptr(StorageVol) vol = find_path(host, path, &obj);
    g_auto(VolJob) job = { NULL };
    if (!vol)
        return FAIL_NULL(VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching path '%s'", path);
    StorageContent *content = vol_job_begin(&job, host, MANAGED_NAME(obj), vol->name, VOL_LOOK) < 0 ? NULL : open_content(&job, FALSE);
    if (content && def)
        *def = storage_vol_copy_def(vol);
    return content;
}

StorageContent *storage_vol_open_source(StorageVol *from)
{
    const StorageBackend *backend = storage_vol_backend(from);
    if (!backend || !backend->vol_open)
        return FAIL_NULL(VIR_ERR_NO_SUPPORT, "the content of volume '%s' can't be read", from->name);
    StorageVolDef *def = storage_vol_copy_def(from);
    StorageContent *content = backend->vol_open(from->pool, from, def, FALSE);
    xml_struct_free(&STORAGE_VOL_DEF_DESC, def);
    return content;
}

int storage_vol_fill(StorageVol *vol, StorageVolDef *def, StorageContent *to, StorageVol *from)
{
    const StorageDriverSetup *setup = storage_host_setup(vol->pool->host);
    if (!setup->vol_fill)
        return FAIL(VIR_ERR_NO_SUPPORT, "volume '%s' can't be made from one of another pool", vol->name);
    return setup->vol_fill(def, to, from);
}

int storage_vol_resize_image(StorageVol *vol, const StorageVolDef *def, StorageContent *content, guint64 capacity, gboolean allocate)
{
    const StorageDriverSetup *setup = storage_host_setup(vol->pool->host);
    if (!setup->vol_resize_image)
        return FAIL(VIR_ERR_NO_SUPPORT, "volume '%s' is an image, which can't be resized here", vol->name);
    return setup->vol_resize_image(vol, def, content, capacity, allocate);
}
