/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Comparing and checking structs by their descriptors, and finding a member by its path.
 */
#include "base/xml_private.h"
#include <inttypes.h>
#include <string.h>

#define ERROR_DOMAIN VIR_FROM_XML
#include "base/error.h"

void xml_change_free(XmlChange *change)
{
    if (!change)
        return;
    g_free(change->path);
    g_free(change->old);
    g_free(change->new);
    g_free(change);
}

static void change_destroy(gpointer change)
{
    xml_change_free(change);
}

typedef struct {
    GPtrArray *changes; /* NULL: only whether there is any. */
    guint max;
    bool differs;
    bool subset;        /* what the first one doesn't say is no difference */
    GString *path;
} Diff;

static void diff_struct(Diff *d, const XmlDesc *desc, const void *a, const void *b);

static bool diff_done(const Diff *d)
{
    return d->differs && (!d->changes || d->changes->len >= d->max);
}

static char *shown_value(const XmlMember *m, const void *at)
{
    char buf[XML_VALUE_BUF];

    if (m->flags & XML_SECRET)
        return g_strdup("***");
    if (m->type == XML_BITMAP)
        return bitmap_format(*(Bitmap *const *)at);
    return g_strdup(xml_value_text(m, at, buf));
}

static void add_change(Diff *d, char *old, char *new)
{
    d->differs = true;
    if (!d->changes || d->changes->len >= d->max) {
        g_free(old);
        g_free(new);
        return;
    }
    XmlChange *change = g_new0(XmlChange, 1);
    change->path = g_strdup(d->path->str);
    change->old = old;
    change->new = new;
    g_ptr_array_add(d->changes, change);
}

/* Enter a path's next part; returns the length to go back to. */
static gsize enter(Diff *d, const XmlMember *m, guint index)
{
    gsize before = d->path->len;

    if (!d->changes || (m->kind == XML_MEMBER_TEXT))
        return before;
    g_string_append_printf(d->path, "%s%s", m->kind == XML_MEMBER_ATTR ? "@" : ".", m->name);
    if (index)
        g_string_append_printf(d->path, "[%u]", index);
    if (m->leaf)
        g_string_append_printf(d->path, "@%s", m->leaf);
    return before;
}

static void diff_value(Diff *d, const XmlMember *m, const void *a, const void *b, bool set_a, bool set_b)
{
    if (set_a == set_b ? !set_a || xml_value_equal(m, a, b) : !set_a && d->subset)
        return;
    add_change(d, set_a ? shown_value(m, a) : NULL, set_b ? shown_value(m, b) : NULL);
}

/* A struct that only one side has: its whole text is what changed. */
static void diff_presence(Diff *d, const XmlMember *m, const void *a, const void *b)
{
    if (!a && d->subset)
        return;
    char *old = a && d->changes ? xml_format(m->info, a, member_item_name(m, a), NULL, 0, 0) : NULL;
    char *new = b && d->changes ? xml_format(m->info, b, member_item_name(m, b), NULL, 0, 0) : NULL;

    add_change(d, old, new);
}

static void diff_list(Diff *d, const XmlMember *m, const void *a, const void *b)
{
    guint n_a = *member_count(m, a), n_b = *member_count(m, b);
    char *items_a = *(char **)member_ptr(m, a), *items_b = *(char **)member_ptr(m, b);
    size_t size = m->type == XML_STRUCT ? sizeof(void *) : xml_value_size(m);

    for (guint i = 0; i < (d->subset ? n_a : MAX(n_a, n_b)) && !diff_done(d); i++) {
        const char *x = i < n_a ? items_a + i * size : NULL, *y = i < n_b ? items_b + i * size : NULL;
        gsize before = enter(d, m, i + 1);
        if (m->type != XML_STRUCT)
            diff_value(d, m, x, y, x != NULL, y != NULL);
        else if (x && y)
            diff_struct(d, m->info, *(void *const *)x, *(void *const *)y);
        else
            diff_presence(d, m, x ? *(void *const *)x : NULL, y ? *(void *const *)y : NULL);
        g_string_truncate(d->path, before);
    }
}

static void diff_elem(Diff *d, const XmlMember *m, const void *a, const void *b)
{
    const void *x = member_struct(m, a), *y = member_struct(m, b);
    const bool *has_a = member_has(m, a), *has_b = member_has(m, b);

    if (has_a) {
        x = *has_a ? x : NULL;
        y = *has_b ? y : NULL;
    }
    if (x && y)
        diff_struct(d, m->info, x, y);
    else if (x || y)
        diff_presence(d, m, x, y);
}

static void diff_struct(Diff *d, const XmlDesc *desc, const void *a, const void *b)
{
    for (guint i = 0; i < desc->n_members && !diff_done(d); i++) {
        const XmlMember *m = &desc->members[i];
        bool active_a = member_active(m, a), active_b = member_active(m, b);
        if (m->kind == XML_MEMBER_LIST) {
            if (active_a && active_b)
                diff_list(d, m, a, b);
            continue;
        }
        gsize before = enter(d, m, 0);
        if (m->kind == XML_MEMBER_ELEM) {
            if (active_a && active_b)
                diff_elem(d, m, a, b);
            else if (active_a != active_b && !(m->flags & XML_UNION))
                diff_presence(d, m, active_a ? member_struct(m, a) : NULL, active_b ? member_struct(m, b) : NULL);
        } else {
            diff_value(d, m, member_ptr(m, a), member_ptr(m, b), active_a && xml_value_is_set(m, a),
                       active_b && xml_value_is_set(m, b));
        }
        g_string_truncate(d->path, before);
    }
}

bool xml_equal(const XmlDesc *desc, const void *a, const void *b)
{
    Diff d = {.path = g_string_new(NULL)};

    diff_struct(&d, desc, a, b);
    g_string_free(d.path, TRUE);
    return !d.differs;
}

bool xml_covers(const XmlDesc *desc, const void *wanted, const void *obj)
{
    Diff d = {.path = g_string_new(NULL), .subset = true};

    diff_struct(&d, desc, wanted, obj);
    g_string_free(d.path, TRUE);
    return !d.differs;
}

GPtrArray *xml_diff(const XmlDesc *desc, const void *old, const void *new, const char *path, guint max)
{
    Diff d = {.changes = g_ptr_array_new_with_free_func(change_destroy), .max = max, .path = g_string_new(path)};

    diff_struct(&d, desc, old, new);
    g_string_free(d.path, TRUE);
    return d.changes;
}

/* Validation of structs that a program made. The way to a value is a chain on the stack; it becomes text when there is a
 * fault, which is rare. */

typedef struct Way {
    const struct Way *up;
    const char *root;   /* the outermost has this alone */
    const XmlMember *m;
    guint index;        /* from 1; 0: not an item of a list */
} Way;

static void validate_struct(const Way *way, const XmlDesc *desc, const void *obj, XmlDiagnostics *diag);

static void put_way(GString *text, const Way *way)
{
    if (way->root) {
        g_string_append(text, way->root);
        return;
    }
    put_way(text, way->up);
    if (way->m->name)
        g_string_append_printf(text, "%s%s", way->m->kind == XML_MEMBER_ATTR ? "@" : ".", way->m->name);
    if (way->index)
        g_string_append_printf(text, "[%u]", way->index);
}

static void fault(const Way *way, XmlDiagnostics *diag, const char *text)
{
    GString *path = g_string_new(NULL);

    put_way(path, way);
    xml_diagnostics_add(diag, XML_PROBLEM_ERROR, VIR_ERR_XML_ERROR, 0, path->str, "%s (%s)", text, way->m->doc);
    g_string_free(path, TRUE);
}

static void validate_value(const Way *way, const void *at, XmlDiagnostics *diag)
{
    const XmlMember *m = way->m;

    if ((m->type == XML_STRING || m->type == XML_RAW) && strlen(*(char *const *)at) > m->max_len)
        fault(way, diag, "the text is too long");
    if (m->type == XML_STRING && !g_utf8_validate(*(char *const *)at, -1, NULL))
        fault(way, diag, "the text is not UTF-8");
    if (m->type == XML_ENUM && *(const guint8 *)at > ((const XmlEnum *)m->info)->n)
        fault(way, diag, "the value is not one of the enum");
    if (!m->bytes)
        return;
    guint64 n = xml_number_get(m, at);
    bool inside = m->type == XML_INT ? (gint64)n >= (gint64)m->min && (gint64)n <= (gint64)m->max
                                     : n >= m->min && n <= m->max;
    if (!inside)
        fault(way, diag, "the number is out of range");
}

static void validate_list(Way *way, const void *obj, XmlDiagnostics *diag)
{
    const XmlMember *m = way->m;
    guint n = *member_count(m, obj);
    void **items = *(void ***)member_ptr(m, obj);

    if (n > m->max_count)
        fault(way, diag, "the list is too long");
    for (guint i = 0; m->type == XML_STRUCT && i < n; i++) {
        way->index = i + 1;
        validate_struct(way, m->info, items[i], diag);
    }
}

static void validate_elem(const Way *way, const void *obj, XmlDiagnostics *diag)
{
    const XmlMember *m = way->m;
    const void *inner = member_struct(m, obj);
    const bool *has = member_has(m, obj);

    /* An element that isn't behind a pointer is there if anything in it is; its requirements were checked at parse. */
    if (m->flags & XML_REF ? inner != NULL : (has && *has) || m->flags & (XML_REQUIRED | XML_FLAT))
        validate_struct(way, m->info, inner, diag);
}

static void validate_struct(const Way *up, const XmlDesc *desc, const void *obj, XmlDiagnostics *diag)
{
    for (guint i = 0; i < desc->n_members; i++) {
        const XmlMember *m = &desc->members[i];
        Way way = {.up = up, .m = m};
        if (!member_active(m, obj))
            continue;
        if (m->kind == XML_MEMBER_LIST)
            validate_list(&way, obj, diag);
        else if (m->kind == XML_MEMBER_ELEM)
            validate_elem(&way, obj, diag);
        else if (xml_value_is_set(m, obj))
            validate_value(&way, member_ptr(m, obj), diag);
    }
}

int xml_validate(const XmlDesc *desc, const void *obj, const char *path, XmlDiagnostics *diag)
{
    const Way root = {.root = path};
    guint before = diag->n_errors;

    validate_struct(&root, desc, obj, diag);
    return diag->n_errors > before ? -1 : 0;
}

/* Paths */

static const XmlMember *find_part(const XmlDesc *desc, const char *part, size_t len, bool attr)
{
    for (guint i = 0; i < desc->n_members; i++) {
        const XmlMember *m = &desc->members[i];
        if (m->name && (m->kind == XML_MEMBER_ATTR) == attr && strlen(m->name) == len && !strncmp(m->name, part, len))
            return m;
    }
    return NULL;
}

const XmlMember *xml_explain(const XmlRoot *root, const char *path)
{
    const XmlDesc *desc = root->desc;
    const XmlMember *m = NULL;

    if (!g_str_has_prefix(path, root->name))
        return NULL;
    path += strlen(root->name);
    while (*path) {
        bool attr = *path == '@';
        if (!attr && *path != '.')
            return NULL;
        size_t len = strcspn(++path, ".@[");
        if (attr && m && m->leaf)
            return strlen(m->leaf) == len && !strncmp(m->leaf, path, len) && !path[len] ? m : NULL;
        m = desc ? find_part(desc, path, len, attr) : NULL;
        if (!m)
            return NULL;
        desc = m->type == XML_STRUCT ? m->info : NULL;
        path += len;
        if (*path == '[')
            path += strcspn(path, "]") + (strchr(path, ']') != NULL);
    }
    return m;
}
