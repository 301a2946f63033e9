/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values for completion that come from the hypervisor. Nothing here reports errors or asks for passwords: without a
 * connection there are no candidates.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

static char **finish(GPtrArray *found)
{
    client_error_forget();
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, FALSE);
}

/* The functions differ in their types only. */
#define LIST_COMPLETER(NAME, TYPE, CALL, GET_NAME, FREE)                            \
    char **NAME(Shell *shell, const Cmd *cmd, const char *word)                     \
    {                                                                               \
        virConnectPtr conn = virsh_quiet_conn(shell);                               \
        GPtrArray *found = g_ptr_array_new();                                       \
        TYPE *objects = NULL;                                                       \
        int count = conn ? CALL(conn, &objects, 0) : -1;                            \
                                                                                    \
        for (int i = 0; i < count; i++) {                                           \
            g_ptr_array_add(found, g_strdup(GET_NAME(objects[i])));                 \
            FREE(objects[i]);                                                       \
        }                                                                           \
        free(objects);                                                              \
        return finish(found);                                                       \
    }

LIST_COMPLETER(complete_domain, virDomainPtr, virConnectListAllDomains, virDomainGetName, virDomainFree)
LIST_COMPLETER(complete_network, virNetworkPtr, virConnectListAllNetworks, virNetworkGetName, virNetworkFree)
LIST_COMPLETER(complete_pool, virStoragePoolPtr, virConnectListAllStoragePools, virStoragePoolGetName,
               virStoragePoolFree)
LIST_COMPLETER(complete_nodedev, virNodeDevicePtr, virConnectListAllNodeDevices, virNodeDeviceGetName,
               virNodeDeviceFree)
LIST_COMPLETER(complete_iface, virInterfacePtr, virConnectListAllInterfaces, virInterfaceGetName, virInterfaceFree)
LIST_COMPLETER(complete_nwfilter, virNWFilterPtr, virConnectListAllNWFilters, virNWFilterGetName, virNWFilterFree)
LIST_COMPLETER(complete_binding, virNWFilterBindingPtr, virConnectListAllNWFilterBindings,
               virNWFilterBindingGetPortDev, virNWFilterBindingFree)

LIST_COMPLETER(complete_secret, virSecretPtr, virConnectListAllSecrets, virsh_secret_uuid, virSecretFree)

char **complete_volume(Shell *shell, const Cmd *cmd, const char *word)
{
    virConnectPtr conn = virsh_quiet_conn(shell);
    const char *name = cmd_may_get(cmd, cmd_may_have(cmd, "inputpool") ? "inputpool" : "pool");
    g_autoptr(virStoragePool) pool = conn && name ? virsh_find_pool(conn, name) : NULL;
    GPtrArray *found = g_ptr_array_new();
    virStorageVolPtr *volumes = NULL;
    int count = pool ? virStoragePoolListAllVolumes(pool, &volumes, 0) : -1;

    for (int i = 0; i < count; i++) {
        g_ptr_array_add(found, g_strdup(virStorageVolGetName(volumes[i])));
        virStorageVolFree(volumes[i]);
    }
    free(volumes);
    return finish(found);
}

static virDomainPtr given_domain(Shell *shell, const Cmd *cmd)
{
    virConnectPtr conn = virsh_quiet_conn(shell);
    const char *name = cmd_may_get(cmd, "domain");

    return conn && name ? virsh_find_domain(conn, name) : NULL;
}

char **complete_snapshot(Shell *shell, const Cmd *cmd, const char *word)
{
    g_autoptr(virDomain) domain = given_domain(shell, cmd);
    GPtrArray *found = g_ptr_array_new();
    virDomainSnapshotPtr *snapshots = NULL;
    int count = domain ? virDomainListAllSnapshots(domain, &snapshots, 0) : -1;

    for (int i = 0; i < count; i++) {
        g_ptr_array_add(found, g_strdup(virDomainSnapshotGetName(snapshots[i])));
        virDomainSnapshotFree(snapshots[i]);
    }
    free(snapshots);
    return finish(found);
}

char **complete_checkpoint(Shell *shell, const Cmd *cmd, const char *word)
{
    g_autoptr(virDomain) domain = given_domain(shell, cmd);
    GPtrArray *found = g_ptr_array_new();
    virDomainCheckpointPtr *checkpoints = NULL;
    int count = domain ? virDomainListAllCheckpoints(domain, &checkpoints, 0) : -1;

    for (int i = 0; i < count; i++) {
        g_ptr_array_add(found, g_strdup(virDomainCheckpointGetName(checkpoints[i])));
        virDomainCheckpointFree(checkpoints[i]);
    }
    free(checkpoints);
    return finish(found);
}

/* What an XPath expression finds in the domain's XML, after `prefix`. */
static char **from_domain(Shell *shell, const Cmd *cmd, const char *expression, const char *prefix)
{
    g_autoptr(virDomain) domain = given_domain(shell, cmd);
    g_autofree char *xml = domain ? virDomainGetXMLDesc(domain, 0) : NULL;
    g_autoptr(xmlDoc) doc = xml ? xmlReadMemory(xml, strlen(xml), "domain.xml", NULL,
                                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING) : NULL;
    g_autoptr(GPtrArray) nodes = doc ? virsh_xpath_nodes(doc, NULL, expression) : NULL;
    GPtrArray *found = g_ptr_array_new();

    for (guint i = 0; nodes && i < nodes->len; i++) {
        xmlChar *text = xmlNodeGetContent(nodes->pdata[i]);
        if (text && *text)
            g_ptr_array_add(found, g_strconcat(prefix, (const char *)text, NULL));
        xmlFree(text);
    }
    return finish(found);
}

char **complete_disk(Shell *shell, const Cmd *cmd, const char *word)
{
    return from_domain(shell, cmd, "/domain/devices/disk/target/@dev", "");
}

char **complete_disk_list(Shell *shell, const Cmd *cmd, const char *word)
{
    const char *comma = strrchr(word, ',');
    g_autofree char *prefix = comma ? g_strndup(word, comma + 1 - word) : g_strdup("");

    return from_domain(shell, cmd, "/domain/devices/disk/target/@dev", prefix);
}

char **complete_chain(Shell *shell, const Cmd *cmd, const char *word)
{
    return from_domain(shell, cmd, "/domain/devices/disk//source/@file | /domain/devices/disk//source/@dev", "");
}

char **complete_vnic(Shell *shell, const Cmd *cmd, const char *word)
{
    return from_domain(shell, cmd,
                       "/domain/devices/interface/mac/@address | /domain/devices/interface/target/@dev", "");
}

char **complete_alias(Shell *shell, const Cmd *cmd, const char *word)
{
    return from_domain(shell, cmd, "/domain/devices/*/alias/@name", "");
}

char **complete_console(Shell *shell, const Cmd *cmd, const char *word)
{
    return from_domain(shell, cmd,
                       "/domain/devices/*[self::serial or self::parallel or self::console or self::channel]"
                       "/alias/@name", "");
}

static virNetworkPtr given_network(Shell *shell, const Cmd *cmd)
{
    virConnectPtr conn = virsh_quiet_conn(shell);
    const char *name = cmd_may_get(cmd, "network");

    return conn && name ? virsh_find_network(conn, name) : NULL;
}

char **complete_mac(Shell *shell, const Cmd *cmd, const char *word)
{
    g_autoptr(virNetwork) network = NULL;
    GPtrArray *found = NULL;
    virNetworkDHCPLeasePtr *leases = NULL;
    int count;

    if (cmd_may_have(cmd, "domain"))
        return from_domain(shell, cmd, "/domain/devices/interface/mac/@address", "");
    network = given_network(shell, cmd);
    found = g_ptr_array_new();
    count = network ? virNetworkGetDHCPLeases(network, NULL, &leases, 0) : -1;
    for (int i = 0; i < count; i++) {
        g_ptr_array_add(found, g_strdup(leases[i]->mac));
        virNetworkDHCPLeaseFree(leases[i]);
    }
    free(leases);
    return finish(found);
}

char **complete_port(Shell *shell, const Cmd *cmd, const char *word)
{
    g_autoptr(virNetwork) network = given_network(shell, cmd);
    GPtrArray *found = g_ptr_array_new();
    virNetworkPortPtr *ports = NULL;
    int count = network ? virNetworkListAllPorts(network, &ports, 0) : -1;

    for (int i = 0; i < count; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN];
        if (virNetworkPortGetUUIDString(ports[i], uuid) == 0)
            g_ptr_array_add(found, g_strdup(uuid));
        virNetworkPortFree(ports[i]);
    }
    free(ports);
    return finish(found);
}
