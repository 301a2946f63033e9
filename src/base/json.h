/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JSON on json-c: bounded parsing, getters that say what is wrong, building in one expression.
 */
#pragma once
#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

static inline void json_unref_any(json_object *object)
{
    json_object_put(object); /* accepts NULL */
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_object, json_unref_any)

/** Deepest nesting that json_parse() may be asked to accept. */
#define JSON_DEPTH_MAX 256

/** Parse exactly one value from @len bytes of valid UTF-8, nested at most @max_depth deep. Memory is bounded by a small
 * multiple of @len, so the caller bounds @len. @what names the text in errors ("reply of QEMU"). A JSON null is refused as
 * document. NULL with VIR_ERR_INTERNAL_ERROR that tells the offset of the mistake; caller owns the result. */
json_object *json_parse(const char *text, size_t len, int max_depth, const char *what);

/** Members of @object, which may be any value. A missing member, null, a wrong type or a number out of range is an
 * error that names @key. 0 or -1. Strings, arrays and objects stay @object's. */
int json_get_string(json_object *object, const char *key, const char **value);
int json_get_int(json_object *object, const char *key, int64_t *value);
int json_get_uint(json_object *object, const char *key, uint64_t *value);
int json_get_double(json_object *object, const char *key, double *value);
int json_get_bool(json_object *object, const char *key, bool *value);
int json_get_array(json_object *object, const char *key, json_object **value);
int json_get_object(json_object *object, const char *key, json_object **value);

/** The same for members that may be missing or null: returns 1 if found, 0 if not (@value untouched), -1 with an
 * error if the type is wrong. */
int json_find_string(json_object *object, const char *key, const char **value);
int json_find_int(json_object *object, const char *key, int64_t *value);
int json_find_uint(json_object *object, const char *key, uint64_t *value);
int json_find_double(json_object *object, const char *key, double *value);
int json_find_bool(json_object *object, const char *key, bool *value);
int json_find_array(json_object *object, const char *key, json_object **value);
int json_find_object(json_object *object, const char *key, json_object **value);

/** Object number @index of an array; NULL with an error if there is none or it is something else. Stays the array's. */
json_object *json_array_object(json_object *array, size_t index);

/** One member to be built. Use the macros. */
typedef struct {
    const char *key;
    enum { JSON_FIELD_SKIP, JSON_FIELD_STRING, JSON_FIELD_INT, JSON_FIELD_UINT, JSON_FIELD_DOUBLE, JSON_FIELD_BOOL,
           JSON_FIELD_VALUE } kind;
    const char *string;
    int64_t integer;
    uint64_t natural;
    double real;
    json_object *value;
} JsonField;

/** A string; left out if it is NULL. Copied. */
#define JSON_STR(k, v) { .key = (k), .kind = JSON_FIELD_STRING, .string = (v) }
#define JSON_INT(k, v) { .key = (k), .kind = JSON_FIELD_INT, .integer = (v) }
#define JSON_UINT(k, v) { .key = (k), .kind = JSON_FIELD_UINT, .natural = (v) }
#define JSON_DOUBLE(k, v) { .key = (k), .kind = JSON_FIELD_DOUBLE, .real = (v) }
#define JSON_BOOL(k, v) { .key = (k), .kind = JSON_FIELD_BOOL, .integer = (v) }
/** An object or array, whose ownership goes over; left out if it is NULL. */
#define JSON_VALUE(k, v) { .key = (k), .kind = JSON_FIELD_VALUE, .value = (v) }
json_object *json_make_fields(const JsonField *fields, size_t n);
/** New object: json_make(JSON_STR("qom-type", "x"), JSON_BOOL("share", true)). */
#define json_make(...) \
    json_make_fields((const JsonField[]) { __VA_ARGS__ }, sizeof((const JsonField[]) { __VA_ARGS__ }) / sizeof(JsonField))

/** Add members to an object that exists. */
void json_add_fields(json_object *object, const JsonField *fields, size_t n);
#define json_add(object, ...) \
    json_add_fields(object, (const JsonField[]) { __VA_ARGS__ }, \
                    sizeof((const JsonField[]) { __VA_ARGS__ }) / sizeof(JsonField))

/** Compact text, valid until @object changes or goes. */
const char *json_text(json_object *object);
