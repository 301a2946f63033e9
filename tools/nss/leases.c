/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "leases.h"
#include "json.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define MACS_MAX 64
#define MAC_LENGTH 17

typedef struct Macs {
    char mac[MACS_MAX][MAC_LENGTH + 1];
    size_t n;
} Macs;

/* Text of a file, with NUL behind it; NULL if it cannot be read whole. */
static char *read_file(int dir, const char *name)
{
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    char *text = NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= LEASE_FILE_MAX)
        text = malloc(st.st_size + 1);
    ssize_t n = text ? read(fd, text, st.st_size) : -1;
    close(fd);
    if (n < 0) {
        free(text);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);
    return n > m && strcmp(name + n - m, suffix) == 0;
}

/* One object: for each key @member is called with the first token of the value, which it may use or leave. */
typedef bool (*MemberFunc)(JsonReader *reader, const char *key, Token token, void *opaque);

static bool read_object(JsonReader *reader, MemberFunc member, void *opaque)
{
    Token token = json_next(reader);
    while (token != TOKEN_CLOSE_OBJECT) {
        const char *key = reader->text;
        if (token != TOKEN_STRING || json_next(reader) != TOKEN_COLON)
            return false;
        if (!member(reader, key, json_next(reader), opaque))
            return false;
        token = json_next(reader);
        if (token == TOKEN_COMMA)
            token = json_next(reader);
    }
    return true;
}

/* An array of objects. @end is called after each. */
static void read_array(char *text, MemberFunc member, void (*end)(void *), void *opaque)
{
    JsonReader reader = { .at = text };
    if (json_next(&reader) != TOKEN_OPEN_ARRAY)
        return;
    Token token = json_next(&reader);
    while (token == TOKEN_OPEN_OBJECT) {
        if (!read_object(&reader, member, opaque))
            return;
        end(opaque);
        token = json_next(&reader);
        if (token == TOKEN_COMMA)
            token = json_next(&reader);
    }
}

static void each_file(const char *path, const char *suffix, MemberFunc member, void (*end)(void *), void *opaque)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char *text = has_suffix(entry->d_name, suffix) ? read_file(dirfd(dir), entry->d_name) : NULL;
        if (text)
            read_array(text, member, end, opaque);
        free(text);
    }
    if (dir)
        closedir(dir);
}

/* The guest's cards: [ {"domain": "name", "macs": ["52:54:00:…", …]}, … ] */

typedef struct MacSearch {
    const char *name;
    Macs *macs;
    bool matches;       /* this object's domain */
    size_t before;      /* cards before this object */
} MacSearch;

static bool mac_member(JsonReader *reader, const char *key, Token token, void *opaque)
{
    MacSearch *search = opaque;
    if (strcmp(key, "domain") == 0 && token == TOKEN_STRING) {
        search->matches = strcasecmp(reader->text, search->name) == 0;
        return true;
    }
    if (strcmp(key, "macs") != 0 || token != TOKEN_OPEN_ARRAY)
        return json_skip(reader, token);
    while ((token = json_next(reader)) != TOKEN_CLOSE_ARRAY) {
        if (token == TOKEN_COMMA)
            continue;
        if (token != TOKEN_STRING)
            return false;
        if (strlen(reader->text) == MAC_LENGTH && search->macs->n < MACS_MAX)
            strcpy(search->macs->mac[search->macs->n++], reader->text);
    }
    return true;
}

static void mac_end(void *opaque)
{
    MacSearch *search = opaque;
    if (!search->matches)
        search->macs->n = search->before;
    search->before = search->macs->n;
    search->matches = false;
}

/* Leases: [ {"ip-address": …, "mac-address": …, "hostname": …, "expiry-time": …}, … ] */

typedef struct LeaseReader {
    LeaseSearch *search;
    const Macs *macs;
    LeaseAddress address;
    bool wanted;
} LeaseReader;

static bool known_mac(const Macs *macs, const char *mac)
{
    for (size_t i = 0; i < macs->n; i++)
        if (strcasecmp(macs->mac[i], mac) == 0)
            return true;
    return false;
}

static bool lease_member(JsonReader *reader, const char *key, Token token, void *opaque)
{
    LeaseReader *lease = opaque;
    if (token == TOKEN_NUMBER && strcmp(key, "expiry-time") == 0)
        lease->address.expires = reader->number;
    if (token != TOKEN_STRING)
        return json_skip(reader, token);
    if (strcmp(key, "ip-address") == 0) {
        lease->address.family = inet_pton(AF_INET, reader->text, lease->address.bytes) == 1 ? AF_INET
                              : inet_pton(AF_INET6, reader->text, lease->address.bytes) == 1 ? AF_INET6 : AF_UNSPEC;
    } else if (strcmp(key, "mac-address") == 0 && lease->search->by_guest) {
        lease->wanted = known_mac(lease->macs, reader->text);
    } else if (strcmp(key, "hostname") == 0 && !lease->search->by_guest) {
        lease->wanted = strcasecmp(reader->text, lease->search->name) == 0;
    }
    return true;
}

static bool known_address(const LeaseSearch *search, const LeaseAddress *address)
{
    for (size_t i = 0; i < search->n; i++)
        if (search->found[i].family == address->family &&
            memcmp(search->found[i].bytes, address->bytes, address->family == AF_INET ? 4 : 16) == 0)
            return true;
    return false;
}

static void lease_end(void *opaque)
{
    LeaseReader *lease = opaque;
    LeaseSearch *search = lease->search;
    LeaseAddress *a = &lease->address;
    bool valid = a->family != AF_UNSPEC && (search->family == AF_UNSPEC || search->family == a->family) &&
                 (a->expires <= 0 || a->expires >= search->now);
    if (lease->wanted && valid && search->n < LEASE_ADDRESSES_MAX && !known_address(search, a))
        search->found[search->n++] = *a;
    lease->wanted = false;
    *a = (LeaseAddress) { .family = AF_UNSPEC };
}

/* The lease that lasts longest is the one that the guest has now. */
static int later(const void *a, const void *b)
{
    long long x = ((const LeaseAddress *) a)->expires, y = ((const LeaseAddress *) b)->expires;
    if (x <= 0 || y <= 0)
        return (y <= 0) - (x <= 0);
    return (y > x) - (y < x);
}

void leases_find(LeaseSearch *search, const char *dir)
{
    static const Macs no_macs;
    Macs *macs = search->by_guest ? calloc(1, sizeof(Macs)) : NULL;
    search->n = 0;
    if (macs) {
        MacSearch cards = { search->name, macs, false, 0 };
        each_file(dir, ".macs", mac_member, mac_end, &cards);
    }
    LeaseReader reader = { search, macs ? macs : &no_macs, { .family = AF_UNSPEC }, false };
    if (!search->by_guest || (macs && macs->n))
        each_file(dir, ".status", lease_member, lease_end, &reader);
    qsort(search->found, search->n, sizeof(LeaseAddress), later);
    free(macs);
}
