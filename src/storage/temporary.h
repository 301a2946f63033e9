/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names of files that become volumes and must have a name before: they are no volumes, and tell which host makes them, since several may
 * share a folder.
 */
#pragma once
#include <glib.h>

/** So often a name is drawn where there is such a file already. */
#define TEMPORARY_TRIES 100

/** A name that nobody has, most likely; the caller frees. */
char *temporary_name(void);
/** What all such names of this host begin with; the caller frees. */
char *temporary_tag(void);
/** Whether @name is one of any host. */
gboolean temporary_is(const char *name);
