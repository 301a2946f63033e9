/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Control groups: which trees a host has, how groups are called, and what is written where. The tree of the second form is a
 * folder with the files that the kernel would make.
 */
#include <glib/gstdio.h>
#include <libvirt/virterror.h>
#include <string.h>
#include "base/error.h"
#include "core/host/cgroup.h"
#include "remove_tree.h"

static char *root;

static char *place(const char *file)
{
    return g_strconcat(root, "/", file, NULL);
}

static void put(const char *file, const char *text)
{
    g_autofree char *path = place(file), *dir = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void assert_text(const char *file, const char *text)
{
    g_autofree char *path = place(file), *found = NULL;

    g_assert_true(g_file_get_contents(path, &found, NULL, NULL));
    g_assert_cmpstr(found, ==, text);
}

static CgroupHost *unified(void)
{
    g_autofree char *mounts = g_strdup_printf("proc /proc proc rw 0 0\ncgroup2 %s cgroup2 rw 0 0\nodd line\n", root);

    put("cgroup.controllers", "cpuset cpu memory pids\n");
    put("cgroup.subtree_control", "");
    return cgroup_host_parse(mounts);
}

static void test_trees(void)
{
    g_autoptr(CgroupHost) first = cgroup_host_parse("cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n"
                                                    "cgroup /sys/a\\040b cgroup rw,memory 0 0\ntmpfs /x tmpfs rw,cpuset 0 0\n");
    g_autoptr(CgroupHost) second = unified(), none = cgroup_host_parse("");

    g_assert_cmpstr(first->tree[CGROUP_CPU], ==, "/sys/fs/cgroup/cpu,cpuacct");
    g_assert_cmpstr(first->tree[CGROUP_MEMORY], ==, "/sys/a b");
    g_assert_null(first->tree[CGROUP_CPUSET]);
    g_assert_false(first->unified[CGROUP_CPU]);
    g_assert_cmpstr(second->tree[CGROUP_CPUSET], ==, root);
    g_assert_true(second->unified[CGROUP_MEMORY]);
    g_assert_null(second->tree[CGROUP_IO]);
    g_assert_null(none->tree[CGROUP_CPU]);
    g_assert_cmpint(cgroup_enter(none, CGROUP_CPU, "/machine/x", 0), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_INVALID);
}

static void test_partitions(void)
{
    static const struct { const char *name, *path; } cases[] = {
        { NULL, "/machine" }, { "/machine", "/machine" }, { "/machine/gold", "/machine/gold.partition" },
        { "/a/b.slice", "/a.partition/b.slice" }, { "/system/x", "/system/x.partition" }, { "machine", NULL }, { "/a/../b", NULL },
        { "/a//b", NULL }, { "/", NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = cgroup_partition(cases[i].name);

        g_assert_cmpstr(path, ==, cases[i].path);
    }
    virResetLastError();
}

static void test_unified(void)
{
    g_autoptr(CgroupHost) host = unified();
    g_autofree char *gone = place("machine/empty");

    put("machine/cgroup.subtree_control", "");
    put("machine/g/cgroup.procs", "");
    put("machine/g/cgroup.subtree_control", "");
    put("machine/g/memory.max", "");
    put("machine/g/vcpu0/cgroup.type", "");
    put("machine/g/vcpu0/cgroup.threads", "");
    g_assert_cmpint(cgroup_enter(host, CGROUP_MEMORY, "/machine/g", 77), ==, 0);
    assert_text("cgroup.subtree_control", "+memory");
    assert_text("machine/cgroup.subtree_control", "+memory");
    assert_text("machine/g/cgroup.procs", "77");
    put("machine/g/cgroup.procs", "76\n77\n");      /* it is there: nobody is moved */
    g_assert_cmpint(cgroup_enter(host, CGROUP_CPU, "/machine/g", 77), ==, 0);
    assert_text("machine/g/cgroup.procs", "76\n77\n");
    g_assert_cmpint(cgroup_set(host, CGROUP_MEMORY, "/machine/g", NULL, "memory.max", "%d", 5), ==, 0);
    assert_text("machine/g/memory.max", "5");
    g_assert_true(cgroup_has(host, CGROUP_MEMORY, "/machine/g", "memory.max"));
    g_assert_false(cgroup_has(host, CGROUP_IO, "/machine/g", "io.max"));
    g_assert_cmpint(cgroup_set(host, CGROUP_MEMORY, "/machine/g", NULL, "memory.none", "%d", 5), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_SYSTEM_ERROR);
    g_assert_cmpint(cgroup_enter_thread(host, CGROUP_CPU, "/machine/g", "vcpu0", 78), ==, 0);
    assert_text("machine/g/vcpu0/cgroup.type", "threaded");
    assert_text("machine/g/cgroup.subtree_control", "+cpu");
    assert_text("machine/g/vcpu0/cgroup.threads", "78");
    g_assert_cmpint(cgroup_enter(host, CGROUP_MEMORY, "/none/g", 0), ==, -1);     /* only the group for all machines is made */
    virResetLastError();
    g_assert_cmpint(g_mkdir_with_parents(gone, 0755), ==, 0);
    cgroup_remove(host, "/machine/empty");
    g_assert_false(g_file_test(gone, G_FILE_TEST_EXISTS));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    root = g_dir_make_tmp("cgroup-XXXXXX", NULL);
    g_test_add_func("/cgroup/trees", test_trees);
    g_test_add_func("/cgroup/partitions", test_partitions);
    g_test_add_func("/cgroup/unified", test_unified);
    int rc = g_test_run();

    remove_tree(root);
    g_free(root);
    return rc;
}
