/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#define LOG_SOURCE "domain.host"
#include "domain/host.h"
#include "base/error.h"
#include "base/log.h"
#include "base/uuid.h"
#include "domain/def_cache.h"
#include "domain/persist.h"
#include "domain/run.h"

struct DomainHost {
    const DomainBackend *backend;
    void *priv;
    Loop *loop;
    Pool *pool;
    Store *domains;
    EventBus *bus;
    HostPaths *paths;      /* NULL: in memory only */
    DefCache *cache;
    gint64 deadline_ms;
    gint last_id;          /* atomic */
};

DomainHost *host_new(const HostSetup *setup)
{
    DomainHost *host = g_new0(DomainHost, 1);
    host->backend = setup->backend;
    host->priv = setup->priv;
    host->loop = setup->loop;
    host->pool = setup->pool;
    host->deadline_ms = setup->backend->deadline_ms ? setup->backend->deadline_ms : DOMAIN_GUEST_DEADLINE_MS;
    host->domains = store_new();
    host->bus = event_bus_new();
    host->cache = def_cache_new(DEF_CACHE_MAX);
    if (setup->backend->folder) {
        host->paths = paths_new(setup->root, setup->privileged, setup->backend->folder);
        if (paths_prepare(host->paths) < 0)
            g_clear_pointer(&host, host_free);
    }
    return host;
}

static gboolean change_forget(DomainTransition *t, void *opaque)
{
    transition_set_guest(t, NULL);
    return TRUE;
}

void host_free(DomainHost *host)
{
    if (!host)
        return;
    g_autoptr(GPtrArray) all = store_list(host->domains, NULL, NULL);
    for (guint i = 0; i < all->len; i++)
        domain_change(all->pdata[i], change_forget, NULL); /* guest and domain hold each other */
    g_ptr_array_set_size(all, 0);
    store_free(host->domains);
    event_bus_unref(host->bus);
    def_cache_free(host->cache);
    paths_free(host->paths);
    g_free(host);
}

const DomainBackend *host_backend(const DomainHost *host) { return host->backend; }
void *host_priv(const DomainHost *host) { return host->priv; }
Store *host_domains(const DomainHost *host) { return host->domains; }
EventBus *host_bus(const DomainHost *host) { return host->bus; }
Loop *host_loop(const DomainHost *host) { return host->loop; }
const HostPaths *host_paths(const DomainHost *host) { return host->paths; }

void host_set_dump(DomainHost *host, const char *folder, gboolean bypasses_cache)
{
    if (folder) {
        g_free(host->paths->dump);
        host->paths->dump = g_strdup(folder);
    }
    host->paths->dump_bypasses_cache = bypasses_cache;
}

void host_set_start(DomainHost *host, gboolean bypasses_cache)
{
    host->paths->start_bypasses_cache = bypasses_cache;
}

DefCache *host_def_cache(const DomainHost *host) { return host->cache; }
gint64 host_deadline_ms(const DomainHost *host) { return host->deadline_ms; }

void host_set_deadline_ms(DomainHost *host, gint64 deadline_ms)
{
    host->deadline_ms = deadline_ms;
}

int host_take_id(DomainHost *host)
{
    return g_atomic_int_add(&host->last_id, 1) + 1;
}

void host_note_id(DomainHost *host, int id)
{
    for (;;) {
        gint last = g_atomic_int_get(&host->last_id);
        if (last >= id || g_atomic_int_compare_and_exchange(&host->last_id, last, id))
            return;
    }
}

static gboolean is_active(StoreEntry *entry, void *opaque)
{
    return entry->id >= 0;
}

gboolean host_has_active(DomainHost *host)
{
    return store_count(host->domains, is_active, NULL) > 0;
}

typedef struct Errand { DomainObj *obj; void (*fn)(void *opaque); void *opaque; } Errand;

static void errand_run(void *opaque)
{
    Errand *errand = opaque;
    errand->fn(errand->opaque);
    domain_obj_unref(errand->obj);
    g_free(errand);
}

void host_run(DomainHost *host, DomainObj *obj, void (*fn)(void *opaque), void *opaque)
{
    char lane[UUID_TEXT_SIZE];
    if (!host->pool) {
        fn(opaque);
        return;
    }
    Errand *errand = g_new0(Errand, 1);
    *errand = (Errand) { obj ? domain_obj_ref(obj) : NULL, fn, opaque };
    pool_submit(host->pool, obj ? uuid_format(obj->entry.uuid, lane) : NULL, FALSE, errand_run, errand);
}
