/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by server.c (listening, limits) and server_client.c (one client).
 */
#pragma once
#include "rpc/server.h"

typedef struct Listener {
    RpcServer *server;
    int fd;
    LoopWatch *watch;
    ServerDoor door;
} Listener;

struct RpcServer {
    gint refs;
    char *name;
    Loop *loop;
    Pool *pool;
    ServerHooks hooks;
    GMutex lock;              /* limits, clients */
    ServerLimits limits;
    GHashTable *clients;      /* id -> ServerClient (reference) */
    guint n_anonymous[2];     /* of UNIX sockets, of the network: strangers there keep nobody here out */
    guint64 next_id;
    GPtrArray *listeners;     /* loop's thread */
    gboolean listening[2];    /* at them */
    LoopTimer *keepalive;
    TlsContext *tls;          /* under lock */
    const ServerProgram *programs[8];
    guint n_programs;
};

typedef struct OutPart {
    uint8_t *data;
    gboolean is_block;        /* of rpc_block_new() */
    size_t len, at;
    int fds[RPC_FDS_MAX];
    guint n_fds, fds_sent;
    int secret;               /* as of XdrOut */
    gboolean plain;           /* from before the channel's layer */
    RpcPipe *pipe;            /* reference; what comes behind data is there … */
    size_t piped;             /* … so many bytes */
} OutPart;

typedef struct Drained {
    void (*fn)(ServerClient *client, void *opaque);
    void *opaque;
} Drained;

struct ServerClient {
    gint refs;
    RpcServer *server;        /* reference */
    guint64 id;
    Channel channel;
    ServerDoor door;
    gboolean shaking_hands;   /* loop's thread: the channel's layer is not ready yet */
    LoopTimer *hurry;         /* ends a client that takes too long with it */
    gint64 since;
    char *user;               /* as SASL knows it; atomic, set once */
    void *data;
    LoopWatch *watch;         /* loop's thread; NULL once closed */
    RpcReader reader;         /* loop's thread */
    gboolean processing;      /* loop's thread: packets are being handed out */
    gint authenticated;
    gint closed;
    gint in_flight;
    gint throttled;           /* not read since too much is under way */
    GMutex out_lock;
    GQueue out;               /* OutPart */
    size_t backlog;
    gboolean clogged;         /* it holds back calls, see BACKLOG_CLOGGED; under out_lock */
    gboolean close_when_sent;
    GArray *drained;          /* Drained: who waits for an empty queue; NULL: nobody */
    gboolean keepalive;       /* loop's thread, as what follows */
    gint64 last_heard;        /* monotonic us */
    guint unanswered;
};

/** Index of n_anonymous and listening. */
#define DOOR_SIDE(door) ((door)->transport != SERVER_UNIX)

void server_ref(RpcServer *server);
void server_unref(RpcServer *server);
/** Loop's thread: the client is over. */
void client_finish(ServerClient *client);
/** Who takes packets of this program, whatever their version; NULL: nobody. */
const ServerProgram *server_program(RpcServer *server, guint32 number);
/** Loop's thread: a packet for one of the programs. -1: drop the client. */
int server_route(ServerClient *client, RpcPacket *packet);
/** Listen again if there is room for clients, or stop. Loop's thread. */
void server_update_listening(RpcServer *server);
void client_send_keepalive(ServerClient *client, gint32 procedure);
/** Whether it is not read from for reasons of ours: too much is under way. */
gboolean client_is_kept_waiting(ServerClient *client);
/** Answer a call with this thread's error. */
void client_send_error(ServerClient *client, const RpcHeader *call);
