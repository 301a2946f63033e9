/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands of virsh itself that need more than the shell. */
#include "tools/virsh/virsh.h"

bool cmd_connect(Shell *shell, const Cmd *cmd)
{
    const char *uri = NULL;

    if (cmd_string(shell, cmd, "name", &uri) < 0)
        return false;
    return virsh_reconnect(shell, uri, cmd_has(cmd, "readonly"));
}
