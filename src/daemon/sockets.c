/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Listening sockets. Without authentication a socket's permissions are all that stands between a user and root, so
 * a read-write socket from systemd that is open to everybody is refused rather than served.
 */
#define ERROR_DOMAIN VIR_FROM_RPC
#include "daemon/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOG_SOURCE "daemon.sockets"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/user.h"

#define FIRST_FD 3
#define FDS_MAX 64

static const char *const names[SOCKET_KINDS] = {
    [SOCKET_RW] = "libvirt-sock", [SOCKET_RO] = "libvirt-sock-ro", [SOCKET_ADMIN] = "libvirt-admin-sock",
};

const char *socket_kind_name(SocketKind kind)
{
    return names[kind];
}

/* ---- settings ---- */

static int G_GNUC_PRINTF(3, 4) bad_setting(const char *file, ConfReport *report, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    if (report)
        conf_report_add(report, true, file, 0, "%s", text);
    return FAIL(VIR_ERR_CONF_SYNTAX, "%s: %s", file, text);
}

static int read_mode(const char *file, ConfReport *report, const char *key, const char *text, unsigned *mode)
{
    char *end = NULL;
    guint64 value = g_ascii_isdigit(text[0]) ? g_ascii_strtoull(text, &end, 8) : 0;
    if (!end || *end || value > 0777)
        return bad_setting(file, report, "'%s' is '%.100s', must be permissions in octal such as \"0770\"", key, text);
    *mode = value;
    return 0;
}

static int set_group(SocketSettings *settings, const LibvirtdConf *conf, const char *file, bool privileged,
                     ConfReport *report)
{
    settings->group = FILE_GROUP_KEEP;
    if (!conf->unix_sock_group || !privileged)
        return 0;
    if (group_find(conf->unix_sock_group, &settings->group) == 0)
        return 0;
    g_autofree char *why = g_strdup(error_message());
    return bad_setting(file, report, "'unix_sock_group': %s", why);
}

int socket_settings_init(SocketSettings *settings, const LibvirtdConf *conf, const char *file, const char *run_dir,
                         bool privileged, ConfReport *report)
{
    *settings = (SocketSettings){ .rw_authenticated = strcmp(conf->auth_unix_rw, "none") != 0,
                                  .tls_port = conf->tls_port, .tcp_port = conf->tcp_port };
    settings->dir = g_strdup(conf->unix_sock_dir ? conf->unix_sock_dir : run_dir);
    int ret = set_group(settings, conf, file, privileged, report);
    if (read_mode(file, report, "unix_sock_ro_perms", conf->unix_sock_ro_perms, &settings->ro_mode) < 0)
        ret = -1;
    if (read_mode(file, report, "unix_sock_rw_perms", conf->unix_sock_rw_perms, &settings->rw_mode) < 0)
        ret = -1;
    if (read_mode(file, report, "unix_sock_admin_perms", conf->unix_sock_admin_perms, &settings->admin_mode) < 0)
        ret = -1;
    if (!privileged) /* a session's sockets are its owner's, whatever stands in a copied file */
        settings->rw_mode &= 0700, settings->admin_mode &= 0700;
    if (settings->dir[0] != '/')
        ret = bad_setting(file, report, "'unix_sock_dir' is '%.100s', must begin with '/'", settings->dir);
    return ret;
}

void socket_settings_clear(SocketSettings *settings)
{
    g_clear_pointer(&settings->dir, g_free);
}

/* ---- systemd ---- */

/* How many descriptors are handed over to this very process, and what systemd calls them (its units, if nothing else is said; NULL
 * if it doesn't say). */
static int count_handed_over(char ***fd_names)
{
    const char *pid = g_getenv("LISTEN_PID");
    const char *fds = g_getenv("LISTEN_FDS");
    const char *list = g_getenv("LISTEN_FDNAMES");
    int count = 0;
    *fd_names = list ? g_strsplit(list, ":", FDS_MAX) : NULL;
    if (pid && fds && g_ascii_strtoll(pid, NULL, 10) == getpid())
        count = CLAMP(g_ascii_strtoll(fds, NULL, 10), 0, FDS_MAX);
    g_unsetenv("LISTEN_PID"); /* not for our children */
    g_unsetenv("LISTEN_FDS");
    g_unsetenv("LISTEN_FDNAMES");
    return count;
}

/* What @fd listens for; -1: nothing that we know. */
static int kind_of(int fd, char path[sizeof(((struct sockaddr_un *) 0)->sun_path) + 1])
{
    struct sockaddr_un addr = { 0 };
    socklen_t len = sizeof(addr);
    if (getsockname(fd, (struct sockaddr *) &addr, &len) < 0 || addr.sun_family != AF_UNIX)
        return -1;
    memcpy(path, addr.sun_path, sizeof(addr.sun_path));
    path[sizeof(addr.sun_path)] = '\0';
    g_autofree char *base = g_path_get_basename(path);
    for (int kind = 0; kind < SOCKET_KINDS; kind++) {
        if (strcmp(base, names[kind]) == 0)
            return kind;
    }
    return -1;
}

/* What the network's clients speak on @fd: by the name of systemd's unit, else by the port. -1 if that tells nothing. */
static int transport_of(const SocketSettings *settings, int fd, const char *name)
{
    struct sockaddr_storage addr = { 0 };
    socklen_t len = sizeof(addr);
    char port[NI_MAXSERV];
    if (getsockname(fd, (struct sockaddr *) &addr, &len) < 0 || (addr.ss_family != AF_INET && addr.ss_family != AF_INET6) ||
        getnameinfo((struct sockaddr *) &addr, len, NULL, 0, port, sizeof(port), NI_NUMERICSERV) != 0)
        return -1;
    if ((name && g_str_has_suffix(name, "-tls.socket")) || strcmp(port, settings->tls_port) == 0)
        return SERVER_TLS;
    return (name && g_str_has_suffix(name, "-tcp.socket")) || strcmp(port, settings->tcp_port) == 0 ? SERVER_TCP : -1;
}

/* Whether it was one. */
static bool take_network_socket(DaemonSockets *sockets, const SocketSettings *settings, int fd, const char *name)
{
    int transport = transport_of(settings, fd, name);
    if (transport < 0)
        return false;
    NetworkSocket sock = { fd, transport };
    if (!sockets->network)
        sockets->network = network_sockets_new();
    fcntl(fd, F_SETFL, O_NONBLOCK);
    g_array_append_val(sockets->network, sock);
    return true;
}

static int take_socket(DaemonSockets *sockets, const SocketSettings *settings, int fd, const char *name)
{
    char path[sizeof(((struct sockaddr_un *) 0)->sun_path) + 1] = "";
    struct stat st;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (take_network_socket(sockets, settings, fd, name))
        return 0;
    int kind = kind_of(fd, path);
    if (kind < 0 || sockets->sockets[kind].fd >= 0) {
        LOG_WARN("systemd handed over descriptor %d ('%s'), which is no socket of this daemon: ignored", fd, path);
        close(fd);
        return 0;
    }
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        return FAIL_ERRNO(errno, "cannot set up socket '%s'", path);
    sockets->sockets[kind].fd = fd;
    bool guarded = kind == SOCKET_RO || (kind == SOCKET_RW && settings->rw_authenticated);
    if (!guarded && stat(path, &st) == 0 && st.st_mode & S_IWOTH)
        return FAIL(VIR_ERR_CONF_SYNTAX, "systemd made socket '%s' open to everybody (mode %04o) and nothing asks its users who "
                    "they are; set SocketMode=0600, or 0660 and SocketGroup=, in its unit", path, st.st_mode & 07777);
    return 0;
}

static int take_handed_over(DaemonSockets *sockets, const SocketSettings *settings, int count, char **fd_names)
{
    int n_names = fd_names ? (int) g_strv_length(fd_names) : 0;
    sockets->activated = true;
    for (int i = 0; i < count; i++) {
        if (take_socket(sockets, settings, FIRST_FD + i, i < n_names ? fd_names[i] : NULL) < 0)
            return -1;
    }
    if (sockets->sockets[SOCKET_RW].fd < 0)
        return FAIL(VIR_ERR_CONF_SYNTAX, "systemd started this daemon without its main socket, '%s'; "
                    "enable it with \"systemctl enable --now libvirtd.socket\"", names[SOCKET_RW]);
    return 0;
}

/* ---- our own ---- */

static int listen_one(DaemonSocket *sock, const SocketSettings *settings, SocketKind kind, unsigned mode)
{
    g_autofree char *path = g_build_filename(settings->dir, names[kind], NULL);
    gid_t group = kind == SOCKET_ADMIN ? FILE_GROUP_KEEP : settings->group;
    sock->fd = file_listen_unix(path, mode, FILE_OWNER_KEEP, group);
    if (sock->fd < 0)
        return -1;
    sock->path = g_steal_pointer(&path);
    return 0;
}

int daemon_sockets_open(DaemonSockets *sockets, const SocketSettings *settings, bool privileged)
{
    *sockets = (DaemonSockets){ 0 };
    for (int kind = 0; kind < SOCKET_KINDS; kind++)
        sockets->sockets[kind].fd = -1;
    g_auto(GStrv) fd_names = NULL;
    int count = count_handed_over(&fd_names);
    if (count > 0)
        return take_handed_over(sockets, settings, count, fd_names);
    if (file_mkdirs(settings->dir, privileged ? 0755 : 0700, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0
        || listen_one(&sockets->sockets[SOCKET_RW], settings, SOCKET_RW, settings->rw_mode) < 0
        || listen_one(&sockets->sockets[SOCKET_ADMIN], settings, SOCKET_ADMIN, settings->admin_mode) < 0)
        return -1;
    if (!privileged)
        return 0; /* a session has no readers but its owner */
    return listen_one(&sockets->sockets[SOCKET_RO], settings, SOCKET_RO, settings->ro_mode);
}

int daemon_sockets_take(DaemonSockets *sockets, SocketKind kind)
{
    int fd = sockets->sockets[kind].fd;
    sockets->sockets[kind].fd = -1;
    return fd;
}

GArray *daemon_sockets_take_network(DaemonSockets *sockets)
{
    return g_steal_pointer(&sockets->network);
}

void daemon_sockets_close(DaemonSockets *sockets)
{
    g_clear_pointer(&sockets->network, g_array_unref);
    for (int kind = 0; kind < SOCKET_KINDS; kind++) {
        DaemonSocket *sock = &sockets->sockets[kind];
        if (sock->path)
            unlink(sock->path);
        if (sock->fd >= 0)
            close(sock->fd);
        g_clear_pointer(&sock->path, g_free);
        sock->fd = -1;
    }
}
