/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Event loop: watches, timers, calls, and all of them from several threads at once. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"

static int freed;

static void count_free(void *opaque)
{
    (void) opaque;
    freed++;
}

typedef struct {
    Loop *loop;
    LoopWatch *watch;
    LoopWatch *other;
    int fired;
    unsigned events;
} Probe;

static void on_probe(LoopWatch *watch, int fd, unsigned events, void *opaque)
{
    Probe *p = opaque;
    g_assert_true(watch == p->watch || !p->watch);
    g_assert_cmpint(fd, ==, loop_watch_fd(watch));
    g_assert_true(loop_in_thread(p->loop));
    p->fired++;
    p->events = events;
}

static void test_watch(void)
{
    g_autoptr(Loop) loop = loop_new();
    int sv[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), ==, 0);
    Probe p = { .loop = loop };
    p.watch = loop_watch_add(loop, sv[0], LOOP_IN, on_probe, &p, count_free);
    g_assert_cmpint(loop_iterate(loop, false), ==, 0);
    g_assert_cmpint(write(sv[1], "x", 1), ==, 1);
    g_assert_cmpint(loop_iterate(loop, true), ==, 1);
    g_assert_cmpint(loop_iterate(loop, true), ==, 1); /* level triggered */
    g_assert_cmpuint(p.events, ==, LOOP_IN);
    loop_watch_update(p.watch, LOOP_OUT);
    loop_iterate(loop, true);
    g_assert_cmpuint(p.events, ==, LOOP_OUT);
    loop_watch_update(p.watch, 0);
    close(sv[1]);
    g_assert_cmpint(loop_iterate(loop, false), ==, 0); /* paused: not even the hang-up */
    loop_watch_update(p.watch, LOOP_IN);
    loop_iterate(loop, true);
    g_assert_cmpuint(p.events, ==, LOOP_IN | LOOP_HUP);
    g_assert_false(loop_in_thread(loop));

    freed = 0;
    loop_watch_remove(p.watch);
    g_assert_cmpint(freed, ==, 0); /* never from inside remove */
    g_assert_cmpint(loop_iterate(loop, true), ==, 0);
    g_assert_cmpint(freed, ==, 1);
    close(sv[0]);
}

/* Two watches on one descriptor, different wishes; then the number is reused by another file. */
static void test_shared_fd(void)
{
    g_autoptr(Loop) loop = loop_new();
    int sv[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), ==, 0);
    Probe in = { .loop = loop }, out = { .loop = loop };
    in.watch = loop_watch_add(loop, sv[0], LOOP_IN, on_probe, &in, NULL);
    out.watch = loop_watch_add(loop, sv[0], LOOP_OUT, on_probe, &out, NULL);
    loop_iterate(loop, true);
    g_assert_cmpint(in.fired, ==, 0);
    g_assert_cmpint(out.fired, ==, 1);
    loop_watch_remove(out.watch);
    g_assert_cmpint(write(sv[1], "x", 1), ==, 1);
    loop_iterate(loop, true);
    g_assert_cmpint(in.fired, ==, 1);
    g_assert_cmpint(out.fired, ==, 1);

    int number = sv[0];
    close(sv[0]); /* while it is watched: wrong, but must not confuse who gets the number next */
    int pair[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
    g_assert_cmpint(pair[0], ==, number);
    Probe next = { .loop = loop };
    next.watch = loop_watch_add(loop, number, LOOP_IN, on_probe, &next, NULL);
    loop_watch_remove(in.watch);
    g_assert_cmpint(write(pair[1], "y", 1), ==, 1);
    loop_iterate(loop, true);
    g_assert_cmpint(next.fired, ==, 1);
    close(pair[0]);
    close(pair[1]);
    close(sv[1]);
}

static void remove_both(LoopWatch *watch, int fd, unsigned events, void *opaque)
{
    (void) watch, (void) fd, (void) events;
    Probe *p = opaque;
    p->fired++;
    loop_watch_remove(p->watch);
    loop_watch_remove(p->other);
    g_assert_cmpint(loop_iterate(p->loop, false), ==, 0); /* a nested round sees neither */
}

/* The first callback of a batch removes both: the second must not be called although it was ready. */
static void test_remove_in_callback(void)
{
    for (int same_fd = 0; same_fd < 2; same_fd++) {
        g_autoptr(Loop) loop = loop_new();
        int a[2], b[2];
        g_assert_cmpint(pipe(a), ==, 0);
        g_assert_cmpint(pipe(b), ==, 0);
        Probe p = { .loop = loop };
        p.watch = loop_watch_add(loop, a[0], LOOP_IN, remove_both, &p, count_free);
        p.other = loop_watch_add(loop, same_fd ? a[0] : b[0], LOOP_IN, remove_both, &p, count_free);
        g_assert_cmpint(write(a[1], "x", 1), ==, 1);
        g_assert_cmpint(write(b[1], "x", 1), ==, 1);
        freed = 0;
        loop_iterate(loop, true);
        g_assert_cmpint(p.fired, ==, 1);
        g_assert_cmpint(freed, ==, 2);
        for (int i = 0; i < 2; i++) {
            close(a[i]);
            close(b[i]);
        }
    }
}

static void test_regular_file(void)
{
    g_autoptr(Loop) loop = loop_new();
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    Probe p = { .loop = loop };
    p.watch = loop_watch_add(loop, fd, LOOP_IN, on_probe, &p, NULL);
    g_assert_nonnull(p.watch);
    g_assert_cmpint(loop_iterate(loop, true), ==, 1);
    loop_watch_update(p.watch, 0);
    g_assert_cmpint(loop_iterate(loop, false), ==, 0);
    loop_watch_update(p.watch, LOOP_IN);
    g_assert_cmpint(loop_iterate(loop, true), ==, 1);
    loop_watch_remove(p.watch);
    g_assert_cmpint(loop_iterate(loop, false), ==, 0);
    close(fd);
}

typedef struct {
    Loop *loop;
    GArray *order;
    int number;
    int64_t not_before;
} Tick;

static void on_tick(LoopTimer *timer, void *opaque)
{
    (void) timer;
    Tick *t = opaque;
    g_assert_cmpint(loop_now_ms(), >=, t->not_before);
    g_array_append_val(t->order, t->number);
}

static void test_timer_order(void)
{
    g_autoptr(Loop) loop = loop_new();
    g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(int));
    enum { N = 200 };
    static Tick ticks[N];
    LoopTimer *timers[N];
    int64_t begin;
    for (int i = 0; i < N; i++)
        timers[i] = loop_timer_add(loop, on_tick, &ticks[i], count_free);
    do { /* within one millisecond, else the order is not that of the delays */
        begin = loop_now_ms();
        for (int i = 0; i < N; i++) {
            int delay = (i * 67) % N;
            ticks[i] = (Tick){ loop, order, delay, begin + delay };
            loop_timer_set(timers[i], delay, -1);
        }
    } while (loop_now_ms() != begin);
    for (int i = 0; i < N; i += 2) /* every second one is disarmed or removed, from any place in the heap */
        i % 4 ? loop_timer_set(timers[i], -1, -1) : loop_timer_remove(timers[i]);
    while (order->len < N / 2)
        loop_iterate(loop, true);
    for (guint i = 1; i < order->len; i++)
        g_assert_cmpint(g_array_index(order, int, i - 1), <, g_array_index(order, int, i));
    freed = 0;
    loop_iterate(loop, false);
    g_clear_pointer(&loop, loop_free);
    g_assert_cmpint(freed, ==, N - N / 4);
}

static void on_repeat(LoopTimer *timer, void *opaque)
{
    if (++*(int *) opaque == 3)
        loop_timer_remove(timer);
}

static void test_timer_repeat(void)
{
    g_autoptr(Loop) loop = loop_new();
    int n = 0, each = 0;
    loop_timer_set(loop_timer_add(loop, on_repeat, &n, count_free), 0, 0);
    loop_timer_set(loop_timer_add(loop, on_repeat, &each, NULL), 1, 1);
    freed = 0;
    g_assert_cmpint(loop_iterate(loop, true), ==, 1); /* repeat 0 is once a round, not for ever */
    while (n < 3 || each < 3)
        loop_iterate(loop, true);
    g_assert_cmpint(freed, ==, 1);
    g_assert_cmpint(loop_iterate(loop, false), ==, 0);
}

static void on_call(void *opaque)
{
    Tick *t = opaque;
    g_array_append_val(t->order, t->number);
    if (t->number == 1)
        loop_call(t->loop, on_call, t + 1); /* belongs to the next round */
}

static void test_call(void)
{
    Loop *loop = loop_new();
    g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(int));
    Tick t[3] = { { loop, order, 0, 0 }, { loop, order, 1, 0 }, { loop, order, 2, 0 } };
    loop_call(loop, on_call, &t[0]);
    loop_call(loop, on_call, &t[1]);
    g_assert_cmpint(loop_iterate(loop, true), ==, 2);
    g_assert_cmpint(loop_iterate(loop, true), ==, 1);
    for (int i = 0; i < 3; i++)
        g_assert_cmpint(g_array_index(order, int, i), ==, i);
    loop_call(loop, on_call, &t[1]);
    loop_free(loop); /* makes accepted calls, and those that they make */
    g_assert_cmpint(order->len, ==, 5);
}

/* ---- threads ---- */

typedef struct {
    Loop *loop;
    int calls;        /* only touched on the loop's thread */
    gint rounds_left; /* atomic */
} Storm;

static void storm_call(void *opaque)
{
    Storm *s = opaque;
    g_assert_true(loop_in_thread(s->loop));
    s->calls++;
}

typedef struct {
    int fd[2];
} Ends;

static void close_ends(void *opaque)
{
    Ends *e = opaque;
    close(e->fd[0]);
    close(e->fd[1]);
    g_free(e);
}

static void on_end(LoopWatch *watch, int fd, unsigned events, void *opaque)
{
    (void) watch, (void) events;
    Ends *e = opaque; /* must still be alive, whoever removed us */
    g_assert_cmpint(e->fd[0], ==, fd);
}

static void on_storm_timer(LoopTimer *timer, void *opaque)
{
    (void) timer, (void) opaque;
}

static void *storm(void *opaque)
{
    Storm *s = opaque;
    while (g_atomic_int_add(&s->rounds_left, -1) > 0) {
        Ends *e = g_new0(Ends, 1);
        g_assert_cmpint(pipe(e->fd), ==, 0);
        g_assert_cmpint(write(e->fd[1], "x", 1), ==, 1);
        LoopWatch *w = loop_watch_add(s->loop, e->fd[0], LOOP_IN, on_end, e, close_ends);
        LoopTimer *t = loop_timer_add(s->loop, on_storm_timer, NULL, NULL);
        loop_timer_set(t, 0, 0);
        loop_call(s->loop, storm_call, s);
        loop_watch_update(w, 0);
        loop_watch_update(w, LOOP_IN | LOOP_HUP);
        loop_timer_remove(t);
        loop_watch_remove(w);
    }
    return NULL;
}

static void *run(void *loop)
{
    g_assert_cmpint(loop_run(loop), ==, 0);
    return NULL;
}

static void test_threads(void)
{
    g_autoptr(Loop) loop = loop_new();
    enum { THREADS = 4, ROUNDS = 4000 };
    Storm s = { .loop = loop, .rounds_left = ROUNDS };
    pthread_t runner, threads[THREADS];
    pthread_create(&runner, NULL, run, loop);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, storm, &s);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    loop_quit(loop);
    pthread_join(runner, NULL);
    loop_iterate(loop, false);
    g_assert_cmpint(s.calls, ==, ROUNDS);
}

typedef struct {
    Loop *a, *b;
    int left;
} PingPong;

static void ping(void *opaque)
{
    PingPong *p = opaque;
    if (p->left-- == 0) {
        loop_quit(p->a);
        loop_quit(p->b);
        return;
    }
    loop_call(loop_in_thread(p->a) ? p->b : p->a, ping, p);
}

/* A lost wake-up would hang here. */
static void test_wake(void)
{
    g_autoptr(Loop) a = loop_new();
    g_autoptr(Loop) b = loop_new();
    PingPong p = { a, b, 20000 };
    pthread_t other;
    pthread_create(&other, NULL, run, b);
    loop_call(a, ping, &p);
    g_assert_cmpint(loop_run(a), ==, 0);
    pthread_join(other, NULL);
    g_assert_cmpint(p.left, ==, -1);
}

static void test_many(void)
{
    enum { N = 10000 };
    struct rlimit lim;
    getrlimit(RLIMIT_NOFILE, &lim);
    lim.rlim_cur = MIN(lim.rlim_max, 3 * N);
    setrlimit(RLIMIT_NOFILE, &lim);
    if (lim.rlim_cur < N + 64) {
        g_test_skip("the limit of open files is below 10,064");
        return;
    }
    g_autoptr(Loop) loop = loop_new();
    int fds[2];
    g_assert_cmpint(pipe(fds), ==, 0);
    static LoopWatch *watches[N];
    Probe p = { .loop = loop };
    for (int i = 0; i < N; i++)
        watches[i] = loop_watch_add(loop, i ? dup(fds[0]) : fds[0], LOOP_IN, on_probe, &p, NULL);
    g_assert_cmpint(loop_iterate(loop, false), ==, 0);
    g_assert_cmpint(write(fds[1], "x", 1), ==, 1);
    while (p.fired < N)
        loop_iterate(loop, true);
    for (int i = 0; i < N; i++) {
        int fd = loop_watch_fd(watches[i]);
        loop_watch_remove(watches[i]);
        close(fd);
    }
    g_assert_cmpint(loop_iterate(loop, false), ==, 0);
    close(fds[1]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/loop/watch", test_watch);
    g_test_add_func("/base/loop/shared-fd", test_shared_fd);
    g_test_add_func("/base/loop/remove-in-callback", test_remove_in_callback);
    g_test_add_func("/base/loop/regular-file", test_regular_file);
    g_test_add_func("/base/loop/timer-order", test_timer_order);
    g_test_add_func("/base/loop/timer-repeat", test_timer_repeat);
    g_test_add_func("/base/loop/call", test_call);
    g_test_add_func("/base/loop/threads", test_threads);
    g_test_add_func("/base/loop/wake", test_wake);
    g_test_add_func("/base/loop/many", test_many);
    return g_test_run();
}
