/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * RPC client: calls from any number of threads over one socket.
 *
 * Whoever waits for a reply and finds nobody reading reads for all: it hands replies to their callers, events to the
 * event function, stream data to streams, until its own reply is there. When no call is waiting, the program's event
 * loop reads (if it has one). So a call costs one send and one receive, without a thread in between.
 */
#pragma once
#include "rpc/framing.h"

typedef struct RpcClient RpcClient;
typedef struct RpcClientStream RpcClientStream;

/** An event message came. Runs in whichever thread reads, without locks. */
typedef void (*RpcEventFunc)(const RpcPacket *packet, void *opaque);
/** The connection ended (once): @reason is a virConnectCloseReason. Any thread, without locks. */
typedef void (*RpcClosedFunc)(int reason, void *opaque);

/** Take over @fd, a connected stream socket (or the end of a tunnel), and @layer above it (NULL: none). @free_opaque runs
 * when nothing can call back any more. */
RpcClient *rpc_client_new(int fd, ChannelLayer *layer, RpcEventFunc event, RpcClosedFunc closed, void *opaque,
                          GDestroyNotify free_opaque);

/** End the connection: calls under way fail. */
void rpc_client_close(RpcClient *client);
/** Neither the event nor the closed function is running (on another thread) or will be called any more: the owner is on
 * its way out. Calls can still be made. */
void rpc_client_mute(RpcClient *client);
RpcClient *rpc_client_ref(RpcClient *client);
void rpc_client_unref(RpcClient *client);
gboolean rpc_client_is_open(RpcClient *client);
/** From now on everything goes through @layer (taken over). No call is under way, and the other side sends nothing by itself: if something
 * is there already it is somebody else's, and the answer is -1 with an error. */
int rpc_client_set_layer(RpcClient *client, ChannelLayer *layer);
/** Its socket. */
int rpc_client_fd(RpcClient *client);

/** A reply, owned by the caller. */
typedef struct RpcReply {
    uint8_t *data;
    size_t len;
    int fds[RPC_FDS_MAX];
    guint n_fds;
} RpcReply;

void rpc_reply_clear(RpcReply *reply);

/** Send the packet in @out (begun with rpc_packet_begin) as a call with @fds behind it and wait for the reply.
 * @stream: registered under the call's serial, NULL for none. 0 and the body of the reply; -1 with the server's error or
 * a transport error. */
int rpc_client_call(RpcClient *client, guint32 program, guint32 version, gint32 procedure, XdrOut *out, const int *fds,
                    guint n_fds, RpcClientStream *stream, RpcReply *reply);

/** Send a ping every @interval_s seconds of silence and give up after @count unanswered ones; 0 or less: off.
 * Needs the program's event loop. 0, 1 if there is no loop, -1 with an error. */
int rpc_client_keepalive(RpcClient *client, int interval_s, unsigned int count);

/* Streams */

RpcClientStream *rpc_client_stream_new(RpcClient *client, guint32 program, guint32 version, gint32 procedure);
void rpc_client_stream_unref(RpcClientStream *stream);
/** The program lets it go: what isn't at its end is aborted, without waiting for the server to agree. Drops the reference. */
void rpc_client_stream_drop(RpcClientStream *stream);
/** Bytes sent (all of them), or -1. */
int rpc_client_stream_send(RpcClientStream *stream, const char *data, size_t n);
int rpc_client_stream_send_hole(RpcClientStream *stream, long long length, unsigned int flags);
/** Bytes received; 0 at the end; -2 if @block is FALSE and there is nothing; -3 at a hole; -1 with an error. */
int rpc_client_stream_recv(RpcClientStream *stream, char *data, size_t n, gboolean block);
/** The same for all that came with one packet, without a copy: *@data is in *@memory, which the caller frees (rpc_block_free()). */
int rpc_client_stream_recv_block(RpcClientStream *stream, uint8_t **memory, const char **data, gboolean block);
/** Length of the hole at the front (0 if data is there); takes it away. */
int rpc_client_stream_recv_hole(RpcClientStream *stream, long long *length);
/** What is at the front: *@data 1 and its length, or 0 and the length of a hole (0 at the end). */
int rpc_client_stream_in_data(RpcClientStream *stream, int *data, long long *length);
/** Say that nothing more will be sent (or stop everything) and wait until the server agrees. */
int rpc_client_stream_finish(RpcClientStream *stream, gboolean abort);

typedef void (*RpcStreamReadyFunc)(void *opaque);
/** Call @ready when something can be received (or the stream ended). Any thread, without locks; NULL to stop. */
void rpc_client_stream_set_ready(RpcClientStream *stream, RpcStreamReadyFunc ready, void *opaque);
/** Whether a recv would not block. */
gboolean rpc_client_stream_readable(RpcClientStream *stream);
