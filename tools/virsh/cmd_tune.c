/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domains: the commands that show parameters when called without any, and set those given otherwise. Each is a row: how
 * to get, how to set, what to say.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

typedef struct {
    const char *what, *set_failed;
    const char *malformed; /* said in addition if an option's number is wrong, or NULL */
    int (*get)(virDomainPtr domain, const char *device, virTypedParameterPtr params, int *count, unsigned int flags);
    int (*set)(virDomainPtr domain, const char *device, virTypedParameterPtr params, int count, unsigned int flags);
    const char *(*name)(const virTypedParameter *param); /* a word for a value, or NULL */
    bool numbered; /* the failed question for their number is said to be that */
} Tune;

/* Functions that know no device. */
#define OF_DOMAIN(KIND, GET, SET)                                                                                  \
    static int get_##KIND(virDomainPtr domain, const char *device, virTypedParameterPtr params, int *count,        \
                          unsigned int flags)                                                                      \
    {                                                                                                              \
        return GET(domain, params, count, flags);                                                                  \
    }                                                                                                              \
    static int set_##KIND(virDomainPtr domain, const char *device, virTypedParameterPtr params, int count,         \
                          unsigned int flags)                                                                      \
    {                                                                                                              \
        return SET(domain, params, count, flags);                                                                  \
    }

OF_DOMAIN(memory, virDomainGetMemoryParameters, virDomainSetMemoryParameters)
OF_DOMAIN(blkio, virDomainGetBlkioParameters, virDomainSetBlkioParameters)
OF_DOMAIN(numa, virDomainGetNumaParameters, virDomainSetNumaParameters)

static bool tune_show(Shell *shell, const Cmd *cmd, const Tune *tune, virDomainPtr domain, const char *device,
                      unsigned int flags)
{
    g_auto(VirshParams) params = {0};
    int count = 0;

    if (tune->get(domain, device, NULL, &count, flags) < 0)
        return shell_error(shell, "Unable to get %s%s", tune->numbered ? "number of " : "", tune->what);
    params.list = calloc(count + 1, sizeof(*params.list));
    params.count = count;
    if (count && tune->get(domain, device, params.list, &params.count, flags) < 0)
        return shell_error(shell, "Unable to get %s", tune->what);
    return virsh_params_print(shell, cmd, &params, 15, tune->name);
}

/* `given`: parameters that don't come from one option each. */
static bool tune_run(Shell *shell, const Cmd *cmd, const Tune *tune, virDomainPtr domain, const char *device,
                     VirshParams *given)
{
    int flags = virsh_affect(shell, cmd);

    if (flags < 0)
        return false;
    if (!virsh_params_take(shell, cmd, given))
        return tune->malformed && shell_error(shell, "%s", tune->malformed);
    if (!given->count)
        return tune_show(shell, cmd, tune, domain, device, flags);
    if (tune->set(domain, device, given->list, given->count, flags) < 0)
        return shell_error(shell, "Unable to %s", tune->set_failed);
    return true;
}

/* --- memory, block I/O, NUMA --- */

static const char *unlimited(const virTypedParameter *param)
{
    return param->type == VIR_TYPED_PARAM_ULLONG && param->value.ul == VIR_DOMAIN_MEMORY_PARAM_UNLIMITED ? "unlimited"
                                                                                                          : NULL;
}

bool cmd_memtune(Shell *shell, const Cmd *cmd)
{
    static const Tune memory = {"memory parameters", "change memory parameters", NULL, get_memory, set_memory, unlimited,
                                true};
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_auto(VirshParams) params = {0};

    return domain && tune_run(shell, cmd, &memory, domain, NULL, &params);
}

bool cmd_blkiotune(Shell *shell, const Cmd *cmd)
{
    static const Tune blkio = {"blkio parameters", "change blkio parameters", NULL, get_blkio, set_blkio, NULL, true};
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_auto(VirshParams) params = {0};
    int weight = 1;

    if (domain && cmd_int(shell, cmd, "weight", &weight) < 0)
        return false;
    if (weight <= 0)
        return shell_error(shell, "Invalid value of %d for I/O weight", weight);
    return domain && tune_run(shell, cmd, &blkio, domain, NULL, &params);
}

static const VirshName numa_modes[] = {
    {VIR_DOMAIN_NUMATUNE_MEM_STRICT, "strict"},
    {VIR_DOMAIN_NUMATUNE_MEM_PREFERRED, "preferred"},
    {VIR_DOMAIN_NUMATUNE_MEM_INTERLEAVE, "interleave"},
    {VIR_DOMAIN_NUMATUNE_MEM_RESTRICTIVE, "restrictive"},
    {0, NULL},
};

static const char *numa_name(const virTypedParameter *param)
{
    return g_str_equal(param->field, VIR_DOMAIN_NUMA_MODE) ? virsh_name(numa_modes, param->value.i, NULL) : NULL;
}

bool cmd_numatune(Shell *shell, const Cmd *cmd)
{
    static const Tune numa = {"numa parameters", "change numa parameters", NULL, get_numa, set_numa, numa_name, false};
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_auto(VirshParams) params = {0};
    const char *mode = NULL;
    gint64 number = 0;
    int value = 0;

    if (!domain || cmd_string(shell, cmd, "mode", &mode) < 0)
        return false;
    if (mode && g_ascii_string_to_signed(mode, 10, 0, G_MAXINT, &number, NULL))
        value = number; /* the driver knows which there are */
    else if (mode && !virsh_value(numa_modes, mode, &value))
        return shell_error(shell, "Invalid mode: %s", mode);
    if (mode && !virsh_params_add_int(&params, VIR_DOMAIN_NUMA_MODE, value))
        return false;
    return tune_run(shell, cmd, &numa, domain, NULL, &params);
}

/* --- disks, throttle groups, interfaces --- */

static const char bad_throttle[] = "Unable to parse integer parameter";

bool cmd_blkdeviotune(Shell *shell, const Cmd *cmd)
{
    static const Tune iotune = {"block I/O throttle parameters", "change block I/O throttle", bad_throttle,
                                virDomainGetBlockIoTune, virDomainSetBlockIoTune, NULL, true};
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_auto(VirshParams) params = {0};
    const char *device = NULL;

    return domain && cmd_string(shell, cmd, "device", &device) > 0 &&
           tune_run(shell, cmd, &iotune, domain, device, &params);
}

bool cmd_domthrottlegroupset(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_auto(VirshParams) params = {0};
    const char *group = NULL;
    int flags;

    if (!domain || cmd_string(shell, cmd, "group-name", &group) <= 0 || (flags = virsh_affect(shell, cmd)) < 0)
        return false;
    if (!virsh_params_take(shell, cmd, &params))
        return shell_error(shell, bad_throttle);
    if (virDomainSetThrottleGroup(domain, group, params.list, params.count, flags) < 0)
        return shell_error(shell, "Unable to change throttle group '%s' of domain '%s'", group,
                           virDomainGetName(domain));
    shell_print_extra(shell, "Throttle group '%s' of domain '%s' set\n", group, virDomainGetName(domain));
    return true;
}

bool cmd_domthrottlegroupdel(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    const char *group = NULL;
    int flags;

    if (!domain || cmd_string(shell, cmd, "group-name", &group) <= 0 || (flags = virsh_affect(shell, cmd)) < 0)
        return false;
    if (virDomainDelThrottleGroup(domain, group, flags) < 0)
        return shell_error(shell, "Unable to delete throttle group '%s' of domain '%s'", group,
                           virDomainGetName(domain));
    shell_print_extra(shell, "Throttle group '%s' of domain '%s' deleted\n", group, virDomainGetName(domain));
    return true;
}

/* The definition's throttle groups: there is no call that lists them. */
static xmlDocPtr throttle_groups(Shell *shell, const Cmd *cmd, virDomainPtr domain, GPtrArray **groups)
{
    xmlDocPtr doc = virsh_domain_doc(shell, domain, cmd_has(cmd, "inactive") ? VIR_DOMAIN_XML_INACTIVE : 0);

    *groups = doc ? virsh_xpath_nodes(doc, NULL, "/domain/throttlegroups/throttlegroup") : NULL;
    return doc;
}

bool cmd_domthrottlegrouplist(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(GPtrArray) groups = NULL;
    g_autoptr(xmlDoc) doc = domain ? throttle_groups(shell, cmd, domain, &groups) : NULL;
    g_autoptr(VirshRows) rows = virsh_rows_new("Name", NULL);

    if (!doc)
        return false;
    for (guint i = 0; i < groups->len; i++) {
        g_autofree char *name = virsh_xpath_string(doc, groups->pdata[i], "group_name");

        virsh_record_text(virsh_rows_add(rows), "Name", "name", name);
    }
    return virsh_rows_print(shell, cmd, rows);
}

static void throttle_facts(Shell *shell, const Cmd *cmd, xmlNodePtr group, json_object *document)
{
    for (xmlNodePtr child = group->children; child; child = child->next) {
        g_autofree char *text = NULL;
        xmlChar *content;

        if (child->type != XML_ELEMENT_NODE)
            continue;
        content = xmlNodeGetContent(child);
        text = g_strdup((const char *)content);
        xmlFree(content);
        if (!shell_json(cmd))
            shell_print(shell, "%-15s: %s\n", (const char *)child->name, text);
        else if (g_str_equal((const char *)child->name, "group_name"))
            shell_json_string(document, "group_name", text);
        else
            shell_json_uint(document, (const char *)child->name, g_ascii_strtoull(text, NULL, 10));
    }
}

bool cmd_domthrottlegroupinfo(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(GPtrArray) groups = NULL;
    g_autoptr(xmlDoc) doc = domain ? throttle_groups(shell, cmd, domain, &groups) : NULL;
    const char *group = NULL;
    json_object *document;

    if (!doc || cmd_string(shell, cmd, "group-name", &group) <= 0)
        return false;
    for (guint i = 0; i < groups->len; i++) {
        g_autofree char *name = virsh_xpath_string(doc, groups->pdata[i], "string(group_name)");

        if (!g_str_equal(name, group))
            continue;
        document = json_object_new_object();
        throttle_facts(shell, cmd, groups->pdata[i], document);
        if (shell_json(cmd))
            return shell_json_print(shell, document);
        json_object_put(document);
        return true;
    }
    return shell_error(shell, "domain '%s' has no throttle group '%s'", virDomainGetName(domain), group);
}

bool cmd_domiftune(Shell *shell, const Cmd *cmd)
{
    static const Tune interface = {"interface parameters", "set interface parameters", NULL, virDomainGetInterfaceParameters,
                                   virDomainSetInterfaceParameters, NULL, false};
    static const char *const directions[] = {"inbound", "outbound"};
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_auto(VirshParams) params = {0};
    const char *device = NULL;

    if (!domain || cmd_string(shell, cmd, "interface", &device) <= 0)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(directions); i++) {
        VirshRate rate = {0};
        const unsigned int *values[] = {&rate.average, &rate.peak, &rate.burst, &rate.floor};
        static const char *const names[] = {"average", "peak", "burst", "floor"};
        int rc = virsh_rate(shell, cmd, directions[i], true, &rate);

        if (rc < 0)
            return false;
        for (size_t k = 0; rc > 0 && k < G_N_ELEMENTS(names); k++) {
            g_autofree char *field = g_strdup_printf("%s.%s", directions[i], names[k]);

            /* an average of 0 takes the limit away */
            if ((*values[k] || k == 0) && !(k == 0 && rate.floor && !rate.average) &&
                virTypedParamsAddUInt(&params.list, &params.count, &params.max, field, *values[k]) < 0)
                return false;
        }
    }
    return tune_run(shell, cmd, &interface, domain, device, &params);
}

/* --- performance events --- */

static const char *enabled(const virTypedParameter *param)
{
    return param->type == VIR_TYPED_PARAM_BOOLEAN ? param->value.b ? "enabled" : "disabled" : NULL;
}

bool cmd_perf(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_auto(VirshParams) params = {0};
    const char *texts[2] = {NULL, NULL};
    int flags;

    if (!domain || (flags = virsh_affect(shell, cmd)) < 0 || cmd_string(shell, cmd, "enable", &texts[1]) < 0 ||
        cmd_string(shell, cmd, "disable", &texts[0]) < 0)
        return false;
    for (int on = 1; on >= 0; on--) {
        g_auto(GStrv) words = texts[on] ? virsh_list(texts[on]) : NULL;

        for (char **word = words; word && *word; word++) {
            if (virTypedParamsAddBoolean(&params.list, &params.count, &params.max, *word, on) < 0)
                return false;
        }
    }
    if (params.count) {
        if (virDomainSetPerfEvents(domain, params.list, params.count, flags) < 0)
            return shell_error(shell, "Unable to enable/disable perf events");
        return virsh_params_print(shell, cmd, &params, 15, enabled);
    }
    if (virDomainGetPerfEvents(domain, &params.list, &params.count, flags) < 0)
        return shell_error(shell, "Unable to get perf events");
    return virsh_params_print(shell, cmd, &params, 15, enabled);
}

/* --- scheduler --- */

/* Sets a parameter of the scheduler from text, by the type that it has; false after an error printed. */
static bool set_field(Shell *shell, virTypedParameterPtr param, const char *text)
{
    static const char *const types[] = {"", "int", "unsigned int", "long long", "unsigned long long", "double"};
    guint64 natural = 0;
    gint64 number = 0;
    char *end = NULL;
    bool fine = false;

    switch (param->type) {
    case VIR_TYPED_PARAM_INT:
        fine = g_ascii_string_to_signed(text, 10, G_MININT, G_MAXINT, &number, NULL);
        param->value.i = number;
        break;
    case VIR_TYPED_PARAM_UINT:
        fine = g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT, &natural, NULL);
        param->value.ui = natural;
        break;
    case VIR_TYPED_PARAM_LLONG:
        fine = g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &number, NULL);
        param->value.l = number;
        break;
    case VIR_TYPED_PARAM_ULLONG:
        fine = g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &natural, NULL);
        param->value.ul = natural;
        break;
    case VIR_TYPED_PARAM_DOUBLE:
        param->value.d = g_ascii_strtod(text, &end);
        fine = end != text && !*end;
        break;
    case VIR_TYPED_PARAM_BOOLEAN:
        fine = g_ascii_string_to_unsigned(text, 10, 0, 1, &natural, NULL);
        param->value.b = natural;
        break;
    }
    if (fine)
        return true;
    return shell_error(shell, "invalid argument: Invalid value for field '%s': expected %s", param->field,
                       (size_t)param->type < G_N_ELEMENTS(types) ? types[param->type] : "0 or 1");
}

/* Takes NAME=VALUE over from the parameters of the scheduler. */
static bool take_assignment(Shell *shell, VirshParams *all, const char *text, GArray *changed)
{
    const char *equals = strchr(text, '=');
    g_autofree char *name = equals ? g_strndup(text, equals - text) : NULL;

    if (!name)
        return shell_error(shell, "Invalid syntax for --set, expecting name=value");
    for (int i = 0; i < all->count; i++) {
        if (!g_str_equal(all->list[i].field, name))
            continue;
        if (!set_field(shell, &all->list[i], equals + 1))
            return false;
        g_array_append_val(changed, all->list[i]);
        return true;
    }
    return shell_error(shell, "invalid scheduler option: %s", name);
}

static bool scheduler_changes(Shell *shell, const Cmd *cmd, VirshParams *all, GArray *changed)
{
    static const char *const options[] = {"weight", "cap"};

    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        g_autofree char *text = cmd_get(cmd, options[i]) ? g_strconcat(options[i], "=", cmd_get(cmd, options[i]), NULL)
                                                         : NULL;
        if (text && !take_assignment(shell, all, text, changed))
            return false;
    }
    for (const char *const *word = cmd_argv(cmd, "set"); *word; word++) {
        if (!take_assignment(shell, all, *word, changed))
            return false;
    }
    return true;
}

/* flags below 0: none were asked for, which drivers without flags have to know. */
static bool get_scheduler(virDomainPtr domain, VirshParams *params, int flags)
{
    if (!params->list)
        params->list = calloc(params->max + 1, sizeof(*params->list));
    params->count = params->max;
    if (params->max == 0)
        return true;
    return (flags < 0 ? virDomainGetSchedulerParameters(domain, params->list, &params->count)
                      : virDomainGetSchedulerParametersFlags(domain, params->list, &params->count, flags)) == 0;
}

static bool set_scheduler(virDomainPtr domain, GArray *changed, int flags)
{
    virTypedParameterPtr list = (virTypedParameterPtr)changed->data;

    return (flags < 0 ? virDomainSetSchedulerParameters(domain, list, changed->len)
                      : virDomainSetSchedulerParametersFlags(domain, list, changed->len, flags)) == 0;
}

bool cmd_schedinfo(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(GArray) changed = g_array_new(FALSE, FALSE, sizeof(virTypedParameter));
    g_auto(VirshParams) params = {0};
    g_autofree char *type = NULL;
    int flags;

    if (!domain || (flags = virsh_affect(shell, cmd)) < 0)
        return false;
    if (!flags && !cmd_has(cmd, "current"))
        flags = -1;
    type = virDomainGetSchedulerType(domain, &params.max);
    if (!shell_json(cmd))
        shell_print(shell, "%-15s: %s\n", "Scheduler", type ? type : "Unknown");
    if (!type || !get_scheduler(domain, &params, flags) || !scheduler_changes(shell, cmd, &params, changed))
        return false;
    if (changed->len && (!set_scheduler(domain, changed, flags) || !get_scheduler(domain, &params, flags)))
        return false;
    return virsh_params_print(shell, cmd, &params, 15, NULL);
}
