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
#include "base/file.h"
#include "base/log.h"
#include "base/netlink.h"
#include "core/folders.h"
#include "core/node.h"
#include "core/node_driver.h"
#include "drivers/nwfilter/rules.h"
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
    gboolean fresh;      /* what is in the table is a former daemon's */
} NwfilterNode;

/* What an interface has. */
typedef struct Bound {
    NwfilterRemoval remove; /* commands that take away its rules */
    char *set;           /* of its learnt addresses, or NULL */
    Learner *learner;    /* who fills it, or NULL */
    guint8 uuid[16], mac[6]; /* whose addresses they are */
} Bound;

static NwfilterNode *state;

static void bound_free(void *opaque)
{
    Bound *bound = opaque;
    if (!bound)
        return;
    learner_free(bound->learner);
    g_free(bound->set);
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

static void write_set_removal(const Bound *bound, GString *commands)
{
    if (bound->set)
        g_string_append_printf(commands, "delete set " NWFILTER_TABLE " %s\n", bound->set);
}

/* What has been learnt stays if it is the same guest's, and is filled in the same way. */
static gboolean keeps_set(const Bound *old, const NwfilterUse *use, const NwfilterRules *rules)
{
    return g_strcmp0(old->set, rules->set) == 0 && memcmp(old->uuid, use->binding->owner.uuid, sizeof(old->uuid)) == 0 &&
           memcmp(old->mac, use->binding->mac, sizeof(old->mac)) == 0;
}

static Bound *bound_new(NwfilterNode *node, const NwfilterUse *use, NwfilterRules *rules)
{
    Learner *learner = NULL;
    if (rules->mode == LEARNING_DHCP && !(learner = learner_new(node->loop, node->pool, use->binding, rules->set)))
        return NULL;
    Bound *bound = g_new0(Bound, 1);
    bound->remove = nwfilter_removal_copy(&rules->remove);
    bound->set = g_strdup(rules->set);
    bound->learner = learner;
    memcpy(bound->uuid, use->binding->owner.uuid, sizeof(bound->uuid));
    memcpy(bound->mac, use->binding->mac, sizeof(bound->mac));
    return bound;
}

/* All in one transaction. @learnt: elements of sets that a former daemon has left. */
static int apply(NwfilterNode *node, const NwfilterUse *uses, NwfilterRules *made, guint n, GHashTable *learnt)
{
    g_autofree char *what = n == 1 ? g_strdup_printf("put filter '%s' in force on interface '%s'", uses[0].binding->filterref.filter,
                                                      uses[0].binding->portdev)
                                   : g_strdup_printf("put filters in force on %u interfaces", n);
    g_autoptr(GPtrArray) bounds = g_ptr_array_new_with_free_func(bound_free);
    g_autoptr(GString) commands = g_string_new(node->fresh ? WIPE : NULL);
    gboolean connections = FALSE;
    g_string_append(commands, nwfilter_rules_base);
    for (guint i = 0; i < n; i++) {
        const Bound *old = node->fresh ? NULL : g_hash_table_lookup(node->bound, uses[i].binding->portdev);
        const char *elements = learnt && made[i].set ? g_hash_table_lookup(learnt, made[i].set) : NULL;
        Bound *bound = bound_new(node, &uses[i], &made[i]);
        if (!bound)
            return -1;
        g_ptr_array_add(bounds, bound);
        if (old)
            nwfilter_removal_write_changed(&old->remove, &made[i].remove, TRUE, commands);
        if (old && !keeps_set(old, &uses[i], &made[i]))
            write_set_removal(old, commands);
        g_string_append(commands, made[i].text);
        if (old)
            nwfilter_removal_write_changed(&old->remove, &made[i].remove, FALSE, commands);
        if (elements)
            g_string_append_printf(commands, "add element " NWFILTER_TABLE " %s { %s }\n", made[i].set, elements);
        connections = connections || made[i].connections;
    }
    if (firewall_run(commands->str, what) < 0)
        return explain(connections);
    for (guint i = 0; i < n; i++)
        g_hash_table_insert(node->bound, g_strdup(uses[i].binding->portdev), g_steal_pointer(&bounds->pdata[i]));
    node->fresh = FALSE;
    return 0;
}

/* When not all can be had: everybody is cut off, and then each gets what is possible for it. */
static int apply_what_goes(NwfilterNode *node, const NwfilterUse *uses, NwfilterRules *made, guint n, GHashTable *learnt)
{
    g_autofree NwfilterRules *blocks = g_new0(NwfilterRules, n);
    LOG_ERROR("%s", error_message());
    for (guint i = 0; i < n; i++)
        nwfilter_rules_block(uses[i].binding, &blocks[i]);
    int rc = apply(node, uses, blocks, n, NULL);
    for (guint i = 0; i < n; i++) {
        if (rc == 0 && apply(node, &uses[i], &made[i], 1, learnt) < 0)
            cut_off(&uses[i], &made[i]); /* as it is already */
        nwfilter_rules_clear(&blocks[i]);
    }
    return rc;
}

static int enforce(NwfilterHost *host, const NwfilterUse *uses, guint n, gboolean anyhow)
{
    NwfilterNode *node = nwfilter_host_priv(host);
    g_autofree NwfilterRules *made = g_new0(NwfilterRules, n);
    g_autoptr(GHashTable) learnt = NULL;
    gboolean learns = FALSE;
    int rc = 0;
    for (guint i = 0; i < n && rc == 0; i++) {
        rc = uses[i].n_filters ? make_rules(&uses[i], &made[i]) : -1;
        if (rc < 0 && anyhow) {
            cut_off(&uses[i], &made[i]);
            rc = 0;
        }
        learns = learns || made[i].set;
    }
    if (rc == 0 && learns && node->fresh)
        learnt = learning_elements("bridge", "libvirt_nwfilter");
    if (rc == 0)
        rc = apply(node, uses, made, n, learnt);
    if (rc < 0 && anyhow)
        rc = apply_what_goes(node, uses, made, n, learnt);
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
        write_set_removal(bound, commands);
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
