/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernel's tree of parts of caches and of bandwidth, made of files. This program's mkdir() and rmdir() stand for the kernel's: a folder
 * in the tree is a group, which has files at once and takes them along, its monitors (folders in its "mon_groups") included. Each write to
 * "schemata" is kept (the files are written at their end), as the lines that the kernel would take.
 */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/error.h"
#include "core/host/host.h"
#include "remove_tree.h"

#define TREE "/sys/fs/resctrl"

static char *root;
static gboolean no_more_groups, schemata_fail;

static char *place(const char *file)
{
    return g_strconcat(root, file, NULL);
}

static void put(const char *file, const char *text)
{
    g_autofree char *path = place(file), *dir = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static gboolean is_group(const char *path)
{
    return root && g_str_has_prefix(path, root) && strstr(path, TREE "/qemu-");
}

static gboolean is_monitor(const char *path)
{
    return strstr(path, "/mon_groups/") != NULL;
}

static void fill(const char *group, const char *file)
{
    g_autofree char *path = g_build_filename(group, file, NULL);

    g_assert_true(g_file_set_contents(path, "", -1, NULL));
}

/* What a new group has at once. */
static G_GNUC_NO_INLINE void fill_group(const char *path)
{
    g_autofree char *monitors = g_build_filename(path, "mon_groups", NULL);

    fill(path, "tasks");
    if (is_monitor(path))
        return;
    if (!schemata_fail)
        fill(path, "schemata");
    g_assert_cmpint(syscall(SYS_mkdirat, AT_FDCWD, monitors, 0755), ==, 0);
}

static gboolean removing;

static G_GNUC_NO_INLINE void remove_group(const char *path)
{
    removing = TRUE;
    remove_tree(path);
    removing = FALSE;
}

/* The sanitizer's own beginning calls these two, too: nothing of theirs may stand on the stack that it watches,
 * so what they do with a group is functions of its own. */
int mkdir(const char *path, mode_t mode)
{
    gboolean group = is_group(path);

    if (group && no_more_groups) {
        errno = ENOSPC;
        return -1;
    }
    if (syscall(SYS_mkdirat, AT_FDCWD, path, mode) < 0)
        return -1;
    if (group)
        fill_group(path);
    return 0;
}

int rmdir(const char *path)
{
    if (is_group(path) && !removing) {
        remove_group(path);
        return 0;
    }
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

static char *read_text(const char *file)
{
    g_autofree char *path = place(file);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

static void assert_text(const char *file, const char *text)
{
    g_autofree char *found = read_text(file);

    g_assert_cmpstr(found, ==, text);
}

static void assert_error(int code, const char *part)
{
    g_assert_cmpint(error_code(), ==, code);
    if (!strstr(error_message(), part))
        g_error("'%s' is not in '%s'", part, error_message());
    virResetLastError();
}

/* 2 sockets, 16 MiB of L3 in 16 pieces; everybody has the upper 8 of the first and all of the second but the lowest. */
static void make_host(void)
{
    for (guint cpu = 0; cpu < 2; cpu++) {
        g_autofree char *dir = g_strdup_printf("/sys/devices/system/cpu/cpu%u/cache/index3/", cpu), *id = g_strdup_printf("%u\n", cpu);
        g_autofree char *level = g_strconcat(dir, "level", NULL), *type = g_strconcat(dir, "type", NULL);
        g_autofree char *size = g_strconcat(dir, "size", NULL), *number = g_strconcat(dir, "id", NULL);

        put(level, "3\n");
        put(type, "Unified\n");
        put(size, "16384K\n");
        put(number, id);
    }
    put(TREE "/info/L3/cbm_mask", "ffff\n");
    put(TREE "/info/L3/min_cbm_bits", "2\n");
    put(TREE "/info/MB/min_bandwidth", "10\n");
    put(TREE "/info/MB/bandwidth_gran", "10\n");
    put(TREE "/schemata", "    MB:0=100;1=100\n    L3:0=ff00;1=fffe\n");
    put(TREE "/tasks", "1\n");
}

static void tree_begin(void)
{
    root = g_dir_make_tmp("resctrl-XXXXXX", NULL);
    host_set_root(root);
}

static void tree_end(void)
{
    host_set_root(NULL);
    remove_tree(root);
    g_clear_pointer(&root, g_free);
}
