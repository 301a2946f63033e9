/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The bridge of a virtual network: the device, its addresses and routes, and what the kernel is to do with packets.
 */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#define LOG_SOURCE "network.bridge"
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/netlink.h"
#include "drivers/network/network_driver.h"

#define NAME_PREFIX "virbr"
/* Most bridges whose names are tried. */
#define NAMES_MAX 16384
/* Longest text of a kernel setting. */
#define SETTING_MAX 64

/* ---- settings of the kernel ---- */

static int set_kernel(const char *path, const char *value)
{
    g_autofree char *old = NULL;
    size_t len;
    if (file_read_optional(path, SETTING_MAX, &old, &len) < 0)
        return -1;
    if (!old)
        return FAIL(VIR_ERR_OPERATION_FAILED, "the kernel has no setting '%s'", path);
    if (strcmp(g_strchomp(old), value) == 0) /* also where it can only be read */
        return 0;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int err = fd < 0 || file_write_all(fd, value, strlen(value)) < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return err ? FAIL_ERRNO(err, "cannot set '%s' to %s", path, value) : 0;
}

static bool has_family(const NetworkDef *net, bool v6)
{
    for (guint i = 0; i < net->n_ips; i++) {
        IpAddress ip;
        if (ip_parse(net->ips[i]->address, &ip) && ip_is_v6(&ip) == v6)
            return true;
    }
    return false;
}

/* The host must not follow routers on a bridge whose router it is; without an address it doesn't speak IPv6 there at all. */
static int set_ipv6(const NetworkDef *net)
{
    static const char *const off[] = { "accept_ra", "autoconf" };
    g_autofree char *folder = g_strdup_printf("/proc/sys/net/ipv6/conf/%s", net->bridge.name);
    if (access(folder, F_OK) < 0) {
        if (has_family(net, true))
            return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "network '%s' has an IPv6 address, but this host's kernel has no IPv6", net->name);
        return 0;
    }
    for (guint i = 0; i < G_N_ELEMENTS(off); i++) {
        g_autofree char *path = g_build_filename(folder, off[i], NULL);
        if (set_kernel(path, "0") < 0)
            return -1;
    }
    g_autofree char *path = g_build_filename(folder, "disable_ipv6", NULL);
    return set_kernel(path, has_family(net, true) ? "0" : "1");
}

/* A host that forwards no longer listens to routers, unless told so: it would lose the routes that it has from them. */
static int check_routes_by_advertisement(const NetworkDef *net)
{
    g_autoptr(Netlink) nl = netlink_open();
    g_autoptr(GArray) routes = nl ? netlink_routes(nl) : NULL;
    if (!routes)
        return -1;
    for (guint i = 0; i < routes->len; i++) {
        const NetlinkRoute *route = &g_array_index(routes, NetlinkRoute, i);
        char name[IF_NAMESIZE];
        if (route->protocol != RTPROT_RA || !route->index || !if_indextoname(route->index, name))
            continue;
        g_autofree char *path = g_strdup_printf("/proc/sys/net/ipv6/conf/%s/accept_ra", name);
        g_autofree char *value = file_read(path, SETTING_MAX, NULL);
        if (value && *value == '1')
            return FAIL(VIR_ERR_OPERATION_FAILED, "network '%s' needs IPv6 forwarding, with which this host would lose the routes that "
                        "it learns on '%s': run 'sysctl net.ipv6.conf.%s.accept_ra=2' first, and put it into /etc/sysctl.d",
                        net->name, name, name);
        virResetLastError();
    }
    return 0;
}

int bridge_enable_forwarding(const NetworkDef *net)
{
    static const char v6_path[] = "/proc/sys/net/ipv6/conf/all/forwarding";
    if (network_def_mode(net) == NETWORK_FORWARD_MODE_NONE)
        return 0;
    if (has_family(net, false) && set_kernel("/proc/sys/net/ipv4/ip_forward", "1") < 0)
        return -1;
    if (!has_family(net, true))
        return 0;
    g_autofree char *now = file_read(v6_path, SETTING_MAX, NULL);
    if (!now)
        return -1;
    return *now == '1' ? 0 : check_routes_by_advertisement(net) < 0 ? -1 : set_kernel(v6_path, "1");
}

/* ---- conflicts ---- */

static bool overlaps(const IpAddress *ip, guint prefix, const NetlinkRoute *route)
{
    return route->dest.size == ip->size && route->prefix >= prefix && ip_same_network(ip, &route->dest, prefix);
}

int bridge_check_conflicts(const NetworkDef *net)
{
    g_autoptr(Netlink) nl = netlink_open();
    g_autoptr(GArray) routes = nl ? netlink_routes(nl) : NULL;
    guint32 own = netlink_index(net->bridge.name);
    if (!routes)
        return -1;
    for (guint i = 0; i < net->n_ips; i++) {
        IpAddress ip;
        if (!ip_parse(net->ips[i]->address, &ip))
            continue;
        for (guint k = 0; k < routes->len; k++) {
            const NetlinkRoute *route = &g_array_index(routes, NetlinkRoute, k);
            char name[IF_NAMESIZE], text[IP_TEXT_SIZE];
            if ((own && route->index == own) || (route->table && route->table != RT_TABLE_MAIN) ||
                !overlaps(&ip, network_ip_prefix(net->ips[i]), route))
                continue;
            if (!route->index || !if_indextoname(route->index, name))
                g_strlcpy(name, "?", sizeof(name));
            return FAIL(VIR_ERR_INTERNAL_ERROR, "network '%s' can't have %s/%u: the host reaches %s/%u through interface '%s' already; give "
                        "the network another address with 'virsh net-edit %s'", net->name, net->ips[i]->address,
                        network_ip_prefix(net->ips[i]), ip_format(&route->dest, text), route->prefix, name, net->name);
        }
    }
    return 0;
}

/* ---- the device ---- */

char *bridge_free_name(GHashTable *taken)
{
    for (guint i = 0; i < NAMES_MAX; i++) {
        char name[IF_NAMESIZE];
        g_snprintf(name, sizeof(name), NAME_PREFIX "%u", i);
        if (!g_hash_table_contains(taken, name) && !netlink_index(name))
            return g_strdup(name);
    }
    return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "the host has %d bridges: there is no name left for another one", NAMES_MAX);
}

static int add_addresses(Netlink *nl, const NetworkDef *net, guint32 index)
{
    for (guint i = 0; i < net->n_ips; i++) {
        IpAddress ip;
        if (ip_parse(net->ips[i]->address, &ip) && netlink_address_add(nl, index, &ip, network_ip_prefix(net->ips[i])) < 0)
            return -1;
    }
    return 0;
}

static guint route_prefix(const InterfaceRoute *route, const IpAddress *dest)
{
    IpAddress mask;
    if (route->has_prefix)
        return route->prefix;
    return route->netmask && ip_parse(route->netmask, &mask) ? (guint) ip_mask_prefix(&mask) : ip_bits(dest);
}

static int add_routes(Netlink *nl, const NetworkDef *net, guint32 index)
{
    for (guint i = 0; i < net->n_routes; i++) {
        const InterfaceRoute *def = net->routes[i];
        NetlinkRoute route = { .index = index, .metric = def->metric ? def->metric : 1 };
        if (!ip_parse(def->address, &route.dest) || !ip_parse(def->gateway, &route.gateway))
            continue;
        route.prefix = (guint8) route_prefix(def, &route.dest);
        if (netlink_route_add(nl, &route) < 0)
            return -1;
    }
    return 0;
}

static int configure(Netlink *nl, const NetworkDef *net, guint32 index)
{
    const bool up = true;
    return set_ipv6(net) < 0 || add_addresses(nl, net, index) < 0 || netlink_change(nl, index, &(NetlinkChange) { .up = &up }) < 0 ||
        add_routes(nl, net, index) < 0 ? -1 : 0;
}

/* Whether a device is the bridge that we made for @net: it has its hardware address, which we chose. */
static bool is_ours(Netlink *nl, const NetworkDef *net, guint32 index)
{
    NetlinkLink link;
    if (netlink_link(nl, index, &link) < 0) {
        virResetLastError();
        return false;
    }
    return strcmp(link.kind, "bridge") == 0 && net->has_mac && memcmp(link.mac, net->mac, sizeof(link.mac)) == 0;
}

int bridge_ensure(const NetworkDef *net)
{
    g_autoptr(Netlink) nl = netlink_open();
    const NetlinkBridge bridge = {
        .mac = net->has_mac ? net->mac : NULL, .mtu = net->mtu, .stp = net->bridge.stp == TRISTATE_ON,
        .delay_ms = (guint) MIN(net->bridge.delay, (guint64) G_MAXINT32 / 1000) * 1000,
    };
    guint32 index = nl ? netlink_index(net->bridge.name) : 0;
    if (index && !is_ours(nl, net, index))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "network '%s' can't have the bridge '%s': the host has a network device of that name, which "
                    "was not made for it", net->name, net->bridge.name);
    if (!nl || (index && netlink_bridge_set(nl, index, &bridge) < 0) ||
        (!index && !(index = netlink_bridge_new(nl, net->bridge.name, &bridge))))
        return -1;
    return configure(nl, net, index);
}

int bridge_remove(const NetworkDef *net)
{
    g_autoptr(Netlink) nl = netlink_open();
    guint32 index = netlink_index(net->bridge.name);
    if (!nl)
        return -1;
    return index && is_ours(nl, net, index) ? netlink_delete(nl, index) : 0;
}
