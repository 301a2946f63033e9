/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models and features of x86 CPUs. Internal to cpu.c.
 */
#pragma once
#include <glib.h>

/** A set of features by number. */
typedef struct CpuSet { guint64 bits[4]; } CpuSet;
#define CPU_SET_MAX (4 * 64)

static inline gboolean cpu_set_has(const CpuSet *set, guint feature)
{
    return set->bits[feature / 64] >> feature % 64 & 1;
}

static inline void cpu_set_put(CpuSet *set, guint feature, gboolean on)
{
    guint64 bit = 1ull << feature % 64;
    set->bits[feature / 64] = on ? set->bits[feature / 64] | bit : set->bits[feature / 64] & ~bit;
}

typedef struct CpuModel {
    const char *name, *vendor; /* NULL: nobody's */
    gboolean chosen;     /* may describe a guest's CPU (else it is an alias) */
    CpuSet features;     /* of such a CPU */
    CpuSet all;          /* and those that the hypervisor's model of that name has besides */
} CpuModel;

/** All models, oldest first. */
const CpuModel *cpu_x86_models(guint *n);
/** Features in the order of their numbers, which is that of the processor's own words. */
const char *const *cpu_x86_features(guint *n);
