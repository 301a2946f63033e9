/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Starting processes. Theory of operation: the child is made with CLONE_VM | CLONE_VFORK, so nothing of the
 * daemon's memory is copied, and the parent's thread stands still until exec. The child runs on a stack of its
 * own and writes what went wrong straight into the parent's memory. Between clone and exec it makes
 * only raw system calls: libc's setuid() would, sharing our memory, reach for all our threads. Everything that
 * needs memory or a search is prepared before.
 *
 * The lowest numbers are the standard streams; what the child keeps is moved out of their way first,
 * so the caller's descriptors may have any number.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

#define CHILD_STACK (64 * 1024)

typedef enum {
    STEP_SESSION,
    STEP_CWD,
    STEP_STREAMS,
    STEP_DESCRIPTORS,
    STEP_LIMITS,
    STEP_LABEL,
    STEP_IDENTITY,
    STEP_SIGNALS,
    STEP_EXEC,
} Step;

static const char *const step_texts[] = {
    "make a session", "enter its folder", "set up its standard streams", "pass its descriptors",
    "set its limits", "take its security label", "change its user and groups", "reset its signals", "execute it",
};

typedef struct {
    const ProcessSpec *spec;
    const char *path;
    char *const *env;
    int *keep; /* sorted, unique */
    size_t n_keep;
    int streams[3];
    sigset_t signals; /* mask of the child */
    size_t label_len;
    pid_t parent;
    volatile Step step; /* where the child is, written by it */
    volatile int err;
} Child;

/* The child has a stack that the sanitizers don't know. */
#define IN_CHILD __attribute__((no_sanitize("address", "undefined", "thread"), noinline))

IN_CHILD static bool child_streams(Child *child)
{
    /* A source in 0…2 would be overwritten by an earlier one: lift all of them above first. */
    int lifted[3];
    for (int i = 0; i < 3; i++) {
        lifted[i] = fcntl(child->streams[i], F_DUPFD_CLOEXEC, 3);
        if (lifted[i] < 0)
            return false;
    }
    for (int i = 0; i < 3; i++) {
        if (dup2(lifted[i], i) < 0 || close(lifted[i]) < 0)
            return false;
    }
    return true;
}

/* The others are closed by exec, not before: a lock of ours that the child shares says, should we be killed now, until
 * when a process may still appear that nobody knows of (see pid_file_acquire()). */
IN_CHILD static bool close_by_exec(unsigned from, unsigned to)
{
    return syscall(SYS_close_range, from, to, CLOSE_RANGE_CLOEXEC) == 0;
}

IN_CHILD static bool child_descriptors(Child *child)
{
    unsigned from = 3;
    for (size_t i = 0; i < child->n_keep; i++) {
        unsigned fd = child->keep[i];
        if (fd > from && !close_by_exec(from, fd - 1))
            return false;
        int flags = fcntl(fd, F_GETFD);
        if (flags < 0 || fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) < 0)
            return false;
        from = fd + 1;
    }
    return close_by_exec(from, ~0u);
}

IN_CHILD static bool child_limits(const ProcessSpec *spec)
{
    for (size_t i = 0; i < spec->n_limits; i++) {
        struct rlimit limit = { spec->limits[i].most, spec->limits[i].most };

        if (syscall(SYS_prlimit64, 0, spec->limits[i].resource, &limit, NULL) < 0)
            return false;
    }
    return true;
}

/* Only who shall have it may write it there. */
IN_CHILD static bool child_label(const Child *child)
{
    const ProcessSpec *spec = child->spec;
    if (!spec->label_path)
        return true;
    int fd = (int) syscall(SYS_openat, AT_FDCWD, spec->label_path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = syscall(SYS_write, fd, spec->label, child->label_len);
    int err = errno;
    syscall(SYS_close, fd);
    errno = err;
    return n == (ssize_t) child->label_len;
}

IN_CHILD static bool child_identity(Child *child)
{
    const ProcessSpec *spec = child->spec;
    if (spec->umask_set)
        syscall(SYS_umask, spec->umask);
    if (spec->uid == (uid_t) -1 && spec->gid == (gid_t) -1)
        return true;
    if (syscall(SYS_setgroups, spec->n_groups, spec->groups) < 0)
        return false;
    if (spec->gid != (gid_t) -1 && syscall(SYS_setresgid, spec->gid, spec->gid, spec->gid) < 0)
        return false;
    return spec->uid == (uid_t) -1 || syscall(SYS_setresuid, spec->uid, spec->uid, spec->uid) == 0;
}

IN_CHILD static bool child_signals(Child *child)
{
    if (child->spec->die_with_parent) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
            return false;
        if (syscall(SYS_getppid) != child->parent)
            syscall(SYS_exit, 1);
    }
    for (int sig = 1; sig < NSIG; sig++) {
        struct sigaction action;
        if (sigaction(sig, NULL, &action) < 0 || action.sa_handler == SIG_DFL)
            continue; /* numbers that libc keeps for itself can't be asked */
        action = (struct sigaction){ .sa_handler = SIG_DFL };
        sigaction(sig, &action, NULL);
    }
    return sigprocmask(SIG_SETMASK, &child->signals, NULL) == 0;
}

IN_CHILD static int child_main(void *opaque)
{
    Child *child = opaque;
    const ProcessSpec *spec = child->spec;
    child->step = STEP_SESSION;
    bool ok = spec->keep_terminal || setsid() >= 0;
    if (ok) {
        child->step = STEP_STREAMS;
        ok = child_streams(child);
    }
    if (ok) {
        child->step = STEP_DESCRIPTORS;
        ok = child_descriptors(child);
    }
    if (ok) {
        child->step = STEP_LIMITS;
        ok = child_limits(spec);
    }
    if (ok) {
        child->step = STEP_LABEL;
        ok = child_label(child);
    }
    if (ok) {
        child->step = STEP_IDENTITY;
        ok = child_identity(child);
    }
    if (ok) {
        child->step = STEP_CWD; /* as the user whom the folder must let in */
        ok = chdir(spec->cwd ? spec->cwd : "/") == 0;
    }
    if (ok) {
        child->step = STEP_SIGNALS;
        ok = child_signals(child);
    }
    if (ok) {
        child->step = STEP_EXEC;
        execve(child->path, (char *const *) spec->argv, child->env);
    }
    child->err = errno;
    syscall(SYS_exit, 127);
    return 127;
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *) a - *(const int *) b;
}

static int prepare_keep(Child *child)
{
    const ProcessSpec *spec = child->spec;
    child->keep = g_new(int, spec->n_keep_fds + 1);
    for (size_t i = 0; i < spec->n_keep_fds; i++) {
        if (spec->keep_fds[i] <= 2)
            return FAIL(VIR_ERR_INTERNAL_ERROR, "descriptor %d cannot be passed to '%s': it is a standard stream",
                        spec->keep_fds[i], spec->argv[0]);
        child->keep[i] = spec->keep_fds[i];
    }
    if (spec->n_keep_fds)
        qsort(child->keep, spec->n_keep_fds, sizeof(int), compare_ints);
    for (size_t i = 0; i < spec->n_keep_fds; i++) {
        if (i == 0 || child->keep[i] != child->keep[i - 1])
            child->keep[child->n_keep++] = child->keep[i];
    }
    return 0;
}

/* With all signals blocked, so that no handler of ours runs in the child on our memory. */
static pid_t clone_child(Child *child, int *pidfd)
{
    void *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return -1;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    pid_t pid = clone(child_main, (char *) stack + CHILD_STACK,
                      CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, child, pidfd);
    int err = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    munmap(stack, CHILD_STACK);
    errno = err;
    return pid;
}

static pid_t start(Child *child, int *pidfd_out)
{
    const char *name = child->spec->argv[0];
    int pidfd = -1;
    child->parent = getpid();
    sigemptyset(&child->signals);
    pid_t pid = clone_child(child, &pidfd);
    if (pid < 0)
        return FAIL_ERRNO(errno, "cannot create a process for '%s'", name);
    if (child->err) {
        siginfo_t info;
        while (waitid(P_PIDFD, pidfd, &info, WEXITED) < 0 && errno == EINTR)
            continue;
        close(pidfd);
        if (child->step == STEP_CWD && child->spec->cwd)
            return FAIL_ERRNO(child->err, "cannot start '%s': unable to enter its folder '%s'", name, child->spec->cwd);
        return FAIL_ERRNO(child->err, "cannot start '%s': unable to %s", name, step_texts[child->step]);
    }
    if (pidfd_out)
        *pidfd_out = pidfd;
    else
        close(pidfd);
    return pid;
}

extern char **environ;

pid_t process_spawn(const ProcessSpec *spec, int *pidfd)
{
    g_autofree char *path = g_find_program_in_path(spec->argv[0]);
    if (!path && !strchr(spec->argv[0], '/'))
        return FAIL(VIR_ERR_NO_SOURCE, "program '%s' is not installed (not found in PATH)", spec->argv[0]);
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0)
        return FAIL_ERRNO(errno, "cannot open '/dev/null'");
    Child child = {
        .spec = spec,
        .path = path ? path : spec->argv[0], /* exec will tell what is wrong with it */
        .env = spec->env ? (char *const *) spec->env : environ,
        .streams = { spec->in_fd >= 0 ? spec->in_fd : null_fd, spec->out_fd >= 0 ? spec->out_fd : null_fd,
                     spec->err_fd >= 0 ? spec->err_fd : null_fd },
        .label_len = spec->label ? strlen(spec->label) : 0,
    };
    pid_t pid = prepare_keep(&child) < 0 ? -1 : start(&child, pidfd);
    g_free(child.keep);
    close(null_fd);
    return pid;
}

int process_open(pid_t pid)
{
    return syscall(SYS_pidfd_open, pid, 0);
}
