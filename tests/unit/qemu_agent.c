/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Guest agent client against a scripted guest that behaves, is silent, or is hostile.
 */
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/qemu/backend.h"
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

/* A line that is too long takes nothing along that came behind it, however much is read at once. */
static void test_long_line(void)
{
    g_autofree char *noise = g_strnfill(200, 'x');
    JsonLines lines;
    char *line;
    gsize len;

    json_lines_init(&lines, 100);
    json_lines_append(&lines, noise, strlen(noise));
    json_lines_append(&lines, "\n{}\n", 4);
    g_assert_cmpint(json_lines_next(&lines, &line, &len), ==, JSON_LINES_LONG);
    g_assert_cmpint(json_lines_next(&lines, &line, &len), ==, 1);
    g_assert_cmpstr(line, ==, "{}");
    json_lines_append(&lines, noise, strlen(noise));
    g_assert_cmpint(json_lines_next(&lines, &line, &len), ==, -1);
    json_lines_finish(&lines);
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

/* ---- what is asked, with answers of all kinds ---- */

typedef int (*Ask)(Guest *guest);

static int ask_vcpus(Guest *guest)
{
    g_autoptr(Bitmap) possible = NULL, online = NULL, offlinable = NULL;

    return qemu_backend_agent_vcpus(guest, &possible, &online, &offlinable) < 0 ? -1 : (int)bitmap_count(online);
}

static int set_vcpus(Guest *guest)
{
    g_autoptr(Bitmap) vcpus = bitmap_parse("1", 0);

    return qemu_backend_agent_set_vcpus(guest, vcpus, TRUE);
}

static int ask_time(Guest *guest)
{
    long long seconds;
    unsigned int ns;

    return qemu_backend_agent_time(guest, &seconds, &ns) < 0 ? -1 : (int)seconds;
}

static int freeze(Guest *guest)
{
    return qemu_backend_agent_freeze(guest, NULL, 0, TRUE);
}

static int ask_addresses(Guest *guest)
{
    virDomainInterfacePtr *ifaces = NULL;
    int n = qemu_backend_addresses(guest, NULL, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT, &ifaces);

    for (int i = 0; i < n; i++)
        virDomainInterfaceFree(ifaces[i]);
    g_free(ifaces);
    return n;
}

static int ask_info(Guest *guest, unsigned int type)
{
    TypedList list = { NULL };
    int n, rc = qemu_backend_agent_info(guest, type, &list);
    virTypedParameterPtr params = typed_list_steal(&list, &n);

    virTypedParamsFree(params, n);
    return rc < 0 ? -1 : n;
}

static int ask_users(Guest *guest)
{
    return ask_info(guest, VIR_DOMAIN_GUEST_INFO_USERS);
}

static int ask_system(Guest *guest)
{
    return ask_info(guest, VIR_DOMAIN_GUEST_INFO_OS);
}

static int ask_zone(Guest *guest)
{
    return ask_info(guest, VIR_DOMAIN_GUEST_INFO_TIMEZONE);
}

static int ask_hostname(Guest *guest)
{
    g_autofree char *name = qemu_backend_agent_hostname(guest);

    return name ? (int)strlen(name) : -1;
}

typedef struct { Guest *guest; Ask ask; int rc; } Asking;

static gpointer ask_main(gpointer opaque)
{
    Asking *a = opaque;

    a->rc = a->ask(a->guest);
    return NULL;
}

static void test_answers(Fixture *f, gconstpointer data)
{
    g_autofree char *many = g_strnfill(2 * 300, ' ');
    static const struct { Ask ask; const char *command, *answer; int rc; } cases[] = {
        { ask_vcpus, "guest-get-vcpus", "[{\"logical-id\": 0, \"online\": true}, {\"logical-id\": 3, \"online\": true, \"can-offline\": true}]", 2 },
        { ask_vcpus, "guest-get-vcpus", "[{\"logical-id\": 16384, \"online\": true}]", -1 },
        { ask_vcpus, "guest-get-vcpus", "[{\"logical-id\": -1, \"online\": true}]", -1 },
        { ask_vcpus, "guest-get-vcpus", "[{\"logical-id\": 18446744073709551615, \"online\": true}]", -1 },
        { ask_vcpus, "guest-get-vcpus", "[5, \"x\"]", -1 },
        { ask_vcpus, "guest-get-vcpus", "{}", -1 },
        { set_vcpus, "guest-set-vcpus", "1", 0 },
        { set_vcpus, "guest-set-vcpus", "0", -1 },
        { set_vcpus, "guest-set-vcpus", "2", -1 },
        { set_vcpus, "guest-set-vcpus", "\"all\"", -1 },
        { ask_time, "guest-get-time", "5000000001", 5 },
        { ask_time, "guest-get-time", "-5", -1 },
        { ask_time, "guest-get-time", "{}", -1 },
        { freeze, "guest-fsfreeze-freeze", "3", 3 },
        { freeze, "guest-fsfreeze-freeze", "-3", -1 },
        { freeze, "guest-fsfreeze-freeze", "99999999999", -1 },
        { ask_addresses, "guest-network-get-interfaces", "[{\"name\": \"lo\"}, {\"name\": \"e\", \"ip-addresses\": "
          "[{\"ip-address-type\": \"ipv6\", \"ip-address\": \"::1\", \"prefix\": 999}]}]", 2 },
        { ask_addresses, "guest-network-get-interfaces", "[{\"name\": \"lo\"}, {\"name\": \"e\", \"ip-addresses\": [{}]}]", -1 },
        { ask_addresses, "guest-network-get-interfaces", "[{\"name\": \"lo\"}, 7]", -1 },
        { ask_addresses, "guest-network-get-interfaces", "[{\"name\": \"lo\", \"ip-addresses\": 7}]", -1 },
        { ask_addresses, "guest-network-get-interfaces", NULL, -1 }, /* a list too long */
        { ask_users, "guest-get-users", "[{\"user\": \"root\", \"login-time\": 1e300}]", 3 },
        { ask_users, "guest-get-users", "[{\"login-time\": 1.5}]", -1 },
        { ask_users, "guest-get-users", NULL, -1 },
        { ask_system, "guest-get-osinfo", "{\"id\": \"x\", \"more\": 5}", 1 },
        { ask_system, "guest-get-osinfo", "{\"id\": 5}", -1 },
        { ask_zone, "guest-get-timezone", "{\"offset\": 99999999999}", 1 },
        { ask_zone, "guest-get-timezone", "{\"zone\": \"UTC\"}", -1 },
        { ask_hostname, "guest-get-host-name", "{\"host-name\": \"abc\"}", 3 },
        { ask_hostname, "guest-get-host-name", "[]", -1 },
    };
    QemuGuest qemu = { .agent_path = (char *)"there", .mon = (QmpMonitor *)f, /* only looked at whether it is there */
                       .agent = f->agent, .agent_up = TRUE, .agent_timeout = PEER_WAIT_MS / 1000 };
    Guest guest = { .name = (char *)"guest1", .priv = &qemu };

    for (gsize i = 0; i < 300; i++)
        memcpy(many + 2 * i, "1,", 2);
    many[2 * 300 - 1] = '\0';
    g_mutex_init(&qemu.lock);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Asking a = { &guest, cases[i].ask, 0 };
        GThread *thread = g_thread_new("ask", ask_main, &a);

        answer_sync(f);
        expect(f, cases[i].command);
        if (cases[i].answer)
            peer_printf(&f->peer, "{\"return\": %s}\n", cases[i].answer);
        else
            peer_printf(&f->peer, "{\"return\": [%s]}\n", many);
        g_thread_join(thread);
        g_test_message("%s: %s", cases[i].command, cases[i].answer ? cases[i].answer : "(many)");
        g_assert_cmpint(a.rc, ==, cases[i].rc);
    }
    g_mutex_clear(&qemu.lock);
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
    g_test_add_func("/qemu/agent/long-line", test_long_line);
    ADD("guest-ends", test_guest_ends);
    ADD("eof", test_eof);
    ADD("eof-idle", test_eof_idle);
    ADD("queue", test_queue);
    ADD("idle-flood", test_idle_flood);
    ADD("answers", test_answers);
    return g_test_run();
}
