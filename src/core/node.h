/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What this host has beside guests (networks, interfaces, filters, pools …), once for the process: the connections of all
 * local hypervisor drivers share it. The drivers of these objects put their tables and functions here when they start, before
 * connections are opened. What nobody has put here can't be had: its functions answer VIR_ERR_NO_SUPPORT.
 */
#pragma once
#include "core/managed.h"
#include "core/objects.h"

typedef struct Node {
    ManagedTables tables;
    EventBus *bus;          /* tells of all of them; always there */
    const NetworkDriver *network;
    const HostInterfaceDriver *interface;
    const NodedevDriver *nodedev;
    const NwfilterDriver *nwfilter;
    const SecretDriver *secret;
    const StorageDriver *storage;
} Node;

/** The one of this process. Members are set by drivers in their start() and cleared in their stop(). */
Node *node_get(void);

/** Let @conn use what there is: in the open() of a hypervisor's driver, or of one for such objects alone. */
void node_attach(virConnectPtr conn);
