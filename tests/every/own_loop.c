/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A program with an event loop of its own: the library asks it to watch descriptors and to keep time. A child runs it, because a
 * process has one loop for good.
 */
#include "every.h"
#include <poll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 32 };

/** A descriptor, or a timer if that is -1; free if cb and ring are NULL. */
typedef struct Source {
    int fd, events, interval;
    long long due;
    virEventHandleCallback cb;
    virEventTimeoutCallback ring;
    void *opaque;
    virFreeCallback ff;
} Source;

static Source sources[ROOM];
static bool heard;

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int add(Source source)
{
    for (int i = 0; i < ROOM; i++) {
        if (!sources[i].cb && !sources[i].ring) {
            sources[i] = source;
            return i;
        }
    }
    return -1;
}

static int drop(int i)
{
    Source source = sources[i];
    sources[i] = (Source) { 0 };
    if (source.ff)
        source.ff(source.opaque);
    return 0;
}

static int add_handle(int fd, int events, virEventHandleCallback cb, void *opaque, virFreeCallback ff)
{
    return add((Source) { .fd = fd, .events = events, .cb = cb, .opaque = opaque, .ff = ff });
}

static void update_handle(int watch, int events)
{
    sources[watch].events = events;
}

static int add_timeout(int interval, virEventTimeoutCallback ring, void *opaque, virFreeCallback ff)
{
    return add((Source) { .fd = -1, .interval = interval, .due = now() + interval, .ring = ring, .opaque = opaque, .ff = ff });
}

static void update_timeout(int timer, int interval)
{
    sources[timer].interval = interval;
    sources[timer].due = now() + interval;
}

/* One round. A millisecond is the longest that it waits: this is no model of a good loop. */
static void run_once(void)
{
    struct pollfd fds[ROOM];
    for (int i = 0; i < ROOM; i++) {
        Source *s = &sources[i];
        fds[i] = (struct pollfd) { .fd = s->cb && s->events ? s->fd : -1,
                                   .events = (short) ((s->events & VIR_EVENT_HANDLE_READABLE ? POLLIN : 0) |
                                                      (s->events & VIR_EVENT_HANDLE_WRITABLE ? POLLOUT : 0)) };
    }
    poll(fds, ROOM, 1);
    for (int i = 0; i < ROOM; i++) {
        Source *s = &sources[i];
        if (s->cb && fds[i].fd == s->fd && fds[i].revents) {
            s->cb(i, s->fd, (fds[i].revents & POLLIN ? VIR_EVENT_HANDLE_READABLE : 0) |
                            (fds[i].revents & POLLOUT ? VIR_EVENT_HANDLE_WRITABLE : 0) |
                            (fds[i].revents & POLLHUP ? VIR_EVENT_HANDLE_HANGUP : 0), s->opaque);
        } else if (s->ring && s->interval >= 0 && now() >= s->due) {
            s->due = now() + s->interval;
            s->ring(i, s->opaque);
        }
    }
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *opaque)
{
    heard = true;
    return 0;
}

static void hear(Fixture *x, const char *uri)
{
    long long end = now() + 20000;
    virEventRegisterImpl(add_handle, update_handle, drop, add_timeout, update_timeout, drop);
    x->conn = virConnectOpen(uri);
    int ret = x->conn ? virConnectDomainEventRegister(x->conn, on_lifecycle, NULL, NULL) : -1;
    virDomainPtr domain = x->conn ? virDomainLookupByName(x->conn, "test") : NULL;
    if (ret == 0 && domain && virDomainSuspend(domain) == 0) {
        while (!heard && now() < end)
            run_once();
        virConnectDomainEventDeregister(x->conn, on_lifecycle);
    }
    DID(x, virEventRegisterImpl, heard);
    if (domain)
        virDomainFree(domain);
    if (x->conn)
        virConnectClose(x->conn);
}

void call_own_loop(const char *uri)
{
    Fixture x = { 0 };
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        hear(&x, uri);
        exit(0);
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "every: the child with its own event loop ended with %d\n", status);
        exit(1);
    }
}
