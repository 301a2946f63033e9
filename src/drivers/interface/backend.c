/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Interfaces of this host: what the table of objects has is what the kernel and the host's files tell.
 */
#define ERROR_DOMAIN VIR_FROM_INTERFACE
#define LOG_SOURCE "interface.backend"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "core/node.h"
#include "drivers/interface/interface_driver.h"
#include "model/network.h"

/* Longest wait for what is done to another interface. */
#define JOB_MS 120000

int node_job_begin(NodeJob *job, InterfaceNode *node, const char *api)
{
    static const JobSubject subject = { VIR_FROM_INTERFACE, "host", "interfaces", NULL };
    if (!node->privileged)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "the host's interfaces can be changed at interface:///system only");
    if (job_begin(&node->jobs, JOB_MODIFY, &subject, api, JOB_MS) < 0)
        return -1;
    job->node = node;
    return 0;
}

void node_job_end(NodeJob *job)
{
    InterfaceNode *node = g_steal_pointer(&job->node);
    if (node)
        job_end(&node->jobs, JOB_MODIFY);
}

/* ---- looking ---- */

/* Takes over what is given. */
static gboolean observe_links(ManagedTable *table, const LiveFacts *facts, GHashTable *configs, GHashTable *seen)
{
    gboolean all = TRUE;
    for (guint i = 0; i < live_count(facts); i++) {
        const NetlinkLink *link = live_link(facts, i);
        HostInterfaceDef *def = live_def(facts, link), *config = g_hash_table_lookup(configs, link->name);
        bool up = live_is_up(link);
        g_hash_table_steal(configs, link->name);
        g_hash_table_add(seen, (gpointer) link->name);
        if (up || !config) {
            all &= managed_observe(table, link->name, up ? config : def, up ? def : NULL);
            continue;
        }
        all &= managed_observe(table, link->name, config, NULL);
        xml_struct_free(&HOST_INTERFACE_DEF_DESC, def);
    }
    return all;
}

static gboolean observe_configs(ManagedTable *table, GHashTable *configs, GHashTable *seen)
{
    gboolean all = TRUE;
    GHashTableIter iter;
    gpointer def;
    g_hash_table_iter_init(&iter, configs);
    while (g_hash_table_iter_next(&iter, NULL, &def)) {
        g_autofree char *name = g_strdup(((HostInterfaceDef *) def)->name);
        g_hash_table_iter_steal(&iter);
        all &= managed_observe(table, name, def, NULL);
        g_hash_table_add(seen, g_steal_pointer(&name));
    }
    return all;
}

static gboolean forget_others(ManagedTable *table, GHashTable *seen, GHashTable *also_seen)
{
    g_autoptr(GPtrArray) known = managed_objects(table, 0, NULL, NULL);
    gboolean all = TRUE;
    for (guint i = 0; i < known->len; i++) {
        const char *name = MANAGED_NAME((Managed *) known->pdata[i]);
        if (!g_hash_table_contains(seen, name) && !g_hash_table_contains(also_seen, name))
            all &= managed_observe(table, name, NULL, NULL);
    }
    return all;
}

static void def_free(gpointer def) { xml_struct_free(&HOST_INTERFACE_DEF_DESC, def); }

static int look(ManagedTable *table)
{
    InterfaceNode *node = hostif_priv(table);
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&node->lock);
    gboolean files = host_files_changed(node->files);
    if (!netlink_watch_changed(node->watch) && !files && !node->stale)
        return 0;
    node->stale = TRUE;
    g_autoptr(LiveFacts) facts = live_facts_new(node->netlink);
    g_autoptr(GPtrArray) entries = facts ? host_files_read(node->root) : NULL;
    if (!entries)
        return -1;
    g_autoptr(GHashTable) configs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, def_free);
    for (guint i = 0; i < entries->len; i++) {
        HostInterfaceDef *def = g_steal_pointer(&((StyleEntry *) entries->pdata[i])->def);
        g_hash_table_insert(configs, def->name, def);
    }
    g_autoptr(GHashTable) links = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) others = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    gboolean all = observe_links(table, facts, configs, links);
    all &= observe_configs(table, configs, others);
    node->stale = !(forget_others(table, links, others) && all);
    return 0;
}

/* ---- what a definition must be ---- */

/* Files of all styles can hold these. */
static int check_name(const char *name)
{
    if (netlink_name_is_valid(name) && *name != '-' &&
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(name))
        return 0;
    return FAIL(VIR_ERR_XML_ERROR, "'%s' can't be the name of an interface: 1 to 15 letters, digits, '.', '_' and '-' are expected", name);
}

static int check_names(const HostInterfaceDef *def)
{
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter iter;
    gpointer name;
    guint expected = 1 + (def->bond ? def->bond->n_interfaces : 0) + (def->bridge ? def->bridge->n_interfaces : 0);
    saved_host_add_names(names, def);
    for (guint i = 0; def->bridge && i < def->bridge->n_interfaces; i++) {
        const HostBridgePort *port = def->bridge->interfaces[i];
        expected += port->bond ? port->bond->n_interfaces : 0;
        if (port->vlan && check_name(port->vlan->interface->name) < 0)
            return -1;
    }
    g_hash_table_iter_init(&iter, names);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        if (check_name(name) < 0)
            return -1;
    }
    if (def->vlan && check_name(def->vlan->interface->name) < 0)
        return -1;
    return g_hash_table_size(names) == expected ? 0
        : FAIL(VIR_ERR_XML_ERROR, "a device stands twice in the definition of interface '%s'", def->name);
}

static int check(ManagedTable *table, HostInterfaceDef *def, const HostInterfaceDef *old)
{
    for (guint i = 0; i < def->n_protocols; i++) {
        for (guint j = 0; j < def->protocols[i]->n_ips; j++) {
            if (!def->protocols[i]->ips[j]->prefix)
                return FAIL(VIR_ERR_XML_ERROR, "interface.protocol.ip@prefix: address %s of interface '%s' needs the length of its prefix",
                            def->protocols[i]->ips[j]->address, def->name);
        }
    }
    return check_names(def);
}

/* ---- doing ---- */

/* The bridge of a virtual network belongs to the network. */
static int check_not_a_networks(const HostInterfaceDef *def)
{
    ManagedTable *networks = node_get()->tables.networks;
    g_autoptr(GPtrArray) all = networks ? managed_objects(networks, MANAGED_LIST_ACTIVE, NULL, NULL) : g_ptr_array_new();
    for (guint i = 0; i < all->len; i++) {
        g_autoptr(ManagedState) state = managed_state(all->pdata[i]);
        const NetworkDef *net = state->live ? definition_get(state->live) : NULL;
        if (net && network_def_owns_bridge(net) && g_strcmp0(net->bridge.name, def->name) == 0)
            return FAIL(VIR_ERR_OPERATION_INVALID, "'%s' is the bridge of network '%s': 'virsh net-destroy %s' ends it", def->name,
                        net->name, net->name);
    }
    return 0;
}

/* The name alone, where there is no more to say. */
static int touch_name(InterfaceNode *node, const char *name)
{
    HostInterfaceDef def = { .name = (char *) name };
    return change_touch(node, &def);
}

static int keep(Managed *iface, const HostInterfaceDef *old, const HostInterfaceDef *config)
{
    InterfaceNode *node = hostif_priv(iface->table);
    g_auto(NodeJob) job = { NULL };
    if (node_job_begin(&job, node, __func__) < 0 || (config ? change_touch(node, config) : touch_name(node, MANAGED_NAME(iface))) < 0)
        return -1;
    return host_files_keep(node, MANAGED_NAME(iface), config);
}

static int start(Managed *iface, HostInterfaceDef *live)
{
    InterfaceNode *node = hostif_priv(iface->table);
    g_auto(NodeJob) job = { NULL };
    if (node_job_begin(&job, node, __func__) < 0 || change_touch(node, live) < 0)
        return -1;
    return activate_up(node, live);
}

static int stop(Managed *iface, const HostInterfaceDef *live)
{
    InterfaceNode *node = hostif_priv(iface->table);
    g_autoptr(ManagedState) state = managed_state(iface);
    g_auto(NodeJob) job = { NULL };
    if (node_job_begin(&job, node, __func__) < 0 || check_not_a_networks(live) < 0 || change_touch(node, live) < 0)
        return -1;
    /* what else is in a bridge now, a guest's card, isn't part of it */
    const HostInterfaceDef *config = state->config ? definition_get(state->config) : NULL;
    if (config && change_touch(node, config) < 0)
        return -1;
    return activate_down(node, config ? config : live, config != NULL);
}

const HostifBackend interface_node_backend = {
    .rules = MANAGED_UNDEFINE_ACTIVE,
    .check = check,
    .start = start,
    .stop = stop,
    .keep = keep,
    .look = look,
    .change_begin = change_begin,
    .change_commit = change_commit,
    .change_rollback = change_rollback,
};
