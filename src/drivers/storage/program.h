/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Programs that last: as long as they say something they may go on, and the call that waits for them can be given up.
 */
#pragma once
#include <glib.h>

/** Called with what the program prints on standard output, in pieces as they come; NUL behind. */
typedef void (*ProgramFollow)(const char *words, void *opaque);

/** Run @argv, which has the descriptors @fds and nothing else of us, to its end. 0; -1 with an error that quotes its last words:
 * VIR_ERR_OPERATION_ABORTED if the call was given up, VIR_ERR_OPERATION_TIMEOUT after @silent_ms without a word. */
int program_run(const char *const *argv, const int *fds, gsize n_fds, gint64 silent_ms, ProgramFollow follow, void *opaque);

/** For image_tool.c and the like: note what a program that prints "(12.34/100%)" has done of the call's @total bytes. @total: guint64. */
void program_follow_percent(const char *words, void *total);
