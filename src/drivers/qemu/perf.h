/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Events of the host's processors and kernel, counted while a guest's threads run.
 */
#pragma once
#include "domain/guest_stats.h"
#include "model/domain_def.h"

/** Counters of one process, threads that it makes later included. May be read by any thread, and changed by one at a time. */
typedef struct QemuPerf QemuPerf;

QemuPerf *qemu_perf_new(void);
void qemu_perf_free(QemuPerf *perf);

/** Count what @def wants counted of the process @pid, and nothing else. What is counted already goes on. On failure what was
 * counted before is what is counted. 0, or -1: VIR_ERR_ARGUMENT_UNSUPPORTED for what no kernel of today counts. */
int qemu_perf_follow(QemuPerf *perf, pid_t pid, const DomainDef *def);

/** Append what was counted so far. */
void qemu_perf_read(QemuPerf *perf, GuestStats *stats);
