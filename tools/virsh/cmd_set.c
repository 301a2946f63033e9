/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* set: single values of a domain's definition, named as `explain` and the errors name them. */
#include <string.h>

#include "tools/virsh/explain.h"
#include "tools/virsh/virsh.h"

/* devices.disk[vda].driver@cache: one step of it. */
typedef struct {
    char *name;
    char *which; /* what stood in brackets, or NULL */
} Step;

typedef struct {
    GArray *steps;   /* of Step; the root isn't one */
    char *attribute; /* or NULL: the element's text */
    const char *text; /* the whole, for errors */
} ValuePath;

static void step_clear(gpointer data)
{
    Step *step = data;

    g_free(step->name);
    g_free(step->which);
}

static void value_path_clear(ValuePath *path)
{
    g_array_unref(path->steps);
    g_free(path->attribute);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ValuePath, value_path_clear)

/* One step off the front of @rest, with the dot behind it. False: brackets that aren't closed, or an empty name. */
static bool take_step(ValuePath *path, const char **rest)
{
    size_t len = strcspn(*rest, ".[@");
    Step step = {g_strndup(*rest, len), NULL};
    const char *at = *rest + len;
    bool fine = len > 0;

    if (*at == '[') {
        const char *end = strchr(at, ']');

        fine = fine && end && end > at + 1;
        step.which = fine ? g_strndup(at + 1, end - at - 1) : NULL;
        at = fine ? end + 1 : at;
    }
    fine = fine && (!*at || *at == '.' || *at == '@') && !(*at == '.' && !at[1]);
    *rest = at + (*at == '.');
    g_array_append_val(path->steps, step);
    return fine;
}

/* False after an error printed: no format has such a place. */
static bool read_path(Shell *shell, ValuePath *path, const char *text)
{
    const char *rest = g_str_has_prefix(text, "domain.") || g_str_has_prefix(text, "domain@") ? text + strlen("domain") : text;
    g_autoptr(GString) plain = g_string_new("domain");

    rest += *rest == '.';
    path->text = text;
    while (*rest && *rest != '@') {
        if (!take_step(path, &rest))
            return shell_error(shell, "'%s' is no path of a value; one looks like devices.disk[vda].driver@cache", text);
        g_string_append_printf(plain, ".%s", g_array_index(path->steps, Step, path->steps->len - 1).name);
    }
    if (*rest == '@') {
        path->attribute = g_strdup(rest + 1);
        g_string_append(plain, rest);
    }
    if (strchr(plain->str, ':'))
        return shell_error(shell, "'%s': what has a namespace of its own is changed with 'virsh edit'", text);
    return virsh_format_has(shell, plain->str) &&
           (path->attribute || path->steps->len || shell_error(shell, "'%s' names the whole definition", text));
}

/* Whether the element or one in it has the value. */
static bool holds(xmlNodePtr node, const char *value)
{
    for (xmlAttrPtr attr = node->properties; attr; attr = attr->next) {
        xmlChar *has = xmlNodeGetContent((xmlNodePtr)attr);
        bool same = has && g_str_equal((const char *)has, value);

        xmlFree(has);
        if (same)
            return true;
    }
    for (xmlNodePtr child = xmlFirstElementChild(node); child; child = xmlNextElementSibling(child)) {
        if (holds(child, value))
            return true;
    }
    return false;
}

/* The one of some elements that holds a value. NULL after an error printed. */
static xmlNodePtr one_with(Shell *shell, const ValuePath *path, const GPtrArray *nodes, const Step *step)
{
    xmlNodePtr found = NULL;
    guint matches = 0;

    for (guint i = 0; i < nodes->len; i++) {
        if (holds(nodes->pdata[i], step->which)) {
            found = nodes->pdata[i];
            matches++;
        }
    }
    if (matches == 1)
        return found;
    shell_error(shell, "'%s': %u of %u <%s> have the value '%s'", path->text, matches, nodes->len, step->name, step->which);
    return NULL;
}

/* Where a step leads; an element that isn't there is made if @make. NULL after an error printed. */
static xmlNodePtr follow(Shell *shell, const ValuePath *path, xmlNodePtr parent, const Step *step, bool make)
{
    g_autoptr(GPtrArray) nodes = virsh_xpath_nodes(parent->doc, parent, step->name);
    guint64 number = 1;
    bool numbered = step->which && g_ascii_string_to_unsigned(step->which, 10, 1, G_MAXUINT64, &number, NULL);
    xmlNodePtr node;

    if (step->which && !numbered)
        return one_with(shell, path, nodes, step);
    if (!numbered && nodes->len > 1) {
        shell_error(shell, "'%s': there are %u <%s>; say which, by number as in %s[1] or by a value that only one has as in disk[vda]",
                    path->text, nodes->len, step->name, step->name);
        return NULL;
    }
    if (number <= nodes->len)
        return nodes->pdata[number - 1];
    if (!make || number != (guint64)nodes->len + 1) {
        shell_error(shell, "'%s': there are %u <%s> in <%s>", path->text, nodes->len, step->name, parent->name);
        return NULL;
    }
    node = xmlNewDocNode(parent->doc, NULL, (const xmlChar *)step->name, NULL);
    return nodes->len ? xmlAddNextSibling(nodes->pdata[nodes->len - 1], node) : xmlAddChild(parent, node);
}

static bool unset(Shell *shell, const ValuePath *path, xmlNodePtr node)
{
    if (!path->attribute) {
        xmlUnlinkNode(node);
        xmlFreeNode(node);
        return true;
    }
    if (xmlUnsetProp(node, (const xmlChar *)path->attribute) < 0)
        return shell_error(shell, "'%s': <%s> has no such attribute", path->text, node->name);
    return true;
}

static bool put(Shell *shell, const ValuePath *path, xmlNodePtr node, const char *value)
{
    if (path->attribute)
        return xmlSetProp(node, (const xmlChar *)path->attribute, (const xmlChar *)value) != NULL;
    if (xmlFirstElementChild(node))
        return shell_error(shell, "'%s': <%s> holds elements; name one of them, or an attribute", path->text, node->name);
    xmlNodeSetContent(node, NULL);
    xmlNodeAddContent(node, (const xmlChar *)value);
    return true;
}

/* One change, PATH=VALUE, or PATH alone with @remove. False after an error printed. */
static bool change(Shell *shell, xmlDocPtr doc, const char *word, bool remove)
{
    const char *equals = remove ? word + strlen(word) : strchr(word, '=');
    const char *open = strchr(word, '['), *shut = open ? strchr(open, ']') : NULL;
    g_autofree char *text = NULL;
    g_auto(ValuePath) path = {.steps = g_array_new(FALSE, FALSE, sizeof(Step))};
    xmlNodePtr node = xmlDocGetRootElement(doc);

    g_array_set_clear_func(path.steps, step_clear);
    if (equals && shut && equals > open && equals < shut) /* it is part of what stands in brackets */
        equals = strchr(shut, '=');
    if (!equals)
        return shell_error(shell, "'%s' is no change; one looks like devices.disk[vda].driver@cache=none", word);
    if (!g_utf8_validate(word, -1, NULL))
        return shell_error(shell, "a value is text in UTF-8");
    text = g_strndup(word, equals - word);
    if (!read_path(shell, &path, text))
        return false;
    for (guint i = 0; node && i < path.steps->len; i++)
        node = follow(shell, &path, node, &g_array_index(path.steps, Step, i), !remove);
    if (!node)
        return false;
    return remove ? unset(shell, &path, node) : put(shell, &path, node, equals + 1);
}

static bool define(Shell *shell, virDomainPtr domain, const char *xml)
{
    g_autoptr(virDomain) defined = virDomainDefineXMLFlags(virsh_conn(shell), xml, VIR_DOMAIN_DEFINE_VALIDATE);

    if (!defined)
        return shell_error(shell, "Failed to change domain '%s'", virDomainGetName(domain));
    shell_print(shell, "Domain '%s' changed%s\n", virDomainGetName(defined),
                virDomainIsActive(defined) == 1 ? "; it takes effect at its next start" : "");
    return true;
}

bool cmd_set(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    xmlDocPtr doc = domain ? virsh_domain_doc(shell, domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE) : NULL;
    g_autofree char *xml = NULL;
    bool done = doc != NULL;

    for (const char *const *word = cmd_argv(cmd, "change"); done && *word; word++)
        done = change(shell, doc, *word, cmd_has(cmd, "unset"));
    if (done)
        xml = virsh_node_xml(doc, xmlDocGetRootElement(doc));
    xmlFreeDoc(doc);
    if (!done)
        return false;
    if (!cmd_has(cmd, "print-xml"))
        return define(shell, domain, xml);
    shell_print(shell, "%s\n", xml);
    return true;
}
