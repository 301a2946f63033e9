/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * swtpm: its state, its command lines.
 */
#define ERROR_DOMAIN VIR_FROM_TPM
#define LOG_SOURCE "qemu.tpm"
#include "drivers/qemu/tpm.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/user.h"
#include "base/uuid.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/command_secret.h"
#include "drivers/qemu/tree.h"
#include "secret/host.h"
#include "secret/lookup.h"

/* Keys are made in it. */
#define SETUP_MS 120000
/* Below it not even errors are told, as that the key is another one; above it there is nothing more. */
#define MIN_LOG_LEVEL 1
#define MAX_LOG_LEVEL 20
#define MAX_OUTPUT (64 * 1024)
/* Of the state, if it is encrypted. */
#define CIPHER "aes-256-cbc"

typedef struct {
    char *parent;          /* the domain's folder */
    char *state;           /* the TPM's folder in it */
    uid_t uid;
    gid_t gid;
    guint8 *key;           /* passphrase that encrypts it; NULL: it isn't encrypted */
    size_t key_size;
} Place;

static void place_clear(Place *place)
{
    secret_value_free(place->key, place->key_size);
    g_free(place->parent);
    g_free(place->state);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

char *qemu_tpm_helper(const DomainTpm *tpm)
{
    return g_strconcat("swtpm-", tpm->info.alias, NULL);
}

static char *parent_folder(const DomainHost *host, const DomainDef *def)
{
    char uuid[UUID_TEXT_SIZE];

    return g_strdup_printf("%s/%s", host_paths(host)->swtpm, uuid_format(def->uuid, uuid));
}

static gboolean is_2_0(const DomainTpm *tpm)
{
    return tpm->backend.version != DOMAIN_TPM_VERSION_1_2;
}

static int find_place(Guest *guest, const DomainDef *def, const DomainTpm *tpm, Place *place)
{
    const QemuDriver *driver = guest_host_priv(guest);

    const char *user = driver->conf.swtpm_user ? driver->conf.swtpm_user : "tss";
    const char *group = driver->conf.swtpm_group ? driver->conf.swtpm_group : "tss";

    place->uid = (uid_t)-1;
    place->gid = (gid_t)-1;
    if (geteuid() == 0 && (user_find(user, &place->uid) < 0 || group_find(group, &place->gid) < 0)) {
        error_context("swtpm_user and swtpm_group in qemu.conf");
        return -1;
    }
    if (tpm->backend.has_encryption) {
        SecretRef ref = { .has_uuid = true };

        memcpy(ref.uuid, tpm->backend.encryption, sizeof(ref.uuid));
        place->key = secret_lookup(&ref, "the state of the TPM", &place->key_size);
        if (!place->key)
            return -1;
    }
    place->parent = parent_folder(guest->host, def);
    place->state = g_strdup_printf("%s/%s", place->parent, is_2_0(tpm) ? "tpm2" : "tpm1.2");
    return 0;
}

/* The argument of --pcr-banks; NULL: nothing is asked for. Caller frees. */
static char *pcr_banks(const DomainTpm *tpm)
{
    const struct {
        bool there;
        const char *name;
    } banks[] = {
        { tpm->backend.active_pcr_banks.sha1, "sha1," }, { tpm->backend.active_pcr_banks.sha256, "sha256," },
        { tpm->backend.active_pcr_banks.sha384, "sha384," }, { tpm->backend.active_pcr_banks.sha512, "sha512," },
    };
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(banks); i++)
        g_string_append(text, banks[i].there ? banks[i].name : "");
    if (text->len == 0)
        return NULL;
    g_string_truncate(text, text->len - 1);
    return g_strdup(text->str);
}

/* A descriptor from which swtpm reads the passphrase once, in @fd; -1 there: the state isn't encrypted. 0, or -1 with an error. */
static int open_key(const Place *place, int *fd)
{
    *fd = place->key ? qemu_secret_memory(place->key, place->key_size, place->uid, place->gid) : -1;
    return place->key && *fd < 0 ? -1 : 0;
}

static void close_key(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void add_words(GPtrArray *argv, const char *word, ...) G_GNUC_NULL_TERMINATED;
static void add_words(GPtrArray *argv, const char *word, ...)
{
    va_list args;

    va_start(args, word);
    for (; word; word = va_arg(args, const char *))
        g_ptr_array_add(argv, (char *)word);
    va_end(args);
}

/* Run swtpm_setup on the state in @folder; @more is NULL-terminated. */
static int run_setup(Guest *guest, const Place *place, const DomainTpm *tpm, const char *folder, const char *const *more)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_auto(GStrv) env = qemu_guest_environment(qemu_guest(guest));
    g_autofree char *banks = pcr_banks(tpm);
    g_auto(ProcessOutput) output = { 0 };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_autofree char *number = NULL;
    int fd, rc;

    if (open_key(place, &fd) < 0)
        return -1;
    number = g_strdup_printf("%d", fd);
    add_words(argv, "swtpm_setup", "--tpm-state", folder, NULL);
    if (is_2_0(tpm))
        add_words(argv, "--tpm2", NULL);
    for (; *more; more++)
        g_ptr_array_add(argv, (char *)*more);
    if (banks)
        add_words(argv, "--pcr-banks", banks, NULL);
    if (fd >= 0) {
        add_words(argv, "--pwdfile-fd", number, "--cipher", CIPHER, NULL);
        spec.keep_fds = &fd;
        spec.n_keep_fds = 1;
    }
    g_ptr_array_add(argv, NULL);
    spec.argv = (const char *const *)argv->pdata;
    spec.env = (const char *const *)env;
    spec.uid = place->uid;
    spec.gid = place->gid;
    rc = process_run_checked(&spec, NULL, 0, MAX_OUTPUT, SETUP_MS, &output);
    close_key(fd);
    if (rc == 0)
        return 0;
    /* Its errors stand on its output, with its progress. */
    char *last = output.out ? strrchr(g_strchomp(output.out), '\n') : NULL;
    if (output.out && *output.out)
        error_context("'%s'", last ? last + 1 : output.out);
    error_context("cannot prepare the TPM of domain '%s' in '%s'", guest->name, folder);
    return -1;
}

/* Whether swtpm_setup has @feature. -1 with an error if it doesn't tell. */
static int setup_has(Guest *guest, const char *feature)
{
    static const char *const argv[] = { "swtpm_setup", "--print-capabilities", NULL };
    g_auto(GStrv) env = qemu_guest_environment(qemu_guest(guest));
    g_auto(ProcessOutput) output = { 0 };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_autoptr(json_object) told = NULL;
    json_object *features;
    const char *why;

    spec.argv = argv;
    spec.env = (const char *const *)env;
    if (process_run_checked(&spec, NULL, 0, MAX_OUTPUT, SETUP_MS, &output) < 0)
        return -1;
    told = output.out ? json_lines_parse(output.out, strlen(output.out), &why) : NULL;
    features = json_member(told, "features", json_type_array);
    for (gsize i = 0; features && i < json_object_array_length(features); i++) {
        if (g_strcmp0(json_object_get_string(json_object_array_get_idx(features, i)), feature) == 0)
            return 1;
    }
    return 0;
}

/* Options for what a new TPM shall be able to do. */
static int add_profile(Guest *guest, const DomainTpm *tpm, GPtrArray *more)
{
    const char *name = tpm->backend.profile.source ? tpm->backend.profile.source : tpm->backend.profile.name;
    int has;

    if (!tpm->backend.has_profile || !name)
        return 0;
    if (!is_2_0(tpm))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "a TPM 1.2 has no profile (domain '%s')", guest->name);
    has = setup_has(guest, "cmdarg-profile");
    if (has <= 0)
        return has < 0 ? -1 : FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the TPM of domain '%s' shall have profile '%s', which needs swtpm 0.10 or "
                                   "newer; take <profile> out ('virsh edit %s')", guest->name, name, guest->name);
    add_words(more, "--profile-name", name, NULL);
    if (tpm->backend.profile.remove_disabled)
        add_words(more, "--profile-remove-disabled", tpm_profile_removal_to_string(tpm->backend.profile.remove_disabled), NULL);
    return 0;
}

/* Made beside its place and moved there when it is whole: one that was cut short is begun anew. */
static int make_state(Guest *guest, const Place *place, const DomainTpm *tpm, const DomainDef *def)
{
    g_autofree char *fresh = g_strconcat(place->state, ".new", NULL);
    char uuid[UUID_TEXT_SIZE];
    g_autofree char *id = g_strdup_printf("%s:%s", def->name, uuid_format(def->uuid, uuid));
    g_autoptr(GPtrArray) more = g_ptr_array_new();

    add_words(more, "--vmid", id, "--createek", "--create-ek-cert", "--create-platform-cert", "--lock-nvram", NULL);
    if (add_profile(guest, tpm, more) < 0)
        return -1;
    g_ptr_array_add(more, NULL);
    qemu_remove_tree(fresh);
    if (file_mkdirs(place->parent, 0711, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0 ||
        file_mkdirs(fresh, 0700, place->uid, place->gid) < 0)
        return -1;
    if (run_setup(guest, place, tpm, fresh, (const char *const *)more->pdata) == 0) {
        if (rename(fresh, place->state) == 0)
            return 0;
        error_report_errno(ERROR_DOMAIN, errno, "cannot rename '%s' to '%s'", fresh, place->state);
    }
    virErrorPtr error = error_save();
    qemu_remove_tree(fresh);
    rmdir(place->parent); /* if there is nothing else */
    error_restore(error);
    return -1;
}

static int prepare_state(Guest *guest, const Place *place, const DomainTpm *tpm, const DomainDef *def)
{
    static const char *const again[] = { "--reconfigure", NULL };
    g_autofree char *banks = pcr_banks(tpm);

    if (banks && !is_2_0(tpm))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "a TPM 1.2 has no choice of PCR banks (domain '%s')", def->name);
    if (!g_file_test(place->state, G_FILE_TEST_IS_DIR))
        return make_state(guest, place, tpm, def);
    return banks ? run_setup(guest, place, tpm, place->state, again) : 0;
}

static int start_emulator(Guest *guest, const Place *place, const DomainTpm *tpm)
{
    g_autofree char *name = qemu_tpm_helper(tpm);
    g_autofree char *state = g_strdup_printf("dir=%s,mode=0600", place->state);
    g_autofree char *log = g_strdup_printf("fd=1,level=%u", CLAMP(tpm->backend.debug, MIN_LOG_LEVEL, MAX_LOG_LEVEL));
    g_autofree char *control = NULL, *key = NULL;
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    QemuHelperSpec spec = { .name = name, .user = { .uid = place->uid, .gid = place->gid } };
    int fds[2], rc = -1;

    fds[0] = qemu_helper_listen(guest, name);
    if (fds[0] < 0)
        return -1;
    if (open_key(place, &fds[1]) == 0) {
        control = g_strdup_printf("type=unixio,fd=%d", fds[0]);
        key = g_strdup_printf("pwdfd=%d,mode=" CIPHER, fds[1]);
        add_words(argv, "swtpm", "socket", "--ctrl", control, "--tpmstate", state, "--log", log, "--terminate", NULL);
        if (is_2_0(tpm))
            add_words(argv, "--tpm2", NULL);
        if (fds[1] >= 0)
            add_words(argv, "--key", key, NULL);
        g_ptr_array_add(argv, NULL);
        spec.argv = (const char *const *)argv->pdata;
        spec.keep_fds = fds;
        spec.n_keep_fds = fds[1] >= 0 ? 2 : 1;
        rc = qemu_helper_start(guest, &spec);
        close_key(fds[1]);
    }
    close(fds[0]);
    return rc;
}

static int start_one(Guest *guest, const DomainDef *def, const DomainTpm *tpm)
{
    g_auto(Place) place = { 0 };

    if (find_place(guest, def, tpm, &place) < 0 || prepare_state(guest, &place, tpm, def) < 0)
        return -1;
    return start_emulator(guest, &place, tpm);
}

int qemu_tpm_start_all(Guest *guest, const DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_tpms; i++) {
        const DomainTpm *tpm = def->devices.tpms[i];

        if (tpm->backend.type == DOMAIN_TPM_BACKEND_TYPE_EMULATOR && start_one(guest, def, tpm) < 0)
            return -1;
    }
    return 0;
}

void qemu_tpm_forget(DomainHost *host, const DomainDef *def, unsigned int flags)
{
    g_autofree char *folder = parent_folder(host, def);
    gboolean keep = (flags & VIR_DOMAIN_UNDEFINE_KEEP_TPM) != 0;

    for (guint i = 0; i < def->devices.n_tpms; i++)
        keep |= def->devices.tpms[i]->backend.persistent_state == TRISTATE_YES && !(flags & VIR_DOMAIN_UNDEFINE_TPM);
    if (!keep)
        qemu_remove_tree(folder);
}
