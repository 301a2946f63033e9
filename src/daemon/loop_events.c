/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_EVENT
#include "daemon/loop_events.h"
#include "base/error.h"
#include <libvirt/libvirt.h>

typedef struct Entry {
    int id;
    LoopWatch *watch;
    LoopTimer *timer;
    int fd;
    virEventHandleCallback handle;
    virEventTimeoutCallback timeout;
    void *opaque;
    virFreeCallback free_opaque;
} Entry;

static struct {
    Loop *loop;
    GMutex lock;
    GHashTable *entries;  /* id -> Entry; the loop frees them */
    int next;
} impl;

static unsigned to_loop(int events)
{
    return (events & VIR_EVENT_HANDLE_READABLE ? LOOP_IN : 0) | (events & VIR_EVENT_HANDLE_WRITABLE ? LOOP_OUT : 0);
}

static void on_watch(LoopWatch *watch, int fd, unsigned events, void *opaque)
{
    Entry *entry = opaque;
    int public_events = (events & LOOP_IN ? VIR_EVENT_HANDLE_READABLE : 0) |
                        (events & LOOP_OUT ? VIR_EVENT_HANDLE_WRITABLE : 0) |
                        (events & LOOP_ERR ? VIR_EVENT_HANDLE_ERROR : 0) |
                        (events & LOOP_HUP ? VIR_EVENT_HANDLE_HANGUP : 0);
    entry->handle(entry->id, fd, public_events, entry->opaque);
}

static void on_timer(LoopTimer *timer, void *opaque)
{
    Entry *entry = opaque;
    entry->timeout(entry->id, entry->opaque);
}

static void entry_free(gpointer data)
{
    Entry *entry = data;
    if (entry->free_opaque)
        entry->free_opaque(entry->opaque);
    g_free(entry);
}

static Entry *entry_new(void *opaque, virFreeCallback ff)
{
    Entry *entry = g_new0(Entry, 1);
    entry->opaque = opaque;
    entry->free_opaque = ff;
    entry->id = impl.next++;
    return entry;
}

static int add_handle(int fd, int events, virEventHandleCallback cb, void *opaque, virFreeCallback ff)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&impl.lock);
    Entry *entry = entry_new(opaque, ff);
    entry->fd = fd;
    entry->handle = cb;
    entry->watch = loop_watch_add(impl.loop, fd, to_loop(events), on_watch, entry, entry_free);
    if (!entry->watch) {
        g_free(entry);
        return -1;
    }
    g_hash_table_insert(impl.entries, GINT_TO_POINTER(entry->id), entry);
    return entry->id;
}

static void update_handle(int id, int events)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&impl.lock);
    Entry *entry = g_hash_table_lookup(impl.entries, GINT_TO_POINTER(id));
    if (entry && entry->watch)
        loop_watch_update(entry->watch, to_loop(events));
}

static int remove_handle(int id)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&impl.lock);
    Entry *entry = g_hash_table_lookup(impl.entries, GINT_TO_POINTER(id));
    if (!entry || !entry->watch)
        return -1;
    g_hash_table_remove(impl.entries, GINT_TO_POINTER(id));
    loop_watch_remove(entry->watch);
    return 0;
}

static int add_timeout(int ms, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&impl.lock);
    Entry *entry = entry_new(opaque, ff);
    entry->timeout = cb;
    entry->timer = loop_timer_add(impl.loop, on_timer, entry, entry_free);
    g_hash_table_insert(impl.entries, GINT_TO_POINTER(entry->id), entry);
    loop_timer_set(entry->timer, ms, ms);
    return entry->id;
}

static void update_timeout(int id, int ms)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&impl.lock);
    Entry *entry = g_hash_table_lookup(impl.entries, GINT_TO_POINTER(id));
    if (entry && entry->timer)
        loop_timer_set(entry->timer, ms, ms);
}

static int remove_timeout(int id)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&impl.lock);
    Entry *entry = g_hash_table_lookup(impl.entries, GINT_TO_POINTER(id));
    if (!entry || !entry->timer)
        return -1;
    g_hash_table_remove(impl.entries, GINT_TO_POINTER(id));
    loop_timer_remove(entry->timer);
    return 0;
}

void loop_events_register(Loop *loop)
{
    impl.loop = loop;
    impl.next = 1;
    impl.entries = g_hash_table_new(NULL, NULL);
    virEventRegisterImpl(add_handle, update_handle, remove_handle, add_timeout, update_timeout, remove_timeout);
}

void loop_events_unregister(void)
{
    g_mutex_lock(&impl.lock);
    g_clear_pointer(&impl.entries, g_hash_table_unref);
    impl.entries = g_hash_table_new(NULL, NULL);
    g_mutex_unlock(&impl.lock);
}
