/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#include <string.h>
#include "drivers/nodedev/describe.h"

static void take_name(struct udev_device *dev, NodedevPciName *name, const char *id, const char *text, const char *known)
{
    guint64 number = 0;
    name->has_id = attr_number(dev, id, 16, G_MAXUINT16, &number);
    name->id = (guint16) number;
    name->value = property_text(dev, known, 1024);
    if (!name->value)
        name->value = attr_text(dev, text, 1024);
}

static gboolean describe_device(struct udev_device *dev, NodedevDef *def)
{
    guint64 bus = 0, number = 0;
    NodedevUsbDevice *usb = &add_cap(def, NODEDEV_CAP_TYPE_USB_DEVICE)->usb_device;
    if (!attr_number(dev, "busnum", 10, G_MAXUINT32, &bus) || !attr_number(dev, "devnum", 10, G_MAXUINT32, &number))
        return FALSE;
    usb->bus = (guint32) bus;
    usb->device = (guint32) number;
    take_name(dev, &usb->vendor, "idVendor", "manufacturer", "ID_VENDOR_FROM_DATABASE");
    take_name(dev, &usb->product, "idProduct", "product", "ID_MODEL_FROM_DATABASE");
    return usb->vendor.has_id && usb->product.has_id;
}

static gboolean describe_interface(struct udev_device *dev, NodedevDef *def)
{
    NodedevUsbInterface *usb = &add_cap(def, NODEDEV_CAP_TYPE_USB)->usb;
    guint64 number, class, subclass, protocol;
    if (!attr_number(dev, "bInterfaceNumber", 16, G_MAXUINT8, &number) || !attr_number(dev, "bInterfaceClass", 16, G_MAXUINT8, &class) ||
        !attr_number(dev, "bInterfaceSubClass", 16, G_MAXUINT8, &subclass) ||
        !attr_number(dev, "bInterfaceProtocol", 16, G_MAXUINT8, &protocol))
        return FALSE;
    usb->number = (guint32) number;
    usb->class = (guint32) class;
    usb->subclass = (guint32) subclass;
    usb->protocol = (guint32) protocol;
    usb->description = attr_text(dev, "interface", 1024);
    return TRUE;
}

gboolean describe_usb(const Describer *by, struct udev_device *dev, NodedevDef *def)
{
    const char *type = udev_device_get_devtype(dev);
    if (g_strcmp0(type, "usb_device") == 0)
        return describe_device(dev, def);
    return g_strcmp0(type, "usb_interface") == 0 && describe_interface(dev, def);
}
