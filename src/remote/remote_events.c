/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Events over RPC. The server is told once for each (event, object) that somebody here waits for; what it sends carries
 * the number that it gave, and goes to those callbacks alone.
 */
#define ERROR_DOMAIN VIR_FROM_REMOTE
#include "base/error.h"
#include "core/event.h"
#include "core/event_table.h"
#include "remote/remote_call.h"
#include "rpc/xdr_values.h"

typedef struct Registration {
    EventFamily family;
    int event;
    gboolean has_object;
    unsigned char uuid[VIR_UUID_BUFLEN];
    char *name;
    int remote_id;
    int users;
} Registration;

/* The procedures of each family. */
static const struct { int add, remove; } procedures[EVENT_FAMILIES] = {
    [EVENT_DOMAIN] = { REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY,
                       REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY },
    [EVENT_NETWORK] = { REMOTE_PROC_CONNECT_NETWORK_EVENT_REGISTER_ANY,
                        REMOTE_PROC_CONNECT_NETWORK_EVENT_DEREGISTER_ANY },
    [EVENT_STORAGE_POOL] = { REMOTE_PROC_CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY,
                             REMOTE_PROC_CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY },
    [EVENT_NODE_DEVICE] = { REMOTE_PROC_CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY,
                            REMOTE_PROC_CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY },
    [EVENT_SECRET] = { REMOTE_PROC_CONNECT_SECRET_EVENT_REGISTER_ANY,
                       REMOTE_PROC_CONNECT_SECRET_EVENT_DEREGISTER_ANY },
};

static void registration_free(gpointer data)
{
    Registration *r = data;
    g_free(r->name);
    g_free(r);
}

void remote_registrations_free(GPtrArray *registrations)
{
    g_ptr_array_set_free_func(registrations, registration_free);
    g_ptr_array_unref(registrations);
}

void remote_event_received(RemoteConn *remote, const RpcPacket *packet, virConnectPtr conn)
{
    EventFamily family = packet->header.program == QEMU_PROGRAM ? EVENT_QEMU_MONITOR : EVENT_DOMAIN;
    const EventDesc *desc = event_desc_by_proc(family, packet->header.procedure);
    if (!desc)
        return; /* of a newer server */
    XdrIn in;
    int callback_id;
    xdr_in_init(&in, packet->payload, packet->len);
    Event *event = xdr_get_event(&in, desc, packet->header.procedure == desc->legacy_proc, &callback_id);
    if (!event)
        return;
    event->remote_id = callback_id;
    event_emit(remote->bus, event);
}

static int tell_server(virConnectPtr conn, EventFamily family, int event, void *object)
{
    RemoteCall call;
    remote_call_begin(&call, conn, REMOTE_PROGRAM, procedures[family].add);
    xdr_put_int(&call.out, event);
    switch (family) {
    case EVENT_DOMAIN: xdr_put_domain_opt(&call.out, object); break;
    case EVENT_NETWORK: xdr_put_network_opt(&call.out, object); break;
    case EVENT_STORAGE_POOL: xdr_put_storage_pool_opt(&call.out, object); break;
    case EVENT_NODE_DEVICE: xdr_put_node_device_opt(&call.out, object); break;
    case EVENT_SECRET: xdr_put_secret_opt(&call.out, object); break;
    default: break;
    }
    if (remote_call_run(&call) < 0)
        return -1;
    int id = xdr_get_int(&call.in);
    return remote_call_end(&call) < 0 ? -1 : id;
}

static int forget_at_server(virConnectPtr conn, guint32 program, int procedure, int remote_id)
{
    RemoteCall call;
    remote_call_begin(&call, conn, program, procedure);
    xdr_put_int(&call.out, remote_id);
    if (remote_call_run(&call) < 0)
        return -1;
    return remote_call_end(&call);
}

static Registration *find(RemoteConn *remote, EventFamily family, int event, const EventObject *limit)
{
    for (guint i = 0; i < remote->registrations->len; i++) {
        Registration *r = remote->registrations->pdata[i];
        if (r->family == family && r->event == event && r->has_object == (limit != NULL) &&
            (!limit || (memcmp(r->uuid, limit->uuid, VIR_UUID_BUFLEN) == 0 && g_strcmp0(r->name, limit->name) == 0)))
            return r;
    }
    return NULL;
}

/* lock held: two threads that register the same thing must not both ask */
static Registration *obtain(virConnectPtr conn, EventFamily family, int event, const EventObject *limit, void *object)
{
    RemoteConn *remote = conn->data;
    Registration *r = find(remote, family, event, limit);
    if (!r) {
        int remote_id = tell_server(conn, family, event, object);
        if (remote_id < 0)
            return NULL;
        r = g_new0(Registration, 1);
        r->family = family;
        r->event = event;
        r->remote_id = remote_id;
        r->has_object = limit != NULL;
        if (limit) {
            memcpy(r->uuid, limit->uuid, VIR_UUID_BUFLEN);
            r->name = g_strdup(limit->name);
        }
        g_ptr_array_add(remote->registrations, r);
    }
    r->users++;
    return r;
}

static int release(virConnectPtr conn, EventFamily family, int remote_id)
{
    RemoteConn *remote = conn->data;
    for (guint i = 0; i < remote->registrations->len; i++) {
        Registration *r = remote->registrations->pdata[i];
        if (r->family != family || r->remote_id != remote_id || --r->users > 0)
            continue;
        g_ptr_array_remove_index_fast(remote->registrations, i);
        registration_free(r);
        if (family == EVENT_QEMU_MONITOR)
            return forget_at_server(conn, QEMU_PROGRAM, QEMU_PROC_CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER, remote_id);
        return forget_at_server(conn, REMOTE_PROGRAM, procedures[family].remove, remote_id);
    }
    return 0;
}

static int add(virConnectPtr conn, EventFamily family, int event, const EventObject *limit, void *object,
               PublicCallback cb, void *opaque, virFreeCallback freecb)
{
    RemoteConn *remote = conn->data;
    g_mutex_lock(&remote->lock);
    int id = -1;
    Registration *r = obtain(conn, family, event, limit, object);
    if (r) {
        id = event_register(conn, family, event, limit, cb, NULL, opaque, freecb);
        if (id >= 0)
            event_registry_set_remote(conn->events, family, id, r->remote_id);
        else
            release(conn, family, r->remote_id);
    }
    g_mutex_unlock(&remote->lock);
    return id;
}

static int drop(virConnectPtr conn, EventFamily family, int callback_id)
{
    RemoteConn *remote = conn->data;
    g_mutex_lock(&remote->lock);
    int remote_id = event_registry_remote(conn->events, family, callback_id);
    int ret = event_deregister(conn, family, callback_id);
    if (ret == 0)
        ret = release(conn, family, remote_id);
    g_mutex_unlock(&remote->lock);
    return ret;
}

#define FAMILY(member, Type, Callback, family, limit_init) \
    int remote_##member##_register_any(virConnectPtr conn, Type object, int eventID, Callback cb, void *opaque, \
                                       virFreeCallback freecb) \
    { \
        EventObject limit = { 0 }; \
        if (object) { \
            limit_init; \
        } \
        return add(conn, family, eventID, object ? &limit : NULL, object, (PublicCallback) cb, opaque, freecb); \
    } \
    int remote_##member##_deregister_any(virConnectPtr conn, int callbackID) \
    { \
        return drop(conn, family, callbackID); \
    }

#define BY_UUID memcpy(limit.uuid, object->uuid, VIR_UUID_BUFLEN)

FAMILY(connect_domain_event, virDomainPtr, virConnectDomainEventGenericCallback, EVENT_DOMAIN, BY_UUID)
FAMILY(connect_network_event, virNetworkPtr, virConnectNetworkEventGenericCallback, EVENT_NETWORK, BY_UUID)
FAMILY(connect_storage_pool_event, virStoragePoolPtr, virConnectStoragePoolEventGenericCallback, EVENT_STORAGE_POOL,
       BY_UUID)
FAMILY(connect_node_device_event, virNodeDevicePtr, virConnectNodeDeviceEventGenericCallback, EVENT_NODE_DEVICE,
       limit.name = object->name)
FAMILY(connect_secret_event, virSecretPtr, virConnectSecretEventGenericCallback, EVENT_SECRET, BY_UUID)

int remote_connect_domain_event_register(virConnectPtr conn, virConnectDomainEventCallback cb, void *opaque,
                                         virFreeCallback freecb)
{
    return add(conn, EVENT_DOMAIN, VIR_DOMAIN_EVENT_ID_LIFECYCLE, NULL, NULL, (PublicCallback) cb, opaque, freecb) < 0
               ? -1 : 0;
}

int remote_connect_domain_event_deregister(virConnectPtr conn, virConnectDomainEventCallback cb)
{
    return drop(conn, EVENT_DOMAIN,
                event_registry_find(conn->events, EVENT_DOMAIN, VIR_DOMAIN_EVENT_ID_LIFECYCLE, (PublicCallback) cb));
}

int remote_connect_domain_qemu_monitor_event_register(virConnectPtr conn, virDomainPtr dom, const char *event,
                                                      virConnectDomainQemuMonitorEventCallback cb, void *opaque,
                                                      virFreeCallback freecb, unsigned int flags)
{
    RemoteConn *remote = conn->data;
    RemoteCall call;
    remote_call_begin(&call, conn, QEMU_PROGRAM, QEMU_PROC_CONNECT_DOMAIN_MONITOR_EVENT_REGISTER);
    xdr_put_domain_opt(&call.out, dom);
    xdr_put_string_opt(&call.out, event);
    xdr_put_uint(&call.out, flags);
    if (remote_call_run(&call) < 0)
        return -1;
    int remote_id = xdr_get_int(&call.in);
    if (remote_call_end(&call) < 0)
        return -1;

    EventObject limit = { 0 };
    if (dom)
        memcpy(limit.uuid, dom->uuid, VIR_UUID_BUFLEN);
    int id = event_register_monitor(conn, dom ? &limit : NULL, event, flags, (PublicCallback) cb, NULL, opaque, freecb);
    g_mutex_lock(&remote->lock);
    Registration *r = g_new0(Registration, 1);
    r->family = EVENT_QEMU_MONITOR;
    r->remote_id = remote_id;
    r->users = 1;
    g_ptr_array_add(remote->registrations, r);
    if (id < 0)
        release(conn, EVENT_QEMU_MONITOR, remote_id);
    else
        event_registry_set_remote(conn->events, EVENT_QEMU_MONITOR, id, remote_id);
    g_mutex_unlock(&remote->lock);
    return id;
}

int remote_connect_domain_qemu_monitor_event_deregister(virConnectPtr conn, int callbackID)
{
    return drop(conn, EVENT_QEMU_MONITOR, callbackID);
}
