/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Locks on what guests use, if qemu.conf asks for a lock manager: those of files (core/host/disk_lock.h) or leases of sanlock
 * (core/host/sanlock.h). QEMU itself has them: taken before it opens anything, they go with it, whatever becomes of the daemon.
 */
#pragma once
#include "base/process.h"
#include "drivers/qemu/backend.h"

/** What a guest that begins has to hold. */
typedef struct QemuLocks QemuLocks;

/** Take, or name, what @def needs; nothing without a lock manager. NULL with an error. May block. */
QemuLocks *qemu_locks_take(Guest *guest, const DomainDef *def);
/** Accepts NULL. What QEMU wasn't given goes. */
void qemu_locks_free(QemuLocks *locks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuLocks, qemu_locks_free)

/** Make @spec, complete, one that gets what it must hold before it becomes what it was; what is put into it belongs to @locks. */
void qemu_locks_begin_with(QemuLocks *locks, ProcessSpec *spec);
/** Give QEMU, which runs, what it couldn't begin with. 0, or -1 with an error. */
int qemu_locks_give(Guest *guest, const QemuLocks *locks);
/** What a QEMU that ended wrote: -1 with the error if it didn't get what it must hold; else 0. */
int qemu_locks_explain(const QemuLocks *locks, const char *words);

/** Take and give for a device that comes: a disk or a lease; others need nothing. */
int qemu_locks_attach(Guest *guest, const char *kind, const void *device);
/** It has gone: QEMU gives its lock back. */
void qemu_locks_detach(Guest *guest, const char *kind, const void *device);
