/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#define LOG_SOURCE "network.limits"
#include "network/limits.h"
#include "base/error.h"
#include "base/log.h"

NetlinkRate limits_rate(const BandwidthLimit *limit)
{
    if (!limit)
        return (NetlinkRate) { 0 };
    return (NetlinkRate) { MIN(limit->average, G_MAXUINT32) * 1000, MIN(limit->peak, G_MAXUINT32) * 1000,
                           MIN(limit->burst, G_MAXUINT32) * 1024 };
}

int limits_set(const char *device, const Bandwidth *bandwidth, bool guest_sends)
{
    NetlinkRate in = limits_rate(bandwidth ? bandwidth->inbound : NULL), out = limits_rate(bandwidth ? bandwidth->outbound : NULL);
    const NetlinkRate *sent = guest_sends ? &out : &in, *received = guest_sends ? &in : &out;
    g_autoptr(Netlink) nl = netlink_open();
    guint32 index = netlink_index(device);
    if (!nl)
        return -1;
    if (!index)
        return FAIL(VIR_ERR_OPERATION_FAILED, "cannot limit the traffic of network device '%s': it is gone", device);
    if ((sent->average ? netlink_shape(nl, index, sent) : netlink_shape_end(nl, index)) < 0)
        return -1;
    return received->average ? netlink_police(nl, index, device, received) : netlink_police_end(nl, device);
}

void limits_forget(const char *device)
{
    virErrorPtr error = error_save();
    g_autoptr(Netlink) nl = netlink_open();
    if (!nl || netlink_police_end(nl, device) < 0)
        LOG_WARN("%s", error_message());
    error_restore(error);
}

void limits_sweep(void)
{
    g_autoptr(Netlink) nl = netlink_open();
    if (!nl || netlink_police_sweep(nl) < 0)
        LOG_WARN("%s", error_message());
    virResetLastError();
}
