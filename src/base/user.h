/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Users and groups by name. These look-ups may ask the network (NSS): not on a loop's thread, and never after entering
 * a foreign root.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** User or group of a name or number; "+64" is a number even if somebody is called so. 0; -1 with an error. */
int user_find(const char *name, uid_t *uid);
int group_find(const char *name, gid_t *gid);

/** All groups of user @uid, whose main group shall count as @gid. @groups: caller frees. A user without an entry has just
 * @gid. 0; -1 with an error. */
int user_groups(uid_t uid, gid_t gid, gid_t **groups, size_t *n_groups);

/** The main group of user @uid; of one whom the host doesn't know, the group with his number. */
gid_t user_main_group(uid_t uid);

/** Name of a user, for people: "libvirt-qemu", or the number where there is no name. Caller frees. */
char *user_text(uid_t uid);

/** The same of a group. */
char *group_text(gid_t gid);

/** Whether the host's database has user @uid among the members of group @gid; false too if it can't be asked. */
bool user_is_member(uid_t uid, gid_t gid);

/** Who a process runs as. A uid of -1: as we are. */
typedef struct UserIdentity {
    uid_t uid;
    gid_t gid;
    gid_t *groups;      /**< supplementary groups, owned */
    size_t n_groups;
} UserIdentity;

#define USER_IDENTITY_INIT { .uid = (uid_t) -1, .gid = (gid_t) -1 }

/** The user with this number, its main group counting as @gid, with all its groups. What @who held is freed. 0; -1 with an error. */
int user_identity_set(UserIdentity *who, uid_t uid, gid_t gid);
void user_identity_clear(UserIdentity *who);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UserIdentity, user_identity_clear)

/** A question to user_may(), and its answer. */
typedef struct UserAccess {
    const char *path;
    int mode;           /**< R_OK, W_OK, X_OK */
    int err;            /**< 0, or the errno that @who would meet */
} UserAccess;

/** Ask the kernel what @who may do, with access lists, groups and everything. Only root can ask for somebody else. 0; -1 with an error
 * if it can't be asked. May wait for file systems. */
int user_may(const UserIdentity *who, UserAccess *asked, size_t n);
