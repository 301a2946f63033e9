/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The system's message bus, by which other services of the host are asked.
 */
#pragma once
#include <gio/gio.h>

/** The connection that the process shares, made when it is first wanted, within a deadline, and again once it has been closed: a reference.
 * Its end doesn't end the process. NULL: there is no bus, or it doesn't answer, which *@why (may be NULL) then says; caller frees. One that
 * doesn't answer is left alone for a while. May wait; [worker] */
GDBusConnection *bus_system(char **why);
/** Let go of the connection: the process, or the module, stops. */
void bus_disconnect(void);
