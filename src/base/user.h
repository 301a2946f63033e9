/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Users and groups by name. These look-ups may ask the network (NSS): not on a loop's thread, and never after entering
 * a foreign root.
 */
#pragma once
#include <stddef.h>
#include <sys/types.h>

/** User or group of a name or number; "+64" is a number even if somebody is called so. 0; -1 with an error. */
int user_find(const char *name, uid_t *uid);
int group_find(const char *name, gid_t *gid);

/** All groups of user @uid, whose main group shall count as @gid. @groups: caller frees. A user without an entry has just
 * @gid. 0; -1 with an error. */
int user_groups(uid_t uid, gid_t gid, gid_t **groups, size_t *n_groups);
