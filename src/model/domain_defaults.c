/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a definition implies, apart from its devices: identity, memory, processors, boot order, CPU.
 */
#include "model/domain_private.h"
#include "base/uuid.h"

static void default_identity(DomainDef *def)
{
    if (!def->has_uuid) {
        uuid_generate(def->uuid);
        def->has_uuid = true;
    }
    if (def->has_genid && !def->genid.has_value) {
        uuid_generate(def->genid.value);
        def->genid.has_value = true;
    }
}

char *domain_nvram_path(const char *folder, const char *name)
{
    return g_strdup_printf("%s/%s_VARS.fd", folder, name);
}

/* Firmware that keeps variables has them in a file of the domain's own. */
static void default_nvram(DomainDef *def, const DomainMachineInfo *info)
{
    const DomainLoader *loader = &def->os.loader;
    DomainNvramFile *nvram = &def->os.nvram;
    bool keeps = loader->type == DOMAIN_LOADER_TYPE_PFLASH && loader->readonly == TRISTATE_YES &&
                 loader->stateless != TRISTATE_YES;

    if (keeps && info->nvram_dir && !nvram->path && !nvram->source.type)
        nvram->path = domain_nvram_path(info->nvram_dir, def->name);
}

static bool add_size(guint64 *sum, guint64 more)
{
    if (more > G_MAXUINT64 - *sum)
        return false;
    *sum += more;
    return true;
}

/* With NUMA nodes or memory modules the whole is the sum of the parts. */
static int default_memory(DomainDef *def)
{
    guint64 sum = 0;
    bool fits = true;

    for (guint i = 0; def->cpu && i < def->cpu->n_numa_cells; i++)
        fits = fits && add_size(&sum, def->cpu->numa_cells[i]->memory);
    if (sum) {
        for (guint i = 0; i < def->devices.n_memories; i++)
            fits = fits && add_size(&sum, def->devices.memories[i]->target.size);
        if (!fits)
            return FAIL(VIR_ERR_XML_ERROR, "domain.memory: the sizes of all parts don't fit into 64 bits");
        def->memory = sum;
    }
    if (!def->memory)
        return FAIL(VIR_ERR_XML_ERROR, "domain.memory: memory must be greater than 0");
    if (!def->current_memory || def->current_memory > def->memory)
        def->current_memory = def->memory;
    return 0;
}

static void default_vcpus(DomainDef *def)
{
    if (!def->vcpu.count)
        def->vcpu.count = 1;
    if (!def->vcpu.placement)
        def->vcpu.placement = DOMAIN_VCPU_PLACEMENT_STATIC;
    if (def->vcpu.current == def->vcpu.count)
        def->vcpu.current = 0;
    if (def->iothreads < def->n_iothreadids)
        def->iothreads = def->n_iothreadids;
}

static int find_boot_order(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    return info->boot_order != 0;
}

static void default_boot(DomainDef *def, const DomainMachineInfo *info)
{
    if (def->os.type == DOMAIN_OS_TYPE_HVM && !def->os.n_boot_devs && !def->bootloader &&
        !domain_def_each_device(def, find_boot_order, NULL))
        XML_LIST_APPEND(def->os.boot_devs, def->os.n_boot_devs, DOMAIN_BOOT_DEV_HD);
    if (info->canonical_machine && g_strcmp0(info->canonical_machine, def->os.machine)) {
        g_free(def->os.machine);
        def->os.machine = g_strdup(info->canonical_machine);
    }
    if (!def->os.arch)
        def->os.arch = g_strdup(info->arch);
    if (!def->devices.emulator)
        def->devices.emulator = g_strdup(info->emulator);
}

static void default_cpu_check(DomainCpu *cpu, bool emulated)
{
    if (cpu->check)
        return;
    if (cpu->mode == CPU_MODE_HOST_MODEL || (cpu->mode == CPU_MODE_CUSTOM && !emulated && cpu->model))
        cpu->check = CPU_CHECK_PARTIAL;
    else
        cpu->check = CPU_CHECK_NONE;
}

static int default_cpu(DomainDef *def, const DomainMachineInfo *info)
{
    if (!def->cpu && !info->default_cpu)
        return 0;
    if (!def->cpu)
        def->cpu = xml_struct_new(&DOMAIN_CPU_DESC);
    DomainCpu *cpu = def->cpu;
    if (cpu->topology.sockets && !cpu->topology.dies)
        cpu->topology.dies = 1;
    if (domain_is_qemu(def) && !cpu->mode && !cpu->model && !cpu->vendor && !cpu->n_features && !info->default_cpu)
        return 0;   /* it tells no more than how many there are */
    if (!cpu->mode)
        cpu->mode = CPU_MODE_CUSTOM;
    if (cpu->mode == CPU_MODE_CUSTOM && !cpu->model && (cpu->vendor || cpu->n_features))
        return FAIL(VIR_ERR_XML_ERROR, "domain.cpu: a vendor or features need a <model>");
    if (cpu->mode == CPU_MODE_CUSTOM && !cpu->model && info->default_cpu) {
        cpu->model = g_strdup(info->default_cpu);
        cpu->fallback = CPU_FALLBACK_FORBID;
    }
    if (cpu->mode == CPU_MODE_CUSTOM && cpu->model) {
        cpu->fallback = cpu->fallback ?: CPU_FALLBACK_ALLOW;
        cpu->match = cpu->match ?: CPU_MATCH_EXACT;
    }
    if (cpu->mode == CPU_MODE_HOST_MODEL && !cpu->model)
        cpu->fallback = CPU_FALLBACK_UNSET;
    if (cpu->mode == CPU_MODE_HOST_PASSTHROUGH && !cpu->migratable && domain_is_x86(def))
        cpu->migratable = TRISTATE_ON;
    if (domain_is_qemu(def))
        default_cpu_check(cpu, def->type == DOMAIN_VIRT_TYPE_QEMU);
    return 0;
}

static void default_features(DomainDef *def, const DomainMachineInfo *info)
{
    DomainFeatures *features = &def->features;

    if (info->gic_version && !features->gic.version) {
        features->has_gic = true;
        features->gic.version = info->gic_version;
    }
    if (def->features.hyperv && !def->features.hyperv->mode)
        def->features.hyperv->mode = FEATURE_HYPERV_MODE_CUSTOM;
}

int domain_def_post_parse(DomainDef *def, const DomainMachineInfo *info)
{
    default_identity(def);
    if (default_memory(def) < 0)
        return -1;
    default_vcpus(def);
    default_boot(def, info);
    default_nvram(def, info);
    if (default_cpu(def, info) < 0)
        return -1;
    default_features(def, info);
    if (domain_defaults_devices(def, info) < 0 || domain_defaults_chardevs(def, info) < 0 ||
        domain_defaults_display(def, info) < 0 || domain_defaults_controllers(def, info) < 0)
        return -1;
    if (domain_normalize(def, info) < 0)
        return -1;
    return domain_def_assign_addresses(def, info);
}
