/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is done to volumes of any server: the driver's vol_fill() and vol_resize_image() (storage/backend.h).
 */
#pragma once
#include "storage/backend.h"

int content_fill(StorageVolDef *def, StorageContent *to, StorageVol *from);
int content_resize_image(StorageVol *vol, const StorageVolDef *def, StorageContent *content, guint64 capacity, gboolean allocate);
