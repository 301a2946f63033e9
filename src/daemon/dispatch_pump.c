/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams of what may wait for a disk: workers read and write, so that a slow disk holds up nobody but who uses it. A worker has
 * the stream as long as there is something to do; the loop's thread only queues what came and says how it is to end. Of a client that
 * sends much the worker reads on by itself, by way of a pipe from the socket into the file, as long as nothing else comes.
 */
#define ERROR_DOMAIN VIR_FROM_STREAMS
#include "base/error.h"
#include "daemon/dispatch_priv.h"
#include "rpc/block.h"

/* What is on its way fits in the processor's cache. */
#define CHUNK (128 * 1024)
#define BACKLOG (512 * 1024)    /* no more is read from the driver while this much waits for the client */
#define INCOMING (512 * 1024)   /* no more is read from the client while this much waits for the driver … */
#define PIECES 1024             /* … in this many packets */
/* After this much in a row the worker reads the client. Who sends less may do other things while a disk stalls. */
#define MUCH INCOMING

typedef enum { PUMP_GOES_ON, PUMP_FINISHES, PUMP_ABORTS, PUMP_DROPS } PumpEnd;

struct Pump {
    gint refs;
    ServerClient *client;     /* reference */
    virStreamPtr st;          /* reference; the worker's */
    RpcHeader header;
    gboolean read;
    RpcPipe *pipe;            /* the worker's; NULL: data is copied, or (not @read) the client is read by the loop's thread only */
    GMutex lock;              /* what follows */
    gboolean running;         /* a worker has it or will have it */
    gboolean over;            /* it has ended: nothing more will be done */
    gboolean eof;             /* all of it went to the client */
    gboolean full;            /* the client's backlog is to drain first */
    gboolean held;            /* the client is */
    gboolean reads;           /* the worker reads the client, which is held for that as well */
    gsize in_a_row;           /* came since it last gave that up */
    PumpEnd end;              /* what the client wants */
    GQueue incoming;          /* StreamPiece */
    gsize incoming_bytes;
};

static void pump_run(void *opaque);

static void pump_unref(Pump *pump)
{
    if (!g_atomic_int_dec_and_test(&pump->refs))
        return;
    g_queue_clear_full(&pump->incoming, stream_piece_free);
    rpc_pipe_unref(pump->pipe);
    object_unref(pump->st);
    server_client_unref(pump->client);
    g_mutex_clear(&pump->lock);
    g_free(pump);
}

/* There may be something to do. The lock is held. */
static void wake(Pump *pump)
{
    if (pump->running || pump->over)
        return;
    pump->running = TRUE;
    g_atomic_int_inc(&pump->refs);
    pool_submit(server_pool(server_client_server(pump->client)), NULL, false, pump_run, pump);
}

Pump *pump_new(ServerClient *client, virStreamPtr st, const RpcHeader *header, gboolean read)
{
    Pump *pump = g_new0(Pump, 1);
    pump->refs = 1;
    pump->client = server_client_ref(client);
    pump->st = object_ref(st);
    pump->header = *header;
    pump->read = read;
    if ((read ? st->driver->recv_pipe != NULL : st->driver->send_pipe != NULL) && server_client_is_plain(client))
        pump->pipe = rpc_pipe_new(2 * BACKLOG);
    g_mutex_init(&pump->lock);
    g_queue_init(&pump->incoming);
    g_mutex_lock(&pump->lock);
    wake(pump);
    g_mutex_unlock(&pump->lock);
    return pump;
}

void pump_push(Pump *pump, StreamPiece *piece)
{
    g_mutex_lock(&pump->lock);
    gboolean over = pump->over;
    gboolean hold = FALSE;
    if (!over) {
        g_queue_push_tail(&pump->incoming, piece);
        pump->incoming_bytes += piece->len;
        pump->in_a_row += piece->len;
        hold = !pump->held && (pump->incoming_bytes > INCOMING || pump->incoming.length > PIECES);
        pump->held |= hold;
        if (hold)
            server_client_hold(pump->client);
        wake(pump);
    }
    g_mutex_unlock(&pump->lock);
    if (over)
        stream_piece_free(piece);
}

gboolean pump_wants_to_read(Pump *pump)
{
    g_mutex_lock(&pump->lock);
    gboolean wants = !pump->read && pump->pipe && !pump->over && pump->in_a_row >= MUCH;
    g_mutex_unlock(&pump->lock);
    return wants;
}

gboolean pump_read_on(Pump *pump)
{
    g_mutex_lock(&pump->lock);
    gboolean over = pump->over;
    if (!over) {
        pump->reads = TRUE;
        server_client_hold(pump->client);
        wake(pump);
    }
    g_mutex_unlock(&pump->lock);
    return !over;
}

void pump_drained(Pump *pump)
{
    g_mutex_lock(&pump->lock);
    pump->full = FALSE;
    wake(pump);
    g_mutex_unlock(&pump->lock);
}

static void pump_end(Pump *pump, PumpEnd end)
{
    g_mutex_lock(&pump->lock);
    pump->end = end;
    wake(pump);
    g_mutex_unlock(&pump->lock);
    pump_unref(pump);
}

void pump_finish(Pump *pump) { pump_end(pump, PUMP_FINISHES); }
void pump_abort(Pump *pump) { pump_end(pump, PUMP_ABORTS); }
void pump_drop(Pump *pump) { pump_end(pump, PUMP_DROPS); }

/* Workers. The lock is not held but where it says so. */

/* The client may be read again. The lock is held. */
static void release(Pump *pump)
{
    if (pump->held)
        server_client_release(pump->client);
    pump->held = FALSE;
}

/* The loop's thread reads it again. The lock is held. */
static void give_up_reading(Pump *pump)
{
    if (pump->reads)
        server_client_release(pump->client);
    pump->reads = FALSE;
    pump->in_a_row = 0;
}

/* Nothing more will be done. The lock is held. */
static void set_over(Pump *pump)
{
    pump->over = TRUE;
    g_queue_clear_full(&pump->incoming, stream_piece_free);
    pump->incoming_bytes = 0;
    release(pump);
    give_up_reading(pump);
}

/* This thread's error ends the stream. */
static void fail(Pump *pump)
{
    virErrorPtr saved = error_save();
    virStreamAbort(pump->st);
    error_restore(saved);
    stream_send(pump->client, &pump->header, RPC_STREAM, RPC_ERROR, NULL, 0);
    g_mutex_lock(&pump->lock);
    set_over(pump);
    g_mutex_unlock(&pump->lock);
    stream_gone(pump->client, pump->header.serial);
}

static void end_as_wanted(Pump *pump, PumpEnd end)
{
    gboolean done = TRUE;
    if (end == PUMP_FINISHES)
        done = virStreamFinish(pump->st) == 0;
    else
        virStreamAbort(pump->st);   /* the client wants no more of it, whatever became of it */
    if (end != PUMP_DROPS)
        stream_send(pump->client, &pump->header, RPC_STREAM, done ? RPC_OK : RPC_ERROR, NULL, 0);
    g_mutex_lock(&pump->lock);
    set_over(pump);
    g_mutex_unlock(&pump->lock);
}

static void pull_hole(Pump *pump)
{
    long long length = 0;
    XdrOut hole;
    if (virStreamRecvHole(pump->st, &length, 0) < 0) {
        fail(pump);
        return;
    }
    xdr_out_init(&hole, 64);
    xdr_put_hyper(&hole, length);
    xdr_put_uint(&hole, 0);
    stream_send(pump->client, &pump->header, RPC_STREAM_HOLE, RPC_CONTINUE, hole.data, hole.len);
    xdr_out_clear(&hole);
}

/* By way of the pipe the daemon never sees the data. As the driver's recv_pipe(). */
static int pull_piped(Pump *pump, const RpcHeader *header)
{
    uint8_t head[RPC_PREFIX];
    XdrOut out = { .data = head, .len = RPC_PREFIX };
    int got = pump->st->driver->recv_pipe(pump->st, pump->pipe->fds[1], CHUNK, VIR_STREAM_RECV_STOP_AT_HOLE);
    if (got < 0)
        return got;
    rpc_packet_finish_before(&out, header, (size_t) got);
    server_client_give_pipe(pump->client, head, sizeof(head), pump->pipe, (size_t) got);
    return got;
}

/* What is read goes straight into the packet that is sent. As virStreamRecvFlags(). */
static int pull_copied(Pump *pump, const RpcHeader *header)
{
    uint8_t *block = rpc_block_new(RPC_PREFIX + CHUNK);
    int got = virStreamRecvFlags(pump->st, (char *) block + RPC_PREFIX, CHUNK, VIR_STREAM_RECV_STOP_AT_HOLE);
    if (got >= 0) {
        XdrOut out = { .data = block, .len = RPC_PREFIX + (size_t) got };
        rpc_packet_finish(&out, header);
        server_client_give(pump->client, block, out.len);
    } else {
        rpc_block_free(block);
    }
    return got;
}

static void pull(Pump *pump)
{
    RpcHeader header = pump->header;
    header.type = RPC_STREAM;
    header.status = RPC_CONTINUE;
    int got = pump->pipe ? pull_piped(pump, &header) : -4;
    if (got == -4)
        got = pull_copied(pump, &header);
    if (got == -3)
        pull_hole(pump);
    else if (got < 0 && got != -2)
        fail(pump);
    gboolean full = got == -2 || (got > 0 && server_client_backlog(pump->client) > BACKLOG);
    g_mutex_lock(&pump->lock);
    pump->eof = got == 0;
    pump->full = full;
    g_mutex_unlock(&pump->lock);
    if (full)
        stream_when_drained(pump->client, pump->header.serial);
}

static int write_piece(Pump *pump, StreamPiece *piece)
{
    if (!piece->len)
        return virStreamSendHole(pump->st, piece->hole, piece->hole_flags);
    for (gsize done = 0; done < piece->len; ) {
        int sent = virStreamSend(pump->st, (const char *) piece->data + done, piece->len - done);
        if (sent < 0)
            return -1;
        done += (gsize) sent;
    }
    return 0;
}

static void push(Pump *pump, StreamPiece *piece)
{
    int rc = write_piece(pump, piece);
    gsize len = piece->len;
    stream_piece_free(piece);
    if (rc < 0) {
        fail(pump);
        return;
    }
    g_mutex_lock(&pump->lock);
    pump->incoming_bytes -= len;
    if (pump->incoming_bytes < INCOMING / 2 && pump->incoming.length < PIECES / 2)
        release(pump);
    g_mutex_unlock(&pump->lock);
}

/* Some more of what the client sends, from the socket into the file. */
static void read_on(Pump *pump)
{
    const gsize got = server_client_pipe(pump->client, pump->pipe);
    for (gsize done = 0; done < got; ) {
        int sent = pump->st->driver->send_pipe(pump->st, pump->pipe->fds[0], got - done);
        if (sent < 0) {
            fail(pump);
            return;
        }
        done += (gsize) sent;
    }
    if (got)
        return;
    g_mutex_lock(&pump->lock);
    give_up_reading(pump);
    g_mutex_unlock(&pump->lock);
}

/* One thing that there is to do. FALSE: nothing at present. The lock is held at the beginning and the end. */
static gboolean step(Pump *pump)
{
    PumpEnd end = pump->end;
    if (pump->over)
        return FALSE;
    gboolean ends = end > PUMP_FINISHES || (end == PUMP_FINISHES && !pump->incoming.length);
    StreamPiece *piece = ends ? NULL : g_queue_pop_head(&pump->incoming);   /* what nobody may write is refused as it is written */
    const gboolean reads = pump->reads;
    if (!ends && !piece && !reads && (!pump->read || pump->eof || pump->full))
        return FALSE;
    g_mutex_unlock(&pump->lock);
    virResetLastError();
    if (ends)
        end_as_wanted(pump, end);
    else if (piece)
        push(pump, piece);
    else if (reads)
        read_on(pump);
    else
        pull(pump);
    g_mutex_lock(&pump->lock);
    return TRUE;
}

static void pump_run(void *opaque)
{
    Pump *pump = opaque;
    pool_blocking_begin();
    g_mutex_lock(&pump->lock);
    while (step(pump))
        continue;
    pump->running = FALSE;
    g_mutex_unlock(&pump->lock);
    pool_blocking_end();
    pump_unref(pump);
}
