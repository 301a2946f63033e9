/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What hypervisors tell by themselves. Upcalls come on the I/O loop's thread and only publish; what takes time (ending a
 * process, resetting) goes to a worker.
 */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#define LOG_SOURCE "domain.upcall"
#include "base/error.h"
#include "base/log.h"
#include "core/event_table.h"
#include "domain/devices.h"
#include "domain/run.h"
#include "domain/taint.h"

/* Name, UUID and id for an event's constructor. */
#define ABOUT(guest) (guest)->name, (guest)->uuid, (guest)->id

static gboolean is_over(Guest *guest)
{
    g_autoptr(DomainState) state = domain_state(guest->dom);
    return state->guest != guest;
}

static gboolean change_emit_only(DomainTransition *t, void *opaque)
{
    void **args = opaque;
    if (!run_is_current(t, args[0])) {
        event_unref(args[1]);
        return FALSE;
    }
    transition_emit(t, args[1]);
    return TRUE;
}

/* Emit an event in the order of the domain's changes, unless the run is over. */
static void emit(Guest *guest, Event *event)
{
    domain_change(guest->dom, change_emit_only, (void *[]) { guest, event });
}

static gboolean is_fake_reboot(Guest *guest)
{
    GuestCore *core = guest_core(guest);
    g_mutex_lock(&core->lock);
    gboolean fake = core->fake_reboot;
    g_mutex_unlock(&core->lock);
    return fake;
}

void guest_upcall_stopped(Guest *guest, int reason)
{
    if (is_fake_reboot(guest))
        return;
    /* whoever asked for it writes the status itself, before it says that it is done */
    int asked = g_atomic_int_get(&guest_core(guest)->want_pause);
    if (reason < 0)
        reason = asked;
    run_apply_paused(guest, reason < 0 ? VIR_DOMAIN_PAUSED_UNKNOWN : reason);
    if (asked < 0)
        status_save_later(guest);
}

void guest_upcall_resumed(Guest *guest, int reason)
{
    int asked = g_atomic_int_exchange(&guest_core(guest)->want_run, -1);
    if (reason < 0)
        reason = asked;
    run_apply_running(guest, reason < 0 ? VIR_DOMAIN_RUNNING_UNPAUSED : reason);
    if (asked < 0)
        status_save_later(guest);
}

/* ---- power off ---- */

static void end_after_shutdown(void *opaque)
{
    g_autoptr(Guest) guest = opaque;
    run_wait_going(guest);
    if (run_end(guest, VIR_DOMAIN_SHUTOFF_SHUTDOWN, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN) < 0)
        LOG_ERROR("domain '%s' powered off, but its process can't be ended: %s", guest->name, error_message());
}

static void end_after_crash(void *opaque)
{
    g_autoptr(Guest) guest = opaque;
    run_wait_going(guest);
    if (run_end(guest, VIR_DOMAIN_SHUTOFF_CRASHED, VIR_DOMAIN_EVENT_STOPPED_CRASHED) < 0)
        LOG_ERROR("domain '%s' crashed, but its process can't be ended: %s", guest->name, error_message());
}

static void restart(void *opaque)
{
    g_autoptr(Guest) guest = opaque;
    GuestCore *core = guest_core(guest);
    const DomainBackend *backend = host_backend(guest->host);
    run_wait_going(guest);
    g_autoptr(DomainState) before = domain_state(guest->dom);
    int reason = before->state == VIR_DOMAIN_CRASHED ? VIR_DOMAIN_RUNNING_CRASHED : VIR_DOMAIN_RUNNING_BOOTED;
    int rc = backend->reset ? GUEST_CALL(backend->reset(guest)) : FAIL(VIR_ERR_NO_SUPPORT, "reset");
    if (rc == 0)
        rc = run_cont(guest, reason);
    g_mutex_lock(&core->lock);
    core->fake_reboot = FALSE;
    g_mutex_unlock(&core->lock);
    if (rc == 0) {
        run_apply_booted(guest, reason);
        status_save_later(guest);
        return;
    }
    LOG_ERROR("domain '%s' can't be rebooted and is ended: %s", guest->name, error_message());
    end_after_shutdown(guest_ref(guest));
}

static gboolean change_shutdown(DomainTransition *t, void *opaque)
{
    RunChange *c = opaque;
    if (!run_is_current(t, c->guest) || t->old->state == VIR_DOMAIN_SHUTDOWN)
        return FALSE;
    transition_set_state(t, VIR_DOMAIN_SHUTDOWN, c->reason);
    transition_lifecycle(t, VIR_DOMAIN_EVENT_SHUTDOWN, c->detail);
    return TRUE;
}

static DomainLifecycleAction lifecycle_action(Guest *guest, gsize offset)
{
    g_autoptr(DomainState) state = domain_state(guest->dom);
    return state->live ? G_STRUCT_MEMBER(DomainLifecycleAction, shared_def_get(state->live), offset)
                       : DOMAIN_LIFECYCLE_ACTION_DESTROY;
}

/* Whether a guest that powered off is to run again. Marks it, if so. A process that is being ended from outside can't. */
static gboolean wants_restart(Guest *guest, gboolean by_guest, gboolean reboot)
{
    GuestCore *core = guest_core(guest);
    DomainLifecycleAction action = lifecycle_action(guest, reboot ? offsetof(DomainDef, on_reboot)
                                                                  : offsetof(DomainDef, on_poweroff));
    g_mutex_lock(&core->lock);
    if (!core->claimed && by_guest && lifecycle_restarts(action))
        core->fake_reboot = TRUE;
    core->got_shutdown = !core->fake_reboot;
    gboolean again = core->fake_reboot;
    g_mutex_unlock(&core->lock);
    return again;
}

void guest_upcall_shutdown(Guest *guest, gboolean by_guest, gboolean reboot)
{
    if (is_over(guest))
        return;
    if (wants_restart(guest, by_guest, reboot)) {
        host_run(guest->host, guest->dom, restart, guest_ref(guest));
        return;
    }
    RunChange change = { .guest = guest, .reason = VIR_DOMAIN_SHUTDOWN_UNKNOWN,
                         .detail = by_guest ? VIR_DOMAIN_EVENT_SHUTDOWN_GUEST : VIR_DOMAIN_EVENT_SHUTDOWN_HOST };
    domain_change(guest->dom, change_shutdown, &change);
    if (lifecycle_action(guest, offsetof(DomainDef, on_poweroff)) != DOMAIN_LIFECYCLE_ACTION_PRESERVE)
        host_run(guest->host, guest->dom, end_after_shutdown, guest_ref(guest));
}

void guest_upcall_reset(Guest *guest)
{
    emit(guest, event_domain_reboot_new(ABOUT(guest)));
    if (is_fake_reboot(guest) || lifecycle_action(guest, offsetof(DomainDef, on_reboot)) !=
        DOMAIN_LIFECYCLE_ACTION_DESTROY)
        return;
    host_run(guest->host, guest->dom, end_after_shutdown, guest_ref(guest));
}

/* ---- crashes ---- */

static gboolean change_crashed(DomainTransition *t, void *opaque)
{
    RunChange *c = opaque;
    if (!run_is_current(t, c->guest) || t->old->state == VIR_DOMAIN_CRASHED)
        return FALSE;
    transition_set_state(t, VIR_DOMAIN_CRASHED, VIR_DOMAIN_CRASHED_PANICKED);
    transition_lifecycle(t, VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_PANICKED);
    return TRUE;
}

static gboolean mark_for_restart(Guest *guest)
{
    GuestCore *core = guest_core(guest);
    g_mutex_lock(&core->lock);
    core->fake_reboot = !core->claimed;
    gboolean marked = core->fake_reboot;
    g_mutex_unlock(&core->lock);
    return marked;
}

static void dump_after_crash(void *opaque)
{
    g_autoptr(Guest) guest = opaque;
    run_wait_going(guest);
    if (run_dump(guest, VIR_DUMP_MEMORY_ONLY) < 0)
        LOG_ERROR("domain '%s' crashed, but its core can't be dumped: %s", guest->name, error_message());
}

/* What it is to do after its crash comes behind the dump: what is run for a domain is run one after the other. */
void guest_upcall_panicked(Guest *guest, const char *info)
{
    DomainLifecycleAction action = lifecycle_action(guest, offsetof(DomainDef, on_crash));
    if (!domain_change(guest->dom, change_crashed, &(RunChange) { .guest = guest }))
        return;
    guest_log(guest, "panic %s", info ? info : "");
    if (lifecycle_dumps(action))
        host_run(guest->host, guest->dom, dump_after_crash, guest_ref(guest));
    if (lifecycle_restarts(action) && mark_for_restart(guest))
        host_run(guest->host, guest->dom, restart, guest_ref(guest));
    else if (action != DOMAIN_LIFECYCLE_ACTION_PRESERVE)
        host_run(guest->host, guest->dom, end_after_crash, guest_ref(guest));
    else
        status_save_later(guest);
}

static void end_after_loss(void *opaque)
{
    g_autoptr(Guest) guest = opaque;
    g_atomic_int_set(&guest->killed, 1);
    if (GUEST_CALL(host_backend(guest->host)->kill(guest, FALSE, 0)) < 0)
        LOG_ERROR("domain '%s' is lost, but its process can't be ended: %s", guest->name, error_message());
    else
        run_finish(guest);
}

void guest_upcall_ended(Guest *guest, gboolean crashed)
{
    GuestCore *core = guest_core(guest);
    g_mutex_lock(&core->lock);
    core->lost = TRUE;
    gboolean ours = !core->claimed && !core->ended && !g_atomic_int_get(&guest->starting);
    if (ours) {
        gboolean normal = core->got_shutdown && !crashed;
        core->claimed = TRUE;
        core->end_reason = normal ? VIR_DOMAIN_SHUTOFF_SHUTDOWN : VIR_DOMAIN_SHUTOFF_CRASHED;
        core->end_detail = normal ? VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN : VIR_DOMAIN_EVENT_STOPPED_FAILED;
    }
    g_mutex_unlock(&core->lock);
    if (ours)
        host_run(guest->host, guest->dom, end_after_loss, guest_ref(guest));
}

/* ---- devices and the like ---- */

static void dump_after_watchdog(void *opaque)
{
    g_autoptr(Guest) guest = opaque;
    run_wait_going(guest);
    if (run_dump(guest, VIR_DUMP_MEMORY_ONLY) < 0)
        LOG_ERROR("the watchdog of domain '%s' wants a dump of its core, which fails: %s", guest->name, error_message());
    if (run_cont(guest, VIR_DOMAIN_RUNNING_UNPAUSED) < 0)
        LOG_ERROR("domain '%s' stays paused: %s", guest->name, error_message());
}

/* Hypervisors can but pause for it. */
static gboolean wants_dump(Guest *guest)
{
    g_autoptr(DomainState) state = domain_state(guest->dom);
    const DomainDef *def = state->live ? shared_def_get(state->live) : NULL;
    return def && def->devices.n_watchdogs > 0 && def->devices.watchdogs[0]->action == DOMAIN_WATCHDOG_ACTION_DUMP;
}

void guest_upcall_watchdog(Guest *guest, int action)
{
    emit(guest, event_domain_watchdog_new(ABOUT(guest), action));
    if (action != VIR_DOMAIN_EVENT_WATCHDOG_PAUSE)
        return;
    guest_upcall_stopped(guest, VIR_DOMAIN_PAUSED_WATCHDOG);
    if (wants_dump(guest))
        host_run(guest->host, guest->dom, dump_after_watchdog, guest_ref(guest));
}

void guest_upcall_io_error(Guest *guest, const char *path, const char *alias, int action, const char *reason)
{
    emit(guest, event_domain_io_error_new(ABOUT(guest), path ? path : "", alias ? alias : "", action));
    emit(guest, event_domain_io_error_reason_new(ABOUT(guest), path ? path : "", alias ? alias : "", action,
                                                 reason ? reason : ""));
    if (action == VIR_DOMAIN_EVENT_IO_ERROR_PAUSE)
        guest_upcall_stopped(guest, VIR_DOMAIN_PAUSED_IOERROR);
}

void guest_upcall_block_threshold(Guest *guest, const char *target, const char *path, unsigned long long threshold,
                                  unsigned long long excess)
{
    emit(guest, event_domain_block_threshold_new(ABOUT(guest), target, path, threshold, excess));
}

void guest_upcall_nic_mac_change(Guest *guest, const char *alias, const char *old, const char *now)
{
    emit(guest, event_domain_nic_mac_change_new(ABOUT(guest), alias, old, now));
}

static void set_tray(DomainDef *def, const GuestNews *news)
{
    DeviceRef ref;
    if (!device_by_alias(def, news->alias, &ref) || !g_str_equal(ref.member->name, "disk"))
        return;
    DomainDisk *disk = ref.device;
    disk->target.tray = news->value ? DOMAIN_DISK_TRAY_OPEN : DOMAIN_DISK_TRAY_UNSET;
}

void guest_upcall_tray(Guest *guest, const char *alias, gboolean open)
{
    if (guest_change_def(guest, set_tray, &(GuestNews) { .alias = alias, .value = open }))
        emit(guest, event_domain_tray_change_new(ABOUT(guest), alias, open ? VIR_DOMAIN_EVENT_TRAY_CHANGE_OPEN
                                                                           : VIR_DOMAIN_EVENT_TRAY_CHANGE_CLOSE));
    status_save_later(guest);
}

void guest_upcall_graphics(Guest *guest, int phase, const virDomainEventGraphicsAddress *local,
                           const virDomainEventGraphicsAddress *remote, const char *scheme, const virDomainEventGraphicsSubject *subject)
{
    emit(guest, event_domain_graphics_new(ABOUT(guest), phase, local, remote, scheme, subject));
}

void guest_upcall_memory_failure(Guest *guest, int recipient, int action, unsigned int flags)
{
    emit(guest, event_domain_memory_failure_new(ABOUT(guest), recipient, action, flags));
}

void guest_upcall_crash_loaded(Guest *guest)
{
    guest_log(guest, "the guest crashed and loaded a kernel that dumps it");
    emit(guest, event_domain_lifecycle_new(ABOUT(guest), VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_CRASHLOADED));
}

static void set_memory_size(DomainDef *def, const GuestNews *news)
{
    DeviceRef ref;
    if (!device_by_alias(def, news->alias, &ref) || !g_str_equal(ref.member->name, "memory"))
        return;
    DomainMemory *memory = ref.device;
    memory->target.current = news->value;
    memory->target.has_current = TRUE;
}

void guest_upcall_memory_size(Guest *guest, const char *alias, unsigned long long kib)
{
    if (guest_change_def(guest, set_memory_size, &(GuestNews) { alias, kib }))
        emit(guest, event_domain_memory_device_size_change_new(ABOUT(guest), alias, kib));
    status_save_later(guest);
}

static void set_current_memory(DomainDef *def, const GuestNews *news)
{
    def->current_memory = news->value;
}

void guest_upcall_balloon(Guest *guest, unsigned long long kib)
{
    if (guest_change_def(guest, set_current_memory, &(GuestNews) { .value = kib }))
        emit(guest, event_domain_balloon_change_new(ABOUT(guest), kib));
    status_save_later(guest);
}

/* A variable clock keeps what the guest sets it to. */
static void set_clock(DomainDef *def, const GuestNews *news)
{
    if (def->clock.offset != DOMAIN_CLOCK_OFFSET_VARIABLE)
        return;
    g_free(def->clock.adjustment);
    def->clock.adjustment = g_strdup_printf("%lld", (long long) news->value);
    def->clock.basis = DOMAIN_CLOCK_BASIS_UTC;
}

void guest_upcall_rtc(Guest *guest, long long offset)
{
    if (guest_change_def(guest, set_clock, &(GuestNews) { .value = (unsigned long long) offset }))
        status_save_later(guest);
    emit(guest, event_domain_rtc_change_new(ABOUT(guest), offset));
}

static void remove_gone(DomainDef *def, const GuestNews *news)
{
    DeviceRef ref;
    if (device_by_alias(def, news->alias, &ref))
        device_remove(def, &ref);
}

typedef struct Gone { const char *alias; const char *kind; const XmlDesc *desc; void *device; } Gone;

static void copy_device(const DomainDef *def, void *opaque)
{
    Gone *gone = opaque;
    DeviceRef ref;
    if (!device_by_alias(def, gone->alias, &ref))
        return;
    gone->kind = ref.member->name;
    gone->desc = ref.member->info;
    gone->device = xml_struct_copy(gone->desc, ref.device);
}

void guest_upcall_device_kept(Guest *guest, const char *alias)
{
    emit(guest, event_domain_device_removal_failed_new(ABOUT(guest), alias));
}

gboolean guest_upcall_device_deleted(Guest *guest, const char *alias)
{
    Gone gone = { .alias = alias };
    guest_with_def(guest, copy_device, &gone);
    gboolean known = gone.device != NULL;
    guest_change_def(guest, remove_gone, &(GuestNews) { .alias = alias });
    if (known && host_backend(guest->host)->device_gone)
        host_backend(guest->host)->device_gone(guest, gone.kind, gone.device);
    xml_struct_free(gone.desc, gone.device);
    emit(guest, event_domain_device_removed_new(ABOUT(guest), alias));
    return known;
}

static gboolean change_pmsuspended(DomainTransition *t, void *opaque)
{
    RunChange *c = opaque;
    if (!run_is_current(t, c->guest) || t->old->state == VIR_DOMAIN_PMSUSPENDED)
        return FALSE;
    transition_set_state(t, VIR_DOMAIN_PMSUSPENDED, VIR_DOMAIN_PMSUSPENDED_UNKNOWN);
    transition_lifecycle(t, VIR_DOMAIN_EVENT_PMSUSPENDED, VIR_DOMAIN_EVENT_PMSUSPENDED_MEMORY);
    return TRUE;
}

void guest_upcall_pmsuspend(Guest *guest, gboolean to_disk)
{
    emit(guest, to_disk ? event_domain_pmsuspend_disk_new(ABOUT(guest), 0)
                        : event_domain_pmsuspend_new(ABOUT(guest), 0));
    if (!to_disk)
        domain_change(guest->dom, change_pmsuspended, &(RunChange) { .guest = guest });
    status_save_later(guest);
}

static gboolean change_woken(DomainTransition *t, void *opaque)
{
    RunChange *c = opaque;
    if (!run_is_current(t, c->guest) || t->old->state != VIR_DOMAIN_PMSUSPENDED)
        return FALSE;
    transition_set_state(t, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_WAKEUP);
    transition_lifecycle(t, VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_WAKEUP);
    return TRUE;
}

void guest_upcall_pmwakeup(Guest *guest)
{
    emit(guest, event_domain_pmwakeup_new(ABOUT(guest), 0));
    domain_change(guest->dom, change_woken, &(RunChange) { .guest = guest });
    status_save_later(guest);
}

static DomainChannel *find_channel(const DomainDef *def, const char *alias)
{
    for (guint i = 0; i < def->devices.n_channels; i++) {
        if (g_strcmp0(def->devices.channels[i]->info.alias, alias) == 0)
            return def->devices.channels[i];
    }
    return NULL;
}

static void set_channel_state(DomainDef *def, const GuestNews *news)
{
    DomainChannel *channel = find_channel(def, news->alias);
    if (channel)
        channel->target.state = news->value ? CHANNEL_STATE_CONNECTED : CHANNEL_STATE_DISCONNECTED;
}

typedef struct ChannelName { const char *alias; char *name; } ChannelName;

static void read_channel_name(const DomainDef *def, void *opaque)
{
    ChannelName *c = opaque;
    const DomainChannel *channel = find_channel(def, c->alias);
    c->name = channel ? g_strdup(channel->target.name) : NULL;
}

void guest_upcall_channel(Guest *guest, gboolean open, const char *alias)
{
    ChannelName c = { .alias = alias };
    if (!guest_change_def(guest, set_channel_state, &(GuestNews) { alias, (unsigned long long) open }) ||
        !guest_with_def(guest, read_channel_name, &c) || !c.name)
        return;
    emit(guest, event_domain_channel_lifecycle_new(ABOUT(guest), c.name,
        open ? VIR_CONNECT_DOMAIN_EVENT_CHANNEL_LIFECYCLE_STATE_CONNECTED
             : VIR_CONNECT_DOMAIN_EVENT_CHANNEL_LIFECYCLE_STATE_DISCONNECTED,
        VIR_CONNECT_DOMAIN_EVENT_CHANNEL_LIFECYCLE_REASON_CHANNEL));
    if (g_str_equal(c.name, DOMAIN_AGENT_CHANNEL))
        emit(guest, event_domain_agent_lifecycle_new(ABOUT(guest),
            open ? VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED
                 : VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_DISCONNECTED,
            VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_CHANNEL));
    g_free(c.name);
    status_save_later(guest);
}

void guest_upcall_monitor_event(Guest *guest, const char *event, long long seconds, unsigned int micros, const char *json)
{
    event_emit(host_bus(guest->host), event_qemu_monitor_new(ABOUT(guest), event, seconds, micros, json));
}

/* ---- changes to the live definition ---- */

typedef struct DefEdit { Guest *guest; SharedDef *base, *next; GuestDefChange change; const GuestNews *news; } DefEdit;

static gboolean change_edited(DomainTransition *t, void *opaque)
{
    DefEdit *e = opaque;
    if (!run_is_current(t, e->guest) || t->old->live != e->base)
        return FALSE;
    transition_set_live(t, e->next);
    transition_told(t, e->change, e->news);
    return TRUE;
}

gboolean guest_change_def(Guest *guest, GuestDefChange change, const GuestNews *news)
{
    for (;;) {
        g_autoptr(DomainState) state = domain_state(guest->dom);
        if (state->guest != guest)
            return FALSE;
        DomainDef *copy = shared_def_copy(state->live);
        change(copy, news);
        g_autoptr(SharedDef) next = shared_def_new(copy);
        if (domain_change(guest->dom, change_edited, &(DefEdit) { guest, state->live, next, change, news }))
            return TRUE;
    }
}

gboolean guest_with_def(Guest *guest, GuestDefReader reader, void *opaque)
{
    g_autoptr(DomainState) state = domain_state(guest->dom);
    if (state->guest != guest)
        return FALSE;
    reader(shared_def_get(state->live), opaque);
    return TRUE;
}

void guest_status_changed(Guest *guest)
{
    status_save_later(guest);
}

static gboolean change_taint(DomainTransition *t, void *opaque)
{
    RunChange *c = opaque;
    if (!run_is_current(t, c->guest) || (t->old->taints & c->taint))
        return FALSE;
    t->next->taints |= c->taint;
    return TRUE;
}

void guest_taint(Guest *guest, unsigned int taint)
{
    if (!domain_change(guest->dom, change_taint, &(RunChange) { .guest = guest, .taint = 1u << taint }))
        return;
    LOG_WARN("domain '%s' is tainted: %s", guest->name, taint_name(taint));
    guest_log(guest, "Domain id=%d is tainted: %s", guest->id, taint_name(taint));
    status_save_later(guest);
}
