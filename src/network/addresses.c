/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#include "network/addresses.h"
#include <linux/neighbour.h>
#include <string.h>
#include "base/mac.h"
#include "base/netlink.h"
#include "core/node.h"
#include "network/network.h"

static void add(virDomainInterfacePtr iface, const char *address, int type, guint prefix)
{
    iface->addrs = g_renew(virDomainIPAddress, iface->addrs, iface->naddrs + 1);
    iface->addrs[iface->naddrs++] = (virDomainIPAddress) { .type = type, .addr = g_strdup(address), .prefix = prefix };
}

/* ---- leases ---- */

static int add_leases(const DomainInterface *net, const char *mac, virDomainInterfacePtr iface)
{
    ManagedTable *networks = node_get()->tables.networks;
    g_autoptr(Managed) obj = networks && net->source.type == DOMAIN_INTERFACE_TYPE_NETWORK
        ? managed_peek(networks, NULL, net->source.network) : NULL;
    virNetworkDHCPLeasePtr *leases = NULL;
    if (!obj || !network_backend(obj)->leases)
        return 0;
    g_autoptr(ManagedState) state = managed_state(obj);
    int n = managed_visible(state) ? network_backend(obj)->leases(obj, network_def(state), mac, &leases) : 0;
    for (int i = 0; i < n; i++) {
        add(iface, leases[i]->ipaddr, leases[i]->type, leases[i]->prefix);
        virNetworkDHCPLeaseFree(leases[i]);
    }
    g_free(leases);
    return n;
}

/* ---- neighbours ---- */

static void add_neighbours(const GArray *neighbours, const DomainInterface *net, virDomainInterfacePtr iface)
{
    for (guint i = 0; i < neighbours->len; i++) {
        const NetlinkNeighbour *n = &g_array_index(neighbours, NetlinkNeighbour, i);
        char text[IP_TEXT_SIZE];
        if (!(n->state & (NUD_FAILED | NUD_INCOMPLETE | NUD_NOARP)) && memcmp(n->mac, net->mac, sizeof(n->mac)) == 0)
            add(iface, ip_format(&n->ip, text), ip_is_v6(&n->ip) ? VIR_IP_ADDR_TYPE_IPV6 : VIR_IP_ADDR_TYPE_IPV4, 0);
    }
}

/* ---- both ---- */

static int describe(const DomainInterface *net, const GArray *neighbours, GPtrArray *found)
{
    virDomainInterfacePtr iface = g_new0(virDomainInterface, 1);
    char mac[MAC_TEXT_SIZE];
    int rc = 0;
    iface->name = g_strdup(net->target.dev ? net->target.dev : "");
    iface->hwaddr = g_strdup(mac_format(net->mac, mac));
    if (neighbours)
        add_neighbours(neighbours, net, iface);
    else
        rc = add_leases(net, mac, iface);
    if (iface->naddrs && rc >= 0)
        g_ptr_array_add(found, iface);
    else
        virDomainInterfaceFree(iface);
    return rc;
}

int network_addresses(const DomainDef *def, unsigned int source, virDomainInterfacePtr **ifaces)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify) virDomainInterfaceFree);
    g_autoptr(Netlink) nl = source == VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP ? netlink_open() : NULL;
    g_autoptr(GArray) neighbours = nl ? netlink_neighbours(nl) : NULL;
    if (source == VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP && !neighbours)
        return -1;
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        if (describe(def->devices.interfaces[i], neighbours, found) < 0)
            return -1;
    }
    int n = (int) found->len;
    g_ptr_array_add(found, NULL);
    g_ptr_array_set_free_func(found, NULL);
    *ifaces = (virDomainInterfacePtr *) g_ptr_array_free(g_steal_pointer(&found), FALSE);
    return n;
}
