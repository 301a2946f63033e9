/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/storage/program.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/process.h"
#include "drivers/storage/as_user.h"
#include "storage/backend.h"

#define KILL_MS 10000
/* So often the call is asked whether anybody still wants it. */
#define LOOK_MS 200
/* A program that an image makes ask for more than this is told that there is no more. */
#define MEMORY_BYTES ((rlim_t) 4 << 30)
/* Of its complaints the last ones are kept. */
#define LAST_WORDS 2000

typedef struct Program {
    const char *name;
    int pidfd, out, err;
    GString *words;             /* its complaints */
    ProgramFollow follow;
    void *opaque;
} Program;

/* Of the thread whose program is followed. */
static _Thread_local guint64 done_bytes, total_bytes;

void program_follow_percent(const char *words, void *total)
{
    const char *open = strrchr(words, '(');
    double percent = open ? g_ascii_strtod(open + 1, NULL) : -1;
    if (percent < 0 || percent > 100)
        return;
    total_bytes = *(guint64 *) total;
    done_bytes = (guint64) ((double) total_bytes * percent / 100);
}

static void hear(Program *p, int *fd, gboolean complaint)
{
    char words[4096];
    ssize_t n = read(*fd, words, sizeof(words) - 1);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        close(*fd);
        *fd = -1;
        return;
    }
    words[n] = '\0';
    if (!complaint) {
        if (p->follow)
            p->follow(words, p->opaque);
        return;
    }
    g_string_append_len(p->words, words, n);
    if (p->words->len > LAST_WORDS)
        g_string_erase(p->words, 0, (gssize) (p->words->len - LAST_WORDS));
}

static int listen_to(Program *p, gint64 silent_ms)
{
    gint64 heard_us = g_get_monotonic_time();
    gboolean ended = FALSE;
    while (!ended || p->out >= 0 || p->err >= 0) {
        struct pollfd polled[] = { { p->out, POLLIN, 0 }, { p->err, POLLIN, 0 }, { ended ? -1 : p->pidfd, POLLIN, 0 } };
        int n = poll(polled, G_N_ELEMENTS(polled), ended ? 0 : LOOK_MS);
        if (n < 0 && errno != EINTR)
            return FAIL_ERRNO(errno, "cannot wait for '%s'", p->name);
        if (n == 0 && ended)
            return 0; /* what a grandchild still holds open */
        if (n > 0 && polled[0].revents)
            hear(p, &p->out, FALSE);
        if (n > 0 && polled[1].revents)
            hear(p, &p->err, TRUE);
        if (n > 0 && (polled[0].revents || polled[1].revents))
            heard_us = g_get_monotonic_time();
        ended = ended || (n > 0 && polled[2].revents);
        if (storage_progress(done_bytes, total_bytes) < 0)
            return -1;
        if (g_get_monotonic_time() - heard_us > silent_ms * 1000)
            return FAIL(VIR_ERR_OPERATION_TIMEOUT, "'%s' has not moved on for %d s", p->name, (int) (silent_ms / 1000));
    }
    return 0;
}

static int judge(Program *p, const ProcessEnd *end)
{
    if (end->known && !end->signal && end->code == 0)
        return 0;
    g_autofree char *how = process_end_text(end);
    g_autofree char *words = g_strstrip(g_utf8_make_valid(p->words->str, -1));
    const char *last = strrchr(words, '\n');
    last = last ? last + 1 : words;
    return FAIL(VIR_ERR_OPERATION_FAILED, *last ? "'%s' %s: %s" : "'%s' %s%s", p->name, how, last);
}

static int start(Program *p, const char *const *argv, const int *fds, gsize n_fds)
{
    static const ProcessLimit limits[] = { { RLIMIT_AS, MEMORY_BYTES }, { RLIMIT_CORE, 0 } };
    const UserIdentity *user = as_user_now();
    ProcessSpec spec = PROCESS_SPEC_INIT;
    int out[2] = { -1, -1 }, err[2] = { -1, -1 };
    pid_t pid = -1;
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0) {
        error_report_errno(ERROR_DOMAIN, errno, "cannot create pipes for '%s'", p->name);
    } else {
        spec.argv = argv;
        spec.out_fd = out[1];
        spec.err_fd = err[1];
        spec.keep_fds = fds;
        spec.n_keep_fds = n_fds;
        spec.limits = limits;
        spec.n_limits = G_N_ELEMENTS(limits);
        spec.die_with_parent = true;
        if (user) {
            spec.uid = user->uid;
            spec.gid = user->gid;
            spec.groups = user->groups;
            spec.n_groups = user->n_groups;
        }
        pid = process_spawn(&spec, &p->pidfd);
    }
    for (int i = 0; i < 2; i++) {
        int *end = i ? err : out;
        if (end[1] >= 0)
            close(end[1]);
        if (end[0] >= 0)
            fcntl(end[0], F_SETFL, O_NONBLOCK);
    }
    p->out = out[0];
    p->err = err[0];
    return pid < 0 ? -1 : 0;
}

int program_run(const char *const *argv, const int *fds, gsize n_fds, gint64 silent_ms, ProgramFollow follow, void *opaque)
{
    g_autoptr(GString) words = g_string_new(NULL);
    Program p = { .name = argv[0], .pidfd = -1, .out = -1, .err = -1, .words = words, .follow = follow, .opaque = opaque };
    ProcessEnd end;
    done_bytes = total_bytes = 0;
    int rc = start(&p, argv, fds, n_fds);
    if (rc == 0) {
        rc = listen_to(&p, silent_ms);
        virErrorPtr saved = rc < 0 ? error_save() : NULL;
        int waited = rc < 0 ? process_stop(p.pidfd, 0, KILL_MS, &end) : process_wait(p.pidfd, KILL_MS, &end);
        if (saved)
            error_restore(saved);
        else
            rc = waited < 0 ? -1 : judge(&p, &end);
    }
    for (int i = 0; i < 3; i++) {
        int fd = i == 0 ? p.out : i == 1 ? p.err : p.pidfd;
        if (fd >= 0)
            close(fd);
    }
    return rc;
}
