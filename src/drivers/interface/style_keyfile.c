/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * NetworkManager's style: a keyfile for each connection, and one for each device that is part of another. They may hold secrets, and
 * NetworkManager reads none that others may read.
 */
#define ERROR_DOMAIN VIR_FROM_INTERFACE
#include <string.h>
#include "base/error.h"
#include "base/ip.h"
#include "base/uuid.h"
#include "drivers/interface/style.h"

static const char *const folders[] = { "/etc/NetworkManager/system-connections", NULL };

/* ---- writing ---- */

/* The same one for the same name, so that a connection stays the one that it was. */
static char *uuid_of(const char *name)
{
    g_autofree char *seed = g_strconcat("libvirt interface ", name, NULL);
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, seed, -1);
    return g_strdup_printf("%.8s-%.4s-5%.3s-a%.3s-%.12s", sum, sum + 8, sum + 12, sum + 16, sum + 20);
}

static const char *type_text(HostInterfaceType type)
{
    return type == HOST_INTERFACE_TYPE_ETHERNET ? "ethernet" : host_interface_type_to_string(type);
}

static GString *begin_file(const char *head, const char *name, HostInterfaceType type, HostInterfaceStart start)
{
    GString *out = g_string_new(head);
    g_autofree char *uuid = uuid_of(name);
    g_string_append_printf(out, "\n[connection]\nid=libvirt-%s\nuuid=%s\ntype=%s\ninterface-name=%s\nautoconnect=%s\n", name, uuid,
                           type_text(type), name, start == HOST_INTERFACE_START_NONE || !start ? "false" : "true");
    if (type == HOST_INTERFACE_TYPE_BRIDGE || type == HOST_INTERFACE_TYPE_BOND)
        g_string_append(out, "autoconnect-slaves=1\n"); /* its parts come up with it */
    return out;
}

static void end_file(GString *out, const char *name, GPtrArray *files)
{
    g_autofree char *file = style_file_name("/libvirt-", name, ".nmconnection");
    g_ptr_array_add(files, style_file_new(g_strconcat(folders[0], file, NULL), g_string_free(out, FALSE), 0600));
}

static void write_part_of(GString *out, const char *of, const char *kind)
{
    if (of)
        g_string_append_printf(out, "master=%s\nslave-type=%s\n", of, kind);
}

static int write_device(const HostInterfaceDef *def, GString *out)
{
    char mac[18], *end;
    if (def->mtu || def->has_mac) {
        g_string_append(out, "\n[ethernet]\n");
        if (def->has_mac)
            g_string_append_printf(out, "cloned-mac-address=%s\n", host_interface_mac(def, mac));
        if (def->mtu)
            g_string_append_printf(out, "mtu=%u\n", def->mtu);
    }
    if (def->bridge) {
        double delay = def->bridge->delay ? g_ascii_strtod(def->bridge->delay, &end) : 0;
        if (delay != (double) (guint) delay)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "NetworkManager wants whole seconds: the delay of bridge '%s' is '%s'", def->name,
                        def->bridge->delay);
        g_string_append(out, "\n[bridge]\n");
        if (def->bridge->stp)
            g_string_append_printf(out, "stp=%s\n", def->bridge->stp == TRISTATE_YES ? "true" : "false");
        if (def->bridge->delay)
            g_string_append_printf(out, "forward-delay=%u\n", (guint) delay);
    }
    if (def->bond) {
        g_string_append(out, "\n[bond]\n");
        style_write_bond_options(def->bond, out, "%s=%s\n", "_");
    }
    if (def->vlan)
        g_string_append_printf(out, "\n[vlan]\nid=%u\nparent=%s\n", def->vlan->tag, def->vlan->interface->name);
    return 0;
}

static void write_family(const HostInterfaceDef *def, IpFamily family, GString *out)
{
    const HostInterfaceProtocol *protocol = style_protocol(def, family);
    gboolean v6 = family == IP_FAMILY_IPV6;
    const char *method = !protocol ? "disabled" : protocol->autoconf ? "auto" : protocol->dhcp ? v6 ? "dhcp" : "auto"
        : protocol->n_ips ? "manual" : "link-local";
    g_string_append_printf(out, "\n[%s]\nmethod=%s\n", v6 ? "ipv6" : "ipv4", method);
    for (guint i = 0; protocol && i < protocol->n_ips; i++)
        g_string_append_printf(out, "address%u=%s/%u\n", i + 1, protocol->ips[i]->address, protocol->ips[i]->prefix);
    if (protocol && protocol->gateway)
        g_string_append_printf(out, "gateway=%s\n", protocol->gateway);
    if (protocol && protocol->dhcp && protocol->dhcp->peerdns)
        g_string_append_printf(out, "ignore-auto-dns=%s\n", protocol->dhcp->peerdns == TRISTATE_NO ? "true" : "false");
    /* both at once: it asks a server if the routers say so */
    if (protocol && protocol->dhcp && protocol->autoconf)
        g_string_append(out, "may-fail=true\n");
}

static void write_bond_parts(const char *name, const HostBond *bond, HostInterfaceStart start, const char *head, GPtrArray *files)
{
    for (guint i = 0; i < bond->n_interfaces; i++) {
        const char *part = bond->interfaces[i]->name;
        GString *out = begin_file(head, part, HOST_INTERFACE_TYPE_ETHERNET, start);
        write_part_of(out, name, "bond");
        end_file(out, part, files);
    }
}

static int write_bridge_parts(const HostInterfaceDef *def, const char *head, GPtrArray *files)
{
    for (guint i = 0; i < def->bridge->n_interfaces; i++) {
        const HostBridgePort *port = def->bridge->interfaces[i];
        HostInterfaceDef *made = style_port_def(port);
        GString *out = begin_file(head, port->name, port->type, def->start);
        write_part_of(out, def->name, "bridge");
        int rc = made ? write_device(made, out) : 0;
        if (made && made->bond)
            write_bond_parts(port->name, made->bond, def->start, head, files);
        xml_struct_free(&HOST_INTERFACE_DEF_DESC, made);
        end_file(out, port->name, files);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int write_files(const HostInterfaceDef *def, const GPtrArray *there, GPtrArray *files)
{
    g_autofree char *head = style_head(def->name);
    GString *out = begin_file(head, def->name, def->type, def->start);
    int rc = write_device(def, out);
    write_family(def, IP_FAMILY_IPV4, out);
    write_family(def, IP_FAMILY_IPV6, out);
    end_file(out, def->name, files);
    if (rc == 0 && def->bond)
        write_bond_parts(def->name, def->bond, def->start, head, files);
    return rc == 0 && def->bridge ? write_bridge_parts(def, head, files) : rc;
}

/* ---- reading ---- */

static void read_method(HostInterfaceDef *def, gboolean v6, const char *value)
{
    IpFamily family = v6 ? IP_FAMILY_IPV6 : IP_FAMILY_IPV4;
    gboolean dhcp = strcmp(value, v6 ? "dhcp" : "auto") == 0, autoconf = v6 && strcmp(value, "auto") == 0;
    if (!dhcp && !autoconf && strcmp(value, "link-local") != 0)
        return;
    HostInterfaceProtocol *protocol = style_protocol_make(def, family);
    protocol->autoconf = autoconf;
    if (dhcp && !protocol->dhcp)
        protocol->dhcp = xml_struct_new(&HOST_INTERFACE_PROTOCOL_DHCP_DESC);
}

static void read_ip_line(HostInterfaceDef *def, gboolean v6, const char *key, const char *value)
{
    HostInterfaceProtocol *protocol = style_protocol(def, v6 ? IP_FAMILY_IPV6 : IP_FAMILY_IPV4);
    if (strcmp(key, "method") == 0) {
        read_method(def, v6, value);
    } else if (strcmp(key, "gateway") == 0) {
        style_set_gateway(def, value);
    } else if (g_str_has_prefix(key, "address") && g_ascii_isdigit(key[7])) {
        g_auto(GStrv) parts = g_strsplit(value, ",", 2);
        if (style_add_address(def, parts[0], 129) && parts[1])
            style_set_gateway(def, parts[1]);
    } else if (strcmp(key, "ignore-auto-dns") == 0 && protocol && protocol->dhcp) {
        protocol->dhcp->peerdns = style_truth(value) ? TRISTATE_NO : TRISTATE_YES;
    } else if (strcmp(key, "may-fail") == 0 && v6 && protocol && protocol->autoconf && !protocol->dhcp) {
        protocol->dhcp = xml_struct_new(&HOST_INTERFACE_PROTOCOL_DHCP_DESC);
    }
}

static void read_line(HostInterfaceDef *def, const IniLine *line)
{
    const char *group = line->group, *key = line->key, *value = line->value;
    gboolean ethernet = strcmp(group, "ethernet") == 0 || strcmp(group, "802-3-ethernet") == 0;
    if (ethernet && strcmp(key, "mtu") == 0)
        def->mtu = style_number(value);
    else if (ethernet && strcmp(key, "cloned-mac-address") == 0)
        style_parse_mac(value, def);
    else if (strcmp(group, "ipv4") == 0 || strcmp(group, "ipv6") == 0)
        read_ip_line(def, group[3] == '6', key, value);
    else if (strcmp(group, "bridge") == 0 && strcmp(key, "stp") == 0)
        style_bridge_make(def)->stp = style_truth(value) ? TRISTATE_YES : TRISTATE_NO;
    else if (strcmp(group, "bridge") == 0 && strcmp(key, "forward-delay") == 0 && !style_bridge_make(def)->delay)
        def->bridge->delay = g_strdup(value);
    else if (strcmp(group, "bond") == 0)
        style_read_bond_option(def, key, value);
    else if (strcmp(group, "vlan") == 0 && strcmp(key, "id") == 0)
        style_vlan_make(def)->tag = style_number(value);
    else if (strcmp(group, "vlan") == 0 && strcmp(key, "parent") == 0 && !style_vlan_make(def)->interface->name)
        def->vlan->interface->name = g_strdup(value);
}

/* A connection is named as part of another by the other's device, or by its UUID. */
static const char *device_of(const char *master, GHashTable *by_uuid)
{
    const char *name = g_hash_table_lookup(by_uuid, master);
    return name ? name : master;
}

static void read_file(const StyleFile *file, const GPtrArray *ini, GHashTable *by_uuid, GPtrArray *entries)
{
    const char *name = ini_get(ini, "connection", "interface-name"), *type = ini_get(ini, "connection", "type");
    const char *master = ini_get(ini, "connection", "master"), *kind = ini_get(ini, "connection", "slave-type");
    const char *connect = ini_get(ini, "connection", "autoconnect");
    if (!name || !type || strlen(name) > 15)
        return;
    HostInterfaceDef *def = style_entry(entries, name, file->path);
    def->start = connect && !style_truth(connect) ? HOST_INTERFACE_START_NONE : HOST_INTERFACE_START_ONBOOT;
    if (strcmp(type, "bridge") == 0)
        style_bridge_make(def);
    else if (strcmp(type, "bond") == 0)
        style_bond_make(def);
    for (guint i = 0; i < ini->len; i++)
        read_line(def, ini->pdata[i]);
    if (master && g_strcmp0(kind, "bridge") == 0)
        style_add_bridge_port(style_bridge_make(style_entry(entries, device_of(master, by_uuid), file->path)), name);
    else if (master && g_strcmp0(kind, "bond") == 0)
        style_add_bond_port(style_bond_make(style_entry(entries, device_of(master, by_uuid), file->path)), name);
}

static void read_files(const GPtrArray *files, GPtrArray *entries)
{
    g_autoptr(GPtrArray) inis = g_ptr_array_new_with_free_func((GDestroyNotify) g_ptr_array_unref);
    g_autoptr(GHashTable) by_uuid = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < files->len; i++) {
        GPtrArray *ini = ini_parse(((StyleFile *) files->pdata[i])->text);
        const char *uuid = ini_get(ini, "connection", "uuid"), *name = ini_get(ini, "connection", "interface-name");
        g_ptr_array_add(inis, ini);
        if (uuid && name)
            g_hash_table_insert(by_uuid, (gpointer) uuid, (gpointer) name);
    }
    for (guint i = 0; i < files->len; i++)
        read_file(files->pdata[i], inis->pdata[i], by_uuid, entries);
    style_nest(entries);
}

const HostStyle style_keyfile = {
    .name = "NetworkManager", .folders = folders, .suffixes = { ".nmconnection" }, .prefix = "libvirt-",
    .write = write_files, .read = read_files,
};
