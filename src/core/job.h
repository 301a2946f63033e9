/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who may change an object when: a domain, or what else can be defined (which uses modify jobs only).
 *
 *   modify   one at a time: everything that changes definition, state or devices
 *   async    one at a time: what lasts (save, dump, migration); modify jobs may run beside it
 *   query    any number, asks the guest: waits for nothing but a takeover
 *   takeover a modify job during which the guest can't be asked yet, as the daemon has just begun and found it running
 *   destroy  any number, never waits: ends the guest, and with it what the holder of the modify job waits for
 *
 * Waiting ends at a deadline with an error that names the object, the holder and how long it has had the job. The
 * queue's own mutex is held for a few instructions only.
 */
#pragma once
#include <glib.h>

typedef enum { JOB_QUERY, JOB_MODIFY, JOB_TAKEOVER, JOB_ASYNC, JOB_DESTROY } JobKind;

typedef struct JobHolder {
    const char *api;     /* static text; NULL: free */
    gint64 since_ms;
    gboolean takeover;   /* queries wait for it, too */
} JobHolder;

/** What a job is on, for errors. */
typedef struct JobSubject {
    int error_domain;    /* VIR_FROM_xxx */
    const char *kind;    /* "domain" */
    const char *name;
    const char *hint;    /* what helps somebody who waited in vain, with %s for the name; NULL: nothing does */
} JobSubject;

/** Embedded in an object. */
typedef struct JobQueue {
    GMutex lock;
    GCond freed;
    JobHolder modify, async;
    guint waiting;       /* who waits for the holder of one of the two */
    guint queries, destroys;
} JobQueue;

void job_queue_init(JobQueue *queue);
void job_queue_clear(JobQueue *queue);

/** Begin a job. @api: static text that tells others who holds the job. 0, or -1 with VIR_ERR_OPERATION_TIMEOUT after
 * @deadline_ms. Each success needs one job_end(). */
int job_begin(JobQueue *queue, JobKind kind, const JobSubject *subject, const char *api, gint64 deadline_ms);
/** The same without waiting. FALSE if somebody else has it; no error is set. */
gboolean job_try_begin(JobQueue *queue, JobKind kind, const char *api);
void job_end(JobQueue *queue, JobKind kind);

/** Who has the async job; api NULL if nobody. */
JobHolder job_lasting(JobQueue *queue);

/** What is going on, for virDomainGetControlInfo() and such. The holder with the oldest job; api NULL if none. */
JobHolder job_current(JobQueue *queue);
