/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Controllers: their numbers and models, those that the machine has by itself, and those that devices need.
 */
#include "model/domain_private.h"

/* Numbers and models */

static bool is_usb_companion(const DomainController *controller)
{
    return controller->type == DOMAIN_CONTROLLER_TYPE_USB && controller->model &&
           g_str_has_prefix(controller->model, "ich9-uhci");
}

/* A companion has the number of the controller that it accompanies: the last ich9-ehci1 before it. */
static bool companion_index(const DomainDef *def, guint at, guint32 *index)
{
    for (guint i = at; i-- > 0;) {
        const DomainController *other = def->devices.controllers[i];
        if (other->type == DOMAIN_CONTROLLER_TYPE_USB && domain_controller_is_model(other, "ich9-ehci1") &&
            other->has_index) {
            *index = other->index;
            return true;
        }
    }
    return false;
}

/* Numbers in use, by type; larger ones can't be in the way of the lowest free number. */
typedef struct {
    Bitmap *used[DOMAIN_CONTROLLER_TYPE_LAST];
    guint next[DOMAIN_CONTROLLER_TYPE_LAST]; /* All below are in use. */
} Indexes;

static void collect_indexes(const DomainDef *def, Indexes *indexes)
{
    memset(indexes, 0, sizeof *indexes);
    for (guint type = 0; type < DOMAIN_CONTROLLER_TYPE_LAST; type++)
        indexes->used[type] = bitmap_new(2 * (size_t)def->devices.n_controllers + 1);
    for (guint i = 0; i < def->devices.n_controllers; i++) {
        const DomainController *controller = def->devices.controllers[i];
        if (controller->has_index)
            bitmap_set(indexes->used[controller->type], controller->index);
    }
}

static void default_index(DomainDef *def, guint at, Indexes *indexes)
{
    DomainController *controller = def->devices.controllers[at];
    guint *next = &indexes->next[controller->type];

    if (controller->has_index)
        return;
    controller->has_index = true;
    if (is_usb_companion(controller) && companion_index(def, at, &controller->index))
        return;
    while (bitmap_test(indexes->used[controller->type], *next))
        (*next)++;
    controller->index = (*next)++;
}

static void default_model(DomainController *controller, const DomainMachineInfo *info)
{
    const char *model = NULL;

    if (controller->model)
        return;
    if (controller->type == DOMAIN_CONTROLLER_TYPE_USB)
        model = info->usb_plain_model;
    else if (controller->type == DOMAIN_CONTROLLER_TYPE_SCSI)
        model = info->scsi_model;
    controller->model = g_strdup(model);
}

/* Controllers of the machine itself */

static const char *root_model(const DomainMachineInfo *info)
{
    return info->pci_root == DOMAIN_PCI_ROOT_PCIE ? "pcie-root" : "pci-root";
}

static int check_root(DomainDef *def, const DomainMachineInfo *info)
{
    const DomainController *root = domain_find_controller(def, DOMAIN_CONTROLLER_TYPE_PCI, 0);

    if (!root || domain_controller_is_model(root, root_model(info)))
        return 0;
    return domain_fail_device(def, "controller", root, VIR_ERR_XML_ERROR, "the PCI controller with index='0' must have "
                              "model='%s' on this machine type, not '%s'", root_model(info), root->model ?: "");
}

static int add_machine_controllers(DomainDef *def, const DomainMachineInfo *info)
{
    if (info->has_usb && !domain_find_controller(def, DOMAIN_CONTROLLER_TYPE_USB, 0))
        domain_add_controller(def, DOMAIN_CONTROLLER_TYPE_USB, 0, info->usb_model);
    if (info->has_sata && !domain_find_controller(def, DOMAIN_CONTROLLER_TYPE_SATA, 0))
        domain_add_controller(def, DOMAIN_CONTROLLER_TYPE_SATA, 0, NULL);
    if (!info->pci_root)
        return 0;
    if (check_root(def, info) < 0)
        return -1;
    if (!domain_find_controller(def, DOMAIN_CONTROLLER_TYPE_PCI, 0))
        domain_add_controller(def, DOMAIN_CONTROLLER_TYPE_PCI, 0, root_model(info));
    return 0;
}

/* Controllers that devices refer to */

/* No address may ask for more controllers than this. */
#define MAX_CONTROLLERS 256

static int add_up_to(DomainDef *def, DomainControllerType type, gint64 last, const char *model)
{
    if (last >= MAX_CONTROLLERS)
        return FAIL(VIR_ERR_XML_ERROR, "domain.devices: an address names %s controller %" G_GINT64_FORMAT ", the last possible "
                    "one is %d", domain_controller_type_to_string(type), last, MAX_CONTROLLERS - 1);
    for (gint64 i = 0; i <= last; i++) {
        if (!domain_find_controller(def, type, i))
            domain_add_controller(def, type, i, model);
    }
    return 0;
}

/* Highest controller that the disks of a bus name, -1 if there is no such disk. */
static gint64 last_disk_controller(const DomainDef *def, DomainDiskBus bus)
{
    gint64 last = -1;

    for (guint i = 0; i < def->devices.n_disks; i++) {
        const DomainDisk *disk = def->devices.disks[i];
        const DomainAddress *address = disk->info.address;
        if (disk->target.bus == bus && address && address->type == DOMAIN_ADDRESS_TYPE_DRIVE)
            last = MAX(last, (gint64)address->drive.controller);
    }
    return last;
}

static gint64 last_hostdev_controller(const DomainDef *def)
{
    gint64 last = -1;

    for (guint i = 0; i < def->devices.n_hostdevs; i++) {
        const DomainHostdev *hostdev = def->devices.hostdevs[i];
        const DomainAddress *address = hostdev->info.address;
        if (hostdev->type != DOMAIN_HOSTDEV_TYPE_SCSI)
            continue;
        bool drive = address && address->type == DOMAIN_ADDRESS_TYPE_DRIVE;
        last = MAX(last, drive ? (gint64)address->drive.controller : 0);
    }
    return last;
}

static gint64 last_serial_controller(const DomainDef *def)
{
    gint64 last = -1;

    for (guint i = 0; i < def->devices.n_channels; i++) {
        const DomainChannel *channel = def->devices.channels[i];
        const DomainAddress *address = channel->info.address;
        if (channel->target.type != CHANNEL_TARGET_TYPE_VIRTIO)
            continue;
        bool given = address && address->type == DOMAIN_ADDRESS_TYPE_VIRTIO_SERIAL;
        last = MAX(last, given ? (gint64)address->virtio_serial.controller : 0);
    }
    for (guint i = 0; i < def->devices.n_consoles; i++) {
        const DomainConsole *console = def->devices.consoles[i];
        if (console->target.type == CONSOLE_TARGET_TYPE_VIRTIO)
            last = MAX(last, 0);
    }
    return last;
}

static gint64 last_ccid_controller(const DomainDef *def)
{
    gint64 last = -1, without = 0;

    for (guint i = 0; i < def->devices.n_smartcards; i++) {
        const DomainAddress *address = def->devices.smartcards[i]->info.address;
        if (address && address->type == DOMAIN_ADDRESS_TYPE_CCID)
            last = MAX(last, (gint64)address->ccid.controller);
        else
            without++;
    }
    return MAX(last, without - 1);
}

int domain_defaults_controllers(DomainDef *def, const DomainMachineInfo *info)
{
    Indexes indexes;

    collect_indexes(def, &indexes);
    for (guint i = 0; i < def->devices.n_controllers; i++) {
        default_index(def, i, &indexes);
        default_model(def->devices.controllers[i], info);
    }
    for (guint type = 0; type < DOMAIN_CONTROLLER_TYPE_LAST; type++)
        bitmap_free(indexes.used[type]);
    /* Those of passed devices stand before those of the machine. */
    if (add_up_to(def, DOMAIN_CONTROLLER_TYPE_SCSI, last_hostdev_controller(def), info->scsi_model) < 0 ||
        add_machine_controllers(def, info) < 0 || domain_address_drives(def) < 0)
        return -1;
    if (add_up_to(def, DOMAIN_CONTROLLER_TYPE_SCSI, last_disk_controller(def, DOMAIN_DISK_BUS_SCSI), info->scsi_model) < 0 ||
        add_up_to(def, DOMAIN_CONTROLLER_TYPE_FDC, last_disk_controller(def, DOMAIN_DISK_BUS_FDC), NULL) < 0 ||
        add_up_to(def, DOMAIN_CONTROLLER_TYPE_IDE, last_disk_controller(def, DOMAIN_DISK_BUS_IDE), NULL) < 0 ||
        add_up_to(def, DOMAIN_CONTROLLER_TYPE_SATA, last_disk_controller(def, DOMAIN_DISK_BUS_SATA), NULL) < 0)
        return -1;
    if (add_up_to(def, DOMAIN_CONTROLLER_TYPE_VIRTIO_SERIAL, last_serial_controller(def), NULL) < 0)
        return -1;
    return add_up_to(def, DOMAIN_CONTROLLER_TYPE_CCID, last_ccid_controller(def), NULL);
}
