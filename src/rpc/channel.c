/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_RPC
#include "rpc/channel.h"
#include "base/error.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A layer is given at most this much at a time, so that what it makes of it stays small. */
#define LAYER_CHUNK (256 * 1024)

void channel_init(Channel *channel, int fd)
{
    *channel = (Channel) { .fd = fd };
    g_mutex_init(&channel->lock);
}

void channel_release(Channel *channel)
{
    g_clear_pointer(&channel->out, g_byte_array_unref);
    g_mutex_clear(&channel->lock);
}

void channel_clear(Channel *channel)
{
    if (channel->layer)
        channel->layer->ops->free(channel->layer);
    close(channel->fd);
    channel_release(channel);
}

void channel_set_layer(Channel *channel, ChannelLayer *layer)
{
    g_mutex_lock(&channel->lock);
    if (!channel->out)
        channel->out = g_byte_array_new();
    g_atomic_pointer_set(&channel->layer, layer);
    g_mutex_unlock(&channel->lock);
}

ChannelLayer *channel_layer(Channel *channel)
{
    return g_atomic_pointer_get(&channel->layer);
}

int channel_poll(int fd, short events, int ms)
{
    struct pollfd p = { fd, events, 0 };
    gint64 end = g_get_monotonic_time() / 1000 + MAX(ms, 0);
    for (;;) {
        int n = poll(&p, 1, ms);
        if (n >= 0 || errno != EINTR)
            return n;
        if (ms >= 0)
            ms = MAX(end - g_get_monotonic_time() / 1000, 0);
    }
}

static ssize_t send_plain(int fd, const void *data, size_t len, gboolean block)
{
    ssize_t sent;
    do {
        sent = send(fd, data, len, MSG_NOSIGNAL | (block ? 0 : MSG_DONTWAIT));
    } while (sent < 0 && errno == EINTR);
    return sent;
}

/* The lock is held. */
static int flush(Channel *channel)
{
    while (channel->out->len) {
        ssize_t sent = send_plain(channel->fd, channel->out->data, channel->out->len, FALSE);
        if (sent < 0)
            return errno == EAGAIN ? 0 : -1;
        g_byte_array_remove_range(channel->out, 0, sent);
    }
    return 1;
}

ssize_t channel_recv_layer(Channel *channel, void *data, size_t n, gboolean block)
{
    for (;;) {
        g_mutex_lock(&channel->lock);
        ssize_t got = channel->layer->ops->recv(channel->layer, data, n, channel->out);
        int saved = errno;
        if (channel->out->len && flush(channel) < 0 && got < 0)
            saved = errno;
        g_mutex_unlock(&channel->lock);
        if (got >= 0 || saved != EAGAIN || !block || channel_poll(channel->fd, POLLIN, -1) <= 0) {
            errno = saved;
            return got;
        }
    }
}

int channel_flush(Channel *channel, gboolean block)
{
    if (!channel_layer(channel))
        return 1;
    for (;;) {
        g_mutex_lock(&channel->lock);
        int state = flush(channel);
        g_mutex_unlock(&channel->lock);
        if (state || !block || channel_poll(channel->fd, POLLOUT, -1) <= 0)
            return state;
    }
}

gboolean channel_wants_write(Channel *channel)
{
    if (!channel_layer(channel))
        return FALSE;
    g_mutex_lock(&channel->lock);
    gboolean wants = channel->out->len > 0;
    g_mutex_unlock(&channel->lock);
    return wants;
}

int channel_handshake(Channel *channel)
{
    g_mutex_lock(&channel->lock);
    int state = channel->layer->ops->handshake(channel->layer, channel->out);
    int sent = flush(channel);
    int saved = errno;
    g_mutex_unlock(&channel->lock);
    if (state >= 0 && sent < 0)
        return FAIL_ERRNO(saved, "cannot send during the handshake");
    return state == 1 ? sent : state;
}

ssize_t channel_send(Channel *channel, const void *data, size_t len, gboolean block)
{
    if (!channel_layer(channel))
        return send_plain(channel->fd, data, len, block);
    int state = channel_flush(channel, block);
    if (state <= 0) {
        if (state == 0)
            errno = EAGAIN;
        return -1;
    }
    len = MIN(len, LAYER_CHUNK);
    g_mutex_lock(&channel->lock);
    int ret = channel->layer->ops->encode(channel->layer, data, len, channel->out);
    if (ret == 0)
        ret = MIN(flush(channel), 0);
    g_mutex_unlock(&channel->lock);
    return ret < 0 ? -1 : (ssize_t) len;
}

ssize_t channel_send_pieces(Channel *channel, struct iovec *pieces, size_t n, gboolean block)
{
    for (; n > 1 && !pieces->iov_len; n--)
        pieces++;
    if (channel_layer(channel) || n == 1)
        return channel_send(channel, pieces->iov_base, pieces->iov_len, block);
    struct msghdr msg = { .msg_iov = pieces, .msg_iovlen = n };
    ssize_t sent;
    do {
        sent = sendmsg(channel->fd, &msg, MSG_NOSIGNAL | (block ? 0 : MSG_DONTWAIT));
    } while (sent < 0 && errno == EINTR);
    return sent;
}

ssize_t channel_send_plain(Channel *channel, const void *data, size_t len, gboolean block)
{
    return send_plain(channel->fd, data, len, block);
}

int channel_send_fd(Channel *channel, int passed, gboolean block)
{
    char dummy = 0;
    struct iovec iov = { &dummy, 1 };
    union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = { { 0 } };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
                          .msg_controllen = sizeof(control.space) };
    if (channel_layer(channel)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &passed, sizeof(int));
    ssize_t sent;
    do {
        sent = sendmsg(channel->fd, &msg, MSG_NOSIGNAL | (block ? 0 : MSG_DONTWAIT));
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}
