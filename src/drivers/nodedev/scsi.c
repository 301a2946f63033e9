/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#include <string.h>
#include <unistd.h>
#include "drivers/nodedev/describe.h"

#define WWN_MAX 32

/* Kinds of SCSI units (SPC-4, 6.4.2) by the names that people know. */
static const char *const units[] = {
    [0x0] = "disk", [0x1] = "tape", [0x2] = "printer", [0x3] = "processor", [0x4] = "worm", [0x5] = "cdrom", [0x6] = "scanner",
    [0x7] = "mod", [0x8] = "changer", [0xc] = "raid",
};

/* A world wide name: the kernel writes it as a number. */
static char *wwn(const char *class, const char *name, const char *attribute)
{
    g_autofree char *text = sysfs_text(WWN_MAX, "/sys/class/%s/%s/%s", class, name, attribute);
    return text ? g_strdup(g_str_has_prefix(text, "0x") ? text + 2 : text) : NULL;
}

static guint32 count(const char *name, const char *class, const char *attribute)
{
    guint64 value = 0;
    g_autofree char *text = sysfs_text(64, "/sys/class/%s/%s/%s", class, name, attribute);
    return text_number(text, 10, G_MAXUINT32, &value) ? (guint32) value : 0;
}

static NodedevScsiHostSubcap *add_subcap(NodedevScsiHost *host, NodedevScsiHostSubcapType type)
{
    NodedevScsiHostSubcap *sub = xml_struct_new(&NODEDEV_SCSI_HOST_SUBCAP_DESC);
    sub->type = type;
    XML_LIST_APPEND(host->subcaps, host->n_subcaps, sub);
    return sub;
}

/* Virtual ports can be made where one of the two classes has the file for it. */
static void add_ports(const char *name, NodedevScsiHost *host)
{
    static const char *const classes[] = { "fc_host", "scsi_host" };
    for (guint i = 0; i < G_N_ELEMENTS(classes); i++) {
        g_autofree char *file = g_strdup_printf("/sys/class/%s/%s/vport_create", classes[i], name);
        if (access(file, F_OK) < 0)
            continue;
        NodedevScsiHostSubcap *sub = add_subcap(host, NODEDEV_SCSI_HOST_SUBCAP_TYPE_VPORT_OPS);
        sub->max_vports = count(name, classes[i], "max_npiv_vports");
        sub->vports = count(name, classes[i], "npiv_vports_inuse");
        return;
    }
}

gboolean describe_scsi_host(const Describer *by, struct udev_device *dev, NodedevDef *def)
{
    const char *name = udev_device_get_sysname(dev);
    guint64 number = 0, id = 0;
    if (!g_str_has_prefix(name, "host") || !text_number(name + strlen("host"), 10, G_MAXUINT32, &number))
        return FALSE;
    NodedevScsiHost *host = &add_cap(def, NODEDEV_CAP_TYPE_SCSI_HOST)->scsi_host;
    host->has_host = true;
    host->host = (guint32) number;
    g_autofree char *unique = sysfs_text(64, "/sys/class/scsi_host/%s/unique_id", name);
    host->has_unique_id = text_number(unique, 10, G_MAXINT32, &id);
    host->unique_id = (gint32) id;
    g_autofree char *wwpn = wwn("fc_host", name, "port_name"), *wwnn = wwn("fc_host", name, "node_name");
    if (wwpn && wwnn) {
        NodedevScsiHostSubcap *fc = add_subcap(host, NODEDEV_SCSI_HOST_SUBCAP_TYPE_FC_HOST);
        fc->wwnn = g_steal_pointer(&wwnn);
        fc->wwpn = g_steal_pointer(&wwpn);
        fc->fabric_wwn = wwn("fc_host", name, "fabric_name");
        add_ports(name, host);
    }
    return TRUE;
}

static void add_remote_port(struct udev_device *dev, NodedevScsiTarget *target)
{
    struct udev_device *above = udev_device_get_parent(dev);
    const char *name = above ? udev_device_get_sysname(above) : NULL;
    if (!name || !g_str_has_prefix(name, "rport-"))
        return;
    NodedevScsiTargetSubcap *sub = xml_struct_new(&NODEDEV_SCSI_TARGET_SUBCAP_DESC);
    sub->type = NODEDEV_SCSI_TARGET_SUBCAP_TYPE_FC_REMOTE_PORT;
    sub->rport = g_strdup(name);
    sub->wwpn = wwn("fc_remote_ports", name, "port_name");
    XML_LIST_APPEND(target->subcaps, target->n_subcaps, sub);
}

static gboolean describe_unit(struct udev_device *dev, NodedevDef *def)
{
    unsigned int host, bus, target, lun;
    int end = 0;
    const char *name = udev_device_get_sysname(dev);
    if (sscanf(name, "%9u:%9u:%9u:%9u%n", &host, &bus, &target, &lun, &end) != 4 || name[end])
        return FALSE;
    NodedevScsi *scsi = &add_cap(def, NODEDEV_CAP_TYPE_SCSI)->scsi;
    guint64 kind = 0;
    scsi->host = host;
    scsi->bus = bus;
    scsi->target = target;
    scsi->lun = lun;
    if (attr_number(dev, "type", 10, G_N_ELEMENTS(units) - 1, &kind))
        scsi->kind = g_strdup(units[kind]);
    return TRUE;
}

gboolean describe_scsi(const Describer *by, struct udev_device *dev, NodedevDef *def)
{
    const char *type = udev_device_get_devtype(dev);
    if (g_strcmp0(type, "scsi_host") == 0)
        return describe_scsi_host(by, dev, def);
    if (g_strcmp0(type, "scsi_device") == 0)
        return describe_unit(dev, def);
    if (g_strcmp0(type, "scsi_target") != 0)
        return FALSE;
    NodedevScsiTarget *target = &add_cap(def, NODEDEV_CAP_TYPE_SCSI_TARGET)->scsi_target;
    target->target = g_strdup(udev_device_get_sysname(dev));
    add_remote_port(dev, target);
    return TRUE;
}

gboolean describe_scsi_generic(const Describer *by, struct udev_device *dev, NodedevDef *def)
{
    const char *file = udev_device_get_devnode(dev);
    if (!file)
        return FALSE;
    add_cap(def, NODEDEV_CAP_TYPE_SCSI_GENERIC)->scsi_generic.path = g_strdup(file);
    return TRUE;
}
