/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Model "dac": the user that a guest's QEMU runs as, and files that belong to that user meanwhile. What it can't reach is told of before
 * QEMU starts.
 */
#define ERROR_DOMAIN VIR_FROM_SECURITY
#define LOG_SOURCE "qemu.security"
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/log.h"
#include "base/threadpool.h"
#include "domain/taint.h"
#include "drivers/qemu/owners.h"
#include "drivers/qemu/security_models.h"

#define MODEL "dac"
#define DEFAULT_USER "libvirt-qemu"
#define DEFAULT_GROUP "libvirt-qemu"

/* ---- qemu.conf ---- */

int qemu_security_default_user(QemuDriver *driver, UserIdentity *who)
{
    const char *user = driver->conf.user ? driver->conf.user : driver->user_is_ours ? "+0" : DEFAULT_USER;
    const char *group = driver->conf.group ? driver->conf.group : driver->user_is_ours ? "+0" : DEFAULT_GROUP;
    uid_t uid;
    gid_t gid;

    if (!driver->changes_user)
        return 0;
    if (user_find(user, &uid) < 0 || group_find(group, &gid) < 0) {
        error_context("QEMU's user and group (user, group in qemu.conf; 'systemd-sysusers' makes those that are installed with libvirt)");
        return -1;
    }
    return user_identity_set(who, uid, gid);
}

/* ---- labels ---- */

/* "USER:GROUP", names or numbers. */
static int parse_label(const char *label, uid_t *uid, gid_t *gid)
{
    const char *colon = strchr(label, ':');
    g_autofree char *user = colon ? g_strndup(label, colon - label) : NULL;

    if (!user || !*user || !colon[1])
        return FAIL(VIR_ERR_INVALID_ARG, "label '%s' isn't 'USER:GROUP' (as '+107:+107' or 'me:kvm')", label);
    if (user_find(user, uid) == 0 && group_find(colon + 1, gid) == 0)
        return 0;
    error_context("label '%s'", label);
    return -1;
}

static char *label_of(const UserIdentity *who)
{
    return g_strdup_printf("+%u:+%u", (guint)who->uid, (guint)who->gid);
}

static char *base_label(QemuDriver *driver, gboolean kvm G_GNUC_UNUSED)
{
    g_auto(UserIdentity) who = USER_IDENTITY_INIT;

    if (qemu_security_default_user(driver, &who) == 0)
        return label_of(&who);
    virResetLastError();    /* who starts a guest is told */
    return NULL;
}

/* Whether files are given to the guest's user. */
static gboolean relabels(const QemuDriver *driver, const DomainSeclabel *label)
{
    return driver->conf.dynamic_ownership && (!label || (label->type != SECLABEL_TYPE_NONE && label->relabel != TRISTATE_NO));
}

static int begin(Guest *guest, DomainDef *def, DomainSeclabel *label)
{
    QemuDriver *driver = guest_host_priv(guest);
    QemuGuest *qemu = qemu_guest(guest);
    uid_t uid;
    gid_t gid;

    label = security_find_label(def, MODEL);
    if (label && label->type == SECLABEL_TYPE_STATIC) {
        if (parse_label(label->label, &uid, &gid) < 0 || user_identity_set(&qemu->user, uid, gid) < 0)
            return -1;
    } else if (qemu_security_default_user(driver, &qemu->user) < 0) {
        return -1;
    }
    qemu->relabels = relabels(driver, label);
    if (qemu->user.uid == 0 && driver->conf.user)
        guest_taint(guest, TAINT_HIGH_PRIVILEGES);
    if (!label)
        label = security_add_label(def, MODEL);
    if (label->type == SECLABEL_TYPE_NONE)
        return 0;
    if (!label->relabel)
        label->relabel = TRISTATE_YES;
    if (label->type == SECLABEL_TYPE_DYNAMIC)
        security_set_text(&label->label, label_of(&qemu->user));
    if (label->relabel == TRISTATE_YES)
        security_set_text(&label->imagelabel, label_of(&qemu->user));
    return 0;
}

static int take_over(Guest *guest, const DomainDef *def G_GNUC_UNUSED, const DomainSeclabel *label)
{
    QemuDriver *driver = guest_host_priv(guest);
    QemuGuest *qemu = qemu_guest(guest);
    uid_t uid;
    gid_t gid;

    qemu->relabels = relabels(driver, label);
    if (!label || !label->label)
        return qemu_security_default_user(driver, &qemu->user);
    return parse_label(label->label, &uid, &gid) < 0 ? -1 : user_identity_set(&qemu->user, uid, gid);
}

/* ---- files ---- */

/* Whom a file is given to; FALSE: it stays as it is. -1 in @rc with an error. */
static gboolean wish_for(const QemuGuest *qemu, const GuestFile *file, OwnerWish *wish, int *rc)
{
    uid_t uid = qemu->user.uid;
    gid_t gid = qemu->user.gid;

    wish->path = file->path;
    if (file->beside)
        return FALSE;
    for (guint i = 0; i < file->n_labels; i++) {
        const DeviceSeclabel *label = file->labels[i];

        if (label->model && !g_str_equal(label->model, MODEL))
            continue;
        if (label->relabel == TRISTATE_NO)
            return FALSE;
        if (label->label && parse_label(label->label, &uid, &gid) < 0) {
            error_context("%s", file->what);
            *rc = -1;
            return FALSE;
        }
    }
    g_snprintf(wish->to, OWNER_SIZE, "+%u:+%u", (guint)uid, (guint)gid);
    return TRUE;
}

/* The first folder on the way to @path that the guest's user can't pass; NULL: none. */
static char *blocking_folder(const QemuGuest *qemu, const char *path)
{
    g_autofree char *part = g_strdup(path);

    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        UserAccess asked = { part, X_OK };

        *slash = '\0';
        if (user_may(&qemu->user, &asked, 1) < 0)
            return NULL;
        if (asked.err == EACCES)
            return g_steal_pointer(&part);
        *slash = '/';
    }
    return NULL;
}

static int cannot_reach(Guest *guest, const GuestFile *file, const UserAccess *asked)
{
    const QemuGuest *qemu = qemu_guest(guest);
    g_autofree char *user = user_text(qemu->user.uid), *folder = blocking_folder(qemu, file->path), *text = NULL;
    const char *how = asked->mode & W_OK ? "read and write" : "read", *rights = asked->mode & W_OK ? "rw" : "r";

    if (folder)
        text = g_strdup_printf("%s: QEMU's user '%s' can't reach '%s': it can't pass folder '%s'; 'setfacl -m u:%s:x %s' lets it", file->what, user,
                               file->path, folder, user, folder);
    else
        text = g_strdup_printf("%s: QEMU's user '%s' can't %s '%s'; 'setfacl -m u:%s:%s %s' lets it", file->what, user, how, file->path, user, rights,
                               file->path);
    error_report_errno(ERROR_DOMAIN, asked->err, "%s", text);
    return -1;
}

/* QEMU would only say "Permission denied". What else may be wrong it tells better. */
static int check_access(Guest *guest, GPtrArray *files)
{
    const QemuGuest *qemu = qemu_guest(guest);
    g_autofree UserAccess *asked = g_new0(UserAccess, files->len + 1);
    guint n = 0;
    int rc;

    if (qemu->user.uid == (uid_t)-1 || qemu->user.uid == 0)
        return 0;
    for (guint i = 0; i < files->len; i++) {
        const GuestFile *file = files->pdata[i];

        if (!file->beside)
            asked[n++] = (UserAccess){ file->path, file->writes ? R_OK | W_OK : R_OK };
    }
    pool_blocking_begin();
    rc = user_may(&qemu->user, asked, n);
    pool_blocking_end();
    n = 0;
    for (guint i = 0; i < files->len && rc == 0; i++) {
        const GuestFile *file = files->pdata[i];

        if (!file->beside && asked[n++].err == EACCES)
            rc = cannot_reach(guest, file, &asked[n - 1]);
    }
    return rc;
}

static int give(Guest *guest, GPtrArray *files)
{
    QemuDriver *driver = guest_host_priv(guest);
    const QemuGuest *qemu = qemu_guest(guest);
    g_autofree OwnerWish *wishes = g_new0(OwnerWish, files->len + 1);
    size_t n = 0;
    int rc = 0;

    for (guint i = 0; i < files->len && qemu->relabels && rc == 0; i++)
        n += wish_for(qemu, files->pdata[i], &wishes[n], &rc);
    if (rc < 0 || (n && owners_give(driver->owners, guest->name, wishes, n) < 0))
        return -1;
    if (check_access(guest, files) == 0)
        return 0;
    if (n) {
        g_autofree const char **paths = g_new0(const char *, n);
        virErrorPtr error = error_save();

        for (size_t i = 0; i < n; i++)
            paths[i] = wishes[i].path;
        owners_restore(driver->owners, guest->name, paths, n);
        error_restore(error);
    }
    return -1;
}

/* ---- the way back ---- */

static gboolean gets(Guest *guest, const GuestFile *file)
{
    OwnerWish wish;
    int rc = 0;
    gboolean is_given = wish_for(qemu_guest(guest), file, &wish, &rc);

    virResetLastError();
    return is_given;
}

static char **given(Guest *guest, GPtrArray *files)
{
    return security_paths(guest, files, gets);
}

static void take_back(Guest *guest, char **paths)
{
    QemuDriver *driver = guest_host_priv(guest);

    owners_restore(driver->owners, guest->name, (const char *const *)paths, paths ? g_strv_length(paths) : 0);
}

const SecurityModel security_dac = {
    .name = MODEL, .base_label = base_label, .begin = begin, .take_over = take_over, .give = give, .given = given, .take_back = take_back,
};
