/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the processor itself tells of its features.
 */
#include "core/host/host.h"
#include <fcntl.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

/* Model-specific registers are there only if a feature says so: asking for others is noted by the kernel. */
static const struct { guint32 number; const char *feature; } registers[] = {
    { 0x10a, "arch-capabilities" }, { 0xcf, "core-capability" },
};

static guint64 read_register(guint32 number)
{
    guint64 value = 0;
    int fd = open("/dev/cpu/0/msr", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0; /* the module isn't loaded, or we may not */
    if (pread(fd, &value, sizeof(value), number) != sizeof(value))
        value = 0;
    close(fd);
    return value;
}

/* @opaque: NULL, or the set of what is known so far; registers are read only with it. */
static guint64 read_word(const CpuWord *word, void *opaque)
{
    const CpuSet *known = opaque;
    guint regs[4] = { 0 };

    if (word->where != CPU_WORD_MSR)
        return __get_cpuid_count(word->leaf, word->subleaf, &regs[0], &regs[1], &regs[2], &regs[3]) ? regs[word->where] : 0;
    for (guint i = 0; known && i < G_N_ELEMENTS(registers); i++) {
        if (registers[i].number == word->leaf && cpu_set_has(known, cpu_x86_feature(registers[i].feature)))
            return read_register(word->leaf);
    }
    return 0;
}

gboolean host_x86_features(CpuSet *set)
{
    CpuSet by_cpuid;

    cpu_x86_read(&by_cpuid, read_word, NULL);
    cpu_x86_read(set, read_word, &by_cpuid);
    return TRUE;
}
#else
gboolean host_x86_features(CpuSet *set)
{
    return FALSE;
}
#endif
