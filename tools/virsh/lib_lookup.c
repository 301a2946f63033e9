/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Objects by what the user calls them: ID (domains), UUID, name. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

/* Errors of a look-up that found nothing are no news: the caller says it. Others, as a lost connection, are. */
static void forget_not_found(void)
{
    switch (client_error_code()) {
    case VIR_ERR_NO_DOMAIN:
    case VIR_ERR_INVALID_ARG:
        client_error_forget();
    }
}

static bool is_uuid(const char *text)
{
    return g_uuid_string_is_valid(text) || (strlen(text) == 32 && strspn(text, "0123456789abcdefABCDEF") == 32);
}

virDomainPtr virsh_find_domain(virConnectPtr conn, const char *name)
{
    virDomainPtr domain = NULL;
    char *end = NULL;
    long id = strtol(name, &end, 10);

    if (g_ascii_isdigit(*name) && !*end && id <= G_MAXINT)
        domain = virDomainLookupByID(conn, id);
    if (!domain && is_uuid(name))
        domain = virDomainLookupByUUIDString(conn, name);
    if (!domain)
        domain = virDomainLookupByName(conn, name);
    if (domain)
        client_error_forget();
    return domain;
}

virDomainPtr virsh_domain_named(Shell *shell, const char *name)
{
    virDomainPtr domain = virsh_find_domain(virsh_conn(shell), name);

    if (!domain) {
        forget_not_found();
        shell_error(shell, "failed to get domain '%s'", name);
    }
    return domain;
}

virDomainPtr virsh_domain(Shell *shell, const Cmd *cmd)
{
    const char *name = NULL;

    return cmd_string(shell, cmd, "domain", &name) > 0 ? virsh_domain_named(shell, name) : NULL;
}

virNetworkPtr virsh_find_network(virConnectPtr conn, const char *name)
{
    virNetworkPtr network = is_uuid(name) ? virNetworkLookupByUUIDString(conn, name) : NULL;

    return network ? network : virNetworkLookupByName(conn, name);
}

virNetworkPtr virsh_network(Shell *shell, const Cmd *cmd)
{
    const char *name = NULL;
    virNetworkPtr network;

    if (cmd_string(shell, cmd, "network", &name) <= 0)
        return NULL;
    if (g_str_equal(cmd_command(cmd)->name, "net-name")) /* the one that takes no name */
        network = is_uuid(name) ? virNetworkLookupByUUIDString(virsh_conn(shell), name) : NULL;
    else if (g_str_equal(cmd_command(cmd)->name, "net-uuid"))
        network = virNetworkLookupByName(virsh_conn(shell), name);
    else
        network = virsh_find_network(virsh_conn(shell), name);
    if (!network)
        shell_error(shell, "failed to get network '%s'", name);
    return network;
}

virStoragePoolPtr virsh_find_pool(virConnectPtr conn, const char *name)
{
    virStoragePoolPtr pool = is_uuid(name) ? virStoragePoolLookupByUUIDString(conn, name) : NULL;

    return pool ? pool : virStoragePoolLookupByName(conn, name);
}

virStoragePoolPtr virsh_pool(Shell *shell, const Cmd *cmd, const char *option)
{
    const char *name = NULL;
    virStoragePoolPtr pool;

    if (cmd_string(shell, cmd, option, &name) <= 0)
        return NULL;
    if (g_str_equal(cmd_command(cmd)->name, "pool-name")) /* translates one into the other */
        pool = is_uuid(name) ? virStoragePoolLookupByUUIDString(virsh_conn(shell), name) : NULL;
    else if (g_str_equal(cmd_command(cmd)->name, "pool-uuid"))
        pool = virStoragePoolLookupByName(virsh_conn(shell), name);
    else
        pool = virsh_find_pool(virsh_conn(shell), name);
    if (!pool)
        shell_error(shell, "failed to get pool '%s'", name);
    return pool;
}

virStorageVolPtr virsh_volume(Shell *shell, const Cmd *cmd, const char *option, const char *pool_option)
{
    g_autoptr(virStoragePool) pool = NULL;
    virStorageVolPtr volume = NULL;
    const char *name = NULL;

    if (cmd_string(shell, cmd, option, &name) <= 0)
        return NULL;
    if (cmd_may_have(cmd, pool_option)) {
        pool = virsh_pool(shell, cmd, pool_option);
        if (!pool)
            return NULL;
        if (virStoragePoolIsActive(pool) != 1) {
            shell_error(shell, "pool '%s' is not active", virStoragePoolGetName(pool));
            return NULL;
        }
        volume = virStorageVolLookupByName(pool, name);
    }
    if (!volume)
        volume = virStorageVolLookupByKey(virsh_conn(shell), name);
    if (!volume)
        volume = virStorageVolLookupByPath(virsh_conn(shell), name);
    if (volume)
        return volume;
    if (pool || !cmd_knows(cmd, pool_option))
        shell_error(shell, "failed to get vol '%s'", name);
    else
        shell_error(shell, "failed to get vol '%s', specifying --%s might help", name, pool_option);
    return NULL;
}

bool virsh_is_mac(const char *text)
{
    unsigned int parts[6];
    char rest;

    return sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &parts[0], &parts[1], &parts[2], &parts[3], &parts[4], &parts[5],
                  &rest) == 6;
}

virInterfacePtr virsh_interface(Shell *shell, const Cmd *cmd)
{
    virInterfacePtr interface = NULL;
    const char *name = NULL;

    if (cmd_string(shell, cmd, "interface", &name) <= 0)
        return NULL;
    if (g_str_equal(cmd_command(cmd)->name, "iface-name") || /* they translate one into the other */
        (virsh_is_mac(name) && !g_str_equal(cmd_command(cmd)->name, "iface-mac")))
        interface = virInterfaceLookupByMACString(virsh_conn(shell), name);
    else
        interface = virInterfaceLookupByName(virsh_conn(shell), name);
    if (!interface) {
        shell_error(shell, "failed to get interface '%s'", name);
    }
    return interface;
}

virNodeDevicePtr virsh_nodedev(Shell *shell, const Cmd *cmd)
{
    virNodeDevicePtr device = NULL;
    const char *name = NULL;

    if (cmd_string(shell, cmd, "device", &name) <= 0)
        return NULL;
    if (strchr(name, ',')) {
        g_auto(GStrv) names = g_strsplit(name, ",", 2);
        device = virNodeDeviceLookupSCSIHostByWWN(virsh_conn(shell), names[0], names[1], 0);
    } else {
        device = virNodeDeviceLookupByName(virsh_conn(shell), name);
    }
    if (!device)
        shell_error(shell, "Could not find matching device '%s'", name);
    return device;
}

virSecretPtr virsh_secret(Shell *shell, const Cmd *cmd)
{
    virSecretPtr secret;
    const char *name = NULL;

    if (cmd_string(shell, cmd, "secret", &name) <= 0)
        return NULL;
    secret = virSecretLookupByUUIDString(virsh_conn(shell), name);
    if (!secret)
        shell_error(shell, "failed to get secret '%s'", name);
    return secret;
}

virNWFilterPtr virsh_nwfilter(Shell *shell, const Cmd *cmd)
{
    virNWFilterPtr filter = NULL;
    const char *name = NULL;

    if (cmd_string(shell, cmd, "nwfilter", &name) <= 0)
        return NULL;
    if (is_uuid(name))
        filter = virNWFilterLookupByUUIDString(virsh_conn(shell), name);
    if (!filter)
        filter = virNWFilterLookupByName(virsh_conn(shell), name);
    if (!filter) {
        shell_error(shell, "failed to get nwfilter '%s'", name);
    }
    return filter;
}

virNWFilterBindingPtr virsh_binding(Shell *shell, const Cmd *cmd)
{
    virNWFilterBindingPtr binding;
    const char *name = NULL;

    if (cmd_string(shell, cmd, "binding", &name) <= 0)
        return NULL;
    binding = virNWFilterBindingLookupByPortDev(virsh_conn(shell), name);
    if (!binding)
        shell_error(shell, "failed to get nwfilter binding '%s'", name);
    return binding;
}

virNetworkPortPtr virsh_port(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNetwork) network = virsh_network(shell, cmd);
    virNetworkPortPtr port;
    const char *name = NULL;

    if (!network || cmd_string(shell, cmd, "port", &name) <= 0)
        return NULL;
    port = is_uuid(name) ? virNetworkPortLookupByUUIDString(network, name) : NULL;
    if (!port)
        shell_error(shell, "failed to get network port '%s'", name);
    return port;
}

/* The functions differ in their types only. */
#define UUID_TEXT(NAME, TYPE, GET)                       \
    const char *NAME(TYPE object)                        \
    {                                                    \
        static char uuid[VIR_UUID_STRING_BUFLEN];        \
                                                         \
        return GET(object, uuid) < 0 ? NULL : uuid;      \
    }

UUID_TEXT(virsh_network_uuid, virNetworkPtr, virNetworkGetUUIDString)
UUID_TEXT(virsh_port_uuid, virNetworkPortPtr, virNetworkPortGetUUIDString)
UUID_TEXT(virsh_pool_uuid, virStoragePoolPtr, virStoragePoolGetUUIDString)
UUID_TEXT(virsh_secret_uuid, virSecretPtr, virSecretGetUUIDString)
UUID_TEXT(virsh_nwfilter_uuid, virNWFilterPtr, virNWFilterGetUUIDString)

virDomainSnapshotPtr virsh_snapshot(Shell *shell, virDomainPtr domain, const char *name)
{
    return virDomainSnapshotLookupByName(domain, name, 0);
}

virDomainCheckpointPtr virsh_checkpoint(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    const char *name = NULL;

    if (!domain || cmd_string(shell, cmd, "checkpointname", &name) <= 0)
        return NULL;
    return virDomainCheckpointLookupByName(domain, name, 0);
}
