/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The driver that speaks RPC to a daemon. It serves every URI that no driver of this process serves.
 */
#pragma once
#include "core/objects.h"

void remote_driver_register(void);

/** Whether a stream is one of this driver: its data can be had without a copy. */
gboolean remote_stream_is(virStreamPtr st);
/** As virStreamRecvFlags(), but *@data is where the data is, until the next call with the stream. */
int remote_stream_recv_there(virStreamPtr st, const char **data, unsigned int flags);
/** So much of it is done with, and doesn't come again. */
void remote_stream_recv_taken(virStreamPtr st, size_t nbytes);
