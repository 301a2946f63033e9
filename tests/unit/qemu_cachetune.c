/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Groups and monitors of a guest's vCPUs, up to the statistics, in a tree that stands for the kernel's.
 */
#include <libvirt/virterror.h>
#include "base/error.h"
#include "domain/stats_format.h"
#include "drivers/qemu/cachetune.h"
#include "model/domain.h"
#include "resctrl_tree.h"

#define GROUP "/qemu-7-web-vcpus_"

static DomainDef *make_def(void)
{
    const char *xml =
        "<domain type='kvm'><name>web</name><memory>1024</memory><vcpu>4</vcpu><os><type>hvm</type></os><cputune>"
        "<cachetune vcpus='0-1'><cache id='0' level='3' type='both' size='2' unit='MiB'/><monitor level='3' vcpus='0-1'/>"
        "<monitor level='3' vcpus='1'/></cachetune>"
        "<memorytune vcpus='0-1'><node id='1' bandwidth='50'/><monitor vcpus='1'/></memorytune>"
        "<cachetune vcpus='3'><monitor level='3' vcpus='3'/></cachetune></cputune></domain>";
    DomainDef *def = domain_def_parse(xml, strlen(xml), 0, NULL);

    g_assert_nonnull(def);
    return def;
}

static void guest_begin(Guest *guest, QemuGuest *qemu, const int *tids, guint n)
{
    g_mutex_init(&qemu->lock);
    qemu->vcpu_tids = g_array_new(FALSE, TRUE, sizeof(int));
    g_array_append_vals(qemu->vcpu_tids, tids, n);
    guest->name = (char *)"web";
    guest->id = 7;
    guest->priv = qemu;
}

static void guest_end(QemuGuest *qemu)
{
    g_clear_pointer(&qemu->monitors, g_ptr_array_unref);
    g_array_unref(qemu->vcpu_tids);
    g_mutex_clear(&qemu->lock);
}

/* What both groups of statistics say, as "name=value" lines without those of CPU time. */
static char *statistics(Guest *guest)
{
    g_autoptr(GuestStats) stats = guest_stats_new(GUEST_STATS_CPU | GUEST_STATS_MEMORY);
    StatsSource source = { .host = stats, .age_ms = -1 };
    TypedList list = { NULL };
    int n = 0;
    g_autoptr(GString) text = g_string_new(NULL);

    qemu_guest_cachetune_read(guest, stats->groups, stats);
    stats_format(&list, VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_MEMORY, &source);
    virTypedParameterPtr params = typed_list_steal(&list, &n);
    for (int i = 0; i < n; i++) {
        if (params[i].type == VIR_TYPED_PARAM_STRING)
            g_string_append_printf(text, "%s=%s\n", params[i].field, params[i].value.s);
        else
            g_string_append_printf(text, "%s=%llu\n", params[i].field,
                                   params[i].type == VIR_TYPED_PARAM_UINT ? params[i].value.ui : params[i].value.ul);
    }
    virTypedParamsFree(params, n);
    return g_strdup(text->str);
}

static void fill_usage(void)
{
    put(TREE GROUP "0-1/mon_data/mon_L3_00/llc_occupancy", "300\n");
    put(TREE GROUP "0-1/mon_groups/vcpus_1/mon_data/mon_L3_00/llc_occupancy", "100\n");
    put(TREE GROUP "0-1/mon_groups/vcpus_1/mon_data/mon_L3_00/mbm_local_bytes", "7\n");
    put(TREE GROUP "0-1/mon_groups/vcpus_1/mon_data/mon_L3_00/mbm_total_bytes", "9\n");
    put(TREE GROUP "0-1/mon_groups/vcpus_1/mon_data/mon_L3_01/llc_occupancy", "Unavailable\n");
    put(TREE GROUP "0-1/mon_groups/vcpus_1/mon_data/mon_L3_01/mbm_local_bytes", "0\n");
    put(TREE GROUP "0-1/mon_groups/vcpus_1/mon_data/mon_L3_01/mbm_total_bytes", "Error\n");
}

static const char wanted[] =
    "cpu.cache.monitor.count=3\n"
    "cpu.cache.monitor.0.name=vcpus_0-1\ncpu.cache.monitor.0.vcpus=0-1\ncpu.cache.monitor.0.bank.count=1\n"
    "cpu.cache.monitor.0.bank.0.id=0\ncpu.cache.monitor.0.bank.0.bytes=300\n"
    "cpu.cache.monitor.1.name=vcpus_1\ncpu.cache.monitor.1.vcpus=1\ncpu.cache.monitor.1.bank.count=2\n"
    "cpu.cache.monitor.1.bank.0.id=0\ncpu.cache.monitor.1.bank.0.bytes=100\ncpu.cache.monitor.1.bank.1.id=1\n"
    "cpu.cache.monitor.2.name=vcpus_3\ncpu.cache.monitor.2.vcpus=3\ncpu.cache.monitor.2.bank.count=0\n"
    "memory.bandwidth.monitor.count=1\n"
    "memory.bandwidth.monitor.0.name=vcpus_1\nmemory.bandwidth.monitor.0.vcpus=1\nmemory.bandwidth.monitor.0.node.count=2\n"
    "memory.bandwidth.monitor.0.node.0.id=0\nmemory.bandwidth.monitor.0.node.0.bytes.local=7\n"
    "memory.bandwidth.monitor.0.node.0.bytes.total=9\n"
    "memory.bandwidth.monitor.0.node.1.id=1\nmemory.bandwidth.monitor.0.node.1.bytes.local=0\n";

static void test_run(void)
{
    g_autoptr(DomainDef) def = make_def();
    QemuGuest qemu = { 0 }, later = { 0 };
    Guest guest = { 0 }, again = { 0 };
    g_autofree char *found = NULL, *afterwards = NULL;

    guest_begin(&guest, &qemu, (const int[]) { 40, 41, 42 }, 3);
    g_assert_cmpint(qemu_guest_cachetune_make(&guest, def), ==, 0);
    g_assert_cmpint(qemu_guest_cachetune_enter(&guest, def), ==, 0);
    assert_text(TREE GROUP "0-1/tasks", "40\n41\n");
    assert_text(TREE GROUP "0-1/mon_groups/vcpus_1/tasks", "41\n");
    assert_text(TREE GROUP "3/tasks", "");
    assert_text(TREE GROUP "3/schemata", "MB:0=100;1=100\nL3:0=ff00;1=fffe\n");

    /* A vCPU that is plugged in enters its group. */
    g_array_append_vals(qemu.vcpu_tids, (const int[]) { 43 }, 1);
    g_assert_cmpint(qemu_guest_cachetune_enter(&guest, def), ==, 0);
    assert_text(TREE GROUP "3/tasks", "43\n");

    fill_usage();
    found = statistics(&guest);
    g_assert_cmpstr(found, ==, wanted);

    /* Another daemon, the same guest. */
    guest_begin(&again, &later, (const int[]) { 40, 41, 42, 43 }, 4);
    qemu_guest_cachetune_note(&again, def);
    afterwards = statistics(&again);
    g_assert_cmpstr(afterwards, ==, wanted);
    qemu_guest_cachetune_remove(&again, def);
    assert_text(TREE GROUP "0-1/mon_groups/vcpus_1/tasks", NULL);
    assert_text(TREE GROUP "3/tasks", NULL);
    guest_end(&later);
    guest_end(&qemu);
}

static void test_nothing(void)
{
    g_autoptr(DomainDef) def = make_def();
    QemuGuest qemu = { 0 };
    Guest guest = { 0 };
    g_autofree char *found = NULL;

    guest_begin(&guest, &qemu, (const int[]) { 40 }, 1);
    found = statistics(&guest);
    g_assert_cmpstr(found, ==, "cpu.cache.monitor.count=0\n");
    no_more_groups = TRUE;
    g_assert_cmpint(qemu_guest_cachetune_make(&guest, def), ==, -1);
    assert_error(VIR_ERR_OPERATION_FAILED, "no more groups");
    no_more_groups = FALSE;
    assert_text(TREE GROUP "0-1/tasks", NULL);
    guest_end(&qemu);
}

/* What this host can't do is refused before the start. */
static void test_check(void)
{
    g_autoptr(DomainDef) def = make_def();

    g_assert_cmpint(qemu_check_cachetune(def), ==, -1);
    assert_error(VIR_ERR_CONFIG_UNSUPPORTED, "'llc_occupancy' is not in");
    put(TREE "/info/L3_MON/mon_features", "llc_occupancy\n");
    g_assert_cmpint(qemu_check_cachetune(def), ==, -1);
    assert_error(VIR_ERR_CONFIG_UNSUPPORTED, "'mbm_total_bytes' is not in");
    put(TREE "/info/L3_MON/mon_features", "llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n");
    g_assert_cmpint(qemu_check_cachetune(def), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    tree_begin();
    make_host();
    g_test_add_func("/cachetune/run", test_run);
    g_test_add_func("/cachetune/nothing", test_nothing);
    g_test_add_func("/cachetune/check", test_check);
    int rc = g_test_run();

    tree_end();
    return rc;
}
