/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Devices as managed objects.
 */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#include "nodedev/host.h"
#include <stddef.h>
#include <string.h>
#include "base/error.h"
#include "base/threadpool.h"
#include "core/event_table.h"

/* How long a call waits for the devices that are there when the daemon begins; then it answers with those that are known. */
#define SETTLE_SECONDS 10

struct NodedevHost {
    const NodedevBackend *backend;
    void *priv;
    ManagedTable *devices;
    GMutex lock;        /* guards the following */
    GCond told;
    gboolean settling;  /* the devices that are there are not known yet */
};

static Event *device_event(const Managed *obj, const void *def, int event, int detail)
{
    return event_node_device_lifecycle_new(MANAGED_NAME(obj), event, detail);
}

static void *device_handle(virConnectPtr conn, const Managed *obj, const void *def)
{
    virNodeDevicePtr dev = node_device_handle_new(conn, MANAGED_NAME(obj));
    node_device_handle_set_parent(dev, ((const NodedevDef *) def)->parent.value);
    return dev;
}

static const ManagedKind kind = {
    .name = "node device",
    .root = &NODEDEV_ROOT,
    .error_domain = VIR_FROM_NODEDEV,
    .no_object = VIR_ERR_NO_NODE_DEVICE,
    .clash = VIR_ERR_OPERATION_FAILED,
    .name_at = offsetof(NodedevDef, name),
    .uuid_at = -1,
    .has_uuid_at = -1,
    .event = device_event,
    .defined = VIR_NODE_DEVICE_EVENT_DEFINED,
    .undefined = VIR_NODE_DEVICE_EVENT_UNDEFINED,
    .started = VIR_NODE_DEVICE_EVENT_CREATED,
    .stopped = VIR_NODE_DEVICE_EVENT_DELETED,
    .handle = device_handle,
};

/* Only mediated devices are begun by us; hardware and what it has made are there when we learn of them. */
static int start(Managed *obj, void *live)
{
    NodedevHost *host = managed_table_priv(obj->table);
    return nodedev_mdev(live) && host->backend->start_mdev ? host->backend->start_mdev(host, live) : 0;
}

static int stop(Managed *obj, const void *live)
{
    NodedevHost *host = managed_table_priv(obj->table);
    if (!host->backend->remove)
        return FAIL(VIR_ERR_NO_SUPPORT, "no device can be removed from this host");
    return host->backend->remove(host, live);
}

static int keep(Managed *obj, const void *old, const void *config)
{
    NodedevHost *host = managed_table_priv(obj->table);
    return host->backend->keep_mdev ? host->backend->keep_mdev(host, old, config) : 0;
}

static const ManagedBackend managed = { .rules = MANAGED_UNDEFINE_ACTIVE, .start = start, .stop = stop, .keep = keep };

NodedevHost *nodedev_host_new(const NodedevBackend *backend, void *priv, EventBus *bus)
{
    NodedevHost *host = g_new0(NodedevHost, 1);
    host->backend = backend;
    host->priv = priv;
    host->devices = managed_table_new(&kind, &managed, host, bus);
    g_mutex_init(&host->lock);
    g_cond_init(&host->told);
    return host;
}

void nodedev_host_free(NodedevHost *host)
{
    if (!host)
        return;
    managed_table_free(host->devices);
    g_cond_clear(&host->told);
    g_mutex_clear(&host->lock);
    g_free(host);
}

ManagedTable *nodedev_host_devices(const NodedevHost *host) { return host->devices; }
const NodedevBackend *nodedev_host_backend(const NodedevHost *host) { return host->backend; }
void *nodedev_host_priv(const NodedevHost *host) { return host->priv; }

int nodedev_host_add(NodedevHost *host, NodedevDef *def)
{
    g_autoptr(Managed) obj = managed_create(host->devices, def, __func__);
    return obj ? 0 : -1;
}

static Event *changed(const Managed *obj)
{
    return event_node_device_update_new(MANAGED_NAME(obj));
}

int nodedev_host_tell(NodedevHost *host, NodedevDef *def)
{
    int rc = managed_tell(host->devices, def, changed);
    g_mutex_lock(&host->lock);
    g_cond_broadcast(&host->told);
    g_mutex_unlock(&host->lock);
    return rc;
}

Managed *nodedev_host_wait_for(NodedevHost *host, ManagedPass wanted, void *opaque, guint timeout_ms)
{
    gint64 deadline = g_get_monotonic_time() + (gint64) timeout_ms * 1000;
    Managed *found = NULL;
    gboolean more = TRUE;
    pool_blocking_begin();
    g_mutex_lock(&host->lock);
    while (!found && more) {
        g_autoptr(GPtrArray) all = managed_objects(host->devices, MANAGED_LIST_ACTIVE, wanted, opaque);
        found = all->len ? managed_ref(all->pdata[0]) : NULL;
        more = found || g_cond_wait_until(&host->told, &host->lock, deadline);
    }
    g_mutex_unlock(&host->lock);
    pool_blocking_end();
    return found;
}

int nodedev_host_tell_gone(NodedevHost *host, const char *name)
{
    return managed_tell_gone(host->devices, name);
}

void nodedev_host_settling(NodedevHost *host)
{
    g_mutex_lock(&host->lock);
    host->settling = TRUE;
    g_mutex_unlock(&host->lock);
}

void nodedev_host_settled(NodedevHost *host)
{
    g_mutex_lock(&host->lock);
    host->settling = FALSE;
    g_cond_broadcast(&host->told);
    g_mutex_unlock(&host->lock);
}

ManagedTable *nodedev_host_wait(NodedevHost *host)
{
    gint64 deadline = g_get_monotonic_time() + SETTLE_SECONDS * G_USEC_PER_SEC;
    g_mutex_lock(&host->lock);
    gboolean wait = host->settling;
    if (wait)
        pool_blocking_begin();
    while (host->settling && g_cond_wait_until(&host->told, &host->lock, deadline))
        continue;
    if (wait)
        pool_blocking_end();
    g_mutex_unlock(&host->lock);
    return host->devices;
}

int nodedev_host_add_xml(NodedevHost *host, const char *xml)
{
    NodedevDef *def = xml_parse(&NODEDEV_ROOT, xml, strlen(xml), 0, NULL);
    if (!def)
        return -1;
    if (nodedev_complete(def) == 0)
        return nodedev_host_add(host, def);
    definition_error_in(xml, &NODEDEV_ROOT, NULL);
    xml_struct_free(&NODEDEV_DEF_DESC, def);
    return -1;
}

gboolean nodedev_host_has(NodedevHost *host, const char *name)
{
    g_autoptr(Managed) obj = managed_peek(host->devices, NULL, name);
    return obj != NULL;
}
