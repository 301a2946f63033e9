/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN managed_thread_domain
#define LOG_SOURCE "storage.call"
#include "storage/call.h"
#include "base/error.h"
#include "base/log.h"
#include "base/threadpool.h"

/* Of the thread that a backend runs on. */
static _Thread_local StorageCall *current;

StorageCall *storage_call_new(StoragePool *pool, const StoragePoolDef *pool_def, const char *operation, StorageRun run)
{
    const StorageBackend *backend = storage_host_backend(pool->host, pool_def->type);
    if (!backend)
        return NULL;
    StorageCall *call = g_new0(StorageCall, 1);
    managed_ref(pool->obj);
    *call = (StorageCall) { .pool = pool, .backend = backend, .operation = operation, .run = run, .refs = 1,
                            .error_domain = managed_thread_domain,
                            .pool_def = definition_new(&STORAGE_POOL_ROOT, xml_struct_copy(&STORAGE_POOL_DEF_DESC, pool_def)) };
    g_cond_init(&call->ended);
    return call;
}

void storage_call_set_source(StorageCall *call, StorageVol *from)
{
    StoragePool *pool = from->pool;
    call->from = storage_vol_ref(from);
    call->from_obj = managed_ref(pool->obj);
    g_mutex_lock(&pool->lock);
    call->from_def = pool->running ? definition_ref(pool->running) : NULL;
    g_mutex_unlock(&pool->lock);
}

void storage_call_unref(StorageCall *call)
{
    if (!call || !g_atomic_int_dec_and_test(&call->refs))
        return;
    content_unref(call->content);
    if (call->opaque && call->free_opaque)
        call->free_opaque(call->opaque);
    if (call->def)
        xml_struct_free(&STORAGE_VOL_DEF_DESC, call->def);
    if (call->scan.vols)
        storage_scan_clear(&call->scan);
    virFreeError(call->error);
    storage_vol_unref(call->vol);
    storage_vol_unref(call->from);
    definition_unref(call->pool_def);
    definition_unref(call->from_def);
    managed_unref(call->from_obj);
    managed_unref(call->pool->obj);
    if (call->conn)
        object_unref(call->conn); /* last: an embedded driver's objects live no longer than its connection */
    g_cond_clear(&call->ended);
    g_free(call);
}

/* With the pool's lock held: what others see of it. */
static void show(StorageCall *call, StorageCall *shown)
{
    if (call->vol && !call->keeps_name && (shown || call->vol->call == call))
        call->vol->call = shown;
}

/* With the pool's lock held. */
static void note_answer(const StorageCall *call)
{
    StoragePool *pool = call->pool;
    gint64 now_us = g_get_monotonic_time();
    if (call->life != pool->life)
        return;
    if (!call->silent) {
        if (pool->silent_us || call->abandoned)
            LOG_INFO("storage pool '%s' responds again: '%s' has ended after %" G_GINT64_FORMAT " s", MANAGED_NAME(pool->obj),
                     call->operation, (now_us - call->began_us) / G_USEC_PER_SEC);
        pool->silent_us = call->rc < 0 ? pool->silent_us : 0;
    } else {
        pool->silent_us = pool->silent_us ? pool->silent_us : call->moved_us;
        pool->retry_us = now_us + MIN(now_us - call->began_us, STORAGE_RETRY_MS * 1000);
    }
}

/* As many as there are calls, so that none waits for another one's storage. */
static struct {
    GMutex lock;        /* guards the following */
    GCond more, fewer;
    GQueue calls;       /* that no thread has taken yet; never more than there are idle threads */
    guint idle;
    guint returning;    /* were left behind, are back, and let go what they have */
    guint ending;       /* who waits for idle threads to end */
    GSList *ended;      /* threads that have nothing more to do, to be joined */
} threads;

/* With @by 1 before anybody is told that a thread is back which was left behind, -1 when it has nothing of its pool any more. */
static void set_returning(gint by)
{
    g_mutex_lock(&threads.lock);
    threads.returning += (guint) by;
    g_cond_broadcast(&threads.fewer);
    g_mutex_unlock(&threads.lock);
}

static void run(StorageCall *call)
{
    StoragePool *pool = call->pool;
    StorageCall *outer = current; /* where there could be no other thread */
    current = call;
    managed_thread_domain = call->error_domain;
    virResetLastError();
    int rc = call->run(call);
    virErrorPtr error = rc < 0 ? error_save() : NULL;
    current = outer;
    g_mutex_lock(&pool->lock);
    call->rc = rc;
    call->error = error;
    call->done = TRUE;
    show(call, NULL);
    if (call->abandoned && call->life != pool->life)
        pool->left--;
    else if (call->abandoned)
        pool->stuck--;
    if (call->abandoned)
        set_returning(1);
    note_answer(call);
    g_cond_signal(&call->ended);
    /* Who waits lets go last, so that after its call nothing of a connection is in use here any more. */
    gboolean abandoned = call->abandoned;
    if (!abandoned)
        g_atomic_int_add(&call->refs, -1);
    g_mutex_unlock(&pool->lock);
    if (abandoned) {
        storage_call_unref(call);
        set_returning(-1);
    }
}

/* ---- threads ---- */

/* How long a thread waits for another call before it ends. */
#define IDLE_US (10 * G_USEC_PER_SEC)

/* NULL: none came, and the thread is among those that have ended. */
static StorageCall *next_call(void)
{
    gint64 until = g_get_monotonic_time() + IDLE_US;
    g_mutex_lock(&threads.lock);
    threads.idle++;
    while (!threads.calls.length && !threads.ending && g_cond_wait_until(&threads.more, &threads.lock, until))
        continue;
    StorageCall *call = g_queue_pop_head(&threads.calls);
    threads.idle--;
    if (!call)
        threads.ended = g_slist_prepend(threads.ended, g_thread_self());
    g_cond_broadcast(&threads.fewer);
    g_mutex_unlock(&threads.lock);
    return call;
}

static void join_all(GSList *ended)
{
    for (GSList *at = ended; at; at = at->next)
        g_thread_join(at->data);
    g_slist_free(ended);
}

void storage_call_end_threads(void)
{
    g_mutex_lock(&threads.lock);
    threads.ending++;
    g_cond_broadcast(&threads.more);
    while (threads.idle || threads.returning)
        g_cond_wait(&threads.fewer, &threads.lock);
    threads.ending--;
    GSList *ended = g_steal_pointer(&threads.ended);
    g_mutex_unlock(&threads.lock);
    join_all(ended);
}

static gpointer serve(gpointer first)
{
    for (StorageCall *call = first; call; call = next_call())
        run(call);
    return NULL;
}

/* On a thread of its own; on this one if there can be no more. */
static void begin(StorageCall *call)
{
    g_mutex_lock(&threads.lock);
    gboolean taken = threads.idle > threads.calls.length;
    if (taken) {
        g_queue_push_tail(&threads.calls, call);
        g_cond_signal(&threads.more);
    }
    GSList *ended = g_steal_pointer(&threads.ended);
    g_mutex_unlock(&threads.lock);
    join_all(ended);
    if (!taken && !g_thread_try_new("storage", serve, call, NULL)) /* who is joined when it has ended */
        run(call);
}

/* With the pool's lock held. */
static void abandon(StorageCall *call)
{
    call->abandoned = TRUE;
    if (call->life != call->pool->life)
        call->pool->left++;
    else if (call->pool->stuck++ == 0)
        call->pool->stuck_us = call->moved_us;
}

/* With the pool's lock held. Whether it came to its end. */
static gboolean wait_for_end(StorageCall *call, gint64 stall_us)
{
    while (!call->done) {
        gint64 until = (call->elsewhere ? g_get_monotonic_time() : call->moved_us) + stall_us;
        if (!g_cond_wait_until(&call->ended, &call->pool->lock, until) && !call->done && !call->elsewhere && call->moved_us + stall_us <= until) {
            abandon(call);
            return FALSE;
        }
    }
    return TRUE;
}

/* A name for people: of a server, a device or a folder. The caller frees. */
static char *storage_of(const StoragePoolDef *def)
{
    const StoragePoolSource *source = &def->source;
    if (source->n_hosts && source->hosts[0]->name)
        return g_strdup_printf("server '%s'", source->hosts[0]->name);
    const char *path = source->n_devices && source->devices[0]->path ? source->devices[0]->path : def->target.path;
    return path ? g_strdup_printf("'%s'", path) : g_strdup("its storage");
}

static int fail_stuck(const StorageCall *call, gint64 since_us)
{
    const StoragePoolDef *pool_def = definition_get(call->pool_def);
    g_autofree char *storage = storage_of(pool_def);
    const char *name = MANAGED_NAME(call->pool->obj);
    gint64 seconds = (g_get_monotonic_time() - since_us) / G_USEC_PER_SEC;
    if (call->life == STORAGE_NO_LIFE)
        return FAIL(VIR_ERR_OPERATION_TIMEOUT, "the %s of volume '%s' of pool '%s' to pool '%s' has not moved on for %" G_GINT64_FORMAT " s: "
                    "the storage of one of them is not responding", call->operation, call->from->name, MANAGED_NAME(call->from_obj), name, seconds);
    if (call->by_hand)
        return FAIL(VIR_ERR_OPERATION_TIMEOUT, "storage pool '%s' is not responding: %s has not answered for %" G_GINT64_FORMAT
                    " s; '%s %s' takes it away, then 'virsh pool-destroy %s' ends the pool", name, storage, seconds, call->by_hand,
                    pool_def->target.path, name);
    return FAIL(VIR_ERR_OPERATION_TIMEOUT, "storage pool '%s' is not responding: %s has not answered for %" G_GINT64_FORMAT
                " s; 'virsh pool-destroy %s' and '… pool-start %s' connect it anew", name, storage, seconds, name, name);
}

/* With the pool's lock held: since when its storage is silent, so that this call need not ask it; 0: it has to. */
static gint64 known_silent(const StorageCall *call)
{
    const StoragePool *pool = call->pool;
    if (call->always)
        return 0;
    return pool->stuck ? pool->stuck_us : call->asks_anew || g_get_monotonic_time() >= pool->retry_us ? 0 : pool->silent_us;
}

/* A call that is made for another pool's, which waits for it. */
static void set_elsewhere(StorageCall *outer, gboolean elsewhere)
{
    if (!outer)
        return;
    g_mutex_lock(&outer->pool->lock);
    outer->elsewhere = elsewhere;
    outer->moved_us = g_get_monotonic_time();
    g_cond_signal(&outer->ended);
    g_mutex_unlock(&outer->pool->lock);
}

int storage_call_run(StorageCall *call)
{
    StoragePool *pool = call->pool;
    guint said_ms = storage_host_setup(pool->host)->stall_ms, stall_ms = said_ms ? said_ms : MAX(call->backend->stall_ms, STORAGE_CALL_MS);
    g_mutex_lock(&pool->lock);
    gint64 stuck_us = known_silent(call);
    call->began_us = call->moved_us = g_get_monotonic_time();
    call->life = call->from && call->from->pool != pool ? STORAGE_NO_LIFE : pool->life;
    if (!stuck_us)
        show(call, call);
    g_mutex_unlock(&pool->lock);
    if (stuck_us)
        return fail_stuck(call, stuck_us);
    g_atomic_int_inc(&call->refs);
    set_elsewhere(current, TRUE);
    pool_blocking_begin();
    begin(call);
    g_mutex_lock(&pool->lock);
    gboolean ended = wait_for_end(call, (gint64) stall_ms * 1000);
    g_mutex_unlock(&pool->lock);
    pool_blocking_end();
    set_elsewhere(current, FALSE);
    if (!ended) {
        LOG_ERROR("storage pool '%s': '%s' waits for storage that does not respond", MANAGED_NAME(pool->obj), call->operation);
        return fail_stuck(call, call->moved_us);
    }
    if (call->error)
        error_restore(g_steal_pointer(&call->error));
    if (call->rc < 0 && call->silent) {
        g_autofree char *storage = storage_of(definition_get(call->pool_def));
        error_context("storage pool '%s' is not responding: %s", MANAGED_NAME(pool->obj), storage);
    }
    return call->rc;
}

/* With the pool's lock held. */
static void volume_moved(StorageVol *vol)
{
    vol->moved_us = g_get_monotonic_time();
    storage_pool_moved(vol->pool);
}

/* Who waits for the volume that a copy is made from goes on waiting. */
static void source_moved(const StorageCall *call)
{
    if (!call->from)
        return;
    g_mutex_lock(&call->from->pool->lock);
    volume_moved(call->from);
    g_mutex_unlock(&call->from->pool->lock);
}

/* With the pool's lock held. */
static void moved(StorageCall *call)
{
    call->moved_us = g_get_monotonic_time();
    if (call->vol)
        volume_moved(call->vol);
    else
        storage_pool_moved(call->pool);
}

void storage_answered(void)
{
    StorageCall *call = current;
    if (!call)
        return;
    g_mutex_lock(&call->pool->lock);
    moved(call);
    g_mutex_unlock(&call->pool->lock);
    source_moved(call);
}

StorageCall *storage_present_call(void)
{
    return current;
}

StorageCall *storage_act_for(StorageCall *call)
{
    StorageCall *before = current;
    current = call;
    return before;
}

void storage_silent(void)
{
    if (current)
        current->silent = TRUE;
}

const StoragePoolDef *storage_vol_pool_def(const StorageVol *vol)
{
    const StorageCall *call = current;
    if (call && vol->pool == call->pool)
        return definition_get(call->pool_def);
    return definition_get(call && vol == call->from && call->from_def ? call->from_def : vol->pool->running);
}

int storage_progress(guint64 done, guint64 total)
{
    StorageCall *call = current;
    if (!call)
        return 0;
    g_mutex_lock(&call->pool->lock);
    call->progress = done;
    call->total = total;
    moved(call);
    gboolean abandoned = call->abandoned;
    g_mutex_unlock(&call->pool->lock);
    source_moved(call);
    if (!abandoned && !(call->conn && g_atomic_int_get(&call->conn->gone)))
        return 0;
    return FAIL(VIR_ERR_OPERATION_ABORTED, "'%s' was given up: nobody waits for it any more", call->operation);
}
