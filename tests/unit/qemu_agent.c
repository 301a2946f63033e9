/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Guest agent client against a scripted guest that behaves, is silent, or is hostile.
 */
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/qemu/agent.h"
#include "qemu_peer.h"

typedef struct {
    PeerLoop *pl;
    Peer peer;
    Agent *agent;
    GMutex lock;
    GCond cond;
    gboolean closed;
    guint freed;
} Fixture;

static void on_closed(Agent *agent, const char *reason, void *opaque)
{
    Fixture *f = opaque;

    g_mutex_lock(&f->lock);
    g_assert_false(f->closed);
    f->closed = TRUE;
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

#define WAIT_UNTIL(f, condition) do { \
        gint64 until_ = g_get_monotonic_time() + PEER_WAIT_MS * 1000; \
        g_mutex_lock(&(f)->lock); \
        while (!(condition)) \
            g_assert_true(g_cond_wait_until(&(f)->cond, &(f)->lock, until_)); \
        g_mutex_unlock(&(f)->lock); \
    } while (0)

static void setup(Fixture *f, gconstpointer data)
{
    int fd = peer_init(&f->peer);

    f->pl = peer_loop_start();
    f->agent = agent_open_fd(f->pl->loop, fd, "guest1", on_closed, f, on_free);
    g_assert_nonnull(f->agent);
}

static void teardown(Fixture *f, gconstpointer data)
{
    agent_close(f->agent);
    agent_unref(f->agent);
    WAIT_UNTIL(f, f->freed);
    peer_loop_stop(f->pl);
    peer_finish(&f->peer);
    g_assert_cmpuint(f->freed, ==, 1);
}

typedef struct {
    Agent *agent;
    const char *command;
    int deadline_ms, sync_ms;
    unsigned flags;
    GThread *thread;
    int rc, code;
    char *message;
    json_object *result;
} Call;

static gpointer call_main(gpointer opaque)
{
    Call *c = opaque;

    c->rc = agent_call(c->agent, c->command, NULL, c->deadline_ms, c->sync_ms, c->flags, &c->result);
    c->code = error_code();
    c->message = g_strdup(error_message());
    return NULL;
}

static void call_start(Call *c, Fixture *f, const char *command, int deadline_ms, int sync_ms, unsigned flags)
{
    *c = (Call){ .agent = f->agent, .command = command, .deadline_ms = deadline_ms, .sync_ms = sync_ms, .flags = flags };
    c->thread = g_thread_new("call", call_main, c);
}

static void call_finish(Call *c, int rc, int code)
{
    g_thread_join(c->thread);
    if (c->rc < 0)
        g_test_message("%s: %s", c->command, c->message);
    g_assert_cmpint(c->rc, ==, rc);
    if (rc < 0)
        g_assert_cmpint(c->code, ==, code);
    g_free(c->message);
    json_object_put(c->result);
}

/* A line of ours without the 0xFF in front. */
static json_object *read_command(Fixture *f)
{
    const char *why;
    char *line, *mark;
    gsize len;
    int rc;

    while ((rc = json_lines_next(&f->peer.in, &line, &len)) == 0)
        g_assert_cmpint(json_lines_read(&f->peer.in, f->peer.fd), >, 0);
    mark = memrchr(line, 0xff, len);
    if (mark) {
        len -= mark + 1 - line;
        line = mark + 1;
    }
    return json_lines_parse(line, len, &why);
}

static gint64 expect_sync(Fixture *f)
{
    g_autoptr(json_object) line = read_command(f);

    g_assert_cmpstr(json_member_string(line, "execute"), ==, "guest-sync-delimited");
    return json_member_int(json_member(line, "arguments", json_type_object), "id", -1);
}

static void answer_sync(Fixture *f)
{
    peer_printf(&f->peer, "\xff{\"return\": %" G_GINT64_FORMAT "}\n", expect_sync(f));
}

static void expect(Fixture *f, const char *command)
{
    g_autoptr(json_object) line = read_command(f);

    g_assert_cmpstr(json_member_string(line, "execute"), ==, command);
}

static void assert_works(Fixture *f)
{
    Call c;

    call_start(&c, f, "guest-ping", PEER_WAIT_MS, PEER_WAIT_MS, 0);
    answer_sync(f);
    expect(f, "guest-ping");
    peer_printf(&f->peer, "{\"return\": {}}\n");
    call_finish(&c, 0, 0);
}

static void test_call(Fixture *f, gconstpointer data)
{
    for (int i = 0; i < 20; i++)
        assert_works(f);
}

static void test_errors(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *reply;
        int code;
    } cases[] = {
        { "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no\"}}", VIR_ERR_OPERATION_UNSUPPORTED },
        { "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}", VIR_ERR_AGENT_COMMAND_FAILED },
        { "{\"error\": {}}", VIR_ERR_AGENT_COMMAND_FAILED },
        { "{\"error\": 5}", VIR_ERR_AGENT_COMMAND_FAILED },
        { "{\"error\": null}", VIR_ERR_AGENT_COMMAND_FAILED },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        Call c;

        call_start(&c, f, "guest-info", PEER_WAIT_MS, PEER_WAIT_MS, 0);
        answer_sync(f);
        expect(f, "guest-info");
        peer_printf(&f->peer, "%s\n", cases[i].reply);
        call_finish(&c, -1, cases[i].code);
    }
    assert_works(f);
}

/* A guest without an agent. */
static void test_silent(Fixture *f, gconstpointer data)
{
    Call c;

    call_start(&c, f, "guest-ping", PEER_WAIT_MS, 50, 0);
    call_finish(&c, -1, VIR_ERR_AGENT_UNRESPONSIVE);
    /* It comes up later: first it meets our old synchronisation. */
    (void)expect_sync(f);
    assert_works(f);
}

static void test_slow_command(Fixture *f, gconstpointer data)
{
    Call c;

    call_start(&c, f, "guest-fsfreeze-freeze", 300, 300, 0);
    answer_sync(f);
    expect(f, "guest-fsfreeze-freeze");
    call_finish(&c, -1, VIR_ERR_AGENT_COMMAND_TIMEOUT);
    /* The late answer must not be taken for that of the next command. */
    call_start(&c, f, "guest-get-time", PEER_WAIT_MS, PEER_WAIT_MS, 0);
    peer_printf(&f->peer, "{\"return\": 3}\n");
    answer_sync(f);
    expect(f, "guest-get-time");
    peer_printf(&f->peer, "{\"return\": 77}\n");
    g_thread_join(c.thread);
    g_assert_cmpint(c.rc, ==, 0);
    g_assert_cmpint(json_object_get_int64(c.result), ==, 77);
    g_free(c.message);
    json_object_put(c.result);
}

static void test_garbage_before_sync(Fixture *f, gconstpointer data)
{
    g_autofree char *noise = g_strnfill(3 * 1024 * 1024, 'x');
    gint64 id;
    Call c;

    call_start(&c, f, "guest-ping", PEER_WAIT_MS, PEER_WAIT_MS, 0);
    id = expect_sync(f);
    peer_printf(&f->peer, "%s\n", noise);
    peer_printf(&f->peer, "login: \n\n{\"return\": 1}\n{\"return\": %" G_GINT64_FORMAT "}\n", id); /* no 0xFF: not ours */
    peer_printf(&f->peer, "\xff{\"return\": 12}\n\xff{\"return\": \"%" G_GINT64_FORMAT "\"}\n\xff\n\xff\xff[[[\n", id);
    peer_printf(&f->peer, "{\"return\xff{\"return\": %" G_GINT64_FORMAT "}\n", id);
    expect(f, "guest-ping");
    peer_printf(&f->peer, "noise\n[]\n{}\n7\n\xff\xfe\n{\"event\": 1}\n{\"return\": {}}\n");
    call_finish(&c, 0, 0);
}

/* A line without end is thrown away; the command ends at its deadline and the next one works. */
static void test_endless_line(Fixture *f, gconstpointer data)
{
    g_autofree char *noise = g_strnfill(AGENT_MAX_LINE + 4096, 'x');
    Call c;

    call_start(&c, f, "guest-info", PEER_WAIT_MS, PEER_WAIT_MS, 0);
    answer_sync(f);
    expect(f, "guest-info");
    peer_write(&f->peer, noise, strlen(noise));
    peer_printf(&f->peer, "\n{\"return\": {}}\n");
    call_finish(&c, 0, 0);
    assert_works(f);
}

static void test_guest_ends(Fixture *f, gconstpointer data)
{
    Call c;

    call_start(&c, f, "guest-shutdown", PEER_WAIT_MS, PEER_WAIT_MS, AGENT_ENDS_GUEST);
    answer_sync(f);
    expect(f, "guest-shutdown");
    agent_guest_gone(f->agent);
    call_finish(&c, 0, 0);
    call_start(&c, f, "guest-info", PEER_WAIT_MS, PEER_WAIT_MS, 0);
    answer_sync(f);
    expect(f, "guest-info");
    agent_guest_gone(f->agent);
    call_finish(&c, -1, VIR_ERR_AGENT_UNRESPONSIVE);
    assert_works(f);
}

static void test_eof(Fixture *f, gconstpointer data)
{
    Call c, d;

    call_start(&c, f, "guest-info", PEER_WAIT_MS, PEER_WAIT_MS, 0);
    answer_sync(f);
    expect(f, "guest-info");
    call_start(&d, f, "guest-ping", PEER_WAIT_MS, PEER_WAIT_MS, 0);
    peer_printf(&f->peer, "{\"ret");
    peer_finish(&f->peer);
    call_finish(&c, -1, VIR_ERR_AGENT_UNRESPONSIVE);
    call_finish(&d, -1, VIR_ERR_AGENT_UNRESPONSIVE);
    WAIT_UNTIL(f, f->closed);
    g_assert_cmpint(agent_call(f->agent, "x", NULL, 1000, 1000, 0, NULL), ==, -1);
}

static void test_eof_idle(Fixture *f, gconstpointer data)
{
    assert_works(f);
    peer_finish(&f->peer);
    WAIT_UNTIL(f, f->closed);
}

/* One after the other, each with its own synchronisation, in the order of the calls. */
static void test_queue(Fixture *f, gconstpointer data)
{
    Call c[3];

    call_start(&c[0], f, "guest-info", PEER_WAIT_MS, PEER_WAIT_MS, 0);
    answer_sync(f);
    expect(f, "guest-info");
    call_start(&c[1], f, "guest-ping", PEER_WAIT_MS, PEER_WAIT_MS, 0);
    g_assert_true(peer_is_silent(&f->peer, 30));
    peer_printf(&f->peer, "{\"return\": {}}\n");
    answer_sync(f);
    expect(f, "guest-ping");
    peer_printf(&f->peer, "{\"return\": {}}\n");
    call_finish(&c[0], 0, 0);
    call_finish(&c[1], 0, 0);
}

/* A chattering guest isn't even read while nobody asks. */
static void test_idle_flood(Fixture *f, gconstpointer data)
{
    static const char line[] = "{\"return\": {}}\n";
    guint sent = 0;

    while (send(f->peer.fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        g_assert_cmpuint(++sent, <, 10000000);
    g_assert_cmpuint(sent, >, 0);
    assert_works(f);
}

#define ADD(name, fn) g_test_add("/qemu/agent/" name, Fixture, NULL, setup, fn, teardown)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("call", test_call);
    ADD("errors", test_errors);
    ADD("silent", test_silent);
    ADD("slow-command", test_slow_command);
    ADD("garbage-before-sync", test_garbage_before_sync);
    ADD("endless-line", test_endless_line);
    ADD("guest-ends", test_guest_ends);
    ADD("eof", test_eof);
    ADD("eof-idle", test_eof_idle);
    ADD("queue", test_queue);
    ADD("idle-flood", test_idle_flood);
    return g_test_run();
}
