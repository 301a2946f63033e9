/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#include "domain/moments.h"
#include "base/error.h"
#include "domain/domain_obj.h"
#include <string.h>

#define KIND(type, state_member) \
    .set = offsetof(DomainState, state_member), .name = offsetof(type, name), .parent = offsetof(type, parent), \
    .has_time = offsetof(type, has_creation_time), .time = offsetof(type, creation_time), .domain = offsetof(type, domain)

const MomentKind MOMENT_SNAPSHOT = {
    .word = "snapshot", .root = &DOMAIN_SNAPSHOT_ROOT, .error_none = VIR_ERR_NO_DOMAIN_SNAPSHOT,
    KIND(DomainSnapshotDef, snapshots),
};

const MomentKind MOMENT_CHECKPOINT = {
    .word = "checkpoint", .root = &DOMAIN_CHECKPOINT_ROOT, .error_none = VIR_ERR_NO_DOMAIN_CHECKPOINT,
    KIND(DomainCheckpointDef, checkpoints),
};

/* ---- one moment ---- */

Moment *moment_new(const MomentKind *kind, void *def)
{
    Moment *moment = g_new0(Moment, 1);
    DomainMomentParent **parent = &G_STRUCT_MEMBER(DomainMomentParent *, def, kind->parent);
    if (*parent && (!(*parent)->name || !*(*parent)->name)) {
        xml_struct_free(&DOMAIN_MOMENT_PARENT_DESC, *parent);
        *parent = NULL;
    }
    moment->refs = 1;
    moment->name = G_STRUCT_MEMBER(char *, def, kind->name);
    moment->parent = *parent ? (*parent)->name : NULL;
    moment->def = definition_new(kind->root, def);
    return moment;
}

Moment *moment_ref(Moment *moment)
{
    g_atomic_int_inc(&moment->refs);
    return moment;
}

void moment_unref(Moment *moment)
{
    if (!moment || !g_atomic_int_dec_and_test(&moment->refs))
        return;
    definition_unref(moment->def);
    g_free(moment);
}

const DomainSnapshotDef *moment_snapshot(const Moment *moment)
{
    return definition_get(moment->def);
}

const DomainCheckpointDef *moment_checkpoint(const Moment *moment)
{
    return definition_get(moment->def);
}

Moment *moment_with_parent(const MomentKind *kind, const Moment *moment, const char *parent)
{
    void *def = definition_copy(moment->def);
    DomainMomentParent **place = &G_STRUCT_MEMBER(DomainMomentParent *, def, kind->parent);
    xml_struct_free(&DOMAIN_MOMENT_PARENT_DESC, *place);
    *place = NULL;
    if (parent) {
        *place = xml_struct_new(&DOMAIN_MOMENT_PARENT_DESC);
        (*place)->name = g_strdup(parent);
    }
    return moment_new(kind, def);
}

/* ---- sets ---- */

/* An empty set, to be filled before anybody else sees it. */
static MomentSet *set_new(const char *current)
{
    MomentSet *set = g_new0(MomentSet, 1);
    set->refs = 1;
    set->all = g_ptr_array_new_with_free_func((GDestroyNotify) moment_unref);
    set->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    set->current = g_strdup(current);
    return set;
}

/* Takes @moment over. */
static void set_put(MomentSet *set, Moment *moment)
{
    g_ptr_array_add(set->all, moment);
    g_hash_table_insert(set->by_name, (char *) moment->name, moment);
}

MomentSet *moments_new(GPtrArray *moments, const char *current)
{
    if (moments->len == 0)
        return NULL;
    MomentSet *set = set_new(current);
    for (guint i = 0; i < moments->len; i++)
        set_put(set, moment_ref(moments->pdata[i]));
    return set;
}

MomentSet *moments_ref(MomentSet *set)
{
    if (set)
        g_atomic_int_inc(&set->refs);
    return set;
}

void moments_unref(MomentSet *set)
{
    if (!set || !g_atomic_int_dec_and_test(&set->refs))
        return;
    g_hash_table_unref(set->by_name);
    g_ptr_array_unref(set->all);
    g_free(set->current);
    g_free(set);
}

Moment *moments_find(const MomentSet *set, const char *name)
{
    return set && name ? g_hash_table_lookup(set->by_name, name) : NULL;
}

guint moments_count(const MomentSet *set)
{
    return set ? set->all->len : 0;
}

gboolean moments_descends(const MomentSet *set, const char *name, const char *ancestor)
{
    while (name && strcmp(name, ancestor) != 0) {
        const Moment *moment = moments_find(set, name);
        name = moment ? moment->parent : NULL;
    }
    return name != NULL;
}

MomentSet *moments_with(const MomentSet *set, Moment *moment, const char *current)
{
    MomentSet *next = set_new(current);
    gboolean placed = FALSE;
    for (guint i = 0; i < moments_count(set); i++) {
        Moment *old = set->all->pdata[i];
        gboolean same = strcmp(old->name, moment->name) == 0;
        set_put(next, moment_ref(same ? moment : old));
        placed = placed || same;
    }
    if (!placed)
        set_put(next, moment_ref(moment));
    return next;
}

MomentSet *moments_with_current(const MomentSet *set, const char *current)
{
    MomentSet *next = set_new(current);
    for (guint i = 0; i < moments_count(set); i++)
        set_put(next, moment_ref(set->all->pdata[i]));
    return next;
}

MomentSet *moments_without(const MomentKind *kind, const MomentSet *set, const char *name, GPtrArray *changed)
{
    const Moment *gone = moments_find(set, name);
    if (moments_count(set) == (gone ? 1 : 0))
        return NULL;
    MomentSet *next = set_new(gone && g_strcmp0(set->current, name) == 0 ? gone->parent : set->current);
    for (guint i = 0; i < set->all->len; i++) {
        Moment *old = set->all->pdata[i];
        if (old == gone)
            continue;
        gboolean child = gone && g_strcmp0(old->parent, name) == 0;
        Moment *moment = child ? moment_with_parent(kind, old, gone->parent) : moment_ref(old);
        if (child && changed)
            g_ptr_array_add(changed, moment_ref(moment));
        set_put(next, moment);
    }
    return next;
}

MomentSet *moments_without_all(const MomentSet *set, GHashTable *gone)
{
    g_autoptr(GPtrArray) left = g_ptr_array_new();
    for (guint i = 0; i < moments_count(set); i++) {
        if (!g_hash_table_contains(gone, set->all->pdata[i]))
            g_ptr_array_add(left, set->all->pdata[i]);
    }
    return moments_new(left, set ? set->current : NULL);
}

/* ---- selection ---- */

/* Children by the name of their parent; "" for roots, which is no name. */
static GHashTable *children_by_parent(const MomentSet *set)
{
    GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify) g_ptr_array_unref);
    for (guint i = 0; i < set->all->len; i++) {
        Moment *moment = set->all->pdata[i];
        const char *parent = moment->parent ? moment->parent : "";
        GPtrArray *list = g_hash_table_lookup(table, parent);
        if (!list)
            g_hash_table_insert(table, (char *) parent, list = g_ptr_array_new());
        g_ptr_array_add(list, moment);
    }
    return table;
}

static gboolean fits(const Moment *moment, const MomentQuery *query, GHashTable *children)
{
    gboolean leaf = !g_hash_table_contains(children, moment->name);
    if ((query->leaves && !leaf) || (query->inner && leaf))
        return FALSE;
    return !query->filter || query->filter(moment, query->flags);
}

/* All below, parents first. Without recursion: a tree may be as deep as it has moments. */
static void walk(GHashTable *children, const char *top, gboolean direct, GPtrArray *found)
{
    g_autoptr(GPtrArray) stack = g_ptr_array_new();
    GPtrArray *list = g_hash_table_lookup(children, top);
    for (guint i = list ? list->len : 0; i-- > 0;)
        g_ptr_array_add(stack, list->pdata[i]);
    while (stack->len > 0) {
        Moment *moment = g_ptr_array_steal_index(stack, stack->len - 1);
        g_ptr_array_add(found, moment);
        list = direct ? NULL : g_hash_table_lookup(children, moment->name);
        for (guint i = list ? list->len : 0; i-- > 0;)
            g_ptr_array_add(stack, list->pdata[i]);
    }
}

/* Note down who is reached from @top; there may be cycles. */
static void reach(GHashTable *children, const char *top, GHashTable *reached)
{
    g_autoptr(GPtrArray) stack = g_ptr_array_new();
    g_ptr_array_add(stack, (char *) top);
    while (stack->len > 0) {
        GPtrArray *list = g_hash_table_lookup(children, g_ptr_array_steal_index(stack, stack->len - 1));
        for (guint i = 0; list && i < list->len; i++) {
            const Moment *moment = list->pdata[i];
            if (g_hash_table_add(reached, (char *) moment->name))
                g_ptr_array_add(stack, (char *) moment->name);
        }
    }
}

void moments_cut(const MomentKind *kind, GPtrArray *moments, GPtrArray *roots)
{
    g_autoptr(MomentSet) set = moments_new(moments, NULL);
    if (!set)
        return;
    g_autoptr(GHashTable) children = children_by_parent(set);
    g_autoptr(GHashTable) reached = g_hash_table_new(g_str_hash, g_str_equal);
    reach(children, "", reached);
    for (guint pass = 0; pass < 2; pass++) { /* parents that aren't there; then what is left are circles */
        for (guint i = 0; i < moments->len; i++) {
            Moment *old = moments->pdata[i];
            if (g_hash_table_contains(reached, old->name) || (pass == 0 && moments_find(set, old->parent)))
                continue;
            moments->pdata[i] = moment_with_parent(kind, old, NULL);
            g_ptr_array_add(roots, moment_ref(moments->pdata[i]));
            g_hash_table_add(reached, (char *) moments_find(set, old->name)->name);
            reach(children, old->name, reached);
            moment_unref(old);
        }
    }
}

GPtrArray *moments_select(const MomentSet *set, const MomentQuery *query)
{
    GPtrArray *chosen = g_ptr_array_new_with_free_func((GDestroyNotify) moment_unref);
    if (!set)
        return chosen;
    g_autoptr(GHashTable) children = children_by_parent(set);
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    if (query->below || query->direct || query->topological)
        walk(children, query->below ? query->below : "", query->direct, found);
    else
        g_ptr_array_extend(found, set->all, NULL, NULL);
    for (guint i = 0; i < found->len; i++) {
        if (fits(found->pdata[i], query, children))
            g_ptr_array_add(chosen, moment_ref(found->pdata[i]));
    }
    return chosen;
}

MomentSet *moments_of(const MomentKind *kind, const DomainState *state)
{
    return G_STRUCT_MEMBER(MomentSet *, state, kind->set);
}
