/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What managed.c and managed_list.c share. Not for others.
 */
#pragma once
#include "core/managed.h"

Store *managed_table_store(const ManagedTable *table);
/** Find an object and the state in which it was found (caller unrefs both). NULL: there is none; sets no error. */
Managed *managed_look(ManagedTable *table, const guint8 *uuid, const char *key, ManagedState **state);
void managed_fail_not_found(const ManagedKind *kind, const guint8 *uuid, const char *key);
