/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ifupdown's style: stanzas in /etc/network/interfaces and interfaces.d, with the options that Debian's packages bridge-utils, ifenslave
 * and vlan have added. What ifupdown has no option for is kept in options of our own, which it hands to scripts and ignores.
 */
#define ERROR_DOMAIN VIR_FROM_INTERFACE
#include <string.h>
#include "base/error.h"
#include "base/ip.h"
#include "drivers/interface/style.h"

static const char *const folders[] = { "/etc/network/interfaces.d", NULL };

/* ---- writing ---- */

static void write_bond(const HostBond *bond, GString *out)
{
    g_autofree char *ports = style_bond_ports(bond, " ");
    g_string_append_printf(out, "    bond-slaves %s\n", *ports ? ports : "none");
    style_write_bond_options(bond, out, "    bond-%s %s\n", "-");
}

/* What is said once for a device. */
static void write_device(const HostInterfaceDef *def, GString *out)
{
    char mac[18];
    if (def->mtu)
        g_string_append_printf(out, "    mtu %u\n", def->mtu);
    if (def->has_mac)
        g_string_append_printf(out, "    hwaddress ether %s\n", host_interface_mac(def, mac));
    if (def->bridge) {
        g_autofree char *ports = style_bridge_ports(def->bridge, " ");
        g_string_append_printf(out, "    bridge_ports %s\n", *ports ? ports : "none");
        if (def->bridge->stp)
            g_string_append_printf(out, "    bridge_stp %s\n", def->bridge->stp == TRISTATE_YES ? "on" : "off");
        if (def->bridge->delay)
            g_string_append_printf(out, "    bridge_fd %s\n", def->bridge->delay);
    }
    if (def->bond)
        write_bond(def->bond, out);
    if (def->vlan)
        g_string_append_printf(out, "    vlan-raw-device %s\n    vlan-id %u\n", def->vlan->interface->name, def->vlan->tag);
}

/* @first: nothing has been said yet about the device; it is what comes before the next stanza's options. */
static void begin_stanza(const HostInterfaceDef *def, const char *family, const char *method, gboolean *first, GString *out)
{
    g_string_append_printf(out, "iface %s %s %s\n", def->name, family, method);
    if (*first)
        write_device(def, out);
    *first = FALSE;
}

static void write_protocol(const HostInterfaceDef *def, const HostInterfaceProtocol *protocol, gboolean *first, GString *out)
{
    gboolean v6 = protocol->family == IP_FAMILY_IPV6, gateway = protocol->gateway != NULL;
    const char *family = v6 ? "inet6" : "inet";
    if (protocol->autoconf)
        begin_stanza(def, family, "auto", first, out);
    if (protocol->dhcp) {
        begin_stanza(def, family, "dhcp", first, out);
        if (protocol->dhcp->peerdns)
            g_string_append_printf(out, "    libvirt-peerdns %s\n", protocol->dhcp->peerdns == TRISTATE_YES ? "yes" : "no");
    }
    for (guint i = 0; i < protocol->n_ips; i++) {
        begin_stanza(def, family, "static", first, out);
        g_string_append_printf(out, "    address %s/%u\n", protocol->ips[i]->address, protocol->ips[i]->prefix);
        if (gateway)
            g_string_append_printf(out, "    gateway %s\n", protocol->gateway);
        gateway = FALSE;
    }
    if (gateway) {
        if (!protocol->dhcp && !protocol->autoconf)
            begin_stanza(def, family, "manual", first, out);
        g_string_append_printf(out, "    up ip route add default via %s dev %s\n    libvirt-gateway %s\n", protocol->gateway, def->name,
                               protocol->gateway);
    }
}

static void write_def(const HostInterfaceDef *def, GString *out)
{
    gboolean first = TRUE;
    g_string_append_c(out, '\n');
    if (def->start == HOST_INTERFACE_START_ONBOOT)
        g_string_append_printf(out, "auto %s\n", def->name);
    else if (def->start == HOST_INTERFACE_START_HOTPLUG)
        g_string_append_printf(out, "allow-hotplug %s\n", def->name);
    for (guint i = 0; i < def->n_protocols; i++)
        write_protocol(def, def->protocols[i], &first, out);
    if (first)
        begin_stanza(def, "inet", "manual", &first, out);
}

static int write_files(const HostInterfaceDef *def, const GPtrArray *there, GPtrArray *files)
{
    g_autofree char *head = style_head(def->name), *name = style_file_name("/libvirt-", def->name, "");
    GString *out = g_string_new(head);
    for (guint i = 0; def->bridge && i < def->bridge->n_interfaces; i++) {
        HostInterfaceDef *port = style_port_def(def->bridge->interfaces[i]);
        if (port)
            write_def(port, out);
        xml_struct_free(&HOST_INTERFACE_DEF_DESC, port);
    }
    write_def(def, out);
    g_ptr_array_add(files, style_file_new(g_strconcat(folders[0], name, NULL), g_string_free(out, FALSE), 0644));
    return 0;
}

/* ---- reading ---- */

typedef struct Reader {
    GPtrArray *entries;
    GHashTable *starts;         /* name -> HostInterfaceStart */
    HostInterfaceDef *def;      /* of the stanza; NULL: none, or one of no interest */
    HostInterfaceProtocol *protocol;
    char *address;              /* of the stanza, until its netmask is known */
    guint prefix;
} Reader;

static void end_stanza(Reader *reader)
{
    if (reader->def && reader->address)
        style_add_address(reader->def, reader->address, reader->prefix);
    g_clear_pointer(&reader->address, g_free);
    reader->prefix = 129;
    reader->def = NULL;
    reader->protocol = NULL;
}

static void on_iface(Reader *reader, char **words, const char *path)
{
    if (g_strv_length(words) < 4)
        return;
    gboolean v6 = strcmp(words[2], "inet6") == 0;
    if (!v6 && strcmp(words[2], "inet") != 0)
        return;
    if (strchr(words[1], ':') || strlen(words[1]) > 15) /* a label of the old kind */
        return;
    reader->def = style_entry(reader->entries, words[1], path);
    if (strcmp(words[3], "dhcp") == 0) {
        reader->protocol = style_protocol_make(reader->def, v6 ? IP_FAMILY_IPV6 : IP_FAMILY_IPV4);
        if (!reader->protocol->dhcp)
            reader->protocol->dhcp = xml_struct_new(&HOST_INTERFACE_PROTOCOL_DHCP_DESC);
    } else if (v6 && strcmp(words[3], "auto") == 0) {
        style_protocol_make(reader->def, IP_FAMILY_IPV6)->autoconf = true;
    }
}

static void on_ports(HostInterfaceDef *def, char **names, gboolean bridge)
{
    HostBridge *into_bridge = bridge ? style_bridge_make(def) : NULL;
    HostBond *into_bond = bridge ? NULL : style_bond_make(def);
    for (; *names && strcmp(*names, "none") != 0; names++) {
        if (bridge)
            style_add_bridge_port(into_bridge, *names);
        else
            style_add_bond_port(into_bond, *names);
    }
}

/* An option about addresses. */
static void on_address_option(Reader *reader, const char *key, const char *value)
{
    IpAddress mask;
    if (strcmp(key, "address") == 0) {
        g_free(reader->address);
        reader->address = g_strdup(value);
    } else if (strcmp(key, "netmask") == 0) {
        int bits = ip_parse(value, &mask) ? ip_mask_prefix(&mask) : (int) MIN(style_number(value), 128);
        reader->prefix = bits < 0 ? 129 : (guint) bits;
    } else if (strcmp(key, "gateway") == 0 || strcmp(key, "libvirt-gateway") == 0) {
        style_set_gateway(reader->def, value);
    } else if (strcmp(key, "libvirt-peerdns") == 0 && reader->protocol) {
        reader->protocol->dhcp->peerdns = style_truth(value) ? TRISTATE_YES : TRISTATE_NO;
    }
}

static void on_option(Reader *reader, char **words)
{
    HostInterfaceDef *def = reader->def;
    g_autofree char *key = g_strdelimit(g_strdup(words[0]), "_", '-');
    const char *value = words[1];
    if (!def || !value)
        return;
    if (strcmp(key, "mtu") == 0)
        def->mtu = style_number(value);
    else if (strcmp(key, "hwaddress") == 0)
        style_parse_mac(words[2] ? words[2] : value, def);
    else if (strcmp(key, "bridge-ports") == 0)
        on_ports(def, words + 1, TRUE);
    else if (strcmp(key, "bridge-stp") == 0)
        style_bridge_make(def)->stp = style_truth(value) ? TRISTATE_YES : TRISTATE_NO;
    else if (strcmp(key, "bridge-fd") == 0 && !style_bridge_make(def)->delay)
        def->bridge->delay = g_strdup(value);
    else if (strcmp(key, "bond-slaves") == 0)
        on_ports(def, words + 1, FALSE);
    else if (g_str_has_prefix(key, "bond-"))
        style_read_bond_option(def, key + 5, value);
    else if (strcmp(key, "vlan-id") == 0)
        style_vlan_make(def)->tag = style_number(value);
    else if (strcmp(key, "vlan-raw-device") == 0 && !style_vlan_make(def)->interface->name)
        def->vlan->interface->name = g_strdup(value);
    else
        on_address_option(reader, key, value);
}

static void on_starts(Reader *reader, char **words, HostInterfaceStart start)
{
    for (char **name = words + 1; *name; name++) {
        if (!g_hash_table_contains(reader->starts, *name) || start == HOST_INTERFACE_START_ONBOOT)
            g_hash_table_insert(reader->starts, g_strdup(*name), GINT_TO_POINTER(start));
    }
}

static void on_line(Reader *reader, const char *line, const char *path)
{
    static const char *const others[] = { "mapping", "source", "source-directory", "no-auto-down", "no-scripts", "rename", "template" };
    g_auto(GStrv) split = g_strsplit_set(line, " \t", -1);
    guint n = 0;
    for (guint i = 0; split[i]; i++) { /* without empty words */
        if (*split[i])
            split[n++] = split[i];
        else
            g_free(split[i]);
    }
    split[n] = NULL;
    if (!n || *split[0] == '#')
        return;
    gboolean other = g_str_has_prefix(split[0], "allow-") || strcmp(split[0], "auto") == 0 || strcmp(split[0], "iface") == 0;
    for (guint i = 0; i < G_N_ELEMENTS(others); i++)
        other |= strcmp(split[0], others[i]) == 0;
    if (!other) {
        on_option(reader, split);
        return;
    }
    end_stanza(reader);
    if (strcmp(split[0], "iface") == 0)
        on_iface(reader, split, path);
    else if (strcmp(split[0], "auto") == 0 || strcmp(split[0], "allow-auto") == 0)
        on_starts(reader, split, HOST_INTERFACE_START_ONBOOT);
    else if (strcmp(split[0], "allow-hotplug") == 0)
        on_starts(reader, split, HOST_INTERFACE_START_HOTPLUG);
}

/* The VLAN whose name tells what it is: eth0.5. */
static void take_vlan_of_name(HostInterfaceDef *def)
{
    const char *dot = strrchr(def->name, '.');
    guint32 tag = dot ? style_number(dot + 1) : 0;
    if (def->type == HOST_INTERFACE_TYPE_VLAN ? def->vlan->tag != 0 : !tag || tag > 4095)
        return;
    if (def->type != HOST_INTERFACE_TYPE_VLAN && def->type != HOST_INTERFACE_TYPE_ETHERNET)
        return;
    HostVlan *vlan = style_vlan_make(def);
    vlan->tag = tag ? tag : g_str_has_prefix(def->name, "vlan") ? style_number(def->name + 4) : 0;
    if (!vlan->interface->name)
        vlan->interface->name = dot ? g_strndup(def->name, (gsize) (dot - def->name)) : g_strdup("");
}

static void read_files(const GPtrArray *files, GPtrArray *entries)
{
    g_autoptr(GHashTable) starts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Reader reader = { .entries = entries, .starts = starts, .prefix = 129 };
    for (guint i = 0; i < files->len; i++) {
        const StyleFile *file = files->pdata[i];
        g_auto(GStrv) joined = g_strsplit(file->text, "\\\n", -1);
        g_autofree char *text = g_strjoinv(" ", joined);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++)
            on_line(&reader, *line, file->path);
        end_stanza(&reader);
    }
    for (guint i = 0; i < entries->len; i++) {
        HostInterfaceDef *def = ((StyleEntry *) entries->pdata[i])->def;
        gpointer start = g_hash_table_lookup(starts, def->name);
        def->start = start ? (HostInterfaceStart) GPOINTER_TO_INT(start) : HOST_INTERFACE_START_NONE;
        take_vlan_of_name(def);
    }
    style_nest(entries);
}

const HostStyle style_ifupdown = {
    .name = "ifupdown", .folders = folders, .file = "/etc/network/interfaces", .suffixes = { "" }, .prefix = "libvirt-",
    .write = write_files, .read = read_files,
};
