/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the host knows of its guests' addresses without asking them.
 */
#pragma once
#include <libvirt/libvirt.h>
#include "model/domain_def.h"

/** The addresses of the interfaces of @def by the leases of their networks, or (@source is
 * VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP) by the host's neighbours. Interfaces of which nothing is known are left out. How many, an
 * array into *ifaces, which the caller frees with each member; -1 with an error. */
int network_addresses(const DomainDef *def, unsigned int source, virDomainInterfacePtr **ifaces);
