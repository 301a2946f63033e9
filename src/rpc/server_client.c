/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_RPC
#define LOG_SOURCE "rpc.client"
#include "base/error.h"
#include "base/log.h"
#include "rpc/block.h"
#include "rpc/server_priv.h"
#include "rpc/xdr_values.h"
#include "rpc/wire_protocol.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A client whose answers and events pile up to this is dropped. One answer alone may be larger. */
#define BACKLOG_MAX (128 * 1024 * 1024)
/* Above this much that a client has not read, its next calls wait. More than a stream leaves (dispatch_stream.c). */
#define BACKLOG_CLOGGED (4 * 1024 * 1024)
/* A hold weighs more than any number of calls. */
#define HOLD (1 << 20)
/* Before a client has said who it is, its packets are small. */
#define ANONYMOUS_PACKET_MAX 65536
/* Less than this is as well copied as sent through a pipe. */
#define DIVERT_MIN (32 * 1024)
/* So much in a pipe is worth a write … */
#define PIPE_ENOUGH (128 * 1024)
/* … and so long one waits for it. */
#define PIPE_WAIT_MS 10
/* So long may the handshake of TLS take. */
#define HANDSHAKE_MS 10000

ServerClient *server_client_ref(ServerClient *client)
{
    g_atomic_int_inc(&client->refs);
    return client;
}

static void part_free(gpointer data)
{
    OutPart *part = data;
    for (guint i = part->fds_sent; i < part->n_fds; i++)
        close(part->fds[i]);
    if (part->secret && part->len)
        explicit_bzero(part->data, part->len);
    rpc_pipe_unref(part->pipe);
    if (part->is_block)
        rpc_block_free(part->data);
    else
        g_free(part->data);
    g_free(part);
}

void server_client_unref(ServerClient *client)
{
    if (!client || !g_atomic_int_dec_and_test(&client->refs))
        return;
    if (client->data && client->server->hooks.client_free)
        client->server->hooks.client_free(client->data);
    rpc_reader_clear(&client->reader);
    g_queue_clear_full(&client->out, part_free);
    g_clear_pointer(&client->drained, g_array_unref);
    channel_clear(&client->channel);
    g_mutex_clear(&client->out_lock);
    server_unref(client->server);
    g_free(client->user);
    g_free(client);
}

static void client_unref_opaque(void *opaque)
{
    server_client_unref(opaque);
}

void *server_client_data(ServerClient *client) { return client->data; }
RpcServer *server_client_server(ServerClient *client) { return client->server; }
guint64 server_client_id(ServerClient *client) { return client->id; }
ServerKind server_client_kind(ServerClient *client) { return client->door.kind; }
ServerTransport server_client_transport(ServerClient *client) { return client->door.transport; }
ServerAuth server_client_auth(ServerClient *client) { return client->door.auth; }
const SaslRules *server_client_sasl_rules(ServerClient *client) { return client->door.sasl; }

SaslBase server_client_base(ServerClient *client)
{
    unsigned strength = tls_layer_strength(channel_layer(&client->channel));
    return (SaslBase) { client->channel.fd, client->door.transport != SERVER_TCP, strength };
}

void server_client_set_user(ServerClient *client, const char *user)
{
    g_atomic_pointer_set(&client->user, g_strdup(user));
}

const char *server_client_user(ServerClient *client)
{
    return g_atomic_pointer_get(&client->user);
}

const char *server_client_certificate(ServerClient *client)
{
    return server_client_authenticated(client) ? tls_layer_peer(channel_layer(&client->channel)) : NULL;
}

gint64 server_client_since(ServerClient *client) { return client->since; }

char *server_client_address(ServerClient *client)
{
    struct sockaddr_storage addr = { 0 };
    socklen_t len = sizeof(addr);
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (client->door.transport == SERVER_UNIX ||
        getpeername(client->channel.fd, (struct sockaddr *) &addr, &len) < 0 ||
        getnameinfo((struct sockaddr *) &addr, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return NULL;
    return g_strdup_printf("%s:%s", host, port);
}

gboolean server_client_is_closed(ServerClient *client)
{
    return g_atomic_int_get(&client->closed);
}

gboolean server_client_authenticated(ServerClient *client)
{
    return g_atomic_int_get(&client->authenticated);
}

static void authenticated_call(void *opaque)
{
    ServerClient *client = opaque;
    client->reader.max = RPC_MESSAGE_MAX;
    server_update_listening(client->server);
    server_client_unref(client);
}

void server_client_set_authenticated(ServerClient *client)
{
    RpcServer *server = client->server;
    if (!g_atomic_int_compare_and_exchange(&client->authenticated, 0, 1))
        return;
    g_mutex_lock(&server->lock);
    server->n_anonymous[DOOR_SIDE(&client->door)]--;
    g_mutex_unlock(&server->lock);
    loop_call(server->loop, authenticated_call, server_client_ref(client));
}

int server_client_credentials(ServerClient *client, pid_t *pid, uid_t *uid, gid_t *gid)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);
    if (getsockopt(client->channel.fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || cred.pid <= 0)
        return -1;
    *pid = cred.pid;
    *uid = cred.uid;
    *gid = cred.gid;
    return 0;
}

void server_client_enable_keepalive(ServerClient *client)
{
    client->keepalive = TRUE;
}

/* Sending. out_lock is held. */

static void update_watch(ServerClient *client)
{
    LoopWatch *watch = client->watch;
    if (!watch || g_atomic_int_get(&client->closed))
        return;
    unsigned want = 0;
    if (!g_atomic_int_get(&client->throttled) && !client->close_when_sent)
        want |= LOOP_IN;
    if (!g_queue_is_empty(&client->out) || channel_wants_write(&client->channel))
        want |= LOOP_OUT;
    loop_watch_update(watch, want);
}

/* -1: the socket is dead; 0: full; 1: all of it is sent */
static int send_part(ServerClient *client, OutPart *part)
{
    while (part->at < part->len) {
        ssize_t n = (part->plain ? channel_send_plain : channel_send)(&client->channel, part->data + part->at,
                                                                      part->len - part->at, FALSE);
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        part->at += n;
        client->backlog -= n;
    }
    while (part->piped) {
        ssize_t n = splice(part->pipe->fds[0], NULL, client->channel.fd, NULL, part->piped, SPLICE_F_NONBLOCK);
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? 0 : -1;
        part->piped -= n;
        client->backlog -= n;
    }
    while (part->fds_sent < part->n_fds) {
        if (channel_send_fd(&client->channel, part->fds[part->fds_sent], FALSE) < 0)
            return errno == EAGAIN ? 0 : -1;
        close(part->fds[part->fds_sent++]);
    }
    return 1;
}

/* What the socket takes at once, without a copy. Bytes, or -1. */
static ssize_t send_now(ServerClient *client, const XdrOut *out, gboolean plain)
{
    if (!g_queue_is_empty(&client->out))
        return 0;
    ssize_t n = (plain ? channel_send_plain : channel_send)(&client->channel, out->data, out->len, FALSE);
    return n < 0 && errno == EAGAIN ? 0 : n;
}

/* @block: the packet's memory, which is taken over; NULL: it is copied. */
static void queue_rest(ServerClient *client, const XdrOut *out, uint8_t *block, size_t sent, gboolean plain, const int *fds, guint n_fds)
{
    OutPart *part = g_new0(OutPart, 1);
    part->plain = plain;
    part->secret = out->secret;
    if (block) {
        part->len = out->len;
        part->at = sent;
        part->data = block;
        part->is_block = TRUE;
    } else {
        part->len = out->len - sent;
        part->data = g_memdup2(out->data + sent, part->len);
    }
    for (guint i = 0; i < n_fds; i++) {
        int copy = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
        if (copy >= 0)
            part->fds[part->n_fds++] = copy;
    }
    client->backlog += part->len - part->at;
    g_queue_push_tail(&client->out, part);
    /* never before what waits already */
    if (g_queue_get_length(&client->out) == 1 && send_part(client, part) == 1)
        part_free(g_queue_pop_tail(&client->out));
    else
        update_watch(client);
}

/* @layer (NULL: none) begins behind what is sent here. */
static void send_packet(ServerClient *client, const XdrOut *out, uint8_t *block, const int *fds, guint n_fds, ChannelLayer *layer)
{
    g_mutex_lock(&client->out_lock);
    if (layer)
        channel_set_layer(&client->channel, layer);
    ssize_t sent = send_now(client, out, layer != NULL);
    gboolean dead = sent < 0;
    if (!dead && ((size_t) sent < out->len || n_fds))
        queue_rest(client, out, g_steal_pointer(&block), sent, layer != NULL, fds, n_fds);
    else if (!dead && channel_wants_write(&client->channel))
        update_watch(client);
    if (!client->clogged && client->backlog > BACKLOG_CLOGGED) {
        client->clogged = TRUE;
        g_atomic_int_add(&client->in_flight, HOLD);
        g_atomic_int_set(&client->throttled, 1);
        update_watch(client);
    }
    gboolean flooded = client->backlog > BACKLOG_MAX && g_queue_get_length(&client->out) > 1;
    g_mutex_unlock(&client->out_lock);
    rpc_block_free(block);
    if (flooded)
        LOG_WARN("client %" G_GUINT64_FORMAT " does not read what it is sent; dropped", client->id);
    if (dead || flooded)
        server_client_close(client, FALSE);
}

void server_client_send(ServerClient *client, const XdrOut *out, const int *fds, guint n_fds)
{
    if (!g_atomic_int_get(&client->closed))
        send_packet(client, out, NULL, fds, n_fds, NULL);
}

void server_client_give(ServerClient *client, uint8_t *block, size_t len)
{
    XdrOut out = { .data = block, .len = len };
    if (g_atomic_int_get(&client->closed))
        rpc_block_free(block);
    else
        send_packet(client, &out, block, NULL, 0, NULL);
}

RpcPipe *rpc_pipe_new(int bytes)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return NULL;
    fcntl(fds[1], F_SETPIPE_SZ, bytes);     /* less does as well */
    RpcPipe *pipe = g_new(RpcPipe, 1);
    *pipe = (RpcPipe) { 1, { fds[0], fds[1] } };
    return pipe;
}

void rpc_pipe_unref(RpcPipe *pipe)
{
    if (!pipe || !g_atomic_int_dec_and_test(&pipe->refs))
        return;
    close(pipe->fds[0]);
    close(pipe->fds[1]);
    g_free(pipe);
}

gboolean server_client_is_plain(ServerClient *client)
{
    return !channel_layer(&client->channel);
}

void server_client_give_pipe(ServerClient *client, const void *head, size_t len, RpcPipe *pipe, size_t n)
{
    OutPart *part = g_new0(OutPart, 1);
    part->data = g_memdup2(head, len);
    part->len = len;
    part->piped = n;
    part->pipe = pipe;
    g_atomic_int_inc(&pipe->refs);
    g_mutex_lock(&client->out_lock);
    client->backlog += len + n;
    g_queue_push_tail(&client->out, part);
    int state = g_queue_get_length(&client->out) == 1 ? send_part(client, part) : 0;
    if (state == 1)
        part_free(g_queue_pop_tail(&client->out));
    else if (state == 0)
        update_watch(client);
    g_mutex_unlock(&client->out_lock);
    if (state < 0)
        server_client_close(client, FALSE);
}

typedef struct Switch { ServerClient *client; XdrOut out; ChannelLayer *layer; } Switch;

/* Loop's thread: nobody reads meanwhile. */
static void switch_call(void *opaque)
{
    Switch *s = opaque;
    gboolean behind = !rpc_reader_is_empty(&s->client->reader);
    if (s->client->watch && !behind) {
        send_packet(s->client, &s->out, NULL, NULL, 0, s->layer);
        server_client_set_authenticated(s->client);
    } else {
        if (behind)
            LOG_WARN("client %" G_GUINT64_FORMAT " dropped: what is behind its authentication is not encrypted", s->client->id);
        s->layer->ops->free(s->layer);
        client_finish(s->client);
    }
    xdr_out_clear(&s->out);
    server_client_unref(s->client);
    g_free(s);
}

void server_client_begin_layer(ServerClient *client, XdrOut *out, ChannelLayer *layer)
{
    Switch *s = g_new(Switch, 1);
    *s = (Switch) { server_client_ref(client), *out, layer };
    xdr_out_init(out, 0);
    loop_call(client->server->loop, switch_call, s);
}

size_t server_client_backlog(ServerClient *client)
{
    g_mutex_lock(&client->out_lock);
    size_t backlog = client->backlog;
    g_mutex_unlock(&client->out_lock);
    return backlog;
}

/* Whoever waited for the queue to be empty; out_lock is held. */
static GArray *take_drained(ServerClient *client)
{
    return g_queue_is_empty(&client->out) ? g_steal_pointer(&client->drained) : NULL;
}

/* Loop's thread. */
static void tell_drained(ServerClient *client, GArray *drained)
{
    for (guint i = 0; drained && i < drained->len; i++) {
        const Drained *d = &g_array_index(drained, Drained, i);
        d->fn(client, d->opaque);
    }
    g_clear_pointer(&drained, g_array_unref);
}

static void drained_call(void *opaque)
{
    ServerClient *client = opaque;
    g_mutex_lock(&client->out_lock);
    GArray *drained = client->watch ? take_drained(client) : NULL;
    g_mutex_unlock(&client->out_lock);
    tell_drained(client, drained);
    server_client_unref(client);
}

void server_client_when_drained(ServerClient *client, void (*fn)(ServerClient *, void *), void *opaque)
{
    Drained one = { fn, opaque };
    g_mutex_lock(&client->out_lock);
    if (!client->drained)
        client->drained = g_array_new(FALSE, FALSE, sizeof(Drained));
    g_array_append_val(client->drained, one);
    gboolean empty = g_queue_is_empty(&client->out);
    g_mutex_unlock(&client->out_lock);
    if (empty)
        loop_call(client->server->loop, drained_call, server_client_ref(client));
}

void client_send_keepalive(ServerClient *client, gint32 procedure)
{
    XdrOut out;
    RpcHeader header = { KEEPALIVE_PROGRAM, KEEPALIVE_PROTOCOL_VERSION, procedure, RPC_EVENT, 0, RPC_OK };
    xdr_out_init(&out, RPC_PREFIX);
    rpc_packet_begin(&out, -1);
    if (rpc_packet_finish(&out, &header) == 0)
        server_client_send(client, &out, NULL, 0);
    xdr_out_clear(&out);
}

void client_send_error(ServerClient *client, const RpcHeader *call)
{
    XdrOut out;
    RpcHeader header = *call;
    header.type = RPC_REPLY;
    header.status = RPC_ERROR;
    xdr_out_init(&out, RPC_MESSAGE_MAX);
    rpc_packet_begin(&out, -1);
    xdr_put_error(&out);
    if (rpc_packet_finish(&out, &header) == 0)
        server_client_send(client, &out, NULL, 0);
    xdr_out_clear(&out);
}

/* Loop's thread: the socket takes more. -1 when it is dead or all is sent and it was to be closed. */
static int flush(ServerClient *client)
{
    g_mutex_lock(&client->out_lock);
    int state = channel_flush(&client->channel, FALSE);
    while (state == 1 && !g_queue_is_empty(&client->out)) {
        state = send_part(client, g_queue_peek_head(&client->out));
        if (state == 1)
            part_free(g_queue_pop_head(&client->out));
    }
    if (state == 1)
        state = channel_flush(&client->channel, FALSE);
    gboolean over = state < 0 || (state == 1 && client->close_when_sent);
    GArray *drained = state == 1 && !over ? take_drained(client) : NULL;
    gboolean unclogged = client->clogged && client->backlog <= BACKLOG_CLOGGED / 2;
    if (unclogged)
        client->clogged = FALSE;
    update_watch(client);
    g_mutex_unlock(&client->out_lock);
    if (unclogged)
        server_client_release(client);
    tell_drained(client, drained);
    return over ? -1 : 0;
}

/* Receiving. Loop's thread. */

/* The rest of the packet at hand is diverted if its program wants that. */
static void begin_diversion(ServerClient *client)
{
    RpcPacket packet;
    if (!server_client_is_plain(client) || rpc_reader_begun(&client->reader, &packet) < DIVERT_MIN)
        return;
    const ServerProgram *program = server_program(client->server, packet.header.program);
    if (program && program->divert && program->version == packet.header.version && program->divert(client, &packet))
        rpc_reader_divert(&client->reader);
}

static void heard(ServerClient *client)
{
    client->last_heard = client->keepalive ? g_get_monotonic_time() : 0;
    client->unanswered = 0;
}

/* As rpc_reader_fill(). */
static ssize_t receive(ServerClient *client)
{
    RpcReader *reader = &client->reader;
    if (!reader->diverted)
        return rpc_reader_fill(reader, FALSE);
    const ServerProgram *program = server_program(client->server, reader->diverted_header.program);
    if (!program->diverted(client, &reader->diverted_header))
        return rpc_reader_pipe(reader, -1);
    heard(client);
    errno = EAGAIN;
    return -1;
}

/* The same on whatever thread, into a pipe. Bytes that went there, or were read of a header (*@header); 0 at the end, or of what may not go there. */
static ssize_t receive_piped(RpcReader *reader, int pipe, gboolean *header)
{
    RpcPacket packet;
    *header = !reader->diverted;
    if (!*header)
        return rpc_reader_pipe(reader, pipe);
    ssize_t got = reader->end - reader->start < RPC_PREFIX ? rpc_reader_fill(reader, FALSE) : RPC_PREFIX;
    if (got <= 0 || reader->end - reader->start < RPC_PREFIX)
        return got;
    if (rpc_reader_begun(reader, &packet) < DIVERT_MIN || memcmp(&packet.header, &reader->diverted_header, sizeof(packet.header)) != 0)
        return 0;
    rpc_reader_divert(reader);
    return got;
}

size_t server_client_pipe(ServerClient *client, RpcPipe *pipe)
{
    size_t total = 0;
    gboolean header, waited = FALSE;
    while (total < PIPE_ENOUGH) {
        ssize_t got = receive_piped(&client->reader, pipe->fds[1], &header);
        if (got > 0) {
            total += header ? 0 : (size_t) got;
            waited = FALSE;
        } else if (got < 0 && errno == EAGAIN && !waited && channel_poll(client->channel.fd, POLLIN, PIPE_WAIT_MS) > 0) {
            waited = TRUE;    /* if nothing comes though something is there the pipe is full */
        } else {
            /* of what has come between two packets the loop sees for itself what it is, or the end */
            if (!header && (got == 0 || errno != EAGAIN))
                server_client_close(client, FALSE);
            break;
        }
    }
    return total;
}

/* Hand out complete packets as long as the client may have more calls under way. */
static int hand_out(ServerClient *client)
{
    if (client->processing)
        return 0;
    client->processing = TRUE;
    int ret = 0;
    while (!g_atomic_int_get(&client->throttled) && !g_atomic_int_get(&client->closed)) {
        RpcPacket packet;
        ret = rpc_reader_next(&client->reader, &packet);
        if (ret == 0)
            begin_diversion(client);
        if (ret <= 0)
            break;
        ret = server_route(client, &packet);
        rpc_packet_close_fds(&packet);
        if (ret < 0)
            break;
    }
    client->processing = FALSE;
    if (ret < 0)
        LOG_WARN("client %" G_GUINT64_FORMAT " dropped: %s", client->id, error_message());
    return ret;
}

uint8_t *server_client_take(ServerClient *client, RpcPacket *packet)
{
    return rpc_reader_take(&client->reader, packet);
}

static void in_time(ServerClient *client)
{
    loop_timer_remove(client->hurry);
    client->hurry = NULL;
}

static void too_slow(LoopTimer *timer, void *opaque)
{
    ServerClient *client = opaque;
    LOG_WARN("client %" G_GUINT64_FORMAT " dropped: no TLS handshake in %d s", client->id, HANDSHAKE_MS / 1000);
    client_finish(client);
}

/* -1: the client is over. */
static int shake_hands(ServerClient *client)
{
    int state = channel_handshake(&client->channel);
    if (state < 0) {
        LOG_WARN("client %" G_GUINT64_FORMAT " dropped: %s", client->id, error_message());
        return -1;
    }
    if (state == 1) {
        client->shaking_hands = FALSE;
        in_time(client);
        if (client->door.auth != SERVER_AUTH_NONE)
            client->reader.max = ANONYMOUS_PACKET_MAX;
        else
            server_client_set_authenticated(client);
    }
    g_mutex_lock(&client->out_lock);
    update_watch(client);
    g_mutex_unlock(&client->out_lock);
    return 0;
}

/* What the layer had decrypted along with the handshake's end is read at once: the socket will not tell. */
static gboolean still_shaking(ServerClient *client, gboolean *over)
{
    if (!client->shaking_hands)
        return FALSE;
    *over = shake_hands(client) < 0;
    return *over || client->shaking_hands;
}

static void client_ready(LoopWatch *watch, int fd, unsigned events, void *opaque)
{
    ServerClient *client = opaque;
    gboolean over = FALSE;
    server_client_ref(client);
    if (still_shaking(client, &over)) {
        if (over)
            client_finish(client);
        server_client_unref(client);
        return;
    }
    if (events & LOOP_OUT)
        over = flush(client) < 0;
    if (!over && (events & (LOOP_IN | LOOP_HUP | LOOP_ERR)) && !g_atomic_int_get(&client->throttled)) {
        ssize_t got = receive(client);
        if (got > 0) {
            heard(client);
            over = hand_out(client) < 0;
        } else {
            over = got == 0 || errno != EAGAIN;
        }
    } else if (events & (LOOP_HUP | LOOP_ERR)) {
        over = TRUE; /* nobody would take the answers */
    }
    if (over)
        client_finish(client);
    server_client_unref(client);
}

void client_finish(ServerClient *client)
{
    RpcServer *server = client->server;
    if (!client->watch)
        return;
    g_atomic_int_set(&client->closed, 1);
    LoopWatch *watch = client->watch;
    g_mutex_lock(&client->out_lock);
    client->watch = NULL;
    g_mutex_unlock(&client->out_lock);
    server_client_ref(client);
    in_time(client);
    if (server->hooks.client_gone)
        server->hooks.client_gone(client);
    loop_watch_remove(watch);
    shutdown(client->channel.fd, SHUT_RDWR);
    g_mutex_lock(&server->lock);
    if (!server_client_authenticated(client) && g_atomic_int_compare_and_exchange(&client->authenticated, 0, 1))
        server->n_anonymous[DOOR_SIDE(&client->door)]--;
    g_hash_table_remove(server->clients, &client->id);
    g_mutex_unlock(&server->lock);
    server_update_listening(server);
    server_client_unref(client);
}

static void finish_call(void *opaque)
{
    client_finish(opaque);
    server_client_unref(opaque);
}

void server_client_close(ServerClient *client, gboolean flush_first)
{
    if (flush_first) {
        g_mutex_lock(&client->out_lock);
        gboolean pending = !g_queue_is_empty(&client->out) || channel_wants_write(&client->channel);
        client->close_when_sent = TRUE;
        if (pending)
            update_watch(client);
        g_mutex_unlock(&client->out_lock);
        if (pending)
            return;
    }
    if (!flush_first)
        g_atomic_int_set(&client->closed, 1);
    loop_call(client->server->loop, finish_call, server_client_ref(client));
}

/* Limits of calls under way */

static guint max_requests(ServerClient *client)
{
    g_mutex_lock(&client->server->lock);
    guint max = client->server->limits.max_client_requests;
    g_mutex_unlock(&client->server->lock);
    return MAX(max, 1);
}

/* Loop's thread: go on with what is in the buffer, then read again. */
static void resume_call(void *opaque)
{
    ServerClient *client = opaque;
    if (client->watch && hand_out(client) < 0) {
        client_finish(client);
    } else {
        g_mutex_lock(&client->out_lock);
        update_watch(client);
        g_mutex_unlock(&client->out_lock);
    }
    server_client_unref(client);
}

static void take_load(ServerClient *client, int weight)
{
    guint now = g_atomic_int_add(&client->in_flight, -weight) - weight;
    if (now < max_requests(client) && g_atomic_int_compare_and_exchange(&client->throttled, 1, 0))
        loop_call(client->server->loop, resume_call, server_client_ref(client));
}

static void add_load(ServerClient *client, int weight)
{
    guint now = g_atomic_int_add(&client->in_flight, weight) + weight;
    if (now < max_requests(client))
        return;
    g_mutex_lock(&client->out_lock);
    g_atomic_int_set(&client->throttled, 1);
    update_watch(client);
    g_mutex_unlock(&client->out_lock);
    /* the others may all have ended just now, before they could see the mark */
    take_load(client, 0);
}

gboolean client_is_kept_waiting(ServerClient *client)
{
    g_mutex_lock(&client->out_lock);
    gboolean waits = g_atomic_int_get(&client->throttled) && !client->clogged;
    g_mutex_unlock(&client->out_lock);
    return waits;
}

void server_client_request_begin(ServerClient *client)
{
    add_load(client, 1);
}

void server_client_request_end(ServerClient *client)
{
    take_load(client, 1);
}

void server_client_hold(ServerClient *client)
{
    add_load(client, HOLD);
}

void server_client_release(ServerClient *client)
{
    take_load(client, HOLD);
}

/* Arrival */

/* Small packets go at once; a dead peer is noticed though nobody says anything. */
static void tune_network(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* 0, or -1 with an error; nothing to undo. */
static int prepare_channel(ServerClient *client, int fd)
{
    RpcServer *server = client->server;
    channel_init(&client->channel, fd);
    if (client->door.transport != SERVER_UNIX)
        tune_network(fd);
    if (client->door.transport != SERVER_TLS)
        return 0;
    g_mutex_lock(&server->lock);
    TlsContext *context = server->tls ? tls_context_ref(server->tls) : NULL;
    g_mutex_unlock(&server->lock);
    ChannelLayer *layer = context ? tls_layer_new(context, fd, NULL) : NULL;
    tls_context_unref(context);
    if (!layer)
        return context ? -1 : FAIL(VIR_ERR_INTERNAL_ERROR, "there are no TLS certificates");
    channel_set_layer(&client->channel, layer);
    client->shaking_hands = TRUE;
    client->hurry = loop_timer_add(server->loop, too_slow, client, NULL);
    loop_timer_set(client->hurry, HANDSHAKE_MS, -1);
    return 0;
}

ServerClient *server_add_client(RpcServer *server, int fd, const ServerDoor *door)
{
    /* also what a handshake has to prove */
    gboolean need_auth = door->auth != SERVER_AUTH_NONE || door->transport == SERVER_TLS;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        int saved = errno;
        close(fd);
        return FAIL_ERRNO_NULL(saved, "cannot make a client's socket non-blocking");
    }
    ServerClient *client = g_new0(ServerClient, 1);
    client->refs = 1;
    client->server = server;
    server_ref(server);
    client->door = *door;
    client->since = g_get_real_time() / G_USEC_PER_SEC;
    client->authenticated = !need_auth;
    g_mutex_init(&client->out_lock);
    rpc_reader_init(&client->reader, &client->channel);
    if (need_auth)
        client->reader.max = ANONYMOUS_PACKET_MAX;
    if (prepare_channel(client, fd) < 0) {
        server_client_unref(client);
        return NULL;
    }
    g_mutex_lock(&server->lock);
    client->id = server->next_id++;
    g_hash_table_insert(server->clients, &client->id, client);
    if (need_auth)
        server->n_anonymous[DOOR_SIDE(door)]++;
    g_mutex_unlock(&server->lock);
    client->data = server->hooks.client_new ? server->hooks.client_new(client) : NULL;
    client->watch = loop_watch_add(server->loop, fd, LOOP_IN, client_ready, server_client_ref(client),
                                   client_unref_opaque);
    if (client->watch) {
        server_update_listening(server);
        return client;
    }
    in_time(client);
    server_client_unref(client);
    g_mutex_lock(&server->lock);
    server->n_anonymous[DOOR_SIDE(door)] -= need_auth;
    g_hash_table_remove(server->clients, &client->id);
    g_mutex_unlock(&server->lock);
    return NULL;
}
