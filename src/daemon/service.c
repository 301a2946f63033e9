/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two RPC servers: "libvirtd" on the read-write and read-only sockets, "admin" on the socket for administration with a
 * small pool of its own, so that one can look into a daemon whose workers are all taken.
 */
#define ERROR_DOMAIN VIR_FROM_RPC
#define LOG_SOURCE "daemon.service"
#include "daemon/service.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon/admin.h"
#include "daemon/dispatch.h"
#include "daemon/loop_events.h"
#include "daemon/network.h"
#include "rpc/server.h"

struct Service {
    RpcServer *main;
    RpcServer *admin;
    Pool *admin_pool;
    const LibvirtdConf *conf;
    GArray *network;      /* NetworkSocket: not yet served; NULL: none */
    ServerAuth auth[SOCKET_KINDS];
    SaslRules sasl;       /* on all sockets that want it */
    guint64 clients_ever;
};

/* Errors of calls go to the client. The log has them too: at once if they may mean trouble here, with debugging on if
 * they only answer a question. */
static void log_error(void *opaque, virErrorPtr err)
{
    switch (err->code) {
    case VIR_ERR_NO_DOMAIN: case VIR_ERR_NO_NETWORK: case VIR_ERR_NO_STORAGE_POOL: case VIR_ERR_NO_STORAGE_VOL:
    case VIR_ERR_NO_NODE_DEVICE: case VIR_ERR_NO_INTERFACE: case VIR_ERR_NO_NWFILTER: case VIR_ERR_NO_SECRET:
    case VIR_ERR_NO_DOMAIN_SNAPSHOT: case VIR_ERR_NO_DOMAIN_METADATA: case VIR_ERR_NO_SUPPORT:
    case VIR_ERR_INVALID_ARG: case VIR_ERR_OPERATION_DENIED: case VIR_ERR_OPERATION_INVALID:
        LOG_DEBUG("%s", err->message);
        break;
    default:
        LOG_ERROR("%s", err->message);
    }
}

/* Which way a socket's clients prove who they are. */
static ServerAuth auth_of(const char *value, bool privileged)
{
    if (value && g_str_equal(value, "sasl"))
        return SERVER_AUTH_SASL;
    return value && g_str_equal(value, "polkit") && privileged ? SERVER_AUTH_POLKIT : SERVER_AUTH_NONE;
}

static RpcServer *main_server(Loop *loop, Pool *pool, const LibvirtdConf *conf)
{
    ServerLimits limits = { conf->max_clients, conf->max_anonymous_clients, conf->max_client_requests,
                            conf->keepalive_interval, conf->keepalive_count };
    RpcServer *server = server_new("libvirtd", loop, pool, &limits, &dispatch_hooks);
    dispatch_add_programs(server);
    return server;
}

static RpcServer *admin_server(Loop *loop, Pool *pool, const LibvirtdConf *conf)
{
    ServerLimits limits = { conf->admin_max_clients, 0, conf->admin_max_client_requests,
                            conf->admin_keepalive_interval, conf->admin_keepalive_count };
    RpcServer *server = server_new("admin", loop, pool, &limits, &admin_hooks);
    admin_add_program(server);
    return server;
}

Service *service_new(Loop *loop, Pool *pool, const LibvirtdConf *conf, bool privileged)
{
    g_autofree Service *service = g_new0(Service, 1);
    service->auth[SOCKET_RW] = auth_of(conf->auth_unix_rw, privileged);
    service->auth[SOCKET_RO] = auth_of(conf->auth_unix_ro, privileged);
    service->sasl = (SaslRules) { conf->tcp_min_ssf, (const char *const *) conf->sasl_allowed_username_list };
    service->conf = conf;
    service->admin_pool = pool_new("admin", conf->admin_min_workers, conf->admin_max_workers, 0);
    if (!service->admin_pool)
        return NULL;
    loop_events_register(loop);
    virSetErrorFunc(NULL, log_error);
    service->main = main_server(loop, pool, conf);
    service->admin = admin_server(loop, service->admin_pool, conf);
    admin_add_server(service->main);
    admin_add_server(service->admin);
    return g_steal_pointer(&service);
}

/* Nobody could connect; better to hear of it now than from the first who tries. */
static void warn_if_useless(Service *service, ServerDoor *door, int fd)
{
    SaslBase base = { fd, door->transport != SERVER_TCP, 0 };
    SaslSession *session = door->auth == SERVER_AUTH_SASL ? sasl_session_new_server(&base, door->sasl) : NULL;
    g_autofree char *mechanisms = session ? sasl_session_mechanisms(session) : NULL;
    if (door->auth == SERVER_AUTH_SASL && !mechanisms)
        LOG_WARN("no client can be authenticated by SASL %s: %s", door->transport == SERVER_UNIX ? "on a UNIX socket" :
                 door->transport == SERVER_TLS ? "over TLS" : "over TCP", error_message());
    virResetLastError();
    sasl_session_free(session);
}

int service_listen(Service *service, int fd, SocketKind kind)
{
    static const ServerKind kinds[SOCKET_KINDS] = {
        [SOCKET_RW] = SERVER_RW, [SOCKET_RO] = SERVER_RO, [SOCKET_ADMIN] = SERVER_ADMIN,
    };
    ServerDoor door = { kinds[kind], SERVER_UNIX, service->auth[kind], &service->sasl };
    warn_if_useless(service, &door, fd);
    return server_add_listener(kind == SOCKET_ADMIN ? service->admin : service->main, fd, &door);
}

/* Clients that are connected keep what they agreed on. */
static int read_certificates(void *opaque)
{
    Service *service = opaque;
    TlsContext *context = network_read_certificates(service->conf);
    if (!context)
        return -1;
    server_set_tls(service->main, context);
    tls_context_unref(context);
    return 0;
}

int service_open_network(Service *service, GArray *handed_over)
{
    gboolean tls = FALSE;
    service->network = handed_over ? handed_over : network_listen(service->conf);
    for (guint i = 0; service->network && i < service->network->len; i++)
        tls |= g_array_index(service->network, NetworkSocket, i).transport == SERVER_TLS;
    if (!service->network || (tls && read_certificates(service) < 0))
        return -1;
    if (tls)
        admin_set_tls_update(service->main, read_certificates, service);
    return 0;
}

int service_listen_network(Service *service)
{
    for (guint i = 0; service->network && i < service->network->len; i++) {
        NetworkSocket *sock = &g_array_index(service->network, NetworkSocket, i);
        const char *auth = sock->transport == SERVER_TLS ? service->conf->auth_tls : service->conf->auth_tcp;
        ServerDoor door = { SERVER_RW, sock->transport, auth_of(auth, FALSE), &service->sasl };
        warn_if_useless(service, &door, sock->fd);
        if (server_add_listener(service->main, sock->fd, &door) < 0)
            return -1;
        sock->fd = -1; /* the server's now */
    }
    return 0;
}

unsigned service_clients(Service *service)
{
    return service->main ? server_client_count(service->main) + server_client_count(service->admin) : 0;
}

guint64 service_clients_ever(Service *service)
{
    return service->main ? server_clients_ever(service->main) + server_clients_ever(service->admin)
                         : service->clients_ever;
}

void service_stop(Service *service)
{
    if (!service->main)
        return;
    service->clients_ever = service_clients_ever(service);
    admin_forget();
    server_free(g_steal_pointer(&service->main));
    server_free(g_steal_pointer(&service->admin));
}

bool service_drain(Service *service, int64_t deadline_ms)
{
    return pool_drain(service->admin_pool, deadline_ms);
}

void service_free(Service *service)
{
    if (!service)
        return;
    service_stop(service);
    g_clear_pointer(&service->network, g_array_unref);
    pool_free(service->admin_pool);
    loop_events_unregister();
    g_free(service);
}
