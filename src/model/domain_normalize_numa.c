/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The guest's NUMA nodes in their usual form: in order, with all vCPUs, and with distances that follow from others.
 */
#include "model/domain_private.h"

enum { DISTANCE_TO_SELF = 10 };

static int compare_siblings(const void *a, const void *b)
{
    const NumaSibling *left = *(NumaSibling *const *)a, *right = *(NumaSibling *const *)b;

    return left->id < right->id ? -1 : left->id > right->id;
}

/* Siblings stand in the order of their numbers. One that is there already stays. */
static void add_sibling(NumaCell *cell, guint32 id, guint32 value)
{
    guint low = 0, high = cell->n_siblings;

    while (low < high) {
        guint middle = (low + high) / 2;
        if (cell->siblings[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < cell->n_siblings && cell->siblings[low]->id == id)
        return;
    NumaSibling *sibling = xml_struct_new(&NUMA_SIBLING_DESC);
    sibling->id = id;
    sibling->value = value;
    XML_LIST_INSERT(cell->siblings, cell->n_siblings, low, sibling);
}

static int compare_cells(const void *a, const void *b)
{
    const NumaCell *left = *(NumaCell *const *)a, *right = *(NumaCell *const *)b;

    return left->id < right->id ? -1 : left->id > right->id;
}

static void number_cells(DomainCpu *cpu)
{
    for (guint i = 0; i < cpu->n_numa_cells; i++) {
        NumaCell *cell = cpu->numa_cells[i];
        if (!cell->has_id)
            cell->id = i;
        cell->has_id = true;
        if (cell->n_siblings)
            qsort(cell->siblings, cell->n_siblings, sizeof cell->siblings[0], compare_siblings);
    }
    if (cpu->n_numa_cells)
        qsort(cpu->numa_cells, cpu->n_numa_cells, sizeof cpu->numa_cells[0], compare_cells);
}

/* vCPUs that no cell names are in the first one. */
static void place_vcpus(DomainDef *def)
{
    NumaCell *first = def->cpu->n_numa_cells ? def->cpu->numa_cells[0] : NULL;
    g_autoptr(Bitmap) placed = bitmap_new(def->vcpu.count);

    for (guint i = 0; i < def->cpu->n_numa_cells; i++) {
        const Bitmap *cpus = def->cpu->numa_cells[i]->cpus;
        for (ssize_t at = cpus ? bitmap_next(cpus, -1) : -1; at >= 0; at = bitmap_next(cpus, at))
            bitmap_set(placed, at);
    }
    if (!first || bitmap_count(placed) == def->vcpu.count)
        return;
    Bitmap *wider = bitmap_new(MAX(def->vcpu.count, bitmap_size(first->cpus)));
    for (ssize_t at = first->cpus ? bitmap_next(first->cpus, -1) : -1; at >= 0; at = bitmap_next(first->cpus, at))
        bitmap_set(wider, at);
    bitmap_free(first->cpus);
    first->cpus = wider;
    for (guint i = 0; i < def->vcpu.count; i++) {
        if (bitmap_test(placed, i))
            continue;
        bitmap_set(first->cpus, i);
    }
}

/* The way back is as long as the way there, unless it is told. */
void domain_normalize_numa(DomainDef *def)
{
    DomainCpu *cpu = def->cpu;

    if (!cpu)
        return;
    number_cells(cpu);
    if (domain_is_qemu(def))
        place_vcpus(def);
    for (guint i = 0; i < cpu->n_numa_cells; i++) {
        NumaCell *cell = cpu->numa_cells[i];
        if (cell->n_siblings)
            add_sibling(cell, cell->id, DISTANCE_TO_SELF);
        for (guint j = 0; j < cell->n_siblings; j++) {
            const NumaSibling *way = cell->siblings[j];
            if (way->id == cell->id || way->id >= cpu->n_numa_cells || cpu->numa_cells[way->id]->id != way->id)
                continue;
            add_sibling(cpu->numa_cells[way->id], way->id, DISTANCE_TO_SELF);
            add_sibling(cpu->numa_cells[way->id], cell->id, way->value);
        }
    }
}
