/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Devices as udev and sysfs tell of them → definitions. One thread at a time: libudev knows no others. What the kernel tells may be
 * missing, or vanish while it is read; texts and numbers of files are bounded.
 */
#pragma once
#include <libudev.h>
#include <libvirt/virterror.h>
#include "model/nodedev.h"

/** Most files of a folder that are looked at, and longest attribute, in bytes. */
#define SYSFS_MAX_FILES 4096
#define SYSFS_MAX_ATTRIBUTE 4096

/** What helps to describe devices. */
typedef struct Describer {
    struct udev *udev;
    struct udev_hwdb *names;   /* database of names; may be NULL */
    GHashTable *known;         /* name by place in sysfs, of those that are told of already */
} Describer;

/** Name by which a device is known here; the caller frees. NULL: devices of its kind are not told of. */
char *device_name(struct udev_device *dev);
/** Its description; the caller frees. NULL without an error: devices of its kind are not told of, or it is gone meanwhile. */
NodedevDef *device_describe(const Describer *by, struct udev_device *dev);
/** Whether there are devices of that subsystem that are told of. */
gboolean device_is_told_of(const char *subsystem);
/** Each place in sysfs with a device that may be told of, those above before those below. */
typedef void (*DeviceFound)(const char *syspath, void *opaque);
void device_enumerate(const Describer *by, DeviceFound found, void *opaque);
/** The host as a whole. */
NodedevDef *device_computer(void);

/* For each kind of device: add what it is to @def. FALSE: it is gone, or no such device after all. */
typedef gboolean (*DescribeFunc)(const Describer *by, struct udev_device *dev, NodedevDef *def);
gboolean describe_pci(const Describer *by, struct udev_device *dev, NodedevDef *def);
gboolean describe_usb(const Describer *by, struct udev_device *dev, NodedevDef *def);
gboolean describe_net(const Describer *by, struct udev_device *dev, NodedevDef *def);
gboolean describe_scsi(const Describer *by, struct udev_device *dev, NodedevDef *def);
gboolean describe_scsi_host(const Describer *by, struct udev_device *dev, NodedevDef *def);
gboolean describe_scsi_generic(const Describer *by, struct udev_device *dev, NodedevDef *def);
gboolean describe_block(const Describer *by, struct udev_device *dev, NodedevDef *def);
gboolean describe_drm(const Describer *by, struct udev_device *dev, NodedevDef *def);
gboolean describe_mdev(const Describer *by, struct udev_device *dev, NodedevDef *def);
gboolean describe_vdpa(const Describer *by, struct udev_device *dev, NodedevDef *def);
gboolean describe_ccw(const Describer *by, struct udev_device *dev, NodedevDef *def);
gboolean describe_css(const Describer *by, struct udev_device *dev, NodedevDef *def);
gboolean describe_ap(const Describer *by, struct udev_device *dev, NodedevDef *def);
gboolean describe_ap_matrix(const Describer *by, struct udev_device *dev, NodedevDef *def);

/* Attributes (attribute.c) */

/** A new capability of that kind at the end of @def's. */
NodedevCap *add_cap(NodedevDef *def, NodedevCapType type);
/** An attribute or property without blanks at its ends, cut to @max bytes; NULL: there is none, or it is empty. Caller frees. */
char *attr_text(struct udev_device *dev, const char *name, size_t max);
char *property_text(struct udev_device *dev, const char *name, size_t max);
/** A number; FALSE: there is none, or it is none of 0 … @max. */
gboolean attr_number(struct udev_device *dev, const char *name, guint base, guint64 max, guint64 *value);
gboolean property_number(struct udev_device *dev, const char *name, guint base, guint64 max, guint64 *value);
/** The same of a file below the device's folder. */
gboolean text_number(const char *text, guint base, guint64 max, guint64 *value);
/** Text of a file of sysfs, as attr_text(). NULL: none. */
char *sysfs_text(size_t max, const char *format, ...) G_GNUC_PRINTF(2, 3);
/** "0000:01:00.0" */
gboolean parse_pci_address(const char *text, PciAddress *address);
/** Last part of what the link at the path points to; caller frees. */
char *link_name(const char *format, ...) G_GNUC_PRINTF(1, 2);

/** The IOMMU group of the device in @folder; NULL if it is in none. */
NodedevIommuGroup *iommu_group_of(const char *folder);
/** The kinds of mediated devices that the device in @folder can have, appended. */
void add_mdev_types(const char *folder, NodedevMdevType ***types, guint *n);

/* What a PCI function's configuration space and product data say (pci_config.c); no I/O. */

/** Links of a PCI Express function, from its configuration space of @len bytes; NULL if it is no such function. */
NodedevPciExpress *pci_config_express(const guint8 *config, size_t len);
/** The capability of product data in @data; NULL if it is none, or broken. */
NodedevPciSubcap *pci_config_vpd(const guint8 *data, size_t len);
