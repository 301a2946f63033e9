/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Much data into or out of a file without it filling the host's memory: QEMU knows nothing of how a file is to be read or written, so it gets
 * a pipe, and a thread moves between pipe and file what passes there, by O_DIRECT through one buffer.
 */
#pragma once
#include <glib.h>

typedef struct DirectCopy DirectCopy;

/** Begin to move what comes from a pipe into @fd (stays the caller's, and must not be touched until the end), from where it stands on.
 * @path is for messages. NULL with an error, VIR_ERR_OPERATION_UNSUPPORTED where the file can't be had past the cache. */
DirectCopy *direct_copy_to_file(int fd, const char *path);
/** The same from the file into the pipe, up to the file's end. */
DirectCopy *direct_copy_from_file(int fd, const char *path);
/** The pipe's other end, for who writes or reads; it is closed by direct_copy_end(). */
int direct_copy_fd(const DirectCopy *copy);
/** Whoever had the pipe's end is through with @rc. After 0 what it wrote is brought into the file, with which it may take @patience_ms from one
 * piece to the next; after -1, with its error, the copy is given up. Frees @copy; where it failed its error is the one that tells why. Returns
 * 0 or -1. A copy from a file is given up in any case: what wasn't read nobody wanted. */
int direct_copy_end(DirectCopy *copy, int rc, gint64 patience_ms);
