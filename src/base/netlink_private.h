/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files about netlink share. Not for others.
 */
#pragma once
#include "base/error.h"
#include "base/netlink.h"
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

/** A new message with its fixed part. */
struct nl_msg *netlink_message(int type, int flags, const void *head, size_t len);
/** Send @msg (taken over), which asks for an acknowledgement, and wait for that. 0, or an errno. */
int netlink_request(Netlink *nl, struct nl_msg *msg);

/** As netlink_port_change_vlans(), and of a bridge itself (@is_bridge), too. */
int netlink_vlans_change(Netlink *nl, guint32 index, bool is_bridge, const NetlinkVlan *vlans, guint n, bool add);

/** What the kernel tells now of all of a kind: GBytes of a message each. NULL with an error. */
GPtrArray *netlink_saved_dump(Netlink *nl, NetlinkSavedKind kind);
/** Have the VLANs of the links in @indexes be what @saved says. 0, or -1 with an error, after as much as possible was done. */
int netlink_vlans_restore(Netlink *nl, const GPtrArray *saved, GHashTable *indexes);

/** Add what a message tells to an array; what it doesn't understand is left out. */
typedef void (*NetlinkItem)(struct nlmsghdr *hdr, GArray *into);
/** Send @msg (taken over), a dump request, and gather items of @size bytes, which @clear releases (NULL: nothing to release). Where
 * the kernel says that what it lists changed meanwhile, so that something may be missing, it is asked again, a bounded number of
 * times. NULL with an error that says that @what can't be listed. */
GArray *netlink_dump(Netlink *nl, struct nl_msg *msg, guint size, GDestroyNotify clear, NetlinkItem item, const char *what);
