/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a kind of host must be able to do for its networks. All functions may block unless they say otherwise; no lock is held
 * while they run, and those on one network run one at a time. Each returns 0, or -1 with the error set. A member that
 * is NULL: nothing needs to be done, or where the comment says so, it can't be done.
 */
#pragma once
#include "core/managed.h"
#include "model/network.h"

/** The namespace of the metadata of a running network that is made when it is asked for. */
#define NETWORK_STATE_NAMESPACE "urn:libvirt-network-state:1.0"
#define NETWORK_STATE_WORKS "works"

typedef struct NetworkHost NetworkHost;

typedef struct NetworkBackend {
    unsigned int rules;        /* ManagedRules */
    /** Complete a definition that is new or changed, and look whether it can be had; @old is what it replaces (NULL: new). */
    int (*check)(NetworkHost *host, NetworkDef *def, const NetworkDef *old);
    int (*start)(Managed *net, NetworkDef *live);
    int (*stop)(Managed *net, const NetworkDef *live);
    /** Find what a former daemon has started, and mend what is missing; as ManagedBackend.restore. */
    int (*restore)(Managed *net, NetworkDef *live);
    /** Bring what runs in line with @now, of which virNetworkUpdate() has changed @section. */
    int (*update)(Managed *net, const NetworkDef *was, const NetworkDef *now, unsigned int section);
    /** The metadata has changed from @was's to @now's; @live: of the run, which is to follow. */
    int (*metadata)(Managed *net, const NetworkDef *was, const NetworkDef *now, bool live);
    /** What is so at this moment and stands in no definition, as an element of NETWORK_STATE_NAMESPACE; caller frees. NULL with an error. */
    char *(*state)(Managed *net, const NetworkDef *live);
    /** The leases of its DHCP server, of hardware address @mac or (NULL) all: how many, into *leases (may be NULL) an array with a NULL
     * behind the last, which the caller frees. -1 with an error. NULL: the driver leaves network_get_dhcp_leases out of its functions. */
    int (*leases)(Managed *net, const NetworkDef *def, const char *mac, virNetworkDHCPLeasePtr **leases);
    /** Plug in a port, whose definition is complete. */
    int (*port_create)(Managed *net, const NetworkDef *live, const NetworkPortDef *port);
    int (*port_delete)(Managed *net, const NetworkDef *live, const NetworkPortDef *port);
    /** Bring the limits of a port that is there in line with @now. */
    int (*port_update)(Managed *net, const NetworkDef *live, const NetworkPortDef *was, const NetworkPortDef *now);
} NetworkBackend;

/** The driver's own, of network_host_new(). */
void *network_host_priv(const NetworkHost *host);
/** The host that a network is on. */
NetworkHost *network_host_of(const Managed *net);
/** The definitions (NetworkPortDef) of all ports of a network; the array owns them. One that port_create() is called for is among them. */
GPtrArray *network_port_definitions(const Managed *net);
