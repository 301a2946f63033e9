/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What DHCP messages between a guest and its server say about the guest's address. No I/O. Frames come from anybody.
 */
#pragma once
#include "base/ip.h"

#define DHCP_FOREVER G_MAXUINT32

typedef struct DhcpNews {
    IpAddress ip;       /**< the guest's */
    IpAddress server;   /**< who says so */
    guint32 seconds;    /**< how long it may use the address; DHCP_FOREVER; 0: it has given it back */
} DhcpNews;

/** Read a frame of Ethernet: a server's answer to the guest with this hardware address, or (@from_guest) what the guest tells a server.
 * FALSE: it says nothing about an address. */
gboolean dhcp_read(const guint8 *frame, gsize len, const guint8 mac[6], gboolean from_guest, DhcpNews *news);
