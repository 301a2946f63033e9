/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What this host has beside guests (networks, interfaces, filters, pools …), once for the process: the connections of all
 * local hypervisor drivers share it. The drivers of these objects put their tables and functions here when they start, before
 * connections are opened. What nobody has put here can't be had: its functions answer VIR_ERR_NO_SUPPORT.
 */
#pragma once
#include "core/managed.h"
#include "core/objects.h"
#include "model/common_def.h"

typedef struct Node {
    ManagedTables tables;
    EventBus *bus;          /* tells of all of them; always there */
    const NetworkDriver *network;
    const HostInterfaceDriver *interface;
    const NodedevDriver *nodedev;
    const NwfilterDriver *nwfilter;
    const SecretDriver *secret;
    const StorageDriver *storage;
    /** Name of the guest that has the PCI device, which the caller frees; NULL: none. Set by who gives devices to guests. */
    char *(*pci_owner)(const PciAddress *address);
} Node;

/** The one of this process. Functions are set when a driver registers; tables and what else there is while it runs, from its start()
 * to its stop(). */
Node *node_get(void);

/** Let @conn, of a driver that says so (ConnectDriver.node), use what there is. */
void node_attach(virConnectPtr conn);
