/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Objects that can be defined: state, jobs, life.
 */
#define ERROR_DOMAIN (table->error_domain)
#define LOG_SOURCE "core.managed"
#include "core/managed_private.h"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "base/uuid.h"

/* Longest wait for somebody else's job on the same object. */
#define JOB_DEADLINE_MS 30000
/* Most objects of a table: as many as a list may have on the wire. */
#define OBJECTS_MAX 16384

struct ManagedTable {
    const ManagedKind *kind;
    const ManagedBackend *backend;
    void *priv;
    int error_domain;
    Store *store;
    EventBus *bus;
    ManagedFolders folders;
};

ManagedTable *managed_table_new(const ManagedKind *kind, const ManagedBackend *backend, void *priv, EventBus *bus)
{
    ManagedTable *table = g_new0(ManagedTable, 1);
    *table = (ManagedTable) { kind, backend, priv, kind->error_domain, store_new(), event_bus_ref(bus), { NULL } };
    return table;
}

void managed_table_free(ManagedTable *table)
{
    if (!table)
        return;
    store_free(table->store);
    event_bus_unref(table->bus);
    managed_folders_clear(&table->folders);
    g_free(table);
}

void *managed_table_priv(const ManagedTable *table) { return table->priv; }
const ManagedKind *managed_table_kind(const ManagedTable *table) { return table->kind; }
_Thread_local int managed_thread_domain;
int managed_error_domain(const ManagedTable *table) { return table->error_domain; }
void managed_table_set_error_domain(ManagedTable *table, int domain) { table->error_domain = domain; }
Store *managed_table_store(const ManagedTable *table) { return table->store; }
const ManagedBackend *managed_table_backend(const ManagedTable *table) { return table->backend; }
ManagedFolders *managed_table_folders(ManagedTable *table) { return &table->folders; }

void managed_table_emit(ManagedTable *table, Event *event)
{
    event_emit(table->bus, event);
}

/* ---- objects and their state ---- */

static void obj_free(void *opaque)
{
    Managed *obj = opaque;
    if (obj->table->kind->clear)
        obj->table->kind->clear(obj);
    managed_state_unref(obj->state);
    g_mutex_clear(&obj->change_lock);
    g_mutex_clear(&obj->lock);
    job_queue_clear(&obj->jobs);
    g_free(obj);
}

static Managed *obj_new(ManagedTable *table, const char *key, const guint8 uuid[16])
{
    Managed *obj = g_new0(Managed, 1);
    store_entry_init(&obj->entry, key, uuid, obj_free);
    obj->table = table;
    g_mutex_init(&obj->change_lock);
    g_mutex_init(&obj->lock);
    job_queue_init(&obj->jobs);
    obj->state = g_new0(ManagedState, 1);
    obj->state->refs = 1;
    if (table->kind->init)
        table->kind->init(obj);
    return obj;
}

Managed *managed_ref(Managed *obj)
{
    return store_entry_ref(obj);
}

void managed_unref(Managed *obj)
{
    store_entry_unref(obj);
}

ManagedState *managed_state(Managed *obj)
{
    g_mutex_lock(&obj->lock);
    ManagedState *state = obj->state;
    g_atomic_int_inc(&state->refs);
    g_mutex_unlock(&obj->lock);
    return state;
}

void managed_state_unref(ManagedState *state)
{
    if (!state || !g_atomic_int_dec_and_test(&state->refs))
        return;
    definition_unref(state->config);
    definition_unref(state->live);
    g_free(state);
}

Definition *managed_definition(const ManagedState *state)
{
    return state->live ? state->live : state->config;
}

/* What becomes of a state. */
typedef struct Change {
    bool set_config, set_live, set_autostart;
    bool autostart;
    Definition *config, *live;  /* references are taken */
    Event *events[2];           /* taken over */
    guint n_events;
} Change;

/* Add a life cycle event, if the kind has it. */
static void add_event(Change *change, const Managed *obj, const Definition *def, int event)
{
    const ManagedKind *kind = obj->table->kind;
    if (kind->event && event != MANAGED_NO_EVENT)
        change->events[change->n_events++] = kind->event(obj, definition_get(def), event, 0);
}

static ManagedState *changed_state(const ManagedState *old, const Change *change)
{
    ManagedState *next = g_new0(ManagedState, 1);
    next->refs = 1;
    next->config = definition_ref(change->set_config ? change->config : old->config);
    next->live = definition_ref(change->set_live ? change->live : old->live);
    next->autostart = change->set_autostart ? change->autostart : old->autostart;
    return next;
}

/* The one place where state becomes public. */
static void publish(Managed *obj, ManagedState *next, Change *change)
{
    g_mutex_lock(&obj->change_lock);
    ManagedState *old = obj->state; /* replaced under change_lock only */
    g_mutex_lock(&obj->lock);
    obj->state = next;
    g_mutex_unlock(&obj->lock);
    managed_state_unref(old);
    for (guint i = 0; i < change->n_events; i++)
        event_emit(obj->table->bus, change->events[i]);
    g_mutex_unlock(&obj->change_lock);
}

static int keep(Managed *obj, Definition *old, Definition *config)
{
    const ManagedBackend *backend = obj->table->backend;
    if (old == config || !backend->keep)
        return 0;
    return backend->keep(obj, old ? definition_get(old) : NULL, config ? definition_get(config) : NULL);
}

/* Publish what a job has made. Files are written before anybody sees the new state: what was acknowledged must not be lost. */
static int commit(ManagedJob *job, Change *change)
{
    const ManagedState *old = job->obj->state; /* ours to replace: we have the job */
    ManagedState *next = changed_state(old, change);
    if (keep(job->obj, old->config, next->config) < 0 || managed_files_change(job->obj, old, next) < 0) {
        managed_state_unref(next);
        for (guint i = 0; i < change->n_events; i++)
            event_unref(change->events[i]);
        return -1;
    }
    publish(job->obj, next, change);
    managed_job_refresh(job);
    return 0;
}

/* ---- finding ---- */

/* An object and the state in which it was found. NULL: there is none; sets no error. */
static Managed *look(ManagedTable *table, const guint8 *uuid, const char *key, ManagedState **state)
{
    managed_thread_domain = table->error_domain;
    g_autoptr(Managed) obj = uuid ? store_by_uuid(table->store, uuid) : store_by_name(table->store, key);
    if (!obj)
        return NULL;
    g_autoptr(ManagedState) found = managed_state(obj);
    if (!managed_visible(found))
        return NULL;
    *state = g_steal_pointer(&found);
    return g_steal_pointer(&obj);
}

static void fail_not_found(const ManagedTable *table, const guint8 *uuid, const char *key)
{
    const ManagedKind *kind = table->kind;
    char text[UUID_TEXT_SIZE];
    if (uuid)
        error_report(table->error_domain, kind->no_object, "no %s with matching uuid '%s'", kind->name, uuid_format(uuid, text));
    else
        error_report(table->error_domain, kind->no_object, "no %s with matching name '%s'", kind->name, key);
}

Managed *managed_peek(ManagedTable *table, const guint8 *uuid, const char *key)
{
    g_autoptr(ManagedState) state = NULL;
    return look(table, uuid, key, &state);
}

Managed *managed_find_state(ManagedTable *table, const guint8 *uuid, const char *key, ManagedState **state)
{
    Managed *obj = look(table, uuid, key, state);
    if (!obj)
        fail_not_found(table, uuid, key);
    return obj;
}

Managed *managed_find(ManagedTable *table, const guint8 *uuid, const char *key)
{
    g_autoptr(ManagedState) state = NULL;
    return managed_find_state(table, uuid, key, &state);
}

void *managed_handle(virConnectPtr conn, Managed *obj)
{
    const ManagedTable *table = obj->table;
    const ManagedKind *kind = table->kind;
    g_autoptr(ManagedState) state = managed_state(obj);
    if (!managed_visible(state))
        return FAIL_NULL(kind->no_object, "%s '%s' is gone already", kind->name, MANAGED_NAME(obj));
    return kind->handle(conn, obj, definition_get(managed_definition(state)));
}

void *managed_lookup(virConnectPtr conn, ManagedTable *table, const guint8 *uuid, const char *key)
{
    g_autoptr(ManagedState) state = NULL;
    g_autoptr(Managed) obj = managed_find_state(table, uuid, key, &state);
    return obj ? table->kind->handle(conn, obj, definition_get(managed_definition(state))) : NULL;
}

/* ---- jobs ---- */

/* Take the job of @obj (the reference is taken over in any case). */
static int job_take(ManagedJob *job, Managed *obj, const char *api)
{
    const ManagedKind *kind = obj->table->kind;
    const JobSubject subject = { obj->table->error_domain, kind->name, MANAGED_NAME(obj), NULL };
    if (job_begin(&obj->jobs, JOB_MODIFY, &subject, api, JOB_DEADLINE_MS) < 0) {
        managed_unref(obj);
        return -1;
    }
    job->obj = obj;
    job->state = managed_state(obj);
    return 0;
}

int managed_job_begin(ManagedJob *job, ManagedTable *table, const guint8 *uuid, const char *key, const char *api)
{
    Managed *obj = managed_find(table, uuid, key);
    if (!obj || job_take(job, obj, api) < 0)
        return -1;
    if (managed_visible(job->state) && store_contains(table->store, obj))
        return 0;
    fail_not_found(table, uuid, key);
    managed_job_end(job);
    return -1;
}

void managed_job_refresh(ManagedJob *job)
{
    managed_state_unref(job->state);
    job->state = managed_state(job->obj);
}

void managed_job_end(ManagedJob *job)
{
    Managed *obj = g_steal_pointer(&job->obj);
    if (!obj)
        return;
    g_clear_pointer(&job->state, managed_state_unref);
    g_mutex_lock(&obj->lock);
    gboolean gone = !managed_visible(obj->state);
    g_mutex_unlock(&obj->lock);
    if (gone)
        store_remove(obj->table->store, obj);
    job_end(&obj->jobs, JOB_MODIFY);
    managed_unref(obj);
}

/* ---- definitions ---- */

static const char *def_name(const ManagedKind *kind, const void *def)
{
    return *(char *const *) ((const char *) def + kind->name_at);
}

static guint8 *def_uuid(const ManagedKind *kind, void *def)
{
    return kind->uuid_at < 0 ? NULL : (guint8 *) def + kind->uuid_at;
}

static int complete(ManagedTable *table, void *def, const char *xml)
{
    const ManagedKind *kind = table->kind;
    if (kind->complete && kind->complete(def) < 0) {
        definition_error_in(xml, kind->root, NULL);
        return -1;
    }
    const char *name = kind->key ? NULL : def_name(kind, def);
    if (name && strpbrk(name, "/\n")) {
        g_autofree char *path = g_strdup_printf("%s.name", kind->root->name);
        error_report(kind->error_domain, VIR_ERR_XML_ERROR, "name '%s' of a %s cannot contain '/' or a line break", name,
                     kind->name);
        definition_error_at(xml, path);
        return -1;
    }
    if (kind->uuid_at < 0 || *((bool *) def + kind->has_uuid_at))
        return 0;
    uuid_generate(def_uuid(kind, def));
    *((bool *) def + kind->has_uuid_at) = true;
    return 0;
}

void *managed_parse(ManagedTable *table, const char *xml, gboolean validate)
{
    void *def = definition_read(table->kind->root, xml, validate);
    if (!def || complete(table, def, xml) == 0)
        return def;
    if (validate)
        definition_invalid();
    xml_struct_free(table->kind->root->desc, def);
    return NULL;
}

static int fail_clash(const ManagedKind *kind, const Managed *other, const char *key, gboolean same_uuid)
{
    char text[UUID_TEXT_SIZE];
    uuid_format(other->entry.uuid, text);
    error_report(kind->error_domain, kind->clash, same_uuid ? "%s '%s' is already defined with uuid %s"
                 : "%s '%s' already exists with uuid %s", kind->name, same_uuid ? MANAGED_NAME(other) : key, text);
    return -1;
}

int managed_reserve(ManagedTable *table, void *def, const char *api, ManagedJob *job)
{
    const ManagedKind *kind = table->kind;
    g_autofree char *key = kind->key ? kind->key(def) : g_strdup(def_name(kind, def));
    guint8 fresh[UUID_BYTES];
    const guint8 *uuid = def_uuid(kind, def);
    managed_thread_domain = table->error_domain;
    if (managed_files_check_name(table, key) < 0)
        return -1;
    if (!uuid) {
        uuid_generate(fresh);
        uuid = fresh;
    }
    for (;;) {
        Managed *other = NULL;
        Managed *obj = obj_new(table, key, uuid);
        StoreAddResult result = store_add(table->store, obj, &other);
        if (other) {
            managed_unref(obj);
            obj = other;
            gboolean same = strcmp(obj->entry.name, key) == 0 && (kind->uuid_at < 0 || result == STORE_UUID_TAKEN);
            if (!same) {
                fail_clash(kind, obj, key, result == STORE_UUID_TAKEN);
                managed_unref(obj);
                return -1;
            }
        }
        if (!other && store_count(table->store, NULL, NULL) > OBJECTS_MAX) {
            store_remove(table->store, obj);
            managed_unref(obj);
            return FAIL(VIR_ERR_OPERATION_FAILED, "there are %d objects of the kind %s already: '%s' would be too many", OBJECTS_MAX,
                        kind->name, key);
        }
        if (job_take(job, obj, api) < 0)
            return -1;
        if (store_contains(table->store, obj))
            return 0;
        managed_job_end(job); /* it went while we waited: once more */
    }
}

static int check(ManagedJob *job, void *def, const Definition *old)
{
    ManagedTable *table = job->obj->table;
    return table->backend->check ? table->backend->check(table, def, old ? definition_get(old) : NULL) : 0;
}

/* ---- life ---- */

Managed *managed_define(ManagedTable *table, void *def, const char *api)
{
    const ManagedKind *kind = table->kind;
    g_auto(ManagedJob) job = { NULL };
    g_autoptr(Definition) config = definition_new(kind->root, def);
    if (managed_reserve(table, def, api, &job) < 0 || check(&job, def, job.state->config) < 0)
        return NULL;
    Change change = { .set_config = true, .config = config };
    if (managed_active(job.state) && (table->backend->rules & MANAGED_ONE_DEFINITION)) {
        change.set_live = true;
        change.live = config;
    }
    add_event(&change, job.obj, config, kind->defined);
    return commit(&job, &change) < 0 ? NULL : managed_ref(job.obj);
}

/* A run that could not be written down must not go on: the next daemon would not know of it. */
static void undo_start(Managed *obj, const void *def)
{
    const ManagedBackend *backend = obj->table->backend;
    virErrorPtr error = error_save();
    if (!backend->stop || backend->stop(obj, def) == 0)
        managed_files_forget(obj);
    error_restore(error);
}

/* Start a run with the definition @live. */
static int start(ManagedJob *job, Definition *live, void *def)
{
    Managed *obj = job->obj;
    const ManagedBackend *backend = obj->table->backend;
    if (managed_files_intend(obj, live, PHASE_STARTING) < 0)
        return -1;
    if (backend->start && backend->start(obj, def) < 0) {
        managed_files_forget(obj);
        return -1;
    }
    Change change = { .set_live = true, .live = live };
    add_event(&change, obj, live, obj->table->kind->started);
    if (commit(job, &change) == 0)
        return 0;
    undo_start(obj, def);
    return -1;
}

Managed *managed_create_prepared(ManagedTable *table, void *def, ManagedPrepare prepare, void *opaque, const char *api)
{
    const ManagedKind *kind = table->kind;
    g_auto(ManagedJob) job = { NULL };
    g_autoptr(Definition) live = definition_new(kind->root, def);
    if (managed_reserve(table, def, api, &job) < 0)
        return NULL;
    if (managed_active(job.state)) {
        error_report(table->error_domain, VIR_ERR_OPERATION_INVALID, "%s is already active as '%s'", kind->name,
                     MANAGED_NAME(job.obj));
        return NULL;
    }
    if (check(&job, def, job.state->config) < 0 || (prepare && prepare(job.obj, def, opaque) < 0) ||
        start(&job, live, def) < 0)
        return NULL;
    return managed_ref(job.obj);
}

Managed *managed_create(ManagedTable *table, void *def, const char *api)
{
    return managed_create_prepared(table, def, NULL, NULL, api);
}

void *managed_define_xml(virConnectPtr conn, ManagedTable *table, const char *xml, gboolean validate, const char *api)
{
    void *def = managed_parse(table, xml, validate);
    g_autoptr(Managed) obj = def ? managed_define(table, def, api) : NULL;
    return obj ? managed_handle(conn, obj) : NULL;
}

void *managed_create_xml(virConnectPtr conn, ManagedTable *table, const char *xml, gboolean validate, const char *api)
{
    void *def = managed_parse(table, xml, validate);
    g_autoptr(Managed) obj = def ? managed_create(table, def, api) : NULL;
    return obj ? managed_handle(conn, obj) : NULL;
}

int managed_start(ManagedJob *job)
{
    const ManagedTable *table = job->obj->table;
    const ManagedKind *kind = table->kind;
    if (managed_active(job->state))
        return FAIL(VIR_ERR_OPERATION_INVALID, "%s '%s' is already active", kind->name, MANAGED_NAME(job->obj));
    void *def = definition_copy(job->state->config);
    g_autoptr(Definition) live = definition_new(kind->root, def);
    return start(job, live, def);
}

/* It was not stopped after all. */
static void resume_run(Managed *obj, Definition *live)
{
    virErrorPtr error = error_save();
    if (managed_files_intend(obj, live, PHASE_RUNNING) < 0)
        LOG_WARN("the next daemon will stop %s '%s': %s", obj->table->kind->name, MANAGED_NAME(obj), error_message());
    error_restore(error);
}

int managed_stop(ManagedJob *job)
{
    Managed *obj = job->obj;
    const ManagedTable *table = obj->table;
    const ManagedKind *kind = table->kind;
    const ManagedBackend *backend = table->backend;
    if (!managed_active(job->state)) {
        if (backend->rules & MANAGED_STOP_INACTIVE)
            return 0;
        return FAIL(VIR_ERR_OPERATION_INVALID, "%s '%s' is not active", kind->name, MANAGED_NAME(obj));
    }
    if (managed_files_intend(obj, job->state->live, PHASE_STOPPING) < 0)
        return -1;
    if (backend->stop && backend->stop(obj, definition_get(job->state->live)) < 0) {
        resume_run(obj, job->state->live);
        return -1;
    }
    Change change = { .set_live = true };
    add_event(&change, obj, job->state->live, kind->stopped);
    return commit(job, &change);
}

int managed_undefine(ManagedJob *job)
{
    Managed *obj = job->obj;
    const ManagedTable *table = obj->table;
    const ManagedKind *kind = table->kind;
    unsigned int rules = table->backend->rules;
    if (managed_active(job->state) && !(rules & (MANAGED_UNDEFINE_ACTIVE | MANAGED_ONE_DEFINITION)))
        return FAIL(VIR_ERR_OPERATION_INVALID, "%s '%s' is still active", kind->name, MANAGED_NAME(obj));
    if (!job->state->config)
        return FAIL(VIR_ERR_OPERATION_INVALID, "%s '%s' is transient: there is no persistent definition", kind->name,
                    MANAGED_NAME(obj));
    if (managed_active(job->state) && (rules & MANAGED_ONE_DEFINITION) && managed_stop(job) < 0)
        return -1;
    Change change = { .set_config = true, .set_autostart = true };
    add_event(&change, obj, job->state->config, kind->undefined);
    return commit(job, &change);
}

void managed_replace(ManagedJob *job, Definition *config, Definition *live, gboolean autostart)
{
    commit(job, &(Change) { .set_config = true, .config = config, .set_live = true, .live = live, .set_autostart = true,
                            .autostart = autostart });
}

void managed_publish_loaded(ManagedJob *job, Definition *config, Definition *live, gboolean autostart)
{
    Change change = { .set_config = true, .config = config, .set_live = true, .live = live, .set_autostart = true,
                      .autostart = autostart };
    publish(job->obj, changed_state(job->obj->state, &change), &change);
    managed_job_refresh(job);
}

/* @old, or a new definition of @def (taken over) if that is another one. A reference. */
static Definition *observed(const ManagedKind *kind, Definition *old, void *def)
{
    if (!def)
        return NULL;
    if (!old || !xml_equal(kind->root->desc, definition_get(old), def))
        return definition_new(kind->root, def);
    xml_struct_free(kind->root->desc, def);
    return definition_ref(old);
}

gboolean managed_observe(ManagedTable *table, const char *key, void *config, void *live)
{
    const ManagedKind *kind = table->kind;
    g_auto(ManagedJob) job = { NULL };
    g_autoptr(Managed) obj = store_by_name(table->store, key);
    if (!obj && !config && !live)
        return TRUE;
    if (!obj) {
        guint8 uuid[UUID_BYTES];
        uuid_generate(uuid);
        obj = obj_new(table, key, uuid);
        job_take(&job, managed_ref(obj), __func__); /* nobody else knows it yet */
        Managed *other = NULL;
        if (store_count(table->store, NULL, NULL) >= OBJECTS_MAX || store_add(table->store, obj, &other) != STORE_ADDED) {
            managed_unref(other);
            xml_struct_free(kind->root->desc, config);
            xml_struct_free(kind->root->desc, live);
            return FALSE;
        }
    } else if (job_try_begin(&obj->jobs, JOB_MODIFY, __func__)) {
        job.obj = managed_ref(obj);
        job.state = managed_state(obj);
    } else {
        xml_struct_free(kind->root->desc, config);
        xml_struct_free(kind->root->desc, live);
        return FALSE;
    }
    g_autoptr(Definition) new_config = observed(kind, job.state->config, config);
    g_autoptr(Definition) new_live = observed(kind, job.state->live, live);
    if (new_config != job.state->config || new_live != job.state->live)
        managed_publish_loaded(&job, new_config, new_live, job.state->autostart);
    return TRUE;
}

int managed_tell(ManagedTable *table, void *def, ManagedTold changed)
{
    const ManagedKind *kind = table->kind;
    g_auto(ManagedJob) job = { NULL };
    g_autoptr(Definition) live = definition_new(kind->root, def);
    if (managed_reserve(table, def, __func__, &job) < 0)
        return -1;
    Change change = { .set_live = true, .live = live };
    if (!managed_active(job.state))
        add_event(&change, job.obj, live, kind->started);
    else if (xml_equal(kind->root->desc, definition_get(job.state->live), def))
        return 0;
    else if (changed)
        change.events[change.n_events++] = changed(job.obj);
    return commit(&job, &change);
}

int managed_tell_gone(ManagedTable *table, const char *key)
{
    g_auto(ManagedJob) job = { NULL };
    if (managed_job_begin(&job, table, NULL, key, __func__) < 0)
        return -1;
    if (!managed_active(job.state))
        return 0;
    Change change = { .set_live = true };
    add_event(&change, job.obj, job.state->live, table->kind->stopped);
    return commit(&job, &change);
}

int managed_take_in(ManagedTable *table, void *config, gboolean autostart)
{
    const ManagedKind *kind = table->kind;
    g_auto(ManagedJob) job = { NULL };
    g_autoptr(Definition) definition = definition_new(kind->root, config);
    if (managed_reserve(table, config, __func__, &job) < 0)
        return -1;
    if (job.state->config)
        return FAIL(kind->clash, "%s '%s' is defined twice", kind->name, MANAGED_NAME(job.obj));
    managed_publish_loaded(&job, definition, job.state->live, autostart);
    return 0;
}

int managed_set_autostart(ManagedJob *job, gboolean on)
{
    Managed *obj = job->obj;
    const ManagedTable *table = obj->table;
    const ManagedKind *kind = table->kind;
    if (!job->state->config && !(table->backend->rules & MANAGED_AUTOSTART_TRANSIENT))
        return FAIL(VIR_ERR_OPERATION_INVALID, "cannot set autostart for transient %s '%s'", kind->name, MANAGED_NAME(obj));
    return commit(job, &(Change) { .set_autostart = true, .autostart = on });
}

Managed *managed_add(ManagedTable *table, const char *xml, gboolean active)
{
    void *def = managed_parse(table, xml, FALSE);
    g_autoptr(Managed) obj = def ? managed_define(table, def, __func__) : NULL;
    g_auto(ManagedJob) job = { NULL };
    if (!obj || (active && managed_job_begin(&job, table, obj->entry.uuid, NULL, __func__) < 0))
        return NULL;
    if (active && !managed_active(job.state) && managed_start(&job) < 0)
        return NULL;
    return g_steal_pointer(&obj);
}

/* ---- edits ---- */

unsigned int managed_scope(const Managed *obj, const ManagedState *state, unsigned int flags)
{
    const ManagedKind *kind = obj->table->kind;
    unsigned int scope = flags & (MANAGED_LIVE | MANAGED_CONFIG);
    if (!scope)
        return managed_active(state) ? MANAGED_LIVE : MANAGED_CONFIG;
    if ((scope & MANAGED_LIVE) && !managed_active(state)) {
        error_report(obj->table->error_domain, VIR_ERR_OPERATION_INVALID, "%s '%s' is not active", kind->name,
                     MANAGED_NAME(obj));
        return 0;
    }
    if ((scope & MANAGED_CONFIG) && !state->config) {
        error_report(obj->table->error_domain, VIR_ERR_OPERATION_INVALID, "%s '%s' is transient: there is no persistent definition",
                     kind->name, MANAGED_NAME(obj));
        return 0;
    }
    return scope;
}

static Definition *edited(Managed *obj, Definition *old, gboolean live, ManagedEdit edit, void *opaque)
{
    void *def = definition_copy(old);
    Definition *new = definition_new(obj->table->kind->root, def);
    if (edit(obj, def, live, opaque) == 0)
        return new;
    definition_unref(new);
    return NULL;
}

int managed_edit(ManagedJob *job, unsigned int scope, ManagedEdit edit, void *opaque, Event *event)
{
    g_autoptr(Definition) config = NULL;
    g_autoptr(Definition) live = NULL;
    /* the persistent one first: it can be dropped again without a trace */
    if (((scope & MANAGED_CONFIG) && !(config = edited(job->obj, job->state->config, FALSE, edit, opaque))) ||
        ((scope & MANAGED_LIVE) && !(live = edited(job->obj, job->state->live, TRUE, edit, opaque)))) {
        event_unref(event);
        return -1;
    }
    return commit(job, &(Change) { .set_config = config != NULL, .config = config, .set_live = live != NULL, .live = live,
                                   .events = { event }, .n_events = event ? 1 : 0 });
}
