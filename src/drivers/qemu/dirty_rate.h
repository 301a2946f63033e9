/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How fast guests change their memory.
 */
#pragma once
#include "base/json.h"
#include "domain/guest_stats.h"

/** Note what QEMU has answered to "query-dirty-rate"; nothing if that makes no sense. */
void qemu_dirty_rate_read(json_object *answer, GuestStats *stats);
