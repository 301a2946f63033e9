/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether anything has changed: notices of the kernel that are counted, not read.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/netlink_private.h"
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUPS (RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE)

struct NetlinkWatch {
    int fd;
};

NetlinkWatch *netlink_watch_new(void)
{
    struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = GROUPS };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0) {
        error_report_errno(ERROR_DOMAIN, errno, "cannot watch the host's network devices");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    NetlinkWatch *watch = g_new0(NetlinkWatch, 1);
    watch->fd = fd;
    return watch;
}

void netlink_watch_free(NetlinkWatch *watch)
{
    if (!watch)
        return;
    close(watch->fd);
    g_free(watch);
}

bool netlink_watch_changed(NetlinkWatch *watch)
{
    char byte;
    bool changed = false;
    /* what doesn't fit is cut off; a full socket answers ENOBUFS once: something has changed, then, too */
    while (recv(watch->fd, &byte, 1, 0) >= 0 || errno == ENOBUFS || errno == EINTR)
        changed = true;
    return changed;
}

void netlink_watch_wait(NetlinkWatch *watch, int ms)
{
    struct pollfd one = { .fd = watch->fd, .events = POLLIN };
    poll(&one, 1, ms);
}
