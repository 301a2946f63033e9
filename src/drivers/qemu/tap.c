/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tap devices. A device that we make ends with the last descriptor of it, so nothing is left of a guest that ends.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.tap"
#include "drivers/qemu/tap.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "drivers/qemu/command.h"

#define MAX_QUEUES 256
#define SCRIPT_MS 30000
#define SCRIPT_MAX_OUTPUT 65536

static int open_queue(const char *tun, struct ifreq *ifr)
{
    int fd = open(tun, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot open '%s' for a tap device", tun);
    if (ioctl(fd, TUNSETIFF, ifr) < 0) {
        int saved = errno;

        close(fd);
        return FAIL_ERRNO(saved, "cannot make tap device '%s'", ifr->ifr_name);
    }
    return fd;
}

/* An ioctl on interface @name. */
static int configure(const char *name, unsigned long request, struct ifreq *ifr, const char *what)
{
    int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), saved;

    if (sock < 0)
        return FAIL_ERRNO(errno, "cannot create a socket to configure interfaces");
    if (ioctl(sock, request, ifr) < 0) {
        saved = errno;
        close(sock);
        return FAIL_ERRNO(saved, "cannot %s '%s'", what, name);
    }
    close(sock);
    return 0;
}

static int set_mac(const char *name, const DomainInterface *net)
{
    struct ifreq ifr = { 0 };

    g_strlcpy(ifr.ifr_name, name, IFNAMSIZ);
    ifr.ifr_hwaddr.sa_family = 1; /* ARPHRD_ETHER */
    memcpy(ifr.ifr_hwaddr.sa_data, net->mac, 6);
    /* The host's end must differ from the guest's, and never be the lowest of a bridge, which takes that as its own. */
    ifr.ifr_hwaddr.sa_data[0] = (char)0xfe;
    return configure(name, SIOCSIFHWADDR, &ifr, "set the address of interface");
}

static int bring_up(const char *name)
{
    struct ifreq ifr = { 0 };

    g_strlcpy(ifr.ifr_name, name, IFNAMSIZ);
    if (configure(name, SIOCGIFFLAGS, &ifr, "read the flags of interface") < 0)
        return -1;
    ifr.ifr_flags |= IFF_UP;
    return configure(name, SIOCSIFFLAGS, &ifr, "bring up interface");
}

static int set_mtu(const char *name, guint mtu)
{
    struct ifreq ifr = { 0 };

    g_strlcpy(ifr.ifr_name, name, IFNAMSIZ);
    ifr.ifr_mtu = mtu;
    return configure(name, SIOCSIFMTU, &ifr, "set the MTU of interface");
}

/* How many received packets may wait for one interrupt. */
static int set_coalesce(const char *name, guint frames)
{
    struct ethtool_coalesce wish = { .cmd = ETHTOOL_GCOALESCE };
    struct ifreq ifr = { 0 };

    g_strlcpy(ifr.ifr_name, name, IFNAMSIZ);
    ifr.ifr_data = (void *)&wish;
    if (configure(name, SIOCETHTOOL, &ifr, "read the coalescing of interface") < 0)
        return -1;
    wish.cmd = ETHTOOL_SCOALESCE;
    wish.rx_max_coalesced_frames = frames;
    return configure(name, SIOCETHTOOL, &ifr, "set the coalescing of interface");
}

static int join_bridge(const char *name, const char *bridge)
{
    struct ifreq ifr = { 0 };

    if (strlen(bridge) >= IFNAMSIZ || if_nametoindex(bridge) == 0)
        return FAIL(VIR_ERR_OPERATION_FAILED, "Cannot get interface MTU on '%s': No such device; the host has no bridge of that name "
                    "('ip link show type bridge' lists them)", bridge);
    g_strlcpy(ifr.ifr_name, bridge, IFNAMSIZ);
    ifr.ifr_ifindex = if_nametoindex(name);
    return configure(bridge, SIOCBRADDIF, &ifr, "add a tap device to bridge");
}

static int open_tap(DomainInterface *net, const char *domain, GArray *fds)
{
    const char *tun = net->backend.tap ? net->backend.tap : "/dev/net/tun", *wanted = net->target.dev;
    guint queues = MAX(net->driver.queues, 1);
    struct ifreq ifr = { 0 };

    if (queues > MAX_QUEUES)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' of domain '%s' wants more than %d queues", net->info.alias, domain,
                    MAX_QUEUES);
    if (wanted && (strlen(wanted) >= IFNAMSIZ || !*wanted))
        return FAIL(VIR_ERR_XML_ERROR, "'%s' can't be the name of a network device", wanted);
    /* The kernel finds the number. */
    g_strlcpy(ifr.ifr_name, wanted ? wanted : "vnet%d", IFNAMSIZ);
    ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (queues > 1 ? IFF_MULTI_QUEUE : 0);
    for (guint i = 0; i < queues; i++) {
        int fd = open_queue(tun, &ifr);

        if (fd < 0)
            return -1;
        g_array_append_val(fds, fd);
    }
    if (!wanted)
        net->target.dev = g_strdup(ifr.ifr_name);
    return 0;
}

static int setup_tap(DomainInterface *net)
{
    const char *name = net->target.dev;

    if (net->source.type == DOMAIN_INTERFACE_TYPE_ETHERNET && net->target.managed == TRISTATE_NO)
        return 0;
    if (set_mac(name, net) < 0 || (net->mtu && set_mtu(name, net->mtu) < 0))
        return -1;
    if (net->source.type == DOMAIN_INTERFACE_TYPE_BRIDGE && join_bridge(name, net->source.bridge ? net->source.bridge : "") < 0)
        return -1;
    if (net->coalesce_rx_frames_max && set_coalesce(name, net->coalesce_rx_frames_max) < 0)
        return -1;
    return bring_up(name);
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

void tap_down(const DomainInterface *net)
{
    virErrorPtr error;

    if (net->source.type != DOMAIN_INTERFACE_TYPE_ETHERNET || !net->downscript || !net->target.dev)
        return;
    error = error_save();
    if (run_script(net->downscript, net->target.dev) < 0)
        LOG_WARN("script '%s' for interface '%s' failed: %s", net->downscript, net->target.dev, error_message());
    error_restore(error);
}

static int check_tap(const DomainInterface *net, const char *domain)
{
    if (net->source.type != DOMAIN_INTERFACE_TYPE_ETHERNET && net->source.type != DOMAIN_INTERFACE_TYPE_BRIDGE)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' of domain '%s': type '%s' is not supported by the QEMU driver yet",
                    net->info.alias, domain, domain_interface_type_to_string(net->source.type));
    if (net->bandwidth || net->vlan || net->virtualport || net->filterref ||
        net->source.n_ips || net->source.n_routes)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' of domain '%s': bandwidth, VLANs, virtual ports, filters and "
                    "addresses are not supported yet", net->info.alias, domain);
    if (net->port_isolated == TRISTATE_YES || net->trust_guest_rx_filters == TRISTATE_YES)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' of domain '%s': isolated ports and trustGuestRxFilters are not supported yet",
                    net->info.alias, domain);
    return 0;
}

int tap_open(DomainInterface *net, const char *domain, GArray *fds)
{
    if (check_tap(net, domain) < 0 || open_tap(net, domain, fds) < 0 || setup_tap(net) < 0)
        return -1;
    return net->script ? run_script(net->script, net->target.dev) : 0;
}

int tap_open_all(DomainDef *def, const char *domain, GArray *fds)
{
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        DomainInterface *net = def->devices.interfaces[i];

        if (!qemu_interface_needs_tap(net))
            continue;
        if (tap_open(net, domain, fds) < 0)
            return -1;
    }
    return 0;
}
