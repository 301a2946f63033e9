/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirtd --check: look at configuration and state, change nothing.
 */
#pragma once
#include "config/libvirtd.h"
#include "daemon/paths.h"

/** Print what is found to standard output. @report: what reading the configuration told; @loaded: whether it could be read at
 * all; @listen: whether the network's settings count. Returns how many problems there are. */
int check_run(const DaemonPaths *paths, const LibvirtdConf *conf, bool loaded, bool privileged, bool listen,
              ConfReport *report);
