/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pools of one driver, and which connections use them.
 */
#pragma once
#include "core/managed.h"
#include "core/objects.h"
#include "storage/backend.h"

/** New host without pools. @setup must live as long; a reference of @bus is taken. */
PoolHost *storage_host_new(const StorageDriverSetup *setup, void *priv, EventBus *bus);
/** Let go of all pools; what runs goes on. No call may be under way. Accepts NULL. */
void storage_host_free(PoolHost *host);

ManagedTable *storage_host_pools(const PoolHost *host);
const StorageDriverSetup *storage_host_setup(const PoolHost *host);
EventBus *storage_host_bus(const PoolHost *host);

/** Define and, with @active, start a pool that is there from the beginning. @name (may be NULL) receives its name. 0 or -1. */
int storage_host_add_pool(PoolHost *host, const char *xml, gboolean active, char **name);
/** Add a volume that exists to a running pool: nothing is made. */
int storage_host_add_vol(PoolHost *host, const char *pool, const char *xml);
