/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The most that a QEMU may have of what the kernel counts by process: memory that stays where it is, processes, files, core dumps.
 */
#pragma once
#include "base/process.h"
#include "drivers/qemu/backend.h"

#define QEMU_MAX_LIMITS 4

/** Bytes that the guest's QEMU must be able to lock: RLIM_INFINITY for <locked/>, the <hard_limit> of memory if there is one, else as much as
 * devices need that reach its memory by themselves. 0: nothing locks memory. */
guint64 qemu_locked_bytes(const DomainDef *def);
/** Limits for a QEMU that starts as user @uid, into @limits[QEMU_MAX_LIMITS]. How many, or -1 with an error if it can't have what it needs. */
int qemu_process_limits(const QemuDriver *driver, uid_t uid, const DomainDef *def, ProcessLimit *limits);
/** Raise the limit of a QEMU that runs to what @def needs now. 0, or -1 with an error. */
int qemu_guest_raise_limits(Guest *guest, const DomainDef *def);
