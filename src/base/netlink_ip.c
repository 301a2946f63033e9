/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Addresses, routes and neighbours by rtnetlink.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/netlink_private.h"
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <string.h>
#include <sys/socket.h>

static guint8 family_of(const IpAddress *ip)
{
    return ip_is_v6(ip) ? AF_INET6 : AF_INET;
}

static bool take_ip(struct nlattr *attr, IpAddress *ip)
{
    int len = attr ? nla_len(attr) : 0;
    if (len != 4 && len != 16)
        return false;
    ip->size = (guint8) len;
    memcpy(ip->bytes, nla_data(attr), (size_t) len);
    return true;
}

static int fail(int error, const char *what, const IpAddress *ip, guint prefix, guint32 index)
{
    char name[IF_NAMESIZE] = "", text[IP_TEXT_SIZE];
    if (!index || !if_indextoname(index, name))
        g_strlcpy(name, index ? "?" : "its gateway's device", sizeof(name));
    return FAIL_ERRNO(error, "cannot %s %s/%u on %s", what, ip->size ? ip_format(ip, text) : "default", prefix, name);
}

/* ---- addresses ---- */

static void read_address(struct nlmsghdr *hdr, GArray *into)
{
    const struct ifaddrmsg *head = nlmsg_data(hdr);
    struct nlattr *attrs[IFA_MAX + 1];
    if (hdr->nlmsg_type != RTM_NEWADDR || nlmsg_parse(hdr, sizeof(*head), attrs, IFA_MAX, NULL) < 0)
        return;
    NetlinkAddress address = {
        .index = head->ifa_index, .prefix = head->ifa_prefixlen, .scope = head->ifa_scope,
        .flags = attrs[IFA_FLAGS] ? nla_get_u32(attrs[IFA_FLAGS]) : head->ifa_flags,
    };
    if (take_ip(attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS], &address.ip))
        g_array_append_val(into, address);
}

GArray *netlink_addresses(Netlink *nl)
{
    struct ifaddrmsg head = { .ifa_family = AF_UNSPEC };
    return netlink_dump(nl, netlink_message(RTM_GETADDR, NLM_F_DUMP, &head, sizeof(head)), sizeof(NetlinkAddress), NULL, read_address,
                        "addresses");
}

static struct nl_msg *address_message(int type, int flags, guint32 index, const IpAddress *ip, guint prefix)
{
    struct ifaddrmsg head = { .ifa_family = family_of(ip), .ifa_prefixlen = (guint8) prefix, .ifa_index = index };
    struct nl_msg *msg = netlink_message(type, flags | NLM_F_ACK, &head, sizeof(head));
    nla_put(msg, IFA_LOCAL, ip->size, ip->bytes);
    nla_put(msg, IFA_ADDRESS, ip->size, ip->bytes);
    return msg;
}

int netlink_address_add(Netlink *nl, guint32 index, const IpAddress *ip, guint prefix)
{
    struct nl_msg *msg = address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, ip, prefix);
    if (!ip_is_v6(ip) && prefix < 31) {
        IpAddress broadcast = *ip;
        for (guint bit = prefix; bit < 32; bit++)
            broadcast.bytes[bit / 8] |= (guint8) (0x80 >> bit % 8);
        nla_put(msg, IFA_BROADCAST, 4, broadcast.bytes);
    }
    int error = netlink_request(nl, msg);
    return error && error != EEXIST ? fail(error, "add address", ip, prefix, index) : 0;
}

int netlink_address_remove(Netlink *nl, guint32 index, const IpAddress *ip, guint prefix)
{
    int error = netlink_request(nl, address_message(RTM_DELADDR, 0, index, ip, prefix));
    return error && error != EADDRNOTAVAIL && error != ENODEV ? fail(error, "remove address", ip, prefix, index) : 0;
}

/* ---- routes ---- */

static void read_route(struct nlmsghdr *hdr, GArray *into)
{
    const struct rtmsg *head = nlmsg_data(hdr);
    struct nlattr *attrs[RTA_MAX + 1];
    if (hdr->nlmsg_type != RTM_NEWROUTE || head->rtm_type != RTN_UNICAST || (head->rtm_flags & RTM_F_CLONED) ||
        nlmsg_parse(hdr, sizeof(*head), attrs, RTA_MAX, NULL) < 0)
        return;
    NetlinkRoute route = { .prefix = head->rtm_dst_len, .table = head->rtm_table, .protocol = head->rtm_protocol };
    take_ip(attrs[RTA_DST], &route.dest);
    if (!route.dest.size && head->rtm_dst_len == 0)
        route.gateway.size = head->rtm_family == AF_INET6 ? 16 : 4;
    take_ip(attrs[RTA_GATEWAY], &route.gateway);
    route.index = attrs[RTA_OIF] ? nla_get_u32(attrs[RTA_OIF]) : 0;
    route.metric = attrs[RTA_PRIORITY] ? nla_get_u32(attrs[RTA_PRIORITY]) : 0;
    if (attrs[RTA_TABLE])
        route.table = nla_get_u32(attrs[RTA_TABLE]);
    g_array_append_val(into, route);
}

GArray *netlink_routes(Netlink *nl)
{
    struct rtmsg head = { .rtm_family = AF_UNSPEC };
    return netlink_dump(nl, netlink_message(RTM_GETROUTE, NLM_F_DUMP, &head, sizeof(head)), sizeof(NetlinkRoute), NULL, read_route, "routes");
}

static struct nl_msg *route_message(int type, int flags, const NetlinkRoute *route)
{
    const IpAddress *known = route->dest.size ? &route->dest : &route->gateway;
    struct rtmsg head = {
        .rtm_family = family_of(known), .rtm_dst_len = route->prefix,
        .rtm_table = (guint8) (route->table && route->table < 256 ? route->table : RT_TABLE_MAIN),
        .rtm_protocol = route->protocol ? route->protocol : RTPROT_STATIC,
        .rtm_scope = route->gateway.size || ip_is_v6(known) ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK, .rtm_type = RTN_UNICAST,
    };
    if (type == RTM_DELROUTE && !route->protocol)
        head.rtm_protocol = RTPROT_UNSPEC;
    struct nl_msg *msg = netlink_message(type, flags | NLM_F_ACK, &head, sizeof(head));
    if (route->dest.size)
        nla_put(msg, RTA_DST, route->dest.size, route->dest.bytes);
    if (route->gateway.size)
        nla_put(msg, RTA_GATEWAY, route->gateway.size, route->gateway.bytes);
    if (route->index)
        nla_put_u32(msg, RTA_OIF, route->index);
    if (route->metric)
        nla_put_u32(msg, RTA_PRIORITY, route->metric);
    if (route->table >= 256)
        nla_put_u32(msg, RTA_TABLE, route->table);
    return msg;
}

int netlink_route_add(Netlink *nl, const NetlinkRoute *route)
{
    int error = netlink_request(nl, route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route));
    return error && error != EEXIST ? fail(error, "add a route to", &route->dest, route->prefix, route->index) : 0;
}

int netlink_route_remove(Netlink *nl, const NetlinkRoute *route)
{
    int error = netlink_request(nl, route_message(RTM_DELROUTE, 0, route));
    return error && error != ESRCH && error != ENODEV ? fail(error, "remove the route to", &route->dest, route->prefix, route->index) : 0;
}

/* ---- neighbours ---- */

static void read_neighbour(struct nlmsghdr *hdr, GArray *into)
{
    const struct ndmsg *head = nlmsg_data(hdr);
    struct nlattr *attrs[NDA_MAX + 1];
    NetlinkNeighbour neighbour = { .index = (guint32) head->ndm_ifindex, .state = head->ndm_state };
    if (hdr->nlmsg_type != RTM_NEWNEIGH || nlmsg_parse(hdr, sizeof(*head), attrs, NDA_MAX, NULL) < 0 ||
        !take_ip(attrs[NDA_DST], &neighbour.ip) || !attrs[NDA_LLADDR] || nla_len(attrs[NDA_LLADDR]) != 6)
        return;
    memcpy(neighbour.mac, nla_data(attrs[NDA_LLADDR]), 6);
    g_array_append_val(into, neighbour);
}

GArray *netlink_neighbours(Netlink *nl)
{
    struct ndmsg head = { .ndm_family = AF_UNSPEC };
    return netlink_dump(nl, netlink_message(RTM_GETNEIGH, NLM_F_DUMP, &head, sizeof(head)), sizeof(NetlinkNeighbour), NULL, read_neighbour,
                        "neighbours");
}

int netlink_fdb_change(Netlink *nl, guint32 index, const guint8 mac[6], bool add)
{
    struct ndmsg head = { .ndm_family = AF_BRIDGE, .ndm_ifindex = (int) index, .ndm_state = NUD_NOARP, .ndm_flags = NTF_MASTER };
    struct nl_msg *msg = netlink_message(add ? RTM_NEWNEIGH : RTM_DELNEIGH, (add ? NLM_F_CREATE | NLM_F_REPLACE : 0) | NLM_F_ACK,
                                         &head, sizeof(head));
    nla_put(msg, NDA_LLADDR, 6, mac);
    int error = netlink_request(nl, msg);
    if (!error || (!add && (error == ENOENT || error == ENODEV)))
        return 0;
    return FAIL_ERRNO(error, "cannot %s a hardware address %s the bridge's table", add ? "add" : "remove", add ? "to" : "from");
}
