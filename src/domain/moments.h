/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Moments of a domain: snapshots and checkpoints. Both are trees of named definitions, and one of each tree is the current.
 *
 * A Moment and a MomentSet are immutable; the set hangs in the domain's published state (NULL: there are none), so
 * that readers never wait. A change makes a new set, which shares the moments with the old one.
 */
#pragma once
#include "core/definition.h"
#include "domain/backend.h"
#include "model/domaincheckpoint_def.h"
#include "model/domainsnapshot_def.h"

typedef struct DomainObj DomainObj;
typedef struct DomainState DomainState;

/** Most snapshots (or checkpoints) of one domain. */
#define MOMENTS_MAX 16384

/** What tells snapshots from checkpoints. */
typedef struct MomentKind {
    const char *word;        /* "snapshot" */
    const XmlRoot *root;
    int error_none;          /* VIR_ERR_NO_DOMAIN_SNAPSHOT */
    gsize set;               /* where in a DomainState its set is; the following: where in the definition … */
    gsize name, parent, has_time, time, domain;
} MomentKind;

extern const MomentKind MOMENT_SNAPSHOT, MOMENT_CHECKPOINT;

typedef struct Moment {
    gint refs;
    Definition *def;
    const char *name, *parent; /* inside def; parent NULL: a root */
} Moment;

typedef struct MomentSet {
    gint refs;
    GPtrArray *all;          /* of Moment, in the order in which they were made */
    GHashTable *by_name;
    char *current;           /* name; NULL: none */
} MomentSet;

/** Takes @def (a struct of the kind's root) over. */
Moment *moment_new(const MomentKind *kind, void *def);
Moment *moment_ref(Moment *moment);
void moment_unref(Moment *moment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Moment, moment_unref)

/** The same with another parent (NULL: none). */
Moment *moment_with_parent(const MomentKind *kind, const Moment *moment, const char *parent);

const DomainSnapshotDef *moment_snapshot(const Moment *moment);
const DomainCheckpointDef *moment_checkpoint(const Moment *moment);

/** A set of these (of different names); NULL if there are none. */
MomentSet *moments_new(GPtrArray *moments, const char *current);
MomentSet *moments_ref(MomentSet *set);
void moments_unref(MomentSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MomentSet, moments_unref)

/* All take NULL for an empty set. */

/** Belongs to the set; NULL if it has none of the name. */
Moment *moments_find(const MomentSet *set, const char *name);
guint moments_count(const MomentSet *set);
/** Whether @name is @ancestor or comes after it. */
gboolean moments_descends(const MomentSet *set, const char *name, const char *ancestor);

/** A set that has @moment too (in the place of one of its name) and this current one (NULL: none). */
MomentSet *moments_with(const MomentSet *set, Moment *moment, const char *current);
/** A set with another current one. */
MomentSet *moments_with_current(const MomentSet *set, const char *current);
/** A set without @name, whose children become those of its parent. If it was the current one, its parent is that. NULL
 * if nothing is left. @changed (may be NULL) receives the children as they are now. */
MomentSet *moments_without(const MomentKind *kind, const MomentSet *set, const char *name, GPtrArray *changed);

/** A set without these (a set of Moment pointers), of whom no child and not the current one may be left behind. */
MomentSet *moments_without_all(const MomentSet *set, GHashTable *gone);

/** Make of @moments (of different names), which may name parents that aren't there or each other in a circle, trees: such
 * become roots, in place, and are added to @roots. */
void moments_cut(const MomentKind *kind, GPtrArray *moments, GPtrArray *roots);

/** Which moments are meant. */
typedef struct MomentQuery {
    const char *below;       /* only what comes after this one; NULL: the whole tree */
    gboolean direct;         /* children only (roots, for the whole tree) */
    gboolean leaves, inner;  /* only such without children, with children; both: none */
    gboolean topological;    /* parents before their children */
    gboolean (*filter)(const Moment *moment, unsigned int flags); /* may be NULL */
    unsigned int flags;      /* for the filter */
} MomentQuery;

/** References to those that fit. Caller frees the array. */
GPtrArray *moments_select(const MomentSet *set, const MomentQuery *query);

/* ---- of a domain; a modify job must be held where something is changed ---- */

MomentSet *moments_of(const MomentKind *kind, const DomainState *state);
/** 0 if there is room for one more, or -1 with VIR_ERR_OPERATION_FAILED. */
int moments_check_room(const MomentKind *kind, const DomainState *state);
/** Write @moment (and who ceases to be the current one) and publish it. 0, or -1: also if the domain has ended and is gone. */
int moments_add(const MomentKind *kind, DomainObj *obj, Moment *moment, gboolean make_current);
int moments_set_current(const MomentKind *kind, DomainObj *obj, const char *name);
int moments_remove(const MomentKind *kind, DomainObj *obj, const char *name);
/** Called before a moment is removed; 0, or -1: it stays. */
typedef int (*MomentRelease)(const Moment *moment, void *opaque);
/** Remove these from the last to the first, so that there is a tree after each step. None of them may be the current one or
 * have a child that isn't among them. At the first failure those that went stay removed, the others stay. 0, or -1. */
int moments_remove_all(const MomentKind *kind, DomainObj *obj, GPtrArray *gone, MomentRelease release, void *opaque);
/** Forget all, with their files. 0, or -1; then all are forgotten but some files stay. */
int moments_forget(const MomentKind *kind, DomainObj *obj);
/** The same for snapshots and checkpoints of a domain that is gone; errors are logged only. */
void moments_forget_gone(DomainObj *obj);
/** A definition with what only files have: @active receives what <active> says, 1, 0, or -1 if nothing. @where names the text in
 * errors. Caller owns it; NULL with an error. */
void *moment_read(const MomentKind *kind, const char *text, gsize len, const char *where, int *active);
/** Read the files of a domain. What can't be used (or is of another domain) is reported in the log and left alone. */
void moments_load(const MomentKind *kind, DomainObj *obj);
