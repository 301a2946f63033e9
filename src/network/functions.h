/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on networks and their ports, for any driver whose connections have a NetworkHost.
 */
#pragma once
#include "network/host.h"

extern const NetworkDriver network_functions;
