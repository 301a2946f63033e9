/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a volume's first bytes say of it. They are told, and not followed.
 */
#pragma once
#include "model/storage.h"

/** Forget what was known of the inside of a volume. */
void vol_forget_inside(StorageVolDef *def);
/** Set format, capacity, base and the like in @def, which has its path and, as its capacity, the @size of what holds it, from its first @n
 * bytes, up to IMAGE_HEAD_BYTES. */
void vol_look_inside(StorageVolDef *def, const guint8 *bytes, gsize n, guint64 size);
