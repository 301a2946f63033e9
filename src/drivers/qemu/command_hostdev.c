/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Devices of the host that a guest gets.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/uuid.h"
#include "drivers/qemu/command_storage.h"
#include "drivers/qemu/nics.h"

#define SCSI_DEVICES "/sys/bus/scsi/devices"
#define VHOST_SCSI "/dev/vhost-scsi"
/* More generic devices than one SCSI unit has. */
#define MAX_ENTRIES 16

static void add_teaming(json_object *props, const DomainHostdev *dev)
{
    if (g_strcmp0(dev->teaming.type, "transient") == 0)
        json_add(props, JSON_STR("failover_pair_id", dev->teaming.persistent));
}

/* ---- USB ---- */

static int hostdev_usb(QemuCommand *cmd, const DomainHostdev *dev, const char *what)
{
    const HostdevUsbAddress *usb = dev->source.usb_address;
    HostdevGuestReset reset = dev->source.guest_reset;
    g_autofree char *path = NULL;
    json_object *props;

    /* What a guest would look like doesn't depend on what is plugged in here. */
    if (!usb && !cmd->options->dry_run)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "%s: nobody has looked for the USB device yet", what);
    if (qemu_require_type(cmd, "usb-host", what) < 0)
        return -1;
    path = g_strdup_printf("/dev/bus/usb/%03u/%03u", usb ? usb->bus : 0, usb ? usb->device : 0);
    props = json_make(JSON_STR("driver", "usb-host"), JSON_STR("hostdevice", path), JSON_STR("id", dev->info.alias));
    qemu_add_boot_index(props, dev->info.boot_order);
    if (reset)
        json_add(props, JSON_BOOL("guest-reset", reset != HOSTDEV_GUEST_RESET_OFF));
    if (reset == HOSTDEV_GUEST_RESET_ON)
        json_add(props, JSON_BOOL("guest-resets-all", true));
    return qemu_arg_device(cmd, props, &dev->info);
}

/* ---- PCI ---- */

static int check_screen(const DomainHostdev *dev, const char *what)
{
    if (dev->ramfb == TRISTATE_ON && dev->display != TRISTATE_ON)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: ramfb='on' needs display='on'", what);
    return 0;
}

/* Who shows a screen before the guest's driver runs can't be taken away. */
static const char *vfio_driver(const DomainHostdev *dev)
{
    return dev->ramfb == TRISTATE_ON ? "vfio-pci-nohotplug" : "vfio-pci";
}

static void add_screen(json_object *props, const DomainHostdev *dev, const char *otherwise)
{
    json_add(props, JSON_STR("display", dev->display ? dev->display == TRISTATE_ON ? "on" : "off" : otherwise));
    if (dev->ramfb == TRISTATE_ON)
        json_add(props, JSON_BOOL("ramfb", true));
}

static int hostdev_pci(QemuCommand *cmd, const DomainHostdev *dev, const char *what)
{
    const PciAddress *pci = dev->source.pci_address;
    const char *driver = vfio_driver(dev);
    g_autofree char *host = NULL;
    json_object *props;
    int rc;

    if (!pci)
        return FAIL(VIR_ERR_XML_ERROR, "%s: a PCI device needs the address of the host's device", what);
    if (dev->driver > DOMAIN_HOSTDEV_DRIVER_NAME_UNSET && dev->driver != DOMAIN_HOSTDEV_DRIVER_NAME_VFIO)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: the driver '%s' is not supported; there is 'vfio'", what,
                    domain_hostdev_driver_name_to_string(dev->driver));
    if (qemu_require_type(cmd, driver, what) < 0 || check_screen(dev, what) < 0)
        return -1;
    host = g_strdup_printf("%04x:%02x:%02x.%x", pci->domain, pci->bus, pci->slot, pci->function);
    props = json_make(JSON_STR("driver", driver), JSON_STR("host", host), JSON_STR("id", dev->info.alias));
    add_screen(props, dev, NULL);
    add_teaming(props, dev);
    qemu_add_boot_index(props, dev->info.boot_order);
    rc = qemu_add_address(cmd, props, &dev->info);
    qemu_add_rom(props, &dev->info);
    if (rc < 0) {
        json_object_put(props);
        return -1;
    }
    qemu_arg_json(cmd, "-device", props);
    return 0;
}

int qemu_command_nic(QemuCommand *cmd, const DomainInterface *net, const char *what)
{
    DomainHostdev *dev = qemu_nic_hostdev(net);
    int rc;

    dev->info.boot_order = qemu_boot_index(cmd, DOMAIN_BOOT_DEV_NETWORK, &net->info);
    rc = hostdev_pci(cmd, dev, what);
    xml_struct_free(&DOMAIN_HOSTDEV_DESC, dev);
    return rc;
}

static int hostdev_mdev(QemuCommand *cmd, const DomainHostdev *dev, const char *what)
{
    gboolean pci = g_strcmp0(dev->model, "vfio-pci") == 0;
    const char *driver = pci ? vfio_driver(dev) : dev->model;
    char uuid[UUID_TEXT_SIZE];
    g_autofree char *path = NULL;
    json_object *props;

    if (!dev->source.has_mdev_uuid)
        return FAIL(VIR_ERR_XML_ERROR, "%s: a mediated device needs the address of the host's device", what);
    if (!pci && g_strcmp0(driver, "vfio-ccw") != 0 && g_strcmp0(driver, "vfio-ap") != 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: mediated devices of model '%s' are not supported", what, driver ? driver : "");
    if (!pci && (dev->display || dev->ramfb))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: only mediated devices of model 'vfio-pci' have a display", what);
    if (qemu_require_type(cmd, driver, what) < 0 || check_screen(dev, what) < 0)
        return -1;
    path = g_strdup_printf("/sys/bus/mdev/devices/%s", uuid_format(dev->source.mdev_uuid, uuid));
    props = json_make(JSON_STR("driver", driver), JSON_STR("id", dev->info.alias), JSON_STR("sysfsdev", path));
    if (pci)
        add_screen(props, dev, "off");
    qemu_add_boot_index(props, dev->info.boot_order);
    return qemu_arg_device(cmd, props, &dev->info);
}

/* ---- SCSI ---- */

/* The generic device of a unit of the host; the caller frees. NULL with an error. */
static char *generic_device(const QemuCommand *cmd, const DomainHostdev *dev, const char *what)
{
    const HostdevScsiAddress *a = dev->source.scsi_address;
    g_autofree char *folder = NULL;
    g_auto(GStrv) names = NULL;
    unsigned int host;

    if (!a || !dev->source.adapter || sscanf(dev->source.adapter, "scsi_host%u", &host) != 1)
        return FAIL_NULL(VIR_ERR_XML_ERROR, "%s: a SCSI device needs an adapter such as 'scsi_host0', and an address", what);
    folder = g_strdup_printf(SCSI_DEVICES "/%u:%u:%u:%" G_GUINT64_FORMAT "/scsi_generic", host, a->bus, a->target, a->unit);
    names = file_list_dir(folder, MAX_ENTRIES);
    for (guint i = 0; names && names[i]; i++) {
        if (g_str_has_prefix(names[i], "sg") && file_name_is_safe(names[i]))
            return g_strconcat("/dev/", names[i], NULL);
    }
    /* What a guest would look like doesn't depend on what is plugged in here. */
    if (cmd->options->dry_run)
        return g_strdup("/dev/sg0");
    return FAIL_NULL(VIR_ERR_OPERATION_FAILED, "%s: the host has no SCSI device '%s:%u:%u:%" G_GUINT64_FORMAT "'", what, dev->source.adapter,
                     a->bus, a->target, a->unit);
}

char *qemu_hostdev_node(const DomainHostdev *dev)
{
    return g_strdup_printf("libvirt-%s-backend", dev->info.alias);
}

static json_object *scsi_storage(QemuCommand *cmd, const DomainHostdev *dev, const char *node, const char *what)
{
    const DomainHostdevSource *s = &dev->source;
    const QemuStorageAccess access = { 0 };
    StorageSource source = { 0 };
    g_autofree char *path = NULL;

    if (s->protocol == HOSTDEV_PROTOCOL_ISCSI) {
        source.type = DOMAIN_DISK_TYPE_NETWORK;
        source.protocol = STORAGE_PROTOCOL_ISCSI;
        source.name = s->name;
        source.hosts = s->hosts;
        source.n_hosts = s->n_hosts;
        source.auth = s->auth;
        source.initiator_iqn = s->initiator_iqn;
    } else {
        path = generic_device(cmd, dev, what);
        if (!path)
            return NULL;
        source.type = DOMAIN_DISK_TYPE_BLOCK;
        source.dev = path;
    }
    return qemu_storage_properties(cmd, &source, &access, node, what);
}

static int hostdev_scsi(QemuCommand *cmd, const DomainHostdev *dev, const char *what)
{
    g_autofree char *node = qemu_hostdev_node(dev);
    const DomainAddress *address = dev->info.address;
    json_object *props;

    if (!address || address->type != DOMAIN_ADDRESS_TYPE_DRIVE)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: a SCSI device must have a place on a SCSI controller", what);
    if (qemu_require_type(cmd, "scsi-generic", what) < 0)
        return -1;
    props = scsi_storage(cmd, dev, node, what);
    if (!props)
        return -1;
    json_add(props, JSON_STR("node-name", node), JSON_BOOL("read-only", dev->readonly));
    qemu_arg_json(cmd, "-blockdev", props);
    props = json_make(JSON_STR("driver", "scsi-generic"), JSON_STR("drive", node), JSON_STR("id", dev->info.alias));
    if (qemu_add_scsi_place(cmd, props, &address->drive, what) < 0) {
        json_object_put(props);
        return -1;
    }
    if (dev->shareable)
        json_add(props, JSON_BOOL("share-rw", true));
    qemu_add_boot_index(props, dev->info.boot_order);
    qemu_arg_json(cmd, "-device", props);
    return 0;
}

static int hostdev_scsi_host(QemuCommand *cmd, const DomainHostdev *dev, const char *what)
{
    g_autofree char *driver = qemu_virtio_type(&dev->info, "vhost-scsi", dev->model), *name = NULL;
    int fd = -1;

    if (dev->source.protocol != HOSTDEV_PROTOCOL_VHOST || !dev->source.wwpn)
        return FAIL(VIR_ERR_XML_ERROR, "%s: a SCSI host needs protocol='vhost' and a wwpn", what);
    if (qemu_require_type(cmd, driver, what) < 0)
        return -1;
    if (!cmd->options->dry_run) {
        fd = open(VHOST_SCSI, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            return FAIL_ERRNO(errno, "%s: '" VHOST_SCSI "' can't be opened ('modprobe vhost_scsi' makes it)", what);
        qemu_pass_fd(cmd, fd);
    }
    name = qemu_fd_name(cmd, fd);
    return qemu_arg_device(cmd, json_make(JSON_STR("driver", driver), JSON_STR("wwpn", dev->source.wwpn), JSON_STR("vhostfd", name),
                                          JSON_STR("id", dev->info.alias)), &dev->info);
}

static int one_hostdev(QemuCommand *cmd, const DomainHostdev *dev, const char *what)
{
    switch (dev->type) {
    case DOMAIN_HOSTDEV_TYPE_USB:
        return hostdev_usb(cmd, dev, what);
    case DOMAIN_HOSTDEV_TYPE_PCI:
        return hostdev_pci(cmd, dev, what);
    case DOMAIN_HOSTDEV_TYPE_MDEV:
        return hostdev_mdev(cmd, dev, what);
    case DOMAIN_HOSTDEV_TYPE_SCSI:
        return hostdev_scsi(cmd, dev, what);
    case DOMAIN_HOSTDEV_TYPE_SCSI_HOST:
        return hostdev_scsi_host(cmd, dev, what);
    default:
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: devices of type '%s' are not supported", what, domain_hostdev_type_to_string(dev->type));
    }
}

int qemu_command_hostdevs(QemuCommand *cmd)
{
    for (guint i = 0; i < cmd->def->devices.n_hostdevs; i++) {
        const DomainHostdev *dev = cmd->def->devices.hostdevs[i];
        g_autofree char *what = g_strdup_printf("host device '%s'", dev->info.alias);

        /* One that has no place is taken from the host, but not given to the guest. */
        if (dev->info.address && dev->info.address->type == DOMAIN_ADDRESS_TYPE_UNASSIGNED)
            continue;
        if (one_hostdev(cmd, dev, what) < 0)
            return -1;
    }
    return 0;
}
