/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The way to the daemon that a URI names.
 */
#pragma once
#include "core/driver.h"

/** A connected stream socket, or -1 with an error that tells what was tried. A session daemon that doesn't run is started. */
int transport_connect(const Uri *uri, gboolean readonly);

/** The URI that the daemon is asked to open: without transport, host and our own parameters. NULL for "its default". */
char *transport_remote_name(const Uri *uri);

/** Connect to a UNIX socket: descriptor, or -1 with an error. */
int transport_connect_unix(const char *path);
/** Where the sockets of the system's or the session's daemons are. Caller frees. */
char *transport_runtime_dir(gboolean session);
