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

/* ---- checks ---- */

/* A thread can be in one group alone. */
static int check_overlaps(const DomainDef *def)
{
    const DomainCputune *tune = def->cputune;

    for (guint i = 0; i < tune->n_cachetunes; i++) {
        for (guint j = 0; j < tune->n_memorytunes; j++) {
            const Bitmap *a = tune->cachetunes[i]->vcpus, *b = tune->memorytunes[j]->vcpus;

            if (bitmap_overlaps(a, b) && !bitmap_equal(a, b))
                return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "a <cachetune> and a <memorytune> of domain '%s' share some of their vCPUs; they must "
                            "have all in common or none", def->name);
        }
    }
    return 0;
}

static int check_monitors(const DomainDef *def)
{
    guint n = 0;

    for (guint i = 0; i < def->cputune->n_cachetunes; i++)
        n += def->cputune->cachetunes[i]->n_monitors;
    for (guint i = 0; i < def->cputune->n_memorytunes; i++)
        n += def->cputune->memorytunes[i]->n_monitors;
    return n == 0 ? 0 : FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "<monitor> in <cachetune> or <memorytune> of domain '%s' is not supported by the QEMU "
                             "driver yet; 'virsh edit %s' takes it out", def->name, def->name);
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
    return check_overlaps(def) < 0 || check_monitors(def) < 0 || for_each_group(def, check_group, NULL) < 0 ? -1 : 0;
}

/* ---- groups ---- */

static int make_group(const Bitmap *vcpus, const DomainCputune *tune, gpointer prefix)
{
    g_autoptr(GArray) parts = parts_of(tune, vcpus);
    g_autofree char *id = id_of(vcpus), *name = g_strconcat(prefix, id, NULL);

    return resctrl_make(name, (const ResctrlPart *)parts->data, parts->len);
}

int qemu_guest_cachetune_make(Guest *guest, DomainDef *def)
{
    g_autofree char *prefix = NULL;

    if (!wants(def))
        return 0;
    prefix = group_prefix(guest);
    resctrl_remove(prefix);     /* of a run that nobody cleaned up behind: it would have what that one wanted */
    if (for_each_group(def, make_group, prefix) < 0) {
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

static int enter_group(const Bitmap *vcpus, const DomainCputune *tune, gpointer opaque)
{
    Guest *guest = opaque;
    g_autofree char *prefix = group_prefix(guest), *id = id_of(vcpus), *name = g_strconcat(prefix, id, NULL);

    for (ssize_t i = bitmap_next(vcpus, -1); i >= 0; i = bitmap_next(vcpus, i)) {
        int tid = qemu_guest_vcpu_tid(qemu_guest(guest), (guint)i);

        if (tid > 0 && resctrl_enter(name, tid) < 0)
            return -1;
    }
    return 0;
}

int qemu_guest_cachetune_enter(Guest *guest, const DomainDef *def)
{
    return wants(def) ? for_each_group(def, enter_group, guest) : 0;
}

void qemu_guest_cachetune_remove(Guest *guest, const DomainDef *def)
{
    g_autofree char *prefix = wants(def) ? group_prefix(guest) : NULL;

    if (prefix)
        resctrl_remove(prefix);
}
