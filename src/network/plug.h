/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Interfaces of guests on the networks of this process (core/node.h): for hypervisors' drivers.
 */
#pragma once
#include "core/definition.h"
#include "model/domain_def.h"
#include "model/networkport_def.h"

/** Plug @iface, whose type is 'network', into its network: make a port for it, and start the network if it is marked for autostart.
 * What the port has of the network or its port group (bandwidth, VLANs, isolation …) is put into @iface where it had nothing of
 * its own, and so are the port's id and the bridge. @uuid: of the domain. The port's definition, whose plug tells what
 * to connect to; the caller unrefs. NULL with an error. [worker] */
Definition *network_plug(DomainInterface *iface, const char *domain, const guint8 uuid[16]);
/** Make the port of a running guest's @iface again after its network was stopped and started: with the id that it had. @there: whether it
 * was there still; a daemon that was killed may not have come to connect the device. The port's definition; NULL without an error if the
 * network has stopped again, NULL with an error. [worker] */
Definition *network_plug_again(const DomainInterface *iface, const char *domain, const guint8 uuid[16], gboolean *there);
/** Called when a network has started, by the thread that started it; must not block, nor ask anything of the network. */
typedef void (*NetworkStarted)(const char *network, void *opaque);
/** Have @func called from now on; NULL: never again with @opaque. */
void network_on_start(NetworkStarted func, void *opaque);
/** Take the port away that @iface knows of. Failures are logged; the thread's error stays. [worker] */
void network_unplug_this(const DomainInterface *iface);
/** Take the port away, also one that @iface doesn't know of yet. A failure is logged; the thread's error stays. [worker] */
void network_unplug(const DomainInterface *iface, const char *domain, const guint8 uuid[16]);

/** Give the port the limits that @iface has now: what the network guarantees. 0, or -1 with an error; nothing is changed then. [worker] */
int network_limit_plug(const DomainInterface *iface, const guint8 uuid[16]);

/** Whether the domain runs and has an interface with this hardware address. */
typedef gboolean (*NetworkPortLives)(const guint8 uuid[16], const guint8 mac[6], void *opaque);
/** Take away the ports that nobody uses any more: a hypervisor's driver calls it when it knows which guests of a former daemon go on.
 * Failures are logged. [worker] */
void network_sweep_ports(NetworkPortLives lives, void *opaque);
