/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Network interfaces: the host's end (-netdev) and the guest's device.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "base/error.h"
#include "base/mac.h"
#include "drivers/qemu/command_priv.h"
#include "drivers/qemu/helper.h"
#include "drivers/qemu/nics.h"
#include "model/domain.h"

/* Ports that QEMU forwards for one interface. */
#define MAX_FORWARDS 1024

static void add_id(json_object *props, const DomainInterface *net)
{
    g_autofree char *id = g_strdup_printf("host%s", net->info.alias);

    json_add(props, JSON_STR("id", id));
}

gboolean qemu_interface_is_passt(const DomainInterface *net)
{
    return net->source.type == DOMAIN_INTERFACE_TYPE_USER && net->backend.type == INTERFACE_BACKEND_TYPE_PASST;
}

char *qemu_passt_helper(const DomainInterface *net)
{
    return g_strdup_printf("%s-passt", net->info.alias);
}

/* A process beside QEMU that knows the host's network. */
static json_object *netdev_passt(QemuCommand *cmd, const DomainInterface *net, const char *what)
{
    g_autofree char *name = qemu_passt_helper(net), *path = qemu_helper_socket(cmd->options->dir, name);

    if (!qemu_caps_has_flag(cmd->caps, "netdev.stream"))
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: '%s' can't be connected to passt", what, cmd->caps->binary);
    return json_make(JSON_STR("type", "stream"), JSON_VALUE("addr", json_make(JSON_STR("type", "unix"), JSON_STR("path", path))),
                     JSON_BOOL("server", false));
}

static gboolean is_excluded(const InterfacePortForward *forward, guint port)
{
    for (guint i = 0; i < forward->n_ranges; i++) {
        const PortForwardRange *range = forward->ranges[i];

        if (range->exclude == TRISTATE_YES && port >= range->start && port <= MAX(range->start, range->end))
            return TRUE;
    }
    return FALSE;
}

/* One rule for each port: QEMU knows no ranges. */
static int add_forward(json_object *rules, const InterfacePortForward *forward, const char *what)
{
    const char *address = forward->address ? forward->address : "", *proto = port_forward_proto_to_string(forward->proto);
    struct in_addr in;

    if (forward->dev || (*address && inet_pton(AF_INET, address, &in) != 1) || forward->n_ranges == 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: QEMU forwards ranges of ports of an IPv4 address; devices, IPv6 and all ports at once need "
                    "<backend type='passt'/>", what);
    for (guint i = 0; i < forward->n_ranges; i++) {
        const PortForwardRange *range = forward->ranges[i];
        guint last = MAX(range->start, range->end), to = range->to ? range->to : range->start;

        for (guint port = range->start; range->exclude != TRISTATE_YES && port <= last; port++, to++) {
            g_autofree char *text = g_strdup_printf("%s:%s:%u-:%u", proto, address, port, to);

            if (is_excluded(forward, port))
                continue;
            if (json_object_array_length(rules) >= MAX_FORWARDS || to > G_MAXUINT16)
                return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: more than %d ports, or one above %d, is to be forwarded", what, MAX_FORWARDS,
                            G_MAXUINT16);
            json_object_array_add(rules, json_make(JSON_STR("str", text)));
        }
    }
    return 0;
}

static int add_forwards(json_object *props, const DomainInterface *net, const char *what)
{
    json_object *rules;

    if (net->n_port_forwards == 0)
        return 0;
    rules = json_object_new_array();
    json_object_object_add(props, "hostfwd", rules);
    for (guint i = 0; i < net->n_port_forwards; i++) {
        if (add_forward(rules, net->port_forwards[i], what) < 0)
            return -1;
    }
    return 0;
}

static json_object *netdev_user(QemuCommand *cmd, const DomainInterface *net, const char *what)
{
    json_object *props;

    if (qemu_interface_is_passt(net))
        return netdev_passt(cmd, net, what);
    if (net->backend.hostname || net->backend.fqdn || net->backend.log_file || net->source.dev)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: a device, hostname, fqdn and logFile need <backend type='passt'/>", what);
    if (!qemu_caps_has_flag(cmd->caps, "netdev.user"))
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: '%s' was built without user networking; <backend type='passt'/> does without",
                         what, cmd->caps->binary);
    props = json_make(JSON_STR("type", "user"));
    if (add_forwards(props, net, what) < 0) {
        json_object_put(props);
        return NULL;
    }
    for (guint i = 0; i < net->n_ips; i++) {
        const InterfaceIp *ip = net->ips[i];

        if (ip->family == IP_FAMILY_IPV6) {
            json_add(props, JSON_STR("ipv6-prefix", ip->address));
            if (ip->prefix)
                json_add(props, JSON_UINT("ipv6-prefixlen", ip->prefix));
        } else {
            g_autofree char *text = ip->prefix ? g_strdup_printf("%s/%u", ip->address, ip->prefix) : g_strdup(ip->address);

            json_add(props, JSON_STR("net", text));
        }
    }
    return props;
}

gboolean qemu_interface_needs_tap(const DomainInterface *net)
{
    if (qemu_interface_is_nic(net))
        return FALSE;
    return net->source.type == DOMAIN_INTERFACE_TYPE_ETHERNET || net->source.type == DOMAIN_INTERFACE_TYPE_BRIDGE ||
        net->source.type == DOMAIN_INTERFACE_TYPE_NETWORK || net->source.type == DOMAIN_INTERFACE_TYPE_DIRECT;
}

static gboolean is_virtio(const DomainInterface *net)
{
    return net->model && g_str_has_prefix(net->model, "virtio");
}

guint qemu_interface_queues(const DomainInterface *net)
{
    return is_virtio(net) ? MAX(net->driver.queues, 1) : 1;
}

/* Packets are moved by the kernel where it can, which emulation doesn't allow. */
static int add_vhost(QemuCommand *cmd, json_object *props, const DomainInterface *net, guint queues, const char *what)
{
    const char *device = net->backend.vhost ? net->backend.vhost : "/dev/vhost-net";
    gboolean demanded = g_strcmp0(net->driver.name, "vhost") == 0, kvm = cmd->def->type == DOMAIN_VIRT_TYPE_KVM;
    g_autoptr(GString) names = g_string_new(NULL);

    if (demanded && (!kvm || !is_virtio(net)))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: driver 'vhost' needs a model 'virtio' and a domain of type 'kvm'", what);
    if (!kvm || !is_virtio(net) || g_strcmp0(net->driver.name, "qemu") == 0 || cmd->options->dry_run)
        return 0;
    for (guint i = 0; i < queues; i++) {
        int fd = open(device, O_RDWR | O_CLOEXEC);

        if (fd < 0 && i == 0 && !demanded)
            return 0;
        if (fd < 0)
            return FAIL_ERRNO(errno, "%s: cannot open '%s'", what, device);
        g_autofree char *name = qemu_fd_name(cmd, qemu_pass_fd(cmd, fd));
        g_string_append_printf(names, "%s%s", i ? ":" : "", name);
    }
    json_add(props, JSON_BOOL("vhost", true), JSON_STR(queues > 1 ? "vhostfds" : "vhostfd", names->str));
    return 0;
}

static json_object *netdev_tap(QemuCommand *cmd, const DomainInterface *net, const char *what)
{
    json_object *props = json_make(JSON_STR("type", "tap"));
    guint queues = qemu_interface_queues(net);
    g_autoptr(GString) fds = g_string_new(NULL);

    if (cmd->options->dry_run) {
        json_add(props, JSON_STR("ifname", net->target.dev ? net->target.dev : "vnet0"), JSON_STR("script", "no"),
                 JSON_STR("downscript", "no"));
    } else if (cmd->options->n_tap_fds < queues || cmd->next_tap > cmd->options->n_tap_fds - queues) {
        json_object_put(props);
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "%s: no tap device was made for it", what);
    } else {
        for (guint i = 0; i < queues; i++) {
            g_autofree char *name = qemu_fd_name(cmd, cmd->options->tap_fds[cmd->next_tap++]);

            g_string_append_printf(fds, "%s%s", i ? ":" : "", name);
        }
        json_add(props, JSON_STR(queues > 1 ? "fds" : "fd", fds->str));
    }
    if (net->has_sndbuf)
        qemu_add_uint(props, "sndbuf", net->sndbuf);
    if (add_vhost(cmd, props, net, queues, what) == 0)
        return props;
    json_object_put(props);
    return NULL;
}

static json_object *netdev_socket(const DomainInterface *net)
{
    const InterfaceSource *source = &net->source;
    g_autofree char *remote = g_strdup_printf("%s:%u", source->address ? source->address : "", source->port);
    g_autofree char *local = source->local ? g_strdup_printf("%s:%u", source->local->address ? source->local->address : "",
                                                             source->local->port) : NULL;

    switch (source->type) {
    case DOMAIN_INTERFACE_TYPE_SERVER:
        return json_make(JSON_STR("type", "socket"), JSON_STR("listen", remote));
    case DOMAIN_INTERFACE_TYPE_CLIENT:
        return json_make(JSON_STR("type", "socket"), JSON_STR("connect", remote));
    case DOMAIN_INTERFACE_TYPE_MCAST:
        return json_make(JSON_STR("type", "socket"), JSON_STR("mcast", remote));
    default:
        return json_make(JSON_STR("type", "socket"), JSON_STR("udp", remote), JSON_STR("localaddr", local));
    }
}

static json_object *netdev_vhostuser(QemuCommand *cmd, const DomainInterface *net, const char *what)
{
    g_autofree char *id = g_strdup_printf("char%s", net->info.alias);
    ChardevSource source = {
        .type = CHARDEV_TYPE_UNIX,
        .path = net->source.path,
        .mode = g_strcmp0(net->source.socket_mode, "server") == 0 ? CHARDEV_MODE_BIND : CHARDEV_MODE_CONNECT,
        .reconnect = net->source.reconnect,
    };
    json_object *props;

    if (qemu_chardev(cmd, &source, net->info.alias, what) < 0)
        return NULL;
    props = json_make(JSON_STR("type", "vhost-user"), JSON_STR("chardev", id));
    if (net->driver.queues > 1)
        qemu_add_uint(props, "queues", net->driver.queues);
    return props;
}

static json_object *netdev_vdpa(QemuCommand *cmd, const DomainInterface *net, const char *what)
{
    g_autofree char *path = NULL;
    json_object *props;
    int fd;

    if (!qemu_caps_has_flag(cmd->caps, "netdev.vhost-vdpa"))
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: '%s' was built without vDPA", what, cmd->caps->binary);
    if (cmd->options->dry_run) {
        path = g_strdup(net->source.dev);
    } else {
        fd = open(net->source.dev, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            return FAIL_ERRNO_NULL(errno, "%s: cannot open '%s'", what, net->source.dev);
        path = qemu_pass_fd_set(cmd, fd, net->info.alias, "vdpa");
    }
    props = json_make(JSON_STR("type", "vhost-vdpa"), JSON_STR("vhostdev", path));
    if (net->driver.queues > 1)
        qemu_add_uint(props, "queues", net->driver.queues);
    return props;
}

/* Settings that only some kinds of interface can have. */
static int check_interface(QemuCommand *cmd, const DomainInterface *net, const char *what)
{
    DomainInterfaceType type = net->source.type;
    const char *name = domain_interface_type_to_string(type);
    gboolean process = type == DOMAIN_INTERFACE_TYPE_VHOSTUSER || type == DOMAIN_INTERFACE_TYPE_VDPA;

    if ((net->script || net->downscript) && type != DOMAIN_INTERFACE_TYPE_ETHERNET)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: only interfaces of type 'ethernet' have scripts, not of type '%s'", what, name);
    if (process && !is_virtio(net))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: interfaces of type '%s' need the model 'virtio'", what, name);
    if (net->n_port_forwards && type != DOMAIN_INTERFACE_TYPE_USER)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: only interfaces of type 'user' forward ports, not of type '%s'", what, name);
    if (net->teaming.type == INTERFACE_TEAMING_TYPE_TRANSIENT)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: the transient part of a pair is a passed device of the host", what);
    if (net->coalesce_rx_frames_max && !qemu_interface_needs_tap(net))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: interfaces of type '%s' can't coalesce packets", what, name);
    if (((net->driver.rx_queue_size - 1) & net->driver.rx_queue_size) || ((net->driver.tx_queue_size - 1) & net->driver.tx_queue_size))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: the size of a queue (rx_queue_size, tx_queue_size) must be a power of two", what);
    if (qemu_interface_queues(net) > 1 && !process && !qemu_interface_needs_tap(net))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: interfaces of type '%s' can't have several queues", what, name);
    if (net->vlan && !qemu_interface_needs_tap(net)) /* else the guest would be in another network */
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: interfaces of type '%s' can't have a <vlan>", what, name);
    if (net->filterref && !qemu_interface_needs_tap(net)) /* else the guest would go unfiltered */
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: interfaces of type '%s' can't have a <filterref>: only those of types 'network', 'bridge' "
                    "and 'ethernet' can", what, name);
    return type == DOMAIN_INTERFACE_TYPE_VHOSTUSER ? qemu_require_shared_memory(cmd, what) : 0;
}

static json_object *netdev(QemuCommand *cmd, const DomainInterface *net, const char *what)
{
    if (check_interface(cmd, net, what) < 0)
        return NULL;
    switch (net->source.type) {
    case DOMAIN_INTERFACE_TYPE_USER:
        return netdev_user(cmd, net, what);
    case DOMAIN_INTERFACE_TYPE_SERVER:
    case DOMAIN_INTERFACE_TYPE_CLIENT:
    case DOMAIN_INTERFACE_TYPE_MCAST:
    case DOMAIN_INTERFACE_TYPE_UDP:
        return netdev_socket(net);
    case DOMAIN_INTERFACE_TYPE_VHOSTUSER:
        return netdev_vhostuser(cmd, net, what);
    case DOMAIN_INTERFACE_TYPE_VDPA:
        return netdev_vdpa(cmd, net, what);
    default:
        if (qemu_interface_needs_tap(net))
            return netdev_tap(cmd, net, what);
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: interfaces of type '%s' are not supported", what,
                         domain_interface_type_to_string(net->source.type));
    }
}

/* The device's type; the caller frees. */
static char *net_driver(const DomainInterface *net)
{
    const char *model = net->model ? net->model : "rtl8139";

    if (g_str_equal(model, "virtio") || g_str_equal(model, "virtio-transitional") || g_str_equal(model, "virtio-non-transitional"))
        return qemu_virtio_type(&net->info, "virtio-net", model);
    return g_strdup(model);
}

static void add_offloads(json_object *props, const InterfaceDriverOptions *driver)
{
    const InterfaceOffloads none = { 0 };
    const InterfaceOffloads *host = driver->host ? driver->host : &none, *guest = driver->guest ? driver->guest : &none;
    const struct {
        Tristate value;
        const char *prop;
    } switches[] = {
        { host->csum, "csum" }, { host->gso, "gso" }, { host->tso4, "host_tso4" }, { host->tso6, "host_tso6" },
        { host->ecn, "host_ecn" }, { host->ufo, "host_ufo" }, { host->mrg_rxbuf, "mrg_rxbuf" },
        { guest->csum, "guest_csum" }, { guest->tso4, "guest_tso4" }, { guest->tso6, "guest_tso6" },
        { guest->ecn, "guest_ecn" }, { guest->ufo, "guest_ufo" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(switches); i++)
        qemu_add_switch(props, switches[i].prop, switches[i].value);
}

static int add_virtio_net(QemuCommand *cmd, json_object *props, const DomainInterface *net, const char *driver, const char *what)
{
    const InterfaceDriverOptions *d = &net->driver;

    if (d->txmode)
        json_add(props, JSON_STR("tx", d->txmode == INTERFACE_TX_MODE_TIMER ? "timer" : "bh"));
    qemu_add_switch(props, "ioeventfd", d->ioeventfd);
    qemu_add_switch(props, "event_idx", d->event_idx);
    add_offloads(props, d);
    if (d->queues > 1) {
        json_add(props, JSON_BOOL("mq", true));
        /* Two per pair, one for configuration, one for control. */
        qemu_add_uint(props, "vectors", 2 * d->queues + 2);
    }
    if (d->rx_queue_size)
        qemu_add_uint(props, "rx_queue_size", d->rx_queue_size);
    if (d->tx_queue_size)
        qemu_add_uint(props, "tx_queue_size", d->tx_queue_size);
    qemu_add_switch(props, "rss", d->rss);
    qemu_add_switch(props, "hash", d->rss_hash_report);
    if (net->mtu)
        qemu_add_uint(props, "host_mtu", net->mtu);
    if (net->teaming.type == INTERFACE_TEAMING_TYPE_PERSISTENT)
        json_add(props, JSON_BOOL("failover", true));
    return qemu_add_virtio(cmd, props, driver, &d->virtio, what);
}

/* A chip on a board without slots can't be added: QEMU gives it the first back end of its kind. */
static gboolean is_on_board(const QemuCommand *cmd, const DomainInterface *net)
{
    DomainMachineInfo machine;

    domain_machine_info(cmd->def->os.arch, cmd->def->os.machine, &machine);
    return machine.net_on_board && g_strcmp0(net->model, machine.net_model) == 0;
}

static int net_device(QemuCommand *cmd, const DomainInterface *net, const char *what)
{
    g_autofree char *driver = net_driver(net), *host = g_strdup_printf("host%s", net->info.alias);
    char mac[MAC_TEXT_SIZE];
    json_object *props;
    int rc = 0;

    if (qemu_require_type(cmd, driver, what) < 0)
        return -1;
    mac_format(net->mac, mac);
    if (is_on_board(cmd, net)) {
        qemu_arg_f(cmd, "-net", "nic,macaddr=%s,netdev=%s,model=%s,id=%s", mac, host, driver, net->info.alias);
        return 0;
    }
    props = json_make(JSON_STR("driver", driver));
    if (g_str_has_prefix(driver, "virtio-net"))
        rc = add_virtio_net(cmd, props, net, driver, what);
    json_add(props, JSON_STR("netdev", host), JSON_STR("id", net->info.alias), JSON_STR("mac", mac));
    qemu_add_boot_index(props, qemu_boot_index(cmd, DOMAIN_BOOT_DEV_NETWORK, &net->info));
    if (rc == 0)
        rc = qemu_add_address(cmd, props, &net->info);
    qemu_add_rom(props, &net->info);
    if (rc < 0) {
        json_object_put(props);
        return -1;
    }
    qemu_arg_json(cmd, "-device", props);
    return 0;
}

int qemu_command_interfaces(QemuCommand *cmd)
{
    for (guint i = 0; i < cmd->def->devices.n_interfaces; i++) {
        const DomainInterface *net = cmd->def->devices.interfaces[i];
        g_autofree char *what = g_strdup_printf("interface '%s'", net->info.alias);
        json_object *props;

        if (qemu_interface_is_nic(net)) {
            if (qemu_command_nic(cmd, net, what) < 0)
                return -1;
            continue;
        }
        props = netdev(cmd, net, what);
        if (!props)
            return -1;
        add_id(props, net);
        qemu_arg_json(cmd, "-netdev", props);
        if (net_device(cmd, net, what) < 0)
            return -1;
    }
    return 0;
}
