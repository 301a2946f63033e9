/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the firewall does for a virtual network, as text for nft: a pure function of the definition.
 *
 * All rules are in one table of ours. Two maps lead from a bridge's name to the chain that decides about what comes from it
 * (from_BRIDGE) and what goes to it (to_BRIDGE), so that a packet costs the same with one network or a thousand; translation
 * has a base chain for each network (nat_BRIDGE). A text is one transaction, and can be run again at any time: what it says
 * is there afterwards, once.
 */
#pragma once
#include "model/network.h"

/** The table's name. */
#define RULES_TABLE "inet libvirt_network"

/** Ports that translated connections get unless the definition says others. */
#define RULES_NAT_PORT_FIRST 1024
#define RULES_NAT_PORT_LAST 65535

/** Whether a bridge of this name can be written in a rule: nft knows wildcards and quotes. */
bool rules_bridge_is_writable(const char *bridge);
/** "192.168.122.0/24" of an <ip>; caller frees. */
char *rules_subnet(const NetworkIp *ip, bool *v6);
/** Append what makes the rules of @net, which owns its bridge. Nothing for mode 'open'. */
void rules_add(const NetworkDef *net, GString *text);
/** Append what makes the chains, empty, in which ports of the host lead to guests behind a bridge. */
void rules_begin_forwards(const char *bridge, GString *text);
/** Append a rule to them: for packets from elsewhere, or (@own) this host's. */
void rules_add_forward(const char *bridge, bool own, GString *text, const char *format, ...) G_GNUC_PRINTF(4, 5);
/** A command for nft that fails unless the rules of a bridge are there; caller frees. */
char *rules_probe(const char *bridge);
/** Append what takes away the rules of a bridge, whatever they are, also if there are none. */
void rules_remove(const char *bridge, GString *text);
