/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a machine can't have: devices and features that only others have. What depends on the QEMU at hand is found when the
 * command line is made.
 */
#include "model/domain_private.h"

#define UNSUPPORTED VIR_ERR_CONFIG_UNSUPPORTED

typedef struct {
    const DomainDef *def;
    XmlDiagnostics *diag;
    DomainMachineInfo info;
    const char *arch, *machine;
    bool x86, arm, riscv, s390, alpha;
    bool virt; /* The machine 'virt' of ARM or RISC-V. */
} Board;

static void describe(Board *board, const DomainDef *def, XmlDiagnostics *diag)
{
    const char *arch = def->os.arch ?: "x86_64", *machine = def->os.machine ?: "";

    *board = (Board){
        .def = def, .diag = diag, .arch = arch, .machine = machine, .x86 = domain_is_x86(def),
        .arm = g_str_has_prefix(arch, "arm") || strcmp(arch, "aarch64") == 0, .riscv = g_str_has_prefix(arch, "riscv"),
        .s390 = g_str_has_prefix(arch, "s390"), .alpha = strcmp(arch, "alpha") == 0,
        .virt = strcmp(machine, "virt") == 0 || g_str_has_prefix(machine, "virt-"),
    };
    domain_machine_info(arch, def->os.machine, &board->info);
}

/* ---- character devices ---- */

static void check_chardevs(const Board *board)
{
    const DomainDevices *d = &board->def->devices;

    for (guint i = 0; i < d->n_serials; i++) {
        SerialTargetType type = d->serials[i]->target.type;
        const DomainAddress *address = d->serials[i]->info.address;
        const char *name = serial_target_type_to_string(type);
        DomainPlace at = {board->diag, "serial", i};

        REFUSE_IF((type == SERIAL_TARGET_TYPE_SPAPR_VIO_SERIAL && !board->info.has_vio) ||
                  (type == SERIAL_TARGET_TYPE_SCLP_SERIAL && !board->info.has_ccw), &at, UNSUPPORTED,
                  "machine '%s' of '%s' has no serial port of type '%s'", board->machine, board->arch, name);
        REFUSE_IF((type == SERIAL_TARGET_TYPE_SYSTEM_SERIAL || type == SERIAL_TARGET_TYPE_SCLP_SERIAL) && address, &at, UNSUPPORTED,
                  "a serial port of type '%s' has its place on the board and no address", name);
    }
    for (guint i = 0; i < d->n_parallels; i++)
        REFUSE_IF(board->s390 || board->info.has_vio, &((DomainPlace){board->diag, "parallel", (int)i}), UNSUPPORTED,
                  "machine '%s' has no parallel ports", board->machine);
    for (guint i = 0; i < d->n_consoles; i++) {
        ConsoleTargetType type = d->consoles[i]->target.type;
        DomainPlace at = {board->diag, "console", i};

        REFUSE_IF((type == CONSOLE_TARGET_TYPE_SCLP || type == CONSOLE_TARGET_TYPE_SCLPLM) && !board->s390, &at, UNSUPPORTED,
                  "target type '%s' is for s390 machines only", console_target_type_to_string(type));
    }
}

/* ---- small devices ---- */

static void check_panic(const Board *board, guint i)
{
    DomainPanicModel model = board->def->devices.panics[i]->model;
    bool pc = model == DOMAIN_PANIC_MODEL_ISA || model == DOMAIN_PANIC_MODEL_HYPERV;
    bool own = model == DOMAIN_PANIC_MODEL_PSERIES || model == DOMAIN_PANIC_MODEL_S390;
    DomainPlace at = {board->diag, "panic", i};

    REFUSE_IF((pc && !board->x86) || (own && model != board->info.panic_model), &at, UNSUPPORTED,
              "machine '%s' of '%s' has no crash notifier of model '%s'", board->machine, board->arch,
              domain_panic_model_to_string(model));
}

static void check_tpm(const Board *board, guint i)
{
    DomainTpmModel model = board->def->devices.tpms[i]->model;
    bool power = model == DOMAIN_TPM_MODEL_TPM_SPAPR || model == DOMAIN_TPM_MODEL_SPAPR_TPM_PROXY;
    DomainPlace at = {board->diag, "tpm", i};

    REFUSE_IF(board->s390 || power != board->info.has_vio || (model == DOMAIN_TPM_MODEL_TPM_CRB && !board->x86 && !board->arm), &at,
              UNSUPPORTED, "machine '%s' of '%s' has no TPM of model '%s'", board->machine, board->arch,
              domain_tpm_model_to_string(model));
}

static void check_iommu(const Board *board, guint i)
{
    DomainIommuModel model = board->def->devices.iommus[i]->model;
    bool virt = board->arm && board->virt;
    bool possible = model == DOMAIN_IOMMU_MODEL_SMMUV3 ? virt : board->info.has_sata || (virt && model == DOMAIN_IOMMU_MODEL_VIRTIO);
    DomainPlace at = {board->diag, "iommu", i};

    REFUSE_IF(!possible, &at, UNSUPPORTED, "machine '%s' of '%s' has no IOMMU of model '%s'", board->machine, board->arch,
              domain_iommu_model_to_string(model));
    REFUSE_IF(possible && model == DOMAIN_IOMMU_MODEL_VIRTIO && !board->def->features.acpi, &at, UNSUPPORTED,
              "model 'virtio' needs <acpi/> in <features>");
}

static void check_hostdev(const Board *board, guint i)
{
    const DomainHostdev *dev = board->def->devices.hostdevs[i];
    bool channel = g_strcmp0(dev->model, "vfio-ccw") == 0 || g_strcmp0(dev->model, "vfio-ap") == 0;
    DomainPlace at = {board->diag, "hostdev", i};

    REFUSE_IF(dev->type == DOMAIN_HOSTDEV_TYPE_MDEV && channel && !board->s390, &at, UNSUPPORTED, "model '%s' is for s390 machines only",
              dev->model);
    REFUSE_IF(dev->type == DOMAIN_HOSTDEV_TYPE_SCSI_HOST && !board->info.pci_root, &at, UNSUPPORTED,
              "type 'scsi_host' needs a machine with PCI, or of s390; '%s' is none", board->machine);
}

static void check_small_devices(const Board *board)
{
    const DomainDevices *d = &board->def->devices;

    for (guint i = 0; i < d->n_panics; i++)
        check_panic(board, i);
    for (guint i = 0; i < d->n_tpms; i++)
        check_tpm(board, i);
    for (guint i = 0; i < d->n_iommus; i++)
        check_iommu(board, i);
    for (guint i = 0; i < d->n_hostdevs; i++)
        check_hostdev(board, i);
    for (guint i = 0; i < d->n_watchdogs; i++)
        REFUSE_IF(d->watchdogs[i]->model == DOMAIN_WATCHDOG_MODEL_DIAG288 && !board->s390,
                  &((DomainPlace){board->diag, "watchdog", (int)i}), UNSUPPORTED, "model 'diag288' is for s390 machines only");
    for (guint i = 0; i < d->n_inputs; i++)
        REFUSE_IF(d->inputs[i]->bus == DOMAIN_INPUT_BUS_PS2 && (board->arm || board->riscv || board->s390),
                  &((DomainPlace){board->diag, "input", (int)i}), UNSUPPORTED, "machine '%s' has no bus 'ps2'", board->machine);
    for (guint i = 0; i < d->n_shmems; i++)
        REFUSE_IF(board->s390, &((DomainPlace){board->diag, "shmem", (int)i}), UNSUPPORTED, "s390 machines have no shared memory devices");
    for (guint i = 0; i < d->n_videos; i++)
        REFUSE_IF(board->s390 && d->videos[i]->type != DOMAIN_VIDEO_TYPE_VIRTIO && d->videos[i]->type != DOMAIN_VIDEO_TYPE_NONE,
                  &((DomainPlace){board->diag, "video", (int)i}), UNSUPPORTED, "s390 machines have video of type 'virtio' only, not '%s'",
                  domain_video_type_to_string(d->videos[i]->type));
    for (guint i = 0; i < d->n_memories; i++)
        REFUSE_IF((board->s390 || board->riscv) && d->memories[i]->model == DOMAIN_MEMORY_MODEL_DIMM,
                  &((DomainPlace){board->diag, "memory", (int)i}), UNSUPPORTED, "machine '%s' of '%s' takes no memory modules",
                  board->machine, board->arch);
    REFUSE_IF(d->nvram && !g_str_has_prefix(board->arch, "ppc64"), &((DomainPlace){board->diag, "nvram", 0}), UNSUPPORTED,
              "nvram is for POWER machines only");
}

/* ---- buses ---- */

static void check_controller(const Board *board, guint i)
{
    const DomainController *c = board->def->devices.controllers[i];
    bool root = g_strcmp0(c->model, "pci-root") == 0 || g_strcmp0(c->model, "pcie-root") == 0;
    bool scsi = c->type == DOMAIN_CONTROLLER_TYPE_SCSI && c->model && !g_str_has_prefix(c->model, "virtio");
    DomainPlace at = {board->diag, "controller", i};

    REFUSE_IF(c->type == DOMAIN_CONTROLLER_TYPE_PCI && c->index && root && !board->info.has_vio, &at, VIR_ERR_XML_ERROR,
              "model '%s' has index='0'", c->model);
    REFUSE_IF(c->type == DOMAIN_CONTROLLER_TYPE_PCI && !board->info.pci_root, &at, VIR_ERR_XML_ERROR, "machine '%s' has no PCI",
              board->machine);
    REFUSE_IF(board->s390 && (c->type == DOMAIN_CONTROLLER_TYPE_SATA || (scsi && strcmp(c->model, "ibmvscsi"))), &at, UNSUPPORTED,
              "s390 machines have SCSI controllers of model 'virtio-scsi' only");
}

static int check_address(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    const Board *board = opaque;
    DomainAddressType type = info->address ? info->address->type : DOMAIN_ADDRESS_TYPE_UNSET;
    bool zpci = type == DOMAIN_ADDRESS_TYPE_PCI && info->address->pci.zpci;
    int code = 0;

    if ((type == DOMAIN_ADDRESS_TYPE_CCW && !board->info.has_ccw) || (type == DOMAIN_ADDRESS_TYPE_VIRTIO_MMIO && !board->info.has_mmio) ||
        (zpci && !board->s390))
        code = UNSUPPORTED;
    else if (type == DOMAIN_ADDRESS_TYPE_PCI && !board->info.pci_root)
        code = VIR_ERR_XML_ERROR;
    if (code) {
        g_autofree char *path = domain_device_place(def, kind, device);
        xml_diagnostics_add(board->diag, XML_PROBLEM_ERROR, code, 0, path, "machine '%s' has no %s of type '%s'", board->machine,
                            zpci ? "zPCI numbers for addresses" : "addresses", domain_address_type_to_string(type));
    }
    return 0;
}

/* ---- features ---- */

static void check_features(const Board *board)
{
    const DomainDef *def = board->def;
    const DomainFeatures *f = &def->features;
    bool pseries = board->info.has_vio, arm = board->virt && board->arm, riscv = board->virt && board->riscv;
    DomainPlace at = {board->diag, "features", -1}, clock = {board->diag, "clock", -1}, pm = {board->diag, "pm", -1};
    const struct { bool there, possible; const char *name; } known[] = {
        {f->has_gic, arm, "gic"}, {f->has_ras, arm, "ras"}, {f->aia, riscv, "aia"},
        {f->hpt.resizing || f->hpt.maxpagesize, pseries, "hpt"}, {f->has_htm, pseries, "htm"},
        {f->has_nested_hv, pseries, "nested-hv"}, {f->has_ccf_assist, pseries, "ccf-assist"}, {f->cfpc, pseries, "cfpc"},
        {f->sbbc, pseries, "sbbc"}, {f->ibs, pseries, "ibs"}, {f->has_smm, board->x86, "smm"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(known); i++)
        REFUSE_IF(known[i].there && !known[i].possible, &at, UNSUPPORTED, "'%s' is not possible on machine type '%s' of '%s'",
                  known[i].name, board->machine, board->arch);
    for (guint i = 0; i < def->clock.n_timers; i++)
        REFUSE_IF(def->clock.timers[i]->name == DOMAIN_TIMER_NAME_ARMVTIMER && (!arm || def->type != DOMAIN_VIRT_TYPE_KVM), &clock,
                  UNSUPPORTED, "timer 'armvtimer' is for the machine 'virt' of ARM with KVM only");
    REFUSE_IF((def->pm.suspend_to_mem || def->pm.suspend_to_disk) && (board->arm || board->riscv || board->s390 || board->alpha), &pm,
              UNSUPPORTED, "machine '%s' of '%s' has no sleep states that could be switched", board->machine, board->arch);
    REFUSE_IF(def->cpu && def->cpu->mode == CPU_MODE_MAXIMUM && !board->x86 && !board->arm && !board->s390,
              &((DomainPlace){board->diag, "cpu", -1}), UNSUPPORTED, "mode 'maximum' is not possible for '%s'", board->arch);
}

void domain_validate_machine(const DomainDef *def, XmlDiagnostics *diag)
{
    Board board;

    describe(&board, def, diag);
    check_features(&board);
    check_chardevs(&board);
    check_small_devices(&board);
    for (guint i = 0; i < def->devices.n_controllers; i++)
        check_controller(&board, i);
    domain_def_each_device((DomainDef *)def, check_address, &board);
}
