/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The driver of network filters: started once by the process that owns state, before the hypervisors' drivers, whose connections share
 * what it has (core/node.h).
 *
 * Which filter is in force where is kept in files; the rules are made of that. A daemon that starts makes them all anew, in one
 * transaction that takes away what there was: whatever a former daemon was doing when it was killed, no rule is too many or missing.
 */
#define ERROR_DOMAIN VIR_FROM_NWFILTER
#define LOG_SOURCE "nwfilter.driver"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "base/netlink.h"
#include "core/folders.h"
#include "core/node.h"
#include "core/node_driver.h"
#include "drivers/nwfilter/rules.h"
#include "firewall/firewall.h"
#include "nwfilter/functions.h"

/* Called by driver_module_load(). */
void nwfilter_driver_register(void);

#define WIPE "add table " NWFILTER_TABLE "\ndelete table " NWFILTER_TABLE "\n"

typedef struct NwfilterNode {
    NwfilterHost *host;
    GHashTable *bound;   /* what takes away an interface's rules, by its name; used with the host's change only */
    gboolean fresh;      /* what is in the table is a former daemon's */
} NwfilterNode;

static NwfilterNode *state;

/* ---- backend ---- */

/* What the kernel lacks is not told by its answer. */
static int explain(gboolean connections)
{
    if (connections && strstr(error_message(), "Protocol error"))
        error_context("the kernel can't follow connections in bridges, which rules with states or numbers of connections need ('modprobe "
                      "nf_conntrack_bridge')");
    return -1;
}

static int bind(NwfilterHost *host, const NwfilterUse *uses, guint n)
{
    NwfilterNode *node = nwfilter_host_priv(host);
    g_autoptr(GString) commands = g_string_new(node->fresh ? WIPE : NULL);
    g_autofree NwfilterRules *made = g_new0(NwfilterRules, n);
    g_autofree char *what = n == 1 ? g_strdup_printf("put filter '%s' in force on interface '%s'", uses[0].binding->filterref.filter,
                                                      uses[0].binding->portdev)
                                   : g_strdup_printf("put filters in force on %u interfaces", n);
    gboolean connections = FALSE;
    int rc = 0;
    g_string_append(commands, nwfilter_rules_base);
    for (guint i = 0; i < n && rc == 0; i++) {
        const char *name = uses[i].binding->portdev, *old = g_hash_table_lookup(node->bound, name);
        if (!netlink_name_is_valid(name) || strpbrk(name, "\"*\\"))
            rc = FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' can't have a filter: nftables has no way to write its name", name);
        else
            rc = nwfilter_rules_make(uses[i].binding, uses[i].filters, uses[i].n_filters, &made[i]);
        if (rc < 0)
            break;
        g_string_append_printf(commands, "%s%s", old ? old : "", made[i].text);
        connections = connections || made[i].connections;
    }
    if (rc == 0 && firewall_run(commands->str, what) < 0)
        rc = explain(connections);
    for (guint i = 0; i < n; i++) {
        if (rc == 0)
            g_hash_table_insert(node->bound, g_strdup(uses[i].binding->portdev), g_steal_pointer(&made[i].remove));
        nwfilter_rules_clear(&made[i]);
    }
    if (rc == 0)
        node->fresh = FALSE;
    return rc;
}

static int unbind(NwfilterHost *host, const NwfilterBindingDef *binding)
{
    NwfilterNode *node = nwfilter_host_priv(host);
    const char *remove = g_hash_table_lookup(node->bound, binding->portdev);
    if (!remove)
        return 0; /* of a run that was cut short: nothing of it outlives the start of the daemon */
    g_autofree char *what = g_strdup_printf("take the filter off interface '%s'", binding->portdev);
    gboolean last = g_hash_table_size(node->bound) == 1;
    if (firewall_run(last ? WIPE : remove, what) < 0) {
        /* somebody may have flushed the host's firewall: then it is gone as well */
        g_autofree char *list = firewall_list("list table " NWFILTER_TABLE, what);
        if (list)
            return -1;
        virResetLastError();
    }
    g_hash_table_remove(node->bound, binding->portdev);
    return 0;
}

static const NwfilterBackend backend = { .bind = bind, .unbind = unbind };

/* ---- life ---- */

static void node_free(NwfilterNode *node)
{
    if (!node)
        return;
    nwfilter_host_free(node->host);
    g_hash_table_unref(node->bound);
    g_free(node);
}

static void load(NwfilterNode *node)
{
    g_autofree char *table = NULL;
    if (nwfilter_host_load(node->host) < 0)
        LOG_ERROR("filters of interfaces are as the former daemon has left them: %s", error_message());
    virResetLastError();
    if (!node->fresh)
        return;
    table = firewall_list("list table " NWFILTER_TABLE, "look for filters of interfaces");
    virResetLastError();
    if (table && managed_count(nwfilter_host_bindings(node->host), MANAGED_LIST_ACTIVE) == 0 &&
        firewall_run(WIPE, "take away filters of interfaces that are gone") < 0)
        LOG_ERROR("%s", error_message());
    virResetLastError();
}

static int state_start(const StateContext *ctx)
{
    if (!ctx->privileged)
        return 0; /* users have no firewall */
    g_autofree char *config = folder_of(FOLDER_CONFIG, ctx->root, TRUE, "nwfilter");
    g_autofree char *run = folder_of(FOLDER_STATE, ctx->root, TRUE, "nwfilter-binding");
    NwfilterNode *node = g_new0(NwfilterNode, 1);
    node->fresh = TRUE;
    node->bound = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    node->host = nwfilter_host_new(&backend, node, node_get()->bus);
    if (managed_table_keep(nwfilter_host_filters(node->host), config, NULL) < 0 ||
        managed_table_keep(nwfilter_host_bindings(node->host), NULL, run) < 0) {
        node_free(node);
        return -1;
    }
    state = node;
    load(node);
    node_get()->tables.nwfilters = nwfilter_host_filters(node->host);
    node_get()->tables.nwfilter_bindings = nwfilter_host_bindings(node->host);
    return 0;
}

static void state_stop(void)
{
    node_get()->tables.nwfilters = node_get()->tables.nwfilter_bindings = NULL;
    g_clear_pointer(&state, node_free);
}

void nwfilter_driver_register(void)
{
    static const NodeDriver driver = { .name = "nwfilter", .error_domain = VIR_FROM_NWFILTER, .start = state_start, .stop = state_stop };
    node_get()->nwfilter = &nwfilter_functions;
    node_driver_register(&driver);
}
