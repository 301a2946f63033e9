/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Places on PCI. First it is planned how many buses there must be: all devices are placed on trial, and where no
 * bus takes one, another bus is thought of (a bridge on a conventional machine; a root port, and a bridge behind it
 * for conventional devices, on an Express machine). The buses thought of become controllers and all is planned
 * again, now with the controllers' own places, until nothing is missing. Then the places are given for good. One free
 * place is left over, so that a device can be plugged.
 */
#include "model/domain_pci_plan.h"

/* Slots of the integrated devices of q35. */
enum { Q35_SOUND_SLOT = 0x1b, Q35_DMI_SLOT = 0x1e, Q35_LPC_SLOT = 0x1f };
/* Slot of the integrated devices of pc, with their functions. */
enum { PC_CHIP_SLOT = 1, PC_IDE_FUNCTION = 1, PC_USB_FUNCTION = 2 };

/* Devices in the order in which they get their places. */

static int visit_info(PciPlan *plan, const char *kind, void *device, DomainDeviceInfo *info)
{
    return pci_plan_place(plan, info, domain_pci_connect(kind, device), kind);
}

#define PLACE_ALL(plan, kind, list, n) \
    do { \
        for (guint at = 0; at < (n); at++) { \
            if (visit_info(plan, kind, (list)[at], &(list)[at]->info) < 0) \
                return -1; \
        } \
    } while (0)

static int place_pci_controllers(PciPlan *plan)
{
    DomainDevices *devices = &plan->def->devices;

    for (guint i = 0; i < devices->n_controllers; i++) {
        DomainController *controller = devices->controllers[i];
        if (controller->type != DOMAIN_CONTROLLER_TYPE_PCI || !controller->index)
            continue;
        plan->self = controller->index;
        if (visit_info(plan, "controller", controller, &controller->info) < 0)
            return -1;
        plan->self = 0;
    }
    return 0;
}

static int place_other_controllers(PciPlan *plan)
{
    DomainDevices *devices = &plan->def->devices;

    for (guint i = 0; i < devices->n_controllers; i++) {
        DomainController *controller = devices->controllers[i];
        if (controller->type != DOMAIN_CONTROLLER_TYPE_PCI &&
            visit_info(plan, "controller", controller, &controller->info) < 0)
            return -1;
    }
    return 0;
}

/* An interface that is a device of the host gets its place just before those. */
static int place_interfaces(PciPlan *plan, bool of_host)
{
    DomainDevices *devices = &plan->def->devices;

    for (guint i = 0; i < devices->n_interfaces; i++) {
        DomainInterface *iface = devices->interfaces[i];
        if ((iface->source.type == DOMAIN_INTERFACE_TYPE_HOSTDEV) == of_host &&
            visit_info(plan, "interface", iface, &iface->info) < 0)
            return -1;
    }
    return 0;
}

static int place_devices(PciPlan *plan)
{
    DomainDevices *devices = &plan->def->devices;

    if (place_pci_controllers(plan) < 0)
        return -1;
    PLACE_ALL(plan, "filesystem", devices->filesystems, devices->n_filesystems);
    if (place_interfaces(plan, false) < 0)
        return -1;
    PLACE_ALL(plan, "sound", devices->sounds, devices->n_sounds);
    if (place_other_controllers(plan) < 0)
        return -1;
    PLACE_ALL(plan, "disk", devices->disks, devices->n_disks);
    if (place_interfaces(plan, true) < 0)
        return -1;
    PLACE_ALL(plan, "hostdev", devices->hostdevs, devices->n_hostdevs);
    if (devices->memballoon && visit_info(plan, "memballoon", devices->memballoon, &devices->memballoon->info) < 0)
        return -1;
    PLACE_ALL(plan, "rng", devices->rngs, devices->n_rngs);
    PLACE_ALL(plan, "watchdog", devices->watchdogs, devices->n_watchdogs);
    PLACE_ALL(plan, "iommu", devices->iommus, devices->n_iommus);
    PLACE_ALL(plan, "video", devices->videos, devices->n_videos);
    PLACE_ALL(plan, "shmem", devices->shmems, devices->n_shmems);
    PLACE_ALL(plan, "input", devices->inputs, devices->n_inputs);
    PLACE_ALL(plan, "serial", devices->serials, devices->n_serials);
    PLACE_ALL(plan, "panic", devices->panics, devices->n_panics);
    if (devices->vsock && visit_info(plan, "vsock", devices->vsock, &devices->vsock->info) < 0)
        return -1;
    PLACE_ALL(plan, "crypto", devices->cryptos, devices->n_cryptos);
    if (devices->pstore && visit_info(plan, "pstore", devices->pstore, &devices->pstore->info) < 0)
        return -1;
    PLACE_ALL(plan, "memory", devices->memories, devices->n_memories);
    return 0;
}

/* Places that the machine type dictates */

static void fix_pc(PciPlan *plan)
{
    pci_plan_reserve(plan, 0, PC_CHIP_SLOT, 0);
    pci_plan_reserve(plan, 0, PC_CHIP_SLOT, 3);
    DomainController *ide = domain_find_controller(plan->def, DOMAIN_CONTROLLER_TYPE_IDE, 0);
    if (ide)
        pci_plan_fix(plan, &ide->info, PC_CHIP_SLOT, PC_IDE_FUNCTION, false);
    DomainController *usb = domain_find_controller(plan->def, DOMAIN_CONTROLLER_TYPE_USB, 0);
    if (usb && domain_controller_is_model(usb, "piix3-uhci"))
        pci_plan_fix(plan, &usb->info, PC_CHIP_SLOT, PC_USB_FUNCTION, false);
}

static void fix_q35(PciPlan *plan)
{
    DomainDevices *devices = &plan->def->devices;

    pci_plan_reserve(plan, 0, Q35_LPC_SLOT, 0);
    pci_plan_reserve(plan, 0, Q35_LPC_SLOT, 3);
    DomainController *sata = domain_find_controller(plan->def, DOMAIN_CONTROLLER_TYPE_SATA, 0);
    if (sata)
        pci_plan_fix(plan, &sata->info, Q35_LPC_SLOT, 2, false);
    for (guint i = 0; i < devices->n_sounds; i++) {
        if (devices->sounds[i]->model == DOMAIN_SOUND_MODEL_ICH9)
            pci_plan_fix(plan, &devices->sounds[i]->info, Q35_SOUND_SLOT, 0, false);
    }
    for (guint i = 0; i < devices->n_controllers; i++) {
        DomainController *controller = devices->controllers[i];
        if (domain_pci_connect("controller", controller) == PCI_CONNECT_DMI_BRIDGE)
            pci_plan_fix(plan, &controller->info, Q35_DMI_SLOT, 0, false);
    }
}

/* The four functions of an ICH9 USB set share a slot. */
static int ich9_function(const DomainController *controller)
{
    static const char *const models[] = {"ich9-uhci1", "ich9-uhci2", "ich9-uhci3"};

    if (controller->type != DOMAIN_CONTROLLER_TYPE_USB)
        return -1;
    for (int i = 0; i < (int)G_N_ELEMENTS(models); i++) {
        if (domain_controller_is_model(controller, models[i]))
            return i;
    }
    return domain_controller_is_model(controller, "ich9-ehci1") ? 7 : -1;
}

/* Slot for the set with this index: where one of it is, else the traditional ones, else none (-1). */
static int ich9_slot(PciPlan *plan, guint32 index, const int slots[256])
{
    static const guint8 traditional[] = {0x1d, 0x1a};

    if (index >= 256)
        return -1;
    if (slots[index] >= 0)
        return slots[index];
    for (guint i = 0; i < G_N_ELEMENTS(traditional); i++) {
        if (pci_plan_slot_is_free(plan, 0, traditional[i]))
            return traditional[i];
    }
    return -1;
}

static void fix_ich9_usb(PciPlan *plan)
{
    DomainDevices *devices = &plan->def->devices;
    int slots[256];

    for (guint i = 0; i < G_N_ELEMENTS(slots); i++)
        slots[i] = -1;
    for (guint i = 0; i < devices->n_controllers; i++) {
        DomainController *controller = devices->controllers[i];
        int function = ich9_function(controller);
        int slot = function < 0 ? -1 : ich9_slot(plan, controller->index, slots);
        if (slot < 0)
            continue;
        slots[controller->index] = slot;
        pci_plan_fix(plan, &controller->info, slot, function, function == 0);
    }
}

static void fix_places(PciPlan *plan)
{
    DomainDevices *devices = &plan->def->devices;

    if (plan->info->has_ide)
        fix_pc(plan);
    if (plan->info->has_sata)
        fix_q35(plan);
    fix_ich9_usb(plan);
    if (plan->info->video_slot && devices->n_videos &&
        domain_pci_connect("video", devices->videos[0]) != PCI_CONNECT_NONE)
        pci_plan_fix(plan, &devices->videos[0]->info, plan->info->video_slot, 0, false);
}

/* The plan */

static int run_plan(PciPlan *plan)
{
    if (pci_plan_start(plan) < 0)
        return -1;
    fix_places(plan);
    if (place_devices(plan) < 0)
        return -1;
    return plan->dry ? pci_plan_spare(plan) : 0;
}

/* Details of PCI controllers that follow from their number and place. */

static const char *model_name(const DomainController *controller)
{
    switch (domain_pci_controller_connect(controller)) {
    case PCI_CONNECT_ROOT_PORT:
        return "pcie-root-port";
    case PCI_CONNECT_UPSTREAM:
        return "x3130-upstream";
    case PCI_CONNECT_DOWNSTREAM:
        return "xio3130-downstream";
    case PCI_CONNECT_PCI_BRIDGE:
        return "pci-bridge";
    case PCI_CONNECT_DMI_BRIDGE:
        return "i82801b11-bridge";
    case PCI_CONNECT_PCIE_TO_PCI:
        return "pcie-pci-bridge";
    case PCI_CONNECT_EXPANDER:
        return "pxb";
    case PCI_CONNECT_PCIE_EXPANDER:
        return "pxb-pcie";
    default:
        return NULL;
    }
}

static void number_port(DomainController *controller)
{
    DomainControllerTarget *target = &controller->target;
    const DomainAddress *address = controller->info.address;

    if (!target->has_chassis) {
        target->chassis = controller->index;
        target->has_chassis = true;
    }
    if (!target->has_port && address && address->type == DOMAIN_ADDRESS_TYPE_PCI) {
        target->port = address->pci.slot << 3 | address->pci.function;
        target->has_port = true;
    }
}

enum { MAX_HOST_BRIDGES = 32 };

/* Host bridges of POWER are numbered beside their buses. */
static int number_host_bridge(DomainDef *def, DomainController *controller, guint *next)
{
    DomainControllerTarget *target = &controller->target;
    bool taken = true;

    if (!controller->model_name)
        controller->model_name = g_strdup("spapr-pci-host-bridge");
    for (; !target->has_index && taken; (*next)++) {
        taken = false;
        for (guint i = 0; i < def->devices.n_controllers; i++) {
            const DomainControllerTarget *other = &def->devices.controllers[i]->target;
            taken = taken || (other->has_index && other->index == *next);
        }
        if (!taken)
            target->index = *next;
    }
    target->has_index = true;
    if (target->index < MAX_HOST_BRIDGES)
        return 0;
    return domain_fail_device(def, "controller", controller, VIR_ERR_XML_ERROR, "there can be no more than %d PCI host bridges",
                              MAX_HOST_BRIDGES);
}

static int complete_controllers(DomainDef *def, const DomainMachineInfo *info)
{
    guint last_bus = 256, next_bridge = 0;

    for (guint i = 0; i < def->devices.n_controllers; i++) {
        DomainController *controller = def->devices.controllers[i];
        if (controller->type != DOMAIN_CONTROLLER_TYPE_PCI)
            continue;
        PciConnect connect = domain_pci_controller_connect(controller);
        if (info->has_vio && domain_controller_is_model(controller, "pci-root") &&
            number_host_bridge(def, controller, &next_bridge) < 0)
            return -1;
        if (!controller->model_name)
            controller->model_name = g_strdup(model_name(controller));
        if (connect == PCI_CONNECT_ROOT_PORT || connect == PCI_CONNECT_DOWNSTREAM)
            number_port(controller);
        if (connect == PCI_CONNECT_PCI_BRIDGE && !controller->target.has_chassis_nr) {
            controller->target.chassis_nr = controller->index;
            controller->target.has_chassis_nr = true;
        }
        if (connect != PCI_CONNECT_EXPANDER && connect != PCI_CONNECT_PCIE_EXPANDER)
            continue;
        if (!controller->target.has_bus_nr) {
            controller->target.bus_nr = MAX(last_bus, 4) - 2;
            controller->target.has_bus_nr = true;
        }
        last_bus = MIN(last_bus, controller->target.bus_nr);
    }
    return 0;
}

/* Whoever describes buses beside the root, or reads back what was completed before, wants these and no more. */
static bool has_own_buses(const DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_controllers; i++) {
        const DomainController *controller = def->devices.controllers[i];
        if (controller->type == DOMAIN_CONTROLLER_TYPE_PCI && controller->index)
            return true;
    }
    return false;
}

static int plan_all(DomainDef *def, const DomainMachineInfo *info, guint spare)
{
    g_autofree PciPlan *plan = g_new0(PciPlan, 1);

    plan->def = def;
    plan->info = info;
    plan->dry = true;
    plan->spare = spare;
    do {
        if (run_plan(plan) < 0)
            return -1;
    } while (pci_plan_add_controllers(plan));
    plan->dry = false;
    if (run_plan(plan) < 0)
        return -1;
    return complete_controllers(def, info);
}

int domain_address_pci(DomainDef *def, const DomainMachineInfo *info)
{
    return plan_all(def, info, !has_own_buses(def));
}

int domain_def_spare_ports(DomainDef *def, const DomainMachineInfo *info, guint n)
{
    return info->pci_root == DOMAIN_PCI_ROOT_PCIE && n ? plan_all(def, info, n) : 0;
}
