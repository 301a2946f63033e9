/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams of clients: bytes between the socket and a virStream of a driver, on the loop's thread (those that may wait for a disk:
 * on workers, dispatch_pump.c). Neither side can make the daemon hold more than a little: a client that doesn't read is not read
 * for from the driver, and one that writes faster than the driver takes isn't read from.
 */
#define ERROR_DOMAIN VIR_FROM_STREAMS
#include "base/error.h"
#include "daemon/dispatch_priv.h"
#include "rpc/block.h"
#include "rpc/xdr_values.h"

#define CHUNK (256 * 1024)
#define BACKLOG (1024 * 1024)   /* no more is read from the driver while this much waits for the client */
#define INCOMING (1024 * 1024)  /* no more is read from the client while this much waits for the driver … */
#define PIECES 1024             /* … in this many packets */

struct ServerStream {
    ClientState *state;
    virStreamPtr st;
    RpcHeader header;         /* of the call */
    Pump *pump;               /* does all of what follows, if there is one */
    gboolean read;            /* data flows to the client */
    gboolean eof;             /* all of it has */
    gboolean waiting;         /* for the client's backlog to drain */
    gboolean finishing;       /* the client wants to finish when its data is written */
    GQueue incoming;          /* StreamPiece: what the driver hasn't taken yet, in order */
    gsize incoming_bytes;
    gboolean throttling;      /* the client is held */
};

static void stream_events(virStreamPtr st, int events, void *opaque);

void stream_piece_free(gpointer data)
{
    StreamPiece *piece = data;
    rpc_block_free(piece->block);
    g_free(piece);
}

static void stream_free(ServerStream *stream)
{
    if (stream->throttling)
        server_client_release(stream->state->client);
    g_hash_table_remove(stream->state->streams, GUINT_TO_POINTER(stream->header.serial));
    g_queue_clear_full(&stream->incoming, stream_piece_free);
    object_unref(stream->st);
    g_free(stream);
}

void stream_send(ServerClient *client, const RpcHeader *call, RpcType type, RpcStatus status, const void *data, size_t n)
{
    XdrOut out;
    RpcHeader header = *call;
    header.type = type;
    header.status = status;
    xdr_out_init(&out, RPC_MESSAGE_MAX);
    rpc_packet_begin(&out, -1);
    if (status == RPC_ERROR) {
        xdr_put_error(&out);
    } else {
        uint8_t *at = xdr_out_reserve(&out, n);
        if (at && n)
            memcpy(at, data, n);
    }
    if (rpc_packet_finish(&out, &header) == 0)
        server_client_send(client, &out, NULL, 0);
    xdr_out_clear(&out);
}

static void send_packet(ServerStream *stream, RpcType type, RpcStatus status, const void *data, size_t n)
{
    stream_send(stream->state->client, &stream->header, type, status, data, n);
}

/* This thread's error ends the stream. */
static void stream_fail(ServerStream *stream)
{
    send_packet(stream, RPC_STREAM, RPC_ERROR, NULL, 0);
    virErrorPtr saved = error_save();
    virStreamEventRemoveCallback(stream->st);
    virStreamAbort(stream->st);
    error_restore(saved);
    stream_free(stream);
}

/* The client wanted no more of it; it waits for the answer. */
static void stream_abort(ServerStream *stream)
{
    virStreamEventRemoveCallback(stream->st);
    virStreamAbort(stream->st);
    send_packet(stream, RPC_STREAM, RPC_OK, NULL, 0);
    stream_free(stream);
}

static void stream_update(ServerStream *stream)
{
    int events = 0;
    if (stream->read && !stream->eof && !stream->waiting)
        events |= VIR_STREAM_EVENT_READABLE;
    if (stream->incoming.length)
        events |= VIR_STREAM_EVENT_WRITABLE;
    virStreamEventUpdateCallback(stream->st, events);
}

/* The stream may have ended meanwhile: find it again by its serial. */
static void drained(ServerClient *client, void *opaque)
{
    ClientState *state = server_client_data(client);
    ServerStream *stream = g_hash_table_lookup(state->streams, opaque);
    if (!stream)
        return;
    if (stream->pump) {
        pump_drained(stream->pump);
        return;
    }
    stream->waiting = FALSE;
    stream_update(stream);
}

void stream_when_drained(ServerClient *client, guint32 serial)
{
    server_client_when_drained(client, drained, GUINT_TO_POINTER(serial));
}

typedef struct Gone { ServerClient *client; guint32 serial; } Gone;

static void gone_call(void *opaque)
{
    Gone *gone = opaque;
    ClientState *state = server_client_data(gone->client);
    ServerStream *stream = g_hash_table_lookup(state->streams, GUINT_TO_POINTER(gone->serial));
    if (stream && stream->pump) {
        pump_drop(stream->pump);
        stream_free(stream);
    }
    server_client_unref(gone->client);
    g_free(gone);
}

void stream_gone(ServerClient *client, guint32 serial)
{
    Gone *gone = g_new(Gone, 1);
    *gone = (Gone) { server_client_ref(client), serial };
    loop_call(server_loop(server_client_server(client)), gone_call, gone);
}

/* -1: the stream is gone */
static int stream_pull(ServerStream *stream)
{
    g_autofree char *data = g_malloc(CHUNK);
    int got = virStreamRecvFlags(stream->st, data, CHUNK, VIR_STREAM_RECV_STOP_AT_HOLE);
    if (got == -2)
        return 0;
    if (got == -3) {
        long long length = 0;
        XdrOut hole;
        if (virStreamRecvHole(stream->st, &length, 0) < 0) {
            stream_fail(stream);
            return -1;
        }
        xdr_out_init(&hole, 64);
        xdr_put_hyper(&hole, length);
        xdr_put_uint(&hole, 0);
        send_packet(stream, RPC_STREAM_HOLE, RPC_CONTINUE, hole.data, hole.len);
        xdr_out_clear(&hole);
        return 0;
    }
    if (got < 0) {
        stream_fail(stream);
        return -1;
    }
    stream->eof = got == 0;
    send_packet(stream, RPC_STREAM, RPC_CONTINUE, data, got);
    if (!stream->eof && server_client_backlog(stream->state->client) > BACKLOG) {
        stream->waiting = TRUE;
        stream_when_drained(stream->state->client, stream->header.serial);
    }
    return 0;
}

static void stream_finish(ServerStream *stream)
{
    virStreamEventRemoveCallback(stream->st);
    if (virStreamFinish(stream->st) < 0)
        send_packet(stream, RPC_STREAM, RPC_ERROR, NULL, 0);
    else
        send_packet(stream, RPC_STREAM, RPC_OK, NULL, 0);
    stream_free(stream);
}

/* Give a piece to the driver: 1 if it is done with, 0 if the driver can't take more now, -1 with an error. */
static int push_piece(ServerStream *stream, StreamPiece *piece)
{
    if (!piece->len)
        return virStreamSendHole(stream->st, piece->hole, piece->hole_flags) < 0 ? -1 : 1;
    int sent = virStreamSend(stream->st, (const char *) piece->data + piece->done, piece->len - piece->done);
    if (sent < 0)
        return sent == -2 ? 0 : -1;
    piece->done += (gsize) sent;
    stream->incoming_bytes -= (gsize) sent;
    return piece->done == piece->len;
}

/* -1: the stream is gone */
static int stream_push(ServerStream *stream)
{
    StreamPiece *piece = g_queue_peek_head(&stream->incoming);
    int rc = piece ? push_piece(stream, piece) : 0;
    if (rc < 0) {
        stream_fail(stream);
        return -1;
    }
    if (rc > 0)
        stream_piece_free(g_queue_pop_head(&stream->incoming));
    if (stream->throttling && stream->incoming_bytes < INCOMING / 2 && stream->incoming.length < PIECES / 2) {
        stream->throttling = FALSE;
        server_client_release(stream->state->client);
    }
    if (stream->finishing && !stream->incoming.length) {
        stream_finish(stream);
        return -1;
    }
    return 0;
}

static void stream_events(virStreamPtr st, int events, void *opaque)
{
    ServerStream *stream = opaque;
    virResetLastError();
    if ((events & VIR_STREAM_EVENT_WRITABLE) && stream_push(stream) < 0)
        return;
    if ((events & (VIR_STREAM_EVENT_READABLE | VIR_STREAM_EVENT_HANGUP | VIR_STREAM_EVENT_ERROR)) && stream->read &&
        !stream->eof && !stream->waiting && stream_pull(stream) < 0)
        return;
    if ((events & (VIR_STREAM_EVENT_HANGUP | VIR_STREAM_EVENT_ERROR)) && !stream->read) {
        error_report(ERROR_DOMAIN, VIR_ERR_INTERNAL_ERROR, "stream had I/O failure");
        stream_fail(stream);
        return;
    }
    stream_update(stream);
}

void stream_begin(DispatchCall *call)
{
    ServerStream *stream = g_new0(ServerStream, 1);
    stream->state = call->state;
    stream->st = g_steal_pointer(&call->stream);
    stream->header = call->header;
    stream->read = call->stream_read;
    g_queue_init(&stream->incoming);
    g_hash_table_insert(call->state->streams, GUINT_TO_POINTER(call->header.serial), stream);
    if (stream->st->driver->waits)
        stream->pump = pump_new(stream->state->client, stream->st, &stream->header, stream->read);
    else if (virStreamEventAddCallback(stream->st, stream->read ? VIR_STREAM_EVENT_READABLE : 0, stream_events, stream,
                                  NULL) < 0)
        stream_fail(stream);
}

/* NULL: nothing that matters, or (*@malformed) an error. */
static StreamPiece *piece_of(ServerClient *client, RpcPacket *packet, gboolean *malformed)
{
    g_autofree StreamPiece *piece = g_new0(StreamPiece, 1);
    *malformed = FALSE;
    if (packet->header.type == RPC_STREAM_HOLE) {
        XdrIn in;
        xdr_in_init(&in, packet->payload, packet->len);
        piece->hole = xdr_get_hyper(&in);
        piece->hole_flags = xdr_get_uint(&in);
        *malformed = !xdr_in_done(&in) || piece->hole < 0;
        return *malformed ? FAIL_NULL(VIR_ERR_RPC, "malformed hole in a stream") : g_steal_pointer(&piece);
    }
    if (!packet->len) /* the client's end of data, which only says what RPC_OK will say */
        return NULL;
    piece->block = server_client_take(client, packet);
    piece->data = packet->payload;
    piece->len = packet->len;
    return g_steal_pointer(&piece);
}

static int take_data(ServerStream *stream, RpcPacket *packet)
{
    gboolean malformed;
    StreamPiece *piece = piece_of(stream->state->client, packet, &malformed);
    if (!piece)
        return malformed ? -1 : 0;
    if (stream->pump) {
        pump_push(stream->pump, piece);
        return 0;
    }
    g_queue_push_tail(&stream->incoming, piece);
    stream->incoming_bytes += piece->len;
    if ((stream->incoming_bytes > INCOMING || stream->incoming.length > PIECES) && !stream->throttling) {
        stream->throttling = TRUE;
        server_client_hold(stream->state->client);
    }
    if (stream_push(stream) == 0)
        stream_update(stream);
    return 0;
}

/* NULL: there is none, or it ended here before the client knew. */
static ServerStream *stream_of(ServerClient *client, const RpcHeader *header)
{
    ClientState *state = server_client_data(client);
    ServerStream *stream = g_hash_table_lookup(state->streams, GUINT_TO_POINTER(header->serial));
    return stream && stream->header.procedure == header->procedure ? stream : NULL;
}

gboolean stream_divert(ServerClient *client, RpcPacket *packet)
{
    const gboolean data = packet->header.type == RPC_STREAM && packet->header.status == RPC_CONTINUE;
    ServerStream *stream = data ? stream_of(client, &packet->header) : NULL;
    if (!stream || !stream->pump || !pump_wants_to_read(stream->pump))
        return FALSE;
    return take_data(stream, packet) == 0;
}

gboolean stream_diverted(ServerClient *client, const RpcHeader *header)
{
    ServerStream *stream = stream_of(client, header);
    return stream && pump_read_on(stream->pump);
}

int stream_packet(ServerClient *client, RpcPacket *packet)
{
    ServerStream *stream = stream_of(client, &packet->header);
    if (!stream)
        return 0;
    switch (packet->header.status) {
    case RPC_CONTINUE:
        return take_data(stream, packet);
    case RPC_OK:
        if (stream->pump) {
            pump_finish(stream->pump);
            stream_free(stream);
            return 0;
        }
        stream->finishing = TRUE;
        if (!stream->incoming.length)
            stream_finish(stream);
        return 0;
    case RPC_ERROR:
        if (stream->pump) {
            pump_abort(stream->pump);
            stream_free(stream);
            return 0;
        }
        stream_abort(stream);
        return 0;
    default:
        return FAIL(VIR_ERR_RPC, "stream packet with status %u", packet->header.status);
    }
}

void streams_drop(ClientState *state)
{
    GHashTableIter iter;
    gpointer value;
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    g_hash_table_iter_init(&iter, state->streams);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(all, value);
    for (guint i = 0; i < all->len; i++) {
        ServerStream *stream = all->pdata[i];
        if (stream->pump) {
            pump_drop(stream->pump);
        } else {
            virStreamEventRemoveCallback(stream->st);
            virStreamAbort(stream->st);
        }
        stream_free(stream);
    }
}
