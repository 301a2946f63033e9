/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What CPUs share. The expected answers are the reference's.
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>
#include "base/error.h"
#include "model/cpu.h"

#define CPU(rest) "<cpu><arch>x86_64</arch>" rest "</cpu>"
#define GUEST(rest) "<cpu mode='custom' match='exact'>\n" rest "</cpu>\n"
#define ON(name) "  <feature policy='require' name='" name "'/>\n"
#define OFF(name) "  <feature policy='disable' name='" name "'/>\n"

static void expect(const char *wanted, gboolean expand, const char *one, const char *two)
{
    const char *cpus[] = { one, two };
    g_autofree char *got = cpu_baseline(cpus, two ? 2 : 1, expand ? VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES : 0);
    g_assert_cmpstr(got, ==, wanted);
}

static void refuse(int code, const char *one, const char *two)
{
    const char *cpus[] = { one, two };
    g_assert_null(cpu_baseline(cpus, two ? 2 : 1, 0));
    g_assert_cmpint(virGetLastErrorCode(), ==, code);
    g_assert_cmpint(virGetLastErrorDomain(), ==, VIR_FROM_CPU);
    virResetLastError();
}

static void test_one(void)
{
    expect(GUEST("  <model fallback='forbid'>Penryn</model>\n  <vendor>Intel</vendor>\n" ON("ht") ON("vmx")), FALSE,
           CPU("<model>Penryn</model><vendor>Intel</vendor><feature name='vmx'/><feature name='ht' policy='disable'/>"), NULL);
    expect(GUEST("  <model fallback='forbid'>486</model>\n" ON("fpu") ON("pse") ON("sse") ON("vme")), TRUE,
           CPU("<model>486</model><feature name='sse'/>"), NULL);
    /* a name that stands for a model without some of its features */
    expect(GUEST("  <model fallback='allow'>Skylake-Client-IBRS</model>\n" OFF("hle") OFF("rtm")), FALSE,
           CPU("<model>Skylake-Client-noTSX-IBRS</model>"), NULL);
    /* another vendor's */
    expect(GUEST("  <model fallback='allow'>kvm64</model>\n  <vendor>AMD</vendor>\n" ON("ssse3") ON("sse4.1") ON("lahf_lm")),
           FALSE, CPU("<model>Penryn</model><vendor>AMD</vendor>"), NULL);
}

static void test_two(void)
{
    expect(GUEST("  <model fallback='allow'>Penryn</model>\n" ON("ht")), FALSE,
           CPU("<model>Haswell</model><feature name='ht'/>"), CPU("<model>Penryn</model><feature name='ht'/>"));
    expect(GUEST("  <model fallback='allow'>Penryn</model>\n  <vendor>Intel</vendor>\n"), FALSE,
           CPU("<model>Nehalem</model><vendor>Intel</vendor>"), CPU("<model>Penryn</model><vendor>Intel</vendor>"));
    expect(GUEST("  <model fallback='allow'>Penryn</model>\n"), FALSE, /* not all say whose they are */
           CPU("<model>Nehalem</model><vendor>Intel</vendor>"), CPU("<model>Penryn</model>"));
    /* what only the hypervisor's model has is said last */
    expect(GUEST("  <model fallback='allow'>EPYC</model>\n" OFF("pclmuldq") OFF("aes") OFF("sha-ni") OFF("monitor")), FALSE,
           CPU("<model>Dhyana</model>"), CPU("<model>EPYC</model>"));
    refuse(VIR_ERR_OPERATION_FAILED, CPU("<model>EPYC</model><vendor>AMD</vendor>"), CPU("<model>Haswell</model>"));
    refuse(VIR_ERR_OPERATION_FAILED, CPU("<model>Haswell</model>"), CPU("<model>EPYC</model><vendor>Intel</vendor>"));
    refuse(VIR_ERR_INTERNAL_ERROR, CPU("<model>Haswell</model>"), "<cpu><arch>ppc64</arch><model>POWER8</model></cpu>");
}

static void test_other_architectures(void)
{
    static const char power[] = "<cpu><arch>ppc64le</arch><model>POWER8</model><vendor>IBM</vendor></cpu>";
    expect(GUEST("  <model fallback='forbid'>POWER8</model>\n"), TRUE, power, power);
    refuse(VIR_ERR_OPERATION_FAILED, power, "<cpu><arch>ppc64le</arch><model>POWER9</model></cpu>");
    refuse(VIR_ERR_OPERATION_FAILED, "<cpu><arch>ppc64</arch><model>POWERPC_e5500</model><vendor>IBM</vendor></cpu>", NULL);
    refuse(VIR_ERR_INTERNAL_ERROR, "<cpu><arch>ppc64</arch><model>no</model></cpu>", NULL);
    expect(GUEST("  <model fallback='allow'>a&amp;b</model>\n"), FALSE, "<cpu><arch>aarch64</arch><model>a&amp;b</model></cpu>", NULL);
    refuse(VIR_ERR_NO_SUPPORT, "<cpu><arch>s390x</arch><model>z13</model></cpu>", NULL);
    refuse(VIR_ERR_NO_SUPPORT, "<cpu><arch>mips</arch><model>x</model></cpu>", NULL);
}

static void test_documents(void)
{
    g_assert_null(cpu_baseline(NULL, 0, 0));
    g_assert_cmpint(virGetLastErrorCode(), ==, VIR_ERR_INVALID_ARG);
    refuse(VIR_ERR_INVALID_ARG, NULL, NULL);
    refuse(VIR_ERR_XML_DETAIL, "junk", NULL);
    refuse(VIR_ERR_XML_ERROR, "<domain/>", NULL);
    refuse(VIR_ERR_CONFIG_UNSUPPORTED, "<cpu mode='custom'><model>Penryn</model></cpu>", NULL);
    refuse(VIR_ERR_XML_ERROR, "<cpu/>", NULL);
    refuse(VIR_ERR_CONFIG_UNSUPPORTED, "<cpu><arch>nosuch</arch><model>x</model></cpu>", NULL);
    refuse(VIR_ERR_XML_ERROR, CPU("<model/>"), NULL);
    refuse(VIR_ERR_INTERNAL_ERROR, CPU("<model>nosuch</model>"), NULL);
    refuse(VIR_ERR_OPERATION_FAILED, CPU("<model>Penryn</model><vendor>Foo</vendor>"), NULL);
    refuse(VIR_ERR_INTERNAL_ERROR, CPU("<model>Penryn</model><feature name='nosuch'/>"), NULL);
    refuse(VIR_ERR_XML_ERROR, CPU("<model>Penryn</model><feature/>"), NULL);
    refuse(VIR_ERR_XML_ERROR, CPU("<model>Penryn</model><feature name=''/>"), NULL);
    refuse(VIR_ERR_XML_ERROR, CPU("<model>Penryn</model><feature name='vmx'/><feature name='vmx'/>"), NULL);
}

static void test_names(void)
{
    g_auto(GStrv) x86 = cpu_model_names("x86_64", VIR_FROM_TEST), arm = cpu_model_names("aarch64", VIR_FROM_TEST);
    g_assert_true(g_strv_contains((const char *const *) x86, "Skylake-Client-noTSX-IBRS"));
    g_assert_cmpuint(g_strv_length(arm), ==, 0);
    g_assert_null(cpu_model_names("mips", VIR_FROM_TEST));
    g_assert_cmpint(virGetLastErrorCode(), ==, VIR_ERR_NO_SUPPORT);
    g_assert_null(cpu_model_names("", VIR_FROM_TEST));
    g_assert_cmpint(virGetLastErrorCode(), ==, VIR_ERR_INVALID_ARG);
    g_assert_cmpint(virGetLastErrorDomain(), ==, VIR_FROM_TEST);
    for (guint i = 0; x86[i]; i++) { /* each stands for something */
        g_autofree char *xml = g_strdup_printf("<cpu><arch>i686</arch><model>%s</model></cpu>", x86[i]);
        const char *cpus[] = { xml, xml };
        g_autofree char *got = cpu_baseline(cpus, 2, VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES);
        g_assert_nonnull(strstr(got, "policy='require'"));
    }
}

static CpuHost host_with(const char *model, const char *more)
{
    CpuHost host = { .set = cpu_x86_model(model)->features, .vendor = "Intel" };
    cpu_set_put(&host.set, (guint) cpu_x86_feature(more), TRUE);
    return host;
}

/* What a Penryn with avx is to a CPU. */
static void compare(int wanted, int error, unsigned flags, const char *document)
{
    CpuHost host = host_with("Penryn", "avx");
    virResetLastError();
    g_assert_cmpint(cpu_compare("x86_64", &host, document, flags), ==, wanted);
    g_assert_cmpint(virGetLastErrorCode(), ==, error);
}

#define MATCH(match, rest) "<cpu match='" match "'><model>Penryn</model>" rest "</cpu>"
#define FAIL_FLAG VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE

static void test_compare(void)
{
    compare(VIR_CPU_COMPARE_SUPERSET, 0, 0, CPU("<model>Penryn</model>"));
    compare(VIR_CPU_COMPARE_IDENTICAL, 0, 0, CPU("<model>Penryn</model><feature name='avx'/>"));
    compare(VIR_CPU_COMPARE_INCOMPATIBLE, 0, 0, CPU("<model>Nehalem</model>"));
    compare(VIR_CPU_COMPARE_ERROR, VIR_ERR_CPU_INCOMPATIBLE, FAIL_FLAG, CPU("<model>Nehalem</model>"));
    compare(VIR_CPU_COMPARE_ERROR, VIR_ERR_CPU_INCOMPATIBLE, FAIL_FLAG, CPU("<model>Penryn</model><vendor>AMD</vendor>"));
    compare(VIR_CPU_COMPARE_ERROR, VIR_ERR_CPU_INCOMPATIBLE, FAIL_FLAG, "<cpu><arch>aarch64</arch><model>x</model></cpu>");
    compare(VIR_CPU_COMPARE_INCOMPATIBLE, 0, 0, MATCH("strict", ""));
    compare(VIR_CPU_COMPARE_IDENTICAL, 0, 0, MATCH("strict", "<feature name='avx' policy='optional'/>"));
    compare(VIR_CPU_COMPARE_INCOMPATIBLE, 0, 0, MATCH("exact", "<feature name='avx' policy='forbid'/>"));
    compare(VIR_CPU_COMPARE_SUPERSET, 0, 0, MATCH("exact", "<feature name='vmx' policy='force'/>"));
    compare(VIR_CPU_COMPARE_SUPERSET, 0, 0, "<cpu mode='host-model'/>");
    compare(VIR_CPU_COMPARE_ERROR, VIR_ERR_XML_INVALID_SCHEMA, VIR_CONNECT_COMPARE_CPU_VALIDATE_XML, MATCH("exact", "<pages/>"));
    compare(VIR_CPU_COMPARE_ERROR, VIR_ERR_XML_INVALID_SCHEMA, VIR_CONNECT_COMPARE_CPU_VALIDATE_XML,
            CPU("<model>Penryn</model><numa/>"));
    compare(VIR_CPU_COMPARE_ERROR, VIR_ERR_CONFIG_UNSUPPORTED, 0, MATCH("exact", "<feature name='avx' policy='x'/>"));
    compare(VIR_CPU_COMPARE_ERROR, VIR_ERR_INTERNAL_ERROR, 0, MATCH("exact", "<feature name='nosuch'/>"));
    g_assert_cmpint(cpu_compare("aarch64", NULL, "<cpu><arch>aarch64</arch><model>x</model></cpu>", 0), ==, VIR_CPU_COMPARE_ERROR);
    g_assert_cmpint(virGetLastErrorCode(), ==, VIR_ERR_NO_SUPPORT);
    virResetLastError();
}

/* Has no model but Penryn and Haswell, and no rtm. */
static gboolean two_models(const char *model, CpuSet *lacks, void *opaque)
{
    memset(lacks, 0, sizeof(*lacks));
    cpu_set_put(lacks, (guint) cpu_x86_feature("rtm"), strcmp(model, "Haswell") == 0);
    return strcmp(model, "Penryn") == 0 || strcmp(model, "Haswell") == 0;
}

static void test_hypervisor(void)
{
    const CpuHypervisor hypervisor = { .model = two_models };
    const char *haswell[] = { "<cpu match='exact'><model>Haswell</model><feature name='invtsc'/></cpu>" }, *none[] = { "<cpu match='exact'/>" };
    const char *conroe[] = { CPU("<model>Conroe</model>") };
    g_autofree char *has = cpu_baseline_hypervisor(haswell, 1, VIR_CONNECT_BASELINE_CPU_MIGRATABLE, &hypervisor);
    g_autofree char *near = cpu_baseline_hypervisor(conroe, 1, 0, &hypervisor);
    g_assert_cmpstr(has, ==, GUEST("  <model fallback='forbid'>Haswell</model>\n" OFF("rtm")));
    g_assert_cmpstr(near, ==, GUEST("  <model fallback='forbid'>Penryn</model>\n" OFF("cx16") OFF("sse4.1")));
    g_assert_null(cpu_baseline_hypervisor(none, 1, 0, &hypervisor));
    g_assert_cmpint(virGetLastErrorCode(), ==, VIR_ERR_INVALID_ARG);
    virResetLastError();
}

static void keep_silent(void *opaque, virErrorPtr err)
{
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    virSetErrorFunc(NULL, keep_silent);
    g_test_add_func("/cpu/one", test_one);
    g_test_add_func("/cpu/two", test_two);
    g_test_add_func("/cpu/other-architectures", test_other_architectures);
    g_test_add_func("/cpu/documents", test_documents);
    g_test_add_func("/cpu/names", test_names);
    g_test_add_func("/cpu/compare", test_compare);
    g_test_add_func("/cpu/hypervisor", test_hypervisor);
    return g_test_run();
}
