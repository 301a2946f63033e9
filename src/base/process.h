/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Child processes. One function starts every one of them: only the listed descriptors, own session, known
 * signals, nothing copied of a big daemon. Nobody waits for a process without a deadline, and a worker that does isn't
 * counted among those at work (base/threadpool.h).
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/loop.h"

/** The most that a process may have of a resource (RLIMIT_…): both of its limits. RLIM_INFINITY: as much as it likes. */
typedef struct {
    int resource;
    rlim_t most;
} ProcessLimit;

/** What to start. Zero-initialise with PROCESS_SPEC_INIT, then fill in. Everything stays the caller's. */
typedef struct {
    const char *const *argv; /**< NULL-terminated; argv[0] is searched in PATH if it has no "/" */
    const char *const *env;  /**< NULL-terminated; NULL: our own environment */
    const char *cwd;         /**< NULL: "/" */
    int in_fd;               /**< standard input; -1: /dev/null */
    int out_fd, err_fd;      /**< standard output and error; -1: /dev/null */
    const int *keep_fds;     /**< descriptors that the child gets under the same numbers; must be above 2 */
    size_t n_keep_fds;
    uid_t uid;               /**< -1: as we are */
    gid_t gid;
    const gid_t *groups;     /**< supplementary groups, set when @uid or @gid is */
    size_t n_groups;
    const ProcessLimit *limits; /**< set before the identity is changed */
    size_t n_limits;
    const char *label_path;  /**< file in /proc/self/attr that takes the label of what is executed next; NULL: it keeps ours */
    const char *label;       /**< that label: a profile of AppArmor, a context of SELinux */
    bool umask_set;
    mode_t umask;
    bool keep_terminal;      /**< stays in our session: it may ask the user something */
    bool die_with_parent;    /**< killed when the thread that started it ends: for helpers of a call */
} ProcessSpec;

#define PROCESS_SPEC_INIT { .in_fd = -1, .out_fd = -1, .err_fd = -1, .uid = (uid_t) -1, .gid = (gid_t) -1 }

/** Start a process, as leader of its own session. @pidfd (may be NULL) receives a descriptor of it (close-on-exec), which
 * the caller closes. Returns its id; -1 with an error that says which step failed (also exec). */
pid_t process_spawn(const ProcessSpec *spec, int *pidfd);

/** How a process ended. */
typedef struct {
    bool known;  /**< false: not our child, so nobody tells us */
    int code;    /**< exit status, if signal is 0 */
    int signal;  /**< signal that ended it, or 0 */
} ProcessEnd;

/** "exited with status 3", "was killed by signal 9 (Killed)"; caller frees. */
char *process_end_text(const ProcessEnd *end);

/** Wait for the end of the process behind @pidfd, and reap it if it is our child. Returns 0; -1 with an error:
 * VIR_ERR_OPERATION_TIMEOUT after @deadline_ms. */
int process_wait(int pidfd, int64_t deadline_ms, ProcessEnd *end);

/** Send SIGTERM, after @grace_ms SIGKILL (0: at once), and wait for the end, all in all for at most @grace_ms +
 * @deadline_ms. The process alone, not its group. 0 (@end may be NULL), or -1 with an error. */
int process_stop(int pidfd, int64_t grace_ms, int64_t deadline_ms, ProcessEnd *end);

/** Send a signal through a pidfd. 0 also if the process has ended already; -1 with an error. */
int process_signal(int pidfd, int signal);

typedef struct ProcessWatch ProcessWatch;
typedef void (*ProcessWatchFunc)(pid_t pid, const ProcessEnd *end, void *opaque);

/** Have @func called once on @loop's thread when the process ends; it is reaped then if it is our child. @pidfd stays the
 * caller's and must outlive the watch; nobody else may wait for it. NULL with an error. */
ProcessWatch *process_watch(Loop *loop, pid_t pid, int pidfd, ProcessWatchFunc func, void *opaque,
                            GDestroyNotify free_func);
/** As loop_watch_remove(); also needed after @func was called. Accepts NULL. */
void process_watch_remove(ProcessWatch *watch);

/** Result of process_run(). */
typedef struct {
    ProcessEnd end;
    char *out;      /**< NUL behind */
    char *err;
    size_t out_len;
    size_t err_len;
} ProcessOutput;

void process_output_clear(ProcessOutput *output);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ProcessOutput, process_output_clear)

/** Start, feed @input (may be NULL), gather both outputs (each at most @max_output bytes) and wait at most
 * @deadline_ms. in_fd, out_fd and err_fd of @spec are ignored. A process that is too slow or says too much is killed with
 * its session. Returns 0 if it ended by itself, however; -1 with an error (VIR_ERR_OPERATION_TIMEOUT, …). */
int process_run(const ProcessSpec *spec, const char *input, size_t input_len, size_t max_output, int64_t deadline_ms,
                ProcessOutput *output);

/** As process_run(), and anything but exit status 0 is an error that quotes the last line of standard error. */
int process_run_checked(const ProcessSpec *spec, const char *input, size_t input_len, size_t max_output,
                        int64_t deadline_ms, ProcessOutput *output);

/** A descriptor of a living process, ours or not. -1 with errno set (ESRCH: there is none), no error set. */
int process_open(pid_t pid);

/** Start time of a process in clock ticks since boot: with the id it names a process uniquely. 0 if there is none, or
 * only one that has ended and waits for its parent. */
guint64 process_start_time(pid_t pid);
