/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/node.h"

static gpointer make(gpointer unused)
{
    Node *node = g_new0(Node, 1);
    node->bus = event_bus_new();
    return node;
}

Node *node_get(void)
{
    static GOnce once = G_ONCE_INIT;
    return g_once(&once, make, NULL);
}

void node_attach(virConnectPtr conn)
{
    Node *node = node_get();
    conn->tables = &node->tables;
    conn->network = node->tables.networks ? node->network : NULL;
    conn->interface = node->tables.interfaces ? node->interface : NULL;
    conn->nodedev = node->tables.nodedevs ? node->nodedev : NULL;
    conn->nwfilter = node->tables.nwfilters ? node->nwfilter : NULL;
    conn->secret = node->tables.secrets ? node->secret : NULL;
    conn->storage = node->tables.pools ? node->storage : NULL;
    event_registry_attach(conn->events, node->bus);
}
