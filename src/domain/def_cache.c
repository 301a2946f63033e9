/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#include "domain/def_cache.h"
#include "base/error.h"
#include "base/uuid.h"
#include "domain/host.h"
#include "domain/persist.h"

typedef struct Item {
    unsigned char uuid[VIR_UUID_BUFLEN];
    guint serial;
    SharedDef *def;
    GList link;           /* in DefCache.order */
} Item;

struct DefCache {
    GMutex lock;
    GHashTable *items;    /* uuid -> Item */
    GQueue order;         /* of Item, last used first */
    guint max;
};

static void item_free(void *opaque)
{
    Item *item = opaque;
    shared_def_unref(item->def);
    g_free(item);
}

DefCache *def_cache_new(guint max)
{
    DefCache *cache = g_new0(DefCache, 1);
    g_mutex_init(&cache->lock);
    cache->items = g_hash_table_new_full(uuid_hash, uuid_equal, NULL, item_free);
    cache->max = max;
    return cache;
}

void def_cache_free(DefCache *cache)
{
    if (!cache)
        return;
    g_hash_table_unref(cache->items);
    g_mutex_clear(&cache->lock);
    g_free(cache);
}

SharedDef *def_cache_get(DefCache *cache, const unsigned char *uuid, guint serial)
{
    g_mutex_lock(&cache->lock);
    Item *item = g_hash_table_lookup(cache->items, uuid);
    SharedDef *def = NULL;
    if (item && item->serial == serial) {
        def = shared_def_ref(item->def);
        g_queue_unlink(&cache->order, &item->link);
        g_queue_push_head_link(&cache->order, &item->link);
    }
    g_mutex_unlock(&cache->lock);
    return def;
}

static void drop_item(DefCache *cache, Item *item)
{
    g_queue_unlink(&cache->order, &item->link);
    g_hash_table_remove(cache->items, item->uuid);
}

void def_cache_put(DefCache *cache, const unsigned char *uuid, guint serial, SharedDef *def)
{
    g_mutex_lock(&cache->lock);
    Item *item = g_hash_table_lookup(cache->items, uuid);
    if (item && (gint) (serial - item->serial) < 0) {
        g_mutex_unlock(&cache->lock);
        return;
    }
    if (item)
        drop_item(cache, item);
    item = g_new0(Item, 1);
    memcpy(item->uuid, uuid, VIR_UUID_BUFLEN);
    item->serial = serial;
    item->def = shared_def_ref(def);
    item->link.data = item;
    g_hash_table_insert(cache->items, item->uuid, item);
    g_queue_push_head_link(&cache->order, &item->link);
    if (cache->order.length > cache->max)
        drop_item(cache, cache->order.tail->data);
    g_mutex_unlock(&cache->lock);
}

void def_cache_drop(DefCache *cache, const unsigned char *uuid)
{
    g_mutex_lock(&cache->lock);
    Item *item = g_hash_table_lookup(cache->items, uuid);
    if (item)
        drop_item(cache, item);
    g_mutex_unlock(&cache->lock);
}

/* Read the file; a rename or definition that came between is followed. */
static SharedDef *load_config(DomainObj *obj, const DomainState *state)
{
    SharedDef *def = persist_read(obj->host, state->name, obj->entry.uuid);
    if (def) {
        def_cache_put(host_def_cache(obj->host), obj->entry.uuid, state->config_serial, def);
        return def;
    }
    g_autoptr(DomainState) now = domain_state(obj);
    if (now->config_serial == state->config_serial || !now->persistent)
        return NULL;
    return domain_config(obj, now);
}

SharedDef *domain_config(DomainObj *obj, const DomainState *state)
{
    if (!state->persistent)
        return FAIL_NULL(VIR_ERR_OPERATION_INVALID, "domain '%s' is transient: it has no persistent definition",
                         state->name);
    if (state->config)
        return shared_def_ref(state->config);
    SharedDef *def = def_cache_get(host_def_cache(obj->host), obj->entry.uuid, state->config_serial);
    return def ? def : load_config(obj, state);
}

SharedDef *domain_current_def(DomainObj *obj, const DomainState *state)
{
    return state->live ? shared_def_ref(state->live) : domain_config(obj, state);
}
