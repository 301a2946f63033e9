/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The library's event loop inside the daemon is the daemon's loop: streams and timers of drivers run on it.
 */
#pragma once
#include "base/loop.h"

/** Register @loop as the implementation behind virEventAddHandle() and its like. Once, before any driver starts. */
void loop_events_register(Loop *loop);
/** The loop is about to be freed: forget every handle and timeout. */
void loop_events_unregister(void);
