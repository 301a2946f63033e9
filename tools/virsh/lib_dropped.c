/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of a document would be dropped: libvirt takes documents with elements and attributes that it does not know, and leaves
 * them out. Whoever misspelt one should hear of it. Only warnings: a newer daemon may know more.
 */
#include <string.h>

#include "tools/virsh/explain.h"
#include "tools/virsh/virsh.h"

enum { WARNINGS_MAX = 10 };
#define NAMESPACES "http://libvirt.org/schemas/"

typedef struct {
    const ExplainFormat *format;
    GPtrArray *found; /* of char *: the warnings */
} Search;

/* As in the tables: with the prefix that libvirt's own namespaces have there ("qemu:commandline"). NULL: of another namespace. */
static char *table_name(const xmlNode *node)
{
    const char *href = node->ns ? (const char *)node->ns->href : NULL;

    if (!href)
        return g_strdup((const char *)node->name);
    if (!g_str_has_prefix(href, NAMESPACES))
        return NULL;
    g_auto(GStrv) parts = g_strsplit(href + strlen(NAMESPACES), "/", -1);

    return g_strv_length(parts) < 2 ? NULL : g_strdup_printf("%s:%s", parts[1], node->name);
}

static void warn(Search *search, const xmlNode *node, const char *kind, const char *name, const char *nearest)
{
    g_autofree char *hint = nearest ? g_strdup_printf("; did you mean '%s'?", nearest) : g_strdup("");

    g_ptr_array_add(search->found, g_strdup_printf("%ld: %s '%s' of <%s> is unknown and will be dropped%s", xmlGetLineNo(node), kind,
                                                   name, kind[0] == 'e' ? (const char *)node->parent->name
                                                                        : (const char *)node->name, hint));
}

/* `types`: all that the element may be, which depends on other parts of the document. */
static void check_attribute(Search *search, const GPtrArray *types, const xmlNode *node, const char *name)
{
    ShellNearest nearest = {.word = name};

    for (guint k = 0; k < types->len; k++) {
        const ExplainType *type = types->pdata[k];

        for (int i = 0; i < type->count; i++) {
            const ExplainMember *member = &type->members[i];

            if ((member->kind != EXPLAIN_ELEMENT && explain_is_unit(member, name)) ||
                (member->kind == EXPLAIN_ATTRIBUTE && g_str_equal(member->name, name)))
                return;
            if (member->kind == EXPLAIN_ATTRIBUTE)
                shell_nearest_try(&nearest, member->name);
        }
    }
    warn(search, node, "attribute", name, nearest.found);
}

/* An element that holds one value has it as text, perhaps with a unit, or in one attribute. */
static void check_leaf(Search *search, const GPtrArray *leaves, const xmlNode *node)
{
    for (const xmlAttr *attr = node->properties; attr; attr = attr->next) {
        const char *name = (const char *)attr->name;
        ShellNearest nearest = {.word = name};
        gboolean known = attr->ns != NULL;

        for (guint i = 0; i < leaves->len && !known; i++) {
            const ExplainMember *leaf = leaves->pdata[i];

            known = g_strcmp0(leaf->attribute, name) == 0 || explain_is_unit(leaf, name) || g_strcmp0(leaf->value, "any elements") == 0;
            if (leaf->attribute)
                shell_nearest_try(&nearest, leaf->attribute);
        }
        if (!known)
            warn(search, node, "attribute", name, nearest.found);
    }
}

static void check_element(Search *search, const GPtrArray *types, const xmlNode *node);

static void check_child(Search *search, const GPtrArray *types, const xmlNode *child)
{
    g_autofree char *name = table_name(child);
    g_autoptr(GPtrArray) inner = g_ptr_array_new(), leaves = g_ptr_array_new();
    ShellNearest nearest = {.word = name ? name : ""};

    for (guint k = 0; k < types->len; k++) {
        const ExplainType *type = types->pdata[k];

        for (int i = 0; i < type->count; i++) {
            const ExplainMember *member = &type->members[i];

            if (member->kind != EXPLAIN_ELEMENT || !name)
                continue;
            if (!g_str_equal(member->name, name) && *member->name != '*') /* "*kind": named by its kind, which has many names */
                shell_nearest_try(&nearest, member->name);
            else if (member->type >= 0)
                g_ptr_array_add(inner, (gpointer)&search->format->types[member->type]);
            else
                g_ptr_array_add(leaves, (gpointer)member);
        }
    }
    if (inner->len && !leaves->len)
        check_element(search, inner, child);
    else if (leaves->len && !inner->len)
        check_leaf(search, leaves, child);
    else if (!inner->len)
        warn(search, child, "element", name ? name : (const char *)child->name, nearest.found);
}

static void check_element(Search *search, const GPtrArray *types, const xmlNode *node)
{
    for (const xmlAttr *attr = node->properties; attr; attr = attr->next) {
        if (!attr->ns)
            check_attribute(search, types, node, (const char *)attr->name);
    }
    for (const xmlNode *child = node->children; child; child = child->next) {
        if (child->type == XML_ELEMENT_NODE)
            check_child(search, types, child);
    }
}

/* The types of the elements called `name` in `from`. */
static void add_types(GPtrArray *types, const ExplainFormat *format, const ExplainType *from, const char *name)
{
    for (int i = 0; i < from->count; i++) {
        const ExplainMember *member = &from->members[i];

        if (member->kind == EXPLAIN_ELEMENT && member->type >= 0 && g_str_equal(member->name, name))
            g_ptr_array_add(types, (gpointer)&format->types[member->type]);
    }
}

/* What a root element may be in `format`: a document, or with `device` a device alone. */
static GPtrArray *types_of_root(const ExplainFormat *format, const char *name, gboolean device)
{
    GPtrArray *types = g_ptr_array_new();

    for (const ExplainRoot *root = format->roots; root->name; root++) {
        const ExplainType *type = &format->types[root->type];
        g_autoptr(GPtrArray) lists = g_ptr_array_new();

        if (!device && g_str_equal(root->name, name))
            g_ptr_array_add(types, (gpointer)type);
        if (device && g_str_equal(root->name, "domain"))
            add_types(lists, format, type, "devices");
        for (guint i = 0; i < lists->len; i++)
            add_types(types, format, lists->pdata[i], name);
    }
    return types;
}

/* Warnings of the format that fits best: <interface> is one of a domain or of the host. NULL if none has such a root. */
static GPtrArray *best_warnings(const xmlNode *root)
{
    GPtrArray *best = NULL;

    for (size_t i = 0; explain_formats[i]; i++) {
        for (int device = 0; device <= 1; device++) {
            g_autoptr(GPtrArray) types = types_of_root(explain_formats[i], (const char *)root->name, device);

            if (!types->len)
                continue;
            Search search = {.format = explain_formats[i], .found = g_ptr_array_new_with_free_func(g_free)};

            check_element(&search, types, root);
            if (!best || search.found->len < best->len) {
                g_clear_pointer(&best, g_ptr_array_unref);
                best = g_steal_pointer(&search.found);
            }
            g_clear_pointer(&search.found, g_ptr_array_unref);
        }
    }
    return best;
}

guint virsh_warn_dropped(const char *path, const char *xml)
{
    /* A document that can't be read will be refused with a better message. */
    xmlDocPtr doc = xmlReadMemory(xml, strlen(xml), path, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    g_autoptr(GPtrArray) found = doc ? best_warnings(xmlDocGetRootElement(doc)) : NULL;

    for (guint i = 0; found && i < MIN(found->len, WARNINGS_MAX); i++)
        fprintf(stderr, "warning: %s:%s\n", path, (const char *)found->pdata[i]);
    if (found && found->len > WARNINGS_MAX)
        fprintf(stderr, "warning: %s: and %u more\n", path, found->len - WARNINGS_MAX);
    xmlFreeDoc(doc);
    return found ? found->len : 0;
}
