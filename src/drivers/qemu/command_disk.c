/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Disks as the guest sees them. What is behind them: command_block.c.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/command_block.h"
#include "drivers/qemu/command_priv.h"

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
        return qemu_virtio_type(&disk->info, disk->source.type == DOMAIN_DISK_TYPE_VHOSTUSER ? "vhost-user-blk" : "virtio-blk",
                                domain_disk_model_to_string(disk->model));
    case DOMAIN_DISK_BUS_USB:
        /* One kind of reader is a SCSI bus of its own, with a real drive on it. */
        return g_strdup(disk->model != DOMAIN_DISK_MODEL_USB_BOT ? "usb-storage" : cdrom ? "scsi-cd" : "scsi-hd");
    case DOMAIN_DISK_BUS_FDC:
        return g_strdup("floppy");
    default:
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': bus '%s' is not supported", disk->target.dev,
                         domain_disk_bus_to_string(disk->target.bus));
    }
}

static gboolean is_lsi(const DomainController *c)
{
    return c && g_strcmp0(c->model, "lsilogic") == 0;
}

int qemu_add_scsi_place(const QemuCommand *cmd, json_object *props, const DriveAddress *drive, const char *what)
{
    const DomainController *c = qemu_find_controller(cmd->def, DOMAIN_CONTROLLER_TYPE_SCSI, drive->controller);
    g_autofree char *bus = NULL;
    gboolean lsi = is_lsi(c);

    if (!c)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "%s is on SCSI controller %u, which doesn't exist", what, drive->controller);
    bus = g_strdup_printf("%s.%u", c->info.alias, lsi ? drive->bus : 0);
    json_add(props, JSON_STR("bus", bus));
    if (lsi)
        json_add(props, JSON_UINT("scsi-id", drive->unit));
    else
        json_add(props, JSON_UINT("channel", drive->bus), JSON_UINT("scsi-id", drive->target), JSON_UINT("lun", drive->unit));
    return 0;
}

static int add_scsi_place(const QemuCommand *cmd, json_object *props, const DomainDisk *disk, const DriveAddress *drive)
{
    const DomainController *c = qemu_find_controller(cmd->def, DOMAIN_CONTROLLER_TYPE_SCSI, drive->controller);
    g_autofree char *id = NULL, *what = g_strdup_printf("disk '%s'", disk->target.dev);

    if (qemu_add_scsi_place(cmd, props, drive, what) < 0)
        return -1;
    if (disk->device == DOMAIN_DISK_DEVICE_LUN)
        return 0;
    id = disk->serial ? g_strdup(disk->serial) :
        is_lsi(c) ? g_strdup_printf("drive-scsi%u-%u-%u", drive->controller, drive->bus, drive->unit) :
        g_strdup_printf("drive-scsi%u-%u-%u-%u", drive->controller, drive->bus, drive->target, drive->unit);
    json_add(props, JSON_STR("device_id", id));
    return 0;
}

static int add_place(QemuCommand *cmd, json_object *props, const DomainDisk *disk)
{
    const DomainAddress *address = disk->info.address;
    const DriveAddress *drive = address ? &address->drive : NULL;
    const DomainController *c;
    g_autofree char *bus = NULL;

    if (disk->model == DOMAIN_DISK_MODEL_USB_BOT) {
        bus = g_strdup_printf("%s-bot.0", disk->info.alias);
        json_add(props, JSON_STR("bus", bus));
        return 0;
    }
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
    if (disk->blockio && disk->blockio->logical_block_size)
        qemu_add_uint(props, "logical_block_size", disk->blockio->logical_block_size);
    if (disk->blockio && disk->blockio->physical_block_size)
        qemu_add_uint(props, "physical_block_size", disk->blockio->physical_block_size);
    if (disk->blockio && disk->blockio->has_discard_granularity)
        qemu_add_uint(props, "discard_granularity", disk->blockio->discard_granularity);
    if (disk->geometry) {
        json_add(props, JSON_UINT("cyls", disk->geometry->cyls), JSON_UINT("heads", disk->geometry->heads),
                 JSON_UINT("secs", disk->geometry->secs));
        if (disk->geometry->trans)
            json_add(props, JSON_STR("bios-chs-trans", domain_disk_geometry_trans_to_string(disk->geometry->trans)));
    }
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

    if (disk->wwn) {
        if (!g_ascii_string_to_unsigned(disk->wwn, 16, 0, G_MAXUINT64, &wwn, NULL))
            return FAIL(VIR_ERR_XML_ERROR, "%s: WWN '%s' is not a hexadecimal number", what, disk->wwn);
        qemu_add_uint(props, "wwn", wwn);
    }
    if (disk->target.rotation_rate) {
        if (disk->target.bus == DOMAIN_DISK_BUS_VIRTIO)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: virtio disks have no rotation rate", what);
        qemu_add_uint(props, "rotation_rate", disk->target.rotation_rate);
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
    QemuCacheMode cache = qemu_cache_mode(disk);
    g_autofree char *node = qemu_disk_node(disk), *chardev = NULL;
    gboolean media = qemu_disk_has_media(disk), virtio = disk->target.bus == DOMAIN_DISK_BUS_VIRTIO;

    if (virtio && qemu_add_virtio(cmd, props, driver, &disk->driver.virtio, what) < 0)
        return -1;
    if (virtio)
        add_virtio_speed(props, disk);
    if (virtio && disk->device == DOMAIN_DISK_DEVICE_LUN) {
        if (qemu_require_prop(cmd, driver, "scsi", what) < 0)
            return -1;
        json_add(props, JSON_BOOL("scsi", true));
    }
    if (add_place(cmd, props, disk) < 0)
        return -1;
    if (disk->shareable)
        json_add(props, JSON_BOOL("share-rw", true));
    if (disk->source.type == DOMAIN_DISK_TYPE_VHOSTUSER)
        chardev = qemu_disk_chardev(disk);
    json_add(props, JSON_STR("drive", media ? node : NULL), JSON_STR("chardev", chardev));
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
    if (disk->target.dpofua) {
        if (qemu_require_prop(cmd, driver, "dpofua", what) < 0)
            return -1;
        qemu_add_switch(props, "dpofua", disk->target.dpofua);
    }
    json_add(props, JSON_STR("serial", disk->serial));
    add_error_policy(props, disk);
    return 0;
}

/* What is between the bus and the disk. */
static int disk_reader(QemuCommand *cmd, const DomainDisk *disk, const char *what)
{
    g_autofree char *id = g_strdup_printf("%s-bot", disk->info.alias);

    if (disk->model != DOMAIN_DISK_MODEL_USB_BOT)
        return 0;
    if (qemu_require_type(cmd, "usb-bot", what) < 0)
        return -1;
    return qemu_arg_device(cmd, json_make(JSON_STR("driver", "usb-bot"), JSON_STR("id", id)), &disk->info);
}

static int disk_device(QemuCommand *cmd, const DomainDisk *disk, const char *what)
{
    g_autofree char *driver = disk_driver(disk);
    json_object *props;

    if (!driver || qemu_require_type(cmd, driver, what) < 0 || disk_reader(cmd, disk, what) < 0)
        return -1;
    props = json_make(JSON_STR("driver", driver));
    if (disk_properties(cmd, props, disk, driver, what) < 0) {
        json_object_put(props);
        return -1;
    }
    qemu_arg_json(cmd, "-device", props);
    return 0;
}

static int check_driver(QemuCommand *cmd, const DomainDisk *disk, const char *what)
{
    const DomainDiskDriver *d = &disk->driver;

    if (d->io == DOMAIN_DISK_IO_IO_URING && !qemu_caps_has_flag(cmd->caps, "aio.io_uring"))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: '%s' was built without io_uring", what, cmd->caps->binary);
    /* Which cache is used where none is named is known here only; one that is named is checked with the definition. */
    if (d->io == DOMAIN_DISK_IO_NATIVE && !qemu_cache_mode(disk).direct)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: io='native' needs cache='none' or cache='directsync'", what);
    return 0;
}

static int check_disk(QemuCommand *cmd, const DomainDisk *disk, const char *what)
{
    gboolean process = disk->source.type == DOMAIN_DISK_TYPE_VHOSTUSER;

    if (check_driver(cmd, disk, what) < 0)
        return -1;
    if (!process && !qemu_disk_has_media(disk) && !domain_disk_is_drive(disk))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s has no source, and only CD-ROM and floppy drives can be empty", what);
    if (disk->mirror)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: a copy that was under way can't be taken up again", what);
    return process ? qemu_require_shared_memory(cmd, what) : 0;
}

char *qemu_disk_chardev(const DomainDisk *disk)
{
    return g_strdup_printf("char%s", disk->info.alias);
}

/* A process that serves the disk. */
static int disk_process(QemuCommand *cmd, const DomainDisk *disk, const char *what)
{
    const StorageSource *source = &disk->source;
    ChardevSource socket = { .type = CHARDEV_TYPE_UNIX, .mode = CHARDEV_MODE_CONNECT, .path = source->path };

    if (source->reconnect)
        socket.reconnect = *source->reconnect;
    return qemu_chardev(cmd, &socket, disk->info.alias, what);
}

/* A card in the board's reader, which isn't a device that could be named. */
static int sd_card(QemuCommand *cmd, const DomainDisk *disk, const char *what)
{
    const StorageSource *source = &disk->source;
    const char *path = source->type == DOMAIN_DISK_TYPE_FILE ? source->file : source->type == DOMAIN_DISK_TYPE_BLOCK ? source->dev : NULL;
    g_autoptr(GString) out = g_string_new("file=");
    int number = qemu_disk_number(disk->target.dev);

    if (qemu_machine_is_i440fx(cmd->machine->name) || qemu_machine_is_q35(cmd->machine->name))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: machine '%s' has no reader of cards; use bus='usb'", what, cmd->machine->name);
    if (!path || number < 0 || (disk->driver.type && disk->driver.type != STORAGE_FORMAT_RAW))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: a card on bus 'sd' is a raw file or device of the host", what);
    qemu_escape(out, path);
    qemu_arg_f(cmd, "-drive", "%s,format=raw,if=sd,index=%d%s", out->str, number, disk->readonly ? ",readonly=on" : "");
    return 0;
}

static int one_disk(QemuCommand *cmd, const DomainDisk *disk)
{
    g_autofree char *what = g_strdup_printf("disk '%s'", disk->target.dev);

    if (check_disk(cmd, disk, what) < 0)
        return -1;
    if (disk->target.bus == DOMAIN_DISK_BUS_SD)
        return sd_card(cmd, disk, what);
    if (disk->source.type == DOMAIN_DISK_TYPE_VHOSTUSER ? disk_process(cmd, disk, what) < 0 :
        qemu_disk_has_media(disk) && qemu_command_images(cmd, disk) < 0)
        return -1;
    return disk_device(cmd, disk, what);
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
        if (one_disk(cmd, d->disks[i]) < 0)
            return -1;
    }
    return 0;
}
