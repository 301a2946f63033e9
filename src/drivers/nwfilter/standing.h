/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What stands in the kernel's table, left by a former daemon: so that one that starts changes only what isn't as it should be. A stamp tells of
 * which rules and for whom an interface's are; that they are still all there is seen by their shape. No rule is read.
 */
#pragma once
#include "drivers/nwfilter/rules.h"

/** What one interface has. */
typedef struct NwfilterStanding {
    GHashTable *shape;       /**< Chains, rules of each, hooks, maps and sets, elements that lead to chains: text → number. */
    NwfilterRemoval remove;  /**< Commands that take it away, but for the set of addresses. */
    char *set;               /**< Of learnt addresses; NULL: none. */
    char *stamp;             /**< NULL: none. */
} NwfilterStanding;

/** All of them by the interface's name, if there is such a table and its base is as nwfilter_rules_base makes it. NULL if not. Caller unrefs. */
GHashTable *nwfilter_standing_read(void);
/** The same of a list of nft as JSON. */
GHashTable *nwfilter_standing_parse(const char *list);
/** Whether the rules of @made stand there as they should. */
gboolean nwfilter_standing_is(const NwfilterStanding *standing, const NwfilterRules *made);
