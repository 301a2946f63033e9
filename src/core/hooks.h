/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Programs of the administrator's that are run when something begins or ends: HOOKS/NAME (NAME is "qemu", "network", "daemon" …) and
 * after it those in HOOKS/NAME.d, in the order of their names. Files that may not be executed are left out. Each runs in a session of
 * its own, has a deadline, and what it writes is logged.
 */
#pragma once
#include <glib.h>

/** What is going on: the arguments of a hook. NULL stands for "-". */
typedef struct HookCall {
    const char *object;     /* name of the guest or network */
    const char *operation;  /* "start" */
    const char *sub;        /* "begin" */
    const char *extra;
} HookCall;

/** Whether there may be a hook @name in @folder: else its input needn't be made. Cheap. */
gboolean hooks_exist(const char *folder, const char *name);
/** Run the hooks, each with @input (NULL: nothing) on standard input. 0; -1 with VIR_ERR_HOOK_SCRIPT_FAILED that names the hook and what it
 * said, after the first one that fails. [worker] */
int hooks_run(const char *folder, const char *name, const HookCall *call, const char *input);
/** For what has happened already: a failure is logged, the thread's error stays. [worker] */
void hooks_tell(const char *folder, const char *name, const HookCall *call, const char *input);
