/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The one store for all objects that have a UUID and a name: domains, networks, pools, secrets, filters.
 *
 * An object embeds a StoreEntry as its first member. The store holds one reference on each entry and keeps three
 * indexes (UUID, name, id). Its lock is held for a few instructions only; no callback but a list's filter runs under
 * it, and no lock is ever given to a caller. What a lookup returns is a reference, whose object may meanwhile have been
 * removed from the store: store_contains() tells.
 */
#pragma once
#include <glib.h>

typedef struct Store Store;
typedef struct StoreEntry StoreEntry;

struct StoreEntry {
    gint refs;
    int id;                 /* -1: none. Guarded by the store, as are the following; read them only in a filter */
    guint index;
    char *name;             /* owned */
    guint8 uuid[16];        /* never changes */
    gboolean stored;
    GDestroyNotify free_entry; /* frees the whole object, after the name */
};

typedef enum { STORE_ADDED, STORE_UUID_TAKEN, STORE_NAME_TAKEN } StoreAddResult;

/** Decide whether an entry belongs into a list. Runs under the store's lock: must be quick and must not call the store. */
typedef gboolean (*StoreFilter)(StoreEntry *entry, void *opaque);

Store *store_new(void);
/** Gives back the store's references. Accepts NULL. */
void store_free(Store *store);

/** Prepare an embedded entry, with one reference for the caller. @name is copied. */
void store_entry_init(StoreEntry *entry, const char *name, const guint8 uuid[16], GDestroyNotify free_entry);
void *store_entry_ref(void *entry);
void store_entry_unref(void *entry);

/** Add @entry (a reference is taken) unless UUID or name are in use; then @existing (may be NULL) receives a
 * reference to the one that has the UUID, or else the name. */
StoreAddResult store_add(Store *store, void *entry, void *existing);

/** Take @entry out. FALSE if it wasn't in. */
gboolean store_remove(Store *store, void *entry);

/** Give @entry another name. FALSE if another entry has it or @entry is not in the store. */
gboolean store_rename(Store *store, void *entry, const char *name);

/** Give @entry an id (-1: none). FALSE if it isn't in the store or another entry has the id. */
gboolean store_set_id(Store *store, void *entry, int id);

/** A reference, or NULL (no error is set). */
void *store_by_uuid(Store *store, const guint8 uuid[16]);
void *store_by_name(Store *store, const char *name);
void *store_by_id(Store *store, int id);

gboolean store_contains(Store *store, void *entry);

/** References to all entries that pass @filter (NULL: all), in the order in which they were added. The array gives the
 * references back when it is freed. */
GPtrArray *store_list(Store *store, StoreFilter filter, void *opaque);

/** How many pass. */
guint store_count(Store *store, StoreFilter filter, void *opaque);
