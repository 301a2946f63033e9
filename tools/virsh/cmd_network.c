/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Networks: lists, facts, life cycle, leases. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

static int compare_networks(const void *a, const void *b)
{
    return g_ascii_strcasecmp(virNetworkGetName(*(virNetworkPtr *)a), virNetworkGetName(*(virNetworkPtr *)b));
}

static json_object *network_json(virNetworkPtr network, int autostart)
{
    json_object *one = json_object_new_object();
    char uuid[VIR_UUID_STRING_BUFLEN] = "";

    virNetworkGetUUIDString(network, uuid);
    shell_json_string(one, "name", virNetworkGetName(network));
    shell_json_string(one, "uuid", uuid);
    shell_json_bool(one, "active", virNetworkIsActive(network) == 1);
    shell_json_bool(one, "persistent", virNetworkIsPersistent(network) == 1);
    if (autostart < 0)
        shell_json_null(one, "autostart");
    else
        shell_json_bool(one, "autostart", autostart);
    return one;
}

static void list_one(Shell *shell, const Cmd *cmd, virNetworkPtr network, ShellTable *table, json_object *list)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    int autostart = 0;

    virNetworkGetUUIDString(network, uuid);
    if (virNetworkGetAutostart(network, &autostart) < 0)
        autostart = -1;
    if (shell_json(cmd))
        json_object_array_add(list, network_json(network, autostart));
    else if (cmd_has(cmd, "uuid"))
        shell_print(shell, "%s\n", uuid);
    else if (cmd_has(cmd, "name"))
        shell_print(shell, "%s\n", virNetworkGetName(network));
    else if (cmd_has(cmd, "title")) {
        g_autofree char *title = virNetworkGetMetadata(network, VIR_NETWORK_METADATA_TITLE, NULL, 0);
        shell_table_row(table, virNetworkGetName(network), virNetworkIsActive(network) == 1 ? "active" : "inactive",
                        autostart < 0 ? "no autostart" : autostart ? "yes" : "no",
                        virNetworkIsPersistent(network) == 1 ? "yes" : "no", title ? title : "", NULL);
    } else
        shell_table_row(table, virNetworkGetName(network), virNetworkIsActive(network) == 1 ? "active" : "inactive",
                        autostart < 0 ? "no autostart" : autostart ? "yes" : "no",
                        virNetworkIsPersistent(network) == 1 ? "yes" : "no", NULL);
    client_error_forget();
}

bool cmd_net_list(Shell *shell, const Cmd *cmd)
{
    static const VirshFlag table_flags[] = {
        {"persistent", VIR_CONNECT_LIST_NETWORKS_PERSISTENT},
        {"transient", VIR_CONNECT_LIST_NETWORKS_TRANSIENT},
        {"autostart", VIR_CONNECT_LIST_NETWORKS_AUTOSTART},
        {"no-autostart", VIR_CONNECT_LIST_NETWORKS_NO_AUTOSTART},
        {NULL, 0},
    };
    unsigned int flags = virsh_flags(cmd, table_flags);
    bool words = cmd_has(cmd, "uuid") || cmd_has(cmd, "name");
    g_autoptr(ShellTable) table = cmd_has(cmd, "title")
                                      ? shell_table_new("Name", "State", "Autostart", "Persistent", "Title", NULL)
                                      : shell_table_new("Name", "State", "Autostart", "Persistent", NULL);
    virNetworkPtr *networks = NULL;
    json_object *list;
    int count;

    if (!cmd_exclusive_all(shell, cmd, "table", "name", "uuid", NULL))
        return false;
    if (!cmd_has(cmd, "all"))
        flags |= cmd_has(cmd, "inactive") ? VIR_CONNECT_LIST_NETWORKS_INACTIVE : VIR_CONNECT_LIST_NETWORKS_ACTIVE;
    count = virConnectListAllNetworks(virsh_conn(shell), &networks, flags);
    if (count < 0)
        return shell_error(shell, "Failed to list networks");
    qsort(networks, count, sizeof(*networks), compare_networks);
    list = json_object_new_array();
    for (int i = 0; i < count; i++) {
        list_one(shell, cmd, networks[i], table, list);
        virNetworkFree(networks[i]);
    }
    free(networks);
    if (shell_json(cmd))
        return shell_json_print(shell, list);
    json_object_put(list);
    if (!words)
        shell_table_print(shell, table);
    return true;
}

bool cmd_net_info(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNetwork) network = virsh_network(shell, cmd);
    g_autofree char *bridge = NULL;
    char uuid[VIR_UUID_STRING_BUFLEN];
    int autostart = 0;
    json_object *document;

    if (!network || virNetworkGetUUIDString(network, uuid) < 0)
        return false;
    if (virNetworkGetAutostart(network, &autostart) < 0)
        autostart = -1;
    bridge = virNetworkGetBridgeName(network);
    client_error_forget(); /* not every network has a bridge */
    if (shell_json(cmd)) {
        document = network_json(network, autostart);
        shell_json_string(document, "bridge", bridge);
        return shell_json_print(shell, document);
    }
    virsh_field(shell, 15, "Name", "%s", virNetworkGetName(network));
    virsh_field(shell, 15, "UUID", "%s", uuid);
    virsh_field(shell, 15, "Active", "%s", virNetworkIsActive(network) == 1 ? "yes" : "no");
    virsh_field(shell, 15, "Persistent", "%s", virNetworkIsPersistent(network) == 1 ? "yes" : "no");
    virsh_field(shell, 15, "Autostart", "%s", autostart < 0 ? "no autostart" : autostart ? "yes" : "no");
    if (bridge)
        virsh_field(shell, 15, "Bridge", "%s", bridge);
    return true;
}

bool cmd_net_dumpxml(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNetwork) network = virsh_network(shell, cmd);
    unsigned int flags = cmd_has(cmd, "inactive") ? VIR_NETWORK_XML_INACTIVE : 0;

    return network && virsh_print_xml(shell, cmd, virNetworkGetXMLDesc(network, flags));
}

bool cmd_net_name(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNetwork) network = virsh_network(shell, cmd);

    if (network)
        shell_print(shell, "%s\n", virNetworkGetName(network));
    return network != NULL;
}

bool cmd_net_uuid(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNetwork) network = virsh_network(shell, cmd);
    char uuid[VIR_UUID_STRING_BUFLEN];

    if (!network)
        return false;
    if (virNetworkGetUUIDString(network, uuid) < 0)
        return shell_error(shell, "failed to get network UUID");
    shell_print(shell, "%s\n", uuid);
    return true;
}

/* --- life cycle --- */

static bool simple(Shell *shell, const Cmd *cmd, int (*call)(virNetworkPtr), const char *verb, const char *done)
{
    g_autoptr(virNetwork) network = virsh_network(shell, cmd);

    if (!network)
        return false;
    if (call(network) < 0)
        return shell_error(shell, "Failed to %s network %s", verb, virNetworkGetName(network));
    shell_print_extra(shell, "Network %s %s\n", virNetworkGetName(network), done);
    return true;
}

bool cmd_net_start(Shell *shell, const Cmd *cmd)
{
    return simple(shell, cmd, virNetworkCreate, "start", "started");
}

bool cmd_net_destroy(Shell *shell, const Cmd *cmd)
{
    return simple(shell, cmd, virNetworkDestroy, "destroy", "destroyed");
}

bool cmd_net_undefine(Shell *shell, const Cmd *cmd)
{
    return simple(shell, cmd, virNetworkUndefine, "undefine", "has been undefined");
}

bool cmd_net_autostart(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNetwork) network = virsh_network(shell, cmd);
    bool on = !cmd_has(cmd, "disable");

    if (!network)
        return false;
    if (virNetworkSetAutostart(network, on) < 0)
        return shell_error(shell, on ? "failed to mark network %s as autostarted"
                                     : "failed to unmark network %s as autostarted", virNetworkGetName(network));
    shell_print_extra(shell, "Network %s %smarked as autostarted\n", virNetworkGetName(network), on ? "" : "un");
    return true;
}

static bool from_file(Shell *shell, const Cmd *cmd, bool persistent)
{
    bool validate = cmd_has(cmd, "validate");
    g_autofree char *xml = virsh_read_option(shell, cmd, "file");
    g_autoptr(virNetwork) network = NULL;
    virConnectPtr conn = virsh_conn(shell);

    if (!xml)
        return false;
    if (persistent)
        network = validate ? virNetworkDefineXMLFlags(conn, xml, VIR_NETWORK_DEFINE_VALIDATE)
                           : virNetworkDefineXML(conn, xml);
    else
        network = validate ? virNetworkCreateXMLFlags(conn, xml, VIR_NETWORK_CREATE_VALIDATE)
                           : virNetworkCreateXML(conn, xml);
    if (!network)
        return shell_error(shell, "Failed to %s network from %s", persistent ? "define" : "create",
                           cmd_get(cmd, "file"));
    shell_print_extra(shell, "Network %s %s from %s\n", virNetworkGetName(network), persistent ? "defined" : "created",
                      cmd_get(cmd, "file"));
    return true;
}

bool cmd_net_define(Shell *shell, const Cmd *cmd)
{
    return from_file(shell, cmd, true);
}

bool cmd_net_create(Shell *shell, const Cmd *cmd)
{
    return from_file(shell, cmd, false);
}
