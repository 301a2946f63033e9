/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Worker threads. Theory of operation: an idle worker stands on a stack with a condition of its own, and a job
 * is handed to the one on top: the one that was busy last, so that the others can grow old and leave. If
 * nobody is idle a worker is started as far as the limits allow, else the job is queued, and whoever becomes
 * free takes the first.
 *
 * A lane exists as long as one of its jobs is queued or running. Only that one is known to the queues; the
 * others wait in the lane, and the end of each lets the next one go, behind whatever is queued by then.
 */
#define ERROR_DOMAIN VIR_FROM_THREAD
#include "base/threadpool.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define LOG_SOURCE "util.threadpool"
#include "base/error.h"
#include "base/log.h"

typedef struct Job Job;
typedef struct Worker Worker;

typedef struct {
    char *key;
    Job *first; /* waiting for the one that is known to the queues */
    Job *last;
} Lane;

struct Job {
    Job *next;
    PoolFunc fn;
    void *opaque;
    Lane *lane; /* or NULL */
    bool priority;
};

typedef struct {
    Job *first, *last;
    unsigned len;
} Queue;

typedef enum { ORDINARY, PRIORITY, N_KINDS } Kind;

struct Worker {
    Pool *pool;
    Worker *below; /* on the stack of idle ones, or in the list of those that left */
    pthread_t thread;
    pthread_cond_t cond;
    Job *job; /* handed over while idle */
    Kind kind;
    unsigned blocking; /* depth; only this thread's */
    bool idle;
};

typedef struct {
    unsigned min, max;
    unsigned workers, idle, blocked;
    Worker *idle_top;
    Queue queue;
} Group;

struct Pool {
    pthread_mutex_t lock;
    pthread_cond_t gone; /* a worker left, or no job is left */
    char *name;
    Group groups[N_KINDS];
    GHashTable *lanes; /* key → Lane */
    unsigned pending;  /* jobs that haven't ended */
    unsigned in_lanes; /* jobs that wait for their turn in a lane */
    unsigned idle_ms;
    Worker *left;  /* ended threads that nobody joined yet */
    Worker *spare; /* memory of workers that were */
    bool stopping;
};

static __thread Worker *current;

/* All static functions below but worker_main() expect the lock. */

static void queue_push(Queue *queue, Job *job)
{
    job->next = NULL;
    if (queue->last)
        queue->last->next = job;
    else
        queue->first = job;
    queue->last = job;
    queue->len++;
}

static Job *queue_pop(Queue *queue)
{
    Job *job = queue->first;
    if (!job)
        return NULL;
    queue->first = job->next;
    if (!queue->first)
        queue->last = NULL;
    queue->len--;
    return job;
}

static Job *take_job(Pool *pool, Kind kind)
{
    Job *job = queue_pop(&pool->groups[kind].queue);
    if (!job && kind == ORDINARY)
        job = queue_pop(&pool->groups[PRIORITY].queue);
    return job;
}

static bool surplus(const Group *group)
{
    return group->workers - group->blocked > group->max;
}

static void *worker_main(void *opaque);

static void init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

static void join_left(Pool *pool)
{
    while (pool->left) {
        Worker *worker = pool->left;
        pool->left = worker->below;
        pthread_join(worker->thread, NULL); /* it has only to return: it left the list with its last lock */
        worker->below = pool->spare;
        pool->spare = worker;
    }
}

static Worker *worker_new(Pool *pool, Kind kind)
{
    Worker *worker = pool->spare;
    if (worker) {
        pool->spare = worker->below;
    } else {
        worker = g_new0(Worker, 1);
        worker->pool = pool;
        init_cond(&worker->cond);
    }
    worker->below = NULL;
    worker->job = NULL;
    worker->kind = kind;
    worker->blocking = 0;
    worker->idle = false;
    return worker;
}

static void free_spare(Pool *pool)
{
    while (pool->spare) {
        Worker *worker = pool->spare;
        pool->spare = worker->below;
        pthread_cond_destroy(&worker->cond);
        g_free(worker);
    }
}

/* 0 or errno. */
static int start_worker(Pool *pool, Kind kind)
{
    join_left(pool);
    Worker *worker = worker_new(pool, kind);
    int err = pthread_create(&worker->thread, NULL, worker_main, worker);
    if (err) {
        LOG_ERROR("cannot start a worker thread beside %u others: %s",
                  pool->groups[ORDINARY].workers + pool->groups[PRIORITY].workers, g_strerror(err));
        worker->below = pool->spare;
        pool->spare = worker;
        return err;
    }
    pool->groups[kind].workers++;
    return 0;
}

static bool may_start(const Pool *pool, Kind kind)
{
    const Group *group = &pool->groups[kind];
    return group->workers - group->blocked < group->max
           && pool->groups[ORDINARY].workers + pool->groups[PRIORITY].workers < POOL_HARD_CAP;
}

/* The worker that is to be woken. The caller signals it after it has let go of the lock, so that it doesn't wake up only to
 * wait for that. It may have ended by then: that is why the memory of workers is used again and never freed before the
 * pool. A signal too many does no harm. */
static Worker *hand_over(Worker *worker, Job *job)
{
    Group *group = &worker->pool->groups[worker->kind];
    group->idle_top = worker->below;
    group->idle--;
    worker->idle = false;
    worker->job = job;
    return worker;
}

/* A new worker finds the job in the queue; if no thread can be had, whoever is free next takes it. */
static Worker *dispatch(Pool *pool, Job *job)
{
    Kind kind = job->priority ? PRIORITY : ORDINARY;
    Worker *idle = pool->groups[kind].idle_top;
    if (!idle && kind == PRIORITY)
        idle = pool->groups[ORDINARY].idle_top;
    if (idle)
        return hand_over(idle, job);
    queue_push(&pool->groups[kind].queue, job);
    if (may_start(pool, kind))
        start_worker(pool, kind);
    else if (kind == PRIORITY && may_start(pool, ORDINARY))
        start_worker(pool, ORDINARY);
    return NULL;
}

static Lane *lane_for(Pool *pool, const char *key, bool *busy)
{
    Lane *lane = g_hash_table_lookup(pool->lanes, key);
    *busy = lane != NULL;
    if (!lane) {
        lane = g_new0(Lane, 1);
        lane->key = g_strdup(key);
        g_hash_table_insert(pool->lanes, lane->key, lane);
    }
    return lane;
}

static void lane_free(void *opaque)
{
    Lane *lane = opaque;
    g_free(lane->key);
    g_free(lane);
}

static void lane_wait(Pool *pool, Lane *lane, Job *job)
{
    if (lane->last)
        lane->last->next = job;
    else
        lane->first = job;
    lane->last = job;
    pool->in_lanes++;
}

static void lane_next(Pool *pool, Lane *lane)
{
    Job *next = lane->first;
    if (!next) {
        g_hash_table_remove(pool->lanes, lane->key);
        return;
    }
    lane->first = next->next;
    if (!lane->first)
        lane->last = NULL;
    pool->in_lanes--;
    next->next = NULL;
    Worker *worker = dispatch(pool, next);
    if (worker)
        pthread_cond_signal(&worker->cond);
}

static void run_job(Pool *pool, Job *job)
{
    pthread_mutex_unlock(&pool->lock);
    job->fn(job->opaque);
    pthread_mutex_lock(&pool->lock);
    if (job->lane)
        lane_next(pool, job->lane);
    g_free(job);
    if (--pool->pending == 0)
        pthread_cond_broadcast(&pool->gone);
}

static void leave_idle(Worker *worker)
{
    Group *group = &worker->pool->groups[worker->kind];
    Worker **link = &group->idle_top;
    while (*link != worker)
        link = &(*link)->below;
    *link = worker->below;
    group->idle--;
    worker->idle = false;
}

static struct timespec in_ms(int64_t ms)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += ms / 1000;
    ts.tv_nsec += ms % 1000 * 1000000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_sec++;
        ts.tv_nsec -= 1000000000;
    }
    return ts;
}

/* The next job, or NULL when the worker shall leave. */
static Job *wait_for_job(Worker *worker)
{
    Pool *pool = worker->pool;
    Group *group = &pool->groups[worker->kind];
    if (surplus(group))
        return NULL;
    Job *job = take_job(pool, worker->kind);
    if (job || pool->stopping)
        return job;
    worker->idle = true;
    worker->below = group->idle_top;
    group->idle_top = worker;
    group->idle++;
    struct timespec until = in_ms(pool->idle_ms);
    while (worker->idle) {
        bool may_leave = group->workers - group->blocked > group->min;
        int err = may_leave ? pthread_cond_timedwait(&worker->cond, &pool->lock, &until)
                            : pthread_cond_wait(&worker->cond, &pool->lock);
        if (worker->idle && (pool->stopping || surplus(group)
                             || (err == ETIMEDOUT && group->workers - group->blocked > group->min))) {
            leave_idle(worker);
            return NULL;
        }
    }
    return g_steal_pointer(&worker->job);
}

/* Jobs that are queued while a worker leaves or the limits change need somebody to take them. */
static void staff_queues(Pool *pool)
{
    for (int kind = 0; kind < N_KINDS; kind++) {
        Group *group = &pool->groups[kind];
        for (unsigned n = group->queue.len; n > 0; n--) {
            Kind starter = may_start(pool, kind) ? (Kind) kind : ORDINARY;
            if (!may_start(pool, starter) || start_worker(pool, starter) != 0)
                break;
        }
    }
}

static void *worker_main(void *opaque)
{
    Worker *worker = opaque;
    Pool *pool = worker->pool;
    char name[16];
    current = worker;
    g_strlcpy(name, pool->name, sizeof(name));
    pthread_setname_np(pthread_self(), name);
    pthread_mutex_lock(&pool->lock);
    Job *job;
    while ((job = wait_for_job(worker)))
        run_job(pool, job);
    pool->groups[worker->kind].workers--;
    worker->below = pool->left;
    pool->left = worker;
    pthread_cond_broadcast(&pool->gone);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static int check_limits(unsigned min, unsigned max, unsigned priority)
{
    if (max == 0 || min > max || max > POOL_HARD_CAP || priority > POOL_HARD_CAP - max)
        return FAIL(VIR_ERR_INVALID_ARG,
                    "worker limits are out of order: minimum %u, maximum %u, priority %u (together at most %d)",
                    min, max, priority, POOL_HARD_CAP);
    return 0;
}

static void set_limits(Pool *pool, unsigned min, unsigned max, unsigned priority)
{
    pool->groups[ORDINARY].min = min;
    pool->groups[ORDINARY].max = max;
    pool->groups[PRIORITY].min = priority;
    pool->groups[PRIORITY].max = priority;
}

/* Up to the minimum. 0 or errno. */
static int start_missing(Pool *pool)
{
    for (int kind = 0; kind < N_KINDS; kind++) {
        Group *group = &pool->groups[kind];
        while (group->workers - group->blocked < group->min && may_start(pool, kind)) {
            int err = start_worker(pool, kind);
            if (err)
                return err;
        }
    }
    return 0;
}

Pool *pool_new(const char *name, unsigned min, unsigned max, unsigned priority)
{
    if (check_limits(min, max, priority) < 0)
        return NULL;
    Pool *pool = g_new0(Pool, 1);
    pthread_mutex_init(&pool->lock, NULL);
    init_cond(&pool->gone);
    pool->name = g_strdup(name);
    pool->lanes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, lane_free);
    pool->idle_ms = 10000;
    set_limits(pool, min, max, priority);
    pthread_mutex_lock(&pool->lock);
    int err = start_missing(pool);
    pthread_mutex_unlock(&pool->lock);
    if (err) {
        pool_free(pool);
        return FAIL_ERRNO_NULL(err, "cannot start worker threads");
    }
    return pool;
}

static void wake_idle(Pool *pool)
{
    for (int kind = 0; kind < N_KINDS; kind++) {
        for (Worker *w = pool->groups[kind].idle_top; w; w = w->below)
            pthread_cond_signal(&w->cond);
    }
}

static bool drained(const Pool *pool)
{
    return pool->groups[ORDINARY].workers + pool->groups[PRIORITY].workers == 0;
}

void pool_free(Pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    wake_idle(pool);
    while (!drained(pool))
        pthread_cond_wait(&pool->gone, &pool->lock);
    join_left(pool);
    free_spare(pool);
    pthread_mutex_unlock(&pool->lock);
    g_hash_table_unref(pool->lanes);
    pthread_cond_destroy(&pool->gone);
    pthread_mutex_destroy(&pool->lock);
    g_free(pool->name);
    g_free(pool);
}

void pool_submit(Pool *pool, const char *lane, bool priority, PoolFunc fn, void *opaque)
{
    Job *job = g_new0(Job, 1);
    job->fn = fn;
    job->opaque = opaque;
    job->priority = priority;
    pthread_mutex_lock(&pool->lock);
    pool->pending++;
    bool busy = false;
    Worker *worker = NULL;
    if (lane)
        job->lane = lane_for(pool, lane, &busy);
    if (busy)
        lane_wait(pool, job->lane, job);
    else
        worker = dispatch(pool, job);
    pthread_mutex_unlock(&pool->lock);
    if (worker)
        pthread_cond_signal(&worker->cond);
}

bool pool_lane_is_busy(Pool *pool, const char *lane)
{
    pthread_mutex_lock(&pool->lock);
    bool busy = g_hash_table_contains(pool->lanes, lane);
    pthread_mutex_unlock(&pool->lock);
    return busy;
}

bool pool_drain(Pool *pool, int64_t deadline_ms)
{
    struct timespec until = in_ms(deadline_ms);
    int err = 0;
    pthread_mutex_lock(&pool->lock);
    while (pool->pending > 0 && err != ETIMEDOUT)
        err = pthread_cond_timedwait(&pool->gone, &pool->lock, &until);
    bool idle = pool->pending == 0;
    pthread_mutex_unlock(&pool->lock);
    return idle;
}

void pool_blocking_begin(void)
{
    Worker *worker = current;
    if (!worker || worker->blocking++ > 0)
        return;
    Pool *pool = worker->pool;
    pthread_mutex_lock(&pool->lock);
    pool->groups[worker->kind].blocked++;
    staff_queues(pool);
    pthread_mutex_unlock(&pool->lock);
}

void pool_blocking_end(void)
{
    Worker *worker = current;
    if (!worker || --worker->blocking > 0)
        return;
    pthread_mutex_lock(&worker->pool->lock);
    worker->pool->groups[worker->kind].blocked--;
    pthread_mutex_unlock(&worker->pool->lock);
}

int pool_set_limits(Pool *pool, unsigned min, unsigned max, unsigned priority)
{
    if (check_limits(min, max, priority) < 0)
        return -1;
    pthread_mutex_lock(&pool->lock);
    set_limits(pool, min, max, priority);
    int err = start_missing(pool);
    staff_queues(pool);
    wake_idle(pool); /* to see whether they are surplus */
    pthread_mutex_unlock(&pool->lock);
    if (err)
        return FAIL_ERRNO(err, "cannot start worker threads");
    return 0;
}

void pool_get_stats(Pool *pool, PoolStats *stats)
{
    pthread_mutex_lock(&pool->lock);
    const Group *ordinary = &pool->groups[ORDINARY];
    const Group *priority = &pool->groups[PRIORITY];
    *stats = (PoolStats){
        .min = ordinary->min, .max = ordinary->max, .workers = ordinary->workers, .free = ordinary->idle,
        .blocked = ordinary->blocked, .priority = priority->max,
        .queued = ordinary->queue.len + priority->queue.len + pool->in_lanes,
    };
    pthread_mutex_unlock(&pool->lock);
}

void pool_set_idle_ms(Pool *pool, unsigned idle_ms)
{
    pthread_mutex_lock(&pool->lock);
    pool->idle_ms = idle_ms;
    wake_idle(pool);
    pthread_mutex_unlock(&pool->lock);
}
