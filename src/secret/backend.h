/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a kind of host must be able to do for its secrets. The functions may block; no lock is held while they run, and those on
 * one secret run one at a time. Each returns 0, or -1 with the error set. A member that is NULL: nothing needs to be done,
 * secrets are in memory only.
 */
#pragma once
#include "core/managed.h"
#include "model/secret.h"

typedef struct SecretBackend {
    /** Keep a definition; @old is what it replaces (NULL: new). */
    int (*define)(ManagedTable *table, SecretDef *def, const SecretDef *old);
    /** Keep a value, before it is acknowledged. */
    int (*set_value)(const Managed *secret, const SecretDef *def, const guint8 *value, size_t size);
    /** Forget everything that is kept. */
    int (*undefine)(const Managed *secret, const SecretDef *def);
} SecretBackend;
