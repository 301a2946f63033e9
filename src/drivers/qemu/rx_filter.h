/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a guest lets its network card receive: where it is trusted with that (trustGuestRxFilters), its macvtap device follows: hardware
 * address, multicast addresses, and whether everything is received.
 */
#pragma once
#include "domain/backend.h"

/** The guest has changed what the card called @alias receives: follow, on a worker. Guests that aren't trusted are not asked, and
 * QEMU tells nothing more of them then. [any] */
void qemu_guest_rx_filter_changed(Guest *guest, const char *alias);
/** Follow now, if the guest is trusted with this card. 0, or -1 with an error. [worker] */
int qemu_guest_rx_filter_follow(Guest *guest, const DomainInterface *net);
/** Follow once what may have changed while nobody listened. [any] */
void qemu_guest_rx_filters_follow(Guest *guest, const DomainDef *def);
