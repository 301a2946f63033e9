/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
#include "core/driver_table.h"

/** Set the functions about the node. */
void test_host_fill(HypervisorDriver *driver);

/** XML of the node's capabilities, with its NUMA cells or without any; caller frees. */
char *test_capabilities(gboolean with_cells);
