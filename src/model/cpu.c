/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_CPU
#include "model/cpu.h"
#include <string.h>
#include "base/error.h"
#include "base/xml.h"
#include "model/cpu_x86.h"

/* ---- architectures ---- */

typedef enum { NAMES_X86, NAMES_PPC, NAMES_ANY, NAMES_OF_HOST, NAMES_UNKNOWN } Names;

/* Of which architectures models have names, and whether any will do (NAMES_OF_HOST: the hypervisor alone knows them). */
static const struct { Names names; const char *archs; } archs[] = {
    { NAMES_X86, "i686 x86_64" },
    { NAMES_PPC, "ppc64 ppc64le" },
    { NAMES_ANY, "aarch64 armv6l armv7l armv7b" },
    { NAMES_OF_HOST, "s390 s390x" },
    { NAMES_UNKNOWN, "alpha cris ia64 lm32 m68k microblaze microblazeel mips mips64 mips64el mipsel or32 parisc parisc64 ppc "
      "ppcemb riscv32 riscv64 sh4 sh4eb sparc sparc64 unicore32 xtensa xtensaeb" },
};

static gboolean has_word(const char *words, const char *word)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);
    return *word && g_strv_contains((const char *const *) list, word);
}

/* -1 if there is no such architecture. */
static int names_of(const char *arch)
{
    for (guint i = 0; i < G_N_ELEMENTS(archs); i++) {
        if (has_word(archs[i].archs, arch))
            return archs[i].names;
    }
    return -1;
}

static const struct { const char *name, *vendor; } ppc_models[] = {
    { "POWER6", "IBM" }, { "POWER7", "IBM" }, { "POWER8", "IBM" }, { "POWER9", "IBM" }, { "POWER10", "IBM" },
    { "POWERPC_e5500", "Freescale" }, { "POWERPC_e6500", "Freescale" },
};

char **cpu_model_names(const char *arch, int domain)
{
    g_autoptr(GStrvBuilder) list = g_strv_builder_new();
    guint n = 0;
    const CpuModel *x86 = cpu_x86_models(&n);
    switch (names_of(arch)) {
    case NAMES_X86:
        for (guint i = 0; i < n; i++)
            g_strv_builder_add(list, x86[i].name);
        break;
    case NAMES_PPC:
        for (guint i = 0; i < G_N_ELEMENTS(ppc_models); i++)
            g_strv_builder_add(list, ppc_models[i].name);
        break;
    case NAMES_UNKNOWN:
        return FAIL_NULL(VIR_ERR_NO_SUPPORT, "CPU models of architecture '%s' are not known", arch);
    case NAMES_ANY: case NAMES_OF_HOST:
        break;
    default:
        error_report(domain, VIR_ERR_INVALID_ARG, "cannot find architecture %s", arch);
        return NULL;
    }
    return g_strv_builder_end(list);
}

/* ---- documents ---- */

typedef struct HostCpu {
    char *arch, *model, *vendor; /* vendor: NULL if it isn't told */
    GPtrArray *features;         /* names */
} HostCpu;

static void host_cpu_free(HostCpu *cpu)
{
    g_free(cpu->arch);
    g_free(cpu->model);
    g_free(cpu->vendor);
    g_ptr_array_unref(cpu->features);
    g_free(cpu);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostCpu, host_cpu_free)

/* Text of an element's first child of this name; NULL if it has none or it is empty. */
static char *child_text(xmlNode *parent, const char *name)
{
    for (xmlNode *node = parent->children; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE || strcmp((const char *) node->name, name) != 0)
            continue;
        xmlChar *text = xmlNodeGetContent(node);
        char *copy = text && *text ? g_strdup((const char *) text) : NULL;
        xmlFree(text);
        return copy;
    }
    return NULL;
}

/* A host has what is named, whatever policy stands beside it. */
static int read_features(HostCpu *cpu, xmlNode *root)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (xmlNode *node = root->children; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE || strcmp((const char *) node->name, "feature") != 0)
            continue;
        xmlChar *value = xmlGetNoNsProp(node, BAD_CAST "name");
        char *name = g_strdup((const char *) value);
        xmlFree(value);
        g_ptr_array_add(cpu->features, name);
        if (!name || !*name)
            return FAIL(VIR_ERR_XML_ERROR, "a feature of a CPU has no name");
        if (!g_hash_table_add(seen, name))
            return FAIL(VIR_ERR_XML_ERROR, "CPU feature '%s' is told more than once", name);
    }
    return 0;
}

static int read_root(HostCpu *cpu, xmlNode *root)
{
    cpu->arch = child_text(root, "arch");
    cpu->model = child_text(root, "model");
    cpu->vendor = child_text(root, "vendor");
    if (strcmp((const char *) root->name, "cpu") != 0)
        return FAIL(VIR_ERR_XML_ERROR, "the document of a CPU must be a <cpu> element, not <%s>", (const char *) root->name);
    if (xmlHasProp(root, BAD_CAST "mode"))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "a host's <cpu> has no attribute 'mode', a guest's has");
    if (!cpu->arch)
        return FAIL(VIR_ERR_XML_ERROR, "the <arch> of a CPU is missing");
    if (names_of(cpu->arch) < 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "unknown architecture '%s' of a CPU", cpu->arch);
    if (!cpu->model)
        return FAIL(VIR_ERR_XML_ERROR, "the <model> of a CPU is missing");
    return read_features(cpu, root);
}

static HostCpu *read_host_cpu(const char *text)
{
    if (!text)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "a CPU's document is missing");
    xmlDoc *doc = xml_document_parse(text, strlen(text), "CPU_definition", ERROR_DOMAIN);
    if (!doc)
        return NULL;
    g_autoptr(HostCpu) cpu = g_new0(HostCpu, 1);
    cpu->features = g_ptr_array_new_with_free_func(g_free);
    int rc = read_root(cpu, xmlDocGetRootElement(doc));
    xmlFreeDoc(doc);
    return rc < 0 ? NULL : g_steal_pointer(&cpu);
}

/* ---- what CPUs share ---- */

typedef struct Baseline {
    const char *model, *vendor;  /* vendor: NULL if not to be told */
    gboolean exact;              /* the model is the hosts' own */
    GString *features;           /* as elements */
} Baseline;

static int fail_vendor(const char *model, const char *models_vendor, const char *vendor)
{
    return FAIL(VIR_ERR_OPERATION_FAILED, "CPU vendor %s of model %s differs from vendor %s", models_vendor, model, vendor);
}

static int check_vendor(const HostCpu *cpu, const char *const *known)
{
    if (cpu->vendor && !g_strv_contains(known, cpu->vendor))
        return FAIL(VIR_ERR_OPERATION_FAILED, "unknown CPU vendor '%s'", cpu->vendor);
    return 0;
}

static gboolean same_models(const GPtrArray *cpus)
{
    const HostCpu *first = cpus->pdata[0];
    for (guint i = 1; i < cpus->len; i++) {
        if (strcmp(first->model, ((const HostCpu *) cpus->pdata[i])->model) != 0)
            return FALSE;
    }
    return TRUE;
}

static int ppc_baseline(const GPtrArray *cpus, Baseline *out)
{
    static const char *const vendors[] = { "IBM", "Freescale", NULL };
    for (guint i = 0; i < cpus->len; i++) {
        const HostCpu *cpu = cpus->pdata[i];
        guint m = 0;
        while (m < G_N_ELEMENTS(ppc_models) && strcmp(ppc_models[m].name, cpu->model) != 0)
            m++;
        if (m == G_N_ELEMENTS(ppc_models))
            return FAIL(VIR_ERR_INTERNAL_ERROR, "unknown CPU model '%s'", cpu->model);
        if (check_vendor(cpu, vendors) < 0)
            return -1;
        if (cpu->vendor && strcmp(cpu->vendor, ppc_models[m].vendor) != 0)
            return fail_vendor(cpu->model, ppc_models[m].vendor, cpu->vendor);
    }
    if (!same_models(cpus))
        return FAIL(VIR_ERR_OPERATION_FAILED, "CPUs are incompatible");
    out->model = ((const HostCpu *) cpus->pdata[0])->model;
    out->exact = TRUE;
    return 0;
}

static int add_features(const HostCpu *cpu, CpuSet *set)
{
    for (guint i = 0; i < cpu->features->len; i++) {
        const char *name = cpu->features->pdata[i];
        int feature = cpu_x86_feature(name);
        if (feature < 0)
            return FAIL(VIR_ERR_INTERNAL_ERROR, "unknown CPU feature '%s'", name);
        cpu_set_put(set, (guint) feature, TRUE);
    }
    return 0;
}

/* Take @cpu into account: @set becomes what it has too, @vendor that of all so far (NULL: of nobody in particular). */
static int intersect(const HostCpu *cpu, gboolean first, CpuSet *set, const char **vendor)
{
    static const char *const vendors[] = { "Intel", "AMD", "Hygon", NULL };
    const CpuModel *model = cpu_x86_model(cpu->model);
    if (!model)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "unknown CPU model '%s'", cpu->model);
    if (check_vendor(cpu, vendors) < 0)
        return -1;
    CpuSet own = model->features;
    if (add_features(cpu, &own) < 0)
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

static int x86_baseline(const GPtrArray *cpus, gboolean expand, Baseline *out)
{
    const HostCpu *first = cpus->pdata[0];
    const char *vendor = NULL;
    CpuSet set;
    gboolean all_tell = TRUE, same = same_models(cpus);
    for (guint i = 0; i < cpus->len; i++) {
        const HostCpu *cpu = cpus->pdata[i];
        if (intersect(cpu, i == 0, &set, &vendor) < 0)
            return -1;
        all_tell = all_tell && cpu->vendor;
    }
    const CpuModel *model = cpu_x86_choose(&set, vendor, same ? first->model : NULL);
    out->model = model->name;
    out->exact = same && strcmp(model->name, first->model) == 0;
    out->vendor = all_tell ? vendor : NULL;
    cpu_x86_tell(out->features, model, NULL, &set, expand ? CPU_GUEST_EXPAND | CPU_GUEST_SORT : 0, 2);
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

char *cpu_baseline(const char *const *documents, guint n, gboolean expand)
{
    if (n == 0)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "no CPUs given");
    g_autoptr(GPtrArray) cpus = g_ptr_array_new_with_free_func((GDestroyNotify) host_cpu_free);
    for (guint i = 0; i < n; i++) {
        HostCpu *cpu = read_host_cpu(documents[i]);
        if (!cpu)
            return NULL;
        g_ptr_array_add(cpus, cpu);
    }
    const HostCpu *first = cpus->pdata[0];
    g_autoptr(GString) features = g_string_new(NULL);
    Baseline out = { .model = first->model, .features = features };
    switch (names_of(first->arch)) {
    case NAMES_X86:
        return x86_baseline(cpus, expand, &out) < 0 ? NULL : format(&out);
    case NAMES_PPC:
        return ppc_baseline(cpus, &out) < 0 ? NULL : format(&out);
    case NAMES_ANY: /* nothing is known but the name */
        return format(&out);
    default:
        return FAIL_NULL(VIR_ERR_NO_SUPPORT, "cannot compute the baseline of CPUs of architecture '%s'", first->arch);
    }
}
