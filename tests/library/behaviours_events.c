/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The default event loop, and one of the program's own.
 */
#include "behaviours.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOURCES = 8, LOOKS = 40 };

/* A handle or timer that notes what happens to it. */
typedef struct {
    const char *name;
    int id, calls, freed;
    int remove_at;   /* the call in which it removes itself, 0 for never */
    int other;       /* the timer that it removes in each call, 0 for none */
    int frequency;   /* it sets its own in its call, -2 for not */
    int events_seen;
} Source;

static char order[400];

static void note(const char *name)
{
    if (strlen(order) + strlen(name) + 2 < sizeof(order)) {
        strcat(order, name);
        strcat(order, " ");
    }
}

static void freed(void *opaque)
{
    Source *source = opaque;
    source->freed++;
    note("freed");
    note(source->name);
}

static void on_timeout(int timer, void *opaque)
{
    Source *source = opaque;
    source->calls++;
    note(source->name);
    if (timer != source->id)
        note("other-id");
    if (source->remove_at == source->calls)
        see_int(source->name, virEventRemoveTimeout(timer));
    if (source->other)
        see_int("removing another in a callback", virEventRemoveTimeout(source->other));
    if (source->frequency != -2)
        virEventUpdateTimeout(timer, source->frequency);
}

static void on_handle(int watch, int fd, int events, void *opaque)
{
    Source *source = opaque;
    source->calls++;
    source->events_seen |= events;
    if (watch != source->id)
        note("other-id");
    if (source->remove_at == source->calls)
        see_int(source->name, virEventRemoveHandle(watch));
}

static int ticked;

static void tick(int timer, void *opaque)
{
    ticked = 1;
}

/* Lets the loop run until nothing more is due: a timer has come @turns times. */
static void turn(int turns)
{
    for (int i = 0; i < turns; i++) {
        ticked = 0;
        int timer = virEventAddTimeout(2, tick, NULL, NULL); /* not 0: what is always due keeps idle work of the loop from its turn */
        for (int look = 0; !ticked && look < LOOKS; look++)
            virEventRunDefaultImpl();
        virEventRemoveTimeout(timer);
    }
}

static void until(int *calls, int wanted)
{
    while (*calls < wanted && virEventRunDefaultImpl() == 0)
        ;
}

static void see_order(const char *label)
{
    see(label, "%s", order);
    order[0] = '\0';
}

static void see_timers(void)
{
    Source a = { .name = "a", .frequency = -2 }, b = { .name = "b", .frequency = -2 }, c = { .name = "c", .frequency = -2 };
    a.frequency = b.frequency = c.frequency = -1; /* once each */
    a.id = virEventAddTimeout(900, on_timeout, &a, freed);
    b.id = virEventAddTimeout(450, on_timeout, &b, freed);
    c.id = virEventAddTimeout(1, on_timeout, &c, freed);
    see("timer numbers", "%d %d %d", a.id, b.id - a.id, c.id - b.id);
    until(&a.calls, 1);
    see_order("order by time");
    virEventUpdateTimeout(a.id, 0);
    virEventUpdateTimeout(c.id, 0);
    turn(1);
    see_order("order of two that are due");
    CALL(virEventRemoveTimeout(b.id));
    CALL(virEventRemoveTimeout(b.id));
    turn(2);
    see_order("removed");
    a.frequency = -2;
    virEventUpdateTimeout(a.id, 1);
    until(&a.calls, 5);
    virEventUpdateTimeout(a.id, -1);
    see("repeats", "%d", a.calls >= 5);
    order[0] = '\0';
    c.calls = 0;
    c.remove_at = 1;
    virEventUpdateTimeout(c.id, 0);
    turn(3);
    see_order("removes itself");
    a.calls = 0;
    virEventUpdateTimeout(77777, 0);
    virEventUpdateTimeout(b.id, 0);
    CALL(virEventRemoveTimeout(77777));
    CALL(virEventRemoveTimeout(-1));
    CALL(virEventRemoveTimeout(0));
    Source d = { .name = "d", .frequency = -1 };
    d.id = virEventAddTimeout(-1, on_timeout, &d, freed);
    a.other = d.id;
    a.frequency = -1;
    virEventUpdateTimeout(a.id, 0);
    virEventUpdateTimeout(d.id, 0);
    turn(3);
    see_order("one removes the next");
    see("calls of the next", "%d freed %d", d.calls, d.freed);
    a.other = 0;
    CALL(virEventRemoveTimeout(a.id));
    turn(1);
    order[0] = '\0';
    Source e = { .name = "e", .frequency = -2 };
    e.id = virEventAddTimeout(-1, on_timeout, &e, NULL);
    turn(2);
    see("timer that isn't on", "%d", e.calls);
    CALL(virEventRemoveTimeout(e.id));
}

static void watched(const char *label, int fd, int events)
{
    Source s = { .name = "handle" };
    char name[80];
    snprintf(name, sizeof(name), "%s asked for %d", label, events);
    s.id = virEventAddHandle(fd, events, on_handle, &s, freed);
    turn(2);
    see(name, "events %d, called %d", s.events_seen, s.calls > 0);
    virEventRemoveHandle(s.id);
    turn(1);
    if (s.freed != 1)
        see(name, "freed %d", s.freed);
}

static void see_handles(void)
{
    static const int asked[] = { 0, 1, 2, 3, 4, 8, 15 };
    int quiet[2], full[2], ended[2], pipes[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, quiet) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, full) < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, ended) < 0 || pipe(pipes) < 0 || write(full[1], "x", 1) != 1)
        exit(5);
    close(ended[1]);
    close(pipes[0]);
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        watched("quiet socket", quiet[0], asked[i]);
        watched("socket with data", full[0], asked[i]);
        watched("socket of nobody", ended[0], asked[i]);
        watched("pipe without reader", pipes[1], asked[i]);
    }
    int file = open("/etc/passwd", O_RDONLY);
    watched("file", file, 1);
    watched("file", file, 3);
    Source s = { .name = "removes itself" }, t = { .name = "second" };
    s.id = virEventAddHandle(quiet[0], VIR_EVENT_HANDLE_READABLE, on_handle, &s, freed);
    t.id = virEventAddHandle(quiet[0], VIR_EVENT_HANDLE_WRITABLE, on_handle, &t, freed);
    see("handle numbers", "%d", t.id - s.id);
    turn(1);
    see("two handles of one descriptor", "%d %d", s.calls > 0, t.calls > 0);
    virEventUpdateHandle(t.id, 0);
    t.calls = 0;
    turn(2);
    see("update to nothing", "%d", t.calls);
    order[0] = '\0';
    s.remove_at = 1;
    virEventUpdateHandle(s.id, VIR_EVENT_HANDLE_WRITABLE);
    turn(2);
    see("removed in its callback", "%d freed %d", s.calls, s.freed);
    CALL(virEventRemoveHandle(s.id));
    CALL(virEventRemoveHandle(t.id));
    CALL(virEventRemoveHandle(t.id));
    see("freed when removed", "%d", t.freed);
    turn(1);
    see("freed later", "%d", t.freed);
    virEventUpdateHandle(77777, 1);
    CALL(virEventRemoveHandle(77777));
    CALL(virEventRemoveHandle(-1));
    see("handle of no descriptor", "%d", virEventAddHandle(-1, 1, on_handle, &s, NULL) > 0);
    see("handle of a bad descriptor", "%d", virEventAddHandle(900, 0, on_handle, &s, NULL) > 0);
}

void see_events(const World *world)
{
    Source s = { .name = "s" };
    CALL(virEventAddTimeout(1, tick, NULL, NULL));
    CALL(virEventRemoveTimeout(1));
    CALL(virEventAddHandle(0, 1, on_handle, NULL, NULL));
    CALL(virEventRemoveHandle(1));
    virEventUpdateTimeout(1, 1);
    virEventUpdateHandle(1, 1);
    virConnectPtr conn = open_test();
    CALL(virConnectDomainEventRegisterAny(conn, NULL, 0, VIR_DOMAIN_EVENT_CALLBACK(tick), &s, NULL) >= 0);
    virConnectClose(conn);
    CALL(virEventRegisterDefaultImpl());
    CALL(virEventRegisterDefaultImpl());
    see_timers();
    see_handles();
}

/* ---- an implementation of the program's own: it notes and never calls ---- */

static int custom_ids = 100;
static char custom[2000];

static void custom_note(const char *what)
{
    if (strlen(custom) + strlen(what) + 2 < sizeof(custom)) {
        strcat(custom, what);
        strcat(custom, " ");
    }
}

static virEventTimeoutCallback last_timeout;
static void *last_opaque;
static virFreeCallback last_free;
static int last_timer;

static int add_handle(int fd, int events, virEventHandleCallback cb, void *opaque, virFreeCallback ff)
{
    custom_note("add-handle");
    return custom_ids++;
}

static void update_handle(int watch, int events)
{
    custom_note("update-handle");
}

static int remove_handle(int watch)
{
    custom_note("remove-handle");
    return 0;
}

static int add_timeout(int timeout, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff)
{
    custom_note(timeout < 0 ? "add-timeout-off" : timeout ? "add-timeout-on" : "add-timeout-now");
    last_timeout = cb;
    last_opaque = opaque;
    last_free = ff;
    return last_timer = custom_ids++;
}

static void update_timeout(int timer, int timeout)
{
    custom_note(timer != last_timer ? "update-other" : timeout < 0 ? "update-off" : timeout ? "update-on" : "update-now");
}

static int remove_timeout(int timer)
{
    custom_note("remove-timeout");
    return timer == 5 ? -1 : 0;
}

static int heard_events;

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    heard_events++;
    return 0;
}

static void see_custom(const char *label)
{
    see(label, "%s", custom);
    custom[0] = '\0';
}

void see_custom_events(const World *world)
{
    virEventRegisterImpl(add_handle, update_handle, remove_handle, add_timeout, update_timeout, remove_timeout);
    CALL(virEventAddHandle(0, 1, on_handle, NULL, NULL));
    CALL(virEventAddTimeout(1, tick, NULL, NULL));
    CALL(virEventRemoveTimeout(5));
    CALL(virEventRemoveTimeout(6));
    CALL(virEventRemoveHandle(6));
    virEventUpdateHandle(1, 1);
    see_custom("own implementation");
    virConnectPtr conn = open_test();
    see_custom("opened");
    int id = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), NULL,
                                              NULL);
    int second = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_REBOOT, VIR_DOMAIN_EVENT_CALLBACK(tick), NULL, NULL);
    see("callback numbers", "%d %d", id, second);
    see_custom("registered");
    virDomainPtr dom = virDomainLookupByName(conn, "test");
    CALL(virDomainSuspend(dom));
    see_custom("an event");
    CALL(virDomainResume(dom));
    see_custom("another before the first is told");
    see("told before the timer", "%d", heard_events);
    if (last_timeout)
        last_timeout(last_timer, last_opaque);
    see_custom("timer");
    see("told by the timer", "%d", heard_events);
    CALL(virConnectDomainEventDeregisterAny(conn, second));
    CALL(virConnectDomainEventDeregisterAny(conn, second));
    see_custom("one deregistered");
    CALL(virConnectDomainEventDeregisterAny(conn, id));
    see_custom("all deregistered");
    virDomainFree(dom);
    CALL(virConnectClose(conn));
    see_custom("closed");
    see("free callback of the timer", "%d", last_free != NULL);
}
