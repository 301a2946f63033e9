/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Through a program: ssh, whose far end is virt-ssh-helper or netcat, or any other that speaks with the daemon on its
 * standard input and output.
 */
#define ERROR_DOMAIN VIR_FROM_REMOTE
#include "base/error.h"
#include "base/process.h"
#include "remote/transport.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* A file that cannot grow: what more a far host says is lost. -1 if there is none. */
static int open_messages(void)
{
    int fd = memfd_create("tunnel-messages", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && (ftruncate(fd, TRANSPORT_MESSAGES_MAX) < 0 ||
                    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int start(Transport *transport, const char *const *argv)
{
    int ends[2];
    g_autofree char *here = g_get_current_dir();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return FAIL_ERRNO(errno, "unable to create socket pair");
    transport->messages = open_messages();
    ProcessSpec spec = PROCESS_SPEC_INIT;
    spec.argv = argv;
    spec.cwd = here;
    spec.in_fd = spec.out_fd = ends[1];
    spec.err_fd = transport->messages;
    spec.keep_terminal = true; /* ssh may ask there */
    pid_t pid = process_spawn(&spec, &transport->process);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        transport->process = -1;
        transport_end(transport);
        return -1;
    }
    transport->fd = ends[0];
    return 0;
}

int transport_open_ext(Transport *transport, const Uri *uri)
{
    const char *argv[] = { uri_param(uri, "command"), NULL };
    if (!argv[0])
        return FAIL(VIR_ERR_INVALID_ARG, "for 'ext' transport, command is required: %s+ext:///system?command=/PROGRAM",
                    uri->scheme);
    return start(transport, argv);
}

/* What the far shell runs; each takes our place there (exec), so that only it ends the connection. */

static char *helper_command(const Uri *uri, gboolean readonly)
{
    g_autofree char *name = transport_remote_name(uri);
    g_autofree char *plain = name ? NULL : g_strdup_printf("%s://%s", uri->scheme, uri->path);
    g_autofree char *quoted = g_shell_quote(name ? name : plain);
    return g_strdup_printf("exec virt-ssh-helper %s%s", readonly ? "-r " : "", quoted);
}

/* What the far shell does instead: what it says comes back in our error. */
static char *far_error(const char *what, const char *netcat)
{
    g_autofree char *text = g_strdup_printf("'%s' %s: install virt-ssh-helper there, which comes with libvirt, or netcat-openbsd", netcat, what);
    g_autofree char *quoted = g_shell_quote(text);
    return g_strdup_printf("{ echo %s >&2; exit 127; }", quoted);
}

/* The usual netcats differ in what they do at the end of their input: -q0 where it is known. That without UNIX sockets begins its help
 * with "[v1.10-". */
static char *netcat_command(const Uri *uri, gboolean readonly)
{
    const char *given = uri_param(uri, "netcat"), *socket = uri_param(uri, "socket");
    g_autofree char *netcat = g_shell_quote(given ? given : "nc");
    g_autofree char *path = g_shell_quote(socket ? socket : readonly ? "/var/run/libvirt/libvirt-sock-ro"
                                                                     : "/var/run/libvirt/libvirt-sock");
    g_autofree char *nothing = far_error("is not on the far host", given ? given : "nc");
    g_autofree char *unfit = far_error("of the far host is netcat-traditional, which can't connect to UNIX sockets", given ? given : "nc");
    return g_strdup_printf("if ! command -v %s >/dev/null 2>&1; then %s; elif %s -h 2>&1 </dev/null | grep -q '^\\[v1'; then %s; elif %s -q 2>&1 | "
                           "grep -q 'requires an argument'; then exec %s -q0 -U %s; else exec %s -U %s; fi",
                           netcat, nothing, netcat, unfit, netcat, netcat, path, netcat, path);
}

/* NULL with an error. */
static char *far_command(const Uri *uri, gboolean readonly)
{
    const char *proxy = uri_param(uri, "proxy");
    g_autofree char *netcat = netcat_command(uri, readonly);
    g_autofree char *helper = helper_command(uri, readonly);
    /* who names a netcat or a socket wants that */
    gboolean only_netcat = uri_param(uri, "netcat") || uri_param(uri, "socket");
    g_autofree char *script = NULL;
    if (proxy ? g_str_equal(proxy, "netcat") : only_netcat)
        script = g_steal_pointer(&netcat);
    else if (proxy && g_str_equal(proxy, "native"))
        script = g_steal_pointer(&helper);
    else if (!proxy || g_str_equal(proxy, "auto"))
        script = g_strdup_printf("if command -v virt-ssh-helper >/dev/null 2>&1; then %s; fi; %s", helper, netcat);
    else
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "unknown proxy type '%s', must be auto, netcat or native", proxy);
    g_autofree char *quoted = g_shell_quote(script);
    return g_strdup_printf("sh -c %s", quoted);
}

int transport_open_ssh(Transport *transport, const Uri *uri, gboolean readonly)
{
    const char *mode = uri_param(uri, "mode"), *program = uri_param(uri, "command"), *key = uri_param(uri, "keyfile");
    if (mode && g_str_equal(mode, "direct"))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "Cannot use direct socket mode for ssh transport");
    g_autofree char *far = far_command(uri, readonly);
    if (!far)
        return -1;
    g_autofree char *port = uri->port ? g_strdup_printf("%d", uri->port) : NULL;
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    /* option, value; those without value are left out */
    const char *const options[][2] = {
        { "-p", port }, { "-l", uri->user }, { "-i", key }, { "-e", "none" },
        { "-o", transport_flag(uri, "no_tty") ? "BatchMode=yes" : NULL },
        { "-o", transport_flag(uri, "no_verify") ? "StrictHostKeyChecking=no" : NULL },
    };
    g_ptr_array_add(argv, (char *) (program ? program : "ssh"));
    g_ptr_array_add(argv, "-T");
    for (guint i = 0; i < G_N_ELEMENTS(options); i++) {
        if (!options[i][1])
            continue;
        g_ptr_array_add(argv, (char *) options[i][0]);
        g_ptr_array_add(argv, (char *) options[i][1]);
    }
    g_ptr_array_add(argv, "--");
    g_ptr_array_add(argv, uri->server ? uri->server : "localhost");
    g_ptr_array_add(argv, far);
    g_ptr_array_add(argv, NULL);
    transport->secure = transport->encrypted = TRUE;
    return start(transport, (const char *const *) argv->pdata);
}
