/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The interfaces of one host.
 */
#pragma once
#include "core/objects.h"
#include "hostif/backend.h"

typedef struct HostifHost HostifHost;

/** New host without interfaces. @backend and @priv (the driver's own) must live as long. */
HostifHost *hostif_host_new(const HostifBackend *backend, void *priv, EventBus *bus);
/** No call may be under way. Accepts NULL. */
void hostif_host_free(HostifHost *host);
/** Its interfaces, for conn->tables; their managed_table_priv() is the host. */
ManagedTable *hostif_host_table(const HostifHost *host);

/** The driver's own, of a host's table. */
void *hostif_priv(const ManagedTable *table);
/** Look at the host, before anything is said about it. */
int hostif_look(ManagedTable *table);

/** A change that can be taken back: begin, keep, take back. 0; -1 with VIR_ERR_OPERATION_INVALID if one is under way, or none. */
int hostif_change_begin(HostifHost *host);
int hostif_change_commit(HostifHost *host);
int hostif_change_rollback(HostifHost *host);
