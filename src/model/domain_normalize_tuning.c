/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * vCPUs, I/O threads, the clock and limits in their usual form: lists that are complete and in order, no limit that is none, no
 * element that says nothing.
 */
#include "model/domain_private.h"

/* Most entries about schedulers. */
#define MAX_SCHEDS 4096
/* As much memory is no limit. */
#define UNLIMITED_KIB (G_MAXINT64 >> 10)

void domain_drop_empty(const XmlDesc *desc, void *pointer)
{
    void **at = pointer;
    void *empty = *at ? xml_struct_new(desc) : NULL;

    if (empty && xml_equal(desc, empty, *at)) {
        xml_struct_free(desc, *at);
        *at = NULL;
    }
    xml_struct_free(desc, empty);
}

/* vCPUs */

static int compare_vcpus(const void *a, const void *b)
{
    const DomainVcpuEntry *left = *(DomainVcpuEntry *const *)a, *right = *(DomainVcpuEntry *const *)b;

    return left->id < right->id ? -1 : left->id > right->id;
}

/* A list of vCPUs names all of them, and says how many there are. */
static void complete_vcpus(DomainDef *def)
{
    guint enabled = 0;

    if (!def->n_vcpus)
        return;
    qsort(def->vcpus, def->n_vcpus, sizeof def->vcpus[0], compare_vcpus);
    for (guint i = 0; i < def->vcpu.count; i++) {
        if (i >= def->n_vcpus || def->vcpus[i]->id > i) {
            DomainVcpuEntry *entry = xml_struct_new(&DOMAIN_VCPU_ENTRY_DESC);
            entry->id = i;
            entry->enabled = TRISTATE_NO;
            XML_LIST_INSERT(def->vcpus, def->n_vcpus, i, entry);
        }
        if (!def->vcpus[i]->hotpluggable)
            def->vcpus[i]->hotpluggable = def->vcpus[i]->enabled == TRISTATE_YES ? TRISTATE_NO : TRISTATE_YES;
        enabled += def->vcpus[i]->enabled == TRISTATE_YES;
    }
    def->vcpu.current = enabled < def->vcpu.count ? enabled : 0;
}

static int compare_pins(const void *a, const void *b)
{
    const VcpuPin *left = *(VcpuPin *const *)a, *right = *(VcpuPin *const *)b;

    return left->vcpu < right->vcpu ? -1 : left->vcpu > right->vcpu;
}

/* Pins of vCPUs that there can't be mean nothing. */
static void order_pins(DomainCputune *tune, guint vcpus)
{
    for (guint i = tune->n_vcpupins; i-- > 0;) {
        VcpuPin *pin = tune->vcpupins[i];
        if (pin->vcpu < vcpus)
            continue;
        XML_LIST_REMOVE(tune->vcpupins, tune->n_vcpupins, i);
        xml_struct_free(&VCPU_PIN_DESC, pin);
    }
    if (tune->n_vcpupins)
        qsort(tune->vcpupins, tune->n_vcpupins, sizeof tune->vcpupins[0], compare_pins);
}

void domain_def_number_iothreads(DomainDef *def)
{
    if (def->n_iothreadids >= def->iothreads)
        return;
    /* one of so many numbers is always free */
    g_autoptr(Bitmap) taken = bitmap_new(def->iothreads + 1);
    for (guint i = 0; i < def->n_iothreadids; i++)
        bitmap_set(taken, def->iothreadids[i]->id);
    for (guint id = 1; def->n_iothreadids < def->iothreads; id++) {
        if (bitmap_test(taken, id))
            continue;
        DomainIothread *thread = xml_struct_new(&DOMAIN_IOTHREAD_DESC);
        thread->id = id;
        XML_LIST_APPEND(def->iothreadids, def->n_iothreadids, thread);
    }
}

/* Limits */

static void drop_zero(bool *has, gint64 value)
{
    *has = *has && value;
}

/* Whether a vCPU of the set exists. */
static bool reaches(const Bitmap *set, guint vcpus)
{
    ssize_t first = set ? bitmap_next(set, -1) : -1;

    return first >= 0 && first < vcpus;
}

static void drop_void_cachetunes(DomainCputune *tune, guint vcpus)
{
    for (guint i = tune->n_cachetunes; i-- > 0;) {
        Cachetune *cache = tune->cachetunes[i];
        if (reaches(cache->vcpus, vcpus) && (cache->n_caches || cache->n_monitors))
            continue;
        XML_LIST_REMOVE(tune->cachetunes, tune->n_cachetunes, i);
        xml_struct_free(&CACHETUNE_DESC, cache);
    }
    for (guint i = tune->n_memorytunes; i-- > 0;) {
        Memorytune *memory = tune->memorytunes[i];
        if (reaches(memory->vcpus, vcpus) && (memory->n_nodes || memory->n_monitors))
            continue;
        XML_LIST_REMOVE(tune->memorytunes, tune->n_memorytunes, i);
        xml_struct_free(&MEMORYTUNE_DESC, memory);
    }
}

/* Schedulers: one entry for each thread, in the order of their numbers. */

static int compare_vcpu_scheds(const void *a, const void *b)
{
    const VcpuSched *left = *(VcpuSched *const *)a, *right = *(VcpuSched *const *)b;

    return (int)bitmap_next(left->vcpus, -1) - (int)bitmap_next(right->vcpus, -1);
}

static int compare_iothread_scheds(const void *a, const void *b)
{
    const IothreadSched *left = *(IothreadSched *const *)a, *right = *(IothreadSched *const *)b;

    return (int)bitmap_next(left->iothreads, -1) - (int)bitmap_next(right->iothreads, -1);
}

/* Take the first number out of *@set if there are more; NULL if it is the only one. */
static Bitmap *split_first(Bitmap *set)
{
    ssize_t first = bitmap_next(set, -1);

    if (first < 0 || bitmap_next(set, first) < 0)
        return NULL;
    Bitmap *alone = bitmap_new(first + 1);
    bitmap_set(alone, first);
    bitmap_clear(set, first);
    return alone;
}

static void split_scheds(DomainCputune *tune, guint vcpus)
{
    Bitmap *alone;

    for (guint i = 0; i < tune->n_vcpuscheds; i++) {
        /* what is beyond the last vCPU is refused as it is */
        while (bitmap_last(tune->vcpuscheds[i]->vcpus) < vcpus && (alone = split_first(tune->vcpuscheds[i]->vcpus))) {
            VcpuSched *sched = xml_struct_copy(&VCPU_SCHED_DESC, tune->vcpuscheds[i]);
            bitmap_free(sched->vcpus);
            sched->vcpus = alone;
            XML_LIST_APPEND(tune->vcpuscheds, tune->n_vcpuscheds, sched);
        }
    }
    for (guint i = 0; i < tune->n_iothreadscheds && tune->n_iothreadscheds < MAX_SCHEDS; i++) {
        while (tune->n_iothreadscheds < MAX_SCHEDS && (alone = split_first(tune->iothreadscheds[i]->iothreads))) {
            IothreadSched *sched = xml_struct_copy(&IOTHREAD_SCHED_DESC, tune->iothreadscheds[i]);
            bitmap_free(sched->iothreads);
            sched->iothreads = alone;
            XML_LIST_APPEND(tune->iothreadscheds, tune->n_iothreadscheds, sched);
        }
    }
    if (tune->n_vcpuscheds)
        qsort(tune->vcpuscheds, tune->n_vcpuscheds, sizeof tune->vcpuscheds[0], compare_vcpu_scheds);
    if (tune->n_iothreadscheds)
        qsort(tune->iothreadscheds, tune->n_iothreadscheds, sizeof tune->iothreadscheds[0], compare_iothread_scheds);
}

static void normalize_cputune(DomainDef *def)
{
    DomainCputune *tune = def->cputune;

    if (!tune)
        return;
    order_pins(tune, def->vcpu.count);
    split_scheds(tune, def->vcpu.count);
    drop_void_cachetunes(tune, def->vcpu.count);
    drop_zero(&tune->has_quota, tune->quota);
    drop_zero(&tune->has_global_quota, tune->global_quota);
    drop_zero(&tune->has_emulator_quota, tune->emulator_quota);
    drop_zero(&tune->has_iothread_quota, tune->iothread_quota);
    domain_drop_empty(&DOMAIN_CPUTUNE_DESC, &def->cputune);
}

static void drop_unlimited(guint64 *value, bool *has)
{
    if (*value < UNLIMITED_KIB)
        return;
    *value = 0;
    *has = false;
}

static void normalize_memtune(DomainDef *def)
{
    DomainMemtune *tune = def->memtune;

    if (!tune)
        return;
    drop_unlimited(&tune->hard_limit, &tune->has_hard_limit);
    drop_unlimited(&tune->soft_limit, &tune->has_soft_limit);
    drop_unlimited(&tune->swap_hard_limit, &tune->has_swap_hard_limit);
    domain_drop_empty(&DOMAIN_MEMTUNE_DESC, &def->memtune);
}

/* vCPUs that are placed automatically take the memory with them. */
static void normalize_numatune(DomainDef *def)
{
    if (def->vcpu.placement == DOMAIN_VCPU_PLACEMENT_AUTO && !def->numatune)
        def->numatune = xml_struct_new(&DOMAIN_NUMATUNE_DESC);
    DomainNumatune *tune = def->numatune;
    if (!tune)
        return;
    if (def->vcpu.placement == DOMAIN_VCPU_PLACEMENT_AUTO && !tune->memory.placement && !tune->memory.nodeset) {
        tune->memory.placement = DOMAIN_VCPU_PLACEMENT_AUTO;
        tune->memory.mode = tune->memory.mode ?: DOMAIN_NUMATUNE_MODE_STRICT;
    }
    domain_drop_empty(&DOMAIN_NUMATUNE_DESC, &def->numatune);
}

/* Clock */

/* A clock that is off by so many seconds is a variable one. */
static void normalize_clock(DomainClock *clock)
{
    bool number = clock->adjustment && strcmp(clock->adjustment, "reset");

    if ((clock->offset == DOMAIN_CLOCK_OFFSET_UTC || clock->offset == DOMAIN_CLOCK_OFFSET_LOCALTIME) && number) {
        clock->basis = clock->offset == DOMAIN_CLOCK_OFFSET_UTC ? DOMAIN_CLOCK_BASIS_UTC : DOMAIN_CLOCK_BASIS_LOCALTIME;
        clock->offset = DOMAIN_CLOCK_OFFSET_VARIABLE;
    }
    if (clock->offset != DOMAIN_CLOCK_OFFSET_VARIABLE)
        return;
    if (!clock->adjustment)
        clock->adjustment = g_strdup("0");
    if (!clock->basis)
        clock->basis = DOMAIN_CLOCK_BASIS_UTC;
}

/* A guest without NUMA nodes is one node 0: that pages are for it says nothing. */
static void normalize_hugepages(const DomainDef *def)
{
    const DomainMemoryBacking *backing = def->memory_backing;

    if (!backing || (def->cpu && def->cpu->n_numa_cells))
        return;
    for (guint i = 0; i < backing->hugepages.n_pages; i++) {
        HugepagesPage *page = backing->hugepages.pages[i];

        if (page->nodeset && bitmap_last(page->nodeset) <= 0)
            g_clear_pointer(&page->nodeset, bitmap_free);
    }
}

void domain_normalize_tuning(DomainDef *def)
{
    complete_vcpus(def);
    if (def->n_iothreadids)
        domain_def_number_iothreads(def);
    normalize_cputune(def);
    normalize_memtune(def);
    normalize_numatune(def);
    domain_drop_empty(&DOMAIN_BLKIOTUNE_DESC, &def->blkiotune);
    domain_drop_empty(&DOMAIN_MEMORY_BACKING_DESC, &def->memory_backing);
    normalize_hugepages(def);
    normalize_clock(&def->clock);
}
