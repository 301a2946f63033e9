/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Snapshots: making and deleting them, and going back to them.
 */
#define ERROR_DOMAIN api_error_domain
#define LOG_SOURCE "domain.snapshot"
#include "domain/api.h"
#include "base/log.h"
#include "domain/api_moments.h"
#include "domain/functions.h"

/* ---- create ---- */

#define CREATE_FLAGS (VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE | VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT | \
    VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA | VIR_DOMAIN_SNAPSHOT_CREATE_HALT | VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | \
    VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT | VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE | VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC | \
    VIR_DOMAIN_SNAPSHOT_CREATE_LIVE | VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE)

static int check_create_flags(const DomainBackend *backend, unsigned int flags)
{
    gboolean redefine = flags & VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE;
    if (error_check_flags(ERROR_DOMAIN, "virDomainSnapshotCreateXML", flags, CREATE_FLAGS & ~backend->no_snapshot_flags) < 0)
        return -1;
    if ((flags & VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT) && !redefine)
        return FAIL(VIR_ERR_INVALID_ARG, "only a redefined snapshot can be asked to become the current one; others do");
    if (redefine && (flags & (VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA | VIR_DOMAIN_SNAPSHOT_CREATE_HALT)))
        return FAIL(VIR_ERR_INVALID_ARG, "a redefined snapshot consists of metadata; no guest takes part");
    return 0;
}

static DomainSnapshotState state_of(const Access *a)
{
    if (!a->state->guest)
        return DOMAIN_SNAPSHOT_STATE_SHUTOFF;
    return (DomainSnapshotState) (a->state->state + 1); /* ours begin with UNSET */
}

static gboolean is_online(DomainSnapshotState state)
{
    return state != DOMAIN_SNAPSHOT_STATE_SHUTOFF && state != DOMAIN_SNAPSHOT_STATE_DISK_SNAPSHOT;
}

/* Disks go on with the new images of an external snapshot. */
static int use_new_images(DomainDef *def, void *opaque)
{
    const DomainSnapshotDef *snapshot = opaque;
    for (guint i = 0; i < snapshot->disks.n_disks; i++) {
        const DomainSnapshotDisk *part = snapshot->disks.disks[i];
        for (guint j = 0; part->snapshot == DOMAIN_DISK_SNAPSHOT_EXTERNAL && j < def->devices.n_disks; j++) {
            DomainDisk *disk = def->devices.disks[j];
            if (g_strcmp0(disk->target.dev, part->name) != 0)
                continue;
            xml_struct_clear(&STORAGE_SOURCE_DESC, &disk->source);
            xml_struct_copy_into(&STORAGE_SOURCE_DESC, &disk->source, &part->source);
            disk->source.type = part->source.type;
            disk->driver.type = part->driver_type ? part->driver_type : STORAGE_FORMAT_QCOW2;
        }
    }
    return 0;
}

static int change_images(Access *a, DomainSnapshotDef *snapshot)
{
    if (a->state->guest) {
        g_autoptr(DomainDef) live = shared_def_copy(a->state->live);
        use_new_images(live, snapshot);
        if (api_publish_live(a, g_steal_pointer(&live)) < 0)
            return -1;
    }
    return a->state->persistent ? config_edit(a->obj, use_new_images, snapshot, NULL) : 0;
}

/* What a running domain would be after its next start; hosts without files have never told. */
static int fill_inactive(const Access *a, DomainSnapshotDef *def)
{
    g_clear_pointer(&def->inactive_domain, domain_def_free);
    if (!a->state->guest || !a->state->persistent || !host_paths(a->obj->host))
        return 0;
    g_autoptr(SharedDef) config = domain_config(a->obj, a->state);
    def->inactive_domain = config ? shared_def_copy(config) : NULL;
    return config ? 0 : -1;
}

/* A running domain's memory is kept, unless only disks are wanted: elsewhere if the client says where. */
static int decide_memory(const Access *a, DomainSnapshotDef *def, gboolean disk_only)
{
    def->state = disk_only ? DOMAIN_SNAPSHOT_STATE_DISK_SNAPSHOT : state_of(a);
    if (snapshot_check_memory(def) < 0)
        return -1;
    if (def->memory.snapshot != DOMAIN_DISK_SNAPSHOT_EXTERNAL)
        def->memory.snapshot = DOMAIN_DISK_SNAPSHOT_UNSET;
    else if (disk_only)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "a snapshot of disks only has no memory that could be kept in '%s'",
                    def->memory.file);
    return 0;
}

static int take(Access *a, DomainSnapshotDef *def, unsigned int flags)
{
    const DomainBackend *backend = host_backend(a->obj->host);
    Guest *guest = a->state->guest;
    if (a->state->checkpoints)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "domain '%s' has checkpoints, which snapshots would spoil", API_NAME(a));
    if ((flags & VIR_DOMAIN_SNAPSHOT_CREATE_HALT) && !a->state->persistent)
        return FAIL(VIR_ERR_OPERATION_INVALID, "cannot halt the transient domain '%s': its snapshots would be gone with it",
                    API_NAME(a));
    if (moment_fill(&MOMENT_SNAPSHOT, a, def) < 0 || fill_inactive(a, def) < 0 ||
        decide_memory(a, def, flags & VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY) < 0 || snapshot_align(def, TRUE) < 0)
        return -1;
    int rc = GUEST_CALL(backend->snapshot_create(a->obj->host, guest, def, flags));
    return rc > 0 ? change_images(a, def) : rc;
}

/* A snapshot that can't be noted down is given up. New images are in use by now: they stay. */
static void release(Access *a, const Moment *moment)
{
    const DomainBackend *backend = host_backend(a->obj->host);
    if (!backend->snapshot_delete || snapshot_is_external(moment_snapshot(moment)))
        return;
    virErrorPtr error = error_save();
    if (GUEST_CALL(backend->snapshot_delete(a->obj->host, a->state->guest, moment, 0)) < 0)
        LOG_ERROR("snapshot '%s' of domain '%s' stays without metadata: %s", moment->name, API_NAME(a), error_message());
    error_restore(error);
}

static int finish(Access *a, Moment *moment, unsigned int flags)
{
    Guest *guest = a->state->guest;
    if (!(flags & VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA) && moments_add(&MOMENT_SNAPSHOT, a->obj, moment, TRUE) < 0) {
        release(a, moment);
        return -1;
    }
    return guest && (flags & VIR_DOMAIN_SNAPSHOT_CREATE_HALT)
        ? run_end(guest, VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT, VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT) : 0;
}

static int check_state(const DomainSnapshotDef *def)
{
    if (def->state == DOMAIN_SNAPSHOT_STATE_NOSTATE)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the snapshot '%s' can't be of a domain in no state", def->name);
    if (!def->has_creation_time || def->state != DOMAIN_SNAPSHOT_STATE_UNSET)
        return 0; /* without time there is another error */
    return FAIL(VIR_ERR_XML_ERROR, "the snapshot '%s' lacks its state", def->name);
}

/* What a definition says that is given back must fit together. */
static int align_given(DomainSnapshotDef *def)
{
    if (snapshot_check_memory(def) < 0)
        return -1;
    if (!is_online(def->state) && def->memory.snapshot > DOMAIN_DISK_SNAPSHOT_NO)
        return FAIL(VIR_ERR_XML_ERROR, "there is no memory to be kept in the snapshot '%s'", def->name);
    return snapshot_align(def, FALSE);
}

static int redefine(Access *a, DomainSnapshotDef *def, const char *xml, unsigned int flags)
{
    if (!def->name)
        return FAIL(VIR_ERR_XML_ERROR, "a redefined snapshot must have a name");
    Moment *old = moments_find(a->state->snapshots, def->name);
    if (check_state(def) < 0 || moment_check_again(&MOMENT_SNAPSHOT, a, def, xml) < 0 ||
        (def->inactive_domain && definition_complete(a->obj->host, def->inactive_domain, xml) < 0))
        return -1;
    if (old && strcmp(moment_snapshot(old)->domain->name, def->domain->name) != 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the domain in the snapshot '%s' can't change its name from '%s' to '%s'", def->name,
                    moment_snapshot(old)->domain->name, def->domain->name);
    if (old && is_online(moment_snapshot(old)->state) != is_online(def->state))
        return FAIL(VIR_ERR_INVALID_ARG, "the snapshot '%s' can't change between online and offline", def->name);
    return align_given(def);
}

virDomainSnapshotPtr core_domain_snapshot_create_xml(virDomainPtr dom, const char *xml, unsigned int flags)
{
    g_auto(Access) a = { NULL };
    gboolean again = flags & VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE;
    if (check_create_flags(host_backend(api_host(dom->o.conn)), flags) < 0 || api_begin_long(&a, dom, "virDomainSnapshotCreateXML") < 0)
        return NULL;
    DomainSnapshotDef *def = definition_read(&DOMAIN_SNAPSHOT_ROOT, xml, flags & VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE);
    if (!def)
        return NULL;
    int rc = again ? redefine(&a, def, xml, flags) : take(&a, def, flags);
    g_autoptr(Moment) moment = moment_new(&MOMENT_SNAPSHOT, def);
    if (rc == 0)
        rc = again ? moments_add(&MOMENT_SNAPSHOT, a.obj, moment, flags & VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT)
                   : finish(&a, moment, flags);
    return rc < 0 ? NULL : domain_snapshot_handle_new(dom, moment->name);
}

/* ---- adopt ---- */

typedef struct Adoption { GPtrArray *moments; char *current; } Adoption;

static int adopt_one(Access *a, const char *document, Adoption *all)
{
    int active;
    DomainSnapshotDef *def = moment_read(&MOMENT_SNAPSHOT, document, strlen(document), "(snapshot)", &active);
    if (!def)
        return -1;
    int rc = moment_check_whole(&MOMENT_SNAPSHOT, a, def, document) < 0 || check_state(def) < 0 ||
             align_given(def) < 0 ? -1 : 0;
    Moment *moment = moment_new(&MOMENT_SNAPSHOT, def);
    g_ptr_array_add(all->moments, moment);
    if (rc < 0)
        return -1;
    if (active < 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "snapshot '%s' lacks <active> with 1 for the current one, 0 for others",
                    moment->name);
    if (active && all->current)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "both '%s' and '%s' claim to be the current snapshot", all->current, moment->name);
    for (guint i = 0; i + 1 < all->moments->len; i++) {
        if (strcmp(((Moment *) all->moments->pdata[i])->name, moment->name) == 0)
            return FAIL(VIR_ERR_OPERATION_FAILED, "there are two snapshots '%s'", moment->name);
    }
    if (active)
        all->current = g_strdup(moment->name);
    return 0;
}

static int adopt_all(Access *a, Adoption *all)
{
    g_autoptr(GPtrArray) roots = g_ptr_array_new_with_free_func((GDestroyNotify) moment_unref);
    moments_cut(&MOMENT_SNAPSHOT, all->moments, roots);
    if (roots->len > 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the snapshots of domain '%s' are no tree: the parent of '%s' is not there, or comes "
                    "after it", API_NAME(a), ((Moment *) roots->pdata[0])->name);
    g_autoptr(MomentSet) set = moments_new(all->moments, NULL);
    g_autoptr(GPtrArray) ordered = moments_select(set, &(MomentQuery) { .topological = TRUE });
    for (guint i = 0; i < ordered->len; i++) {
        Moment *moment = ordered->pdata[i];
        if (moments_add(&MOMENT_SNAPSHOT, a->obj, moment, g_strcmp0(moment->name, all->current) == 0) < 0)
            return -1;
    }
    return 0;
}

int core_domain_adopt_snapshots(virDomainPtr dom, char *const *documents, guint n)
{
    g_auto(Access) a = { NULL };
    Adoption all = { g_ptr_array_new_with_free_func((GDestroyNotify) moment_unref), NULL };
    int rc = api_begin_job(&a, dom, JOB_MODIFY, "virDomainSnapshotCreateXML");
    for (guint i = 0; rc == 0 && i < n; i++)
        rc = adopt_one(&a, documents[i], &all);
    if (rc == 0)
        rc = adopt_all(&a, &all);
    g_ptr_array_unref(all.moments);
    g_free(all.current);
    return rc;
}

/* ---- revert ---- */

/* A definition that the domain gets: the snapshot's, under the domain's present name. */
static SharedDef *reverted_def(const Access *a, const DomainDef *domain)
{
    DomainDef *def = domain_def_copy(domain);
    g_free(def->name);
    def->name = g_strdup(API_NAME(a));
    def->has_id = false;
    return shared_def_new(def);
}

static int end_for_revert(Access *a)
{
    Guest *guest = a->state->guest;
    if (!guest)
        return 0;
    if (run_end(guest, VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT, VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT) < 0)
        return -1;
    return run_wait_ended(guest, guest_deadline_ms(guest)) ? 0
        : FAIL(VIR_ERR_OPERATION_TIMEOUT, "the end of domain '%s' is under way but not over", API_NAME(a));
}

/* What the domain does after @flags, or else as in the snapshot: VIR_DOMAIN_RUNNING, _PAUSED or _SHUTOFF. */
static int target_state(const DomainSnapshotDef *snapshot, unsigned int flags)
{
    if (flags & VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING)
        return VIR_DOMAIN_RUNNING;
    if (flags & VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED)
        return VIR_DOMAIN_PAUSED;
    switch (snapshot->state) {
    case DOMAIN_SNAPSHOT_STATE_RUNNING: return VIR_DOMAIN_RUNNING;
    case DOMAIN_SNAPSHOT_STATE_PAUSED: return VIR_DOMAIN_PAUSED;
    default: return VIR_DOMAIN_SHUTOFF;
    }
}

static int go_back(Access *a, const DomainSnapshotDef *snapshot, int state, unsigned int flags)
{
    const DomainBackend *backend = host_backend(a->obj->host);
    RunOptions options = RUN_OPTIONS_INIT;
    g_autoptr(SharedDef) def = reverted_def(a, snapshot->domain);
    g_autoptr(SharedDef) config = snapshot->inactive_domain ? reverted_def(a, snapshot->inactive_domain)
                                                            : shared_def_ref(def);
    gboolean memory = is_online(snapshot->state);
    if (end_for_revert(a) < 0 || run_drop_saved(a->obj) < 0 ||
        GUEST_CALL(backend->snapshot_revert(a->obj->host, snapshot, flags)) < 0 ||
        (a->state->persistent && config_replace(a->obj, config, NULL) < 0))
        return -1;
    if (state == VIR_DOMAIN_SHUTOFF)
        return 0;
    options.paused = state == VIR_DOMAIN_PAUSED;
    options.start.flags = flags & VIR_DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM ? VIR_DOMAIN_START_RESET_NVRAM : 0;
    options.start.snapshot = memory ? snapshot : NULL;
    options.running_reason = VIR_DOMAIN_RUNNING_FROM_SNAPSHOT;
    options.started_detail = VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT;
    options.paused_detail = VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT;
    return run_start(a->obj, def, &options);
}

static int revert(Access *a, const char *name, unsigned int flags)
{
    g_autoptr(DomainState) before = domain_state(a->obj);
    Moment *moment = api_moment(&MOMENT_SNAPSHOT, a, name);
    if (!moment)
        return -1;
    const DomainSnapshotDef *snapshot = moment_snapshot(moment);
    int state = target_state(snapshot, flags);
    if (!a->state->persistent && state == VIR_DOMAIN_SHUTOFF)
        return FAIL(VIR_ERR_OPERATION_INVALID, "the transient domain '%s' would be gone after going back to the inactive snapshot "
                    "'%s'; ask for it to run or to be paused", API_NAME(a), name);
    if (!domain_hold(a->obj))
        return FAIL(VIR_ERR_OPERATION_INVALID, "the transient domain '%s' has ended", API_NAME(a));
    int rc = go_back(a, snapshot, state, flags);
    if (rc == 0)
        rc = moments_set_current(&MOMENT_SNAPSHOT, a->obj, name);
    domain_let_go(a->obj); /* a transient one whose start failed isn't there any more */
    return rc;
}

int core_domain_revert_to_snapshot(virDomainSnapshotPtr snapshot, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING | VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED |
              VIR_DOMAIN_SNAPSHOT_REVERT_FORCE | VIR_DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM, -1);
    g_auto(Access) a = { NULL };
    if ((flags & VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING) && (flags & VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED))
        return FAIL(VIR_ERR_INVALID_ARG, "a domain can't be both running and paused after going back to a snapshot");
    if (api_begin_long(&a, snapshot->domain, "virDomainRevertToSnapshot") < 0)
        return -1;
    return revert(&a, snapshot->name, flags);
}

/* ---- delete ---- */

typedef int (*ContentDelete)(DomainHost *host, Guest *guest, const Moment *moment, unsigned int flags);
typedef struct Deletion { Access a; ContentDelete content; unsigned int flags; } Deletion;

/* Snapshots' and checkpoints' flags are the same. */
G_STATIC_ASSERT((int) VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN == (int) VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN &&
                (int) VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY == (int) VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY &&
                (int) VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY == (int) VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY);

static int delete_content(const Moment *moment, void *opaque)
{
    Deletion *d = opaque;
    if (!d->content || (d->flags & VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY))
        return 0;
    return GUEST_CALL(d->content(d->a.obj->host, d->a.state->guest, moment, d->flags));
}

static int delete_below(const MomentKind *kind, Deletion *d, const char *name)
{
    const MomentSet *set = moments_of(kind, d->a.state);
    g_autoptr(GPtrArray) gone = moments_select(set, &(MomentQuery) { .below = name });
    /* when the current one is among them, who stays above takes its place */
    if (set->current && moments_descends(set, set->current, name) && moments_set_current(kind, d->a.obj, name) < 0)
        return -1;
    return moments_remove_all(kind, d->a.obj, gone, delete_content, d);
}

static int delete_all(const MomentKind *kind, Deletion *d, const char *name)
{
    const DomainBackend *backend = host_backend(d->a.obj->host);
    unsigned int below = VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN | VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY;
    Moment *top = api_moment(kind, &d->a, name);
    d->content = kind == &MOMENT_SNAPSHOT ? backend->snapshot_delete : backend->checkpoint_delete;
    if (!top || ((d->flags & below) && delete_below(kind, d, name) < 0))
        return -1;
    if (d->flags & VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY)
        return 0;
    return delete_content(top, d) < 0 ? -1 : moments_remove(kind, d->a.obj, name);
}

int api_delete_moments(const MomentKind *kind, virDomainPtr dom, const char *name, unsigned int flags, const char *api)
{
    Deletion d = { .flags = flags };
    if ((flags & VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN) && (flags & VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY))
        return FAIL(VIR_ERR_INVALID_ARG, "children with their parent and children only can't both be deleted");
    int rc = api_begin_long(&d.a, dom, api) < 0 ? -1 : delete_all(kind, &d, name);
    api_end(&d.a);
    return rc;
}

int core_domain_snapshot_delete(virDomainSnapshotPtr snapshot, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN | VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY |
              VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY, -1);
    return api_delete_moments(&MOMENT_SNAPSHOT, snapshot->domain, snapshot->name, flags, "virDomainSnapshotDelete");
}
