/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory that comes in pieces: modules, and what the host gives and takes block by block.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "base/error.h"
#include "drivers/qemu/command_priv.h"

static int access_of(const DomainMemory *memory, const char *what, DomainMemoryAccess *access)
{
    *access = DOMAIN_MEMORY_ACCESS_UNSET;
    for (guint i = 1; memory->access && i < DOMAIN_MEMORY_ACCESS_LAST; i++) {
        if (g_strcmp0(domain_memory_access_to_string(i), memory->access) == 0)
            *access = i;
    }
    if (memory->access && !*access)
        return FAIL(VIR_ERR_XML_ERROR, "%s: access '%s' is neither 'shared' nor 'private'", what, memory->access);
    return 0;
}

static int check_source(const QemuCommand *cmd, const DomainMemory *memory, const char *what)
{
    if (!cmd->def->cpu || cmd->def->cpu->n_numa_cells == 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: at least one NUMA node has to be configured for memory devices (<cpu><numa>)", what);
    if (memory->source.path)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: <source> with a file of the host is not supported yet", what);
    if (MAX(memory->target.size, memory->source.pagesize) > G_MAXINT64 / 1024)
        return FAIL(VIR_ERR_XML_ERROR, "%s: a size of %" G_GUINT64_FORMAT " KiB is too large", what,
                    MAX(memory->target.size, memory->source.pagesize));
    return 0;
}

static int one_memory(QemuCommand *cmd, const DomainMemory *memory, const char *what)
{
    gboolean module = memory->model == DOMAIN_MEMORY_MODEL_DIMM;
    g_autofree char *driver = module ? g_strdup("pc-dimm") : qemu_virtio_type(&memory->info, "virtio-mem", NULL);
    g_autofree char *object = g_strdup_printf("mem%s", memory->info.alias);
    QemuMemory piece = { object, memory->target.size * 1024, .cell = (int)MIN(memory->target.node, G_MAXINT),
                         .nodes = memory->source.nodemask, .page_kib = memory->source.pagesize, .gradual = !module };
    gboolean immediate = !module && qemu_memory_immediate(cmd, piece.cell, piece.page_kib);
    json_object *props;

    if (!module && memory->model != DOMAIN_MEMORY_MODEL_VIRTIO_MEM)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: memory of model '%s' is not supported yet", what,
                    domain_memory_model_to_string(memory->model));
    if (check_source(cmd, memory, what) < 0 || access_of(memory, what, &piece.access) < 0 || qemu_require_type(cmd, driver, what) < 0 ||
        (immediate && qemu_require_prop(cmd, driver, "prealloc", what) < 0) || qemu_memory_object(cmd, &piece) < 0)
        return -1;
    props = json_make(JSON_STR("driver", driver), JSON_UINT("node", memory->target.node));
    if (!module)
        json_add(props, JSON_UINT("block-size", memory->target.block * 1024), JSON_UINT("requested-size", memory->target.requested * 1024));
    if (immediate)
        json_add(props, JSON_BOOL("prealloc", true));
    json_add(props, JSON_STR("memdev", object), JSON_STR("id", memory->info.alias));
    if (!module)
        return qemu_arg_device(cmd, props, &memory->info);
    if (memory->info.address && memory->info.address->type == DOMAIN_ADDRESS_TYPE_DIMM) {
        qemu_add_uint(props, "slot", memory->info.address->dimm.slot);
        if (memory->info.address->dimm.base)
            qemu_add_uint(props, "addr", memory->info.address->dimm.base);
    }
    qemu_arg_json(cmd, "-device", props);
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
