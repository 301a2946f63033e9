/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Network interfaces: the host's end (-netdev) and the guest's device.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/command_priv.h"

static void add_id(json_object *props, const DomainInterface *net)
{
    g_autofree char *id = g_strdup_printf("host%s", net->info.alias);

    json_add(props, JSON_STR("id", id));
}

static json_object *netdev_user(QemuCommand *cmd, const DomainInterface *net, const char *what)
{
    json_object *props;

    if (net->backend.type == INTERFACE_BACKEND_TYPE_PASST || net->n_port_forwards)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: the passt backend and port forwards are not supported yet", what);
    if (!qemu_caps_has_flag(cmd->caps, "netdev.user"))
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: '%s' was built without user networking", what, cmd->caps->binary);
    props = json_make(JSON_STR("type", "user"));
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
    return net->source.type == DOMAIN_INTERFACE_TYPE_ETHERNET || net->source.type == DOMAIN_INTERFACE_TYPE_BRIDGE ||
        net->source.type == DOMAIN_INTERFACE_TYPE_NETWORK || net->source.type == DOMAIN_INTERFACE_TYPE_DIRECT;
}

static json_object *netdev_tap(QemuCommand *cmd, const DomainInterface *net, const char *what)
{
    json_object *props = json_make(JSON_STR("type", "tap"));
    guint queues = MAX(net->driver.queues, 1);
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
    return props;
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

static json_object *netdev(QemuCommand *cmd, const DomainInterface *net, const char *what)
{
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
    default:
        if (qemu_interface_needs_tap(net))
            return netdev_tap(cmd, net, what);
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: interfaces of type '%s' are not supported yet", what,
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
    return qemu_add_virtio(cmd, props, driver, &d->virtio, what);
}

static int net_device(QemuCommand *cmd, const DomainInterface *net, const char *what)
{
    g_autofree char *driver = net_driver(net), *host = g_strdup_printf("host%s", net->info.alias), *mac = NULL;
    json_object *props;
    int rc = 0;

    if (qemu_require_type(cmd, driver, what) < 0)
        return -1;
    mac = g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", net->mac[0], net->mac[1], net->mac[2], net->mac[3], net->mac[4],
                          net->mac[5]);
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
