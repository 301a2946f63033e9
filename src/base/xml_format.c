/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Struct to text. One pass into one buffer: an element is begun on trial and taken back if nothing was
 * put into it.
 */
#include "base/xml_private.h"
#include <string.h>

typedef struct {
    char *data;
    size_t len, room;
    unsigned flags;
    unsigned depth;
    bool uses_ns;
    const char *const *ns; /* Declared on the outermost element, if something uses them. */
} Out;

static bool format_children(Out *out, const XmlDesc *desc, const void *obj);

/* The buffer */

static void reserve(Out *out, size_t more)
{
    if (out->len + more <= out->room)
        return;
    out->room = MAX(out->room * 2, out->len + more);
    out->data = g_realloc(out->data, out->room);
}

static void put(Out *out, const char *text, size_t len)
{
    reserve(out, len);
    memcpy(out->data + out->len, text, len);
    out->len += len;
}

static void puts_out(Out *out, const char *text)
{
    put(out, text, strlen(text));
}

static void indent(Out *out)
{
    size_t n = 2 * (size_t)out->depth;

    reserve(out, n);
    memset(out->data + out->len, ' ', n);
    out->len += n;
}

static const char *escape_of(char c, bool attr)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    case '\n':
        return attr ? "&#10;" : NULL;
    case '\t':
        return attr ? "&#9;" : NULL;
    case '\r':
        return "&#13;";
    default:
        /* Control characters have no place in XML at all. */
        return (guchar)c < 0x20 ? "?" : NULL;
    }
}

static void put_escaped(Out *out, const char *text, bool attr)
{
    const char *start = text;

    for (; *text; text++) {
        guchar c = *text;
        if (c > '>' || (c > '\'' && c < '<') || c == ' ')
            continue;
        const char *escape = escape_of(*text, attr);
        if (!escape)
            continue;
        put(out, start, text - start);
        puts_out(out, escape);
        start = text + 1;
    }
    put(out, start, text - start);
}

static void put_attr(Out *out, const char *name, const char *value)
{
    put(out, " ", 1);
    puts_out(out, name);
    put(out, "='", 2);
    put_escaped(out, value, true);
    put(out, "'", 1);
}

/* Values */

/* The unit that a size is told in: a fixed one, or the largest that it is a multiple of. *@shift is how far it is from the
 * one that it is kept in. */
static const char *size_unit(const XmlMember *m, const void *at, guint *shift)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    guint64 n = xml_number_get(m, at);

    *shift = 0;
    if (m->unit)
        return m->unit;
    while (n && (n >> *shift) % 1024 == 0)
        *shift += 10;
    return units[(m->width + *shift) / 10];
}

static void put_unit(Out *out, const XmlMember *m, const void *at)
{
    guint shift;

    if (m->type == XML_SIZE)
        put_attr(out, "unit", size_unit(m, at, &shift));
}

static void put_value(Out *out, const XmlMember *m, const void *at, const char *attr)
{
    char buf[XML_VALUE_BUF];
    g_autofree char *set = m->type == XML_BITMAP ? bitmap_format(*(Bitmap *const *)at) : NULL;
    const char *text = set ?: xml_value_text(m, at, buf);
    guint shift = 0;

    if (m->type == XML_SIZE && !m->unit && size_unit(m, at, &shift) && shift) {
        g_snprintf(buf, sizeof buf, "%" G_GUINT64_FORMAT, xml_number_get(m, at) >> shift);
        text = buf;
    }
    if (attr)
        put_attr(out, attr, text);
    else
        put_escaped(out, text, false);
}

static bool wanted(const Out *out, const XmlMember *m, const void *obj)
{
    return member_active(m, obj) && !xml_member_hidden(m, obj, out->flags);
}

static void put_name(Out *out, const XmlMember *m)
{
    if (m->ns) {
        out->uses_ns = true;
        puts_out(out, m->ns);
        put(out, ":", 1);
    }
    puts_out(out, m->name);
}

static void put_start(Out *out, const XmlMember *m)
{
    indent(out);
    put(out, "<", 1);
    put_name(out, m);
}

static void put_end(Out *out, const XmlMember *m)
{
    put(out, "</", 2);
    put_name(out, m);
    put(out, ">\n", 2);
}

/* An element that is kept as it is, indented to its place unless its writer left blanks of his own. */
static void put_raw(Out *out, const char *text)
{
    xmlDoc *doc = xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlBuffer *buf = doc ? xmlBufferCreate() : NULL;

    indent(out);
    if (buf && xmlNodeDump(buf, doc, xmlDocGetRootElement(doc), (int)out->depth, 1) >= 0)
        puts_out(out, (const char *)xmlBufferContent(buf));
    else
        puts_out(out, text);
    put(out, "\n", 1);
    xmlBufferFree(buf);
    xmlFreeDoc(doc);
}

/* A leaf element with its value. */
static void put_leaf(Out *out, const XmlMember *m, const void *at)
{
    if (m->type == XML_RAW) {
        put_raw(out, *(char *const *)at);
        return;
    }
    put_start(out, m);
    if (m->leaf)
        put_value(out, m, at, m->leaf);
    put_unit(out, m, at);
    if (m->leaf || m->type == XML_PRESENT) {
        put(out, "/>\n", 3);
        return;
    }
    put(out, ">", 1);
    put_value(out, m, at, NULL);
    put_end(out, m);
}

/* Elements */

static bool format_attrs(Out *out, const XmlDesc *desc, const void *obj)
{
    size_t before = out->len;

    for (guint i = 0; i < desc->n_attrs; i++) {
        const XmlMember *m = &desc->members[i];
        if (!wanted(out, m, obj) || !xml_value_is_set(m, obj))
            continue;
        put_value(out, m, member_ptr(m, obj), m->name);
        put_unit(out, m, member_ptr(m, obj));
    }
    return out->len > before;
}

static const XmlMember *find_text(const Out *out, const XmlDesc *desc, const void *obj)
{
    for (guint i = desc->n_attrs; i < desc->n_members; i++) {
        const XmlMember *m = &desc->members[i];
        if (m->kind == XML_MEMBER_TEXT && wanted(out, m, obj) && xml_value_is_set(m, obj))
            return m;
    }
    return NULL;
}

/* What comes after the start of an element; false if that is nothing, of one that may have one tag only. */
static bool format_content(Out *out, const XmlMember *self, const XmlDesc *desc, const void *obj)
{
    const XmlMember *text = find_text(out, desc, obj);
    size_t head = out->len;

    if (text) {
        put_unit(out, text, member_ptr(text, obj));
        put(out, ">", 1);
        put_value(out, text, member_ptr(text, obj), NULL);
        put_end(out, self);
        return true;
    }
    put(out, ">\n", 2);
    out->depth++;
    bool any = format_children(out, desc, obj);
    out->depth--;
    if (any || self->flags & XML_ALWAYS) {
        indent(out);
        put_end(out, self);
        return true;
    }
    out->len = head;
    return false;
}

static bool format_element(Out *out, const XmlMember *self, const XmlDesc *desc, const void *obj, bool force)
{
    size_t start = out->len;

    put_start(out, self);
    bool attrs = format_attrs(out, desc, obj);
    if (format_content(out, self, desc, obj))
        return true;
    if (!attrs && !force) {
        out->len = start;
        return false;
    }
    put(out, "/>\n", 3);
    return true;
}

static void format_list(Out *out, const XmlMember *m, const void *obj)
{
    guint n = *member_count(m, obj);
    char *items = *(char **)member_ptr(m, obj);

    for (guint i = 0; i < n; i++) {
        if (m->type == XML_STRUCT) {
            const void *item = ((void **)items)[i];
            XmlMember self = *m;
            self.name = member_item_name(m, item);
            format_element(out, &self, m->info, item, true);
        } else {
            put_leaf(out, m, items + i * xml_value_size(m));
        }
    }
}

static bool is_zero(const char *bytes, size_t len)
{
    return !len || (!bytes[0] && !memcmp(bytes, bytes + 1, len - 1));
}

static void format_struct_member(Out *out, const XmlMember *m, const void *obj)
{
    const void *inner = member_struct(m, obj);
    const bool *has = member_has(m, obj);

    if (!inner || (has && !*has))
        return;
    const XmlDesc *desc = m->info;
    if (!has && !(m->flags & (XML_REF | XML_ALWAYS)) && desc->size && !desc->prints_zero && is_zero(inner, desc->size))
        return;
    format_element(out, m, m->info, inner, has || m->flags & XML_REF);
}

static bool format_children(Out *out, const XmlDesc *desc, const void *obj)
{
    size_t before = out->len;

    for (guint i = desc->n_attrs; i < desc->n_members; i++) {
        const XmlMember *m = &desc->members[i];
        if (m->kind == XML_MEMBER_TEXT || !wanted(out, m, obj))
            continue;
        if (m->kind == XML_MEMBER_LIST)
            format_list(out, m, obj);
        else if (m->kind == XML_MEMBER_ELEM)
            format_struct_member(out, m, obj);
        else if (xml_value_is_set(m, obj))
            put_leaf(out, m, member_ptr(m, obj));
    }
    return out->len > before;
}

/* Namespaces that the text made use of are declared on its first element, before its attributes. */
static void declare_namespaces(Out *out, const char *name)
{
    size_t at = strspn(out->data, " ") + 1 + strlen(name);

    for (const char *const *ns = out->ns; out->uses_ns && ns && *ns; ns += 2) {
        g_autofree char *use = g_strdup_printf("<%s:", ns[0]);
        if (!g_strstr_len(out->data, out->len, use))
            continue;
        g_autofree char *text = g_strdup_printf(" xmlns:%s='%s'", ns[0], ns[1]);
        size_t len = strlen(text), end = at + strcspn(out->data + at, ">");
        if (out->data[end - 1] == '/')
            end--;
        reserve(out, len);
        memmove(out->data + end + len, out->data + end, out->len - end);
        memcpy(out->data + end, text, len);
        out->len += len;
    }
}

char *xml_format(const XmlDesc *desc, const void *obj, const char *name, const char *const *ns, unsigned depth,
                 unsigned flags)
{
    XmlMember self = {.name = name};
    Out out = {.room = 4096, .flags = flags, .depth = depth, .ns = ns};

    out.data = g_malloc(out.room);
    format_element(&out, &self, desc, obj, true);
    put(&out, "", 1);
    out.len--;
    declare_namespaces(&out, name);
    out.data[out.len] = '\0';
    return g_realloc(out.data, out.len + 1);
}
