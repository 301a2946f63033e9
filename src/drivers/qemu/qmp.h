/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Client of QEMU's machine protocol (QMP) over a UNIX socket.
 *
 * The core is asynchronous and lives on an event loop: replies, events and the end of the connection
 * arrive as callbacks on the loop's thread, without a lock held. Commands may be sent from any thread; they
 * are written at once by the sender if the socket takes them, so no other thread has to wake up for it.
 * qmp_call() is the blocking form for worker threads. Every command has a deadline; when it passes the
 * caller is told, and the reply, should it still come, is thrown away.
 *
 * QEMU is treated as hostile: lines, nesting, numbers of values and of unanswered commands are bounded, and
 * what doesn't follow the protocol ends the connection or is ignored, as said in qmp_wire.c.
 */
#pragma once
#include <glib.h>
#include "base/loop.h"
#include "drivers/qemu/json_lines.h"

/** Longest reply in bytes. */
#define QMP_MAX_LINE (32 * 1024 * 1024)
/** Longest event in bytes; longer ones are dropped. */
#define QMP_MAX_EVENT (1024 * 1024)
/** Most commands that QEMU may owe an answer at a time; QEMU itself queues up to eight. */
#define QMP_MAX_IN_FLIGHT 7
/** Most commands waiting to be sent. */
#define QMP_MAX_QUEUED 1024
/** Most descriptors that go with one command. */
#define QMP_MAX_FDS 16

typedef struct QmpMonitor QmpMonitor;
/** A command under way. */
typedef struct QmpRequest QmpRequest;

typedef enum {
    QMP_CLOSED_EOF,       /* QEMU closed the connection (it ended, normally) */
    QMP_CLOSED_ERROR,     /* the socket failed */
    QMP_CLOSED_PROTOCOL,  /* QEMU sent something that isn't QMP, or didn't greet in time */
} QmpClosed;

/** All called on the loop's thread. Each may be NULL. None is called after qmp_close() has been called on the
 * loop's thread. @data of an event belongs to the monitor; it may be NULL. */
typedef struct {
    void (*ready)(QmpMonitor *mon, void *opaque);
    void (*event)(QmpMonitor *mon, const char *name, json_object *data, gint64 time_us, void *opaque);
    void (*closed)(QmpMonitor *mon, QmpClosed kind, const char *reason, void *opaque);
} QmpCallbacks;

/** Answer to a command, on the loop's thread. @result is what QEMU returned (it belongs to the monitor; take a
 * reference to keep it); NULL if there is none, then the thread's error is set. */
typedef void (*QmpReplyFunc)(QmpMonitor *mon, json_object *result, void *opaque);

typedef enum {
    QMP_SEND_OOB = 1 << 0,  /* out of band: answered even while QEMU's main loop is busy */
    QMP_SEND_HELD = 1 << 1, /* qmp_begin() only: QEMU gets it, but for its end, and so doesn't carry it out before qmp_release() */
} QmpSendFlags;

/** Speak QMP on the connected stream socket @fd, which the monitor owns from now on, also if this fails.
 * @domain: name for error messages. @greeting_ms: time for QEMU to greet. @free_opaque is called with
 * @opaque on the loop's thread when no callback can happen any more. The caller owns the reference.
 * Commands can be sent at once; they wait until QEMU has greeted. NULL with an error set. */
QmpMonitor *qmp_open_fd(Loop *loop, int fd, const char *domain, int greeting_ms, const QmpCallbacks *callbacks,
                        void *opaque, GDestroyNotify free_opaque);

/** As qmp_open_fd(), connecting to the socket at @path. */
QmpMonitor *qmp_open_unix(Loop *loop, const char *path, const char *domain, int greeting_ms,
                          const QmpCallbacks *callbacks, void *opaque, GDestroyNotify free_opaque);

QmpMonitor *qmp_ref(QmpMonitor *mon);
void qmp_unref(QmpMonitor *mon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpMonitor, qmp_unref)

/** End the connection. Commands without an answer fail (VIR_ERR_OPERATION_FAILED) from the loop's thread, not from inside this
 * call. May be called again. The caller keeps its reference. */
void qmp_close(QmpMonitor *mon);

/** Whether the handshake is done and the connection is open. */
gboolean qmp_is_ready(QmpMonitor *mon);

/** Whether QEMU takes commands out of band. */
gboolean qmp_has_oob(QmpMonitor *mon);

/** Milliseconds that the oldest command in QEMU's hands has waited for its answer; 0 if there is none. Tells a
 * busy or hung QEMU from a healthy one without asking it. */
gint64 qmp_waiting_ms(QmpMonitor *mon);

/** Send @command. @args: object or NULL; this call takes it over in any case. @fds: descriptors that go with it
 * (getfd, add-fd); they are duplicated. @deadline_ms > 0. @fn (may be NULL) is called exactly once on the loop's
 * thread if this returns 0. Returns -1 with an error if the connection is closed or too much is queued. */
int qmp_send(QmpMonitor *mon, const char *command, json_object *args, const int *fds, guint n_fds,
             int deadline_ms, unsigned flags, QmpReplyFunc fn, void *opaque);

/** Send @command and wait for the answer; for worker threads, refused on the loop's thread. @args as above. If @result is
 * not NULL it receives QEMU's return value, to be freed with json_object_put(). Returns 0; -1 with
 * VIR_ERR_OPERATION_TIMEOUT at the deadline, VIR_ERR_OPERATION_FAILED if the connection ended, or QEMU's error. */
int qmp_call(QmpMonitor *mon, const char *command, json_object *args, int deadline_ms, json_object **result);

/** The two halves of qmp_call_full(), for who has something to do, or other commands to send, before the answer comes: QEMU carries
 * out one after the other, and answers in this order. Each that was begun is to be finished, the first first; the deadline of one counts from
 * the answer to the one before. qmp_begin(): the command, or NULL with an error if it wasn't sent. qmp_finish() frees it, and returns as qmp_call(). */
QmpRequest *qmp_begin(QmpMonitor *mon, const char *command, json_object *args, const int *fds, guint n_fds, int deadline_ms,
                      unsigned flags);
int qmp_finish(QmpMonitor *mon, QmpRequest *req, json_object **result);

/** Wait for the answer to the last of several that were begun, or for what its qmp_finish() will fail with: finishing them, the first first,
 * then takes no waiting, so that the thread is woken up once and not for each. */
void qmp_wait(QmpMonitor *mon, QmpRequest *last);

/** Send the end of a command that was begun with QMP_SEND_HELD; called once, and before qmp_finish(). Without @go it gets an end that
 * makes no command of it: QEMU answers with an error. No other command of the guest is sent meanwhile, so the caller does nothing in
 * between that may wait for QEMU. */
void qmp_release(QmpMonitor *mon, QmpRequest *req, gboolean go);

/** As qmp_release() of one (getfd, add-fd) that was begun before its descriptor was there, without any: @fd goes with the end, duplicated.
 * 0; or -1 with an error, and it was released without going. */
int qmp_release_with(QmpMonitor *mon, QmpRequest *req, int fd);

/** As qmp_call() with descriptors and QmpSendFlags. */
int qmp_call_full(QmpMonitor *mon, const char *command, json_object *args, const int *fds, guint n_fds,
                  int deadline_ms, unsigned flags, json_object **result);

/** As qmp_call_full(), but any answer is a success: returns QEMU's whole line, error or not, with an "id". NULL with an error if there was
 * no answer. Caller frees with json_object_put(). */
json_object *qmp_call_raw(QmpMonitor *mon, const char *command, json_object *args, const int *fds, guint n_fds,
                          int deadline_ms, unsigned flags);

/** Wait until the handshake is done; worker threads only. 0, or -1 with an error. */
int qmp_wait_ready(QmpMonitor *mon, int deadline_ms);

/** Set this thread's error from the "error" member of a QMP reply to @command. Returns -1. */
int qmp_error_from_reply(const char *command, json_object *error);
