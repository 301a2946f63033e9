/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The runtime of configuration tables.
 */
#define ERROR_DOMAIN VIR_FROM_CONF
#include "base/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_parse.h"
#include "base/error.h"
#include "base/file.h"

#define NAME_MAX_NEAR 64

typedef struct {
    const char *file;
    ConfReport *report;
    bool failed;
} Reader;

#define FIELD(conf, key, type) (*(type *) ((char *) (conf) + (key)->offset))

static void problem_free(void *opaque)
{
    ConfProblem *problem = opaque;
    g_free(problem->text);
    g_free(problem);
}

void conf_report_clear(ConfReport *report)
{
    g_clear_pointer(&report->problems, g_ptr_array_unref);
}

static void report_take(ConfReport *report, bool error, int line, char *text)
{
    ConfProblem *problem = g_new0(ConfProblem, 1);
    *problem = (ConfProblem){ .error = error, .line = line, .text = text };
    if (!report->problems)
        report->problems = g_ptr_array_new_with_free_func(problem_free);
    g_ptr_array_add(report->problems, problem);
}

static char *located(const char *file, int line, const char *text)
{
    return line ? g_strdup_printf("%s:%d: %s", file, line, text) : g_strdup_printf("%s: %s", file, text);
}

void conf_report_add(ConfReport *report, bool error, const char *file, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    report_take(report, error, line, located(file, line, text));
}

/* The first error becomes the thread's. */
static void G_GNUC_PRINTF(4, 5) problem(Reader *reader, bool error, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    g_autofree char *full = located(reader->file, line, text);
    if (error && !reader->failed) {
        error_report(ERROR_DOMAIN, VIR_ERR_CONF_SYNTAX, "%s", full);
        reader->failed = true;
    }
    if (reader->report)
        report_take(reader->report, error, line, g_steal_pointer(&full));
}

/* ---- nearest name ---- */

static int distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    int row[NAME_MAX_NEAR + 1];
    if (n > NAME_MAX_NEAR || m > NAME_MAX_NEAR)
        return G_MAXINT;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            int above = row[j];
            int change = diagonal + (g_ascii_tolower(a[i - 1]) != g_ascii_tolower(b[j - 1]));
            row[j] = MIN(change, MIN(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[m];
}

const char *conf_nearest(const char *name, const char *const *names)
{
    const char *best = NULL;
    int least = (int) strlen(name) / 3 + 2; /* one change in three letters, and one more */
    for (; *names; names++) {
        int d = distance(name, *names);
        if (d < least) {
            least = d;
            best = *names;
        }
    }
    return best;
}

/* ---- numbers ---- */

int conf_bytes_parse(const char *text, guint64 *bytes)
{
    static const char letters[] = "kMGTPE";
    guint64 value = 0, unit = 1;
    const char *at = text;
    if (!g_ascii_isdigit(*at))
        return -1;
    for (; g_ascii_isdigit(*at); at++) {
        if (value > (G_MAXUINT64 - (*at - '0')) / 10)
            return -1;
        value = value * 10 + (*at - '0');
    }
    while (*at == ' ')
        at++;
    const char *letter = *at ? strchr(letters, *at == 'K' ? 'k' : *at) : NULL;
    if (letter && *letter) {
        bool decimal = at[1] == 'B';
        at += decimal ? 2 : strncmp(at + 1, "iB", 2) == 0 ? 3 : 1;
        for (int i = letter - letters; i >= 0; i--)
            unit *= decimal ? 1000 : 1024;
    } else if (g_ascii_strcasecmp(at, "b") == 0 || strcmp(at, "bytes") == 0) {
        at += strlen(at);
    }
    if (*at || (value && unit > G_MAXUINT64 / value))
        return -1;
    *bytes = value * unit;
    return 0;
}

static const char *type_text(ConfType type)
{
    switch (type) {
    case CONF_BOOL:
        return "0 or 1";
    case CONF_INT:
    case CONF_SIGNED:
        return "a number without quotes";
    case CONF_BYTES:
        return "a number of bytes, or a string such as \"10MiB\"";
    case CONF_STRING:
        return "a string in quotes";
    case CONF_STRING_LIST:
        return "a list of strings such as [ \"a\", \"b\" ]";
    case CONF_STRING_OR_LIST:
        return "a string in quotes or a list of them";
    case CONF_INT_OR_STRING:
        return "a number or a string in quotes";
    }
    return "";
}

static void wrong_type(Reader *reader, const ConfKey *key, int line)
{
    problem(reader, true, line, "'%s' must be %s", key->name, type_text(key->type));
}

/* Within the key's limits; otherwise a problem. */
static bool read_number(Reader *reader, const ConfKey *key, const ConfValue *value, int64_t *number)
{
    bool fits = !value->too_large && value->amount <= G_MAXINT64;
    if (fits)
        *number = value->negative ? -(int64_t) value->amount : (int64_t) value->amount;
    if (fits && *number >= key->min && *number <= key->max)
        return true;
    if (key->type == CONF_BOOL)
        wrong_type(reader, key, value->line);
    else
        problem(reader, true, value->line, "'%s' must be from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, key->name,
                key->min, key->max);
    return false;
}

/* ---- one value ---- */

static bool check_allowed(Reader *reader, const ConfKey *key, const char *text, int line)
{
    if (!key->values || g_strv_contains(key->values, text))
        return true;
    g_autofree char *all = g_strjoinv(", ", (char **) key->values);
    const char *near = conf_nearest(text, key->values);
    problem(reader, true, line, "'%s' is '%.100s', must be one of: %s%s%s%s", key->name, text, all, near ? " (did you mean '" : "",
            near ? near : "", near ? "'?)" : "");
    return false;
}

static void set_string(Reader *reader, const ConfKey *key, const ConfValue *value, void *conf)
{
    if (value->type == CONF_VALUE_INT && key->type == CONF_INT_OR_STRING) {
        int64_t number;
        if (read_number(reader, key, value, &number)) {
            g_free(FIELD(conf, key, char *));
            FIELD(conf, key, char *) = g_strdup_printf("%" G_GINT64_FORMAT, number);
        }
        return;
    }
    if (value->type != CONF_VALUE_STRING) {
        wrong_type(reader, key, value->line);
        return;
    }
    if (!check_allowed(reader, key, value->string, value->line))
        return;
    g_free(FIELD(conf, key, char *));
    FIELD(conf, key, char *) = g_strdup(value->string);
}

static void set_list(Reader *reader, const ConfKey *key, const ConfValue *value, void *conf)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    if (value->type == CONF_VALUE_STRING && key->type == CONF_STRING_OR_LIST) {
        if (!check_allowed(reader, key, value->string, value->line))
            return;
        g_strv_builder_add(builder, value->string);
    } else if (value->type != CONF_VALUE_LIST) {
        wrong_type(reader, key, value->line);
        return;
    }
    for (guint i = 0; value->list && i < value->list->len; i++) {
        const ConfValue *item = g_ptr_array_index(value->list, i);
        if (item->type != CONF_VALUE_STRING) {
            wrong_type(reader, key, item->line);
            return;
        }
        if (!check_allowed(reader, key, item->string, item->line))
            return;
        g_strv_builder_add(builder, item->string);
    }
    g_strfreev(FIELD(conf, key, char **));
    FIELD(conf, key, char **) = g_strv_builder_end(builder);
}

static void set_bytes(Reader *reader, const ConfKey *key, const ConfValue *value, void *conf)
{
    guint64 bytes = 0;
    bool ok = value->type == CONF_VALUE_STRING ? conf_bytes_parse(value->string, &bytes) == 0
                                               : value->type == CONF_VALUE_INT && !value->negative && !value->too_large;
    if (!ok) {
        wrong_type(reader, key, value->line);
        return;
    }
    FIELD(conf, key, guint64) = value->type == CONF_VALUE_STRING ? bytes : value->amount;
}

static void set_number(Reader *reader, const ConfKey *key, const ConfValue *value, void *conf)
{
    int64_t number;
    if (value->type != CONF_VALUE_INT) {
        wrong_type(reader, key, value->line);
        return;
    }
    if (!read_number(reader, key, value, &number))
        return;
    if (key->type == CONF_INT)
        FIELD(conf, key, unsigned) = number;
    else
        FIELD(conf, key, int) = number;
}

static void set_value(Reader *reader, const ConfKey *key, const ConfValue *value, void *conf)
{
    switch (key->type) {
    case CONF_BOOL:
    case CONF_INT:
    case CONF_SIGNED:
        set_number(reader, key, value, conf);
        return;
    case CONF_BYTES:
        set_bytes(reader, key, value, conf);
        return;
    case CONF_STRING:
    case CONF_INT_OR_STRING:
        set_string(reader, key, value, conf);
        return;
    case CONF_STRING_LIST:
    case CONF_STRING_OR_LIST:
        set_list(reader, key, value, conf);
        return;
    }
}

/* ---- the whole ---- */

static void set_default(const ConfKey *key, void *conf)
{
    switch (key->type) {
    case CONF_BOOL:
        FIELD(conf, key, int) = key->default_text ? atoi(key->default_text) : -1;
        return;
    case CONF_INT:
        FIELD(conf, key, unsigned) = key->default_text ? g_ascii_strtoull(key->default_text, NULL, 10) : 0;
        return;
    case CONF_SIGNED:
        FIELD(conf, key, int) = key->default_text ? atoi(key->default_text) : 0;
        return;
    case CONF_BYTES:
        FIELD(conf, key, guint64) = 0;
        if (key->default_text && conf_bytes_parse(key->default_text, &FIELD(conf, key, guint64)) < 0)
            g_error("bad default of %s", key->name); /* the generator checks this */
        return;
    case CONF_STRING:
    case CONF_INT_OR_STRING:
        FIELD(conf, key, char *) = g_strdup(key->default_text);
        return;
    case CONF_STRING_LIST:
    case CONF_STRING_OR_LIST:
        FIELD(conf, key, char **) = g_strdupv((char **) key->items);
        return;
    }
}

void conf_init(const ConfSchema *schema, void *conf)
{
    memset(conf, 0, schema->size);
    for (size_t i = 0; i < schema->n_keys; i++)
        set_default(&schema->keys[i], conf);
}

static void free_value(const ConfKey *key, void *conf)
{
    if (key->type == CONF_STRING || key->type == CONF_INT_OR_STRING)
        g_free(FIELD(conf, key, char *));
    else if (key->type == CONF_STRING_LIST || key->type == CONF_STRING_OR_LIST)
        g_strfreev(FIELD(conf, key, char **));
}

void conf_clear(const ConfSchema *schema, void *conf)
{
    for (size_t i = 0; i < schema->n_keys; i++)
        free_value(&schema->keys[i], conf);
    memset(conf, 0, schema->size);
}

/* An empty list is as good as none. */
static bool same_list(char **a, char **b)
{
    static char *none[] = { NULL };
    return g_strv_equal((const char *const *) (a ? a : none), (const char *const *) (b ? b : none));
}

static bool same_value(const ConfKey *key, void *a, void *b)
{
    switch (key->type) {
    case CONF_BOOL:
    case CONF_INT:
    case CONF_SIGNED:
        return FIELD(a, key, int) == FIELD(b, key, int);
    case CONF_BYTES:
        return FIELD(a, key, guint64) == FIELD(b, key, guint64);
    case CONF_STRING:
    case CONF_INT_OR_STRING:
        return g_strcmp0(FIELD(a, key, char *), FIELD(b, key, char *)) == 0;
    case CONF_STRING_LIST:
    case CONF_STRING_OR_LIST:
        return same_list(FIELD(a, key, char **), FIELD(b, key, char **));
    }
    return false;
}

/* Who asks for no more than there is needn't know what is missing. */
static bool has_default(const ConfSchema *schema, const ConfKey *key, void *conf)
{
    g_autofree void *plain = g_malloc0(schema->size);
    set_default(key, plain);
    bool same = same_value(key, conf, plain);
    free_value(key, plain);
    return same;
}

static void unknown_key(Reader *reader, const ConfSchema *schema, const ConfEntry *entry)
{
    g_autofree const char **names = g_new0(const char *, schema->n_keys + 1);
    for (size_t i = 0; i < schema->n_keys; i++)
        names[i] = schema->keys[i].name;
    const char *near = conf_nearest(entry->key, names);
    problem(reader, false, entry->line, "unknown key '%.100s' is ignored%s%s%s", entry->key, near ? "; did you mean '" : "",
            near ? near : "", near ? "'?" : "");
}

static void apply_entry(Reader *reader, const ConfSchema *schema, const ConfEntry *entry, int *seen, void *conf)
{
    for (size_t i = 0; i < schema->n_keys; i++) {
        const ConfKey *key = &schema->keys[i];
        if (strcmp(key->name, entry->key) != 0)
            continue;
        if (seen[i]) {
            problem(reader, false, entry->line, "'%s' is ignored here: line %d has set it already", key->name, seen[i]);
            return;
        }
        seen[i] = entry->line;
        if (key->ignored)
            problem(reader, false, entry->line, "'%s' no longer has any effect", key->name);
        set_value(reader, key, &entry->value, conf);
        if (key->later && !has_default(schema, key, conf))
            problem(reader, false, entry->line, "'%s' has no effect yet", key->name);
        return;
    }
    unknown_key(reader, schema, entry);
}

int conf_load_text(const ConfSchema *schema, const char *text, size_t len, const char *name, void *conf,
                   ConfReport *report)
{
    Reader reader = { .file = name, .report = report };
    g_autoptr(GPtrArray) entries = conf_parse(text, len, name);
    if (!entries) {
        memset(conf, 0, schema->size);
        if (report)
            report_take(report, true, 0, g_strdup(error_message()));
        return -1;
    }
    conf_init(schema, conf);
    g_autofree int *seen = g_new0(int, schema->n_keys);
    for (guint i = 0; i < entries->len; i++)
        apply_entry(&reader, schema, g_ptr_array_index(entries, i), seen, conf);
    if (!reader.failed)
        return 0;
    conf_clear(schema, conf);
    return -1;
}

int conf_load(const ConfSchema *schema, const char *path, bool may_miss, void *conf, ConfReport *report)
{
    char *data = NULL;
    size_t len = 0;
    int found = file_read_optional(path, CONF_FILE_MAX, &data, &len);
    g_autofree char *owned = data;
    if (found == 0 && !may_miss)
        error_report_errno(ERROR_DOMAIN, ENOENT, "cannot open '%s'", path);
    if (found < 0 || (found == 0 && !may_miss)) {
        memset(conf, 0, schema->size);
        if (report)
            report_take(report, true, 0, g_strdup(error_message()));
        return -1;
    }
    return conf_load_text(schema, found ? owned : "", len, path, conf, report);
}
