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
#include "drivers/qemu/tree.h"

/* Keys are made in it. */
#define SETUP_MS 120000
/* Above it there is nothing more. */
#define MAX_LOG_LEVEL 20
#define MAX_OUTPUT (64 * 1024)

typedef struct {
    char *parent;          /* the domain's folder */
    char *state;           /* the TPM's folder in it */
    uid_t uid;
    gid_t gid;
} Place;

static void place_clear(Place *place)
{
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

    place->uid = (uid_t)-1;
    place->gid = (gid_t)-1;
    if (geteuid() == 0 && (user_find(driver->conf.swtpm_user ? driver->conf.swtpm_user : "tss", &place->uid) < 0 || group_find(driver->conf.swtpm_group ? driver->conf.swtpm_group : "tss", &place->gid) < 0)) {
        error_context("swtpm_user and swtpm_group in qemu.conf");
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

/* Run swtpm_setup on the state in @folder; @more is NULL-terminated. */
static int run_setup(Guest *guest, const Place *place, const DomainTpm *tpm, const char *folder, const char *const *more)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_auto(GStrv) env = qemu_guest_environment(qemu_guest(guest));
    g_autofree char *banks = pcr_banks(tpm);
    g_auto(ProcessOutput) output = { 0 };
    ProcessSpec spec = PROCESS_SPEC_INIT;

    g_ptr_array_add(argv, (char *)"swtpm_setup");
    if (is_2_0(tpm))
        g_ptr_array_add(argv, (char *)"--tpm2");
    g_ptr_array_add(argv, (char *)"--tpm-state");
    g_ptr_array_add(argv, (char *)folder);
    for (; *more; more++)
        g_ptr_array_add(argv, (char *)*more);
    if (banks) {
        g_ptr_array_add(argv, (char *)"--pcr-banks");
        g_ptr_array_add(argv, banks);
    }
    g_ptr_array_add(argv, NULL);
    spec.argv = (const char *const *)argv->pdata;
    spec.env = (const char *const *)env;
    spec.uid = place->uid;
    spec.gid = place->gid;
    if (process_run_checked(&spec, NULL, 0, MAX_OUTPUT, SETUP_MS, &output) == 0)
        return 0;
    /* Its errors stand on its output, with its progress. */
    char *last = output.out ? strrchr(g_strchomp(output.out), '\n') : NULL;
    if (output.out && *output.out)
        error_context("'%s'", last ? last + 1 : output.out);
    error_context("cannot prepare the TPM of domain '%s' in '%s'", guest->name, folder);
    return -1;
}

/* Made beside its place and moved there when it is whole: one that was cut short is begun anew. */
static int make_state(Guest *guest, const Place *place, const DomainTpm *tpm, const DomainDef *def)
{
    g_autofree char *fresh = g_strconcat(place->state, ".new", NULL);
    char uuid[UUID_TEXT_SIZE];
    g_autofree char *id = g_strdup_printf("%s:%s", def->name, uuid_format(def->uuid, uuid));
    const char *const more[] = { "--vmid", id, "--createek", "--create-ek-cert", "--create-platform-cert", "--lock-nvram", NULL };

    qemu_remove_tree(fresh);
    if (file_mkdirs(place->parent, 0711, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0 ||
        file_mkdirs(fresh, 0700, place->uid, place->gid) < 0)
        return -1;
    if (run_setup(guest, place, tpm, fresh, more) == 0) {
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
    int fd = qemu_helper_listen(guest, name);
    g_autofree char *control = g_strdup_printf("type=unixio,fd=%d", fd);
    g_autofree char *state = g_strdup_printf("dir=%s,mode=0600", place->state);
    g_autofree char *log = g_strdup_printf("fd=1,level=%u", MIN(tpm->backend.debug, MAX_LOG_LEVEL));
    const char *const argv[] = { "swtpm", "socket", "--ctrl", control, "--tpmstate", state, "--log", log, "--terminate",
                                 is_2_0(tpm) ? "--tpm2" : NULL, NULL };
    const QemuHelperSpec spec = { .name = name, .argv = argv, .keep_fds = &fd, .n_keep_fds = 1, .uid = place->uid, .gid = place->gid };

    if (fd < 0)
        return -1;
    int rc = qemu_helper_start(guest, &spec);
    close(fd);
    return rc;
}

static int start_one(Guest *guest, const DomainDef *def, const DomainTpm *tpm)
{
    g_auto(Place) place = { 0 };

    if (tpm->backend.has_encryption)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the state of the TPM of domain '%s' can't be encrypted with a secret yet: take "
                    "<encryption> out ('virsh edit %s')", def->name, def->name);
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
