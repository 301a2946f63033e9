/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: memory and virtual CPUs. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

/* --size in KiB; -1 after an error printed. */
static long long size_kib(Shell *shell, const Cmd *cmd)
{
    unsigned long long bytes = 0;

    if (cmd_scaled(shell, cmd, "size", 1024, (unsigned long long)G_MAXINT64, &bytes) <= 0)
        return -1;
    return bytes / 1024 + (bytes % 1024 != 0);
}

bool cmd_setmem(Shell *shell, const Cmd *cmd)
{
    int flags = virsh_affect(shell, cmd);
    g_autoptr(virDomain) domain = flags < 0 ? NULL : virsh_domain(shell, cmd);
    long long kib = domain ? size_kib(shell, cmd) : -1;

    if (kib < 0)
        return false;
    return (flags ? virDomainSetMemoryFlags(domain, kib, flags) : virDomainSetMemory(domain, kib)) == 0;
}

bool cmd_setmaxmem(Shell *shell, const Cmd *cmd)
{
    int flags = virsh_affect(shell, cmd);
    g_autoptr(virDomain) domain = flags < 0 ? NULL : virsh_domain(shell, cmd);
    long long kib = domain ? size_kib(shell, cmd) : -1;

    if (kib < 0)
        return false;
    if (flags ? virDomainSetMemoryFlags(domain, kib, flags | VIR_DOMAIN_MEM_MAXIMUM) == 0
              : virDomainSetMaxMemory(domain, kib) == 0)
        return true;
    return shell_error(shell, "Unable to change MaxMemorySize");
}

bool cmd_setvcpus(Shell *shell, const Cmd *cmd)
{
    static const VirshFlag table[] = {
        {"maximum", VIR_DOMAIN_VCPU_MAXIMUM},
        {"guest", VIR_DOMAIN_VCPU_GUEST},
        {"hotpluggable", VIR_DOMAIN_VCPU_HOTPLUGGABLE},
        {"async", VIR_DOMAIN_VCPU_ASYNC_UNPLUG},
        {NULL, 0},
    };
    int flags = virsh_affect(shell, cmd);
    g_autoptr(virDomain) domain = NULL;
    unsigned int count = 0;

    if (flags < 0 || !cmd_exclusive(shell, cmd, "guest", "config") || !cmd_exclusive(shell, cmd, "maximum", "live"))
        return false;
    domain = virsh_domain(shell, cmd);
    if (!domain || cmd_uint(shell, cmd, "count", &count) <= 0)
        return false;
    if (!count)
        return shell_error(shell, "Can't set 0 processors for a VM");
    flags |= virsh_flags(cmd, table);
    return (flags ? virDomainSetVcpusFlags(domain, count, flags) : virDomainSetVcpus(domain, count)) == 0;
}

/* --- vcpucount --- */

static const struct {
    const char *what, *where, *key;
    unsigned int flags;
} counts[] = {
    {"maximum", "config", "maximum_config", VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_VCPU_MAXIMUM},
    {"maximum", "live", "maximum_live", VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_VCPU_MAXIMUM},
    {"current", "config", "current_config", VIR_DOMAIN_AFFECT_CONFIG},
    {"current", "live", "current_live", VIR_DOMAIN_AFFECT_LIVE},
};

static bool all_counts(Shell *shell, const Cmd *cmd, virDomainPtr domain)
{
    bool active = virDomainIsActive(domain) == 1, persistent = virDomainIsPersistent(domain) == 1;
    json_object *document = json_object_new_object();

    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        bool asked = counts[i].flags & VIR_DOMAIN_AFFECT_LIVE ? active : persistent;
        int count = asked ? virDomainGetVcpusFlags(domain, counts[i].flags) : -1;

        if (asked && count < 0) {
            json_object_put(document);
            return false;
        }
        if (!asked)
            shell_json_null(document, counts[i].key);
        else
            shell_json_int(document, counts[i].key, count);
        if (asked && !shell_json(cmd))
            shell_print(shell, "%-12s %-12s %3d\n", counts[i].what, counts[i].where, count);
    }
    if (shell_json(cmd))
        return shell_json_print(shell, document);
    json_object_put(document);
    return true;
}

bool cmd_vcpucount(Shell *shell, const Cmd *cmd)
{
    bool maximum = cmd_has(cmd, "maximum"), config = cmd_has(cmd, "config"), guest = cmd_has(cmd, "guest");
    bool live = cmd_has(cmd, "live"), current = cmd_has(cmd, "current"), active = cmd_has(cmd, "active");
    g_autoptr(virDomain) domain = NULL;
    unsigned int flags;
    int count;

    if (!cmd_exclusive(shell, cmd, "live", "config") || !cmd_exclusive(shell, cmd, "maximum", "active") ||
        !cmd_exclusive(shell, cmd, "guest", "config"))
        return false;
    domain = virsh_domain(shell, cmd);
    if (!domain)
        return false;
    if (!maximum && !config && !live && !current && !active && !guest)
        return all_counts(shell, cmd, domain);
    flags = (maximum ? VIR_DOMAIN_VCPU_MAXIMUM : 0) | (guest ? VIR_DOMAIN_VCPU_GUEST : 0) |
            (live ? VIR_DOMAIN_AFFECT_LIVE : 0) | (config ? VIR_DOMAIN_AFFECT_CONFIG : 0);
    count = virDomainGetVcpusFlags(domain, flags);
    return count >= 0 && virsh_print_number(shell, cmd, "count", count);
}

/* --- vcpuinfo --- */

static char *affinity(const unsigned char *map, int cpus, bool pretty)
{
    g_autofree char *text = virsh_cpu_map(map, cpus, pretty);

    return pretty ? g_strdup_printf("%s (out of %d)", text, cpus) : g_steal_pointer(&text);
}

static const char *vcpu_state(int state)
{
    static const VirshName names[] = {
        {VIR_VCPU_OFFLINE, "offline"}, {VIR_VCPU_RUNNING, "running"}, {VIR_VCPU_BLOCKED, "blocked"}, {0, NULL},
    };

    return virsh_name(names, state, "no state");
}

static json_object *vcpu_json(const virVcpuInfo *info, const char *cpus)
{
    json_object *one = json_object_new_object();

    shell_json_uint(one, "vcpu", info->number);
    if (info->cpu >= 0)
        shell_json_int(one, "cpu", info->cpu);
    else
        shell_json_null(one, "cpu");
    shell_json_string(one, "state", vcpu_state(info->state));
    shell_json_uint(one, "time_ns", info->cpuTime);
    shell_json_string(one, "affinity", cpus);
    return one;
}

static bool vcpu_running(Shell *shell, const Cmd *cmd, virDomainPtr domain, int vcpus, int cpus)
{
    size_t length = VIR_CPU_MAPLEN(cpus);
    g_autofree virVcpuInfoPtr infos = g_new0(virVcpuInfo, vcpus + 1);
    g_autofree unsigned char *maps = g_malloc0_n(vcpus + 1, length);
    int count = virDomainGetVcpus(domain, infos, vcpus, maps, length);
    json_object *list;

    if (count < 0)
        return false;
    list = json_object_new_array();
    for (int i = 0; i < count; i++) {
        g_autofree char *text = affinity(maps + i * length, cpus, cmd_has(cmd, "pretty"));

        if (shell_json(cmd)) {
            json_object_array_add(list, vcpu_json(&infos[i], text));
            continue;
        }
        virsh_field(shell, 15, "VCPU", "%u", infos[i].number);
        if (infos[i].cpu >= 0)
            virsh_field(shell, 15, "CPU", "%d", infos[i].cpu);
        else
            virsh_field(shell, 15, "CPU", "N/A");
        virsh_field(shell, 15, "State", "%s", vcpu_state(infos[i].state));
        virsh_field(shell, 15, "CPU time", "%.1lfs", infos[i].cpuTime / 1e9);
        virsh_field(shell, 15, "CPU Affinity", "%s", text);
        if (i + 1 < count)
            shell_print(shell, "\n");
    }
    if (shell_json(cmd))
        return shell_json_print(shell, list);
    json_object_put(list);
    return true;
}

/* A domain that is off has only the binding that its definition asks for. */
static bool vcpu_defined(Shell *shell, const Cmd *cmd, virDomainPtr domain, int vcpus, int cpus)
{
    size_t length = VIR_CPU_MAPLEN(cpus);
    g_autofree unsigned char *maps = g_malloc0_n(vcpus + 1, length);
    int count = virDomainGetVcpuPinInfo(domain, vcpus, maps, length, VIR_DOMAIN_AFFECT_CONFIG);

    if (count < 0)
        return false;
    if (shell_json(cmd))
        return shell_error(shell, "--format json needs a running domain");
    for (int i = 0; i < count; i++) {
        g_autofree char *text = affinity(maps + i * length, cpus, cmd_has(cmd, "pretty"));

        virsh_field(shell, 15, "VCPU", "%d", i);
        virsh_field(shell, 15, "CPU", "N/A");
        virsh_field(shell, 15, "State", "N/A");
        virsh_field(shell, 15, "CPU time", "N/A");
        virsh_field(shell, 15, "CPU Affinity", "%s", text);
        if (i + 1 < count)
            shell_print(shell, "\n");
    }
    return true;
}

bool cmd_vcpuinfo(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    virDomainInfo info;
    int cpus;

    if (!domain)
        return false;
    cpus = virNodeGetCPUMap(virsh_conn(shell), NULL, NULL, 0);
    if (cpus <= 0 || virDomainGetInfo(domain, &info) < 0)
        return false;
    return virDomainIsActive(domain) == 1 ? vcpu_running(shell, cmd, domain, info.nrVirtCpu, cpus)
                                          : vcpu_defined(shell, cmd, domain, info.nrVirtCpu, cpus);
}
