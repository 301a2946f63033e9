/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tap devices for a daemon that may make none: QEMU's program for that, which is root's, puts one into a bridge if its
 * administrator's list of bridges allows it, and passes the descriptor.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/error.h"
#include "base/process.h"
#include "drivers/qemu/tap_priv.h"

#define HELPER_MS 30000
#define HELPER_OUTPUT 4096

gboolean tap_is_ours_to_make(void)
{
    struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

    return syscall(SYS_capget, &head, data) == 0 && (data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN));
}

/* What only who has rights over the device can give it; NULL: nothing of that is asked for. */
static const char *beyond_it(const DomainInterface *net)
{
    const struct {
        gboolean wanted;
        const char *what;
    } asked[] = {
        { net->filterref != NULL, "<filterref>" }, { net->bandwidth != NULL, "<bandwidth>" }, { net->vlan != NULL, "<vlan>" },
        { net->virtualport != NULL, "<virtualport>" }, { net->mtu != 0, "<mtu>" }, { net->driver.queues > 1, "several queues" },
        { net->coalesce_rx_frames_max != 0, "<coalesce>" }, { net->port_isolated == TRISTATE_YES, "<port isolated='yes'>" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(asked); i++) {
        if (asked[i].wanted)
            return asked[i].what;
    }
    return NULL;
}

/* Distributions keep it where nobody's PATH leads. */
static char *find(const char *helper)
{
    static const char *const folders[] = { "/usr/lib/qemu", "/usr/libexec", "/usr/lib", "/usr/libexec/qemu" };

    for (guint i = 0; !strchr(helper, '/') && i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_build_filename(folders[i], helper, NULL);

        if (access(path, X_OK) == 0)
            return g_steal_pointer(&path);
    }
    return g_strdup(helper);
}

/* The descriptor that was sent, or -1 where there is none. */
static int passed(int sock)
{
    char byte;
    struct iovec iov = { &byte, 1 };
    union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space) };
    int fd = -1;

    if (recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
        return -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
            memcpy(&fd, CMSG_DATA(c), sizeof(int));
    }
    return fd;
}

/* What the helper said, on a line. */
static int refused(const DomainInterface *net, const char *program, const char *bridge, const ProcessOutput *output)
{
    g_autofree char *said = g_strdup(output->err ? g_strstrip(output->err) : "");

    g_strdelimit(said, "\r\n", ' ');
    return FAIL(VIR_ERR_OPERATION_DENIED, "interface '%s': this daemon may not make network devices, and '%s' gave none on bridge '%s' (%s). As root, "
                "a line 'allow %s' in /etc/qemu/bridge.conf allows it to everybody, and 'chmod u+s %s' lets the program do it", net->info.alias,
                program, bridge, *said ? said : "it said nothing", bridge, program);
}

/* Its name, too, since the kernel has chosen that. */
static int take(DomainInterface *net, int fd, GArray *fds)
{
    struct ifreq ifr = { 0 };

    if (ioctl(fd, TUNGETIFF, &ifr) < 0) {
        int saved = errno;

        close(fd);
        return FAIL_ERRNO(saved, "interface '%s': what the program for bridges passed is no tap device", net->info.alias);
    }
    g_free(net->target.dev);
    net->target.dev = g_strndup(ifr.ifr_name, IFNAMSIZ - 1);
    g_array_append_val(fds, fd);
    return 0;
}

int tap_from_helper(const char *helper, DomainInterface *net, const char *bridge, GArray *fds)
{
    g_autofree char *program = find(helper), *with_bridge = g_strconcat("--br=", bridge, NULL), *with_fd = NULL;
    const char *beyond = beyond_it(net);
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_auto(ProcessOutput) output = { 0 };
    int pair[2], fd, rc;

    if (beyond)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s': %s needs rights over the host's network, which this daemon doesn't have; the system's "
                    "(qemu:///system) does", net->info.alias, beyond);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return FAIL_ERRNO(errno, "cannot create sockets");
    with_fd = g_strdup_printf("--fd=%d", pair[1]);
    spec.argv = (const char *const[]){ program, "--use-vnet", with_bridge, with_fd, NULL };
    spec.keep_fds = &pair[1];
    spec.n_keep_fds = 1;
    spec.die_with_parent = true;
    rc = process_run(&spec, NULL, 0, HELPER_OUTPUT, HELPER_MS, &output);
    close(pair[1]);
    fd = rc == 0 ? passed(pair[0]) : -1;
    close(pair[0]);
    if (rc < 0)
        return -1;
    return fd >= 0 ? take(net, fd, fds) : refused(net, program, bridge, &output);
}
