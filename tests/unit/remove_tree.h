/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A folder of a test's goes with all that is in it.
 */
#pragma once
#include <glib/gstdio.h>

static inline void remove_tree(const char *path)
{
    /* a link goes, and not what it leads to */
    g_autoptr(GDir) dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);

    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *inner = g_strdup_printf("%s/%s", path, name);

        remove_tree(inner);
    }
    g_remove(path);
}
