/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * CPU models by name, without asking a hypervisor: what architectures have names for, the CPU that several hosts share, and
 * whether a host has what a CPU needs.
 */
#pragma once
#include <glib.h>
#include "model/cpu_x86.h"

/** What is known of an architecture's models. */
typedef enum {
    CPU_ARCH_NONE,     /**< There is no such architecture. */
    CPU_ARCH_X86,      /**< Models, vendors and features (cpu_x86.h). */
    CPU_ARCH_PPC,      /**< Models and vendors. */
    CPU_ARCH_ANY,      /**< Nothing: any name will do. */
    CPU_ARCH_OF_HOST,  /**< The hypervisor alone knows. */
    CPU_ARCH_NO_NAMES, /**< Nobody. */
} CpuArch;

CpuArch cpu_arch(const char *arch);

typedef struct CpuPpcModel { const char *name, *vendor; } CpuPpcModel;

/** Model of PowerPC by name; NULL if there is none. */
const CpuPpcModel *cpu_ppc_model(const char *name);

/** Names of the CPU models of @arch, oldest first; an empty list: any name will do. NULL-terminated, to be freed with
 * g_strfreev(). NULL with VIR_ERR_INVALID_ARG of @domain (no such architecture) or VIR_ERR_NO_SUPPORT (its models are not
 * known). */
char **cpu_model_names(const char *arch, int domain);

/** The best CPU that all hosts can offer whose <cpu> documents are given: text of a <cpu> element for a guest, caller frees.
 * @flags: virConnectBaselineCPUFlags. NULL with an error: VIR_ERR_XML_ERROR and
 * VIR_ERR_CONFIG_UNSUPPORTED for a document, VIR_ERR_INTERNAL_ERROR for a model or feature that nobody knows,
 * VIR_ERR_OPERATION_FAILED for CPUs that don't go together, VIR_ERR_NO_SUPPORT for the architecture of the first. */
char *cpu_baseline(const char *const *documents, guint n, unsigned flags);

/** What a hypervisor has of x86 models. */
typedef struct CpuHypervisor {
    CpuModelFilter model; /**< Whether it has one, and what that can't have on this host. */
    void *opaque;
} CpuHypervisor;

/** The same for the CPUs of @hypervisor on an x86 host; guests' documents will do, too. Also VIR_ERR_INVALID_ARG for one that names no
 * model. */
char *cpu_baseline_hypervisor(const char *const *documents, guint n, unsigned flags, const CpuHypervisor *hypervisor);

/** An x86 processor. */
typedef struct CpuHost {
    CpuSet set;
    const char *vendor; /**< NULL: nobody in particular. */
} CpuHost;

/** Compare the CPU of @document, a host's or a guest's, with @host. @arch: of the host; @cpu: NULL if it isn't x86 (then only
 * another architecture can be told from it). @flags: virConnectCompareCPUFlags. Returns virCPUCompareResult; VIR_CPU_COMPARE_ERROR with an
 * error: as cpu_baseline() for the document, VIR_ERR_CPU_INCOMPATIBLE if the flags want it, VIR_ERR_NO_SUPPORT. */
int cpu_compare(const char *arch, const CpuHost *cpu, const char *document, unsigned flags);
