/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define LOG_SOURCE "qemu.descriptors"
#include "drivers/qemu/descriptors.h"
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

enum { DESCRIPTOR_MAX = 65536, DESCRIPTORS_MAX = 256, DESCRIPTOR_DEPTH = 16 };

#define SUFFIX ".json"

char **qemu_descriptor_folders(const char *kind)
{
    GPtrArray *folders = g_ptr_array_new();

    g_ptr_array_add(folders, g_build_filename("/usr/share/qemu", kind, NULL));
    g_ptr_array_add(folders, g_build_filename(SYSCONFDIR "/qemu", kind, NULL));
    if (geteuid() != 0)
        g_ptr_array_add(folders, g_build_filename(g_get_user_config_dir(), "qemu", kind, NULL));
    g_ptr_array_add(folders, NULL);
    return (char **)g_ptr_array_free(folders, FALSE);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *qemu_descriptors_list(const char *const *folders)
{
    g_autoptr(GHashTable) places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GHashTableIter iter;
    gpointer name;

    for (; *folders; folders++) {
        g_auto(GStrv) found = file_list_dir(*folders, DESCRIPTORS_MAX);

        if (!found) {
            LOG_WARN("descriptors are left out: %s", error_message());
            virResetLastError();
        }
        for (char **at = found; at && *at; at++) {
            if (**at != '.' && g_str_has_suffix(*at, SUFFIX))
                g_hash_table_insert(places, g_strdup(*at), g_build_filename(*folders, *at, NULL));
        }
    }
    g_hash_table_iter_init(&iter, places);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_ptr_array_add(names, name);
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++)
        g_ptr_array_add(paths, g_strdup(g_hash_table_lookup(places, g_ptr_array_index(names, i))));
    return paths;
}

json_object *qemu_descriptor_read(const char *path)
{
    size_t len = 0;
    g_autofree char *text = file_read(path, DESCRIPTOR_MAX, &len);
    json_object *descriptor = NULL;

    if (text && len > 0 && g_utf8_validate(text, len, NULL))
        descriptor = json_parse(text, len, DESCRIPTOR_DEPTH, path);
    if (!descriptor && (!text || len > 0))
        LOG_WARN("descriptor '%s' is left out: %s", path, text ? "it isn't JSON" : error_message());
    virResetLastError();
    return descriptor;
}
