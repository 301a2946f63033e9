/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values for completion that come from the daemon. Nothing here reports errors: without a daemon there are none. */
#include <stdlib.h>

#include "tools/virt-admin/virt_admin.h"

static char **finish(GPtrArray *found)
{
    client_error_forget();
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, FALSE);
}

char **complete_server(Shell *shell, const Cmd *cmd, const char *word)
{
    virAdmConnectPtr conn = admin_quiet_conn(shell);
    GPtrArray *found = g_ptr_array_new();
    virAdmServerPtr *servers = NULL;
    int count = conn ? virAdmConnectListServers(conn, &servers, 0) : -1;

    for (int i = 0; i < count; i++) {
        g_ptr_array_add(found, g_strdup(virAdmServerGetName(servers[i])));
        virAdmServerFree(servers[i]);
    }
    free(servers);
    return finish(found);
}

char **complete_client(Shell *shell, const Cmd *cmd, const char *word)
{
    virAdmConnectPtr conn = admin_quiet_conn(shell);
    const char *name = cmd_get(cmd, "server");
    g_autoptr(virAdmServer) server = conn && name ? virAdmConnectLookupServer(conn, name, 0) : NULL;
    GPtrArray *found = g_ptr_array_new();
    virAdmClientPtr *clients = NULL;
    int count = server ? virAdmServerListClients(server, &clients, 0) : -1;

    for (int i = 0; i < count; i++) {
        g_ptr_array_add(found, g_strdup_printf("%llu", virAdmClientGetID(clients[i])));
        virAdmClientFree(clients[i]);
    }
    free(clients);
    return finish(found);
}
