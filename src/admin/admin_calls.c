/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_ADMIN
#include "admin/admin_priv.h"
#include "base/error.h"
#include "rpc/wire_protocol.h"
#include "rpc/xdr_values.h"

static void put_client(XdrOut *out, virAdmClientPtr client)
{
    xdr_put_string(out, client->srv->name);
    xdr_put_uhyper(out, client->id);
    xdr_put_hyper(out, client->timestamp);
    xdr_put_uint(out, client->transport);
}

static virAdmServerPtr get_server(XdrIn *in, virAdmConnectPtr conn)
{
    g_autofree char *name = xdr_get_string(in);
    return name ? adm_server_new(conn, name) : NULL;
}

static virAdmClientPtr get_client(XdrIn *in, virAdmConnectPtr conn)
{
    virAdmClientPtr client = g_new0(struct _virAdmClient, 1);
    client->refs = 1;
    client->magic = ADM_CLIENT_MAGIC;
    client->srv = get_server(in, conn);
    client->id = xdr_get_uhyper(in);
    client->timestamp = xdr_get_hyper(in);
    client->transport = xdr_get_uint(in);
    return client;
}

int virAdmConnectGetLibVersion(virAdmConnectPtr conn, unsigned long long *libVer)
{
    virResetLastError();
    if (adm_check_connect(conn, __func__) < 0 || adm_nonnull(libVer, "libVer", __func__) < 0)
        return -1;
    AdmCall call;
    adm_call_begin(&call);
    if (adm_call_run(&call, conn, ADMIN_PROC_CONNECT_GET_LIB_VERSION) < 0)
        return -1;
    *libVer = xdr_get_uhyper(&call.in);
    return adm_call_end(&call);
}

int virAdmConnectListServers(virAdmConnectPtr conn, virAdmServerPtr **servers, unsigned int flags)
{
    virResetLastError();
    if (adm_check_connect(conn, __func__) < 0)
        return -1;
    AdmCall call;
    adm_call_begin(&call);
    xdr_put_uint(&call.out, servers != NULL);
    xdr_put_uint(&call.out, flags);
    if (adm_call_run(&call, conn, ADMIN_PROC_CONNECT_LIST_SERVERS) < 0)
        return -1;
    size_t n = xdr_get_count(&call.in, ADMIN_SERVER_LIST_MAX);
    virAdmServerPtr *list = g_new0(virAdmServerPtr, n + 1);
    for (size_t i = 0; i < n; i++)
        list[i] = get_server(&call.in, conn);
    int total = xdr_get_uint(&call.in);
    if (adm_call_end(&call) == 0) {
        if (servers)
            *servers = g_steal_pointer(&list);
        g_free(list);
        return total;
    }
    for (size_t i = 0; i < n; i++)
        adm_server_unref(list[i]);
    g_free(list);
    return -1;
}

virAdmServerPtr virAdmConnectLookupServer(virAdmConnectPtr conn, const char *name, unsigned int flags)
{
    virResetLastError();
    if (adm_check_connect(conn, __func__) < 0 || adm_nonnull(name, "name", __func__) < 0)
        return NULL;
    AdmCall call;
    adm_call_begin(&call);
    xdr_put_string(&call.out, name);
    xdr_put_uint(&call.out, flags);
    if (adm_call_run(&call, conn, ADMIN_PROC_CONNECT_LOOKUP_SERVER) < 0)
        return NULL;
    virAdmServerPtr srv = get_server(&call.in, conn);
    if (adm_call_end(&call) == 0)
        return srv;
    adm_server_unref(srv);
    return NULL;
}

int virAdmServerListClients(virAdmServerPtr srv, virAdmClientPtr **clients, unsigned int flags)
{
    virResetLastError();
    if (adm_check_server(srv, __func__) < 0)
        return -1;
    AdmCall call;
    adm_call_begin(&call);
    xdr_put_string(&call.out, srv->name);
    xdr_put_uint(&call.out, clients != NULL);
    xdr_put_uint(&call.out, flags);
    if (adm_call_run(&call, srv->conn, ADMIN_PROC_SERVER_LIST_CLIENTS) < 0)
        return -1;
    size_t n = xdr_get_count(&call.in, ADMIN_CLIENT_LIST_MAX);
    virAdmClientPtr *list = g_new0(virAdmClientPtr, n + 1);
    for (size_t i = 0; i < n; i++)
        list[i] = get_client(&call.in, srv->conn);
    int total = xdr_get_uint(&call.in);
    if (adm_call_end(&call) == 0) {
        if (clients)
            *clients = g_steal_pointer(&list);
        g_free(list);
        return total;
    }
    for (size_t i = 0; i < n; i++)
        adm_client_unref(list[i]);
    g_free(list);
    return -1;
}

virAdmClientPtr virAdmServerLookupClient(virAdmServerPtr srv, unsigned long long id, unsigned int flags)
{
    virResetLastError();
    if (adm_check_server(srv, __func__) < 0)
        return NULL;
    AdmCall call;
    adm_call_begin(&call);
    xdr_put_string(&call.out, srv->name);
    xdr_put_uhyper(&call.out, id);
    xdr_put_uint(&call.out, flags);
    if (adm_call_run(&call, srv->conn, ADMIN_PROC_SERVER_LOOKUP_CLIENT) < 0)
        return NULL;
    virAdmClientPtr client = get_client(&call.in, srv->conn);
    if (adm_call_end(&call) == 0)
        return client;
    adm_client_unref(client);
    return NULL;
}

/* Typed parameters of a server or (if @client is given) a client. */
static int get_params(virAdmServerPtr srv, virAdmClientPtr client, int procedure, int max, virTypedParameterPtr *params,
                      int *nparams, unsigned int flags)
{
    AdmCall call;
    adm_call_begin(&call);
    if (client)
        put_client(&call.out, client);
    else
        xdr_put_string(&call.out, srv->name);
    xdr_put_uint(&call.out, flags);
    if (adm_call_run(&call, srv->conn, procedure) < 0)
        return -1;
    int n = 0;
    virTypedParameterPtr list = xdr_get_typed_params(&call.in, max, &n);
    if (adm_call_end(&call) < 0) {
        virTypedParamsFree(list, n);
        return -1;
    }
    *params = list;
    *nparams = n;
    return 0;
}

static int set_params(virAdmServerPtr srv, int procedure, int max, virTypedParameterPtr params, int nparams,
                      unsigned int flags)
{
    AdmCall call;
    adm_call_begin(&call);
    xdr_put_string(&call.out, srv->name);
    xdr_put_typed_params(&call.out, params, nparams, max);
    xdr_put_uint(&call.out, flags);
    return adm_call_run(&call, srv->conn, procedure) < 0 ? -1 : adm_call_end(&call);
}

static int check_get(virAdmServerPtr srv, const void *params, const void *nparams, const char *func)
{
    virResetLastError();
    return adm_check_server(srv, func) < 0 || adm_nonnull(params, "params", func) < 0 ||
                   adm_nonnull(nparams, "nparams", func) < 0 ? -1 : 0;
}

int virAdmServerGetThreadPoolParameters(virAdmServerPtr srv, virTypedParameterPtr *params, int *nparams,
                                        unsigned int flags)
{
    return check_get(srv, params, nparams, __func__) < 0 ? -1
        : get_params(srv, NULL, ADMIN_PROC_SERVER_GET_THREADPOOL_PARAMETERS, ADMIN_SERVER_THREADPOOL_PARAMETERS_MAX,
                     params, nparams, flags);
}

int virAdmServerGetClientLimits(virAdmServerPtr srv, virTypedParameterPtr *params, int *nparams, unsigned int flags)
{
    return check_get(srv, params, nparams, __func__) < 0 ? -1
        : get_params(srv, NULL, ADMIN_PROC_SERVER_GET_CLIENT_LIMITS, ADMIN_SERVER_CLIENT_LIMITS_MAX, params, nparams,
                     flags);
}

int virAdmClientGetInfo(virAdmClientPtr client, virTypedParameterPtr *params, int *nparams, unsigned int flags)
{
    virResetLastError();
    if (adm_check_client(client, __func__) < 0 || check_get(client->srv, params, nparams, __func__) < 0)
        return -1;
    return get_params(client->srv, client, ADMIN_PROC_CLIENT_GET_INFO, ADMIN_CLIENT_INFO_PARAMETERS_MAX, params, nparams,
                      flags);
}

int virAdmServerSetThreadPoolParameters(virAdmServerPtr srv, virTypedParameterPtr params, int nparams,
                                        unsigned int flags)
{
    return check_get(srv, params, params, __func__) < 0 ? -1
        : set_params(srv, ADMIN_PROC_SERVER_SET_THREADPOOL_PARAMETERS, ADMIN_SERVER_THREADPOOL_PARAMETERS_MAX, params,
                     nparams, flags);
}

int virAdmServerSetClientLimits(virAdmServerPtr srv, virTypedParameterPtr params, int nparams, unsigned int flags)
{
    return check_get(srv, params, params, __func__) < 0 ? -1
        : set_params(srv, ADMIN_PROC_SERVER_SET_CLIENT_LIMITS, ADMIN_SERVER_CLIENT_LIMITS_MAX, params, nparams, flags);
}

int virAdmClientClose(virAdmClientPtr client, unsigned int flags)
{
    virResetLastError();
    if (adm_check_client(client, __func__) < 0)
        return -1;
    AdmCall call;
    adm_call_begin(&call);
    put_client(&call.out, client);
    xdr_put_uint(&call.out, flags);
    return adm_call_run(&call, client->srv->conn, ADMIN_PROC_CLIENT_CLOSE) < 0 ? -1 : adm_call_end(&call);
}

int virAdmServerUpdateTlsFiles(virAdmServerPtr srv, unsigned int flags)
{
    virResetLastError();
    if (adm_check_server(srv, __func__) < 0)
        return -1;
    AdmCall call;
    adm_call_begin(&call);
    xdr_put_string(&call.out, srv->name);
    xdr_put_uint(&call.out, flags);
    return adm_call_run(&call, srv->conn, ADMIN_PROC_SERVER_UPDATE_TLS_FILES) < 0 ? -1 : adm_call_end(&call);
}

/* The log: a text and the number of its parts. */
static int get_log(virAdmConnectPtr conn, int procedure, gboolean optional, char **text, unsigned int flags)
{
    AdmCall call;
    adm_call_begin(&call);
    xdr_put_uint(&call.out, flags);
    if (adm_call_run(&call, conn, procedure) < 0)
        return -1;
    g_autofree char *got = optional ? xdr_get_string_opt(&call.in) : xdr_get_string(&call.in);
    int n = xdr_get_uint(&call.in);
    if (adm_call_end(&call) < 0)
        return -1;
    if (text)
        *text = g_steal_pointer(&got);
    return n;
}

static int set_log(virAdmConnectPtr conn, int procedure, const char *text, unsigned int flags)
{
    AdmCall call;
    adm_call_begin(&call);
    xdr_put_string_opt(&call.out, text);
    xdr_put_uint(&call.out, flags);
    return adm_call_run(&call, conn, procedure) < 0 ? -1 : adm_call_end(&call);
}

int virAdmConnectGetLoggingOutputs(virAdmConnectPtr conn, char **outputs, unsigned int flags)
{
    virResetLastError();
    return adm_check_connect(conn, __func__) < 0 ? -1
        : get_log(conn, ADMIN_PROC_CONNECT_GET_LOGGING_OUTPUTS, FALSE, outputs, flags);
}

int virAdmConnectGetLoggingFilters(virAdmConnectPtr conn, char **filters, unsigned int flags)
{
    virResetLastError();
    return adm_check_connect(conn, __func__) < 0 ? -1
        : get_log(conn, ADMIN_PROC_CONNECT_GET_LOGGING_FILTERS, TRUE, filters, flags);
}

int virAdmConnectSetLoggingOutputs(virAdmConnectPtr conn, const char *outputs, unsigned int flags)
{
    virResetLastError();
    return adm_check_connect(conn, __func__) < 0 ? -1
        : set_log(conn, ADMIN_PROC_CONNECT_SET_LOGGING_OUTPUTS, outputs, flags);
}

int virAdmConnectSetLoggingFilters(virAdmConnectPtr conn, const char *filters, unsigned int flags)
{
    virResetLastError();
    return adm_check_connect(conn, __func__) < 0 ? -1
        : set_log(conn, ADMIN_PROC_CONNECT_SET_LOGGING_FILTERS, filters, flags);
}

int virAdmConnectSetDaemonTimeout(virAdmConnectPtr conn, unsigned int timeout, unsigned int flags)
{
    virResetLastError();
    if (adm_check_connect(conn, __func__) < 0)
        return -1;
    AdmCall call;
    adm_call_begin(&call);
    xdr_put_uint(&call.out, timeout);
    xdr_put_uint(&call.out, flags);
    return adm_call_run(&call, conn, ADMIN_PROC_CONNECT_SET_DAEMON_TIMEOUT) < 0 ? -1 : adm_call_end(&call);
}

int virAdmConnectDaemonShutdown(virAdmConnectPtr conn, unsigned int flags)
{
    virResetLastError();
    if (adm_check_connect(conn, __func__) < 0)
        return -1;
    AdmCall call;
    adm_call_begin(&call);
    xdr_put_uint(&call.out, flags);
    return adm_call_run(&call, conn, ADMIN_PROC_CONNECT_DAEMON_SHUTDOWN) < 0 ? -1 : adm_call_end(&call);
}
