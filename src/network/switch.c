/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#define LOG_SOURCE "network.switch"
#include "network/switch.h"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "base/mac.h"
#include "base/process.h"
#include "base/uuid.h"
#include "core/node.h"

/* ovs-vsctl itself gives up in time, and is ended a little later. */
#define VSCTL_LATER_MS 3000
#define VSCTL_OUTPUT 65536
/* The kernel's limit for tap devices: with the head of 14 bytes the longest packet. */
#define TAP_MTU_MAX 65521

static guint vsctl_seconds = 5;

void switch_configure(guint seconds)
{
    vsctl_seconds = MIN(seconds, (G_MAXINT - VSCTL_LATER_MS) / 1000);
}

gboolean switch_is_openvswitch(const DomainInterface *iface)
{
    return iface->virtualport && iface->virtualport->type == INTERFACE_VIRTUALPORT_TYPE_OPENVSWITCH;
}

/* ---- Open vSwitch ---- */

static int vsctl(GPtrArray *words, const char *device)
{
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_auto(ProcessOutput) output = { 0 };

    g_ptr_array_insert(words, 0, g_strdup_printf("--timeout=%u", vsctl_seconds));
    g_ptr_array_insert(words, 0, g_strdup("ovs-vsctl"));
    g_ptr_array_add(words, NULL);
    spec.argv = (const char *const *) words->pdata;
    spec.die_with_parent = true;
    if (process_run_checked(&spec, NULL, 0, VSCTL_OUTPUT, (int) vsctl_seconds * 1000 + VSCTL_LATER_MS, &output) == 0)
        return 0;
    error_context("Open vSwitch doesn't follow for network device '%s' ('ovs-vsctl show' tells whether it runs)", device);
    return -1;
}

G_GNUC_NULL_TERMINATED
static void add_words(GPtrArray *words, ...)
{
    va_list args;
    va_start(args, words);
    for (const char *w = va_arg(args, const char *); w; w = va_arg(args, const char *))
        g_ptr_array_add(words, g_strdup(w));
    va_end(args);
}

G_GNUC_PRINTF(2, 3)
static void word(GPtrArray *words, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_ptr_array_add(words, g_strdup_vprintf(format, args));
    va_end(args);
}

static const InterfaceVlanTag *native_tag(const InterfaceVlan *vlan)
{
    for (guint i = 0; i < vlan->n_tags; i++) {
        if (vlan->tags[i]->native_mode)
            return vlan->tags[i];
    }
    return NULL;
}

/* "-- --if-exists clear …" is what a port without VLANs has. */
static void add_vlan(GPtrArray *words, const char *device, const InterfaceVlan *vlan)
{
    const InterfaceVlanTag *native = vlan ? native_tag(vlan) : NULL;
    g_autoptr(GString) trunks = g_string_new("trunks=");

    add_words(words, "--", "clear", "Port", device, "tag", "trunks", "vlan_mode", NULL);
    if (!vlan || !vlan->n_tags)
        return;
    add_words(words, "--", "set", "Port", device, NULL);
    if (vlan->trunk != TRISTATE_YES) {
        word(words, "tag=%u", vlan->tags[0]->id);
        return;
    }
    if (native) {
        word(words, "vlan_mode=native-%s", native->native_mode == INTERFACE_VLAN_MODE_TAGGED ? "tagged" : "untagged");
        word(words, "tag=%u", native->id);
    } else {
        word(words, "vlan_mode=trunk");
    }
    for (guint i = 0; i < vlan->n_tags; i++)
        g_string_append_printf(trunks, "%s%u", i ? "," : "", vlan->tags[i]->id);
    word(words, "%s", trunks->str);
}

/* A value of its database in quotes. */
static void add_id(GPtrArray *words, const char *key, const char *value)
{
    g_autofree char *quoted = g_strescape(value, NULL);
    word(words, "external-ids:%s=\"%s\"", key, quoted);
}

static int plug_openvswitch(const SwitchPort *port)
{
    const InterfaceVirtualportParameters *p = &port->iface->virtualport->parameters;
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    char text[UUID_TEXT_SIZE], mac[MAC_TEXT_SIZE];

    mac_format(port->iface->mac, mac);
    add_words(words, "--", "--if-exists", "del-port", port->device, "--", "add-port", port->bridge, port->device, NULL);
    add_vlan(words, port->device, port->iface->vlan);
    add_words(words, "--", "set", "Interface", port->device, NULL);
    add_id(words, "attached-mac", mac);
    if (p->has_interfaceid)
        add_id(words, "iface-id", uuid_format(p->interfaceid, text));
    add_id(words, "vm-id", uuid_format(port->domain, text));
    if (p->profileid)
        add_id(words, "port-profile", p->profileid);
    add_id(words, "iface-status", "active");
    return vsctl(words, port->device);
}

void switch_unplug(const DomainInterface *iface, const char *device)
{
    virErrorPtr error = error_save();
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

    if (switch_is_openvswitch(iface) && device) {
        add_words(words, "--", "--if-exists", "del-port", device, NULL);
        if (vsctl(words, device) < 0)
            LOG_WARN("%s", error_message());
    }
    error_restore(error);
}

/* ---- bridges of the kernel ---- */

/* The VLANs as the kernel has them; caller frees. A port with one VLAN has it without a tag. */
static NetlinkVlan *vlans_of(const InterfaceVlan *vlan)
{
    NetlinkVlan *vlans = g_new0(NetlinkVlan, vlan->n_tags);
    for (guint i = 0; i < vlan->n_tags; i++) {
        const InterfaceVlanTag *tag = vlan->tags[i];
        bool access = vlan->trunk != TRISTATE_YES;
        vlans[i] = (NetlinkVlan) { (guint16) tag->id, access || tag->native_mode, access || tag->native_mode == INTERFACE_VLAN_MODE_UNTAGGED };
    }
    return vlans;
}

static int change_vlans(Netlink *nl, const SwitchPort *port, const InterfaceVlan *old)
{
    const NetlinkVlan first = { 1, true, true };
    const InterfaceVlan *vlan = port->iface->vlan;
    guint32 index = netlink_find(nl, port->device), bridge = netlink_find(nl, port->bridge);
    g_autofree NetlinkVlan *had = old ? vlans_of(old) : NULL, *has = vlan ? vlans_of(vlan) : NULL;

    if (has && netlink_bridge_filter_vlans(nl, bridge) < 0)
        return -1;
    if (netlink_port_change_vlans(nl, index, had ? had : &first, had ? old->n_tags : 1, false) < 0)
        return -1;
    return netlink_port_change_vlans(nl, index, has ? has : &first, has ? vlan->n_tags : 1, true);
}

/* The bridge learns nothing of the port by itself: it is told the guest's address. What is for nobody's reaches the port only where others are
 * not told as well. */
static int tell_bridge(Netlink *nl, const SwitchPort *port, guint32 index)
{
    const bool no = false, yes = true;
    const NetlinkPort wish = { .learning = &no, .flood = port->told ? &no : NULL, .locked = port->own_address_only ? &yes : NULL };
    if (!port->told && !port->own_address_only)
        return 0;
    return netlink_port_set(nl, index, &wish) < 0 ? -1 : netlink_fdb_change(nl, index, port->iface->mac, true);
}

/* Why a device could not be put on what was named as bridge, if that is the reason. */
static int explain_bridge(Netlink *nl, guint32 master, const char *name)
{
    virErrorPtr error = error_save();
    NetlinkLink link;

    if (netlink_link(nl, master, &link) == 0 && strcmp(link.kind, "bridge") != 0) {
        virFreeError(error);
        return FAIL(VIR_ERR_OPERATION_FAILED, "network device '%s' is no bridge ('ip link show type bridge' lists them); an <interface "
                    "type='direct'> can be on any device, and one with <virtualport type='openvswitch'/> on a bridge of Open vSwitch", name);
    }
    error_restore(error);
    return -1;
}

static int plug_kernel(Netlink *nl, const SwitchPort *port)
{
    guint32 index = netlink_find(nl, port->device), master = netlink_find(nl, port->bridge);
    const bool yes = true;

    if (!master)
        return FAIL(VIR_ERR_OPERATION_FAILED, "Cannot get interface MTU on '%s': No such device; the host has no bridge of that name "
                    "('ip link show type bridge' lists them)", port->bridge);
    NetlinkChange change = port->also ? *port->also : (NetlinkChange) { NULL };
    change.master = &master;
    /* a bridge takes the least of what its ports have, and would lose large packets of all others */
    change.mtu = port->iface->mtu ? port->iface->mtu : MIN(netlink_mtu(nl, port->bridge), TAP_MTU_MAX);
    if (netlink_change(nl, index, &change) < 0)
        return explain_bridge(nl, master, port->bridge);
    if (port->iface->port_isolated == TRISTATE_YES && netlink_port_set(nl, index, &(NetlinkPort) { .isolated = &yes }) < 0)
        return -1;
    /* an address is told for the VLANs that the port has */
    return port->iface->vlan && change_vlans(nl, port, NULL) < 0 ? -1 : tell_bridge(nl, port, index);
}

/* ---- either ---- */

int switch_plug(Netlink *nl, const SwitchPort *port)
{
    const InterfaceVirtualport *vp = port->iface->virtualport;

    if (switch_is_openvswitch(port->iface)) {
        if (port->also && netlink_change(nl, netlink_find(nl, port->device), port->also) < 0)
            return -1;
        return plug_openvswitch(port);
    }
    if (vp && vp->type)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "network device '%s' can't be in bridge '%s': <virtualport type='%s'> needs a program "
                    "that this version doesn't talk to; 'openvswitch' is supported", port->device, port->bridge,
                    interface_virtualport_type_to_string(vp->type));
    return plug_kernel(nl, port);
}

int switch_set_vlan(Netlink *nl, const SwitchPort *port, const InterfaceVlan *old)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

    if (!switch_is_openvswitch(port->iface))
        return change_vlans(nl, port, old) < 0 ? -1 : tell_bridge(nl, port, netlink_find(nl, port->device));
    add_vlan(words, port->device, port->iface->vlan);
    g_free(g_ptr_array_steal_index(words, 0)); /* the first command needs no "--" */
    return vsctl(words, port->device);
}
