/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_RPC
#define LOG_SOURCE "daemon.dispatch"
#include "base/error.h"
#include "base/log.h"
#include "daemon/dispatch_priv.h"
#include "rpc/xdr_values.h"
#include <string.h>
#include <unistd.h>

/* Clients */

static void *client_new(ServerClient *client)
{
    ClientState *state = g_new0(ClientState, 1);
    state->client = client;
    g_mutex_init(&state->lock);
    state->callbacks = g_ptr_array_new_with_free_func(g_free);
    state->streams = g_hash_table_new(NULL, NULL);
    return state;
}

/* Closing a connection may have guests destroyed (autodestroy): not on the loop's thread. */
static void close_conn(void *opaque)
{
    object_unref(opaque);
}

static void client_gone(ServerClient *client)
{
    ClientState *state = server_client_data(client);
    streams_drop(state);
    g_mutex_lock(&state->lock);
    virConnectPtr conn = g_steal_pointer(&state->conn);
    g_mutex_unlock(&state->lock);
    if (!conn)
        return;
    g_atomic_int_set(&conn->gone, TRUE);
    /* no event may be sent to it any more, even while a worker still uses the connection */
    event_registry_clear(conn->events);
    pool_submit(server_pool(server_client_server(client)), NULL, true, close_conn, conn);
}

static void client_free(void *data)
{
    ClientState *state = data;
    object_unref(state->conn);
    g_ptr_array_unref(state->callbacks);
    g_hash_table_unref(state->streams);
    sasl_session_free(state->sasl);
    g_mutex_clear(&state->lock);
    g_free(state);
}

const ServerHooks dispatch_hooks = { client_new, client_gone, client_free };

/* What generated functions use */

int dispatch_args_done(DispatchCall *call)
{
    if (xdr_in_done(&call->in))
        return 0;
    return FAIL(VIR_ERR_RPC, "malformed arguments: %s",
                call->in.failure ? call->in.failure : "more data than expected");
}

int dispatch_room(DispatchCall *call, long long room, long long max)
{
    if (room >= 0 && room <= max)
        return 0;
    return FAIL(VIR_ERR_RPC, "asked for %lld results, must be 0 to %lld", room, max);
}

void dispatch_drop_strings(virTypedParameterPtr params, int n)
{
    for (int i = 0; i < n; i++) {
        if (params[i].type != VIR_TYPED_PARAM_STRING)
            continue;
        virTypedParamsClear(&params[i], 1);
        params[i].type = 0; /* a hole */
    }
}

int dispatch_stream_new(DispatchCall *call)
{
    call->stream = stream_handle_new(call->conn, VIR_STREAM_NONBLOCK);
    return 0;
}

int dispatch_stream_start(DispatchCall *call, gboolean read)
{
    if (!call->stream->driver)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the driver did not bind the stream");
    call->stream_read = read;
    call->stream_started = TRUE;
    return 0;
}

static gboolean before_auth(guint32 program, gint32 procedure)
{
    return program == REMOTE_PROGRAM && (procedure == REMOTE_PROC_AUTH_LIST ||
                                         procedure == REMOTE_PROC_AUTH_SASL_INIT ||
                                         procedure == REMOTE_PROC_AUTH_SASL_START ||
                                         procedure == REMOTE_PROC_AUTH_SASL_STEP ||
                                         procedure == REMOTE_PROC_AUTH_POLKIT);
}

static gboolean before_open(gint32 procedure)
{
    return procedure == REMOTE_PROC_CONNECT_OPEN || procedure == REMOTE_PROC_CONNECT_CLOSE ||
           procedure == REMOTE_PROC_CONNECT_SUPPORTS_FEATURE || before_auth(REMOTE_PROGRAM, procedure);
}

/* Permissions. The only access driver so far allows everything to those who may use the socket; the hook is where
 * others go: by rule, with the object that the call names. */
static int check_access(DispatchCall *call, const DispatchProc *proc)
{
    if (!call->conn && !(call->header.program == REMOTE_PROGRAM && before_open(call->header.procedure)))
        return FAIL(VIR_ERR_NO_CONNECT, "a client that has no open connection"); /* it was closed before its turn came */
    if (proc->readonly == CALL_RO_DENIED && call->conn && (call->conn->flags & VIR_CONNECT_RO))
        return FAIL(VIR_ERR_OPERATION_DENIED, "read only access prevents %s", proc->function);
    return 0;
}

/* Replies */

void dispatch_reply(DispatchCall *call, int status)
{
    if (status == 0 && call->n_out_fds && server_client_transport(call->client) != SERVER_UNIX)
        status = FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "descriptors can be passed only to a client on this host, over the UNIX socket");
    gboolean fds = status == 0 && (call->n_out_fds || call->fds_reply);
    RpcHeader header = call->header;
    header.type = fds ? RPC_REPLY_WITH_FDS : RPC_REPLY;
    header.status = status == 0 ? RPC_OK : RPC_ERROR;
    if (status == 0 && rpc_packet_finish(&call->out, &header) < 0)
        status = -1;
    if (status < 0) {
        header.type = RPC_REPLY;
        header.status = RPC_ERROR;
        rpc_packet_begin(&call->out, -1);
        xdr_put_error(&call->out);
        if (rpc_packet_finish(&call->out, &header) < 0) {
            server_client_close(call->client, FALSE);
            return;
        }
    }
    g_clear_pointer(&call->conn, object_unref); /* whoever is answered finds it unused when he closes it */
    if (status == 0 && call->layer)
        server_client_begin_layer(call->client, &call->out, g_steal_pointer(&call->layer));
    else
        server_client_send(call->client, &call->out, call->out_fds, fds && status == 0 ? call->n_out_fds : 0);
    if (call->close_after)
        server_client_close(call->client, TRUE);
}

static void call_finish(DispatchCall *call)
{
    for (guint i = 0; i < call->n_fds; i++)
        if (call->fds[i] >= 0)
            close(call->fds[i]);
    for (guint i = 0; i < call->n_out_fds; i++)
        close(call->out_fds[i]);
    if (call->layer)
        call->layer->ops->free(call->layer);
    object_unref(call->stream);
    xdr_out_clear(&call->out);
    object_unref(call->conn);
}

static void call_begin(DispatchCall *call, ServerClient *client, const RpcHeader *header)
{
    memset(call, 0, sizeof(*call));
    call->client = client;
    call->state = server_client_data(client);
    call->header = *header;
    g_mutex_lock(&call->state->lock);
    call->conn = call->state->conn ? object_ref(call->state->conn) : NULL;
    g_mutex_unlock(&call->state->lock);
    xdr_out_init(&call->out, RPC_MESSAGE_MAX);
    rpc_packet_begin(&call->out, -1);
}

static void call_answer(DispatchCall *call, const DispatchProc *proc)
{
    virResetLastError();
    int status = check_access(call, proc);
    call->out.secret = proc->secret;
    if (status == 0)
        status = proc->call(call);
    if (status < 0 && !virGetLastError())
        error_report(ERROR_DOMAIN, VIR_ERR_INTERNAL_ERROR, "%s failed without saying why", proc->function);
    if (status < 0)
        call->stream_started = FALSE;
    if (!call->stream_started)
        dispatch_reply(call, status);
}

/* A stream belongs to the loop's thread, which answers for it, too: what the client sends upon the answer finds the stream, and
 * a client that is gone by now leaves none behind. */
static void call_begin_stream(DispatchCall *call)
{
    if (server_client_is_closed(call->client)) {
        virStreamAbort(call->stream);
        return;
    }
    dispatch_reply(call, 0);
    stream_begin(call);
}

/* Workers */

typedef struct Job {
    DispatchCall call;
    const DispatchProc *proc;
    uint8_t *payload;
    size_t len;
} Job;

static void job_end(Job *job)
{
    server_client_request_end(job->call.client);
    call_finish(&job->call);
    server_client_unref(job->call.client);
    if (job->proc->secret && job->len)
        explicit_bzero(job->payload, job->len);
    g_free(job->payload);
    g_free(job);
}

static void begin_stream_call(void *opaque)
{
    Job *job = opaque;
    call_begin_stream(&job->call);
    job_end(job);
}

static void job_run(void *opaque)
{
    Job *job = opaque;
    call_answer(&job->call, job->proc);
    if (job->call.stream_started)
        loop_call(server_loop(server_client_server(job->call.client)), begin_stream_call, job);
    else
        job_end(job);
}

#define LANE_CLIENT_TEXT 24 /* a pointer as text */

/* The client and the UUID that the call is about, as a lane key: one client's calls on one guest keep their order; those
 * of different clients wait side by side, each with its own deadline, when the guest doesn't answer. Malformed
 * arguments have no lane; the function will say so. */
static gboolean lane_key(const DispatchProc *proc, const ServerClient *client, const RpcPacket *packet, char *key)
{
    XdrIn in;
    unsigned char uuid[VIR_UUID_BUFLEN];
    xdr_in_init(&in, packet->payload, packet->len);
    if (proc->lane == LANE_NONE)
        return FALSE;
    for (int texts = proc->lane == LANE_CHILD ? 2 : 1; texts > 0; texts--)
        g_free(xdr_get_string(&in));
    xdr_get_uuid(&in, uuid);
    if (in.failure)
        return FALSE;
    /* the agent has a queue of its own: a guest without one must not hold up the monitor */
    key[0] = proc->blocking == CALL_AGENT ? 'a' : 'm';
    for (int i = 0; i < VIR_UUID_BUFLEN; i++)
        g_snprintf(key + 1 + 2 * i, 3, "%02x", uuid[i]);
    g_snprintf(key + 1 + 2 * VIR_UUID_BUFLEN, LANE_CLIENT_TEXT, "%p", (const void *) client);
    return TRUE;
}

static void job_done(int status, void *opaque)
{
    Job *job = opaque;
    dispatch_reply(&job->call, status);
    job_end(job);
}

/* Whether the driver could begin on this thread (or refused for good); else a worker must call. */
static gboolean job_begun(Job *job)
{
    virResetLastError();
    AsyncStart start = check_access(&job->call, job->proc) < 0 ? ASYNC_FAILED
                                                               : job->proc->begin(&job->call, job_done, job);
    if (start == ASYNC_FAILED)
        job_done(-1, job);
    return start != ASYNC_REFUSED;
}

static void submit(ServerClient *client, RpcPacket *packet, const DispatchProc *proc)
{
    char key[2 * VIR_UUID_BUFLEN + 1 + LANE_CLIENT_TEXT];
    Pool *pool = server_pool(server_client_server(client));
    Job *job = g_new(Job, 1);
    call_begin(&job->call, server_client_ref(client), &packet->header);
    job->proc = proc;
    job->payload = g_memdup2(packet->payload, packet->len);
    job->len = packet->len;
    xdr_in_init(&job->call.in, job->payload, packet->len);
    memcpy(job->call.fds, packet->fds, packet->n_fds * sizeof(int));
    job->call.n_fds = packet->n_fds;
    packet->n_fds = 0;
    server_client_request_begin(client);
    gboolean urgent = proc->blocking == CALL_URGENT;
    gboolean has_lane = !urgent && (proc->blocking == CALL_GUEST || proc->blocking == CALL_AGENT) &&
                        lane_key(proc, client, packet, key);
    if (proc->secret) /* nobody reads the packet itself after this */
        explicit_bzero((uint8_t *) packet->payload, packet->len);
    if (proc->begin && !(has_lane && pool_lane_is_busy(pool, key))) {
        if (job_begun(job))
            return;
        xdr_in_init(&job->call.in, job->payload, packet->len);
    }
    pool_submit(pool, has_lane ? key : NULL, urgent || proc->priority, job_run, job);
}

static void answer_now(ServerClient *client, RpcPacket *packet, const DispatchProc *proc)
{
    DispatchCall call;
    call_begin(&call, client, &packet->header);
    xdr_in_init(&call.in, packet->payload, packet->len);
    memcpy(call.fds, packet->fds, packet->n_fds * sizeof(int));
    call.n_fds = packet->n_fds;
    packet->n_fds = 0;
    call_answer(&call, proc);
    if (call.stream_started)
        call_begin_stream(&call);
    call_finish(&call);
}

/* Packets */

static void refuse(ServerClient *client, const RpcPacket *packet)
{
    DispatchCall call;
    call_begin(&call, client, &packet->header);
    dispatch_reply(&call, -1);
    call_finish(&call);
}

static int check_state(ServerClient *client, const RpcHeader *header)
{
    ClientState *state = server_client_data(client);
    if (!server_client_authenticated(client) && !before_auth(header->program, header->procedure))
        return FAIL(VIR_ERR_AUTH_FAILED, "authentication required");
    if (header->program == REMOTE_PROGRAM && before_open(header->procedure))
        return 0;
    g_mutex_lock(&state->lock);
    gboolean open = state->conn != NULL;
    g_mutex_unlock(&state->lock);
    return open ? 0 : FAIL(VIR_ERR_NO_CONNECT, "a client that has no open connection");
}

static int take_call(ServerClient *client, RpcPacket *packet, const DispatchProc *procs, guint n_procs)
{
    gint32 number = packet->header.procedure;
    const DispatchProc *proc = number > 0 && (guint) number < n_procs ? &procs[number] : NULL;
    virResetLastError();
    if (packet->header.status != RPC_OK)
        return FAIL(VIR_ERR_RPC, "call with status %u", packet->header.status);
    if (!proc || !proc->call) {
        error_report(ERROR_DOMAIN, VIR_ERR_RPC, "unknown procedure: %d", number);
        refuse(client, packet);
    } else if (check_state(client, &packet->header) < 0) {
        refuse(client, packet);
    } else if (proc->blocking == CALL_NEVER) {
        answer_now(client, packet, proc);
    } else {
        submit(client, packet, proc);
    }
    return 0;
}

static int take_packet(ServerClient *client, RpcPacket *packet, const DispatchProc *procs, guint n_procs)
{
    switch (packet->header.type) {
    case RPC_CALL: case RPC_CALL_WITH_FDS:
        return take_call(client, packet, procs, n_procs);
    case RPC_STREAM: case RPC_STREAM_HOLE:
        return stream_packet(client, packet);
    default:
        return FAIL(VIR_ERR_RPC, "packet of type %u from a client", packet->header.type);
    }
}

static int take_remote(ServerClient *client, RpcPacket *packet)
{
    return take_packet(client, packet, remote_procs, remote_n_procs);
}

static int take_qemu(ServerClient *client, RpcPacket *packet)
{
    return take_packet(client, packet, qemu_procs, qemu_n_procs);
}

static int take_lxc(ServerClient *client, RpcPacket *packet)
{
    return take_packet(client, packet, lxc_procs, lxc_n_procs);
}

void dispatch_add_programs(RpcServer *server)
{
    static const ServerProgram programs[] = {
        { REMOTE_PROGRAM, REMOTE_PROTOCOL_VERSION, take_remote, stream_divert, stream_diverted },
        { QEMU_PROGRAM, QEMU_PROTOCOL_VERSION, take_qemu, stream_divert, stream_diverted },
        { LXC_PROGRAM, LXC_PROTOCOL_VERSION, take_lxc, stream_divert, stream_diverted },
    };
    for (guint i = 0; i < G_N_ELEMENTS(programs); i++)
        server_add_program(server, &programs[i]);
}
