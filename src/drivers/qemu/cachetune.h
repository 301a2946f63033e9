/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parts of the host's caches and memory bandwidth for a guest's vCPUs (<cachetune>, <memorytune>): a group of the kernel's (resctrl)
 * for each set of vCPUs, called "qemu-ID-NAME-vcpus_0-3", and below it one for each <monitor> of fewer vCPUs. Not on the loop's thread.
 */
#pragma once
#include "drivers/qemu/backend.h"

/** Refuse what this host can't do; before the start. 0, or -1 with an error. */
int qemu_check_cachetune(const DomainDef *def);
/** Make the groups of a guest that starts, and name them in @def. 0, or -1 with an error. */
int qemu_guest_cachetune_make(Guest *guest, DomainDef *def);
/** Know the monitors of a guest that begins or is taken over, for the two that follow and qemu_guest_cachetune_read(). */
void qemu_guest_cachetune_note(Guest *guest, const DomainDef *def);
/** Put the threads of its vCPUs into the groups; again when there are more. 0, or -1 with an error. */
int qemu_guest_cachetune_enter(Guest *guest, const DomainDef *def);
/** Add what its monitors tell to @stats, as far as it is of @groups (GuestStatsGroups). */
void qemu_guest_cachetune_read(Guest *guest, unsigned int groups, GuestStats *stats);
/** Remove the groups; the process is gone. */
void qemu_guest_cachetune_remove(Guest *guest, const DomainDef *def);
