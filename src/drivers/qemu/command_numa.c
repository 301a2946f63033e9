/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The guest's NUMA nodes: what is in them, how far they are from each other, and how fast the ways between them are (HMAT).
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "base/error.h"
#include "drivers/qemu/command_priv.h"

enum { CACHE_LEVELS = 3 }; /* that ACPI has words for */

static guint numa_distance(const NumaCell *cell, guint other)
{
    for (guint i = 0; i < cell->n_siblings; i++) {
        if (cell->siblings[i]->id == other)
            return cell->siblings[i]->value;
    }
    return cell->id == other ? 10 : 20;
}

gboolean qemu_has_hmat(const DomainDef *def)
{
    const DomainCpu *cpu = def->cpu;
    gboolean hmat = cpu && cpu->n_numa_cells && (cpu->interconnects.n_latencies || cpu->interconnects.n_bandwidths);

    for (guint i = 0; cpu && !hmat && i < cpu->n_numa_cells; i++)
        hmat = cpu->numa_cells[i]->n_caches > 0;
    return hmat;
}

static gboolean has_cpus(const DomainCpu *cpu, guint id)
{
    return id < cpu->n_numa_cells && cpu->numa_cells[id]->cpus && bitmap_last(cpu->numa_cells[id]->cpus) >= 0;
}

/* The node whose processors are nearest to the memory of @cell: its own, else of the least delay, of the widest way, the first. */
static guint initiator_of(const DomainCpu *cpu, guint cell)
{
    guint best = cell;
    guint64 least = G_MAXUINT64, widest = 0;

    if (has_cpus(cpu, cell))
        return cell;
    for (guint i = cpu->n_numa_cells; i-- > 0;)
        best = has_cpus(cpu, i) ? i : best;
    for (guint i = 0; i < cpu->interconnects.n_bandwidths; i++) {
        const NumaBandwidth *way = cpu->interconnects.bandwidths[i];

        if (way->target == cell && !way->cache && has_cpus(cpu, way->initiator) && way->value > widest) {
            best = way->initiator;
            widest = way->value;
        }
    }
    for (guint i = 0; i < cpu->interconnects.n_latencies; i++) {
        const NumaLatency *way = cpu->interconnects.latencies[i];

        if (way->target == cell && !way->cache && has_cpus(cpu, way->initiator) && way->value < least) {
            best = way->initiator;
            least = way->value;
        }
    }
    return best;
}

static int command_way(QemuCommand *cmd, guint from, guint to, guint cache, NumaInterconnectType type, const char *what, const char *value)
{
    static const char *const hierarchies[CACHE_LEVELS + 1] = { "memory", "first-level", "second-level", "third-level" };

    if (cache > CACHE_LEVELS)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s': the way from node %u to %u leads to a cache of level %u, but QEMU knows %d only",
                    cmd->def->name, from, to, cache, CACHE_LEVELS);
    qemu_arg_f(cmd, "-numa", "hmat-lb,initiator=%u,target=%u,hierarchy=%s,data-type=%s-%s,%s=%s", from, to, hierarchies[cache],
               numa_interconnect_type_to_string(type), what, what, value);
    return 0;
}

/* Bytes in a line; 0 if QEMU can't tell that many. */
static guint64 line_bytes(const NumaCacheLine *line)
{
    static const struct { const char *unit; guint64 bytes; } units[] = {
        { "B", 1 }, { "b", 1 }, { "bytes", 1 }, { "byte", 1 }, { "KB", 1000 }, { "KiB", 1024 }, { "K", 1024 }, { "k", 1024 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(units); i++) {
        if (g_strcmp0(line->unit ? line->unit : "B", units[i].unit) == 0 && line->value * units[i].bytes <= G_MAXUINT16)
            return line->value * units[i].bytes;
    }
    return 0;
}

static int command_cache(QemuCommand *cmd, guint cell, const NumaCache *cache)
{
    static const char *const associativities[NUMA_CACHE_ASSOCIATIVITY_LAST] = {
        [NUMA_CACHE_ASSOCIATIVITY_NONE] = "none", [NUMA_CACHE_ASSOCIATIVITY_DIRECT] = "direct", [NUMA_CACHE_ASSOCIATIVITY_FULL] = "complex",
    };
    static const char *const policies[NUMA_CACHE_POLICY_LAST] = {
        [NUMA_CACHE_POLICY_NONE] = "none", [NUMA_CACHE_POLICY_WRITEBACK] = "write-back", [NUMA_CACHE_POLICY_WRITETHROUGH] = "write-through",
    };
    guint64 line = line_bytes(&cache->line);

    if (cache->level > CACHE_LEVELS || !line)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s': a cache of node %u must be of level 1 to %d, with lines of 1 to %d bytes",
                    cmd->def->name, cell, CACHE_LEVELS, G_MAXUINT16);
    qemu_arg_f(cmd, "-numa", "hmat-cache,node-id=%u,size=%" G_GUINT64_FORMAT "K,level=%u,associativity=%s,policy=%s,line=%" G_GUINT64_FORMAT,
               cell, cache->size.value, cache->level, associativities[cache->associativity], policies[cache->policy], line);
    return 0;
}

static int command_hmat(QemuCommand *cmd)
{
    const DomainCpu *cpu = cmd->def->cpu;

    for (guint i = 0; i < cpu->interconnects.n_latencies; i++) {
        const NumaLatency *way = cpu->interconnects.latencies[i];
        g_autofree char *value = g_strdup_printf("%" G_GUINT64_FORMAT, way->value);

        if (command_way(cmd, way->initiator, way->target, way->cache, way->type, "latency", value) < 0)
            return -1;
    }
    for (guint i = 0; i < cpu->interconnects.n_bandwidths; i++) {
        const NumaBandwidth *way = cpu->interconnects.bandwidths[i];
        g_autofree char *value = g_strdup_printf("%" G_GUINT64_FORMAT "K", way->value);

        if (command_way(cmd, way->initiator, way->target, way->cache, way->type, "bandwidth", value) < 0)
            return -1;
    }
    for (guint i = 0; i < cpu->n_numa_cells; i++) {
        const NumaCell *cell = cpu->numa_cells[i];

        for (guint j = 0; j < cell->n_caches; j++) {
            if (command_cache(cmd, cell->id, cell->caches[j]) < 0)
                return -1;
        }
    }
    return 0;
}

int qemu_command_numa(QemuCommand *cmd)
{
    const DomainCpu *cpu = cmd->def->cpu;
    gboolean distances = FALSE, hmat = qemu_has_hmat(cmd->def);

    for (guint i = 0; i < cpu->n_numa_cells; i++) {
        const NumaCell *cell = cpu->numa_cells[i];
        g_autofree char *id = g_strdup_printf("ram-node%u", cell->id);
        g_autofree char *cpus = cell->cpus ? bitmap_format(cell->cpus) : NULL;
        g_autoptr(GString) text = g_string_new(NULL);
        g_auto(GStrv) parts = g_strsplit(cpus ? cpus : "", ",", -1);

        if (qemu_memory_object(cmd, &(QemuMemory){ .id = id, .bytes = cell->memory * 1024, .access = cell->mem_access,
                                                   .discard = cell->discard, .cell = (int)cell->id }) < 0)
            return -1;
        g_string_printf(text, "node,nodeid=%u", cell->id);
        for (guint j = 0; parts[j] && *parts[j]; j++)
            g_string_append_printf(text, ",cpus=%s", parts[j]);
        if (hmat)
            g_string_append_printf(text, ",initiator=%u", initiator_of(cpu, cell->id));
        g_string_append_printf(text, ",memdev=%s", id);
        qemu_arg_f(cmd, "-numa", "%s", text->str);
        distances = distances || cell->n_siblings > 0;
    }
    for (guint i = 0; distances && i < cpu->n_numa_cells; i++) {
        for (guint j = 0; j < cpu->n_numa_cells; j++)
            qemu_arg_f(cmd, "-numa", "dist,src=%u,dst=%u,val=%u", cpu->numa_cells[i]->id, cpu->numa_cells[j]->id,
                       numa_distance(cpu->numa_cells[i], cpu->numa_cells[j]->id));
    }
    return hmat ? command_hmat(cmd) : 0;
}
