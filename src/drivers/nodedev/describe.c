/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which devices of udev are told of, and what they have in common.
 */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#define LOG_SOURCE "nodedev.describe"
#include "drivers/nodedev/describe.h"
#include <string.h>
#include "base/log.h"
#include "core/host/host.h"

#define MAX_DEVNODES 256
#define COMPUTER "computer"

/* What is told of: what its name begins with, and who describes it. */
static const struct { const char *subsystem, *prefix; DescribeFunc describe; } kinds[] = {
    { "pci", "pci", describe_pci },
    { "usb", "usb", describe_usb },
    { "net", "net", describe_net },
    { "scsi", "scsi", describe_scsi },
    { "scsi_generic", "scsi_generic", describe_scsi_generic },
    { "block", "block", describe_block },
    { "drm", "drm", describe_drm },
    { "mdev", "mdev", describe_mdev },
    { "vdpa", "vdpa", describe_vdpa },
    { "ccw", "ccw", describe_ccw },
    { "css", "css", describe_css },
    { "ap", "ap", describe_ap },
    { "matrix", "ap", describe_ap_matrix },
};

static int kind_of(struct udev_device *dev)
{
    const char *subsystem = udev_device_get_subsystem(dev);
    for (guint i = 0; subsystem && i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].subsystem, subsystem) == 0)
            return (int) i;
    }
    return -1;
}

/* What tells devices apart that bear one name at different times. Caller frees. */
static char *mark_of(struct udev_device *dev, const char *subsystem)
{
    struct udev_device *above = udev_device_get_parent(dev);
    if (strcmp(subsystem, "net") == 0)
        return attr_text(dev, "address", 64);
    if (strcmp(subsystem, "block") == 0)
        return property_text(dev, "ID_SERIAL", 255);
    return strcmp(subsystem, "mdev") == 0 && above ? g_strdup(udev_device_get_sysname(above)) : NULL;
}

char *device_name(struct udev_device *dev)
{
    int kind = kind_of(dev);
    const char *name = udev_device_get_sysname(dev);
    if (kind < 0 || !name)
        return NULL;
    g_autofree char *mark = mark_of(dev, kinds[kind].subsystem);
    char *whole = g_strconcat(kinds[kind].prefix, "_", name, mark ? "_" : NULL, mark, NULL);
    for (char *c = whole; *c; c++) {
        if (!g_ascii_isalnum(*c))
            *c = '_';
    }
    if (strlen(whole) > 255)
        whole[255] = '\0';
    return whole;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void add_devnode(NodedevDef *def, NodedevDevnodeType type, const char *path)
{
    NodedevDevnode *node = xml_struct_new(&NODEDEV_DEVNODE_DESC);
    node->type = type;
    node->value = g_strdup(path);
    XML_LIST_APPEND(def->devnodes, def->n_devnodes, node);
}

static void add_devnodes(struct udev_device *dev, NodedevDef *def)
{
    const char *file = udev_device_get_devnode(dev);
    const char *links[MAX_DEVNODES];
    guint n = 0;
    struct udev_list_entry *entry;
    if (!file)
        return;
    add_devnode(def, NODEDEV_DEVNODE_TYPE_DEV, file);
    udev_list_entry_foreach(entry, udev_device_get_devlinks_list_entry(dev)) {
        if (n < MAX_DEVNODES - 1)
            links[n++] = udev_list_entry_get_name(entry);
    }
    qsort(links, n, sizeof(*links), by_text);
    for (guint i = 0; i < n; i++)
        add_devnode(def, NODEDEV_DEVNODE_TYPE_LINK, links[i]);
}

/* The nearest device above that is told of. */
static char *parent_of(const Describer *by, struct udev_device *dev)
{
    for (struct udev_device *above = udev_device_get_parent(dev); above; above = udev_device_get_parent(above)) {
        const char *known = g_hash_table_lookup(by->known, udev_device_get_syspath(above));
        if (known)
            return g_strdup(known);
    }
    return g_strdup(COMPUTER);
}

NodedevDef *device_describe(const Describer *by, struct udev_device *dev)
{
    int kind = kind_of(dev);
    if (kind < 0)
        return NULL;
    NodedevDef *def = xml_struct_new(&NODEDEV_DEF_DESC);
    def->name = device_name(dev);
    def->path = g_strdup(udev_device_get_syspath(dev));
    add_devnodes(dev, def);
    def->parent.value = parent_of(by, dev);
    def->driver = g_strdup(udev_device_get_driver(dev));
    if (def->name && kinds[kind].describe(by, dev, def) && nodedev_complete(def) == 0)
        return def;
    virResetLastError();
    xml_struct_free(&NODEDEV_DEF_DESC, def);
    return NULL;
}

gboolean device_is_told_of(const char *subsystem)
{
    for (guint i = 0; subsystem && i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].subsystem, subsystem) == 0)
            return TRUE;
    }
    return FALSE;
}

void device_enumerate(const Describer *by, DeviceFound found, void *opaque)
{
    struct udev_enumerate *all = udev_enumerate_new(by->udev);
    struct udev_list_entry *entry;
    for (guint i = 0; all && i < G_N_ELEMENTS(kinds); i++)
        udev_enumerate_add_match_subsystem(all, kinds[i].subsystem);
    if (!all || udev_enumerate_scan_devices(all) < 0) {
        LOG_WARN("the devices of the host can't be listed");
        udev_enumerate_unref(all);
        return;
    }
    udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(all))
        found(udev_list_entry_get_name(entry), opaque);
    udev_enumerate_unref(all);
}

NodedevDef *device_computer(void)
{
    static const char *const folder = "/sys/class/dmi/id";
    NodedevDef *def = xml_struct_new(&NODEDEV_DEF_DESC);
    def->name = g_strdup(COMPUTER);
    NodedevSystem *system = &add_cap(def, NODEDEV_CAP_TYPE_SYSTEM)->system;
    system->product = sysfs_text(1024, "%s/product_name", folder);
    system->hardware.vendor = sysfs_text(1024, "%s/sys_vendor", folder);
    system->hardware.version = sysfs_text(1024, "%s/product_version", folder);
    system->hardware.serial = sysfs_text(1024, "%s/product_serial", folder);
    system->firmware.vendor = sysfs_text(1024, "%s/bios_vendor", folder);
    system->firmware.version = sysfs_text(1024, "%s/bios_version", folder);
    system->firmware.release_date = sysfs_text(64, "%s/bios_date", folder);
    host_uuid(system->hardware.uuid);
    system->hardware.has_uuid = true;
    return def;
}
