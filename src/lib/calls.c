/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Public functions with a shape of their own: those that free what others returned, old structs with a size
 * argument, lists of domains.
 */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#include "base/error.h"
#include "lib/entry.h"
#include <libvirt/libvirt-lxc.h>

unsigned int virDomainGetID(virDomainPtr domain)
{
    virResetLastError();
    if (entry_check(domain, OBJECT_DOMAIN, ENTRY_READ, __func__) < 0) {
        error_dispatch(NULL);
        return (unsigned int) -1;
    }
    return domain->id;
}

virDomainPtr virDomainCreateLinux(virConnectPtr conn, const char *xmlDesc, unsigned int flags)
{
    return virDomainCreateXML(conn, xmlDesc, flags);
}

const char *virNodeDeviceGetParent(virNodeDevicePtr dev)
{
    virResetLastError();
    if (entry_check(dev, OBJECT_NODE_DEVICE, ENTRY_READ, __func__) < 0) {
        error_dispatch(NULL);
        return NULL;
    }
    const char *parent = g_atomic_pointer_get(&dev->parent);
    if (parent)
        return parent;
    if (!dev->o.conn->nodedev || !dev->o.conn->nodedev->node_device_get_parent) {
        entry_unsupported(dev, __func__);
        return NULL;
    }
    parent = dev->o.conn->nodedev->node_device_get_parent(dev);
    if (!parent && error_code() != VIR_ERR_OK) /* without an error it has none */
        entry_failed(dev);
    return parent;
}

/* Programs compiled against an older, shorter struct pass its size. */
static int copy_sized(void *to, size_t size, const void *from, size_t whole)
{
    if (size > whole)
        return FAIL(VIR_ERR_INVALID_ARG, "size %zu is more than the %zu of the struct", size, whole);
    memcpy(to, from, size);
    return 0;
}

int virDomainBlockStats(virDomainPtr dom, const char *disk, virDomainBlockStatsPtr stats, size_t size)
{
    virResetLastError();
    virDomainBlockStatsStruct whole = { -1, -1, -1, -1, -1 };
    if (entry_check(dom, OBJECT_DOMAIN, ENTRY_READ, __func__) < 0 || entry_nonnull(disk, "disk", __func__) < 0 ||
        entry_nonnull(stats, "stats", __func__) < 0) {
        entry_failed(dom);
        return -1;
    }
    const HypervisorDriver *driver = dom->o.conn->hypervisor;
    if (!driver || !driver->domain_block_stats) {
        entry_unsupported(dom, __func__);
        return -1;
    }
    int ret = size > sizeof(whole) ? copy_sized(NULL, size, NULL, sizeof(whole))
                                   : driver->domain_block_stats(dom, disk, &whole, sizeof(whole));
    if (ret < 0 || copy_sized(stats, size, &whole, sizeof(whole)) < 0) {
        entry_failed(dom);
        return -1;
    }
    return 0;
}

int virDomainInterfaceStats(virDomainPtr dom, const char *device, virDomainInterfaceStatsPtr stats, size_t size)
{
    virResetLastError();
    virDomainInterfaceStatsStruct whole = { -1, -1, -1, -1, -1, -1, -1, -1 };
    if (entry_check(dom, OBJECT_DOMAIN, ENTRY_READ, __func__) < 0 || entry_nonnull(device, "device", __func__) < 0 ||
        entry_nonnull(stats, "stats", __func__) < 0) {
        entry_failed(dom);
        return -1;
    }
    const HypervisorDriver *driver = dom->o.conn->hypervisor;
    if (!driver || !driver->domain_interface_stats) {
        entry_unsupported(dom, __func__);
        return -1;
    }
    int ret = size > sizeof(whole) ? copy_sized(NULL, size, NULL, sizeof(whole))
                                   : driver->domain_interface_stats(dom, device, &whole, sizeof(whole));
    if (ret < 0 || copy_sized(stats, size, &whole, sizeof(whole)) < 0) {
        entry_failed(dom);
        return -1;
    }
    return 0;
}

int virConnectGetAllDomainStats(virConnectPtr conn, unsigned int stats, virDomainStatsRecordPtr **retStats,
                                unsigned int flags)
{
    virResetLastError();
    if (entry_check(conn, OBJECT_CONNECT, ENTRY_READ, __func__) < 0 ||
        entry_nonnull(retStats, "retStats", __func__) < 0) {
        entry_failed(conn);
        return -1;
    }
    if (!conn->hypervisor || !conn->hypervisor->connect_get_all_domain_stats) {
        entry_unsupported(conn, __func__);
        return -1;
    }
    int ret = conn->hypervisor->connect_get_all_domain_stats(conn, stats, retStats, flags);
    if (ret < 0)
        entry_failed(conn);
    return ret;
}

int virDomainListGetStats(virDomainPtr *doms, unsigned int stats, virDomainStatsRecordPtr **retStats,
                          unsigned int flags)
{
    virResetLastError();
    if (entry_nonnull(doms, "doms", __func__) < 0 || entry_nonnull(retStats, "retStats", __func__) < 0 ||
        entry_check(doms[0], OBJECT_DOMAIN, ENTRY_READ, __func__) < 0) {
        error_dispatch(NULL);
        return -1;
    }
    virConnectPtr conn = doms[0]->o.conn;
    for (virDomainPtr *d = doms; *d; d++) {
        if (entry_check(*d, OBJECT_DOMAIN, ENTRY_READ, __func__) < 0 || (*d)->o.conn != conn) {
            if ((*d)->o.magic == OBJECT_DOMAIN)
                error_report(ERROR_DOMAIN, VIR_ERR_INVALID_ARG, "domains in %s must belong to one connection", __func__);
            entry_failed(conn);
            return -1;
        }
    }
    if (!conn->hypervisor || !conn->hypervisor->domain_list_get_stats) {
        entry_unsupported(conn, __func__);
        return -1;
    }
    int ret = conn->hypervisor->domain_list_get_stats(doms, stats, retStats, flags);
    if (ret < 0)
        entry_failed(conn);
    return ret;
}

void virDomainStatsRecordListFree(virDomainStatsRecordPtr *stats)
{
    for (virDomainStatsRecordPtr *record = stats; record && *record; record++) {
        virTypedParamsFree((*record)->params, (*record)->nparams);
        object_unref((*record)->dom);
        g_free(*record);
    }
    g_free(stats);
}

void virDomainIOThreadInfoFree(virDomainIOThreadInfoPtr info)
{
    if (!info)
        return;
    g_free(info->cpumap);
    g_free(info);
}

void virDomainFSInfoFree(virDomainFSInfoPtr info)
{
    if (!info)
        return;
    g_free(info->mountpoint);
    g_free(info->name);
    g_free(info->fstype);
    for (size_t i = 0; i < info->ndevAlias; i++)
        g_free(info->devAlias[i]);
    g_free(info->devAlias);
    g_free(info);
}

void virDomainInterfaceFree(virDomainInterfacePtr iface)
{
    if (!iface)
        return;
    g_free(iface->name);
    g_free(iface->hwaddr);
    for (unsigned int i = 0; i < iface->naddrs; i++)
        g_free(iface->addrs[i].addr);
    g_free(iface->addrs);
    g_free(iface);
}

void virNetworkDHCPLeaseFree(virNetworkDHCPLeasePtr lease)
{
    if (!lease)
        return;
    g_free(lease->iface);
    g_free(lease->mac);
    g_free(lease->iaid);
    g_free(lease->ipaddr);
    g_free(lease->hostname);
    g_free(lease->clientid);
    g_free(lease);
}
