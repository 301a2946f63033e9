/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Run a program to its end and gather what it says, with a bound on its time and on its words.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/process.h"
#include "base/threadpool.h"

#define KILL_WAIT_MS 10000
#define LAST_WORDS 500

typedef struct {
    const char *name;
    pid_t pid;
    int pidfd;
    int in, out[2]; /* our ends; -1: closed */
    const char *input;
    size_t input_len;
    size_t max_output;
    GString *text[2];
    bool ended;
} Run;

void process_output_clear(ProcessOutput *output)
{
    g_clear_pointer(&output->out, g_free);
    g_clear_pointer(&output->err, g_free);
    output->out_len = output->err_len = 0;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void feed(Run *run)
{
    ssize_t n = write(run->in, run->input, run->input_len);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n > 0) {
        run->input += n;
        run->input_len -= n;
    }
    if (n < 0 || run->input_len == 0)
        close_fd(&run->in); /* it needn't want to read all of it */
}

/* -1 with an error if it says too much. */
static int gather(Run *run, int i)
{
    char buffer[16384];
    ssize_t n = read(run->out[i], buffer, sizeof(buffer));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n <= 0) {
        close_fd(&run->out[i]);
        return 0;
    }
    if (run->text[i]->len + n > run->max_output)
        return FAIL(VIR_ERR_OPERATION_FAILED, "'%s' printed more than %zu bytes", run->name, run->max_output);
    g_string_append_len(run->text[i], buffer, n);
    return 0;
}

/* Until it has ended and said everything. A grandchild that keeps the output open doesn't count once the
 * process itself has ended: then we take what is there. */
static int converse(Run *run, int64_t deadline_ms)
{
    int64_t deadline = loop_now_ms() + deadline_ms;
    for (;;) {
        struct pollfd p[4] = {
            { .fd = run->ended ? -1 : run->pidfd, .events = POLLIN },
            { .fd = run->in, .events = POLLOUT },
            { .fd = run->out[0], .events = POLLIN },
            { .fd = run->out[1], .events = POLLIN },
        };
        int64_t left = MAX(deadline - loop_now_ms(), 0);
        int n = poll(p, G_N_ELEMENTS(p), run->ended ? 0 : MIN(left, G_MAXINT));
        if (n < 0 && errno != EINTR)
            return FAIL_ERRNO(errno, "cannot wait for '%s'", run->name);
        if (n == 0 && run->ended)
            return 0;
        if (n == 0)
            return FAIL(VIR_ERR_OPERATION_TIMEOUT, "'%s' did not end within %" G_GINT64_FORMAT " ms",
                        run->name, deadline_ms);
        if (n < 0)
            continue;
        if (p[1].revents)
            feed(run);
        for (int i = 0; i < 2; i++) {
            if (p[2 + i].revents && gather(run, i) < 0)
                return -1;
        }
        run->ended = run->ended || p[0].revents != 0;
        if (run->ended && run->out[0] < 0 && run->out[1] < 0)
            return 0;
    }
}

static int start(Run *run, const ProcessSpec *spec)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
    int ret = -1;
    if ((run->input && pipe2(in, O_CLOEXEC) < 0) || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0) {
        error_report_errno(ERROR_DOMAIN, errno, "cannot create pipes for '%s'", run->name);
    } else {
        ProcessSpec own = *spec;
        own.in_fd = in[0];
        own.out_fd = out[1];
        own.err_fd = err[1];
        run->pid = process_spawn(&own, &run->pidfd);
        ret = run->pid < 0 ? -1 : 0;
    }
    close_fd(&in[0]);
    close_fd(&out[1]);
    close_fd(&err[1]);
    run->in = in[1];
    run->out[0] = out[0];
    run->out[1] = err[0];
    for (int i = 0; i < 3; i++) {
        int fd = i == 2 ? run->in : run->out[i];
        if (fd >= 0)
            fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    return ret;
}

/* A child that closes its input early would send us SIGPIPE. */
static int converse_without_sigpipe(Run *run, int64_t deadline_ms)
{
    sigset_t pipe_set, old, pending;
    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
    int ret = converse(run, deadline_ms);
    sigpending(&pending);
    if (!sigismember(&old, SIGPIPE) && sigismember(&pending, SIGPIPE)) {
        struct timespec now = { 0 };
        sigtimedwait(&pipe_set, NULL, &now);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return ret;
}

/* A worker that waits for a program lets another one take its place. */
static int converse_as_blocking(Run *run, int64_t deadline_ms)
{
    pool_blocking_begin();
    int ret = converse_without_sigpipe(run, deadline_ms);
    pool_blocking_end();
    return ret;
}

static int finish(Run *run, int converse_ret, ProcessOutput *output)
{
    if (converse_ret < 0) {
        virErrorPtr cause = error_save();
        kill(-run->pid, SIGKILL); /* its session: it is still unreaped, so the number is its own */
        process_wait(run->pidfd, KILL_WAIT_MS, NULL);
        error_restore(cause);
        return -1;
    }
    if (process_wait(run->pidfd, KILL_WAIT_MS, &output->end) < 0)
        return -1;
    output->out_len = run->text[0]->len;
    output->err_len = run->text[1]->len;
    output->out = g_string_free(g_steal_pointer(&run->text[0]), FALSE);
    output->err = g_string_free(g_steal_pointer(&run->text[1]), FALSE);
    return 0;
}

int process_run(const ProcessSpec *spec, const char *input, size_t input_len, size_t max_output, int64_t deadline_ms,
                ProcessOutput *output)
{
    Run run = { .name = spec->argv[0], .pidfd = -1, .in = -1, .out = { -1, -1 }, .input = input,
                .input_len = input_len, .max_output = max_output };
    *output = (ProcessOutput){ 0 };
    run.text[0] = g_string_new(NULL);
    run.text[1] = g_string_new(NULL);
    int ret = start(&run, spec);
    if (ret == 0)
        ret = finish(&run, converse_as_blocking(&run, deadline_ms), output);
    close_fd(&run.in);
    close_fd(&run.out[0]);
    close_fd(&run.out[1]);
    close_fd(&run.pidfd);
    for (int i = 0; i < 2; i++) {
        if (run.text[i])
            g_string_free(run.text[i], TRUE);
    }
    return ret;
}

/* Last line with anything in it; caller frees. */
static char *last_line(const char *text)
{
    g_autofree char *copy = g_strchomp(g_utf8_make_valid(text, -1));
    const char *line = strrchr(copy, '\n');
    return g_strndup(line ? line + 1 : copy, LAST_WORDS);
}

int process_run_checked(const ProcessSpec *spec, const char *input, size_t input_len, size_t max_output,
                        int64_t deadline_ms, ProcessOutput *output)
{
    if (process_run(spec, input, input_len, max_output, deadline_ms, output) < 0)
        return -1;
    if (output->end.known && !output->end.signal && output->end.code == 0)
        return 0;
    g_autofree char *how = process_end_text(&output->end);
    g_autofree char *words = last_line(output->err);
    error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_FAILED, words[0] ? "'%s' %s: %s" : "'%s' %s%s",
                 spec->argv[0], how, words);
    process_output_clear(output);
    return -1;
}
