/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JSON. json-c does the work; here are the bounds, the strictness and the error texts.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/json.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

/* json-c takes an int; larger texts are nobody's. */
#define TEXT_MAX (1 << 30)

static bool only_space(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!strchr(" \t\r\n", text[i]) || !text[i])
            return false;
    }
    return true;
}

json_object *json_parse(const char *text, size_t len, int max_depth, const char *what)
{
    if (len > TEXT_MAX)
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "%s is too large: %zu bytes", what, len);
    struct json_tokener *tok = json_tokener_new_ex(CLAMP(max_depth, 1, JSON_DEPTH_MAX));
    if (!tok)
        g_error("out of memory");
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    json_object *value = json_tokener_parse_ex(tok, text, len);
    enum json_tokener_error err = json_tokener_get_error(tok);
    size_t end = json_tokener_get_parse_end(tok);
    if (err == json_tokener_continue && value == NULL) {
        json_object *more = json_tokener_parse_ex(tok, "", 1); /* a number ends only with the text */
        err = json_tokener_get_error(tok);
        value = more;
    }
    json_tokener_free(tok);
    if (err == json_tokener_continue)
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "%s is not valid JSON: it ends too early", what);
    if (err != json_tokener_success)
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "%s is not valid JSON: %s at byte %zu", what,
                         json_tokener_error_desc(err), end);
    if (end < len && !only_space(text + end, len - end)) {
        json_object_put(value);
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "%s is not valid JSON: something follows at byte %zu", what, end);
    }
    if (!value)
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "%s is null", what);
    return value;
}

/* ---- members ---- */

static json_object *member(json_object *object, const char *key)
{
    json_object *value = NULL;
    if (json_object_is_type(object, json_type_object))
        json_object_object_get_ex(object, key, &value);
    return value;
}

static int missing(const char *key)
{
    return FAIL(VIR_ERR_INTERNAL_ERROR, "JSON member '%s' is missing", key);
}

static int wrong(json_object *value, const char *key, const char *wanted)
{
    return FAIL(VIR_ERR_INTERNAL_ERROR, "JSON member '%s' is of type %s, not %s", key,
                json_type_to_name(json_object_get_type(value)), wanted);
}

int json_find_string(json_object *object, const char *key, const char **value)
{
    json_object *found = member(object, key);
    if (!found)
        return 0;
    if (!json_object_is_type(found, json_type_string))
        return wrong(found, key, "string");
    if (strlen(json_object_get_string(found)) != (size_t) json_object_get_string_len(found))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "JSON member '%s' contains a zero byte", key);
    *value = json_object_get_string(found);
    return 1;
}

int json_find_int(json_object *object, const char *key, int64_t *value)
{
    json_object *found = member(object, key);
    if (!found)
        return 0;
    if (!json_object_is_type(found, json_type_int))
        return wrong(found, key, "whole number");
    errno = 0;
    int64_t n = json_object_get_int64(found);
    if (n == INT64_MAX && json_object_get_uint64(found) > INT64_MAX)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "JSON member '%s' is too large", key);
    *value = n;
    return 1;
}

int json_find_uint(json_object *object, const char *key, uint64_t *value)
{
    json_object *found = member(object, key);
    if (!found)
        return 0;
    if (!json_object_is_type(found, json_type_int))
        return wrong(found, key, "whole number");
    if (json_object_get_int64(found) < 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "JSON member '%s' is negative", key);
    *value = json_object_get_uint64(found);
    return 1;
}

int json_find_double(json_object *object, const char *key, double *value)
{
    json_object *found = member(object, key);
    if (!found)
        return 0;
    if (!json_object_is_type(found, json_type_double) && !json_object_is_type(found, json_type_int))
        return wrong(found, key, "number");
    *value = json_object_get_double(found);
    return 1;
}

int json_find_bool(json_object *object, const char *key, bool *value)
{
    json_object *found = member(object, key);
    if (!found)
        return 0;
    if (!json_object_is_type(found, json_type_boolean))
        return wrong(found, key, "boolean");
    *value = json_object_get_boolean(found);
    return 1;
}

static int find_value(json_object *object, const char *key, json_type type, json_object **value)
{
    json_object *found = member(object, key);
    if (!found)
        return 0;
    if (!json_object_is_type(found, type))
        return wrong(found, key, json_type_to_name(type));
    *value = found;
    return 1;
}

int json_find_array(json_object *object, const char *key, json_object **value)
{
    return find_value(object, key, json_type_array, value);
}

int json_find_object(json_object *object, const char *key, json_object **value)
{
    return find_value(object, key, json_type_object, value);
}

#define GETTER(name, type) \
    int json_get_##name(json_object *object, const char *key, type *value) \
    { \
        int found = json_find_##name(object, key, value); \
        return found > 0 ? 0 : found < 0 ? -1 : missing(key); \
    }

GETTER(string, const char *)
GETTER(int, int64_t)
GETTER(uint, uint64_t)
GETTER(double, double)
GETTER(bool, bool)
GETTER(array, json_object *)
GETTER(object, json_object *)

json_object *json_array_object(json_object *array, size_t index)
{
    json_object *value = NULL;
    if (json_object_is_type(array, json_type_array))
        value = json_object_array_get_idx(array, index);
    if (!json_object_is_type(value, json_type_object))
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "JSON array entry %zu is of type %s, not object", index,
                         json_type_to_name(json_object_get_type(value)));
    return value;
}

/* ---- building ---- */

static json_object *field_value(const JsonField *field)
{
    switch (field->kind) {
    case JSON_FIELD_STRING:
        return field->string ? json_object_new_string(field->string) : NULL;
    case JSON_FIELD_INT:
        return json_object_new_int64(field->integer);
    case JSON_FIELD_UINT:
        return json_object_new_uint64(field->natural);
    case JSON_FIELD_DOUBLE:
        return json_object_new_double(field->real);
    case JSON_FIELD_BOOL:
        return json_object_new_boolean(field->integer != 0);
    case JSON_FIELD_VALUE:
        return field->value;
    case JSON_FIELD_SKIP:
        break;
    }
    return NULL;
}

void json_add_fields(json_object *object, const JsonField *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_object *value = field_value(&fields[i]);
        if (value)
            json_object_object_add(object, fields[i].key, value);
    }
}

json_object *json_make_fields(const JsonField *fields, size_t n)
{
    json_object *object = json_object_new_object();
    json_add_fields(object, fields, n);
    return object;
}

const char *json_text(json_object *object)
{
    return json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}
