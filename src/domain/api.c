/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "base/uuid.h"

DomainHost *api_host(virConnectPtr conn)
{
    driver_serves(conn);        /* what goes on behind a call in another thread has come by no entry point */
    return connect_host(conn);
}

int api_begin(Access *access, virDomainPtr dom)
{
    char text[UUID_TEXT_SIZE];
    DomainHost *host = api_host(dom->o.conn);
    access->obj = store_by_uuid(host_domains(host), dom->uuid);
    access->state = access->obj ? domain_state(access->obj) : NULL;
    if (access->obj && domain_visible(access->state))
        return 0;
    return FAIL(VIR_ERR_NO_DOMAIN, "no domain with matching uuid '%s' (%s)", uuid_format(dom->uuid, text), dom->name);
}

static int take_job(Access *access, JobKind job, const char *api)
{
    if (domain_job_begin(access->obj, job, api) < 0)
        return -1;
    access->job = job;
    access->has_job = TRUE;
    api_refresh(access);
    if (domain_visible(access->state) && store_contains(host_domains(access->obj->host), access->obj))
        return 0;
    return FAIL(VIR_ERR_NO_DOMAIN, "domain '%s' was undefined meanwhile", API_NAME(access));
}

int api_begin_job(Access *access, virDomainPtr dom, JobKind job, const char *api)
{
    return api_begin(access, dom) < 0 ? -1 : take_job(access, job, api);
}

int api_begin_long(Access *access, virDomainPtr dom, const char *api)
{
    if (api_begin(access, dom) < 0 || domain_job_begin(access->obj, JOB_ASYNC, api) < 0)
        return -1;
    access->has_async = TRUE;
    return take_job(access, JOB_MODIFY, api);
}

void api_refresh(Access *access)
{
    domain_state_unref(access->state);
    access->state = access->has_job && access->job == JOB_MODIFY ? domain_track(access->obj) : domain_state(access->obj);
}

void api_end(Access *access)
{
    if (access->has_job && access->job == JOB_MODIFY)
        domain_track_end(access->obj);
    if (access->has_job)
        domain_job_end(access->obj, access->job);
    if (access->has_async)
        domain_job_end(access->obj, JOB_ASYNC);
    domain_state_unref(access->state);
    domain_obj_unref(access->obj);
    *access = (Access) { NULL };
}

int api_need_active(const Access *access)
{
    if (access->state->guest)
        return 0;
    error_report(VIR_FROM_DOMAIN, VIR_ERR_OPERATION_INVALID, "domain is not running: '%s' is %s", API_NAME(access),
                 access->state->managed_save ? "saved; 'virsh start' restores it" : "shut off");
    return -1;
}

int api_need_inactive(const DomainState *state)
{
    if (!state->guest)
        return 0;
    error_report(VIR_FROM_DOMAIN, VIR_ERR_OPERATION_INVALID, "domain '%s' is already active", state->name);
    return -1;
}

virDomainPtr api_handle(virConnectPtr conn, DomainObj *obj, const DomainState *state)
{
    return domain_handle_new(conn, state->name, obj->entry.uuid, domain_state_id(state));
}

int api_scope(const Access *access, unsigned int flags, Scope *scope)
{
    gboolean active = access->state->guest != NULL;
    scope->live = flags & VIR_DOMAIN_AFFECT_LIVE;
    scope->config = flags & VIR_DOMAIN_AFFECT_CONFIG;
    if (!scope->live && !scope->config) {
        scope->live = active;
        scope->config = !active;
    }
    if (scope->live && api_need_active(access) < 0)
        return -1;
    if (scope->config && !access->state->persistent)
        return FAIL(VIR_ERR_OPERATION_INVALID, "domain '%s' is transient: transient domains do not have any persistent "
                    "definition", API_NAME(access));
    return 0;
}

SharedDef *api_scope_def(const Access *access, unsigned int flags)
{
    Scope scope;
    API_EXCLUSIVE(flags, VIR_DOMAIN_AFFECT_LIVE, VIR_DOMAIN_AFFECT_CONFIG, NULL);
    if (api_scope(access, flags, &scope) < 0)
        return NULL;
    return scope.live ? shared_def_ref(access->state->live) : domain_config(access->obj, access->state);
}

typedef struct LiveChange { Guest *guest; DomainDef *def; } LiveChange;

static gboolean change_live(DomainTransition *t, void *opaque)
{
    LiveChange *c = opaque;
    if (!run_is_current(t, c->guest))
        return FALSE;
    transition_retell(t, c->def);
    g_autoptr(SharedDef) shared = shared_def_new(g_steal_pointer(&c->def));
    transition_set_live(t, shared);
    return TRUE;
}

int api_publish_live(const Access *access, DomainDef *def)
{
    LiveChange change = { access->state->guest, def };
    if (domain_change(access->obj, change_live, &change))
        return status_save(access->state->guest);
    domain_def_free(change.def);
    return FAIL(VIR_ERR_OPERATION_INVALID, "domain '%s' ended meanwhile", API_NAME(access));
}

int api_change(const Access *access, unsigned int flags, const DefChange *change, void *opaque)
{
    Scope scope;
    if (api_scope(access, flags, &scope) < 0)
        return -1;
    g_autoptr(DomainDef) live = scope.live ? shared_def_copy(access->state->live) : NULL;
    g_autoptr(SharedDef) old = scope.config ? domain_config(access->obj, access->state) : NULL;
    g_autoptr(DomainDef) config = old ? shared_def_copy(old) : NULL;
    if ((scope.config && !config) || (live && change->edit(live, TRUE, opaque) < 0) ||
        (config && change->edit(config, FALSE, opaque) < 0))
        return -1;
    if (live && !change->live && !change->unheard)
        return FAIL(VIR_ERR_NO_SUPPORT, "change of %s of a running domain", change->what);
    if (live) {
        int rc = change->unheard ? 0 : GUEST_CALL(change->live(access->state->guest, live, opaque));
        if (rc < 0 || (rc == 0 && api_publish_live(access, g_steal_pointer(&live)) < 0))
            return -1;
    }
    if (!config)
        return 0;
    g_autoptr(SharedDef) next = shared_def_new(g_steal_pointer(&config));
    return config_replace(access->obj, next, NULL);
}

unsigned long long def_current_memory(const DomainDef *def)
{
    return def->current_memory ? def->current_memory : def->memory;
}

unsigned int def_current_vcpus(const DomainDef *def)
{
    if (def->vcpu.current)
        return def->vcpu.current;
    return def->vcpu.count ? def->vcpu.count : 1;
}
