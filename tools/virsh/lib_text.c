/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of values, sizes, times, typed parameters, flags. */
#include <string.h>

#include "tools/virsh/virsh.h"

const char *virsh_name(const VirshName *names, int value, const char *otherwise)
{
    for (; names->name; names++) {
        if (names->value == value)
            return names->name;
    }
    return otherwise;
}

bool virsh_value(const VirshName *names, const char *name, int *value)
{
    for (; names->name; names++) {
        if (g_str_equal(names->name, name)) {
            *value = names->value;
            return true;
        }
    }
    return false;
}

const char *virsh_domain_state(int state)
{
    static const VirshName names[] = {
        {VIR_DOMAIN_NOSTATE, "no state"},     {VIR_DOMAIN_RUNNING, "running"},
        {VIR_DOMAIN_BLOCKED, "idle"},         {VIR_DOMAIN_PAUSED, "paused"},
        {VIR_DOMAIN_SHUTDOWN, "in shutdown"}, {VIR_DOMAIN_SHUTOFF, "shut off"},
        {VIR_DOMAIN_CRASHED, "crashed"},      {VIR_DOMAIN_PMSUSPENDED, "pmsuspended"},
        {0, NULL},
    };

    return virsh_name(names, state, "no state");
}

static const VirshName running_reasons[] = {
    {VIR_DOMAIN_RUNNING_BOOTED, "booted"},
    {VIR_DOMAIN_RUNNING_MIGRATED, "migrated"},
    {VIR_DOMAIN_RUNNING_RESTORED, "restored"},
    {VIR_DOMAIN_RUNNING_FROM_SNAPSHOT, "from snapshot"},
    {VIR_DOMAIN_RUNNING_UNPAUSED, "unpaused"},
    {VIR_DOMAIN_RUNNING_MIGRATION_CANCELED, "migration canceled"},
    {VIR_DOMAIN_RUNNING_SAVE_CANCELED, "save canceled"},
    {VIR_DOMAIN_RUNNING_WAKEUP, "event wakeup"},
    {VIR_DOMAIN_RUNNING_CRASHED, "crashed"},
    {VIR_DOMAIN_RUNNING_POSTCOPY, "post-copy"},
    {VIR_DOMAIN_RUNNING_POSTCOPY_FAILED, "post-copy failed"},
    {0, NULL},
};

static const VirshName paused_reasons[] = {
    {VIR_DOMAIN_PAUSED_USER, "user"},
    {VIR_DOMAIN_PAUSED_MIGRATION, "migrating"},
    {VIR_DOMAIN_PAUSED_SAVE, "saving"},
    {VIR_DOMAIN_PAUSED_DUMP, "dumping"},
    {VIR_DOMAIN_PAUSED_IOERROR, "I/O error"},
    {VIR_DOMAIN_PAUSED_WATCHDOG, "watchdog"},
    {VIR_DOMAIN_PAUSED_FROM_SNAPSHOT, "from snapshot"},
    {VIR_DOMAIN_PAUSED_SHUTTING_DOWN, "shutting down"},
    {VIR_DOMAIN_PAUSED_SNAPSHOT, "creating snapshot"},
    {VIR_DOMAIN_PAUSED_CRASHED, "crashed"},
    {VIR_DOMAIN_PAUSED_STARTING_UP, "starting up"},
    {VIR_DOMAIN_PAUSED_POSTCOPY, "post-copy"},
    {VIR_DOMAIN_PAUSED_POSTCOPY_FAILED, "post-copy failed"},
    {0, NULL},
};

static const VirshName shutoff_reasons[] = {
    {VIR_DOMAIN_SHUTOFF_SHUTDOWN, "shutdown"}, {VIR_DOMAIN_SHUTOFF_DESTROYED, "destroyed"},
    {VIR_DOMAIN_SHUTOFF_CRASHED, "crashed"},   {VIR_DOMAIN_SHUTOFF_MIGRATED, "migrated"},
    {VIR_DOMAIN_SHUTOFF_SAVED, "saved"},       {VIR_DOMAIN_SHUTOFF_FAILED, "failed"},
    {VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT, "from snapshot"},
    {VIR_DOMAIN_SHUTOFF_DAEMON, "daemon"},     {0, NULL},
};

const char *virsh_domain_reason(int state, int reason)
{
    switch (state) {
    case VIR_DOMAIN_RUNNING:
        return virsh_name(running_reasons, reason, "unknown");
    case VIR_DOMAIN_PAUSED:
        return virsh_name(paused_reasons, reason, "unknown");
    case VIR_DOMAIN_SHUTDOWN:
        return reason == VIR_DOMAIN_SHUTDOWN_USER ? "user" : "unknown";
    case VIR_DOMAIN_SHUTOFF:
        return virsh_name(shutoff_reasons, reason, "unknown");
    case VIR_DOMAIN_CRASHED:
        return reason == VIR_DOMAIN_CRASHED_PANICKED ? "panicked" : "unknown";
    default:
        return "unknown";
    }
}

char *virsh_size_digits(unsigned long long bytes, int digits)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = bytes;
    size_t unit = 0;

    for (; value >= 1024 && unit + 1 < G_N_ELEMENTS(units); unit++)
        value /= 1024;
    return g_strdup_printf("%.*f %s", digits, value, units[unit]);
}

char *virsh_size(unsigned long long bytes)
{
    return virsh_size_digits(bytes, 2);
}

char *virsh_cpu_map(const unsigned char *map, int count, bool pretty)
{
    GString *text = g_string_new(NULL);

    for (int i = 0; i < count; i++) {
        int last = i;

        if (!pretty) {
            g_string_append_c(text, VIR_CPU_USED(map, i) ? 'y' : '-');
            continue;
        }
        if (!VIR_CPU_USED(map, i))
            continue;
        while (last + 1 < count && VIR_CPU_USED(map, last + 1))
            last++;
        g_string_append_printf(text, last > i ? "%s%d-%d" : "%s%d", text->len ? "," : "", i, last);
        i = last;
    }
    return g_string_free(text, FALSE);
}

/* One element of a list of CPUs: N, N-M or ^N. */
static bool mark_cpus(const char *word, guint64 limit, unsigned char *map, int count, guint64 *highest)
{
    bool off = *word == '^';
    g_auto(GStrv) ends = g_strsplit(off ? word + 1 : word, "-", 2);
    guint64 first = 0, last;

    if (!ends[0] || !g_ascii_string_to_unsigned(ends[0], 10, 0, limit, &first, NULL))
        return false;
    last = first;
    if (ends[1] && (off || !g_ascii_string_to_unsigned(ends[1], 10, first, limit, &last, NULL)))
        return false;
    for (guint64 cpu = first; cpu <= last; cpu++) {
        if (off && cpu < (guint64)count)
            VIR_UNUSE_CPU(map, cpu);
        else if (cpu < (guint64)count)
            VIR_USE_CPU(map, cpu);
        else if (!off)
            *highest = MAX(*highest, cpu);
    }
    return true;
}

static bool any_cpu(const unsigned char *map, int count)
{
    for (int cpu = 0; cpu < count; cpu++) {
        if (VIR_CPU_USED(map, cpu))
            return true;
    }
    return false;
}

unsigned char *virsh_cpu_list(Shell *shell, const char *text, int count)
{
    enum { CPUS_MAX = 65536 };
    g_autofree unsigned char *map = g_malloc0(VIR_CPU_MAPLEN(count) + 1);
    bool all = g_str_equal(text, "r");
    g_auto(GStrv) words = virsh_list(all ? "0" : text);
    guint64 highest = 0;
    bool fine = *words != NULL;

    for (char **word = words; *word && fine; word++) {
        if (**word || word[1] || word == words) /* a comma may end the list */
            fine = mark_cpus(g_strchug(*word), CPUS_MAX, map, count, &highest);
    }
    for (int cpu = 0; all && cpu < count; cpu++)
        VIR_USE_CPU(map, cpu);
    if (fine && highest) {
        shell_error(shell, "CPU %d in cpulist '%s' exceed the maxcpu %d", (int)highest, text, count);
        return NULL;
    }
    if (fine && any_cpu(map, count))
        return g_steal_pointer(&map);
    shell_error(shell, "Invalid cpulist '%s'", text);
    if (!fine)
        shell_error(shell, "invalid argument: Failed to parse bitmap '%s'", text);
    return NULL;
}

int virsh_rate(Shell *shell, const Cmd *cmd, const char *option, bool zero, VirshRate *rate)
{
    static const char *const names[] = {"average", "peak", "burst", "floor"};
    unsigned int *values[] = {&rate->average, &rate->peak, &rate->burst, &rate->floor};
    const char *text = NULL;
    int rc = cmd_string(shell, cmd, option, &text);
    g_auto(GStrv) words = NULL;

    if (rc <= 0)
        return rc;
    words = virsh_list(text);
    for (size_t i = 0; words[i]; i++) {
        guint64 value = 0;

        if (i >= G_N_ELEMENTS(names)) {
            shell_error(shell, "Rate string '%s' has too many fields", text);
            return -1;
        }
        if (*words[i] && !g_ascii_string_to_unsigned(words[i], 10, 0, G_MAXUINT, &value, NULL)) {
            shell_error(shell, "field '%s' is malformed", names[i]);
            return -1;
        }
        *values[i] = value;
    }
    if (rate->floor && g_str_equal(option, "outbound")) {
        shell_error(shell, "outbound floor is unsupported yet");
        return -1;
    }
    if (!rate->average && !rate->floor && (!zero || rate->peak || rate->burst)) {
        shell_error(shell, g_str_equal(option, "outbound") ? "outbound average is mandatory"
                                                           : "either inbound average or floor is mandatory");
        return -1;
    }
    return 1;
}

void virsh_field(Shell *shell, int width, const char *label, const char *format, ...)
{
    g_autofree char *head = g_strdup_printf("%s:", label);
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    shell_print(shell, "%-*s %s\n", width, head, text);
}

unsigned int virsh_flags(const Cmd *cmd, const VirshFlag *table)
{
    unsigned int flags = 0;

    for (; table->option; table++) {
        if (cmd_may_have(cmd, table->option))
            flags |= table->flag;
    }
    return flags;
}

int virsh_affect(Shell *shell, const Cmd *cmd)
{
    if (!cmd_exclusive(shell, cmd, "current", "live") || !cmd_exclusive(shell, cmd, "current", "config"))
        return -1;
    return (cmd_may_have(cmd, "config") ? VIR_DOMAIN_AFFECT_CONFIG : 0) |
           (cmd_may_have(cmd, "live") ? VIR_DOMAIN_AFFECT_LIVE : 0);
}

int virsh_affect_persistent(Shell *shell, const Cmd *cmd, virDomainPtr domain)
{
    int flags = virsh_affect(shell, cmd);

    if (flags < 0 || !cmd_exclusive(shell, cmd, "persistent", "current"))
        return -1;
    if (!cmd_may_have(cmd, "persistent"))
        return flags;
    flags |= VIR_DOMAIN_AFFECT_CONFIG;
    return virDomainIsActive(domain) == 1 ? flags | VIR_DOMAIN_AFFECT_LIVE : flags;
}

const char *virsh_affected(unsigned int flags, bool active)
{
    if (!(flags & (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)))
        flags = active ? VIR_DOMAIN_AFFECT_LIVE : VIR_DOMAIN_AFFECT_CONFIG;
    if (!(flags & VIR_DOMAIN_AFFECT_LIVE))
        return "persistent config";
    return flags & VIR_DOMAIN_AFFECT_CONFIG ? "persistent config and live state" : "live state";
}

char **virsh_list(const char *text)
{
    return g_strsplit(text, ",", -1);
}

char *virsh_time(long long seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(seconds);

    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S %z") : g_strdup_printf("%lld", seconds);
}

char *virsh_time_plain(long long seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(seconds);

    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup_printf("%lld", seconds);
}
