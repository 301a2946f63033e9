/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What confines a guest, and which files of the host it may use therefore: the user that its QEMU runs as (model "dac": qemu.conf's user
 * and group, files that belong to that user meanwhile, see owners.h), and AppArmor or SELinux where the host has one of them and qemu.conf
 * doesn't say otherwise. <seclabel> chooses for one guest.
 */
#pragma once
#include "drivers/qemu/backend.h"

typedef enum { REACH_FILE, REACH_TREE, REACH_PROGRAM } GuestFileReach;

/** A file of the host that a guest uses. */
typedef struct GuestFile {
    char *path;
    char *what;                  /**< "disk 'vda'", for errors */
    gboolean writes;             /**< else it is only read */
    gboolean shared;             /**< other guests may use it at the same time */
    gboolean beside;             /**< it never becomes the guest's own: other programs use it, QEMU makes it, or gets it opened */
    GuestFileReach reach;        /**< the file; a folder with all that is below it; a program that is executed */
    const DeviceSeclabel *const *labels; /**< the definition's own, for this file; borrowed from it */
    guint n_labels;
} GuestFile;

/** All files that QEMU opens by their names, as the run's complete definition has them: the one list for whoever gives or takes rights.
 * Array of GuestFile, owned; valid as long as @def. */
GPtrArray *qemu_files_of(const DomainDef *def);
/** Those of one device. @what tells which it is; NULL: found out by @def. */
GPtrArray *qemu_files_of_device(const DomainDef *def, const char *kind, const void *device);

/** Settings of qemu.conf, what the host has, and what a former daemon had given away. @etc: the folder of configuration ("/etc").
 * @as_we_are: QEMU runs as we do and unconfined unless qemu.conf says otherwise. 0; -1 with an error: qemu.conf asks for what the host
 * lacks. */
int qemu_security_init(QemuDriver *driver, const char *state_folder, const char *etc, gboolean privileged, gboolean as_we_are);
/** Whether the guest with this UUID runs, or is being taken over. */
typedef gboolean (*SecurityAlive)(const unsigned char *uuid);
/** Take back what guests had that don't run any more. Once, when those that do are known. */
void qemu_security_sweep(QemuDriver *driver, SecurityAlive alive);

/** The user of QEMU processes that have no label of their own. 0; -1 with an error that tells how to create it. [worker] */
int qemu_security_default_user(QemuDriver *driver, UserIdentity *who);

/** Name of what confines guests beyond their user: "apparmor", "none". */
const char *qemu_security_first_model(const QemuDriver *driver);
/** The elements <secmodel> of capabilities. [worker] */
void qemu_security_capabilities(QemuDriver *driver, GString *xml);

/** Decide what confines the guest, and write its labels into the run's definition. Before anything is made for it. 0, or -1 with an
 * error. */
int qemu_security_begin(Guest *guest, DomainDef *def);
/** The same of a run of a former daemon. */
int qemu_security_take_over(Guest *guest, const DomainDef *def);
/** Have its process begin under its label; the texts are the guest's. */
void qemu_security_start_as(const Guest *guest, ProcessSpec *spec);
/** The labels of a guest that runs, the first model's in front (empty if it confines it by nothing). How many. Caller frees @labels, as
 * free() does. -1 with an error. */
int qemu_backend_security_labels(Guest *guest, const DomainDef *def, virSecurityLabelPtr *labels);
/** Free what was decided; the host stays as it is. */
void qemu_security_forget(QemuDriver *driver, QemuGuest *qemu);

/** Give the guest the files of its definition, or of one device, and see whether it can reach them. 0; -1 with an error, and nothing is
 * given. [worker] */
int qemu_security_give(Guest *guest, const DomainDef *def);
int qemu_security_give_device(Guest *guest, const DomainDef *def, const char *kind, const void *device);

/** Give back all that it has, or what a device had. Errors are logged, the thread's error stays. [worker] */
void qemu_security_restore(Guest *guest);
void qemu_security_restore_device(Guest *guest, const DomainDef *def, const char *kind, const void *device);
/** The same, by somebody else soon. [any] */
void qemu_security_restore_device_later(Guest *guest, const char *kind, const void *device);
