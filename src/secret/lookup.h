/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How drivers come to the value of a secret that a definition names: whoever keeps the host's secrets says once where they are.
 */
#pragma once
#include <glib.h>
#include <stddef.h>
#include "core/managed.h"
#include "model/common_def.h"

/** Value of the secret that @ref names, by UUID or by type and usage; of a private one, too. Any thread; may wait for the disk.
 * Freed with secret_value_free(). NULL with an error: VIR_ERR_NO_SECRET if there is none, or it has no value. */
typedef guint8 *(*SecretSource)(const SecretRef *ref, size_t *size, void *opaque);

/** Where secrets are from now on; NULL: nowhere. While nobody looks for one: before guests and after them. */
void secret_source_set(SecretSource source, void *opaque);

/** A SecretSource: the table of a host's secrets is @opaque. */
guint8 *secret_source_table(const SecretRef *ref, size_t *size, void *opaque);

/** Ask it. @what says what needs the secret ("disk 'vda'"). NULL with an error, which says @what, the secret, and the commands that give
 * it. */
guint8 *secret_lookup(const SecretRef *ref, const char *what, size_t *size);
