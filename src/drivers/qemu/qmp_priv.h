/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What qmp.c (requests, deadlines, life of a connection) and qmp_wire.c (bytes) share.
 */
#pragma once
#include "drivers/qemu/qmp.h"

typedef enum {
    QMP_GREETING,    /* waiting for QEMU's first line */
    QMP_NEGOTIATING, /* qmp_capabilities sent */
    QMP_READY,
    QMP_CLOSED,
} QmpState;

typedef enum {
    QMP_PENDING,
    QMP_ANSWERED,  /* reply holds QEMU's line */
    QMP_TIMED_OUT,
    QMP_LOST,      /* the connection ended first */
} QmpOutcome;

/* One command, from the queue to its answer. Everything is under the monitor's lock. */
struct QmpRequest {
    gint refs;
    guint64 id;
    char *command;
    GString *bytes;  /* what is to be sent; NULL once it is */
    gsize written;
    int fds[QMP_MAX_FDS];
    guint n_fds;
    gboolean handshake;
    gboolean had_fds;
    gboolean oob;
    gboolean tagged;    /* sent with its id, which the answer repeats */
    gboolean held;      /* its last QMP_END bytes stay here until qmp_release() */
    gboolean blocking;  /* a thread waits on cond */
    gboolean abandoned; /* nobody waits any more; kept until QEMU has answered it */
    gint64 deadline_us; /* monotonic */
    gint64 sent_us;
    int deadline_ms;    /* for the message */
    QmpReplyFunc fn;
    void *opaque;
    QmpOutcome outcome;
    json_object *reply; /* QEMU's whole line */
    GCond cond;
};

struct QmpMonitor {
    gint refs;
    Loop *loop;
    char *domain;
    QmpCallbacks callbacks;
    void *opaque;
    GDestroyNotify free_opaque;
    JsonLines in; /* loop's thread only */

    GMutex lock;
    GCond ready_cond;
    int fd;
    LoopWatch *watch;
    LoopTimer *timer;
    gint64 timer_us;   /* when the timer fires; G_MAXINT64: not armed */
    QmpState state;
    gboolean oob;
    gboolean muted;    /* qmp_close() was called: no more callbacks about the connection */
    char *reason;      /* why it is closed */
    guint64 next_id;
    gint64 answered_us; /* when the latest answer in order came, monotonic; 0: there was none */
    GQueue queued;     /* QmpRequest, not or partly sent */
    GQueue in_flight;  /* QmpRequest, in QEMU's hands */
};

/* qmp_wire.c */

/* Write what can be written. Lock held. */
void qmp_wire_flush(QmpMonitor *mon);

/* Watch callback. */
void qmp_wire_event(LoopWatch *watch, int fd, unsigned events, void *opaque);

/* What a line ends with: the brace that makes a command of it, and the newline. */
#define QMP_END 2

/* The line that sends a command. @id 0: without one. @args is taken over. */
GString *qmp_wire_format(guint64 id, const char *command, json_object *args, gboolean oob);

/* qmp.c */
void qmp_request_unref(QmpRequest *req);

/* Hand the outcome to whoever waits. Takes @reply and the caller's reference on @req. Loop's thread, no lock held. */
void qmp_request_finish(QmpMonitor *mon, QmpRequest *req, QmpOutcome outcome, json_object *reply);

/* End the connection because of @reason. Loop's thread, no lock held. */
void qmp_end(QmpMonitor *mon, QmpClosed kind, const char *reason);
