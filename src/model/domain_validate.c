/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules between the parts of a definition that the tables can't say. Each rule reports; the first becomes the error.
 */
#include "model/domain_private.h"

/* What an ID of QEMU may hold. */
#define ALIAS_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

/* Rules of the whole domain */

static void report(XmlDiagnostics *diag, int code, const char *path, const char *fmt, ...) G_GNUC_PRINTF(4, 5);

static void report(XmlDiagnostics *diag, int code, const char *path, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    xml_diagnostics_add(diag, XML_PROBLEM_ERROR, code, 0, path, "%s", text);
}

void domain_refuse(const DomainPlace *place, int code, const char *fmt, ...)
{
    g_autofree char *path = place->at < 0 ? g_strdup_printf("domain.%s", place->kind)
                                          : g_strdup_printf("domain.devices.%s[%d]", place->kind, place->at + 1);
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    xml_diagnostics_add(place->diag, XML_PROBLEM_ERROR, code, 0, path, "%s", text);
}

static void check_name(const DomainDef *def, XmlDiagnostics *diag)
{
    if (!*def->name || strchr(def->name, '/'))
        report(diag, VIR_ERR_XML_ERROR, "domain.name", "name '%s' is empty or contains '/'", def->name);
    if (strspn(def->name, " \t\n\r") == strlen(def->name))
        report(diag, VIR_ERR_XML_ERROR, "domain.name", "name '%s' is only white space", def->name);
    if (strcmp(def->name, ".") == 0 || strcmp(def->name, "..") == 0)
        report(diag, VIR_ERR_XML_ERROR, "domain.name", "name '%s' means a folder", def->name);
    if (def->title && strchr(def->title, '\n'))
        report(diag, VIR_ERR_XML_ERROR, "domain.title", "a title must not contain a line break");
}

/* Memory of enclaves is a part of the machine. */
static bool has_memory_modules(const DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_memories; i++) {
        if (def->devices.memories[i]->model != DOMAIN_MEMORY_MODEL_SGX_EPC)
            return true;
    }
    return false;
}

static void check_memory(const DomainDef *def, XmlDiagnostics *diag)
{
    if (!def->max_memory != !def->max_memory_slots)
        report(diag, VIR_ERR_XML_ERROR, "domain.maxMemory@slots", "maxMemory needs slots for memory modules");
    if (def->max_memory && def->max_memory < def->memory)
        report(diag, VIR_ERR_XML_ERROR, "domain.maxMemory", "maxMemory is less than memory");
    if (!def->max_memory && has_memory_modules(def))
        report(diag, VIR_ERR_CONFIG_UNSUPPORTED, "domain.maxMemory", "memory modules need maxMemory with slots");
}

static void check_vcpus(const DomainDef *def, XmlDiagnostics *diag)
{
    const DomainCpu *cpu = def->cpu;

    if (def->vcpu.current > def->vcpu.count)
        report(diag, VIR_ERR_CONFIG_UNSUPPORTED, "domain.vcpu@current", "current vCPUs (%u) must not exceed the maximum (%u)",
               def->vcpu.current, def->vcpu.count);
    if (!cpu || !(cpu->topology.sockets || cpu->topology.cores || cpu->topology.threads))
        return;
    if (!cpu->topology.sockets || !cpu->topology.cores || !cpu->topology.threads) {
        report(diag, VIR_ERR_XML_ERROR, "domain.cpu.topology", "sockets, cores and threads must all be greater than 0");
        return;
    }
    guint64 n = (guint64)cpu->topology.sockets * MAX(cpu->topology.dies, 1);
    /* Bounded one by one, so that the product can't overflow. */
    guint factors[] = {MAX(cpu->topology.clusters, 1), cpu->topology.cores, cpu->topology.threads};
    for (guint i = 0; i < G_N_ELEMENTS(factors) && n <= G_MAXUINT32; i++)
        n *= factors[i];
    if (n != def->vcpu.count)
        report(diag, VIR_ERR_CONFIG_UNSUPPORTED, "domain.cpu.topology",
               "the CPU topology has %" G_GUINT64_FORMAT " processors, but vcpu says %u", n, def->vcpu.count);
}

static void check_vcpu_list(const DomainDef *def, XmlDiagnostics *diag)
{
    g_autoptr(Bitmap) seen = bitmap_new(def->vcpu.count);

    for (guint i = 0; i < def->n_vcpus; i++) {
        const DomainVcpuEntry *vcpu = def->vcpus[i];
        g_autofree char *path = g_strdup_printf("domain.vcpus.vcpu[%u]@id", i + 1);
        if (vcpu->id >= def->vcpu.count)
            report(diag, VIR_ERR_XML_ERROR, path, "vCPU %u is beyond the maximum of %u", vcpu->id, def->vcpu.count);
        else if (bitmap_test(seen, vcpu->id))
            report(diag, VIR_ERR_XML_ERROR, path, "vCPU %u stands twice", vcpu->id);
        else
            bitmap_set(seen, vcpu->id);
    }
}

static void check_iothreads(const DomainDef *def, XmlDiagnostics *diag)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < def->n_iothreadids; i++) {
        g_autofree char *path = g_strdup_printf("domain.iothreadids.iothread[%u]@id", i + 1);
        if (!g_hash_table_add(seen, GUINT_TO_POINTER(def->iothreadids[i]->id)))
            report(diag, VIR_ERR_XML_ERROR, path, "I/O thread %u stands twice", def->iothreadids[i]->id);
    }
}

/* Boot order: each number once, and not together with the older list of kinds. */
typedef struct {
    XmlDiagnostics *diag;
    GHashTable *orders, *aliases;
} DeviceCheck;

static int check_device(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    DeviceCheck *check = opaque;
    g_autofree char *path = g_strdup_printf("domain.devices.%s", kind);

    if (info->boot_order && !g_hash_table_add(check->orders, GUINT_TO_POINTER(info->boot_order)))
        report(check->diag, VIR_ERR_CONFIG_UNSUPPORTED, path, "boot order '%u' is used for more than one device", info->boot_order);
    if (info->alias && info->alias[strspn(info->alias, ALIAS_CHARS)])
        report(check->diag, VIR_ERR_XML_ERROR, path, "alias '%s' may hold letters, digits, '_', '-' and '.' only", info->alias);
    bool console = strcmp(kind, "console") == 0; /* The first one bears the name of the serial port that it is. */
    if (info->alias && !console && !g_hash_table_add(check->aliases, info->alias))
        report(check->diag, VIR_ERR_CONFIG_UNSUPPORTED, path, "alias '%s' is used for more than one device", info->alias);
    return 0;
}

static void check_common(const DomainDef *def, XmlDiagnostics *diag)
{
    DeviceCheck check = {diag, g_hash_table_new(NULL, NULL), g_hash_table_new(g_str_hash, g_str_equal)};

    domain_def_each_device((DomainDef *)def, check_device, &check);
    if (g_hash_table_size(check.orders) && def->os.n_boot_devs)
        report(diag, VIR_ERR_CONFIG_UNSUPPORTED, "domain.os.boot",
               "boot order of devices cannot be used together with <boot dev='...'/> in <os>");
    g_hash_table_unref(check.orders);
    g_hash_table_unref(check.aliases);
}

int domain_def_validate(const DomainDef *def, XmlDiagnostics *diag)
{
    g_autoptr(XmlDiagnostics) own = diag ? NULL : xml_diagnostics_new();
    XmlDiagnostics *all = diag ?: own;

    xml_validate(&DOMAIN_DEF_DESC, def, DOMAIN_ROOT.name, all);
    check_name(def, all);
    check_memory(def, all);
    check_vcpus(def, all);
    check_vcpu_list(def, all);
    check_iothreads(def, all);
    check_common(def, all);
    domain_validate_os(def, all);
    domain_validate_cpu(def, all);
    domain_validate_memory(def, all);
    domain_validate_tuning(def, all);
    domain_validate_disks(def, all);
    domain_validate_devices(def, all);
    if (domain_is_qemu(def))
        domain_validate_qemu(def, all);
    return xml_diagnostics_report(all, ERROR_DOMAIN);
}
