/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_INTERFACE
#include "model/interface.h"
#include <string.h>
#include "base/error.h"
#include "base/ip.h"

static int fail_missing(const HostInterfaceDef *def, const char *path, const char *what)
{
    return FAIL(VIR_ERR_XML_ERROR, "interface%s: %s is missing in interface '%s'", path, what, def->name);
}

/* Read an address, and write it in its usual form. */
static int address(char **text, IpAddress *ip, const char *path)
{
    char buf[IP_TEXT_SIZE];

    if (!ip_parse(*text, ip))
        return FAIL(VIR_ERR_XML_ERROR, "interface.%s: '%s' is not an IP address", path, *text);
    g_free(*text);
    *text = g_strdup(ip_format(ip, buf));
    return 0;
}

static int complete_protocol(const HostInterfaceDef *def, HostInterfaceProtocol *protocol)
{
    bool v6 = protocol->family == IP_FAMILY_IPV6;
    IpAddress ip;

    for (guint i = 0; i < protocol->n_ips; i++) {
        HostInterfaceIp *one = protocol->ips[i];
        if (address(&one->address, &ip, "protocol.ip@address") < 0)
            return -1;
        if (ip_is_v6(&ip) != v6)
            return FAIL(VIR_ERR_XML_ERROR, "interface.protocol.ip@address: '%s' is not of the family %s", one->address,
                        ip_family_to_string(protocol->family));
        if (one->prefix > ip_bits(&ip))
            return FAIL(VIR_ERR_XML_ERROR, "interface.protocol.ip@prefix: '%s' has no %u bits", one->address, one->prefix);
    }
    return protocol->gateway ? address(&protocol->gateway, &ip, "protocol.route@gateway") : 0;
}

static int complete_bond(const HostInterfaceDef *def, const HostBond *bond, const char *path)
{
    IpAddress ip;

    if (!bond)
        return fail_missing(def, path, "<bond>");
    if (bond->miimon && bond->arpmon)
        return FAIL(VIR_ERR_XML_ERROR, "interface%s.bond: it is watched by either <miimon> or <arpmon>", path);
    if (bond->arpmon && address(&bond->arpmon->target, &ip, "bond.arpmon@target") < 0)
        return -1;
    for (guint i = 0; i < bond->n_interfaces; i++) {
        if (bond->interfaces[i]->type != HOST_INTERFACE_TYPE_ETHERNET)
            return FAIL(VIR_ERR_XML_ERROR, "interface%s.bond.interface[%u]@type: a bond is made of ethernet devices, not of a %s",
                        path, i + 1, host_interface_type_to_string(bond->interfaces[i]->type));
    }
    return 0;
}

static int check_vlan(const HostInterfaceDef *def, const HostVlan *vlan, const char *path)
{
    if (!vlan)
        return fail_missing(def, path, "<vlan>");
    return vlan->interface ? 0 : fail_missing(def, path, "the <interface> that the VLAN is on");
}

static int complete_bridge(const HostInterfaceDef *def, const HostBridge *bridge)
{
    char *end;

    if (!bridge)
        return fail_missing(def, "", "<bridge>");
    if (bridge->delay && (!g_ascii_isdigit(*bridge->delay) || (g_ascii_strtod(bridge->delay, &end), *end)))
        return FAIL(VIR_ERR_XML_ERROR, "interface.bridge@delay: '%s' is no number of seconds", bridge->delay);
    for (guint i = 0; i < bridge->n_interfaces; i++) {
        const HostBridgePort *port = bridge->interfaces[i];
        g_autofree char *path = g_strdup_printf(".bridge.interface[%u]", i + 1);
        int rc = 0;
        if (port->type == HOST_INTERFACE_TYPE_BRIDGE)
            rc = FAIL(VIR_ERR_XML_ERROR, "interface%s@type: a bridge is not made of bridges", path);
        else if (port->type == HOST_INTERFACE_TYPE_BOND)
            rc = complete_bond(def, port->bond, path);
        else if (port->type == HOST_INTERFACE_TYPE_VLAN)
            rc = check_vlan(def, port->vlan, path);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int host_interface_complete(HostInterfaceDef *def)
{
    if (!*def->name)
        return FAIL(VIR_ERR_XML_ERROR, "interface@name: the name is empty");
    for (guint i = 0; i < def->n_protocols; i++) {
        if (complete_protocol(def, def->protocols[i]) < 0)
            return -1;
    }
    switch (def->type) {
    case HOST_INTERFACE_TYPE_BRIDGE:
        return complete_bridge(def, def->bridge);
    case HOST_INTERFACE_TYPE_BOND:
        return complete_bond(def, def->bond, "");
    case HOST_INTERFACE_TYPE_VLAN:
        return check_vlan(def, def->vlan, "");
    default:
        return 0;
    }
}

char *host_interface_mac(const HostInterfaceDef *def, char text[MAC_TEXT_SIZE])
{
    *text = '\0';
    return def->has_mac ? mac_format(def->mac, text) : text;
}
