/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The QEMU backend under the domain core with a real QEMU and the public API, in a folder of its own. The guests have no
 * system: firmware only, or vCPUs that never run.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/threadpool.h"
#include "core/driver.h"
#include "core/host/host.h"
#include "domain/connect.h"
#include "domain/functions.h"
#include "domain/host.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/tree.h"
#include "lib/event_impl.h"
#include "qemu_peer.h"
#include "secret/lookup.h"

void qemu_driver_register(void);

static char *root;
static PeerLoop *pl;
static Pool *pool;
static virConnectPtr conn;

static void ignore_error(void *opaque, virErrorPtr error)
{
}

static const StateDriver *state_driver(void)
{
    for (guint i = 0; state_driver_nth(i); i++) {
        if (g_str_equal(state_driver_nth(i)->name, "QEMU"))
            return state_driver_nth(i);
    }
    g_assert_not_reached();
}

static void driver_start(void)
{
    StateContext context = { .root = root, .privileged = TRUE, .loop = NULL };

    pl = peer_loop_start();
    pool = pool_new("test", 1, 8, 2);
    context.loop = pl->loop;
    context.pool = pool;
    if (state_driver()->start(&context) < 0)
        g_error("%s", error_message());
    conn = virConnectOpen("qemu:///system");
    if (!conn)
        g_error("%s", error_message());
}

static void driver_stop(void)
{
    virConnectClose(conn);
    pool_drain(pool, 10000);
    state_driver()->stop();
    pool_free(pool);
    peer_loop_stop(pl);
}

static virDomainPtr create(const char *name, const char *more, const char *devices, unsigned int flags)
{
    g_autofree char *xml = g_strdup_printf(
        "<domain type='qemu'><name>%s</name><memory unit='MiB'>32</memory><vcpu current='1'>2</vcpu>"
        "<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>%s<devices>%s</devices></domain>",
        name, more, devices);
    virDomainPtr dom = virDomainCreateXML(conn, xml, flags);

    if (!dom)
        g_error("%s: %s", name, virGetLastErrorMessage());
    return dom;
}

static int state_of(virDomainPtr dom)
{
    int state = -1, reason;

    g_assert_cmpint(virDomainGetState(dom, &state, &reason, 0), ==, 0);
    return state;
}

static void destroy(virDomainPtr dom)
{
    if (virDomainDestroy(dom) < 0)
        g_error("%s", virGetLastErrorMessage());
    virDomainFree(dom);
}

static void test_life(void)
{
    virDomainPtr dom = create("life", "", "<serial type='pty'/><channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
                              VIR_DOMAIN_START_PAUSED);
    g_autofree char *xml = NULL;

    g_assert_cmpint(state_of(dom), ==, VIR_DOMAIN_PAUSED);
    xml = virDomainGetXMLDesc(dom, 0);
    g_assert_nonnull(strstr(xml, "<source path='/dev/pts/"));
    g_assert_nonnull(strstr(xml, "alias name='serial0'"));
    g_assert_nonnull(strstr(xml, "pc-i440fx-"));
    g_assert_cmpint(virDomainResume(dom), ==, 0);
    g_assert_cmpint(state_of(dom), ==, VIR_DOMAIN_RUNNING);
    g_assert_cmpint(virDomainSuspend(dom), ==, 0);
    g_assert_cmpint(state_of(dom), ==, VIR_DOMAIN_PAUSED);
    g_assert_cmpint(virDomainReset(dom, 0), ==, 0);
    destroy(dom);
    g_assert_cmpint(virConnectNumOfDomains(conn), ==, 0);
}

static void test_failed_start(void)
{
    virDomainPtr dom = virDomainCreateXML(conn,
        "<domain type='qemu'><name>bad</name><memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type>"
        "<kernel>/nonexistent/kernel</kernel></os></domain>", 0);

    g_assert_null(dom);
    /* The error carries QEMU's own words. */
    g_assert_nonnull(strstr(virGetLastErrorMessage(), "/nonexistent/kernel"));
    g_assert_cmpint(virConnectNumOfDomains(conn), ==, 0);
}

static void check_screenshot(virDomainPtr dom)
{
    virStreamPtr stream = virStreamNew(conn, 0);
    g_autofree char *mime = virDomainScreenshot(dom, stream, 0, 0);
    char head[16];
    int n;

    if (!mime)
        g_error("%s", virGetLastErrorMessage());
    n = virStreamRecv(stream, head, sizeof(head));
    g_assert_cmpint(n, >, 8);
    if (g_str_equal(mime, "image/png"))
        g_assert_cmpmem(head, 8, "\x89PNG\r\n\x1a\n", 8);
    else
        g_assert_cmpmem(head, 2, "P6", 2);
    virStreamAbort(stream);
    virStreamFree(stream);
}

static void test_monitor(void)
{
    virDomainPtr dom = create("monitor", "", "<video><model type='vga'/></video><graphics type='vnc' port='-1'/>", VIR_DOMAIN_START_PAUSED);
    g_autofree char *reply = NULL, *hmp = NULL, *xml = NULL;
    unsigned int keys[] = { 29, 56, 111 };

    g_assert_cmpint(core_domain_qemu_monitor_command(dom, "{\"execute\": \"query-status\"}", &reply, 0), ==, 0);
    g_assert_nonnull(strstr(reply, "\"return\":"));
    g_assert_cmpint(core_domain_qemu_monitor_command(dom, "info status", &hmp, VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP), ==, 0);
    g_assert_nonnull(strstr(hmp, "VM status"));
    g_assert_cmpint(virDomainSendKey(dom, VIR_KEYCODE_SET_LINUX, 0, keys, 3, 0), ==, 0);
    g_assert_cmpint(virDomainInjectNMI(dom, 0), ==, 0);
    xml = virDomainGetXMLDesc(dom, 0);
    g_assert_nonnull(strstr(xml, "port='59"));
    check_screenshot(dom);
    destroy(dom);
}

static void test_balloon_and_vcpus(void)
{
    virDomainPtr dom = create("sizes", "", "", VIR_DOMAIN_START_PAUSED);
    virDomainStatsRecordPtr *records = NULL;

    g_assert_cmpint(virDomainGetVcpusFlags(dom, VIR_DOMAIN_AFFECT_LIVE), ==, 1);
    if (virDomainSetVcpusFlags(dom, 2, VIR_DOMAIN_AFFECT_LIVE) < 0)
        g_error("%s", virGetLastErrorMessage());
    g_assert_cmpint(virDomainGetVcpusFlags(dom, VIR_DOMAIN_AFFECT_LIVE), ==, 2);
    g_assert_cmpint(virDomainSetMemoryFlags(dom, 16384, VIR_DOMAIN_AFFECT_LIVE), ==, 0);
    g_assert_cmpint(virConnectGetAllDomainStats(conn, 0, &records, 0), ==, 1);
    g_assert_cmpint(virTypedParamsGetULLong(records[0]->params, records[0]->nparams, "cpu.time", &(unsigned long long){ 0 }), ==, 1);
    virDomainStatsRecordListFree(records);
    destroy(dom);
}

/* The QEMU of domain @name. */
static pid_t find_pid(const char *name)
{
    g_autoptr(GArray) pids = host_list_numbers("/proc", "");
    g_autofree char *wanted = g_strdup_printf("guest=%s,", name);

    for (guint i = 0; i < pids->len; i++) {
        g_autofree char *path = g_strdup_printf("/proc/%u/cmdline", g_array_index(pids, guint, i)), *text = NULL;
        gsize len;

        if (g_file_get_contents(path, &text, &len, NULL) && memmem(text, len, wanted, strlen(wanted)) && strstr(text, "qemu-system"))
            return g_array_index(pids, guint, i);
    }
    g_assert_not_reached();
}

/* A QEMU that was stopped: calls end at their deadline, destroy works at once. */
static void test_hung(void)
{
    virDomainPtr dom = create("hung", "", "", VIR_DOMAIN_START_PAUSED);
    virDomainPtr other = create("healthy", "", "", VIR_DOMAIN_START_PAUSED);
    virDomainStatsRecordPtr *records = NULL;
    g_autofree char *reply = NULL;
    gint64 begin;

    g_assert_cmpint(kill(find_pid("hung"), SIGSTOP), ==, 0);
    host_set_deadline_ms(connect_host(conn), 300);
    g_assert_cmpint(virDomainResume(dom), ==, -1);
    g_assert_cmpint(virGetLastErrorCode(), ==, VIR_ERR_OPERATION_TIMEOUT);
    g_assert_nonnull(strstr(virGetLastErrorMessage(), "hung"));
    /* Neither others nor statistics of all suffer. */
    g_assert_cmpint(core_domain_qemu_monitor_command(other, "{\"execute\": \"query-status\"}", &reply, 0), ==, 0);
    g_assert_cmpint(virConnectGetAllDomainStats(conn, 0, &records, 0), ==, 2);
    virDomainStatsRecordListFree(records);
    begin = g_get_monotonic_time();
    destroy(dom);
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 5 * G_USEC_PER_SEC);
    host_set_deadline_ms(connect_host(conn), 30000);
    destroy(other);
}

/* Guests survive the driver and are found again. */
static void test_reconnect(void)
{
    virDomainPtr dom = create("survivor", "", "<serial type='pty'/>", 0);
    char uuid[VIR_UUID_STRING_BUFLEN];
    int id = virDomainGetID(dom);
    g_autofree char *reply = NULL;

    g_assert_cmpint(virDomainGetUUIDString(dom, uuid), ==, 0);
    virDomainFree(dom);
    driver_stop();
    driver_start();
    dom = virDomainLookupByUUIDString(conn, uuid);
    if (!dom)
        g_error("%s", virGetLastErrorMessage());
    g_assert_cmpint(virDomainGetID(dom), ==, id);
    g_assert_cmpint(state_of(dom), ==, VIR_DOMAIN_RUNNING);
    /* It is taken over beside us: who asks waits for that. */
    g_assert_cmpint(core_domain_qemu_monitor_command(dom, "{\"execute\": \"query-status\"}", &reply, 0), ==, 0);
    g_assert_cmpint(virDomainSuspend(dom), ==, 0);
    destroy(dom);
}

/* ---- what only broken hosts and guests make QEMU tell ---- */

static void on_memory_failure(virConnectPtr c, virDomainPtr dom, int recipient, int action, unsigned int flags, void *opaque)
{
    g_string_append_printf(opaque, "memory %d %d %u;", recipient, action, flags);
}

static int on_lifecycle(virConnectPtr c, virDomainPtr dom, int event, int detail, void *opaque)
{
    g_string_append_printf(opaque, "life %d %d;", event, detail);
    return 0;
}

static void on_graphics(virConnectPtr c, virDomainPtr dom, int phase, const virDomainEventGraphicsAddress *local,
                        const virDomainEventGraphicsAddress *remote, const char *scheme, const virDomainEventGraphicsSubject *subject,
                        void *opaque)
{
    g_string_append_printf(opaque, "viewer %d %d %s %s %d %s %s;", phase, remote->family, local->service, remote->node, subject->nidentity,
                           subject->nidentity ? subject->identities[0].name : "", scheme);
}

/* Through a type that any function may be cast to. */
#define CALLBACK(fn) ((virConnectDomainEventGenericCallback)(void (*)(void))(fn))

static void tell(Guest *guest, const char *name, const char *json)
{
    g_autoptr(json_object) data = json_tokener_parse(json);

    g_assert_nonnull(data);
    qemu_monitor_callbacks.event(NULL, name, data, 0, guest);
}

static void test_news(void)
{
    virDomainPtr dom = create("news", "", "", VIR_DOMAIN_START_PAUSED);
    g_autoptr(DomainObj) obj = store_by_name(host_domains(connect_host(conn)), "news");
    g_autoptr(DomainState) state = domain_state(obj);
    g_autoptr(GString) seen = g_string_new(NULL);
    int ids[] = {
        virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE,
                                         CALLBACK(on_memory_failure), seen, NULL),
        virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_LIFECYCLE, CALLBACK(on_lifecycle), seen, NULL),
        virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_GRAPHICS, CALLBACK(on_graphics), seen, NULL),
    };

    tell(state->guest, "MEMORY_FAILURE", "{\"recipient\": \"guest\", \"action\": \"inject\", \"flags\": {\"action-required\": true, \"recursive\": false}}");
    tell(state->guest, "MEMORY_FAILURE", "{\"recipient\": \"hypervisor\", \"action\": \"fatal\", \"flags\": {\"recursive\": true}}");
    tell(state->guest, "MEMORY_FAILURE", "{\"recipient\": \"nobody\", \"action\": \"fatal\"}");
    tell(state->guest, "MEMORY_FAILURE", "{}");
    tell(state->guest, "GUEST_CRASHLOADED", "{\"action\": \"run\"}");
    tell(state->guest, "VNC_INITIALIZED", "{\"server\": {\"auth\": \"sasl\", \"family\": \"ipv6\", \"service\": \"5900\", \"host\": \"::\"},"
         "\"client\": {\"family\": \"ipv6\", \"service\": \"7\", \"host\": \"::1\", \"sasl_username\": \"joe\"}}");
    tell(state->guest, "SPICE_DISCONNECTED", "{\"server\": {\"family\": \"unix\", \"port\": \"\", \"host\": \"/s\"},"
         "\"client\": {\"family\": \"unix\", \"port\": \"\", \"host\": \"/c\"}}");
    tell(state->guest, "VNC_CONNECTED", "{\"server\": {\"family\": \"vsock\"}, \"client\": 7}");
    tell(state->guest, "DEVICE_TRAY_MOVED", "{\"id\": \"no-such-drive\", \"tray-open\": true}");
    while (!strstr(seen->str, "/c"))
        g_assert_cmpint(virEventRunDefaultImpl(), ==, 0);
    g_assert_cmpstr(seen->str, ==, "memory 1 1 1;memory 0 2 2;life 8 1;viewer 1 1 5900 ::1 1 joe sasl;viewer 2 2  /c 0  ;");
    for (gsize i = 0; i < G_N_ELEMENTS(ids); i++)
        g_assert_cmpint(virConnectDomainEventDeregisterAny(conn, ids[i]), ==, 0);
    destroy(dom);
}

/* The end of a guest that is just being taken over. */
static void test_destroy_while_taken_over(void)
{
    for (int i = 0; i < 5; i++) {
        virDomainPtr dom = create("survivor", "", "", VIR_DOMAIN_START_PAUSED);

        virDomainFree(dom);
        driver_stop();
        driver_start();
        dom = virDomainLookupByName(conn, "survivor");
        g_assert_nonnull(dom);
        destroy(dom);
        g_assert_cmpint(virConnectNumOfDomains(conn), ==, 0);
    }
}

static void test_native(void)
{
    g_autofree char *text = virConnectDomainXMLToNative(conn, "qemu-argv",
        "<domain type='qemu'><name>native</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>"
        "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>", 0);

    if (!text)
        g_error("%s", virGetLastErrorMessage());
    g_assert_nonnull(strstr(text, "guest=native"));
    g_assert_cmpint(virConnectNumOfDomains(conn), ==, 0);
}

static void test_capabilities(void)
{
    g_autofree char *caps = virConnectGetCapabilities(conn);
    g_autofree char *dom = virConnectGetDomainCapabilities(conn, NULL, "x86_64", "q35", "qemu", 0);
    unsigned long version = 0;
    virNodeInfo info;

    g_assert_nonnull(caps);
    g_assert_nonnull(strstr(caps, "<arch name='x86_64'>"));
    g_assert_nonnull(strstr(caps, "<domain type='qemu'/>"));
    g_assert_nonnull(dom);
    g_assert_nonnull(strstr(dom, "<machine>pc-q35-"));
    g_assert_null(virConnectGetDomainCapabilities(conn, NULL, "x86_64", "nosuchmachine", NULL, 0));
    g_assert_cmpint(virConnectGetVersion(conn, &version), ==, 0);
    g_assert_cmpuint(version, >=, 6002000);
    g_assert_cmpint(virNodeGetInfo(conn, &info), ==, 0);
    g_assert_cmpstr(virConnectGetType(conn), ==, "QEMU");
}

static guint8 *passphrase(const SecretRef *ref, size_t *size, void *opaque)
{
    *size = strlen(opaque);
    return g_memdup2(opaque, *size);
}

/* The state of a TPM, encrypted with a secret; a TPM with a profile. */
static void test_encrypted_tpm(void)
{
    static const char format[] =
        "<domain type='qemu'><name>tpm</name><uuid>11111111-2222-3333-4444-555555555555</uuid><memory unit='MiB'>32</memory><vcpu>1</vcpu>"
        "<os><type arch='x86_64' machine='q35'>hvm</type></os><devices><tpm model='tpm-crb'><backend type='emulator' version='2.0'>"
        "<encryption secret='6dd3e4a5-1d76-44ce-961f-f119f5aad935'/>%s</backend></tpm></devices></domain>";
    g_autofree char *swtpm = g_find_program_in_path("swtpm"), *setup = g_find_program_in_path("swtpm_setup");
    g_autofree char *xml = g_strdup_printf(format, ""), *profiled = g_strdup_printf(format, "<profile source='default-v1'/>");
    g_autofree char *state = g_strconcat(root, "/var/lib/libvirt/swtpm/11111111-2222-3333-4444-555555555555/tpm2/tpm2-00.permall", NULL);
    g_autofree char *text = NULL;
    gsize length;
    virDomainPtr dom;

    if (!swtpm || !setup) {
        g_test_skip("swtpm is not installed");
        return;
    }
    dom = virDomainDefineXML(conn, xml);
    g_assert_nonnull(dom);
    g_assert_cmpint(virDomainCreate(dom), ==, -1);
    g_assert_cmpint(virGetLastErrorCode(), ==, VIR_ERR_NO_SECRET);
    secret_source_set(passphrase, (void *)"first");
    if (virDomainCreate(dom) < 0)
        g_error("%s", virGetLastErrorMessage());
    g_assert_cmpint(virDomainDestroy(dom), ==, 0);
    /* The head of swtpm's files: the lowest flag says that the rest is encrypted. */
    g_assert_true(g_file_get_contents(state, &text, &length, NULL));
    g_assert_cmpuint(length, >, 10);
    g_assert_cmpint(text[5] & 1, ==, 1);
    g_assert_cmpint(virDomainUndefineFlags(dom, VIR_DOMAIN_UNDEFINE_TPM), ==, 0);
    virDomainFree(dom);
    /* A new one with a profile, where swtpm has such. */
    dom = virDomainCreateXML(conn, profiled, 0);
    if (dom)
        destroy(dom);
    else if (!strstr(virGetLastErrorMessage(), "needs swtpm 0.10"))
        g_error("%s", virGetLastErrorMessage());
    secret_source_set(NULL, NULL);
}

static void put_conf(const char *text)
{
    g_autofree char *dir = g_strconcat(root, "/etc/libvirt", NULL), *path = g_strconcat(dir, "/qemu.conf", NULL);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

int main(int argc, char **argv)
{
    g_autofree char *qemu = g_find_program_in_path("qemu-system-x86_64");
    int rc;

    g_test_init(&argc, &argv, NULL);
    if (!qemu || geteuid() != 0) {
        g_print("1..0 # SKIP needs qemu-system-x86_64 and root\n");
        return 0;
    }
    root = g_dir_make_tmp("qemu-guest-XXXXXX", NULL);
    put_conf("swtpm_user = \"root\"\nswtpm_group = \"root\"\n"); /* nobody else may see the folder */
    qemu_driver_register();
    g_assert_cmpint(virInitialize(), ==, 0);
    virSetErrorFunc(NULL, ignore_error);
    virEventRegisterDefaultImpl();
    driver_start();
    g_test_add_func("/qemu/guest/capabilities", test_capabilities);
    g_test_add_func("/qemu/guest/native", test_native);
    g_test_add_func("/qemu/guest/life", test_life);
    g_test_add_func("/qemu/guest/failed-start", test_failed_start);
    g_test_add_func("/qemu/guest/monitor", test_monitor);
    g_test_add_func("/qemu/guest/balloon-vcpus", test_balloon_and_vcpus);
    g_test_add_func("/qemu/guest/encrypted-tpm", test_encrypted_tpm);
    g_test_add_func("/qemu/guest/news", test_news);
    g_test_add_func("/qemu/guest/hung", test_hung);
    g_test_add_func("/qemu/guest/reconnect", test_reconnect);
    g_test_add_func("/qemu/guest/destroy-while-taken-over", test_destroy_while_taken_over);
    rc = g_test_run();
    driver_stop();
    qemu_remove_tree(root);
    g_free(root);
    event_default_free();
    return rc;
}
