/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * RPC server: listening sockets, clients, packets. What the packets mean is the business of programs.
 *
 * Everything of a client is read on the loop's thread, and a program's function is called there: it answers at once or
 * hands the call to a worker. Answers and events are sent by whichever thread has them, straight to the socket if that
 * takes them, else by the loop. A client that doesn't read its answers is dropped before it costs memory; one that has
 * too many calls under way isn't read until some are done.
 */
#pragma once
#include <sys/types.h>
#include "base/loop.h"
#include "base/threadpool.h"
#include "rpc/framing.h"
#include "rpc/sasl.h"
#include "rpc/tls.h"

typedef struct RpcServer RpcServer;
typedef struct ServerClient ServerClient;
typedef struct RpcPipe RpcPipe;

typedef enum { SERVER_RW, SERVER_RO, SERVER_ADMIN } ServerKind;
/** Numbers of virClientTransport. */
typedef enum { SERVER_UNIX, SERVER_TCP, SERVER_TLS } ServerTransport;

/** How clients say who they are before anything else, in addition to what TLS demands. */
typedef enum { SERVER_AUTH_NONE, SERVER_AUTH_POLKIT, SERVER_AUTH_SASL } ServerAuth;

/** What clients of a listening socket are. */
typedef struct ServerDoor {
    ServerKind kind;
    ServerTransport transport;
    ServerAuth auth;
    const SaslRules *sasl; /* for SERVER_AUTH_SASL; outlives the server */
} ServerDoor;

/** All may be changed at run time through server_set_limits(). */
typedef struct ServerLimits {
    guint max_clients;              /* further connections wait in the kernel's queue */
    guint max_anonymous_clients;    /* of them not yet authenticated, here and over the network each; 0: no limit */
    guint max_client_requests;      /* calls under way for one client */
    int keepalive_interval;         /* seconds of silence before a ping; <= 0: none */
    guint keepalive_count;          /* unanswered pings before the client is given up */
} ServerLimits;

typedef struct ServerProgram {
    guint32 number;
    guint32 version;
    /** A packet of this program came: loop's thread. The packet is valid during the call only; its descriptors are closed
     * afterwards unless the function takes them (n_fds = 0). -1 with an error: the client is dropped. */
    int (*packet)(ServerClient *client, RpcPacket *packet);
    /** Much of a packet's payload is still to come (@packet has what is there): shall it come by server_client_pipe()? What is there
     * has been taken then. FALSE: it is to come as a packet. Loop's thread. May be NULL, as the next. */
    gboolean (*divert)(ServerClient *client, RpcPacket *packet);
    /** Some of it has come. TRUE: it is read by server_client_pipe(), and the client held until that is over. FALSE: nobody
     * wants it any more, the rest is dropped. Loop's thread. */
    gboolean (*diverted)(ServerClient *client, const RpcHeader *header);
} ServerProgram;

typedef struct ServerHooks {
    /** A client came; what is returned is its data. Loop's thread. */
    void *(*client_new)(ServerClient *client);
    /** It is gone: no packet will come, what is sent is lost. Loop's thread; must not block. */
    void (*client_gone)(ServerClient *client);
    /** Last reference: free its data. Any thread. */
    void (*client_free)(void *data);
} ServerHooks;

RpcServer *server_new(const char *name, Loop *loop, Pool *pool, const ServerLimits *limits, const ServerHooks *hooks);
/** Drop all clients, stop listening, free when the last client is gone. */
void server_free(RpcServer *server);
void server_add_program(RpcServer *server, const ServerProgram *program);

/** Listen on @fd (a bound and listening socket; taken over). 0 or -1. */
int server_add_listener(RpcServer *server, int fd, const ServerDoor *door);

/** Serve one end of a socket pair or an accepted connection as a client (taken over). NULL with an error. */
ServerClient *server_add_client(RpcServer *server, int fd, const ServerDoor *door);

/** Certificates for clients that come from now on; a reference is taken. Any thread. */
void server_set_tls(RpcServer *server, TlsContext *context);

const char *server_name(RpcServer *server);
Pool *server_pool(RpcServer *server);
Loop *server_loop(RpcServer *server);
guint server_client_count(RpcServer *server);
/** Clients that there ever were. */
guint64 server_clients_ever(RpcServer *server);
guint server_anonymous_count(RpcServer *server);
void server_get_limits(RpcServer *server, ServerLimits *limits);
void server_set_limits(RpcServer *server, const ServerLimits *limits);
/** All clients, each with a reference. Free with g_ptr_array_unref(). */
GPtrArray *server_clients(RpcServer *server);
ServerClient *server_find_client(RpcServer *server, guint64 id);

/* Clients */

ServerClient *server_client_ref(ServerClient *client);
void server_client_unref(ServerClient *client);
void *server_client_data(ServerClient *client);
RpcServer *server_client_server(ServerClient *client);
guint64 server_client_id(ServerClient *client);
ServerKind server_client_kind(ServerClient *client);
ServerTransport server_client_transport(ServerClient *client);
ServerAuth server_client_auth(ServerClient *client);
const SaslRules *server_client_sasl_rules(ServerClient *client);
/** What protects its connection below SASL. */
SaslBase server_client_base(ServerClient *client);
/** Distinguished name in a TLS client's certificate; NULL if there is none, and during the handshake. */
const char *server_client_certificate(ServerClient *client);
/** The other end of a network connection as "ADDRESS:PORT", NULL for UNIX sockets; caller frees. */
char *server_client_address(ServerClient *client);
gint64 server_client_since(ServerClient *client); /* seconds since 1970 */
/** Whether its connection has ended or is being ended. */
gboolean server_client_is_closed(ServerClient *client);
gboolean server_client_authenticated(ServerClient *client);
void server_client_set_authenticated(ServerClient *client);
/** Its name, which is known before it is authenticated; NULL if it has none. Set once. */
void server_client_set_user(ServerClient *client, const char *user);
const char *server_client_user(ServerClient *client);
/** Who is at the other end of a UNIX socket. -1 without an error if unknown. */
int server_client_credentials(ServerClient *client, pid_t *pid, uid_t *uid, gid_t *gid);
/** The client understands pings. */
void server_client_enable_keepalive(ServerClient *client);

/** Send a finished packet and descriptors (duplicated if they must wait). Any thread. */
void server_client_send(ServerClient *client, const XdrOut *out, const int *fds, guint n_fds);
/** The same for a packet of @len bytes in a block of rpc_block_new(), which is taken over: what must wait is not copied. */
void server_client_give(ServerClient *client, uint8_t *block, size_t len);
/** A pipe that data of streams waits in. */
struct RpcPipe {
    gint refs;
    int fds[2];       /* to read from, to write to */
};
/** For @bytes; NULL without an error if there is none to be had. */
RpcPipe *rpc_pipe_new(int bytes);
/** Accepts NULL. */
void rpc_pipe_unref(RpcPipe *pipe);
/** Send a packet whose first @len bytes (no more than RPC_PREFIX) are in @head, and the next @n in @pipe, behind what was given before.
 * Only if server_client_is_plain(). */
void server_client_give_pipe(ServerClient *client, const void *head, size_t len, RpcPipe *pipe, size_t n);
/** Whether nothing is between packets and socket. */
gboolean server_client_is_plain(ServerClient *client);
/** Send a finished packet (@out is taken over and empty then), the last that is not encrypted: what is behind it, both ways, goes through
 * @layer (taken over), and only then the client is authenticated. It may have sent nothing more before that, or somebody else has:
 * such a client is dropped. Any thread. */
void server_client_begin_layer(ServerClient *client, XdrOut *out, ChannelLayer *layer);
/** Bytes that wait to be sent. */
size_t server_client_backlog(ServerClient *client);
/** Call @fn on the loop's thread once the backlog is gone (at once if there is none), if the client is still there. @opaque stays
 * the caller's. */
void server_client_when_drained(ServerClient *client, void (*fn)(ServerClient *client, void *opaque), void *opaque);
/** End it, after what is queued was sent if @flush. Any thread. */
void server_client_close(ServerClient *client, gboolean flush);

/** As rpc_reader_take(), for the packet at hand. Loop's thread. */
uint8_t *server_client_take(ServerClient *client, RpcPacket *packet);

/** Move payload of the packet that was diverted, and of those behind it that differ in nothing but length, from the socket into @pipe, which is
 * empty. Bytes, at least one; waits for them for a little while. 0: there are none now, or another packet comes, or the client has gone:
 * release the client. Whoever holds the client, and it is read by nobody else. */
size_t server_client_pipe(ServerClient *client, RpcPipe *pipe);

/** A call was handed to a worker / is answered. Reading stops while too many are under way. */
void server_client_request_begin(ServerClient *client);
void server_client_request_end(ServerClient *client);
/** Don't read the client at all until it is released as often as it was held. */
void server_client_hold(ServerClient *client);
void server_client_release(ServerClient *client);
