/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * IP addresses as values. Text is always numeric: nothing is looked up.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

/** Room for the text of any address, with the NUL. */
#define IP_TEXT_SIZE 46

typedef struct {
    guint8 bytes[16]; /**< In network order; an IPv4 address has 4. */
    guint8 size;      /**< 4 or 16; 0: none. */
} IpAddress;

/** Read an address. false (no error set) if @text is NULL or anything else. */
bool ip_parse(const char *text, IpAddress *ip);

/** Usual text. Returns @text. */
char *ip_format(const IpAddress *ip, char text[IP_TEXT_SIZE]);

static inline bool ip_is_v6(const IpAddress *ip) { return ip->size == 16; }

/** Bits of an address: 32 or 128. */
static inline guint ip_bits(const IpAddress *ip) { return ip->size * 8u; }

/** How two addresses of one family are ordered: < 0, 0, > 0. Families: IPv4 first. */
int ip_compare(const IpAddress *a, const IpAddress *b);

/** Length of the prefix that a mask such as 255.255.0.0 stands for; -1 if there are gaps in it. */
int ip_mask_prefix(const IpAddress *mask);

/** Whether both are in one network of @prefix bits. false for different families. */
bool ip_same_network(const IpAddress *a, const IpAddress *b, guint prefix);

/** Whether the bits behind the prefix are all 0 (the network's own address), or all 1 (IPv4: broadcast). */
bool ip_host_bits_are(const IpAddress *ip, guint prefix, bool ones);
