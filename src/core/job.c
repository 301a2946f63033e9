/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN (subject->error_domain)
#include "core/job.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/threadpool.h"

void job_queue_init(JobQueue *queue)
{
    g_mutex_init(&queue->lock);
    g_cond_init(&queue->freed);
}

void job_queue_clear(JobQueue *queue)
{
    g_mutex_clear(&queue->lock);
    g_cond_clear(&queue->freed);
}

static JobHolder *exclusive_holder(JobQueue *queue, JobKind kind)
{
    return kind == JOB_ASYNC ? &queue->async : &queue->modify;
}

static void hold(JobHolder *holder, JobKind kind, const char *api)
{
    *holder = (JobHolder) { .api = api, .since_ms = loop_now_ms(), .takeover = kind == JOB_TAKEOVER };
}

static int fail_timeout(const JobHolder *holder, const JobSubject *subject, gint64 deadline_ms)
{
    g_autofree char *hint = subject->hint ? g_strdup_printf(subject->hint, subject->name) : g_strdup("");
    return FAIL(VIR_ERR_OPERATION_TIMEOUT,
                "cannot acquire state change lock of %s '%s' within %" G_GINT64_FORMAT " s (held by %s for %"
                G_GINT64_FORMAT " s)%s", subject->kind, subject->name, deadline_ms / 1000, holder->api,
                (loop_now_ms() - holder->since_ms) / 1000, hint);
}

/* A query waits for a takeover only. */
static gboolean is_in_the_way(const JobHolder *holder, JobKind kind)
{
    return kind == JOB_QUERY ? holder->takeover : holder->api != NULL;
}

static int wait_for_turn(JobQueue *queue, const JobHolder *holder, JobKind kind, const JobSubject *subject, gint64 deadline_ms)
{
    gint64 until = g_get_monotonic_time() + deadline_ms * 1000;
    gboolean in_time = TRUE;

    queue->waiting++;
    pool_blocking_begin();
    while (is_in_the_way(holder, kind) && in_time)
        in_time = g_cond_wait_until(&queue->freed, &queue->lock, until);
    pool_blocking_end();
    queue->waiting--;
    return is_in_the_way(holder, kind) ? fail_timeout(holder, subject, deadline_ms) : 0;
}

int job_begin(JobQueue *queue, JobKind kind, const JobSubject *subject, const char *api, gint64 deadline_ms)
{
    int rc = 0;
    g_mutex_lock(&queue->lock);
    if (kind == JOB_QUERY) {
        if (is_in_the_way(&queue->modify, kind))
            rc = wait_for_turn(queue, &queue->modify, kind, subject, deadline_ms);
        queue->queries += rc == 0;
    } else if (kind == JOB_DESTROY) {
        queue->destroys++;
    } else {
        JobHolder *holder = exclusive_holder(queue, kind);
        if (is_in_the_way(holder, kind))
            rc = wait_for_turn(queue, holder, kind, subject, deadline_ms);
        if (rc == 0)
            hold(holder, kind, api);
    }
    g_mutex_unlock(&queue->lock);
    return rc;
}

gboolean job_try_begin(JobQueue *queue, JobKind kind, const char *api)
{
    JobHolder *holder = exclusive_holder(queue, kind);
    g_mutex_lock(&queue->lock);
    gboolean free = !holder->api && !queue->waiting;
    if (free)
        hold(holder, kind, api);
    g_mutex_unlock(&queue->lock);
    return free;
}

void job_end(JobQueue *queue, JobKind kind)
{
    g_mutex_lock(&queue->lock);
    if (kind == JOB_QUERY) {
        queue->queries--;
    } else if (kind == JOB_DESTROY) {
        queue->destroys--;
    } else {
        *exclusive_holder(queue, kind) = (JobHolder) { NULL };
        if (queue->waiting)
            g_cond_broadcast(&queue->freed); /* all who wait share the condition */
    }
    g_mutex_unlock(&queue->lock);
}

JobHolder job_current(JobQueue *queue)
{
    g_mutex_lock(&queue->lock);
    JobHolder holder = queue->modify;
    if (!holder.api || (queue->async.api && queue->async.since_ms < holder.since_ms))
        holder = queue->async;
    g_mutex_unlock(&queue->lock);
    return holder;
}

JobHolder job_lasting(JobQueue *queue)
{
    g_mutex_lock(&queue->lock);
    JobHolder holder = queue->async;
    g_mutex_unlock(&queue->lock);
    return holder;
}
