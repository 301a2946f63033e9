/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which model describes an x86 CPU best, and what has to be said besides.
 */
#include <string.h>
#include "model/cpu_x86.h"

/* How far a model is from what is wanted. A feature that has to be switched off counts as two that are switched on, and more if there
 * are many, so that no model is taken that has hardly anything in common. Found by asking the reference for the CPUs of all models. */
static guint distance(const CpuModel *model, const CpuSet *lacks, const CpuSet *set)
{
    guint on = 0, off = 0;
    for (guint i = 0; i < CPU_SET_MAX; i++) {
        gboolean lacking = cpu_set_has(lacks, i), wanted = cpu_set_has(set, i), has = cpu_set_has(&model->all, i) || lacking;
        on += wanted && !has;
        off += has && (!wanted || lacking);
    }
    return on + 2 * off + off * (off - MIN(off, 1)) / 12;
}

static gboolean may_describe(const CpuModel *model, const char *vendor)
{
    return model->chosen && (!model->vendor || !vendor || strcmp(model->vendor, vendor) == 0);
}

static gboolean has_all_of(const CpuSet *set, const CpuSet *part)
{
    for (guint i = 0; i < G_N_ELEMENTS(set->bits); i++) {
        if (part->bits[i] & ~set->bits[i])
            return FALSE;
    }
    return TRUE;
}

/* The preferred model, if it may be, or else that of which the least has to be said. */
static const CpuModel *choose(const CpuSet *set, const char *vendor, const char *preferred, gboolean host, CpuModelFilter filter,
                              void *opaque)
{
    guint n, least = G_MAXUINT;
    const CpuModel *models = cpu_x86_models(&n), *best = NULL;
    for (guint i = 0; i < n; i++) {
        CpuSet lacks = { 0 };
        if (!may_describe(&models[i], vendor) || (host && !has_all_of(set, &models[i].features)) ||
            (filter && !filter(models[i].name, &lacks, opaque)))
            continue;
        guint far = preferred && strcmp(models[i].name, preferred) == 0 ? 0 : distance(&models[i], &lacks, set) + 1;
        if (far < least) {
            least = far;
            best = &models[i];
        }
    }
    return best;
}

const CpuModel *cpu_x86_choose(const CpuSet *set, const char *vendor, const char *preferred, CpuModelFilter filter, void *opaque)
{
    return choose(set, vendor, preferred, FALSE, filter, opaque);
}

typedef struct Told { const char *name, *policy; } Told;

static int by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(((const Told *) a)->name, ((const Told *) b)->name);
}

/* Features that are in @set and in neither @but nor @nor (NULL: none). */
static void collect(GArray *told, const char *policy, const CpuSet *set, const CpuSet *but, const CpuSet *nor)
{
    guint n;
    const char *const *names = cpu_x86_features(&n);
    for (guint i = 0; i < n; i++) {
        if (cpu_set_has(set, i) && !(but && cpu_set_has(but, i)) && !(nor && cpu_set_has(nor, i)))
            g_array_append_vals(told, &(Told) { names[i], policy }, 1);
    }
}

void cpu_x86_tell(GString *out, const CpuModel *model, const CpuSet *own, const CpuSet *set, unsigned flags, int indent)
{
    g_autoptr(GArray) told = g_array_new(FALSE, FALSE, sizeof(Told));
    const CpuSet *known = own ? &model->features : &model->all;
    CpuSet expected = model->features;
    for (guint i = 0; own && i < G_N_ELEMENTS(expected.bits); i++)
        expected.bits[i] |= own->bits[i];
    collect(told, "require", set, flags & CPU_GUEST_EXPAND ? NULL : known, NULL);
    collect(told, "disable", &expected, set, NULL);
    collect(told, "disable", &model->all, set, &expected);
    if (flags & CPU_GUEST_SORT)
        g_array_sort(told, by_name);
    for (guint i = 0; i < told->len; i++) {
        const Told *t = &g_array_index(told, Told, i);
        g_string_append_printf(out, "%*s<feature policy='%s' name='%s'/>\n", indent, "", t->policy, t->name);
    }
}

void cpu_x86_host(const CpuSet *set, const char *vendor, int indent, char **model_text, char **feature_text)
{
    const CpuModel *model = choose(set, vendor, NULL, TRUE, NULL, NULL);
    g_autoptr(GArray) told = g_array_new(FALSE, FALSE, sizeof(Told));
    GString *out = g_string_new(NULL);
    *model_text = model ? g_strdup_printf("%*s<model>%s</model>\n", indent, "", model->name) : NULL;
    collect(told, NULL, set, model ? &model->features : NULL, NULL);
    for (guint i = 0; i < told->len; i++)
        g_string_append_printf(out, "%*s<feature name='%s'/>\n", indent, "", g_array_index(told, Told, i).name);
    *feature_text = g_string_free(out, FALSE);
}
