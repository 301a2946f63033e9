/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The leases that the virtual networks' DHCP servers gave. The files are small JSON arrays of flat objects; they are read
 * without any library, for this code runs inside every program that looks up a host name.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define LEASE_ADDRESSES_MAX 64
#define LEASE_FILE_MAX (4 * 1024 * 1024)

typedef struct LeaseAddress {
    int family;               /* AF_INET, AF_INET6 */
    unsigned char bytes[16];
    long long expires;        /* seconds since 1970; 0: never */
} LeaseAddress;

typedef struct LeaseSearch {
    const char *name;         /* wanted, without regard to case */
    bool by_guest;            /* it is a guest's, else what the guest called itself */
    int family;               /* AF_UNSPEC: any */
    long long now;
    LeaseAddress found[LEASE_ADDRESSES_MAX];
    size_t n;
} LeaseSearch;

/** Look through all files in @dir; what expires last comes first. What cannot be read is passed over. */
void leases_find(LeaseSearch *search, const char *dir);
