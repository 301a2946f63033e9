/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/netlink_tc.h"
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_mirred.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <string.h>
#include <sys/socket.h>
#include "base/netlink_private.h"

/* The kernel's unit of times in messages. */
#define TICK_NS 64
/* Handles: the queue of what is sent, its first class, and those that follow. */
#define ROOT TC_H_MAKE(1U << 16, 0)
#define FIRST_CLASS TC_H_MAKE(1U << 16, 1)
#define OTHER_CLASS TC_H_MAKE(1U << 16, 2)
#define CLASS(n) TC_H_MAKE(1U << 16, 3 + (n))
#define INGRESS TC_H_MAKE(TC_H_INGRESS, 0)
/* Longest packet that a device hands over at once. */
#define PACKET_MAX 65536
#define MTU 1600
#define IFB_PREFIX "ifb-"

/* ---- messages ---- */

static struct nl_msg *tc_message(int type, int flags, guint32 index, guint32 parent, guint32 handle, guint32 info)
{
    const struct tcmsg head = { .tcm_family = AF_UNSPEC, .tcm_ifindex = (int) index, .tcm_parent = parent, .tcm_handle = handle,
                                .tcm_info = info };
    return netlink_message(type, flags | NLM_F_ACK, &head, sizeof(head));
}

static int run(Netlink *nl, struct nl_msg *msg, guint32 index, const char *module)
{
    char name[IF_NAMESIZE];
    int error = netlink_request(nl, msg);
    if (!error)
        return 0;
    if (!if_indextoname(index, name))
        g_snprintf(name, sizeof(name), "number %u", index);
    if (error == ENOENT || error == EOPNOTSUPP)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "cannot limit the traffic of network device '%s': this host's kernel has no '%s' "
                    "('modprobe %s' loads it, where there is such a module)", name, module, module);
    return FAIL_ERRNO(error, "cannot limit the traffic of network device '%s' (%s)", name, module);
}

/* What isn't there needs no removal. */
static int remove_queue(Netlink *nl, guint32 index, guint32 parent, guint32 handle)
{
    int error = netlink_request(nl, tc_message(RTM_DELQDISC, 0, index, parent, handle, 0));
    char name[IF_NAMESIZE];
    if (!error || error == ENOENT || error == EINVAL || error == ENODEV)
        return 0;
    return FAIL_ERRNO(error, "cannot remove the limits of network device '%s'", if_indextoname(index, name) ? name : "?");
}

/* ---- what is sent ---- */

static guint32 ticks(guint64 bytes, guint64 rate)
{
    double ns = (double) bytes * 1e9 / (double) rate / TICK_NS;
    return ns >= G_MAXUINT32 ? G_MAXUINT32 : MAX((guint32) ns, 1);
}

static struct tc_ratespec ratespec(guint64 rate)
{
    return (struct tc_ratespec) { .linklayer = TC_LINKLAYER_ETHERNET, .cell_align = -1, .rate = (guint32) MIN(rate, G_MAXUINT32) };
}

static int add_class(Netlink *nl, guint32 index, guint32 parent, guint32 class, const NetlinkRate *rate)
{
    struct nl_msg *msg = tc_message(RTM_NEWTCLASS, NLM_F_CREATE | NLM_F_EXCL, index, parent, class, 0);
    guint64 peak = MAX(rate->peak, rate->average), least = MTU + rate->average / 250;
    const struct tc_htb_opt opt = {
        .rate = ratespec(rate->average), .ceil = ratespec(peak), .buffer = ticks(MAX(rate->burst, least), rate->average),
        .cbuffer = ticks(MTU + peak / 250, peak), .quantum = (guint32) CLAMP(rate->average / 10, 1514, 200000),
    };
    nla_put_string(msg, TCA_KIND, "htb");
    struct nlattr *options = nla_nest_start(msg, TCA_OPTIONS);
    nla_put(msg, TCA_HTB_PARMS, sizeof(opt), &opt);
    nla_put_u64(msg, TCA_HTB_RATE64, rate->average);
    nla_put_u64(msg, TCA_HTB_CEIL64, peak);
    nla_nest_end(msg, options);
    return run(nl, msg, index, "sch_htb");
}

int netlink_shape(Netlink *nl, guint32 index, const NetlinkRate *rate)
{
    const struct tc_htb_glob glob = { .version = 3, .rate2quantum = 10, .defcls = TC_H_MIN(OTHER_CLASS) };
    if (remove_queue(nl, index, TC_H_ROOT, 0) < 0)
        return -1;
    struct nl_msg *msg = tc_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, index, TC_H_ROOT, ROOT, 0);
    nla_put_string(msg, TCA_KIND, "htb");
    struct nlattr *options = nla_nest_start(msg, TCA_OPTIONS);
    nla_put(msg, TCA_HTB_INIT, sizeof(glob), &glob);
    nla_nest_end(msg, options);
    /* what nobody has a claim to gets what is left of the whole */
    const NetlinkRate rest = { MAX(rate->average / 100, 1), MAX(rate->peak, rate->average), rate->burst };
    return run(nl, msg, index, "sch_htb") < 0 || add_class(nl, index, ROOT, FIRST_CLASS, rate) < 0 ||
        add_class(nl, index, FIRST_CLASS, OTHER_CLASS, &rest) < 0 ? -1 : 0;
}

static void put_key(struct tc_u32_sel *sel, guint n, const guint8 *value, const guint8 *mask, int offset)
{
    memcpy(&sel->keys[n].val, value, 4);
    memcpy(&sel->keys[n].mask, mask, 4);
    sel->keys[n].off = offset;
}

int netlink_shape_for(Netlink *nl, guint32 index, guint class, const guint8 mac[6], const NetlinkRate *rate)
{
    static const guint8 all[4] = { 0xff, 0xff, 0xff, 0xff }, half[4] = { 0xff, 0xff };
    const guint8 end[4] = { mac[4], mac[5] };
    if (class >= NETLINK_CLASSES_MAX)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "a network device can't have more than %d classes of traffic", NETLINK_CLASSES_MAX);
    if (add_class(nl, index, FIRST_CLASS, CLASS(class), rate) < 0)
        return -1;
    /* one filter of a priority of its own for each class; the address stands before what filters begin to count at */
    struct nl_msg *msg = tc_message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, index, ROOT, 0,
                                    TC_H_MAKE((class + 1) << 16, htons(ETH_P_ALL)));
    g_autofree struct tc_u32_sel *sel = g_malloc0(sizeof(*sel) + 2 * sizeof(struct tc_u32_key));
    sel->flags = TC_U32_TERMINAL;
    sel->nkeys = 2;
    put_key(sel, 0, mac, all, -ETH_HLEN);
    put_key(sel, 1, end, half, 4 - ETH_HLEN);
    nla_put_string(msg, TCA_KIND, "u32");
    struct nlattr *options = nla_nest_start(msg, TCA_OPTIONS);
    nla_put_u32(msg, TCA_U32_CLASSID, CLASS(class));
    nla_put(msg, TCA_U32_SEL, (int) (sizeof(*sel) + 2 * sizeof(struct tc_u32_key)), sel);
    nla_nest_end(msg, options);
    return run(nl, msg, index, "cls_u32");
}

int netlink_shape_end(Netlink *nl, guint32 index)
{
    return remove_queue(nl, index, TC_H_ROOT, 0);
}

int netlink_unqueue(Netlink *nl, guint32 index)
{
    struct nl_msg *msg = tc_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, index, TC_H_ROOT, 0, 0);
    nla_put_string(msg, TCA_KIND, "noqueue");
    return run(nl, msg, index, "noqueue");
}

/* ---- what is received ---- */

/* A filter that all packets pass; the caller puts an action of @kind into the nest that is open, and ends all three. */
typedef struct Filter {
    struct nl_msg *msg;
    struct nlattr *options, *actions, *action, *parts;
} Filter;

static void filter_begin(Filter *f, guint32 index, const char *kind)
{
    g_autofree struct tc_u32_sel *sel = g_malloc0(sizeof(*sel) + sizeof(struct tc_u32_key));
    f->msg = tc_message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, index, INGRESS, 0, TC_H_MAKE(1U << 16, htons(ETH_P_ALL)));
    sel->flags = TC_U32_TERMINAL;
    sel->nkeys = 1;
    nla_put_string(f->msg, TCA_KIND, "u32");
    f->options = nla_nest_start(f->msg, TCA_OPTIONS);
    nla_put_u32(f->msg, TCA_U32_CLASSID, 1);
    nla_put(f->msg, TCA_U32_SEL, (int) (sizeof(*sel) + sizeof(struct tc_u32_key)), sel);
    f->actions = nla_nest_start(f->msg, TCA_U32_ACT);
    f->action = nla_nest_start(f->msg, 1);
    nla_put_string(f->msg, TCA_ACT_KIND, kind);
    f->parts = nla_nest_start(f->msg, TCA_ACT_OPTIONS);
}

static struct nl_msg *filter_end(Filter *f)
{
    nla_nest_end(f->msg, f->parts);
    nla_nest_end(f->msg, f->action);
    nla_nest_end(f->msg, f->actions);
    nla_nest_end(f->msg, f->options);
    return f->msg;
}

/* 0, or an errno: ENOENT where the kernel can't. */
static int drop_excess(Netlink *nl, guint32 index, const NetlinkRate *rate)
{
    guint64 burst = MAX(rate->burst ? rate->burst : rate->average, PACKET_MAX);
    struct tc_police police = { .action = TC_POLICE_SHOT, .mtu = PACKET_MAX, .burst = ticks(burst, rate->average),
                                .rate = ratespec(rate->average) };
    guint32 table[256];
    Filter f;
    police.rate.cell_log = 8;       /* how long packets of up to 256, 512 … bytes take */
    for (guint i = 0; i < G_N_ELEMENTS(table); i++)
        table[i] = ticks((guint64) (i + 1) << police.rate.cell_log, rate->average);
    filter_begin(&f, index, "police");
    nla_put(f.msg, TCA_POLICE_TBF, sizeof(police), &police);
    nla_put(f.msg, TCA_POLICE_RATE, sizeof(table), table);
    if (rate->average > G_MAXUINT32)
        nla_put_u64(f.msg, TCA_POLICE_RATE64, rate->average);
    return netlink_request(nl, filter_end(&f));
}

/* "ifb-vnet0"; a name that is too long for that gets a sum instead. */
static char *ifb_name(const char *device)
{
    if (strlen(IFB_PREFIX) + strlen(device) < IFNAMSIZ)
        return g_strconcat(IFB_PREFIX, device, NULL);
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, device, -1);
    return g_strdup_printf(IFB_PREFIX "%.9s~", sum);
}

static int lead_through(Netlink *nl, guint32 index, const char *device, const NetlinkRate *rate)
{
    g_autofree char *name = ifb_name(device);
    guint32 ifb = netlink_index(name);
    const bool yes = true;
    if (!ifb && !(ifb = netlink_ifb_new(nl, name)))
        return -1;
    /* as much is waiting there as a guest may have sent in a burst */
    if (netlink_change(nl, ifb, &(NetlinkChange) { .up = &yes }) < 0 || netlink_shape(nl, ifb, rate) < 0)
        return -1;
    const struct tc_mirred mirred = { .action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR, .ifindex = ifb };
    Filter f;
    filter_begin(&f, index, "mirred");
    nla_put(f.msg, TCA_MIRRED_PARMS, sizeof(mirred), &mirred);
    return run(nl, filter_end(&f), index, "act_mirred");
}

int netlink_police(Netlink *nl, guint32 index, const char *device, const NetlinkRate *rate)
{
    if (netlink_police_end(nl, device) < 0)
        return -1;
    struct nl_msg *msg = tc_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, index, TC_H_INGRESS, INGRESS, 0);
    nla_put_string(msg, TCA_KIND, "ingress");
    if (run(nl, msg, index, "sch_ingress") < 0)
        return -1;
    int error = drop_excess(nl, index, rate);
    if (error == ENOENT)
        return lead_through(nl, index, device, rate);
    return error ? FAIL_ERRNO(error, "cannot limit what network device '%s' receives", device) : 0;
}

int netlink_police_end(Netlink *nl, const char *device)
{
    g_autofree char *name = ifb_name(device);
    guint32 index = netlink_index(device);
    if (index && remove_queue(nl, index, TC_H_INGRESS, INGRESS) < 0)
        return -1;
    return netlink_delete(nl, netlink_index(name));
}

/* The names of all devices that may have one: those that are too long for it as well. */
static GHashTable *ifb_names(const GArray *links)
{
    GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < links->len; i++)
        g_hash_table_add(names, ifb_name(g_array_index(links, NetlinkLink, i).name));
    return names;
}

int netlink_police_sweep(Netlink *nl)
{
    g_autoptr(GArray) ifbs = netlink_links_of_kind(nl, "ifb"), links = ifbs && ifbs->len ? netlink_links(nl) : NULL;
    if (!links)
        return ifbs && !ifbs->len ? 0 : -1;
    g_autoptr(GHashTable) names = ifb_names(links);
    for (guint i = 0; i < ifbs->len; i++) {
        const NetlinkLink *link = &g_array_index(ifbs, NetlinkLink, i);
        if (g_str_has_prefix(link->name, IFB_PREFIX) && !g_hash_table_contains(names, link->name) && netlink_delete(nl, link->index) < 0)
            return -1;
    }
    return 0;
}
