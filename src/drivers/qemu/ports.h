/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ranges of TCP ports for displays. A port is taken if nobody took it from the pool and nothing on this host listens on it.
 */
#pragma once
#include <glib.h>

typedef struct PortPool PortPool;

/** Ports @first … @last. @name is for messages ("VNC"). */
PortPool *port_pool_new(const char *name, int first, int last);
void port_pool_free(PortPool *pool);

/** Take a free port. -1 with an error if all are in use. */
int port_pool_take(PortPool *pool);
/** Mark @port as taken, without looking whether somebody listens; ports outside the range are fine. */
void port_pool_reserve(PortPool *pool, int port);
void port_pool_give_back(PortPool *pool, int port);
