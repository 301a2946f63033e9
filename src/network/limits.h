/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Limits of guests' traffic, where a hypervisor's driver has made a device for a guest.
 */
#pragma once
#include "base/netlink_tc.h"
#include "model/network.h"

/** What the kernel is to keep to; kilobytes of 1000 bytes a second and bursts of 1024, as users of tc know them. All zero for NULL. */
NetlinkRate limits_rate(const BandwidthLimit *limit);
/** Limit the traffic of the guest whose device @device is, as @bandwidth says (NULL: without limits). @guest_sends: the device sends what
 * the guest sends (macvtap); else it sends what the guest is to receive. */
int limits_set(const char *device, const Bandwidth *bandwidth, bool guest_sends);
/** Take away what is left when the device is gone. A failure is logged; the thread's error stays. */
void limits_forget(const char *device);
/** Take away what is left of all devices that are gone. */
void limits_sweep(void);
