/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Model "apparmor": each guest has a profile of its own, "libvirt-UUID", made of the list of files that security_files.c tells, which is
 * that of the command line. Theory of operation: rules are counted by the devices that need them; a change writes them to
 * libvirt-UUID.files in the folder of profiles, and apparmor_parser replaces the profile that the kernel has, which holds for the running
 * process at once. The file is written before the kernel gets the profile and removed after it has lost it, so that a daemon that is
 * killed finds by it what is to be taken away. The profile itself, libvirt-UUID, may be the administrator's: then it stays as it is, and
 * should include the rules. One that we made goes with the guest.
 */
#define ERROR_DOMAIN VIR_FROM_SECURITY
#define LOG_SOURCE "qemu.apparmor"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/threadpool.h"
#include "domain/host.h"
#include "drivers/qemu/apparmor_profile.h"
#include "drivers/qemu/security_models.h"

#define MODEL "apparmor"
#define PARSER "apparmor_parser"
#define SWITCH "/sys/module/apparmor/parameters/enabled"
#define KERNEL "/sys/kernel/security/apparmor"
#define ATTR_EXEC "/proc/self/attr/apparmor/exec"
#define ATTR_EXEC_OLD "/proc/self/attr/exec"
#define FILES ".files"
/* A host under load compiles some seconds. */
#define LOAD_MS 60000
#define MAX_SAID (64 * 1024)
#define MAX_TEXT (4 * 1024 * 1024)
#define MAX_NAMES 100000

typedef struct Rule {
    guint uses;
    char *text;
} Rule;

struct AppArmorGuest {
    GMutex lock;            /* guards all; held while the kernel learns it */
    GHashTable *rules;      /* of Rule, by given()'s word for it; NULL: the profile isn't ours to make */
    char *label, *command;  /* its profile, and what a process writes to have it */
    gboolean ended;
};

static void rule_free(void *opaque)
{
    Rule *rule = opaque;

    g_free(rule->text);
    g_free(rule);
}

/* ---- the host ---- */

static gboolean on_host(void)
{
    g_autofree char *text = NULL;

    if (file_read_optional(SWITCH, MAX_SAID, &text, NULL) > 0)
        return *text == 'Y';
    virResetLastError();
    return FALSE;
}

static char *missing(const QemuDriver *driver)
{
    g_autofree char *parser = g_find_program_in_path(PARSER);
    g_autofree char *common = g_build_filename(driver->etc, "apparmor.d/abstractions/libvirt-qemu", NULL);

    if (!on_host())
        return g_strdup("the host's kernel runs without AppArmor; 'apparmor=1 security=apparmor' on its command line turns it on");
    if (access(KERNEL "/profiles", R_OK) < 0)
        return g_strdup_printf("'%s' can't be read: %s; 'mount -t securityfs none /sys/kernel/security' makes it", KERNEL "/profiles", g_strerror(errno));
    if (!parser)
        return g_strdup("program '" PARSER "' isn't installed; 'apt install apparmor' brings it");
    if (access(common, R_OK) < 0)
        return g_strdup_printf("'%s', which all profiles of guests include, can't be read: %s; it is installed with libvirt", common, g_strerror(errno));
    return NULL;
}

/* ---- files of profiles ---- */

static char *folder_of(const QemuDriver *driver)
{
    return g_build_filename(driver->etc, "apparmor.d/libvirt", NULL);
}

static char *file_of(const QemuDriver *driver, const char *name, const char *suffix)
{
    g_autofree char *folder = folder_of(driver);

    return g_strconcat(folder, "/", name, suffix, NULL);
}

/* The profile that we make for @name. NULL with an error. */
static char *usual_text(const QemuDriver *driver, const char *name)
{
    g_autofree char *rules = file_of(driver, name, FILES), *path = file_of(driver, "TEMPLATE.qemu", ""), *template = NULL, *text = NULL;

    if (file_read_optional(path, MAX_TEXT, &template, NULL) < 0)
        return NULL;
    text = apparmor_profile(name, rules, template);
    if (!text)
        error_context("%s", path);
    return g_steal_pointer(&text);
}

/* The administrator's stays. */
static int write_profile(const QemuDriver *driver, const char *name)
{
    g_autofree char *path = file_of(driver, name, ""), *text = NULL;

    if (access(path, F_OK) == 0)
        return 0;
    text = usual_text(driver, name);
    return text ? file_replace_quickly(path, text, strlen(text), 0644) : -1;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp((*(Rule *const *)a)->text, (*(Rule *const *)b)->text);
}

static int write_rules(const QemuDriver *driver, const char *name, GHashTable *rules)
{
    g_autofree char *folder = folder_of(driver), *path = file_of(driver, name, FILES);
    g_autoptr(GString) text = g_string_new(APPARMOR_FILES_MARK);
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    GHashTableIter iter;
    void *rule;

    g_hash_table_iter_init(&iter, rules);
    while (g_hash_table_iter_next(&iter, NULL, &rule))
        g_ptr_array_add(all, rule);
    g_ptr_array_sort(all, compare_texts);
    for (guint i = 0; i < all->len; i++)
        g_string_append(text, ((Rule *)all->pdata[i])->text);
    if (file_mkdirs(folder, 0755, (uid_t)-1, (gid_t)-1) < 0)
        return -1;
    return file_replace_quickly(path, text->str, text->len, 0644);
}

/* ---- the kernel's profiles ---- */

static int load(const QemuDriver *driver, const char *name)
{
    g_autofree char *path = file_of(driver, name, ""), *includes = g_build_filename(driver->etc, "apparmor.d", NULL);
    const char *const argv[] = { PARSER, "--replace", "--skip-cache", "-O", "no-expr-simplify", "-I", includes, path, NULL };
    g_auto(ProcessOutput) output = { 0 };
    ProcessSpec spec = PROCESS_SPEC_INIT;

    spec.argv = argv;
    if (process_run_checked(&spec, NULL, 0, MAX_SAID, LOAD_MS, &output) == 0)
        return 0;
    error_context("AppArmor doesn't take the profile '%s'", path);
    return -1;
}

static gboolean is_loaded(const char *name)
{
    g_autofree char *text = NULL, *line = g_strconcat("\n", name, " (", NULL);

    if (file_read_optional(KERNEL "/profiles", MAX_TEXT, &text, NULL) <= 0) {
        virResetLastError();
        return FALSE;
    }
    return g_str_has_prefix(text, line + 1) || strstr(text, line);
}

static void unload(const char *name)
{
    int fd = is_loaded(name) ? open(KERNEL "/.remove", O_WRONLY | O_CLOEXEC) : -1;

    if (fd < 0)
        return;
    if (write(fd, name, strlen(name)) < 0)
        LOG_ERROR("the kernel keeps the AppArmor profile '%s': %s", name, g_strerror(errno));
    close(fd);
}

/* ---- a guest's end ---- */

/* NULL: there is none. */
static char *text_of(const char *path)
{
    char *text = NULL;

    file_read_optional(path, MAX_TEXT, &text, NULL);
    virResetLastError();
    return text;
}

/* Nothing, if we made nothing for it. */
static void take_away(const QemuDriver *driver, const char *name)
{
    g_autofree char *rules = file_of(driver, name, FILES), *profile = file_of(driver, name, "");
    g_autofree char *made = text_of(rules), *found = NULL, *usual = NULL;

    if (!made || !g_str_has_prefix(made, APPARMOR_FILES_MARK))
        return;
    unload(name);
    usual = usual_text(driver, name);
    virResetLastError();
    found = text_of(profile);
    if (usual && g_strcmp0(found, usual) == 0)
        unlink(profile);
    if (unlink(rules) < 0)
        LOG_ERROR("cannot remove '%s': %s", rules, g_strerror(errno));
}

static void sweep(QemuDriver *driver, SecurityAlive alive)
{
    g_autofree char *folder = folder_of(driver);
    g_auto(GStrv) names = file_list_dir(folder, MAX_NAMES);

    virResetLastError();
    for (char **name = names; name && *name; name++) {
        unsigned char uuid[VIR_UUID_BUFLEN];

        if (!g_str_has_suffix(*name, FILES))
            continue;
        (*name)[strlen(*name) - strlen(FILES)] = '\0';
        if (apparmor_name_parse(*name, uuid) && !alive(uuid))
            take_away(driver, *name);
    }
}

/* ---- rules ---- */

static const char *mode_of(const GuestFile *file)
{
    return file->reach == REACH_PROGRAM ? "rm" : file->writes ? "rwk" : "rk";
}

/* What the kernel will see, links followed; of what isn't there yet, in its folder. NULL: as @path says. */
static char *real_path(const char *path)
{
    g_autofree char *real = realpath(path, NULL), *folder = NULL, *name = NULL, *above = NULL;

    if (real)
        return g_strdup(real);
    folder = g_path_get_dirname(path);
    name = g_path_get_basename(path);
    above = realpath(folder, NULL);
    return above ? g_build_filename(above, name, NULL) : NULL;
}

static char *rule_text(const char *path, const char *mode, gboolean tree)
{
    g_autofree char *real = real_path(path), *rule = apparmor_rule(path, mode, tree), *more = NULL;

    if (!rule || !real || g_str_equal(real, path))
        return g_steal_pointer(&rule);
    more = apparmor_rule(real, mode, tree);
    return more ? g_strconcat(rule, more, NULL) : NULL;
}

/* Which of them a profile has: the same at any time. */
static char *word_for(const char *path, const char *mode, gboolean tree)
{
    return g_strconcat(mode, tree ? "+" : " ", path, NULL);
}

/* *@fresh is set if the profile becomes another. */
static int use(GHashTable *rules, const char *path, const char *mode, gboolean tree, gboolean *fresh)
{
    g_autofree char *word = word_for(path, mode, tree), *text = NULL;
    Rule *rule = g_hash_table_lookup(rules, word);

    if (rule) {
        rule->uses++;
        return 0;
    }
    text = rule_text(path, mode, tree);
    if (!text)
        return -1;
    rule = g_new0(Rule, 1);
    *rule = (Rule){ 1, g_steal_pointer(&text) };
    g_hash_table_insert(rules, g_steal_pointer(&word), rule);
    *fresh = TRUE;
    return 0;
}

/* The same back; whether the profile becomes another. */
static gboolean drop(GHashTable *rules, char **words)
{
    gboolean changed = FALSE;

    for (char **word = words; *word; word++) {
        Rule *rule = g_hash_table_lookup(rules, *word);

        if (rule && --rule->uses == 0)
            changed |= g_hash_table_remove(rules, *word);
    }
    return changed;
}

static char **given(Guest *guest G_GNUC_UNUSED, GPtrArray *files)
{
    char **words = g_new0(char *, files->len + 1);

    for (guint i = 0; i < files->len; i++) {
        const GuestFile *file = files->pdata[i];

        words[i] = word_for(file->path, mode_of(file), file->reach == REACH_TREE);
    }
    return words;
}

/* All or nothing. */
static int use_all(GHashTable *rules, GPtrArray *files, gboolean *fresh)
{
    for (guint i = 0; i < files->len; i++) {
        const GuestFile *file = files->pdata[i];

        if (use(rules, file->path, mode_of(file), file->reach == REACH_TREE, fresh) == 0)
            continue;
        error_context("%s", file->what);
        while (i-- > 0) {
            const GuestFile *had = files->pdata[i];
            g_autofree char *word = word_for(had->path, mode_of(had), had->reach == REACH_TREE);
            char *words[] = { word, NULL };

            drop(rules, words);
        }
        return -1;
    }
    return 0;
}

/* What every run has, whatever its definition says. */
static int use_own(Guest *guest, GHashTable *rules)
{
    const QemuDriver *driver = guest_host_priv(guest);
    const QemuGuest *qemu = qemu_guest(guest);
    g_autofree char *log = g_strdup_printf("%s/%s.log", host_paths(guest->host)->log, guest->name);
    gboolean fresh;
    int rc = use(rules, log, "rw", FALSE, &fresh);

    if (rc == 0 && qemu->dir)
        rc = use(rules, qemu->dir, "rwk", TRUE, &fresh);
    if (rc == 0 && qemu->channel_dir)
        rc = use(rules, qemu->channel_dir, "rwk", TRUE, &fresh);
    if (rc == 0 && qemu->memory_dir)
        rc = use(rules, qemu->memory_dir, "rwk", TRUE, &fresh);
    for (char **mount = driver->conf.hugetlbfs_mount; mount && *mount && rc == 0; mount++) {
        g_autofree char *pages = g_build_filename(*mount, "libvirt/qemu", NULL);

        rc = **mount ? use(rules, pages, "rw", TRUE, &fresh) : 0;
    }
    return rc;
}

/* ---- the model ---- */

static struct AppArmorGuest *guest_new(Guest *guest, const char *label, gboolean made)
{
    QemuGuest *qemu = qemu_guest(guest);
    struct AppArmorGuest *mine = g_new0(struct AppArmorGuest, 1);

    g_mutex_init(&mine->lock);
    mine->label = g_strdup(label);
    mine->command = g_strconcat("exec ", label, NULL);
    if (made)
        mine->rules = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, rule_free);
    qemu->apparmor = mine;
    return mine;
}

static void forget(QemuDriver *driver G_GNUC_UNUSED, QemuGuest *qemu)
{
    struct AppArmorGuest *mine = g_steal_pointer(&qemu->apparmor);

    if (!mine)
        return;
    g_clear_pointer(&mine->rules, g_hash_table_unref);
    g_mutex_clear(&mine->lock);
    g_free(mine->label);
    g_free(mine->command);
    g_free(mine);
}

static int begin(Guest *guest, DomainDef *def G_GNUC_UNUSED, DomainSeclabel *label)
{
    char name[APPARMOR_NAME_SIZE];
    gboolean made = label->type != SECLABEL_TYPE_STATIC;

    if (label->baselabel)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' has a <baselabel> for AppArmor, which has none: each profile is made of the guest's "
                    "files; abstractions/libvirt-qemu is what all have", guest->name);
    if (!made && !is_loaded(label->label))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' is to run under AppArmor's profile '%s', which the kernel doesn't have; "
                    "'apparmor_parser -r FILE' loads it", guest->name, label->label);
    if (made) {
        security_set_text(&label->label, g_strdup(apparmor_name(guest->uuid, name)));
        security_set_text(&label->imagelabel, g_strdup(name));
        label->relabel = TRISTATE_YES;
    }
    guest_new(guest, label->label, made);
    return 0;
}

static int add_rules(Guest *guest, GPtrArray *files, gboolean *fresh)
{
    struct AppArmorGuest *mine = qemu_guest(guest)->apparmor;

    if (g_hash_table_size(mine->rules) == 0 && use_own(guest, mine->rules) < 0)
        return -1;
    return use_all(mine->rules, files, fresh);
}

/* The kernel has its profile still; the rules are counted anew. */
static int take_over(Guest *guest, const DomainDef *def, const DomainSeclabel *label)
{
    struct AppArmorGuest *mine = guest_new(guest, label->label, label->type != SECLABEL_TYPE_STATIC);
    g_autoptr(GPtrArray) files = qemu_files_of(def);
    gboolean fresh = FALSE;

    return mine->rules ? add_rules(guest, files, &fresh) : 0;
}

/* With the lock held: have the kernel know the rules. */
static int publish(Guest *guest)
{
    const QemuDriver *driver = guest_host_priv(guest);
    struct AppArmorGuest *mine = qemu_guest(guest)->apparmor;

    if (write_rules(driver, mine->label, mine->rules) < 0 || write_profile(driver, mine->label) < 0)
        return -1;
    return load(driver, mine->label);
}

static int give(Guest *guest, GPtrArray *files)
{
    struct AppArmorGuest *mine = qemu_guest(guest)->apparmor;
    gboolean fresh = FALSE;
    int rc;

    if (!mine || !mine->rules)
        return 0;
    pool_blocking_begin();
    g_mutex_lock(&mine->lock);
    rc = mine->ended ? FAIL(VIR_ERR_OPERATION_INVALID, "domain '%s' is not running", guest->name) : add_rules(guest, files, &fresh);
    if (rc == 0 && fresh && publish(guest) < 0) {
        g_auto(GStrv) words = given(guest, files);

        drop(mine->rules, words);
        rc = -1;
    }
    g_mutex_unlock(&mine->lock);
    pool_blocking_end();
    return rc;
}

static void take_back(Guest *guest, char **words)
{
    struct AppArmorGuest *mine = qemu_guest(guest)->apparmor;
    char name[APPARMOR_NAME_SIZE];

    if (!mine && !words) /* one that wasn't taken over */
        take_away(guest_host_priv(guest), apparmor_name(guest->uuid, name));
    if (!mine || !mine->rules)
        return;
    pool_blocking_begin();
    g_mutex_lock(&mine->lock);
    if (!words) {
        mine->ended = TRUE;
        take_away(guest_host_priv(guest), mine->label);
    } else if (drop(mine->rules, words) && !mine->ended && publish(guest) < 0) {
        LOG_ERROR("domain '%s' keeps its right to files that it doesn't have any more: %s", guest->name, error_message());
        virResetLastError();
    }
    g_mutex_unlock(&mine->lock);
    pool_blocking_end();
}

static void start_as(const Guest *guest, ProcessSpec *spec)
{
    const struct AppArmorGuest *mine = ((const QemuGuest *)guest->priv)->apparmor;

    if (!mine)
        return;
    spec->label_path = access(ATTR_EXEC, F_OK) == 0 ? ATTR_EXEC : ATTR_EXEC_OLD;
    spec->label = mine->command;
}

static gboolean enforced(const Guest *guest)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/attr/current", (int)guest->pid), *text = NULL;

    if (file_read_optional(path, MAX_SAID, &text, NULL) > 0)
        return strstr(text, " (enforce)") != NULL;
    virResetLastError();
    return FALSE;
}

const SecurityModel security_apparmor = {
    .name = MODEL, .on_host = on_host, .missing = missing, .begin = begin, .take_over = take_over, .give = give, .given = given,
    .take_back = take_back, .start_as = start_as, .enforced = enforced, .forget = forget, .sweep = sweep,
};
