/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The networks of one driver.
 */
#pragma once
#include "core/objects.h"
#include "network/backend.h"

/** New host without networks. @backend must live as long; a reference of @bus is taken. */
NetworkHost *network_host_new(const NetworkBackend *backend, void *priv, EventBus *bus);
/** Let go of all networks; what runs goes on. No call may be under way. Accepts NULL. */
void network_host_free(NetworkHost *host);
/** Read the networks and ports that a former daemon has left; the table is kept in files (managed_table_keep()). */
void network_host_load(NetworkHost *host);
/** Its networks, for conn->tables; their managed_table_priv() is the host. */
ManagedTable *network_host_table(const NetworkHost *host);
