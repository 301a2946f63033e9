/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls whose C form and wire form differ too much for the table (marked "hand" there).
 */
#define ERROR_DOMAIN VIR_FROM_REMOTE
#include "base/error.h"
#include "lib/event_impl.h"
#include "remote/remote_call.h"
#include <libvirt/libvirt-lxc.h>
#include <libvirt/libvirt-qemu.h>

/* Bytes of guest memory or disk into the caller's buffer of exactly @size. */
static int finish_peek(RemoteCall *call, void *buffer, size_t size)
{
    if (remote_call_run(call) < 0)
        return -1;
    size_t len;
    g_autofree void *data = xdr_get_opaque(&call->in, REMOTE_DOMAIN_BLOCK_PEEK_BUFFER_MAX, &len);
    if (remote_call_end(call) < 0)
        return -1;
    if (len != size)
        return FAIL(VIR_ERR_RPC, "asked for %zu bytes, got %zu", size, len);
    memcpy(buffer, data, size);
    return 0;
}

int remote_domain_block_peek(virDomainPtr dom, const char *disk, unsigned long long offset, size_t size, void *buffer,
                             unsigned int flags)
{
    RemoteCall call;
    if (size > REMOTE_DOMAIN_BLOCK_PEEK_BUFFER_MAX)
        return FAIL(VIR_ERR_INVALID_ARG, "at most %d bytes can be read at once", REMOTE_DOMAIN_BLOCK_PEEK_BUFFER_MAX);
    remote_call_begin(&call, dom->o.conn, REMOTE_PROGRAM, REMOTE_PROC_DOMAIN_BLOCK_PEEK);
    xdr_put_domain(&call.out, dom);
    xdr_put_string(&call.out, disk);
    xdr_put_uhyper(&call.out, offset);
    xdr_put_uint(&call.out, size);
    xdr_put_uint(&call.out, flags);
    return finish_peek(&call, buffer, size);
}

int remote_domain_memory_peek(virDomainPtr dom, unsigned long long start, size_t size, void *buffer,
                              unsigned int flags)
{
    RemoteCall call;
    if (size > REMOTE_DOMAIN_MEMORY_PEEK_BUFFER_MAX)
        return FAIL(VIR_ERR_INVALID_ARG, "at most %d bytes can be read at once", REMOTE_DOMAIN_MEMORY_PEEK_BUFFER_MAX);
    remote_call_begin(&call, dom->o.conn, REMOTE_PROGRAM, REMOTE_PROC_DOMAIN_MEMORY_PEEK);
    xdr_put_domain(&call.out, dom);
    xdr_put_uhyper(&call.out, start);
    xdr_put_uint(&call.out, size);
    xdr_put_uint(&call.out, flags);
    return finish_peek(&call, buffer, size);
}

int remote_domain_get_security_label_list(virDomainPtr domain, virSecurityLabelPtr *seclabels)
{
    RemoteCall call;
    remote_call_begin(&call, domain->o.conn, REMOTE_PROGRAM, REMOTE_PROC_DOMAIN_GET_SECURITY_LABEL_LIST);
    xdr_put_domain(&call.out, domain);
    if (remote_call_run(&call) < 0)
        return -1;
    size_t n = xdr_get_count(&call.in, REMOTE_SECURITY_LABEL_LIST_MAX);
    g_autofree virSecurityLabel *labels = g_new0(virSecurityLabel, n);
    for (size_t i = 0; i < n; i++)
        xdr_get_security_label(&call.in, domain->o.conn, &labels[i]);
    int ret = xdr_get_int(&call.in);
    if (remote_call_end(&call) < 0)
        return -1;
    *seclabels = g_steal_pointer(&labels);
    return MIN(ret, (int) n);
}

int remote_domain_open_graphics(virDomainPtr dom, unsigned int idx, int fd, unsigned int flags)
{
    RemoteCall call;
    if (remote_call_begin_fds(&call, dom->o.conn, REMOTE_PROGRAM, REMOTE_PROC_DOMAIN_OPEN_GRAPHICS, &fd, 1) < 0)
        return -1;
    xdr_put_domain(&call.out, dom);
    xdr_put_uint(&call.out, idx);
    xdr_put_uint(&call.out, flags);
    if (remote_call_run(&call) < 0)
        return -1;
    return remote_call_end(&call);
}

int remote_domain_open_graphics_fd(virDomainPtr dom, unsigned int idx, unsigned int flags)
{
    RemoteCall call;
    remote_call_begin(&call, dom->o.conn, REMOTE_PROGRAM, REMOTE_PROC_DOMAIN_OPEN_GRAPHICS_FD);
    xdr_put_domain(&call.out, dom);
    xdr_put_uint(&call.out, idx);
    xdr_put_uint(&call.out, flags);
    if (remote_call_run(&call) < 0)
        return -1;
    int fd = -1;
    if (call.reply.n_fds == 1) {
        fd = call.reply.fds[0];
        call.reply.n_fds = 0;
    }
    if (remote_call_end(&call) < 0)
        return -1;
    return fd >= 0 ? fd : FAIL(VIR_ERR_RPC, "the daemon passed no descriptor");
}

int remote_domain_fd_associate(virDomainPtr domain, const char *name, unsigned int nfds, int *fds, unsigned int flags)
{
    RemoteCall call;
    if (remote_call_begin_fds(&call, domain->o.conn, REMOTE_PROGRAM, REMOTE_PROC_DOMAIN_FD_ASSOCIATE, fds, nfds) < 0)
        return -1;
    xdr_put_domain(&call.out, domain);
    xdr_put_string(&call.out, name);
    xdr_put_uint(&call.out, flags);
    if (remote_call_run(&call) < 0)
        return -1;
    return remote_call_end(&call);
}

virDomainPtr remote_domain_create_xml_with_files(virConnectPtr conn, const char *xmlDesc, unsigned int nfiles,
                                                 int *files, unsigned int flags)
{
    RemoteCall call;
    if (remote_call_begin_fds(&call, conn, REMOTE_PROGRAM, REMOTE_PROC_DOMAIN_CREATE_XML_WITH_FILES, files, nfiles) < 0)
        return NULL;
    xdr_put_string(&call.out, xmlDesc);
    xdr_put_uint(&call.out, flags);
    if (remote_call_run(&call) < 0)
        return NULL;
    g_autoptr(virDomain) dom = xdr_get_domain(&call.in, conn);
    return remote_call_end(&call) < 0 ? NULL : g_steal_pointer(&dom);
}

int remote_domain_create_with_files(virDomainPtr domain, unsigned int nfiles, int *files, unsigned int flags)
{
    RemoteCall call;
    if (remote_call_begin_fds(&call, domain->o.conn, REMOTE_PROGRAM, REMOTE_PROC_DOMAIN_CREATE_WITH_FILES, files,
                              nfiles) < 0)
        return -1;
    xdr_put_domain(&call.out, domain);
    xdr_put_uint(&call.out, flags);
    if (remote_call_run(&call) < 0)
        return -1;
    g_autoptr(virDomain) fresh = xdr_get_domain(&call.in, domain->o.conn);
    if (remote_call_end(&call) < 0)
        return -1;
    domain->id = fresh->id;
    return 0;
}

/* The call itself answers nothing, but the caller's handle must know the guest's new id. */
int remote_domain_create(virDomainPtr domain)
{
    RemoteCall call;
    remote_call_begin(&call, domain->o.conn, REMOTE_PROGRAM, REMOTE_PROC_DOMAIN_CREATE_WITH_FLAGS);
    xdr_put_domain(&call.out, domain);
    xdr_put_uint(&call.out, 0);
    if (remote_call_run(&call) < 0)
        return -1;
    g_autoptr(virDomain) fresh = xdr_get_domain(&call.in, domain->o.conn);
    if (remote_call_end(&call) < 0)
        return -1;
    domain->id = fresh->id;
    return 0;
}

static int get_stats(virConnectPtr conn, virDomainPtr *doms, size_t n_doms, unsigned int stats,
                     virDomainStatsRecordPtr **retStats, unsigned int flags)
{
    RemoteCall call;
    remote_call_begin(&call, conn, REMOTE_PROGRAM, REMOTE_PROC_CONNECT_GET_ALL_DOMAIN_STATS);
    if (xdr_put_count(&call.out, n_doms, REMOTE_DOMAIN_LIST_MAX))
        for (size_t i = 0; i < n_doms; i++)
            xdr_put_domain(&call.out, doms[i]);
    xdr_put_uint(&call.out, stats);
    xdr_put_uint(&call.out, flags);
    if (remote_call_run(&call) < 0)
        return -1;
    size_t n = xdr_get_count(&call.in, REMOTE_DOMAIN_LIST_MAX);
    virDomainStatsRecordPtr *records = g_new0(virDomainStatsRecordPtr, n + 1);
    for (size_t i = 0; i < n; i++) {
        records[i] = g_new0(virDomainStatsRecord, 1);
        xdr_get_domain_stats_record(&call.in, conn, records[i]);
    }
    if (remote_call_end(&call) < 0) {
        virDomainStatsRecordListFree(records);
        return -1;
    }
    *retStats = records;
    return n;
}

int remote_connect_get_all_domain_stats(virConnectPtr conn, unsigned int stats, virDomainStatsRecordPtr **retStats,
                                        unsigned int flags)
{
    return get_stats(conn, NULL, 0, stats, retStats, flags);
}

int remote_domain_list_get_stats(virDomainPtr *doms, unsigned int stats, virDomainStatsRecordPtr **retStats,
                                 unsigned int flags)
{
    size_t n = 0;
    while (doms[n])
        n++;
    return get_stats(doms[0]->o.conn, doms, n, stats, retStats, flags);
}

int remote_domain_get_cpu_stats(virDomainPtr domain, virTypedParameterPtr params, unsigned int nparams, int start_cpu,
                                unsigned int ncpus, unsigned int flags)
{
    RemoteCall call;
    remote_call_begin(&call, domain->o.conn, REMOTE_PROGRAM, REMOTE_PROC_DOMAIN_GET_CPU_STATS);
    xdr_put_domain(&call.out, domain);
    xdr_put_uint(&call.out, nparams);
    xdr_put_int(&call.out, start_cpu);
    xdr_put_uint(&call.out, ncpus);
    xdr_put_uint(&call.out, flags);
    if (remote_call_run(&call) < 0)
        return -1;
    int n = 0;
    virTypedParameterPtr list = xdr_get_typed_params(&call.in, REMOTE_DOMAIN_GET_CPU_STATS_MAX, &n);
    int ret = xdr_get_int(&call.in);
    if (remote_call_end(&call) < 0) {
        virTypedParamsFree(list, n);
        return -1;
    }
    /* the reply has ncpus groups without the holes that the caller's array has */
    int groups = ncpus ? (int) ncpus : 1;
    int per_cpu = n / groups;
    if (params && n && (n % groups || per_cpu > (int) nparams)) {
        virTypedParamsFree(list, n);
        return FAIL(VIR_ERR_RPC, "%d statistics for %d processors", n, groups);
    }
    if (params && nparams)
        memset(params, 0, sizeof(*params) * nparams * groups);
    for (int cpu = 0; params && cpu < groups; cpu++)
        remote_fill_params(params + cpu * nparams, per_cpu, list + cpu * per_cpu, per_cpu);
    virTypedParamsFree(list, n);
    return ret;
}

int remote_domain_get_vcpu_pin_info(virDomainPtr domain, int ncpumaps, unsigned char *cpumaps, int maplen,
                                    unsigned int flags)
{
    RemoteCall call;
    remote_call_begin(&call, domain->o.conn, REMOTE_PROGRAM, REMOTE_PROC_DOMAIN_GET_VCPU_PIN_INFO);
    xdr_put_domain(&call.out, domain);
    xdr_put_int(&call.out, ncpumaps);
    xdr_put_int(&call.out, maplen);
    xdr_put_uint(&call.out, flags);
    if (remote_call_run(&call) < 0)
        return -1;
    size_t len;
    g_autofree unsigned char *maps = xdr_get_opaque(&call.in, REMOTE_CPUMAPS_MAX, &len);
    int ret = xdr_get_int(&call.in);
    if (remote_call_end(&call) < 0)
        return -1;
    size_t room = (size_t) ncpumaps * maplen;
    memset(cpumaps, 0, room);
    memcpy(cpumaps, maps, MIN(len, room));
    return ret;
}

int remote_domain_get_vcpus(virDomainPtr domain, virVcpuInfoPtr info, int maxinfo, unsigned char *cpumaps, int maplen)
{
    RemoteCall call;
    remote_call_begin(&call, domain->o.conn, REMOTE_PROGRAM, REMOTE_PROC_DOMAIN_GET_VCPUS);
    xdr_put_domain(&call.out, domain);
    xdr_put_int(&call.out, maxinfo);
    xdr_put_int(&call.out, cpumaps ? maplen : 0);
    if (remote_call_run(&call) < 0)
        return -1;
    size_t n = xdr_get_count(&call.in, MIN(REMOTE_VCPUINFO_MAX, maxinfo));
    g_autofree virVcpuInfo *list = g_new0(virVcpuInfo, n);
    for (size_t i = 0; i < n; i++)
        xdr_get_vcpu_info(&call.in, domain->o.conn, &list[i]);
    size_t len;
    g_autofree unsigned char *maps = xdr_get_opaque(&call.in, REMOTE_CPUMAPS_MAX, &len);
    if (remote_call_end(&call) < 0)
        return -1;
    if (n)
        memcpy(info, list, n * sizeof(*list));
    if (cpumaps) {
        size_t room = (size_t) maxinfo * maplen;
        memset(cpumaps, 0, room);
        memcpy(cpumaps, maps, MIN(len, room));
    }
    return n;
}

int remote_node_get_cpu_map(virConnectPtr conn, unsigned char **cpumap, unsigned int *online, unsigned int flags)
{
    RemoteCall call;
    remote_call_begin(&call, conn, REMOTE_PROGRAM, REMOTE_PROC_NODE_GET_CPU_MAP);
    xdr_put_int(&call.out, cpumap != NULL);
    xdr_put_int(&call.out, online != NULL);
    xdr_put_uint(&call.out, flags);
    if (remote_call_run(&call) < 0)
        return -1;
    size_t len;
    g_autofree unsigned char *map = xdr_get_opaque(&call.in, REMOTE_CPUMAP_MAX, &len);
    unsigned int n_online = xdr_get_uint(&call.in);
    int ret = xdr_get_int(&call.in);
    if (remote_call_end(&call) < 0)
        return -1;
    if (cpumap)
        *cpumap = g_steal_pointer(&map);
    if (online)
        *online = n_online;
    return ret;
}

int remote_node_get_free_pages(virConnectPtr conn, unsigned int npages, unsigned int *pages, int startcell,
                               unsigned int cellcount, unsigned long long *counts, unsigned int flags)
{
    RemoteCall call;
    remote_call_begin(&call, conn, REMOTE_PROGRAM, REMOTE_PROC_NODE_GET_FREE_PAGES);
    if (xdr_put_count(&call.out, npages, REMOTE_NODE_MAX_CELLS))
        for (unsigned int i = 0; i < npages; i++)
            xdr_put_uint(&call.out, pages[i]);
    xdr_put_int(&call.out, startcell);
    xdr_put_uint(&call.out, cellcount);
    xdr_put_uint(&call.out, flags);
    if (remote_call_run(&call) < 0)
        return -1;
    size_t room = (size_t) npages * cellcount;
    size_t n = xdr_get_count(&call.in, MIN(REMOTE_NODE_MAX_CELLS, room));
    for (size_t i = 0; i < n; i++)
        counts[i] = xdr_get_uhyper(&call.in);
    return remote_call_end(&call) < 0 ? -1 : (int) n;
}

int remote_domain_lxc_open_namespace(virDomainPtr domain, int **fdlist, unsigned int flags)
{
    RemoteCall call;
    remote_call_begin(&call, domain->o.conn, LXC_PROGRAM, LXC_PROC_DOMAIN_OPEN_NAMESPACE);
    xdr_put_domain(&call.out, domain);
    xdr_put_uint(&call.out, flags);
    if (remote_call_run(&call) < 0)
        return -1;
    int n = call.reply.n_fds;
    g_autofree int *fds = g_memdup2(call.reply.fds, MAX(n, 1) * sizeof(int));
    if (xdr_in_done(&call.in))
        call.reply.n_fds = 0; /* ours now */
    if (remote_call_end(&call) < 0)
        return -1;
    *fdlist = g_steal_pointer(&fds);
    return n;
}

int remote_domain_qemu_monitor_command_with_files(virDomainPtr domain, const char *cmd, unsigned int ninfiles,
                                                  int *infiles, unsigned int *noutfiles, int **outfiles,
                                                  char **result, unsigned int flags)
{
    RemoteCall call;
    if (remote_call_begin_fds(&call, domain->o.conn, QEMU_PROGRAM, QEMU_PROC_DOMAIN_MONITOR_COMMAND_WITH_FILES,
                              infiles, ninfiles) < 0)
        return -1;
    xdr_put_domain(&call.out, domain);
    xdr_put_string(&call.out, cmd);
    xdr_put_uint(&call.out, flags);
    if (remote_call_run(&call) < 0)
        return -1;
    g_autofree char *text = xdr_get_string(&call.in);
    int n = call.reply.n_fds;
    g_autofree int *fds = g_memdup2(call.reply.fds, MAX(n, 1) * sizeof(int));
    if (xdr_in_done(&call.in) && outfiles)
        call.reply.n_fds = 0; /* ours now */
    if (remote_call_end(&call) < 0)
        return -1;
    *result = g_steal_pointer(&text);
    if (outfiles) {
        *outfiles = n ? g_steal_pointer(&fds) : NULL;
        *noutfiles = n;
    }
    return 0;
}

unsigned char *remote_secret_get_value(virSecretPtr secret, size_t *value_size, unsigned int flags)
{
    RemoteCall call;
    remote_call_begin(&call, secret->o.conn, REMOTE_PROGRAM, REMOTE_PROC_SECRET_GET_VALUE);
    xdr_put_secret(&call.out, secret);
    xdr_put_uint(&call.out, flags);
    if (remote_call_run(&call) < 0)
        return NULL;
    size_t len;
    g_autofree unsigned char *value = xdr_get_opaque(&call.in, REMOTE_SECRET_VALUE_MAX, &len);
    if (call.reply.len)
        explicit_bzero(call.reply.data, call.reply.len);
    if (remote_call_end(&call) < 0)
        return NULL;
    *value_size = len;
    return g_steal_pointer(&value);
}

int remote_connect_is_alive(virConnectPtr conn)
{
    return rpc_client_is_open(((RemoteConn *) conn->data)->client);
}

int remote_connect_is_secure(virConnectPtr conn)
{
    if (!((RemoteConn *) conn->data)->transport.secure)
        return 0;
    RemoteCall call;
    remote_call_begin(&call, conn, REMOTE_PROGRAM, REMOTE_PROC_CONNECT_IS_SECURE);
    if (remote_call_run(&call) < 0)
        return -1;
    int secure = xdr_get_int(&call.in);
    return remote_call_end(&call) < 0 ? -1 : secure;
}

int remote_connect_is_encrypted(virConnectPtr conn)
{
    return ((RemoteConn *) conn->data)->transport.encrypted;
}

int remote_connect_set_keep_alive(virConnectPtr conn, int interval, unsigned int count)
{
    RemoteConn *remote = conn->data;
    if (!event_impl_registered())
        return FAIL(VIR_ERR_INTERNAL_ERROR, "keepalive needs an event loop: call virEventRegisterDefaultImpl() before opening "
                    "the connection");
    if (!remote->server_keepalive)
        return 1;
    return rpc_client_keepalive(remote->client, interval, count);
}
