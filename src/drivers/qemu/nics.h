/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Interfaces of guests that are network cards of the host: virtual functions, which get the guest's hardware address and VLAN from their
 * card. What a function had before is noted in a file until it has it again.
 */
#pragma once
#include "domain/backend.h"

/** Whether an interface is a card of the host, by itself or as what its network has given it. */
gboolean qemu_interface_is_nic(const DomainInterface *net);
/** The same as a device of the host, which the caller frees: alias, place and boot order are the interface's. */
DomainHostdev *qemu_nic_hostdev(const DomainInterface *net);

/** Take the card of each interface that is one, set up and away from the host's driver. When one can't be had the others are given back.
 * 0, or -1 with an error. [worker] */
int qemu_guest_take_nics(Guest *guest, const DomainDef *def);
/** The same for one; nothing for other interfaces. [worker] */
int qemu_guest_take_nic(Guest *guest, const DomainInterface *net);
/** Give it back as it was, if the guest has it. What can't be done is logged; the thread's error stays. [worker] */
void qemu_guest_give_nic(Guest *guest, const DomainInterface *net);
/** Note down that the guest, which runs since before this daemon, has its cards. */
void qemu_guest_has_nics(Guest *guest, const DomainDef *def);
