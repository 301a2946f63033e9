/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the styles have in common: whose a file is, and parts of definitions.
 */
#define ERROR_DOMAIN VIR_FROM_INTERFACE
#include "drivers/interface/style.h"
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/ip.h"
#include "base/mac.h"

#define HEAD "# Written by libvirt for "

StyleFile *style_file_new(char *path, char *text, guint mode)
{
    StyleFile *file = g_new0(StyleFile, 1);
    *file = (StyleFile) { path, text, mode };
    return file;
}

void style_file_free(StyleFile *file)
{
    g_free(file->path);
    g_free(file->text);
    g_free(file);
}

void style_entry_free(StyleEntry *entry)
{
    xml_struct_free(&HOST_INTERFACE_DEF_DESC, entry->def);
    g_free(entry->path);
    g_free(entry);
}

/* ---- whose a file is ---- */

char *style_head(const char *name)
{
    return g_strdup_printf(HEAD "%s; change it with 'virsh iface-edit %s'.\n", name, name);
}

char *style_owner(const char *text)
{
    const char *end = g_str_has_prefix(text, HEAD) ? strchr(text, ';') : NULL, *start = text + strlen(HEAD);
    return end && end > start ? g_strndup(start, (gsize) (end - start)) : NULL;
}

char *style_file_name(const char *prefix, const char *name, const char *suffix)
{
    GString *out = g_string_new(prefix);
    for (const char *c = name; *c; c++) {
        if (g_ascii_isalnum(*c) || *c == '-')
            g_string_append_c(out, *c);
        else
            g_string_append_printf(out, "_%02x", (guchar) *c);
    }
    return g_string_free(g_string_append(out, suffix), FALSE);
}

static StyleEntry *find_entry(const GPtrArray *entries, const char *name)
{
    for (guint i = 0; i < entries->len; i++) {
        StyleEntry *entry = entries->pdata[i];
        if (strcmp(entry->def->name, name) == 0)
            return entry;
    }
    return NULL;
}

HostInterfaceDef *style_entry(GPtrArray *entries, const char *name, const char *path)
{
    StyleEntry *entry = find_entry(entries, name);
    if (!entry) {
        entry = g_new0(StyleEntry, 1);
        entry->def = style_def_new(name);
        entry->path = g_strdup(path);
        g_ptr_array_add(entries, entry);
    }
    return entry->def;
}

/* ---- addresses ---- */

HostInterfaceProtocol *style_protocol(const HostInterfaceDef *def, IpFamily family)
{
    for (guint i = 0; i < def->n_protocols; i++) {
        if (def->protocols[i]->family == family)
            return def->protocols[i];
    }
    return NULL;
}

HostInterfaceProtocol *style_protocol_make(HostInterfaceDef *def, IpFamily family)
{
    HostInterfaceProtocol *protocol = style_protocol(def, family);
    if (protocol)
        return protocol;
    protocol = xml_struct_new(&HOST_INTERFACE_PROTOCOL_DESC);
    protocol->family = family;
    XML_LIST_APPEND(def->protocols, def->n_protocols, protocol);
    return protocol;
}

gboolean style_add_address(HostInterfaceDef *def, const char *text, guint prefix)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 2);
    IpAddress ip;
    if (!parts[0] || !ip_parse(parts[0], &ip))
        return FALSE;
    if (parts[1])
        prefix = style_number(parts[1]);
    HostInterfaceProtocol *protocol = style_protocol_make(def, ip_is_v6(&ip) ? IP_FAMILY_IPV6 : IP_FAMILY_IPV4);
    HostInterfaceIp *one = xml_struct_new(&HOST_INTERFACE_IP_DESC);
    one->address = g_strdup(parts[0]);
    one->prefix = prefix > ip_bits(&ip) ? 0 : prefix;
    XML_LIST_APPEND(protocol->ips, protocol->n_ips, one);
    return TRUE;
}

gboolean style_set_gateway(HostInterfaceDef *def, const char *text)
{
    IpAddress ip;
    if (!ip_parse(text, &ip))
        return FALSE;
    HostInterfaceProtocol *protocol = style_protocol_make(def, ip_is_v6(&ip) ? IP_FAMILY_IPV6 : IP_FAMILY_IPV4);
    g_free(protocol->gateway);
    protocol->gateway = g_strdup(text);
    return TRUE;
}

/* ---- what is made of what ---- */

char *style_bridge_ports(const HostBridge *bridge, const char *separator)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < bridge->n_interfaces; i++)
        g_string_append_printf(out, "%s%s", i ? separator : "", bridge->interfaces[i]->name);
    return g_string_free(out, FALSE);
}

char *style_bond_ports(const HostBond *bond, const char *separator)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < bond->n_interfaces; i++)
        g_string_append_printf(out, "%s%s", i ? separator : "", bond->interfaces[i]->name);
    return g_string_free(out, FALSE);
}

void style_add_bridge_port(HostBridge *bridge, const char *name)
{
    HostBridgePort *port = xml_struct_new(&HOST_BRIDGE_PORT_DESC);
    port->type = HOST_INTERFACE_TYPE_ETHERNET;
    port->name = g_strdup(name);
    XML_LIST_APPEND(bridge->interfaces, bridge->n_interfaces, port);
}

void style_add_bond_port(HostBond *bond, const char *name)
{
    HostBondPort *port = xml_struct_new(&HOST_BOND_PORT_DESC);
    port->type = HOST_INTERFACE_TYPE_ETHERNET;
    port->name = g_strdup(name);
    XML_LIST_APPEND(bond->interfaces, bond->n_interfaces, port);
}

HostInterfaceDef *style_def_new(const char *name)
{
    HostInterfaceDef *def = xml_struct_new(&HOST_INTERFACE_DEF_DESC);
    def->type = HOST_INTERFACE_TYPE_ETHERNET;
    def->name = g_strdup(name);
    def->start = HOST_INTERFACE_START_NONE;
    return def;
}

HostBridge *style_bridge_make(HostInterfaceDef *def)
{
    def->type = HOST_INTERFACE_TYPE_BRIDGE;
    return def->bridge = def->bridge ? def->bridge : xml_struct_new(&HOST_BRIDGE_DESC);
}

HostBond *style_bond_make(HostInterfaceDef *def)
{
    def->type = HOST_INTERFACE_TYPE_BOND;
    return def->bond = def->bond ? def->bond : xml_struct_new(&HOST_BOND_DESC);
}

HostVlan *style_vlan_make(HostInterfaceDef *def)
{
    def->type = HOST_INTERFACE_TYPE_VLAN;
    def->vlan = def->vlan ? def->vlan : xml_struct_new(&HOST_VLAN_DESC);
    def->vlan->interface = def->vlan->interface ? def->vlan->interface : xml_struct_new(&HOST_VLAN_BASE_DESC);
    return def->vlan;
}

HostBondMiimon *style_miimon(HostInterfaceDef *def)
{
    HostBond *bond = style_bond_make(def);
    return bond->miimon = bond->miimon ? bond->miimon : xml_struct_new(&HOST_BOND_MIIMON_DESC);
}

HostBondArpmon *style_arpmon(HostInterfaceDef *def)
{
    HostBond *bond = style_bond_make(def);
    return bond->arpmon = bond->arpmon ? bond->arpmon : xml_struct_new(&HOST_BOND_ARPMON_DESC);
}

HostInterfaceDef *style_port_def(const HostBridgePort *port)
{
    HostInterfaceDef *def = port->bond || port->vlan ? style_def_new(port->name) : NULL;
    if (def && port->bond) {
        def->type = HOST_INTERFACE_TYPE_BOND;
        def->bond = xml_struct_copy(&HOST_BOND_DESC, port->bond);
    } else if (def) {
        def->type = HOST_INTERFACE_TYPE_VLAN;
        def->vlan = xml_struct_copy(&HOST_VLAN_DESC, port->vlan);
    }
    return def;
}

/* A bond without anything to watch its links by is what the formats allow and ours doesn't. */
static void settle(HostInterfaceDef *def)
{
    if (def->bond && def->bond->arpmon && (!def->bond->arpmon->target || def->bond->miimon)) {
        xml_struct_free(&HOST_BOND_ARPMON_DESC, def->bond->arpmon);
        def->bond->arpmon = NULL;
    }
    if (def->vlan && !def->vlan->interface->name)
        def->vlan->interface->name = g_strdup("");
}

void style_nest(GPtrArray *entries)
{
    g_autoptr(GHashTable) parts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < entries->len; i++)
        settle(((StyleEntry *) entries->pdata[i])->def);
    for (guint i = 0; i < entries->len; i++) {
        const HostInterfaceDef *def = ((StyleEntry *) entries->pdata[i])->def;
        for (guint j = 0; def->bond && j < def->bond->n_interfaces; j++)
            g_hash_table_add(parts, g_strdup(def->bond->interfaces[j]->name));
        for (guint j = 0; def->bridge && j < def->bridge->n_interfaces; j++) {
            HostBridgePort *port = def->bridge->interfaces[j];
            StyleEntry *entry = find_entry(entries, port->name);
            g_hash_table_add(parts, g_strdup(port->name));
            if (entry && entry->def->bond && !port->bond) {
                port->type = HOST_INTERFACE_TYPE_BOND;
                port->bond = xml_struct_copy(&HOST_BOND_DESC, entry->def->bond);
            } else if (entry && entry->def->vlan && !port->vlan) {
                port->type = HOST_INTERFACE_TYPE_VLAN;
                port->vlan = xml_struct_copy(&HOST_VLAN_DESC, entry->def->vlan);
            }
        }
    }
    for (guint i = entries->len; i-- > 0;) {
        if (g_hash_table_contains(parts, ((StyleEntry *) entries->pdata[i])->def->name))
            g_ptr_array_remove_index(entries, i);
    }
}

/* ---- options of bonds ---- */

typedef struct BondLines {
    GString *out;
    const char *line, *separator;
} BondLines;

static void bond_text(const BondLines *lines, const char *key, const char *value)
{
    g_auto(GStrv) words = g_strsplit(key, "_", -1);
    g_autofree char *name = g_strjoinv(lines->separator, words);
    if (value)
        g_string_append_printf(lines->out, lines->line, name, value);
}

static void bond_number(const BondLines *lines, const char *key, guint32 value)
{
    g_autofree char *text = g_strdup_printf("%u", value);
    bond_text(lines, key, value ? text : NULL);
}

void style_write_bond_options(const HostBond *bond, GString *out, const char *line, const char *separator)
{
    const BondLines lines = { out, line, separator };
    bond_text(&lines, "mode", host_bond_mode_to_string(bond->mode));
    if (bond->miimon) {
        bond_number(&lines, "miimon", bond->miimon->freq);
        bond_number(&lines, "updelay", bond->miimon->updelay);
        bond_number(&lines, "downdelay", bond->miimon->downdelay);
        if (bond->miimon->carrier)
            bond_text(&lines, "use_carrier", bond->miimon->carrier == HOST_BOND_CARRIER_NETIF ? "1" : "0");
    }
    if (bond->arpmon) {
        bond_number(&lines, "arp_interval", bond->arpmon->interval);
        bond_text(&lines, "arp_ip_target", bond->arpmon->target);
        bond_text(&lines, "arp_validate", host_bond_validate_to_string(bond->arpmon->validate));
    }
}

static HostBondMode bond_mode(const char *value)
{
    guint32 number = style_number(value);
    if (g_ascii_isdigit(*value) && !value[1] && number < HOST_BOND_MODE_LAST - 1)
        return (HostBondMode) (number + 1); /* the kernel counts from 0 in the same order */
    return host_bond_mode_from_string(value);
}

void style_read_bond_option(HostInterfaceDef *def, const char *spelt, const char *value)
{
    g_autofree char *key = g_strdelimit(g_strdup(spelt), "-", '_');
    if (strcmp(key, "mode") == 0) {
        style_bond_make(def)->mode = bond_mode(value);
    } else if (strcmp(key, "miimon") == 0 && style_number(value)) {
        style_miimon(def)->freq = style_number(value);
    } else if (strcmp(key, "updelay") == 0) {
        style_miimon(def)->updelay = style_number(value);
    } else if (strcmp(key, "downdelay") == 0) {
        style_miimon(def)->downdelay = style_number(value);
    } else if (strcmp(key, "use_carrier") == 0) {
        style_miimon(def)->carrier = style_truth(value) ? HOST_BOND_CARRIER_NETIF : HOST_BOND_CARRIER_IOCTL;
    } else if (strcmp(key, "arp_interval") == 0 && style_number(value)) {
        style_arpmon(def)->interval = style_number(value);
    } else if (strcmp(key, "arp_ip_target") == 0) {
        HostBondArpmon *arpmon = style_arpmon(def);
        g_free(arpmon->target);
        arpmon->target = g_strndup(value, strcspn(value, ", "));
    } else if (strcmp(key, "arp_validate") == 0) {
        style_arpmon(def)->validate = host_bond_validate_from_string(value);
    }
}

/* ---- values ---- */

gboolean style_parse_mac(const char *text, HostInterfaceDef *def)
{
    if (!mac_parse(text, def->mac))
        return FALSE;
    def->has_mac = true;
    return TRUE;
}

guint32 style_number(const char *text)
{
    guint64 value = 0;
    return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, &value, NULL) ? (guint32) value : 0;
}

gboolean style_truth(const char *text)
{
    static const char *const yes[] = { "yes", "true", "on", "1", "y" };
    for (guint i = 0; i < G_N_ELEMENTS(yes); i++) {
        if (g_ascii_strcasecmp(text, yes[i]) == 0)
            return TRUE;
    }
    return FALSE;
}

/* ---- .ini files ---- */

static void line_free(gpointer opaque)
{
    IniLine *line = opaque;
    g_free(line->group);
    g_free(line->key);
    g_free(line->value);
    g_free(line);
}

GPtrArray *ini_parse(const char *text)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(line_free);
    g_auto(GStrv) all = g_strsplit(text, "\n", -1);
    g_autofree char *group = NULL;
    guint section = 0;
    for (char **one = all; *one; one++) {
        char *line = g_strstrip(*one), *value = strchr(line, '=');
        gsize len = strlen(line);
        if (len > 2 && *line == '[' && line[len - 1] == ']') {
            g_free(group);
            group = g_strndup(line + 1, len - 2);
            section++;
        } else if (*line != '#' && *line != ';' && group && value) {
            IniLine *item = g_new0(IniLine, 1);
            *item = (IniLine) { section, g_strdup(group), g_strchomp(g_strndup(line, (gsize) (value - line))), g_strdup(g_strchug(value + 1)) };
            g_ptr_array_add(lines, item);
        }
    }
    return lines;
}

const char *ini_get(const GPtrArray *lines, const char *group, const char *key)
{
    const char *found = NULL;
    for (guint i = 0; i < lines->len; i++) {
        const IniLine *line = lines->pdata[i];
        if (strcmp(line->group, group) == 0 && strcmp(line->key, key) == 0)
            found = line->value;
    }
    return found;
}
