/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: which host CPUs their threads run on, single virtual CPUs, I/O threads. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

static int host_cpus(Shell *shell)
{
    return virNodeGetCPUMap(virsh_conn(shell), NULL, NULL, 0);
}

/* A binding as "0-3"; JSON has it under "cpus". */
static void add_binding(VirshRecord *record, const char *label, unsigned int id, const char *key,
                        const unsigned char *map, int cpus)
{
    g_autofree char *text = virsh_cpu_map(map, cpus, true);

    virsh_record_uint(record, label, key, id);
    virsh_record_text(record, "CPU Affinity", "cpus", text);
}

/* --- virtual CPUs --- */

static bool show_pins(Shell *shell, const Cmd *cmd, virDomainPtr domain, int only, unsigned int flags)
{
    g_autoptr(VirshRows) rows = virsh_rows_new("VCPU", "CPU Affinity", NULL);
    g_autofree unsigned char *maps = NULL;
    int cpus = host_cpus(shell), vcpus, length;
    bool live = flags & VIR_DOMAIN_AFFECT_LIVE || (!flags && virDomainIsActive(domain) == 1);

    if (!cmd_exclusive(shell, cmd, "live", "config") || cpus <= 0)
        return false;
    vcpus = virDomainGetVcpusFlags(domain, VIR_DOMAIN_VCPU_MAXIMUM | flags);
    if (vcpus < 0)
        return false;
    if (only >= vcpus)
        return shell_error(shell, "vcpu %d is out of range of %s cpu count %d", only, live ? "live" : "persistent",
                           vcpus);
    length = VIR_CPU_MAPLEN(cpus);
    maps = g_malloc0_n(vcpus + 1, length);
    vcpus = virDomainGetVcpuPinInfo(domain, vcpus, maps, length, flags);
    if (vcpus < 0)
        return false;
    for (int vcpu = 0; vcpu < vcpus; vcpu++) {
        if (only < 0 || only == vcpu)
            add_binding(virsh_rows_add(rows), "VCPU", vcpu, "vcpu", VIR_GET_CPUMAP(maps, length, vcpu), cpus);
    }
    return virsh_rows_print(shell, cmd, rows);
}

bool cmd_vcpupin(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree unsigned char *map = NULL;
    const char *list = cmd_get(cmd, "cpulist");
    unsigned int vcpu = 0;
    int flags, given, cpus, length;

    if (!domain || (flags = virsh_affect(shell, cmd)) < 0 || (given = cmd_uint(shell, cmd, "vcpu", &vcpu)) < 0)
        return false;
    if (!list)
        return show_pins(shell, cmd, domain, given ? (int)MIN(vcpu, (unsigned int)G_MAXINT) : -1, flags);
    if (!given)
        return shell_error(shell, "vcpupin: Missing vCPU number in pin mode.");
    cpus = host_cpus(shell);
    map = cpus > 0 ? virsh_cpu_list(shell, list, cpus) : NULL;
    if (!map)
        return false;
    length = VIR_CPU_MAPLEN(cpus);
    if (!flags && !cmd_has(cmd, "current"))
        return virDomainPinVcpu(domain, vcpu, map, length) == 0;
    return virDomainPinVcpuFlags(domain, vcpu, map, length, flags) == 0;
}

bool cmd_emulatorpin(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree unsigned char *map = NULL;
    g_autofree char *text = NULL;
    const char *list = cmd_get(cmd, "cpulist");
    int flags, cpus, length;

    if (!domain || (flags = virsh_affect(shell, cmd)) < 0 || (cpus = host_cpus(shell)) <= 0)
        return false;
    length = VIR_CPU_MAPLEN(cpus);
    if (list) {
        map = virsh_cpu_list(shell, list, cpus);
        if (!flags && !cmd_has(cmd, "current"))
            flags = VIR_DOMAIN_AFFECT_LIVE;
        return map && virDomainPinEmulator(domain, map, length, flags) == 0;
    }
    map = g_malloc0(length + 1);
    if (virDomainGetEmulatorPinInfo(domain, map, length, flags) < 0)
        return false;
    text = virsh_cpu_map(map, cpus, true);
    if (shell_json(cmd))
        return virsh_print_word(shell, cmd, "cpus", text);
    shell_print_extra(shell, "emulator: CPU Affinity\n----------------------------------\n       *: ");
    shell_print(shell, "%s\n", text);
    return true;
}

bool cmd_setvcpu(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    const char *list = NULL;
    bool enable = cmd_has(cmd, "enable");
    int flags = virsh_affect(shell, cmd);

    if (flags < 0)
        return false;
    if (!enable && !cmd_has(cmd, "disable"))
        return shell_error(shell, "one of --enable, --disable is required");
    domain = virsh_domain(shell, cmd);
    if (!domain || cmd_string(shell, cmd, "vcpulist", &list) <= 0)
        return false;
    return virDomainSetVcpu(domain, list, enable, cmd_flags(cmd)) == 0;
}

bool cmd_guestvcpus(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    g_auto(VirshParams) params = {0};
    const char *list = NULL;
    bool enable = cmd_has(cmd, "enable"), disable = cmd_has(cmd, "disable");

    if (cmd_string(shell, cmd, "cpulist", &list) < 0)
        return false;
    if ((enable || disable) && !list)
        return shell_error(shell, "Option --cpulist is required by option --%s", enable ? "enable" : "disable");
    if (list && !enable && !disable)
        return shell_error(shell, "One of options --enable or --disable is required by option --cpulist");
    domain = virsh_domain(shell, cmd);
    if (!domain)
        return false;
    if (list)
        return virDomainSetGuestVcpus(domain, list, enable, 0) == 0;
    if (virDomainGetGuestVcpus(domain, &params.list, (unsigned int *)&params.count, 0) < 0)
        return false;
    return virsh_params_print(shell, cmd, &params, 15, NULL);
}

/* --- I/O threads --- */

bool cmd_iothreadinfo(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(VirshRows) rows = virsh_rows_new("IOThread ID", "CPU Affinity", NULL);
    virDomainIOThreadInfoPtr *infos = NULL;
    int flags, count, cpus;

    if (!domain || (flags = virsh_affect(shell, cmd)) < 0 || (cpus = host_cpus(shell)) <= 0)
        return false;
    count = virDomainGetIOThreadInfo(domain, &infos, flags);
    if (count < 0)
        return shell_error(shell, "Unable to get domain IOThreads information");
    for (int i = 0; i < count; i++) {
        g_autofree unsigned char *map = g_malloc0(VIR_CPU_MAPLEN(cpus) + 1);

        memcpy(map, infos[i]->cpumap, MIN(infos[i]->cpumaplen, VIR_CPU_MAPLEN(cpus)));
        add_binding(virsh_rows_add(rows), "IOThread ID", infos[i]->iothread_id, "id", map, cpus);
        virDomainIOThreadInfoFree(infos[i]);
    }
    free(infos);
    if (count || shell_json(cmd))
        return virsh_rows_print(shell, cmd, rows);
    shell_print_extra(shell, "No IOThreads found for the domain");
    return true;
}

/* --id or --iothread, which is above 0. */
static bool thread_id(Shell *shell, const Cmd *cmd, unsigned int *id)
{
    int number = 0;

    if (cmd_int(shell, cmd, "id", &number) <= 0)
        return false;
    if (number <= 0)
        return shell_error(shell, "Invalid IOThread id value: '%d'", number);
    *id = number;
    return true;
}

bool cmd_iothreadadd(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned int id = 0;
    int flags;

    return domain && (flags = virsh_affect(shell, cmd)) >= 0 && thread_id(shell, cmd, &id) &&
           virDomainAddIOThread(domain, id, flags) == 0;
}

bool cmd_iothreaddel(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned int id = 0;
    int flags;

    return domain && (flags = virsh_affect(shell, cmd)) >= 0 && thread_id(shell, cmd, &id) &&
           virDomainDelIOThread(domain, id, flags) == 0;
}

bool cmd_iothreadset(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_auto(VirshParams) params = {0};
    unsigned int id = 0;
    int flags;

    if (!domain || (flags = virsh_affect(shell, cmd)) < 0 || !thread_id(shell, cmd, &id) ||
        !virsh_params_take(shell, cmd, &params))
        return false;
    if (!params.count)
        return shell_error(shell, "Not enough arguments passed, nothing to set");
    return virDomainSetIOThreadParams(domain, id, params.list, params.count, flags) == 0;
}

bool cmd_iothreadpin(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree unsigned char *map = NULL;
    const char *list = NULL;
    unsigned int id = 0;
    int flags, cpus;

    if (!domain || (flags = virsh_affect(shell, cmd)) < 0 || cmd_uint(shell, cmd, "iothread", &id) <= 0 ||
        cmd_string(shell, cmd, "cpulist", &list) <= 0 || (cpus = host_cpus(shell)) <= 0)
        return false;
    map = virsh_cpu_list(shell, list, cpus);
    return map && virDomainPinIOThread(domain, id, map, VIR_CPU_MAPLEN(cpus), flags) == 0;
}
