/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files about domain definitions share. Not for others.
 */
#pragma once
#include <string.h>
#include "model/domain.h"

#define ERROR_DOMAIN VIR_FROM_DOMAIN
#include "base/error.h"

/* Most units of narrow SCSI, ports of AHCI, units of IDE and floppy controllers. */
enum { SCSI_UNITS = 7, SATA_PORTS = 6, IDE_UNITS = 4, FLOPPY_UNITS = 2 };

/** Whether what QEMU implies is implied. */
static inline bool domain_is_qemu(const DomainDef *def)
{
    return def->type == DOMAIN_VIRT_TYPE_QEMU || def->type == DOMAIN_VIRT_TYPE_KVM;
}

static inline bool domain_is_x86(const DomainDef *def)
{
    return !def->os.arch || strcmp(def->os.arch, "x86_64") == 0 || strcmp(def->os.arch, "i686") == 0;
}

/** Append a controller (model copied, may be NULL) and return it. */
DomainController *domain_add_controller(DomainDef *def, DomainControllerType type, guint index, const char *model);
DomainController *domain_find_controller(const DomainDef *def, DomainControllerType type, guint index);
bool domain_controller_is_model(const DomainController *controller, const char *model);

/** Fail because of a device, which is found by its pointer or by that of its common parts: the error begins with its
 * path, so that domain_def_complete() can add the line. Returns -1. */
int domain_fail_device(const DomainDef *def, const char *kind, const void *device, int code, const char *fmt, ...)
    G_GNUC_PRINTF(5, 6);

/** A new, zeroed address of a type, in place of an older one. */
DomainAddress *domain_new_address(DomainDeviceInfo *info, DomainAddressType type);

/** Place of a disk in the order of its names: 0 for vda, 26 for vdaa; -1 if the name has no such form. */
int domain_disk_index(const char *dev);
bool domain_is_disk_letter(char c);

/* Steps of domain_def_post_parse(), in this order. */
int domain_defaults_devices(DomainDef *def, const DomainMachineInfo *info);
int domain_defaults_chardevs(DomainDef *def, const DomainMachineInfo *info);
int domain_defaults_display(DomainDef *def, const DomainMachineInfo *info);
int domain_defaults_controllers(DomainDef *def, const DomainMachineInfo *info);

/** Give what can be written in several ways its usual form. After the defaults. -1 with the error set where it
 * has no form at all. */
int domain_normalize(DomainDef *def, const DomainMachineInfo *info);

/* Parts of it. */
/** Free *@pointer, a struct of @desc or NULL, if nothing is said in it. */
void domain_drop_empty(const XmlDesc *desc, void *pointer);
void domain_normalize_numa(DomainDef *def);
void domain_normalize_tuning(DomainDef *def);

/* Steps of domain_def_assign_addresses(), in this order. */
int domain_address_drives(DomainDef *def);
int domain_address_serial(DomainDef *def);
int domain_address_ccid(DomainDef *def);
/** Virtio devices that are on no PCI bus; those that stay without address are. */
int domain_address_virtio(DomainDef *def, const DomainMachineInfo *info);
int domain_address_vio(DomainDef *def);
int domain_address_pci(DomainDef *def, const DomainMachineInfo *info);
int domain_address_zpci(DomainDef *def);
int domain_address_usb(DomainDef *def);

/* How a device is connected to PCI. */
typedef enum {
    PCI_CONNECT_NONE,       /**< Not at all. */
    PCI_CONNECT_PCI,        /**< Conventional device. */
    PCI_CONNECT_PCIE,       /**< Express device. */
    PCI_CONNECT_INTEGRATED, /**< Device that belongs on the root complex. */
    PCI_CONNECT_ROOT_PORT,
    PCI_CONNECT_UPSTREAM,
    PCI_CONNECT_DOWNSTREAM,
    PCI_CONNECT_PCI_BRIDGE,
    PCI_CONNECT_DMI_BRIDGE,
    PCI_CONNECT_PCIE_TO_PCI,
    PCI_CONNECT_EXPANDER,      /**< pci-expander-bus */
    PCI_CONNECT_PCIE_EXPANDER, /**< pcie-expander-bus */
} PciConnect;

/** How a device (its element's name and struct) is connected to PCI on a machine with an Express root; who has a
 * conventional one makes conventional devices of all. */
PciConnect domain_pci_connect(const char *kind, const void *device);

/** How a PCI controller is connected to the bus above it. */
PciConnect domain_pci_controller_connect(const DomainController *controller);

/* What a rule is about: the domain (@kind is a path below it, as "os.loader") or the device number @at, counted from 0, of
 * a kind. */
typedef struct {
    XmlDiagnostics *diag;
    const char *kind;
    int at; /**< -1: not a device. */
} DomainPlace;

/** Report a broken rule with the path of what breaks it. */
void domain_refuse(const DomainPlace *place, int code, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/** A rule: what must not be. */
#define REFUSE_IF(condition, place, code, ...) \
    do { \
        if (condition) \
            domain_refuse((place), (code), __VA_ARGS__); \
    } while (0)

/* The rules by topic: parts of domain_def_validate(). */
void domain_validate_os(const DomainDef *def, XmlDiagnostics *diag);
void domain_validate_memory(const DomainDef *def, XmlDiagnostics *diag);
void domain_validate_tuning(const DomainDef *def, XmlDiagnostics *diag);
/** Rules between limits of traffic; @what has them. */
void domain_validate_limits(const DomainDiskIotune *tune, const char *what, const DomainPlace *at);
void domain_validate_throttle_groups(const DomainDef *def, XmlDiagnostics *diag);
void domain_validate_throttle_filters(const DomainDef *def, const DomainDisk *disk, const DomainPlace *at);
void domain_validate_disks(const DomainDef *def, XmlDiagnostics *diag);
void domain_validate_cpu(const DomainDef *def, XmlDiagnostics *diag);
void domain_validate_devices(const DomainDef *def, XmlDiagnostics *diag);
/** Part of domain_validate_qemu(). */
void domain_validate_machine(const DomainDef *def, XmlDiagnostics *diag);
void domain_validate_qemu(const DomainDef *def, XmlDiagnostics *diag);
