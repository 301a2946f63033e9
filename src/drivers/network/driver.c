/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The driver of virtual networks: started once by the process that owns state, before the hypervisors' drivers, whose
 * connections share what it has (core/node.h).
 */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#define LOG_SOURCE "network.driver"
#include <string.h>
#include "base/conf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "bus/bus.h"
#include "config/network.h"
#include "core/folders.h"
#include "core/node.h"
#include "core/node_driver.h"
#include "drivers/network/forwards.h"
#include "drivers/network/iptables.h"
#include "drivers/network/network_driver.h"
#include "drivers/network/subnet.h"
#include "network/functions.h"

/* Called by driver_module_load(). */
void network_driver_register(void);

/* Longest wait for work under way when the driver stops. */
#define DRAIN_MS 20000

static NetworkNode *state;

static void node_free(NetworkNode *node)
{
    if (!node)
        return;
    network_host_free(node->host);
    g_hash_table_unref(node->services);
    g_hash_table_unref(node->claims);
    g_mutex_clear(&node->lock);
    g_free(node->state);
    g_free(node->lib);
    g_free(node->hooks);
    g_free(node);
}

static NetworkNode *node_new(const StateContext *ctx)
{
    NetworkNode *node = g_new0(NetworkNode, 1);
    node->loop = ctx->loop;
    node->pool = ctx->pool;
    node->privileged = ctx->privileged;
    node->services = service_table_new();
    node->claims = bridge_claims_new();
    g_mutex_init(&node->lock);
    node->state = folder_of(FOLDER_STATE, ctx->root, ctx->privileged, "network");
    node->hooks = folder_of(FOLDER_CONFIG, ctx->root, ctx->privileged, "hooks");
    node->lib = folder_of(FOLDER_LIB, ctx->root, ctx->privileged, "dnsmasq");
    node->host = network_host_new(&network_node_backend, node, node_get()->bus);
    return node;
}

static void log_problems(const ConfReport *report)
{
    for (guint i = 0; report->problems && i < report->problems->len; i++) {
        const ConfProblem *problem = report->problems->pdata[i];
        if (problem->error)
            LOG_ERROR("%s", problem->text);
        else
            LOG_WARN("%s", problem->text);
    }
}

/* network.conf, and what of it a former daemon had otherwise. */
static int configure(NetworkNode *node, const StateContext *ctx)
{
    g_autofree char *path = folder_of(FOLDER_CONFIG, ctx->root, ctx->privileged, "network.conf");
    g_autofree char *note = g_build_filename(node->state, "firewall", NULL);
    g_autofree char *former = NULL;
    g_auto(ConfReport) report = { 0 };
    NetworkConf conf = { 0 };
    size_t len;
    int rc = conf_load(&network_conf_schema, path, true, &conf, &report);
    log_problems(&report);
    if (rc == 0)
        iptables_choose(conf.firewall_backend);
    conf_clear(&network_conf_schema, &conf);
    if (rc < 0 || !ctx->privileged)
        return rc;
    const char *now = iptables_is_used() ? "iptables" : "nftables";
    if (file_mkdirs(node->state, 0755, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0 || file_read_optional(note, 64, &former, &len) < 0)
        return -1;
    node->other_backend = strcmp(former ? former : "nftables", now) != 0;
    return node->other_backend ? file_replace_quickly(note, now, strlen(now), 0644) : 0;
}

static int state_start(const StateContext *ctx)
{
    g_autofree char *config = folder_of(FOLDER_CONFIG, ctx->root, ctx->privileged, "qemu/networks");
    NetworkNode *node = node_new(ctx);
    ManagedTable *table = network_host_table(node->host);
    if (configure(node, ctx) < 0 || managed_table_keep(table, config, node->state) < 0 ||
        file_mkdirs(node->lib, 0755, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0) {
        node_free(node);
        return -1;
    }
    node->macs = macs_writer_new(node);
    state = node;
    network_host_load(node->host);
    if (ctx->privileged)
        subnet_settle_all(node->host);
    managed_table_autostart(table);
    if (ctx->privileged && !(node->firewall = rules_watch(node)))
        LOG_WARN("rules that somebody takes away are not put back: %s", error_message());
    if (ctx->privileged && !(node->forwards = forwards_watch_new(node)))
        LOG_WARN("ports that lead to guests don't follow their addresses: %s", error_message());
    virResetLastError();
    node_get()->tables.networks = table;
    return 0;
}

static void state_stop(void)
{
    node_get()->tables.networks = NULL;
    if (!state)
        return;
    firewall_watch_free(g_steal_pointer(&state->firewall));
    forwards_watch_free(g_steal_pointer(&state->forwards));
    service_detach_all(state);
    macs_writer_free(g_steal_pointer(&state->macs));
    /* what was due then */
    if (!pool_drain(state->pool, DRAIN_MS))
        LOG_ERROR("work on networks is still under way after %d s", DRAIN_MS / 1000);
    bus_disconnect();
    g_clear_pointer(&state, node_free);
}

static gboolean state_busy(void)
{
    return state && managed_table_busy(network_host_table(state->host));
}

void network_driver_register(void)
{
    static const NodeDriver driver = {
        .name = "network", .error_domain = VIR_FROM_NETWORK, .start = state_start, .stop = state_stop, .busy = state_busy,
    };
    node_get()->network = &network_functions;
    node_driver_register(&driver);
}
