/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Waiting for processes and ending them, by pidfd: such a descriptor can't come to mean another process, and it can be
 * polled, with a deadline or in a loop. A process that isn't our child can be waited for as well; only how it
 * ended is then not known.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/threadpool.h"

char *process_end_text(const ProcessEnd *end)
{
    if (!end->known)
        return g_strdup("ended");
    if (end->signal)
        return g_strdup_printf("was killed by signal %d (%s)", end->signal, strsignal(end->signal));
    return g_strdup_printf("exited with status %d", end->code);
}

/* The process has ended; find out how. */
static void reap(int pidfd, ProcessEnd *end)
{
    siginfo_t info = { 0 };
    int ret;
    do {
        ret = waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG);
    } while (ret < 0 && errno == EINTR);
    *end = (ProcessEnd){ .known = ret == 0 && info.si_pid != 0 };
    if (!end->known)
        return;
    if (info.si_code == CLD_EXITED)
        end->code = info.si_status;
    else
        end->signal = info.si_status;
}

/* 1: ended, 0: not before the deadline, -1: errno. */
static int poll_until(int pidfd, int64_t deadline)
{
    struct pollfd p = { .fd = pidfd, .events = POLLIN };
    for (;;) {
        int64_t left = MAX(deadline - loop_now_ms(), 0);
        int n = poll(&p, 1, MIN(left, G_MAXINT));
        if (n > 0)
            return 1;
        if (n < 0 && errno != EINTR)
            return -1;
        if (n == 0 && left <= G_MAXINT)
            return 0;
    }
}

int process_wait(int pidfd, int64_t deadline_ms, ProcessEnd *end)
{
    pool_blocking_begin();
    int ret = poll_until(pidfd, loop_now_ms() + deadline_ms);
    pool_blocking_end();
    if (ret < 0)
        return FAIL_ERRNO(errno, "cannot wait for a process");
    if (ret == 0)
        return FAIL(VIR_ERR_OPERATION_TIMEOUT, "process did not end within %" G_GINT64_FORMAT " ms", deadline_ms);
    ProcessEnd how;
    reap(pidfd, &how);
    if (end)
        *end = how;
    return 0;
}

int process_signal(int pidfd, int signal)
{
    if (syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 && errno != ESRCH)
        return FAIL_ERRNO(errno, "cannot send signal %d to a process", signal);
    return 0;
}

int process_stop(int pidfd, int64_t grace_ms, int64_t deadline_ms, ProcessEnd *end)
{
    if (grace_ms > 0) {
        if (process_signal(pidfd, SIGTERM) < 0)
            return -1;
        if (poll_until(pidfd, loop_now_ms() + grace_ms) == 1)
            return process_wait(pidfd, deadline_ms, end);
    }
    if (process_signal(pidfd, SIGKILL) < 0)
        return -1;
    return process_wait(pidfd, deadline_ms, end);
}

/* ---- in a loop ---- */

struct ProcessWatch {
    LoopWatch *watch;
    pid_t pid;
    ProcessWatchFunc func;
    void *opaque;
    GDestroyNotify free_func;
};

static void free_watch(void *opaque)
{
    ProcessWatch *watch = opaque;
    if (watch->free_func)
        watch->free_func(watch->opaque);
    g_free(watch);
}

static void on_end(LoopWatch *loop_watch, int fd, unsigned events, void *opaque)
{
    ProcessWatch *watch = opaque;
    ProcessEnd end;
    loop_watch_update(loop_watch, 0); /* once; can't fail for less */
    reap(fd, &end);
    watch->func(watch->pid, &end, watch->opaque);
}

ProcessWatch *process_watch(Loop *loop, pid_t pid, int pidfd, ProcessWatchFunc func, void *opaque,
                            GDestroyNotify free_func)
{
    ProcessWatch *watch = g_new0(ProcessWatch, 1);
    *watch = (ProcessWatch){ .pid = pid, .func = func, .opaque = opaque, .free_func = free_func };
    /* not armed until the pointer is stored: the loop may be another thread's */
    watch->watch = loop_watch_add(loop, pidfd, 0, on_end, watch, free_watch);
    if (!watch->watch) {
        g_free(watch);
        return NULL;
    }
    if (loop_watch_update(watch->watch, LOOP_IN) < 0) {
        watch->free_func = NULL;
        loop_watch_remove(watch->watch);
        return NULL;
    }
    return watch;
}

void process_watch_remove(ProcessWatch *watch)
{
    if (watch)
        loop_watch_remove(watch->watch);
}

/* ---- who is it ---- */

guint64 process_start_time(pid_t pid)
{
    char path[64];
    g_snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
    char *text = NULL;
    virErrorPtr before = error_save();
    int found = file_read_optional(path, 4096, &text, NULL);
    error_restore(before); /* a process that vanishes meanwhile is no error here */
    if (found <= 0)
        return 0;
    g_autofree char *owned = text;
    char *at = strrchr(owned, ')'); /* the name may hold anything */
    /* One that only waits to be reaped is none any more. */
    if (at && at[1] == ' ' && (at[2] == 'Z' || at[2] == 'X'))
        return 0;
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? g_ascii_strtoull(at + 1, NULL, 10) : 0;
}
