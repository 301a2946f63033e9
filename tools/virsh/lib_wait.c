/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting on the main thread for what happens on the event loop's, for ^C, or for a time. */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <unistd.h>

#include "tools/virsh/virsh.h"

struct VirshWait {
    gint refs;
    int fds[2];
    gint told;
};

VirshWait *virsh_wait_new(void)
{
    VirshWait *wait = g_new0(VirshWait, 1);

    wait->refs = 1;
    wait->told = -1;
    if (!g_unix_open_pipe(wait->fds, FD_CLOEXEC, NULL))
        g_error("no pipe: %s", g_strerror(errno));
    g_unix_set_fd_nonblocking(wait->fds[0], TRUE, NULL);
    g_unix_set_fd_nonblocking(wait->fds[1], TRUE, NULL);
    shell_interrupt_install();
    return wait;
}

VirshWait *virsh_wait_ref(VirshWait *wait)
{
    g_atomic_int_inc(&wait->refs);
    return wait;
}

void virsh_wait_free(VirshWait *wait)
{
    if (!wait || !g_atomic_int_dec_and_test(&wait->refs))
        return;
    close(wait->fds[0]);
    close(wait->fds[1]);
    g_free(wait);
}

void virsh_wait_wake(VirshWait *wait)
{
    (void)!write(wait->fds[1], "x", 1);
}

void virsh_wait_tell(VirshWait *wait, int value)
{
    g_atomic_int_set(&wait->told, value);
    virsh_wait_wake(wait);
}

int virsh_wait_told(VirshWait *wait)
{
    return g_atomic_int_get(&wait->told);
}

VirshWake virsh_wait_until(VirshWait *wait, gint64 end)
{
    char drop[64];

    for (;;) {
        struct pollfd fds[] = {{.fd = wait->fds[0], .events = POLLIN}, {.fd = shell_interrupt_fd(), .events = POLLIN}};
        gint64 left = end < 0 ? -1 : MAX(0, end - g_get_monotonic_time());
        int rc = poll(fds, G_N_ELEMENTS(fds), left < 0 ? -1 : (int)MIN((left + 999) / 1000, G_MAXINT));

        if (shell_interrupted() || (rc > 0 && fds[1].revents))
            return VIRSH_INTERRUPTED;
        if (rc > 0 && fds[0].revents) {
            (void)!read(wait->fds[0], drop, sizeof(drop));
            return VIRSH_WOKEN;
        }
        if (end >= 0 && g_get_monotonic_time() >= end)
            return VIRSH_TIMEOUT;
    }
}
