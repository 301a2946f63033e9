/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the well-known machine types are like.
 */
#include "model/domain.h"
#include <string.h>

#define PC_DEFAULTS .serial_type = SERIAL_TARGET_TYPE_ISA_SERIAL, .serial_model = SERIAL_TARGET_MODEL_ISA_SERIAL
#define PLAIN_DEFAULTS \
    .usb_plain_model = "piix3-uhci", .scsi_model = "lsilogic", .net_model = "rtl8139", .video_type = DOMAIN_VIDEO_TYPE_CIRRUS
#define VIRT_DEFAULTS \
    .pci_root = DOMAIN_PCI_ROOT_PCIE, .pci_bus = "pcie.0", .scsi_model = "lsilogic", .net_model = "virtio", \
    .serial_type = SERIAL_TARGET_TYPE_SYSTEM_SERIAL, .video_type = DOMAIN_VIDEO_TYPE_VIRTIO
#define BOARD_WITH_PCI(bus) \
    .pci_root = DOMAIN_PCI_ROOT_PCI, .pci_bus = (bus), .has_usb = true, .usb_model = "piix3-uhci", .has_memballoon = true, PLAIN_DEFAULTS

/* The first row that fits counts. @arch and @machine are lists of words; a machine is the word itself or the word and what
 * follows a dash. NULL: any. */
static const struct {
    const char *arch, *machine;
    DomainMachineInfo info;
} machines[] = {
    {"x86_64 i686", "q35 pc-q35", {
        .pci_root = DOMAIN_PCI_ROOT_PCIE, .pci_bus = "pcie.0", .has_sata = true, .has_ps2 = true, .has_usb = true,
        .has_memballoon = true, .video_slot = 1, .usb_model = "qemu-xhci", PC_DEFAULTS, PLAIN_DEFAULTS}},
    {"x86_64 i686", "pc", {
        .pci_root = DOMAIN_PCI_ROOT_PCI, .pci_bus = "pci.0", .has_ide = true, .has_ps2 = true, .has_usb = true,
        .has_memballoon = true, .video_slot = 2, .usb_model = "piix3-uhci", PC_DEFAULTS, PLAIN_DEFAULTS}},
    {"x86_64 i686", "microvm", {.has_mmio = true, .scsi_model = "virtio-scsi", .net_model = "virtio", PC_DEFAULTS}},
    {"x86_64 i686", NULL, {PC_DEFAULTS}},
    {"aarch64", "virt", {
        .has_mmio = true, .gic_version = FEATURE_GIC_VERSION_2, .usb_plain_model = "qemu-xhci",
        .serial_model = SERIAL_TARGET_MODEL_PL011, VIRT_DEFAULTS}},
    {"armv7l armv6l armv7b", "virt", {
        .has_mmio = true, .gic_version = FEATURE_GIC_VERSION_2, .usb_plain_model = "piix3-uhci",
        .serial_model = SERIAL_TARGET_MODEL_PL011, VIRT_DEFAULTS}},
    {"armv7l armv6l armv7b", "versatilepb", {
        .pci_root = DOMAIN_PCI_ROOT_PCI, .pci_bus = "pci", .has_mmio = true, .usb_plain_model = "piix3-uhci",
        .scsi_model = "lsilogic", .net_model = "smc91c111", .net_on_board = true, .video_type = DOMAIN_VIDEO_TYPE_CIRRUS}},
    {"armv7l armv6l armv7b", "vexpress", {
        .has_mmio = true, .usb_plain_model = "piix3-uhci", .scsi_model = "virtio-scsi", .net_model = "lan9118", .net_on_board = true,
        .video_type = DOMAIN_VIDEO_TYPE_CIRRUS}},
    {"aarch64", NULL, {
        .usb_plain_model = "qemu-xhci", .scsi_model = "lsilogic", .net_model = "lan9118",
        .video_type = DOMAIN_VIDEO_TYPE_CIRRUS}},
    {"armv7l armv6l armv7b", NULL, {
        .usb_plain_model = "piix3-uhci", .scsi_model = "lsilogic", .net_model = "lan9118",
        .video_type = DOMAIN_VIDEO_TYPE_CIRRUS}},
    {"riscv64 riscv32", "virt", {
        .has_mmio = true, .has_memballoon = true, .usb_plain_model = "piix3-uhci",
        .serial_model = SERIAL_TARGET_MODEL_16550A, VIRT_DEFAULTS}},
    {"riscv64 riscv32", NULL, {PLAIN_DEFAULTS}},
    {"loongarch64", "virt", {
        .has_memballoon = true, .usb_plain_model = "qemu-xhci", .serial_model = SERIAL_TARGET_MODEL_16550A, VIRT_DEFAULTS}},
    {"ppc64 ppc64le", "pseries", {
        .pci_root = DOMAIN_PCI_ROOT_PCI, .pci_bus = "pci.0", .has_vio = true, .has_usb = true, .has_memballoon = true,
        .panic_model = DOMAIN_PANIC_MODEL_PSERIES, .usb_inputs = true, .usb_model = "qemu-xhci", .usb_plain_model = "qemu-xhci",
        .scsi_model = "ibmvscsi", .net_model = "rtl8139", .serial_type = SERIAL_TARGET_TYPE_SPAPR_VIO_SERIAL,
        .serial_model = SERIAL_TARGET_MODEL_SPAPR_VTY, .video_type = DOMAIN_VIDEO_TYPE_VGA}},
    {"ppc64 ppc64le", NULL, {
        .pci_root = DOMAIN_PCI_ROOT_PCI, .pci_bus = "pci.0", .has_usb = true, .has_memballoon = true, .usb_inputs = true,
        .usb_model = "qemu-xhci", .usb_plain_model = "qemu-xhci", .scsi_model = "lsilogic", .net_model = "rtl8139",
        .video_type = DOMAIN_VIDEO_TYPE_VGA}},
    {"s390x s390", NULL, {
        .pci_root = DOMAIN_PCI_ROOT_PCI, .pci_bus = "pci.0", .has_ccw = true, .has_memballoon = true,
        .panic_model = DOMAIN_PANIC_MODEL_S390, .usb_plain_model = "none", .scsi_model = "virtio-scsi", .net_model = "virtio",
        .serial_type = SERIAL_TARGET_TYPE_SCLP_SERIAL, .serial_model = SERIAL_TARGET_MODEL_SCLPCONSOLE,
        .video_type = DOMAIN_VIDEO_TYPE_VIRTIO}},
    {"ppc ppcemb", NULL, {BOARD_WITH_PCI("pci.0")}},
    {"alpha sh4 sh4eb", NULL, {BOARD_WITH_PCI("pci")}},
};

static bool fits(const char *words, const char *name, bool dashed)
{
    g_auto(GStrv) list = words ? g_strsplit(words, " ", -1) : NULL;

    for (guint i = 0; list && list[i]; i++) {
        size_t n = strlen(list[i]);
        if (strncmp(list[i], name, n) == 0 && (!name[n] || (dashed && name[n] == '-')))
            return true;
    }
    return !words;
}

void domain_machine_info(const char *arch, const char *machine, DomainMachineInfo *info)
{
    memset(info, 0, sizeof *info);
    for (guint i = 0; i < G_N_ELEMENTS(machines); i++) {
        if (!fits(machines[i].arch, arch ?: "x86_64", false) || !fits(machines[i].machine, machine ?: "pc", true))
            continue;
        *info = machines[i].info;
        return;
    }
}
