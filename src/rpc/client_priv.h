/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by client.c (calls, reading) and client_stream.c.
 */
#pragma once
#include "rpc/client.h"

/** A call that waits for its reply; on its caller's stack. */
typedef struct Pending {
    guint32 program;
    gint32 procedure;
    guint32 serial;
    gboolean done;
    gboolean failed;      /* status RPC_ERROR: the reply is an error */
    RpcReply *reply;
} Pending;

struct RpcClient {
    gint refs;
    GMutex lock;          /* everything below */
    GCond changed;        /* a pending call is done, the reader left, or the connection ended */
    GMutex send_lock;     /* one packet at a time on the wire */
    Channel channel;
    RpcReader reader;
    gboolean reading;     /* some thread is in recvmsg() */
    gboolean closed;
    gboolean malformed;   /* what the daemon sent ended it */
    int close_reason;
    guint32 serial;
    GPtrArray *pending;
    GPtrArray *streams;   /* RpcClientStream, not references: a stream takes itself out */
    int handle;           /* the program's loop watches fd; -1 */
    gboolean handle_off;
    guint upcalls;        /* functions of the owner that are running, without the lock */
    RpcEventFunc event;   /* NULL once muted, as on_closed */
    RpcClosedFunc on_closed;
    void *opaque;
    GDestroyNotify free_opaque;
    int keepalive_timer;
    int keepalive_interval;
    unsigned int keepalive_count, keepalive_unanswered;
};

/** Wait until *@done, reading or while another thread reads. @lock held. -1 with an error if the connection ended first. */
int client_wait(RpcClient *client, const gboolean *done);

/** Send one finished packet and descriptors. Without @lock. 0, or -1, and then the connection is over. */
int client_send(RpcClient *client, const XdrOut *out, const int *fds, guint n_fds);
/** The same for a packet whose last @n bytes are in @data (its length word counts them). */
int client_send_data(RpcClient *client, const XdrOut *out, const void *data, size_t n);

/** A stream packet came, which the reader has just handed out. @lock held. Returns the stream's ready function to call without the lock, or NULL. */
typedef struct StreamReady { RpcStreamReadyFunc func; void *opaque; } StreamReady;
StreamReady client_stream_take(RpcClientStream *stream, RpcPacket *packet);
RpcClientStream *client_stream_find(RpcClient *client, const RpcHeader *header);
/** The connection ended. @lock held. */
StreamReady client_stream_end(RpcClientStream *stream);
void client_stream_set_serial(RpcClientStream *stream, guint32 serial);
