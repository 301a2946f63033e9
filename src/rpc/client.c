/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_RPC
#include "base/error.h"
#include "lib/event_impl.h"
#include "rpc/client_priv.h"
#include "rpc/wire_protocol.h"
#include "rpc/xdr_values.h"
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

RpcClient *rpc_client_ref(RpcClient *client)
{
    g_atomic_int_inc(&client->refs);
    return client;
}

void rpc_client_unref(RpcClient *client)
{
    if (!client || !g_atomic_int_dec_and_test(&client->refs))
        return;
    if (client->free_opaque)
        client->free_opaque(client->opaque);
    rpc_reader_clear(&client->reader);
    channel_clear(&client->channel);
    g_ptr_array_unref(client->pending);
    g_ptr_array_unref(client->streams);
    g_mutex_clear(&client->lock);
    g_mutex_clear(&client->send_lock);
    g_cond_clear(&client->changed);
    g_free(client);
}

static void client_unref_opaque(void *opaque)
{
    rpc_client_unref(opaque);
}

void rpc_reply_clear(RpcReply *reply)
{
    g_clear_pointer(&reply->data, g_free);
    for (guint i = 0; i < reply->n_fds; i++)
        if (reply->fds[i] >= 0)
            close(reply->fds[i]);
    reply->n_fds = 0;
}

gboolean rpc_client_is_open(RpcClient *client)
{
    g_mutex_lock(&client->lock);
    gboolean open = !client->closed;
    g_mutex_unlock(&client->lock);
    return open;
}

int rpc_client_set_layer(RpcClient *client, ChannelLayer *layer)
{
    g_mutex_lock(&client->lock);
    while (client->reading)
        g_cond_wait(&client->changed, &client->lock);
    gboolean behind = !rpc_reader_is_empty(&client->reader);
    channel_set_layer(&client->channel, layer);
    g_mutex_unlock(&client->lock);
    return behind ? FAIL(VIR_ERR_AUTH_FAILED, "what is behind the authentication is not encrypted: somebody is in between") : 0;
}

int rpc_client_fd(RpcClient *client)
{
    return client->channel.fd;
}

/* Mark the end. Lock held; everybody waiting wakes up and sees it. TRUE for the first to say so. */
static gboolean mark_closed(RpcClient *client, int reason)
{
    if (client->closed)
        return FALSE;
    client->closed = TRUE;
    client->close_reason = reason;
    shutdown(client->channel.fd, SHUT_RDWR);
    g_cond_broadcast(&client->changed);
    return TRUE;
}

/* The client whose owner this thread is calling at the moment. */
static __thread RpcClient *upcall_here;

/* Around a call to the owner; the lock is released in between. */
static RpcClient *begin_upcall(RpcClient *client)
{
    RpcClient *outer = upcall_here;
    client->upcalls++;
    upcall_here = client;
    g_mutex_unlock(&client->lock);
    return outer;
}

static void end_upcall(RpcClient *client, RpcClient *outer)
{
    g_mutex_lock(&client->lock);
    upcall_here = outer;
    client->upcalls--;
    g_cond_broadcast(&client->changed);
}

/* Lock held; released while waiting. */
static void mute(RpcClient *client)
{
    client->on_closed = NULL;
    client->event = NULL;
    while (client->upcalls > (upcall_here == client ? 1u : 0u))
        g_cond_wait(&client->changed, &client->lock);
}

void rpc_client_mute(RpcClient *client)
{
    g_mutex_lock(&client->lock);
    mute(client);
    g_mutex_unlock(&client->lock);
}

/* Lock held; released and taken again. */
static void end_connection(RpcClient *client, int reason)
{
    if (!mark_closed(client, reason))
        return;
    g_autoptr(GArray) ready = g_array_new(FALSE, FALSE, sizeof(StreamReady));
    for (guint i = 0; i < client->streams->len; i++) {
        StreamReady r = client_stream_end(client->streams->pdata[i]);
        if (r.func)
            g_array_append_val(ready, r);
    }
    int handle = client->handle, timer = client->keepalive_timer;
    client->handle = client->keepalive_timer = -1;
    g_mutex_unlock(&client->lock);
    if (handle >= 0)
        virEventRemoveHandle(handle);
    if (timer >= 0)
        virEventRemoveTimeout(timer);
    for (guint i = 0; i < ready->len; i++) {
        StreamReady *r = &g_array_index(ready, StreamReady, i);
        r->func(r->opaque);
    }
    g_mutex_lock(&client->lock);
    RpcClosedFunc on_closed = client->on_closed;
    if (on_closed) {
        RpcClient *outer = begin_upcall(client);
        on_closed(reason, client->opaque);
        end_upcall(client, outer);
    }
}

void rpc_client_close(RpcClient *client)
{
    rpc_client_ref(client);
    g_mutex_lock(&client->lock);
    mute(client); /* the program knows */
    end_connection(client, VIR_CONNECT_CLOSE_REASON_CLIENT);
    g_mutex_unlock(&client->lock);
    rpc_client_unref(client);
}

/* Sending */

/* What is given to the kernel at once, behind the packet's head. A UNIX socket keeps that much in whole pages, and what is a whole number of
 * pages behind the head at a page's beginning. A daemon that moves it from there into a file then copies page to page; else each copy
 * begins at another place in its page, and there are places at which processors copy fifteen times as slowly. */
#define SEND_STEP (32 * 1024)

static int send_all(RpcClient *client, const XdrOut *out, const void *data, size_t n)
{
    struct iovec pieces[] = { { out->data, out->len }, { (void *) data, n } };
    while (pieces[0].iov_len + pieces[1].iov_len) {
        struct iovec step[] = { pieces[0], { pieces[1].iov_base, MIN(pieces[1].iov_len, SEND_STEP) } };
        ssize_t sent = channel_send_pieces(&client->channel, step, step[1].iov_len ? 2 : 1, TRUE);
        if (sent < 0 && errno == EAGAIN && channel_poll(client->channel.fd, POLLOUT, -1) > 0)
            continue;
        if (sent < 0)
            return FAIL_ERRNO(errno, "cannot send to the daemon");
        for (struct iovec *piece = pieces; sent; piece++) {
            size_t of_it = MIN((size_t) sent, piece->iov_len);
            piece->iov_base = (char *) piece->iov_base + of_it;
            piece->iov_len -= of_it;
            sent -= of_it;
        }
    }
    if (channel_flush(&client->channel, TRUE) <= 0)
        return FAIL_ERRNO(errno, "cannot send to the daemon");
    return 0;
}

static int send_packet(RpcClient *client, const XdrOut *out, const void *data, size_t n, const int *fds, guint n_fds)
{
    g_mutex_lock(&client->send_lock);
    int ret = send_all(client, out, data, n);
    for (guint i = 0; ret == 0 && i < n_fds; i++)
        if (channel_send_fd(&client->channel, fds[i], TRUE) < 0)
            ret = FAIL_ERRNO(errno, "cannot pass a descriptor to the daemon");
    g_mutex_unlock(&client->send_lock);
    if (ret < 0) { /* half a packet may have gone, and without a loop nobody else would notice */
        virErrorPtr saved = error_save();
        g_mutex_lock(&client->lock);
        end_connection(client, VIR_CONNECT_CLOSE_REASON_ERROR);
        g_mutex_unlock(&client->lock);
        error_restore(saved);
    }
    return ret;
}

int client_send(RpcClient *client, const XdrOut *out, const int *fds, guint n_fds)
{
    return send_packet(client, out, NULL, 0, fds, n_fds);
}

int client_send_data(RpcClient *client, const XdrOut *out, const void *data, size_t n)
{
    return send_packet(client, out, data, n, NULL, 0);
}

static void send_keepalive(RpcClient *client, gint32 procedure)
{
    XdrOut out;
    RpcHeader header = { KEEPALIVE_PROGRAM, KEEPALIVE_PROTOCOL_VERSION, procedure, RPC_EVENT, 0, RPC_OK };
    xdr_out_init(&out, RPC_PREFIX);
    rpc_packet_begin(&out, -1);
    if (rpc_packet_finish(&out, &header) == 0 && g_mutex_trylock(&client->send_lock)) {
        /* if the socket is full the server has other proof that we live */
        if (channel_send(&client->channel, out.data, out.len, FALSE) < 0 && errno != EAGAIN)
            shutdown(client->channel.fd, SHUT_RDWR);
        g_mutex_unlock(&client->send_lock);
    }
    xdr_out_clear(&out);
}

/* Receiving */

static void take_reply(RpcClient *client, RpcPacket *packet)
{
    for (guint i = 0; i < client->pending->len; i++) {
        Pending *pending = client->pending->pdata[i];
        if (pending->serial != packet->header.serial || pending->program != packet->header.program ||
            pending->procedure != packet->header.procedure)
            continue;
        pending->reply->data = g_memdup2(packet->payload, packet->len);
        pending->reply->len = packet->len;
        memcpy(pending->reply->fds, packet->fds, packet->n_fds * sizeof(int));
        pending->reply->n_fds = packet->n_fds;
        packet->n_fds = 0;
        pending->failed = packet->header.status == RPC_ERROR;
        pending->done = TRUE;
        g_ptr_array_remove_index_fast(client->pending, i);
        return;
    }
}

static void take_event(RpcClient *client, RpcPacket *packet)
{
    RpcEventFunc event = client->event;
    if (packet->header.program != KEEPALIVE_PROGRAM) {
        if (!event)
            return;
        RpcClient *outer = begin_upcall(client);
        event(packet, client->opaque);
        end_upcall(client, outer);
    } else if (packet->header.procedure == 1) {
        g_mutex_unlock(&client->lock);
        send_keepalive(client, 2);
        g_mutex_lock(&client->lock);
    }
}

/* One packet; lock held, released around callbacks. */
static void take_packet(RpcClient *client, RpcPacket *packet)
{
    client->keepalive_unanswered = 0;
    RpcClientStream *stream;
    switch (packet->header.type) {
    case RPC_REPLY: case RPC_REPLY_WITH_FDS:
        take_reply(client, packet);
        break;
    case RPC_EVENT:
        take_event(client, packet);
        break;
    case RPC_STREAM: case RPC_STREAM_HOLE:
        stream = client_stream_find(client, &packet->header);
        if (stream) {
            StreamReady ready = client_stream_take(stream, packet);
            g_mutex_unlock(&client->lock);
            if (ready.func)
                ready.func(ready.opaque);
            g_mutex_lock(&client->lock);
        }
        break;
    }
    rpc_packet_close_fds(packet);
}

/* Read once and hand out what came. Lock held at the beginning and the end. -1 when the connection is over. */
static int read_once(RpcClient *client, gboolean block)
{
    client->reading = TRUE;
    g_mutex_unlock(&client->lock);
    ssize_t got = rpc_reader_fill(&client->reader, block);
    int fill_errno = errno;
    g_mutex_lock(&client->lock);

    int ret = got > 0 || (got < 0 && fill_errno == EAGAIN) ? 0 : -1;
    RpcPacket packet;
    int more = 0;
    while (ret == 0 && (more = rpc_reader_next(&client->reader, &packet)) > 0)
        take_packet(client, &packet);
    client->reading = FALSE;
    if (more < 0) {
        client->malformed = TRUE;
        ret = -1;
    }
    if (ret < 0)
        end_connection(client, got == 0 ? VIR_CONNECT_CLOSE_REASON_EOF : VIR_CONNECT_CLOSE_REASON_ERROR);
    if (client->handle_off && client->handle >= 0) {
        client->handle_off = FALSE;
        virEventUpdateHandle(client->handle, VIR_EVENT_HANDLE_READABLE);
    }
    g_cond_broadcast(&client->changed);
    return ret;
}

int client_wait(RpcClient *client, const gboolean *done)
{
    while (!*done) {
        if (client->closed) {
            switch (client->close_reason) {
            case VIR_CONNECT_CLOSE_REASON_CLIENT:
                return FAIL(VIR_ERR_INTERNAL_ERROR, "client socket is closed");
            case VIR_CONNECT_CLOSE_REASON_KEEPALIVE:
                return FAIL(VIR_ERR_RPC, "the daemon did not answer keepalive messages; connection given up");
            default:
                if (client->malformed)
                    return FAIL(VIR_ERR_RPC, "the daemon sent what is not the protocol; connection given up");
                return FAIL_ERRNO(ECONNRESET, "the daemon closed the connection (its log tells why): "
                                  "End of file while reading data");
            }
        }
        if (client->reading)
            g_cond_wait(&client->changed, &client->lock);
        else
            read_once(client, TRUE);
    }
    return 0;
}

/* The program's loop found something to read. */
static void loop_readable(int watch, int fd, int events, void *opaque)
{
    RpcClient *client = opaque;
    rpc_client_ref(client);
    g_mutex_lock(&client->lock);
    if (client->reading && client->handle == watch) {
        /* a caller reads; look again when it has left */
        client->handle_off = TRUE;
        virEventUpdateHandle(watch, 0);
    } else if (!client->closed && !client->reading) {
        read_once(client, FALSE);
    }
    g_mutex_unlock(&client->lock);
    rpc_client_unref(client);
}

RpcClient *rpc_client_new(int fd, ChannelLayer *layer, RpcEventFunc event, RpcClosedFunc closed, void *opaque,
                          GDestroyNotify free_opaque)
{
    RpcClient *client = g_new0(RpcClient, 1);
    client->refs = 1;
    g_mutex_init(&client->lock);
    g_mutex_init(&client->send_lock);
    g_cond_init(&client->changed);
    channel_init(&client->channel, fd);
    if (layer)
        channel_set_layer(&client->channel, layer);
    rpc_reader_init(&client->reader, &client->channel);
    client->pending = g_ptr_array_new();
    client->streams = g_ptr_array_new();
    client->handle = client->keepalive_timer = -1;
    client->event = event;
    client->on_closed = closed;
    client->opaque = opaque;
    client->free_opaque = free_opaque;
    if (event_impl_registered()) {
        client->handle = virEventAddHandle(fd, VIR_EVENT_HANDLE_READABLE, loop_readable, rpc_client_ref(client),
                                           client_unref_opaque);
        if (client->handle < 0)
            rpc_client_unref(client);
    }
    return client;
}

/* The error that the body of a failed reply carries. */
static int reply_error(RpcReply *reply)
{
    XdrIn in;
    xdr_in_init(&in, reply->data, reply->len);
    xdr_get_error(&in);
    rpc_reply_clear(reply);
    return -1;
}

int rpc_client_call(RpcClient *client, guint32 program, guint32 version, gint32 procedure, XdrOut *out, const int *fds,
                    guint n_fds, RpcClientStream *stream, RpcReply *reply)
{
    memset(reply, 0, offsetof(RpcReply, fds));
    reply->n_fds = 0;
    Pending pending = { program, procedure, 0, FALSE, FALSE, reply };
    g_mutex_lock(&client->lock);
    pending.serial = ++client->serial;
    RpcHeader header = { program, version, procedure, n_fds ? RPC_CALL_WITH_FDS : RPC_CALL, pending.serial, RPC_OK };
    if (rpc_packet_finish(out, &header) < 0) {
        g_mutex_unlock(&client->lock);
        return -1;
    }
    g_ptr_array_add(client->pending, &pending);
    if (stream) {
        client_stream_set_serial(stream, pending.serial);
        g_ptr_array_add(client->streams, stream);
    }
    int ret = client->closed ? client_wait(client, &pending.done) : 0;
    g_mutex_unlock(&client->lock);
    if (ret == 0)
        ret = client_send(client, out, fds, n_fds);
    g_mutex_lock(&client->lock);
    if (ret == 0)
        ret = client_wait(client, &pending.done);
    if (!pending.done)
        g_ptr_array_remove_fast(client->pending, &pending);
    g_mutex_unlock(&client->lock);
    if (ret < 0) {
        rpc_reply_clear(reply);
        return -1;
    }
    return pending.failed ? reply_error(reply) : 0;
}

/* Keepalive */

static void keepalive_tick(int timer, void *opaque)
{
    RpcClient *client = opaque;
    rpc_client_ref(client);
    g_mutex_lock(&client->lock);
    gboolean dead = client->keepalive_unanswered++ >= client->keepalive_count;
    if (dead)
        end_connection(client, VIR_CONNECT_CLOSE_REASON_KEEPALIVE);
    g_mutex_unlock(&client->lock);
    if (!dead)
        send_keepalive(client, 1);
    rpc_client_unref(client);
}

int rpc_client_keepalive(RpcClient *client, int interval_s, unsigned int count)
{
    if (interval_s > G_MAXINT / 1000)
        return FAIL(VIR_ERR_INVALID_ARG, "keepalive interval %d too large", interval_s);
    if (!event_impl_registered() || client->handle < 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "keepalive needs an event loop: call virEventRegisterDefaultImpl() "
                    "before opening the connection");
    g_mutex_lock(&client->lock);
    int old = client->keepalive_timer;
    client->keepalive_timer = -1;
    client->keepalive_interval = interval_s;
    client->keepalive_count = count;
    client->keepalive_unanswered = 0;
    g_mutex_unlock(&client->lock);
    if (old >= 0)
        virEventRemoveTimeout(old);
    if (interval_s <= 0)
        return 0;
    int timer = virEventAddTimeout(interval_s * 1000, keepalive_tick, rpc_client_ref(client), client_unref_opaque);
    if (timer < 0) {
        rpc_client_unref(client);
        return FAIL(VIR_ERR_INTERNAL_ERROR, "cannot add a timer to the event loop");
    }
    g_mutex_lock(&client->lock);
    client->keepalive_timer = timer;
    g_mutex_unlock(&client->lock);
    return 0;
}
