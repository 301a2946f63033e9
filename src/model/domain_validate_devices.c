/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules about single devices and about devices of one kind.
 */
#include "model/domain_private.h"

static void report(XmlDiagnostics *diag, int code, const char *kind, guint at, const char *fmt, ...) G_GNUC_PRINTF(5, 6);

static void report(XmlDiagnostics *diag, int code, const char *kind, guint at, const char *fmt, ...)
{
    g_autofree char *path = g_strdup_printf("domain.devices.%s[%u]", kind, at + 1);
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    xml_diagnostics_add(diag, XML_PROBLEM_ERROR, code, 0, path, "%s", text);
}

/* Disks */

static const char *missing_source(const DomainDisk *disk)
{
    const StorageSource *source = &disk->source;

    switch (source->type) {
    case DOMAIN_DISK_TYPE_FILE:
        return source->file ? NULL : "source file";
    case DOMAIN_DISK_TYPE_BLOCK:
        return source->dev ? NULL : "source dev";
    case DOMAIN_DISK_TYPE_DIR:
        return source->dir ? NULL : "source dir";
    case DOMAIN_DISK_TYPE_NETWORK:
        return source->protocol ? NULL : "source protocol";
    case DOMAIN_DISK_TYPE_VOLUME:
        return source->pool && source->volume ? NULL : "source pool and volume";
    case DOMAIN_DISK_TYPE_NVME:
        return source->nvme_address && source->namespace ? NULL : "source address and namespace";
    case DOMAIN_DISK_TYPE_VHOSTUSER:
        return source->path ? NULL : "source path";
    default:
        return NULL;
    }
}

static bool may_be_empty(const DomainDisk *disk)
{
    return disk->device == DOMAIN_DISK_DEVICE_CDROM || disk->device == DOMAIN_DISK_DEVICE_FLOPPY;
}

static void check_disk(const DomainDisk *disk, guint at, XmlDiagnostics *diag)
{
    const char *missing = missing_source(disk);

    if (missing && !may_be_empty(disk))
        report(diag, VIR_ERR_NO_SOURCE, "disk", at, "%s: missing %s", disk->target.dev, missing);
    if (disk->device == DOMAIN_DISK_DEVICE_FLOPPY && disk->target.bus != DOMAIN_DISK_BUS_FDC)
        report(diag, VIR_ERR_CONFIG_UNSUPPORTED, "disk", at, "%s: bus '%s' is not possible for a floppy drive",
               disk->target.dev, domain_disk_bus_to_string(disk->target.bus));
    if (disk->device != DOMAIN_DISK_DEVICE_FLOPPY && disk->target.bus == DOMAIN_DISK_BUS_FDC)
        report(diag, VIR_ERR_CONFIG_UNSUPPORTED, "disk", at, "%s: bus 'fdc' is for floppy drives only", disk->target.dev);
    if (disk->device == DOMAIN_DISK_DEVICE_CDROM && disk->target.bus == DOMAIN_DISK_BUS_VIRTIO)
        report(diag, VIR_ERR_CONFIG_UNSUPPORTED, "disk", at, "%s: bus 'virtio' is not possible for a CD-ROM drive; use "
               "'scsi' or 'sata'", disk->target.dev);
    if (disk->target.removable && disk->target.bus != DOMAIN_DISK_BUS_USB)
        report(diag, VIR_ERR_XML_ERROR, "disk", at, "%s: removable is only valid for USB disks", disk->target.dev);
    if (disk->target.tray && !may_be_empty(disk))
        report(diag, VIR_ERR_XML_ERROR, "disk", at, "%s: only CD-ROM and floppy drives have a tray", disk->target.dev);
    if (disk->has_transient && disk->readonly)
        report(diag, VIR_ERR_CONFIG_UNSUPPORTED, "disk", at, "%s: a disk can't be both readonly and transient",
               disk->target.dev);
}

static void check_iotune(const DomainDisk *disk, guint at, XmlDiagnostics *diag)
{
    const DomainDiskIotune *tune = disk->iotune;

    if (!tune)
        return;
    if ((tune->total_bytes_sec && (tune->read_bytes_sec || tune->write_bytes_sec)) ||
        (tune->total_bytes_sec_max && (tune->read_bytes_sec_max || tune->write_bytes_sec_max)))
        report(diag, VIR_ERR_XML_ERROR, "disk", at, "%s: total and read/write of bytes_sec cannot be set at the same time",
               disk->target.dev);
    if ((tune->total_iops_sec && (tune->read_iops_sec || tune->write_iops_sec)) ||
        (tune->total_iops_sec_max && (tune->read_iops_sec_max || tune->write_iops_sec_max)))
        report(diag, VIR_ERR_XML_ERROR, "disk", at, "%s: total and read/write of iops_sec cannot be set at the same time",
               disk->target.dev);
}

/* Whether @address of kind drive was seen before on this bus. */
static bool is_drive_twice(GHashTable *seen, const DomainDisk *disk)
{
    const DomainAddress *address = disk->info.address;

    if (!address || address->type != DOMAIN_ADDRESS_TYPE_DRIVE)
        return false;
    return !g_hash_table_add(seen, g_strdup_printf("%d/%u/%u/%u/%u", disk->target.bus, address->drive.controller,
                                                   address->drive.bus, address->drive.target, address->drive.unit));
}

static void check_disks(const DomainDef *def, XmlDiagnostics *diag)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < def->devices.n_disks; i++) {
        const DomainDisk *disk = def->devices.disks[i];
        check_disk(disk, i, diag);
        check_iotune(disk, i, diag);
        if (!g_hash_table_add(names, disk->target.dev))
            report(diag, VIR_ERR_XML_ERROR, "disk", i, "target '%s' is used by two disks", disk->target.dev);
        if (is_drive_twice(places, disk))
            report(diag, VIR_ERR_XML_ERROR, "disk", i, "%s: its place on the controller is used by another disk",
                   disk->target.dev);
        if (disk->driver.iothread > 0 && def->iothreads == 0)
            report(diag, VIR_ERR_CONFIG_UNSUPPORTED, "disk", i, "%s: the domain has no I/O threads", disk->target.dev);
    }
}

/* Interfaces */

static const char *missing_peer(const InterfaceSource *source)
{
    switch (source->type) {
    case DOMAIN_INTERFACE_TYPE_NETWORK:
        return source->network ? NULL : "source network";
    case DOMAIN_INTERFACE_TYPE_BRIDGE:
        return source->bridge ? NULL : "source bridge";
    case DOMAIN_INTERFACE_TYPE_DIRECT:
    case DOMAIN_INTERFACE_TYPE_VDPA:
        return source->dev ? NULL : "source dev";
    case DOMAIN_INTERFACE_TYPE_INTERNAL:
        return source->name ? NULL : "source name";
    case DOMAIN_INTERFACE_TYPE_VHOSTUSER:
        return source->path ? NULL : "source path";
    case DOMAIN_INTERFACE_TYPE_HOSTDEV:
        return source->host_address ? NULL : "source address";
    case DOMAIN_INTERFACE_TYPE_SERVER:
    case DOMAIN_INTERFACE_TYPE_CLIENT:
    case DOMAIN_INTERFACE_TYPE_MCAST:
    case DOMAIN_INTERFACE_TYPE_UDP:
        return source->port ? NULL : "source port";
    default:
        return NULL;
    }
}

static void check_interface(const DomainInterface *iface, guint at, XmlDiagnostics *diag)
{
    const char *missing = missing_peer(&iface->source);

    if (missing)
        report(diag, VIR_ERR_XML_ERROR, "interface", at, "missing %s, which an interface of type '%s' needs", missing,
               domain_interface_type_to_string(iface->source.type));
    if (iface->has_mac && iface->mac[0] & 1)
        report(diag, VIR_ERR_XML_ERROR, "interface", at, "expected a unicast address, found a multicast one: "
               "%02x:%02x:%02x:%02x:%02x:%02x", iface->mac[0], iface->mac[1], iface->mac[2], iface->mac[3],
               iface->mac[4], iface->mac[5]);
    for (const char *c = iface->model ?: ""; *c; c++) {
        if (g_ascii_isalnum(*c) || strchr("-_", *c))
            continue;
        report(diag, VIR_ERR_INVALID_ARG, "interface", at, "model '%s' contains invalid characters", iface->model);
        break;
    }
}

/* Controllers */

static void check_controllers(const DomainDef *def, XmlDiagnostics *diag)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < def->devices.n_controllers; i++) {
        const DomainController *controller = def->devices.controllers[i];
        bool companion = controller->has_index && controller->info.has_master_startport;
        char *key = g_strdup_printf("%d/%u", controller->type, controller->index);
        if (companion)
            g_free(key);
        else if (!g_hash_table_add(seen, key))
            report(diag, VIR_ERR_XML_ERROR, "controller", i, "there are two controllers of type '%s' with index='%u'",
                   domain_controller_type_to_string(controller->type), controller->index);
    }
}

/* Graphics and video */

static void check_display(const DomainDef *def, XmlDiagnostics *diag)
{
    static const DomainVideoType only_primary[] = {DOMAIN_VIDEO_TYPE_VGA, DOMAIN_VIDEO_TYPE_CIRRUS,
                                                   DOMAIN_VIDEO_TYPE_VMVGA, DOMAIN_VIDEO_TYPE_BOCHS,
                                                   DOMAIN_VIDEO_TYPE_RAMFB};

    for (guint i = 1; i < def->devices.n_videos; i++) {
        DomainVideoType type = def->devices.videos[i]->type;
        for (guint j = 0; j < G_N_ELEMENTS(only_primary); j++) {
            if (type == only_primary[j])
                report(diag, VIR_ERR_CONFIG_UNSUPPORTED, "video", i, "video type '%s' is only valid as primary video device",
                       domain_video_type_to_string(type));
        }
        if (type == DOMAIN_VIDEO_TYPE_NONE)
            report(diag, VIR_ERR_CONFIG_UNSUPPORTED, "video", i, "video type 'none' must be the only video device");
    }
    for (guint i = 0; i < def->devices.n_sounds; i++) {
        guint id = def->devices.sounds[i]->audio_id, j = 0;
        while (j < def->devices.n_audios && def->devices.audios[j]->id != id)
            j++;
        if (id && j == def->devices.n_audios)
            report(diag, VIR_ERR_XML_ERROR, "sound", i, "there is no audio device with id %u", id);
    }
}

/* Character devices */

static const char *missing_chardev(const ChardevSource *source)
{
    switch (source->type) {
    case CHARDEV_TYPE_DEV:
    case CHARDEV_TYPE_FILE:
    case CHARDEV_TYPE_PIPE:
        return source->path ? NULL : "source path";
    case CHARDEV_TYPE_TCP:
        return source->host && source->service ? NULL : "source host and service";
    case CHARDEV_TYPE_UDP:
        return source->udp_connect.service ? NULL : "source with mode='connect' and a service";
    case CHARDEV_TYPE_NMDM:
        return source->master && source->slave ? NULL : "source master and slave";
    case CHARDEV_TYPE_SPICEPORT:
    case CHARDEV_TYPE_DBUS:
        return source->channel ? NULL : "source channel";
    default:
        return NULL;
    }
}

static void check_chardev(const ChardevSource *source, const char *kind, guint at, XmlDiagnostics *diag)
{
    const char *missing = missing_chardev(source);
    bool socket = source->type == CHARDEV_TYPE_UNIX || source->type == CHARDEV_TYPE_TCP;

    if (missing)
        report(diag, VIR_ERR_XML_ERROR, kind, at, "missing %s, which type '%s' needs", missing,
               chardev_type_to_string(source->type));
    if (socket && source->reconnect.enabled == TRISTATE_YES && source->mode == CHARDEV_MODE_BIND)
        report(diag, VIR_ERR_XML_ERROR, kind, at, "reconnect is possible only for connections with mode='connect'");
}

static void check_chardevs(const DomainDef *def, XmlDiagnostics *diag)
{
    const DomainDevices *devices = &def->devices;

    for (guint i = 0; i < devices->n_serials; i++)
        check_chardev(&devices->serials[i]->source, "serial", i, diag);
    for (guint i = 0; i < devices->n_parallels; i++)
        check_chardev(&devices->parallels[i]->source, "parallel", i, diag);
    for (guint i = 0; i < devices->n_consoles; i++)
        check_chardev(&devices->consoles[i]->source, "console", i, diag);
    for (guint i = 0; i < devices->n_channels; i++)
        check_chardev(&devices->channels[i]->source, "channel", i, diag);
    for (guint i = 0; i < devices->n_redirdevs; i++)
        check_chardev(&devices->redirdevs[i]->source, "redirdev", i, diag);
}

/* Limits */

static void check_uniques(const DomainDef *def, XmlDiagnostics *diag)
{
    for (guint i = 0; i < def->devices.n_memories; i++) {
        const DomainMemory *memory = def->devices.memories[i];
        if (memory->target.has_node && (!def->cpu || memory->target.node >= MAX(def->cpu->n_numa_cells, 1)))
            report(diag, VIR_ERR_XML_ERROR, "memory", i, "there is no NUMA node %u in the guest", memory->target.node);
    }
    for (guint i = 0; i < def->devices.n_rngs; i++) {
        const DomainRng *rng = def->devices.rngs[i];
        if (!rng->backend.model)
            report(diag, VIR_ERR_XML_ERROR, "rng", i, "missing backend");
    }
}

void domain_validate_devices(const DomainDef *def, XmlDiagnostics *diag)
{
    check_disks(def, diag);
    for (guint i = 0; i < def->devices.n_interfaces; i++)
        check_interface(def->devices.interfaces[i], i, diag);
    check_controllers(def, diag);
    check_display(def, diag);
    check_chardevs(def, diag);
    check_uniques(def, diag);
}
