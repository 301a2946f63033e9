/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * VLANs of the ports of the kernel's bridges.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <sys/socket.h>
#include "base/netlink_private.h"

static int fail(guint32 index, int error)
{
    char name[IF_NAMESIZE];
    if (!if_indextoname(index, name))
        g_snprintf(name, sizeof(name), "number %u", index);
    if (error == EOPNOTSUPP)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "network device '%s' can't have VLANs: this host's kernel was built without VLANs on "
                    "bridges (CONFIG_BRIDGE_VLAN_FILTERING); a bridge of Open vSwitch has them", name);
    return FAIL_ERRNO(error, "cannot set the VLANs of network device '%s'", name);
}

int netlink_bridge_filter_vlans(Netlink *nl, guint32 bridge)
{
    struct ifinfomsg head = { .ifi_index = (int) bridge };
    struct nl_msg *msg = netlink_message(RTM_NEWLINK, NLM_F_ACK, &head, sizeof(head));
    struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);
    nla_put_string(msg, IFLA_INFO_KIND, "bridge");
    struct nlattr *data = nla_nest_start(msg, IFLA_INFO_DATA);
    nla_put_u8(msg, IFLA_BR_VLAN_FILTERING, 1);
    nla_nest_end(msg, data);
    nla_nest_end(msg, info);
    int error = netlink_request(nl, msg);
    return error ? fail(bridge, error) : 0;
}

/* VLANs that one message has room for. */
#define VLANS_AT_ONCE 128

static int change(Netlink *nl, guint32 index, bool is_bridge, int type, const NetlinkVlan *vlans, guint n)
{
    struct ifinfomsg head = { .ifi_family = AF_BRIDGE, .ifi_index = (int) index };
    struct nl_msg *msg = netlink_message(type, NLM_F_ACK, &head, sizeof(head));
    struct nlattr *spec = nla_nest_start(msg, IFLA_AF_SPEC);
    nla_put_u16(msg, IFLA_BRIDGE_FLAGS, is_bridge ? BRIDGE_FLAGS_SELF : BRIDGE_FLAGS_MASTER);
    for (guint i = 0; i < n; i++) {
        const struct bridge_vlan_info info = {
            .vid = vlans[i].id,
            .flags = (vlans[i].native ? BRIDGE_VLAN_INFO_PVID : 0) | (vlans[i].untagged ? BRIDGE_VLAN_INFO_UNTAGGED : 0),
        };
        nla_put(msg, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
    }
    nla_nest_end(msg, spec);
    return netlink_request(nl, msg);
}

int netlink_vlans_change(Netlink *nl, guint32 index, bool is_bridge, const NetlinkVlan *vlans, guint n, bool add)
{
    int error = 0;
    for (guint i = 0; i < n && !error; i += VLANS_AT_ONCE) {
        error = change(nl, index, is_bridge, add ? RTM_SETLINK : RTM_DELLINK, vlans + i, MIN(VLANS_AT_ONCE, n - i));
        if (!add && error == ENOENT)
            error = 0;
    }
    return error ? fail(index, error) : 0;
}

int netlink_port_change_vlans(Netlink *nl, guint32 index, const NetlinkVlan *vlans, guint n, bool add)
{
    return netlink_vlans_change(nl, index, false, vlans, n, add);
}
