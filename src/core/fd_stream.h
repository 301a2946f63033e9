/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams of drivers over a descriptor: a console's socket or pty, a pipe, a file; or over content that may have none.
 */
#pragma once
#include "core/content.h"
#include "core/objects.h"

/** Called once when the stream ends, however it does, or when all of its file has been read. */
typedef void (*FdStreamEnded)(void *opaque);

/** Bind @st to @fd (taken over in any case; made non-blocking if the stream is). A peer that hangs up is the end of the
 * stream, not an error (ptys say EIO then). @ended and its @opaque may be NULL. 0 or -1, without @ended. */
int fd_stream_open(virStreamPtr st, int fd, FdStreamEnded ended, void *opaque);


/** The part of content that a stream reads or writes, in bytes. */
typedef struct FdStreamRange {
    guint64 offset;
    guint64 length;    /* G_MAXUINT64: to its end; for writing, without limit */
    gboolean sparse;   /* holes are told as such; else they are read as zeros */
} FdStreamRange;

/** Called each time that some of it has been moved; it must not wait, nor use the stream. */
typedef void (*FdStreamMoved)(void *opaque);

/** As fd_stream_open() for a part of content, which is taken over in any case. A hole that is sent makes a hole there. @moved may be NULL, and
 * gets the same @opaque as long as @ended was not called. */
int fd_stream_open_content(virStreamPtr st, StorageContent *content, const FdStreamRange *range, FdStreamMoved moved, FdStreamEnded ended,
                           void *opaque);
