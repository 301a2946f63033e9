/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Filters and bindings as managed objects, and which filter needs which. A change looks at several of them (circles, use) and at
 * what is in force: there is one at a time, by a job of the host's that goes before those of the objects.
 */
#define ERROR_DOMAIN VIR_FROM_NWFILTER
#define LOG_SOURCE "nwfilter.host"
#include "nwfilter/host.h"
#include <stddef.h>
#include <string.h>
#include "base/error.h"
#include "base/log.h"

/* Longest wait for other people's changes: a hundred may queue, each of a filter of a hundred interfaces. */
#define DEADLINE_MS 120000

struct NwfilterHost {
    const NwfilterBackend *backend;
    void *priv;
    ManagedTable *filters, *bindings;
    JobQueue jobs; /* one change at a time */
    /* with a change: */
    gboolean stale;   /* what the firewall has is not what the bindings say */
    gboolean anyhow;  /* what starts may be cut off instead */
};

/* ---- kinds ---- */

static void *filter_handle(virConnectPtr conn, const Managed *obj, const void *def)
{
    return nwfilter_handle_new(conn, MANAGED_NAME(obj), obj->entry.uuid);
}

static void *binding_handle(virConnectPtr conn, const Managed *obj, const void *def)
{
    return nwfilter_binding_handle_new(conn, MANAGED_NAME(obj), ((const NwfilterBindingDef *) def)->filterref.filter);
}

static int filter_check(void *def) { return nwfilter_complete(def); }
static int binding_check(void *def) { return nwfilter_binding_complete(def); }

static const ManagedKind filter_kind = {
    .name = "nwfilter",
    .root = &NWFILTER_ROOT,
    .error_domain = VIR_FROM_NWFILTER,
    .no_object = VIR_ERR_NO_NWFILTER,
    .clash = VIR_ERR_OPERATION_FAILED,
    .name_at = offsetof(NwfilterDef, name),
    .uuid_at = offsetof(NwfilterDef, uuid),
    .has_uuid_at = offsetof(NwfilterDef, has_uuid),
    .complete = filter_check,
    .handle = filter_handle,
    .edit = "nwfilter-edit",
};

static const ManagedKind binding_kind = {
    .name = "nwfilter binding",
    .root = &NWFILTER_BINDING_ROOT,
    .error_domain = VIR_FROM_NWFILTER,
    .no_object = VIR_ERR_NO_NWFILTER_BINDING,
    .clash = VIR_ERR_OPERATION_FAILED,
    .name_at = offsetof(NwfilterBindingDef, portdev),
    .uuid_at = -1,
    .has_uuid_at = -1,
    .complete = binding_check,
    .handle = binding_handle,
    .status = "filterbindingstatus",
};

static int begin_change(NwfilterHost *host, const char *api)
{
    static const JobSubject subject = { VIR_FROM_NWFILTER, "firewall", "of the host", NULL };
    return job_begin(&host->jobs, JOB_MODIFY, &subject, api, DEADLINE_MS);
}

static void end_change(NwfilterHost *host)
{
    job_end(&host->jobs, JOB_MODIFY);
}

/* ---- trees of filters ---- */

/* The filters that one needs, itself first. */
typedef struct Tree {
    ManagedTable *filters;
    Definition *draft;     /* stands for the filter of its name; may be NULL */
    GHashTable *seen;      /* names, which belong to the definitions in @found */
    GPtrArray *found;      /* Definition, references */
    char *missing;         /* name of a filter that isn't there */
} Tree;

static void release(void *definition) { definition_unref(definition); }

static void tree_init(Tree *tree, ManagedTable *filters, Definition *draft)
{
    *tree = (Tree) { filters, draft, g_hash_table_new(g_str_hash, g_str_equal), g_ptr_array_new_with_free_func(release), NULL };
}

static void tree_clear(Tree *tree)
{
    g_hash_table_unref(tree->seen);
    g_ptr_array_unref(tree->found);
    g_free(tree->missing);
}

static const NwfilterDef *def_of(Definition *definition) { return definition_get(definition); }

/* The definition that is called @name, a reference; NULL if there is none. */
static Definition *tree_find(const Tree *tree, const char *name)
{
    if (tree->draft && strcmp(def_of(tree->draft)->name, name) == 0)
        return definition_ref(tree->draft);
    g_autoptr(Managed) obj = managed_peek(tree->filters, NULL, name);
    g_autoptr(ManagedState) state = obj ? managed_state(obj) : NULL;
    return state && state->config ? definition_ref(state->config) : NULL;
}

static void tree_note(Tree *tree, const char *name)
{
    if (g_hash_table_contains(tree->seen, name))
        return;
    Definition *definition = tree_find(tree, name);
    if (definition) {
        g_ptr_array_add(tree->found, definition);
        g_hash_table_add(tree->seen, def_of(definition)->name);
    } else if (!tree->missing) {
        tree->missing = g_strdup(name);
    }
}

static void tree_note_refs(Tree *tree, const NwfilterDef *def)
{
    for (guint i = 0; i < def->n_entries; i++) {
        if (def->entries[i]->kind == NWFILTER_ENTRY_KIND_FILTERREF)
            tree_note(tree, def->entries[i]->ref.filter);
    }
}

/* Go on from what has been noted. Each name is noted once, so that it ends. */
static void tree_walk(Tree *tree)
{
    for (guint i = 0; i < tree->found->len; i++)
        tree_note_refs(tree, def_of(tree->found->pdata[i]));
}

/* ---- what is in force ---- */

/* What one binding needs, with references on all of it. */
typedef struct Needs { Definition *binding; Tree tree; NwfilterUse use; } Needs;

static void needs_free(void *opaque)
{
    Needs *needs = opaque;
    tree_clear(&needs->tree);
    definition_unref(needs->binding);
    g_free(needs->use.filters);
    g_free(needs);
}

/* NULL with an error if a filter is missing. */
static Needs *needs_of(NwfilterHost *host, Definition *binding, Definition *draft)
{
    Needs *needs = g_new0(Needs, 1);
    needs->binding = definition_ref(binding);
    needs->use.binding = definition_get(binding);
    tree_init(&needs->tree, host->filters, draft);
    tree_note(&needs->tree, needs->use.binding->filterref.filter);
    tree_walk(&needs->tree);
    if (needs->tree.missing) {
        error_report(ERROR_DOMAIN, VIR_ERR_INTERNAL_ERROR, "filter '%s', which interface '%s' needs, is missing ('virsh nwfilter-list' shows "
                     "those that are there)", needs->tree.missing, needs->use.binding->portdev);
        needs_free(needs);
        return NULL;
    }
    needs->use.n_filters = needs->tree.found->len;
    needs->use.filters = g_new(const NwfilterDef *, needs->use.n_filters);
    for (guint i = 0; i < needs->use.n_filters; i++)
        needs->use.filters[i] = def_of(needs->tree.found->pdata[i]);
    return needs;
}

static int put_in_firewall(NwfilterHost *host, GPtrArray *bindings, Definition *draft, gboolean anyhow)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(needs_free);
    g_autofree NwfilterUse *uses = g_new0(NwfilterUse, bindings->len);
    for (guint i = 0; i < bindings->len; i++) {
        Needs *needs = needs_of(host, bindings->pdata[i], draft);
        uses[i] = needs ? needs->use : (NwfilterUse) { .binding = definition_get(bindings->pdata[i]) };
        if (needs)
            g_ptr_array_add(all, needs);
        else if (!anyhow)
            return -1;
        else
            LOG_ERROR("%s", error_message());
    }
    return host->backend->bind && bindings->len ? host->backend->bind(host, uses, bindings->len, anyhow) : 0;
}

static gboolean is_lost(NwfilterHost *host)
{
    virErrorPtr error = error_save();
    host->stale = host->stale || (host->backend->lost && host->backend->lost(host));
    error_restore(error);
    return host->stale;
}

static int catch_up(NwfilterHost *host);

/* Put what @bindings (Definition) need in force, all or none; @anyhow: as the backend's. */
static int put_in_force(NwfilterHost *host, GPtrArray *bindings, Definition *draft, gboolean anyhow)
{
    int rc = put_in_firewall(host, bindings, draft, anyhow);
    if (rc == 0 || !is_lost(host))
        return rc;
    return catch_up(host) < 0 ? -1 : put_in_firewall(host, bindings, draft, anyhow);
}

static const NwfilterBindingDef *binding_def(const ManagedState *state)
{
    return definition_get(managed_definition(state));
}

typedef struct Need { NwfilterHost *host; const char *filter; Definition *draft; } Need;

static gboolean needs(Managed *obj, const ManagedState *state, void *opaque)
{
    const Need *need = opaque;
    Tree tree;
    tree_init(&tree, need->host->filters, need->draft);
    tree_note(&tree, binding_def(state)->filterref.filter);
    tree_walk(&tree);
    gboolean found = g_hash_table_contains(tree.seen, need->filter);
    tree_clear(&tree);
    return found;
}

/* The bindings that need a filter, by its name (NULL: all): their definitions. @draft: the filter itself, which may be a new one. */
static GPtrArray *users_of(NwfilterHost *host, const char *filter, Definition *draft)
{
    Need need = { host, filter, draft };
    g_autoptr(GPtrArray) objects = managed_objects(host->bindings, MANAGED_LIST_ACTIVE, filter ? needs : NULL, &need);
    GPtrArray *definitions = g_ptr_array_new_with_free_func(release);
    for (guint i = 0; i < objects->len; i++) {
        g_autoptr(ManagedState) state = managed_state(objects->pdata[i]);
        if (state->live)
            g_ptr_array_add(definitions, definition_ref(state->live));
    }
    return definitions;
}

/* What could not be put in force so far. */
static int catch_up(NwfilterHost *host)
{
    g_autoptr(GPtrArray) all = host->stale ? users_of(host, NULL, NULL) : NULL;
    if (all && put_in_firewall(host, all, NULL, TRUE) < 0)
        return -1;
    host->stale = FALSE;
    return 0;
}

/* ---- filters ---- */

/* A new definition must not lead back to its own name. */
static int check_circle(NwfilterHost *host, Definition *draft)
{
    const NwfilterDef *def = def_of(draft);
    Tree tree;
    tree_init(&tree, host->filters, draft);
    tree_note_refs(&tree, def);
    tree_walk(&tree);
    gboolean circle = g_hash_table_contains(tree.seen, def->name);
    tree_clear(&tree);
    return circle ? FAIL(VIR_ERR_OPERATION_FAILED, "filter '%s' would lead back to itself by its references", def->name) : 0;
}

Managed *nwfilter_host_define(NwfilterHost *host, NwfilterDef *def, const char *api)
{
    g_autoptr(Definition) draft = definition_new(&NWFILTER_ROOT, xml_struct_copy(&NWFILTER_DEF_DESC, def));
    Managed *obj = NULL;
    if (begin_change(host, api) < 0) {
        xml_struct_free(&NWFILTER_DEF_DESC, def);
        return NULL;
    }
    g_autoptr(GPtrArray) users = users_of(host, def->name, draft);
    if (check_circle(host, draft) < 0 || catch_up(host) < 0 || put_in_force(host, users, draft, FALSE) < 0)
        xml_struct_free(&NWFILTER_DEF_DESC, def);
    else if (!(obj = managed_define(host->filters, def, api)) && users->len) { /* another's name or UUID */
        virErrorPtr error = error_save();
        put_in_force(host, users, NULL, TRUE);
        error_restore(error);
    }
    end_change(host);
    return obj;
}

int nwfilter_host_undefine(NwfilterHost *host, const guint8 uuid[16], const char *api)
{
    g_auto(ManagedJob) job = { NULL };
    int rc = -1;
    if (begin_change(host, api) < 0)
        return -1;
    if (managed_job_begin(&job, host->filters, uuid, NULL, api) == 0) {
        g_autoptr(GPtrArray) users = users_of(host, MANAGED_NAME(job.obj), NULL);
        rc = users->len ? FAIL(VIR_ERR_OPERATION_INVALID, "filter '%s' is in use on interface '%s'", MANAGED_NAME(job.obj),
                               ((const NwfilterBindingDef *) definition_get(users->pdata[0]))->portdev) : managed_undefine(&job);
    }
    managed_job_end(&job);
    end_change(host);
    return rc;
}

/* ---- bindings ---- */

static int put_one_in_force(NwfilterHost *host, const NwfilterBindingDef *binding)
{
    g_autoptr(GPtrArray) one = g_ptr_array_new_with_free_func(release);
    g_ptr_array_add(one, definition_new(&NWFILTER_BINDING_ROOT, xml_struct_copy(&NWFILTER_BINDING_DEF_DESC, binding)));
    return put_in_force(host, one, NULL, host->anyhow);
}

/* The rules come between the two notes about a binding: a daemon that is killed leaves none that nobody knows of. */
static int start_binding(Managed *obj, void *live)
{
    return put_one_in_force(managed_table_priv(obj->table), live);
}

static int replace_binding(Managed *obj, void *def, gboolean live, void *opaque)
{
    xml_struct_clear(&NWFILTER_BINDING_DEF_DESC, def);
    xml_struct_copy_into(&NWFILTER_BINDING_DEF_DESC, def, opaque);
    return put_one_in_force(managed_table_priv(obj->table), def);
}

/* Another definition for a binding, and at once what it says. */
static int rebind(NwfilterHost *host, Managed *obj, NwfilterBindingDef *def, const char *api)
{
    g_auto(ManagedJob) job = { NULL };
    if (managed_job_begin(&job, host->bindings, NULL, MANAGED_NAME(obj), api) < 0)
        return -1;
    if (!job.state->live)
        return FAIL(VIR_ERR_NO_NWFILTER_BINDING, "interface '%s' has no binding", MANAGED_NAME(obj));
    g_autoptr(Definition) old = definition_ref(job.state->live);
    if (managed_edit(&job, MANAGED_LIVE, replace_binding, def, NULL) == 0)
        return 0;
    virErrorPtr error = error_save();
    host->anyhow = TRUE;
    if (put_one_in_force(host, definition_get(old)) < 0) /* it may have been the note that failed */
        LOG_ERROR("%s", error_message());
    error_restore(error);
    return -1;
}

Managed *nwfilter_host_bind(NwfilterHost *host, NwfilterBindingDef *def, guint how, const char *api)
{
    Managed *obj = NULL;
    if (begin_change(host, api) < 0) {
        xml_struct_free(&NWFILTER_BINDING_DEF_DESC, def);
        return NULL;
    }
    host->anyhow = how & NWFILTER_BIND_ANYHOW;
    g_autoptr(Managed) other = managed_peek(host->bindings, NULL, def->portdev);
    int rc = catch_up(host);
    if (rc == 0 && other && !(how & NWFILTER_BIND_REPLACE))
        rc = FAIL(VIR_ERR_OPERATION_FAILED, "interface '%s' has a binding already", def->portdev);
    if (rc == 0 && other && rebind(host, other, def, api) == 0)
        obj = g_steal_pointer(&other);
    if (rc == 0 && !obj && !other)
        obj = managed_create(host->bindings, g_steal_pointer(&def), api);
    if (def)
        xml_struct_free(&NWFILTER_BINDING_DEF_DESC, def);
    host->anyhow = FALSE;
    end_change(host);
    return obj;
}

static int stop_binding(Managed *obj, const void *live)
{
    NwfilterHost *host = managed_table_priv(obj->table);
    return host->backend->unbind ? host->backend->unbind(host, live) : 0;
}

int nwfilter_host_unbind(NwfilterHost *host, const char *portdev, const char *api)
{
    g_auto(ManagedJob) job = { NULL };
    if (begin_change(host, api) < 0)
        return -1;
    int rc = managed_job_begin(&job, host->bindings, NULL, portdev, api) < 0 ? -1 : managed_stop(&job);
    managed_job_end(&job);
    end_change(host);
    return rc;
}

/* ---- the host ---- */

NwfilterHost *nwfilter_host_new(const NwfilterBackend *backend, void *priv, EventBus *bus)
{
    static const ManagedBackend filters, bindings = { .start = start_binding, .stop = stop_binding };
    NwfilterHost *host = g_new0(NwfilterHost, 1);
    host->backend = backend;
    host->priv = priv;
    job_queue_init(&host->jobs);
    host->filters = managed_table_new(&filter_kind, &filters, host, bus);
    host->bindings = managed_table_new(&binding_kind, &bindings, host, bus);
    return host;
}

void nwfilter_host_free(NwfilterHost *host)
{
    if (!host)
        return;
    managed_table_free(host->bindings);
    managed_table_free(host->filters);
    job_queue_clear(&host->jobs);
    g_free(host);
}

int nwfilter_host_load(NwfilterHost *host)
{
    managed_table_load(host->filters);
    managed_table_load(host->bindings);
    host->stale = TRUE;
    return nwfilter_host_renew(host);
}

int nwfilter_host_renew(NwfilterHost *host)
{
    if (begin_change(host, __func__) < 0)
        return -1;
    int rc = is_lost(host) ? catch_up(host) : 0;
    end_change(host);
    return rc;
}

ManagedTable *nwfilter_host_filters(const NwfilterHost *host) { return host->filters; }
ManagedTable *nwfilter_host_bindings(const NwfilterHost *host) { return host->bindings; }
void *nwfilter_host_priv(const NwfilterHost *host) { return host->priv; }
