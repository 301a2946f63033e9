/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The syntax of configuration files: "key = value", one to a line (or separated by ";"), "#" begins a comment.
 * Values: whole numbers; strings in '…', "…" or """…""" (over lines), without any escapes; lists
 * [ "a", "b" ] of them, over lines, a comma behind the last is allowed. What keys mean is base/conf.h.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/** Largest file, most keys, most entries of a list. */
#define CONF_FILE_MAX (4 * 1024 * 1024)
#define CONF_KEYS_MAX 10000
#define CONF_LIST_MAX 100000

typedef enum { CONF_VALUE_INT, CONF_VALUE_STRING, CONF_VALUE_LIST } ConfValueType;

typedef struct ConfValue ConfValue;
struct ConfValue {
    ConfValueType type;
    int line;
    bool negative;     /**< of a number */
    bool too_large;    /**< its amount doesn't fit into 64 bits */
    uint64_t amount;   /**< of a number, without sign */
    char *string;
    GPtrArray *list;   /**< of ConfValue */
};

typedef struct {
    char *key;
    int line;
    ConfValue value;
} ConfEntry;

/** Parse @len bytes of @text. @name is the file's name for errors. An array of ConfEntry in the order of the file; NULL with
 * VIR_ERR_CONF_SYNTAX set that begins "NAME:LINE: ". */
GPtrArray *conf_parse(const char *text, size_t len, const char *name);
