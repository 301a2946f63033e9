/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Descriptors that clients have given to domains, under names that disks use in place of paths. They are kept in memory, as long as the
 * client that gave them is connected.
 */
#pragma once
#include "domain/domain_obj.h"

/** Keep duplicates of @fds as the group @name, in place of what had that name. @owner: who gave them. 0, or -1 with an error. */
int fd_groups_put(DomainObj *obj, const char *name, const int *fds, guint n, gconstpointer owner);
/** Close what @owner gave. */
void fd_groups_drop(DomainObj *obj, gconstpointer owner);
/** Close all. */
void fd_groups_free(GHashTable *groups);
