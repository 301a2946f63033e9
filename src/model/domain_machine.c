/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the well-known machine types are like.
 */
#include "model/domain.h"
#include <string.h>

static bool is_x86(const char *arch)
{
    return !arch || strcmp(arch, "x86_64") == 0 || strcmp(arch, "i686") == 0;
}

static void describe_x86(const char *machine, DomainMachineInfo *info)
{
    bool q35 = machine && (strcmp(machine, "q35") == 0 || g_str_has_prefix(machine, "pc-q35"));
    bool pc = !machine || strcmp(machine, "pc") == 0 || g_str_has_prefix(machine, "pc-");

    info->serial_type = SERIAL_TARGET_TYPE_ISA_SERIAL;
    info->serial_model = SERIAL_TARGET_MODEL_ISA_SERIAL;
    if (!q35 && !pc)
        return;
    info->pci_root = q35 ? DOMAIN_PCI_ROOT_PCIE : DOMAIN_PCI_ROOT_PCI;
    info->has_ide = !q35;
    info->has_sata = q35;
    info->has_ps2 = info->has_usb = info->has_memballoon = true;
    info->video_slot = q35 ? 1 : 2;
    info->usb_model = q35 ? "qemu-xhci" : "piix3-uhci";
    info->usb_plain_model = "piix3-uhci";
    info->scsi_model = "lsilogic";
    info->net_model = "rtl8139";
    info->video_type = DOMAIN_VIDEO_TYPE_CIRRUS;
}

static void describe_virt(const char *arch, DomainMachineInfo *info)
{
    bool arm = strcmp(arch, "aarch64") == 0 || g_str_has_prefix(arch, "arm");

    info->pci_root = DOMAIN_PCI_ROOT_PCIE;
    info->has_usb = info->has_memballoon = true;
    info->usb_model = info->usb_plain_model = "qemu-xhci";
    info->scsi_model = "virtio-scsi";
    info->net_model = "virtio";
    info->serial_type = SERIAL_TARGET_TYPE_SYSTEM_SERIAL;
    info->serial_model = arm ? SERIAL_TARGET_MODEL_PL011 : SERIAL_TARGET_MODEL_16550A;
    info->video_type = DOMAIN_VIDEO_TYPE_VIRTIO;
}

static void describe_pseries(DomainMachineInfo *info)
{
    info->pci_root = DOMAIN_PCI_ROOT_PCI;
    info->has_usb = info->has_memballoon = true;
    info->usb_model = info->usb_plain_model = "qemu-xhci";
    info->scsi_model = "virtio-scsi";
    info->net_model = "rtl8139";
    info->serial_type = SERIAL_TARGET_TYPE_SPAPR_VIO_SERIAL;
    info->serial_model = SERIAL_TARGET_MODEL_SPAPR_VTY;
    info->video_type = DOMAIN_VIDEO_TYPE_VGA;
}

void domain_machine_info(const char *arch, const char *machine, DomainMachineInfo *info)
{
    memset(info, 0, sizeof *info);
    if (is_x86(arch))
        describe_x86(machine, info);
    else if (machine && (strcmp(machine, "virt") == 0 || g_str_has_prefix(machine, "virt-")))
        describe_virt(arch, info);
    else if (g_str_has_prefix(arch, "ppc64") && machine && g_str_has_prefix(machine, "pseries"))
        describe_pseries(info);
}
