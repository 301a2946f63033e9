/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules about memory and the guest's NUMA nodes.
 */
#include "model/domain_private.h"

#define UNSUPPORTED VIR_ERR_CONFIG_UNSUPPORTED

enum { DISTANCE_TO_SELF = 10 };

static void check_backing(const DomainDef *def, XmlDiagnostics *diag)
{
    const DomainMemoryBacking *backing = def->memory_backing;
    ssize_t nodes = def->cpu && def->cpu->n_numa_cells ? def->cpu->n_numa_cells : 1;
    DomainPlace at = {diag, "memoryBacking", -1};

    if (!backing)
        return;
    REFUSE_IF(backing->access == DOMAIN_MEMORY_ACCESS_DEFAULT, &at, UNSUPPORTED, "access must be 'shared' or 'private'");
    REFUSE_IF(backing->has_hugepages && backing->source == DOMAIN_MEMORY_BACKING_SOURCE_TYPE_ANONYMOUS, &at, UNSUPPORTED,
              "hugepages can't be of source type 'anonymous'");
    for (guint i = 0; i < backing->hugepages.n_pages; i++) {
        const HugepagesPage *page = backing->hugepages.pages[i];
        REFUSE_IF(!page->size, &at, VIR_ERR_XML_DETAIL, "the size of a page can't be 0");
        REFUSE_IF(page->nodeset && bitmap_last(page->nodeset) >= nodes, &at, VIR_ERR_XML_DETAIL,
                  "pages of %" G_GUINT64_FORMAT " KiB are for node %zd, which the guest doesn't have", page->size, bitmap_last(page->nodeset));
        for (guint j = 0; j < i; j++) {
            const HugepagesPage *other = backing->hugepages.pages[j];
            REFUSE_IF(page->nodeset && other->nodeset && bitmap_overlaps(page->nodeset, other->nodeset), &at, VIR_ERR_XML_DETAIL,
                      "nodesets of pages of %" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT " KiB overlap", page->size, other->size);
            REFUSE_IF(!page->nodeset && !other->nodeset, &at, VIR_ERR_XML_DETAIL, "two sizes of pages without nodeset");
        }
    }
}

static void check_numatune(const DomainDef *def, XmlDiagnostics *diag)
{
    const DomainNumatune *tune = def->numatune;
    guint cells = def->cpu ? def->cpu->n_numa_cells : 0;
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    DomainPlace at = {diag, "numatune", -1};

    if (!tune)
        return;
    REFUSE_IF(tune->memory.placement == DOMAIN_VCPU_PLACEMENT_STATIC && !tune->memory.nodeset, &at, UNSUPPORTED,
              "memory with placement='static' needs a nodeset");
    REFUSE_IF(tune->n_memnodes && !cells, &at, VIR_ERR_XML_ERROR, "memnode needs NUMA cells of the guest in <cpu>");
    REFUSE_IF(tune->n_memnodes && tune->memory.placement == DOMAIN_VCPU_PLACEMENT_AUTO, &at, UNSUPPORTED,
              "memnode is not possible with placement='auto'");
    for (guint i = 0; cells && i < tune->n_memnodes; i++) {
        const NumatuneMemnode *node = tune->memnodes[i];
        REFUSE_IF(node->cellid >= cells, &at, VIR_ERR_XML_ERROR, "memnode names cell %u, which the guest doesn't have", node->cellid);
        REFUSE_IF(!g_hash_table_add(seen, GUINT_TO_POINTER(node->cellid)), &at, VIR_ERR_XML_ERROR, "cell %u has two memnodes",
                  node->cellid);
        REFUSE_IF(!node->nodeset, &at, VIR_ERR_XML_ERROR, "the memnode of cell %u has no nodeset", node->cellid);
    }
}

/* NUMA nodes of the guest */

static void check_cell(const DomainDef *def, guint i, const DomainPlace *at)
{
    const NumaCell *cell = def->cpu->numa_cells[i];
    guint n = def->cpu->n_numa_cells;

    REFUSE_IF(i && def->cpu->numa_cells[i - 1]->id == cell->id, at, VIR_ERR_XML_ERROR, "there are two cells with id='%u'", cell->id);
    REFUSE_IF(cell->id != i, at, VIR_ERR_XML_ERROR, "the ids of cells must be 0 to %u, each once", n - 1);
    REFUSE_IF(cell->cpus && bitmap_last(cell->cpus) >= def->vcpu.count, at, VIR_ERR_INTERNAL_ERROR,
              "cell %u has vCPU %zd, but there are %u only", cell->id, bitmap_last(cell->cpus), def->vcpu.count);
    for (guint j = 0; j < i; j++) {
        const Bitmap *other = def->cpu->numa_cells[j]->cpus;
        REFUSE_IF(cell->cpus && other && bitmap_overlaps(cell->cpus, other), at, UNSUPPORTED,
                  "cells %u and %u have the same vCPUs", i, j);
    }
    for (guint j = 0; j < cell->n_siblings; j++) {
        const NumaSibling *sibling = cell->siblings[j];
        REFUSE_IF(sibling->id >= n, at, VIR_ERR_XML_ERROR, "cell %u has a distance to cell %u, which there isn't", i, sibling->id);
        REFUSE_IF(sibling->id == cell->id && sibling->value != DISTANCE_TO_SELF, at, VIR_ERR_XML_ERROR,
                  "the distance of cell %u to itself is %d, not %u", i, DISTANCE_TO_SELF, sibling->value);
    }
    for (guint j = 0; j < cell->n_caches; j++) {
        REFUSE_IF(!cell->caches[j]->level, at, VIR_ERR_XML_ERROR, "a cache of cell %u has level 0", i);
        for (guint k = 0; k < j; k++)
            REFUSE_IF(cell->caches[j]->level == cell->caches[k]->level, at, VIR_ERR_XML_ERROR,
                      "cell %u has two caches of level %u", i, cell->caches[j]->level);
    }
}

static bool has_cache(const NumaCell *cell, guint level)
{
    for (guint i = 0; i < cell->n_caches; i++) {
        if (cell->caches[i]->level == level)
            return true;
    }
    return level == 0;
}

/* One way between nodes: @key is what no other may have as well. */
static void check_way(const DomainCpu *cpu, guint from, guint to, guint cache, GHashTable *seen, char *key, const DomainPlace *at)
{
    guint n = cpu->n_numa_cells;

    REFUSE_IF(!g_hash_table_add(seen, key), at, VIR_ERR_XML_ERROR, "the way from %u to %u stands twice", from, to);
    REFUSE_IF(from >= n, at, VIR_ERR_XML_ERROR, "initiator %u is no cell of the guest", from);
    REFUSE_IF(to >= n, at, VIR_ERR_XML_ERROR, "target %u is no cell of the guest", to);
    REFUSE_IF(to < n && !has_cache(cpu->numa_cells[to], cache), at, VIR_ERR_XML_ERROR, "cell %u has no cache of level %u", to,
              cache);
}

static void check_ways(const DomainCpu *cpu, const DomainPlace *at)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < cpu->interconnects.n_latencies; i++) {
        const NumaLatency *way = cpu->interconnects.latencies[i];
        check_way(cpu, way->initiator, way->target, way->cache, seen,
                  g_strdup_printf("l%u/%u/%u/%d", way->initiator, way->target, way->cache, way->type), at);
    }
    for (guint i = 0; i < cpu->interconnects.n_bandwidths; i++) {
        const NumaBandwidth *way = cpu->interconnects.bandwidths[i];
        check_way(cpu, way->initiator, way->target, way->cache, seen,
                  g_strdup_printf("b%u/%u/%u/%d", way->initiator, way->target, way->cache, way->type), at);
    }
}

enum { LABEL_MIN_KIB = 128 };

static void check_module(const DomainDef *def, const DomainMemory *memory, const DomainPlace *at)
{
    const char *model = domain_memory_model_to_string(memory->model);
    bool nvdimm = memory->model == DOMAIN_MEMORY_MODEL_NVDIMM, pmem = memory->model == DOMAIN_MEMORY_MODEL_VIRTIO_PMEM;
    bool pseries = def->os.machine && g_str_has_prefix(def->os.machine, "pseries");

    if (!nvdimm && !pmem)
        return;
    REFUSE_IF(!memory->source.path, at, VIR_ERR_XML_DETAIL, "model '%s' needs <source> with the <path> of the file that keeps its contents",
              model);
    REFUSE_IF(memory->discard == TRISTATE_YES, at, UNSUPPORTED, "discard is not possible for model '%s', whose contents are kept", model);
    REFUSE_IF(pmem && g_strcmp0(memory->access, "private") == 0, at, UNSUPPORTED, "model '%s' needs access='shared'", model);
    REFUSE_IF(pmem && memory->target.has_node, at, UNSUPPORTED, "model '%s' can't be on a NUMA node of the guest", model);
    REFUSE_IF(nvdimm && memory->has_uuid && !pseries, at, UNSUPPORTED, "only machines of type 'pseries' have NVDIMMs with an uuid");
    REFUSE_IF(nvdimm && !memory->target.has_node && def->cpu && def->cpu->n_numa_cells, at, UNSUPPORTED,
              "model '%s' needs <target> with the <node> that it is on", model);
    REFUSE_IF(nvdimm && memory->target.label_size && memory->target.label_size < LABEL_MIN_KIB, at, VIR_ERR_XML_ERROR,
              "the label of an NVDIMM has at least %d KiB", LABEL_MIN_KIB);
    REFUSE_IF(nvdimm && memory->target.label_size >= memory->target.size, at, VIR_ERR_XML_ERROR,
              "the label of %" G_GUINT64_FORMAT " KiB leaves nothing of %" G_GUINT64_FORMAT " KiB", memory->target.label_size,
              memory->target.size);
}

void domain_validate_memory(const DomainDef *def, XmlDiagnostics *diag)
{
    DomainPlace at = {diag, "cpu.numa", -1}, max = {diag, "maxMemory", -1}, memtune = {diag, "memtune", -1};
    guint cells = def->cpu ? def->cpu->n_numa_cells : 0;

    check_backing(def, diag);
    check_numatune(def, diag);
    REFUSE_IF(def->max_memory && domain_is_qemu(def) && !cells, &max, UNSUPPORTED,
              "memory modules need at least one NUMA cell of the guest in <cpu>");
    REFUSE_IF(def->memtune && def->memtune->has_min_guarantee && domain_is_qemu(def), &memtune, UNSUPPORTED,
              "min_guarantee is not supported by QEMU");
    for (guint i = 0; i < cells; i++)
        check_cell(def, i, &at);
    if (cells)
        check_ways(def->cpu, &at);
    for (guint i = 0; domain_is_qemu(def) && i < def->devices.n_memories; i++)
        check_module(def, def->devices.memories[i], &(DomainPlace){diag, "memory", (int)i});
}
