/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virt-ssh-helper: the far end of an ssh connection. Connects to the daemon that a URI names on this machine, as a client
 * here would, and carries bytes between it and standard input and output until either side ends.
 */
#include "base/error.h"
#include "core/driver.h"
#include "remote/transport.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* One direction. */
typedef struct Pump {
    int from, to;
    char data[256 * 1024];
    size_t begin, end;
    gboolean eof;  /* nothing more comes; what is in data must still go */
} Pump;

/* 0: goes on, 1: all is through, -1: an error, errno */
static int pump_move(Pump *pump, gboolean readable, gboolean writable)
{
    if (readable && pump->end == 0) {
        ssize_t n = read(pump->from, pump->data, sizeof(pump->data));
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -1;
        if (n == 0)
            pump->eof = TRUE;
        pump->end = MAX(n, 0);
    }
    if (pump->end && (writable || readable)) {
        ssize_t n = write(pump->to, pump->data + pump->begin, pump->end - pump->begin);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -1;
        pump->begin += MAX(n, 0);
        if (pump->begin == pump->end)
            pump->begin = pump->end = 0;
    }
    return pump->eof && pump->end == 0;
}

/* Until one direction ends. */
static int carry(Pump *up, Pump *down)
{
    for (;;) {
        Pump *pumps[] = { up, down };
        struct pollfd p[4];
        for (int i = 0; i < 2; i++) {
            p[2 * i] = (struct pollfd) { pumps[i]->end ? -1 : pumps[i]->from, POLLIN, 0 };
            p[2 * i + 1] = (struct pollfd) { pumps[i]->end ? pumps[i]->to : -1, POLLOUT, 0 };
        }
        if (poll(p, 4, -1) < 0 && errno != EINTR)
            return -1;
        for (int i = 0; i < 2; i++) {
            int state = pump_move(pumps[i], p[2 * i].revents, p[2 * i + 1].revents);
            if (state)
                return state < 0 ? -1 : 0;
        }
    }
}

static int set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static int serve(const char *text, gboolean readonly)
{
    Uri *uri = uri_parse(text);
    int fd = -1;
    if (uri && (uri->transport ? !g_str_equal(uri->transport, "unix") : uri->server != NULL))
        fprintf(stderr, "virt-ssh-helper: unexpected URI transport '%s'\n", text);
    else if (!uri || (fd = transport_connect_local(uri, readonly)) < 0)
        fprintf(stderr, "virt-ssh-helper: cannot connect to '%s': %s\n", text, error_message());
    if (uri)
        uri_free(uri);
    if (fd < 0)
        return 1;
    g_autofree Pump *up = g_new0(Pump, 1), *down = g_new0(Pump, 1);
    up->from = STDIN_FILENO;
    down->to = STDOUT_FILENO;
    up->to = down->from = fd;
    int ret = -1;
    if (set_nonblocking(fd) == 0 && set_nonblocking(STDIN_FILENO) == 0 && set_nonblocking(STDOUT_FILENO) == 0)
        ret = carry(up, down);
    if (ret < 0)
        fprintf(stderr, "virt-ssh-helper: cannot go on: %s\n", g_strerror(errno));
    close(fd);
    return ret < 0;
}

int main(int argc, char **argv)
{
    gboolean readonly = FALSE, version = FALSE;
    GOptionEntry entries[] = {
        { "readonly", 'r', 0, G_OPTION_ARG_NONE, &readonly, "Connect read-only", NULL },
        { "version", 'V', 0, G_OPTION_ARG_NONE, &version, "Display version information", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new("URI - libvirt socket proxy");
    g_option_context_set_summary(context, "Carries the connection of a remote client; started by it over ssh.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "option parsing failed: %s\n", error->message);
        return 1;
    }
    if (version) {
        printf("virt-ssh-helper (libvirt) %s\n", PACKAGE_VERSION);
        return 0;
    }
    if (argc != 2) {
        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
        fprintf(stderr, "%s", help);
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    return serve(argv[1], readonly);
}
