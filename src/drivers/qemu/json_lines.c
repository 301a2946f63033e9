/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bounded JSON-per-line reader. The buffer is one block: bytes are appended at its end and handed out
 * from its start; what is left moves to the front only when room is needed, so a stream of small lines
 * costs no copying. A prescan counts the values of a line before the parser allocates anything for them.
 */
#include "drivers/qemu/json_lines.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define READ_CHUNK 16384
#define KEEP_CAP READ_CHUNK

void json_lines_init(JsonLines *lines, gsize max_line)
{
    memset(lines, 0, sizeof(*lines));
    lines->max_line = max_line;
}

void json_lines_finish(JsonLines *lines)
{
    g_free(lines->data);
    json_lines_init(lines, lines->max_line);
}

void json_lines_drop(JsonLines *lines)
{
    json_lines_finish(lines);
}

static void json_lines_reserve(JsonLines *lines, gsize room)
{
    if (lines->cap - lines->end >= room)
        return;
    if (lines->start > 0) {
        memmove(lines->data, lines->data + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->scanned -= MIN(lines->scanned, lines->start);
        lines->start = 0;
    }
    if (lines->cap - lines->end < room) {
        lines->cap = MAX(lines->cap * 2, lines->end + room);
        lines->data = g_realloc(lines->data, lines->cap);
    }
}

gssize json_lines_read(JsonLines *lines, int fd)
{
    gssize got;

    /* Never beyond one line more than the maximum, however fast the other side writes. */
    if (lines->end - lines->start > lines->max_line)
        return -EMSGSIZE;
    json_lines_reserve(lines, READ_CHUNK + 1);
    do
        got = read(fd, lines->data + lines->end, lines->cap - lines->end - 1);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    lines->end += got;
    return got;
}

void json_lines_append(JsonLines *lines, const char *data, gsize len)
{
    json_lines_reserve(lines, len + 1);
    memcpy(lines->data + lines->end, data, len);
    lines->end += len;
}

/* An idle connection should cost nothing. */
static void json_lines_shrink(JsonLines *lines)
{
    lines->start = lines->end = lines->scanned = 0;
    if (lines->cap > KEEP_CAP * 2) {
        g_clear_pointer(&lines->data, g_free);
        lines->cap = 0;
    }
}

int json_lines_next(JsonLines *lines, char **line, gsize *len)
{
    char *from, *newline;

    if (lines->start == lines->end) {
        json_lines_shrink(lines);
        return 0;
    }
    from = lines->data + MAX(lines->start, lines->scanned);
    newline = memchr(from, '\n', lines->data + lines->end - from);
    if (!newline) {
        lines->scanned = lines->end;
        return lines->end - lines->start > lines->max_line ? -1 : 0;
    }
    *line = lines->data + lines->start;
    *len = newline - *line;
    *newline = '\0';
    lines->start = lines->scanned = newline + 1 - lines->data;
    return *len > lines->max_line ? JSON_LINES_LONG : 1;
}

/* Number of values that a parser would make of the line, from above. */
static gsize json_lines_count(const char *line, gsize len)
{
    gsize n = 1;
    gboolean in_string = FALSE;

    for (gsize i = 0; i < len; i++) {
        char c = line[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = FALSE;
        } else if (c == '"') {
            in_string = TRUE;
        } else if (c == ',' || c == '[' || c == '{') {
            n++;
        }
    }
    return n;
}

json_object *json_lines_parse(const char *line, gsize len, const char **why)
{
    struct json_tokener *tok;
    json_object *value;
    enum json_tokener_error err;
    gsize used;

    if (len > G_MAXINT32 || json_lines_count(line, len) > JSON_LINES_MAX_VALUES) {
        *why = "too many values";
        return NULL;
    }
    tok = json_tokener_new_ex(JSON_LINES_MAX_DEPTH);
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 |
                           JSON_TOKENER_ALLOW_TRAILING_CHARS);
    value = json_tokener_parse_ex(tok, line, (int)len);
    err = json_tokener_get_error(tok);
    used = json_tokener_get_parse_end(tok);
    if (err == json_tokener_continue) {
        /* A bare number is complete only when something follows it. */
        value = json_tokener_parse_ex(tok, "\n", 1);
        err = json_tokener_get_error(tok);
        used = len;
    }
    json_tokener_free(tok);
    if (err != json_tokener_success) {
        json_object_put(value);
        *why = json_tokener_error_desc(err);
        return NULL;
    }
    while (used < len && strchr(" \t\r", line[used]) && line[used])
        used++;
    if (used < len) {
        json_object_put(value);
        *why = "text after the value";
        return NULL;
    }
    return value;
}

json_object *json_member(json_object *object, const char *name, json_type type)
{
    json_object *value = NULL;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, type))
        return NULL;
    return value;
}

const char *json_member_string(json_object *object, const char *name)
{
    json_object *value = json_member(object, name, json_type_string);

    return value ? json_object_get_string(value) : NULL;
}

gint64 json_member_int(json_object *object, const char *name, gint64 fallback)
{
    json_object *value = json_member(object, name, json_type_int);

    return value ? json_object_get_int64(value) : fallback;
}

gboolean json_member_bool(json_object *object, const char *name, gboolean fallback)
{
    json_object *value = json_member(object, name, json_type_boolean);

    return value ? json_object_get_boolean(value) : fallback;
}
