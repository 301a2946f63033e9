/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands about a server of the daemon: its workers, limits and clients. */
#include <stdlib.h>

#include "tools/virt-admin/virt_admin.h"

virAdmServerPtr admin_server(Shell *shell, const Cmd *cmd)
{
    const char *name = NULL;

    if (cmd_string(shell, cmd, "server", &name) < 0)
        return NULL;
    return virAdmConnectLookupServer(admin_conn(shell), name, 0);
}

static virAdmClientPtr find_client(Shell *shell, virAdmServerPtr server, const Cmd *cmd)
{
    unsigned long long id = 0;

    return cmd_ull(shell, cmd, "client", &id) < 0 ? NULL : virAdmServerLookupClient(server, id, 0);
}

static const char *transport_name(int transport)
{
    static const char *const names[] = {
        [VIR_CLIENT_TRANS_UNIX] = "unix",
        [VIR_CLIENT_TRANS_TCP] = "tcp",
        [VIR_CLIENT_TRANS_TLS] = "tls",
    };

    return transport >= 0 && transport < (int)G_N_ELEMENTS(names) ? names[transport] : "unknown";
}

static char *time_text(long long seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(seconds);

    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S%z") : g_strdup_printf("%lld", seconds);
}

/* Frees a list that the library made; `count` is negative if it made none. */
static void free_servers(virAdmServerPtr *servers, int count)
{
    for (int i = 0; i < count; i++)
        virAdmServerFree(servers[i]);
    free(servers);
}

static void free_clients(virAdmClientPtr *clients, int count)
{
    for (int i = 0; i < count; i++)
        virAdmClientFree(clients[i]);
    free(clients);
}

static void print_servers(Shell *shell, virAdmServerPtr *servers, int count)
{
    g_autoptr(ShellTable) table = shell_table_new("Id", "Name", NULL);

    for (int i = 0; i < count; i++) {
        g_autofree char *id = g_strdup_printf("%d", i);
        shell_table_row(table, id, virAdmServerGetName(servers[i]), NULL);
    }
    shell_table_print(shell, table);
}

static void print_servers_json(Shell *shell, virAdmServerPtr *servers, int count)
{
    json_object *list = json_object_new_array();

    for (int i = 0; i < count; i++) {
        json_object *item = json_object_new_object();
        shell_json_int(item, "id", i);
        shell_json_string(item, "name", virAdmServerGetName(servers[i]));
        json_object_array_add(list, item);
    }
    shell_json_print(shell, list);
}

bool cmd_server_list(Shell *shell, const Cmd *cmd)
{
    virAdmServerPtr *servers = NULL;
    int count = virAdmConnectListServers(admin_conn(shell), &servers, 0);

    if (count < 0)
        return shell_error(shell, "failed to obtain list of available servers");
    if (shell_json(cmd))
        print_servers_json(shell, servers, count);
    else
        print_servers(shell, servers, count);
    free_servers(servers, count);
    return true;
}

/* Prints parameters one a line with labels of this width, or adds them to a document; frees them. */
static void show_params(Shell *shell, json_object *document, virTypedParameterPtr params, int count, int width)
{
    for (int i = 0; i < count; i++) {
        g_autofree char *text = client_param_text(&params[i]);

        if (document)
            client_param_json(document, params[i].field, &params[i]);
        else
            shell_print(shell, "%-*s: %s\n", width, params[i].field, text);
    }
    virTypedParamsFree(params, count);
}

typedef int (*GetParams)(virAdmServerPtr server, virTypedParameterPtr *params, int *count, unsigned int flags);
typedef int (*SetParams)(virAdmServerPtr server, virTypedParameterPtr params, int count, unsigned int flags);

static bool show_server_params(Shell *shell, const Cmd *cmd, GetParams get, int width)
{
    g_autoptr(virAdmServer) server = admin_server(shell, cmd);
    virTypedParameterPtr params = NULL;
    json_object *document;
    int count = 0;

    if (!server || get(server, &params, &count, 0) < 0)
        return false;
    document = shell_json(cmd) ? json_object_new_object() : NULL;
    show_params(shell, document, params, count, width);
    return !document || shell_json_print(shell, document);
}

bool cmd_server_threadpool_info(Shell *shell, const Cmd *cmd)
{
    return show_server_params(shell, cmd, virAdmServerGetThreadPoolParameters, 15);
}

bool cmd_server_clients_info(Shell *shell, const Cmd *cmd)
{
    return show_server_params(shell, cmd, virAdmServerGetClientLimits, 20);
}

/* An option of a set command and the parameter that it sets; both lists end with NULL. */
typedef struct {
    const char *option, *field;
} Setting;

typedef struct {
    virTypedParameterPtr params;
    int count, max;
} ParamList;

/* The parameters that were asked for. If both options low and high are given, they must be in order. */
static bool take_settings(Shell *shell, const Cmd *cmd, const Setting *settings, const char *low, const char *high,
                          ParamList *list)
{
    g_autoptr(GString) names = g_string_new(NULL);
    unsigned int min = 0, max = G_MAXUINT;

    for (const Setting *s = settings; s->option; s++) {
        unsigned int value;
        int given = cmd_uint(shell, cmd, s->option, &value);

        if (given < 0)
            return shell_error(shell, "Unable to parse integer parameter '%s'", s->option);
        g_string_append_printf(names, "%s--%s", names->len ? ", " : "", s->option);
        if (given && virTypedParamsAddUInt(&list->params, &list->count, &list->max, s->field, value) < 0)
            return false;
        if (given && g_str_equal(s->option, low))
            min = value;
        if (given && g_str_equal(s->option, high))
            max = value;
    }
    if (!list->count)
        return shell_error(shell, "At least one of options %s is mandatory", names->str);
    if (min > max)
        return shell_error(shell, "--%s must be less than or equal to --%s", low, high);
    return true;
}

/* What a set command does, all of it. */
static bool set_server_params(Shell *shell, const Cmd *cmd, const Setting *settings, const char *low, const char *high,
                              SetParams set, const char *what)
{
    g_autoptr(virAdmServer) server = NULL;
    ParamList list = {0};
    bool done = false;

    if (take_settings(shell, cmd, settings, low, high, &list) && (server = admin_server(shell, cmd)))
        done = set(server, list.params, list.count, 0) == 0 || shell_error(shell, "Unable to change %s", what);
    virTypedParamsFree(list.params, list.count);
    return done;
}

bool cmd_server_threadpool_set(Shell *shell, const Cmd *cmd)
{
    static const Setting settings[] = {
        {"min-workers", VIR_THREADPOOL_WORKERS_MIN},
        {"max-workers", VIR_THREADPOOL_WORKERS_MAX},
        {"priority-workers", VIR_THREADPOOL_WORKERS_PRIORITY},
        {NULL, NULL},
    };

    return set_server_params(shell, cmd, settings, "min-workers", "max-workers", virAdmServerSetThreadPoolParameters,
                             "server workerpool parameters");
}

bool cmd_server_clients_set(Shell *shell, const Cmd *cmd)
{
    static const Setting settings[] = {
        {"max-clients", VIR_SERVER_CLIENTS_MAX},
        {"max-unauth-clients", VIR_SERVER_CLIENTS_UNAUTH_MAX},
        {NULL, NULL},
    };

    return set_server_params(shell, cmd, settings, "max-unauth-clients", "max-clients", virAdmServerSetClientLimits,
                             "server's client-related configuration limits");
}

bool cmd_server_update_tls(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virAdmServer) server = admin_server(shell, cmd);

    if (!server)
        return false;
    if (virAdmServerUpdateTlsFiles(server, 0) < 0)
        return shell_error(shell, "Unable to update server's tls related files.");
    shell_print_extra(shell, "Server '%s' has read its TLS files again\n", virAdmServerGetName(server));
    return true;
}

static void print_clients(Shell *shell, virAdmClientPtr *clients, int count)
{
    g_autoptr(ShellTable) table = shell_table_new("Id", "Transport", "Connected since", NULL);

    for (int i = 0; i < count; i++) {
        g_autofree char *id = g_strdup_printf("%llu", virAdmClientGetID(clients[i]));
        g_autofree char *since = time_text(virAdmClientGetTimestamp(clients[i]));
        shell_table_row(table, id, transport_name(virAdmClientGetTransport(clients[i])), since, NULL);
    }
    shell_table_print(shell, table);
}

static json_object *client_json(virAdmClientPtr client)
{
    json_object *document = json_object_new_object();

    shell_json_uint(document, "id", virAdmClientGetID(client));
    shell_json_string(document, "transport", transport_name(virAdmClientGetTransport(client)));
    shell_json_int(document, "connected_since_s", virAdmClientGetTimestamp(client));
    return document;
}

bool cmd_client_list(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virAdmServer) server = admin_server(shell, cmd);
    virAdmClientPtr *clients = NULL;
    int count = server ? virAdmServerListClients(server, &clients, 0) : -1;

    if (count < 0)
        return server && shell_error(shell, "failed to obtain list of connected clients from server '%s'",
                                     virAdmServerGetName(server));
    if (shell_json(cmd)) {
        json_object *list = json_object_new_array();
        for (int i = 0; i < count; i++)
            json_object_array_add(list, client_json(clients[i]));
        shell_json_print(shell, list);
    } else {
        print_clients(shell, clients, count);
    }
    free_clients(clients, count);
    return true;
}

static void print_client_head(Shell *shell, virAdmClientPtr client)
{
    g_autofree char *since = time_text(virAdmClientGetTimestamp(client));

    shell_print(shell, "%-15s: %llu\n", "id", virAdmClientGetID(client));
    shell_print(shell, "%-15s: %s\n", "connection_time", since);
    shell_print(shell, "%-15s: %s\n", "transport", transport_name(virAdmClientGetTransport(client)));
}

bool cmd_client_info(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virAdmServer) server = admin_server(shell, cmd);
    g_autoptr(virAdmClient) client = server ? find_client(shell, server, cmd) : NULL;
    virTypedParameterPtr params = NULL;
    json_object *document;
    int count = 0;

    if (!client)
        return false;
    if (virAdmClientGetInfo(client, &params, &count, 0) < 0)
        return shell_error(shell, "failed to retrieve client identity information");
    document = shell_json(cmd) ? client_json(client) : NULL;
    if (!document)
        print_client_head(shell, client);
    show_params(shell, document, params, count, 15);
    return !document || shell_json_print(shell, document);
}

bool cmd_client_disconnect(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virAdmServer) server = admin_server(shell, cmd);
    g_autoptr(virAdmClient) client = server ? find_client(shell, server, cmd) : NULL;

    if (!client)
        return false;
    if (virAdmClientClose(client, 0) < 0)
        return shell_error(shell, "failed to disconnect client '%llu' from server '%s'", virAdmClientGetID(client),
                           virAdmServerGetName(server));
    shell_print(shell, "Client '%llu' disconnected", virAdmClientGetID(client)); /* without its end if quiet, as the reference */
    return true;
}
