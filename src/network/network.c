/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Networks as managed objects.
 */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#include "network/network.h"
#include <stddef.h>
#include <string.h>
#include "core/event_table.h"

struct NetworkHost {
    const NetworkBackend *backend;
    void *priv;
    ManagedBackend managed;
    ManagedTable *table;
};

/* ---- as managed objects ---- */

static void network_init(Managed *obj)
{
    obj->data = store_new();
}

static void network_clear(Managed *obj)
{
    store_free(obj->data);
}

static Event *network_event(const Managed *obj, const void *def, int event, int detail)
{
    return event_network_lifecycle_new(MANAGED_NAME(obj), obj->entry.uuid, -1, event, detail);
}

static void *network_handle(virConnectPtr conn, const Managed *obj, const void *def)
{
    return network_handle_new(conn, MANAGED_NAME(obj), obj->entry.uuid);
}

static int network_complete(void *opaque)
{
    const NetworkDef *def = opaque;
    if (def->name && strchr(def->name, '/')) /* the code is the reference's */
        return FAIL(VIR_ERR_XML_DETAIL, "network.name: name '%s' of a network cannot contain '/'", def->name);
    return network_def_complete(opaque);
}

static const ManagedKind network_kind = {
    .name = "network",
    .root = &NETWORK_ROOT,
    .error_domain = VIR_FROM_NETWORK,
    .no_object = VIR_ERR_NO_NETWORK,
    .clash = VIR_ERR_OPERATION_FAILED,
    .name_at = offsetof(NetworkDef, name),
    .uuid_at = offsetof(NetworkDef, uuid),
    .has_uuid_at = offsetof(NetworkDef, has_uuid),
    .complete = network_complete,
    .event = network_event,
    .defined = VIR_NETWORK_EVENT_DEFINED,
    .undefined = VIR_NETWORK_EVENT_UNDEFINED,
    .started = VIR_NETWORK_EVENT_STARTED,
    .stopped = VIR_NETWORK_EVENT_STOPPED,
    .handle = network_handle,
    .init = network_init,
    .clear = network_clear,
    .edit = "net-edit",
    .status = "networkstatus",
};

static int network_check(ManagedTable *table, void *def, const void *old)
{
    NetworkHost *host = managed_table_priv(table);
    return host->backend->check ? host->backend->check(host, def, old) : 0;
}

static int network_start(Managed *obj, void *live)
{
    const NetworkBackend *backend = network_backend(obj);
    if (backend->start && backend->start(obj, live) < 0)
        return -1;
    network_tell_start(MANAGED_NAME(obj));
    return 0;
}

static int network_stop(Managed *obj, const void *live)
{
    const NetworkBackend *backend = network_backend(obj);
    if (backend->stop && backend->stop(obj, live) < 0)
        return -1;
    network_ports_drop(obj);
    return 0;
}

static int network_restore(Managed *obj, void *live)
{
    const NetworkBackend *backend = network_backend(obj);
    network_ports_load(obj);
    if (!backend->restore || backend->restore(obj, live) == 0)
        return 0;
    network_ports_drop(obj);
    return -1;
}

/* ---- the host ---- */

NetworkHost *network_host_new(const NetworkBackend *backend, void *priv, EventBus *bus)
{
    NetworkHost *host = g_new0(NetworkHost, 1);
    host->backend = backend;
    host->priv = priv;
    host->managed = (ManagedBackend) { backend->rules, network_check, network_start, network_stop, network_restore };
    host->table = managed_table_new(&network_kind, &host->managed, host, bus);
    return host;
}

void network_host_free(NetworkHost *host)
{
    if (!host)
        return;
    managed_table_free(host->table);
    g_free(host);
}

void network_host_load(NetworkHost *host)
{
    managed_table_load(host->table);
}

ManagedTable *network_host_table(const NetworkHost *host) { return host->table; }
void *network_host_priv(const NetworkHost *host) { return host->priv; }
NetworkHost *network_host_of(const Managed *net) { return managed_table_priv(net->table); }
const NetworkBackend *network_backend(const Managed *net) { return network_host_of(net)->backend; }
