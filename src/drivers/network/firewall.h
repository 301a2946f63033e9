/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The host's firewall, through libnftables: each change is one transaction of the kernel, all of it or nothing.
 */
#pragma once
#include <glib.h>

/** Run commands of nft. @what: for the error ("set up the rules of network 'default'"). 0, or -1 with an error that quotes nft. */
int firewall_run(const char *commands, const char *what);
/** Run commands that list something; JSON text, caller frees. NULL with an error. */
char *firewall_list(const char *commands, const char *what);
