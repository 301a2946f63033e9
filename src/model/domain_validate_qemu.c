/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What QEMU's devices can't be, whichever QEMU it is. What only some lack is found when the command line is made.
 */
#include "model/domain_private.h"
#include <arpa/inet.h>

#define UNSUPPORTED VIR_ERR_CONFIG_UNSUPPORTED

static bool has_graphics(const DomainDef *def, DomainGraphicsType type)
{
    for (guint i = 0; i < def->devices.n_graphics; i++) {
        if (def->devices.graphics[i]->type == type)
            return true;
    }
    return false;
}

bool domain_memory_is_shared(const DomainDef *def)
{
    guint cells = def->cpu ? def->cpu->n_numa_cells : 0;
    bool whole = def->memory_backing && def->memory_backing->access == DOMAIN_MEMORY_ACCESS_SHARED, shared = whole || cells > 0;

    for (guint i = 0; shared && i < cells; i++) {
        const NumaCell *cell = def->cpu->numa_cells[i];
        shared = cell->mem_access ? cell->mem_access == DOMAIN_MEMORY_ACCESS_SHARED : whole;
    }
    return shared;
}

static void check_inputs(const DomainDef *def, XmlDiagnostics *diag)
{
    for (guint i = 0; i < def->devices.n_inputs; i++) {
        const DomainInput *input = def->devices.inputs[i];
        const char *type = domain_input_type_to_string(input->type), *bus = domain_input_bus_to_string(input->bus);
        bool simple = input->type == DOMAIN_INPUT_TYPE_MOUSE || input->type == DOMAIN_INPUT_TYPE_KEYBOARD;
        DomainPlace at = {diag, "input", i};

        REFUSE_IF(input->bus == DOMAIN_INPUT_BUS_PS2 && !simple, &at, VIR_ERR_INTERNAL_ERROR, "no input of type '%s' is on bus 'ps2'", type);
        REFUSE_IF(input->bus == DOMAIN_INPUT_BUS_XEN || input->bus == DOMAIN_INPUT_BUS_PARALLELS, &at, VIR_ERR_INTERNAL_ERROR,
                  "QEMU has no input on bus '%s'", bus);
        REFUSE_IF(input->bus == DOMAIN_INPUT_BUS_VIRTIO && input->type != DOMAIN_INPUT_TYPE_PASSTHROUGH &&
                  input->model > DOMAIN_INPUT_MODEL_VIRTIO, &at, UNSUPPORTED, "input of type '%s' has no model '%s'", type,
                  domain_input_model_to_string(input->model));
    }
}

static void check_shmems(const DomainDef *def, XmlDiagnostics *diag)
{
    for (guint i = 0; i < def->devices.n_shmems; i++) {
        const DomainShmem *shmem = def->devices.shmems[i];
        bool doorbell = shmem->model == DOMAIN_SHMEM_MODEL_IVSHMEM_DOORBELL, plain = shmem->model == DOMAIN_SHMEM_MODEL_IVSHMEM_PLAIN;
        DomainPlace at = {diag, "shmem", i};

        REFUSE_IF(strchr(shmem->name, '/') || strcmp(shmem->name, ".") == 0 || strcmp(shmem->name, "..") == 0, &at, UNSUPPORTED,
                  "the name '%s' can't be a file's", shmem->name);
        REFUSE_IF(shmem->has_msi && !shmem->has_server, &at, VIR_ERR_XML_ERROR, "only shared memory with a server has <msi>");
        REFUSE_IF(doorbell && !shmem->has_server, &at, UNSUPPORTED, "model 'ivshmem-doorbell' needs <server>");
        REFUSE_IF(plain && shmem->has_server, &at, UNSUPPORTED, "model 'ivshmem-plain' has no <server>");
    }
}

static void check_source(const DomainDef *def, const ChardevSource *source, const char *kind, guint i, XmlDiagnostics *diag)
{
    DomainPlace at = {diag, kind, i};

    REFUSE_IF((source->type == CHARDEV_TYPE_SPICEVMC || source->type == CHARDEV_TYPE_SPICEPORT) &&
              !has_graphics(def, DOMAIN_GRAPHICS_TYPE_SPICE), &at, UNSUPPORTED, "type '%s' needs <graphics type='spice'>",
              chardev_type_to_string(source->type));
}

/* On which bus of serial ports a model is. */
static SerialTargetType bus_of(SerialTargetModel model)
{
    switch (model) {
    case SERIAL_TARGET_MODEL_ISA_SERIAL:
        return SERIAL_TARGET_TYPE_ISA_SERIAL;
    case SERIAL_TARGET_MODEL_USB_SERIAL:
        return SERIAL_TARGET_TYPE_USB_SERIAL;
    case SERIAL_TARGET_MODEL_PCI_SERIAL:
        return SERIAL_TARGET_TYPE_PCI_SERIAL;
    case SERIAL_TARGET_MODEL_SPAPR_VTY:
        return SERIAL_TARGET_TYPE_SPAPR_VIO_SERIAL;
    case SERIAL_TARGET_MODEL_PL011:
    case SERIAL_TARGET_MODEL_16550A:
        return SERIAL_TARGET_TYPE_SYSTEM_SERIAL;
    case SERIAL_TARGET_MODEL_SCLPCONSOLE:
    case SERIAL_TARGET_MODEL_SCLPLMCONSOLE:
        return SERIAL_TARGET_TYPE_SCLP_SERIAL;
    case SERIAL_TARGET_MODEL_ISA_DEBUGCON:
        return SERIAL_TARGET_TYPE_ISA_DEBUG;
    default:
        return SERIAL_TARGET_TYPE_UNSET;
    }
}

static void check_serial(const DomainDef *def, guint i, XmlDiagnostics *diag)
{
    const DomainSerial *serial = def->devices.serials[i];
    SerialTargetType type = serial->target.type, bus = bus_of(serial->target.model);
    DomainPlace at = {diag, "serial", i};

    REFUSE_IF(serial->source.type == CHARDEV_TYPE_SPICEVMC, &at, UNSUPPORTED, "type 'spicevmc' is for channels of type 'virtio' only");
    if (serial->source.type != CHARDEV_TYPE_SPICEVMC)
        check_source(def, &serial->source, "serial", i, diag);
    REFUSE_IF(type && bus && type != bus, &at, UNSUPPORTED, "model '%s' needs target type '%s'",
              serial_target_model_to_string(serial->target.model), serial_target_type_to_string(bus));
}

static void check_channel(const DomainDef *def, guint i, XmlDiagnostics *diag)
{
    const DomainChannel *channel = def->devices.channels[i];
    const char *address = channel->target.address ? channel->target.address : "";
    DomainPlace at = {diag, "channel", i};
    struct in_addr v4;
    struct in6_addr v6;

    if (channel->target.type != CHANNEL_TARGET_TYPE_GUESTFWD)
        return;
    REFUSE_IF(!channel->target.port, &at, VIR_ERR_XML_ERROR, "target type 'guestfwd' needs a port");
    REFUSE_IF(inet_pton(AF_INET6, address, &v6) == 1, &at, UNSUPPORTED, "target type 'guestfwd' takes IPv4 addresses only");
    REFUSE_IF(inet_pton(AF_INET6, address, &v6) != 1 && inet_pton(AF_INET, address, &v4) != 1, &at, VIR_ERR_SYSTEM_ERROR,
              "'%s' is no IPv4 address", address);
}

static void check_chardevs(const DomainDef *def, XmlDiagnostics *diag)
{
    const DomainDevices *d = &def->devices;

    for (guint i = 0; i < d->n_serials; i++)
        check_serial(def, i, diag);
    for (guint i = 0; i < d->n_parallels; i++) {
        DomainPlace at = {diag, "parallel", i};
        bool vmc = d->parallels[i]->source.type == CHARDEV_TYPE_SPICEVMC;

        REFUSE_IF(vmc, &at, UNSUPPORTED, "type 'spicevmc' is for channels of type 'virtio' only");
        if (!vmc)
            check_source(def, &d->parallels[i]->source, "parallel", i, diag);
    }
    for (guint i = 0; i < d->n_rngs; i++)
        check_source(def, &d->rngs[i]->backend.source, "rng", i, diag);
    for (guint i = 0; i < d->n_channels; i++) {
        check_source(def, &d->channels[i]->source, "channel", i, diag);
        check_channel(def, i, diag);
    }
    for (guint i = 0; i < d->n_redirdevs; i++)
        check_source(def, &d->redirdevs[i]->source, "redirdev", i, diag);
    for (guint i = 0; i < d->n_smartcards; i++) {
        DomainPlace at = {diag, "smartcard", i};

        check_source(def, &d->smartcards[i]->source, "smartcard", i, diag);
        REFUSE_IF(i > 0, &at, UNSUPPORTED, "QEMU takes one smartcard");
        REFUSE_IF(d->smartcards[i]->mode == SMARTCARD_MODE_HOST_CERTIFICATES && d->smartcards[i]->n_certificates != 3, &at,
                  VIR_ERR_XML_ERROR, "mode 'host-certificates' needs three certificates");
    }
    for (guint i = 0; i < d->n_consoles; i++) {
        ConsoleTargetType type = d->consoles[i]->target.type;
        DomainPlace at = {diag, "console", i};

        REFUSE_IF(type == CONSOLE_TARGET_TYPE_XEN || type == CONSOLE_TARGET_TYPE_UML || type == CONSOLE_TARGET_TYPE_LXC ||
                  type == CONSOLE_TARGET_TYPE_OPENVZ, &at, UNSUPPORTED, "QEMU has no console of type '%s'",
                  console_target_type_to_string(type));
    }
}

static void check_filesystem(const DomainDef *def, guint i, XmlDiagnostics *diag)
{
    const DomainFilesystem *fs = def->devices.filesystems[i];
    bool virtiofs = fs->driver.type == FILESYSTEM_DRIVER_TYPE_VIRTIOFS;
    DomainPlace at = {diag, "filesystem", i};

    REFUSE_IF(fs->type != FILESYSTEM_TYPE_MOUNT, &at, UNSUPPORTED, "QEMU shares folders (type='mount') only, no file system of type '%s'",
              filesystem_type_to_string(fs->type));
    REFUSE_IF(fs->driver.type == FILESYSTEM_DRIVER_TYPE_NBD || fs->driver.type == FILESYSTEM_DRIVER_TYPE_PLOOP, &at, UNSUPPORTED,
              "QEMU has no driver '%s' for folders", filesystem_driver_type_to_string(fs->driver.type));
    REFUSE_IF((fs->fmode || fs->dmode) && fs->accessmode != FILESYSTEM_ACCESS_MAPPED, &at, UNSUPPORTED,
              "fmode and dmode need accessmode='mapped'");
    REFUSE_IF(virtiofs && fs->readonly, &at, UNSUPPORTED, "virtiofs has no read-only folders");
    REFUSE_IF(virtiofs && !domain_memory_is_shared(def), &at, UNSUPPORTED, "virtiofs needs the guest's memory to be shared (<memoryBacking> with "
              "<source type='memfd'/> and <access mode='shared'/>)");
}

static void check_hostdev(const DomainDef *def, guint i, XmlDiagnostics *diag)
{
    const DomainHostdev *dev = def->devices.hostdevs[i];
    DomainPlace at = {diag, "hostdev", i};

    REFUSE_IF(dev->mode != DOMAIN_HOSTDEV_MODE_SUBSYSTEM, &at, UNSUPPORTED, "QEMU has no devices of mode '%s'",
              domain_hostdev_mode_to_string(dev->mode));
    REFUSE_IF(dev->type == DOMAIN_HOSTDEV_TYPE_MDEV && dev->display == TRISTATE_ON && def->devices.n_graphics == 0, &at, UNSUPPORTED,
              "display='on' needs a display of the domain");
    REFUSE_IF(dev->sgio == DOMAIN_DISK_SGIO_UNFILTERED, &at, UNSUPPORTED, "no kernel has SCSI commands that aren't filtered any more");
    REFUSE_IF(dev->source.write_filtering, &at, UNSUPPORTED, "QEMU doesn't filter writes to the configuration of PCI devices");
}

static void check_video(const DomainDef *def, guint i, XmlDiagnostics *diag)
{
    const DomainVideo *video = def->devices.videos[i];
    DomainPlace at = {diag, "video", i};

    REFUSE_IF(video->type == DOMAIN_VIDEO_TYPE_XEN || video->type == DOMAIN_VIDEO_TYPE_VBOX || video->type == DOMAIN_VIDEO_TYPE_PARALLELS ||
              video->type == DOMAIN_VIDEO_TYPE_GOP, &at, UNSUPPORTED, "QEMU has no video of type '%s'", domain_video_type_to_string(video->type));
    REFUSE_IF(video->acceleration.accel2d == TRISTATE_YES, &at, UNSUPPORTED, "QEMU has no 2D acceleration that could be switched on");
    REFUSE_IF(video->acceleration.rendernode && video->driver.name != VIDEO_BACKEND_VHOSTUSER, &at, UNSUPPORTED,
              "only a card with <driver name='vhostuser'/> has a rendernode");
}

static bool is_fixed_unmixed(const AudioStream *stream)
{
    return stream && stream->fixed_settings == TRISTATE_YES && stream->mixing_engine != TRISTATE_YES;
}

static void check_display(const DomainDef *def, XmlDiagnostics *diag)
{
    const DomainDevices *d = &def->devices;

    for (guint i = 0; i < d->n_videos; i++)
        check_video(def, i, diag);
    for (guint i = 0; i < d->n_graphics; i++) {
        DomainPlace at = {diag, "graphics", i};
        REFUSE_IF(d->graphics[i]->type == DOMAIN_GRAPHICS_TYPE_DESKTOP, &at, UNSUPPORTED, "QEMU has no display of type 'desktop'");
    }
    for (guint i = 0; i < d->n_audios; i++) {
        DomainPlace at = {diag, "audio", i};
        REFUSE_IF(is_fixed_unmixed(d->audios[i]->input) || is_fixed_unmixed(d->audios[i]->output), &at, UNSUPPORTED,
                  "fixedSettings='yes' needs mixingEngine='yes'");
        REFUSE_IF(d->audios[i]->type == DOMAIN_AUDIO_TYPE_SPICE && !has_graphics(def, DOMAIN_GRAPHICS_TYPE_SPICE), &at, UNSUPPORTED,
                  "type 'spice' needs <graphics type='spice'>");
    }
    for (guint i = 0; i < d->n_sounds; i++) {
        DomainPlace at = {diag, "sound", i};
        REFUSE_IF(d->sounds[i]->model == DOMAIN_SOUND_MODEL_ICH7, &at, VIR_ERR_INTERNAL_ERROR, "QEMU has no sound card of model 'ich7'");
    }
}

static void check_controller(const DomainDef *def, guint i, XmlDiagnostics *diag)
{
    const DomainController *c = def->devices.controllers[i];
    const DomainControllerDriver *d = &c->driver;
    bool virtio = c->type == DOMAIN_CONTROLLER_TYPE_SCSI && (!c->model || g_str_has_prefix(c->model, "virtio"));
    DomainPlace at = {diag, "controller", i};

    REFUSE_IF((d->queues || d->cmd_per_lun || d->max_sectors || d->ioeventfd || d->iothread) && !virtio, &at, UNSUPPORTED,
              "queues, cmd_per_lun, max_sectors, ioeventfd and iothread are for SCSI controllers of model 'virtio-scsi' only");
    REFUSE_IF(c->type == DOMAIN_CONTROLLER_TYPE_ISA, &at, UNSUPPORTED, "QEMU has no controllers of type 'isa'");
}

static void check_iommu(const DomainDevices *d, guint i, XmlDiagnostics *diag)
{
    const DomainIommu *iommu = d->iommus[i];
    const DomainIommuDriver *driver = &iommu->driver;
    DomainPlace at = {diag, "iommu", (int)i};

    REFUSE_IF(driver->eim == TRISTATE_ON && driver->intremap != TRISTATE_ON, &at, UNSUPPORTED, "eim='on' needs intremap='on'");
    REFUSE_IF((driver->xtsup || driver->passthrough) && iommu->model != DOMAIN_IOMMU_MODEL_AMD, &at, UNSUPPORTED,
              "xtsup and passthrough are for model 'amd'");
    REFUSE_IF(driver->has_pci_bus && iommu->model != DOMAIN_IOMMU_MODEL_SMMUV3, &at, UNSUPPORTED, "pciBus is for model 'smmuv3'");
    for (guint j = 0; j < i; j++)
        REFUSE_IF(!driver->has_pci_bus || !d->iommus[j]->driver.has_pci_bus || driver->pci_bus == d->iommus[j]->driver.pci_bus, &at, VIR_ERR_XML_ERROR,
                  "a guest has one IOMMU, or several of model 'smmuv3', each with a pciBus of its own");
}

/* Devices about which there is a single rule. */
static void check_others(const DomainDef *def, XmlDiagnostics *diag)
{
    const DomainDevices *d = &def->devices;
    bool power = def->os.arch && g_str_has_prefix(def->os.arch, "ppc64");

    for (guint i = 0; i < d->n_tpms; i++)
        REFUSE_IF(!d->tpms[i]->backend.type, &((DomainPlace){diag, "tpm", (int)i}), VIR_ERR_XML_ERROR, "missing backend");
    for (guint i = 0; i < d->n_iommus; i++)
        check_iommu(d, i, diag);
    REFUSE_IF(d->memballoon && d->memballoon->model == DOMAIN_MEMBALLOON_MODEL_XEN, &((DomainPlace){diag, "memballoon", 0}), UNSUPPORTED,
              "QEMU has no balloon of model 'xen'");
    for (guint i = 0; i < d->n_memories; i++)
        REFUSE_IF(d->memories[i]->has_uuid && !power, &((DomainPlace){diag, "memory", (int)i}), UNSUPPORTED,
                  "an NVDIMM has a uuid on POWER machines only");
    for (guint i = 0; i < d->n_graphics; i++)
        REFUSE_IF(d->graphics[i]->type == DOMAIN_GRAPHICS_TYPE_VNC && d->graphics[i]->connected &&
                  d->graphics[i]->connected != GRAPHICS_AUTH_CONNECTED_KEEP,
                  &((DomainPlace){diag, "graphics", (int)i}), UNSUPPORTED, "VNC supports connected='keep' only");
}

/* Types of addresses that say nothing. */
static bool may_be_at(DomainAddressType type, const char *kind)
{
    return type != DOMAIN_ADDRESS_TYPE_NONE && type != DOMAIN_ADDRESS_TYPE_MDEV && type != DOMAIN_ADDRESS_TYPE_VIRTIO_S390 &&
        (type != DOMAIN_ADDRESS_TYPE_UNASSIGNED || strcmp(kind, "hostdev") == 0);
}

static int check_address(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    if (info->address && !may_be_at(info->address->type, kind)) {
        g_autofree char *path = domain_device_place(def, kind, device);
        xml_diagnostics_add(opaque, XML_PROBLEM_ERROR, info->address->type == DOMAIN_ADDRESS_TYPE_VIRTIO_S390 ? VIR_ERR_XML_ERROR : UNSUPPORTED,
                            0, path, "an address of type '%s' can't be given", domain_address_type_to_string(info->address->type));
    }
    return 0;
}

void domain_validate_qemu(const DomainDef *def, XmlDiagnostics *diag)
{
    const DomainDevices *d = &def->devices;
    DomainPlace vsock = {diag, "vsock", 0};

    domain_validate_machine(def, diag);
    check_inputs(def, diag);
    check_shmems(def, diag);
    check_chardevs(def, diag);
    check_display(def, diag);
    check_others(def, diag);
    domain_def_each_device((DomainDef *)def, check_address, diag);
    for (guint i = 0; i < d->n_filesystems; i++)
        check_filesystem(def, i, diag);
    for (guint i = 0; i < d->n_hostdevs; i++)
        check_hostdev(def, i, diag);
    for (guint i = 0; i < d->n_controllers; i++)
        check_controller(def, i, diag);
    for (guint i = 0; i < d->n_interfaces; i++) {
        const DomainInterface *net = d->interfaces[i];
        DomainPlace at = {diag, "interface", i};

        REFUSE_IF((net->n_ips && net->source.type != DOMAIN_INTERFACE_TYPE_USER) || net->n_routes, &at, UNSUPPORTED, "QEMU doesn't give addresses and routes to the guest; its agent, or a "
                  "network with DHCP, can");
        REFUSE_IF(net->teaming.type == INTERFACE_TEAMING_TYPE_PERSISTENT && !(net->model && g_str_has_prefix(net->model, "virtio")), &at,
                  UNSUPPORTED, "the persistent part of a pair needs the model 'virtio'");
        REFUSE_IF(net->virtualport && net->virtualport->type == INTERFACE_VIRTUALPORT_TYPE_NONE, &at, UNSUPPORTED,
                  "a <virtualport> of type 'none' is none");
        REFUSE_IF(net->port_isolated == TRISTATE_YES && net->source.type != DOMAIN_INTERFACE_TYPE_BRIDGE &&
                  net->source.type != DOMAIN_INTERFACE_TYPE_NETWORK, &at, UNSUPPORTED, "only interfaces on a bridge have isolated ports");
    }
    REFUSE_IF(d->vsock && d->vsock->cid.address && d->vsock->cid.address < 3, &vsock, UNSUPPORTED,
              "the number %u is not a guest's: they begin at 3", d->vsock->cid.address);
}
