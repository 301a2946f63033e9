/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls about processors: what models there are, whether this host or its QEMU has what one needs, what several have in common.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "core/driver.h"
#include "core/host/host.h"
#include "drivers/qemu/cpu.h"
#include "drivers/qemu/driver.h"
#include "drivers/qemu/target.h"
#include "model/cpu.h"

#define COMPARE_FLAGS (VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE | VIR_CONNECT_COMPARE_CPU_VALIDATE_XML)
#define BASELINE_FLAGS (VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES | VIR_CONNECT_BASELINE_CPU_MIGRATABLE)

static int get_cpu_model_names(virConnectPtr conn, const char *arch, char ***models, unsigned int flags)
{
    g_auto(GStrv) names = NULL;
    int n;

    QEMU_CHECK_FLAGS(flags, 0, -1);
    names = cpu_model_names(arch, ERROR_DOMAIN);
    if (!names)
        return -1;
    n = g_strv_length(names);
    if (models)
        *models = g_steal_pointer(&names);
    return n;
}

static int compare_cpu(virConnectPtr conn, const char *xml, unsigned int flags)
{
    g_autoptr(HostProcessor) processor = host_processor_read();
    CpuHost host = { .vendor = processor->vendor };

    QEMU_CHECK_FLAGS(flags, COMPARE_FLAGS, VIR_CPU_COMPARE_ERROR);
    return cpu_compare(processor->arch ? processor->arch : "", host_x86_features(&host.set) ? &host : NULL, xml, flags);
}

static char *baseline_cpu(virConnectPtr conn, const char **documents, unsigned int n, unsigned int flags)
{
    QEMU_CHECK_FLAGS(flags, BASELINE_FLAGS, NULL);
    return cpu_baseline(documents, n, flags);
}

static int check_x86(const ClaimTarget *target, const char *what)
{
    if (cpu_arch(target->arch) == CPU_ARCH_X86)
        return 0;
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "%s the hypervisor's CPUs is not supported for architecture '%s'", what, target->arch);
}

static int compare_hypervisor_cpu(virConnectPtr conn, const char *emulator, const char *arch, const char *machine, const char *type,
                                  const char *xml, unsigned int flags)
{
    g_autoptr(QemuCaps) caps = NULL;
    ClaimTarget target;
    CpuHost host;

    QEMU_CHECK_FLAGS(flags, COMPARE_FLAGS, VIR_CPU_COMPARE_ERROR);
    caps = qemu_target_find(qemu_driver_of(conn)->caps, emulator, arch, machine, type, &target);
    if (!caps || check_x86(&target, "comparing with") < 0)
        return VIR_CPU_COMPARE_ERROR;
    if (!qemu_cpu_fullest(qemu_target_accel(&target), &host.set, &host.vendor))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "emulator '%s' doesn't tell what its CPUs have", caps->binary);
    return cpu_compare(target.arch, &host, xml, flags);
}

/* What QEMU has of a model; @opaque: QemuAccel. */
static gboolean has_model(const char *name, CpuSet *lacks, void *opaque)
{
    const QemuCpuModel *model = qemu_caps_cpu(opaque, name);

    memset(lacks, 0, sizeof(*lacks));
    for (guint i = 0; model && model->blockers[i]; i++) {
        int feature = cpu_x86_feature(qemu_cpu_feature_name(model->blockers[i]));

        if (feature >= 0)
            cpu_set_put(lacks, feature, TRUE);
    }
    return model != NULL;
}

static char *baseline_hypervisor_cpu(virConnectPtr conn, const char *emulator, const char *arch, const char *machine, const char *type,
                                     const char **documents, unsigned int n, unsigned int flags)
{
    g_autoptr(QemuCaps) caps = NULL;
    ClaimTarget target;
    CpuHypervisor hypervisor = { .model = has_model };

    QEMU_CHECK_FLAGS(flags, BASELINE_FLAGS, NULL);
    caps = qemu_target_find(qemu_driver_of(conn)->caps, emulator, arch, machine, type, &target);
    if (!caps || check_x86(&target, "computing the baseline of") < 0)
        return NULL;
    hypervisor.opaque = (void *)qemu_target_accel(&target);
    return cpu_baseline_hypervisor(documents, n, flags, &hypervisor);
}

void qemu_driver_fill_cpu(HypervisorDriver *driver)
{
    driver->connect_get_cpu_model_names = get_cpu_model_names;
    driver->connect_compare_cpu = compare_cpu;
    driver->connect_baseline_cpu = baseline_cpu;
    driver->connect_compare_hypervisor_cpu = compare_hypervisor_cpu;
    driver->connect_baseline_hypervisor_cpu = baseline_hypervisor_cpu;
}
