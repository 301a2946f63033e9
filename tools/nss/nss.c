/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The functions that the C library calls for "hosts: libvirt" (names that guests give themselves) and
 * "hosts: libvirt_guest" (names of guests); built once for each.
 */
#include "leases.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define DIRECTORY LOCALSTATEDIR "/lib/libvirt/dnsmasq"
#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_(a, b)
#define NSS(function) CONCAT(NSS_PREFIX, function)

/* The C library's headers do not declare what a module must have. */
enum nss_status NSS(gethostbyname_r)(const char *name, struct hostent *result, char *buffer, size_t len, int *errnop,
                                     int *herrnop);
enum nss_status NSS(gethostbyname2_r)(const char *name, int af, struct hostent *result, char *buffer, size_t len,
                                      int *errnop, int *herrnop);
enum nss_status NSS(gethostbyname3_r)(const char *name, int af, struct hostent *result, char *buffer, size_t len,
                                      int *errnop, int *herrnop, int32_t *ttlp, char **canonp);
enum nss_status NSS(gethostbyname4_r)(const char *name, struct gaih_addrtuple **pat, char *buffer, size_t len,
                                      int *errnop, int *herrnop, int32_t *ttlp);

/* The caller's buffer. */
typedef struct Room {
    char *at;
    size_t left;
} Room;

static void *take(Room *room, size_t size)
{
    size_t pad = -(uintptr_t) room->at & (sizeof(void *) - 1);
    if (room->left < pad || room->left - pad < size)
        return NULL;
    void *part = room->at + pad;
    room->at += pad + size;
    room->left -= pad + size;
    return part;
}

static char *take_text(Room *room, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = take(room, n);
    return copy ? memcpy(copy, text, n) : NULL;
}

static enum nss_status not_found(int *errnop, int *herrnop)
{
    *errnop = ENOENT;
    *herrnop = HOST_NOT_FOUND;
    return NSS_STATUS_NOTFOUND;
}

/* The C library calls again with a larger buffer. */
static enum nss_status too_small(int *errnop, int *herrnop)
{
    *errnop = ERANGE;
    *herrnop = NETDB_INTERNAL;
    return NSS_STATUS_TRYAGAIN;
}

static void find(LeaseSearch *search, const char *name, int family)
{
    int saved = errno;
    *search = (LeaseSearch) { .name = name, .by_guest = NSS_BY_GUEST, .family = family, .now = time(NULL) };
    leases_find(search, DIRECTORY);
    errno = saved;
}

enum nss_status NSS(gethostbyname3_r)(const char *name, int af, struct hostent *result, char *buffer, size_t len,
                                      int *errnop, int *herrnop, int32_t *ttlp, char **canonp)
{
    LeaseSearch search;
    Room room = { buffer, len };
    if (af == AF_UNSPEC)
        af = AF_INET;
    if (af != AF_INET && af != AF_INET6) {
        *errnop = EAFNOSUPPORT;
        *herrnop = NO_DATA;
        return NSS_STATUS_UNAVAIL;
    }
    find(&search, name, af);
    if (search.n == 0)
        return not_found(errnop, herrnop);
    size_t size = af == AF_INET ? 4 : 16;
    char *own_name = take_text(&room, name);
    char **aliases = take(&room, sizeof(char *));
    char **list = take(&room, (search.n + 1) * sizeof(char *));
    char *bytes = take(&room, search.n * size);
    if (!own_name || !aliases || !list || !bytes)
        return too_small(errnop, herrnop);
    *aliases = NULL;
    for (size_t i = 0; i < search.n; i++)
        list[i] = memcpy(bytes + i * size, search.found[i].bytes, size);
    list[search.n] = NULL;
    *result = (struct hostent) { own_name, aliases, af, size, list };
    if (ttlp)
        *ttlp = 0;
    if (canonp)
        *canonp = own_name;
    *herrnop = NETDB_SUCCESS;
    return NSS_STATUS_SUCCESS;
}

enum nss_status NSS(gethostbyname2_r)(const char *name, int af, struct hostent *result, char *buffer, size_t len,
                                      int *errnop, int *herrnop)
{
    return NSS(gethostbyname3_r)(name, af, result, buffer, len, errnop, herrnop, NULL, NULL);
}

enum nss_status NSS(gethostbyname_r)(const char *name, struct hostent *result, char *buffer, size_t len, int *errnop,
                                     int *herrnop)
{
    return NSS(gethostbyname3_r)(name, AF_INET, result, buffer, len, errnop, herrnop, NULL, NULL);
}

enum nss_status NSS(gethostbyname4_r)(const char *name, struct gaih_addrtuple **pat, char *buffer, size_t len,
                                      int *errnop, int *herrnop, int32_t *ttlp)
{
    LeaseSearch search;
    Room room = { buffer, len };
    find(&search, name, AF_UNSPEC);
    if (search.n == 0)
        return not_found(errnop, herrnop);
    char *own_name = take_text(&room, name);
    struct gaih_addrtuple *first = *pat, **link = &first;
    for (size_t i = 0; own_name && i < search.n; i++) {
        /* the caller may have made room for the first one itself */
        struct gaih_addrtuple *tuple = i == 0 && first ? first : take(&room, sizeof(*tuple));
        if (!tuple)
            return too_small(errnop, herrnop);
        *tuple = (struct gaih_addrtuple) { .name = own_name, .family = search.found[i].family };
        memcpy(tuple->addr, search.found[i].bytes, sizeof(search.found[i].bytes));
        *link = tuple;
        link = &tuple->next;
    }
    if (!own_name)
        return too_small(errnop, herrnop);
    *pat = first;
    if (ttlp)
        *ttlp = 0;
    *herrnop = NETDB_SUCCESS;
    return NSS_STATUS_SUCCESS;
}
