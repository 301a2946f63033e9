/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Defaults of disks, interfaces and the smaller devices.
 */
#include "model/domain_private.h"
#include "base/random.h"
#include "base/uuid.h"

/* Disks */

static DomainDiskBus bus_of_name(const DomainDisk *disk)
{
    static const struct {
        const char *prefix;
        DomainDiskBus bus;
    } names[] = {
        {"hd", DOMAIN_DISK_BUS_IDE}, {"sd", DOMAIN_DISK_BUS_SCSI}, {"vd", DOMAIN_DISK_BUS_VIRTIO},
        {"xvd", DOMAIN_DISK_BUS_XEN}, {"ubd", DOMAIN_DISK_BUS_UML}, {"fd", DOMAIN_DISK_BUS_FDC},
    };

    if (disk->device == DOMAIN_DISK_DEVICE_FLOPPY)
        return DOMAIN_DISK_BUS_FDC;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_str_has_prefix(disk->target.dev, names[i].prefix))
            return names[i].bus;
    }
    return DOMAIN_DISK_BUS_IDE;
}

static bool has_format(const DomainDisk *disk)
{
    return disk->source.type != DOMAIN_DISK_TYPE_VOLUME && disk->source.type != DOMAIN_DISK_TYPE_DIR;
}

/* An iSCSI target without the number of a unit is unit 0. */
static void complete_target(char **name)
{
    if (!*name || strchr(*name, '/'))
        return;
    char *whole = g_strconcat(*name, "/0", NULL);
    g_free(*name);
    *name = whole;
}

static int default_disk(DomainDef *def, DomainDisk *disk)
{
    if (domain_disk_index(disk->target.dev) < 0)
        return domain_fail_device(def, "disk", disk, VIR_ERR_XML_ERROR, "target name '%s' has no such form as vda, sdb, hdc, fda",
                                  disk->target.dev);
    if (!disk->target.bus)
        disk->target.bus = bus_of_name(disk);
    if (disk->device == DOMAIN_DISK_DEVICE_CDROM)
        disk->readonly = true;
    if (disk->source.type == DOMAIN_DISK_TYPE_VHOSTUSER && !disk->snapshot)
        disk->snapshot = DOMAIN_DISK_SNAPSHOT_NO;
    if (!domain_is_qemu(def))
        return 0;
    if (disk->source.type == DOMAIN_DISK_TYPE_NETWORK && disk->source.protocol == STORAGE_PROTOCOL_ISCSI)
        complete_target(&disk->source.name);
    if (!disk->driver.name)
        disk->driver.name = g_strdup("qemu");
    if (!disk->driver.type && has_format(disk))
        disk->driver.type = STORAGE_FORMAT_RAW;
    return 0;
}

/* Disks of one bus stand together, by the letters of their names; the buses in the order of their first disks.
 * Guests know a disk by its place on the bus, so places must not depend on the order in the document. */
static void place_disk(DomainDisk **disks, guint at)
{
    DomainDisk *disk = disks[at];
    int index = domain_disk_index(disk->target.dev);
    guint place = at;

    for (guint i = at; i-- > 0;) {
        if (disks[i]->target.bus != disk->target.bus)
            continue;
        if (domain_disk_index(disks[i]->target.dev) <= index) {
            if (place == at)
                place = i + 1;
            break;
        }
        place = i;
    }
    memmove(disks + place + 1, disks + place, (at - place) * sizeof *disks);
    disks[place] = disk;
}

/* Interfaces */

/* The prefix that everybody knows for virtual machines; the rest by chance, unlike those already there. */
static void generate_mac(DomainDef *def, DomainInterface *iface)
{
    bool taken;

    do {
        taken = false;
        iface->mac[0] = 0x52;
        iface->mac[1] = 0x54;
        iface->mac[2] = 0x00;
        random_bytes(iface->mac + 3, 3);
        for (guint i = 0; i < def->devices.n_interfaces; i++) {
            const DomainInterface *other = def->devices.interfaces[i];
            taken = taken || (other != iface && other->has_mac && !memcmp(other->mac, iface->mac, 6));
        }
    } while (taken);
    iface->has_mac = true;
}

/* Switches know a guest by an id of its own, for as long as it is defined. */
static void default_virtualport(InterfaceVirtualport *vp)
{
    InterfaceVirtualportParameters *p = &vp->parameters;

    if (vp->type == INTERFACE_VIRTUALPORT_TYPE_OPENVSWITCH && !p->has_interfaceid) {
        uuid_generate(p->interfaceid);
        p->has_interfaceid = true;
    }
    if (vp->type == INTERFACE_VIRTUALPORT_TYPE_802_1QBG && !p->has_instanceid) {
        uuid_generate(p->instanceid);
        p->has_instanceid = true;
    }
}

/* What documents of running guests tell besides of the network that an interface has its bridge or device from. */
static void forget_network(InterfaceSource *source)
{
    g_clear_pointer(&source->network, g_free);
    g_clear_pointer(&source->portgroup, g_free);
    source->has_portid = false;
}

static void default_interface(DomainDef *def, DomainInterface *iface, const DomainMachineInfo *info)
{
    if (iface->source.type != DOMAIN_INTERFACE_TYPE_NETWORK)
        forget_network(&iface->source);
    if (!iface->has_mac)
        generate_mac(def, iface);
    if (iface->virtualport)
        default_virtualport(iface->virtualport);
    if (!iface->model && iface->source.type != DOMAIN_INTERFACE_TYPE_HOSTDEV)
        iface->model = g_strdup(iface->source.type == DOMAIN_INTERFACE_TYPE_VDPA ? "virtio" : info->net_model);
}

/* The rest */

static void default_inputs(DomainDef *def, const DomainMachineInfo *info)
{
    for (guint i = 0; i < def->devices.n_inputs; i++) {
        DomainInput *input = def->devices.inputs[i];
        if (input->bus)
            continue;
        if (input->type == DOMAIN_INPUT_TYPE_TABLET || input->type == DOMAIN_INPUT_TYPE_MOUSE ||
            input->type == DOMAIN_INPUT_TYPE_KEYBOARD)
            input->bus = input->type != DOMAIN_INPUT_TYPE_TABLET && info->has_ps2 ? DOMAIN_INPUT_BUS_PS2
                       : info->has_ccw ? DOMAIN_INPUT_BUS_VIRTIO : DOMAIN_INPUT_BUS_USB;
        else if (input->type == DOMAIN_INPUT_TYPE_PASSTHROUGH)
            input->bus = DOMAIN_INPUT_BUS_VIRTIO;
    }
}

static void add_input(DomainDef *def, DomainInputType type, DomainInputBus bus)
{
    for (guint i = 0; i < def->devices.n_inputs; i++) {
        if (def->devices.inputs[i]->type == type && def->devices.inputs[i]->bus == bus)
            return;
    }
    DomainInput *input = xml_struct_new(&DOMAIN_INPUT_DESC);
    input->type = type;
    input->bus = bus;
    XML_LIST_APPEND(def->devices.inputs, def->devices.n_inputs, input);
}

/* A mediated card shows nothing unless it is told to. */
static void default_hostdev(DomainHostdev *dev)
{
    if (dev->type == DOMAIN_HOSTDEV_TYPE_MDEV && g_strcmp0(dev->model, "vfio-pci") == 0 && !dev->display)
        dev->display = TRISTATE_OFF;
    if (dev->source.protocol == HOSTDEV_PROTOCOL_ISCSI)
        complete_target(&dev->source.name);
}

static bool has_panic(const DomainDevices *devices, DomainPanicModel model)
{
    for (guint i = 0; i < devices->n_panics; i++) {
        if (devices->panics[i]->model == model)
            return true;
    }
    return false;
}

static void default_small_devices(DomainDef *def, const DomainMachineInfo *info)
{
    DomainDevices *devices = &def->devices;

    for (guint i = 0; i < devices->n_rngs; i++) {
        DomainRngBackendSource *backend = &devices->rngs[i]->backend;
        if (backend->model == DOMAIN_RNG_BACKEND_MODEL_RANDOM && !backend->random)
            backend->random = g_strdup("/dev/urandom");
    }
    for (guint i = 0; i < devices->n_hostdevs; i++) {
        if (!devices->hostdevs[i]->managed)
            devices->hostdevs[i]->managed = TRISTATE_NO;
    }
    for (guint i = 0; i < devices->n_hostdevs && domain_is_qemu(def); i++)
        default_hostdev(devices->hostdevs[i]);
    for (guint i = 0; i < devices->n_shmems && domain_is_qemu(def); i++) {
        DomainShmem *shmem = devices->shmems[i];
        if (!shmem->has_server)
            continue;
        shmem->has_msi = true;
        shmem->msi.ioeventfd = shmem->msi.ioeventfd ?: TRISTATE_ON;
    }
    for (guint i = 0; i < devices->n_memories; i++)
        devices->memories[i]->target.has_requested |= devices->memories[i]->model == DOMAIN_MEMORY_MODEL_VIRTIO_MEM;
    for (guint i = 0; i < devices->n_panics && domain_is_qemu(def); i++) {
        if (!devices->panics[i]->model)
            devices->panics[i]->model = info->panic_model ?: DOMAIN_PANIC_MODEL_ISA;
    }
    if (info->panic_model && !has_panic(devices, info->panic_model)) {
        DomainPanic *panic = xml_struct_new(&DOMAIN_PANIC_DESC);
        panic->model = info->panic_model;
        XML_LIST_APPEND(devices->panics, devices->n_panics, panic);
    }
    for (guint i = 0; i < devices->n_tpms; i++) {
        DomainTpm *tpm = devices->tpms[i];
        if (!tpm->model)
            tpm->model = g_strcmp0(def->os.arch, "ppc64") == 0 || g_strcmp0(def->os.arch, "ppc64le") == 0
                ? DOMAIN_TPM_MODEL_TPM_SPAPR : DOMAIN_TPM_MODEL_TPM_TIS;
        if (tpm->backend.type == DOMAIN_TPM_BACKEND_TYPE_EMULATOR && !tpm->backend.version && domain_is_qemu(def))
            tpm->backend.version = DOMAIN_TPM_VERSION_2_0;
    }
    if (!devices->memballoon && info->has_memballoon) {
        devices->memballoon = xml_struct_new(&DOMAIN_MEMBALLOON_DESC);
        devices->memballoon->model = DOMAIN_MEMBALLOON_MODEL_VIRTIO;
    }
    if (devices->pstore && !devices->pstore->path && info->nvram_dir)
        devices->pstore->path = g_strdup_printf("%s/%s_PSTORE.raw", info->nvram_dir, def->name);
    if (devices->vsock && (!devices->vsock->model || devices->vsock->model == DOMAIN_VSOCK_MODEL_DEFAULT))
        devices->vsock->model = DOMAIN_VSOCK_MODEL_VIRTIO;
    if (devices->vsock && devices->vsock->cid.address && !devices->vsock->cid.automatic)
        devices->vsock->cid.automatic = TRISTATE_NO;
}

int domain_defaults_devices(DomainDef *def, const DomainMachineInfo *info)
{
    for (guint i = 0; i < def->devices.n_disks; i++) {
        if (default_disk(def, def->devices.disks[i]) < 0)
            return -1;
    }
    for (guint i = 1; i < def->devices.n_disks; i++)
        place_disk(def->devices.disks, i);
    for (guint i = 0; i < def->devices.n_interfaces; i++)
        default_interface(def, def->devices.interfaces[i], info);
    default_inputs(def, info);
    if (info->has_ps2) {
        add_input(def, DOMAIN_INPUT_TYPE_MOUSE, DOMAIN_INPUT_BUS_PS2);
        add_input(def, DOMAIN_INPUT_TYPE_KEYBOARD, DOMAIN_INPUT_BUS_PS2);
    }
    if (info->usb_inputs && def->devices.n_graphics) {
        add_input(def, DOMAIN_INPUT_TYPE_KEYBOARD, DOMAIN_INPUT_BUS_USB);
        add_input(def, DOMAIN_INPUT_TYPE_MOUSE, DOMAIN_INPUT_BUS_USB);
    }
    default_small_devices(def, info);
    return 0;
}
