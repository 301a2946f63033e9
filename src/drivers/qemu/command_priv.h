/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by the files that build the parts of a command line. All functions of type "0, or -1 with an error".
 */
#pragma once
#include "base/json.h"
#include "drivers/qemu/command.h"

/** A command without any part yet, to which the functions below can add. NULL with an error. The arguments must outlive it. */
QemuCommand *qemu_command_new_part(const DomainDef *def, const QemuCaps *caps, const QemuCommandOptions *options);

/** Append one argument (copied). */
void qemu_arg(QemuCommand *cmd, const char *arg);
/** Append an option and its value; the value is made by printf rules. */
void qemu_arg_f(QemuCommand *cmd, const char *option, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
/** Append an option and a JSON value, which is taken over. */
void qemu_arg_json(QemuCommand *cmd, const char *option, json_object *value);

/** Set a variable of QEMU's environment; nothing if @value is NULL. */
void qemu_env(QemuCommand *cmd, const char *name, const char *value);
/** Append a device with its place; @props are taken over. */
int qemu_arg_device(QemuCommand *cmd, json_object *props, const DomainDeviceInfo *info);

/** Append @text with its commas doubled, as option values need it. */
void qemu_escape(GString *out, const char *text);

/** Refuse unless QEMU can make devices or objects of @type; @what says what needs it ("disk 'vda'"). */
int qemu_require_type(const QemuCommand *cmd, const char *type, const char *what);
/** The same for a property of a type. */
int qemu_require_prop(const QemuCommand *cmd, const char *type, const char *prop, const char *what);

/** Add "bus" and "addr" (or what the address' type needs) to a device's properties; what must stand before it is appended. */
int qemu_add_address(QemuCommand *cmd, json_object *props, const DomainDeviceInfo *info);
/** Add iommu_platform, ats, packed, page-per-vq for @type. */
int qemu_add_virtio(const QemuCommand *cmd, json_object *props, const char *type, const DomainVirtioOptions *options,
                    const char *what);
/** Add rombar and romfile. */
void qemu_add_rom(json_object *props, const DomainDeviceInfo *info);
/** Add bootindex if it isn't 0. */
void qemu_add_boot_index(json_object *props, guint index);
/** Add a tri-state as a JSON boolean; nothing if it is unset. */
void qemu_add_switch(json_object *props, const char *name, Tristate value);
void qemu_add_uint(json_object *props, const char *name, guint64 value);

/** Next boot index for a device of kind @dev, by <os><boot>, or what its own <boot order> says. */
guint qemu_boot_index(QemuCommand *cmd, DomainBootDev dev, const DomainDeviceInfo *info);

/** "virtio-blk" + where the device sits: "virtio-blk-pci", "-ccw", "-device". @model is as the definition says it: of
 * "virtio-transitional" and "virtio-non-transitional" PCI devices have the end; NULL is plain. */
char *qemu_virtio_type(const DomainDeviceInfo *info, const char *base, const char *model);

/** Hand @fd to QEMU; the command owns it from now on. Returns its number. */
int qemu_pass_fd(QemuCommand *cmd, int fd);

/** How QEMU knows a descriptor that it was given: by its number, or while it runs by a name. Caller frees. */
char *qemu_fd_name(const QemuCommand *cmd, int fd);
/** Hand @fd to QEMU as a set of its own, and return the path that stands for it. @alias and @role say whose it is. Caller frees. */
char *qemu_pass_fd_set(QemuCommand *cmd, int fd, const char *alias, const char *role);
/** Append a descriptor to a set of a number of its own; it is closed with the command. */
void qemu_add_to_set(QemuCommand *cmd, guint set, int fd, const char *alias, const char *role);

/** Add a unit's place on a SCSI controller. */
int qemu_add_scsi_place(const QemuCommand *cmd, json_object *props, const DriveAddress *drive, const char *what);
/** Name of the node behind a passed SCSI device. Caller frees. */
char *qemu_hostdev_node(const DomainHostdev *dev);
/** Names of the processes (helper.h) that serve a virtiofs folder, an interface, a graphics card. Caller frees. */
char *qemu_virtiofs_helper(const DomainFilesystem *fs);
char *qemu_passt_helper(const DomainInterface *net);
char *qemu_video_helper(const DomainVideo *video);
/** Name of the process, and of QEMU's object, for the persistent reservations of all disks that want a managed one. */
#define QEMU_MANAGED_RESERVATIONS "pr-helper0"

/** Refuse unless all memory of the guest is shared, as a process beside QEMU needs it. */
int qemu_require_shared_memory(const QemuCommand *cmd, const char *what);

/** "vda" is disk 0, "sdab" is disk 27. -1 if the name has no such end. */
int qemu_disk_number(const char *target);

/** Controller by kind and index; NULL if there is none. */
const DomainController *qemu_find_controller(const DomainDef *def, DomainControllerType type, guint index);

/* The parts, in the order of the command line. */
int qemu_command_machine(QemuCommand *cmd);
/** Append features that are properties of the machine. */
int qemu_machine_features(QemuCommand *cmd, GString *machine);
int qemu_command_teardown(QemuCommand *cmd);
/** launch.c: the object that hides the guest's memory from the host; its name, NULL: there is none. */
int qemu_command_launch_security(QemuCommand *cmd);
const char *qemu_launch_object(const DomainDef *def);
int qemu_command_cpu(QemuCommand *cmd);
int qemu_command_memory(QemuCommand *cmd);
/** Memory devices. */
int qemu_command_memories(QemuCommand *cmd);
/** A piece of the guest's memory. */
typedef struct {
    const char *id;
    guint64 bytes;
    guint64 page_kib;           /* size of its pages; 0: as <memoryBacking> says */
    DomainMemoryAccess access;  /* unset: as <memoryBacking> says */
    Tristate discard;           /* as <memoryBacking> says if absent */
    int cell;                   /* the guest's node; -1: there are none */
    const Bitmap *nodes;        /* of the host; NULL: as <numatune> says */
    const char *file;           /* name of its own file in the guest's folder, if memory is in files; NULL: @id */
    const char *path;           /* a file of the host whose contents it is; NULL: none */
    guint64 align;              /* bytes; 0: as QEMU likes */
    gboolean pmem;              /* the file is on persistent memory */
    gboolean allocate;          /* at once, whatever <memoryBacking> says */
    gboolean enclaves;          /* for enclaves of SGX */
    gboolean gradual;           /* the device takes it from the host bit by bit: none is reserved or allocated ahead */
} QemuMemory;
/** Its backend. -1 if its kind isn't possible. */
int qemu_memory_object(QemuCommand *cmd, const QemuMemory *memory);
/** Where pages of @kib KiB (0: of any size that is large) are mounted by qemu.conf, into *@folder; NULL: it names none, and no mount is
 * needed. 0, or -1 with an error if it names others. Caller frees. */
int qemu_pages_folder(const QemuCommand *cmd, guint64 kib, char **folder);
/** Whether memory in pages of @page_kib KiB (0: as <memoryBacking> says) of the guest's node @cell is in large pages, or allocated at once. */
gboolean qemu_memory_immediate(const QemuCommand *cmd, int cell, guint64 page_kib);
/** Append the memory of enclaves, which is the machine's. */
void qemu_machine_enclaves(const DomainDef *def, GString *machine);
/** Whether there are modules that keep their contents, on a machine that must know. */
gboolean qemu_has_nvdimm(const DomainDef *def);
/** The guest's nodes, and how far they are from each other. */
int qemu_command_numa(QemuCommand *cmd);
/** Whether the guest is told how fast the ways between its nodes are. */
gboolean qemu_has_hmat(const DomainDef *def);
int qemu_command_smbios(QemuCommand *cmd);
int qemu_command_clock(QemuCommand *cmd);
int qemu_command_boot(QemuCommand *cmd);
int qemu_command_firmware(QemuCommand *cmd);
/** Whether the machine's ACPI tables can be switched off. */
gboolean qemu_can_switch_acpi(const QemuCommand *cmd);
int qemu_command_controllers(QemuCommand *cmd);
int qemu_command_controller(QemuCommand *cmd, const DomainController *c);
int qemu_command_hubs(QemuCommand *cmd);
int qemu_command_disks(QemuCommand *cmd);
/** Only what is in the drive. */
int qemu_command_images(QemuCommand *cmd, const DomainDisk *disk);
int qemu_command_filesystems(QemuCommand *cmd);
int qemu_command_interfaces(QemuCommand *cmd);
/** An interface that is a network card of the host (drivers/qemu/nics.h). */
int qemu_command_nic(QemuCommand *cmd, const DomainInterface *net, const char *what);
int qemu_command_hostdevs(QemuCommand *cmd);
int qemu_command_chardevs(QemuCommand *cmd);
/** Audio backends, which displays refer to, come before them; sound cards after. */
int qemu_command_audios(QemuCommand *cmd);
int qemu_command_graphics(QemuCommand *cmd);
int qemu_command_videos(QemuCommand *cmd);
int qemu_command_sounds(QemuCommand *cmd);
/** The id of the audio backend that a display or card uses: @id, or the first one. NULL: there is none. Caller frees. */
char *qemu_audio_id(const QemuCommand *cmd, guint id);
int qemu_command_inputs(QemuCommand *cmd);
int qemu_command_misc(QemuCommand *cmd);
int qemu_command_panics(QemuCommand *cmd);
/** IOMMUs that are devices; they stand before what sits behind them. */
int qemu_command_iommus(QemuCommand *cmd);
/** Those of one bus, which stand behind it. */
int qemu_command_smmus(QemuCommand *cmd);

/* command_devices.c */
int qemu_command_smartcards(QemuCommand *cmd);
int qemu_command_redirdevs(QemuCommand *cmd);
int qemu_command_shmems(QemuCommand *cmd);
int qemu_command_vsock(QemuCommand *cmd);
int qemu_command_cryptos(QemuCommand *cmd);
int qemu_command_pstore(QemuCommand *cmd);

/** "-chardev …,id=char@alias" for a source. */
int qemu_chardev(QemuCommand *cmd, const ChardevSource *source, const char *alias, const char *what);
/** Whether it has credentials, an object named objchar@alias_tls0. */
gboolean qemu_chardev_has_tls(const QemuConf *conf, const ChardevSource *source);
/** qemu_chardev() for a QEMU that runs: the argument is that of the monitor's command. @backend: QEMU's name for the kind of source. */
int qemu_chardev_live(QemuCommand *cmd, const ChardevSource *source, const char *backend, const char *alias, const char *what);
/** Open a file for QEMU to append to, as a set, and return the path that stands for it; the file's own path when nothing may be
 * created. NULL with an error. */
char *qemu_chardev_file(QemuCommand *cmd, const char *path, gboolean append, const char *alias, const char *role);
/** Listen on a socket for QEMU, which gets the descriptor that is returned; -1 with an error. */
int qemu_chardev_listen(QemuCommand *cmd, const char *path);
