/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions of networks and their ports: what follows from them, rules, changes of single sections. The structs are
 * generated (model/network_def.h, model/networkport_def.h). Errors are the thread's error, of VIR_FROM_NETWORK.
 */
#pragma once
#include "model/network_def.h"
#include "model/networkport_def.h"

/** Add what a definition implies, write addresses in their usual form, and check the rules. Done twice it changes nothing
 * more. -1 with an error. */
int network_def_complete(NetworkDef *def);

/** How a network reaches the outside; NONE for one that doesn't. */
NetworkForwardMode network_def_mode(const NetworkDef *def);

/** Whether the network's bridge is made for it (rather than there already, or none). */
bool network_def_owns_bridge(const NetworkDef *def);

/** Length of the prefix of an <ip>: as given, of its mask, or of the address's class. */
guint network_ip_prefix(const NetworkIp *ip);

/** Carry out virNetworkUpdate() on a definition: @command, @section, @parent_index and @xml as there. The result is complete
 * and keeps the rules. -1 with an error; then @def must be thrown away. */
int network_def_update(NetworkDef *def, unsigned int command, unsigned int section, int parent_index, const char *xml);

/** Rules of a port's definition; adds UUID and plug if there is none. -1 with an error. */
int network_port_def_complete(NetworkPortDef *def);

/** Add to a complete port what follows from the network that it shall be in, and check that they go together. @reclaim: it is
 * plugged in already, and its plug is kept. @others: the ports that there are. -1 with an error. */
int network_port_def_plan(NetworkPortDef *port, const NetworkDef *net, bool reclaim, const NetworkPortDef *const *others,
                          guint n_others);
/** Whether a port of this network can have the limits that it has. -1 with an error. */
int network_port_def_check_limits(const NetworkPortDef *port, const NetworkDef *net);

/* Parts that others have as well */

/** Rules of limits: -1 with an error. @floor_allowed: whether a guaranteed rate makes sense. */
int bandwidth_check(const Bandwidth *bandwidth, bool floor_allowed);
/** Rules of VLANs; several make a trunk. */
int vlan_complete(InterfaceVlan *vlan);
