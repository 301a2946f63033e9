/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which VLANs pass a bridge and its ports, as it was.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/netlink_private.h"
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <sys/socket.h>

/* VLANs in one message. */
#define BATCH 256
#define VLANS 4096

struct nl_msg *netlink_vlans_request(void)
{
    struct ifinfomsg head = { .ifi_family = AF_BRIDGE };
    struct nl_msg *msg = netlink_message(RTM_GETLINK, NLM_F_DUMP, &head, sizeof(head));
    nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN);
    return msg;
}

/* The VLANs of one link: for each its flags and a bit that it is there. */
typedef struct Vlans {
    guint32 index;
    bool is_bridge;
    guint16 of[VLANS];
} Vlans;

#define IS_THERE 0x8000
#define FLAGS (BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED)

static bool take_vlans(GBytes *bytes, Vlans *vlans)
{
    struct nlmsghdr *hdr = (struct nlmsghdr *) g_bytes_get_data(bytes, NULL);
    struct nlattr *attrs[IFLA_MAX + 1], *one;
    int left;
    *vlans = (Vlans) { 0 };
    if (nlmsg_parse(hdr, sizeof(struct ifinfomsg), attrs, IFLA_MAX, NULL) < 0)
        return false;
    vlans->index = (guint32) ((const struct ifinfomsg *) nlmsg_data(hdr))->ifi_index;
    /* a bridge tells of itself as its own port */
    vlans->is_bridge = !attrs[IFLA_MASTER] || nla_len(attrs[IFLA_MASTER]) < 4 || nla_get_u32(attrs[IFLA_MASTER]) == vlans->index;
    if (!attrs[IFLA_AF_SPEC])
        return true;
    nla_for_each_nested(one, attrs[IFLA_AF_SPEC], left) {
        const struct bridge_vlan_info *info = nla_data(one);
        if (nla_type(one) == IFLA_BRIDGE_VLAN_INFO && nla_len(one) == sizeof(*info) && info->vid < VLANS)
            vlans->of[info->vid] = (guint16) (IS_THERE | (info->flags & FLAGS));
    }
    return true;
}

/* What a link had, or has. */
static void find_vlans(const NetlinkSaved *saved, guint32 index, Vlans *vlans)
{
    const GPtrArray *all = saved->items[NETLINK_SAVED_VLANS];
    for (guint i = 0; i < all->len; i++) {
        if (take_vlans(all->pdata[i], vlans) && vlans->index == index)
            return;
    }
    *vlans = (Vlans) { .index = index };
}

/* Take away (@add: give) what differs between @has and @wants, from *@vid on. Whether there was anything to send; *@error is an errno. */
static bool send_batch(Netlink *nl, const Vlans *wants, const Vlans *has, bool add, guint *vid, int *error)
{
    struct ifinfomsg head = { .ifi_family = AF_BRIDGE, .ifi_index = (int) wants->index };
    struct nl_msg *msg = netlink_message(add ? RTM_SETLINK : RTM_DELLINK, NLM_F_ACK, &head, sizeof(head));
    struct nlattr *spec = nla_nest_start(msg, IFLA_AF_SPEC);
    guint n = 0;
    nla_put_u16(msg, IFLA_BRIDGE_FLAGS, wants->is_bridge ? BRIDGE_FLAGS_SELF : BRIDGE_FLAGS_MASTER);
    for (; *vid < VLANS && n < BATCH; ++*vid) {
        guint16 old = has->of[*vid], new = wants->of[*vid];
        if (old == new || !(add ? new : old))
            continue;
        struct bridge_vlan_info info = { .flags = (guint16) (add ? new & FLAGS : 0), .vid = (guint16) *vid };
        nla_put(msg, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
        n++;
    }
    nla_nest_end(msg, spec);
    if (n)
        *error = netlink_request(nl, msg);
    else
        nlmsg_free(msg);
    return n > 0;
}

static int restore_one(Netlink *nl, const Vlans *wants, const Vlans *has)
{
    char name[IF_NAMESIZE];
    int error = 0;
    for (int add = 0; add < 2; add++) {
        for (guint vid = 0; !error && vid < VLANS && send_batch(nl, wants, has, add, &vid, &error); )
            ;
    }
    return error ? FAIL_ERRNO(error, "cannot restore the VLANs of network device '%s'", if_indextoname(wants->index, name) ? name : "?") : 0;
}

int netlink_vlans_restore(Netlink *nl, const NetlinkSaved *saved, GHashTable *indexes)
{
    const GPtrArray *all = saved->items[NETLINK_SAVED_VLANS];
    g_autoptr(NetlinkSaved) now = all->len ? netlink_saved_new(nl) : NULL;
    int rc = all->len && !now ? -1 : 0;
    for (guint i = 0; now && i < all->len; i++) {
        g_autofree Vlans *wants = g_new(Vlans, 1), *has = g_new(Vlans, 1);
        if (!take_vlans(all->pdata[i], wants) || !g_hash_table_contains(indexes, GUINT_TO_POINTER(wants->index)))
            continue;
        find_vlans(now, wants->index, has);
        if (restore_one(nl, wants, has) < 0)
            rc = -1;
    }
    return rc;
}
