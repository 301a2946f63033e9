/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: counters of disks and interfaces, addresses, CPU time. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

typedef struct {
    const char *field, *name, *label;
} StatName;

static const StatName block_names[] = {
    {VIR_DOMAIN_BLOCK_STATS_READ_REQ, "rd_req", "number of read operations:"},
    {VIR_DOMAIN_BLOCK_STATS_READ_BYTES, "rd_bytes", "number of bytes read:"},
    {VIR_DOMAIN_BLOCK_STATS_WRITE_REQ, "wr_req", "number of write operations:"},
    {VIR_DOMAIN_BLOCK_STATS_WRITE_BYTES, "wr_bytes", "number of bytes written:"},
    {VIR_DOMAIN_BLOCK_STATS_ERRS, "errs", "error count:"},
    {VIR_DOMAIN_BLOCK_STATS_FLUSH_REQ, "flush_operations", "number of flush operations:"},
    {VIR_DOMAIN_BLOCK_STATS_READ_TOTAL_TIMES, "rd_total_times", "total duration of reads (ns):"},
    {VIR_DOMAIN_BLOCK_STATS_WRITE_TOTAL_TIMES, "wr_total_times", "total duration of writes (ns):"},
    {VIR_DOMAIN_BLOCK_STATS_FLUSH_TOTAL_TIMES, "flush_total_times", "total duration of flushes (ns):"},
};

static void block_row(Shell *shell, const Cmd *cmd, json_object *document, const char *device, const StatName *name,
                      long long value)
{
    if (shell_json(cmd))
        shell_json_int(document, name->name, value);
    else if (cmd_has(cmd, "human"))
        shell_print(shell, " %-31s %lld\n", name->label, value);
    else
        shell_print(shell, "%s%s%s %lld\n", device, *device ? " " : "", name->name, value);
}

/* The long list of counters; false if the driver has only the short one (the error is left pending). */
static bool block_params(Shell *shell, const Cmd *cmd, virDomainPtr domain, const char *device, json_object *document)
{
    g_autofree virTypedParameterPtr params = NULL;
    int count = 0;

    if (virDomainBlockStatsFlags(domain, device, NULL, &count, 0) < 0)
        return false;
    params = g_new0(virTypedParameter, count + 1);
    if (virDomainBlockStatsFlags(domain, device, params, &count, 0) < 0)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(block_names); i++) {
        long long value = 0;
        if (virTypedParamsGetLLong(params, count, block_names[i].field, &value) > 0)
            block_row(shell, cmd, document, device, &block_names[i], value);
    }
    for (int i = 0; i < count; i++) {
        g_autofree char *text = client_param_text(&params[i]);
        bool known = false;
        for (size_t k = 0; k < G_N_ELEMENTS(block_names) && !known; k++)
            known = g_str_equal(params[i].field, block_names[k].field);
        if (known)
            continue;
        if (shell_json(cmd))
            client_param_json(document, params[i].field, &params[i]);
        else
            shell_print(shell, "%s%s%s %s\n", device, *device ? " " : "", params[i].field, text);
    }
    virTypedParamsClear(params, count);
    return true;
}

static bool block_short(Shell *shell, const Cmd *cmd, virDomainPtr domain, const char *device, json_object *document)
{
    virDomainBlockStatsStruct stats;
    long long values[5];

    client_error_forget();
    if (virDomainBlockStats(domain, device, &stats, sizeof(stats)) < 0)
        return false;
    values[0] = stats.rd_req;
    values[1] = stats.rd_bytes;
    values[2] = stats.wr_req;
    values[3] = stats.wr_bytes;
    values[4] = stats.errs;
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        if (values[i] >= 0)
            block_row(shell, cmd, document, device, &block_names[i], values[i]);
    }
    return true;
}

bool cmd_domblkstat(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    const char *device = "";
    json_object *document;
    bool done;

    if (!domain || cmd_string(shell, cmd, "device", &device) < 0)
        return false;
    if (cmd_has(cmd, "human") && !shell_json(cmd))
        shell_print(shell, "Device: %s\n", device);
    document = json_object_new_object();
    done = block_params(shell, cmd, domain, device, document);
    if (!done && client_error_code() == VIR_ERR_NO_SUPPORT)
        done = block_short(shell, cmd, domain, device, document);
    if (done && shell_json(cmd))
        return shell_json_print(shell, document);
    json_object_put(document);
    return done || shell_error(shell, "Failed to get block stats %s %s", virDomainGetName(domain), device);
}

bool cmd_domifstat(Shell *shell, const Cmd *cmd)
{
    static const char *const names[] = {"rx_bytes", "rx_packets", "rx_errs", "rx_drop",
                                        "tx_bytes", "tx_packets", "tx_errs", "tx_drop"};
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    virDomainInterfaceStatsStruct stats;
    const char *device = NULL;
    json_object *document;

    if (!domain || cmd_string(shell, cmd, "interface", &device) <= 0)
        return false;
    if (virDomainInterfaceStats(domain, device, &stats, sizeof(stats)) < 0)
        return shell_error(shell, "Failed to get interface stats %s %s", virDomainGetName(domain), device);
    document = json_object_new_object();
    {
        const long long values[] = {stats.rx_bytes, stats.rx_packets, stats.rx_errs, stats.rx_drop,
                                    stats.tx_bytes, stats.tx_packets, stats.tx_errs, stats.tx_drop};
        for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
            if (values[i] >= 0 && shell_json(cmd))
                shell_json_int(document, names[i], values[i]);
            else if (values[i] >= 0)
                shell_print(shell, "%s %s %lld\n", device, names[i], values[i]);
        }
    }
    if (shell_json(cmd))
        return shell_json_print(shell, document);
    json_object_put(document);
    return true;
}

/* --- cpu-stats --- */

static void cpu_params(Shell *shell, virTypedParameterPtr params, int count)
{
    for (int i = 0; i < count; i++) {
        unsigned long long value = params[i].value.ul;
        g_autofree char *text = client_param_text(&params[i]);

        if (params[i].type == VIR_TYPED_PARAM_ULLONG)
            shell_print(shell, "\t%-12s %9llu.%09llu seconds\n", params[i].field, value / 1000000000,
                        value % 1000000000);
        else if (*params[i].field)
            shell_print(shell, "\t%s %s\n", params[i].field, text);
    }
}

static bool cpu_total(Shell *shell, virDomainPtr domain)
{
    int count = virDomainGetCPUStats(domain, NULL, 0, -1, 1, 0);
    g_autofree virTypedParameterPtr params = g_new0(virTypedParameter, MAX(count, 0) + 1);

    if (count < 0 || (count = virDomainGetCPUStats(domain, params, count, -1, 1, 0)) < 0)
        return shell_error(shell, "Failed to retrieve CPU statistics for domain '%s'", virDomainGetName(domain));
    shell_print(shell, "Total:\n");
    cpu_params(shell, params, count);
    virTypedParamsClear(params, count);
    return true;
}

static bool cpu_each(Shell *shell, virDomainPtr domain, int start, int wanted)
{
    enum { AT_ONCE = 128 };
    int cpus = virDomainGetCPUStats(domain, NULL, 0, 0, 0, 0);
    int fields = cpus < 0 ? -1 : virDomainGetCPUStats(domain, NULL, 0, 0, 1, 0);
    int end = wanted < 0 ? cpus : MIN(cpus, start + wanted);

    if (fields < 0)
        return shell_error(shell, "Failed to retrieve CPU statistics for domain '%s'", virDomainGetName(domain));
    for (int cpu = start; cpu < end; cpu += AT_ONCE) {
        int part = MIN(AT_ONCE, end - cpu);
        g_autofree virTypedParameterPtr params = g_new0(virTypedParameter, part * fields + 1);

        if (virDomainGetCPUStats(domain, params, fields, cpu, part, 0) < 0)
            return false;
        for (int i = 0; i < part; i++) {
            if (params[i * fields].type == 0)
                continue; /* this CPU isn't there */
            shell_print(shell, "CPU%d:\n", cpu + i);
            cpu_params(shell, params + i * fields, fields);
        }
        virTypedParamsClear(params, part * fields);
    }
    return true;
}

bool cmd_cpu_stats(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    bool total = cmd_has(cmd, "total"), each = cmd_has(cmd, "start") || cmd_has(cmd, "count");
    int start = 0, count = -1;

    if (!domain || cmd_int(shell, cmd, "start", &start) < 0 || cmd_int(shell, cmd, "count", &count) < 0)
        return false;
    if (start < 0)
        return shell_error(shell, "Invalid value for start CPU");
    if (cmd_has(cmd, "count") && count < 0)
        return shell_error(shell, "Invalid value for number of CPUs to show");
    if ((each || !total) && !cpu_each(shell, domain, start, count))
        return false;
    return total || !each ? cpu_total(shell, domain) : true;
}
