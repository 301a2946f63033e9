/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What QEMU's disks can't be, whichever QEMU it is.
 */
#include "model/domain_private.h"

#define UNSUPPORTED VIR_ERR_CONFIG_UNSUPPORTED

/* A cookie's name is a token, its value has no separators; both as HTTP defines them. */
static bool is_cookie_text(const char *text, bool name)
{
    const char *others = name ? "()<>@,;:\\\"/[]?={}" : "\",;\\";
    size_t len = strlen(text);

    if (!name && len >= 2 && text[0] == '"' && text[len - 1] == '"') {
        text++;
        len -= 2;
    }
    for (size_t i = 0; i < len; i++) {
        if (!g_ascii_isgraph(text[i]) || strchr(others, text[i]))
            return false;
    }
    return !name || len > 0;
}

static void check_source(const DomainDef *def, const DomainDisk *disk, const DomainPlace *at)
{
    const StorageSource *source = &disk->source;
    const StorageEncryption *encryption = source->encryption ? source->encryption : disk->encryption;
    bool pooled = source->type == DOMAIN_DISK_TYPE_NETWORK && (source->protocol == STORAGE_PROTOCOL_RBD ||
                                                              source->protocol == STORAGE_PROTOCOL_GLUSTER);
    const char *slash = source->name ? strchr(source->name, '/') : NULL;

    REFUSE_IF(source->type == DOMAIN_DISK_TYPE_DIR && disk->driver.type != STORAGE_FORMAT_FAT, at, UNSUPPORTED,
              "a folder is shown as a disk of format 'fat' (<driver type='fat'/>)");
    REFUSE_IF(source->type == DOMAIN_DISK_TYPE_VHOSTUSER && !domain_memory_is_shared(def), at, UNSUPPORTED,
              "type 'vhostuser' needs the guest's memory to be shared (<memoryBacking> with <source type='memfd'/> and "
              "<access mode='shared'/>)");
    REFUSE_IF(source->type == DOMAIN_DISK_TYPE_VHOSTUSER && disk->target.bus != DOMAIN_DISK_BUS_VIRTIO, at, UNSUPPORTED,
              "type 'vhostuser' is on bus 'virtio' only");
    REFUSE_IF(pooled && (!slash || slash == source->name || !slash[1]), at, VIR_ERR_XML_ERROR,
              "the name '%s' has no such form as 'pool/image'", source->name ? source->name : "");
    REFUSE_IF(encryption && encryption->engine != STORAGE_ENCRYPTION_ENGINE_LIBRBD && encryption->format != STORAGE_ENCRYPTION_FORMAT_LUKS, at,
              UNSUPPORTED, "encryption of format '%s' is not supported; use 'luks'", storage_encryption_format_to_string(encryption->format));
    for (guint i = 0; i < source->n_cookies; i++) {
        const StorageCookie *cookie = source->cookies[i];
        REFUSE_IF(!is_cookie_text(cookie->name, true) || !is_cookie_text(cookie->value ? cookie->value : "", false), at, VIR_ERR_XML_ERROR,
                  "name or value of the cookie '%s' has characters that HTTP forbids", cookie->name);
    }
}

/* A disk that the guest sends SCSI commands of its own to. */
static void check_lun(const DomainDisk *disk, const DomainPlace *at)
{
    const StorageSource *source = &disk->source;
    bool iscsi = source->type == DOMAIN_DISK_TYPE_NETWORK && source->protocol == STORAGE_PROTOCOL_ISCSI;

    REFUSE_IF(disk->device != DOMAIN_DISK_DEVICE_LUN && source->reservations, at, UNSUPPORTED, "only a device='lun' has <reservations>");
    if (disk->device != DOMAIN_DISK_DEVICE_LUN)
        return;
    REFUSE_IF(source->type != DOMAIN_DISK_TYPE_BLOCK && source->type != DOMAIN_DISK_TYPE_VOLUME && !iscsi, at, UNSUPPORTED,
              "a device='lun' is a device of the host or an iSCSI target");
    REFUSE_IF(disk->target.bus != DOMAIN_DISK_BUS_SCSI && disk->target.bus != DOMAIN_DISK_BUS_VIRTIO, at, UNSUPPORTED,
              "a device='lun' can't be on bus '%s'", domain_disk_bus_to_string(disk->target.bus));
    REFUSE_IF(disk->driver.type && disk->driver.type != STORAGE_FORMAT_RAW, at, UNSUPPORTED, "a device='lun' must have the format 'raw'");
    REFUSE_IF(disk->target.bus == DOMAIN_DISK_BUS_SCSI && (disk->serial || disk->wwn || disk->vendor || disk->product ||
                                                          disk->target.rotation_rate), at, UNSUPPORTED,
              "a device='lun' tells its own serial, wwn, vendor, product and rotation rate");
}

static bool has_iothread(const DomainDef *def, guint id)
{
    for (guint i = 0; i < def->n_iothreadids; i++) {
        if (def->iothreadids[i]->id == id)
            return true;
    }
    return def->n_iothreadids == 0 && id <= def->iothreads;
}

static void check_driver(const DomainDef *def, const DomainDisk *disk, const DomainPlace *at)
{
    const DomainDiskDriver *d = &disk->driver;

    REFUSE_IF(d->metadata_cache.max_size && d->type != STORAGE_FORMAT_QCOW2, at, UNSUPPORTED, "only qcow2 images have a metadata cache");
    REFUSE_IF(d->copy_on_read == TRISTATE_ON && disk->readonly, at, UNSUPPORTED,
              "copy on read writes to the image, but the disk is read-only");
    REFUSE_IF((d->queues || d->queue_size || d->iothread) && disk->target.bus != DOMAIN_DISK_BUS_VIRTIO, at, UNSUPPORTED,
              "only disks on bus 'virtio' have queues and an I/O thread of their own");
    REFUSE_IF(d->iothread && def->iothreads && !has_iothread(def, d->iothread), at, UNSUPPORTED, "the domain has no I/O thread %u", d->iothread);
}

void domain_validate_qemu_disks(const DomainDef *def, XmlDiagnostics *diag)
{
    for (guint i = 0; i < def->devices.n_disks; i++) {
        const DomainDisk *disk = def->devices.disks[i];
        DomainPlace at = {diag, "disk", i};

        check_source(def, disk, &at);
        check_lun(disk, &at);
        check_driver(def, disk, &at);
    }
}
