/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ports of USB. Hubs come first, on the lowest ports; devices take the lowest port of a controller that is free,
 * then ports of its hubs. Where ports are too few, hubs are added.
 */
#include "model/domain_private.h"

enum { HUB_PORTS = 8, MAX_ROOT_PORTS = 15, MAX_USB_BUSES = 256, MAX_HUBS = 64 };

/* A controller or a hub: something with ports. */
typedef struct {
    guint bus;
    char path[32]; /* "" for a controller, else such as "1.2". */
    guint ports;
    guint32 used;  /* Bit N - 1: port N. */
} UsbPorts;

typedef struct {
    DomainDef *def;
    GArray *parts; /* UsbPorts: all controllers, then the hubs. */
    guint needed;  /* Devices without place. */
    bool place;
} UsbPlan;

static guint ports_of(const DomainController *controller)
{
    static const struct {
        const char *model;
        guint8 ports;
    } models[] = {
        {"piix3-uhci", 2}, {"piix4-uhci", 2}, {"vt82c686b-uhci", 2}, {"ehci", 6}, {"ich9-ehci1", 6}, {"pci-ohci", 3},
        {"nec-xhci", 4}, {"qemu-xhci", 4}, {"qusb1", 8}, {"qusb2", 8},
    };

    if (controller->has_ports && controller->ports > 0)
        return MIN(controller->ports, MAX_ROOT_PORTS);
    for (guint i = 0; i < G_N_ELEMENTS(models); i++) {
        if (domain_controller_is_model(controller, models[i].model))
            return models[i].ports;
    }
    return 0; /* Companions: their ports are those of the main controller. */
}

static void add_part(UsbPlan *plan, guint bus, const char *path, guint ports)
{
    UsbPorts part = {.bus = bus, .ports = ports};

    g_strlcpy(part.path, path, sizeof part.path);
    g_array_append_val(plan->parts, part);
}

static void add_controllers(UsbPlan *plan)
{
    for (guint bus = 0; bus < MAX_USB_BUSES; bus++) {
        for (guint i = 0; i < plan->def->devices.n_controllers; i++) {
            const DomainController *controller = plan->def->devices.controllers[i];
            if (controller->type == DOMAIN_CONTROLLER_TYPE_USB && controller->index == bus && ports_of(controller))
                add_part(plan, bus, "", ports_of(controller));
        }
    }
}

/* The part and the port in it that an address means; NULL if there is no such part. */
static UsbPorts *find_part(UsbPlan *plan, const UsbAddress *usb, guint *port)
{
    const char *dot = usb->port ? strrchr(usb->port, '.') : NULL;
    size_t len = dot ? (size_t)(dot - usb->port) : 0;

    *port = usb->port ? strtoul(dot ? dot + 1 : usb->port, NULL, 10) : 0;
    for (guint i = 0; i < plan->parts->len; i++) {
        UsbPorts *part = &g_array_index(plan->parts, UsbPorts, i);
        if (part->bus == usb->bus && strlen(part->path) == len && !strncmp(part->path, usb->port ?: "", len))
            return part;
    }
    return NULL;
}

static bool is_usb_device(const char *kind, const void *device, const DomainDeviceInfo *info)
{
    if (strcmp(kind, "hub") == 0 || strcmp(kind, "redirdev") == 0)
        return true;
    if (strcmp(kind, "disk") == 0)
        return ((const DomainDisk *)device)->target.bus == DOMAIN_DISK_BUS_USB;
    if (strcmp(kind, "input") == 0)
        return ((const DomainInput *)device)->bus == DOMAIN_INPUT_BUS_USB;
    if (strcmp(kind, "serial") == 0)
        return ((const DomainSerial *)device)->target.type == SERIAL_TARGET_TYPE_USB_SERIAL;
    if (strcmp(kind, "controller") == 0)
        return ((const DomainController *)device)->type == DOMAIN_CONTROLLER_TYPE_CCID;
    if (strcmp(kind, "hostdev") == 0)
        return ((const DomainHostdev *)device)->type == DOMAIN_HOSTDEV_TYPE_USB;
    if (strcmp(kind, "sound") == 0)
        return ((const DomainSound *)device)->model == DOMAIN_SOUND_MODEL_USB;
    if (strcmp(kind, "interface") == 0)
        return g_strcmp0(((const DomainInterface *)device)->model, "usb-net") == 0;
    return false;
}

/* Whether the address says nothing about the port yet. */
static bool needs_port(const DomainDeviceInfo *info)
{
    return !info->address || (info->address->type == DOMAIN_ADDRESS_TYPE_USB && !info->address->usb.port);
}

/* Places that were given */

static int reserve_given(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    UsbPlan *plan = opaque;
    guint port;

    if (!is_usb_device(kind, device, info))
        return 0;
    if (needs_port(info)) {
        plan->needed++;
        return 0;
    }
    if (info->address->type != DOMAIN_ADDRESS_TYPE_USB)
        return 0;
    const UsbAddress *usb = &info->address->usb;
    UsbPorts *part = find_part(plan, usb, &port);
    if (!part || port < 1 || port > MAX(part->ports, 1))
        return domain_fail_device(def, kind, device, VIR_ERR_XML_ERROR, "there is no USB port %s on bus %u", usb->port,
                                  usb->bus);
    if (part->used >> (port - 1) & 1)
        return domain_fail_device(def, kind, device, VIR_ERR_XML_ERROR, "USB port %s on bus %u is used twice", usb->port,
                                  usb->bus);
    part->used |= 1U << (port - 1);
    if (strcmp(kind, "hub") == 0 && strlen(usb->port) + 3 < sizeof part->path)
        add_part(plan, usb->bus, usb->port, HUB_PORTS);
    return 0;
}

/* New places */

static UsbPorts *free_part(UsbPlan *plan, guint *port)
{
    for (guint i = 0; i < plan->parts->len; i++) {
        UsbPorts *part = &g_array_index(plan->parts, UsbPorts, i);
        for (guint n = 0; n < part->ports; n++) {
            if (part->used >> n & 1)
                continue;
            *port = n + 1;
            return part;
        }
    }
    return NULL;
}

static int place_device(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    UsbPlan *plan = opaque;
    guint port;

    if (!is_usb_device(kind, device, info) || !needs_port(info))
        return 0;
    UsbPorts *part = free_part(plan, &port);
    if (!part)
        return domain_fail_device(def, kind, device, VIR_ERR_CONFIG_UNSUPPORTED,
                                  "it needs USB, but no USB port is free or USB is switched off");
    part->used |= 1U << (port - 1);
    UsbAddress *usb = &domain_new_address(info, DOMAIN_ADDRESS_TYPE_USB)->usb;
    usb->bus = part->bus;
    usb->port = part->path[0] ? g_strdup_printf("%s.%u", part->path, port) : g_strdup_printf("%u", port);
    if (strcmp(kind, "hub") == 0 && strlen(usb->port) + 3 < sizeof part->path)
        add_part(plan, usb->bus, usb->port, HUB_PORTS);
    return 0;
}

static guint free_ports(const UsbPlan *plan)
{
    guint n = 0;

    for (guint i = 0; i < plan->parts->len; i++) {
        const UsbPorts *part = &g_array_index(plan->parts, UsbPorts, i);
        n += part->ports - __builtin_popcount(part->used);
    }
    return n;
}

/* Each hub takes one port and brings eight. Hubs that have no place yet were counted among the devices. */
static void add_hubs(UsbPlan *plan)
{
    DomainDevices *devices = &plan->def->devices;
    guint ports = free_ports(plan);

    for (guint i = 0; i < devices->n_hubs; i++)
        ports += needs_port(&devices->hubs[i]->info) ? HUB_PORTS : 0;
    for (guint i = 0; ports && ports < plan->needed && i < MAX_HUBS; i++) {
        DomainHub *hub = xml_struct_new(&DOMAIN_HUB_DESC);
        hub->type = DOMAIN_HUB_TYPE_USB;
        XML_LIST_APPEND(devices->hubs, devices->n_hubs, hub);
        ports += HUB_PORTS - 1;
    }
}

int domain_address_usb(DomainDef *def)
{
    UsbPlan plan = {.def = def, .parts = g_array_new(FALSE, FALSE, sizeof(UsbPorts))};

    add_controllers(&plan);
    int rc = domain_def_each_device(def, reserve_given, &plan);
    if (!rc) {
        add_hubs(&plan);
        rc = domain_def_each_device(def, place_device, &plan);
    }
    g_array_unref(plan.parts);
    return rc;
}
