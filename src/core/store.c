/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/store.h"
#include "base/uuid.h"
#include <string.h>

struct Store {
    GRWLock lock;
    GPtrArray *entries;    /* in order of addition; holds the references */
    GHashTable *by_uuid;   /* entry->uuid -> entry */
    GHashTable *by_name;   /* entry->name -> entry */
    GHashTable *by_id;     /* id -> entry */
};

Store *store_new(void)
{
    Store *store = g_new0(Store, 1);
    g_rw_lock_init(&store->lock);
    store->entries = g_ptr_array_new();
    store->by_uuid = g_hash_table_new(uuid_hash, uuid_equal);
    store->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    store->by_id = g_hash_table_new(NULL, NULL);
    return store;
}

void store_free(Store *store)
{
    if (!store)
        return;
    g_hash_table_unref(store->by_uuid);
    g_hash_table_unref(store->by_name);
    g_hash_table_unref(store->by_id);
    for (guint i = 0; i < store->entries->len; i++) {
        StoreEntry *entry = g_ptr_array_index(store->entries, i);
        entry->stored = FALSE;
        store_entry_unref(entry);
    }
    g_ptr_array_unref(store->entries);
    g_rw_lock_clear(&store->lock);
    g_free(store);
}

void store_entry_init(StoreEntry *entry, const char *name, const guint8 uuid[16], GDestroyNotify free_entry)
{
    entry->refs = 1;
    entry->id = -1;
    entry->name = g_strdup(name);
    memcpy(entry->uuid, uuid, sizeof(entry->uuid));
    entry->free_entry = free_entry;
}

void *store_entry_ref(void *entry)
{
    g_atomic_int_inc(&((StoreEntry *) entry)->refs);
    return entry;
}

void store_entry_unref(void *entry)
{
    StoreEntry *e = entry;
    if (!e || !g_atomic_int_dec_and_test(&e->refs))
        return;
    g_free(e->name);
    e->free_entry(e);
}

StoreAddResult store_add(Store *store, void *entry, void *existing)
{
    StoreEntry *e = entry, **found = existing;
    StoreAddResult result = STORE_ADDED;

    g_rw_lock_writer_lock(&store->lock);
    StoreEntry *other = g_hash_table_lookup(store->by_uuid, e->uuid);
    if (other)
        result = STORE_UUID_TAKEN;
    else if ((other = g_hash_table_lookup(store->by_name, e->name)))
        result = STORE_NAME_TAKEN;
    if (other) {
        if (found)
            *found = store_entry_ref(other);
    } else {
        e->index = store->entries->len;
        e->stored = TRUE;
        g_ptr_array_add(store->entries, store_entry_ref(e));
        g_hash_table_insert(store->by_uuid, e->uuid, e);
        g_hash_table_insert(store->by_name, e->name, e);
    }
    g_rw_lock_writer_unlock(&store->lock);
    return result;
}

static void close_gap(Store *store, guint index)
{
    g_ptr_array_remove_index(store->entries, index);
    for (guint i = index; i < store->entries->len; i++)
        ((StoreEntry *) g_ptr_array_index(store->entries, i))->index = i;
}

gboolean store_remove(Store *store, void *entry)
{
    StoreEntry *e = entry;
    g_rw_lock_writer_lock(&store->lock);
    gboolean stored = e->stored;
    if (stored) {
        g_hash_table_remove(store->by_uuid, e->uuid);
        g_hash_table_remove(store->by_name, e->name);
        if (e->id >= 0)
            g_hash_table_remove(store->by_id, GINT_TO_POINTER(e->id));
        e->id = -1;
        e->stored = FALSE;
        close_gap(store, e->index);
    }
    g_rw_lock_writer_unlock(&store->lock);
    if (stored)
        store_entry_unref(e);
    return stored;
}

gboolean store_rename(Store *store, void *entry, const char *name)
{
    StoreEntry *e = entry;
    g_autofree char *fresh = g_strdup(name);
    g_rw_lock_writer_lock(&store->lock);
    StoreEntry *other = g_hash_table_lookup(store->by_name, name);
    gboolean done = e->stored && (!other || other == e);
    if (done) {
        g_hash_table_remove(store->by_name, e->name);
        char *old = e->name;
        e->name = fresh;
        fresh = old;
        g_hash_table_insert(store->by_name, e->name, e);
    }
    g_rw_lock_writer_unlock(&store->lock);
    return done;
}

gboolean store_set_id(Store *store, void *entry, int id)
{
    StoreEntry *e = entry;
    g_rw_lock_writer_lock(&store->lock);
    StoreEntry *other = id >= 0 ? g_hash_table_lookup(store->by_id, GINT_TO_POINTER(id)) : NULL;
    gboolean done = e->stored && (!other || other == e);
    if (done) {
        if (e->id >= 0)
            g_hash_table_remove(store->by_id, GINT_TO_POINTER(e->id));
        e->id = id;
        if (id >= 0)
            g_hash_table_insert(store->by_id, GINT_TO_POINTER(id), e);
    }
    g_rw_lock_writer_unlock(&store->lock);
    return done;
}

static void *lookup(Store *store, GHashTable *table, gconstpointer key)
{
    g_rw_lock_reader_lock(&store->lock);
    StoreEntry *e = g_hash_table_lookup(table, key);
    if (e)
        store_entry_ref(e);
    g_rw_lock_reader_unlock(&store->lock);
    return e;
}

void *store_by_uuid(Store *store, const guint8 uuid[16])
{
    return lookup(store, store->by_uuid, uuid);
}

void *store_by_name(Store *store, const char *name)
{
    return lookup(store, store->by_name, name);
}

void *store_by_id(Store *store, int id)
{
    return id < 0 ? NULL : lookup(store, store->by_id, GINT_TO_POINTER(id));
}

gboolean store_contains(Store *store, void *entry)
{
    g_rw_lock_reader_lock(&store->lock);
    gboolean stored = ((StoreEntry *) entry)->stored;
    g_rw_lock_reader_unlock(&store->lock);
    return stored;
}

GPtrArray *store_list(Store *store, StoreFilter filter, void *opaque)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(store_entry_unref);
    g_rw_lock_reader_lock(&store->lock);
    g_ptr_array_set_size(list, store->entries->len);
    guint n = 0;
    for (guint i = 0; i < store->entries->len; i++) {
        StoreEntry *e = g_ptr_array_index(store->entries, i);
        if (!filter || filter(e, opaque))
            list->pdata[n++] = store_entry_ref(e);
    }
    list->len = n; /* not set_size(): there is nothing behind that could be freed */
    g_rw_lock_reader_unlock(&store->lock);
    return list;
}

guint store_count(Store *store, StoreFilter filter, void *opaque)
{
    g_rw_lock_reader_lock(&store->lock);
    guint n = filter ? 0 : store->entries->len;
    for (guint i = 0; filter && i < store->entries->len; i++)
        n += filter(g_ptr_array_index(store->entries, i), opaque) ? 1 : 0;
    g_rw_lock_reader_unlock(&store->lock);
    return n;
}
