/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A hypervisor without guests: every request succeeds at once, and what a real one would tell is told at once.
 */
#define ERROR_DOMAIN VIR_FROM_TEST
#include "base/error.h"
#include <errno.h>
#include <string.h>
#include "base/file.h"
#include "base/loop.h"
#include "domain/moments.h"
#include "domain/params.h"
#include "domain/vcpus.h"
#include "domain/devices.h"
#include "domain/host.h"
#include "drivers/test/test_driver.h"
#include "drivers/test/test_guest.h"
#include "drivers/test/test_node.h"

static int test_prepare(DomainHost *host, DomainDef *def)
{
    if (!def->os.arch)
        def->os.arch = g_strdup("i686");
    return 0;
}

/* Test domains get what their XML says and hardly anything implied. */
static void test_describe(DomainHost *host, const DomainDef *def, DomainMachineInfo *info)
{
    *info = (DomainMachineInfo) { .video_type = DOMAIN_VIDEO_TYPE_CIRRUS };
}

static gboolean is_used(const DomainDef *def, const char *name)
{
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        if (g_strcmp0(def->devices.interfaces[i]->target.dev, name) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Interfaces have names before they exist; vnet… is what a run would have given, so it isn't the user's choice. */
static int test_complete(DomainHost *host, DomainDef *def)
{
    guint number = 0;
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        char **name = &def->devices.interfaces[i]->target.dev;
        if (*name && !g_str_has_prefix(*name, "vnet"))
            continue;
        g_clear_pointer(name, g_free);
        while (!*name) {
            g_autofree char *next = g_strdup_printf("testnet%u", number++);
            if (!is_used(def, next))
                *name = g_steal_pointer(&next);
        }
    }
    return 0;
}

static int test_max_vcpus(DomainHost *host, const char *type)
{
    return TEST_MAX_VCPUS;
}

static void test_guest_new(Guest *guest)
{
    TestGuest *t = g_new0(TestGuest, 1);
    t->started_ms = loop_now_ms();
    t->offline = bitmap_new(TEST_MAX_VCPUS);
    t->keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_strfreev);
    t->seconds = TEST_TIME;
    g_mutex_init(&t->lock);
    guest->priv = t;
}

static int test_start(Guest *guest, DomainDef *def, const StartOptions *options)
{
    return 0;
}

/* There is no memory: an image consists of its definition. */
static int test_save(Guest *guest, int fd, unsigned int flags)
{
    return 0;
}

static int test_dump(Guest *guest, int fd, unsigned int format, unsigned int flags)
{
    g_autofree char *text = g_strdup_printf("core of test domain '%s'\n", guest->name);
    return file_write_all(fd, text, strlen(text)) < 0 ? FAIL_ERRNO(errno, "cannot write the core dump") : 0;
}

static int test_snapshot_create(DomainHost *host, Guest *guest, DomainSnapshotDef *snapshot, unsigned int flags)
{
    for (guint i = 0; i < snapshot->disks.n_disks; i++) {
        if (snapshot->disks.disks[i]->snapshot == DOMAIN_DISK_SNAPSHOT_MANUAL)
            return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "disk '%s': the test driver takes no manual snapshots",
                        snapshot->disks.disks[i]->name);
    }
    return 0;
}

static int test_snapshot_revert(DomainHost *host, const DomainSnapshotDef *snapshot, unsigned int flags)
{
    return 0;
}

static int test_moment_delete(DomainHost *host, Guest *guest, const Moment *moment, unsigned int flags)
{
    return 0;
}

static int test_checkpoint_create(DomainHost *host, Guest *guest, DomainCheckpointDef *checkpoint, unsigned int flags)
{
    return 0;
}

static int test_succeed(Guest *guest)
{
    return 0;
}

static int test_shutdown(Guest *guest, GuestStopMode mode)
{
    return 1;
}

static int test_reboot(Guest *guest)
{
    return 1;
}

static int test_kill(Guest *guest, gboolean graceful, gint64 grace_ms)
{
    return 0;
}

static void test_guest_free(Guest *guest)
{
    TestGuest *t = guest->priv;
    bitmap_free(t->offline);
    g_hash_table_unref(t->keys);
    g_mutex_clear(&t->lock);
    g_free(t);
}

static void set_current_memory(DomainDef *def, const GuestNews *news)
{
    def->current_memory = news->value;
}

/* Whoever asked knows: there is no event. */
static int test_set_balloon(Guest *guest, DomainDef *def, unsigned long long kib)
{
    guest_change_def(guest, set_current_memory, &(GuestNews) { .value = kib });
    return 0;
}

static int test_set_balloon_period(Guest *guest, DomainDef *def, unsigned int seconds)
{
    return 0;
}

static int test_set_vcpus(Guest *guest, DomainDef *def, unsigned int count)
{
    return 0;
}

static int test_set_params(Guest *guest, DomainDef *def, const ParamChange *change)
{
    return 0;
}

static int test_attach(Guest *guest, DomainDef *def, const char *kind, void *device)
{
    device_name(def, kind, device);
    return 0;
}

static int test_detach(Guest *guest, DomainDef *def, const char *kind, void *device)
{
    return 1;
}

static int test_update(Guest *guest, DomainDef *def, const char *kind, void *device, const void *old, gboolean force)
{
    return 0;
}

static int test_pin(Guest *guest, DomainDef *def, GuestThread thread, guint id, const Bitmap *cpus)
{
    return 0;
}

static int test_set_iothread(Guest *guest, DomainDef *def, guint id, gboolean exists)
{
    return 0;
}

static int test_plug_vcpus(Guest *guest, DomainDef *def, const Bitmap *vcpus, gboolean on)
{
    return 0;
}

/* An I/O thread is given as many as the guest has vCPUs at present. */
static unsigned int test_host_cpus(DomainHost *host, const DomainDef *def, GuestThread thread)
{
    if (thread == GUEST_THREAD_IOTHREAD)
        return def->vcpu.current ? def->vcpu.current : vcpus_max(def);
    return ((const TestNode *) host_priv(host))->info.cpus;
}

/* Numbers that follow from the time and the definition, so that tests can tell what to expect. */
static void fill_stats(Guest *guest, GuestStats *stats)
{
    TestGuest *t = guest->priv;
    unsigned long long run_ns = (unsigned long long) (loop_now_ms() - t->started_ms) * 1000000;
    stat_set(&stats->cpu_time, run_ns);
    stat_set(&stats->cpu_user, run_ns / 2);
    stat_set(&stats->cpu_system, run_ns - run_ns / 2);
}

static void fill_memory(const DomainDef *def, GuestStats *stats)
{
    unsigned long long kib = def->current_memory ? def->current_memory : def->memory;
    stat_set(&stats->balloon_current, kib);
    stat_set(&stats->memory[VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON], kib);
    stat_set(&stats->memory[VIR_DOMAIN_MEMORY_STAT_AVAILABLE], kib);
    stat_set(&stats->memory[VIR_DOMAIN_MEMORY_STAT_UNUSED], kib / 2);
    stat_set(&stats->memory[VIR_DOMAIN_MEMORY_STAT_USABLE], kib / 2);
    stat_set(&stats->memory[VIR_DOMAIN_MEMORY_STAT_RSS], kib / 2);
    static const int zeros[] = { VIR_DOMAIN_MEMORY_STAT_SWAP_IN, VIR_DOMAIN_MEMORY_STAT_SWAP_OUT,
                                 VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT, VIR_DOMAIN_MEMORY_STAT_MINOR_FAULT,
                                 VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC, VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL };
    for (guint i = 0; i < G_N_ELEMENTS(zeros); i++)
        stat_set(&stats->memory[zeros[i]], 0);
    stat_set(&stats->memory[VIR_DOMAIN_MEMORY_STAT_DISK_CACHES], kib / 8);
    stat_set(&stats->memory[VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE], TEST_TIME);
}

typedef struct StatsCall { Guest *guest; GuestStats *stats; } StatsCall;

static void fill_from_def(const DomainDef *def, void *opaque)
{
    StatsCall *call = opaque;
    GuestStats *stats = call->stats;
    if (def->devices.memballoon) /* else nobody tells of the memory */
        fill_memory(def, stats);
    for (guint i = 0; i < def->devices.n_disks; i++) {
        const DomainDisk *disk = def->devices.disks[i];
        GuestBlockStats *b = guest_stats_add_block(stats);
        b->target = g_strdup(disk->target.dev);
        b->path = g_strdup(disk->source.file ? disk->source.file : disk->source.dev);
        StatValue *values[] = { &b->rd_req, &b->rd_bytes, &b->wr_req, &b->wr_bytes };
        for (guint j = 0; j < G_N_ELEMENTS(values); j++)
            stat_set(values[j], 0);
    }
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        GuestInterfaceStats *n = guest_stats_add_interface(stats);
        n->target = g_strdup(def->devices.interfaces[i]->target.dev);
        StatValue *values[] = { &n->rx_bytes, &n->rx_packets, &n->rx_errs, &n->rx_drop,
                                &n->tx_bytes, &n->tx_packets, &n->tx_errs, &n->tx_drop };
        for (guint j = 0; j < G_N_ELEMENTS(values); j++)
            stat_set(values[j], 0);
    }
    for (guint i = 0; i < vcpus_max(def); i++) {
        const Bitmap *cpus = vcpu_cpus(def, i);
        if (!vcpu_is_plugged(def, i))
            continue;
        GuestVcpuStats *v = guest_stats_add_vcpu(stats);
        v->vcpu = i;
        v->state = VIR_VCPU_RUNNING;
        v->cpu = cpus ? (int) bitmap_last(cpus)
            : (int) test_host_cpus(call->guest->host, def, GUEST_THREAD_VCPU) - 1;
        stat_set(&v->time, stats->cpu_time.n);
    }
}

static void test_stats(Guest *guest, unsigned int groups, gint64 deadline_ms, GuestStatsFunc done, void *opaque)
{
    g_autoptr(GuestStats) stats = guest_stats_new(groups);
    fill_stats(guest, stats);
    guest_with_def(guest, fill_from_def, &(StatsCall) { guest, stats });
    done(guest, stats, opaque);
}

static int test_send_key(Guest *guest, unsigned int codeset, unsigned int holdtime, const unsigned int *codes, int n)
{
    return 0;
}

static char *test_hostname(Guest *guest)
{
    return g_strdup_printf("%shost", guest->name);
}

const DomainBackend test_backend = {
    .name = "TEST",
    .image_word = "LibvirtTestd",
    .simulated = TRUE,
    .virt_types = 1u << DOMAIN_VIRT_TYPE_TEST,
    .prepare = test_prepare,
    .describe = test_describe,
    .complete = test_complete,
    .max_vcpus = test_max_vcpus,
    .guest_new = test_guest_new,
    .start = test_start,
    .cont = test_succeed,
    .pause = test_succeed,
    .shutdown = test_shutdown,
    .reboot_agent = test_reboot,
    .reset = test_succeed,
    .save = test_save,
    .dump = test_dump,
    .kill = test_kill,
    .guest_free = test_guest_free,
    .set_balloon = test_set_balloon,
    .set_balloon_period = test_set_balloon_period,
    .set_vcpus = test_set_vcpus,
    .no_snapshot_flags = VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA | VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY |
        VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT,
    .snapshot_create = test_snapshot_create,
    .snapshot_revert = test_snapshot_revert,
    .snapshot_delete = test_moment_delete,
    .checkpoint_create = test_checkpoint_create,
    .checkpoint_delete = test_moment_delete,
    .scheduler = &params_fair,
    .scheduler_name = "fair",
    .iotune_capped = TRUE,
    .set_params = test_set_params,
    .attach = test_attach,
    .detach = test_detach,
    .update = test_update,
    .pin = test_pin,
    .set_iothread = test_set_iothread,
    .plug_vcpus = test_plug_vcpus,
    .block_info = test_block_info,
    .block_peek = test_block_peek,
    .memory_peek = test_memory_peek,
    .block_resize = test_block_resize,
    .block_threshold = test_block_resize,
    .disk_errors = test_disk_errors,
    .cpu_stats = test_cpu_stats,
    .addresses = test_addresses,
    .screenshot = test_screenshot,
    .agent_filesystems = test_filesystems,
    .agent_freeze = test_freeze,
    .agent_trim = test_trim,
    .agent_time = test_time,
    .agent_set_time = test_set_time,
    .agent_password = test_password,
    .agent_keys = test_keys,
    .agent_set_keys = test_set_keys,
    .agent_sleep = test_sleep,
    .wake = test_wake,
    .send_signal = test_signal,
    .agent_vcpus = test_agent_vcpus,
    .agent_set_vcpus = test_agent_set_vcpus,
    .host_cpus = test_host_cpus,
    .stats = test_stats,
    .send_key = test_send_key,
    .inject_nmi = test_succeed,
    .agent_hostname = test_hostname,
    .agent_timeout = test_agent_timeout,
    .agent_info = test_agent_info,
    .agent_info_types = VIR_DOMAIN_GUEST_INFO_USERS | VIR_DOMAIN_GUEST_INFO_OS | VIR_DOMAIN_GUEST_INFO_TIMEZONE |
        VIR_DOMAIN_GUEST_INFO_DISKS,
};
