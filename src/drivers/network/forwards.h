/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ports of this host that lead to guests: in the definition's <metadata>, so that every libvirt keeps them,
 *
 *     <forwards xmlns='urn:libvirt-forwards:1.0'>
 *       <forward protocol='tcp' port='8080' to='80' guest='web'/>
 *     </forwards>
 *
 * protocol is tcp (if not said) or udp; address one of this host's (all, if not said); to the guest's port (the same, if not said). The
 * guest is told by its name (guest), the hardware address of its interface (mac), or its address (ip); the first two are followed to
 * the address that the guest has now.
 */
#pragma once
#include "drivers/network/network_driver.h"

#define FORWARDS_NAMESPACE "urn:libvirt-forwards:1.0"

/** Whether the definition has any. Cheap. */
bool forwards_exist(const NetworkDef *net);
/** Whether what the definition says of them can be understood and had. 0, or -1 with an error. */
int forwards_check(const NetworkDef *net);
/** Bring the rules in line with the definition and with what is known of guests' addresses. 0, or -1 with an error. [worker] */
int forwards_ensure(Managed *obj, const NetworkDef *net);

/** Follow the leases of running networks. NULL with an error. */
typedef struct ForwardsWatch ForwardsWatch;
ForwardsWatch *forwards_watch_new(NetworkNode *node);
/** Accepts NULL. */
void forwards_watch_free(ForwardsWatch *watch);
