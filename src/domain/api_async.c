/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pausing and running a guest from the I/O thread: the command goes out at once and the event is published by
 * the thread that reads the answer, so that no worker has to wake up in between. Only the ordinary case is done here; for
 * whatever would have to wait, or to be explained, the plain functions of api_life.c are called on a worker.
 */
#define ERROR_DOMAIN api_error_domain
#define LOG_SOURCE "domain.async"
#include "domain/api.h"
#include "domain/functions.h"

typedef struct Switch {
    Guest *guest;        /* reference */
    gboolean pause;
    AsyncDone done;
    void *opaque;
} Switch;

/* The job ends before the caller is answered, so that its next call finds the queue free. */
static void switch_finish(Switch *s, int status)
{
    domain_job_end(s->guest->dom, JOB_MODIFY);
    s->done(status, s->opaque);
    guest_unref(s->guest);
    g_free(s);
}

static void switch_save(void *opaque)
{
    Switch *s = opaque;
    switch_finish(s, status_save(s->guest));
}

static gint *wish_of(const Switch *s)
{
    GuestCore *core = guest_core(s->guest);
    return s->pause ? &core->want_pause : &core->want_run;
}

static void switch_answered(Guest *guest, gboolean success, void *opaque)
{
    Switch *s = opaque;
    if (success && s->pause)
        run_apply_paused(guest, VIR_DOMAIN_PAUSED_USER);
    else if (success)
        run_apply_running(guest, VIR_DOMAIN_RUNNING_UNPAUSED);
    g_atomic_int_set(wish_of(s), -1);
    if (success && !status_save_at_once(guest))
        host_run(guest->host, NULL, switch_save, s); /* a file may be slow: not on this thread */
    else
        switch_finish(s, success ? 0 : -1);
}

static AsyncStart switch_begin(virDomainPtr dom, gboolean pause, const char *api, AsyncDone done, void *opaque)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return ASYNC_FAILED;
    const DomainBackend *backend = host_backend(a.obj->host);
    if (!backend->request || !job_try_begin(&a.obj->jobs, JOB_MODIFY, api))
        return ASYNC_REFUSED;
    a.job = JOB_MODIFY;
    a.has_job = TRUE;
    api_refresh(&a);
    if (!a.state->guest || a.state->state != (pause ? VIR_DOMAIN_RUNNING : VIR_DOMAIN_PAUSED))
        return ASYNC_REFUSED;
    Switch *s = g_new0(Switch, 1);
    *s = (Switch) { guest_ref(a.state->guest), pause, done, opaque };
    g_atomic_int_set(wish_of(s), pause ? VIR_DOMAIN_PAUSED_USER : VIR_DOMAIN_RUNNING_UNPAUSED);
    if (backend->request(s->guest, pause ? GUEST_REQUEST_PAUSE : GUEST_REQUEST_CONT, switch_answered, s) < 0) {
        g_atomic_int_set(wish_of(s), -1);
        guest_unref(s->guest);
        g_free(s);
        return ASYNC_FAILED;
    }
    a.has_job = FALSE; /* it is the answer's now */
    return ASYNC_BEGUN;
}

AsyncStart core_domain_suspend_async(virDomainPtr dom, AsyncDone done, void *opaque)
{
    return switch_begin(dom, TRUE, "virDomainSuspend", done, opaque);
}

AsyncStart core_domain_resume_async(virDomainPtr dom, AsyncDone done, void *opaque)
{
    return switch_begin(dom, FALSE, "virDomainResume", done, opaque);
}
