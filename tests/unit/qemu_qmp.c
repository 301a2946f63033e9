/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * QMP client against a scripted, mostly hostile, peer and against a real QEMU.
 */
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/qemu/qmp.h"
#include "qemu_peer.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define GREETING_OOB "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\", 7, null]}}\r\n"

typedef struct {
    PeerLoop *pl;
    Peer peer;
    QmpMonitor *mon;
    GMutex lock;
    GCond cond;
    guint events;
    char *last_event;
    gint64 last_time;
    gboolean closed;
    QmpClosed kind;
    char *reason;
    guint freed;
} Fixture;

static void on_event(QmpMonitor *mon, const char *name, json_object *data, gint64 time_us, void *opaque)
{
    Fixture *f = opaque;

    g_mutex_lock(&f->lock);
    f->events++;
    g_free(f->last_event);
    f->last_event = g_strdup(name);
    f->last_time = time_us;
    g_cond_broadcast(&f->cond);
    g_mutex_unlock(&f->lock);
}

static void on_closed(QmpMonitor *mon, QmpClosed kind, const char *reason, void *opaque)
{
    Fixture *f = opaque;

    g_mutex_lock(&f->lock);
    g_assert_false(f->closed);
    f->closed = TRUE;
    f->kind = kind;
    f->reason = g_strdup(reason);
    g_cond_broadcast(&f->cond);
    g_mutex_unlock(&f->lock);
}

static void on_free(void *opaque)
{
    Fixture *f = opaque;

    g_mutex_lock(&f->lock);
    f->freed++;
    g_cond_broadcast(&f->cond);
    g_mutex_unlock(&f->lock);
}

static const QmpCallbacks callbacks = { .event = on_event, .closed = on_closed };

#define WAIT_UNTIL(f, condition) do { \
        gint64 until_ = g_get_monotonic_time() + PEER_WAIT_MS * 1000; \
        g_mutex_lock(&(f)->lock); \
        while (!(condition)) \
            g_assert_true(g_cond_wait_until(&(f)->cond, &(f)->lock, until_)); \
        g_mutex_unlock(&(f)->lock); \
    } while (0)

static void open_only(Fixture *f, int greeting_ms)
{
    int fd = peer_init(&f->peer);

    f->pl = peer_loop_start();
    f->mon = qmp_open_fd(f->pl->loop, fd, "guest1", greeting_ms, &callbacks, f, on_free);
    g_assert_nonnull(f->mon);
}

static void handshake(Fixture *f, const char *greeting)
{
    g_autofree char *id = NULL;

    peer_write(&f->peer, greeting, strlen(greeting));
    id = peer_expect(&f->peer, "qmp_capabilities");
    peer_printf(&f->peer, "{\"return\": {}%s}\n", id);
    g_assert_cmpint(qmp_wait_ready(f->mon, PEER_WAIT_MS), ==, 0);
}

static void setup(Fixture *f, gconstpointer data)
{
    open_only(f, PEER_WAIT_MS);
    handshake(f, GREETING);
}

static void teardown(Fixture *f, gconstpointer data)
{
    qmp_close(f->mon);
    qmp_unref(f->mon);
    WAIT_UNTIL(f, f->freed);
    peer_loop_stop(f->pl);
    peer_finish(&f->peer);
    g_assert_cmpuint(f->freed, ==, 1);
    g_free(f->last_event);
    g_free(f->reason);
}

/* A qmp_call() on its own thread. */
typedef struct {
    QmpMonitor *mon;
    const char *command;
    int deadline_ms;
    GThread *thread;
    int rc;
    int code;
    char *message;
    json_object *result;
} Call;

static gpointer call_main(gpointer opaque)
{
    Call *c = opaque;

    c->rc = qmp_call(c->mon, c->command, NULL, c->deadline_ms, &c->result);
    c->code = error_code();
    c->message = g_strdup(error_message());
    return NULL;
}

static void call_start(Call *c, QmpMonitor *mon, const char *command, int deadline_ms)
{
    *c = (Call){ .mon = mon, .command = command, .deadline_ms = deadline_ms };
    c->thread = g_thread_new("call", call_main, c);
}

static void call_finish(Call *c)
{
    g_thread_join(c->thread);
}

static void call_clear(Call *c)
{
    g_free(c->message);
    json_object_put(c->result);
}

/* The monitor still does its work. */
static void assert_works(Fixture *f)
{
    g_autofree char *id = NULL;
    Call c;

    call_start(&c, f->mon, "query-status", PEER_WAIT_MS);
    id = peer_expect(&f->peer, "query-status");
    peer_printf(&f->peer, "{\"return\": {\"n\": 42}%s}\n", id);
    call_finish(&c);
    g_assert_cmpint(c.rc, ==, 0);
    g_assert_cmpint(json_member_int(c.result, "n", 0), ==, 42);
    call_clear(&c);
}

static void test_call(Fixture *f, gconstpointer data)
{
    for (int i = 0; i < 100; i++)
        assert_works(f);
}

static void test_events(Fixture *f, gconstpointer data)
{
    peer_printf(&f->peer, "{\"event\": \"STOP\", \"timestamp\": {\"seconds\": 5, \"microseconds\": 7}}\n");
    WAIT_UNTIL(f, f->events == 1);
    g_assert_cmpstr(f->last_event, ==, "STOP");
    g_assert_cmpint(f->last_time, ==, 5000007);
    peer_printf(&f->peer, "{\"event\": \"X\", \"timestamp\": {\"seconds\": 9223372036854775807,"
                " \"microseconds\": -1}, \"data\": [1]}\n");
    WAIT_UNTIL(f, f->events == 2);
    g_assert_cmpint(f->last_time, ==, 0);
}

static void test_errors(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *reply;
        int code;
        const char *text;
    } cases[] = {
        { "\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"gone\"}", VIR_ERR_OPERATION_UNSUPPORTED, "'foo': gone" },
        { "\"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"no d\"}", VIR_ERR_DEVICE_MISSING, "no d" },
        { "\"error\": {\"class\": \"DeviceNotActive\", \"desc\": \"no d\"}", VIR_ERR_OPERATION_INVALID, "no d" },
        { "\"error\": {\"class\": \"GenericError\", \"desc\": \"bad\"}", VIR_ERR_INTERNAL_ERROR,
          "unable to execute QEMU command 'foo': bad" },
        { "\"error\": {\"desc\": \"bad\"}", VIR_ERR_INTERNAL_ERROR, "bad" },
        { "\"error\": {\"class\": 5, \"desc\": []}", VIR_ERR_INTERNAL_ERROR, "no reason" },
        { "\"error\": {}", VIR_ERR_INTERNAL_ERROR, "no reason" },
        { "\"error\": 1", VIR_ERR_INTERNAL_ERROR, "malformed" },
        { "\"error\": null", VIR_ERR_INTERNAL_ERROR, "malformed" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *id = NULL;
        Call c;

        call_start(&c, f->mon, "foo", PEER_WAIT_MS);
        id = peer_expect(&f->peer, "foo");
        peer_printf(&f->peer, "{%s%s}\n", cases[i].reply, id);
        call_finish(&c);
        g_assert_cmpint(c.rc, ==, -1);
        g_assert_cmpint(c.code, ==, cases[i].code);
        g_assert_nonnull(strstr(c.message, cases[i].text));
        call_clear(&c);
    }
    assert_works(f);
}

/* QEMU answers a command that it could not parse without an id. */
static void test_error_without_id(Fixture *f, gconstpointer data)
{
    g_autofree char *id = NULL;
    Call c;

    call_start(&c, f->mon, "foo", PEER_WAIT_MS);
    id = peer_expect(&f->peer, "foo");
    peer_printf(&f->peer, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}\n");
    call_finish(&c);
    g_assert_cmpint(c.code, ==, VIR_ERR_INTERNAL_ERROR);
    call_clear(&c);
    assert_works(f);
}

static void test_deadline(Fixture *f, gconstpointer data)
{
    g_autofree char *id = NULL;
    Call c;

    call_start(&c, f->mon, "query-block", 50);
    id = peer_expect(&f->peer, "query-block");
    call_finish(&c);
    g_assert_cmpint(c.rc, ==, -1);
    g_assert_cmpint(c.code, ==, VIR_ERR_OPERATION_TIMEOUT);
    g_assert_nonnull(strstr(c.message, "guest1"));
    g_assert_nonnull(strstr(c.message, "query-block"));
    g_assert_nonnull(strstr(c.message, "within 0.05 s"));
    call_clear(&c);
    g_assert_cmpint(qmp_waiting_ms(f->mon), >=, 40);
    /* Late, and then once more while nobody waits: neither disturbs. */
    peer_printf(&f->peer, "{\"return\": {\"late\": 1}%s}\n", id);
    peer_printf(&f->peer, "{\"return\": {\"late\": 2}%s}\n{\"event\": \"READ\"}\n", id);
    WAIT_UNTIL(f, f->events == 1);
    assert_works(f);
    g_assert_cmpint(qmp_waiting_ms(f->mon), ==, 0);
}

static void test_ignored_lines(Fixture *f, gconstpointer data)
{
    static const char *lines[] = {
        "{}", "", "\r", "   ", "{\"return\": {}}", "{\"return\": 1, \"id\": \"99999\"}",
        "{\"return\": 1, \"id\": \"1\"}", "{\"return\": 1, \"id\": 1}", "{\"return\": 1, \"id\": null}",
        "{\"return\": 1, \"id\": \"\"}", "{\"return\": 1, \"id\": \"-1\"}",
        "{\"return\": 1, \"id\": \"18446744073709551616\"}", "{\"error\": {}, \"id\": {}}",
        "{\"error\": {}}", "{\"error\": 3}", "{\"event\": 5}", "{\"event\": null, \"data\": 1}",
        "{\"QMP\": {}}", "{\"timestamp\": {}}", "{\"a\\u0000b\": \"\\u0000\"}",
    };

    for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
        /* The event behind it tells that the line was read: an error without id would go to a call that waits. */
        peer_printf(&f->peer, "%s\n{\"event\": \"READ\"}\n", lines[i]);
        WAIT_UNTIL(f, f->events > i);
        assert_works(f);
    }
    g_assert_cmpuint(f->events, ==, G_N_ELEMENTS(lines));
}

/* Lines that end the connection; the waiting call is told at once. */
static void test_fatal(gconstpointer data)
{
    GString *bytes = g_string_new(NULL);
    const char *kind = data;
    g_autofree char *id = NULL;
    Fixture f = { 0 };
    Call c;

    setup(&f, NULL);
    if (g_str_equal(kind, "deep")) {
        for (int i = 0; i < 10000; i++)
            g_string_append(bytes, "{\"a\":[");
    } else if (g_str_equal(kind, "wide")) {
        g_string_append_c(bytes, '[');
        for (int i = 0; i < JSON_LINES_MAX_VALUES + 5; i++)
            g_string_append(bytes, "0,");
        g_string_append(bytes, "0]");
    } else if (g_str_equal(kind, "long")) {
        g_string_set_size(bytes, QMP_MAX_LINE + 100);
        memset(bytes->str, ' ', bytes->len);
    } else if (g_str_equal(kind, "utf8")) {
        g_string_append(bytes, "{\"event\": \"A\xff\xfe\"}");
    } else if (g_str_equal(kind, "nul")) {
        g_string_append_len(bytes, "{\"event\": \"A\"\0}", 15);
    } else {
        g_string_append(bytes, kind);
    }
    if (!g_str_equal(kind, "long"))
        g_string_append_c(bytes, '\n');
    call_start(&c, f.mon, "stop", PEER_WAIT_MS);
    id = peer_expect(&f.peer, "stop");
    peer_write(&f.peer, bytes->str, bytes->len);
    call_finish(&c);
    g_assert_cmpint(c.rc, ==, -1);
    g_assert_cmpint(c.code, ==, VIR_ERR_OPERATION_FAILED);
    g_assert_nonnull(strstr(c.message, "guest1"));
    call_clear(&c);
    WAIT_UNTIL(&f, f.closed);
    g_assert_cmpint(f.kind, ==, QMP_CLOSED_PROTOCOL);
    g_assert_cmpint(qmp_call(f.mon, "cont", NULL, 1000, NULL), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_FAILED);
    teardown(&f, NULL);
    g_string_free(bytes, TRUE);
}

static void test_eof(Fixture *f, gconstpointer data)
{
    g_autofree char *id = NULL;
    Call c;

    call_start(&c, f->mon, "stop", PEER_WAIT_MS);
    id = peer_expect(&f->peer, "stop");
    peer_printf(&f->peer, "{\"return\": {}, \"id");
    peer_finish(&f->peer);
    call_finish(&c);
    g_assert_cmpint(c.code, ==, VIR_ERR_OPERATION_FAILED);
    call_clear(&c);
    WAIT_UNTIL(f, f->closed);
    g_assert_cmpint(f->kind, ==, QMP_CLOSED_EOF);
}

static void test_no_greeting(void)
{
    Fixture f = { 0 };

    open_only(&f, 50);
    g_assert_cmpint(qmp_wait_ready(f.mon, PEER_WAIT_MS), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_FAILED);
    WAIT_UNTIL(&f, f.closed);
    g_assert_cmpint(f.kind, ==, QMP_CLOSED_PROTOCOL);
    teardown(&f, NULL);
}

static void test_bad_greeting(void)
{
    Fixture f = { 0 };

    open_only(&f, PEER_WAIT_MS);
    peer_printf(&f.peer, "{\"event\": \"STOP\"}\n");
    WAIT_UNTIL(&f, f.closed);
    g_assert_cmpint(f.kind, ==, QMP_CLOSED_PROTOCOL);
    g_assert_nonnull(strstr(f.reason, "greeting"));
    teardown(&f, NULL);
}

static void test_refused_capabilities(void)
{
    g_autofree char *id = NULL;
    Fixture f = { 0 };

    open_only(&f, PEER_WAIT_MS);
    peer_printf(&f.peer, GREETING);
    id = peer_expect(&f.peer, "qmp_capabilities");
    peer_printf(&f.peer, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}%s}\n", id);
    WAIT_UNTIL(&f, f.closed);
    g_assert_cmpint(f.kind, ==, QMP_CLOSED_PROTOCOL);
    teardown(&f, NULL);
}

static void test_negotiates_oob(void)
{
    g_autoptr(json_object) line = NULL;
    Fixture f = { 0 };

    open_only(&f, PEER_WAIT_MS);
    g_assert_cmpint(qmp_send(f.mon, "x", NULL, NULL, 0, 1000, QMP_SEND_OOB, NULL, NULL), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_UNSUPPORTED);
    peer_printf(&f.peer, GREETING_OOB);
    line = peer_read(&f.peer);
    g_assert_nonnull(strstr(json_object_to_json_string_ext(line, 0), "\"enable\":[\"oob\"]"));
    peer_printf(&f.peer, "{\"return\": {}}\n");
    g_assert_cmpint(qmp_wait_ready(f.mon, PEER_WAIT_MS), ==, 0);
    g_assert_cmpint(qmp_send(f.mon, "x", NULL, NULL, 0, 1000, QMP_SEND_OOB, NULL, NULL), ==, 0);
    json_object_put(line);
    line = peer_read(&f.peer);
    g_assert_cmpstr(json_member_string(line, "exec-oob"), ==, "x");
    teardown(&f, NULL);
}

typedef struct {
    Fixture *f;
    guint done;
    guint ok;
    guint unsent;
} Async;

static void on_reply(QmpMonitor *mon, json_object *result, void *opaque)
{
    Async *a = opaque;

    g_assert_true(loop_in_thread(a->f->pl->loop));
    g_mutex_lock(&a->f->lock);
    a->done++;
    if (result)
        a->ok++;
    else if (strstr(error_message(), "was not sent"))
        a->unsent++;
    g_cond_broadcast(&a->f->cond);
    g_mutex_unlock(&a->f->lock);
}

static void on_reply_chain(QmpMonitor *mon, json_object *result, void *opaque)
{
    Async *a = opaque;

    g_assert_nonnull(result);
    g_assert_cmpint(qmp_call(mon, "would-hang", NULL, 1000, NULL), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_INTERNAL_ERROR);
    g_assert_cmpint(qmp_send(mon, "second", NULL, NULL, 0, PEER_WAIT_MS, 0, on_reply, a), ==, 0);
}

/* A command may be sent from a reply's callback. */
static void test_chain(Fixture *f, gconstpointer data)
{
    g_autofree char *first = NULL, *second = NULL;
    Async a = { .f = f };

    g_assert_cmpint(qmp_send(f->mon, "first", NULL, NULL, 0, PEER_WAIT_MS, 0, on_reply_chain, &a), ==, 0);
    first = peer_expect(&f->peer, "first");
    peer_printf(&f->peer, "{\"return\": {}%s}\n", first);
    second = peer_expect(&f->peer, "second");
    peer_printf(&f->peer, "{\"return\": null%s}\n", second);
    WAIT_UNTIL(f, a.done == 1);
    g_assert_cmpuint(a.ok, ==, 1);
}

/* A hung QEMU gets a bounded number of commands; the rest expires without having been sent. */
static void test_hung(Fixture *f, gconstpointer data)
{
    char *ids[QMP_MAX_IN_FLIGHT];
    Async a = { .f = f };

    for (int i = 0; i < 20; i++)
        g_assert_cmpint(qmp_send(f->mon, "stop", NULL, NULL, 0, 100, 0, on_reply, &a), ==, 0);
    WAIT_UNTIL(f, a.done == 20);
    g_assert_cmpuint(a.ok, ==, 0);
    g_assert_cmpuint(a.unsent, ==, 20 - QMP_MAX_IN_FLIGHT);
    for (int i = 0; i < QMP_MAX_IN_FLIGHT; i++)
        ids[i] = peer_expect(&f->peer, "stop");
    g_assert_true(peer_is_silent(&f->peer, 0));
    /* It wakes up: everything late is swallowed and new commands go through. */
    for (int i = 0; i < QMP_MAX_IN_FLIGHT; i++) {
        peer_printf(&f->peer, "{\"return\": {}%s}\n", ids[i]);
        g_free(ids[i]);
    }
    assert_works(f);
    g_assert_cmpuint(a.done, ==, 20);
}

static void test_queue_bound(void)
{
    Fixture f = { 0 };
    Async a = { .f = &f };
    guint taken = 0;

    open_only(&f, PEER_WAIT_MS);
    while (qmp_send(f.mon, "stop", NULL, NULL, 0, PEER_WAIT_MS, 0, on_reply, &a) == 0)
        taken++;
    g_assert_cmpint(error_code(), ==, VIR_ERR_RESOURCE_BUSY);
    g_assert_cmpuint(taken, <=, QMP_MAX_QUEUED);
    peer_finish(&f.peer);
    WAIT_UNTIL(&f, a.done == taken);
    g_assert_cmpuint(a.ok, ==, 0);
    teardown(&f, NULL);
}

/* A command with a descriptor: all but its last byte comes without it, and no newline behind. */
static int receive_fd(int sock, const char *command)
{
    char control[CMSG_SPACE(sizeof(int))], bytes[256];
    gsize len = strlen(command), got = 0;
    int fd = -1;

    while (got < len) {
        struct iovec iov = { bytes + got, sizeof(bytes) - got };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
        gssize part = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);

        g_assert_cmpint(part, >, 0);
        got += (gsize)part;
        if (!CMSG_FIRSTHDR(&msg))
            continue;
        g_assert_cmpint(fd, ==, -1);
        g_assert_cmpuint(got, ==, len);
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
    }
    g_assert_cmpuint(got, ==, len);
    g_assert_cmpint(memcmp(bytes, command, len), ==, 0);
    g_assert_cmpint(fd, >=, 0);
    return fd;
}

static void test_descriptors(Fixture *f, gconstpointer data)
{
    static const char getfd[] = "{\"execute\":\"getfd\"}", after[] = "{\"execute\":\"after\"}\n";
    Async a = { .f = f };
    int pipes[2], got;
    char c, bytes[sizeof(after)] = "";

    g_assert_cmpint(pipe(pipes), ==, 0);
    g_assert_cmpint(qmp_send(f->mon, "getfd", NULL, &pipes[1], 1, PEER_WAIT_MS, 0, on_reply, &a), ==, 0);
    g_assert_cmpint(qmp_send(f->mon, "after", NULL, NULL, 0, PEER_WAIT_MS, 0, on_reply, &a), ==, 0);
    g_assert_cmpint(qmp_send(f->mon, "getfd", NULL, &pipes[0], 1, PEER_WAIT_MS, 0, on_reply, &a), ==, 0);
    close(pipes[1]);
    got = receive_fd(f->peer.fd, getfd);
    g_assert_cmpint(write(got, "x", 1), ==, 1);
    close(got);
    g_assert_cmpint(read(pipes[0], &c, 1), ==, 1);
    g_assert_cmpint(read(pipes[0], &c, 1), ==, 0); /* no copy is left open on our side */
    close(pipes[0]);
    /* nothing comes before QEMU has taken them; then all, as far as the next that has some */
    g_assert_true(peer_is_silent(&f->peer, 20));
    peer_printf(&f->peer, "{\"return\": {}}\n");
    g_assert_cmpint(recv(f->peer.fd, bytes, strlen(after), MSG_WAITALL), ==, strlen(after));
    g_assert_cmpstr(bytes, ==, after);
    close(receive_fd(f->peer.fd, getfd));
    peer_printf(&f->peer, "{\"return\": {}}\n{\"return\": {}}\n");
    WAIT_UNTIL(f, a.ok == 3);
}

/* Several at a time, of which the first fails; the time of the last begins with the answer before it. */
static void test_begun(Fixture *f, gconstpointer data)
{
    QmpRequest *first = qmp_begin(f->mon, "first", NULL, NULL, 0, PEER_WAIT_MS, 0);
    QmpRequest *second = qmp_begin(f->mon, "second", NULL, NULL, 0, PEER_WAIT_MS, 0);
    QmpRequest *third = qmp_begin(f->mon, "third", NULL, NULL, 0, 50, 0);
    g_autofree char *id1 = peer_expect(&f->peer, "first"), *id2 = peer_expect(&f->peer, "second"), *id3 = peer_expect(&f->peer, "third");
    json_object *result = NULL;
    gint64 since = g_get_monotonic_time();

    peer_printf(&f->peer, "{\"error\": {\"desc\": \"bad\"}%s}\n{\"return\": {\"n\": 7}%s}\n", id1, id2);
    g_assert_cmpint(qmp_finish(f->mon, first, NULL), ==, -1);
    g_assert_nonnull(strstr(error_message(), "'first': bad"));
    g_assert_cmpint(qmp_finish(f->mon, second, &result), ==, 0);
    g_assert_cmpint(json_member_int(result, "n", 0), ==, 7);
    json_object_put(result);
    g_assert_cmpint(qmp_finish(f->mon, third, NULL), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_TIMEOUT);
    g_assert_cmpint(g_get_monotonic_time() - since, >=, 45000);
    peer_printf(&f->peer, "{\"return\": {}%s}\n", id3);
    assert_works(f);
}

#define LATE_MS 600

static gpointer answer_late(gpointer opaque)
{
    for (int i = 0; i < 2; i++) {
        g_usleep(LATE_MS * 1000 * 2 / 3);
        peer_printf(opaque, "{\"return\": {\"n\": %d}}\n", i);
    }
    return NULL;
}

/* Who waits for the last only gives it its time from the answer before it on, too; the others have come by then. */
static void test_wait_for_last(Fixture *f, gconstpointer data)
{
    QmpRequest *first = qmp_begin(f->mon, "first", NULL, NULL, 0, LATE_MS, 0), *last = qmp_begin(f->mon, "last", NULL, NULL, 0, LATE_MS, 0);
    g_autofree char *id1 = peer_expect(&f->peer, "first"), *id2 = peer_expect(&f->peer, "last");
    gint64 since = g_get_monotonic_time();
    GThread *peer = g_thread_new("peer", answer_late, &f->peer);
    json_object *result = NULL;

    qmp_wait(f->mon, last);
    g_assert_cmpint(g_get_monotonic_time() - since, >, LATE_MS * 1000);
    g_assert_cmpint(qmp_finish(f->mon, first, NULL), ==, 0);
    g_assert_cmpint(qmp_finish(f->mon, last, &result), ==, 0);
    g_assert_cmpint(json_member_int(result, "n", 0), ==, 1);
    json_object_put(result);
    g_thread_join(peer);
    assert_works(f);
}

static gpointer raw_main(gpointer opaque)
{
    return qmp_call_raw(opaque, "raw", NULL, NULL, 0, PEER_WAIT_MS, 0);
}

/* What comes in order has no id, but who wants QEMU's whole answer finds one in it. */
static void test_ids(Fixture *f, gconstpointer data)
{
    QmpRequest *first = qmp_begin(f->mon, "first", NULL, NULL, 0, PEER_WAIT_MS, 0);
    g_autofree char *none = peer_expect(&f->peer, "first"), *id = NULL;
    GThread *thread = g_thread_new("raw", raw_main, f->mon);
    g_autoptr(json_object) reply = NULL;

    id = peer_expect(&f->peer, "raw");
    g_assert_cmpstr(none, ==, "");
    g_assert_cmpstr(id, !=, "");
    peer_printf(&f->peer, "{\"return\": {}}\n{\"return\": {\"n\": 3}%s}\n", id);
    g_assert_cmpint(qmp_finish(f->mon, first, NULL), ==, 0);
    reply = g_thread_join(thread);
    g_assert_nonnull(json_member_string(reply, "id"));
    g_assert_cmpint(json_member_int(json_member(reply, "return", json_type_object), "n", 0), ==, 3);
}

/* Out of band is answered first. */
static void test_oob_order(Fixture *f, gconstpointer data)
{
    Async slow = { .f = f }, quick = { .f = f };
    g_autofree char *none = NULL;
    g_autoptr(json_object) line = NULL;

    g_assert_cmpint(qmp_send(f->mon, "quick", NULL, NULL, 0, PEER_WAIT_MS, QMP_SEND_OOB, on_reply, &quick), ==, 0);
    g_assert_cmpint(qmp_send(f->mon, "slow", NULL, NULL, 0, PEER_WAIT_MS, 0, on_reply, &slow), ==, 0);
    line = peer_read(&f->peer);
    none = peer_expect(&f->peer, "slow");
    peer_printf(&f->peer, "{\"return\": {}}\n");
    WAIT_UNTIL(f, slow.ok == 1);
    g_assert_cmpuint(quick.done, ==, 0);
    peer_printf(&f->peer, "{\"return\": {}, \"id\": \"%s\"}\n", json_member_string(line, "id"));
    WAIT_UNTIL(f, quick.ok == 1);
}

/* Read what is there of a line that isn't complete. */
static char *peer_part(Peer *peer)
{
    char part[256];
    gssize got = recv(peer->fd, part, sizeof(part), 0);

    g_assert_cmpint(got, >, 0);
    return g_strndup(part, (gsize)got);
}

/* All but the end is sent, and nothing after it, until it is released. */
static void test_held(Fixture *f, gconstpointer data)
{
    const char *const ends[] = { "]\n", "}\n" };

    for (int go = 0; go < 2; go++) {
        QmpRequest *held = qmp_begin(f->mon, "held", NULL, NULL, 0, PEER_WAIT_MS, QMP_SEND_HELD);
        QmpRequest *after = qmp_begin(f->mon, "after", NULL, NULL, 0, PEER_WAIT_MS, 0);
        g_autofree char *part = peer_part(&f->peer), *rest = NULL, *id = NULL;

        g_assert_cmpstr(part, ==, "{\"execute\":\"held\"");
        g_assert_true(peer_is_silent(&f->peer, 20));
        qmp_release(f->mon, held, go);
        rest = peer_part(&f->peer);
        g_assert_true(g_str_has_prefix(rest, ends[go]));
        json_lines_append(&f->peer.in, rest + 2, strlen(rest) - 2);
        id = peer_expect(&f->peer, "after");
        peer_printf(&f->peer, "%s\n{\"return\": {}%s}\n", go ? "{\"return\": {}}" : "{\"error\": {}}", id);
        g_assert_cmpint(qmp_finish(f->mon, held, NULL), ==, go ? 0 : -1);
        g_assert_cmpint(qmp_finish(f->mon, after, NULL), ==, 0);
    }
}

/* A command is begun before its descriptor is there, which goes with the end, when there is one. */
static void test_held_for_descriptor(Fixture *f, gconstpointer data)
{
    static const char getfd[] = "{\"execute\":\"getfd\"";

    for (int there = 0; there < 2; there++) {
        QmpRequest *held = qmp_begin(f->mon, "getfd", NULL, NULL, 0, PEER_WAIT_MS, QMP_SEND_HELD);
        QmpRequest *after = qmp_begin(f->mon, "after", NULL, NULL, 0, PEER_WAIT_MS, 0);
        int pipes[2] = { -1, -1 };
        g_autofree char *part = peer_part(&f->peer), *id = NULL;
        char c, end[2];

        g_assert_cmpstr(part, ==, getfd);
        g_assert_cmpint(there ? pipe(pipes) : 0, ==, 0);
        g_assert_cmpint(qmp_release_with(f->mon, held, pipes[1]), ==, there ? 0 : -1);
        if (there) {
            int got = receive_fd(f->peer.fd, "}");

            close(pipes[1]);
            close(got);
            g_assert_cmpint(read(pipes[0], &c, 1), ==, 0); /* no copy is left open on our side */
            close(pipes[0]);
            g_assert_true(peer_is_silent(&f->peer, 20));    /* until it is taken */
        } else {
            g_assert_nonnull(strstr(error_message(), "descriptor"));
            g_assert_cmpint(recv(f->peer.fd, end, sizeof(end), MSG_WAITALL), ==, sizeof(end));
            g_assert_cmpint(memcmp(end, "]\n", sizeof(end)), ==, 0);
        }
        peer_printf(&f->peer, "%s\n", there ? "{\"return\": {}}" : "{\"error\": {}}");
        g_assert_cmpint(qmp_finish(f->mon, held, NULL), ==, there ? 0 : -1);
        id = peer_expect(&f->peer, "after");
        peer_printf(&f->peer, "{\"return\": {}%s}\n", id);
        g_assert_cmpint(qmp_finish(f->mon, after, NULL), ==, 0);
    }
}

/* A big command doesn't fit the socket's buffer: it is continued when the peer reads. */
static void test_big_command(Fixture *f, gconstpointer data)
{
    json_object *args = json_object_new_object();
    g_autofree char *text = g_strnfill(900000, 'x');
    g_autofree char *id = NULL;
    Async a = { .f = f };

    json_object_object_add(args, "text", json_object_new_string(text));
    g_assert_cmpint(qmp_send(f->mon, "big", args, NULL, 0, PEER_WAIT_MS, 0, on_reply, &a), ==, 0);
    id = peer_expect(&f->peer, "big");
    peer_printf(&f->peer, "{\"return\": {}%s}\n", id);
    WAIT_UNTIL(f, a.ok == 1);
}

static gpointer flood_main(gpointer opaque)
{
    static const char event[] = "{\"event\": \"RTC_CHANGE\", \"data\": {\"offset\": 1}}\n";
    Peer *peer = opaque;
    guint sent = 0;

    while (peer_write(peer, event, strlen(event)))
        sent++;
    return GUINT_TO_POINTER(sent);
}

/* One guest floods, its neighbour on the same loop is served. */
static void test_flood(Fixture *f, gconstpointer data)
{
    Fixture other = { 0 };
    GThread *thread = g_thread_new("flood", flood_main, &f->peer);
    int fd = peer_init(&other.peer);

    other.pl = f->pl;
    other.mon = qmp_open_fd(f->pl->loop, fd, "neighbour", PEER_WAIT_MS, &callbacks, &other, on_free);
    handshake(&other, GREETING);
    for (int i = 0; i < 200; i++)
        assert_works(&other);
    WAIT_UNTIL(f, f->events > 1000);
    qmp_close(other.mon);
    qmp_unref(other.mon);
    WAIT_UNTIL(&other, other.freed);
    peer_finish(&other.peer);
    qmp_close(f->mon);
    g_assert_cmpuint(GPOINTER_TO_UINT(g_thread_join(thread)), >, 1000);
}

static void test_huge_event(Fixture *f, gconstpointer data)
{
    g_autofree char *text = g_strnfill(QMP_MAX_EVENT, 'x');

    peer_printf(&f->peer, "{\"event\": \"A\", \"data\": {\"t\": \"%s\"}}\n", text);
    assert_works(f);
    g_assert_cmpuint(f->events, ==, 0);
}

static void test_close_pending(Fixture *f, gconstpointer data)
{
    g_autofree char *id = NULL;
    Async a = { .f = f };
    Call c;

    call_start(&c, f->mon, "stop", PEER_WAIT_MS);
    id = peer_expect(&f->peer, "stop");
    g_assert_cmpint(qmp_send(f->mon, "cont", NULL, NULL, 0, PEER_WAIT_MS, 0, on_reply, &a), ==, 0);
    qmp_close(f->mon);
    call_finish(&c);
    g_assert_cmpint(c.code, ==, VIR_ERR_OPERATION_FAILED);
    call_clear(&c);
    WAIT_UNTIL(f, a.done == 1);
    g_assert_false(f->closed);
}

static void test_random_bytes(void)
{
    for (guint32 seed = 1; seed <= 60; seed++) {
        GRand *rand = g_rand_new_with_seed(seed);
        char bytes[512];
        static const char alphabet[] = "{}[]\",:\\ueventQMPreturniderror0123456789-.eE\n \xc3\xa9\xff";
        Fixture f = { 0 };

        if (seed % 2)
            setup(&f, NULL);
        else
            open_only(&f, PEER_WAIT_MS);
        for (guint i = 0; i < sizeof(bytes); i++)
            bytes[i] = alphabet[g_rand_int_range(rand, 0, sizeof(alphabet) - 1)];
        peer_write(&f.peer, bytes, sizeof(bytes));
        peer_finish(&f.peer);
        WAIT_UNTIL(&f, f.closed);
        teardown(&f, NULL);
        g_rand_free(rand);
    }
}

static pid_t start_qemu(const char *binary, int fd)
{
    g_autofree char *chardev = g_strdup_printf("socket,id=mon,fd=%d", fd);
    pid_t pid = fork();

    if (pid == 0) {
        fcntl(fd, F_SETFD, 0);
        execl(binary, binary, "-machine", "none,accel=tcg", "-nodefaults", "-display", "none", "-S",
              "-chardev", chardev, "-mon", "chardev=mon,mode=control", NULL);
        _exit(127);
    }
    g_assert_cmpint(pid, >, 0);
    return pid;
}

static void test_real(void)
{
    g_autofree char *binary = g_find_program_in_path("qemu-system-x86_64");
    g_autoptr(json_object) version = NULL, schema = NULL;
    Fixture f = { 0 };
    pid_t pid;
    int fd, ours;

    if (!binary) {
        g_test_skip("no qemu-system-x86_64");
        return;
    }
    ours = peer_init(&f.peer);
    fd = f.peer.fd;
    f.pl = peer_loop_start();
    pid = start_qemu(binary, fd);
    peer_finish(&f.peer);
    f.mon = qmp_open_fd(f.pl->loop, ours, "real", PEER_WAIT_MS, &callbacks, &f, on_free);
    g_assert_cmpint(qmp_wait_ready(f.mon, PEER_WAIT_MS), ==, 0);
    g_assert_true(qmp_has_oob(f.mon));
    g_assert_cmpint(qmp_call(f.mon, "query-version", NULL, PEER_WAIT_MS, &version), ==, 0);
    g_assert_cmpint(json_member_int(json_member(version, "qemu", json_type_object), "major", 0), >=, 4);
    g_assert_cmpint(qmp_call(f.mon, "query-qmp-schema", NULL, PEER_WAIT_MS, &schema), ==, 0);
    g_assert_cmpuint(json_object_array_length(schema), >, 100);
    g_assert_cmpint(qmp_call(f.mon, "no-such-command", NULL, PEER_WAIT_MS, NULL), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_UNSUPPORTED);
    for (int go = 0; go < 2; go++) {
        QmpRequest *held = qmp_begin(f.mon, "query-name", json_object_new_object(), NULL, 0, PEER_WAIT_MS, QMP_SEND_HELD);

        qmp_release(f.mon, held, go);
        g_assert_cmpint(qmp_finish(f.mon, held, NULL), ==, go ? 0 : -1);
    }
    kill(pid, SIGSTOP);
    g_assert_cmpint(qmp_call(f.mon, "query-status", NULL, 50, NULL), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_TIMEOUT);
    kill(pid, SIGCONT);
    g_assert_cmpint(qmp_call(f.mon, "query-status", NULL, PEER_WAIT_MS, NULL), ==, 0);
    g_assert_cmpint(qmp_call(f.mon, "quit", NULL, PEER_WAIT_MS, NULL), ==, 0);
    WAIT_UNTIL(&f, f.closed);
    g_assert_cmpint(f.kind, ==, QMP_CLOSED_EOF);
    g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
    teardown(&f, NULL);
}

static void setup_oob(Fixture *f, gconstpointer data)
{
    open_only(f, PEER_WAIT_MS);
    handshake(f, GREETING_OOB);
}

#define ADD(name, fn) g_test_add("/qemu/qmp/" name, Fixture, NULL, setup, fn, teardown)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("call", test_call);
    ADD("events", test_events);
    ADD("errors", test_errors);
    ADD("error-without-id", test_error_without_id);
    ADD("deadline", test_deadline);
    ADD("ignored-lines", test_ignored_lines);
    ADD("eof", test_eof);
    ADD("chain", test_chain);
    ADD("hung", test_hung);
    ADD("descriptors", test_descriptors);
    ADD("begun", test_begun);
    ADD("wait-for-last", test_wait_for_last);
    ADD("ids", test_ids);
    g_test_add("/qemu/qmp/oob-order", Fixture, NULL, setup_oob, test_oob_order, teardown);
    ADD("held", test_held);
    ADD("held-for-descriptor", test_held_for_descriptor);
    ADD("big-command", test_big_command);
    ADD("flood", test_flood);
    ADD("huge-event", test_huge_event);
    ADD("close-pending", test_close_pending);
    g_test_add_data_func("/qemu/qmp/fatal/deep", "deep", test_fatal);
    g_test_add_data_func("/qemu/qmp/fatal/wide", "wide", test_fatal);
    g_test_add_data_func("/qemu/qmp/fatal/long", "long", test_fatal);
    g_test_add_data_func("/qemu/qmp/fatal/utf8", "utf8", test_fatal);
    g_test_add_data_func("/qemu/qmp/fatal/nul", "nul", test_fatal);
    g_test_add_data_func("/qemu/qmp/fatal/array", "[1, 2]", test_fatal);
    g_test_add_data_func("/qemu/qmp/fatal/number", "17", test_fatal);
    g_test_add_data_func("/qemu/qmp/fatal/trailing", "{\"event\": \"A\"} {}", test_fatal);
    g_test_add_data_func("/qemu/qmp/fatal/text", "Segmentation fault", test_fatal);
    g_test_add_func("/qemu/qmp/no-greeting", test_no_greeting);
    g_test_add_func("/qemu/qmp/bad-greeting", test_bad_greeting);
    g_test_add_func("/qemu/qmp/refused-capabilities", test_refused_capabilities);
    g_test_add_func("/qemu/qmp/oob", test_negotiates_oob);
    g_test_add_func("/qemu/qmp/queue-bound", test_queue_bound);
    g_test_add_func("/qemu/qmp/random-bytes", test_random_bytes);
    g_test_add_func("/qemu/qmp/real", test_real);
    return g_test_run();
}
