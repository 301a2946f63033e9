/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The bare baselines of the benchmark: what the kernel and QEMU need when nobody stands between. Same output as
 * client.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 200, CALL_BYTES = 28, REPLY_BYTES = 36 };

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "bench/bare: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void print_figures(const char *name, const int64_t *ns, int n)
{
    printf("{\"name\": \"%s\", \"ns\": [", name);
    for (int i = 0; i < n; i++)
        printf("%s%" PRId64, i ? ", " : "", ns[i]);
    puts("]}");
}

static void transfer(int fd, char *buffer, size_t len, bool out)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = out ? write(fd, buffer + done, len - done) : read(fd, buffer + done, len - done);
        if (n <= 0)
            die("ping-pong");
        done += (size_t) n;
    }
}

/* Two processes, messages as long as those of virConnectGetLibVersion. */
static void pingpong(int rounds)
{
    char buffer[64] = { 0 };
    int64_t *ns = calloc((size_t) rounds, sizeof(*ns));
    int pair[2];
    pid_t child;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        die("socketpair");
    child = fork();
    if (child == 0) {
        for (int i = 0; i < rounds * BATCH; i++) {
            transfer(pair[1], buffer, CALL_BYTES, false);
            transfer(pair[1], buffer, REPLY_BYTES, true);
        }
        _exit(0);
    }
    for (int i = 0; i < rounds; i++) {
        int64_t start = now_ns();
        for (int k = 0; k < BATCH; k++) {
            transfer(pair[0], buffer, CALL_BYTES, true);
            transfer(pair[0], buffer, REPLY_BYTES, false);
        }
        ns[i] = (now_ns() - start) / BATCH;
    }
    waitpid(child, NULL, 0);
    print_figures("roundtrip", ns, rounds);
    free(ns);
}

/* Write, fsync, rename: a definition's file without anything around it. */
static void replace(int rounds, const char *folder, size_t size)
{
    int64_t *ns = calloc((size_t) rounds, sizeof(*ns));
    char *data = malloc(size), temporary[4096], final[4096];
    memset(data, 'x', size);
    for (int i = 0; i < rounds; i++) {
        int64_t start = now_ns();
        int fd;
        snprintf(temporary, sizeof(temporary), "%s/f%d.new", folder, i);
        snprintf(final, sizeof(final), "%s/f%d", folder, i);
        fd = open(temporary, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, data, size) != (ssize_t) size || fsync(fd) < 0 || close(fd) < 0 ||
            rename(temporary, final) < 0)
            die(temporary);
        ns[i] = now_ns() - start;
        unlink(final);
    }
    print_figures("define", ns, rounds);
    free(data);
    free(ns);
}

/* Read from @fd until @text was seen. */
static void expect(int fd, const char *text)
{
    char seen[65536];
    size_t used = 0;
    for (;;) {
        ssize_t n = read(fd, seen + used, sizeof(seen) - 1 - used);
        if (n <= 0)
            die(text);
        used += (size_t) n;
        seen[used] = '\0';
        if (strstr(seen, text))
            return;
        if (used > sizeof(seen) / 2) {
            memmove(seen, seen + used - 256, 256);
            used = 256;
        }
    }
}

static void tell(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) != (ssize_t) strlen(text))
        die(text);
}

/* Start QEMU with its monitor on a socket that is listened on before it runs; gives the connected monitor. */
static int start_qemu(char **argv, pid_t *pid)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/bare-%d", getenv("TMPDIR") ?: "/tmp", (int) getpid());
    unlink(address.sun_path);
    if (bind(listener, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(listener, 1) < 0)
        die(address.sun_path);
    *pid = fork();
    if (*pid == 0) {
        dup2(listener, 3);
        fcntl(3, F_SETFD, 0);
        execvp(argv[0], argv);
        _exit(127);
    }
    close(listener);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
        die("monitor");
    unlink(address.sun_path);
    expect(fd, "\"QMP\"");
    tell(fd, "{\"execute\":\"qmp_capabilities\"}\n");
    expect(fd, "return");
    return fd;
}

/* @argv starts QEMU paused, with its monitor's listening socket as descriptor 3. */
static void qemu(int rounds, char **argv)
{
    int64_t *up = calloc((size_t) rounds, sizeof(*up)), *down = calloc((size_t) rounds, sizeof(*down));
    for (int i = 0; i < rounds; i++) {
        pid_t pid;
        int64_t start = now_ns();
        int fd = start_qemu(argv, &pid);
        tell(fd, "{\"execute\":\"query-status\"}\n");
        expect(fd, "prelaunch");
        up[i] = now_ns() - start;
        start = now_ns();
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        down[i] = now_ns() - start;
        close(fd);
    }
    print_figures("create", up, rounds);
    print_figures("destroy", down, rounds);
    free(up);
    free(down);
}

/* Between stop and cont: so that on both sides the guest is really running when it is to be stopped, which takes
 * QEMU longer than to stop one that has hardly begun. */
static void let_it_run(void)
{
    nanosleep(&(struct timespec) { .tv_nsec = 2000000 }, NULL);
}

/* cont and stop over QMP until the event, which comes before the reply. */
static void qmp(int rounds, char **argv)
{
    int64_t *ns = calloc((size_t) rounds, sizeof(*ns));
    pid_t pid;
    int fd = start_qemu(argv, &pid);
    for (int i = 0; i < rounds; i++) {
        let_it_run();
        int64_t start = now_ns();
        tell(fd, i % 2 ? "{\"execute\":\"stop\"}\n" : "{\"execute\":\"cont\"}\n");
        expect(fd, "\"return\"");
        ns[i] = now_ns() - start;
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(fd);
    print_figures("event", ns, rounds);
    free(ns);
}

int main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[2]) : 0;
    signal(SIGPIPE, SIG_IGN);
    if (argc == 3 && strcmp(argv[1], "pingpong") == 0)
        pingpong(rounds);
    else if (argc == 5 && strcmp(argv[1], "replace") == 0)
        replace(rounds, argv[3], (size_t) atol(argv[4]));
    else if (argc > 3 && strcmp(argv[1], "qemu") == 0)
        qemu(rounds, argv + 3);
    else if (argc > 3 && strcmp(argv[1], "qmp") == 0)
        qmp(rounds, argv + 3);
    else {
        fprintf(stderr, "usage: bare pingpong ROUNDS | replace ROUNDS FOLDER BYTES | "
                        "qemu ROUNDS COMMAND... | qmp ROUNDS COMMAND...\n");
        return 2;
    }
    return 0;
}
