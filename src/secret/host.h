/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The secrets of one host.
 */
#pragma once
#include "core/objects.h"
#include "secret/backend.h"

/** Longest value, in bytes: what fits on the wire. */
#define SECRET_VALUE_MAX 65536

/** New table, for conn->tables. @backend must live as long; a reference of @bus is taken. managed_table_free() frees it. */
ManagedTable *secret_table_new(const SecretBackend *backend, EventBus *bus);

/** A copy of a secret's value, also of a private one: for drivers that use it, never for a client. @def: its definition. May read files.
 * Freed with secret_value_free(). NULL with an error: VIR_ERR_NO_SECRET if it has none. */
guint8 *secret_value_get(const Managed *secret, const SecretDef *def, size_t *size);
/** Clear and free a value. NULL is fine. */
void secret_value_free(guint8 *value, size_t size);

/** Give a secret a value (copied), with its job. 0, or -1 with an error. */
int secret_value_set(ManagedJob *job, const guint8 *value, size_t size);
/** Undefine it, with its job; the value is gone. */
int secret_undefine(ManagedJob *job);
