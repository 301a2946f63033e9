/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The event loop that the program registered (virEventRegisterImpl) or the default one.
 */
#pragma once
#include <glib.h>
#include <libvirt/libvirt.h>

/** Whether an event loop implementation is registered; without one there are no callbacks or keepalives. */
gboolean event_impl_registered(void);

/** Give back what the default implementation holds, calling all free functions, and register nothing. For tests, at
 * their end: nobody may run the loop or add to it meanwhile. */
void event_default_free(void);
