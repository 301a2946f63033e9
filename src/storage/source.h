/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What guests' disks of type "volume" are.
 */
#pragma once
#include "model/domain_def.h"

/** Make of @source, which names a pool and a volume of this host, the file, device, directory or image on a server that it is. *@format
 * (STORAGE_FORMAT_UNSET: not given) becomes the volume's. Any thread; may block. 0; -1 with an error: VIR_ERR_NO_STORAGE_POOL,
 * VIR_ERR_NO_STORAGE_VOL, VIR_ERR_OPERATION_INVALID (the pool doesn't run), VIR_ERR_CONFIG_UNSUPPORTED (it can't be had that way). */
int storage_source_resolve(StorageSource *source, StorageFormat *format);
