/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_SECURITY
#define LOG_SOURCE "qemu.security"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/log.h"
#include "domain/host.h"
#include "drivers/qemu/owners.h"
#include "drivers/qemu/security_models.h"
#include "drivers/qemu/selinux_context.h"

#define NONE "none"

/* In the order in which they are looked for. */
static const SecurityModel *const firsts[] = { &security_selinux, &security_apparmor };

/* ---- which ---- */

static const SecurityModel *find_first(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(firsts); i++) {
        if (g_strcmp0(firsts[i]->name, name) == 0)
            return firsts[i];
    }
    return NULL;
}

static const SecurityModel *probe(const QemuDriver *driver)
{
    for (guint i = 0; i < G_N_ELEMENTS(firsts); i++) {
        g_autofree char *missing = firsts[i]->missing(driver);

        if (!missing)
            return firsts[i];
        if (firsts[i]->on_host())
            LOG_WARN("guests aren't confined by '%s': %s", firsts[i]->name, missing);
    }
    return NULL;
}

/* The first of qemu.conf's that this host has. */
static int choose(QemuDriver *driver)
{
    g_autoptr(GString) lacks = g_string_new(NULL);

    for (char **name = driver->conf.security_driver; name && *name; name++) {
        const SecurityModel *model = find_first(*name);
        g_autofree char *missing = NULL;

        if (g_str_equal(*name, NONE))
            return 0;
        if (!driver->changes_user)
            missing = g_strdup("only root's daemon can confine guests");
        else if (!model)
            missing = g_strdup("there is no such model");
        else
            missing = model->missing(driver);
        if (!missing) {
            driver->confiner = model;
            return 0;
        }
        g_string_append_printf(lacks, "%s'%s': %s", lacks->len ? "; " : "", *name, missing);
    }
    return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "qemu.conf: this host has nothing that security_driver names (%s); 'none' leaves guests unconfined",
                lacks->len ? lacks->str : "it is empty");
}

int qemu_security_init(QemuDriver *driver, const char *state_folder, const char *etc, gboolean privileged, gboolean as_we_are)
{
    driver->changes_user = privileged && geteuid() == 0;
    driver->user_is_ours = as_we_are;
    driver->etc = g_strdup(etc);
    if (driver->conf.security_driver && choose(driver) < 0)
        return -1;
    if (!driver->conf.security_driver && driver->changes_user && !as_we_are)
        driver->confiner = probe(driver);
    if (driver->conf.security_require_confined && !driver->confiner)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "qemu.conf: guests must be confined (security_require_confined), but nothing confines them: "
                    "security_driver = [ \"selinux\", \"apparmor\" ] tells what both lack here");
    if (!driver->changes_user)
        return 0;
    driver->owners = owners_new(OWNERS_USERS, state_folder, driver->conf.remember_owner);
    driver->labels = owners_new(OWNERS_LABELS, state_folder, driver->conf.remember_owner);
    driver->levels = selinux_levels_new();
    owners_load(driver->owners);
    owners_load(driver->labels);
    return 0;
}

void qemu_security_sweep(QemuDriver *driver, SecurityAlive alive)
{
    for (guint i = 0; i < G_N_ELEMENTS(firsts) && driver->changes_user; i++)
        if (firsts[i]->sweep)
            firsts[i]->sweep(driver, alive);
}

const char *qemu_security_first_model(const QemuDriver *driver)
{
    return driver->confiner ? driver->confiner->name : NONE;
}

/* Those that are in use, the first in front; how many. */
static guint models_of(const QemuDriver *driver, const SecurityModel *models[2])
{
    guint n = 0;

    if (driver->confiner)
        models[n++] = driver->confiner;
    if (driver->changes_user)
        models[n++] = &security_dac;
    return n;
}

static void add_model(QemuDriver *driver, GString *xml, const SecurityModel *model)
{
    static const char *const kinds[] = { "kvm", "qemu" };

    g_string_append_printf(xml, "    <secmodel>\n      <model>%s</model>\n      <doi>0</doi>\n", model ? model->name : NONE);
    for (guint i = 0; model && model->base_label && i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *label = model->base_label(driver, i == 0), *escaped = label ? g_markup_escape_text(label, -1) : NULL;

        if (escaped)
            g_string_append_printf(xml, "      <baselabel type='%s'>%s</baselabel>\n", kinds[i], escaped);
    }
    g_string_append(xml, "    </secmodel>\n");
}

void qemu_security_capabilities(QemuDriver *driver, GString *xml)
{
    const SecurityModel *models[2];
    guint n = models_of(driver, models);

    if (!driver->confiner)
        add_model(driver, xml, NULL);
    for (guint i = 0; i < n; i++) {
        g_autofree char *label = models[i] == &security_dac ? models[i]->base_label(driver, FALSE) : NULL;

        if (models[i] != &security_dac || label) /* without its user it can't be had */
            add_model(driver, xml, models[i]);
    }
}

/* ---- labels ---- */

DomainSeclabel *security_find_label(const DomainDef *def, const char *model)
{
    for (guint i = 0; i < def->n_seclabels; i++) {
        if (g_strcmp0(def->seclabels[i]->model, model) == 0)
            return def->seclabels[i];
    }
    return NULL;
}

DomainSeclabel *security_add_label(DomainDef *def, const char *model)
{
    DomainSeclabel *label = xml_struct_new(&DOMAIN_SECLABEL_DESC);

    label->type = SECLABEL_TYPE_DYNAMIC;
    label->model = g_strdup(model);
    XML_LIST_APPEND(def->seclabels, def->n_seclabels, label);
    return label;
}

void security_set_text(char **slot, char *text)
{
    g_free(*slot);
    *slot = text;
}

/* Why there is no such model. */
static char *why_not(const QemuDriver *driver, const char *name)
{
    const SecurityModel *model = find_first(name);
    g_autofree char *missing = NULL;

    if (g_str_equal(name, security_dac.name))
        return g_strdup("only root's daemon can run QEMU as another user");
    if (!model)
        return g_strdup("the models are selinux, apparmor and dac");
    if (!driver->changes_user)
        return g_strdup("only root's daemon can confine guests");
    missing = model->missing(driver);
    return missing ? g_steal_pointer(&missing) : g_strdup("security_driver in qemu.conf doesn't name it");
}

/* Labels of what this host hasn't would confine nobody. */
static int check_models(const QemuDriver *driver, const DomainDef *def)
{
    for (guint i = 0; i < def->n_seclabels; i++) {
        const DomainSeclabel *label = def->seclabels[i];
        g_autofree char *why = NULL;

        if (label->type == SECLABEL_TYPE_NONE || !label->model || g_str_equal(label->model, NONE))
            continue;
        if ((driver->confiner && g_str_equal(label->model, driver->confiner->name)) ||
            (driver->changes_user && g_str_equal(label->model, security_dac.name)))
            continue;
        why = why_not(driver, label->model);
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' has a <seclabel> of model '%s', which isn't available: %s", def->name, label->model, why);
    }
    return 0;
}

/* What confines the guest beyond its user: its label, made if it has none. NULL: nothing. */
static DomainSeclabel *first_label(const QemuDriver *driver, DomainDef *def)
{
    DomainSeclabel *label = security_find_label(def, driver->confiner->name);

    if (!label && !security_find_label(def, NONE)) {
        label = security_add_label(def, driver->confiner->name);
        if (!driver->conf.security_default_confined)
            label->type = SECLABEL_TYPE_NONE;
    }
    return label && label->type != SECLABEL_TYPE_NONE ? label : NULL;
}

static int begin_first(Guest *guest, DomainDef *def)
{
    const QemuDriver *driver = guest_host_priv(guest);
    DomainSeclabel *label = first_label(driver, def);

    if (!label && driver->conf.security_require_confined)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' isn't confined, which this host demands (security_require_confined in qemu.conf); "
                    "without <seclabel type='none'/>%s it is confined by '%s'", guest->name,
                    driver->conf.security_default_confined ? "" : " and with security_default_confined = 1", driver->confiner->name);
    return label ? driver->confiner->begin(guest, def, label) : 0;
}

int qemu_security_begin(Guest *guest, DomainDef *def)
{
    const QemuDriver *driver = guest_host_priv(guest);

    if (check_models(driver, def) < 0 || (driver->confiner && begin_first(guest, def) < 0))
        return -1;
    return driver->changes_user ? security_dac.begin(guest, def, NULL) : 0;
}

int qemu_security_take_over(Guest *guest, const DomainDef *def)
{
    const QemuDriver *driver = guest_host_priv(guest);
    const SecurityModel *models[2];
    guint n = models_of(driver, models);

    for (guint i = 0; i < n; i++) {
        const DomainSeclabel *label = security_find_label(def, models[i]->name);
        gboolean confined = label && label->type != SECLABEL_TYPE_NONE && label->label;

        if ((confined || models[i] == &security_dac) && models[i]->take_over(guest, def, label) < 0)
            return -1;
    }
    return 0;
}

void qemu_security_start_as(const Guest *guest, ProcessSpec *spec)
{
    const QemuDriver *driver = guest_host_priv(guest);

    if (driver->confiner)
        driver->confiner->start_as(guest, spec);
}

int qemu_backend_security_labels(Guest *guest, const DomainDef *def, virSecurityLabelPtr *labels)
{
    const QemuDriver *driver = guest_host_priv(guest);
    const SecurityModel *models[2];
    guint n = models_of(driver, models), count = driver->confiner ? 0 : 1;

    *labels = calloc(G_N_ELEMENTS(models) + 1, sizeof(**labels));
    if (!*labels)
        return FAIL(VIR_ERR_NO_MEMORY, "no memory for the labels of domain '%s'", guest->name);
    for (guint i = 0; i < n; i++) {
        const DomainSeclabel *label = security_find_label(def, models[i]->name);
        virSecurityLabelPtr told = &(*labels)[count];

        if (models[i] == &security_dac && (!label || !label->label))
            continue;
        count++;
        if (!label || !label->label)
            continue;
        g_strlcpy(told->label, label->label, sizeof(told->label));
        told->enforcing = models[i]->enforced && models[i]->enforced(guest);
    }
    return (int)count;
}

void qemu_security_forget(QemuDriver *driver, QemuGuest *qemu)
{
    for (guint i = 0; i < G_N_ELEMENTS(firsts); i++)
        firsts[i]->forget(driver, qemu);
}

/* ---- files ---- */

static int give(Guest *guest, GPtrArray *files)
{
    const SecurityModel *models[2];
    guint n = models_of(guest_host_priv(guest), models), done = 0;

    while (done < n && models[done]->give(guest, files) == 0)
        done++;
    if (done == n)
        return 0;
    virErrorPtr error = error_save();
    while (done-- > 0) {
        g_auto(GStrv) given = models[done]->given(guest, files);

        models[done]->take_back(guest, given);
    }
    error_restore(error);
    return -1;
}

/* Whether anything is given to guests at all: else nobody lists their files. */
static gboolean gives(Guest *guest)
{
    const SecurityModel *models[2];

    return models_of(guest_host_priv(guest), models) > 0;
}

int qemu_security_give(Guest *guest, const DomainDef *def)
{
    g_autoptr(GPtrArray) files = gives(guest) ? qemu_files_of(def) : NULL;

    return files ? give(guest, files) : 0;
}

int qemu_security_give_device(Guest *guest, const DomainDef *def, const char *kind, const void *device)
{
    g_autoptr(GPtrArray) files = gives(guest) ? qemu_files_of_device(def, kind, device) : NULL;

    return files ? give(guest, files) : 0;
}

/* ---- the way back ---- */

char **security_paths(Guest *guest, GPtrArray *files, gboolean (*gets)(Guest *guest, const GuestFile *file))
{
    GPtrArray *paths = g_ptr_array_new();

    for (guint i = 0; i < files->len; i++) {
        const GuestFile *file = files->pdata[i];

        if (gets(guest, file))
            g_ptr_array_add(paths, g_strdup(file->path));
    }
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(paths, FALSE);
}

/* Of models that aren't in use any more as well: a former daemon may have used them. */
void qemu_security_restore(Guest *guest)
{
    const QemuDriver *driver = guest_host_priv(guest);
    virErrorPtr error = error_save();

    for (guint i = 0; i < G_N_ELEMENTS(firsts) && driver->changes_user; i++)
        firsts[i]->take_back(guest, NULL);
    if (driver->changes_user)
        security_dac.take_back(guest, NULL);
    error_restore(error);
}

typedef struct Return {
    Guest *guest;       /* reference */
    char **given[2];    /* of each model */
} Return;

static void give_back(void *opaque)
{
    Return *r = opaque;
    const SecurityModel *models[2];
    guint n = models_of(guest_host_priv(r->guest), models);

    for (guint i = n; i-- > 0;) {
        models[i]->take_back(r->guest, r->given[i]);
        g_strfreev(r->given[i]);
    }
    guest_unref(r->guest);
    g_free(r);
}

static Return *return_of(Guest *guest, const DomainDef *def, const char *kind, const void *device)
{
    g_autoptr(GPtrArray) files = gives(guest) ? qemu_files_of_device(def, kind, device) : NULL;
    const SecurityModel *models[2];
    guint n = models_of(guest_host_priv(guest), models);
    Return *r;

    if (!files || files->len == 0)
        return NULL;
    r = g_new0(Return, 1);
    r->guest = guest_ref(guest);
    for (guint i = 0; i < n; i++)
        r->given[i] = models[i]->given(guest, files);
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
