/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Asking many guests for statistics at once.
 *
 * Requests go out to all guests before anybody waits. An answer is kept as the domain's last known statistics, also
 * when it comes too late for its request. A guest that left a request unanswered is "stuck" until it answers one: it
 * is still asked, but nobody waits for it.
 */
#pragma once
#include "domain/domain_obj.h"

typedef struct StatsAsker StatsAsker;

StatsAsker *stats_asker_new(void);
/** Answers that are still under way go into the domains' last known statistics only. */
void stats_asker_free(StatsAsker *asker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StatsAsker, stats_asker_free)

/** Send a request for @groups to @guest. Returns its number in this asker. Unless the caller insists, nothing is sent to a stuck
 * guest that has an unanswered request. */
guint stats_ask(StatsAsker *asker, Guest *guest, unsigned int groups, gboolean insist);
/** Wait for the answers of guests that are not stuck, at most @patience_ms. @insist: also for those that are. */
void stats_wait(StatsAsker *asker, gint64 patience_ms, gboolean insist);
/** The answer to request @n, NULL if there is none (yet). Caller unrefs. @error (NULL: not wanted): why there is none, if that was
 * told; caller frees. */
GuestStats *stats_answer(StatsAsker *asker, guint n, virErrorPtr *error);

/** Last known answer of a domain's guest, NULL if none. Caller unrefs. */
GuestStats *stats_last(DomainObj *obj);
