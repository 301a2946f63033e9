/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What managed.c and managed_list.c share. Not for others.
 */
#pragma once
#include "core/managed.h"

Store *managed_table_store(const ManagedTable *table);
const ManagedBackend *managed_table_backend(const ManagedTable *table);

/** Take the job of the object that has name and UUID of @def, a new one if there is none; of a UUID that is in use for another
 * name, and the other way round, an error. */
int managed_reserve(ManagedTable *table, void *def, const char *api, ManagedJob *job);
/** Replace both definitions (references are taken), with the job and without events. */
void managed_replace(ManagedJob *job, Definition *config, Definition *live, gboolean autostart);
