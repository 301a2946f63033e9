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
    const char *pci_bus;     /**< QEMU's name of the root bus. */
    bool has_ccw;            /**< Virtio devices are on the channel subsystem (s390). */
    bool has_mmio;           /**< Virtio devices may be at addresses of memory; without PCI they all are. */
    bool has_vio;            /**< It has the virtual I/O bus of POWER, and may have several PCI host bridges (pseries). */
    bool has_ide;            /**< Built-in IDE controller at 00:01.1 (pc). */
    bool has_sata;           /**< Built-in AHCI at 00:1f.2 (q35). */
    bool has_ps2;            /**< PS/2 mouse and keyboard exist by themselves. */
    bool has_usb;            /**< A USB controller is there unless it is switched off. */
    bool has_memballoon;     /**< A virtio balloon is added unless there is one, be it of model none. */
    bool usb_inputs;         /**< With a display there are a keyboard and a mouse on USB. */
    FeatureGicVersion gic_version;  /**< Interrupt controller where none is named; UNSET: it has no such one. */
    DomainPanicModel panic_model;   /**< Crash notifier that is always there. */
    guint8 video_slot;       /**< Slot kept for the first video card: 2 on pc, 1 on q35, 0 none. */
    const char *usb_model;         /**< Model of the USB controller that is added. */
    const char *usb_plain_model;   /**< Model of a USB controller in the XML that names none. */
    const char *scsi_model;        /**< Model of a SCSI controller that names none. */
    const char *net_model;         /**< Model of a network interface that names none. */
    bool net_on_board;             /**< That one is a chip of the board, which can't be added as a device. */
    SerialTargetType serial_type;  /**< Kind of serial port where none is named; UNSET: there is none. */
    SerialTargetModel serial_model;
    DomainVideoType video_type;    /**< Card added where there is a display without one; UNSET: none. */
    /* Known only to who asked the hypervisor; NULL leaves the definition as it is. */
    const char *arch;              /**< Architecture where the XML names none. */
    const char *canonical_machine; /**< What an alias such as "pc" stands for. */
    const char *emulator;          /**< Program where the XML names none. */
    const char *nvram_dir;         /**< Folder of UEFI variables of domains that name no file. */
    const char *first_security_model; /**< Whose labels are that name no model; NULL: nobody's. */
    const char *default_cpu;       /**< CPU model where the XML names none. */
} DomainMachineInfo;

/** The nature of the well-known machine types of an architecture, by name ("pc-i440fx-7.2", "q35", "virt"); unknown ones
 * get a machine without PCI. */
void domain_machine_info(const char *arch, const char *machine, DomainMachineInfo *info);

/** Add what the definition implies: UUID, defaults, implicit devices, addresses. Done twice it changes nothing
 * more. -1 with the error set. */
int domain_def_post_parse(DomainDef *def, const DomainMachineInfo *info);

/** Give an address to each device that lacks one, adding controllers where needed. -1 with the error set. */
int domain_def_assign_addresses(DomainDef *def, const DomainMachineInfo *info);

/** See that a PCI Express machine whose devices have addresses has @n free ports at least for what is plugged in later; other machines
 * stay as they are. -1 with the error set. */
int domain_def_spare_ports(DomainDef *def, const DomainMachineInfo *info, guint n);

/** Give each I/O thread that the list doesn't name the lowest free number. */
void domain_def_number_iothreads(DomainDef *def);

/** Whether all memory of the guest is shared, so that another process can serve a device of it. */
bool domain_memory_is_shared(const DomainDef *def);

/** Whether the disk is a drive whose medium can be taken out (CD-ROM, floppy): it may be empty and has a tray. */
bool domain_disk_is_drive(const DomainDisk *disk);

/** What QEMU takes of each limit of traffic. */
#define DOMAIN_LIMIT_MAX 1000000000000000ull
/** The group of limits that disks share, NULL if there is none of this name. */
DomainDiskIotune *domain_throttle_group(const DomainDef *def, const char *name);
/** Whether a hypervisor takes such a name of a group. */
bool domain_throttle_name_is_valid(const char *name);
/** A disk whose traffic goes through the group, or NULL. */
const DomainDisk *domain_throttle_user(const DomainDef *def, const char *name);

/** Rules between the parts of a definition. -1 with the error set (first one); all go to @diag if not NULL. */
int domain_def_validate(const DomainDef *def, XmlDiagnostics *diag);

/** domain_def_post_parse() and domain_def_validate() in one, for a definition that came from @xml: if they fail, the error
 * names the line there. @diag may be NULL. */
int domain_def_complete(DomainDef *def, const DomainMachineInfo *info, const char *xml, size_t len, XmlDiagnostics *diag);

/** Where the UEFI variables of domain @name stand that names no place, @folder being the one for such files. The caller frees. */
char *domain_nvram_path(const char *folder, const char *name);

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

/** The member of <devices> that has devices of this kind: it knows the element's name and the struct. NULL if there is none. */
const XmlMember *domain_device_member(const char *kind);

/** A device as XML, with what is secret. The caller frees it. */
char *domain_device_format(const char *kind, const void *device);

/** Where a device, found by its pointer or by that of its common parts, stands: "domain.devices.disk[2]". The caller frees it. */
char *domain_device_place(const DomainDef *def, const char *kind, const void *device);

/** The common parts of a device, NULL if its kind has none. */
DomainDeviceInfo *domain_device_info(const char *kind, void *device);

/** What is behind a character device or a device that has one; NULL if it has none. */
const ChardevSource *domain_device_chardev(const char *kind, const void *device);

/** Have @devices, which have none of this kind (of those with common parts), refer to the device at @device, a place that must
 * outlive them. */
void domain_devices_hold(DomainDevices *devices, const char *kind, void **device);

/** Called for each device that has common parts; @kind is its element's name. Non-zero stops and is returned. */
typedef int (*DomainDeviceVisitor)(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque);
int domain_def_each_device(DomainDef *def, DomainDeviceVisitor visit, void *opaque);
