/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Users and groups by name.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/user.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

#define BUFFER_MAX (1024 * 1024)
#define GROUPS_MAX 65536

/* A number below 2³²-1, which stands for "none". */
static bool parse_number(const char *text, guint32 *number)
{
    if (*text == '+')
        text++;
    if (!g_ascii_isdigit(*text))
        return false;
    char *end;
    errno = 0;
    guint64 value = g_ascii_strtoull(text, &end, 10);
    if (*end || errno || value >= G_MAXUINT32)
        return false;
    *number = value;
    return true;
}

/* Call @ask with buffers that grow until its answer fits. 0 (@found says whether there is such an entry) or errno. */
static int ask_nss(int (*ask)(const void *key, char *buffer, size_t size, void *result, bool *found), const void *key,
                   void *result, bool *found)
{
    for (size_t size = 4096; size <= BUFFER_MAX; size *= 2) {
        g_autofree char *buffer = g_malloc(size);
        *found = false;
        int err = ask(key, buffer, size, result, found);
        if (err != ERANGE)
            return *found || err == ENOENT || err == ESRCH ? 0 : err;
    }
    return ERANGE;
}

static int ask_user(const void *name, char *buffer, size_t size, void *result, bool *found)
{
    struct passwd entry, *answer = NULL;
    int err = getpwnam_r(name, &entry, buffer, size, &answer);
    *found = answer != NULL;
    if (answer)
        *(uid_t *) result = answer->pw_uid;
    return err;
}

static int ask_group(const void *name, char *buffer, size_t size, void *result, bool *found)
{
    struct group entry, *answer = NULL;
    int err = getgrnam_r(name, &entry, buffer, size, &answer);
    *found = answer != NULL;
    if (answer)
        *(gid_t *) result = answer->gr_gid;
    return err;
}

static int ask_user_name(const void *uid, char *buffer, size_t size, void *result, bool *found)
{
    struct passwd entry, *answer = NULL;
    int err = getpwuid_r(*(const uid_t *) uid, &entry, buffer, size, &answer);
    *found = answer != NULL;
    if (answer)
        *(char **) result = g_strdup(answer->pw_name);
    return err;
}

static int ask_group_name(const void *gid, char *buffer, size_t size, void *result, bool *found)
{
    struct group entry, *answer = NULL;
    int err = getgrgid_r(*(const gid_t *) gid, &entry, buffer, size, &answer);
    *found = answer != NULL;
    if (answer)
        *(char **) result = g_strdup(answer->gr_name);
    return err;
}

static int ask_main_group(const void *uid, char *buffer, size_t size, void *result, bool *found)
{
    struct passwd entry, *answer = NULL;
    int err = getpwuid_r(*(const uid_t *) uid, &entry, buffer, size, &answer);
    *found = answer != NULL;
    if (answer)
        *(gid_t *) result = answer->pw_gid;
    return err;
}

int user_find(const char *name, uid_t *uid)
{
    bool found = false;
    int err = name[0] == '+' ? 0 : ask_nss(ask_user, name, uid, &found);
    if (found || parse_number(name, uid))
        return 0;
    if (err)
        return FAIL_ERRNO(err, "cannot look up user '%s'", name);
    return FAIL(VIR_ERR_INVALID_ARG, "there is no user '%s'; create it with \"useradd --system %s\"", name, name);
}

int group_find(const char *name, gid_t *gid)
{
    bool found = false;
    int err = name[0] == '+' ? 0 : ask_nss(ask_group, name, gid, &found);
    if (found || parse_number(name, gid))
        return 0;
    if (err)
        return FAIL_ERRNO(err, "cannot look up group '%s'", name);
    return FAIL(VIR_ERR_INVALID_ARG, "there is no group '%s'; create it with \"groupadd --system %s\"", name, name);
}

gid_t user_main_group(uid_t uid)
{
    gid_t gid;
    bool found = false;
    ask_nss(ask_main_group, &uid, &gid, &found);
    return found ? gid : (gid_t) uid;
}

int user_groups(uid_t uid, gid_t gid, gid_t **groups, size_t *n_groups)
{
    g_autofree char *name = NULL;
    bool found = false;
    int err = ask_nss(ask_user_name, &uid, &name, &found);
    if (err)
        return FAIL_ERRNO(err, "cannot look up user %u", (unsigned) uid);
    int n = 32;
    g_autofree gid_t *list = g_new(gid_t, n);
    list[0] = gid;
    if (!found) {
        n = 1;
    } else {
        while (getgrouplist(name, gid, list, &n) < 0) {
            if (n > GROUPS_MAX)
                return FAIL(VIR_ERR_OPERATION_FAILED, "user '%s' is in more than %d groups", name, GROUPS_MAX);
            list = g_renew(gid_t, list, n);
        }
    }
    *groups = g_steal_pointer(&list);
    *n_groups = n;
    return 0;
}

char *user_text(uid_t uid)
{
    char *name = NULL;
    bool found = false;

    if (ask_nss(ask_user_name, &uid, &name, &found) == 0 && found)
        return name;
    return g_strdup_printf("%u", (unsigned) uid);
}

char *group_text(gid_t gid)
{
    char *name = NULL;
    bool found = false;

    if (ask_nss(ask_group_name, &gid, &name, &found) == 0 && found)
        return name;
    return g_strdup_printf("%u", (unsigned) gid);
}

bool user_is_member(uid_t uid, gid_t gid)
{
    g_autofree gid_t *groups = NULL;
    gid_t own = 0;
    size_t n = 0;
    bool found = false, member = false;

    if (ask_nss(ask_main_group, &uid, &own, &found) != 0 || !found)
        return false;
    virErrorPtr saved = error_save();
    if (user_groups(uid, own, &groups, &n) < 0)
        n = 0;
    for (size_t i = 0; i < n; i++)
        member = member || groups[i] == gid;
    error_restore(saved);
    return member;
}

/* ---- identities ---- */

int user_identity_set(UserIdentity *who, uid_t uid, gid_t gid)
{
    gid_t *groups;
    size_t n;

    if (user_groups(uid, gid, &groups, &n) < 0)
        return -1;
    user_identity_clear(who);
    *who = (UserIdentity) { uid, gid, groups, n };
    return 0;
}

void user_identity_clear(UserIdentity *who)
{
    g_free(who->groups);
    *who = (UserIdentity) USER_IDENTITY_INIT;
}

typedef struct Question {
    const UserIdentity *who;
    UserAccess *asked;
    size_t n;
    int err;
} Question;

/* The rights of file systems belong to threads; libc's own functions would change those of all. A thread with another fsuid can't be
 * signalled by that user, as one with another uid could. */
static void *ask_as(void *opaque)
{
    Question *q = opaque;

    if (syscall(SYS_setgroups, q->who->n_groups, q->who->groups) < 0) {
        q->err = errno;
        return NULL;
    }
    syscall(SYS_setfsgid, q->who->gid);
    syscall(SYS_setfsuid, q->who->uid);
    if (syscall(SYS_setfsuid, (uid_t) -1) != q->who->uid) {     /* it tells, and fails to change */
        q->err = EPERM;
        return NULL;
    }
    for (size_t i = 0; i < q->n; i++)
        q->asked[i].err = syscall(SYS_faccessat2, AT_FDCWD, q->asked[i].path, q->asked[i].mode, AT_EACCESS) < 0 ? errno : 0;
    return NULL;
}

int user_may(const UserIdentity *who, UserAccess *asked, size_t n)
{
    Question q = { who, asked, n, 0 };
    int dumpable = prctl(PR_GET_DUMPABLE);

    if (who->uid == (uid_t) -1) {
        for (size_t i = 0; i < n; i++)
            asked[i].err = faccessat(AT_FDCWD, asked[i].path, asked[i].mode, AT_EACCESS) < 0 ? errno : 0;
        return 0;
    }
    g_autoptr(GError) error = NULL;
    GThread *thread = g_thread_try_new("user-may", ask_as, &q, &error);
    if (!thread)
        return FAIL(VIR_ERR_OPERATION_FAILED, "cannot find out what user %u may do: %s", (unsigned) who->uid, error->message);
    g_thread_join(thread);
    if (dumpable == 1)
        prctl(PR_SET_DUMPABLE, 1);      /* the kernel took that from the whole process */
    return q.err ? FAIL_ERRNO(q.err, "cannot find out what user %u may do", (unsigned) who->uid) : 0;
}
