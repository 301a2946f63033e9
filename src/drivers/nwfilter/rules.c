/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NWFILTER
#include "drivers/nwfilter/rules.h"
#include <string.h>
#include "base/error.h"
#include "base/mac.h"
#include "base/uuid.h"
#include "drivers/nwfilter/expression.h"
#include "drivers/nwfilter/variables.h"

#define MAX_DEPTH 64
/* Before all that a filter can have. */
#define LEARN_PRIORITY (-2000)
/* Addresses that a guest can have. */
#define UNICAST "1.0.0.0-223.255.255.255"

/* Frames go before packets; the kernel follows connections at -200. */
const char nwfilter_rules_base[] =
    "add table " NWFILTER_TABLE "\n"
#define MAP(name) "add map " NWFILTER_TABLE " " name " { type ifname : verdict; }\n"
    MAP("from2") MAP("from3") MAP("to2") MAP("to3")
#undef MAP
    "add set " NWFILTER_TABLE " " NWFILTER_STAMPS " { type ifname; }\n"
    "add chain " NWFILTER_TABLE " from { type filter hook prerouting priority -300; policy accept; }\n"
    "add chain " NWFILTER_TABLE " from_packets { type filter hook prerouting priority -150; policy accept; }\n"
    "add chain " NWFILTER_TABLE " to { type filter hook postrouting priority 200; policy accept; }\n"
    "add chain " NWFILTER_TABLE " to_packets { type filter hook postrouting priority 250; policy accept; }\n"
    "flush chain " NWFILTER_TABLE " from\nflush chain " NWFILTER_TABLE " from_packets\n"
    "flush chain " NWFILTER_TABLE " to\nflush chain " NWFILTER_TABLE " to_packets\n"
    "add rule " NWFILTER_TABLE " from iifname vmap @from2\n"
    "add rule " NWFILTER_TABLE " from_packets iifname vmap @from3\n"
    "add rule " NWFILTER_TABLE " to oifname vmap @to2\n"
    "add rule " NWFILTER_TABLE " to_packets oifname vmap @to3\n";

void nwfilter_removal_clear(NwfilterRemoval *removal)
{
    g_free(removal->unlink);
    g_free(removal->flush);
    g_free(removal->drop);
    g_free(removal->sets);
    *removal = (NwfilterRemoval) { NULL };
}

NwfilterRemoval nwfilter_removal_copy(const NwfilterRemoval *removal)
{
    return (NwfilterRemoval) { g_strdup(removal->unlink), g_strdup(removal->flush), g_strdup(removal->drop), g_strdup(removal->sets) };
}

void nwfilter_removal_write(const NwfilterRemoval *removal, GString *commands)
{
    const char *const parts[] = { removal->unlink, removal->flush, removal->drop, removal->sets };
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
        g_string_append(commands, parts[i]);
}

/* The lines of @was that @now doesn't have. */
static void write_missing(const char *was, const char *now, GString *commands)
{
    g_auto(GStrv) old = g_strsplit(was, "\n", -1), new = g_strsplit(now, "\n", -1);
    g_autoptr(GHashTable) there = g_hash_table_new(g_str_hash, g_str_equal);
    for (char **line = new; *line; line++)
        g_hash_table_add(there, *line);
    for (char **line = old; *line; line++) {
        if (!g_hash_table_contains(there, *line))
            g_string_append_printf(commands, "%s\n", *line);
    }
}

void nwfilter_removal_write_changed(const NwfilterRemoval *was, const NwfilterRemoval *now, gboolean before, GString *commands)
{
    if (before) {
        g_string_append(commands, was->flush);
        g_string_append(commands, was->sets);
        return;
    }
    write_missing(was->unlink, now->unlink, commands);
    write_missing(was->drop, now->drop, commands);
}

void nwfilter_rules_clear(NwfilterRules *rules)
{
    g_free(rules->text);
    nwfilter_removal_clear(&rules->remove);
    g_free(rules->set);
    g_free(rules->stamp);
    *rules = (NwfilterRules) { NULL };
}

/* ---- what is gathered ---- */

typedef enum { FROM, TO, SIDES } Side;

typedef struct Item { int priority; char *text; } Item;

/* A chain for frames that the interface's own leads to. */
typedef struct SubChain { char *name; int priority; GArray *items[SIDES]; } SubChain;

typedef struct Plan {
    const NwfilterDef *first;
    GHashTable *filters;         /* NwfilterDef by name */
    const char *portdev;
    char *id;                    /* of the interface, in names */
    GArray *frames[SIDES], *packets[SIDES];
    GPtrArray *chains;           /* SubChain */
    GString *sets, *remove_sets;
    guint n_sets, count, depth;
    gboolean connections;
    /* of the filter that is looked at */
    const NwfilterDef *filter;
} Plan;

static void clear_item(void *item) { g_free(((Item *) item)->text); }

static GArray *items_new(void)
{
    GArray *items = g_array_new(FALSE, FALSE, sizeof(Item));
    g_array_set_clear_func(items, clear_item);
    return items;
}

static void subchain_free(void *opaque)
{
    SubChain *chain = opaque;
    for (guint side = 0; side < SIDES; side++)
        g_array_unref(chain->items[side]);
    g_free(chain->name);
    g_free(chain);
}

/* Letters and digits stay; others become _XX. */
static char *escaped(const char *name)
{
    GString *id = g_string_new(NULL);
    for (const char *c = name; *c; c++) {
        if (g_ascii_isalnum(*c))
            g_string_append_c(id, *c);
        else
            g_string_append_printf(id, "_%02x", (guchar) *c);
    }
    return g_string_free(id, FALSE);
}

static void plan_init(Plan *plan, const NwfilterBindingDef *binding, const NwfilterDef *const *filters, guint n)
{
    *plan = (Plan) { .portdev = binding->portdev, .id = escaped(binding->portdev) };
    plan->first = n ? filters[0] : NULL;
    plan->filters = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < n; i++)
        g_hash_table_insert(plan->filters, filters[i]->name, (void *) filters[i]);
    for (guint side = 0; side < SIDES; side++) {
        plan->frames[side] = items_new();
        plan->packets[side] = items_new();
    }
    plan->chains = g_ptr_array_new_with_free_func(subchain_free);
    plan->sets = g_string_new(NULL);
    plan->remove_sets = g_string_new(NULL);
}

static void plan_clear(Plan *plan)
{
    for (guint side = 0; side < SIDES; side++) {
        g_array_unref(plan->frames[side]);
        g_array_unref(plan->packets[side]);
    }
    g_hash_table_unref(plan->filters);
    g_ptr_array_unref(plan->chains);
    g_string_free(plan->sets, TRUE);
    g_string_free(plan->remove_sets, TRUE);
    g_free(plan->id);
}

static int add_item(Plan *plan, GArray *items, int priority, GString *text)
{
    Item item = { priority, g_string_free(text, FALSE) };
    g_array_append_val(items, item);
    return ++plan->count <= NWFILTER_MAX_RULES ? 0
        : FAIL(VIR_ERR_INTERNAL_ERROR, "filter '%s' would make more than %d rules for interface '%s'", plan->first->name,
               NWFILTER_MAX_RULES, plan->portdev);
}

/* Where the rules on frames of the present filter go. */
static GArray *frames_of(Plan *plan, Side side)
{
    const NwfilterDef *filter = plan->filter;
    if (strcmp(filter->chain, "root") == 0)
        return plan->frames[side];
    for (guint i = 0; i < plan->chains->len; i++) {
        SubChain *chain = plan->chains->pdata[i];
        if (strcmp(chain->name, filter->chain) == 0)
            return chain->items[side];
    }
    SubChain *chain = g_new0(SubChain, 1);
    chain->name = g_strdup(filter->chain);
    chain->priority = filter->priority;
    for (guint k = 0; k < SIDES; k++)
        chain->items[k] = items_new();
    g_ptr_array_add(plan->chains, chain);
    return chain->items[side];
}

/* ---- rules ---- */

static const char *verdict(NwfilterAction action, gboolean frames)
{
    switch (action) {
    case NWFILTER_ACTION_ACCEPT: return "accept";
    case NWFILTER_ACTION_DROP: return "drop";
    case NWFILTER_ACTION_REJECT: return frames ? "drop" : "reject";
    case NWFILTER_ACTION_RETURN: return "return";
    default: return "continue";
    }
}

static gboolean is_for(const NwfilterRule *rule, Side side)
{
    return rule->direction == NWFILTER_DIRECTION_INOUT || (rule->direction == NWFILTER_DIRECTION_OUT) == (side == FROM);
}

/* What one of a rule's matches says; NULL: none. */
#define SAID(rule, field) \
    ((rule)->n_matches && (rule)->matches[0]->field ? (rule)->matches[0]->field \
     : (rule)->n_matches > 1 ? (rule)->matches[1]->field : NULL)

static void add_comment(GString *text, const NwfilterRule *rule)
{
    const char *given = SAID(rule, comment);
    if (!given)
        return;
    g_autofree char *comment = g_strndup(given, 120);
    for (char *c = comment; *c; c++) {
        if (*c == '"' || *c == '\\' || (guchar) *c < ' ' || (guchar) *c > '~')
            *c = '_';
    }
    g_string_append_printf(text, " comment \"%s\"", comment);
}

/* What is for both directions is written as for what comes to the guest. */
static int add_frame_rule(Plan *plan, const NwfilterRule *rule)
{
    for (Side side = FROM; side < SIDES; side++) {
        if (!is_for(rule, side))
            continue;
        GString *text = g_string_new(NULL);
        gboolean reverse = rule->direction == NWFILTER_DIRECTION_INOUT && side == FROM;
        for (guint i = 0; i < rule->n_matches; i++) {
            if (expression_of_frame(text, rule->matches[i], reverse) == 0)
                continue;
            g_string_free(text, TRUE);
            return -1;
        }
        g_string_append(text, verdict(rule->action, TRUE));
        add_comment(text, rule);
        if (add_item(plan, frames_of(plan, side), rule->priority, text) < 0)
            return -1;
    }
    return 0;
}

/* How a rule on packets looks at their connections. */
typedef struct States { const char *first, *answer; gboolean both; } States;

static char *given_states(const char *state)
{
    g_autofree char *lower = g_ascii_strdown(state, -1);
    return strcmp(lower, "none") == 0 ? g_strdup("") : g_strdup_printf("ct state { %s } ", lower);
}

static gboolean is_one_way(const NwfilterRule *rule)
{
    return expression_is_one_way(rule->matches[0]) || (rule->n_matches > 1 && expression_is_one_way(rule->matches[1]));
}

/* Packets that the rule is about begin a connection or go on with one; answers to them pass by themselves. */
static void choose_states(const NwfilterRule *rule, States *states)
{
    gboolean one_way = is_one_way(rule), both = rule->direction == NWFILTER_DIRECTION_INOUT;
    gboolean counts = rule->action == NWFILTER_ACTION_ACCEPT && !both && rule->statematch != NWFILTER_STATEMATCH_FALSE;
    *states = (States) { "", "", !one_way };
    if (SAID(rule, connection.state) || SAID(rule, connection.connlimit_above))
        states->both = FALSE;
    else if (counts && one_way)
        states->first = "ct state { new, established } ";
    else if (counts)
        *states = (States) { "ct state { new, established } ct direction original ", "ct state established ct direction reply ", TRUE };
}

/* At most so many connections from one address at a time. */
static void add_limit(Plan *plan, GString *text, const NwfilterRule *rule)
{
    gboolean v6 = rule->matches[0]->protocol > NWFILTER_PROTOCOL_ALL;
    const char *more = SAID(rule, connection.connlimit_above);
    g_autofree char *name = g_strdup_printf("limit_%s_%u", plan->id, plan->n_sets++);
    g_string_append_printf(plan->sets, "add set " NWFILTER_TABLE " %s { type ipv%c_addr; size 65535; flags dynamic; }\n", name, v6 ? '6' : '4');
    g_string_append_printf(plan->remove_sets, "delete set " NWFILTER_TABLE " %s\n", name);
    g_string_append_printf(text, "add @%s { %s saddr ct count over %s } ", name, v6 ? "ip6" : "ip", more);
}

static int add_packet_rule(Plan *plan, const NwfilterRule *rule)
{
    gboolean both_ways = rule->direction == NWFILTER_DIRECTION_INOUT, limited = SAID(rule, connection.connlimit_above) != NULL;
    Side own = rule->direction == NWFILTER_DIRECTION_OUT ? FROM : TO;
    const char *state_said = SAID(rule, connection.state);
    g_autofree char *given = state_said ? given_states(state_said) : NULL;
    States states;
    choose_states(rule, &states);
    for (Side side = FROM; side < SIDES; side++) {
        gboolean reverse = side != own;
        /* an ICMP type is the same both ways */
        gboolean turned = reverse && !(both_ways && is_one_way(rule));
        if (reverse && !states.both && !(both_ways && !limited))
            continue;
        GString *text = g_string_new(NULL);
        for (guint i = 0; i < rule->n_matches; i++) {
            if (expression_of_packet(text, rule->matches[i], turned) == 0)
                continue;
            g_string_free(text, TRUE);
            return -1;
        }
        const char *state = given ? given : reverse ? states.answer : states.first;
        plan->connections = plan->connections || *state || limited;
        g_string_append(text, state);
        if (limited)
            add_limit(plan, text, rule);
        g_string_append(text, verdict(rule->action, FALSE));
        add_comment(text, rule);
        if (add_item(plan, plan->packets[side], rule->priority, text) < 0)
            return -1;
    }
    return 0;
}

/* All that a rule says must be so: it is one rule of the firewall's. */
static int add_rule(const NwfilterRule *rule, void *opaque)
{
    Plan *plan = opaque;
    gboolean frames = !rule->n_matches || expression_is_of_frames(rule->matches[0]->protocol);
    return frames ? add_frame_rule(plan, rule) : add_packet_rule(plan, rule);
}

/* ---- filters and their references ---- */

/* Every rule in the order of the references. */
static int walk(Plan *plan, const NwfilterDef *filter, const Scope *scope)
{
    int rc = 0;
    if (++plan->depth > MAX_DEPTH || ++plan->count > NWFILTER_MAX_RULES)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "filter '%s' refers to others too often, or more than %d deep", plan->first->name, MAX_DEPTH);
    for (guint i = 0; i < filter->n_entries && rc == 0; i++) {
        const NwfilterEntry *entry = filter->entries[i];
        plan->filter = filter;
        if (entry->kind == NWFILTER_ENTRY_KIND_RULE) {
            rc = variables_each(scope, filter->name, &entry->rule, add_rule, plan);
            continue;
        }
        const Scope below = { &entry->ref, scope, scope->learnt };
        const NwfilterDef *other = g_hash_table_lookup(plan->filters, entry->ref.filter);
        rc = other ? walk(plan, other, &below) : FAIL(VIR_ERR_INTERNAL_ERROR, "filter '%s' is missing", entry->ref.filter);
    }
    plan->depth--;
    return rc;
}

/* ---- text ---- */

static int by_priority(const void *a, const void *b, void *unused)
{
    return ((const Item *) a)->priority - ((const Item *) b)->priority;
}

static void write_chain(GString *text, const char *name, GArray *items)
{
    /* stable: rules of one priority keep their order */
    g_qsort_with_data(items->data, (gint) items->len, sizeof(Item), by_priority, NULL);
    for (guint i = 0; i < items->len; i++)
        g_string_append_printf(text, "add rule " NWFILTER_TABLE " %s %s\n", name, g_array_index(items, Item, i).text);
}

/* What leads to the chains of the interface stands among the rules of its root by the chains' priorities. */
static void add_jumps(Plan *plan, Side side)
{
    static const char *const sides[] = { "from2", "to2" };
    GArray *merged = items_new();
    for (guint i = 0; i < plan->chains->len; i++) {
        const SubChain *chain = plan->chains->pdata[i];
        g_autofree char *id = escaped(chain->name);
        if (!chain->items[side]->len)
            continue;
        Item item = { chain->priority, g_strdup_printf("%sjump %s_%s.%s", expression_of_chain(chain->name), sides[side], plan->id, id) };
        g_array_append_val(merged, item);
    }
    g_array_append_vals(merged, plan->frames[side]->data, plan->frames[side]->len);
    g_array_set_clear_func(plan->frames[side], NULL); /* the texts went over */
    g_array_unref(plan->frames[side]);
    plan->frames[side] = merged;
}

/* A chain, empty, and what takes it away. */
static void add_chain(GString *text, GString *flush, GString *remove, const char *name)
{
    g_string_append_printf(text, "add chain " NWFILTER_TABLE " %s\n", name);
    g_string_append_printf(flush, "flush chain " NWFILTER_TABLE " %s\n", name);
    g_string_append_printf(remove, "delete chain " NWFILTER_TABLE " %s\n", name);
}

static void write_rules(Plan *plan, NwfilterRules *rules)
{
    static const char *const maps[SIDES][2] = { { "from2", "from3" }, { "to2", "to3" } };
    g_autoptr(GString) chains = g_string_new(plan->sets->str), content = g_string_new(NULL), elements = g_string_new(NULL);
    g_autoptr(GString) unlink = g_string_new(NULL), flush = g_string_new(NULL), drop = g_string_new(NULL);
    for (Side side = FROM; side < SIDES; side++) {
        add_jumps(plan, side);
        for (guint i = 0; i < plan->chains->len; i++) {
            SubChain *chain = plan->chains->pdata[i];
            g_autofree char *id = escaped(chain->name), *name = g_strdup_printf("%s_%s.%s", maps[side][0], plan->id, id);
            if (!chain->items[side]->len)
                continue;
            add_chain(chains, flush, drop, name);
            write_chain(content, name, chain->items[side]);
        }
        for (guint layer = 0; layer < 2; layer++) {
            GArray *items = layer ? plan->packets[side] : plan->frames[side];
            g_autofree char *name = g_strdup_printf("%s_%s", maps[side][layer], plan->id);
            if (!items->len)
                continue;
            add_chain(chains, flush, drop, name);
            write_chain(content, name, items);
            g_string_append_printf(elements, "add element " NWFILTER_TABLE " %s { \"%s\" : goto %s }\n", maps[side][layer], plan->portdev, name);
            g_string_append_printf(unlink, "delete element " NWFILTER_TABLE " %s { \"%s\" }\n", maps[side][layer], plan->portdev);
        }
    }
    g_string_append_printf(plan->remove_sets, NWFILTER_STAMP_REMOVAL, plan->portdev);
    rules->text = g_strconcat(chains->str, content->str, elements->str, NULL);
    rules->remove = (NwfilterRemoval) { g_strdup(unlink->str), g_strdup(flush->str), g_strdup(drop->str), g_strdup(plan->remove_sets->str) };
    rules->connections = plan->connections;
}

#define STAMP_OWNER_LEN (UUID_TEXT_SIZE - 1 + 1 + MAC_TEXT_SIZE - 1)

gboolean nwfilter_stamp_is_of_same(const char *one, const char *other)
{
    return strncmp(one, other, STAMP_OWNER_LEN) == 0;
}

/* A note beside the rules, in the same transaction. */
static void add_stamp(const NwfilterBindingDef *binding, NwfilterRules *rules)
{
    char mac[MAC_TEXT_SIZE], uuid[UUID_TEXT_SIZE];
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, rules->text, -1), *text = rules->text;
    mac_format(binding->mac, mac);
    uuid_format(binding->owner.uuid, uuid);
    rules->stamp = g_strdup_printf("%s %s %.40s", uuid, mac, digest);
    rules->text = g_strdup_printf("%sadd element " NWFILTER_TABLE " " NWFILTER_STAMPS " { \"%s\" comment \"%s\" }\n", text, binding->portdev,
                                  rules->stamp);
}

/* ---- addresses that are learnt ---- */

static int add_first(Plan *plan, Side side, const char *rule)
{
    return add_item(plan, plan->frames[side], LEARN_PRIORITY, g_string_new(rule));
}

/* A server's acknowledgement for the guest: an answer with its hardware address and the address that is "yours", whose first option is the
 * message's type, as all servers have it. (The rule can't search; of others we learn what the guest uses.) */
static char *acknowledgement(const guint8 mac[6], const char *set)
{
    return g_strdup_printf("ether type ip udp sport 67 udp dport 68 @th,64,8 2 @th,288,48 0x%02x%02x%02x%02x%02x%02x @th,1952,32 0x63825363 "
                           "@th,1984,24 0x350105 @th,192,32 0x01000000-0xdfffffff add @%s { @th,192,32 }",
                           mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], set);
}

/* The first address that the guest gets by DHCP or uses: there is no room for a second one. */
static int learn_from_traffic(Plan *plan, const char *set, const guint8 bytes[6], const char *mac)
{
    g_autofree char *given = acknowledgement(bytes, set);
    g_autofree char *arp = g_strdup_printf("ether saddr %s arp saddr ether %s arp saddr ip " UNICAST " add @%s { arp saddr ip }", mac, mac, set);
    g_autofree char *ip = g_strdup_printf("ether saddr %s ip saddr " UNICAST " add @%s { ip saddr }", mac, set);
    g_string_append_printf(plan->sets, "add set " NWFILTER_TABLE " %s { type ipv4_addr; size 1; flags dynamic; }\n", set);
    return add_first(plan, TO, given) < 0 || add_first(plan, FROM, arp) < 0 ? -1 : add_first(plan, FROM, ip);
}

/* Without an address a guest can ask for one, whatever else its filter lets through. */
static int learn_from_dhcp(Plan *plan, const char *set, const char *mac)
{
    g_autofree char *ask = g_strdup_printf("ether saddr %s ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept", mac);
    g_string_append_printf(plan->sets, "add set " NWFILTER_TABLE " %s { type ipv4_addr; size %d; flags timeout; }\n", set,
                           LEARNING_MAX_ADDRESSES);
    return add_first(plan, FROM, ask);
}

static int add_learning(Plan *plan, const NwfilterBindingDef *binding, LearningMode mode, const char *set)
{
    char mac[MAC_TEXT_SIZE];
    mac_format(binding->mac, mac);
    return mode == LEARNING_ANY ? learn_from_traffic(plan, set, binding->mac, mac) : learn_from_dhcp(plan, set, mac);
}

int nwfilter_rules_make(const NwfilterBindingDef *binding, const NwfilterDef *const *filters, guint n, NwfilterRules *rules)
{
    LearningMode mode;
    Plan plan;
    *rules = (NwfilterRules) { NULL };
    if (learning_mode(binding, &mode) < 0)
        return -1;
    plan_init(&plan, binding, filters, n);
    g_autofree char *value = g_strdup_printf("%c%s_%s", VARIABLE_IS_SET, mode == LEARNING_DHCP ? "dhcp" : "any", plan.id);
    LearntAddress learnt = { mode == LEARNING_NONE ? NULL : value, FALSE };
    const Scope scope = { &binding->filterref, NULL, &learnt };
    int rc = walk(&plan, filters[0], &scope);
    if (rc == 0 && learnt.used)
        rc = add_learning(&plan, binding, mode, value + 1);
    if (rc == 0) {
        write_rules(&plan, rules);
        add_stamp(binding, rules);
    }
    if (rc == 0 && learnt.used) {
        rules->set = g_strdup(value + 1);
        rules->mode = mode;
    }
    plan_clear(&plan);
    return rc;
}

void nwfilter_rules_block(const NwfilterBindingDef *binding, NwfilterRules *rules)
{
    Plan plan;
    nwfilter_rules_clear(rules);
    plan_init(&plan, binding, NULL, 0);
    for (Side side = FROM; side < SIDES; side++) {
        Item item = { 0, g_strdup("drop") };
        g_array_append_val(plan.frames[side], item);
    }
    write_rules(&plan, rules);
    add_stamp(binding, rules);
    plan_clear(&plan);
}
