/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whole disks and drives; not their partitions, nor what the kernel makes of files and other disks.
 */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#include <string.h>
#include "drivers/nodedev/describe.h"

/* The kernel counts in these, whatever the device's blocks are. */
#define SECTOR 512

/* Kind of drive: by what udev has found out, else by the driver's name. NULL: no drive of ours. Static text. */
static const char *kind_of(struct udev_device *dev)
{
    static const struct { const char *property, *kind; } by_property[] = {
        { "ID_CDROM", "cdrom" }, { "ID_DRIVE_FLOPPY", "floppy" }, { "ID_DRIVE_FLASH_SD", "sd" }, { "ID_DRIVE_MEDIA_FLASH_SD", "sd" },
    };
    static const struct { const char *type, *kind; } by_type[] = {
        { "disk", "disk" }, { "cd", "cdrom" }, { "floppy", "floppy" }, { "optical", "cdrom" },
    };
    static const struct { const char *prefix, *kind; } by_name[] = {
        { "vd", "disk" }, { "xvd", "disk" }, { "nvme", "disk" }, { "sd", "disk" }, { "dasd", "dasd" }, { "sr", "cdrom" }, { "fd", "floppy" },
        { "mmcblk", "sd" }, { "pmem", "disk" },
    };
    const char *type = udev_device_get_property_value(dev, "ID_TYPE"), *name = udev_device_get_sysname(dev);
    for (guint i = 0; i < G_N_ELEMENTS(by_property); i++) {
        if (g_strcmp0(udev_device_get_property_value(dev, by_property[i].property), "1") == 0)
            return by_property[i].kind;
    }
    for (guint i = 0; type && i < G_N_ELEMENTS(by_type); i++) {
        if (strcmp(type, by_type[i].type) == 0)
            return by_type[i].kind;
    }
    for (guint i = 0; i < G_N_ELEMENTS(by_name); i++) {
        if (g_str_has_prefix(name, by_name[i].prefix))
            return by_name[i].kind;
    }
    return NULL;
}

static void add_medium(struct udev_device *dev, NodedevStorage *storage)
{
    NodedevStorageSubcap *medium = xml_struct_new(&NODEDEV_STORAGE_SUBCAP_DESC);
    gboolean is_cdrom = strcmp(storage->drive_type, "cdrom") == 0;
    guint64 there = 0;
    medium->type = NODEDEV_STORAGE_SUBCAP_TYPE_REMOVABLE;
    if (is_cdrom ? property_number(dev, "ID_CDROM_MEDIA", 10, 1, &there) && there : storage->size > 0) {
        medium->media_available = 1;
        medium->media_size = storage->size;
        medium->media_label = property_text(dev, "ID_FS_LABEL", 255);
        medium->logical_block_size = storage->logical_block_size;
        medium->num_blocks = storage->num_blocks;
    }
    storage->size = storage->logical_block_size = storage->num_blocks = 0;
    XML_LIST_APPEND(storage->subcaps, storage->n_subcaps, medium);
}

static char *first_of(struct udev_device *dev, const char *attribute, const char *property)
{
    char *text = attr_text(dev, attribute, 255);
    return text ? text : property_text(dev, property, 255);
}

gboolean describe_block(const Describer *by, struct udev_device *dev, NodedevDef *def)
{
    const char *file = udev_device_get_devnode(dev);
    const char *kind = g_strcmp0(udev_device_get_devtype(dev), "disk") == 0 ? kind_of(dev) : NULL;
    guint64 sectors = 0, block = SECTOR;
    if (!file || !kind)
        return FALSE;
    NodedevStorage *storage = &add_cap(def, NODEDEV_CAP_TYPE_STORAGE)->storage;
    storage->block = g_strdup(file);
    storage->bus = property_text(dev, "ID_BUS", 64);
    storage->drive_type = g_strdup(kind);
    storage->model = first_of(dev, "device/model", "ID_MODEL");
    storage->vendor = first_of(dev, "device/vendor", "ID_VENDOR");
    storage->serial = property_text(dev, "ID_SERIAL", 255);
    attr_number(dev, "size", 10, G_MAXINT64 / SECTOR, &sectors);
    if (!attr_number(dev, "queue/logical_block_size", 10, G_MAXUINT32, &block) || !block)
        block = SECTOR;
    storage->size = sectors * SECTOR;
    storage->logical_block_size = block;
    storage->num_blocks = storage->size / block;
    if (strcmp(kind, "cdrom") == 0 || strcmp(kind, "floppy") == 0 || strcmp(kind, "sd") == 0)
        add_medium(dev, storage);
    else
        storage->has_size = true;
    return TRUE;
}
