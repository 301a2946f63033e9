/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory: what is configured, and changes to it.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "domain/functions.h"

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

unsigned long core_domain_get_max_memory(virDomainPtr dom)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return 0;
    g_autoptr(SharedDef) def = domain_current_def(a.obj, a.state);
    return def ? shared_def_get(def)->memory : 0;
}

typedef struct MemoryEdit { unsigned long long kib; gboolean maximum; } MemoryEdit;

static int edit_memory(DomainDef *def, void *opaque)
{
    MemoryEdit *e = opaque;
    if (e->maximum) {
        if (def->cpu && def->cpu->n_numa_cells > 0)
            return FAIL(VIR_ERR_OPERATION_INVALID, "the maximum memory of domain '%s' follows from its NUMA cells",
                        def->name);
        unsigned long long current = def_current_memory(def);
        def->memory = e->kib;
        def->current_memory = MIN(current, e->kib);
        return 0;
    }
    if (e->kib > def->memory)
        return FAIL(VIR_ERR_INVALID_ARG, "cannot set memory higher than max memory: %llu KiB > %" G_GUINT64_FORMAT
                    " KiB; 'virsh setmaxmem %s %llu --config' raises it", e->kib, def->memory, def->name, e->kib);
    def->current_memory = e->kib;
    return 0;
}

static int set_balloon(const Access *a, unsigned long long kib)
{
    const DomainBackend *backend = host_backend(a->obj->host);
    Guest *guest = a->state->guest;
    MemoryEdit edit = { .kib = kib };
    g_autoptr(DomainDef) def = shared_def_copy(a->state->live);
    if (edit_memory(def, &edit) < 0)
        return -1;
    if (!backend->set_balloon)
        return FAIL(VIR_ERR_NO_SUPPORT, "change of memory of a running domain");
    if (GUEST_CALL(backend->set_balloon(guest, def, kib)) < 0)
        return -1;
    return status_save(guest);
}

int core_domain_set_memory_flags(virDomainPtr dom, unsigned long memory, unsigned int flags)
{
    API_FLAGS(flags, AFFECT | VIR_DOMAIN_MEM_MAXIMUM, -1);
    g_auto(Access) a = { NULL };
    Scope scope;
    MemoryEdit edit = { memory, flags & VIR_DOMAIN_MEM_MAXIMUM };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainSetMemoryFlags") < 0 || api_scope(&a, flags, &scope) < 0)
        return -1;
    if (scope.live && edit.maximum)
        return FAIL(VIR_ERR_OPERATION_INVALID, "cannot resize the maximum memory on an active domain: '%s'; with "
                    "--config it changes at the next start", API_NAME(&a));
    if (scope.live && set_balloon(&a, memory) < 0)
        return -1;
    return scope.config ? config_edit(a.obj, edit_memory, &edit, NULL) : 0;
}

int core_domain_set_memory(virDomainPtr dom, unsigned long memory)
{
    return core_domain_set_memory_flags(dom, memory, VIR_DOMAIN_AFFECT_LIVE);
}

int core_domain_set_max_memory(virDomainPtr dom, unsigned long memory)
{
    return core_domain_set_memory_flags(dom, memory, VIR_DOMAIN_MEM_MAXIMUM);
}

static int edit_period(DomainDef *def, void *opaque)
{
    if (!def->devices.memballoon)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "domain '%s' has no memory balloon, which would collect statistics",
                    def->name);
    def->devices.memballoon->stats_period = *(unsigned int *) opaque;
    return 0;
}

int core_domain_set_memory_stats_period(virDomainPtr dom, int period, unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    g_auto(Access) a = { NULL };
    Scope scope;
    unsigned int seconds = (unsigned int) period;
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainSetMemoryStatsPeriod") < 0 || api_scope(&a, flags, &scope) < 0)
        return -1;
    if (period < 0)
        return FAIL(VIR_ERR_INVALID_ARG, "period %d is negative", period);
    if (scope.live) {
        const DomainBackend *backend = host_backend(a.obj->host);
        g_autoptr(DomainDef) def = shared_def_copy(a.state->live);
        if (edit_period(def, &seconds) < 0)
            return -1;
        if (!backend->set_balloon_period)
            return FAIL(VIR_ERR_NO_SUPPORT, "statistics period of a running domain");
        if (GUEST_CALL(backend->set_balloon_period(a.state->guest, def, seconds)) < 0 ||
            api_publish_live(&a, g_steal_pointer(&def)) < 0)
            return -1;
    }
    return scope.config ? config_edit(a.obj, edit_period, &seconds, NULL) : 0;
}
