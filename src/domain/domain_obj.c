/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#define LOG_SOURCE "domain.obj"
#include "domain/domain_obj.h"
#include "domain/fd_groups.h"
#include "base/error.h"
#include "base/log.h"
#include "base/loop.h"
#include "core/event_table.h"
#include "domain/host.h"
#include <string.h>

/* A hostile guest may tell of any number of devices; more than these aren't noted. */
#define NOTES_MAX 1024

typedef struct NoteOfNews { GuestDefChange change; GuestNews news; } NoteOfNews;

/* Where the values begin: behind the count of references. */
#define STATE_VALUES G_STRUCT_OFFSET(DomainState, name)
G_STATIC_ASSERT(G_STRUCT_OFFSET(DomainState, refs) == 0);

static DomainState *state_copy(const DomainState *old)
{
    DomainState *next = g_new(DomainState, 1);
    next->refs = 1; /* others count the old one's meanwhile */
    memcpy((char *) next + STATE_VALUES, (const char *) old + STATE_VALUES, sizeof(*old) - STATE_VALUES);
    next->name = g_strdup(old->name);
    next->live = shared_def_ref(old->live);
    next->config = shared_def_ref(old->config);
    next->saved = shared_def_ref(old->saved);
    next->backup = definition_ref(old->backup);
    next->snapshots = moments_ref(old->snapshots);
    next->checkpoints = moments_ref(old->checkpoints);
    next->guest = old->guest ? guest_ref(old->guest) : NULL;
    return next;
}

void domain_state_unref(DomainState *state)
{
    if (!state || !g_atomic_int_dec_and_test(&state->refs))
        return;
    g_free(state->name);
    shared_def_unref(state->live);
    shared_def_unref(state->config);
    shared_def_unref(state->saved);
    definition_unref(state->backup);
    moments_unref(state->snapshots);
    moments_unref(state->checkpoints);
    guest_unref(state->guest);
    g_free(state);
}

static void obj_free(void *opaque)
{
    DomainObj *obj = opaque;
    domain_state_unref(obj->state);
    guest_stats_unref(obj->last_stats);
    g_clear_pointer(&obj->told, g_array_unref);
    fd_groups_free(obj->fd_groups);
    g_mutex_clear(&obj->lock);
    g_mutex_clear(&obj->change_lock);
    job_queue_clear(&obj->jobs);
    g_free(obj);
}

DomainObj *domain_obj_new(DomainHost *host, const char *name, const unsigned char *uuid)
{
    DomainObj *obj = g_new0(DomainObj, 1);
    store_entry_init(&obj->entry, name, uuid, obj_free);
    obj->host = host;
    g_mutex_init(&obj->lock);
    g_mutex_init(&obj->change_lock);
    job_queue_init(&obj->jobs);
    obj->state = g_new0(DomainState, 1);
    obj->state->refs = 1;
    obj->state->name = g_strdup(name);
    obj->state->state = VIR_DOMAIN_SHUTOFF;
    obj->state->reason = VIR_DOMAIN_SHUTOFF_UNKNOWN;
    obj->state->since_ms = loop_now_ms();
    return obj;
}

DomainObj *domain_obj_ref(DomainObj *obj)
{
    return store_entry_ref(obj);
}

void domain_obj_unref(DomainObj *obj)
{
    store_entry_unref(obj);
}

DomainState *domain_state(DomainObj *obj)
{
    g_mutex_lock(&obj->lock);
    DomainState *state = obj->state;
    g_atomic_int_inc(&state->refs);
    g_mutex_unlock(&obj->lock);
    return state;
}

static void note_clear(void *opaque)
{
    NoteOfNews *note = opaque;
    g_free((char *) note->news.alias);
    g_free((char *) note->news.text);
}

DomainState *domain_track(DomainObj *obj)
{
    g_mutex_lock(&obj->change_lock);
    g_clear_pointer(&obj->told, g_array_unref);
    obj->told = g_array_new(FALSE, FALSE, sizeof(NoteOfNews));
    g_array_set_clear_func(obj->told, note_clear);
    DomainState *state = domain_state(obj);
    g_mutex_unlock(&obj->change_lock);
    return state;
}

void domain_track_end(DomainObj *obj)
{
    g_mutex_lock(&obj->change_lock);
    g_clear_pointer(&obj->told, g_array_unref);
    g_mutex_unlock(&obj->change_lock);
}

void transition_told(DomainTransition *t, GuestDefChange change, const GuestNews *news)
{
    GArray *told = t->obj->told;
    for (guint i = 0; told && i < told->len; i++) {
        NoteOfNews *note = &g_array_index(told, NoteOfNews, i);
        if (note->change == change && g_strcmp0(note->news.alias, news->alias) == 0) {
            note->news.value = news->value;
            g_free((char *) note->news.text);
            note->news.text = g_strdup(news->text);
            return;
        }
    }
    if (told && told->len >= NOTES_MAX) {
        LOG_WARN("domain '%s' tells of too many devices; '%s' isn't noted", t->old->name, news->alias ? news->alias : "");
    } else if (told) {
        NoteOfNews note = { change, { g_strdup(news->alias), news->value, g_strdup(news->text) } };
        g_array_append_val(told, note);
    }
}

void transition_retell(DomainTransition *t, DomainDef *def)
{
    for (guint i = 0; t->obj->told && i < t->obj->told->len; i++) {
        const NoteOfNews *note = &g_array_index(t->obj->told, NoteOfNews, i);
        note->change(def, &note->news);
    }
}

gboolean domain_visible(const DomainState *state)
{
    return state->persistent || state->guest || state->held;
}

int domain_state_id(const DomainState *state)
{
    return state->guest ? state->guest->id : -1;
}

gboolean domain_change(DomainObj *obj, DomainChangeFn fn, void *opaque)
{
    g_mutex_lock(&obj->change_lock);
    DomainState *old = domain_state(obj);
    DomainTransition t = { .obj = obj, .old = old, .next = state_copy(old) };
    gboolean done = fn(&t, opaque);

    if (done) {
        g_mutex_lock(&obj->lock);
        obj->state = t.next;
        g_mutex_unlock(&obj->lock);
        domain_state_unref(old); /* the published pointer's reference */
        for (guint i = 0; i < t.n_events; i++)
            event_emit(host_bus(obj->host), t.events[i]);
    } else {
        for (guint i = 0; i < t.n_events; i++)
            event_unref(t.events[i]);
        domain_state_unref(t.next);
    }
    g_mutex_unlock(&obj->change_lock);
    domain_state_unref(old);
    return done;
}

void transition_set_state(DomainTransition *t, int state, int reason)
{
    if (t->next->state != state || t->next->reason != reason)
        t->next->since_ms = loop_now_ms();
    t->next->state = state;
    t->next->reason = reason;
}

void transition_set_live(DomainTransition *t, SharedDef *live)
{
    shared_def_ref(live);
    shared_def_unref(t->next->live);
    t->next->live = live;
}

void transition_set_config(DomainTransition *t, SharedDef *config)
{
    shared_def_ref(config);
    shared_def_unref(t->next->config);
    t->next->config = config;
}

void transition_set_saved(DomainTransition *t, SharedDef *saved)
{
    shared_def_ref(saved);
    shared_def_unref(t->next->saved);
    t->next->saved = saved;
}

void transition_set_backup(DomainTransition *t, Definition *backup)
{
    definition_ref(backup);
    definition_unref(t->next->backup);
    t->next->backup = backup;
}

void transition_set_guest(DomainTransition *t, Guest *guest)
{
    Guest *old = t->next->guest;
    t->next->guest = guest ? guest_ref(guest) : NULL;
    guest_unref(old);
}

void transition_emit(DomainTransition *t, Event *event)
{
    g_assert(t->n_events < G_N_ELEMENTS(t->events));
    t->events[t->n_events++] = event;
}

void transition_lifecycle(DomainTransition *t, int event, int detail)
{
    transition_emit(t, event_domain_lifecycle_new(t->next->name, t->obj->entry.uuid, domain_state_id(t->next),
                                                  event, detail));
}

int domain_job_begin(DomainObj *obj, JobKind kind, const char *api)
{
    g_autoptr(DomainState) state = domain_state(obj);
    const JobSubject domain = { VIR_FROM_DOMAIN, "domain", state->name, "; 'virsh destroy %s' ends the guest without waiting" };
    return job_begin(&obj->jobs, kind, &domain, api, host_deadline_ms(obj->host));
}

void domain_job_end(DomainObj *obj, JobKind kind)
{
    job_end(&obj->jobs, kind);
}
