/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN managed_thread_domain
#define LOG_SOURCE "storage.host"
#include "storage/call.h"
#include "storage/host.h"
#include "base/error.h"
#include "base/log.h"
#include "storage/vol.h"

struct PoolHost {
    const StorageDriverSetup *setup;
    void *priv;
    EventBus *bus;
    ManagedTable *pools;
};

PoolHost *storage_host_new(const StorageDriverSetup *setup, void *priv, EventBus *bus)
{
    PoolHost *host = g_new0(PoolHost, 1);
    host->setup = setup;
    host->priv = priv;
    host->bus = event_bus_ref(bus);
    host->pools = managed_table_new(&storage_pool_kind, &storage_pool_managed, host, bus);
    return host;
}

/* Whether a thread that was left behind may come back to what we have. */
static gboolean storage_host_is_stuck(PoolHost *host)
{
    g_autoptr(GPtrArray) all = managed_objects(host->pools, 0, NULL, NULL);
    gboolean stuck = FALSE;
    for (guint i = 0; i < all->len; i++) {
        StoragePool *pool = storage_pool_of(all->pdata[i]);
        g_mutex_lock(&pool->lock);
        stuck |= pool->stuck + pool->left > 0;
        g_mutex_unlock(&pool->lock);
    }
    return stuck;
}

void storage_host_free(PoolHost *host)
{
    if (!host)
        return;
    storage_call_end_threads();
    if (storage_host_is_stuck(host)) {
        LOG_WARN("storage pools that do not respond are left behind");
        return;
    }
    managed_table_free(host->pools);
    event_bus_unref(host->bus);
    g_free(host);
}

ManagedTable *storage_host_pools(const PoolHost *host) { return host->pools; }
const StorageDriverSetup *storage_host_setup(const PoolHost *host) { return host->setup; }
EventBus *storage_host_bus(const PoolHost *host) { return host->bus; }
void *storage_host_priv(const PoolHost *host) { return host->priv; }

const StorageBackend *storage_host_backend(const PoolHost *host, StoragePoolType type)
{
    const StorageBackend *backend = host->setup->backends[type];
    if (!backend && host->setup->load)
        return host->setup->load(type);
    return backend ? backend : FAIL_NULL(VIR_ERR_NO_SUPPORT, "there are no pools of type '%s' here",
                                         storage_pool_type_to_string(type));
}

int storage_host_add_pool(PoolHost *host, const char *xml, gboolean active, char **name)
{
    g_autoptr(Managed) obj = managed_add(host->pools, xml, active);
    if (!obj)
        return -1;
    if (name)
        *name = g_strdup(MANAGED_NAME(obj));
    return 0;
}

int storage_host_add_vol(PoolHost *host, const char *pool_name, const char *xml)
{
    g_autoptr(Managed) obj = managed_find(host->pools, NULL, pool_name);
    if (!obj)
        return -1;
    g_autoptr(ManagedState) state = managed_state(obj);
    StoragePool *pool = storage_pool_of(obj);
    StorageVolDef *def = storage_vol_read(pool, storage_pool_def(state), xml, TRUE, FALSE);
    if (!def)
        return -1;
    guint64 bytes = def->allocation;
    g_autoptr(StorageVol) vol = storage_vol_new(pool, def);
    if (!storage_pool_take(pool, bytes))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "pool '%s' has not enough room for volume '%s'", pool_name, vol->name);
    g_mutex_lock(&pool->lock);
    gboolean taken = g_hash_table_contains(pool->by_name, vol->name);
    if (!taken)
        storage_index_add(pool, vol);
    g_mutex_unlock(&pool->lock);
    if (!taken)
        return 0;
    storage_pool_give(pool, bytes);
    return FAIL(storage_host_backend(host, storage_pool_def(state)->type)->vol_clash,
                "storage volume '%s' exists already in pool '%s'", vol->name, pool_name);
}
