/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Connections of pools to their servers.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "storage/pool.h"
#include "base/error.h"

StorageConnection *storage_connection_ref(StorageConnection *connection)
{
    g_atomic_int_inc(&connection->refs);
    return connection;
}

void storage_connection_unref(StorageConnection *connection)
{
    if (connection && g_atomic_int_dec_and_test(&connection->refs))
        connection->end(connection);
}

void storage_pool_set_connection(StoragePool *pool, StorageConnection *connection)
{
    g_mutex_lock(&pool->lock);
    StorageConnection *old = pool->connection;
    pool->connection = connection;
    g_mutex_unlock(&pool->lock);
    storage_connection_unref(old);
}

StorageConnection *storage_pool_connection(StoragePool *pool)
{
    g_mutex_lock(&pool->lock);
    StorageConnection *connection = pool->connection ? storage_connection_ref(pool->connection) : NULL;
    g_mutex_unlock(&pool->lock);
    return connection ? connection : FAIL_NULL(VIR_ERR_OPERATION_INVALID, "storage pool '%s' is not connected", storage_pool_name(pool));
}
