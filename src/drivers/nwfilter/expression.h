/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a rule looks at → an expression of nftables. No I/O. Every value has been checked and has no variables any more.
 */
#pragma once
#include "model/nwfilter.h"

/** Whether rules on this protocol look at frames alone, or at packets with their connections. */
gboolean expression_is_of_frames(NwfilterProtocol protocol);

/** Append the expression of a match on frames; @reverse: sender and receiver change places. @match NULL: every frame. 0, or -1 with an
 * error. */
int expression_of_frame(GString *text, const NwfilterMatch *match, gboolean reverse);

/** The same on packets; neither the state of connections nor their number. */
int expression_of_packet(GString *text, const NwfilterMatch *match, gboolean reverse);

/** Whether only packets of one direction can be like that: an ICMP type, flags of TCP. */
gboolean expression_is_one_way(const NwfilterMatch *match);

/** What leads to a chain, by the beginning of its name: "ether type ip " … */
const char *expression_of_chain(const char *chain);
