/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: define and undefine, start and stop, suspend and resume. Undefine's storage is in cmd_domain_undefine.c. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

/* The numbers of --pass-fds; *count is 0 if it was not given. False after an error printed. */
bool virsh_pass_fds(Shell *shell, const Cmd *cmd, int **fds, unsigned int *count)
{
    const char *text = NULL;
    g_auto(GStrv) words = NULL;

    *fds = NULL;
    *count = 0;
    if (cmd_string(shell, cmd, "pass-fds", &text) < 0)
        return false;
    if (!text)
        return true;
    words = virsh_list(text);
    *fds = g_new0(int, g_strv_length(words) + 1);
    for (; words[*count]; (*count)++) {
        guint64 number = 0;

        if (!g_ascii_string_to_unsigned(words[*count], 10, 0, G_MAXINT, &number, NULL)) {
            g_clear_pointer(fds, g_free);
            return shell_error(shell, "Unable to parse FD number '%s'", words[*count]);
        }
        (*fds)[*count] = number;
    }
    return true;
}

static const VirshFlag start_flags[] = {
    {"paused", VIR_DOMAIN_START_PAUSED},
    {"autodestroy", VIR_DOMAIN_START_AUTODESTROY},
    {"bypass-cache", VIR_DOMAIN_START_BYPASS_CACHE},
    {"force-boot", VIR_DOMAIN_START_FORCE_BOOT},
    {"validate", VIR_DOMAIN_START_VALIDATE},
    {"reset-nvram", VIR_DOMAIN_START_RESET_NVRAM},
    {NULL, 0},
};

bool cmd_start(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned int flags = virsh_flags(cmd, start_flags), count = 0;
    g_autofree int *fds = NULL;
    int rc;

    if (!domain)
        return false;
    if (virDomainGetID(domain) != (unsigned int)-1)
        return shell_error(shell, "Domain is already active");
    if (!virsh_pass_fds(shell, cmd, &fds, &count))
        return false;
    if (count)
        rc = virDomainCreateWithFiles(domain, count, fds, flags);
    else
        rc = flags ? virDomainCreateWithFlags(domain, flags) : virDomainCreate(domain);
    if (rc < 0)
        return shell_error(shell, "Failed to start domain '%s'", virDomainGetName(domain));
    shell_print_extra(shell, "Domain '%s' started\n", virDomainGetName(domain));
    if (cmd_has(cmd, "console"))
        return virsh_console(shell, domain, NULL, 0);
    return true;
}

bool cmd_create(Shell *shell, const Cmd *cmd)
{
    g_autofree char *xml = virsh_read_option(shell, cmd, "file");
    g_autoptr(virDomain) domain = NULL;
    unsigned int flags = virsh_flags(cmd, start_flags), count = 0;
    g_autofree int *fds = NULL;

    if (!xml || !virsh_pass_fds(shell, cmd, &fds, &count))
        return false;
    domain = count ? virDomainCreateXMLWithFiles(virsh_conn(shell), xml, count, fds, flags)
                   : virDomainCreateXML(virsh_conn(shell), xml, flags);
    if (!domain)
        return shell_error(shell, "Failed to create domain from %s", cmd_get(cmd, "file"));
    shell_print_extra(shell, "Domain '%s' created from %s\n", virDomainGetName(domain), cmd_get(cmd, "file"));
    if (cmd_has(cmd, "console"))
        return virsh_console(shell, domain, NULL, 0);
    return true;
}

bool cmd_destroy(Shell *shell, const Cmd *cmd)
{
    static const VirshFlag table[] = {
        {"graceful", VIR_DOMAIN_DESTROY_GRACEFUL},
        {"remove-logs", VIR_DOMAIN_DESTROY_REMOVE_LOGS},
        {NULL, 0},
    };
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned int flags = virsh_flags(cmd, table);

    if (!domain)
        return false;
    if ((flags ? virDomainDestroyFlags(domain, flags) : virDomainDestroy(domain)) < 0)
        return shell_error(shell, "Failed to destroy domain '%s'", virDomainGetName(domain));
    shell_print_extra(shell, "Domain '%s' destroyed\n", virDomainGetName(domain));
    return true;
}

/* --mode of shutdown and reboot as flags of either (their values are the same); -1 after an error printed. */
static int stop_modes(Shell *shell, const Cmd *cmd)
{
    static const VirshName modes[] = {
        {VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN, "acpi"}, {VIR_DOMAIN_SHUTDOWN_GUEST_AGENT, "agent"},
        {VIR_DOMAIN_SHUTDOWN_INITCTL, "initctl"},     {VIR_DOMAIN_SHUTDOWN_SIGNAL, "signal"},
        {VIR_DOMAIN_SHUTDOWN_PARAVIRT, "paravirt"},   {0, NULL},
    };
    const char *text = NULL;
    g_auto(GStrv) words = NULL;
    int flags = 0;

    if (cmd_string(shell, cmd, "mode", &text) < 0)
        return -1;
    if (!text)
        return 0;
    words = virsh_list(text);
    for (char **word = words; *word; word++) {
        int flag = 0;

        if (!virsh_value(modes, *word, &flag)) {
            shell_error(shell, "Unknown mode %s value, expecting 'acpi', 'agent', 'initctl', 'signal'%s or 'paravirt'",
                        *word, g_str_equal(cmd_command(cmd)->name, "shutdown") ? "," : "");
            return -1;
        }
        flags |= flag;
    }
    return flags;
}

bool cmd_shutdown(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    int flags = domain ? stop_modes(shell, cmd) : -1;

    if (flags < 0)
        return false;
    if ((flags ? virDomainShutdownFlags(domain, flags) : virDomainShutdown(domain)) < 0)
        return shell_error(shell, "Failed to shutdown domain '%s'", virDomainGetName(domain));
    shell_print_extra(shell, "Domain '%s' is being shutdown\n", virDomainGetName(domain));
    return true;
}

bool cmd_reboot(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    int flags = domain ? stop_modes(shell, cmd) : -1;

    if (flags < 0)
        return false;
    if (virDomainReboot(domain, flags) < 0)
        return shell_error(shell, "Failed to reboot domain '%s'", virDomainGetName(domain));
    shell_print_extra(shell, "Domain '%s' is being rebooted\n", virDomainGetName(domain));
    return true;
}

bool cmd_autostart(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    int on = !cmd_has(cmd, "disable");
    int rc;

    if (!domain)
        return false;
    if (cmd_has(cmd, "once"))
        rc = virDomainSetAutostartOnce(domain, on);
    else
        rc = virDomainSetAutostart(domain, on);
    if (rc < 0)
        return shell_error(shell, "Failed to %smark domain '%s' as autostarted%s", on ? "" : "un",
                           virDomainGetName(domain), cmd_has(cmd, "once") ? " once" : "");
    shell_print_extra(shell, "Domain '%s' %smarked as autostarted%s\n", virDomainGetName(domain), on ? "" : "un",
                      cmd_has(cmd, "once") ? " once" : "");
    return true;
}

bool cmd_domrename(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    const char *name = NULL;

    if (!domain || cmd_string(shell, cmd, "new-name", &name) <= 0)
        return false;
    if (virDomainRename(domain, name, 0) < 0)
        return false;
    shell_print_extra(shell, "Domain successfully renamed\n");
    return true;
}

bool cmd_dompmsuspend(Shell *shell, const Cmd *cmd)
{
    static const VirshName targets[] = {
        {VIR_NODE_SUSPEND_TARGET_MEM, "mem"},
        {VIR_NODE_SUSPEND_TARGET_DISK, "disk"},
        {VIR_NODE_SUSPEND_TARGET_HYBRID, "hybrid"},
        {0, NULL},
    };
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned long long duration = 0;
    const char *target = NULL;
    int value = 0;

    if (!domain || cmd_ull(shell, cmd, "duration", &duration) < 0 || cmd_string(shell, cmd, "target", &target) <= 0)
        return false;
    if (!virsh_value(targets, target, &value))
        return shell_error(shell, "Invalid target");
    if (virDomainPMSuspendForDuration(domain, value, duration, 0) < 0)
        return shell_error(shell, "Domain '%s' could not be suspended", virDomainGetName(domain));
    shell_print_extra(shell, "Domain '%s' successfully suspended", virDomainGetName(domain));
    return true;
}

bool cmd_dompmwakeup(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);

    if (!domain)
        return false;
    if (virDomainPMWakeup(domain, 0) < 0)
        return shell_error(shell, "Domain '%s' could not be woken up", virDomainGetName(domain));
    shell_print_extra(shell, "Domain '%s' successfully woken up", virDomainGetName(domain));
    return true;
}

bool cmd_set_lifecycle_action(Shell *shell, const Cmd *cmd)
{
    static const VirshName types[] = {
        {VIR_DOMAIN_LIFECYCLE_POWEROFF, "poweroff"},
        {VIR_DOMAIN_LIFECYCLE_REBOOT, "reboot"},
        {VIR_DOMAIN_LIFECYCLE_CRASH, "crash"},
        {0, NULL},
    };
    static const VirshName actions[] = {
        {VIR_DOMAIN_LIFECYCLE_ACTION_DESTROY, "destroy"},
        {VIR_DOMAIN_LIFECYCLE_ACTION_RESTART, "restart"},
        {VIR_DOMAIN_LIFECYCLE_ACTION_RESTART_RENAME, "rename-restart"},
        {VIR_DOMAIN_LIFECYCLE_ACTION_PRESERVE, "preserve"},
        {VIR_DOMAIN_LIFECYCLE_ACTION_COREDUMP_DESTROY, "coredump-destroy"},
        {VIR_DOMAIN_LIFECYCLE_ACTION_COREDUMP_RESTART, "coredump-restart"},
        {0, NULL},
    };
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    const char *type = NULL, *action = NULL;
    int flags = domain ? virsh_affect(shell, cmd) : -1, type_value = 0, action_value = 0;

    if (flags < 0 || cmd_string(shell, cmd, "type", &type) <= 0 || cmd_string(shell, cmd, "action", &action) <= 0)
        return false;
    if (!virsh_value(types, type, &type_value))
        return shell_error(shell, "Invalid lifecycle type '%s'.", type);
    if (!virsh_value(actions, action, &action_value))
        return shell_error(shell, "Invalid lifecycle action '%s'.", action);
    if (virDomainSetLifecycleAction(domain, type_value, action_value, flags) < 0)
        return shell_error(shell, "Unable to change lifecycle action.");
    return true;
}
