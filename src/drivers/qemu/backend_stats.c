/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Statistics. What the host knows is read at once; what only QEMU knows is asked for with all commands in flight together, and
 * delivered when the last one is answered or has timed out. Nobody waits here.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "core/host/host.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/cachetune.h"
#include "drivers/qemu/dirty_rate.h"

#define STAT_MAX 4096

typedef struct StatsJob {
    gint waiting;    /* atomic: commands without an answer, and one for the asker */
    Guest *guest;
    GuestStats *stats;
    GuestStatsFunc done;
    void *opaque;
    GMutex lock;     /* guards the following and stats */
    virErrorPtr error;
} StatsJob;

/* The fields of a stat file of a process or thread from the state on (field 3), as the name may hold anything. */
static char **stat_fields(const char *path)
{
    g_autofree char *text = host_read(STAT_MAX, "%s", path);
    const char *end = text ? strrchr(text, ')') : NULL;

    return end && end[1] == ' ' ? g_strsplit(g_strchomp((char *)end + 2), " ", -1) : NULL;
}

static unsigned long long ticks_to_ns(const char *ticks)
{
    return g_ascii_strtoull(ticks, NULL, 10) * (1000000000ULL / sysconf(_SC_CLK_TCK));
}

static void read_cpu(Guest *guest, GuestStats *stats)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)guest->pid);
    g_auto(GStrv) fields = stat_fields(path);
    unsigned long long user, system;

    if (!fields || g_strv_length(fields) < 15)
        return;
    user = ticks_to_ns(fields[11]);
    system = ticks_to_ns(fields[12]);
    stat_set(&stats->cpu_time, user + system);
    stat_set(&stats->cpu_user, user);
    stat_set(&stats->cpu_system, system);
}

static void read_vcpu(Guest *guest, GuestStats *stats, guint number, int tid)
{
    g_autofree char *stat = g_strdup_printf("/proc/%d/task/%d/stat", (int)guest->pid, tid);
    g_autofree char *sched = host_read(STAT_MAX, "/proc/%d/task/%d/schedstat", (int)guest->pid, tid);
    g_auto(GStrv) fields = stat_fields(stat);
    g_auto(GStrv) times = g_strsplit(sched ? sched : "", " ", -1);
    GuestVcpuStats *vcpu = guest_stats_add_vcpu(stats);

    vcpu->vcpu = number;
    vcpu->cpu = -1;
    vcpu->state = VIR_VCPU_RUNNING;
    if (fields && g_strv_length(fields) > 36) {
        stat_set(&vcpu->time, ticks_to_ns(fields[11]) + ticks_to_ns(fields[12]));
        vcpu->cpu = (int)g_ascii_strtoll(fields[36], NULL, 10);
    }
    if (g_strv_length(times) >= 2)
        stat_set(&vcpu->delay, g_ascii_strtoull(times[1], NULL, 10));
}

static void read_vcpus(Guest *guest, GuestStats *stats)
{
    QemuGuest *qemu = qemu_guest(guest);
    g_autoptr(GArray) tids = NULL;

    g_mutex_lock(&qemu->lock);
    tids = g_array_copy(qemu->vcpu_tids);
    g_mutex_unlock(&qemu->lock);
    for (guint i = 0; i < tids->len; i++) {
        if (g_array_index(tids, int, i) > 0)
            read_vcpu(guest, stats, i, g_array_index(tids, int, i));
    }
}

/* The host's device sends what the guest receives. */
static void read_interface(GuestStats *stats, const char *name)
{
    GuestInterfaceStats *net = guest_stats_add_interface(stats);
    const struct {
        const char *file;
        StatValue *value;
    } files[] = {
        { "tx_bytes", &net->rx_bytes }, { "tx_packets", &net->rx_packets }, { "tx_errors", &net->rx_errs },
        { "tx_dropped", &net->rx_drop }, { "rx_bytes", &net->tx_bytes }, { "rx_packets", &net->tx_packets },
        { "rx_errors", &net->tx_errs }, { "rx_dropped", &net->tx_drop },
    };

    net->target = g_strdup(name);
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        gint64 n = host_read_number(-1, "/sys/class/net/%s/statistics/%s", name, files[i].file);

        if (n >= 0)
            stat_set(files[i].value, n);
    }
}

static void stats_job_release(StatsJob *job)
{
    if (!g_atomic_int_dec_and_test(&job->waiting))
        return;
    if (job->error) {
        error_restore(g_steal_pointer(&job->error));
        job->done(job->guest, NULL, job->opaque);
    } else {
        job->done(job->guest, job->stats, job->opaque);
    }
    guest_stats_unref(job->stats);
    guest_unref(job->guest);
    g_mutex_clear(&job->lock);
    g_free(job);
}

/* A command that failed. What QEMU refuses is left out of the answer; a QEMU that doesn't answer makes it worthless. */
static void note_failure(StatsJob *job)
{
    g_mutex_lock(&job->lock);
    if (!job->error && (error_code() == VIR_ERR_OPERATION_TIMEOUT || error_code() == VIR_ERR_OPERATION_FAILED))
        job->error = error_save();
    g_mutex_unlock(&job->lock);
}

static void on_balloon(QmpMonitor *mon, json_object *result, void *opaque)
{
    StatsJob *job = opaque;
    gint64 actual = json_member_int(result, "actual", -1);

    if (!result)
        note_failure(job);
    g_mutex_lock(&job->lock);
    if (actual >= 0) {
        stat_set(&job->stats->balloon_current, actual / 1024);
        stat_set(&job->stats->memory[VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON], actual / 1024);
    }
    g_mutex_unlock(&job->lock);
    stats_job_release(job);
}

static void on_guest_memory(QmpMonitor *mon, json_object *result, void *opaque)
{
    static const struct {
        const char *name;
        int tag;
        int divisor; /* bytes to KiB */
    } fields[] = {
        { "stat-swap-in", VIR_DOMAIN_MEMORY_STAT_SWAP_IN, 1024 }, { "stat-swap-out", VIR_DOMAIN_MEMORY_STAT_SWAP_OUT, 1024 },
        { "stat-major-faults", VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT, 1 }, { "stat-minor-faults", VIR_DOMAIN_MEMORY_STAT_MINOR_FAULT, 1 },
        { "stat-free-memory", VIR_DOMAIN_MEMORY_STAT_UNUSED, 1024 }, { "stat-total-memory", VIR_DOMAIN_MEMORY_STAT_AVAILABLE, 1024 },
        { "stat-available-memory", VIR_DOMAIN_MEMORY_STAT_USABLE, 1024 }, { "stat-disk-caches", VIR_DOMAIN_MEMORY_STAT_DISK_CACHES, 1024 },
        { "stat-htlb-pgalloc", VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC, 1 }, { "stat-htlb-pgfail", VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL, 1 },
    };
    StatsJob *job = opaque;
    json_object *stats = json_member(result, "stats", json_type_object);
    gint64 when = json_member_int(result, "last-update", 0);

    if (!result)
        note_failure(job);
    g_mutex_lock(&job->lock);
    for (guint i = 0; stats && i < G_N_ELEMENTS(fields); i++) {
        gint64 n = json_member_int(stats, fields[i].name, -1);

        if (n >= 0 && when > 0)
            stat_set(&job->stats->memory[fields[i].tag], (guint64)n / fields[i].divisor);
    }
    if (stats && when > 0)
        stat_set(&job->stats->memory[VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE], when);
    g_mutex_unlock(&job->lock);
    stats_job_release(job);
}

static void set_from(StatValue *value, json_object *object, const char *name)
{
    gint64 n = json_member_int(object, name, -1);

    if (n >= 0)
        stat_set(value, n);
}

json_object *qemu_find_block(json_object *list, const char *alias)
{
    for (gsize i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
        json_object *item = json_object_array_get_idx(list, i);
        const char *path = json_member_string(item, "qdev");
        g_auto(GStrv) parts = g_strsplit(path ? path : "", "/", -1);

        if (g_strv_contains((const char *const *)parts, alias))
            return item;
    }
    return NULL;
}

static GuestBlockStats *block_record(GuestStats *stats, const QemuDisk *disk)
{
    GuestBlockStats *block;

    for (guint i = 0; stats->blocks && i < stats->blocks->len; i++) {
        block = &g_array_index(stats->blocks, GuestBlockStats, i);
        if (g_strcmp0(block->alias, disk->alias) == 0)
            return block;
    }
    block = guest_stats_add_block(stats);
    block->target = g_strdup(disk->target);
    block->path = g_strdup(disk->path);
    block->alias = g_strdup(disk->alias);
    return block;
}

static void take_block_counters(GuestBlockStats *block, json_object *device)
{
    json_object *stats = json_member(device, "stats", json_type_object);
    json_object *parent = json_member(json_member(device, "parent", json_type_object), "stats", json_type_object);

    set_from(&block->rd_req, stats, "rd_operations");
    set_from(&block->rd_bytes, stats, "rd_bytes");
    set_from(&block->rd_time, stats, "rd_total_time_ns");
    set_from(&block->wr_req, stats, "wr_operations");
    set_from(&block->wr_bytes, stats, "wr_bytes");
    set_from(&block->wr_time, stats, "wr_total_time_ns");
    set_from(&block->flush_req, stats, "flush_operations");
    set_from(&block->flush_time, stats, "flush_total_time_ns");
    set_from(&block->allocation, parent ? parent : stats, "wr_highest_offset");
}

static void on_blockstats(QmpMonitor *mon, json_object *result, void *opaque)
{
    StatsJob *job = opaque;
    QemuGuest *qemu = qemu_guest(job->guest);

    if (!result)
        note_failure(job);
    g_autoptr(GPtrArray) disks = qemu_guest_disks(qemu);
    g_mutex_lock(&job->lock);
    for (guint i = 0; result && i < disks->len; i++) {
        const QemuDisk *disk = g_ptr_array_index(disks, i);
        json_object *device = disk->alias ? qemu_find_block(result, disk->alias) : NULL;

        if (device)
            take_block_counters(block_record(job->stats, disk), device);
    }
    g_mutex_unlock(&job->lock);
    stats_job_release(job);
}

static void on_block(QmpMonitor *mon, json_object *result, void *opaque)
{
    StatsJob *job = opaque;
    QemuGuest *qemu = qemu_guest(job->guest);

    if (!result)
        note_failure(job);
    g_autoptr(GPtrArray) disks = qemu_guest_disks(qemu);
    g_mutex_lock(&job->lock);
    for (guint i = 0; result && i < disks->len; i++) {
        const QemuDisk *disk = g_ptr_array_index(disks, i);
        json_object *device = disk->alias ? qemu_find_block(result, disk->alias) : NULL;
        json_object *image = json_member(json_member(device, "inserted", json_type_object), "image", json_type_object);
        GuestBlockStats *block = image ? block_record(job->stats, disk) : NULL;

        if (!block)
            continue;
        set_from(&block->capacity, image, "virtual-size");
        set_from(&block->physical, image, "actual-size");
    }
    g_mutex_unlock(&job->lock);
    stats_job_release(job);
}

static void on_iothreads(QmpMonitor *mon, json_object *result, void *opaque)
{
    StatsJob *job = opaque;

    if (!result)
        note_failure(job);
    g_mutex_lock(&job->lock);
    for (gsize i = 0; json_object_is_type(result, json_type_array) && i < json_object_array_length(result); i++) {
        json_object *item = json_object_array_get_idx(result, i);
        const char *id = json_member_string(item, "id");
        GuestIothreadStats *thread;
        guint64 number;

        if (!id || !g_str_has_prefix(id, "iothread") ||
            !g_ascii_string_to_unsigned(id + strlen("iothread"), 10, 1, G_MAXUINT32, &number, NULL))
            continue;
        thread = guest_stats_add_iothread(job->stats);
        thread->id = number;
        thread->poll_max_ns = MAX(json_member_int(item, "poll-max-ns", 0), 0);
        thread->poll_grow = MAX(json_member_int(item, "poll-grow", 0), 0);
        thread->poll_shrink = MAX(json_member_int(item, "poll-shrink", 0), 0);
    }
    g_mutex_unlock(&job->lock);
    stats_job_release(job);
}

static void on_dirty_rate(QmpMonitor *mon, json_object *result, void *opaque)
{
    StatsJob *job = opaque;

    if (!result)
        note_failure(job);
    g_mutex_lock(&job->lock);
    qemu_dirty_rate_read(result, job->stats);
    g_mutex_unlock(&job->lock);
    stats_job_release(job);
}

static void ask(StatsJob *job, QmpMonitor *mon, const char *command, json_object *args, int deadline_ms, QmpReplyFunc fn)
{
    g_atomic_int_inc(&job->waiting);
    if (qmp_send(mon, command, args, NULL, 0, deadline_ms, 0, fn, job) < 0) {
        note_failure(job);
        stats_job_release(job);
    }
}

static void ask_qemu(StatsJob *job, unsigned int groups, int deadline_ms)
{
    QemuGuest *qemu = qemu_guest(job->guest);
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(job->guest);

    if (!mon) {
        g_mutex_lock(&job->lock);
        job->error = error_save();
        g_mutex_unlock(&job->lock);
        return;
    }
    if ((groups & GUEST_STATS_BALLOON) && qemu->balloon_path) {
        ask(job, mon, "query-balloon", NULL, deadline_ms, on_balloon);
        ask(job, mon, "qom-get", json_make(JSON_STR("path", qemu->balloon_path), JSON_STR("property", "guest-stats")), deadline_ms,
            on_guest_memory);
    }
    if (groups & GUEST_STATS_BLOCK) {
        ask(job, mon, "query-blockstats", NULL, deadline_ms, on_blockstats);
        ask(job, mon, "query-block", NULL, deadline_ms, on_block);
    }
    if (groups & GUEST_STATS_IOTHREAD)
        ask(job, mon, "query-iothreads", NULL, deadline_ms, on_iothreads);
    if (groups & GUEST_STATS_DIRTYRATE)
        ask(job, mon, "query-dirty-rate", NULL, deadline_ms, on_dirty_rate);
}

static void read_resident(Guest *guest, GuestStats *stats)
{
    g_autofree char *text = host_read(STAT_MAX, "/proc/%d/statm", (int)guest->pid);
    g_auto(GStrv) fields = g_strsplit(text ? text : "", " ", 3);

    if (g_strv_length(fields) >= 2)
        stat_set(&stats->memory[VIR_DOMAIN_MEMORY_STAT_RSS], g_ascii_strtoull(fields[1], NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024));
}

void qemu_backend_stats(Guest *guest, unsigned int groups, gint64 deadline_ms, GuestStatsFunc done, void *opaque)
{
    const unsigned int known = GUEST_STATS_CPU | GUEST_STATS_BALLOON | GUEST_STATS_VCPU | GUEST_STATS_INTERFACE |
        GUEST_STATS_BLOCK | GUEST_STATS_IOTHREAD | GUEST_STATS_PERF | GUEST_STATS_DIRTYRATE | GUEST_STATS_MEMORY;
    QemuGuest *qemu = qemu_guest(guest);
    StatsJob *job = g_new0(StatsJob, 1);

    job->waiting = 1;
    job->guest = guest_ref(guest);
    job->stats = guest_stats_new(groups & known);
    job->done = done;
    job->opaque = opaque;
    g_autoptr(GPtrArray) taps = qemu_guest_taps(qemu);
    g_mutex_init(&job->lock);
    g_mutex_lock(&job->lock);
    if (groups & GUEST_STATS_CPU)
        read_cpu(guest, job->stats);
    qemu_guest_cachetune_read(guest, groups, job->stats);
    if (groups & GUEST_STATS_VCPU)
        read_vcpus(guest, job->stats);
    if (groups & GUEST_STATS_PERF)
        qemu_perf_read(qemu->perf, job->stats);
    if (groups & GUEST_STATS_BALLOON)
        read_resident(guest, job->stats);
    for (guint i = 0; (groups & GUEST_STATS_INTERFACE) && i < taps->len; i++) {
        if (g_ptr_array_index(taps, i))
            read_interface(job->stats, g_ptr_array_index(taps, i));
    }
    g_mutex_unlock(&job->lock);
    ask_qemu(job, groups, (int)CLAMP(deadline_ms, 1, G_MAXINT));
    stats_job_release(job);
}
