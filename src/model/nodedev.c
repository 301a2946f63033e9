/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#include "model/nodedev.h"
#include <libvirt/libvirt.h>
#include <string.h>
#include "base/error.h"

#define CAP(name) VIR_CONNECT_LIST_NODE_DEVICES_CAP_##name

static const unsigned int type_flags[NODEDEV_CAP_TYPE_LAST] = {
    [NODEDEV_CAP_TYPE_SYSTEM] = CAP(SYSTEM),
    [NODEDEV_CAP_TYPE_PCI] = CAP(PCI_DEV),
    [NODEDEV_CAP_TYPE_USB_DEVICE] = CAP(USB_DEV),
    [NODEDEV_CAP_TYPE_USB] = CAP(USB_INTERFACE),
    [NODEDEV_CAP_TYPE_NET] = CAP(NET),
    [NODEDEV_CAP_TYPE_SCSI_HOST] = CAP(SCSI_HOST),
    [NODEDEV_CAP_TYPE_SCSI_TARGET] = CAP(SCSI_TARGET),
    [NODEDEV_CAP_TYPE_SCSI] = CAP(SCSI),
    [NODEDEV_CAP_TYPE_STORAGE] = CAP(STORAGE),
    [NODEDEV_CAP_TYPE_SCSI_GENERIC] = CAP(SCSI_GENERIC),
    [NODEDEV_CAP_TYPE_DRM] = CAP(DRM),
    [NODEDEV_CAP_TYPE_MDEV] = CAP(MDEV),
    [NODEDEV_CAP_TYPE_CCW] = CAP(CCW_DEV),
    [NODEDEV_CAP_TYPE_CSS] = CAP(CSS_DEV),
    [NODEDEV_CAP_TYPE_VDPA] = CAP(VDPA),
    [NODEDEV_CAP_TYPE_AP_CARD] = CAP(AP_CARD),
    [NODEDEV_CAP_TYPE_AP_QUEUE] = CAP(AP_QUEUE),
    [NODEDEV_CAP_TYPE_AP_MATRIX] = CAP(AP_MATRIX),
};

/* What is no type of its own but asked for as one. */
static const struct { const char *name; unsigned int flag; } more[] = {
    { "fc_host", CAP(FC_HOST) }, { "vports", CAP(VPORTS) }, { "mdev_types", CAP(MDEV_TYPES) }, { "vpd", CAP(VPD) },
};

unsigned int nodedev_cap_flag(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(more); i++) {
        if (strcmp(more[i].name, name) == 0)
            return more[i].flag;
    }
    return type_flags[nodedev_cap_type_from_string(name)];
}

static unsigned int pci_caps(const NodedevPci *pci)
{
    unsigned int flags = 0;
    for (guint i = 0; i < pci->n_subcaps; i++) {
        if (pci->subcaps[i]->type == NODEDEV_PCI_SUBCAP_TYPE_MDEV_TYPES)
            flags |= CAP(MDEV_TYPES);
        else if (pci->subcaps[i]->type == NODEDEV_PCI_SUBCAP_TYPE_VPD)
            flags |= CAP(VPD);
    }
    return flags;
}

static unsigned int scsi_host_caps(const NodedevScsiHost *host)
{
    unsigned int flags = 0;
    for (guint i = 0; i < host->n_subcaps; i++)
        flags |= host->subcaps[i]->type == NODEDEV_SCSI_HOST_SUBCAP_TYPE_FC_HOST ? CAP(FC_HOST) : CAP(VPORTS);
    return flags;
}

unsigned int nodedev_caps(const NodedevDef *def)
{
    unsigned int flags = 0;
    for (guint i = 0; i < def->n_caps; i++) {
        const NodedevCap *cap = def->caps[i];
        flags |= type_flags[cap->type];
        switch (cap->type) {
        case NODEDEV_CAP_TYPE_PCI:
            flags |= pci_caps(&cap->pci);
            break;
        case NODEDEV_CAP_TYPE_SCSI_HOST:
            flags |= scsi_host_caps(&cap->scsi_host);
            break;
        case NODEDEV_CAP_TYPE_CSS:
            flags |= cap->css.n_subcaps ? CAP(MDEV_TYPES) : 0;
            break;
        case NODEDEV_CAP_TYPE_AP_MATRIX:
            flags |= cap->ap_matrix.n_subcaps ? CAP(MDEV_TYPES) : 0;
            break;
        default:
            break;
        }
    }
    return flags;
}

const NodedevScsiHostSubcap *nodedev_scsi_host(const NodedevDef *def, NodedevScsiHostSubcapType type)
{
    for (guint i = 0; i < def->n_caps; i++) {
        const NodedevCap *cap = def->caps[i];
        for (guint j = 0; cap->type == NODEDEV_CAP_TYPE_SCSI_HOST && j < cap->scsi_host.n_subcaps; j++) {
            if (cap->scsi_host.subcaps[j]->type == type)
                return cap->scsi_host.subcaps[j];
        }
    }
    return NULL;
}

const NodedevMdev *nodedev_mdev(const NodedevDef *def)
{
    for (guint i = 0; i < def->n_caps; i++) {
        if (def->caps[i]->type == NODEDEV_CAP_TYPE_MDEV)
            return &def->caps[i]->mdev;
    }
    return NULL;
}

static bool same(const char *wanted, const char *is)
{
    return !wanted || g_strcmp0(wanted, is) == 0;
}

bool nodedev_has_wwn(const NodedevDef *def, const char *wwnn, const char *wwpn, const char *fabric_wwn)
{
    const NodedevScsiHostSubcap *fc = nodedev_scsi_host(def, NODEDEV_SCSI_HOST_SUBCAP_TYPE_FC_HOST);
    return fc && same(wwnn, fc->wwnn) && same(wwpn, fc->wwpn) && same(fabric_wwn, fc->fabric_wwn);
}

/* ---- rules ---- */

static int check_ids(const char *what, const NodedevPciName *product, const NodedevPciName *vendor)
{
    if (!vendor->has_id || !product->has_id)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "device.capability: a device of type '%s' needs <%s id='…'/>", what,
                    vendor->has_id ? "product" : "vendor");
    return 0;
}

static int check_scsi_host(const NodedevScsiHost *host, bool new)
{
    if (!new && !host->has_host)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "device.capability: a SCSI host that exists needs <host>");
    for (guint i = 0; i < host->n_subcaps; i++) {
        const NodedevScsiHostSubcap *sub = host->subcaps[i];
        if (sub->type == NODEDEV_SCSI_HOST_SUBCAP_TYPE_FC_HOST && (!sub->wwnn || !sub->wwpn))
            return FAIL(VIR_ERR_INTERNAL_ERROR, "device.capability: a Fibre Channel host needs <%s>, since none can be made up",
                        sub->wwnn ? "wwpn" : "wwnn");
    }
    return 0;
}

static int check_storage(const NodedevStorage *storage)
{
    for (guint i = 0; i < storage->n_subcaps; i++) {
        if (storage->subcaps[i]->type == NODEDEV_STORAGE_SUBCAP_TYPE_REMOVABLE)
            return 0;
    }
    return storage->has_size ? 0 : FAIL(VIR_ERR_INTERNAL_ERROR, "device.capability: storage that stays in needs <size>");
}

static int check_cap(NodedevCap *cap, bool new)
{
    switch (cap->type) {
    case NODEDEV_CAP_TYPE_SYSTEM:
        return cap->system.hardware.has_uuid ? 0
            : FAIL(VIR_ERR_INTERNAL_ERROR, "device.capability: the system needs <hardware><uuid>");
    case NODEDEV_CAP_TYPE_PCI:
        cap->pci.has_numa = cap->pci.has_numa && cap->pci.numa >= 0; /* -1 is what the kernel says without NUMA */
        return check_ids("pci", &cap->pci.product, &cap->pci.vendor);
    case NODEDEV_CAP_TYPE_USB_DEVICE:
        return check_ids("usb_device", &cap->usb_device.product, &cap->usb_device.vendor);
    case NODEDEV_CAP_TYPE_SCSI_HOST:
        return check_scsi_host(&cap->scsi_host, new);
    case NODEDEV_CAP_TYPE_STORAGE:
        return check_storage(&cap->storage);
    default:
        return 0;
    }
}

static int check_parent(const NodedevParent *parent)
{
    if (!parent->wwnn == !parent->wwpn)
        return 0;
    return FAIL(VIR_ERR_XML_ERROR, "device.parent: '%s' is only half of the parent's names: wwnn and wwpn belong together",
                parent->wwnn ? parent->wwnn : parent->wwpn);
}

static int check(NodedevDef *def, bool new)
{
    if (!def->n_caps)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "device: a device has a <capability>");
    for (guint i = 0; i < def->n_caps; i++) {
        if (check_cap(def->caps[i], new) < 0)
            return -1;
    }
    return check_parent(&def->parent);
}

int nodedev_complete(NodedevDef *def)
{
    if (!def->name)
        return FAIL(VIR_ERR_NO_NAME, "device.name: a device that exists has a name");
    return check(def, false);
}

int nodedev_complete_new(NodedevDef *def)
{
    return check(def, true);
}
