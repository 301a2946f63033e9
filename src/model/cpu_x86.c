/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the names of x86 CPU models stand for, as the reference's release tells when it is asked for each model's features.
 */
#include "model/cpu_x86.h"
#include <string.h>

/* Where the processor tells a feature: bit by bit of one register of CPUID, or of a model-specific one. "N:" in front of a name
 * is its bit; without it comes the next one. Their order here is that in which features are told. */
static const struct { CpuWord word; const char *names; } words[] = {
    { { CPU_WORD_EDX, 1, 0 },
      "fpu vme de pse tsc msr pae mce cx8 apic 11:sep mtrr pge mca cmov pat pse36 pn clflush 21:ds acpi mmx fxsr sse sse2 ss ht tm "
      "ia64 pbe" },
    { { CPU_WORD_ECX, 1, 0 },
      "pni pclmuldq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid 12:fma cx16 xtpr pdcm 17:pcid dca sse4.1 sse4.2 x2apic movbe "
      "popcnt tsc-deadline aes xsave osxsave avx f16c rdrand hypervisor" },
    { { CPU_WORD_EAX, 6, 0 }, "2:arat" },
    { { CPU_WORD_EBX, 7, 0 },
      "fsgsbase tsc_adjust sgx bmi1 hle avx2 7:smep bmi2 erms invpcid rtm cmt 14:mpx 16:avx512f avx512dq rdseed adx smap avx512ifma "
      "pcommit clflushopt clwb intel-pt avx512pf avx512er avx512cd sha-ni avx512bw avx512vl" },
    { { CPU_WORD_ECX, 7, 0 },
      "1:avx512vbmi umip pku ospke waitpkg avx512vbmi2 8:gfni vaes vpclmulqdq avx512vnni avx512bitalg 14:avx512-vpopcntdq 16:la57 "
      "22:rdpid 24:bus-lock-detect cldemote 27:movdiri movdir64b 30:sgxlc pks" },
    { { CPU_WORD_EDX, 7, 0 },
      "2:avx512-4vnniw avx512-4fmaps fsrm 8:avx512-vp2intersect 10:md-clear 14:serialize 16:tsx-ldtrk 18:pconfig arch-lbr "
      "22:amx-bf16 avx512-fp16 amx-tile amx-int8 spec-ctrl stibp 29:arch-capabilities core-capability ssbd" },
    { { CPU_WORD_EAX, 7, 1 }, "4:avx-vnni avx512-bf16" },
    { { CPU_WORD_EAX, 0xd, 1 }, "xsaveopt xsavec xgetbv1 xsaves xfd" },
    { { CPU_WORD_EDX, 0xf, 1 }, "1:mbm_total mbm_local" },
    { { CPU_WORD_EAX, 0x12, 0 }, "sgx1 sgx2" },
    { { CPU_WORD_EBX, 0x12, 0 }, "sgx-exinfo" },
    { { CPU_WORD_EAX, 0x12, 1 }, "1:sgx-debug sgx-mode64 4:sgx-provisionkey sgx-tokenkey 7:sgx-kss" },
    { { CPU_WORD_ECX, 0x14, 0 }, "31:intel-pt-lip" },
    { { CPU_WORD_EDX, 0x80000001, 0 }, "11:syscall 20:nx 22:mmxext 25:fxsr_opt pdpe1gb rdtscp 29:lm 3dnowext 3dnow" },
    { { CPU_WORD_ECX, 0x80000001, 0 },
      "lahf_lm cmp_legacy svm extapic cr8legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt 15:lwp fma4 tce cvt16 "
      "nodeid_msr 21:tbm topoext perfctr_core perfctr_nb" },
    { { CPU_WORD_EDX, 0x80000007, 0 }, "8:invtsc" },
    { { CPU_WORD_EBX, 0x80000008, 0 },
      "clzero 2:xsaveerptr 9:wbnoinvd 12:ibpb 14:ibrs amd-stibp 24:amd-ssbd virt-ssbd amd-no-ssb" },
    { { CPU_WORD_EDX, 0x8000000a, 0 },
      "npt lbrv svm-lock nrip-save tsc-scale vmcb-clean flushbyasid decodeassists 10:pause-filter 12:pfthreshold avic "
      "15:v-vmsave-vmload vgif 28:svme-addr-chk" },
    { { CPU_WORD_MSR, 0x10a, 0 }, "rdctl-no ibrs-all rsba skip-l1dfl-vmentry ssb-no mds-no pschange-mc-no tsx-ctrl taa-no" },
    { { CPU_WORD_MSR, 0xcf, 0 }, "5:split-lock-detect" },
};

/* Features are told by what differs from another model: a word adds one, "-" takes one away, and with "!" only the
 * hypervisor's model of that name has it. */
static const struct { const char *name, *vendor, *base; gboolean chosen; const char *features; } rows[] = {
    { "486", NULL, NULL, TRUE, "fpu vme pse" },
    { "pentium", NULL, "486", TRUE, "de tsc msr mce cx8 mmx" },
    { "pentium2", NULL, "pentium", TRUE, "pae sep mtrr pge mca cmov pat pse36 fxsr" },
    { "pentium3", NULL, "pentium2", TRUE, "sse" },
    { "pentiumpro", NULL, "pentium3", TRUE, "apic sse2 -vme -mtrr -mca -pse36" },
    { "coreduo", "Intel", "pentiumpro", TRUE, "vme mtrr mca clflush pni monitor nx" },
    { "n270", "Intel", "coreduo", TRUE, "ssse3" },
    { "core2duo", "Intel", "n270", TRUE, "pse36 syscall lm" },
    { "qemu32", NULL, "pentiumpro", TRUE, "pni" },
    { "kvm32", NULL, "qemu32", TRUE, "mtrr mca pse36 clflush" },
    { "cpu64-rhel5", NULL, "kvm32", FALSE, "syscall nx lm" },
    { "cpu64-rhel6", NULL, "cpu64-rhel5", FALSE, "cx16 lahf_lm" },
    { "qemu64", NULL, "cpu64-rhel5", TRUE, "cx16 svm" },
    { "kvm64", NULL, "qemu64", TRUE, "-svm" },
    { "Conroe", "Intel", "cpu64-rhel6", TRUE, "ssse3 -cx16" },
    { "Penryn", "Intel", "Conroe", TRUE, "cx16 sse4.1" },
    { "Nehalem", "Intel", "Penryn", TRUE, "sse4.2 popcnt" },
    { "Nehalem-IBRS", "Intel", "Nehalem", TRUE, "spec-ctrl" },
    { "Westmere", "Intel", "Nehalem", TRUE, "aes" },
    { "Westmere-IBRS", "Intel", "Nehalem-IBRS", TRUE, "aes" },
    { "SandyBridge", "Intel", "Westmere", TRUE, "pclmuldq x2apic tsc-deadline xsave avx rdtscp" },
    { "SandyBridge-IBRS", "Intel", "SandyBridge", TRUE, "spec-ctrl" },
    { "IvyBridge", "Intel", "SandyBridge", TRUE, "vme f16c rdrand fsgsbase smep erms" },
    { "IvyBridge-IBRS", "Intel", "IvyBridge", TRUE, "spec-ctrl" },
    { "Haswell-noTSX", "Intel", "IvyBridge", TRUE, "fma pcid movbe bmi1 avx2 bmi2 invpcid -vme -f16c -rdrand" },
    { "Haswell-noTSX-IBRS", "Intel", "Haswell-noTSX", TRUE, "spec-ctrl" },
    { "Haswell", "Intel", "Haswell-noTSX", TRUE, "hle rtm" },
    { "Haswell-IBRS", "Intel", "Haswell-noTSX-IBRS", TRUE, "hle rtm" },
    { "Broadwell-noTSX", "Intel", "Haswell-noTSX", TRUE, "rdseed adx smap 3dnowprefetch" },
    { "Broadwell-noTSX-IBRS", "Intel", "Broadwell-noTSX", TRUE, "spec-ctrl" },
    { "Broadwell", "Intel", "Broadwell-noTSX", TRUE, "hle rtm" },
    { "Broadwell-IBRS", "Intel", "Broadwell-noTSX-IBRS", TRUE, "hle rtm" },
    { "Skylake-Client", "Intel", "Broadwell", TRUE, "vme f16c rdrand arat mpx xsaveopt xsavec xgetbv1 abm" },
    { "Skylake-Client-IBRS", "Intel", "Skylake-Client", TRUE, "spec-ctrl" },
    { "Skylake-Client-noTSX-IBRS", "Intel", "Skylake-Client-IBRS", FALSE, "-hle -rtm" },
    { "Skylake-Server", "Intel", "Skylake-Client", TRUE, "avx512f avx512dq clwb avx512cd avx512bw avx512vl pdpe1gb" },
    { "Skylake-Server-IBRS", "Intel", "Skylake-Server", TRUE, "spec-ctrl" },
    { "Skylake-Server-noTSX-IBRS", "Intel", "Skylake-Server-IBRS", FALSE, "-hle -rtm" },
    { "Cascadelake-Server", "Intel", "Skylake-Server-IBRS", TRUE, "clflushopt avx512vnni ssbd" },
    { "Cascadelake-Server-noTSX", "Intel", "Cascadelake-Server", FALSE, "-hle -rtm" },
    { "Icelake-Client", "Intel", "Skylake-Client-IBRS", TRUE,
      "avx512vbmi umip pku avx512vbmi2 gfni vaes vpclmulqdq avx512vnni avx512bitalg avx512-vpopcntdq ssbd wbnoinvd "
      "!intel-pt" },
    { "Icelake-Client-noTSX", "Intel", "Icelake-Client", FALSE, "-hle -rtm -intel-pt" },
    { "Icelake-Server", "Intel", "Icelake-Client", TRUE,
      "avx512f avx512dq clflushopt clwb avx512cd avx512bw avx512vl la57 pdpe1gb" },
    { "Icelake-Server-noTSX", "Intel", "Icelake-Server", FALSE, "-hle -rtm -intel-pt" },
    { "Cooperlake", "Intel", "Cascadelake-Server", TRUE,
      "pku stibp arch-capabilities avx512-bf16 rdctl-no ibrs-all skip-l1dfl-vmentry mds-no pschange-mc-no taa-no -mpx" },
    { "Snowridge", "Intel", "Skylake-Client-noTSX-IBRS", TRUE,
      "clflushopt clwb sha-ni umip gfni cldemote movdiri movdir64b arch-capabilities core-capability ssbd pdpe1gb "
      "split-lock-detect -fma -pcid -avx -f16c -bmi1 -avx2 -bmi2 -invpcid -mpx -adx -abm" },
    { "athlon", "AMD", "pentiumpro", TRUE, "vme mtrr pse36 mmxext 3dnowext 3dnow" },
    { "phenom", "AMD", "cpu64-rhel5", TRUE, "monitor mmxext fxsr_opt 3dnowext 3dnow svm" },
    { "Opteron_G1", "AMD", "cpu64-rhel5", TRUE, "" },
    { "Opteron_G2", "AMD", "cpu64-rhel6", TRUE, "rdtscp svm" },
    { "Opteron_G3", "AMD", "Opteron_G2", TRUE, "popcnt abm sse4a misalignsse !monitor" },
    { "Opteron_G4", "AMD", "SandyBridge", TRUE,
      "pdpe1gb svm abm sse4a misalignsse 3dnowprefetch xop fma4 -x2apic -tsc-deadline" },
    { "Opteron_G5", "AMD", "Opteron_G4", TRUE, "fma f16c tbm" },
    { "EPYC", "AMD", "Skylake-Client", TRUE,
      "clflushopt sha-ni mmxext fxsr_opt pdpe1gb svm cr8legacy sse4a misalignsse osvw !monitor -pcid -x2apic -tsc-deadline "
      "-hle -erms -invpcid -rtm -mpx" },
    { "EPYC-IBPB", "AMD", "EPYC", TRUE, "ibpb" },
    { "EPYC-Rome", "AMD", "EPYC-IBPB", TRUE,
      "clwb umip rdpid perfctr_core clzero xsaveerptr wbnoinvd amd-stibp npt nrip-save -monitor" },
    { "EPYC-Milan", "AMD", "EPYC-Rome", TRUE, "pcid erms invpcid pku fsrm xsaves ibrs amd-ssbd svme-addr-chk" },
    { "Dhyana", "Hygon", "EPYC-IBPB", TRUE, "-pclmuldq -aes -sha-ni" },
};

static char *features[CPU_SET_MAX + 1];
static struct { guint8 word, bit; } places[CPU_SET_MAX];
static guint n_features;
static CpuModel models[G_N_ELEMENTS(rows)];

static void make_features(void)
{
    for (guint w = 0; w < G_N_ELEMENTS(words); w++) {
        g_auto(GStrv) names = g_strsplit(words[w].names, " ", -1);
        guint bit = 0;
        for (guint i = 0; names[i]; i++, bit++) {
            const char *colon = strchr(names[i], ':');
            if (colon)
                bit = (guint) g_ascii_strtoull(names[i], NULL, 10);
            g_assert(n_features < CPU_SET_MAX && bit < 64);
            places[n_features].word = (guint8) w;
            places[n_features].bit = (guint8) bit;
            features[n_features++] = g_strdup(colon ? colon + 1 : names[i]);
        }
    }
}

static int find(const char *name)
{
    for (guint i = 0; i < n_features; i++) {
        if (strcmp(features[i], name) == 0)
            return (int) i;
    }
    return -1;
}

static void apply(CpuModel *model, const char *word)
{
    gboolean on = *word != '-';
    int feature = find(word + (!on || *word == '!'));
    if (feature < 0)
        g_error("the table of CPU models has an unknown feature in '%s'", word);
    cpu_set_put(&model->all, (guint) feature, on);
    if (*word != '!')
        cpu_set_put(&model->features, (guint) feature, on);
}

static gpointer make(gpointer data)
{
    make_features();
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (guint j = 0; rows[i].base && j < i; j++) {
            if (strcmp(models[j].name, rows[i].base) == 0)
                models[i] = models[j];
        }
        models[i].name = rows[i].name;
        models[i].vendor = rows[i].vendor;
        models[i].chosen = rows[i].chosen;
        g_auto(GStrv) parts = g_strsplit(rows[i].features, " ", -1);
        for (guint w = 0; parts[w]; w++) {
            if (*parts[w])
                apply(&models[i], parts[w]);
        }
    }
    return NULL;
}

static GOnce once = G_ONCE_INIT;

const CpuModel *cpu_x86_models(guint *n)
{
    g_once(&once, make, NULL);
    *n = G_N_ELEMENTS(models);
    return models;
}

const CpuModel *cpu_x86_model(const char *name)
{
    guint n;
    const CpuModel *all = cpu_x86_models(&n);
    for (guint i = 0; i < n; i++) {
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    }
    return NULL;
}

const char *const *cpu_x86_features(guint *n)
{
    g_once(&once, make, NULL);
    *n = n_features;
    return (const char *const *) features;
}

int cpu_x86_feature(const char *name)
{
    g_once(&once, make, NULL);
    return find(name);
}

const char *cpu_x86_vendor(const char *id)
{
    static const struct { const char *id, *name; } vendors[] = {
        { "GenuineIntel", "Intel" }, { "AuthenticAMD", "AMD" }, { "HygonGenuine", "Hygon" },
    };
    for (guint i = 0; id && i < G_N_ELEMENTS(vendors); i++) {
        if (strcmp(vendors[i].id, id) == 0)
            return vendors[i].name;
    }
    return NULL;
}

void cpu_x86_read(CpuSet *set, CpuWordReader read, void *opaque)
{
    guint64 values[G_N_ELEMENTS(words)] = { 0 };
    g_once(&once, make, NULL);
    for (guint w = 0; w < G_N_ELEMENTS(words); w++)
        values[w] = read(&words[w].word, opaque);
    memset(set, 0, sizeof(*set));
    for (guint i = 0; i < n_features; i++)
        cpu_set_put(set, i, values[places[i].word] >> places[i].bit & 1);
}

void cpu_x86_keep_guests(CpuSet *set, gboolean migratable, const CpuModel *model)
{
    /* Those of the host: its system's state, and counters that no guest is given. The last two can't move. */
    static const char *const names[] = { "osxsave", "ospke", "cmt", "mbm_total", "mbm_local", "invtsc", "xsaves" };
    CpuSet away = { 0 };
    for (guint i = 0; i < G_N_ELEMENTS(names) - (migratable ? 0 : 2); i++)
        cpu_set_put(&away, (guint) cpu_x86_feature(names[i]), TRUE);
    cpu_set_remove(&away, &model->features);
    cpu_set_remove(set, &away);
}
