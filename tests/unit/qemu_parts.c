/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Small parts of the QEMU driver: key codes, port ranges, folders of runs.
 */
#include <glib/gstdio.h>
#include <libvirt/virterror.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/qemu/keycodes.h"
#include "drivers/qemu/ports.h"
#include "drivers/qemu/tree.h"

static void test_keycodes(void)
{
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_LINUX, 30), ==, 30);     /* A */
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_LINUX, 88), ==, 0x58);   /* F12 */
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_LINUX, 111), ==, 0xd3);  /* Delete */
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_XT, 0xe053), ==, 0xd3);
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_QNUM, 0xd3), ==, 0xd3);
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_LINUX, 0), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_INVALID_ARG);
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_LINUX, 60000), ==, -1);
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_WIN32, 30), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_ARGUMENT_UNSUPPORTED);
    virResetLastError();
}

static void test_ports(void)
{
    struct sockaddr_in addr = { .sin_family = AF_INET };
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port, got;
    PortPool *pool;

    /* A port that somebody listens on is passed over. */
    g_assert_cmpint(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
    g_assert_cmpint(listen(fd, 1), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&addr, &len), ==, 0);
    port = ntohs(addr.sin_port);
    pool = port_pool_new("test", port, port);
    g_assert_cmpint(port_pool_take(pool), ==, -1);
    close(fd);
    got = port_pool_take(pool);
    g_assert_cmpint(got, ==, port);
    g_assert_cmpint(port_pool_take(pool), ==, -1);
    port_pool_give_back(pool, got);
    g_assert_cmpint(port_pool_take(pool), ==, port);
    port_pool_give_back(pool, port);
    port_pool_reserve(pool, port);
    g_assert_cmpint(port_pool_take(pool), ==, -1);
    port_pool_reserve(pool, 1);      /* outside: nothing happens */
    port_pool_give_back(pool, 70000);
    port_pool_free(pool);
    virResetLastError();
}

/* What a hostile QEMU left behind goes, what its links point to stays. */
static void test_tree(void)
{
    g_autofree char *dir = g_dir_make_tmp("qemu-tree-XXXXXX", NULL), *inside = g_build_filename(dir, "run", NULL);
    g_autofree char *deep = g_build_filename(inside, "a", "b", NULL), *file = g_build_filename(deep, "f", NULL);
    g_autofree char *outside = g_build_filename(dir, "outside", NULL), *kept = g_build_filename(outside, "kept", NULL);
    g_autofree char *link = g_build_filename(inside, "link", NULL), *top = g_build_filename(dir, "top", NULL);

    g_assert_cmpint(g_mkdir_with_parents(deep, 0700), ==, 0);
    g_assert_cmpint(g_mkdir_with_parents(outside, 0700), ==, 0);
    g_assert_true(g_file_set_contents(file, "x", 1, NULL));
    g_assert_true(g_file_set_contents(kept, "x", 1, NULL));
    g_assert_cmpint(symlink(outside, link), ==, 0);
    g_assert_cmpint(symlink(outside, top), ==, 0);
    qemu_remove_tree(inside);
    g_assert_false(g_file_test(inside, G_FILE_TEST_EXISTS));
    qemu_remove_tree(top);
    g_assert_true(g_file_test(kept, G_FILE_TEST_EXISTS));
    qemu_remove_tree(inside); /* twice is harmless */
    qemu_remove_tree(dir);
    g_assert_false(g_file_test(dir, G_FILE_TEST_EXISTS));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qemu/parts/keycodes", test_keycodes);
    g_test_add_func("/qemu/parts/ports", test_ports);
    g_test_add_func("/qemu/parts/tree", test_tree);
    return g_test_run();
}
