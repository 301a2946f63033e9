/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* explain: what an element or attribute of the XML formats means. */
#include <string.h>

#include "tools/virsh/explain.h"
#include "tools/virsh/virsh.h"

#define FORMAT(NAME) extern const ExplainFormat explain_##NAME;
#include "explain_formats.h"
#undef FORMAT

const ExplainFormat *const explain_formats[] = {
#define FORMAT(NAME) &explain_##NAME,
#include "explain_formats.h"
#undef FORMAT
    NULL,
};

static const char *const kinds[] = {"attribute", "text", "element"};

/* What a path leads to: members of that name (several, if it depends on others which is meant), or a whole document. */
typedef struct {
    const ExplainFormat *format;
    const ExplainType *type;    /* where it has members, or NULL */
    GPtrArray *members;         /* of const ExplainMember; empty: a root */
} Place;

static void place_clear(Place *place)
{
    g_ptr_array_unref(place->members);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static bool find_root(Place *place, const char *name)
{
    for (size_t i = 0; explain_formats[i]; i++) {
        for (const ExplainRoot *root = explain_formats[i]->roots; root->name; root++) {
            if (!g_str_equal(root->name, name))
                continue;
            place->format = explain_formats[i];
            place->type = &explain_formats[i]->types[root->type];
            return true;
        }
    }
    return false;
}

bool explain_is_unit(const ExplainMember *member, const char *name)
{
    return g_str_equal(name, "unit") && member->value && g_str_has_prefix(member->value, "size");
}

static const ExplainMember unit = {EXPLAIN_ATTRIBUTE, "unit", NULL, "bytes, KB, KiB, MB, MiB, GB, GiB, TB, TiB and so on", "0.9.11",
                                   "Unit that the size is given in.", -1};

/* One step of the path: to a child, or behind @ to an attribute. The attribute may be the one value of the element. */
static bool step(Place *place, const char *name, bool attribute)
{
    const ExplainType *from = place->type;
    g_autoptr(GPtrArray) old = g_ptr_array_ref(place->members);

    g_ptr_array_unref(place->members);
    place->members = g_ptr_array_new();
    place->type = NULL;
    for (guint i = 0; attribute && i < old->len; i++) {
        const ExplainMember *member = old->pdata[i];

        if (g_strcmp0(member->attribute, name) == 0)
            g_ptr_array_add(place->members, (gpointer)member);
        else if (explain_is_unit(member, name))
            g_ptr_array_add(place->members, (gpointer)&unit);
    }
    for (int i = 0; from && i < from->count; i++) {
        const ExplainMember *member = &from->members[i];

        if (attribute && member->kind == EXPLAIN_TEXT && explain_is_unit(member, name))
            g_ptr_array_add(place->members, (gpointer)&unit);
        if ((member->kind == EXPLAIN_ATTRIBUTE) != attribute || member->kind == EXPLAIN_TEXT ||
            !g_str_equal(member->name, name))
            continue;
        g_ptr_array_add(place->members, (gpointer)member);
        if (member->type >= 0)
            place->type = &place->format->types[member->type];
    }
    return place->members->len > 0;
}

/* The names that could have stood there. */
static char *known_names(const ExplainType *type, bool attribute)
{
    GString *names = g_string_new(NULL);

    for (int i = 0; type && i < type->count; i++) {
        const ExplainMember *member = &type->members[i];

        if ((member->kind == EXPLAIN_ATTRIBUTE) == attribute && *member->name)
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", member->name);
    }
    return g_string_free(names, FALSE);
}

/* The same; an error says what `parent` has. */
static bool step_or_say(Shell *shell, Place *place, const char *parent, const char *name, bool attribute)
{
    g_autofree char *known = known_names(place->type, attribute);

    if (step(place, name, attribute))
        return true;
    return shell_error(shell, "'%s' has no %s '%s'%s%s", parent, attribute ? "attribute" : "element", name,
                       *known ? "; it has " : "", known);
}

/* domain.devices.disk.driver@cache, or with / in place of the dots. False after an error printed. */
static bool walk(Shell *shell, Place *place, const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "@", 2);
    g_auto(GStrv) words = parts[0] ? g_strsplit_set(parts[0], "./", -1) : NULL;

    if (!words || !words[0] || !find_root(place, words[0])) {
        GString *names = g_string_new(NULL);

        for (size_t i = 0; explain_formats[i]; i++) {
            for (const ExplainRoot *root = explain_formats[i]->roots; root->name; root++)
                g_string_append_printf(names, "%s%s", names->len ? ", " : "", root->name);
        }
        shell_error(shell, "no format '%s', expecting one of %s", words && words[0] ? words[0] : "", names->str);
        g_string_free(names, TRUE);
        return false;
    }
    for (size_t i = 1; words[i]; i++) {
        if (!step_or_say(shell, place, words[i - 1], words[i], false))
            return false;
    }
    return !parts[1] || step_or_say(shell, place, words[g_strv_length(words) - 1], parts[1], true);
}

bool virsh_format_has(Shell *shell, const char *path)
{
    g_auto(Place) place = {.members = g_ptr_array_new()};

    return walk(shell, &place, path);
}

/* --- showing --- */

static json_object *member_json(const ExplainMember *member)
{
    json_object *one = json_object_new_object();

    shell_json_string(one, "kind", kinds[member->kind]);
    shell_json_string(one, "name", member->name);
    shell_json_string(one, "attribute", member->attribute);
    shell_json_string(one, "value", member->value);
    shell_json_string(one, "since", member->since);
    shell_json_string(one, "doc", member->doc);
    return one;
}

static bool show_json(Shell *shell, const char *path, const Place *place)
{
    json_object *document = json_object_new_object(), *meanings = json_object_new_array(),
                *members = json_object_new_array();

    for (guint i = 0; i < place->members->len; i++)
        json_object_array_add(meanings, member_json(place->members->pdata[i]));
    for (int i = 0; place->type && i < place->type->count; i++)
        json_object_array_add(members, member_json(&place->type->members[i]));
    shell_json_string(document, "path", path);
    json_object_object_add(document, "meanings", meanings);
    json_object_object_add(document, "members", members);
    return shell_json_print(shell, document);
}

static void show_meaning(Shell *shell, const ExplainMember *member)
{
    shell_print(shell, "  %s\n", member->doc);
    if (member->value)
        shell_print(shell, "  %s: %s\n", member->attribute ? "Attribute" : "Value", member->value);
    shell_print(shell, "  Since %s\n", member->since);
}

static void show_members(Shell *shell, const ExplainType *type)
{
    shell_print(shell, "\n  Holds:\n");
    for (int i = 0; i < type->count; i++) {
        const ExplainMember *member = &type->members[i];
        g_autofree char *name = member->kind == EXPLAIN_ATTRIBUTE ? g_strconcat("@", member->name, NULL)
                                : member->kind == EXPLAIN_TEXT    ? g_strdup("(text)")
                                : member->attribute ? g_strconcat(member->name, "@", member->attribute, NULL)
                                                    : g_strdup(member->name);

        shell_print(shell, "    %-24s %s\n", name, member->doc);
    }
}

bool cmd_explain(Shell *shell, const Cmd *cmd)
{
    g_auto(Place) place = {.members = g_ptr_array_new()};
    const char *path = NULL;

    if (cmd_string(shell, cmd, "path", &path) <= 0 || !walk(shell, &place, path))
        return false;
    if (shell_json(cmd))
        return show_json(shell, path, &place);
    shell_print(shell, "%s\n", path);
    if (!place.members->len && place.type->doc)
        shell_print(shell, "  %s.\n", place.type->doc);
    for (guint i = 0; i < place.members->len; i++)
        show_meaning(shell, place.members->pdata[i]);
    if (place.type && place.type->count)
        show_members(shell, place.type);
    return true;
}

/* What has been typed, up to its last dot or @, followed by each name that may stand there. */
char **complete_format_path(Shell *shell, const Cmd *cmd, const char *word)
{
    GPtrArray *found = g_ptr_array_new();
    const char *cut = word + strlen(word);
    g_auto(Place) place = {.members = g_ptr_array_new()};
    g_auto(GStrv) words = NULL;
    bool fine;

    while (cut > word && cut[-1] != '.' && cut[-1] != '@')
        cut--;
    if (cut == word) {
        for (size_t i = 0; explain_formats[i]; i++) {
            for (const ExplainRoot *root = explain_formats[i]->roots; root->name; root++)
                g_ptr_array_add(found, g_strdup(root->name));
        }
    } else {
        g_autofree char *before = g_strndup(word, cut - word - 1);

        words = g_strsplit(before, ".", -1);
        fine = words[0] && find_root(&place, words[0]);
        for (size_t i = 1; fine && words[i]; i++)
            fine = step(&place, words[i], false);
        for (int i = 0; fine && place.type && i < place.type->count; i++) {
            const ExplainMember *member = &place.type->members[i];

            if (*member->name && (member->kind == EXPLAIN_ATTRIBUTE) == (cut[-1] == '@'))
                g_ptr_array_add(found, g_strdup_printf("%.*s%s", (int)(cut - word), word, member->name));
        }
    }
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, FALSE);
}
