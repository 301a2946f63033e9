/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Limits of traffic at network devices (traffic control), through the kernel's own messages. What a device sends is shaped: it waits
 * until its time has come. What it receives can't wait at the device: what is too much is dropped, or where the kernel can't do that,
 * shaped on an "ifb" device that it is led through.
 *
 * Errors say which module the kernel lacks, if that is the reason.
 */
#pragma once
#include "base/netlink.h"

/** Bytes and bytes a second. */
typedef struct NetlinkRate {
    guint64 average;     /**< 0: no limit */
    guint64 peak;        /**< while the burst lasts; 0: the average */
    guint64 burst;       /**< that may exceed the average; 0: a few packets */
} NetlinkRate;

/** Most classes beside the first one. */
#define NETLINK_CLASSES_MAX 16384

/** Let a device send no more than this in all; what was said before of what it sends is forgotten. */
int netlink_shape(Netlink *nl, guint32 index, const NetlinkRate *rate);
/** Of what the device may send (netlink_shape()), keep @rate (average: guaranteed; peak: at most) for what goes to @mac. @class: 0 … of this
 * device, below NETLINK_CLASSES_MAX, each once. */
int netlink_shape_for(Netlink *nl, guint32 index, guint class, const guint8 mac[6], const NetlinkRate *rate);
/** Let a device send what it likes. */
int netlink_shape_end(Netlink *nl, guint32 index);

/** Let a device, which has a queue of its own, send at once what comes, rather than queue it before that as well. */
int netlink_unqueue(Netlink *nl, guint32 index);

/** Let a device receive no more than this; what was said before is forgotten. Its "ifb" device, if it needs one, ends with
 * netlink_police_end() or netlink_police_sweep(). */
int netlink_police(Netlink *nl, guint32 index, const char *device, const NetlinkRate *rate);
/** Let a device receive what comes, also one that isn't there any more. */
int netlink_police_end(Netlink *nl, const char *device);
/** Remove what is left of devices that are gone. */
int netlink_police_sweep(Netlink *nl);
