/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parts of caches and of bandwidth.
 */
#include <libvirt/virterror.h>
#include <sys/file.h>
#include "base/error.h"
#include "core/host/resctrl.h"
#include "resctrl_tree.h"

static void test_without(void)
{
    const ResctrlPart part = { "L3", 3, 0, 2048 };

    g_assert_cmpint(resctrl_check(&part, 1), ==, -1);
    assert_error(VIR_ERR_CONFIG_UNSUPPORTED, "mount -t resctrl resctrl /sys/fs/resctrl");
}

static void test_check(void)
{
    const struct {
        ResctrlPart part;
        const char *error;
    } cases[] = {
        { { "L3", 3, 0, 2048 }, NULL }, { { "L3", 3, 1, 16384 }, NULL }, { { "MB", 0, 1, 50 }, NULL },
        { { "L3", 3, 0, 1024 }, "from 2048 to 16384 KiB" }, { { "L3", 3, 0, 2500 }, "pieces of 1024 KiB" },
        { { "L3", 3, 0, 32768 }, "from 2048 to 16384 KiB" }, { { "L3", 3, 2, 2048 }, "no number 2" },
        { { "L3CODE", 3, 0, 2048 }, "'L3CODE'" }, { { "MB", 0, 0, 5 }, "from 10 to 100" }, { { "MB", 0, 0, 25 }, "steps of 10" },
        { { "L3", 3, 0, 0 }, "0 KiB" },
    };

    make_host();
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        int rc = resctrl_check(&cases[i].part, 1);

        g_assert_cmpint(rc, ==, cases[i].error ? -1 : 0);
        if (rc < 0)
            assert_error(VIR_ERR_CONFIG_UNSUPPORTED, cases[i].error);
    }
}

static void test_groups(void)
{
    const ResctrlPart two[] = { { "L3", 3, 0, 2048 }, { "MB", 0, 1, 50 } }, six = { "L3", 3, 0, 6144 }, last = { "L3", 3, 1, 2048 };

    make_host();
    g_assert_cmpint(resctrl_make("qemu-1-a-vcpus_0", two, 2), ==, 0);
    assert_text(TREE "/qemu-1-a-vcpus_0/schemata", "MB:0=100;1=100\nL3:0=ff00;1=fffe\nL3:0=3\nMB:1=50\n");
    g_assert_cmpint(resctrl_enter("qemu-1-a-vcpus_0", 41), ==, 0);
    g_assert_cmpint(resctrl_enter("qemu-1-a-vcpus_0", 42), ==, 0);
    assert_text(TREE "/qemu-1-a-vcpus_0/tasks", "41\n42\n");

    /* What the kernel would show now. One that is there stays. */
    put(TREE "/qemu-1-a-vcpus_0/schemata", "    MB:0=100;1= 50\n    L3:0=0003;1=fffe\n");
    g_assert_cmpint(resctrl_make("qemu-1-a-vcpus_0", &six, 1), ==, 0);
    assert_text(TREE "/qemu-1-a-vcpus_0/schemata", "    MB:0=100;1= 50\n    L3:0=0003;1=fffe\n");

    /* Beside it, and then nothing is left. */
    g_assert_cmpint(resctrl_make("qemu-2-b-vcpus_0-1", &six, 1), ==, 0);
    assert_text(TREE "/qemu-2-b-vcpus_0-1/schemata", "MB:0=100;1=100\nL3:0=ff00;1=fffe\nL3:0=fc\n");
    put(TREE "/qemu-2-b-vcpus_0-1/schemata", "    MB:0=100;1=100\n    L3:0=00fc;1=fffe\n");
    g_assert_cmpint(resctrl_make("qemu-3-c-vcpus_0", two, 2), ==, -1);
    assert_error(VIR_ERR_OPERATION_FAILED, "no 2048 KiB side by side of cache 0");
    g_assert_cmpint(resctrl_make("qemu-3-c-vcpus_0", &last, 1), ==, -1);
    assert_error(VIR_ERR_OPERATION_FAILED, "of cache 1 of level 3 are free");
    assert_text(TREE "/qemu-3-c-vcpus_0/schemata", NULL);

    /* One goes with what it had. */
    resctrl_remove("qemu-1-a-");
    assert_text(TREE "/qemu-1-a-vcpus_0/tasks", NULL);
    g_assert_cmpint(resctrl_make("qemu-3-c-vcpus_0", two, 2), ==, 0);
    assert_text(TREE "/qemu-2-b-vcpus_0-1/tasks", "");
    resctrl_remove("qemu-");
    assert_text(TREE "/qemu-3-c-vcpus_0/tasks", NULL);
    assert_text(TREE "/tasks", "1\n");
}

static void test_failures(void)
{
    const ResctrlPart part = { "L3", 3, 0, 2048 };
    g_autofree char *group = place(TREE "/qemu-1-a-x"), *tree = place(TREE);
    int other = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    make_host();
    no_more_groups = TRUE;
    g_assert_cmpint(resctrl_make("qemu-1-a-x", &part, 1), ==, -1);
    assert_error(VIR_ERR_OPERATION_FAILED, "no more groups");
    no_more_groups = FALSE;
    schemata_fail = TRUE;
    g_assert_cmpint(resctrl_make("qemu-1-a-x", &part, 1), ==, -1);
    assert_error(VIR_ERR_SYSTEM_ERROR, "cannot write 'MB:0=100;1=100'");
    g_assert_cmpint(access(group, F_OK), ==, -1);
    schemata_fail = FALSE;
    g_assert_cmpint(resctrl_make("../a", &part, 1), ==, -1);
    virResetLastError();
    g_assert_cmpint(resctrl_enter("qemu-9-gone", 1), ==, -1);
    assert_error(VIR_ERR_SYSTEM_ERROR, "cannot put thread 1");

    /* Whoever holds the lock for ever keeps nobody waiting for ever. */
    g_assert_cmpint(flock(other, LOCK_EX), ==, 0);
    g_assert_cmpint(resctrl_make("qemu-1-a-x", &part, 1), ==, -1);
    assert_error(VIR_ERR_OPERATION_TIMEOUT, "keeps '");
    close(other);
}

static void test_monitors(void)
{
    const ResctrlPart part = { "L3", 3, 0, 2048 };
    g_autofree char *group = resctrl_monitor_group("qemu-1-a-vcpus_0-1", "vcpus_0");

    make_host();
    g_assert_cmpint(resctrl_check_monitors(FALSE, FALSE), ==, 0);
    g_assert_cmpint(resctrl_check_monitors(TRUE, FALSE), ==, -1);
    assert_error(VIR_ERR_CONFIG_UNSUPPORTED, "'llc_occupancy' is not in");
    put(TREE "/info/L3_MON/mon_features", "llc_occupancy\nmbm_total_bytes\nmbm_total_bytes_config\n");
    g_assert_cmpint(resctrl_check_monitors(TRUE, FALSE), ==, 0);
    g_assert_cmpint(resctrl_check_monitors(TRUE, TRUE), ==, -1);
    assert_error(VIR_ERR_CONFIG_UNSUPPORTED, "'mbm_local_bytes' is not in");
    put(TREE "/info/L3_MON/mon_features", "llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n");
    g_assert_cmpint(resctrl_check_monitors(TRUE, TRUE), ==, 0);

    /* A part of a group; again is as good. */
    g_assert_cmpint(resctrl_make("qemu-1-a-vcpus_0-1", &part, 1), ==, 0);
    g_assert_cmpint(resctrl_make_monitor("qemu-1-a-vcpus_0-1", "vcpus_0"), ==, 0);
    g_assert_cmpint(resctrl_enter("qemu-1-a-vcpus_0-1", 41), ==, 0);
    g_assert_cmpint(resctrl_enter(group, 41), ==, 0);
    g_assert_cmpint(resctrl_make_monitor("qemu-1-a-vcpus_0-1", "vcpus_0"), ==, 0);
    assert_text(TREE "/qemu-1-a-vcpus_0-1/mon_groups/vcpus_0/tasks", "41\n");
    no_more_groups = TRUE;
    g_assert_cmpint(resctrl_make_monitor("qemu-1-a-vcpus_0-1", "vcpus_1"), ==, -1);
    assert_error(VIR_ERR_OPERATION_FAILED, "num_rmids");
    no_more_groups = FALSE;
    g_assert_cmpint(resctrl_make_monitor("qemu-1-a-vcpus_0-1", "../../x"), ==, -1);
    virResetLastError();
    g_assert_cmpint(resctrl_make_monitor("qemu-9-gone", "vcpus_1"), ==, -1);
    assert_error(VIR_ERR_SYSTEM_ERROR, "cannot make the group");

    resctrl_remove("qemu-1-a-");
    assert_text(TREE "/qemu-1-a-vcpus_0-1/mon_groups/vcpus_0/tasks", NULL);
    assert_text(TREE "/qemu-1-a-vcpus_0-1/tasks", NULL);
}

static void test_usage(void)
{
    const ResctrlUsage wanted[] = { { 0, 65536, 10, 30 }, { 1, -1, -1, 12345678901234 }, { 12, 0, -1, -1 } };
    g_autoptr(GArray) none = resctrl_usage("qemu-9-gone"), found = NULL;

    g_assert_cmpuint(none->len, ==, 0);
    put(TREE "/qemu-4-d/mon_data/mon_L3_00/llc_occupancy", "65536\n");
    put(TREE "/qemu-4-d/mon_data/mon_L3_00/mbm_local_bytes", "10\n");
    put(TREE "/qemu-4-d/mon_data/mon_L3_00/mbm_total_bytes", "30\n");
    put(TREE "/qemu-4-d/mon_data/mon_L3_01/llc_occupancy", "Unavailable\n");
    put(TREE "/qemu-4-d/mon_data/mon_L3_01/mbm_local_bytes", "Error\n");
    put(TREE "/qemu-4-d/mon_data/mon_L3_01/mbm_total_bytes", "12345678901234\n");
    put(TREE "/qemu-4-d/mon_data/mon_L3_12/llc_occupancy", "0\n");
    found = resctrl_usage("qemu-4-d");
    g_assert_cmpuint(found->len, ==, G_N_ELEMENTS(wanted));
    for (guint i = 0; i < found->len; i++) {
        const ResctrlUsage *u = &g_array_index(found, ResctrlUsage, i);

        g_assert_cmpuint(u->id, ==, wanted[i].id);
        g_assert_cmpint(u->cache, ==, wanted[i].cache);
        g_assert_cmpint(u->local, ==, wanted[i].local);
        g_assert_cmpint(u->total, ==, wanted[i].total);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    tree_begin();
    g_test_add_func("/resctrl/without", test_without);
    g_test_add_func("/resctrl/check", test_check);
    g_test_add_func("/resctrl/groups", test_groups);
    g_test_add_func("/resctrl/failures", test_failures);
    g_test_add_func("/resctrl/monitors", test_monitors);
    g_test_add_func("/resctrl/usage", test_usage);
    int rc = g_test_run();

    tree_end();
    return rc;
}
