/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the daemon's frame wants of the RPC server, in its own terms. Everything on the loop's thread.
 */
#pragma once
#include "base/loop.h"
#include "base/threadpool.h"
#include "config/libvirtd.h"
#include "daemon/sockets.h"

typedef struct Service Service;

/** NULL with an error. Nothing is served before service_listen(). @conf stays the caller's and must outlive it. */
Service *service_new(Loop *loop, Pool *pool, const LibvirtdConf *conf, bool privileged);
/** Serve the listening socket @fd from now on; it is taken over in any case. 0, or -1 with an error. */
int service_listen(Service *service, int fd, SocketKind kind);
/** Read certificates and open the sockets of the network that the configuration wants, or use those in @handed_over (NetworkSocket;
 * taken over). 0, or -1 with an error. */
int service_open_network(Service *service, GArray *handed_over);
/** Serve them from now on, if there are any. 0, or -1 with an error. */
int service_listen_network(Service *service);
/** Connections at present, and how many there ever were. */
unsigned service_clients(Service *service);
guint64 service_clients_ever(Service *service);
/** Accept no more, close all connections. */
void service_stop(Service *service);
/** Wait until the service's own workers are idle, as pool_drain(). Any thread but theirs. */
bool service_drain(Service *service, int64_t deadline_ms);
void service_free(Service *service);
