/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What all objects that can be defined share: networks, pools, secrets, filters, interfaces, node devices.
 *
 * A ManagedTable holds the objects of one kind on one host. A Managed is an entry of it with ONE pointer to an immutable
 * ManagedState: the persistent definition, the definition of the run, whether it starts by itself. Readers take a reference of
 * the state and never wait. A change is made by a job (one at a time for each object; who waits does so until a
 * deadline), which prepares new definitions, calls what may block without any lock, and publishes at the end: state
 * and events in one step, so that events of one object come in the order of its states.
 *
 * An entry without definitions only reserves its name and UUID; no call finds it but one that wants to define or create.
 *
 * A kind says in a ManagedKind what its definitions look like and how its errors and events are called; a driver says in
 * a ManagedBackend what it does. Kinds with more of their own (volumes, ports, secret values) hang it on Managed.data.
 */
#pragma once
#include "core/definition.h"
#include "core/event.h"
#include "core/job.h"
#include "core/store.h"

typedef struct ManagedTable ManagedTable;
typedef struct Managed Managed;

/** Immutable once published. Active: @live is not NULL; persistent: @config is not NULL. */
typedef struct ManagedState {
    gint refs;
    Definition *config;  /* what the next start uses; NULL: transient */
    Definition *live;    /* what runs; NULL: inactive */
    bool autostart;
} ManagedState;

struct Managed {
    StoreEntry entry;      /* name (or key) and UUID never change */
    ManagedTable *table;
    void *data;            /* the kind's own, see ManagedKind */
    /* private */
    GMutex change_lock;    /* serialises changes of state with their events; taken before lock */
    GMutex lock;           /* guards the following; held for a few instructions */
    ManagedState *state;
    JobQueue jobs;         /* has its own lock */
};

/** No event of this kind happens. */
#define MANAGED_NO_EVENT (-1)

typedef struct ManagedKind {
    const char *name;          /* in messages: "network" */
    const XmlRoot *root;       /* format of definitions */
    int error_domain;          /* VIR_FROM_xxx, of definitions */
    int no_object;             /* VIR_ERR_NO_xxx */
    int clash;                 /* VIR_ERR_xxx when name or UUID are in use */
    int name_at;               /* offset of the name (char *) in the definition */
    int uuid_at, has_uuid_at;  /* offsets of UUID and of the flag whether it is set; both -1: the kind has none, the name
                                * alone identifies */
    /** Complete what was read and check it by itself, before anybody looks at the name; the error begins with the path of what
     * is wrong. May be NULL. */
    int (*complete)(void *def);
    /** Text that must be unique among the objects of the table (caller frees); NULL: the name. */
    char *(*key)(const void *def);
    /** New life cycle event. @def: the definition that is (or was last) in force. NULL: the kind has no events. */
    Event *(*event)(const Managed *obj, const void *def, int event, int detail);
    int defined, undefined, started, stopped; /* numbers of the events, or MANAGED_NO_EVENT */
    /** A new handle. Never NULL. */
    void *(*handle)(virConnectPtr conn, const Managed *obj, const void *def);
    void (*init)(Managed *obj);       /* make @data; may be NULL */
    void (*clear)(Managed *obj);      /* free @data; may be NULL */
    const char *edit;                 /* virsh command that changes a definition, for whoever opens its file: "net-edit" */
    const char *status;               /* root element of the file about a run, "networkstatus"; NULL: runs aren't kept in files */
} ManagedKind;

/** What a driver allows. */
typedef enum {
    MANAGED_UNDEFINE_ACTIVE = 1 << 0,    /* a running object can be undefined: it becomes transient */
    MANAGED_STOP_INACTIVE = 1 << 1,      /* stopping what isn't active is fine */
    MANAGED_AUTOSTART_TRANSIENT = 1 << 2, /* a transient object may be marked for autostart */
    MANAGED_ONE_DEFINITION = 1 << 3,     /* there is one definition: a new one is that of the run as well, undefining stops */
    MANAGED_MAY_HANG = 1 << 4            /* what a daemon restores and starts when it begins may hang, each for a while: others don't wait for it */
} ManagedRules;

/** What a driver does. Any member may be NULL: then it has nothing to do. All but @check may block; no lock is held. */
typedef struct ManagedBackend {
    unsigned int rules;        /* ManagedRules */
    /** Complete a new definition and look whether it can be had; @old is what it replaces (NULL: new). */
    int (*check)(ManagedTable *table, void *def, const void *old);
    /** Start; @live is the run's own definition and may be completed. */
    int (*start)(Managed *obj, void *live);
    int (*stop)(Managed *obj, const void *live);
    /** Find what a former daemon has started, and mend what is missing. -1 with an error: it doesn't run any more; stop() is
     * called then. For tables that are kept in files. */
    int (*restore)(Managed *obj, void *live);
    /** Keep the persistent definition @config (NULL: none any more) in place of @old, before anybody sees it; for a driver whose files
     * have another form than ours. -1 with an error: everything is as it was. */
    int (*keep)(Managed *obj, const void *old, const void *config);
} ManagedBackend;

/** The tables of a host: conn->tables, which the driver's open() sets. A driver leaves out what it has no functions for. */
typedef struct ManagedTables {
    ManagedTable *networks, *interfaces, *secrets, *nwfilters, *nwfilter_bindings, *pools, *nodedevs;
} ManagedTables;

/** Kinds, backends and @priv (the driver's own) must live longer than the table. A reference of @bus is taken. */
ManagedTable *managed_table_new(const ManagedKind *kind, const ManagedBackend *backend, void *priv, EventBus *bus);
/** Forget all objects; what runs goes on. No call may be under way. Accepts NULL. */
void managed_table_free(ManagedTable *table);

/* Files (managed_files.c) */

/** From now on keep definitions in files @config/NAME.xml, marks for autostart as links in @config/autostart, and, if the kind
 * has a status, runs in @state/NAME.xml. @config, @state: folders, which are made if they are missing; NULL: what belongs
 * there isn't kept. Before there is any object. 0, or -1 with an error. */
int managed_table_keep(ManagedTable *table, const char *config, const char *state);
/** Read what a former daemon has left: definitions; what runs goes on, what was half started or half stopped is stopped. What
 * can't be used is reported in the log and left alone. */
void managed_table_load(ManagedTable *table);
/** Start what is marked for it and doesn't run; once after each boot of the machine. */
void managed_table_autostart(ManagedTable *table);
/** @state of managed_table_keep(); NULL: runs aren't kept. */
const char *managed_table_state_folder(const ManagedTable *table);
void *managed_table_priv(const ManagedTable *table);
const ManagedKind *managed_table_kind(const ManagedTable *table);
void managed_table_emit(ManagedTable *table, Event *event);
/** VIR_FROM_xxx of errors that aren't about definitions: the kind's, unless the driver has set another one. */
int managed_error_domain(const ManagedTable *table);
void managed_table_set_error_domain(ManagedTable *table, int domain);
/** That of the table in which this thread looked last: rooms that serve several drivers report their errors with it. */
extern _Thread_local int managed_thread_domain;
/** In an API function on @table: answer @failure if there are flags beyond @allowed. */
#define MANAGED_FLAGS(table, flags, allowed, failure) \
    do { \
        if (error_check_flags(managed_error_domain(table), __func__, (flags), (allowed)) < 0) \
            return (failure); \
    } while (0)
/** Whether any object is active. */
gboolean managed_table_busy(ManagedTable *table);

/* Objects */

Managed *managed_ref(Managed *obj);
void managed_unref(Managed *obj);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Managed, managed_unref)

/** The present state; never NULL, caller unrefs. */
ManagedState *managed_state(Managed *obj);
void managed_state_unref(ManagedState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ManagedState, managed_state_unref)

static inline gboolean managed_visible(const ManagedState *state) { return state->config || state->live; }
static inline gboolean managed_active(const ManagedState *state) { return state->live != NULL; }

/** The definition in force: of the run, else the persistent one. NULL for a mere reservation. Belongs to @state. */
Definition *managed_definition(const ManagedState *state);

/** Name in messages. */
#define MANAGED_NAME(obj) ((obj)->entry.name)

/** Find an object: by @uuid, or if that is NULL by key (the name, for most kinds). NULL with the kind's NO_xxx error set. */
Managed *managed_find(ManagedTable *table, const guint8 *uuid, const char *key);
/** The same for callers to whom absence is no error. */
Managed *managed_peek(ManagedTable *table, const guint8 *uuid, const char *key);

/** The same with the state in which it was found, which the caller unrefs. */
Managed *managed_find_state(ManagedTable *table, const guint8 *uuid, const char *key, ManagedState **state);

/** Handle of an object as it is now. NULL with NO_xxx if it is gone. */
void *managed_handle(virConnectPtr conn, Managed *obj);
/** managed_find() and that in one. */
void *managed_lookup(virConnectPtr conn, ManagedTable *table, const guint8 *uuid, const char *key);

/* Jobs: who changes an object. Zero-initialise; g_auto() ends it. */
typedef struct ManagedJob {
    Managed *obj;        /* reference */
    ManagedState *state; /* when the job began; managed_job_refresh() takes the present one */
} ManagedJob;

/** Begin a job on the object that managed_find() finds; @api is static text for others. 0, or -1 with an error. */
int managed_job_begin(ManagedJob *job, ManagedTable *table, const guint8 *uuid, const char *key, const char *api);
void managed_job_refresh(ManagedJob *job);
/** A name that nothing came of is free again. */
void managed_job_end(ManagedJob *job);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ManagedJob, managed_job_end)

/* Life */

/** Read, complete and check a definition: the kind's XML, the name, a UUID if it has none. NULL with an error. */
void *managed_parse(ManagedTable *table, const char *xml, gboolean validate);

/** Define @def (taken over in any case), new or in place of the old definition. A reference, or NULL with an error. */
Managed *managed_define(ManagedTable *table, void *def, const char *api);
/** Start @def (taken over) without making it persistent, or as this run of a defined object. */
Managed *managed_create(ManagedTable *table, void *def, const char *api);
/** The same with something to be done between check and start, with the job. */
typedef int (*ManagedPrepare)(Managed *obj, void *def, void *opaque);
Managed *managed_create_prepared(ManagedTable *table, void *def, ManagedPrepare prepare, void *opaque, const char *api);
/** managed_parse() and the two above in one; a new handle, or NULL. */
void *managed_define_xml(virConnectPtr conn, ManagedTable *table, const char *xml, gboolean validate, const char *api);
void *managed_create_xml(virConnectPtr conn, ManagedTable *table, const char *xml, gboolean validate, const char *api);

/** Define what is there from the beginning, and start it if @active. A reference, or NULL with an error. */
Managed *managed_add(ManagedTable *table, const char *xml, gboolean active);

/** What a driver has seen of an object that others change as well: its definitions are these (taken over, either may be NULL; both: it
 * has gone), which are neither checked nor kept. One on which a job is under way is left alone, and FALSE returned: look again. */
gboolean managed_observe(ManagedTable *table, const char *key, void *config, void *live);

/** Make a persistent definition known that a driver has read from files of its own (taken over in any case): it is neither checked, kept
 * nor told of. What runs under its name becomes persistent. 0; -1 with an error, also if there is such a definition already. */
int managed_take_in(ManagedTable *table, void *config, gboolean autostart);

/** The following want a job begun. 0, or -1 with an error; job->state is the new one. */
int managed_start(ManagedJob *job);
int managed_stop(ManagedJob *job);
int managed_undefine(ManagedJob *job);
int managed_set_autostart(ManagedJob *job, gboolean on);

/** For what begins and ends by itself: what @def (taken over in any case) describes runs, and is as it says. Nothing is started. The
 * event is that of a start, or, if it ran already and was different, what @changed (may be NULL) makes. 0, or -1 with an error. */
typedef Event *(*ManagedTold)(const Managed *obj);
int managed_tell(ManagedTable *table, void *def, ManagedTold changed);
/** It runs no more. Nothing is stopped. 0; -1 with the kind's NO_xxx if nobody knows it. */
int managed_tell_gone(ManagedTable *table, const char *key);

/** Which definitions a change is for: the numbers of VIR_DOMAIN_AFFECT_xxx and VIR_NETWORK_UPDATE_AFFECT_xxx. */
typedef enum { MANAGED_LIVE = 1, MANAGED_CONFIG = 2 } ManagedScope;

/** What @flags mean for an object in @state: those of them that are there; without any, what is in force. 0 with
 * VIR_ERR_OPERATION_INVALID if it is not there. */
unsigned int managed_scope(const Managed *obj, const ManagedState *state, unsigned int flags);

/** Edit @def, a copy of one of the definitions. @live: of the run; what must be done about it, is done here. */
typedef int (*ManagedEdit)(Managed *obj, void *def, gboolean live, void *opaque);
/** Edit copies of the definitions that @scope names and publish them, with @event (taken over in any case, may be NULL). */
int managed_edit(ManagedJob *job, unsigned int scope, ManagedEdit edit, void *opaque, Event *event);

/* Lists (managed_list.c) */

/** Filters of managed_list(): the numbers of VIR_CONNECT_LIST_NETWORKS_xxx and VIR_CONNECT_LIST_STORAGE_POOLS_xxx. */
typedef enum {
    MANAGED_LIST_INACTIVE = 1 << 0, MANAGED_LIST_ACTIVE = 1 << 1,
    MANAGED_LIST_PERSISTENT = 1 << 2, MANAGED_LIST_TRANSIENT = 1 << 3,
    MANAGED_LIST_AUTOSTART = 1 << 4, MANAGED_LIST_NO_AUTOSTART = 1 << 5,
    MANAGED_LIST_ALL = (1 << 6) - 1
} ManagedListFlags;

/** Further filter: whether an object, visible and with the right flags, belongs into the list. */
typedef gboolean (*ManagedPass)(Managed *obj, const ManagedState *state, void *opaque);

/** The objects that pass: array of references. @flags: ManagedListFlags, others are ignored; @pass may be NULL. */
GPtrArray *managed_objects(ManagedTable *table, unsigned int flags, ManagedPass pass, void *opaque);
/** New handles of them, NULL behind the last, into *handles (NULL: only count). How many. */
int managed_list(ManagedTable *table, virConnectPtr conn, unsigned int flags, ManagedPass pass, void *opaque,
                 void *handles);
/** The old-style lists: how many, and copies of at most @max names. */
int managed_count(ManagedTable *table, unsigned int flags);
int managed_names(ManagedTable *table, unsigned int flags, char **names, int max);

/** XML for a caller, who frees it, of the object that managed_find() finds: of the run if there is one; with XML_INACTIVE of
 * the persistent definition if there is one. @flags: XmlFlags. NULL with an error. */
char *managed_xml(ManagedTable *table, const guint8 *uuid, const char *key, unsigned int flags);

/** Answers of the calls on handles: 0 or 1, or -1 with an error. */
int managed_is_active(ManagedTable *table, const guint8 *uuid, const char *key);
int managed_is_persistent(ManagedTable *table, const guint8 *uuid, const char *key);
int managed_get_autostart(ManagedTable *table, const guint8 *uuid, const char *key, int *autostart);

/* Going back (managed_backup.c) */

/** The definitions and states of all objects of a table at one time. */
typedef struct ManagedBackup ManagedBackup;
ManagedBackup *managed_backup_new(ManagedTable *table);
/** Accepts NULL. */
void managed_backup_free(ManagedBackup *backup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ManagedBackup, managed_backup_free)
/** Make everything as it was: what has come goes, what has gone comes back, with starts and stops. For
 * kinds without events. 0; -1 with the first error, after as much as possible was done. */
int managed_restore(ManagedTable *table, const ManagedBackup *backup);
