/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Interfaces as managed objects, and changes that can be taken back.
 */
#define ERROR_DOMAIN managed_error_domain(host->table)
#include "hostif/host.h"
#include <stddef.h>
#include "base/error.h"

struct HostifHost {
    const HostifBackend *backend;
    void *priv;
    ManagedBackend managed;
    ManagedTable *table;
    GMutex lock;              /* guards the following */
    ManagedBackup *backup;    /* what was before the change that is under way; NULL: none is */
};

static void *interface_handle(virConnectPtr conn, const Managed *obj, const void *def)
{
    char mac[18];
    return interface_handle_new(conn, MANAGED_NAME(obj), host_interface_mac(def, mac));
}

static int interface_complete(void *def)
{
    return host_interface_complete(def);
}

static const ManagedKind interface_kind = {
    .name = "interface",
    .root = &HOST_INTERFACE_ROOT,
    .error_domain = VIR_FROM_INTERFACE,
    .no_object = VIR_ERR_NO_INTERFACE,
    .clash = VIR_ERR_OPERATION_FAILED,
    .name_at = offsetof(HostInterfaceDef, name),
    .uuid_at = -1,
    .has_uuid_at = -1,
    .complete = interface_complete,
    .handle = interface_handle,
};

static const HostifBackend *backend_of(ManagedTable *table)
{
    return ((const HostifHost *) managed_table_priv(table))->backend;
}

static int interface_check(ManagedTable *table, void *def, const void *old)
{
    const HostifBackend *backend = backend_of(table);
    return backend->check ? backend->check(table, def, old) : 0;
}

static int interface_start(Managed *obj, void *live)
{
    const HostifBackend *backend = backend_of(obj->table);
    return backend->start ? backend->start(obj, live) : 0;
}

static int interface_stop(Managed *obj, const void *live)
{
    const HostifBackend *backend = backend_of(obj->table);
    return backend->stop ? backend->stop(obj, live) : 0;
}

static int interface_keep(Managed *obj, const void *old, const void *config)
{
    const HostifBackend *backend = backend_of(obj->table);
    return backend->keep ? backend->keep(obj, old, config) : 0;
}

HostifHost *hostif_host_new(const HostifBackend *backend, void *priv, EventBus *bus)
{
    HostifHost *host = g_new0(HostifHost, 1);
    host->backend = backend;
    host->priv = priv;
    host->managed = (ManagedBackend) { .rules = backend->rules, .check = interface_check, .start = interface_start,
                                       .stop = interface_stop, .keep = interface_keep };
    g_mutex_init(&host->lock);
    host->table = managed_table_new(&interface_kind, &host->managed, host, bus);
    return host;
}

void *hostif_priv(const ManagedTable *table) { return ((const HostifHost *) managed_table_priv(table))->priv; }

int hostif_look(ManagedTable *table)
{
    const HostifBackend *backend = backend_of(table);
    return backend->look ? backend->look(table) : 0;
}

void hostif_host_free(HostifHost *host)
{
    if (!host)
        return;
    managed_backup_free(host->backup);
    managed_table_free(host->table);
    g_mutex_clear(&host->lock);
    g_free(host);
}

ManagedTable *hostif_host_table(const HostifHost *host) { return host->table; }

/* ---- changes that can be taken back ---- */

int hostif_change_begin(HostifHost *host)
{
    if (host->backend->change_begin)
        return host->backend->change_begin(host->table);
    ManagedBackup *backup = managed_backup_new(host->table);
    g_mutex_lock(&host->lock);
    gboolean begun = !host->backup;
    if (begun)
        host->backup = g_steal_pointer(&backup);
    g_mutex_unlock(&host->lock);
    managed_backup_free(backup);
    return begun ? 0 : FAIL(VIR_ERR_OPERATION_INVALID, "a change of interfaces is under way already: commit it or roll it back");
}

static ManagedBackup *end_change(HostifHost *host)
{
    g_mutex_lock(&host->lock);
    ManagedBackup *backup = g_steal_pointer(&host->backup);
    g_mutex_unlock(&host->lock);
    return backup ? backup : FAIL_NULL(VIR_ERR_OPERATION_INVALID, "no change of interfaces is under way");
}

int hostif_change_commit(HostifHost *host)
{
    if (host->backend->change_commit)
        return host->backend->change_commit(host->table);
    g_autoptr(ManagedBackup) backup = end_change(host);
    return backup ? 0 : -1;
}

int hostif_change_rollback(HostifHost *host)
{
    if (host->backend->change_rollback)
        return host->backend->change_rollback(host->table);
    g_autoptr(ManagedBackup) backup = end_change(host);
    return backup ? managed_restore(host->table, backup) : -1;
}
