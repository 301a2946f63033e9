/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Controllers and hubs. Those that the machine's board has by itself get no option.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/command_priv.h"

static json_object *device(const char *driver)
{
    return json_make(JSON_STR("driver", driver));
}

/* The room for memory of devices above 4 GiB, which the board's bridge has. */
static int pci_hole(QemuCommand *cmd, const DomainController *c)
{
    const char *bridge = qemu_machine_is_i440fx(cmd->def->os.machine) ? "i440FX-pcihost" :
        qemu_machine_is_q35(cmd->def->os.machine) ? "q35-pcihost" : NULL;

    if (!c->has_pcihole64)
        return 0;
    if (!bridge)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "machine '%s' has no <pcihole64>", cmd->machine->name);
    qemu_arg_f(cmd, "-global", "%s.pci-hole64-size=%" G_GUINT64_FORMAT "K", bridge, c->pcihole64);
    return 0;
}

static int pci_controller(QemuCommand *cmd, const DomainController *c)
{
    static const struct {
        const char *model;
        const char *driver;
    } drivers[] = {
        { "pci-bridge", "pci-bridge" }, { "pcie-root-port", "pcie-root-port" }, { "dmi-to-pci-bridge", "i82801b11-bridge" },
        { "pcie-to-pci-bridge", "pcie-pci-bridge" }, { "pcie-switch-upstream-port", "x3130-upstream" },
        { "pcie-switch-downstream-port", "xio3130-downstream" }, { "pcie-expander-bus", "pxb-pcie" },
        { "pci-expander-bus", "pxb" },
    };
    const char *driver = c->model_name;
    json_object *props;

    if (!c->model || g_str_equal(c->model, "pcie-root") || (g_str_equal(c->model, "pci-root") && !c->target.index))
        return pci_hole(cmd, c);
    for (guint i = 0; !driver && i < G_N_ELEMENTS(drivers); i++)
        driver = g_str_equal(drivers[i].model, c->model) ? drivers[i].driver : NULL;
    if (!driver)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "PCI controller model '%s' is not supported", c->model);
    if (qemu_require_type(cmd, driver, "a PCI controller") < 0)
        return -1;
    props = device(driver);
    if (c->target.has_index)
        qemu_add_uint(props, "index", c->target.index);
    if (c->target.has_chassis_nr)
        qemu_add_uint(props, "chassis_nr", c->target.chassis_nr);
    if (c->target.has_port)
        qemu_add_uint(props, "port", c->target.port);
    if (c->target.has_chassis)
        qemu_add_uint(props, "chassis", c->target.chassis);
    if (c->target.has_bus_nr)
        qemu_add_uint(props, "bus_nr", c->target.bus_nr);
    if (c->target.hotplug)
        qemu_add_switch(props, "hotplug", c->target.hotplug);
    if (c->target.mem_reserve) {
        if (qemu_require_prop(cmd, driver, "mem-reserve", "a PCI controller") < 0) {
            json_object_put(props);
            return -1;
        }
        qemu_add_uint(props, "mem-reserve", c->target.mem_reserve << 10);
    }
    json_add(props, JSON_STR("id", c->info.alias));
    if (c->target.has_node)
        qemu_add_uint(props, "numa_node", c->target.node);
    return qemu_arg_device(cmd, props, &c->info);
}

static const char *usb_driver(const DomainController *c)
{
    static const struct {
        const char *model;
        const char *driver;
    } drivers[] = {
        { "piix3-uhci", "piix3-usb-uhci" }, { "piix4-uhci", "piix4-usb-uhci" }, { "ehci", "usb-ehci" },
        { "ich9-ehci1", "ich9-usb-ehci1" }, { "ich9-uhci1", "ich9-usb-uhci1" }, { "ich9-uhci2", "ich9-usb-uhci2" },
        { "ich9-uhci3", "ich9-usb-uhci3" }, { "vt82c686b-uhci", "vt82c686b-usb-uhci" }, { "pci-ohci", "pci-ohci" },
        { "nec-xhci", "nec-usb-xhci" }, { "qemu-xhci", "qemu-xhci" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(drivers); i++) {
        if (g_strcmp0(c->model, drivers[i].model) == 0)
            return drivers[i].driver;
    }
    return NULL;
}

static int usb_controller(QemuCommand *cmd, const DomainController *c)
{
    const char *driver = usb_driver(c);
    json_object *props;

    if (g_strcmp0(c->model, "none") == 0)
        return 0;
    if (!driver)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "USB controller model '%s' is not supported", c->model ? c->model : "");
    if (qemu_require_type(cmd, driver, "a USB controller") < 0)
        return -1;
    props = device(driver);
    if (c->has_ports)
        json_add(props, JSON_INT("p2", c->ports), JSON_INT("p3", c->ports));
    if (c->info.has_master_startport) {
        const DomainController *master = qemu_find_controller(cmd->def, DOMAIN_CONTROLLER_TYPE_USB, c->index);
        g_autofree char *bus = g_strdup_printf("%s.0", master->info.alias);

        json_add(props, JSON_STR("masterbus", bus), JSON_UINT("firstport", c->info.master_startport));
    } else {
        json_add(props, JSON_STR("id", c->info.alias));
    }
    return qemu_arg_device(cmd, props, &c->info);
}

static int scsi_controller(QemuCommand *cmd, const DomainController *c)
{
    static const struct {
        const char *model;
        const char *driver;
    } plain[] = {
        { "lsilogic", "lsi" }, { "lsisas1078", "megasas" }, { "lsisas1068", "mptsas1068" }, { "vmpvscsi", "pvscsi" },
        { "am53c974", "am53c974" }, { "dc390", "dc-390" }, { "ibmvscsi", "spapr-vscsi" },
    };
    g_autofree char *driver = NULL;
    json_object *props;

    for (guint i = 0; i < G_N_ELEMENTS(plain); i++) {
        if (g_strcmp0(c->model, plain[i].model) == 0)
            driver = g_strdup(plain[i].driver);
    }
    if (!driver && (!c->model || g_str_has_prefix(c->model, "virtio")))
        driver = qemu_virtio_type(&c->info, "virtio-scsi", c->model);
    if (!driver)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "SCSI controller model '%s' is not supported", c->model);
    if (qemu_require_type(cmd, driver, "a SCSI controller") < 0)
        return -1;
    props = device(driver);
    if (c->driver.iothread) {
        g_autofree char *thread = g_strdup_printf("iothread%u", c->driver.iothread);

        json_add(props, JSON_STR("iothread", thread));
    }
    json_add(props, JSON_STR("id", c->info.alias));
    if (c->driver.queues)
        qemu_add_uint(props, "num_queues", c->driver.queues);
    if (c->driver.cmd_per_lun)
        qemu_add_uint(props, "cmd_per_lun", c->driver.cmd_per_lun);
    if (c->driver.max_sectors)
        qemu_add_uint(props, "max_sectors", c->driver.max_sectors);
    qemu_add_switch(props, "ioeventfd", c->driver.ioeventfd);
    if (qemu_add_virtio(cmd, props, driver, &c->driver.virtio, "a SCSI controller") < 0) {
        json_object_put(props);
        return -1;
    }
    return qemu_arg_device(cmd, props, &c->info);
}

static int serial_controller(QemuCommand *cmd, const DomainController *c)
{
    g_autofree char *driver = qemu_virtio_type(&c->info, "virtio-serial", c->model);
    json_object *props;

    if (qemu_require_type(cmd, driver, "a virtio-serial controller") < 0)
        return -1;
    props = device(driver);
    json_add(props, JSON_STR("id", c->info.alias));
    if (c->has_ports)
        json_add(props, JSON_INT("max_ports", c->ports));
    if (c->has_vectors)
        json_add(props, JSON_INT("vectors", c->vectors));
    if (qemu_add_virtio(cmd, props, driver, &c->driver.virtio, "a virtio-serial controller") < 0) {
        json_object_put(props);
        return -1;
    }
    return qemu_arg_device(cmd, props, &c->info);
}

static int simple_controller(QemuCommand *cmd, const DomainController *c, const char *driver)
{
    json_object *props;

    if (qemu_require_type(cmd, driver, "a controller") < 0)
        return -1;
    props = device(driver);
    json_add(props, JSON_STR("id", c->info.alias));
    return qemu_arg_device(cmd, props, &c->info);
}

int qemu_command_controller(QemuCommand *cmd, const DomainController *c)
{
    switch (c->type) {
    case DOMAIN_CONTROLLER_TYPE_PCI:
        return pci_controller(cmd, c);
    case DOMAIN_CONTROLLER_TYPE_USB:
        return usb_controller(cmd, c);
    case DOMAIN_CONTROLLER_TYPE_SCSI:
        return scsi_controller(cmd, c);
    case DOMAIN_CONTROLLER_TYPE_VIRTIO_SERIAL:
        return serial_controller(cmd, c);
    case DOMAIN_CONTROLLER_TYPE_SATA:
        if (c->index == 0 && qemu_machine_is_q35(cmd->def->os.machine))
            return 0;
        return simple_controller(cmd, c, "ahci");
    case DOMAIN_CONTROLLER_TYPE_IDE:
        if (c->index == 0 && qemu_machine_is_i440fx(cmd->def->os.machine))
            return 0;
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "machine '%s' has no IDE controller %u; use bus 'sata'", cmd->machine->name, c->index);
    case DOMAIN_CONTROLLER_TYPE_CCID:
        return simple_controller(cmd, c, "usb-ccid");
    case DOMAIN_CONTROLLER_TYPE_FDC:
        return 0;
    case DOMAIN_CONTROLLER_TYPE_NVME:
    default:
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "controllers of type '%s' are not supported yet",
                    domain_controller_type_to_string(c->type));
    }
}

/* q35 has no floppy controller on its board. */
static int floppy_controller(QemuCommand *cmd)
{
    json_object *props;

    if (!qemu_find_controller(cmd->def, DOMAIN_CONTROLLER_TYPE_FDC, 0) || qemu_machine_is_i440fx(cmd->def->os.machine))
        return 0;
    if (qemu_require_type(cmd, "isa-fdc", "a floppy disk") < 0)
        return -1;
    props = device("isa-fdc");
    qemu_arg_json(cmd, "-device", props);
    return 0;
}

int qemu_command_hubs(QemuCommand *cmd)
{
    for (guint i = 0; i < cmd->def->devices.n_hubs; i++) {
        const DomainHub *hub = cmd->def->devices.hubs[i];
        json_object *props = device("usb-hub");

        json_add(props, JSON_STR("id", hub->info.alias));
        if (qemu_arg_device(cmd, props, &hub->info) < 0)
            return -1;
    }
    return 0;
}

/* The bridge whose bus @c is on first, where that isn't there yet: it may have a greater index. @done: those that are there. */
static int pci_bridge(QemuCommand *cmd, const DomainController *c, GHashTable *done)
{
    const DomainAddress *address = c->info.address;
    const DomainController *below = address && address->type == DOMAIN_ADDRESS_TYPE_PCI && address->pci.bus ?
        qemu_find_controller(cmd->def, DOMAIN_CONTROLLER_TYPE_PCI, address->pci.bus) : NULL;

    if (!g_hash_table_add(done, (void *)c))
        return 0;
    return below && pci_bridge(cmd, below, done) < 0 ? -1 : qemu_command_controller(cmd, c);
}

static int pci_controllers(QemuCommand *cmd)
{
    const DomainDevices *d = &cmd->def->devices;
    g_autoptr(GHashTable) done = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < d->n_controllers; i++) {
        if (d->controllers[i]->type == DOMAIN_CONTROLLER_TYPE_PCI && pci_bridge(cmd, d->controllers[i], done) < 0)
            return -1;
    }
    return 0;
}

static int controllers_of(QemuCommand *cmd, DomainControllerType type)
{
    const DomainDevices *d = &cmd->def->devices;

    for (guint i = 0; i < d->n_controllers; i++) {
        if (d->controllers[i]->type == type && qemu_command_controller(cmd, d->controllers[i]) < 0)
            return -1;
    }
    return 0;
}

int qemu_command_controllers(QemuCommand *cmd)
{
    /* Buses before what is on them. */
    static const DomainControllerType order[] = {
        DOMAIN_CONTROLLER_TYPE_USB, DOMAIN_CONTROLLER_TYPE_SCSI, DOMAIN_CONTROLLER_TYPE_IDE,
        DOMAIN_CONTROLLER_TYPE_SATA, DOMAIN_CONTROLLER_TYPE_VIRTIO_SERIAL, DOMAIN_CONTROLLER_TYPE_NVME,
        DOMAIN_CONTROLLER_TYPE_XENBUS,
    };

    if (pci_controllers(cmd) < 0)
        return -1;
    for (guint o = 0; o < G_N_ELEMENTS(order); o++) {
        if (controllers_of(cmd, order[o]) < 0)
            return -1;
    }
    /* Readers of smartcards are USB devices, which may be on a hub. */
    return floppy_controller(cmd) < 0 || qemu_command_hubs(cmd) < 0 ? -1 : controllers_of(cmd, DOMAIN_CONTROLLER_TYPE_CCID);
}
