/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The administration program: servers, their clients and workers, the log. All of it is answered on the loop's thread.
 */
#pragma once
#include "rpc/server.h"

extern const ServerHooks admin_hooks;
void admin_add_program(RpcServer *server);

/** Servers that can be administrated; not references. */
void admin_add_server(RpcServer *server);
/** How @server's certificates are read anew: @update gives 0, or -1 with an error. */
void admin_set_tls_update(RpcServer *server, int (*update)(void *opaque), void *opaque);
/** How the daemon is told after how many seconds without anything to do it shall end (0: never). */
void admin_set_timeout_update(void (*update)(unsigned seconds, void *opaque), void *opaque);
/** Forget what the functions above have said. */
void admin_forget(void);
