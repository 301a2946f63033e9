/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on node devices, for any driver whose connections have a NodedevHost.
 */
#pragma once
#include "nodedev/host.h"

extern const NodedevDriver nodedev_functions;
