/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host and its hypervisor: versions, identity, capabilities, CPU models. Its figures are in cmd_node.c. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

/* One line of text, which the library allocated. */
static bool print_string(Shell *shell, const Cmd *cmd, const char *key, char *value, const char *failed)
{
    g_autofree char *text = value;
    json_object *document;

    if (!text)
        return shell_error(shell, "%s", failed);
    if (!shell_json(cmd)) {
        shell_print(shell, "%s\n", text);
        return true;
    }
    document = json_object_new_object();
    shell_json_string(document, key, text);
    return shell_json_print(shell, document);
}

bool cmd_hostname(Shell *shell, const Cmd *cmd)
{
    return print_string(shell, cmd, "hostname", virConnectGetHostname(virsh_conn(shell)), "failed to get hostname");
}

bool cmd_uri(Shell *shell, const Cmd *cmd)
{
    return print_string(shell, cmd, "uri", virConnectGetURI(virsh_conn(shell)), "failed to get URI");
}

bool cmd_sysinfo(Shell *shell, const Cmd *cmd)
{
    char *xml = virConnectGetSysinfo(virsh_conn(shell), 0);

    return xml ? virsh_print_xml(shell, cmd, xml) : shell_error(shell, "failed to get sysinfo");
}

bool cmd_capabilities(Shell *shell, const Cmd *cmd)
{
    char *xml = virConnectGetCapabilities(virsh_conn(shell));
    bool done;

    if (!xml)
        return shell_error(shell, "failed to get capabilities");
    done = virsh_print_xml(shell, cmd, xml);
    if (!cmd_has(cmd, "xpath"))
        shell_print(shell, "\n");
    return done;
}

bool cmd_domcapabilities(Shell *shell, const Cmd *cmd)
{
    static const VirshFlag table[] = {
        {"disable-deprecated-features", VIR_CONNECT_GET_DOMAIN_CAPABILITIES_DISABLE_DEPRECATED_FEATURES},
        {"expand-cpu-features", VIR_CONNECT_GET_DOMAIN_CAPABILITIES_EXPAND_CPU_FEATURES},
        {"supported-cpu-features", VIR_CONNECT_GET_DOMAIN_CAPABILITIES_SUPPORTED_CPU_FEATURES},
        {NULL, 0},
    };
    const char *emulator = NULL, *arch = NULL, *machine = NULL, *type = NULL;
    char *xml;

    if (cmd_string(shell, cmd, "emulatorbin", &emulator) < 0 || cmd_string(shell, cmd, "arch", &arch) < 0 ||
        cmd_string(shell, cmd, "machine", &machine) < 0 || cmd_string(shell, cmd, "virttype", &type) < 0)
        return false;
    xml = virConnectGetDomainCapabilities(virsh_conn(shell), emulator, arch, machine, type, virsh_flags(cmd, table));
    return xml ? virsh_print_xml(shell, cmd, xml) : shell_error(shell, "failed to get emulator capabilities");
}

bool cmd_maxvcpus(Shell *shell, const Cmd *cmd)
{
    const char *type = NULL;
    json_object *document;
    int count;

    if (cmd_string(shell, cmd, "type", &type) < 0)
        return false;
    count = virConnectGetMaxVcpus(virsh_conn(shell), type);
    if (count < 0)
        return false;
    if (!shell_json(cmd)) {
        shell_print(shell, "%d\n", count);
        return true;
    }
    document = json_object_new_object();
    shell_json_int(document, "max_vcpus", count);
    return shell_json_print(shell, document);
}

/* --- versions --- */

typedef struct {
    unsigned long compiled, library, api, hypervisor, daemon; /* 0: not known */
    const char *type;
} Versions;

static char *version_text(unsigned long version)
{
    return g_strdup_printf("%lu.%lu.%lu", version / 1000000, version / 1000 % 1000, version % 1000);
}

static bool read_versions(Shell *shell, const Cmd *cmd, Versions *versions)
{
    virConnectPtr conn = virsh_conn(shell);

    versions->compiled = LIBVIR_VERSION_NUMBER;
    versions->type = virConnectGetType(conn);
    if (!versions->type)
        return shell_error(shell, "failed to get hypervisor type");
    if (virGetVersion(&versions->library, versions->type, &versions->api) < 0)
        return shell_error(shell, "failed to get the library version");
    if (virConnectGetVersion(conn, &versions->hypervisor) < 0) {
        if (client_error_code() != VIR_ERR_NO_SUPPORT)
            return shell_error(shell, "failed to get the hypervisor version");
        client_error_forget();
    }
    if (cmd_has(cmd, "daemon") && virConnectGetLibVersion(conn, &versions->daemon) < 0)
        return shell_error(shell, "failed to get the daemon version");
    return true;
}

static void json_version(json_object *document, const char *key, unsigned long version)
{
    g_autofree char *text = version ? version_text(version) : NULL;

    shell_json_string(document, key, text);
}

static bool versions_json(Shell *shell, const Cmd *cmd, const Versions *versions)
{
    json_object *document = json_object_new_object();

    json_version(document, "compiled", versions->compiled);
    json_version(document, "library", versions->library);
    json_version(document, "api", versions->api);
    shell_json_string(document, "hypervisor_type", versions->type);
    json_version(document, "hypervisor", versions->hypervisor);
    if (cmd_has(cmd, "daemon"))
        json_version(document, "daemon", versions->daemon);
    return shell_json_print(shell, document);
}

bool cmd_version(Shell *shell, const Cmd *cmd)
{
    g_autofree char *compiled = NULL, *library = NULL, *api = NULL, *hypervisor = NULL, *server = NULL;
    Versions versions = {0};

    if (!read_versions(shell, cmd, &versions))
        return false;
    if (shell_json(cmd))
        return versions_json(shell, cmd, &versions);
    compiled = version_text(versions.compiled);
    library = version_text(versions.library);
    api = version_text(versions.api);
    hypervisor = version_text(versions.hypervisor);
    server = version_text(versions.daemon);
    shell_print(shell, "Compiled against library: libvirt %s\nUsing library: libvirt %s\n", compiled, library);
    shell_print(shell, "Using API: %s %s\n", versions.type, api);
    if (versions.hypervisor)
        shell_print(shell, "Running hypervisor: %s %s\n", versions.type, hypervisor);
    else
        shell_print(shell, "Cannot extract running %s hypervisor version\n", versions.type);
    if (cmd_has(cmd, "daemon"))
        shell_print(shell, "Running against daemon: %s\n", server);
    return true;
}

/* --- CPU models --- */

static bool print_models(Shell *shell, const Cmd *cmd, char **models)
{
    json_object *list = json_object_new_array();

    for (char **model = models; *model; model++) {
        if (shell_json(cmd))
            json_object_array_add(list, json_object_new_string(*model));
        else
            shell_print(shell, "%s\n", *model);
    }
    if (shell_json(cmd))
        return shell_json_print(shell, list);
    json_object_put(list);
    return true;
}

bool cmd_cpu_models(Shell *shell, const Cmd *cmd)
{
    g_auto(GStrv) models = NULL;
    const char *arch = NULL;
    int count;

    if (cmd_string(shell, cmd, "arch", &arch) <= 0)
        return false;
    count = virConnectGetCPUModelNames(virsh_conn(shell), arch, &models, 0);
    if (count < 0)
        return shell_error(shell, "failed to get CPU model names");
    if (count == 0 && !shell_json(cmd)) {
        shell_print(shell, "all CPU models are accepted\n");
        return true;
    }
    return models ? print_models(shell, cmd, models) : true;
}

bool cmd_hypervisor_cpu_models(Shell *shell, const Cmd *cmd)
{
    const char *emulator = NULL, *arch = NULL, *machine = NULL, *type = NULL;
    g_autofree char *xml = NULL;
    g_autoptr(xmlDoc) doc = NULL;
    g_autoptr(GPtrArray) nodes = NULL, names = g_ptr_array_new_with_free_func(g_free);

    if (cmd_string(shell, cmd, "emulator", &emulator) < 0 || cmd_string(shell, cmd, "arch", &arch) < 0 ||
        cmd_string(shell, cmd, "machine", &machine) < 0 || cmd_string(shell, cmd, "virttype", &type) < 0)
        return false;
    xml = virConnectGetDomainCapabilities(virsh_conn(shell), emulator, arch, machine, type, 0);
    if (!xml)
        return shell_error(shell, "failed to get hypervisor CPU model names");
    doc = virsh_parse_xml(shell, xml);
    if (!doc)
        return false;
    nodes = virsh_xpath_nodes(doc, NULL, cmd_has(cmd, "all")
                                             ? "/domainCapabilities/cpu/mode[@name='custom']/model"
                                             : "/domainCapabilities/cpu/mode[@name='custom']/model[@usable='yes']");
    for (guint i = 0; i < nodes->len; i++)
        g_ptr_array_add(names, virsh_xpath_string(doc, nodes->pdata[i], "string(.)"));
    g_ptr_array_add(names, NULL);
    return print_models(shell, cmd, (char **)names->pdata);
}

/* --- comparing and computing CPUs --- */

/* The cpu elements of a file that holds them bare, or whole capabilities or domain capabilities; several roots are
 * allowed. NULL-ended. */
static char **read_cpus(Shell *shell, const Cmd *cmd)
{
    g_autofree char *text = virsh_read_option(shell, cmd, "file");
    g_autofree char *wrapped = NULL;
    g_autoptr(xmlDoc) doc = NULL;
    g_autoptr(GPtrArray) nodes = NULL;
    const char *start = text;
    GPtrArray *cpus;

    if (!text)
        return NULL;
    if (g_str_has_prefix(g_strchug(text), "<?xml"))
        start = strstr(text, "?>") ? strstr(text, "?>") + 2 : text;
    wrapped = g_strdup_printf("<container>%s</container>", start);
    doc = xmlReadMemory(wrapped, strlen(wrapped), cmd_get(cmd, "file"), NULL,
                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (!doc) {
        shell_error(shell, "file '%s' isn't well-formed XML", cmd_get(cmd, "file"));
        return NULL;
    }
    nodes = virsh_xpath_nodes(doc, NULL, "/container/cpu | /container/capabilities/host/cpu | "
                                         "/container/domainCapabilities/cpu/mode[@name='host-model' and "
                                         "@supported='yes'] | /container/domain/cpu | /container/domainsnapshot/domain/cpu");
    if (!nodes->len) {
        shell_error(shell, "File '%s' does not contain any <cpu> element or valid domain XML, host capabilities XML, or "
                           "domain capabilities XML", cmd_get(cmd, "file"));
        return NULL;
    }
    cpus = g_ptr_array_new();
    for (guint i = 0; i < nodes->len; i++) {
        xmlNodePtr node = nodes->pdata[i];

        if (xmlStrEqual(node->name, (const xmlChar *)"mode")) {
            xmlNodeSetName(node, (const xmlChar *)"cpu");
            xmlUnsetProp(node, (const xmlChar *)"name");
            xmlUnsetProp(node, (const xmlChar *)"supported");
        }
        g_ptr_array_add(cpus, virsh_node_xml(doc, node));
    }
    g_ptr_array_add(cpus, NULL);
    return (char **)g_ptr_array_free(cpus, FALSE);
}

static unsigned int baseline_flags(const Cmd *cmd)
{
    static const VirshFlag table[] = {
        {"features", VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES},
        {"migratable", VIR_CONNECT_BASELINE_CPU_MIGRATABLE},
        {"ignore-host", VIR_CONNECT_BASELINE_CPU_IGNORE_HOST},
        {NULL, 0},
    };

    return virsh_flags(cmd, table);
}

bool cmd_cpu_baseline(Shell *shell, const Cmd *cmd)
{
    g_auto(GStrv) cpus = read_cpus(shell, cmd);
    g_autofree char *xml = NULL;

    if (!cpus)
        return false;
    xml = virConnectBaselineCPU(virsh_conn(shell), (const char **)cpus, g_strv_length(cpus), baseline_flags(cmd));
    if (!xml)
        return false;
    shell_print(shell, "%s", xml);
    return true;
}

bool cmd_hypervisor_cpu_baseline(Shell *shell, const Cmd *cmd)
{
    const char *emulator = NULL, *arch = NULL, *machine = NULL, *type = NULL, *model = NULL;
    g_auto(GStrv) cpus = NULL;
    g_autofree char *xml = NULL;

    if (cmd_string(shell, cmd, "emulator", &emulator) < 0 || cmd_string(shell, cmd, "arch", &arch) < 0 ||
        cmd_string(shell, cmd, "machine", &machine) < 0 || cmd_string(shell, cmd, "virttype", &type) < 0 ||
        cmd_string(shell, cmd, "model", &model) < 0)
        return false;
    if (model)
        cpus = g_new0(char *, 2);
    if (model)
        cpus[0] = g_markup_printf_escaped("<cpu><model>%s</model></cpu>", model);
    else
        cpus = read_cpus(shell, cmd);
    if (!cpus)
        return false;
    xml = virConnectBaselineHypervisorCPU(virsh_conn(shell), emulator, arch, machine, type, (const char **)cpus,
                                          g_strv_length(cpus), baseline_flags(cmd));
    if (!xml)
        return false;
    shell_print(shell, "%s", xml);
    return true;
}

static bool print_comparison(Shell *shell, const Cmd *cmd, int result, const char *with)
{
    const char *file = cmd_get(cmd, "file");

    switch (result) {
    case VIR_CPU_COMPARE_INCOMPATIBLE:
        shell_print(shell, "CPU described in %s is incompatible with %s\n", file, with);
        return false;
    case VIR_CPU_COMPARE_IDENTICAL:
        shell_print(shell, "CPU described in %s is identical to %s\n", file, with);
        return true;
    case VIR_CPU_COMPARE_SUPERSET:
        shell_print(shell, g_str_equal(with, "host CPU") ? "Host CPU is a superset of CPU described in %s\n"
                        : "The CPU provided by hypervisor on the host is a superset of CPU described in %s\n", file);
        return true;
    default:
        return shell_error(shell, "Failed to compare %s with %s",
                           g_str_equal(with, "host CPU") ? with : "hypervisor CPU", file);
    }
}

static unsigned int compare_flags(const Cmd *cmd)
{
    static const VirshFlag table[] = {
        {"error", VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE},
        {"validate", VIR_CONNECT_COMPARE_CPU_VALIDATE_XML},
        {NULL, 0},
    };

    return virsh_flags(cmd, table);
}

bool cmd_cpu_compare(Shell *shell, const Cmd *cmd)
{
    g_auto(GStrv) cpus = read_cpus(shell, cmd);

    return cpus && print_comparison(shell, cmd, virConnectCompareCPU(virsh_conn(shell), cpus[0], compare_flags(cmd)),
                                    "host CPU");
}

bool cmd_hypervisor_cpu_compare(Shell *shell, const Cmd *cmd)
{
    const char *emulator = NULL, *arch = NULL, *machine = NULL, *type = NULL;
    g_auto(GStrv) cpus = NULL;

    if (cmd_string(shell, cmd, "emulator", &emulator) < 0 || cmd_string(shell, cmd, "arch", &arch) < 0 ||
        cmd_string(shell, cmd, "machine", &machine) < 0 || cmd_string(shell, cmd, "virttype", &type) < 0)
        return false;
    cpus = read_cpus(shell, cmd);
    return cpus && print_comparison(shell, cmd,
                                    virConnectCompareHypervisorCPU(virsh_conn(shell), emulator, arch, machine, type,
                                                                   cpus[0], compare_flags(cmd)),
                                    "the CPU provided by hypervisor on the host");
}
