/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bounded reader of a byte stream that carries one JSON value per line (QMP, guest agent). The other
 * side is hostile: a line has a maximum length, a value a maximum depth and a maximum number of
 * members, text must be UTF-8. Memory is given back as soon as the buffer is empty.
 */
#pragma once
#include <glib.h>
#include "base/json.h"

#include "base/json.h"

/** Deepest nesting of a value that is accepted. */
#define JSON_LINES_MAX_DEPTH 64
/** Most values (members, elements) in one line: bounds memory, as a parsed value costs up to 100 bytes. */
#define JSON_LINES_MAX_VALUES (1024 * 1024)

typedef struct JsonLines {
    char *data;
    gsize cap;      /* bytes allocated */
    gsize start;    /* first byte not yet handed out */
    gsize scanned;  /* bytes before this hold no newline (after start) */
    gsize end;      /* first free byte */
    gsize max_line;
} JsonLines;

/** Prepare @lines in the caller's memory. @max_line: longest line in bytes, newline not counted. */
void json_lines_init(JsonLines *lines, gsize max_line);

/** Free what @lines holds; it may be initialised again. */
void json_lines_finish(JsonLines *lines);

/** Read once from @fd (never blocks if the descriptor doesn't). Returns the number of bytes, 0 at the
 * end of the stream, -errno otherwise (-EAGAIN: nothing there). Sets no error. */
gssize json_lines_read(JsonLines *lines, int fd);

/** Append bytes as if they had been read (tests, agents behind another transport). */
void json_lines_append(JsonLines *lines, const char *data, gsize len);

/** Next complete line. Returns 1 and the line (no newline, NUL-terminated, valid until the next call on
 * @lines), 0 if there is none yet, -1 if the stream has passed the maximum without a newline, JSON_LINES_LONG if a whole line
 * was longer than that: it is out, and what came behind it can still be had. */
#define JSON_LINES_LONG (-2)
int json_lines_next(JsonLines *lines, char **line, gsize *len);

/** Throw away everything that has been read and not handed out. */
void json_lines_drop(JsonLines *lines);

/** Parse one line. Returns the value, which the caller owns, or NULL with the reason in @why (a static
 * string). Accepts blanks around the value. Sets no error. */
json_object *json_lines_parse(const char *line, gsize len, const char **why);

/* Getters for values of a hostile peer. Unlike those of base/json.h they never set an error: what is missing or of the wrong
 * type is simply not there. */

/** Member @name of @object if it is there and of @type, NULL otherwise (also if @object isn't an object). */
json_object *json_member(json_object *object, const char *name, json_type type);

/** String member or NULL. */
const char *json_member_string(json_object *object, const char *name);

/** Integer member or @fallback; a number with a fraction or a member of another type gives @fallback. */
gint64 json_member_int(json_object *object, const char *name, gint64 fallback);

/** Boolean member or @fallback. */
gboolean json_member_bool(json_object *object, const char *name, gboolean fallback);
