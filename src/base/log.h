/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The log. A file that logs defines its source before it includes this header:
 *
 *     #define LOG_SOURCE "qemu.qmp"
 *     #include "base/log.h"
 *     LOG_DEBUG("reply to %s after %d ms", command, ms);
 *
 * A message that nobody wants costs two loads and a comparison. Filters decide by the source's name which level is
 * wanted ("1:qemu" all of qemu), outputs where it goes ("3:file:/path": warnings and errors). Everything may be
 * called from any thread. This is not for reporting errors to callers: that is base/error.h.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef enum {
    LOG_LEVEL_DEBUG = 1,
    LOG_LEVEL_INFO = 2,
    LOG_LEVEL_WARN = 3,
    LOG_LEVEL_ERROR = 4,
} LogLevel;

typedef struct {
    const char *name;
    int generation; /* of the filters that @level was taken from; atomic */
    int level;
} LogSource;

extern int log_generation; /* atomic; begins with 1 */

void log_source_refresh(LogSource *source);

static inline bool log_wanted(LogSource *source, LogLevel level)
{
    if (__atomic_load_n(&source->generation, __ATOMIC_ACQUIRE) != __atomic_load_n(&log_generation, __ATOMIC_ACQUIRE))
        log_source_refresh(source);
    return (int) level >= __atomic_load_n(&source->level, __ATOMIC_RELAXED);
}

/** Log without asking log_wanted(). Control characters of the message are shown as escapes, and it is cut at 16 KiB.
 * Leaves errno alone. */
void log_write(LogSource *source, LogLevel level, const char *file, int line, const char *func, const char *fmt, ...)
    G_GNUC_PRINTF(6, 7);

#ifdef LOG_SOURCE
static LogSource log_source G_GNUC_UNUSED = { .name = LOG_SOURCE };
# define LOG_AT(level, ...) \
    (log_wanted(&log_source, (level)) ? log_write(&log_source, (level), __FILE__, __LINE__, __func__, __VA_ARGS__) : (void) 0)
# define LOG_DEBUG(...) LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__)
# define LOG_INFO(...) LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__)
# define LOG_WARN(...) LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__)
# define LOG_ERROR(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__)
#endif

/** Level of sources that no filter names. LOG_LEVEL_ERROR at first, as befits a library. */
void log_set_default_level(LogLevel level);
LogLevel log_get_default_level(void);

/** "LEVEL:MATCH …", separated by spaces; the first that matches a source decides. MATCH is a glob pattern that may
 * match any part of the name. An empty text removes all. -1 with VIR_ERR_INVALID_ARG set, and nothing changed. */
int log_set_filters(const char *text);
/** The filters as text ("1:*qemu* 3:*rpc*"), caller frees. */
char *log_get_filters(void);

/** "LEVEL:DESTINATION …": stderr, journald, syslog:NAME, file:/PATH. A destination that is named twice has
 * the last level. An empty text stands for the default output. -1 with an error set, and nothing changed. */
int log_set_outputs(const char *text);
char *log_get_outputs(void);

/** What an empty list of outputs means from now on: a destination without level, such as "file:/PATH"; it gets the
 * default level. "stderr" at first. Takes effect with the next log_set_outputs(). -1 with an error set. */
int log_set_default_output(const char *destination);

/** Take LIBVIRT_DEBUG, LIBVIRT_LOG_FILTERS and LIBVIRT_LOG_OUTPUTS from the environment; what isn't set
 * isn't changed. -1 with an error set if one is malformed; the others are taken nevertheless. */
int log_set_from_environment(void);

/** Close all outputs and forget all settings. For the end of a program. */
void log_shutdown(void);
