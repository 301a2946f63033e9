/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The hook "network": what it is told.
 */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#include "core/hooks.h"
#include "drivers/network/network_driver.h"

#define HOOK "network"

/* Both documents in one; caller frees. */
static char *input_of(const NetworkDef *net, const NetworkPortDef *port)
{
    g_autofree char *about_net = xml_format(NETWORK_ROOT.desc, net, NETWORK_ROOT.name, NETWORK_ROOT.ns, 1, 0);
    g_autofree char *about_port = port ? xml_format(NETWORK_PORT_ROOT.desc, port, NETWORK_PORT_ROOT.name, NETWORK_PORT_ROOT.ns, 1, 0) : NULL;
    return g_strdup_printf("<hookData>\n%s%s</hookData>\n", about_net, about_port ? about_port : "");
}

int network_hook(const NetworkNode *node, const NetworkDef *net, const NetworkPortDef *port, const char *operation, const char *sub)
{
    if (!hooks_exist(node->hooks, HOOK))
        return 0;
    g_autofree char *input = input_of(net, port);
    return hooks_run(node->hooks, HOOK, &(HookCall) { net->name, operation, sub, NULL }, input);
}

void network_hook_tell(const NetworkNode *node, const NetworkDef *net, const NetworkPortDef *port, const char *operation, const char *sub)
{
    if (!hooks_exist(node->hooks, HOOK))
        return;
    g_autofree char *input = input_of(net, port);
    hooks_tell(node->hooks, HOOK, &(HookCall) { net->name, operation, sub, NULL }, input);
}
