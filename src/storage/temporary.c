/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/temporary.h"
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include "base/file.h"
#include "base/random.h"

#define PREFIX ".new-libvirt-"
/* Files with other hosts' marks are theirs to remove. */
#define HOST_TAG_CHARS 8

char *temporary_tag(void)
{
    g_autofree char *id = NULL;
    if (file_read_optional("/etc/machine-id", 256, &id, NULL) < 0)
        virResetLastError();
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, id ? id : "", -1);
    return g_strdup_printf("%s%.*s-", PREFIX, HOST_TAG_CHARS, sum);
}

char *temporary_name(void)
{
    guint64 chance;
    g_autofree char *tag = temporary_tag();
    random_bytes(&chance, sizeof(chance));
    return g_strdup_printf("%s%016" G_GINT64_MODIFIER "x", tag, chance);
}

gboolean temporary_is(const char *name)
{
    return g_str_has_prefix(name, PREFIX);
}
