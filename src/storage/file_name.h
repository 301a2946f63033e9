/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names of files that are volumes, or become some. What is being made and must have a name before is no volume; its name tells which host
 * makes it, since several may share a folder.
 */
#pragma once
#include <glib.h>

/** So often a name is drawn where there is such a file already. */
#define FILE_NAME_TRIES 100

typedef char FileName;

/** A name for what is being made, which nobody has, most likely: until file_name_end(), which the caller owes, when it is gone or has another. */
FileName *file_name_begin(void);
/** Frees @name, which may be NULL. errno stays. */
void file_name_end(FileName *name);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FileName, file_name_end)

/** Whether what has this name was left half made by a process of this host that isn't there any more. (Others that are there are not known: they
 * must be met in another way where several processes use one pool.) */
gboolean file_name_is_left(const char *name);
/** Whether a file of that name in a pool's folder can be a volume: the XML can hold it, and no host is making it. */
gboolean file_name_may_be_volume(const char *name);
/** Whether a new volume can have that name. 0, or -1 with an error. */
int file_name_check_new(const char *name);
