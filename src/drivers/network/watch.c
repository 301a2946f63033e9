/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The host's firewall changes under us: 'nft flush ruleset', docker that is installed, a firewall that is read anew. The kernel tells of
 * each change; a moment later the rules of all running networks are looked at, and those that are missing are put back.
 * What is as it should be is left alone, so our own changes lead to one look and no further ones.
 */
#define ERROR_DOMAIN VIR_FROM_FIREWALL
#define LOG_SOURCE "network.watch"
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/error.h"
#include "base/log.h"
#include "drivers/network/network_driver.h"

/* Changes come in bursts: so long after the first one they are looked at. */
#define CALM_MS 300

struct FirewallWatch {
    NetworkNode *node;
    int fd;
    LoopWatch *watch;
    LoopTimer *timer;
    bool due;           /* on the loop's thread */
};

static void look_at(NetworkNode *node, Managed *net)
{
    g_auto(ManagedJob) job = { NULL };
    if (managed_job_begin(&job, network_host_table(node->host), net->entry.uuid, NULL, __func__) < 0 || !managed_active(job.state))
        return;
    const NetworkDef *def = definition_get(job.state->live);
    if (network_def_owns_bridge(def) && rules_mend(net, def) < 0)
        LOG_ERROR("network '%s': %s", MANAGED_NAME(net), error_message());
}

static void look(void *opaque)
{
    NetworkNode *node = opaque;
    g_autoptr(GPtrArray) nets = managed_objects(network_host_table(node->host), MANAGED_LIST_ACTIVE, NULL, NULL);
    for (guint i = 0; i < nets->len; i++)
        look_at(node, nets->pdata[i]);
    virResetLastError();
}

static void on_calm(LoopTimer *timer, void *opaque)
{
    FirewallWatch *watch = opaque;
    watch->due = false; /* what changes from here on is looked at once more */
    pool_submit(watch->node->pool, "firewall", false, look, watch->node);
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

FirewallWatch *firewall_watch_new(NetworkNode *node)
{
    struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 << (NFNLGRP_NFTABLES - 1) };
    FirewallWatch *watch = g_new0(FirewallWatch, 1);
    watch->node = node;
    watch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
    if (watch->fd < 0 || bind(watch->fd, (struct sockaddr *) &address, sizeof(address)) < 0) {
        error_report_errno(ERROR_DOMAIN, errno, "cannot listen to changes of the host's firewall");
        firewall_watch_free(watch);
        return NULL;
    }
    watch->timer = loop_timer_add(node->loop, on_calm, watch, NULL);
    watch->watch = loop_watch_add(node->loop, watch->fd, LOOP_IN, on_change, watch, NULL);
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
    g_free(watch);
}
