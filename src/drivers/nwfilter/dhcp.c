/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drivers/nwfilter/dhcp.h"
#include <string.h>

#define ETHER_SIZE 14
#define UDP_SIZE 8
/* Places in a message. */
#define OPERATION 0
#define CLIENT_ADDRESS 12
#define YOUR_ADDRESS 16
#define CLIENT_MAC 28
#define COOKIE 236
#define OPTIONS 240
/* Operations, options and types of messages. */
#define REQUEST 1
#define ANSWER 2
#define PAD 0
#define LEASE_TIME 51
#define MESSAGE_TYPE 53
#define END 255
#define ACK 5
#define RELEASE 7
#define SERVER_PORT 67
#define CLIENT_PORT 68

static guint number16(const guint8 *at) { return (guint) at[0] << 8 | at[1]; }
static guint32 number32(const guint8 *at) { return (guint32) number16(at) << 16 | number16(at + 2); }

/* The message in a frame, whole and from the port that it should come from; its length into *size. NULL: something else. */
static const guint8 *message_of(const guint8 *frame, gsize len, guint port, IpAddress *sender, gsize *size)
{
    const guint8 *ip = frame + ETHER_SIZE;
    if (len < ETHER_SIZE + 20 || number16(frame + 12) != 0x800 || ip[0] >> 4 != 4)
        return NULL;
    gsize head = (ip[0] & 15) * 4u, whole = number16(ip + 2);
    /* no part of a packet that came in pieces, and nothing behind its end */
    if (head < 20 || whole > len - ETHER_SIZE || whole < head + UDP_SIZE + OPTIONS || number16(ip + 6) & 0x3fff || ip[9] != 17)
        return NULL;
    const guint8 *udp = ip + head;
    if (number16(udp) != port || number16(udp + 2) != (port == SERVER_PORT ? CLIENT_PORT : SERVER_PORT) ||
        number16(udp + 4) < UDP_SIZE + OPTIONS || number16(udp + 4) > whole - head)
        return NULL;
    *size = number16(udp + 4) - UDP_SIZE;
    sender->size = 4;
    memcpy(sender->bytes, ip + 12, 4);
    return udp + UDP_SIZE;
}

/* An option of so many bytes. NULL: it isn't there. */
static const guint8 *find_option(const guint8 *message, gsize size, guint8 option, guint8 bytes)
{
    for (gsize at = OPTIONS; at < size && message[at] != END;) {
        if (message[at] == PAD) {
            at++;
            continue;
        }
        if (at + 2 > size || at + 2 + message[at + 1] > size)
            return NULL;
        if (message[at] == option)
            return message[at + 1] == bytes ? message + at + 2 : NULL;
        at += 2u + message[at + 1];
    }
    return NULL;
}

gboolean dhcp_read(const guint8 *frame, gsize len, const guint8 mac[6], gboolean from_guest, DhcpNews *news)
{
    static const guint8 cookie[] = { 99, 130, 83, 99 };
    gsize size;
    *news = (DhcpNews) { .seconds = 0 };
    const guint8 *message = message_of(frame, len, from_guest ? CLIENT_PORT : SERVER_PORT, &news->server, &size);
    if (!message || (from_guest && memcmp(frame + 6, mac, 6) != 0) || memcmp(message + CLIENT_MAC, mac, 6) != 0 ||
        memcmp(message + COOKIE, cookie, sizeof(cookie)) != 0 || message[OPERATION] != (from_guest ? REQUEST : ANSWER))
        return FALSE;
    const guint8 *type = find_option(message, size, MESSAGE_TYPE, 1), *lease = find_option(message, size, LEASE_TIME, 4);
    if (!type || *type != (from_guest ? RELEASE : ACK))
        return FALSE;
    news->ip.size = 4;
    memcpy(news->ip.bytes, message + (from_guest ? CLIENT_ADDRESS : YOUR_ADDRESS), 4);
    news->seconds = from_guest ? 0 : lease ? number32(lease) : DHCP_FOREVER;
    return news->ip.bytes[0] > 0 && news->ip.bytes[0] < 224 && (from_guest || news->seconds > 0);
}
