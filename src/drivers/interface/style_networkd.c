/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * systemd-networkd's style: NAME.netdev makes a device, NAME.network gives it addresses or puts it into another one. What networkd
 * has no key for goes to the section X-Libvirt, which it ignores.
 */
#define ERROR_DOMAIN VIR_FROM_INTERFACE
#include <string.h>
#include "base/error.h"
#include "drivers/interface/style.h"

#define PREFIX "/10-libvirt-"

static const char *const folders[] = { "/etc/systemd/network", NULL };

/* ---- writing ---- */

static char *path_of(const char *name, const char *suffix)
{
    g_autofree char *file = style_file_name(PREFIX, name, suffix);
    return g_strconcat(folders[0], file, NULL);
}

static void write_bond(const HostBond *bond, GString *out)
{
    g_string_append(out, "\n[Bond]\n");
    if (bond->mode)
        g_string_append_printf(out, "Mode=%s\n", host_bond_mode_to_string(bond->mode));
    if (bond->miimon) {
        g_string_append_printf(out, "MIIMonitorSec=%ums\n", bond->miimon->freq);
        if (bond->miimon->updelay)
            g_string_append_printf(out, "UpDelaySec=%ums\n", bond->miimon->updelay);
        if (bond->miimon->downdelay)
            g_string_append_printf(out, "DownDelaySec=%ums\n", bond->miimon->downdelay);
    }
    if (bond->arpmon) {
        g_string_append_printf(out, "ARPIntervalSec=%ums\nARPIPTargets=%s\n", bond->arpmon->interval, bond->arpmon->target);
        if (bond->arpmon->validate)
            g_string_append_printf(out, "ARPValidate=%s\n", host_bond_validate_to_string(bond->arpmon->validate));
    }
    if (bond->miimon && bond->miimon->carrier)
        g_string_append_printf(out, "\n[X-Libvirt]\nCarrier=%s\n", host_bond_carrier_to_string(bond->miimon->carrier));
}

static void write_netdev(const HostInterfaceDef *def, const char *head, GPtrArray *files)
{
    GString *out = g_string_new(head);
    char mac[18];
    g_string_append_printf(out, "\n[NetDev]\nName=%s\nKind=%s\n", def->name, host_interface_type_to_string(def->type));
    if (def->has_mac)
        g_string_append_printf(out, "MACAddress=%s\n", host_interface_mac(def, mac));
    if (def->mtu)
        g_string_append_printf(out, "MTUBytes=%u\n", def->mtu);
    if (def->bridge && (def->bridge->stp || def->bridge->delay)) {
        g_string_append(out, "\n[Bridge]\n");
        if (def->bridge->stp)
            g_string_append_printf(out, "STP=%s\n", def->bridge->stp == TRISTATE_YES ? "yes" : "no");
        if (def->bridge->delay)
            g_string_append_printf(out, "ForwardDelaySec=%s\n", def->bridge->delay);
    }
    if (def->bond)
        write_bond(def->bond, out);
    if (def->vlan)
        g_string_append_printf(out, "\n[VLAN]\nId=%u\n", def->vlan->tag);
    g_ptr_array_add(files, style_file_new(path_of(def->name, ".netdev"), g_string_free(out, FALSE), 0644));
}

static void write_addresses(const HostInterfaceDef *def, GString *out)
{
    const HostInterfaceProtocol *v4 = style_protocol(def, IP_FAMILY_IPV4), *v6 = style_protocol(def, IP_FAMILY_IPV6);
    gboolean dhcp4 = v4 && v4->dhcp, dhcp6 = v6 && v6->dhcp;
    g_string_append_printf(out, "DHCP=%s\n", dhcp4 && dhcp6 ? "yes" : dhcp4 ? "ipv4" : dhcp6 ? "ipv6" : "no");
    g_string_append_printf(out, "IPv6AcceptRA=%s\n", v6 && v6->autoconf ? "yes" : "no");
    for (guint i = 0; i < def->n_protocols; i++) {
        const HostInterfaceProtocol *protocol = def->protocols[i];
        for (guint j = 0; j < protocol->n_ips; j++)
            g_string_append_printf(out, "Address=%s/%u\n", protocol->ips[j]->address, protocol->ips[j]->prefix);
        if (protocol->gateway)
            g_string_append_printf(out, "Gateway=%s\n", protocol->gateway);
    }
    if (dhcp4 && v4->dhcp->peerdns)
        g_string_append_printf(out, "\n[DHCPv4]\nUseDNS=%s\n", v4->dhcp->peerdns == TRISTATE_YES ? "yes" : "no");
    if (dhcp6 && v6->dhcp->peerdns)
        g_string_append_printf(out, "\n[DHCPv6]\nUseDNS=%s\n", v6->dhcp->peerdns == TRISTATE_YES ? "yes" : "no");
}

static void write_network(const HostInterfaceDef *def, const char *head, GPtrArray *files)
{
    GString *out = g_string_new(head);
    char mac[18];
    g_string_append_printf(out, "\n[Match]\nName=%s\n", def->name);
    if (def->start != HOST_INTERFACE_START_ONBOOT || def->type == HOST_INTERFACE_TYPE_ETHERNET) {
        g_string_append(out, "\n[Link]\n");
        if (def->type == HOST_INTERFACE_TYPE_ETHERNET && def->has_mac)
            g_string_append_printf(out, "MACAddress=%s\n", host_interface_mac(def, mac));
        if (def->type == HOST_INTERFACE_TYPE_ETHERNET && def->mtu)
            g_string_append_printf(out, "MTUBytes=%u\n", def->mtu);
        if (def->start != HOST_INTERFACE_START_ONBOOT) /* what isn't started with the machine is started by hand */
            g_string_append_printf(out, "ActivationPolicy=%s\n", def->start == HOST_INTERFACE_START_HOTPLUG ? "up" : "manual");
    }
    g_string_append(out, "\n[Network]\n");
    write_addresses(def, out);
    g_ptr_array_add(files, style_file_new(path_of(def->name, ".network"), g_string_free(out, FALSE), 0644));
}

/* A device that is part of another one. */
static void write_part(const char *name, const char *key, const char *of, const char *head, GPtrArray *files)
{
    char *text = g_strdup_printf("%s\n[Match]\nName=%s\n\n[Network]\n%s=%s\n", head, name, key, of);
    g_ptr_array_add(files, style_file_new(path_of(name, ".network"), text, 0644));
}

static void write_bond_parts(const char *name, const HostBond *bond, const char *head, GPtrArray *files)
{
    for (guint i = 0; i < bond->n_interfaces; i++)
        write_part(bond->interfaces[i]->name, "Bond", name, head, files);
}

/* The file about exactly this interface; NULL: there is none. */
static const StyleFile *file_about(const GPtrArray *there, const char *name)
{
    for (guint i = 0; i < there->len; i++) {
        const StyleFile *file = there->pdata[i];
        g_autoptr(GPtrArray) ini = ini_parse(file->text);
        if (g_str_has_suffix(file->path, ".network") && g_strcmp0(ini_get(ini, "Match", "Name"), name) == 0)
            return file;
    }
    return NULL;
}

/* networkd wants a VLAN named in the definition of what it is on: a file of ours adds that, whosever the other is. */
static int write_vlan_of(const char *name, const HostVlan *vlan, const char *head, const GPtrArray *there, GPtrArray *files)
{
    const StyleFile *on = file_about(there, vlan->interface->name);
    if (!on)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "systemd-networkd wants VLAN '%s' named in the definition of '%s', which no file defines by its name: "
                    "'virsh iface-define' it first", name, vlan->interface->name);
    g_autofree char *file = style_file_name(".d/libvirt-", name, ".conf");
    g_ptr_array_add(files, style_file_new(g_strconcat(on->path, file, NULL), g_strdup_printf("%s\n[Network]\nVLAN=%s\n", head, name), 0644));
    return 0;
}

static int write_files(const HostInterfaceDef *def, const GPtrArray *there, GPtrArray *files)
{
    g_autofree char *head = style_head(def->name);
    if (def->vlan && write_vlan_of(def->name, def->vlan, head, there, files) < 0)
        return -1;
    if (def->type != HOST_INTERFACE_TYPE_ETHERNET)
        write_netdev(def, head, files);
    write_network(def, head, files);
    if (def->bond)
        write_bond_parts(def->name, def->bond, head, files);
    for (guint i = 0; def->bridge && i < def->bridge->n_interfaces; i++) {
        const HostBridgePort *port = def->bridge->interfaces[i];
        HostInterfaceDef *made = style_port_def(port);
        int rc = port->vlan ? write_vlan_of(port->name, port->vlan, head, there, files) : 0;
        if (made)
            write_netdev(made, head, files);
        if (port->bond)
            write_bond_parts(port->name, port->bond, head, files);
        write_part(port->name, "Bridge", def->name, head, files);
        xml_struct_free(&HOST_INTERFACE_DEF_DESC, made);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* ---- reading ---- */

/* A span of time: "100ms", "0.1s", "4"; in milliseconds. */
static guint32 milliseconds(const char *text)
{
    char *end;
    double value = g_ascii_strtod(text, &end);
    while (*end == ' ')
        end++;
    value *= strcmp(end, "ms") == 0 || strcmp(end, "msec") == 0 ? 1 : strcmp(end, "min") == 0 ? 60000 : 1000;
    return value > 0 && value < 1e9 ? (guint32) value : 0;
}

static void read_bond(const GPtrArray *ini, HostInterfaceDef *def)
{
    const char *value;
    HostBond *bond = style_bond_make(def);
    if ((value = ini_get(ini, "Bond", "Mode")))
        bond->mode = host_bond_mode_from_string(value);
    if ((value = ini_get(ini, "Bond", "MIIMonitorSec")) && milliseconds(value))
        style_miimon(def)->freq = milliseconds(value);
    if (bond->miimon && (value = ini_get(ini, "Bond", "UpDelaySec")))
        bond->miimon->updelay = milliseconds(value);
    if (bond->miimon && (value = ini_get(ini, "Bond", "DownDelaySec")))
        bond->miimon->downdelay = milliseconds(value);
    if (bond->miimon && (value = ini_get(ini, "X-Libvirt", "Carrier")))
        bond->miimon->carrier = host_bond_carrier_from_string(value);
    if ((value = ini_get(ini, "Bond", "ARPIntervalSec")) && milliseconds(value))
        style_arpmon(def)->interval = milliseconds(value);
    if (bond->arpmon && (value = ini_get(ini, "Bond", "ARPIPTargets"))) {
        g_free(bond->arpmon->target); /* of another file about this bond */
        bond->arpmon->target = g_strndup(value, strcspn(value, ", "));
    }
    if (bond->arpmon && (value = ini_get(ini, "Bond", "ARPValidate")))
        bond->arpmon->validate = host_bond_validate_from_string(value);
}

static void read_netdev(const StyleFile *file, GPtrArray *entries)
{
    g_autoptr(GPtrArray) ini = ini_parse(file->text);
    const char *name = ini_get(ini, "NetDev", "Name"), *kind = ini_get(ini, "NetDev", "Kind"), *value;
    HostInterfaceType type = kind ? host_interface_type_from_string(kind) : HOST_INTERFACE_TYPE_UNSET;
    if (!name || type == HOST_INTERFACE_TYPE_UNSET)
        return;
    HostInterfaceDef *def = style_entry(entries, name, file->path);
    if ((value = ini_get(ini, "NetDev", "MACAddress")))
        style_parse_mac(value, def);
    if ((value = ini_get(ini, "NetDev", "MTUBytes")))
        def->mtu = style_number(value);
    if (type == HOST_INTERFACE_TYPE_BRIDGE) {
        HostBridge *bridge = style_bridge_make(def);
        if ((value = ini_get(ini, "Bridge", "STP")))
            bridge->stp = style_truth(value) ? TRISTATE_YES : TRISTATE_NO;
        if ((value = ini_get(ini, "Bridge", "ForwardDelaySec")) && !bridge->delay)
            bridge->delay = g_strndup(value, strspn(value, "0123456789."));
    } else if (type == HOST_INTERFACE_TYPE_BOND) {
        read_bond(ini, def);
    } else if (type == HOST_INTERFACE_TYPE_VLAN) {
        value = ini_get(ini, "VLAN", "Id");
        style_vlan_make(def)->tag = value ? style_number(value) : 0;
    }
}

/* What a .network says with keys that may occur again. */
static void read_lists(const GPtrArray *ini, HostInterfaceDef *def, GPtrArray *entries, const char *path)
{
    for (guint i = 0; i < ini->len; i++) {
        const IniLine *line = ini->pdata[i];
        gboolean network = strcmp(line->group, "Network") == 0;
        if ((network || strcmp(line->group, "Address") == 0) && strcmp(line->key, "Address") == 0)
            style_add_address(def, line->value, 129);
        else if (network && strcmp(line->key, "Gateway") == 0)
            style_set_gateway(def, line->value);
        else if (network && strcmp(line->key, "Bridge") == 0)
            style_add_bridge_port(style_bridge_make(style_entry(entries, line->value, path)), def->name);
        else if (network && strcmp(line->key, "Bond") == 0)
            style_add_bond_port(style_bond_make(style_entry(entries, line->value, path)), def->name);
        else if (network && strcmp(line->key, "VLAN") == 0) {
            HostVlan *vlan = style_vlan_make(style_entry(entries, line->value, path));
            g_free(vlan->interface->name);
            vlan->interface->name = g_strdup(def->name);
        }
    }
}

static void read_dhcp(const GPtrArray *ini, HostInterfaceDef *def, IpFamily family, const char *group)
{
    const char *dns = ini_get(ini, group, "UseDNS");
    HostInterfaceProtocol *protocol = style_protocol_make(def, family);
    if (!protocol->dhcp)
        protocol->dhcp = xml_struct_new(&HOST_INTERFACE_PROTOCOL_DHCP_DESC);
    if (dns)
        protocol->dhcp->peerdns = style_truth(dns) ? TRISTATE_YES : TRISTATE_NO;
}

static void read_network(const StyleFile *file, const GPtrArray *files, GPtrArray *entries)
{
    g_autoptr(GPtrArray) ini = ini_parse(file->text);
    const char *name = ini_get(ini, "Match", "Name"), *value;
    if (!name || strpbrk(name, "*? ![") || strlen(name) > 15) /* about several, or none in particular */
        return;
    HostInterfaceDef *def = style_entry(entries, name, file->path);
    const char *policy = ini_get(ini, "Link", "ActivationPolicy");
    def->start = !policy || strcmp(policy, "always-up") == 0 ? HOST_INTERFACE_START_ONBOOT
        : strcmp(policy, "up") == 0 ? HOST_INTERFACE_START_HOTPLUG : HOST_INTERFACE_START_NONE;
    if ((value = ini_get(ini, "Link", "MACAddress")))
        style_parse_mac(value, def);
    if ((value = ini_get(ini, "Link", "MTUBytes")))
        def->mtu = style_number(value);
    value = ini_get(ini, "Network", "DHCP");
    if (value && (style_truth(value) || strcmp(value, "ipv4") == 0))
        read_dhcp(ini, def, IP_FAMILY_IPV4, "DHCPv4");
    if (value && (style_truth(value) || strcmp(value, "ipv6") == 0))
        read_dhcp(ini, def, IP_FAMILY_IPV6, "DHCPv6");
    if ((value = ini_get(ini, "Network", "IPv6AcceptRA")) && style_truth(value))
        style_protocol_make(def, IP_FAMILY_IPV6)->autoconf = true;
    read_lists(ini, def, entries, file->path);
    g_autofree char *more = g_strconcat(file->path, ".d/", NULL);
    for (guint i = 0; i < files->len; i++) {
        const StyleFile *one = files->pdata[i];
        g_autoptr(GPtrArray) added = g_str_has_prefix(one->path, more) ? ini_parse(one->text) : NULL;
        if (added)
            read_lists(added, def, entries, one->path);
    }
}

static void read_files(const GPtrArray *files, GPtrArray *entries)
{
    for (guint i = 0; i < files->len; i++) {
        if (g_str_has_suffix(((StyleFile *) files->pdata[i])->path, ".netdev"))
            read_netdev(files->pdata[i], entries);
    }
    for (guint i = 0; i < files->len; i++) {
        if (g_str_has_suffix(((StyleFile *) files->pdata[i])->path, ".network"))
            read_network(files->pdata[i], files, entries);
    }
    style_nest(entries);
}

const HostStyle style_networkd = {
    .name = "systemd-networkd", .folders = folders, .suffixes = { ".netdev", ".network" }, .prefix = "10-libvirt-", .dropins = TRUE,
    .write = write_files, .read = read_files,
};
