/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_RPC
#include "rpc/framing.h"
#include "base/error.h"
#include "rpc/block.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_CHUNK 16384
#define READ_CHUNK_MAX (1024 * 1024)
#define KEEP_BUFFER (256 * 1024)  /* a bigger buffer is given back once it is empty */
/* Packets from this size up to RPC_BLOCK (data of streams mostly) come in a block of their own, which can be kept without a copy. */
#define OWN_BLOCK_MIN (32 * 1024)

void rpc_reader_init(RpcReader *reader, Channel *channel)
{
    memset(reader, 0, sizeof(*reader));
    reader->channel = channel;
    reader->max = RPC_MESSAGE_MAX;
}

static void drop_buffer(RpcReader *reader)
{
    if (reader->is_block)
        rpc_block_free(reader->buf);
    else
        g_free(reader->buf);
    reader->buf = NULL;
    reader->is_block = FALSE;
    reader->room = 0;
}

void rpc_reader_clear(RpcReader *reader)
{
    for (guint i = 0; i < reader->n_fds; i++)
        close(reader->fds[i]);
    reader->n_fds = 0;
    drop_buffer(reader);
    reader->start = reader->end = 0;
}

static uint32_t word_at(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, 4);
    return GUINT32_FROM_BE(word);
}

/* Length of the packet that begins at start, 0 if not known yet. */
static size_t packet_length(const RpcReader *reader)
{
    return reader->end - reader->start >= 4 ? word_at(reader->buf + reader->start) : 0;
}

/* What is there moves to other memory. */
static void move_buffer(RpcReader *reader, uint8_t *to, gboolean is_block, size_t room)
{
    size_t have = reader->end - reader->start;
    if (have)
        memcpy(to, reader->buf + reader->start, have);
    drop_buffer(reader);
    reader->buf = to;
    reader->is_block = is_block;
    reader->start = 0;
    reader->end = have;
    reader->room = room;
}

/* Room for what is still missing of the packet at hand, at least one chunk. A large buffer grows with the bytes that really
 * come, not with the length that a peer claims. */
static void make_room(RpcReader *reader)
{
    if (reader->start == reader->end) {
        reader->start = reader->end = 0;
        if (reader->room > KEEP_BUFFER || reader->is_block)
            drop_buffer(reader);
    }
    size_t have = reader->end - reader->start;
    size_t want = packet_length(reader);
    size_t missing = want > have ? want - have : 0;
    if (missing && want >= OWN_BLOCK_MIN && want <= MIN(RPC_BLOCK, reader->max)) {
        if (!reader->is_block || reader->start || reader->room != want)
            move_buffer(reader, rpc_block_new(want), TRUE, want);
        return;
    }
    size_t chunk = CLAMP(MIN(missing, MAX(have, READ_CHUNK)), READ_CHUNK, READ_CHUNK_MAX);
    if (reader->room - reader->end >= chunk)
        return;
    if (reader->is_block) {
        move_buffer(reader, g_malloc(have + chunk), FALSE, have + chunk);
        return;
    }
    if (reader->start) {
        memmove(reader->buf, reader->buf + reader->start, have);
        reader->start = 0;
        reader->end = have;
    }
    if (reader->room < have + chunk) {
        reader->room = have + chunk;
        reader->buf = g_realloc(reader->buf, reader->room);
    }
}

static void keep_fds(RpcReader *reader, struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (reader->n_fds < RPC_FDS_MAX)
                reader->fds[reader->n_fds++] = fd;
            else
                close(fd);
        }
    }
}

/* What a layer has decrypted already shows nowhere but there: take all of it. */
static ssize_t fill_from_layer(RpcReader *reader, gboolean block)
{
    Channel *channel = reader->channel;
    ssize_t total = 0;
    do {
        make_room(reader);
        ssize_t got = channel_recv_layer(channel, reader->buf + reader->end, reader->room - reader->end, block && !total);
        if (got <= 0)
            return total ? total : got;
        reader->end += got;
        total += got;
    } while (channel_layer(channel)->ops->pending(channel_layer(channel)));
    return total;
}

ssize_t rpc_reader_fill(RpcReader *reader, gboolean block)
{
    if (channel_layer(reader->channel))
        return fill_from_layer(reader, block);
    make_room(reader);
    const size_t have = reader->end - reader->start;
    const size_t room = reader->spare && have < RPC_PREFIX ? RPC_PREFIX - have : reader->room - reader->end;
    struct iovec iov = { reader->buf + reader->end, room };
    union { char space[CMSG_SPACE(sizeof(int) * RPC_FDS_MAX)]; struct cmsghdr align; } control;
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
                          .msg_controllen = sizeof(control.space) };
    ssize_t got;
    do {
        got = recvmsg(reader->channel->fd, &msg, MSG_CMSG_CLOEXEC | (block ? 0 : MSG_DONTWAIT));
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        reader->end += got;
        keep_fds(reader, &msg);
    }
    return got;
}

static void take_header(RpcHeader *header, const uint8_t *at)
{
    header->program = word_at(at);
    header->version = word_at(at + 4);
    header->procedure = (int32_t) word_at(at + 8);
    header->type = word_at(at + 12);
    header->serial = word_at(at + 16);
    header->status = word_at(at + 20);
}

/* Of the packet at hand the first @n bytes, without its descriptors. */
static void take_packet(const RpcReader *reader, RpcPacket *packet, size_t n)
{
    const uint8_t *at = reader->buf + reader->start;
    take_header(&packet->header, at + 4);
    packet->payload = at + RPC_PREFIX;
    packet->len = n - RPC_PREFIX;
    packet->n_fds = 0;
}

int rpc_reader_next(RpcReader *reader, RpcPacket *packet)
{
    size_t have = reader->end - reader->start;
    if (have < 4)
        return 0;
    size_t len = packet_length(reader);
    if (len < RPC_PREFIX || len > reader->max)
        return FAIL(VIR_ERR_RPC, "packet of %zu bytes, must be %u to %zu", len, RPC_PREFIX, reader->max);
    if (have < len)
        return 0;
    take_packet(reader, packet, len);
    guint n_fds = 0;
    if (packet->header.type == RPC_CALL_WITH_FDS || packet->header.type == RPC_REPLY_WITH_FDS) {
        if (packet->len < 4)
            return FAIL(VIR_ERR_RPC, "packet with descriptors lacks their count");
        n_fds = word_at(packet->payload);
        if (n_fds > RPC_FDS_MAX)
            return FAIL(VIR_ERR_RPC, "%u descriptors in one packet, at most %d", n_fds, RPC_FDS_MAX);
        if (have < len + n_fds)
            return 0;
        if (reader->n_fds < n_fds)
            return FAIL(VIR_ERR_RPC, "packet announces %u descriptors, %u came", n_fds, reader->n_fds);
        packet->payload += 4;
        packet->len -= 4;
    }
    memcpy(packet->fds, reader->fds, n_fds * sizeof(int));
    packet->n_fds = n_fds;
    reader->n_fds -= n_fds;
    memmove(reader->fds, reader->fds + n_fds, reader->n_fds * sizeof(int));
    reader->start += len + n_fds;
    reader->spare = FALSE;
    return 1;
}

size_t rpc_reader_begun(const RpcReader *reader, RpcPacket *packet)
{
    const size_t have = reader->end - reader->start, len = packet_length(reader);
    if (have < RPC_PREFIX || have >= len || len > reader->max)
        return 0;
    take_packet(reader, packet, have);
    return len - have;
}

void rpc_reader_divert(RpcReader *reader)
{
    take_header(&reader->diverted_header, reader->buf + reader->start + 4);
    reader->diverted = packet_length(reader) - (reader->end - reader->start);
    reader->start = reader->end = 0;
    reader->spare = TRUE;
}

ssize_t rpc_reader_pipe(RpcReader *reader, int pipe)
{
    char dropped[READ_CHUNK];
    const int fd = reader->channel->fd;
    ssize_t got;
    do {
        got = pipe < 0 ? recv(fd, dropped, MIN(sizeof(dropped), reader->diverted), MSG_DONTWAIT)
                       : splice(fd, NULL, pipe, NULL, reader->diverted, SPLICE_F_NONBLOCK);
    } while (got < 0 && errno == EINTR);
    if (got > 0)
        reader->diverted -= (size_t) got;
    return got;
}

uint8_t *rpc_reader_take(RpcReader *reader, RpcPacket *packet)
{
    size_t rest = reader->end - reader->start;
    uint8_t *block;
    if (reader->is_block && !rest) {
        block = g_steal_pointer(&reader->buf);
        reader->is_block = FALSE;
        reader->room = reader->start = reader->end = 0;
        return block;
    }
    block = rpc_block_new(packet->len);
    memcpy(block, packet->payload, packet->len);
    packet->payload = block;
    return block;
}

void rpc_packet_close_fds(RpcPacket *packet)
{
    for (guint i = 0; i < packet->n_fds; i++)
        if (packet->fds[i] >= 0)
            close(packet->fds[i]);
    packet->n_fds = 0;
}

void rpc_packet_begin(XdrOut *out, int n_fds)
{
    out->len = 0;
    out->failure = NULL;
    xdr_out_reserve(out, RPC_PREFIX);
    if (n_fds >= 0)
        xdr_put_uint(out, n_fds);
}

int rpc_packet_finish(XdrOut *out, const RpcHeader *header)
{
    return rpc_packet_finish_before(out, header, 0);
}

int rpc_packet_finish_before(XdrOut *out, const RpcHeader *header, size_t n)
{
    if (out->failure)
        return FAIL(VIR_ERR_RPC, "cannot send: %s", out->failure);
    uint32_t words[7] = {
        GUINT32_TO_BE(out->len + n), GUINT32_TO_BE(header->program), GUINT32_TO_BE(header->version),
        GUINT32_TO_BE(header->procedure), GUINT32_TO_BE(header->type), GUINT32_TO_BE(header->serial),
        GUINT32_TO_BE(header->status),
    };
    memcpy(out->data, words, RPC_PREFIX);
    return 0;
}
