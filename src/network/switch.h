/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A guest's device in the bridge that it belongs to: one of the kernel or of Open vSwitch, with the VLANs of the guest. For
 * hypervisors' drivers.
 */
#pragma once
#include "base/netlink.h"
#include "model/domain_def.h"

/** Who is plugged in where. The members are the caller's. */
typedef struct SwitchPort {
    const char *bridge;
    const char *device;
    gboolean told;                            /* a bridge of the kernel is told addresses, and learns none */
    gboolean own_address_only;                /* what comes with another address than the interface's, doesn't pass a bridge of the kernel */
    const DomainInterface *iface;
    const guint8 *domain;                     /* UUID */
    const NetlinkChange *also;                /* what is to be set of the device at the same time; NULL: nothing */
} SwitchPort;

/** How long Open vSwitch may take for an answer; 5 seconds if nobody says. Before any of the others is called. */
void switch_configure(guint seconds);
/** Whether the bridge is one of Open vSwitch, by what the interface says. */
gboolean switch_is_openvswitch(const DomainInterface *iface);
/** Put the device, which is set up but for that and for @also, into the bridge, also if it is in another one. 0, or -1 with an error. [worker] */
int switch_plug(Netlink *nl, const SwitchPort *port);
/** Have the VLANs of the interface in force where it is; @old: those that it had. [worker] */
int switch_set_vlan(Netlink *nl, const SwitchPort *port, const InterfaceVlan *old);
/** Open vSwitch remembers devices that are gone: tell it. Nothing for other bridges. A failure is logged; the thread's error stays. */
void switch_unplug(const DomainInterface *iface, const char *device);
