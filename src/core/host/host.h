/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Facts about the host. Functions read anew at each call, since CPUs and memory come and go.
 */
#pragma once
#include <glib.h>
#include <libvirt/libvirt.h>
#include "base/bitmap.h"
#include "base/typed_param.h"
#include "model/cpu_x86.h"
#include "model/domain_def.h"

/** Most CPUs, cells, page sizes that are looked at: bounds for odd trees. */
#define HOST_MAX_CPUS 8192
#define HOST_MAX_CELLS 1024
#define HOST_MAX_PAGE_SIZES 16

typedef struct {
    guint id;
    gboolean online;
    gint socket, die, cluster, core; /* numbers of the kernel; cluster is 0 where there are none; -1: unknown (offline) */
    char *siblings;                  /* threads of the same core, as "0,4"; never NULL */
} HostCpu;

typedef struct {
    guint size_kib;
    guint64 total;                   /* pages of the pool */
    guint64 free;
} HostPages;

typedef struct {
    guint id;
    guint64 memory_kib;
    guint64 free_kib;
    guint n_pages;
    HostPages pages[HOST_MAX_PAGE_SIZES];  /* the first is the ordinary page */
    guint n_distances;
    guint *distances;                /* to cell number i of the topology */
    guint n_cpus;
    HostCpu *cpus;
} HostCell;

typedef struct {
    guint id, level;
    const char *type;                /* "both", "code", "data" */
    guint64 size_kib;
    char *cpus;
} HostCache;

/** The machine's structure. A host without NUMA has one cell, number 0. */
typedef struct {
    guint n_cells;
    HostCell *cells;
    guint n_caches;
    HostCache *caches;
    guint sockets, dies, clusters, cores, threads; /* of the whole host, a socket, … ; regular machines */
} HostTopology;

/** Read it; NULL with an error if even the CPUs can't be listed. */
HostTopology *host_topology_read(void);
void host_topology_free(HostTopology *topology);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostTopology, host_topology_free)

/** Processor as the kernel describes it. Strings may be NULL. */
typedef struct {
    char *arch;
    char *vendor;      /* "AMD", "Intel", else as the processor says */
    char *name;
    guint family, model, stepping;
    guint64 microcode;
    guint physical_bits;
    guint mhz;
    char **flags;      /* names of the kernel; never NULL */
} HostProcessor;

HostProcessor *host_processor_read(void);
void host_processor_free(HostProcessor *processor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostProcessor, host_processor_free)

/** What an x86 processor tells of its features, and the model-specific registers as far as the kernel lets us read them. FALSE on
 * other hosts. */
gboolean host_x86_features(CpuSet *set);

/** Tests: look for /proc, /sys and /etc below @root; NULL: "/". Not while other threads use this module. */
void host_set_root(const char *root);
/** Where the absolute @path is: below the root. Caller frees. */
char *host_place(const char *path);
/** Write a value to a file of the kernel, in one piece as it wants it. @path is not below the root: it is where the file is. @how: 0, or
 * O_TRUNC or O_APPEND, which only matter where a test's file stands for the kernel's. 0, or -1 with errno and no error set. */
int host_write(const char *path, const char *text, int how);
/** Read a small file below the root; the path is made by printf rules. NULL if it isn't there or can't be read; sets no error. */
char *host_read(gsize max, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/** A decimal or 0x number in such a file; @fallback if there is none. */
gint64 host_read_number(gint64 fallback, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/** Names in a folder below the root that are @prefix and a number; the numbers, sorted. Never NULL. */
GArray *host_list_numbers(const char *folder, const char *prefix);

/* What the public functions of the same name want. 0 (or a count), or -1 with an error. */

int host_node_info(virNodeInfoPtr info);
/** Map of online CPUs and number of present ones (the return value). @map, @online may be NULL. */
int host_cpu_map(unsigned char **map, unsigned int *online);
int host_cpu_stats(int cpu, virNodeCPUStatsPtr params, int *nparams);
int host_memory_stats(int cell, virNodeMemoryStatsPtr params, int *nparams);
/** Bytes; 0 with an error. */
unsigned long long host_free_memory(void);
/** Bytes of cells @start… ; returns how many were filled. */
int host_cells_free_memory(unsigned long long *free_mem, int start, int max);
int host_free_pages(unsigned int npages, const unsigned int *sizes, int start, unsigned int cells,
                    unsigned long long *counts);
/** @add: to the present pool, otherwise set it. Returns how many pools were changed. */
int host_alloc_pages(unsigned int npages, const unsigned int *sizes, const unsigned long long *counts, int start,
                     unsigned int cells, gboolean add);
int host_memory_parameters(TypedList *list);
int host_set_memory_parameters(virTypedParameterPtr params, int nparams);

/** Identity of the host: as configured, else SMBIOS, else the machine id, else a number that lives as long as this process.
 * Both all-equal bytes and absence count as none. */
void host_uuid(unsigned char uuid[VIR_UUID_BUFLEN]);
/** What libvirtd.conf says about it: @uuid (NULL: nothing), and whether the machine id goes before SMBIOS. Before the drivers
 * start. */
void host_uuid_configure(const unsigned char *uuid, gboolean machine_id_first);
/** What its firmware tells of it, without UUIDs that the kernel keeps for root where we aren't. Caller frees. NULL: nothing is known; no error is set. */
DomainSysinfo *host_smbios(void);
/** Bit mask 1 << VIR_NODE_SUSPEND_TARGET_… of what the kernel can do. */
unsigned int host_suspend_targets(void);
/** Have the host sleep in a moment (@target a virNodeSuspendTarget) and wake up after @seconds, at least 60. Its power states are those
 * below @root, a daemon's own one: a daemon that was given a private root never puts the machine to sleep. 0, or -1 with an error. */
int host_suspend(const char *root, unsigned int target, unsigned long long seconds);
gboolean host_has_iommu(void);
