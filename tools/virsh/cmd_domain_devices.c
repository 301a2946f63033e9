/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: their disks, interfaces and displays, as far as they are looked at; devices by XML. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

static void json_or_null(json_object *object, const char *key, const char *text)
{
    shell_json_string(object, key, text && *text ? text : NULL);
}

/* --- domblklist --- */

/* What a disk stands on: path, device, volume or network name; "-" where there is nothing. */
static char *disk_source(xmlDocPtr doc, xmlNodePtr disk)
{
    static const char *const attributes[] = {"source/@file", "source/@dev", "source/@dir", "source/@name",
                                             "source/@volume"};
    g_autofree char *type = virsh_xpath_string(doc, disk, "string(@type)");

    if (g_str_equal(type, "nvme"))
        return virsh_xpath_string(doc, disk, "concat('nvme://', source/address/@domain, ':', source/address/@bus)");
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
        char *text = virsh_xpath_string(doc, disk, attributes[i]);
        if (text)
            return text;
    }
    return virsh_xpath_string(doc, disk, "source/@path");
}

bool cmd_domblklist(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(xmlDoc) doc = NULL;
    g_autoptr(GPtrArray) disks = NULL;
    bool details = cmd_has(cmd, "details");
    g_autoptr(ShellTable) table = details ? shell_table_new("Type", "Device", "Target", "Source", NULL)
                                          : shell_table_new("Target", "Source", NULL);
    json_object *list;

    doc = domain ? virsh_domain_doc(shell, domain, cmd_has(cmd, "inactive") ? VIR_DOMAIN_XML_INACTIVE : 0) : NULL;
    if (!doc)
        return false;
    list = json_object_new_array();
    disks = virsh_xpath_nodes(doc, NULL, "/domain/devices/disk");
    for (guint i = 0; i < disks->len; i++) {
        g_autofree char *type = virsh_xpath_string(doc, disks->pdata[i], "string(@type)");
        g_autofree char *device = virsh_xpath_string(doc, disks->pdata[i], "string(@device)");
        g_autofree char *target = virsh_xpath_string(doc, disks->pdata[i], "string(target/@dev)");
        g_autofree char *source = disk_source(doc, disks->pdata[i]);
        const char *cells[] = {type, *device ? device : "disk", target, source ? source : "-"};
        json_object *one = json_object_new_object();

        shell_table_rowv(table, details ? cells : cells + 2);
        shell_json_string(one, "type", cells[0]);
        shell_json_string(one, "device", cells[1]);
        shell_json_string(one, "target", target);
        shell_json_string(one, "source", source);
        json_object_array_add(list, one);
    }
    if (shell_json(cmd))
        return shell_json_print(shell, list);
    json_object_put(list);
    shell_table_print(shell, table);
    return true;
}

/* --- domiflist --- */

static char *interface_source(xmlDocPtr doc, xmlNodePtr interface)
{
    /* a network that runs has a bridge as well */
    static const char *const attributes[] = {"source/@network", "source/@bridge",    "source/@dev",
                                             "source/@name",    "source/@portgroup", "source/@path"};

    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
        char *text = virsh_xpath_string(doc, interface, attributes[i]);
        if (text)
            return text;
    }
    return NULL;
}

bool cmd_domiflist(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(xmlDoc) doc = NULL;
    g_autoptr(GPtrArray) nodes = NULL;
    g_autoptr(ShellTable) table = shell_table_new("Interface", "Type", "Source", "Model", "MAC", NULL);
    json_object *list;

    doc = domain ? virsh_domain_doc(shell, domain, cmd_has(cmd, "inactive") ? VIR_DOMAIN_XML_INACTIVE : 0) : NULL;
    if (!doc)
        return false;
    list = json_object_new_array();
    nodes = virsh_xpath_nodes(doc, NULL, "/domain/devices/interface");
    for (guint i = 0; i < nodes->len; i++) {
        g_autofree char *type = virsh_xpath_string(doc, nodes->pdata[i], "string(@type)");
        g_autofree char *target = virsh_xpath_string(doc, nodes->pdata[i], "target/@dev");
        g_autofree char *source = interface_source(doc, nodes->pdata[i]);
        g_autofree char *model = virsh_xpath_string(doc, nodes->pdata[i], "model/@type");
        g_autofree char *mac = virsh_xpath_string(doc, nodes->pdata[i], "mac/@address");
        json_object *one = json_object_new_object();

        shell_table_row(table, target ? target : "-", type, source ? source : "-", model ? model : "-",
                        mac ? mac : "-", NULL);
        json_or_null(one, "interface", target);
        shell_json_string(one, "type", type);
        json_or_null(one, "source", source);
        json_or_null(one, "model", model);
        json_or_null(one, "mac", mac);
        json_object_array_add(list, one);
    }
    if (shell_json(cmd))
        return shell_json_print(shell, list);
    json_object_put(list);
    shell_table_print(shell, table);
    return true;
}

/* --- domif-getlink, domif-setlink --- */

/* The interface element with this target or MAC address, in the definition of those flags. */
static xmlNodePtr find_interface(Shell *shell, xmlDocPtr doc, const char *name, const char *missing)
{
    g_autoptr(GPtrArray) nodes = virsh_xpath_nodes(doc, NULL, "/domain/devices/interface");
    xmlNodePtr found = NULL;

    for (guint i = 0; i < nodes->len; i++) {
        g_autofree char *target = virsh_xpath_string(doc, nodes->pdata[i], "string(target/@dev)");
        g_autofree char *mac = virsh_xpath_string(doc, nodes->pdata[i], "string(mac/@address)");

        if (!g_str_equal(target, name) && g_ascii_strcasecmp(mac, name) != 0)
            continue;
        if (found) {
            shell_error(shell, "multiple matching interfaces found");
            return NULL;
        }
        found = nodes->pdata[i];
    }
    if (!found)
        shell_error(shell, missing, name);
    return found;
}

bool cmd_domif_getlink(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(xmlDoc) doc = NULL;
    g_autofree char *state = NULL;
    const char *name = NULL;
    xmlNodePtr node;
    json_object *document;

    if (!domain || cmd_string(shell, cmd, "interface", &name) <= 0)
        return false;
    doc = virsh_domain_doc(shell, domain, cmd_has(cmd, "config") ? VIR_DOMAIN_XML_INACTIVE : 0);
    node = doc ? find_interface(shell, doc, name, virsh_is_mac(name) ? "Interface (mac: %s) not found."
                                                                                : "Interface (dev: %s) not found.") : NULL;
    if (!node)
        return false;
    state = virsh_xpath_string(doc, node, "link/@state");
    if (shell_json(cmd)) {
        document = json_object_new_object();
        shell_json_string(document, "interface", name);
        shell_json_string(document, "state", state ? state : "up");
        return shell_json_print(shell, document);
    }
    shell_print(shell, "%s %s", name, state ? state : "up");
    return true;
}

bool cmd_domif_setlink(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(xmlDoc) doc = NULL;
    g_autoptr(GPtrArray) links = NULL;
    g_autofree char *xml = NULL;
    const char *name = NULL, *state = NULL;
    bool config = cmd_has(cmd, "config");
    xmlNodePtr node, link;

    if (!domain || cmd_string(shell, cmd, "interface", &name) <= 0 || cmd_string(shell, cmd, "state", &state) <= 0)
        return false;
    if (!g_str_equal(state, "up") && !g_str_equal(state, "down"))
        return shell_error(shell, "invalid link state '%s'", state);
    if (!config && virDomainIsActive(domain) == 0)
        config = true;
    doc = virsh_domain_doc(shell, domain, config ? VIR_DOMAIN_XML_INACTIVE : 0);
    node = doc ? find_interface(shell, doc, name, "interface '%s' not found") : NULL;
    if (!node)
        return false;
    links = virsh_xpath_nodes(doc, node, "link");
    link = links->len ? links->pdata[0] : xmlNewChild(node, NULL, (const xmlChar *)"link", NULL);
    xmlSetProp(link, (const xmlChar *)"state", (const xmlChar *)state);
    xml = virsh_node_xml(doc, node);
    if (cmd_has(cmd, "print-xml")) {
        shell_print(shell, "%s", xml);
        return true;
    }
    if (virDomainUpdateDeviceFlags(domain, xml, config ? VIR_DOMAIN_AFFECT_CONFIG : VIR_DOMAIN_AFFECT_LIVE) < 0)
        return shell_error(shell, "Failed to update interface link state");
    shell_print_extra(shell, "Device updated successfully\n");
    return true;
}

/* --- domblkinfo, domblkerror --- */

static void block_json(json_object *list, const char *target, const virDomainBlockInfo *info)
{
    json_object *one = json_object_new_object();

    shell_json_string(one, "target", target);
    if (info) {
        shell_json_uint(one, "capacity_bytes", info->capacity);
        shell_json_uint(one, "allocation_bytes", info->allocation);
        shell_json_uint(one, "physical_bytes", info->physical);
    } else {
        shell_json_null(one, "capacity_bytes");
        shell_json_null(one, "allocation_bytes");
        shell_json_null(one, "physical_bytes");
    }
    json_object_array_add(list, one);
}

static char *block_size(unsigned long long bytes, bool human)
{
    return human ? virsh_size_digits(bytes, 3) : g_strdup_printf("%llu", bytes);
}

static bool blkinfo_all(Shell *shell, const Cmd *cmd, virDomainPtr domain)
{
    g_autoptr(xmlDoc) doc = virsh_domain_doc(shell, domain, 0);
    g_autoptr(GPtrArray) disks = doc ? virsh_xpath_nodes(doc, NULL, "/domain/devices/disk") : NULL;
    g_autoptr(ShellTable) table = shell_table_new("Target", "Capacity", "Allocation", "Physical", NULL);
    bool human = cmd_has(cmd, "human");
    json_object *list;

    if (!disks)
        return false;
    list = json_object_new_array();
    for (guint i = 0; i < disks->len; i++) {
        g_autofree char *target = virsh_xpath_string(doc, disks->pdata[i], "string(target/@dev)");
        g_autofree char *source = disk_source(doc, disks->pdata[i]);
        virDomainBlockInfo info;
        bool known = source && virDomainGetBlockInfo(domain, target, &info, 0) == 0;
        g_autofree char *capacity = known ? block_size(info.capacity, human) : g_strdup("-");
        g_autofree char *allocation = known ? block_size(info.allocation, human) : g_strdup("-");
        g_autofree char *physical = known ? block_size(info.physical, human) : g_strdup("-");

        client_error_forget(); /* an empty drive or a network disk of a domain that is off */
        shell_table_row(table, target, capacity, allocation, physical, NULL);
        block_json(list, target, known ? &info : NULL);
    }
    if (shell_json(cmd))
        return shell_json_print(shell, list);
    json_object_put(list);
    shell_table_print(shell, table);
    return true;
}

bool cmd_domblkinfo(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree char *capacity = NULL, *allocation = NULL, *physical = NULL;
    virDomainBlockInfo info;
    const char *device = NULL;
    json_object *list;

    if (!domain || !cmd_exclusive(shell, cmd, "all", "device"))
        return false;
    if (cmd_has(cmd, "all"))
        return blkinfo_all(shell, cmd, domain);
    if (cmd_string(shell, cmd, "device", &device) < 0)
        return false;
    if (!device)
        return shell_error(shell, "command 'domblkinfo' requires <device> option");
    if (virDomainGetBlockInfo(domain, device, &info, 0) < 0)
        return false;
    if (shell_json(cmd)) {
        list = json_object_new_array();
        block_json(list, device, &info);
        return shell_json_print(shell, list);
    }
    capacity = block_size(info.capacity, cmd_has(cmd, "human"));
    allocation = block_size(info.allocation, cmd_has(cmd, "human"));
    physical = block_size(info.physical, cmd_has(cmd, "human"));
    virsh_field(shell, 15, "Capacity", "%s", capacity);
    virsh_field(shell, 15, "Allocation", "%s", allocation);
    virsh_field(shell, 15, "Physical", "%s", physical);
    return true;
}

bool cmd_domblkerror(Shell *shell, const Cmd *cmd)
{
    static const char *const errors[] = {"no error", "unspecified error", "no space"};
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree virDomainDiskErrorPtr found = NULL;
    json_object *list;
    int count = domain ? virDomainGetDiskErrors(domain, NULL, 0, 0) : -1;

    if (count < 0)
        return false;
    found = g_new0(virDomainDiskError, count + 1);
    count = count ? virDomainGetDiskErrors(domain, found, count, 0) : 0;
    if (count < 0)
        return false;
    if (count == 0 && !shell_json(cmd))
        shell_print(shell, "No errors found\n");
    list = json_object_new_array();
    for (int i = 0; i < count; i++) {
        const char *text = found[i].error >= 0 && found[i].error < 3 ? errors[found[i].error] : "unknown error";
        json_object *one = json_object_new_object();

        shell_json_string(one, "disk", found[i].disk);
        shell_json_string(one, "error", text);
        json_object_array_add(list, one);
        if (!shell_json(cmd))
            shell_print(shell, "%s: %s\n", found[i].disk, text);
        free(found[i].disk);
    }
    if (shell_json(cmd))
        return shell_json_print(shell, list);
    json_object_put(list);
    return true;
}

/* --- displays and terminals --- */

static char *display_uri(xmlDocPtr doc, xmlNodePtr node, const char *kind, bool password)
{
    g_autofree char *port = virsh_xpath_string(doc, node, "@port");
    g_autofree char *tls = virsh_xpath_string(doc, node, "@tlsPort");
    g_autofree char *socket = virsh_xpath_string(doc, node, "@socket | listen/@socket");
    g_autofree char *listen = virsh_xpath_string(doc, node, "@listen | listen/@address");
    g_autofree char *secret = password ? virsh_xpath_string(doc, node, "@passwd") : NULL;
    bool any = !listen || !*listen || g_str_equal(listen, "0.0.0.0") || g_str_equal(listen, "::");
    GString *uri = g_string_new(NULL);
    long number = port ? strtol(port, NULL, 10) : 0;

    if (socket && *socket) {
        g_string_printf(uri, "%s+unix://%s", kind, socket);
        return g_string_free(uri, FALSE);
    }
    if (number <= 0 && (!tls || strtol(tls, NULL, 10) <= 0)) {
        g_string_free(uri, TRUE);
        return NULL;
    }
    g_string_append_printf(uri, "%s://", kind);
    if (secret && *secret && !g_str_equal(kind, "spice"))
        g_string_append_printf(uri, ":%s@", secret);
    g_string_append_printf(uri, !any && strchr(listen, ':') ? "[%s]" : "%s", any ? "localhost" : listen);
    if (number > 0)
        g_string_append_printf(uri, ":%ld", g_str_equal(kind, "vnc") ? number - 5900 : number);
    if (tls && *tls && !g_str_equal(tls, "-1"))
        g_string_append_printf(uri, "%stls-port=%s", number > 0 ? "?" : "?", tls);
    if (secret && *secret && g_str_equal(kind, "spice"))
        g_string_append_printf(uri, "%spassword=%s", strchr(uri->str, '?') ? "&" : "?", secret);
    return g_string_free(uri, FALSE);
}

bool cmd_domdisplay(Shell *shell, const Cmd *cmd)
{
    static const char *const kinds[] = {"vnc", "spice", "rdp"};
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    bool password = cmd_has(cmd, "include-password");
    g_autoptr(xmlDoc) doc = NULL;
    const char *type = NULL;
    bool found = false;

    if (!domain || cmd_string(shell, cmd, "type", &type) < 0)
        return false;
    if (virDomainIsActive(domain) != 1)
        return shell_error(shell, "Domain is not running");
    doc = virsh_domain_doc(shell, domain, password ? VIR_DOMAIN_XML_SECURE : 0);
    for (size_t i = 0; doc && i < G_N_ELEMENTS(kinds) && !(found && !cmd_has(cmd, "all")); i++) {
        g_autofree char *expression = g_strdup_printf("/domain/devices/graphics[@type='%s']", kinds[i]);
        g_autoptr(GPtrArray) nodes = virsh_xpath_nodes(doc, NULL, expression);
        g_autofree char *uri = NULL;

        if ((type && !g_str_equal(type, kinds[i])) || !nodes->len)
            continue;
        uri = display_uri(doc, nodes->pdata[0], kinds[i], password);
        if (uri) /* one alone ends with the shell's newline */
            shell_print(shell, "%s%s", uri, shell->quiet || cmd_has(cmd, "all") ? "\n" : "");
        found = found || uri;
    }
    if (doc && !found)
        return shell_error(shell, type ? "No graphical display with type '%s' found" : "No graphical display found",
                           type);
    return found;
}

bool cmd_vncdisplay(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(xmlDoc) doc = domain ? virsh_domain_doc(shell, domain, 0) : NULL;
    g_autofree char *port = NULL, *listen = NULL;
    long number;

    if (!doc)
        return false;
    if (virDomainIsActive(domain) != 1)
        return shell_error(shell, "Domain is not running");
    port = virsh_xpath_string(doc, NULL, "string(/domain/devices/graphics[@type='vnc']/@port)");
    number = strtol(port, NULL, 10);
    if (number <= 0)
        return shell_error(shell, "Failed to get VNC port. Is this domain using VNC?");
    listen = virsh_xpath_string(doc, NULL, "string(/domain/devices/graphics[@type='vnc']/@listen)");
    shell_print(shell, "%s:%ld\n", g_str_equal(listen, "0.0.0.0") ? "" : listen, number - 5900);
    return true;
}

bool cmd_ttyconsole(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(xmlDoc) doc = domain ? virsh_domain_doc(shell, domain, 0) : NULL;
    g_autofree char *tty = doc ? virsh_xpath_string(doc, NULL, "string(/domain/devices/console/@tty)") : NULL;

    if (!tty || !*tty)
        return false;
    shell_print(shell, "%s\n", tty);
    return true;
}

/* --- devices by XML --- */

typedef int (*DeviceCall)(virDomainPtr domain, const char *xml, unsigned int flags);

static int attach_plain(virDomainPtr domain, const char *xml, unsigned int flags)
{
    return virDomainAttachDevice(domain, xml);
}

static int detach_plain(virDomainPtr domain, const char *xml, unsigned int flags)
{
    return virDomainDetachDevice(domain, xml);
}

/* `plain` is the older call (or NULL), which drivers have that know no other state than the one in force. */
static bool change_device(Shell *shell, const Cmd *cmd, DeviceCall call, DeviceCall plain, const char *verb,
                          const char *past)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    int flags = domain ? virsh_affect_persistent(shell, cmd, domain) : -1;
    g_autofree char *xml = flags < 0 ? NULL : virsh_read_option(shell, cmd, "file");

    if (!xml)
        return false;
    if (plain && !flags && !cmd_has(cmd, "current"))
        call = plain;
    if (call(domain, xml, flags | (cmd_may_have(cmd, "force") ? VIR_DOMAIN_DEVICE_MODIFY_FORCE : 0)) < 0)
        return shell_error(shell, "Failed to %s device from %s", verb, cmd_get(cmd, "file"));
    shell_print_extra(shell, "Device %s successfully\n", past);
    return true;
}

bool cmd_attach_device(Shell *shell, const Cmd *cmd)
{
    return change_device(shell, cmd, virDomainAttachDeviceFlags, attach_plain, "attach", "attached");
}

bool cmd_detach_device(Shell *shell, const Cmd *cmd)
{
    return change_device(shell, cmd, virDomainDetachDeviceFlags, detach_plain, "detach", "detached");
}

bool cmd_update_device(Shell *shell, const Cmd *cmd)
{
    return change_device(shell, cmd, virDomainUpdateDeviceFlags, NULL, "update", "updated");
}

bool cmd_detach_device_alias(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    const char *alias = NULL;
    int flags = domain ? virsh_affect(shell, cmd) : -1;

    if (flags < 0 || cmd_string(shell, cmd, "alias", &alias) <= 0)
        return false;
    if (virDomainDetachDeviceAlias(domain, alias, flags) < 0)
        return shell_error(shell, "Failed to detach device with alias %s", alias);
    shell_print_extra(shell, "Device detach request sent successfully\n");
    return true;
}
