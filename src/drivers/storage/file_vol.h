/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Volumes that are files, or folders, in a pool that is a folder: what the backends dir, fs and netfs have in common.
 */
#pragma once
#include <sys/stat.h>
#include "drivers/storage/as_user.h"
#include "storage/backend.h"
#include "storage/content.h"

int file_vol_plan(StoragePool *pool, const StoragePoolDef *pool_def, StorageVolDef *def);
int file_vol_create(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageVol *from, unsigned int flags);
int file_vol_delete(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int flags);
int file_vol_resize(StoragePool *pool, StorageVol *vol, StorageVolDef *def, guint64 capacity, unsigned int flags);
int file_vol_wipe(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int algorithm);
int file_vol_refresh(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageStamp *stamp);
StorageContent *file_vol_open(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, gboolean write);

/** All of them, for the table of a backend. */
#define FILE_VOL_FUNCTIONS \
    .vol_create_flags = VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA | VIR_STORAGE_VOL_CREATE_REFLINK, \
    .vol_resize_flags = VIR_STORAGE_VOL_RESIZE_ALLOCATE | VIR_STORAGE_VOL_RESIZE_DELTA | VIR_STORAGE_VOL_RESIZE_SHRINK, \
    .wipe_algorithms = CONTENT_WIPE_ALGORITHMS, \
    .vol_clash = VIR_ERR_STORAGE_VOL_EXIST, \
    .vol_plan = file_vol_plan, \
    .vol_create = file_vol_create, \
    .vol_delete = file_vol_delete, \
    .vol_resize = file_vol_resize, \
    .vol_wipe = file_vol_wipe, \
    .vol_refresh = file_vol_refresh, \
    .vol_open = file_vol_open

/* For the files of this room */

/** Open a volume, as open(); -1 with an error. */
int file_vol_open_fd(StorageVol *vol, int flags);
/** Become the owner of the open file @fd, where root may not open it again. 0; -1 with an error. */
int file_vol_be_owner(AsUser *owner, const StoragePoolDef *pool_def, int fd);
/** Rights and times of a volume. */
void file_look_outside(StorageVolDef *def, const struct statx *info);
