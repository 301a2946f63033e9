/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory for values and keys that stay for long: it is in no core dump, and, as far as the limit on locked memory goes, never in swap.
 */
#pragma once
#include <glib.h>
#include <stddef.h>

/** @size bytes, zeroed, freed with secret_memory_free(). NULL with an error. */
guint8 *secret_memory_new(size_t size);
/** Clear and free them; @size as it was asked for. NULL is fine. */
void secret_memory_free(guint8 *memory, size_t size);
