/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models and features of x86 CPUs by name, and where a processor tells its features.
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

static inline void cpu_set_remove(CpuSet *set, const CpuSet *part)
{
    for (guint i = 0; i < G_N_ELEMENTS(set->bits); i++)
        set->bits[i] &= ~part->bits[i];
}

typedef struct CpuModel {
    const char *name, *vendor; /* NULL: nobody's */
    gboolean chosen;     /* may describe a guest's CPU (else it is an alias) */
    CpuSet features;     /* of such a CPU */
    CpuSet all;          /* and those that the hypervisor's model of that name has besides */
} CpuModel;

/** All models, oldest first. */
const CpuModel *cpu_x86_models(guint *n);
/** Model by name; NULL if there is none. */
const CpuModel *cpu_x86_model(const char *name);
/** Features in the order of their numbers, which is that of the processor's own words. */
const char *const *cpu_x86_features(guint *n);
/** Number of a feature; -1 if there is none of this name. */
int cpu_x86_feature(const char *name);

/** Vendor by what its processors call it ("GenuineIntel"); NULL if unknown or @id is NULL. */
const char *cpu_x86_vendor(const char *id);

/** A register in which a processor tells features. */
typedef struct CpuWord {
    enum { CPU_WORD_EAX, CPU_WORD_EBX, CPU_WORD_ECX, CPU_WORD_EDX, CPU_WORD_MSR } where;
    guint32 leaf, subleaf; /* of CPUID; number of the MSR */
} CpuWord;

/** Value of a register; 0 if the processor doesn't have it. */
typedef guint64 (*CpuWordReader)(const CpuWord *word, void *opaque);

/** The features of a processor whose registers @read tells. */
void cpu_x86_read(CpuSet *set, CpuWordReader read, void *opaque);

/** Take away what guests aren't given, and with @migratable also what they can't carry to another host; but not what @model has
 * anyway. */
void cpu_x86_keep_guests(CpuSet *set, gboolean migratable, const CpuModel *model);

/** Whether a model may be taken. @lacks: features that it would have to do without, so they are told to be off. */
typedef gboolean (*CpuModelFilter)(const char *model, CpuSet *lacks, void *opaque);

/** The model of which the least has to be said to describe a CPU that has @set. @vendor: NULL if nobody's; @preferred: taken if
 * it may be (NULL: none); @filter: NULL: all may be taken. NULL if there is none. */
const CpuModel *cpu_x86_choose(const CpuSet *set, const char *vendor, const char *preferred, CpuModelFilter filter, void *opaque);

/** <model> and the <feature> elements of the <cpu> of a host of @vendor that has @set, indented by @indent; the caller frees both.
 * Features are only told to be there, so the model has none that the host lacks. @model: NULL if there is no such. */
void cpu_x86_host(const CpuSet *set, const char *vendor, int indent, char **model, char **features);

typedef enum {
    CPU_GUEST_EXPAND = 1 << 0, /**< All features by name. */
    CPU_GUEST_SORT = 1 << 1,   /**< Features by name, not in the order of their numbers. */
} CpuGuestFlags;

/** <feature> elements that make @model a CPU that has @set. @own: features that the hypervisor's model of that name has, or has
 * but for this host; NULL: not asked. */
void cpu_x86_tell(GString *out, const CpuModel *model, const CpuSet *own, const CpuSet *set, unsigned flags, int indent);
