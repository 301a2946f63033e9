/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * On which CPUs of the host the threads of a domain run; and its I/O threads.
 */
#define ERROR_DOMAIN api_error_domain
#include <unistd.h>
#include "domain/api.h"
#include "domain/find.h"
#include "domain/functions.h"
#include "domain/vcpus.h"

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)
/* As many I/O threads as the schema lets a definition have. */
#define IOTHREADS_MAX 65535

static guint host_cpu_count(DomainHost *host, const DomainDef *def, GuestThread thread)
{
    const DomainBackend *backend = host_backend(host);
    return backend->host_cpus ? backend->host_cpus(host, def, thread) : (guint) MAX(sysconf(_SC_NPROCESSORS_CONF), 1);
}

/* ---- which CPUs ---- */

static void fill_map(const Bitmap *cpus, guint n_cpus, unsigned char *map, int maplen)
{
    g_autoptr(Bitmap) all = cpus ? NULL : bitmap_new(n_cpus);
    if (all)
        bitmap_set_all(all);
    bitmap_to_bytes(cpus ? cpus : all, map, (size_t) maplen);
}

/* ---- pin ---- */

typedef struct PinEdit { GuestThread thread; guint id; Bitmap *cpus; } PinEdit;

static void replace_cpus(Bitmap **place, const Bitmap *cpus)
{
    bitmap_free(*place);
    *place = bitmap_copy(cpus);
}

static int pin_vcpu(DomainDef *def, DomainCputune *tune, const PinEdit *e)
{
    guint at = 0;
    while (at < tune->n_vcpupins && tune->vcpupins[at]->vcpu < e->id)
        at++;
    if (at == tune->n_vcpupins || tune->vcpupins[at]->vcpu != e->id) {
        VcpuPin *pin = xml_struct_new(&VCPU_PIN_DESC);
        pin->vcpu = e->id;
        XML_LIST_INSERT(tune->vcpupins, tune->n_vcpupins, at, pin);
    }
    replace_cpus(&tune->vcpupins[at]->cpuset, e->cpus);
    return 0;
}

static int pin_iothread(DomainDef *def, DomainCputune *tune, const PinEdit *e)
{
    domain_def_number_iothreads(def);
    int place = find_iothread(def, e->id);
    if (place < 0)
        return FAIL(VIR_ERR_INVALID_ARG, "iothreadid %u not found in domain '%s'", e->id, def->name);
    guint at = 0; /* they stand in the order of the threads */
    while (at < tune->n_iothreadpins && find_iothread(def, tune->iothreadpins[at]->iothread) < place)
        at++;
    if (at == tune->n_iothreadpins || tune->iothreadpins[at]->iothread != e->id) {
        IothreadPin *pin = xml_struct_new(&IOTHREAD_PIN_DESC);
        pin->iothread = e->id;
        XML_LIST_INSERT(tune->iothreadpins, tune->n_iothreadpins, at, pin);
    }
    replace_cpus(&tune->iothreadpins[at]->cpuset, e->cpus);
    return 0;
}

static int edit_pin(DomainDef *def, gboolean live, void *opaque)
{
    PinEdit *e = opaque;
    if (e->thread == GUEST_THREAD_VCPU && (e->id >= vcpus_max(def) || (live && !vcpu_is_plugged(def, e->id))))
        return FAIL(VIR_ERR_INVALID_ARG, "requested vcpu '%u' is not present in domain '%s'", e->id, def->name);
    if (!def->cputune)
        def->cputune = xml_struct_new(&DOMAIN_CPUTUNE_DESC);
    if (e->thread == GUEST_THREAD_VCPU)
        return pin_vcpu(def, def->cputune, e);
    if (e->thread == GUEST_THREAD_IOTHREAD)
        return pin_iothread(def, def->cputune, e);
    replace_cpus(&def->cputune->emulatorpin, e->cpus);
    return 0;
}

static int live_pin(Guest *guest, DomainDef *def, void *opaque)
{
    PinEdit *e = opaque;
    return host_backend(guest->host)->pin(guest, def, e->thread, e->id, e->cpus);
}

static int pin_thread(virDomainPtr dom, const char *api, GuestThread thread, guint id, const unsigned char *map, int maplen,
                      unsigned int flags)
{
    g_auto(Access) a = { NULL };
    g_autoptr(Bitmap) cpus = bitmap_from_bytes(map, (size_t) MAX(maplen, 0));
    if (api_begin_job(&a, dom, JOB_MODIFY, api) < 0)
        return -1;
    if (bitmap_count(cpus) == 0)
        return FAIL(VIR_ERR_INVALID_ARG, "Empty cpu list for pinning of domain '%s'", API_NAME(&a));
    PinEdit edit = { thread, id, cpus };
    DefChange change = { "the CPUs of a thread", edit_pin, host_backend(a.obj->host)->pin ? live_pin : NULL };
    return api_change(&a, flags, &change, &edit);
}

int core_domain_pin_vcpu_flags(virDomainPtr dom, unsigned int vcpu, unsigned char *cpumap, int maplen, unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    return pin_thread(dom, "virDomainPinVcpuFlags", GUEST_THREAD_VCPU, vcpu, cpumap, maplen, flags);
}

int core_domain_pin_vcpu(virDomainPtr dom, unsigned int vcpu, unsigned char *cpumap, int maplen)
{
    return pin_thread(dom, "virDomainPinVcpu", GUEST_THREAD_VCPU, vcpu, cpumap, maplen, VIR_DOMAIN_AFFECT_LIVE);
}

int core_domain_pin_emulator(virDomainPtr dom, unsigned char *cpumap, int maplen, unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    return pin_thread(dom, "virDomainPinEmulator", GUEST_THREAD_EMULATOR, 0, cpumap, maplen, flags);
}

int core_domain_pin_iothread(virDomainPtr dom, unsigned int iothread_id, unsigned char *cpumap, int maplen,
                             unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    return pin_thread(dom, "virDomainPinIOThread", GUEST_THREAD_IOTHREAD, iothread_id, cpumap, maplen, flags);
}

/* ---- who is pinned where ---- */

int core_domain_get_vcpu_pin_info(virDomainPtr dom, int ncpumaps, unsigned char *cpumaps, int maplen, unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    g_autoptr(SharedDef) shared = api_scope_def(&a, flags);
    if (!shared)
        return -1;
    const DomainDef *def = shared_def_get(shared);
    int n = MIN(ncpumaps, (int) vcpus_max(def));
    guint n_cpus = host_cpu_count(a.obj->host, def, GUEST_THREAD_VCPU);
    for (int i = 0; i < n; i++)
        fill_map(vcpu_cpus(def, (guint) i), n_cpus, cpumaps + (size_t) i * (size_t) maplen, maplen);
    return n;
}

int core_domain_get_emulator_pin_info(virDomainPtr dom, unsigned char *cpumaps, int maplen, unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    g_autoptr(SharedDef) shared = api_scope_def(&a, flags);
    if (!shared)
        return -1;
    const DomainDef *def = shared_def_get(shared);
    fill_map(emulator_cpus(def), host_cpu_count(a.obj->host, def, GUEST_THREAD_EMULATOR), cpumaps, maplen);
    return 1;
}

int core_domain_get_vcpus(virDomainPtr dom, virVcpuInfoPtr info, int maxinfo, unsigned char *cpumaps, int maplen)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0 || api_need_active(&a) < 0)
        return -1;
    const DomainDef *def = shared_def_get(a.state->live);
    g_autoptr(GuestStats) stats = info ? api_guest_stats(&a, GUEST_STATS_VCPU) : NULL;
    if (info && !stats)
        return -1;
    guint n_cpus = host_cpu_count(a.obj->host, def, GUEST_THREAD_VCPU);
    int n = 0;
    for (guint id = 0; n < maxinfo && id < vcpus_max(def); id++) {
        if (!vcpu_is_plugged(def, id))
            continue;
        if (info)
            info[n] = (virVcpuInfo) { .number = id, .state = VIR_VCPU_RUNNING, .cpu = VIR_VCPU_INFO_CPU_UNAVAILABLE };
        for (guint i = 0; info && stats->vcpus && i < stats->vcpus->len; i++) {
            const GuestVcpuStats *v = &g_array_index(stats->vcpus, GuestVcpuStats, i);
            if (v->vcpu == id)
                info[n] = (virVcpuInfo) { id, v->state, v->time.known ? v->time.n : 0, v->cpu };
        }
        if (cpumaps)
            fill_map(vcpu_cpus(def, id), n_cpus, cpumaps + (size_t) n * (size_t) maplen, maplen);
        n++;
    }
    return n;
}

/* ---- I/O threads ---- */

int core_domain_get_iothread_info(virDomainPtr dom, virDomainIOThreadInfoPtr **info, unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    g_autoptr(SharedDef) shared = api_scope_def(&a, flags);
    if (!shared)
        return -1;
    g_autoptr(DomainDef) def = shared_def_copy(shared);
    guint n_cpus = host_cpu_count(a.obj->host, def, GUEST_THREAD_IOTHREAD);
    domain_def_number_iothreads(def);
    *info = g_new0(virDomainIOThreadInfoPtr, def->n_iothreadids + 1);
    for (guint i = 0; i < def->n_iothreadids; i++) {
        virDomainIOThreadInfoPtr item = (*info)[i] = g_new0(virDomainIOThreadInfo, 1);
        const Bitmap *cpus = iothread_cpus(def, def->iothreadids[i]->id);
        item->iothread_id = def->iothreadids[i]->id;
        item->cpumaplen = (int) ((cpus ? MAX((size_t) (bitmap_last(cpus) + 1), 1) : n_cpus) + 7) / 8;
        item->cpumap = g_malloc0((gsize) item->cpumaplen);
        fill_map(cpus, n_cpus, item->cpumap, item->cpumaplen);
    }
    return (int) def->n_iothreadids;
}

typedef struct ThreadEdit { guint id; gboolean exists; } ThreadEdit;

static int add_iothread(DomainDef *def, guint id)
{
    if (find_iothread(def, id) >= 0)
        return FAIL(VIR_ERR_INVALID_ARG, "an IOThread is already using iothread_id '%u' in domain '%s'", id, def->name);
    if (def->n_iothreadids >= IOTHREADS_MAX)
        return FAIL(VIR_ERR_INVALID_ARG, "domain '%s' has %d I/O threads already", def->name, IOTHREADS_MAX);
    DomainIothread *thread = xml_struct_new(&DOMAIN_IOTHREAD_DESC);
    thread->id = id;
    XML_LIST_APPEND(def->iothreadids, def->n_iothreadids, thread);
    return 0;
}

/* Which device an I/O thread serves; NULL if none. Caller frees. */
static char *user_of_iothread(const DomainDef *def, guint id)
{
    for (guint i = 0; i < def->devices.n_disks; i++) {
        if (def->devices.disks[i]->driver.iothread == id)
            return g_strdup_printf("disk '%s'", def->devices.disks[i]->target.dev);
    }
    for (guint i = 0; i < def->devices.n_controllers; i++) {
        if (def->devices.controllers[i]->driver.iothread == id)
            return g_strdup_printf("controller %u", def->devices.controllers[i]->index);
    }
    return NULL;
}

static int remove_iothread(DomainDef *def, guint id)
{
    int at = find_iothread(def, id);
    g_autofree char *user = user_of_iothread(def, id);
    if (at < 0)
        return FAIL(VIR_ERR_INVALID_ARG, "cannot find IOThread '%u' in domain '%s'", id, def->name);
    if (user)
        return FAIL(VIR_ERR_INVALID_ARG, "cannot remove IOThread %u of domain '%s' since it is being used by %s", id, def->name,
                    user);
    DomainIothread *thread = def->iothreadids[at];
    XML_LIST_REMOVE(def->iothreadids, def->n_iothreadids, (guint) at);
    xml_struct_free(&DOMAIN_IOTHREAD_DESC, thread);
    for (guint i = def->cputune ? def->cputune->n_iothreadpins : 0; i-- > 0;) {
        IothreadPin *pin = def->cputune->iothreadpins[i];
        if (pin->iothread != id)
            continue;
        XML_LIST_REMOVE(def->cputune->iothreadpins, def->cputune->n_iothreadpins, i);
        xml_struct_free(&IOTHREAD_PIN_DESC, pin);
    }
    return 0;
}

static int edit_iothread(DomainDef *def, gboolean live, void *opaque)
{
    ThreadEdit *e = opaque;
    domain_def_number_iothreads(def);
    if ((e->exists ? add_iothread(def, e->id) : remove_iothread(def, e->id)) < 0)
        return -1;
    def->iothreads = def->n_iothreadids;
    return 0;
}

static int live_iothread(Guest *guest, DomainDef *def, void *opaque)
{
    ThreadEdit *e = opaque;
    return host_backend(guest->host)->set_iothread(guest, def, e->id, e->exists);
}

static int change_iothread(virDomainPtr dom, const char *api, guint id, gboolean exists, unsigned int flags)
{
    g_auto(Access) a = { NULL };
    ThreadEdit edit = { id, exists };
    if (api_begin_job(&a, dom, JOB_MODIFY, api) < 0)
        return -1;
    if (id == 0)
        return FAIL(VIR_ERR_INVALID_ARG, "invalid value of 0 for iothread_id");
    DefChange change = { "I/O threads", edit_iothread, host_backend(a.obj->host)->set_iothread ? live_iothread : NULL };
    return api_change(&a, flags, &change, &edit);
}

int core_domain_add_iothread(virDomainPtr dom, unsigned int iothread_id, unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    return change_iothread(dom, "virDomainAddIOThread", iothread_id, TRUE, flags);
}

int core_domain_del_iothread(virDomainPtr dom, unsigned int iothread_id, unsigned int flags)
{
    API_FLAGS(flags, AFFECT, -1);
    return change_iothread(dom, "virDomainDelIOThread", iothread_id, FALSE, flags);
}
