/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Network filters of a test node: none at first, and no packet ever meets one.
 */
#include "domain/host.h"
#include "drivers/test/test_node.h"
#include "nwfilter/functions.h"

static void start(TestNode *node)
{
    static const NwfilterBackend backend;
    NwfilterHost *host = nwfilter_host_new(&backend, NULL, host_bus(node->host));
    node->tables.nwfilters = nwfilter_host_filters(host);
    node->tables.nwfilter_bindings = nwfilter_host_bindings(host);
}

static void stop(TestNode *node)
{
    nwfilter_host_free(managed_table_priv(node->tables.nwfilters));
}

/* A node file has none. */
const TestKind test_nwfilter_kind = { .element = "filter", .start = start, .stop = stop };
