/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is done over the monitor before the vCPUs run: secrets that must not stand on a command line, limits, links; and
 * what only QEMU knows is read: terminals, threads of vCPUs.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/qemu/cachetune.h"
#include "drivers/qemu/threads.h"
#include "drivers/qemu/tuning.h"

QmpMonitor *qemu_guest_monitor(Guest *guest)
{
    QemuGuest *qemu = qemu_guest(guest);
    QmpMonitor *mon = NULL;

    g_mutex_lock(&qemu->lock);
    mon = qemu->mon ? qmp_ref(qemu->mon) : NULL;
    g_mutex_unlock(&qemu->lock);
    if (!mon)
        return FAIL_NULL(VIR_ERR_OPERATION_INVALID, "domain '%s' is not running", guest->name);
    return mon;
}

int qemu_guest_call(Guest *guest, const char *command, json_object *args, json_object **result)
{
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);

    if (!mon) {
        json_object_put(args);
        return -1;
    }
    return qmp_call(mon, command, args, (int)MIN(guest_deadline_ms(guest), G_MAXINT), result);
}

int qemu_guest_set_password(Guest *guest, const DomainGraphics *graphics)
{
    const char *protocol = graphics->type == DOMAIN_GRAPHICS_TYPE_VNC ? "vnc" : "spice";
    const char *connected = graphics->type == DOMAIN_GRAPHICS_TYPE_SPICE && graphics->connected ?
        graphics_auth_connected_to_string(graphics->connected) : NULL;

    const QemuDriver *driver = guest_host_priv(guest);
    const char *password = graphics->passwd;

    if (graphics->type != DOMAIN_GRAPHICS_TYPE_VNC && graphics->type != DOMAIN_GRAPHICS_TYPE_SPICE)
        return 0;
    if (!password)
        password = graphics->type == DOMAIN_GRAPHICS_TYPE_VNC ? driver->conf.vnc_password : driver->conf.spice_password;
    if (!password)
        return 0;
    if (qemu_guest_call(guest, "set_password", json_make(JSON_STR("protocol", protocol), JSON_STR("password", password),
                                                         JSON_STR("connected", connected)), NULL) < 0)
        return -1;
    if (graphics->passwd_valid_to) {
        g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
        g_autoptr(GDateTime) until = g_date_time_new_from_iso8601(graphics->passwd_valid_to, utc);
        g_autofree char *seconds = until ? g_strdup_printf("%" G_GINT64_FORMAT, g_date_time_to_unix(until)) : NULL;

        if (!seconds)
            return FAIL(VIR_ERR_XML_ERROR, "passwdValidTo '%s' is not a time", graphics->passwd_valid_to);
        return qemu_guest_call(guest, "expire_password", json_make(JSON_STR("protocol", protocol), JSON_STR("time", seconds)), NULL);
    }
    /* An empty password would let everybody in: QEMU keeps such a display closed only if it is told that it has expired. */
    if (!*password)
        return qemu_guest_call(guest, "expire_password", json_make(JSON_STR("protocol", protocol), JSON_STR("time", "now")), NULL);
    return 0;
}

/* What QEMU's block layer calls the device: of virtio disks the part behind the bus. */
static char *block_device(const DomainDisk *disk)
{
    if (disk->target.bus == DOMAIN_DISK_BUS_VIRTIO)
        return g_strdup_printf("/machine/peripheral/%s/virtio-backend", disk->info.alias);
    return g_strdup(disk->info.alias);
}

int qemu_guest_set_throttle(Guest *guest, const DomainDisk *disk)
{
    g_autofree char *device = block_device(disk);
    static const DomainDiskIotune none = { 0 };
    const DomainDiskIotune *t = disk->iotune ? disk->iotune : &none;
    json_object *args;

    args = json_make(JSON_STR("id", device), JSON_UINT("bps", t->total_bytes_sec), JSON_UINT("bps_rd", t->read_bytes_sec),
                     JSON_UINT("bps_wr", t->write_bytes_sec), JSON_UINT("iops", t->total_iops_sec),
                     JSON_UINT("iops_rd", t->read_iops_sec), JSON_UINT("iops_wr", t->write_iops_sec));
    {
        const struct {
            guint64 value;
            const char *name;
        } optional[] = {
            { t->total_bytes_sec_max, "bps_max" }, { t->read_bytes_sec_max, "bps_rd_max" }, { t->write_bytes_sec_max, "bps_wr_max" },
            { t->total_iops_sec_max, "iops_max" }, { t->read_iops_sec_max, "iops_rd_max" }, { t->write_iops_sec_max, "iops_wr_max" },
            { t->size_iops_sec, "iops_size" }, { t->total_bytes_sec_max_length, "bps_max_length" },
            { t->read_bytes_sec_max_length, "bps_rd_max_length" }, { t->write_bytes_sec_max_length, "bps_wr_max_length" },
            { t->total_iops_sec_max_length, "iops_max_length" }, { t->read_iops_sec_max_length, "iops_rd_max_length" },
            { t->write_iops_sec_max_length, "iops_wr_max_length" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(optional); i++) {
            if (optional[i].value)
                json_add(args, JSON_UINT(optional[i].name, optional[i].value));
        }
    }
    if (t->group_name)
        json_add(args, JSON_STR("group", t->group_name));
    return qemu_guest_call(guest, "block_set_io_throttle", args, NULL);
}

int qemu_guest_set_link(Guest *guest, const DomainInterface *net)
{
    return qemu_guest_call(guest, "set_link", json_make(JSON_STR("name", net->info.alias),
                                                        JSON_BOOL("up", net->link != INTERFACE_LINK_STATE_DOWN)), NULL);
}

static int set_links(Guest *guest, const DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        const DomainInterface *net = def->devices.interfaces[i];

        if (net->link == INTERFACE_LINK_STATE_DOWN && qemu_guest_set_link(guest, net) < 0)
            return -1;
    }
    return 0;
}

static int set_balloon(Guest *guest, const DomainDef *def)
{
    QemuGuest *qemu = qemu_guest(guest);

    if (!qemu->balloon_path)
        return 0;
    if (def->devices.memballoon->stats_period &&
        qemu_guest_call(guest, "qom-set", json_make(JSON_STR("path", qemu->balloon_path),
                                                    JSON_STR("property", "guest-stats-polling-interval"),
                                                    JSON_UINT("value", def->devices.memballoon->stats_period)), NULL) < 0)
        return -1;
    if (def->current_memory && def->current_memory < def->memory)
        return qemu_guest_call(guest, "balloon", json_make(JSON_UINT("value", def->current_memory * 1024)), NULL);
    return 0;
}

/* What QEMU says of the character device of the device called @alias; NULL: nothing. */
static json_object *chardev_of(json_object *chardevs, const char *alias)
{
    g_autofree char *label = g_strdup_printf("char%s", alias);

    for (gsize i = 0; json_object_is_type(chardevs, json_type_array) && i < json_object_array_length(chardevs); i++) {
        json_object *item = json_object_array_get_idx(chardevs, i);

        if (g_strcmp0(json_member_string(item, "label"), label) == 0)
            return item;
    }
    return NULL;
}

static void take_terminal(json_object *chardevs, const char *alias, ChardevSource *source)
{
    const char *name = source->type == CHARDEV_TYPE_PTY ? json_member_string(chardev_of(chardevs, alias), "filename") : NULL;

    if (!name || !g_str_has_prefix(name, "pty:"))
        return;
    g_free(source->path);
    source->path = g_strdup(name + strlen("pty:"));
}

static void take_channel(json_object *chardevs, DomainChannel *channel)
{
    take_terminal(chardevs, channel->info.alias, &channel->source);
    if (channel->target.type == CHANNEL_TARGET_TYPE_VIRTIO)
        channel->target.state = json_member_bool(chardev_of(chardevs, channel->info.alias), "frontend-open", FALSE)
            ? CHANNEL_STATE_CONNECTED : CHANNEL_STATE_DISCONNECTED;
}

/* The first console tells its terminal in an attribute as well: the oldest form, which programs still read. */
static void show_terminal(DomainConsole *console)
{
    if (console->source.type != CHARDEV_TYPE_PTY || console->target.port != 0)
        return;
    g_free(console->tty);
    console->tty = g_strdup(console->source.path);
}

static int read_terminals(Guest *guest, DomainDef *def)
{
    g_autoptr(json_object) chardevs = NULL;
    DomainDevices *d = &def->devices;

    if (d->n_serials + d->n_parallels + d->n_channels + d->n_consoles == 0)
        return 0;
    if (qemu_guest_call(guest, "query-chardev", NULL, &chardevs) < 0)
        return -1;
    for (guint i = 0; i < d->n_serials; i++)
        take_terminal(chardevs, d->serials[i]->info.alias, &d->serials[i]->source);
    for (guint i = 0; i < d->n_parallels; i++)
        take_terminal(chardevs, d->parallels[i]->info.alias, &d->parallels[i]->source);
    for (guint i = 0; i < d->n_channels; i++)
        take_channel(chardevs, d->channels[i]);
    for (guint i = 0; i < d->n_consoles; i++) {
        take_terminal(chardevs, d->consoles[i]->info.alias, &d->consoles[i]->source);
        show_terminal(d->consoles[i]);
    }
    return 0;
}

int qemu_guest_read_vcpus(Guest *guest)
{
    QemuGuest *qemu = qemu_guest(guest);
    g_autoptr(json_object) cpus = NULL;

    if (qemu_guest_call(guest, "query-cpus-fast", NULL, &cpus) < 0)
        return -1;
    g_mutex_lock(&qemu->lock);
    g_array_set_size(qemu->vcpu_tids, 0);
    for (gsize i = 0; json_object_is_type(cpus, json_type_array) && i < json_object_array_length(cpus); i++) {
        json_object *item = json_object_array_get_idx(cpus, i);
        gint64 index = json_member_int(item, "cpu-index", -1), tid = json_member_int(item, "thread-id", 0);

        if (index < 0 || index >= QEMU_MAX_VCPUS || tid <= 0 || tid > G_MAXINT32)
            continue;
        if (qemu->vcpu_tids->len <= index)
            g_array_set_size(qemu->vcpu_tids, index + 1);
        g_array_index(qemu->vcpu_tids, int, index) = tid;
    }
    g_mutex_unlock(&qemu->lock);
    return 0;
}

static DomainMemory *find_memory(DomainDef *def, const char *alias)
{
    for (guint i = 0; i < def->devices.n_memories; i++) {
        if (g_strcmp0(def->devices.memories[i]->info.alias, alias) == 0)
            return def->devices.memories[i];
    }
    return NULL;
}

/* Where modules are, and how much of the others the guest uses. */
static int read_memories(Guest *guest, DomainDef *def)
{
    g_autoptr(json_object) list = NULL;

    if (def->devices.n_memories == 0)
        return 0;
    if (qemu_guest_call(guest, "query-memory-devices", NULL, &list) < 0)
        return -1;
    for (gsize i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
        json_object *data = json_member(json_object_array_get_idx(list, i), "data", json_type_object);
        DomainMemory *memory = find_memory(def, json_member_string(data, "id"));

        if (!memory)
            continue;
        if (memory->info.address && memory->info.address->type == DOMAIN_ADDRESS_TYPE_DIMM)
            memory->info.address->dimm.base = (guint64)MAX(json_member_int(data, "addr", 0), 0);
        memory->target.has_current = memory->model == DOMAIN_MEMORY_MODEL_VIRTIO_MEM;
        if (memory->target.has_current)
            memory->target.current = (guint64)MAX(json_member_int(data, "size", 0), 0) / 1024;
    }
    return 0;
}

int qemu_guest_read_trays(Guest *guest, DomainDef *def)
{
    g_autoptr(json_object) list = NULL;
    gboolean any = FALSE;

    for (guint i = 0; i < def->devices.n_disks; i++)
        any = any || domain_disk_is_drive(def->devices.disks[i]);
    if (!any)
        return 0;
    if (qemu_guest_call(guest, "query-block", NULL, &list) < 0)
        return -1;
    for (guint i = 0; i < def->devices.n_disks; i++) {
        DomainDisk *disk = def->devices.disks[i];

        if (domain_disk_is_drive(disk))
            disk->target.tray = json_member_bool(qemu_find_block(list, disk->info.alias), "tray_open", FALSE) ? DOMAIN_DISK_TRAY_OPEN
                : DOMAIN_DISK_TRAY_UNSET;
    }
    return 0;
}

int qemu_guest_refresh(Guest *guest, DomainDef *def)
{
    return read_terminals(guest, def) < 0 || read_memories(guest, def) < 0 ? -1 : qemu_guest_read_vcpus(guest);
}

int qemu_guest_setup(Guest *guest, DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_graphics; i++) {
        if (qemu_guest_set_password(guest, def->devices.graphics[i]) < 0)
            return -1;
    }
    for (guint i = 0; i < def->devices.n_disks; i++) {
        if (def->devices.disks[i]->iotune && qemu_guest_set_throttle(guest, def->devices.disks[i]) < 0)
            return -1;
    }
    if (set_links(guest, def) < 0 || set_balloon(guest, def) < 0)
        return -1;
    if (qemu_guest_refresh(guest, def) < 0 || qemu_guest_place_threads(guest, def) < 0 || qemu_guest_cachetune_make(guest, def) < 0)
        return -1;
    return qemu_guest_tune_threads(guest, def);
}
