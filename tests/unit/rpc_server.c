/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "rpc/block.h"
#include "rpc/server.h"
#include "rpc/xdr.h"

typedef struct Fixture {
    Loop *loop;
    Pool *pool;
    RpcServer *server;
    ServerClient *client; /* the server's end */
    int fd;               /* the program's */
} Fixture;

static int take_nothing(ServerClient *client, RpcPacket *packet)
{
    return 0;
}

/* Program 2 has its packets' payload come to a pipe, once it was told of the first of it. */
typedef struct Diverted {
    gboolean wanted;      /* it still is */
    guint begun, told, packets;
    size_t there;         /* came with the headers */
    guint32 serial;       /* of the last packet */
} Diverted;
static Diverted diverted;

static int take_packet(ServerClient *client, RpcPacket *packet)
{
    diverted.packets++;
    diverted.serial = packet->header.serial;
    return 0;
}

static gboolean divert(ServerClient *client, RpcPacket *packet)
{
    diverted.begun++;
    diverted.there += packet->len;
    return packet->header.type == RPC_STREAM;
}

static gboolean some_diverted(ServerClient *client, const RpcHeader *header)
{
    g_assert_cmpuint(header->program, ==, 2);
    diverted.told++;
    if (diverted.wanted)
        server_client_hold(client);
    return diverted.wanted;
}

static void setup(Fixture *f, gconstpointer data)
{
    static const ServerLimits limits = { .max_clients = 10, .max_client_requests = 5 };
    static const ServerProgram program = { 1, 1, take_nothing };
    static const ServerHooks hooks = { NULL };
    static const ServerDoor door = { SERVER_RW, SERVER_UNIX, FALSE };
    int pair[2];
    f->loop = loop_new();
    f->pool = pool_new("test", 1, 1, 0);
    f->server = server_new("test", f->loop, f->pool, &limits, &hooks);
    static const ServerProgram diverting = { 2, 1, take_packet, divert, some_diverted };
    diverted = (Diverted) { .wanted = TRUE };
    server_add_program(f->server, &program);
    server_add_program(f->server, &diverting);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    f->client = server_add_client(f->server, pair[0], &door);
    g_assert_nonnull(f->client);
    server_client_ref(f->client);
    f->fd = pair[1];
}

static void teardown(Fixture *f, gconstpointer data)
{
    close(f->fd);
    server_client_unref(f->client);
    server_free(f->server);
    while (loop_iterate(f->loop, false) > 0)
        ;
    pool_free(f->pool);
    loop_free(f->loop);
}

/* A packet that carries its number in its serial. */
static void send_numbered(Fixture *f, guint32 number, size_t len)
{
    XdrOut out;
    RpcHeader header = { 1, 1, 1, RPC_EVENT, number, RPC_OK };
    xdr_out_init(&out, RPC_MESSAGE_MAX);
    rpc_packet_begin(&out, -1);
    memset(xdr_out_reserve(&out, len), 'x', len);
    g_assert_cmpint(rpc_packet_finish(&out, &header), ==, 0);
    server_client_send(f->client, &out, NULL, 0);
    xdr_out_clear(&out);
}

/* Take all that has come; the packets must be in their order. Returns the next one's number. */
static guint32 receive(RpcReader *reader, guint32 next)
{
    RpcPacket packet;
    while (rpc_reader_fill(reader, FALSE) > 0) {
        while (rpc_reader_next(reader, &packet) > 0)
            g_assert_cmpuint(packet.header.serial, ==, next++);
    }
    return next;
}

/* What is sent while something waits comes behind it, also if the socket takes more just then. */
static void test_order(Fixture *f, gconstpointer data)
{
    guint32 sent = 0, received = 0;
    RpcReader reader;
    Channel channel;
    channel_init(&channel, f->fd);
    rpc_reader_init(&reader, &channel);
    while (server_client_backlog(f->client) == 0)
        send_numbered(f, sent++, 65536);
    received = receive(&reader, received); /* now there is room */
    send_numbered(f, sent++, 4);
    for (int i = 0; received < sent; i++) {
        g_assert_cmpint(i, <, 1000);
        loop_iterate(f->loop, false);
        received = receive(&reader, received);
    }
    rpc_reader_clear(&reader);
    channel_release(&channel);
}

static void count(ServerClient *client, void *opaque)
{
    (*(guint *) opaque)++;
}

/* Everybody who waits for the queue to be empty is told, once; what is given and not copied comes as it is. */
static void test_drained(Fixture *f, gconstpointer data)
{
    guint32 sent = 0, received = 0;
    guint told[3] = { 0 };
    RpcReader reader;
    Channel channel;
    channel_init(&channel, f->fd);
    rpc_reader_init(&reader, &channel);
    while (server_client_backlog(f->client) == 0) {
        RpcHeader header = { 1, 1, 1, RPC_STREAM, sent++, RPC_CONTINUE };
        uint8_t *block = rpc_block_new(100000);
        XdrOut out = { .data = block, .len = 100000 };
        g_assert_cmpint(rpc_packet_finish(&out, &header), ==, 0);
        server_client_give(f->client, block, out.len);
    }
    server_client_when_drained(f->client, count, &told[0]);
    server_client_when_drained(f->client, count, &told[1]);
    loop_iterate(f->loop, false);
    g_assert_cmpuint(told[0] + told[1], ==, 0);
    for (int i = 0; !told[1]; i++) {
        g_assert_cmpint(i, <, 1000);
        received = receive(&reader, received);
        loop_iterate(f->loop, false);
    }
    received = receive(&reader, received);
    g_assert_cmpuint(received, ==, sent);
    server_client_when_drained(f->client, count, &told[2]);
    while (!told[2])
        loop_iterate(f->loop, false);
    g_assert_cmpuint(told[0], ==, 1);
    g_assert_cmpuint(told[1], ==, 1);
    rpc_reader_clear(&reader);
    channel_release(&channel);
}

/* Packets of all sizes, kept beyond the next ones, have what was sent. */
static void test_kept(Fixture *f, gconstpointer data)
{
    static const size_t sizes[] = { 1, 20000, 32768, 131072, 300000, 131073, 5, 262144, 40000 };
    g_autoptr(GPtrArray) blocks = g_ptr_array_new();
    const uint8_t *payloads[G_N_ELEMENTS(sizes)];
    RpcReader reader;
    RpcPacket packet;
    Channel channel;
    channel_init(&channel, f->fd);
    rpc_reader_init(&reader, &channel);
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        XdrOut out;
        RpcHeader header = { 1, 1, 1, RPC_STREAM, i, RPC_CONTINUE };
        xdr_out_init(&out, RPC_MESSAGE_MAX);
        rpc_packet_begin(&out, -1);
        memset(xdr_out_reserve(&out, sizes[i]), 'a' + (int) i, sizes[i]);
        g_assert_cmpint(rpc_packet_finish(&out, &header), ==, 0);
        server_client_send(f->client, &out, NULL, 0);
        xdr_out_clear(&out);
    }
    for (int turns = 0; blocks->len < G_N_ELEMENTS(sizes); turns++) {
        g_assert_cmpint(turns, <, 10000);
        loop_iterate(f->loop, false);
        if (rpc_reader_fill(&reader, FALSE) <= 0)
            continue;
        while (rpc_reader_next(&reader, &packet) > 0) {
            g_assert_cmpuint(packet.header.serial, ==, blocks->len);
            g_assert_cmpuint(packet.len, ==, sizes[blocks->len]);
            g_ptr_array_add(blocks, rpc_reader_take(&reader, &packet));
            payloads[blocks->len - 1] = packet.payload;
        }
    }
    for (guint i = 0; i < blocks->len; i++) {
        for (size_t n = 0; n < sizes[i]; n++)
            g_assert_cmpuint(payloads[i][n], ==, 'a' + i);
        rpc_block_free(blocks->pdata[i]);
    }
    rpc_reader_clear(&reader);
    channel_release(&channel);
}

static void write_header(Fixture *f, RpcType type, guint32 serial, size_t len)
{
    uint8_t data[RPC_PREFIX];
    XdrOut out = { .data = data, .len = sizeof(data) };
    RpcHeader header = { 2, 1, 7, type, serial, RPC_CONTINUE };
    g_assert_cmpint(rpc_packet_finish_before(&out, &header, len), ==, 0);
    for (size_t i = 0; i < sizeof(data); i++)      /* as split as can be */
        g_assert_cmpint(write(f->fd, data + i, 1), ==, 1);
}

static void write_payload(Fixture *f, char what, size_t len)
{
    g_autofree char *data = g_malloc(len);
    memset(data, what, len);
    g_assert_cmpint(write(f->fd, data, len), ==, (ssize_t) len);
}

static void wait_until_told(Fixture *f, guint times)
{
    for (int i = 0; diverted.told < times; i++) {
        g_assert_cmpint(i, <, 1000);
        loop_iterate(f->loop, false);
    }
}

/* Empty the pipe of @n bytes, all of which are @what. */
static void check_pipe(RpcPipe *pipe, char what, size_t n)
{
    g_autofree char *data = g_malloc(n);
    g_assert_cmpint(read(pipe->fds[0], data, n), ==, (ssize_t) n);
    for (size_t i = 0; i < n; i++)
        g_assert_cmpint(data[i], ==, what);
}

/* The rest of a packet goes to a pipe, and the next such; not what comes behind them, and not what is small. */
static void test_diverted(Fixture *f, gconstpointer data)
{
    RpcPipe *pipe = rpc_pipe_new(1 << 20);
    write_header(f, RPC_STREAM, 1, 100000);
    write_payload(f, 'a', 50);
    for (int i = 0; i < 10; i++)
        loop_iterate(f->loop, false);
    g_assert_cmpuint(diverted.begun, ==, 1);
    write_payload(f, 'a', 39950);
    wait_until_told(f, 1);
    size_t got = server_client_pipe(f->client, pipe);   /* so much for now */
    g_assert_cmpuint(got, ==, 40000 - diverted.there);
    check_pipe(pipe, 'a', got);
    write_payload(f, 'a', 60000);
    write_header(f, RPC_STREAM, 1, 50000);
    write_payload(f, 'a', 50000);
    write_header(f, RPC_STREAM, 1, 20);
    write_payload(f, 'b', 20);
    got = server_client_pipe(f->client, pipe);
    g_assert_cmpuint(got, ==, 110000);
    for (; got; got -= MIN(got, 10000))
        check_pipe(pipe, 'a', MIN(got, 10000));
    g_assert_cmpuint(server_client_pipe(f->client, pipe), ==, 0);
    g_assert_cmpuint(diverted.packets, ==, 0);
    server_client_release(f->client);
    for (int i = 0; !diverted.packets; i++) {
        g_assert_cmpint(i, <, 1000);
        loop_iterate(f->loop, false);
    }
    g_assert_cmpuint(diverted.begun, ==, 1);
    g_assert_false(server_client_is_closed(f->client));
    rpc_pipe_unref(pipe);
}

/* What nobody wants any more is dropped, and what is behind it comes. */
static void test_diverted_in_vain(Fixture *f, gconstpointer data)
{
    diverted.wanted = FALSE;
    write_header(f, RPC_STREAM, 1, 100000);
    write_payload(f, 'a', 100000);
    write_header(f, RPC_STREAM, 2, 4);
    write_payload(f, 'a', 4);
    for (int i = 0; !diverted.packets; i++) {
        g_assert_cmpint(i, <, 1000);
        loop_iterate(f->loop, false);
    }
    g_assert_cmpuint(diverted.told, >, 0);
    g_assert_cmpuint(diverted.serial, ==, 2);
}

/* Pieces so small that the pipe has no room for all of them; then the client goes in the midst. */
static void test_diverted_pieces(Fixture *f, gconstpointer data)
{
    RpcPipe *pipe = rpc_pipe_new(4096);
    write_header(f, RPC_STREAM, 1, 100000);
    for (int i = 0; i < 10; i++)
        loop_iterate(f->loop, false);
    size_t total = 0;
    for (size_t sent = 0; sent < 100; sent++)
        write_payload(f, 'c', 100);
    wait_until_told(f, 1);
    for (size_t got; (got = server_client_pipe(f->client, pipe)) > 0; total += got)
        check_pipe(pipe, 'c', got);
    g_assert_cmpuint(total + diverted.there, ==, 10000);
    g_assert_false(server_client_is_closed(f->client));
    shutdown(f->fd, SHUT_RDWR);
    g_assert_cmpuint(server_client_pipe(f->client, pipe), ==, 0);
    g_assert_true(server_client_is_closed(f->client));
    rpc_pipe_unref(pipe);
}

/* go-libvirt writes the bytes 1 0 0 0 before its URI. */
static void test_presence(void)
{
    static const guint8 there[] = { 1, 0, 0, 0, 0, 0, 0, 1, 'x', 0, 0, 0 }, absent[4] = { 0 };
    XdrIn in;
    xdr_in_init(&in, there, sizeof(there));
    g_autofree char *text = xdr_get_string_opt(&in);
    g_assert_cmpstr(text, ==, "x");
    g_assert_true(xdr_in_done(&in));
    xdr_in_init(&in, absent, sizeof(absent));
    g_assert_null(xdr_get_string_opt(&in));
    g_assert_true(xdr_in_done(&in));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/rpc/server/order", Fixture, NULL, setup, test_order, teardown);
    g_test_add("/rpc/server/drained", Fixture, NULL, setup, test_drained, teardown);
    g_test_add("/rpc/reader/kept", Fixture, NULL, setup, test_kept, teardown);
    g_test_add("/rpc/server/diverted", Fixture, NULL, setup, test_diverted, teardown);
    g_test_add("/rpc/server/diverted/in_vain", Fixture, NULL, setup, test_diverted_in_vain, teardown);
    g_test_add("/rpc/server/diverted/pieces", Fixture, NULL, setup, test_diverted_pieces, teardown);
    g_test_add_func("/rpc/xdr/presence", test_presence);
    return g_test_run();
}
