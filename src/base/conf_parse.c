/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parser of configuration files: one pass over the text, recursion only for the one level of a list.
 */
#define ERROR_DOMAIN VIR_FROM_CONF
#include "base/conf_parse.h"

#include <string.h>

#include "base/error.h"

typedef struct {
    const char *name;
    const char *at;
    const char *end;
    int line;
} Parser;

#define SYNTAX(p, ...) syntax_error((p), __VA_ARGS__)

static int G_GNUC_PRINTF(2, 3) syntax_error(const Parser *p, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    return FAIL(VIR_ERR_CONF_SYNTAX, "%s:%d: %s", p->name, p->line, text);
}

static void value_clear(ConfValue *value)
{
    g_free(value->string);
    if (value->list)
        g_ptr_array_unref(value->list);
}

static void value_free(void *opaque)
{
    value_clear(opaque);
    g_free(opaque);
}

static void entry_free(void *opaque)
{
    ConfEntry *entry = opaque;
    g_free(entry->key);
    value_clear(&entry->value);
    g_free(entry);
}

static bool at_end(const Parser *p)
{
    return p->at >= p->end;
}

static char peek(const Parser *p)
{
    return at_end(p) ? '\0' : *p->at;
}

static void skip_comment(Parser *p)
{
    while (!at_end(p) && *p->at != '\n')
        p->at++;
}

/* Blanks; with @lines also ends of lines and comments. */
static void skip(Parser *p, bool lines)
{
    for (; !at_end(p); p->at++) {
        if (*p->at == '\n' && lines)
            p->line++;
        else if (*p->at == '#' && lines)
            skip_comment(p), p->at--;
        else if (*p->at != ' ' && *p->at != '\t' && *p->at != '\r')
            return;
    }
}

static int parse_number(Parser *p, ConfValue *value)
{
    value->type = CONF_VALUE_INT;
    value->negative = peek(p) == '-';
    if (peek(p) == '-' || peek(p) == '+')
        p->at++;
    if (!g_ascii_isdigit(peek(p)))
        return SYNTAX(p, "a number has no digits");
    for (; g_ascii_isdigit(peek(p)); p->at++) {
        unsigned digit = *p->at - '0';
        if (value->amount > (UINT64_MAX - digit) / 10)
            value->too_large = true;
        value->amount = value->amount * 10 + digit;
    }
    return 0;
}

/* Up to the closing mark, one or three quotes. */
static int parse_string(Parser *p, ConfValue *value)
{
    char quote = *p->at;
    size_t marks = quote == '"' && p->end - p->at >= 3 && strncmp(p->at, "\"\"\"", 3) == 0 ? 3 : 1;
    const char *mark = marks == 3 ? "\"\"\"" : quote == '"' ? "\"" : "'";
    const char *start = p->at + marks;
    const char *close = p->end - p->at >= (ptrdiff_t) (2 * marks) ? g_strstr_len(start, p->end - start, mark) : NULL;
    const char *newline = memchr(start, '\n', (close ? close : p->end) - start);
    if (!close || (marks == 1 && newline))
        return SYNTAX(p, "a string is not closed by %s%s", mark, marks == 1 ? " on its line" : "");
    if (!g_utf8_validate(start, close - start, NULL))
        return SYNTAX(p, "a string is not valid UTF-8");
    value->type = CONF_VALUE_STRING;
    value->string = g_strndup(start, close - start);
    for (; start < close; start++)
        p->line += *start == '\n';
    p->at = close + marks;
    return 0;
}

static int parse_value(Parser *p, ConfValue *value, bool in_list);

static int parse_list(Parser *p, ConfValue *value)
{
    value->type = CONF_VALUE_LIST;
    value->list = g_ptr_array_new_with_free_func(value_free);
    p->at++;
    for (;;) {
        skip(p, true);
        if (at_end(p))
            return FAIL(VIR_ERR_CONF_SYNTAX, "%s:%d: a list is not closed by ]", p->name, value->line);
        if (*p->at == ']') {
            p->at++;
            return 0;
        }
        if (value->list->len == CONF_LIST_MAX)
            return SYNTAX(p, "a list has more than %d entries", CONF_LIST_MAX);
        ConfValue *item = g_new0(ConfValue, 1);
        g_ptr_array_add(value->list, item);
        if (parse_value(p, item, true) < 0)
            return -1;
        skip(p, true);
        if (peek(p) == ',')
            p->at++;
        else if (!at_end(p) && *p->at != ']')
            return SYNTAX(p, "expected , or ] behind an entry of a list");
    }
}

static int parse_value(Parser *p, ConfValue *value, bool in_list)
{
    value->line = p->line;
    char c = peek(p);
    if (c == '"' || c == '\'')
        return parse_string(p, value);
    if (c == '-' || c == '+' || g_ascii_isdigit(c))
        return parse_number(p, value);
    if (c == '[' && !in_list)
        return parse_list(p, value);
    return SYNTAX(p, "expected a value: a number, a string in quotes%s", in_list ? "" : " or a list in [ ]");
}

static int parse_entry(Parser *p, ConfEntry *entry)
{
    const char *start = p->at;
    if (!g_ascii_isalpha(*p->at) && *p->at != '_')
        return SYNTAX(p, "expected a key, which begins with a letter");
    while (g_ascii_isalnum(peek(p)) || peek(p) == '_')
        p->at++;
    entry->key = g_strndup(start, p->at - start);
    entry->line = p->line;
    skip(p, false);
    if (peek(p) != '=')
        return SYNTAX(p, "expected = behind key '%.100s'", entry->key);
    p->at++;
    skip(p, false);
    if (parse_value(p, &entry->value, false) < 0)
        return -1;
    skip(p, false);
    if (!at_end(p) && *p->at != '\n' && *p->at != ';' && *p->at != '#')
        return SYNTAX(p, "expected the end of the line behind the value of '%.100s'", entry->key);
    if (peek(p) == ';')
        p->at++;
    return 0;
}

GPtrArray *conf_parse(const char *text, size_t len, const char *name)
{
    Parser p = { .name = name, .at = text, .end = text + len, .line = 1 };
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(entry_free);
    if (len > CONF_FILE_MAX)
        return FAIL_NULL(VIR_ERR_CONF_SYNTAX, "%s: is larger than %d bytes", name, CONF_FILE_MAX);
    if (memchr(text, '\0', len))
        return FAIL_NULL(VIR_ERR_CONF_SYNTAX, "%s: contains a zero byte", name);
    for (skip(&p, true); !at_end(&p); skip(&p, true)) {
        if (entries->len == CONF_KEYS_MAX)
            return SYNTAX(&p, "more than %d keys", CONF_KEYS_MAX), NULL;
        ConfEntry *entry = g_new0(ConfEntry, 1);
        g_ptr_array_add(entries, entry);
        if (parse_entry(&p, entry) < 0)
            return NULL;
    }
    return g_steal_pointer(&entries);
}
