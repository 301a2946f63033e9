/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Processes: what a child inherits, bounds and deadlines, how ends are told. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/process.h"

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SH(script) ARGV("sh", "-c", script)

static void run_ok(const ProcessSpec *spec, const char *expected)
{
    g_auto(ProcessOutput) output = { 0 };
    if (process_run_checked(spec, NULL, 0, 65536, 20000, &output) < 0)
        g_error("%s", error_message());
    g_assert_cmpstr(output.out, ==, expected);
}

static void test_descriptors(void)
{
    int leak = open("/dev/null", O_RDONLY); /* not close-on-exec on purpose */
    int keep = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    int high = fcntl(keep, F_DUPFD_CLOEXEC, 77);
    g_assert_cmpint(high, ==, 77);
    ProcessSpec spec = PROCESS_SPEC_INIT;
    int fds[] = { high, keep, high };
    spec.keep_fds = fds;
    spec.n_keep_fds = 3;
    /* ls itself has the folder open under the first free number, 3 or more */
    g_autofree char *script = g_strdup_printf("cd /proc/$$/fd; for f in *; do readlink $f; done | sort | uniq -c | "
                                              "grep -v pipe | tr -s ' '");
    spec.argv = SH(script);
    run_ok(&spec, " 1 /dev/null\n 2 /dev/zero\n");
    g_assert_cmpint(fcntl(keep, F_GETFD), ==, FD_CLOEXEC); /* ours are untouched */
    int bad[] = { 1 };
    spec.keep_fds = bad;
    spec.n_keep_fds = 1;
    g_assert_cmpint(process_spawn(&spec, NULL), ==, -1);
    int closed[] = { 500 };
    spec.keep_fds = closed;
    g_assert_cmpint(process_spawn(&spec, NULL), ==, -1);
    g_assert_nonnull(strstr(error_message(), "pass its descriptors"));
    close(leak);
    close(keep);
    close(high);
}

static void test_limits(void)
{
    ProcessSpec spec = PROCESS_SPEC_INIT;
    ProcessLimit limits[] = { { RLIMIT_MEMLOCK, 65536 }, { RLIMIT_CORE, 0 } };
    struct rlimit before, after;

    getrlimit(RLIMIT_MEMLOCK, &before);
    spec.argv = SH("ulimit -l; ulimit -Hl; ulimit -c");
    spec.limits = limits;
    spec.n_limits = G_N_ELEMENTS(limits);
    run_ok(&spec, "64\n64\n0\n");
    getrlimit(RLIMIT_MEMLOCK, &after);
    g_assert_cmpuint(before.rlim_cur, ==, after.rlim_cur); /* ours stays */
    limits[0].resource = 999;
    g_assert_cmpint(process_spawn(&spec, NULL), ==, -1);
    g_assert_nonnull(strstr(error_message(), "set its limits"));
}

/* What the kernel would take it by is a file here: what the child writes is seen. */
static void test_label(void)
{
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_autofree char *path = NULL, *text = NULL;
    int fd = g_file_open_tmp("label-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    spec.argv = SH("echo began");
    spec.label_path = path;
    spec.label = "exec libvirt-profile";
    run_ok(&spec, "began\n");
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "exec libvirt-profile");
    spec.label_path = "/proc/none/attr/exec";
    g_assert_cmpint(process_spawn(&spec, NULL), ==, -1);
    g_assert_nonnull(strstr(error_message(), "take its security label"));
    unlink(path);
    close(fd);
}

static void test_surroundings(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    ProcessSpec spec = PROCESS_SPEC_INIT;
    spec.argv = ARGV("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status");
    run_ok(&spec, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    signal(SIGUSR1, SIG_DFL);

    spec.argv = SH("pwd; umask; echo $A; test $(ps -o sid= -p $$ 2>/dev/null || cut -d' ' -f6 /proc/$$/stat) = $$ && echo session");
    spec.cwd = "/proc";
    spec.umask_set = true;
    spec.umask = 027;
    spec.env = ARGV("A=b", "PATH=/usr/bin:/bin");
    run_ok(&spec, "/proc\n0027\nb\nsession\n");

    if (getuid() == 0) {
        gid_t groups[] = { 5, 6 };
        spec.uid = 65534;
        spec.gid = 65533;
        spec.groups = groups;
        spec.n_groups = 2;
        spec.argv = SH("id -u; id -g; id -G");
        run_ok(&spec, "65534\n65533\n65533 5 6\n");
    }
}

static void test_start_errors(void)
{
    ProcessSpec spec = PROCESS_SPEC_INIT;
    spec.argv = ARGV("no-such-program-here");
    g_assert_cmpint(process_spawn(&spec, NULL), ==, -1);
    g_assert_nonnull(strstr(error_message(), "not installed"));
    spec.argv = ARGV("/no/such/program");
    g_assert_cmpint(process_spawn(&spec, NULL), ==, -1);
    g_assert_nonnull(strstr(error_message(), "execute it: No such file"));
    spec.argv = ARGV("true");
    spec.cwd = "/no/such/folder";
    g_assert_cmpint(process_spawn(&spec, NULL), ==, -1);
    g_assert_nonnull(strstr(error_message(), "/no/such/folder"));
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1); /* no zombie of all these */
    g_assert_cmpint(errno, ==, ECHILD);
}

static void test_run(void)
{
    g_auto(ProcessOutput) output = { 0 };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    spec.argv = ARGV("cat");
    g_autofree char *big = g_strnfill(1000000, 'z');
    g_assert_cmpint(process_run(&spec, big, 1000000, 1000000, 20000, &output), ==, 0);
    g_assert_cmpuint(output.out_len, ==, 1000000);
    process_output_clear(&output);
    g_assert_cmpint(process_run(&spec, big, 1000000, 999999, 20000, &output), ==, -1);
    g_assert_nonnull(strstr(error_message(), "more than 999999 bytes"));
    spec.argv = ARGV("true"); /* doesn't read its input */
    g_assert_cmpint(process_run(&spec, big, 1000000, 10, 20000, &output), ==, 0);
    process_output_clear(&output);

    spec.argv = SH("echo one >&2; echo two >&2; exit 3");
    g_assert_cmpint(process_run_checked(&spec, NULL, 0, 1000, 20000, &output), ==, -1);
    g_assert_nonnull(strstr(error_message(), "'sh' exited with status 3: two"));
    spec.argv = SH("kill -9 $$");
    g_assert_cmpint(process_run(&spec, NULL, 0, 1000, 20000, &output), ==, 0);
    g_assert_cmpint(output.end.signal, ==, SIGKILL);
    process_output_clear(&output);

    /* the process ends but something of it keeps the output open: that isn't waited for */
    spec.argv = SH("echo said; sleep 60 & echo $!");
    int64_t before = loop_now_ms();
    g_assert_cmpint(process_run(&spec, NULL, 0, 1000, 50000, &output), ==, 0);
    g_assert_cmpint(loop_now_ms() - before, <, 30000);
    g_assert_true(g_str_has_prefix(output.out, "said\n"));
    kill(atoi(output.out + 5), SIGKILL);
}

static void test_deadline(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    g_auto(ProcessOutput) output = { 0 };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    spec.argv = SH("trap '' TERM; sleep 60 & wait"); /* it and its own child must both go */
    g_assert_cmpint(process_run(&spec, NULL, 0, 1000, 100, &output), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_TIMEOUT);
    int status;
    while (waitpid(-1, &status, 0) > 0)
        g_assert_true(WIFSIGNALED(status));
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void test_stop(void)
{
    ProcessSpec spec = PROCESS_SPEC_INIT;
    ProcessEnd end;
    int pidfd = -1, ready[2];
    spec.argv = ARGV("sleep", "60");
    g_assert_cmpint(process_spawn(&spec, &pidfd), >, 0);
    g_assert_cmpint(process_wait(pidfd, 10, &end), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_TIMEOUT);
    g_assert_cmpint(process_stop(pidfd, 10000, 10000, &end), ==, 0);
    g_assert_cmpint(end.signal, ==, SIGTERM);
    g_assert_cmpint(process_signal(pidfd, SIGTERM), ==, 0); /* has ended: fine */
    close(pidfd);

    g_assert_cmpint(pipe2(ready, O_CLOEXEC), ==, 0);
    spec.argv = SH("trap '' TERM; echo; while :; do sleep 1; done");
    spec.out_fd = ready[1];
    g_assert_cmpint(process_spawn(&spec, &pidfd), >, 0);
    char c;
    g_assert_cmpint(read(ready[0], &c, 1), ==, 1);
    g_assert_cmpint(process_stop(pidfd, 50, 10000, &end), ==, 0);
    g_assert_cmpint(end.signal, ==, SIGKILL);
    close(pidfd);
    close(ready[0]);
    close(ready[1]);
}

typedef struct {
    int ended;
    int freed;
    ProcessEnd end;
} Seen;

static void on_process_end(pid_t pid, const ProcessEnd *end, void *opaque)
{
    Seen *seen = opaque;
    g_assert_cmpint(pid, >, 0);
    seen->ended++;
    seen->end = *end;
}

static void on_free(void *opaque)
{
    ((Seen *) opaque)->freed++;
}

static void test_watch(void)
{
    g_autoptr(Loop) loop = loop_new();
    Seen seen = { 0 };
    int pidfd;
    ProcessSpec spec = PROCESS_SPEC_INIT;
    int hold[2];
    g_assert_cmpint(pipe2(hold, O_CLOEXEC), ==, 0);
    spec.argv = SH("read x; exit 7"); /* lives until we close the pipe */
    spec.in_fd = hold[0];
    pid_t pid = process_spawn(&spec, &pidfd);
    close(hold[0]);
    g_assert_cmpuint(process_start_time(pid), >, 0);
    close(hold[1]);
    ProcessWatch *watch = process_watch(loop, pid, pidfd, on_process_end, &seen, on_free);
    while (!seen.ended)
        loop_iterate(loop, true);
    g_assert_cmpint(loop_iterate(loop, false), ==, 0);
    g_assert_true(seen.end.known);
    g_assert_cmpint(seen.end.code, ==, 7);
    g_assert_cmpuint(process_start_time(pid), ==, 0);
    g_assert_cmpint(process_open(pid), ==, -1);
    process_watch_remove(watch);
    loop_iterate(loop, false);
    g_assert_cmpint(seen.freed, ==, 1);
    close(pidfd);
}

static void test_not_our_child(void)
{
    ProcessEnd end;
    int fd = process_open(getppid());
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(process_wait(fd, 0, &end), ==, -1);
    close(fd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/process/descriptors", test_descriptors);
    g_test_add_func("/base/process/limits", test_limits);
    g_test_add_func("/base/process/label", test_label);
    g_test_add_func("/base/process/surroundings", test_surroundings);
    g_test_add_func("/base/process/start-errors", test_start_errors);
    g_test_add_func("/base/process/run", test_run);
    g_test_add_func("/base/process/deadline", test_deadline);
    g_test_add_func("/base/process/stop", test_stop);
    g_test_add_func("/base/process/watch", test_watch);
    g_test_add_func("/base/process/not-our-child", test_not_our_child);
    return g_test_run();
}
