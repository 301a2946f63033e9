/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on pools and volumes, for any driver whose connections have a PoolHost.
 */
#pragma once
#include "storage/host.h"

extern const StorageDriver storage_functions;
