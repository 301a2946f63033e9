/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_REMOTE
#include "remote/transport.h"
#include "base/error.h"
#include "base/process.h"
#include "base/user.h"
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a session daemon that we start may take to listen. */
#define START_DEADLINE_MS 10000
#define START_POLL_MS 20
/* How long a tunnel may take to end. */
#define END_MS 1000

static gboolean is_session(const Uri *uri)
{
    /* root has no session of its own: the daemon of the system serves both */
    return g_str_has_prefix(uri->path, "/session") && geteuid() != 0;
}

char *transport_runtime_dir(gboolean session)
{
    if (!session)
        return g_strdup(RUNSTATEDIR "/libvirt");
    const char *xdg = g_getenv("XDG_RUNTIME_DIR");
    if (xdg && *xdg)
        return g_build_filename(xdg, "libvirt", NULL);
    return g_build_filename(g_get_user_cache_dir(), "libvirt", NULL);
}

int transport_connect_unix(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(addr.sun_path))
        return FAIL(VIR_ERR_INVALID_ARG, "socket path '%s' is longer than %zu bytes", path, sizeof(addr.sun_path) - 1);
    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot create a socket");
    if (connect(fd, (struct sockaddr *) &addr, sizeof(addr)) == 0)
        return fd;
    int saved = errno;
    close(fd);
    error_report_errno(VIR_FROM_RPC, saved, "Failed to connect socket to '%s'", path);
    return -1;
}

/* The daemon detaches itself, so that its parent ends at once. */
static int start_session_daemon(void)
{
    const char *path = g_getenv("LIBVIRTD_PATH");
    char *argv[] = { (char *) (path ? path : SBINDIR "/libvirtd"), "--timeout=120", "--daemon", NULL };
    g_autoptr(GError) error = NULL;
    int status = 0;
    if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status, &error))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "cannot start the session daemon '%s': %s", argv[0], error->message);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the session daemon '%s' ended with status %d", argv[0], status);
    return 0;
}

static int connect_starting(const char *path)
{
    if (start_session_daemon() < 0)
        return -1;
    gint64 deadline = g_get_monotonic_time() + START_DEADLINE_MS * 1000;
    for (;;) {
        int fd = transport_connect_unix(path);
        if (fd >= 0 || g_get_monotonic_time() > deadline)
            return fd;
        poll(NULL, 0, START_POLL_MS);
    }
}

/* Adds to the error what lets this user in, if the socket's group does. */
static void explain_refusal(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0 || !(st.st_mode & S_IWGRP) || st.st_gid == 0)
        return;
    g_autofree char *user = user_text(geteuid()), *group = group_text(st.st_gid);
    if (user_is_member(geteuid(), st.st_gid))
        error_context("user '%s' is in group '%s', but this session began before that: log in anew, or try 'newgrp %s'", user, group, group);
    else
        error_context("user '%s' is not in group '%s', which may use it: 'usermod -aG %s %s' as root, then log in anew", user, group, group,
                      user);
}

/* A host with one daemon per driver has no libvirt-sock. */
int transport_connect_local(const Uri *uri, gboolean readonly)
{
    gboolean session = is_session(uri);
    const char *suffix = readonly && !session ? "-ro" : "";
    g_autofree char *dir = transport_runtime_dir(session);
    g_autofree char *sock = g_strdup_printf("%s/libvirt-sock%s", dir, suffix);
    const char *given = uri_param(uri, "socket");
    int fd = transport_connect_unix(given ? given : sock);
    if (fd >= 0)
        return fd;
    int first = virGetLastError()->int1;
    if (first == EACCES)
        explain_refusal(given ? given : sock);
    if (given || (first != ENOENT && first != ECONNREFUSED))
        return -1;
    virErrorPtr saved = error_save();
    g_autofree char *modular = g_strdup_printf("%s/virt%sd-sock%s", dir, uri->scheme, suffix);
    fd = transport_connect_unix(modular);
    if (fd < 0 && session)
        fd = connect_starting(sock);
    if (fd >= 0) {
        virFreeError(saved);
        return fd;
    }
    if (session) {
        virFreeError(saved);
        return -1;
    }
    error_restore(saved);
    error_context("no daemon listens there (nor at '%s'); start it with 'systemctl start libvirtd.socket'", modular);
    return -1;
}

static int open_unix(Transport *transport, const Uri *uri, gboolean readonly)
{
    if (uri->server)
        return FAIL(VIR_ERR_INVALID_ARG, "using unix socket and remote server '%s' is not supported.", uri->server);
    transport->fd = transport_connect_local(uri, readonly);
    transport->secure = transport->passes_fds = TRUE;
    return transport->fd < 0 ? -1 : 0;
}

int transport_open(Transport *transport, const Uri *uri, gboolean readonly)
{
    static const char *const modes[] = { "auto", "legacy", "direct", NULL };
    const char *name = uri->transport ? uri->transport : uri->server ? "tls" : "unix";
    const char *mode = uri_param(uri, "mode");
    if (mode && !g_strv_contains(modes, mode))
        return FAIL(VIR_ERR_INVALID_ARG, "there is no mode '%s' ('%s'): use auto, legacy or direct", mode, uri->text);
    if (g_str_equal(name, "unix"))
        return open_unix(transport, uri, readonly);
    if (g_str_equal(name, "tcp"))
        return transport_open_tcp(transport, uri);
    if (g_str_equal(name, "tls"))
        return transport_open_tls(transport, uri);
    if (g_str_equal(name, "ssh"))
        return transport_open_ssh(transport, uri, readonly);
    if (g_str_equal(name, "ext"))
        return transport_open_ext(transport, uri);
    if (g_str_equal(name, "libssh") || g_str_equal(name, "libssh2"))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "transport '%s' of '%s' is not part of this build; '%s+ssh' goes the same "
                    "way with the ssh program", name, uri->text, uri->scheme);
    return FAIL(VIR_ERR_INVALID_ARG, "transport '%s' of '%s' is not known (should be tls, unix, ssh, ext or tcp)", name,
                uri->text);
}

gboolean transport_flag(const Uri *uri, const char *name)
{
    const char *value = uri_param(uri, name);
    return value && g_ascii_strtoll(value, NULL, 10) != 0;
}

void transport_end(Transport *transport)
{
    virErrorPtr saved = error_save();
    if (transport->process >= 0) {
        process_stop(transport->process, END_MS, END_MS, NULL);
        close(transport->process);
    }
    if (transport->messages >= 0)
        close(transport->messages);
    transport->process = transport->messages = -1;
    error_restore(saved);
}

void transport_explain(const Transport *transport)
{
    char text[TRANSPORT_MESSAGES_MAX + 1];
    ssize_t n = transport->messages < 0 ? 0 : pread(transport->messages, text, TRANSPORT_MESSAGES_MAX, 0);
    if (n <= 0)
        return;
    text[n] = '\0';
    g_strstrip(text);
    if (*text)
        error_context("%s", text);
}

/* Parameters that steer the transport and mean nothing to the daemon. */
static gboolean is_ours(const char *name)
{
    static const char *const ours[] = {
        "name", "command", "socket", "auth", "netcat", "keyfile", "sshauth", "no_sanity", "no_verify", "no_tty",
        "pkipath", "known_hosts", "known_hosts_verify", "tls_priority", "mode", "proxy", NULL,
    };
    return g_strv_contains(ours, name);
}

char *transport_remote_name(const Uri *uri)
{
    const char *name = uri_param(uri, "name");
    if (name)
        return *name ? g_strdup(name) : NULL;
    if (g_str_equal(uri->scheme, "remote")) /* the daemon chooses */
        return g_strdup("");
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_printf(text, "%s://%s", uri->scheme, uri->path);
    GHashTableIter iter;
    gpointer key, value;
    char join = '?';
    g_hash_table_iter_init(&iter, uri->params);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        if (is_ours(key))
            continue;
        g_autofree char *k = g_uri_escape_string(key, NULL, FALSE);
        g_autofree char *v = g_uri_escape_string(value, NULL, FALSE);
        g_string_append_printf(text, "%c%s=%s", join, k, v);
        join = '&';
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}
