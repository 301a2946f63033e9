/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* event: what happens to domains. Each callback turns its arguments into one line; see events.h. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/events.h"

/* Names by number, for values that count from 0. */
#define NAMED(NAMES, VALUE) named(NAMES, G_N_ELEMENTS(NAMES), VALUE)

static const char *named(const char *const *names, size_t count, int value)
{
    return value >= 0 && (size_t)value < count ? names[value] : "unknown";
}

static void emit_value(virDomainPtr domain, void *opaque, const char *key, const char *value)
{
    json_object *fields = json_object_new_object();

    shell_json_string(fields, key, value);
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "%s", value);
}

static void on_generic(virConnectPtr conn, virDomainPtr domain, void *opaque)
{
    event_emit_lines(opaque, "domain", virDomainGetName(domain), NULL, "");
}

static const char *lifecycle_detail(int event, int detail)
{
    static const char *const defined[] = {"Added", "Updated", "Renamed", "Snapshot"};
    static const char *const undefined[] = {"Removed", "Renamed"};
    static const char *const started[] = {"Booted", "Migrated", "Restored", "Snapshot", "Event wakeup", "Recovered"};
    static const char *const suspended[] = {"Paused", "Migrated", "I/O Error", "Watchdog", "Restored", "Snapshot",
                                            "API error", "Post-copy", "Post-copy Error"};
    static const char *const resumed[] = {"Unpaused", "Migrated", "Snapshot", "Post-copy", "Post-copy Error"};
    static const char *const stopped[] = {"Shutdown", "Destroyed", "Crashed", "Migrated",
                                          "Saved",    "Failed",    "Snapshot", "Recreated"};
    static const char *const shutdown[] = {"Finished", "Finished after guest request", "Finished after host request"};
    static const char *const pmsuspended[] = {"Memory", "Disk"};
    static const char *const crashed[] = {"Panicked", "Crashloaded"};

    switch (event) {
    case VIR_DOMAIN_EVENT_DEFINED:
        return NAMED(defined, detail);
    case VIR_DOMAIN_EVENT_UNDEFINED:
        return NAMED(undefined, detail);
    case VIR_DOMAIN_EVENT_STARTED:
        return NAMED(started, detail);
    case VIR_DOMAIN_EVENT_SUSPENDED:
        return NAMED(suspended, detail);
    case VIR_DOMAIN_EVENT_RESUMED:
        return NAMED(resumed, detail);
    case VIR_DOMAIN_EVENT_STOPPED:
        return NAMED(stopped, detail);
    case VIR_DOMAIN_EVENT_SHUTDOWN:
        return NAMED(shutdown, detail);
    case VIR_DOMAIN_EVENT_PMSUSPENDED:
        return NAMED(pmsuspended, detail);
    case VIR_DOMAIN_EVENT_CRASHED:
        return NAMED(crashed, detail);
    default:
        return "unknown";
    }
}

static void on_lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *opaque)
{
    static const char *const events[] = {"Defined", "Undefined", "Started",     "Suspended", "Resumed",
                                         "Stopped", "Shutdown",  "PMSuspended", "Crashed"};
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "change", NAMED(events, event));
    shell_json_string(fields, "reason", lifecycle_detail(event, detail));
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "%s %s", NAMED(events, event),
               lifecycle_detail(event, detail));
}

static void on_rtc(virConnectPtr conn, virDomainPtr domain, long long offset, void *opaque)
{
    json_object *fields = json_object_new_object();

    shell_json_int(fields, "offset_s", offset);
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "%lld", offset);
}

static void on_watchdog(virConnectPtr conn, virDomainPtr domain, int action, void *opaque)
{
    static const char *const actions[] = {"none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi"};

    emit_value(domain, opaque, "action", NAMED(actions, action));
}

static const char *const io_actions[] = {"none", "pause", "report"};

static void on_io_error(virConnectPtr conn, virDomainPtr domain, const char *path, const char *alias, int action,
                        void *opaque)
{
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "path", path);
    shell_json_string(fields, "device", alias);
    shell_json_string(fields, "action", NAMED(io_actions, action));
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "%s (%s) %s", path, alias,
               NAMED(io_actions, action));
}

static void on_io_error_reason(virConnectPtr conn, virDomainPtr domain, const char *path, const char *alias, int action,
                               const char *reason, void *opaque)
{
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "path", path);
    shell_json_string(fields, "device", alias);
    shell_json_string(fields, "action", NAMED(io_actions, action));
    shell_json_string(fields, "reason", reason);
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "%s (%s) %s due to %s", path, alias,
               NAMED(io_actions, action), reason);
}

static json_object *graphics_address(const virDomainEventGraphicsAddress *address)
{
    static const char *const families[] = {"IPv4", "IPv6", "unix"};
    json_object *object = json_object_new_object();

    shell_json_string(object, "family", NAMED(families, address->family));
    shell_json_string(object, "node", address->node);
    shell_json_string(object, "service", address->service);
    return object;
}

static void on_graphics(virConnectPtr conn, virDomainPtr domain, int phase, const virDomainEventGraphicsAddress *local,
                        const virDomainEventGraphicsAddress *remote, const char *scheme,
                        const virDomainEventGraphicsSubject *subject, void *opaque)
{
    static const char *const families[] = {"IPv4", "IPv6", "unix"};
    static const char *const phases[] = {"connect", "initialize", "disconnect"};
    json_object *fields = json_object_new_object();
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text, "%s local[%s %s %s] remote[%s %s %s] %s", NAMED(phases, phase),
                           NAMED(families, local->family), local->node, local->service,
                           NAMED(families, remote->family), remote->node, remote->service, scheme);
    for (int i = 0; i < subject->nidentity; i++)
        g_string_append_printf(text, "\n\t%s=%s", subject->identities[i].type, subject->identities[i].name);
    shell_json_string(fields, "phase", NAMED(phases, phase));
    json_object_object_add(fields, "local", graphics_address(local));
    json_object_object_add(fields, "remote", graphics_address(remote));
    shell_json_string(fields, "auth_scheme", scheme);
    event_emit_lines(opaque, "domain", virDomainGetName(domain), fields, text->str);
}

static void on_block_job(virConnectPtr conn, virDomainPtr domain, const char *disk, int type, int status, void *opaque)
{
    static const char *const types[] = {"Unknown job", "Block Pull", "Block Copy", "Block Commit",
                                        "Active Block Commit", "Backup"};
    static const char *const statuses[] = {"completed", "failed", "canceled", "ready"};
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "job", NAMED(types, type));
    shell_json_string(fields, "disk", disk);
    shell_json_string(fields, "status", NAMED(statuses, status));
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "%s for %s %s", NAMED(types, type), disk,
               NAMED(statuses, status));
}

static void on_disk_change(virConnectPtr conn, virDomainPtr domain, const char *old_path, const char *new_path,
                           const char *alias, int reason, void *opaque)
{
    static const char *const reasons[] = {"changed", "dropped"};
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "device", alias);
    shell_json_string(fields, "reason", NAMED(reasons, reason));
    shell_json_string(fields, "old_path", old_path);
    shell_json_string(fields, "new_path", new_path);
    event_emit(opaque, "domain", virDomainGetName(domain), fields, " disk %s: %s -> %s: %s", alias,
               old_path ? old_path : "<null>", new_path ? new_path : "<null>", NAMED(reasons, reason));
}

static void on_tray(virConnectPtr conn, virDomainPtr domain, const char *alias, int reason, void *opaque)
{
    static const char *const reasons[] = {"opened", "closed"};
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "device", alias);
    shell_json_string(fields, "reason", NAMED(reasons, reason));
    event_emit(opaque, "domain", virDomainGetName(domain), fields, " disk %s: %s", alias, NAMED(reasons, reason));
}

static void on_pm(virConnectPtr conn, virDomainPtr domain, int reason, void *opaque)
{
    event_emit_lines(opaque, "domain", virDomainGetName(domain), NULL, "");
}

static void on_balloon(virConnectPtr conn, virDomainPtr domain, unsigned long long actual, void *opaque)
{
    json_object *fields = json_object_new_object();

    shell_json_uint(fields, "memory_kib", actual);
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "%lluKiB", actual);
}

static void on_device(virConnectPtr conn, virDomainPtr domain, const char *alias, void *opaque)
{
    emit_value(domain, opaque, "device", alias);
}

static void emit_params(virDomainPtr domain, void *opaque, virTypedParameterPtr params, int count)
{
    json_object *fields = json_object_new_object();
    g_autoptr(GString) text = g_string_new(NULL);

    for (int i = 0; i < count; i++) {
        g_autofree char *value = client_param_text(&params[i]);
        g_string_append_printf(text, "\n\t%s: %s", params[i].field, value);
        client_param_json(fields, params[i].field, &params[i]);
    }
    event_emit_lines(opaque, "domain", virDomainGetName(domain), fields, text->str);
}

static void on_params(virConnectPtr conn, virDomainPtr domain, virTypedParameterPtr params, int count, void *opaque)
{
    emit_params(domain, opaque, params, count);
}

static void on_agent(virConnectPtr conn, virDomainPtr domain, int state, int reason, void *opaque)
{
    static const char *const states[] = {"unknown", "connected", "disconnected"};
    static const char *const reasons[] = {"unknown", "domain started", "channel event"};
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "state", NAMED(states, state));
    shell_json_string(fields, "reason", NAMED(reasons, reason));
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "state: '%s' reason: '%s'", NAMED(states, state),
               NAMED(reasons, reason));
}

static void on_iteration(virConnectPtr conn, virDomainPtr domain, int iteration, void *opaque)
{
    json_object *fields = json_object_new_object();

    shell_json_int(fields, "iteration", iteration);
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "iteration: '%d'", iteration);
}

static void on_metadata(virConnectPtr conn, virDomainPtr domain, int type, const char *uri, void *opaque)
{
    static const char *const types[] = {"description", "title", "element"};
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "type", NAMED(types, type));
    shell_json_string(fields, "uri", uri);
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "type %s, uri %s", NAMED(types, type),
               uri ? uri : "");
}

static void on_threshold(virConnectPtr conn, virDomainPtr domain, const char *device, const char *path,
                         unsigned long long threshold, unsigned long long excess, void *opaque)
{
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "device", device);
    shell_json_string(fields, "path", path);
    shell_json_uint(fields, "threshold_bytes", threshold);
    shell_json_uint(fields, "excess_bytes", excess);
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "dev: %s(%s) %llu %llu", device, path ? path : "",
               threshold, excess);
}

static void on_memory_failure(virConnectPtr conn, virDomainPtr domain, int recipient, int action, unsigned int flags,
                              void *opaque)
{
    static const char *const recipients[] = {"hypervisor", "guest"};
    static const char *const actions[] = {"ignore", "inject", "fatal", "reset"};
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "recipient", NAMED(recipients, recipient));
    shell_json_string(fields, "action", NAMED(actions, action));
    shell_json_bool(fields, "action_required", flags & VIR_DOMAIN_MEMORY_FAILURE_ACTION_REQUIRED);
    shell_json_bool(fields, "recursive", flags & VIR_DOMAIN_MEMORY_FAILURE_RECURSIVE);
    event_emit(opaque, "domain", virDomainGetName(domain), fields,
               "\nrecipient: %s\naction: %s\nflags: action_required: %d, recursive: %d", NAMED(recipients, recipient),
               NAMED(actions, action), (flags & VIR_DOMAIN_MEMORY_FAILURE_ACTION_REQUIRED) != 0,
               (flags & VIR_DOMAIN_MEMORY_FAILURE_RECURSIVE) != 0);
}

static void on_memory_size(virConnectPtr conn, virDomainPtr domain, const char *alias, unsigned long long size,
                           void *opaque)
{
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "device", alias);
    shell_json_uint(fields, "size_kib", size);
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "\nalias: %s\nsize: %llu", alias, size);
}

static void on_mac(virConnectPtr conn, virDomainPtr domain, const char *alias, const char *old_mac, const char *new_mac,
                   void *opaque)
{
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "device", alias);
    shell_json_string(fields, "old_mac", old_mac);
    shell_json_string(fields, "new_mac", new_mac);
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "alias: '%s' oldMAC: '%s' newMAC: '%s'", alias,
               old_mac, new_mac);
}

static void on_vcpu(virConnectPtr conn, virDomainPtr domain, unsigned int vcpu, void *opaque)
{
    json_object *fields = json_object_new_object();

    shell_json_uint(fields, "vcpu", vcpu);
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "%u", vcpu);
}

static void on_channel(virConnectPtr conn, virDomainPtr domain, const char *channel, int state, int reason,
                       void *opaque)
{
    static const char *const states[] = {"unknown", "connected", "disconnected"};
    static const char *const reasons[] = {"unknown", "domain started", "channel event"};
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "channel", channel);
    shell_json_string(fields, "state", NAMED(states, state));
    shell_json_string(fields, "reason", NAMED(reasons, reason));
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "channel: '%s' state: '%s' reason: '%s'", channel,
               NAMED(states, state), NAMED(reasons, reason));
}

static const EventKind domain_kinds[] = {
    {"lifecycle", VIR_DOMAIN_EVENT_ID_LIFECYCLE, on_lifecycle},
    {"reboot", VIR_DOMAIN_EVENT_ID_REBOOT, on_generic},
    {"rtc-change", VIR_DOMAIN_EVENT_ID_RTC_CHANGE, on_rtc},
    {"watchdog", VIR_DOMAIN_EVENT_ID_WATCHDOG, on_watchdog},
    {"io-error", VIR_DOMAIN_EVENT_ID_IO_ERROR, on_io_error},
    {"graphics", VIR_DOMAIN_EVENT_ID_GRAPHICS, on_graphics},
    {"io-error-reason", VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, on_io_error_reason},
    {"control-error", VIR_DOMAIN_EVENT_ID_CONTROL_ERROR, on_generic},
    {"block-job", VIR_DOMAIN_EVENT_ID_BLOCK_JOB, on_block_job},
    {"disk-change", VIR_DOMAIN_EVENT_ID_DISK_CHANGE, on_disk_change},
    {"tray-change", VIR_DOMAIN_EVENT_ID_TRAY_CHANGE, on_tray},
    {"pm-wakeup", VIR_DOMAIN_EVENT_ID_PMWAKEUP, on_pm},
    {"pm-suspend", VIR_DOMAIN_EVENT_ID_PMSUSPEND, on_pm},
    {"balloon-change", VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, on_balloon},
    {"pm-suspend-disk", VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK, on_pm},
    {"device-removed", VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, on_device},
    {"block-job-2", VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, on_block_job},
    {"tunable", VIR_DOMAIN_EVENT_ID_TUNABLE, on_params},
    {"agent-lifecycle", VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, on_agent},
    {"device-added", VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, on_device},
    {"migration-iteration", VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, on_iteration},
    {"job-completed", VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, on_params},
    {"device-removal-failed", VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, on_device},
    {"metadata-change", VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, on_metadata},
    {"block-threshold", VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD, on_threshold},
    {"memory-failure", VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE, on_memory_failure},
    {"memory-device-size-change", VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE, on_memory_size},
    {"nic-mac-change", VIR_DOMAIN_EVENT_ID_NIC_MAC_CHANGE, on_mac},
    {"vcpu-removed", VIR_DOMAIN_EVENT_ID_VCPU_REMOVED, on_vcpu},
    {"channel-lifecycle", VIR_DOMAIN_EVENT_ID_CHANNEL_LIFECYCLE, on_channel},
    {NULL, 0, NULL},
};

static int add_domain(virConnectPtr conn, void *filter, const EventKind *kind, EventSource *source,
                      virFreeCallback free_source)
{
    return virConnectDomainEventRegisterAny(conn, filter, kind->id, (virConnectDomainEventGenericCallback)kind->callback,
                                            source, free_source);
}

bool cmd_event(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;

    if (!cmd_has(cmd, "list") && cmd_has(cmd, "domain") && !(domain = virsh_domain(shell, cmd)))
        return false;
    return event_command(shell, cmd, domain_kinds, domain, add_domain, virConnectDomainEventDeregisterAny);
}

char **complete_event_domain(Shell *shell, const Cmd *cmd, const char *word)
{
    return event_names(domain_kinds);
}
