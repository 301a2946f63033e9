/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What list and info commands show: records of fields, each with its label in text, its key in JSON, and its value in
 * both. A list prints a table of those fields whose labels it has as headings; in JSON there are all of them.
 */
#include <stdarg.h>
#include <string.h>

#include "tools/virsh/virsh.h"

typedef struct {
    const char *label; /* NULL: in JSON only */
    char *text;
} Field;

struct VirshRecord {
    GArray *fields; /* of Field */
    json_object *json;
};

struct VirshRows {
    GPtrArray *headings; /* borrowed */
    GPtrArray *records;
};

static void clear_field(gpointer data)
{
    g_free(((Field *)data)->text);
}

VirshRecord *virsh_record_new(void)
{
    VirshRecord *record = g_new0(VirshRecord, 1);

    record->fields = g_array_new(FALSE, FALSE, sizeof(Field));
    g_array_set_clear_func(record->fields, clear_field);
    record->json = json_object_new_object();
    return record;
}

void virsh_record_free(VirshRecord *record)
{
    if (!record)
        return;
    g_array_unref(record->fields);
    json_object_put(record->json);
    g_free(record);
}

static void add_field(VirshRecord *record, const char *label, char *text)
{
    Field field = {label, text};

    if (label)
        g_array_append_val(record->fields, field);
    else
        g_free(text);
}

void virsh_record_text(VirshRecord *record, const char *label, const char *key, const char *value)
{
    add_field(record, label, g_strdup(value ? value : "-"));
    if (key)
        shell_json_string(record->json, key, value);
}

void virsh_record_both(VirshRecord *record, const char *label, char *text, const char *key, json_object *value)
{
    add_field(record, label, text);
    json_object_object_add(record->json, key, value);
}

void virsh_record_flag(VirshRecord *record, const char *label, const char *key, int value, const char *unknown)
{
    add_field(record, label, g_strdup(value < 0 ? unknown : value ? "yes" : "no"));
    json_object_object_add(record->json, key, value < 0 ? NULL : json_object_new_boolean(value));
}

void virsh_record_uint(VirshRecord *record, const char *label, const char *key, unsigned long long value)
{
    virsh_record_both(record, label, g_strdup_printf("%llu", value), key, json_object_new_uint64(value));
}

void virsh_record_size(VirshRecord *record, const char *label, const char *key, unsigned long long bytes)
{
    virsh_record_both(record, label, virsh_size(bytes), key, json_object_new_uint64(bytes));
}

bool virsh_record_print(Shell *shell, const Cmd *cmd, VirshRecord *record, int width)
{
    if (shell_json(cmd))
        return shell_json_print(shell, json_object_get(record->json));
    for (guint i = 0; i < record->fields->len; i++) {
        const Field *field = &g_array_index(record->fields, Field, i);

        virsh_field(shell, width, field->label, "%s", field->text);
    }
    return true;
}

VirshRows *virsh_rows_new(const char *heading, ...)
{
    VirshRows *rows = g_new0(VirshRows, 1);
    va_list args;

    rows->headings = g_ptr_array_new();
    rows->records = g_ptr_array_new_with_free_func((GDestroyNotify)virsh_record_free);
    va_start(args, heading);
    for (; heading; heading = va_arg(args, const char *))
        g_ptr_array_add(rows->headings, (char *)heading);
    va_end(args);
    return rows;
}

void virsh_rows_free(VirshRows *rows)
{
    if (!rows)
        return;
    g_ptr_array_unref(rows->headings);
    g_ptr_array_unref(rows->records);
    g_free(rows);
}

VirshRecord *virsh_rows_add(VirshRows *rows)
{
    VirshRecord *record = virsh_record_new();

    g_ptr_array_add(rows->records, record);
    return record;
}

static const char *text_of(const VirshRecord *record, const char *label)
{
    for (guint i = 0; i < record->fields->len; i++) {
        const Field *field = &g_array_index(record->fields, Field, i);

        if (g_str_equal(field->label, label))
            return field->text;
    }
    return "-";
}

bool virsh_rows_print(Shell *shell, const Cmd *cmd, VirshRows *rows)
{
    g_autoptr(ShellTable) table = NULL;
    json_object *list;

    if (shell_json(cmd)) {
        list = json_object_new_array();
        for (guint i = 0; i < rows->records->len; i++)
            json_object_array_add(list, json_object_get(((VirshRecord *)rows->records->pdata[i])->json));
        return shell_json_print(shell, list);
    }
    table = shell_table_newv((const char *const *)rows->headings->pdata, rows->headings->len);
    for (guint i = 0; i < rows->records->len; i++) {
        g_autofree const char **cells = g_new0(const char *, rows->headings->len);

        for (guint k = 0; k < rows->headings->len; k++)
            cells[k] = text_of(rows->records->pdata[i], rows->headings->pdata[k]);
        shell_table_rowv(table, cells);
    }
    shell_table_print(shell, table);
    return true;
}

bool virsh_print_word(Shell *shell, const Cmd *cmd, const char *key, const char *word)
{
    json_object *document;

    if (!word)
        return false;
    if (!shell_json(cmd)) {
        shell_print(shell, "%s\n", word);
        return true;
    }
    document = json_object_new_object();
    shell_json_string(document, key, word);
    return shell_json_print(shell, document);
}

/* --- trees --- */

static bool is_child(const VirshTree *node, const char *name)
{
    return node->parent && g_str_equal(node->parent, name);
}

/* True if it has children: the space after a last child is below the deepest one only. */
static bool print_branch(Shell *shell, const VirshTree *nodes, size_t count, const char *name, const char *indent,
                         bool last, int depth)
{
    g_autofree char *below = g_strconcat(indent, depth == 0 ? "  " : last ? "    " : "|   ", NULL);
    size_t final = count;
    bool deeper = false;

    shell_print(shell, "%s%s%s\n", indent, depth ? "+- " : "", name);
    for (size_t i = 0; i < count && depth < VIRSH_TREE_DEPTH; i++) {
        if (is_child(&nodes[i], name))
            final = i;
    }
    if (final == count)
        return false;
    shell_print(shell, "%s|\n", below);
    for (size_t i = 0; i <= final; i++) {
        if (is_child(&nodes[i], name))
            deeper = print_branch(shell, nodes, count, nodes[i].name, below, i == final, depth + 1);
    }
    if (!deeper)
        shell_print(shell, "%s  \n", below);
    return true;
}

static bool has_node(const VirshTree *nodes, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (g_str_equal(nodes[i].name, name))
            return true;
    }
    return false;
}

void virsh_print_tree(Shell *shell, const VirshTree *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (nodes[i].parent && has_node(nodes, count, nodes[i].parent))
            continue;
        print_branch(shell, nodes, count, nodes[i].name, "", true, 0);
    }
}

bool virsh_print_number(Shell *shell, const Cmd *cmd, const char *key, unsigned long long value)
{
    json_object *document;

    if (!shell_json(cmd)) {
        shell_print(shell, "%llu\n", value);
        return true;
    }
    document = json_object_new_object();
    shell_json_uint(document, key, value);
    return shell_json_print(shell, document);
}
