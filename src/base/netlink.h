/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Links, addresses and routes of the host, through the kernel's own messages (rtnetlink). Each function is one request and
 * its acknowledgement; the kernel answers at once, so nothing here waits. Devices are named by index, which no rename
 * changes. Errors are system errors that say what was to be done to which device.
 */
#pragma once
#include "base/ip.h"

/** A socket to the kernel, of the network namespace in which it was opened. One thread at a time. */
typedef struct Netlink Netlink;

/** NULL with an error. */
Netlink *netlink_open(void);
/** Accepts NULL. */
void netlink_close(Netlink *nl);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Netlink, netlink_close)

/** Whether @name can be that of a network device: 1 to 15 bytes without "/", ":" and blanks, not "." or "..". */
bool netlink_name_is_valid(const char *name);

/* Links */

/** What only some kinds of links have; 0 elsewhere. */
typedef struct NetlinkOptions {
    bool stp;               /**< bridge: */
    guint32 delay_ms;
    guint16 tag;            /**< VLAN: its number */
    guint8 mode;            /**< bond: number of its mode, then as the kernel's documents call them */
    guint32 miimon, updelay, downdelay, arp_interval, arp_validate;
    bool use_carrier;
    IpAddress arp_target;   /**< the first one; size 0: none */
} NetlinkOptions;

typedef struct NetlinkLink {
    guint32 index;
    guint32 master;     /**< bridge or bond that it is in; 0: none */
    guint32 parent;     /**< device that it stands on, as a VLAN does; 0: none */
    guint32 mtu;
    guint32 flags;      /**< IFF_xxx */
    guint8 state;       /**< IF_OPER_xxx */
    bool locked;        /**< port of a bridge (NetlinkPort) */
    bool has_mac;
    guint8 mac[6];
    char name[16];
    char kind[16];      /**< "bridge", "vlan", "tun" …; "" for hardware */
    char alias[64];     /**< text for people, or its beginning */
    NetlinkOptions options;
} NetlinkLink;

/** All links, in the order of their indexes: array of NetlinkLink, caller frees. NULL with an error. */
GArray *netlink_links(Netlink *nl);
/** Those of a kind alone, which the kernel picks out. */
GArray *netlink_links_of_kind(Netlink *nl, const char *kind);
/** One of them. -1 with an error. */
int netlink_link(Netlink *nl, guint32 index, NetlinkLink *link);
/** Index of a device; 0 without an error if there is none. */
guint32 netlink_index(const char *name);
/** The same where a socket is open, which takes a tenth of the time. */
guint32 netlink_find(Netlink *nl, const char *name);
/** Size of its packets; 0 without an error if there is no such device. */
guint32 netlink_mtu(Netlink *nl, const char *name);

typedef struct NetlinkBridge {
    const guint8 *mac;   /**< NULL: the kernel's choice */
    guint mtu;           /**< 0: the kernel's choice, by what the ports have */
    bool stp;
    guint delay_ms;      /**< before a port forwards, with STP */
} NetlinkBridge;

/** Make a bridge, down. Its index, or 0 with an error (VIR_ERR_OPERATION_INVALID if the name is taken). */
guint32 netlink_bridge_new(Netlink *nl, const char *name, const NetlinkBridge *bridge);
/** Let a bridge that is there have these options. @bridge: mac and mtu only where they are given. */
int netlink_bridge_set(Netlink *nl, guint32 index, const NetlinkBridge *bridge);

/** Make a VLAN on @parent, or a bond, of which @options tells the rest; both down. Index, or 0 with an error. */
guint32 netlink_vlan_new(Netlink *nl, const char *name, guint32 parent, guint16 tag);
guint32 netlink_bond_new(Netlink *nl, const char *name, const NetlinkOptions *options);

/** Make a macvtap device @name on @parent. @mode: MACVLAN_MODE_xxx. Its index, or 0 with an error (VIR_ERR_OPERATION_INVALID if the name
 * is taken). */
guint32 netlink_macvtap_new(Netlink *nl, const char *name, guint32 parent, guint32 mode, const guint8 mac[6]);

/** Make an "ifb" device, down, through which packets can be led (base/netlink_tc.h). Its index, or 0 with an error. */
guint32 netlink_ifb_new(Netlink *nl, const char *name);

/** What of a link is changed: members that are not set stay. */
typedef struct NetlinkChange {
    const guint8 *mac;
    guint mtu;
    const guint32 *master;  /**< points to 0: out of its bridge */
    const bool *up;
    const bool *promiscuous, *all_multicast;
    const char *alias;      /**< text for people */
} NetlinkChange;
int netlink_change(Netlink *nl, guint32 index, const NetlinkChange *change);

/** How a port of a bridge behaves: members that are not set stay. */
typedef struct NetlinkPort {
    const bool *isolated;   /**< no traffic to other isolated ports */
    const bool *learning;   /**< addresses of what comes in are learnt */
    const bool *flood;      /**< gets what is for addresses that nobody knows */
    const bool *locked;     /**< lets in only what comes from addresses that are known to be there; an error where the kernel can't (before 5.18) */
} NetlinkPort;
int netlink_port_set(Netlink *nl, guint32 index, const NetlinkPort *port);

/** A VLAN of a port of a bridge. */
typedef struct NetlinkVlan {
    guint16 id;          /**< 1 … 4094 */
    bool native;         /**< what comes in without a tag is in it */
    bool untagged;       /**< what goes out loses its tag */
} NetlinkVlan;
/** Let a bridge heed the VLANs of its ports. */
int netlink_bridge_filter_vlans(Netlink *nl, guint32 bridge);
/** Let a port be in VLANs, or out of them. A port that was just added to a bridge is in VLAN 1. */
int netlink_port_change_vlans(Netlink *nl, guint32 index, const NetlinkVlan *vlans, guint n, bool add);

/** Multicast addresses that somebody has asked for at a device: array of 6 bytes each, caller frees. NULL with an error. */
GArray *netlink_multicast(const char *device);
/** Ask for one, or no longer. One that is there (or gone) is success. */
int netlink_multicast_change(const char *device, const guint8 mac[6], bool add);

/** What a network card that makes several of itself (SR-IOV) lets a virtual function do. */
typedef struct NetlinkVf {
    guint8 mac[6];
    guint16 vlan;           /**< 0: none */
    guint8 qos;             /**< priority in the VLAN */
} NetlinkVf;
/** Of function @number of the card whose network device is @index. */
int netlink_vf(Netlink *nl, guint32 index, guint number, NetlinkVf *vf);
int netlink_vf_set(Netlink *nl, guint32 index, guint number, const NetlinkVf *vf);

/** Remove a link. One that isn't there (any more) is success. */
int netlink_delete(Netlink *nl, guint32 index);

/* Addresses */

typedef struct NetlinkAddress {
    guint32 index;
    IpAddress ip;
    guint8 prefix;
    guint8 scope;       /**< RT_SCOPE_xxx */
    guint32 flags;      /**< IFA_F_xxx */
} NetlinkAddress;

/** Addresses of all devices: array, caller frees. NULL with an error. */
GArray *netlink_addresses(Netlink *nl);
/** Give a device an address; one that it has is success. IPv4 addresses get the broadcast address of their network. */
int netlink_address_add(Netlink *nl, guint32 index, const IpAddress *ip, guint prefix);
int netlink_address_remove(Netlink *nl, guint32 index, const IpAddress *ip, guint prefix);

/* Routes */

typedef struct NetlinkRoute {
    IpAddress dest;     /**< size 0: default route; then @gateway tells the family */
    guint8 prefix;
    IpAddress gateway;  /**< size 0: none */
    guint32 index;      /**< device; 0: where the gateway is */
    guint32 metric;     /**< 0: the kernel's choice */
    guint32 table;      /**< RT_TABLE_xxx; 0: main */
    guint8 protocol;    /**< RTPROT_xxx, who made it */
} NetlinkRoute;

/** Unicast routes of all tables: array, caller frees. NULL with an error. */
GArray *netlink_routes(Netlink *nl);
/** Add a route; the same one is success. */
int netlink_route_add(Netlink *nl, const NetlinkRoute *route);
/** Remove a route; one that isn't there is success. */
int netlink_route_remove(Netlink *nl, const NetlinkRoute *route);

/* Neighbours */

typedef struct NetlinkNeighbour {
    guint32 index;
    guint16 state;      /**< NUD_xxx */
    IpAddress ip;
    guint8 mac[6];
} NetlinkNeighbour;

/** What the host knows of the hardware addresses of others: array, caller frees. NULL with an error. */
GArray *netlink_neighbours(Netlink *nl);
/** Add or remove an address in the table of the bridge that port @index is in: it is reached by this port, in all VLANs that the port is in now,
 * until it is removed. One that is there (or gone) is success. */
int netlink_fdb_change(Netlink *nl, guint32 index, const guint8 mac[6], bool add);

/* Changes */

/** Tells whether links, addresses or routes have changed. The kernel notes a change down before it lets go on who has made it, so that
 * what was looked at before the last call that said no is still true. */
typedef struct NetlinkWatch NetlinkWatch;
/** NULL with an error. */
NetlinkWatch *netlink_watch_new(void);
/** Accepts NULL. */
void netlink_watch_free(NetlinkWatch *watch);
/** Whether anything has changed since the last call. */
bool netlink_watch_changed(NetlinkWatch *watch);
/** Wait for a change, or for so long. */
void netlink_watch_wait(NetlinkWatch *watch, int ms);

/* As it was */

typedef enum { NETLINK_SAVED_LINKS, NETLINK_SAVED_ADDRESSES, NETLINK_SAVED_ROUTES, NETLINK_SAVED_VLANS, NETLINK_SAVED_LAST } NetlinkSavedKind;

/** What the kernel tells of all links, addresses, routes and VLANs of bridges, whole, as GPtrArray of GBytes each: more than this header has
 * words for. */
typedef struct NetlinkSaved {
    GPtrArray *items[NETLINK_SAVED_LAST];
} NetlinkSaved;

/** NULL with an error. */
NetlinkSaved *netlink_saved_new(Netlink *nl);
void netlink_saved_free(NetlinkSaved *saved);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetlinkSaved, netlink_saved_free)
/** As text for a file (caller frees), and back; NULL with an error if it isn't one. */
char *netlink_saved_text(const NetlinkSaved *saved);
NetlinkSaved *netlink_saved_parse(const char *text);
/** Whether there was a link of that name, up. */
bool netlink_saved_was_up(const NetlinkSaved *saved, const char *name);
/** Make the links of the names in @touched (set of names) what they were, with addresses and routes, and those that stood on them and
 * have gone with them: what wasn't there goes, what has gone comes back with its number. 0; -1 with the first error, after as much as
 * possible was done. */
int netlink_saved_restore(Netlink *nl, const NetlinkSaved *saved, GHashTable *touched);
