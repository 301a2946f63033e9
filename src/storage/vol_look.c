/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define LOG_SOURCE "storage.look"
#include "storage/vol_look.h"
#include "base/log.h"
#include "storage/image_head.h"

void vol_forget_inside(StorageVolDef *def)
{
    g_clear_pointer(&def->target.compat, g_free);
    if (def->backing_store)
        xml_struct_free(&STORAGE_VOL_BACKING_DESC, g_steal_pointer(&def->backing_store));
    def->target.cluster_size = 0;
    def->target.features = (StorageVolFeatures) { 0 };
}

/* What an image says it is based on, as a path; the caller frees. */
static char *base_path(const StorageVolDef *def, const char *name)
{
    if (g_path_is_absolute(name) || image_name_is_protocol(name))
        return g_strdup(name);
    g_autofree char *dir = g_path_get_dirname(def->target.path);
    return g_build_filename(dir, name, NULL);
}

static void set_head(StorageVolDef *def, const ImageHead *head)
{
    StorageVolTarget *target = &def->target;
    target->format = head->format;
    target->compat = g_strdup(head->compat);
    target->cluster_size = head->cluster_size;
    target->features.lazy_refcounts = head->lazy_refcounts;
    target->features.extended_l2 = head->extended_l2;
    if (head->has_capacity)
        def->capacity = head->capacity;
    if (target->encryption && target->encryption->format != head->encryption)   /* else what is known of it, as its secret, remains */
        xml_struct_free(&STORAGE_ENCRYPTION_DESC, g_steal_pointer(&target->encryption));
    if (head->encryption && !target->encryption) {
        target->encryption = xml_struct_new(&STORAGE_ENCRYPTION_DESC);
        target->encryption->format = head->encryption;
    }
    if (!head->backing)
        return;
    def->backing_store = xml_struct_new(&STORAGE_VOL_BACKING_DESC);
    def->backing_store->path = base_path(def, head->backing);
    def->backing_store->format = head->backing_format ? head->backing_format : STORAGE_VOL_FORMAT_RAW;
}

void vol_look_inside(StorageVolDef *def, const guint8 *bytes, gsize n, guint64 size)
{
    g_auto(ImageHead) head = { 0 };
    vol_forget_inside(def);
    image_head_read(&head, bytes, n, size);
    if (head.problem)
        LOG_WARN("volume '%s' can't be what its head says: %s", def->target.path, head.problem);
    set_head(def, &head);
}
