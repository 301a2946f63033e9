/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The byte stream below the packets: a connected socket, and perhaps a layer above it that encrypts (TLS).
 * Without a layer each function is one system call. A layer works in memory: what it makes of the bytes waits
 * in the channel until the socket takes it, so that partial writes are nobody else's business.
 *
 * One thread may receive while others send; who sends must take turns (they do, for the sake of whole packets).
 */
#pragma once
#include <glib.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef struct ChannelLayer ChannelLayer;

typedef struct ChannelLayerOps {
    /** Decrypted bytes, 0 at the end, -1 with errno (EAGAIN: nothing now). Never waits. What the layer itself has to say to
     * the other side is appended to @out. */
    ssize_t (*recv)(ChannelLayer *layer, void *data, size_t n, GByteArray *out);
    /** Append the encrypted form of @data to @out. 0, or -1 with errno. */
    int (*encode)(ChannelLayer *layer, const void *data, size_t n, GByteArray *out);
    /** There are decrypted bytes, which the socket doesn't tell. */
    gboolean (*pending)(ChannelLayer *layer);
    /** Agree with the other side before anything else is sent. 1: done; 0: wants to hear more;
     * -1 with the thread's error. What is to be sent is appended to @out. */
    int (*handshake)(ChannelLayer *layer, GByteArray *out);
    void (*free)(ChannelLayer *layer);
} ChannelLayerOps;

struct ChannelLayer {
    const ChannelLayerOps *ops;
};

typedef struct Channel {
    int fd;
    ChannelLayer *layer;  /* NULL: bytes go as they are. Atomic: set once */
    GMutex lock;          /* layer, out */
    GByteArray *out;      /* made by the layer, not yet sent */
} Channel;

/** @fd is taken over. */
void channel_init(Channel *channel, int fd);
/** Also closes the socket. */
void channel_clear(Channel *channel);
/** Give up the channel, but keep its socket and layer. */
void channel_release(Channel *channel);
/** From now on all bytes go through @layer, which is taken over; but for those that channel_send_plain() sends. There was none. */
void channel_set_layer(Channel *channel, ChannelLayer *layer);
ChannelLayer *channel_layer(Channel *channel);

/** A step of the layer's handshake, which never waits. 1: done; 0: wait for what channel_wants_write() says, then again;
 * -1 with the thread's error. */
int channel_handshake(Channel *channel);
/** Whether the layer has something that the socket did not take yet. */
gboolean channel_wants_write(Channel *channel);

/** One receive through the layer; only if there is one. As recv(). */
ssize_t channel_recv_layer(Channel *channel, void *data, size_t n, gboolean block);
/** Bytes taken, or -1 with errno. Never raises SIGPIPE. With a layer some of it may be left for channel_flush(). */
ssize_t channel_send(Channel *channel, const void *data, size_t len, gboolean block);
/** The same for @n pieces in a row; with a layer only the first that is not empty. */
ssize_t channel_send_pieces(Channel *channel, struct iovec *pieces, size_t n, gboolean block);
/** The same as if there were no layer: what was to be sent before the layer began. */
ssize_t channel_send_plain(Channel *channel, const void *data, size_t len, gboolean block);
/** Pass one descriptor with its dummy byte. 0, or -1 with errno. */
int channel_send_fd(Channel *channel, int passed, gboolean block);
/** Send what the layer left. 1: nothing is left; 0: the socket is full; -1 with errno. */
int channel_flush(Channel *channel, gboolean block);

/** Wait for events of poll() at @fd for @ms (-1: for ever). 1, 0 if it took too long, -1 with errno. */
int channel_poll(int fd, short events, int ms);
