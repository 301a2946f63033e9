/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/target.h"
#include <string.h>
#include <sys/utsname.h>
#include "base/error.h"
#include "model/domain.h"

const QemuAccel *qemu_target_accel(const ClaimTarget *target)
{
    return target->kvm ? &target->caps->kvm : &target->caps->tcg;
}

static int resolve_machine(ClaimTarget *target, const char *machine)
{
    target->machine = qemu_caps_machine(target->caps, machine);
    if (!target->machine && !machine && target->caps->machines->len > 0)
        target->machine = g_ptr_array_index(target->caps->machines, 0);
    if (target->machine)
        return 0;
    return FAIL(VIR_ERR_INVALID_ARG, "the machine '%s' is not supported by emulator '%s'", machine ? machine : "", target->caps->binary);
}

static int resolve_type(ClaimTarget *target, const char *type)
{
    const QemuCaps *caps = target->caps;

    if (type && !domain_virt_type_from_string(type))
        return FAIL(VIR_ERR_INVALID_ARG, "unknown virttype: %s", type);
    target->kvm = type ? g_str_equal(type, "kvm") : caps->kvm.available;
    if (type && !target->kvm && !g_str_equal(type, "qemu"))
        return FAIL(VIR_ERR_INVALID_ARG, "emulator '%s' doesn't run domains of type '%s'", caps->binary, type);
    if (!qemu_target_accel(target)->available)
        return FAIL(VIR_ERR_INVALID_ARG, "the accelerator '%s' is not supported by emulator '%s' on this host",
                    target->kvm ? "kvm" : "tcg", caps->binary);
    return 0;
}

/* Whether the emulator runs guests of @arch: its own, and those of 32 bits on a processor that has them. */
static gboolean runs_arch(const QemuCaps *caps, const char *arch)
{
    return g_str_equal(arch, caps->arch) || (g_str_equal(caps->arch, "x86_64") && g_str_equal(arch, "i686")) ||
        g_strcmp0(qemu_arch_to_target(arch), caps->target) == 0;
}

/* The name of a known architecture, as long as the program lives. */
static const char *lasting_arch(const char *arch)
{
    const char *const *names = qemu_arch_names();

    while (!g_str_equal(*names, arch))
        names++;
    return *names;
}

QemuCaps *qemu_target_find(QemuCapsStore *store, const char *emulator, const char *arch, const char *machine, const char *virt_type,
                           ClaimTarget *target)
{
    g_autofree char *found = NULL;
    g_autoptr(QemuCaps) caps = NULL;
    struct utsname uts;

    if (arch && !qemu_arch_to_target(arch))
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "unknown architecture: %s", arch);
    if (!arch && !emulator)
        arch = uname(&uts) == 0 && qemu_arch_to_target(uts.machine) ? uts.machine : "x86_64";
    if (!emulator)
        emulator = found = qemu_find_emulator(arch);
    if (!emulator)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "unable to find any emulator to serve '%s' architecture", arch);
    caps = qemu_caps_store_get(store, emulator);
    if (!caps)
        return NULL;
    if (arch && !runs_arch(caps, arch))
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "emulator '%s' runs guests of architecture '%s', not '%s'", emulator, caps->arch, arch);
    *target = (ClaimTarget){ .caps = caps, .arch = arch ? lasting_arch(arch) : caps->arch };
    if (resolve_machine(target, machine) < 0 || resolve_type(target, virt_type) < 0)
        return NULL;
    return g_steal_pointer(&caps);
}
