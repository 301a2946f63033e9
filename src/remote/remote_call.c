/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_REMOTE
#include "remote/remote_call.h"
#include "base/error.h"

void remote_call_begin(RemoteCall *call, virConnectPtr conn, guint32 program, gint32 procedure)
{
    call->conn = conn;
    call->program = program;
    call->procedure = procedure;
    call->n_fds = 0;
    xdr_out_init(&call->out, RPC_MESSAGE_MAX);
    rpc_packet_begin(&call->out, -1);
}

int remote_call_begin_fds(RemoteCall *call, virConnectPtr conn, guint32 program, gint32 procedure, const int *fds,
                          guint n_fds)
{
    remote_call_begin(call, conn, program, procedure);
    if (n_fds > RPC_FDS_MAX)
        return FAIL(VIR_ERR_INVALID_ARG, "%u descriptors, at most %d can be passed", n_fds, RPC_FDS_MAX);
    if (n_fds && !((RemoteConn *) conn->data)->transport.passes_fds)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "descriptors can be passed only to a daemon on this host, over its UNIX socket");
    if (n_fds) {
        memcpy(call->fds, fds, n_fds * sizeof(int));
        call->n_fds = n_fds;
        rpc_packet_begin(&call->out, n_fds);
    }
    return 0;
}

static int run(RemoteCall *call, RpcClientStream *stream)
{
    RemoteConn *remote = call->conn->data;
    /* all programs of the daemon are at version 1 */
    int ret = rpc_client_call(remote->client, call->program, 1, call->procedure, &call->out, call->fds, call->n_fds,
                              stream, &call->reply);
    xdr_out_clear(&call->out);
    if (ret == 0)
        xdr_in_init(&call->in, call->reply.data, call->reply.len);
    return ret;
}

int remote_call_run(RemoteCall *call)
{
    return run(call, NULL);
}

int remote_call_run_stream(RemoteCall *call, virStreamPtr st, gboolean sparse)
{
    RemoteConn *remote = call->conn->data;
    if (st->driver) {
        xdr_out_clear(&call->out);
        return FAIL(VIR_ERR_OPERATION_INVALID, "the stream is already in use");
    }
    RpcClientStream *stream = rpc_client_stream_new(remote->client, call->program, 1, call->procedure);
    if (run(call, stream) < 0) {
        rpc_client_stream_unref(stream);
        return -1;
    }
    remote_stream_bind(st, stream);
    return 0;
}

int remote_call_end(RemoteCall *call)
{
    const char *failure = call->in.failure;
    gboolean done = xdr_in_done(&call->in);
    rpc_reply_clear(&call->reply);
    if (done)
        return 0;
    return FAIL(VIR_ERR_RPC, "malformed reply of the daemon to procedure %d: %s", call->procedure,
                failure ? failure : "more data than expected");
}

void remote_fill_params(virTypedParameterPtr params, int room, virTypedParameterPtr list, int n_list)
{
    for (int i = 0; i < MIN(room, n_list); i++) {
        params[i] = list[i];
        if (list[i].type == VIR_TYPED_PARAM_STRING)
            list[i].value.s = NULL;
    }
}

void remote_free_list(void **list, size_t n)
{
    /* A server sends no list to a caller that said it wants none; one that does so anyway loses a little memory of
     * unknown type rather than have it freed by guess. */
    (void) n;
    g_free(list);
}
