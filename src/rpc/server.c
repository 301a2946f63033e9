/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_RPC
#define LOG_SOURCE "rpc.server"
#include "base/error.h"
#include "base/log.h"
#include "rpc/server_priv.h"
#include "rpc/wire_protocol.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Accepted in one round, so that a crowd at the door doesn't starve those inside. */
#define ACCEPT_BATCH 16

void server_ref(RpcServer *server)
{
    g_atomic_int_inc(&server->refs);
}

void server_unref(RpcServer *server)
{
    if (!g_atomic_int_dec_and_test(&server->refs))
        return;
    g_hash_table_unref(server->clients);
    g_ptr_array_unref(server->listeners);
    tls_context_unref(server->tls);
    g_mutex_clear(&server->lock);
    g_free(server->name);
    g_free(server);
}

static void keepalive_round(LoopTimer *timer, void *opaque);

static void client_unref_value(gpointer data)
{
    server_client_unref(data);
}

RpcServer *server_new(const char *name, Loop *loop, Pool *pool, const ServerLimits *limits, const ServerHooks *hooks)
{
    RpcServer *server = g_new0(RpcServer, 1);
    server->refs = 1;
    server->name = g_strdup(name);
    server->loop = loop;
    server->pool = pool;
    server->hooks = *hooks;
    server->limits = *limits;
    server->next_id = 1;
    server->listening[FALSE] = server->listening[TRUE] = TRUE;
    g_mutex_init(&server->lock);
    server->clients = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, client_unref_value);
    server->listeners = g_ptr_array_new();
    if (limits->keepalive_interval > 0) {
        server->keepalive = loop_timer_add(loop, keepalive_round, server, NULL);
        loop_timer_set(server->keepalive, limits->keepalive_interval * 1000, limits->keepalive_interval * 1000);
    }
    return server;
}

void server_free(RpcServer *server)
{
    if (!server)
        return;
    for (guint i = 0; i < server->listeners->len; i++) {
        Listener *listener = server->listeners->pdata[i];
        loop_watch_remove(listener->watch);
        close(listener->fd);
        g_free(listener);
    }
    g_ptr_array_set_size(server->listeners, 0);
    if (server->keepalive)
        loop_timer_remove(server->keepalive);
    g_autoptr(GPtrArray) clients = server_clients(server);
    for (guint i = 0; i < clients->len; i++)
        client_finish(clients->pdata[i]);
    server_unref(server);
}

void server_add_program(RpcServer *server, const ServerProgram *program)
{
    g_assert(server->n_programs < G_N_ELEMENTS(server->programs));
    server->programs[server->n_programs++] = program;
}

const char *server_name(RpcServer *server)
{
    return server->name;
}

Pool *server_pool(RpcServer *server)
{
    return server->pool;
}

Loop *server_loop(RpcServer *server)
{
    return server->loop;
}

guint server_client_count(RpcServer *server)
{
    g_mutex_lock(&server->lock);
    guint n = g_hash_table_size(server->clients);
    g_mutex_unlock(&server->lock);
    return n;
}

guint64 server_clients_ever(RpcServer *server)
{
    g_mutex_lock(&server->lock);
    guint64 n = server->next_id - 1;
    g_mutex_unlock(&server->lock);
    return n;
}

guint server_anonymous_count(RpcServer *server)
{
    g_mutex_lock(&server->lock);
    guint n = server->n_anonymous[0] + server->n_anonymous[1];
    g_mutex_unlock(&server->lock);
    return n;
}

void server_get_limits(RpcServer *server, ServerLimits *limits)
{
    g_mutex_lock(&server->lock);
    *limits = server->limits;
    g_mutex_unlock(&server->lock);
}

static void update_listening_call(void *opaque)
{
    server_update_listening(opaque);
    server_unref(opaque);
}

void server_set_limits(RpcServer *server, const ServerLimits *limits)
{
    g_mutex_lock(&server->lock);
    server->limits = *limits;
    g_mutex_unlock(&server->lock);
    server_ref(server);
    loop_call(server->loop, update_listening_call, server);
}

GPtrArray *server_clients(RpcServer *server)
{
    GPtrArray *clients = g_ptr_array_new_with_free_func(client_unref_value);
    GHashTableIter iter;
    gpointer value;
    g_mutex_lock(&server->lock);
    g_hash_table_iter_init(&iter, server->clients);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(clients, server_client_ref(value));
    g_mutex_unlock(&server->lock);
    return clients;
}

ServerClient *server_find_client(RpcServer *server, guint64 id)
{
    g_mutex_lock(&server->lock);
    ServerClient *client = g_hash_table_lookup(server->clients, &id);
    if (client)
        server_client_ref(client);
    g_mutex_unlock(&server->lock);
    return client;
}

/* Listening */

static gboolean has_room(RpcServer *server, guint side)
{
    g_mutex_lock(&server->lock);
    const ServerLimits *limits = &server->limits;
    gboolean room = g_hash_table_size(server->clients) < limits->max_clients &&
                    (!limits->max_anonymous_clients || server->n_anonymous[side] < limits->max_anonymous_clients);
    g_mutex_unlock(&server->lock);
    return room;
}

void server_update_listening(RpcServer *server)
{
    for (guint side = 0; side < G_N_ELEMENTS(server->listening); side++) {
        gboolean room = has_room(server, side);
        if (room == server->listening[side])
            continue;
        server->listening[side] = room;
        if (!room)
            LOG_WARN("server '%s' has as many clients as it may have; new ones must wait", server->name);
        for (guint i = 0; i < server->listeners->len; i++) {
            Listener *listener = server->listeners->pdata[i];
            if (DOOR_SIDE(&listener->door) == side)
                loop_watch_update(listener->watch, room ? LOOP_IN : 0);
        }
    }
}

static void listener_ready(LoopWatch *watch, int fd, unsigned events, void *opaque)
{
    Listener *listener = opaque;
    for (int i = 0; i < ACCEPT_BATCH && listener->server->listening[DOOR_SIDE(&listener->door)]; i++) {
        int client_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client_fd < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                LOG_ERROR("cannot accept a client: %s", g_strerror(errno));
            return;
        }
        ServerClient *client = server_add_client(listener->server, client_fd, &listener->door);
        if (!client)
            LOG_ERROR("cannot serve a client: %s", error_message());
    }
}

void server_set_tls(RpcServer *server, TlsContext *context)
{
    g_mutex_lock(&server->lock);
    TlsContext *old = server->tls;
    server->tls = tls_context_ref(context);
    g_mutex_unlock(&server->lock);
    tls_context_unref(old);
}

int server_add_listener(RpcServer *server, int fd, const ServerDoor *door)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return FAIL_ERRNO(errno, "cannot make a listening socket non-blocking");
    Listener *listener = g_new0(Listener, 1);
    listener->server = server;
    listener->fd = fd;
    listener->door = *door;
    listener->watch = loop_watch_add(server->loop, fd, LOOP_IN, listener_ready, listener, NULL);
    if (!listener->watch) {
        g_free(listener);
        return -1;
    }
    g_ptr_array_add(server->listeners, listener);
    return 0;
}

/* Packets */

/* A call gets this thread's error; whatever else it is ends the connection. */
static int refuse(ServerClient *client, const RpcPacket *packet)
{
    if (packet->header.type != RPC_CALL && packet->header.type != RPC_CALL_WITH_FDS)
        return -1;
    client_send_error(client, &packet->header);
    return 0;
}

const ServerProgram *server_program(RpcServer *server, guint32 number)
{
    for (guint i = 0; i < server->n_programs; i++)
        if (server->programs[i]->number == number)
            return server->programs[i];
    return NULL;
}

int server_route(ServerClient *client, RpcPacket *packet)
{
    if (packet->header.program == KEEPALIVE_PROGRAM) {
        if (packet->header.procedure == 1)
            client_send_keepalive(client, 2);
        return 0;
    }
    const ServerProgram *program = server_program(client->server, packet->header.program);
    if (program && program->version == packet->header.version)
        return program->packet(client, packet);
    if (program)
        error_report(ERROR_DOMAIN, VIR_ERR_RPC, "program version mismatch (actual %u, expected %u)",
                     packet->header.version, program->version);
    else
        error_report(ERROR_DOMAIN, VIR_ERR_RPC, "unknown program 0x%x", packet->header.program);
    return refuse(client, packet);
}

/* Every interval: ping those who were silent, drop those who stay silent. */
static void keepalive_round(LoopTimer *timer, void *opaque)
{
    RpcServer *server = opaque;
    ServerLimits limits;
    server_get_limits(server, &limits);
    g_autoptr(GPtrArray) clients = server_clients(server);
    gint64 now = g_get_monotonic_time();
    for (guint i = 0; i < clients->len; i++) {
        ServerClient *client = clients->pdata[i];
        if (client_is_kept_waiting(client)) /* its answers aren't listened to */
            client->last_heard = now;
        if (!client->keepalive || now - client->last_heard < limits.keepalive_interval * G_USEC_PER_SEC)
            continue;
        if (client->unanswered++ >= limits.keepalive_count) {
            LOG_WARN("client %" G_GUINT64_FORMAT " did not answer %u pings; dropped", client->id,
                     limits.keepalive_count);
            client_finish(client);
        } else {
            client_send_keepalive(client, 1);
        }
    }
}
