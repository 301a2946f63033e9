/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What only some machines have: channel and crypto devices of s390x, graphics nodes, mediated and vDPA devices.
 */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "base/uuid.h"
#include "drivers/nodedev/describe.h"

gboolean describe_drm(const Describer *by, struct udev_device *dev, NodedevDef *def)
{
    static const struct { const char *prefix; NodedevDrmType kind; } kinds[] = {
        { "card", NODEDEV_DRM_TYPE_PRIMARY }, { "controlD", NODEDEV_DRM_TYPE_CONTROL }, { "renderD", NODEDEV_DRM_TYPE_RENDER },
    };
    const char *name = udev_device_get_sysname(dev);
    if (g_strcmp0(udev_device_get_devtype(dev), "drm_minor") != 0)
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (!g_str_has_prefix(name, kinds[i].prefix))
            continue;
        add_cap(def, NODEDEV_CAP_TYPE_DRM)->drm.kind = kinds[i].kind;
        return TRUE;
    }
    return FALSE;
}

gboolean describe_mdev(const Describer *by, struct udev_device *dev, NodedevDef *def)
{
    const char *folder = udev_device_get_syspath(dev);
    struct udev_device *above = udev_device_get_parent(dev);
    guint8 uuid[UUID_BYTES];
    if (!above || uuid_parse(udev_device_get_sysname(dev), uuid) < 0) {
        virResetLastError();
        return FALSE;
    }
    NodedevMdev *mdev = &add_cap(def, NODEDEV_CAP_TYPE_MDEV)->mdev;
    mdev->type_id = link_name("%s/mdev_type", folder);
    mdev->has_uuid = true;
    memcpy(mdev->uuid, uuid, sizeof(mdev->uuid));
    mdev->parent_addr = g_strdup(udev_device_get_sysname(above));
    mdev->iommu_group = iommu_group_of(folder);
    return mdev->type_id != NULL;
}

gboolean describe_vdpa(const Describer *by, struct udev_device *dev, NodedevDef *def)
{
    g_auto(GStrv) names = file_list_dir(udev_device_get_syspath(dev), SYSFS_MAX_FILES);
    NodedevVdpa *vdpa = &add_cap(def, NODEDEV_CAP_TYPE_VDPA)->vdpa;
    virResetLastError();
    for (guint i = 0; names && names[i] && !vdpa->chardev; i++) {
        if (g_str_has_prefix(names[i], "vhost-vdpa-"))
            vdpa->chardev = g_strdup_printf("/dev/%s", names[i]);
    }
    return TRUE;
}

static gboolean parse_channel(const char *text, NodedevChannelAddress *address)
{
    unsigned int cssid, ssid, devno;
    int end = 0;
    if (!text || sscanf(text, "%2x.%1x.%4x%n", &cssid, &ssid, &devno, &end) != 3 || text[end])
        return FALSE;
    *address = (NodedevChannelAddress) { .cssid = (guint8) cssid, .ssid = (guint8) ssid, .devno = (guint16) devno };
    return TRUE;
}

gboolean describe_ccw(const Describer *by, struct udev_device *dev, NodedevDef *def)
{
    return parse_channel(udev_device_get_sysname(dev), &add_cap(def, NODEDEV_CAP_TYPE_CCW)->ccw);
}

static void add_parent(const char *folder, NodedevMdevParent ***subcaps, guint *n)
{
    NodedevMdevParent found = { 0 };
    add_mdev_types(folder, &found.mdev_types, &found.n_mdev_types);
    if (!found.n_mdev_types)
        return;
    NodedevMdevParent *parent = xml_struct_new(&NODEDEV_MDEV_PARENT_DESC);
    *parent = found;
    parent->type = NODEDEV_MDEV_PARENT_TYPE_MDEV_TYPES;
    XML_LIST_APPEND(*subcaps, *n, parent);
}

gboolean describe_css(const Describer *by, struct udev_device *dev, NodedevDef *def)
{
    NodedevCss *css = &add_cap(def, NODEDEV_CAP_TYPE_CSS)->css;
    NodedevChannelAddress behind;
    g_autofree char *bus_id = attr_text(dev, "dev_busid", 64);
    if (!parse_channel(udev_device_get_sysname(dev), &css->address))
        return FALSE;
    if (parse_channel(bus_id, &behind)) {
        css->channel_dev_addr = xml_struct_new(&NODEDEV_CHANNEL_ADDRESS_DESC);
        *css->channel_dev_addr = behind;
    }
    add_parent(udev_device_get_syspath(dev), &css->subcaps, &css->n_subcaps);
    return TRUE;
}

gboolean describe_ap(const Describer *by, struct udev_device *dev, NodedevDef *def)
{
    const char *type = udev_device_get_devtype(dev), *name = udev_device_get_sysname(dev);
    unsigned int adapter, domain;
    int end = 0;
    if (g_strcmp0(type, "ap_card") == 0) {
        if (sscanf(name, "card%2x%n", &adapter, &end) != 1 || name[end])
            return FALSE;
        add_cap(def, NODEDEV_CAP_TYPE_AP_CARD)->ap_card.ap_adapter = (guint8) adapter;
        return TRUE;
    }
    if (g_strcmp0(type, "ap_queue") != 0 || sscanf(name, "%2x.%4x%n", &adapter, &domain, &end) != 2 || name[end])
        return FALSE;
    NodedevApQueue *queue = &add_cap(def, NODEDEV_CAP_TYPE_AP_QUEUE)->ap_queue;
    queue->ap_adapter = (guint8) adapter;
    queue->ap_domain = (guint16) domain;
    return TRUE;
}

gboolean describe_ap_matrix(const Describer *by, struct udev_device *dev, NodedevDef *def)
{
    if (strcmp(udev_device_get_sysname(dev), "matrix") != 0)
        return FALSE;
    NodedevApMatrix *matrix = &add_cap(def, NODEDEV_CAP_TYPE_AP_MATRIX)->ap_matrix;
    add_parent(udev_device_get_syspath(dev), &matrix->subcaps, &matrix->n_subcaps);
    return TRUE;
}
