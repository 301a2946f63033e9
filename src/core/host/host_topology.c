/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The machine's structure from sysfs: cells, their CPUs, memory, pages, distances, and last-level caches.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "core/host/host.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"

#define TEXT_MAX 65536
#define CPU_DIR "/sys/devices/system/cpu"
#define NODE_DIR "/sys/devices/system/node"
/* Caches below this level belong to one core and tell nobody anything. */
#define MIN_CACHE_LEVEL 3
#define MAX_CACHE_INDEX 16

static void host_cell_clear(HostCell *cell)
{
    for (guint i = 0; i < cell->n_cpus; i++)
        g_free(cell->cpus[i].siblings);
    g_free(cell->cpus);
    g_free(cell->distances);
}

void host_topology_free(HostTopology *topology)
{
    if (!topology)
        return;
    for (guint i = 0; i < topology->n_cells; i++)
        host_cell_clear(&topology->cells[i]);
    for (guint i = 0; i < topology->n_caches; i++)
        g_free(topology->caches[i].cpus);
    g_free(topology->cells);
    g_free(topology->caches);
    g_free(topology);
}

static Bitmap *read_set(const char *path)
{
    g_autofree char *text = host_read(TEXT_MAX, "%s", path);
    Bitmap *set = NULL;

    if (text && *g_strstrip(text))
        set = bitmap_parse(text, HOST_MAX_CPUS);
    if (!set)
        virResetLastError();
    return set;
}

/* Kernels say 65535 or -1 where there are no clusters. */
static gint normal_cluster(gint64 value)
{
    return value < 0 || value >= 65535 ? 0 : value;
}

static void read_cpu(HostCpu *cpu, guint id, const Bitmap *online)
{
    g_autofree char *siblings = NULL;

    cpu->id = id;
    cpu->online = !online || bitmap_test(online, id);
    cpu->socket = host_read_number(-1, CPU_DIR "/cpu%u/topology/physical_package_id", id);
    cpu->die = MAX(host_read_number(0, CPU_DIR "/cpu%u/topology/die_id", id), 0);
    cpu->cluster = normal_cluster(host_read_number(0, CPU_DIR "/cpu%u/topology/cluster_id", id));
    cpu->core = host_read_number(-1, CPU_DIR "/cpu%u/topology/core_id", id);
    siblings = host_read(TEXT_MAX, CPU_DIR "/cpu%u/topology/thread_siblings_list", id);
    if (siblings && *g_strstrip(siblings))
        cpu->siblings = g_steal_pointer(&siblings);
    else
        cpu->siblings = g_strdup_printf("%u", id);
    /* An online CPU belongs somewhere, even if the kernel doesn't say where. */
    if (cpu->online) {
        cpu->socket = MAX(cpu->socket, 0);
        cpu->core = MAX(cpu->core, 0);
    }
}

static void read_cell_cpus(HostCell *cell, const Bitmap *members, const Bitmap *online)
{
    cell->cpus = g_new0(HostCpu, bitmap_count(members));
    for (ssize_t cpu = bitmap_next(members, -1); cpu >= 0; cpu = bitmap_next(members, cpu)) {
        if (!online || bitmap_test(online, cpu))
            read_cpu(&cell->cpus[cell->n_cpus++], cpu, online);
    }
}

/* "MemTotal:  123 kB" in a meminfo, of a node ("Node 0 MemTotal: …") or of the host. */
static guint64 meminfo_value(const char *text, const char *name)
{
    g_autofree char *key = g_strdup_printf("%s:", name);
    const char *at = text;

    while (at && (at = strstr(at, key))) {
        if (at == text || at[-1] == '\n' || at[-1] == ' ')
            return g_ascii_strtoull(at + strlen(key), NULL, 10);
        at += strlen(key);
    }
    return 0;
}

static void read_cell_memory(HostCell *cell, gboolean numa)
{
    g_autofree char *text = numa ? host_read(TEXT_MAX, NODE_DIR "/node%u/meminfo", cell->id) :
        host_read(TEXT_MAX, "/proc/meminfo");
    g_autofree char *folder = numa ? g_strdup_printf(NODE_DIR "/node%u/hugepages", cell->id) :
        g_strdup("/sys/kernel/mm/hugepages");
    g_autoptr(GArray) sizes = g_array_new(FALSE, FALSE, sizeof(guint));
    guint base_kib = sysconf(_SC_PAGESIZE) / 1024;
    guint64 in_pools = 0;

    cell->memory_kib = meminfo_value(text, "MemTotal");
    cell->free_kib = meminfo_value(text, "MemFree");
    cell->n_pages = 1;
    for (guint shift = 2; shift < 31 && cell->n_pages < HOST_MAX_PAGE_SIZES; shift++) {
        HostPages *pages = &cell->pages[cell->n_pages];
        gint64 total = host_read_number(-1, "%s/hugepages-%ukB/nr_hugepages", folder, 1u << shift);

        if (total < 0)
            continue;
        pages->size_kib = 1u << shift;
        pages->total = total;
        pages->free = MAX(host_read_number(0, "%s/hugepages-%ukB/free_hugepages", folder, 1u << shift), 0);
        in_pools += pages->total * pages->size_kib;
        cell->n_pages++;
    }
    cell->pages[0].size_kib = base_kib;
    cell->pages[0].total = (cell->memory_kib > in_pools ? cell->memory_kib - in_pools : 0) / base_kib;
    cell->pages[0].free = cell->free_kib / base_kib;
}

static void read_cell_distances(HostCell *cell, guint n_cells)
{
    g_autofree char *text = host_read(TEXT_MAX, NODE_DIR "/node%u/distance", cell->id);
    g_auto(GStrv) parts = text ? g_strsplit(g_strstrip(text), " ", -1) : NULL;

    cell->distances = g_new0(guint, n_cells);
    for (guint i = 0; parts && parts[i] && cell->n_distances < n_cells; i++) {
        if (*parts[i])
            cell->distances[cell->n_distances++] = g_ascii_strtoull(parts[i], NULL, 10);
    }
    if (cell->n_distances < n_cells)
        cell->n_distances = 0;
}

static void read_cells(HostTopology *topology, const Bitmap *present, const Bitmap *online)
{
    g_autoptr(GArray) ids = host_list_numbers(NODE_DIR, "node");

    topology->n_cells = CLAMP(ids->len, 1, HOST_MAX_CELLS);
    topology->cells = g_new0(HostCell, topology->n_cells);
    if (ids->len == 0) {
        read_cell_cpus(&topology->cells[0], present, online);
        read_cell_memory(&topology->cells[0], FALSE);
        return;
    }
    for (guint i = 0; i < topology->n_cells; i++) {
        HostCell *cell = &topology->cells[i];
        g_autofree char *path = NULL;
        g_autoptr(Bitmap) members = NULL;

        cell->id = g_array_index(ids, guint, i);
        path = g_strdup_printf(NODE_DIR "/node%u/cpulist", cell->id);
        members = read_set(path);
        if (members)
            read_cell_cpus(cell, members, online);
        read_cell_memory(cell, TRUE);
        read_cell_distances(cell, topology->n_cells);
    }
}

static const char *cache_type(const char *text)
{
    return g_str_has_prefix(text, "Unified") ? "both" : g_str_has_prefix(text, "Instruction") ? "code" : "data";
}

/* One cache, once for all CPUs that share it. */
static void read_cache(GArray *caches, guint cpu, guint index)
{
    g_autofree char *type = NULL, *size = NULL, *cpus = NULL;
    HostCache cache = { 0 };
    gint64 level = host_read_number(0, CPU_DIR "/cpu%u/cache/index%u/level", cpu, index);
    char *end;

    if (level < MIN_CACHE_LEVEL || level > 10)
        return;
    type = host_read(TEXT_MAX, CPU_DIR "/cpu%u/cache/index%u/type", cpu, index);
    size = host_read(TEXT_MAX, CPU_DIR "/cpu%u/cache/index%u/size", cpu, index);
    cpus = host_read(TEXT_MAX, CPU_DIR "/cpu%u/cache/index%u/shared_cpu_list", cpu, index);
    if (!type || !size || !cpus)
        return;
    g_strstrip(cpus);
    cache.id = MAX(host_read_number(0, CPU_DIR "/cpu%u/cache/index%u/id", cpu, index), 0);
    cache.level = level;
    cache.type = cache_type(type);
    for (guint i = 0; i < caches->len; i++) {
        const HostCache *known = &g_array_index(caches, HostCache, i);

        if (known->level == cache.level && known->type == cache.type && g_str_equal(known->cpus, cpus))
            return;
    }
    cache.size_kib = g_ascii_strtoull(size, &end, 10);
    if (*end == 'M')
        cache.size_kib *= 1024;
    cache.cpus = g_steal_pointer(&cpus);
    g_array_append_val(caches, cache);
}

static void read_caches(HostTopology *topology, const Bitmap *online)
{
    GArray *caches = g_array_new(FALSE, FALSE, sizeof(HostCache));

    for (ssize_t cpu = bitmap_next(online, -1); cpu >= 0; cpu = bitmap_next(online, cpu)) {
        for (guint index = 0; index < MAX_CACHE_INDEX; index++)
            read_cache(caches, cpu, index);
    }
    topology->n_caches = caches->len;
    topology->caches = (HostCache *)g_array_free(caches, FALSE);
}

/* Number of different values of the levels down to @depth, below the parent @above of CPU @like. */
static guint count_below(const HostTopology *topology, int depth, const HostCpu *like)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < topology->n_cells; i++) {
        for (guint j = 0; j < topology->cells[i].n_cpus; j++) {
            const HostCpu *cpu = &topology->cells[i].cpus[j];
            const gint levels[] = { cpu->socket, cpu->die, cpu->cluster, cpu->core, cpu->id };
            const gint wanted[] = { like->socket, like->die, like->cluster, like->core };

            if (memcmp(levels, wanted, depth * sizeof(gint)) == 0)
                g_hash_table_add(seen, GINT_TO_POINTER(levels[depth] + 1));
        }
    }
    return MAX(g_hash_table_size(seen), 1);
}

static void count_levels(HostTopology *topology)
{
    guint *counts[] = { &topology->sockets, &topology->dies, &topology->clusters, &topology->cores, &topology->threads };
    const HostCpu *first = NULL;

    for (guint i = 0; i < topology->n_cells && !first; i++)
        first = topology->cells[i].n_cpus ? topology->cells[i].cpus : NULL;
    for (int depth = 0; depth < 5; depth++)
        *counts[depth] = first ? count_below(topology, depth, first) : 1;
}

HostTopology *host_topology_read(void)
{
    g_autoptr(HostTopology) topology = g_new0(HostTopology, 1);
    g_autoptr(Bitmap) present = read_set(CPU_DIR "/present");
    g_autoptr(Bitmap) online = read_set(CPU_DIR "/online");

    if (!present && !online)
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "cannot list the host's CPUs from '%s'", CPU_DIR);
    read_cells(topology, present ? present : online, online);
    read_caches(topology, online ? online : present);
    count_levels(topology);
    return g_steal_pointer(&topology);
}
