/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The threads of a guest: which ones there are, on which CPUs of the host they run, by which scheduler; and I/O threads that come,
 * go and change.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "core/host/host.h"
#include "domain/params.h"
#include "domain/vcpus.h"
#include "drivers/qemu/threads.h"
#include "drivers/qemu/tuning.h"

#define IOTHREAD "iothread%u"

/* ---- which threads ---- */

int qemu_guest_vcpu_tid(QemuGuest *qemu, guint id)
{
    int tid = 0;

    g_mutex_lock(&qemu->lock);
    if (id < qemu->vcpu_tids->len)
        tid = g_array_index(qemu->vcpu_tids, int, id);
    g_mutex_unlock(&qemu->lock);
    return tid;
}

int qemu_guest_iothread_tids(Guest *guest, GHashTable **tids)
{
    g_autoptr(json_object) list = NULL;
    g_autoptr(GHashTable) found = g_hash_table_new(NULL, NULL);

    if (qemu_guest_call(guest, "query-iothreads", NULL, &list) < 0)
        return -1;
    for (gsize i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
        json_object *item = json_object_array_get_idx(list, i);
        const char *id = json_member_string(item, "id");
        gint64 tid = json_member_int(item, "thread-id", 0);
        guint64 number;

        if (id && g_str_has_prefix(id, "iothread") && tid > 0 && tid <= G_MAXINT32 &&
            g_ascii_string_to_unsigned(id + strlen("iothread"), 10, 1, G_MAXUINT32, &number, NULL))
            g_hash_table_insert(found, GUINT_TO_POINTER((guint)number), GINT_TO_POINTER((int)tid));
    }
    *tids = g_steal_pointer(&found);
    return 0;
}

GArray *qemu_process_tids(pid_t pid)
{
    g_autofree char *folder = g_strdup_printf("/proc/%d/task", (int)pid);

    return host_list_numbers(folder, "");
}

/* Threads that are neither vCPUs nor I/O threads. */
GArray *qemu_guest_emulator_tids(Guest *guest, GHashTable *iothreads)
{
    QemuGuest *qemu = qemu_guest(guest);
    GArray *tids = qemu_process_tids(guest->pid);
    g_autoptr(GHashTable) others = g_hash_table_new(NULL, NULL);
    GHashTableIter iter;
    gpointer tid;

    g_hash_table_iter_init(&iter, iothreads);
    while (g_hash_table_iter_next(&iter, NULL, &tid))
        g_hash_table_add(others, tid);
    g_mutex_lock(&qemu->lock);
    for (guint i = 0; i < qemu->vcpu_tids->len; i++)
        g_hash_table_add(others, GINT_TO_POINTER(g_array_index(qemu->vcpu_tids, int, i)));
    g_mutex_unlock(&qemu->lock);
    for (guint i = tids->len; i-- > 0;) {
        if (g_hash_table_contains(others, GINT_TO_POINTER((int)g_array_index(tids, guint, i))))
            g_array_remove_index_fast(tids, i);
    }
    return tids;
}

/* ---- CPUs and schedulers ---- */

/* @cpus NULL: all. A thread that is gone needs nothing. */
static int set_cpus(int tid, const Bitmap *cpus, const char *what)
{
    size_t n = cpus ? MAX(bitmap_size(cpus), 1) : HOST_MAX_CPUS, size = CPU_ALLOC_SIZE(n);
    cpu_set_t *set = CPU_ALLOC(n);
    int rc;

    CPU_ZERO_S(size, set);
    for (size_t i = 0; i < n; i++) {
        if (!cpus || bitmap_test(cpus, i))
            CPU_SET_S(i, size, set);
    }
    rc = sched_setaffinity(tid, size, set);
    CPU_FREE(set);
    if (rc == 0 || errno == ESRCH)
        return 0;
    return errno == EINVAL ? FAIL(VIR_ERR_INVALID_ARG, "%s can't run there: the host has none of these CPUs", what)
                           : FAIL_ERRNO(errno, "cannot choose the CPUs of %s", what);
}

static int set_scheduler(int tid, DomainSchedPolicy policy, int priority, const char *what)
{
    static const int policies[DOMAIN_SCHED_POLICY_LAST] = {
        [DOMAIN_SCHED_POLICY_BATCH] = SCHED_BATCH, [DOMAIN_SCHED_POLICY_IDLE] = SCHED_IDLE, [DOMAIN_SCHED_POLICY_FIFO] = SCHED_FIFO,
        [DOMAIN_SCHED_POLICY_RR] = SCHED_RR,
    };
    gboolean real_time = policy == DOMAIN_SCHED_POLICY_FIFO || policy == DOMAIN_SCHED_POLICY_RR;
    struct sched_param param = { .sched_priority = real_time ? priority : 0 };

    if (!policy)
        return 0;
    if (real_time && (priority < sched_get_priority_min(policies[policy]) || priority > sched_get_priority_max(policies[policy])))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "priority %d of %s is out of range [%d, %d]", priority, what,
                    sched_get_priority_min(policies[policy]), sched_get_priority_max(policies[policy]));
    if (sched_setscheduler(tid, policies[policy], &param) < 0 && errno != ESRCH)
        return FAIL_ERRNO(errno, "cannot give %s the scheduler '%s'", what, domain_sched_policy_to_string(policy));
    return 0;
}

int qemu_guest_place_vcpu(Guest *guest, const DomainDef *def, guint id)
{
    int tid = qemu_guest_vcpu_tid(qemu_guest(guest), id);
    g_autofree char *what = g_strdup_printf("vcpu '%u' of domain '%s'", id, guest->name);

    /* One that comes later would have the CPUs of the thread that made it. */
    if (tid <= 0)
        return 0;
    if (set_cpus(tid, vcpu_cpus(def, id), what) < 0)
        return -1;
    for (guint i = 0; def->cputune && i < def->cputune->n_vcpuscheds; i++) {
        const VcpuSched *s = def->cputune->vcpuscheds[i];

        if (bitmap_test(s->vcpus, id))
            return set_scheduler(tid, s->scheduler, s->priority, what);
    }
    return 0;
}

static int place_iothread(Guest *guest, const DomainDef *def, guint id, int tid)
{
    g_autofree char *what = g_strdup_printf("I/O thread %u of domain '%s'", id, guest->name);

    if (set_cpus(tid, iothread_cpus(def, id), what) < 0)
        return -1;
    for (guint i = 0; def->cputune && i < def->cputune->n_iothreadscheds; i++) {
        const IothreadSched *s = def->cputune->iothreadscheds[i];

        if (bitmap_test(s->iothreads, id))
            return set_scheduler(tid, s->scheduler, s->priority, what);
    }
    return 0;
}

static int place_emulator(Guest *guest, const DomainDef *def, const Bitmap *cpus, GHashTable *iothreads)
{
    g_autoptr(GArray) tids = qemu_guest_emulator_tids(guest, iothreads);
    g_autofree char *what = g_strdup_printf("the emulator of domain '%s'", guest->name);
    const DomainCputune *tune = def->cputune;

    for (guint i = 0; i < tids->len; i++) {
        int tid = (int)g_array_index(tids, guint, i);

        if (set_cpus(tid, cpus, what) < 0)
            return -1;
        if (tune && tune->emulatorsched.scheduler &&
            set_scheduler(tid, tune->emulatorsched.scheduler, tune->emulatorsched.priority, what) < 0)
            return -1;
    }
    return 0;
}

static gboolean is_placed(const DomainDef *def)
{
    const DomainCputune *t = def->cputune;

    return def->vcpu.cpuset || (t && (t->n_vcpupins || t->emulatorpin || t->n_iothreadpins || t->n_vcpuscheds || t->n_iothreadscheds ||
                                      t->emulatorsched.scheduler));
}

int qemu_guest_place_threads(Guest *guest, const DomainDef *def)
{
    g_autoptr(GHashTable) iothreads = NULL;
    GHashTableIter iter;
    gpointer id, tid;

    if (!is_placed(def))
        return 0;
    if (qemu_guest_iothread_tids(guest, &iothreads) < 0)
        return -1;
    for (guint i = 0; i < vcpus_max(def); i++) {
        if (qemu_guest_place_vcpu(guest, def, i) < 0)
            return -1;
    }
    g_hash_table_iter_init(&iter, iothreads);
    while (g_hash_table_iter_next(&iter, &id, &tid)) {
        if (place_iothread(guest, def, GPOINTER_TO_UINT(id), GPOINTER_TO_INT(tid)) < 0)
            return -1;
    }
    return place_emulator(guest, def, emulator_cpus(def), iothreads);
}

int qemu_backend_pin(Guest *guest, DomainDef *def, GuestThread thread, guint id, const Bitmap *cpus)
{
    g_autoptr(GHashTable) iothreads = NULL;
    g_autofree char *what = NULL;
    int tid;

    if (thread != GUEST_THREAD_VCPU && qemu_guest_iothread_tids(guest, &iothreads) < 0)
        return -1;
    if (thread == GUEST_THREAD_EMULATOR)
        return place_emulator(guest, def, cpus, iothreads);
    what = g_strdup_printf("%s %u of domain '%s'", thread == GUEST_THREAD_VCPU ? "vcpu" : "I/O thread", id, guest->name);
    tid = thread == GUEST_THREAD_VCPU ? qemu_guest_vcpu_tid(qemu_guest(guest), id)
                                      : GPOINTER_TO_INT(g_hash_table_lookup(iothreads, GUINT_TO_POINTER(id)));
    if (tid <= 0)
        return FAIL(VIR_ERR_INVALID_ARG, "%s has no thread of its own", what);
    return set_cpus(tid, cpus, what);
}

/* ---- I/O threads ---- */

int qemu_backend_set_iothread(Guest *guest, DomainDef *def, guint id, gboolean exists)
{
    g_autofree char *name = g_strdup_printf(IOTHREAD, id);
    g_autoptr(GHashTable) tids = NULL;

    if (!exists)
        return qemu_guest_call(guest, "object-del", json_make(JSON_STR("id", name)), NULL);
    if (qemu_guest_call(guest, "object-add", json_make(JSON_STR("qom-type", "iothread"), JSON_STR("id", name)), NULL) < 0)
        return -1;
    if (qemu_guest_iothread_tids(guest, &tids) == 0 &&
        place_iothread(guest, def, id, GPOINTER_TO_INT(g_hash_table_lookup(tids, GUINT_TO_POINTER(id)))) == 0 &&
        qemu_guest_tune_threads(guest, def) == 0)
        return 0;
    virErrorPtr error = error_save();

    qemu_guest_call(guest, "object-del", json_make(JSON_STR("id", name)), NULL);
    error_restore(error);
    return -1;
}

static int set_property(Guest *guest, const char *path, const char *name, gint64 value)
{
    return qemu_guest_call(guest, "qom-set", json_make(JSON_STR("path", path), JSON_STR("property", name), JSON_INT("value", value)),
                           NULL);
}

static int get_property(Guest *guest, const char *path, const char *name, gint64 *value)
{
    g_autoptr(json_object) answer = NULL;

    if (qemu_guest_call(guest, "qom-get", json_make(JSON_STR("path", path), JSON_STR("property", name)), &answer) < 0)
        return -1;
    if (!json_object_is_type(answer, json_type_int))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "QEMU of domain '%s' doesn't tell '%s' of '%s'", guest->name, name, path);
    *value = json_object_get_int64(answer);
    return 0;
}

/* QEMU refuses a minimum above the maximum at any moment: the one that makes room goes first. */
static int set_pool(Guest *guest, const char *path, const DomainIothread *thread)
{
    gint64 min, max;

    if (!thread->has_thread_pool_min && !thread->has_thread_pool_max)
        return 0;
    if (get_property(guest, path, "thread-pool-min", &min) < 0 || get_property(guest, path, "thread-pool-max", &max) < 0)
        return -1;
    gint64 new_min = thread->has_thread_pool_min ? thread->thread_pool_min : min;
    gint64 new_max = thread->has_thread_pool_max ? thread->thread_pool_max : max;

    if (new_max > max && set_property(guest, path, "thread-pool-max", new_max) < 0)
        return -1;
    if (new_min != min && set_property(guest, path, "thread-pool-min", new_min) < 0)
        return -1;
    return new_max < max ? set_property(guest, path, "thread-pool-max", new_max) : 0;
}

int qemu_guest_set_iothread_params(Guest *guest, const DomainIothread *thread)
{
    g_autofree char *path = g_strdup_printf("/objects/" IOTHREAD, thread->id);
    const struct {
        gboolean given;
        const char *name;
        guint64 value;
    } polling[] = {
        { thread->poll.has_max, "poll-max-ns", thread->poll.max }, { thread->poll.has_grow, "poll-grow", thread->poll.grow },
        { thread->poll.has_shrink, "poll-shrink", thread->poll.shrink },
    };

    for (guint i = 0; i < G_N_ELEMENTS(polling); i++) {
        if (polling[i].given && set_property(guest, path, polling[i].name, (gint64)MIN(polling[i].value, G_MAXINT64)) < 0)
            return -1;
    }
    return set_pool(guest, path, thread);
}
