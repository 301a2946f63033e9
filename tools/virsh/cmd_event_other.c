/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* net-event, pool-event, nodedev-event, secret-event: what happens to the other objects. */
#include <stdlib.h>

#include "tools/virsh/events.h"

static const char *const states[] = {"Defined", "Undefined", "Started", "Stopped", "Created", "Deleted"};

static void emit_change(void *opaque, const char *type, const char *name, int change)
{
    const char *text = change >= 0 && change < (int)G_N_ELEMENTS(states) ? states[change] : "unknown";
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "change", text);
    event_emit(opaque, type, name, fields, "%s", text);
}

/* --- networks --- */

static void on_network(virConnectPtr conn, virNetworkPtr network, int event, int detail, void *opaque)
{
    emit_change(opaque, "network", virNetworkGetName(network), event);
}

static const EventKind network_kinds[] = {
    {"lifecycle", VIR_NETWORK_EVENT_ID_LIFECYCLE, on_network},
    {NULL, 0, NULL},
};

static int add_network(virConnectPtr conn, void *filter, const EventKind *kind, EventSource *source,
                       virFreeCallback free_source)
{
    return virConnectNetworkEventRegisterAny(conn, filter, kind->id,
                                             (virConnectNetworkEventGenericCallback)kind->callback, source, free_source);
}

bool cmd_net_event(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNetwork) network = NULL;

    if (!cmd_has(cmd, "list") && cmd_has(cmd, "network") && !(network = virsh_network(shell, cmd)))
        return false;
    return event_command(shell, cmd, network_kinds, network, add_network, virConnectNetworkEventDeregisterAny);
}

char **complete_event_network(Shell *shell, const Cmd *cmd, const char *word)
{
    return event_names(network_kinds);
}

/* --- pools --- */

static void on_pool(virConnectPtr conn, virStoragePoolPtr pool, int event, int detail, void *opaque)
{
    emit_change(opaque, "pool", virStoragePoolGetName(pool), event);
}

static void on_pool_refresh(virConnectPtr conn, virStoragePoolPtr pool, void *opaque)
{
    event_emit_lines(opaque, "pool", virStoragePoolGetName(pool), NULL, "");
}

static const EventKind pool_kinds[] = {
    {"lifecycle", VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE, on_pool},
    {"refresh", VIR_STORAGE_POOL_EVENT_ID_REFRESH, on_pool_refresh},
    {NULL, 0, NULL},
};

static int add_pool(virConnectPtr conn, void *filter, const EventKind *kind, EventSource *source,
                    virFreeCallback free_source)
{
    return virConnectStoragePoolEventRegisterAny(conn, filter, kind->id,
                                                 (virConnectStoragePoolEventGenericCallback)kind->callback, source,
                                                 free_source);
}

bool cmd_pool_event(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virStoragePool) pool = NULL;

    if (!cmd_has(cmd, "list") && cmd_has(cmd, "pool") && !(pool = virsh_pool(shell, cmd, "pool")))
        return false;
    return event_command(shell, cmd, pool_kinds, pool, add_pool, virConnectStoragePoolEventDeregisterAny);
}

char **complete_event_pool(Shell *shell, const Cmd *cmd, const char *word)
{
    return event_names(pool_kinds);
}

/* --- host devices --- */

static void on_nodedev(virConnectPtr conn, virNodeDevicePtr device, int event, int detail, void *opaque)
{
    static const int to_state[] = {4, 5, 0, 1}; /* created, deleted, defined, undefined */

    emit_change(opaque, "node device", virNodeDeviceGetName(device),
                event >= 0 && event < (int)G_N_ELEMENTS(to_state) ? to_state[event] : -1);
}

static void on_nodedev_update(virConnectPtr conn, virNodeDevicePtr device, void *opaque)
{
    event_emit_lines(opaque, "node device", virNodeDeviceGetName(device), NULL, "");
}

static const EventKind nodedev_kinds[] = {
    {"lifecycle", VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, on_nodedev},
    {"update", VIR_NODE_DEVICE_EVENT_ID_UPDATE, on_nodedev_update},
    {NULL, 0, NULL},
};

static int add_nodedev(virConnectPtr conn, void *filter, const EventKind *kind, EventSource *source,
                       virFreeCallback free_source)
{
    return virConnectNodeDeviceEventRegisterAny(conn, filter, kind->id,
                                                (virConnectNodeDeviceEventGenericCallback)kind->callback, source,
                                                free_source);
}

bool cmd_nodedev_event(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNodeDevice) device = NULL;

    if (!cmd_has(cmd, "list") && cmd_has(cmd, "device") && !(device = virsh_nodedev(shell, cmd)))
        return false;
    return event_command(shell, cmd, nodedev_kinds, device, add_nodedev, virConnectNodeDeviceEventDeregisterAny);
}

char **complete_event_nodedev(Shell *shell, const Cmd *cmd, const char *word)
{
    return event_names(nodedev_kinds);
}

/* --- secrets --- */

static void on_secret(virConnectPtr conn, virSecretPtr secret, int event, int detail, void *opaque)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";

    virSecretGetUUIDString(secret, uuid);
    emit_change(opaque, "secret", uuid, event);
}

static void on_secret_value(virConnectPtr conn, virSecretPtr secret, void *opaque)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";

    virSecretGetUUIDString(secret, uuid);
    event_emit_lines(opaque, "secret", uuid, NULL, "");
}

static const EventKind secret_kinds[] = {
    {"lifecycle", VIR_SECRET_EVENT_ID_LIFECYCLE, on_secret},
    {"value-changed", VIR_SECRET_EVENT_ID_VALUE_CHANGED, on_secret_value},
    {NULL, 0, NULL},
};

static int add_secret(virConnectPtr conn, void *filter, const EventKind *kind, EventSource *source,
                      virFreeCallback free_source)
{
    return virConnectSecretEventRegisterAny(conn, filter, kind->id, (virConnectSecretEventGenericCallback)kind->callback,
                                            source, free_source);
}

bool cmd_secret_event(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virSecret) secret = NULL;

    if (!cmd_has(cmd, "list") && cmd_has(cmd, "secret") && !(secret = virsh_secret(shell, cmd)))
        return false;
    return event_command(shell, cmd, secret_kinds, secret, add_secret, virConnectSecretEventDeregisterAny);
}

char **complete_event_secret(Shell *shell, const Cmd *cmd, const char *word)
{
    return event_names(secret_kinds);
}
