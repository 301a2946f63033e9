/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Virtual networks on this host: the bridge, the firewall's rules and dnsmasq of each.
 *
 * Each of the three can be brought into the state that a definition asks for from whatever state it is in, and can be taken away
 * whatever is left of it. So one function starts a network, mends one that a former daemon has left, and carries out changes;
 * and one function ends it, also after a start that failed or was cut short.
 */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#define LOG_SOURCE "network.backend"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "base/netlink.h"
#include "base/random.h"
#include "core/host/pci.h"
#include "firewall/firewall.h"
#include "drivers/network/firewalld.h"
#include "drivers/network/foreign.h"
#include "drivers/network/forwards.h"
#include "drivers/network/iptables.h"
#include "drivers/network/leases.h"
#include "drivers/network/network_driver.h"
#include "drivers/network/rules.h"

/* So long a name that was chosen is kept for the definition that is to have it, in seconds. */
#define CLAIM_SECONDS 60

/* ---- definitions ---- */

static void add_bridge_of(GHashTable *taken, const Definition *definition, const NetworkDef *but)
{
    const NetworkDef *def = definition ? definition_get(definition) : NULL;
    if (def && def->bridge.name && network_def_owns_bridge(def) && strcmp(def->name, but->name) != 0)
        g_hash_table_replace(taken, g_strdup(def->bridge.name), g_strdup(def->name));
}

/* Names of bridges that other networks have, or are about to have: bridge -> network. node->lock is held. */
static GHashTable *taken_bridges(NetworkNode *node, const NetworkDef *def)
{
    GHashTable *taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) all = managed_objects(network_host_table(node->host), 0, NULL, NULL);
    GHashTableIter iter;
    gpointer bridge, claim;
    for (guint i = 0; i < all->len; i++) {
        g_autoptr(ManagedState) state = managed_state(all->pdata[i]);
        add_bridge_of(taken, state->config, def);
        add_bridge_of(taken, state->live, def);
    }
    g_hash_table_iter_init(&iter, node->claims);
    while (g_hash_table_iter_next(&iter, &bridge, &claim)) {
        const BridgeClaim *c = claim;
        if (g_get_monotonic_time() - c->since_us > CLAIM_SECONDS * G_USEC_PER_SEC)
            g_hash_table_iter_remove(&iter);
        else if (strcmp(c->network, def->name) != 0 && !g_hash_table_contains(taken, bridge))
            g_hash_table_replace(taken, g_strdup(bridge), g_strdup(c->network));
    }
    return taken;
}

static void claim_free(gpointer opaque)
{
    BridgeClaim *claim = opaque;
    g_free(claim->network);
    g_free(claim);
}

GHashTable *bridge_claims_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, claim_free);
}

/* Give the network its bridge's name, which nobody else has. */
static int take_bridge_locked(NetworkNode *node, NetworkDef *def)
{
    g_autoptr(GHashTable) taken = taken_bridges(node, def);
    const char *owner = def->bridge.name ? g_hash_table_lookup(taken, def->bridge.name) : NULL;
    if (owner)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "network '%s' can't have the bridge '%s': it is that of network '%s'", def->name,
                    def->bridge.name, owner);
    if (!def->bridge.name && !(def->bridge.name = bridge_free_name(taken)))
        return -1;
    BridgeClaim *claim = g_new0(BridgeClaim, 1);
    *claim = (BridgeClaim) { g_strdup(def->name), g_get_monotonic_time() };
    g_hash_table_replace(node->claims, g_strdup(def->bridge.name), claim);
    return 0;
}

static int take_bridge(NetworkNode *node, NetworkDef *def)
{
    g_mutex_lock(&node->lock);
    int rc = take_bridge_locked(node, def);
    g_mutex_unlock(&node->lock);
    if (rc == 0 && !rules_bridge_is_writable(def->bridge.name))
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': '%s' can't be the name of a bridge: it has 1 to 15 characters, without blanks and /:\"*\\",
                    def->name, def->bridge.name);
    return rc;
}

static int check(NetworkHost *host, NetworkDef *def, const NetworkDef *old)
{
    static const guint8 vendor[] = { 0x52, 0x54, 0x00 };
    if (!network_def_owns_bridge(def))
        return 0;
    if (old && !def->bridge.name && network_def_owns_bridge(old))
        def->bridge.name = g_strdup(old->bridge.name);
    if (forwards_check(def) < 0 || take_bridge(network_host_priv(host), def) < 0 || dnsmasq_check(def) < 0)
        return -1;
    if (def->has_mac)
        return 0;
    def->has_mac = true;
    if (old && old->has_mac) {
        memcpy(def->mac, old->mac, sizeof(def->mac));
        return 0;
    }
    memcpy(def->mac, vendor, sizeof(vendor));
    random_bytes(def->mac + sizeof(vendor), sizeof(def->mac) - sizeof(vendor));
    return 0;
}

/* ---- runs ---- */

static int ensure_rules(const NetworkDef *net)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *what = g_strdup_printf("set up the firewall for network '%s'", net->name);
    if (iptables_is_used())
        return iptables_ensure(net);
    rules_add(net, text);
    return text->len ? firewall_run(text->str, what) : 0;
}

static int remove_rules_of_nftables(const NetworkDef *net)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *what = g_strdup_printf("remove the rules of network '%s' from the firewall", net->name);
    rules_remove(net->bridge.name, text);
    return firewall_run_and_tidy(text->str, RULES_TABLE, what);
}

static int remove_rules(const NetworkDef *net)
{
    return iptables_is_used() ? iptables_remove(net) : remove_rules_of_nftables(net);
}

static void remove_former(const NetworkDef *net, int (*remove)(const NetworkDef *net))
{
    if (remove(net) < 0)
        LOG_WARN("network '%s' keeps rules of the former firewall backend: %s", net->name, error_message());
    virResetLastError();
}

/* What a daemon has left that used the other program. */
static void remove_former_rules(const NetworkDef *net)
{
    remove_former(net, iptables_is_used() ? remove_rules_of_nftables : iptables_remove);
    if (iptables_is_used())
        remove_former(net, foreign_remove);
}

/* Our own rules in nftables, all or none of which are there. */
static int mend_nftables(Managed *obj, const NetworkDef *net)
{
    g_autofree char *probe = rules_probe(net->bridge.name), *found = firewall_list(probe, "look for the rules of a network");
    if (found)
        return 0;
    LOG_INFO("network '%s': the firewall has lost its rules; they are put back", net->name);
    virResetLastError();
    return ensure_rules(net) < 0 || (forwards_exist(net) && forwards_ensure(obj, net) < 0) ? -1 : 0;
}

int rules_mend(Managed *obj, const NetworkDef *net)
{
    if (network_def_mode(net) == NETWORK_FORWARD_MODE_OPEN)
        return 0;
    if ((iptables_is_used() ? iptables_mend(net) : mend_nftables(obj, net)) < 0)
        return -1;
    return firewalld_ensure(net, false) < 0 || foreign_ensure(net, false) < 0 ? -1 : 0;
}

/* @strict: what others' rules do to the network is an error. */
static int ensure(Managed *obj, const NetworkDef *net, bool strict)
{
    if (!network_def_owns_bridge(net))
        return traffic_ensure(obj, net);
    return bridge_ensure(net) < 0 || traffic_ensure(obj, net) < 0 || ensure_rules(net) < 0 ||
        (forwards_exist(net) && forwards_ensure(obj, net) < 0) || firewalld_ensure(net, strict) < 0 ||
        foreign_ensure(net, strict) < 0 ||
        bridge_enable_forwarding(net) < 0 || service_ensure(network_node(obj), net) < 0 ? -1 : 0;
}

static void note_first(int *rc, virErrorPtr *first, int step)
{
    if (step == 0)
        return;
    *rc = -1;
    if (!*first)
        *first = error_save();
}

/* Everything is tried, and the first error is told. */
static int end(NetworkNode *node, const NetworkDef *net)
{
    virErrorPtr first = NULL;
    int rc = 0;
    if (network_def_owns_bridge(net)) {
        note_first(&rc, &first, service_end(node, net));
        macs_forget(node, net);
        note_first(&rc, &first, remove_rules(net));
        firewalld_remove(net);
        note_first(&rc, &first, foreign_remove(net));
    }
    note_first(&rc, &first, traffic_end(net));
    if (network_def_owns_bridge(net))
        note_first(&rc, &first, bridge_remove(net));
    if (first)
        error_restore(first);
    return rc;
}

static void undo(NetworkNode *node, const NetworkDef *net)
{
    virErrorPtr error = error_save();
    if (end(node, net) < 0)
        LOG_WARN("network '%s': something is left of a start that failed: %s", net->name, error_message());
    error_restore(error);
}

/* Translation takes these ports unless it is told others; the document of a run says so. */
static void settle_ports(NetworkDef *live)
{
    NetworkNat *nat = &live->forward.nat;
    if (network_def_mode(live) != NETWORK_FORWARD_MODE_NAT || nat->port.start)
        return;
    nat->port.start = RULES_NAT_PORT_FIRST;
    nat->port.end = RULES_NAT_PORT_LAST;
}

static int start_parts(Managed *obj, NetworkDef *live)
{
    NetworkNode *node = network_node(obj);
    if (pool_find(live, HOST_SYSFS) < 0)
        return -1;
    if (!network_def_owns_bridge(live) && !live->bandwidth)
        return 0;
    if (!node->privileged)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "network '%s' needs a bridge, which only the system's daemon can make: use 'virsh -c "
                    "qemu:///system net-start %s', or give the guest an <interface type='user'>", live->name, live->name);
    if (network_def_owns_bridge(live) && bridge_check_conflicts(live) < 0)
        return -1;
    settle_ports(live);
    if (ensure(obj, live, true) == 0)
        return 0;
    undo(node, live);
    return -1;
}

static int start(Managed *obj, NetworkDef *live)
{
    NetworkNode *node = network_node(obj);
    if (network_hook(node, live, NULL, "start", "begin") < 0 || start_parts(obj, live) < 0)
        return -1;
    if (network_hook(node, live, NULL, "started", "begin") == 0)
        return 0;
    undo(node, live);
    network_hook_tell(node, live, NULL, "stopped", "end");
    return -1;
}

static int stop(Managed *obj, const NetworkDef *live)
{
    if (end(network_node(obj), live) < 0)
        return -1;
    network_hook_tell(network_node(obj), live, NULL, "stopped", "end");
    return 0;
}

/* What a network of ours knows of its guests. @gone: one is about to go, whose ports of the host lead nowhere then. */
static int follow_ports(Managed *obj, const NetworkDef *live, bool gone)
{
    if (!network_def_owns_bridge(live))
        return 0;
    macs_note(obj);
    return !gone && forwards_exist(live) ? forwards_ensure(obj, live) : 0;
}

static void forget_port(Managed *obj, const NetworkDef *live, const NetworkPortDef *port)
{
    virErrorPtr error = error_save();
    if (traffic_ports(obj, live, port, NULL) < 0 || follow_ports(obj, live, true) < 0)
        LOG_WARN("%s", error_message());
    error_restore(error);
}

static int restore(Managed *obj, NetworkDef *live)
{
    if (network_def_owns_bridge(live) && network_node(obj)->other_backend)
        remove_former_rules(live);
    return ensure(obj, live, false) < 0 ? -1 : follow_ports(obj, live, false);
}

static int port_create(Managed *obj, const NetworkDef *live, const NetworkPortDef *port)
{
    if (traffic_ports(obj, live, NULL, port) < 0)
        return -1;
    if (network_hook(network_node(obj), live, port, "port-created", "begin") == 0 && follow_ports(obj, live, false) == 0)
        return 0;
    forget_port(obj, live, port);
    return -1;
}

static int port_delete(Managed *obj, const NetworkDef *live, const NetworkPortDef *port)
{
    if (traffic_ports(obj, live, port, NULL) < 0 || follow_ports(obj, live, true) < 0)
        return -1;
    network_hook_tell(network_node(obj), live, port, "port-deleted", "begin");
    return 0;
}

static int update(Managed *obj, const NetworkDef *was, const NetworkDef *now, unsigned int section)
{
    NetworkNode *node = network_node(obj);
    if (!network_def_owns_bridge(now) || service_ensure(node, now) == 0) {
        network_hook_tell(node, now, NULL, "updated", "begin");
        return 0;
    }
    virErrorPtr error = error_save();
    if (service_ensure(node, was) < 0)
        LOG_ERROR("network '%s' has lost DHCP and DNS: %s", was->name, error_message());
    error_restore(error);
    return -1;
}

static int list_leases(Managed *obj, const NetworkDef *def, const char *mac, virNetworkDHCPLeasePtr **leases)
{
    return leases_list(network_node(obj)->lib, def, mac, leases);
}

static int metadata(Managed *obj, const NetworkDef *was, const NetworkDef *now, bool live)
{
    if (!network_def_owns_bridge(now) || (!forwards_exist(was) && !forwards_exist(now)))
        return 0;
    return forwards_check(now) < 0 || (live && forwards_ensure(obj, now) < 0) ? -1 : 0;
}

/* <state zone='…' service='works, or why not'><blocked>by whom</blocked></state> */
static char *state(Managed *obj, const NetworkDef *live)
{
    g_autoptr(GPtrArray) blockers = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) text = g_string_new("<state xmlns='" NETWORK_STATE_NAMESPACE "'");
    bool own = network_def_owns_bridge(live);
    g_autofree char *zone = own ? firewalld_zone(live) : NULL, *quoted = zone ? g_markup_escape_text(zone, -1) : NULL;
    if (own && foreign_find(live, blockers) < 0)
        return NULL;
    if (quoted)
        g_string_append_printf(text, " zone='%s'", quoted);
    if (own && dnsmasq_is_needed(live)) {
        g_autofree char *trouble = probe_service(network_node(obj), live), *told = trouble ? g_markup_escape_text(trouble, -1) : NULL;
        g_string_append_printf(text, " service='%s'", told ? told : NETWORK_STATE_WORKS);
    }
    g_string_append(text, blockers->len ? ">" : "/>");
    for (guint i = 0; i < blockers->len; i++) {
        g_autofree char *one = g_markup_escape_text(blockers->pdata[i], -1);
        g_string_append_printf(text, "<blocked>%s</blocked>", one);
    }
    g_string_append(text, blockers->len ? "</state>" : "");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

const NetworkBackend network_node_backend = {
    .metadata = metadata,
    .state = state,
    .rules = MANAGED_UNDEFINE_ACTIVE,
    .check = check,
    .start = start,
    .stop = stop,
    .restore = restore,
    .update = update,
    .leases = list_leases,
    .port_create = port_create,
    .port_delete = port_delete,
    .port_update = traffic_ports,
};
