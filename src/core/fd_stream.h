/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams of drivers over a descriptor: a console's socket or pty, a pipe, a file.
 */
#pragma once
#include "core/objects.h"

/** Called once when the stream ends, however it does. */
typedef void (*FdStreamEnded)(void *opaque);

/** Bind @st to @fd (taken over in any case; made non-blocking if the stream is). A peer that hangs up is the end of the
 * stream, not an error (ptys say EIO then). @ended and its @opaque may be NULL. 0 or -1. */
int fd_stream_open(virStreamPtr st, int fd, FdStreamEnded ended, void *opaque);

/** As fd_stream_open() for the @length bytes of a file from its present offset (0: to its end). Holes are not looked for. */
int fd_stream_open_file(virStreamPtr st, int fd, unsigned long long length, FdStreamEnded ended, void *opaque);
