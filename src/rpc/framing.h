/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Packets on a stream socket: a length word, a header of six words, a payload; descriptors follow a packet, one dummy
 * byte each. Reading is buffered: one recvmsg() may bring many packets, and a packet is handed out in place.
 */
#pragma once
#include <glib.h>
#include "rpc/channel.h"
#include "rpc/xdr.h"

#define RPC_MESSAGE_MAX (33554432 + 4)  /* length word and all */
#define RPC_PREFIX 28                   /* length word and header */
#define RPC_FDS_MAX 32

typedef enum {
    RPC_CALL = 0, RPC_REPLY = 1, RPC_EVENT = 2, RPC_STREAM = 3, RPC_CALL_WITH_FDS = 4, RPC_REPLY_WITH_FDS = 5,
    RPC_STREAM_HOLE = 6,
} RpcType;

typedef enum { RPC_OK = 0, RPC_ERROR = 1, RPC_CONTINUE = 2 } RpcStatus;

typedef struct RpcHeader {
    uint32_t program;
    uint32_t version;
    int32_t procedure;
    uint32_t type;    /* RpcType, unchecked */
    uint32_t serial;
    uint32_t status;  /* RpcStatus, unchecked */
} RpcHeader;

/** A packet in the reader's buffer: valid until the next call on that reader. */
typedef struct RpcPacket {
    RpcHeader header;
    const uint8_t *payload;
    size_t len;
    int fds[RPC_FDS_MAX];  /* owned by whoever has the packet; rpc_packet_close_fds() */
    guint n_fds;
} RpcPacket;

typedef struct RpcReader {
    Channel *channel;
    size_t max;            /* largest packet taken at present (smaller before authentication) */
    uint8_t *buf;
    gboolean is_block;     /* buf is one of rpc_block_new() */
    size_t room, start, end;
    int fds[RPC_FDS_MAX];  /* arrived, not yet handed out */
    guint n_fds;
    size_t diverted;       /* so much is still to come of the packet whose rest goes to a pipe … */
    RpcHeader diverted_header; /* … with this header; of the last such if there is none */
    gboolean spare;        /* no more than a header is read: what is behind it may go to a pipe as well */
} RpcReader;

void rpc_reader_init(RpcReader *reader, Channel *channel);
void rpc_reader_clear(RpcReader *reader);

/** Whether nothing is read that was not handed out. */
static inline gboolean rpc_reader_is_empty(const RpcReader *reader)
{
    return reader->start == reader->end;
}

/** One receive, which waits for something if @block. Bytes got; 0 at the end of the stream; -1 with errno (EAGAIN: nothing
 * there now, or not within the channel's time). */
ssize_t rpc_reader_fill(RpcReader *reader, gboolean block);

/** Take the next complete packet. 1: there; 0: more bytes needed; -1: not our protocol (VIR_ERR_RPC set). */
int rpc_reader_next(RpcReader *reader, RpcPacket *packet);

/** Keep the payload of the packet that was just handed out beyond the next call: packet->payload is in the block that is returned (rpc_block_free())
 * from now on. A large packet leaves with the buffer that it came in, others are copied. */
uint8_t *rpc_reader_take(RpcReader *reader, RpcPacket *packet);

/** The packet that rpc_reader_next() gave 0 for: *@packet has its header, and of its payload what has come. Bytes that are missing; 0: there is no
 * such packet, or not all of its header. */
size_t rpc_reader_begun(const RpcReader *reader, RpcPacket *packet);
/** Have what is missing of that packet come by rpc_reader_pipe(); rpc_reader_next() will not give it. Only without a layer. */
void rpc_reader_divert(RpcReader *reader);
/** Move what has come of it (reader->diverted is what hasn't) from the socket into @pipe, which should not wait, or drop it (@pipe < 0). Bytes;
 * 0 at the end of the stream; -1 with errno (EAGAIN: nothing there now, or no room in the pipe). */
ssize_t rpc_reader_pipe(RpcReader *reader, int pipe);

void rpc_packet_close_fds(RpcPacket *packet);

/** Begin a packet: room for the prefix. Then put the payload, then finish. @n_fds: count word of a packet with
 * descriptors, -1 for one without. */
void rpc_packet_begin(XdrOut *out, int n_fds);
/** Fill in the prefix. 0, or -1 (VIR_ERR_RPC) if a put failed. */
int rpc_packet_finish(XdrOut *out, const RpcHeader *header);
/** The same for a packet of which @n more bytes are sent from elsewhere. */
int rpc_packet_finish_before(XdrOut *out, const RpcHeader *header, size_t n);
