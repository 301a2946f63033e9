/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Registration of event callbacks. A driver that has the member does it itself (the remote driver, which must also tell
 * the server); for all others the connection's registry on the driver's bus does.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/error.h"
#include "core/event.h"
#include "lib/entry.h"
#include "lib/events_priv.h"

int events_check_registration(virConnectPtr conn, const void *cb, const char *func)
{
    virResetLastError();
    if (entry_check(conn, OBJECT_CONNECT, ENTRY_READ, func) < 0 || entry_nonnull(cb, "cb", func) < 0) {
        entry_failed(conn);
        return -1;
    }
    return 0;
}

int events_finish(virConnectPtr conn, int ret)
{
    if (ret < 0)
        error_dispatch(conn);
    return ret;
}

/* The two functions of each family. object_init fills what the callback is limited to. */
#define FAMILY(Name, Type, group, member, family, cls, object_init) \
    int virConnect##Name##EventRegisterAny(virConnectPtr conn, Type object, int eventID, \
                                           virConnect##Name##EventGenericCallback cb, void *opaque, \
                                           virFreeCallback freecb) \
    { \
        if (events_check_registration(conn, (void *) cb, __func__) < 0) \
            return -1; \
        if (object && entry_check(object, cls, ENTRY_READ, __func__) < 0) \
            return events_finish(conn, -1); \
        if (object && object->o.conn != conn) \
            return events_finish(conn, FAIL(VIR_ERR_INVALID_ARG, "object and connection in %s do not belong together", \
                                     __func__)); \
        if (conn->group && conn->group->member##_register_any) \
            return events_finish(conn, conn->group->member##_register_any(conn, object, eventID, cb, opaque, freecb)); \
        EventObject limit = { 0 }; \
        if (object) { \
            object_init; \
        } \
        return events_finish(conn, event_register(conn, family, eventID, object ? &limit : NULL, (PublicCallback) cb, NULL, \
                                           opaque, freecb)); \
    } \
    int virConnect##Name##EventDeregisterAny(virConnectPtr conn, int callbackID) \
    { \
        if (events_check_registration(conn, conn, __func__) < 0) \
            return -1; \
        if (entry_nonneg(callbackID, "callbackID", __func__) < 0) \
            return events_finish(conn, -1); \
        if (conn->group && conn->group->member##_deregister_any) \
            return events_finish(conn, conn->group->member##_deregister_any(conn, callbackID)); \
        return events_finish(conn, event_deregister(conn, family, callbackID)); \
    }

#define BY_UUID memcpy(limit.uuid, object->uuid, VIR_UUID_BUFLEN)

FAMILY(Domain, virDomainPtr, hypervisor, connect_domain_event, EVENT_DOMAIN, OBJECT_DOMAIN, BY_UUID)
FAMILY(Network, virNetworkPtr, network, connect_network_event, EVENT_NETWORK, OBJECT_NETWORK, BY_UUID)
FAMILY(StoragePool, virStoragePoolPtr, storage, connect_storage_pool_event, EVENT_STORAGE_POOL, OBJECT_STORAGE_POOL,
       BY_UUID)
FAMILY(NodeDevice, virNodeDevicePtr, nodedev, connect_node_device_event, EVENT_NODE_DEVICE, OBJECT_NODE_DEVICE,
       limit.name = object->name)
FAMILY(Secret, virSecretPtr, secret, connect_secret_event, EVENT_SECRET, OBJECT_SECRET, BY_UUID)

int virConnectDomainEventRegister(virConnectPtr conn, virConnectDomainEventCallback cb, void *opaque,
                                  virFreeCallback freecb)
{
    int id = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                              VIR_DOMAIN_EVENT_CALLBACK((PublicCallback) cb), opaque, freecb);
    return id < 0 ? -1 : 0;
}

int virConnectDomainEventDeregister(virConnectPtr conn, virConnectDomainEventCallback cb)
{
    if (events_check_registration(conn, (void *) cb, __func__) < 0)
        return -1;
    int id = event_registry_find(conn->events, EVENT_DOMAIN, VIR_DOMAIN_EVENT_ID_LIFECYCLE, (PublicCallback) cb);
    if (id < 0)
        return events_finish(conn, FAIL(VIR_ERR_INVALID_ARG, "this callback is not registered"));
    return virConnectDomainEventDeregisterAny(conn, id);
}
