/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/cpu.h"
#include <string.h>
#include "base/error.h"
#include "base/json.h"
#include "core/host/host.h"

/* Models of QEMU that cpu_x86.c has no features for. */
static const struct {
    const char *vendor, *models;
} newer_models[] = {
    { "AMD", "EPYC-Genoa EPYC-Turin" },
    { "Intel", "ClearwaterForest Denverton DiamondRapids GraniteRapids KnightsMill SapphireRapids SierraForest" },
};

const char *qemu_cpu_vendor(const char *model)
{
    const char *version = strrchr(model, '-');
    g_autofree char *base = version && version[1] == 'v' && g_ascii_isdigit(version[2]) ? g_strndup(model, version - model)
                                                                                        : g_strdup(model);
    const CpuModel *known = cpu_x86_model(base);

    if (known)
        return known->vendor;
    for (guint i = 0; i < G_N_ELEMENTS(newer_models); i++) {
        g_auto(GStrv) names = g_strsplit(newer_models[i].models, " ", -1);

        if (g_strv_contains((const char *const *)names, base))
            return newer_models[i].vendor;
    }
    return NULL;
}

static char plain(char c)
{
    return c == '.' || c == '_' ? '-' : c;
}

/* QEMU writes '-' where we have '.' or '_', and has most of ours as second names. */
static gboolean same_name(const char *ours, const char *qemus)
{
    guint i = 0;

    while (ours[i] && plain(ours[i]) == plain(qemus[i]))
        i++;
    return ours[i] == qemus[i];
}

const char *qemu_cpu_feature_name(const char *name)
{
    guint n;
    const char *const *names = cpu_x86_features(&n);

    if (g_str_equal(name, "pclmulqdq"))
        return "pclmuldq";
    for (guint i = 0; i < n; i++) {
        if (same_name(names[i], name))
            return names[i];
    }
    return name;
}

static void read_properties(json_object *properties, CpuSet *set)
{
    memset(set, 0, sizeof(*set));
    json_object_object_foreach(properties, name, value) {
        int feature = json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value) ?
            cpu_x86_feature(qemu_cpu_feature_name(name)) : -1;

        if (feature >= 0)
            cpu_set_put(set, feature, TRUE);
    }
}

gboolean qemu_cpu_fullest(const QemuAccel *accel, CpuSet *set, const char **vendor)
{
    if (!accel->max_cpu)
        return FALSE;
    read_properties(accel->max_cpu, set);
    *vendor = cpu_x86_vendor(json_member_string(accel->max_cpu, "vendor"));
    return TRUE;
}

const char *qemu_cpu_base(const char *arch, const QemuAccel *accel)
{
    const CpuModel *model;
    const char *vendor;
    CpuSet set;

    if ((!g_str_equal(arch, "x86_64") && !g_str_equal(arch, "i686")) || !qemu_cpu_fullest(accel, &set, &vendor))
        return NULL;
    model = cpu_x86_choose(&set, vendor, NULL, NULL, NULL);
    return model && qemu_caps_cpu(accel, model->name) ? model->name : NULL;
}

char *qemu_cpu_describe_fullest(const char *arch, const QemuAccel *accel, unsigned flags, int indent)
{
    const char *vendor, *base = qemu_cpu_base(arch, accel);
    GString *out;
    CpuSet set, own;

    if (!base || !accel->base_cpu || !qemu_cpu_fullest(accel, &set, &vendor))
        return NULL;
    read_properties(accel->base_cpu, &own);
    out = g_string_new(NULL);
    g_string_append_printf(out, "%*s<model fallback='forbid'>%s</model>\n", indent, "", base);
    if (vendor)
        g_string_append_printf(out, "%*s<vendor>%s</vendor>\n", indent, "", vendor);
    cpu_x86_tell(out, cpu_x86_model(base), &own, &set, flags, indent);
    return g_string_free(out, FALSE);
}

static CpuFeature *find_feature(const DomainCpu *cpu, const char *name)
{
    for (guint i = 0; i < cpu->n_features; i++) {
        if (g_str_equal(cpu->features[i]->name, name))
            return cpu->features[i];
    }
    return NULL;
}

/* What @described says goes into @cpu; what is said there already of a feature stays, behind the others. */
static void adopt(DomainCpu *cpu, DomainCpu *described)
{
    CpuFeature **own = g_steal_pointer(&cpu->features);
    guint n_own = cpu->n_features;

    cpu->n_features = 0;
    for (guint i = 0; i < described->n_features; i++) {
        CpuFeature *feature = xml_struct_copy(&CPU_FEATURE_DESC, described->features[i]);
        XML_LIST_APPEND(cpu->features, cpu->n_features, feature);
    }
    for (guint i = 0; i < n_own; i++) {
        CpuFeature *same = find_feature(cpu, own[i]->name);

        if (same) {
            same->policy = own[i]->policy;
            xml_struct_free(&CPU_FEATURE_DESC, own[i]);
        } else {
            XML_LIST_APPEND(cpu->features, cpu->n_features, own[i]);
        }
    }
    g_free(own);
    g_free(cpu->model);
    cpu->model = g_steal_pointer(&described->model);
    if (cpu->mode == CPU_MODE_HOST_MODEL || cpu->vendor) { /* who named a model may not care who makes it */
        g_free(cpu->vendor);
        cpu->vendor = g_steal_pointer(&described->vendor);
    }
    cpu->fallback = described->fallback;
    cpu->mode = CPU_MODE_CUSTOM;
    cpu->match = CPU_MATCH_EXACT;
    cpu->check = CPU_CHECK_FULL; /* all of it is what QEMU itself said that it has */
}

/* At least a model is all that there is, too. */
static gboolean wants_host_model(const DomainCpu *cpu)
{
    return cpu->mode == CPU_MODE_HOST_MODEL || (cpu->mode == CPU_MODE_CUSTOM && cpu->model && cpu->match == CPU_MATCH_MINIMUM);
}

int qemu_cpu_settle(DomainDef *def, const QemuCaps *caps)
{
    g_autofree char *text = NULL, *xml = NULL;
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    xmlDoc *doc;
    DomainCpu *described;

    if (!def->cpu || !wants_host_model(def->cpu) || def->type == DOMAIN_VIRT_TYPE_KVM)
        return 0;
    text = qemu_cpu_describe_fullest(caps->arch, &caps->tcg, 0, 0);
    if (!text)
        return 0;
    xml = g_strdup_printf("<cpu>%s</cpu>", text);
    doc = xml_document_parse(xml, strlen(xml), "(host model)", ERROR_DOMAIN);
    if (!doc)
        return -1;
    described = xml_parse_node(&DOMAIN_CPU_DESC, xmlDocGetRootElement(doc), "cpu", 0, diag);
    xmlFreeDoc(doc);
    if (!described)
        return xml_diagnostics_report(diag, ERROR_DOMAIN);
    adopt(def->cpu, described);
    xml_struct_free(&DOMAIN_CPU_DESC, described);
    return 0;
}
