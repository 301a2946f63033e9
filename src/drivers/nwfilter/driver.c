/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The driver of network filters: started once by the process that owns state, before the hypervisors' drivers, whose connections share
 * what it has (core/node.h).
 *
 * Which filter is in force where is kept in files; the rules are made of that. A daemon that starts compares them with what stands in the
 * kernel, and changes in one transaction what differs, and only that: whatever a former daemon was doing when it was killed, no rule is too
 * many or missing, and no frame meets rules that are being exchanged for the same.
 */
#define ERROR_DOMAIN VIR_FROM_NWFILTER
#define LOG_SOURCE "nwfilter.driver"
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/netlink.h"
#include "core/folders.h"
#include "core/node.h"
#include "core/node_driver.h"
#include "drivers/nwfilter/standing.h"
#include "firewall/firewall.h"
#include "firewall/watch.h"
#include "nwfilter/functions.h"

/* Called by driver_module_load(). */
void nwfilter_driver_register(void);

#define WIPE "add table " NWFILTER_TABLE "\ndelete table " NWFILTER_TABLE "\n"
#define DRAIN_MS 10000
#define MAX_NOTES 100000

typedef struct NwfilterNode {
    NwfilterHost *host;
    Loop *loop;
    Pool *pool;
    FirewallWatch *watch;
    GHashTable *bound;   /* Bound by the interface's name; used with the host's change only */
    gboolean fresh;      /* what is in the table is a former daemon's, or nobody's */
} NwfilterNode;

/* What an interface has. */
typedef struct Bound {
    NwfilterRemoval remove; /* commands that take away its rules */
    char *set;           /* of its learnt addresses, or NULL */
    char *stamp;         /* whose they are, and which rules it has */
    Learner *learner;    /* who fills the set, or NULL */
} Bound;

static NwfilterNode *state;

static void bound_free(void *opaque)
{
    Bound *bound = opaque;
    if (!bound)
        return;
    learner_free(bound->learner);
    g_free(bound->set);
    g_free(bound->stamp);
    nwfilter_removal_clear(&bound->remove);
    g_free(bound);
}

/* ---- backend ---- */

/* What the kernel lacks is not told by its answer. */
static int explain(gboolean connections)
{
    if (connections && strstr(error_message(), "Protocol error"))
        error_context("the kernel can't follow connections in bridges, which rules with states or numbers of connections need ('modprobe "
                      "nf_conntrack_bridge')");
    return -1;
}

static int make_rules(const NwfilterUse *use, NwfilterRules *rules)
{
    const char *name = use->binding->portdev;
    if (!netlink_name_is_valid(name) || strpbrk(name, "\"*\\"))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' can't have a filter: nftables has no way to write its name", name);
    return nwfilter_rules_make(use->binding, use->filters, use->n_filters, rules);
}

/* One that can't have its filter: nothing passes. */
static void cut_off(const NwfilterUse *use, NwfilterRules *rules)
{
    LOG_ERROR("interface '%s' is cut off until its filter '%s' can be had ('virsh nwfilter-define', 'virsh nwfilter-binding-delete'): %s",
              use->binding->portdev, use->binding->filterref.filter, virGetLastErrorCode() ? error_message() : "it is missing");
    virResetLastError();
    nwfilter_rules_block(use->binding, rules);
}

/* What has been learnt stays if it is the same guest's, and is filled in the same way. */
static gboolean keeps_set(const char *set, const char *stamp, const NwfilterRules *rules)
{
    return g_strcmp0(set, rules->set) == 0 && stamp && nwfilter_stamp_is_of_same(stamp, rules->stamp);
}

static Bound *bound_new(NwfilterNode *node, const NwfilterUse *use, NwfilterRules *rules)
{
    Learner *learner = NULL;
    if (rules->mode == LEARNING_DHCP && !(learner = learner_new(node->loop, node->pool, use->binding, rules->set)))
        return NULL;
    Bound *bound = g_new0(Bound, 1);
    bound->remove = nwfilter_removal_copy(&rules->remove);
    bound->set = g_strdup(rules->set);
    bound->stamp = g_strdup(rules->stamp);
    bound->learner = learner;
    return bound;
}

/* A change of the table. */
typedef struct Change {
    GHashTable *standing;  /* NwfilterStanding that a former daemon has left; NULL: what we know is there */
    GString *commands;
    gboolean connections;
} Change;

static void write_set_removal(const char *set, GString *commands)
{
    if (set)
        g_string_append_printf(commands, "delete set " NWFILTER_TABLE " %s\n", set);
}

/* What brings an interface from what it has to @made: nothing, if that is the same. */
static void write_one(NwfilterNode *node, Change *change, const char *portdev, const NwfilterRules *made)
{
    const Bound *bound = change->standing ? NULL : g_hash_table_lookup(node->bound, portdev);
    const NwfilterStanding *standing = change->standing ? g_hash_table_lookup(change->standing, portdev) : NULL;
    const NwfilterRemoval *remove = bound ? &bound->remove : standing ? &standing->remove : NULL;
    const char *set = bound ? bound->set : standing ? standing->set : NULL, *stamp = bound ? bound->stamp : standing ? standing->stamp : NULL;
    if (standing ? nwfilter_standing_is(standing, made) : g_strcmp0(stamp, made->stamp) == 0)
        return;
    if (remove)
        nwfilter_removal_write_changed(remove, &made->remove, TRUE, change->commands);
    if (!keeps_set(set, stamp, made))
        write_set_removal(set, change->commands);
    g_string_append(change->commands, made->text);
    if (remove)
        nwfilter_removal_write_changed(remove, &made->remove, FALSE, change->commands);
    change->connections = change->connections || made->connections;
}

/* What a former daemon has left for interfaces that have no filter now. */
static void write_leftovers(Change *change, const NwfilterUse *uses, guint n)
{
    GHashTableIter iter;
    gpointer name, value;
    for (guint i = 0; i < n && change->standing; i++)
        g_hash_table_remove(change->standing, uses[i].binding->portdev);
    if (!change->standing)
        return;
    g_hash_table_iter_init(&iter, change->standing);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
        const NwfilterStanding *standing = value;
        nwfilter_removal_write(&standing->remove, change->commands);
        write_set_removal(standing->set, change->commands);
    }
}

/* All in one transaction, of what differs. */
static int apply(NwfilterNode *node, const NwfilterUse *uses, NwfilterRules *made, guint n)
{
    g_autofree char *what = n == 1 ? g_strdup_printf("put filter '%s' in force on interface '%s'", uses[0].binding->filterref.filter,
                                                      uses[0].binding->portdev)
                                   : g_strdup_printf("put filters in force on %u interfaces", n);
    g_autoptr(GPtrArray) bounds = g_ptr_array_new_with_free_func(bound_free);
    g_autoptr(GHashTable) standing = node->fresh ? nwfilter_standing_read() : NULL;
    g_autoptr(GString) commands = g_string_new(NULL);
    Change change = { standing, commands, FALSE };
    if (node->fresh && !standing)
        g_string_append(commands, WIPE);
    if (!standing)
        g_string_append(commands, nwfilter_rules_base);
    gsize nothing = node->fresh && !standing ? 0 : commands->len;
    for (guint i = 0; i < n; i++) {
        Bound *bound = bound_new(node, &uses[i], &made[i]);
        if (!bound)
            return -1;
        g_ptr_array_add(bounds, bound);
        write_one(node, &change, uses[i].binding->portdev, &made[i]);
    }
    write_leftovers(&change, uses, n);
    if (commands->len > nothing && firewall_run(commands->str, what) < 0)
        return explain(change.connections);
    for (guint i = 0; i < n; i++)
        g_hash_table_insert(node->bound, g_strdup(uses[i].binding->portdev), g_steal_pointer(&bounds->pdata[i]));
    node->fresh = FALSE;
    return 0;
}

/* When not all can be had: everybody is cut off, and then each gets what is possible for it. */
static int apply_what_goes(NwfilterNode *node, const NwfilterUse *uses, NwfilterRules *made, guint n)
{
    g_autofree NwfilterRules *blocks = g_new0(NwfilterRules, n);
    LOG_ERROR("%s", error_message());
    for (guint i = 0; i < n; i++)
        nwfilter_rules_block(uses[i].binding, &blocks[i]);
    int rc = apply(node, uses, blocks, n);
    for (guint i = 0; i < n; i++) {
        if (rc == 0 && apply(node, &uses[i], &made[i], 1) < 0)
            cut_off(&uses[i], &made[i]); /* as it is already */
        nwfilter_rules_clear(&blocks[i]);
    }
    return rc;
}

static int enforce(NwfilterHost *host, const NwfilterUse *uses, guint n, gboolean anyhow)
{
    NwfilterNode *node = nwfilter_host_priv(host);
    g_autofree NwfilterRules *made = g_new0(NwfilterRules, n);
    int rc = 0;
    for (guint i = 0; i < n && rc == 0; i++) {
        rc = uses[i].n_filters ? make_rules(&uses[i], &made[i]) : -1;
        if (rc < 0 && anyhow) {
            cut_off(&uses[i], &made[i]);
            rc = 0;
        }
    }
    if (rc == 0)
        rc = apply(node, uses, made, n);
    if (rc < 0 && anyhow)
        rc = apply_what_goes(node, uses, made, n);
    for (guint i = 0; i < n; i++)
        nwfilter_rules_clear(&made[i]);
    return rc;
}

static gboolean table_is_there(void)
{
    g_autofree char *list = firewall_list("list chain " NWFILTER_TABLE " from", "look for filters of interfaces");
    virResetLastError();
    return list != NULL;
}

static int lift(NwfilterHost *host, const NwfilterBindingDef *binding)
{
    NwfilterNode *node = nwfilter_host_priv(host);
    const Bound *bound = g_hash_table_lookup(node->bound, binding->portdev);
    if (!bound)
        return 0; /* of a run that was cut short: nothing of it outlives the start of the daemon */
    g_autofree char *what = g_strdup_printf("take the filter off interface '%s'", binding->portdev);
    g_autoptr(GString) commands = g_string_new(g_hash_table_size(node->bound) == 1 ? WIPE : NULL);
    if (!commands->len) {
        nwfilter_removal_write(&bound->remove, commands);
        write_set_removal(bound->set, commands);
    }
    if (firewall_run(commands->str, what) < 0) {
        virErrorPtr error = error_save();
        gboolean there = table_is_there();
        error_restore(error);
        if (there)
            return -1;
        virResetLastError(); /* somebody has flushed the host's firewall: it is gone as well */
    }
    g_hash_table_remove(node->bound, binding->portdev);
    return 0;
}

static gboolean lost(NwfilterHost *host)
{
    NwfilterNode *node = nwfilter_host_priv(host);
    if (g_hash_table_size(node->bound) == 0 || table_is_there())
        return FALSE;
    LOG_WARN("somebody has taken away the filters of interfaces: they are put back");
    g_hash_table_remove_all(node->bound);
    node->fresh = TRUE;
    return TRUE;
}

static const NwfilterBackend backend = { .bind = enforce, .unbind = lift, .lost = lost };

/* ---- life ---- */

static void node_free(NwfilterNode *node)
{
    if (!node)
        return;
    nwfilter_host_free(node->host);
    g_hash_table_unref(node->bound);
    g_free(node);
}

/* Somebody has changed the firewall: without our table every guest could do as it likes. [worker] */
static void look(void *opaque)
{
    if (nwfilter_host_renew(((NwfilterNode *) opaque)->host) < 0)
        LOG_ERROR("%s", error_message());
    virResetLastError();
}

/* Whether a former daemon has left notes about bindings, and so perhaps rules, readable or not. */
static gboolean has_notes(const char *folder)
{
    g_auto(GStrv) files = file_list_dir(folder, MAX_NOTES);
    gboolean found = FALSE;
    for (char **file = files; file && *file && !found; file++)
        found = g_str_has_suffix(*file, ".xml");
    return found;
}

static void load(NwfilterNode *node, const char *run)
{
    gboolean notes = has_notes(run);
    if (nwfilter_host_load(node->host) < 0)
        LOG_ERROR("filters of interfaces are as the former daemon has left them: %s", error_message());
    else if (notes && node->fresh && firewall_run(WIPE, "take away filters of interfaces that are gone") < 0)
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
    node->bound = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, bound_free);
    node->loop = ctx->loop;
    node->pool = ctx->pool;
    node->host = nwfilter_host_new(&backend, node, node_get()->bus);
    if (managed_table_keep(nwfilter_host_filters(node->host), config, NULL) < 0 ||
        managed_table_keep(nwfilter_host_bindings(node->host), NULL, run) < 0) {
        node_free(node);
        return -1;
    }
    state = node;
    load(node, run);
    if (!(node->watch = firewall_watch_new(ctx->loop, ctx->pool, look, node)))
        LOG_WARN("filters of interfaces that somebody takes away are not put back: %s", error_message());
    virResetLastError();
    node_get()->tables.nwfilters = nwfilter_host_filters(node->host);
    node_get()->tables.nwfilter_bindings = nwfilter_host_bindings(node->host);
    return 0;
}

static void state_stop(void)
{
    node_get()->tables.nwfilters = node_get()->tables.nwfilter_bindings = NULL;
    if (!state)
        return;
    firewall_watch_free(g_steal_pointer(&state->watch));
    /* what was due then */
    if (!pool_drain(state->pool, DRAIN_MS))
        LOG_ERROR("work on filters is still under way after %d s", DRAIN_MS / 1000);
    g_clear_pointer(&state, node_free);
}

void nwfilter_driver_register(void)
{
    static const NodeDriver driver = { .name = "nwfilter", .error_domain = VIR_FROM_NWFILTER, .start = state_start, .stop = state_stop };
    node_get()->nwfilter = &nwfilter_functions;
    node_driver_register(&driver);
}
