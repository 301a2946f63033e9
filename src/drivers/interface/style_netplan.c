/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * netplan's style: YAML, in which all devices of a file are below "network", by their kind. A later file adds to an earlier one.
 * Written by hand, as what is written is simple; read with libyaml. What netplan has no word for is in comments of ours.
 */
#define ERROR_DOMAIN VIR_FROM_INTERFACE
#include <string.h>
#include <yaml.h>
#include "base/error.h"
#include "base/ip.h"
#include "drivers/interface/style.h"

static const char *const folders[] = { "/etc/netplan", NULL };
static const char *const kinds[] = { "ethernets", "bridges", "bonds", "vlans" };
static const HostInterfaceType types[] = { HOST_INTERFACE_TYPE_ETHERNET, HOST_INTERFACE_TYPE_BRIDGE, HOST_INTERFACE_TYPE_BOND,
                                           HOST_INTERFACE_TYPE_VLAN };

/* ---- writing ---- */

/* Names have no quotes, backslashes or control characters here (write_files()), so quoting is all they need. */
static void write_names(char *names, GString *out)
{
    g_auto(GStrv) all = g_strsplit(names, " ", -1);
    g_autofree char *quoted = g_strjoinv("\", \"", all);
    if (*names)
        g_string_append_printf(out, "      interfaces: [\"%s\"]\n", quoted);
    else
        g_string_append(out, "      interfaces: []\n");
    g_free(names);
}

static void write_bond(const HostBond *bond, GString *out)
{
    write_names(style_bond_ports(bond, " "), out);
    if (!bond->mode && !bond->miimon && !bond->arpmon)
        return;
    g_string_append(out, "      parameters:\n");
    if (bond->mode)
        g_string_append_printf(out, "        mode: %s\n", host_bond_mode_to_string(bond->mode));
    if (bond->miimon) {
        g_string_append_printf(out, "        mii-monitor-interval: %u\n", bond->miimon->freq);
        if (bond->miimon->updelay)
            g_string_append_printf(out, "        up-delay: %u\n", bond->miimon->updelay);
        if (bond->miimon->downdelay)
            g_string_append_printf(out, "        down-delay: %u\n", bond->miimon->downdelay);
    }
    if (bond->arpmon) {
        g_string_append_printf(out, "        arp-interval: %u\n        arp-ip-targets: [\"%s\"]\n", bond->arpmon->interval,
                               bond->arpmon->target);
        if (bond->arpmon->validate)
            g_string_append_printf(out, "        arp-validate: %s\n", host_bond_validate_to_string(bond->arpmon->validate));
    }
}

static void write_bridge(const HostBridge *bridge, GString *out)
{
    write_names(style_bridge_ports(bridge, " "), out);
    if (!bridge->stp && !bridge->delay)
        return;
    g_string_append(out, "      parameters:\n");
    if (bridge->stp)
        g_string_append_printf(out, "        stp: %s\n", bridge->stp == TRISTATE_YES ? "true" : "false");
    if (bridge->delay)
        g_string_append_printf(out, "        forward-delay: %s\n", bridge->delay);
}

static void write_addresses(const HostInterfaceDef *def, GString *out)
{
    gboolean any = FALSE, routes = FALSE;
    for (guint i = 0; i < def->n_protocols; i++) {
        const HostInterfaceProtocol *protocol = def->protocols[i];
        const char *family = protocol->family == IP_FAMILY_IPV6 ? "6" : "4";
        if (protocol->dhcp)
            g_string_append_printf(out, "      dhcp%s: true\n", family);
        if (protocol->dhcp && protocol->dhcp->peerdns)
            g_string_append_printf(out, "      dhcp%s-overrides:\n        use-dns: %s\n", family,
                                   protocol->dhcp->peerdns == TRISTATE_YES ? "true" : "false");
        if (protocol->autoconf)
            g_string_append(out, "      accept-ra: true\n");
        any |= protocol->n_ips > 0;
        routes |= protocol->gateway != NULL;
    }
    g_string_append(out, any ? "      addresses:\n" : "");
    for (guint i = 0; i < def->n_protocols; i++) {
        for (guint j = 0; j < def->protocols[i]->n_ips; j++)
            g_string_append_printf(out, "        - \"%s/%u\"\n", def->protocols[i]->ips[j]->address, def->protocols[i]->ips[j]->prefix);
    }
    g_string_append(out, routes ? "      routes:\n" : "");
    for (guint i = 0; i < def->n_protocols; i++) {
        const HostInterfaceProtocol *protocol = def->protocols[i];
        if (protocol->gateway)
            g_string_append_printf(out, "        - to: \"%s\"\n          via: \"%s\"\n",
                                   protocol->family == IP_FAMILY_IPV6 ? "::/0" : "0.0.0.0/0", protocol->gateway);
    }
}

static void write_def(const HostInterfaceDef *def, GString *out)
{
    char mac[18];
    g_string_append_printf(out, "  %s:\n    \"%s\":\n", kinds[def->type - HOST_INTERFACE_TYPE_ETHERNET], def->name);
    g_string_append_printf(out, "      optional: %s\n", def->start == HOST_INTERFACE_START_ONBOOT ? "false" : "true");
    if (def->start == HOST_INTERFACE_START_NONE || !def->start)
        g_string_append(out, "      activation-mode: manual\n");
    if (def->mtu)
        g_string_append_printf(out, "      mtu: %u\n", def->mtu);
    if (def->has_mac)
        g_string_append_printf(out, "      macaddress: \"%s\"\n", host_interface_mac(def, mac));
    if (def->bridge)
        write_bridge(def->bridge, out);
    if (def->bond)
        write_bond(def->bond, out);
    if (def->vlan)
        g_string_append_printf(out, "      id: %u\n      link: \"%s\"\n", def->vlan->tag, def->vlan->interface->name);
    write_addresses(def, out);
}

/* What a file names must be defined in some file: devices that are mere parts, here. */
static void write_parts(const HostInterfaceDef *def, GString *out)
{
    GString *plain = g_string_new(NULL);
    for (guint i = 0; def->bond && i < def->bond->n_interfaces; i++)
        g_string_append_printf(plain, "    \"%s\": {}\n", def->bond->interfaces[i]->name);
    for (guint i = 0; def->bridge && i < def->bridge->n_interfaces; i++) {
        const HostBridgePort *port = def->bridge->interfaces[i];
        if (port->type == HOST_INTERFACE_TYPE_ETHERNET)
            g_string_append_printf(plain, "    \"%s\": {}\n", port->name);
        for (guint j = 0; port->bond && j < port->bond->n_interfaces; j++)
            g_string_append_printf(plain, "    \"%s\": {}\n", port->bond->interfaces[j]->name);
    }
    if (plain->len)
        g_string_append_printf(out, "  ethernets:\n%s", plain->str);
    g_string_free(plain, TRUE);
}

static int write_files(const HostInterfaceDef *def, const GPtrArray *there, GPtrArray *files)
{
    g_autofree char *head = style_head(def->name), *name = style_file_name("/90-libvirt-", def->name, ".yaml");
    GString *out = g_string_new(head);
    HostInterfaceType nested = HOST_INTERFACE_TYPE_UNSET;
    g_string_append(out, "network:\n  version: 2\n");
    write_parts(def, out);
    for (guint i = 0; def->bridge && i < def->bridge->n_interfaces; i++) {
        HostInterfaceDef *port = style_port_def(def->bridge->interfaces[i]);
        if (port && nested == port->type) { /* a key stands once: the next of a kind goes on below it */
            g_autoptr(GString) more = g_string_new(NULL);
            write_def(port, more);
            g_string_append(out, strchr(more->str, '\n') + 1);
        } else if (port) {
            write_def(port, out);
            nested = port->type;
        }
        xml_struct_free(&HOST_INTERFACE_DEF_DESC, port);
    }
    write_def(def, out);
    g_ptr_array_add(files, style_file_new(g_strconcat(folders[0], name, NULL), g_string_free(out, FALSE), 0600));
    return 0;
}

/* ---- reading ---- */

static const yaml_node_t *get(yaml_document_t *doc, const yaml_node_t *map, const char *key)
{
    if (!map || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = yaml_document_get_node(doc, pair->key);
        if (name && name->type == YAML_SCALAR_NODE && strcmp((const char *) name->data.scalar.value, key) == 0)
            return yaml_document_get_node(doc, pair->value);
    }
    return NULL;
}

static const char *text(const yaml_node_t *node)
{
    return node && node->type == YAML_SCALAR_NODE ? (const char *) node->data.scalar.value : NULL;
}

static const char *get_text(yaml_document_t *doc, const yaml_node_t *map, const char *key) { return text(get(doc, map, key)); }

static guint32 get_number(yaml_document_t *doc, const yaml_node_t *map, const char *key)
{
    const char *value = get_text(doc, map, key);
    return value ? style_number(value) : 0;
}

/* Item of a list; NULL behind the last. An address may have settings of its own: it is the key, then. */
static const yaml_node_t *item(yaml_document_t *doc, const yaml_node_t *list, guint i)
{
    if (!list || list->type != YAML_SEQUENCE_NODE || list->data.sequence.items.start + i >= list->data.sequence.items.top)
        return NULL;
    return yaml_document_get_node(doc, list->data.sequence.items.start[i]);
}

static void read_bond(yaml_document_t *doc, const yaml_node_t *map, HostInterfaceDef *def)
{
    const yaml_node_t *parameters = get(doc, map, "parameters"), *port;
    const char *value;
    HostBond *bond = style_bond_make(def);
    for (guint i = 0; (port = item(doc, get(doc, map, "interfaces"), i)); i++) {
        if (text(port))
            style_add_bond_port(bond, text(port));
    }
    if ((value = get_text(doc, parameters, "mode")))
        bond->mode = host_bond_mode_from_string(value);
    if (get_number(doc, parameters, "mii-monitor-interval")) {
        HostBondMiimon *miimon = style_miimon(def);
        miimon->freq = get_number(doc, parameters, "mii-monitor-interval");
        miimon->updelay = get_number(doc, parameters, "up-delay");
        miimon->downdelay = get_number(doc, parameters, "down-delay");
    }
    const char *target = text(item(doc, get(doc, parameters, "arp-ip-targets"), 0));
    if (target && get_number(doc, parameters, "arp-interval")) {
        HostBondArpmon *arpmon = style_arpmon(def);
        arpmon->interval = get_number(doc, parameters, "arp-interval");
        g_free(arpmon->target);
        arpmon->target = g_strdup(target);
        if ((value = get_text(doc, parameters, "arp-validate")))
            arpmon->validate = host_bond_validate_from_string(value);
    }
}

static void read_bridge(yaml_document_t *doc, const yaml_node_t *map, HostInterfaceDef *def)
{
    const yaml_node_t *parameters = get(doc, map, "parameters"), *port;
    HostBridge *bridge = style_bridge_make(def);
    const char *stp = get_text(doc, parameters, "stp"), *delay = get_text(doc, parameters, "forward-delay");
    for (guint i = 0; (port = item(doc, get(doc, map, "interfaces"), i)); i++) {
        if (text(port))
            style_add_bridge_port(bridge, text(port));
    }
    if (stp)
        bridge->stp = style_truth(stp) ? TRISTATE_YES : TRISTATE_NO;
    if (delay && !bridge->delay)
        bridge->delay = g_strdup(delay);
}

static void read_dhcp(yaml_document_t *doc, const yaml_node_t *map, HostInterfaceDef *def, IpFamily family)
{
    const char *on = get_text(doc, map, family == IP_FAMILY_IPV6 ? "dhcp6" : "dhcp4");
    const char *dns = get_text(doc, get(doc, map, family == IP_FAMILY_IPV6 ? "dhcp6-overrides" : "dhcp4-overrides"), "use-dns");
    if (!on || !style_truth(on))
        return;
    HostInterfaceProtocol *protocol = style_protocol_make(def, family);
    if (!protocol->dhcp)
        protocol->dhcp = xml_struct_new(&HOST_INTERFACE_PROTOCOL_DHCP_DESC);
    if (dns)
        protocol->dhcp->peerdns = style_truth(dns) ? TRISTATE_YES : TRISTATE_NO;
}

static void read_addresses(yaml_document_t *doc, const yaml_node_t *map, HostInterfaceDef *def)
{
    const yaml_node_t *one;
    const char *value;
    read_dhcp(doc, map, def, IP_FAMILY_IPV4);
    read_dhcp(doc, map, def, IP_FAMILY_IPV6);
    if ((value = get_text(doc, map, "accept-ra")) && style_truth(value))
        style_protocol_make(def, IP_FAMILY_IPV6)->autoconf = true;
    for (guint i = 0; (one = item(doc, get(doc, map, "addresses"), i)); i++) {
        if (one->type == YAML_MAPPING_NODE && one->data.mapping.pairs.start < one->data.mapping.pairs.top)
            one = yaml_document_get_node(doc, one->data.mapping.pairs.start->key);
        if (text(one))
            style_add_address(def, text(one), 129);
    }
    for (guint i = 0; (one = item(doc, get(doc, map, "routes"), i)); i++) {
        const char *to = get_text(doc, one, "to"), *via = get_text(doc, one, "via");
        if (to && via && (strcmp(to, "default") == 0 || strcmp(to, "0.0.0.0/0") == 0 || strcmp(to, "::/0") == 0))
            style_set_gateway(def, via);
    }
    if ((value = get_text(doc, map, "gateway4")) || (value = get_text(doc, map, "gateway6")))
        style_set_gateway(def, value);
}

static void read_device(yaml_document_t *doc, const yaml_node_t *map, HostInterfaceType type, HostInterfaceDef *def)
{
    const char *value = get_text(doc, map, "activation-mode"), *optional = get_text(doc, map, "optional");
    def->start = HOST_INTERFACE_START_ONBOOT;
    if (value && strcmp(value, "manual") == 0)
        def->start = HOST_INTERFACE_START_NONE;
    else if (optional && style_truth(optional))
        def->start = HOST_INTERFACE_START_HOTPLUG;
    if (get_number(doc, map, "mtu"))
        def->mtu = get_number(doc, map, "mtu");
    if ((value = get_text(doc, map, "macaddress")))
        style_parse_mac(value, def);
    if (type == HOST_INTERFACE_TYPE_BRIDGE)
        read_bridge(doc, map, def);
    else if (type == HOST_INTERFACE_TYPE_BOND)
        read_bond(doc, map, def);
    if (type == HOST_INTERFACE_TYPE_VLAN) {
        HostVlan *vlan = style_vlan_make(def);
        vlan->tag = get_number(doc, map, "id");
        if ((value = get_text(doc, map, "link")) && !vlan->interface->name)
            vlan->interface->name = g_strdup(value);
    }
    read_addresses(doc, map, def);
}

static void read_document(yaml_document_t *doc, const char *path, GPtrArray *entries)
{
    const yaml_node_t *network = get(doc, yaml_document_get_root_node(doc), "network");
    for (guint k = 0; k < G_N_ELEMENTS(kinds); k++) {
        const yaml_node_t *devices = get(doc, network, kinds[k]);
        if (!devices || devices->type != YAML_MAPPING_NODE)
            continue;
        for (yaml_node_pair_t *pair = devices->data.mapping.pairs.start; pair < devices->data.mapping.pairs.top; pair++) {
            const char *name = text(yaml_document_get_node(doc, pair->key));
            const yaml_node_t *map = yaml_document_get_node(doc, pair->value);
            /* one that is chosen by what it is may be any */
            if (name && map && strlen(name) <= 15 && !get(doc, map, "match"))
                read_device(doc, map, types[k], style_entry(entries, name, path));
        }
    }
}

static void read_files(const GPtrArray *files, GPtrArray *entries)
{
    for (guint i = 0; i < files->len; i++) {
        const StyleFile *file = files->pdata[i];
        yaml_parser_t parser;
        yaml_document_t doc;
        if (!yaml_parser_initialize(&parser))
            g_error("out of memory");
        yaml_parser_set_input_string(&parser, (const unsigned char *) file->text, strlen(file->text));
        if (yaml_parser_load(&parser, &doc)) {
            read_document(&doc, file->path, entries);
            yaml_document_delete(&doc);
        }
        yaml_parser_delete(&parser);
    }
    style_nest(entries);
}

const HostStyle style_netplan = {
    .name = "netplan", .folders = folders, .suffixes = { ".yaml" }, .prefix = "90-libvirt-", .write = write_files, .read = read_files,
};
