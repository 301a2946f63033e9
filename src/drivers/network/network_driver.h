/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The host's virtual networks. Internal to this folder.
 */
#pragma once
#include "base/loop.h"
#include "base/threadpool.h"
#include "drivers/network/dnsmasq.h"
#include "firewall/watch.h"
#include "network/host.h"

/** A bridge's name that was given to a network which nobody sees yet. */
typedef struct BridgeClaim {
    char *network;
    gint64 since_us;
} BridgeClaim;

typedef struct NetworkNode {
    NetworkHost *host;
    Loop *loop;
    Pool *pool;
    gboolean privileged;
    gboolean other_backend;  /* the former daemon made rules by another program */
    char *state;             /* folder of what runs */
    char *lib;               /* folder of dnsmasq's files */
    char *hooks;             /* folder of the administrator's programs */
    GMutex lock;             /* guards the following */
    GHashTable *services;    /* Service by the network's name */
    GHashTable *claims;      /* BridgeClaim by the bridge's name */
    gboolean closed;         /* the driver stops: nothing is started again */
    FirewallWatch *firewall; /* NULL: nobody listens */
    struct ForwardsWatch *forwards; /* NULL: leases aren't followed */
    struct MacsWriter *macs;
} NetworkNode;

static inline NetworkNode *network_node(const Managed *net)
{
    return network_host_priv(network_host_of(net));
}

extern const NetworkBackend network_node_backend;

/** For NetworkNode.claims and services. */
GHashTable *bridge_claims_new(void);
GHashTable *service_table_new(void);

/** Put back what is missing of a running network's rules, and of those in other people's chains. 0, or -1 with an error. */
int rules_mend(Managed *obj, const NetworkDef *net);

/** Mend the rules of the running networks whenever the firewall changes (watch.c). NULL with an error. */
FirewallWatch *rules_watch(NetworkNode *node);

/* Programs of the administrator's (hook.c; core/hooks.h) */

/** Run them before something is done, with the network and the port (may be NULL) that it is about. 0, or -1 with an error. */
int network_hook(const NetworkNode *node, const NetworkDef *net, const NetworkPortDef *port, const char *operation, const char *sub);
/** The same for what is done already: failures are logged. */
void network_hook_tell(const NetworkNode *node, const NetworkDef *net, const NetworkPortDef *port, const char *operation, const char *sub);

/* The bridge (bridge.c) */

/** See that the bridge of @net is there as it should be, with its addresses and routes, and up. 0, or -1 with an error. */
int bridge_ensure(const NetworkDef *net);
/** Remove it. One that isn't there is success. */
int bridge_remove(const NetworkDef *net);
/** A name for a bridge of ours that nobody has: "virbr0" … Caller frees. NULL with an error. @taken: names of other networks. */
char *bridge_free_name(GHashTable *taken);
/** Whether the addresses of @net can be had beside what the host has. -1 with an error that says what is in the way. */
int bridge_check_conflicts(const NetworkDef *net);
/** Let the kernel forward packets as @net needs it. */
int bridge_enable_forwarding(const NetworkDef *net);

/* Devices of the host for guests (pool.c) */

/** Fill the list of devices of a network that starts, which names but the card that they are virtual functions of. @sysfs: "/sys", or the
 * tree of a test. 0, or -1 with an error. */
int pool_find(NetworkDef *live, const char *sysfs);

/* Names of guests for their hardware addresses (macs.c) */

typedef struct MacsWriter MacsWriter;

/** Who notes down for nss_libvirt_guest which guests are plugged into which network of @node. */
MacsWriter *macs_writer_new(NetworkNode *node);
/** No more timers; a worker writes what is due, and frees it. */
void macs_writer_free(MacsWriter *writer);
/** The ports of @obj change, or should be looked at: they are written down a little later. Any thread. */
void macs_note(const Managed *obj);
/** No guest is plugged in. The caller has the network's job. */
void macs_forget(const NetworkNode *node, const NetworkDef *net);

/* Limits of traffic (traffic.c) */

/** See that the limits of @net, of network @obj, are in force at its bridge, with the shares of its ports. 0, or -1 with an error. */
int traffic_ensure(const Managed *obj, const NetworkDef *net);
/** As traffic_ensure(), when a port changes from @was (NULL: it is new) to @now (NULL: it goes). On failure all is as it was. */
int traffic_ports(Managed *obj, const NetworkDef *net, const NetworkPortDef *was, const NetworkPortDef *now);
/** Take them away. */
int traffic_end(const NetworkDef *net);

/* dnsmasq as a process (service.c) */

DnsmasqFiles *service_files(const NetworkNode *node, const NetworkDef *net);
void service_files_free(DnsmasqFiles *files);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DnsmasqFiles, service_files_free)

/** See that dnsmasq serves @net as defined: one that runs already with this configuration goes on, and is told to read its hosts
 * again. It is started again when it ends by itself. 0, or -1 with an error. [worker] */
int service_ensure(NetworkNode *node, const NetworkDef *net);
/** Whether it is there. */
bool service_runs(NetworkNode *node, const NetworkDef *net);
/** End it, and remove its files. [worker] */
int service_end(NetworkNode *node, const NetworkDef *net);
/** Why guests get no names and addresses of it (probe.c); NULL: they do, or should get none. Caller frees. [worker] */
char *probe_service(NetworkNode *node, const NetworkDef *net);
/** No longer watch any: the daemon ends, they go on. */
void service_detach_all(NetworkNode *node);
