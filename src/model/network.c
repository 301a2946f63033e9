/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Networks: what follows from a definition, and its rules. Addresses: network_ip.c; names: network_dns.c.
 */
#include "model/network_private.h"
#include <string.h>

NetworkForwardMode network_def_mode(const NetworkDef *def)
{
    return def->has_forward && def->forward.mode ? def->forward.mode : NETWORK_FORWARD_MODE_NONE;
}

bool network_def_owns_bridge(const NetworkDef *def)
{
    switch (network_def_mode(def)) {
    case NETWORK_FORWARD_MODE_NONE:
    case NETWORK_FORWARD_MODE_NAT:
    case NETWORK_FORWARD_MODE_ROUTE:
    case NETWORK_FORWARD_MODE_OPEN:
        return true;
    default:
        return false;
    }
}

/* ---- parts that others have as well ---- */

static int check_limit(const BandwidthLimit *limit, const char *direction, bool floor_allowed)
{
    if (!limit)
        return 0;
    if (limit->floor && strcmp(direction, "inbound") != 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "bandwidth: 'floor' is for inbound traffic only");
    if (limit->floor && !floor_allowed)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "bandwidth: 'floor' is not supported here");
    if (!limit->average && !limit->floor && (limit->peak || limit->burst))
        return FAIL(VIR_ERR_XML_DETAIL, "bandwidth: %s needs an average", direction);
    return 0;
}

int bandwidth_check(const Bandwidth *bandwidth, bool floor_allowed)
{
    if (!bandwidth)
        return 0;
    if (check_limit(bandwidth->inbound, "inbound", floor_allowed) < 0)
        return -1;
    return check_limit(bandwidth->outbound, "outbound", floor_allowed);
}

int vlan_complete(InterfaceVlan *vlan)
{
    if (!vlan)
        return 0;
    if (!vlan->n_tags)
        return FAIL(VIR_ERR_XML_ERROR, "a <vlan> needs at least one <tag id='…'/>");
    if (vlan->n_tags > 1 && vlan->trunk == TRISTATE_NO)
        return FAIL(VIR_ERR_XML_ERROR, "a <vlan> with several tags is a trunk: trunk='no' contradicts");
    if (vlan->n_tags > 1)
        vlan->trunk = TRISTATE_YES;
    return 0;
}

static void drop_empty(const XmlDesc *desc, void *field)
{
    void **at = field;
    void *empty = xml_struct_new(desc);

    if (*at && xml_equal(desc, *at, empty)) {
        xml_struct_free(desc, *at);
        *at = NULL;
    }
    xml_struct_free(desc, empty);
}

int network_port_parts_complete(InterfaceVlan *vlan, Bandwidth **bandwidth, bool floor_allowed)
{
    if (vlan_complete(vlan) < 0 || bandwidth_check(*bandwidth, floor_allowed) < 0)
        return -1;
    drop_empty(&BANDWIDTH_DESC, bandwidth);
    return 0;
}

/* ---- forwarding ---- */

static const char *mode_name(const NetworkDef *def)
{
    return network_forward_mode_to_string(network_def_mode(def));
}

static int complete_forward_devices(NetworkDef *def)
{
    NetworkForward *f = &def->forward;

    if (f->n_interfaces && f->dev && strcmp(f->dev, f->interfaces[0]->dev) != 0)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': forward device '%s' is not the first of the interfaces, '%s'", def->name,
                    f->dev, f->interfaces[0]->dev);
    if (f->dev && !f->n_interfaces) {
        NetworkForwardInterface *interface = xml_struct_new(&NETWORK_FORWARD_INTERFACE_DESC);
        interface->dev = g_strdup(f->dev);
        XML_LIST_APPEND(f->interfaces, f->n_interfaces, interface);
    }
    if (f->n_interfaces && !f->dev)
        f->dev = g_strdup(f->interfaces[0]->dev);
    /* devices in their own right take the place of the function that they would be found by */
    if (f->n_pfs && (f->n_interfaces || f->n_addresses)) {
        xml_struct_free(&NETWORK_FORWARD_INTERFACE_DESC, f->pfs[0]);
        f->n_pfs = 0;
    }
    for (guint i = 0; i < f->n_addresses; i++) {
        if (f->addresses[i]->type != DOMAIN_ADDRESS_TYPE_PCI)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "network '%s': only PCI devices can be passed", def->name);
    }
    return 0;
}

static int check_nat(NetworkDef *def)
{
    NetworkNat *nat = &def->forward.nat;
    IpAddress start, end;
    bool address = nat->address.start || nat->address.end;
    bool port = nat->port.start || nat->port.end;

    if ((address || port || nat->ipv6) && network_def_mode(def) != NETWORK_FORWARD_MODE_NAT)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': <nat> is for forward mode 'nat' only", def->name);
    if (port && (!nat->port.start || nat->port.end < nat->port.start))
        return FAIL(VIR_ERR_XML_DETAIL, "network '%s': <port> in <nat> needs a start and an end that is not less", def->name);
    if (!address)
        return 0;
    if (!nat->address.start || !nat->address.end)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': <address> in <nat> needs a start and an end", def->name);
    if (network_address(def, &nat->address.start, &start, VIR_ERR_XML_ERROR, "start of <nat>") < 0 ||
        network_address(def, &nat->address.end, &end, VIR_ERR_XML_ERROR, "end of <nat>") < 0)
        return -1;
    if (ip_is_v6(&start) || ip_is_v6(&end))
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': addresses in <nat> are IPv4 ones", def->name);
    if (ip_compare(&start, &end) > 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "network '%s': range %s - %s is reversed", def->name, nat->address.start,
                    nat->address.end);
    return 0;
}

static int complete_forward(NetworkDef *def)
{
    NetworkForward *f = &def->forward;

    if (!def->has_forward)
        return 0;
    if (!f->mode)
        f->mode = NETWORK_FORWARD_MODE_NAT;
    if (complete_forward_devices(def) < 0 || check_nat(def) < 0)
        return -1;
    if (f->mode == NETWORK_FORWARD_MODE_NONE) { /* as if it weren't there */
        if (f->dev)
            return FAIL(VIR_ERR_XML_ERROR, "network '%s': an isolated network has no forward device", def->name);
        xml_struct_clear(&NETWORK_FORWARD_DESC, f);
        def->has_forward = false;
    }
    if (f->mode == NETWORK_FORWARD_MODE_OPEN && f->dev)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': forward mode 'open' takes no device", def->name);
    bool routes = f->mode == NETWORK_FORWARD_MODE_NAT || f->mode == NETWORK_FORWARD_MODE_ROUTE;
    if (routes && f->n_interfaces > 1)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': mode '%s' leaves by one interface only", def->name, mode_name(def));
    if ((routes || f->mode == NETWORK_FORWARD_MODE_OPEN) && !def->n_ips)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': forward mode '%s' needs an <ip>", def->name, mode_name(def));
    if (f->mode == NETWORK_FORWARD_MODE_HOSTDEV && !f->managed)
        f->managed = TRISTATE_NO;
    return 0;
}

/* ---- the bridge ---- */

static int complete_bridge(NetworkDef *def)
{
    NetworkBridge *bridge = &def->bridge;
    bool options = bridge->stp || bridge->zone || bridge->delay;

    if (def->has_mac && (def->mac[0] & 1))
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': the bridge's hardware address is a multicast one", def->name);
    if (network_def_owns_bridge(def)) {
        if (!bridge->stp)
            bridge->stp = TRISTATE_ON;
        bridge->has_delay = true;
        return 0;
    }
    if (options)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': delay, stp and zone of a bridge are for networks that own it, not for "
                    "mode '%s'", def->name, mode_name(def));
    bridge->has_delay = false;
    if (network_def_mode(def) != NETWORK_FORWARD_MODE_BRIDGE && bridge->name)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': no bridge in mode '%s'", def->name, mode_name(def));
    if (bridge->name && def->forward.n_interfaces)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': mode 'bridge' takes the name of a bridge or devices, not both",
                    def->name);
    return 0;
}

/* ---- the whole ---- */

int network_portgroup_complete(const NetworkDef *net, NetworkPortGroup *group)
{
    if (network_port_parts_complete(group->vlan, &group->bandwidth, false) < 0) {
        error_context("network '%s', port group '%s'", net->name, group->name);
        return -1;
    }
    if (group->is_default == TRISTATE_NO)
        group->is_default = TRISTATE_UNSET;
    return 0;
}

static int complete_lists(NetworkDef *def)
{
    for (guint i = 0; i < def->n_ips; i++) {
        if (network_ip_complete(def, def->ips[i]) < 0)
            return -1;
    }
    for (guint i = 0; i < def->n_routes; i++) {
        if (network_route_complete(def, def->routes[i]) < 0)
            return -1;
    }
    for (guint i = 0; i < def->n_portgroups; i++) {
        if (network_portgroup_complete(def, def->portgroups[i]) < 0)
            return -1;
    }
    return 0;
}

int network_def_complete(NetworkDef *def)
{
    if (def->title && strchr(def->title, '\n'))
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': a title is one line", def->name);
    if (def->ipv6 == TRISTATE_NO)
        def->ipv6 = TRISTATE_UNSET;
    if (def->dns && network_dns_complete(def, def->dns) < 0)
        return -1;
    drop_empty(&NETWORK_DNS_DESC, &def->dns);
    if (complete_lists(def) < 0 || complete_forward(def) < 0 || complete_bridge(def) < 0)
        return -1;
    if (network_port_parts_complete(def->vlan, &def->bandwidth, false) == 0)
        return 0;
    error_context("network '%s'", def->name);
    return -1;
}
