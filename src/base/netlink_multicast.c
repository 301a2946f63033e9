/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Multicast addresses that a device takes packets for. Rtnetlink tells of them and doesn't change them, so this goes the older way.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/netlink_private.h"
#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/file.h"

#define TABLE "/proc/thread-self/net/dev_mcast"
#define TABLE_MAX (16 * 1024 * 1024)

GArray *netlink_multicast(const char *device)
{
    g_autofree char *text = NULL;
    size_t len;
    int found = file_read_optional(TABLE, TABLE_MAX, &text, &len);
    g_auto(GStrv) lines = found > 0 ? g_strsplit(text, "\n", -1) : NULL;
    GArray *macs = found < 0 ? NULL : g_array_new(FALSE, FALSE, 6);
    for (char **line = lines; line && *line; line++) {
        char name[IF_NAMESIZE];
        guint by_users;
        guint8 mac[6];
        /* what the kernel itself listens to, nobody has asked for */
        if (sscanf(*line, "%*u %15s %*u %u %2hhx%2hhx%2hhx%2hhx%2hhx%2hhx", name, &by_users, mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) == 8 &&
            by_users && strcmp(name, device) == 0)
            g_array_append_vals(macs, mac, 1);
    }
    return macs;
}

int netlink_multicast_change(const char *device, const guint8 mac[6], bool add)
{
    struct ifreq request = { .ifr_hwaddr = { .sa_family = AF_UNSPEC } };
    int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;
    if (sock < 0)
        return FAIL_ERRNO(errno, "cannot create a socket to configure network devices");
    g_strlcpy(request.ifr_name, device, IFNAMSIZ);
    memcpy(request.ifr_hwaddr.sa_data, mac, 6);
    if (ioctl(sock, add ? SIOCADDMULTI : SIOCDELMULTI, &request) < 0 && !(add ? errno == EEXIST : errno == ENOENT))
        error = errno;
    close(sock);
    return error ? FAIL_ERRNO(error, "cannot change the multicast addresses of network device '%s'", device) : 0;
}
