/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parts of caches and of bandwidth. This program's mkdir() and rmdir() stand for the kernel's: a folder in the tree is a group, which
 * has files at once and takes them along. Each write to "schemata" is kept (the files are written at their end), as the lines that the
 * kernel would take.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/error.h"
#include "core/host/host.h"
#include "core/host/resctrl.h"
#include "remove_tree.h"

#define TREE "/sys/fs/resctrl"

static char *root;
static gboolean no_more_groups, schemata_fail;

static char *place(const char *file)
{
    return g_strconcat(root, file, NULL);
}

static void put(const char *file, const char *text)
{
    g_autofree char *path = place(file), *dir = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static gboolean is_group(const char *path)
{
    return root && g_str_has_prefix(path, root) && strstr(path, TREE "/qemu-");
}

static void fill(const char *group, const char *file)
{
    g_autofree char *path = g_build_filename(group, file, NULL);

    g_assert_true(g_file_set_contents(path, "", -1, NULL));
}

int mkdir(const char *path, mode_t mode)
{
    if (is_group(path) && no_more_groups) {
        errno = ENOSPC;
        return -1;
    }
    if (syscall(SYS_mkdirat, AT_FDCWD, path, mode) < 0)
        return -1;
    if (is_group(path)) {
        if (!schemata_fail)
            fill(path, "schemata");
        fill(path, "tasks");
    }
    return 0;
}

int rmdir(const char *path)
{
    if (is_group(path)) {
        g_autofree char *schemata = g_build_filename(path, "schemata", NULL), *tasks = g_build_filename(path, "tasks", NULL);

        unlink(schemata);
        unlink(tasks);
    }
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

static char *read_text(const char *file)
{
    g_autofree char *path = place(file);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

static void assert_text(const char *file, const char *text)
{
    g_autofree char *found = read_text(file);

    g_assert_cmpstr(found, ==, text);
}

static void assert_error(int code, const char *part)
{
    g_assert_cmpint(error_code(), ==, code);
    if (!strstr(error_message(), part))
        g_error("'%s' is not in '%s'", part, error_message());
    virResetLastError();
}

/* 2 sockets, 16 MiB of L3 in 16 pieces; everybody has the upper 8 of the first and all of the second but the lowest. */
static void make_host(void)
{
    for (guint cpu = 0; cpu < 2; cpu++) {
        g_autofree char *dir = g_strdup_printf("/sys/devices/system/cpu/cpu%u/cache/index3/", cpu), *id = g_strdup_printf("%u\n", cpu);
        g_autofree char *level = g_strconcat(dir, "level", NULL), *type = g_strconcat(dir, "type", NULL);
        g_autofree char *size = g_strconcat(dir, "size", NULL), *number = g_strconcat(dir, "id", NULL);

        put(level, "3\n");
        put(type, "Unified\n");
        put(size, "16384K\n");
        put(number, id);
    }
    put(TREE "/info/L3/cbm_mask", "ffff\n");
    put(TREE "/info/L3/min_cbm_bits", "2\n");
    put(TREE "/info/MB/min_bandwidth", "10\n");
    put(TREE "/info/MB/bandwidth_gran", "10\n");
    put(TREE "/schemata", "    MB:0=100;1=100\n    L3:0=ff00;1=fffe\n");
    put(TREE "/tasks", "1\n");
}

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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    root = g_dir_make_tmp("resctrl-XXXXXX", NULL);
    host_set_root(root);
    g_test_add_func("/resctrl/without", test_without);
    g_test_add_func("/resctrl/check", test_check);
    g_test_add_func("/resctrl/groups", test_groups);
    g_test_add_func("/resctrl/failures", test_failures);
    int rc = g_test_run();

    host_set_root(NULL);
    remove_tree(root);
    g_free(root);
    return rc;
}
