/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What commands print. Everything on standard output and standard error also goes to the log file, if there is one.
 * Standard output is flushed before each error, so that the two keep their order on a terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/shell/shell.h"

static const char *const level_names[] = {"DEBUG", "INFO", "NOTICE", "WARNING", "ERROR"};

static void log_text(Shell *shell, int level, const char *text)
{
    g_autoptr(GDateTime) now = NULL;
    g_autofree char *stamp = NULL;
    size_t length = strlen(text);

    if (!shell->log)
        return;
    now = g_date_time_new_now_local();
    stamp = g_date_time_format(now, "%Y.%m.%d %H:%M:%S");
    while (length && text[length - 1] == '\n')
        length--;
    fprintf(shell->log, "[%s %s %d] %s %.*s\n", stamp, shell->program->name, (int)getpid(), level_names[level],
            (int)length, text);
    fflush(shell->log);
}

static void print_valist(Shell *shell, const char *format, va_list args)
{
    g_autofree char *text = g_strdup_vprintf(format, args);

    fputs(text, stdout);
}

void shell_print(Shell *shell, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_valist(shell, format, args);
    va_end(args);
}

void shell_print_extra(Shell *shell, const char *format, ...)
{
    va_list args;

    if (shell->quiet)
        return;
    va_start(args, format);
    print_valist(shell, format, args);
    va_end(args);
}

bool shell_error(Shell *shell, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    fflush(stdout);
    fprintf(stderr, "error: %s\n", text);
    log_text(shell, 4, text);
    return false;
}

void shell_debug(Shell *shell, int level, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    if (level < shell->debug)
        return;
    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    log_text(shell, level, text);
    fflush(stdout);
    fputs(text, stderr);
}

bool shell_log_open(Shell *shell, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
    struct stat st;

    if (fd < 0)
        return shell_error(shell, "failed to open the log file '%s': %s", path, g_strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return shell_error(shell, "the log file '%s' is not a regular file", path);
    }
    shell_log_close(shell);
    shell->log = fdopen(fd, "a");
    return true;
}

void shell_log_close(Shell *shell)
{
    if (shell->log)
        fclose(shell->log);
    shell->log = NULL;
}

bool shell_flush(Shell *shell)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    clearerr(stdout);
    return shell_error(shell, "failed to write to standard output: %s", g_strerror(errno));
}
