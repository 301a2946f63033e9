/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * QMP's bytes. Writing: requests leave in order. Descriptors go with the last byte of theirs, and nothing follows it before it is answered,
 * not even a newline: at each byte that QEMU's monitor thread reads it looks at the descriptors that came last, while another of its threads
 * takes them away without a lock, which ended a QEMU 7.2 now and then. Each byte counts: QEMU reads them one by one, with a round of its
 * loop for each (7 µs and more). So commands have an id only where answers may come out of order, and what is to be carried out as soon as
 * something else is done, is sent before, but for its end. Reading: a bounded amount per round of the loop, so that one guest's flood can't
 * starve the others.
 *
 * What ends the connection: a line that is too long, isn't JSON, isn't an object, or a first line that isn't the
 * greeting. What is ignored: answers to ids that aren't waited for (late, duplicate, invented), objects
 * that are neither answer nor event, events that are malformed, too long or before the handshake.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/qmp_priv.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/error.h"

#define READS_PER_ROUND 8
/* QEMU answers these at once even when its queue of ordinary commands is full. */
#define EXTRA_IN_FLIGHT_OOB 4

GString *qmp_wire_format(guint64 id, const char *command, json_object *args, gboolean oob)
{
    g_autoptr(json_object) line = json_object_new_object();
    char text[24];
    GString *bytes;
    size_t len;
    const char *json;

    json_object_object_add(line, oob ? "exec-oob" : "execute", json_object_new_string(command));
    if (args)
        json_object_object_add(line, "arguments", args);
    g_snprintf(text, sizeof(text), "%" G_GUINT64_FORMAT, id);
    if (id)
        json_object_object_add(line, "id", json_object_new_string(text));
    json = json_object_to_json_string_length(line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
                                             &len);
    bytes = g_string_new_len(json, len);
    g_string_append_c(bytes, '\n');
    return bytes;
}

/* How much of @req is sent in all: no newline behind descriptors. */
static gsize sent_len(const QmpRequest *req)
{
    return req->bytes->len - (req->had_fds ? 1 : 0);
}

/* Send of @req what goes before byte @end. */
static gssize qmp_wire_sendmsg(int fd, QmpRequest *req, gsize end)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * QMP_MAX_FDS)];
        struct cmsghdr align;
    } control;
    struct iovec iov = { req->bytes->str + req->written, end - req->written };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    gssize sent;

    if (req->n_fds > 0 && end == sent_len(req) && end - req->written == 1) {
        struct cmsghdr *cmsg;

        memset(&control, 0, sizeof(control));
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * req->n_fds);
        cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int) * req->n_fds);
        memcpy(CMSG_DATA(cmsg), req->fds, sizeof(int) * req->n_fds);
    }
    do
        sent = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent > 0 && msg.msg_control) {
        for (guint i = 0; i < req->n_fds; i++)
            close(req->fds[i]);
        req->n_fds = 0;
    }
    return sent;
}

/* Whether @req may go out now. */
static gboolean qmp_wire_may_send(QmpMonitor *mon, QmpRequest *req)
{
    if (req->handshake)
        return mon->state == QMP_NEGOTIATING;
    if (mon->state != QMP_READY ||
        mon->in_flight.length >= QMP_MAX_IN_FLIGHT + (req->oob ? EXTRA_IN_FLIGHT_OOB : 0))
        return FALSE;
    for (GList *l = mon->in_flight.head; l; l = l->next) {
        if (((QmpRequest *)l->data)->had_fds)
            return FALSE;
    }
    return TRUE;
}

/* Up to where a request is sent at a time: what is held stays, and the byte that descriptors go with goes alone. */
static gsize part_end(const QmpRequest *req)
{
    gsize len = sent_len(req);

    if (req->held)
        return req->bytes->len - QMP_END;
    return req->n_fds > 0 && req->written < len - 1 ? len - 1 : len;
}

void qmp_wire_flush(QmpMonitor *mon)
{
    QmpRequest *req;
    gboolean blocked = FALSE;

    while (mon->fd >= 0 && (req = g_queue_peek_head(&mon->queued))) {
        gsize end = part_end(req);
        gssize sent;

        if (req->written == end || (req->written == 0 && !qmp_wire_may_send(mon, req)))
            break;
        sent = qmp_wire_sendmsg(mon->fd, req, end);
        if (sent < 0) {
            /* A broken connection shows on the reading side, which then tells everybody. */
            blocked = errno == EAGAIN;
            break;
        }
        req->written += sent;
        if (req->written < sent_len(req))
            continue;
        g_string_free(g_steal_pointer(&req->bytes), TRUE);
        req->sent_us = g_get_monotonic_time();
        g_queue_push_tail(&mon->in_flight, g_queue_pop_head(&mon->queued));
    }
    if (mon->watch)
        loop_watch_update(mon->watch, blocked ? LOOP_IN | LOOP_OUT : LOOP_IN);
}

/* The place of the request that an answer without an id belongs to: what isn't out of band is answered in order. One that has an id gets
 * such an answer only if QEMU couldn't read it well enough to know that. */
static GList *qmp_wire_next_in_order(QmpMonitor *mon, gboolean failed)
{
    GList *l = mon->in_flight.head;

    while (l && ((QmpRequest *)l->data)->oob)
        l = l->next;
    return l && (failed || !((QmpRequest *)l->data)->tagged) ? l : NULL;
}

static GList *qmp_wire_by_id(QmpMonitor *mon, const char *id)
{
    GList *l = mon->in_flight.head;
    guint64 number;

    if (!g_ascii_string_to_unsigned(id, 10, 1, G_MAXUINT64, &number, NULL))
        return NULL;
    while (l && (!((QmpRequest *)l->data)->tagged || ((QmpRequest *)l->data)->id != number))
        l = l->next;
    return l;
}

/* The request in QEMU's hands that @line answers, taken out of the list; NULL if it answers none. */
static QmpRequest *qmp_wire_match(QmpMonitor *mon, json_object *line)
{
    const char *id = json_member_string(line, "id");
    QmpRequest *req;
    GList *l;

    if (!id && json_object_object_get_ex(line, "id", NULL))
        return NULL;
    l = id ? qmp_wire_by_id(mon, id) : qmp_wire_next_in_order(mon, json_member(line, "error", json_type_object) != NULL);
    if (!l)
        return NULL;
    req = l->data;
    g_queue_delete_link(&mon->in_flight, l);
    return req;
}

/* @line is taken over: json-c counts references without any care for threads, so that one at a time may have a document. */
static void qmp_wire_reply(QmpMonitor *mon, json_object *line)
{
    QmpRequest *req;

    g_mutex_lock(&mon->lock);
    req = qmp_wire_match(mon, line);
    if (req && !req->oob)
        mon->answered_us = g_get_monotonic_time();
    if (req)
        qmp_wire_flush(mon);
    g_mutex_unlock(&mon->lock);
    if (req)
        qmp_request_finish(mon, req, QMP_ANSWERED, line);
    else
        json_object_put(line);
}

static void qmp_wire_greeting(QmpMonitor *mon, json_object *line)
{
    json_object *qmp = json_member(line, "QMP", json_type_object);
    json_object *caps = json_member(qmp, "capabilities", json_type_array);
    QmpRequest *req;

    if (!qmp) {
        qmp_end(mon, QMP_CLOSED_PROTOCOL, "the first line isn't a QMP greeting");
        return;
    }
    g_mutex_lock(&mon->lock);
    for (gsize i = 0; caps && i < json_object_array_length(caps); i++) {
        json_object *cap = json_object_array_get_idx(caps, i);

        if (json_object_is_type(cap, json_type_string) && g_str_equal(json_object_get_string(cap), "oob"))
            mon->oob = TRUE;
    }
    req = g_queue_peek_head(&mon->queued);
    if (mon->state == QMP_GREETING && req && req->handshake) {
        if (mon->oob) {
            json_object *args = json_object_new_object(), *enable = json_object_new_array();

            json_object_array_add(enable, json_object_new_string("oob"));
            json_object_object_add(args, "enable", enable);
            g_string_free(req->bytes, TRUE);
            req->bytes = qmp_wire_format(0, req->command, args, FALSE);
        }
        mon->state = QMP_NEGOTIATING;
        qmp_wire_flush(mon);
    }
    g_mutex_unlock(&mon->lock);
}

static void qmp_wire_qemu_event(QmpMonitor *mon, json_object *line, gsize len)
{
    json_object *stamp = json_member(line, "timestamp", json_type_object);
    const char *name = json_member_string(line, "event");
    gint64 seconds = json_member_int(stamp, "seconds", 0);
    gint64 micros = json_member_int(stamp, "microseconds", 0);
    gboolean wanted;

    g_mutex_lock(&mon->lock);
    wanted = mon->state == QMP_READY && !mon->muted;
    g_mutex_unlock(&mon->lock);
    if (!wanted || !name || len > QMP_MAX_EVENT || !mon->callbacks.event)
        return;
    if (seconds < 0 || seconds > G_MAXINT64 / G_USEC_PER_SEC - 1 || micros < 0 || micros >= G_USEC_PER_SEC)
        seconds = micros = 0;
    mon->callbacks.event(mon, name, json_member(line, "data", json_type_object),
                         seconds * G_USEC_PER_SEC + micros, mon->opaque);
}

static void qmp_wire_line(QmpMonitor *mon, const char *text, gsize len)
{
    g_autoptr(json_object) line = NULL;
    const char *why = "not an object";
    QmpState state;

    while (len > 0 && strchr(" \t\r", text[len - 1]) && text[len - 1])
        len--;
    if (len == 0)
        return;
    line = json_lines_parse(text, len, &why);
    if (!json_object_is_type(line, json_type_object)) {
        g_autofree char *reason = g_strdup_printf("line of %" G_GSIZE_FORMAT " bytes is invalid: %s",
                                                  len, why);
        qmp_end(mon, QMP_CLOSED_PROTOCOL, reason);
        return;
    }
    g_mutex_lock(&mon->lock);
    state = mon->state;
    g_mutex_unlock(&mon->lock);
    if (state == QMP_GREETING)
        qmp_wire_greeting(mon, line);
    else if (json_object_object_get_ex(line, "return", NULL) || json_object_object_get_ex(line, "error", NULL))
        qmp_wire_reply(mon, g_steal_pointer(&line));
    else
        qmp_wire_qemu_event(mon, line, len);
}

static gboolean qmp_wire_is_open(QmpMonitor *mon)
{
    gboolean open;

    g_mutex_lock(&mon->lock);
    open = mon->state != QMP_CLOSED && mon->fd >= 0;
    g_mutex_unlock(&mon->lock);
    return open;
}

/* Handle complete lines. FALSE once the connection has ended. */
static gboolean qmp_wire_lines(QmpMonitor *mon)
{
    char *line;
    gsize len;
    int rc;

    while ((rc = json_lines_next(&mon->in, &line, &len)) > 0) {
        qmp_wire_line(mon, line, len);
        if (!qmp_wire_is_open(mon))
            return FALSE;
    }
    if (rc < 0)
        qmp_end(mon, QMP_CLOSED_PROTOCOL, "line exceeds the limit of " G_STRINGIFY(QMP_MAX_LINE) " bytes");
    return rc == 0;
}

void qmp_wire_event(LoopWatch *watch, int fd, unsigned events, void *opaque)
{
    g_autoptr(QmpMonitor) mon = qmp_ref(opaque);

    if (events & LOOP_OUT) {
        g_mutex_lock(&mon->lock);
        qmp_wire_flush(mon);
        g_mutex_unlock(&mon->lock);
    }
    for (int i = 0; i < READS_PER_ROUND; i++) {
        gssize got;

        if (!qmp_wire_is_open(mon))
            return;
        got = json_lines_read(&mon->in, fd);
        if (got == -EAGAIN)
            return;
        /* A QEMU that ends with something of ours unread resets the connection. */
        if (got == 0 || got == -ECONNRESET) {
            qmp_end(mon, QMP_CLOSED_EOF, "QEMU closed the monitor");
            return;
        }
        if (got < 0) {
            qmp_end(mon, QMP_CLOSED_ERROR, g_strerror(-got));
            return;
        }
        if (!qmp_wire_lines(mon))
            return;
    }
}
