/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * polkit's agent for terminals, which asks for a password when no desktop does.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

/** Start it for this process, and wait until it is ready. Its process, or 0: it isn't installed, doesn't start, or there is no
 * terminal. */
pid_t polkit_agent_start(void);
/** End it. */
void polkit_agent_stop(pid_t pid);
