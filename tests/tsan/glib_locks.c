/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GLib's locks over those of the C library, to be preloaded under the thread sanitizer: GLib makes its own of futexes, which
 * the sanitizer doesn't see, and then reports all that they guard.
 */
#include <glib.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* What a lock of GLib points at. Many are never initialised: it is made at the first use. */
static void *made(gpointer *slot, size_t size, void (*init)(void *lock))
{
    void *lock = __atomic_load_n(slot, __ATOMIC_ACQUIRE), *expected = NULL;
    if (lock)
        return lock;
    lock = calloc(1, size);
    init(lock);
    if (__atomic_compare_exchange_n(slot, &expected, lock, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return lock;
    free(lock);
    return expected;
}

static void init_mutex(void *lock)
{
    pthread_mutex_init(lock, NULL);
}

static void init_cond(void *lock)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(lock, &attr);
    pthread_condattr_destroy(&attr);
}

static void init_rw(void *lock)
{
    pthread_rwlock_init(lock, NULL);
}

static pthread_mutex_t *mutex_of(GMutex *mutex)
{
    return made(&mutex->p, sizeof(pthread_mutex_t), init_mutex);
}

static pthread_cond_t *cond_of(GCond *cond)
{
    return made(&cond->p, sizeof(pthread_cond_t), init_cond);
}

static pthread_rwlock_t *rw_of(GRWLock *lock)
{
    return made(&lock->p, sizeof(pthread_rwlock_t), init_rw);
}

void g_mutex_init(GMutex *mutex)
{
    mutex->p = NULL;
}

void g_mutex_clear(GMutex *mutex)
{
    pthread_mutex_destroy(mutex_of(mutex));
    free(mutex->p);
    mutex->p = NULL;
}

void g_mutex_lock(GMutex *mutex)
{
    pthread_mutex_lock(mutex_of(mutex));
}

void g_mutex_unlock(GMutex *mutex)
{
    pthread_mutex_unlock(mutex_of(mutex));
}

gboolean g_mutex_trylock(GMutex *mutex)
{
    return pthread_mutex_trylock(mutex_of(mutex)) == 0;
}

void g_cond_init(GCond *cond)
{
    cond->p = NULL;
}

void g_cond_clear(GCond *cond)
{
    pthread_cond_destroy(cond_of(cond));
    free(cond->p);
    cond->p = NULL;
}

void g_cond_wait(GCond *cond, GMutex *mutex)
{
    pthread_cond_wait(cond_of(cond), mutex_of(mutex));
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end)
{
    struct timespec until = { .tv_sec = end / G_USEC_PER_SEC, .tv_nsec = end % G_USEC_PER_SEC * 1000 };
    return pthread_cond_timedwait(cond_of(cond), mutex_of(mutex), &until) == 0;
}

void g_cond_signal(GCond *cond)
{
    pthread_cond_signal(cond_of(cond));
}

void g_cond_broadcast(GCond *cond)
{
    pthread_cond_broadcast(cond_of(cond));
}

void g_rw_lock_init(GRWLock *lock)
{
    lock->p = NULL;
}

void g_rw_lock_clear(GRWLock *lock)
{
    pthread_rwlock_destroy(rw_of(lock));
    free(lock->p);
    lock->p = NULL;
}

void g_rw_lock_reader_lock(GRWLock *lock)
{
    pthread_rwlock_rdlock(rw_of(lock));
}

void g_rw_lock_reader_unlock(GRWLock *lock)
{
    pthread_rwlock_unlock(rw_of(lock));
}

void g_rw_lock_writer_lock(GRWLock *lock)
{
    pthread_rwlock_wrlock(rw_of(lock));
}

void g_rw_lock_writer_unlock(GRWLock *lock)
{
    pthread_rwlock_unlock(rw_of(lock));
}

/* One at a time, whatever it is for: none of ours takes long, or begins another. */
static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local int entered;

gboolean (g_once_init_enter)(volatile void *location)
{
    gsize *value = (gsize *) location;
    if (!entered)
        pthread_mutex_lock(&once);
    if (__atomic_load_n(value, __ATOMIC_ACQUIRE)) {
        if (!entered)
            pthread_mutex_unlock(&once);
        return FALSE;
    }
    entered++;
    return TRUE;
}

void (g_once_init_leave)(volatile void *location, gsize result)
{
    __atomic_store_n((gsize *) location, result, __ATOMIC_RELEASE);
    if (--entered == 0)
        pthread_mutex_unlock(&once);
}

gpointer g_once_impl(GOnce *location, GThreadFunc func, gpointer arg)
{
    if (!entered)
        pthread_mutex_lock(&once);
    if (__atomic_load_n(&location->status, __ATOMIC_ACQUIRE) != G_ONCE_STATUS_READY) {
        entered++;
        location->retval = func(arg);
        entered--;
        __atomic_store_n(&location->status, G_ONCE_STATUS_READY, __ATOMIC_RELEASE);
    }
    if (!entered)
        pthread_mutex_unlock(&once);
    return location->retval;
}
