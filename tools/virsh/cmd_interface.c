/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interfaces of the host: lists, transactions, bridges. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

static int compare_interfaces(const void *a, const void *b)
{
    return g_ascii_strcasecmp(virInterfaceGetName(*(virInterfacePtr *)a), virInterfaceGetName(*(virInterfacePtr *)b));
}

bool cmd_iface_list(Shell *shell, const Cmd *cmd)
{
    g_autoptr(VirshRows) rows = virsh_rows_new("Name", "State", "MAC Address", NULL);
    virInterfacePtr *interfaces = NULL;
    unsigned int flags = 0;
    int count;

    if (!cmd_has(cmd, "all"))
        flags = cmd_has(cmd, "inactive") ? VIR_CONNECT_LIST_INTERFACES_INACTIVE : VIR_CONNECT_LIST_INTERFACES_ACTIVE;
    count = virConnectListAllInterfaces(virsh_conn(shell), &interfaces, flags);
    if (count < 0)
        return shell_error(shell, "Failed to list interfaces");
    qsort(interfaces, count, sizeof(*interfaces), compare_interfaces);
    for (int i = 0; i < count; i++) {
        VirshRecord *record = virsh_rows_add(rows);

        virsh_record_text(record, "Name", "name", virInterfaceGetName(interfaces[i]));
        virsh_record_text(record, "State", "state", virInterfaceIsActive(interfaces[i]) == 1 ? "active" : "inactive");
        virsh_record_text(record, "MAC Address", "mac", virInterfaceGetMACString(interfaces[i]));
        virInterfaceFree(interfaces[i]);
    }
    free(interfaces);
    return virsh_rows_print(shell, cmd, rows);
}

/* --- transactions --- */

static bool transaction(Shell *shell, int (*call)(virConnectPtr, unsigned int), const char *verb, const char *done)
{
    if (call(virsh_conn(shell), 0) < 0)
        return shell_error(shell, "Failed to %s network config change transaction", verb);
    shell_print_extra(shell, "Network config change transaction %s\n", done);
    return true;
}

bool cmd_iface_begin(Shell *shell, const Cmd *cmd)
{
    return transaction(shell, virInterfaceChangeBegin, "begin", "started");
}

bool cmd_iface_commit(Shell *shell, const Cmd *cmd)
{
    return transaction(shell, virInterfaceChangeCommit, "commit", "committed");
}

bool cmd_iface_rollback(Shell *shell, const Cmd *cmd)
{
    return transaction(shell, virInterfaceChangeRollback, "rollback", "rolled back");
}

/* --- bridges --- */

static xmlDocPtr interface_doc(Shell *shell, virInterfacePtr interface)
{
    g_autofree char *xml = virInterfaceGetXMLDesc(interface, VIR_INTERFACE_XML_INACTIVE);

    return xml ? virsh_parse_xml(shell, xml) : NULL;
}

/* Moves the children that both kinds of interface have: how it is started, its MTU and its addresses. */
static void move_settings(xmlNodePtr from, xmlNodePtr to)
{
    xmlNodePtr next;

    for (xmlNodePtr child = from->children; child; child = next) {
        next = child->next;
        if (xmlStrEqual(child->name, (const xmlChar *)"start") || xmlStrEqual(child->name, (const xmlChar *)"mtu") ||
            xmlStrEqual(child->name, (const xmlChar *)"protocol")) {
            xmlUnlinkNode(child);
            xmlAddChild(to, child);
        }
    }
}

static void set(xmlNodePtr node, const char *attribute, const char *value)
{
    xmlSetProp(node, (const xmlChar *)attribute, (const xmlChar *)value);
}

/* Defines the interface of a document; NULL: an error is pending. */
static virInterfacePtr define(Shell *shell, xmlDocPtr doc)
{
    g_autofree char *xml = virsh_node_xml(doc, xmlDocGetRootElement(doc));

    return virInterfaceDefineXML(virsh_conn(shell), xml, 0);
}

bool cmd_iface_bridge(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virInterface) interface = virsh_interface(shell, cmd);
    g_autoptr(virInterface) existing = NULL, made = NULL;
    g_autoptr(xmlDoc) doc = NULL;
    g_autofree char *delay_text = NULL;
    const char *name = NULL;
    unsigned int delay = 0;
    xmlNodePtr old, bridge, inner;

    if (!interface || cmd_string(shell, cmd, "bridge", &name) <= 0 || cmd_uint(shell, cmd, "delay", &delay) < 0)
        return false;
    existing = virInterfaceLookupByName(virsh_conn(shell), name);
    if (existing)
        return shell_error(shell, "Network device %s already exists", name);
    client_error_forget();
    doc = interface_doc(shell, interface);
    if (!doc)
        return false;
    old = xmlDocGetRootElement(doc);
    inner = xmlNewDocNode(doc, NULL, (const xmlChar *)"interface", NULL);
    xmlDocSetRootElement(doc, inner); /* the new root; the old one moves into its bridge */
    set(inner, "type", "bridge");
    set(inner, "name", name);
    move_settings(old, inner);
    bridge = xmlNewChild(inner, NULL, (const xmlChar *)"bridge", NULL);
    set(bridge, "stp", cmd_has(cmd, "no-stp") ? "off" : "on");
    if (!cmd_has(cmd, "no-stp")) {
        delay_text = g_strdup_printf("%u", delay);
        set(bridge, "delay", delay_text);
    }
    xmlAddChild(bridge, old);
    made = define(shell, doc);
    if (!made)
        return shell_error(shell, "Failed to define new bridge interface %s", name);
    shell_print_extra(shell, "Created bridge %s with attached device %s\n", name, virInterfaceGetName(interface));
    if (cmd_has(cmd, "no-start"))
        return true;
    if (virInterfaceCreate(made, 0) < 0)
        return shell_error(shell, "Failed to start bridge interface %s", name);
    shell_print_extra(shell, "Bridge interface %s started\n", name);
    return true;
}

/* Takes a bridge's document apart: its interface, with the bridge's settings, becomes the root. */
static bool unwrap(Shell *shell, xmlDocPtr doc, const char *name)
{
    g_autoptr(GPtrArray) inner = virsh_xpath_nodes(doc, NULL, "/interface[@type='bridge']/bridge/interface");
    g_autoptr(GPtrArray) bridges = virsh_xpath_nodes(doc, NULL, "/interface[@type='bridge']/bridge");
    xmlNodePtr old = xmlDocGetRootElement(doc), node;

    if (!bridges->len)
        return shell_error(shell, "Device %s is not a bridge", name);
    if (inner->len != 1)
        return shell_error(shell, inner->len ? "Multiple interfaces attached to bridge %s"
                                             : "No interface attached to bridge %s", name);
    node = inner->pdata[0];
    xmlUnlinkNode(node);
    xmlDocSetRootElement(doc, node);
    move_settings(old, node);
    xmlFreeNode(old);
    return true;
}

bool cmd_iface_unbridge(Shell *shell, const Cmd *cmd)
{
    const char *name = NULL;
    g_autoptr(virInterface) bridge = NULL, made = NULL;
    g_autoptr(xmlDoc) doc = NULL;

    if (cmd_string(shell, cmd, "bridge", &name) <= 0)
        return false;
    bridge = virInterfaceLookupByName(virsh_conn(shell), name);
    if (!bridge)
        return shell_error(shell, "failed to get interface '%s'", name);
    doc = interface_doc(shell, bridge);
    if (!doc || !unwrap(shell, doc, name))
        return false;
    if (virInterfaceIsActive(bridge) == 1 && virInterfaceDestroy(bridge, 0) < 0)
        return shell_error(shell, "Failed to destroy bridge interface %s", name);
    if (virInterfaceUndefine(bridge) < 0)
        return shell_error(shell, "Failed to undefine bridge interface %s", name);
    made = define(shell, doc);
    if (!made)
        return shell_error(shell, "Failed to define the interface that was attached to bridge %s", name);
    shell_print_extra(shell, "Device %s un-attached from bridge %s\n", virInterfaceGetName(made), name);
    if (cmd_has(cmd, "no-start"))
        return true;
    if (virInterfaceCreate(made, 0) < 0)
        return shell_error(shell, "Failed to start interface %s", virInterfaceGetName(made));
    shell_print_extra(shell, "Interface %s started\n", virInterfaceGetName(made));
    return true;
}
