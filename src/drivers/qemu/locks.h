/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Locks on what guests use (core/host/disk_lock.h), if qemu.conf asks for a lock manager. QEMU itself has them: taken before it begins,
 * they go with it, whatever becomes of the daemon.
 */
#pragma once
#include "core/host/disk_lock.h"
#include "drivers/qemu/backend.h"

/** The locks that @def needs, as array of DiskLock; empty without a lock manager. NULL with an error. */
GPtrArray *qemu_locks_take(Guest *guest, const DomainDef *def);
/** Give them to the QEMU that runs: it keeps them from then on. 0, or -1 with an error. */
int qemu_locks_give(Guest *guest, GPtrArray *locks);

/** Both for a device that comes: a disk or a lease; others need nothing. */
int qemu_locks_attach(Guest *guest, const char *kind, const void *device);
/** It has gone: QEMU gives its lock back. Nobody waits for that. */
void qemu_locks_detach(Guest *guest, const char *kind, const void *device);
