/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What CPUs share.
 */
#define ERROR_DOMAIN VIR_FROM_CPU
#include <libvirt/libvirt.h>
#include <string.h>
#include "base/error.h"
#include "model/cpu.h"
#include "model/cpu_document.h"

typedef struct Baseline {
    const char *model, *vendor;  /* vendor: NULL if not to be told */
    gboolean exact;              /* the model is the hosts' own */
    GString *features;           /* as elements */
} Baseline;

static int fail_vendor(const char *model, const char *models_vendor, const char *vendor)
{
    return FAIL(VIR_ERR_OPERATION_FAILED, "CPU vendor %s of model %s differs from vendor %s", models_vendor, model, vendor);
}

static int check_vendor(const CpuDocument *cpu, const char *const *known)
{
    if (cpu->vendor && !g_strv_contains(known, cpu->vendor))
        return FAIL(VIR_ERR_OPERATION_FAILED, "unknown CPU vendor '%s'", cpu->vendor);
    return 0;
}

static gboolean same_models(const GPtrArray *cpus)
{
    const CpuDocument *first = cpus->pdata[0];
    for (guint i = 1; i < cpus->len; i++) {
        if (strcmp(first->model, ((const CpuDocument *) cpus->pdata[i])->model) != 0)
            return FALSE;
    }
    return TRUE;
}

static int ppc_baseline(const GPtrArray *cpus, Baseline *out)
{
    static const char *const vendors[] = { "IBM", "Freescale", NULL };
    for (guint i = 0; i < cpus->len; i++) {
        const CpuDocument *cpu = cpus->pdata[i];
        const CpuPpcModel *model = cpu_ppc_model(cpu->model);
        if (!model)
            return FAIL(VIR_ERR_INTERNAL_ERROR, "unknown CPU model '%s'", cpu->model);
        if (check_vendor(cpu, vendors) < 0)
            return -1;
        if (cpu->vendor && strcmp(cpu->vendor, model->vendor) != 0)
            return fail_vendor(cpu->model, model->vendor, cpu->vendor);
    }
    if (!same_models(cpus))
        return FAIL(VIR_ERR_OPERATION_FAILED, "CPUs are incompatible");
    out->model = ((const CpuDocument *) cpus->pdata[0])->model;
    out->exact = TRUE;
    return 0;
}

static int apply_features(const CpuDocument *cpu, CpuSet *set)
{
    for (guint i = 0; i < cpu->features->len; i++) {
        const CpuDocFeature *told = &g_array_index(cpu->features, CpuDocFeature, i);
        int feature = cpu_x86_feature(told->name);
        if (feature < 0)
            return FAIL(VIR_ERR_INTERNAL_ERROR, "unknown CPU feature '%s'", told->name);
        if (told->policy != CPU_POLICY_OPTIONAL)
            cpu_set_put(set, (guint) feature, told->policy == CPU_POLICY_REQUIRE || told->policy == CPU_POLICY_FORCE);
    }
    return 0;
}

/* Take @cpu into account: @set becomes what it has too, @vendor that of all so far (NULL: of nobody in particular). */
static int intersect(const CpuDocument *cpu, gboolean first, CpuSet *set, const char **vendor)
{
    static const char *const vendors[] = { "Intel", "AMD", "Hygon", NULL };
    const CpuModel *model = cpu_x86_model(cpu->model);
    if (!model)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "unknown CPU model '%s'", cpu->model);
    if (check_vendor(cpu, vendors) < 0)
        return -1;
    CpuSet own = model->features;
    if (apply_features(cpu, &own) < 0)
        return -1;
    if (first) { /* its vendor may be another than its model's: then another model will describe it */
        *set = own;
        *vendor = cpu->vendor;
        return 0;
    }
    if (cpu->vendor && model->vendor && strcmp(cpu->vendor, model->vendor) != 0)
        return fail_vendor(cpu->model, model->vendor, cpu->vendor);
    const char *its = cpu->vendor ? cpu->vendor : model->vendor;
    if (*vendor && its && strcmp(*vendor, its) != 0)
        return FAIL(VIR_ERR_OPERATION_FAILED, "CPU vendors do not match: %s and %s", *vendor, its);
    if (its)
        *vendor = its;
    for (guint i = 0; i < G_N_ELEMENTS(set->bits); i++)
        set->bits[i] &= own.bits[i];
    return 0;
}

static int x86_baseline(const GPtrArray *cpus, unsigned flags, const CpuHypervisor *hypervisor, Baseline *out)
{
    const CpuDocument *first = cpus->pdata[0];
    const char *vendor = NULL;
    CpuSet set, lacks;
    unsigned tell = flags & VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES ? CPU_GUEST_EXPAND | CPU_GUEST_SORT : 0;
    gboolean all_tell = TRUE, same = same_models(cpus);
    for (guint i = 0; i < cpus->len; i++) {
        const CpuDocument *cpu = cpus->pdata[i];
        if (intersect(cpu, i == 0, &set, &vendor) < 0)
            return -1;
        all_tell = all_tell && cpu->vendor;
    }
    const CpuModel *model = cpu_x86_choose(&set, vendor, same ? first->model : NULL, hypervisor ? hypervisor->model : NULL,
                                            hypervisor ? hypervisor->opaque : NULL);
    if (!model)
        return FAIL(VIR_ERR_OPERATION_FAILED, "no CPU model that the hypervisor has describes the CPUs");
    cpu_x86_keep_guests(&set, flags & VIR_CONNECT_BASELINE_CPU_MIGRATABLE, model);
    out->model = model->name;
    out->exact = hypervisor || (same && strcmp(model->name, first->model) == 0);
    out->vendor = all_tell ? vendor : NULL;
    if (hypervisor) {
        hypervisor->model(model->name, &lacks, hypervisor->opaque);
        cpu_set_remove(&set, &lacks);
    }
    cpu_x86_tell(out->features, model, hypervisor ? &lacks : NULL, &set, tell, 2);
    return 0;
}

static char *format(const Baseline *b)
{
    g_autofree char *model = g_markup_escape_text(b->model, -1); /* any name will do for some */
    GString *text = g_string_new("<cpu mode='custom' match='exact'>\n");
    g_string_append_printf(text, "  <model fallback='%s'>%s</model>\n", b->exact ? "forbid" : "allow", model);
    if (b->vendor)
        g_string_append_printf(text, "  <vendor>%s</vendor>\n", b->vendor);
    g_string_append(text, b->features->str);
    g_string_append(text, "</cpu>\n");
    return g_string_free(text, FALSE);
}

static GPtrArray *read_all(const char *const *documents, guint n, unsigned flags)
{
    g_autoptr(GPtrArray) cpus = g_ptr_array_new_with_free_func((GDestroyNotify) cpu_document_free);
    if (n == 0)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "no CPUs given");
    for (guint i = 0; i < n; i++) {
        CpuDocument *cpu = cpu_document_read(documents[i], flags);
        if (!cpu)
            return NULL;
        g_ptr_array_add(cpus, cpu);
        if (!cpu->model)
            return FAIL_NULL(VIR_ERR_INVALID_ARG, "CPU number %u names no model", i + 1);
    }
    return g_steal_pointer(&cpus);
}

char *cpu_baseline(const char *const *documents, guint n, unsigned flags)
{
    g_autoptr(GPtrArray) cpus = read_all(documents, n, CPU_DOCUMENT_HOST);
    if (!cpus)
        return NULL;
    const CpuDocument *first = cpus->pdata[0];
    g_autoptr(GString) features = g_string_new(NULL);
    Baseline out = { .model = first->model, .features = features };
    switch (cpu_arch(first->arch)) {
    case CPU_ARCH_X86:
        return x86_baseline(cpus, flags, NULL, &out) < 0 ? NULL : format(&out);
    case CPU_ARCH_PPC:
        return ppc_baseline(cpus, &out) < 0 ? NULL : format(&out);
    case CPU_ARCH_ANY: /* nothing is known but the name */
        return format(&out);
    default:
        return FAIL_NULL(VIR_ERR_NO_SUPPORT, "cannot compute the baseline of CPUs of architecture '%s'", first->arch);
    }
}

char *cpu_baseline_hypervisor(const char *const *documents, guint n, unsigned flags, const CpuHypervisor *hypervisor)
{
    g_autoptr(GPtrArray) cpus = read_all(documents, n, 0);
    g_autoptr(GString) features = g_string_new(NULL);
    Baseline out = { .features = features };
    return !cpus || x86_baseline(cpus, flags, hypervisor, &out) < 0 ? NULL : format(&out);
}
