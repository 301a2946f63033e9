/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tap devices of the host for a guest's interfaces.
 */
#pragma once
#include <glib.h>
#include "model/domain_def.h"

/** Make or open the tap device of each interface that needs one, put it on its bridge, and append its descriptors (one per
 * queue) to @fds, which are the caller's also if this fails. Names that were chosen are put into @def. @domain: for messages.
 * 0, or -1 with an error. */
int tap_open_all(DomainDef *def, const char *domain, GArray *fds);
/** The same for one interface, which needs it. */
int tap_open(DomainInterface *net, const char *domain, GArray *fds);
/** The guest is gone: run the script for that, if the interface names one. A failure is logged. [worker] */
void tap_down(const DomainInterface *net);
