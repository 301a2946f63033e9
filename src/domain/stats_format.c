/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/stats_format.h"
#include "domain/api.h"

unsigned int stats_groups(unsigned int stats)
{
    static const struct { unsigned int stat, groups; } map[] = {
        { VIR_DOMAIN_STATS_CPU_TOTAL, GUEST_STATS_CPU },
        { VIR_DOMAIN_STATS_BALLOON, GUEST_STATS_BALLOON },
        { VIR_DOMAIN_STATS_VCPU, GUEST_STATS_VCPU | GUEST_STATS_HALTED },
        { VIR_DOMAIN_STATS_INTERFACE, GUEST_STATS_INTERFACE },
        { VIR_DOMAIN_STATS_BLOCK, GUEST_STATS_BLOCK },
        { VIR_DOMAIN_STATS_IOTHREAD, GUEST_STATS_IOTHREAD },
        { VIR_DOMAIN_STATS_PERF, GUEST_STATS_PERF },
        { VIR_DOMAIN_STATS_DIRTYRATE, GUEST_STATS_DIRTYRATE },
        { VIR_DOMAIN_STATS_MEMORY, GUEST_STATS_MEMORY },
    };
    unsigned int groups = 0;
    for (guint i = 0; i < G_N_ELEMENTS(map); i++)
        groups |= stats & map[i].stat ? map[i].groups : 0;
    return groups;
}

static void put(TypedList *list, const char *name, StatValue value)
{
    if (value.known)
        typed_list_ullong(list, name, value.n);
}

/* PREFIX.INDEX.NAME */
static void put_n(TypedList *list, const char *prefix, guint index, const char *name, StatValue value)
{
    if (value.known)
        typed_list_ullong_f(list, value.n, "%s.%u.%s", prefix, index, name);
}

#define CACHE_MONITOR VIR_DOMAIN_STATS_CPU_CACHE_MONITOR_PREFIX "%u"
#define CACHE_BANK CACHE_MONITOR VIR_DOMAIN_STATS_CPU_CACHE_MONITOR_SUFFIX_BANK_PREFIX "%u"
#define BANDWIDTH_MONITOR VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_PREFIX "%u"
#define BANDWIDTH_NODE BANDWIDTH_MONITOR VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_SUFFIX_NODE_PREFIX "%u"

static void format_cache_monitor(TypedList *list, guint i, const GuestMonitorStats *m)
{
    typed_list_string_f(list, m->name, CACHE_MONITOR VIR_DOMAIN_STATS_CPU_CACHE_MONITOR_SUFFIX_NAME, i);
    typed_list_string_f(list, m->vcpus, CACHE_MONITOR VIR_DOMAIN_STATS_CPU_CACHE_MONITOR_SUFFIX_VCPUS, i);
    typed_list_uint_f(list, m->banks->len, CACHE_MONITOR VIR_DOMAIN_STATS_CPU_CACHE_MONITOR_SUFFIX_BANK_COUNT, i);
    for (guint j = 0; j < m->banks->len; j++) {
        const GuestBankStats *b = &g_array_index(m->banks, GuestBankStats, j);
        typed_list_uint_f(list, b->id, CACHE_BANK VIR_DOMAIN_STATS_CPU_CACHE_MONITOR_SUFFIX_BANK_SUFFIX_ID, i, j);
        if (b->cache.known)
            typed_list_ullong_f(list, b->cache.n, CACHE_BANK VIR_DOMAIN_STATS_CPU_CACHE_MONITOR_SUFFIX_BANK_SUFFIX_BYTES, i, j);
    }
}

static void format_bandwidth_monitor(TypedList *list, guint i, const GuestMonitorStats *m)
{
    typed_list_string_f(list, m->name, BANDWIDTH_MONITOR VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_SUFFIX_NAME, i);
    typed_list_string_f(list, m->vcpus, BANDWIDTH_MONITOR VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_SUFFIX_VCPUS, i);
    typed_list_uint_f(list, m->banks->len, BANDWIDTH_MONITOR VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_SUFFIX_NODE_COUNT, i);
    for (guint j = 0; j < m->banks->len; j++) {
        const GuestBankStats *b = &g_array_index(m->banks, GuestBankStats, j);
        typed_list_uint_f(list, b->id, BANDWIDTH_NODE VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_SUFFIX_NODE_SUFFIX_ID, i, j);
        if (b->local.known)
            typed_list_ullong_f(list, b->local.n,
                                BANDWIDTH_NODE VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_SUFFIX_NODE_SUFFIX_BYTES_LOCAL, i, j);
        if (b->total.known)
            typed_list_ullong_f(list, b->total.n,
                                BANDWIDTH_NODE VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_SUFFIX_NODE_SUFFIX_BYTES_TOTAL, i, j);
    }
}

/* How many there are stands before them; who asks for traffic with memory isn't told that nothing of it is observed. */
static void format_monitors(TypedList *list, const GuestStats *host, gboolean bandwidth)
{
    guint n = 0;
    for (guint i = 0; host->monitors && i < host->monitors->len; i++)
        n += g_array_index(host->monitors, GuestMonitorStats, i).bandwidth == bandwidth;
    if (!n && bandwidth)
        return;
    typed_list_uint(list, bandwidth ? VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_COUNT : VIR_DOMAIN_STATS_CPU_CACHE_MONITOR_COUNT, n);
    n = 0;
    for (guint i = 0; host->monitors && i < host->monitors->len; i++) {
        const GuestMonitorStats *m = &g_array_index(host->monitors, GuestMonitorStats, i);
        if (m->bandwidth == bandwidth)
            (bandwidth ? format_bandwidth_monitor : format_cache_monitor)(list, n++, m);
    }
}

static void format_cpu(TypedList *list, const StatsSource *s)
{
    if (!s->host)
        return;
    put(list, "cpu.time", s->host->cpu_time);
    put(list, "cpu.user", s->host->cpu_user);
    put(list, "cpu.system", s->host->cpu_system);
    format_monitors(list, s->host, FALSE);
}

static const char *const memory_names[VIR_DOMAIN_MEMORY_STAT_NR] = {
    [VIR_DOMAIN_MEMORY_STAT_SWAP_IN] = "balloon.swap_in",
    [VIR_DOMAIN_MEMORY_STAT_SWAP_OUT] = "balloon.swap_out",
    [VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT] = "balloon.major_fault",
    [VIR_DOMAIN_MEMORY_STAT_MINOR_FAULT] = "balloon.minor_fault",
    [VIR_DOMAIN_MEMORY_STAT_UNUSED] = "balloon.unused",
    [VIR_DOMAIN_MEMORY_STAT_AVAILABLE] = "balloon.available",
    [VIR_DOMAIN_MEMORY_STAT_RSS] = "balloon.rss",
    [VIR_DOMAIN_MEMORY_STAT_USABLE] = "balloon.usable",
    [VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE] = "balloon.last-update",
    [VIR_DOMAIN_MEMORY_STAT_DISK_CACHES] = "balloon.disk_caches",
    [VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC] = "balloon.hugetlb_pgalloc",
    [VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL] = "balloon.hugetlb_pgfail",
};

static void format_balloon(TypedList *list, const StatsSource *s)
{
    if (s->guest && s->guest->balloon_current.known)
        put(list, "balloon.current", s->guest->balloon_current);
    else if (s->def)
        typed_list_ullong(list, "balloon.current", def_current_memory(s->def));
    if (s->def)
        typed_list_ullong(list, "balloon.maximum", s->def->memory);
    for (guint i = 0; s->guest && i < G_N_ELEMENTS(memory_names); i++) {
        if (memory_names[i])
            put(list, memory_names[i], s->guest->memory[i]);
    }
}

/* What only the guest knows of a vCPU. */
static StatValue halted_of(const GuestStats *guest, unsigned int vcpu)
{
    for (guint i = 0; guest && guest->vcpus && i < guest->vcpus->len; i++) {
        const GuestVcpuStats *v = &g_array_index(guest->vcpus, GuestVcpuStats, i);
        if (v->vcpu == vcpu)
            return v->halted;
    }
    return (StatValue) { 0, FALSE };
}

static void format_vcpu(TypedList *list, const StatsSource *s)
{
    if (s->def) {
        typed_list_uint(list, "vcpu.current", def_current_vcpus(s->def));
        typed_list_uint(list, "vcpu.maximum", MAX(s->def->vcpu.count, 1));
    }
    for (guint i = 0; s->host && s->host->vcpus && i < s->host->vcpus->len; i++) {
        const GuestVcpuStats *v = &g_array_index(s->host->vcpus, GuestVcpuStats, i);
        StatValue halted = halted_of(s->guest, v->vcpu);
        typed_list_int_f(list, v->state, "vcpu.%u.state", v->vcpu);
        put_n(list, "vcpu", v->vcpu, "time", v->time);
        put_n(list, "vcpu", v->vcpu, "wait", v->wait);
        if (halted.known)
            typed_list_bool_f(list, halted.n != 0, "vcpu.%u.halted", v->vcpu);
        put_n(list, "vcpu", v->vcpu, "delay", v->delay);
    }
}

static const GuestInterfaceStats *find_interface(const GuestStats *host, const char *target)
{
    for (guint i = 0; host->interfaces && i < host->interfaces->len; i++) {
        const GuestInterfaceStats *n = &g_array_index(host->interfaces, GuestInterfaceStats, i);
        if (g_strcmp0(n->target, target) == 0)
            return n;
    }
    return NULL;
}

static void format_one_interface(TypedList *list, guint i, const GuestInterfaceStats *n)
{
    put_n(list, "net", i, "rx.bytes", n->rx_bytes);
    put_n(list, "net", i, "rx.pkts", n->rx_packets);
    put_n(list, "net", i, "rx.errs", n->rx_errs);
    put_n(list, "net", i, "rx.drop", n->rx_drop);
    put_n(list, "net", i, "tx.bytes", n->tx_bytes);
    put_n(list, "net", i, "tx.pkts", n->tx_packets);
    put_n(list, "net", i, "tx.errs", n->tx_errs);
    put_n(list, "net", i, "tx.drop", n->tx_drop);
}

/* All interfaces are counted; those that have a device in the host have a name and figures. */
static void format_interface(TypedList *list, const StatsSource *s)
{
    if (!s->state->guest || !s->def)
        return;
    typed_list_uint(list, "net.count", s->def->devices.n_interfaces);
    for (guint i = 0; i < s->def->devices.n_interfaces; i++) {
        const char *target = s->def->devices.interfaces[i]->target.dev;
        const GuestInterfaceStats *n = s->host && target ? find_interface(s->host, target) : NULL;
        if (target)
            typed_list_string_f(list, target, "net.%u.name", i);
        if (n)
            format_one_interface(list, i, n);
    }
}

static void format_one_block(TypedList *list, guint i, const GuestBlockStats *b)
{
    typed_list_string_f(list, b->target, "block.%u.name", i);
    if (b->path)
        typed_list_string_f(list, b->path, "block.%u.path", i);
    if (b->backing_index)
        typed_list_uint_f(list, b->backing_index, "block.%u.backingIndex", i);
    put_n(list, "block", i, "rd.reqs", b->rd_req);
    put_n(list, "block", i, "rd.bytes", b->rd_bytes);
    put_n(list, "block", i, "rd.times", b->rd_time);
    put_n(list, "block", i, "wr.reqs", b->wr_req);
    put_n(list, "block", i, "wr.bytes", b->wr_bytes);
    put_n(list, "block", i, "wr.times", b->wr_time);
    put_n(list, "block", i, "fl.reqs", b->flush_req);
    put_n(list, "block", i, "fl.times", b->flush_time);
    put_n(list, "block", i, "errors", b->errors);
    put_n(list, "block", i, "allocation", b->allocation);
    put_n(list, "block", i, "capacity", b->capacity);
    put_n(list, "block", i, "physical", b->physical);
    put_n(list, "block", i, "threshold", b->threshold);
}

/* Disks of a definition alone, for a domain that doesn't run or never answered. */
static void format_defined_blocks(TypedList *list, const DomainDef *def)
{
    typed_list_uint(list, "block.count", def->devices.n_disks);
    for (guint i = 0; i < def->devices.n_disks; i++) {
        const DomainDisk *disk = def->devices.disks[i];
        const char *path = disk->source.file ? disk->source.file : disk->source.dev;
        typed_list_string_f(list, disk->target.dev, "block.%u.name", i);
        if (path)
            typed_list_string_f(list, path, "block.%u.path", i);
    }
}

static void format_block(TypedList *list, const StatsSource *s, gboolean backing)
{
    if (!s->guest || !s->guest->blocks) {
        if (s->def)
            format_defined_blocks(list, s->def);
        return;
    }
    guint n = 0;
    for (guint i = 0; i < s->guest->blocks->len; i++)
        n += backing || !g_array_index(s->guest->blocks, GuestBlockStats, i).is_backing;
    typed_list_uint(list, "block.count", n);
    n = 0;
    for (guint i = 0; i < s->guest->blocks->len; i++) {
        const GuestBlockStats *b = &g_array_index(s->guest->blocks, GuestBlockStats, i);
        if (backing || !b->is_backing)
            format_one_block(list, n++, b);
    }
}

static void format_iothread(TypedList *list, const StatsSource *s)
{
    if (!s->guest || !s->guest->iothreads)
        return;
    typed_list_uint(list, "iothread.count", s->guest->iothreads->len);
    for (guint i = 0; i < s->guest->iothreads->len; i++) {
        const GuestIothreadStats *t = &g_array_index(s->guest->iothreads, GuestIothreadStats, i);
        typed_list_ullong_f(list, t->poll_max_ns, "iothread.%u.poll-max-ns", t->id);
        typed_list_uint_f(list, t->poll_grow, "iothread.%u.poll-grow", t->id);
        typed_list_uint_f(list, t->poll_shrink, "iothread.%u.poll-shrink", t->id);
    }
}

static void format_perf(TypedList *list, const StatsSource *s)
{
    for (guint i = 0; s->host && s->host->perf && i < s->host->perf->len; i++) {
        const GuestPerfStats *event = &g_array_index(s->host->perf, GuestPerfStats, i);
        typed_list_ullong_f(list, event->count, "perf.%s", event->name);
    }
}

static void format_dirty_rate(TypedList *list, const StatsSource *s)
{
    const GuestDirtyRate *dirty = s->guest ? &s->guest->dirty : NULL;
    if (!dirty || !dirty->known)
        return;
    typed_list_int(list, VIR_DOMAIN_STATS_DIRTYRATE_CALC_STATUS, dirty->status);
    typed_list_llong(list, VIR_DOMAIN_STATS_DIRTYRATE_CALC_START_TIME, dirty->start);
    typed_list_int(list, VIR_DOMAIN_STATS_DIRTYRATE_CALC_PERIOD, dirty->seconds);
    if (dirty->mode)
        typed_list_string(list, VIR_DOMAIN_STATS_DIRTYRATE_CALC_MODE, dirty->mode);
    if (dirty->rate.known)
        typed_list_llong(list, VIR_DOMAIN_STATS_DIRTYRATE_MEGABYTES_PER_SECOND, (long long) dirty->rate.n);
    for (guint i = 0; s->guest->dirty_vcpus && i < s->guest->dirty_vcpus->len; i++) {
        const GuestVcpuDirtyRate *v = &g_array_index(s->guest->dirty_vcpus, GuestVcpuDirtyRate, i);
        typed_list_ullong_f(list, v->rate, VIR_DOMAIN_STATS_DIRTYRATE_VCPU_PREFIX "%u"
                            VIR_DOMAIN_STATS_DIRTYRATE_VCPU_SUFFIX_MEGABYTES_PER_SECOND, v->vcpu);
    }
}

void stats_format(TypedList *list, unsigned int stats, const StatsSource *source)
{
    if (stats & VIR_DOMAIN_STATS_STATE) {
        typed_list_int(list, "state.state", source->state->state);
        typed_list_int(list, "state.reason", source->state->reason);
    }
    if (stats & VIR_DOMAIN_STATS_CPU_TOTAL)
        format_cpu(list, source);
    if (stats & VIR_DOMAIN_STATS_BALLOON)
        format_balloon(list, source);
    if (stats & VIR_DOMAIN_STATS_VCPU)
        format_vcpu(list, source);
    if (stats & VIR_DOMAIN_STATS_INTERFACE)
        format_interface(list, source);
    if (stats & VIR_DOMAIN_STATS_BLOCK)
        format_block(list, source, source->backing);
    if (stats & VIR_DOMAIN_STATS_IOTHREAD)
        format_iothread(list, source);
    if (stats & VIR_DOMAIN_STATS_PERF)
        format_perf(list, source);
    if (stats & VIR_DOMAIN_STATS_DIRTYRATE)
        format_dirty_rate(list, source);
    if ((stats & VIR_DOMAIN_STATS_MEMORY) && source->host)
        format_monitors(list, source->host, TRUE);
    if (source->age_ms >= 0)
        typed_list_ullong(list, STATS_AGE, (unsigned long long) source->age_ms);
}
