/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Port ranges. Whether a port is free is found out by binding to it, IPv6 and IPv4 at once where possible, as that is what
 * the display will do a moment later.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/ports.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/bitmap.h"
#include "base/error.h"

struct PortPool {
    GMutex lock;
    char *name;
    int first, last;
    Bitmap *taken;
};

PortPool *port_pool_new(const char *name, int first, int last)
{
    PortPool *pool = g_new0(PortPool, 1);

    g_mutex_init(&pool->lock);
    pool->name = g_strdup(name);
    pool->first = first;
    pool->last = last;
    pool->taken = bitmap_new(last - first + 1);
    return pool;
}

void port_pool_free(PortPool *pool)
{
    if (!pool)
        return;
    g_mutex_clear(&pool->lock);
    bitmap_free(pool->taken);
    g_free(pool->name);
    g_free(pool);
}

static gboolean can_bind(int family, const struct sockaddr *addr, socklen_t len)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    gboolean ok;

    if (fd < 0)
        return TRUE; /* no such family here: nothing can listen on it */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    ok = bind(fd, addr, len) == 0 && listen(fd, 1) == 0;
    close(fd);
    return ok;
}

static gboolean is_free(int port)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

    return can_bind(AF_INET, (struct sockaddr *)&v4, sizeof(v4)) && can_bind(AF_INET6, (struct sockaddr *)&v6, sizeof(v6));
}

int port_pool_take(PortPool *pool)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pool->lock);

    for (int port = pool->first; port <= pool->last; port++) {
        if (!bitmap_test(pool->taken, port - pool->first) && is_free(port)) {
            bitmap_set(pool->taken, port - pool->first);
            return port;
        }
    }
    return FAIL(VIR_ERR_INTERNAL_ERROR, "Unable to find an unused port in range '%s' (%d-%d)", pool->name, pool->first, pool->last);
}

void port_pool_reserve(PortPool *pool, int port)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pool->lock);

    if (port >= pool->first && port <= pool->last)
        bitmap_set(pool->taken, port - pool->first);
}

void port_pool_give_back(PortPool *pool, int port)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&pool->lock);

    if (port >= pool->first && port <= pool->last)
        bitmap_clear(pool->taken, port - pool->first);
}
