/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirt-qemu.so: functions of a shape of their own. The others are generated.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/error.h"
#include "core/event.h"
#include "lib/entry.h"
#include "lib/events_priv.h"
#include <libvirt/libvirt-qemu.h>

int virConnectDomainQemuMonitorEventRegister(virConnectPtr conn, virDomainPtr dom, const char *event,
                                             virConnectDomainQemuMonitorEventCallback cb, void *opaque,
                                             virFreeCallback freecb, unsigned int flags)
{
    if (events_check_registration(conn, (void *) cb, __func__) < 0)
        return -1;
    if (entry_check(conn, OBJECT_CONNECT, ENTRY_WRITE, __func__) < 0 ||
        (dom && entry_check(dom, OBJECT_DOMAIN, ENTRY_READ, __func__) < 0))
        return events_finish(conn, -1);
    if (conn->hypervisor && conn->hypervisor->connect_domain_qemu_monitor_event_register)
        return events_finish(conn, conn->hypervisor->connect_domain_qemu_monitor_event_register(conn, dom, event, cb, opaque,
                                                                                      freecb, flags));
    EventObject limit = { 0 };
    if (dom)
        memcpy(limit.uuid, dom->uuid, VIR_UUID_BUFLEN);
    return events_finish(conn, event_register_monitor(conn, dom ? &limit : NULL, event, flags, (PublicCallback) cb, NULL,
                                               opaque, freecb));
}

int virConnectDomainQemuMonitorEventDeregister(virConnectPtr conn, int callbackID)
{
    if (events_check_registration(conn, conn, __func__) < 0)
        return -1;
    if (entry_nonneg(callbackID, "callbackID", __func__) < 0)
        return events_finish(conn, -1);
    if (conn->hypervisor && conn->hypervisor->connect_domain_qemu_monitor_event_deregister)
        return events_finish(conn, conn->hypervisor->connect_domain_qemu_monitor_event_deregister(conn, callbackID));
    if (!conn->hypervisor || !conn->hypervisor->domain_qemu_monitor_command) {
        entry_unsupported(conn, __func__);
        return -1;
    }
    return events_finish(conn, event_deregister(conn, EVENT_QEMU_MONITOR, callbackID));
}
