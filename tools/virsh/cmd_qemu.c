/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU only: its monitor, its events, its guest agent. */
#include <libvirt/libvirt-qemu.h>
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/events.h"

/* Prints a JSON answer, readable on request; what isn't JSON is printed as it is. */
static bool print_answer(Shell *shell, const char *answer, bool pretty, bool return_only)
{
    json_object *document = pretty || return_only ? json_tokener_parse(answer) : NULL;
    json_object *shown = document, *value = NULL;

    if (return_only) {
        if (!document || !json_object_object_get_ex(document, "return", &value)) {
            json_object_put(document);
            shell_print(shell, "%s\n", answer);
            return shell_error(shell, "the answer has no return value");
        }
        shown = value;
    }
    if (shown || document)
        shell_print(shell, "%s\n", json_object_to_json_string_ext(shown, (pretty ? JSON_C_TO_STRING_PRETTY : 0) |
                                                                             JSON_C_TO_STRING_NOSLASHESCAPE |
                                                                             (pretty ? JSON_C_TO_STRING_SPACED : 0)));
    else
        shell_print(shell, "%s%s", answer, g_str_has_suffix(answer, "\n") ? "" : "\n");
    json_object_put(document);
    return true;
}

bool cmd_qemu_monitor_command(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    g_autofree char *command = cmd_joined(cmd, "cmd");
    g_autofree char *answer = NULL;
    g_autofree int *fds = NULL;
    unsigned int flags = 0, count = 0;
    bool hmp = cmd_has(cmd, "hmp");
    int rc;

    if (!cmd_exclusive(shell, cmd, "hmp", "pretty") || !cmd_exclusive(shell, cmd, "hmp", "return-value"))
        return false;
    domain = virsh_domain(shell, cmd);
    if (!domain || !virsh_pass_fds(shell, cmd, &fds, &count))
        return false;
    if (hmp)
        flags = VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP;
    if (count)
        rc = virDomainQemuMonitorCommandWithFiles(domain, command, count, fds, NULL, NULL, &answer, flags);
    else
        rc = virDomainQemuMonitorCommand(domain, command, &answer, flags);
    if (rc < 0)
        return false;
    if (hmp) {
        shell_print(shell, "%s\n", answer);
        return true;
    }
    return print_answer(shell, answer, cmd_has(cmd, "pretty"), cmd_has(cmd, "return-value"));
}

bool cmd_qemu_agent_command(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    g_autofree char *command = cmd_joined(cmd, "cmd");
    g_autofree char *answer = NULL;
    int timeout = VIR_DOMAIN_QEMU_AGENT_COMMAND_DEFAULT;

    if (!cmd_exclusive_all(shell, cmd, "timeout", "async", "block", NULL))
        return false;
    if (cmd_int(shell, cmd, "timeout", &timeout) < 0)
        return false;
    if (cmd_has(cmd, "timeout") && timeout < 1)
        return shell_error(shell, "timeout must be positive");
    if (cmd_has(cmd, "async"))
        timeout = VIR_DOMAIN_QEMU_AGENT_COMMAND_NOWAIT;
    if (cmd_has(cmd, "block"))
        timeout = VIR_DOMAIN_QEMU_AGENT_COMMAND_BLOCK;
    domain = virsh_domain(shell, cmd);
    if (!domain)
        return false;
    answer = virDomainQemuAgentCommand(domain, command, timeout, 0);
    if (!answer)
        return client_error_code() == VIR_ERR_OK; /* --async has none */
    return print_answer(shell, answer, cmd_has(cmd, "pretty"), false);
}

/* --- events --- */

typedef struct {
    virDomainPtr domain;
    const char *event;
    unsigned int flags;
    bool pretty;
} MonitorFilter;

static void on_monitor(virConnectPtr conn, virDomainPtr domain, const char *event, long long seconds,
                       unsigned int micros, const char *details, void *opaque)
{
    json_object *fields = json_object_new_object();

    shell_json_string(fields, "event", event);
    shell_json_double(fields, "at_s", seconds + micros / 1e6);
    json_object_object_add(fields, "data", details ? json_tokener_parse(details) : NULL);
    event_emit(opaque, "domain", virDomainGetName(domain), fields, "%s at %lld.%06u: %s", event, seconds, micros,
               details ? details : "");
}

static int add_monitor(virConnectPtr conn, void *data, const EventKind *kind, EventSource *source,
                       virFreeCallback free_source)
{
    MonitorFilter *filter = data;

    return virConnectDomainQemuMonitorEventRegister(conn, filter->domain, filter->event, on_monitor, source,
                                                    free_source, filter->flags);
}

bool cmd_qemu_monitor_event(Shell *shell, const Cmd *cmd)
{
    static const EventKind kind = {"qemu-monitor", 0, NULL};
    static const VirshFlag table[] = {
        {"regex", VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX},
        {"no-case", VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_NOCASE},
        {NULL, 0},
    };
    const EventKind *kinds[] = {&kind};
    g_autoptr(virDomain) domain = NULL;
    MonitorFilter filter = {.flags = virsh_flags(cmd, table)};

    if (cmd_string(shell, cmd, "event", &filter.event) < 0)
        return false;
    if (cmd_has(cmd, "domain") && !(domain = virsh_domain(shell, cmd)))
        return false;
    filter.domain = domain;
    return event_run(shell, cmd, kinds, 1, &filter, add_monitor, virConnectDomainQemuMonitorEventDeregister);
}
