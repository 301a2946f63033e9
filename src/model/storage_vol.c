/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "model/storage.h"
#include "base/error.h"
#include <string.h>

#define RANGE(first, last) \
    (((1u << STORAGE_VOL_FORMAT_##last) - (1u << STORAGE_VOL_FORMAT_##first)) | 1u << STORAGE_VOL_FORMAT_##last)
#define IMAGES RANGE(RAW, VMDK)
#define PARTITIONS (1u << STORAGE_VOL_FORMAT_NONE | RANGE(LINUX, EXTENDED))

G_STATIC_ASSERT(STORAGE_VOL_FORMAT_LAST <= 32);

guint32 storage_vol_formats(StoragePoolType type, StorageVolFormat *first)
{
    *first = type == STORAGE_POOL_TYPE_DISK ? STORAGE_VOL_FORMAT_NONE : STORAGE_VOL_FORMAT_RAW;
    switch (type) {
    case STORAGE_POOL_TYPE_DIR: case STORAGE_POOL_TYPE_FS: case STORAGE_POOL_TYPE_NETFS: case STORAGE_POOL_TYPE_RBD:
    case STORAGE_POOL_TYPE_SHEEPDOG: case STORAGE_POOL_TYPE_GLUSTER: case STORAGE_POOL_TYPE_VSTORAGE:
        return IMAGES;
    case STORAGE_POOL_TYPE_DISK:
        return PARTITIONS;
    default:
        return 0;
    }
}

static int complete_format(StorageVolFormat *format, StoragePoolType type, const char *path)
{
    StorageVolFormat first;
    guint32 formats = storage_vol_formats(type, &first);
    if (!formats) {
        *format = STORAGE_VOL_FORMAT_UNSET;
        return 0;
    }
    if (!*format)
        *format = first;
    if (formats & 1u << *format)
        return 0;
    return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: volumes of this pool can't have format '%s'", path,
                storage_vol_format_to_string(*format));
}

static int check_encryption(const StorageEncryption *encryption)
{
    for (guint i = 0; i < encryption->n_secrets; i++) {
        const SecretRef *secret = encryption->secrets[i];
        if (!secret->type || (!secret->has_uuid && !secret->usage))
            return FAIL(VIR_ERR_XML_ERROR, "volume.target.encryption.secret: type, and UUID or usage, are needed");
    }
    if (encryption->ivgen && !encryption->cipher)
        return FAIL(VIR_ERR_XML_ERROR, "volume.target.encryption.ivgen: it means something only together with <cipher>");
    return 0;
}

static int complete_target(StorageVolTarget *target, StoragePoolType type)
{
    if (complete_format(&target->format, type, "volume.target.format") < 0)
        return -1;
    if (target->compat && target->compat[strspn(target->compat, "0123456789.")])
        return FAIL(VIR_ERR_XML_ERROR, "volume.target.compat: '%s' is not a version", target->compat);
    if (!target->compat && (target->features.lazy_refcounts || target->features.extended_l2))
        target->compat = g_strdup("1.1");
    storage_permissions_complete(&target->permissions);
    return target->encryption ? check_encryption(target->encryption) : 0;
}

static int complete_backing(StorageVolDef *def, StoragePoolType type)
{
    StorageVolBacking *backing = def->backing_store;
    if (backing && !backing->path) {
        xml_struct_free(&STORAGE_VOL_BACKING_DESC, backing);
        def->backing_store = NULL;
        return 0;
    }
    if (!backing)
        return 0;
    xml_struct_free(&STORAGE_TIMESTAMPS_DESC, g_steal_pointer(&backing->timestamps));
    storage_permissions_complete(&backing->permissions);
    return complete_format(&backing->format, type, "volume.backingStore.format");
}

/* What is read only in the format. */
static void forget_known(StorageVolDef *def)
{
    g_clear_pointer(&def->key, g_free);
    g_clear_pointer(&def->target.path, g_free);
    def->has_physical = false;
    def->physical = 0;
}

int storage_vol_complete(StorageVolDef *def, StoragePoolType type, bool known)
{
    if (!def->has_capacity)
        return FAIL(VIR_ERR_XML_ERROR, "volume.capacity: missing capacity of volume '%s'", def->name);
    if (!def->has_allocation)
        def->allocation = def->capacity;
    def->has_allocation = true;
    def->type = storage_pool_vol_type(type);
    if (!known)
        forget_known(def);
    while (def->n_devices)
        xml_struct_free(&STORAGE_VOL_DEVICE_DESC, def->devices[--def->n_devices]);
    xml_struct_free(&STORAGE_TIMESTAMPS_DESC, g_steal_pointer(&def->target.timestamps));
    if (complete_target(&def->target, type) < 0)
        return -1;
    return complete_backing(def, type);
}
