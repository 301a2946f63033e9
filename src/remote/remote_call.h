/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the generated calls are made of: begin, put, run, get, end.
 */
#pragma once
#include "core/objects.h"
#include "remote/remote_calls.h"
#include "remote/transport.h"
#include "rpc/client.h"
#include "rpc/wire_protocol.h"
#include "rpc/wire_records.h"

/** A connection's own data. */
typedef struct RemoteConn {
    RpcClient *client;
    Transport transport;      /* the way; socket and layer are the client's */
    EventBus *bus;            /* events that the server sends */
    gboolean server_keepalive;/* the server knows the keepalive program */
    char *type;               /* what virConnectGetType() answered; NULL until asked */
    GMutex lock;              /* event registrations, type */
    GPtrArray *registrations; /* of remote_events.c */
} RemoteConn;

typedef struct RemoteCall {
    virConnectPtr conn;
    guint32 program;
    gint32 procedure;
    XdrOut out;
    XdrIn in;
    RpcReply reply;
    int fds[RPC_FDS_MAX];     /* to send; not owned */
    guint n_fds;
} RemoteCall;

void remote_call_begin(RemoteCall *call, virConnectPtr conn, guint32 program, gint32 procedure);
/** As remote_call_begin() for a call that passes descriptors. -1 if there are too many. */
int remote_call_begin_fds(RemoteCall *call, virConnectPtr conn, guint32 program, gint32 procedure, const int *fds,
                          guint n_fds);
/** Send and wait. 0: call->in has the reply, remote_call_end() must follow; -1 with the error, all freed. */
int remote_call_run(RemoteCall *call);
/** The same, and bind @st to the call. */
int remote_call_run_stream(RemoteCall *call, virStreamPtr st, gboolean sparse);
/** Check that the reply was read to its end, free. 0, or -1 with VIR_ERR_RPC. */
int remote_call_end(RemoteCall *call);

/** Show the server who we are, the way it wants (remote_auth.c). 0, or -1 with an error. */
int remote_authenticate(virConnectPtr conn, virConnectAuthPtr auth);

/** Move at most @room parameters of @list into @params; what is moved is marked in @list. */
void remote_fill_params(virTypedParameterPtr params, int room, virTypedParameterPtr list, int n_list);
/** Free a list of handles or strings or records that the caller didn't want. */
void remote_free_list(void **list, size_t n);

/** Bind a stream handle to a stream of the RPC client (reference taken over). */
void remote_stream_bind(virStreamPtr st, RpcClientStream *stream);

/** An event message (remote_events.c). */
void remote_event_received(RemoteConn *remote, const RpcPacket *packet, virConnectPtr conn);
void remote_registrations_free(GPtrArray *registrations);
