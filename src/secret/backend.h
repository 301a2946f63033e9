/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a kind of host must be able to do for its secrets. The functions may block; no lock is held while they run, and those that
 * change one secret run one at a time. Each returns 0, or -1 with the error set. Ephemeral secrets are never given to them. All members
 * NULL: secrets are in memory only.
 */
#pragma once
#include "core/managed.h"
#include "model/secret.h"

typedef struct SecretBackend {
    /** Keep a definition; @old is what it replaces (NULL: nothing was kept so far). @value: what is to be kept with it (NULL: what is kept
     * already). Done entirely or not at all. */
    int (*define)(const SecretDef *def, const SecretDef *old, const guint8 *value, size_t size, void *opaque);
    /** Keep a value, before it is acknowledged. */
    int (*set_value)(const SecretDef *def, const guint8 *value, size_t size, void *opaque);
    /** Read it; *value is freed with secret_value_free(), and NULL if there is none. At any time. */
    int (*get_value)(const SecretDef *def, guint8 **value, size_t *size, void *opaque);
    /** Forget everything that is kept. */
    int (*undefine)(const SecretDef *def, void *opaque);
    void *opaque;
} SecretBackend;
