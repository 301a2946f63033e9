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

/* What stands before the last comma, and the comma. */
static char *list_prefix(const char *word)
{
    const char *comma = strrchr(word, ',');

    return comma ? g_strndup(word, comma + 1 - word) : g_strdup("");
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

/* What an XPath expression finds in an XML (or NULL), after `prefix`. */
static char **from_xml(const char *xml, const char *expression, const char *prefix)
{
    g_autoptr(xmlDoc) doc = xml ? xmlReadMemory(xml, strlen(xml), "libvirt.xml", NULL,
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

/* The same in the domain's. */
static char **from_domain(Shell *shell, const Cmd *cmd, const char *expression, const char *prefix)
{
    g_autoptr(virDomain) domain = given_domain(shell, cmd);
    g_autofree char *xml = domain ? virDomainGetXMLDesc(domain, 0) : NULL;

    return from_xml(xml, expression, prefix);
}

char **complete_disk(Shell *shell, const Cmd *cmd, const char *word)
{
    return from_domain(shell, cmd, "/domain/devices/disk/target/@dev", "");
}

char **complete_disk_list(Shell *shell, const Cmd *cmd, const char *word)
{
    g_autofree char *prefix = list_prefix(word);

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

/* --- numbers and names of the host and the domain --- */

/* 0, 1 ... as many as `count`, after `prefix`. */
static char **numbers(int count, const char *prefix)
{
    enum { MOST = 4096 };
    GPtrArray *found = g_ptr_array_new();

    for (int i = 0; i < MIN(count, MOST); i++)
        g_ptr_array_add(found, g_strdup_printf("%s%d", prefix, i));
    return finish(found);
}

char **complete_throttle_group(Shell *shell, const Cmd *cmd, const char *word)
{
    return from_domain(shell, cmd, "/domain/throttlegroups/throttlegroup/group_name", "");
}

static int vcpu_count(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = given_domain(shell, cmd);

    return domain ? virDomainGetVcpusFlags(domain, VIR_DOMAIN_VCPU_MAXIMUM) : 0;
}

char **complete_vcpu(Shell *shell, const Cmd *cmd, const char *word)
{
    return numbers(vcpu_count(shell, cmd), "");
}

char **complete_vcpu_list(Shell *shell, const Cmd *cmd, const char *word)
{
    g_autofree char *prefix = list_prefix(word);

    return numbers(vcpu_count(shell, cmd), prefix);
}

char **complete_host_cpu(Shell *shell, const Cmd *cmd, const char *word)
{
    virConnectPtr conn = virsh_quiet_conn(shell);
    g_autofree char *prefix = list_prefix(word);

    return numbers(conn ? virNodeGetCPUMap(conn, NULL, NULL, 0) : 0, prefix);
}

char **complete_iothread(Shell *shell, const Cmd *cmd, const char *word)
{
    g_autoptr(virDomain) domain = given_domain(shell, cmd);
    GPtrArray *found = g_ptr_array_new();
    virDomainIOThreadInfoPtr *infos = NULL;
    int count = domain ? virDomainGetIOThreadInfo(domain, &infos, 0) : -1;

    for (int i = 0; i < count; i++) {
        g_ptr_array_add(found, g_strdup_printf("%u", infos[i]->iothread_id));
        virDomainIOThreadInfoFree(infos[i]);
    }
    free(infos);
    return finish(found);
}

char **complete_perf_event(Shell *shell, const Cmd *cmd, const char *word)
{
    g_autoptr(virDomain) domain = given_domain(shell, cmd);
    g_autofree char *prefix = list_prefix(word);
    GPtrArray *found = g_ptr_array_new();
    virTypedParameterPtr params = NULL;
    int count = 0;

    if (domain && virDomainGetPerfEvents(domain, &params, &count, 0) == 0) {
        for (int i = 0; i < count; i++)
            g_ptr_array_add(found, g_strconcat(prefix, params[i].field, NULL));
    }
    virTypedParamsFree(params, count);
    return finish(found);
}

/* What an XPath expression finds in the host's capabilities. */
static char **from_host(Shell *shell, const char *expression)
{
    virConnectPtr conn = virsh_quiet_conn(shell);
    g_autofree char *xml = conn ? virConnectGetCapabilities(conn) : NULL;

    return from_xml(xml, expression, "");
}

char **complete_cell(Shell *shell, const Cmd *cmd, const char *word)
{
    return from_host(shell, "/capabilities/host/topology/cells/cell/@id");
}

char **complete_page_size(Shell *shell, const Cmd *cmd, const char *word)
{
    return from_host(shell, "/capabilities/host/cpu/pages/@size");
}

char **complete_mount_point(Shell *shell, const Cmd *cmd, const char *word)
{
    g_autoptr(virDomain) domain = given_domain(shell, cmd);
    GPtrArray *found = g_ptr_array_new();
    virDomainFSInfoPtr *infos = NULL;
    int count = domain ? virDomainGetFSInfo(domain, &infos, 0) : -1;

    for (int i = 0; i < count; i++) {
        g_ptr_array_add(found, g_strdup(infos[i]->mountpoint));
        virDomainFSInfoFree(infos[i]);
    }
    free(infos);
    return finish(found);
}
