/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/storage/as_user.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/error.h"

static _Thread_local const UserIdentity *now;

gboolean as_user_helps(const StoragePoolDef *def, int err)
{
    return (err == EACCES || err == EPERM) && def->type == STORAGE_POOL_TYPE_NETFS && geteuid() == 0;
}

const UserIdentity *as_user_now(void)
{
    return now;
}

/* The library's function would do it for all threads. */
static int set_groups(size_t n, const gid_t *groups)
{
    return (int) syscall(SYS_setgroups, n, groups);
}

static int keep_groups(AsUser *user)
{
    int n = getgroups(0, NULL);
    user->before = n < 0 ? NULL : g_new0(gid_t, (gsize) n + 1);
    user->n_before = n < 0 ? -1 : getgroups(n, user->before);
    return user->n_before < 0 ? FAIL_ERRNO(errno, "cannot tell the daemon's groups") : 0;
}

int as_user_begin(AsUser *user, uid_t uid, gid_t gid)
{
    *user = (AsUser) AS_USER_INIT;
    if (user_identity_set(&user->who, uid, gid == (gid_t) -1 ? user_main_group(uid) : gid) < 0)
        return -1;
    if (keep_groups(user) < 0) {
        as_user_end(user);
        return -1;
    }
    user->changed = TRUE;
    user->outer = now;
    now = &user->who;
    int dumpable = prctl(PR_GET_DUMPABLE);
    int rc = set_groups(user->who.n_groups, user->who.groups);
    setfsgid(user->who.gid);
    setfsuid(user->who.uid); /* which answers nothing of use: asked again, it tells who we are */
    if (dumpable == 1)
        prctl(PR_SET_DUMPABLE, 1); /* the kernel took that from the whole process; that user may still do nothing to it */
    if (rc == 0 && (uid_t) setfsuid((uid_t) -1) == user->who.uid)
        return 0;
    as_user_end(user);
    return FAIL(VIR_ERR_OPERATION_FAILED, "cannot be user %u: the daemon has no right to", (unsigned) uid);
}

void as_user_end(AsUser *user)
{
    int saved = errno, dumpable = prctl(PR_GET_DUMPABLE);
    if (user->changed) {
        /* going on as somebody else, or with his rights, would be worse than to end */
        setfsuid(user->outer ? user->outer->uid : geteuid());
        setfsgid(user->outer ? user->outer->gid : getegid());
        if (dumpable == 1)
            prctl(PR_SET_DUMPABLE, 1);
        if (set_groups((size_t) user->n_before, user->before) < 0)
            abort();
        now = user->outer;
    }
    user->changed = FALSE;
    user_identity_clear(&user->who);
    g_clear_pointer(&user->before, g_free);
    errno = saved;
}

int as_user_pause(AsUser *user)
{
    return now ? as_user_begin(user, geteuid(), getegid()) : 0;
}
