/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names of files that are volumes, or become some. What is being made and must have a name before is no volume; its name tells which host
 * makes it, since several may share a folder.
 */
#pragma once
#include <glib.h>

/** So often a name is drawn where there is such a file already. */
#define FILE_NAME_TRIES 100

/** A name that nobody has, most likely; the caller frees. */
char *file_name_temporary(void);
/** What all such names of this host begin with; the caller frees. */
char *file_name_tag(void);
/** Whether a file of that name in a pool's folder can be a volume: the XML can hold it, and no host is making it. */
gboolean file_name_may_be_volume(const char *name);
/** Whether a new volume can have that name. 0, or -1 with an error. */
int file_name_check_new(const char *name);
