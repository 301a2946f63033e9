/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a kind of pool must be able to do. All functions may block (a file system, a server, a program) unless they say
 * otherwise; no lock is held while they run. Each returns 0, or -1 with the error set. A member that is NULL: the
 * pool needs nothing done, or where the comment says so, can't do it.
 *
 * The core calls pool functions one at a time for each pool. Volume functions of one volume never run side by side, except
 * for vol_refresh(), vol_open() and as the source of a vol_create(); those of different volumes do.
 */
#pragma once
#include "core/content.h"
#include "model/storage.h"

typedef struct PoolHost PoolHost;
typedef struct StoragePool StoragePool;
typedef struct StorageVol StorageVol;
typedef struct StorageScan StorageScan;

/** What a volume was like from outside when it was looked into: the backend's choice, all zero for "never". */
typedef struct StorageStamp {
    guint64 words[6];
} StorageStamp;

typedef struct StorageBackend {
    unsigned int build_flags;        /* virStoragePoolBuildFlags that are understood; the same for the following */
    unsigned int delete_flags;
    unsigned int vol_create_flags;
    unsigned int vol_delete_flags;
    unsigned int vol_resize_flags;
    unsigned int wipe_algorithms;    /* bit N: virStorageVolWipeAlgorithm N */
    int vol_clash;                   /* VIR_ERR_xxx when a volume of that name exists */
    guint stall_ms;                  /* as the driver's, for storage that may well be silent longer than others; 0: as others */

    int (*pool_build)(StoragePool *pool, const StoragePoolDef *def, unsigned int flags);
    int (*pool_start)(StoragePool *pool, const StoragePoolDef *def);
    /** Find what a former daemon has started, and mend what is missing; -1: it doesn't run any more. NULL: as pool_start(). */
    int (*pool_restore)(StoragePool *pool, const StoragePoolDef *def);
    /** Tell sizes and volumes. NULL: what was created here is all there is, and stays when the pool stops. */
    int (*pool_refresh)(StoragePool *pool, const StoragePoolDef *def, StorageScan *scan);
    /** Also called for what is left of a start that failed or was cut short. */
    int (*pool_stop)(StoragePool *pool, const StoragePoolDef *def);
    const char *stop_by_hand;        /* command that, with the target's path behind it, does it where pool_stop() hangs; NULL: none */
    int (*pool_delete)(StoragePool *pool, const StoragePoolDef *def, unsigned int flags);
    /** Document of the sources that there are for pools of @type; @wanted narrows it (NULL: all). Caller frees. NULL with an error.
     * NULL: can't. */
    char *(*find_sources)(PoolHost *host, StoragePoolType type, const StoragePoolSource *wanted);

    /** Check a new volume's definition, and add key, path and whatever else follows from the pool. Must not block. */
    int (*vol_plan)(StoragePool *pool, const StoragePoolDef *pool_def, StorageVolDef *def);
    /** Make a volume; with @from (NULL: empty) its content. @def may be completed, also with another key and path than was planned.
     * NULL: can't. */
    int (*vol_create)(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageVol *from, unsigned int flags);
    int (*vol_delete)(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int flags);
    /** Give it @capacity bytes; @def may be completed. @flags: ALLOCATE and SHRINK. NULL: can't. */
    int (*vol_resize)(StoragePool *pool, StorageVol *vol, StorageVolDef *def, guint64 capacity, unsigned int flags);
    /** NULL: can't; storage_content_wipe() does it for what has content. */
    int (*vol_wipe)(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int algorithm);
    /** Bring @def up to date with the volume, whose @stamp was this when @def was made, and note its present stamp. Returns 1 if
     * nothing has changed. With a stamp of zeros @def has no more than name, key and path. NULL: what is known is all there is. */
    int (*vol_refresh)(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageStamp *stamp);
    /** The content, to read, or also to @write; NULL with an error. The caller has the only reference; several may be open. NULL: can't. */
    StorageContent *(*vol_open)(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, gboolean write);
} StorageBackend;

/** What a driver offers. */
typedef struct StorageDriverSetup {
    guint stall_ms;             /* a backend that neither returns nor calls storage_progress() for so long does not respond; 0: the usual */
    const StorageBackend *backends[STORAGE_POOL_TYPE_LAST]; /* by type; NULL: no such pools */
    /** A pool has become known: set what it is like before anything is done with it. Must not block. May be NULL. */
    void (*pool_new)(StoragePool *pool);
    /** What serves pools of @type, where @backends has nothing: it may have to be loaded. Asked again each time; NULL with an error.
     * May be NULL. */
    const StorageBackend *(*load)(StoragePoolType type);
    /** Write to @to, the new and empty content of the volume that @def describes, what @from holds (NULL: nothing), in the format that @def
     * wants. Part of a vol_create(), through storage_vol_fill(). NULL: there is nothing but raw volumes, and no copies of other pools'. */
    int (*vol_fill)(StorageVolDef *def, StorageContent *to, StorageVol *from);
    /** Give the image in @content, that of @vol, which @def describes, @capacity bytes. Part of a vol_resize(), through
     * storage_vol_resize_image(). NULL: images can't be resized. */
    int (*vol_resize_image)(StorageVol *vol, const StorageVolDef *def, StorageContent *content, guint64 capacity, gboolean allocate);
} StorageDriverSetup;

/* For backends */

PoolHost *storage_pool_host(const StoragePool *pool);
/** The driver's own, of storage_host_new(). */
void *storage_host_priv(const PoolHost *host);
const char *storage_pool_name(const StoragePool *pool);
const char *storage_vol_name(const StorageVol *vol);
const char *storage_vol_path(const StorageVol *vol);
/** The pool of a volume and what it runs with; for the volume of the present call, and the source of a vol_create(). */
StoragePool *storage_vol_pool(const StorageVol *vol);
const StoragePoolDef *storage_vol_pool_def(const StorageVol *vol);
const StorageBackend *storage_vol_backend(const StorageVol *vol);
/** What is known of a volume; the caller frees it (xml_struct_free()). */
StorageVolDef *storage_vol_copy_def(const StorageVol *vol);

/** The content, to read, of the volume of any active pool that has this path; NULL with an error: VIR_ERR_NO_STORAGE_VOL if there is
 * none. *@def (NULL: not wanted): what is known of it, which the caller frees. May block. */
StorageContent *storage_host_open_path(PoolHost *host, const char *path, StorageVolDef **def);
/** The content of @from, the source of the present vol_create(), to read; NULL with an error. */
StorageContent *storage_vol_open_source(StorageVol *from);
/** For backends that are modules: what the driver's vol_fill() does. */
int storage_vol_fill(StorageVol *vol, StorageVolDef *def, StorageContent *to, StorageVol *from);
/** The same of its vol_resize_image(). */
int storage_vol_resize_image(StorageVol *vol, const StorageVolDef *def, StorageContent *content, guint64 capacity, gboolean allocate);

/** A pool's connection to its server, kept as long as somebody uses it: a call that hangs may outlive the pool's run. It is the first member of
 * what a backend has of one, which begins with one reference. */
typedef struct StorageConnection StorageConnection;
struct StorageConnection {
    gint refs;
    void (*end)(StorageConnection *connection);  /**< closes and frees it. [any thread] */
};

StorageConnection *storage_connection_ref(StorageConnection *connection);
/** Accepts NULL. */
void storage_connection_unref(StorageConnection *connection);
/** Have @connection, whose reference is taken over, or none (NULL) from now on. */
void storage_pool_set_connection(StoragePool *pool, StorageConnection *connection);
/** A reference; NULL with an error if there is none. */
StorageConnection *storage_pool_connection(StoragePool *pool);

/** The backend's own data of a pool and a volume, freed with it. */
void storage_pool_set_priv(StoragePool *pool, void *priv, GDestroyNotify free_priv);
void *storage_pool_priv(const StoragePool *pool);
void storage_vol_set_priv(StorageVol *vol, void *priv, GDestroyNotify free_priv);
void *storage_vol_priv(const StorageVol *vol);

/** Tell that the present call has done @done of @total bytes (0: not known); whoever lasts must, often enough. 0; -1 with
 * VIR_ERR_OPERATION_ABORTED: nobody wants it any more, stop. */
int storage_progress(guint64 done, guint64 total);
/** One of several things that the present call asks of its storage, one after the other, was answered: it responds. */
void storage_answered(void);
typedef struct StorageCall StorageCall;

/** The present call, for storage_act_for(); NULL: there is none. */
StorageCall *storage_present_call(void);
/** Have this thread, a library's, act for a call whose thread waits for it, or (NULL) for none any more: storage_progress() and storage_answered()
 * mean that call. What it acted for before. */
StorageCall *storage_act_for(StorageCall *call);
/** The storage has not answered the present call, which fails for that: its pool is "not responding" until it answers another one. */
void storage_silent(void);

/** Set the sizes of a pool, in bytes. */
void storage_pool_set_sizes(StoragePool *pool, guint64 capacity, guint64 allocation, guint64 available);
/** Free parts of the device of a running pool, which are copied. */
void storage_pool_set_free_extents(StoragePool *pool, const StorageExtent *extents, guint n);
/** Rights of the folder that a running pool is. */
void storage_pool_set_rights(StoragePool *pool, guint mode, gint64 owner, gint64 group);
/** Take @bytes from what is free. FALSE if there isn't as much. */
gboolean storage_pool_take(StoragePool *pool, guint64 bytes);
void storage_pool_give(StoragePool *pool, guint64 bytes);

/** A volume that was found, taken over; complete, with key and path. */
void storage_scan_add(StorageScan *scan, StorageVolDef *def);
/** A volume that was found but not looked into: vol_refresh() does that when somebody wants to know more. The texts are copied. */
void storage_scan_add_name(StorageScan *scan, const char *name, const char *key, const char *path);
