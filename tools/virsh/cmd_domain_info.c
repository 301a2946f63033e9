/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: identity, state, basic facts. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

static bool print_word(Shell *shell, const Cmd *cmd, const char *key, const char *text)
{
    json_object *document;

    if (!shell_json(cmd)) {
        shell_print(shell, "%s\n", text);
        return true;
    }
    document = json_object_new_object();
    shell_json_string(document, key, text);
    return shell_json_print(shell, document);
}

bool cmd_domid(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    json_object *document;
    unsigned int id;

    if (!domain)
        return false;
    id = virDomainGetID(domain);
    if (shell_json(cmd)) {
        document = json_object_new_object();
        if (id == (unsigned int)-1)
            shell_json_null(document, "id");
        else
            shell_json_uint(document, "id", id);
        return shell_json_print(shell, document);
    }
    if (id == (unsigned int)-1)
        shell_print(shell, "-\n");
    else
        shell_print(shell, "%u\n", id);
    return true;
}

bool cmd_domname(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);

    return domain && print_word(shell, cmd, "name", virDomainGetName(domain));
}

bool cmd_domuuid(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    char uuid[VIR_UUID_STRING_BUFLEN];

    if (!domain)
        return false;
    if (virDomainGetUUIDString(domain, uuid) < 0)
        return shell_error(shell, "failed to get domain UUID");
    return print_word(shell, cmd, "uuid", uuid);
}

bool cmd_domstate(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    int state = 0, reason = 0;
    json_object *document;

    if (!domain || virDomainGetState(domain, &state, &reason, 0) < 0)
        return false;
    if (shell_json(cmd)) {
        document = json_object_new_object();
        shell_json_string(document, "state", virsh_domain_state(state));
        shell_json_string(document, "reason", virsh_domain_reason(state, reason));
        return shell_json_print(shell, document);
    }
    if (cmd_has(cmd, "reason"))
        shell_print(shell, "%s (%s)\n", virsh_domain_state(state), virsh_domain_reason(state, reason));
    else
        shell_print(shell, "%s\n", virsh_domain_state(state));
    return true;
}

bool cmd_domcontrol(Shell *shell, const Cmd *cmd)
{
    static const VirshName states[] = {
        {VIR_DOMAIN_CONTROL_OK, "ok"},
        {VIR_DOMAIN_CONTROL_JOB, "background job"},
        {VIR_DOMAIN_CONTROL_OCCUPIED, "occupied"},
        {VIR_DOMAIN_CONTROL_ERROR, "error"},
        {0, NULL},
    };
    static const VirshName details[] = {
        {VIR_DOMAIN_CONTROL_ERROR_REASON_MONITOR, "monitor failure"},
        {VIR_DOMAIN_CONTROL_ERROR_REASON_INTERNAL, "internal (locking) error"},
        {0, NULL},
    };
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    virDomainControlInfo info;
    json_object *document;
    const char *state;

    if (!domain || virDomainGetControlInfo(domain, &info, 0) < 0)
        return false;
    state = virsh_name(states, info.state, "unknown");
    if (shell_json(cmd)) {
        document = json_object_new_object();
        shell_json_string(document, "state", state);
        shell_json_uint(document, "since_ms", info.stateTime);
        return shell_json_print(shell, document);
    }
    if (info.state == VIR_DOMAIN_CONTROL_ERROR)
        shell_print(shell, "%s: %s (%0.3fs)\n", state, virsh_name(details, info.details, "unknown"),
                    info.stateTime / 1000.0);
    else if (info.state == VIR_DOMAIN_CONTROL_OK)
        shell_print(shell, "%s\n", state);
    else
        shell_print(shell, "%s (%0.3fs)\n", state, info.stateTime / 1000.0);
    return true;
}

/* --- dominfo --- */

typedef struct {
    unsigned int id;
    const char *name;
    char uuid[VIR_UUID_STRING_BUFLEN];
    char *os_type;
    virDomainInfo info;
    int persistent, autostart, once, saved; /* -1: not known */
    virSecurityModel model;
    GPtrArray *labels, *messages;
} Facts;

static void facts_clear(Facts *facts)
{
    g_free(facts->os_type);
    g_clear_pointer(&facts->labels, g_ptr_array_unref);
    g_clear_pointer(&facts->messages, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Facts, facts_clear)

static void add_label(Facts *facts, const virSecurityLabel *label)
{
    if (label->label[0])
        g_ptr_array_add(facts->labels, g_strdup_printf("%.*s (%s)", VIR_SECURITY_LABEL_BUFLEN - 1, label->label,
                                                       label->enforcing ? "enforcing" : "permissive"));
}

static void read_labels(Shell *shell, virDomainPtr domain, Facts *facts)
{
    virSecurityLabelPtr labels = NULL;
    virSecurityLabel single = {.label = ""};
    int count;

    facts->labels = g_ptr_array_new_with_free_func(g_free);
    if (virNodeGetSecurityModel(virsh_conn(shell), &facts->model) < 0 || !facts->model.model[0])
        facts->model.model[0] = '\0';
    count = facts->model.model[0] ? virDomainGetSecurityLabelList(domain, &labels) : 0;
    if (facts->model.model[0] && count <= 0 && virDomainGetSecurityLabel(domain, &single) == 0)
        add_label(facts, &single); /* a driver that knows one label only */
    for (int i = 0; i < count; i++)
        add_label(facts, &labels[i]);
    free(labels);
    client_error_forget();
}

static void read_messages(virDomainPtr domain, Facts *facts)
{
    char **messages = NULL;
    int count = virDomainGetMessages(domain, &messages, 0);

    facts->messages = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < count; i++) {
        g_ptr_array_add(facts->messages, g_strdup(messages[i]));
        free(messages[i]);
    }
    free(messages);
    client_error_forget();
}

static bool read_facts(Shell *shell, virDomainPtr domain, Facts *facts)
{
    facts->id = virDomainGetID(domain);
    facts->name = virDomainGetName(domain);
    if (virDomainGetUUIDString(domain, facts->uuid) < 0)
        facts->uuid[0] = '\0';
    facts->os_type = virDomainGetOSType(domain);
    if (virDomainGetInfo(domain, &facts->info) < 0)
        return false;
    facts->persistent = virDomainIsPersistent(domain);
    facts->autostart = facts->once = 0;
    if (virDomainGetAutostart(domain, &facts->autostart) < 0)
        facts->autostart = -1;
    facts->saved = virDomainHasManagedSaveImage(domain, 0);
    read_labels(shell, domain, facts);
    read_messages(domain, facts);
    return true;
}

static const char *yes_no(int value)
{
    return value < 0 ? "unknown" : value ? "yes" : "no";
}

static void json_tristate(json_object *document, const char *key, int value)
{
    if (value < 0)
        shell_json_null(document, key);
    else
        shell_json_bool(document, key, value);
}

static bool facts_json(Shell *shell, const Facts *facts)
{
    json_object *document = json_object_new_object(), *labels = json_object_new_array();
    json_object *messages = json_object_new_array();

    if (facts->id == (unsigned int)-1)
        shell_json_null(document, "id");
    else
        shell_json_uint(document, "id", facts->id);
    shell_json_string(document, "name", facts->name);
    shell_json_string(document, "uuid", facts->uuid);
    shell_json_string(document, "os_type", facts->os_type);
    shell_json_string(document, "state", virsh_domain_state(facts->info.state));
    shell_json_uint(document, "vcpus", facts->info.nrVirtCpu);
    shell_json_uint(document, "cpu_time_ns", facts->info.cpuTime);
    shell_json_uint(document, "max_memory_kib", facts->info.maxMem);
    shell_json_uint(document, "memory_kib", facts->info.memory);
    json_tristate(document, "persistent", facts->persistent);
    json_tristate(document, "autostart", facts->autostart);
    json_tristate(document, "managed_save", facts->saved);
    shell_json_string(document, "security_model", facts->model.model[0] ? facts->model.model : NULL);
    for (guint i = 0; i < facts->labels->len; i++)
        json_object_array_add(labels, json_object_new_string(facts->labels->pdata[i]));
    for (guint i = 0; i < facts->messages->len; i++)
        json_object_array_add(messages, json_object_new_string(facts->messages->pdata[i]));
    json_object_object_add(document, "security_labels", labels);
    json_object_object_add(document, "messages", messages);
    return shell_json_print(shell, document);
}

static bool facts_text(Shell *shell, const Facts *facts)
{
    const virDomainInfo *info = &facts->info;

    if (facts->id == (unsigned int)-1)
        virsh_field(shell, 15, "Id", "-");
    else
        virsh_field(shell, 15, "Id", "%u", facts->id);
    virsh_field(shell, 15, "Name", "%s", facts->name);
    virsh_field(shell, 15, "UUID", "%s", facts->uuid);
    if (facts->os_type)
        virsh_field(shell, 15, "OS Type", "%s", facts->os_type);
    virsh_field(shell, 15, "State", "%s", virsh_domain_state(info->state));
    virsh_field(shell, 15, "CPU(s)", "%d", info->nrVirtCpu);
    if (info->cpuTime)
        virsh_field(shell, 15, "CPU time", "%.1lfs", info->cpuTime / 1e9);
    if (info->maxMem != ULONG_MAX)
        virsh_field(shell, 15, "Max memory", "%lu KiB", info->maxMem);
    else
        virsh_field(shell, 15, "Max memory", "no limit");
    virsh_field(shell, 15, "Used memory", "%lu KiB", info->memory);
    virsh_field(shell, 15, "Persistent", "%s", yes_no(facts->persistent));
    if (facts->autostart >= 0)
        virsh_field(shell, 15, "Autostart", "%s", facts->autostart ? "enable" : "disable");
    virsh_field(shell, 15, "Managed save", "%s", yes_no(facts->saved));
    if (facts->model.model[0]) {
        virsh_field(shell, 15, "Security model", "%s", facts->model.model);
        virsh_field(shell, 15, "Security DOI", "%s", facts->model.doi);
        for (guint i = 0; i < facts->labels->len; i++)
            virsh_field(shell, 15, "Security label", "%s", (char *)facts->labels->pdata[i]);
    }
    for (guint i = 0; i < facts->messages->len; i++)
        shell_print(shell, "%-15s %s\n", i ? "" : "Messages:", (char *)facts->messages->pdata[i]);
    return true;
}

bool cmd_dominfo(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_auto(Facts) facts = {0};

    if (!domain || !read_facts(shell, domain, &facts))
        return false;
    client_error_forget();
    return shell_json(cmd) ? facts_json(shell, &facts) : facts_text(shell, &facts);
}

/* --- statistics --- */

static const VirshFlag stats_groups[] = {
    {"state", VIR_DOMAIN_STATS_STATE},         {"cpu-total", VIR_DOMAIN_STATS_CPU_TOTAL},
    {"balloon", VIR_DOMAIN_STATS_BALLOON},     {"vcpu", VIR_DOMAIN_STATS_VCPU},
    {"interface", VIR_DOMAIN_STATS_INTERFACE}, {"block", VIR_DOMAIN_STATS_BLOCK},
    {"perf", VIR_DOMAIN_STATS_PERF},           {"iothread", VIR_DOMAIN_STATS_IOTHREAD},
    {"memory", VIR_DOMAIN_STATS_MEMORY},       {"dirtyrate", VIR_DOMAIN_STATS_DIRTYRATE},
    {"vm", VIR_DOMAIN_STATS_VM},               {NULL, 0},
};

static const VirshFlag stats_flags[] = {
    {"list-active", VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE},
    {"list-inactive", VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE},
    {"list-persistent", VIR_CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT},
    {"list-transient", VIR_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT},
    {"list-running", VIR_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING},
    {"list-paused", VIR_CONNECT_GET_ALL_DOMAINS_STATS_PAUSED},
    {"list-shutoff", VIR_CONNECT_GET_ALL_DOMAINS_STATS_SHUTOFF},
    {"list-other", VIR_CONNECT_GET_ALL_DOMAINS_STATS_OTHER},
    {"enforce", VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS},
    {"backing", VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING},
    {"nowait", VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT},
    {NULL, 0},
};

/* Values that read better as a word, unless --raw. */
static char *stats_text(const virTypedParameter *param, bool raw)
{
    if (!raw && g_str_equal(param->field, VIR_DOMAIN_STATS_DIRTYRATE_CALC_MODE))
        return NULL;
    return client_param_text(param);
}

static json_object *record_json(virDomainStatsRecordPtr record)
{
    json_object *one = json_object_new_object(), *values = json_object_new_object();

    shell_json_string(one, "name", virDomainGetName(record->dom));
    for (int i = 0; i < record->nparams; i++)
        client_param_json(values, record->params[i].field, &record->params[i]);
    json_object_object_add(one, "stats", values);
    return one;
}

static void record_text(Shell *shell, const Cmd *cmd, virDomainStatsRecordPtr record)
{
    shell_print(shell, "Domain: '%s'\n", virDomainGetName(record->dom));
    for (int i = 0; i < record->nparams; i++) {
        g_autofree char *text = stats_text(&record->params[i], cmd_has(cmd, "raw"));
        g_autofree char *plain = text ? NULL : client_param_text(&record->params[i]);

        shell_print(shell, "  %s=%s\n", record->params[i].field, text ? text : plain);
    }
}

static bool print_records(Shell *shell, const Cmd *cmd, virDomainStatsRecordPtr *records, int count)
{
    json_object *list;

    if (!shell_json(cmd)) {
        for (int i = 0; i < count; i++) {
            record_text(shell, cmd, records[i]);
            if (i + 1 < count)
                shell_print(shell, "\n");
        }
        return true;
    }
    list = json_object_new_array();
    for (int i = 0; i < count; i++)
        json_object_array_add(list, record_json(records[i]));
    return shell_json_print(shell, list);
}

static void domain_free(gpointer domain)
{
    if (domain)
        virDomainFree(domain);
}

bool cmd_domstats(Shell *shell, const Cmd *cmd)
{
    unsigned int groups = virsh_flags(cmd, stats_groups), flags = virsh_flags(cmd, stats_flags);
    g_autoptr(GPtrArray) domains = g_ptr_array_new_with_free_func(domain_free);
    virDomainStatsRecordPtr *records = NULL;
    bool done;
    int count;

    for (const char *const *name = cmd_argv(cmd, "domain"); *name; name++) {
        virDomainPtr domain = virsh_domain_named(shell, *name);
        if (!domain)
            return false;
        g_ptr_array_add(domains, domain);
    }
    if (domains->len) {
        g_ptr_array_add(domains, NULL);
        count = virDomainListGetStats((virDomainPtr *)domains->pdata, groups, &records, flags);
    } else {
        count = virConnectGetAllDomainStats(virsh_conn(shell), groups, &records, flags);
    }
    if (count < 0)
        return false;
    done = print_records(shell, cmd, records, count);
    virDomainStatsRecordListFree(records);
    return done;
}

/* --- memory and processor figures --- */

bool cmd_dommemstat(Shell *shell, const Cmd *cmd)
{
    static const VirshName names[] = {
        {VIR_DOMAIN_MEMORY_STAT_SWAP_IN, "swap_in"},
        {VIR_DOMAIN_MEMORY_STAT_SWAP_OUT, "swap_out"},
        {VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT, "major_fault"},
        {VIR_DOMAIN_MEMORY_STAT_MINOR_FAULT, "minor_fault"},
        {VIR_DOMAIN_MEMORY_STAT_UNUSED, "unused"},
        {VIR_DOMAIN_MEMORY_STAT_AVAILABLE, "available"},
        {VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, "actual"},
        {VIR_DOMAIN_MEMORY_STAT_RSS, "rss"},
        {VIR_DOMAIN_MEMORY_STAT_USABLE, "usable"},
        {VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE, "last_update"},
        {VIR_DOMAIN_MEMORY_STAT_DISK_CACHES, "disk_caches"},
        {VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC, "hugetlb_pgalloc"},
        {VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL, "hugetlb_pgfail"},
        {0, NULL},
    };
    g_autoptr(virDomain) domain = NULL;
    virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
    json_object *document;
    int flags = virsh_affect(shell, cmd), period = -1, count;

    if (flags < 0)
        return false;
    domain = virsh_domain(shell, cmd);
    if (!domain || cmd_int(shell, cmd, "period", &period) < 0)
        return false;
    if (cmd_has(cmd, "period")) {
        if (period < 0)
            return shell_error(shell, "Invalid collection period value '%d'", period);
        if (virDomainSetMemoryStatsPeriod(domain, period, flags) < 0)
            return shell_error(shell, "Unable to change balloon collection period.");
        return true;
    }
    count = virDomainMemoryStats(domain, stats, VIR_DOMAIN_MEMORY_STAT_NR, 0);
    if (count < 0)
        return shell_error(shell, "Failed to get memory statistics for domain %s", virDomainGetName(domain));
    document = json_object_new_object();
    for (int i = 0; i < count; i++) {
        const char *name = virsh_name(names, stats[i].tag, NULL);

        if (name && shell_json(cmd))
            shell_json_uint(document, name, stats[i].val);
        else if (name)
            shell_print(shell, "%s %llu\n", name, stats[i].val);
    }
    if (shell_json(cmd))
        return shell_json_print(shell, document);
    json_object_put(document);
    return true;
}
