/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_CPU
#include "model/cpu.h"
#include <string.h>
#include "base/error.h"
#include "model/cpu_x86.h"

/* Of which architectures models have names, and whether any will do (CPU_ARCH_OF_HOST: the hypervisor alone knows them). */
static const struct { CpuArch kind; const char *archs; } archs[] = {
    { CPU_ARCH_X86, "i686 x86_64" },
    { CPU_ARCH_PPC, "ppc64 ppc64le" },
    { CPU_ARCH_ANY, "aarch64 armv6l armv7l armv7b" },
    { CPU_ARCH_OF_HOST, "s390 s390x" },
    { CPU_ARCH_NO_NAMES, "alpha cris ia64 lm32 m68k microblaze microblazeel mips mips64 mips64el mipsel or32 parisc parisc64 ppc "
      "ppcemb riscv32 riscv64 sh4 sh4eb sparc sparc64 unicore32 xtensa xtensaeb" },
};

static gboolean has_word(const char *words, const char *word)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);
    return *word && g_strv_contains((const char *const *) list, word);
}

CpuArch cpu_arch(const char *arch)
{
    for (guint i = 0; i < G_N_ELEMENTS(archs); i++) {
        if (has_word(archs[i].archs, arch))
            return archs[i].kind;
    }
    return CPU_ARCH_NONE;
}

static const CpuPpcModel ppc_models[] = {
    { "POWER6", "IBM" }, { "POWER7", "IBM" }, { "POWER8", "IBM" }, { "POWER9", "IBM" }, { "POWER10", "IBM" },
    { "POWERPC_e5500", "Freescale" }, { "POWERPC_e6500", "Freescale" },
};

char **cpu_model_names(const char *arch, int domain)
{
    g_autoptr(GStrvBuilder) list = g_strv_builder_new();
    guint n = 0;
    const CpuModel *x86 = cpu_x86_models(&n);
    switch (cpu_arch(arch)) {
    case CPU_ARCH_X86:
        for (guint i = 0; i < n; i++)
            g_strv_builder_add(list, x86[i].name);
        break;
    case CPU_ARCH_PPC:
        for (guint i = 0; i < G_N_ELEMENTS(ppc_models); i++)
            g_strv_builder_add(list, ppc_models[i].name);
        break;
    case CPU_ARCH_NO_NAMES:
        return FAIL_NULL(VIR_ERR_NO_SUPPORT, "CPU models of architecture '%s' are not known", arch);
    case CPU_ARCH_ANY: case CPU_ARCH_OF_HOST:
        break;
    default:
        error_report(domain, VIR_ERR_INVALID_ARG, "cannot find architecture %s", arch);
        return NULL;
    }
    return g_strv_builder_end(list);
}

const CpuPpcModel *cpu_ppc_model(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(ppc_models); i++) {
        if (strcmp(ppc_models[i].name, name) == 0)
            return &ppc_models[i];
    }
    return NULL;
}
