/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connection of a session. With a URI it is opened at the start, and without it nothing goes on; otherwise when the
 * first command needs it. One that was lost is opened again.
 */
#include "tools/virt-admin/virt_admin.h"

typedef struct {
    virAdmConnectPtr conn;
    gint lost;     /* reason + 1 for which the connection was closed, or 0 */
    bool was_lost; /* for the words about the next attempt */
} Admin;

static void on_close(virAdmConnectPtr conn, int reason, void *opaque)
{
    Admin *admin = opaque;

    if (reason != VIR_CONNECT_CLOSE_REASON_CLIENT)
        g_atomic_int_set(&admin->lost, reason + 1);
}

static void disconnect(Admin *admin)
{
    if (!admin->conn)
        return;
    virAdmConnectUnregisterCloseCallback(admin->conn, on_close);
    virAdmConnectClose(admin->conn);
    admin->conn = NULL;
    g_atomic_int_set(&admin->lost, 0);
    client_error_forget();
}

static bool open_connection(Shell *shell, Admin *admin)
{
    client_error_forget();
    admin->conn = virAdmConnectOpen(shell->uri, 0);
    if (!admin->conn)
        return false;
    if (virAdmConnectRegisterCloseCallback(admin->conn, on_close, admin, NULL) == 0)
        return true;
    virAdmConnectClose(admin->conn);
    admin->conn = NULL;
    return false;
}

static void *create(Shell *shell)
{
    Admin *admin = g_new0(Admin, 1);

    if (!client_start(shell, "admin-events")) {
        g_free(admin);
        return NULL;
    }
    if (!shell->uri || open_connection(shell, admin))
        return admin;
    shell_error(shell, "Failed to connect to the admin server");
    client_error_report(shell);
    client_stop();
    g_free(admin);
    return NULL;
}

static void destroy(Shell *shell)
{
    Admin *admin = shell->data;

    disconnect(admin);
    client_stop();
    g_free(admin);
    shell->data = NULL;
}

static bool check(Shell *shell)
{
    Admin *admin = shell->data;
    gint lost = g_atomic_int_get(&admin->lost);

    client_error_forget();
    if (!lost)
        return true;
    shell_error(shell, "Disconnected from %s due to %s", shell->uri ? shell->uri : "the admin server",
                client_close_reason(lost - 1));
    disconnect(admin);
    admin->was_lost = true;
    return false;
}

static bool connect_now(Shell *shell)
{
    Admin *admin = shell->data;
    bool again;

    check(shell); /* it may have been lost between two commands */
    if (admin->conn)
        return true;
    again = admin->was_lost;
    admin->was_lost = false;
    if (open_connection(shell, admin))
        return true;
    shell_error(shell, again ? "Failed to reconnect to the admin server" : "Failed to connect to the admin server");
    shell_error(shell, "no valid connection");
    client_error_report(shell);
    return false;
}

virAdmConnectPtr admin_conn(Shell *shell)
{
    Admin *admin = shell->data;

    return admin->conn;
}

virAdmConnectPtr admin_quiet_conn(Shell *shell)
{
    Admin *admin = shell->data;

    if (!admin->conn)
        open_connection(shell, admin);
    client_error_forget();
    return admin->conn;
}

bool admin_reconnect(Shell *shell, const char *uri)
{
    Admin *admin = shell->data;
    bool again = admin->conn;

    disconnect(admin);
    admin->was_lost = false;
    if (uri) {
        g_free(shell->uri);
        shell->uri = g_strdup(uri);
    }
    if (!open_connection(shell, admin))
        return shell_error(shell, again ? "Failed to reconnect to the admin server"
                                        : "Failed to connect to the admin server");
    shell_print(shell, again ? "Reconnected to the admin server\n" : "Connected to the admin server\n");
    return true;
}

static const char *prompt(Shell *shell)
{
    return "virt-admin # ";
}

static void version(Shell *shell, bool longer)
{
    if (!longer) {
        shell_print(shell, "%s\n", PACKAGE_VERSION);
        return;
    }
    shell_print(shell, "Virt-admin command line tool of libvirt %s\n\n", PACKAGE_VERSION);
    shell_print(shell, "Compiled with support for:\n Miscellaneous: Readline JSON\n");
}

const ShellProgram virt_admin_program = {
    .name = "virt-admin",
    .environment = "VIRT_ADMIN",
    .welcome = "Welcome to virt-admin, the administrating virtualization interactive terminal.\n\n"
               "Type:  'help' for help with commands\n       'quit' to quit\n\n",
    .without = "ekKrtAT",
    .optional_connection = true,
    .groups = virt_admin_groups,
    .create = create,
    .destroy = destroy,
    .connect = connect_now,
    .check = check,
    .report = client_error_report,
    .prompt = prompt,
    .version = version,
};
