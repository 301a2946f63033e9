/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Contexts of SELinux, "user:role:type:level", and pairs of categories that tell guests apart. Nothing of the host is asked.
 */
#pragma once
#include <glib.h>

/** Categories that guests may have, from the level range of who starts them. */
typedef struct SelinuxRange {
    char sensitivity[32];   /**< "s0"; empty: the policy has no levels */
    guint first, last;      /**< of the categories; the same: too few for pairs */
} SelinuxRange;

/** The range that @context, "…:s0-s0:c0.c1023", gives. FALSE: it has no level. */
gboolean selinux_range_parse(const char *context, SelinuxRange *range);

/** The level of @context ("s0:c1,c2"), within it; NULL: it has none, or isn't a context. */
const char *selinux_level(const char *context);
/** User, role and type of @context with another level (NULL: without one). NULL with an error: it isn't a context. Caller frees. */
char *selinux_with_level(const char *context, const char *level);

/** Levels in use by guests. Any thread. */
typedef struct SelinuxLevels SelinuxLevels;
SelinuxLevels *selinux_levels_new(void);
void selinux_levels_free(SelinuxLevels *levels);
/** A level with two different categories of @range that no guest has, and that is taken by that: whoever has one category of a guest has
 * not the other. NULL with an error: all are in use. Caller frees. */
char *selinux_levels_choose(SelinuxLevels *levels, const SelinuxRange *range);
/** Take one that is given. It may be taken already: guests may share one on purpose. */
void selinux_levels_take(SelinuxLevels *levels, const char *level);
void selinux_levels_release(SelinuxLevels *levels, const char *level);

/** Line @n, from 0, of a file of contexts; blank lines and comments don't count. NULL: there is none. Caller frees. */
char *selinux_line(const char *text, guint n);
/** The value of "@key=…" in a file of settings. NULL: there is none. Caller frees. */
char *selinux_setting(const char *text, const char *key);
