/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Destinations of the log. Files are opened for appending and written with one write() per line, so that several
 * programs and a rotation that truncates get along. journald and syslog get a datagram each; if such a
 * service is away its messages are lost, which a log must accept rather than stop its program.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/log_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

/* syslog's numbers, whose names are in use here */
enum { SYSLOG_ERR = 3, SYSLOG_WARNING = 4, SYSLOG_INFO = 6, SYSLOG_DEBUG = 7, SYSLOG_DAEMON = 3 << 3 };

typedef enum { TO_STDERR, TO_FILE, TO_SYSLOG, TO_JOURNALD } Kind;

static const char *const kind_names[] = { "stderr", "file", "syslog", "journald" };

struct LogOutput {
    Kind kind;
    LogLevel level;
    char *name; /* path or identity; NULL */
    char *text;
    int fd;
};

int log_level_parse(const char *item)
{
    if (item[0] < '1' || item[0] > '4' || item[1] != ':')
        return 0;
    return item[0] - '0';
}

static int connect_datagram(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot create a socket for the log");
    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    if (connect(fd, (struct sockaddr *) &addr, sizeof(addr)) < 0) {
        int err = errno;
        close(fd);
        return FAIL_ERRNO(err, "cannot connect the log to '%s'", path);
    }
    return fd;
}

/* A device as /dev/null, also by a link to it as /dev/stderr, or else a file. */
static int open_file(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0 || !S_ISCHR(st.st_mode))
        return file_create(path, O_APPEND, 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return fd < 0 ? FAIL_ERRNO(errno, "cannot open '%s'", path) : fd;
}

static int open_destination(LogOutput *output)
{
    switch (output->kind) {
    case TO_STDERR:
        output->fd = STDERR_FILENO;
        return 0;
    case TO_FILE:
        output->fd = open_file(output->name);
        break;
    case TO_SYSLOG:
        output->fd = connect_datagram("/dev/log");
        break;
    case TO_JOURNALD:
        output->fd = connect_datagram("/run/systemd/journal/socket");
        break;
    }
    return output->fd < 0 ? -1 : 0;
}

/* Destination and its name behind "LEVEL:". */
static int read_destination(LogOutput *output, const char *item)
{
    const char *kind = item + 2;
    const char *colon = strchr(kind, ':');
    size_t len = colon ? (size_t) (colon - kind) : strlen(kind);
    for (size_t i = 0; i < G_N_ELEMENTS(kind_names); i++) {
        if (strlen(kind_names[i]) != len || strncmp(kind_names[i], kind, len) != 0)
            continue;
        output->kind = i;
        bool named = i == TO_FILE || i == TO_SYSLOG;
        if (named != (colon && colon[1]) || (!named && colon))
            return FAIL(VIR_ERR_INVALID_ARG, "log output '%s' is malformed: write '%s' as LEVEL:%s%s", item,
                        kind_names[i], kind_names[i], i == TO_FILE ? ":/PATH" : i == TO_SYSLOG ? ":NAME" : "");
        if (i == TO_FILE && colon[1] != '/')
            return FAIL(VIR_ERR_INVALID_ARG, "log output '%s' is malformed: its path must begin with '/'", item);
        output->name = named ? g_strdup(colon + 1) : NULL;
        return 0;
    }
    return FAIL(VIR_ERR_INVALID_ARG, "log output '%s' has no known destination: it must be stderr, file, syslog or journald",
                item);
}

LogOutput *log_output_open(const char *item)
{
    int level = log_level_parse(item);
    if (!level)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "log output '%s' must begin with a level from 1 to 4 and a colon", item);
    LogOutput *output = g_new0(LogOutput, 1);
    output->level = level;
    output->fd = -1;
    if (read_destination(output, item) < 0 || open_destination(output) < 0) {
        log_output_close(output);
        return NULL;
    }
    output->text = g_strdup(item);
    return output;
}

void log_output_close(LogOutput *output)
{
    if (output->fd > STDERR_FILENO)
        close(output->fd);
    g_free(output->name);
    g_free(output->text);
    g_free(output);
}

const char *log_output_text(const LogOutput *output)
{
    return output->text;
}

bool log_output_same(const LogOutput *a, const LogOutput *b)
{
    return a->kind == b->kind && g_strcmp0(a->name, b->name) == 0;
}

LogLevel log_output_level(const LogOutput *output)
{
    return output->level;
}

/* ---- writing ---- */

static const char *level_name(LogLevel level)
{
    static const char *const names[] = { "none", "debug", "info", "warning", "error" };
    return names[level];
}

static int syslog_priority(LogLevel level)
{
    static const int priorities[] = { SYSLOG_DEBUG, SYSLOG_DEBUG, SYSLOG_INFO, SYSLOG_WARNING, SYSLOG_ERR };
    return priorities[level];
}

/* "2026-11-24 23:53:18.356+0000: 51: info : func:7 : text\n" */
static void write_line(int fd, const LogMessage *message)
{
    struct timespec now;
    struct tm tm;
    char stamp[64];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &tm);
    g_autoptr(GString) line = g_string_new(NULL);
    g_string_append_printf(line, "%s.%03d+0000: %d: %s : ", stamp, (int) (now.tv_nsec / 1000000),
                           (int) syscall(SYS_gettid), level_name(message->level));
    if (message->func)
        g_string_append_printf(line, "%s:%d : ", message->func, message->line);
    g_string_append(line, message->text);
    g_string_append_c(line, '\n');
    file_write_all(fd, line->str, line->len);
}

static void write_syslog(const LogOutput *output, const LogMessage *message)
{
    g_autofree char *datagram = g_strdup_printf("<%d>%s[%d]: %s", SYSLOG_DAEMON | syslog_priority(message->level),
                                                output->name, (int) getpid(), message->text);
    send(output->fd, datagram, strlen(datagram), MSG_NOSIGNAL);
}

/* The journal's native protocol; our texts have no newline, so the simple form will do. */
static void write_journald(const LogOutput *output, const LogMessage *message)
{
    g_autoptr(GString) datagram = g_string_new(NULL);
    g_string_append_printf(datagram, "MESSAGE=%s\nPRIORITY=%d\nSYSLOG_FACILITY=%d\nLIBVIRT_SOURCE=%s\n", message->text,
                           syslog_priority(message->level), SYSLOG_DAEMON >> 3, message->source);
    if (message->func)
        g_string_append_printf(datagram, "CODE_FILE=%s\nCODE_LINE=%d\nCODE_FUNC=%s\n", message->file, message->line,
                               message->func);
    send(output->fd, datagram->str, datagram->len, MSG_NOSIGNAL);
}

void log_output_write(LogOutput *output, const LogMessage *message)
{
    switch (output->kind) {
    case TO_STDERR:
    case TO_FILE:
        write_line(output->fd, message);
        return;
    case TO_SYSLOG:
        write_syslog(output, message);
        return;
    case TO_JOURNALD:
        write_journald(output, message);
        return;
    }
}
