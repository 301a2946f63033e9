/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * top: what the running domains use. One call a round tells it of all domains; rates are the differences between two
 * rounds, so the first one only counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/virsh/virsh.h"

enum { READ, WRITTEN, RECEIVED, SENT, BYTES };

typedef struct {
    char uuid[VIR_UUID_STRING_BUFLEN], *name;
    unsigned int id;
    int state;
    unsigned long long vcpus, memory_kib, cpu_ns, bytes[BYTES];
    gint64 at;                  /* when it was asked */
    double cpu, rates[BYTES];   /* per cent of one CPU, bytes a second */
    bool rated;                 /* there was an earlier round to compare with */
} Usage;

static void usage_clear(gpointer data)
{
    g_free(((Usage *)data)->name);
}

static unsigned long long number(const virDomainStatsRecord *record, const char *field)
{
    virTypedParameterPtr param = virTypedParamsGet(record->params, record->nparams, field);

    if (!param)
        return 0;
    return param->type == VIR_TYPED_PARAM_ULLONG ? param->value.ul
           : param->type == VIR_TYPED_PARAM_UINT ? param->value.ui
           : param->type == VIR_TYPED_PARAM_INT  ? (unsigned long long)MAX(0, param->value.i) : 0;
}

/* The sum of GROUP.0.FIELD, GROUP.1.FIELD and so on. */
static unsigned long long sum(const virDomainStatsRecord *record, const char *group, const char *field)
{
    g_autofree char *head = g_strdup_printf("%s.", group);
    g_autofree char *tail = g_strdup_printf(".%s", field);
    unsigned long long total = 0;

    for (int i = 0; i < record->nparams; i++) {
        const virTypedParameter *param = &record->params[i];

        if (param->type == VIR_TYPED_PARAM_ULLONG && g_str_has_prefix(param->field, head) &&
            g_str_has_suffix(param->field, tail))
            total += param->value.ul;
    }
    return total;
}

static Usage usage_of(const virDomainStatsRecord *record)
{
    Usage usage = {.at = g_get_monotonic_time()};
    unsigned long long rss = number(record, VIR_DOMAIN_STATS_BALLOON_RSS);

    (void)virDomainGetUUIDString(record->dom, usage.uuid);
    usage.name = g_strdup(virDomainGetName(record->dom));
    usage.id = virDomainGetID(record->dom);
    usage.state = number(record, VIR_DOMAIN_STATS_STATE_STATE);
    usage.vcpus = number(record, VIR_DOMAIN_STATS_VCPU_CURRENT);
    usage.memory_kib = rss ? rss : number(record, VIR_DOMAIN_STATS_BALLOON_CURRENT);
    usage.cpu_ns = number(record, VIR_DOMAIN_STATS_CPU_TIME);
    usage.bytes[READ] = sum(record, "block", "rd.bytes");
    usage.bytes[WRITTEN] = sum(record, "block", "wr.bytes");
    usage.bytes[RECEIVED] = sum(record, "net", "rx.bytes");
    usage.bytes[SENT] = sum(record, "net", "tx.bytes");
    return usage;
}

/* All running domains; NULL with an error pending. */
static GArray *ask_all(Shell *shell)
{
    unsigned int what = VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_BALLOON |
                        VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_INTERFACE | VIR_DOMAIN_STATS_BLOCK;
    virDomainStatsRecordPtr *records = NULL;
    int count = virConnectGetAllDomainStats(virsh_conn(shell), what, &records,
                                            VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE);
    GArray *all;

    if (count < 0)
        return NULL;
    all = g_array_new(FALSE, FALSE, sizeof(Usage));
    g_array_set_clear_func(all, usage_clear);
    for (int i = 0; i < count; i++) {
        Usage usage = usage_of(records[i]);
        g_array_append_val(all, usage);
    }
    virDomainStatsRecordListFree(records);
    return all;
}

static void rate(GArray *now, GArray *before)
{
    for (guint i = 0; i < now->len; i++) {
        Usage *usage = &g_array_index(now, Usage, i);

        for (guint k = 0; k < before->len; k++) {
            const Usage *old = &g_array_index(before, Usage, k);
            double seconds = (double)(usage->at - old->at) / G_USEC_PER_SEC;

            /* another id is another run, whose counters began anew */
            if (!g_str_equal(old->uuid, usage->uuid) || old->id != usage->id || seconds <= 0)
                continue;
            usage->rated = true;
            usage->cpu = usage->cpu_ns >= old->cpu_ns ? (usage->cpu_ns - old->cpu_ns) / seconds / 1e7 : 0;
            for (int n = 0; n < BYTES; n++)
                usage->rates[n] = usage->bytes[n] >= old->bytes[n] ? (usage->bytes[n] - old->bytes[n]) / seconds : 0;
            break;
        }
    }
}

/* --- showing --- */

static double sort_key(const Usage *usage, const char *by)
{
    if (g_str_equal(by, "memory"))
        return usage->memory_kib;
    if (g_str_equal(by, "disk"))
        return usage->rates[READ] + usage->rates[WRITTEN];
    if (g_str_equal(by, "net"))
        return usage->rates[RECEIVED] + usage->rates[SENT];
    return usage->cpu;
}

static gint compare(gconstpointer a, gconstpointer b, gpointer by)
{
    const Usage *first = a, *second = b;
    double left = sort_key(first, by), right = sort_key(second, by);

    if (g_str_equal(by, "name") || left == right)
        return strcmp(first->name, second->name);
    return left > right ? -1 : 1;
}

static void add_rate(VirshRecord *record, const char *label, const char *key, const Usage *usage, int which)
{
    g_autofree char *text = usage->rated ? virsh_size_digits(usage->rates[which], 1) : NULL;

    virsh_record_both(record, label, g_strdup(text ? text : "-"), key,
                      usage->rated ? json_object_new_int64(usage->rates[which]) : NULL);
}

static bool show(Shell *shell, const Cmd *cmd, GArray *all)
{
    g_autoptr(VirshRows) rows = virsh_rows_new("Id", "Name", "State", "vCPU", "CPU %", "Memory", "Read/s", "Written/s",
                                               "Received/s", "Sent/s", NULL);

    for (guint i = 0; i < all->len; i++) {
        const Usage *usage = &g_array_index(all, Usage, i);
        VirshRecord *record = virsh_rows_add(rows);

        virsh_record_uint(record, "Id", "id", usage->id);
        virsh_record_text(record, "Name", "name", usage->name);
        virsh_record_text(record, NULL, "uuid", usage->uuid);
        virsh_record_text(record, "State", "state", virsh_domain_state(usage->state));
        virsh_record_uint(record, "vCPU", "vcpus", usage->vcpus);
        virsh_record_both(record, "CPU %", usage->rated ? g_strdup_printf("%.1f", usage->cpu) : g_strdup("-"),
                          "cpu_percent", usage->rated ? json_object_new_double(usage->cpu) : NULL);
        virsh_record_size(record, "Memory", "memory_bytes", usage->memory_kib * 1024);
        add_rate(record, "Read/s", "read_bytes_s", usage, READ);
        add_rate(record, "Written/s", "written_bytes_s", usage, WRITTEN);
        add_rate(record, "Received/s", "received_bytes_s", usage, RECEIVED);
        add_rate(record, "Sent/s", "sent_bytes_s", usage, SENT);
    }
    return virsh_rows_print(shell, cmd, rows);
}

static bool rounds(Shell *shell, const Cmd *cmd, VirshWait *wait, int interval, int count, const char *by)
{
    bool live = isatty(STDOUT_FILENO) && !shell_json(cmd);
    g_autoptr(GArray) before = ask_all(shell);

    for (int i = 0; before && (count == 0 || i < count); i++) {
        GArray *now;

        if (virsh_wait_until(wait, g_get_monotonic_time() + interval * G_TIME_SPAN_SECOND) == VIRSH_INTERRUPTED)
            return true;
        now = ask_all(shell);
        if (!now)
            return false;
        rate(now, before);
        g_array_sort_with_data(now, compare, (gpointer)by);
        if (live)
            shell_print(shell, "\033[H\033[J");
        show(shell, cmd, now);
        fflush(stdout);
        g_array_unref(before);
        before = now;
    }
    return before != NULL;
}

bool cmd_top(Shell *shell, const Cmd *cmd)
{
    static const char *const keys[] = {"cpu", "memory", "disk", "net", "name", NULL};
    const char *by = "cpu";
    int interval = 2, count = isatty(STDOUT_FILENO) ? 0 : 1;
    VirshWait *wait;
    bool done;

    if (cmd_int(shell, cmd, "interval", &interval) < 0 || cmd_int(shell, cmd, "count", &count) < 0 ||
        cmd_string(shell, cmd, "sort", &by) < 0)
        return false;
    if (interval < 1 || interval > 3600)
        return shell_error(shell, "the interval is between 1 and 3600 seconds, not %d", interval);
    if (count < 0)
        return shell_error(shell, "the count can't be below 0");
    if (!g_strv_contains(keys, by))
        return shell_error(shell, "unknown key '%s', expecting cpu, memory, disk, net or name", by);
    wait = virsh_wait_new();
    done = rounds(shell, cmd, wait, interval, count, by);
    virsh_wait_free(wait);
    return done;
}
