/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands about the daemon as a whole: its log, its end. */
#include <stdlib.h>

#include "tools/virt-admin/virt_admin.h"

typedef struct {
    const char *option; /* of the command, and key of the shape */
    int (*get)(virAdmConnectPtr conn, char **text, unsigned int flags);
    int (*set)(virAdmConnectPtr conn, const char *text, unsigned int flags);
} LogSetting;

static bool print_setting(Shell *shell, const Cmd *cmd, const LogSetting *setting, const char *text)
{
    g_auto(GStrv) words = NULL;
    json_object *document, *list;

    if (!shell_json(cmd)) {
        shell_print_extra(shell, " Logging %s: ", setting->option);
        shell_print(shell, "%s\n", text);
        return true;
    }
    document = json_object_new_object();
    list = json_object_new_array();
    words = g_strsplit(text, " ", -1);
    for (char **word = words; *word; word++) {
        if (**word)
            json_object_array_add(list, json_object_new_string(*word));
    }
    json_object_object_add(document, setting->option, list);
    return shell_json_print(shell, document);
}

static bool show_or_set(Shell *shell, const Cmd *cmd, const LogSetting *setting)
{
    char *text = NULL;

    if (cmd_has(cmd, setting->option)) {
        if (setting->set(admin_conn(shell), cmd_get(cmd, setting->option), 0) < 0)
            return shell_error(shell, "Unable to change daemon logging settings");
        return true;
    }
    if (setting->get(admin_conn(shell), &text, 0) < 0)
        return shell_error(shell, "Unable to get daemon logging %s information", setting->option);
    print_setting(shell, cmd, setting, text ? text : "");
    free(text);
    return true;
}

bool cmd_daemon_log_filters(Shell *shell, const Cmd *cmd)
{
    static const LogSetting filters = {"filters", virAdmConnectGetLoggingFilters, virAdmConnectSetLoggingFilters};

    return show_or_set(shell, cmd, &filters);
}

bool cmd_daemon_log_outputs(Shell *shell, const Cmd *cmd)
{
    static const LogSetting outputs = {"outputs", virAdmConnectGetLoggingOutputs, virAdmConnectSetLoggingOutputs};

    return show_or_set(shell, cmd, &outputs);
}

bool cmd_daemon_timeout(Shell *shell, const Cmd *cmd)
{
    unsigned int seconds = 0;

    return cmd_uint(shell, cmd, "timeout", &seconds) >= 0 &&
           virAdmConnectSetDaemonTimeout(admin_conn(shell), seconds, 0) == 0;
}

bool cmd_daemon_shutdown(Shell *shell, const Cmd *cmd)
{
    return virAdmConnectDaemonShutdown(admin_conn(shell),
                                       cmd_has(cmd, "preserve") ? VIR_DAEMON_SHUTDOWN_PRESERVE : 0) == 0;
}
