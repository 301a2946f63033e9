/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Networks that don't care which addresses they have: the one that is installed, and those whose definition says so in its metadata,
 *
 *   <metadata><subnet xmlns='urn:libvirt:network:1' choose='yes'/></metadata>
 *
 * Such a network has one IPv4 subnet 192.168.N.0/24. When the daemon starts and the host has that N elsewhere, it gets another
 * one, in its definition. A network that runs keeps what it has.
 */
#pragma once
#include "network/host.h"

#define SUBNET_NAMESPACE "urn:libvirt:network:1"

/** Give those networks of @host that are not active, want it and would be in the host's way another subnet. What can't be had is logged. */
void subnet_settle_all(NetworkHost *host);
