/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * -machine, -accel, firmware, memory and NUMA.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/command_block.h"
#include "drivers/qemu/command_priv.h"
#include "drivers/qemu/command_storage.h"

static gboolean has_numa(const DomainDef *def)
{
    return def->cpu && def->cpu->n_numa_cells > 0;
}

static gboolean has_nvram(const DomainOs *os)
{
    return os->nvram.path || qemu_source_is_there(&os->nvram.source);
}

static int machine_pflash(QemuCommand *cmd, GString *machine)
{
    const DomainOs *os = &cmd->def->os;

    if (!os->loader.path || os->loader.type != DOMAIN_LOADER_TYPE_PFLASH)
        return 0;
    g_string_append(machine, ",pflash0=libvirt-pflash0-format");
    if (has_nvram(os))
        g_string_append(machine, ",pflash1=libvirt-pflash1-format");
    return 0;
}

static int command_accel(QemuCommand *cmd)
{
    const DomainDef *def = cmd->def;

    if (def->type == DOMAIN_VIRT_TYPE_KVM) {
        if (!cmd->caps->kvm.available)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' has type='kvm', but KVM can't be used here (is /dev/kvm there, "
                        "accessible, and virtualisation on in the firmware?); type='qemu' runs without it", def->name);
        if (def->features.kvm && def->features.kvm->dirty_ring.state == TRISTATE_ON)
            qemu_arg_f(cmd, "-accel", "kvm,dirty-ring-size=%u", def->features.kvm->dirty_ring.size);
        else
            qemu_arg_f(cmd, "-accel", "kvm");
        return 0;
    }
    if (def->type != DOMAIN_VIRT_TYPE_QEMU)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the QEMU driver doesn't run domains of type '%s'",
                    domain_virt_type_to_string(def->type));
    if (!cmd->caps->tcg.available)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "'%s' was built without emulation; only type='kvm' can run", cmd->caps->binary);
    if (def->features.tcg_tb_cache)
        qemu_arg_f(cmd, "-accel", "tcg,tb-size=%" G_GUINT64_FORMAT, def->features.tcg_tb_cache / 1024);
    else
        qemu_arg_f(cmd, "-accel", "tcg");
    return 0;
}

/* Nodes for firmware in flash; they must stand before -machine uses them, which QEMU resolves later anyway. */
static int pflash_node(QemuCommand *cmd, int number, const StorageSource *source, gboolean readonly, DomainLoaderFormat format,
                       const char *what)
{
    g_autofree char *storage = g_strdup_printf("libvirt-pflash%d-storage", number);
    g_autofree char *node = g_strdup_printf("libvirt-pflash%d-format", number);
    const QemuStorageAccess access = { .readonly = readonly };
    json_object *props = qemu_storage_properties(cmd, source, &access, storage, what);

    if (!props)
        return -1;
    json_add(props, JSON_STR("node-name", storage), JSON_BOOL("auto-read-only", true), JSON_STR("discard", "unmap"));
    qemu_arg_json(cmd, "-blockdev", props);
    props = json_make(JSON_STR("node-name", node), JSON_BOOL("read-only", readonly),
                      JSON_STR("driver", format == DOMAIN_LOADER_FORMAT_QCOW2 ? "qcow2" : "raw"), JSON_STR("file", storage));
    qemu_arg_json(cmd, "-blockdev", props);
    return 0;
}

static int command_flash(QemuCommand *cmd)
{
    const DomainOs *os = &cmd->def->os;
    const StorageSource loader = { .type = DOMAIN_DISK_TYPE_FILE, .file = os->loader.path };
    const StorageSource file = { .type = DOMAIN_DISK_TYPE_FILE, .file = os->nvram.path };

    if (!os->loader.path || os->loader.type != DOMAIN_LOADER_TYPE_PFLASH)
        return 0;
    if (pflash_node(cmd, 0, &loader, os->loader.readonly == TRISTATE_YES, os->loader.format, "firmware") < 0)
        return -1;
    if (os->nvram.source.type && !has_nvram(os))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "NVRAM of domain '%s' has a type, but nothing that QEMU could write to", cmd->def->name);
    return has_nvram(os) ? pflash_node(cmd, 1, os->nvram.path ? &file : &os->nvram.source, FALSE, os->nvram.format, "NVRAM") : 0;
}

int qemu_command_machine(QemuCommand *cmd)
{
    g_autoptr(GString) machine = g_string_new(cmd->machine->name);

    if (command_flash(cmd) < 0)
        return -1;
    g_string_append(machine, ",usb=off");
    if (qemu_machine_features(cmd, machine) < 0 || machine_pflash(cmd, machine) < 0)
        return -1;
    if (!has_numa(cmd->def) && cmd->machine->default_ram)
        g_string_append_printf(machine, ",memory-backend=%s", cmd->machine->default_ram);
    if (cmd->def->os.bios.useserial == TRISTATE_YES)
        g_string_append(machine, ",graphics=off");
    qemu_arg_f(cmd, "-machine", "%s", machine->str);
    if (command_accel(cmd) < 0)
        return -1;
    if (cmd->def->features.has_smm && cmd->def->features.smm.tseg)
        qemu_arg_f(cmd, "-global", "mch.extended-tseg-mbytes=%" G_GUINT64_FORMAT, cmd->def->features.smm.tseg);
    if (cmd->def->os.loader.secure == TRISTATE_YES)
        qemu_arg_f(cmd, "-global", "driver=cfi.pflash01,property=secure,value=on");
    return 0;
}

int qemu_command_firmware(QemuCommand *cmd)
{
    const DomainOs *os = &cmd->def->os;

    if (os->loader.path && os->loader.type != DOMAIN_LOADER_TYPE_PFLASH)
        qemu_arg_f(cmd, "-bios", "%s", os->loader.path);
    return 0;
}

/* vCPUs of a list that can be unplugged are plugged once QEMU is there. */
static guint vcpus_at_start(const DomainDef *def)
{
    guint n = 0;

    for (guint i = 0; i < def->n_vcpus; i++)
        n += def->vcpus[i]->enabled == TRISTATE_YES && def->vcpus[i]->hotpluggable != TRISTATE_YES;
    return def->n_vcpus ? n : def->vcpu.current ? def->vcpu.current : def->vcpu.count;
}

static int command_smp(QemuCommand *cmd)
{
    const DomainDef *def = cmd->def;
    const DomainCpuTopology *topology = def->cpu && def->cpu->topology.sockets ? &def->cpu->topology : NULL;
    guint max = def->vcpu.count, now = vcpus_at_start(def);
    g_autoptr(GString) smp = g_string_new(NULL);

    for (guint i = 0; i < def->n_vcpus; i++) {
        if (def->vcpus[i]->id == 0 && (def->vcpus[i]->enabled != TRISTATE_YES || def->vcpus[i]->hotpluggable == TRISTATE_YES))
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "vcpu 0 of domain '%s' must be enabled and not hotpluggable", def->name);
    }
    g_string_printf(smp, "%u", now);
    if (now != max)
        g_string_append_printf(smp, ",maxcpus=%u", max);
    if (!topology) {
        g_string_append_printf(smp, ",sockets=%u,cores=1,threads=1", max);
    } else {
        g_string_append_printf(smp, ",sockets=%u", topology->sockets);
        if (topology->dies)
            g_string_append_printf(smp, ",dies=%u", topology->dies);
        if (topology->clusters > 1)
            g_string_append_printf(smp, ",clusters=%u", topology->clusters);
        g_string_append_printf(smp, ",cores=%u,threads=%u", topology->cores, topology->threads);
    }
    qemu_arg_f(cmd, "-smp", "%s", smp->str);
    return 0;
}

/* Memory at the start, in KiB, a multiple of one MiB. */
static guint64 initial_memory(const DomainDef *def)
{
    guint64 sum = 0;

    if (!has_numa(def))
        return (def->memory + 1023) / 1024 * 1024;
    for (guint i = 0; i < def->cpu->n_numa_cells; i++)
        sum += def->cpu->numa_cells[i]->memory;
    return sum;
}

int qemu_command_memory(QemuCommand *cmd)
{
    const DomainDef *def = cmd->def;
    guint64 kib = initial_memory(def);
    gboolean locked = def->memory_backing && def->memory_backing->locked;

    if (kib == 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' has no memory", def->name);
    if (def->max_memory)
        qemu_arg_f(cmd, "-m", "size=%" G_GUINT64_FORMAT "k,slots=%u,maxmem=%" G_GUINT64_FORMAT "k", kib,
                   def->max_memory_slots, def->max_memory);
    else
        qemu_arg_f(cmd, "-m", "%" G_GUINT64_FORMAT, kib / 1024);
    if (!has_numa(def) && cmd->machine->default_ram &&
        qemu_memory_object(cmd, &(QemuMemory){ .id = cmd->machine->default_ram, .bytes = kib * 1024, .cell = -1 }) < 0)
        return -1;
    qemu_arg_f(cmd, "-overcommit", "mem-lock=%s", locked ? "on" : "off");
    if (command_smp(cmd) < 0)
        return -1;
    return has_numa(def) ? qemu_command_numa(cmd) : 0;
}
