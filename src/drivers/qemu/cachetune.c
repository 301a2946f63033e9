/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/cachetune.h"
#include "base/error.h"
#include "core/host/resctrl.h"
#include "drivers/qemu/threads.h"
#include "drivers/qemu/tuning.h"

static gboolean wants(const DomainDef *def)
{
    return def->cputune && (def->cputune->n_cachetunes || def->cputune->n_memorytunes);
}

static char *group_prefix(const Guest *guest)
{
    g_autofree char *name = qemu_guest_group_name(guest);

    return g_strconcat(name, "-", NULL);
}

static char *id_of(const Bitmap *vcpus)
{
    g_autofree char *text = bitmap_format(vcpus);

    return g_strconcat("vcpus_", text, NULL);
}

/* "L3" if it holds both. */
static const char *cache_resource(const CachetuneCache *cache)
{
    static const char *const names[][3] = { { "L2", "L2CODE", "L2DATA" }, { "L3", "L3CODE", "L3DATA" } };

    if (cache->level < 2 || cache->level > 3)
        return "L1";       /* that no kernel has */
    return names[cache->level - 2][cache->type == CACHETUNE_TYPE_CODE ? 1 : cache->type == CACHETUNE_TYPE_DATA ? 2 : 0];
}

static void add_caches(GArray *parts, const Cachetune *tune)
{
    for (guint i = 0; i < tune->n_caches; i++) {
        const CachetuneCache *cache = tune->caches[i];
        ResctrlPart part = { cache_resource(cache), cache->level, cache->id, cache->size };

        g_array_append_val(parts, part);
    }
}

static void add_bandwidths(GArray *parts, const Memorytune *tune)
{
    for (guint i = 0; i < tune->n_nodes; i++) {
        ResctrlPart part = { "MB", 0, tune->nodes[i]->id, tune->nodes[i]->bandwidth };

        g_array_append_val(parts, part);
    }
}

/* All that these vCPUs are to have; both elements may be about the same ones. */
static GArray *parts_of(const DomainCputune *tune, const Bitmap *vcpus)
{
    GArray *parts = g_array_new(FALSE, FALSE, sizeof(ResctrlPart));

    for (guint i = 0; i < tune->n_cachetunes; i++) {
        if (bitmap_equal(tune->cachetunes[i]->vcpus, vcpus))
            add_caches(parts, tune->cachetunes[i]);
    }
    for (guint i = 0; i < tune->n_memorytunes; i++) {
        if (bitmap_equal(tune->memorytunes[i]->vcpus, vcpus))
            add_bandwidths(parts, tune->memorytunes[i]);
    }
    return parts;
}

/* Call @visit for each set of vCPUs once. 0, or what isn't 0 of @visit. */
typedef int (*Visit)(const Bitmap *vcpus, const DomainCputune *tune, gpointer opaque);

static int for_each_group(const DomainDef *def, Visit visit, gpointer opaque)
{
    const DomainCputune *tune = def->cputune;
    int rc = 0;

    for (guint i = 0; rc == 0 && i < tune->n_cachetunes; i++)
        rc = visit(tune->cachetunes[i]->vcpus, tune, opaque);
    for (guint i = 0; rc == 0 && i < tune->n_memorytunes; i++) {
        gboolean seen = FALSE;

        for (guint j = 0; j < tune->n_cachetunes; j++)
            seen = seen || bitmap_equal(tune->cachetunes[j]->vcpus, tune->memorytunes[i]->vcpus);
        if (!seen)
            rc = visit(tune->memorytunes[i]->vcpus, tune, opaque);
    }
    return rc;
}

/* ---- monitors ---- */

/* <monitor> of the definition. */
typedef struct Monitor {
    char *group;       /* in the kernel's tree: that of its element, or a part of it */
    char *owner;       /* that of its element */
    char *name;        /* for who reads statistics */
    Bitmap *vcpus;
    gboolean first;    /* it has a group besides that of its element, and no monitor before it has the same */
    gboolean bandwidth;
} Monitor;

static void monitor_free(gpointer data)
{
    Monitor *m = data;

    g_free(m->group);
    g_free(m->owner);
    g_free(m->name);
    bitmap_free(m->vcpus);
    g_free(m);
}

static void add_monitor(GPtrArray *list, const char *prefix, const Bitmap *of, const Bitmap *vcpus, gboolean bandwidth)
{
    Monitor *m = g_new0(Monitor, 1);
    g_autofree char *id = id_of(of);

    m->owner = g_strconcat(prefix, id, NULL);
    m->name = id_of(vcpus);
    m->vcpus = bitmap_copy(vcpus);
    m->first = !bitmap_equal(of, vcpus);
    m->group = m->first ? resctrl_monitor_group(m->owner, m->name) : g_strdup(m->owner);
    for (guint i = 0; i < list->len; i++)
        m->first = m->first && !g_str_equal(((Monitor *)g_ptr_array_index(list, i))->group, m->group);
    m->bandwidth = bandwidth;
    g_ptr_array_add(list, m);
}

/* Of Monitor, as they stand in the definition. */
static GPtrArray *monitors_of(const char *prefix, const DomainCputune *tune)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(monitor_free);

    for (guint i = 0; i < tune->n_cachetunes; i++) {
        for (guint j = 0; j < tune->cachetunes[i]->n_monitors; j++)
            add_monitor(list, prefix, tune->cachetunes[i]->vcpus, tune->cachetunes[i]->monitors[j]->vcpus, FALSE);
    }
    for (guint i = 0; i < tune->n_memorytunes; i++) {
        for (guint j = 0; j < tune->memorytunes[i]->n_monitors; j++)
            add_monitor(list, prefix, tune->memorytunes[i]->vcpus, tune->memorytunes[i]->monitors[j]->vcpus, TRUE);
    }
    return list;
}

/* ---- checks ---- */

static int check_monitors(const DomainDef *def)
{
    gboolean cache = FALSE, bandwidth = FALSE;

    for (guint i = 0; i < def->cputune->n_cachetunes; i++)
        cache = cache || def->cputune->cachetunes[i]->n_monitors;
    for (guint i = 0; i < def->cputune->n_memorytunes; i++)
        bandwidth = bandwidth || def->cputune->memorytunes[i]->n_monitors;
    return resctrl_check_monitors(cache, bandwidth);
}

static int check_group(const Bitmap *vcpus, const DomainCputune *tune, gpointer opaque)
{
    g_autoptr(GArray) parts = parts_of(tune, vcpus);

    return resctrl_check((const ResctrlPart *)parts->data, parts->len);
}

int qemu_check_cachetune(const DomainDef *def)
{
    if (!wants(def))
        return 0;
    return for_each_group(def, check_group, NULL) < 0 ? -1 : check_monitors(def);
}

/* ---- groups ---- */

static int make_group(const Bitmap *vcpus, const DomainCputune *tune, gpointer prefix)
{
    g_autoptr(GArray) parts = parts_of(tune, vcpus);
    g_autofree char *id = id_of(vcpus), *name = g_strconcat(prefix, id, NULL);

    return resctrl_make(name, (const ResctrlPart *)parts->data, parts->len);
}

static int make_monitors(GPtrArray *monitors)
{
    for (guint i = 0; i < monitors->len; i++) {
        const Monitor *m = g_ptr_array_index(monitors, i);

        if (m->first && resctrl_make_monitor(m->owner, m->name) < 0)
            return -1;
    }
    return 0;
}

void qemu_guest_cachetune_note(Guest *guest, const DomainDef *def)
{
    g_autofree char *prefix = wants(def) ? group_prefix(guest) : NULL;

    if (prefix)
        qemu_guest(guest)->monitors = monitors_of(prefix, def->cputune);
}

int qemu_guest_cachetune_make(Guest *guest, DomainDef *def)
{
    g_autofree char *prefix = NULL;

    if (!wants(def))
        return 0;
    prefix = group_prefix(guest);
    resctrl_remove(prefix);     /* of a run that nobody cleaned up behind: it would have what that one wanted */
    qemu_guest_cachetune_note(guest, def);
    if (for_each_group(def, make_group, prefix) < 0 || make_monitors(qemu_guest(guest)->monitors) < 0) {
        resctrl_remove(prefix);
        return -1;
    }
    for (guint i = 0; i < def->cputune->n_cachetunes; i++) {
        g_free(def->cputune->cachetunes[i]->id);
        def->cputune->cachetunes[i]->id = id_of(def->cputune->cachetunes[i]->vcpus);
    }
    for (guint i = 0; i < def->cputune->n_memorytunes; i++) {
        g_free(def->cputune->memorytunes[i]->id);
        def->cputune->memorytunes[i]->id = id_of(def->cputune->memorytunes[i]->vcpus);
    }
    return 0;
}

static int enter(Guest *guest, const char *group, const Bitmap *vcpus)
{
    for (ssize_t i = bitmap_next(vcpus, -1); i >= 0; i = bitmap_next(vcpus, i)) {
        int tid = qemu_guest_vcpu_tid(qemu_guest(guest), (guint)i);

        if (tid > 0 && resctrl_enter(group, tid) < 0)
            return -1;
    }
    return 0;
}

static int enter_group(const Bitmap *vcpus, const DomainCputune *tune, gpointer opaque)
{
    g_autofree char *prefix = group_prefix(opaque), *id = id_of(vcpus), *name = g_strconcat(prefix, id, NULL);

    return enter(opaque, name, vcpus);
}

int qemu_guest_cachetune_enter(Guest *guest, const DomainDef *def)
{
    GPtrArray *monitors = qemu_guest(guest)->monitors;

    if (!wants(def))
        return 0;
    if (for_each_group(def, enter_group, guest) < 0)
        return -1;
    for (guint i = 0; monitors && i < monitors->len; i++) {
        const Monitor *m = g_ptr_array_index(monitors, i);

        if (m->first && enter(guest, m->group, m->vcpus) < 0)
            return -1;
    }
    return 0;
}

void qemu_guest_cachetune_remove(Guest *guest, const DomainDef *def)
{
    g_autofree char *prefix = wants(def) ? group_prefix(guest) : NULL;

    if (prefix)
        resctrl_remove(prefix);
}

/* ---- statistics ---- */

static void read_monitor(const Monitor *m, GuestStats *stats)
{
    g_autoptr(GArray) usage = resctrl_usage(m->group);
    g_autofree char *vcpus = bitmap_format(m->vcpus);
    GuestMonitorStats *found = guest_stats_add_monitor(stats, m->bandwidth, m->name, vcpus);

    for (guint i = 0; i < usage->len; i++) {
        const ResctrlUsage *u = &g_array_index(usage, ResctrlUsage, i);
        GuestBankStats bank = { .id = u->id };

        if (u->cache >= 0)
            stat_set(&bank.cache, (guint64)u->cache);
        if (u->local >= 0)
            stat_set(&bank.local, (guint64)u->local);
        if (u->total >= 0)
            stat_set(&bank.total, (guint64)u->total);
        g_array_append_val(found->banks, bank);
    }
}

void qemu_guest_cachetune_read(Guest *guest, unsigned int groups, GuestStats *stats)
{
    const GPtrArray *monitors = qemu_guest(guest)->monitors;

    for (guint i = 0; monitors && i < monitors->len; i++) {
        const Monitor *m = g_ptr_array_index(monitors, i);

        if (groups & (m->bandwidth ? GUEST_STATS_MEMORY : GUEST_STATS_CPU))
            read_monitor(m, stats);
    }
}
