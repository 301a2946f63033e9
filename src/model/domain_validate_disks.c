/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules about disks.
 */
#include "model/domain_private.h"
#include "model/storage.h"

#define UNSUPPORTED VIR_ERR_CONFIG_UNSUPPORTED

/* ---- where the data is ---- */

static const char *missing_source(const StorageSource *source)
{
    switch (source->type) {
    case DOMAIN_DISK_TYPE_FILE:
        return source->file ? NULL : "source file";
    case DOMAIN_DISK_TYPE_BLOCK:
        return source->dev ? NULL : "source dev";
    case DOMAIN_DISK_TYPE_DIR:
        return source->dir ? NULL : "source dir";
    case DOMAIN_DISK_TYPE_NETWORK:
        return source->protocol ? NULL : "source protocol";
    case DOMAIN_DISK_TYPE_VOLUME:
        return source->pool && source->volume ? NULL : "source pool and volume";
    case DOMAIN_DISK_TYPE_NVME:
        return source->nvme_address && source->namespace && source->source_type ? NULL : "source type, address and namespace";
    case DOMAIN_DISK_TYPE_VHOSTUSER:
        return source->path ? NULL : "source path";
    default:
        return NULL;
    }
}

static void check_hosts(const StorageSource *source, const DomainPlace *at)
{
    for (guint i = 0; i < source->n_hosts; i++) {
        const StorageHost *host = source->hosts[i];
        bool local = host->transport == STORAGE_TRANSPORT_UNIX;
        REFUSE_IF(local && !host->socket, at, VIR_ERR_XML_ERROR, "a host with transport='unix' needs a socket");
        REFUSE_IF(!local && host->socket, at, VIR_ERR_XML_ERROR, "a host with a socket needs transport='unix'");
        REFUSE_IF(!local && !host->name, at, VIR_ERR_XML_ERROR, "a host needs a name");
    }
}

/* What RFC 6265 leaves to the name of a cookie. */
static bool is_cookie_name(const char *name)
{
    return *name && name[strcspn(name, "()<>@,;:\\\"/[]?={} \t")] == '\0';
}

/* And to its value, which may stand in quotes. */
static bool is_cookie_value(const char *value)
{
    size_t len = strlen(value);
    bool quoted = len >= 2 && value[0] == '"' && value[len - 1] == '"';

    for (size_t i = quoted; i < len - quoted; i++) {
        if (!g_ascii_isgraph(value[i]) || strchr("\",;\\", value[i]))
            return false;
    }
    return true;
}

static void check_network(const StorageSource *source, const DomainPlace *at)
{
    bool named = source->name && *source->name;

    if (source->type != DOMAIN_DISK_TYPE_NETWORK || !source->protocol)
        return;
    REFUSE_IF(!named && source->protocol != STORAGE_PROTOCOL_NBD, at, VIR_ERR_XML_ERROR, "missing name of the source");
    REFUSE_IF(named && (source->protocol == STORAGE_PROTOCOL_RBD || source->protocol == STORAGE_PROTOCOL_GLUSTER) &&
              !strchr(source->name, '/'), at, VIR_ERR_XML_ERROR,
              "source name '%s' must name the pool and the image, as POOL/IMAGE", source->name);
    check_hosts(source, at);
    for (guint i = 0; i < source->n_cookies; i++) {
        const char *name = source->cookies[i]->name;
        REFUSE_IF(name && !is_cookie_name(name), at, VIR_ERR_XML_ERROR, "'%s' can't be the name of a cookie", name);
        REFUSE_IF(source->cookies[i]->value && !is_cookie_value(source->cookies[i]->value), at, VIR_ERR_XML_ERROR,
                  "the value of the cookie '%s' has characters that HTTP forbids", name ? name : "");
    }
}

static void check_labels(const StorageSource *source, const DomainPlace *at)
{
    for (guint i = 0; i < source->n_seclabels; i++) {
        const DeviceSeclabel *label = source->seclabels[i];
        REFUSE_IF(label->relabel == TRISTATE_NO && label->label, at, VIR_ERR_XML_ERROR, "there can't be a label with relabel='no'");
        for (guint j = 0; j < i; j++)
            REFUSE_IF(g_strcmp0(label->model, source->seclabels[j]->model) == 0, at, VIR_ERR_XML_DETAIL,
                      "there are two labels of model '%s'", label->model ? label->model : "");
    }
}

/* Formats that are names only: no QEMU reads an image as one. */
static void check_format(StorageFormat format, int code, const DomainPlace *at)
{
    REFUSE_IF(format == STORAGE_FORMAT_NONE, at, code, "an image of format 'none' is none");
    REFUSE_IF(format == STORAGE_FORMAT_ISO, at, UNSUPPORTED, "QEMU has no format 'iso'; use 'raw'");
    REFUSE_IF(format == STORAGE_FORMAT_DIR, at, UNSUPPORTED, "QEMU has no format 'dir'; use a disk of type 'dir'");
    REFUSE_IF(format == STORAGE_FORMAT_COW, at, UNSUPPORTED, "QEMU has no format 'cow' any more");
}

static void check_formats(const DomainDisk *disk, const DomainPlace *at)
{
    check_format(disk->driver.type, UNSUPPORTED, at);
    for (const DomainBackingStore *image = disk->backing_store; image && image->source.type; image = image->backing_store) {
        bool dir = image->source.type == DOMAIN_DISK_TYPE_DIR, fat = image->format == STORAGE_FORMAT_FAT;

        check_format(image->format, VIR_ERR_XML_ERROR, at);
        REFUSE_IF(dir != fat && image->format != STORAGE_FORMAT_DIR, at, UNSUPPORTED, "a folder, and nothing else, is an image of format 'fat'");
    }
}

static bool is_foreign(const SecretRef *secret)
{
    return secret->type == STORAGE_AUTH_SECRET_TYPE_VTPM || secret->type == STORAGE_AUTH_SECRET_TYPE_TLS ||
        secret->type == STORAGE_AUTH_SECRET_TYPE_VOLUME;
}

static void check_encryption(const StorageEncryption *encryption, const DomainPlace *at)
{
    if (!encryption)
        return;
    bool by_qemu = encryption->engine != STORAGE_ENCRYPTION_ENGINE_LIBRBD;
    REFUSE_IF(encryption->format == STORAGE_ENCRYPTION_FORMAT_DEFAULT || encryption->format == STORAGE_ENCRYPTION_FORMAT_QCOW, at,
              UNSUPPORTED, "the old encryption of qcow images can't be used; format='luks' can");
    for (guint i = 0; i < encryption->n_secrets; i++)
        REFUSE_IF(is_foreign(encryption->secrets[i]), at, UNSUPPORTED, "the secret of an encryption is a 'passphrase'");
    REFUSE_IF(encryption->cipher, at, UNSUPPORTED, "the cipher stands in the image; <cipher> is for new volumes");
    REFUSE_IF(by_qemu && (encryption->format == STORAGE_ENCRYPTION_FORMAT_LUKS2 || encryption->format == STORAGE_ENCRYPTION_FORMAT_LUKS_ANY),
              at, UNSUPPORTED, "format '%s' needs engine='librbd'", storage_encryption_format_to_string(encryption->format));
}

static void check_auth(const StorageAuth *auth, const DomainPlace *at)
{
    REFUSE_IF(auth && is_foreign(&auth->secret), at, UNSUPPORTED, "the secret of a storage server's user is of type 'iscsi' or 'ceph'");
}

static void check_image(const StorageSource *source, const DomainPlace *at)
{
    check_network(source, at);
    check_labels(source, at);
    check_encryption(source->encryption, at);
    check_auth(source->auth, at);
    for (guint i = 0; i < source->n_slices; i++)
        REFUSE_IF(!source->slices[i]->size, at, VIR_ERR_XML_ERROR, "a slice needs offset and size");
}

static void check_chain(const DomainDisk *disk, const DomainPlace *at)
{
    for (const DomainBackingStore *image = disk->backing_store; image && image->source.type; image = image->backing_store) {
        REFUSE_IF(!image->format, at, VIR_ERR_XML_ERROR, "an image in <backingStore> needs its <format>");
        REFUSE_IF(missing_source(&image->source), at, VIR_ERR_XML_ERROR, "<backingStore> lacks its %s", missing_source(&image->source));
        check_image(&image->source, at);
    }
}

static void check_source(const DomainDisk *disk, const DomainPlace *at)
{
    const StorageSource *source = &disk->source;
    const char *missing = missing_source(source), *name = disk->target.dev;
    bool simple = source->type == DOMAIN_DISK_TYPE_FILE || source->type == DOMAIN_DISK_TYPE_BLOCK || source->type == DOMAIN_DISK_TYPE_DIR;

    REFUSE_IF(missing && simple && !domain_disk_is_drive(disk), at, VIR_ERR_NO_SOURCE, "%s: missing %s", name, missing);
    REFUSE_IF(missing && !simple && !(domain_disk_is_drive(disk) && source->type != DOMAIN_DISK_TYPE_NETWORK), at,
              source->nvme_address && !source->namespace ? UNSUPPORTED : VIR_ERR_XML_ERROR, "%s: missing %s", name, missing);
    REFUSE_IF(source->startup_policy == STARTUP_POLICY_REQUISITE && !domain_disk_is_drive(disk), at, VIR_ERR_XML_ERROR,
              "%s: startupPolicy='requisite' is for CD-ROM and floppy drives", name);
    REFUSE_IF(source->startup_policy && source->type == DOMAIN_DISK_TYPE_NETWORK, at, VIR_ERR_XML_ERROR,
              "%s: startupPolicy isn't possible for a disk of type 'network'", name);
    REFUSE_IF(source->type == DOMAIN_DISK_TYPE_DIR && source->dir && !disk->readonly, at, UNSUPPORTED,
              "%s: a folder shown as a disk can't be written: <readonly/> is missing", name);
    check_image(source, at);
    check_chain(disk, at);
    check_encryption(disk->encryption, at);
    check_auth(disk->auth, at);
}

static void check_vhostuser(const DomainDef *def, const DomainDisk *disk, const DomainPlace *at)
{
    const char *name = disk->target.dev;

    if (disk->source.type != DOMAIN_DISK_TYPE_VHOSTUSER)
        return;
    REFUSE_IF(g_strcmp0(disk->source.source_type, "unix"), at, VIR_ERR_XML_ERROR, "%s: the source of a disk of type 'vhostuser' needs "
              "type='unix'", name);
    REFUSE_IF(!domain_memory_is_shared(def), at, UNSUPPORTED, "%s: a disk of type 'vhostuser' needs shared memory: put <memoryBacking><source "
              "type='memfd'/><access mode='shared'/></memoryBacking> beside <memory>", name);
    REFUSE_IF(disk->target.bus != DOMAIN_DISK_BUS_VIRTIO, at, UNSUPPORTED, "%s: a disk of type 'vhostuser' needs bus='virtio'", name);
    REFUSE_IF(disk->driver.cache, at, UNSUPPORTED, "%s: the process behind a disk of type 'vhostuser' caches, not QEMU: cache='%s' isn't "
              "possible", name, domain_disk_cache_to_string(disk->driver.cache));
}

/* ---- what the guest sees ---- */

static void check_kind(const DomainDef *def, const DomainDisk *disk, const DomainPlace *at)
{
    DomainMachineInfo machine;
    const char *name = disk->target.dev;
    DomainDiskBus bus = disk->target.bus;
    bool floppy = disk->device == DOMAIN_DISK_DEVICE_FLOPPY;

    REFUSE_IF(floppy && bus != DOMAIN_DISK_BUS_FDC, at, VIR_ERR_INTERNAL_ERROR, "%s: bus '%s' is not possible for a floppy drive", name,
              domain_disk_bus_to_string(bus));
    REFUSE_IF(!floppy && bus == DOMAIN_DISK_BUS_FDC, at, VIR_ERR_INTERNAL_ERROR, "%s: bus 'fdc' is for floppy drives only", name);
    domain_machine_info(def->os.arch, def->os.machine, &machine);
    REFUSE_IF(bus == DOMAIN_DISK_BUS_IDE && domain_is_qemu(def) && (machine.has_sata || !domain_is_x86(def)), at, UNSUPPORTED,
              "%s: machine '%s' has no IDE controller; use bus='sata' or 'virtio'", name, def->os.machine);
    REFUSE_IF(disk->device == DOMAIN_DISK_DEVICE_CDROM && bus == DOMAIN_DISK_BUS_VIRTIO, at, UNSUPPORTED,
              "%s: bus 'virtio' is not possible for a CD-ROM drive; use 'scsi' or 'sata'", name);
    REFUSE_IF(disk->target.removable && bus != DOMAIN_DISK_BUS_USB, at, VIR_ERR_XML_ERROR, "%s: removable is only valid for USB disks", name);
    REFUSE_IF(disk->target.tray && !domain_disk_is_drive(disk), at, UNSUPPORTED, "%s: only CD-ROM and floppy drives have a tray", name);
    REFUSE_IF(disk->model && disk->model <= DOMAIN_DISK_MODEL_VIRTIO_NON_TRANSITIONAL && bus != DOMAIN_DISK_BUS_VIRTIO, at, UNSUPPORTED,
              "%s: model '%s' is for bus 'virtio'", name, domain_disk_model_to_string(disk->model));
}

static void check_lun(const DomainDisk *disk, const DomainPlace *at)
{
    const char *name = disk->target.dev;
    DomainDiskType type = disk->source.type;
    bool remote = type == DOMAIN_DISK_TYPE_NETWORK && disk->source.protocol == STORAGE_PROTOCOL_ISCSI;

    if (disk->device != DOMAIN_DISK_DEVICE_LUN) {
        REFUSE_IF(disk->source.reservations, at, UNSUPPORTED, "%s: <reservations> are for device='lun'", name);
        REFUSE_IF(disk->rawio || disk->sgio, at, UNSUPPORTED, "%s: rawio and sgio are for device='lun'", name);
        return;
    }
    REFUSE_IF(disk->sgio == DOMAIN_DISK_SGIO_UNFILTERED, at, UNSUPPORTED, "%s: kernels don't offer unfiltered SCSI commands any more", name);
    REFUSE_IF(type != DOMAIN_DISK_TYPE_BLOCK && type != DOMAIN_DISK_TYPE_VOLUME && !remote, at, UNSUPPORTED,
              "%s: device='lun' needs a block device or an iSCSI unit as source", name);
    REFUSE_IF(disk->target.bus != DOMAIN_DISK_BUS_SCSI && disk->target.bus != DOMAIN_DISK_BUS_VIRTIO, at, UNSUPPORTED,
              "%s: device='lun' is not possible on bus '%s'; use 'scsi'", name, domain_disk_bus_to_string(disk->target.bus));
    REFUSE_IF(disk->driver.type && disk->driver.type != STORAGE_FORMAT_RAW, at, UNSUPPORTED, "%s: device='lun' needs format 'raw'", name);
    REFUSE_IF(disk->target.bus == DOMAIN_DISK_BUS_SCSI && (disk->serial || disk->wwn || disk->vendor || disk->product ||
                                                          disk->target.rotation_rate), at, UNSUPPORTED,
              "%s: device='lun' tells its own serial, wwn, vendor, product and rotation rate", name);
}

static bool is_printable(const char *text)
{
    for (; *text; text++) {
        if (!g_ascii_isprint(*text))
            return false;
    }
    return true;
}

/* Characters that QEMU's options and guests' udev rules take. */
static bool is_serial(const char *text)
{
    for (; *text; text++) {
        if (!g_ascii_isalnum(*text) && !strchr(" _-.+:/", *text))
            return false;
    }
    return true;
}

static void check_identity(const DomainDisk *disk, const DomainPlace *at)
{
    const char *name = disk->target.dev;
    DomainDiskBus bus = disk->target.bus;
    bool names = disk->vendor || disk->product;

    REFUSE_IF(disk->wwn && !wwn_is_valid(disk->wwn), at, VIR_ERR_INTERNAL_ERROR,
              "%s: wwn '%s' is not a number of %d hexadecimal digits", name, disk->wwn, WWN_DIGITS);
    REFUSE_IF(disk->wwn && bus != DOMAIN_DISK_BUS_IDE && bus != DOMAIN_DISK_BUS_SCSI, at, UNSUPPORTED,
              "%s: only disks on bus 'ide' or 'scsi' have a wwn", name);
    REFUSE_IF(names && bus != DOMAIN_DISK_BUS_SCSI, at, UNSUPPORTED, "%s: only disks on bus 'scsi' have vendor and product", name);
    REFUSE_IF((disk->vendor && !is_printable(disk->vendor)) || (disk->product && !is_printable(disk->product)), at, VIR_ERR_XML_ERROR,
              "%s: vendor and product must be printable ASCII", name);
    REFUSE_IF(disk->serial && !is_serial(disk->serial), at, VIR_ERR_INTERNAL_ERROR,
              "%s: serial '%s' may hold letters, digits, blanks and _-.+:/ only", name, disk->serial);
    REFUSE_IF(disk->target.rotation_rate && bus != DOMAIN_DISK_BUS_SCSI && bus != DOMAIN_DISK_BUS_IDE && bus != DOMAIN_DISK_BUS_SATA, at,
              VIR_ERR_INTERNAL_ERROR, "%s: only disks on bus 'scsi', 'ide' or 'sata' have a rotation rate", name);
    REFUSE_IF(disk->geometry && disk->geometry->trans && bus != DOMAIN_DISK_BUS_IDE, at, UNSUPPORTED,
              "%s: a translation of the geometry is for bus 'ide'", name);
}

/* ---- how it is driven ---- */

static bool has_iothread(const DomainDef *def, guint id)
{
    for (guint i = 0; i < def->n_iothreadids; i++) {
        if (def->iothreadids[i]->id == id)
            return true;
    }
    return def->n_iothreadids == 0 && id <= def->iothreads;
}

static void check_iothread(const DomainDef *def, const DomainDisk *disk, const DomainPlace *at)
{
    guint id = disk->driver.iothread;

    if (!id)
        return;
    REFUSE_IF(!def->iothreads && !def->n_iothreadids, at, UNSUPPORTED, "%s: the domain has no I/O threads", disk->target.dev);
    REFUSE_IF((def->iothreads || def->n_iothreadids) && !has_iothread(def, id), at, UNSUPPORTED, "%s: the domain has no I/O thread %u",
              disk->target.dev, id);
    REFUSE_IF(disk->target.bus != DOMAIN_DISK_BUS_VIRTIO && disk->target.bus != DOMAIN_DISK_BUS_SCSI, at, UNSUPPORTED,
              "%s: I/O threads are not possible for bus '%s'", disk->target.dev, domain_disk_bus_to_string(disk->target.bus));
}

static void check_driver(const DomainDef *def, const DomainDisk *disk, const DomainPlace *at)
{
    const DomainDiskDriver *driver = &disk->driver;
    const char *name = disk->target.dev;
    bool virtio = disk->target.bus == DOMAIN_DISK_BUS_VIRTIO;
    bool cached = driver->cache && driver->cache != DOMAIN_DISK_CACHE_NONE && driver->cache != DOMAIN_DISK_CACHE_DIRECTSYNC;

    REFUSE_IF(domain_is_qemu(def) && driver->name && strcmp(driver->name, "qemu"), at, UNSUPPORTED, "%s: driver '%s' is not QEMU's", name,
              driver->name);
    REFUSE_IF(!virtio && (driver->queues || driver->queue_size), at, UNSUPPORTED, "%s: queues are for bus 'virtio'", name);
    REFUSE_IF(!virtio && (driver->ioeventfd || driver->event_idx), at, UNSUPPORTED, "%s: ioeventfd and event_idx are for bus 'virtio'", name);
    REFUSE_IF(!virtio && (driver->virtio.iommu || driver->virtio.ats || driver->virtio.packed || driver->virtio.page_per_vq), at,
              UNSUPPORTED, "%s: iommu, ats, packed and page_per_vq are for bus 'virtio'", name);
    REFUSE_IF(driver->rerror_policy == DOMAIN_DISK_ERROR_POLICY_ENOSPACE, at, UNSUPPORTED, "%s: reading can't fail for want of space: "
              "rerror_policy is stop, report or ignore", name);
    REFUSE_IF(driver->copy_on_read == TRISTATE_ON && disk->readonly, at, UNSUPPORTED, "%s: copy_on_read writes; the disk is readonly", name);
    REFUSE_IF(driver->io == DOMAIN_DISK_IO_NATIVE && cached, at, UNSUPPORTED, "%s: io='native' needs cache='none' or cache='directsync'", name);
    REFUSE_IF(driver->metadata_cache.max_size && driver->type != STORAGE_FORMAT_QCOW2, at, UNSUPPORTED,
              "%s: a metadata cache is for images of format 'qcow2'", name);
    REFUSE_IF(disk->has_transient && disk->readonly, at, UNSUPPORTED, "%s: a disk can't be both readonly and transient", name);
    REFUSE_IF(disk->has_transient && disk->source.type != DOMAIN_DISK_TYPE_FILE, at, UNSUPPORTED, "%s: only disks of type 'file' can be "
              "transient", name);
    REFUSE_IF(disk->shareable && driver->type && driver->type != STORAGE_FORMAT_RAW, at, UNSUPPORTED,
              "%s: only images of format 'raw' can be shared by guests that write", name);
    if (domain_is_qemu(def))
        check_formats(disk, at);
    check_iothread(def, disk, at);
}

#define LIMITS(suffix) { offsetof(DomainDiskIotune, total_##suffix), offsetof(DomainDiskIotune, read_##suffix), \
                         offsetof(DomainDiskIotune, write_##suffix), #suffix }

static guint64 limit_at(const DomainDiskIotune *tune, size_t offset)
{
    return *(const guint64 *)((const char *)tune + offset);
}

void domain_validate_limits(const DomainDiskIotune *tune, const char *what, const DomainPlace *at)
{
    static const struct {
        size_t total, read, write;
        const char *what;
    } limits[] = { LIMITS(bytes_sec), LIMITS(iops_sec), LIMITS(bytes_sec_max), LIMITS(iops_sec_max) };

    for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
        guint64 total = limit_at(tune, limits[i].total), read = limit_at(tune, limits[i].read), write = limit_at(tune, limits[i].write);
        REFUSE_IF(total && (read || write), at, VIR_ERR_XML_ERROR, "%s: total and read/write of %s cannot be set at the same time",
                  what, limits[i].what);
        REFUSE_IF(total > DOMAIN_LIMIT_MAX || read > DOMAIN_LIMIT_MAX || write > DOMAIN_LIMIT_MAX, at, VIR_ERR_ARGUMENT_UNSUPPORTED,
                  "%s: %s must be no more than %llu", what, limits[i].what, DOMAIN_LIMIT_MAX);
    }
}

/* ---- all of them ---- */

static void check_place(const DomainDisk *disk, const DomainPlace *at)
{
    const DomainAddress *address = disk->info.address;

    REFUSE_IF(disk->target.bus == DOMAIN_DISK_BUS_VIRTIO && address && address->type == DOMAIN_ADDRESS_TYPE_DRIVE, at, UNSUPPORTED,
              "%s: disks on bus 'virtio' have no address of type 'drive'", disk->target.dev);
}

/* Whether an address of kind drive was seen before on this bus. */
static bool is_drive_twice(GHashTable *seen, const DomainDisk *disk)
{
    const DomainAddress *address = disk->info.address;

    if (!address || address->type != DOMAIN_ADDRESS_TYPE_DRIVE)
        return false;
    return !g_hash_table_add(seen, g_strdup_printf("%d/%u/%u/%u/%u", disk->target.bus, address->drive.controller,
                                                   address->drive.bus, address->drive.target, address->drive.unit));
}

/* A group of limits is one; whoever names it says the same of it. */
static bool differs_from_group(GHashTable *groups, const DomainDisk *disk)
{
    const char *group = disk->iotune ? disk->iotune->group_name : NULL;
    const DomainDisk *other = group ? g_hash_table_lookup(groups, group) : NULL;

    if (group && !other)
        g_hash_table_insert(groups, (gpointer)group, (gpointer)disk);
    return other && !xml_equal(&DOMAIN_DISK_IOTUNE_DESC, disk->iotune, other->iotune);
}

void domain_validate_disks(const DomainDef *def, XmlDiagnostics *diag)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) groups = g_hash_table_new(g_str_hash, g_str_equal);

    domain_validate_throttle_groups(def, diag);
    for (guint i = 0; i < def->devices.n_disks; i++) {
        const DomainDisk *disk = def->devices.disks[i];
        DomainPlace at = {diag, "disk", (int)i};
        check_source(disk, &at);
        check_kind(def, disk, &at);
        check_lun(disk, &at);
        check_vhostuser(def, disk, &at);
        check_identity(disk, &at);
        check_driver(def, disk, &at);
        if (disk->iotune)
            domain_validate_limits(disk->iotune, disk->target.dev, &at);
        domain_validate_throttle_filters(def, disk, &at);
        check_place(disk, &at);
        REFUSE_IF(!g_hash_table_add(names, disk->target.dev), &at, VIR_ERR_XML_ERROR, "target '%s' is used by two disks", disk->target.dev);
        REFUSE_IF(is_drive_twice(places, disk), &at, UNSUPPORTED, "%s: its place on the controller is used by another disk", disk->target.dev);
        REFUSE_IF(differs_from_group(groups, disk), &at, UNSUPPORTED, "%s: another disk of the group '%s' has other limits", disk->target.dev,
                  disk->iotune->group_name);
    }
}
