/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a volume holds, written to one that is there already: the driver's vol_fill() (storage/backend.h).
 */
#pragma once
#include "storage/backend.h"

int content_fill(StorageVolDef *def, StorageContent *to, StorageVol *from);
