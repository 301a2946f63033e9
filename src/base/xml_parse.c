/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tree to struct. One walk: for each element its attributes (in the order of the table, so that a
 * discriminator is known before what depends on it), its text, its children. The path of a problem is put
 * together only when there is one, from the frames on the stack.
 */
#include "base/xml_private.h"
#include <stdio.h>
#include <string.h>

#define ERROR_DOMAIN VIR_FROM_XML
#include "base/error.h"

/* As many attributes of one element are looked at; libxml2 keeps the rest from being a problem of time. */
#define MAX_ATTRS 64
#define MAX_MEMBERS 128
#define MAX_NAMES 64

typedef struct Frame Frame;
struct Frame {
    const Frame *up;
    const char *name;
    guint index; /* Place in its list from 1; 0 if it isn't in one. */
    guint place; /* The same in a list of several names, among all items. */
    int unknown; /* Code of the error that an unknown element in it is; 0: it is ignored. */
};

typedef struct {
    XmlDiagnostics *diag;
    unsigned flags;
} Parser;

static void parse_element(Parser *p, const Frame *frame, const XmlDesc *desc, void *obj, xmlNode *node);

/* Problems */

static void append_path(GString *path, const Frame *frame)
{
    if (frame->up) {
        append_path(path, frame->up);
        g_string_append_c(path, '.');
    }
    g_string_append(path, frame->name);
    if (frame->index)
        g_string_append_printf(path, "[%u]", frame->index);
}

static void problem(Parser *p, const Frame *frame, const char *attr, xmlNode *node, XmlSeverity severity, int code,
                    const char *fmt, ...) G_GNUC_PRINTF(7, 8);

static void problem(Parser *p, const Frame *frame, const char *attr, xmlNode *node, XmlSeverity severity, int code,
                    const char *fmt, ...)
{
    GString *path = g_string_new(NULL);
    va_list args;

    append_path(path, frame);
    if (attr)
        g_string_append_printf(path, "@%s", attr);
    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    xml_diagnostics_add(p->diag, severity, code, xmlGetLineNo(node), path->str, "%s", text);
    g_string_free(path, TRUE);
}

/* What a name that isn't known was meant to be, as "; did you mean 'x'?", or "". */
static char *guess(const XmlDesc *desc, bool attrs, const char *name)
{
    const char *known[MAX_MEMBERS];
    guint n = 0;

    for (guint i = 0; i < desc->n_members; i++) {
        if (attrs == (desc->members[i].kind == XML_MEMBER_ATTR))
            known[n++] = desc->members[i].names ? NULL : desc->members[i].name;
    }
    const char *near = xml_nearest(name, known, n);
    return near ? g_strdup_printf("; did you mean '%s'?", near) : g_strdup("");
}

/* Why a known name means nothing here: its condition. */
static char *condition_text(const XmlMember *m)
{
    GString *text = g_string_new("it has a meaning only for");

    const char *comma = "";

    for (guint i = 1; i <= m->when_enum->n; i++) {
        if (!(m->when_mask >> i & 1))
            continue;
        g_string_append_printf(text, "%s %s", comma, m->when_enum->texts[i - 1]);
        comma = ",";
    }
    return g_string_free(text, FALSE);
}

static void report_unknown(Parser *p, const Frame *frame, const XmlDesc *desc, xmlNode *node, bool attr, const char *name)
{
    for (guint i = 0; i < desc->n_members; i++) {
        const XmlMember *m = &desc->members[i];
        if (!m->name || attr != (m->kind == XML_MEMBER_ATTR) || strcmp(m->name, name) || !m->when_enum)
            continue;
        g_autofree char *why = condition_text(m);
        problem(p, frame, attr ? name : NULL, node, XML_PROBLEM_IGNORED, VIR_ERR_OK, "%s '%s' is ignored: %s",
                attr ? "attribute" : "element", name, why);
        return;
    }
    g_autofree char *hint = guess(desc, attr, name);
    if (!attr && frame->up->unknown)
        problem(p, frame, NULL, node, XML_PROBLEM_ERROR, frame->up->unknown, "unknown element '%s'%s", name, hint);
    else
        problem(p, frame, attr ? name : NULL, node, XML_PROBLEM_IGNORED, VIR_ERR_OK, "unknown %s '%s' is ignored%s",
                attr ? "attribute" : "element", name, hint);
}

/* Text of nodes */

/* Text of a list of text nodes. *@owned is to be freed with xmlFree(). */
static const char *nodes_text(xmlNode *children, xmlDoc *doc, xmlChar **owned)
{
    *owned = NULL;
    if (!children)
        return "";
    if (!children->next && (children->type == XML_TEXT_NODE || children->type == XML_CDATA_SECTION_NODE))
        return (const char *)children->content;
    *owned = xmlNodeListGetString(doc, children, 1);
    return *owned ? (const char *)*owned : "";
}

static xmlAttr *find_attr(xmlNode *node, const char *name)
{
    for (xmlAttr *attr = node->properties; attr; attr = attr->next) {
        if (!attr->ns && strcmp((const char *)attr->name, name) == 0)
            return attr;
    }
    return NULL;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

/* White space around anything but a string means nothing. */
static char *stripped(const XmlMember *m, const char *text)
{
    if (m->type == XML_STRING || m->type == XML_RAW || m->type == XML_PRESENT)
        return NULL;
    size_t len = strlen(text);
    if (!len || !(g_ascii_isspace(text[0]) || g_ascii_isspace(text[len - 1])))
        return NULL;
    return g_strstrip(g_strdup(text));
}

/* Scalars */

static void store(Parser *p, const Frame *frame, const XmlMember *m, void *at, bool *has, xmlNode *node,
                  const char *attr, const char *raw, const char *unit)
{
    g_autofree char *why = NULL;
    g_autofree char *strip = stripped(m, raw);
    const char *text = strip ?: raw;

    if (m->type == XML_STRING && !*text && (m->kind == XML_MEMBER_CHILD || m->kind == XML_MEMBER_TEXT) && !m->leaf) {
        /* An empty element is as good as none. */
        if (m->flags & XML_REQUIRED && !(p->flags & XML_PARTIAL))
            problem(p, frame, NULL, node, XML_PROBLEM_ERROR, m->error ?: VIR_ERR_XML_ERROR, "missing text (%s)", m->doc);
        return;
    }
    if (p->flags & XML_INACTIVE && m->flags & XML_LIVE_UNLESS_USER && !xml_of_user(text))
        return;
    if (xml_value_parse(m, at, has, text, unit, &why))
        return;
    bool secret = m->flags & XML_SECRET;
    problem(p, frame, attr, node, XML_PROBLEM_ERROR, m->bad ?: VIR_ERR_XML_ERROR, "invalid value '%.*s': %s",
            secret ? 3 : 128, secret ? "***" : text, why);
}

/* Unit attribute beside a size. */
static const char *unit_of(const XmlMember *m, xmlNode *node, guint64 *consumed, xmlChar **owned)
{
    guint i = 0;

    *owned = NULL;
    if (m->type != XML_SIZE)
        return NULL;
    for (xmlAttr *attr = node->properties; attr; attr = attr->next, i++) {
        if (attr->ns || strcmp((const char *)attr->name, "unit"))
            continue;
        if (i < MAX_ATTRS)
            *consumed |= 1ULL << i;
        return nodes_text(attr->children, node->doc, owned);
    }
    return NULL;
}

static void parse_scalar_nodes(Parser *p, const Frame *frame, const XmlMember *m, void *at, bool *has, xmlNode *node,
                               const char *attr, xmlNode *children, guint64 *consumed)
{
    xmlChar *owned, *owned_unit;
    const char *text = nodes_text(children, node->doc, &owned);
    const char *unit = unit_of(m, node, consumed, &owned_unit);

    store(p, frame, m, at, has, node, attr, text, unit);
    xmlFree(owned);
    xmlFree(owned_unit);
}

/* Content that belongs to objects at run time only, where a definition is wanted. */
static bool skipped(const Parser *p, const XmlMember *m)
{
    return p->flags & XML_INACTIVE && m->flags & XML_LIVE;
}

static void report_missing(Parser *p, const Frame *frame, const XmlMember *m, xmlNode *node)
{
    if (!(m->flags & XML_REQUIRED) || p->flags & XML_PARTIAL)
        return;
    int code = m->error ?: VIR_ERR_XML_ERROR;
    if (m->kind == XML_MEMBER_ATTR)
        problem(p, frame, NULL, node, XML_PROBLEM_ERROR, code, "missing attribute '%s' (%s)", m->name, m->doc);
    else if (m->kind == XML_MEMBER_TEXT)
        problem(p, frame, NULL, node, XML_PROBLEM_ERROR, code, "missing text (%s)", m->doc);
    else
        problem(p, frame, NULL, node, XML_PROBLEM_ERROR, code, "missing element '%s' (%s)", m->name, m->doc);
}

static void report_attrs(Parser *p, const Frame *frame, const XmlDesc *desc, xmlNode *node, guint64 consumed)
{
    guint i = 0;

    for (xmlAttr *attr = node->properties; attr; attr = attr->next, i++) {
        if (i < MAX_ATTRS && consumed >> i & 1)
            continue;
        report_unknown(p, frame, desc, node, true, (const char *)attr->name);
    }
}

static xmlAttr *take_attr(const XmlMember *m, xmlNode *node, guint64 *consumed)
{
    guint i = 0;

    for (xmlAttr *attr = node->properties; attr; attr = attr->next, i++) {
        if (attr->ns || attr->name[0] != m->name[0] || strcmp((const char *)attr->name, m->name))
            continue;
        if (i < MAX_ATTRS)
            *consumed |= 1ULL << i;
        return attr;
    }
    return NULL;
}

static void parse_attrs(Parser *p, const Frame *frame, const XmlDesc *desc, void *obj, xmlNode *node)
{
    guint64 consumed = 0;

    for (guint i = 0; i < desc->n_attrs; i++) {
        const XmlMember *m = &desc->members[i];
        if (!member_active(m, obj))
            continue;
        xmlAttr *attr = take_attr(m, node, &consumed);
        if (!attr)
            report_missing(p, frame, m, node);
        else if (!skipped(p, m))
            parse_scalar_nodes(p, frame, m, member_ptr(m, obj), member_has(m, obj), node, m->name, attr->children,
                               &consumed);
    }
    for (guint i = desc->n_attrs; i < desc->n_members; i++) {
        xmlChar *owned;
        if (desc->members[i].kind == XML_MEMBER_TEXT) {
            unit_of(&desc->members[i], node, &consumed, &owned);
            xmlFree(owned);
        }
    }
    report_attrs(p, frame, desc, node, consumed);
}

/* Children */

static bool node_has_name(const XmlMember *m, xmlNode *node)
{
    if (m->names)
        return !node->ns && xml_enum_value(m->names, (const char *)node->name);
    if (m->name[0] != (char)node->name[0] || strcmp(m->name, (const char *)node->name))
        return false;
    if (!m->ns)
        return !node->ns || !node->ns->prefix;
    return node->ns && node->ns->href && strcmp((const char *)node->ns->href, m->ns_uri) == 0;
}

static bool node_matches(const XmlMember *m, xmlNode *node)
{
    if (!m->match)
        return true;
    xmlAttr *attr = find_attr(node, m->match);
    if (!attr || !m->match_value)
        return attr != NULL;
    xmlChar *owned;
    bool same = strcmp(nodes_text(attr->children, node->doc, &owned), m->match_value) == 0;
    xmlFree(owned);
    return same;
}

/* Members come in the same order in most documents: look on from where the last one was found. */
static const XmlMember *find_member(const XmlDesc *desc, const void *obj, xmlNode *node, guint *hint)
{
    guint first = desc->n_attrs, n = desc->n_members - first;

    for (guint i = 0; i < n; i++) {
        guint at = *hint + i < desc->n_members ? *hint + i : *hint + i - n;
        const XmlMember *m = &desc->members[at];
        if (m->name && node_has_name(m, node) && member_active(m, obj) && node_matches(m, node)) {
            *hint = at;
            return m;
        }
    }
    return NULL;
}

/* A leaf element holds nothing but its value. */
static void check_leaf(Parser *p, const Frame *frame, const XmlMember *m, xmlNode *node, guint64 consumed)
{
    static const XmlDesc nothing;

    report_attrs(p, frame, &nothing, node, consumed);
    for (xmlNode *child = node->children; child; child = child->next) {
        Frame inner = {frame, (const char *)child->name, 0, 0, 0};
        if (child->type == XML_ELEMENT_NODE)
            report_unknown(p, &inner, &nothing, child, false, inner.name);
    }
}

static void parse_leaf(Parser *p, const Frame *frame, const XmlMember *m, void *at, bool *has, xmlNode *node)
{
    guint64 consumed = 0;

    if (!m->leaf) {
        parse_scalar_nodes(p, frame, m, at, has, node, NULL, node->children, &consumed);
        check_leaf(p, frame, m, node, consumed);
        return;
    }
    XmlMember leaf = {.name = m->leaf};
    xmlAttr *attr = take_attr(&leaf, node, &consumed);
    if (attr)
        parse_scalar_nodes(p, frame, m, at, has, node, m->leaf, attr->children, &consumed);
    else if (!(p->flags & XML_PARTIAL))
        problem(p, frame, NULL, node, XML_PROBLEM_ERROR, m->error ?: VIR_ERR_XML_ERROR, "missing attribute '%s' (%s)", m->leaf,
                m->doc);
    check_leaf(p, frame, m, node, consumed);
}

/* An element that is kept as it is. The copy declares its own namespaces. */
static void parse_raw(Parser *p, const Frame *frame, const XmlMember *m, void *at, xmlNode *node)
{
    g_autoptr(GString) text = g_string_new(NULL);
    xmlNode *copy = xmlDocCopyNode(node, node->doc, 1);
    xmlBuffer *buf = xmlBufferCreate();

    if (copy && buf && xmlNodeDump(buf, node->doc, copy, 0, 0) >= 0)
        g_string_append(text, (const char *)xmlBufferContent(buf));
    xmlBufferFree(buf);
    xmlFreeNode(copy);
    g_autofree char *why = NULL;
    if (!xml_value_parse(m, at, NULL, text->str, NULL, &why))
        problem(p, frame, NULL, node, XML_PROBLEM_ERROR, VIR_ERR_XML_ERROR, "%s", why);
}

static void parse_struct_member(Parser *p, const Frame *frame, const XmlMember *m, void *obj, xmlNode *node)
{
    const XmlDesc *desc = m->info;
    bool *has = member_has(m, obj);
    void *at = member_ptr(m, obj);

    if (m->flags & XML_REF)
        at = *(void **)at = xml_struct_new(desc);
    if (has)
        *has = true;
    parse_element(p, frame, desc, at, node);
}

static void parse_list_item(Parser *p, const Frame *frame, const XmlMember *m, void *obj, xmlNode *node)
{
    guint *n = member_count(m, obj);
    char **items = member_ptr(m, obj);
    size_t size = m->type == XML_STRUCT ? sizeof(void *) : xml_value_size(m);

    if (*n >= m->max_count) {
        if (*n == m->max_count && frame->place == *n + 1)
            problem(p, frame, NULL, node, XML_PROBLEM_ERROR, VIR_ERR_XML_ERROR, "more than %u elements '%s'",
                    m->max_count, frame->name);
        return;
    }
    *items = xml_list_grow(*items, *n, size);
    char *slot = *items + *n * size;
    memset(slot, 0, size);
    (*n)++;
    if (m->type == XML_STRUCT) {
        guint8 *item = *(void **)slot = xml_struct_new(m->info);
        if (m->names)
            item[m->name_at] = xml_enum_value(m->names, frame->name);
        parse_element(p, frame, m->info, item, node);
    } else if (m->type == XML_RAW) {
        parse_raw(p, frame, m, slot, node);
    } else {
        parse_leaf(p, frame, m, slot, NULL, node);
    }
}

static void parse_child(Parser *p, const Frame *frame, const XmlMember *m, void *obj, xmlNode *node)
{
    if (m->kind == XML_MEMBER_LIST)
        parse_list_item(p, frame, m, obj, node);
    else if (m->kind == XML_MEMBER_ELEM)
        parse_struct_member(p, frame, m, obj, node);
    else if (m->type == XML_RAW)
        parse_raw(p, frame, m, member_ptr(m, obj), node);
    else
        parse_leaf(p, frame, m, member_ptr(m, obj), member_has(m, obj), node);
}

static void parse_children(Parser *p, const Frame *frame, const XmlDesc *desc, void *obj, xmlNode *node)
{
    guint counts[MAX_MEMBERS], named[MAX_NAMES] = {0};
    guint hint = desc->n_attrs;

    memset(counts, 0, desc->n_members * sizeof counts[0]);
    for (xmlNode *child = node->children; child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE)
            continue;
        const XmlMember *m = find_member(desc, obj, child, &hint);
        guint count = m ? ++counts[m - desc->members] : 0;
        bool list = m && m->kind == XML_MEMBER_LIST;
        guint index = !list ? 0 : m->names ? ++named[xml_enum_value(m->names, (const char *)child->name)] : count;
        Frame inner = {frame, (const char *)child->name, index, count, m && m->kind == XML_MEMBER_ELEM ? m->bad : 0};
        if (!m)
            report_unknown(p, &inner, desc, child, false, inner.name);
        else if (count > 1 && !list)
            problem(p, &inner, NULL, child, XML_PROBLEM_IGNORED, VIR_ERR_OK, "element '%s' stands twice; this one is ignored",
                    inner.name);
        else if (!skipped(p, m))
            parse_child(p, &inner, m, obj, child);
    }
    for (guint i = desc->n_attrs; i < desc->n_members; i++) {
        const XmlMember *m = &desc->members[i];
        if (!counts[i] && m->kind != XML_MEMBER_TEXT && member_active(m, obj))
            report_missing(p, frame, m, node);
    }
}

/* Text */

static const XmlMember *text_member(const XmlDesc *desc, const void *obj)
{
    for (guint i = desc->n_attrs; i < desc->n_members; i++) {
        if (desc->members[i].kind == XML_MEMBER_TEXT && member_active(&desc->members[i], obj))
            return &desc->members[i];
    }
    return NULL;
}

/* The element's own text, from all of its text nodes. */
static char *own_text(xmlNode *node)
{
    GString *text = g_string_new(NULL);

    for (xmlNode *child = node->children; child; child = child->next) {
        if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE)
            g_string_append(text, (const char *)child->content);
    }
    return g_string_free(text, FALSE);
}

static void parse_text(Parser *p, const Frame *frame, const XmlDesc *desc, void *obj, xmlNode *node)
{
    const XmlMember *m = text_member(desc, obj);

    if (!m) {
        for (xmlNode *child = node->children; child; child = child->next) {
            if (child->type == XML_TEXT_NODE && !is_blank((const char *)child->content)) {
                problem(p, frame, NULL, child, XML_PROBLEM_IGNORED, VIR_ERR_OK, "text is ignored: none has a meaning here");
                return;
            }
        }
        return;
    }
    g_autofree char *text = own_text(node);
    guint64 consumed = 0;
    xmlChar *owned;
    if (is_blank(text)) {
        report_missing(p, frame, m, node);
        return;
    }
    const char *unit = unit_of(m, node, &consumed, &owned);
    store(p, frame, m, member_ptr(m, obj), member_has(m, obj), node, NULL, text, unit);
    xmlFree(owned);
}

static void parse_element(Parser *p, const Frame *frame, const XmlDesc *desc, void *obj, xmlNode *node)
{
    parse_attrs(p, frame, desc, obj, node);
    parse_text(p, frame, desc, obj, node);
    parse_children(p, frame, desc, obj, node);
}

/* Entry points */

void *xml_parse_node(const XmlDesc *desc, xmlNode *node, const char *path, unsigned flags, XmlDiagnostics *diag)
{
    Parser parser = {diag, flags};
    Frame frame = {NULL, path, 0, 0, 0};
    guint errors = diag->n_errors;
    void *obj = xml_struct_new(desc);

    parse_element(&parser, &frame, desc, obj, node);
    if (diag->n_errors == errors)
        return obj;
    xml_struct_free(desc, obj);
    return NULL;
}

void *xml_parse(const XmlRoot *root, const char *text, size_t len, unsigned flags, XmlDiagnostics *diag)
{
    g_autoptr(XmlDiagnostics) own = diag ? NULL : xml_diagnostics_new();
    g_autofree char *what = g_strdup_printf("(%s_definition)", root->name);
    xmlDoc *doc = xml_document_parse(text, len, what, root->domain);

    if (!doc) {
        if (diag)
            xml_diagnostics_add(diag, XML_PROBLEM_ERROR, error_code(), 0, root->name, "%s", error_message());
        return NULL;
    }
    if (!diag)
        diag = own;
    xmlNode *node = xmlDocGetRootElement(doc);
    void *obj = NULL;
    bool other = strcmp((const char *)node->name, root->name);
    if (other)
        xml_diagnostics_add(diag, XML_PROBLEM_ERROR, VIR_ERR_XML_ERROR, xmlGetLineNo(node), (const char *)node->name,
                            "unexpected root element <%s>, expecting <%s>", node->name, root->name);
    else
        obj = xml_parse_node(root->desc, node, root->name, flags, diag);
    xmlFreeDoc(doc);
    if (!obj)
        xml_diagnostics_report(diag, other ? VIR_FROM_XML : root->domain);
    return obj;
}
