/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN managed_thread_domain
#include "storage/vol.h"
#include "base/error.h"

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

StorageVol *storage_vol_new(StorageVolDef *def)
{
    StorageVol *vol = g_new0(StorageVol, 1);
    vol->refs = 1;
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
void *storage_vol_priv(const StorageVol *vol) { return vol->priv; }

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
    scan->defs = g_ptr_array_new();
    g_mutex_lock(&pool->lock);
    scan->since = pool->serial;
    g_mutex_unlock(&pool->lock);
}

void storage_scan_add(StorageScan *scan, StorageVolDef *def)
{
    g_ptr_array_add(scan->defs, def);
}

void storage_scan_clear(StorageScan *scan)
{
    for (guint i = 0; i < scan->defs->len; i++)
        xml_struct_free(&STORAGE_VOL_DEF_DESC, scan->defs->pdata[i]);
    g_ptr_array_unref(scan->defs);
}

static gboolean is_used(const StorageVol *vol)
{
    return vol->busy || vol->users;
}

void storage_scan_apply(StoragePool *pool, StorageScan *scan)
{
    g_autoptr(GPtrArray) defs = g_steal_pointer(&scan->defs);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    scan->defs = g_ptr_array_new();
    g_mutex_lock(&pool->lock);
    for (guint i = 0; i < defs->len; i++) {
        StorageVolDef *def = defs->pdata[i];
        StorageVol *vol = g_hash_table_lookup(pool->by_name, def->name);
        if (vol && (is_used(vol) || vol->serial > scan->since)) {
            g_ptr_array_add(scan->defs, def); /* who uses it knows better */
        } else if (vol && g_str_equal(vol->key, def->key) && g_str_equal(vol->path, def->target.path)) {
            definition_unref(vol->def);
            vol->def = definition_new(&STORAGE_VOL_ROOT, def);
        } else {
            if (vol)
                storage_index_remove(pool, vol);
            g_autoptr(StorageVol) fresh = vol = storage_vol_new(def);
            storage_index_add(pool, fresh);
        }
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

/* With the pool's lock held: the reason why a use is refused, NULL if it isn't. */
static const char *use_refused(const StoragePool *pool, const StorageVol *vol, VolAccess access)
{
    if (access == VOL_LOOK)
        return NULL;
    if (pool->closing)
        return "its pool is being stopped";
    if (vol->building)
        return "it is still being made";
    if (vol->busy)
        return "another call changes it";
    return access == VOL_CHANGE && vol->users ? "it is in use" : NULL;
}

int vol_job_begin(VolJob *job, PoolHost *host, const char *pool_name, const char *name, VolAccess access)
{
    const char *refused = NULL;
    if (job_pool(job, host, pool_name) < 0)
        return -1;
    StoragePool *pool = job->pool;
    g_mutex_lock(&pool->lock);
    StorageVol *vol = g_hash_table_lookup(pool->by_name, name);
    if (vol)
        refused = use_refused(pool, vol, access);
    if (vol && !refused) {
        job->vol = storage_vol_ref(vol);
        job->def = definition_ref(vol->def);
        job->access = access;
        job->making = vol->building;
        pool->jobs += access != VOL_LOOK;
        vol->users += access == VOL_USE;
        vol->busy |= access == VOL_CHANGE;
    }
    g_mutex_unlock(&pool->lock);
    if (!vol)
        return FAIL(VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'", name);
    return refused ? FAIL(VIR_ERR_OPERATION_INVALID, "volume '%s' can't be used: %s", name, refused) : 0;
}

void vol_job_end(VolJob *job)
{
    if (job->vol && job->access != VOL_LOOK) {
        g_mutex_lock(&job->pool->lock);
        job->pool->jobs--;
        job->vol->users -= job->access == VOL_USE;
        if (job->access == VOL_CHANGE)
            job->vol->busy = job->vol->building = FALSE;
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
    } /* else it was changed while this call looked */
    g_mutex_unlock(&job->pool->lock);
    definition_unref(job->def);
    job->def = next;
}

int vol_job_refresh(VolJob *job)
{
    const StorageBackend *backend = storage_host_backend(job->pool->host, storage_pool_def(job->state)->type);
    if (!backend)
        return -1;
    if (!backend->vol_refresh || (job->access == VOL_LOOK && job->making))
        return 0;
    StorageVolDef *def = definition_copy(job->def);
    if (backend->vol_refresh(job->pool, job->vol, def) < 0) {
        xml_struct_free(&STORAGE_VOL_DEF_DESC, def);
        return -1;
    }
    vol_job_publish(job, def);
    return 0;
}

int vol_job_create(VolJob *job, PoolHost *host, const char *pool_name, StorageVolDef *def)
{
    g_autoptr(StorageVol) vol = storage_vol_new(def);
    if (job_pool(job, host, pool_name) < 0)
        return -1;
    StoragePool *pool = job->pool;
    const StorageBackend *backend = storage_host_backend(host, storage_pool_def(job->state)->type);
    if (!backend)
        return -1;
    g_mutex_lock(&pool->lock);
    gboolean taken = g_hash_table_contains(pool->by_name, vol->name), closing = pool->closing;
    if (!taken && !closing) {
        vol->busy = vol->building = TRUE;
        storage_index_add(pool, vol);
        pool->jobs++;
        job->vol = storage_vol_ref(vol);
        job->def = definition_ref(vol->def);
        job->access = VOL_CHANGE;
    }
    g_mutex_unlock(&pool->lock);
    if (closing)
        return fail_inactive(pool);
    return taken ? FAIL(backend->vol_clash, "storage volume '%s' exists already in pool '%s'", vol->name, pool_name) : 0;
}

void vol_job_drop(VolJob *job)
{
    g_mutex_lock(&job->pool->lock);
    storage_index_remove(job->pool, job->vol);
    g_mutex_unlock(&job->pool->lock);
}
