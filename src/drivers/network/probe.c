/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether a network's guests get names and addresses at this moment: dnsmasq is asked.
 */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/ip.h"
#include "base/threadpool.h"
#include "drivers/network/network_driver.h"
#include "drivers/network/rival.h"

#define DNS_PORT 53
#define ANSWER_MS 1000

/* What kind of server this is (version.bind, TXT, CHAOS): it needs nobody else to answer that, if only by a refusal. */
static const guint8 question[] = { 0x4c, 0x56, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7, 'v', 'e', 'r', 's', 'i', 'o', 'n', 4, 'b', 'i', 'n', 'd', 0, 0, 16, 0, 3 };
#define ID_BYTES 2

static int connect_to(const IpAddress *ip)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT) };
    bool is_v6 = ip_is_v6(ip);
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    memcpy(is_v6 ? (void *) &v6.sin6_addr : (void *) &v4.sin_addr, ip->bytes, ip->size);
    if (fd >= 0 && connect(fd, is_v6 ? (struct sockaddr *) &v6 : (struct sockaddr *) &v4, is_v6 ? sizeof(v6) : sizeof(v4)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* 0, or why there is no answer to the question. */
static int ask(int fd)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };
    guint8 answer[512];
    if (send(fd, question, sizeof(question), MSG_NOSIGNAL) < 0)
        return errno;
    pool_blocking_begin();
    int rc = poll(&one, 1, ANSWER_MS);
    pool_blocking_end();
    if (rc <= 0)
        return rc < 0 ? errno : ETIMEDOUT;
    ssize_t len = recv(fd, answer, sizeof(answer), 0);
    return len < 0 ? errno : len >= ID_BYTES && memcmp(answer, question, ID_BYTES) == 0 ? 0 : EPROTO;
}

char *probe_service(NetworkNode *node, const NetworkDef *net)
{
    IpAddress ip;
    if (!dnsmasq_is_needed(net))
        return NULL;
    if (!service_runs(node, net))
        return g_strdup("dnsmasq does not run");
    if ((net->dns && net->dns->enable == TRISTATE_NO) || !net->n_ips || !net->ips[0]->address || !ip_parse(net->ips[0]->address, &ip))
        return NULL; /* of DHCP alone there is nothing that could be asked without being a guest */
    int fd = connect_to(&ip);
    int error = fd < 0 ? errno : ask(fd);
    if (fd >= 0)
        close(fd);
    if (error == ETIMEDOUT && !rival_sleeps(DNS_PORT, &ip))
        return NULL; /* the host's firewall drops what the host itself sends there, which says nothing about guests */
    return error ? g_strdup_printf("dnsmasq does not answer at %s (%s)", net->ips[0]->address, g_strerror(error)) : NULL;
}
