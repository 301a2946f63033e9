/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Guests put away into images and taken out again: save, restore, managed save, and the images' definitions.
 *
 * A host without files keeps managed saves in the domain's state: there is no memory to be kept, only a definition.
 */
#define ERROR_DOMAIN api_error_domain
#define LOG_SOURCE "domain.save"
#include "domain/api.h"
#include "base/log.h"
#include "core/direct_copy.h"
#include "domain/functions.h"
#include "domain/image.h"
#include "domain/persist.h"
#include <unistd.h>

#define SAVE_FLAGS (VIR_DOMAIN_SAVE_BYPASS_CACHE | VIR_DOMAIN_SAVE_RUNNING | VIR_DOMAIN_SAVE_PAUSED)

static int check_either(unsigned int flags)
{
    API_EXCLUSIVE(flags, VIR_DOMAIN_SAVE_RUNNING, VIR_DOMAIN_SAVE_PAUSED, -1);
    return 0;
}

/* What an image says after @flags about going on. */
static gboolean goes_on(unsigned int flags, gboolean now)
{
    return flags & VIR_DOMAIN_SAVE_RUNNING ? TRUE : flags & VIR_DOMAIN_SAVE_PAUSED ? FALSE : now;
}

/* A definition that may stand for @def in an image: of the same domain. NULL with an error. */
static SharedDef *substitute(DomainHost *host, const DomainDef *def, const char *xml)
{
    g_autoptr(DomainDef) other = definition_parse(host, xml, FALSE);
    if (!other)
        return NULL;
    if (strcmp(other->name, def->name) != 0 || memcmp(other->uuid, def->uuid, VIR_UUID_BUFLEN) != 0)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "the new definition is of domain '%s' (or another UUID), the image is "
                         "of '%s'", other->name, def->name);
    return shared_def_new(g_steal_pointer(&other));
}

/* ---- save ---- */

static int fill_image(Guest *guest, const char *path, int fd, unsigned int flags)
{
    const DomainBackend *backend = host_backend(guest->host);
    if (!(flags & VIR_DOMAIN_SAVE_BYPASS_CACHE))
        return backend->save(guest, fd, flags);
    DirectCopy *copy = direct_copy_to_file(fd, path);
    return copy ? direct_copy_end(copy, backend->save(guest, direct_copy_fd(copy), flags), guest_deadline_ms(guest)) : -1;
}

static int write_image(Guest *guest, const char *path, SharedDef *def, gboolean running, unsigned int flags)
{
    int fd = image_begin(guest->host, path, shared_def_xml(def, XML_SECURE | XML_INACTIVE), running);
    if (fd < 0)
        return -1;
    int rc = GUEST_CALL(fill_image(guest, path, fd, flags));
    if (rc == 0)
        rc = GUEST_CALL(image_finish(guest->host, path, fd));
    close(fd);
    if (rc < 0)
        unlink(path);
    return rc;
}

typedef struct SaveChange { Guest *guest; SharedDef *def; gboolean running, saved; } SaveChange;

static gboolean change_saved(DomainTransition *t, void *opaque)
{
    SaveChange *c = opaque;
    if (c->guest && !run_is_current(t, c->guest))
        return FALSE;
    transition_set_saved(t, c->saved ? c->def : NULL);
    t->next->managed_save = c->saved;
    t->next->saved_running = c->running;
    return TRUE;
}

/* Into @path, or (NULL) into the domain's state. The guest is as it was before if that fails. */
static int save_guest(Access *a, const char *path, SharedDef *def, gboolean managed, unsigned int flags)
{
    const DomainBackend *backend = host_backend(a->obj->host);
    Guest *guest = a->state->guest;
    gboolean was_running = a->state->state == VIR_DOMAIN_RUNNING;
    gboolean stop = was_running && !backend->simulated;
    gboolean running = goes_on(flags, was_running);
    if (stop && run_pause(guest, VIR_DOMAIN_PAUSED_SAVE) < 0)
        return -1;
    if (path && write_image(guest, path, def, running, flags) < 0) {
        virErrorPtr error = error_save();
        if (stop && run_cont(guest, VIR_DOMAIN_RUNNING_SAVE_CANCELED) < 0)
            LOG_ERROR("domain '%s' stays paused: %s", guest->name, error_message());
        error_restore(error);
        return -1;
    }
    if (managed)
        domain_change(a->obj, change_saved, &(SaveChange) { guest, path ? NULL : def, running, TRUE });
    if (run_end(guest, VIR_DOMAIN_SHUTOFF_SAVED, VIR_DOMAIN_EVENT_STOPPED_SAVED) < 0)
        return -1;
    if (!run_wait_ended(guest, guest_deadline_ms(guest)))
        return FAIL(VIR_ERR_OPERATION_TIMEOUT, "the end of domain '%s' is under way but not over", API_NAME(a));
    return 0;
}

static int save_to_file(virDomainPtr dom, const char *to, const char *dxml, unsigned int flags)
{
    g_auto(Access) a = { NULL };
    if (check_either(flags) < 0 || api_begin_long(&a, dom, "virDomainSave") < 0 || api_need_active(&a) < 0)
        return -1;
    if (!to || !*to)
        return FAIL(VIR_ERR_INVALID_ARG, "no file was named to save domain '%s' to", API_NAME(&a));
    g_autoptr(SharedDef) def = dxml ? substitute(a.obj->host, shared_def_get(a.state->live), dxml)
                                    : shared_def_ref(a.state->live);
    if (!def || save_guest(&a, to, def, FALSE, flags) < 0)
        return -1;
    dom->id = -1;
    return 0;
}

int core_domain_save_flags(virDomainPtr dom, const char *to, const char *dxml, unsigned int flags)
{
    API_FLAGS(flags, SAVE_FLAGS, -1);
    return save_to_file(dom, to, dxml, flags);
}

int core_domain_save(virDomainPtr dom, const char *to)
{
    return save_to_file(dom, to, NULL, 0);
}

/* What virDomainSaveParams() and virDomainRestoreParams() say. */
typedef struct ImageParams { const char *file, *dxml; } ImageParams;

static int read_params(virTypedParameterPtr params, int nparams, ImageParams *image)
{
    static const TypedRule rules[] = {
        { VIR_DOMAIN_SAVE_PARAM_FILE, VIR_TYPED_PARAM_STRING, FALSE },
        { VIR_DOMAIN_SAVE_PARAM_DXML, VIR_TYPED_PARAM_STRING, FALSE },
        { NULL, 0, FALSE },
    };
    if (typed_params_check(params, nparams, rules) < 0 ||
        virTypedParamsGetString(params, nparams, VIR_DOMAIN_SAVE_PARAM_FILE, &image->file) < 0 ||
        virTypedParamsGetString(params, nparams, VIR_DOMAIN_SAVE_PARAM_DXML, &image->dxml) < 0)
        return -1;
    if (image->file && !g_path_is_absolute(image->file))
        return FAIL(VIR_ERR_INVALID_ARG, "parameter '" VIR_DOMAIN_SAVE_PARAM_FILE "' must be an absolute path, not '%s'", image->file);
    return 0;
}

static int managed_save(virDomainPtr dom, unsigned int flags);

int core_domain_save_params(virDomainPtr dom, virTypedParameterPtr params, int nparams, unsigned int flags)
{
    API_FLAGS(flags, SAVE_FLAGS, -1);
    ImageParams image = { NULL };
    if (read_params(params, nparams, &image) < 0)
        return -1;
    if (!image.file && !image.dxml)
        return managed_save(dom, flags);
    return save_to_file(dom, image.file, image.dxml, flags);
}

/* ---- managed save ---- */

static char *managed_path(const DomainObj *obj, const DomainState *state)
{
    const HostPaths *paths = host_paths(obj->host);
    return paths ? persist_path(paths->save, state->name, "save") : NULL;
}

static int managed_save(virDomainPtr dom, unsigned int flags)
{
    g_auto(Access) a = { NULL };
    if (check_either(flags) < 0 || api_begin_long(&a, dom, "virDomainManagedSave") < 0 || api_need_active(&a) < 0)
        return -1;
    if (!a.state->persistent)
        return FAIL(VIR_ERR_OPERATION_INVALID, "cannot do managed save for transient domain '%s'; 'virsh save %s FILE' "
                    "can", API_NAME(&a), API_NAME(&a));
    g_autofree char *path = managed_path(a.obj, a.state);
    if (save_guest(&a, path, a.state->live, TRUE, flags) < 0)
        return -1;
    dom->id = -1;
    return 0;
}

int core_domain_managed_save(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, SAVE_FLAGS, -1);
    return managed_save(dom, flags);
}

int core_domain_has_managed_save_image(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    return api_begin(&a, dom) < 0 ? -1 : a.state->managed_save;
}

int run_drop_saved(DomainObj *obj)
{
    g_autoptr(DomainState) state = domain_state(obj);
    if (!state->managed_save)
        return 0;
    if (host_paths(obj->host) && persist_remove_managed_save(obj->host, state->name) < 0)
        return -1;
    domain_change(obj, change_saved, &(SaveChange) { .saved = FALSE });
    return 0;
}

int core_domain_managed_save_remove(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainManagedSaveRemove") < 0)
        return -1;
    return run_drop_saved(a.obj);
}

/* ---- restore ---- */

/* The definition in an image. */
static SharedDef *image_def(DomainHost *host, const Image *image)
{
    DomainDef *def = definition_parse(host, image->xml, FALSE);
    return def ? shared_def_new(def) : NULL;
}

static void set_restored(RunOptions *options, gboolean running)
{
    options->paused = !running;
    options->running_reason = VIR_DOMAIN_RUNNING_RESTORED;
    options->started_detail = VIR_DOMAIN_EVENT_STARTED_RESTORED;
    options->paused_detail = VIR_DOMAIN_EVENT_SUSPENDED_RESTORED;
}

/* Start @obj from an image that is open. */
static int run_image(DomainObj *obj, SharedDef *def, const char *path, const Image *image, gboolean running,
                     RunOptions *options)
{
    set_restored(options, running);
    if (image->compression)
        return FAIL(VIR_ERR_NO_SUPPORT, "the saved image '%s' is compressed, which can't be read yet", path);
    options->start.restore_path = path;
    if (!(options->start.flags & VIR_DOMAIN_START_BYPASS_CACHE)) {
        options->start.restore_fd = image->fd;
        return run_start(obj, def, options);
    }
    DirectCopy *copy = direct_copy_from_file(image->fd, path);
    if (!copy)
        return -1;
    options->start.restore_fd = direct_copy_fd(copy);
    return direct_copy_end(copy, run_start(obj, def, options), 0);
}

static int restore_from_file(virConnectPtr conn, const char *from, const char *dxml, unsigned int flags)
{
    DomainHost *host = api_host(conn);
    g_auto(Image) image = IMAGE_INIT;
    RunOptions options = RUN_OPTIONS_INIT;
    if (!from || !*from)
        return FAIL(VIR_ERR_INVALID_ARG, "no file was named to restore a domain from");
    if (check_either(flags) < 0 || image_open(host, from, &image) < 0)
        return -1;
    g_autoptr(SharedDef) own = image_def(host, &image);
    g_autoptr(SharedDef) def = own && dxml ? substitute(host, shared_def_get(own), dxml) : shared_def_ref(own);
    if (!def)
        return -1;
    g_autoptr(DomainObj) obj = api_reserve(host, shared_def_get(def), "virDomainRestore");
    if (!obj)
        return -1;
    g_autoptr(DomainState) state = domain_state(obj);
    options.start.flags |= flags & VIR_DOMAIN_SAVE_BYPASS_CACHE ? VIR_DOMAIN_START_BYPASS_CACHE : 0;
    int rc = api_need_inactive(state) < 0 ? -1 : run_image(obj, def, from, &image, goes_on(flags, image.running), &options);
    api_settle(obj);
    return rc;
}

int core_domain_restore_flags(virConnectPtr conn, const char *from, const char *dxml, unsigned int flags)
{
    API_FLAGS(flags, SAVE_FLAGS | VIR_DOMAIN_SAVE_RESET_NVRAM, -1);
    return restore_from_file(conn, from, dxml, flags);
}

int core_domain_restore(virConnectPtr conn, const char *from)
{
    return core_domain_restore_flags(conn, from, NULL, 0);
}

int core_domain_restore_params(virConnectPtr conn, virTypedParameterPtr params, int nparams, unsigned int flags)
{
    API_FLAGS(flags, SAVE_FLAGS | VIR_DOMAIN_SAVE_RESET_NVRAM, -1);
    ImageParams image = { NULL };
    api_host(conn);
    if (read_params(params, nparams, &image) < 0)
        return -1;
    return restore_from_file(conn, image.file, image.dxml, flags);
}

/* 1: started. 0: the image is of no use (incomplete) and was removed. -1: error, the image stays. */
static int start_from_file(DomainObj *obj, const DomainState *state, RunOptions *options)
{
    g_autofree char *path = managed_path(obj, state);
    g_auto(Image) image = IMAGE_INIT;
    int rc = image_open(obj->host, path, &image);
    if (rc == -1)
        return -1;
    if (rc == IMAGE_INCOMPLETE) {
        LOG_WARN("domain '%s' boots afresh: %s", state->name, error_message());
        virResetLastError();
        return run_drop_saved(obj);
    }
    g_autoptr(SharedDef) def = image_def(obj->host, &image);
    gboolean running = image.running && !options->paused;
    return !def || run_image(obj, def, path, &image, running, options) < 0 ? -1 : 1;
}

static int start_saved(DomainObj *obj, const DomainState *state, RunOptions *options)
{
    RunOptions restored = *options;
    if (!host_backend(obj->host)->save)
        return FAIL(VIR_ERR_NO_SUPPORT, "this driver can't restore the managed save image of domain '%s'; 'virsh start %s "
                    "--force-boot' drops it", state->name, state->name);
    if (host_paths(obj->host))
        return start_from_file(obj, state, &restored);
    set_restored(&restored, state->saved_running && !options->paused);
    return run_start(obj, state->saved, &restored) < 0 ? -1 : 1;
}

int run_persistent(DomainObj *obj, RunOptions *options)
{
    g_autoptr(DomainState) state = domain_state(obj);
    if (state->managed_save) {
        int rc = options->start.flags & VIR_DOMAIN_START_FORCE_BOOT ? 0 : start_saved(obj, state, options);
        if (rc < 0 || run_drop_saved(obj) < 0)
            return -1;
        if (rc > 0)
            return 0;
    }
    g_autoptr(SharedDef) def = domain_config(obj, state);
    return def ? run_start(obj, def, options) : -1;
}

/* ---- definitions in images ---- */

/* Text for a reader: secrets only for whom they are. */
static char *image_text(SharedDef *def, unsigned int flags)
{
    return g_strdup(shared_def_xml(def, XML_INACTIVE | (flags & VIR_DOMAIN_SAVE_IMAGE_XML_SECURE ? XML_SECURE : 0)));
}

static char *read_text(DomainHost *host, const char *file, unsigned int flags)
{
    g_auto(Image) image = IMAGE_INIT;
    if (image_open(host, file, &image) < 0)
        return NULL;
    g_autoptr(SharedDef) def = image_def(host, &image);
    return def ? image_text(def, flags) : NULL;
}

char *core_domain_save_image_get_xml_desc(virConnectPtr conn, const char *file, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE, NULL);
    return read_text(api_host(conn), file, flags);
}

static int write_text(DomainHost *host, const char *file, const char *dxml, unsigned int flags)
{
    g_auto(Image) image = IMAGE_INIT;
    if (check_either(flags) < 0 || image_open(host, file, &image) < 0)
        return -1;
    g_autoptr(SharedDef) old = image_def(host, &image);
    g_autoptr(SharedDef) def = old ? substitute(host, shared_def_get(old), dxml) : NULL;
    return def ? image_rewrite(host, file, &image, shared_def_xml(def, XML_SECURE | XML_INACTIVE),
                               goes_on(flags, image.running)) : -1;
}

int core_domain_save_image_define_xml(virConnectPtr conn, const char *file, const char *dxml, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_SAVE_RUNNING | VIR_DOMAIN_SAVE_PAUSED, -1);
    return write_text(api_host(conn), file, dxml, flags);
}

static int need_managed_save(const Access *a)
{
    if (a->state->managed_save)
        return 0;
    return FAIL(VIR_ERR_OPERATION_INVALID, "domain '%s' does not have managed save image", API_NAME(a));
}

char *core_domain_managed_save_get_xml_desc(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE, NULL);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0 || need_managed_save(&a) < 0)
        return NULL;
    g_autofree char *path = managed_path(a.obj, a.state);
    return path ? read_text(a.obj->host, path, flags) : image_text(a.state->saved, flags);
}

int core_domain_managed_save_define_xml(virDomainPtr dom, const char *dxml, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_SAVE_RUNNING | VIR_DOMAIN_SAVE_PAUSED, -1);
    g_auto(Access) a = { NULL };
    if (check_either(flags) < 0 || api_begin_job(&a, dom, JOB_MODIFY, "virDomainManagedSaveDefineXML") < 0 ||
        need_managed_save(&a) < 0)
        return -1;
    g_autofree char *path = managed_path(a.obj, a.state);
    if (path)
        return write_text(a.obj->host, path, dxml, flags);
    g_autoptr(SharedDef) def = substitute(a.obj->host, shared_def_get(a.state->saved), dxml);
    if (!def)
        return -1;
    domain_change(a.obj, change_saved, &(SaveChange) { NULL, def, goes_on(flags, a.state->saved_running), TRUE });
    return 0;
}
