/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Limits of traffic that disks share: <throttlegroups>, and <throttlefilters> of disks.
 */
#include "model/domain_private.h"

#define NAME_MAX_BYTES 100 /* QEMU's name of it has a prefix, and 127 bytes at most */

bool domain_throttle_name_is_valid(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= NAME_MAX_BYTES &&
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == length;
}

DomainDiskIotune *domain_throttle_group(const DomainDef *def, const char *name)
{
    for (guint i = 0; i < def->n_throttle_groups; i++) {
        if (g_strcmp0(def->throttle_groups[i]->group_name, name) == 0)
            return def->throttle_groups[i];
    }
    return NULL;
}

const DomainDisk *domain_throttle_user(const DomainDef *def, const char *name)
{
    for (guint i = 0; i < def->devices.n_disks; i++) {
        const DomainDisk *disk = def->devices.disks[i];

        for (guint j = 0; j < disk->n_throttle_filters; j++) {
            if (g_str_equal(disk->throttle_filters[j]->group, name))
                return disk;
        }
    }
    return NULL;
}

void domain_validate_throttle_groups(const DomainDef *def, XmlDiagnostics *diag)
{
    DomainPlace at = {diag, "throttlegroups", -1};

    for (guint i = 0; i < def->n_throttle_groups; i++) {
        const DomainDiskIotune *group = def->throttle_groups[i];
        const char *name = group->group_name ? group->group_name : "";

        REFUSE_IF(!domain_throttle_name_is_valid(name), &at, VIR_ERR_XML_ERROR, "the name '%s' of a throttle group isn't made of 1 to %d "
                  "letters, digits, '-', '.' and '_'", name, NAME_MAX_BYTES);
        REFUSE_IF(domain_throttle_group(def, name) != group && *name, &at, VIR_ERR_XML_ERROR, "there are two throttle groups '%s'", name);
        domain_validate_limits(group, name, &at);
    }
}

void domain_validate_throttle_filters(const DomainDef *def, const DomainDisk *disk, const DomainPlace *at)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    if (disk->n_throttle_filters == 0)
        return;
    REFUSE_IF(disk->iotune, at, VIR_ERR_CONFIG_UNSUPPORTED, "%s: a disk has either <iotune> or <throttlefilters>", disk->target.dev);
    REFUSE_IF(disk->target.bus == DOMAIN_DISK_BUS_SD || disk->source.type == DOMAIN_DISK_TYPE_VHOSTUSER, at, VIR_ERR_CONFIG_UNSUPPORTED,
              "%s: cards on bus 'sd' and disks of type 'vhostuser' can't have <throttlefilters>", disk->target.dev);
    for (guint i = 0; i < disk->n_throttle_filters; i++) {
        const char *group = disk->throttle_filters[i]->group;

        REFUSE_IF(!domain_throttle_group(def, group), at, VIR_ERR_XML_ERROR, "%s: there is no throttle group '%s'", disk->target.dev, group);
        REFUSE_IF(!g_hash_table_add(seen, (gpointer)group), at, VIR_ERR_XML_ERROR, "%s: the throttle group '%s' is there twice",
                  disk->target.dev, group);
    }
}
