/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * firewalld, where it runs: it lets pass what its zones let pass, so each bridge is put into a zone. The zone "libvirt" is installed with
 * the daemon; <bridge zone='…'/> names another one.
 */
#pragma once
#include "model/network.h"

#define FIREWALLD_ZONE "libvirt"

/** See that the bridge of @net is in its zone. Without firewalld nothing is to be done, unless the definition names a zone; @strict: that
 * is an error then. 0, or -1 with an error that names network, zone and what firewalld said. [worker] */
int firewalld_ensure(const NetworkDef *net, bool strict);
/** Take the bridge out of its zone. A failure is logged: firewalld forgets bridges that are gone. The thread's error stays. [worker] */
void firewalld_remove(const NetworkDef *net);
/** The zone that the bridge of @net is in; NULL: none, or firewalld doesn't run. Caller frees. [worker] */
char *firewalld_zone(const NetworkDef *net);
