/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NWFILTER
#define LOG_SOURCE "nwfilter.standing"
#include "drivers/nwfilter/standing.h"
#include <string.h>
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/netlink.h"
#include "firewall/firewall.h"

#define LIST_DEPTH 64
#define COMMAND(verb) verb " " NWFILTER_TABLE " "

static GHashTable *shape_new(void) { return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL); }

G_GNUC_PRINTF(2, 3)
static void note(GHashTable *shape, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *key = g_strdup_vprintf(format, args);
    va_end(args);
    gpointer count = g_hash_table_lookup(shape, key);
    g_hash_table_insert(shape, key, GUINT_TO_POINTER(GPOINTER_TO_UINT(count) + 1));
}

static gboolean same_shape(GHashTable *a, GHashTable *b)
{
    GHashTableIter iter;
    gpointer key, count;
    g_hash_table_iter_init(&iter, a);
    while (g_hash_table_iter_next(&iter, &key, &count)) {
        if (g_hash_table_lookup(b, key) != count)
            return FALSE;
    }
    return g_hash_table_size(a) == g_hash_table_size(b);
}

/* ---- of commands, which are our own ---- */

/* The rest of @line after @command, in words. NULL: it is another command. */
static char **words_after(const char *line, const char *command)
{
    return g_str_has_prefix(line, command) ? g_strsplit(line + strlen(command), " ", -1) : NULL;
}

static void note_command(GHashTable *shape, const char *line)
{
    static const char *const commands[] = { COMMAND("add chain"), COMMAND("add rule"), COMMAND("add set"), COMMAND("add map"),
                                            COMMAND("add element") };
    enum { CHAIN, RULE, SET, MAP, ELEMENT };
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_auto(GStrv) words = words_after(line, commands[i]);
        guint n = words ? g_strv_length(words) : 0;
        if (!n)
            continue;
        if (i == CHAIN && n > 6) /* NAME { type filter hook HOOK priority PRIORITY; … */
            note(shape, "hook %s %s %.*s", words[0], words[5], (int) strcspn(words[7], ";"), words[7]);
        if (i == CHAIN || i == SET || i == MAP)
            note(shape, "%s %s", i == CHAIN ? "chain" : "set", words[0]);
        else if (i == RULE)
            note(shape, "rule %s", words[0]);
        else if (n > 5 && strcmp(words[4], "goto") == 0) /* MAP { "NAME" : goto CHAIN } */
            note(shape, "element %s %s", words[0], words[5]);
    }
}

static GHashTable *shape_of_commands(const char *text)
{
    GHashTable *shape = shape_new();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        note_command(shape, *line);
    return shape;
}

/* ---- of the kernel's table ---- */

/* The interface's name as it is written in those of its chains, before @end; NULL if it isn't one. Caller frees. */
static char *unescaped(const char *id, const char *end)
{
    GString *name = g_string_new(NULL);
    while (id < end && *id) {
        int high = id[0] == '_' ? g_ascii_xdigit_value(id[1]) : -1, low = high >= 0 ? g_ascii_xdigit_value(id[2]) : -1;
        if (*id == '_' && low < 0)
            break;
        g_string_append_c(name, (char) (*id == '_' ? high << 4 | low : *id));
        id += *id == '_' ? 3 : 1;
    }
    return g_string_free(name, id < end || !name->len);
}

/* Of which interface a chain or set is; NULL: of the base. Caller frees. */
static char *owner_of(const char *name)
{
    static const struct { const char *prefix; char end; } kinds[] = {
        { "from2_", '.' }, { "from3_", '.' }, { "to2_", '.' }, { "to3_", '.' }, { "limit_", '_' }, { "any_", 0 }, { "dhcp_", 0 } };
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const char *id = name + strlen(kinds[i].prefix), *end;
        if (!g_str_has_prefix(name, kinds[i].prefix))
            continue;
        end = kinds[i].end == '_' ? strrchr(id, '_') : kinds[i].end ? strchr(id, kinds[i].end) : NULL;
        char *owner = unescaped(id, end ? end : id + strlen(id));
        if (owner)
            return owner;
    }
    return NULL;
}

static void standing_free(void *opaque)
{
    NwfilterStanding *standing = opaque;
    g_hash_table_unref(standing->shape);
    nwfilter_removal_clear(&standing->remove);
    g_free(standing->set);
    g_free(standing->stamp);
    g_free(standing);
}

typedef struct Reading { GHashTable *all; GHashTable *base; } Reading;

/* What interface @name has; it is added. A name that we would never write makes the whole table one that isn't ours. */
static NwfilterStanding *of_interface(Reading *reading, const char *name)
{
    NwfilterStanding *standing = g_hash_table_lookup(reading->all, name);
    if (standing)
        return standing;
    if (!netlink_name_is_valid(name) || strpbrk(name, "\"*\\"))
        note(reading->base, "strange name");
    standing = g_new0(NwfilterStanding, 1);
    standing->shape = shape_new();
    standing->remove = (NwfilterRemoval) { g_strdup(""), g_strdup(""), g_strdup(""), g_strdup("") };
    g_hash_table_insert(reading->all, g_strdup(name), standing);
    return standing;
}

G_GNUC_PRINTF(2, 3)
static void add_line(char **commands, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *line = g_strdup_vprintf(format, args), *before = *commands;
    va_end(args);
    *commands = g_strconcat(before, line, NULL);
}

static void read_chain(Reading *reading, json_object *chain, const char *name)
{
    const char *hook = NULL;
    int64_t priority = 0;
    g_autofree char *owner = owner_of(name);
    NwfilterStanding *standing = owner ? of_interface(reading, owner) : NULL;
    note(standing ? standing->shape : reading->base, "chain %s", name);
    if (json_find_string(chain, "hook", &hook) > 0 && json_find_int(chain, "prio", &priority) >= 0)
        note(standing ? standing->shape : reading->base, "hook %s %s %d", name, hook, (int) priority);
    if (!standing)
        return;
    add_line(&standing->remove.flush, COMMAND("flush chain") "%s\n", name);
    add_line(&standing->remove.drop, COMMAND("delete chain") "%s\n", name);
}

static void read_rule(Reading *reading, const char *chain)
{
    g_autofree char *owner = owner_of(chain);
    note(owner ? of_interface(reading, owner)->shape : reading->base, "rule %s", chain);
}

/* ["NAME", {"goto": {"target": "CHAIN"}}] */
static void read_element(Reading *reading, const char *map, json_object *element)
{
    json_object *jump = NULL;
    const char *target = NULL;
    const char *name = json_object_is_type(element, json_type_array) ? json_object_get_string(json_object_array_get_idx(element, 0)) : NULL;
    if (!name)
        return;
    NwfilterStanding *standing = of_interface(reading, name);
    if (json_find_object(json_object_array_get_idx(element, 1), "goto", &jump) <= 0 || json_find_string(jump, "target", &target) <= 0)
        target = "?";
    note(standing->shape, "element %s %s", map, target);
    add_line(&standing->remove.unlink, COMMAND("delete element") "%s { \"%s\" }\n", map, name);
}

/* {"elem": {"val": "NAME", "comment": "STAMP"}} */
static void read_stamp(Reading *reading, json_object *element)
{
    json_object *inner = NULL;
    const char *name = json_object_is_type(element, json_type_string) ? json_object_get_string(element) : NULL, *stamp = NULL;
    if (!name && (json_find_object(element, "elem", &inner) <= 0 || json_find_string(inner, "val", &name) <= 0))
        return;
    NwfilterStanding *standing = of_interface(reading, name);
    if (inner && json_find_string(inner, "comment", &stamp) > 0)
        standing->stamp = g_strdup(stamp);
    add_line(&standing->remove.sets, NWFILTER_STAMP_REMOVAL, name);
}

static void read_set(Reading *reading, json_object *set, const char *name)
{
    json_object *elements = NULL;
    g_autofree char *owner = owner_of(name);
    NwfilterStanding *standing = owner ? of_interface(reading, owner) : NULL;
    note(standing ? standing->shape : reading->base, "set %s", name);
    if (standing && g_str_has_prefix(name, "limit_"))
        add_line(&standing->remove.sets, COMMAND("delete set") "%s\n", name);
    else if (standing)
        standing->set = g_strdup(name);
    if (standing || json_find_array(set, "elem", &elements) <= 0)
        return;
    for (size_t i = 0; i < json_object_array_length(elements); i++) {
        json_object *element = json_object_array_get_idx(elements, i);
        if (strcmp(name, NWFILTER_STAMPS) == 0)
            read_stamp(reading, element);
        else
            read_element(reading, name, element);
    }
}

static void read_item(Reading *reading, json_object *item)
{
    json_object *of = NULL;
    const char *name = NULL;
    if (json_find_object(item, "chain", &of) > 0 && json_find_string(of, "name", &name) > 0)
        read_chain(reading, of, name);
    else if (json_find_object(item, "rule", &of) > 0 && json_find_string(of, "chain", &name) > 0)
        read_rule(reading, name);
    else if ((json_find_object(item, "map", &of) > 0 || json_find_object(item, "set", &of) > 0) && json_find_string(of, "name", &name) > 0)
        read_set(reading, of, name);
}

GHashTable *nwfilter_standing_parse(const char *list)
{
    g_autoptr(json_object) tree = json_parse(list, strlen(list), LIST_DEPTH, "list of nft");
    json_object *items = NULL;
    g_autoptr(GHashTable) base = shape_new(), wanted = shape_of_commands(nwfilter_rules_base);
    Reading reading = { g_hash_table_new_full(g_str_hash, g_str_equal, g_free, standing_free), base };
    gboolean read = tree && json_get_array(tree, "nftables", &items) == 0;
    for (size_t i = 0; read && i < json_object_array_length(items); i++)
        read_item(&reading, json_object_array_get_idx(items, i));
    virResetLastError();
    if (read && same_shape(base, wanted))
        return reading.all;
    g_hash_table_unref(reading.all);
    return NULL;
}

GHashTable *nwfilter_standing_read(void)
{
    g_autofree char *list = firewall_list("list table " NWFILTER_TABLE, "look for filters that a former daemon has left");
    virResetLastError();
    return list ? nwfilter_standing_parse(list) : NULL;
}

gboolean nwfilter_standing_is(const NwfilterStanding *standing, const NwfilterRules *made)
{
    g_autoptr(GHashTable) wanted = shape_of_commands(made->text);
    return g_strcmp0(standing->stamp, made->stamp) == 0 && same_shape(standing->shape, wanted);
}
