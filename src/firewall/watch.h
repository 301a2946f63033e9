/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The host's firewall changes under us: 'nft flush ruleset', docker that is installed, a firewall that is read anew. The kernel tells of
 * each change; a moment later somebody looks at what is there, and puts back what is missing. What is as it should be is left alone, so
 * our own changes lead to one look and no further ones.
 */
#pragma once
#include "base/loop.h"
#include "base/threadpool.h"

typedef struct FirewallWatch FirewallWatch;
/** Call @look(@opaque) on a worker whenever the firewall has changed. NULL with an error. */
FirewallWatch *firewall_watch_new(Loop *loop, Pool *pool, PoolFunc look, void *opaque);
/** No change is noticed any more; a look that was due may still be under way on a worker. Accepts NULL. */
void firewall_watch_free(FirewallWatch *watch);
