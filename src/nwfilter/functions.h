/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on network filters, for any driver whose connections have a NwfilterHost.
 */
#pragma once
#include "nwfilter/host.h"

extern const NwfilterDriver nwfilter_functions;
