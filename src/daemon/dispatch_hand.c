/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls whose C form and wire form differ too much for the table (marked "hand" there).
 */
#define ERROR_DOMAIN VIR_FROM_RPC
#include "base/error.h"
#include "daemon/dispatch_priv.h"
#include "lib/entry.h"
#include "remote/features.h"
#include <libvirt/libvirt-lxc.h>
#include <libvirt/libvirt-qemu.h>

/* Opening */

int dispatch_connect_open(DispatchCall *call)
{
    g_autofree char *name = xdr_get_string_opt(&call->in);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0)
        return -1;
    if (call->conn)
        return FAIL(VIR_ERR_RPC, "connection already open");
    virConnectPtr conn = lib_open_for_client(name, flags, server_client_kind(call->client) == SERVER_RO);
    if (!conn)
        return -1;
    g_mutex_lock(&call->state->lock);
    call->state->conn = conn;
    g_mutex_unlock(&call->state->lock);
    return 0;
}

int dispatch_connect_close(DispatchCall *call)
{
    if (dispatch_args_done(call) < 0)
        return -1;
    /* what the connection owns goes before the reply, so that who opens another one doesn't find it; unless a call still uses it */
    g_mutex_lock(&call->state->lock);
    virConnectPtr conn = g_steal_pointer(&call->state->conn);
    g_mutex_unlock(&call->state->lock);
    if (conn)
        event_registry_clear(conn->events);
    object_unref(conn);
    g_clear_pointer(&call->conn, object_unref);
    server_client_close(call->client, TRUE);
    return 0;
}

int dispatch_connect_supports_feature(DispatchCall *call)
{
    int feature = xdr_get_int(&call->in);
    if (dispatch_args_done(call) < 0)
        return -1;
    int supported = 0;
    switch (feature) {
    case FEATURE_PROGRAM_KEEPALIVE:
        server_client_enable_keepalive(call->client);
        supported = 1;
        break;
    case FEATURE_FD_PASSING: case FEATURE_TYPED_PARAM_STRING: case FEATURE_REMOTE_EVENT_CALLBACK:
    case FEATURE_REMOTE_CLOSE_CALLBACK: case FEATURE_XML_MIGRATABLE: case FEATURE_NETWORK_UPDATE_ORDER:
        supported = 1;
        break;
    }
    xdr_put_int(&call->out, supported);
    return 0;
}

/* Files */

int dispatch_domain_create_xml_with_files(DispatchCall *call)
{
    g_autofree char *xml = xdr_get_string(&call->in);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0)
        return -1;
    g_autoptr(virDomain) dom = virDomainCreateXMLWithFiles(call->conn, xml, call->n_fds, call->fds, flags);
    if (!dom)
        return -1;
    xdr_put_domain(&call->out, dom);
    return 0;
}

int dispatch_domain_create_with_files(DispatchCall *call)
{
    g_autoptr(virDomain) dom = xdr_get_domain(&call->in, call->conn);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0 || virDomainCreateWithFiles(dom, call->n_fds, call->fds, flags) < 0)
        return -1;
    xdr_put_domain(&call->out, dom);
    return 0;
}

int dispatch_domain_fd_associate(DispatchCall *call)
{
    g_autoptr(virDomain) dom = xdr_get_domain(&call->in, call->conn);
    g_autofree char *name = xdr_get_string(&call->in);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0)
        return -1;
    return virDomainFDAssociate(dom, name, call->n_fds, call->fds, flags);
}

int dispatch_domain_open_graphics(DispatchCall *call)
{
    g_autoptr(virDomain) dom = xdr_get_domain(&call->in, call->conn);
    unsigned int idx = xdr_get_uint(&call->in);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0)
        return -1;
    if (call->n_fds != 1)
        return FAIL(VIR_ERR_RPC, "one descriptor must be passed, got %u", call->n_fds);
    return virDomainOpenGraphics(dom, idx, call->fds[0], flags);
}

int dispatch_domain_open_graphics_fd(DispatchCall *call)
{
    g_autoptr(virDomain) dom = xdr_get_domain(&call->in, call->conn);
    unsigned int idx = xdr_get_uint(&call->in);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0)
        return -1;
    int fd = virDomainOpenGraphicsFD(dom, idx, flags);
    if (fd < 0)
        return -1;
    call->out_fds[call->n_out_fds++] = fd;
    rpc_packet_begin(&call->out, call->n_out_fds);
    return 0;
}

int dispatch_domain_open_namespace(DispatchCall *call)
{
    g_autoptr(virDomain) dom = xdr_get_domain(&call->in, call->conn);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0)
        return -1;
    g_autofree int *fds = NULL;
    int n = virDomainLxcOpenNamespace(dom, &fds, flags);
    if (n < 0)
        return -1;
    call->n_out_fds = MIN(n, RPC_FDS_MAX);
    memcpy(call->out_fds, fds, call->n_out_fds * sizeof(int));
    call->fds_reply = TRUE;
    rpc_packet_begin(&call->out, call->n_out_fds);
    return 0;
}

int dispatch_domain_monitor_command_with_files(DispatchCall *call)
{
    g_autoptr(virDomain) dom = xdr_get_domain(&call->in, call->conn);
    g_autofree char *cmd = xdr_get_string(&call->in);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0)
        return -1;
    unsigned int n_out = 0;
    g_autofree int *out = NULL;
    g_autofree char *result = NULL;
    if (virDomainQemuMonitorCommandWithFiles(dom, cmd, call->n_fds, call->fds, &n_out, &out, &result, flags) < 0)
        return -1;
    call->n_out_fds = MIN(n_out, RPC_FDS_MAX);
    if (call->n_out_fds) {
        memcpy(call->out_fds, out, call->n_out_fds * sizeof(int));
        rpc_packet_begin(&call->out, call->n_out_fds);
    }
    xdr_put_string(&call->out, result);
    return 0;
}

/* Buffers */

int dispatch_domain_block_peek(DispatchCall *call)
{
    g_autoptr(virDomain) dom = xdr_get_domain(&call->in, call->conn);
    g_autofree char *disk = xdr_get_string(&call->in);
    unsigned long long offset = xdr_get_uhyper(&call->in);
    unsigned int size = xdr_get_uint(&call->in);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0 || dispatch_room(call, size, REMOTE_DOMAIN_BLOCK_PEEK_BUFFER_MAX) < 0)
        return -1;
    g_autofree char *buffer = g_malloc0(MAX(size, 1));
    if (virDomainBlockPeek(dom, disk, offset, size, buffer, flags) < 0)
        return -1;
    xdr_put_opaque(&call->out, buffer, size, REMOTE_DOMAIN_BLOCK_PEEK_BUFFER_MAX);
    return 0;
}

int dispatch_domain_memory_peek(DispatchCall *call)
{
    g_autoptr(virDomain) dom = xdr_get_domain(&call->in, call->conn);
    unsigned long long offset = xdr_get_uhyper(&call->in);
    unsigned int size = xdr_get_uint(&call->in);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0 || dispatch_room(call, size, REMOTE_DOMAIN_MEMORY_PEEK_BUFFER_MAX) < 0)
        return -1;
    g_autofree char *buffer = g_malloc0(MAX(size, 1));
    if (virDomainMemoryPeek(dom, offset, size, buffer, flags) < 0)
        return -1;
    xdr_put_opaque(&call->out, buffer, size, REMOTE_DOMAIN_MEMORY_PEEK_BUFFER_MAX);
    return 0;
}

int dispatch_secret_get_value(DispatchCall *call)
{
    g_autoptr(virSecret) secret = xdr_get_secret(&call->in, call->conn);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0)
        return -1;
    size_t size = 0;
    g_autofree unsigned char *value = virSecretGetValue(secret, &size, flags);
    if (!value)
        return -1;
    xdr_put_opaque(&call->out, value, size, REMOTE_SECRET_VALUE_MAX);
    explicit_bzero(value, size);
    return 0;
}

/* Processors */

int dispatch_domain_get_vcpus(DispatchCall *call)
{
    g_autoptr(virDomain) dom = xdr_get_domain(&call->in, call->conn);
    int maxinfo = xdr_get_int(&call->in);
    int maplen = xdr_get_int(&call->in);
    if (dispatch_args_done(call) < 0 || dispatch_room(call, maxinfo, REMOTE_VCPUINFO_MAX) < 0 ||
        dispatch_room(call, (long long) maplen, REMOTE_CPUMAPS_MAX) < 0 ||
        dispatch_room(call, (long long) maxinfo * maplen, REMOTE_CPUMAPS_MAX) < 0)
        return -1;
    g_autofree virVcpuInfo *info = g_new0(virVcpuInfo, MAX(maxinfo, 1));
    g_autofree unsigned char *maps = maplen ? g_malloc0((size_t) maxinfo * maplen + 1) : NULL;
    int n = virDomainGetVcpus(dom, info, maxinfo, maps, maplen);
    if (n < 0)
        return -1;
    if (xdr_put_count(&call->out, n, REMOTE_VCPUINFO_MAX))
        for (int i = 0; i < n; i++)
            xdr_put_vcpu_info(&call->out, &info[i]);
    xdr_put_opaque(&call->out, maps, (size_t) maxinfo * maplen, REMOTE_CPUMAPS_MAX);
    return 0;
}

int dispatch_domain_get_vcpu_pin_info(DispatchCall *call)
{
    g_autoptr(virDomain) dom = xdr_get_domain(&call->in, call->conn);
    int ncpumaps = xdr_get_int(&call->in);
    int maplen = xdr_get_int(&call->in);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0 || dispatch_room(call, ncpumaps, REMOTE_VCPUINFO_MAX) < 0 ||
        dispatch_room(call, maplen, REMOTE_CPUMAPS_MAX) < 0 ||
        dispatch_room(call, (long long) ncpumaps * maplen, REMOTE_CPUMAPS_MAX) < 0)
        return -1;
    g_autofree unsigned char *maps = g_malloc0((size_t) ncpumaps * maplen + 1);
    int n = virDomainGetVcpuPinInfo(dom, ncpumaps, maps, maplen, flags);
    if (n < 0)
        return -1;
    xdr_put_opaque(&call->out, maps, (size_t) ncpumaps * maplen, REMOTE_CPUMAPS_MAX);
    xdr_put_int(&call->out, n);
    return 0;
}

int dispatch_node_get_cpu_map(DispatchCall *call)
{
    int need_map = xdr_get_int(&call->in);
    int need_online = xdr_get_int(&call->in);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0)
        return -1;
    g_autofree unsigned char *map = NULL;
    unsigned int online = 0;
    int n = virNodeGetCPUMap(call->conn, need_map ? &map : NULL, need_online ? &online : NULL, flags);
    if (n < 0)
        return -1;
    xdr_put_opaque(&call->out, map, map ? VIR_CPU_MAPLEN(n) : 0, REMOTE_CPUMAP_MAX);
    xdr_put_uint(&call->out, online);
    xdr_put_int(&call->out, n);
    return 0;
}

int dispatch_node_get_free_pages(DispatchCall *call)
{
    size_t npages = xdr_get_count(&call->in, REMOTE_NODE_MAX_CELLS);
    g_autofree unsigned int *pages = g_new0(unsigned int, npages + 1);
    for (size_t i = 0; i < npages; i++)
        pages[i] = xdr_get_uint(&call->in);
    int start = xdr_get_int(&call->in);
    unsigned int cells = xdr_get_uint(&call->in);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0 || dispatch_room(call, cells, REMOTE_NODE_MAX_CELLS) < 0 ||
        dispatch_room(call, (long long) npages * cells, REMOTE_NODE_MAX_CELLS) < 0)
        return -1;
    g_autofree unsigned long long *counts = g_new0(unsigned long long, npages * cells + 1);
    int n = virNodeGetFreePages(call->conn, npages, pages, start, cells, counts, flags);
    if (n < 0)
        return -1;
    if (xdr_put_count(&call->out, n, REMOTE_NODE_MAX_CELLS))
        for (int i = 0; i < n; i++)
            xdr_put_uhyper(&call->out, counts[i]);
    return 0;
}

int dispatch_domain_get_cpu_stats(DispatchCall *call)
{
    g_autoptr(virDomain) dom = xdr_get_domain(&call->in, call->conn);
    unsigned int nparams = xdr_get_uint(&call->in);
    int start = xdr_get_int(&call->in);
    unsigned int ncpus = xdr_get_uint(&call->in);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0 || dispatch_room(call, nparams, REMOTE_NODE_CPU_STATS_MAX) < 0 ||
        dispatch_room(call, ncpus, REMOTE_DOMAIN_GET_CPU_STATS_NCPUS_MAX) < 0)
        return -1;
    int room = nparams * MAX(ncpus, 1);
    g_autofree virTypedParameter *params = room ? g_new0(virTypedParameter, room) : NULL;
    int n = virDomainGetCPUStats(dom, params, nparams, start, ncpus, flags);
    if (n < 0)
        return -1;
    xdr_put_typed_params(&call->out, params, room, REMOTE_DOMAIN_GET_CPU_STATS_MAX);
    xdr_put_int(&call->out, n);
    virTypedParamsClear(params, room);
    return 0;
}

/* Lists */

int dispatch_domain_get_security_label_list(DispatchCall *call)
{
    g_autoptr(virDomain) dom = xdr_get_domain(&call->in, call->conn);
    if (dispatch_args_done(call) < 0)
        return -1;
    g_autofree virSecurityLabel *labels = NULL;
    int n = virDomainGetSecurityLabelList(dom, &labels);
    if (n < 0)
        return -1;
    if (xdr_put_count(&call->out, n, REMOTE_SECURITY_LABEL_LIST_MAX))
        for (int i = 0; i < n; i++)
            xdr_put_security_label(&call->out, &labels[i]);
    xdr_put_int(&call->out, n);
    return 0;
}

int dispatch_connect_get_all_domain_stats(DispatchCall *call)
{
    size_t n_doms = xdr_get_count(&call->in, REMOTE_DOMAIN_LIST_MAX);
    virDomainPtr *doms = g_new0(virDomainPtr, n_doms + 1);
    for (size_t i = 0; i < n_doms; i++)
        doms[i] = xdr_get_domain(&call->in, call->conn);
    unsigned int stats = xdr_get_uint(&call->in);
    unsigned int flags = xdr_get_uint(&call->in);
    virDomainStatsRecordPtr *records = NULL;
    int n = dispatch_args_done(call);
    if (n == 0)
        n = n_doms ? virDomainListGetStats(doms, stats, &records, flags)
                   : virConnectGetAllDomainStats(call->conn, stats, &records, flags);
    if (n >= 0 && xdr_put_count(&call->out, n, REMOTE_DOMAIN_LIST_MAX))
        for (int i = 0; i < n; i++)
            xdr_put_domain_stats_record(&call->out, records[i]);
    virDomainStatsRecordListFree(records);
    object_list_free(doms, n_doms);
    return n < 0 ? -1 : 0;
}

/* Not there yet: the phases of migration (no driver has them). */
#define UNSUPPORTED(name) \
    int dispatch_##name(DispatchCall *call) \
    { \
        return FAIL(VIR_ERR_NO_SUPPORT, "%s", #name); \
    }

UNSUPPORTED(domain_migrate_prepare)
UNSUPPORTED(domain_migrate_perform)
UNSUPPORTED(domain_migrate_finish)
UNSUPPORTED(domain_migrate_prepare2)
UNSUPPORTED(domain_migrate_finish2)
UNSUPPORTED(domain_migrate_prepare_tunnel)
UNSUPPORTED(domain_migrate_begin3)
UNSUPPORTED(domain_migrate_prepare3)
UNSUPPORTED(domain_migrate_prepare_tunnel3)
UNSUPPORTED(domain_migrate_perform3)
UNSUPPORTED(domain_migrate_finish3)
UNSUPPORTED(domain_migrate_confirm3)
UNSUPPORTED(domain_migrate_begin3_params)
UNSUPPORTED(domain_migrate_prepare3_params)
UNSUPPORTED(domain_migrate_prepare_tunnel3_params)
UNSUPPORTED(domain_migrate_perform3_params)
UNSUPPORTED(domain_migrate_finish3_params)
UNSUPPORTED(domain_migrate_confirm3_params)
