/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a test node tells of itself: always the same numbers, which mean nothing. Only test:///default has NUMA cells.
 */
#define ERROR_DOMAIN VIR_FROM_TEST
#include "drivers/test/test_host.h"
#include <string.h>
#include "base/error.h"
#include "drivers/test/test_node.h"
#include "model/cpu.h"

/* Memory of the cells in KiB, and what is free of all of it in bytes. */
static const unsigned long long cells[] = { 2097152, 4194304 };
#define FREE_MEMORY 3145728

static char *get_sysinfo(virConnectPtr conn, unsigned int flags)
{
    CHECK_FLAGS(flags, 0, NULL);
    return g_strdup("<sysinfo type='smbios'>\n"
                    "  <bios>\n"
                    "    <entry name='vendor'>LENOVO</entry>\n"
                    "    <entry name='version'>G4ETA1WW (2.61 )</entry>\n"
                    "    <entry name='date'>05/07/2014</entry>\n"
                    "    <entry name='release'>2.61</entry>\n"
                    "  </bios>\n"
                    "</sysinfo>\n");
}

static char *get_capabilities(virConnectPtr conn)
{
    return test_capabilities(test_node(conn)->has_cells);
}

static int node_info(virConnectPtr conn, virNodeInfoPtr info)
{
    *info = test_node(conn)->info;
    return 0;
}

static int node_cpu_map(virConnectPtr conn, unsigned char **map, unsigned int *online, unsigned int flags)
{
    CHECK_FLAGS(flags, 0, -1);
    static const unsigned char mask = 1 << 0 | 1 << 2 | 1 << 4;
    if (map)
        *map = g_memdup2(&mask, sizeof(mask));
    if (online)
        *online = 3;
    return 8;
}

static int node_cpu_stats(virConnectPtr conn, int cpu, virNodeCPUStatsPtr params, int *nparams, unsigned int flags)
{
    static const virNodeCPUStats stats[] = {
        { VIR_NODE_CPU_STATS_USER, 9797400000 }, { VIR_NODE_CPU_STATS_KERNEL, 34678723400000 },
        { VIR_NODE_CPU_STATS_IDLE, 87264900000 }, { VIR_NODE_CPU_STATS_IOWAIT, 763600000 },
    };
    CHECK_FLAGS(flags, 0, -1);
    if (cpu < VIR_NODE_CPU_STATS_ALL_CPUS)
        return FAIL(VIR_ERR_INVALID_ARG, "CPU number %d is negative: only %d for all CPUs may be", cpu,
                    VIR_NODE_CPU_STATS_ALL_CPUS);
    if (*nparams == 0) {
        *nparams = G_N_ELEMENTS(stats);
        return 0;
    }
    *nparams = MIN(*nparams, (int) G_N_ELEMENTS(stats));
    memcpy(params, stats, (size_t) *nparams * sizeof(stats[0]));
    return 0;
}

static unsigned long long node_free_memory(virConnectPtr conn)
{
    if (test_node(conn)->has_cells)
        return FREE_MEMORY;
    error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_INVALID, "the test node has no NUMA cells whose free memory could be counted");
    return 0;
}

static int node_cells_free_memory(virConnectPtr conn, unsigned long long *free_mem, int start, int max)
{
    int n = test_node(conn)->has_cells ? G_N_ELEMENTS(cells) : 0;
    if (start < 0 || start >= n || max <= 0)
        return FAIL(VIR_ERR_INVALID_ARG, "%d cells from number %d are asked for, but the test node has %d", max, start, n);
    int count = MIN(max, n - start);
    for (int i = 0; i < count; i++)
        free_mem[i] = cells[start + i];
    return count;
}

/* A row of numbers, whatever is asked for. The reference answers 0 though it fills in the counts, and so do we. */
static int node_free_pages(virConnectPtr conn, unsigned int npages, unsigned int *pages, int start, unsigned int cell_count,
                           unsigned long long *counts, unsigned int flags)
{
    CHECK_FLAGS(flags, 0, -1);
    if (!npages || !cell_count)
        return FAIL(VIR_ERR_INVALID_ARG, "free pages of %u sizes on %u cells are asked for: that is none", npages, cell_count);
    guint32 row = 6;
    for (unsigned long long i = 0; i < (unsigned long long) npages * cell_count; i++) {
        row = row * 2 + 7;
        counts[i] = (unsigned long long) (gint32) row;
    }
    return 0;
}

static int get_cpu_model_names(virConnectPtr conn, const char *arch, char ***models, unsigned int flags)
{
    CHECK_FLAGS(flags, 0, -1);
    g_auto(GStrv) list = cpu_model_names(arch, ERROR_DOMAIN);
    if (!list)
        return -1;
    int n = (int) g_strv_length(list);
    if (models)
        *models = g_steal_pointer(&list);
    return n;
}

static char *baseline_cpu(virConnectPtr conn, const char **cpus, unsigned int n, unsigned int flags)
{
    CHECK_FLAGS(flags, VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES, NULL);
    return cpu_baseline(cpus, n, flags);
}

static int node_security_model(virConnectPtr conn, virSecurityModelPtr model)
{
    memset(model, 0, sizeof(*model));
    g_strlcpy(model->model, "testSecurity", sizeof(model->model));
    return 0;
}

void test_host_fill(HypervisorDriver *driver)
{
    driver->connect_get_sysinfo = get_sysinfo;
    driver->connect_get_capabilities = get_capabilities;
    driver->connect_get_cpu_model_names = get_cpu_model_names;
    driver->connect_baseline_cpu = baseline_cpu;
    driver->node_get_info = node_info;
    driver->node_get_cpu_map = node_cpu_map;
    driver->node_get_cpu_stats = node_cpu_stats;
    driver->node_get_free_memory = node_free_memory;
    driver->node_get_cells_free_memory = node_cells_free_memory;
    driver->node_get_free_pages = node_free_pages;
    driver->node_get_security_model = node_security_model;
}
