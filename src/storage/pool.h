/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A pool: what the core keeps beside its definitions. Internal to this room.
 */
#pragma once
#include "storage/host.h"

struct StoragePool {
    Managed *obj;                  /* whose data this is; no reference */
    PoolHost *host;
    void *priv;                    /* the backend's */
    GDestroyNotify free_priv;
    GMutex lock;                   /* guards the following; held for a few instructions */
    StorageConnection *connection; /* reference; NULL: not connected, or none is needed */
    GCond changed;                 /* a job has ended, or the pool has closed or opened */
    gint64 moved_us;               /* when something last moved on */
    Definition *running;           /* reference: what it runs with; NULL: it doesn't, or not yet */
    guint64 capacity, allocation, available;
    StoragePermissions rights;     /* of its folder; without any: not known */
    GArray *extents;               /* of StorageExtent: free on its device; NULL: not known */
    GPtrArray *vols;               /* of StorageVol, references, in order of appearance */
    GHashTable *by_name, *by_key, *by_path;
    guint life;                    /* which of its runs this is */
    guint stuck;                   /* calls of this life that were left behind because the backend does not respond */
    gint64 stuck_us;               /* since when the first of them has been silent */
    guint left;                    /* calls left behind that tell nothing of this life's storage */
    gint64 silent_us;              /* since when the storage has answered nothing, as the backend says; 0: it answers */
    gint64 retry_us;               /* silent: until then it isn't asked again on behalf of volumes */
    guint jobs;                    /* calls at work on volumes, and streams */
    guint streams;                 /* those of them that are streams of clients */
    gint64 stream_us;              /* when one of these last moved on */
    guint serial;                  /* of the last volume that appeared */
    gboolean closing;              /* is being stopped: new jobs wait */
    gboolean building;
};

/** How the pools are managed. */
extern const ManagedKind storage_pool_kind;
extern const ManagedBackend storage_pool_managed;

static inline StoragePool *storage_pool_of(const Managed *obj) { return obj->data; }
/** What serves pools of @type; NULL with VIR_ERR_NO_SUPPORT. */
const StorageBackend *storage_host_backend(const PoolHost *host, StoragePoolType type);

/** Definition in force, of a state; belongs to the state. */
const StoragePoolDef *storage_pool_def(const ManagedState *state);

/** With the pool's lock held: a job has ended, or something of it was done. */
void storage_pool_moved(StoragePool *pool);
/** With the pool's lock held: wait until something changes, at most until @until_us of the monotonic clock. */
void storage_pool_wait(StoragePool *pool, gint64 until_us);
/** With the pool's lock held: whether its storage has been silent. */
static inline gboolean storage_pool_is_silent(const StoragePool *pool) { return pool->stuck || pool->silent_us; }

/** The following want the pool's job. */
int storage_pool_build(Managed *obj, const StoragePoolDef *def, unsigned int flags);
int storage_pool_refresh(ManagedJob *job);
/** 0, or -1 with VIR_ERR_OPERATION_INVALID. */
int storage_pool_need_inactive(const ManagedJob *job);
int storage_pool_delete(ManagedJob *job, unsigned int flags);

/** XML of a pool with its present sizes; caller frees. @flags: XmlFlags. */
char *storage_pool_xml(Managed *obj, const ManagedState *state, unsigned int flags);
