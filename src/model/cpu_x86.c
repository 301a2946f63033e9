/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the names of x86 CPU models stand for, as the reference's release tells when it is asked for each model's features.
 */
#include "model/cpu_x86.h"
#include <string.h>

static const char feature_names[] =
    "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 pn clflush ds acpi mmx fxsr sse sse2 ss ht tm "
    "ia64 pbe pni pclmuldq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid fma cx16 xtpr pdcm pcid dca sse4.1 sse4.2 x2apic "
    "movbe popcnt tsc-deadline aes xsave osxsave avx f16c rdrand hypervisor arat fsgsbase tsc_adjust sgx bmi1 hle avx2 smep "
    "bmi2 erms invpcid rtm cmt mpx avx512f avx512dq rdseed adx smap avx512ifma pcommit clflushopt clwb intel-pt avx512pf "
    "avx512er avx512cd sha-ni avx512bw avx512vl avx512vbmi umip pku ospke waitpkg avx512vbmi2 gfni vaes vpclmulqdq "
    "avx512vnni avx512bitalg avx512-vpopcntdq la57 rdpid bus-lock-detect cldemote movdiri movdir64b sgxlc pks avx512-4vnniw "
    "avx512-4fmaps fsrm avx512-vp2intersect md-clear serialize tsx-ldtrk pconfig arch-lbr amx-bf16 avx512-fp16 amx-tile "
    "amx-int8 spec-ctrl stibp arch-capabilities core-capability ssbd avx-vnni avx512-bf16 xsaveopt xsavec xgetbv1 xsaves "
    "xfd mbm_total mbm_local sgx1 sgx2 sgx-exinfo sgx-debug sgx-mode64 sgx-provisionkey sgx-tokenkey sgx-kss intel-pt-lip "
    "syscall nx mmxext fxsr_opt pdpe1gb rdtscp lm 3dnowext 3dnow lahf_lm cmp_legacy svm extapic cr8legacy abm sse4a "
    "misalignsse 3dnowprefetch osvw ibs xop skinit wdt lwp fma4 tce cvt16 nodeid_msr tbm topoext perfctr_core perfctr_nb "
    "invtsc clzero xsaveerptr wbnoinvd ibpb ibrs amd-stibp amd-ssbd virt-ssbd amd-no-ssb npt lbrv svm-lock nrip-save "
    "tsc-scale vmcb-clean flushbyasid decodeassists pause-filter pfthreshold avic v-vmsave-vmload vgif svme-addr-chk "
    "rdctl-no ibrs-all rsba skip-l1dfl-vmentry ssb-no mds-no pschange-mc-no tsx-ctrl taa-no split-lock-detect";

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

static GStrv features;
static guint n_features;
static CpuModel models[G_N_ELEMENTS(rows)];

static void apply(CpuModel *model, const char *word)
{
    gboolean on = *word != '-';
    const char *name = word + (!on || *word == '!');
    for (guint i = 0; i < n_features; i++) {
        if (strcmp(features[i], name) != 0)
            continue;
        cpu_set_put(&model->all, i, on);
        if (*word != '!')
            cpu_set_put(&model->features, i, on);
        return;
    }
    g_error("the table of CPU models has an unknown feature '%s'", name);
}

static gpointer make(gpointer data)
{
    features = g_strsplit(feature_names, " ", -1);
    n_features = g_strv_length(features);
    g_assert(n_features <= CPU_SET_MAX);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (guint j = 0; rows[i].base && j < i; j++) {
            if (strcmp(models[j].name, rows[i].base) == 0)
                models[i] = models[j];
        }
        models[i].name = rows[i].name;
        models[i].vendor = rows[i].vendor;
        models[i].chosen = rows[i].chosen;
        g_auto(GStrv) words = g_strsplit(rows[i].features, " ", -1);
        for (guint w = 0; words[w]; w++) {
            if (*words[w])
                apply(&models[i], words[w]);
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

const char *const *cpu_x86_features(guint *n)
{
    g_once(&once, make, NULL);
    *n = n_features;
    return (const char *const *) features;
}
