/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The daemon and the program end an admin connection at the same moment: whoever is first, it is freed once. The moment
 * can't be forced from outside, so it is tried often; a short wait that grows makes the two meet.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <libvirt/libvirt-admin.h>
#include <libvirt/libvirt.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "lib/event_impl.h"
#include "rpc/framing.h"

enum { MEETINGS = 3000, GROWING = 200, SPINS = 400 };

static gint asked_to_end;    /* atomic: number of connections that the daemon's end may close now */
static gint loop_stops;      /* atomic */

/* A daemon that says yes to the first call of a connection and hangs up. */
static void *be_daemon(void *opaque)
{
    int door = GPOINTER_TO_INT(opaque);
    for (int i = 0; i < MEETINGS; i++) {
        uint8_t packet[RPC_PREFIX + 4];
        int fd = accept(door, NULL, NULL);
        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(recv(fd, packet, sizeof packet, MSG_WAITALL), ==, sizeof packet);
        packet[3] = RPC_PREFIX;      /* the same header, but a reply and without a body */
        packet[4 + 4 * 3 + 3] = RPC_REPLY;
        g_assert_cmpint(send(fd, packet, RPC_PREFIX, MSG_NOSIGNAL), ==, RPC_PREFIX);
        while (g_atomic_int_get(&asked_to_end) <= i)
            g_thread_yield();
        close(fd);
    }
    return NULL;
}

static void nothing(int timer, void *opaque)
{
}

static void on_closed(virAdmConnectPtr conn, int reason, void *opaque)
{
    g_assert_true(virAdmConnectIsAlive(conn) == 0);
}

static void *run_loop(void *opaque)
{
    while (!g_atomic_int_get(&loop_stops))
        g_assert_cmpint(virEventRunDefaultImpl(), ==, 0);
    return NULL;
}

static void test_both_ends(void)
{
    g_autofree char *dir = g_dir_make_tmp("admin-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "sock", NULL);
    g_autofree char *uri = g_strdup_printf("libvirtd:///system?socket=%s", path);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    g_assert_cmpint(bind(door, (struct sockaddr *) &address, sizeof address), ==, 0);
    g_assert_cmpint(listen(door, 1), ==, 0);
    g_assert_cmpint(virEventRegisterDefaultImpl(), ==, 0);
    GThread *daemon = g_thread_new("daemon", be_daemon, GINT_TO_POINTER(door));
    GThread *loop = g_thread_new("loop", run_loop, NULL);

    for (int i = 0; i < MEETINGS; i++) {
        virAdmConnectPtr conn = virAdmConnectOpen(uri, 0);
        g_assert_nonnull(conn);
        g_assert_cmpint(virAdmConnectRegisterCloseCallback(conn, on_closed, NULL, NULL), ==, 0);
        g_atomic_int_inc(&asked_to_end);
        for (volatile int spin = 0; spin < i % GROWING * SPINS; spin++)
            ;
        g_assert_cmpint(virAdmConnectClose(conn), >=, 0);     /* the notice of its end may have it still */
    }

    g_thread_join(daemon);
    g_atomic_int_set(&loop_stops, 1);
    g_assert_cmpint(virEventAddTimeout(0, nothing, NULL, NULL), >=, 0);
    g_thread_join(loop);
    close(door);
    g_unlink(path);
    g_rmdir(dir);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    virInitialize();
    g_test_add_func("/admin/close/both-ends", test_both_ends);
    int ret = g_test_run();
    event_default_free();
    return ret;
}
