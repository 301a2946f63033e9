/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.tuning"
#include "drivers/qemu/tuning.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "base/error.h"
#include "base/log.h"
#include "core/host/cgroup.h"
#include "domain/params.h"
#include "domain/vcpus.h"
#include "drivers/qemu/cachetune.h"
#include "drivers/qemu/threads.h"

#define DEFAULT_PERIOD 100000
#define NAME_MAX_CHARS 64

/* ---- the guest's group ---- */

char *qemu_guest_group_name(const Guest *guest)
{
    g_autoptr(GString) name = g_string_new(NULL);

    for (const char *c = guest->name; *c && name->len < NAME_MAX_CHARS; c++) {
        if (g_ascii_isalnum(*c) || strchr("-_.", *c))
            g_string_append_c(name, *c);
    }
    return g_strdup_printf("qemu-%d-%s", guest->id, name->str);
}

/* NULL with an error. */
static char *group_path(const Guest *guest, const DomainDef *def)
{
    g_autofree char *partition = cgroup_partition(def->resource.partition), *name = qemu_guest_group_name(guest);

    return partition ? g_strdup_printf("%s/%s.libvirt-qemu", partition, name) : NULL;
}

/* One guest's group while it is tuned. */
typedef struct Tuning {
    Guest *guest;
    const DomainDef *def;
    CgroupHost *host;
    char *path;
} Tuning;

static void tuning_clear(Tuning *t)
{
    cgroup_host_free(t->host);
    g_free(t->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tuning, tuning_clear)

static int tuning_begin(Tuning *t, Guest *guest, const DomainDef *def)
{
    g_atomic_int_set(&qemu_guest(guest)->tuned, 1);
    *t = (Tuning){ guest, def, cgroup_host_read(), group_path(guest, def) };
    return t->host && t->path ? 0 : -1;
}

static int enter(const Tuning *t, CgroupController c)
{
    return cgroup_enter(t->host, c, t->path, t->guest->pid);
}

/* ---- processor time ---- */

/* A quota below zero is none. */
static int set_quota(const Tuning *t, const char *sub, guint64 period, gint64 quota)
{
    if (!period && !quota)
        return 0;
    if (!period)
        period = DEFAULT_PERIOD;
    if (t->host->unified[CGROUP_CPU]) {
        g_autofree char *text = quota > 0 ? g_strdup_printf("%" G_GINT64_FORMAT, quota) : g_strdup("max");

        return cgroup_set(t->host, CGROUP_CPU, t->path, sub, "cpu.max", "%s %" G_GUINT64_FORMAT, text, period);
    }
    if (cgroup_set(t->host, CGROUP_CPU, t->path, sub, "cpu.cfs_period_us", "%" G_GUINT64_FORMAT, period) < 0)
        return -1;
    return quota == 0 ? 0 : cgroup_set(t->host, CGROUP_CPU, t->path, sub, "cpu.cfs_quota_us", "%" G_GINT64_FORMAT, quota > 0 ? quota : -1);
}

static gboolean wants_cpu(const DomainCputune *t)
{
    return t && (t->has_shares || t->global_period || t->has_global_quota);
}

static gboolean wants_cpu_of_threads(const DomainCputune *t)
{
    return t && (t->period || t->has_quota || t->emulator_period || t->has_emulator_quota || t->iothread_period || t->has_iothread_quota);
}

static int tune_cpu(const Tuning *t)
{
    const DomainCputune *c = t->def->cputune;

    if (!wants_cpu(c))
        return 0;
    if (enter(t, CGROUP_CPU) < 0)
        return -1;
    if (c->has_shares && cgroup_set(t->host, CGROUP_CPU, t->path, NULL, t->host->unified[CGROUP_CPU] ? "cpu.weight" : "cpu.shares",
                                    "%" G_GUINT64_FORMAT, c->shares) < 0)
        return -1;
    return set_quota(t, NULL, c->global_period, c->has_global_quota ? c->global_quota : 0);
}

static int tune_thread(const Tuning *t, const char *sub, int tid, guint64 period, gint64 quota)
{
    return cgroup_enter_thread(t->host, CGROUP_CPU, t->path, sub, tid) < 0 ? -1 : set_quota(t, sub, period, quota);
}

static int tune_vcpus(const Tuning *t)
{
    const DomainCputune *c = t->def->cputune;

    for (guint i = 0; i < vcpus_max(t->def); i++) {
        g_autofree char *sub = g_strdup_printf("vcpu%u", i);
        int tid = qemu_guest_vcpu_tid(qemu_guest(t->guest), i);

        if (tid > 0 && tune_thread(t, sub, tid, c->period, c->has_quota ? c->quota : 0) < 0)
            return -1;
    }
    return 0;
}

static int tune_iothreads(const Tuning *t, GHashTable *tids)
{
    const DomainCputune *c = t->def->cputune;
    GHashTableIter iter;
    gpointer id, tid;

    g_hash_table_iter_init(&iter, tids);
    while (g_hash_table_iter_next(&iter, &id, &tid)) {
        g_autofree char *sub = g_strdup_printf("iothread%u", GPOINTER_TO_UINT(id));

        if (tune_thread(t, sub, GPOINTER_TO_INT(tid), c->iothread_period, c->has_iothread_quota ? c->iothread_quota : 0) < 0)
            return -1;
    }
    return 0;
}

static int tune_emulator(const Tuning *t, GHashTable *iothreads)
{
    const DomainCputune *c = t->def->cputune;
    g_autoptr(GArray) tids = qemu_guest_emulator_tids(t->guest, iothreads);

    for (guint i = 0; i < tids->len; i++) {
        if (tune_thread(t, "emulator", (int)g_array_index(tids, guint, i), c->emulator_period,
                        c->has_emulator_quota ? c->emulator_quota : 0) < 0)
            return -1;
    }
    return 0;
}

static int tune_threads(const Tuning *t)
{
    g_autoptr(GHashTable) iothreads = NULL;

    if (!wants_cpu_of_threads(t->def->cputune))
        return 0;
    if (enter(t, CGROUP_CPU) < 0 || qemu_guest_iothread_tids(t->guest, &iothreads) < 0)
        return -1;
    return tune_vcpus(t) < 0 || tune_iothreads(t, iothreads) < 0 ? -1 : tune_emulator(t, iothreads);
}

/* ---- memory ---- */

static gboolean wants_memory(const DomainMemtune *m)
{
    return m && (m->has_hard_limit || m->has_soft_limit || m->has_swap_hard_limit);
}

static int set_bytes(const Tuning *t, const char *file, gboolean given, guint64 kib)
{
    gboolean unified = t->host->unified[CGROUP_MEMORY];

    if (!given)
        return cgroup_set(t->host, CGROUP_MEMORY, t->path, NULL, file, "%s", unified ? "max" : "-1");
    if (kib > G_MAXINT64 / 1024)
        return FAIL(VIR_ERR_INVALID_ARG, "a limit of %" G_GUINT64_FORMAT " KiB is too large", kib);
    return cgroup_set(t->host, CGROUP_MEMORY, t->path, NULL, file, "%" G_GUINT64_FORMAT, kib * 1024);
}

/* The kernel wants the limit with swap not below that without at any moment: which goes first depends on what was there. */
static int set_hard_limits(const Tuning *t, const DomainMemtune *m)
{
    const char *memory = "memory.limit_in_bytes", *both = "memory.memsw.limit_in_bytes";
    gboolean swaps = cgroup_has(t->host, CGROUP_MEMORY, t->path, both);

    if (m->has_swap_hard_limit && !swaps)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the host's kernel doesn't limit swap: '%s' isn't there", both);
    if (swaps && set_bytes(t, both, FALSE, 0) < 0)
        return -1;
    if (set_bytes(t, memory, m->has_hard_limit, m->hard_limit) < 0)
        return -1;
    return swaps && m->has_swap_hard_limit ? set_bytes(t, both, TRUE, m->swap_hard_limit) : 0;
}

static int tune_memory(const Tuning *t)
{
    const DomainMemtune *m = t->def->memtune;

    if (!m || enter(t, CGROUP_MEMORY) < 0)
        return m ? -1 : 0;
    if (!t->host->unified[CGROUP_MEMORY])
        return set_hard_limits(t, m) < 0 ? -1 : set_bytes(t, "memory.soft_limit_in_bytes", m->has_soft_limit, m->soft_limit);
    /* Here swap is counted by itself. */
    if (set_bytes(t, "memory.max", m->has_hard_limit, m->hard_limit) < 0 ||
        set_bytes(t, "memory.high", m->has_soft_limit, m->soft_limit) < 0)
        return -1;
    return set_bytes(t, "memory.swap.max", m->has_swap_hard_limit, m->swap_hard_limit - MIN(m->hard_limit, m->swap_hard_limit));
}

/* ---- block devices ---- */

static int set_weight(const Tuning *t, guint weight)
{
    const char *const files[] = { "blkio.weight", "blkio.bfq.weight", "io.weight", "io.bfq.weight" };

    for (guint i = 0; weight && i < G_N_ELEMENTS(files); i++) {
        if (cgroup_has(t->host, CGROUP_IO, t->path, files[i]))
            return cgroup_set(t->host, CGROUP_IO, t->path, NULL, files[i], "%u", weight);
    }
    return weight ? FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the host's kernel has no weights of block I/O") : 0;
}

/* What was limited before (@old, may be NULL) and isn't any more is told so. */
static int tune_device(const Tuning *t, const BlkioDevice *d, const BlkioDevice *old)
{
    static const BlkioDevice none;
    gboolean unified = t->host->unified[CGROUP_IO];
    const BlkioDevice *o = old ? old : &none;
    const struct {
        guint64 value, old;
        const char *first, *second;
    } limits[] = {
        { d->weight, o->weight, "blkio.weight_device", "" },
        { d->read_iops_sec, o->read_iops_sec, "blkio.throttle.read_iops_device", "riops=" },
        { d->write_iops_sec, o->write_iops_sec, "blkio.throttle.write_iops_device", "wiops=" },
        { d->read_bytes_sec, o->read_bytes_sec, "blkio.throttle.read_bps_device", "rbps=" },
        { d->write_bytes_sec, o->write_bytes_sec, "blkio.throttle.write_bps_device", "wbps=" },
    };
    const char *path = d->path ? d->path : o->path;
    struct stat st;

    if (stat(path, &st) < 0)
        return FAIL_ERRNO(errno, "cannot find block device '%s'", path);
    if (!S_ISBLK(st.st_mode))
        return FAIL_ERRNO(EINVAL, "'%s' is no block device", path);
    for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
        const char *file = !unified ? limits[i].first : i == 0 ? "io.weight" : "io.max";
        g_autofree char *value = unified && !limits[i].value ? g_strdup(i == 0 ? "default" : "max")
                                                             : g_strdup_printf("%" G_GUINT64_FORMAT, limits[i].value);

        if ((limits[i].value || limits[i].old) &&
            cgroup_set(t->host, CGROUP_IO, t->path, NULL, file, "%u:%u %s%s", major(st.st_rdev), minor(st.st_rdev),
                       unified ? limits[i].second : "", value) < 0)
            return -1;
    }
    return 0;
}

static gboolean wants_io(const DomainBlkiotune *b)
{
    return b && (b->weight || b->n_devices);
}

static const BlkioDevice *find_device(const DomainBlkiotune *b, const char *path)
{
    for (guint i = 0; b && i < b->n_devices; i++) {
        if (g_str_equal(b->devices[i]->path, path))
            return b->devices[i];
    }
    return NULL;
}

static int tune_io(const Tuning *t, const DomainBlkiotune *before)
{
    static const BlkioDevice none;
    const DomainBlkiotune *b = t->def->blkiotune;

    if (!wants_io(b) && !wants_io(before))
        return 0;
    if (enter(t, CGROUP_IO) < 0 || set_weight(t, b ? b->weight : 0) < 0)
        return -1;
    for (guint i = 0; b && i < b->n_devices; i++) {
        if (tune_device(t, b->devices[i], find_device(before, b->devices[i]->path)) < 0)
            return -1;
    }
    for (guint i = 0; before && i < before->n_devices; i++) {
        if (!find_device(b, before->devices[i]->path) && tune_device(t, &none, before->devices[i]) < 0)
            return -1;
    }
    return 0;
}

/* ---- nodes ---- */

/* QEMU binds the guest's memory by itself; this is the process with all it has. */
static gboolean wants_nodes(const DomainNumatune *n)
{
    return n && n->memory.nodeset && (!n->memory.mode || n->memory.mode == DOMAIN_NUMATUNE_MODE_STRICT ||
                                      n->memory.mode == DOMAIN_NUMATUNE_MODE_RESTRICTIVE);
}

static int tune_nodes(const Tuning *t)
{
    const DomainNumatune *n = t->def->numatune;
    g_autofree char *nodes = NULL;

    if (!wants_nodes(n))
        return 0;
    nodes = bitmap_format(n->memory.nodeset);
    if (cgroup_enter(t->host, CGROUP_CPUSET, t->path, 0) < 0 ||
        cgroup_set(t->host, CGROUP_CPUSET, t->path, NULL, "cpuset.mems", "%s", nodes) < 0)
        return -1;
    return enter(t, CGROUP_CPUSET);
}

/* ---- all of it ---- */

/* Whatever the host has. */
static int check_undone(const DomainDef *def)
{
    const DomainNumatune *n = def->numatune;
    const struct {
        gboolean there;
        const char *what;
    } undone[] = {
        { def->memtune && def->memtune->has_min_guarantee, "<min_guarantee>" },
        { n && n->memory.placement == DOMAIN_VCPU_PLACEMENT_AUTO && !n->memory.nodeset, "placement='auto' of <numatune>" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(undone); i++) {
        if (undone[i].there)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s of domain '%s' is not supported by the QEMU driver yet; 'virsh edit %s' takes it "
                        "out", undone[i].what, def->name, def->name);
    }
    return 0;
}

int qemu_check_tuning(const DomainDef *def)
{
    g_autoptr(CgroupHost) host = NULL;
    const struct {
        gboolean there;
        CgroupController controller;
        const char *what;
    } wishes[] = {
        { wants_cpu(def->cputune) || wants_cpu_of_threads(def->cputune), CGROUP_CPU, "limits of processor time in <cputune>" },
        { wants_memory(def->memtune), CGROUP_MEMORY, "<memtune>" },
        { wants_io(def->blkiotune), CGROUP_IO, "<blkiotune>" },
        { wants_nodes(def->numatune) && def->numatune->memory.mode == DOMAIN_NUMATUNE_MODE_RESTRICTIVE, CGROUP_CPUSET,
          "mode='restrictive' of <numatune>" },
    };

    if (check_undone(def) < 0 || qemu_check_cachetune(def) < 0)
        return -1;
    for (guint i = 0; i < G_N_ELEMENTS(wishes); i++) {
        if (!wishes[i].there)
            continue;
        if (!host)
            host = cgroup_host_read();
        if (!host)
            return -1;
        if (!host->tree[wishes[i].controller])
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s of domain '%s' needs the control groups of '%s', which this host hasn't mounted",
                        wishes[i].what, def->name, cgroup_controller_name(wishes[i].controller));
    }
    return 0;
}

int qemu_guest_tune_process(Guest *guest, const DomainDef *def)
{
    g_auto(Tuning) t = { NULL };

    if (!wants_cpu(def->cputune) && !wants_memory(def->memtune) && !wants_io(def->blkiotune) && !wants_nodes(def->numatune))
        return 0;
    if (tuning_begin(&t, guest, def) < 0 || tune_cpu(&t) < 0 || (wants_memory(def->memtune) && tune_memory(&t) < 0) || tune_io(&t, NULL) < 0)
        return -1;
    return t.host->tree[CGROUP_CPUSET] ? tune_nodes(&t) : 0;
}

int qemu_guest_tune_threads(Guest *guest, const DomainDef *def)
{
    g_auto(Tuning) t = { NULL };

    if (qemu_guest_cachetune_enter(guest, def) < 0)
        return -1;
    if (!wants_cpu_of_threads(def->cputune))
        return 0;
    return tuning_begin(&t, guest, def) < 0 ? -1 : tune_threads(&t);
}

int qemu_guest_tune_again(Guest *guest, const DomainDef *def, const DomainDef *before, const ParamGroup *group)
{
    g_auto(Tuning) t = { NULL };

    if (tuning_begin(&t, guest, def) < 0)
        return -1;
    if (group == &params_cpu)
        return tune_cpu(&t) < 0 ? -1 : tune_threads(&t);
    if (group == &params_memory)
        return tune_memory(&t);
    if (group == &params_blkio)
        return tune_io(&t, before->blkiotune);
    if (!wants_nodes(def->numatune))
        return FAIL(VIR_ERR_OPERATION_INVALID, "the nodes of the running domain '%s' can be changed in mode 'strict' or 'restrictive' alone",
                    guest->name);
    return tune_nodes(&t);
}

void qemu_guest_untune(Guest *guest, const DomainDef *def)
{
    g_auto(Tuning) t = { NULL };

    qemu_guest_cachetune_remove(guest, def);
    if (!g_atomic_int_get(&qemu_guest(guest)->tuned))
        return;
    if (tuning_begin(&t, guest, def) == 0)
        cgroup_remove(t.host, t.path);
    else
        LOG_WARN("cannot remove the control groups of domain '%s': %s", guest->name, error_message());
}
