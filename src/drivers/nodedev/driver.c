/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The driver of the host's devices: started once by the process that owns state, before the hypervisors' drivers, whose connections
 * share what it has (core/node.h).
 */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#define LOG_SOURCE "nodedev.driver"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "core/node.h"
#include "core/node_driver.h"
#include "drivers/nodedev/nodedev_driver.h"
#include "nodedev/functions.h"

/* Called by driver_module_load(). */
void nodedev_driver_register(void);

/* Longest wait for work under way when the driver stops. */
#define DRAIN_MS 20000

static NodedevNode *state;

static void node_free(NodedevNode *node)
{
    if (!node)
        return;
    nodedev_watch_free(node->watch);
    nodedev_host_free(node->host);
    g_free(node);
}

static int state_start(const StateContext *ctx)
{
    NodedevNode *node = g_new0(NodedevNode, 1);
    node->loop = ctx->loop;
    node->pool = ctx->pool;
    node->privileged = ctx->privileged;
    node->host = nodedev_host_new(&nodedev_node_backend, node, node_get()->bus);
    node->watch = nodedev_watch_new(node);
    if (!node->watch) {
        node_free(node);
        return -1;
    }
    state = node;
    node_get()->tables.nodedevs = nodedev_host_devices(node->host);
    return 0;
}

static void state_stop(void)
{
    node_get()->tables.nodedevs = NULL;
    if (!state)
        return;
    nodedev_watch_stop(state->watch);
    if (!pool_drain(state->pool, DRAIN_MS))
        LOG_ERROR("devices are still read after %d s", DRAIN_MS / 1000);
    g_clear_pointer(&state, node_free);
}

void nodedev_driver_register(void)
{
    static const NodeDriver driver = {
        .name = "nodedev", .error_domain = VIR_FROM_NODEDEV, .start = state_start, .stop = state_stop,
    };
    node_get()->nodedev = &nodedev_functions;
    node_driver_register(&driver);
}
