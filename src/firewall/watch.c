/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_FIREWALL
#include "firewall/watch.h"
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/error.h"

/* Changes come in bursts: so long after the first one they are looked at. */
#define CALM_MS 300

struct FirewallWatch {
    Pool *pool;
    PoolFunc look;
    void *opaque;
    char *lane;         /* one look at a time */
    int fd;
    LoopWatch *watch;
    LoopTimer *timer;
    bool due;           /* on the loop's thread */
};

static void on_calm(LoopTimer *timer, void *opaque)
{
    FirewallWatch *watch = opaque;
    watch->due = false; /* what changes from here on is looked at once more */
    pool_submit(watch->pool, watch->lane, false, watch->look, watch->opaque);
}

static void on_change(LoopWatch *source, int fd, unsigned events, void *opaque)
{
    FirewallWatch *watch = opaque;
    char buffer[8192];
    /* too many to be kept are as good as one */
    while (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) > 0 || errno == EINTR || errno == ENOBUFS)
        continue;
    if (!watch->due)
        loop_timer_set(watch->timer, CALM_MS, -1);
    watch->due = true;
}

FirewallWatch *firewall_watch_new(Loop *loop, Pool *pool, PoolFunc look, void *opaque)
{
    struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 << (NFNLGRP_NFTABLES - 1) };
    FirewallWatch *watch = g_new0(FirewallWatch, 1);
    watch->pool = pool;
    watch->look = look;
    watch->opaque = opaque;
    watch->lane = g_strdup_printf("firewall %p", opaque);
    watch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
    if (watch->fd < 0 || bind(watch->fd, (struct sockaddr *) &address, sizeof(address)) < 0) {
        error_report_errno(ERROR_DOMAIN, errno, "cannot listen to changes of the host's firewall");
        firewall_watch_free(watch);
        return NULL;
    }
    watch->timer = loop_timer_add(loop, on_calm, watch, NULL);
    watch->watch = loop_watch_add(loop, watch->fd, LOOP_IN, on_change, watch, NULL);
    if (watch->watch)
        return watch;
    firewall_watch_free(watch);
    return NULL;
}

void firewall_watch_free(FirewallWatch *watch)
{
    if (!watch)
        return;
    loop_watch_remove(watch->watch);
    loop_timer_remove(watch->timer);
    if (watch->fd >= 0)
        close(watch->fd);
    g_free(watch->lane);
    g_free(watch);
}
