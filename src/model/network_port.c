/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ports of networks: rules, and what a port gets from the network that it is in.
 */
#include "model/network_private.h"
#include <string.h>
#include "base/uuid.h"

int network_port_def_complete(NetworkPortDef *def)
{
    if (!def->has_uuid) {
        uuid_generate(def->uuid);
        def->has_uuid = true;
    }
    if (!def->owner.name)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "networkport.owner: a port needs an owner");
    if (!def->plug) {
        def->plug = xml_struct_new(&NETWORK_PORT_PLUG_DESC);
        def->plug->type = NETWORK_PORT_PLUG_TYPE_NONE;
    }
    return network_port_parts_complete(def->vlan, &def->bandwidth, true);
}

int network_port_def_check_limits(const NetworkPortDef *def, const NetworkDef *net)
{
    const Bandwidth *b = def->bandwidth;

    if (bandwidth_check(b, true) < 0)
        return -1;
    if (b && b->inbound && b->inbound->floor && !(net->bandwidth && net->bandwidth->inbound))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "network '%s': a port can't have a guaranteed rate ('floor'), as the network has "
                    "no limit for inbound traffic that it could be a part of", net->name);
    return 0;
}

/* ---- the group ---- */

static const NetworkPortGroup *find_group(const NetworkDef *net, const char *name)
{
    for (guint i = 0; i < net->n_portgroups; i++) {
        const NetworkPortGroup *group = net->portgroups[i];
        if (name ? strcmp(group->name, name) == 0 : group->is_default == TRISTATE_YES)
            return group;
    }
    return NULL;
}

/* What neither port, group nor network say isn't so. The one that is nearest to the guest decides. */
static void inherit(NetworkPortDef *port, const NetworkDef *net, const NetworkPortGroup *group)
{
    const InterfaceVlan *vlan = group && group->vlan ? group->vlan : net->vlan;

    if (!port->bandwidth && group && group->bandwidth)
        port->bandwidth = xml_struct_copy(&BANDWIDTH_DESC, group->bandwidth);
    if (!port->vlan && vlan)
        port->vlan = xml_struct_copy(&INTERFACE_VLAN_DESC, vlan);
    if (!port->trust_guest_rx_filters && group)
        port->trust_guest_rx_filters = group->trust_guest_rx_filters;
    if (!port->trust_guest_rx_filters)
        port->trust_guest_rx_filters = net->trust_guest_rx_filters;
    if (!port->port_isolated)
        port->port_isolated = net->port_isolated;
}

/* ---- the switch port: what port, network and group say must agree ---- */

static int fail_differ(const NetworkDef *net, const char *what)
{
    return FAIL(VIR_ERR_XML_ERROR, "network '%s': the <virtualport> of the port, of the network and of its group disagree: "
                "different %s", net->name, what);
}

static int merge_number(const NetworkDef *net, const char *what, bool *has, guint32 *value, bool other_has, guint32 other)
{
    if (*has && other_has && *value != other)
        return fail_differ(net, what);
    if (other_has) {
        *has = true;
        *value = other;
    }
    return 0;
}

static int merge_uuid(const NetworkDef *net, const char *what, bool *has, guint8 *value, bool other_has, const guint8 *other)
{
    if (*has && other_has && memcmp(value, other, UUID_BYTES) != 0)
        return fail_differ(net, what);
    if (other_has) {
        *has = true;
        memcpy(value, other, UUID_BYTES);
    }
    return 0;
}

static int merge(const NetworkDef *net, InterfaceVirtualport *into, const InterfaceVirtualport *from)
{
    InterfaceVirtualportParameters *p = &into->parameters;
    const InterfaceVirtualportParameters *other = &from->parameters;

    if (into->type && from->type && into->type != from->type)
        return fail_differ(net, "types");
    into->type = into->type ? into->type : from->type;
    if (p->profileid && other->profileid && strcmp(p->profileid, other->profileid) != 0)
        return fail_differ(net, "profileids");
    if (!p->profileid)
        p->profileid = g_strdup(other->profileid);
    if (merge_number(net, "managerids", &p->has_managerid, &p->managerid, other->has_managerid, other->managerid) < 0 ||
        merge_number(net, "typeids", &p->has_typeid, &p->typeid, other->has_typeid, other->typeid) < 0 ||
        merge_number(net, "typeidversions", &p->has_typeidversion, &p->typeidversion, other->has_typeidversion,
                     other->typeidversion) < 0)
        return -1;
    if (merge_uuid(net, "instanceids", &p->has_instanceid, p->instanceid, other->has_instanceid, other->instanceid) < 0)
        return -1;
    return merge_uuid(net, "interfaceids", &p->has_interfaceid, p->interfaceid, other->has_interfaceid, other->interfaceid);
}

static void make_uuid(bool *has, guint8 *uuid)
{
    if (!*has)
        uuid_generate(uuid);
    *has = true;
}

/* What each type of switch needs; who the guest is, is made up. */
static int complete_switch(const NetworkDef *net, InterfaceVirtualport *vp)
{
    InterfaceVirtualportParameters *p = &vp->parameters;
    const char *missing = NULL;

    switch (vp->type) {
    case INTERFACE_VIRTUALPORT_TYPE_802_1QBG:
        missing = !p->has_managerid ? "managerid" : !p->has_typeid ? "typeid" : !p->has_typeidversion ? "typeidversion" : NULL;
        make_uuid(&p->has_instanceid, p->instanceid);
        break;
    case INTERFACE_VIRTUALPORT_TYPE_802_1QBH:
        missing = !p->profileid ? "profileid" : NULL;
        break;
    case INTERFACE_VIRTUALPORT_TYPE_OPENVSWITCH:
        make_uuid(&p->has_interfaceid, p->interfaceid);
        break;
    case INTERFACE_VIRTUALPORT_TYPE_MIDONET:
        missing = !p->has_interfaceid ? "interfaceid" : NULL;
        break;
    default:
        break;
    }
    return missing ? FAIL(VIR_ERR_XML_ERROR, "network '%s': missing %s in <virtualport type='%s'>", net->name, missing,
                          interface_virtualport_type_to_string(vp->type)) : 0;
}

/* Kinds of switches that each kind of plug can be in. */
static const guint switches[NETWORK_PORT_PLUG_TYPE_LAST] = {
    [NETWORK_PORT_PLUG_TYPE_BRIDGE] = 1 << INTERFACE_VIRTUALPORT_TYPE_OPENVSWITCH | 1 << INTERFACE_VIRTUALPORT_TYPE_MIDONET,
    [NETWORK_PORT_PLUG_TYPE_DIRECT] = 1 << INTERFACE_VIRTUALPORT_TYPE_802_1QBG | 1 << INTERFACE_VIRTUALPORT_TYPE_802_1QBH,
    [NETWORK_PORT_PLUG_TYPE_HOSTDEV_PCI] = 1 << INTERFACE_VIRTUALPORT_TYPE_802_1QBH,
};

static int plan_switch(NetworkPortDef *port, const NetworkDef *net, const NetworkPortGroup *group)
{
    const InterfaceVirtualport *sources[] = { net->virtualport, group ? group->virtualport : NULL };

    for (guint i = 0; i < G_N_ELEMENTS(sources); i++) {
        if (!sources[i])
            continue;
        if (!port->virtualport)
            port->virtualport = xml_struct_new(&INTERFACE_VIRTUALPORT_DESC);
        if (merge(net, port->virtualport, sources[i]) < 0)
            return -1;
    }
    if (port->virtualport && !(switches[port->plug->type] >> port->virtualport->type & 1))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "<virtualport type='%s'> is not supported for ports of type '%s' in network '%s'",
                    port->virtualport->type ? interface_virtualport_type_to_string(port->virtualport->type) : "none",
                    network_port_plug_type_to_string(port->plug->type), net->name);
    return 0;
}

/* ---- the plug ---- */

static bool same_device(const NetworkPortPlug *a, const NetworkPortPlug *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == NETWORK_PORT_PLUG_TYPE_DIRECT)
        return g_strcmp0(a->dev, b->dev) == 0;
    return a->address && b->address && a->address->domain == b->address->domain && a->address->bus == b->address->bus &&
        a->address->slot == b->address->slot && a->address->function == b->address->function;
}

static guint users(const NetworkPortPlug *plug, const NetworkPortDef *const *others, guint n)
{
    guint count = 0;

    for (guint i = 0; i < n; i++)
        count += same_device(plug, others[i]->plug);
    return count;
}

/* Of the devices that a network has, the one that is used least; if it is for one guest at a time, only a free one. */
static int choose(const NetworkDef *net, NetworkPortPlug *plug, guint n_devices, bool exclusive,
                  void (*set)(NetworkPortPlug *plug, const NetworkDef *net, guint device),
                  const NetworkPortDef *const *others, guint n_others)
{
    guint best = 0, least = G_MAXUINT;

    for (guint i = 0; i < n_devices && least > 0; i++) {
        set(plug, net, i);
        guint count = users(plug, others, n_others);
        if (count < least) {
            least = count;
            best = i;
        }
    }
    if (!n_devices || (exclusive && least > 0))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "network '%s' has no device left for a port", net->name);
    set(plug, net, best);
    return 0;
}

static void set_interface(NetworkPortPlug *plug, const NetworkDef *net, guint device)
{
    g_free(plug->dev);
    plug->dev = g_strdup(net->forward.interfaces[device]->dev);
}

static void set_address(NetworkPortPlug *plug, const NetworkDef *net, guint device)
{
    xml_struct_free(&PCI_ADDRESS_DESC, plug->address);
    plug->address = xml_struct_copy(&PCI_ADDRESS_DESC, &net->forward.addresses[device]->pci);
}

static void set_bridge(NetworkPortPlug *plug, const NetworkDef *net, NetworkPortPlugType type)
{
    plug->type = type;
    plug->bridge = g_strdup(net->bridge.name);
    plug->mac_table_manager = net->bridge.mac_table_manager;
}

static InterfaceDirectMode direct_mode(NetworkForwardMode mode)
{
    switch (mode) {
    case NETWORK_FORWARD_MODE_PRIVATE:
        return INTERFACE_DIRECT_MODE_PRIVATE;
    case NETWORK_FORWARD_MODE_VEPA:
        return INTERFACE_DIRECT_MODE_VEPA;
    case NETWORK_FORWARD_MODE_PASSTHROUGH:
        return INTERFACE_DIRECT_MODE_PASSTHROUGH;
    default:
        return INTERFACE_DIRECT_MODE_BRIDGE;
    }
}

/* What kind of plug the ports of a network have; @plug is filled but for the device. */
static void set_kind(NetworkPortPlug *plug, const NetworkDef *net)
{
    NetworkForwardMode mode = network_def_mode(net);

    if (network_def_owns_bridge(net)) {
        set_bridge(plug, net, NETWORK_PORT_PLUG_TYPE_NETWORK);
    } else if (mode == NETWORK_FORWARD_MODE_BRIDGE && net->bridge.name) {
        set_bridge(plug, net, NETWORK_PORT_PLUG_TYPE_BRIDGE);
    } else if (mode == NETWORK_FORWARD_MODE_HOSTDEV) {
        plug->type = NETWORK_PORT_PLUG_TYPE_HOSTDEV_PCI;
        plug->managed = net->forward.managed;
        plug->driver = net->forward.driver;
    } else {
        plug->type = NETWORK_PORT_PLUG_TYPE_DIRECT;
        plug->mode = direct_mode(mode);
    }
}

static int set_device(NetworkPortDef *port, const NetworkDef *net, const NetworkPortDef *const *others, guint n)
{
    NetworkPortPlug *plug = port->plug;

    if (plug->type == NETWORK_PORT_PLUG_TYPE_HOSTDEV_PCI)
        return choose(net, plug, net->forward.n_addresses, true, set_address, others, n);
    if (plug->type != NETWORK_PORT_PLUG_TYPE_DIRECT)
        return 0;
    bool exclusive = plug->mode == INTERFACE_DIRECT_MODE_PASSTHROUGH ||
        (plug->mode == INTERFACE_DIRECT_MODE_PRIVATE && port->virtualport &&
         port->virtualport->type == INTERFACE_VIRTUALPORT_TYPE_802_1QBH);
    return choose(net, plug, net->forward.n_interfaces, exclusive, set_interface, others, n);
}

int network_port_def_plan(NetworkPortDef *port, const NetworkDef *net, bool reclaim, const NetworkPortDef *const *others,
                          guint n_others)
{
    const NetworkPortGroup *group = find_group(net, port->group);
    bool plugged = port->plug->type != NETWORK_PORT_PLUG_TYPE_NONE;

    if (reclaim != plugged)
        return FAIL(VIR_ERR_INVALID_ARG, "network '%s': %s", net->name, plugged
                    ? "a port that is new can't say what it is plugged into" : "a port to reclaim must say what it is plugged into");
    inherit(port, net, group);
    if (!plugged)
        set_kind(port->plug, net);
    if (plan_switch(port, net, group) < 0 || (!plugged && set_device(port, net, others, n_others) < 0) ||
        network_port_def_check_limits(port, net) < 0)
        return -1;
    return port->virtualport ? complete_switch(net, port->virtualport) : 0;
}
