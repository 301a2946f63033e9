/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Requests to rtnetlink, put together and taken apart with libnl's message functions.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/netlink_private.h"
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/netlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* How often a list that changed under the kernel's hands is asked for. */
#define DUMP_TRIES 50

struct Netlink {
    struct nl_sock *sock;
};

/* ---- the socket ---- */

Netlink *netlink_open(void)
{
    g_autofree Netlink *nl = g_new0(Netlink, 1);
    nl->sock = nl_socket_alloc();
    int rc = nl->sock ? nl_connect(nl->sock, NETLINK_ROUTE) : -NLE_NOMEM;
    if (rc < 0) {
        nl_socket_free(nl->sock);
        return FAIL_NULL(VIR_ERR_SYSTEM_ERROR, "cannot open a netlink socket: %s", nl_geterror(rc));
    }
    nl_socket_disable_auto_ack(nl->sock); /* who wants one asks for it */
    nl_socket_set_buffer_size(nl->sock, 1 << 20, 1 << 16);
    return g_steal_pointer(&nl);
}

void netlink_close(Netlink *nl)
{
    if (!nl)
        return;
    nl_socket_free(nl->sock);
    g_free(nl);
}

struct nl_msg *netlink_message(int type, int flags, const void *head, size_t len)
{
    struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);
    if (!msg || nlmsg_append(msg, (void *) head, len, NLMSG_ALIGNTO) < 0)
        g_error("out of memory");
    return msg;
}

static int note_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *opaque)
{
    *(int *) opaque = -err->error;
    return NL_STOP;
}

static int note_ack(struct nl_msg *msg, void *opaque)
{
    *(int *) opaque = 0;
    return NL_STOP;
}

int netlink_request(Netlink *nl, struct nl_msg *msg)
{
    struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
    int result = EIO;
    nl_cb_err(cb, NL_CB_CUSTOM, note_error, &result);
    nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, note_ack, &result);
    int rc = nl_send_auto(nl->sock, msg);
    if (rc >= 0)
        rc = nl_recvmsgs(nl->sock, cb);
    if (rc < 0 && result == 0)
        result = EIO;
    nl_cb_put(cb);
    nlmsg_free(msg);
    return result;
}

typedef struct Dump {
    NetlinkItem item;
    GArray *into;
    int error;
} Dump;

static int on_dump_item(struct nl_msg *msg, void *opaque)
{
    Dump *dump = opaque;
    dump->item(nlmsg_hdr(msg), dump->into);
    return NL_OK;
}

static int on_dump_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *opaque)
{
    ((Dump *) opaque)->error = -err->error;
    return NL_STOP;
}

/* One try: what libnl says. */
static int dump_once(Netlink *nl, struct nl_msg *msg, struct nl_cb *cb)
{
    nlmsg_hdr(msg)->nlmsg_seq = NL_AUTO_SEQ; /* else that of the try before */
    int rc = nl_send_auto(nl->sock, msg);
    return rc < 0 ? rc : nl_recvmsgs(nl->sock, cb);
}

GArray *netlink_dump(Netlink *nl, struct nl_msg *msg, guint size, GDestroyNotify clear, NetlinkItem item, const char *what)
{
    g_autoptr(GArray) into = g_array_new(FALSE, TRUE, size);
    Dump dump = { item, into, 0 };
    struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
    int rc, tries = 0;
    g_array_set_clear_func(into, clear);
    nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_dump_item, &dump);
    nl_cb_err(cb, NL_CB_CUSTOM, on_dump_error, &dump);
    do {
        g_array_set_size(into, 0);
        rc = dump_once(nl, msg, cb);
    } while (rc == -NLE_DUMP_INTR && !dump.error && ++tries < DUMP_TRIES);
    nl_cb_put(cb);
    nlmsg_free(msg);
    if (dump.error)
        return FAIL_ERRNO_NULL(dump.error, "cannot list the host's %s", what);
    if (rc == -NLE_DUMP_INTR)
        return FAIL_NULL(VIR_ERR_OPERATION_FAILED, "the host's %s changed each of the %d times that they were listed: try again once they "
                         "are quieter", what, tries);
    return rc < 0 ? FAIL_NULL(VIR_ERR_SYSTEM_ERROR, "cannot list the host's %s: %s", what, nl_geterror(rc)) : g_steal_pointer(&into);
}

/* ---- links ---- */

bool netlink_name_is_valid(const char *name)
{
    size_t len = name ? strnlen(name, IFNAMSIZ) : 0;
    if (!len || len == IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (const char *c = name; *c; c++) {
        if (*c == '/' || *c == ':' || g_ascii_isspace(*c) || g_ascii_iscntrl(*c))
            return false;
    }
    return true;
}

guint32 netlink_index(const char *name)
{
    int saved = errno;
    guint32 index = name ? if_nametoindex(name) : 0;
    errno = saved;
    return index;
}

/* Whether there is a device of that name, with the answer of an old request: any socket answers those. */
static bool ask(Netlink *nl, unsigned long what, const char *name, struct ifreq *answer)
{
    int saved = errno;
    *answer = (struct ifreq) { 0 };
    bool there = name && g_strlcpy(answer->ifr_name, name, IFNAMSIZ) < IFNAMSIZ && ioctl(nl_socket_get_fd(nl->sock), what, answer) == 0;
    errno = saved;
    return there;
}

guint32 netlink_find(Netlink *nl, const char *name)
{
    struct ifreq answer;
    return ask(nl, SIOCGIFINDEX, name, &answer) ? (guint32) answer.ifr_ifindex : 0;
}

guint32 netlink_mtu(Netlink *nl, const char *name)
{
    struct ifreq answer;
    return ask(nl, SIOCGIFMTU, name, &answer) ? (guint32) answer.ifr_mtu : 0;
}

static struct nl_msg *link_message(int type, int flags, guint32 index)
{
    struct ifinfomsg head = { .ifi_family = AF_UNSPEC, .ifi_index = (int) index };
    return netlink_message(type, flags, &head, sizeof(head));
}

/* Name of a device for messages. */
static const char *name_of(guint32 index, char name[IF_NAMESIZE])
{
    if (!if_indextoname(index, name))
        g_snprintf(name, IF_NAMESIZE, "number %u", index);
    return name;
}

static int fail_on(guint32 index, int error, const char *what)
{
    char name[IF_NAMESIZE];
    return FAIL_ERRNO(error, "cannot %s of network device '%s'", what, name_of(index, name));
}

static guint32 number(struct nlattr *attr)
{
    int len = attr ? nla_len(attr) : 0;
    return len == 4 ? nla_get_u32(attr) : len == 2 ? nla_get_u16(attr) : len == 1 ? nla_get_u8(attr) : 0;
}

static void read_bridge(struct nlattr *data, NetlinkOptions *options)
{
    struct nlattr *attrs[IFLA_BR_MAX + 1];
    if (nla_parse_nested(attrs, IFLA_BR_MAX, data, NULL) < 0)
        return;
    options->stp = number(attrs[IFLA_BR_STP_STATE]) != 0;
    options->delay_ms = number(attrs[IFLA_BR_FORWARD_DELAY]) * 10;
}

static void read_bond(struct nlattr *data, NetlinkOptions *options)
{
    struct nlattr *attrs[IFLA_BOND_MAX + 1];
    if (nla_parse_nested(attrs, IFLA_BOND_MAX, data, NULL) < 0)
        return;
    options->mode = (guint8) number(attrs[IFLA_BOND_MODE]);
    options->miimon = number(attrs[IFLA_BOND_MIIMON]);
    options->updelay = number(attrs[IFLA_BOND_UPDELAY]);
    options->downdelay = number(attrs[IFLA_BOND_DOWNDELAY]);
    options->use_carrier = number(attrs[IFLA_BOND_USE_CARRIER]) != 0;
    options->arp_interval = number(attrs[IFLA_BOND_ARP_INTERVAL]);
    options->arp_validate = number(attrs[IFLA_BOND_ARP_VALIDATE]);
    struct nlattr *target = attrs[IFLA_BOND_ARP_IP_TARGET] ? nla_data(attrs[IFLA_BOND_ARP_IP_TARGET]) : NULL;
    if (target && nla_ok(target, nla_len(attrs[IFLA_BOND_ARP_IP_TARGET])) && nla_len(target) == 4) {
        options->arp_target.size = 4;
        memcpy(options->arp_target.bytes, nla_data(target), 4);
    }
}

static void read_options(const char *kind, struct nlattr *data, NetlinkOptions *options)
{
    struct nlattr *attrs[IFLA_VLAN_MAX + 1];
    if (strcmp(kind, "bridge") == 0)
        read_bridge(data, options);
    else if (strcmp(kind, "bond") == 0)
        read_bond(data, options);
    else if (strcmp(kind, "vlan") == 0 && nla_parse_nested(attrs, IFLA_VLAN_MAX, data, NULL) == 0)
        options->tag = (guint16) number(attrs[IFLA_VLAN_ID]);
}

static void read_link(struct nlmsghdr *hdr, GArray *into)
{
    const struct ifinfomsg *head = nlmsg_data(hdr);
    struct nlattr *attrs[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1] = { NULL }, *port[IFLA_BRPORT_MAX + 1];
    NetlinkLink link = { .index = (guint32) head->ifi_index, .flags = head->ifi_flags };
    if (hdr->nlmsg_type != RTM_NEWLINK || nlmsg_parse(hdr, sizeof(*head), attrs, IFLA_MAX, NULL) < 0 || !attrs[IFLA_IFNAME])
        return;
    g_strlcpy(link.name, nla_get_string(attrs[IFLA_IFNAME]), sizeof(link.name));
    if (attrs[IFLA_IFALIAS])
        g_strlcpy(link.alias, nla_get_string(attrs[IFLA_IFALIAS]), sizeof(link.alias));
    link.master = attrs[IFLA_MASTER] ? nla_get_u32(attrs[IFLA_MASTER]) : 0;
    link.parent = attrs[IFLA_LINK] ? nla_get_u32(attrs[IFLA_LINK]) : 0;
    link.mtu = attrs[IFLA_MTU] ? nla_get_u32(attrs[IFLA_MTU]) : 0;
    link.state = attrs[IFLA_OPERSTATE] ? nla_get_u8(attrs[IFLA_OPERSTATE]) : 0;
    if (attrs[IFLA_ADDRESS] && nla_len(attrs[IFLA_ADDRESS]) == 6) {
        link.has_mac = true;
        memcpy(link.mac, nla_data(attrs[IFLA_ADDRESS]), 6);
    }
    if (attrs[IFLA_LINKINFO] && nla_parse_nested(info, IFLA_INFO_MAX, attrs[IFLA_LINKINFO], NULL) == 0 && info[IFLA_INFO_KIND])
        g_strlcpy(link.kind, nla_get_string(info[IFLA_INFO_KIND]), sizeof(link.kind));
    if (info[IFLA_INFO_DATA])
        read_options(link.kind, info[IFLA_INFO_DATA], &link.options);
    if (info[IFLA_INFO_SLAVE_DATA] && info[IFLA_INFO_SLAVE_KIND] && strcmp(nla_get_string(info[IFLA_INFO_SLAVE_KIND]), "bridge") == 0 &&
        nla_parse_nested(port, IFLA_BRPORT_MAX, info[IFLA_INFO_SLAVE_DATA], NULL) == 0)
        link.locked = number(port[IFLA_BRPORT_LOCKED]) != 0;
    g_array_append_val(into, link);
}

GArray *netlink_links(Netlink *nl)
{
    return netlink_dump(nl, link_message(RTM_GETLINK, NLM_F_DUMP, 0), sizeof(NetlinkLink), NULL, read_link, "network devices");
}

GArray *netlink_links_of_kind(Netlink *nl, const char *kind)
{
    struct nl_msg *msg = link_message(RTM_GETLINK, NLM_F_DUMP, 0);
    struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);
    nla_put_string(msg, IFLA_INFO_KIND, kind);
    nla_nest_end(msg, info);
    g_autoptr(GArray) links = netlink_dump(nl, msg, sizeof(NetlinkLink), NULL, read_link, "network devices");
    /* a kernel that doesn't pick, gives all */
    for (guint i = links ? links->len : 0; i > 0; i--) {
        if (strcmp(g_array_index(links, NetlinkLink, i - 1).kind, kind) != 0)
            g_array_remove_index(links, i - 1);
    }
    return g_steal_pointer(&links);
}

int netlink_link(Netlink *nl, guint32 index, NetlinkLink *link)
{
    g_autoptr(GArray) found = netlink_dump(nl, link_message(RTM_GETLINK, 0, index), sizeof(NetlinkLink), NULL, read_link, "network devices");
    if (!found || !found->len)
        return found ? FAIL(VIR_ERR_OPERATION_FAILED, "the host has no network device number %u", index) : -1;
    *link = g_array_index(found, NetlinkLink, 0);
    return 0;
}

static void put_bridge(struct nl_msg *msg, const NetlinkBridge *bridge)
{
    if (bridge->mac)
        nla_put(msg, IFLA_ADDRESS, 6, bridge->mac);
    if (bridge->mtu)
        nla_put_u32(msg, IFLA_MTU, bridge->mtu);
    struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);
    nla_put_string(msg, IFLA_INFO_KIND, "bridge");
    struct nlattr *data = nla_nest_start(msg, IFLA_INFO_DATA);
    nla_put_u32(msg, IFLA_BR_STP_STATE, bridge->stp);
    /* in hundredths of a second; the kernel wants 2 s at least while the spanning tree is on */
    nla_put_u32(msg, IFLA_BR_FORWARD_DELAY, MAX(bridge->delay_ms / 10, bridge->stp ? 200 : 0));
    nla_nest_end(msg, data);
    nla_nest_end(msg, info);
}

/* Index of a link that was to be made, or 0 with an error. */
static guint32 made(int error, const char *what, const char *name)
{
    if (!error)
        return netlink_index(name);
    if (error == EEXIST)
        error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_INVALID, "cannot make %s '%s': there is a network device of that name", what, name);
    else
        error_report_errno(ERROR_DOMAIN, error, "cannot make %s '%s'", what, name);
    return 0;
}

guint32 netlink_bridge_new(Netlink *nl, const char *name, const NetlinkBridge *bridge)
{
    struct nl_msg *msg = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, 0);
    NetlinkBridge first = *bridge;
    first.mtu = bridge->mtu == ETH_DATA_LEN ? ETH_DATA_LEN - 1 : 0;
    nla_put_string(msg, IFLA_IFNAME, name);
    put_bridge(msg, &first);
    int error = netlink_request(nl, msg);
    guint32 index = made(error, "bridge", name);
    /* only a size to which it is changed stays, whatever its ports have */
    if (!index || !bridge->mtu || netlink_change(nl, index, &(NetlinkChange) { .mtu = bridge->mtu }) == 0)
        return index;
    virErrorPtr problem = error_save();
    netlink_delete(nl, index);
    error_restore(problem);
    return 0;
}

int netlink_bridge_set(Netlink *nl, guint32 index, const NetlinkBridge *bridge)
{
    struct nl_msg *msg = link_message(RTM_NEWLINK, NLM_F_ACK, index);
    put_bridge(msg, bridge);
    int error = netlink_request(nl, msg);
    return error ? fail_on(index, error, "set the bridge options") : 0;
}

/* Send a message that makes a link, with its options open in it. Its index, or 0 with an error. */
static guint32 make_link(Netlink *nl, struct nl_msg *msg, struct nlattr *info, struct nlattr *data, const char *what, const char *name)
{
    nla_nest_end(msg, data);
    nla_nest_end(msg, info);
    return made(netlink_request(nl, msg), what, name);
}

static struct nl_msg *new_link(const char *name, const char *kind, struct nlattr **info, struct nlattr **data, guint32 parent)
{
    struct nl_msg *msg = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, 0);
    nla_put_string(msg, IFLA_IFNAME, name);
    if (parent)
        nla_put_u32(msg, IFLA_LINK, parent);
    *info = nla_nest_start(msg, IFLA_LINKINFO);
    nla_put_string(msg, IFLA_INFO_KIND, kind);
    *data = nla_nest_start(msg, IFLA_INFO_DATA);
    return msg;
}

guint32 netlink_vlan_new(Netlink *nl, const char *name, guint32 parent, guint16 tag)
{
    struct nlattr *info, *data;
    struct nl_msg *msg = new_link(name, "vlan", &info, &data, parent);
    nla_put_u16(msg, IFLA_VLAN_ID, tag);
    return make_link(nl, msg, info, data, "VLAN", name);
}

guint32 netlink_bond_new(Netlink *nl, const char *name, const NetlinkOptions *options)
{
    struct nlattr *info, *data;
    struct nl_msg *msg = new_link(name, "bond", &info, &data, 0);
    nla_put_u8(msg, IFLA_BOND_MODE, options->mode);
    if (options->miimon) {
        nla_put_u32(msg, IFLA_BOND_MIIMON, options->miimon);
        nla_put_u32(msg, IFLA_BOND_UPDELAY, options->updelay);
        nla_put_u32(msg, IFLA_BOND_DOWNDELAY, options->downdelay);
        nla_put_u8(msg, IFLA_BOND_USE_CARRIER, options->use_carrier);
    } else if (options->arp_interval) {
        nla_put_u32(msg, IFLA_BOND_ARP_INTERVAL, options->arp_interval);
        nla_put_u32(msg, IFLA_BOND_ARP_VALIDATE, options->arp_validate);
        struct nlattr *targets = nla_nest_start(msg, IFLA_BOND_ARP_IP_TARGET);
        nla_put(msg, 0, 4, options->arp_target.bytes);
        nla_nest_end(msg, targets);
    }
    return make_link(nl, msg, info, data, "bond", name);
}

guint32 netlink_macvtap_new(Netlink *nl, const char *name, guint32 parent, guint32 mode, const guint8 mac[6])
{
    struct nl_msg *msg = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, 0);
    char parent_name[IF_NAMESIZE];
    nla_put_string(msg, IFLA_IFNAME, name);
    nla_put_u32(msg, IFLA_LINK, parent);
    nla_put(msg, IFLA_ADDRESS, 6, mac);
    struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);
    nla_put_string(msg, IFLA_INFO_KIND, "macvtap");
    struct nlattr *data = nla_nest_start(msg, IFLA_INFO_DATA);
    nla_put_u32(msg, IFLA_MACVLAN_MODE, mode);
    nla_nest_end(msg, data);
    nla_nest_end(msg, info);
    g_autofree char *what = g_strdup_printf("on '%s' macvtap device", name_of(parent, parent_name));
    return made(netlink_request(nl, msg), what, name);
}

guint32 netlink_ifb_new(Netlink *nl, const char *name)
{
    struct nl_msg *msg = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, 0);
    nla_put_string(msg, IFLA_IFNAME, name);
    struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);
    nla_put_string(msg, IFLA_INFO_KIND, "ifb");
    nla_nest_end(msg, info);
    int error = netlink_request(nl, msg);
    if (!error)
        return netlink_index(name);
    if (error == EOPNOTSUPP)
        error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_UNSUPPORTED, "cannot limit what guests send: this host's kernel has neither "
                     "'act_police' nor 'ifb' ('modprobe act_police' loads it, where there is such a module)");
    else
        error_report_errno(ERROR_DOMAIN, error, "cannot make device '%s' for limits of traffic", name);
    return 0;
}

static void set_flag(struct ifinfomsg *head, guint flag, const bool *on)
{
    if (!on)
        return;
    head->ifi_change |= flag;
    head->ifi_flags |= *on ? flag : 0;
}

int netlink_change(Netlink *nl, guint32 index, const NetlinkChange *change)
{
    struct ifinfomsg head = { .ifi_index = (int) index };
    set_flag(&head, IFF_UP, change->up);
    set_flag(&head, IFF_PROMISC, change->promiscuous);
    set_flag(&head, IFF_ALLMULTI, change->all_multicast);
    struct nl_msg *msg = netlink_message(RTM_NEWLINK, NLM_F_ACK, &head, sizeof(head));
    if (change->mac)
        nla_put(msg, IFLA_ADDRESS, 6, change->mac);
    if (change->mtu)
        nla_put_u32(msg, IFLA_MTU, change->mtu);
    if (change->alias)
        nla_put_string(msg, IFLA_IFALIAS, change->alias);
    if (change->master)
        nla_put_u32(msg, IFLA_MASTER, *change->master);
    int error = netlink_request(nl, msg);
    return error ? fail_on(index, error, "change the settings") : 0;
}

/* A kernel that doesn't know the wish says nothing. */
static int check_locked(Netlink *nl, guint32 index)
{
    NetlinkLink link;
    if (netlink_link(nl, index, &link) < 0)
        return -1;
    return link.locked ? 0 : fail_on(index, EOPNOTSUPP, "restrict the addresses");
}

int netlink_port_set(Netlink *nl, guint32 index, const NetlinkPort *port)
{
    struct ifinfomsg head = { .ifi_family = AF_BRIDGE, .ifi_index = (int) index };
    struct nl_msg *msg = netlink_message(RTM_SETLINK, NLM_F_ACK, &head, sizeof(head));
    struct nlattr *info = nla_nest_start(msg, IFLA_PROTINFO | NLA_F_NESTED);
    if (port->isolated)
        nla_put_u8(msg, IFLA_BRPORT_ISOLATED, *port->isolated);
    if (port->learning)
        nla_put_u8(msg, IFLA_BRPORT_LEARNING, *port->learning);
    if (port->flood)
        nla_put_u8(msg, IFLA_BRPORT_UNICAST_FLOOD, *port->flood);
    if (port->locked)
        nla_put_u8(msg, IFLA_BRPORT_LOCKED, *port->locked);
    nla_nest_end(msg, info);
    int error = netlink_request(nl, msg);
    if (error)
        return fail_on(index, error, "set how the bridge treats traffic");
    return port->locked && *port->locked ? check_locked(nl, index) : 0;
}

int netlink_delete(Netlink *nl, guint32 index)
{
    int error = index ? netlink_request(nl, link_message(RTM_DELLINK, NLM_F_ACK, index)) : 0;
    return error && error != ENODEV ? fail_on(index, error, "end the life") : 0;
}
