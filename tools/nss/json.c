/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json.h"
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32

static int hex(const char *digits)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        const char *all = "0123456789abcdef", *p = digits[i] ? strchr(all, digits[i] | 0x20) : NULL;
        if (!p)
            return -1;
        value = value * 16 + (p - all);
    }
    return value;
}

/* \uXXXX as UTF-8; halves of pairs become '?': nothing that we compare has them. Bytes written, -1: malformed. */
static int put_code(char *out, const char *digits)
{
    int code = hex(digits);
    if (code <= 0)
        return -1;
    if (code < 0x80) {
        out[0] = code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = 0xc0 | code >> 6;
        out[1] = 0x80 | (code & 0x3f);
        return 2;
    }
    if (code >= 0xd800 && code < 0xe000) {
        out[0] = '?';
        return 1;
    }
    out[0] = 0xe0 | code >> 12;
    out[1] = 0x80 | (code >> 6 & 0x3f);
    out[2] = 0x80 | (code & 0x3f);
    return 3;
}

static Token read_string(JsonReader *reader)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char *in = reader->at, *out = in;
    reader->text = out;
    while (*in != '"') {
        if ((unsigned char) *in < 0x20)
            return TOKEN_ERROR; /* the end of the file is one as well */
        if (*in != '\\') {
            *out++ = *in++;
            continue;
        }
        in++;
        const char *name = *in ? strchr(names, *in) : NULL;
        if (name) {
            *out++ = values[name - names];
            in++;
            continue;
        }
        int n = *in == 'u' ? put_code(out, in + 1) : -1;
        if (n < 0)
            return TOKEN_ERROR;
        out += n;
        in += 5;
    }
    reader->at = in + 1;
    *out = '\0';
    return TOKEN_STRING;
}

static Token read_number(JsonReader *reader)
{
    char *end;
    reader->number = strtoll(reader->at, &end, 10);
    if (end == reader->at)
        return TOKEN_ERROR;
    reader->at = end + strspn(end, "0123456789.eE+-");
    return TOKEN_NUMBER;
}

Token json_next(JsonReader *reader)
{
    static const char marks[] = "{}[]:,";
    static const Token tokens[] = {
        TOKEN_OPEN_OBJECT, TOKEN_CLOSE_OBJECT, TOKEN_OPEN_ARRAY, TOKEN_CLOSE_ARRAY, TOKEN_COLON, TOKEN_COMMA,
    };
    static const char *const words[] = { "true", "false", "null" };
    reader->at += strspn(reader->at, " \t\r\n");
    char c = *reader->at;
    if (!c)
        return TOKEN_END;
    const char *mark = strchr(marks, c);
    if (mark) {
        reader->at++;
        return tokens[mark - marks];
    }
    if (c == '"') {
        reader->at++;
        return read_string(reader);
    }
    for (unsigned i = 0; i < 3; i++) {
        size_t len = strlen(words[i]);
        if (strncmp(reader->at, words[i], len) == 0) {
            reader->at += len;
            return TOKEN_WORD;
        }
    }
    return read_number(reader);
}

bool json_skip(JsonReader *reader, Token token)
{
    for (int depth = 0; ; token = json_next(reader)) {
        if (token == TOKEN_OPEN_OBJECT || token == TOKEN_OPEN_ARRAY)
            depth++;
        else if (token == TOKEN_CLOSE_OBJECT || token == TOKEN_CLOSE_ARRAY)
            depth--;
        else if (token == TOKEN_END || token == TOKEN_ERROR)
            return false;
        if (depth == 0)
            return true;
        if (depth < 0 || depth > DEPTH_MAX)
            return false;
    }
}
