/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "drivers/nodedev/describe.h"

#define MAX_MDEV_TYPES 1024
#define MAX_GROUP 4096

NodedevCap *add_cap(NodedevDef *def, NodedevCapType type)
{
    NodedevCap *cap = xml_struct_new(&NODEDEV_CAP_DESC);
    cap->type = type;
    XML_LIST_APPEND(def->caps, def->n_caps, cap);
    return cap;
}

/* What may stand in a document, in @max bytes; NULL if nothing is left of it. */
static char *clean(const char *text, size_t max)
{
    if (!text)
        return NULL;
    g_autofree char *valid = g_utf8_make_valid(text, (gssize) strnlen(text, max));
    for (char *c = valid; *c; c++) {
        if ((guchar) *c < ' ')
            *c = ' ';
    }
    g_strstrip(valid);
    return *valid ? g_steal_pointer(&valid) : NULL;
}

char *attr_text(struct udev_device *dev, const char *name, size_t max)
{
    return clean(udev_device_get_sysattr_value(dev, name), max);
}

char *property_text(struct udev_device *dev, const char *name, size_t max)
{
    return clean(udev_device_get_property_value(dev, name), max);
}

gboolean text_number(const char *text, guint base, guint64 max, guint64 *value)
{
    if (!text)
        return FALSE;
    while (g_ascii_isspace(*text))
        text++;
    if (base == 16 && g_str_has_prefix(text, "0x"))
        text += 2;
    g_autofree char *copy = g_strchomp(g_strndup(text, 64));
    return g_ascii_string_to_unsigned(copy, base, 0, max, value, NULL);
}

gboolean attr_number(struct udev_device *dev, const char *name, guint base, guint64 max, guint64 *value)
{
    return text_number(udev_device_get_sysattr_value(dev, name), base, max, value);
}

gboolean property_number(struct udev_device *dev, const char *name, guint base, guint64 max, guint64 *value)
{
    return text_number(udev_device_get_property_value(dev, name), base, max, value);
}

char *sysfs_text(size_t max, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *path = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *text = NULL;
    if (file_read_optional(path, SYSFS_MAX_ATTRIBUTE, &text, NULL) < 0)
        virResetLastError(); /* as if it weren't there: the kernel refuses some of what is */
    return clean(text, max);
}

gboolean parse_pci_address(const char *text, PciAddress *address)
{
    unsigned int domain, bus, slot, function;
    int end = 0;
    if (!text || sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) != 4 || text[end])
        return FALSE;
    address->domain = domain;
    address->bus = bus;
    address->slot = slot;
    address->function = function;
    return TRUE;
}

char *link_name(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *path = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *target = g_file_read_link(path, NULL);
    return target ? g_path_get_basename(target) : NULL;
}

NodedevIommuGroup *iommu_group_of(const char *folder)
{
    guint64 number;
    g_autofree char *name = link_name("%s/iommu_group", folder);
    if (!text_number(name, 10, G_MAXUINT32, &number))
        return NULL;
    NodedevIommuGroup *group = xml_struct_new(&NODEDEV_IOMMU_GROUP_DESC);
    g_autofree char *devices = g_strdup_printf("%s/iommu_group/devices", folder);
    g_auto(GStrv) names = file_list_dir(devices, MAX_GROUP);
    group->number = (guint32) number;
    for (guint i = 0; names && names[i]; i++) {
        PciAddress *address = xml_struct_new(&PCI_ADDRESS_DESC);
        if (parse_pci_address(names[i], address))
            XML_LIST_APPEND(group->addresses, group->n_addresses, address);
        else
            xml_struct_free(&PCI_ADDRESS_DESC, address);
    }
    virResetLastError();
    return group;
}

void add_mdev_types(const char *folder, NodedevMdevType ***types, guint *n)
{
    g_autofree char *below = g_strdup_printf("%s/mdev_supported_types", folder);
    if (access(below, F_OK) < 0)
        return;
    g_auto(GStrv) names = file_list_dir(below, MAX_MDEV_TYPES);
    for (guint i = 0; names && names[i]; i++) {
        g_autofree char *left = sysfs_text(64, "%s/%s/available_instances", below, names[i]);
        guint64 instances = 0;
        if (!text_number(left, 10, G_MAXUINT32, &instances))
            continue;
        NodedevMdevType *type = xml_struct_new(&NODEDEV_MDEV_TYPE_DESC);
        type->id = g_strdup(names[i]);
        type->name = sysfs_text(255, "%s/%s/name", below, names[i]);
        type->device_api = sysfs_text(64, "%s/%s/device_api", below, names[i]);
        type->available_instances = (guint32) instances;
        XML_LIST_APPEND(*types, *n, type);
    }
    virResetLastError();
}
