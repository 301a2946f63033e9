/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NWFILTER
#include "model/nwfilter.h"
#include <string.h>
#include "base/error.h"
#include "base/mac.h"

/* The firewall's names of chains have an end. */
#define CHAIN_MAX 12
#define DEFAULT_RULE_PRIORITY 500

/* Chains by the beginnings of their names; they are looked at in the order of the priorities. */
static const struct { const char *prefix; int priority; } chains[] = {
    { "stp", -810 }, { "mac", -800 }, { "vlan", -750 }, { "ipv4", -700 }, { "ipv6", -600 }, { "arp", -500 }, { "rarp", -400 },
};

static int default_priority(const char *chain, int *priority)
{
    *priority = 0;
    if (strcmp(chain, "root") == 0)
        return 0;
    for (guint i = 0; i < G_N_ELEMENTS(chains); i++) {
        if (g_str_has_prefix(chain, chains[i].prefix)) {
            *priority = chains[i].priority;
            return 0;
        }
    }
    return FAIL(VIR_ERR_INVALID_ARG, "filter@chain: there is no chain '%s': use 'root' or a name that begins with mac, stp, vlan, "
                "arp, rarp, ipv4 or ipv6", chain);
}

static int complete_chain(NwfilterDef *def)
{
    int priority;
    if (!def->chain || !*def->chain) {
        g_free(def->chain);
        def->chain = g_strdup("root");
        def->priority = 0; /* without a chain's name it means nothing */
        def->has_priority = false;
    }
    if (strlen(def->chain) > CHAIN_MAX)
        return FAIL(VIR_ERR_INVALID_ARG, "filter@chain: name '%s' has more than %d characters", def->chain, CHAIN_MAX);
    for (const char *c = def->chain; *c; c++) {
        if (!g_ascii_isalnum(*c) && !strchr("_-.", *c))
            return FAIL(VIR_ERR_INVALID_ARG, "filter@chain: name '%s' may have letters, digits, '_', '-' and '.' only", def->chain);
    }
    if (default_priority(def->chain, &priority) < 0)
        return -1;
    if (!def->has_priority)
        def->priority = priority;
    def->has_priority = def->priority != 0;
    return 0;
}

/* ---- references ---- */

static gboolean only(const char *text, const char *marks)
{
    for (; *text; text++) {
        if (!g_ascii_isalnum(*text) && !strchr(marks, *text))
            return FALSE;
    }
    return TRUE;
}

/* Parameters are kept by name; several of one name are a list, whose order stays: g_qsort_with_data() is stable. */
static int by_name(const void *a, const void *b, void *unused)
{
    const FilterParameter *x = *(FilterParameter *const *) a, *y = *(FilterParameter *const *) b;
    return strcmp(x->name, y->name);
}

static int complete_ref(InterfaceFilterref *ref, const char *path)
{
    for (guint i = 0; i < ref->n_parameters; i++) {
        const FilterParameter *parameter = ref->parameters[i];
        if (!*parameter->name || !only(parameter->name, "_"))
            return FAIL(VIR_ERR_XML_ERROR, "%s.parameter[%u]@name: '%s' is no name of a variable: it may have letters, digits and "
                        "'_' only", path, i + 1, parameter->name);
        if (!*parameter->value || !only(parameter->value, "_.:"))
            return FAIL(VIR_ERR_XML_ERROR, "%s.parameter[%u]@value: '%s' may have letters, digits, '_', '.' and ':' only; a list is "
                        "several parameters of one name", path, i + 1, parameter->value);
    }
    if (ref->n_parameters > 1)
        g_qsort_with_data(ref->parameters, (gint) ref->n_parameters, sizeof(ref->parameters[0]), by_name, NULL);
    return 0;
}

/* ---- rules ---- */

static gboolean has_ports(const NwfilterMatch *match)
{
    const NwfilterPorts *ports = &match->ports;
    return ports->srcportstart || ports->srcportend || ports->dstportstart || ports->dstportend;
}

/* Whether packets of a protocol have ports; 33 is DCCP. */
static gboolean knows_ports(const char *protocol)
{
    static const char *const with[] = { "tcp", "udp", "33", "0x21", "sctp", NULL };
    return protocol && g_strv_contains(with, protocol);
}

static int check_matches(const NwfilterRule *rule, const char *path)
{
    gboolean can = FALSE;
    for (guint i = 0; i < rule->n_matches; i++) {
        NwfilterMatch *match = rule->matches[i];
        if (match->protocol != rule->matches[0]->protocol)
            return FAIL(VIR_ERR_XML_ERROR, "%s: a rule is about one protocol: '%s' would need a rule of its own", path,
                        nwfilter_protocol_to_string(match->protocol));
        can = can || knows_ports(match->inner);
        gboolean in_packet = match->protocol == NWFILTER_PROTOCOL_IP || match->protocol == NWFILTER_PROTOCOL_IPV6;
        if (in_packet && has_ports(match) && !can)
            return FAIL(VIR_ERR_INTERNAL_ERROR, "%s: ports need protocol='tcp', 'udp', '33' (DCCP) or 'sctp'", path);
        if (match->match == TRISTATE_YES)
            match->match = TRISTATE_UNSET;
    }
    return 0;
}

/* Take over what @from says; of two values of one attribute, the last counts. @other: may not say it as well. */
static void take_attributes(NwfilterMatch *into, NwfilterMatch *from, NwfilterMatch *other)
{
    for (guint i = 0; i < NWFILTER_MATCH_DESC.n_members; i++) {
        const XmlMember *m = &NWFILTER_MATCH_DESC.members[i];
        char **said = (char **) ((char *) from + m->offset);
        if (m->type != XML_STRING || !*said)
            continue;
        if (other)
            g_clear_pointer((char **) ((char *) other + m->offset), g_free);
        if (into != from) {
            char **place = (char **) ((char *) into + m->offset);
            g_free(*place);
            *place = g_steal_pointer(said);
        }
    }
}

static gboolean says_something(const NwfilterMatch *match)
{
    gboolean found = FALSE;
    for (guint i = 0; i < NWFILTER_MATCH_DESC.n_members && !found; i++) {
        const XmlMember *m = &NWFILTER_MATCH_DESC.members[i];
        found = m->type == XML_STRING && *(char *const *) ((const char *) match + m->offset);
    }
    return found;
}

/* All elements of a rule are about one packet: two are left at most, what must be so and what must not. */
static void merge_matches(NwfilterRule *rule)
{
    NwfilterMatch *kept[2] = { NULL };
    guint n = 0;
    for (guint i = 0; i < rule->n_matches; i++) {
        NwfilterMatch *match = rule->matches[i];
        gboolean no = match->match == TRISTATE_NO;
        if (kept[no]) {
            take_attributes(kept[no], match, kept[!no]);
            xml_struct_free(&NWFILTER_MATCH_DESC, match);
        } else {
            if (kept[!no])
                take_attributes(match, match, kept[!no]);
            rule->matches[n++] = kept[no] = match;
        }
    }
    if (n == 2 && says_something(kept[0]) != says_something(kept[1])) {
        NwfilterMatch *empty = says_something(kept[0]) ? kept[1] : kept[0];
        rule->matches[0] = empty == kept[0] ? kept[1] : kept[0];
        xml_struct_free(&NWFILTER_MATCH_DESC, empty);
        n = 1;
    }
    rule->n_matches = n;
}

static int complete_rule(NwfilterRule *rule, const char *path)
{
    if (!rule->has_priority)
        rule->priority = DEFAULT_RULE_PRIORITY;
    rule->has_priority = true;
    gboolean off = rule->statematch == NWFILTER_STATEMATCH_FALSE || rule->statematch == NWFILTER_STATEMATCH_0;
    rule->statematch = off ? NWFILTER_STATEMATCH_FALSE : NWFILTER_STATEMATCH_UNSET;
    if (check_matches(rule, path) < 0)
        return -1;
    merge_matches(rule);
    return check_matches(rule, path); /* what is left says it together */
}

int nwfilter_complete(NwfilterDef *def)
{
    guint counts[NWFILTER_ENTRY_KIND_LAST] = { 0 };
    if (!*def->name)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "filter@name: a filter has a name");
    if (complete_chain(def) < 0)
        return -1;
    for (guint i = 0; i < def->n_entries; i++) {
        NwfilterEntry *entry = def->entries[i];
        g_autofree char *path = g_strdup_printf("filter.%s[%u]", nwfilter_entry_kind_to_string(entry->kind),
                                                ++counts[entry->kind]);
        int rc = entry->kind == NWFILTER_ENTRY_KIND_RULE ? complete_rule(&entry->rule, path) : complete_ref(&entry->ref, path);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* Filters always know the interface's hardware address. */
static void add_mac(InterfaceFilterref *ref, const guint8 mac[6])
{
    for (guint i = 0; i < ref->n_parameters; i++) {
        if (strcmp(ref->parameters[i]->name, "MAC") == 0)
            return;
    }
    char text[MAC_TEXT_SIZE];
    FilterParameter *parameter = xml_struct_new(&FILTER_PARAMETER_DESC);
    parameter->name = g_strdup("MAC");
    parameter->value = g_strdup(mac_format(mac, text));
    XML_LIST_APPEND(ref->parameters, ref->n_parameters, parameter);
}

int nwfilter_binding_complete(NwfilterBindingDef *def)
{
    if (!*def->portdev)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "filterbinding.portdev: the interface has a name");
    add_mac(&def->filterref, def->mac);
    return complete_ref(&def->filterref, "filterbinding.filterref");
}
