/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Why a path of the host can't be used: explanations for errors, looked up only when one happens.
 */
#pragma once
#include <glib.h>
#include <sys/types.h>

/** Which processes have the file @path open, at most @max of them, as "process 12 (qemu-img), QEMU of domain 'a' (process 13)".
 * NULL if none can be seen. Looks at all processes: slow on a busy host. */
char *host_path_holders(const char *path, guint max);

/** The first folder on the way to @path that the user @uid with the group @gid can't pass, or the file itself, with the command
 * that mends it: "user 107 can't search folder '/root'; 'setfacl …'". NULL if the modes don't tell why. Access lists and other
 * groups of the user are not looked at. */
char *host_path_blocker(const char *path, uid_t uid, gid_t gid);
