/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_SECURITY
#define LOG_SOURCE "qemu.security"
#include "drivers/qemu/security.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/log.h"
#include "domain/host.h"
#include "domain/taint.h"
#include "drivers/qemu/owners.h"

#define MODEL "dac"
#define DEFAULT_USER "libvirt-qemu"
#define DEFAULT_GROUP "libvirt-qemu"

/* ---- qemu.conf ---- */

void qemu_security_init(QemuDriver *driver, const char *state_folder, gboolean privileged, gboolean as_we_are)
{
    driver->changes_user = privileged && geteuid() == 0;
    driver->user_is_ours = as_we_are;
    if (!driver->changes_user)
        return;
    driver->owners = owners_new(state_folder, driver->conf.remember_owner);
    owners_load(driver->owners);
}

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

static DomainSeclabel *find_label(const DomainDef *def)
{
    for (guint i = 0; i < def->n_seclabels; i++) {
        if (g_strcmp0(def->seclabels[i]->model, MODEL) == 0)
            return def->seclabels[i];
    }
    return NULL;
}

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

char *qemu_security_default_label(QemuDriver *driver)
{
    g_auto(UserIdentity) who = USER_IDENTITY_INIT;

    if (!driver->changes_user)
        return NULL;
    if (qemu_security_default_user(driver, &who) == 0)
        return label_of(&who);
    virResetLastError();    /* who starts a guest is told */
    return NULL;
}

/* Labels of what this host hasn't would confine nobody. */
static int check_models(const QemuDriver *driver, const DomainDef *def)
{
    for (guint i = 0; i < def->n_seclabels; i++) {
        const DomainSeclabel *label = def->seclabels[i];

        if (label->type == SECLABEL_TYPE_NONE || !label->model || g_str_equal(label->model, "none"))
            continue;
        if (!g_str_equal(label->model, MODEL) || !driver->changes_user)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' has a <seclabel> of model '%s', which isn't available: %s", def->name,
                        label->model, driver->changes_user ? "there is 'dac' alone" : "only root's daemon can run QEMU as another user");
    }
    return 0;
}

/* Whether files are given to the guest's user. */
static gboolean relabels(const QemuDriver *driver, const DomainSeclabel *label)
{
    return driver->conf.dynamic_ownership && (!label || (label->type != SECLABEL_TYPE_NONE && label->relabel != TRISTATE_NO));
}

static void set_text(char **slot, char *text)
{
    g_free(*slot);
    *slot = text;
}

static DomainSeclabel *add_label(DomainDef *def)
{
    DomainSeclabel *label = xml_struct_new(&DOMAIN_SECLABEL_DESC);

    label->type = SECLABEL_TYPE_DYNAMIC;
    label->model = g_strdup(MODEL);
    XML_LIST_APPEND(def->seclabels, def->n_seclabels, label);
    return label;
}

int qemu_security_begin(Guest *guest, DomainDef *def)
{
    QemuDriver *driver = guest_host_priv(guest);
    QemuGuest *qemu = qemu_guest(guest);
    DomainSeclabel *label = find_label(def);
    uid_t uid;
    gid_t gid;

    if (check_models(driver, def) < 0)
        return -1;
    if (!driver->changes_user)
        return 0;
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
        label = add_label(def);
    if (label->type == SECLABEL_TYPE_NONE)
        return 0;
    if (!label->relabel)
        label->relabel = TRISTATE_YES;
    if (label->type == SECLABEL_TYPE_DYNAMIC)
        set_text(&label->label, label_of(&qemu->user));
    if (label->relabel == TRISTATE_YES)
        set_text(&label->imagelabel, label_of(&qemu->user));
    return 0;
}

int qemu_security_take_over(Guest *guest, const DomainDef *def)
{
    QemuDriver *driver = guest_host_priv(guest);
    QemuGuest *qemu = qemu_guest(guest);
    const DomainSeclabel *label = find_label(def);
    uid_t uid;
    gid_t gid;

    if (!driver->changes_user)
        return 0;
    qemu->relabels = relabels(driver, label);
    if (!label || !label->label)
        return qemu_security_default_user(driver, &qemu->user);
    return parse_label(label->label, &uid, &gid) < 0 ? -1 : user_identity_set(&qemu->user, uid, gid);
}

/* ---- files ---- */

/* Whom a file is given to; FALSE: it stays as it is. -1 in @rc with an error. */
static gboolean wish_for(const QemuGuest *qemu, const GuestFile *file, OwnerWish *wish, int *rc)
{
    *wish = (OwnerWish){ file->path, qemu->user.uid, qemu->user.gid };
    for (guint i = 0; i < file->n_labels; i++) {
        const DeviceSeclabel *label = file->labels[i];

        if (label->model && !g_str_equal(label->model, MODEL))
            continue;
        if (label->relabel == TRISTATE_NO)
            return FALSE;
        if (label->label && parse_label(label->label, &wish->uid, &wish->gid) < 0) {
            error_context("%s", file->what);
            *rc = -1;
            return FALSE;
        }
    }
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
    int rc;

    if (qemu->user.uid == (uid_t)-1 || qemu->user.uid == 0)
        return 0;
    for (guint i = 0; i < files->len; i++) {
        const GuestFile *file = files->pdata[i];

        asked[i] = (UserAccess){ file->path, file->writes ? R_OK | W_OK : R_OK };
    }
    pool_blocking_begin();
    rc = user_may(&qemu->user, asked, files->len);
    pool_blocking_end();
    for (guint i = 0; i < files->len && rc == 0; i++) {
        if (asked[i].err == EACCES)
            rc = cannot_reach(guest, files->pdata[i], &asked[i]);
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

int qemu_security_give(Guest *guest, const DomainDef *def)
{
    QemuDriver *driver = guest_host_priv(guest);
    g_autoptr(GPtrArray) files = driver->changes_user ? qemu_files_of(def) : NULL;

    return files ? give(guest, files) : 0;
}

int qemu_security_give_device(Guest *guest, const DomainDef *def, const char *kind, const void *device)
{
    QemuDriver *driver = guest_host_priv(guest);
    g_autoptr(GPtrArray) files = driver->changes_user ? qemu_files_of_device(def, kind, device) : NULL;

    return files ? give(guest, files) : 0;
}

/* ---- the way back ---- */

void qemu_security_restore(Guest *guest)
{
    QemuDriver *driver = guest_host_priv(guest);
    virErrorPtr error;

    if (!driver->owners)
        return;
    error = error_save();
    owners_restore(driver->owners, guest->name, NULL, 0);
    error_restore(error);
}

/* Paths of what @files have been given; NULL-terminated, owned. */
static char **given_paths(const QemuGuest *qemu, GPtrArray *files)
{
    GPtrArray *paths = g_ptr_array_new();

    for (guint i = 0; i < files->len; i++) {
        const GuestFile *file = files->pdata[i];
        OwnerWish wish;
        int rc = 0;

        if (wish_for(qemu, file, &wish, &rc))
            g_ptr_array_add(paths, g_strdup(file->path));
    }
    virResetLastError();
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(paths, FALSE);
}

typedef struct Return {
    Guest *guest;       /* reference */
    char **paths;
} Return;

static void give_back(void *opaque)
{
    Return *r = opaque;
    QemuDriver *driver = guest_host_priv(r->guest);

    owners_restore(driver->owners, r->guest->name, (const char *const *)r->paths, g_strv_length(r->paths));
    guest_unref(r->guest);
    g_strfreev(r->paths);
    g_free(r);
}

static Return *return_of(Guest *guest, const DomainDef *def, const char *kind, const void *device)
{
    QemuDriver *driver = guest_host_priv(guest);
    g_autoptr(GPtrArray) files = driver->owners ? qemu_files_of_device(def, kind, device) : NULL;
    Return *r;

    if (!files || files->len == 0)
        return NULL;
    r = g_new0(Return, 1);
    *r = (Return){ guest_ref(guest), given_paths(qemu_guest(guest), files) };
    return r;
}

void qemu_security_restore_device(Guest *guest, const DomainDef *def, const char *kind, const void *device)
{
    virErrorPtr error = error_save();
    Return *r = return_of(guest, def, kind, device);

    if (r)
        give_back(r);
    error_restore(error);
}

void qemu_security_restore_device_later(Guest *guest, const char *kind, const void *device)
{
    Return *r = return_of(guest, NULL, kind, device);

    if (r)
        host_run(guest->host, guest->dom, give_back, r);
}
