/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON output: one document per command, or one line per event. Strings that aren't UTF-8 are made so. */
#include "tools/shell/shell.h"

bool shell_json(const Cmd *cmd)
{
    return g_strcmp0(cmd_may_get(cmd, "format"), "json") == 0;
}

static bool print_document(Shell *shell, json_object *document, int flags)
{
    shell_print(shell, "%s\n", json_object_to_json_string_ext(document, flags | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(document);
    return true;
}

bool shell_json_print(Shell *shell, json_object *document)
{
    return print_document(shell, document, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
}

bool shell_json_line(Shell *shell, json_object *document)
{
    return print_document(shell, document, JSON_C_TO_STRING_PLAIN);
}

void shell_json_string(json_object *object, const char *key, const char *value)
{
    g_autofree char *valid = value ? g_utf8_make_valid(value, -1) : NULL;

    json_object_object_add(object, key, valid ? json_object_new_string(valid) : NULL);
}

void shell_json_int(json_object *object, const char *key, long long value)
{
    json_object_object_add(object, key, json_object_new_int64(value));
}

void shell_json_uint(json_object *object, const char *key, unsigned long long value)
{
    json_object_object_add(object, key, json_object_new_uint64(value));
}

void shell_json_bool(json_object *object, const char *key, bool value)
{
    json_object_object_add(object, key, json_object_new_boolean(value));
}

void shell_json_double(json_object *object, const char *key, double value)
{
    json_object_object_add(object, key, json_object_new_double(value));
}

void shell_json_null(json_object *object, const char *key)
{
    json_object_object_add(object, key, NULL);
}
