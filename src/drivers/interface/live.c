/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What runs on the host, as definitions: three lists of the kernel's, put together.
 */
#define ERROR_DOMAIN VIR_FROM_INTERFACE
#include "drivers/interface/interface_driver.h"
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/error.h"

/* Most addresses of a family that are told: as many as the format has. */
#define ADDRESSES_MAX 256
#define PORTS_MAX 1024

struct LiveFacts {
    GArray *links, *addresses, *routes;
    GPtrArray *shown;       /* pointers into links */
    GHashTable *by_index, *by_name;
    GHashTable *ports;      /* index -> GPtrArray of links that are in it */
    GHashTable *ips;        /* index -> GPtrArray of its addresses, pointers into addresses */
    GHashTable *gateways;   /* index -> GPtrArray of its default routes */
    int probe;              /* a socket to ask about speeds */
};

static void add_to(GHashTable *table, guint32 index, gpointer item)
{
    GPtrArray *list = g_hash_table_lookup(table, GUINT_TO_POINTER(index));
    if (!list)
        g_hash_table_insert(table, GUINT_TO_POINTER(index), list = g_ptr_array_new());
    g_ptr_array_add(list, item);
}

static const GPtrArray *list_of(GHashTable *table, guint32 index)
{
    static const GPtrArray none = { NULL, 0 };
    const GPtrArray *list = g_hash_table_lookup(table, GUINT_TO_POINTER(index));
    return list ? list : &none;
}

static GHashTable *lists_new(void) { return g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref); }

/* Network cards of guests come and go with them. */
static bool is_a_guests(const NetlinkLink *link)
{
    return strcmp(link->kind, "tun") == 0 || strcmp(link->kind, "macvtap") == 0;
}

LiveFacts *live_facts_new(Netlink *nl)
{
    g_autoptr(LiveFacts) facts = g_new0(LiveFacts, 1);
    facts->probe = -1;
    if (!(facts->links = netlink_links(nl)) || !(facts->addresses = netlink_addresses(nl)) || !(facts->routes = netlink_routes(nl)))
        return NULL;
    facts->probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    facts->shown = g_ptr_array_new();
    facts->by_index = g_hash_table_new(NULL, NULL);
    facts->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    facts->ports = lists_new();
    facts->ips = lists_new();
    facts->gateways = lists_new();
    for (guint i = 0; i < facts->links->len; i++) {
        NetlinkLink *link = &g_array_index(facts->links, NetlinkLink, i);
        g_hash_table_insert(facts->by_index, GUINT_TO_POINTER(link->index), link);
        g_hash_table_insert(facts->by_name, link->name, link);
        if (link->master)
            add_to(facts->ports, link->master, link);
        if (!is_a_guests(link))
            g_ptr_array_add(facts->shown, link);
    }
    for (guint i = 0; i < facts->addresses->len; i++) {
        NetlinkAddress *address = &g_array_index(facts->addresses, NetlinkAddress, i);
        add_to(facts->ips, address->index, address);
    }
    for (guint i = 0; i < facts->routes->len; i++) {
        NetlinkRoute *route = &g_array_index(facts->routes, NetlinkRoute, i);
        bool gateway = route->prefix == 0 && !route->dest.size && route->table == RT_TABLE_MAIN && route->index;
        static const guint8 zero[16];
        if (gateway && memcmp(route->gateway.bytes, zero, route->gateway.size) != 0)
            add_to(facts->gateways, route->index, route);
    }
    return g_steal_pointer(&facts);
}

void live_facts_free(LiveFacts *facts)
{
    if (!facts)
        return;
    g_clear_pointer(&facts->links, g_array_unref);
    g_clear_pointer(&facts->addresses, g_array_unref);
    g_clear_pointer(&facts->routes, g_array_unref);
    g_clear_pointer(&facts->shown, g_ptr_array_unref);
    GHashTable *tables[] = { facts->by_index, facts->by_name, facts->ports, facts->ips, facts->gateways };
    for (guint i = 0; i < G_N_ELEMENTS(tables); i++)
        g_clear_pointer(&tables[i], g_hash_table_unref);
    if (facts->probe >= 0)
        close(facts->probe);
    g_free(facts);
}

guint live_count(const LiveFacts *facts) { return facts->shown->len; }
const NetlinkLink *live_link(const LiveFacts *facts, guint i) { return facts->shown->pdata[i]; }
const NetlinkLink *live_find(const LiveFacts *facts, const char *name) { return g_hash_table_lookup(facts->by_name, name); }
bool live_is_up(const NetlinkLink *link) { return link->flags & IFF_UP; }

/* ---- parts of a definition ---- */

/* Mbit a second; 0: nobody knows. */
static guint32 speed_of(const LiveFacts *facts, const NetlinkLink *link)
{
    struct ethtool_cmd cmd = { .cmd = ETHTOOL_GSET };
    struct ifreq request = { .ifr_data = (void *) &cmd };
    g_strlcpy(request.ifr_name, link->name, sizeof(request.ifr_name));
    if (facts->probe < 0 || ioctl(facts->probe, SIOCETHTOOL, &request) < 0)
        return 0;
    guint32 speed = ethtool_cmd_speed(&cmd);
    return speed == (guint32) SPEED_UNKNOWN ? 0 : speed;
}

/* IF_OPER_xxx, in the order of the kernel's numbers. */
static LinkState state_of(const NetlinkLink *link)
{
    static const LinkState states[] = { LINK_STATE_UNKNOWN, LINK_STATE_NOTPRESENT, LINK_STATE_DOWN, LINK_STATE_LOWERLAYERDOWN,
                                        LINK_STATE_TESTING, LINK_STATE_DORMANT, LINK_STATE_UP };
    return link->state < G_N_ELEMENTS(states) ? states[link->state] : LINK_STATE_UNKNOWN;
}

static HostInterfaceLink link_part(const LiveFacts *facts, const NetlinkLink *link)
{
    HostInterfaceLink part = { .state = state_of(link) };
    if (part.state == LINK_STATE_UP)
        part.speed = speed_of(facts, link);
    return part;
}

static HostInterfaceType type_of(const NetlinkLink *link)
{
    HostInterfaceType type = host_interface_type_from_string(link->kind);
    return type == HOST_INTERFACE_TYPE_UNSET ? HOST_INTERFACE_TYPE_ETHERNET : type;
}

static void take_mac(const NetlinkLink *link, guint8 mac[6], bool *has)
{
    *has = link->has_mac;
    memcpy(mac, link->mac, 6);
}

static HostVlan *vlan_part(const LiveFacts *facts, const NetlinkLink *link)
{
    HostVlan *vlan = xml_struct_new(&HOST_VLAN_DESC);
    const NetlinkLink *parent = g_hash_table_lookup(facts->by_index, GUINT_TO_POINTER(link->parent));
    vlan->tag = link->options.tag;
    vlan->interface = xml_struct_new(&HOST_VLAN_BASE_DESC);
    vlan->interface->name = parent ? g_strdup(parent->name) : g_strdup_printf("%u", link->parent); /* in another namespace */
    return vlan;
}

static HostBond *bond_part(const LiveFacts *facts, const NetlinkLink *link)
{
    const NetlinkOptions *options = &link->options;
    HostBond *bond = xml_struct_new(&HOST_BOND_DESC);
    bond->mode = (HostBondMode) (options->mode + 1); /* the kernel counts from 0 in the same order */
    if (options->miimon) {
        bond->miimon = xml_struct_new(&HOST_BOND_MIIMON_DESC);
        bond->miimon->freq = options->miimon;
        bond->miimon->updelay = options->updelay;
        bond->miimon->downdelay = options->downdelay;
        bond->miimon->carrier = options->use_carrier ? HOST_BOND_CARRIER_NETIF : HOST_BOND_CARRIER_IOCTL;
    } else if (options->arp_interval && options->arp_target.size) {
        char text[IP_TEXT_SIZE];
        bond->arpmon = xml_struct_new(&HOST_BOND_ARPMON_DESC);
        bond->arpmon->interval = options->arp_interval;
        bond->arpmon->target = g_strdup(ip_format(&options->arp_target, text));
        bond->arpmon->validate = options->arp_validate < HOST_BOND_VALIDATE_LAST ? (HostBondValidate) options->arp_validate : 0;
    }
    const GPtrArray *ports = list_of(facts->ports, link->index);
    for (guint i = 0; i < ports->len && i < PORTS_MAX; i++) {
        const NetlinkLink *one = ports->pdata[i];
        HostBondPort *port = xml_struct_new(&HOST_BOND_PORT_DESC);
        port->name = g_strdup(one->name);
        port->type = HOST_INTERFACE_TYPE_ETHERNET;
        port->link = link_part(facts, one);
        take_mac(one, port->mac, &port->has_mac);
        XML_LIST_APPEND(bond->interfaces, bond->n_interfaces, port);
    }
    return bond;
}

static HostBridge *bridge_part(const LiveFacts *facts, const NetlinkLink *link)
{
    HostBridge *bridge = xml_struct_new(&HOST_BRIDGE_DESC);
    char seconds[G_ASCII_DTOSTR_BUF_SIZE];
    bridge->stp = link->options.stp ? TRISTATE_YES : TRISTATE_NO;
    bridge->delay = g_strdup(g_ascii_formatd(seconds, sizeof(seconds), "%.4g", link->options.delay_ms / 1000.0));
    const GPtrArray *ports = list_of(facts->ports, link->index);
    for (guint i = 0; i < ports->len && i < PORTS_MAX; i++) {
        const NetlinkLink *one = ports->pdata[i];
        HostBridgePort *port = xml_struct_new(&HOST_BRIDGE_PORT_DESC);
        port->name = g_strdup(one->name);
        port->type = type_of(one);
        port->link = link_part(facts, one);
        if (port->type == HOST_INTERFACE_TYPE_ETHERNET)
            take_mac(one, port->mac, &port->has_mac);
        else if (port->type == HOST_INTERFACE_TYPE_BOND)
            port->bond = bond_part(facts, one);
        else if (port->type == HOST_INTERFACE_TYPE_VLAN)
            port->vlan = vlan_part(facts, one);
        XML_LIST_APPEND(bridge->interfaces, bridge->n_interfaces, port);
    }
    return bridge;
}

static HostInterfaceProtocol *protocol_part(const LiveFacts *facts, const NetlinkLink *link, bool v6)
{
    HostInterfaceProtocol *protocol = NULL;
    const GPtrArray *ips = list_of(facts->ips, link->index), *gateways = list_of(facts->gateways, link->index);
    char text[IP_TEXT_SIZE];
    for (guint i = 0; i < ips->len; i++) {
        const NetlinkAddress *address = ips->pdata[i];
        bool kernels = v6 && address->scope == RT_SCOPE_LINK; /* nobody gave it */
        if (ip_is_v6(&address->ip) != v6 || kernels || (protocol && protocol->n_ips == ADDRESSES_MAX))
            continue;
        if (!protocol)
            protocol = xml_struct_new(&HOST_INTERFACE_PROTOCOL_DESC);
        HostInterfaceIp *ip = xml_struct_new(&HOST_INTERFACE_IP_DESC);
        ip->address = g_strdup(ip_format(&address->ip, text));
        ip->prefix = address->prefix;
        XML_LIST_APPEND(protocol->ips, protocol->n_ips, ip);
    }
    for (guint i = 0; protocol && i < gateways->len && !protocol->gateway; i++) {
        const NetlinkRoute *route = gateways->pdata[i];
        if (ip_is_v6(&route->gateway) == v6)
            protocol->gateway = g_strdup(ip_format(&route->gateway, text));
    }
    if (protocol)
        protocol->family = v6 ? IP_FAMILY_IPV6 : IP_FAMILY_IPV4;
    return protocol;
}

HostInterfaceDef *live_def(const LiveFacts *facts, const NetlinkLink *link)
{
    HostInterfaceDef *def = xml_struct_new(&HOST_INTERFACE_DEF_DESC);
    def->name = g_strdup(link->name);
    def->type = type_of(link);
    def->mtu = link->mtu;
    take_mac(link, def->mac, &def->has_mac);
    for (int v6 = 0; v6 < 2; v6++) {
        HostInterfaceProtocol *protocol = protocol_part(facts, link, v6);
        if (protocol)
            XML_LIST_APPEND(def->protocols, def->n_protocols, protocol);
    }
    if (def->type != HOST_INTERFACE_TYPE_BRIDGE)
        def->link = link_part(facts, link);
    if (def->type == HOST_INTERFACE_TYPE_BRIDGE)
        def->bridge = bridge_part(facts, link);
    else if (def->type == HOST_INTERFACE_TYPE_BOND)
        def->bond = bond_part(facts, link);
    else if (def->type == HOST_INTERFACE_TYPE_VLAN)
        def->vlan = vlan_part(facts, link);
    return def;
}
