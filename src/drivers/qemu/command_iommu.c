/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * IOMMUs of the guest. They stand before the devices that are behind them.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "base/error.h"
#include "drivers/qemu/command_priv.h"

static int intel_iommu(QemuCommand *cmd, const DomainIommu *iommu)
{
    const DomainIommuDriver *driver = &iommu->driver;
    json_object *props;

    if (!qemu_machine_is_q35(cmd->def->os.machine))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the IOMMU of model 'intel' of domain '%s' needs a machine of type 'q35'", cmd->def->name);
    if (driver->dma_translation && qemu_require_prop(cmd, "intel-iommu", "dma-translation", "the IOMMU's dma_translation") < 0)
        return -1;
    props = json_make(JSON_STR("driver", "intel-iommu"), JSON_STR("id", "iommu0"));
    /* These two are more than switches: they have 'auto'. */
    if (driver->intremap)
        json_add(props, JSON_STR("intremap", driver->intremap == TRISTATE_ON ? "on" : "off"));
    qemu_add_switch(props, "caching-mode", driver->caching_mode);
    if (driver->eim)
        json_add(props, JSON_STR("eim", driver->eim == TRISTATE_ON ? "on" : "off"));
    qemu_add_switch(props, "device-iotlb", driver->iotlb);
    if (driver->aw_bits)
        qemu_add_uint(props, "aw-bits", driver->aw_bits);
    qemu_add_switch(props, "dma-translation", driver->dma_translation);
    qemu_arg_json(cmd, "-device", props);
    return 0;
}

/* AMD's is two devices: what the guest finds on its PCI bus, and the IOMMU itself. */
static int amd_iommu(QemuCommand *cmd, const DomainIommu *iommu, const char *what)
{
    const DomainIommuDriver *driver = &iommu->driver;
    json_object *props;

    if (!qemu_machine_is_q35(cmd->def->os.machine))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the IOMMU of model 'amd' of domain '%s' needs a machine of type 'q35'", cmd->def->name);
    if (qemu_require_type(cmd, "amd-iommu", what) < 0 || qemu_require_prop(cmd, "amd-iommu", "pci-id", what) < 0 ||
        (driver->xtsup && qemu_require_prop(cmd, "amd-iommu", "xtsup", what) < 0) ||
        qemu_arg_device(cmd, json_make(JSON_STR("driver", "AMDVI-PCI"), JSON_STR("id", iommu->info.alias)), &iommu->info) < 0)
        return -1;
    props = json_make(JSON_STR("driver", "amd-iommu"), JSON_STR("pci-id", iommu->info.alias));
    if (driver->intremap)
        json_add(props, JSON_STR("intremap", driver->intremap == TRISTATE_ON ? "on" : "off"));
    qemu_add_switch(props, "pt", driver->passthrough);
    qemu_add_switch(props, "xtsup", driver->xtsup);
    qemu_add_switch(props, "device-iotlb", driver->iotlb);
    qemu_arg_json(cmd, "-device", props);
    return 0;
}

int qemu_command_iommus(QemuCommand *cmd)
{
    const DomainDevices *d = &cmd->def->devices;
    g_autofree char *what = g_strdup_printf("the IOMMU of domain '%s'", cmd->def->name);

    for (guint i = 0; i < d->n_iommus; i++) {
        const DomainIommu *iommu = d->iommus[i];
        int rc = 0;

        if (iommu->model == DOMAIN_IOMMU_MODEL_INTEL)
            rc = qemu_require_type(cmd, "intel-iommu", what) < 0 ? -1 : intel_iommu(cmd, iommu);
        else if (iommu->model == DOMAIN_IOMMU_MODEL_AMD)
            rc = amd_iommu(cmd, iommu, what);
        else if (iommu->model == DOMAIN_IOMMU_MODEL_VIRTIO)
            rc = qemu_require_type(cmd, "virtio-iommu-pci", what) < 0 ? -1 :
                qemu_arg_device(cmd, json_make(JSON_STR("driver", "virtio-iommu"), JSON_STR("id", "iommu0")), &iommu->info);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int qemu_command_smmus(QemuCommand *cmd)
{
    const DomainDevices *d = &cmd->def->devices;

    for (guint i = 0; i < d->n_iommus; i++) {
        const DomainIommu *iommu = d->iommus[i];
        g_autofree char *what = g_strdup_printf("the IOMMU '%s' of one bus of domain '%s'", iommu->info.alias, cmd->def->name);
        const DomainController *bus;

        if (iommu->model != DOMAIN_IOMMU_MODEL_SMMUV3 || !iommu->driver.has_pci_bus)
            continue;
        bus = qemu_find_controller(cmd->def, DOMAIN_CONTROLLER_TYPE_PCI, iommu->driver.pci_bus);
        if (!bus || (g_strcmp0(bus->model, "pcie-root") != 0 && g_strcmp0(bus->model, "pcie-expander-bus") != 0))
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: pciBus must be the index of a PCI controller of model 'pcie-root' or "
                        "'pcie-expander-bus', %u isn't", what, iommu->driver.pci_bus);
        if (qemu_require_type(cmd, "arm-smmuv3", what) < 0)
            return -1;
        qemu_arg_json(cmd, "-device", json_make(JSON_STR("driver", "arm-smmuv3"), JSON_STR("primary-bus", bus->info.alias),
                                                JSON_STR("id", iommu->info.alias)));
    }
    return 0;
}
