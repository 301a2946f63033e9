/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Statistics: of all domains at once, and of one.
 *
 * The bulk call asks all guests before it waits for any, waits for as long as healthy guests need at most, and
 * doesn't wait for those that are known not to answer. What they told last stands in, with its age beside it. So
 * the call takes the same time with and without sick guests.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "domain/find.h"
#include "base/loop.h"
#include "domain/functions.h"
#include "domain/stats_ask.h"
#include "domain/stats_format.h"
#include <string.h>

/* The longest that bulk statistics wait for guests that are thought healthy. */
#define PATIENCE_MS 500
/* With the NOWAIT flag. */
#define NOWAIT_PATIENCE_MS 50

GuestStats *api_guest_stats(const Access *a, unsigned int groups)
{
    const DomainBackend *backend = host_backend(a->obj->host);
    if (api_need_active(a) < 0)
        return NULL;
    if (!backend->stats)
        return FAIL_NULL(VIR_ERR_NO_SUPPORT, "statistics of domain '%s'", API_NAME(a));
    if (domain_job_begin(a->obj, JOB_QUERY, __func__) < 0)
        return NULL;
    g_autoptr(StatsAsker) asker = stats_asker_new();
    guint n = stats_ask(asker, a->state->guest, groups, TRUE);
    gint64 patience = guest_deadline_ms(a->state->guest);
    stats_wait(asker, patience, TRUE);
    domain_job_end(a->obj, JOB_QUERY);
    virErrorPtr error = NULL;
    GuestStats *stats = stats_answer(asker, n, &error);
    if (stats)
        return stats;
    gboolean told = error != NULL;
    error_restore(error);
    g_autoptr(DomainState) now = domain_state(a->obj);
    if (now->guest != a->state->guest)
        return FAIL_NULL(VIR_ERR_OPERATION_INVALID, "domain '%s' ended meanwhile", API_NAME(a));
    if (told)
        return NULL;
    return FAIL_NULL(VIR_ERR_OPERATION_TIMEOUT, "domain '%s' did not answer the request for statistics within %"
                     G_GINT64_FORMAT " s", API_NAME(a), patience / 1000);
}

/* ---- bulk ---- */

typedef struct Subject {
    DomainObj *obj;
    DomainState *state;
    GuestStats *host;
    gint request;          /* number in the asker, -1: not asked */
} Subject;

static void subject_clear(void *opaque)
{
    Subject *s = opaque;
    domain_obj_unref(s->obj);
    domain_state_unref(s->state);
    guest_stats_unref(s->host);
}

/* Ask for the host side at once and send the request for the guest side. */
static void ask_subject(Subject *s, StatsAsker *asker, unsigned int groups)
{
    const DomainBackend *backend = host_backend(s->obj->host);
    s->request = -1;
    if (!s->state->guest || !backend->stats)
        return;
    if (groups & GUEST_STATS_HOST_SIDE) {
        g_autoptr(StatsAsker) now = stats_asker_new();
        guint n = stats_ask(now, s->state->guest, groups & GUEST_STATS_HOST_SIDE, FALSE);
        s->host = stats_answer(now, n, NULL);
    }
    if (groups & ~GUEST_STATS_HOST_SIDE)
        s->request = (gint) stats_ask(asker, s->state->guest, groups & ~GUEST_STATS_HOST_SIDE, FALSE);
}

/* Groups that tell something of the definition. Reading it for nothing costs ten thousand inactive domains dear. */
#define STATS_OF_DEFINITION (VIR_DOMAIN_STATS_BALLOON | VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_INTERFACE | \
                             VIR_DOMAIN_STATS_BLOCK)

static virDomainStatsRecordPtr make_record(virConnectPtr conn, Subject *s, StatsAsker *asker, unsigned int stats,
                                           unsigned int flags)
{
    g_autoptr(SharedDef) shared = stats & STATS_OF_DEFINITION ? domain_current_def(s->obj, s->state) : NULL;
    g_autoptr(GuestStats) answer = s->request >= 0 ? stats_answer(asker, (guint) s->request, NULL) : NULL;
    StatsSource source = { .state = s->state, .def = shared ? shared_def_get(shared) : NULL, .host = s->host,
                           .age_ms = -1, .backing = flags & VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING };
    TypedList list = { NULL };
    virDomainStatsRecordPtr record = g_new0(virDomainStatsRecord, 1);

    virResetLastError(); /* a definition that can't be read costs its own fields only */
    if (s->request >= 0 && !answer) {
        answer = stats_last(s->obj);
        source.age_ms = answer ? loop_now_ms() - answer->when : 0;
    }
    source.guest = answer;
    stats_format(&list, stats, &source);
    record->dom = api_handle(conn, s->obj, s->state);
    record->params = typed_list_steal(&list, &record->nparams);
    return record;
}

/* @subjects: array of Subject */
static int collect(virConnectPtr conn, GArray *subjects, unsigned int stats, virDomainStatsRecordPtr **records,
                   unsigned int flags)
{
    g_autoptr(StatsAsker) asker = stats_asker_new();
    unsigned int groups = stats_groups(stats);
    for (guint i = 0; i < subjects->len; i++)
        ask_subject(&g_array_index(subjects, Subject, i), asker, groups);
    stats_wait(asker, flags & VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT ? NOWAIT_PATIENCE_MS : PATIENCE_MS, FALSE);
    *records = g_new0(virDomainStatsRecordPtr, subjects->len + 1);
    for (guint i = 0; i < subjects->len; i++)
        (*records)[i] = make_record(conn, &g_array_index(subjects, Subject, i), asker, stats, flags);
    return (int) subjects->len;
}

#define STATS_FILTERS (VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE | \
    VIR_CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT | VIR_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT | \
    VIR_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING | VIR_CONNECT_GET_ALL_DOMAINS_STATS_PAUSED | \
    VIR_CONNECT_GET_ALL_DOMAINS_STATS_SHUTOFF | VIR_CONNECT_GET_ALL_DOMAINS_STATS_OTHER)
#define STATS_FLAGS (STATS_FILTERS | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT | \
    VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING | VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS)

/* 0 means all that there are; unknown ones are an error only if the caller insists. */
static int choose_stats(unsigned int *stats, unsigned int flags)
{
    unsigned int unknown = *stats & ~(unsigned int) STATS_KNOWN;
    if (unknown && (flags & VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS))
        return FAIL(VIR_ERR_ARGUMENT_UNSUPPORTED, "Stats types bits 0x%x are not supported by this daemon", unknown);
    *stats = *stats ? *stats & STATS_KNOWN : STATS_KNOWN;
    return 0;
}

static GArray *subjects_new(void)
{
    GArray *subjects = g_array_new(FALSE, TRUE, sizeof(Subject));
    g_array_set_clear_func(subjects, subject_clear);
    return subjects;
}

int core_connect_get_all_domain_stats(virConnectPtr conn, unsigned int stats, virDomainStatsRecordPtr **records,
                                      unsigned int flags)
{
    API_FLAGS(flags, STATS_FLAGS, -1);
    g_autoptr(GPtrArray) all = store_list(host_domains(api_host(conn)), NULL, NULL);
    g_autoptr(GArray) subjects = subjects_new();
    if (choose_stats(&stats, flags) < 0)
        return -1;
    for (guint i = 0; i < all->len; i++) {
        Subject s = { .state = domain_state(all->pdata[i]), .request = -1 };
        if (!domain_passes(s.state, flags & STATS_FILTERS)) { /* the filters have the numbers of the list's flags */
            domain_state_unref(s.state);
            continue;
        }
        s.obj = domain_obj_ref(all->pdata[i]);
        g_array_append_val(subjects, s);
    }
    return collect(conn, subjects, stats, records, flags);
}

int core_domain_list_get_stats(virDomainPtr *doms, unsigned int stats, virDomainStatsRecordPtr **records,
                               unsigned int flags)
{
    API_FLAGS(flags, STATS_FLAGS, -1);
    virConnectPtr conn = doms[0]->o.conn;
    DomainHost *host = api_host(conn);
    g_autoptr(GArray) subjects = subjects_new();
    if (choose_stats(&stats, flags) < 0)
        return -1;
    for (virDomainPtr *dom = doms; *dom; dom++) {
        Subject s = { .obj = store_by_uuid(host_domains(host), (*dom)->uuid), .request = -1 };
        if (!s.obj)
            continue; /* gone since the list was made */
        s.state = domain_state(s.obj);
        if (domain_passes(s.state, flags & STATS_FILTERS))
            g_array_append_val(subjects, s);
        else
            subject_clear(&s);
    }
    return collect(conn, subjects, stats, records, flags);
}

/* ---- one domain ---- */

int core_domain_memory_stats(virDomainPtr dom, virDomainMemoryStatPtr stats, unsigned int nr_stats, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    g_autoptr(GuestStats) answer = api_guest_stats(&a, GUEST_STATS_BALLOON);
    if (!answer)
        return -1;
    static const int order[] = { /* the balloon's size first, as everybody expects */
        VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, VIR_DOMAIN_MEMORY_STAT_SWAP_IN, VIR_DOMAIN_MEMORY_STAT_SWAP_OUT,
        VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT, VIR_DOMAIN_MEMORY_STAT_MINOR_FAULT, VIR_DOMAIN_MEMORY_STAT_UNUSED,
        VIR_DOMAIN_MEMORY_STAT_AVAILABLE, VIR_DOMAIN_MEMORY_STAT_USABLE, VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE,
        VIR_DOMAIN_MEMORY_STAT_DISK_CACHES, VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC,
        VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL, VIR_DOMAIN_MEMORY_STAT_RSS,
    };
    unsigned int n = 0;
    if (!answer->memory[VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON].known)
        answer->memory[VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON] = answer->balloon_current;
    for (guint i = 0; i < G_N_ELEMENTS(order) && n < nr_stats; i++) {
        StatValue value = answer->memory[order[i]];
        if (value.known)
            stats[n++] = (virDomainMemoryStatStruct) { .tag = order[i], .val = value.n };
    }
    return (int) n;
}

/* A disk by target or path; NULL or "": the sum of all. NULL with an error. */
static gboolean sum_blocks(const Access *a, const GuestStats *answer, const char *disk, GuestBlockStats *sum)
{
    gboolean found = FALSE;
    for (guint i = 0; answer->blocks && i < answer->blocks->len; i++) {
        const GuestBlockStats *b = &g_array_index(answer->blocks, GuestBlockStats, i);
        if (b->is_backing || (*disk && g_strcmp0(b->target, disk) != 0 && g_strcmp0(b->path, disk) != 0))
            continue;
        const StatValue *from[] = { &b->rd_req, &b->rd_bytes, &b->rd_time, &b->wr_req, &b->wr_bytes, &b->wr_time,
                                    &b->flush_req, &b->flush_time, &b->errors };
        StatValue *to[] = { &sum->rd_req, &sum->rd_bytes, &sum->rd_time, &sum->wr_req, &sum->wr_bytes, &sum->wr_time,
                            &sum->flush_req, &sum->flush_time, &sum->errors };
        for (guint j = 0; j < G_N_ELEMENTS(from); j++) {
            to[j]->n += from[j]->n;
            to[j]->known |= from[j]->known;
        }
        found = TRUE;
    }
    if (!found && *disk)
        error_report(ERROR_DOMAIN, VIR_ERR_INVALID_ARG, "invalid path: '%s' is no disk of domain '%s'", disk,
                     API_NAME(a));
    return found || !*disk;
}

static int block_stats(Access *a, virDomainPtr dom, const char *disk, GuestBlockStats *sum)
{
    if (api_begin(a, dom) < 0)
        return -1;
    g_autoptr(GuestStats) answer = api_guest_stats(a, GUEST_STATS_BLOCK);
    return answer && sum_blocks(a, answer, disk ? disk : "", sum) ? 0 : -1;
}

static long long signed_or_unknown(StatValue value)
{
    return value.known ? (long long) MIN(value.n, (unsigned long long) G_MAXINT64) : -1;
}

int core_domain_block_stats(virDomainPtr dom, const char *disk, virDomainBlockStatsPtr stats, size_t size)
{
    g_auto(Access) a = { NULL };
    GuestBlockStats sum = { NULL };
    if (block_stats(&a, dom, disk, &sum) < 0)
        return -1;
    virDomainBlockStatsStruct full = {
        .rd_req = signed_or_unknown(sum.rd_req), .rd_bytes = signed_or_unknown(sum.rd_bytes),
        .wr_req = signed_or_unknown(sum.wr_req), .wr_bytes = signed_or_unknown(sum.wr_bytes),
        .errs = signed_or_unknown(sum.errors),
    };
    memcpy(stats, &full, MIN(size, sizeof(full)));
    return 0;
}

int core_domain_block_stats_flags(virDomainPtr dom, const char *disk, virTypedParameterPtr params, int *nparams,
                                  unsigned int flags)
{
    API_FLAGS(flags, VIR_TYPED_PARAM_STRING_OKAY, -1);
    g_auto(Access) a = { NULL };
    GuestBlockStats sum = { NULL };
    if (block_stats(&a, dom, disk, &sum) < 0)
        return -1;
    const struct { const char *name; StatValue value; } fields[] = {
        { VIR_DOMAIN_BLOCK_STATS_WRITE_BYTES, sum.wr_bytes }, { VIR_DOMAIN_BLOCK_STATS_WRITE_REQ, sum.wr_req },
        { VIR_DOMAIN_BLOCK_STATS_READ_BYTES, sum.rd_bytes }, { VIR_DOMAIN_BLOCK_STATS_READ_REQ, sum.rd_req },
        { VIR_DOMAIN_BLOCK_STATS_FLUSH_REQ, sum.flush_req },
        { VIR_DOMAIN_BLOCK_STATS_WRITE_TOTAL_TIMES, sum.wr_time },
        { VIR_DOMAIN_BLOCK_STATS_READ_TOTAL_TIMES, sum.rd_time },
        { VIR_DOMAIN_BLOCK_STATS_FLUSH_TOTAL_TIMES, sum.flush_time },
    };
    TypedList list = { NULL };
    for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (fields[i].value.known)
            typed_list_llong(&list, fields[i].name, signed_or_unknown(fields[i].value));
    }
    int rc = typed_list_fill(&list, params, nparams);
    typed_list_clear(&list);
    return rc;
}

int core_domain_interface_stats(virDomainPtr dom, const char *device, virDomainInterfaceStatsPtr stats, size_t size)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0 || api_need_active(&a) < 0)
        return -1;
    const DomainInterface *net = find_interface(shared_def_get(a.state->live), device);
    g_autoptr(GuestStats) answer = net ? api_guest_stats(&a, GUEST_STATS_INTERFACE) : NULL;
    if (!answer)
        return -1;
    for (guint i = 0; answer->interfaces && i < answer->interfaces->len; i++) {
        const GuestInterfaceStats *n = &g_array_index(answer->interfaces, GuestInterfaceStats, i);
        if (g_strcmp0(n->target, net->target.dev) != 0)
            continue;
        virDomainInterfaceStatsStruct full = {
            .rx_bytes = signed_or_unknown(n->rx_bytes), .rx_packets = signed_or_unknown(n->rx_packets),
            .rx_errs = signed_or_unknown(n->rx_errs), .rx_drop = signed_or_unknown(n->rx_drop),
            .tx_bytes = signed_or_unknown(n->tx_bytes), .tx_packets = signed_or_unknown(n->tx_packets),
            .tx_errs = signed_or_unknown(n->tx_errs), .tx_drop = signed_or_unknown(n->tx_drop),
        };
        memcpy(stats, &full, MIN(size, sizeof(full)));
        return 0;
    }
    return FAIL(VIR_ERR_OPERATION_FAILED, "the hypervisor tells nothing of interface '%s' of domain '%s'", device,
                API_NAME(&a));
}
