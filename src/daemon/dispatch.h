/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From packet to call. The order is fixed: decode the header, find the procedure, check what the client may do at all
 * (authenticated, opened, read-only), then either answer on the loop's thread (procedures whose table row says that
 * they never block) or hand the packet to a worker: in the lane of the domain that it is about, so that any number
 * of calls on one sick guest occupies one worker. The functions themselves are generated (dispatch_PROGRAM.c);
 * those marked "hand" in the table are in dispatch_hand.c and dispatch_events.c.
 */
#pragma once
#include "core/objects.h"
#include "rpc/server.h"
#include "rpc/wire_protocol.h"
#include "rpc/wire_records.h"

typedef struct ClientState ClientState;
typedef struct ServerStream ServerStream;

/** One call being answered. */
typedef struct DispatchCall {
    ServerClient *client;
    ClientState *state;
    virConnectPtr conn;      /* of the client; NULL before CONNECT_OPEN. Not a reference of its own. */
    RpcHeader header;
    XdrIn in;
    XdrOut out;
    int fds[RPC_FDS_MAX];    /* came with the call; closed afterwards unless taken (-1) */
    guint n_fds;
    int out_fds[RPC_FDS_MAX];/* go with the reply; closed afterwards */
    guint n_out_fds;
    gboolean fds_reply;      /* the reply has a count of descriptors even if there are none */
    ChannelLayer *layer;     /* begins behind the reply, and the client is authenticated then; NULL: none */
    gboolean close_after;    /* the reply is the last that the client gets */
    virStreamPtr stream;     /* of a call that opens one; reference */
    gboolean stream_read, stream_started;
} DispatchCall;

typedef enum { CALL_NEVER, CALL_DISK, CALL_PROCESS, CALL_GUEST, CALL_AGENT, CALL_BULK, CALL_URGENT } CallBlocking;
typedef enum { CALL_RO_ALLOWED, CALL_RO_DENIED, CALL_RO_CONDITIONAL } CallReadonly;
/** Where the arguments have the domain's UUID: first argument, or second part of the first (snapshot, checkpoint). */
typedef enum { LANE_NONE, LANE_DOMAIN, LANE_CHILD } CallLane;

/** A permission that a call needs: always, if any of @flags is set in its last argument (none, if @negate), or if the
 * argument @argument has the value @flags. */
typedef struct AclRule {
    const char *object, *permission;
    unsigned int flags;
    gboolean negate;
    const char *argument;
} AclRule;

typedef struct DispatchProc {
    const char *name;        /* of the procedure */
    const char *function;    /* public, for messages */
    int (*call)(DispatchCall *call);
    AsyncStart (*begin)(DispatchCall *call, AsyncDone done, void *opaque); /* NULL: has no asynchronous form */
    CallBlocking blocking;
    gboolean priority;
    CallReadonly readonly;
    CallLane lane;
    const AclRule *acl;
    gboolean secret;         /* arguments or results have something in them that is cleared before memory is freed */
} DispatchProc;

/** Client hooks and programs for a server. @auth_polkit: ask polkit before an unprivileged user may do anything. */
extern const ServerHooks dispatch_hooks;
void dispatch_add_programs(RpcServer *server);
void dispatch_set_polkit(gboolean required);

/* For the generated functions. All return 0, or -1 with an error. */

/** The arguments were read to their end. */
int dispatch_args_done(DispatchCall *call);
/** A count that the caller gives for results is within the protocol's bound. */
int dispatch_room(DispatchCall *call, long long room, long long max);
/** Take the parameters that are strings away, for a client that doesn't say that it knows them. */
void dispatch_drop_strings(virTypedParameterPtr params, int n);
/** A stream for the call to bind. */
int dispatch_stream_new(DispatchCall *call);
/** Let it flow, once the reply is sent. */
int dispatch_stream_start(DispatchCall *call, gboolean read);

#include "daemon/dispatch_table.h"
