/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tap devices end with the last descriptor of them, so nothing is left of a guest that ends. Macvtap devices and ports of
 * networks stay: tap_down() takes them away, whoever made them.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.tap"
#include "drivers/qemu/tap.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/netlink_tc.h"
#include "base/process.h"
#include "base/uuid.h"
#include "drivers/qemu/command.h"
#include "drivers/qemu/tap_priv.h"
#include "network/limits.h"
#include "network/plug.h"
#include "nwfilter/plug.h"

#define MAX_QUEUES 256
#define MAX_MACVTAPS 16384
#define NUMBER "%d" /* in a name: the first that is free */
#define SCRIPT_MS 30000
#define SCRIPT_MAX_OUTPUT 65536

int tap_set_coalesce(const char *name, guint frames)
{
    struct ethtool_coalesce wish = { .cmd = ETHTOOL_GCOALESCE };
    struct ifreq ifr = { 0 };
    int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

    if (sock < 0)
        return FAIL_ERRNO(errno, "cannot create a socket to configure interfaces");
    g_strlcpy(ifr.ifr_name, name, IFNAMSIZ);
    ifr.ifr_data = (void *)&wish;
    if (ioctl(sock, SIOCETHTOOL, &ifr) < 0)
        error = errno;
    wish.cmd = ETHTOOL_SCOALESCE;
    wish.rx_max_coalesced_frames = frames;
    if (!error && ioctl(sock, SIOCETHTOOL, &ifr) < 0)
        error = errno;
    close(sock);
    return error ? FAIL_ERRNO(error, "cannot set the coalescing of interface '%s'", name) : 0;
}

static int open_queues(DomainInterface *net, GArray *fds)
{
    const char *tun = net->backend.tap ? net->backend.tap : "/dev/net/tun", *wanted = net->target.dev;
    guint queues = qemu_interface_queues(net);
    struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (queues > 1 ? IFF_MULTI_QUEUE : 0) };

    /* The kernel finds the number. */
    g_strlcpy(ifr.ifr_name, wanted ? wanted : "vnet" NUMBER, IFNAMSIZ);
    for (guint i = 0; i < queues; i++) {
        int fd = open(tun, O_RDWR | O_CLOEXEC);

        if (fd < 0)
            return FAIL_ERRNO(errno, "cannot open '%s' for a tap device", tun);
        g_array_append_val(fds, fd);
        if (ioctl(fd, TUNSETIFF, &ifr) < 0)
            return FAIL_ERRNO(errno, "cannot make tap device '%s'", ifr.ifr_name);
    }
    if (g_strcmp0(wanted, ifr.ifr_name) == 0)
        return 0;
    g_free(net->target.dev);
    net->target.dev = g_strdup(ifr.ifr_name);
    return 0;
}

static int open_tap(DomainInterface *net, const Wire *wire, GArray *fds)
{
    int rc;

    if (!wire->opening)
        return open_queues(net, fds);
    if (wire->opening(wire->opaque) < 0)
        return -1;
    rc = open_queues(net, fds);
    return wire->opened(wire->opaque, rc) < 0 ? -1 : rc;
}

SwitchPort tap_switch_port(const DomainInterface *net, const guint8 uuid[16], const Wire *wire)
{
    return (SwitchPort){ wire->bridge, net->target.dev, wire->told, wire->conf->mac_filter, net, uuid, NULL };
}

/* Address and size of packets, then the bridge. */
static int setup_tap(DomainInterface *net, const DomainDef *def, const Wire *wire)
{
    const char *name = net->target.dev;
    g_autoptr(Netlink) nl = netlink_open();
    SwitchPort port = tap_switch_port(net, def->uuid, wire);
    const bool yes = true;
    guint8 mac[6];
    NetlinkChange change = { .mac = mac, .mtu = net->mtu, .up = &yes };

    if (!nl)
        return -1;
    if (nwfilter_plug(net, def->name, def->uuid) < 0) /* nothing passes without it */
        return -1;
    /* The host's end must differ from the guest's, and never be the lowest of a bridge, which takes that as its own. */
    memcpy(mac, net->mac, sizeof(mac));
    mac[0] = net->mac[0] == 0xfe ? 0xfa : 0xfe;
    port.also = &change;
    if (!net->bandwidth && netlink_unqueue(nl, netlink_find(nl, name)) < 0) {
        LOG_DEBUG("%s", error_message()); /* slower, but right */
        virResetLastError();
    }
    if ((wire->bridge ? switch_plug(nl, &port) : netlink_change(nl, netlink_find(nl, name), &change)) < 0)
        return -1;
    if (net->bandwidth && limits_set(name, net->bandwidth, FALSE) < 0)
        return -1;
    return net->coalesce_rx_frames_max ? tap_set_coalesce(name, net->coalesce_rx_frames_max) : 0;
}

/* ---- macvtap: a device of its own on a device of the host ---- */

/* What the host's administrator reads of it. A trusted guest changes the address by which its device is known else. */
static char *macvtap_mark(const guint8 uuid[16])
{
    char text[UUID_TEXT_SIZE];

    return g_strconcat("libvirt ", uuid_format(uuid, text), NULL);
}

/* Make it with the name that it is to have, or the first that is free where its number is left open: index, or 0 with an error. */
static guint32 new_macvtap(Netlink *nl, DomainInterface *net, guint32 parent, guint32 mode)
{
    const char *wanted = net->target.dev ? net->target.dev : "macvtap" NUMBER, *number = strstr(wanted, NUMBER);

    if (!number)
        return netlink_macvtap_new(nl, wanted, parent, mode, net->mac);
    for (guint i = 0; i < MAX_MACVTAPS; i++) {
        g_autofree char *name = g_strdup_printf("%.*s%u%s", (int)(number - wanted), wanted, i, number + strlen(NUMBER));
        guint32 index;

        if (netlink_index(name))
            continue;
        index = netlink_macvtap_new(nl, name, parent, mode, net->mac);
        if (!index && virGetLastErrorCode() == VIR_ERR_OPERATION_INVALID) /* somebody else was quicker */
            continue;
        if (index) {
            g_free(net->target.dev);
            net->target.dev = g_steal_pointer(&name);
        }
        return index;
    }
    error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_FAILED, "the host has %d devices '%s': there is no name left for another one", MAX_MACVTAPS,
                 wanted);
    return 0;
}

static guint32 macvlan_mode(InterfaceDirectMode mode)
{
    switch (mode) {
    case INTERFACE_DIRECT_MODE_PRIVATE:
        return MACVLAN_MODE_PRIVATE;
    case INTERFACE_DIRECT_MODE_BRIDGE:
        return MACVLAN_MODE_BRIDGE;
    case INTERFACE_DIRECT_MODE_PASSTHROUGH:
        return MACVLAN_MODE_PASSTHRU;
    default:
        return MACVLAN_MODE_VEPA;
    }
}

/* The character device of macvtap @name. Where nobody makes such nodes (a container's /dev) it is made for as long as it takes. */
static int open_node(const char *name, guint32 index)
{
    g_autofree char *node = g_strdup_printf("/dev/tap%u", index);
    g_autofree char *number = g_strdup_printf("/sys/class/net/%s/tap%u/dev", name, index);
    g_autofree char *text = NULL;
    guint high, low;
    int fd = open(node, O_RDWR | O_CLOEXEC), error = errno;

    if (fd >= 0 || error != ENOENT)
        return fd >= 0 ? fd : FAIL_ERRNO(error, "cannot open '%s'", node);
    text = file_read(number, 32, NULL);
    if (!text || sscanf(text, "%u:%u", &high, &low) != 2)
        return -1;
    if (mknod(node, S_IFCHR | 0600, makedev(high, low)) < 0 && errno != EEXIST)
        return FAIL_ERRNO(errno, "cannot make '%s'", node);
    fd = open(node, O_RDWR | O_CLOEXEC);
    error = errno;
    unlink(node);
    return fd >= 0 ? fd : FAIL_ERRNO(error, "cannot open '%s'", node);
}

static int open_macvtap_queues(const DomainInterface *net, guint32 index, GArray *fds)
{
    guint queues = qemu_interface_queues(net);
    struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (queues > 1 ? IFF_MULTI_QUEUE : 0) };

    for (guint i = 0; i < queues; i++) {
        int fd = open_node(net->target.dev, index);

        if (fd < 0)
            return -1;
        g_array_append_val(fds, fd);
        if (ioctl(fd, TUNSETIFF, &ifr) < 0)
            return FAIL_ERRNO(errno, "cannot set up macvtap device '%s'", net->target.dev);
    }
    return 0;
}

static int make_macvtap(DomainInterface *net, const DomainDef *def, const Wire *wire, GArray *fds)
{
    g_autofree char *mark = macvtap_mark(def->uuid);
    g_autoptr(Netlink) nl = netlink_open();
    guint32 parent = netlink_index(wire->dev), index;
    const bool yes = true;
    /* the mode in which the device of the host takes the guest's address, after it was made with its own */
    NetlinkChange change = { .mac = wire->mode == INTERFACE_DIRECT_MODE_PASSTHROUGH ? net->mac : NULL, .mtu = net->mtu, .up = &yes,
                             .alias = mark };

    if (!nl)
        return -1;
    if (!parent)
        return FAIL(VIR_ERR_OPERATION_FAILED, "the host has no network device '%s' ('ip link' lists them)", wire->dev ? wire->dev : "");
    index = new_macvtap(nl, net, parent, macvlan_mode(wire->mode));
    if (!index)
        return -1;
    if (netlink_change(nl, index, &change) < 0 || (net->bandwidth && limits_set(net->target.dev, net->bandwidth, TRUE) < 0))
        return -1;
    return open_macvtap_queues(net, index, fds);
}

/* A macvtap device stays when nobody has it open. Of a start that was cut short nothing but the guest's address may be known. */
static int remove_macvtap(const DomainInterface *net, const guint8 uuid[16])
{
    g_autofree char *mark = macvtap_mark(uuid);
    g_autoptr(Netlink) nl = netlink_open();
    g_autoptr(GArray) links = nl ? netlink_links_of_kind(nl, "macvtap") : NULL;
    int rc = links ? 0 : -1;

    for (guint i = 0; links && i < links->len; i++) {
        const NetlinkLink *link = &g_array_index(links, NetlinkLink, i);

        gboolean ours = memcmp(link->mac, net->mac, sizeof(link->mac)) == 0 || (net->target.dev && strcmp(link->alias, mark) == 0);

        if (ours && (!net->target.dev || strcmp(link->name, net->target.dev) == 0) && netlink_delete(nl, link->index) < 0)
            rc = -1;
    }
    return rc;
}

/* Whether an interface may have a macvtap device; a network's is known by its name. */
static gboolean may_be_macvtap(const DomainInterface *net)
{
    return net->source.type == DOMAIN_INTERFACE_TYPE_DIRECT ||
        (net->source.type == DOMAIN_INTERFACE_TYPE_NETWORK && !g_str_has_prefix(net->target.dev ? net->target.dev : "", "vnet"));
}

/* A program of the administrator's that goes on with the device. */
static int run_script(const char *path, const char *device)
{
    const char *argv[] = { path, device, NULL };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_auto(ProcessOutput) output = { 0 };

    spec.argv = argv;
    return process_run_checked(&spec, NULL, 0, SCRIPT_MAX_OUTPUT, SCRIPT_MS, &output);
}

void tap_down(const char *domain, const guint8 uuid[16], const DomainInterface *net)
{
    virErrorPtr error = error_save();

    if (net->source.type == DOMAIN_INTERFACE_TYPE_ETHERNET && net->downscript && net->target.dev &&
        run_script(net->downscript, net->target.dev) < 0)
        LOG_WARN("script '%s' for interface '%s' failed: %s", net->downscript, net->target.dev, error_message());
    if (may_be_macvtap(net) && remove_macvtap(net, uuid) < 0)
        LOG_WARN("%s", error_message());
    switch_unplug(net, net->target.dev);
    if (net->filterref)
        nwfilter_unplug(net);
    if (net->bandwidth && net->target.dev)
        limits_forget(net->target.dev);
    if (net->source.type == DOMAIN_INTERFACE_TYPE_NETWORK)
        network_unplug(net, domain, uuid);
    error_restore(error);
}

int tap_check_interface(const DomainInterface *net, const char *domain)
{
    const char *wanted = net->target.dev;

    if (qemu_interface_queues(net) > MAX_QUEUES)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' of domain '%s' wants more than %d queues", net->info.alias, domain,
                    MAX_QUEUES);
    if (wanted && !netlink_name_is_valid(wanted))
        return FAIL(VIR_ERR_XML_ERROR, "'%s' can't be the name of a network device", wanted);
    if (net->source.n_ips || net->source.n_routes)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' of domain '%s': addresses are not supported yet", net->info.alias, domain);
    return 0;
}

int tap_wire_of_port(const NetworkPortDef *port, const DomainInterface *net, Wire *wire)
{
    switch (port->plug->type) {
    case NETWORK_PORT_PLUG_TYPE_NETWORK:
    case NETWORK_PORT_PLUG_TYPE_BRIDGE:
        wire->bridge = port->plug->bridge;
        wire->told = port->plug->mac_table_manager == NETWORK_MAC_TABLE_MANAGER_LIBVIRT;
        return 0;
    case NETWORK_PORT_PLUG_TYPE_DIRECT:
        wire->dev = port->plug->dev;
        wire->mode = port->plug->mode;
        return 0;
    case NETWORK_PORT_PLUG_TYPE_HOSTDEV_PCI:
        wire->nic = TRUE;
        return 0;
    default:
        return FAIL(VIR_ERR_INTERNAL_ERROR, "interface '%s': nobody knows what network '%s' connects it to", net->info.alias,
                    net->source.network);
    }
}

int tap_wire_of(const DomainDef *def, DomainInterface *net, Wire *wire)
{
    switch (net->source.type) {
    case DOMAIN_INTERFACE_TYPE_NETWORK:
        wire->port = network_plug(net, def->name, def->uuid);
        if (!wire->port && virGetLastErrorCode() == VIR_ERR_NO_NETWORK && !tap_is_ours_to_make())
            return FAIL(VIR_ERR_NO_NETWORK, "this daemon has no network '%s'; those of the host are qemu:///system's. Here a guest can have an "
                        "<interface type='user'/>, or one of type='bridge' on a bridge that /etc/qemu/bridge.conf allows", net->source.network);
        return wire->port ? tap_wire_of_port(definition_get(wire->port), net, wire) : -1;
    case DOMAIN_INTERFACE_TYPE_BRIDGE:
        wire->bridge = net->source.bridge ? net->source.bridge : "";
        return 0;
    case DOMAIN_INTERFACE_TYPE_DIRECT:
        wire->dev = net->source.dev;
        wire->mode = net->source.direct_mode;
        return 0;
    default:
        return 0;
    }
}

/* What only a bridge has. */
int tap_check_wire(const DomainInterface *net, const char *domain, const Wire *wire)
{
    const InterfaceVirtualport *vp = net->virtualport;

    if (net->filterref && (wire->dev || (vp && vp->type == INTERFACE_VIRTUALPORT_TYPE_OPENVSWITCH)))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' of domain '%s' can't have a <filterref>: the kernel filters what passes its own "
                    "bridges, and not macvtap devices or Open vSwitch", net->info.alias, domain);
    if (wire->bridge || wire->nic)
        return 0;
    if (net->vlan)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' of domain '%s' can't have a <vlan>: only interfaces on a bridge, and "
                    "passed devices, have VLANs", net->info.alias, domain);
    if (vp && vp->type)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' of domain '%s' can't have <virtualport type='%s'>: this version doesn't "
                    "talk to lldpad; a bridge of Open vSwitch is supported", net->info.alias, domain,
                    interface_virtualport_type_to_string(vp->type));
    return 0;
}

/* Whether others make its device, and set it up. */
static gboolean is_made_by_others(const DomainInterface *net)
{
    return net->source.type == DOMAIN_INTERFACE_TYPE_ETHERNET && net->target.managed == TRISTATE_NO;
}

static int open_of_others(DomainInterface *net, const char *domain, const Wire *wire, GArray *fds)
{
    g_autoptr(Netlink) nl = netlink_open();
    guint32 index = netlink_index(net->target.dev);
    NetlinkLink link;

    if (!net->target.dev)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' of domain '%s' with <target managed='no'/> must name the device there", net->info.alias,
                    domain);
    if (!index)
        return FAIL(VIR_ERR_OPERATION_FAILED, "the host has no network device '%s', and <target managed='no'/> leaves it to others to make it",
                    net->target.dev);
    if (!nl || netlink_link(nl, index, &link) < 0)
        return -1;
    return strcmp(link.kind, "macvtap") == 0 ? open_macvtap_queues(net, index, fds) : open_tap(net, wire, fds);
}

static int open_wire(DomainInterface *net, const DomainDef *def, Wire *wire, GArray *fds)
{
    const char *domain = def->name;

    /* after the port: what the network wants of it counts as well */
    if (tap_check_interface(net, domain) < 0 || tap_check_wire(net, domain, wire) < 0)
        return -1;
    if (wire->nic)
        return 0;
    if (wire->bridge && *wire->bridge && wire->conf->bridge_helper && !tap_is_ours_to_make()) {
        wire->helped = TRUE;
        return tap_from_helper(wire->conf->bridge_helper, net, wire->bridge, fds);
    }
    if (is_made_by_others(net))
        return open_of_others(net, domain, wire, fds);
    return wire->dev ? make_macvtap(net, def, wire, fds) : open_tap(net, wire, fds);
}

int tap_make(const DomainDef *def, DomainInterface *net, GArray *fds, Wire *wire)
{
    if (tap_wire_of(def, net, wire) == 0 && open_wire(net, def, wire, fds) == 0)
        return 0;
    tap_down(def->name, def->uuid, net);
    return -1;
}

int tap_connect(const DomainDef *def, DomainInterface *net, const Wire *wire)
{
    if (!wire->nic && !wire->dev && !wire->helped && !is_made_by_others(net) && setup_tap(net, def, wire) < 0)
        return -1;
    return net->script ? run_script(net->script, net->target.dev) : 0;
}

void tap_wire_clear(Wire *wire)
{
    g_clear_pointer(&wire->port, definition_unref);
    *wire = (Wire){ NULL };
}

/* Nothing is left if it fails. */
static int open_and_connect(const DomainDef *def, DomainInterface *net, const QemuConf *conf, GArray *fds)
{
    Wire wire = { .conf = conf };
    int rc = tap_make(def, net, fds, &wire);

    if (rc == 0 && (rc = tap_connect(def, net, &wire)) < 0)
        tap_down(def->name, def->uuid, net);
    tap_wire_clear(&wire);
    return rc;
}

int tap_open_all(DomainDef *def, const QemuConf *conf, GArray *fds)
{
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        DomainInterface *net = def->devices.interfaces[i];

        if (qemu_interface_needs_tap(net) && open_and_connect(def, net, conf, fds) < 0)
            return -1;
    }
    return 0;
}
