/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Event loop. Theory of operation:
 *
 * One mutex guards all tables; it is never held during a callback or while waiting. Watches hang in lists
 * by descriptor number, because epoll knows one registration per descriptor: the registered mask is the
 * union of what the watches of that list want. epoll hands back the descriptor number, so an event that
 * was fetched before its watch was removed simply finds nobody.
 *
 * Removed watches and timers go to a graveyard which the loop's thread empties between rounds; this makes it
 * safe to remove anything from any callback or thread. Timers live in a binary heap that knows each
 * timer's place.
 *
 * Waking costs a system call, so it is only done when the loop really sleeps and nobody woke it
 * yet. The eventfd is registered edge triggered: each write is a new edge, and nobody ever has to read it.
 */
#define ERROR_DOMAIN VIR_FROM_EVENT
#include "base/loop.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

#define LOOP_BATCH 64
#define NOT_IN_HEAP G_MAXUINT

struct LoopWatch {
    Loop *loop;
    LoopWatch *next; /* of the same descriptor; after removal still leads into the list */
    LoopWatch *next_dead;
    LoopWatchFunc func;
    void *opaque;
    GDestroyNotify free_func;
    int fd;
    uint16_t events;
    bool removed;
};

struct LoopTimer {
    Loop *loop;
    LoopTimer *next;
    LoopTimer *prev;
    LoopTimerFunc func;
    void *opaque;
    GDestroyNotify free_func;
    int64_t due_ns;
    int64_t repeat_ns;
    guint place;
    bool removed;
};

typedef struct {
    LoopWatch *first;
    uint32_t mask;    /* what epoll has been told; 0: not registered */
    bool always_ready; /* epoll refuses it: a regular file */
} LoopSlot;

typedef struct {
    LoopFunc fn;
    void *opaque;
} LoopCall;

struct Loop {
    pthread_mutex_t lock;
    int epoll_fd;
    int wake_fd;
    pthread_t owner;  /* valid while depth > 0 */
    unsigned depth;   /* nested rounds of the owner */
    bool sleeping;    /* in epoll_wait, or about to: must be woken */
    bool quit;

    LoopSlot *slots; /* by descriptor */
    size_t n_slots;
    GArray *ready_fds; /* descriptors that are always ready (int) */
    LoopWatch *dead_watches;

    GPtrArray *heap;
    LoopTimer *timers; /* all, armed or not */
    LoopTimer *dead_timers;

    GArray *calls; /* LoopCall */
    GArray *spare; /* kept so that a steady state allocates nothing */
};

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t loop_now_ms(void)
{
    return now_ns() / 1000000;
}

static bool owned_by_caller(const Loop *loop)
{
    return loop->depth > 0 && pthread_equal(loop->owner, pthread_self());
}

bool loop_in_thread(const Loop *loop)
{
    Loop *mutable_loop = (Loop *) loop;
    pthread_mutex_lock(&mutable_loop->lock);
    bool mine = owned_by_caller(loop);
    pthread_mutex_unlock(&mutable_loop->lock);
    return mine;
}

/* With the lock held. */
static void wake(Loop *loop)
{
    if (!loop->sleeping)
        return;
    loop->sleeping = false;
    uint64_t one = 1;
    ssize_t n;
    do {
        n = write(loop->wake_fd, &one, sizeof(one));
    } while (n < 0 && errno == EINTR);
}

Loop *loop_new(void)
{
    Loop *loop = g_new0(Loop, 1);
    pthread_mutex_init(&loop->lock, NULL);
    loop->ready_fds = g_array_new(FALSE, FALSE, sizeof(int));
    loop->heap = g_ptr_array_new();
    loop->calls = g_array_new(FALSE, FALSE, sizeof(LoopCall));
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.fd = loop->wake_fd };
    if (loop->epoll_fd < 0 || loop->wake_fd < 0
        || epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &ev) < 0) {
        error_report_errno(ERROR_DOMAIN, errno, "cannot create an event loop");
        loop_free(loop);
        return NULL;
    }
    return loop;
}

/* ---- calls ---- */

void loop_call(Loop *loop, LoopFunc fn, void *opaque)
{
    LoopCall call = { fn, opaque };
    pthread_mutex_lock(&loop->lock);
    g_array_append_val(loop->calls, call);
    wake(loop);
    pthread_mutex_unlock(&loop->lock);
}

/* Makes the calls that stand in the queue now; those that they add belong to the next round. */
static int run_calls(Loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    GArray *batch = loop->calls;
    if (batch->len == 0) {
        pthread_mutex_unlock(&loop->lock);
        return 0;
    }
    loop->calls = g_steal_pointer(&loop->spare);
    if (!loop->calls)
        loop->calls = g_array_new(FALSE, FALSE, sizeof(LoopCall));
    pthread_mutex_unlock(&loop->lock);

    for (guint i = 0; i < batch->len; i++) {
        LoopCall call = g_array_index(batch, LoopCall, i);
        call.fn(call.opaque);
    }
    int made = batch->len;

    g_array_set_size(batch, 0);
    pthread_mutex_lock(&loop->lock);
    if (!loop->spare)
        loop->spare = g_steal_pointer(&batch);
    pthread_mutex_unlock(&loop->lock);
    if (batch)
        g_array_unref(batch);
    return made;
}

/* ---- watches ---- */

static uint32_t to_epoll(unsigned events)
{
    return (events & LOOP_IN ? EPOLLIN : 0) | (events & LOOP_OUT ? EPOLLOUT : 0)
           | (events & LOOP_ERR ? EPOLLERR : 0) | (events & LOOP_HUP ? EPOLLHUP : 0);
}

static unsigned from_epoll(uint32_t mask)
{
    return (mask & EPOLLIN ? LOOP_IN : 0) | (mask & EPOLLOUT ? LOOP_OUT : 0)
           | (mask & EPOLLERR ? LOOP_ERR : 0) | (mask & EPOLLHUP ? LOOP_HUP : 0);
}

static void forget_ready_fd(Loop *loop, int fd)
{
    for (guint i = 0; i < loop->ready_fds->len; i++) {
        if (g_array_index(loop->ready_fds, int, i) == fd) {
            g_array_remove_index_fast(loop->ready_fds, i);
            return;
        }
    }
}

/* Tell epoll what the watches of @fd want. @renew: the descriptor may be another file than the one that
 * epoll was told about under this number, so tell it even if nothing seems to change. 0 or errno. */
static int sync_slot(Loop *loop, int fd, bool renew)
{
    LoopSlot *slot = &loop->slots[fd];
    uint32_t mask = 0;
    for (LoopWatch *w = slot->first; w; w = w->next)
        mask |= to_epoll(w->events);
    if (slot->always_ready && (renew || !slot->first)) {
        slot->always_ready = false;
        forget_ready_fd(loop, fd);
    }
    if (slot->always_ready || (mask == slot->mask && !renew))
        return 0;

    struct epoll_event ev = { .events = mask, .data.fd = fd };
    if (mask == 0) {
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* fails if closed already: gone as well */
        slot->mask = 0;
        return 0;
    }
    if (slot->mask && epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &ev) == 0) {
        slot->mask = mask;
        return 0;
    }
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0) {
        slot->mask = mask;
        return 0;
    }
    if (errno != EPERM)
        return errno;
    slot->mask = 0;
    slot->always_ready = true;
    g_array_append_val(loop->ready_fds, fd);
    wake(loop);
    return 0;
}

static void reserve_slot(Loop *loop, int fd)
{
    if ((size_t) fd < loop->n_slots)
        return;
    size_t n = MAX((size_t) 64, loop->n_slots * 2);
    while (n <= (size_t) fd)
        n *= 2;
    loop->slots = g_renew(LoopSlot, loop->slots, n);
    memset(loop->slots + loop->n_slots, 0, (n - loop->n_slots) * sizeof(LoopSlot));
    loop->n_slots = n;
}

static void unlink_watch(Loop *loop, LoopWatch *watch)
{
    LoopWatch **link = &loop->slots[watch->fd].first;
    while (*link != watch)
        link = &(*link)->next;
    *link = watch->next;
}

LoopWatch *loop_watch_add(Loop *loop, int fd, unsigned events, LoopWatchFunc func, void *opaque,
                          GDestroyNotify free_func)
{
    if (fd < 0)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "cannot watch descriptor %d", fd);
    LoopWatch *watch = g_new0(LoopWatch, 1);
    *watch = (LoopWatch){ .loop = loop, .func = func, .opaque = opaque, .free_func = free_func,
                          .fd = fd, .events = events };
    pthread_mutex_lock(&loop->lock);
    reserve_slot(loop, fd);
    watch->next = loop->slots[fd].first;
    loop->slots[fd].first = watch;
    int err = sync_slot(loop, fd, true);
    if (err)
        unlink_watch(loop, watch);
    pthread_mutex_unlock(&loop->lock);
    if (err) {
        g_free(watch);
        return FAIL_ERRNO_NULL(err, "cannot watch descriptor %d", fd);
    }
    return watch;
}

int loop_watch_update(LoopWatch *watch, unsigned events)
{
    Loop *loop = watch->loop;
    pthread_mutex_lock(&loop->lock);
    unsigned old = watch->events;
    watch->events = events;
    int err = 0;
    if (old != events) {
        err = sync_slot(loop, watch->fd, false);
        if (err)
            watch->events = old;
        else if (loop->slots[watch->fd].always_ready)
            wake(loop);
    }
    pthread_mutex_unlock(&loop->lock);
    if (err)
        return FAIL_ERRNO(err, "cannot change the watch on descriptor %d", watch->fd);
    return 0;
}

void loop_watch_remove(LoopWatch *watch)
{
    if (!watch)
        return;
    Loop *loop = watch->loop;
    pthread_mutex_lock(&loop->lock);
    if (!watch->removed) {
        watch->removed = true;
        unlink_watch(loop, watch);
        sync_slot(loop, watch->fd, false); /* can't fail when the mask shrinks */
        watch->next_dead = loop->dead_watches;
        loop->dead_watches = watch;
        wake(loop);
    }
    pthread_mutex_unlock(&loop->lock);
}

int loop_watch_fd(const LoopWatch *watch)
{
    return watch->fd;
}

/* Call every watch of @fd that wants one of @ready. Those removed meanwhile keep their place in the list
 * (and their memory) until the round ends, so going on from them is safe. */
static int dispatch_fd(Loop *loop, int fd, unsigned ready)
{
    int made = 0;
    pthread_mutex_lock(&loop->lock);
    LoopWatch *watch = (size_t) fd < loop->n_slots ? loop->slots[fd].first : NULL;
    while (watch) {
        unsigned got = watch->events ? ready & (watch->events | LOOP_ERR | LOOP_HUP) : 0;
        if (got && !watch->removed) {
            pthread_mutex_unlock(&loop->lock);
            watch->func(watch, fd, got, watch->opaque);
            made++;
            pthread_mutex_lock(&loop->lock);
        }
        watch = watch->next;
    }
    pthread_mutex_unlock(&loop->lock);
    return made;
}

/* With the lock held: whether a watch on an always ready descriptor wants anything. */
static bool any_always_ready(Loop *loop)
{
    for (guint i = 0; i < loop->ready_fds->len; i++) {
        int fd = g_array_index(loop->ready_fds, int, i);
        for (LoopWatch *w = loop->slots[fd].first; w; w = w->next)
            if (w->events & (LOOP_IN | LOOP_OUT))
                return true;
    }
    return false;
}

static int dispatch_always_ready(Loop *loop)
{
    int made = 0;
    for (guint i = 0;; i++) {
        pthread_mutex_lock(&loop->lock);
        int fd = i < loop->ready_fds->len ? g_array_index(loop->ready_fds, int, i) : -1;
        pthread_mutex_unlock(&loop->lock);
        if (fd < 0)
            return made;
        made += dispatch_fd(loop, fd, LOOP_IN | LOOP_OUT);
    }
}

/* ---- timers: a binary heap ---- */

#define HEAP_AT(loop, i) ((LoopTimer *) g_ptr_array_index((loop)->heap, (i)))

static void heap_put(Loop *loop, guint place, LoopTimer *timer)
{
    loop->heap->pdata[place] = timer;
    timer->place = place;
}

static void heap_up(Loop *loop, LoopTimer *timer)
{
    guint i = timer->place;
    while (i > 0 && HEAP_AT(loop, (i - 1) / 2)->due_ns > timer->due_ns) {
        heap_put(loop, i, HEAP_AT(loop, (i - 1) / 2));
        i = (i - 1) / 2;
    }
    heap_put(loop, i, timer);
}

static void heap_down(Loop *loop, LoopTimer *timer)
{
    guint i = timer->place;
    guint n = loop->heap->len;
    for (;;) {
        guint child = 2 * i + 1;
        if (child + 1 < n && HEAP_AT(loop, child + 1)->due_ns < HEAP_AT(loop, child)->due_ns)
            child++;
        if (child >= n || HEAP_AT(loop, child)->due_ns >= timer->due_ns)
            break;
        heap_put(loop, i, HEAP_AT(loop, child));
        i = child;
    }
    heap_put(loop, i, timer);
}

static void heap_take(Loop *loop, LoopTimer *timer)
{
    if (timer->place == NOT_IN_HEAP)
        return;
    LoopTimer *last = HEAP_AT(loop, loop->heap->len - 1);
    guint place = timer->place;
    g_ptr_array_set_size(loop->heap, loop->heap->len - 1);
    timer->place = NOT_IN_HEAP;
    if (last == timer)
        return;
    heap_put(loop, place, last);
    heap_up(loop, last);
    heap_down(loop, last);
}

static void heap_add(Loop *loop, LoopTimer *timer)
{
    g_ptr_array_add(loop->heap, timer);
    timer->place = loop->heap->len - 1;
    heap_up(loop, timer);
}

static int64_t ms_to_ns(int64_t ms)
{
    return MIN(ms, G_MAXINT64 / 4000000) * 1000000;
}

LoopTimer *loop_timer_add(Loop *loop, LoopTimerFunc func, void *opaque, GDestroyNotify free_func)
{
    LoopTimer *timer = g_new0(LoopTimer, 1);
    *timer = (LoopTimer){ .loop = loop, .func = func, .opaque = opaque, .free_func = free_func,
                          .repeat_ns = -1, .place = NOT_IN_HEAP };
    pthread_mutex_lock(&loop->lock);
    timer->next = loop->timers;
    if (timer->next)
        timer->next->prev = timer;
    loop->timers = timer;
    pthread_mutex_unlock(&loop->lock);
    return timer;
}

void loop_timer_set(LoopTimer *timer, int64_t first_ms, int64_t repeat_ms)
{
    Loop *loop = timer->loop;
    pthread_mutex_lock(&loop->lock);
    heap_take(loop, timer);
    if (first_ms >= 0) {
        timer->due_ns = now_ns() + ms_to_ns(first_ms);
        timer->repeat_ns = repeat_ms < 0 ? -1 : ms_to_ns(repeat_ms);
        heap_add(loop, timer);
        if (timer->place == 0)
            wake(loop);
    }
    pthread_mutex_unlock(&loop->lock);
}

void loop_timer_remove(LoopTimer *timer)
{
    if (!timer)
        return;
    Loop *loop = timer->loop;
    pthread_mutex_lock(&loop->lock);
    if (!timer->removed) {
        timer->removed = true;
        heap_take(loop, timer);
        if (timer->prev)
            timer->prev->next = timer->next;
        else
            loop->timers = timer->next;
        if (timer->next)
            timer->next->prev = timer->prev;
        timer->next = loop->dead_timers;
        loop->dead_timers = timer;
        wake(loop);
    }
    pthread_mutex_unlock(&loop->lock);
}

/* Fires what is due at one moment. A repeating timer is armed anew before it is called, always later than that
 * moment, so it can't fire twice in a round. */
static int run_timers(Loop *loop)
{
    int made = 0;
    pthread_mutex_lock(&loop->lock);
    int64_t now = loop->heap->len ? now_ns() : 0;
    while (loop->heap->len && HEAP_AT(loop, 0)->due_ns <= now) {
        LoopTimer *timer = HEAP_AT(loop, 0);
        heap_take(loop, timer);
        if (timer->repeat_ns >= 0) {
            timer->due_ns = now + MAX(timer->repeat_ns, 1);
            heap_add(loop, timer);
        }
        pthread_mutex_unlock(&loop->lock);
        timer->func(timer, timer->opaque);
        made++;
        pthread_mutex_lock(&loop->lock);
    }
    pthread_mutex_unlock(&loop->lock);
    return made;
}

/* ---- rounds ---- */

/* Free what was removed. Not in a nested round: the outer one may still stand on it. */
static void bury(Loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    LoopWatch *watches = NULL;
    LoopTimer *timers = NULL;
    if (loop->depth <= 1) {
        watches = g_steal_pointer(&loop->dead_watches);
        timers = g_steal_pointer(&loop->dead_timers);
    }
    pthread_mutex_unlock(&loop->lock);
    while (watches) {
        LoopWatch *watch = watches;
        watches = watch->next_dead;
        if (watch->free_func)
            watch->free_func(watch->opaque);
        g_free(watch);
    }
    while (timers) {
        LoopTimer *timer = timers;
        timers = timer->next;
        if (timer->free_func)
            timer->free_func(timer->opaque);
        g_free(timer);
    }
}

/* With the lock held: milliseconds that the loop may sleep, -1 for ever. */
static int sleep_ms(Loop *loop, bool may_block)
{
    bool buried = loop->depth > 1 || (!loop->dead_watches && !loop->dead_timers);
    if (!may_block || loop->calls->len || loop->quit || !buried || any_always_ready(loop))
        return 0;
    if (!loop->heap->len)
        return -1;
    int64_t left = HEAP_AT(loop, 0)->due_ns - now_ns();
    if (left <= 0)
        return 0;
    return MIN((left + 999999) / 1000000, G_MAXINT);
}

static int wait_events(Loop *loop, bool may_block, struct epoll_event *events)
{
    pthread_mutex_lock(&loop->lock);
    int timeout = sleep_ms(loop, may_block);
    loop->sleeping = timeout != 0;
    pthread_mutex_unlock(&loop->lock);

    int n = epoll_wait(loop->epoll_fd, events, LOOP_BATCH, timeout);
    int err = errno;
    if (timeout != 0) {
        pthread_mutex_lock(&loop->lock);
        loop->sleeping = false;
        pthread_mutex_unlock(&loop->lock);
    }
    if (n < 0 && err == EINTR)
        return 0;
    if (n < 0)
        return FAIL_ERRNO(err, "cannot wait for events");
    return n;
}

static int enter(Loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool ok = loop->depth == 0 || pthread_equal(loop->owner, pthread_self());
    if (ok) {
        loop->owner = pthread_self();
        loop->depth++;
    }
    pthread_mutex_unlock(&loop->lock);
    if (!ok)
        return FAIL(VIR_ERR_OPERATION_INVALID, "another thread is running this event loop");
    return 0;
}

static void leave(Loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->depth--;
    pthread_mutex_unlock(&loop->lock);
}

static int do_round(Loop *loop, bool may_block)
{
    struct epoll_event events[LOOP_BATCH];
    int n = wait_events(loop, may_block, events);
    if (n < 0)
        return -1;
    int made = 0;
    for (int i = 0; i < n; i++) {
        if (events[i].data.fd != loop->wake_fd)
            made += dispatch_fd(loop, events[i].data.fd, from_epoll(events[i].events));
    }
    made += dispatch_always_ready(loop);
    made += run_timers(loop);
    made += run_calls(loop);
    bury(loop);
    return made;
}

int loop_iterate(Loop *loop, bool may_block)
{
    if (enter(loop) < 0)
        return -1;
    int made = do_round(loop, may_block);
    leave(loop);
    return made;
}

static bool take_quit(Loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool quit = loop->quit;
    loop->quit = false;
    pthread_mutex_unlock(&loop->lock);
    return quit;
}

int loop_run(Loop *loop)
{
    if (enter(loop) < 0)
        return -1;
    int result = 0;
    while (!take_quit(loop) && result >= 0)
        result = do_round(loop, true);
    leave(loop);
    return result < 0 ? -1 : 0;
}

void loop_quit(Loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->quit = true;
    wake(loop);
    pthread_mutex_unlock(&loop->lock);
}

void loop_free(Loop *loop)
{
    if (!loop)
        return;
    while (run_calls(loop) > 0)
        continue;
    for (size_t fd = 0; fd < loop->n_slots; fd++) {
        while (loop->slots[fd].first)
            loop_watch_remove(loop->slots[fd].first);
    }
    while (loop->timers)
        loop_timer_remove(loop->timers);
    bury(loop);
    while (run_calls(loop) > 0) /* what the free functions asked for */
        continue;
    g_clear_pointer(&loop->spare, g_array_unref);
    g_array_unref(loop->calls);
    g_array_unref(loop->ready_fds);
    g_ptr_array_unref(loop->heap);
    g_free(loop->slots);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    pthread_mutex_destroy(&loop->lock);
    g_free(loop);
}
