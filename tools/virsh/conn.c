/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connection of a virsh session. It is opened when the first command needs it and opened again after it was lost.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/polkit_agent.h"
#include "tools/virsh/virsh.h"

typedef struct {
    virConnectPtr conn;
    gint lost;       /* reason + 1 for which the connection was closed, or 0 */
    bool was_lost;
} Virsh;

static void *create(Shell *shell)
{
    if (!shell->uri)
        shell->uri = g_strdup(g_getenv("VIRSH_DEFAULT_CONNECT_URI"));
    return client_start(shell, "virsh-events") ? g_new0(Virsh, 1) : NULL;
}

static void on_close(virConnectPtr conn, int reason, void *opaque)
{
    Virsh *virsh = opaque;

    if (reason != VIR_CONNECT_CLOSE_REASON_CLIENT)
        g_atomic_int_set(&virsh->lost, reason + 1);
}

static void disconnect(Virsh *virsh)
{
    if (!virsh->conn)
        return;
    virConnectUnregisterCloseCallback(virsh->conn, on_close);
    virConnectClose(virsh->conn);
    virsh->conn = NULL;
    g_atomic_int_set(&virsh->lost, 0);
    client_error_forget();
}

static void destroy(Shell *shell)
{
    Virsh *virsh = shell->data;

    disconnect(virsh);
    client_stop();
    g_free(virsh);
    shell->data = NULL;
}

/* The daemon may want a password that nobody asks for: then the terminal's agent does. */
static virConnectPtr open_authenticated(Shell *shell)
{
    unsigned int flags = shell->readonly ? VIR_CONNECT_RO : 0;
    virConnectPtr conn = virConnectOpenAuth(shell->uri, virConnectAuthPtrDefault, flags);
    pid_t agent = 0;

    if (!conn && client_error_code() == VIR_ERR_AUTH_UNAVAILABLE && !shell->no_pkttyagent)
        agent = polkit_agent_start();
    if (agent) {
        client_error_forget();
        conn = virConnectOpenAuth(shell->uri, virConnectAuthPtrDefault, flags);
        polkit_agent_stop(agent);
    }
    return conn;
}

static virConnectPtr open_connection(Shell *shell)
{
    virConnectPtr conn = open_authenticated(shell);

    if (!conn || shell->keepalive_interval < 0)
        return conn;
    if (virConnectSetKeepAlive(conn, shell->keepalive_interval,
                               shell->keepalive_count < 0 ? 5 : shell->keepalive_count) == 0)
        return conn;
    if (client_error_code() == VIR_ERR_NO_SUPPORT) { /* a driver without a wire needs none */
        client_error_forget();
        return conn;
    }
    virConnectClose(conn);
    return NULL;
}

static bool connect_now(Shell *shell)
{
    Virsh *virsh = shell->data;

    client_error_forget();
    if (virsh->conn && !g_atomic_int_get(&virsh->lost))
        return true;
    disconnect(virsh);
    virsh->conn = open_connection(shell);
    if (!virsh->conn) {
        shell_error(shell, virsh->was_lost ? "Failed to reconnect to the hypervisor"
                                           : "failed to connect to the hypervisor");
        client_error_report(shell);
        return false;
    }
    if (virConnectRegisterCloseCallback(virsh->conn, on_close, virsh, NULL) < 0)
        client_error_forget(); /* drivers without a wire can't be lost */
    if (virsh->was_lost)
        shell_error(shell, "Reconnected to the hypervisor");
    virsh->was_lost = false;
    return true;
}

static bool check(Shell *shell)
{
    Virsh *virsh = shell->data;
    gint lost = g_atomic_int_get(&virsh->lost);

    client_error_forget();
    if (!lost)
        return true;
    shell_error(shell, "Disconnected from %s due to %s", shell->uri ? shell->uri : "the hypervisor",
                client_close_reason(lost - 1));
    disconnect(virsh);
    virsh->was_lost = true;
    return false;
}

virConnectPtr virsh_conn(Shell *shell)
{
    Virsh *virsh = shell->data;

    return virsh->conn;
}

virConnectPtr virsh_quiet_conn(Shell *shell)
{
    Virsh *virsh = shell->data;

    if (!virsh->conn)
        virsh->conn = virConnectOpenReadOnly(shell->uri);
    client_error_forget();
    return virsh->conn;
}

bool virsh_reconnect(Shell *shell, const char *uri, bool readonly)
{
    Virsh *virsh = shell->data;

    disconnect(virsh);
    virsh->was_lost = false;
    if (uri) {
        g_free(shell->uri);
        shell->uri = g_strdup(uri);
    }
    shell->readonly = readonly;
    return connect_now(shell);
}

static const char *prompt(Shell *shell)
{
    return shell->readonly ? "virsh > " : "virsh # ";
}

static void version(Shell *shell, bool longer)
{
    if (!longer) {
        shell_print(shell, "%s\n", PACKAGE_VERSION);
        return;
    }
    shell_print(shell, "Virsh command line tool of libvirt %s\n\n", PACKAGE_VERSION);
    shell_print(shell, "Compiled with support for:\n Miscellaneous: Readline JSON\n");
}

const ShellProgram virsh_program = {
    .name = "virsh",
    .environment = "VIRSH",
    .welcome = "Welcome to virsh, the virtualization interactive terminal.\n\n"
               "Type:  'help' for help with commands\n       'quit' to quit\n\n",
    .groups = virsh_groups,
    .create = create,
    .destroy = destroy,
    .connect = connect_now,
    .check = check,
    .report = client_error_report,
    .prompt = prompt,
    .version = version,
};
