/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Life cycle of guests: start, pause, run, shut down, reboot, reset, destroy.
 */
#define ERROR_DOMAIN api_error_domain
#define LOG_SOURCE "domain.life"
#include "domain/api.h"
#include <errno.h>
#include <unistd.h>
#include "base/log.h"
#include "domain/functions.h"
#include "domain/persist.h"

/* How long a guest that is asked to end may take. */
#define GRACE_MS 15000

static gboolean is_simulated(const Access *a)
{
    return host_backend(a->obj->host)->simulated;
}

/* A state that is there already, or from which there is no way to the wanted one. */
#define FAIL_STATE(a, ...) FAIL(is_simulated(a) ? VIR_ERR_INTERNAL_ERROR : VIR_ERR_OPERATION_INVALID, __VA_ARGS__)

static int need_guest(const Access *a)
{
    if (is_simulated(a) && !a->state->guest)
        return FAIL_STATE(a, "domain '%s' is not running", API_NAME(a));
    return api_need_active(a);
}

/* ---- start ---- */

int core_domain_create_with_files(virDomainPtr dom, unsigned int nfiles, int *files, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_AUTODESTROY | VIR_DOMAIN_START_FORCE_BOOT |
              VIR_DOMAIN_START_RESET_NVRAM | VIR_DOMAIN_START_BYPASS_CACHE, -1);
    g_auto(Access) a = { NULL };
    RunOptions options = RUN_OPTIONS_INIT;
    options.start.flags = flags;
    options.start.fds = files;
    options.start.n_fds = nfiles;
    options.conn = dom->o.conn;
    options.paused = flags & VIR_DOMAIN_START_PAUSED;

    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainCreate") < 0)
        return -1;
    if (a.state->guest)
        return FAIL_STATE(&a, "domain is already running: '%s' has id %d", API_NAME(&a), a.state->guest->id);
    if (run_persistent(a.obj, &options) < 0)
        return -1;
    api_refresh(&a);
    dom->id = domain_state_id(a.state);
    return 0;
}

int core_domain_create_with_flags(virDomainPtr dom, unsigned int flags)
{
    return core_domain_create_with_files(dom, 0, NULL, flags);
}

int core_domain_create(virDomainPtr dom)
{
    return core_domain_create_with_files(dom, 0, NULL, 0);
}

/* ---- destroy ---- */

/* Politely only; the claim is given back if the guest doesn't go. */
static int destroy_gracefully(Guest *guest)
{
    ClaimResult claim = run_claim_end(guest, VIR_DOMAIN_SHUTOFF_DESTROYED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED);
    if (claim == CLAIM_LOST)
        return 0;
    if (claim == CLAIM_OF_STARTER)
        g_atomic_int_set(&guest->killed, 1);
    if (GUEST_CALL(host_backend(guest->host)->kill(guest, claim == CLAIM_MINE, GRACE_MS)) < 0) {
        run_release_claim(guest);
        return -1;
    }
    if (claim == CLAIM_MINE)
        run_finish(guest);
    return 0;
}

int core_domain_destroy_flags(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_DESTROY_GRACEFUL | VIR_DOMAIN_DESTROY_REMOVE_LOGS, -1);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_DESTROY, "virDomainDestroy") < 0 || api_need_active(&a) < 0)
        return -1;
    Guest *guest = a.state->guest;
    int rc = flags & VIR_DOMAIN_DESTROY_GRACEFUL
        ? destroy_gracefully(guest)
        : run_end(guest, VIR_DOMAIN_SHUTOFF_DESTROYED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED);
    if (rc < 0)
        return -1;
    if (!run_wait_ended(guest, guest_deadline_ms(guest)))
        return FAIL(VIR_ERR_OPERATION_TIMEOUT, "the end of domain '%s' is under way but not over", API_NAME(&a));
    if (flags & VIR_DOMAIN_DESTROY_REMOVE_LOGS && host_paths(a.obj->host)) {
        g_autofree char *log = persist_path(host_paths(a.obj->host)->log, API_NAME(&a), "log");
        if (unlink(log) < 0 && errno != ENOENT)
            return FAIL_ERRNO(errno, "cannot remove '%s'", log);
    }
    dom->id = -1;
    return 0;
}

int core_domain_destroy(virDomainPtr dom)
{
    return core_domain_destroy_flags(dom, 0);
}

/* ---- pause and run ---- */

int core_domain_suspend(virDomainPtr dom)
{
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainSuspend") < 0 || need_guest(&a) < 0)
        return -1;
    switch (a.state->state) {
    case VIR_DOMAIN_PAUSED:
        return is_simulated(&a) ? FAIL_STATE(&a, "domain '%s' is paused already", API_NAME(&a)) : 0;
    case VIR_DOMAIN_PMSUSPENDED:
        return FAIL_STATE(&a, "domain '%s' is pmsuspended", API_NAME(&a));
    case VIR_DOMAIN_RUNNING:
        return run_pause(a.state->guest, VIR_DOMAIN_PAUSED_USER) < 0 ? -1 : status_save(a.state->guest);
    default:
        return FAIL_STATE(&a, "domain '%s' is not running but ending", API_NAME(&a));
    }
}

int core_domain_resume(virDomainPtr dom)
{
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainResume") < 0 || need_guest(&a) < 0)
        return -1;
    switch (a.state->state) {
    case VIR_DOMAIN_RUNNING:
        return FAIL_STATE(&a, "domain is already running: '%s'", API_NAME(&a));
    case VIR_DOMAIN_PMSUSPENDED:
        return FAIL_STATE(&a, "domain '%s' is pmsuspended; 'virsh dompmwakeup %s' wakes it", API_NAME(&a), API_NAME(&a));
    case VIR_DOMAIN_PAUSED:
        return run_cont(a.state->guest, VIR_DOMAIN_RUNNING_UNPAUSED) < 0 ? -1 : status_save(a.state->guest);
    default:
        return FAIL_STATE(&a, "domain '%s' can't run on in its state; reset or destroy it", API_NAME(&a));
    }
}

/* ---- shut down, reboot, reset ---- */

static int need_running(const Access *a)
{
    if (need_guest(a) < 0)
        return -1;
    if (is_simulated(a) || a->state->state == VIR_DOMAIN_RUNNING)
        return 0;
    return FAIL(VIR_ERR_OPERATION_INVALID, "domain is not running: '%s' is paused, so it can't react", API_NAME(a));
}

static void set_fake_reboot(Guest *guest, gboolean on)
{
    GuestCore *core = guest_core(guest);
    g_mutex_lock(&core->lock);
    core->fake_reboot = on;
    g_mutex_unlock(&core->lock);
}

/* What comes of a guest that is off. */
static int follow_power_off(Guest *guest, DomainLifecycleAction action)
{
    if (!lifecycle_restarts(action))
        return run_end(guest, VIR_DOMAIN_SHUTOFF_SHUTDOWN, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN);
    run_apply_booted(guest, VIR_DOMAIN_RUNNING_BOOTED);
    return status_save(guest);
}

/* By agent if that is what the flags say, or by both, agent first. 1 if it is off already. */
static int ask_to_stop(Guest *guest, unsigned int agent, unsigned int acpi, int (*by_agent)(Guest *guest))
{
    const DomainBackend *backend = host_backend(guest->host);
    if (!agent && !acpi)
        return GUEST_CALL(backend->shutdown(guest, GUEST_STOP_DEFAULT));
    int rc = agent && by_agent ? GUEST_CALL(by_agent(guest)) : -1;
    if (rc >= 0)
        return rc;
    if (agent && !by_agent && !acpi)
        return FAIL(VIR_ERR_NO_SUPPORT, "the agent of domain '%s' can't do this", guest->name);
    if (!acpi)
        return -1;
    virResetLastError();
    return GUEST_CALL(backend->shutdown(guest, GUEST_STOP_ACPI));
}

static int shutdown_by_agent(Guest *guest)
{
    return host_backend(guest->host)->shutdown(guest, GUEST_STOP_AGENT);
}

int core_domain_shutdown_flags(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN | VIR_DOMAIN_SHUTDOWN_GUEST_AGENT, -1);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainShutdown") < 0 || need_running(&a) < 0)
        return -1;
    Guest *guest = a.state->guest;
    set_fake_reboot(guest, FALSE);
    int rc = ask_to_stop(guest, flags & VIR_DOMAIN_SHUTDOWN_GUEST_AGENT, flags & VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN,
                         shutdown_by_agent);
    return rc > 0 ? follow_power_off(guest, shared_def_get(a.state->live)->on_poweroff) : rc;
}

int core_domain_shutdown(virDomainPtr dom)
{
    return core_domain_shutdown_flags(dom, 0);
}

/* Power off, and when that is done reset and run again (see guest_upcall_shutdown()), unless a reboot is to end it. */
static int reboot_by_acpi(Guest *guest, const DomainDef *def)
{
    set_fake_reboot(guest, def->on_reboot != DOMAIN_LIFECYCLE_ACTION_DESTROY &&
                           def->on_reboot != DOMAIN_LIFECYCLE_ACTION_COREDUMP_DESTROY);
    int rc = GUEST_CALL(host_backend(guest->host)->shutdown(guest, GUEST_STOP_ACPI));
    if (rc != 0)
        set_fake_reboot(guest, FALSE);
    return rc > 0 ? follow_power_off(guest, def->on_reboot) : rc;
}

int core_domain_reboot(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_REBOOT_ACPI_POWER_BTN | VIR_DOMAIN_REBOOT_GUEST_AGENT, -1);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainReboot") < 0 || api_need_active(&a) < 0)
        return -1;
    Guest *guest = a.state->guest;
    const DomainDef *def = shared_def_get(a.state->live);
    const DomainBackend *backend = host_backend(guest->host);
    if (flags & VIR_DOMAIN_REBOOT_GUEST_AGENT) {
        int rc = backend->reboot_agent ? GUEST_CALL(backend->reboot_agent(guest))
                                       : FAIL(VIR_ERR_NO_SUPPORT, "the agent of domain '%s'", guest->name);
        if (rc >= 0 || !(flags & VIR_DOMAIN_REBOOT_ACPI_POWER_BTN))
            return rc > 0 ? follow_power_off(guest, def->on_reboot) : rc;
        virResetLastError();
    }
    return reboot_by_acpi(guest, def);
}

int core_domain_reset(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainReset") < 0 || api_need_active(&a) < 0)
        return -1;
    return GUEST_CALL(host_backend(a.obj->host)->reset(a.state->guest));
}

/* ---- on_poweroff and the like ---- */

typedef struct ActionEdit { unsigned int type, action; } ActionEdit;

static int edit_action(DomainDef *def, gboolean live, void *opaque)
{
    ActionEdit *e = opaque;
    DomainLifecycleAction action = (DomainLifecycleAction) (e->action + 1); /* ours begin with UNSET */
    if (e->type == VIR_DOMAIN_LIFECYCLE_POWEROFF)
        def->on_poweroff = action;
    else if (e->type == VIR_DOMAIN_LIFECYCLE_REBOOT)
        def->on_reboot = action;
    else
        def->on_crash = action;
    return 0;
}

int core_domain_set_lifecycle_action(virDomainPtr dom, unsigned int type, unsigned int action, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, -1);
    g_auto(Access) a = { NULL };
    ActionEdit edit = { type, action };
    Scope scope;
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainSetLifecycleAction") < 0 || api_scope(&a, flags, &scope) < 0)
        return -1;
    if (type > VIR_DOMAIN_LIFECYCLE_CRASH || action > VIR_DOMAIN_LIFECYCLE_ACTION_COREDUMP_RESTART)
        return FAIL(VIR_ERR_INVALID_ARG, "unknown life cycle event %u or action %u", type, action);
    static const DefChange change = { .edit = edit_action, .unheard = TRUE };
    return api_change(&a, flags, &change, &edit);
}
