/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#include "drivers/network/rival.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/ip.h"
#include "core/host/host.h"

/* Largest table of sockets, and longest name of a program, that are read. */
#define TABLE_MAX (4 * 1024 * 1024)
#define NAME_MAX_BYTES 256
#define LISTENS 10

/* Words of 32 bits, each as the processor has it. */
static bool read_address(const char *hex, IpAddress *ip)
{
    size_t words = strlen(hex) / 8;
    if (words != 1 && words != 4)
        return false;
    for (size_t i = 0; i < words; i++) {
        g_autofree char *word = g_strndup(hex + 8 * i, 8);
        guint32 value = (guint32) g_ascii_strtoull(word, NULL, 16);
        memcpy(ip->bytes + 4 * i, &value, 4);
    }
    ip->size = (guint8) (4 * words);
    return true;
}

static bool is_everywhere(const IpAddress *ip)
{
    for (guint i = 0; i < ip->size; i++) {
        if (ip->bytes[i])
            return false;
    }
    return true;
}

/* Sockets of a table that hear what is sent to @wanted; @waiting: but haven't read it yet. */
static void find_sockets(const char *path, bool tcp, guint port, const IpAddress *wanted, bool waiting, GHashTable *inodes)
{
    g_autofree char *text = NULL;
    size_t len = 0;
    if (file_read_optional(path, TABLE_MAX, &text, &len) <= 0)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        char address[33];
        guint its_port, state, unread;
        unsigned long inode;
        IpAddress ip = { { 0 }, 0 };
        if (sscanf(*line, " %*u: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*[0-9A-F]:%x %*s %*s %*u %*u %lu", address, &its_port, &state, &unread, &inode) != 5 ||
            its_port != port || (waiting && !unread) || (tcp && state != LISTENS) || !read_address(address, &ip))
            continue;
        if (is_everywhere(&ip) || (wanted->size == ip.size && memcmp(ip.bytes, wanted->bytes, ip.size) == 0))
            g_hash_table_add(inodes, g_strdup_printf("socket:[%lu]", inode));
    }
}

static bool has_socket(guint pid, GHashTable *inodes)
{
    g_autofree char *folder = g_strdup_printf("/proc/%u/fd", pid);
    g_autoptr(GArray) fds = host_list_numbers(folder, "");
    for (guint i = 0; i < fds->len; i++) {
        g_autofree char *path = g_strdup_printf("%s/%u", folder, g_array_index(fds, guint, i));
        char target[64];
        ssize_t len = readlink(path, target, sizeof(target) - 1);
        if (len <= 0)
            continue;
        target[len] = 0;
        if (g_hash_table_contains(inodes, target))
            return true;
    }
    return false;
}

char *rival_find(guint port, const char *address)
{
    static const struct { const char *path; bool tcp; } tables[] = {
        { "/proc/net/udp", false }, { "/proc/net/udp6", false }, { "/proc/net/tcp", true }, { "/proc/net/tcp6", true },
    };
    g_autoptr(GHashTable) inodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    virErrorPtr error = error_save();
    IpAddress wanted = { { 0 }, 0 };
    char *found = NULL;
    if (address)
        ip_parse(address, &wanted);
    for (guint i = 0; i < G_N_ELEMENTS(tables); i++)
        find_sockets(tables[i].path, tables[i].tcp, port, &wanted, false, inodes);
    g_autoptr(GArray) pids = host_list_numbers("/proc", "");
    for (guint i = 0; !found && g_hash_table_size(inodes) && i < pids->len; i++) {
        guint pid = g_array_index(pids, guint, i);
        g_autofree char *path = g_strdup_printf("/proc/%u/comm", pid), *name = NULL;
        size_t len = 0;
        if (has_socket(pid, inodes) && file_read_optional(path, NAME_MAX_BYTES, &name, &len) > 0)
            found = g_strdup_printf("'%s' (process %u)", g_strchomp(name), pid);
    }
    error_restore(error);
    return found;
}

bool rival_sleeps(guint port, const IpAddress *address)
{
    g_autoptr(GHashTable) inodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    find_sockets(ip_is_v6(address) ? "/proc/net/udp6" : "/proc/net/udp", false, port, address, true, inodes);
    virResetLastError();
    return g_hash_table_size(inodes) != 0;
}
