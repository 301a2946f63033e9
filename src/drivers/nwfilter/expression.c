/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NWFILTER
#include "drivers/nwfilter/expression.h"
#include <string.h>
#include "base/error.h"
#include "base/ip.h"
#include "base/mac.h"
#include "drivers/nwfilter/variables.h"

/* Places in headers, in bits, where nftables has no name for them that fits RARP and STP as well. */
#define ARP_HARDWARE "@nh,0,16"
#define ARP_PROTOCOL "@nh,16,16"
#define ARP_OPERATION "@nh,48,16"
#define ARP_SENDER_MAC "@nh,64,48"
#define ARP_SENDER_IP "@nh,112,32"
#define ARP_TARGET_MAC "@nh,144,48"
#define ARP_TARGET_IP "@nh,192,32"
/* That of STP is behind 14 bytes of Ethernet and 3 of LLC. */
#define STP_RECEIVER "01:80:c2:00:00:00"

static guint64 number_of(const char *text)
{
    return g_ascii_strtoull(text, NULL, 0);
}

/* ---- pieces ---- */

typedef struct Writer { GString *text; gboolean negate, reverse; } Writer;

static const char *is(const Writer *w) { return w->negate ? "!= " : ""; }

static void number(const Writer *w, const char *what, const char *value)
{
    if (value)
        g_string_append_printf(w->text, "%s %s%" G_GUINT64_FORMAT " ", what, is(w), number_of(value));
}

static void range(const Writer *w, const char *what, const char *from, const char *to)
{
    if (from && to && number_of(to) != number_of(from))
        g_string_append_printf(w->text, "%s %s%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT " ", what, is(w), MIN(number_of(from), number_of(to)),
                               MAX(number_of(from), number_of(to)));
    else
        number(w, what, from ? from : to);
}

/* An address and the bits of it that count. @raw: as a number. */
static void mac(const Writer *w, const char *what, const char *value, const char *mask, gboolean raw)
{
    guint8 address[6], bits[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    char text[MAC_TEXT_SIZE], text_of_bits[MAC_TEXT_SIZE];
    if (!mac_parse(value, address))
        return;
    if (mask)
        mac_parse(mask, bits);
    guint64 all = 0, wanted = 0;
    for (guint i = 0; i < 6; i++) {
        address[i] &= bits[i];
        all = all << 8 | bits[i];
        wanted = wanted << 8 | address[i];
    }
    if (raw)
        g_string_append_printf(w->text, "%s & 0x%012" G_GINT64_MODIFIER "x %s 0x%012" G_GINT64_MODIFIER "x ", what, all,
                               w->negate ? "!=" : "==", wanted);
    else if (mask)
        g_string_append_printf(w->text, "%s & %s %s %s ", what, mac_format(bits, text_of_bits), w->negate ? "!=" : "==",
                               mac_format(address, text));
    else
        g_string_append_printf(w->text, "%s %s%s ", what, is(w), mac_format(address, text));
}

/* How many bits count: "24" or "255.255.255.0". */
static guint prefix_of(const char *mask, guint most)
{
    IpAddress address;
    guint n = 0;
    if (!mask || !*mask)
        return most;
    if (!strchr(mask, '.') && !strchr(mask, ':'))
        return MIN((guint) number_of(mask), most);
    if (!ip_parse(mask, &address))
        return most;
    while (n < ip_bits(&address) && address.bytes[n / 8] >> (7 - n % 8) & 1)
        n++;
    return MIN(n, most);
}

/* A set of addresses that are learnt stands where an address stands, whole. */
static int check_set(const char *value, const char *mask)
{
    if (!value || *value != VARIABLE_IS_SET || prefix_of(mask, 32) == 32)
        return 0;
    return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "$IP, which is to be learnt, can't have a mask: IP needs a value, <parameter name='IP' value='…'/>");
}

static int check_sets(const NwfilterMatch *match)
{
    const NwfilterArp *arp = &match->arp;
    if (match->protocol == NWFILTER_PROTOCOL_RARP && ((arp->arpsrcipaddr && *arp->arpsrcipaddr == VARIABLE_IS_SET) ||
                                                      (arp->arpdstipaddr && *arp->arpdstipaddr == VARIABLE_IS_SET)))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "$IP, which is to be learnt, can't be looked for in <rarp>: IP needs a value, <parameter "
                    "name='IP' value='…'/>");
    for (const char *const *bound = (const char *const[]) { match->ipv4_range.srcipfrom, match->ipv4_range.srcipto, match->ipv4_range.dstipfrom,
         match->ipv4_range.dstipto, "" }; !*bound || **bound; bound++) {
        if (*bound && **bound == VARIABLE_IS_SET)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "$IP, which is to be learnt, can't be the end of a range: IP needs a value, <parameter "
                        "name='IP' value='…'/>");
    }
    return check_set(match->ipv4.srcipaddr, match->ipv4.srcipmask) < 0 || check_set(match->ipv4.dstipaddr, match->ipv4.dstipmask) < 0 ||
           check_set(arp->arpsrcipaddr, arp->arpsrcipmask) < 0 || check_set(arp->arpdstipaddr, arp->arpdstipmask) < 0 ? -1 : 0;
}

/* TRUE: @value is a set, and has been written. */
static gboolean in_set(const Writer *w, const char *what, const char *value)
{
    if (!value || *value != VARIABLE_IS_SET)
        return FALSE;
    g_string_append_printf(w->text, "%s %s%s ", what, is(w), value);
    return TRUE;
}

static void subnet(const Writer *w, const char *what, const char *value, const char *mask)
{
    IpAddress address;
    char text[IP_TEXT_SIZE];
    if (in_set(w, what, value) || !value || !ip_parse(value, &address))
        return;
    guint prefix = prefix_of(mask, ip_bits(&address));
    for (guint bit = prefix; bit < ip_bits(&address); bit++)
        address.bytes[bit / 8] &= (guint8) ~(0x80 >> bit % 8);
    if (prefix == 0)
        g_string_append_printf(w->text, "%s & %s %s %s ", what, ip_is_v6(&address) ? "::" : "0.0.0.0", w->negate ? "!=" : "==",
                               ip_is_v6(&address) ? "::" : "0.0.0.0");
    else
        g_string_append_printf(w->text, "%s %s%s/%u ", what, is(w), ip_format(&address, text), prefix);
}

static void between(const Writer *w, const char *what, const char *from, const char *to)
{
    if (from && to && strcmp(from, to) != 0)
        g_string_append_printf(w->text, "%s %s%s-%s ", what, is(w), from, to);
    else if (from || to)
        g_string_append_printf(w->text, "%s %s%s ", what, is(w), from ? from : to);
}

/* An IPv4 address in a place without a name. */
static void raw_ip(const Writer *w, const char *what, const char *value, const char *mask)
{
    IpAddress address;
    if (in_set(w, strcmp(what, ARP_SENDER_IP) == 0 ? "arp saddr ip" : "arp daddr ip", value) || !value || !ip_parse(value, &address))
        return;
    guint prefix = prefix_of(mask, 32);
    guint32 bits = prefix ? 0xffffffffu << (32 - prefix) : 0, whole = 0;
    for (guint i = 0; i < 4; i++)
        whole = whole << 8 | address.bytes[i];
    g_string_append_printf(w->text, "%s & 0x%08x %s 0x%08x ", what, bits, w->negate ? "!=" : "==", whole & bits);
}

/* ---- frames ---- */

static void addresses_of_frame(const Writer *w, const NwfilterMatch *match)
{
    mac(w, w->reverse ? "ether daddr" : "ether saddr", match->srcmacaddr, match->srcmacmask, FALSE);
    mac(w, w->reverse ? "ether saddr" : "ether daddr", match->ethernet.dstmacaddr, match->ethernet.dstmacmask, FALSE);
}

static int stp(const Writer *w, const NwfilterMatch *match)
{
    const NwfilterStp *s = &match->stp;
    if (w->reverse && match->srcmacaddr)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "a rule on <stp srcmacaddr=…> is for one direction: 'in' or 'out'");
    mac(w, "ether saddr", match->srcmacaddr, match->srcmacmask, FALSE);
    number(w, "@ll,160,8", s->type);
    number(w, "@ll,168,8", s->flags);
    range(w, "@ll,176,16", s->root_priority, s->root_priority_hi);
    mac(w, "@ll,192,48", s->root_address, s->root_address_mask, TRUE);
    range(w, "@ll,240,32", s->root_cost, s->root_cost_hi);
    range(w, "@ll,272,16", s->sender_priority, s->sender_priority_hi);
    mac(w, "@ll,288,48", s->sender_address, s->sender_address_mask, TRUE);
    range(w, "@ll,336,16", s->port, s->port_hi);
    range(w, "@ll,352,16", s->age, s->age_hi);
    range(w, "@ll,368,16", s->max_age, s->max_age_hi);
    range(w, "@ll,384,16", s->hello_time, s->hello_time_hi);
    range(w, "@ll,400,16", s->forward_delay, s->forward_delay_hi);
    return 0;
}

static int arp(const Writer *w, const NwfilterMatch *match)
{
    const NwfilterArp *a = &match->arp;
    if (a->gratuitous && strcmp(a->gratuitous, "true") == 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "nftables can't compare two addresses of a packet, which gratuitous='true' asks for");
    addresses_of_frame(w, match);
    number(w, ARP_HARDWARE, a->hwtype);
    number(w, ARP_PROTOCOL, a->protocoltype);
    if (a->opcode)
        g_string_append_printf(w->text, ARP_OPERATION " %s%u ", is(w), nwfilter_opcode_number(a->opcode));
    mac(w, w->reverse ? ARP_TARGET_MAC : ARP_SENDER_MAC, a->arpsrcmacaddr, NULL, TRUE);
    mac(w, w->reverse ? ARP_SENDER_MAC : ARP_TARGET_MAC, a->arpdstmacaddr, NULL, TRUE);
    raw_ip(w, w->reverse ? ARP_TARGET_IP : ARP_SENDER_IP, a->arpsrcipaddr, a->arpsrcipmask);
    raw_ip(w, w->reverse ? ARP_SENDER_IP : ARP_TARGET_IP, a->arpdstipaddr, a->arpdstipmask);
    return 0;
}

static void ports(const Writer *w, const NwfilterPorts *p)
{
    range(w, w->reverse ? "th dport" : "th sport", p->srcportstart, p->srcportend);
    range(w, w->reverse ? "th sport" : "th dport", p->dstportstart, p->dstportend);
}

static int ip_in_frame(const Writer *w, const NwfilterMatch *match)
{
    gboolean v6 = match->protocol == NWFILTER_PROTOCOL_IPV6;
    addresses_of_frame(w, match);
    if (v6) {
        subnet(w, w->reverse ? "ip6 daddr" : "ip6 saddr", match->ipv6.srcipaddr, match->ipv6.srcipmask);
        subnet(w, w->reverse ? "ip6 saddr" : "ip6 daddr", match->ipv6.dstipaddr, match->ipv6.dstipmask);
    } else {
        subnet(w, w->reverse ? "ip daddr" : "ip saddr", match->ipv4.srcipaddr, match->ipv4.srcipmask);
        subnet(w, w->reverse ? "ip saddr" : "ip daddr", match->ipv4.dstipaddr, match->ipv4.dstipmask);
        number(w, "ip dscp", match->dscp);
    }
    if (match->inner && w->negate && (match->ports.srcportstart || match->ports.dstportstart || match->type))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "a rule with match='no' can't exclude a protocol and look at its ports or types: two rules can");
    if (match->inner)
        g_string_append_printf(w->text, "meta l4proto %s%u ", is(w), nwfilter_ip_protocol_number(match->inner));
    ports(w, &match->ports);
    if (v6) {
        range(w, "icmpv6 type", match->type, match->typeend);
        range(w, "icmpv6 code", match->code, match->codeend);
    }
    return 0;
}

gboolean expression_is_of_frames(NwfilterProtocol protocol)
{
    return protocol <= NWFILTER_PROTOCOL_IPV6;
}

int expression_of_frame(GString *text, const NwfilterMatch *match, gboolean reverse)
{
    const Writer w = { text, match && match->match == TRISTATE_NO, reverse };
    if (!match)
        return 0;
    if (check_sets(match) < 0)
        return -1;
    switch (match->protocol) {
    case NWFILTER_PROTOCOL_MAC:
        addresses_of_frame(&w, match);
        if (match->protocolid)
            g_string_append_printf(text, "ether type %s0x%04x ", is(&w), nwfilter_ethertype_number(match->protocolid));
        return 0;
    case NWFILTER_PROTOCOL_VLAN:
        g_string_append(text, "ether type 0x8100 ");
        addresses_of_frame(&w, match);
        number(&w, "vlan id", match->vlanid);
        if (match->encap_protocol)
            g_string_append_printf(text, "vlan type %s0x%04x ", is(&w), nwfilter_ethertype_number(match->encap_protocol));
        return 0;
    case NWFILTER_PROTOCOL_STP:
        g_string_append(text, "ether daddr " STP_RECEIVER " ");
        return stp(&w, match);
    case NWFILTER_PROTOCOL_ARP:
    case NWFILTER_PROTOCOL_RARP:
        g_string_append_printf(text, "ether type 0x%04x ", match->protocol == NWFILTER_PROTOCOL_ARP ? 0x806 : 0x8035);
        return arp(&w, match);
    default:
        g_string_append_printf(text, "ether type %s ", match->protocol == NWFILTER_PROTOCOL_IP ? "ip" : "ip6");
        return ip_in_frame(&w, match);
    }
}

const char *expression_of_chain(const char *chain)
{
    static const struct { const char *prefix, *expression; } chains[] = {
        { "mac", "" }, { "stp", "ether daddr " STP_RECEIVER " " }, { "vlan", "ether type 0x8100 " }, { "arp", "ether type 0x0806 " },
        { "rarp", "ether type 0x8035 " }, { "ipv4", "ether type ip " }, { "ipv6", "ether type ip6 " },
    };
    for (guint i = 0; i < G_N_ELEMENTS(chains); i++) {
        if (g_str_has_prefix(chain, chains[i].prefix))
            return chains[i].expression;
    }
    return "";
}

/* ---- packets ---- */

static const struct { guint number; gboolean v6; } packets[NWFILTER_PROTOCOL_LAST] = {
    [NWFILTER_PROTOCOL_TCP] = { 6, FALSE }, [NWFILTER_PROTOCOL_UDP] = { 17, FALSE }, [NWFILTER_PROTOCOL_SCTP] = { 132, FALSE },
    [NWFILTER_PROTOCOL_ICMP] = { 1, FALSE }, [NWFILTER_PROTOCOL_IGMP] = { 2, FALSE }, [NWFILTER_PROTOCOL_ESP] = { 50, FALSE },
    [NWFILTER_PROTOCOL_AH] = { 51, FALSE }, [NWFILTER_PROTOCOL_UDPLITE] = { 136, FALSE },
    [NWFILTER_PROTOCOL_TCP_IPV6] = { 6, TRUE }, [NWFILTER_PROTOCOL_UDP_IPV6] = { 17, TRUE }, [NWFILTER_PROTOCOL_SCTP_IPV6] = { 132, TRUE },
    [NWFILTER_PROTOCOL_ICMPV6] = { 58, TRUE }, [NWFILTER_PROTOCOL_ESP_IPV6] = { 50, TRUE }, [NWFILTER_PROTOCOL_AH_IPV6] = { 51, TRUE },
    [NWFILTER_PROTOCOL_UDPLITE_IPV6] = { 136, TRUE }, [NWFILTER_PROTOCOL_ALL_IPV6] = { 0, TRUE },
};

/* "SYN,ACK/SYN" → tcp flags & (syn | ack) == syn */
static void tcp_flags(const Writer *w, const char *value)
{
    g_auto(GStrv) halves = g_strsplit(value, "/", 2);
    g_string_append(w->text, "tcp flags & (");
    for (guint half = 0; half < 2 && halves[half]; half++) {
        g_auto(GStrv) words = g_strsplit(halves[half], ",", -1);
        gboolean all = words[0] && strcmp(words[0], "ALL") == 0, none = words[0] && strcmp(words[0], "NONE") == 0;
        g_autofree char *joined = all ? g_strdup("fin | syn | rst | psh | ack | urg") : none ? g_strdup("0x0") : g_strjoinv(" | ", words);
        g_autofree char *lower = g_ascii_strdown(joined, -1);
        g_string_append_printf(w->text, half ? "%s " : "%s) %s ", lower, w->negate ? "!=" : "==");
    }
}

gboolean expression_is_one_way(const NwfilterMatch *match)
{
    return match->type || match->code || match->tcp_flags;
}

int expression_of_packet(GString *text, const NwfilterMatch *match, gboolean reverse)
{
    const Writer w = { text, match->match == TRISTATE_NO, reverse };
    gboolean v6 = packets[match->protocol].v6;
    const char *from = v6 ? (reverse ? "ip6 daddr" : "ip6 saddr") : (reverse ? "ip daddr" : "ip saddr");
    const char *to = v6 ? (reverse ? "ip6 saddr" : "ip6 daddr") : (reverse ? "ip saddr" : "ip daddr");
    if (match->connection.ipset)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the set '%s' of ipset can't be used: nftables doesn't see it", match->connection.ipset);
    if (check_sets(match) < 0)
        return -1;
    g_string_append_printf(text, "ether type %s ", v6 ? "ip6" : "ip");
    if (packets[match->protocol].number)
        g_string_append_printf(text, "meta l4proto %u ", packets[match->protocol].number);
    if (!reverse)
        mac(&w, "ether saddr", match->srcmacaddr, NULL, FALSE);
    if (v6) {
        subnet(&w, from, match->ipv6.srcipaddr, match->ipv6.srcipmask);
        subnet(&w, to, match->ipv6.dstipaddr, match->ipv6.dstipmask);
        between(&w, from, match->ipv6_range.srcipfrom, match->ipv6_range.srcipto);
        between(&w, to, match->ipv6_range.dstipfrom, match->ipv6_range.dstipto);
    } else {
        subnet(&w, from, match->ipv4.srcipaddr, match->ipv4.srcipmask);
        subnet(&w, to, match->ipv4.dstipaddr, match->ipv4.dstipmask);
        between(&w, from, match->ipv4_range.srcipfrom, match->ipv4_range.srcipto);
        between(&w, to, match->ipv4_range.dstipfrom, match->ipv4_range.dstipto);
    }
    number(&w, v6 ? "ip6 dscp" : "ip dscp", match->dscp);
    ports(&w, &match->ports);
    number(&w, v6 ? "icmpv6 type" : "icmp type", match->type);
    number(&w, v6 ? "icmpv6 code" : "icmp code", match->code);
    if (match->tcp_flags)
        tcp_flags(&w, match->tcp_flags);
    return 0;
}
