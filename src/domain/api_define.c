/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions: define, undefine, rename, autostart; and create, which needs the same reservation of a name.
 */
#define ERROR_DOMAIN api_error_domain
#define LOG_SOURCE "domain.define"
#include "domain/api.h"
#include "base/file.h"
#include "base/log.h"
#include "base/uuid.h"
#include "domain/functions.h"
#include "domain/persist.h"
#include <string.h>

/* ---- reading a definition ---- */

static int check_name(const DomainHost *host, const char *name)
{
    if (strchr(name, '/'))
        return FAIL(VIR_ERR_XML_ERROR, "name %s cannot contain '/'", name);
    if (strpbrk(name, "\n"))
        return FAIL(VIR_ERR_XML_ERROR, "name '%s' cannot contain a line break", name);
    return host_paths(host) ? file_name_check("domain name", name) : 0;
}

/* What the model does: defaults, addresses, rules. */
static int complete_in_model(DomainHost *host, DomainDef *def, const char *xml, XmlDiagnostics *diag)
{
    const DomainBackend *backend = host_backend(host);
    DomainMachineInfo info = { 0 };
    domain_machine_info(def->os.arch, def->os.machine, &info);
    if (backend->describe)
        backend->describe(host, def, &info);
    return domain_def_complete(def, &info, xml, strlen(xml), diag);
}

/* @diag: what reading it found already, to be told with what is found now; may be NULL. */
static int complete(DomainHost *host, DomainDef *def, const char *xml, XmlDiagnostics *diag)
{
    const DomainBackend *backend = host_backend(host);
    if (check_name(host, def->name) < 0)
        return definition_error_at(xml, "domain.name"), -1;
    if (backend->virt_types && !(backend->virt_types & (1u << def->type))) {
        error_report(ERROR_DOMAIN, VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s': type '%s' is not one that this hypervisor runs",
                     def->name, domain_virt_type_to_string(def->type));
        return definition_error_at(xml, "domain@type"), -1;
    }
    /* what a backend refuses before the rules are looked at is the emulator or the machine */
    if (backend->prepare && GUEST_CALL(backend->prepare(host, def)) < 0)
        return definition_error_in(xml, &DOMAIN_ROOT, def->devices.emulator ? "domain.devices.emulator" : "domain.os.type"), -1;
    if (complete_in_model(host, def, xml, diag) < 0)
        return -1;
    return backend->complete ? GUEST_CALL(backend->complete(host, def)) : 0;
}

int definition_complete(DomainHost *host, DomainDef *def, const char *xml)
{
    return complete(host, def, xml, NULL);
}

int definition_complete_again(DomainHost *host, DomainDef *def, gboolean live)
{
    return live ? complete_in_model(host, def, "", NULL) : complete(host, def, "", NULL);
}

DomainDef *definition_parse(DomainHost *host, const char *xml, gboolean validate)
{
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    g_autoptr(DomainDef) def = definition_read_noting(&DOMAIN_ROOT, xml, validate, diag);
    if (!def || complete(host, def, xml, diag) < 0)
        return NULL;
    return g_steal_pointer(&def);
}

/* ---- publishing a persistent definition ---- */

typedef struct ConfigChange { SharedDef *def; gboolean keep; Event *event; gboolean define; } ConfigChange;

static gboolean change_config(DomainTransition *t, void *opaque)
{
    ConfigChange *c = opaque;
    if (c->keep)
        transition_set_config(t, c->def);
    t->next->config_serial++;
    t->next->updated = t->old->persistent;
    t->next->persistent = TRUE;
    if (c->define)
        transition_lifecycle(t, VIR_DOMAIN_EVENT_DEFINED, t->old->persistent ? VIR_DOMAIN_EVENT_DEFINED_UPDATED
                                                                             : VIR_DOMAIN_EVENT_DEFINED_ADDED);
    if (c->event)
        transition_emit(t, g_steal_pointer(&c->event));
    return TRUE;
}

static int publish_config(DomainObj *obj, ConfigChange *change)
{
    const DomainDef *def = shared_def_get(change->def);
    change->keep = host_paths(obj->host) == NULL;
    if (!change->keep && persist_write(obj->host, def->name, change->def) < 0) {
        event_unref(change->event);
        return -1;
    }
    domain_change(obj, change_config, change);
    if (!change->keep) {
        g_autoptr(DomainState) state = domain_state(obj);
        def_cache_put(host_def_cache(obj->host), obj->entry.uuid, state->config_serial, change->def);
    }
    return 0;
}

int config_replace(DomainObj *obj, SharedDef *def, Event *event)
{
    return publish_config(obj, &(ConfigChange) { .def = def, .event = event });
}

int config_edit(DomainObj *obj, ConfigEdit edit, void *opaque, Event *event)
{
    g_autoptr(DomainState) state = domain_state(obj);
    g_autoptr(SharedDef) old = domain_config(obj, state);
    g_autoptr(DomainDef) def = old ? shared_def_copy(old) : NULL;
    if (!def || edit(def, opaque) < 0) {
        event_unref(event);
        return -1;
    }
    g_autoptr(SharedDef) next = shared_def_new(g_steal_pointer(&def));
    return config_replace(obj, next, event);
}

/* ---- reserving a name ---- */

static int fail_conflict(const DomainDef *def, DomainObj *other, StoreAddResult why)
{
    char text[UUID_TEXT_SIZE];
    g_autoptr(DomainState) state = domain_state(other);
    uuid_format(other->entry.uuid, text);
    error_report(VIR_FROM_DOMAIN, VIR_ERR_OPERATION_FAILED, why == STORE_NAME_TAKEN
                 ? "domain '%s' already exists with uuid %s" : "domain '%s' is already defined with uuid %s", state->name, text);
    return -1;
}

DomainObj *api_reserve(DomainHost *host, const DomainDef *def, const char *api)
{
    for (;;) {
        g_autoptr(DomainObj) fresh = domain_obj_new(host, def->name, def->uuid);
        g_autoptr(DomainObj) other = NULL;
        if (domain_job_begin(fresh, JOB_MODIFY, api) < 0)
            return NULL;
        StoreAddResult result = store_add(host_domains(host), fresh, &other);
        if (result == STORE_ADDED)
            return g_steal_pointer(&fresh);
        domain_job_end(fresh, JOB_MODIFY);
        g_autoptr(DomainState) state = domain_state(other);
        if (result == STORE_NAME_TAKEN && domain_visible(state))
            return fail_conflict(def, other, result), NULL;
        if (domain_job_begin(other, JOB_MODIFY, api) < 0)
            return NULL;
        g_autoptr(DomainState) now = domain_state(other);
        gboolean stored = store_contains(host_domains(host), other);
        gboolean same = result == STORE_UUID_TAKEN && strcmp(now->name, def->name) == 0;
        if (stored && same && domain_hold(other))
            return g_steal_pointer(&other);
        domain_job_end(other, JOB_MODIFY);
        if (stored && !same && domain_visible(now))
            return fail_conflict(def, other, result), NULL;
        g_thread_yield(); /* it vanished while we waited, or is just going to: try again */
    }
}

void api_settle(DomainObj *obj)
{
    domain_let_go(obj);
    domain_job_end(obj, JOB_MODIFY);
}

/* ---- define ---- */

virDomainPtr core_domain_define_xml_flags(virConnectPtr conn, const char *xml, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_DEFINE_VALIDATE, NULL);
    DomainHost *host = api_host(conn);
    g_autoptr(DomainDef) def = definition_parse(host, xml, flags & VIR_DOMAIN_DEFINE_VALIDATE);
    if (!def)
        return NULL;
    g_autoptr(DomainObj) obj = api_reserve(host, def, "virDomainDefineXML");
    if (!obj)
        return NULL;
    g_autoptr(SharedDef) shared = shared_def_new(g_steal_pointer(&def));
    int rc = publish_config(obj, &(ConfigChange) { .def = shared, .define = TRUE });
    g_autoptr(DomainState) state = domain_state(obj);
    virDomainPtr dom = rc < 0 ? NULL : api_handle(conn, obj, state);
    api_settle(obj);
    return dom;
}

virDomainPtr core_domain_define_xml(virConnectPtr conn, const char *xml)
{
    return core_domain_define_xml_flags(conn, xml, 0);
}

/* ---- create ---- */

static int create_reserved(DomainHost *host, DomainObj *obj, DomainDef *def, const RunOptions *options)
{
    g_autoptr(DomainState) state = domain_state(obj);
    if (api_need_inactive(state) < 0)
        return -1;
    g_autoptr(SharedDef) shared = shared_def_new(domain_def_copy(def));
    return run_start(obj, shared, options);
}

virDomainPtr core_domain_create_xml_with_files(virConnectPtr conn, const char *xml, unsigned int nfiles, int *files,
                                               unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_AUTODESTROY | VIR_DOMAIN_START_VALIDATE |
              VIR_DOMAIN_START_RESET_NVRAM, NULL);
    DomainHost *host = api_host(conn);
    RunOptions options = RUN_OPTIONS_INIT;
    options.start.flags = flags;
    options.start.fds = files;
    options.start.n_fds = nfiles;
    options.conn = conn;
    options.paused = flags & VIR_DOMAIN_START_PAUSED;

    g_autoptr(DomainDef) def = definition_parse(host, xml, flags & VIR_DOMAIN_START_VALIDATE);
    if (!def)
        return NULL;
    g_autoptr(DomainObj) obj = api_reserve(host, def, "virDomainCreateXML");
    if (!obj)
        return NULL;
    int rc = create_reserved(host, obj, def, &options);
    g_autoptr(DomainState) state = domain_state(obj);
    virDomainPtr dom = rc < 0 ? NULL : api_handle(conn, obj, state);
    api_settle(obj);
    return dom;
}

virDomainPtr core_domain_create_xml(virConnectPtr conn, const char *xml, unsigned int flags)
{
    return core_domain_create_xml_with_files(conn, xml, 0, NULL, flags);
}

/* ---- undefine ---- */

static gboolean change_undefined(DomainTransition *t, void *opaque)
{
    transition_set_config(t, NULL);
    t->next->persistent = FALSE;
    t->next->autostart = t->next->autostart_once = FALSE;
    t->next->managed_save = FALSE;
    transition_set_saved(t, NULL);
    t->next->config_serial++;
    transition_lifecycle(t, VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_REMOVED);
    return TRUE;
}

/* Firmware that is chosen at the start has its variables where firmware that is named would have them. */
static char *nvram_path(const Access *a, const DomainDef *def)
{
    const HostPaths *paths = host_paths(a->obj->host);
    gboolean chosen = def->os.firmware == DOMAIN_OS_FIRMWARE_EFI && !def->os.nvram.path && !def->os.nvram.source.type;
    return chosen && paths ? domain_nvram_path(paths->nvram, def->name) : g_strdup(def->os.nvram.path);
}

static int remove_nvram(const Access *a, const DomainDef *def, unsigned int flags)
{
    g_autofree char *path = nvram_path(a, def);
    if (!path || (flags & VIR_DOMAIN_UNDEFINE_KEEP_NVRAM) || !g_file_test(path, G_FILE_TEST_EXISTS))
        return 0;
    if (!(flags & VIR_DOMAIN_UNDEFINE_NVRAM))
        return FAIL(VIR_ERR_OPERATION_INVALID, "cannot undefine domain with nvram: '%s' has '%s'; "
                    "'virsh undefine %s --nvram' removes it, --keep-nvram keeps it", API_NAME(a), path, API_NAME(a));
    return file_remove_sync(path);
}

static int check_moments(const Access *a, const MomentKind *kind, gboolean allowed)
{
    guint n = moments_count(moments_of(kind, a->state));
    if (n == 0 || allowed)
        return 0;
    return FAIL(VIR_ERR_OPERATION_INVALID, "cannot delete inactive domain '%s' with %u %ss; 'virsh undefine %s "
                "--%ss-metadata' forgets them too", API_NAME(a), n, kind->word, API_NAME(a), kind->word);
}

static int undefine(Access *a, unsigned int flags)
{
    DomainHost *host = a->obj->host;
    if (!a->state->persistent && !host_backend(host)->simulated)
        return FAIL(VIR_ERR_OPERATION_INVALID, "cannot undefine transient domain '%s'", API_NAME(a));
    if (a->state->managed_save && !(flags & VIR_DOMAIN_UNDEFINE_MANAGED_SAVE))
        return FAIL(VIR_ERR_OPERATION_INVALID, "Refusing to undefine while domain managed save image exists: "
                    "'virsh undefine %s --managed-save' removes it too", API_NAME(a));
    if (!a->state->guest && (check_moments(a, &MOMENT_SNAPSHOT, flags & VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA) < 0 ||
                             check_moments(a, &MOMENT_CHECKPOINT, flags & VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA) < 0))
        return -1;
    g_autoptr(SharedDef) def = host_paths(host) ? domain_config(a->obj, a->state) : NULL;
    if (host_paths(host) && !def) { /* a file that can't be parsed must not keep its domain for ever */
        LOG_WARN("undefining domain '%s' without its definition: %s", API_NAME(a), error_message());
        virResetLastError();
    }
    if (def && remove_nvram(a, shared_def_get(def), flags) < 0)
        return -1;
    if (!a->state->guest && (moments_forget(&MOMENT_SNAPSHOT, a->obj) < 0 || moments_forget(&MOMENT_CHECKPOINT, a->obj) < 0))
        return -1;
    if (host_paths(host) && ((a->state->managed_save && persist_remove_managed_save(host, API_NAME(a)) < 0) ||
                             persist_remove(host, API_NAME(a)) < 0))
        return -1;
    domain_change(a->obj, change_undefined, NULL);
    def_cache_drop(host_def_cache(host), a->obj->entry.uuid);
    api_refresh(a);
    if (def && !a->state->guest)
        domain_forget(a->obj, shared_def_get(def), flags);
    domain_let_go(a->obj); /* the guest may have ended meanwhile */
    return 0;
}

int core_domain_undefine_flags(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
              VIR_DOMAIN_UNDEFINE_NVRAM | VIR_DOMAIN_UNDEFINE_KEEP_NVRAM | VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA |
              VIR_DOMAIN_UNDEFINE_TPM | VIR_DOMAIN_UNDEFINE_KEEP_TPM, -1);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainUndefineFlags") < 0)
        return -1;
    if ((flags & VIR_DOMAIN_UNDEFINE_NVRAM) && (flags & VIR_DOMAIN_UNDEFINE_KEEP_NVRAM))
        return FAIL(VIR_ERR_INVALID_ARG, "cannot both keep and delete nvram of domain '%s'", API_NAME(&a));
    if ((flags & VIR_DOMAIN_UNDEFINE_TPM) && (flags & VIR_DOMAIN_UNDEFINE_KEEP_TPM))
        return FAIL(VIR_ERR_INVALID_ARG, "cannot both keep and delete the TPM state of domain '%s'", API_NAME(&a));
    return undefine(&a, flags);
}

int core_domain_undefine(virDomainPtr dom)
{
    return core_domain_undefine_flags(dom, 0);
}

/* ---- rename ---- */

typedef struct RenameChange { SharedDef *def; gboolean keep; } RenameChange;

static gboolean change_renamed(DomainTransition *t, void *opaque)
{
    RenameChange *c = opaque;
    transition_lifecycle(t, VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_RENAMED);
    g_free(t->next->name);
    t->next->name = g_strdup(shared_def_get(c->def)->name);
    t->next->config_serial++;
    if (c->keep)
        transition_set_config(t, c->def);
    transition_lifecycle(t, VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_RENAMED);
    return TRUE;
}

static int rename_files(const Access *a, SharedDef *def, const char *name)
{
    DomainHost *host = a->obj->host;
    if (!host_paths(host))
        return 0;
    if (persist_write_renamed(host, name, def, API_NAME(a)) < 0 ||
        (a->state->autostart && persist_set_autostart(host, name, TRUE) < 0) ||
        (a->state->autostart_once && persist_set_autostart_once(host, name, TRUE) < 0) ||
        persist_remove(host, API_NAME(a)) < 0)
        return -1;
    return persist_write(host, name, def); /* without the note about the former name */
}

static int check_rename(const Access *a, const char *name)
{
    if (strcmp(API_NAME(a), name) == 0)
        return FAIL(VIR_ERR_OPERATION_INVALID, "Can't rename domain '%s' to itself", name);
    if (a->state->guest)
        return FAIL(VIR_ERR_OPERATION_INVALID, "cannot rename active domain '%s'", API_NAME(a));
    if (!a->state->persistent)
        return FAIL(VIR_ERR_OPERATION_INVALID, "cannot rename a transient domain '%s'", API_NAME(a));
    if (a->state->managed_save)
        return FAIL(VIR_ERR_OPERATION_INVALID, "cannot rename domain '%s', which has a managed save image", API_NAME(a));
    if (host_paths(a->obj->host) && (a->state->snapshots || a->state->checkpoints))
        return FAIL(VIR_ERR_OPERATION_INVALID, "cannot rename domain '%s', which has snapshots or checkpoints", API_NAME(a));
    return check_name(a->obj->host, name);
}

int core_domain_rename(virDomainPtr dom, const char *new_name, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    if (!new_name || !*new_name) /* the protocol can leave it out */
        return FAIL(VIR_ERR_INVALID_ARG, "the new name of a domain must not be empty");
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainRename") < 0 || check_rename(&a, new_name) < 0)
        return -1;
    g_autoptr(SharedDef) old = domain_config(a.obj, a.state);
    if (!old)
        return -1;
    DomainDef *copy = shared_def_copy(old);
    g_free(copy->name);
    copy->name = g_strdup(new_name);
    g_autoptr(SharedDef) def = shared_def_new(copy);
    Store *store = host_domains(a.obj->host);
    if (!store_rename(store, a.obj, new_name))
        return FAIL(VIR_ERR_OPERATION_INVALID, "domain with name '%s' already exists", new_name);
    if (rename_files(&a, def, new_name) < 0) {
        store_rename(store, a.obj, API_NAME(&a));
        return -1;
    }
    domain_change(a.obj, change_renamed, &(RenameChange) { def, host_paths(a.obj->host) == NULL });
    return 0;
}

/* ---- autostart ---- */

typedef struct AutostartChange { gboolean on, once; } AutostartChange;

static gboolean change_autostart(DomainTransition *t, void *opaque)
{
    AutostartChange *c = opaque;
    if (c->once)
        t->next->autostart_once = c->on;
    else
        t->next->autostart = c->on;
    return TRUE;
}

static int set_autostart(virDomainPtr dom, gboolean on, gboolean once, const char *api)
{
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, api) < 0)
        return -1;
    DomainHost *host = a.obj->host;
    if (!a.state->persistent && !host_backend(host)->simulated)
        return FAIL(VIR_ERR_OPERATION_INVALID, "cannot set autostart for transient domain '%s'", API_NAME(&a));
    if (host_paths(host) && (once ? persist_set_autostart_once(host, API_NAME(&a), on)
                                  : persist_set_autostart(host, API_NAME(&a), on)) < 0)
        return -1;
    domain_change(a.obj, change_autostart, &(AutostartChange) { on, once });
    return 0;
}

int core_domain_set_autostart(virDomainPtr dom, int autostart)
{
    return set_autostart(dom, autostart != 0, FALSE, "virDomainSetAutostart");
}

int core_domain_set_autostart_once(virDomainPtr dom, int autostart)
{
    return set_autostart(dom, autostart != 0, TRUE, "virDomainSetAutostartOnce");
}

int core_domain_get_autostart(virDomainPtr dom, int *autostart)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    *autostart = a.state->autostart;
    return 0;
}

int core_domain_get_autostart_once(virDomainPtr dom, int *autostart)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    *autostart = a.state->autostart_once;
    return 0;
}
