/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Programs that devices need beside QEMU: servers of folders, networks, displays and reservations. What QEMU connects to is known by
 * the device's name (command_priv.h), so that the command line can be made without them.
 */
#pragma once
#include "drivers/qemu/backend.h"

/** Start what the devices of @def need. Addresses that are chosen are put into @def. 0; -1 with an error. [worker] */
int qemu_device_helpers_start(Guest *guest, DomainDef *def);
/** The same for one device that is plugged in: of kind "filesystem" or "interface"; nothing for others. [worker] */
int qemu_device_helper_start(Guest *guest, const char *kind, const void *device);
/** End what was started for a device that didn't come; the thread's error stays. [worker] */
void qemu_device_helper_stop(Guest *guest, const char *kind, const void *device);
