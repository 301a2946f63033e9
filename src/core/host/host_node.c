/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What virNodeGet… answers, made from the readers beside this file.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "core/host/host.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"

#define STAT_MAX (16 * 1024 * 1024)
#define MEMINFO_MAX 65536
#define KSM_DIR "/sys/kernel/mm/ksm"

static guint64 topology_memory(const HostTopology *topology)
{
    guint64 sum = 0;

    for (guint i = 0; i < topology->n_cells; i++)
        sum += topology->cells[i].memory_kib;
    return sum;
}

static guint topology_cpus(const HostTopology *topology)
{
    guint sum = 0;

    for (guint i = 0; i < topology->n_cells; i++)
        sum += topology->cells[i].n_cpus;
    return sum;
}

int host_node_info(virNodeInfoPtr info)
{
    g_autoptr(HostTopology) topology = host_topology_read();
    g_autoptr(HostProcessor) cpu = NULL;
    guint per_cell;

    if (!topology)
        return -1;
    cpu = host_processor_read();
    memset(info, 0, sizeof(*info));
    g_strlcpy(info->model, cpu->arch ? cpu->arch : "unknown", sizeof(info->model));
    info->memory = topology_memory(topology);
    info->cpus = topology_cpus(topology);
    info->mhz = cpu->mhz;
    info->nodes = topology->n_cells;
    /* A socket counts once in each cell that it has CPUs in; a machine that isn't regular is told as flat. */
    per_cell = MAX(topology->sockets / topology->n_cells, 1);
    info->sockets = per_cell;
    info->cores = topology->cores * topology->clusters * topology->dies;
    info->threads = topology->threads;
    if (info->nodes * info->sockets * info->cores * info->threads != info->cpus) {
        info->nodes = info->sockets = info->threads = 1;
        info->cores = info->cpus;
    }
    return 0;
}

int host_cpu_map(unsigned char **map, unsigned int *online)
{
    g_autofree char *present_text = host_read(MEMINFO_MAX, "/sys/devices/system/cpu/present");
    g_autofree char *online_text = host_read(MEMINFO_MAX, "/sys/devices/system/cpu/online");
    g_autoptr(Bitmap) present = present_text ? bitmap_parse(g_strstrip(present_text), HOST_MAX_CPUS) : NULL;
    g_autoptr(Bitmap) running = online_text ? bitmap_parse(g_strstrip(online_text), HOST_MAX_CPUS) : NULL;
    int n;

    if (!present || !running)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "cannot read which CPUs the host has");
    n = bitmap_last(present) + 1;
    if (map) {
        *map = g_malloc0(MAX((n + 7) / 8, 1));
        bitmap_to_bytes(running, *map, (n + 7) / 8);
    }
    if (online)
        *online = bitmap_count(running);
    return n;
}

/* Line of /proc/stat for @name, behind the name; NULL if there is none. */
static const char *stat_line(const char *text, const char *name)
{
    g_autofree char *key = g_strdup_printf("%s ", name);
    const char *at = text;

    while (at && !g_str_has_prefix(at, key)) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    return at ? at + strlen(key) : NULL;
}

int host_cpu_stats(int cpu, virNodeCPUStatsPtr params, int *nparams)
{
    enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, N_TICKS };
    static const char *const names[] = { VIR_NODE_CPU_STATS_KERNEL, VIR_NODE_CPU_STATS_USER, VIR_NODE_CPU_STATS_IDLE,
                                         VIR_NODE_CPU_STATS_IOWAIT };
    g_autofree char *text = NULL;
    g_autofree char *name = cpu == VIR_NODE_CPU_STATS_ALL_CPUS ? g_strdup("cpu") : g_strdup_printf("cpu%d", cpu);
    guint64 ticks[N_TICKS] = { 0 }, ns = 1000000000ULL / sysconf(_SC_CLK_TCK);
    const char *at;
    char *end;

    if (*nparams == 0) {
        *nparams = G_N_ELEMENTS(names);
        return 0;
    }
    if (*nparams != G_N_ELEMENTS(names))
        return FAIL(VIR_ERR_INVALID_ARG, "nparams in %s must be equal to %zu", "virNodeGetCPUStats", G_N_ELEMENTS(names));
    text = host_read(STAT_MAX, "/proc/stat");
    at = text ? stat_line(text, name) : NULL;
    if (!at)
        return FAIL(VIR_ERR_INVALID_ARG, "the host has no online CPU number %d", cpu);
    for (int i = 0; i < N_TICKS; i++, at = end) {
        ticks[i] = g_ascii_strtoull(at, &end, 10);
        if (end == at)
            break;
    }
    params[0].value = (ticks[SYSTEM] + ticks[IRQ] + ticks[SOFTIRQ]) * ns;
    params[1].value = (ticks[USER] + ticks[NICE]) * ns;
    params[2].value = ticks[IDLE] * ns;
    params[3].value = ticks[IOWAIT] * ns;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        g_strlcpy(params[i].field, names[i], sizeof(params[i].field));
    return 0;
}

typedef struct {
    const char *name; /* of the kernel */
    const char *field;
} MemoryField;

static int fill_memory(const char *text, const MemoryField *fields, int n, virNodeMemoryStatsPtr params)
{
    for (int i = 0; i < n; i++) {
        g_autofree char *key = g_strdup_printf("%s:", fields[i].name);
        const char *at = strstr(text, key);

        if (!at)
            return FAIL(VIR_ERR_INTERNAL_ERROR, "the kernel doesn't tell '%s'", fields[i].name);
        g_strlcpy(params[i].field, fields[i].field, sizeof(params[i].field));
        params[i].value = g_ascii_strtoull(at + strlen(key), NULL, 10);
    }
    return 0;
}

int host_memory_stats(int cell, virNodeMemoryStatsPtr params, int *nparams)
{
    static const MemoryField host_fields[] = {
        { "MemTotal", VIR_NODE_MEMORY_STATS_TOTAL }, { "MemFree", VIR_NODE_MEMORY_STATS_FREE },
        { "Buffers", VIR_NODE_MEMORY_STATS_BUFFERS }, { "Cached", VIR_NODE_MEMORY_STATS_CACHED },
        { "MemAvailable", VIR_NODE_MEMORY_STATS_AVAILABLE },
    };
    static const MemoryField cell_fields[] = {
        { "MemTotal", VIR_NODE_MEMORY_STATS_TOTAL }, { "MemFree", VIR_NODE_MEMORY_STATS_FREE },
    };
    gboolean whole = cell == VIR_NODE_MEMORY_STATS_ALL_CELLS;
    int n = whole ? G_N_ELEMENTS(host_fields) : G_N_ELEMENTS(cell_fields);
    g_autofree char *text = NULL;

    if (*nparams == 0) {
        *nparams = n;
        return 0;
    }
    if (*nparams != n)
        return FAIL(VIR_ERR_INVALID_ARG, "nparams in %s must be %d", "virNodeGetMemoryStats", n);
    text = whole ? host_read(MEMINFO_MAX, "/proc/meminfo") :
        host_read(MEMINFO_MAX, "/sys/devices/system/node/node%d/meminfo", cell);
    if (!text)
        return FAIL(VIR_ERR_INVALID_ARG, "the host has no NUMA cell number %d", cell);
    return fill_memory(text, whole ? host_fields : cell_fields, n, params);
}

unsigned long long host_free_memory(void)
{
    g_autoptr(HostTopology) topology = host_topology_read();
    unsigned long long sum = 0;

    for (guint i = 0; topology && i < topology->n_cells; i++)
        sum += topology->cells[i].free_kib;
    return sum * 1024;
}

int host_cells_free_memory(unsigned long long *free_mem, int start, int max)
{
    g_autoptr(HostTopology) topology = host_topology_read();
    int last, n = 0;

    if (!topology)
        return -1;
    last = topology->cells[topology->n_cells - 1].id;
    if (start > last)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "start cell %d out of range (0-%d)", start, last);
    for (guint i = 0; i < topology->n_cells && n < max; i++) {
        if ((int)topology->cells[i].id >= start)
            free_mem[n++] = topology->cells[i].free_kib * 1024;
    }
    return n;
}

static HostPages *find_pages(HostCell *cell, guint size_kib)
{
    for (guint i = 0; i < cell->n_pages; i++) {
        if (cell->pages[i].size_kib == size_kib)
            return &cell->pages[i];
    }
    return FAIL_NULL(VIR_ERR_OPERATION_FAILED, "page size %u KiB is not available on cell %u", size_kib, cell->id);
}

int host_free_pages(unsigned int npages, const unsigned int *sizes, int start, unsigned int cells,
                    unsigned long long *counts)
{
    g_autoptr(HostTopology) topology = host_topology_read();
    int n = 0;

    if (!topology)
        return -1;
    for (guint c = 0; c < topology->n_cells; c++) {
        HostCell *cell = &topology->cells[c];

        if ((int)cell->id < start || cell->id - MAX(start, 0) >= cells)
            continue;
        for (guint i = 0; i < npages; i++) {
            HostPages *pages = find_pages(cell, sizes[i]);

            if (!pages)
                return -1;
            counts[n++] = pages->free;
        }
    }
    if (n == 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "start cell %d out of range (0-%u)", start,
                    topology->cells[topology->n_cells - 1].id);
    return n;
}

/* Write a decimal number to a file of the kernel. The path is not subject to the tests' root: it is only reached on a
 * real host. */
static int write_number(const char *path, unsigned long long value)
{
    g_autofree char *text = g_strdup_printf("%llu", value);

    return host_write(path, text, O_TRUNC) == 0 ? 0 : FAIL_ERRNO(errno, "cannot write %s to '%s'", text, path);
}

static int set_pool(const HostCell *cell, guint size_kib, unsigned long long wanted)
{
    g_autofree char *folder = g_strdup_printf("/sys/devices/system/node/node%u/hugepages/hugepages-%ukB", cell->id, size_kib);
    g_autofree char *path = g_strconcat(folder, "/nr_hugepages", NULL);
    gint64 got;

    if (write_number(path, wanted) < 0)
        return -1;
    got = host_read_number(-1, "%s", path);
    if (got >= 0 && (unsigned long long)got < wanted)
        return FAIL(VIR_ERR_OPERATION_FAILED, "only %lld of %llu pages of %u KiB could be allocated on cell %u",
                    (long long)got, wanted, size_kib, cell->id);
    return 0;
}

int host_alloc_pages(unsigned int npages, const unsigned int *sizes, const unsigned long long *counts, int start,
                     unsigned int cells, gboolean add)
{
    g_autoptr(HostTopology) topology = host_topology_read();
    int n = 0;

    if (!topology)
        return -1;
    for (guint c = 0; c < topology->n_cells; c++) {
        HostCell *cell = &topology->cells[c];

        if (start >= 0 && ((int)cell->id < start || cell->id - start >= cells))
            continue;
        for (guint i = 0; i < npages; i++) {
            HostPages *pages = find_pages(cell, sizes[i]);

            if (!pages)
                return -1;
            if (pages == &cell->pages[0])
                return FAIL(VIR_ERR_OPERATION_INVALID, "pages of %u KiB are ordinary memory and can't be put into a pool",
                            sizes[i]);
            if (set_pool(cell, sizes[i], counts[i] + (add ? pages->total : 0)) < 0)
                return -1;
            n++;
        }
    }
    return n;
}

static const struct {
    const char *name;
    const char *file;
    gboolean wide;
} ksm_fields[] = {
    { VIR_NODE_MEMORY_SHARED_PAGES_TO_SCAN, "pages_to_scan", FALSE },
    { VIR_NODE_MEMORY_SHARED_SLEEP_MILLISECS, "sleep_millisecs", FALSE },
    { VIR_NODE_MEMORY_SHARED_PAGES_SHARED, "pages_shared", TRUE },
    { VIR_NODE_MEMORY_SHARED_PAGES_SHARING, "pages_sharing", TRUE },
    { VIR_NODE_MEMORY_SHARED_PAGES_UNSHARED, "pages_unshared", TRUE },
    { VIR_NODE_MEMORY_SHARED_PAGES_VOLATILE, "pages_volatile", TRUE },
    { VIR_NODE_MEMORY_SHARED_FULL_SCANS, "full_scans", TRUE },
    { VIR_NODE_MEMORY_SHARED_MERGE_ACROSS_NODES, "merge_across_nodes", FALSE },
};

int host_memory_parameters(TypedList *list)
{
    for (guint i = 0; i < G_N_ELEMENTS(ksm_fields); i++) {
        gint64 value = host_read_number(-1, KSM_DIR "/%s", ksm_fields[i].file);

        if (value < 0)
            continue;
        if (ksm_fields[i].wide)
            typed_list_ullong(list, ksm_fields[i].name, value);
        else
            typed_list_uint(list, ksm_fields[i].name, value);
    }
    return 0;
}

int host_set_memory_parameters(virTypedParameterPtr params, int nparams)
{
    static const TypedRule rules[] = {
        { VIR_NODE_MEMORY_SHARED_PAGES_TO_SCAN, VIR_TYPED_PARAM_UINT, FALSE },
        { VIR_NODE_MEMORY_SHARED_SLEEP_MILLISECS, VIR_TYPED_PARAM_UINT, FALSE },
        { VIR_NODE_MEMORY_SHARED_MERGE_ACROSS_NODES, VIR_TYPED_PARAM_UINT, FALSE }, { NULL, 0, FALSE },
    };

    if (typed_params_check(params, nparams, rules) < 0)
        return -1;
    for (int i = 0; i < nparams; i++) {
        for (guint j = 0; j < G_N_ELEMENTS(ksm_fields); j++) {
            g_autofree char *path = g_strconcat(KSM_DIR "/", ksm_fields[j].file, NULL);

            if (g_str_equal(ksm_fields[j].name, params[i].field) && write_number(path, params[i].value.ui) < 0)
                return -1;
        }
    }
    return 0;
}
