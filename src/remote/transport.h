/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The way to the daemon that a URI names.
 */
#pragma once
#include "core/driver.h"
#include "rpc/channel.h"

/** A way that was found. */
typedef struct Transport {
    int fd;               /* connected stream socket */
    ChannelLayer *layer;  /* above it; NULL: none */
    gboolean secure;      /* nobody on the way can read or change what is sent */
    gboolean encrypted;
    gboolean passes_fds;  /* a UNIX socket of the daemon itself */
    int process;          /* pidfd of the tunnel that we started; -1: none */
    int messages;         /* file with what the tunnel said on standard error; -1: none */
} Transport;

/* Bytes that are kept of what a tunnel says. */
#define TRANSPORT_MESSAGES_MAX 2048

#define TRANSPORT_INIT { .fd = -1, .process = -1, .messages = -1 }

/** Connect as @uri says. A session daemon that doesn't run is started. 0, or -1 with an error that tells what was tried. */
int transport_open(Transport *transport, const Uri *uri, gboolean readonly);
/** End the tunnel if there is one. Socket and layer are somebody else's by now. */
void transport_end(Transport *transport);
/** Add what the tunnel said to the thread's error. */
void transport_explain(const Transport *transport);

/** A connected socket of the daemon here that serves @uri, or -1 with an error. */
int transport_connect_local(const Uri *uri, gboolean readonly);
/** The URI that the daemon is asked to open: without transport, host and our own parameters. NULL or "": its default. */
char *transport_remote_name(const Uri *uri);
/** Connect to a UNIX socket: descriptor, or -1 with an error. */
int transport_connect_unix(const char *path);
/** Whether the URI has this parameter, with a number other than 0. */
gboolean transport_flag(const Uri *uri, const char *name);
/** Where the sockets of the system's or the session's daemons are. Caller frees. */
char *transport_runtime_dir(gboolean session);

/* The ways; each fills in what it has. 0, or -1 with an error. */
int transport_open_tcp(Transport *transport, const Uri *uri);
int transport_open_tls(Transport *transport, const Uri *uri);
int transport_open_ssh(Transport *transport, const Uri *uri, gboolean readonly);
int transport_open_ext(Transport *transport, const Uri *uri);
