/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules about how the guest boots, its firmware and what it is told by it, and what happens when it ends.
 */
#include "model/domain_private.h"
#include "base/uuid.h"

#define UNSUPPORTED VIR_ERR_CONFIG_UNSUPPORTED

static void check_firmware(const DomainDef *def, XmlDiagnostics *diag)
{
    const DomainLoader *loader = &def->os.loader;
    const DomainNvramFile *nvram = &def->os.nvram;
    DomainPlace at = {diag, "os.loader", -1};
    DomainDiskType type = nvram->source.type;
    bool uefi = def->os.firmware == DOMAIN_OS_FIRMWARE_EFI || loader->type == DOMAIN_LOADER_TYPE_PFLASH;
    bool acpi_needed = domain_is_qemu(def) && domain_is_x86(def);
    bool uefi_needed = domain_is_qemu(def) && g_strcmp0(def->os.arch, "aarch64") == 0;
    bool has_nvram = nvram->path || nvram->template || nvram->source.type;

    REFUSE_IF(!def->os.firmware && !loader->path && (loader->type || loader->readonly || loader->secure), &at, VIR_ERR_XML_DETAIL,
              "no loader path is given, and firmware='...' doesn't ask for one to be chosen");
    REFUSE_IF(domain_is_qemu(def) && type && type != DOMAIN_DISK_TYPE_FILE && type != DOMAIN_DISK_TYPE_BLOCK &&
              type != DOMAIN_DISK_TYPE_NETWORK, &at, UNSUPPORTED, "NVRAM of type '%s' is not possible", domain_disk_type_to_string(type));
    REFUSE_IF(loader->stateless == TRISTATE_YES && has_nvram, &at, VIR_ERR_XML_DETAIL,
              "NVRAM is not permitted when the loader is stateless");
    REFUSE_IF(uefi && acpi_needed && !def->features.acpi, &at, UNSUPPORTED,
              "UEFI needs <acpi/> in <features> on this architecture");
    REFUSE_IF(!uefi && uefi_needed && def->features.acpi, &at, UNSUPPORTED, "<acpi/> in <features> needs UEFI on this architecture");
    REFUSE_IF(loader->secure == TRISTATE_YES && domain_is_qemu(def) && def->features.smm.state != TRISTATE_ON, &at, UNSUPPORTED,
              "secure boot needs <smm state='on'/> in <features>");
}

static void check_os(const DomainDef *def, XmlDiagnostics *diag)
{
    DomainPlace type = {diag, "os.type", -1}, bios = {diag, "os.bios", -1}, boot = {diag, "bootloader", -1};
    bool qemu = domain_is_qemu(def);

    REFUSE_IF(def->os.type == DOMAIN_OS_TYPE_EXE && !def->os.init, &type, VIR_ERR_XML_ERROR,
              "type 'exe' needs the program in <init>");
    REFUSE_IF(qemu && def->os.type != DOMAIN_OS_TYPE_HVM, &type, UNSUPPORTED, "QEMU runs guests of type 'hvm' only, not '%s'",
              domain_os_type_to_string(def->os.type));
    REFUSE_IF(qemu && def->bootloader, &boot, UNSUPPORTED, "a boot loader in the host is not supported by QEMU");
    REFUSE_IF(def->os.bios.useserial == TRISTATE_YES && !def->devices.n_serials, &bios, VIR_ERR_XML_ERROR,
              "useserial='yes' needs a serial port");
    for (guint i = 0; i < def->os.n_acpi_tables; i++)
        REFUSE_IF(strcmp(def->os.acpi_tables[i]->type, "slic"), &((DomainPlace){diag, "os.acpi.table", -1}), VIR_ERR_XML_ERROR,
                  "unknown ACPI table type '%s': allowed is slic", def->os.acpi_tables[i]->type);
}

/* SMBIOS */

static bool is_date(const char *text)
{
    guint month, day, year;
    int end = 0;

    if (strspn(text, "0123456789/") != strlen(text) || sscanf(text, "%2u/%2u/%4u%n", &month, &day, &year, &end) != 3 || text[end])
        return false;
    return month >= 1 && month <= 12 && day >= 1 && day <= 31 && (year < 100 || (year >= 1900 && year < 10000));
}

static void check_system_uuid(const DomainDef *def, const char *text, const DomainPlace *at)
{
    guint8 uuid[16];

    if (uuid_parse(text, uuid) < 0) {
        virResetLastError();
        domain_refuse(at, VIR_ERR_XML_DETAIL, "system: '%s' is no UUID", text);
        return;
    }
    REFUSE_IF(memcmp(uuid, def->uuid, sizeof uuid), at, VIR_ERR_XML_DETAIL, "the UUID in <system> is not that of the domain");
}

static void check_fwcfg(const SysinfoEntry *entry, const DomainPlace *at)
{
    REFUSE_IF(!entry->name, at, VIR_ERR_XML_ERROR, "an entry of type 'fwcfg' needs a name");
    REFUSE_IF(!entry->value && !entry->file, at, VIR_ERR_XML_ERROR, "entry '%s' needs a value or a file", entry->name ?: "");
    REFUSE_IF(entry->name && !g_str_has_prefix(entry->name, "opt/"), at, UNSUPPORTED, "the name '%s' of an entry must begin with "
              "'opt/': others belong to QEMU", entry->name);
    REFUSE_IF(entry->name && (g_str_has_prefix(entry->name, "opt/ovmf/") || g_str_has_prefix(entry->name, "opt/org.qemu/")), at,
              UNSUPPORTED, "the name '%s' of an entry is kept for QEMU and its firmware", entry->name);
}

static void check_sysinfo(const DomainDef *def, XmlDiagnostics *diag)
{
    DomainPlace at = {diag, "sysinfo", -1};

    for (guint i = 0; i < def->n_sysinfos; i++) {
        const DomainSysinfo *info = def->sysinfos[i];
        for (guint j = 0; j < info->bios.n_entries; j++) {
            const SysinfoEntry *entry = info->bios.entries[j];
            REFUSE_IF(g_strcmp0(entry->name, "date") == 0 && !is_date(entry->value ?: ""), &at, VIR_ERR_XML_DETAIL,
                      "bios: the date '%s' is not month/day/year", entry->value ?: "");
        }
        for (guint j = 0; j < info->system.n_entries; j++) {
            if (g_strcmp0(info->system.entries[j]->name, "uuid") == 0)
                check_system_uuid(def, info->system.entries[j]->value ?: "", &at);
        }
        for (guint j = 0; j < info->n_fwcfg; j++)
            check_fwcfg(info->fwcfg[j], &at);
    }
}

/* Ends */

static void check_lifecycle(const DomainDef *def, XmlDiagnostics *diag)
{
    const DomainLifecycleAction off = def->on_poweroff, reboot = def->on_reboot, crash = def->on_crash;
    DomainPlace at_off = {diag, "on_poweroff", -1}, at_reboot = {diag, "on_reboot", -1}, at_crash = {diag, "on_crash", -1};
    const struct { DomainLifecycleAction action; DomainPlace *at; } ends[] = {{off, &at_off}, {reboot, &at_reboot}};

    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
        DomainLifecycleAction action = ends[i].action;
        REFUSE_IF(action == DOMAIN_LIFECYCLE_ACTION_COREDUMP_DESTROY || action == DOMAIN_LIFECYCLE_ACTION_COREDUMP_RESTART,
                  ends[i].at, UNSUPPORTED, "'%s' is possible in on_crash only", domain_lifecycle_action_to_string(action));
        REFUSE_IF(domain_is_qemu(def) && (action == DOMAIN_LIFECYCLE_ACTION_PRESERVE ||
                                          action == DOMAIN_LIFECYCLE_ACTION_RENAME_RESTART),
                  ends[i].at, UNSUPPORTED, "'%s' is not supported by QEMU", domain_lifecycle_action_to_string(action));
    }
    if (!domain_is_qemu(def))
        return;
    REFUSE_IF(crash == DOMAIN_LIFECYCLE_ACTION_RENAME_RESTART, &at_crash, UNSUPPORTED, "'rename-restart' is not supported by QEMU");
    REFUSE_IF(off == DOMAIN_LIFECYCLE_ACTION_RESTART && reboot == DOMAIN_LIFECYCLE_ACTION_DESTROY, &at_reboot, UNSUPPORTED,
              "on_poweroff 'restart' together with on_reboot 'destroy' is not supported by QEMU");
}

static void check_perf(const DomainDef *def, XmlDiagnostics *diag)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    DomainPlace at = {diag, "perf", -1};

    for (guint i = 0; i < def->n_perf_events; i++)
        REFUSE_IF(!g_hash_table_add(seen, GINT_TO_POINTER(def->perf_events[i]->name)), &at, VIR_ERR_XML_ERROR,
                  "event '%s' stands twice", perf_event_name_to_string(def->perf_events[i]->name));
}

/* Places among the host's groups and labels */

static void check_seclabels(const DomainDef *def, XmlDiagnostics *diag)
{
    g_autoptr(GHashTable) models = g_hash_table_new(g_str_hash, g_str_equal);
    DomainPlace at = {diag, "seclabel", -1};

    for (guint i = 0; i < def->n_seclabels; i++) {
        const DomainSeclabel *label = def->seclabels[i];
        REFUSE_IF(!label->model && def->n_seclabels > 1, &at, VIR_ERR_XML_ERROR, "each of several labels needs a model");
        REFUSE_IF(label->model && !g_hash_table_add(models, label->model), &at, VIR_ERR_XML_DETAIL,
                  "there are two labels of model '%s'", label->model);
        REFUSE_IF(label->type == SECLABEL_TYPE_STATIC && !label->label, &at, VIR_ERR_XML_ERROR, "type 'static' needs a <label>");
        REFUSE_IF(label->type == SECLABEL_TYPE_DYNAMIC && label->relabel == TRISTATE_NO, &at, UNSUPPORTED,
                  "type 'dynamic' is not possible with relabel='no'");
        REFUSE_IF(label->type == SECLABEL_TYPE_NONE && label->relabel == TRISTATE_YES, &at, UNSUPPORTED,
                  "type 'none' is not possible with relabel='yes'");
    }
}

static void check_appid(const DomainDef *def, XmlDiagnostics *diag)
{
    const char *appid = def->resource.fibrechannel_appid;
    bool printable = true;

    for (const char *c = appid ?: ""; *c; c++)
        printable = printable && g_ascii_isprint(*c);
    REFUSE_IF(!printable, &((DomainPlace){diag, "resource.fibrechannel", -1}), VIR_ERR_XML_ERROR,
              "appid has characters that can't be printed");
}

void domain_validate_os(const DomainDef *def, XmlDiagnostics *diag)
{
    check_os(def, diag);
    check_firmware(def, diag);
    check_sysinfo(def, diag);
    check_lifecycle(def, diag);
    check_perf(def, diag);
    check_seclabels(def, diag);
    check_appid(def, diag);
}
