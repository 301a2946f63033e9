/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * <capabilities>: the host from core/host, then each architecture that has an emulator installed. What isn't implemented yet
 * (migration, snapshots) is not claimed.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/caps_xml.h"
#include <string.h>
#include "base/error.h"
#include "base/uuid.h"
#include "core/host/host.h"
#include "model/cpu.h"

static void add(GString *xml, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static void add(GString *xml, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    /* Everything that comes from outside goes through here as an attribute or text. */
    va_start(args, fmt);
    text = g_markup_vprintf_escaped(fmt, args);
    va_end(args);
    g_string_append(xml, text);
}

static void add_cpu(GString *xml, const HostTopology *topology)
{
    g_autoptr(HostProcessor) cpu = host_processor_read();
    g_autofree char *model = NULL, *features = NULL;
    CpuSet set;

    if (host_x86_features(&set))
        cpu_x86_host(&set, cpu->vendor, 6, &model, &features);
    add(xml, "    <cpu>\n      <arch>%s</arch>\n", cpu->arch ? cpu->arch : "");
    g_string_append(xml, model ? model : "");
    if (cpu->vendor)
        add(xml, "      <vendor>%s</vendor>\n", cpu->vendor);
    if (cpu->microcode)
        add(xml, "      <microcode version='%" G_GUINT64_FORMAT "'/>\n", cpu->microcode);
    if (cpu->family)
        add(xml, "      <signature family='%u' model='%u' stepping='%u'/>\n", cpu->family, cpu->model, cpu->stepping);
    add(xml, "      <topology sockets='%u' dies='%u' clusters='%u' cores='%u' threads='%u'/>\n",
        topology->n_cells > 1 ? MAX(topology->sockets / topology->n_cells, 1) : topology->sockets, topology->dies,
        topology->clusters, topology->cores, topology->threads);
    if (cpu->physical_bits)
        add(xml, "      <maxphysaddr mode='emulate' bits='%u'/>\n", cpu->physical_bits);
    g_string_append(xml, features ? features : "");
    for (guint i = 0; topology->n_cells > 0 && i < topology->cells[0].n_pages; i++)
        add(xml, "      <pages unit='KiB' size='%u'/>\n", topology->cells[0].pages[i].size_kib);
    add(xml, "    </cpu>\n");
}

static void add_power(GString *xml)
{
    unsigned int targets = host_suspend_targets();

    if (targets == 0) {
        add(xml, "    <power_management/>\n");
        return;
    }
    add(xml, "    <power_management>\n");
    if (targets & (1 << VIR_NODE_SUSPEND_TARGET_MEM))
        add(xml, "      <suspend_mem/>\n");
    if (targets & (1 << VIR_NODE_SUSPEND_TARGET_DISK))
        add(xml, "      <suspend_disk/>\n");
    if (targets & (1 << VIR_NODE_SUSPEND_TARGET_HYBRID))
        add(xml, "      <suspend_hybrid/>\n");
    add(xml, "    </power_management>\n");
}

static void add_cell(GString *xml, const HostTopology *topology, const HostCell *cell)
{
    add(xml, "        <cell id='%u'>\n          <memory unit='KiB'>%" G_GUINT64_FORMAT "</memory>\n", cell->id, cell->memory_kib);
    for (guint i = 0; i < cell->n_pages; i++)
        add(xml, "          <pages unit='KiB' size='%u'>%" G_GUINT64_FORMAT "</pages>\n", cell->pages[i].size_kib, cell->pages[i].total);
    if (cell->n_distances > 0) {
        add(xml, "          <distances>\n");
        for (guint i = 0; i < cell->n_distances; i++)
            add(xml, "            <sibling id='%u' value='%u'/>\n", topology->cells[i].id, cell->distances[i]);
        add(xml, "          </distances>\n");
    }
    add(xml, "          <cpus num='%u'>\n", cell->n_cpus);
    for (guint i = 0; i < cell->n_cpus; i++) {
        const HostCpu *cpu = &cell->cpus[i];

        add(xml, "            <cpu id='%u' socket_id='%d' die_id='%d' cluster_id='%d' core_id='%d' siblings='%s'/>\n", cpu->id,
            cpu->socket, cpu->die, cpu->cluster, cpu->core, cpu->siblings);
    }
    add(xml, "          </cpus>\n        </cell>\n");
}

static void add_caches(GString *xml, const HostTopology *topology)
{
    if (topology->n_caches == 0)
        return;
    add(xml, "    <cache>\n");
    for (guint i = 0; i < topology->n_caches; i++) {
        const HostCache *cache = &topology->caches[i];
        gboolean mib = cache->size_kib >= 1024 && cache->size_kib % 1024 == 0;

        add(xml, "      <bank id='%u' level='%u' type='%s' size='%" G_GUINT64_FORMAT "' unit='%s' cpus='%s'/>\n", cache->id, cache->level,
            cache->type, mib ? cache->size_kib / 1024 : cache->size_kib, mib ? "MiB" : "KiB", cache->cpus);
    }
    add(xml, "    </cache>\n");
}

static int add_host(GString *xml, const char *models)
{
    g_autoptr(HostTopology) topology = host_topology_read();
    unsigned char uuid[VIR_UUID_BUFLEN];
    char text[UUID_TEXT_SIZE];

    if (!topology)
        return -1;
    host_uuid(uuid);
    add(xml, "  <host>\n    <uuid>%s</uuid>\n", uuid_format(uuid, text));
    add_cpu(xml, topology);
    add_power(xml);
    add(xml, "    <iommu support='%s'/>\n", host_has_iommu() ? "yes" : "no");
    add(xml, "    <topology>\n      <cells num='%u'>\n", topology->n_cells);
    for (guint i = 0; i < topology->n_cells; i++)
        add_cell(xml, topology, &topology->cells[i]);
    add(xml, "      </cells>\n    </topology>\n");
    add_caches(xml, topology);
    g_string_append(xml, models);
    add(xml, "  </host>\n\n");
    return 0;
}

static void add_machine(GString *xml, const QemuMachine *machine)
{
    const char *deprecated = machine->deprecated ? " deprecated='yes'" : "";

    add(xml, "      <machine maxCpus='%u'", machine->max_cpus);
    g_string_append(xml, deprecated);
    add(xml, ">%s</machine>\n", machine->name);
    if (!machine->alias)
        return;
    add(xml, "      <machine canonical='%s' maxCpus='%u'", machine->name, machine->max_cpus);
    g_string_append(xml, deprecated);
    add(xml, ">%s</machine>\n", machine->alias);
}

static gboolean is_64_bit(const char *arch)
{
    return strstr(arch, "64") || g_str_equal(arch, "alpha") || g_str_equal(arch, "s390x");
}

static void add_guest(GString *xml, const char *arch, const QemuCaps *caps)
{
    gboolean x86 = cpu_arch(arch) == CPU_ARCH_X86;

    add(xml, "  <guest>\n    <os_type>hvm</os_type>\n    <arch name='%s'>\n      <wordsize>%d</wordsize>\n      <emulator>%s</emulator>\n",
        arch, is_64_bit(arch) ? 64 : 32, caps->binary);
    for (guint i = 0; i < caps->machines->len; i++)
        add_machine(xml, g_ptr_array_index(caps->machines, i));
    if (caps->tcg.available)
        add(xml, "      <domain type='qemu'/>\n");
    if (caps->kvm.available)
        add(xml, "      <domain type='kvm'/>\n");
    add(xml, "    </arch>\n    <features>\n");
    if (g_str_equal(arch, "i686"))
        add(xml, "      <pae/>\n      <nonpae/>\n");
    if (x86 || g_str_equal(arch, "aarch64"))
        add(xml, "      <acpi default='on' toggle='yes'/>\n");
    if (x86)
        add(xml, "      <apic default='on' toggle='no'/>\n");
    add(xml, "      <cpuselection/>\n      <deviceboot/>\n    </features>\n  </guest>\n\n");
}

char *qemu_capabilities_xml(QemuCapsStore *store, const char *models)
{
    g_autoptr(GString) xml = g_string_new("<capabilities>\n\n");
    const char *const *archs = qemu_arch_names();

    if (add_host(xml, models) < 0)
        return NULL;
    for (guint i = 0; archs[i]; i++) {
        g_autofree char *emulator = qemu_find_emulator(archs[i]);
        g_autoptr(QemuCaps) caps = emulator ? qemu_caps_store_get(store, emulator) : NULL;

        /* An emulator that doesn't work is none; whoever names it is told why. */
        if (emulator && !caps)
            virResetLastError();
        if (caps)
            add_guest(xml, archs[i], caps);
    }
    g_string_append(xml, "</capabilities>\n");
    return g_string_free(g_steal_pointer(&xml), FALSE);
}
