/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Places on buses that only some machines have: the channel subsystem of s390 and the numbers that its PCI functions have
 * beside their places, virtio devices at addresses of memory, and the virtual I/O bus of POWER.
 */
#include "model/domain_private.h"

/* The channel subsystem of all virtual devices. */
#define CCW_CSSID 0xfe

static bool is_virtio_controller(const DomainController *controller)
{
    return controller->type == DOMAIN_CONTROLLER_TYPE_VIRTIO_SERIAL ||
           (controller->type == DOMAIN_CONTROLLER_TYPE_SCSI && (!controller->model || g_str_has_prefix(controller->model, "virtio")));
}

/* Devices that come in a form for each bus. */
static bool is_virtio(const char *kind, const void *device)
{
    static const char *const always[] = {"rng", "vsock", "crypto", "filesystem", NULL};

    if (g_strv_contains(always, kind))
        return true;
    if (strcmp(kind, "disk") == 0)
        return ((const DomainDisk *)device)->target.bus == DOMAIN_DISK_BUS_VIRTIO;
    if (strcmp(kind, "controller") == 0)
        return is_virtio_controller(device);
    if (strcmp(kind, "video") == 0)
        return ((const DomainVideo *)device)->type == DOMAIN_VIDEO_TYPE_VIRTIO;
    if (strcmp(kind, "input") == 0)
        return ((const DomainInput *)device)->bus == DOMAIN_INPUT_BUS_VIRTIO;
    if (strcmp(kind, "memballoon") == 0)
        return ((const DomainMemballoon *)device)->model != DOMAIN_MEMBALLOON_MODEL_NONE;
    if (strcmp(kind, "interface") == 0) {
        const DomainInterface *iface = device;
        return iface->source.type != DOMAIN_INTERFACE_TYPE_HOSTDEV && iface->model && g_str_has_prefix(iface->model, "virtio");
    }
    return false;
}

/* ---- addresses of memory ---- */

static int find_mmio(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    return info->address && info->address->type == DOMAIN_ADDRESS_TYPE_VIRTIO_MMIO;
}

static int place_mmio(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    if (!info->address && is_virtio(kind, device))
        domain_new_address(info, DOMAIN_ADDRESS_TYPE_VIRTIO_MMIO);
    return 0;
}

/* ---- the channel subsystem ---- */

enum { CCW_NUMBERS = 0x10000, CCW_SETS = 4 };

typedef struct {
    Bitmap *taken; /* Device numbers of all subchannel sets. */
    size_t next;
    bool late;     /* Whether it is the turn of the kinds that come last. */
} CcwPlan;

static int reserve_ccw(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    CcwPlan *plan = opaque;
    const CcwAddress *ccw = info->address && info->address->type == DOMAIN_ADDRESS_TYPE_CCW ? &info->address->ccw : NULL;
    size_t number = ccw ? (size_t)ccw->ssid * CCW_NUMBERS + ccw->devno : 0;

    if (!ccw)
        return 0;
    if (ccw->cssid > CCW_CSSID || ccw->ssid >= CCW_SETS)
        return domain_fail_device(def, kind, device, VIR_ERR_INTERNAL_ERROR, "there is no channel subsystem 0x%x with a subchannel "
                                  "set %u", ccw->cssid, ccw->ssid);
    if (ccw->cssid == CCW_CSSID && bitmap_test(plan->taken, number))
        return domain_fail_device(def, kind, device, VIR_ERR_XML_ERROR, "the ccw address %x.%x.%04x is used twice", ccw->cssid,
                                  ccw->ssid, ccw->devno);
    if (ccw->cssid == CCW_CSSID)
        bitmap_set(plan->taken, number);
    return 0;
}

static bool is_channel_device(const char *kind, const void *device)
{
    const DomainHostdev *dev = strcmp(kind, "hostdev") == 0 ? device : NULL;

    if (!dev)
        return is_virtio(kind, device);
    return dev->type == DOMAIN_HOSTDEV_TYPE_SCSI_HOST ||
           (dev->type == DOMAIN_HOSTDEV_TYPE_MDEV && g_strcmp0(dev->model, "vfio-ccw") == 0);
}

static int place_ccw(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    static const char *const late[] = {"rng", "vsock", "crypto", NULL};
    CcwPlan *plan = opaque;

    if (info->address || !is_channel_device(kind, device) || g_strv_contains(late, kind) != plan->late)
        return 0;
    while (bitmap_test(plan->taken, plan->next))
        plan->next++;
    if (plan->next >= CCW_NUMBERS * CCW_SETS)
        return domain_fail_device(def, kind, device, VIR_ERR_XML_ERROR, "no ccw address is left");
    CcwAddress *ccw = &domain_new_address(info, DOMAIN_ADDRESS_TYPE_CCW)->ccw;
    ccw->cssid = CCW_CSSID;
    ccw->ssid = plan->next / CCW_NUMBERS;
    ccw->devno = plan->next % CCW_NUMBERS;
    bitmap_set(plan->taken, plan->next);
    return 0;
}

static int place_channel_devices(DomainDef *def)
{
    g_autoptr(Bitmap) taken = bitmap_new(CCW_NUMBERS * CCW_SETS);
    CcwPlan plan = {.taken = taken};

    if (domain_def_each_device(def, reserve_ccw, &plan) < 0 || domain_def_each_device(def, place_ccw, &plan) < 0)
        return -1;
    plan.late = true;
    return domain_def_each_device(def, place_ccw, &plan);
}

int domain_address_virtio(DomainDef *def, const DomainMachineInfo *info)
{
    if (info->has_ccw)
        return place_channel_devices(def);
    if (info->has_mmio && (!info->pci_root || domain_def_each_device(def, find_mmio, NULL)))
        return domain_def_each_device(def, place_mmio, NULL);
    return 0;
}

/* ---- numbers of PCI functions on s390 ---- */

/* More than there can be PCI functions. */
enum { ZPCI_NUMBERS = 0x10000 };

typedef struct {
    Bitmap *uids, *fids;
} ZpciPlan;

static PciAddress *pci_of(DomainDeviceInfo *info)
{
    return info->address && info->address->type == DOMAIN_ADDRESS_TYPE_PCI ? &info->address->pci : NULL;
}

/* Numbers may be anything; those far above can't be in the way of the lowest free one. */
static int reserve_zpci(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    ZpciPlan *plan = opaque;
    const PciAddress *pci = pci_of(info);
    const ZpciAddress *zpci = pci ? pci->zpci : NULL;

    if (!zpci)
        return 0;
    if (zpci->uid && bitmap_test(plan->uids, zpci->uid))
        return domain_fail_device(def, kind, device, VIR_ERR_INTERNAL_ERROR, "zPCI uid 0x%04x is used twice", zpci->uid);
    if (zpci->uid)
        bitmap_set(plan->uids, zpci->uid);
    if (!zpci->has_fid || zpci->fid >= ZPCI_NUMBERS)
        return 0;
    if (bitmap_test(plan->fids, zpci->fid))
        return domain_fail_device(def, kind, device, VIR_ERR_INTERNAL_ERROR, "zPCI fid 0x%08x is used twice", zpci->fid);
    bitmap_set(plan->fids, zpci->fid);
    return 0;
}

static guint take_lowest(Bitmap *taken, guint from)
{
    while (bitmap_test(taken, from))
        from++;
    bitmap_set(taken, from);
    return from;
}

static int number_zpci(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    ZpciPlan *plan = opaque;
    PciAddress *pci = pci_of(info);

    if (!pci)
        return 0;
    if (!pci->zpci)
        pci->zpci = xml_struct_new(&ZPCI_ADDRESS_DESC);
    if (!pci->zpci->uid)
        pci->zpci->uid = take_lowest(plan->uids, 1);
    if (!pci->zpci->has_fid)
        pci->zpci->fid = take_lowest(plan->fids, 0);
    pci->zpci->has_fid = true;
    return 0;
}

int domain_address_zpci(DomainDef *def)
{
    g_autoptr(Bitmap) uids = bitmap_new(ZPCI_NUMBERS), fids = bitmap_new(ZPCI_NUMBERS);
    ZpciPlan plan = {uids, fids};

    if (domain_def_each_device(def, reserve_zpci, &plan) < 0)
        return -1;
    return domain_def_each_device(def, number_zpci, &plan);
}

/* ---- the virtual I/O bus of POWER ---- */

enum { VIO_STEP = 0x1000, VIO_NET = 0x1000, VIO_SCSI = 0x2000, VIO_NVRAM = 0x3000, VIO_SERIAL = 0x30000000 };

/* Where the first device of its kind is; 0: such a device isn't on this bus. */
static guint64 first_vio_place(const char *kind, const void *device)
{
    if (strcmp(kind, "nvram") == 0)
        return VIO_NVRAM;
    if (strcmp(kind, "interface") == 0)
        return g_strcmp0(((const DomainInterface *)device)->model, "spapr-vlan") == 0 ? VIO_NET : 0;
    if (strcmp(kind, "controller") == 0) {
        const DomainController *controller = device;
        return controller->type == DOMAIN_CONTROLLER_TYPE_SCSI && domain_controller_is_model(controller, "ibmvscsi") ? VIO_SCSI : 0;
    }
    if (strcmp(kind, "serial") == 0)
        return ((const DomainSerial *)device)->target.type == SERIAL_TARGET_TYPE_SPAPR_VIO_SERIAL ? VIO_SERIAL : 0;
    return 0;
}

static SpaprVioAddress *vio_of(DomainDeviceInfo *info)
{
    return info->address && info->address->type == DOMAIN_ADDRESS_TYPE_SPAPR_VIO ? &info->address->spapr_vio : NULL;
}

static gpointer vio_key(guint64 reg)
{
    return GSIZE_TO_POINTER(reg);
}

static int reserve_vio(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    const SpaprVioAddress *vio = vio_of(info);

    if (!vio || !vio->has_reg || strcmp(kind, "console") == 0)
        return 0;
    if (!g_hash_table_add(opaque, vio_key(vio->reg)))
        return domain_fail_device(def, kind, device, VIR_ERR_XML_ERROR, "the spapr-vio address 0x%" G_GINT64_MODIFIER "x is used twice",
                                  vio->reg);
    return 0;
}

static int place_vio(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    guint64 reg = first_vio_place(kind, device);
    SpaprVioAddress *vio = vio_of(info);

    if (!reg || (info->address && !vio) || (vio && vio->has_reg))
        return 0;
    while (!g_hash_table_add(opaque, vio_key(reg)))
        reg += VIO_STEP;
    vio = vio ?: &domain_new_address(info, DOMAIN_ADDRESS_TYPE_SPAPR_VIO)->spapr_vio;
    vio->reg = reg;
    vio->has_reg = true;
    return 0;
}

int domain_address_vio(DomainDef *def)
{
    g_autoptr(GHashTable) taken = g_hash_table_new(NULL, NULL);
    DomainDevices *devices = &def->devices;

    if (domain_def_each_device(def, reserve_vio, taken) < 0 || domain_def_each_device(def, place_vio, taken) < 0)
        return -1;
    /* The console that is the first port is in the same place. */
    if (!devices->n_consoles || devices->consoles[0]->target.type != CONSOLE_TARGET_TYPE_SERIAL || !devices->n_serials)
        return 0;
    const SpaprVioAddress *vio = vio_of(&devices->serials[0]->info);
    if (vio)
        domain_new_address(&devices->consoles[0]->info, DOMAIN_ADDRESS_TYPE_SPAPR_VIO)->spapr_vio = *vio;
    return 0;
}
