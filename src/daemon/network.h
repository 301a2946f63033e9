/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Clients from other hosts: listening TCP sockets, and the certificates for TLS.
 */
#pragma once
#include "config/libvirtd.h"
#include "rpc/server.h"

/** A listening socket. */
typedef struct NetworkSocket {
    int fd;
    ServerTransport transport;
} NetworkSocket;

/** An empty list of NetworkSocket, which closes what is still in it when it is freed. */
GArray *network_sockets_new(void);
/** Listen where @conf says, on every address that listen_addr stands for. NetworkSocket, which the caller closes or hands
 * on; NULL with an error. */
GArray *network_listen(const LibvirtdConf *conf);
/** Read certificates and keys as @conf says. NULL with an error that names the file. */
TlsContext *network_read_certificates(const LibvirtdConf *conf);
