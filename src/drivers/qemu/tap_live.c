/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Interfaces of guests that run: they change, move to other bridges, and are plugged in again after their network was stopped.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.tap"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "drivers/qemu/command.h"
#include "drivers/qemu/tap_priv.h"
#include "network/limits.h"
#include "network/plug.h"

/* Whether the device of a running guest's interface is one. */
static gboolean is_macvtap(const DomainInterface *net)
{
    return net->source.type == DOMAIN_INTERFACE_TYPE_DIRECT ||
        (net->source.type == DOMAIN_INTERFACE_TYPE_NETWORK && !net->source.bridge);
}

int tap_set_limits(const DomainDef *def, const DomainInterface *net)
{
    if (!net->target.dev || !qemu_interface_needs_tap(net))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "interface '%s' of domain '%s' has no device on the host, whose traffic could be "
                    "limited", net->info.alias, def->name);
    if (net->source.type == DOMAIN_INTERFACE_TYPE_NETWORK && network_limit_plug(net, def->uuid) < 0)
        return -1;
    return limits_set(net->target.dev, net->bandwidth, is_macvtap(net));
}

/* ---- moves ---- */

static gboolean same_source(const DomainInterface *a, const DomainInterface *b)
{
    if (a->source.type != b->source.type)
        return FALSE;
    if (a->source.type == DOMAIN_INTERFACE_TYPE_NETWORK)
        return g_strcmp0(a->source.network, b->source.network) == 0 && g_strcmp0(a->source.portgroup, b->source.portgroup) == 0;
    if (a->source.type == DOMAIN_INTERFACE_TYPE_BRIDGE)
        return g_strcmp0(a->source.bridge, b->source.bridge) == 0;
    return g_strcmp0(a->source.dev, b->source.dev) == 0 && a->source.direct_mode == b->source.direct_mode;
}

/* Whether an interface's device is in a bridge, and can be put into another one. */
static gboolean can_move(const DomainInterface *net)
{
    return net->source.type == DOMAIN_INTERFACE_TYPE_BRIDGE ||
        (net->source.type == DOMAIN_INTERFACE_TYPE_NETWORK && net->source.bridge != NULL);
}

/* Out of the bridge that the device is in. */
static int leave(Netlink *nl, const DomainInterface *net)
{
    const guint32 none = 0;

    if (!switch_is_openvswitch(net))
        return netlink_change(nl, netlink_index(net->target.dev), &(NetlinkChange){ .master = &none });
    switch_unplug(net, net->target.dev);
    return 0;
}

static int enter(Netlink *nl, const DomainDef *def, DomainInterface *net, const Wire *wire)
{
    const SwitchPort port = tap_switch_port(net, def->uuid, wire);

    if (tap_check_interface(net, def->name) < 0 || tap_check_wire(net, def->name, wire) < 0)
        return -1;
    if (!wire->bridge)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "interface '%s' of the running domain '%s' can only move from bridge to bridge; "
                    "'--config' moves it at the next start", net->info.alias, def->name);
    return switch_plug(nl, &port);
}

/* What @net, which is in a bridge, is connected to. The wire is the caller's to clear. */
static int wire_as_it_is(const DomainDef *def, const DomainInterface *net, Wire *wire)
{
    gboolean there;

    if (net->source.type != DOMAIN_INTERFACE_TYPE_NETWORK) {
        wire->bridge = net->source.bridge;
        return 0;
    }
    wire->port = network_plug_again(net, def->name, def->uuid, &there);
    if (wire->port)
        return tap_wire_of_port(definition_get(wire->port), net, wire);
    return virGetLastErrorCode() ? -1 : FAIL(VIR_ERR_OPERATION_INVALID, "network '%s' is not active", net->source.network);
}

/* Back to where it was; its port there was never taken away. */
static void go_back(Netlink *nl, const DomainDef *def, const QemuConf *conf, const DomainInterface *old)
{
    virErrorPtr error = error_save();
    Wire wire = { .conf = conf };
    int rc = wire_as_it_is(def, old, &wire);

    if (rc == 0) {
        const SwitchPort port = tap_switch_port(old, def->uuid, &wire);

        rc = switch_plug(nl, &port);
    }
    if (rc < 0)
        LOG_ERROR("interface '%s' of domain '%s' is in no bridge any more: %s", old->info.alias, def->name, error_message());
    tap_wire_clear(&wire);
    error_restore(error);
}

static int move(const DomainDef *def, const QemuConf *conf, DomainInterface *now, const DomainInterface *old)
{
    g_autoptr(Netlink) nl = netlink_open();
    Wire wire = { .conf = conf };
    int rc = -1;

    if (!can_move(old) || (now->source.type != DOMAIN_INTERFACE_TYPE_BRIDGE && now->source.type != DOMAIN_INTERFACE_TYPE_NETWORK))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "interface '%s' of the running domain '%s' can't move: only one on a bridge can, to "
                    "another bridge; '--config' moves it at the next start", old->info.alias, def->name);
    now->source.has_portid = FALSE;
    if (now->source.type == DOMAIN_INTERFACE_TYPE_NETWORK)
        g_clear_pointer(&now->source.bridge, g_free);
    if (nl && tap_wire_of(def, now, &wire) == 0 && leave(nl, old) == 0) {
        rc = enter(nl, def, now, &wire);
        if (rc < 0)
            go_back(nl, def, conf, old);
    }
    if (rc < 0 && now->source.type == DOMAIN_INTERFACE_TYPE_NETWORK)
        network_unplug_this(now);
    if (rc == 0 && old->source.type == DOMAIN_INTERFACE_TYPE_NETWORK)
        network_unplug_this(old);
    tap_wire_clear(&wire);
    return rc;
}

/* ---- changes ---- */

static void keep_place(DomainInterface *now, const DomainInterface *old)
{
    if (now->source.type != DOMAIN_INTERFACE_TYPE_NETWORK)
        return;
    memcpy(now->source.portid, old->source.portid, sizeof(now->source.portid));
    now->source.has_portid = old->source.has_portid;
    g_free(now->source.bridge);
    now->source.bridge = g_strdup(old->source.bridge);
}

static int change_vlan(const DomainDef *def, const QemuConf *conf, const DomainInterface *now, const DomainInterface *old)
{
    g_autoptr(Netlink) nl = netlink_open();
    Wire wire = { .conf = conf };
    int rc = !nl || wire_as_it_is(def, now, &wire) < 0 || tap_check_wire(now, def->name, &wire) < 0 ? -1 : 0;

    if (rc == 0) {
        const SwitchPort port = tap_switch_port(now, def->uuid, &wire);

        rc = switch_set_vlan(nl, &port, old->vlan);
    }
    tap_wire_clear(&wire);
    return rc;
}

static gboolean differ(const XmlDesc *desc, const void *a, const void *b)
{
    return a && b ? !xml_equal(desc, a, b) : a != b;
}

int tap_update(const DomainDef *def, const QemuConf *conf, DomainInterface *now, const DomainInterface *old)
{
    gboolean moved = !same_source(now, old) || differ(&INTERFACE_VIRTUALPORT_DESC, now->virtualport, old->virtualport) ||
        now->port_isolated != old->port_isolated;

    if (moved && move(def, conf, now, old) < 0)
        return -1;
    if (!moved)
        keep_place(now, old);
    if (!moved && differ(&INTERFACE_VLAN_DESC, now->vlan, old->vlan) && change_vlan(def, conf, now, old) < 0)
        return -1;
    if (now->coalesce_rx_frames_max != old->coalesce_rx_frames_max && tap_set_coalesce(now->target.dev, now->coalesce_rx_frames_max) < 0)
        return -1;
    return differ(&BANDWIDTH_DESC, now->bandwidth, old->bandwidth) ? tap_set_limits(def, now) : 0;
}

/* ---- the network is there again ---- */

/* Whether a device is in some bridge, or isn't there. */
static gboolean is_connected(Netlink *nl, const char *device)
{
    guint32 index = netlink_index(device);
    NetlinkLink link;

    return !index || netlink_link(nl, index, &link) < 0 || link.master;
}

char *tap_plug_again(const DomainDef *def, const QemuConf *conf, const DomainInterface *net)
{
    gboolean there;
    g_autoptr(Definition) port = network_plug_again(net, def->name, def->uuid, &there);
    g_autoptr(Netlink) nl = port ? netlink_open() : NULL;
    Wire wire = { .conf = conf };

    if (!nl || !net->target.dev || (there && is_connected(nl, net->target.dev)) || tap_wire_of_port(definition_get(port), net, &wire) < 0 || !wire.bridge)
        return NULL;
    const SwitchPort place = tap_switch_port(net, def->uuid, &wire);
    return switch_plug(nl, &place) < 0 ? NULL : g_strdup(wire.bridge);
}
