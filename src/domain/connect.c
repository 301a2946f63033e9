/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define LOG_SOURCE "domain.connect"
#include "domain/connect.h"
#include "base/error.h"
#include "base/log.h"
#include "domain/fd_groups.h"
#include "domain/run.h"

typedef struct DomainConnect {
    DomainHost *host;
    void *priv;
    GMutex lock;
    GPtrArray *autodestroy; /* of Guest */
    GHashTable *fd_users;   /* of DomainObj that have descriptors of ours; NULL: none */
} DomainConnect;

void connect_attach(virConnectPtr conn, DomainHost *host, void *priv)
{
    DomainConnect *c = g_new0(DomainConnect, 1);
    c->host = host;
    c->priv = priv;
    g_mutex_init(&c->lock);
    c->autodestroy = g_ptr_array_new_with_free_func((GDestroyNotify) guest_unref);
    conn->data = c;
    event_registry_attach(conn->events, host_bus(host));
}

void *connect_detach(virConnectPtr conn)
{
    DomainConnect *c = conn->data;
    void *priv = c->priv;
    for (guint i = 0; i < c->autodestroy->len; i++) {
        Guest *guest = c->autodestroy->pdata[i];
        if (run_end(guest, VIR_DOMAIN_SHUTOFF_DESTROYED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED) < 0)
            LOG_ERROR("domain '%s' should end with its connection: %s", guest->name, error_message());
    }
    GHashTableIter users;
    void *obj;
    if (c->fd_users)
        g_hash_table_iter_init(&users, c->fd_users);
    while (c->fd_users && g_hash_table_iter_next(&users, &obj, NULL))
        fd_groups_drop(obj, c);
    g_ptr_array_unref(c->autodestroy);
    g_clear_pointer(&c->fd_users, g_hash_table_unref);
    g_mutex_clear(&c->lock);
    g_free(c);
    conn->data = NULL;
    return priv;
}

DomainHost *connect_host(virConnectPtr conn)
{
    return ((DomainConnect *) conn->data)->host;
}

void *connect_priv(virConnectPtr conn)
{
    return ((DomainConnect *) conn->data)->priv;
}

gconstpointer connect_fd_owner(virConnectPtr conn)
{
    return conn->data;
}

void connect_add_fd_user(virConnectPtr conn, DomainObj *obj)
{
    DomainConnect *c = conn->data;
    g_mutex_lock(&c->lock);
    if (!c->fd_users)
        c->fd_users = g_hash_table_new_full(NULL, NULL, (GDestroyNotify) domain_obj_unref, NULL);
    if (!g_hash_table_contains(c->fd_users, obj))
        g_hash_table_add(c->fd_users, domain_obj_ref(obj));
    g_mutex_unlock(&c->lock);
}

static gboolean has_ended(Guest *guest)
{
    GuestCore *core = guest_core(guest);
    g_mutex_lock(&core->lock);
    gboolean ended = core->ended;
    g_mutex_unlock(&core->lock);
    return ended;
}

void connect_add_autodestroy(virConnectPtr conn, Guest *guest)
{
    DomainConnect *c = conn->data;
    g_mutex_lock(&c->lock);
    for (guint i = c->autodestroy->len; i-- > 0;) {
        if (has_ended(c->autodestroy->pdata[i]))
            g_ptr_array_remove_index_fast(c->autodestroy, i);
    }
    g_ptr_array_add(c->autodestroy, guest_ref(guest));
    g_mutex_unlock(&c->lock);
}
