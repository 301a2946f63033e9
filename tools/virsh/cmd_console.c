/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * console: the terminal in raw mode, joined with a console stream of the domain.
 *
 * The stream's events come on the event loop's thread, the terminal is read on the main one; both meet at a mutex.
 * Output of the guest is written at once; a terminal that doesn't take it holds the stream back, since nothing more is
 * received meanwhile. Input is queued up to a bound, beyond which the terminal isn't read.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tools/virsh/virsh.h"

enum { QUEUE_MAX = 64 << 10 };

typedef struct {
    Shell *shell;
    virStreamPtr stream;
    GMutex lock;
    GByteArray *queue; /* to the guest; under lock */
    bool ended;        /* under lock */
    bool failed;       /* under lock: ended by an error, in `error` */
    char *error;
    int wake[2];       /* tells the main thread that something changed */
} Console;

static void wake_main(Console *console)
{
    (void)!write(console->wake[1], "x", 1);
}

static void end_stream(Console *console, bool failed)
{
    const virError *error = virGetLastError();

    if (!console->ended && failed) {
        console->failed = true;
        console->error = g_strdup(error && error->message ? error->message : "the stream broke");
    }
    console->ended = true;
    wake_main(console);
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t done = write(fd, data, size);

        if (done < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            poll(&wait, 1, -1);
        } else if (done < 0 && errno != EINTR) {
            return false;
        } else if (done > 0) {
            data += done;
            size -= done;
        }
    }
    return true;
}

static void receive(Console *console)
{
    char block[4096];
    int got;

    while (!console->ended && (got = virStreamRecv(console->stream, block, sizeof(block))) != -2) {
        if (got <= 0)
            end_stream(console, got < 0);
        else if (!write_all(STDOUT_FILENO, block, got))
            end_stream(console, false);
    }
}

static void send_queue(Console *console)
{
    while (!console->ended && console->queue->len) {
        int done = virStreamSend(console->stream, (char *)console->queue->data, console->queue->len);

        if (done == -2)
            return;
        if (done < 0) {
            end_stream(console, true);
            return;
        }
        g_byte_array_remove_range(console->queue, 0, done);
    }
}

static int wanted_events(Console *console)
{
    return VIR_STREAM_EVENT_READABLE | (console->queue->len ? VIR_STREAM_EVENT_WRITABLE : 0);
}

static void on_stream(virStreamPtr stream, int events, void *opaque)
{
    Console *console = opaque;

    g_mutex_lock(&console->lock);
    if (console->ended)
        events = 0;
    if (events & VIR_STREAM_EVENT_READABLE)
        receive(console);
    if (events & VIR_STREAM_EVENT_WRITABLE) {
        send_queue(console);
        wake_main(console);
    }
    if (events & (VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP)) {
        receive(console); /* what is left */
        end_stream(console, false);
    }
    if (!console->ended)
        virStreamEventUpdateCallback(stream, wanted_events(console));
    g_mutex_unlock(&console->lock);
}

/* Input up to the escape character goes to the queue; false when it was typed or the terminal is gone. */
static bool read_terminal(Console *console)
{
    char block[1024];
    ssize_t got = read(STDIN_FILENO, block, sizeof(block));
    char *escape;

    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    escape = memchr(block, console->shell->escape, got);
    g_mutex_lock(&console->lock);
    g_byte_array_append(console->queue, (guint8 *)block, escape ? escape - block : got);
    if (!console->ended)
        virStreamEventUpdateCallback(console->stream, wanted_events(console));
    g_mutex_unlock(&console->lock);
    return got > 0 && !escape;
}

static bool is_ended(Console *console, bool *full)
{
    bool ended;

    g_mutex_lock(&console->lock);
    ended = console->ended;
    *full = console->queue->len >= QUEUE_MAX;
    g_mutex_unlock(&console->lock);
    return ended;
}

static void pump(Console *console)
{
    bool full = false;

    while (!is_ended(console, &full)) {
        struct pollfd fds[] = {
            {.fd = console->wake[0], .events = POLLIN},
            {.fd = full ? -1 : STDIN_FILENO, .events = POLLIN},
        };
        char drop[64];

        if (poll(fds, G_N_ELEMENTS(fds), -1) < 0 && errno != EINTR)
            return;
        if (fds[0].revents & POLLIN)
            (void)!read(console->wake[0], drop, sizeof(drop));
        if (fds[1].revents && !read_terminal(console))
            return;
    }
}

static void make_raw(struct termios *saved)
{
    struct termios raw;

    tcgetattr(STDIN_FILENO, saved);
    raw = *saved;
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
}

static void console_clear(gpointer data)
{
    Console *console = data;

    if (console->wake[0] >= 0) {
        close(console->wake[0]);
        close(console->wake[1]);
    }
    g_free(console->error);
    g_byte_array_unref(console->queue);
    g_mutex_clear(&console->lock);
}

/* The stream's callback may still be running after it was removed, so it holds a reference of its own. */
static void console_unref(void *data)
{
    g_atomic_rc_box_release_full(data, console_clear);
}

static Console *console_new(Shell *shell, virStreamPtr stream)
{
    Console *console = g_atomic_rc_box_new0(Console);

    console->shell = shell;
    console->stream = stream;
    console->queue = g_byte_array_new();
    g_mutex_init(&console->lock);
    if (!g_unix_open_pipe(console->wake, FD_CLOEXEC, NULL)) {
        console->wake[0] = -1;
        shell_error(shell, "failed to make a pipe: %s", g_strerror(errno));
        console_unref(console);
        return NULL;
    }
    g_unix_set_fd_nonblocking(console->wake[0], TRUE, NULL);
    g_unix_set_fd_nonblocking(console->wake[1], TRUE, NULL);
    return console;
}

static bool run_console(Shell *shell, virStreamPtr stream)
{
    Console *console = console_new(shell, stream);
    struct termios saved;
    bool done = false;

    if (!console)
        return false;
    if (virStreamEventAddCallback(stream, VIR_STREAM_EVENT_READABLE, on_stream, g_atomic_rc_box_acquire(console),
                                  console_unref) == 0) {
        make_raw(&saved);
        pump(console);
        g_mutex_lock(&console->lock);
        console->ended = true; /* a callback that is still to come does nothing */
        g_mutex_unlock(&console->lock);
        virStreamEventRemoveCallback(stream);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
        done = true;
    } else {
        console_unref(console); /* the callback's reference */
    }
    if (console->failed)
        done = shell_error(shell, "console stream failed: %s", console->error);
    virStreamAbort(stream);
    if (done)
        client_error_forget();
    console_unref(console);
    return done;
}

static bool open_and_run(Shell *shell, virDomainPtr domain, const char *name, unsigned int flags)
{
    g_autoptr(virStream) stream = virStreamNew(virsh_conn(shell), VIR_STREAM_NONBLOCK);
    g_autofree char *escape = g_ascii_iscntrl(shell->escape) ? g_strdup_printf("^%c", shell->escape ^ 0x40)
                                                             : g_strdup_printf("%c", shell->escape);

    if (!stream)
        return false;
    shell_print_extra(shell, "Connected to domain '%s'\nEscape character is %s (Ctrl + %s)\n",
                      virDomainGetName(domain), escape, escape[0] == '^' ? escape + 1 : escape);
    fflush(stdout);
    if (virDomainOpenConsole(domain, name, stream, flags) < 0)
        return false;
    return run_console(shell, stream);
}

bool virsh_console(Shell *shell, virDomainPtr domain, const char *name, unsigned int flags)
{
    if (!isatty(STDIN_FILENO))
        return shell_error(shell, "Cannot run interactive console without a controlling TTY");
    if (virDomainIsActive(domain) != 1)
        return shell_error(shell, "The domain is not running");
    return open_and_run(shell, domain, name, flags);
}

bool cmd_console(Shell *shell, const Cmd *cmd)
{
    static const VirshFlag table[] = {
        {"force", VIR_DOMAIN_CONSOLE_FORCE},
        {"safe", VIR_DOMAIN_CONSOLE_SAFE},
        {NULL, 0},
    };
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    const char *name = NULL;

    if (!domain || cmd_string(shell, cmd, "devname", &name) < 0)
        return false;
    if (cmd_has(cmd, "resume") && virDomainResume(domain) < 0)
        return shell_error(shell, "Failed to resume domain '%s'", virDomainGetName(domain));
    return virsh_console(shell, domain, name, virsh_flags(cmd, table));
}
