/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the daemon's own files are: the system's places, those of a user's session, or all of it below a root folder.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct {
    char *config_dir;    /* /etc/libvirt */
    char *run_dir;       /* /run/libvirt */
    char *log_dir;       /* /var/log/libvirt */
    char *config_file;   /* libvirtd.conf in it */
    char *pid_file;      /* /run/libvirtd.pid */
    char *sasl_dir;      /* with libvirt.conf for SASL; NULL: where SASL looks itself, /etc/sasl2 */
} DaemonPaths;

/** @root: "" or an absolute folder, below which the system's layout is used. @privileged: system or session. */
void daemon_paths_init(DaemonPaths *paths, const char *root, bool privileged);
void daemon_paths_clear(DaemonPaths *paths);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DaemonPaths, daemon_paths_clear)

/** Make the folders that are missing. 0, or -1 with an error. */
int daemon_paths_make(const DaemonPaths *paths, bool privileged);
