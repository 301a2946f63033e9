/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The daemon's places.
 */
#include "daemon/paths.h"

#include "base/file.h"

#define DAEMON "libvirtd"

static void init_system(DaemonPaths *paths, const char *root)
{
    paths->config_dir = g_strconcat(root, SYSCONFDIR "/libvirt", NULL);
    paths->run_dir = g_strconcat(root, RUNSTATEDIR "/libvirt", NULL);
    paths->log_dir = g_strconcat(root, LOCALSTATEDIR "/log/libvirt", NULL);
    paths->pid_file = g_strconcat(root, RUNSTATEDIR "/" DAEMON ".pid", NULL);
}

/* Below a private root the layout is that of an installed system, whatever prefix this was built for. */
static void init_private(DaemonPaths *paths, const char *root)
{
    paths->config_dir = g_strconcat(root, "/etc/libvirt", NULL);
    paths->run_dir = g_strconcat(root, "/run/libvirt", NULL);
    paths->log_dir = g_strconcat(root, "/var/log/libvirt", NULL);
    paths->pid_file = g_strconcat(root, "/run/" DAEMON ".pid", NULL);
    paths->sasl_dir = g_strconcat(root, "/etc/sasl2", NULL);
}

static void init_session(DaemonPaths *paths)
{
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");
    paths->config_dir = g_build_filename(g_get_user_config_dir(), "libvirt", NULL);
    paths->log_dir = g_build_filename(g_get_user_cache_dir(), "libvirt", NULL);
    paths->run_dir = g_build_filename(runtime && *runtime ? runtime : g_get_user_cache_dir(), "libvirt", NULL);
    paths->pid_file = g_build_filename(paths->run_dir, DAEMON ".pid", NULL);
}

void daemon_paths_init(DaemonPaths *paths, const char *root, bool privileged)
{
    *paths = (DaemonPaths){ 0 };
    if (root[0])
        init_private(paths, root);
    else if (privileged)
        init_system(paths, "");
    else
        init_session(paths);
    paths->config_file = g_build_filename(paths->config_dir, DAEMON ".conf", NULL);
}

void daemon_paths_clear(DaemonPaths *paths)
{
    g_clear_pointer(&paths->config_dir, g_free);
    g_clear_pointer(&paths->run_dir, g_free);
    g_clear_pointer(&paths->log_dir, g_free);
    g_clear_pointer(&paths->config_file, g_free);
    g_clear_pointer(&paths->pid_file, g_free);
    g_clear_pointer(&paths->sasl_dir, g_free);
}

int daemon_paths_make(const DaemonPaths *paths, bool privileged)
{
    mode_t mode = privileged ? 0755 : 0700;
    if (file_mkdirs(paths->config_dir, mode, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0
        || file_mkdirs(paths->run_dir, mode, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0
        || file_mkdirs(paths->log_dir, privileged ? 0711 : 0700, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0)
        return -1;
    return 0;
}
