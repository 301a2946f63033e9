/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A call of a backend, on a thread of its own. Internal to this room.
 *
 * Who calls waits as long as the backend moves on; a dead server or disk costs him a deadline, and nobody else anything: the thread that
 * hangs is left behind with all that it uses, and until it comes back the pool is "not responding", which every further call on it is
 * told at once. So it is for a while when a backend itself has given up its server. A call that needs two pools, a copy from one to the
 * other, says nothing of either when it hangs.
 */
#pragma once
#include "storage/vol.h"

#define STORAGE_NO_LIFE G_MAXUINT

/** What is to be done: returns what the backend returns. */
typedef int (*StorageRun)(StorageCall *call);

struct StorageCall {
    /* set by storage_call_new() */
    StoragePool *pool;              /* whose Managed we have a reference of */
    const StorageBackend *backend;
    const char *operation;          /* static, for people: "wipe" */
    Definition *pool_def;           /* reference */
    /* set by who calls; references */
    StorageVol *vol, *from;         /* NULL: none */
    virConnectPtr conn;             /* whose wish it is: the call ends when he is gone. NULL: it doesn't */
    gboolean always;                /* also on a pool that does not respond: it ends, or begins anew */
    const char *by_hand;            /* static: command that does it where the backend hangs, before the target's path; NULL: none */
    gboolean asks_anew;             /* also on a pool whose storage was silent a moment ago */
    gboolean keeps_name;            /* what it works on is seen as before meanwhile: no progress is shown */
    /* what the backend gets and gives; of the running thread alone until it is done */
    StorageVolDef *def;
    StorageStamp stamp;
    StorageScan scan;
    unsigned int flags, algorithm;
    guint64 number;                 /* capacity, or the size of the content */
    gboolean write;
    StorageContent *content;        /* reference; NULL: none */
    void *opaque;                   /* what @run needs beside, freed with @free_opaque */
    GDestroyNotify free_opaque;
    /* private; guarded by the pool's lock */
    gint refs;
    Managed *from_obj;              /* reference: the pool of @from */
    Definition *from_def;           /* reference: what that runs with */
    guint life;                     /* of the pool, when it began; STORAGE_NO_LIFE: which storage is silent can't be told */
    gboolean elsewhere;             /* it waits for another pool's storage */
    gboolean silent;                /* storage_silent() */
    StorageRun run;
    int error_domain;
    GCond ended;
    gboolean done, abandoned;
    int rc;
    virErrorPtr error;
    gint64 began_us, moved_us;
    guint64 progress, total;
};

/** A new call. @pool_def is copied. NULL with an error: nobody serves such pools. */
StorageCall *storage_call_new(StoragePool *pool, const StoragePoolDef *pool_def, const char *operation, StorageRun run);
/** @from, which the caller uses, is what its volume is made from. */
void storage_call_set_source(StorageCall *call, StorageVol *from);
void storage_call_unref(StorageCall *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorageCall, storage_call_unref)

/** Run it and wait for its end: what the backend returned; -1 with VIR_ERR_OPERATION_TIMEOUT if it does not respond: then nothing of the
 * call may be used any more. */
int storage_call_run(StorageCall *call);
/** End the threads that wait for calls, and wait for them: nothing of a storage driver runs any more but what is stuck. */
void storage_call_end_threads(void);
