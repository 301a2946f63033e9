/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Features of the definition that are properties of QEMU's machine.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/command_priv.h"
#include "model/cpu.h"

static const char *on_off(Tristate value)
{
    return value == TRISTATE_ON ? "on" : "off";
}

/* A switch that stands there without a state is on. */
static const char *state_of(gboolean there, Tristate state)
{
    return there ? on_off(state ? state : TRISTATE_ON) : NULL;
}

/* What only some machines have: never to be ignored where there is no such thing. */
typedef struct {
    const char *property;
    const char *value;       /* NULL: nothing is said */
    const char *what;
} MachineProperty;

static int add_properties(QemuCommand *cmd, GString *machine, const MachineProperty *list, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        g_autofree char *what = g_strdup_printf("<%s> of domain '%s'", list[i].what, cmd->def->name);

        if (!list[i].value)
            continue;
        if (qemu_require_prop(cmd, "machine", list[i].property, what) < 0)
            return -1;
        g_string_append_printf(machine, ",%s=%s", list[i].property, list[i].value);
    }
    return 0;
}

static int add_key_wrapping(QemuCommand *cmd, GString *machine)
{
    for (guint i = 0; i < cmd->def->n_keywrap; i++) {
        const KeywrapCipher *cipher = cmd->def->keywrap[i];
        g_autofree char *property = g_strconcat(cipher->name, "-key-wrap", NULL);

        if (add_properties(cmd, machine, &(MachineProperty){ property, on_off(cipher->state), "keywrap" }, 1) < 0)
            return -1;
    }
    return 0;
}

static int add_platform(QemuCommand *cmd, GString *machine)
{
    const DomainFeatures *f = &cmd->def->features;
    g_autofree char *page = f->hpt.maxpagesize ? g_strdup_printf("%" G_GUINT64_FORMAT "k", f->hpt.maxpagesize) : NULL;
    const DomainDevices *d = &cmd->def->devices;
    gboolean smmu = d->n_iommus > 0 && d->iommus[0]->model == DOMAIN_IOMMU_MODEL_SMMUV3 && !d->iommus[0]->driver.has_pci_bus;
    const MachineProperty list[] = {
        { "gic-version", f->has_gic && f->gic.version ? feature_gic_version_to_string(f->gic.version) : NULL, "gic" },
        { "iommu", smmu ? "smmuv3" : NULL, "iommu model='smmuv3'" },
        { "resize-hpt", f->hpt.resizing ? feature_hpt_resizing_to_string(f->hpt.resizing) : NULL, "hpt" },
        { "cap-hpt-max-page-size", page, "hpt" },
        { "cap-htm", state_of(f->has_htm, f->htm.state), "htm" },
        { "cap-nested-hv", state_of(f->has_nested_hv, f->nested_hv.state), "nested-hv" },
        { "cap-ccf-assist", state_of(f->has_ccf_assist, f->ccf_assist.state), "ccf-assist" },
        { "cap-cfpc", f->cfpc ? feature_workaround_to_string(f->cfpc) : NULL, "cfpc" },
        { "cap-sbbc", f->sbbc ? feature_workaround_to_string(f->sbbc) : NULL, "sbbc" },
        { "cap-ibs", f->ibs ? feature_ibs_to_string(f->ibs) : NULL, "ibs" },
        { "ras", state_of(f->has_ras, f->ras.state), "ras" },
        { "aia", f->aia ? feature_aia_mode_to_string(f->aia) : NULL, "aia" },
    };

    return add_properties(cmd, machine, list, G_N_ELEMENTS(list));
}

static gboolean hpet_is_off(const DomainDef *def)
{
    for (guint i = 0; i < def->clock.n_timers; i++) {
        if (def->clock.timers[i]->name == DOMAIN_TIMER_NAME_HPET && def->clock.timers[i]->present == TRISTATE_NO)
            return TRUE;
    }
    return FALSE;
}

/* QEMU 8.0 deprecated the stand-alone options in favour of these properties. */
/* The property is known of one machine of each emulator; boards other than PCs and 'virt' don't have it. */
gboolean qemu_can_switch_acpi(const QemuCommand *cmd)
{
    return qemu_caps_has_prop(cmd->caps, "machine", "acpi") &&
        (cpu_arch(cmd->caps->arch) == CPU_ARCH_X86 || g_str_equal(cmd->machine->name, "virt") || g_str_has_prefix(cmd->machine->name, "virt-"));
}

static void add_timers_and_acpi(QemuCommand *cmd, GString *machine)
{
    if (cmd->caps->version < QEMU_VERSION(8, 0, 0))
        return;
    if (qemu_caps_has_prop(cmd->caps, "machine", "hpet") && hpet_is_off(cmd->def))
        g_string_append(machine, ",hpet=off");
    if (qemu_can_switch_acpi(cmd) && !cmd->def->features.acpi)
        g_string_append(machine, ",acpi=off");
}

int qemu_machine_features(QemuCommand *cmd, GString *machine)
{
    const DomainFeatures *f = &cmd->def->features;

    if (f->has_smm && f->smm.tseg > 0 && !qemu_machine_is_q35(cmd->def->os.machine))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "<smm> of domain '%s' has a <tseg>, which only machines of type 'q35' have", cmd->def->name);
    if (f->ioapic_driver)
        g_string_append_printf(machine, ",kernel_irqchip=%s", f->ioapic_driver == FEATURE_IOAPIC_DRIVER_QEMU ? "split" : "on");
    if (f->has_vmport)
        g_string_append_printf(machine, ",vmport=%s", state_of(TRUE, f->vmport.state));
    if (f->has_ps2 && f->ps2.state)
        g_string_append_printf(machine, ",i8042=%s", on_off(f->ps2.state));
    if (f->has_smm)
        g_string_append_printf(machine, ",smm=%s", state_of(TRUE, f->smm.state));
    if (add_key_wrapping(cmd, machine) < 0 || add_platform(cmd, machine) < 0)
        return -1;
    g_string_append_printf(machine, ",dump-guest-core=%s", on_off(cmd->def->memory_dump_core ? cmd->def->memory_dump_core :
                                                                  cmd->conf->dump_guest_core == 1 ? TRISTATE_ON : TRISTATE_OFF));
    if (cmd->def->memory_backing && cmd->def->memory_backing->nosharepages)
        g_string_append(machine, ",mem-merge=off");
    if (qemu_has_nvdimm(cmd->def))
        g_string_append(machine, ",nvdimm=on");
    if (qemu_has_hmat(cmd->def))
        g_string_append(machine, ",hmat=on");
    qemu_machine_enclaves(cmd->def, machine);
    add_timers_and_acpi(cmd, machine);
    if (qemu_launch_object(cmd->def))
        g_string_append_printf(machine, ",confidential-guest-support=%s", qemu_launch_object(cmd->def));
    for (guint i = 0; i < cmd->def->devices.n_sounds; i++) {
        const DomainSound *sound = cmd->def->devices.sounds[i];
        g_autofree char *audio = sound->model == DOMAIN_SOUND_MODEL_PCSPK ? qemu_audio_id(cmd, sound->audio_id) : NULL;

        if (audio)
            g_string_append_printf(machine, ",pcspk-audiodev=%s", audio);
    }
    return 0;
}

/* Give the memory of a guest that ended back in the background: a process beside QEMU holds it until then. */
int qemu_command_teardown(QemuCommand *cmd)
{
    if (!cmd->def->features.has_async_teardown || cmd->def->features.async_teardown.enabled != TRISTATE_YES)
        return 0;
    if (qemu_caps_has_flag(cmd->caps, "option.run-with"))
        qemu_arg_f(cmd, "-run-with", "async-teardown=on");
    else if (cmd->caps->version >= QEMU_VERSION(7, 2, 0))
        qemu_arg(cmd, "-async-teardown");
    else
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "<async-teardown> of domain '%s' needs QEMU 7.2 or newer, and '%s' isn't", cmd->def->name,
                    cmd->caps->binary);
    return 0;
}
