/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls that take long: they run on a thread of their own, so that the main one can show progress and take ^C, which
 * aborts the domain's job. And progress itself: on a terminal with rate and estimate.
 */
#include <stdio.h>
#include <unistd.h>

#include "tools/virsh/virsh.h"

/* --- progress --- */

int virsh_percent(unsigned long long total, unsigned long long remaining)
{
    if (!remaining)
        return 100;
    return total ? MIN(99, (int)((1 - (double)remaining / total) * 100)) : 0;
}

void virsh_progress(VirshProgress *progress, unsigned long long total, unsigned long long remaining)
{
    gint64 now = g_get_monotonic_time();
    unsigned long long done = total - MIN(total, remaining);

    if (!progress->began || done < progress->first) {
        progress->began = now;
        progress->first = done;
    }
    fprintf(stderr, "\r%s: [%3d %%]", progress->label, virsh_percent(total, remaining));
    progress->shown = true;
    if (isatty(STDERR_FILENO) && now > progress->began && done > progress->first) {
        double rate = (double)(done - progress->first) * G_USEC_PER_SEC / (now - progress->began);
        g_autofree char *text = virsh_size_digits(rate, 1);

        fprintf(stderr, "  %s/s, %.0f s left\033[K", text, remaining / rate);
    }
    fflush(stderr);
}

/* --- calls on a thread --- */

typedef struct {
    VirshJob *job;
    int result;
    virErrorPtr error;
    VirshWait *wait;
} LongCall;

static gpointer run_long_call(gpointer opaque)
{
    LongCall *call = opaque;

    call->result = call->job->call(call->job->data);
    if (call->result < 0)
        call->error = virSaveLastError();
    virsh_wait_wake(call->wait);
    return NULL;
}

static void show_progress(VirshJob *job)
{
    virDomainJobInfo info;

    if (virDomainGetJobInfo(job->domain, &info) == 0 && info.type != VIR_DOMAIN_JOB_NONE && info.dataTotal)
        virsh_progress(&job->progress, info.dataTotal, info.dataRemaining);
    client_error_forget();
}

bool virsh_job_run(Shell *shell, VirshJob *job)
{
    LongCall call = {.job = job, .wait = virsh_wait_new()};
    bool aborted = false;
    GThread *thread = g_thread_new("virsh-call", run_long_call, &call);
    VirshWake wake;

    while ((wake = virsh_wait_until(call.wait, g_get_monotonic_time() + G_USEC_PER_SEC / 2)) != VIRSH_WOKEN) {
        if (wake == VIRSH_INTERRUPTED) {
            shell_interrupt_reset();
            if (!aborted && virDomainAbortJob(job->domain) < 0)
                shell_error(shell, "failed to abort the job: %s", client_error_text());
            client_error_forget();
            aborted = true;
            continue;
        }
        if (job->verbose)
            show_progress(job);
        if (job->tick && !aborted)
            job->tick(shell, job);
    }
    g_thread_join(thread);
    virsh_wait_free(call.wait);
    if (job->verbose && call.result == 0)
        virsh_progress(&job->progress, 0, 0);
    if (job->progress.shown)
        fputc('\n', stderr);
    if (call.error)
        client_error_take(call.error);
    return call.result == 0;
}
