/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The rules of a network (rules.h says what they are) for hosts whose firewall is iptables: chains of ours, and one jump to each in front
 * of FORWARD, INPUT and POSTROUTING. A text is what iptables-restore carries out as a whole for each table.
 */
#pragma once
#include "model/network.h"

/** Whether rules are made by iptables. iptables_choose() says so once, before networks start. */
bool iptables_is_used(void);
/** @backend: of network.conf; NULL: what the host uses. */
void iptables_choose(const char *backend);

/** Append what makes the rules of @net for IPv4 or IPv6; @saved: the rules that are there, as iptables-save tells them. */
void iptables_add(const NetworkDef *net, bool v6, const char *saved, GString *text);
/** Append what takes away the rules of a bridge that @saved tells of, whatever they are. */
void iptables_take(const char *bridge, const char *saved, GString *text);
/** Whether all jumps to chains of the bridge's are in @saved. */
bool iptables_is_whole(const NetworkDef *net, const char *saved);

/** Make the rules, also if they are there. 0, or -1 with an error. [worker] */
int iptables_ensure(const NetworkDef *net);
/** Make them anew if one of the jumps is missing. 0, or -1 with an error. [worker] */
int iptables_mend(const NetworkDef *net);
/** Take them away. 0, or -1 with an error. [worker] */
int iptables_remove(const NetworkDef *net);
