/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The host's firewall, through libnftables: each change is one transaction of the kernel, all of it or nothing.
 */
#pragma once
#include <glib.h>

/** Run commands of nft. @what: for the error ("set up the rules of network 'default'"). 0, or -1 with an error that quotes nft. */
int firewall_run(const char *commands, const char *what);
/** Run a command that lists something: JSON text, caller frees. NULL with an error (also if there is nothing of that name). */
char *firewall_list(const char *command, const char *what);
/** As firewall_run(), and then delete @table if no map or set in it has elements: nothing of ours stays on a host that needs nothing of it. */
int firewall_run_and_tidy(const char *commands, const char *table, const char *what);
