/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "core/driver_table.h"

/** Set the functions on node devices. */
void test_nodedev_fill(NodedevDriver *driver);
