/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on interfaces, for any driver whose connections have a HostifHost.
 */
#pragma once
#include "hostif/host.h"

extern const HostInterfaceDriver hostif_functions;
