/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which VLANs pass a bridge and its ports, as it was.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/netlink_private.h"
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <netlink/attr.h>

#define VLANS 4096

/* Of a bridge or a port, by number: flags, and that it is there. */
typedef guint16 Vlans[VLANS];
#define IS_THERE 0x8000

static guint32 index_of(GBytes *bytes)
{
    return (guint32) ((const struct ifinfomsg *) nlmsg_data(g_bytes_get_data(bytes, NULL)))->ifi_index;
}

/* A bridge tells of itself as its own port. */
static bool is_bridge(GBytes *bytes)
{
    const struct nlattr *master = nlmsg_find_attr((struct nlmsghdr *) g_bytes_get_data(bytes, NULL), sizeof(struct ifinfomsg), IFLA_MASTER);
    return !master || nla_len(master) < 4 || nla_get_u32(master) == index_of(bytes);
}

static void read_vlans(GBytes *bytes, Vlans vlans)
{
    struct nlattr *spec = nlmsg_find_attr((struct nlmsghdr *) g_bytes_get_data(bytes, NULL), sizeof(struct ifinfomsg), IFLA_AF_SPEC), *one;
    int left;
    if (!spec)
        return;
    nla_for_each_nested(one, spec, left) {
        const struct bridge_vlan_info *info = nla_data(one);
        if (nla_type(one) == IFLA_BRIDGE_VLAN_INFO && nla_len(one) == sizeof(*info) && info->vid < VLANS)
            vlans[info->vid] = (guint16) (IS_THERE | (info->flags & (BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED)));
    }
}

/* Those of @some that aren't the same among @others. */
static GArray *which_differ(const Vlans some, const Vlans others)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(NetlinkVlan));
    for (guint id = 0; id < VLANS; id++) {
        NetlinkVlan vlan = { (guint16) id, some[id] & BRIDGE_VLAN_INFO_PVID, some[id] & BRIDGE_VLAN_INFO_UNTAGGED };
        if (some[id] && some[id] != others[id])
            g_array_append_val(found, vlan);
    }
    return found;
}

/* @is: what the kernel tells now, NULL if nothing. */
static int restore_one(Netlink *nl, GBytes *was, GBytes *is)
{
    Vlans wants = { 0 }, has = { 0 };
    read_vlans(was, wants);
    if (is)
        read_vlans(is, has);
    g_autoptr(GArray) gone = which_differ(has, wants), missing = which_differ(wants, has);
    if (netlink_vlans_change(nl, index_of(was), is_bridge(was), (const NetlinkVlan *) gone->data, gone->len, false) < 0)
        return -1;
    return netlink_vlans_change(nl, index_of(was), is_bridge(was), (const NetlinkVlan *) missing->data, missing->len, true);
}

int netlink_vlans_restore(Netlink *nl, const GPtrArray *saved, GHashTable *indexes)
{
    g_autoptr(GPtrArray) now = saved->len ? netlink_saved_dump(nl, NETLINK_SAVED_VLANS) : NULL;
    g_autoptr(GHashTable) by_index = g_hash_table_new(NULL, NULL);
    int rc = saved->len && !now ? -1 : 0;
    for (guint i = 0; now && i < now->len; i++)
        g_hash_table_insert(by_index, GUINT_TO_POINTER(index_of(now->pdata[i])), now->pdata[i]);
    for (guint i = 0; now && i < saved->len; i++) {
        gpointer index = GUINT_TO_POINTER(index_of(saved->pdata[i]));
        if (g_hash_table_contains(indexes, index) && restore_one(nl, saved->pdata[i], g_hash_table_lookup(by_index, index)) < 0)
            rc = -1;
    }
    return rc;
}
