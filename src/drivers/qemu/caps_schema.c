/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Walks paths through QEMU's description of its own protocol.
 */
#include "drivers/qemu/caps_schema.h"
#include <string.h>

/* Arrays of arrays are not deeper than this in any schema; a hostile one may be circular. */
#define MAX_ARRAY_DEPTH 8

struct QmpSchema {
    GHashTable *entries; /* name to entry, both borrowed */
};

QmpSchema *qmp_schema_new(json_object *entries)
{
    QmpSchema *schema;

    if (!json_object_is_type(entries, json_type_array))
        return NULL;
    schema = g_new0(QmpSchema, 1);
    schema->entries = g_hash_table_new(g_str_hash, g_str_equal);
    for (gsize i = 0; i < json_object_array_length(entries); i++) {
        json_object *entry = json_object_array_get_idx(entries, i);
        const char *name = json_member_string(entry, "name");

        if (name)
            g_hash_table_insert(schema->entries, (char *)name, entry);
    }
    return schema;
}

void qmp_schema_free(QmpSchema *schema)
{
    if (!schema)
        return;
    g_hash_table_unref(schema->entries);
    g_free(schema);
}

static json_object *schema_type(QmpSchema *schema, const char *name)
{
    json_object *entry = name ? g_hash_table_lookup(schema->entries, name) : NULL;

    for (int depth = 0; entry && g_strcmp0(json_member_string(entry, "meta-type"), "array") == 0; depth++) {
        name = json_member_string(entry, "element-type");
        entry = name && depth < MAX_ARRAY_DEPTH ? g_hash_table_lookup(schema->entries, name) : NULL;
    }
    return entry;
}

/* The element of @array whose @key is @value; array elements may also be plain strings. */
static json_object *schema_find(json_object *array, const char *key, const char *value)
{
    for (gsize i = 0; array && i < json_object_array_length(array); i++) {
        json_object *item = json_object_array_get_idx(array, i);
        const char *text = json_object_is_type(item, json_type_string) ? json_object_get_string(item) :
            json_member_string(item, key);

        if (g_strcmp0(text, value) == 0)
            return item;
    }
    return NULL;
}

/* From @entry along one part of a path; NULL if it doesn't lead anywhere. */
static json_object *schema_step(QmpSchema *schema, json_object *entry, const char *part)
{
    json_object *found;

    if (g_str_equal(part, "arg-type") || g_str_equal(part, "ret-type"))
        return schema_type(schema, json_member_string(entry, part));
    if (part[0] == '^')
        return schema_find(json_member(entry, "values", json_type_array), "name", part + 1);
    if (part[0] == '+') {
        found = schema_find(json_member(entry, "variants", json_type_array), "case", part + 1);
        return schema_type(schema, json_member_string(found, "type"));
    }
    found = schema_find(json_member(entry, "members", json_type_array), "name", part);
    return schema_type(schema, json_member_string(found, "type"));
}

gboolean qmp_schema_has(QmpSchema *schema, const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    json_object *entry = parts[0] ? g_hash_table_lookup(schema->entries, parts[0]) : NULL;

    for (guint i = 1; entry && parts[i]; i++)
        entry = schema_step(schema, entry, parts[i]);
    return entry != NULL;
}
