/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Addresses of interfaces whose filters look at $IP, which nobody has given a value. They are in a set of nftables that stands in the rules
 * where the variable stood, so that no rule changes when one is learnt:
 *  - CTRL_IP_LEARNING 'any' (without it, too): the first address that a DHCP server acknowledges or the guest uses is put there by rules; the set has
 *    room for one, so that no flood of addresses changes it;
 *  - 'dhcp': those that a server gives the guest, as long as the lease lasts. A socket hears the messages on the interface, on the loop's
 *    thread, so many at a time.
 * The sets stay when filters change and daemons end.
 */
#pragma once
#include "base/loop.h"
#include "base/threadpool.h"
#include "model/nwfilter.h"

typedef enum { LEARNING_NONE, LEARNING_ANY, LEARNING_DHCP } LearningMode;

/** Most addresses that a guest may have by DHCP. */
#define LEARNING_MAX_ADDRESSES 64

/** What a binding asks for. -1 with VIR_ERR_INTERNAL_ERROR for words that nobody knows. */
int learning_mode(const NwfilterBindingDef *binding, LearningMode *mode);

/** Who hears an interface's DHCP messages. */
typedef struct Learner Learner;
/** Put the addresses that servers give the interface of @binding (those of its DHCPSERVER, if it names any) into @set, by the firewall, on a
 * worker. NULL with an error. */
Learner *learner_new(Loop *loop, Pool *pool, const NwfilterBindingDef *binding, const char *set);
/** Nothing is heard any more; what was heard may still be under way on a worker. Accepts NULL. */
void learner_free(Learner *learner);
