/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Disks and memory from outside: sizes, contents, errors; processor time.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "domain/find.h"
#include "domain/functions.h"

/* As much as one call may peek. */
#define PEEK_MAX (64 * 1024)

/* ---- disks ---- */

static int info_from_stats(const Access *a, const DomainDisk *disk, virDomainBlockInfoPtr info)
{
    g_autoptr(GuestStats) stats = api_guest_stats(a, GUEST_STATS_BLOCK);
    if (!stats)
        return -1;
    for (guint i = 0; stats->blocks && i < stats->blocks->len; i++) {
        const GuestBlockStats *b = &g_array_index(stats->blocks, GuestBlockStats, i);
        if (b->is_backing || g_strcmp0(b->target, disk->target.dev) != 0 || !b->capacity.known)
            continue;
        *info = (virDomainBlockInfo) { .capacity = b->capacity.n, .allocation = b->allocation.n, .physical = b->physical.n };
        return 0;
    }
    return FAIL(VIR_ERR_OPERATION_FAILED, "the hypervisor doesn't tell the size of disk '%s' of domain '%s'",
                disk->target.dev, API_NAME(a));
}

int core_domain_get_block_info(virDomainPtr dom, const char *disk, virDomainBlockInfoPtr info, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    const DomainBackend *backend = host_backend(a.obj->host);
    g_autoptr(SharedDef) shared = domain_current_def(a.obj, a.state);
    const DomainDisk *found = shared ? find_disk(shared_def_get(shared), disk) : NULL;
    if (!found)
        return -1;
    if (found->source.type != DOMAIN_DISK_TYPE_NETWORK && !disk_path(found))
        return FAIL(VIR_ERR_INVALID_ARG, "disk '%s' of domain '%s' does not currently have a source assigned", disk, API_NAME(&a));
    if (backend->block_info)
        return GUEST_CALL(backend->block_info(a.obj->host, a.state->guest, found, info));
    return api_need_active(&a) < 0 ? -1 : info_from_stats(&a, found, info);
}

int core_domain_block_peek(virDomainPtr dom, const char *disk, unsigned long long offset, size_t size, void *buffer,
                           unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    g_autoptr(SharedDef) shared = domain_current_def(a.obj, a.state);
    const DomainDisk *found = shared ? find_disk(shared_def_get(shared), disk) : NULL;
    if (!found)
        return -1;
    if (size > PEEK_MAX)
        return FAIL(VIR_ERR_INVALID_ARG, "%zu bytes are more than the %d that can be peeked at once", size, PEEK_MAX);
    return GUEST_CALL(host_backend(a.obj->host)->block_peek(a.obj->host, found, offset, size, buffer));
}

int core_domain_get_disk_errors(virDomainPtr dom, virDomainDiskErrorPtr errors, unsigned int maxerrors, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0 || api_need_active(&a) < 0)
        return -1;
    const DomainDevices *devices = &shared_def_get(a.state->live)->devices;
    if (!errors || maxerrors == 0) /* how many there may be */
        return (int) devices->n_disks;
    g_autofree int *codes = g_new0(int, devices->n_disks + 1);
    if (GUEST_CALL(host_backend(a.obj->host)->disk_errors(a.state->guest, shared_def_get(a.state->live), codes)) < 0)
        return -1;
    guint n = 0;
    for (guint i = 0; i < devices->n_disks && n < maxerrors; i++) {
        if (codes[i] == VIR_DOMAIN_DISK_ERROR_NONE)
            continue;
        errors[n].disk = g_strdup(devices->disks[i]->target.dev);
        errors[n++].error = codes[i];
    }
    return (int) n;
}

typedef struct DiskCall { Access access; const DomainDisk *disk; } DiskCall;

static void disk_call_clear(DiskCall *call)
{
    api_end(&call->access);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DiskCall, disk_call_clear)

/* A disk of a running guest, with the guest's job. */
static int begin_disk(DiskCall *call, virDomainPtr dom, const char *name, const char *api)
{
    if (api_begin_job(&call->access, dom, JOB_MODIFY, api) < 0 || api_need_active(&call->access) < 0)
        return -1;
    call->disk = find_disk(shared_def_get(call->access.state->live), name);
    return call->disk ? 0 : -1;
}

int core_domain_block_resize(virDomainPtr dom, const char *disk, unsigned long long size, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_BLOCK_RESIZE_BYTES, -1);
    g_auto(DiskCall) call = { .disk = NULL };
    if (begin_disk(&call, dom, disk, "virDomainBlockResize") < 0)
        return -1;
    if (!(flags & VIR_DOMAIN_BLOCK_RESIZE_BYTES)) {
        if (size > G_MAXUINT64 / 1024)
            return FAIL(VIR_ERR_OVERFLOW, "a size of %llu KiB is too large", size);
        size *= 1024;
    }
    return GUEST_CALL(host_backend(call.access.obj->host)->block_resize(call.access.state->guest, call.disk, size));
}

int core_domain_set_block_threshold(virDomainPtr dom, const char *dev, unsigned long long threshold, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(DiskCall) call = { .disk = NULL };
    if (begin_disk(&call, dom, dev, "virDomainSetBlockThreshold") < 0)
        return -1;
    return GUEST_CALL(host_backend(call.access.obj->host)->block_threshold(call.access.state->guest, call.disk, threshold));
}

/* ---- memory ---- */

int core_domain_memory_peek(virDomainPtr dom, unsigned long long start, size_t size, void *buffer, unsigned int flags)
{
    API_FLAGS(flags, VIR_MEMORY_VIRTUAL | VIR_MEMORY_PHYSICAL, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    if (flags != VIR_MEMORY_VIRTUAL && flags != VIR_MEMORY_PHYSICAL)
        return FAIL(VIR_ERR_INVALID_ARG, "flags must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL");
    if (size > PEEK_MAX)
        return FAIL(VIR_ERR_INVALID_ARG, "%zu bytes are more than the %d that can be peeked at once", size, PEEK_MAX);
    if (api_need_active(&a) < 0)
        return -1;
    return GUEST_CALL(host_backend(a.obj->host)->memory_peek(a.state->guest, start, size, buffer, flags == VIR_MEMORY_VIRTUAL));
}

/* ---- processor time ---- */

/* All of the guest, from its statistics. */
static int total_time(const Access *a, TypedList *list)
{
    g_autoptr(GuestStats) stats = api_guest_stats(a, GUEST_STATS_CPU);
    if (!stats)
        return -1;
    const struct { const char *name; StatValue value; } times[] = {
        { VIR_DOMAIN_CPU_STATS_CPUTIME, stats->cpu_time }, { VIR_DOMAIN_CPU_STATS_USERTIME, stats->cpu_user },
        { VIR_DOMAIN_CPU_STATS_SYSTEMTIME, stats->cpu_system },
    };
    for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
        if (times[i].value.known)
            typed_list_ullong(list, times[i].name, times[i].value.n);
    }
    return 0;
}

/* Put @list into the part of @params that belongs to the CPU @at. What was filled, or how many there would be. */
static int put_times(TypedList *list, virTypedParameterPtr params, unsigned int nparams, unsigned int at)
{
    int n = (int) nparams;
    typed_list_fill(list, params ? params + (size_t) at * nparams : NULL, &n);
    return n;
}

int core_domain_get_cpu_stats(virDomainPtr dom, virTypedParameterPtr params, unsigned int nparams, int start_cpu,
                              unsigned int ncpus, unsigned int flags)
{
    API_FLAGS(flags, VIR_TYPED_PARAM_STRING_OKAY, -1);
    g_auto(Access) a = { NULL };
    TypedList list = { NULL };
    if (start_cpu < -1 || (start_cpu == -1 && ncpus != 1))
        return FAIL(VIR_ERR_INVALID_ARG, "start_cpu %d with %u CPUs: it is the number of a CPU, or -1 with 1 for the sum of all",
                    start_cpu, ncpus);
    if (api_begin(&a, dom) < 0 || api_need_active(&a) < 0)
        return -1;
    const DomainBackend *backend = host_backend(a.obj->host);
    if (start_cpu == -1 && !backend->cpu_stats)
        return total_time(&a, &list) < 0 ? -1 : put_times(&list, params, nparams, 0);
    if (!backend->cpu_stats)
        return FAIL(VIR_ERR_NO_SUPPORT, "processor time of domain '%s' by CPU; '--total' tells the sum", API_NAME(&a));
    int count = GUEST_CALL(backend->cpu_stats(a.state->guest, -1, NULL));
    if (count < 0 || (start_cpu >= 0 && ncpus == 0))
        return count;
    if (start_cpu >= count)
        return FAIL(VIR_ERR_INVALID_ARG, "start_cpu %d is larger than the maximum of %d", start_cpu, count - 1);
    int filled = 0;
    guint n = start_cpu < 0 ? 1 : MIN(ncpus, (guint) (count - start_cpu));
    for (guint i = 0; i < n; i++) {
        if (GUEST_CALL(backend->cpu_stats(a.state->guest, start_cpu < 0 ? -1 : start_cpu + (int) i, &list)) < 0) {
            typed_list_clear(&list);
            return -1;
        }
        filled = put_times(&list, params, nparams, i);
    }
    return filled;
}
