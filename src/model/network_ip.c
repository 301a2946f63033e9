/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Networks: addresses, what DHCP hands out, routes.
 */
#include "model/network_private.h"
#include <string.h>

/* Longest range of addresses that is handed out. */
#define RANGE_MAX 65535
#define LEASE_MIN_SECONDS 120

int network_address(const NetworkDef *net, char **text, IpAddress *ip, int code, const char *what)
{
    char buf[IP_TEXT_SIZE];

    if (!ip_parse(*text, ip))
        return FAIL(code, "network '%s': %s '%s' is not an IP address", net->name, what, *text ?: "");
    g_free(*text);
    *text = g_strdup(ip_format(ip, buf));
    return 0;
}

static bool family_fits(IpFamily family, const IpAddress *ip)
{
    return ip_is_v6(ip) == (family == IP_FAMILY_IPV6);
}

/* Prefix of the class that an IPv4 address was in long ago. */
static guint class_prefix(const IpAddress *ip)
{
    if (ip_is_v6(ip))
        return 64;
    guint8 first = ip->bytes[0];
    return first < 128 ? 8 : first < 192 ? 16 : first < 224 ? 24 : 32;
}

guint network_ip_prefix(const NetworkIp *ip)
{
    IpAddress address, mask;

    if (ip->has_prefix)
        return ip->prefix;
    if (ip_parse(ip->netmask, &mask)) {
        int prefix = ip_mask_prefix(&mask);
        return prefix < 0 ? ip_bits(&mask) : (guint)prefix;
    }
    return ip_parse(ip->address, &address) ? class_prefix(&address) : 0;
}

static guint64 lease_seconds(const NetworkLease *lease)
{
    guint64 factor = lease->unit == NETWORK_LEASE_UNIT_SECONDS ? 1 : lease->unit == NETWORK_LEASE_UNIT_HOURS ? 3600 : 60;
    return lease->expiry > G_MAXUINT32 / factor ? G_MAXUINT64 : lease->expiry * factor;
}

/* 0 is for ever; it needs no unit. */
static int complete_lease(const NetworkDef *net, NetworkLease **lease)
{
    NetworkLease *l = *lease;

    if (!l)
        return 0;
    if (!l->has_expiry) {
        xml_struct_free(&NETWORK_LEASE_DESC, l);
        *lease = NULL;
        return 0;
    }
    if (!l->expiry) {
        l->unit = NETWORK_LEASE_UNIT_UNSET;
        return 0;
    }
    guint64 seconds = lease_seconds(l);
    if (seconds < LEASE_MIN_SECONDS || seconds > G_MAXUINT32)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "network '%s': a lease lasts at least two minutes and at most %u seconds; 0 is "
                    "for ever", net->name, G_MAXUINT32);
    if (!l->unit)
        l->unit = NETWORK_LEASE_UNIT_MINUTES;
    return 0;
}

/* Neither end may be the network's own address or, in IPv4, its broadcast address. */
static int check_range_in_network(const NetworkDef *net, const NetworkIp *ip, const NetworkDhcpRange *range,
                                  const IpAddress *start, const IpAddress *end)
{
    IpAddress own;
    guint prefix = network_ip_prefix(ip);

    ip_parse(ip->address, &own);
    if (!ip_same_network(start, &own, prefix) || !ip_same_network(end, &own, prefix))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "network '%s': range %s - %s is not entirely within network %s/%u", net->name,
                    range->start, range->end, ip->address, prefix);
    if (prefix < ip_bits(start) && ip_host_bits_are(start, prefix, false))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "network '%s': range %s - %s begins with the network's own address", net->name,
                    range->start, range->end);
    if (!ip_is_v6(end) && prefix < ip_bits(end) && ip_host_bits_are(end, prefix, true))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "network '%s': range %s - %s ends with the broadcast address", net->name,
                    range->start, range->end);
    return 0;
}

static int check_range_size(const NetworkDef *net, const NetworkDhcpRange *range, const IpAddress *start,
                            const IpAddress *end)
{
    guint last = start->size - 3u; /* all that counts is in the last three bytes */
    guint64 first_number = 0, last_number = 0;

    for (guint i = last; i < start->size; i++) {
        first_number = first_number << 8 | start->bytes[i];
        last_number = last_number << 8 | end->bytes[i];
    }
    if (memcmp(start->bytes, end->bytes, last) || last_number - first_number > RANGE_MAX)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "network '%s': range %s - %s is too large: at most %d addresses", net->name,
                    range->start, range->end, RANGE_MAX);
    return 0;
}

int network_range_complete(const NetworkDef *net, const NetworkIp *ip, NetworkDhcpRange *range)
{
    IpAddress start, end;

    if (!range->start || !range->end)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': a DHCP range needs the attributes 'start' and 'end'", net->name);
    if (network_address(net, &range->start, &start, VIR_ERR_SYSTEM_ERROR, "start of a DHCP range") < 0 ||
        network_address(net, &range->end, &end, VIR_ERR_SYSTEM_ERROR, "end of a DHCP range") < 0)
        return -1;
    if (start.size != end.size || ip_compare(&start, &end) > 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "network '%s': range %s - %s is reversed", net->name, range->start, range->end);
    if (check_range_in_network(net, ip, range, &start, &end) < 0 || check_range_size(net, range, &start, &end) < 0)
        return -1;
    return complete_lease(net, &range->lease);
}

static int check_host_id(const NetworkDef *net, const NetworkDhcpHost *host)
{
    const char *bad = host->id ? host->id + strspn(host->id, "0123456789abcdefABCDEF:") : "";

    if (*bad)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': DHCP host id '%s' may have hexadecimal digits and colons only", net->name,
                    host->id);
    return 0;
}

static int check_host_names(const NetworkDef *net, const NetworkIp *ip, const NetworkDhcpHost *host, bool partial)
{
    bool v6 = ip->family == IP_FAMILY_IPV6;

    if (host->has_mac && v6)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': an IPv6 host is told by its id or name, not by a hardware address",
                    net->name);
    if (host->has_mac && (host->mac[0] & 1))
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': the hardware address of a DHCP host is a multicast one", net->name);
    if (partial) {
        if (!host->has_mac && !host->name && !host->ip && !host->id)
            return FAIL(VIR_ERR_XML_ERROR, "network '%s': a DHCP host needs one of the attributes name, mac, ip", net->name);
        return 0;
    }
    if (v6 ? !host->id && !host->name : !host->has_mac && !host->name)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': a DHCP host in an %s network needs the attribute %s or name", net->name,
                    v6 ? "IPv6" : "IPv4", v6 ? "id" : "mac");
    if (!host->ip)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': a DHCP host needs an address: attribute ip", net->name);
    return 0;
}

int network_host_complete(const NetworkDef *net, const NetworkIp *ip, NetworkDhcpHost *host, bool partial)
{
    IpAddress address;

    if (check_host_id(net, host) < 0 || check_host_names(net, ip, host, partial) < 0)
        return -1;
    if (host->ip && network_address(net, &host->ip, &address, VIR_ERR_XML_ERROR, "DHCP host") < 0)
        return -1;
    return complete_lease(net, &host->lease);
}

static int complete_dhcp(const NetworkDef *net, NetworkIp *ip)
{
    NetworkDhcp *dhcp = ip->dhcp;

    if (!dhcp)
        return 0;
    for (guint i = 0; i < dhcp->n_ranges; i++) {
        if (network_range_complete(net, ip, dhcp->ranges[i]) < 0)
            return -1;
    }
    for (guint i = 0; i < dhcp->n_hosts; i++) {
        if (network_host_complete(net, ip, dhcp->hosts[i], false) < 0)
            return -1;
    }
    if (!dhcp->n_ranges && !dhcp->n_hosts && !dhcp->bootp.file) { /* a server without a file serves nothing */
        xml_struct_free(&NETWORK_DHCP_DESC, dhcp);
        ip->dhcp = NULL;
    }
    return 0;
}

static int check_ip_length(const NetworkDef *net, NetworkIp *ip, const IpAddress *address)
{
    IpAddress mask;

    if (ip->has_prefix && ip->netmask)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "network '%s': address %s has both a prefix and a netmask", net->name,
                    ip->address);
    if (ip->has_prefix && ip->prefix > ip_bits(address))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "network '%s': prefix %u of address %s is too long", net->name, ip->prefix,
                    ip->address);
    if (!ip->netmask)
        return 0;
    if (network_address(net, &ip->netmask, &mask, VIR_ERR_XML_ERROR, "netmask") < 0)
        return -1;
    if (ip_is_v6(address) || ip_is_v6(&mask))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "network '%s': only IPv4 has netmasks: give IPv6 address %s a prefix", net->name,
                    ip->address);
    return 0;
}

int network_ip_complete(NetworkDef *net, NetworkIp *ip)
{
    IpAddress address;

    if (network_address(net, &ip->address, &address, VIR_ERR_XML_ERROR, "address") < 0)
        return -1;
    if (!family_fits(ip->family, &address))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "network '%s': address %s is not of family %s", net->name, ip->address,
                    ip->family == IP_FAMILY_IPV6 ? "ipv6" : "ipv4");
    if (check_ip_length(net, ip, &address) < 0)
        return -1;
    return complete_dhcp(net, ip);
}

/* ---- routes ---- */

static int route_prefix(const NetworkDef *net, InterfaceRoute *route, const IpAddress *address, guint *prefix)
{
    IpAddress mask;
    int length;

    if (route->netmask && route->has_prefix)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': the route to %s has both a prefix and a netmask", net->name,
                    route->address);
    if (route->has_prefix) {
        *prefix = route->prefix;
    } else if (route->netmask) {
        if (network_address(net, &route->netmask, &mask, VIR_ERR_XML_ERROR, "netmask of a route") < 0)
            return -1;
        length = ip_mask_prefix(&mask);
        if (ip_is_v6(&mask) || ip_is_v6(address) || length < 0)
            return FAIL(VIR_ERR_XML_ERROR, "network '%s': netmask %s of the route to %s has no meaning", net->name,
                        route->netmask, route->address);
        *prefix = (guint)length;
    } else { /* the default route, or one host */
        *prefix = ip_host_bits_are(address, 0, false) ? 0 : class_prefix(address);
    }
    if (*prefix > ip_bits(address))
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': prefix %u of the route to %s is too long", net->name, *prefix,
                    route->address);
    return 0;
}

static bool is_reachable(const NetworkDef *net, const IpAddress *gateway)
{
    for (guint i = 0; i < net->n_ips; i++) {
        IpAddress own;
        if (ip_parse(net->ips[i]->address, &own) && ip_same_network(&own, gateway, network_ip_prefix(net->ips[i])))
            return true;
    }
    return false;
}

int network_route_complete(const NetworkDef *net, InterfaceRoute *route)
{
    IpAddress address, gateway;
    guint prefix = 0;

    if (!route->address || !route->gateway)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': a route needs the attributes 'address' and 'gateway'", net->name);
    if (network_address(net, &route->address, &address, VIR_ERR_XML_ERROR, "route to") < 0 ||
        network_address(net, &route->gateway, &gateway, VIR_ERR_XML_ERROR, "gateway") < 0)
        return -1;
    if (!family_fits(route->family, &address) || !family_fits(route->family, &gateway))
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': route to %s over %s: not addresses of family %s", net->name,
                    route->address, route->gateway, route->family == IP_FAMILY_IPV6 ? "ipv6" : "ipv4");
    if (route_prefix(net, route, &address, &prefix) < 0)
        return -1;
    if (!ip_host_bits_are(&address, prefix, false))
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': route to %s/%u: that is not the address of a network", net->name,
                    route->address, prefix);
    if (!is_reachable(net, &gateway))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "network '%s': gateway %s of the route to %s is in none of its networks",
                    net->name, route->gateway, route->address);
    return 0;
}
