/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What QEMU tells by itself becomes upcalls of the domain core. Everything here runs on the loop's thread and must not block.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.events"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/rx_filter.h"

/* Sources of reports in the ACPI specification. */
#define ACPI_EJECT 3
#define ACPI_EJECT_PROCESSING 0x103

/* The guest is about to go: its agent will not answer any more. */
static void agent_is_gone(QemuGuest *qemu)
{
    g_autoptr(Agent) agent = NULL;

    g_mutex_lock(&qemu->lock);
    agent = qemu->agent ? agent_ref(qemu->agent) : NULL;
    g_mutex_unlock(&qemu->lock);
    if (agent)
        agent_guest_gone(agent);
}

static void on_shutdown(Guest *guest, json_object *data)
{
    QemuGuest *qemu = qemu_guest(guest);
    const char *reason = json_member_string(data, "reason");

    g_mutex_lock(&qemu->lock);
    qemu->powered_off = TRUE;
    g_mutex_unlock(&qemu->lock);
    agent_is_gone(qemu);
    guest_upcall_shutdown(guest, json_member_bool(data, "guest", FALSE), g_strcmp0(reason, "guest-reset") == 0);
}

static void on_stop(Guest *guest, json_object *data)
{
    guest_upcall_stopped(guest, -1);
}

static void on_resume(Guest *guest, json_object *data)
{
    QemuGuest *qemu = qemu_guest(guest);

    /* It runs (again, perhaps after a reset): a later end is news. */
    g_mutex_lock(&qemu->lock);
    qemu->powered_off = FALSE;
    g_mutex_unlock(&qemu->lock);
    guest_upcall_resumed(guest, -1);
}

static void on_reset(Guest *guest, json_object *data)
{
    agent_is_gone(qemu_guest(guest));
    guest_upcall_reset(guest);
}

static void on_panicked(Guest *guest, json_object *data)
{
    json_object *info = json_member(data, "info", json_type_object);

    guest_upcall_panicked(guest, info ? json_object_to_json_string_ext(info, JSON_C_TO_STRING_PLAIN) : NULL);
}

static void on_crash_loaded(Guest *guest, json_object *data)
{
    guest_upcall_crash_loaded(guest);
}

/* A word of QEMU and its number in our events. */
typedef struct Word {
    const char *name;
    int value;
} Word;

static int number_of(const Word *words, gsize n, const char *name)
{
    for (gsize i = 0; i < n; i++) {
        if (g_strcmp0(name, words[i].name) == 0)
            return words[i].value;
    }
    return -1;
}

static void on_memory_failure(Guest *guest, json_object *data)
{
    static const Word recipients[] = {
        { "hypervisor", VIR_DOMAIN_EVENT_MEMORY_FAILURE_RECIPIENT_HYPERVISOR },
        { "guest", VIR_DOMAIN_EVENT_MEMORY_FAILURE_RECIPIENT_GUEST },
    };
    static const Word actions[] = {
        { "ignore", VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_IGNORE }, { "inject", VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_INJECT },
        { "fatal", VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_FATAL }, { "reset", VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_RESET },
    };
    json_object *flags = json_member(data, "flags", json_type_object);
    int recipient = number_of(recipients, G_N_ELEMENTS(recipients), json_member_string(data, "recipient"));
    int action = number_of(actions, G_N_ELEMENTS(actions), json_member_string(data, "action"));

    if (recipient >= 0 && action >= 0)
        guest_upcall_memory_failure(guest, recipient, action,
                                    (json_member_bool(flags, "action-required", FALSE) ? VIR_DOMAIN_MEMORY_FAILURE_ACTION_REQUIRED : 0) |
                                    (json_member_bool(flags, "recursive", FALSE) ? VIR_DOMAIN_MEMORY_FAILURE_RECURSIVE : 0));
}

/* VNC says "service", SPICE "port". The strings stay QEMU's; FALSE if it is none that events can tell. */
static gboolean read_address(json_object *data, virDomainEventGraphicsAddress *address)
{
    static const Word families[] = {
        { "ipv4", VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_IPV4 }, { "ipv6", VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_IPV6 },
        { "unix", VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_UNIX },
    };
    const char *node = json_member_string(data, "host"), *service = json_member_string(data, "service");

    address->family = number_of(families, G_N_ELEMENTS(families), json_member_string(data, "family"));
    if (!service)
        service = json_member_string(data, "port");
    address->node = (char *)(node ? node : "");
    address->service = (char *)(service ? service : "");
    return address->family >= 0;
}

static void graphics(Guest *guest, json_object *data, int phase)
{
    json_object *server = json_member(data, "server", json_type_object), *client = json_member(data, "client", json_type_object);
    const char *scheme = json_member_string(server, "auth");
    const char *dname = json_member_string(client, "x509_dname"), *user = json_member_string(client, "sasl_username");
    virDomainEventGraphicsAddress local, remote;
    virDomainEventGraphicsSubjectIdentity names[2];
    virDomainEventGraphicsSubject subject = { 0, names };

    if (dname)
        names[subject.nidentity++] = (virDomainEventGraphicsSubjectIdentity){ (char *)"x509dname", (char *)dname };
    if (user)
        names[subject.nidentity++] = (virDomainEventGraphicsSubjectIdentity){ (char *)"saslUsername", (char *)user };
    if (read_address(server, &local) && read_address(client, &remote))
        guest_upcall_graphics(guest, phase, &local, &remote, scheme ? scheme : "", &subject);
}

static void on_viewer(Guest *guest, json_object *data)
{
    graphics(guest, data, VIR_DOMAIN_EVENT_GRAPHICS_CONNECT);
}

static void on_viewer_ready(Guest *guest, json_object *data)
{
    graphics(guest, data, VIR_DOMAIN_EVENT_GRAPHICS_INITIALIZE);
}

static void on_viewer_gone(Guest *guest, json_object *data)
{
    graphics(guest, data, VIR_DOMAIN_EVENT_GRAPHICS_DISCONNECT);
}

static void on_tray(Guest *guest, json_object *data)
{
    const char *id = json_member_string(data, "id");

    if (id && *id)
        guest_upcall_tray(guest, id, json_member_bool(data, "tray-open", FALSE));
}

static void on_watchdog(Guest *guest, json_object *data)
{
    static const Word actions[] = {
        { "reset", VIR_DOMAIN_EVENT_WATCHDOG_RESET }, { "shutdown", VIR_DOMAIN_EVENT_WATCHDOG_SHUTDOWN },
        { "poweroff", VIR_DOMAIN_EVENT_WATCHDOG_POWEROFF }, { "pause", VIR_DOMAIN_EVENT_WATCHDOG_PAUSE },
        { "debug", VIR_DOMAIN_EVENT_WATCHDOG_DEBUG }, { "none", VIR_DOMAIN_EVENT_WATCHDOG_NONE },
        { "inject-nmi", VIR_DOMAIN_EVENT_WATCHDOG_INJECTNMI },
    };
    int action = number_of(actions, G_N_ELEMENTS(actions), json_member_string(data, "action"));

    if (action >= 0)
        guest_upcall_watchdog(guest, action);
}

/* The disk that an error is about: by its path in QEMU's tree, or by its name. */
static const QemuDisk *find_disk(GPtrArray *disks, json_object *data)
{
    const char *device = json_member_string(data, "device"), *path = json_member_string(data, "qom-path");
    g_auto(GStrv) parts = g_strsplit(path ? path : "", "/", -1);

    for (guint i = 0; i < disks->len; i++) {
        const QemuDisk *disk = g_ptr_array_index(disks, i);

        if (g_strcmp0(disk->alias, device) == 0 || (disk->alias && g_strv_contains((const char *const *)parts, disk->alias)))
            return disk;
    }
    return NULL;
}

static void on_io_error(Guest *guest, json_object *data)
{
    g_autoptr(GPtrArray) disks = qemu_guest_disks(qemu_guest(guest));
    const QemuDisk *disk = find_disk(disks, data);
    const char *action = json_member_string(data, "action");
    int code = g_strcmp0(action, "stop") == 0 ? VIR_DOMAIN_EVENT_IO_ERROR_PAUSE :
        g_strcmp0(action, "report") == 0 ? VIR_DOMAIN_EVENT_IO_ERROR_REPORT : VIR_DOMAIN_EVENT_IO_ERROR_NONE;

    guest_upcall_io_error(guest, disk && disk->path ? disk->path : "", disk && disk->alias ? disk->alias : "", code,
                          json_member_bool(data, "nospace", FALSE) ? "enospc" : "");
}

static void on_threshold(Guest *guest, json_object *data)
{
    g_autoptr(GPtrArray) disks = qemu_guest_disks(qemu_guest(guest));
    const char *node = json_member_string(data, "node-name");
    gint64 threshold = json_member_int(data, "write-threshold", -1), excess = json_member_int(data, "amount-exceeded", -1);

    for (guint i = 0; node && threshold >= 0 && excess >= 0 && i < disks->len; i++) {
        const QemuDisk *disk = g_ptr_array_index(disks, i);

        if (g_strcmp0(disk->node, node) == 0)
            guest_upcall_block_threshold(guest, disk->target, disk->path, (unsigned long long)threshold, (unsigned long long)excess);
    }
}

static void on_balloon(Guest *guest, json_object *data)
{
    gint64 bytes = json_member_int(data, "actual", -1);

    if (bytes >= 0)
        guest_upcall_balloon(guest, bytes / 1024);
}

static void on_memory_size(Guest *guest, json_object *data)
{
    const char *id = json_member_string(data, "id");
    gint64 bytes = json_member_int(data, "size", -1);

    if (id && bytes >= 0)
        guest_upcall_memory_size(guest, id, (unsigned long long)bytes / 1024);
}

static void on_rtc(Guest *guest, json_object *data)
{
    gint64 offset = json_member_int(data, "offset", 0), shift = qemu_guest(guest)->clock_shift, from_utc;

    if (!__builtin_add_overflow(offset, shift, &from_utc))
        guest_upcall_rtc(guest, from_utc);
}

static void on_device_deleted(Guest *guest, json_object *data)
{
    const char *device = json_member_string(data, "device");

    if (!device)
        return;
    if (g_str_has_prefix(device, "vcpu")) {
        qemu_guest_vcpu_went(guest);
        return;
    }
    if (!guest_upcall_device_deleted(guest, device))
        qemu_guest_stray_went(guest, device);
    qemu_guest_device_is(qemu_guest(guest), device, TRUE);
}

/* The guest's system doesn't let go of it. */
static void on_device_kept(Guest *guest, json_object *data)
{
    const char *device = json_member_string(data, "device");

    if (!device)
        return;
    guest_upcall_device_kept(guest, device);
    qemu_guest_device_is(qemu_guest(guest), device, FALSE);
}

/* What the guest's firmware reports of its ejecting a device: status 0 at the end, 0x80 to 0x83 when it can't. QEMU emulates CPUs
 * that it never frees, so that nothing else tells of their end. */
static void on_acpi_report(Guest *guest, json_object *data)
{
    json_object *info = json_member(data, "info", json_type_object);
    const char *device = json_member_string(info, "device");
    gint64 status = json_member_int(info, "status", -1), source = json_member_int(info, "source", 0);

    if ((source != ACPI_EJECT && source != ACPI_EJECT_PROCESSING) || g_strcmp0(json_member_string(info, "slot-type"), "CPU") != 0)
        return;
    if (status == 0)
        qemu_guest_vcpu_went(guest);
    else if (device && status >= 0x80 && status <= 0x83)
        on_device_kept(guest, info);
}

static void on_migration(Guest *guest, json_object *data)
{
    const char *status = json_member_string(data, "status");

    if (status)
        qemu_guest_migration_is(qemu_guest(guest), status);
}

static void on_suspend(Guest *guest, json_object *data)
{
    agent_is_gone(qemu_guest(guest));
    guest_upcall_pmsuspend(guest, FALSE);
}

static void on_suspend_disk(Guest *guest, json_object *data)
{
    QemuGuest *qemu = qemu_guest(guest);

    g_mutex_lock(&qemu->lock);
    qemu->powered_off = TRUE;
    g_mutex_unlock(&qemu->lock);
    agent_is_gone(qemu);
    guest_upcall_pmsuspend(guest, TRUE);
}

static void on_wakeup(Guest *guest, json_object *data)
{
    guest_upcall_pmwakeup(guest);
}

static void on_port(Guest *guest, json_object *data)
{
    QemuGuest *qemu = qemu_guest(guest);
    const char *id = json_member_string(data, "id");
    gboolean open = json_member_bool(data, "open", FALSE);

    if (!id)
        return;
    g_mutex_lock(&qemu->lock);
    if (g_strcmp0(id, qemu->agent_alias) == 0)
        qemu->agent_up = open;
    g_mutex_unlock(&qemu->lock);
    guest_upcall_channel(guest, open, id);
}

static void on_rx_filter(Guest *guest, json_object *data)
{
    const char *name = json_member_string(data, "name");

    if (name)
        qemu_guest_rx_filter_changed(guest, name);
}

static void on_dump(Guest *guest, json_object *data)
{
    const char *status = json_member_string(json_member(data, "result", json_type_object), "status");

    qemu_guest_migration_is(qemu_guest(guest), status ? status : "failed");
}

static void on_event(QmpMonitor *mon, const char *name, json_object *data, gint64 time_us, void *opaque)
{
    static const struct {
        const char *name;
        void (*handle)(Guest *guest, json_object *data);
    } handlers[] = {
        { "SHUTDOWN", on_shutdown }, { "STOP", on_stop }, { "RESUME", on_resume }, { "RESET", on_reset },
        { "GUEST_PANICKED", on_panicked }, { "WATCHDOG", on_watchdog }, { "BLOCK_IO_ERROR", on_io_error },
        { "BLOCK_WRITE_THRESHOLD", on_threshold }, { "DEVICE_TRAY_MOVED", on_tray }, { "GUEST_CRASHLOADED", on_crash_loaded },
        { "VNC_CONNECTED", on_viewer }, { "VNC_INITIALIZED", on_viewer_ready }, { "VNC_DISCONNECTED", on_viewer_gone },
        { "SPICE_CONNECTED", on_viewer }, { "SPICE_INITIALIZED", on_viewer_ready }, { "SPICE_DISCONNECTED", on_viewer_gone },
        { "MEMORY_FAILURE", on_memory_failure },
        { "MEMORY_DEVICE_SIZE_CHANGE", on_memory_size },
        { "BALLOON_CHANGE", on_balloon }, { "RTC_CHANGE", on_rtc }, { "DEVICE_DELETED", on_device_deleted },
        { "DEVICE_UNPLUG_GUEST_ERROR", on_device_kept }, { "ACPI_DEVICE_OST", on_acpi_report },
        { "MIGRATION", on_migration }, { "NIC_RX_FILTER_CHANGED", on_rx_filter }, { "DUMP_COMPLETED", on_dump },
        { "SUSPEND", on_suspend }, { "SUSPEND_DISK", on_suspend_disk }, { "WAKEUP", on_wakeup }, { "VSERPORT_CHANGE", on_port },
    };
    Guest *guest = opaque;

    for (guint i = 0; i < G_N_ELEMENTS(handlers); i++) {
        if (g_str_equal(name, handlers[i].name))
            handlers[i].handle(guest, data);
    }
    guest_upcall_monitor_event(guest, name, time_us / G_USEC_PER_SEC, time_us % G_USEC_PER_SEC,
                               data ? json_object_to_json_string_ext(data, JSON_C_TO_STRING_PLAIN) : NULL);
}

static void on_closed(QmpMonitor *mon, QmpClosed kind, const char *reason, void *opaque)
{
    Guest *guest = opaque;

    qemu_guest_migration_is(qemu_guest(guest), NULL);
    /* At the end of the process its watch tells the rest. */
    if (kind == QMP_CLOSED_EOF)
        return;
    LOG_ERROR("monitor of domain '%s' is lost: %s", guest->name, reason);
    guest_upcall_ended(guest, TRUE);
}

const QmpCallbacks qemu_monitor_callbacks = { .event = on_event, .closed = on_closed };
