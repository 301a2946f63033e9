/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#include "domain/fd_groups.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define GROUPS_MAX 128
#define NAME_MAX_BYTES 255

typedef struct FdGroup {
    GArray *fds;
    gconstpointer owner;
} FdGroup;

static void close_all(GArray *fds)
{
    for (guint i = 0; i < fds->len; i++)
        close(g_array_index(fds, int, i));
    g_array_set_size(fds, 0);
}

static void group_free(void *opaque)
{
    FdGroup *group = opaque;
    close_all(group->fds);
    g_array_unref(group->fds);
    g_free(group);
}

void fd_groups_free(GHashTable *groups)
{
    if (groups)
        g_hash_table_unref(groups);
}

/* Append duplicates. All or none. */
static int duplicate(const int *fds, guint n, GArray *copies)
{
    guint had = copies->len;
    for (guint i = 0; i < n; i++) {
        int copy = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
        if (copy < 0) {
            int problem = errno;
            while (copies->len > had) {
                close(g_array_index(copies, int, copies->len - 1));
                g_array_set_size(copies, copies->len - 1);
            }
            return FAIL_ERRNO(problem, "cannot duplicate the descriptor %d", fds[i]);
        }
        g_array_append_val(copies, copy);
    }
    return 0;
}

int fd_groups_put(DomainObj *obj, const char *name, const int *fds, guint n, gconstpointer owner)
{
    if (!*name || strlen(name) > NAME_MAX_BYTES)
        return FAIL(VIR_ERR_INVALID_ARG, "the name of a group of descriptors must have 1 to %d bytes", NAME_MAX_BYTES);
    FdGroup *group = g_new0(FdGroup, 1);
    *group = (FdGroup){ g_array_new(FALSE, FALSE, sizeof(int)), owner };
    if (duplicate(fds, n, group->fds) < 0) {
        group_free(group);
        return -1;
    }
    g_mutex_lock(&obj->lock);
    if (!obj->fd_groups)
        obj->fd_groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, group_free);
    gboolean fits = g_hash_table_size(obj->fd_groups) < GROUPS_MAX || g_hash_table_contains(obj->fd_groups, name);
    if (fits)
        g_hash_table_replace(obj->fd_groups, g_strdup(name), group);
    g_mutex_unlock(&obj->lock);
    if (fits)
        return 0;
    group_free(group);
    return FAIL(VIR_ERR_OPERATION_DENIED, "a domain can't have more than %d groups of descriptors", GROUPS_MAX);
}

static gboolean is_of(gpointer name, gpointer group, gpointer owner)
{
    return ((const FdGroup *) group)->owner == owner;
}

void fd_groups_drop(DomainObj *obj, gconstpointer owner)
{
    g_mutex_lock(&obj->lock);
    if (obj->fd_groups)
        g_hash_table_foreach_remove(obj->fd_groups, is_of, (gpointer) owner);
    g_mutex_unlock(&obj->lock);
}

int guest_fd_group(Guest *guest, const char *name, GArray *fds)
{
    DomainObj *obj = guest->dom;
    g_mutex_lock(&obj->lock);
    const FdGroup *group = obj->fd_groups ? g_hash_table_lookup(obj->fd_groups, name) : NULL;
    int rc = group ? duplicate((const int *) group->fds->data, group->fds->len, fds) : -1;
    g_mutex_unlock(&obj->lock);
    if (group)
        return rc;
    return FAIL(VIR_ERR_INVALID_ARG, "nobody has given descriptors to domain '%s' under the name '%s'; a client does it with "
                "virDomainFDAssociate ('virsh dom-fd-associate') and must stay connected", guest->name, name);
}
