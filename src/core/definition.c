/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_XML
#define LOG_SOURCE "core.definition"
#include "core/definition.h"
#include <string.h>
#include "base/error.h"
#include "base/log.h"

#define XML_SLOTS 4 /* with and without XML_SECURE, XML_INACTIVE */

struct Definition {
    gint refs;
    const XmlRoot *root;
    void *def;
    char *xml[XML_SLOTS]; /* set once, atomically */
};

static int refuse_ignored(const XmlDiagnostics *diag)
{
    for (guint i = 0; i < diag->problems->len; i++) {
        const XmlProblem *p = diag->problems->pdata[i];
        if (p->severity == XML_PROBLEM_IGNORED)
            return FAIL(VIR_ERR_XML_INVALID_SCHEMA, "line %u: %s: %s", p->line, p->path, p->message);
    }
    return 0;
}

/* Make of this thread's error the one that validation reports. */
static void *invalid(void)
{
    g_autofree char *why = g_strdup(error_message());
    const char *standing = error_code_text(error_code());
    size_t skip = strcspn(standing, ":%");
    error_report(ERROR_DOMAIN, VIR_ERR_XML_INVALID_SCHEMA, "%s", strlen(why) > skip + 2 ? why + skip + 2 : why);
    return NULL;
}

void *definition_invalid(void)
{
    return error_code() == VIR_ERR_XML_ERROR || error_code() == VIR_ERR_CONFIG_UNSUPPORTED ? invalid() : NULL;
}

/* Whether a problem is one of the format: not another document altogether, or none, nor a name that is there but empty. */
static gboolean is_format_problem(const XmlRoot *root, const XmlProblem *problem)
{
    return problem && g_str_has_prefix(problem->path, root->name) && problem->code != VIR_ERR_XML_DETAIL &&
        (problem->code != VIR_ERR_NO_NAME || !g_str_has_suffix(problem->path, ".name"));
}

void *definition_read(const XmlRoot *root, const char *xml, gboolean validate)
{
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();

    return definition_read_noting(root, xml, validate, diag);
}

void *definition_read_noting(const XmlRoot *root, const char *xml, gboolean validate, XmlDiagnostics *diag)
{
    void *def = xml_parse(root, xml, strlen(xml), XML_INACTIVE, diag);
    if (!def) {
        const XmlProblem *first = diag->problems->len ? diag->problems->pdata[0] : NULL;
        return validate && is_format_problem(root, first) ? invalid() : NULL;
    }
    if (validate && refuse_ignored(diag) < 0) {
        xml_struct_free(root->desc, def);
        return NULL;
    }
    for (guint i = 0; i < diag->problems->len; i++) {
        const XmlProblem *p = diag->problems->pdata[i];
        LOG_INFO("line %u: %s: %s", p->line, p->path, p->message);
    }
    return def;
}

void *definition_error_at(const char *xml, const char *path)
{
    guint line = xml_line_of(xml, strlen(xml), path);
    if (line)
        error_context("line %u", line);
    return NULL;
}

void *definition_error_in(const char *xml, const XmlRoot *root, const char *otherwise)
{
    g_autofree char *start = g_strdup_printf(": %s.", root->name);
    const char *found = strstr(error_message(), start);
    g_autofree char *path = found ? g_strndup(found + 2, strcspn(found + 2, ": ")) : NULL;
    return path || otherwise ? definition_error_at(xml, path ? path : otherwise) : NULL;
}

Definition *definition_new(const XmlRoot *root, void *def)
{
    Definition *definition = g_new0(Definition, 1);
    definition->refs = 1;
    definition->root = root;
    definition->def = def;
    return definition;
}

Definition *definition_ref(Definition *definition)
{
    if (definition)
        g_atomic_int_inc(&definition->refs);
    return definition;
}

void definition_unref(Definition *definition)
{
    if (!definition || !g_atomic_int_dec_and_test(&definition->refs))
        return;
    for (guint i = 0; i < XML_SLOTS; i++)
        g_free(definition->xml[i]);
    xml_struct_free(definition->root->desc, definition->def);
    g_free(definition);
}

const void *definition_get(const Definition *definition)
{
    return definition->def;
}

void *definition_copy(const Definition *definition)
{
    return xml_struct_copy(definition->root->desc, definition->def);
}

const char *definition_xml(Definition *definition, unsigned int flags)
{
    const XmlRoot *root = definition->root;
    guint slot = (flags & XML_SECURE ? 1 : 0) | (flags & XML_INACTIVE ? 2 : 0);
    char *text = g_atomic_pointer_get(&definition->xml[slot]);
    if (text)
        return text;
    text = xml_format(root->desc, definition->def, root->name, root->ns, 0, flags & (XML_SECURE | XML_INACTIVE));
    if (g_atomic_pointer_compare_and_exchange(&definition->xml[slot], NULL, text))
        return text;
    g_free(text); /* somebody else was faster */
    return g_atomic_pointer_get(&definition->xml[slot]);
}
