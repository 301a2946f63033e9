/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lists and lookups of snapshots and checkpoints: from published states, nothing here waits.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "domain/api_moments.h"
#include "domain/functions.h"

int api_fail_no_moment(const MomentKind *kind, const char *name)
{
    return FAIL(kind->error_none, "no domain %s with matching name '%s'", kind->word, name);
}

Moment *api_moment(const MomentKind *kind, const Access *a, const char *name)
{
    Moment *moment = moments_find(moments_of(kind, a->state), name);
    return moment ? moment : (api_fail_no_moment(kind, name), NULL);
}

static void *handle_new(const MomentKind *kind, virDomainPtr dom, const char *name)
{
    return kind == &MOMENT_SNAPSHOT ? (void *) domain_snapshot_handle_new(dom, name)
                                    : (void *) domain_checkpoint_handle_new(dom, name);
}

/* What @query names, of the domain. NULL with an error. */
static GPtrArray *chosen(const MomentKind *kind, virDomainPtr dom, const MomentQuery *query)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0 || (query->below && !api_moment(kind, &a, query->below)))
        return NULL;
    return moments_select(moments_of(kind, a.state), query);
}

static int count(const MomentKind *kind, virDomainPtr dom, const MomentQuery *query)
{
    g_autoptr(GPtrArray) list = chosen(kind, dom, query);
    return list ? (int) list->len : -1;
}

static int list_names(const MomentKind *kind, virDomainPtr dom, const MomentQuery *query, char **names, int max)
{
    g_autoptr(GPtrArray) list = chosen(kind, dom, query);
    if (!list)
        return -1;
    int n = (int) MIN(list->len, (guint) MAX(max, 0));
    for (int i = 0; i < n; i++)
        names[i] = g_strdup(((Moment *) list->pdata[i])->name);
    return n;
}

static int list_handles(const MomentKind *kind, virDomainPtr dom, const MomentQuery *query, void ***handles)
{
    g_autoptr(GPtrArray) list = chosen(kind, dom, query);
    if (!list)
        return -1;
    if (handles) {
        *handles = g_new0(void *, list->len + 1);
        for (guint i = 0; i < list->len; i++)
            (*handles)[i] = handle_new(kind, dom, ((Moment *) list->pdata[i])->name);
    }
    return (int) list->len;
}

/* ---- snapshots ---- */

#define BOTH_SNAPSHOT_FLAGS (VIR_DOMAIN_SNAPSHOT_LIST_METADATA | VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA | \
    VIR_DOMAIN_SNAPSHOT_LIST_LEAVES | VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES | VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE | \
    VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE | VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY | VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL | \
    VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL | VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL)
#define LIST_SNAPSHOT_FLAGS (BOTH_SNAPSHOT_FLAGS | VIR_DOMAIN_SNAPSHOT_LIST_ROOTS)
#define CHILD_SNAPSHOT_FLAGS (BOTH_SNAPSHOT_FLAGS | VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS)

static gboolean snapshot_fits(const Moment *moment, unsigned int flags)
{
    const DomainSnapshotDef *def = moment_snapshot(moment);
    unsigned int status = flags & (VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE | VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE |
                                   VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY);
    unsigned int where = flags & (VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL | VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL);
    unsigned int own_status = def->state == DOMAIN_SNAPSHOT_STATE_DISK_SNAPSHOT ? VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY
                            : def->state == DOMAIN_SNAPSHOT_STATE_SHUTOFF ? VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE
                            : VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE;
    if (status && !(status & own_status))
        return FALSE;
    if (where && !(where & (snapshot_is_external(def) ? VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL
                                                      : VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL)))
        return FALSE;
    /* all that are known have metadata */
    return !(flags & VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA) || (flags & VIR_DOMAIN_SNAPSHOT_LIST_METADATA);
}

static MomentQuery snapshot_query(const char *below, unsigned int flags)
{
    gboolean bit = flags & VIR_DOMAIN_SNAPSHOT_LIST_ROOTS; /* below a snapshot the same bit means the reverse */
    return (MomentQuery) {
        .below = below, .direct = below ? !bit : bit, .leaves = flags & VIR_DOMAIN_SNAPSHOT_LIST_LEAVES,
        .inner = flags & VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES,
        .topological = flags & VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL, .filter = snapshot_fits, .flags = flags,
    };
}

int core_domain_snapshot_num(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, LIST_SNAPSHOT_FLAGS, -1);
    MomentQuery query = snapshot_query(NULL, flags);
    return count(&MOMENT_SNAPSHOT, dom, &query);
}

int core_domain_snapshot_list_names(virDomainPtr dom, char **names, int nameslen, unsigned int flags)
{
    API_FLAGS(flags, LIST_SNAPSHOT_FLAGS, -1);
    MomentQuery query = snapshot_query(NULL, flags);
    return list_names(&MOMENT_SNAPSHOT, dom, &query, names, nameslen);
}

int core_domain_list_all_snapshots(virDomainPtr dom, virDomainSnapshotPtr **snaps, unsigned int flags)
{
    API_FLAGS(flags, LIST_SNAPSHOT_FLAGS, -1);
    MomentQuery query = snapshot_query(NULL, flags);
    return list_handles(&MOMENT_SNAPSHOT, dom, &query, (void ***) snaps);
}

int core_domain_snapshot_num_children(virDomainSnapshotPtr snapshot, unsigned int flags)
{
    API_FLAGS(flags, CHILD_SNAPSHOT_FLAGS, -1);
    MomentQuery query = snapshot_query(snapshot->name, flags);
    return count(&MOMENT_SNAPSHOT, snapshot->domain, &query);
}

int core_domain_snapshot_list_children_names(virDomainSnapshotPtr snapshot, char **names, int nameslen,
                                             unsigned int flags)
{
    API_FLAGS(flags, CHILD_SNAPSHOT_FLAGS, -1);
    MomentQuery query = snapshot_query(snapshot->name, flags);
    return list_names(&MOMENT_SNAPSHOT, snapshot->domain, &query, names, nameslen);
}

int core_domain_snapshot_list_all_children(virDomainSnapshotPtr snapshot, virDomainSnapshotPtr **snaps,
                                           unsigned int flags)
{
    API_FLAGS(flags, CHILD_SNAPSHOT_FLAGS, -1);
    MomentQuery query = snapshot_query(snapshot->name, flags);
    return list_handles(&MOMENT_SNAPSHOT, snapshot->domain, &query, (void ***) snaps);
}

/* ---- checkpoints ---- */

#define BOTH_CHECKPOINT_FLAGS (VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL | VIR_DOMAIN_CHECKPOINT_LIST_LEAVES | \
    VIR_DOMAIN_CHECKPOINT_LIST_NO_LEAVES)

static MomentQuery checkpoint_query(const char *below, unsigned int flags)
{
    gboolean bit = flags & VIR_DOMAIN_CHECKPOINT_LIST_ROOTS;
    return (MomentQuery) {
        .below = below, .direct = below ? !bit : bit, .leaves = flags & VIR_DOMAIN_CHECKPOINT_LIST_LEAVES,
        .inner = flags & VIR_DOMAIN_CHECKPOINT_LIST_NO_LEAVES,
        .topological = flags & VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL,
    };
}

int core_domain_list_all_checkpoints(virDomainPtr dom, virDomainCheckpointPtr **checkpoints, unsigned int flags)
{
    API_FLAGS(flags, BOTH_CHECKPOINT_FLAGS | VIR_DOMAIN_CHECKPOINT_LIST_ROOTS, -1);
    MomentQuery query = checkpoint_query(NULL, flags);
    return list_handles(&MOMENT_CHECKPOINT, dom, &query, (void ***) checkpoints);
}

int core_domain_checkpoint_list_all_children(virDomainCheckpointPtr checkpoint, virDomainCheckpointPtr **children,
                                             unsigned int flags)
{
    API_FLAGS(flags, BOTH_CHECKPOINT_FLAGS | VIR_DOMAIN_CHECKPOINT_LIST_DESCENDANTS, -1);
    MomentQuery query = checkpoint_query(checkpoint->name, flags);
    return list_handles(&MOMENT_CHECKPOINT, checkpoint->domain, &query, (void ***) children);
}

/* ---- lookups ---- */

static void *lookup(const MomentKind *kind, virDomainPtr dom, const char *name)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0 || !api_moment(kind, &a, name))
        return NULL;
    return handle_new(kind, dom, name);
}

static void *parent_of(const MomentKind *kind, virDomainPtr dom, const char *name)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return NULL;
    Moment *moment = api_moment(kind, &a, name);
    if (!moment)
        return NULL;
    if (!moment->parent)
        return FAIL_NULL(kind->error_none, "%s '%s' does not have a parent", kind->word, name);
    return handle_new(kind, dom, moment->parent);
}

virDomainSnapshotPtr core_domain_snapshot_lookup_by_name(virDomainPtr dom, const char *name, unsigned int flags)
{
    API_FLAGS(flags, 0, NULL);
    return lookup(&MOMENT_SNAPSHOT, dom, name);
}

virDomainCheckpointPtr core_domain_checkpoint_lookup_by_name(virDomainPtr dom, const char *name, unsigned int flags)
{
    API_FLAGS(flags, 0, NULL);
    return lookup(&MOMENT_CHECKPOINT, dom, name);
}

virDomainSnapshotPtr core_domain_snapshot_get_parent(virDomainSnapshotPtr snapshot, unsigned int flags)
{
    API_FLAGS(flags, 0, NULL);
    return parent_of(&MOMENT_SNAPSHOT, snapshot->domain, snapshot->name);
}

virDomainCheckpointPtr core_domain_checkpoint_get_parent(virDomainCheckpointPtr checkpoint, unsigned int flags)
{
    API_FLAGS(flags, 0, NULL);
    return parent_of(&MOMENT_CHECKPOINT, checkpoint->domain, checkpoint->name);
}

int core_domain_has_current_snapshot(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    return api_begin(&a, dom) < 0 ? -1 : a.state->snapshots && a.state->snapshots->current;
}

virDomainSnapshotPtr core_domain_snapshot_current(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, 0, NULL);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return NULL;
    if (!a.state->snapshots || !a.state->snapshots->current)
        return FAIL_NULL(VIR_ERR_NO_DOMAIN_SNAPSHOT, "the domain '%s' does not have a current snapshot", API_NAME(&a));
    return domain_snapshot_handle_new(dom, a.state->snapshots->current);
}

int core_domain_snapshot_is_current(virDomainSnapshotPtr snapshot, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, snapshot->domain) < 0 || !api_moment(&MOMENT_SNAPSHOT, &a, snapshot->name))
        return -1;
    return g_strcmp0(a.state->snapshots->current, snapshot->name) == 0;
}

int core_domain_snapshot_has_metadata(virDomainSnapshotPtr snapshot, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    return api_begin(&a, snapshot->domain) < 0 || !api_moment(&MOMENT_SNAPSHOT, &a, snapshot->name) ? -1 : 1;
}

/* ---- XML ---- */

char *core_domain_snapshot_get_xml_desc(virDomainSnapshotPtr snapshot, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_SNAPSHOT_XML_SECURE, NULL);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, snapshot->domain) < 0)
        return NULL;
    Moment *moment = api_moment(&MOMENT_SNAPSHOT, &a, snapshot->name);
    unsigned int secure = flags & VIR_DOMAIN_SNAPSHOT_XML_SECURE ? XML_SECURE : 0;
    return moment ? g_strdup(definition_xml(moment->def, XML_INACTIVE | secure)) : NULL;
}

/* Without the domain, which is most of the text, or with sizes. */
static char *special_text(const Access *a, const Moment *moment, unsigned int flags, unsigned int how)
{
    const DomainBackend *backend = host_backend(a->obj->host);
    DomainCheckpointDef *def = definition_copy(moment->def);
    g_autoptr(Definition) special = definition_new(&DOMAIN_CHECKPOINT_ROOT, def);
    if (flags & VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN)
        g_clear_pointer(&def->domain, domain_def_free);
    if ((flags & VIR_DOMAIN_CHECKPOINT_XML_SIZE) && a->state->guest && backend->checkpoint_sizes &&
        GUEST_CALL(backend->checkpoint_sizes(a->state->guest, def)) < 0)
        return NULL;
    return g_strdup(definition_xml(special, how));
}

char *core_domain_checkpoint_get_xml_desc(virDomainCheckpointPtr checkpoint, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_CHECKPOINT_XML_SECURE | VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN |
              VIR_DOMAIN_CHECKPOINT_XML_SIZE, NULL);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, checkpoint->domain) < 0)
        return NULL;
    Moment *moment = api_moment(&MOMENT_CHECKPOINT, &a, checkpoint->name);
    if (!moment)
        return NULL;
    unsigned int how = XML_INACTIVE | (flags & VIR_DOMAIN_CHECKPOINT_XML_SECURE ? XML_SECURE : 0);
    if (flags & (VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN | VIR_DOMAIN_CHECKPOINT_XML_SIZE))
        return special_text(&a, moment, flags, how);
    return g_strdup(definition_xml(moment->def, how));
}
