/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The domain core through the public functions, on the test driver. What is expected here was seen with libvirt 9.0.
 */
#include "lib/event_impl.h"
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>

#define UUID_D1 "3a57d2d6-fb20-404d-b591-97e0f5aead94"

static const char xml_d1[] =
    "<domain type='test'><name>d1</name><uuid>" UUID_D1 "</uuid><memory unit='MiB'>32</memory><vcpu>1</vcpu>"
    "<os><type arch='x86_64'>hvm</type></os></domain>";

#define GENERIC(fn) ((virConnectDomainEventGenericCallback) (void (*)(void)) (fn))

static GString *events;

static void on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    g_string_append_printf(events, "%s:%d/%d ", virDomainGetName(dom), event, detail);
}

static void on_metadata(virConnectPtr conn, virDomainPtr dom, int type, const char *uri, void *opaque)
{
    g_string_append_printf(events, "%s:metadata/%d/%s ", virDomainGetName(dom), type, uri ? uri : "-");
}

static void on_reboot(virConnectPtr conn, virDomainPtr dom, void *opaque)
{
    g_string_append_printf(events, "%s:reboot ", virDomainGetName(dom));
}

typedef struct Fixture { virConnectPtr conn; } Fixture;

static void quit_on_timer(int timer, void *opaque)
{
    *(int *) opaque = 1;
}

/* Run the loop until everything that was emitted has been delivered; then compare and forget. */
static void expect_events(const char *expected)
{
    int done = 0;
    int timer = virEventAddTimeout(0, quit_on_timer, &done, NULL);
    for (int i = 0; !done || i < 4; i++)
        virEventRunDefaultImpl();
    virEventRemoveTimeout(timer);
    g_assert_cmpstr(events->str, ==, expected);
    g_string_truncate(events, 0);
}

static void expect_error(int code, const char *text)
{
    const virError *err = virGetLastError();
    g_assert_nonnull(err);
    if (err->code != code || !strstr(err->message, text))
        g_error("expected error %d with '%s', got %d '%s'", code, text, err->code, err->message);
}

static void expect_state(virDomainPtr dom, int state, int reason)
{
    int s, r;
    g_assert_cmpint(virDomainGetState(dom, &s, &r, 0), ==, 0);
    g_assert_cmpint(s, ==, state);
    g_assert_cmpint(r, ==, reason);
}

static void setup(Fixture *f, gconstpointer data)
{
    f->conn = virConnectOpen("test:///default");
    g_assert_nonnull(f->conn);
    virConnectDomainEventRegisterAny(f->conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                     GENERIC(on_lifecycle), NULL, NULL);
    virConnectDomainEventRegisterAny(f->conn, NULL, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
                                     GENERIC(on_metadata), NULL, NULL);
    virConnectDomainEventRegisterAny(f->conn, NULL, VIR_DOMAIN_EVENT_ID_REBOOT,
                                     GENERIC(on_reboot), NULL, NULL);
}

static void teardown(Fixture *f, gconstpointer data)
{
    g_assert_cmpint(virConnectClose(f->conn), ==, 0);
    g_string_truncate(events, 0);
}

static void test_default_node(Fixture *f, gconstpointer data)
{
    virDomainPtr *list;
    int ids[4];
    g_assert_cmpint(virConnectListAllDomains(f->conn, &list, 0), ==, 1);
    g_assert_cmpstr(virDomainGetName(list[0]), ==, "test");
    g_assert_cmpint(virDomainGetID(list[0]), ==, 1);
    virDomainFree(list[0]);
    free(list);
    g_assert_cmpint(virConnectNumOfDomains(f->conn), ==, 1);
    g_assert_cmpint(virConnectListDomains(f->conn, ids, 4), ==, 1);
    g_assert_cmpint(ids[0], ==, 1);
    g_assert_cmpint(virConnectNumOfDefinedDomains(f->conn), ==, 0);
    g_assert_cmpint(virConnectListAllDomains(f->conn, NULL, VIR_CONNECT_LIST_DOMAINS_INACTIVE), ==, 0);
    g_assert_null(virDomainLookupByName(f->conn, "nope"));
    expect_error(VIR_ERR_NO_DOMAIN, "no domain with matching name 'nope'");
    g_assert_null(virDomainLookupByID(f->conn, 77));
    expect_error(VIR_ERR_NO_DOMAIN, "77");
    g_assert_cmpint(virConnectListAllDomains(f->conn, NULL, 1u << 30), ==, -1);
    expect_error(VIR_ERR_INVALID_ARG, "unsupported flags (0x40000000) in function");
}

static void test_life_cycle(Fixture *f, gconstpointer data)
{
    virDomainPtr dom = virDomainDefineXML(f->conn, xml_d1);
    g_assert_nonnull(dom);
    expect_events("d1:0/0 ");
    expect_state(dom, VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_UNKNOWN);
    g_assert_cmpint(virDomainDestroy(dom), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID, "domain is not running");

    g_assert_cmpint(virDomainCreateWithFlags(dom, VIR_DOMAIN_START_PAUSED), ==, 0);
    expect_events("d1:2/0 d1:3/0 ");
    expect_state(dom, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER);
    g_assert_cmpint(virDomainSuspend(dom), ==, -1);
    expect_error(VIR_ERR_INTERNAL_ERROR, "paused already"); /* the code of the reference's test driver */
    expect_events("");
    g_assert_cmpint(virDomainResume(dom), ==, 0);
    expect_events("d1:4/0 ");
    expect_state(dom, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_UNPAUSED);
    g_assert_cmpint(virDomainResume(dom), ==, -1);
    expect_error(VIR_ERR_INTERNAL_ERROR, "domain is already running");
    g_assert_cmpint(virDomainCreate(dom), ==, -1);
    expect_error(VIR_ERR_INTERNAL_ERROR, "already running");
    g_assert_cmpint(virDomainSuspend(dom), ==, 0);
    expect_events("d1:3/0 ");
    g_assert_cmpint(virDomainReset(dom, 0), ==, 0);
    expect_events("");
    expect_state(dom, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER);
    g_assert_cmpint(virDomainReboot(dom, 0), ==, 0);
    expect_state(dom, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
    expect_events("");
    g_assert_cmpint(virDomainDestroy(dom), ==, 0);
    expect_events("d1:5/1 ");
    expect_state(dom, VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_DESTROYED);

    g_assert_cmpint(virDomainCreate(dom), ==, 0);
    expect_events("d1:2/0 ");
    expect_state(dom, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
    g_assert_cmpint(virDomainReboot(dom, 0), ==, 0);
    expect_events("");
    expect_state(dom, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
    g_assert_cmpint(virDomainUndefine(dom), ==, 0);
    expect_events("d1:1/0 ");
    g_assert_cmpint(virDomainIsPersistent(dom), ==, 0);
    g_assert_cmpint(virDomainSuspend(dom), ==, 0);
    expect_events("d1:3/0 ");
    g_assert_cmpint(virDomainShutdown(dom), ==, 0);
    expect_events("d1:5/0 ");
    g_assert_cmpint(virDomainIsActive(dom), ==, -1);
    expect_error(VIR_ERR_NO_DOMAIN, "d1");
    virDomainFree(dom);
}

static char *with(const char *from, const char *to)
{
    g_auto(GStrv) parts = g_strsplit(xml_d1, from, -1);
    return g_strjoinv(to, parts);
}

static void expect_end(virConnectPtr conn, const char *action, int (*call)(virDomainPtr dom), const char *wanted)
{
    g_autofree char *xml = g_strdup_printf("<domain type='test'><name>d3</name><memory>1024</memory><os><type>hvm</type></os>"
                                           "<on_poweroff>%s</on_poweroff><on_reboot>%s</on_reboot></domain>", action, action);
    virDomainPtr dom = virDomainCreateXML(conn, xml, 0);
    expect_events("d3:2/0 ");
    g_assert_cmpint(call(dom), ==, 0);
    expect_events(wanted);
    if (!*wanted) {
        expect_state(dom, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
        virDomainDestroy(dom);
        expect_events("d3:5/1 ");
    }
    virDomainFree(dom);
}

static int reboot(virDomainPtr dom)
{
    return virDomainReboot(dom, 0);
}

/* What comes of a guest that powers off is over when the call returns. */
static void test_actions(Fixture *f, gconstpointer data)
{
    expect_end(f->conn, "destroy", reboot, "d3:5/0 ");
    expect_end(f->conn, "preserve", reboot, "d3:5/0 ");
    expect_end(f->conn, "restart", reboot, "");
    expect_end(f->conn, "destroy", virDomainShutdown, "d3:5/0 ");
    expect_end(f->conn, "rename-restart", virDomainShutdown, "");
}

static void test_conflicts(Fixture *f, gconstpointer data)
{
    virDomainPtr dom = virDomainCreateXML(f->conn, xml_d1, 0);
    g_autofree char *other_name = with("<name>d1", "<name>dX");
    g_autofree char *other_uuid = with("3a57", "3a58");
    g_assert_nonnull(dom);
    expect_events("d1:2/0 ");
    g_assert_null(virDomainCreateXML(f->conn, xml_d1, 0));
    expect_error(VIR_ERR_OPERATION_INVALID, "domain 'd1' is already active");
    g_assert_null(virDomainDefineXML(f->conn, other_name));
    expect_error(VIR_ERR_OPERATION_FAILED, "domain 'd1' is already defined with uuid " UUID_D1);
    g_assert_null(virDomainDefineXML(f->conn, other_uuid));
    expect_error(VIR_ERR_OPERATION_FAILED, "domain 'd1' already exists with uuid " UUID_D1);
    g_assert_cmpint(virDomainUndefine(dom), ==, 0); /* as by the reference's test driver */
    expect_events("d1:1/0 ");
    g_assert_cmpint(virDomainIsActive(dom), ==, 1);

    virDomainPtr defined = virDomainDefineXML(f->conn, xml_d1);
    expect_events("d1:0/0 ");
    virDomainFree(defined);
    defined = virDomainDefineXML(f->conn, xml_d1);
    expect_events("d1:0/1 ");
    virDomainFree(defined);
    g_assert_cmpint(virDomainDestroy(dom), ==, 0);
    g_assert_cmpint(virDomainIsPersistent(dom), ==, 1);
    g_assert_cmpint(virDomainUndefine(dom), ==, 0);
    virDomainFree(dom);
    g_autofree char *slash = with("<name>d1", "<name>a/b");
    g_assert_null(virDomainDefineXML(f->conn, slash));
    expect_error(VIR_ERR_XML_ERROR, "name a/b cannot contain '/'");
    g_assert_null(virDomainDefineXML(f->conn, "<domain type='kvm'><name>k</name><memory>1</memory>"
                                              "<os><type>hvm</type></os></domain>"));
    g_assert_null(virDomainLookupByName(f->conn, "k"));
}

static void test_rename(Fixture *f, gconstpointer data)
{
    virDomainPtr dom = virDomainDefineXML(f->conn, xml_d1);
    expect_events("d1:0/0 ");
    g_assert_cmpint(virDomainRename(dom, "d1", 0), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID, "itself");
    g_assert_cmpint(virDomainRename(dom, NULL, 0), ==, -1);
    expect_error(VIR_ERR_INVALID_ARG, "must not be ");
    g_assert_cmpint(virDomainRename(dom, "", 0), ==, -1);
    expect_error(VIR_ERR_INVALID_ARG, "must not be ");
    g_assert_cmpint(virDomainRename(dom, "a/b", 0), ==, -1);
    expect_error(VIR_ERR_XML_ERROR, "cannot contain '/'");
    g_assert_cmpint(virDomainRename(dom, "test", 0), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID, "already exists");
    g_assert_cmpint(virDomainRename(dom, "d2", 0), ==, 0);
    expect_events("d1:1/1 d2:0/2 ");
    virDomainPtr found = virDomainLookupByName(f->conn, "d2");
    g_assert_nonnull(found);
    virDomainFree(found);
    g_assert_null(virDomainLookupByName(f->conn, "d1"));
    g_autofree char *xml = virDomainGetXMLDesc(dom, 0);
    g_assert_nonnull(strstr(xml, "<name>d2</name>"));
    g_assert_cmpint(virDomainCreate(dom), ==, 0);
    g_assert_cmpint(virDomainRename(dom, "d3", 0), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID, "cannot rename active domain");
    virDomainDestroy(dom);
    virDomainUndefine(dom);
    virDomainFree(dom);
}

static void test_memory_and_vcpus(Fixture *f, gconstpointer data)
{
    virDomainPtr dom = virDomainDefineXML(f->conn, xml_d1);
    virDomainInfo info;
    g_assert_cmpint(virDomainSetMemory(dom, 1000), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID, "domain is not running");
    g_assert_cmpint(virDomainCreate(dom), ==, 0);
    g_assert_cmpint(virDomainSetMemoryFlags(dom, 16384, VIR_DOMAIN_AFFECT_LIVE), ==, 0);
    g_assert_cmpint(virDomainSetMemoryFlags(dom, 65536, VIR_DOMAIN_AFFECT_LIVE), ==, -1);
    expect_error(VIR_ERR_INVALID_ARG, "cannot set memory higher than max memory");
    g_assert_cmpint(virDomainSetMemoryFlags(dom, 65536, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_MEM_MAXIMUM), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID, "cannot resize the maximum memory on an active domain");
    g_assert_cmpint(virDomainSetMemoryFlags(dom, 65536, VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_MEM_MAXIMUM), ==, 0);
    g_assert_cmpint(virDomainGetInfo(dom, &info), ==, 0);
    g_assert_cmpint(info.maxMem, ==, 32768);
    g_assert_cmpint(info.memory, ==, 16384);
    g_assert_cmpint(virDomainSetVcpusFlags(dom, 2, VIR_DOMAIN_AFFECT_CONFIG), ==, -1);
    expect_error(VIR_ERR_INVALID_ARG, "for the persistent domain: 2 > 1");
    g_assert_cmpint(virDomainSetVcpusFlags(dom, 2, VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_VCPU_MAXIMUM), ==, 0);
    g_assert_cmpint(virDomainSetVcpus(dom, 2), ==, -1);
    expect_error(VIR_ERR_INVALID_ARG, "for the live domain: 2 > 1");
    g_assert_cmpint(virDomainGetVcpusFlags(dom, VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_VCPU_MAXIMUM), ==, 2);
    g_assert_cmpint(virDomainGetVcpusFlags(dom, VIR_DOMAIN_AFFECT_CONFIG), ==, 1);
    g_assert_cmpint(virDomainGetVcpusFlags(dom, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_VCPU_MAXIMUM), ==, 1);
    g_assert_cmpint(virDomainDestroy(dom), ==, 0);
    g_assert_cmpint(virDomainGetInfo(dom, &info), ==, 0);
    g_assert_cmpint(info.maxMem, ==, 65536);
    g_assert_cmpint(info.memory, ==, 32768);
    virDomainUndefine(dom);
    virDomainFree(dom);
}

static void test_metadata(Fixture *f, gconstpointer data)
{
    virDomainPtr dom = virDomainDefineXML(f->conn, xml_d1);
    expect_events("d1:0/0 ");
    g_assert_null(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "http://a.b/", 0));
    expect_error(VIR_ERR_NO_DOMAIN_METADATA, "Requested metadata element is not present");
    g_assert_cmpint(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, "hello", NULL, NULL, 0), ==, 0);
    expect_events("d1:metadata/1/- ");
    g_assert_cmpint(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "<q><r/></q>", "z", "http://a.b/", 0), ==, 0);
    expect_events("d1:metadata/2/http://a.b/ ");
    g_autofree char *element = virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "http://a.b/", 0);
    g_assert_cmpstr(element, ==, "<q>\n  <r/>\n</q>");
    g_autofree char *xml = virDomainGetXMLDesc(dom, 0);
    g_assert_nonnull(strstr(xml, "  <metadata>\n    <z:q xmlns:z=\"http://a.b/\">\n      <z:r/>\n    </z:q>\n  </metadata>\n"));
    g_autofree char *title = virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, NULL, 0);
    g_assert_cmpstr(title, ==, "hello");
    g_assert_cmpint(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, NULL, NULL, "http://a.b/", 0), ==, 0);
    g_assert_null(virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "http://a.b/", 0));
    g_assert_cmpint(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "<q>", "z", "http://a.b/", 0), ==, -1);
    g_assert_cmpint(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, "two\nlines", NULL, NULL, 0), ==, -1);
    virDomainUndefine(dom);
    virDomainFree(dom);
}

static void test_autodestroy(Fixture *f, gconstpointer data)
{
    virConnectPtr other = virConnectOpen("test:///default");
    virDomainPtr dom = virDomainCreateXML(other, xml_d1, VIR_DOMAIN_START_AUTODESTROY);
    g_assert_nonnull(dom);
    virDomainFree(dom);
    expect_events("d1:2/0 ");
    g_assert_cmpint(virConnectClose(other), ==, 0);
    expect_events("d1:5/1 ");
    g_assert_null(virDomainLookupByName(f->conn, "d1"));
}

static void test_stats(Fixture *f, gconstpointer data)
{
    virDomainStatsRecordPtr *records;
    unsigned long long value;
    const char *name;
    g_assert_cmpint(virConnectGetAllDomainStats(f->conn, 0, &records, 0), ==, 1);
    g_assert_cmpint(virTypedParamsGetULLong(records[0]->params, records[0]->nparams, "balloon.current", &value), ==, 1);
    g_assert_cmpint(value, ==, 2097152);
    g_assert_cmpint(virTypedParamsGetString(records[0]->params, records[0]->nparams, "block.0.name", &name), ==, 1);
    g_assert_cmpstr(name, ==, "vda");
    g_assert_null(virTypedParamsGet(records[0]->params, records[0]->nparams, "stats.age"));
    virDomainStatsRecordListFree(records);
    g_assert_cmpint(virConnectGetAllDomainStats(f->conn, 1u << 29, &records,
                                                VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS), ==, -1);
    expect_error(VIR_ERR_ARGUMENT_UNSUPPORTED, "0x20000000");
    virDomainPtr dom = virDomainLookupByName(f->conn, "test");
    virDomainBlockStatsStruct block;
    virDomainInterfaceStatsStruct net;
    g_assert_cmpint(virDomainBlockStats(dom, "vda", &block, sizeof(block)), ==, 0);
    g_assert_cmpint(block.rd_req, ==, 0);
    g_assert_cmpint(block.errs, ==, -1);
    g_assert_cmpint(virDomainBlockStats(dom, "vdz", &block, sizeof(block)), ==, -1);
    g_assert_cmpint(virDomainInterfaceStats(dom, "testnet0", &net, sizeof(net)), ==, 0);
    virDomainFree(dom);
}

static void test_no_support(Fixture *f, gconstpointer data)
{
    virDomainPtr dom = virDomainLookupByName(f->conn, "test");
    g_assert_cmpint(virDomainOpenGraphicsFD(dom, 0, 0), ==, -1);
    expect_error(VIR_ERR_NO_SUPPORT, "virDomainOpenGraphicsFD");
    virDomainFree(dom);
}

static void keep_silent(void *opaque, virErrorPtr err)
{
}

typedef struct Race { virConnectPtr conn; gint over; } Race;

static gpointer come_and_go(gpointer opaque)
{
    Race *race = opaque;
    while (!g_atomic_int_get(&race->over)) {
        virDomainPtr dom = virDomainCreateXML(race->conn, xml_d1, 0);
        if (!dom)
            continue; /* it is defined just now */
        virDomainDestroy(dom);
        virDomainFree(dom);
    }
    return NULL;
}

/* What is defined while a transient run of the same domain ends is there afterwards. */
static void test_defined_at_the_end(Fixture *f, gconstpointer data)
{
    Race race = { f->conn, 0 };
    GThread *thread = g_thread_new("race", come_and_go, &race);
    for (int i = 0; i < 5000; i++) {
        virDomainPtr dom = virDomainDefineXML(f->conn, xml_d1);
        g_assert_nonnull(dom);
        virDomainPtr found = virDomainLookupByUUIDString(f->conn, UUID_D1);
        g_assert_nonnull(found);
        virDomainFree(found);
        g_assert_cmpint(virDomainUndefine(dom), ==, 0);
        virDomainFree(dom);
    }
    g_atomic_int_set(&race.over, 1);
    g_thread_join(thread);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    virSetErrorFunc(NULL, keep_silent);
    virEventRegisterDefaultImpl();
    events = g_string_new(NULL);
#define ADD(path, fn) g_test_add("/domain/" path, Fixture, NULL, setup, fn, teardown)
    ADD("default-node", test_default_node);
    ADD("life-cycle", test_life_cycle);
    ADD("actions", test_actions);
    ADD("conflicts", test_conflicts);
    ADD("rename", test_rename);
    ADD("memory-and-vcpus", test_memory_and_vcpus);
    ADD("metadata", test_metadata);
    ADD("autodestroy", test_autodestroy);
    ADD("stats", test_stats);
    ADD("no-support", test_no_support);
    ADD("defined-at-the-end", test_defined_at_the_end);
    int rc = g_test_run();
    g_string_free(events, TRUE);
    event_default_free();
    return rc;
}
