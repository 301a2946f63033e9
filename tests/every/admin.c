/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls every function of libvirt-admin on a daemon, which ends by it, and prints what came of it as every.c does.
 *
 *   every-admin ADMIN-URI URI      URI: of the same daemon, for a client to look at
 */
#include <libvirt/libvirt-admin.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void told(const char *function, bool good)
{
    virErrorPtr error = virGetLastError();
    if (good)
        printf("%s ok\n", function);
    else
        printf("%s %d %s\n", function, error ? error->code : 0, error ? error->message : "no error was set");
    fflush(stdout);
    virResetLastError();
}

#define DID(function, good) told(#function, (good))

static void on_close(virAdmConnectPtr conn, int reason, void *opaque)
{
    *(bool *) opaque = true;
}

static void call_connection(virAdmConnectPtr conn)
{
    unsigned long long version = 0;
    bool closed = false;
    char *uri = virAdmConnectGetURI(conn);
    DID(virAdmConnectGetURI, uri && strncmp(uri, "libvirtd:", 9) == 0);
    free(uri);
    DID(virAdmConnectRef, virAdmConnectRef(conn) == 0 && virAdmConnectClose(conn) == 1);
    DID(virAdmConnectIsAlive, virAdmConnectIsAlive(conn) == 1);
    DID(virAdmGetVersion, virAdmGetVersion(&version) == 0 && version == LIBVIR_VERSION_NUMBER);
    DID(virAdmConnectGetLibVersion, virAdmConnectGetLibVersion(conn, &version) == 0 && version == LIBVIR_VERSION_NUMBER);
    DID(virAdmConnectRegisterCloseCallback, virAdmConnectRegisterCloseCallback(conn, on_close, &closed, NULL) == 0);
    DID(virAdmConnectUnregisterCloseCallback, virAdmConnectUnregisterCloseCallback(conn, on_close) == 0 && !closed);
}

static void call_logging(virAdmConnectPtr conn)
{
    char *outputs = NULL, *filters = NULL;
    DID(virAdmConnectGetLoggingOutputs, virAdmConnectGetLoggingOutputs(conn, &outputs, 0) > 0);
    DID(virAdmConnectSetLoggingOutputs, virAdmConnectSetLoggingOutputs(conn, outputs, 0) == 0);
    DID(virAdmConnectSetLoggingFilters, virAdmConnectSetLoggingFilters(conn, "3:rpc", 0) == 0);
    DID(virAdmConnectGetLoggingFilters, virAdmConnectGetLoggingFilters(conn, &filters, 0) == 1 && strcmp(filters, "3:*rpc*") == 0);
    free(outputs);
    free(filters);
}

/* What one function tells, of one parameter, goes back by the other. */
static void call_params(virAdmServerPtr server)
{
    virTypedParameterPtr params = NULL, one;
    int n = 0;
    DID(virAdmServerGetThreadPoolParameters, virAdmServerGetThreadPoolParameters(server, &params, &n, 0) == 0);
    one = virTypedParamsGet(params, n, VIR_THREADPOOL_WORKERS_MAX);
    DID(virAdmServerSetThreadPoolParameters, one && virAdmServerSetThreadPoolParameters(server, one, 1, 0) == 0);
    virTypedParamsFree(params, n);
    params = NULL;
    DID(virAdmServerGetClientLimits, virAdmServerGetClientLimits(server, &params, &n, 0) == 0);
    one = virTypedParamsGet(params, n, VIR_SERVER_CLIENTS_MAX);
    DID(virAdmServerSetClientLimits, one && virAdmServerSetClientLimits(server, one, 1, 0) == 0);
    virTypedParamsFree(params, n);
}

static void call_client(virAdmServerPtr server, virConnectPtr watched)
{
    virAdmClientPtr *clients = NULL;
    virTypedParameterPtr params = NULL;
    int n_params = 0, n = virAdmServerListClients(server, &clients, 0);
    DID(virAdmServerListClients, n == 1);
    if (n < 1)
        return;
    unsigned long long id = virAdmClientGetID(clients[0]);
    DID(virAdmClientGetID, id > 0);
    virAdmClientPtr client = virAdmServerLookupClient(server, id, 0);
    DID(virAdmServerLookupClient, client != NULL);
    DID(virAdmClientFree, virAdmClientFree(clients[0]) == 0);
    free(clients);
    DID(virAdmClientGetTimestamp, virAdmClientGetTimestamp(client) > 0);
    DID(virAdmClientGetTransport, virAdmClientGetTransport(client) == VIR_CLIENT_TRANS_UNIX);
    DID(virAdmClientGetInfo, virAdmClientGetInfo(client, &params, &n_params, 0) == 0 && n_params > 0);
    virTypedParamsFree(params, n_params);
    DID(virAdmClientClose, virAdmClientClose(client, 0) == 0);
    virAdmClientFree(client);
    while (virConnectIsAlive(watched) == 1) {
        char *name = virConnectGetHostname(watched); /* fails once the daemon has closed it */
        free(name);
    }
}

static void call_server(virAdmConnectPtr conn, virConnectPtr watched)
{
    virAdmServerPtr *servers = NULL;
    int n = virAdmConnectListServers(conn, &servers, 0);
    DID(virAdmConnectListServers, n > 0);
    for (int i = 0; i < n; i++)
        DID(virAdmServerFree, virAdmServerFree(servers[i]) == 0);
    free(servers);
    virAdmServerPtr server = virAdmConnectLookupServer(conn, "libvirtd", 0);
    DID(virAdmConnectLookupServer, server != NULL);
    if (!server)
        return;
    DID(virAdmServerGetName, strcmp(virAdmServerGetName(server), "libvirtd") == 0);
    call_params(server);
    call_client(server, watched);
    DID(virAdmServerUpdateTlsFiles, virAdmServerUpdateTlsFiles(server, 0) == 0);
    virAdmServerFree(server);
}

static void quiet(void *opaque, virErrorPtr error)
{
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: every-admin ADMIN-URI URI\n");
        return 2;
    }
    virSetErrorFunc(NULL, quiet);
    DID(virAdmInitialize, virAdmInitialize() == 0);
    virAdmConnectPtr conn = virAdmConnectOpen(argv[1], 0);
    DID(virAdmConnectOpen, conn != NULL);
    virConnectPtr watched = virConnectOpen(argv[2]);
    if (!conn || !watched)
        return 1;
    virAdmConnectPtr second = virAdmConnectOpen(argv[1], 0);
    DID(virAdmConnectClose, second && virAdmConnectClose(second) == 0);
    call_connection(conn);
    call_logging(conn);
    call_server(conn, watched);
    virConnectClose(watched);
    DID(virAdmConnectSetDaemonTimeout, virAdmConnectSetDaemonTimeout(conn, 600, 0) == 0);
    DID(virAdmConnectDaemonShutdown, virAdmConnectDaemonShutdown(conn, 0) == 0);
    virAdmConnectClose(conn);
    return 0;
}
