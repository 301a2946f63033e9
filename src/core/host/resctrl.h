/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parts of caches and of memory bandwidth that the kernel keeps for some threads (resctrl). A group is a folder in the kernel's tree;
 * nothing about it is remembered, so whoever knows its name finds it again. As with the other parts of this room, tests move the root.
 */
#pragma once
#include <glib.h>
#include <sys/types.h>

/** A wish: @amount KiB of cache @id, or per cent of the bandwidth of node @id. */
typedef struct ResctrlPart {
    const char *resource;      /* as the kernel calls it: "L3", "L3CODE", "L3DATA", "MB" */
    guint level;               /* of a cache; 0: bandwidth */
    guint id;
    guint64 amount;
} ResctrlPart;

/** What the threads of a group use of cache @id and of the memory behind it: bytes, -1: the kernel doesn't tell. */
typedef struct ResctrlUsage {
    guint id;
    gint64 cache;                /* now */
    gint64 local, total;         /* since the group was made: traffic with the processor's own memory, with all */
} ResctrlUsage;

/** Refuse what this host can't do, as far as this can be said before the moment of resctrl_make(). 0, or -1 with an error that tells
 * what is missing. */
int resctrl_check(const ResctrlPart *parts, guint n);
/** Make the group with what of caches is nobody else's; it has as much of what isn't in @parts as those without a group. One that is
 * there is left as it is. Waits for other programs that change the tree, but no longer than a few seconds. 0, or -1 with an error and
 * no group. */
int resctrl_make(const char *group, const ResctrlPart *parts, guint n);
/** Refuse to observe caches, bandwidth or both where the host can't. 0, or -1 with an error that tells what is missing. */
int resctrl_check_monitors(gboolean cache, gboolean bandwidth);
/** The name of monitor @id of the group, for resctrl_enter() and resctrl_usage(). Caller frees. */
char *resctrl_monitor_group(const char *group, const char *id);
/** Make a group that has what @group has, and whose threads (a part of the threads of @group, and counted there as well) are observed by
 * themselves. One that is there is left as it is; it goes with @group. 0, or -1 with an error. */
int resctrl_make_monitor(const char *group, const char *id);
/** What the threads of a group or monitor use, those of the group's monitors included: ResctrlUsage of each cache, by their numbers.
 * Empty if the group isn't there or the host can't observe. Caller unrefs. */
GArray *resctrl_usage(const char *group);
/** Put a thread into the group, or, if it is in the group already, into a monitor of it; one that is gone needs nothing. 0, or -1 with an error. */
int resctrl_enter(const char *group, pid_t tid);
/** Remove all groups whose name begins with @prefix, with their monitors; what stays is logged. */
void resctrl_remove(const char *prefix);
