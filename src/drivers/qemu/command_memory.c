/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the guest's memory comes from; memory that comes in pieces: modules, files that keep their contents, and what the host gives
 * and takes block by block.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/uuid.h"
#include "drivers/qemu/command_priv.h"

/* Which nodes of the host it is on, and how strictly. Returns the nodes; NULL: any. */
static json_object *add_nodes(const QemuCommand *cmd, json_object *props, int cell, const Bitmap *nodes)
{
    static const char *const policies[DOMAIN_NUMATUNE_MODE_LAST] = {
        [DOMAIN_NUMATUNE_MODE_UNSET] = "bind", [DOMAIN_NUMATUNE_MODE_STRICT] = "bind", [DOMAIN_NUMATUNE_MODE_PREFERRED] = "preferred",
        [DOMAIN_NUMATUNE_MODE_INTERLEAVE] = "interleave",
    };
    const DomainNumatune *tune = cmd->def->numatune;
    DomainNumatuneMode mode = tune ? tune->memory.mode : DOMAIN_NUMATUNE_MODE_UNSET;
    const Bitmap *set = tune ? tune->memory.nodeset : NULL;
    json_object *list;

    for (guint i = 0; tune && i < tune->n_memnodes; i++) {
        if (cell >= 0 && tune->memnodes[i]->cellid == (guint)cell) {
            mode = tune->memnodes[i]->mode;
            set = tune->memnodes[i]->nodeset;
        }
    }
    set = nodes ? nodes : set;
    if (!set || !policies[mode])
        return NULL;
    list = json_object_new_array();
    for (ssize_t i = -1; (i = bitmap_next(set, i)) >= 0;)
        json_object_array_add(list, json_object_new_int64(i));
    json_add(props, JSON_VALUE("host-nodes", list), JSON_STR("policy", policies[mode]));
    return list;
}

/* Where the kernel hands out memory of enclaves. */
#define ENCLAVES "/dev/sgx_vepc"

#define ORDINARY_PAGE_KIB ((guint64)sysconf(_SC_PAGESIZE) / 1024)

/* Whether memory of the node @cell (-1: of a guest without nodes, which are one node 0) is in large pages; *@kib: of which size if it was 0,
 * then 0: the host's default. Pages of the ordinary size are no large ones. */
static gboolean large_pages(const DomainMemoryBacking *backing, int cell, guint64 *kib)
{
    const HugepagesPage *page = NULL;

    if (*kib)
        return *kib != ORDINARY_PAGE_KIB;
    if (!backing || !backing->has_hugepages)
        return FALSE;
    for (guint i = 0; i < backing->hugepages.n_pages; i++) {
        const HugepagesPage *this = backing->hugepages.pages[i];
        gboolean named = this->nodeset && bitmap_test(this->nodeset, (size_t)MAX(cell, 0));

        if (named || (!page && !this->nodeset))
            page = this;
        if (named)
            break;
    }
    if (page)
        *kib = page->size;
    return backing->hugepages.n_pages == 0 || (page && page->size != ORDINARY_PAGE_KIB);
}

#define FOLDER_PREFIX "domain-"

char *qemu_memory_folder(const DomainDef *def, const QemuConf *conf, const char *dir)
{
    const DomainMemoryBacking *backing = def->memory_backing;
    g_autofree char *parent = g_path_get_dirname(dir), *name = g_path_get_basename(dir);
    const char *part = g_str_has_prefix(name, FOLDER_PREFIX) ? name + strlen(FOLDER_PREFIX) : name;

    if (!backing || backing->source != DOMAIN_MEMORY_BACKING_SOURCE_TYPE_FILE)
        return NULL;
    return conf->memory_backing_dir ? g_build_filename(conf->memory_backing_dir, part, NULL) :
                                      g_build_filename(parent, "ram", part, NULL);
}

/* The file that memory is in: one of the host, or its own in the guest's folder. NULL: it is in none. */
static char *file_of(const QemuCommand *cmd, const QemuMemory *memory)
{
    g_autofree char *folder = memory->path ? NULL : qemu_memory_folder(cmd->def, cmd->conf, cmd->options->dir);

    if (folder)
        return g_build_filename(folder, memory->file ? memory->file : memory->id, NULL);
    return g_strdup(memory->path);
}

/* What is in a file of its own is not written to the disk any more when the guest ends. */
static void add_discard(json_object *props, const DomainMemoryBacking *backing, const QemuMemory *memory)
{
    if (memory->discard)
        json_add(props, JSON_BOOL("discard-data", memory->discard == TRISTATE_YES));
    else if (backing->discard)
        json_add(props, JSON_BOOL("discard-data", true));
}

/* Where it comes from; large pages come as an anonymous file, too: no mount is needed for it, but one that is configured is used. */
static const char *backend_type(const DomainMemoryBacking *backing, const QemuMemory *memory, const char *file, gboolean large)
{
    if (memory->enclaves)
        return "memory-backend-epc";
    if (file)
        return "memory-backend-file";
    if (large || (backing && backing->source == DOMAIN_MEMORY_BACKING_SOURCE_TYPE_MEMFD))
        return "memory-backend-memfd";
    return "memory-backend-ram";
}

gboolean qemu_memory_immediate(const QemuCommand *cmd, int cell, guint64 page_kib)
{
    const DomainMemoryBacking *backing = cmd->def->memory_backing;

    return large_pages(backing, cell, &page_kib) || (backing && backing->allocation.mode == DOMAIN_MEMORY_ALLOCATION_IMMEDIATE);
}

/* Threads that allocate it run where it is. QEMU may not choose their CPUs any more once it is locked in. */
static void add_context(QemuCommand *cmd, json_object *props, const QemuMemory *memory, json_object *nodes)
{
    g_autofree char *id = g_strconcat("tc-", memory->id, NULL);

    if (!nodes || cmd->options->running || !qemu_caps_has_flag(cmd->caps, "object.thread-context"))
        return;
    qemu_arg_json(cmd, "-object", json_make(JSON_STR("qom-type", "thread-context"), JSON_STR("id", id),
                                            JSON_VALUE("node-affinity", json_object_get(nodes))));
    json_add(props, JSON_STR("prealloc-context", id));
    g_ptr_array_add(cmd->contexts, g_steal_pointer(&id));
}

/* Whether all of it is there from the start. */
static gboolean add_allocation(const QemuCommand *cmd, json_object *props, const QemuMemory *memory)
{
    const DomainMemoryBacking *backing = cmd->def->memory_backing;

    if (memory->gradual) {
        json_add(props, JSON_BOOL("reserve", false));
        return FALSE;
    }
    if (memory->allocate || qemu_memory_immediate(cmd, memory->cell, memory->page_kib)) {
        json_add(props, JSON_BOOL("prealloc", true));
        if (backing && backing->allocation.threads)
            json_add(props, JSON_UINT("prealloc-threads", backing->allocation.threads));
        return TRUE;
    }
    return FALSE;
}

int qemu_memory_object(QemuCommand *cmd, const QemuMemory *memory)
{
    const DomainMemoryBacking *backing = cmd->def->memory_backing;
    DomainMemoryAccess access = memory->access ? memory->access : backing ? backing->access : DOMAIN_MEMORY_ACCESS_UNSET;
    guint64 kib = memory->page_kib;
    gboolean large = !memory->path && !memory->enclaves && large_pages(backing, memory->cell, &kib);
    g_autofree char *file = large || memory->enclaves ? NULL : file_of(cmd, memory);
    json_object *props, *nodes;
    gboolean allocated;
    const char *type;

    if (large && qemu_pages_folder(cmd, kib, &file) < 0)
        return -1;
    type = backend_type(backing, memory, file, large);
    if (qemu_require_type(cmd, type, "memory of the domain") < 0)
        return -1;
    props = json_make(JSON_STR("qom-type", type), JSON_STR("id", memory->id));
    if (file)
        json_add(props, JSON_STR("mem-path", file));
    if (file && !memory->path)
        add_discard(props, backing, memory);
    /* The main memory goes under its short name, as it does in memory that isn't a file: else a guest couldn't be restored. */
    if (!g_str_equal(type, "memory-backend-ram") && g_strcmp0(memory->id, cmd->machine->default_ram) == 0)
        json_add(props, JSON_BOOL("x-use-canonical-path-for-ramblock-id", false));
    if (large && !file) {
        json_add(props, JSON_BOOL("hugetlb", true));
        if (kib)
            json_add(props, JSON_UINT("hugetlbsize", kib * 1024));
    }
    if (access == DOMAIN_MEMORY_ACCESS_SHARED || access == DOMAIN_MEMORY_ACCESS_PRIVATE)
        json_add(props, JSON_BOOL("share", access == DOMAIN_MEMORY_ACCESS_SHARED));
    else if (large)
        json_add(props, JSON_BOOL("share", false));
    allocated = add_allocation(cmd, props, memory);
    json_add(props, JSON_UINT("size", memory->bytes));
    if (memory->align)
        json_add(props, JSON_UINT("align", memory->align));
    if (memory->pmem && !qemu_caps_has_flag(cmd->caps, "memory-backend-file.pmem")) {
        json_object_put(props);
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "memory of domain '%s' is marked <pmem/>, which '%s' was built without (libpmem)", cmd->def->name,
                    cmd->caps->binary);
    }
    if (memory->pmem)
        json_add(props, JSON_BOOL("pmem", true));
    nodes = add_nodes(cmd, props, memory->cell, memory->nodes);
    if (allocated)
        add_context(cmd, props, memory, nodes);
    qemu_arg_json(cmd, "-object", props);
    return 0;
}

gboolean qemu_has_nvdimm(const DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_memories; i++) {
        if (def->devices.memories[i]->model == DOMAIN_MEMORY_MODEL_NVDIMM)
            return !g_str_has_prefix(def->os.machine ? def->os.machine : "", "pseries");
    }
    return FALSE;
}

/* As the device says, else its node. */
static int access_of(const DomainCpu *cpu, const DomainMemory *memory, const char *what, DomainMemoryAccess *access)
{
    *access = DOMAIN_MEMORY_ACCESS_UNSET;
    for (guint i = 1; memory->access && i < DOMAIN_MEMORY_ACCESS_LAST; i++) {
        if (g_strcmp0(domain_memory_access_to_string(i), memory->access) == 0)
            *access = i;
    }
    if (memory->access && !*access)
        return FAIL(VIR_ERR_XML_ERROR, "%s: access '%s' is neither 'shared' nor 'private'", what, memory->access);
    for (guint i = 0; cpu && !*access && i < cpu->n_numa_cells; i++) {
        if (cpu->numa_cells[i]->id == memory->target.node)
            *access = cpu->numa_cells[i]->mem_access;
    }
    if (memory->model == DOMAIN_MEMORY_MODEL_VIRTIO_PMEM)
        *access = DOMAIN_MEMORY_ACCESS_SHARED;
    return 0;
}

/* Memory of enclaves is a part of the machine. */
static int enclave_memory(QemuCommand *cmd, const DomainMemory *device, const char *object, const char *what)
{
    QemuMemory memory = {
        .id = object, .bytes = device->target.size * 1024, .cell = -1, .nodes = device->source.nodemask, .allocate = TRUE, .enclaves = TRUE,
    };

    if (device->target.size > G_MAXINT64 / 1024)
        return FAIL(VIR_ERR_XML_ERROR, "%s: a size of %" G_GUINT64_FORMAT " KiB is too large", what, device->target.size);
    if (qemu_require_type(cmd, "memory-backend-epc", what) < 0)
        return -1;
    if (cmd->def->type != DOMAIN_VIRT_TYPE_KVM)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s needs Intel's SGX, which emulation doesn't have: it needs type='kvm'", what);
    if (!cmd->options->dry_run && access(ENCLAVES, F_OK) < 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s needs Intel's SGX, which this host doesn't have (there is no '" ENCLAVES "')", what);
    return qemu_memory_object(cmd, &memory);
}

void qemu_machine_enclaves(const DomainDef *def, GString *machine)
{
    guint n = 0;

    for (guint i = 0; i < def->devices.n_memories; i++) {
        const DomainMemory *memory = def->devices.memories[i];

        if (memory->model != DOMAIN_MEMORY_MODEL_SGX_EPC)
            continue;
        g_string_append_printf(machine, ",sgx-epc.%u.memdev=mem%s", n, memory->info.alias);
        if (memory->target.has_node)
            g_string_append_printf(machine, ",sgx-epc.%u.node=%u", n, memory->target.node);
        n++;
    }
}

static int check_source(const QemuCommand *cmd, const DomainMemory *memory, const char *what)
{
    guint64 largest = MAX(memory->target.size, MAX(memory->source.pagesize, memory->source.alignsize));

    if (!cmd->def->cpu || cmd->def->cpu->n_numa_cells == 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: at least one NUMA node has to be configured for memory devices (<cpu><numa>)", what);
    if (largest > G_MAXINT64 / 1024)
        return FAIL(VIR_ERR_XML_ERROR, "%s: a size of %" G_GUINT64_FORMAT " KiB is too large", what, largest);
    return 0;
}

static int memory_backend(QemuCommand *cmd, const DomainMemory *device, const char *object, const char *what)
{
    gboolean nvdimm = device->model == DOMAIN_MEMORY_MODEL_NVDIMM;
    gboolean file = nvdimm || device->model == DOMAIN_MEMORY_MODEL_VIRTIO_PMEM;
    QemuMemory memory = {
        .id = object, .file = device->info.alias, .bytes = device->target.size * 1024, .page_kib = device->source.pagesize, .discard = device->discard,
        .cell = (int)MIN(device->target.node, G_MAXINT), .nodes = device->source.nodemask, .path = file ? device->source.path : NULL,
        .align = device->source.alignsize * 1024, .pmem = device->source.pmem, .allocate = nvdimm && !device->source.pmem,
        .gradual = device->model == DOMAIN_MEMORY_MODEL_VIRTIO_MEM,
    };

    if (file && !memory.path)
        return FAIL(VIR_ERR_XML_DETAIL, "%s: <source> has no <path> of the file that keeps its contents", what);
    return access_of(cmd->def->cpu, device, what, &memory.access) < 0 ? -1 : qemu_memory_object(cmd, &memory);
}

static void add_slot(json_object *props, const DomainAddress *address)
{
    if (!address || address->type != DOMAIN_ADDRESS_TYPE_DIMM)
        return;
    qemu_add_uint(props, "slot", address->dimm.slot);
    if (address->dimm.base)
        qemu_add_uint(props, "addr", address->dimm.base);
}

/* What the guest sees of an NVDIMM. */
static int add_nvdimm(QemuCommand *cmd, json_object *props, const DomainMemory *memory, const char *what)
{
    char uuid[UUID_TEXT_SIZE];

    if (memory->target.label_size)
        json_add(props, JSON_UINT("label-size", memory->target.label_size * 1024));
    if (memory->target.readonly)
        json_add(props, JSON_BOOL("unarmed", true));
    if (!memory->has_uuid)
        return 0;
    uuid_format(memory->uuid, uuid);
    json_add(props, JSON_STR("uuid", uuid));
    return qemu_require_prop(cmd, "nvdimm", "uuid", what);
}

static int add_gradual(QemuCommand *cmd, json_object *props, const DomainMemory *memory, const char *driver, const char *what)
{
    json_add(props, JSON_UINT("block-size", memory->target.block * 1024));
    if (memory->target.requested)
        json_add(props, JSON_UINT("requested-size", memory->target.requested * 1024));
    if (qemu_memory_immediate(cmd, (int)MIN(memory->target.node, G_MAXINT), memory->source.pagesize)) {
        json_add(props, JSON_BOOL("prealloc", true));
        if (qemu_require_prop(cmd, driver, "prealloc", what) < 0)
            return -1;
    }
    if (!memory->target.dynamic_memslots)
        return 0;
    json_add(props, JSON_BOOL("dynamic-memslots", memory->target.dynamic_memslots == TRISTATE_YES));
    return qemu_require_prop(cmd, driver, "dynamic-memslots", what);
}

static int one_memory(QemuCommand *cmd, const DomainMemory *memory, const char *what)
{
    static const struct { const char *driver; gboolean virtio; } drivers[DOMAIN_MEMORY_MODEL_LAST] = {
        [DOMAIN_MEMORY_MODEL_DIMM] = { "pc-dimm", FALSE }, [DOMAIN_MEMORY_MODEL_NVDIMM] = { "nvdimm", FALSE },
        [DOMAIN_MEMORY_MODEL_VIRTIO_PMEM] = { "virtio-pmem", TRUE }, [DOMAIN_MEMORY_MODEL_VIRTIO_MEM] = { "virtio-mem", TRUE },
    };
    const char *name = drivers[memory->model].driver;
    gboolean virtio = drivers[memory->model].virtio;
    g_autofree char *driver = NULL, *object = g_strdup_printf("mem%s", memory->info.alias);
    g_autoptr(json_object) props = NULL;

    if (memory->model == DOMAIN_MEMORY_MODEL_SGX_EPC)
        return enclave_memory(cmd, memory, object, what);
    if (!name)
        return FAIL(VIR_ERR_XML_ERROR, "%s has no model", what);
    driver = virtio ? qemu_virtio_type(&memory->info, name, NULL) : g_strdup(name);
    if (check_source(cmd, memory, what) < 0 || qemu_require_type(cmd, driver, what) < 0 || memory_backend(cmd, memory, object, what) < 0)
        return -1;
    props = json_make(JSON_STR("driver", driver));
    if (memory->model != DOMAIN_MEMORY_MODEL_VIRTIO_PMEM)
        json_add(props, JSON_UINT("node", memory->target.node));
    if ((memory->model == DOMAIN_MEMORY_MODEL_VIRTIO_MEM && add_gradual(cmd, props, memory, driver, what) < 0) ||
        (memory->model == DOMAIN_MEMORY_MODEL_NVDIMM && add_nvdimm(cmd, props, memory, what) < 0))
        return -1;
    json_add(props, JSON_STR("memdev", object), JSON_STR("id", memory->info.alias));
    if (virtio)
        return qemu_arg_device(cmd, g_steal_pointer(&props), &memory->info);
    add_slot(props, memory->info.address);
    qemu_arg_json(cmd, "-device", g_steal_pointer(&props));
    return 0;
}

int qemu_command_memories(QemuCommand *cmd)
{
    for (guint i = 0; i < cmd->def->devices.n_memories; i++) {
        const DomainMemory *memory = cmd->def->devices.memories[i];
        g_autofree char *what = g_strdup_printf("memory device '%s'", memory->info.alias);

        if (one_memory(cmd, memory, what) < 0)
            return -1;
    }
    return 0;
}
