/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The log: filters and outputs. Each source remembers the level that the filters give it, together with the
 * generation of the filters; a change of the filters makes all of them ask again. Outputs are written one message at
 * a time under a lock.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/log.h"

#include <errno.h>
#include <fnmatch.h>
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/log_output.h"

#define MESSAGE_MAX 16384
#define ITEMS_MAX 256

typedef struct {
    LogLevel level;
    char *pattern;
} Filter;

int log_generation = 1;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* everything below */
static LogLevel default_level = LOG_LEVEL_ERROR;
static char *default_destination; /* NULL: stderr */
static GPtrArray *filters;        /* NULL: none */
static GPtrArray *outputs;        /* NULL: not set up yet */

static void filter_free(void *opaque)
{
    Filter *filter = opaque;
    g_free(filter->pattern);
    g_free(filter);
}

static void output_free(void *opaque)
{
    log_output_close(opaque);
}

void log_source_refresh(LogSource *source)
{
    pthread_mutex_lock(&lock);
    LogLevel level = default_level;
    for (guint i = 0; filters && i < filters->len; i++) {
        const Filter *filter = g_ptr_array_index(filters, i);
        if (fnmatch(filter->pattern, source->name, 0) == 0) {
            level = filter->level;
            break;
        }
    }
    __atomic_store_n(&source->level, level, __ATOMIC_RELAXED);
    __atomic_store_n(&source->generation, log_generation, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&lock);
}

/* With the lock held. */
static void next_generation(void)
{
    __atomic_store_n(&log_generation, log_generation + 1, __ATOMIC_RELEASE);
}

/* ---- settings ---- */

static GPtrArray *split_items(const char *text)
{
    GPtrArray *items = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) parts = g_strsplit_set(text, " \t\n", -1);
    for (char **part = parts; *part; part++) {
        if (**part)
            g_ptr_array_add(items, g_strdup(*part));
    }
    return items;
}

static Filter *parse_filter(const char *item)
{
    int level = log_level_parse(item);
    if (!level)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "log filter '%s' must begin with a level from 1 to 4 and a colon", item);
    const char *match = item + 2;
    if (*match == '+') /* once asked for stack traces */
        match++;
    if (!*match)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "log filter '%s' names no source", item);
    Filter *filter = g_new0(Filter, 1);
    filter->level = level;
    filter->pattern = g_strdup_printf("*%s*", match);
    return filter;
}

static int check_count(const GPtrArray *items, const char *what)
{
    if (items->len > ITEMS_MAX)
        return FAIL(VIR_ERR_INVALID_ARG, "more than %d log %s", ITEMS_MAX, what);
    return 0;
}

int log_set_filters(const char *text)
{
    g_autoptr(GPtrArray) items = split_items(text);
    g_autoptr(GPtrArray) parsed = g_ptr_array_new_with_free_func(filter_free);
    if (check_count(items, "filters") < 0)
        return -1;
    for (guint i = 0; i < items->len; i++) {
        Filter *filter = parse_filter(g_ptr_array_index(items, i));
        if (!filter)
            return -1;
        g_ptr_array_add(parsed, filter);
    }
    pthread_mutex_lock(&lock);
    g_clear_pointer(&filters, g_ptr_array_unref);
    filters = g_steal_pointer(&parsed);
    next_generation();
    pthread_mutex_unlock(&lock);
    return 0;
}

char *log_get_filters(void)
{
    GString *text = g_string_new(NULL);
    pthread_mutex_lock(&lock);
    for (guint i = 0; filters && i < filters->len; i++) {
        const Filter *filter = g_ptr_array_index(filters, i);
        g_string_append_printf(text, "%s%d:%s", i ? " " : "", filter->level, filter->pattern);
    }
    pthread_mutex_unlock(&lock);
    return g_string_free(text, FALSE);
}

static void add_output(GPtrArray *array, LogOutput *output)
{
    for (guint i = 0; i < array->len; i++) {
        if (log_output_same(g_ptr_array_index(array, i), output)) {
            log_output_close(g_ptr_array_index(array, i));
            array->pdata[i] = output;
            return;
        }
    }
    g_ptr_array_add(array, output);
}

/* NULL with an error. */
static GPtrArray *open_outputs(const char *text)
{
    g_autoptr(GPtrArray) items = split_items(text);
    g_autoptr(GPtrArray) opened = g_ptr_array_new_with_free_func(output_free);
    if (check_count(items, "outputs") < 0)
        return NULL;
    for (guint i = 0; i < items->len; i++) {
        LogOutput *output = log_output_open(g_ptr_array_index(items, i));
        if (!output)
            return NULL;
        add_output(opened, output);
    }
    return g_steal_pointer(&opened);
}

static char *default_output(void)
{
    pthread_mutex_lock(&lock);
    char *text = g_strdup_printf("%d:%s", default_level, default_destination ? default_destination : "stderr");
    pthread_mutex_unlock(&lock);
    return text;
}

int log_set_outputs(const char *text)
{
    g_autofree char *fallback = text[strspn(text, " \t\n")] ? NULL : default_output();
    g_autoptr(GPtrArray) opened = open_outputs(fallback ? fallback : text);
    if (!opened)
        return -1;
    pthread_mutex_lock(&lock);
    GPtrArray *old = outputs;
    outputs = g_steal_pointer(&opened);
    pthread_mutex_unlock(&lock);
    if (old)
        g_ptr_array_unref(old);
    return 0;
}

char *log_get_outputs(void)
{
    GString *text = g_string_new(NULL);
    pthread_mutex_lock(&lock);
    for (guint i = 0; outputs && i < outputs->len; i++)
        g_string_append_printf(text, "%s%s", i ? " " : "", log_output_text(g_ptr_array_index(outputs, i)));
    if (!outputs)
        g_string_append_printf(text, "%d:stderr", default_level);
    pthread_mutex_unlock(&lock);
    return g_string_free(text, FALSE);
}

int log_set_default_output(const char *destination)
{
    g_autofree char *item = g_strdup_printf("%d:%s", LOG_LEVEL_ERROR, destination);
    LogOutput *probe = log_output_open(item);
    if (!probe)
        return -1;
    log_output_close(probe);
    pthread_mutex_lock(&lock);
    g_free(default_destination);
    default_destination = g_strdup(destination);
    pthread_mutex_unlock(&lock);
    return 0;
}

void log_set_default_level(LogLevel level)
{
    pthread_mutex_lock(&lock);
    default_level = level;
    next_generation();
    pthread_mutex_unlock(&lock);
}

LogLevel log_get_default_level(void)
{
    pthread_mutex_lock(&lock);
    LogLevel level = default_level;
    pthread_mutex_unlock(&lock);
    return level;
}

static int set_level_by_name(const char *text)
{
    static const char *const names[] = { "debug", "info", "warning", "error" };
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, names[i]) == 0 || (text[0] == '1' + i && !text[1])) {
            log_set_default_level(i + 1);
            return 0;
        }
    }
    return FAIL(VIR_ERR_INVALID_ARG, "LIBVIRT_DEBUG is '%s', must be 1 to 4 or debug, info, warning, error", text);
}

int log_set_from_environment(void)
{
    const char *level = g_getenv("LIBVIRT_DEBUG");
    const char *filter = g_getenv("LIBVIRT_LOG_FILTERS");
    const char *output = g_getenv("LIBVIRT_LOG_OUTPUTS");
    int ret = 0;
    if (level && *level && set_level_by_name(level) < 0)
        ret = -1;
    if (filter && *filter && log_set_filters(filter) < 0)
        ret = -1;
    if (output && *output && log_set_outputs(output) < 0)
        ret = -1;
    return ret;
}

void log_shutdown(void)
{
    pthread_mutex_lock(&lock);
    g_clear_pointer(&filters, g_ptr_array_unref);
    g_clear_pointer(&outputs, g_ptr_array_unref);
    g_clear_pointer(&default_destination, g_free);
    default_level = LOG_LEVEL_ERROR;
    next_generation();
    pthread_mutex_unlock(&lock);
}

/* ---- messages ---- */

/* What guests and peers say may stand in here: it must not forge lines or speak to terminals. */
static char *make_text(const char *fmt, va_list args)
{
    g_autofree char *raw = g_strdup_vprintf(fmt, args);
    if (strlen(raw) > MESSAGE_MAX)
        raw[MESSAGE_MAX] = '\0';
    size_t len = strlen(raw);
    while (len && raw[len - 1] == '\n')
        raw[--len] = '\0';
    GString *text = g_string_sized_new(len);
    for (const char *at = raw; *at; at++) {
        if (*at == '\n')
            g_string_append(text, "\\n");
        else if (g_ascii_iscntrl(*at) && *at != '\t')
            g_string_append_printf(text, "\\x%02x", (unsigned char) *at);
        else
            g_string_append_c(text, *at);
    }
    return g_string_free(text, FALSE);
}

void log_write(LogSource *source, LogLevel level, const char *file, int line, const char *func, const char *fmt, ...)
{
    int saved_errno = errno;
    va_list args;
    va_start(args, fmt);
    g_autofree char *text = make_text(fmt, args);
    va_end(args);
    LogMessage message = { level, source->name, file, line, func, text };
    pthread_mutex_lock(&lock);
    if (!outputs) {
        outputs = g_ptr_array_new_with_free_func(output_free);
        g_ptr_array_add(outputs, log_output_open("1:stderr")); /* filters alone decide until outputs are set */
    }
    for (guint i = 0; i < outputs->len; i++) {
        LogOutput *output = g_ptr_array_index(outputs, i);
        if (level >= log_output_level(output))
            log_output_write(output, &message);
    }
    pthread_mutex_unlock(&lock);
    errno = saved_errno;
}
