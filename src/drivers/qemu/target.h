/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whom a question about emulator, architecture, machine and kind of domain is about.
 */
#pragma once
#include "drivers/qemu/claims.h"

/** Fill @target; what is NULL is chosen: the emulator for @arch or the host's, its first machine, KVM if it can. Returns the
 * capabilities that @target points into (a reference), NULL with an error. Worker threads only. */
QemuCaps *qemu_target_find(QemuCapsStore *store, const char *emulator, const char *arch, const char *machine, const char *virt_type,
                           ClaimTarget *target);

/** What the target's accelerator can. */
const QemuAccel *qemu_target_accel(const ClaimTarget *target);
