/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Volumes that are block devices: what all kinds of pools with such volumes have in common.
 */
#pragma once
#include "storage/content.h"
#include "storage/backend.h"

int block_vol_refresh(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageStamp *stamp);
StorageContent *block_vol_open(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, gboolean write);
int block_vol_wipe(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int algorithm);

/** Fill a new volume's device with what is in @from, and give it the rights that its definition wants. @from may be NULL. 0 or -1. */
int block_vol_fill(const StorageVolDef *def, StorageVol *from);

/** Those of the table of a backend. */
#define BLOCK_VOL_FUNCTIONS \
    .wipe_algorithms = CONTENT_WIPE_ALGORITHMS, \
    .vol_clash = VIR_ERR_STORAGE_VOL_EXIST, \
    .vol_wipe = block_vol_wipe, \
    .vol_refresh = block_vol_refresh, \
    .vol_open = block_vol_open
