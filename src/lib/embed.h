/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drivers inside the program: qemu:///embed?root=DIR.
 */
#pragma once
#include "core/driver.h"

/** Whether the URI asks for a driver inside this process. */
gboolean embed_wanted(const Uri *uri);

/** Load the scheme's module and start its state driver under the URI's root directory, with an I/O thread and
 * workers of our own. Once per process and scheme; a second root is refused. 0 or -1. */
int embed_start(const Uri *uri);
