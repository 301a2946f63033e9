/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Limits of what passes between a network's guests and the host: at its bridge. Of what is limited in all, ports can have a share that is
 * theirs for sure. There is nothing to remember: whenever a share comes, goes or changes, all of it is made anew.
 */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#include <string.h>
#include "base/error.h"
#include "drivers/network/network_driver.h"
#include "network/limits.h"

static bool has_share(const NetworkPortDef *port)
{
    return port && port->bandwidth && port->bandwidth->inbound && port->bandwidth->inbound->floor;
}

static int share_out(Netlink *nl, guint32 index, const NetworkDef *net, const GPtrArray *ports)
{
    NetlinkRate all = limits_rate(net->bandwidth->inbound);
    guint64 given = 0, at_most = MAX(all.average, all.peak);
    guint class = 0;
    for (guint i = 0; i < ports->len; i++) {
        const NetworkPortDef *port = ports->pdata[i];
        if (!has_share(port))
            continue;
        guint64 floor = MIN(port->bandwidth->inbound->floor, G_MAXUINT32) * 1000;
        given += floor;
        if (given > at_most)
            return FAIL(VIR_ERR_OPERATION_INVALID, "network '%s' can't guarantee domain '%s' %" G_GUINT64_FORMAT " kB/s ('floor'): with it, "
                        "guests would have a claim to %" G_GUINT64_FORMAT " of its %" G_GUINT64_FORMAT " kB/s", net->name, port->owner.name,
                        floor / 1000, given / 1000, at_most / 1000);
        if (netlink_shape_for(nl, index, class++, port->mac, &(NetlinkRate) { floor, at_most, 0 }) < 0)
            return -1;
    }
    return 0;
}

static int set_inbound(Netlink *nl, guint32 index, const NetworkDef *net, const GPtrArray *ports)
{
    const NetlinkRate rate = limits_rate(net->bandwidth ? net->bandwidth->inbound : NULL);
    if (!rate.average)
        return netlink_shape_end(nl, index);
    return netlink_shape(nl, index, &rate) < 0 ? -1 : share_out(nl, index, net, ports);
}

/* The ports' definitions, without @but and with @plus, each of which may be NULL. They belong to @definitions. */
static GPtrArray *list_ports(const GPtrArray *definitions, const NetworkPortDef *but, const NetworkPortDef *plus)
{
    GPtrArray *ports = g_ptr_array_new();
    for (guint i = 0; i < definitions->len; i++) {
        const NetworkPortDef *port = definition_get(definitions->pdata[i]);
        if (!but || memcmp(port->uuid, but->uuid, sizeof(port->uuid)) != 0)
            g_ptr_array_add(ports, (gpointer) port);
    }
    if (plus)
        g_ptr_array_add(ports, (gpointer) plus);
    return ports;
}

int traffic_ports(Managed *obj, const NetworkDef *net, const NetworkPortDef *was, const NetworkPortDef *now)
{
    guint32 index = netlink_index(net->bridge.name);
    if ((!has_share(was) && !has_share(now)) || !index)
        return 0;
    g_autoptr(Netlink) nl = netlink_open();
    g_autoptr(GPtrArray) definitions = network_port_definitions(obj);
    /* one that comes may be among them already */
    g_autoptr(GPtrArray) before = list_ports(definitions, was ? was : now, was), after = list_ports(definitions, was ? was : now, now);
    if (!nl || set_inbound(nl, index, net, after) == 0)
        return nl ? 0 : -1;
    virErrorPtr error = error_save();
    set_inbound(nl, index, net, before);
    error_restore(error);
    return -1;
}

int traffic_ensure(const Managed *obj, const NetworkDef *net)
{
    const BandwidthLimit *outbound = net->bandwidth ? net->bandwidth->outbound : NULL;
    if (!net->bandwidth || !net->bridge.name)
        return 0;
    g_autoptr(Netlink) nl = netlink_open();
    g_autoptr(GPtrArray) definitions = network_port_definitions(obj), ports = list_ports(definitions, NULL, NULL);
    const NetlinkRate rate = limits_rate(outbound);
    guint32 index = netlink_index(net->bridge.name);
    if (!nl)
        return -1;
    if (!index)
        return FAIL(VIR_ERR_OPERATION_FAILED, "the limits of network '%s' can't be set: the host has no bridge '%s'", net->name,
                    net->bridge.name);
    return set_inbound(nl, index, net, ports) < 0 || (rate.average && netlink_police(nl, index, net->bridge.name, &rate) < 0) ? -1 : 0;
}

int traffic_end(const NetworkDef *net)
{
    guint32 index = netlink_index(net->bridge.name);
    if (!net->bandwidth || !net->bridge.name)
        return 0;
    g_autoptr(Netlink) nl = netlink_open();
    return !nl || (index && netlink_shape_end(nl, index) < 0) || netlink_police_end(nl, net->bridge.name) < 0 ? -1 : 0;
}
