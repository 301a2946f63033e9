/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: devices that are found in the definition, and unplugged or changed. */
#include <string.h>
#include <sys/stat.h>

#include "tools/virsh/virsh.h"

/* The definition that a change begins with. */
static xmlDocPtr definition(Shell *shell, const Cmd *cmd, virDomainPtr domain, int flags)
{
    return virsh_domain_doc(shell, domain, flags & VIR_DOMAIN_AFFECT_CONFIG && !(flags & VIR_DOMAIN_AFFECT_LIVE)
                                               ? VIR_DOMAIN_XML_INACTIVE : 0);
}

/* Unplugs `node`, or prints it. */
static bool unplug(Shell *shell, const Cmd *cmd, virDomainPtr domain, xmlDocPtr doc, xmlNodePtr node, int flags,
                   const char *what)
{
    g_autofree char *xml = virsh_node_xml(doc, node);
    g_autofree char *lower = g_ascii_strdown(what, -1);

    if (cmd_has(cmd, "print-xml")) {
        shell_print(shell, "%s", xml);
        return true;
    }
    if ((flags || cmd_has(cmd, "current") ? virDomainDetachDeviceFlags(domain, xml, flags)
                                          : virDomainDetachDevice(domain, xml)) < 0)
        return shell_error(shell, "Failed to detach %s", lower);
    shell_print_extra(shell, "%s detached successfully\n", what);
    return true;
}

/* --- disks --- */

/* The disk with this target or source; `drives`: of those with a medium to change alone. */
static xmlNodePtr find_disk(Shell *shell, xmlDocPtr doc, const char *name, bool drives)
{
    static const char *const places[] = {"target/@dev", "source/@file", "source/@dev", "source/@dir", "source/@name"};
    g_autoptr(GPtrArray) disks = virsh_xpath_nodes(
        doc, NULL, drives ? "/domain/devices/disk[@device='cdrom' or @device='floppy']" : "/domain/devices/disk");

    for (guint i = 0; i < disks->len; i++) {
        for (size_t k = 0; k < G_N_ELEMENTS(places); k++) {
            g_autofree char *text = virsh_xpath_string(doc, disks->pdata[i], places[k]);

            if (text && g_str_equal(text, name))
                return disks->pdata[i];
        }
    }
    shell_error(shell, "No disk found whose source path or target is %s", name);
    return NULL;
}

bool cmd_detach_disk(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    int flags = domain ? virsh_affect_persistent(shell, cmd, domain) : -1;
    g_autoptr(xmlDoc) doc = NULL;
    const char *name = NULL;
    xmlNodePtr disk;

    if (flags < 0 || cmd_string(shell, cmd, "target", &name) <= 0)
        return false;
    doc = definition(shell, cmd, domain, flags);
    disk = doc ? find_disk(shell, doc, name, false) : NULL;
    return disk && unplug(shell, cmd, domain, doc, disk, flags, "Disk");
}

/* --- detach-interface --- */

/* What is wrong is said by the caller's second line. */
static xmlNodePtr find_interface(Shell *shell, xmlDocPtr doc, const char *type, const char *mac)
{
    g_autoptr(GPtrArray) nodes = virsh_xpath_nodes(doc, NULL, "/domain/devices/interface");
    xmlNodePtr found = NULL;
    unsigned int count = 0;

    for (guint i = 0; i < nodes->len; i++) {
        g_autofree char *its_type = virsh_xpath_string(doc, nodes->pdata[i], "string(@type)");
        g_autofree char *its_mac = virsh_xpath_string(doc, nodes->pdata[i], "string(mac/@address)");

        if (!g_str_equal(its_type, type) || (mac && g_ascii_strcasecmp(mac, its_mac) != 0))
            continue;
        found = nodes->pdata[i];
        count++;
    }
    if (count == 1)
        return found;
    if (mac && !count)
        shell_error(shell, "No interface with MAC address %s was found", mac);
    else if (!count)
        shell_error(shell, "No interface found whose type is %s", type);
    else if (mac)
        shell_error(shell, "Domain has multiple interfaces matching MAC address %s. You must use detach-device and "
                           "specify the device pci address to remove it.", mac);
    else
        shell_error(shell, "Domain has %u interfaces. Please specify which one to detach using --mac", count);
    return NULL;
}

bool cmd_detach_interface(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    int flags = domain ? virsh_affect_persistent(shell, cmd, domain) : -1;
    g_autoptr(xmlDoc) doc = NULL;
    const char *type = NULL, *mac = NULL;
    xmlNodePtr interface;

    if (flags < 0 || cmd_string(shell, cmd, "type", &type) <= 0 || cmd_string(shell, cmd, "mac", &mac) < 0)
        return false;
    doc = definition(shell, cmd, domain, flags);
    interface = doc ? find_interface(shell, doc, type, mac) : NULL;
    if (!interface)
        return shell_error(shell, "Failed to detach interface");
    return unplug(shell, cmd, domain, doc, interface, flags, "Interface");
}

/* --- change-media --- */

typedef enum { MEDIA_NONE, MEDIA_EJECT, MEDIA_INSERT, MEDIA_UPDATE } Media;

static xmlNodePtr child_named(xmlNodePtr node, const char *name)
{
    for (xmlNodePtr child = node->children; child; child = child->next) {
        if (child->type == XML_ELEMENT_NODE && g_str_equal((const char *)child->name, name))
            return child;
    }
    return NULL;
}

static void set_medium(xmlNodePtr disk, const char *source, bool block)
{
    xmlNodePtr target = child_named(disk, "target"), old = child_named(disk, "source");
    xmlNodePtr made;

    if (old) {
        xmlUnlinkNode(old);
        xmlFreeNode(old);
    }
    if (!source)
        return;
    made = xmlNewNode(NULL, (const xmlChar *)"source");
    xmlSetProp(disk, (const xmlChar *)"type", (const xmlChar *)(block ? "block" : "file"));
    xmlSetProp(made, (const xmlChar *)(block ? "dev" : "file"), (const xmlChar *)source);
    if (target) {
        xmlAddPrevSibling(target, made);
        xmlAddNextSibling(made, xmlNewText((const xmlChar *)"\n      "));
    } else {
        xmlAddChild(disk, made);
    }
}

/* Whether the action fits what the drive holds; false after an error printed. */
static bool medium_fits(Shell *shell, xmlDocPtr doc, xmlNodePtr disk, Media action, const char *source)
{
    g_autofree char *target = virsh_xpath_string(doc, disk, "string(target/@dev)");
    xmlNodePtr now = child_named(disk, "source");
    bool holds = now && now->properties;

    if (action == MEDIA_INSERT && !source)
        return shell_error(shell, "New disk media source was not specified");
    if (action == MEDIA_INSERT && holds)
        return shell_error(shell, "The disk device '%s' already has media", target);
    if (!holds && (action == MEDIA_EJECT || (action == MEDIA_UPDATE && !source)))
        return shell_error(shell, "The disk device '%s' doesn't have media", target);
    return true;
}

/* What to do; MEDIA_NONE after an error printed. */
static Media media_action(Shell *shell, const Cmd *cmd, const char *source)
{
    if (cmd_has(cmd, "eject"))
        return MEDIA_EJECT;
    if (cmd_has(cmd, "insert"))
        return MEDIA_INSERT;
    if (source || cmd_has(cmd, "update"))
        return MEDIA_UPDATE;
    shell_error(shell, "New disk media source was not specified");
    return MEDIA_NONE;
}

bool cmd_change_media(Shell *shell, const Cmd *cmd)
{
    static const char *const words[] = {"", "eject", "insert", "update"};
    static const char *const done[] = {"", "ejected", "inserted", "updated"};
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    int flags = domain ? virsh_affect(shell, cmd) : -1;
    g_autoptr(xmlDoc) doc = NULL;
    g_autofree char *xml = NULL;
    const char *path = NULL, *source = NULL;
    xmlNodePtr disk;
    Media action;
    struct stat st;

    if (flags < 0 || cmd_string(shell, cmd, "path", &path) <= 0 || cmd_string(shell, cmd, "source", &source) < 0)
        return false;
    action = media_action(shell, cmd, source);
    doc = action == MEDIA_NONE ? NULL : definition(shell, cmd, domain, flags);
    disk = doc ? find_disk(shell, doc, path, true) : NULL;
    if (!disk || !medium_fits(shell, doc, disk, action, source))
        return false;
    set_medium(disk, action == MEDIA_EJECT ? NULL : source,
               cmd_has(cmd, "block") || (source && stat(source, &st) == 0 && S_ISBLK(st.st_mode)));
    xml = virsh_node_xml(doc, disk);
    if (cmd_has(cmd, "print-xml")) {
        shell_print(shell, "%s", xml);
        return true;
    }
    if (cmd_has(cmd, "force"))
        flags |= VIR_DOMAIN_DEVICE_MODIFY_FORCE;
    if (virDomainUpdateDeviceFlags(domain, xml, flags) < 0)
        return shell_error(shell, "Failed to complete action %s on media", words[action]);
    shell_print(shell, "Successfully %s media.", done[action]);
    return true;
}

/* --- update-memory-device --- */

/* The device that --alias or --node names, or the only one. */
static xmlNodePtr find_memory(Shell *shell, const Cmd *cmd, xmlDocPtr doc)
{
    g_autoptr(GPtrArray) nodes = virsh_xpath_nodes(doc, NULL, "/domain/devices/memory");
    const char *alias = NULL;
    unsigned int node = 0, count = 0;
    int by_node = cmd_uint(shell, cmd, "node", &node);
    xmlNodePtr found = NULL;

    if (by_node < 0 || cmd_string(shell, cmd, "alias", &alias) < 0)
        return NULL;
    for (guint i = 0; i < nodes->len; i++) {
        g_autofree char *its_alias = virsh_xpath_string(doc, nodes->pdata[i], "string(alias/@name)");
        g_autofree char *its_node = virsh_xpath_string(doc, nodes->pdata[i], "string(target/node)");

        if ((alias && !g_str_equal(alias, its_alias)) ||
            (by_node > 0 && (!*its_node || g_ascii_strtoull(its_node, NULL, 10) != node)))
            continue;
        found = nodes->pdata[i];
        count++;
    }
    if (count == 1)
        return found;
    shell_error(shell, count ? "multiple memory devices found, use --alias or --node to select one"
                             : "no memory device found");
    return NULL;
}

/* --requested-size into the element; false after an error printed. */
static bool request_size(Shell *shell, const Cmd *cmd, xmlNodePtr memory)
{
    xmlNodePtr target = child_named(memory, "target"), requested = target ? child_named(target, "requested") : NULL;
    unsigned long long bytes = 0;
    g_autofree char *text = NULL;
    int rc = cmd_scaled(shell, cmd, "requested-size", 1024, G_MAXUINT64, &bytes);

    if (rc <= 0)
        return rc == 0;
    if (!requested)
        return shell_error(shell, "the memory device has no size that can be asked of the guest: it isn't virtio-mem");
    text = g_strdup_printf("%llu", bytes / 1024 + (bytes % 1024 != 0));
    xmlSetProp(requested, (const xmlChar *)"unit", (const xmlChar *)"KiB");
    xmlNodeSetContent(requested, (const xmlChar *)text);
    return true;
}

bool cmd_update_memory_device(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    int flags = domain ? virsh_affect(shell, cmd) : -1;
    g_autoptr(xmlDoc) doc = NULL;
    g_autofree char *xml = NULL;
    xmlNodePtr memory;

    doc = flags < 0 ? NULL : definition(shell, cmd, domain, flags);
    memory = doc ? find_memory(shell, cmd, doc) : NULL;
    if (!memory || !request_size(shell, cmd, memory))
        return false;
    xml = virsh_node_xml(doc, memory);
    if (cmd_has(cmd, "print-xml")) {
        shell_print(shell, "%s", xml);
        return true;
    }
    return virDomainUpdateDeviceFlags(domain, xml, flags) == 0;
}
