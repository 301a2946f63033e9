/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The domain definition: parse, defaults, rules, addresses, format. The structs themselves are generated
 * (model/domain_def.h) from schema/domain*.schema.
 *
 * Flow of a definition: domain_def_parse() reads the XML and checks it against the tables,
 * domain_def_post_parse() adds what follows from it (UUID, controllers, implicit devices, addresses), and
 * domain_def_validate() checks what the tables can't say. Errors are the thread's error.
 */
#pragma once
#include "model/domain_def.h"

void domain_def_free(DomainDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomainDef, domain_def_free)

/** Read a domain's XML. @flags XmlFlags; @diag (may be NULL) collects all problems and what was ignored.
 * NULL with the error set if there is any error; the error names line and path. */
DomainDef *domain_def_parse(const char *xml, size_t len, unsigned flags, XmlDiagnostics *diag);

/** XML of a definition. @flags: XML_SECURE shows secrets, XML_INACTIVE leaves out what only a running domain has. */
char *domain_def_format(const DomainDef *def, unsigned flags);

/** A deep copy; caller owns it. */
DomainDef *domain_def_copy(const DomainDef *def);

bool domain_def_equal(const DomainDef *a, const DomainDef *b);

/** Array of XmlChange: what differs between two definitions. */
GPtrArray *domain_def_diff(const DomainDef *old, const DomainDef *new);

/* Root of the PCI topology of a machine type. */
typedef enum {
    DOMAIN_PCI_ROOT_NONE, /**< No PCI at all. */
    DOMAIN_PCI_ROOT_PCI,  /**< Conventional bus: pc (i440fx), pseries. */
    DOMAIN_PCI_ROOT_PCIE, /**< Express root complex: q35, virt. */
} DomainPciRoot;

/** What a machine type is like: everything that defaults and addresses depend on and the XML doesn't say. */
typedef struct {
    DomainPciRoot pci_root;
    bool has_ide;          /**< Built-in IDE controller at 00:01.1 (pc). */
    bool has_sata;         /**< Built-in AHCI at 00:1f.2 (q35). */
    bool has_ps2;          /**< PS/2 mouse and keyboard exist by themselves. */
    bool has_isa_serial;   /**< Serial ports are ISA devices by default. */
    bool has_usb_by_default; /**< A USB controller is there unless it is switched off. */
    bool has_piix3_usb;    /**< The default USB controller is the function 2 of the chip at slot 1. */
    bool has_vga_by_slot;  /**< The first video card wants the fixed slot: 2 on pc, 1 on q35. */
    bool virtio_disk_default; /**< Disks without bus are virtio (virt), else ide (pc) or sata (q35). */
    const char *serial_model; /**< Model of the first serial port: "isa-serial", "pl011", "spapr-vty"; NULL none. */
    const char *net_model;    /**< Model of a network interface that names none: "rtl8139", "e1000e", "virtio". */
    bool has_memballoon;   /**< A virtio balloon is added unless model='none' is given. */
    bool has_video;        /**< A card is added where there is a display (graphics) without card. */
} DomainMachineInfo;

/** The nature of the well-known machine types of an architecture, by name ("pc-i440fx-7.2", "q35", "virt"); unknown ones
 * get a machine without PCI. */
void domain_machine_info(const char *arch, const char *machine, DomainMachineInfo *info);

/** Add what the definition implies: UUID, defaults, implicit devices, addresses. -1 with the error set. */
int domain_def_post_parse(DomainDef *def, const DomainMachineInfo *info);

/** Give an address to each device that lacks one, adding controllers where needed. -1 with the error set. */
int domain_def_assign_addresses(DomainDef *def, const DomainMachineInfo *info);

/** Rules between the parts of a definition. -1 with the error set (first one); all go to @diag if not NULL. */
int domain_def_validate(const DomainDef *def, XmlDiagnostics *diag);

/* One device, for attach, detach and update. */
typedef struct {
    const char *kind;    /**< Name of the element: "disk", "interface" … */
    const XmlDesc *desc; /**< What the pointer points to. */
    void *device;        /**< DomainDisk, DomainInterface … */
} DomainDevice;

void domain_device_free(DomainDevice *dev);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomainDevice, domain_device_free)

/** Read one device element. NULL with the error set. */
DomainDevice *domain_device_parse(const char *xml, size_t len, unsigned flags, XmlDiagnostics *diag);

/** Called for each device that has common parts; @kind is its element's name. Non-zero stops and is returned. */
typedef int (*DomainDeviceVisitor)(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque);
int domain_def_each_device(DomainDef *def, DomainDeviceVisitor visit, void *opaque);
