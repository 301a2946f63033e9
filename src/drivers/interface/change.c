/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Changes that can be taken back. What the host is, files and kernel, is on the disk before a change begins. To it are added
 * the names of the interfaces to which anything is done; taking back restores all files, and of the kernel's state that of those
 * names, so that networks and guests which have started meanwhile stay.
 */
#define ERROR_DOMAIN VIR_FROM_INTERFACE
#define LOG_SOURCE "interface.change"
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "drivers/interface/interface_driver.h"

#define CHANGE "change.json"
#define TOUCHED "change-touched.json"

static const HostStyle *const styles[] = { &style_ifupdown, &style_networkd, &style_keyfile, &style_netplan };

static char *path_of(const InterfaceNode *node, const char *file) { return g_build_filename(node->lib, file, NULL); }

static gboolean is_under_way(const InterfaceNode *node)
{
    g_autofree char *path = path_of(node, CHANGE);
    return access(path, F_OK) == 0;
}

/* The files of all styles: a host may change its style, too. */
static GPtrArray *all_files(const char *root)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify) style_file_free);
    for (guint i = 0; i < G_N_ELEMENTS(styles); i++) {
        GPtrArray *files = host_style_files(root, styles[i]);
        if (!files)
            return NULL;
        g_ptr_array_extend_and_steal(all, files);
    }
    return g_steal_pointer(&all);
}

int change_begin(ManagedTable *table)
{
    InterfaceNode *node = hostif_priv(table);
    g_autofree char *path = path_of(node, CHANGE), *touched = path_of(node, TOUCHED);
    g_auto(NodeJob) job = { NULL };
    if (node_job_begin(&job, node, __func__) < 0)
        return -1;
    if (is_under_way(node))
        return FAIL(VIR_ERR_OPERATION_INVALID, "a change of interfaces is under way already: commit it or roll it back");
    g_autoptr(Netlink) nl = netlink_open();
    g_autoptr(SavedHost) saved = saved_host_new();
    if (!nl || !(saved->boot = host_boot_id()) || !(saved->network = netlink_saved_new(nl)) || !(saved->files = all_files(node->root)) ||
        file_remove_sync(touched) < 0)
        return -1;
    return saved_host_write(saved, path, TRUE);
}

static int end_change(const InterfaceNode *node)
{
    g_autofree char *path = path_of(node, CHANGE), *touched = path_of(node, TOUCHED);
    return file_remove_sync(path) < 0 || file_remove_sync(touched) < 0 ? -1 : 0;
}

static int fail_none(void)
{
    return FAIL(VIR_ERR_OPERATION_INVALID, "no change of interfaces is under way");
}

int change_commit(ManagedTable *table)
{
    InterfaceNode *node = hostif_priv(table);
    g_auto(NodeJob) job = { NULL };
    if (node_job_begin(&job, node, __func__) < 0)
        return -1;
    return is_under_way(node) ? end_change(node) : fail_none();
}

/* What has been noted; an empty one if nothing was. NULL with an error. */
static SavedHost *read_touched(const InterfaceNode *node)
{
    g_autofree char *path = path_of(node, TOUCHED);
    gboolean failed;
    SavedHost *saved = saved_host_read(path, &failed);
    return saved || failed ? saved : saved_host_new();
}

int change_touch(InterfaceNode *node, const HostInterfaceDef *def)
{
    if (!is_under_way(node))
        return 0;
    g_autofree char *path = path_of(node, TOUCHED);
    g_autoptr(SavedHost) touched = read_touched(node);
    if (!touched)
        return -1;
    guint before = g_hash_table_size(touched->names);
    saved_host_add_touched(touched->names, def);
    return g_hash_table_size(touched->names) == before ? 0 : saved_host_write(touched, path, FALSE);
}

/* Files that weren't there. */
static int remove_new(const InterfaceNode *node, const SavedHost *saved)
{
    g_autoptr(GPtrArray) now = all_files(node->root);
    g_autoptr(GHashTable) old = g_hash_table_new(g_str_hash, g_str_equal);
    int rc = now ? 0 : -1;
    for (guint i = 0; i < saved->files->len; i++)
        g_hash_table_add(old, ((StyleFile *) saved->files->pdata[i])->path);
    for (guint i = 0; now && i < now->len; i++) {
        const StyleFile *file = now->pdata[i];
        g_autofree char *path = g_strconcat(node->root, file->path, NULL);
        if (!g_hash_table_contains(old, file->path))
            rc |= file_remove_sync(path);
    }
    return rc;
}

static int restore_files(const InterfaceNode *node, const SavedHost *saved)
{
    return saved->files && (remove_new(node, saved) | saved_host_restore_files(saved, node->root)) ? -1 : 0;
}

int change_rollback(ManagedTable *table)
{
    InterfaceNode *node = hostif_priv(table);
    g_autofree char *path = path_of(node, CHANGE);
    gboolean failed;
    g_auto(NodeJob) job = { NULL };
    if (node_job_begin(&job, node, __func__) < 0)
        return -1;
    g_autoptr(SavedHost) saved = saved_host_read(path, &failed);
    if (!saved)
        return failed ? -1 : fail_none();
    g_autoptr(SavedHost) touched = read_touched(node);
    g_autoptr(Netlink) nl = netlink_open();
    if (!saved->network)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "'%s' doesn't say what the network was", path);
    if (!touched || !nl)
        return -1;
    /* the manager first: it may change what runs when it reads its files again */
    activate_tell(node, touched->names, FALSE, saved->network);
    if (restore_files(node, saved) < 0 || activate_reload(node) < 0)
        return -1;
    activate_tell(node, touched->names, TRUE, saved->network);
    return netlink_saved_restore(nl, saved->network, touched->names) < 0 ? -1 : end_change(node);
}

void change_mend(const InterfaceNode *node)
{
    g_autofree char *path = path_of(node, CHANGE), *boot = host_boot_id();
    gboolean failed;
    g_autoptr(SavedHost) saved = saved_host_read(path, &failed);
    if (failed || (saved && g_strcmp0(saved->boot, boot) != 0 && (restore_files(node, saved) < 0 || end_change(node) < 0)))
        LOG_ERROR("a change of interfaces that was not committed can't be taken back: %s", error_message());
    else if (saved && g_strcmp0(saved->boot, boot) != 0)
        LOG_WARN("a change of interfaces had not been committed when the machine was started again: the files are what they were before");
    virResetLastError();
}
