/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/objects.h"
#include "core/driver.h"
#include "core/event.h"

static void *handle_new(size_t size, ObjectClass cls, virConnectPtr conn)
{
    Object *o = g_malloc0(size);
    o->magic = cls;
    o->refs = 1;
    o->conn = conn ? object_ref(conn) : NULL;
    return o;
}

#define HANDLE(type, cls) ((type *) handle_new(sizeof(type), cls, conn))

virConnectPtr connect_new(void)
{
    virConnectPtr conn = handle_new(sizeof(struct _virConnect), OBJECT_CONNECT, NULL);
    g_mutex_init(&conn->lock);
    conn->events = event_registry_new();
    return conn;
}

virDomainPtr domain_handle_new(virConnectPtr conn, const char *name, const unsigned char *uuid, int id)
{
    virDomainPtr dom = HANDLE(struct _virDomain, OBJECT_DOMAIN);
    dom->name = g_strdup(name);
    dom->id = id;
    memcpy(dom->uuid, uuid, VIR_UUID_BUFLEN);
    return dom;
}

void domain_handle_rename(virDomainPtr dom, const char *name)
{
    g_mutex_lock(&dom->o.conn->lock);
    dom->former = g_slist_prepend(dom->former, dom->name);
    g_atomic_pointer_set(&dom->name, g_strdup(name));
    g_mutex_unlock(&dom->o.conn->lock);
}

virNetworkPtr network_handle_new(virConnectPtr conn, const char *name, const unsigned char *uuid)
{
    virNetworkPtr net = HANDLE(struct _virNetwork, OBJECT_NETWORK);
    net->name = g_strdup(name);
    memcpy(net->uuid, uuid, VIR_UUID_BUFLEN);
    return net;
}

virNetworkPortPtr network_port_handle_new(virNetworkPtr net, const unsigned char *uuid)
{
    virConnectPtr conn = net->o.conn;
    virNetworkPortPtr port = HANDLE(struct _virNetworkPort, OBJECT_NETWORK_PORT);
    port->net = object_ref(net);
    memcpy(port->uuid, uuid, VIR_UUID_BUFLEN);
    return port;
}

virInterfacePtr interface_handle_new(virConnectPtr conn, const char *name, const char *mac)
{
    virInterfacePtr iface = HANDLE(struct _virInterface, OBJECT_INTERFACE);
    iface->name = g_strdup(name);
    iface->mac = g_strdup(mac);
    return iface;
}

virStoragePoolPtr storage_pool_handle_new(virConnectPtr conn, const char *name, const unsigned char *uuid)
{
    virStoragePoolPtr pool = HANDLE(struct _virStoragePool, OBJECT_STORAGE_POOL);
    pool->name = g_strdup(name);
    memcpy(pool->uuid, uuid, VIR_UUID_BUFLEN);
    return pool;
}

virStorageVolPtr storage_vol_handle_new(virConnectPtr conn, const char *pool, const char *name, const char *key)
{
    virStorageVolPtr vol = HANDLE(struct _virStorageVol, OBJECT_STORAGE_VOL);
    vol->pool = g_strdup(pool);
    vol->name = g_strdup(name);
    vol->key = g_strdup(key);
    return vol;
}

virNodeDevicePtr node_device_handle_new(virConnectPtr conn, const char *name)
{
    virNodeDevicePtr dev = HANDLE(struct _virNodeDevice, OBJECT_NODE_DEVICE);
    dev->name = g_strdup(name);
    return dev;
}

const char *node_device_handle_set_parent(virNodeDevicePtr dev, const char *parent)
{
    char *copy = g_strdup(parent);
    if (!g_atomic_pointer_compare_and_exchange(&dev->parent, NULL, copy))
        g_free(copy);
    return g_atomic_pointer_get(&dev->parent);
}

virSecretPtr secret_handle_new(virConnectPtr conn, const unsigned char *uuid, int usage_type, const char *usage_id)
{
    virSecretPtr secret = HANDLE(struct _virSecret, OBJECT_SECRET);
    memcpy(secret->uuid, uuid, VIR_UUID_BUFLEN);
    secret->usageType = usage_type;
    secret->usageID = g_strdup(usage_id);
    return secret;
}

virNWFilterPtr nwfilter_handle_new(virConnectPtr conn, const char *name, const unsigned char *uuid)
{
    virNWFilterPtr filter = HANDLE(struct _virNWFilter, OBJECT_NWFILTER);
    filter->name = g_strdup(name);
    memcpy(filter->uuid, uuid, VIR_UUID_BUFLEN);
    return filter;
}

virNWFilterBindingPtr nwfilter_binding_handle_new(virConnectPtr conn, const char *portdev, const char *filtername)
{
    virNWFilterBindingPtr binding = HANDLE(struct _virNWFilterBinding, OBJECT_NWFILTER_BINDING);
    binding->portdev = g_strdup(portdev);
    binding->filtername = g_strdup(filtername);
    return binding;
}

virDomainSnapshotPtr domain_snapshot_handle_new(virDomainPtr domain, const char *name)
{
    virConnectPtr conn = domain->o.conn;
    virDomainSnapshotPtr snapshot = HANDLE(struct _virDomainSnapshot, OBJECT_DOMAIN_SNAPSHOT);
    snapshot->domain = object_ref(domain);
    snapshot->name = g_strdup(name);
    return snapshot;
}

virDomainCheckpointPtr domain_checkpoint_handle_new(virDomainPtr domain, const char *name)
{
    virConnectPtr conn = domain->o.conn;
    virDomainCheckpointPtr checkpoint = HANDLE(struct _virDomainCheckpoint, OBJECT_DOMAIN_CHECKPOINT);
    checkpoint->domain = object_ref(domain);
    checkpoint->name = g_strdup(name);
    return checkpoint;
}

virStreamPtr stream_handle_new(virConnectPtr conn, unsigned int flags)
{
    virStreamPtr st = HANDLE(struct _virStream, OBJECT_STREAM);
    st->flags = flags;
    return st;
}

void *object_ref(void *handle)
{
    g_atomic_int_inc(&((Object *) handle)->refs);
    return handle;
}

gboolean object_try_ref(void *handle)
{
    gint *refs = &((Object *) handle)->refs;
    for (;;) {
        gint n = g_atomic_int_get(refs);
        if (n == 0)
            return FALSE;
        if (g_atomic_int_compare_and_exchange(refs, n, n + 1))
            return TRUE;
    }
}

static void connect_finish(virConnectPtr conn)
{
    if (conn->driver)
        conn->driver->close(conn);
    if (conn->close_free)
        conn->close_free(conn->close_opaque);
    event_registry_free(conn->events);
    uri_free(conn->uri);
    virResetError(&conn->err);
    g_mutex_clear(&conn->lock);
}

/* The strings and handles that each class owns. */
static void handle_finish(Object *o)
{
    union { Object *o; virDomainPtr dom; virNetworkPtr net; virNetworkPortPtr port; virInterfacePtr iface;
            virStoragePoolPtr pool; virStorageVolPtr vol; virNodeDevicePtr dev; virSecretPtr secret;
            virNWFilterPtr filter; virNWFilterBindingPtr binding; virDomainSnapshotPtr snap;
            virDomainCheckpointPtr check; virStreamPtr st; virConnectPtr conn; } u = { o };

    switch ((ObjectClass) o->magic) {
    case OBJECT_CONNECT: connect_finish(u.conn); break;
    case OBJECT_DOMAIN: g_free(u.dom->name); g_slist_free_full(u.dom->former, g_free); break;
    case OBJECT_NETWORK: g_free(u.net->name); break;
    case OBJECT_NETWORK_PORT: object_unref(u.port->net); break;
    case OBJECT_INTERFACE: g_free(u.iface->name); g_free(u.iface->mac); break;
    case OBJECT_STORAGE_POOL: g_free(u.pool->name); break;
    case OBJECT_STORAGE_VOL: g_free(u.vol->pool); g_free(u.vol->name); g_free(u.vol->key); break;
    case OBJECT_NODE_DEVICE: g_free(u.dev->name); g_free(u.dev->parent); break;
    case OBJECT_SECRET: g_free(u.secret->usageID); break;
    case OBJECT_NWFILTER: g_free(u.filter->name); break;
    case OBJECT_NWFILTER_BINDING: g_free(u.binding->portdev); g_free(u.binding->filtername); break;
    case OBJECT_DOMAIN_SNAPSHOT: g_free(u.snap->name); object_unref(u.snap->domain); break;
    case OBJECT_DOMAIN_CHECKPOINT: g_free(u.check->name); object_unref(u.check->domain); break;
    case OBJECT_STREAM:
        if (u.st->free_data)
            u.st->free_data(u.st->data);
        break;
    case OBJECT_ADM_CONNECT: case OBJECT_ADM_SERVER: case OBJECT_ADM_CLIENT:
        break; /* the admin library has handles of its own */
    }
}

void object_unref(void *handle)
{
    Object *o = handle;
    if (!o || !g_atomic_int_dec_and_test(&o->refs))
        return;
    handle_finish(o);
    virConnectPtr conn = o->conn;
    o->magic = 0;
    g_free(o);
    if (conn)
        object_unref(conn);
}

gboolean object_is(const void *handle, ObjectClass cls)
{
    return handle && ((const Object *) handle)->magic == cls;
}

virConnectPtr object_connect(void *handle)
{
    Object *o = handle;
    return o->magic == OBJECT_CONNECT ? handle : o->conn;
}

void object_list_free(void *list, size_t n)
{
    void **items = list;
    for (size_t i = 0; items && i < n; i++)
        object_unref(items[i]);
    g_free(list);
}
