/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drivers/network/rules.h"
#include <string.h>
#include "base/ip.h"
#include "base/netlink.h"

/* A network with what its rules repeat. */
typedef struct Rules {
    const NetworkDef *net;
    const char *bridge;
    char *id;             /* the bridge in names of chains */
    GString *text;
} Rules;

bool rules_bridge_is_writable(const char *bridge)
{
    return netlink_name_is_valid(bridge) && !strpbrk(bridge, "\"*\\");
}

/* Letters, digits and "." stay; others become _XX. */
static char *chain_id(const char *bridge)
{
    GString *id = g_string_new(NULL);
    for (const char *c = bridge; *c; c++) {
        if (g_ascii_isalnum(*c) || *c == '.')
            g_string_append_c(id, *c);
        else
            g_string_append_printf(id, "_%02x", (unsigned char) *c);
    }
    return g_string_free(id, FALSE);
}

G_GNUC_PRINTF(3, 4)
static void rule(const Rules *r, const char *chain, const char *format, ...)
{
    va_list args;
    g_string_append_printf(r->text, "add rule " RULES_TABLE " %s_%s ", chain, r->id);
    va_start(args, format);
    g_string_append_vprintf(r->text, format, args);
    va_end(args);
    g_string_append_c(r->text, '\n');
}

static void add_base(GString *text)
{
    g_string_append(text,
                    "add table " RULES_TABLE "\n"
                    "add map " RULES_TABLE " to { type ifname : verdict; }\n"
                    "add map " RULES_TABLE " from { type ifname : verdict; }\n"
                    "add chain " RULES_TABLE " forward { type filter hook forward priority 0; policy accept; }\n"
                    "flush chain " RULES_TABLE " forward\n"
                    "add rule " RULES_TABLE " forward oifname vmap @to\n"
                    "add rule " RULES_TABLE " forward iifname vmap @from\n");
}

/* The chains, empty, and what leads to them. */
static void add_chains(const Rules *r)
{
    static const char *const sides[] = { "to", "from" };
    for (guint i = 0; i < G_N_ELEMENTS(sides); i++)
        g_string_append_printf(r->text, "add chain " RULES_TABLE " %s_%s\nflush chain " RULES_TABLE " %s_%s\n"
                               "add element " RULES_TABLE " %s { \"%s\" : goto %s_%s }\n", sides[i], r->id, sides[i], r->id, sides[i],
                               r->bridge, sides[i], r->id);
}

char *rules_subnet(const NetworkIp *ip, bool *v6)
{
    char text[IP_TEXT_SIZE];
    IpAddress address = { { 0 }, 0 };
    ip_parse(ip->address, &address);
    guint prefix = network_ip_prefix(ip);
    for (guint bit = prefix; bit < ip_bits(&address); bit++)
        address.bytes[bit / 8] &= (guint8) ~(0x80 >> bit % 8);
    *v6 = ip_is_v6(&address);
    return g_strdup_printf("%s/%u", ip_format(&address, text), prefix);
}

static bool translates(const NetworkDef *net, bool v6)
{
    return network_def_mode(net) == NETWORK_FORWARD_MODE_NAT && (!v6 || net->forward.nat.ipv6 == TRISTATE_YES);
}

/* Who may talk to whom beyond the bridge. */
static void add_passage(const Rules *r, const NetworkIp *ip)
{
    bool v6;
    g_autofree char *net = rules_subnet(ip, &v6);
    const char *dev = r->net->forward.dev, *family = v6 ? "ip6" : "ip";
    g_autofree char *in = dev ? g_strdup_printf("iifname \"%s\" ", dev) : g_strdup("");
    g_autofree char *out = dev ? g_strdup_printf("oifname \"%s\" ", dev) : g_strdup("");
    if (translates(r->net, v6)) /* what ports of the host lead to */
        rule(r, "to", "%s%s daddr %s ct status dnat accept", in, family, net);
    rule(r, "to", "%s%s daddr %s %saccept", in, family, net, translates(r->net, v6) ? "ct state related,established " : "");
    rule(r, "from", "%s%s saddr %s accept", out, family, net);
}

static char *nat_verdict(const NetworkNat *nat, bool v6, bool with_ports)
{
    guint first = nat->port.start ? nat->port.start : RULES_NAT_PORT_FIRST, last = nat->port.end ? nat->port.end : RULES_NAT_PORT_LAST;
    g_autofree char *ports = with_ports ? g_strdup_printf(":%u-%u", first, last) : g_strdup("");
    if (v6 || !nat->address.start)
        return with_ports ? g_strdup_printf("masquerade to %s", ports) : g_strdup("masquerade");
    if (strcmp(nat->address.start, nat->address.end) == 0)
        return g_strdup_printf("snat ip to %s%s", nat->address.start, ports);
    return g_strdup_printf("snat ip to %s-%s%s", nat->address.start, nat->address.end, ports);
}

static void add_translation(const Rules *r, const NetworkIp *ip)
{
    const NetworkNat *nat = &r->net->forward.nat;
    bool v6;
    g_autofree char *net = rules_subnet(ip, &v6);
    if (!translates(r->net, v6))
        return;
    const char *family = v6 ? "ip6" : "ip", *dev = r->net->forward.dev;
    g_autofree char *out = dev ? g_strdup_printf("oifname \"%s\" ", dev) : g_strdup("");
    g_autofree char *with_ports = nat_verdict(nat, v6, true), *plain = nat_verdict(nat, v6, false);
    rule(r, "nat", "%s%s saddr %s %s daddr { %s } return", out, family, net, family, v6 ? "ff02::/16" : "224.0.0.0/24, 255.255.255.255");
    rule(r, "nat", "%s%s saddr %s %s daddr != %s meta l4proto { tcp, udp } %s", out, family, net, family, net, with_ports);
    rule(r, "nat", "%s%s saddr %s %s daddr != %s %s", out, family, net, family, net, plain);
}

static void add_all(const Rules *r)
{
    NetworkForwardMode mode = network_def_mode(r->net);
    add_base(r->text);
    add_chains(r);
    rule(r, "to", "iifname \"%s\" accept", r->bridge);
    rule(r, "from", "oifname \"%s\" accept", r->bridge);
    for (guint i = 0; i < r->net->n_ips && mode != NETWORK_FORWARD_MODE_NONE; i++)
        add_passage(r, r->net->ips[i]);
    rule(r, "to", "reject");
    rule(r, "from", "reject");
    if (mode != NETWORK_FORWARD_MODE_NAT)
        return;
    g_string_append_printf(r->text, "add chain " RULES_TABLE " nat_%s { type nat hook postrouting priority 100; policy accept; }\n"
                           "flush chain " RULES_TABLE " nat_%s\n", r->id, r->id);
    for (guint i = 0; i < r->net->n_ips; i++)
        add_translation(r, r->net->ips[i]);
}

void rules_add(const NetworkDef *net, GString *text)
{
    g_autofree char *id = chain_id(net->bridge.name);
    const Rules rules = { net, net->bridge.name, id, text };
    if (network_def_mode(net) != NETWORK_FORWARD_MODE_OPEN)
        add_all(&rules);
}

static const char *const forward_chains[] = { "dnat", "dnatown" };

void rules_begin_forwards(const char *bridge, GString *text)
{
    static const char *const hooks[] = { "prerouting", "output" };
    g_autofree char *id = chain_id(bridge);
    g_string_append(text, "add table " RULES_TABLE "\n");
    for (guint i = 0; i < G_N_ELEMENTS(hooks); i++)
        g_string_append_printf(text, "add chain " RULES_TABLE " %s_%s { type nat hook %s priority -100; policy accept; }\n"
                               "flush chain " RULES_TABLE " %s_%s\n", forward_chains[i], id, hooks[i], forward_chains[i], id);
}

void rules_add_forward(const char *bridge, bool own, GString *text, const char *format, ...)
{
    g_autofree char *id = chain_id(bridge);
    va_list args;
    g_string_append_printf(text, "add rule " RULES_TABLE " %s_%s ", forward_chains[own], id);
    va_start(args, format);
    g_string_append_vprintf(text, format, args);
    va_end(args);
    g_string_append_c(text, '\n');
}

char *rules_probe(const char *bridge)
{
    g_autofree char *id = chain_id(bridge);
    return g_strdup_printf("get element " RULES_TABLE " to { \"%s\" }\nlist chain " RULES_TABLE " from_%s\n", bridge, id);
}

void rules_remove(const char *bridge, GString *text)
{
    static const char *const sides[] = { "to", "from" };
    g_autofree char *id = chain_id(bridge);
    const Rules rules = { NULL, bridge, id, text };
    add_base(text);
    add_chains(&rules); /* so that all is there that is taken away */
    for (guint i = 0; i < G_N_ELEMENTS(sides); i++)
        g_string_append_printf(text, "delete element " RULES_TABLE " %s { \"%s\" }\n", sides[i], bridge);
    for (guint i = 0; i < G_N_ELEMENTS(sides); i++)
        g_string_append_printf(text, "delete chain " RULES_TABLE " %s_%s\n", sides[i], id);
    g_string_append_printf(text, "add chain " RULES_TABLE " nat_%s { type nat hook postrouting priority 100; policy accept; }\n"
                           "flush chain " RULES_TABLE " nat_%s\ndelete chain " RULES_TABLE " nat_%s\n", id, id, id);
    rules_begin_forwards(bridge, text);
    for (guint i = 0; i < G_N_ELEMENTS(forward_chains); i++)
        g_string_append_printf(text, "delete chain " RULES_TABLE " %s_%s\n", forward_chains[i], id);
}
