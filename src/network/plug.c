/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#define LOG_SOURCE "network.plug"
#include "network/plug.h"
#include <string.h>
#include "base/log.h"
#include "core/node.h"
#include "network/network.h"

static void *copy(const XmlDesc *desc, const void *part)
{
    return part ? xml_struct_copy(desc, part) : NULL;
}

/* Drivers of hypervisors that want to know of starts. */
typedef struct Listener {
    NetworkStarted func;
    void *opaque;
} Listener;
static GMutex listeners_lock;
static GArray *listeners;

void network_on_start(NetworkStarted func, void *opaque)
{
    g_mutex_lock(&listeners_lock);
    if (!listeners)
        listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
    for (guint i = listeners->len; i > 0; i--) {
        if (g_array_index(listeners, Listener, i - 1).opaque == opaque)
            g_array_remove_index(listeners, i - 1);
    }
    if (func) {
        Listener listener = { func, opaque };
        g_array_append_val(listeners, listener);
    }
    if (!listeners->len)
        g_clear_pointer(&listeners, g_array_unref);
    g_mutex_unlock(&listeners_lock);
}

void network_tell_start(const char *name)
{
    g_mutex_lock(&listeners_lock);
    for (guint i = 0; listeners && i < listeners->len; i++)
        g_array_index(listeners, Listener, i).func(name, g_array_index(listeners, Listener, i).opaque);
    g_mutex_unlock(&listeners_lock);
}

static NetworkPortDef *port_of(const DomainInterface *iface, const char *domain, const guint8 uuid[16])
{
    NetworkPortDef *port = xml_struct_new(&NETWORK_PORT_DEF_DESC);
    port->owner.name = g_strdup(domain);
    port->owner.has_uuid = true;
    memcpy(port->owner.uuid, uuid, sizeof(port->owner.uuid));
    port->group = g_strdup(iface->source.portgroup);
    port->has_mac = true;
    memcpy(port->mac, iface->mac, sizeof(port->mac));
    port->virtualport = copy(&INTERFACE_VIRTUALPORT_DESC, iface->virtualport);
    port->bandwidth = copy(&BANDWIDTH_DESC, iface->bandwidth);
    port->vlan = copy(&INTERFACE_VLAN_DESC, iface->vlan);
    port->port_isolated = iface->port_isolated;
    port->trust_guest_rx_filters = iface->trust_guest_rx_filters;
    return port;
}

/* The network's job, with the network running. */
static int begin(ManagedJob *job, const DomainInterface *iface)
{
    ManagedTable *networks = node_get()->tables.networks;
    const char *name = iface->source.network;
    if (!networks)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "network '%s' can't be had: this process has no driver for networks", name);
    if (managed_job_begin(job, networks, NULL, name, __func__) < 0)
        return -1;
    if (managed_active(job->state))
        return 0;
    if (job->state->autostart)
        return managed_start(job);
    return FAIL(VIR_ERR_OPERATION_INVALID, "network '%s' is not active: start it with 'virsh net-start %s'; after 'virsh net-autostart "
                "%s' it starts by itself", name, name, name);
}

static void take(const XmlDesc *desc, void *field, const void *part)
{
    void **at = field;
    if (!*at)
        *at = copy(desc, part);
}

/* What the guest's interface is, where that isn't a bridge of the network's own. */
static InterfaceActual *actual_of(const NetworkPortPlug *plug)
{
    static const DomainInterfaceType types[NETWORK_PORT_PLUG_TYPE_LAST] = {
        [NETWORK_PORT_PLUG_TYPE_BRIDGE] = DOMAIN_INTERFACE_TYPE_BRIDGE,
        [NETWORK_PORT_PLUG_TYPE_DIRECT] = DOMAIN_INTERFACE_TYPE_DIRECT,
        [NETWORK_PORT_PLUG_TYPE_HOSTDEV_PCI] = DOMAIN_INTERFACE_TYPE_HOSTDEV,
    };
    static const InterfaceHostdevDriver drivers[NETWORK_HOSTDEV_DRIVER_LAST] = {
        [NETWORK_HOSTDEV_DRIVER_KVM] = INTERFACE_HOSTDEV_DRIVER_KVM,
        [NETWORK_HOSTDEV_DRIVER_VFIO] = INTERFACE_HOSTDEV_DRIVER_VFIO,
        [NETWORK_HOSTDEV_DRIVER_XEN] = INTERFACE_HOSTDEV_DRIVER_XEN,
    };
    if (!types[plug->type])
        return NULL;
    InterfaceActual *actual = xml_struct_new(&INTERFACE_ACTUAL_DESC);
    actual->type = types[plug->type];
    actual->bridge = g_strdup(plug->bridge);
    actual->dev = g_strdup(plug->dev);
    actual->direct_mode = plug->mode;
    actual->managed = plug->managed;
    actual->hostdev_driver = drivers[plug->driver];
    if (plug->address) {
        actual->host_address = xml_struct_new(&DOMAIN_ADDRESS_DESC);
        actual->host_address->type = DOMAIN_ADDRESS_TYPE_PCI;
        xml_struct_copy_into(&PCI_ADDRESS_DESC, &actual->host_address->pci, plug->address);
    }
    return actual;
}

static void note(DomainInterface *iface, const NetworkPortDef *port)
{
    xml_struct_free(&INTERFACE_ACTUAL_DESC, iface->actual);
    iface->actual = actual_of(port->plug);
    memcpy(iface->source.portid, port->uuid, sizeof(iface->source.portid));
    iface->source.has_portid = true;
    if (port->plug->bridge) {
        g_free(iface->source.bridge);
        iface->source.bridge = g_strdup(port->plug->bridge);
    }
    take(&INTERFACE_VIRTUALPORT_DESC, &iface->virtualport, port->virtualport);
    take(&BANDWIDTH_DESC, &iface->bandwidth, port->bandwidth);
    take(&INTERFACE_VLAN_DESC, &iface->vlan, port->vlan);
    if (!iface->port_isolated)
        iface->port_isolated = port->port_isolated;
    if (!iface->trust_guest_rx_filters)
        iface->trust_guest_rx_filters = port->trust_guest_rx_filters;
}

Definition *network_plug(DomainInterface *iface, const char *domain, const guint8 uuid[16])
{
    g_auto(ManagedJob) job = { NULL };
    if (begin(&job, iface) < 0)
        return NULL;
    NetworkPortDef *def = port_of(iface, domain, uuid);
    if (network_port_def_complete(def) < 0) {
        xml_struct_free(&NETWORK_PORT_DEF_DESC, def);
        return NULL;
    }
    guint8 id[16];
    memcpy(id, def->uuid, sizeof(id));
    if (network_port_create(&job, def, 0) < 0)
        return NULL;
    g_autoptr(NetworkPort) port = network_port_find(job.obj, id);
    Definition *made = port ? network_port_definition(port) : NULL;
    if (made)
        note(iface, definition_get(made));
    return made;
}

Definition *network_plug_again(const DomainInterface *iface, const char *domain, const guint8 uuid[16], gboolean *there)
{
    ManagedTable *networks = node_get()->tables.networks;
    g_auto(ManagedJob) job = { NULL };
    *there = FALSE;
    if (!networks || !iface->source.has_portid || managed_job_begin(&job, networks, NULL, iface->source.network, __func__) < 0)
        return NULL;
    if (!managed_active(job.state))
        return NULL;
    g_autoptr(NetworkPort) old = store_by_uuid(job.obj->data, iface->source.portid);
    *there = old != NULL;
    if (old)
        return network_port_definition(old);
    NetworkPortDef *def = port_of(iface, domain, uuid);
    memcpy(def->uuid, iface->source.portid, sizeof(def->uuid));
    def->has_uuid = true;
    if (network_port_def_complete(def) < 0) {
        xml_struct_free(&NETWORK_PORT_DEF_DESC, def);
        return NULL;
    }
    if (network_port_create(&job, def, 0) < 0)
        return NULL;
    g_autoptr(NetworkPort) port = network_port_find(job.obj, iface->source.portid);
    return port ? network_port_definition(port) : NULL;
}

void network_unplug_this(const DomainInterface *iface)
{
    ManagedTable *networks = node_get()->tables.networks;
    g_auto(ManagedJob) job = { NULL };
    virErrorPtr error = error_save();
    g_autoptr(Managed) net = networks && iface->source.has_portid ? managed_peek(networks, NULL, iface->source.network) : NULL;
    if (net && managed_job_begin(&job, networks, net->entry.uuid, NULL, __func__) == 0) {
        g_autoptr(NetworkPort) port = store_by_uuid(net->data, iface->source.portid);
        if (port && network_port_delete(&job, port) < 0)
            LOG_WARN("network '%s' keeps a port: %s", iface->source.network, error_message());
    }
    error_restore(error);
}

static gboolean belongs_to(const NetworkPortDef *port, const DomainInterface *iface, const guint8 uuid[16])
{
    return memcmp(port->owner.uuid, uuid, sizeof(port->owner.uuid)) == 0 && memcmp(port->mac, iface->mac, sizeof(port->mac)) == 0;
}

int network_limit_plug(const DomainInterface *iface, const guint8 uuid[16])
{
    ManagedTable *networks = node_get()->tables.networks;
    g_auto(ManagedJob) job = { NULL };
    if (!networks || managed_job_begin(&job, networks, NULL, iface->source.network, __func__) < 0)
        return -1;
    g_autoptr(GPtrArray) ports = network_port_definitions(job.obj);
    for (guint i = 0; i < ports->len; i++) {
        const NetworkPortDef *def = definition_get(ports->pdata[i]);
        g_autoptr(NetworkPort) port = belongs_to(def, iface, uuid) ? network_port_find(job.obj, def->uuid) : NULL;
        if (port)
            return network_port_limit(&job, port, copy(&BANDWIDTH_DESC, iface->bandwidth));
    }
    return 0; /* the network was stopped meanwhile, and guarantees nothing */
}

static void sweep(ManagedTable *networks, Managed *net, NetworkPortLives lives, void *opaque)
{
    g_auto(ManagedJob) job = { NULL };
    g_autoptr(GPtrArray) ports = network_port_definitions(net);
    if (!ports->len || managed_job_begin(&job, networks, net->entry.uuid, NULL, __func__) < 0)
        return;
    for (guint i = 0; i < ports->len; i++) {
        const NetworkPortDef *def = definition_get(ports->pdata[i]);
        g_autoptr(NetworkPort) port = lives(def->owner.uuid, def->mac, opaque) ? NULL : network_port_find(net, def->uuid);
        if (port && network_port_delete(&job, port) < 0)
            LOG_WARN("network '%s' keeps a port of domain '%s': %s", MANAGED_NAME(net), def->owner.name, error_message());
    }
}

void network_sweep_ports(NetworkPortLives lives, void *opaque)
{
    ManagedTable *networks = node_get()->tables.networks;
    g_autoptr(GPtrArray) active = networks ? managed_objects(networks, MANAGED_LIST_ACTIVE, NULL, NULL) : NULL;
    for (guint i = 0; active && i < active->len; i++)
        sweep(networks, active->pdata[i], lives, opaque);
    virResetLastError();
}

void network_unplug(const DomainInterface *iface, const char *domain, const guint8 uuid[16])
{
    ManagedTable *networks = node_get()->tables.networks;
    g_auto(ManagedJob) job = { NULL };
    virErrorPtr error = error_save();
    g_autoptr(Managed) net = networks ? managed_peek(networks, NULL, iface->source.network) : NULL;
    if (net && managed_job_begin(&job, networks, net->entry.uuid, NULL, __func__) == 0) {
        g_autoptr(GPtrArray) ports = network_port_definitions(net);
        for (guint i = 0; i < ports->len; i++) {
            const NetworkPortDef *def = definition_get(ports->pdata[i]);
            g_autoptr(NetworkPort) port = belongs_to(def, iface, uuid) ? network_port_find(net, def->uuid) : NULL;
            if (port && network_port_delete(&job, port) < 0)
                LOG_WARN("network '%s' keeps a port of domain '%s': %s", iface->source.network, domain, error_message());
        }
    }
    error_restore(error);
}
