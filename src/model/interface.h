/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions of the host's interfaces: rules. The structs are generated (model/interface_def.h). Errors are the thread's error, of
 * VIR_FROM_INTERFACE.
 */
#pragma once
#include "base/mac.h"
#include "model/interface_def.h"

/** Write addresses in their usual form and check the rules. Done twice it changes nothing more. -1 with an error that begins with
 * the path of what is wrong. */
int host_interface_complete(HostInterfaceDef *def);

/** Text of the hardware address into @text; "" if there is none. Returns @text. */
char *host_interface_mac(const HostInterfaceDef *def, char text[MAC_TEXT_SIZE]);
