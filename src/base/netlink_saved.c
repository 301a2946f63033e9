/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Links, addresses, routes and VLANs of bridges as they were. The kernel's own messages are kept and sent back to it, so that nothing is lost
 * of what nobody here knows a word for. A link that is made again gets the number that it had.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/netlink_private.h"
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_vlan.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <string.h>
#include <sys/socket.h>

/* Longest message that is believed when it is read from a file. */
#define MESSAGE_MAX (1 << 20)

/* @mask: what a link tells only who asks for it. */
static const struct { int get, reply; const char *what; size_t head; guint8 family; guint32 mask; } kinds[NETLINK_SAVED_LAST] = {
    { RTM_GETLINK, RTM_NEWLINK, "network devices", sizeof(struct ifinfomsg) },
    { RTM_GETADDR, RTM_NEWADDR, "addresses", sizeof(struct ifaddrmsg) },
    { RTM_GETROUTE, RTM_NEWROUTE, "routes", sizeof(struct rtmsg) },
    { RTM_GETLINK, RTM_NEWLINK, "VLANs of bridges", sizeof(struct ifinfomsg), AF_BRIDGE, RTEXT_FILTER_BRVLAN },
};

/* ---- gathering ---- */

static void keep_message(struct nlmsghdr *hdr, GArray *into)
{
    GBytes *bytes = g_bytes_new(hdr, hdr->nlmsg_len);
    g_array_append_val(into, bytes);
}

static void drop_message(gpointer item) { g_bytes_unref(*(GBytes **) item); }

static NetlinkSaved *saved_alloc(void)
{
    NetlinkSaved *saved = g_new0(NetlinkSaved, 1);
    for (guint i = 0; i < NETLINK_SAVED_LAST; i++)
        saved->items[i] = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref);
    return saved;
}

void netlink_saved_free(NetlinkSaved *saved)
{
    if (!saved)
        return;
    for (guint i = 0; i < NETLINK_SAVED_LAST; i++)
        g_clear_pointer(&saved->items[i], g_ptr_array_unref);
    g_free(saved);
}

GPtrArray *netlink_saved_dump(Netlink *nl, NetlinkSavedKind kind)
{
    guint8 head[sizeof(struct ifinfomsg) + sizeof(struct rtmsg)] = { kinds[kind].family };
    struct nl_msg *msg = netlink_message(kinds[kind].get, NLM_F_DUMP, head, kinds[kind].head);
    if (kinds[kind].mask)
        nla_put_u32(msg, IFLA_EXT_MASK, kinds[kind].mask);
    g_autoptr(GArray) all = netlink_dump(nl, msg, sizeof(GBytes *), drop_message, keep_message, kinds[kind].what);
    GPtrArray *found = all ? g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref) : NULL;
    for (guint i = 0; all && i < all->len; i++)
        g_ptr_array_add(found, g_bytes_ref(g_array_index(all, GBytes *, i)));
    return found;
}

NetlinkSaved *netlink_saved_new(Netlink *nl)
{
    g_autoptr(NetlinkSaved) saved = g_new0(NetlinkSaved, 1);
    for (guint i = 0; i < NETLINK_SAVED_LAST; i++) {
        saved->items[i] = netlink_saved_dump(nl, i);
        if (!saved->items[i])
            return NULL;
    }
    return g_steal_pointer(&saved);
}

/* ---- text: a line for each message, kind and base64 ---- */

char *netlink_saved_text(const NetlinkSaved *saved)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < NETLINK_SAVED_LAST; i++) {
        for (guint j = 0; j < saved->items[i]->len; j++) {
            gsize len;
            gconstpointer data = g_bytes_get_data(saved->items[i]->pdata[j], &len);
            g_autofree char *code = g_base64_encode(data, len);
            g_string_append_printf(text, "%u %s\n", i, code);
        }
    }
    return g_string_free(text, FALSE);
}

static bool is_message(const guchar *data, gsize len, guint kind)
{
    const struct nlmsghdr *hdr = (const void *) data;
    return len >= NLMSG_HDRLEN + kinds[kind].head && len <= MESSAGE_MAX && hdr->nlmsg_len == len && hdr->nlmsg_type == kinds[kind].reply;
}

NetlinkSaved *netlink_saved_parse(const char *text)
{
    g_autoptr(NetlinkSaved) saved = saved_alloc();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line && **line; line++) {
        guint kind = (guint) (**line - '0');
        gsize len = 0;
        g_autofree guchar *data = kind < NETLINK_SAVED_LAST && (*line)[1] == ' ' ? g_base64_decode(*line + 2, &len) : NULL;
        if (!data || !is_message(data, len, kind))
            return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "line %u of the host's saved network is damaged", (guint) (line - lines) + 1);
        g_ptr_array_add(saved->items[kind], g_bytes_new_take(g_steal_pointer(&data), len));
    }
    return g_steal_pointer(&saved);
}

/* ---- taking messages apart ---- */

static struct nlmsghdr *header(GBytes *bytes) { return (struct nlmsghdr *) g_bytes_get_data(bytes, NULL); }

/* The first error of several steps, which all are tried. */
typedef struct FirstError {
    virErrorPtr error;
    int rc;
} FirstError;

static void step(FirstError *first, int rc)
{
    if (rc < 0 && !first->error)
        first->error = error_save();
    first->rc |= rc;
}

static int result(FirstError *first)
{
    if (first->error)
        error_restore(first->error);
    return first->rc ? -1 : 0;
}

typedef struct Link {
    const struct ifinfomsg *head;
    struct nlattr *attrs[IFLA_MAX + 1];
    const char *name, *kind, *port_kind; /* the last: of what it is a port */
    struct nlattr *data, *port_data;     /* of the kinds; may be NULL */
    guint32 master, parent, mtu;
} Link;

static guint32 u32(struct nlattr *attr) { return attr && nla_len(attr) >= 4 ? nla_get_u32(attr) : 0; }

static const char *string(struct nlattr *attr)
{
    return attr && nla_len(attr) > 0 && memchr(nla_data(attr), 0, (size_t) nla_len(attr)) ? nla_data(attr) : NULL;
}

static bool take_link(GBytes *bytes, Link *link)
{
    struct nlattr *info[IFLA_INFO_MAX + 1] = { NULL };
    memset(link, 0, sizeof(*link));
    if (nlmsg_parse(header(bytes), sizeof(*link->head), link->attrs, IFLA_MAX, NULL) < 0)
        return false;
    link->head = nlmsg_data(header(bytes));
    link->name = string(link->attrs[IFLA_IFNAME]);
    if (link->attrs[IFLA_LINKINFO] && nla_parse_nested(info, IFLA_INFO_MAX, link->attrs[IFLA_LINKINFO], NULL) == 0) {
        link->kind = string(info[IFLA_INFO_KIND]);
        link->data = info[IFLA_INFO_DATA];
        link->port_kind = string(info[IFLA_INFO_SLAVE_KIND]);
        link->port_data = info[IFLA_INFO_SLAVE_DATA];
    }
    link->master = u32(link->attrs[IFLA_MASTER]);
    link->parent = u32(link->attrs[IFLA_LINK]);
    link->mtu = u32(link->attrs[IFLA_MTU]);
    return link->name != NULL;
}

static bool find_link(const NetlinkSaved *saved, const char *name, Link *link)
{
    for (guint i = 0; i < saved->items[NETLINK_SAVED_LINKS]->len; i++) {
        if (take_link(saved->items[NETLINK_SAVED_LINKS]->pdata[i], link) && strcmp(link->name, name) == 0)
            return true;
    }
    return false;
}

bool netlink_saved_was_up(const NetlinkSaved *saved, const char *name)
{
    Link link;
    return find_link(saved, name, &link) && (link.head->ifi_flags & IFF_UP);
}

/* ---- links ---- */

/* Kinds that can be made again: what they are made with, options that can be set while they are there, and those that want the ports. */
typedef struct Kind {
    const char *kind;
    const guint8 *made_with, *options, *with_ports;
} Kind;

static const guint8 nothing[] = { 0 };
static const guint8 bridge_options[] = {
    IFLA_BR_FORWARD_DELAY, IFLA_BR_HELLO_TIME, IFLA_BR_MAX_AGE, IFLA_BR_AGEING_TIME, IFLA_BR_STP_STATE, IFLA_BR_PRIORITY,
    IFLA_BR_VLAN_PROTOCOL, IFLA_BR_VLAN_FILTERING, IFLA_BR_VLAN_DEFAULT_PVID, IFLA_BR_VLAN_STATS_ENABLED, IFLA_BR_GROUP_FWD_MASK,
    IFLA_BR_MCAST_ROUTER, IFLA_BR_MCAST_SNOOPING, IFLA_BR_MCAST_QUERY_USE_IFADDR, IFLA_BR_MCAST_QUERIER, IFLA_BR_MCAST_HASH_MAX,
    IFLA_BR_MCAST_LAST_MEMBER_CNT, IFLA_BR_MCAST_STARTUP_QUERY_CNT, IFLA_BR_MCAST_LAST_MEMBER_INTVL, IFLA_BR_MCAST_MEMBERSHIP_INTVL,
    IFLA_BR_MCAST_QUERIER_INTVL, IFLA_BR_MCAST_QUERY_INTVL, IFLA_BR_MCAST_QUERY_RESPONSE_INTVL, IFLA_BR_MCAST_STARTUP_QUERY_INTVL,
    IFLA_BR_MCAST_STATS_ENABLED, IFLA_BR_MCAST_IGMP_VERSION, IFLA_BR_MCAST_MLD_VERSION, IFLA_BR_NF_CALL_IPTABLES,
    IFLA_BR_NF_CALL_IP6TABLES, IFLA_BR_NF_CALL_ARPTABLES, 0 };
static const guint8 vlan_made_with[] = { IFLA_VLAN_ID, IFLA_VLAN_PROTOCOL, IFLA_VLAN_FLAGS, IFLA_VLAN_EGRESS_QOS, IFLA_VLAN_INGRESS_QOS, 0 };
static const guint8 bond_made_with[] = { IFLA_BOND_MODE, 0 };
static const guint8 bond_options[] = {
    IFLA_BOND_MIIMON, IFLA_BOND_UPDELAY, IFLA_BOND_DOWNDELAY, IFLA_BOND_PEER_NOTIF_DELAY, IFLA_BOND_USE_CARRIER, IFLA_BOND_ARP_INTERVAL,
    IFLA_BOND_ARP_IP_TARGET, IFLA_BOND_NS_IP6_TARGET, IFLA_BOND_ARP_VALIDATE, IFLA_BOND_ARP_ALL_TARGETS, IFLA_BOND_PRIMARY_RESELECT,
    IFLA_BOND_FAIL_OVER_MAC, IFLA_BOND_XMIT_HASH_POLICY, IFLA_BOND_RESEND_IGMP, IFLA_BOND_NUM_PEER_NOTIF, IFLA_BOND_ALL_SLAVES_ACTIVE,
    IFLA_BOND_MIN_LINKS, IFLA_BOND_LP_INTERVAL, IFLA_BOND_PACKETS_PER_SLAVE, IFLA_BOND_AD_LACP_RATE, IFLA_BOND_AD_SELECT,
    IFLA_BOND_AD_ACTOR_SYS_PRIO, IFLA_BOND_AD_USER_PORT_KEY, IFLA_BOND_AD_ACTOR_SYSTEM, IFLA_BOND_TLB_DYNAMIC_LB,
    IFLA_BOND_AD_LACP_ACTIVE, IFLA_BOND_MISSED_MAX, 0 };
static const guint8 bond_with_ports[] = { IFLA_BOND_PRIMARY, 0 };
static const guint8 macvlan_made_with[] = { IFLA_MACVLAN_MODE, IFLA_MACVLAN_FLAGS, 0 };
static const guint8 ipvlan_made_with[] = { IFLA_IPVLAN_MODE, IFLA_IPVLAN_FLAGS, 0 };
static const Kind kinds_of_links[] = {
    { "bridge", nothing, bridge_options, nothing }, { "vlan", vlan_made_with, nothing, nothing },
    { "bond", bond_made_with, bond_options, bond_with_ports }, { "dummy", nothing, nothing, nothing },
    { "macvlan", macvlan_made_with, nothing, nothing }, { "ipvlan", ipvlan_made_with, nothing, nothing },
};

/* What can be set of a port. */
static const guint8 bridge_port_options[] = {
    IFLA_BRPORT_PRIORITY, IFLA_BRPORT_COST, IFLA_BRPORT_MODE, IFLA_BRPORT_GUARD, IFLA_BRPORT_PROTECT, IFLA_BRPORT_FAST_LEAVE,
    IFLA_BRPORT_LEARNING, IFLA_BRPORT_UNICAST_FLOOD, IFLA_BRPORT_PROXYARP, IFLA_BRPORT_PROXYARP_WIFI, IFLA_BRPORT_MULTICAST_ROUTER,
    IFLA_BRPORT_MCAST_FLOOD, IFLA_BRPORT_MCAST_TO_UCAST, IFLA_BRPORT_VLAN_TUNNEL, IFLA_BRPORT_BCAST_FLOOD, IFLA_BRPORT_GROUP_FWD_MASK,
    IFLA_BRPORT_NEIGH_SUPPRESS, IFLA_BRPORT_ISOLATED, IFLA_BRPORT_LOCKED, 0 };
static const guint8 bond_port_options[] = { IFLA_BOND_SLAVE_QUEUE_ID, IFLA_BOND_SLAVE_PRIO, 0 };
static const struct { const char *kind; const guint8 *options; } kinds_of_ports[] = {
    { "bridge", bridge_port_options }, { "bond", bond_port_options },
};

static const Kind *kind_of(const Link *link)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds_of_links); i++) {
        if (link->kind && strcmp(link->kind, kinds_of_links[i].kind) == 0)
            return &kinds_of_links[i];
    }
    return NULL;
}

static bool same_bytes(struct nlattr *a, struct nlattr *b)
{
    return a && b && nla_len(a) == nla_len(b) && memcmp(nla_data(a), nla_data(b), (size_t) nla_len(a)) == 0;
}

#define OPTIONS_MAX 64

static void take_options(struct nlattr *data, struct nlattr *attrs[OPTIONS_MAX])
{
    memset(attrs, 0, OPTIONS_MAX * sizeof(*attrs));
    if (data && nla_parse_nested(attrs, OPTIONS_MAX - 1, data, NULL) < 0)
        memset(attrs, 0, OPTIONS_MAX * sizeof(*attrs));
}

static void put_option(struct nl_msg *msg, guint8 option, struct nlattr *attr, const guint8 *options)
{
    struct ifla_vlan_flags flags;
    if (options != vlan_made_with || option != IFLA_VLAN_FLAGS || nla_len(attr) != sizeof(flags)) {
        nla_put(msg, option, nla_len(attr), nla_data(attr));
        return;
    }
    /* the kernel tells of them with a mask that it doesn't take back */
    memcpy(&flags, nla_data(attr), sizeof(flags));
    flags.mask = flags.flags | VLAN_FLAG_REORDER_HDR;
    nla_put(msg, option, sizeof(flags), &flags);
}

/* The @options in @was that differ from those in @is (may be NULL), as a kernel may lack what the others need, or refuse it in the mode
 * in which a bond is. FALSE: none do. */
static bool put_options(struct nl_msg *msg, int type, struct nlattr *was, struct nlattr *is, const guint8 *options)
{
    struct nlattr *attrs[OPTIONS_MAX], *now[OPTIONS_MAX];
    bool any = false;
    take_options(was, attrs);
    take_options(is, now);
    struct nlattr *data = nla_nest_start(msg, type);
    for (const guint8 *option = options; *option; option++) {
        if (!attrs[*option] || same_bytes(attrs[*option], now[*option]))
            continue;
        put_option(msg, *option, attrs[*option], options);
        any = true;
    }
    if (any)
        nla_nest_end(msg, data);
    else
        nla_nest_cancel(msg, data);
    return any;
}

static void put(struct nl_msg *msg, int type, struct nlattr *attr)
{
    if (attr)
        nla_put(msg, type, nla_len(attr), nla_data(attr));
}

static struct nl_msg *message_to(const Link *link, int flags)
{
    struct ifinfomsg head = { .ifi_index = link->head->ifi_index };
    return netlink_message(RTM_NEWLINK, flags | NLM_F_ACK, &head, sizeof(head));
}

/* Send what @msg asks; says about which link it is. */
static int send_about(Netlink *nl, struct nl_msg *msg, const char *what, const char *name)
{
    int error = netlink_request(nl, msg);
    return error ? FAIL_ERRNO(error, "cannot %s of network device '%s'", what, name) : 0;
}

static int make_again(Netlink *nl, const Link *link)
{
    struct nl_msg *msg = message_to(link, NLM_F_CREATE | NLM_F_EXCL);
    nla_put_string(msg, IFLA_IFNAME, link->name);
    put(msg, IFLA_ADDRESS, link->attrs[IFLA_ADDRESS]);
    if (link->mtu)
        nla_put_u32(msg, IFLA_MTU, link->mtu);
    if (link->parent)
        nla_put_u32(msg, IFLA_LINK, link->parent);
    struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);
    nla_put_string(msg, IFLA_INFO_KIND, link->kind);
    put_options(msg, IFLA_INFO_DATA, link->data, NULL, kind_of(link)->made_with);
    nla_nest_end(msg, info);
    return send_about(nl, msg, "make a new one", link->name);
}

/* ---- ports ---- */

static bool is_port_of(const Link *link, const char *kind) { return link->master && g_strcmp0(link->port_kind, kind) == 0; }

static struct nlattr *port_option(const Link *link, guint8 option)
{
    struct nlattr *attrs[OPTIONS_MAX];
    take_options(link->port_data, attrs);
    return attrs[option];
}

/* What gives a link its address: a bond lends its own to its ports, which get back what they had before they came when they leave. */
static struct nlattr *own_address(const Link *was, const Link *is)
{
    if (!is_port_of(was, "bond"))
        return was->attrs[IFLA_ADDRESS];
    return was->master == is->master ? NULL : port_option(was, IFLA_BOND_SLAVE_PERM_HWADDR);
}

/* The port that a bond sends by joins first, as the bond takes the first one that can. */
static bool joins_first(const Link *was)
{
    struct nlattr *state = is_port_of(was, "bond") ? port_option(was, IFLA_BOND_SLAVE_STATE) : NULL;
    static const guint8 active = 0;
    return state && nla_get_u8(state) == active;
}

/* ---- links that are there in both ---- */

/* What everybody has: what differs of it. */
static bool put_common(struct nl_msg *msg, const Link *was, const Link *is)
{
    static const int parts[] = { IFLA_TXQLEN, IFLA_GROUP, IFLA_IFALIAS };
    bool any = false;
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        struct nlattr *attr = was->attrs[parts[i]];
        if (!attr || same_bytes(attr, is->attrs[parts[i]]))
            continue;
        put(msg, parts[i], attr);
        any = true;
    }
    /* a port of a bond has the bond's */
    if (was->mtu && was->mtu != is->mtu && !(is_port_of(was, "bond") && was->master != is->master)) {
        nla_put_u32(msg, IFLA_MTU, was->mtu);
        any = true;
    }
    struct nlattr *address = own_address(was, is);
    if (address && !same_bytes(address, is->attrs[IFLA_ADDRESS])) {
        put(msg, IFLA_ADDRESS, address);
        any = true;
    }
    return any;
}

/* Send @msg, which is to restore something, if @changed; it is taken over. */
static int restore_what(Netlink *nl, struct nl_msg *msg, bool changed, const Link *was)
{
    if (changed)
        return send_about(nl, msg, "restore the settings", was->name);
    nlmsg_free(msg);
    return 0;
}

static int set_kind(Netlink *nl, const Link *was, const Link *is, const guint8 *options)
{
    struct nl_msg *msg = message_to(is, 0);
    struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);
    nla_put_string(msg, IFLA_INFO_KIND, was->kind);
    bool changed = put_options(msg, IFLA_INFO_DATA, was->data, is->data, options);
    nla_nest_end(msg, info);
    return restore_what(nl, msg, changed, was);
}

static int set_port(Netlink *nl, const Link *was, const Link *is)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds_of_ports); i++) {
        if (!is_port_of(was, kinds_of_ports[i].kind) || !is_port_of(is, kinds_of_ports[i].kind))
            continue;
        struct nl_msg *msg = message_to(is, 0);
        struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);
        nla_put_string(msg, IFLA_INFO_SLAVE_KIND, was->port_kind);
        bool changed = put_options(msg, IFLA_INFO_SLAVE_DATA, was->port_data, is->port_data, kinds_of_ports[i].options);
        nla_nest_end(msg, info);
        return restore_what(nl, msg, changed, was);
    }
    return 0;
}

static int set_link(Netlink *nl, const Link *was, const Link *is)
{
    struct nl_msg *msg = message_to(is, 0);
    bool changed = put_common(msg, was, is);
    const Kind *kind = kind_of(was);
    return restore_what(nl, msg, changed, was) < 0 || (kind && set_kind(nl, was, is, kind->options) < 0) ? -1 : 0;
}

static int set_master(Netlink *nl, const Link *was, const Link *is)
{
    guint32 index = (guint32) is->head->ifi_index;
    bool down = false;
    if (was->master == is->master)
        return 0;
    /* what a bond takes in must be down */
    return (was->master && (is->head->ifi_flags & IFF_UP) && netlink_change(nl, index, &(NetlinkChange) { .up = &down }) < 0) ||
        netlink_change(nl, index, &(NetlinkChange) { .master = &was->master }) < 0 ? -1 : 0;
}

/* First what is too much or another one than it was, as it may be in the way. */
static void remove_new(Netlink *nl, const NetlinkSaved *was, const NetlinkSaved *is, GHashTable *names, FirstError *first)
{
    for (guint i = 0; i < is->items[NETLINK_SAVED_LINKS]->len; i++) {
        Link now, old;
        if (!take_link(is->items[NETLINK_SAVED_LINKS]->pdata[i], &now) || !g_hash_table_contains(names, now.name) || !kind_of(&now))
            continue;
        if (!find_link(was, now.name, &old) || g_strcmp0(old.kind, now.kind) != 0 || old.head->ifi_index != now.head->ifi_index)
            step(first, netlink_delete(nl, (guint32) now.head->ifi_index));
    }
}

typedef int (*LinkStep)(Netlink *nl, const Link *was, const Link *is);

static int make_missing(Netlink *nl, const Link *was, const Link *is)
{
    return is ? 0 : kind_of(was) ? make_again(nl, was)
        : FAIL(VIR_ERR_OPERATION_FAILED, "network device '%s' has gone, and nobody but its driver can make it again", was->name);
}

static int restore_settings(Netlink *nl, const Link *was, const Link *is) { return is ? set_link(nl, was, is) : 0; }

static int restore_first_place(Netlink *nl, const Link *was, const Link *is)
{
    return is && joins_first(was) ? set_master(nl, was, is) : 0;
}

static int restore_place(Netlink *nl, const Link *was, const Link *is) { return is ? set_master(nl, was, is) : 0; }

/* What could not be set before the link was in its place, or before its ports were in theirs. */
static int restore_rest(Netlink *nl, const Link *was, const Link *is)
{
    const Kind *kind = kind_of(was);
    if (!is)
        return 0;
    return set_link(nl, was, is) < 0 || set_port(nl, was, is) < 0 || (kind && set_kind(nl, was, is, kind->with_ports) < 0) ? -1 : 0;
}

static int restore_state(Netlink *nl, const Link *was, const Link *is)
{
    bool up = was->head->ifi_flags & IFF_UP;
    return is ? netlink_change(nl, (guint32) is->head->ifi_index, &(NetlinkChange) { .up = &up }) : 0;
}

static void each_link(Netlink *nl, const NetlinkSaved *saved, GHashTable *names, LinkStep function, FirstError *first)
{
    g_autoptr(NetlinkSaved) now = netlink_saved_new(nl);
    if (!now)
        step(first, -1);
    for (guint i = 0; now && i < saved->items[NETLINK_SAVED_LINKS]->len; i++) {
        Link was, is;
        if (!take_link(saved->items[NETLINK_SAVED_LINKS]->pdata[i], &was) || !g_hash_table_contains(names, was.name))
            continue;
        bool there = find_link(now, was.name, &is);
        step(first, function(nl, &was, there ? &is : NULL));
    }
}

/* ---- addresses and routes: compared by what makes them what they are ---- */

static void append_attr(GByteArray *key, struct nlattr *attr)
{
    guint32 len = attr ? (guint32) nla_len(attr) : 0;
    g_byte_array_append(key, (guint8 *) &len, sizeof(len));
    if (len)
        g_byte_array_append(key, nla_data(attr), len);
}

/* Key of an address; NULL if it isn't about one of @indexes or is the kernel's alone. */
static GBytes *address_key(GBytes *bytes, GHashTable *indexes, bool *kernels)
{
    const struct ifaddrmsg *head = nlmsg_data(header(bytes));
    struct nlattr *attrs[IFA_MAX + 1];
    if (nlmsg_parse(header(bytes), sizeof(*head), attrs, IFA_MAX, NULL) < 0 ||
        !g_hash_table_contains(indexes, GUINT_TO_POINTER(head->ifa_index)))
        return NULL;
    GByteArray *key = g_byte_array_new();
    g_byte_array_append(key, &head->ifa_family, 1);
    g_byte_array_append(key, &head->ifa_prefixlen, 1);
    g_byte_array_append(key, &head->ifa_scope, 1);
    g_byte_array_append(key, (const guint8 *) &head->ifa_index, 4);
    append_attr(key, attrs[IFA_LOCAL]);
    append_attr(key, attrs[IFA_ADDRESS]);
    append_attr(key, attrs[IFA_BROADCAST]);
    append_attr(key, attrs[IFA_LABEL]);
    *kernels = head->ifa_family == AF_INET6 && head->ifa_scope == RT_SCOPE_LINK;
    return g_byte_array_free_to_bytes(key);
}

/* The device of a route, or one of its devices that is in @indexes. */
static bool route_is_on(struct nlattr **attrs, GHashTable *indexes)
{
    if (attrs[RTA_OIF])
        return g_hash_table_contains(indexes, GUINT_TO_POINTER(u32(attrs[RTA_OIF])));
    if (!attrs[RTA_MULTIPATH])
        return false;
    int left = nla_len(attrs[RTA_MULTIPATH]);
    for (const struct rtnexthop *hop = nla_data(attrs[RTA_MULTIPATH]); RTNH_OK(hop, left); left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
        if (g_hash_table_contains(indexes, GUINT_TO_POINTER((guint) hop->rtnh_ifindex)))
            return true;
    }
    return false;
}

static GBytes *route_key(GBytes *bytes, GHashTable *indexes, bool *kernels)
{
    static const guint8 parts[] = { RTA_DST, RTA_SRC, RTA_GATEWAY, RTA_OIF, RTA_PRIORITY, RTA_PREFSRC, RTA_TABLE, RTA_MULTIPATH, RTA_VIA,
                                    RTA_METRICS };
    const struct rtmsg *head = nlmsg_data(header(bytes));
    struct nlattr *attrs[RTA_MAX + 1];
    if (nlmsg_parse(header(bytes), sizeof(*head), attrs, RTA_MAX, NULL) < 0 || head->rtm_type != RTN_UNICAST ||
        head->rtm_table == RT_TABLE_LOCAL || (head->rtm_flags & RTM_F_CLONED) || !route_is_on(attrs, indexes))
        return NULL;
    struct rtmsg fixed = *head;
    fixed.rtm_flags &= RTNH_F_ONLINK;
    GByteArray *key = g_byte_array_new();
    g_byte_array_append(key, (const guint8 *) &fixed, sizeof(fixed));
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
        append_attr(key, attrs[parts[i]]);
    *kernels = head->rtm_protocol == RTPROT_KERNEL;
    return g_byte_array_free_to_bytes(key);
}

typedef GBytes *(*KeyOf)(GBytes *bytes, GHashTable *indexes, bool *kernels);

static int send_item(Netlink *nl, GBytes *bytes, NetlinkSavedKind kind, bool add)
{
    const struct nlmsghdr *hdr = header(bytes);
    int types[NETLINK_SAVED_LAST] = { 0, add ? RTM_NEWADDR : RTM_DELADDR, add ? RTM_NEWROUTE : RTM_DELROUTE };
    struct nl_msg *msg = netlink_message(types[kind], (add ? NLM_F_CREATE | NLM_F_EXCL : 0) | NLM_F_ACK, nlmsg_data(hdr), 0);
    if (nlmsg_append(msg, nlmsg_data(hdr), (size_t) nlmsg_datalen(hdr), NLMSG_ALIGNTO) < 0)
        g_error("out of memory");
    if (kind == NETLINK_SAVED_ROUTES)
        ((struct rtmsg *) nlmsg_data(nlmsg_hdr(msg)))->rtm_flags &= RTNH_F_ONLINK;
    int error = netlink_request(nl, msg);
    if (!error || (add ? error == EEXIST : error == ESRCH || error == EADDRNOTAVAIL || error == ENODEV))
        return 0;
    return FAIL_ERRNO(error, add ? "cannot restore one of the host's %s" : "cannot remove one of the host's %s", kinds[kind].what);
}

static bool has_gateway(GBytes *bytes)
{
    const struct nlmsghdr *hdr = header(bytes);
    return nlmsg_find_attr((struct nlmsghdr *) hdr, sizeof(struct rtmsg), RTA_GATEWAY) ||
        nlmsg_find_attr((struct nlmsghdr *) hdr, sizeof(struct rtmsg), RTA_MULTIPATH);
}

static GHashTable *keys_of(const NetlinkSaved *saved, NetlinkSavedKind kind, KeyOf key_of, GHashTable *indexes)
{
    GHashTable *keys = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
    for (guint i = 0; i < saved->items[kind]->len; i++) {
        bool kernels;
        GBytes *key = key_of(saved->items[kind]->pdata[i], indexes, &kernels);
        if (key)
            g_hash_table_add(keys, key);
    }
    return keys;
}

static void add_missing(Netlink *nl, const NetlinkSaved *saved, NetlinkSavedKind kind, KeyOf key_of, GHashTable *indexes, GHashTable *there,
                        bool gateways, FirstError *first)
{
    for (guint i = 0; i < saved->items[kind]->len; i++) {
        bool kernels;
        g_autoptr(GBytes) key = key_of(saved->items[kind]->pdata[i], indexes, &kernels);
        if (key && !g_hash_table_contains(there, key) &&
            (kind != NETLINK_SAVED_ROUTES || has_gateway(saved->items[kind]->pdata[i]) == gateways))
            step(first, send_item(nl, saved->items[kind]->pdata[i], kind, true));
    }
}

static void restore_items(Netlink *nl, const NetlinkSaved *saved, NetlinkSavedKind kind, KeyOf key_of, GHashTable *indexes, FirstError *first)
{
    g_autoptr(NetlinkSaved) now = netlink_saved_new(nl);
    if (!now) {
        step(first, -1);
        return;
    }
    g_autoptr(GHashTable) wanted = keys_of(saved, kind, key_of, indexes);
    for (guint i = 0; i < now->items[kind]->len; i++) {
        bool kernels;
        g_autoptr(GBytes) key = key_of(now->items[kind]->pdata[i], indexes, &kernels);
        if (key && !kernels && !g_hash_table_contains(wanted, key))
            step(first, send_item(nl, now->items[kind]->pdata[i], kind, false));
    }
    /* an address takes others with it when it goes, and some routes */
    g_autoptr(NetlinkSaved) left = netlink_saved_new(nl);
    if (!left) {
        step(first, -1);
        return;
    }
    g_autoptr(GHashTable) there = keys_of(left, kind, key_of, indexes);
    add_missing(nl, saved, kind, key_of, indexes, there, false, first);
    if (kind == NETLINK_SAVED_ROUTES)
        add_missing(nl, saved, kind, key_of, indexes, there, true, first);
}

static GHashTable *indexes_of(const NetlinkSaved *saved, GHashTable *names)
{
    GHashTable *indexes = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < saved->items[NETLINK_SAVED_LINKS]->len; i++) {
        Link link;
        if (take_link(saved->items[NETLINK_SAVED_LINKS]->pdata[i], &link) && g_hash_table_contains(names, link.name))
            g_hash_table_add(indexes, GUINT_TO_POINTER((guint) link.head->ifi_index));
    }
    return indexes;
}

/* Add a link that stood on one of @names and has gone with it, as VLANs of a bond do. Whether there is one. */
static bool add_one_that_went_too(const NetlinkSaved *saved, const NetlinkSaved *now, GHashTable *names, GHashTable *indexes)
{
    for (guint i = 0; i < saved->items[NETLINK_SAVED_LINKS]->len; i++) {
        Link link, is;
        if (!take_link(saved->items[NETLINK_SAVED_LINKS]->pdata[i], &link) || !kind_of(&link) || g_hash_table_contains(names, link.name) ||
            !g_hash_table_contains(indexes, GUINT_TO_POINTER(link.parent)) || find_link(now, link.name, &is))
            continue;
        g_hash_table_add(indexes, GUINT_TO_POINTER((guint) link.head->ifi_index));
        return g_hash_table_add(names, g_strdup(link.name));
    }
    return false;
}

/* A copy of @names and of those that went with them; adds to @indexes. */
static GHashTable *with_what_went_too(const NetlinkSaved *saved, const NetlinkSaved *now, GHashTable *names, GHashTable *indexes)
{
    GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, names);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_hash_table_add(all, g_strdup(name));
    while (add_one_that_went_too(saved, now, all, indexes))
        ;
    return all;
}

int netlink_saved_restore(Netlink *nl, const NetlinkSaved *saved, GHashTable *touched)
{
    g_autoptr(GHashTable) indexes = indexes_of(saved, touched);
    g_autoptr(NetlinkSaved) now = netlink_saved_new(nl);
    if (!now)
        return -1;
    g_autoptr(GHashTable) names = with_what_went_too(saved, now, touched, indexes);
    FirstError first = { NULL, 0 };
    remove_new(nl, saved, now, names, &first);
    static const LinkStep steps[] = { make_missing, restore_settings, restore_first_place, restore_place, restore_rest, restore_state };
    for (guint i = 0; i < G_N_ELEMENTS(steps); i++)
        each_link(nl, saved, names, steps[i], &first);
    step(&first, netlink_vlans_restore(nl, saved->items[NETLINK_SAVED_VLANS], indexes));
    restore_items(nl, saved, NETLINK_SAVED_ADDRESSES, address_key, indexes, &first);
    restore_items(nl, saved, NETLINK_SAVED_ROUTES, route_key, indexes, &first);
    return result(&first);
}
