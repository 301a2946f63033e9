/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two forks: the child leads a session of its own, the grandchild can't get a terminal again. A pipe brings the
 * outcome back, so that "libvirtd --daemon" returns when clients can connect, and with the daemon's own error if not.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "daemon/daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_SOURCE "daemon.daemonize"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

#define MESSAGE_MAX 4096

static int status_fd = -1;

/* In the foreground process: nothing but "+" means success. */
G_GNUC_NORETURN static void await_outcome(int fd)
{
    char text[MESSAGE_MAX];
    size_t len = 0;
    while (len < sizeof(text) - 1) {
        ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += n;
    }
    text[len] = '\0';
    if (strcmp(text, "+") == 0)
        _exit(EXIT_SUCCESS);
    fprintf(stderr, "libvirtd: error: %s\n", len ? text : "the daemon died while starting; run it without --daemon to see more");
    _exit(EXIT_FAILURE);
}

static int take_null_streams(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot open '/dev/null'");
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
    return 0;
}

int daemonize(void)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return FAIL_ERRNO(errno, "cannot create a pipe");
    pid_t pid = fork();
    if (pid < 0)
        return FAIL_ERRNO(errno, "cannot go into the background");
    if (pid > 0) {
        close(fds[1]);
        await_outcome(fds[0]);
    }
    close(fds[0]);
    status_fd = fds[1];
    setsid();
    pid = fork();
    if (pid < 0)
        return FAIL_ERRNO(errno, "cannot go into the background");
    if (pid > 0)
        _exit(EXIT_SUCCESS);
    return take_null_streams();
}

void daemonize_notify(const char *state)
{
    const char *path = g_getenv("NOTIFY_SOCKET");
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(addr.sun_path))
        return;
    memcpy(addr.sun_path, path, strlen(path));
    if (path[0] == '@')
        addr.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = offsetof(struct sockaddr_un, sun_path) + strlen(path);
    if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *) &addr, len) < 0)
        LOG_WARN("cannot tell systemd %s through '%s': %s", state, path, g_strerror(errno));
    if (fd >= 0)
        close(fd);
}

static void tell_starter(const char *text)
{
    if (status_fd < 0)
        return;
    if (file_write_all(status_fd, text, strlen(text)) < 0)
        LOG_DEBUG("whoever started us is gone: %s", g_strerror(errno));
    close(status_fd);
    status_fd = -1;
}

void daemonize_ready(void)
{
    tell_starter("+");
    daemonize_notify("READY=1");
}

void daemonize_failed(const char *message)
{
    tell_starter(message);
}
