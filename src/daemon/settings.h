/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules about libvirtd.conf that its table can't say, and the log as it is configured.
 */
#pragma once
#include "config/libvirtd.h"
#include "daemon/options.h"
#include "daemon/paths.h"

/** Cross-checks, and demands that this build can't meet: what is asked for safety and isn't there must not be passed over.
 * @listen: the network is listened to, so that its settings count. Problems go to @report (may be NULL). 0, or -1 with an error. */
int settings_check(const LibvirtdConf *conf, const char *file, bool listen, ConfReport *report);

/** Fill in what the table leaves to be worked out: authentication, and permissions of the read-write socket.
 * @system: whether this is the host's own daemon, rather than one of a session or below a private root. */
void settings_finish(LibvirtdConf *conf, bool system);

/** Tell the library who the host is. */
void settings_apply_host(const LibvirtdConf *conf);

/** Set the log up: the command line goes before the environment, that before the configuration. 0, or -1 with an error. */
int settings_apply_log(const LibvirtdConf *conf, const Options *options, const DaemonPaths *paths);
