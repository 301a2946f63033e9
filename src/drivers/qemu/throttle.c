/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/throttle.h"
#include "base/error.h"
#include "model/domain.h"

#define OBJECT "throttle-%s"

#define LIMIT(name, field) { name, offsetof(DomainDiskIotune, field##_sec), offsetof(DomainDiskIotune, field##_sec_max), \
                             offsetof(DomainDiskIotune, field##_sec_max_length) }

static guint64 number_at(const DomainDiskIotune *group, size_t offset)
{
    return *(const guint64 *)((const char *)group + offset);
}

/* All of them: what isn't told stays as it was. */
static json_object *limits_of(const DomainDiskIotune *group)
{
    static const struct {
        const char *name;
        size_t limit, max, length;
    } limits[] = {
        LIMIT("bps-total", total_bytes), LIMIT("bps-read", read_bytes), LIMIT("bps-write", write_bytes),
        LIMIT("iops-total", total_iops), LIMIT("iops-read", read_iops), LIMIT("iops-write", write_iops),
    };
    json_object *all = json_object_new_object();

    for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
        g_autofree char *max = g_strconcat(limits[i].name, "-max", NULL), *length = g_strconcat(max, "-length", NULL);

        qemu_add_uint(all, limits[i].name, number_at(group, limits[i].limit));
        qemu_add_uint(all, max, number_at(group, limits[i].max));
        qemu_add_uint(all, length, MAX(number_at(group, limits[i].length), 1));
    }
    qemu_add_uint(all, "iops-size", group->size_iops_sec);
    return all;
}

static json_object *group_object(const DomainDiskIotune *group)
{
    g_autofree char *id = g_strdup_printf(OBJECT, group->group_name);

    return json_make(JSON_STR("qom-type", "throttle-group"), JSON_STR("id", id), JSON_VALUE("limits", limits_of(group)));
}

int qemu_command_throttle_groups(QemuCommand *cmd)
{
    for (guint i = 0; i < cmd->def->n_throttle_groups; i++) {
        if (qemu_require_type(cmd, "throttle-group", "a throttle group") < 0)
            return -1;
        qemu_arg_json(cmd, "-object", group_object(cmd->def->throttle_groups[i]));
    }
    return 0;
}

char *qemu_throttle_node(const DomainDisk *disk, guint at)
{
    return g_strdup_printf("libvirt-%u-throttle%u", disk->source.index, at);
}

void qemu_command_throttle_filters(QemuCommand *cmd, const DomainDisk *disk, const char *below)
{
    g_autofree char *file = g_strdup(below);

    for (guint i = 0; i < disk->n_throttle_filters; i++) {
        g_autofree char *group = g_strdup_printf(OBJECT, disk->throttle_filters[i]->group), *node = qemu_throttle_node(disk, i);

        qemu_arg_json(cmd, "-blockdev", json_make(JSON_STR("driver", "throttle"), JSON_STR("node-name", node),
                                                  JSON_STR("throttle-group", group), JSON_STR("file", file)));
        g_free(file);
        file = g_steal_pointer(&node);
    }
}

int qemu_guest_set_throttle_group(Guest *guest, const DomainDef *before, const DomainDiskIotune *group)
{
    g_autofree char *path = g_strdup_printf("/objects/" OBJECT, group->group_name);

    if (!domain_throttle_group(before, group->group_name))
        return qemu_guest_call(guest, "object-add", group_object(group), NULL);
    return qemu_guest_call(guest, "qom-set", json_make(JSON_STR("path", path), JSON_STR("property", "limits"),
                                                       JSON_VALUE("value", limits_of(group))), NULL);
}

int qemu_backend_drop_throttle_group(Guest *guest, const char *name)
{
    g_autofree char *id = g_strdup_printf(OBJECT, name);

    return qemu_guest_call(guest, "object-del", json_make(JSON_STR("id", id)), NULL);
}
