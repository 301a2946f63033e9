/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which devices are on PCI, and whether they are conventional or Express devices.
 */
#include "model/domain_private.h"

static bool is_one_of(const char *word, const char *const *words)
{
    return word && g_strv_contains(words, word);
}

static PciConnect connect_of_controller(const DomainController *controller)
{
    static const char *const express_usb[] = {"qemu-xhci", "nec-xhci", NULL};
    static const char *const express_scsi[] = {"virtio-scsi", "virtio-non-transitional", "mptsas1068", "megasas2", NULL};

    switch (controller->type) {
    case DOMAIN_CONTROLLER_TYPE_PCI:
        return domain_pci_controller_connect(controller);
    case DOMAIN_CONTROLLER_TYPE_USB:
        if (domain_controller_is_model(controller, "none"))
            return PCI_CONNECT_NONE;
        return is_one_of(controller->model, express_usb) ? PCI_CONNECT_PCIE : PCI_CONNECT_PCI;
    case DOMAIN_CONTROLLER_TYPE_SCSI:
        if (domain_controller_is_model(controller, "ibmvscsi"))
            return PCI_CONNECT_NONE;
        return is_one_of(controller->model, express_scsi) ? PCI_CONNECT_PCIE : PCI_CONNECT_PCI;
    case DOMAIN_CONTROLLER_TYPE_VIRTIO_SERIAL:
        return domain_controller_is_model(controller, "virtio-transitional") ? PCI_CONNECT_PCI : PCI_CONNECT_PCIE;
    case DOMAIN_CONTROLLER_TYPE_SATA:
    case DOMAIN_CONTROLLER_TYPE_IDE:
        return PCI_CONNECT_PCI;
    case DOMAIN_CONTROLLER_TYPE_NVME:
        return PCI_CONNECT_PCIE;
    default:
        return PCI_CONNECT_NONE;
    }
}

PciConnect domain_pci_controller_connect(const DomainController *controller)
{
    static const struct {
        const char *model;
        PciConnect connect;
    } models[] = {
        {"pcie-root-port", PCI_CONNECT_ROOT_PORT},
        {"pcie-switch-upstream-port", PCI_CONNECT_UPSTREAM},
        {"pcie-switch-downstream-port", PCI_CONNECT_DOWNSTREAM},
        {"pci-bridge", PCI_CONNECT_PCI_BRIDGE},
        {"dmi-to-pci-bridge", PCI_CONNECT_DMI_BRIDGE},
        {"pcie-to-pci-bridge", PCI_CONNECT_PCIE_TO_PCI},
        {"pci-expander-bus", PCI_CONNECT_EXPANDER},
        {"pcie-expander-bus", PCI_CONNECT_PCIE_EXPANDER},
    };

    for (guint i = 0; i < G_N_ELEMENTS(models); i++) {
        if (domain_controller_is_model(controller, models[i].model))
            return models[i].connect;
    }
    return PCI_CONNECT_NONE;
}

static PciConnect connect_of_disk(const DomainDisk *disk)
{
    if (disk->target.bus != DOMAIN_DISK_BUS_VIRTIO)
        return PCI_CONNECT_NONE;
    return disk->model == DOMAIN_DISK_MODEL_VIRTIO_TRANSITIONAL ? PCI_CONNECT_PCI : PCI_CONNECT_PCIE;
}

static PciConnect connect_of_interface(const DomainInterface *iface)
{
    static const char *const express[] = {"virtio", "virtio-non-transitional", "e1000e", "igb", NULL};
    static const char *const elsewhere[] = {"usb-net", "spapr-vlan", "smc91c111", "lan9118", NULL};

    if (iface->source.type == DOMAIN_INTERFACE_TYPE_HOSTDEV)
        return PCI_CONNECT_PCIE;
    if (!iface->model || is_one_of(iface->model, elsewhere))
        return PCI_CONNECT_NONE;
    return is_one_of(iface->model, express) ? PCI_CONNECT_PCIE : PCI_CONNECT_PCI;
}

static PciConnect connect_of_sound(const DomainSound *sound)
{
    switch (sound->model) {
    case DOMAIN_SOUND_MODEL_SB16:
    case DOMAIN_SOUND_MODEL_PCSPK:
    case DOMAIN_SOUND_MODEL_USB:
        return PCI_CONNECT_NONE;
    case DOMAIN_SOUND_MODEL_VIRTIO:
        return PCI_CONNECT_PCIE;
    default:
        return PCI_CONNECT_PCI;
    }
}

static PciConnect connect_of_video(const DomainVideo *video)
{
    switch (video->type) {
    case DOMAIN_VIDEO_TYPE_NONE:
    case DOMAIN_VIDEO_TYPE_RAMFB:
        return PCI_CONNECT_NONE;
    case DOMAIN_VIDEO_TYPE_VIRTIO:
    case DOMAIN_VIDEO_TYPE_BOCHS:
        return PCI_CONNECT_PCIE;
    default:
        return PCI_CONNECT_PCI;
    }
}

static PciConnect connect_of_hostdev(const DomainHostdev *hostdev)
{
    bool pci = hostdev->type == DOMAIN_HOSTDEV_TYPE_PCI || hostdev->type == DOMAIN_HOSTDEV_TYPE_SCSI_HOST ||
               (hostdev->type == DOMAIN_HOSTDEV_TYPE_MDEV && g_strcmp0(hostdev->model, "vfio-pci") == 0);

    return pci && hostdev->mode != DOMAIN_HOSTDEV_MODE_CAPABILITIES ? PCI_CONNECT_PCIE : PCI_CONNECT_NONE;
}

static PciConnect connect_of_memballoon(const DomainMemballoon *balloon)
{
    switch (balloon->model) {
    case DOMAIN_MEMBALLOON_MODEL_VIRTIO:
    case DOMAIN_MEMBALLOON_MODEL_VIRTIO_NON_TRANSITIONAL:
        return PCI_CONNECT_PCIE;
    case DOMAIN_MEMBALLOON_MODEL_VIRTIO_TRANSITIONAL:
        return PCI_CONNECT_PCI;
    default:
        return PCI_CONNECT_NONE;
    }
}

static PciConnect connect_of_small(const char *kind, const void *device)
{
    if (strcmp(kind, "rng") == 0)
        return ((const DomainRng *)device)->model == DOMAIN_RNG_MODEL_VIRTIO_TRANSITIONAL ? PCI_CONNECT_PCI
                                                                                         : PCI_CONNECT_PCIE;
    if (strcmp(kind, "vsock") == 0)
        return ((const DomainVsock *)device)->model == DOMAIN_VSOCK_MODEL_VIRTIO_TRANSITIONAL ? PCI_CONNECT_PCI
                                                                                             : PCI_CONNECT_PCIE;
    if (strcmp(kind, "watchdog") == 0)
        return ((const DomainWatchdog *)device)->model == DOMAIN_WATCHDOG_MODEL_I6300ESB ? PCI_CONNECT_PCI
                                                                                        : PCI_CONNECT_NONE;
    if (strcmp(kind, "iommu") == 0)
        return ((const DomainIommu *)device)->model == DOMAIN_IOMMU_MODEL_VIRTIO ||
               ((const DomainIommu *)device)->model == DOMAIN_IOMMU_MODEL_AMD ? PCI_CONNECT_INTEGRATED : PCI_CONNECT_NONE;
    if (strcmp(kind, "input") == 0)
        return ((const DomainInput *)device)->bus == DOMAIN_INPUT_BUS_VIRTIO ? PCI_CONNECT_PCIE : PCI_CONNECT_NONE;
    if (strcmp(kind, "serial") == 0)
        return ((const DomainSerial *)device)->target.type == SERIAL_TARGET_TYPE_PCI_SERIAL ? PCI_CONNECT_PCI
                                                                                           : PCI_CONNECT_NONE;
    if (strcmp(kind, "panic") == 0)
        return ((const DomainPanic *)device)->model == DOMAIN_PANIC_MODEL_PVPANIC ? PCI_CONNECT_PCI : PCI_CONNECT_NONE;
    if (strcmp(kind, "memory") == 0) {
        DomainMemoryModel model = ((const DomainMemory *)device)->model;
        return model == DOMAIN_MEMORY_MODEL_VIRTIO_PMEM || model == DOMAIN_MEMORY_MODEL_VIRTIO_MEM ? PCI_CONNECT_PCIE
                                                                                                   : PCI_CONNECT_NONE;
    }
    return strcmp(kind, "shmem") == 0 || strcmp(kind, "pstore") == 0 ? PCI_CONNECT_PCI : strcmp(kind, "crypto") == 0 ? PCI_CONNECT_PCIE : PCI_CONNECT_NONE;
}

PciConnect domain_pci_connect(const char *kind, const void *device)
{
    if (strcmp(kind, "controller") == 0)
        return connect_of_controller(device);
    if (strcmp(kind, "disk") == 0)
        return connect_of_disk(device);
    if (strcmp(kind, "interface") == 0)
        return connect_of_interface(device);
    if (strcmp(kind, "sound") == 0)
        return connect_of_sound(device);
    if (strcmp(kind, "video") == 0)
        return connect_of_video(device);
    if (strcmp(kind, "hostdev") == 0)
        return connect_of_hostdev(device);
    if (strcmp(kind, "memballoon") == 0)
        return connect_of_memballoon(device);
    if (strcmp(kind, "filesystem") == 0)
        return ((const DomainFilesystem *)device)->model == DOMAIN_DISK_MODEL_VIRTIO_TRANSITIONAL ? PCI_CONNECT_PCI
                                                                                                  : PCI_CONNECT_PCIE;
    return connect_of_small(kind, device);
}
