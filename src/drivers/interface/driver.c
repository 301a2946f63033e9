/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The driver of the host's interfaces: started once by the process that owns state, before the hypervisors' drivers, whose
 * connections share what it has (core/node.h). Connections to interface:///system and interface:///session have no guests.
 */
#define ERROR_DOMAIN VIR_FROM_INTERFACE
#define LOG_SOURCE "interface.driver"
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "core/driver.h"
#include "core/folders.h"
#include "core/node.h"
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

static OpenResult interface_open(virConnectPtr conn, virConnectAuthPtr auth)
{
    const char *ours = state && state->privileged ? "/system" : "/session";
    if (!state)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the interface driver is not active");
    if (strcmp(conn->uri->path, ours) != 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "unexpected interface URI path '%s', try interface://%s", conn->uri->path, ours);
    return OPEN_OK;
}

static void interface_close(virConnectPtr conn)
{
}

static char *get_hostname(virConnectPtr conn)
{
    return g_strdup(g_get_host_name());
}

static int yes(virConnectPtr conn)
{
    return 1;
}

static int no(virConnectPtr conn)
{
    return 0;
}

void interface_driver_register(void)
{
    static const char *const schemes[] = { "interface", NULL };
    static HypervisorDriver hypervisor;
    static const ConnectDriver driver = {
        .name = "Interface", .error_domain = VIR_FROM_INTERFACE, .schemes = schemes, .node = TRUE, .local = TRUE, .open = interface_open,
        .close = interface_close, .hypervisor = &hypervisor,
    };
    static const StateDriver state_driver = { .name = "interface", .start = state_start, .stop = state_stop };
    hypervisor.connect_get_hostname = get_hostname;
    hypervisor.connect_is_alive = yes;
    hypervisor.connect_is_secure = yes;
    hypervisor.connect_is_encrypted = no;
    node_get()->interface = &hostif_functions;
    state_driver_register(&state_driver);
    driver_register(&driver);
}
