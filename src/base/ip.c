/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/ip.h"
#include <arpa/inet.h>
#include <string.h>

bool ip_parse(const char *text, IpAddress *ip)
{
    memset(ip, 0, sizeof *ip);
    if (!text)
        return false;
    if (inet_pton(AF_INET, text, ip->bytes) == 1)
        ip->size = 4;
    else if (inet_pton(AF_INET6, text, ip->bytes) == 1)
        ip->size = 16;
    return ip->size > 0;
}

char *ip_format(const IpAddress *ip, char text[IP_TEXT_SIZE])
{
    if (!ip->size || !inet_ntop(ip_is_v6(ip) ? AF_INET6 : AF_INET, ip->bytes, text, IP_TEXT_SIZE))
        text[0] = '\0';
    return text;
}

int ip_compare(const IpAddress *a, const IpAddress *b)
{
    return a->size == b->size ? memcmp(a->bytes, b->bytes, a->size) : (int)a->size - (int)b->size;
}

static bool bit(const IpAddress *ip, guint at)
{
    return ip->bytes[at / 8] >> (7 - at % 8) & 1;
}

bool ip_host_bits_are(const IpAddress *ip, guint prefix, bool ones)
{
    for (guint i = prefix; i < ip_bits(ip); i++) {
        if (bit(ip, i) != ones)
            return false;
    }
    return true;
}

int ip_mask_prefix(const IpAddress *mask)
{
    guint n = 0;

    while (n < ip_bits(mask) && bit(mask, n))
        n++;
    return ip_host_bits_are(mask, n, false) ? (int)n : -1;
}

bool ip_same_network(const IpAddress *a, const IpAddress *b, guint prefix)
{
    if (a->size != b->size)
        return false;
    for (guint i = 0; i < prefix && i < ip_bits(a); i++) {
        if (bit(a, i) != bit(b, i))
            return false;
    }
    return true;
}
