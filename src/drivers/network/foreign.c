/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_FIREWALL
#define LOG_SOURCE "network.foreign"
#include "drivers/network/foreign.h"
#include <string.h>
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "drivers/network/dnsmasq.h"
#include "firewall/firewall.h"
#include "drivers/network/iptables.h"
#include "drivers/network/rules.h"

#define LIST_DEPTH 64
/* Marks a rule as ours; the bridge's name follows. */
#define MARK "libvirt bridge "

/* A base chain of somebody else's at which packets of guests pass. */
typedef struct Chain {
    char *family, *table, *name;
    bool input;         /* hook input, else forward */
    bool drops;         /* by its policy, or by a rule for all that's left */
} Chain;

static void chain_free(void *opaque)
{
    Chain *chain = opaque;
    g_free(chain->family);
    g_free(chain->table);
    g_free(chain->name);
    g_free(chain);
}

/* The chains that iptables makes, whose rules are its own. */
static bool is_of_iptables(const Chain *chain)
{
    return (strcmp(chain->family, "ip") == 0 || strcmp(chain->family, "ip6") == 0) && strcmp(chain->table, "filter") == 0 &&
        strcmp(chain->name, chain->input ? "INPUT" : "FORWARD") == 0;
}

static const char *text_of(json_object *item, const char *key)
{
    const char *text = NULL;
    return json_find_string(item, key, &text) > 0 ? text : "";
}

static void add_chain(json_object *item, GPtrArray *chains)
{
    json_object *def = NULL;
    if (json_find_object(item, "chain", &def) <= 0 || strcmp(text_of(def, "type"), "filter") != 0)
        return;
    const char *hook = text_of(def, "hook");
    g_autofree char *table = g_strdup_printf("%s %s", text_of(def, "family"), text_of(def, "table"));
    bool input = strcmp(hook, "input") == 0;
    if ((!input && strcmp(hook, "forward") != 0) || strcmp(table, RULES_TABLE) == 0 || g_str_has_prefix(table, "bridge ") ||
        g_str_has_prefix(table, "netdev "))
        return;
    Chain *chain = g_new0(Chain, 1);
    *chain = (Chain) { g_strdup(text_of(def, "family")), g_strdup(text_of(def, "table")), g_strdup(text_of(def, "name")), input,
                       strcmp(text_of(def, "policy"), "drop") == 0 };
    g_ptr_array_add(chains, chain);
}

/* The items of a list of nft; the caller puts *tree. NULL with an error. */
static json_object *list(const char *command, json_object **tree)
{
    json_object *items = NULL;
    g_autofree char *text = firewall_list(command, "look at the host's firewall");
    *tree = text ? json_parse(text, strlen(text), LIST_DEPTH, "list of nft") : NULL;
    return *tree && json_get_array(*tree, "nftables", &items) == 0 ? items : NULL;
}

/* What one part of a rule does with a packet: a verdict, "" (goes on with the next part). NULL: it is for some packets only, or not known. */
static const char *verdict_of(const char *kind, json_object *value)
{
    static const char *const verdicts[] = { "accept", "drop", "reject", NULL };
    if (strcmp(kind, "xt") == 0 && strcmp(text_of(value, "type"), "target") == 0) /* of iptables */
        kind = strcmp(text_of(value, "name"), "LOG") == 0 ? "log" : strcmp(text_of(value, "name"), "REJECT") == 0 ? "reject" : "";
    for (guint i = 0; verdicts[i]; i++) {
        if (strcmp(kind, verdicts[i]) == 0)
            return verdicts[i];
    }
    return strcmp(kind, "counter") == 0 || strcmp(kind, "log") == 0 ? "" : NULL;
}

/* What a rule for every packet does with them: "accept", "drop", "reject". NULL: it is for some, or lets them go on. */
static const char *verdict_for_all(json_object *item)
{
    json_object *rule = NULL, *expression = NULL;
    const char *verdict = NULL;
    if (json_find_object(item, "rule", &rule) <= 0 || json_find_array(rule, "expr", &expression) <= 0)
        return NULL;
    for (size_t i = 0; i < json_object_array_length(expression); i++) {
        json_object_object_foreach(json_object_array_get_idx(expression, i), kind, value) {
            const char *one = verdict_of(kind, value);
            if (!one)
                return NULL;
            verdict = *one ? one : verdict;
        }
    }
    return verdict;
}

/* See whether a chain that lets pass by its policy drops by a rule all the same. */
static int look_at_rules(Chain *chain)
{
    g_autofree char *command = g_strdup_printf("list chain %s %s %s", chain->family, chain->table, chain->name);
    g_autoptr(json_object) tree = NULL;
    json_object *items = list(command, &tree);
    const char *verdict = NULL;
    for (size_t i = 0; items && !verdict && i < json_object_array_length(items); i++)
        verdict = verdict_for_all(json_object_array_get_idx(items, i));
    chain->drops = verdict && strcmp(verdict, "accept") != 0;
    return items ? 0 : -1;
}

static GPtrArray *list_chains(void)
{
    g_autoptr(json_object) tree = NULL;
    json_object *items = list("list chains", &tree);
    if (!items)
        return NULL;
    g_autoptr(GPtrArray) chains = g_ptr_array_new_with_free_func(chain_free);
    for (size_t i = 0; i < json_object_array_length(items); i++)
        add_chain(json_object_array_get_idx(items, i), chains);
    for (guint i = 0; i < chains->len; i++) {
        Chain *chain = chains->pdata[i];
        if (!chain->drops && look_at_rules(chain) < 0)
            return NULL;
    }
    return g_steal_pointer(&chains);
}

/* ---- chains of iptables ---- */

/* Append to @text what deletes our rules for the bridge from a chain. How many there are; -1 with an error. */
static int find_ours(const Chain *chain, const char *bridge, GString *text)
{
    g_autofree char *command = g_strdup_printf("list chain %s %s %s", chain->family, chain->table, chain->name);
    g_autofree char *mark = g_strconcat(MARK, bridge, NULL);
    g_autoptr(json_object) tree = NULL;
    json_object *items = list(command, &tree);
    int n = 0;
    for (size_t i = 0; items && i < json_object_array_length(items); i++) {
        json_object *rule = NULL;
        gint64 handle = 0;
        if (json_find_object(json_object_array_get_idx(items, i), "rule", &rule) <= 0 || strcmp(text_of(rule, "comment"), mark) != 0 ||
            json_find_int(rule, "handle", &handle) <= 0)
            continue;
        g_string_append_printf(text, "delete rule %s %s %s handle %" G_GINT64_FORMAT "\n", chain->family, chain->table, chain->name, handle);
        n++;
    }
    return items ? n : -1;
}

static void insert(const Chain *chain, const char *match, const char *bridge, GString *text)
{
    g_string_append_printf(text, "insert rule %s %s %s %s counter accept comment \"" MARK "%s\"\n", chain->family, chain->table,
                           chain->name, match, bridge);
}

/* Ports at which the host serves its guests. */
static const char *const services[] = { "udp dport 53", "tcp dport 53", "udp dport 67", "udp dport 69", "udp dport 547" };

static void insert_all(const Chain *chain, const char *bridge, GString *text)
{
    if (!chain->input) {
        g_autofree char *in = g_strdup_printf("iifname \"%s\"", bridge), *out = g_strdup_printf("oifname \"%s\"", bridge);
        insert(chain, in, bridge, text);
        insert(chain, out, bridge, text);
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(services); i++) {
        g_autofree char *match = g_strdup_printf("iifname \"%s\" %s", bridge, services[i]);
        insert(chain, match, bridge, text);
    }
}

/* How many rules of ours insert_all() makes. */
static int wanted(const Chain *chain)
{
    return chain->input ? (int) G_N_ELEMENTS(services) : 2;
}

static int open_iptables(const Chain *chain, const NetworkDef *net)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *what = g_strdup_printf("let network '%s' pass the host's firewall", net->name);
    int n = find_ours(chain, net->bridge.name, text);
    if (n < 0 || n == wanted(chain))
        return n < 0 ? -1 : 0;
    insert_all(chain, net->bridge.name, text);
    return firewall_run(text->str, what);
}

/* ---- chains of others ---- */

/* Whether rules name the bridge, or all whose names begin as its does. */
static bool names(const char *text, const char *bridge)
{
    g_autofree char *exact = g_strdup_printf("\"%s\"", bridge);
    bool found = strstr(text, exact) != NULL;
    for (size_t n = 1; !found && n <= strlen(bridge); n++) {
        g_autofree char *pattern = g_strdup_printf("\"%.*s*\"", (int) n, bridge);
        found = strstr(text, pattern) != NULL;
    }
    return found;
}

/* Whether a chain, or what of its table it may lead to, says anything about the bridge. */
static int knows(const Chain *chain, const char *bridge)
{
    g_autofree char *command = g_strdup_printf("list chain %s %s %s", chain->family, chain->table, chain->name);
    g_autofree char *text = firewall_list(command, "look at the host's firewall");
    if (!text || names(text, bridge))
        return text ? 1 : -1;
    if (!strstr(text, "\"jump\"") && !strstr(text, "\"goto\"") && !strstr(text, "\"vmap\"") && !strchr(text, '@'))
        return 0;
    g_autofree char *whole = g_strdup_printf("list table %s %s", chain->family, chain->table);
    g_autofree char *more = firewall_list(whole, "look at the host's firewall");
    return more ? names(more, bridge) : -1;
}

static const char *what_it_drops(const Chain *chain)
{
    return chain->input ? "what comes to this host" : "what passes through this host";
}

static int complain(const Chain *chain, const NetworkDef *net, bool strict)
{
    const char *bridge = net->bridge.name;
    int known = knows(chain, bridge);
    if (known != 0)
        return known < 0 ? -1 : 0;
    g_autofree char *more = chain->input ? g_strdup("") : g_strdup_printf(" and 'nft insert rule %s %s %s oifname %s accept'", chain->family,
                                                                          chain->table, chain->name, bridge);
    error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_FAILED, "the host's firewall drops the traffic of network '%s': chain '%s' of table '%s %s' "
                 "drops %s, and knows nothing of bridge '%s'. 'nft insert rule %s %s %s iifname %s accept'%s let it pass; put that into "
                 "the firewall's own configuration", net->name, chain->name, chain->family, chain->table, what_it_drops(chain), bridge,
                 chain->family, chain->table, chain->name, bridge, more);
    if (strict)
        return -1;
    LOG_WARN("%s", error_message());
    virResetLastError();
    return 0;
}

/* Whether guests of this network need to pass a chain. */
static bool matters(const Chain *chain, const NetworkDef *net)
{
    NetworkForwardMode mode = network_def_mode(net);
    bool v4 = strcmp(chain->family, "ip6") != 0;
    if (!chain->drops || mode == NETWORK_FORWARD_MODE_OPEN)
        return false;
    if (chain->input)
        return dnsmasq_is_needed(net);
    for (guint i = 0; i < net->n_ips; i++) {
        bool v6 = strchr(net->ips[i]->address, ':') != NULL;
        if (mode != NETWORK_FORWARD_MODE_NONE && (v6 ? strcmp(chain->family, "ip") != 0 : v4))
            return true;
    }
    return false;
}

int foreign_ensure(const NetworkDef *net, bool strict)
{
    g_autoptr(GPtrArray) chains = list_chains();
    if (!chains && iptables_is_used()) { /* a kernel without nftables has no such chains */
        virResetLastError();
        return 0;
    }
    if (!chains)
        return -1;
    for (guint i = 0; i < chains->len; i++) {
        const Chain *chain = chains->pdata[i];
        if (iptables_is_used() && is_of_iptables(chain)) /* our own chains stand before its rules */
            continue;
        if (matters(chain, net) && (is_of_iptables(chain) ? open_iptables(chain, net) : complain(chain, net, strict)) < 0)
            return -1;
    }
    return 0;
}

int foreign_find(const NetworkDef *net, GPtrArray *found)
{
    g_autoptr(GPtrArray) chains = list_chains();
    if (!chains && !iptables_is_used())
        return -1;
    virResetLastError(); /* a kernel without nftables has no such chains */
    for (guint i = 0; chains && i < chains->len; i++) {
        const Chain *chain = chains->pdata[i];
        if (is_of_iptables(chain) || !matters(chain, net)) /* those we open, or stand before */
            continue;
        int known = knows(chain, net->bridge.name);
        if (known < 0)
            return -1;
        if (!known)
            g_ptr_array_add(found, g_strdup_printf("chain '%s' of table '%s %s', which drops %s", chain->name, chain->family, chain->table,
                                                   what_it_drops(chain)));
    }
    return 0;
}

int foreign_remove(const NetworkDef *net)
{
    g_autoptr(GPtrArray) chains = list_chains();
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *what = g_strdup_printf("take the rules of network '%s' out of the host's firewall", net->name);
    if (!chains && iptables_is_used()) { /* a kernel without nftables has no such chains */
        virResetLastError();
        return 0;
    }
    if (!chains)
        return -1;
    for (guint i = 0; i < chains->len; i++) {
        const Chain *chain = chains->pdata[i]; /* of iptables' chains also when we use them: a former daemon may not have */
        if (is_of_iptables(chain) && find_ours(chain, net->bridge.name, text) < 0)
            return -1;
    }
    return text->len ? firewall_run(text->str, what) : 0;
}
