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

/** Refuse what this host can't do, as far as this can be said before the moment of resctrl_make(). 0, or -1 with an error that tells
 * what is missing. */
int resctrl_check(const ResctrlPart *parts, guint n);
/** Make the group with what of caches is nobody else's; it has as much of what isn't in @parts as those without a group. One that is
 * there is left as it is. Waits for other programs that change the tree, but no longer than a few seconds. 0, or -1 with an error and
 * no group. */
int resctrl_make(const char *group, const ResctrlPart *parts, guint n);
/** Put a thread into the group; one that is gone needs nothing. 0, or -1 with an error. */
int resctrl_enter(const char *group, pid_t tid);
/** Remove all groups whose name begins with @prefix; what stays is logged. */
void resctrl_remove(const char *prefix);
