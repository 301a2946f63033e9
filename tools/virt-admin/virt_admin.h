/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt-admin: the daemon's own settings and clients, through libvirt-admin.
 *
 * Handlers are in cmd_*.c, their prototypes and tables are generated from commands/ (virt_admin_commands.h). Only the
 * public API may be used here. Errors of the library are caught as they happen (client.h) and printed after the command
 * that failed; a handler adds a line of its own by shell_error() only where that says more.
 */
#pragma once

#include <libvirt/libvirt-admin.h>

#include "tools/client/client.h"
#include "virt_admin_commands.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virAdmServer, virAdmServerFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virAdmClient, virAdmClientFree)

extern const ShellProgram virt_admin_program;

/* The open connection; only in commands that need one. */
virAdmConnectPtr admin_conn(Shell *shell);
/* The connection for completion: the open one, or one made silently; NULL if that fails. */
virAdmConnectPtr admin_quiet_conn(Shell *shell);
/* Closes and opens again, with another URI unless NULL, and says so. */
bool admin_reconnect(Shell *shell, const char *uri);

/* The server that option --server names; NULL after an error printed or left pending. */
virAdmServerPtr admin_server(Shell *shell, const Cmd *cmd);
