/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Places of devices on buses other than PCI and USB: drives, ports of virtio serial controllers, smartcard
 * slots; and the order in which all kinds are given.
 */
#include "model/domain_private.h"

/* Drives */

static guint units_of(DomainDiskBus bus)
{
    switch (bus) {
    case DOMAIN_DISK_BUS_SCSI:
        return SCSI_UNITS;
    case DOMAIN_DISK_BUS_SATA:
        return SATA_PORTS;
    case DOMAIN_DISK_BUS_IDE:
        return IDE_UNITS;
    case DOMAIN_DISK_BUS_FDC:
        return FLOPPY_UNITS;
    default:
        return 0;
    }
}

/* The name says the place: the third disk of a bus is sdc whether or not there are an sda and an sdb. */
static void place_drive(DomainDisk *disk, guint units)
{
    guint index = domain_disk_index(disk->target.dev);
    DomainAddress *address = domain_new_address(&disk->info, DOMAIN_ADDRESS_TYPE_DRIVE);

    address->drive.controller = index / units;
    address->drive.unit = index % units;
    if (disk->target.bus == DOMAIN_DISK_BUS_IDE) {
        address->drive.bus = address->drive.unit / 2;
        address->drive.unit %= 2;
    }
}

static void mark_scsi_unit(Bitmap *taken, const DomainAddress *address)
{
    if (address && address->type == DOMAIN_ADDRESS_TYPE_DRIVE && address->drive.unit < SCSI_UNITS)
        bitmap_set(taken, (size_t)address->drive.controller * SCSI_UNITS + address->drive.unit);
}

/* Passed devices take the first units that are free. */
static void place_scsi_hostdevs(DomainDef *def)
{
    DomainDevices *devices = &def->devices;
    Bitmap *taken = bitmap_new((size_t)devices->n_disks + devices->n_hostdevs + 1);
    size_t at = 0;

    for (guint i = 0; i < devices->n_disks; i++) {
        if (devices->disks[i]->target.bus == DOMAIN_DISK_BUS_SCSI)
            mark_scsi_unit(taken, devices->disks[i]->info.address);
    }
    for (guint i = 0; i < devices->n_hostdevs; i++)
        mark_scsi_unit(taken, devices->hostdevs[i]->info.address);
    for (guint i = 0; i < devices->n_hostdevs; i++) {
        DomainHostdev *hostdev = devices->hostdevs[i];
        if (hostdev->type != DOMAIN_HOSTDEV_TYPE_SCSI || hostdev->info.address)
            continue;
        while (bitmap_test(taken, at))
            at++;
        DomainAddress *address = domain_new_address(&hostdev->info, DOMAIN_ADDRESS_TYPE_DRIVE);
        address->drive.controller = at / SCSI_UNITS;
        address->drive.unit = at % SCSI_UNITS;
        at++;
    }
    bitmap_free(taken);
}

int domain_address_drives(DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_disks; i++) {
        DomainDisk *disk = def->devices.disks[i];
        guint units = units_of(disk->target.bus);
        if (units && !disk->info.address)
            place_drive(disk, units);
    }
    place_scsi_hostdevs(def);
    return 0;
}

/* Virtio serial ports */

enum { SERIAL_PORTS = 31, MAX_SERIAL_CONTROLLERS = 64 };

/* Bit N of controller I: port N is taken. */
typedef guint32 SerialPorts[MAX_SERIAL_CONTROLLERS];

static void mark_port(SerialPorts taken, const DomainAddress *address)
{
    if (address && address->type == DOMAIN_ADDRESS_TYPE_VIRTIO_SERIAL &&
        address->virtio_serial.controller < MAX_SERIAL_CONTROLLERS && address->virtio_serial.port < SERIAL_PORTS)
        taken[address->virtio_serial.controller] |= 1U << address->virtio_serial.port;
}

/* Port 0 is for consoles, so channels begin with 1. */
static bool place_in_controller(SerialPorts taken, const DomainController *controller, DomainChannel *channel)
{
    guint ports = controller->has_ports && controller->ports >= 0 ? (guint)controller->ports : SERIAL_PORTS;

    for (guint port = 1; port < MIN(ports, SERIAL_PORTS); port++) {
        if (taken[controller->index] >> port & 1)
            continue;
        DomainAddress *address = domain_new_address(&channel->info, DOMAIN_ADDRESS_TYPE_VIRTIO_SERIAL);
        address->virtio_serial.controller = controller->index;
        address->virtio_serial.port = port;
        mark_port(taken, address);
        return true;
    }
    return false;
}

static int place_channel(DomainDef *def, SerialPorts taken, DomainChannel *channel)
{
    for (guint i = 0; i < MAX_SERIAL_CONTROLLERS; i++) {
        DomainController *controller = domain_find_controller(def, DOMAIN_CONTROLLER_TYPE_VIRTIO_SERIAL, i);
        if (!controller)
            controller = domain_add_controller(def, DOMAIN_CONTROLLER_TYPE_VIRTIO_SERIAL, i, NULL);
        if (place_in_controller(taken, controller, channel))
            return 0;
    }
    return domain_fail_device(def, "channel", channel, VIR_ERR_XML_ERROR, "no virtio serial port is left for channel '%s'",
                              channel->target.name ?: "");
}

int domain_address_serial(DomainDef *def)
{
    SerialPorts taken = {0};

    for (guint i = 0; i < def->devices.n_channels; i++)
        mark_port(taken, def->devices.channels[i]->info.address);
    for (guint i = 0; i < def->devices.n_consoles; i++)
        mark_port(taken, def->devices.consoles[i]->info.address);
    for (guint i = 0; i < def->devices.n_channels; i++) {
        DomainChannel *channel = def->devices.channels[i];
        if (channel->target.type == CHANNEL_TARGET_TYPE_VIRTIO && !channel->info.address &&
            place_channel(def, taken, channel) < 0)
            return -1;
    }
    return 0;
}

/* Smartcards: one slot in each controller */

static bool is_slot_taken(const DomainDef *def, guint controller)
{
    for (guint i = 0; i < def->devices.n_smartcards; i++) {
        const DomainAddress *address = def->devices.smartcards[i]->info.address;
        if (address && address->type == DOMAIN_ADDRESS_TYPE_CCID && address->ccid.controller == controller)
            return true;
    }
    return false;
}

int domain_address_ccid(DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_smartcards; i++) {
        DomainSmartcard *card = def->devices.smartcards[i];
        guint controller = 0;
        if (card->info.address)
            continue;
        while (is_slot_taken(def, controller))
            controller++;
        if (!domain_find_controller(def, DOMAIN_CONTROLLER_TYPE_CCID, controller))
            domain_add_controller(def, DOMAIN_CONTROLLER_TYPE_CCID, controller, NULL);
        domain_new_address(&card->info, DOMAIN_ADDRESS_TYPE_CCID)->ccid.controller = controller;
    }
    return 0;
}

/* Memory modules: the lowest free slot */

static bool is_module(const DomainMemory *memory)
{
    return memory->model == DOMAIN_MEMORY_MODEL_DIMM || memory->model == DOMAIN_MEMORY_MODEL_NVDIMM;
}

static void place_modules(DomainDef *def)
{
    g_autoptr(Bitmap) taken = bitmap_new((size_t)def->devices.n_memories + 1);
    guint slot = 0;

    for (guint i = 0; i < def->devices.n_memories; i++) {
        const DomainAddress *address = def->devices.memories[i]->info.address;
        if (address && address->type == DOMAIN_ADDRESS_TYPE_DIMM)
            bitmap_set(taken, address->dimm.slot);
    }
    for (guint i = 0; i < def->devices.n_memories; i++) {
        DomainMemory *memory = def->devices.memories[i];
        if (!is_module(memory) || memory->info.address)
            continue;
        while (bitmap_test(taken, slot))
            slot++;
        domain_new_address(&memory->info, DOMAIN_ADDRESS_TYPE_DIMM)->dimm.slot = slot++;
    }
}

int domain_def_assign_addresses(DomainDef *def, const DomainMachineInfo *info)
{
    if (domain_address_drives(def) < 0)
        return -1;
    if (!domain_is_qemu(def)) /* others number drives only */
        return 0;
    if (domain_address_serial(def) < 0 || domain_address_ccid(def) < 0)
        return -1;
    place_modules(def);
    if (domain_address_virtio(def, info) < 0 || domain_address_vio(def) < 0)
        return -1;
    if (info->pci_root && domain_address_pci(def, info) < 0)
        return -1;
    if (info->has_ccw && domain_address_zpci(def) < 0)
        return -1;
    return domain_address_usb(def);
}
