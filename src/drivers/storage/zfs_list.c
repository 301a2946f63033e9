/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/storage/zfs_list.h"
#include <string.h>
#include "base/error.h"

/* "none" and "-" are nothing. */
static gboolean bytes_of(const char *word, guint64 *bytes)
{
    *bytes = 0;
    return strcmp(word, "none") == 0 || strcmp(word, "-") == 0 || g_ascii_string_to_unsigned(word, 10, 0, G_MAXINT64, bytes, NULL);
}

GPtrArray *zfs_parse_volumes(const char *text, const char *set)
{
    GPtrArray *found = g_ptr_array_new();
    size_t len = strlen(set);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, "\t", -1);
        guint64 capacity, allocation;
        if (!**line)
            continue;
        if (g_strv_length(words) != 3 || !bytes_of(words[1], &capacity) || !bytes_of(words[2], &allocation)) {
            for (guint i = 0; i < found->len; i++)
                xml_struct_free(&STORAGE_VOL_DEF_DESC, found->pdata[i]);
            g_ptr_array_unref(found);
            return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "zfs printed '%.100s', which is no volume", *line);
        }
        if (strncmp(words[0], set, len) != 0 || words[0][len] != '/' || !words[0][len + 1] || strchr(words[0] + len + 1, '/'))
            continue;
        StorageVolDef *def = xml_struct_new(&STORAGE_VOL_DEF_DESC);
        def->type = STORAGE_VOL_TYPE_BLOCK;
        def->name = g_strdup(words[0] + len + 1);
        def->has_capacity = def->has_allocation = true;
        def->capacity = capacity;
        def->allocation = MIN(allocation, capacity); /* what is reserved beyond is for its records */
        g_ptr_array_add(found, def);
    }
    return found;
}

int zfs_parse_sizes(const char *text, guint64 *size, guint64 *available, guint64 *allocated)
{
    const struct { const char *name; guint64 *value; } wanted[] = { { "size", size }, { "free", available }, { "allocated", allocated } };
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint n = 0;
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, "\t", -1);
        for (guint i = 0; g_strv_length(words) == 2 && i < G_N_ELEMENTS(wanted); i++) {
            if (strcmp(words[0], wanted[i].name) == 0 && bytes_of(words[1], wanted[i].value))
                n |= 1u << i;
        }
    }
    return n == 7 ? 0 : FAIL(VIR_ERR_INTERNAL_ERROR, "zpool printed no sizes of the pool");
}
