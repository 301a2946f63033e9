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
/** As divert() and diverted() of a ServerProgram. */
gboolean stream_divert(ServerClient *client, RpcPacket *packet);
gboolean stream_diverted(ServerClient *client, const RpcHeader *header);
void streams_drop(ClientState *state);

/* For streams whose driver may wait (dispatch_pump.c) */

/** What a client sent at a time. */
typedef struct StreamPiece {
    long long hole;           /* length, if it is one: @len is 0 then */
    unsigned int hole_flags;
    gsize done, len;
    const uint8_t *data;
    uint8_t *block;           /* owns data */
} StreamPiece;
void stream_piece_free(gpointer piece);

/** Send a packet of the stream that the call @header opened; this thread's error if @status is RPC_ERROR. Any thread. */
void stream_send(ServerClient *client, const RpcHeader *header, RpcType type, RpcStatus status, const void *data, size_t n);
/** The stream has ended by itself: it is forgotten. Any thread. */
void stream_gone(ServerClient *client, guint32 serial);
/** Have the stream go on when the client's backlog has gone. Any thread. */
void stream_when_drained(ServerClient *client, guint32 serial);

/** A stream that workers serve; @read: data flows to the client. All of these on the loop's thread, and never wait. */
typedef struct Pump Pump;
Pump *pump_new(ServerClient *client, virStreamPtr st, const RpcHeader *header, gboolean read);
/** @piece is taken over. */
void pump_push(Pump *pump, StreamPiece *piece);
/** Whether it would rather read the client's data itself: there was much of late. */
gboolean pump_wants_to_read(Pump *pump);
/** Have it do so, behind what was pushed; the client is held as long. FALSE: it has ended. */
gboolean pump_read_on(Pump *pump);
void pump_drained(Pump *pump);
/** End it when all is written / at once, and answer the client; or because there is no client any more. @pump is no longer the caller's. */
void pump_finish(Pump *pump);
void pump_abort(Pump *pump);
void pump_drop(Pump *pump);

/** Send the reply that @call has built, or this thread's error (@status < 0). */
void dispatch_reply(DispatchCall *call, int status);

/** The text of a missing connection etc. */
virConnectPtr dispatch_need_conn(DispatchCall *call);
