/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#define LOG_SOURCE "network.subnet"
#include "drivers/network/subnet.h"
#include <string.h>
#include "base/error.h"
#include "base/ip.h"
#include "base/log.h"
#include "core/metadata.h"
#include "drivers/network/network_driver.h"

/* The first N that is tried, and the last; then those below. */
#define FIRST 122
#define LAST 254

static bool wants_choice(const NetworkDef *net)
{
    const MetadataTexts texts = { net->title, net->description, net->metadata };
    g_autofree char *value = NULL;
    if (metadata_get(&texts, VIR_NETWORK_METADATA_ELEMENT, SUBNET_NAMESPACE, &value, ERROR_DOMAIN) < 0)
        virResetLastError();
    return value && strstr(value, "choose=\"yes\"") != NULL;
}

/* The <ip> that can be moved; NULL if the network isn't of this kind. */
static NetworkIp *movable(const NetworkDef *net)
{
    NetworkIp *found = NULL;
    for (guint i = 0; i < net->n_ips; i++) {
        IpAddress ip;
        if (!ip_parse(net->ips[i]->address, &ip) || ip_is_v6(&ip))
            continue;
        if (found || ip.bytes[0] != 192 || ip.bytes[1] != 168 || network_ip_prefix(net->ips[i]) != 24)
            return NULL;
        found = net->ips[i];
    }
    return found;
}

static void move_address(char **text, guint n)
{
    IpAddress ip;
    char moved[IP_TEXT_SIZE];
    if (!*text || !ip_parse(*text, &ip) || ip_is_v6(&ip))
        return;
    ip.bytes[2] = (guint8) n;
    g_free(*text);
    *text = g_strdup(ip_format(&ip, moved));
}

static void move(NetworkIp *ip, guint n)
{
    move_address(&ip->address, n);
    for (guint i = 0; ip->dhcp && i < ip->dhcp->n_ranges; i++) {
        move_address(&ip->dhcp->ranges[i]->start, n);
        move_address(&ip->dhcp->ranges[i]->end, n);
    }
    for (guint i = 0; ip->dhcp && i < ip->dhcp->n_hosts; i++)
        move_address(&ip->dhcp->hosts[i]->ip, n);
}

static bool clashes(const Definition *definition, const NetworkDef *net)
{
    const NetworkDef *other = definition ? definition_get(definition) : NULL;
    IpAddress own, ip;
    if (!other || strcmp(other->name, net->name) == 0 || !ip_parse(movable(net)->address, &own))
        return false;
    for (guint i = 0; i < other->n_ips; i++) {
        if (ip_parse(other->ips[i]->address, &ip) && ip_same_network(&ip, &own, MIN(24, network_ip_prefix(other->ips[i]))))
            return true;
    }
    return false;
}

/* Whether neither the host nor another network has the subnet. */
static bool is_free(NetworkHost *host, const NetworkDef *net)
{
    g_autoptr(GPtrArray) all = managed_objects(network_host_table(host), 0, NULL, NULL);
    for (guint i = 0; i < all->len; i++) {
        g_autoptr(ManagedState) state = managed_state(all->pdata[i]);
        if (clashes(state->config, net) || clashes(state->live, net))
            return false;
    }
    bool fine = bridge_check_conflicts(net) == 0;
    virResetLastError();
    return fine;
}

static int edit(Managed *obj, void *opaque, gboolean live, void *unused)
{
    NetworkDef *net = opaque;
    NetworkIp *ip = movable(net);
    for (guint i = 0; i <= LAST; i++) {
        guint n = FIRST + i <= LAST ? FIRST + i : FIRST + i - LAST - 1;
        move(ip, n);
        if (is_free(network_host_of(obj), net)) {
            LOG_INFO("network '%s' gets the addresses %s/24, as the host has those that it had", net->name, ip->address);
            return 0;
        }
    }
    return FAIL(VIR_ERR_OPERATION_FAILED, "the host has all subnets 192.168.0.0/24 to 192.168.254.0/24 already");
}

static int settle(Managed *obj)
{
    g_auto(ManagedJob) job = { NULL };
    if (managed_job_begin(&job, obj->table, obj->entry.uuid, NULL, __func__) < 0)
        return -1;
    const NetworkDef *net = job.state->config ? definition_get(job.state->config) : NULL;
    if (!net || managed_active(job.state) || !network_def_owns_bridge(net) || !wants_choice(net) || !movable(net) ||
        is_free(network_host_of(obj), net))
        return 0;
    return managed_edit(&job, MANAGED_CONFIG, edit, NULL, NULL);
}

void subnet_settle_all(NetworkHost *host)
{
    g_autoptr(GPtrArray) all = managed_objects(network_host_table(host), MANAGED_LIST_INACTIVE, NULL, NULL);
    for (guint i = 0; i < all->len; i++) {
        if (settle(all->pdata[i]) < 0)
            LOG_ERROR("network '%s': %s", MANAGED_NAME((Managed *) all->pdata[i]), error_message());
    }
    virResetLastError();
}
