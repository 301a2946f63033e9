/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/guest_stats.h"

GuestStats *guest_stats_new(unsigned int groups)
{
    GuestStats *stats = g_new0(GuestStats, 1);
    stats->refs = 1;
    stats->groups = groups;
    return stats;
}

GuestStats *guest_stats_ref(GuestStats *stats)
{
    if (stats)
        g_atomic_int_inc(&stats->refs);
    return stats;
}

void guest_stats_unref(GuestStats *stats)
{
    if (!stats || !g_atomic_int_dec_and_test(&stats->refs))
        return;
    for (guint i = 0; stats->blocks && i < stats->blocks->len; i++) {
        GuestBlockStats *b = &g_array_index(stats->blocks, GuestBlockStats, i);
        g_free(b->target);
        g_free(b->path);
        g_free(b->alias);
    }
    for (guint i = 0; stats->interfaces && i < stats->interfaces->len; i++)
        g_free(g_array_index(stats->interfaces, GuestInterfaceStats, i).target);
    for (guint i = 0; stats->monitors && i < stats->monitors->len; i++) {
        GuestMonitorStats *m = &g_array_index(stats->monitors, GuestMonitorStats, i);
        g_free(m->name);
        g_free(m->vcpus);
        g_array_unref(m->banks);
    }
    GArray *arrays[] = { stats->vcpus, stats->blocks, stats->interfaces, stats->iothreads, stats->perf, stats->dirty_vcpus,
                         stats->monitors };
    for (guint i = 0; i < G_N_ELEMENTS(arrays); i++) {
        if (arrays[i])
            g_array_unref(arrays[i]);
    }
    g_free(stats);
}

static void *append(GArray **array, guint size)
{
    if (!*array)
        *array = g_array_new(FALSE, TRUE, size);
    g_array_set_size(*array, (*array)->len + 1);
    return (*array)->data + (gsize) size * ((*array)->len - 1);
}

GuestVcpuStats *guest_stats_add_vcpu(GuestStats *stats)
{
    GuestVcpuStats *v = append(&stats->vcpus, sizeof(*v));
    v->cpu = -1;
    return v;
}

GuestBlockStats *guest_stats_add_block(GuestStats *stats)
{
    return append(&stats->blocks, sizeof(GuestBlockStats));
}

GuestInterfaceStats *guest_stats_add_interface(GuestStats *stats)
{
    return append(&stats->interfaces, sizeof(GuestInterfaceStats));
}

GuestIothreadStats *guest_stats_add_iothread(GuestStats *stats)
{
    return append(&stats->iothreads, sizeof(GuestIothreadStats));
}

GuestPerfStats *guest_stats_add_perf(GuestStats *stats)
{
    return append(&stats->perf, sizeof(GuestPerfStats));
}

GuestVcpuDirtyRate *guest_stats_add_dirty_vcpu(GuestStats *stats)
{
    return append(&stats->dirty_vcpus, sizeof(GuestVcpuDirtyRate));
}

GuestMonitorStats *guest_stats_add_monitor(GuestStats *stats, gboolean bandwidth, const char *name, const char *vcpus)
{
    GuestMonitorStats *m = append(&stats->monitors, sizeof(*m));
    *m = (GuestMonitorStats) { bandwidth, g_strdup(name), g_strdup(vcpus), g_array_new(FALSE, FALSE, sizeof(GuestBankStats)) };
    return m;
}

void stat_set(StatValue *value, unsigned long long n)
{
    value->n = n;
    value->known = TRUE;
}
