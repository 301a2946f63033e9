/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Statistics of a running guest, as a backend delivers them. Immutable once delivered; the core keeps the last
 * ones of each guest for those who ask while it doesn't answer.
 */
#pragma once
#include <glib.h>
#include <libvirt/libvirt.h>

typedef struct Guest Guest;

/** What may be asked for. */
typedef enum {
    GUEST_STATS_CPU = 1 << 0,      /* host side only: never needs the guest's answer */
    GUEST_STATS_BALLOON = 1 << 1,
    GUEST_STATS_VCPU = 1 << 2,     /* host side only (state and times of the threads) */
    GUEST_STATS_INTERFACE = 1 << 3,/* host side only */
    GUEST_STATS_BLOCK = 1 << 4,
    GUEST_STATS_IOTHREAD = 1 << 5,
    GUEST_STATS_DIRTYRATE = 1 << 6,
    GUEST_STATS_HALTED = 1 << 7,   /* adds what only the guest knows to the vCPUs */
    GUEST_STATS_PERF = 1 << 8,     /* host side only */
    GUEST_STATS_MEMORY = 1 << 9,   /* host side only: traffic with memory */
} GuestStatsGroups;

/** Groups that a backend answers at once, before stats() returns, if nothing else is asked for. */
#define GUEST_STATS_HOST_SIDE (GUEST_STATS_CPU | GUEST_STATS_VCPU | GUEST_STATS_INTERFACE | GUEST_STATS_PERF | \
                               GUEST_STATS_MEMORY)

/** A number that may be unknown. */
typedef struct StatValue { unsigned long long n; gboolean known; } StatValue;

typedef struct GuestVcpuStats {
    unsigned int vcpu;
    int state;                /* virVcpuState */
    StatValue time, wait, delay;  /* ns */
    StatValue halted;         /* 0 or 1 */
    int cpu;                  /* host CPU it runs on, -1 unknown */
} GuestVcpuStats;

typedef struct GuestBlockStats {
    char *target;             /* "vda" */
    char *path;               /* source, NULL if none */
    char *alias;
    unsigned int backing_index;
    gboolean is_backing;      /* an image below the top one */
    StatValue rd_req, rd_bytes, rd_time, wr_req, wr_bytes, wr_time, flush_req, flush_time; /* ns */
    StatValue allocation, capacity, physical, threshold;
    StatValue errors;
} GuestBlockStats;

typedef struct GuestInterfaceStats {
    char *target;             /* "vnet0" */
    StatValue rx_bytes, rx_packets, rx_errs, rx_drop, tx_bytes, tx_packets, tx_errs, tx_drop;
} GuestInterfaceStats;

typedef struct GuestIothreadStats { unsigned int id; unsigned long long poll_max_ns; unsigned int poll_grow, poll_shrink; } GuestIothreadStats;

/** The last measurement of how fast the guest changes its memory. */
typedef struct GuestDirtyRate {
    gboolean known;
    int status;               /* virDomainDirtyRateStatus */
    long long start;          /* seconds of the hypervisor's clock */
    int seconds;              /* its length */
    const char *mode;         /* a constant; NULL: not told */
    StatValue rate;           /* MiB/s */
} GuestDirtyRate;

typedef struct GuestVcpuDirtyRate { unsigned int vcpu; unsigned long long rate; } GuestVcpuDirtyRate; /* MiB/s */

typedef struct GuestPerfStats { const char *name; unsigned long long count; } GuestPerfStats; /* name: a constant */

/** What some vCPUs use of a cache of the host and of the memory behind it, in bytes. */
typedef struct GuestBankStats { unsigned int id; StatValue cache, local, total; } GuestBankStats;

typedef struct GuestMonitorStats {
    gboolean bandwidth;       /* it is asked about traffic with memory, not about caches */
    char *name, *vcpus;
    GArray *banks;            /* of GuestBankStats */
} GuestMonitorStats;

typedef struct GuestStats {
    gint refs;
    unsigned int groups;      /* those that are filled in */
    gint64 when;              /* loop_now_ms() at which they were true; filled in by the core if 0 */
    StatValue cpu_time, cpu_user, cpu_system; /* ns */
    StatValue balloon_current, balloon_maximum;  /* KiB */
    StatValue memory[VIR_DOMAIN_MEMORY_STAT_NR]; /* by virDomainMemoryStatTags */
    GArray *vcpus;            /* of GuestVcpuStats; NULL if not asked for */
    GArray *blocks;           /* of GuestBlockStats */
    GArray *interfaces;       /* of GuestInterfaceStats */
    GArray *iothreads;        /* of GuestIothreadStats */
    GArray *perf;             /* of GuestPerfStats: events that are counted */
    GArray *monitors;         /* of GuestMonitorStats */
    GuestDirtyRate dirty;
    GArray *dirty_vcpus;      /* of GuestVcpuDirtyRate */
} GuestStats;

/** New, empty, with one reference; arrays are made on demand by guest_stats_add_…(). */
GuestStats *guest_stats_new(unsigned int groups);
GuestStats *guest_stats_ref(GuestStats *stats);
void guest_stats_unref(GuestStats *stats);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GuestStats, guest_stats_unref)

/** Append a zeroed record and return it (valid until the next one is added). */
GuestVcpuStats *guest_stats_add_vcpu(GuestStats *stats);
GuestBlockStats *guest_stats_add_block(GuestStats *stats);
GuestInterfaceStats *guest_stats_add_interface(GuestStats *stats);
GuestIothreadStats *guest_stats_add_iothread(GuestStats *stats);
GuestPerfStats *guest_stats_add_perf(GuestStats *stats);
GuestVcpuDirtyRate *guest_stats_add_dirty_vcpu(GuestStats *stats);
/** The same, without banks; the texts are copied. */
GuestMonitorStats *guest_stats_add_monitor(GuestStats *stats, gboolean bandwidth, const char *name, const char *vcpus);

/** Set a value. */
void stat_set(StatValue *value, unsigned long long n);

/** @stats (reference stays the caller's) or NULL. */
typedef void (*GuestStatsFunc)(Guest *guest, GuestStats *stats, void *opaque);
