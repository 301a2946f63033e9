/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drivers/qemu/claims.h"
#include <string.h>
#include "base/error.h"
#include "base/xml.h"
#include "drivers/qemu/command.h"
#include "model/domain.h"

static DomainDef *claim_definition(const ClaimTarget *target, const char *top, const char *device)
{
    DomainMachineInfo info = { 0 };

    domain_machine_info(target->arch, target->machine->name, &info);
    /* What needs USB is asked of machines that have it once they are told to. */
    g_autofree char *machine = g_markup_escape_text(target->machine->name, -1);
    g_autofree char *xml = g_strdup_printf(
        "<domain type='%s'><name>claim</name><uuid>c5b6a1de-0d5c-4d0c-9d1c-2f8a7b3e6c90</uuid><memory>131072</memory><vcpu>1</vcpu>"
        "<os><type arch='%s' machine='%s'>hvm</type></os>%s<devices>%s%s</devices></domain>",
        target->kvm ? "kvm" : "qemu", target->arch, machine, top ? top : "", info.pci_root && !info.has_usb ? "<controller type='usb'/>" : "",
        device ? device : "");
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    g_autoptr(DomainDef) def = domain_def_parse(xml, strlen(xml), 0, diag);
    info.default_cpu = target->machine->default_cpu;
    if (!def || domain_def_complete(def, &info, xml, strlen(xml), diag) < 0)
        return NULL;
    /* What was ignored won't be in the guest. */
    return diag->n_ignored > 0 ? NULL : g_steal_pointer(&def);
}

/* Command line of such a guest; NULL if it can't be started. Caller frees. */
static char *claim_command(const ClaimTarget *target, const char *top, const char *device)
{
    g_autoptr(DomainDef) def = claim_definition(target, top, device);
    QemuCommandOptions options = { .dir = "/", .monitor_fd = -1, .uid = -1, .gid = -1, .dry_run = TRUE };
    g_autoptr(QemuCommand) cmd = NULL;

    if (def && qemu_assign_aliases(def) == 0 && qemu_assign_channel_paths(def, options.dir) == 0)
        cmd = qemu_command_new(def, target->caps, &options);
    virResetLastError();
    return cmd ? qemu_command_text(cmd, NULL, FALSE) : NULL;
}

gboolean qemu_can_start(const ClaimTarget *target, const char *top, const char *device)
{
    g_autofree char *command = claim_command(target, top, device);

    return command != NULL;
}

gboolean qemu_can_start_with_effect(const ClaimTarget *target, const char *top, const char *device)
{
    g_autofree char *with = claim_command(target, top, device), *without = claim_command(target, NULL, NULL);

    return with && without && !g_str_equal(with, without);
}
