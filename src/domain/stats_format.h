/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Statistics as typed parameters, under their public names.
 */
#pragma once
#include "base/typed_param.h"
#include "domain/domain_obj.h"

/** What is known of one domain when its record is made. Members may be NULL. */
typedef struct StatsSource {
    const DomainState *state;
    const DomainDef *def;
    const GuestStats *host;    /* host side groups */
    const GuestStats *guest;   /* what the guest answered, now or at last */
    gint64 age_ms;             /* of @guest if it is not fresh, else -1 */
    gboolean backing;          /* also images below the top ones */
} StatsSource;

/** Present in the record of a guest that didn't answer in time: age in milliseconds of what it told last. */
#define STATS_AGE "stats.age"

/** Groups (virDomainStatsTypes) that stats_format() knows. */
#define STATS_KNOWN (VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_BALLOON | \
                     VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_INTERFACE | VIR_DOMAIN_STATS_BLOCK | \
                     VIR_DOMAIN_STATS_IOTHREAD | VIR_DOMAIN_STATS_PERF | VIR_DOMAIN_STATS_DIRTYRATE | \
                     VIR_DOMAIN_STATS_MEMORY)
/** GuestStatsGroups for these, host and guest side together. */
unsigned int stats_groups(unsigned int stats);
void stats_format(TypedList *list, unsigned int stats, const StatsSource *source);
