/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client's side of a stream: packets under the serial of the call that opened it. What came is queued until the
 * program takes it.
 */
#define ERROR_DOMAIN VIR_FROM_STREAMS
#include "base/error.h"
#include "rpc/block.h"
#include "rpc/client_priv.h"
#include "rpc/xdr_values.h"

/* A program that doesn't take what it asked for loses the stream rather than all its memory. */
#define QUEUE_MAX (256 * 1024 * 1024)
/* One data packet carries at most this, so that calls can pass in between. */
#define SEND_CHUNK (128 * 1024)

typedef struct Chunk {
    uint8_t *block;        /* owns data */
    const uint8_t *data;   /* NULL for a hole */
    size_t len, at;
    long long hole;
} Chunk;

struct RpcClientStream {
    gint refs;
    RpcClient *client;     /* owned reference */
    guint32 program, version;
    gint32 procedure;
    guint32 serial;
    GQueue queue;          /* Chunk */
    size_t queued;
    gboolean ended;        /* the server has no more data */
    gboolean finished;     /* the server agreed to a finish or abort */
    gboolean broken;       /* error says why */
    gboolean closed;       /* the program finished or aborted it: nothing is taken or sent any more */
    gboolean readable;     /* something to take, or nothing will ever come: what recv waits for */
    virErrorPtr error;
    RpcStreamReadyFunc ready;
    void *ready_opaque;
};

static void chunk_free(gpointer data)
{
    Chunk *chunk = data;
    rpc_block_free(chunk->block);
    g_free(chunk);
}

RpcClientStream *rpc_client_stream_new(RpcClient *client, guint32 program, guint32 version, gint32 procedure)
{
    RpcClientStream *stream = g_new0(RpcClientStream, 1);
    stream->refs = 1;
    stream->client = rpc_client_ref(client);
    stream->program = program;
    stream->version = version;
    stream->procedure = procedure;
    return stream;
}

void rpc_client_stream_unref(RpcClientStream *stream)
{
    if (!stream || !g_atomic_int_dec_and_test(&stream->refs))
        return;
    g_mutex_lock(&stream->client->lock);
    g_ptr_array_remove_fast(stream->client->streams, stream);
    g_mutex_unlock(&stream->client->lock);
    g_queue_clear_full(&stream->queue, chunk_free);
    virFreeError(stream->error);
    rpc_client_unref(stream->client);
    g_free(stream);
}

void client_stream_set_serial(RpcClientStream *stream, guint32 serial)
{
    stream->serial = serial;
}

RpcClientStream *client_stream_find(RpcClient *client, const RpcHeader *header)
{
    for (guint i = 0; i < client->streams->len; i++) {
        RpcClientStream *stream = client->streams->pdata[i];
        if (stream->serial == header->serial && stream->program == header->program &&
            stream->procedure == header->procedure)
            return stream;
    }
    return NULL;
}

static StreamReady stream_ready(RpcClientStream *stream)
{
    stream->readable = TRUE;
    g_cond_broadcast(&stream->client->changed);
    return (StreamReady) { stream->ready, stream->ready_opaque };
}

static void stream_break(RpcClientStream *stream)
{
    stream->broken = stream->ended = stream->finished = TRUE;
    virFreeError(stream->error);
    stream->error = error_save();
}

StreamReady client_stream_end(RpcClientStream *stream)
{
    virErrorPtr saved = error_save();
    if (!stream->finished) {
        error_report(ERROR_DOMAIN, VIR_ERR_RPC, "the connection ended while a stream was open");
        stream_break(stream);
    }
    error_restore(saved);
    return stream_ready(stream);
}

static void queue_chunk(RpcClientStream *stream, RpcPacket *packet)
{
    Chunk *chunk = g_new0(Chunk, 1);
    if (packet->header.type == RPC_STREAM_HOLE) {
        XdrIn in;
        xdr_in_init(&in, packet->payload, packet->len);
        chunk->hole = xdr_get_hyper(&in);
        xdr_get_uint(&in);
        if (!xdr_in_done(&in) || chunk->hole < 0) {
            error_report(ERROR_DOMAIN, VIR_ERR_RPC, "malformed hole in a stream");
            stream_break(stream);
            chunk_free(chunk);
            return;
        }
    } else {
        chunk->block = rpc_reader_take(&stream->client->reader, packet);
        chunk->data = packet->payload;
        chunk->len = packet->len;
        stream->queued += packet->len;
    }
    g_queue_push_tail(&stream->queue, chunk);
    if (stream->queued > QUEUE_MAX) {
        error_report(ERROR_DOMAIN, VIR_ERR_OVERFLOW, "stream data not taken in time");
        stream_break(stream);
    }
}

StreamReady client_stream_take(RpcClientStream *stream, RpcPacket *packet)
{
    virErrorPtr saved = error_save();
    if (packet->header.status == RPC_CONTINUE) {
        if (packet->header.type == RPC_STREAM && packet->len == 0)
            stream->ended = TRUE;
        else if (!stream->broken)
            queue_chunk(stream, packet);
    } else if (packet->header.status == RPC_OK) {
        stream->ended = stream->finished = TRUE;
    } else {
        XdrIn in;
        xdr_in_init(&in, packet->payload, packet->len);
        xdr_get_error(&in);
        stream_break(stream);
    }
    error_restore(saved);
    return stream_ready(stream);
}

static int stream_check(RpcClientStream *stream)
{
    if (stream->closed) {
        error_report(VIR_FROM_RPC, VIR_ERR_OPERATION_FAILED, "the stream is closed");
        return -1;
    }
    if (!stream->broken)
        return 0;
    if (stream->error)
        error_set_raw(stream->error->domain, stream->error->code, stream->error->level, stream->error->message,
                      stream->error->str1, stream->error->str2, stream->error->str3, stream->error->int1,
                      stream->error->int2);
    else
        error_report(ERROR_DOMAIN, VIR_ERR_INTERNAL_ERROR, "stream broken");
    return -1;
}

static int send_packet(RpcClientStream *stream, RpcType type, RpcStatus status, const void *data, size_t n)
{
    XdrOut out;
    RpcHeader header = { stream->program, stream->version, stream->procedure, type, stream->serial, status };
    xdr_out_init(&out, RPC_PREFIX);
    rpc_packet_begin(&out, -1);
    int ret = rpc_packet_finish_before(&out, &header, n);
    if (ret == 0)
        ret = client_send_data(stream->client, &out, data, n);
    xdr_out_clear(&out);
    return ret;
}

void rpc_client_stream_drop(RpcClientStream *stream)
{
    RpcClient *client = stream->client;
    g_mutex_lock(&client->lock);
    gboolean open = !stream->finished && !stream->broken && !stream->closed && !client->closed;
    stream->closed = TRUE;
    g_ptr_array_remove_fast(client->streams, stream); /* nobody waits for the answer */
    g_mutex_unlock(&client->lock);
    virErrorPtr saved = error_save();
    if (open && send_packet(stream, RPC_STREAM, RPC_ERROR, NULL, 0) < 0)
        virResetLastError();      /* the connection is gone, and the stream with it */
    error_restore(saved);
    rpc_client_stream_unref(stream);
}

int rpc_client_stream_send(RpcClientStream *stream, const char *data, size_t n)
{
    g_mutex_lock(&stream->client->lock);
    int ret = stream_check(stream);
    g_mutex_unlock(&stream->client->lock);
    size_t chunk = MIN(n, SEND_CHUNK);
    if (ret < 0 || send_packet(stream, RPC_STREAM, RPC_CONTINUE, data, chunk) < 0)
        return -1;
    return chunk;
}

int rpc_client_stream_send_hole(RpcClientStream *stream, long long length, unsigned int flags)
{
    XdrOut hole;
    xdr_out_init(&hole, 64);
    xdr_put_hyper(&hole, length);
    xdr_put_uint(&hole, flags);
    g_mutex_lock(&stream->client->lock);
    int ret = stream_check(stream);
    g_mutex_unlock(&stream->client->lock);
    if (ret == 0)
        ret = send_packet(stream, RPC_STREAM_HOLE, RPC_CONTINUE, hole.data, hole.len);
    xdr_out_clear(&hole);
    return ret;
}

/* Wait for the front of the queue. Lock held. 1: a chunk; 0: the end; -2: nothing yet; -1: error. */
static int stream_front(RpcClientStream *stream, gboolean block)
{
    if (stream->closed)
        return stream_check(stream);
    while (g_queue_is_empty(&stream->queue)) {
        if (stream_check(stream) < 0)
            return -1;
        if (stream->ended)
            return 0;
        if (!block)
            return -2;
        stream->readable = FALSE;
        if (client_wait(stream->client, &stream->readable) < 0)
            return -1;
    }
    return 1;
}

/* Wait for data at the front of the queue. Lock held. 1: *@chunk; else what rpc_client_stream_recv() gives. */
static int front_data(RpcClientStream *stream, gboolean block, Chunk **chunk)
{
    int ret = stream_front(stream, block);
    if (ret == 1)
        *chunk = g_queue_peek_head(&stream->queue);
    return ret == 1 && !(*chunk)->data ? -3 : ret;
}

/* @n bytes of the front are done with. Lock held. */
static void taken(RpcClientStream *stream, Chunk *chunk, size_t n)
{
    chunk->at += n;
    stream->queued -= n;
    if (chunk->at == chunk->len)
        chunk_free(g_queue_pop_head(&stream->queue));
}

int rpc_client_stream_recv(RpcClientStream *stream, char *data, size_t n, gboolean block)
{
    Chunk *chunk = NULL;
    g_mutex_lock(&stream->client->lock);
    int ret = front_data(stream, block, &chunk);
    if (ret == 1) {
        ret = MIN(MIN(n, chunk->len - chunk->at), G_MAXINT);
        memcpy(data, chunk->data + chunk->at, ret);
        taken(stream, chunk, ret);
    }
    g_mutex_unlock(&stream->client->lock);
    return ret;
}

int rpc_client_stream_recv_block(RpcClientStream *stream, uint8_t **memory, const char **data, gboolean block)
{
    Chunk *chunk = NULL;
    g_mutex_lock(&stream->client->lock);
    int ret = front_data(stream, block, &chunk);
    if (ret == 1) {
        ret = (int) (chunk->len - chunk->at); /* no packet is larger than RPC_MESSAGE_MAX */
        *memory = g_steal_pointer(&chunk->block);
        *data = (const char *) chunk->data + chunk->at;
        taken(stream, chunk, ret);
    }
    g_mutex_unlock(&stream->client->lock);
    return ret;
}

int rpc_client_stream_recv_hole(RpcClientStream *stream, long long *length)
{
    *length = 0;
    g_mutex_lock(&stream->client->lock);
    int ret = stream_front(stream, TRUE);
    Chunk *chunk = ret == 1 ? g_queue_peek_head(&stream->queue) : NULL;
    if (chunk && !chunk->data) {
        *length = chunk->hole;
        chunk_free(g_queue_pop_head(&stream->queue));
    }
    g_mutex_unlock(&stream->client->lock);
    return ret < 0 ? -1 : 0;
}

int rpc_client_stream_in_data(RpcClientStream *stream, int *data, long long *length)
{
    g_mutex_lock(&stream->client->lock);
    int ret = stream_front(stream, TRUE);
    Chunk *chunk = ret == 1 ? g_queue_peek_head(&stream->queue) : NULL;
    *data = chunk && chunk->data;
    *length = !chunk ? 0 : chunk->data ? (long long) (chunk->len - chunk->at) : chunk->hole;
    g_mutex_unlock(&stream->client->lock);
    return ret < 0 ? -1 : 0;
}

int rpc_client_stream_finish(RpcClientStream *stream, gboolean abort)
{
    RpcClient *client = stream->client;
    g_mutex_lock(&client->lock);
    gboolean over = stream->finished || client->closed;
    gboolean again = stream->closed;
    int ret = abort && !again ? 0 : stream_check(stream);
    stream->closed = again || over || abort; /* a finish when it is done: the answer must still be seen */
    g_mutex_unlock(&client->lock);
    if (over || again)
        return ret;
    if (ret == 0)
        ret = send_packet(stream, RPC_STREAM, abort ? RPC_ERROR : RPC_OK, NULL, 0);
    g_mutex_lock(&client->lock);
    if (ret == 0)
        ret = client_wait(client, &stream->finished);
    if (ret == 0 && !abort)
        ret = stream_check(stream);
    stream->closed = TRUE;
    g_ptr_array_remove_fast(client->streams, stream);
    g_mutex_unlock(&client->lock);
    return ret;
}

void rpc_client_stream_set_ready(RpcClientStream *stream, RpcStreamReadyFunc ready, void *opaque)
{
    g_mutex_lock(&stream->client->lock);
    stream->ready = ready;
    stream->ready_opaque = opaque;
    g_mutex_unlock(&stream->client->lock);
}

gboolean rpc_client_stream_readable(RpcClientStream *stream)
{
    g_mutex_lock(&stream->client->lock);
    gboolean readable = !g_queue_is_empty(&stream->queue) || stream->ended || stream->broken;
    g_mutex_unlock(&stream->client->lock);
    return readable;
}
