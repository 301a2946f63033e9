/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Being another user for a while: servers that squash root take what it asks for as nobody's, but believe who the file's owner is. Of the
 * calling thread alone, and of the programs that it starts.
 */
#pragma once
#include "base/user.h"
#include "storage/backend.h"

typedef struct AsUser {
    gboolean changed;
    UserIdentity who;
    gid_t *before;      /* our groups, owned */
    int n_before;
    const UserIdentity *outer;
} AsUser;

#define AS_USER_INIT { .who = USER_IDENTITY_INIT }

/** Whether @err, what root met in a pool like @def, is what a server that squashes it answers. */
gboolean as_user_helps(const StoragePoolDef *def, int err);
/** Be user @uid and group @gid (-1: his own) until as_user_end(). 0; -1 with an error, and nothing is changed. */
int as_user_begin(AsUser *user, uid_t uid, gid_t gid);
/** Be the daemon's user until as_user_end(), for what has nothing to do with a server that this thread is another one for. */
int as_user_pause(AsUser *user);
/** Be who we were. errno stays. */
void as_user_end(AsUser *user);
/** Who this thread is; NULL: the daemon's user. */
const UserIdentity *as_user_now(void);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AsUser, as_user_end)
