/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "storage/file_name.h"
#include <errno.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/random.h"

#define PREFIX ".new-libvirt-"
/* Nor do others begin so what they make. */
#define RESERVED ".new-"
/* Longest name of a file. */
#define NAME_BYTES 255
/* Files with other hosts' marks are theirs to remove. */
#define HOST_TAG_CHARS 8

/* Names that are in use in this process. */
static GHashTable *being_made;
static GMutex being_made_lock;

/* What such names of this host begin with; the caller frees. */
static char *host_tag(void)
{
    g_autofree char *id = NULL;
    if (file_read_optional("/etc/machine-id", 256, &id, NULL) < 0)
        virResetLastError();
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, id ? id : "", -1);
    return g_strdup_printf("%s%.*s-", PREFIX, HOST_TAG_CHARS, sum);
}

FileName *file_name_begin(void)
{
    guint64 chance;
    g_autofree char *tag = host_tag();
    random_bytes(&chance, sizeof(chance));
    FileName *name = g_strdup_printf("%s%016" G_GINT64_MODIFIER "x", tag, chance);
    g_mutex_lock(&being_made_lock);
    if (!being_made)
        being_made = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_add(being_made, g_strdup(name));
    g_mutex_unlock(&being_made_lock);
    return name;
}

void file_name_end(FileName *name)
{
    int saved = errno;
    if (!name)
        return;
    g_mutex_lock(&being_made_lock);
    g_hash_table_remove(being_made, name);
    if (g_hash_table_size(being_made) == 0)
        g_clear_pointer(&being_made, g_hash_table_unref);
    g_mutex_unlock(&being_made_lock);
    g_free(name);
    errno = saved;
}

gboolean file_name_is_left(const char *name)
{
    if (!g_str_has_prefix(name, PREFIX))
        return FALSE;
    g_autofree char *tag = host_tag();
    if (!g_str_has_prefix(name, tag))
        return FALSE;
    g_mutex_lock(&being_made_lock);
    gboolean ours = being_made && g_hash_table_contains(being_made, name);
    g_mutex_unlock(&being_made_lock);
    return !ours;
}

gboolean file_name_may_be_volume(const char *name)
{
    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strchr(name, '/') || g_str_has_prefix(name, PREFIX) ||
        !g_utf8_validate(name, -1, NULL))
        return FALSE;
    for (const char *c = name; *c; c++) {
        if (g_ascii_iscntrl(*c))
            return FALSE;
    }
    return TRUE;
}

int file_name_check_new(const char *name)
{
    if (strchr(name, '/'))
        return FAIL(VIR_ERR_OPERATION_INVALID, "volume name '%s' cannot contain '/'", name);
    if (strlen(name) <= NAME_BYTES && !g_str_has_prefix(name, RESERVED) && file_name_may_be_volume(name))
        return 0;
    g_autofree char *shown = g_strescape(name, NULL);
    return FAIL(VIR_ERR_OPERATION_INVALID, "volume name '%s' can't be a file's: it has 1 to %d bytes of UTF-8 without control "
                "characters, isn't '.' or '..' and doesn't begin with '" RESERVED "'", shown, NAME_BYTES);
}
