/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Limits of traffic that disks share: objects of QEMU, and nodes above a disk's image that the traffic goes through.
 */
#pragma once
#include "drivers/qemu/backend.h"
#include "drivers/qemu/command_priv.h"

/** Append the groups. 0, or -1 with an error. */
int qemu_command_throttle_groups(QemuCommand *cmd);
/** Append a disk's nodes, the first above the node @below. */
void qemu_command_throttle_filters(QemuCommand *cmd, const DomainDisk *disk, const char *below);
/** Name of the disk's node for its filter @at. Caller frees. */
char *qemu_throttle_node(const DomainDisk *disk, guint at);

/** Have QEMU follow @group, which it gets unless it was in the definition @before. May wait. 0, or -1 with an error. */
int qemu_guest_set_throttle_group(Guest *guest, const DomainDef *before, const DomainDiskIotune *group);
int qemu_backend_drop_throttle_group(Guest *guest, const char *name);
