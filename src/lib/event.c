/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The program's event loop. Everything in this library that needs one uses virEventAddHandle() and its like, which
 * go to the implementation that the program registered. The default implementation is a Loop that the program
 * drives with virEventRunDefaultImpl(); it may be fed from any thread.
 *
 * Numbers (watch, timer) are given once and never reused, so one that is stale can't hit somebody else.
 */
#define ERROR_DOMAIN VIR_FROM_EVENT
#include <pthread.h>

#include "base/error.h"
#include "base/loop.h"
#include "lib/event_impl.h"

typedef struct {
    virEventAddHandleFunc add_handle;
    virEventUpdateHandleFunc update_handle;
    virEventRemoveHandleFunc remove_handle;
    virEventAddTimeoutFunc add_timeout;
    virEventUpdateTimeoutFunc update_timeout;
    virEventRemoveTimeoutFunc remove_timeout;
} EventImpl;

static EventImpl impl;

/* ---- the default implementation ---- */

typedef struct {
    int id;
    virEventHandleCallback handle_cb;
    virEventTimeoutCallback timeout_cb;
    void *opaque;
    virFreeCallback ff;
    LoopWatch *watch;
    LoopTimer *timer;
} Source;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the tables; not held during callbacks */
static pthread_mutex_t run_lock = PTHREAD_MUTEX_INITIALIZER; /* who runs the loop */
static Loop *loop;
static GHashTable *handles; /* id → Source */
static GHashTable *timeouts;
static int next_handle = 1;
static int next_timeout = 1;

G_STATIC_ASSERT((int) LOOP_IN == VIR_EVENT_HANDLE_READABLE && (int) LOOP_OUT == VIR_EVENT_HANDLE_WRITABLE
                && (int) LOOP_ERR == VIR_EVENT_HANDLE_ERROR && (int) LOOP_HUP == VIR_EVENT_HANDLE_HANGUP);

static void source_free(void *opaque)
{
    Source *source = opaque;
    if (source->ff)
        source->ff(source->opaque);
    g_free(source);
}

static void on_handle(LoopWatch *watch, int fd, unsigned events, void *opaque)
{
    Source *source = opaque;
    source->handle_cb(source->id, fd, events, source->opaque);
}

static void on_timeout(LoopTimer *timer, void *opaque)
{
    Source *source = opaque;
    source->timeout_cb(source->id, source->opaque);
}

static int default_add_handle(int fd, int events, virEventHandleCallback cb, void *opaque, virFreeCallback ff)
{
    Source *source = g_new0(Source, 1);
    *source = (Source){ .handle_cb = cb, .opaque = opaque, .ff = ff };
    pthread_mutex_lock(&lock);
    /* not armed before the source is complete: another thread may be running the loop */
    source->watch = loop_watch_add(loop, fd, 0, on_handle, source, source_free);
    if (!source->watch) {
        pthread_mutex_unlock(&lock);
        g_free(source);
        return -1;
    }
    int id = source->id = next_handle++;
    if (loop_watch_update(source->watch, events) < 0) {
        source->ff = NULL; /* a call that fails frees nothing */
        loop_watch_remove(source->watch);
        id = -1;
    } else {
        g_hash_table_insert(handles, GINT_TO_POINTER(id), source);
    }
    pthread_mutex_unlock(&lock);
    return id;
}

static void default_update_handle(int watch, int events)
{
    pthread_mutex_lock(&lock);
    Source *source = g_hash_table_lookup(handles, GINT_TO_POINTER(watch));
    if (source)
        loop_watch_update(source->watch, events);
    pthread_mutex_unlock(&lock);
}

static int default_remove_handle(int watch)
{
    pthread_mutex_lock(&lock);
    Source *source = g_hash_table_lookup(handles, GINT_TO_POINTER(watch));
    if (source) {
        g_hash_table_remove(handles, GINT_TO_POINTER(watch));
        loop_watch_remove(source->watch);
    }
    pthread_mutex_unlock(&lock);
    return source ? 0 : -1; /* no error: programs see the reference's loop set none */
}

static int default_add_timeout(int frequency, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff)
{
    Source *source = g_new0(Source, 1);
    *source = (Source){ .timeout_cb = cb, .opaque = opaque, .ff = ff };
    pthread_mutex_lock(&lock);
    int id = source->id = next_timeout++;
    source->timer = loop_timer_add(loop, on_timeout, source, source_free);
    g_hash_table_insert(timeouts, GINT_TO_POINTER(id), source);
    loop_timer_set(source->timer, frequency, frequency);
    pthread_mutex_unlock(&lock);
    return id;
}

static void default_update_timeout(int timer, int frequency)
{
    pthread_mutex_lock(&lock);
    Source *source = g_hash_table_lookup(timeouts, GINT_TO_POINTER(timer));
    if (source)
        loop_timer_set(source->timer, frequency, frequency);
    pthread_mutex_unlock(&lock);
}

static int default_remove_timeout(int timer)
{
    pthread_mutex_lock(&lock);
    Source *source = g_hash_table_lookup(timeouts, GINT_TO_POINTER(timer));
    if (source) {
        g_hash_table_remove(timeouts, GINT_TO_POINTER(timer));
        loop_timer_remove(source->timer);
    }
    pthread_mutex_unlock(&lock);
    return source ? 0 : -1; /* no error, as above */
}

int virEventRegisterDefaultImpl(void)
{
    pthread_mutex_lock(&lock);
    if (!loop)
        loop = loop_new();
    if (loop && !handles) {
        handles = g_hash_table_new(NULL, NULL);
        timeouts = g_hash_table_new(NULL, NULL);
    }
    bool ok = loop != NULL;
    pthread_mutex_unlock(&lock);
    if (!ok) {
        error_dispatch(NULL);
        return -1;
    }
    virEventRegisterImpl(default_add_handle, default_update_handle, default_remove_handle,
                         default_add_timeout, default_update_timeout, default_remove_timeout);
    return 0;
}

int virEventRunDefaultImpl(void)
{
    virResetLastError();
    pthread_mutex_lock(&lock);
    Loop *mine = loop;
    pthread_mutex_unlock(&lock);
    if (!mine) {
        error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_INVALID,
                     "the default event loop is not registered; call virEventRegisterDefaultImpl() first");
        error_dispatch(NULL);
        return -1;
    }
    if (loop_in_thread(mine)) /* called by a callback */
        return loop_iterate(mine, true) < 0 ? -1 : 0;
    pthread_mutex_lock(&run_lock); /* two threads take turns */
    int made = loop_iterate(mine, true);
    pthread_mutex_unlock(&run_lock);
    if (made < 0)
        error_dispatch(NULL);
    return made < 0 ? -1 : 0;
}

void event_default_free(void)
{
    virEventRegisterImpl(NULL, NULL, NULL, NULL, NULL, NULL);
    g_clear_pointer(&loop, loop_free);
    g_clear_pointer(&handles, g_hash_table_unref);
    g_clear_pointer(&timeouts, g_hash_table_unref);
}

/* ---- what the program registered ---- */

gboolean event_impl_registered(void)
{
    return impl.add_timeout && impl.update_timeout && impl.remove_timeout;
}

void virEventRegisterImpl(virEventAddHandleFunc addHandle, virEventUpdateHandleFunc updateHandle,
                          virEventRemoveHandleFunc removeHandle, virEventAddTimeoutFunc addTimeout,
                          virEventUpdateTimeoutFunc updateTimeout, virEventRemoveTimeoutFunc removeTimeout)
{
    impl = (EventImpl){ addHandle, updateHandle, removeHandle, addTimeout, updateTimeout, removeTimeout };
}

static int no_loop(void)
{
    return FAIL(VIR_ERR_OPERATION_INVALID, "no event loop is registered; call virEventRegisterDefaultImpl() "
                "or virEventRegisterImpl() before opening a connection");
}

int virEventAddHandle(int fd, int events, virEventHandleCallback cb, void *opaque, virFreeCallback ff)
{
    if (!cb)
        return FAIL(VIR_ERR_INVALID_ARG, "an event handle needs a callback");
    return impl.add_handle ? impl.add_handle(fd, events, cb, opaque, ff) : no_loop();
}

void virEventUpdateHandle(int watch, int events)
{
    if (impl.update_handle)
        impl.update_handle(watch, events);
}

int virEventRemoveHandle(int watch)
{
    return impl.remove_handle ? impl.remove_handle(watch) : no_loop();
}

int virEventAddTimeout(int frequency, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff)
{
    if (!cb)
        return FAIL(VIR_ERR_INVALID_ARG, "an event timer needs a callback");
    return impl.add_timeout ? impl.add_timeout(frequency, cb, opaque, ff) : no_loop();
}

void virEventUpdateTimeout(int timer, int frequency)
{
    if (impl.update_timeout)
        impl.update_timeout(timer, frequency);
}

int virEventRemoveTimeout(int timer)
{
    return impl.remove_timeout ? impl.remove_timeout(timer) : no_loop();
}
