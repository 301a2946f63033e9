/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Changes that a guest has to follow: one that refuses, one that takes its time, one that can't at all.
 */
#include "fake_backend.h"
#include "domain/devices.h"
#include "domain/params.h"

typedef struct Fixture { char *root; FakeHost *f; virDomainPtr dom; } Fixture;

static gboolean refuse;      /* the guest doesn't follow */
static gboolean talkative;   /* the guest tells of its devices while it follows */
static char *asked;          /* alias of the device whose removal was asked for */
static Guest *asked_of;

static int answer(void)
{
    if (!refuse)
        return 0;
    error_report(VIR_FROM_NONE, VIR_ERR_OPERATION_FAILED, "fake: not today");
    return -1;
}

static int attach(Guest *guest, DomainDef *def, const char *kind, void *device)
{
    device_name(def, kind, device);
    return answer();
}

static int detach(Guest *guest, DomainDef *def, const char *kind, void *device)
{
    g_free(asked);
    asked = g_strdup(domain_device_info(kind, device)->alias);
    asked_of = guest;
    return answer();
}

static int update(Guest *guest, DomainDef *def, const char *kind, void *device, const void *old, gboolean force)
{
    return answer();
}

static int set_params(Guest *guest, DomainDef *def, const ParamChange *change)
{
    if (talkative) {
        guest_upcall_balloon(guest, 10000);
        guest_upcall_device_deleted(guest, "rng0");
        guest_upcall_channel(guest, TRUE, "channel0");
        guest_upcall_balloon(guest, 12345);
    }
    return answer();
}

static void setup(Fixture *x, gconstpointer with_hooks)
{
    refuse = talkative = FALSE;
    fake_backend.attach = with_hooks ? attach : NULL;
    fake_backend.detach = with_hooks ? detach : NULL;
    fake_backend.update = with_hooks ? update : NULL;
    fake_backend.set_params = with_hooks ? set_params : NULL;
    x->root = g_dir_make_tmp("domain-devices-XXXXXX", NULL);
    x->f = fake_host_new(x->root);
    x->dom = fake_define(x->f, "d", 1);
    g_assert_nonnull(x->dom);
    g_assert_cmpint(x->f->table.domain_create(x->dom), ==, 0);
}

static void teardown(Fixture *x, gconstpointer with_hooks)
{
    const char *const argv[] = { "rm", "-rf", x->root, NULL };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_auto(ProcessOutput) out = { 0 };
    g_assert_cmpint(x->f->table.domain_destroy(x->dom), ==, 0);
    object_unref(x->dom);
    fake_host_free(x->f);
    spec.argv = argv;
    g_assert_cmpint(process_run_checked(&spec, NULL, 0, 4096, 20000, &out), ==, 0);
    g_free(x->root);
    g_clear_pointer(&asked, g_free);
}

static gboolean says(Fixture *x, const char *text, unsigned int flags)
{
    g_autofree char *xml = x->f->table.domain_get_xml_desc(x->dom, flags);
    return strstr(xml, text) != NULL;
}

#define RNG(path) "<rng model='virtio'><backend model='random'>" path "</backend></rng>"
#define BOTH (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

static void expect(int rc, int code)
{
    g_assert_cmpint(rc, ==, code ? -1 : 0);
    if (code)
        g_assert_cmpint(error_code(), ==, code);
}

static void test_refused(Fixture *x, gconstpointer with_hooks)
{
    HypervisorDriver *t = &x->f->table;
    virTypedParameter hard = { .field = VIR_DOMAIN_MEMORY_HARD_LIMIT, .type = VIR_TYPED_PARAM_ULLONG, .value.ul = 4096 };
    refuse = TRUE;
    expect(t->domain_attach_device_flags(x->dom, RNG("/dev/r"), BOTH), VIR_ERR_OPERATION_FAILED);
    g_assert_false(says(x, "/dev/r", 0));
    g_assert_false(says(x, "/dev/r", VIR_DOMAIN_XML_INACTIVE));
    expect(t->domain_set_memory_parameters(x->dom, &hard, 1, BOTH), VIR_ERR_OPERATION_FAILED);
    g_assert_false(says(x, "hard_limit", 0));
    g_assert_false(says(x, "hard_limit", VIR_DOMAIN_XML_INACTIVE));
    refuse = FALSE;
    expect(t->domain_attach_device_flags(x->dom, RNG("/dev/r"), BOTH), 0);
    expect(t->domain_set_memory_parameters(x->dom, &hard, 1, BOTH), 0);
    g_assert_true(says(x, "/dev/r", 0) && says(x, "/dev/r", VIR_DOMAIN_XML_INACTIVE));
    g_assert_true(says(x, "hard_limit", 0) && says(x, "hard_limit", VIR_DOMAIN_XML_INACTIVE));
    refuse = TRUE;
    expect(t->domain_detach_device_flags(x->dom, RNG("/dev/r"), BOTH), VIR_ERR_OPERATION_FAILED);
    g_assert_true(says(x, "/dev/r", 0) && says(x, "/dev/r", VIR_DOMAIN_XML_INACTIVE));
}

/* A device is there until the guest says that it let go. */
static void test_slow(Fixture *x, gconstpointer with_hooks)
{
    HypervisorDriver *t = &x->f->table;
    expect(t->domain_attach_device(x->dom, RNG("/dev/r")), 0);
    g_assert_true(says(x, "<alias name='rng0'/>", 0));
    expect(t->domain_attach_device(x->dom, RNG("/dev/s")), 0);
    g_assert_true(says(x, "<alias name='rng1'/>", 0));
    expect(t->domain_detach_device(x->dom, RNG("/dev/r")), 0);
    g_assert_cmpstr(asked, ==, "rng0");
    g_assert_true(says(x, "/dev/r", 0));
    guest_upcall_device_deleted(asked_of, asked);
    g_assert_false(says(x, "/dev/r", 0));
    g_assert_true(says(x, "/dev/s", 0));
    guest_upcall_device_deleted(asked_of, "rng7"); /* unknown here: nothing happens */
    expect(t->domain_detach_device_alias(x->dom, "rng1", VIR_DOMAIN_AFFECT_LIVE), 0);
    g_assert_cmpstr(asked, ==, "rng1");
}

/* What the guest tells while a change goes on isn't lost when the edited definition is published. */
static void test_told_meanwhile(Fixture *x, gconstpointer with_hooks)
{
    HypervisorDriver *t = &x->f->table;
    virTypedParameter hard = { .field = VIR_DOMAIN_MEMORY_HARD_LIMIT, .type = VIR_TYPED_PARAM_ULLONG, .value.ul = 4096 };
    static const char *const channel = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>";
    expect(t->domain_attach_device(x->dom, RNG("/dev/r")), 0);
    expect(t->domain_attach_device(x->dom, RNG("/dev/s")), 0);
    expect(t->domain_attach_device(x->dom, channel), 0);
    g_assert_true(says(x, "<alias name='channel0'/>", 0) && !says(x, "state='connected'", 0));
    talkative = TRUE;
    expect(t->domain_set_memory_parameters(x->dom, &hard, 1, VIR_DOMAIN_AFFECT_LIVE), 0);
    g_assert_true(says(x, "<hard_limit unit='KiB'>4096<", 0));
    g_assert_true(says(x, "<currentMemory unit='KiB'>12345<", 0));
    g_assert_true(says(x, "state='connected'", 0));
    g_assert_true(!says(x, "/dev/r", 0) && says(x, "/dev/s", 0));
    talkative = FALSE; /* it was told once: a device of that name may come again */
    expect(t->domain_attach_device(x->dom, RNG("/dev/t")), 0);
    g_assert_true(says(x, "<alias name='rng0'/>", 0) && says(x, "/dev/t", 0));
    expect(t->domain_set_memory_parameters(x->dom, &hard, 1, VIR_DOMAIN_AFFECT_LIVE), 0);
    g_assert_true(says(x, "/dev/t", 0));
}

static void test_unable(Fixture *x, gconstpointer with_hooks)
{
    HypervisorDriver *t = &x->f->table;
    virTypedParameter hard = { .field = VIR_DOMAIN_MEMORY_HARD_LIMIT, .type = VIR_TYPED_PARAM_ULLONG, .value.ul = 4096 };
    expect(t->domain_attach_device(x->dom, RNG("/dev/r")), VIR_ERR_NO_SUPPORT);
    expect(t->domain_attach_device_flags(x->dom, RNG("/dev/r"), BOTH), VIR_ERR_NO_SUPPORT);
    g_assert_false(says(x, "/dev/r", VIR_DOMAIN_XML_INACTIVE));
    expect(t->domain_set_memory_parameters(x->dom, &hard, 1, VIR_DOMAIN_AFFECT_LIVE), VIR_ERR_NO_SUPPORT);
    expect(t->domain_add_iothread(x->dom, 3, VIR_DOMAIN_AFFECT_LIVE), VIR_ERR_NO_SUPPORT);
    expect(t->domain_attach_device_flags(x->dom, RNG("/dev/r"), VIR_DOMAIN_AFFECT_CONFIG), 0);
    expect(t->domain_set_memory_parameters(x->dom, &hard, 1, VIR_DOMAIN_AFFECT_CONFIG), 0);
    g_assert_true(says(x, "/dev/r", VIR_DOMAIN_XML_INACTIVE) && !says(x, "/dev/r", 0));
}

static void test_covers(void)
{
    static const char *const there = "<input type='tablet' bus='usb'><alias name='ua-x'/></input>";
    static const struct { const char *wanted; gboolean covered; } cases[] = {
        { "<input type='tablet' bus='usb'/>", TRUE }, { "<input type='tablet'/>", TRUE },
        { "<input type='mouse' bus='usb'/>", FALSE }, { "<input type='tablet'><alias name='ua-x'/></input>", TRUE },
        { "<input type='tablet'><alias name='ua-y'/></input>", FALSE },
        { "<input type='tablet'><address type='usb' bus='0' port='1'/></input>", FALSE },
    };
    g_autoptr(DomainDevice) device = domain_device_parse(there, strlen(there), 0, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DomainDevice) wanted = domain_device_parse(cases[i].wanted, strlen(cases[i].wanted), 0, NULL);
        g_assert_nonnull(wanted);
        g_assert_cmpint(xml_covers(device->desc, wanted->device, device->device), ==, cases[i].covered);
    }
}

int main(int argc, char **argv)
{
    static int hooks;
    g_test_init(&argc, &argv, NULL);
    g_test_add("/devices/refused", Fixture, &hooks, setup, test_refused, teardown);
    g_test_add("/devices/slow", Fixture, &hooks, setup, test_slow, teardown);
    g_test_add("/devices/told-meanwhile", Fixture, &hooks, setup, test_told_meanwhile, teardown);
    g_test_add("/devices/unable", Fixture, NULL, setup, test_unable, teardown);
    g_test_add_func("/devices/covers", test_covers);
    return g_test_run();
}
