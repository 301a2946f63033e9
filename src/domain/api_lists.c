/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lookups, lists and counts. All from published states: nothing here waits.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "base/uuid.h"
#include "domain/functions.h"
#include <string.h>

/* Takes @obj over. */
static virDomainPtr found(virConnectPtr conn, DomainObj *found_obj)
{
    g_autoptr(DomainObj) obj = found_obj;
    if (!obj)
        return NULL;
    g_autoptr(DomainState) state = domain_state(obj);
    return domain_visible(state) ? api_handle(conn, obj, state) : NULL;
}

virDomainPtr core_domain_lookup_by_name(virConnectPtr conn, const char *name)
{
    virDomainPtr dom = found(conn, store_by_name(host_domains(api_host(conn)), name));
    return dom ? dom : FAIL_NULL(VIR_ERR_NO_DOMAIN, "no domain with matching name '%s'", name);
}

virDomainPtr core_domain_lookup_by_uuid(virConnectPtr conn, const unsigned char *uuid)
{
    char text[UUID_TEXT_SIZE];
    virDomainPtr dom = found(conn, store_by_uuid(host_domains(api_host(conn)), uuid));
    return dom ? dom : FAIL_NULL(VIR_ERR_NO_DOMAIN, "no domain with matching uuid '%s'", uuid_format(uuid, text));
}

virDomainPtr core_domain_lookup_by_id(virConnectPtr conn, int id)
{
    virDomainPtr dom = found(conn, store_by_id(host_domains(api_host(conn)), id));
    return dom ? dom : FAIL_NULL(VIR_ERR_NO_DOMAIN, "no domain with matching id %d", id);
}

/* Whether a group of two opposite flags lets a domain pass: no flag of the group, or the one that fits. */
static gboolean passes(unsigned int flags, unsigned int yes, unsigned int no, gboolean is)
{
    return !(flags & (yes | no)) || (flags & (is ? yes : no));
}

static gboolean passes_state(unsigned int flags, const DomainState *state)
{
    unsigned int which;
    switch (state->state) {
    case VIR_DOMAIN_RUNNING: which = VIR_CONNECT_LIST_DOMAINS_RUNNING; break;
    case VIR_DOMAIN_PAUSED: which = VIR_CONNECT_LIST_DOMAINS_PAUSED; break;
    case VIR_DOMAIN_SHUTOFF: which = VIR_CONNECT_LIST_DOMAINS_SHUTOFF; break;
    default: which = VIR_CONNECT_LIST_DOMAINS_OTHER;
    }
    unsigned int group = VIR_CONNECT_LIST_DOMAINS_RUNNING | VIR_CONNECT_LIST_DOMAINS_PAUSED |
                         VIR_CONNECT_LIST_DOMAINS_SHUTOFF | VIR_CONNECT_LIST_DOMAINS_OTHER;
    return !(flags & group) || (flags & which);
}

#define LIST_FLAGS (VIR_CONNECT_LIST_DOMAINS_ACTIVE | VIR_CONNECT_LIST_DOMAINS_INACTIVE | \
    VIR_CONNECT_LIST_DOMAINS_PERSISTENT | VIR_CONNECT_LIST_DOMAINS_TRANSIENT | VIR_CONNECT_LIST_DOMAINS_RUNNING | \
    VIR_CONNECT_LIST_DOMAINS_PAUSED | VIR_CONNECT_LIST_DOMAINS_SHUTOFF | VIR_CONNECT_LIST_DOMAINS_OTHER | \
    VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE | VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE | \
    VIR_CONNECT_LIST_DOMAINS_AUTOSTART | VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART | \
    VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT | VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT | \
    VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT | VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT)

gboolean domain_passes(const DomainState *state, unsigned int flags)
{
    return domain_visible(state) && passes_state(flags, state) &&
        passes(flags, VIR_CONNECT_LIST_DOMAINS_ACTIVE, VIR_CONNECT_LIST_DOMAINS_INACTIVE, state->guest != NULL) &&
        passes(flags, VIR_CONNECT_LIST_DOMAINS_PERSISTENT, VIR_CONNECT_LIST_DOMAINS_TRANSIENT, state->persistent) &&
        passes(flags, VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE,
               state->managed_save) &&
        passes(flags, VIR_CONNECT_LIST_DOMAINS_AUTOSTART, VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART, state->autostart) &&
        passes(flags, VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT,
               state->snapshots != NULL) &&
        passes(flags, VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT,
               state->checkpoints != NULL);
}

int core_connect_list_all_domains(virConnectPtr conn, virDomainPtr **domains, unsigned int flags)
{
    API_FLAGS(flags, LIST_FLAGS, -1);
    g_autoptr(GPtrArray) all = store_list(host_domains(api_host(conn)), NULL, NULL);
    virDomainPtr *list = domains ? g_new0(virDomainPtr, all->len + 1) : NULL;
    int n = 0;
    for (guint i = 0; i < all->len; i++) {
        DomainObj *obj = all->pdata[i];
        g_autoptr(DomainState) state = domain_state(obj);
        if (!domain_passes(state, flags))
            continue;
        if (list)
            list[n] = api_handle(conn, obj, state);
        n++;
    }
    if (domains)
        *domains = list;
    return n;
}

static gboolean is_active(StoreEntry *entry, void *opaque)
{
    return entry->id >= 0;
}

int core_connect_num_of_domains(virConnectPtr conn)
{
    return (int) store_count(host_domains(api_host(conn)), is_active, NULL);
}

int core_connect_list_domains(virConnectPtr conn, int *ids, int maxids)
{
    g_autoptr(GPtrArray) all = store_list(host_domains(api_host(conn)), is_active, NULL);
    int n = 0;
    for (guint i = 0; i < all->len && n < maxids; i++) {
        g_autoptr(DomainState) state = domain_state(all->pdata[i]);
        if (state->guest)
            ids[n++] = state->guest->id;
    }
    return n;
}

static gboolean is_inactive_domain(StoreEntry *entry, void *opaque)
{
    g_autoptr(DomainState) state = domain_state((DomainObj *) entry);
    return state->persistent && !state->guest;
}

int core_connect_num_of_defined_domains(virConnectPtr conn)
{
    return (int) store_count(host_domains(api_host(conn)), is_inactive_domain, NULL);
}

int core_connect_list_defined_domains(virConnectPtr conn, char **const names, int maxnames)
{
    g_autoptr(GPtrArray) all = store_list(host_domains(api_host(conn)), is_inactive_domain, NULL);
    int n = 0;
    for (guint i = 0; i < all->len && n < maxnames; i++) {
        g_autoptr(DomainState) state = domain_state(all->pdata[i]);
        names[n++] = g_strdup(state->name);
    }
    return n;
}

int core_domain_is_active(virDomainPtr dom)
{
    g_auto(Access) a = { NULL };
    return api_begin(&a, dom) < 0 ? -1 : a.state->guest != NULL;
}

int core_domain_is_persistent(virDomainPtr dom)
{
    g_auto(Access) a = { NULL };
    return api_begin(&a, dom) < 0 ? -1 : a.state->persistent;
}

int core_domain_is_updated(virDomainPtr dom)
{
    g_auto(Access) a = { NULL };
    return api_begin(&a, dom) < 0 ? -1 : a.state->updated;
}
