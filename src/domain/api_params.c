/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on typed parameters: all of them go the same way, by the tables of params.h.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "domain/functions.h"
#include "domain/params.h"

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)
#define GET_FLAGS (AFFECT | VIR_TYPED_PARAM_STRING_OKAY)

/* ---- get ---- */

static int list_params(virDomainPtr dom, const ParamGroup *group, const char *key, unsigned int flags, TypedList *list)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    Scope scope;
    g_autoptr(SharedDef) shared = api_scope_def(&a, flags);
    if (!shared || api_scope(&a, flags, &scope) < 0)
        return -1;
    DomainDef *def = (DomainDef *) shared_def_get(shared); /* find() changes nothing, nor is what it finds changed here */
    const void *owner = group->find ? group->find(def, key, 0) : def;
    if (!owner)
        return -1;
    params_get(group, owner, scope.live, list);
    return 0;
}

static int get_params(virDomainPtr dom, const ParamGroup *group, const char *key, virTypedParameterPtr params,
                      int *nparams, unsigned int flags)
{
    TypedList list = { NULL };
    if (list_params(dom, group, key, flags, &list) < 0)
        return -1;
    return typed_list_fill(&list, params, nparams);
}

/* ---- set ---- */

static int edit_params(DomainDef *def, gboolean live, void *opaque)
{
    ParamChange *change = opaque;
    change->def = def;
    return params_set(change);
}

static int live_params(Guest *guest, DomainDef *def, void *opaque)
{
    ParamChange *change = opaque;
    change->def = def;
    change->owner = change->group->find ? change->group->find(def, change->key, change->id) : def;
    if (change->group->check_live && change->group->check_live(change) < 0)
        return -1;
    return change->backend->set_params(guest, def, change);
}

static int set_params(virDomainPtr dom, const char *api, ParamChange change, unsigned int flags)
{
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, api) < 0 || params_validate(change.group, change.params, change.n) < 0)
        return -1;
    change.backend = host_backend(a.obj->host);
    change.running = a.state->live ? shared_def_get(a.state->live) : NULL;
    DefChange how = { change.group->what, edit_params, change.backend->set_params ? live_params : NULL };
    return api_change(&a, flags, &how, &change);
}

/* ---- one pair after the other ---- */

int core_domain_get_memory_parameters(virDomainPtr dom, virTypedParameterPtr params, int *nparams, unsigned int flags)
{
    API_FLAGS(flags, GET_FLAGS, -1);
    return get_params(dom, &params_memory, NULL, params, nparams, flags);
}

int core_domain_set_memory_parameters(virDomainPtr dom, virTypedParameterPtr params, int nparams, unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    return set_params(dom, "virDomainSetMemoryParameters",
                      (ParamChange) { .group = &params_memory, .params = params, .n = nparams }, flags);
}

int core_domain_get_blkio_parameters(virDomainPtr dom, virTypedParameterPtr params, int *nparams, unsigned int flags)
{
    API_FLAGS(flags, GET_FLAGS, -1);
    return get_params(dom, &params_blkio, NULL, params, nparams, flags);
}

int core_domain_set_blkio_parameters(virDomainPtr dom, virTypedParameterPtr params, int nparams, unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    return set_params(dom, "virDomainSetBlkioParameters",
                      (ParamChange) { .group = &params_blkio, .params = params, .n = nparams }, flags);
}

int core_domain_get_numa_parameters(virDomainPtr dom, virTypedParameterPtr params, int *nparams, unsigned int flags)
{
    API_FLAGS(flags, GET_FLAGS, -1);
    return get_params(dom, &params_numa, NULL, params, nparams, flags);
}

int core_domain_set_numa_parameters(virDomainPtr dom, virTypedParameterPtr params, int nparams, unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    return set_params(dom, "virDomainSetNumaParameters",
                      (ParamChange) { .group = &params_numa, .params = params, .n = nparams }, flags);
}

int core_domain_get_interface_parameters(virDomainPtr dom, const char *device, virTypedParameterPtr params, int *nparams,
                                         unsigned int flags)
{
    API_FLAGS(flags, GET_FLAGS, -1);
    return get_params(dom, &params_interface, device, params, nparams, flags);
}

int core_domain_set_interface_parameters(virDomainPtr dom, const char *device, virTypedParameterPtr params, int nparams,
                                         unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    return set_params(dom, "virDomainSetInterfaceParameters",
                      (ParamChange) { .group = &params_interface, .key = device, .params = params, .n = nparams }, flags);
}

int core_domain_get_block_io_tune(virDomainPtr dom, const char *disk, virTypedParameterPtr params, int *nparams,
                                  unsigned int flags)
{
    API_FLAGS(flags, GET_FLAGS, -1);
    if (!disk && *nparams)
        return FAIL(VIR_ERR_INVALID_ARG, "disk in %s must not be NULL", "virDomainGetBlockIoTune");
    if (!disk) { /* how many there are at most */
        *nparams = (int) params_iotune.n;
        return 0;
    }
    return get_params(dom, &params_iotune, disk, params, nparams, flags);
}

int core_domain_set_block_io_tune(virDomainPtr dom, const char *disk, virTypedParameterPtr params, int nparams,
                                  unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    return set_params(dom, "virDomainSetBlockIoTune",
                      (ParamChange) { .group = &params_iotune, .key = disk, .params = params, .n = nparams }, flags);
}

int core_domain_set_throttle_group(virDomainPtr dom, const char *group, virTypedParameterPtr params, int nparams, unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    return set_params(dom, "virDomainSetThrottleGroup",
                      (ParamChange) { .group = &params_throttle, .key = group, .params = params, .n = nparams }, flags);
}

static int drop_throttle_group(DomainDef *def, gboolean live, void *opaque)
{
    DomainDiskIotune *group = domain_throttle_group(def, opaque);
    const DomainDisk *user = domain_throttle_user(def, opaque);
    guint at = 0;

    if (!group)
        return FAIL(VIR_ERR_INVALID_ARG, "domain '%s' has no throttle group '%s'", def->name, (const char *) opaque);
    if (user)
        return FAIL(VIR_ERR_OPERATION_INVALID, "throttle group '%s' of domain '%s' can't be removed: disk '%s' uses it", group->group_name,
                    def->name, user->target.dev);
    while (def->throttle_groups[at] != group)
        at++;
    XML_LIST_REMOVE(def->throttle_groups, def->n_throttle_groups, at);
    xml_struct_free(&DOMAIN_DISK_IOTUNE_DESC, group);
    return 0;
}

static int live_drop_throttle_group(Guest *guest, DomainDef *def, void *opaque)
{
    return host_backend(guest->host)->drop_throttle_group(guest, opaque);
}

int core_domain_del_throttle_group(virDomainPtr dom, const char *group, unsigned int flags)
{
    static const DefChange change = { "throttle groups", drop_throttle_group, live_drop_throttle_group };
    API_FLAGS(flags, AFFECT, -1);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainDelThrottleGroup") < 0)
        return -1;
    return api_change(&a, flags, &change, (void *) group);
}

int core_domain_get_perf_events(virDomainPtr dom, virTypedParameterPtr *params, int *nparams, unsigned int flags)
{
    API_FLAGS(flags, GET_FLAGS, -1);
    TypedList list = { NULL };
    if (list_params(dom, &params_perf, NULL, flags, &list) < 0)
        return -1;
    *params = typed_list_steal(&list, nparams);
    return 0;
}

int core_domain_set_perf_events(virDomainPtr dom, virTypedParameterPtr params, int nparams, unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    return set_params(dom, "virDomainSetPerfEvents",
                      (ParamChange) { .group = &params_perf, .params = params, .n = nparams }, flags);
}

int core_domain_set_iothread_params(virDomainPtr dom, unsigned int iothread_id, virTypedParameterPtr params, int nparams,
                                    unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    if (iothread_id == 0)
        return FAIL(VIR_ERR_INVALID_ARG, "invalid value of 0 for iothread_id");
    return set_params(dom, "virDomainSetIOThreadParams",
                      (ParamChange) { .group = &params_iothread, .id = iothread_id, .params = params, .n = nparams }, flags);
}

/* ---- scheduler: which parameters there are depends on the hypervisor ---- */

static const ParamGroup *scheduler_of(virDomainPtr dom)
{
    const DomainBackend *backend = host_backend(api_host(dom->o.conn));
    return backend->scheduler ? backend->scheduler : &params_cpu;
}

char *core_domain_get_scheduler_type(virDomainPtr dom, int *nparams)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return NULL;
    const char *name = host_backend(a.obj->host)->scheduler_name;
    if (nparams)
        *nparams = (int) scheduler_of(dom)->n;
    return g_strdup(name ? name : "posix");
}

int core_domain_get_scheduler_parameters_flags(virDomainPtr dom, virTypedParameterPtr params, int *nparams,
                                               unsigned int flags)
{
    API_FLAGS(flags, GET_FLAGS, -1);
    return get_params(dom, scheduler_of(dom), NULL, params, nparams, flags);
}

int core_domain_get_scheduler_parameters(virDomainPtr dom, virTypedParameterPtr params, int *nparams)
{
    return get_params(dom, scheduler_of(dom), NULL, params, nparams, VIR_DOMAIN_AFFECT_CURRENT);
}

int core_domain_set_scheduler_parameters_flags(virDomainPtr dom, virTypedParameterPtr params, int nparams,
                                               unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    return set_params(dom, "virDomainSetSchedulerParametersFlags",
                      (ParamChange) { .group = scheduler_of(dom), .params = params, .n = nparams }, flags);
}

int core_domain_set_scheduler_parameters(virDomainPtr dom, virTypedParameterPtr params, int nparams)
{
    return set_params(dom, "virDomainSetSchedulerParameters",
                      (ParamChange) { .group = scheduler_of(dom), .params = params, .n = nparams },
                      VIR_DOMAIN_AFFECT_CURRENT);
}
