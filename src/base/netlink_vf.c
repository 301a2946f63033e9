/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Virtual functions of network cards, by the card's own network device.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/netlink_private.h"
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <string.h>
#include <sys/socket.h>

static int fail(guint32 index, guint number, int error, const char *what)
{
    char name[IF_NAMESIZE];
    if (!if_indextoname(index, name))
        g_snprintf(name, sizeof(name), "number %u", index);
    if (error == EOPNOTSUPP)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "cannot %s of virtual function %u of network card '%s': its driver doesn't do that", what, number,
                    name);
    return FAIL_ERRNO(error, "cannot %s of virtual function %u of network card '%s'", what, number, name);
}

/* ---- what is ---- */

typedef struct Function {
    guint32 number;
    NetlinkVf vf;
} Function;

static void read_function(struct nlattr *info, GArray *into)
{
    struct nlattr *attrs[IFLA_VF_MAX + 1];
    Function function = { 0 };
    if (nla_parse_nested(attrs, IFLA_VF_MAX, info, NULL) < 0 || !attrs[IFLA_VF_MAC] ||
        (size_t) nla_len(attrs[IFLA_VF_MAC]) < sizeof(struct ifla_vf_mac))
        return;
    const struct ifla_vf_mac *mac = nla_data(attrs[IFLA_VF_MAC]);
    function.number = mac->vf;
    memcpy(function.vf.mac, mac->mac, sizeof(function.vf.mac));
    if (attrs[IFLA_VF_VLAN] && (size_t) nla_len(attrs[IFLA_VF_VLAN]) >= sizeof(struct ifla_vf_vlan)) {
        const struct ifla_vf_vlan *vlan = nla_data(attrs[IFLA_VF_VLAN]);
        function.vf.vlan = (guint16) vlan->vlan;
        function.vf.qos = (guint8) vlan->qos;
    }
    g_array_append_val(into, function);
}

static void read_functions(struct nlmsghdr *hdr, GArray *into)
{
    struct nlattr *attrs[IFLA_MAX + 1], *info;
    int left;
    if (hdr->nlmsg_type != RTM_NEWLINK || nlmsg_parse(hdr, sizeof(struct ifinfomsg), attrs, IFLA_MAX, NULL) < 0 || !attrs[IFLA_VFINFO_LIST])
        return;
    nla_for_each_nested(info, attrs[IFLA_VFINFO_LIST], left) {
        if (nla_type(info) == IFLA_VF_INFO)
            read_function(info, into);
    }
}

int netlink_vf(Netlink *nl, guint32 index, guint number, NetlinkVf *vf)
{
    struct ifinfomsg head = { .ifi_index = (int) index };
    struct nl_msg *msg = netlink_message(RTM_GETLINK, 0, &head, sizeof(head));
    nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_VF);
    g_autoptr(GArray) found = netlink_dump(nl, msg, sizeof(Function), NULL, read_functions, "virtual functions");
    for (guint i = 0; found && i < found->len; i++) {
        const Function *one = &g_array_index(found, Function, i);
        if (one->number != number)
            continue;
        *vf = one->vf;
        return 0;
    }
    return found ? fail(index, number, ENODEV, "read the settings") : -1;
}

/* ---- what shall be ---- */

static int set(Netlink *nl, guint32 index, guint number, int type, const void *data, int len, const char *what)
{
    struct ifinfomsg head = { .ifi_index = (int) index };
    struct nl_msg *msg = netlink_message(RTM_SETLINK, NLM_F_ACK, &head, sizeof(head));
    struct nlattr *list = nla_nest_start(msg, IFLA_VFINFO_LIST), *info = nla_nest_start(msg, IFLA_VF_INFO);
    nla_put(msg, type, len, data);
    nla_nest_end(msg, info);
    nla_nest_end(msg, list);
    int error = netlink_request(nl, msg);
    return error ? fail(index, number, error, what) : 0;
}

int netlink_vf_set(Netlink *nl, guint32 index, guint number, const NetlinkVf *vf)
{
    struct ifla_vf_mac mac = { .vf = number };
    const struct ifla_vf_vlan vlan = { .vf = number, .vlan = vf->vlan, .qos = vf->qos };
    NetlinkVf now;
    memcpy(mac.mac, vf->mac, sizeof(vf->mac));
    if (netlink_vf(nl, index, number, &now) < 0 || set(nl, index, number, IFLA_VF_MAC, &mac, sizeof(mac), "set the hardware address") < 0)
        return -1;
    if (now.vlan == vf->vlan && now.qos == vf->qos) /* drivers without VLANs have none to set */
        return 0;
    return set(nl, index, number, IFLA_VF_VLAN, &vlan, sizeof(vlan), "set the VLAN");
}
