/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures and parameters of the host: processors, memory, NUMA cells, sleep. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

static bool nodeinfo_json(Shell *shell, const virNodeInfo *info)
{
    json_object *document = json_object_new_object();

    shell_json_string(document, "cpu_model", info->model);
    shell_json_uint(document, "cpus", info->cpus);
    shell_json_uint(document, "cpu_mhz", info->mhz);
    shell_json_uint(document, "sockets", info->sockets);
    shell_json_uint(document, "cores_per_socket", info->cores);
    shell_json_uint(document, "threads_per_core", info->threads);
    shell_json_uint(document, "numa_cells", info->nodes);
    shell_json_uint(document, "memory_kib", info->memory);
    return shell_json_print(shell, document);
}

bool cmd_nodeinfo(Shell *shell, const Cmd *cmd)
{
    virNodeInfo info;

    if (virNodeGetInfo(virsh_conn(shell), &info) < 0)
        return shell_error(shell, "failed to get node information");
    info.model[sizeof(info.model) - 1] = '\0';
    if (shell_json(cmd))
        return nodeinfo_json(shell, &info);
    virsh_field(shell, 20, "CPU model", "%s", info.model);
    virsh_field(shell, 20, "CPU(s)", "%u", info.cpus);
    if (info.mhz)
        virsh_field(shell, 20, "CPU frequency", "%u MHz", info.mhz);
    virsh_field(shell, 20, "CPU socket(s)", "%u", info.sockets);
    virsh_field(shell, 20, "Core(s) per socket", "%u", info.cores);
    virsh_field(shell, 20, "Thread(s) per core", "%u", info.threads);
    virsh_field(shell, 20, "NUMA cell(s)", "%u", info.nodes);
    virsh_field(shell, 20, "Memory size", "%lu KiB", info.memory);
    return true;
}

/* --- processor times --- */

typedef struct {
    const char *field, *label, *key;
} CpuField;

static const CpuField cpu_fields[] = {
    {VIR_NODE_CPU_STATS_USER, "user:", "user_ns"},
    {VIR_NODE_CPU_STATS_KERNEL, "system:", "system_ns"},
    {VIR_NODE_CPU_STATS_IDLE, "idle:", "idle_ns"},
    {VIR_NODE_CPU_STATS_IOWAIT, "iowait:", "iowait_ns"},
    {VIR_NODE_CPU_STATS_INTR, "intr:", "intr_ns"},
};
enum { CPU_FIELDS = G_N_ELEMENTS(cpu_fields) };

typedef struct {
    bool known[CPU_FIELDS];
    unsigned long long time[CPU_FIELDS];
    bool has_usage;
    double usage;
} CpuTimes;

static bool read_cpu(Shell *shell, int cpu, CpuTimes *times)
{
    g_autofree virNodeCPUStatsPtr stats = NULL;
    int count = 0;

    memset(times, 0, sizeof(*times));
    if (virNodeGetCPUStats(virsh_conn(shell), cpu, NULL, &count, 0) < 0)
        return shell_error(shell, "Unable to get number of cpu stats");
    stats = g_new0(virNodeCPUStats, count + 1);
    if (virNodeGetCPUStats(virsh_conn(shell), cpu, stats, &count, 0) < 0)
        return shell_error(shell, "Unable to get node cpu stats");
    for (int i = 0; i < count; i++) {
        if (strcmp(stats[i].field, VIR_NODE_CPU_STATS_UTILIZATION) == 0) {
            times->has_usage = true;
            times->usage = stats[i].value;
        }
        for (int k = 0; k < CPU_FIELDS; k++) {
            if (strcmp(stats[i].field, cpu_fields[k].field) == 0) {
                times->known[k] = true;
                times->time[k] = stats[i].value;
            }
        }
    }
    return true;
}

/* Shares of the time between two readings, in per cent. */
static void cpu_shares(const CpuTimes *before, const CpuTimes *after, double *shares, double *usage)
{
    unsigned long long total = 0;

    for (int i = 0; i < CPU_FIELDS; i++)
        total += after->time[i] - before->time[i];
    for (int i = 0; i < CPU_FIELDS; i++)
        shares[i] = total ? (after->time[i] - before->time[i]) * 100.0 / total : 0;
    *usage = total ? 100 - shares[2] : 0;
}

static bool cpu_percent(Shell *shell, const Cmd *cmd, int cpu, const CpuTimes *before)
{
    CpuTimes after;
    double shares[CPU_FIELDS], usage;
    json_object *document;

    if (!before->has_usage) { /* else the hypervisor has done the sum */
        struct pollfd fd = {.fd = shell_interrupt_fd(), .events = POLLIN};

        poll(&fd, fd.fd >= 0, 1000); /* the time that is measured */
        if (!read_cpu(shell, cpu, &after))
            return false;
        cpu_shares(before, &after, shares, &usage);
    } else {
        usage = before->usage;
    }
    if (shell_json(cmd)) {
        document = json_object_new_object();
        shell_json_double(document, "usage_percent", usage);
        return shell_json_print(shell, document);
    }
    shell_print(shell, "%-15s %5.1lf%%\n", "usage:", usage);
    for (int i = 0; !before->has_usage && i < CPU_FIELDS; i++) {
        if (before->known[i])
            shell_print(shell, "%-15s %5.1lf%%\n", cpu_fields[i].label, shares[i]);
    }
    return true;
}

bool cmd_nodecpustats(Shell *shell, const Cmd *cmd)
{
    json_object *document;
    CpuTimes times;
    int cpu = VIR_NODE_CPU_STATS_ALL_CPUS;

    if (cmd_int(shell, cmd, "cpu", &cpu) < 0 || !read_cpu(shell, cpu, &times))
        return false;
    if (cmd_has(cmd, "percent"))
        return cpu_percent(shell, cmd, cpu, &times);
    document = json_object_new_object();
    if (times.has_usage)
        shell_json_double(document, "usage_percent", times.usage);
    for (int i = 0; i < CPU_FIELDS; i++) {
        if (times.known[i] && !shell_json(cmd))
            shell_print(shell, "%-15s %20llu\n", cpu_fields[i].label, times.time[i]);
        else if (times.known[i])
            shell_json_uint(document, cpu_fields[i].key, times.time[i]);
    }
    if (shell_json(cmd))
        return shell_json_print(shell, document);
    if (times.has_usage)
        shell_print(shell, "%-15s %5.1lf%%\n", "usage:", times.usage);
    json_object_put(document);
    return true;
}

bool cmd_nodememstats(Shell *shell, const Cmd *cmd)
{
    g_autofree virNodeMemoryStatsPtr stats = NULL;
    int cell = VIR_NODE_MEMORY_STATS_ALL_CELLS, count = 0;
    json_object *document;

    if (cmd_int(shell, cmd, "cell", &cell) < 0)
        return false;
    if (virNodeGetMemoryStats(virsh_conn(shell), cell, NULL, &count, 0) < 0)
        return shell_error(shell, "Unable to get number of memory stats");
    stats = g_new0(virNodeMemoryStats, count + 1);
    if (virNodeGetMemoryStats(virsh_conn(shell), cell, stats, &count, 0) < 0)
        return shell_error(shell, "Unable to get memory stats");
    document = json_object_new_object();
    for (int i = 0; i < count; i++) {
        g_autofree char *key = g_strdup_printf("%s_kib", stats[i].field);
        g_autofree char *label = g_strdup_printf("%s:", stats[i].field);

        shell_json_uint(document, key, stats[i].value);
        if (!shell_json(cmd))
            shell_print(shell, "%-7s %20llu KiB\n", label, stats[i].value);
    }
    if (shell_json(cmd))
        return shell_json_print(shell, document);
    json_object_put(document);
    return true;
}

/* --- processors present --- */

bool cmd_nodecpumap(Shell *shell, const Cmd *cmd)
{
    unsigned char *map = NULL;
    unsigned int online = 0;
    int present = virNodeGetCPUMap(virsh_conn(shell), &map, &online, 0);
    g_autofree char *text = NULL;

    if (present < 0)
        return shell_error(shell, "Unable to get cpu map");
    text = virsh_cpu_map(map, present, cmd_has(cmd, "pretty") || shell_json(cmd));
    free(map);
    if (shell_json(cmd)) {
        json_object *document = json_object_new_object();
        shell_json_int(document, "present", present);
        shell_json_uint(document, "online", online);
        shell_json_string(document, "map", text);
        return shell_json_print(shell, document);
    }
    virsh_field(shell, 15, "CPUs present", "%d", present);
    virsh_field(shell, 15, "CPUs online", "%u", online);
    virsh_field(shell, 15, "CPU map", "%s", text);
    return true;
}

/* --- NUMA cells --- */

/* Elements /capabilities/host/... of the capabilities. */
static xmlDocPtr capabilities(Shell *shell)
{
    g_autofree char *xml = virConnectGetCapabilities(virsh_conn(shell));

    if (!xml) {
        shell_error(shell, "unable to get node capabilities");
        return NULL;
    }
    return virsh_parse_xml(shell, xml);
}

/* Numbers that an expression finds; NULL after an error printed. */
static GArray *capability_numbers(Shell *shell, xmlDocPtr doc, const char *expression, const char *what)
{
    g_autoptr(GPtrArray) nodes = virsh_xpath_nodes(doc, NULL, expression);
    GArray *numbers;

    if (!nodes->len) {
        shell_error(shell, "could not get information about %s", what);
        return NULL;
    }
    numbers = g_array_new(FALSE, FALSE, sizeof(unsigned int));
    for (guint i = 0; i < nodes->len; i++) {
        g_autofree char *text = virsh_xpath_string(doc, nodes->pdata[i], "string(.)");
        unsigned int number = g_ascii_strtoull(text, NULL, 10);
        g_array_append_val(numbers, number);
    }
    return numbers;
}

static bool freecell_all(Shell *shell, const Cmd *cmd)
{
    g_autoptr(xmlDoc) doc = capabilities(shell);
    g_autoptr(GArray) cells = NULL;
    json_object *list = json_object_new_array();
    unsigned long long total = 0;

    cells = doc ? capability_numbers(shell, doc, "/capabilities/host/topology/cells/cell/@id", "NUMA topology") : NULL;
    for (guint i = 0; cells && i < cells->len; i++) {
        unsigned int cell = g_array_index(cells, unsigned int, i);
        json_object *one = json_object_new_object();
        unsigned long long free_bytes = 0;

        json_object_array_add(list, one);
        if (virNodeGetCellsFreeMemory(virsh_conn(shell), &free_bytes, cell, 1) != 1) {
            json_object_put(list);
            return shell_error(shell, "failed to get free memory for NUMA node number: %u", cell);
        }
        total += free_bytes / 1024;
        shell_json_uint(one, "cell", cell);
        shell_json_uint(one, "free_kib", free_bytes / 1024);
        if (!shell_json(cmd))
            shell_print(shell, "%5u: %10llu KiB\n", cell, free_bytes / 1024);
    }
    if (cells && shell_json(cmd))
        return shell_json_print(shell, list);
    json_object_put(list);
    if (!cells)
        return false;
    shell_print_extra(shell, "--------------------\n%5s: %10llu KiB\n", "Total", total);
    return true;
}

static bool freecell_one(Shell *shell, const Cmd *cmd)
{
    unsigned long long free_bytes = 0;
    unsigned int cell = 0;
    json_object *list, *one;
    int given = cmd_uint(shell, cmd, "cellno", &cell);

    if (given < 0)
        return false;
    if (given && virNodeGetCellsFreeMemory(virsh_conn(shell), &free_bytes, cell, 1) != 1)
        return false;
    if (!given && (free_bytes = virNodeGetFreeMemory(virsh_conn(shell))) == 0)
        return false;
    if (!shell_json(cmd)) {
        g_autofree char *label = given ? g_strdup_printf("%u", cell) : g_strdup("Total");
        shell_print(shell, "%s: %llu KiB\n", label, free_bytes / 1024);
        return true;
    }
    list = json_object_new_array();
    one = json_object_new_object();
    json_object_array_add(list, one);
    if (given)
        shell_json_uint(one, "cell", cell);
    else
        shell_json_null(one, "cell");
    shell_json_uint(one, "free_kib", free_bytes / 1024);
    return shell_json_print(shell, list);
}

bool cmd_freecell(Shell *shell, const Cmd *cmd)
{
    if (!cmd_exclusive(shell, cmd, "all", "cellno"))
        return false;
    return cmd_has(cmd, "all") ? freecell_all(shell, cmd) : freecell_one(shell, cmd);
}

/* Free pages of these sizes in one cell: printed, or added to `list`. */
static bool free_pages(Shell *shell, const Cmd *cmd, unsigned int cell, GArray *sizes, json_object *list)
{
    g_autofree unsigned long long *counts = g_new0(unsigned long long, sizes->len);

    if (virNodeGetFreePages(virsh_conn(shell), sizes->len, (unsigned int *)(void *)sizes->data, cell, 1, counts, 0) < 0)
        return false;
    for (guint i = 0; i < sizes->len; i++) {
        unsigned int size = g_array_index(sizes, unsigned int, i);
        json_object *one;

        if (!shell_json(cmd)) {
            shell_print(shell, "%uKiB: %llu\n", size, counts[i]);
            continue;
        }
        one = json_object_new_object();
        shell_json_uint(one, "cell", cell);
        shell_json_uint(one, "page_kib", size);
        shell_json_uint(one, "free", counts[i]);
        json_object_array_add(list, one);
    }
    return true;
}

static bool freepages_all(Shell *shell, const Cmd *cmd, json_object *list)
{
    g_autoptr(xmlDoc) doc = capabilities(shell);
    g_autoptr(GArray) cells = NULL, sizes = NULL;

    if (!doc)
        return false;
    sizes = capability_numbers(shell, doc, "/capabilities/host/cpu/pages/@size", "page sizes");
    cells = sizes ? capability_numbers(shell, doc, "/capabilities/host/topology/cells/cell/@id", "NUMA topology")
                  : NULL;
    for (guint i = 0; cells && i < cells->len; i++) {
        unsigned int cell = g_array_index(cells, unsigned int, i);

        if (!shell_json(cmd))
            shell_print(shell, "Node %u:\n", cell);
        if (!free_pages(shell, cmd, cell, sizes, list))
            return false;
        if (!shell_json(cmd))
            shell_print(shell, "\n");
    }
    return cells != NULL;
}

static bool freepages_one(Shell *shell, const Cmd *cmd, json_object *list)
{
    g_autoptr(GArray) sizes = g_array_new(FALSE, FALSE, sizeof(unsigned int));
    unsigned long long bytes = 0;
    unsigned int cell = 0, size;

    if (!cmd_has(cmd, "cellno"))
        return shell_error(shell, "missing cellno argument");
    if (cmd_uint(shell, cmd, "cellno", &cell) < 0)
        return false;
    if (!cmd_has(cmd, "pagesize"))
        return shell_error(shell, "missing pagesize argument");
    if (cmd_scaled(shell, cmd, "pagesize", 1024, (unsigned long long)G_MAXUINT * 1024, &bytes) < 0)
        return false;
    size = bytes / 1024;
    g_array_append_val(sizes, size);
    return free_pages(shell, cmd, cell, sizes, list);
}

bool cmd_freepages(Shell *shell, const Cmd *cmd)
{
    json_object *list = json_object_new_array();
    bool done = cmd_exclusive(shell, cmd, "all", "cellno");

    done = done && (cmd_has(cmd, "all") ? freepages_all(shell, cmd, list) : freepages_one(shell, cmd, list));
    if (done && shell_json(cmd))
        return shell_json_print(shell, list);
    json_object_put(list);
    return done;
}

bool cmd_allocpages(Shell *shell, const Cmd *cmd)
{
    unsigned int flags = cmd_has(cmd, "add") ? VIR_NODE_ALLOC_PAGES_ADD : VIR_NODE_ALLOC_PAGES_SET;
    unsigned long long bytes = 0, count = 0;
    unsigned int cells = 1, size;
    int start = -1;

    if (!cmd_exclusive(shell, cmd, "all", "cellno"))
        return false;
    if (cmd_int(shell, cmd, "cellno", &start) < 0 || cmd_ull(shell, cmd, "pagecount", &count) <= 0 ||
        cmd_scaled(shell, cmd, "pagesize", 1024, (unsigned long long)G_MAXUINT * 1024, &bytes) <= 0)
        return false;
    if (cmd_has(cmd, "all")) {
        g_autoptr(xmlDoc) doc = capabilities(shell);
        g_autoptr(GArray) ids =
            doc ? capability_numbers(shell, doc, "/capabilities/host/topology/cells/cell/@id", "NUMA topology") : NULL;
        if (!ids)
            return false;
        cells = ids->len;
        start = 0;
    }
    size = bytes / 1024;
    return virNodeAllocPages(virsh_conn(shell), 1, &size, &count, start, cells, flags) >= 0;
}

/* --- memory merging, sleep, SEV --- */

static bool print_node_params(Shell *shell, const Cmd *cmd)
{
    g_autofree virTypedParameterPtr params = NULL;
    json_object *document;
    int count = 0;

    if (virNodeGetMemoryParameters(virsh_conn(shell), NULL, &count, 0) != 0)
        return shell_error(shell, "Unable to get number of memory parameters");
    params = g_new0(virTypedParameter, count + 1);
    if (virNodeGetMemoryParameters(virsh_conn(shell), params, &count, 0) != 0)
        return shell_error(shell, "Unable to get memory parameters");
    document = json_object_new_object();
    if (!shell_json(cmd))
        shell_print(shell, "Shared memory:\n");
    for (int i = 0; i < count; i++) {
        g_autofree char *text = client_param_text(&params[i]);
        const char *name = g_str_has_prefix(params[i].field, "shm_") ? params[i].field + 4 : params[i].field;

        client_param_json(document, params[i].field, &params[i]);
        if (!shell_json(cmd))
            shell_print(shell, "\t%-15s %s\n", name, text);
    }
    virTypedParamsClear(params, count);
    if (shell_json(cmd))
        return shell_json_print(shell, document);
    json_object_put(document);
    return true;
}

bool cmd_node_memory_tune(Shell *shell, const Cmd *cmd)
{
    static const char *const options[][2] = {
        {"shm-pages-to-scan", VIR_NODE_MEMORY_SHARED_PAGES_TO_SCAN},
        {"shm-sleep-millisecs", VIR_NODE_MEMORY_SHARED_SLEEP_MILLISECS},
        {"shm-merge-across-nodes", VIR_NODE_MEMORY_SHARED_MERGE_ACROSS_NODES},
    };
    virTypedParameterPtr params = NULL;
    int count = 0, max = 0, rc = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(options) && rc >= 0; i++) {
        unsigned int value = 0;

        rc = cmd_uint(shell, cmd, options[i][0], &value);
        if (rc > 0)
            rc = virTypedParamsAddUInt(&params, &count, &max, options[i][1], value);
    }
    if (rc >= 0 && count && virNodeSetMemoryParameters(virsh_conn(shell), params, count, 0) != 0)
        rc = shell_error(shell, "Unable to change memory parameters") ? 0 : -1;
    virTypedParamsFree(params, count);
    if (rc < 0)
        return false;
    return count ? true : print_node_params(shell, cmd);
}

bool cmd_nodesuspend(Shell *shell, const Cmd *cmd)
{
    static const VirshName targets[] = {
        {VIR_NODE_SUSPEND_TARGET_MEM, "mem"},
        {VIR_NODE_SUSPEND_TARGET_DISK, "disk"},
        {VIR_NODE_SUSPEND_TARGET_HYBRID, "hybrid"},
        {0, NULL},
    };
    const char *target = NULL;
    long long duration = 0;
    int value = 0;

    if (cmd_string(shell, cmd, "target", &target) <= 0 || cmd_ll(shell, cmd, "duration", &duration) <= 0)
        return false;
    if (!virsh_value(targets, target, &value))
        return shell_error(shell, "Invalid target");
    if (duration < 0)
        return shell_error(shell, "Invalid duration");
    if (virNodeSuspendForDuration(virsh_conn(shell), value, duration, 0) < 0)
        return shell_error(shell, "The host was not suspended");
    return true;
}

bool cmd_nodesevinfo(Shell *shell, const Cmd *cmd)
{
    virTypedParameterPtr params = NULL;
    json_object *document;
    int count = 0;

    if (virNodeGetSEVInfo(virsh_conn(shell), &params, &count, 0) < 0)
        return shell_error(shell, "Unable to get host SEV information");
    document = json_object_new_object();
    for (int i = 0; i < count; i++) {
        g_autofree char *text = client_param_text(&params[i]);

        client_param_json(document, params[i].field, &params[i]);
        if (!shell_json(cmd))
            shell_print(shell, "%-18s: %s\n", params[i].field, text);
    }
    virTypedParamsFree(params, count);
    if (shell_json(cmd))
        return shell_json_print(shell, document);
    json_object_put(document);
    return true;
}
