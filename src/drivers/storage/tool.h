/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Programs that manage storage: run to their end, with a deadline, in the language that is parsed. Words of users stand only where
 * the caller has checked them: never as first character of an argument that could be taken for an option.
 */
#pragma once
#include "base/json.h"
#include "base/process.h"

/** The usual deadline, within which the core doesn't give a call up yet (STORAGE_CALL_MS). Servers get this long to answer. */
#define TOOL_MS 25000

/** Run; 0, or -1 with an error if it fails, is missing or takes longer than @deadline_ms. */
int tool_run(const char *const *argv, int64_t deadline_ms);
/** What it prints; the caller frees. NULL with an error. */
char *tool_output(const char *const *argv, int64_t deadline_ms);
/** The JSON that it prints, and what status it ended with (NULL: anything but 0 is an error). NULL with an error. */
json_object *tool_json(const char *const *argv, int *status);

/** TOOL("mount", "-t", type): the words of a command. */
#define TOOL(...) ((const char *const[]) { __VA_ARGS__, NULL })
