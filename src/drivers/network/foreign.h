/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Other people's rules. A packet must pass every base chain at its hook, so a chain of somebody else's whose policy is to drop
 * (docker's, a firewall of the administrator's) cuts guests off whatever our table says.
 *
 * Chains of iptables (table 'filter', chains FORWARD and INPUT) get rules of ours in front that let our bridge pass, as libvirt has
 * always done there; our own table still decides. Chains of a native nftables firewall are the administrator's text: nothing is
 * put into them. If their table says nothing about the bridge, the network can't work, and the error says which chain it is
 * and what to add.
 */
#pragma once
#include "model/network.h"

/** Let the traffic of @net's bridge pass. @strict: a chain that drops it is an error; else it is logged. 0, or -1 with an error. */
int foreign_ensure(const NetworkDef *net, bool strict);
/** Take our rules for the bridge away. 0, or -1 with an error. */
int foreign_remove(const NetworkDef *net);
/** Append to @found (of text, which it frees) each chain of others that drops what guests of the network need, in words. 0, or -1 with an
 * error. [worker] */
int foreign_find(const NetworkDef *net, GPtrArray *found);
