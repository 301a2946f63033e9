/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virStream on a stream of the RPC client.
 */
#define ERROR_DOMAIN VIR_FROM_RPC
#include "base/error.h"
#include "remote/remote_call.h"

typedef struct RemoteStream {
    RpcClientStream *stream;
    GMutex lock;
    int timer;              /* delivers the program's callback; -1 none */
    int events;
    virStreamEventCallback cb;
    void *opaque;
    virFreeCallback free_cb;
} RemoteStream;

static void stream_free(gpointer data)
{
    RemoteStream *rs = data;
    rpc_client_stream_set_ready(rs->stream, NULL, NULL);
    rpc_client_stream_drop(rs->stream);
    g_mutex_clear(&rs->lock);
    g_free(rs);
}

static int stream_send(virStreamPtr st, const char *data, size_t nbytes)
{
    return rpc_client_stream_send(((RemoteStream *) st->data)->stream, data, nbytes);
}

static int fail_hole(void)
{
    return FAIL(VIR_ERR_INTERNAL_ERROR, "the stream has holes; receive it with VIR_STREAM_RECV_STOP_AT_HOLE");
}

static int stream_recv(virStreamPtr st, char *data, size_t nbytes, unsigned int flags)
{
    RemoteStream *rs = st->data;
    if (error_check_flags(VIR_FROM_STREAMS, "virStreamRecvFlags", flags, VIR_STREAM_RECV_STOP_AT_HOLE) < 0)
        return -1;
    int ret = rpc_client_stream_recv(rs->stream, data, nbytes, !(st->flags & VIR_STREAM_NONBLOCK));
    return ret == -3 && !(flags & VIR_STREAM_RECV_STOP_AT_HOLE) ? fail_hole() : ret;
}

static int stream_recv_block(virStreamPtr st, uint8_t **block, const char **data, unsigned int flags)
{
    int ret = rpc_client_stream_recv_block(((RemoteStream *) st->data)->stream, block, data, !(st->flags & VIR_STREAM_NONBLOCK));
    return ret == -3 && !(flags & VIR_STREAM_RECV_STOP_AT_HOLE) ? fail_hole() : ret;
}

static int stream_send_hole(virStreamPtr st, long long length, unsigned int flags)
{
    return rpc_client_stream_send_hole(((RemoteStream *) st->data)->stream, length, flags);
}

static int stream_recv_hole(virStreamPtr st, long long *length, unsigned int flags)
{
    return rpc_client_stream_recv_hole(((RemoteStream *) st->data)->stream, length);
}

static int stream_in_data(virStreamPtr st, int *data, long long *length)
{
    return rpc_client_stream_in_data(((RemoteStream *) st->data)->stream, data, length);
}

static int stream_finish(virStreamPtr st)
{
    return rpc_client_stream_finish(((RemoteStream *) st->data)->stream, FALSE);
}

static int stream_abort(virStreamPtr st)
{
    return rpc_client_stream_finish(((RemoteStream *) st->data)->stream, TRUE);
}

/* What the program waits for and can have right now. */
static int stream_possible(RemoteStream *rs, int events)
{
    int now = events & VIR_STREAM_EVENT_WRITABLE;
    if ((events & VIR_STREAM_EVENT_READABLE) && rpc_client_stream_readable(rs->stream))
        now |= VIR_STREAM_EVENT_READABLE;
    return now;
}

static void stream_ready(void *opaque)
{
    RemoteStream *rs = opaque;
    g_mutex_lock(&rs->lock);
    if (rs->timer >= 0 && (rs->events & VIR_STREAM_EVENT_READABLE))
        virEventUpdateTimeout(rs->timer, 0);
    g_mutex_unlock(&rs->lock);
}

/* The program's loop: call back as long as there is something to do. */
static void stream_fire(int timer, void *opaque)
{
    virStreamPtr st = opaque;
    RemoteStream *rs = st->data;
    g_mutex_lock(&rs->lock);
    int events = rs->events;
    virStreamEventCallback cb = rs->timer == timer ? rs->cb : NULL;
    g_mutex_unlock(&rs->lock);
    int now = stream_possible(rs, events);
    if (cb && now)
        cb(st, now, rs->opaque);
    g_mutex_lock(&rs->lock);
    if (rs->timer == timer && !stream_possible(rs, rs->events)) {
        virEventUpdateTimeout(timer, -1);
        /* something may have come in between */
        if (stream_possible(rs, rs->events))
            virEventUpdateTimeout(timer, 0);
    }
    g_mutex_unlock(&rs->lock);
}

static int stream_add_callback(virStreamPtr st, int events, virStreamEventCallback cb, void *opaque, virFreeCallback ff)
{
    RemoteStream *rs = st->data;
    g_mutex_lock(&rs->lock);
    if (rs->timer >= 0) {
        g_mutex_unlock(&rs->lock);
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the stream already has a callback");
    }
    rs->events = events;
    rs->cb = cb;
    rs->opaque = opaque;
    rs->free_cb = ff;
    rs->timer = virEventAddTimeout(events & VIR_STREAM_EVENT_WRITABLE ? 0 : -1, stream_fire, object_ref(st),
                                   object_unref);
    int timer = rs->timer;
    g_mutex_unlock(&rs->lock);
    if (timer < 0) {
        object_unref(st);
        return FAIL(VIR_ERR_INTERNAL_ERROR, "no event loop for the stream's callback");
    }
    rpc_client_stream_set_ready(rs->stream, stream_ready, rs);
    if (rpc_client_stream_readable(rs->stream))
        stream_ready(rs);
    return 0;
}

static int stream_update_callback(virStreamPtr st, int events)
{
    RemoteStream *rs = st->data;
    g_mutex_lock(&rs->lock);
    int timer = rs->timer;
    rs->events = events;
    if (timer >= 0)
        virEventUpdateTimeout(timer, stream_possible(rs, events) ? 0 : -1);
    g_mutex_unlock(&rs->lock);
    return timer < 0 ? FAIL(VIR_ERR_INTERNAL_ERROR, "the stream has no callback") : 0;
}

static int stream_remove_callback(virStreamPtr st)
{
    RemoteStream *rs = st->data;
    rpc_client_stream_set_ready(rs->stream, NULL, NULL);
    g_mutex_lock(&rs->lock);
    int timer = rs->timer;
    rs->timer = -1;
    rs->cb = NULL;
    g_mutex_unlock(&rs->lock);
    if (timer < 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the stream has no callback");
    virEventRemoveTimeout(timer);
    if (rs->free_cb)
        rs->free_cb(rs->opaque);
    return 0;
}

static const StreamDriver remote_stream_driver = {
    .send = stream_send,
    .recv = stream_recv,
    .recv_block = stream_recv_block,
    .send_hole = stream_send_hole,
    .recv_hole = stream_recv_hole,
    .in_data = stream_in_data,
    .add_callback = stream_add_callback,
    .update_callback = stream_update_callback,
    .remove_callback = stream_remove_callback,
    .finish = stream_finish,
    .abort = stream_abort,
};

void remote_stream_bind(virStreamPtr st, RpcClientStream *stream)
{
    RemoteStream *rs = g_new0(RemoteStream, 1);
    rs->stream = stream;
    rs->timer = -1;
    g_mutex_init(&rs->lock);
    st->driver = &remote_stream_driver;
    st->data = rs;
    st->free_data = stream_free;
}
