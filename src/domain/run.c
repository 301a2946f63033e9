/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Begin and end of a run.
 */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#define LOG_SOURCE "domain.run"
#include "domain/run.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "domain/connect.h"
#include "domain/persist.h"
#include <fcntl.h>
#include <unistd.h>

/* How long a process may take to end on SIGTERM before it is killed. */
#define KILL_GRACE_MS 10000

gboolean run_is_current(const DomainTransition *t, const Guest *guest)
{
    return t->old->guest == guest;
}

/* ---- states ---- */

static int suspended_detail(int reason)
{
    switch (reason) {
    case VIR_DOMAIN_PAUSED_MIGRATION: return VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED;
    case VIR_DOMAIN_PAUSED_IOERROR: return VIR_DOMAIN_EVENT_SUSPENDED_IOERROR;
    case VIR_DOMAIN_PAUSED_WATCHDOG: return VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG;
    case VIR_DOMAIN_PAUSED_FROM_SNAPSHOT: return VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT;
    default: return VIR_DOMAIN_EVENT_SUSPENDED_PAUSED;
    }
}

static gboolean change_paused(DomainTransition *t, void *opaque)
{
    RunChange *c = opaque;
    if (!run_is_current(t, c->guest) || t->old->state != VIR_DOMAIN_RUNNING)
        return FALSE;
    transition_set_state(t, VIR_DOMAIN_PAUSED, c->reason);
    transition_lifecycle(t, VIR_DOMAIN_EVENT_SUSPENDED, suspended_detail(c->reason));
    return TRUE;
}

static gboolean change_running(DomainTransition *t, void *opaque)
{
    RunChange *c = opaque;
    if (!run_is_current(t, c->guest) || t->old->state == VIR_DOMAIN_RUNNING)
        return FALSE;
    gboolean memory_is_old = c->reason == VIR_DOMAIN_RUNNING_FROM_SNAPSHOT || c->reason == VIR_DOMAIN_RUNNING_RESTORED;
    transition_set_state(t, VIR_DOMAIN_RUNNING, c->reason);
    transition_lifecycle(t, VIR_DOMAIN_EVENT_RESUMED, memory_is_old ? VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT
                                                                    : VIR_DOMAIN_EVENT_RESUMED_UNPAUSED);
    return TRUE;
}

void run_apply_paused(Guest *guest, int reason)
{
    domain_change(guest->dom, change_paused, &(RunChange) { .guest = guest, .reason = reason });
}

void run_apply_running(Guest *guest, int reason)
{
    domain_change(guest->dom, change_running, &(RunChange) { .guest = guest, .reason = reason });
}

static gboolean change_booted(DomainTransition *t, void *opaque)
{
    const RunChange *c = opaque;
    /* a real one may have been paused meanwhile */
    if (!run_is_current(t, c->guest) || (t->old->state != VIR_DOMAIN_RUNNING && !host_backend(c->guest->host)->simulated))
        return FALSE;
    transition_set_state(t, VIR_DOMAIN_RUNNING, c->reason);
    return TRUE;
}

void run_apply_booted(Guest *guest, int reason)
{
    domain_change(guest->dom, change_booted, &(RunChange) { .guest = guest, .reason = reason });
}

gboolean lifecycle_restarts(DomainLifecycleAction action)
{
    return action == DOMAIN_LIFECYCLE_ACTION_RESTART || action == DOMAIN_LIFECYCLE_ACTION_RENAME_RESTART ||
           action == DOMAIN_LIFECYCLE_ACTION_COREDUMP_RESTART;
}

gboolean lifecycle_dumps(DomainLifecycleAction action)
{
    return action == DOMAIN_LIFECYCLE_ACTION_COREDUMP_DESTROY || action == DOMAIN_LIFECYCLE_ACTION_COREDUMP_RESTART;
}

int run_pause(Guest *guest, int reason)
{
    const DomainBackend *backend = host_backend(guest->host);
    g_atomic_int_set(&guest_core(guest)->want_pause, reason);
    int rc = GUEST_CALL(backend->pause(guest));
    if (rc == 0)
        run_apply_paused(guest, reason);
    g_atomic_int_set(&guest_core(guest)->want_pause, -1);
    return rc;
}

int run_cont(Guest *guest, int reason)
{
    const DomainBackend *backend = host_backend(guest->host);
    g_atomic_int_set(&guest_core(guest)->want_run, reason);
    int rc = GUEST_CALL(backend->cont(guest));
    /* If it has told so itself, it may have crashed since. */
    if (g_atomic_int_exchange(&guest_core(guest)->want_run, -1) >= 0 && rc == 0)
        run_apply_running(guest, reason);
    return rc;
}

/* ---- end ---- */

ClaimResult run_claim_end(Guest *guest, int reason, int detail)
{
    GuestCore *core = guest_core(guest);
    g_mutex_lock(&core->lock);
    ClaimResult result = CLAIM_LOST;
    if (!core->claimed) {
        core->claimed = TRUE;
        core->end_reason = reason;
        core->end_detail = detail;
        result = g_atomic_int_get(&guest->starting) ? CLAIM_OF_STARTER : CLAIM_MINE;
    }
    g_mutex_unlock(&core->lock);
    return result;
}

void run_release_claim(Guest *guest)
{
    GuestCore *core = guest_core(guest);
    g_mutex_lock(&core->lock);
    gboolean lost = core->lost;
    core->claimed = FALSE;
    g_mutex_unlock(&core->lock);
    if (lost)
        guest_upcall_ended(guest, FALSE); /* what came while we had the claim was put off */
}

static gboolean change_ended(DomainTransition *t, void *opaque)
{
    GuestCore *core = opaque;
    if (!run_is_current(t, &core->pub))
        return FALSE;
    transition_set_guest(t, NULL);
    transition_set_live(t, NULL);
    transition_set_backup(t, NULL);
    t->next->taints = 0;
    transition_set_state(t, VIR_DOMAIN_SHUTOFF, core->end_reason);
    if (core->end_detail >= 0)
        transition_lifecycle(t, VIR_DOMAIN_EVENT_STOPPED, core->end_detail);
    return TRUE;
}

static const char *const end_texts[] = {
    "unknown", "shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "from-snapshot", "daemon",
};

/* Nothing makes a domain visible again that isn't (see domain_hold()): it can be taken out at any time. */
static void forget_gone(DomainObj *obj)
{
    g_autoptr(DomainState) state = domain_state(obj);
    if (domain_visible(state))
        return;
    virErrorPtr error = error_save();
    moments_forget_gone(obj);
    store_remove(host_domains(obj->host), obj);
    error_restore(error);
}

void domain_forget(DomainObj *obj, const DomainDef *def, unsigned int flags)
{
    const DomainBackend *backend = host_backend(obj->host);
    if (backend->forget)
        pool_blocking_begin(), backend->forget(obj->host, def, flags), pool_blocking_end();
}

static gboolean change_held(DomainTransition *t, void *opaque)
{
    t->next->held = TRUE;
    return domain_visible(t->old);
}

gboolean domain_hold(DomainObj *obj)
{
    return domain_change(obj, change_held, NULL);
}

static gboolean change_free(DomainTransition *t, void *opaque)
{
    t->next->held = FALSE;
    return t->old->held;
}

void domain_let_go(DomainObj *obj)
{
    domain_change(obj, change_free, NULL);
    forget_gone(obj);
}

void run_finish(Guest *guest)
{
    GuestCore *core = guest_core(guest);
    const DomainBackend *backend = host_backend(guest->host);
    DomainObj *obj = guest->dom;
    g_autoptr(DomainState) state = domain_state(obj);

    if (backend->cleanup && state->live)
        pool_blocking_begin(), backend->cleanup(guest, shared_def_get(state->live)), pool_blocking_end();
    guest_log(guest, "shutting down, reason=%s", end_texts[core->end_reason]);
    status_remove(guest);
    store_set_id(host_domains(guest->host), obj, -1);
    domain_change(obj, change_ended, core);
    g_autoptr(DomainState) after = domain_state(obj);
    if (state->live && !after->persistent && !after->held)
        domain_forget(obj, shared_def_get(state->live), 0);

    forget_gone(obj);
    g_mutex_lock(&core->lock);
    core->ended = TRUE;
    g_cond_broadcast(&core->end_cond);
    g_mutex_unlock(&core->lock);
}

static void going(Guest *guest, gboolean now)
{
    GuestCore *core = guest_core(guest);
    g_mutex_lock(&core->lock);
    core->going = now;
    g_cond_broadcast(&core->end_cond);
    g_mutex_unlock(&core->lock);
}

void run_wait_going(Guest *guest)
{
    GuestCore *core = guest_core(guest);
    gint64 until = g_get_monotonic_time() + guest_deadline_ms(guest) * 1000;
    pool_blocking_begin();
    g_mutex_lock(&core->lock);
    while (core->going && g_cond_wait_until(&core->end_cond, &core->lock, until))
        ;
    g_mutex_unlock(&core->lock);
    pool_blocking_end();
}

gboolean run_wait_ended(Guest *guest, gint64 deadline_ms)
{
    GuestCore *core = guest_core(guest);
    gint64 until = g_get_monotonic_time() + deadline_ms * 1000;
    gboolean in_time = TRUE;

    pool_blocking_begin();
    g_mutex_lock(&core->lock);
    while (!core->ended && in_time)
        in_time = g_cond_wait_until(&core->end_cond, &core->lock, until);
    gboolean ended = core->ended;
    g_mutex_unlock(&core->lock);
    pool_blocking_end();
    return ended;
}

static int kill_by_force(Guest *guest, gint64 grace_ms)
{
    g_atomic_int_set(&guest->killed, 1);
    return GUEST_CALL(host_backend(guest->host)->kill(guest, FALSE, grace_ms));
}

int run_end(Guest *guest, int reason, int detail)
{
    switch (run_claim_end(guest, reason, detail)) {
    case CLAIM_LOST:
        break;
    case CLAIM_OF_STARTER:
        return kill_by_force(guest, 0);
    case CLAIM_MINE:
        if (kill_by_force(guest, reason == VIR_DOMAIN_SHUTOFF_SHUTDOWN ? KILL_GRACE_MS : 0) < 0)
            return -1;
        run_finish(guest);
    }
    return 0;
}

/* ---- begin ---- */

typedef struct BeginChange { Guest *guest; SharedDef *live; } BeginChange;

static gboolean change_begun(DomainTransition *t, void *opaque)
{
    BeginChange *c = opaque;
    if (t->old->guest)
        return FALSE;
    transition_set_guest(t, c->guest);
    transition_set_live(t, c->live);
    transition_set_state(t, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP);
    t->next->taints = 0;
    return TRUE;
}

static gboolean change_live(DomainTransition *t, void *opaque)
{
    RunChange *c = opaque;
    if (!run_is_current(t, c->guest))
        return FALSE;
    transition_set_live(t, c->live);
    return TRUE;
}

typedef struct StartChange { Guest *guest; const RunOptions *options; gboolean runs; } StartChange;

static int paused_reason(int detail)
{
    switch (detail) {
    case VIR_DOMAIN_EVENT_SUSPENDED_RESTORED: return VIR_DOMAIN_PAUSED_MIGRATION; /* what an image is to a hypervisor */
    case VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT: return VIR_DOMAIN_PAUSED_FROM_SNAPSHOT;
    default: return VIR_DOMAIN_PAUSED_USER;
    }
}

static gboolean change_started(DomainTransition *t, void *opaque)
{
    StartChange *c = opaque;
    if (!run_is_current(t, c->guest))
        return FALSE;
    transition_lifecycle(t, VIR_DOMAIN_EVENT_STARTED, c->options->started_detail);
    if (c->runs) {
        transition_set_state(t, VIR_DOMAIN_RUNNING, c->options->running_reason);
    } else if (t->old->reason == VIR_DOMAIN_PAUSED_STARTING_UP) {
        transition_set_state(t, VIR_DOMAIN_PAUSED, paused_reason(c->options->paused_detail));
        if (c->options->paused)
            transition_lifecycle(t, VIR_DOMAIN_EVENT_SUSPENDED, c->options->paused_detail);
    }
    return TRUE;
}

static int open_log(Guest *guest)
{
    const HostPaths *paths = host_paths(guest->host);
    if (!paths)
        return 0;
    g_autofree char *path = persist_path(paths->log, guest->name, "log");
    guest->log_fd = file_create(path, O_APPEND, 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
    return guest->log_fd < 0 ? -1 : 0;
}

gboolean run_settle(Guest *guest, gboolean failed, int reason, int detail)
{
    GuestCore *core = guest_core(guest);
    g_mutex_lock(&core->lock);
    g_atomic_int_set(&guest->starting, 0);
    gboolean ours = !core->claimed && (failed || core->lost);
    if (ours) {
        core->claimed = TRUE;
        core->end_reason = reason;
        core->end_detail = detail;
    }
    gboolean over = core->claimed;
    g_mutex_unlock(&core->lock);
    if (!over)
        return TRUE;
    virErrorPtr error = error_save();
    if (!error || error->code == VIR_ERR_OK) {
        error_restore(error);
        error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_FAILED, "domain '%s' ended while it was being started",
                     guest->name);
        error = error_save();
    }
    if (kill_by_force(guest, 0) < 0)
        LOG_ERROR("domain '%s': %s", guest->name, error_message());
    else
        run_finish(guest);
    error_restore(error);
    return FALSE;
}

/* What the last run left behind says nothing about the next one. */
static void forget_stats(DomainObj *obj)
{
    g_mutex_lock(&obj->lock);
    GuestStats *old = g_steal_pointer(&obj->last_stats);
    obj->stats_stuck = FALSE;
    g_mutex_unlock(&obj->lock);
    guest_stats_unref(old);
}

static Guest *begin(DomainObj *obj, DomainDef *def)
{
    DomainHost *host = obj->host;
    g_autoptr(Guest) guest = guest_new(host, obj, def->name, host_take_id(host));
    def->id = guest->id;
    def->has_id = true;
    if (open_log(guest) < 0)
        return NULL;
    guest->starting = 1;
    g_autoptr(SharedDef) early = shared_def_new(domain_def_copy(def));
    if (!domain_change(obj, change_begun, &(BeginChange) { guest, early }))
        return FAIL_NULL(VIR_ERR_OPERATION_INVALID, "domain '%s' is already running", def->name);
    store_set_id(host_domains(host), obj, guest->id);
    forget_stats(obj);
    return g_steal_pointer(&guest);
}

/* A guest that boots is told of when it runs; one that goes on from where it was begins to run as a second step. */
static int set_going(Guest *guest, const RunOptions *options)
{
    const DomainBackend *backend = host_backend(guest->host);
    gboolean boots = options->running_reason == VIR_DOMAIN_RUNNING_BOOTED;
    gboolean at_once = backend->simulated && !options->paused;
    gboolean run = !backend->simulated && !options->paused;
    if (at_once && GUEST_CALL(backend->cont(guest)) < 0)
        return -1;
    if (run && boots && run_cont(guest, options->running_reason) < 0)
        return -1;
    if (!domain_change(guest->dom, change_started, &(StartChange) { guest, options, at_once }))
        return FAIL(VIR_ERR_OPERATION_FAILED, "domain '%s' was destroyed while it was being started", guest->name);
    /* noted down before it goes on from an image: then this run's disks have left the image's time, and a daemon that finds
     * it must not undo the start */
    if (run && !boots && (status_save(guest) < 0 || run_cont(guest, options->running_reason) < 0))
        return -1;
    return status_save(guest);
}

int run_start(DomainObj *obj, SharedDef *config, const RunOptions *options)
{
    g_autoptr(DomainDef) def = shared_def_copy(config);
    g_autoptr(Guest) guest = begin(obj, def);
    if (!guest)
        return -1;
    /* written before there is a process, so that no daemon ever meets one that it knows nothing of */
    gboolean failed = status_save(guest) < 0 ||
                      GUEST_CALL(host_backend(obj->host)->start(guest, def, &options->start)) < 0;
    if (guest->log_fd >= 0)
        close(guest->log_fd);
    guest->log_fd = -1;
    if (guest->pid > 0)
        guest->pid_start = process_start_time(guest->pid);
    if (!failed) {
        g_autoptr(SharedDef) live = shared_def_new(g_steal_pointer(&def));
        domain_change(obj, change_live, &(RunChange) { .guest = guest, .live = live });
        failed = status_save(guest) < 0;
    }
    /* a start that failed is told to the caller only */
    if (!run_settle(guest, failed, VIR_DOMAIN_SHUTOFF_FAILED, -1))
        return -1;
    going(guest, TRUE);
    int rc = set_going(guest, options);
    going(guest, FALSE);
    if (rc < 0) {
        virErrorPtr error = error_save();
        run_end(guest, VIR_DOMAIN_SHUTOFF_FAILED, -1);
        error_restore(error);
        return -1;
    }
    if (options->conn && (options->start.flags & VIR_DOMAIN_START_AUTODESTROY))
        connect_add_autodestroy(options->conn, guest);
    return 0;
}
