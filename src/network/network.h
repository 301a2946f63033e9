/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A network, and what is plugged into it. Internal to this room.
 */
#pragma once
#include "base/error.h"
#include "network/host.h"

const NetworkBackend *network_backend(const Managed *net);

/** Definition in force, of a state; belongs to the state. */
static inline const NetworkDef *network_def(const ManagedState *state)
{
    return definition_get(managed_definition(state));
}

/** XML of a network with who is plugged in; caller frees. @flags: XmlFlags. */
char *network_xml(const Managed *net, const ManagedState *state, unsigned int flags);

/* Ports (port.c) */

/** A port, of the store that is a network's data. */
typedef struct NetworkPort {
    StoreEntry entry;    /* the name is the text of the UUID */
    GMutex lock;         /* guards the following; held for a few instructions */
    Definition *def;     /* replaced as a whole, with the network's job */
} NetworkPort;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetworkPort, store_entry_unref)

/** What a port is like now; caller unrefs. */
Definition *network_port_definition(NetworkPort *port);
/** A reference, or NULL with VIR_ERR_NO_NETWORK_PORT. */
NetworkPort *network_port_find(const Managed *net, const unsigned char *uuid);
/** Read the ports that a former daemon has left. What can't be used is reported in the log. */
void network_ports_load(Managed *net);
/** Forget all ports: the network has been stopped. */
void network_ports_drop(const Managed *net);

/* The following want the network's job, and that it is active. */

/** Plug in @def, which is taken over. 0, or -1 with an error. */
int network_port_create(ManagedJob *job, NetworkPortDef *def, unsigned int flags);
int network_port_delete(ManagedJob *job, NetworkPort *port);
/** Give a port the limits @bandwidth, which are taken over (NULL: none). */
int network_port_limit(ManagedJob *job, NetworkPort *port, Bandwidth *bandwidth);

/** Tell who listens that a network is about to be active: its job is held (plug.c). */
void network_tell_start(const char *name);

/* The functions on ports (api_port.c). */
virNetworkPortPtr network_api_port_lookup_by_uuid(virNetworkPtr net, const unsigned char *uuid);
virNetworkPortPtr network_api_port_create_xml(virNetworkPtr net, const char *xml, unsigned int flags);
char *network_api_port_get_xml_desc(virNetworkPortPtr port, unsigned int flags);
int network_api_port_set_parameters(virNetworkPortPtr port, virTypedParameterPtr params, int n, unsigned int flags);
int network_api_port_get_parameters(virNetworkPortPtr port, virTypedParameterPtr *params, int *n, unsigned int flags);
int network_api_port_delete(virNetworkPortPtr port, unsigned int flags);
int network_api_list_all_ports(virNetworkPtr net, virNetworkPortPtr **ports, unsigned int flags);
