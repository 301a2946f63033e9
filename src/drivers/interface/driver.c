/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The driver of the host's interfaces: started once by the process that owns state, before the hypervisors' drivers, whose
 * connections share what it has (core/node.h).
 */
#define ERROR_DOMAIN VIR_FROM_INTERFACE
#define LOG_SOURCE "interface.driver"
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "core/folders.h"
#include "core/node.h"
#include "core/node_driver.h"
#include "drivers/interface/interface_driver.h"
#include "hostif/functions.h"

/* Called by driver_module_load(). */
void interface_driver_register(void);

static InterfaceNode *state;

static void node_free(InterfaceNode *node)
{
    if (!node)
        return;
    hostif_host_free(node->host);
    netlink_watch_free(node->watch);
    netlink_close(node->netlink);
    host_files_free(node->files);
    g_mutex_clear(&node->lock);
    job_queue_clear(&node->jobs);
    g_free(node->state);
    g_free(node->lib);
    g_free(node->root);
    g_free(node);
}

static InterfaceNode *node_new(const StateContext *ctx)
{
    InterfaceNode *node = g_new0(InterfaceNode, 1);
    node->privileged = ctx->privileged;
    node->root = g_strdup(ctx->root);
    node->stale = TRUE;
    g_mutex_init(&node->lock);
    job_queue_init(&node->jobs);
    node->files = host_files_new(ctx->root);
    node->state = folder_of(FOLDER_STATE, ctx->root, ctx->privileged, "interface");
    node->lib = folder_of(FOLDER_LIB, ctx->root, ctx->privileged, "interface");
    node->host = hostif_host_new(&interface_node_backend, node, node_get()->bus);
    node->netlink = netlink_open();
    node->watch = node->netlink ? netlink_watch_new() : NULL;
    if (node->watch)
        return node;
    node_free(node);
    return NULL;
}

static int state_start(const StateContext *ctx)
{
    state = node_new(ctx);
    if (!state)
        return -1;
    if (ctx->privileged) {
        if (file_mkdirs(state->state, 0700, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0 ||
            file_mkdirs(state->lib, 0700, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0) {
            g_clear_pointer(&state, node_free);
            return -1;
        }
        host_files_mend(state);
        change_mend(state);
        activate_mend(state);
    }
    node_get()->tables.interfaces = hostif_host_table(state->host);
    return 0;
}

static void state_stop(void)
{
    node_get()->tables.interfaces = NULL;
    g_clear_pointer(&state, node_free);
}

void interface_driver_register(void)
{
    static const NodeDriver driver = {
        .name = "interface", .type = "Interface", .error_domain = VIR_FROM_INTERFACE, .start = state_start, .stop = state_stop,
    };
    node_get()->interface = &hostif_functions;
    node_driver_register(&driver);
}
