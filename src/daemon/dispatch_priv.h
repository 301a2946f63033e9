/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by the files of dispatch.
 */
#pragma once
#include "core/event.h"
#include "daemon/dispatch.h"
#include "rpc/sasl.h"

/** What the daemon knows of a client. */
struct ClientState {
    ServerClient *client;     /* not a reference: the client owns the state */
    GMutex lock;
    virConnectPtr conn;
    GPtrArray *callbacks;     /* EventSubscription of dispatch_events.c, lock held */
    SaslSession *sasl;        /* of an attempt between two steps, lock held */
    GHashTable *streams;      /* serial -> ServerStream, loop's thread */
};

/** Streams (dispatch_stream.c); all on the loop's thread. */
void stream_begin(DispatchCall *call);
/** A packet of a stream. -1: protocol error. */
int stream_packet(ServerClient *client, RpcPacket *packet);
void streams_drop(ClientState *state);

/** Send the reply that @call has built, or this thread's error (@status < 0). */
void dispatch_reply(DispatchCall *call, int status);

/** The text of a missing connection etc. */
virConnectPtr dispatch_need_conn(DispatchCall *call);
