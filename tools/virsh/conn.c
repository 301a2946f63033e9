/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connection of a virsh session. It is opened when the first command needs it and opened again after it was lost.
 * A thread runs the library's event loop, so that keepalive and events work while a command is in a call.
 *
 * Errors: the library keeps the last error per thread, and forgets it at the next successful call, such as the free of
 * an object on the way out of a handler. So each one is copied when it is raised (on_error) and kept until printed.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

typedef struct {
    Shell *shell;
    virConnectPtr conn;
    GThread *loop;
    gint stop;       /* the loop shall end */
    gint lost;       /* reason + 1 for which the connection was closed, or 0 */
    int wake;        /* timer that wakes the loop */
    bool was_lost;
} Virsh;

static GThread *main_thread;
static virErrorPtr pending; /* main thread only */

static void on_error(void *opaque, virErrorPtr error)
{
    if (g_thread_self() != main_thread)
        return;
    virFreeError(pending);
    pending = virSaveLastError();
}

int virsh_error_code(void)
{
    return pending ? pending->code : VIR_ERR_OK;
}

const char *virsh_error_text(void)
{
    return pending && pending->message ? pending->message : "no error given";
}

void virsh_error_take(virErrorPtr error)
{
    virFreeError(pending);
    pending = error;
}

void virsh_error_forget(void)
{
    virFreeError(pending);
    pending = NULL;
    virResetLastError();
}

static void report(Shell *shell)
{
    if (pending && pending->code != VIR_ERR_OK)
        shell_error(shell, "%s", virsh_error_text());
    virsh_error_forget();
}

static void on_timer(int timer, void *opaque)
{
    virEventUpdateTimeout(timer, -1);
}

static gpointer run_loop(gpointer opaque)
{
    Virsh *virsh = opaque;

    while (!g_atomic_int_get(&virsh->stop)) {
        if (virEventRunDefaultImpl() < 0)
            g_usleep(10000); /* it says what is wrong each time: don't spin on it */
    }
    return NULL;
}

static void *create(Shell *shell)
{
    Virsh *virsh = g_new0(Virsh, 1);

    main_thread = g_thread_self();
    virSetErrorFunc(virsh, on_error);
    virsh->shell = shell;
    if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0 ||
        (virsh->wake = virEventAddTimeout(-1, on_timer, virsh, NULL)) < 0) {
        shell_error(shell, "failed to start the event loop");
        report(shell);
        g_free(virsh);
        return NULL;
    }
    virsh->loop = g_thread_new("virsh-events", run_loop, virsh);
    return virsh;
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
    virsh_error_forget();
}

static void destroy(Shell *shell)
{
    Virsh *virsh = shell->data;

    disconnect(virsh);
    g_atomic_int_set(&virsh->stop, 1);
    virEventUpdateTimeout(virsh->wake, 0);
    g_thread_join(virsh->loop);
    virEventRemoveTimeout(virsh->wake);
    virsh_error_forget();
    virSetErrorFunc(NULL, NULL);
    g_free(virsh);
    shell->data = NULL;
}

static virConnectPtr open_connection(Shell *shell)
{
    virConnectPtr conn = virConnectOpenAuth(shell->uri, virConnectAuthPtrDefault,
                                            shell->readonly ? VIR_CONNECT_RO : 0);

    if (!conn || shell->keepalive_interval < 0)
        return conn;
    if (virConnectSetKeepAlive(conn, shell->keepalive_interval,
                               shell->keepalive_count < 0 ? 5 : shell->keepalive_count) == 0)
        return conn;
    if (virsh_error_code() == VIR_ERR_NO_SUPPORT) { /* a driver without a wire needs none */
        virsh_error_forget();
        return conn;
    }
    virConnectClose(conn);
    return NULL;
}

static bool connect_now(Shell *shell)
{
    Virsh *virsh = shell->data;

    virsh_error_forget();
    if (virsh->conn && !g_atomic_int_get(&virsh->lost))
        return true;
    disconnect(virsh);
    virsh->conn = open_connection(shell);
    if (!virsh->conn) {
        shell_error(shell, virsh->was_lost ? "Failed to reconnect to the hypervisor"
                                           : "failed to connect to the hypervisor");
        report(shell);
        return false;
    }
    if (virConnectRegisterCloseCallback(virsh->conn, on_close, virsh, NULL) < 0)
        virsh_error_forget(); /* drivers without a wire can't be lost */
    if (virsh->was_lost)
        shell_error(shell, "Reconnected to the hypervisor");
    virsh->was_lost = false;
    return true;
}

static bool check(Shell *shell)
{
    static const char *const reasons[] = {"an I/O error", "end of file", "a keepalive timeout", "the client"};
    Virsh *virsh = shell->data;
    gint lost = g_atomic_int_get(&virsh->lost);

    virsh_error_forget();
    if (!lost)
        return true;
    shell_error(shell, "Disconnected from %s due to %s", shell->uri ? shell->uri : "the hypervisor",
                lost <= (gint)G_N_ELEMENTS(reasons) ? reasons[lost - 1] : "an unknown reason");
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
    virsh_error_forget();
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
    .report = report,
    .prompt = prompt,
    .version = version,
};
