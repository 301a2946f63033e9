/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_ADMIN
#include "daemon/admin.h"
#include "base/error.h"
#include "base/log.h"
#include "base/typed_param.h"
#include "rpc/wire_protocol.h"
#include "rpc/xdr_values.h"
#include <errno.h>
#include <grp.h>
#include <libvirt/libvirt-admin.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

static RpcServer *servers[4];
static guint n_servers;

static struct {
    RpcServer *server;
    int (*update)(void *opaque);
    void *opaque;
} tls;

void admin_add_server(RpcServer *server)
{
    g_assert(n_servers < G_N_ELEMENTS(servers));
    servers[n_servers++] = server;
}

void admin_set_tls_update(RpcServer *server, int (*update)(void *opaque), void *opaque)
{
    tls.server = server;
    tls.update = update;
    tls.opaque = opaque;
}

static struct {
    void (*update)(unsigned seconds, void *opaque);
    void *opaque;
} timeout;

void admin_set_timeout_update(void (*update)(unsigned seconds, void *opaque), void *opaque)
{
    timeout.update = update;
    timeout.opaque = opaque;
}

void admin_forget(void)
{
    admin_set_tls_update(NULL, NULL, NULL);
    admin_set_timeout_update(NULL, NULL);
    n_servers = 0;
}

typedef struct AdminCall {
    ServerClient *client;
    XdrIn in;
    XdrOut out;
} AdminCall;

static int args_done(AdminCall *call)
{
    if (xdr_in_done(&call->in))
        return 0;
    return FAIL(VIR_ERR_RPC, "malformed arguments: %s",
                call->in.failure ? call->in.failure : "more data than expected");
}

/* The last argument of nearly every call. */
static int flags_done(AdminCall *call, const char *function)
{
    unsigned int flags = xdr_get_uint(&call->in);
    return args_done(call) < 0 ? -1 : error_check_flags(ERROR_DOMAIN, function, flags, 0);
}

static RpcServer *find_server(const char *name)
{
    for (guint i = 0; name && i < n_servers; i++)
        if (g_str_equal(server_name(servers[i]), name))
            return servers[i];
    return FAIL_NULL(VIR_ERR_NO_SERVER, "no server with matching name '%s' found", name ? name : "");
}

/* A server handle on the wire is its name. NULL: find_server() after args_done() tells why. */
static char *get_server(AdminCall *call)
{
    return xdr_get_string(&call->in);
}

static void put_client(AdminCall *call, RpcServer *server, ServerClient *client)
{
    xdr_put_string(&call->out, server_name(server));
    xdr_put_uhyper(&call->out, server_client_id(client));
    xdr_put_hyper(&call->out, server_client_since(client));
    xdr_put_uint(&call->out, server_client_transport(client));
}

/* A client handle: server, id, time, transport. */
static ServerClient *get_client(AdminCall *call, const char *function)
{
    g_autofree char *name = get_server(call);
    guint64 id = xdr_get_uhyper(&call->in);
    xdr_get_hyper(&call->in);
    xdr_get_uint(&call->in);
    if (flags_done(call, function) < 0)
        return NULL;
    RpcServer *server = find_server(name);
    ServerClient *client = server ? server_find_client(server, id) : NULL;
    if (server && !client)
        error_report(ERROR_DOMAIN, VIR_ERR_NO_CLIENT, "no client with matching id '%" G_GUINT64_FORMAT "' found", id);
    return client;
}

static int put_list(AdminCall *call, TypedList *list, guint max)
{
    xdr_put_typed_params(&call->out, list->params, list->n, max);
    typed_list_clear(list);
    return 0;
}

/* Connection */

static int connect_open(AdminCall *call)
{
    return flags_done(call, "virAdmConnectOpen");
}

static int connect_close(AdminCall *call)
{
    if (args_done(call) < 0)
        return -1;
    server_client_close(call->client, TRUE);
    return 0;
}

static int connect_get_lib_version(AdminCall *call)
{
    if (args_done(call) < 0)
        return -1;
    xdr_put_uhyper(&call->out, LIBVIR_VERSION_NUMBER);
    return 0;
}

static int connect_list_servers(AdminCall *call)
{
    gboolean wanted = xdr_get_uint(&call->in) != 0;
    if (flags_done(call, "virAdmConnectListServers") < 0)
        return -1;
    xdr_put_count(&call->out, wanted ? n_servers : 0, ADMIN_SERVER_LIST_MAX);
    for (guint i = 0; wanted && i < n_servers; i++)
        xdr_put_string(&call->out, server_name(servers[i]));
    xdr_put_uint(&call->out, n_servers);
    return 0;
}

static int connect_lookup_server(AdminCall *call)
{
    g_autofree char *name = xdr_get_string(&call->in);
    if (flags_done(call, "virAdmConnectLookupServer") < 0 || !find_server(name))
        return -1;
    xdr_put_string(&call->out, name);
    return 0;
}

/* Workers */

static int server_get_threadpool(AdminCall *call)
{
    g_autofree char *name = get_server(call);
    RpcServer *server;
    if (flags_done(call, "virAdmServerGetThreadPoolParameters") < 0 || !(server = find_server(name)))
        return -1;
    PoolStats stats;
    TypedList list = { 0 };
    pool_get_stats(server_pool(server), &stats);
    typed_list_uint(&list, VIR_THREADPOOL_WORKERS_MIN, stats.min);
    typed_list_uint(&list, VIR_THREADPOOL_WORKERS_MAX, stats.max);
    typed_list_uint(&list, VIR_THREADPOOL_WORKERS_CURRENT, stats.workers);
    typed_list_uint(&list, VIR_THREADPOOL_WORKERS_FREE, stats.free);
    typed_list_uint(&list, VIR_THREADPOOL_WORKERS_PRIORITY, stats.priority);
    typed_list_uint(&list, VIR_THREADPOOL_JOB_QUEUE_DEPTH, stats.queued);
    return put_list(call, &list, ADMIN_SERVER_THREADPOOL_PARAMETERS_MAX);
}

/* Unsigned parameters of a set call: checked against @rules, then read into @values by position. */
static int get_settings(AdminCall *call, const TypedRule *rules, unsigned int *values, guint max, const char *function)
{
    int n = 0;
    virTypedParameterPtr params = xdr_get_typed_params(&call->in, max, &n);
    int ret = flags_done(call, function);
    if (ret == 0)
        ret = typed_params_check(params, n, rules);
    for (guint i = 0; ret == 0 && rules[i].name; i++) {
        virTypedParameterPtr param = virTypedParamsGet(params, n, rules[i].name);
        if (param)
            values[i] = param->value.ui;
    }
    virTypedParamsFree(params, n);
    return ret;
}

static int server_set_threadpool(AdminCall *call)
{
    static const TypedRule rules[] = {
        { VIR_THREADPOOL_WORKERS_MIN, VIR_TYPED_PARAM_UINT }, { VIR_THREADPOOL_WORKERS_MAX, VIR_TYPED_PARAM_UINT },
        { VIR_THREADPOOL_WORKERS_PRIORITY, VIR_TYPED_PARAM_UINT }, { NULL },
    };
    g_autofree char *name = get_server(call);
    RpcServer *server = find_server(name);
    if (!server)
        return -1;
    PoolStats stats;
    pool_get_stats(server_pool(server), &stats);
    unsigned int values[] = { stats.min, stats.max, stats.priority };
    if (get_settings(call, rules, values, ADMIN_SERVER_THREADPOOL_PARAMETERS_MAX,
                     "virAdmServerSetThreadPoolParameters") < 0)
        return -1;
    return pool_set_limits(server_pool(server), values[0], values[1], values[2]);
}

/* Clients */

static int server_list_clients(AdminCall *call)
{
    g_autofree char *name = get_server(call);
    gboolean wanted = xdr_get_uint(&call->in) != 0;
    RpcServer *server;
    if (flags_done(call, "virAdmServerListClients") < 0 || !(server = find_server(name)))
        return -1;
    g_autoptr(GPtrArray) clients = server_clients(server);
    if (xdr_put_count(&call->out, wanted ? clients->len : 0, ADMIN_CLIENT_LIST_MAX))
        for (guint i = 0; wanted && i < clients->len; i++)
            put_client(call, server, clients->pdata[i]);
    xdr_put_uint(&call->out, clients->len);
    return 0;
}

static int server_lookup_client(AdminCall *call)
{
    g_autofree char *name = get_server(call);
    guint64 id = xdr_get_uhyper(&call->in);
    RpcServer *server;
    if (flags_done(call, "virAdmServerLookupClient") < 0 || !(server = find_server(name)))
        return -1;
    ServerClient *client = server_find_client(server, id);
    if (!client)
        return FAIL(VIR_ERR_NO_CLIENT, "no client with matching id '%" G_GUINT64_FORMAT "' found", id);
    put_client(call, server, client);
    server_client_unref(client);
    return 0;
}

static int client_get_info(AdminCall *call)
{
    ServerClient *client = get_client(call, "virAdmClientGetInfo");
    if (!client)
        return -1;
    TypedList list = { 0 };
    pid_t pid;
    uid_t uid;
    gid_t gid;
    typed_list_bool(&list, VIR_CLIENT_INFO_READONLY, server_client_kind(client) == SERVER_RO);
    if (server_client_credentials(client, &pid, &uid, &gid) == 0) {
        struct passwd *user = getpwuid(uid);
        struct group *group = getgrgid(gid);
        typed_list_int(&list, VIR_CLIENT_INFO_UNIX_USER_ID, uid);
        typed_list_string(&list, VIR_CLIENT_INFO_UNIX_USER_NAME, user ? user->pw_name : "");
        typed_list_int(&list, VIR_CLIENT_INFO_UNIX_GROUP_ID, gid);
        typed_list_string(&list, VIR_CLIENT_INFO_UNIX_GROUP_NAME, group ? group->gr_name : "");
        typed_list_int(&list, VIR_CLIENT_INFO_UNIX_PROCESS_ID, pid);
    }
    g_autofree char *address = server_client_address(client);
    const char *certificate = server_client_certificate(client), *user = server_client_user(client);
    if (address)
        typed_list_string(&list, VIR_CLIENT_INFO_SOCKET_ADDR, address);
    if (certificate)
        typed_list_string(&list, VIR_CLIENT_INFO_X509_DISTINGUISHED_NAME, certificate);
    if (user)
        typed_list_string(&list, VIR_CLIENT_INFO_SASL_USER_NAME, user);
    server_client_unref(client);
    return put_list(call, &list, ADMIN_CLIENT_INFO_PARAMETERS_MAX);
}

static int client_close(AdminCall *call)
{
    ServerClient *client = get_client(call, "virAdmClientClose");
    if (!client)
        return -1;
    server_client_close(client, client == call->client);
    server_client_unref(client);
    return 0;
}

static int server_get_limits_call(AdminCall *call)
{
    g_autofree char *name = get_server(call);
    RpcServer *server;
    if (flags_done(call, "virAdmServerGetClientLimits") < 0 || !(server = find_server(name)))
        return -1;
    ServerLimits limits;
    TypedList list = { 0 };
    server_get_limits(server, &limits);
    typed_list_uint(&list, VIR_SERVER_CLIENTS_MAX, limits.max_clients);
    typed_list_uint(&list, VIR_SERVER_CLIENTS_CURRENT, server_client_count(server));
    typed_list_uint(&list, VIR_SERVER_CLIENTS_UNAUTH_MAX, limits.max_anonymous_clients);
    typed_list_uint(&list, VIR_SERVER_CLIENTS_UNAUTH_CURRENT, server_anonymous_count(server));
    return put_list(call, &list, ADMIN_SERVER_CLIENT_LIMITS_MAX);
}

static int server_set_limits_call(AdminCall *call)
{
    static const TypedRule rules[] = {
        { VIR_SERVER_CLIENTS_MAX, VIR_TYPED_PARAM_UINT }, { VIR_SERVER_CLIENTS_UNAUTH_MAX, VIR_TYPED_PARAM_UINT },
        { NULL },
    };
    g_autofree char *name = get_server(call);
    RpcServer *server = find_server(name);
    if (!server)
        return -1;
    ServerLimits limits;
    server_get_limits(server, &limits);
    unsigned int values[] = { limits.max_clients, limits.max_anonymous_clients };
    if (get_settings(call, rules, values, ADMIN_SERVER_CLIENT_LIMITS_MAX, "virAdmServerSetClientLimits") < 0)
        return -1;
    if (values[0] < values[1])
        return FAIL(VIR_ERR_INVALID_ARG, "nclients_max (%u) must be at least nclients_unauth_max (%u)", values[0],
                    values[1]);
    limits.max_clients = values[0];
    limits.max_anonymous_clients = values[1];
    server_set_limits(server, &limits);
    return 0;
}

static int server_update_tls(AdminCall *call)
{
    g_autofree char *name = get_server(call);
    RpcServer *server;
    if (flags_done(call, "virAdmServerUpdateTlsFiles") < 0 || !(server = find_server(name)))
        return -1;
    if (server != tls.server)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "no tls service found, unable to update tls files");
    return tls.update(tls.opaque);
}

/* The log */

static guint words(const char *text)
{
    guint n = 0;
    g_auto(GStrv) parts = g_strsplit_set(text ? text : "", " \t\n", -1);
    for (char **p = parts; *p; p++)
        n += **p != '\0';
    return n;
}

static int get_log_outputs(AdminCall *call)
{
    if (flags_done(call, "virAdmConnectGetLoggingOutputs") < 0)
        return -1;
    g_autofree char *outputs = log_get_outputs();
    xdr_put_string(&call->out, outputs ? outputs : "");
    xdr_put_uint(&call->out, words(outputs));
    return 0;
}

static int get_log_filters(AdminCall *call)
{
    if (flags_done(call, "virAdmConnectGetLoggingFilters") < 0)
        return -1;
    g_autofree char *filters = log_get_filters();
    xdr_put_string_opt(&call->out, filters && *filters ? filters : NULL);
    xdr_put_uint(&call->out, words(filters));
    return 0;
}

static int set_log_outputs(AdminCall *call)
{
    g_autofree char *outputs = xdr_get_string_opt(&call->in);
    return flags_done(call, "virAdmConnectSetLoggingOutputs") < 0 ? -1 : log_set_outputs(outputs ? outputs : "");
}

static int set_log_filters(AdminCall *call)
{
    g_autofree char *filters = xdr_get_string_opt(&call->in);
    return flags_done(call, "virAdmConnectSetLoggingFilters") < 0 ? -1 : log_set_filters(filters ? filters : "");
}

/* The daemon */

static int set_daemon_timeout(AdminCall *call)
{
    unsigned seconds = xdr_get_uint(&call->in);
    if (flags_done(call, "virAdmConnectSetDaemonTimeout") < 0)
        return -1;
    timeout.update(seconds, timeout.opaque); /* the sockets are served once the daemon has set it */
    return 0;
}

static int daemon_shutdown(AdminCall *call)
{
    if (flags_done(call, "virAdmConnectDaemonShutdown") < 0)
        return -1;
    return kill(getpid(), SIGTERM) < 0 ? FAIL_ERRNO(errno, "cannot end the daemon") : 0;
}

static int (*const calls[])(AdminCall *call) = {
    [ADMIN_PROC_CONNECT_OPEN] = connect_open,
    [ADMIN_PROC_CONNECT_CLOSE] = connect_close,
    [ADMIN_PROC_CONNECT_GET_LIB_VERSION] = connect_get_lib_version,
    [ADMIN_PROC_CONNECT_LIST_SERVERS] = connect_list_servers,
    [ADMIN_PROC_CONNECT_LOOKUP_SERVER] = connect_lookup_server,
    [ADMIN_PROC_SERVER_GET_THREADPOOL_PARAMETERS] = server_get_threadpool,
    [ADMIN_PROC_SERVER_SET_THREADPOOL_PARAMETERS] = server_set_threadpool,
    [ADMIN_PROC_SERVER_LIST_CLIENTS] = server_list_clients,
    [ADMIN_PROC_SERVER_LOOKUP_CLIENT] = server_lookup_client,
    [ADMIN_PROC_CLIENT_GET_INFO] = client_get_info,
    [ADMIN_PROC_CLIENT_CLOSE] = client_close,
    [ADMIN_PROC_SERVER_GET_CLIENT_LIMITS] = server_get_limits_call,
    [ADMIN_PROC_SERVER_SET_CLIENT_LIMITS] = server_set_limits_call,
    [ADMIN_PROC_CONNECT_GET_LOGGING_OUTPUTS] = get_log_outputs,
    [ADMIN_PROC_CONNECT_GET_LOGGING_FILTERS] = get_log_filters,
    [ADMIN_PROC_CONNECT_SET_LOGGING_OUTPUTS] = set_log_outputs,
    [ADMIN_PROC_CONNECT_SET_LOGGING_FILTERS] = set_log_filters,
    [ADMIN_PROC_SERVER_UPDATE_TLS_FILES] = server_update_tls,
    [ADMIN_PROC_CONNECT_SET_DAEMON_TIMEOUT] = set_daemon_timeout,
    [ADMIN_PROC_CONNECT_DAEMON_SHUTDOWN] = daemon_shutdown,
};

static int take_packet(ServerClient *client, RpcPacket *packet)
{
    if (packet->header.type != RPC_CALL)
        return FAIL(VIR_ERR_RPC, "packet of type %u on the socket for administration", packet->header.type);
    gint32 number = packet->header.procedure;
    AdminCall call = { .client = client };
    virResetLastError();
    xdr_in_init(&call.in, packet->payload, packet->len);
    xdr_out_init(&call.out, RPC_MESSAGE_MAX);
    rpc_packet_begin(&call.out, -1);
    RpcHeader header = packet->header;
    header.type = RPC_REPLY;
    int status = number > 0 && (guint) number < G_N_ELEMENTS(calls) && calls[number]
                     ? calls[number](&call) : FAIL(VIR_ERR_RPC, "unknown procedure: %d", number);
    header.status = RPC_OK;
    if (status < 0 || rpc_packet_finish(&call.out, &header) < 0) {
        header.status = RPC_ERROR;
        rpc_packet_begin(&call.out, -1);
        xdr_put_error(&call.out);
        status = rpc_packet_finish(&call.out, &header);
    }
    if (status == 0)
        server_client_send(client, &call.out, NULL, 0);
    xdr_out_clear(&call.out);
    return status;
}

const ServerHooks admin_hooks = { NULL, NULL, NULL };

void admin_add_program(RpcServer *server)
{
    static const ServerProgram program = { ADMIN_PROGRAM, ADMIN_PROTOCOL_VERSION, take_packet };
    server_add_program(server, &program);
}
