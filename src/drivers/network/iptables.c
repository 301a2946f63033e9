/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_FIREWALL
#define LOG_SOURCE "network.iptables"
#include "drivers/network/iptables.h"
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/process.h"
#include "drivers/network/rules.h"

/* Longest rules of a host, and longest wait for whoever holds the lock of iptables. */
#define SAVED_MAX (64 * 1024 * 1024)
#define RUN_MS 30000
#define WAIT_SECONDS "20"
#define LEGACY_TABLES "/proc/net/ip_tables_names"

static struct {
    bool used;
    bool legacy;
} chosen;

bool iptables_is_used(void)
{
    return chosen.used;
}

/* Whether rules of the old iptables are in force. */
static bool has_legacy_rules(void)
{
    g_autofree char *names = NULL;
    size_t len = 0;
    bool found = file_read_optional(LEGACY_TABLES, 4096, &names, &len) > 0 && strstr(names, "filter");
    virResetLastError();
    return found;
}

void iptables_choose(const char *backend)
{
    g_autofree char *legacy = g_find_program_in_path("iptables-legacy-restore");
    bool in_force = has_legacy_rules();
    chosen.used = backend ? strcmp(backend, "iptables") == 0 : in_force;
    chosen.legacy = in_force && legacy;
    if (chosen.used && !backend)
        LOG_INFO("the rules of networks are made by iptables, whose old tables are in force on this host");
}

/* ---- texts ---- */

/* Chains of ours, the table and the chain that each is reached from, and which packets go there. */
static const struct Part {
    const char *prefix, *table, *from, *match;
} parts[] = {
    { "LV_IN_", "filter", "INPUT", "-i %s" },
    { "LV_OUT_", "filter", "OUTPUT", "-o %s" },
    { "LV_FROM_", "filter", "FORWARD", "-i %s" },
    { "LV_TO_", "filter", "FORWARD", "-o %s" },
    { "LV_NAT_", "nat", "POSTROUTING", NULL },
};

static char *jump(const struct Part *part, const char *bridge)
{
    g_autofree char *match = part->match ? g_strdup_printf(part->match, bridge) : NULL;
    return g_strdup_printf("%s %s%s-j %s%s", part->from, match ? match : "", match ? " " : "", part->prefix, bridge);
}

/* Append the lines of a table in @saved that jump to a chain of the bridge's, as commands that delete them. */
static void take_jumps(const char *bridge, const char *table, const char *saved, GString *text)
{
    g_auto(GStrv) lines = g_strsplit(saved, "\n", -1);
    bool here = false;
    for (char **line = lines; *line; line++) {
        if (**line == '*')
            here = strcmp(*line + 1, table) == 0;
        const char *target = here && g_str_has_prefix(*line, "-A ") ? strstr(*line, " -j LV_") : NULL;
        for (guint i = 0; target && i < G_N_ELEMENTS(parts); i++) {
            g_autofree char *chain = g_strdup_printf(" -j %s%s", parts[i].prefix, bridge);
            if (strcmp(target, chain) == 0)
                g_string_append_printf(text, "-D %s\n", *line + 3);
        }
    }
}

static void open_chains(const char *bridge, const char *table, GString *text)
{
    g_string_append_printf(text, "*%s\n", table);
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (strcmp(parts[i].table, table) == 0)
            g_string_append_printf(text, ":%s%s - [0:0]\n", parts[i].prefix, bridge); /* made, or emptied */
    }
}

static void insert_jumps(const char *bridge, const char *table, GString *text)
{
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *to = jump(&parts[i], bridge);
        if (strcmp(parts[i].table, table) == 0)
            g_string_append_printf(text, "-%c %s\n", strcmp(table, "nat") == 0 ? 'A' : 'I', to);
    }
}

G_GNUC_PRINTF(4, 5)
static void rule(GString *text, const char *prefix, const NetworkDef *net, const char *format, ...)
{
    va_list args;
    g_string_append_printf(text, "-A %s%s ", prefix, net->bridge.name);
    va_start(args, format);
    g_string_append_vprintf(text, format, args);
    va_end(args);
    g_string_append_c(text, '\n');
}

static void add_services(const NetworkDef *net, bool v6, GString *text)
{
    static const struct { const char *protocol; guint port; } services[] = { { "udp", 53 }, { "tcp", 53 }, { "udp", 67 }, { "udp", 69 } };
    for (guint i = 0; i < G_N_ELEMENTS(services); i++)
        rule(text, "LV_IN_", net, "-p %s --dport %u -j ACCEPT", services[i].protocol, v6 && services[i].port == 67 ? 547 : services[i].port);
    rule(text, "LV_OUT_", net, "-p udp --dport %u -j ACCEPT", v6 ? 546 : 68);
    rule(text, "LV_OUT_", net, "-p udp --sport 53 -j ACCEPT");
    rule(text, "LV_OUT_", net, "-p tcp --sport 53 -j ACCEPT");
}

/* The subnets of one family, "192.168.5.0/24"; caller frees. */
static GPtrArray *subnets(const NetworkDef *net, bool v6)
{
    GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < net->n_ips; i++) {
        bool is_v6;
        g_autofree char *subnet = rules_subnet(net->ips[i], &is_v6);
        if (is_v6 == v6)
            g_ptr_array_add(found, g_steal_pointer(&subnet));
    }
    return found;
}

static void add_passage(const NetworkDef *net, const char *subnet, bool translated, GString *text)
{
    const char *dev = net->forward.dev;
    g_autofree char *in = dev ? g_strdup_printf("-i %s ", dev) : g_strdup(""), *out = dev ? g_strdup_printf("-o %s ", dev) : g_strdup("");
    rule(text, "LV_TO_", net, "%s-d %s %s-j ACCEPT", in, subnet, translated ? "-m conntrack --ctstate RELATED,ESTABLISHED " : "");
    rule(text, "LV_FROM_", net, "%s-s %s -j ACCEPT", out, subnet);
}

static char *nat_target(const NetworkNat *nat, bool v6, bool with_ports)
{
    guint first = nat->port.start ? nat->port.start : RULES_NAT_PORT_FIRST, last = nat->port.end ? nat->port.end : RULES_NAT_PORT_LAST;
    g_autofree char *ports = with_ports ? g_strdup_printf("%u-%u", first, last) : NULL;
    if (v6 || !nat->address.start)
        return g_strdup_printf("MASQUERADE%s%s", ports ? " --to-ports " : "", ports ? ports : "");
    return g_strdup_printf("SNAT --to-source %s-%s%s%s", nat->address.start, nat->address.end, ports ? ":" : "", ports ? ports : "");
}

static void add_translation(const NetworkDef *net, bool v6, const char *subnet, GString *text)
{
    static const char *const never[2][3] = { { "224.0.0.0/24", "255.255.255.255/32", NULL }, { "ff02::/16", NULL } };
    static const char *const with_ports[] = { "tcp", "udp" };
    const char *dev = net->forward.dev;
    g_autofree char *out = dev ? g_strdup_printf("-o %s ", dev) : g_strdup("");
    g_autofree char *ports = nat_target(&net->forward.nat, v6, true), *plain = nat_target(&net->forward.nat, v6, false);
    for (const char *const *to = never[v6]; *to; to++)
        rule(text, "LV_NAT_", net, "%s-s %s -d %s -j RETURN", out, subnet, *to);
    for (guint i = 0; i < G_N_ELEMENTS(with_ports); i++)
        rule(text, "LV_NAT_", net, "%s-s %s ! -d %s -p %s -j %s", out, subnet, subnet, with_ports[i], ports);
    rule(text, "LV_NAT_", net, "%s-s %s ! -d %s -j %s", out, subnet, subnet, plain);
}

void iptables_add(const NetworkDef *net, bool v6, const char *saved, GString *text)
{
    NetworkForwardMode mode = network_def_mode(net);
    const char *bridge = net->bridge.name;
    bool translated = mode == NETWORK_FORWARD_MODE_NAT && (!v6 || net->forward.nat.ipv6 == TRISTATE_YES);
    g_autoptr(GPtrArray) nets = subnets(net, v6);
    open_chains(bridge, "filter", text);
    take_jumps(bridge, "filter", saved, text);
    add_services(net, v6, text);
    rule(text, "LV_TO_", net, "-i %s -j ACCEPT", bridge);
    rule(text, "LV_FROM_", net, "-o %s -j ACCEPT", bridge);
    for (guint i = 0; i < nets->len && mode != NETWORK_FORWARD_MODE_NONE; i++)
        add_passage(net, nets->pdata[i], translated, text);
    rule(text, "LV_TO_", net, "-j REJECT");
    rule(text, "LV_FROM_", net, "-j REJECT");
    insert_jumps(bridge, "filter", text);
    g_string_append(text, "COMMIT\n");
    open_chains(bridge, "nat", text);
    take_jumps(bridge, "nat", saved, text);
    for (guint i = 0; i < nets->len && translated; i++)
        add_translation(net, v6, nets->pdata[i], text);
    insert_jumps(bridge, "nat", text);
    g_string_append(text, "COMMIT\n");
}

void iptables_take(const char *bridge, const char *saved, GString *text)
{
    static const char *const tables[] = { "filter", "nat" };
    for (guint t = 0; t < G_N_ELEMENTS(tables); t++) {
        open_chains(bridge, tables[t], text); /* so that all is there that is taken away */
        take_jumps(bridge, tables[t], saved, text);
        for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
            if (strcmp(parts[i].table, tables[t]) == 0)
                g_string_append_printf(text, "-X %s%s\n", parts[i].prefix, bridge);
        }
        g_string_append(text, "COMMIT\n");
    }
}

bool iptables_is_whole(const NetworkDef *net, const char *saved)
{
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *to = jump(&parts[i], net->bridge.name), *line = g_strdup_printf("-A %s\n", to);
        if (!strstr(saved, line))
            return false;
    }
    return true;
}

/* ---- the programs ---- */

/* Held from a look at the rules to what is done about them. */
static GMutex lock;

static char *program(bool v6, const char *verb)
{
    return g_strdup_printf("%s%s-%s", v6 ? "ip6tables" : "iptables", chosen.legacy ? "-legacy" : "", verb);
}

static int run(bool v6, const char *verb, const char *input, char **output, const char *what)
{
    g_autofree char *name = program(v6, verb);
    const char *const save[] = { name, NULL }, *const restore[] = { name, "--noflush", "--wait", WAIT_SECONDS, NULL };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_auto(ProcessOutput) said = { 0 };
    spec.argv = input ? restore : save;
    spec.die_with_parent = true;
    if (process_run_checked(&spec, input, input ? strlen(input) : 0, SAVED_MAX, RUN_MS, &said) < 0) {
        LOG_DEBUG("refused by %s: %s", name, input ? input : "");
        error_context("cannot %s ('%s' shows the host's firewall)", what, v6 ? "ip6tables-save" : "iptables-save");
        return -1;
    }
    if (output)
        *output = g_steal_pointer(&said.out);
    return 0;
}

static bool has_family(const NetworkDef *net, bool v6)
{
    g_autoptr(GPtrArray) nets = subnets(net, v6);
    return nets->len || !v6;
}

typedef enum { ENSURE, MEND, REMOVE } Wish;

static int follow(const NetworkDef *net, bool v6, Wish wish)
{
    g_autofree char *saved = NULL;
    g_autofree char *what = g_strdup_printf("%s the rules of network '%s' by iptables", wish == REMOVE ? "remove" : "make", net->name);
    g_autoptr(GString) text = g_string_new(NULL);
    if (run(v6, "save", NULL, &saved, what) < 0)
        return -1;
    if (wish == MEND && iptables_is_whole(net, saved))
        return 0;
    if (wish == MEND)
        LOG_INFO("network '%s': the firewall has lost its rules; they are put back", net->name);
    if (wish == REMOVE)
        iptables_take(net->bridge.name, saved, text);
    else
        iptables_add(net, v6, saved, text);
    return run(v6, "restore", text->str, NULL, what);
}

static int follow_all(const NetworkDef *net, Wish wish)
{
    int rc = 0;
    g_mutex_lock(&lock);
    for (guint v6 = 0; v6 < 2; v6++) {
        if (has_family(net, v6) && follow(net, v6, wish) < 0)
            rc = -1;
    }
    g_mutex_unlock(&lock);
    return rc;
}

int iptables_ensure(const NetworkDef *net)
{
    return network_def_mode(net) == NETWORK_FORWARD_MODE_OPEN ? 0 : follow_all(net, ENSURE);
}

int iptables_mend(const NetworkDef *net)
{
    return network_def_mode(net) == NETWORK_FORWARD_MODE_OPEN ? 0 : follow_all(net, MEND);
}

int iptables_remove(const NetworkDef *net)
{
    return follow_all(net, REMOVE);
}
