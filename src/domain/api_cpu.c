/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Virtual processors: how many there are, which ones are plugged.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "domain/functions.h"
#include "domain/vcpus.h"

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)
#define VCPU_FLAGS (AFFECT | VIR_DOMAIN_VCPU_MAXIMUM | VIR_DOMAIN_VCPU_GUEST)

/* ---- how many ---- */

static int guest_vcpu_count(const Access *a)
{
    const DomainBackend *backend = host_backend(a->obj->host);
    g_autoptr(Bitmap) possible = NULL, online = NULL, offlinable = NULL;
    if (api_need_active(a) < 0)
        return -1;
    if (!backend->agent_vcpus)
        return FAIL(VIR_ERR_NO_SUPPORT, "count of vCPUs by the agent of domain '%s'", API_NAME(a));
    if (GUEST_CALL(backend->agent_vcpus(a->state->guest, &possible, &online, &offlinable)) < 0)
        return -1;
    return (int) bitmap_count(online);
}

int core_domain_get_vcpus_flags(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, VCPU_FLAGS, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    if (flags & VIR_DOMAIN_VCPU_GUEST)
        return guest_vcpu_count(&a);
    g_autoptr(SharedDef) shared = api_scope_def(&a, flags);
    if (!shared)
        return -1;
    const DomainDef *def = shared_def_get(shared);
    return (int) (flags & VIR_DOMAIN_VCPU_MAXIMUM ? vcpus_max(def) : def_current_vcpus(def));
}

int core_domain_get_max_vcpus(virDomainPtr dom)
{
    return core_domain_get_vcpus_flags(dom, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_VCPU_MAXIMUM);
}

int core_connect_get_max_vcpus(virConnectPtr conn, const char *type)
{
    DomainHost *host = api_host(conn);
    return host_backend(host)->max_vcpus(host, type);
}

typedef struct VcpuEdit { unsigned int count, limit; gboolean maximum, hotpluggable; } VcpuEdit;

static int edit_vcpus(DomainDef *def, gboolean live, void *opaque)
{
    VcpuEdit *e = opaque;
    if (e->maximum && e->count > e->limit)
        return FAIL(VIR_ERR_INVALID_ARG, "requested vcpus is greater than max supported by the hypervisor: %u > %u", e->count,
                    e->limit);
    if (e->maximum) {
        vcpus_set_max(def, e->count);
        return 0;
    }
    if (e->count > vcpus_max(def))
        return FAIL(VIR_ERR_INVALID_ARG, "requested vcpus is greater than max allowable vcpus for the %s domain: %u > %u",
                    live ? "live" : "persistent", e->count, vcpus_max(def));
    vcpus_set_count(def, e->count, e->hotpluggable);
    return 0;
}

static int live_vcpus(Guest *guest, DomainDef *def, void *opaque)
{
    return host_backend(guest->host)->set_vcpus(guest, def, ((VcpuEdit *) opaque)->count);
}

/* Have the guest's system use @count of its vCPUs: the first ones that it doesn't use begin, the last ones that it can do without end. */
static int set_guest_vcpu_count(const Access *a, unsigned int count)
{
    const DomainBackend *backend = host_backend(a->obj->host);
    g_autoptr(Bitmap) possible = NULL, online = NULL, offlinable = NULL;
    if (api_need_active(a) < 0)
        return -1;
    if (!backend->agent_vcpus || !backend->agent_set_vcpus)
        return FAIL(VIR_ERR_NO_SUPPORT, "change of vCPUs by the agent of domain '%s'", API_NAME(a));
    if (GUEST_CALL(backend->agent_vcpus(a->state->guest, &possible, &online, &offlinable)) < 0)
        return -1;
    size_t there = bitmap_count(possible), used = bitmap_count(online), size = bitmap_size(possible);
    if (count > there)
        return FAIL(VIR_ERR_INVALID_ARG, "guest of domain '%s' has %zu vCPUs, not %u", API_NAME(a), there, count);
    g_autoptr(Bitmap) change = bitmap_new(size);
    gboolean more = count > used;
    size_t left = more ? count - used : used - count;
    for (size_t i = 0; i < size && left > 0; i++) {
        size_t id = more ? i : size - 1 - i;
        if (bitmap_test(possible, id) && (more ? !bitmap_test(online, id) : bitmap_test(online, id) && bitmap_test(offlinable, id))) {
            bitmap_set(change, id);
            left--;
        }
    }
    if (left > 0)
        return FAIL(VIR_ERR_INVALID_ARG, "guest of domain '%s' can't do with %u vCPUs: %zu must stay", API_NAME(a), count,
                    count + left);
    return bitmap_count(change) == 0 ? 0 : GUEST_CALL(backend->agent_set_vcpus(a->state->guest, change, more));
}

static int check_vcpu_flags(unsigned int nvcpus, unsigned int flags)
{
    API_EXCLUSIVE(flags, VIR_DOMAIN_VCPU_GUEST, VIR_DOMAIN_AFFECT_CONFIG, -1);
    if ((flags & VIR_DOMAIN_VCPU_MAXIMUM) && !(flags & VIR_DOMAIN_AFFECT_CONFIG))
        return FAIL(VIR_ERR_INVALID_ARG, "flag 'VIR_DOMAIN_AFFECT_CONFIG' is required by flag 'VIR_DOMAIN_VCPU_MAXIMUM'");
    if (nvcpus == 0 || nvcpus > G_MAXUINT16)
        return FAIL(VIR_ERR_INVALID_ARG, "%u is no possible number of vCPUs", nvcpus);
    return 0;
}

int core_domain_set_vcpus_flags(virDomainPtr dom, unsigned int nvcpus, unsigned int flags)
{
    API_FLAGS(flags, VCPU_FLAGS | VIR_DOMAIN_VCPU_HOTPLUGGABLE, -1);
    g_auto(Access) a = { NULL };
    Scope scope;
    VcpuEdit edit = { nvcpus, G_MAXUINT16, flags & VIR_DOMAIN_VCPU_MAXIMUM, flags & VIR_DOMAIN_VCPU_HOTPLUGGABLE };
    api_host(dom->o.conn);
    if (check_vcpu_flags(nvcpus, flags) < 0)
        return -1;
    if (flags & VIR_DOMAIN_VCPU_GUEST) /* by its agent: nobody else has to wait */
        return api_begin(&a, dom) < 0 ? -1 : set_guest_vcpu_count(&a, nvcpus);
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainSetVcpusFlags") < 0 || api_scope(&a, flags, &scope) < 0)
        return -1;
    const DomainBackend *backend = host_backend(a.obj->host);
    if (scope.live && edit.maximum)
        return FAIL(VIR_ERR_INVALID_ARG, "maximum vcpu count of a live domain can't be modified");
    if (edit.maximum && backend->max_vcpus) {
        g_autoptr(SharedDef) def = domain_current_def(a.obj, a.state);
        int limit = def ? backend->max_vcpus(a.obj->host, domain_virt_type_to_string(shared_def_get(def)->type)) : -1;
        if (limit < 0)
            return -1;
        edit.limit = (unsigned int) limit;
    }
    DefChange change = { "the vCPUs", edit_vcpus, backend->set_vcpus ? live_vcpus : NULL };
    return api_change(&a, flags, &change, &edit);
}

int core_domain_set_vcpus(virDomainPtr dom, unsigned int nvcpus)
{
    return core_domain_set_vcpus_flags(dom, nvcpus, VIR_DOMAIN_AFFECT_LIVE);
}

/* ---- which ones ---- */

typedef struct PlugEdit { const Bitmap *vcpus; gboolean on; } PlugEdit;

static int edit_plugged(DomainDef *def, gboolean live, void *opaque)
{
    PlugEdit *e = opaque;
    if (bitmap_last(e->vcpus) >= (ssize_t) vcpus_max(def))
        return FAIL(VIR_ERR_INVALID_ARG, "vcpu %d is not present in domain '%s'", (int) bitmap_last(e->vcpus), def->name);
    vcpus_expand(def);
    for (ssize_t i = -1; (i = bitmap_next(e->vcpus, i)) >= 0;) {
        if (i == 0)
            return FAIL(live ? VIR_ERR_OPERATION_UNSUPPORTED : VIR_ERR_INVALID_ARG, "vCPU '%d' can't be modified", (int) i);
        def->vcpus[i]->enabled = e->on ? TRISTATE_YES : TRISTATE_NO;
        def->vcpus[i]->hotpluggable = TRISTATE_YES;
    }
    vcpus_recount(def);
    return 0;
}

static int live_plugged(Guest *guest, DomainDef *def, void *opaque)
{
    PlugEdit *e = opaque;
    return host_backend(guest->host)->plug_vcpus(guest, def, e->vcpus, e->on);
}

int core_domain_set_vcpu(virDomainPtr dom, const char *vcpumap, int state, unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainSetVcpu") < 0)
        return -1;
    if (state != 0 && state != 1)
        return FAIL(VIR_ERR_INVALID_ARG, "state %d of a vCPU is neither 0 nor 1", state);
    g_autoptr(Bitmap) vcpus = bitmap_parse(vcpumap, 0);
    if (!vcpus)
        return -1;
    PlugEdit edit = { vcpus, state };
    DefChange change = { "single vCPUs", edit_plugged, host_backend(a.obj->host)->plug_vcpus ? live_plugged : NULL };
    return api_change(&a, flags, &change, &edit);
}

/* ---- as the guest's system sees them ---- */

static void append_vcpus(TypedList *list, const char *name, const Bitmap *vcpus)
{
    g_autofree char *text = bitmap_format(vcpus);
    typed_list_string(list, name, text);
}

int core_domain_get_guest_vcpus(virDomainPtr dom, virTypedParameterPtr *params, unsigned int *nparams, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    g_autoptr(Bitmap) possible = NULL, online = NULL, offlinable = NULL;
    TypedList list = { NULL };
    int n;
    if (api_begin(&a, dom) < 0 || api_need_active(&a) < 0 ||
        GUEST_CALL(host_backend(a.obj->host)->agent_vcpus(a.state->guest, &possible, &online, &offlinable)) < 0)
        return -1;
    append_vcpus(&list, "vcpus", possible);
    append_vcpus(&list, "online", online);
    append_vcpus(&list, "offlinable", offlinable);
    *params = typed_list_steal(&list, &n);
    *nparams = (unsigned int) n;
    return 0;
}

int core_domain_set_guest_vcpus(virDomainPtr dom, const char *cpumap, int state, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    g_autoptr(Bitmap) possible = NULL, online = NULL, offlinable = NULL;
    if (api_begin(&a, dom) < 0 || api_need_active(&a) < 0)
        return -1;
    const DomainBackend *backend = host_backend(a.obj->host);
    if (state != 0 && state != 1)
        return FAIL(VIR_ERR_INVALID_ARG, "state %d of a vCPU is neither 0 nor 1", state);
    g_autoptr(Bitmap) vcpus = bitmap_parse(cpumap, 0);
    if (!vcpus || GUEST_CALL(backend->agent_vcpus(a.state->guest, &possible, &online, &offlinable)) < 0)
        return -1;
    for (ssize_t i = -1; (i = bitmap_next(vcpus, i)) >= 0;) {
        if (!bitmap_test(possible, (size_t) i))
            return FAIL(VIR_ERR_INVALID_ARG, "guest of domain '%s' doesn't have vCPU %d", API_NAME(&a), (int) i);
        if (!state && !bitmap_test(offlinable, (size_t) i))
            return FAIL(VIR_ERR_INVALID_ARG, "guest of domain '%s' can't do without vCPU %d", API_NAME(&a), (int) i);
    }
    return GUEST_CALL(backend->agent_set_vcpus(a.state->guest, vcpus, state));
}
