/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_PERF
#include "drivers/qemu/perf.h"
#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/qemu/threads.h"

struct QemuPerf {
    GMutex lock;
    GArray *fds[PERF_EVENT_NAME_LAST]; /* of int, one for each thread that there was; NULL: isn't counted */
};

/* How the kernel calls it; what isn't here was once counted by another interface, which kernels don't have any more. */
static const struct {
    gboolean known;
    guint32 type;
    guint64 config;
} kinds[PERF_EVENT_NAME_LAST] = {
#define HARDWARE(name, config) [PERF_EVENT_NAME_##name] = { TRUE, PERF_TYPE_HARDWARE, PERF_COUNT_HW_##config }
#define SOFTWARE(name, config) [PERF_EVENT_NAME_##name] = { TRUE, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_##config }
    HARDWARE(CPU_CYCLES, CPU_CYCLES), HARDWARE(INSTRUCTIONS, INSTRUCTIONS), HARDWARE(CACHE_REFERENCES, CACHE_REFERENCES),
    HARDWARE(CACHE_MISSES, CACHE_MISSES), HARDWARE(BRANCH_INSTRUCTIONS, BRANCH_INSTRUCTIONS), HARDWARE(BRANCH_MISSES, BRANCH_MISSES),
    HARDWARE(BUS_CYCLES, BUS_CYCLES), HARDWARE(STALLED_CYCLES_FRONTEND, STALLED_CYCLES_FRONTEND),
    HARDWARE(STALLED_CYCLES_BACKEND, STALLED_CYCLES_BACKEND), HARDWARE(REF_CPU_CYCLES, REF_CPU_CYCLES),
    SOFTWARE(CPU_CLOCK, CPU_CLOCK), SOFTWARE(TASK_CLOCK, TASK_CLOCK), SOFTWARE(PAGE_FAULTS, PAGE_FAULTS),
    SOFTWARE(CONTEXT_SWITCHES, CONTEXT_SWITCHES), SOFTWARE(CPU_MIGRATIONS, CPU_MIGRATIONS), SOFTWARE(PAGE_FAULTS_MIN, PAGE_FAULTS_MIN),
    SOFTWARE(PAGE_FAULTS_MAJ, PAGE_FAULTS_MAJ), SOFTWARE(ALIGNMENT_FAULTS, ALIGNMENT_FAULTS), SOFTWARE(EMULATION_FAULTS, EMULATION_FAULTS),
};

static void close_fds(GArray *fds)
{
    for (guint i = 0; fds && i < fds->len; i++)
        close(g_array_index(fds, int, i));
    if (fds)
        g_array_unref(fds);
}

QemuPerf *qemu_perf_new(void)
{
    QemuPerf *perf = g_new0(QemuPerf, 1);

    g_mutex_init(&perf->lock);
    return perf;
}

void qemu_perf_free(QemuPerf *perf)
{
    if (!perf)
        return;
    for (guint i = 0; i < PERF_EVENT_NAME_LAST; i++)
        close_fds(perf->fds[i]);
    g_mutex_clear(&perf->lock);
    g_free(perf);
}

/* Of every thread that there is; those that they make count for them. NULL with an error. */
static GArray *open_event(PerfEventName event, const GArray *tids)
{
    GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));
    struct perf_event_attr attr = { .size = sizeof(attr), .type = kinds[event].type, .config = kinds[event].config, .inherit = 1 };

    for (guint i = 0; i < tids->len; i++) {
        int fd = (int)syscall(SYS_perf_event_open, &attr, (pid_t)g_array_index(tids, guint, i), -1, -1, PERF_FLAG_FD_CLOEXEC);

        if (fd < 0 && errno == ESRCH)
            continue; /* that thread is gone */
        if (fd < 0) {
            error_report_errno(ERROR_DOMAIN, errno, "unable to open host cpu perf event for %s", perf_event_name_to_string(event));
            close_fds(fds);
            return NULL;
        }
        g_array_append_val(fds, fd);
    }
    return fds;
}

static gboolean is_wanted(const DomainDef *def, PerfEventName event)
{
    for (guint i = 0; i < def->n_perf_events; i++) {
        if (def->perf_events[i]->name == event)
            return def->perf_events[i]->enabled == TRISTATE_YES;
    }
    return FALSE;
}

int qemu_perf_follow(QemuPerf *perf, pid_t pid, const DomainDef *def)
{
    GArray *fresh[PERF_EVENT_NAME_LAST] = { NULL };
    g_autoptr(GArray) tids = NULL;
    int rc = 0;

    for (guint i = 0; i < PERF_EVENT_NAME_LAST && rc == 0; i++) {
        if (perf->fds[i] || !is_wanted(def, i))
            continue;
        if (!kinds[i].known) {
            rc = FAIL(VIR_ERR_ARGUMENT_UNSUPPORTED, "unable to enable host cpu perf event for %s: today's kernels don't count it",
                      perf_event_name_to_string(i));
            break;
        }
        if (!tids)
            tids = qemu_process_tids(pid);
        fresh[i] = open_event(i, tids);
        rc = fresh[i] ? 0 : -1;
    }
    /* From here on @fresh is what is to be closed. */
    g_mutex_lock(&perf->lock);
    for (guint i = 0; i < PERF_EVENT_NAME_LAST && rc == 0; i++) {
        if (fresh[i] || !is_wanted(def, i)) {
            GArray *old = perf->fds[i];

            perf->fds[i] = fresh[i];
            fresh[i] = old;
        }
    }
    g_mutex_unlock(&perf->lock);
    for (guint i = 0; i < PERF_EVENT_NAME_LAST; i++)
        close_fds(fresh[i]);
    return rc;
}

void qemu_perf_read(QemuPerf *perf, GuestStats *stats)
{
    g_mutex_lock(&perf->lock);
    for (guint i = 0; i < PERF_EVENT_NAME_LAST; i++) {
        GuestPerfStats *event = perf->fds[i] ? guest_stats_add_perf(stats) : NULL;

        if (event)
            event->name = perf_event_name_to_string(i);
        for (guint j = 0; event && j < perf->fds[i]->len; j++) {
            guint64 count;

            if (read(g_array_index(perf->fds[i], int, j), &count, sizeof(count)) == sizeof(count))
                event->count += count;
        }
    }
    g_mutex_unlock(&perf->lock);
}
