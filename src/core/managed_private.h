/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What managed.c and managed_list.c share. Not for others.
 */
#pragma once
#include "core/managed.h"

Store *managed_table_store(const ManagedTable *table);
