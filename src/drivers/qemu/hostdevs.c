/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.hostdev"
#include "drivers/qemu/hostdevs.h"
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "core/host/pci.h"

/* More USB devices than a host has. */
#define MAX_USB 4096
/* Longest attribute that is read, in bytes. */
#define MAX_ATTRIBUTE 64

/* ---- one guest for a device ---- */

static char *pci_key(const PciAddress *pci)
{
    g_autofree char *name = pci_name(pci);

    return g_strconcat("PCI device ", name, NULL);
}

/* Text that names a device of the host; NULL: it may belong to several. Caller frees. */
static char *device_key(const DomainHostdev *dev)
{
    const PciAddress *pci = dev->source.pci_address;
    const HostdevUsbAddress *usb = dev->source.usb_address;

    if (dev->mode != DOMAIN_HOSTDEV_MODE_SUBSYSTEM)
        return NULL;
    if (dev->type == DOMAIN_HOSTDEV_TYPE_PCI && pci)
        return pci_key(pci);
    return dev->type == DOMAIN_HOSTDEV_TYPE_USB && usb ? g_strdup_printf("USB device %u:%u", usb->bus, usb->device) : NULL;
}

GHashTable *hostdevs_table_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

const char *hostdevs_pci_owner(GHashTable *table, const PciAddress *pci)
{
    g_autofree char *key = pci_key(pci);

    return g_hash_table_lookup(table, key);
}

void hostdevs_release(GHashTable *table, const char *owner)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        if (g_str_equal(value, owner))
            g_hash_table_iter_remove(&iter);
    }
}

/* The first @n of them. */
static void release_first(GHashTable *table, const DomainDef *def, guint n, const char *owner)
{
    for (guint i = 0; i < n; i++) {
        g_autofree char *key = device_key(def->devices.hostdevs[i]);

        if (key && g_strcmp0(g_hash_table_lookup(table, key), owner) == 0)
            g_hash_table_remove(table, key);
    }
}

void hostdevs_release_of(GHashTable *table, const DomainDef *def, const char *owner)
{
    release_first(table, def, def->devices.n_hostdevs, owner);
}

int hostdevs_claim(GHashTable *table, const DomainDef *def, const char *owner)
{
    for (guint i = 0; i < def->devices.n_hostdevs; i++) {
        g_autofree char *key = device_key(def->devices.hostdevs[i]);
        const char *other = key ? g_hash_table_lookup(table, key) : NULL;

        if (!key)
            continue;
        if (other) {
            error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_INVALID, "%s is in use by domain '%s'", key, other);
            /* @other may be this very guest's own: then the definition has the device twice. */
            release_first(table, def, i, owner);
            return -1;
        }
        g_hash_table_insert(table, g_steal_pointer(&key), g_strdup(owner));
    }
    return 0;
}

/* ---- USB ---- */

/* A number that the kernel tells of a device; -1 if it tells none. */
static gint64 attribute(const char *folder, const char *name, const char *key, guint base)
{
    g_autofree char *path = g_strdup_printf("%s/%s/%s", folder, name, key), *text = NULL;
    gint64 value;
    size_t len;

    if (file_read_optional(path, MAX_ATTRIBUTE, &text, &len) <= 0) {
        virResetLastError();
        return -1;
    }
    return g_ascii_string_to_signed(g_strchomp(text), base, 0, G_MAXINT32, &value, NULL) ? value : -1;
}

/* How many devices fit; the last of them is written to @dev. */
static guint find_usb(DomainHostdev *dev, const char *folder, char **names)
{
    const HostdevUsbAddress *wanted = dev->source.usb_address;
    HostdevUsbAddress found = { 0 };
    guint n = 0;

    for (guint i = 0; names && names[i]; i++) {
        gint64 bus = attribute(folder, names[i], "busnum", 10), device = attribute(folder, names[i], "devnum", 10);

        if (bus < 0 || device < 0 || bus > G_MAXUINT16 || device > G_MAXUINT16)
            continue;
        if (dev->source.has_vendor && attribute(folder, names[i], "idVendor", 16) != dev->source.vendor)
            continue;
        if (dev->source.has_product && attribute(folder, names[i], "idProduct", 16) != dev->source.product)
            continue;
        if (wanted && (wanted->bus != bus || wanted->device != device))
            continue;
        found.bus = bus;
        found.device = device;
        n++;
    }
    if (n == 1 && !wanted) {
        dev->source.usb_address = xml_struct_new(&HOSTDEV_USB_ADDRESS_DESC);
        dev->source.usb_address->bus = found.bus;
        dev->source.usb_address->device = found.device;
    }
    return n;
}

int hostdevs_find_usb(DomainDef *def, const char *sysfs)
{
    g_autofree char *folder = g_strconcat(sysfs, "/bus/usb/devices", NULL);
    g_auto(GStrv) names = NULL;

    for (guint i = 0; i < def->devices.n_hostdevs; i++) {
        DomainHostdev *dev = def->devices.hostdevs[i];
        guint n;

        if (dev->mode != DOMAIN_HOSTDEV_MODE_SUBSYSTEM || dev->type != DOMAIN_HOSTDEV_TYPE_USB)
            continue;
        if (!names && access(folder, F_OK) == 0)
            names = file_list_dir(folder, MAX_USB);
        n = find_usb(dev, folder, names);
        if (n == 1)
            continue;
        if (n > 1)
            return FAIL(VIR_ERR_OPERATION_FAILED, "the host has %u USB devices %04x:%04x; <address bus= device=> says which one is meant", n,
                        dev->source.vendor, dev->source.product);
        if (dev->source.startup_policy == STARTUP_POLICY_OPTIONAL) {
            LOG_WARN("domain '%s' starts without its USB device %04x:%04x, which the host doesn't have", def->name, dev->source.vendor,
                     dev->source.product);
            XML_LIST_REMOVE(def->devices.hostdevs, def->devices.n_hostdevs, i);
            xml_struct_free(&DOMAIN_HOSTDEV_DESC, dev);
            i--;
            continue;
        }
        if (dev->source.usb_address)
            return FAIL(VIR_ERR_OPERATION_FAILED, "the host has no USB device on bus %u with the number %u that fits", dev->source.usb_address->bus,
                        dev->source.usb_address->device);
        return FAIL(VIR_ERR_OPERATION_FAILED, "the host has no USB device %04x:%04x", dev->source.vendor, dev->source.product);
    }
    return 0;
}

/* ---- PCI ---- */

static gboolean is_managed(const DomainHostdev *dev)
{
    return dev->mode == DOMAIN_HOSTDEV_MODE_SUBSYSTEM && dev->type == DOMAIN_HOSTDEV_TYPE_PCI && dev->managed == TRISTATE_YES &&
        dev->source.pci_address;
}

static int detach_one(const DomainHostdev *dev, const char *sysfs)
{
    return pci_detach(sysfs, dev->source.pci_address, dev->driver_model);
}

static void reattach_one(const DomainHostdev *dev, const char *sysfs)
{
    virErrorPtr error = error_save();

    if (pci_reattach(sysfs, dev->source.pci_address) < 0)
        LOG_WARN("%s", error_message());
    error_restore(error);
}

int hostdevs_detach_pci(const DomainDef *def, const char *sysfs)
{
    for (guint i = 0; i < def->devices.n_hostdevs; i++) {
        if (!is_managed(def->devices.hostdevs[i]) || detach_one(def->devices.hostdevs[i], sysfs) == 0)
            continue;
        for (guint j = 0; j <= i; j++) {
            if (is_managed(def->devices.hostdevs[j]))
                reattach_one(def->devices.hostdevs[j], sysfs);
        }
        return -1;
    }
    return 0;
}

void hostdevs_reattach_pci(const DomainDef *def, const char *sysfs)
{
    for (guint i = 0; i < def->devices.n_hostdevs; i++) {
        if (is_managed(def->devices.hostdevs[i]))
            reattach_one(def->devices.hostdevs[i], sysfs);
    }
}
