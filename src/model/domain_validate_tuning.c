/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules about vCPUs, threads, their limits and places, and the clock.
 */
#include "model/domain_private.h"

#define UNSUPPORTED VIR_ERR_CONFIG_UNSUPPORTED

/* Microseconds of a period and of a quota. */
enum { PERIOD_MIN = 1000, PERIOD_MAX = 1000000, QUOTA_MIN = 1000 };
#define QUOTA_MAX (G_MAXINT64 >> 19)

static void check_vcpus(const DomainDef *def, XmlDiagnostics *diag)
{
    DomainPlace at = {diag, "vcpus", -1}, set = {diag, "vcpu", -1};

    REFUSE_IF(def->vcpu.cpuset && !bitmap_count(def->vcpu.cpuset), &set, UNSUPPORTED, "the cpuset is empty");
    for (guint i = 0; i < def->n_vcpus; i++)
        REFUSE_IF(def->vcpus[i]->id == 0 && def->vcpus[i]->enabled == TRISTATE_NO, &at, UNSUPPORTED, "vCPU 0 can't be off");
}

static void check_pool(gint32 min, gint32 max, bool has_max, const DomainPlace *at)
{
    REFUSE_IF(has_max && max == 0, at, UNSUPPORTED, "thread_pool_max must be greater than 0");
    REFUSE_IF(has_max && min > max, at, UNSUPPORTED, "thread_pool_min must not be greater than thread_pool_max");
}

/* Processor time */

static void check_times(const DomainCputune *tune, const DomainPlace *at)
{
    const struct { const char *name; guint64 period; gint64 quota; } times[] = {
        {"", tune->period, tune->quota}, {"global_", tune->global_period, tune->global_quota},
        {"emulator_", tune->emulator_period, tune->emulator_quota}, {"iothread_", tune->iothread_period, tune->iothread_quota},
    };

    for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
        REFUSE_IF(times[i].period && (times[i].period < PERIOD_MIN || times[i].period > PERIOD_MAX), at, UNSUPPORTED,
                  "%speriod must be %d to %d microseconds", times[i].name, PERIOD_MIN, PERIOD_MAX);
        REFUSE_IF(times[i].quota > 0 && (times[i].quota < QUOTA_MIN || times[i].quota > QUOTA_MAX), at, UNSUPPORTED,
                  "%squota must be %d to %" G_GINT64_FORMAT " microseconds, or negative", times[i].name, QUOTA_MIN,
                  (gint64)QUOTA_MAX);
    }
}

static bool has_iothread(const DomainDef *def, guint id)
{
    for (guint i = 0; i < def->n_iothreadids; i++) {
        if (def->iothreadids[i]->id == id)
            return true;
    }
    return !def->n_iothreadids && id >= 1 && id <= def->iothreads;
}

static void check_pins(const DomainDef *def, const DomainPlace *at)
{
    const DomainCputune *tune = def->cputune;
    g_autoptr(GHashTable) threads = g_hash_table_new(NULL, NULL);

    for (guint i = 1; i < tune->n_vcpupins; i++)
        REFUSE_IF(tune->vcpupins[i]->vcpu == tune->vcpupins[i - 1]->vcpu, at, VIR_ERR_INTERNAL_ERROR, "vCPU %u is pinned twice",
                  tune->vcpupins[i]->vcpu);
    for (guint i = 0; i < tune->n_iothreadpins; i++) {
        guint id = tune->iothreadpins[i]->iothread;
        REFUSE_IF(!has_iothread(def, id), at, UNSUPPORTED, "there is no I/O thread %u to pin", id);
        REFUSE_IF(!g_hash_table_add(threads, GUINT_TO_POINTER(id)), at, VIR_ERR_INTERNAL_ERROR, "I/O thread %u is pinned twice", id);
    }
}

static bool is_real_time(DomainSchedPolicy policy)
{
    return policy == DOMAIN_SCHED_POLICY_FIFO || policy == DOMAIN_SCHED_POLICY_RR;
}

static void check_sched(DomainSchedPolicy policy, bool has_priority, const Bitmap *set, const Bitmap *before, const DomainPlace *at)
{
    REFUSE_IF(is_real_time(policy) && !has_priority, at, VIR_ERR_XML_ERROR, "scheduler '%s' needs a priority",
              domain_sched_policy_to_string(policy));
    REFUSE_IF(set && before && bitmap_overlaps(set, before), at, VIR_ERR_XML_DETAIL, "two schedulers for the same threads");
}

static void check_scheds(const DomainDef *def, const DomainPlace *at)
{
    const DomainCputune *tune = def->cputune;

    check_sched(tune->emulatorsched.scheduler, tune->emulatorsched.has_priority, NULL, NULL, at);
    for (guint i = 0; i < tune->n_vcpuscheds; i++) {
        const VcpuSched *sched = tune->vcpuscheds[i];
        check_sched(sched->scheduler, sched->has_priority, sched->vcpus, NULL, at);
        for (guint j = 0; j < i; j++)
            check_sched(sched->scheduler, true, sched->vcpus, tune->vcpuscheds[j]->vcpus, at);
        REFUSE_IF(bitmap_last(sched->vcpus) >= def->vcpu.count, at, UNSUPPORTED, "there is no vCPU %zd for the scheduler",
                  bitmap_last(sched->vcpus));
    }
    for (guint i = 0; i < tune->n_iothreadscheds; i++) {
        const IothreadSched *sched = tune->iothreadscheds[i];
        check_sched(sched->scheduler, sched->has_priority, sched->iothreads, NULL, at);
        for (guint j = 0; j < i; j++)
            check_sched(sched->scheduler, true, sched->iothreads, tune->iothreadscheds[j]->iothreads, at);
        for (ssize_t id = bitmap_next(sched->iothreads, -1); id >= 0; id = bitmap_next(sched->iothreads, id))
            REFUSE_IF(!has_iothread(def, id), at, UNSUPPORTED, "there is no I/O thread %zd for the scheduler", id);
    }
}

/* Caches and memory bandwidth */

static void check_cachetune(const Cachetune *tune, const DomainPlace *at)
{
    for (guint i = 0; i < tune->n_caches; i++) {
        const CachetuneCache *cache = tune->caches[i];
        for (guint j = 0; j < i; j++) {
            const CachetuneCache *other = tune->caches[j];
            REFUSE_IF(cache->level == other->level && cache->id == other->id && cache->type == other->type, at, VIR_ERR_XML_ERROR,
                      "two parts of cache %u of level %u", cache->id, cache->level);
        }
    }
    for (guint i = 0; i < tune->n_monitors; i++)
        REFUSE_IF(tune->monitors[i]->level != 3, at, VIR_ERR_XML_ERROR, "a monitor can be on level 3 only");
}

static void check_memorytune(const Memorytune *tune, const DomainPlace *at)
{
    for (guint i = 0; i < tune->n_nodes; i++) {
        REFUSE_IF(tune->nodes[i]->bandwidth > 100, at, VIR_ERR_XML_ERROR, "a bandwidth is in per cent, at most 100");
        for (guint j = 0; j < i; j++)
            REFUSE_IF(tune->nodes[i]->id == tune->nodes[j]->id, at, VIR_ERR_XML_ERROR, "node %u has two bandwidths",
                      tune->nodes[i]->id);
    }
}

/* A set of vCPUs that is observed. */
typedef struct Observed {
    const Bitmap *of, *vcpus;   /* those of the element, some of them */
    bool bandwidth;
} Observed;

static GArray *list_observed(const DomainCputune *tune)
{
    GArray *list = g_array_new(false, false, sizeof(Observed));

    for (guint i = 0; i < tune->n_cachetunes; i++) {
        for (guint j = 0; j < tune->cachetunes[i]->n_monitors; j++) {
            Observed one = {tune->cachetunes[i]->vcpus, tune->cachetunes[i]->monitors[j]->vcpus, false};
            g_array_append_val(list, one);
        }
    }
    for (guint i = 0; i < tune->n_memorytunes; i++) {
        for (guint j = 0; j < tune->memorytunes[i]->n_monitors; j++) {
            Observed one = {tune->memorytunes[i]->vcpus, tune->memorytunes[i]->monitors[j]->vcpus, true};
            g_array_append_val(list, one);
        }
    }
    return list;
}

static bool is_within(const Bitmap *part, const Bitmap *whole)
{
    for (ssize_t i = bitmap_next(part, -1); i >= 0; i = bitmap_next(part, i)) {
        if (!bitmap_test(whole, i))
            return false;
    }
    return true;
}

/* A thread is counted for all vCPUs of its element, and for one set of them at most. */
static void check_monitors(const DomainDef *def, const DomainPlace *at)
{
    g_autoptr(GArray) list = list_observed(def->cputune);

    for (guint i = 0; i < list->len; i++) {
        const Observed *a = &g_array_index(list, Observed, i);
        g_autofree char *text = bitmap_format(a->vcpus);
        ssize_t first = bitmap_next(a->vcpus, -1);

        REFUSE_IF(first < 0 || first >= def->vcpu.count, at, VIR_ERR_INVALID_ARG, "there are no vCPUs '%s' for a monitor", text);
        REFUSE_IF(!is_within(a->vcpus, a->of), at, VIR_ERR_INVALID_ARG,
                  "a monitor of vCPUs '%s' can't observe more than the vCPUs of the element that it is in", text);
        for (guint j = 0; j < i; j++) {
            const Observed *b = &g_array_index(list, Observed, j);
            bool equal = bitmap_equal(a->vcpus, b->vcpus);

            REFUSE_IF(equal && a->bandwidth == b->bandwidth, at, VIR_ERR_INVALID_ARG, "two monitors of vCPUs '%s'", text);
            REFUSE_IF(!equal && !bitmap_equal(a->vcpus, a->of) && !bitmap_equal(b->vcpus, b->of) && bitmap_overlaps(a->vcpus, b->vcpus),
                      at, VIR_ERR_INVALID_ARG, "the monitor of vCPUs '%s' shares some of them with another one; they must have all in common or none",
                      text);
        }
    }
}

static void check_resctrl(const DomainDef *def, const DomainPlace *at)
{
    const DomainCputune *tune = def->cputune;

    check_monitors(def, at);
    for (guint i = 0; i < tune->n_cachetunes; i++) {
        check_cachetune(tune->cachetunes[i], at);
        for (guint j = 0; j < i; j++)
            REFUSE_IF(bitmap_overlaps(tune->cachetunes[i]->vcpus, tune->cachetunes[j]->vcpus), at, VIR_ERR_XML_ERROR,
                      "two cachetune elements have the same vCPUs");
    }
    for (guint i = 0; i < tune->n_memorytunes; i++) {
        check_memorytune(tune->memorytunes[i], at);
        for (guint j = 0; j < i; j++)
            REFUSE_IF(bitmap_overlaps(tune->memorytunes[i]->vcpus, tune->memorytunes[j]->vcpus), at, VIR_ERR_XML_ERROR,
                      "two memorytune elements have the same vCPUs");
        for (guint j = 0; j < tune->n_cachetunes; j++)
            REFUSE_IF(bitmap_overlaps(tune->memorytunes[i]->vcpus, tune->cachetunes[j]->vcpus) &&
                      !bitmap_equal(tune->memorytunes[i]->vcpus, tune->cachetunes[j]->vcpus), at, VIR_ERR_XML_ERROR,
                      "a cachetune and a memorytune element share some of their vCPUs; they must have all in common or none");
    }
    REFUSE_IF((tune->n_cachetunes || tune->n_memorytunes) && def->type == DOMAIN_VIRT_TYPE_QEMU, at, UNSUPPORTED,
              "cachetune and memorytune are for guests of type 'kvm'");
}

static void check_blkiotune(const DomainDef *def, XmlDiagnostics *diag)
{
    const DomainBlkiotune *tune = def->blkiotune;
    g_autoptr(GHashTable) paths = g_hash_table_new(g_str_hash, g_str_equal);
    DomainPlace at = {diag, "blkiotune", -1};

    for (guint i = 0; tune && i < tune->n_devices; i++)
        REFUSE_IF(!g_hash_table_add(paths, tune->devices[i]->path), &at, UNSUPPORTED, "device '%s' stands twice",
                  tune->devices[i]->path);
}

/* Clock */

static bool is_adjustment(const char *text)
{
    char *end;

    if (strcmp(text, "reset") == 0)
        return true;
    g_ascii_strtoll(text, &end, 10);
    return *text && !*end;
}

static void check_timer(const DomainDef *def, const DomainTimer *timer, const DomainPlace *at)
{
    bool catchup = timer->catchup.threshold || timer->catchup.slew || timer->catchup.limit;

    REFUSE_IF(catchup && timer->tickpolicy != DOMAIN_TIMER_TICKPOLICY_CATCHUP, at, VIR_ERR_XML_ERROR,
              "catchup needs tickpolicy='catchup'");
    if (!domain_is_qemu(def))
        return;
    REFUSE_IF(timer->name == DOMAIN_TIMER_NAME_PLATFORM, at, UNSUPPORTED, "timer 'platform' is not supported by QEMU");
    REFUSE_IF(timer->name == DOMAIN_TIMER_NAME_ARMVTIMER && domain_is_x86(def), at, UNSUPPORTED,
              "timer 'armvtimer' is for ARM guests");
    if (timer->name == DOMAIN_TIMER_NAME_RTC) {
        REFUSE_IF(timer->track == DOMAIN_TIMER_TRACK_BOOT, at, UNSUPPORTED, "timer 'rtc' can't have track='boot'");
        REFUSE_IF(timer->tickpolicy == DOMAIN_TIMER_TICKPOLICY_MERGE || timer->tickpolicy == DOMAIN_TIMER_TICKPOLICY_DISCARD, at,
                  UNSUPPORTED, "timer 'rtc' can't have tickpolicy='%s'", domain_timer_tickpolicy_to_string(timer->tickpolicy));
    }
}

static void check_clock(const DomainDef *def, XmlDiagnostics *diag)
{
    DomainPlace at = {diag, "clock", -1};

    REFUSE_IF(def->clock.adjustment && !is_adjustment(def->clock.adjustment), &at, VIR_ERR_XML_ERROR,
              "the adjustment '%s' is neither a number of seconds nor 'reset'", def->clock.adjustment);
    for (guint i = 0; i < def->clock.n_timers; i++)
        check_timer(def, def->clock.timers[i], &at);
}

void domain_validate_tuning(const DomainDef *def, XmlDiagnostics *diag)
{
    DomainPlace at = {diag, "cputune", -1}, threads = {diag, "iothreadids", -1};

    check_vcpus(def, diag);
    for (guint i = 0; i < def->n_iothreadids; i++) {
        const DomainIothread *thread = def->iothreadids[i];
        check_pool(thread->thread_pool_min, thread->thread_pool_max, thread->has_thread_pool_max, &threads);
    }
    check_pool(def->defaultiothread.thread_pool_min, def->defaultiothread.thread_pool_max,
               def->defaultiothread.has_thread_pool_max, &threads);
    check_blkiotune(def, diag);
    check_clock(def, diag);
    if (!def->cputune)
        return;
    check_times(def->cputune, &at);
    check_pins(def, &at);
    check_scheds(def, &at);
    check_resctrl(def, &at);
}
