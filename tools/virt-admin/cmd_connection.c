/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands about the connection: connect, uri, version. */
#include <stdlib.h>

#include "tools/virt-admin/virt_admin.h"

bool cmd_connect(Shell *shell, const Cmd *cmd)
{
    return admin_reconnect(shell, cmd_get(cmd, "name"));
}

bool cmd_uri(Shell *shell, const Cmd *cmd)
{
    char *uri = virAdmConnectGetURI(admin_conn(shell));

    if (!uri)
        return shell_error(shell, "failed to get URI");
    if (shell_json(cmd)) {
        json_object *document = json_object_new_object();
        shell_json_string(document, "uri", uri);
        shell_json_print(shell, document);
    } else {
        shell_print(shell, "%s\n", uri);
    }
    free(uri);
    return true;
}

static char *version_text(unsigned long long version)
{
    return g_strdup_printf("%llu.%llu.%llu", version / 1000000, version / 1000 % 1000, version % 1000);
}

bool cmd_version(Shell *shell, const Cmd *cmd)
{
    g_autofree char *compiled = version_text(LIBVIR_VERSION_NUMBER), *library = NULL, *daemon = NULL;
    unsigned long long number;

    if (virAdmGetVersion(&number) < 0)
        return shell_error(shell, "failed to get the library version");
    library = version_text(number);
    if (virAdmConnectGetLibVersion(admin_conn(shell), &number) < 0)
        return shell_error(shell, "failed to get the daemon version");
    daemon = version_text(number);
    if (shell_json(cmd)) {
        json_object *document = json_object_new_object();
        shell_json_string(document, "compiled", compiled);
        shell_json_string(document, "library", library);
        shell_json_string(document, "daemon", daemon);
        return shell_json_print(shell, document);
    }
    shell_print(shell, "Compiled against library: libvirt %s\n", compiled);
    shell_print(shell, "Using library: libvirt %s\n", library);
    shell_print(shell, "Running against daemon: %s\n", daemon);
    return true;
}
