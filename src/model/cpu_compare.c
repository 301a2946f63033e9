/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether a processor has what a CPU needs.
 */
#define ERROR_DOMAIN VIR_FROM_CPU
#include <libvirt/libvirt.h>
#include <string.h>
#include "base/error.h"
#include "model/cpu.h"
#include "model/cpu_document.h"

/* A CPU's features by what is wanted of them; the last policy counts. */
typedef struct Wanted { CpuSet by[CPU_POLICY_FORBID + 1]; } Wanted;

static int read_wanted(const CpuDocument *doc, Wanted *wanted)
{
    const CpuModel *model = doc->model ? cpu_x86_model(doc->model) : NULL;
    memset(wanted, 0, sizeof(*wanted));
    if (doc->model && !model)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "unknown CPU model '%s'", doc->model);
    if (model)
        wanted->by[CPU_POLICY_REQUIRE] = model->features;
    for (guint i = 0; i < doc->features->len; i++) {
        const CpuDocFeature *told = &g_array_index(doc->features, CpuDocFeature, i);
        int feature = cpu_x86_feature(told->name);
        if (feature < 0)
            return FAIL(VIR_ERR_INTERNAL_ERROR, "unknown CPU feature '%s'", told->name);
        for (guint p = 0; p < G_N_ELEMENTS(wanted->by); p++)
            cpu_set_put(&wanted->by[p], (guint) feature, p == told->policy);
    }
    return 0;
}

/* "a, b" of what is in @set; NULL if nothing is. */
static char *names(const CpuSet *set)
{
    guint n;
    const char *const *all = cpu_x86_features(&n);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < n; i++) {
        if (cpu_set_has(set, i))
            g_string_append_printf(text, "%s%s", text->len ? ", " : "", all[i]);
    }
    return g_string_free(text, text->len == 0);
}

static CpuSet except(CpuSet set, const CpuSet *part)
{
    cpu_set_remove(&set, part);
    return set;
}

/* Why it can't be; NULL if it can. @extra: features of the host that nobody asked for. Caller frees. */
static char *find_reason(const CpuDocument *doc, const CpuHost *host, const Wanted *wanted, CpuSet *extra)
{
    const CpuModel *model = doc->model ? cpu_x86_model(doc->model) : NULL;
    CpuSet missing = except(wanted->by[CPU_POLICY_REQUIRE], &host->set);
    CpuSet tolerated = except(host->set, &wanted->by[CPU_POLICY_FORBID]), forbidden = except(host->set, &tolerated);
    *extra = host->set;
    for (guint p = CPU_POLICY_REQUIRE; p <= CPU_POLICY_DISABLE; p++)
        cpu_set_remove(extra, &wanted->by[p]);
    g_autofree char *lacks = names(&missing), *has = names(&forbidden), *more = doc->strict ? names(extra) : NULL;
    if (doc->vendor && g_strcmp0(doc->vendor, host->vendor) != 0)
        return g_strdup_printf("the CPU must be of vendor %s, the host's is of %s", doc->vendor, host->vendor ? host->vendor : "none");
    if (has)
        return g_strdup_printf("the host's CPU has features that are forbidden: %s", has);
    if (lacks)
        return g_strdup_printf("the host's CPU lacks features%s%s: %s", model ? " of model " : "", model ? model->name : "", lacks);
    if (more)
        return g_strdup_printf("the match is strict and the host's CPU has more features: %s", more);
    return NULL;
}

static int fail_incompatible(const char *reason, unsigned flags)
{
    if (!(flags & VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE))
        return VIR_CPU_COMPARE_INCOMPATIBLE;
    return FAIL(VIR_ERR_CPU_INCOMPATIBLE, "%s", reason);
}

int cpu_compare(const char *arch, const CpuHost *cpu, const char *document, unsigned flags)
{
    g_autoptr(CpuDocument) doc =
        cpu_document_read(document, flags & VIR_CONNECT_COMPARE_CPU_VALIDATE_XML ? CPU_DOCUMENT_STRICT : 0);
    Wanted wanted;
    CpuSet extra;
    static const CpuSet none;
    if (!doc)
        return VIR_CPU_COMPARE_ERROR;
    if (doc->arch && strcmp(doc->arch, arch) != 0 && !(cpu && cpu_arch(doc->arch) == CPU_ARCH_X86)) {
        g_autofree char *reason = g_strdup_printf("the CPU is of architecture %s, the host's of %s", doc->arch, arch);
        return fail_incompatible(reason, flags);
    }
    if (!cpu)
        return FAIL(VIR_ERR_NO_SUPPORT, "cannot compare CPUs of architecture '%s'", arch);
    if (read_wanted(doc, &wanted) < 0)
        return VIR_CPU_COMPARE_ERROR;
    g_autofree char *reason = find_reason(doc, cpu, &wanted, &extra);
    if (reason)
        return fail_incompatible(reason, flags);
    return memcmp(&extra, &none, sizeof(none)) == 0 ? VIR_CPU_COMPARE_IDENTICAL : VIR_CPU_COMPARE_SUPERSET;
}
