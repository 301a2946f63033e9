/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_CPU
#include "model/cpu_document.h"
#include <string.h>
#include "base/error.h"
#include "base/xml.h"
#include "model/cpu.h"
#include "model/domain_def.h"

/* What a host's <cpu> may contain. */
static const char *const host_elements[] = {
    "arch", "model", "vendor", "microcode", "signature", "counter", "topology", "maxphysaddr", "feature", "pages", NULL
};

void cpu_document_free(CpuDocument *cpu)
{
    if (!cpu)
        return;
    g_free(cpu->arch);
    g_free(cpu->model);
    g_free(cpu->vendor);
    g_array_unref(cpu->features);
    g_free(cpu);
}

static void feature_clear(gpointer feature)
{
    g_free(((CpuDocFeature *) feature)->name);
}

static gboolean is_element(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *) node->name, name) == 0;
}

/* NULL if it isn't there. */
static char *attribute(xmlNode *node, const char *name)
{
    xmlChar *value = xmlGetNoNsProp(node, BAD_CAST name);
    char *copy = g_strdup((const char *) value);
    xmlFree(value);
    return copy;
}

/* Text of an element's first child of this name; NULL if it has none or it is empty. */
static char *child_text(xmlNode *parent, const char *name)
{
    for (xmlNode *node = parent->children; node; node = node->next) {
        if (!is_element(node, name))
            continue;
        xmlChar *text = xmlNodeGetContent(node);
        char *copy = text && *text ? g_strdup((const char *) text) : NULL;
        xmlFree(text);
        return copy;
    }
    return NULL;
}

static int read_policy(xmlNode *node, CpuDocFeature *feature)
{
    static const char *const policies[] = { "require", "force", "optional", "disable", "forbid" };
    g_autofree char *text = attribute(node, "policy");
    if (!text)
        return 0;
    for (guint i = 0; i < G_N_ELEMENTS(policies); i++) {
        if (strcmp(policies[i], text) == 0) {
            feature->policy = (CpuPolicy) i;
            return 0;
        }
    }
    return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the policy of CPU feature '%s' is 'require', 'force', 'optional', 'disable' or "
                "'forbid', not '%s'", feature->name, text);
}

static int read_features(CpuDocument *cpu, xmlNode *root)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (xmlNode *node = root->children; node; node = node->next) {
        if (!is_element(node, "feature"))
            continue;
        CpuDocFeature feature = { .name = attribute(node, "name") };
        g_array_append_val(cpu->features, feature);
        if (!feature.name || !*feature.name)
            return FAIL(VIR_ERR_XML_ERROR, "a feature of a CPU has no name");
        if (!g_hash_table_add(seen, feature.name))
            return FAIL(VIR_ERR_XML_ERROR, "CPU feature '%s' is told more than once", feature.name);
        /* a host has what is named, whatever policy stands beside it */
        if (cpu->guest && read_policy(node, &g_array_index(cpu->features, CpuDocFeature, cpu->features->len - 1)) < 0)
            return -1;
    }
    return 0;
}

static int check_host(const CpuDocument *cpu, xmlNode *root)
{
    if (xmlHasProp(root, BAD_CAST "mode"))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "a host's <cpu> has no attribute 'mode', a guest's has");
    if (!cpu->arch)
        return FAIL(VIR_ERR_XML_ERROR, "the <arch> of a CPU is missing");
    if (cpu_arch(cpu->arch) == CPU_ARCH_NONE)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "unknown architecture '%s' of a CPU", cpu->arch);
    if (!cpu->model)
        return FAIL(VIR_ERR_XML_ERROR, "the <model> of a CPU is missing");
    return 0;
}

static int check_guest(CpuDocument *cpu, xmlNode *root)
{
    static const char *const matches[] = { "exact", "minimum", "strict", NULL };
    g_autofree char *match = attribute(root, "match");
    if (cpu->arch)
        return FAIL(VIR_ERR_XML_ERROR, "a <cpu> with attribute 'match' is a guest's, which has no <arch>");
    if (match && !g_strv_contains(matches, match))
        return FAIL(VIR_ERR_XML_ERROR, "the match of a CPU is 'exact', 'minimum' or 'strict', not '%s'", match);
    cpu->strict = match && strcmp(match, "strict") == 0;
    return 0;
}

/* What the kind of document may contain at all. */
static int check_schema(const CpuDocument *cpu, xmlNode *root)
{
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    if (cpu->guest)
        xml_struct_free(&DOMAIN_CPU_DESC, xml_parse_node(&DOMAIN_CPU_DESC, root, "cpu", XML_PARTIAL, diag));
    else if (cpu->arch && cpu_arch(cpu->arch) == CPU_ARCH_NONE)
        return FAIL(VIR_ERR_XML_INVALID_SCHEMA, "unknown architecture '%s' of a CPU", cpu->arch);
    for (xmlNode *node = root->children; node; node = node->next) {
        const char *name = (const char *) node->name;
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (!cpu->guest && !g_strv_contains(host_elements, name))
            return FAIL(VIR_ERR_XML_INVALID_SCHEMA, "a host's <cpu> has no element <%s>", name);
        if (is_element(node, "feature") &&
            (!xmlHasProp(node, BAD_CAST "name") || !xmlHasProp(node, BAD_CAST "policy") != !cpu->guest))
            return FAIL(VIR_ERR_XML_INVALID_SCHEMA, "a feature of a %s", cpu->guest ? "guest's CPU has a name and a policy" :
                        "host's CPU has a name and no policy");
    }
    if (diag->problems->len > 0)
        return FAIL(VIR_ERR_XML_INVALID_SCHEMA, "%s", ((XmlProblem *) diag->problems->pdata[0])->message);
    return 0;
}

static int read_root(CpuDocument *cpu, xmlNode *root, unsigned flags)
{
    if (strcmp((const char *) root->name, "cpu") != 0)
        return FAIL(VIR_ERR_XML_ERROR, "the document of a CPU must be a <cpu> element, not <%s>", (const char *) root->name);
    cpu->arch = child_text(root, "arch");
    cpu->model = child_text(root, "model");
    cpu->vendor = child_text(root, "vendor");
    cpu->guest = !(flags & CPU_DOCUMENT_HOST) && (!cpu->arch || xmlHasProp(root, BAD_CAST "match"));
    if (flags & CPU_DOCUMENT_STRICT && check_schema(cpu, root) < 0)
        return -1;
    int rc = cpu->guest ? check_guest(cpu, root) : check_host(cpu, root);
    return rc < 0 ? -1 : read_features(cpu, root);
}

CpuDocument *cpu_document_read(const char *text, unsigned flags)
{
    if (!text)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "a CPU's document is missing");
    xmlDoc *doc = xml_document_parse(text, strlen(text), "CPU_definition", ERROR_DOMAIN);
    if (!doc)
        return NULL;
    g_autoptr(CpuDocument) cpu = g_new0(CpuDocument, 1);
    cpu->features = g_array_new(FALSE, FALSE, sizeof(CpuDocFeature));
    g_array_set_clear_func(cpu->features, feature_clear);
    int rc = read_root(cpu, xmlDocGetRootElement(doc), flags);
    xmlFreeDoc(doc);
    return rc < 0 ? NULL : g_steal_pointer(&cpu);
}
