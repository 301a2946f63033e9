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
