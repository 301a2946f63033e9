/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When the host's firewall has changed, the rules of all running networks are looked at, and those that are missing are put back.
 */
#define ERROR_DOMAIN VIR_FROM_FIREWALL
#define LOG_SOURCE "network.watch"
#include "base/error.h"
#include "base/log.h"
#include "drivers/network/network_driver.h"

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

FirewallWatch *rules_watch(NetworkNode *node)
{
    return firewall_watch_new(node->loop, node->pool, look, node);
}
