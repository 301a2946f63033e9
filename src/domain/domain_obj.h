/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A domain and its published state.
 *
 * A DomainObj is an entry of its host's store with ONE pointer to an immutable DomainState. Readers take a reference
 * of the state and never wait: not for a job, not for a guest. A change makes a copy of the state, edits it and
 * publishes it by swapping the pointer, all in domain_change(), which also emits the change's events, so that events
 * of one domain come in the order of its states.
 *
 * An entry whose state is neither persistent nor has a guest only reserves its name and UUID: domain_visible().
 */
#pragma once
#include "core/event.h"
#include "core/job.h"
#include "core/store.h"
#include "domain/backend.h"
#include "domain/moments.h"
#include "domain/shared_def.h"

/** Immutable once published. */
typedef struct DomainState {
    gint refs;
    char *name;
    SharedDef *live;         /* definition of the run; NULL while there is none */
    SharedDef *config;       /* persistent definition if the host has no files (else it is in one; config.h) */
    SharedDef *saved;        /* managed save of a host without files: the definition to go on with */
    MomentSet *snapshots, *checkpoints; /* NULL: none */
    Definition *backup;      /* the backup that goes on (DomainBackupDef), NULL: none; begun at backup_since_ms */
    gint64 backup_since_ms;
    Guest *guest;            /* the run; NULL: inactive */
    gint64 since_ms;         /* when state/reason was reached (loop_now_ms()) */
    guint config_serial;     /* another number for each persistent definition */
    guint taints;            /* bit mask, of the run */
    gint16 state, reason;    /* virDomainState and its reasons */
    bool persistent : 1, autostart : 1, autostart_once : 1, managed_save : 1, updated : 1, saved_running : 1;
    bool held : 1;           /* kept though nothing of it is there: domain_hold() */
} DomainState;

/** A job of a domain, as it is told. */
typedef struct JobReport {
    virDomainJobInfo info;   /* type VIR_DOMAIN_JOB_NONE (0): there is none */
    int operation;           /* virDomainJobOperation */
} JobReport;

struct DomainObj {
    StoreEntry entry;
    DomainHost *host;
    GMutex lock;             /* guards the pointers below; held for a few instructions */
    DomainState *state;
    GuestStats *last_stats;  /* last known answer of the guest to a request for statistics */
    guint stats_asked;       /* requests that are not answered yet */
    gboolean stats_stuck;    /* the last one was not answered in time */
    GHashTable *fd_groups;   /* fd_groups.h; NULL: none. Guarded by lock */
    JobReport last_job;      /* that ended; also guarded by lock */
    GMutex change_lock;      /* serialises changes; taken before lock */
    GArray *told;            /* NoteOfNews: what guests told since domain_track(); NULL: not tracked. Guarded by change_lock */
    JobQueue jobs;
};

/** New object with an empty, inactive state and one reference. */
DomainObj *domain_obj_new(DomainHost *host, const char *name, const unsigned char *uuid);
DomainObj *domain_obj_ref(DomainObj *obj);
void domain_obj_unref(DomainObj *obj);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomainObj, domain_obj_unref)

/** The present state; never NULL, caller unrefs. */
DomainState *domain_state(DomainObj *obj);
void domain_state_unref(DomainState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomainState, domain_state_unref)

/** The same for whoever will publish an edited copy of its live definition: what the guest tells from now on is noted, so that
 * transition_retell() can bring it into that copy. The modify job must be held. Ended by domain_track_end(). */
DomainState *domain_track(DomainObj *obj);
void domain_track_end(DomainObj *obj);

/** Whether it is a domain (rather than a reservation of a name). */
gboolean domain_visible(const DomainState *state);

/** A change under way. */
typedef struct DomainTransition {
    DomainObj *obj;
    const DomainState *old;
    DomainState *next;       /* to be edited; starts as a copy of old */
    Event *events[4];
    guint n_events;
} DomainTransition;

/** Edit t->next. FALSE abandons the change. Runs with the change lock held: must not block nor change any domain. */
typedef gboolean (*DomainChangeFn)(DomainTransition *t, void *opaque);

/** Make a change and publish it. What @fn answered. */
gboolean domain_change(DomainObj *obj, DomainChangeFn fn, void *opaque);

/** To be used by a DomainChangeFn. */
void transition_set_state(DomainTransition *t, int state, int reason);
void transition_set_live(DomainTransition *t, SharedDef *live);     /* takes a reference; NULL: none */
void transition_set_config(DomainTransition *t, SharedDef *config); /* takes a reference */
void transition_set_saved(DomainTransition *t, SharedDef *saved);   /* takes a reference; NULL: none */
void transition_set_backup(DomainTransition *t, Definition *backup); /* takes a reference; NULL: none */
void transition_set_guest(DomainTransition *t, Guest *guest);       /* takes a reference; NULL: none */
/** Note what a guest told, if somebody tracks it. */
void transition_told(DomainTransition *t, GuestDefChange change, const GuestNews *news);
/** Make the changes that were noted in @def as well. */
void transition_retell(DomainTransition *t, DomainDef *def);
/** Emit @event (taken over) after the state was published. */
void transition_emit(DomainTransition *t, Event *event);
/** Emit a life cycle event with the name and id of the new state. */
void transition_lifecycle(DomainTransition *t, int event, int detail);

/** Id for handles and events: the guest's, or -1. */
int domain_state_id(const DomainState *state);

/** Begin and end a job on a domain, with the host's deadline. */
int domain_job_begin(DomainObj *obj, JobKind kind, const char *api);
void domain_job_end(DomainObj *obj, JobKind kind);
