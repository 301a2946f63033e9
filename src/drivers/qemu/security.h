/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who a guest's QEMU is, and which files of the host it may use therefore: qemu.conf's user and group, <seclabel model='dac'>, and files
 * that belong to the guest's user while it runs (owners.h). Files that it doesn't get are told of before QEMU starts.
 */
#pragma once
#include "drivers/qemu/backend.h"

/** A file of the host that a guest uses. */
typedef struct GuestFile {
    char *path;
    char *what;                  /**< "disk 'vda'", for errors */
    gboolean writes;             /**< else it is only read */
    const DeviceSeclabel *const *labels; /**< the definition's own, for this file; borrowed from it */
    guint n_labels;
} GuestFile;

/** All files that QEMU opens by their names, as the run's complete definition has them: the one list for whoever gives or takes rights.
 * Array of GuestFile, owned; valid as long as @def. */
GPtrArray *qemu_files_of(const DomainDef *def);
/** Those of one device. @what tells which it is; NULL: found out by @def. */
GPtrArray *qemu_files_of_device(const DomainDef *def, const char *kind, const void *device);

/** Settings of qemu.conf, and what a former daemon had given away. @as_we_are: QEMU runs as we do unless qemu.conf says otherwise. */
void qemu_security_init(QemuDriver *driver, const char *state_folder, gboolean privileged, gboolean as_we_are);
/** The user of QEMU processes that have no label of their own. 0; -1 with an error that tells how to create it. [worker] */
int qemu_security_default_user(QemuDriver *driver, UserIdentity *who);

/** Its label, "+107:+107"; NULL if QEMU is who we are, or if there is no such user. Caller frees. [worker] */
char *qemu_security_default_label(QemuDriver *driver);

/** Decide who the guest is, and write its label into the run's definition. Before anything is made for it. 0, or -1 with an error. */
int qemu_security_begin(Guest *guest, DomainDef *def);
/** The same of a run of a former daemon. */
int qemu_security_take_over(Guest *guest, const DomainDef *def);

/** Give the guest the files of its definition, or of one device, and see whether it can reach them. 0; -1 with an error, and nothing is
 * given. [worker] */
int qemu_security_give(Guest *guest, const DomainDef *def);
int qemu_security_give_device(Guest *guest, const DomainDef *def, const char *kind, const void *device);

/** Give back all that it has, or what a device had. Errors are logged, the thread's error stays. [worker] */
void qemu_security_restore(Guest *guest);
void qemu_security_restore_device(Guest *guest, const DomainDef *def, const char *kind, const void *device);
/** The same, by somebody else soon. [any] */
void qemu_security_restore_device_later(Guest *guest, const char *kind, const void *device);
