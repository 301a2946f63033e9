/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Volumes: the index of a pool, and who uses which volume. Internal to this room.
 */
#pragma once
#include "storage/pool.h"

struct StorageVol {
    gint refs;
    StoragePool *pool;        /* no reference; lives as long as a job on the volume */
    char *name, *key, *path;  /* never change */
    void *priv;               /* the backend's */
    GDestroyNotify free_priv;
    /* guarded by the pool's lock */
    Definition *def;          /* as it was when somebody last looked into it */
    StorageStamp stamp;       /* then */
    struct StorageCall *call; /* what is being done with it; no reference; NULL: nothing lasting */
    guint serial;
    guint users;              /* streams, and copies that are made of it */
    guint streams;            /* those of them that are streams */
    gint64 moved_us;          /* when something was last done with it, which others wait for */
    gboolean busy;            /* is being made, resized, wiped or deleted */
    gboolean building;        /* … made */
    gboolean stored;          /* in the pool's index */
};

/** Read the definition of a volume for a pool, which @pool_def describes, complete with key and path. @known: the volume
 * exists, and what only its pool could tell is kept. NULL with an error. */
StorageVolDef *storage_vol_read(StoragePool *pool, const StoragePoolDef *pool_def, const char *xml, gboolean known,
                                gboolean validate);

/** A new volume, not in any index, with one reference. @def is taken over; it must have key and path. */
StorageVol *storage_vol_new(StoragePool *pool, StorageVolDef *def);
StorageVol *storage_vol_ref(StorageVol *vol);
void storage_vol_unref(StorageVol *vol);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorageVol, storage_vol_unref)

/* The index. The pool's lock must be held. */
void storage_index_init(StoragePool *pool);
void storage_index_clear(StoragePool *pool);
void storage_index_add(StoragePool *pool, StorageVol *vol);
void storage_index_remove(StoragePool *pool, StorageVol *vol);

/** What a look at the pool has found. */
struct StorageScan {
    StoragePool *pool;
    GPtrArray *vols;  /* of StorageVol, references */
    guint since;      /* volumes that appeared after this serial are not judged */
};
void storage_scan_init(StoragePool *pool, StorageScan *scan);
/** Make the index what was found. Volumes in use stay. */
void storage_scan_apply(StoragePool *pool, StorageScan *scan);
void storage_scan_clear(StorageScan *scan);

/** How a call uses a volume. */
typedef enum {
    VOL_LOOK,   /* reads what is known of it; never waits */
    VOL_USE,    /* reads or writes its content, as others may at the same time */
    VOL_STREAM, /* … at the pace of a client: while that is idle, nobody waits for it */
    VOL_CHANGE, /* alone */
} VolAccess;

/** So long a backend may be silent before its pool is "not responding", unless the driver says otherwise. */
#define STORAGE_CALL_MS 30000
/** So long a call waits for those that are at work on its volume or pool while nothing moves on. */
#define STORAGE_STALL_MS 60000
/** A stream of a client is waited for until it has been idle for so long. */
#define STORAGE_IDLE_MS 5000
/** A pool whose storage was silent is asked again as soon as it has been left alone for as long as it was waited for, at most so long. */
#define STORAGE_RETRY_MS 10000

/** A call's access to one volume. Zero-initialise; g_auto() ends it. Unless VOL_LOOK it also keeps the pool from being
 * stopped. */
typedef struct VolJob {
    virConnectPtr conn;       /* whose call it is, no reference; may be NULL */
    Managed *obj;             /* reference */
    ManagedState *state;
    StoragePool *pool;
    StorageVol *vol;          /* reference */
    Definition *def;          /* reference: as it was when the job began */
    StorageStamp stamp;
    VolAccess access;
    gboolean making;          /* VOL_LOOK: the volume was still being made */
} VolJob;

/** Find a volume by name in an active pool, and wait for who uses it otherwise. 0, or -1 with VIR_ERR_NO_STORAGE_POOL,
 * VIR_ERR_NO_STORAGE_VOL, VIR_ERR_OPERATION_INVALID (inactive) or VIR_ERR_OPERATION_TIMEOUT. */
int vol_job_begin(VolJob *job, PoolHost *host, const char *pool, const char *name, VolAccess access);
void vol_job_end(VolJob *job);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VolJob, vol_job_end)

const StorageVolDef *vol_job_def(const VolJob *job);
/** Make @def (taken over) the job's definition and, unless another call was faster with a change, the volume's. */
void vol_job_publish(VolJob *job, StorageVolDef *def);
/** A call of the backend on the job's volume, with a copy of its definition. NULL with an error. */
struct StorageCall *vol_job_call(const VolJob *job, const char *operation, int (*run)(struct StorageCall *call));
/** Ask the backend for what has changed and publish it. 0, or -1. */
int vol_job_refresh(VolJob *job);
/** The content; NULL with an error. Where it has no descriptor, each use of it is a call with a deadline, and ends when the client is gone. */
StorageContent *vol_job_open(const VolJob *job, gboolean write);
/** Something of what the job does was done. */
void vol_job_moved(const VolJob *job);
/** A stream has ended: what is left to do for it is waited for as everything else. FALSE: nobody wants that, the volume is gone. */
gboolean vol_job_end_stream(VolJob *job);

/** Let a new volume into an active pool, busy with being made. @def is taken over in any case. 0, or -1 with the backend's code
 * if the name is in use. @source: the volume that the caller uses meanwhile, or NULL: with one nothing is waited for, since whoever
 * stops a pool may wait for that use. The job ends as any. */
int vol_job_create(VolJob *job, PoolHost *host, const char *pool, const StorageVol *source, StorageVolDef *def);
/** A new volume has got key and path of @def, which may be others than were planned. */
void vol_job_settle(VolJob *job, const StorageVolDef *def);
/** Take the volume out of the index. */
void vol_job_drop(VolJob *job);
