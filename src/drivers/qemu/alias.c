/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Aliases of devices, which are their ids in QEMU, and the numbers of disk images, which name QEMU's block nodes. Aliases
 * of the user ("ua-…") and of a definition that comes from a running guest are kept.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/qemu/command_block.h"
#include "drivers/qemu/command_priv.h"
#include "model/domain.h"

static void alias_set(DomainDeviceInfo *info, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static void alias_set(DomainDeviceInfo *info, const char *fmt, ...)
{
    va_list args;

    if (info->alias)
        return;
    va_start(args, fmt);
    info->alias = g_strdup_vprintf(fmt, args);
    va_end(args);
}

int qemu_disk_number(const char *target)
{
    const char *at = target;
    int n = 0;

    while (at && *at && !g_str_has_prefix(at, "d"))
        at++;
    if (!at || !*at || !at[1])
        return -1;
    for (at++; g_ascii_islower(*at) && n < 1 << 20; at++)
        n = n * 26 + (*at - 'a') + 1;
    return n - 1;
}

/* One kind of SCSI controller has units, but no targets. */
static gboolean has_targets(const DomainDef *def, guint controller)
{
    const DomainController *c = qemu_find_controller(def, DOMAIN_CONTROLLER_TYPE_SCSI, controller);

    return !c || g_strcmp0(c->model, "lsilogic") != 0;
}

static int alias_disk(const DomainDef *def, DomainDisk *disk)
{
    const DomainAddress *address = disk->info.address;
    const char *bus = domain_disk_bus_to_string(disk->target.bus);

    if (disk->info.alias)
        return 0;
    if (address && address->type == DOMAIN_ADDRESS_TYPE_DRIVE) {
        const DriveAddress *drive = &address->drive;

        if (disk->target.bus == DOMAIN_DISK_BUS_SCSI && has_targets(def, drive->controller))
            alias_set(&disk->info, "scsi%u-%u-%u-%u", drive->controller, drive->bus, drive->target, drive->unit);
        else
            alias_set(&disk->info, "%s%u-%u-%u", bus, drive->controller, drive->bus, drive->unit);
        return 0;
    }
    if (qemu_disk_number(disk->target.dev) < 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "disk target '%s' doesn't end in a letter that numbers it",
                    disk->target.dev ? disk->target.dev : "");
    alias_set(&disk->info, "%s-disk%d", bus ? bus : "virtio", qemu_disk_number(disk->target.dev));
    return 0;
}

static void alias_controller(const DomainDef *def, DomainController *controller)
{
    const char *type = domain_controller_type_to_string(controller->type);
    DomainMachineInfo machine;

    switch (controller->type) {
    case DOMAIN_CONTROLLER_TYPE_PCI:
        domain_machine_info(def->os.arch, def->os.machine, &machine);
        if (controller->index == 0 && machine.pci_bus)
            alias_set(&controller->info, "%s", machine.pci_bus);
        else
            alias_set(&controller->info, "pci.%u", controller->index);
        break;
    case DOMAIN_CONTROLLER_TYPE_USB:
    case DOMAIN_CONTROLLER_TYPE_IDE:
        /* The first of each has the name that QEMU gives the one on the board. */
        if (controller->index == 0)
            alias_set(&controller->info, "%s", type);
        else
            alias_set(&controller->info, "%s%u", type, controller->index);
        break;
    case DOMAIN_CONTROLLER_TYPE_SATA:
        if (controller->index == 0 && qemu_machine_is_q35(def->os.machine))
            alias_set(&controller->info, "ide");
        else
            alias_set(&controller->info, "sata%u", controller->index);
        break;
    default:
        alias_set(&controller->info, "%s%u", type, controller->index);
        break;
    }
}

void qemu_number_sources(DomainDef *def, guint floor)
{
    guint n = floor;

    for (guint i = 0; i < def->devices.n_disks; i++) {
        const DomainDisk *disk = def->devices.disks[i];

        n = MAX(n, disk->source.index);
        for (const DomainBackingStore *b = disk->backing_store; b; b = b->backing_store)
            n = MAX(n, b->source.index);
    }
    /* From the last disk to the first: the same numbers that running guests of other versions have. */
    for (guint i = def->devices.n_disks; i-- > 0;) {
        DomainDisk *disk = def->devices.disks[i];

        /* An empty drive takes its number, too, but has nothing that would bear it. */
        if (disk->source.index == 0 && ++n && qemu_disk_has_media(disk))
            disk->source.index = n;
        for (DomainBackingStore *b = disk->backing_store; b && b->source.type; b = b->backing_store) {
            if (b->source.index == 0)
                b->source.index = ++n;
        }
    }
}

/* The number behind the highest of the names with this beginning; 0 if there is none. */
static guint64 above(guint64 n, const char *alias, const char *name)
{
    guint64 number;

    if (!alias || !g_str_has_prefix(alias, name) || !g_ascii_string_to_unsigned(alias + strlen(name), 10, 0, G_MAXUINT32, &number, NULL))
        return n;
    return MAX(n, number + 1);
}

/* At the start by their place; what comes later gets a number that none had when it came. */
#define ALIAS_ALL(list, count, name) do { \
        guint64 next_ = 0; \
        for (guint i_ = 0; i_ < d->count; i_++) \
            next_ = above(next_, d->list[i_]->info.alias, name); \
        for (guint i_ = 0; i_ < d->count; i_++) { \
            if (!d->list[i_]->info.alias) \
                next_ = MAX(next_, i_); \
            alias_set(&d->list[i_]->info, name "%u", (guint)next_); \
            next_ = above(next_, d->list[i_]->info.alias, name); \
        } \
    } while (0)

static void alias_consoles(DomainDevices *d)
{
    for (guint i = 0; i < d->n_consoles; i++) {
        DomainConsole *console = d->consoles[i];

        /* The first console is the first serial port under another name. */
        if (console->target.type == CONSOLE_TARGET_TYPE_SERIAL && d->n_serials > 0)
            alias_set(&console->info, "%s", d->serials[0]->info.alias);
        else
            alias_set(&console->info, "console%u", i);
    }
}

static void alias_memories(DomainDevices *d)
{
    static const char *const names[DOMAIN_MEMORY_MODEL_LAST] = {
        [DOMAIN_MEMORY_MODEL_UNSET] = "dimm", [DOMAIN_MEMORY_MODEL_DIMM] = "dimm", [DOMAIN_MEMORY_MODEL_NVDIMM] = "nvdimm",
        [DOMAIN_MEMORY_MODEL_VIRTIO_PMEM] = "virtiopmem", [DOMAIN_MEMORY_MODEL_VIRTIO_MEM] = "virtiomem",
        [DOMAIN_MEMORY_MODEL_SGX_EPC] = "epc",
    };

    for (guint i = 0; i < d->n_memories; i++) {
        const char *name = names[d->memories[i]->model];
        guint64 next = 0;

        for (guint j = 0; j < d->n_memories; j++)
            next = above(next, d->memories[j]->info.alias, name);
        alias_set(&d->memories[i]->info, "%s%u", name, (guint)next);
    }
}

int qemu_assign_aliases(DomainDef *def)
{
    DomainDevices *d = &def->devices;

    for (guint i = 0; i < d->n_disks; i++) {
        if (alias_disk(def, d->disks[i]) < 0)
            return -1;
    }
    for (guint i = 0; i < d->n_controllers; i++)
        alias_controller(def, d->controllers[i]);
    ALIAS_ALL(filesystems, n_filesystems, "fs");
    ALIAS_ALL(interfaces, n_interfaces, "net");
    ALIAS_ALL(smartcards, n_smartcards, "smartcard");
    ALIAS_ALL(serials, n_serials, "serial");
    ALIAS_ALL(parallels, n_parallels, "parallel");
    ALIAS_ALL(channels, n_channels, "channel");
    alias_consoles(d);
    ALIAS_ALL(inputs, n_inputs, "input");
    ALIAS_ALL(tpms, n_tpms, "tpm");
    ALIAS_ALL(sounds, n_sounds, "sound");
    ALIAS_ALL(videos, n_videos, "video");
    ALIAS_ALL(hostdevs, n_hostdevs, "hostdev");
    ALIAS_ALL(redirdevs, n_redirdevs, "redir");
    ALIAS_ALL(hubs, n_hubs, "hub");
    ALIAS_ALL(watchdogs, n_watchdogs, "watchdog");
    ALIAS_ALL(rngs, n_rngs, "rng");
    ALIAS_ALL(panics, n_panics, "panic");
    ALIAS_ALL(shmems, n_shmems, "shmem");
    alias_memories(d);
    ALIAS_ALL(iommus, n_iommus, "iommu");
    ALIAS_ALL(cryptos, n_cryptos, "crypto");
    if (d->memballoon && d->memballoon->model != DOMAIN_MEMBALLOON_MODEL_NONE)
        alias_set(&d->memballoon->info, "balloon0");
    if (d->vsock)
        alias_set(&d->vsock->info, "vsock0");
    if (d->pstore)
        alias_set(&d->pstore->info, "pstore0");
    qemu_number_sources(def, 0);
    return 0;
}

int qemu_assign_channel_paths(DomainDef *def, const char *dir)
{
    for (guint i = 0; i < def->devices.n_channels; i++) {
        DomainChannel *channel = def->devices.channels[i];
        const char *name = channel->target.name ? channel->target.name : channel->info.alias;

        if (channel->source.type != CHARDEV_TYPE_UNIX || channel->source.path)
            continue;
        if (file_name_check("channel name", name) < 0)
            return -1;
        channel->source.path = g_strdup_printf("%s/%s", dir, name);
        if (!channel->source.mode)
            channel->source.mode = CHARDEV_MODE_BIND;
    }
    return 0;
}
