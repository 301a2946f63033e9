/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Worker threads. Jobs that may block run here, never on a loop's thread.
 *
 * Two kinds of workers: ordinary ones (between a minimum and a maximum) take any job, priority workers take only
 * priority jobs, so that these get through when all others are busy. A worker that waits for another party says so
 * with pool_blocking_begin(): it then doesn't count against the limit, and somebody may take its place. So no number of
 * calls that wait for a sick guest uses up the pool (POOL_HARD_CAP threads do).
 *
 * Lanes: jobs with the same lane key run one at a time, in the order of submission; those that wait their turn
 * occupy no thread. All functions may be called from any thread.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Pool Pool;
typedef void (*PoolFunc)(void *opaque);

/** No pool ever has more threads, blocked ones included. */
#define POOL_HARD_CAP 1024

/** New pool with @min ordinary and @priority priority workers started. @name is shown as the threads' name (15 characters).
 * NULL with an error: limits out of order or above POOL_HARD_CAP, or no threads to be had. */
Pool *pool_new(const char *name, unsigned min, unsigned max, unsigned priority);

/** Run what was submitted, then end all workers and free. Not from one of its own workers. Accepts NULL. */
void pool_free(Pool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pool, pool_free)

/** Run @fn(@opaque) on a worker. @lane: key of its lane (copied), or NULL for none. */
void pool_submit(Pool *pool, const char *lane, bool priority, PoolFunc fn, void *opaque);

/** Whether a job of this lane is queued or running. */
bool pool_lane_is_busy(Pool *pool, const char *lane);

/** Wait until no job is queued or running, at most @deadline_ms. Whether that was reached. Not from a worker of this pool. */
bool pool_drain(Pool *pool, int64_t deadline_ms);

/** The calling worker is about to wait for another party / has its answer. May be nested. Nothing on other threads. */
void pool_blocking_begin(void);
void pool_blocking_end(void);

/** Change the limits. Surplus idle workers leave at once, busy ones after their job. 0, or -1 with an error. */
int pool_set_limits(Pool *pool, unsigned min, unsigned max, unsigned priority);

typedef struct {
    unsigned min, max;
    unsigned workers;   /**< ordinary workers at present, blocked ones included */
    unsigned free;      /**< of them idle */
    unsigned blocked;   /**< of them waiting for another party */
    unsigned priority;  /**< priority workers there are to be */
    unsigned queued;    /**< jobs that wait for a worker or their lane */
} PoolStats;

void pool_get_stats(Pool *pool, PoolStats *stats);

/** How long an idle worker above the minimum stays; milliseconds, 10,000 at first. */
void pool_set_idle_ms(Pool *pool, unsigned idle_ms);
