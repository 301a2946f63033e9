/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * QMP client: connections and requests. A request is first in `queued`, then, with its last byte written, in
 * `in_flight`, and leaves that when QEMU answers. A request whose deadline passes is dropped if nothing of it was sent;
 * otherwise it stays as `abandoned`, so that its late answer is recognised and so that a hung QEMU is never
 * given more than QMP_MAX_IN_FLIGHT commands to carry out when it wakes up.
 *
 * Locking: one mutex per monitor; callbacks are made without it. The reader's buffer belongs to the loop's thread.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/qmp_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/error.h"

void qmp_request_unref(QmpRequest *req)
{
    if (!req || !g_atomic_int_dec_and_test(&req->refs))
        return;
    for (guint i = 0; i < req->n_fds; i++)
        close(req->fds[i]);
    if (req->bytes)
        g_string_free(req->bytes, TRUE);
    json_object_put(req->reply);
    g_free(req->command);
    g_cond_clear(&req->cond);
    g_free(req);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpRequest, qmp_request_unref)

QmpMonitor *qmp_ref(QmpMonitor *mon)
{
    g_atomic_int_inc(&mon->refs);
    return mon;
}

void qmp_unref(QmpMonitor *mon)
{
    if (!mon || !g_atomic_int_dec_and_test(&mon->refs))
        return;
    json_lines_finish(&mon->in);
    g_mutex_clear(&mon->lock);
    g_cond_clear(&mon->ready_cond);
    g_free(mon->domain);
    g_free(mon->reason);
    g_free(mon);
}

int qmp_error_from_reply(const char *command, json_object *error)
{
    const char *desc = json_member_string(error, "desc");
    const char *class = json_member_string(error, "class");
    static const struct {
        const char *class;
        int code;
    } codes[] = {
        { "CommandNotFound", VIR_ERR_OPERATION_UNSUPPORTED },
        { "DeviceNotFound", VIR_ERR_DEVICE_MISSING },
        { "DeviceNotActive", VIR_ERR_OPERATION_INVALID },
        { "KVMMissingCap", VIR_ERR_CONFIG_UNSUPPORTED },
    };

    for (guint i = 0; class && i < G_N_ELEMENTS(codes); i++) {
        if (g_str_equal(class, codes[i].class))
            return FAIL(codes[i].code, "QEMU refused command '%s': %s", command, desc ? desc : class);
    }
    return FAIL(VIR_ERR_INTERNAL_ERROR, "unable to execute QEMU command '%s': %s", command,
                desc ? desc : "no reason given");
}

/* Turn an outcome into a result: *@result (borrowed from the request) and 0, or an error and -1. */
static int qmp_request_result(QmpMonitor *mon, QmpRequest *req, json_object **result)
{
    json_object *member;

    switch (req->outcome) {
    case QMP_ANSWERED:
        break;
    case QMP_TIMED_OUT:
        return FAIL(VIR_ERR_OPERATION_TIMEOUT, "QEMU of domain '%s' didn't answer '%s' within %.3g s%s",
                    mon->domain, req->command, req->deadline_ms / 1000.0,
                    req->sent_us ? "" : " (it is busy with earlier commands; this one was not sent)");
    case QMP_LOST:
    case QMP_PENDING:
        return FAIL(VIR_ERR_OPERATION_FAILED, "monitor of domain '%s' ended before '%s' was answered: %s",
                    mon->domain, req->command, mon->reason ? mon->reason : "closed");
    }
    if (json_object_object_get_ex(req->reply, "return", &member)) {
        *result = member;
        return 0;
    }
    member = json_member(req->reply, "error", json_type_object);
    if (!member)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "QEMU of domain '%s' gave a malformed answer to '%s'", mon->domain,
                    req->command);
    return qmp_error_from_reply(req->command, member);
}

void qmp_request_finish(QmpMonitor *mon, QmpRequest *req, QmpOutcome outcome, json_object *reply)
{
    json_object *result = NULL;
    QmpReplyFunc fn;

    g_mutex_lock(&mon->lock);
    if (req->abandoned) {
        g_mutex_unlock(&mon->lock);
        json_object_put(reply);
        qmp_request_unref(req);
        return;
    }
    req->outcome = outcome;
    req->reply = reply;
    req->abandoned = outcome == QMP_TIMED_OUT;
    fn = req->fn;
    g_mutex_unlock(&mon->lock);
    /* without the lock, so that who wakes up doesn't have to wait for it; this reference keeps the request alive */
    if (req->blocking)
        g_cond_signal(&req->cond);
    if (fn) {
        /* A value of null is an answer, too. */
        if (qmp_request_result(mon, req, &result) == 0 && !result)
            result = req->reply;
        fn(mon, result, req->opaque);
    }
    qmp_request_unref(req);
}

/* Arm the timer for @when at the latest. Lock held. */
static void qmp_arm(QmpMonitor *mon, gint64 when)
{
    gint64 left;

    if (!mon->timer || when >= mon->timer_us)
        return;
    left = (when - g_get_monotonic_time() + 999) / 1000;
    mon->timer_us = when;
    loop_timer_set(mon->timer, MAX(left, 0), -1);
}

/* Move requests of @from whose deadline is over to @expired; set *@next to the next deadline. Lock held. */
static void qmp_collect_expired(GQueue *from, gboolean sent, gint64 now, GQueue *expired, gint64 *next)
{
    GList *l = from->head;

    while (l) {
        GList *this = l;
        QmpRequest *req = l->data;

        l = l->next;
        if (req->blocking || req->abandoned)
            continue;
        if (req->deadline_us > now) {
            *next = MIN(*next, req->deadline_us);
        } else if (sent || req->written > 0) {
            g_atomic_int_inc(&req->refs);
            g_queue_push_tail(expired, req);
        } else {
            g_queue_unlink(from, this);
            g_queue_push_tail_link(expired, this);
        }
    }
}

static void qmp_timer(LoopTimer *timer, void *opaque)
{
    g_autoptr(QmpMonitor) mon = qmp_ref(opaque);
    GQueue expired = G_QUEUE_INIT;
    QmpRequest *req;
    gint64 next = G_MAXINT64;
    gint64 now = g_get_monotonic_time();

    g_mutex_lock(&mon->lock);
    mon->timer_us = G_MAXINT64;
    qmp_collect_expired(&mon->in_flight, TRUE, now, &expired, &next);
    qmp_collect_expired(&mon->queued, FALSE, now, &expired, &next);
    qmp_arm(mon, next);
    g_mutex_unlock(&mon->lock);
    while ((req = g_queue_pop_head(&expired)))
        qmp_request_finish(mon, req, QMP_TIMED_OUT, NULL);
}

void qmp_end(QmpMonitor *mon, QmpClosed kind, const char *reason)
{
    g_autofree char *text = g_strdup(reason);
    GQueue lost = G_QUEUE_INIT;
    QmpRequest *req;
    LoopWatch *watch;
    LoopTimer *timer;
    gboolean tell;
    int fd;

    g_mutex_lock(&mon->lock);
    if (mon->state == QMP_CLOSED && mon->fd < 0) {
        g_mutex_unlock(&mon->lock);
        return;
    }
    mon->state = QMP_CLOSED;
    if (!mon->reason)
        mon->reason = g_strdup(text);
    watch = g_steal_pointer(&mon->watch);
    timer = g_steal_pointer(&mon->timer);
    fd = mon->fd;
    mon->fd = -1;
    while ((req = g_queue_pop_head(&mon->in_flight)) || (req = g_queue_pop_head(&mon->queued)))
        g_queue_push_tail(&lost, req);
    tell = !mon->muted;
    mon->muted = TRUE;
    g_cond_broadcast(&mon->ready_cond);
    g_mutex_unlock(&mon->lock);
    while ((req = g_queue_pop_head(&lost)))
        qmp_request_finish(mon, req, QMP_LOST, NULL);
    if (tell && mon->callbacks.closed)
        mon->callbacks.closed(mon, kind, text, mon->opaque);
    loop_watch_remove(watch);
    loop_timer_remove(timer);
    close(fd);
}

/* The watch is gone: no callback of ours can be running, so the owner's data may go. */
static void qmp_released(void *opaque)
{
    QmpMonitor *mon = opaque;

    if (mon->free_opaque)
        mon->free_opaque(mon->opaque);
    qmp_unref(mon);
}

static void qmp_close_in_loop(void *opaque)
{
    g_autoptr(QmpMonitor) mon = opaque;

    qmp_end(mon, QMP_CLOSED_EOF, "closed by us");
}

void qmp_close(QmpMonitor *mon)
{
    gboolean first;

    g_mutex_lock(&mon->lock);
    first = mon->state != QMP_CLOSED;
    mon->muted = TRUE;
    mon->state = QMP_CLOSED;
    if (!mon->reason)
        mon->reason = g_strdup("closed by us");
    g_mutex_unlock(&mon->lock);
    if (first)
        loop_call(mon->loop, qmp_close_in_loop, qmp_ref(mon));
}

static void qmp_negotiated(QmpMonitor *mon, json_object *result, void *opaque)
{
    gboolean tell;

    if (!result) {
        g_autofree char *why = g_strdup(error_message());

        qmp_end(mon, QMP_CLOSED_PROTOCOL, why);
        return;
    }
    g_mutex_lock(&mon->lock);
    if (mon->state == QMP_NEGOTIATING)
        mon->state = QMP_READY;
    tell = mon->state == QMP_READY && !mon->muted;
    qmp_wire_flush(mon);
    g_cond_broadcast(&mon->ready_cond);
    g_mutex_unlock(&mon->lock);
    if (tell && mon->callbacks.ready)
        mon->callbacks.ready(mon, mon->opaque);
}

static QmpRequest *qmp_request_new(const char *command, int deadline_ms, QmpReplyFunc fn, void *opaque)
{
    QmpRequest *req = g_new0(QmpRequest, 1);

    req->refs = 1;
    req->command = g_strdup(command);
    req->deadline_ms = MAX(deadline_ms, 1);
    req->deadline_us = g_get_monotonic_time() + req->deadline_ms * G_GINT64_CONSTANT(1000);
    req->fn = fn;
    req->opaque = opaque;
    g_cond_init(&req->cond);
    return req;
}

static int qmp_request_take_fds(QmpRequest *req, const int *fds, guint n_fds)
{
    if (n_fds > QMP_MAX_FDS)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "%u descriptors are too many for one QEMU command", n_fds);
    for (guint i = 0; i < n_fds; i++) {
        req->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
        if (req->fds[i] < 0)
            return FAIL_ERRNO(errno, "cannot duplicate descriptor %d", fds[i]);
        req->n_fds++;
    }
    req->had_fds = n_fds > 0;
    return 0;
}

/* Put @req into the queue and write what can be written. Takes @req on success. */
static int qmp_submit(QmpMonitor *mon, QmpRequest *req, json_object *args, unsigned flags)
{
    g_autoptr(json_object) owned_args = args;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mon->lock);
    QmpRequest *head;

    if (mon->state == QMP_CLOSED)
        return FAIL(VIR_ERR_OPERATION_FAILED, "monitor of domain '%s' is closed (%s); '%s' was not sent",
                    mon->domain, mon->reason ? mon->reason : "unknown reason", req->command);
    if (mon->queued.length >= QMP_MAX_QUEUED)
        return FAIL(VIR_ERR_RESOURCE_BUSY, "%u commands wait for QEMU of domain '%s' already; '%s' was not sent",
                    mon->queued.length, mon->domain, req->command);
    if ((flags & QMP_SEND_OOB) && (!mon->oob || mon->state != QMP_READY))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "QEMU of domain '%s' takes no command out of band, so not '%s'",
                    mon->domain, req->command);
    req->id = ++mon->next_id;
    req->oob = flags & QMP_SEND_OOB;
    req->held = (flags & QMP_SEND_HELD) != 0;
    req->tagged = req->tagged || req->oob; /* what is in order needs none */
    req->bytes = qmp_wire_format(req->tagged ? req->id : 0, req->command, g_steal_pointer(&owned_args), req->oob);
    head = g_queue_peek_head(&mon->queued);
    if (!req->oob)
        g_queue_push_tail(&mon->queued, req);
    else
        g_queue_push_nth(&mon->queued, req, head && head->written > 0 ? 1 : 0);
    if (!req->blocking)
        qmp_arm(mon, req->deadline_us);
    qmp_wire_flush(mon);
    return 0;
}

int qmp_send(QmpMonitor *mon, const char *command, json_object *args, const int *fds, guint n_fds,
             int deadline_ms, unsigned flags, QmpReplyFunc fn, void *opaque)
{
    g_autoptr(QmpRequest) req = qmp_request_new(command, deadline_ms, fn, opaque);

    if (qmp_request_take_fds(req, fds, n_fds) < 0) {
        json_object_put(args);
        return -1;
    }
    if (qmp_submit(mon, req, args, flags) < 0)
        return -1;
    g_steal_pointer(&req);
    return 0;
}

/* Wait for @req to be finished or for its deadline; in the latter case nobody waits for it any more. QEMU begins with it when it has
 * answered those before, so that time counts from there. */
void qmp_wait(QmpMonitor *mon, QmpRequest *req)
{
    GList *link;

    g_mutex_lock(&mon->lock);
    while (req->outcome == QMP_PENDING) {
        req->deadline_us = MAX(req->deadline_us, mon->answered_us + req->deadline_ms * G_GINT64_CONSTANT(1000));
        if (g_get_monotonic_time() < req->deadline_us) {
            g_cond_wait_until(&req->cond, &mon->lock, req->deadline_us);
            continue;
        }
        req->outcome = QMP_TIMED_OUT;
        req->abandoned = TRUE;
        link = g_queue_find(&mon->queued, req);
        if (link && req->written == 0) {
            g_queue_delete_link(&mon->queued, link);
            qmp_request_unref(req);
        }
    }
    g_mutex_unlock(&mon->lock);
}

static QmpRequest *begin(QmpMonitor *mon, const char *command, json_object *args, const int *fds, guint n_fds, int deadline_ms,
                         unsigned flags, gboolean tagged)
{
    g_autoptr(QmpRequest) req = qmp_request_new(command, deadline_ms, NULL, NULL);

    if (loop_in_thread(mon->loop)) {
        json_object_put(args);
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "'%s' would wait for QEMU on the thread that reads the answer", command);
    }
    req->blocking = TRUE;
    req->tagged = tagged;
    if (qmp_request_take_fds(req, fds, n_fds) < 0) {
        json_object_put(args);
        return NULL;
    }
    g_atomic_int_inc(&req->refs);
    if (qmp_submit(mon, req, args, flags) < 0) {
        qmp_request_unref(req);
        return NULL;
    }
    return g_steal_pointer(&req);
}

QmpRequest *qmp_begin(QmpMonitor *mon, const char *command, json_object *args, const int *fds, guint n_fds, int deadline_ms,
                      unsigned flags)
{
    return begin(mon, command, args, fds, n_fds, deadline_ms, flags, FALSE);
}

/* Lock held. */
static void release(QmpMonitor *mon, QmpRequest *req, gboolean go)
{
    if (!go)
        req->bytes->str[req->bytes->len - QMP_END] = ']';
    req->held = FALSE;
    qmp_wire_flush(mon);
}

void qmp_release(QmpMonitor *mon, QmpRequest *req, gboolean go)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mon->lock);

    release(mon, req, go);
}

int qmp_release_with(QmpMonitor *mon, QmpRequest *req, int fd)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mon->lock);
    int rc = qmp_request_take_fds(req, &fd, 1);

    release(mon, req, rc == 0);
    return rc;
}

/* Here, and not where the last reference goes, which may be the loop's thread: a part of it is this thread's from now on, and json-c counts
 * references without any care for threads. */
static void drop_reply(QmpRequest *req)
{
    json_object_put(g_steal_pointer(&req->reply));
}

int qmp_finish(QmpMonitor *mon, QmpRequest *request, json_object **result)
{
    g_autoptr(QmpRequest) req = request;
    json_object *value = NULL;
    int ret;

    qmp_wait(mon, req);
    ret = qmp_request_result(mon, req, &value);
    if (ret == 0 && result)
        *result = json_object_get(value);
    drop_reply(req);
    return ret;
}

int qmp_call_full(QmpMonitor *mon, const char *command, json_object *args, const int *fds, guint n_fds,
                  int deadline_ms, unsigned flags, json_object **result)
{
    QmpRequest *req = qmp_begin(mon, command, args, fds, n_fds, deadline_ms, flags);

    return req ? qmp_finish(mon, req, result) : -1;
}

json_object *qmp_call_raw(QmpMonitor *mon, const char *command, json_object *args, const int *fds, guint n_fds,
                          int deadline_ms, unsigned flags)
{
    g_autoptr(QmpRequest) req = begin(mon, command, args, fds, n_fds, deadline_ms, flags, TRUE);
    json_object *value = NULL;

    if (!req)
        return NULL;
    qmp_wait(mon, req);
    if (req->outcome != QMP_ANSWERED && qmp_request_result(mon, req, &value) < 0)
        return NULL;
    return g_steal_pointer(&req->reply);
}

int qmp_call(QmpMonitor *mon, const char *command, json_object *args, int deadline_ms, json_object **result)
{
    return qmp_call_full(mon, command, args, NULL, 0, deadline_ms, 0, result);
}

int qmp_wait_ready(QmpMonitor *mon, int deadline_ms)
{
    gint64 until = g_get_monotonic_time() + deadline_ms * G_GINT64_CONSTANT(1000);
    g_autoptr(GMutexLocker) locker = NULL;

    if (loop_in_thread(mon->loop))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "waiting for QEMU of domain '%s' on the thread that reads it", mon->domain);
    locker = g_mutex_locker_new(&mon->lock);
    while (mon->state != QMP_READY) {
        if (mon->state == QMP_CLOSED)
            return FAIL(VIR_ERR_OPERATION_FAILED, "monitor of domain '%s' ended during the handshake: %s",
                        mon->domain, mon->reason ? mon->reason : "closed");
        if (!g_cond_wait_until(&mon->ready_cond, &mon->lock, until))
            return FAIL(VIR_ERR_OPERATION_TIMEOUT, "QEMU of domain '%s' wasn't ready for commands within %.3g s",
                        mon->domain, deadline_ms / 1000.0);
    }
    return 0;
}

QmpMonitor *qmp_open_fd(Loop *loop, int fd, const char *domain, int greeting_ms, const QmpCallbacks *callbacks,
                        void *opaque, GDestroyNotify free_opaque)
{
    g_autoptr(QmpMonitor) mon = g_new0(QmpMonitor, 1);
    QmpRequest *hello;

    mon->refs = 1;
    mon->loop = loop;
    mon->domain = g_strdup(domain);
    if (callbacks)
        mon->callbacks = *callbacks;
    mon->fd = fd;
    mon->timer_us = G_MAXINT64;
    json_lines_init(&mon->in, QMP_MAX_LINE);
    g_mutex_init(&mon->lock);
    g_cond_init(&mon->ready_cond);
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) {
        error_report_errno(VIR_FROM_QEMU, errno, "cannot use descriptor %d as monitor of domain '%s'", fd, domain);
        close(fd);
        return NULL;
    }
    hello = qmp_request_new("qmp_capabilities", greeting_ms, qmp_negotiated, NULL);
    hello->handshake = TRUE;
    mon->opaque = opaque;
    mon->free_opaque = free_opaque;
    mon->timer = loop_timer_add(loop, qmp_timer, qmp_ref(mon), (GDestroyNotify)qmp_unref);
    qmp_submit(mon, hello, NULL, 0);
    /* From here on the loop may answer, so everything else is done before; it can't find the watch missing,
     * as that is only used with the lock held. */
    g_mutex_lock(&mon->lock);
    mon->watch = loop_watch_add(loop, fd, LOOP_IN, qmp_wire_event, qmp_ref(mon), qmp_released);
    g_mutex_unlock(&mon->lock);
    if (!mon->watch) {
        mon->free_opaque = NULL;
        mon->muted = TRUE;
        qmp_close(mon);
        qmp_unref(mon);
        return NULL;
    }
    return g_steal_pointer(&mon);
}

QmpMonitor *qmp_open_unix(Loop *loop, const char *path, const char *domain, int greeting_ms,
                          const QmpCallbacks *callbacks, void *opaque, GDestroyNotify free_opaque)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd;

    if (strlen(path) >= sizeof(addr.sun_path))
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "monitor path '%s' is longer than %zu bytes", path,
                         sizeof(addr.sun_path) - 1);
    strcpy(addr.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return FAIL_ERRNO_NULL(errno, "cannot create a socket for the monitor of domain '%s'", domain);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        error_report_errno(VIR_FROM_QEMU, errno, "cannot connect to the monitor of domain '%s' at '%s'", domain, path);
        close(fd);
        return NULL;
    }
    return qmp_open_fd(loop, fd, domain, greeting_ms, callbacks, opaque, free_opaque);
}

gboolean qmp_is_ready(QmpMonitor *mon)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mon->lock);

    return mon->state == QMP_READY;
}

gboolean qmp_has_oob(QmpMonitor *mon)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mon->lock);

    return mon->oob;
}

gint64 qmp_waiting_ms(QmpMonitor *mon)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mon->lock);
    QmpRequest *oldest = g_queue_peek_head(&mon->in_flight);

    return oldest ? (g_get_monotonic_time() - oldest->sent_us) / 1000 : 0;
}
