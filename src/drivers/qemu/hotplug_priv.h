/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by the files about devices that come, go and change while the guest runs.
 */
#pragma once
#include "drivers/qemu/backend.h"
#include "drivers/qemu/command_priv.h"

/** What is known of a kind of devices that a running QEMU can get. */
typedef struct LiveKind {
    const char *kind;
    int (*build)(QemuCommand *cmd);  /* makes what the definition has of this kind */
    int (*check)(const Guest *guest, void *device); /* whether a running guest can get this one; NULL: each */
    const char *object, *netdev;     /* beginning of the name of what is behind the device; NULL: there is no such thing */
} LiveKind;

/** VIR_ERR_OPERATION_UNSUPPORTED if devices of this kind can't come or go. */
const LiveKind *qemu_live_kind(Guest *guest, const char *kind);

/** Whether all that QEMU has of a device is an object, which goes at once: what the guest sees of it is another device. */
gboolean qemu_is_object(const char *kind, const void *device);

/** A definition of which a part is built: only what devices are on or need stays: buses, displays, audio. */
DomainDef qemu_part_of(const DomainDef *def);

/** What was made in QEMU, to be taken back. */
GArray *qemu_made_new(void);
/** Have all that @cmd says. 0, and @made is what was made; or -1, and nothing was. */
int qemu_make_all(Guest *guest, QemuCommand *cmd, GArray *made);
/** Take it back; the thread's error stays. */
void qemu_make_undo(Guest *guest, GArray *made);

/** Ask the guest to let go of a device and wait for a while. 1: it has; 0: not yet, an event tells; -1 with an error. */
int qemu_guest_unplug(Guest *guest, const char *alias);

/** Find a device of the host, and have it for this guest alone. 0, or -1 with an error. */
int qemu_guest_take_hostdev(Guest *guest, DomainHostdev *device);
/** Give it back to the host; it may be waited for, or done later by another thread. */
void qemu_guest_give_hostdev(Guest *guest, DomainHostdev *device);
void qemu_guest_give_hostdev_later(Guest *guest, const DomainHostdev *device);

/** Let go, without waiting, of the images of a disk that is gone. */
/** Have QEMU remove the thing whose @key is @prefix and @name. Nobody waits for the answer: what is left in QEMU harms nobody, and the log
 * has it. */
void qemu_remove_later(Guest *guest, const char *command, const char *key, const char *prefix, const char *name);
void qemu_remove_images_later(Guest *guest, const DomainDisk *disk);
