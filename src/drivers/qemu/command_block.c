/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Disks: for each image a node for the storage and one for the format ("libvirt-N-storage", "libvirt-N-format", N being the
 * image's index), backing images first, then the device that the guest sees. Where the definition doesn't
 * say what an image is based on, QEMU reads that from the image.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/command_block.h"
#include "drivers/qemu/command_priv.h"

/* As deep as a chain of images may be; a loop in a definition can't be written, but a copy of one could be damaged. */
#define MAX_CHAIN 200

typedef struct {
    gboolean direct, no_flush, write_cache;
    gboolean given;
} CacheMode;

static CacheMode cache_mode(const DomainDisk *disk)
{
    DomainDiskCache cache = disk->driver.cache;

    /* Two hosts can share an image only if neither caches it. */
    if (disk->shareable && !disk->readonly && (cache == DOMAIN_DISK_CACHE_UNSET || cache == DOMAIN_DISK_CACHE_DEFAULT))
        cache = DOMAIN_DISK_CACHE_NONE;
    switch (cache) {
    case DOMAIN_DISK_CACHE_NONE:
        return (CacheMode){ TRUE, FALSE, TRUE, TRUE };
    case DOMAIN_DISK_CACHE_WRITETHROUGH:
        return (CacheMode){ FALSE, FALSE, FALSE, TRUE };
    case DOMAIN_DISK_CACHE_WRITEBACK:
        return (CacheMode){ FALSE, FALSE, TRUE, TRUE };
    case DOMAIN_DISK_CACHE_DIRECTSYNC:
        return (CacheMode){ TRUE, FALSE, FALSE, TRUE };
    case DOMAIN_DISK_CACHE_UNSAFE:
        return (CacheMode){ FALSE, TRUE, TRUE, TRUE };
    default:
        return (CacheMode){ FALSE, FALSE, FALSE, FALSE };
    }
}

static void add_cache(json_object *props, const CacheMode *cache)
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

static json_object *server_address(const StorageHost *host, guint default_port)
{
    g_autofree char *port = g_strdup_printf("%u", host->port ? host->port : default_port);

    if (host->transport == STORAGE_TRANSPORT_UNIX)
        return json_make(JSON_STR("type", "unix"), JSON_STR("path", host->socket));
    return json_make(JSON_STR("type", "inet"), JSON_STR("host", host->name), JSON_STR("port", port));
}

static const StorageHost *only_host(const StorageSource *source)
{
    if (source->n_hosts != 1)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "protocol '%s' of image '%s' needs exactly one host",
                         storage_protocol_to_string(source->protocol), source->name ? source->name : "");
    if (source->hosts[0]->transport == STORAGE_TRANSPORT_RDMA)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "transport 'rdma' is not supported");
    return source->hosts[0];
}

static json_object *url_storage(const StorageSource *source, const StorageHost *host, const char *scheme, guint port)
{
    gboolean v6 = host->name && strchr(host->name, ':');
    g_autoptr(GString) url = g_string_new(NULL);
    json_object *props;

    g_string_printf(url, "%s://%s%s%s:%u/%s", scheme, v6 ? "[" : "", host->name ? host->name : "", v6 ? "]" : "",
                    host->port ? host->port : port, source->name ? source->name : "");
    if (source->query)
        g_string_append_printf(url, "?%s", source->query);
    props = json_make(JSON_STR("driver", scheme), JSON_STR("url", url->str));
    if (source->ssl_verify)
        qemu_add_onoff(props, "sslverify", source->ssl_verify);
    if (source->readahead)
        qemu_add_uint(props, "readahead", source->readahead);
    if (source->timeout)
        qemu_add_uint(props, "timeout", source->timeout);
    return props;
}

static json_object *network_storage(const StorageSource *source)
{
    const StorageHost *host;
    json_object *props;

    if (source->auth || source->n_cookies || source->tls == TRISTATE_YES)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "credentials and TLS for network images are not supported yet");
    host = only_host(source);
    if (!host)
        return NULL;
    switch (source->protocol) {
    case STORAGE_PROTOCOL_NBD:
        props = json_make(JSON_STR("driver", "nbd"), JSON_VALUE("server", server_address(host, 10809)),
                          JSON_STR("export", source->name));
        if (source->reconnect && source->reconnect->timeout)
            qemu_add_uint(props, "reconnect-delay", source->reconnect->timeout);
        return props;
    case STORAGE_PROTOCOL_HTTP:
        return url_storage(source, host, "http", 80);
    case STORAGE_PROTOCOL_HTTPS:
        return url_storage(source, host, "https", 443);
    case STORAGE_PROTOCOL_FTP:
        return url_storage(source, host, "ftp", 21);
    case STORAGE_PROTOCOL_FTPS:
        return url_storage(source, host, "ftps", 990);
    default:
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "network protocol '%s' is not supported yet",
                         storage_protocol_to_string(source->protocol));
    }
}

static json_object *file_storage(const DomainDisk *disk, const char *driver, const char *path)
{
    json_object *props = json_make(JSON_STR("driver", driver), JSON_STR("filename", path));

    switch (disk->driver.io) {
    case DOMAIN_DISK_IO_NATIVE:
        json_add(props, JSON_STR("aio", "native"));
        break;
    case DOMAIN_DISK_IO_THREADS:
        json_add(props, JSON_STR("aio", "threads"));
        break;
    case DOMAIN_DISK_IO_IO_URING:
        json_add(props, JSON_STR("aio", "io_uring"));
        break;
    default:
        break;
    }
    return props;
}

/* What is particular to the kind of storage. NULL with an error. */
static json_object *storage_properties(const DomainDisk *disk, const StorageSource *source)
{
    switch (source->type) {
    case DOMAIN_DISK_TYPE_FILE:
        return file_storage(disk, "file", source->file);
    case DOMAIN_DISK_TYPE_BLOCK:
        return file_storage(disk, disk->device == DOMAIN_DISK_DEVICE_CDROM ? "host_cdrom" : "host_device", source->dev);
    case DOMAIN_DISK_TYPE_DIR:
        return json_make(JSON_STR("driver", "vvfat"), JSON_STR("dir", source->dir),
                         JSON_BOOL("floppy", disk->device == DOMAIN_DISK_DEVICE_FLOPPY), JSON_BOOL("rw", !disk->readonly));
    case DOMAIN_DISK_TYPE_NETWORK:
        return network_storage(source);
    default:
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': images of type '%s' are not supported yet",
                         disk->target.dev, domain_disk_type_to_string(source->type));
    }
}

/* Zeros can be unmapped only where unmapping is allowed. */
static const char *detect_zeroes(const DomainDisk *disk)
{
    DomainDiskDetectZeroes mode = disk->driver.detect_zeroes;

    if (mode == DOMAIN_DISK_DETECT_ZEROES_UNMAP && disk->driver.discard != DOMAIN_DISK_DISCARD_UNMAP)
        mode = DOMAIN_DISK_DETECT_ZEROES_ON;
    return mode > DOMAIN_DISK_DETECT_ZEROES_DEFAULT ? domain_disk_detect_zeroes_to_string(mode) : NULL;
}

static const char *format_driver(StorageFormat format)
{
    switch (format) {
    case STORAGE_FORMAT_UNSET:
    case STORAGE_FORMAT_NONE:
    case STORAGE_FORMAT_RAW:
    case STORAGE_FORMAT_ISO:
    case STORAGE_FORMAT_DIR:
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

json_object *qemu_block_storage(const DomainDisk *disk, const StorageSource *source)
{
    CacheMode cache = cache_mode(disk);
    g_autofree char *node = qemu_node_storage(source);
    json_object *props;

    if (source->encryption || disk->encryption)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': encrypted images are not supported yet", disk->target.dev);
    if (source->n_slices || source->reservations || source->fdgroup)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': slices, reservations and passed descriptors are not supported"
                         " yet", disk->target.dev);
    props = storage_properties(disk, source);
    if (!props)
        return NULL;
    json_add(props, JSON_STR("node-name", node));
    add_cache(props, &cache);
    json_add(props, JSON_BOOL("auto-read-only", true), JSON_STR("discard", "unmap"));
    return props;
}

json_object *qemu_block_format(const DomainDisk *disk, const StorageSource *source, StorageFormat format,
                               gboolean readonly, gboolean backing_known, const StorageSource *backing)
{
    CacheMode cache = cache_mode(disk);
    const char *driver = format_driver(format);
    g_autofree char *node = qemu_node_format(source), *storage = qemu_node_storage(source);
    g_autofree char *below = backing ? qemu_node_format(backing) : NULL;
    json_object *props;

    if (!driver)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': images of format '%s' are not supported", disk->target.dev,
                         storage_format_to_string(format));
    props = json_make(JSON_STR("node-name", node), JSON_BOOL("read-only", readonly));
    if (disk->driver.discard == DOMAIN_DISK_DISCARD_UNMAP || disk->driver.discard == DOMAIN_DISK_DISCARD_IGNORE)
        json_add(props, JSON_STR("discard", domain_disk_discard_to_string(disk->driver.discard)));
    if (detect_zeroes(disk))
        json_add(props, JSON_STR("detect-zeroes", detect_zeroes(disk)));
    add_cache(props, &cache);
    json_add(props, JSON_STR("driver", driver));
    if (disk->driver.metadata_cache.max_size && format == STORAGE_FORMAT_QCOW2)
        qemu_add_uint(props, "cache-size", disk->driver.metadata_cache.max_size);
    json_add(props, JSON_STR("file", storage));
    if (below)
        json_add(props, JSON_STR("backing", below));
    else if (backing_known && g_str_equal(driver, "qcow2"))
        json_object_object_add(props, "backing", NULL);
    return props;
}

/* Nodes of one image. @below: the image it stands on, NULL for none; @known: the definition says so. */
static int image_nodes(QemuCommand *cmd, const DomainDisk *disk, const StorageSource *source, StorageFormat format,
                       gboolean readonly, gboolean known, const StorageSource *below)
{
    json_object *storage = qemu_block_storage(disk, source), *layer;

    if (!storage)
        return -1;
    qemu_arg_json(cmd, "-blockdev", storage);
    layer = qemu_block_format(disk, source, format, readonly, known, below);
    if (!layer)
        return -1;
    qemu_arg_json(cmd, "-blockdev", layer);
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

gboolean qemu_disk_has_media(const DomainDisk *disk)
{
    const StorageSource *source = &disk->source;

    return source->file || source->dev || source->dir || source->volume ||
        (source->type == DOMAIN_DISK_TYPE_NETWORK && source->protocol);
}

int qemu_command_images(QemuCommand *cmd, const DomainDisk *disk)
{
    const DomainBackingStore *below = disk->backing_store;
    gboolean there = below && below->source.type != DOMAIN_DISK_TYPE_UNSET;
    gboolean readonly = disk->readonly || disk->device == DOMAIN_DISK_DEVICE_CDROM;

    if (disk->has_transient || disk->mirror)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': transient and mirrored disks can't be started yet",
                    disk->target.dev);
    if (disk->driver.copy_on_read == TRISTATE_ON)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': copy on read is not supported yet", disk->target.dev);
    if (there && backing_nodes(cmd, disk, below, 1) < 0)
        return -1;
    return image_nodes(cmd, disk, &disk->source, disk->driver.type, readonly, below != NULL, there ? &below->source : NULL);
}

/* The device's type; the caller frees. NULL with an error. */
static char *disk_driver(const DomainDisk *disk)
{
    gboolean cdrom = disk->device == DOMAIN_DISK_DEVICE_CDROM;

    switch (disk->target.bus) {
    case DOMAIN_DISK_BUS_IDE:
    case DOMAIN_DISK_BUS_SATA:
        return g_strdup(cdrom ? "ide-cd" : "ide-hd");
    case DOMAIN_DISK_BUS_SCSI:
        return g_strdup(disk->device == DOMAIN_DISK_DEVICE_LUN ? "scsi-block" : cdrom ? "scsi-cd" : "scsi-hd");
    case DOMAIN_DISK_BUS_VIRTIO:
        return qemu_virtio_type(&disk->info, "virtio-blk", domain_disk_model_to_string(disk->model));
    case DOMAIN_DISK_BUS_USB:
        return g_strdup(disk->model == DOMAIN_DISK_MODEL_USB_BOT ? "usb-bot" : "usb-storage");
    case DOMAIN_DISK_BUS_FDC:
        return g_strdup("floppy");
    default:
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': bus '%s' is not supported", disk->target.dev,
                         domain_disk_bus_to_string(disk->target.bus));
    }
}

static int add_scsi_place(QemuCommand *cmd, json_object *props, const DomainDisk *disk, const DriveAddress *drive)
{
    const DomainController *c = qemu_find_controller(cmd->def, DOMAIN_CONTROLLER_TYPE_SCSI, drive->controller);
    g_autofree char *bus = NULL, *id = NULL;
    gboolean lsi;

    if (!c)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "disk '%s' is on SCSI controller %u, which doesn't exist", disk->target.dev,
                    drive->controller);
    lsi = g_strcmp0(c->model, "lsilogic") == 0;
    bus = g_strdup_printf("%s.%u", c->info.alias, lsi ? drive->bus : 0);
    json_add(props, JSON_STR("bus", bus));
    if (lsi)
        json_add(props, JSON_UINT("scsi-id", drive->unit));
    else
        json_add(props, JSON_UINT("channel", drive->bus), JSON_UINT("scsi-id", drive->target), JSON_UINT("lun", drive->unit));
    if (disk->device != DOMAIN_DISK_DEVICE_LUN) {
        id = g_strdup_printf("drive-scsi%u-%u-%u-%u", drive->controller, drive->bus, drive->target, drive->unit);
        json_add(props, JSON_STR("device_id", id));
    }
    return 0;
}

static int add_place(QemuCommand *cmd, json_object *props, const DomainDisk *disk)
{
    const DomainAddress *address = disk->info.address;
    const DriveAddress *drive = &address->drive;
    const DomainController *c;
    g_autofree char *bus = NULL;

    if (!address || address->type != DOMAIN_ADDRESS_TYPE_DRIVE)
        return qemu_add_address(cmd, props, &disk->info);
    switch (disk->target.bus) {
    case DOMAIN_DISK_BUS_IDE:
        bus = g_strdup_printf("ide.%u", drive->bus);
        json_add(props, JSON_STR("bus", bus), JSON_UINT("unit", drive->unit));
        return 0;
    case DOMAIN_DISK_BUS_SATA:
        c = qemu_find_controller(cmd->def, DOMAIN_CONTROLLER_TYPE_SATA, drive->controller);
        if (!c)
            return FAIL(VIR_ERR_INTERNAL_ERROR, "disk '%s' is on SATA controller %u, which doesn't exist", disk->target.dev,
                        drive->controller);
        bus = g_strdup_printf("%s.%u", c->info.alias, drive->unit);
        json_add(props, JSON_STR("bus", bus));
        return 0;
    case DOMAIN_DISK_BUS_FDC:
        json_add(props, JSON_UINT("unit", drive->unit));
        return 0;
    default:
        return add_scsi_place(cmd, props, disk, drive);
    }
}

static void add_block_sizes(json_object *props, const DomainDisk *disk)
{
    if (disk->geometry) {
        json_add(props, JSON_UINT("cyls", disk->geometry->cyls), JSON_UINT("heads", disk->geometry->heads),
                 JSON_UINT("secs", disk->geometry->secs));
        if (disk->geometry->trans)
            json_add(props, JSON_STR("bios-chs-trans", domain_disk_geometry_trans_to_string(disk->geometry->trans)));
    }
    if (disk->blockio && disk->blockio->logical_block_size)
        qemu_add_uint(props, "logical_block_size", disk->blockio->logical_block_size);
    if (disk->blockio && disk->blockio->physical_block_size)
        qemu_add_uint(props, "physical_block_size", disk->blockio->physical_block_size);
    if (disk->blockio && disk->blockio->has_discard_granularity)
        qemu_add_uint(props, "discard_granularity", disk->blockio->discard_granularity);
}

static void add_virtio_speed(json_object *props, const DomainDisk *disk)
{
    if (disk->driver.iothread) {
        g_autofree char *thread = g_strdup_printf("iothread%u", disk->driver.iothread);

        json_add(props, JSON_STR("iothread", thread));
    }
    qemu_add_switch(props, "ioeventfd", disk->driver.ioeventfd);
    qemu_add_switch(props, "event_idx", disk->driver.event_idx);
    if (disk->driver.queues)
        qemu_add_uint(props, "num-queues", disk->driver.queues);
    if (disk->driver.queue_size)
        qemu_add_uint(props, "queue-size", disk->driver.queue_size);
}

static int add_identity(const QemuCommand *cmd, json_object *props, const DomainDisk *disk, const char *what)
{
    guint64 wwn;

    if (disk->target.rotation_rate) {
        if (disk->target.bus == DOMAIN_DISK_BUS_VIRTIO)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: virtio disks have no rotation rate", what);
        qemu_add_uint(props, "rotation_rate", disk->target.rotation_rate);
    }
    if (disk->wwn) {
        if (!g_ascii_string_to_unsigned(disk->wwn, 16, 0, G_MAXUINT64, &wwn, NULL))
            return FAIL(VIR_ERR_XML_ERROR, "%s: WWN '%s' is not a hexadecimal number", what, disk->wwn);
        qemu_add_uint(props, "wwn", wwn);
    }
    json_add(props, JSON_STR("vendor", disk->vendor), JSON_STR("product", disk->product));
    return 0;
}

static const char *error_policy(DomainDiskErrorPolicy policy)
{
    switch (policy) {
    case DOMAIN_DISK_ERROR_POLICY_STOP:
        return "stop";
    case DOMAIN_DISK_ERROR_POLICY_REPORT:
        return "report";
    case DOMAIN_DISK_ERROR_POLICY_IGNORE:
        return "ignore";
    case DOMAIN_DISK_ERROR_POLICY_ENOSPACE:
        return "enospc";
    default:
        return NULL;
    }
}

static void add_error_policy(json_object *props, const DomainDisk *disk)
{
    const char *werror = error_policy(disk->driver.error_policy), *rerror = error_policy(disk->driver.rerror_policy);

    /* There is no "out of space" when reading. */
    if (!rerror && werror && !g_str_equal(werror, "enospc"))
        rerror = werror;
    json_add(props, JSON_STR("werror", werror), JSON_STR("rerror", rerror));
}

static guint disk_boot_index(QemuCommand *cmd, const DomainDisk *disk)
{
    DomainBootDev dev = disk->device == DOMAIN_DISK_DEVICE_CDROM ? DOMAIN_BOOT_DEV_CDROM : DOMAIN_BOOT_DEV_HD;

    return qemu_boot_index(cmd, dev, &disk->info);
}

/* Properties of the device in their order. -1 with an error. */
static int disk_properties(QemuCommand *cmd, json_object *props, const DomainDisk *disk, const char *driver, const char *what)
{
    CacheMode cache = cache_mode(disk);
    g_autofree char *node = qemu_node_format(&disk->source);
    gboolean media = qemu_disk_has_media(disk);

    if (disk->target.bus == DOMAIN_DISK_BUS_VIRTIO)
        add_virtio_speed(props, disk);
    if (disk->target.bus == DOMAIN_DISK_BUS_VIRTIO && qemu_add_virtio(cmd, props, driver, &disk->driver.virtio, what) < 0)
        return -1;
    if (add_place(cmd, props, disk) < 0)
        return -1;
    if (disk->shareable)
        json_add(props, JSON_BOOL("share-rw", true));
    if (media)
        json_add(props, JSON_STR("drive", node));
    json_add(props, JSON_STR("id", disk->info.alias));
    if (disk->device != DOMAIN_DISK_DEVICE_FLOPPY)
        qemu_add_boot_index(props, disk_boot_index(cmd, disk));
    add_block_sizes(props, disk);
    if (add_identity(cmd, props, disk, what) < 0)
        return -1;
    if (disk->target.removable)
        qemu_add_switch(props, "removable", disk->target.removable);
    if (cache.given && media && qemu_caps_has_prop(cmd->caps, driver, "write-cache"))
        json_add(props, JSON_STR("write-cache", cache.write_cache ? "on" : "off"));
    json_add(props, JSON_STR("serial", disk->serial));
    add_error_policy(props, disk);
    return 0;
}

static int disk_device(QemuCommand *cmd, const DomainDisk *disk)
{
    g_autofree char *what = g_strdup_printf("disk '%s'", disk->target.dev);
    g_autofree char *driver = disk_driver(disk);
    json_object *props;

    if (!driver || qemu_require_type(cmd, driver, what) < 0)
        return -1;
    props = json_make(JSON_STR("driver", driver));
    if (disk_properties(cmd, props, disk, driver, what) < 0) {
        json_object_put(props);
        return -1;
    }
    qemu_arg_json(cmd, "-device", props);
    return 0;
}

static int check_disk(QemuCommand *cmd, const DomainDisk *disk)
{
    if (disk->driver.name && !g_str_equal(disk->driver.name, "qemu"))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': driver '%s' is not QEMU's", disk->target.dev, disk->driver.name);
    if (disk->driver.io == DOMAIN_DISK_IO_IO_URING && !qemu_caps_has_flag(cmd->caps, "aio.io_uring"))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': '%s' was built without io_uring", disk->target.dev, cmd->caps->binary);
    if (disk->driver.io == DOMAIN_DISK_IO_NATIVE && !cache_mode(disk).direct)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': io='native' needs cache='none' or cache='directsync'", disk->target.dev);
    if (!qemu_disk_has_media(disk) && disk->device != DOMAIN_DISK_DEVICE_CDROM && disk->device != DOMAIN_DISK_DEVICE_FLOPPY)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s' has no source, and only CD-ROM and floppy drives can be empty",
                    disk->target.dev);
    return 0;
}

/* The controller, not the drive, knows the boot order of floppies. */
static void floppy_boot(QemuCommand *cmd)
{
    const DomainDevices *d = &cmd->def->devices;

    for (guint i = 0; i < d->n_disks; i++) {
        const DomainDeviceInfo *info = &d->disks[i]->info;
        guint boot = 0;

        if (d->disks[i]->device == DOMAIN_DISK_DEVICE_FLOPPY)
            boot = qemu_boot_index(cmd, DOMAIN_BOOT_DEV_FD, info);
        if (boot)
            qemu_arg_f(cmd, "-global", "isa-fdc.bootindex%c=%u", info->address && info->address->drive.unit ? 'B' : 'A', boot);
    }
}

int qemu_command_disks(QemuCommand *cmd)
{
    const DomainDevices *d = &cmd->def->devices;

    floppy_boot(cmd);
    for (guint i = 0; i < d->n_disks; i++) {
        const DomainDisk *disk = d->disks[i];

        if (check_disk(cmd, disk) < 0)
            return -1;
        if (qemu_disk_has_media(disk) && qemu_command_images(cmd, disk) < 0)
            return -1;
        if (disk_device(cmd, disk) < 0)
            return -1;
    }
    return 0;
}
