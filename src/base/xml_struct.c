/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory of structs that a descriptor describes: defaults, free, deep copy.
 */
#include "base/xml_private.h"
#include <string.h>

void xml_struct_init(const XmlDesc *desc, void *obj)
{
    for (guint i = 0; desc->has_defaults && i < desc->n_members; i++) {
        const XmlMember *m = &desc->members[i];
        if (m->kind == XML_MEMBER_ELEM && !(m->flags & XML_REF))
            xml_struct_init(m->info, member_ptr(m, obj));
        else if (m->initial)
            *(guint8 *)member_ptr(m, obj) = m->initial;
    }
}

void *xml_struct_new(const XmlDesc *desc)
{
    void *obj = g_malloc0(desc->size);

    xml_struct_init(desc, obj);
    return obj;
}

/* Whether the member owns its memory: one in a union does so only while its condition holds. */
static bool owns_memory(const XmlMember *m, const void *obj)
{
    return !(m->flags & XML_UNION) || member_active(m, obj);
}

static void clear_list(const XmlMember *m, void *obj)
{
    char *items = *(char **)member_ptr(m, obj);
    guint n = *member_count(m, obj);

    for (guint i = 0; i < n; i++) {
        if (m->type == XML_STRUCT)
            xml_struct_free(m->info, ((void **)items)[i]);
        else
            xml_value_clear(m, items + i * xml_value_size(m));
    }
    g_free(items);
    *(char **)member_ptr(m, obj) = NULL;
    *member_count(m, obj) = 0;
}

static void clear_members(const XmlDesc *desc, void *obj)
{
    for (guint i = 0; i < desc->n_owners; i++) {
        const XmlMember *m = &desc->members[desc->owners[i]];
        void *at = member_ptr(m, obj);
        if (!owns_memory(m, obj))
            continue;
        if (m->kind == XML_MEMBER_LIST) {
            clear_list(m, obj);
        } else if (m->kind != XML_MEMBER_ELEM) {
            xml_value_clear(m, at);
        } else if (m->flags & XML_REF) {
            xml_struct_free(m->info, *(void **)at);
            *(void **)at = NULL;
        } else {
            clear_members(m->info, at);
        }
    }
}

void xml_struct_clear(const XmlDesc *desc, void *obj)
{
    if (!obj)
        return;
    clear_members(desc, obj);
    memset(obj, 0, desc->size);
}

void xml_struct_free(const XmlDesc *desc, void *obj)
{
    if (!obj)
        return;
    clear_members(desc, obj);
    g_free(obj);
}

/* Copy: the bytes first, then a new owner for each pointer among them. */

static void dup_list(const XmlMember *m, void *obj)
{
    char **items = member_ptr(m, obj);
    guint n = *member_count(m, obj);
    size_t size = m->type == XML_STRUCT ? sizeof(void *) : xml_value_size(m);

    size_t room = 1;
    while (room < n)
        room *= 2;
    *items = n ? memcpy(g_malloc(room * size), *items, n * size) : NULL;
    for (guint i = 0; i < n; i++) {
        if (m->type == XML_STRUCT)
            ((void **)*items)[i] = xml_struct_copy(m->info, ((void **)*items)[i]);
        else
            xml_value_dup(m, *items + i * size);
    }
}

static void dup_members(const XmlDesc *desc, void *obj)
{
    for (guint i = 0; i < desc->n_owners; i++) {
        const XmlMember *m = &desc->members[desc->owners[i]];
        void *at = member_ptr(m, obj);
        if (!owns_memory(m, obj))
            continue;
        if (m->kind == XML_MEMBER_LIST)
            dup_list(m, obj);
        else if (m->kind != XML_MEMBER_ELEM)
            xml_value_dup(m, at);
        else if (m->flags & XML_REF)
            *(void **)at = xml_struct_copy(m->info, *(void **)at);
        else
            dup_members(m->info, at);
    }
}

void xml_struct_copy_into(const XmlDesc *desc, void *dst, const void *src)
{
    memcpy(dst, src, desc->size);
    dup_members(desc, dst);
}

void *xml_struct_copy(const XmlDesc *desc, const void *obj)
{
    if (!obj)
        return NULL;
    void *copy = g_malloc(desc->size);
    xml_struct_copy_into(desc, copy, obj);
    return copy;
}

void *xml_list_grow(void *list, guint n, size_t size)
{
    /* Capacity is the next power of two, so that appending is not quadratic and no capacity need be kept. */
    return n & (n - 1) ? list : g_realloc(list, (n ? 2 * (size_t)n : 1) * size);
}
