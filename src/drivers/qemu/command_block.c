/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Images of disks: for each a node for the storage and one for the format ("libvirt-N-storage", "libvirt-N-format", N being the
 * image's index), backing images first. Where the definition doesn't say what an image is based on, QEMU reads that from the image.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/command_block.h"
#include "drivers/qemu/command_secret.h"
#include "drivers/qemu/command_storage.h"
#include "drivers/qemu/throttle.h"

/* As deep as a chain of images may be; a loop in a definition can't be written, but a copy of one could be damaged. */
#define MAX_CHAIN 200

QemuCacheMode qemu_cache_mode(const DomainDisk *disk)
{
    DomainDiskCache cache = disk->driver.cache;

    /* Two hosts can share an image only if neither caches it. */
    if (disk->shareable && !disk->readonly && (cache == DOMAIN_DISK_CACHE_UNSET || cache == DOMAIN_DISK_CACHE_DEFAULT))
        cache = DOMAIN_DISK_CACHE_NONE;
    switch (cache) {
    case DOMAIN_DISK_CACHE_NONE:
        return (QemuCacheMode){ TRUE, FALSE, TRUE, TRUE };
    case DOMAIN_DISK_CACHE_WRITETHROUGH:
        return (QemuCacheMode){ FALSE, FALSE, FALSE, TRUE };
    case DOMAIN_DISK_CACHE_WRITEBACK:
        return (QemuCacheMode){ FALSE, FALSE, TRUE, TRUE };
    case DOMAIN_DISK_CACHE_DIRECTSYNC:
        return (QemuCacheMode){ TRUE, FALSE, FALSE, TRUE };
    case DOMAIN_DISK_CACHE_UNSAFE:
        return (QemuCacheMode){ FALSE, TRUE, TRUE, TRUE };
    default:
        return (QemuCacheMode){ FALSE, FALSE, FALSE, FALSE };
    }
}

static void add_cache(json_object *props, const QemuCacheMode *cache)
{
    if (cache->given)
        json_add(props, JSON_VALUE("cache", json_make(JSON_BOOL("direct", cache->direct),
                                                      JSON_BOOL("no-flush", cache->no_flush))));
}

char *qemu_node_storage(const StorageSource *source)
{
    return g_strdup_printf("libvirt-%u-storage", source->index);
}

char *qemu_node_format(const StorageSource *source)
{
    return g_strdup_printf("libvirt-%u-format", source->index);
}

static char *node_slice(const StorageSource *source)
{
    return g_strdup_printf("libvirt-%u-slice-sto", source->index);
}

/* A filter over the whole chain. */
static char *node_filter(const DomainDisk *disk)
{
    return g_strdup_printf("libvirt-CoR-%s", disk->target.dev);
}

static char *node_below_filters(const DomainDisk *disk)
{
    return disk->driver.copy_on_read == TRISTATE_ON ? node_filter(disk) : qemu_node_format(&disk->source);
}

char *qemu_disk_node(const DomainDisk *disk)
{
    return disk->n_throttle_filters > 0 ? qemu_throttle_node(disk, disk->n_throttle_filters - 1) : node_below_filters(disk);
}

/* Zeros can be unmapped only where unmapping is allowed. */
static const char *detect_zeroes(const DomainDisk *disk)
{
    DomainDiskDetectZeroes mode = disk->driver.detect_zeroes;

    if (mode == DOMAIN_DISK_DETECT_ZEROES_UNMAP && disk->driver.discard != DOMAIN_DISK_DISCARD_UNMAP)
        mode = DOMAIN_DISK_DETECT_ZEROES_ON;
    return mode ? domain_disk_detect_zeroes_to_string(mode) : NULL;
}

static const char *format_driver(StorageFormat format)
{
    switch (format) {
    case STORAGE_FORMAT_UNSET:
    case STORAGE_FORMAT_NONE:
    case STORAGE_FORMAT_RAW:
    case STORAGE_FORMAT_ISO:
    case STORAGE_FORMAT_DIR:
    case STORAGE_FORMAT_FAT:
        return "raw";
    case STORAGE_FORMAT_VHD:
        return "vhdx";
    case STORAGE_FORMAT_PLOOP:
        return "parallels";
    case STORAGE_FORMAT_BOCHS:
    case STORAGE_FORMAT_CLOOP:
    case STORAGE_FORMAT_DMG:
    case STORAGE_FORMAT_VPC:
    case STORAGE_FORMAT_VDI:
    case STORAGE_FORMAT_QCOW:
    case STORAGE_FORMAT_QCOW2:
    case STORAGE_FORMAT_QED:
    case STORAGE_FORMAT_VMDK:
        return storage_format_to_string(format);
    default:
        return NULL;
    }
}

/* Encryption in its old place beside the source is that of the topmost image. */
static const StorageEncryption *encryption_of(const DomainDisk *disk, const StorageSource *source)
{
    const StorageEncryption *encryption = source->encryption ? source->encryption : source == &disk->source ? disk->encryption : NULL;

    return encryption && encryption->engine != STORAGE_ENCRYPTION_ENGINE_LIBRBD ? encryption : NULL;
}

static char *encryption_secret(const StorageSource *source)
{
    return g_strdup_printf("libvirt-%u-format-encryption-secret0", source->index);
}

/* Where a part of an image is used, the format reads it through a node for that part; raw images know parts themselves. */
static gboolean has_slice_node(const StorageSource *source, const char *driver)
{
    return source->n_slices > 0 && !g_str_equal(driver, "raw");
}

static void add_slice(json_object *props, const StorageSource *source)
{
    qemu_add_uint(props, "offset", source->slices[0]->offset);
    qemu_add_uint(props, "size", source->slices[0]->size);
}

static int storage_node(QemuCommand *cmd, const DomainDisk *disk, const StorageSource *source, StorageFormat format, gboolean readonly,
                        const char *what)
{
    QemuCacheMode cache = qemu_cache_mode(disk);
    g_autofree char *node = qemu_node_storage(source);
    const QemuStorageAccess access = {
        .io = disk->driver.io, .cdrom = disk->device == DOMAIN_DISK_DEVICE_CDROM, .floppy = disk->device == DOMAIN_DISK_DEVICE_FLOPPY,
        .readonly = readonly, .format = format, .auth = source == &disk->source ? disk->auth : NULL,
    };
    json_object *props = qemu_storage_properties(cmd, source, &access, node, what);

    if (!props)
        return -1;
    json_add(props, JSON_STR("node-name", node));
    add_cache(props, &cache);
    /* Locks belong to what was opened, which others have too where it was given: it is opened in the one way that is needed. */
    json_add(props, JSON_BOOL(source->fdgroup ? "read-only" : "auto-read-only", source->fdgroup ? readonly : TRUE),
             JSON_STR("discard", "unmap"));
    qemu_arg_json(cmd, "-blockdev", props);
    return 0;
}

static void slice_node(QemuCommand *cmd, const DomainDisk *disk, const StorageSource *source)
{
    QemuCacheMode cache = qemu_cache_mode(disk);
    g_autofree char *node = node_slice(source), *storage = qemu_node_storage(source);
    json_object *props = json_make(JSON_STR("driver", "raw"), JSON_STR("node-name", node));

    add_slice(props, source);
    json_add(props, JSON_STR("file", storage));
    add_cache(props, &cache);
    json_add(props, JSON_BOOL("auto-read-only", true), JSON_STR("discard", "unmap"));
    qemu_arg_json(cmd, "-blockdev", props);
}

/* What decrypts the image. 0, or -1 with an error. */
static int add_encryption(QemuCommand *cmd, json_object *props, const DomainDisk *disk, const StorageSource *source, const char *driver,
                          const char *what)
{
    const StorageEncryption *encryption = encryption_of(disk, source);
    g_autofree char *secret = encryption_secret(source);

    if (!encryption)
        return 0;
    if (encryption->format != STORAGE_ENCRYPTION_FORMAT_LUKS)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: encryption of format '%s' is not supported; use 'luks'", what,
                    storage_encryption_format_to_string(encryption->format));
    if (encryption->n_secrets != 1)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: encryption needs exactly one secret", what);
    if (qemu_secret(cmd, secret, encryption->secrets[0], what) < 0)
        return -1;
    if (g_str_equal(driver, "luks"))
        json_add(props, JSON_STR("key-secret", secret));
    else
        json_add(props, JSON_VALUE("encrypt", json_make(JSON_STR("format", "luks"), JSON_STR("key-secret", secret))));
    return 0;
}

/* Of a raw image that is encrypted the format is that of the encryption. NULL with an error. */
static const char *driver_of(const DomainDisk *disk, const StorageSource *source, StorageFormat format, const char *what)
{
    const char *driver = format_driver(format);

    if (!driver)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: images of format '%s' are not supported", what, storage_format_to_string(format));
    if (!encryption_of(disk, source) || g_str_equal(driver, "qcow2"))
        return driver;
    return g_str_equal(driver, "raw") ? "luks" :
        FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: images of format '%s' can't be encrypted", what, driver);
}

static int add_qcow2(QemuCommand *cmd, json_object *props, const DomainDisk *disk, const char *driver, const char *what)
{
    const DomainDiskDriver *d = &disk->driver;

    if (!g_str_equal(driver, "qcow2"))
        return 0;
    if (d->discard_no_unref) {
        if (!qemu_caps_has_flag(cmd->caps, "blockdev.qcow2.discard-no-unref"))
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: '%s' has no discard_no_unref for qcow2 images", what, cmd->caps->binary);
        qemu_add_switch(props, "discard-no-unref", d->discard_no_unref);
    }
    if (d->metadata_cache.max_size)
        qemu_add_uint(props, "cache-size", d->metadata_cache.max_size);
    return 0;
}

/* Nodes of one image. @below: the image it stands on, NULL for none; @known: the definition says so. */
static int image_nodes(QemuCommand *cmd, const DomainDisk *disk, const StorageSource *source, StorageFormat format,
                       gboolean readonly, gboolean known, const StorageSource *below)
{
    QemuCacheMode cache = qemu_cache_mode(disk);
    g_autofree char *what = g_strdup_printf("disk '%s'", disk->target.dev), *node = qemu_node_format(source);
    g_autofree char *backing = below ? qemu_node_format(below) : NULL, *file = NULL;
    const char *driver = driver_of(disk, source, format, what);
    gboolean slice = driver && has_slice_node(source, driver);
    json_object *props;

    if (!driver || storage_node(cmd, disk, source, format, readonly, what) < 0)
        return -1;
    if (slice)
        slice_node(cmd, disk, source);
    file = slice ? node_slice(source) : qemu_node_storage(source);
    props = json_make(JSON_STR("node-name", node), JSON_BOOL("read-only", readonly));
    if (disk->driver.discard == DOMAIN_DISK_DISCARD_UNMAP || disk->driver.discard == DOMAIN_DISK_DISCARD_IGNORE)
        json_add(props, JSON_STR("discard", domain_disk_discard_to_string(disk->driver.discard)));
    json_add(props, JSON_STR("detect-zeroes", detect_zeroes(disk)));
    add_cache(props, &cache);
    json_add(props, JSON_STR("driver", driver));
    if (source->n_slices > 0 && !slice)
        add_slice(props, source);
    if (add_encryption(cmd, props, disk, source, driver, what) < 0 || add_qcow2(cmd, props, disk, driver, what) < 0) {
        json_object_put(props);
        return -1;
    }
    json_add(props, JSON_STR("file", file), JSON_STR("backing", backing));
    /* Else QEMU would open what the image itself names. */
    if (!backing && known && (g_str_equal(driver, "qcow2") || g_str_equal(driver, "qcow") || g_str_equal(driver, "qed") ||
                              g_str_equal(driver, "vmdk")))
        json_object_object_add(props, "backing", NULL);
    qemu_arg_json(cmd, "-blockdev", props);
    return 0;
}

static int backing_nodes(QemuCommand *cmd, const DomainDisk *disk, const DomainBackingStore *image, guint depth)
{
    const DomainBackingStore *below = image->backing_store;
    gboolean there = below && below->source.type != DOMAIN_DISK_TYPE_UNSET;

    if (depth > MAX_CHAIN)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s' stands on more than %d images", disk->target.dev, MAX_CHAIN);
    if (there && backing_nodes(cmd, disk, below, depth + 1) < 0)
        return -1;
    return image_nodes(cmd, disk, &image->source, image->format, TRUE, below != NULL, there ? &below->source : NULL);
}

gboolean qemu_source_is_there(const StorageSource *source)
{
    return source->file || source->dev || source->dir || source->volume || source->nvme_address ||
        (source->type == DOMAIN_DISK_TYPE_NETWORK && source->protocol);
}

gboolean qemu_disk_has_media(const DomainDisk *disk)
{
    return qemu_source_is_there(&disk->source);
}

static void filter_node(QemuCommand *cmd, const DomainDisk *disk)
{
    g_autofree char *node = node_filter(disk), *below = qemu_node_format(&disk->source);
    json_object *props = json_make(JSON_STR("driver", "copy-on-read"), JSON_STR("node-name", node), JSON_STR("file", below));

    if (disk->driver.discard == DOMAIN_DISK_DISCARD_UNMAP || disk->driver.discard == DOMAIN_DISK_DISCARD_IGNORE)
        json_add(props, JSON_STR("discard", domain_disk_discard_to_string(disk->driver.discard)));
    qemu_arg_json(cmd, "-blockdev", props);
}

int qemu_command_images(QemuCommand *cmd, const DomainDisk *disk)
{
    const DomainBackingStore *below = disk->backing_store;
    gboolean there = below && below->source.type != DOMAIN_DISK_TYPE_UNSET;
    gboolean readonly = disk->readonly || disk->device == DOMAIN_DISK_DEVICE_CDROM;

    if (there && backing_nodes(cmd, disk, below, 1) < 0)
        return -1;
    if (image_nodes(cmd, disk, &disk->source, disk->driver.type, readonly, below != NULL, there ? &below->source : NULL) < 0)
        return -1;
    if (disk->driver.copy_on_read == TRISTATE_ON)
        filter_node(cmd, disk);
    g_autofree char *top = node_below_filters(disk);

    qemu_command_throttle_filters(cmd, disk, top);
    return 0;
}

/* ---- what stays in QEMU ---- */

typedef struct {
    QemuLeftover tell;
    void *opaque;
} Leftovers;

static void tell_text(const Leftovers *l, const char *command, const char *key, char *name)
{
    l->tell(command, key, name, l->opaque);
    g_free(name);
}

static void image_leftovers(const Leftovers *l, const DomainDisk *disk, const StorageSource *source)
{
    g_autofree char *node = qemu_node_storage(source);
    static const char *const purposes[] = { "auth", "httpcookie", "encryption" };
    const gboolean there[] = { source->auth || (source == &disk->source && disk->auth), source->n_cookies > 0,
                               source->encryption && source->encryption->engine == STORAGE_ENCRYPTION_ENGINE_LIBRBD };

    tell_text(l, "blockdev-del", "node-name", qemu_node_format(source));
    if (source->n_slices > 0)
        tell_text(l, "blockdev-del", "node-name", node_slice(source));
    tell_text(l, "blockdev-del", "node-name", g_strdup(node));
    if (encryption_of(disk, source))
        tell_text(l, "object-del", "id", encryption_secret(source));
    for (guint i = 0; i < G_N_ELEMENTS(purposes); i++) {
        if (there[i])
            tell_text(l, "object-del", "id", g_strdup_printf("%s-%s-secret0", node, purposes[i]));
    }
    if (source->type == DOMAIN_DISK_TYPE_NETWORK && source->protocol == STORAGE_PROTOCOL_NBD && source->tls == TRISTATE_YES) {
        tell_text(l, "object-del", "id", g_strdup_printf("obj%s_tls0", node));
        tell_text(l, "object-del", "id", g_strdup_printf("obj%s_tls0-secret0", node));
    }
    if (source->reservations && source->reservations->managed != TRISTATE_YES)
        tell_text(l, "object-del", "id", qemu_reservations_id(source, node));
}

void qemu_disk_leftovers(const DomainDisk *disk, QemuLeftover tell, void *opaque)
{
    const Leftovers l = { tell, opaque };

    if (disk->source.type == DOMAIN_DISK_TYPE_VHOSTUSER) {
        tell_text(&l, "chardev-remove", "id", qemu_disk_chardev(disk));
        return;
    }
    if (!qemu_disk_has_media(disk))
        return;
    for (guint i = disk->n_throttle_filters; i-- > 0;)
        tell_text(&l, "blockdev-del", "node-name", qemu_throttle_node(disk, i));
    if (disk->driver.copy_on_read == TRISTATE_ON)
        tell_text(&l, "blockdev-del", "node-name", node_filter(disk));
    image_leftovers(&l, disk, &disk->source);
    for (const DomainBackingStore *b = disk->backing_store; b && b->source.type; b = b->backing_store)
        image_leftovers(&l, disk, &b->source);
}
