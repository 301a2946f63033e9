/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Worker pool: lanes, priority, blocking workers, limits. */
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/threadpool.h"

/* A gate that jobs stand at until the test opens it; counts who stands there. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int standing;
    bool open;
    int done;
} Gate;

static void gate_stand(Gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->standing++;
    pthread_cond_broadcast(&gate->cond);
    while (!gate->open)
        pthread_cond_wait(&gate->cond, &gate->lock);
    gate->standing--;
    gate->done++;
    pthread_cond_broadcast(&gate->cond);
    pthread_mutex_unlock(&gate->lock);
}

static void gate_open(Gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->cond);
    pthread_mutex_unlock(&gate->lock);
}

static void gate_await_standing(Gate *gate, int n)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->standing < n)
        pthread_cond_wait(&gate->cond, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void gate_await_done(Gate *gate, int n)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->done < n)
        pthread_cond_wait(&gate->cond, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void job_stand(void *opaque)
{
    gate_stand(opaque);
}

static void job_stand_blocking(void *opaque)
{
    pool_blocking_begin();
    pool_blocking_begin(); /* nested */
    gate_stand(opaque);
    pool_blocking_end();
    pool_blocking_end();
}

static void await_stats(Pool *pool, bool (*is)(const PoolStats *stats, unsigned value), unsigned value)
{
    PoolStats stats;
    for (pool_get_stats(pool, &stats); !is(&stats, value); pool_get_stats(pool, &stats))
        g_thread_yield();
}

static bool workers_are(const PoolStats *stats, unsigned value)
{
    return stats->workers == value;
}

static bool free_are(const PoolStats *stats, unsigned value)
{
    return stats->free == value;
}

static void test_limits(void)
{
    g_assert_null(pool_new("t", 0, 0, 0));
    g_assert_null(pool_new("t", 3, 2, 0));
    g_assert_null(pool_new("t", 1, POOL_HARD_CAP, 1));
    g_assert_cmpint(error_code(), ==, VIR_ERR_INVALID_ARG);

    g_autoptr(Pool) pool = pool_new("test", 2, 4, 1);
    Gate gate = { 0 };
    PoolStats stats;
    await_stats(pool, free_are, 2);
    for (int i = 0; i < 10; i++)
        pool_submit(pool, NULL, false, job_stand, &gate);
    gate_await_standing(&gate, 4);
    pool_get_stats(pool, &stats);
    g_assert_cmpuint(stats.workers, ==, 4);
    g_assert_cmpuint(stats.queued, ==, 6);
    g_assert_cmpuint(stats.free, ==, 0);
    g_assert_cmpuint(stats.priority, ==, 1);
    g_assert_cmpint(pool_set_limits(pool, 2, 6, 1), ==, 0); /* takes effect at once */
    gate_await_standing(&gate, 6);
    g_assert_cmpint(pool_set_limits(pool, 1, 1, 0), ==, 0);
    pool_get_stats(pool, &stats);
    g_assert_cmpuint(stats.priority, ==, 0); /* the limit, not who is still there */
    gate_open(&gate);
    gate_await_done(&gate, 10);
    await_stats(pool, workers_are, 1);
    g_assert_cmpint(pool_set_limits(pool, 5, 5, 3), ==, 0);
    await_stats(pool, free_are, 5);
    g_assert_cmpint(pool_set_limits(pool, 5, 4, 3), ==, -1);
}

static void test_priority(void)
{
    g_autoptr(Pool) pool = pool_new("test", 0, 2, 1);
    Gate busy = { 0 }, quick = { .open = true }, late = { .open = true };
    for (int i = 0; i < 2; i++)
        pool_submit(pool, NULL, false, job_stand, &busy);
    gate_await_standing(&busy, 2);
    pool_submit(pool, NULL, false, job_stand, &late);
    for (int i = 0; i < 5; i++)
        pool_submit(pool, NULL, true, job_stand, &quick);
    gate_await_done(&quick, 5); /* although every ordinary worker is busy */
    pthread_mutex_lock(&late.lock);
    g_assert_cmpint(late.done, ==, 0); /* and the priority worker took nothing else */
    pthread_mutex_unlock(&late.lock);
    gate_open(&busy);
    gate_await_done(&late, 1);
}

/* Hundreds of calls that wait for a sick guest don't hold up anybody else. */
static void test_blocking(void)
{
    enum { SICK = 300 };
    g_autoptr(Pool) pool = pool_new("test", 1, 2, 1);
    Gate sick = { 0 }, healthy = { .open = true };
    PoolStats stats;
    for (int i = 0; i < SICK; i++)
        pool_submit(pool, NULL, false, job_stand_blocking, &sick);
    gate_await_standing(&sick, SICK);
    for (int i = 0; i < 20; i++)
        pool_submit(pool, NULL, false, job_stand, &healthy);
    gate_await_done(&healthy, 20);
    pool_get_stats(pool, &stats);
    g_assert_cmpuint(stats.blocked, ==, SICK);
    gate_open(&sick);
    gate_await_done(&sick, SICK);
    while (pool_get_stats(pool, &stats), stats.blocked > 0 || stats.workers > 2)
        g_thread_yield(); /* back to the limit without any delay */
}

static void test_blocking_cap(void)
{
    g_autoptr(Pool) pool = pool_new("test", 1, 2, 1);
    Gate sick = { 0 };
    enum { SICK = POOL_HARD_CAP + 50 };
    for (int i = 0; i < SICK; i++)
        pool_submit(pool, NULL, false, job_stand_blocking, &sick);
    gate_await_standing(&sick, POOL_HARD_CAP - 1); /* all but the priority worker */
    PoolStats stats;
    pool_get_stats(pool, &stats);
    g_assert_cmpuint(stats.workers, ==, POOL_HARD_CAP - 1);
    g_assert_cmpuint(stats.queued, ==, SICK - (POOL_HARD_CAP - 1));
    gate_open(&sick);
    gate_await_done(&sick, SICK);
}

static void test_drain(void)
{
    g_autoptr(Pool) pool = pool_new("test", 0, 2, 0);
    Gate gate = { 0 };
    g_assert_true(pool_drain(pool, 0));
    for (int i = 0; i < 5; i++)
        pool_submit(pool, i < 3 ? "lane" : NULL, false, job_stand, &gate);
    g_assert_false(pool_drain(pool, 10));
    gate_open(&gate);
    g_assert_true(pool_drain(pool, 60000));
    gate_await_done(&gate, 5);
}

static void test_idle(void)
{
    g_autoptr(Pool) pool = pool_new("test", 1, 8, 0);
    Gate gate = { 0 };
    pool_set_idle_ms(pool, 20);
    for (int i = 0; i < 8; i++)
        pool_submit(pool, NULL, false, job_stand, &gate);
    gate_await_standing(&gate, 8);
    gate_open(&gate);
    gate_await_done(&gate, 8);
    await_stats(pool, workers_are, 1);
}

typedef struct {
    gint running; /* atomic */
    int next;     /* written by one job of the lane at a time, as the test asserts */
} LaneState;

typedef struct {
    LaneState *lane;
    int number;
    bool blocking;
} LaneJob;

static void job_in_lane(void *opaque)
{
    LaneJob *job = opaque;
    g_assert_cmpint(g_atomic_int_add(&job->lane->running, 1), ==, 0); /* alone */
    g_assert_cmpint(job->lane->next, ==, job->number);                 /* in order */
    if (job->blocking)
        pool_blocking_begin();
    g_thread_yield();
    if (job->blocking)
        pool_blocking_end();
    job->lane->next++;
    g_atomic_int_add(&job->lane->running, -1);
}

static void test_lanes(void)
{
    enum { LANES = 20, JOBS = 300 };
    static LaneState states[LANES];
    static LaneJob jobs[LANES][JOBS];
    Pool *pool = pool_new("test", 1, 6, 2);
    for (int j = 0; j < JOBS; j++) {
        for (int l = 0; l < LANES; l++) {
            g_autofree char *key = g_strdup_printf("lane-%d", l);
            jobs[l][j] = (LaneJob){ &states[l], j, j % 5 == 0 };
            pool_submit(pool, key, j % 3 == 0, job_in_lane, &jobs[l][j]);
        }
    }
    pool_free(pool); /* runs everything that was accepted */
    for (int l = 0; l < LANES; l++)
        g_assert_cmpint(states[l].next, ==, JOBS);
}

/* Jobs that wait for their turn occupy no thread. */
static void test_lane_occupies_one(void)
{
    g_autoptr(Pool) pool = pool_new("test", 0, 3, 0);
    Gate slow = { 0 }, other = { .open = true };
    for (int i = 0; i < 100; i++)
        pool_submit(pool, "sick", false, job_stand, &slow);
    gate_await_standing(&slow, 1);
    pool_submit(pool, "healthy", false, job_stand, &other);
    pool_submit(pool, NULL, false, job_stand, &other);
    gate_await_done(&other, 2);
    pthread_mutex_lock(&slow.lock);
    g_assert_cmpint(slow.standing, ==, 1);
    pthread_mutex_unlock(&slow.lock);
    gate_open(&slow);
    gate_await_done(&slow, 100);
}

typedef struct {
    Pool *pool;
    gint left;
    gint done;
} Flood;

static void job_count(void *opaque)
{
    g_atomic_int_inc(&((Flood *) opaque)->done);
}

static void *flood(void *opaque)
{
    Flood *f = opaque;
    int n;
    while ((n = g_atomic_int_add(&f->left, -1)) > 0)
        pool_submit(f->pool, n % 4 == 0 ? "x" : NULL, n % 7 == 0, job_count, f);
    return NULL;
}

static void test_flood(void)
{
    enum { N = 20000, THREADS = 3 };
    Flood f = { pool_new("test", 0, 4, 1), N, 0 };
    pool_set_idle_ms(f.pool, 0); /* workers come and go all the time */
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, flood, &f);
    for (int i = 0; i < 50; i++)
        pool_set_limits(f.pool, i % 3, 3 + i % 3, i % 2);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pool_free(f.pool);
    g_assert_cmpint(f.done, ==, N);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/threadpool/limits", test_limits);
    g_test_add_func("/base/threadpool/priority", test_priority);
    g_test_add_func("/base/threadpool/blocking", test_blocking);
    g_test_add_func("/base/threadpool/blocking-cap", test_blocking_cap);
    g_test_add_func("/base/threadpool/drain", test_drain);
    g_test_add_func("/base/threadpool/idle", test_idle);
    g_test_add_func("/base/threadpool/lanes", test_lanes);
    g_test_add_func("/base/threadpool/lane-occupies-one", test_lane_occupies_one);
    g_test_add_func("/base/threadpool/flood", test_flood);
    return g_test_run();
}
