/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * -cpu: model, features, enlightenments.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/command_priv.h"
#include "model/cpu.h"

static const QemuAccel *accel_of(const QemuCommand *cmd)
{
    return cmd->def->type == DOMAIN_VIRT_TYPE_KVM ? &cmd->caps->kvm : &cmd->caps->tcg;
}

static int add_custom_model(const QemuCommand *cmd, GString *out)
{
    const char *model = cmd->def->cpu->model;
    const QemuCpuModel *known = model ? qemu_caps_cpu(accel_of(cmd), model) : NULL;

    if (!model)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the CPU of domain '%s' names no model", cmd->def->name);
    if (!known && accel_of(cmd)->cpus->len > 0) {
        g_autofree char *hint = qemu_caps_cpu_hint(accel_of(cmd), model);

        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain.cpu.model: '%s' has no CPU model '%s' (see 'virsh domcapabilities')%s",
                    cmd->caps->binary, model, hint);
    }
    g_string_append(out, model);
    return 0;
}

static int add_model(const QemuCommand *cmd, GString *out)
{
    const DomainCpu *cpu = cmd->def->cpu;
    gboolean kvm = cmd->def->type == DOMAIN_VIRT_TYPE_KVM;

    switch (cpu->mode) {
    case CPU_MODE_HOST_PASSTHROUGH:
        if (!kvm)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "CPU mode 'host-passthrough' of domain '%s' needs type='kvm'; use mode "
                        "'maximum'", cmd->def->name);
        g_string_append(out, "host");
        break;
    case CPU_MODE_HOST_MODEL:
        if (!kvm && cpu_arch(cmd->caps->arch) != CPU_ARCH_X86)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "CPU mode 'host-model' of domain '%s' needs type='kvm' for '%s'; name a model",
                        cmd->def->name, cmd->caps->arch);
        /* What the host can give, where nobody could tell what that is. */
        g_string_append(out, kvm ? "host" : "max");
        break;
    case CPU_MODE_MAXIMUM:
        g_string_append(out, "max");
        break;
    default:
        return add_custom_model(cmd, out);
    }
    if ((kvm || cpu->mode == CPU_MODE_MAXIMUM) && cpu->migratable != TRISTATE_UNSET)
        g_string_append_printf(out, ",migratable=%s", cpu->migratable == TRISTATE_ON ? "on" : "off");
    return 0;
}

static int add_feature(const QemuCommand *cmd, GString *out, const CpuFeature *feature)
{
    const char *state;

    switch (feature->policy) {
    case CPU_FEATURE_POLICY_DISABLE:
    case CPU_FEATURE_POLICY_FORBID:
        state = "off";
        break;
    case CPU_FEATURE_POLICY_OPTIONAL:
        /* Only if it is there. */
        if (!json_member_bool(accel_of(cmd)->max_cpu, feature->name, FALSE))
            return 0;
        state = "on";
        break;
    default:
        state = "on";
    }
    if (strpbrk(feature->name, ",="))
        return FAIL(VIR_ERR_XML_ERROR, "CPU feature '%s' is not a name", feature->name);
    g_autofree char *name = g_strdelimit(g_strdup(feature->name), "_", '-'); /* as QEMU writes them */
    g_string_append_printf(out, ",%s=%s", name, state);
    return 0;
}

static int add_hyperv(const QemuCommand *cmd, GString *out)
{
    const FeatureHyperv *hv = cmd->def->features.hyperv;
    const struct {
        Tristate state;
        const char *prop;
    } switches[] = {
        { hv->relaxed, "relaxed" }, { hv->vapic, "vapic" }, { hv->vpindex, "vpindex" }, { hv->runtime, "runtime" },
        { hv->synic, "synic" }, { hv->stimer.state, "stimer" }, { hv->reset, "reset" },
        { hv->frequencies, "frequencies" }, { hv->reenlightenment, "reenlightenment" }, { hv->tlbflush.state, "tlbflush" },
        { hv->ipi, "ipi" }, { hv->evmcs, "evmcs" }, { hv->avic, "avic" }, { hv->emsr_bitmap, "emsr-bitmap" },
        { hv->xmm_input, "xmm-input" },
    };

    if (hv->mode == FEATURE_HYPERV_MODE_HOST_MODEL)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "<hyperv> of domain '%s' has mode='host-model', which the QEMU driver can't start yet; "
                    "mode='passthrough' is near it", cmd->def->name);
    if (hv->mode == FEATURE_HYPERV_MODE_PASSTHROUGH)
        g_string_append(out, ",hv-passthrough=on");
    for (guint i = 0; i < G_N_ELEMENTS(switches); i++) {
        if (switches[i].state == TRISTATE_ON)
            g_string_append_printf(out, ",hv-%s=on", switches[i].prop);
    }
    if (hv->stimer.direct == TRISTATE_ON)
        g_string_append(out, ",hv-stimer-direct=on");
    if (hv->spinlocks.state == TRISTATE_ON)
        g_string_append_printf(out, ",hv-spinlocks=0x%x", hv->spinlocks.retries);
    if (hv->vendor_id.state == TRISTATE_ON && hv->vendor_id.value) {
        g_string_append(out, ",hv-vendor-id=");
        qemu_escape(out, hv->vendor_id.value);
    }
    return 0;
}

static void add_kvm(const QemuCommand *cmd, GString *out)
{
    const FeatureKvm *kvm = cmd->def->features.kvm;

    if (kvm->hidden == TRISTATE_ON)
        g_string_append(out, ",kvm=off");
    if (kvm->hint_dedicated == TRISTATE_ON)
        g_string_append(out, ",kvm-hint-dedicated=on");
    if (kvm->poll_control == TRISTATE_ON)
        g_string_append(out, ",kvm-poll-control=on");
    if (kvm->pv_ipi == TRISTATE_OFF)
        g_string_append(out, ",kvm-pv-ipi=off");
}

static void add_timers(const QemuCommand *cmd, GString *out)
{
    const DomainClock *clock = &cmd->def->clock;

    for (guint i = 0; i < clock->n_timers; i++) {
        const DomainTimer *timer = clock->timers[i];

        if (timer->name == DOMAIN_TIMER_NAME_KVMCLOCK && timer->present != TRISTATE_UNSET)
            g_string_append_printf(out, ",kvmclock=%s", timer->present == TRISTATE_YES ? "on" : "off");
        else if (timer->name == DOMAIN_TIMER_NAME_HYPERVCLOCK && timer->present == TRISTATE_YES)
            g_string_append(out, ",hv-time=on");
        else if (timer->name == DOMAIN_TIMER_NAME_TSC && timer->frequency)
            g_string_append_printf(out, ",tsc-frequency=%" G_GUINT64_FORMAT, timer->frequency);
        else if (timer->name == DOMAIN_TIMER_NAME_ARMVTIMER && timer->tickpolicy != DOMAIN_TIMER_TICKPOLICY_UNSET)
            g_string_append_printf(out, ",kvm-no-adjvtime=%s", timer->tickpolicy == DOMAIN_TIMER_TICKPOLICY_DISCARD ? "on" : "off");
    }
}

static int add_cpu_details(const QemuCommand *cmd, GString *out)
{
    const DomainCpu *cpu = cmd->def->cpu;
    /* Named models don't have the host's caches anyway. */
    const char *no_host_cache = cpu->mode == CPU_MODE_HOST_PASSTHROUGH || cpu->mode == CPU_MODE_MAXIMUM ? ",host-cache-info=off" : "";

    for (guint i = 0; i < cpu->n_features; i++) {
        if (add_feature(cmd, out, cpu->features[i]) < 0)
            return -1;
    }
    if (cpu->cache.mode == CPU_CACHE_MODE_EMULATE && cpu->cache.level == 3)
        g_string_append_printf(out, "%s,l3-cache=on", no_host_cache);
    else if (cpu->cache.mode == CPU_CACHE_MODE_PASSTHROUGH)
        g_string_append(out, ",host-cache-info=on");
    else if (cpu->cache.mode == CPU_CACHE_MODE_DISABLE)
        g_string_append_printf(out, "%s,l3-cache=off", no_host_cache);
    if (cpu->maxphysaddr.mode == CPU_MAXPHYSADDR_MODE_PASSTHROUGH)
        g_string_append(out, ",host-phys-bits=on");
    else if (cpu->maxphysaddr.mode == CPU_MAXPHYSADDR_MODE_EMULATE && cpu->maxphysaddr.bits)
        g_string_append_printf(out, ",phys-bits=%u", cpu->maxphysaddr.bits);
    return 0;
}

int qemu_command_cpu(QemuCommand *cmd)
{
    const DomainDef *def = cmd->def;
    gboolean given = def->cpu && (def->cpu->model || (def->cpu->mode && def->cpu->mode != CPU_MODE_CUSTOM));
    g_autoptr(GString) out = g_string_new(NULL);
    gsize bare;

    if (given && add_model(cmd, out) < 0)
        return -1;
    if (!given && cmd->machine->default_cpu)
        g_string_append(out, cmd->machine->default_cpu);
    bare = out->len;
    if (def->cpu && add_cpu_details(cmd, out) < 0)
        return -1;
    add_timers(cmd, out);
    if (def->features.has_apic && def->features.apic.eoi)
        g_string_append_printf(out, ",kvm-pv-eoi=%s", def->features.apic.eoi == TRISTATE_ON ? "on" : "off");
    if (def->features.has_pmu && def->features.pmu.state)
        g_string_append_printf(out, ",pmu=%s", def->features.pmu.state == TRISTATE_ON ? "on" : "off");
    if (def->features.has_pvspinlock && def->features.pvspinlock.state)
        g_string_append_printf(out, ",kvm-pv-unhalt=%s", def->features.pvspinlock.state == TRISTATE_ON ? "on" : "off");
    if (def->features.hyperv && add_hyperv(cmd, out) < 0)
        return -1;
    for (guint i = 0; i < def->devices.n_panics; i++)
        g_string_append(out, def->devices.panics[i]->model == DOMAIN_PANIC_MODEL_HYPERV ? ",hv-crash=on" : "");
    if (def->features.kvm)
        add_kvm(cmd, out);
    if (bare == 0 && out->len > 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "machine '%s' has no default CPU; name a model in <cpu>", cmd->machine->name);
    if (out->len > 0)
        qemu_arg_f(cmd, "-cpu", "%s", out->str);
    return 0;
}
