/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A reader of JSON, token by token, in place: texts are unescaped where they stand. No memory of its own.
 */
#pragma once
#include <stdbool.h>

typedef enum {
    TOKEN_END, TOKEN_ERROR, TOKEN_OPEN_OBJECT, TOKEN_CLOSE_OBJECT, TOKEN_OPEN_ARRAY, TOKEN_CLOSE_ARRAY, TOKEN_STRING,
    TOKEN_NUMBER, TOKEN_WORD, TOKEN_COLON, TOKEN_COMMA,
} Token;

typedef struct JsonReader {
    char *at;        /* ends with NUL */
    char *text;      /* of a string, NUL behind it */
    long long number;
} JsonReader;

Token json_next(JsonReader *reader);
/** Pass over the value that begins with @first. */
bool json_skip(JsonReader *reader, Token first);
