/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Networks: lists, facts, updates of a part, leases, ports. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

static int compare_networks(const void *a, const void *b)
{
    return g_ascii_strcasecmp(virNetworkGetName(*(virNetworkPtr *)a), virNetworkGetName(*(virNetworkPtr *)b));
}

/* The facts that list and info show. */
static void network_facts(VirshRecord *record, virNetworkPtr network, bool list)
{
    int autostart = 0, active = virNetworkIsActive(network);

    if (virNetworkGetAutostart(network, &autostart) < 0)
        autostart = -1;
    virsh_record_text(record, "Name", "name", virNetworkGetName(network));
    virsh_record_text(record, "UUID", "uuid", virsh_network_uuid(network));
    if (list)
        virsh_record_both(record, "State", g_strdup(active == 1 ? "active" : "inactive"), "active",
                          json_object_new_boolean(active == 1));
    else
        virsh_record_flag(record, "Active", "active", active, "unknown");
    virsh_record_flag(record, "Persistent", "persistent", virNetworkIsPersistent(network), "unknown");
    virsh_record_flag(record, "Autostart", "autostart", autostart, "no autostart");
}

/* A network as its row, or as one word where --uuid or --name asks for it. */
static void list_one(Shell *shell, const Cmd *cmd, VirshRows *rows, virNetworkPtr network)
{
    g_autofree char *title = NULL;
    VirshRecord *record;

    if (!shell_json(cmd) && (cmd_has(cmd, "uuid") || cmd_has(cmd, "name"))) {
        shell_print(shell, "%s\n", cmd_has(cmd, "uuid") ? virsh_network_uuid(network) : virNetworkGetName(network));
        return;
    }
    record = virsh_rows_add(rows);
    network_facts(record, network, true);
    if (!cmd_has(cmd, "title"))
        return;
    title = virNetworkGetMetadata(network, VIR_NETWORK_METADATA_TITLE, NULL, 0);
    virsh_record_both(record, "Title", g_strdup(title ? title : ""), "title",
                      title ? json_object_new_string(title) : NULL);
}

bool cmd_net_list(Shell *shell, const Cmd *cmd)
{
    unsigned int flags = cmd_flags(cmd);
    bool words = (cmd_has(cmd, "uuid") || cmd_has(cmd, "name")) && !shell_json(cmd);
    g_autoptr(VirshRows) rows = virsh_rows_new("Name", "State", "Autostart", "Persistent",
                                               cmd_has(cmd, "title") ? "Title" : NULL, NULL);
    virNetworkPtr *networks = NULL;
    int count;

    if (!cmd_has(cmd, "all"))
        flags |= cmd_has(cmd, "inactive") ? VIR_CONNECT_LIST_NETWORKS_INACTIVE : VIR_CONNECT_LIST_NETWORKS_ACTIVE;
    count = virConnectListAllNetworks(virsh_conn(shell), &networks, flags);
    if (count < 0)
        return shell_error(shell, "Failed to list networks");
    qsort(networks, count, sizeof(*networks), compare_networks);
    for (int i = 0; i < count; i++) {
        list_one(shell, cmd, rows, networks[i]);
        virNetworkFree(networks[i]);
    }
    free(networks);
    client_error_forget(); /* networks without title or autostart */
    return words || virsh_rows_print(shell, cmd, rows);
}

/* What a daemon of ours tells of a running network besides its definition; others tell nothing. */
#define STATE_NAMESPACE "urn:libvirt-network-state:1.0"

static xmlDocPtr read_state(virNetworkPtr network)
{
    g_autofree char *text = virNetworkGetMetadata(network, VIR_NETWORK_METADATA_ELEMENT, STATE_NAMESPACE, VIR_NETWORK_UPDATE_AFFECT_LIVE);

    return text ? xmlReadMemory(text, (int)strlen(text), "state", NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING) : NULL;
}

/* Whether the daemon has such a state but failed to find out about it. */
static bool state_failed(void)
{
    int code = virGetLastErrorCode();

    return code != VIR_ERR_OK && code != VIR_ERR_NO_SUPPORT && code != VIR_ERR_NO_NETWORK_METADATA && code != VIR_ERR_RPC;
}

static void add_blockers(VirshRecord *record, xmlDocPtr doc)
{
    g_autoptr(GPtrArray) blockers = virsh_xpath_nodes(doc, NULL, "/*/*[local-name()='blocked']");
    json_object *list = json_object_new_array();

    for (guint i = 0; i < blockers->len; i++) {
        xmlChar *who = xmlNodeGetContent(blockers->pdata[i]);

        virsh_record_text(record, "Blocked by", NULL, (const char *)who);
        json_object_array_add(list, json_object_new_string((const char *)who));
        xmlFree(who);
    }
    virsh_record_both(record, NULL, NULL, "blocked_by", list);
}

static void add_state(VirshRecord *record, virNetworkPtr network)
{
    g_autoptr(xmlDoc) doc = virNetworkIsActive(network) == 1 ? read_state(network) : NULL;
    g_autofree char *zone = doc ? virsh_xpath_string(doc, NULL, "string(/*/@zone)") : NULL;
    g_autofree char *service = doc ? virsh_xpath_string(doc, NULL, "string(/*/@service)") : NULL;
    const char *named = zone && *zone ? zone : NULL, *served = service && *service ? service : NULL;
    g_autofree char *unknown = !doc && state_failed() ? g_strdup_printf("unknown (%s)", virGetLastErrorMessage()) : NULL;

    client_error_forget();
    virsh_record_text(record, named ? "Zone" : NULL, "zone", named);
    virsh_record_text(record, served ? "DHCP and DNS" : NULL, "service", served);
    if (doc)
        add_blockers(record, doc);
    else
        virsh_record_both(record, unknown ? "Blocked by" : NULL, g_strdup(unknown), "blocked_by", NULL);
}

bool cmd_net_info(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNetwork) network = virsh_network(shell, cmd);
    g_autoptr(VirshRecord) record = virsh_record_new();
    g_autofree char *bridge = NULL;

    if (!network)
        return false;
    network_facts(record, network, false);
    bridge = virNetworkGetBridgeName(network);
    client_error_forget(); /* not every network has a bridge */
    virsh_record_text(record, bridge ? "Bridge" : NULL, "bridge", bridge);
    add_state(record, network);
    return virsh_record_print(shell, cmd, record, 15);
}

/* --- updates --- */

static const VirshName commands[] = {
    {VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, "add"},
    {VIR_NETWORK_UPDATE_COMMAND_ADD_FIRST, "add-first"},
    {VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, "add-last"},
    {VIR_NETWORK_UPDATE_COMMAND_DELETE, "delete"},
    {VIR_NETWORK_UPDATE_COMMAND_MODIFY, "modify"},
    {0, NULL},
};

static const VirshName sections[] = {
    {VIR_NETWORK_SECTION_BRIDGE, "bridge"},
    {VIR_NETWORK_SECTION_DOMAIN, "domain"},
    {VIR_NETWORK_SECTION_IP, "ip"},
    {VIR_NETWORK_SECTION_IP_DHCP_HOST, "ip-dhcp-host"},
    {VIR_NETWORK_SECTION_IP_DHCP_RANGE, "ip-dhcp-range"},
    {VIR_NETWORK_SECTION_FORWARD, "forward"},
    {VIR_NETWORK_SECTION_FORWARD_INTERFACE, "forward-interface"},
    {VIR_NETWORK_SECTION_FORWARD_PF, "forward-pf"},
    {VIR_NETWORK_SECTION_PORTGROUP, "portgroup"},
    {VIR_NETWORK_SECTION_DNS_HOST, "dns-host"},
    {VIR_NETWORK_SECTION_DNS_TXT, "dns-txt"},
    {VIR_NETWORK_SECTION_DNS_SRV, "dns-srv"},
    {0, NULL},
};

bool cmd_net_update(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNetwork) network = virsh_network(shell, cmd);
    const char *command = NULL, *section = NULL, *text = NULL;
    g_autofree char *xml = NULL;
    int command_value = 0, section_value = 0, parent = -1, affect;

    if (!network || cmd_string(shell, cmd, "command", &command) <= 0 ||
        cmd_string(shell, cmd, "section", &section) <= 0 || cmd_string(shell, cmd, "xml", &text) <= 0)
        return false;
    if (!virsh_value(commands, command, &command_value))
        return shell_error(shell, "unrecognized command name '%s'", command);
    if (!virsh_value(sections, section, &section_value))
        return shell_error(shell, "unrecognized section name '%s'", section);
    if (cmd_int(shell, cmd, "parent-index", &parent) < 0 || (affect = virsh_affect(shell, cmd)) < 0)
        return false;
    xml = text[strspn(text, " \t\n")] == '<' ? g_strdup(text) : virsh_read_file(shell, text);
    if (!xml)
        return false;
    if (virNetworkUpdate(network, command_value, section_value, parent, xml, affect) < 0)
        return shell_error(shell, "Failed to update network %s", virNetworkGetName(network));
    shell_print_extra(shell, "Updated network %s %s", virNetworkGetName(network),
                      virsh_affected(affect, virNetworkIsActive(network) == 1));
    return true;
}

/* --- leases, ports --- */

static void lease_record(VirshRecord *record, const virNetworkDHCPLease *lease)
{
    g_autofree char *expiry = virsh_time_plain(lease->expirytime);
    bool v4 = lease->type == VIR_IP_ADDR_TYPE_IPV4;

    virsh_record_both(record, "Expiry Time", g_steal_pointer(&expiry), "expiry_time_s",
                      json_object_new_int64(lease->expirytime));
    virsh_record_text(record, "MAC address", "mac", lease->mac);
    virsh_record_text(record, "Protocol", "protocol", v4 ? "ipv4" : "ipv6");
    virsh_record_both(record, "IP address", g_strdup_printf("%s/%u", lease->ipaddr, lease->prefix), "ip",
                      json_object_new_string(lease->ipaddr ? lease->ipaddr : ""));
    virsh_record_text(record, "Hostname", "hostname", lease->hostname);
    virsh_record_text(record, "Client ID or DUID", "client_id", lease->clientid);
    virsh_record_text(record, NULL, "interface", lease->iface);
    virsh_record_text(record, NULL, "iaid", lease->iaid);
    virsh_record_uint(record, NULL, "prefix", lease->prefix);
}

bool cmd_net_dhcp_leases(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNetwork) network = virsh_network(shell, cmd);
    g_autoptr(VirshRows) rows = virsh_rows_new("Expiry Time", "MAC address", "Protocol", "IP address", "Hostname",
                                               "Client ID or DUID", NULL);
    virNetworkDHCPLeasePtr *leases = NULL;
    const char *mac = NULL;
    int count;

    if (!network || cmd_string(shell, cmd, "mac", &mac) < 0)
        return false;
    count = virNetworkGetDHCPLeases(network, mac, &leases, 0);
    if (count < 0)
        return shell_error(shell, "Failed to get leases info for %s", virNetworkGetName(network));
    for (int i = 0; i < count; i++) {
        lease_record(virsh_rows_add(rows), leases[i]);
        virNetworkDHCPLeaseFree(leases[i]);
    }
    free(leases);
    return virsh_rows_print(shell, cmd, rows);
}

bool cmd_net_port_list(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNetwork) network = virsh_network(shell, cmd);
    g_autoptr(VirshRows) rows = virsh_rows_new("UUID", NULL);
    bool words = cmd_has(cmd, "uuid") && !shell_json(cmd);
    virNetworkPortPtr *ports = NULL;
    int count;

    if (!network)
        return false;
    if (cmd_has(cmd, "uuid") && cmd_has(cmd, "table"))
        return shell_error(shell, "Only one argument from --table and --uuid may be specified.");
    count = virNetworkListAllPorts(network, &ports, 0);
    for (int i = 0; i < count; i++) {
        if (words)
            shell_print(shell, "%s\n", virsh_port_uuid(ports[i]));
        else
            virsh_record_text(virsh_rows_add(rows), "UUID", "uuid", virsh_port_uuid(ports[i]));
        virNetworkPortFree(ports[i]);
    }
    free(ports);
    return count >= 0 && (words || virsh_rows_print(shell, cmd, rows));
}

bool cmd_net_port_create(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNetwork) network = virsh_network(shell, cmd);
    g_autofree char *xml = network ? virsh_read_option(shell, cmd, "file") : NULL;
    g_autoptr(virNetworkPort) port = xml ? virNetworkPortCreateXML(network, xml, cmd_flags(cmd)) : NULL;

    if (!port)
        return xml && shell_error(shell, "Failed to create network from %s", cmd_get(cmd, "file"));
    shell_print_extra(shell, "Network port %s created from %s\n", virsh_port_uuid(port), cmd_get(cmd, "file"));
    return true;
}
