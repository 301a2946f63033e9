/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Model "selinux": a guest's process has the type that the policy keeps for guests and two categories that no other guest has, its files
 * the type for images and the same categories. What it only reads has the type for content, what several guests write has no categories.
 * The contexts are the policy's own (virtual_domain_context, virtual_image_context). Whose label a file had is remembered as its owner is
 * (owners.h). The library of SELinux isn't needed: labels are attributes of files, and of processes in /proc.
 */
#define ERROR_DOMAIN VIR_FROM_SECURITY
#define LOG_SOURCE "qemu.selinux"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/threadpool.h"
#include "drivers/qemu/owners.h"
#include "drivers/qemu/security_models.h"
#include "drivers/qemu/selinux_context.h"

#define MODEL "selinux"
#define KERNEL "/sys/fs/selinux"
#define ATTR_EXEC "/proc/self/attr/exec"
#define ATTR_CURRENT "/proc/self/attr/current"
#define ATTR_FILE "security.selinux"
#define MAX_TEXT (64 * 1024)
#define ALL_CATEGORIES 1024

struct SelinuxGuest {
    char *label, *image, *shared, *content; /* of its process; of files that it writes, that others write as well, that it reads */
    gboolean relabels;
};

/* ---- the host ---- */

static gboolean on_host(void)
{
    return access(KERNEL "/enforce", F_OK) == 0;
}

/* Line @n of a file of the policy's; NULL: there is none. */
static char *policy_line(const QemuDriver *driver, const char *name, guint n)
{
    g_autofree char *config = g_build_filename(driver->etc, "selinux/config", NULL), *settings = NULL, *policy = NULL, *path = NULL, *text = NULL;

    if (file_read_optional(config, MAX_TEXT, &settings, NULL) > 0)
        policy = selinux_setting(settings, "SELINUXTYPE");
    path = policy ? g_build_filename(driver->etc, "selinux", policy, "contexts", name, NULL) : NULL;
    if (path)
        file_read_optional(path, MAX_TEXT, &text, NULL);
    virResetLastError();
    return text ? selinux_line(text, n) : NULL;
}

/* Of guests that are emulated the policy may have another. */
static char *base_label(QemuDriver *driver, gboolean kvm)
{
    char *label = kvm ? NULL : policy_line(driver, "virtual_domain_context", 1);

    return label ? label : policy_line(driver, "virtual_domain_context", 0);
}

static char *missing(const QemuDriver *driver)
{
    g_autofree char *domain = NULL, *image = NULL;

    if (!on_host())
        return g_strdup("the host's kernel runs without SELinux; 'security=selinux' on its command line and a policy ('apt install selinux-basics "
                        "selinux-policy-default', 'selinux-activate') turn it on");
    domain = policy_line(driver, "virtual_domain_context", 0);
    image = policy_line(driver, "virtual_image_context", 0);
    if (!domain || !image)
        return g_strdup_printf("the policy of '%s/selinux/config' doesn't say which labels guests have (contexts/virtual_domain_context, "
                               "virtual_image_context)", driver->etc);
    return NULL;
}

static gboolean own_range(SelinuxRange *range)
{
    g_autofree char *context = NULL;

    if (file_read_optional(ATTR_CURRENT, MAX_TEXT, &context, NULL) <= 0) {
        virResetLastError();
        return FALSE;
    }
    if (!selinux_range_parse(g_strstrip(context), range))
        return FALSE;
    /* Whether one without categories of its own may give guests some is for the policy to say. */
    if (range->first >= range->last)
        range->last = range->first + ALL_CATEGORIES - 1;
    return TRUE;
}

/* What the kernel makes of a label; without it, everything is right. */
static int check_label(const char *what, const char *label)
{
    int fd = open(KERNEL "/context", O_RDWR | O_CLOEXEC), err = 0;

    if (fd < 0)
        return 0;
    if (write(fd, label, strlen(label) + 1) < 0)
        err = errno;
    close(fd);
    if (err == EINVAL || strlen(label) > OWNER_MAX)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: the host's policy of SELinux knows no label '%s'", what, label);
    return 0;
}

/* ---- a guest ---- */

static void guest_free(QemuDriver *driver, struct SelinuxGuest *mine)
{
    if (!mine)
        return;
    if (driver && driver->levels && selinux_level(mine->label))
        selinux_levels_release(driver->levels, selinux_level(mine->label));
    g_free(mine->label);
    g_free(mine->image);
    g_free(mine->shared);
    g_free(mine->content);
    g_free(mine);
}

/* What follows from the label of its process. NULL with an error. */
static struct SelinuxGuest *guest_new(QemuDriver *driver, const char *label, gboolean relabels)
{
    g_autofree char *image = policy_line(driver, "virtual_image_context", 0), *content = policy_line(driver, "virtual_image_context", 1);
    const char *level = selinux_level(label);
    struct SelinuxGuest *mine;

    if (!image)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "the policy doesn't say any more which label images of guests have (virtual_image_context)");
    mine = g_new0(struct SelinuxGuest, 1);
    mine->label = g_strdup(label);
    mine->relabels = relabels;
    mine->image = selinux_with_level(image, level);
    mine->shared = g_steal_pointer(&image);
    mine->content = content ? g_steal_pointer(&content) : g_strdup(mine->shared);
    if (level)
        selinux_levels_take(driver->levels, level);
    if (mine->image)
        return mine;
    guest_free(driver, mine);
    return NULL;
}

static char *dynamic_label(QemuDriver *driver, const DomainDef *def, const DomainSeclabel *label)
{
    g_autofree char *base = label->baselabel ? g_strdup(label->baselabel) : base_label(driver, def->type == DOMAIN_VIRT_TYPE_KVM), *level = NULL;
    SelinuxRange range;
    char *made;

    if (!base)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "the policy doesn't say any more which label guests have (virtual_domain_context)");
    if (!selinux_level(base) || !own_range(&range))
        return g_steal_pointer(&base);  /* a policy without levels */
    level = selinux_levels_choose(driver->levels, &range);
    made = level ? selinux_with_level(base, level) : NULL;
    return made;
}

static int begin(Guest *guest, DomainDef *def, DomainSeclabel *label)
{
    QemuDriver *driver = guest_host_priv(guest);
    QemuGuest *qemu = qemu_guest(guest);
    gboolean made = label->type != SECLABEL_TYPE_STATIC;
    g_autofree char *what = g_strdup_printf("domain '%s'", guest->name), *text = NULL;

    text = made ? dynamic_label(driver, def, label) : g_strdup(label->label);
    if (!label->relabel)
        label->relabel = made ? TRISTATE_YES : TRISTATE_NO;
    if (text)
        qemu->selinux = guest_new(driver, text, label->relabel == TRISTATE_YES);
    if (text && made && selinux_level(text))
        selinux_levels_release(driver->levels, selinux_level(text));    /* the guest has taken it */
    if (!qemu->selinux || check_label(what, text) < 0)
        return -1;
    security_set_text(&label->label, g_steal_pointer(&text));
    if (qemu->selinux->relabels)
        security_set_text(&label->imagelabel, g_strdup(qemu->selinux->image));
    return 0;
}

static int take_over(Guest *guest, const DomainDef *def G_GNUC_UNUSED, const DomainSeclabel *label)
{
    QemuGuest *qemu = qemu_guest(guest);

    qemu->selinux = guest_new(guest_host_priv(guest), label->label, label->relabel == TRISTATE_YES);
    return qemu->selinux ? 0 : -1;
}

static void forget(QemuDriver *driver, QemuGuest *qemu)
{
    guest_free(driver, g_steal_pointer(&qemu->selinux));
}

static void start_as(const Guest *guest, ProcessSpec *spec)
{
    const struct SelinuxGuest *mine = ((const QemuGuest *)guest->priv)->selinux;

    if (!mine)
        return;
    spec->label_path = ATTR_EXEC;
    spec->label = mine->label;
}

static gboolean enforced(const Guest *guest G_GNUC_UNUSED)
{
    g_autofree char *text = NULL;

    if (file_read_optional(KERNEL "/enforce", MAX_TEXT, &text, NULL) > 0)
        return *text == '1';
    virResetLastError();
    return FALSE;
}

/* ---- files ---- */

/* The label that a file gets; NULL: it keeps its own. */
static const char *label_for(const struct SelinuxGuest *mine, const GuestFile *file)
{
    if (!mine || !mine->relabels || file->beside)
        return NULL;
    for (guint i = 0; i < file->n_labels; i++) {
        const DeviceSeclabel *label = file->labels[i];

        if (label->model && !g_str_equal(label->model, MODEL))
            continue;
        if (label->relabel == TRISTATE_NO)
            return NULL;
        if (label->label)
            return label->label;
    }
    return !file->writes ? mine->content : file->shared ? mine->shared : mine->image;
}

/* Folders that are the run's alone, and go with it. */
static void label_folders(const QemuGuest *qemu)
{
    const char *const folders[] = { qemu->dir, qemu->channel_dir, qemu->memory_dir };
    const char *label = qemu->selinux->image;

    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        if (folders[i] && setxattr(folders[i], ATTR_FILE, label, strlen(label) + 1, 0) < 0 && errno != ENOENT && errno != EOPNOTSUPP)
            LOG_WARN("cannot give '%s' the label '%s': %s", folders[i], label, g_strerror(errno));
    }
}

static int give(Guest *guest, GPtrArray *files)
{
    QemuDriver *driver = guest_host_priv(guest);
    const QemuGuest *qemu = qemu_guest(guest);
    g_autofree OwnerWish *wishes = g_new0(OwnerWish, files->len + 1);
    size_t n = 0;
    int rc;

    if (!qemu->selinux || !qemu->selinux->relabels)
        return 0;
    for (guint i = 0; i < files->len; i++) {
        const GuestFile *file = files->pdata[i];
        const char *label = label_for(qemu->selinux, file);

        if (!label)
            continue;
        if (check_label(file->what, label) < 0)
            return -1;
        wishes[n].path = file->path;
        g_strlcpy(wishes[n++].to, label, OWNER_SIZE);
    }
    pool_blocking_begin();
    label_folders(qemu);
    rc = n ? owners_give(driver->labels, guest->name, wishes, n) : 0;
    pool_blocking_end();
    return rc;
}

static gboolean gets(Guest *guest, const GuestFile *file)
{
    return label_for(qemu_guest(guest)->selinux, file) != NULL;
}

static char **given(Guest *guest, GPtrArray *files)
{
    return security_paths(guest, files, gets);
}

static void take_back(Guest *guest, char **paths)
{
    QemuDriver *driver = guest_host_priv(guest);

    owners_restore(driver->labels, guest->name, (const char *const *)paths, paths ? g_strv_length(paths) : 0);
}

const SecurityModel security_selinux = {
    .name = MODEL, .on_host = on_host, .missing = missing, .base_label = base_label, .begin = begin, .take_over = take_over, .give = give,
    .given = given, .take_back = take_back, .start_as = start_as, .enforced = enforced, .forget = forget,
};
