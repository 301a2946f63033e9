/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sockets that the daemon listens on: made by itself, or handed over by systemd.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

#include "config/libvirtd.h"
#include "daemon/network.h"

typedef enum { SOCKET_RW, SOCKET_RO, SOCKET_ADMIN, SOCKET_KINDS } SocketKind;

typedef struct {
    int fd;       /* listening, non-blocking; -1: none */
    char *path;   /* of a socket that we made, and remove at the end; NULL if systemd did */
} DaemonSocket;

typedef struct {
    DaemonSocket sockets[SOCKET_KINDS];
    GArray *network;   /* NetworkSocket, from systemd; NULL: none */
    bool activated;    /* by systemd */
} DaemonSockets;

/** What the configuration demands of the sockets, worked out. */
typedef struct {
    unsigned ro_mode, rw_mode, admin_mode;
    bool rw_authenticated; /* permissions aren't all that protects the read-write socket */
    gid_t group;
    char *dir;
    const char *tls_port, *tcp_port; /* of the configuration */
} SocketSettings;

/** Work out @settings of a @conf that went through settings_finish(), reporting mistakes to @report (may be NULL). @file: name of the configuration file;
 * @run_dir: where sockets are by default. 0, or -1 with an error. */
int socket_settings_init(SocketSettings *settings, const LibvirtdConf *conf, const char *file, const char *run_dir,
                         bool privileged, ConfReport *report);
void socket_settings_clear(SocketSettings *settings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SocketSettings, socket_settings_clear)

/** Take what systemd hands over, else listen by ourselves. 0, or -1 with an error. */
int daemon_sockets_open(DaemonSockets *sockets, const SocketSettings *settings, bool privileged);
/** The sockets of the network that systemd handed over (NetworkSocket; the caller's), NULL if there are none. */
GArray *daemon_sockets_take_network(DaemonSockets *sockets);
/** Hand the descriptor of a socket over to the caller; -1 if there is none. */
int daemon_sockets_take(DaemonSockets *sockets, SocketKind kind);
/** Close what wasn't taken, and remove what we made. */
void daemon_sockets_close(DaemonSockets *sockets);

/** "libvirt-sock" and its like. */
const char *socket_kind_name(SocketKind kind);
