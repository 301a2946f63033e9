/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which files of the host a guest uses by their names. What is passed as a descriptor isn't among them (logs of serial lines, sockets that
 * listen, tap devices), nor is what several programs of the host share (render nodes, /dev/kvm): for those there are groups.
 */
#define ERROR_DOMAIN VIR_FROM_SECURITY
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/uuid.h"
#include "drivers/qemu/nics.h"
#include "drivers/qemu/security.h"

#define MAX_ENTRIES 64

static void guest_file_free(void *opaque)
{
    GuestFile *file = opaque;

    g_free(file->path);
    g_free(file->what);
    g_free(file);
}

typedef struct List {
    GPtrArray *files;
    const char *what;
} List;

static GuestFile *add(List *list, const char *path, gboolean writes)
{
    GuestFile *file = g_new0(GuestFile, 1);

    *file = (GuestFile){ g_strdup(path), g_strdup(list->what), writes };
    g_ptr_array_add(list->files, file);
    return file;
}

static void add_if(List *list, const char *path, gboolean writes)
{
    if (path && *path == '/')
        add(list, path, writes);
}

/* What others use as well, or QEMU itself makes. */
static void add_beside(List *list, const char *path, GuestFileReach reach, gboolean writes)
{
    GuestFile *file;

    if (!path || *path != '/')
        return;
    file = add(list, path, writes);
    file->beside = TRUE;
    file->reach = reach;
}

static void add_source(List *list, const StorageSource *source, gboolean writes)
{
    const char *path = source->type == DOMAIN_DISK_TYPE_FILE ? source->file : source->type == DOMAIN_DISK_TYPE_BLOCK ? source->dev : NULL;
    GuestFile *file;

    add_beside(list, source->dir, REACH_TREE, writes);
    add_beside(list, source->path, REACH_FILE, TRUE);
    for (guint i = 0; i < source->n_hosts; i++)
        add_beside(list, source->hosts[i]->socket, REACH_FILE, TRUE);
    if (source->reservations)
        add_beside(list, source->reservations->source.path, REACH_FILE, TRUE);
    if (source->type == DOMAIN_DISK_TYPE_VHOSTVDPA)
        add_beside(list, source->dev, REACH_FILE, TRUE);
    if (!path || *path != '/')
        return;
    file = add(list, path, writes);
    file->beside = source->fdgroup != NULL;
    file->labels = (const DeviceSeclabel *const *)source->seclabels;
    file->n_labels = (guint)source->n_seclabels;
}

/* The images below the first are only read. */
static void add_disk(List *list, const DomainDisk *disk)
{
    gboolean reads = disk->readonly || disk->device == DOMAIN_DISK_DEVICE_CDROM;

    guint from = list->files->len;

    add_source(list, &disk->source, !reads);
    for (; from < list->files->len; from++)
        ((GuestFile *)list->files->pdata[from])->shared = disk->shareable;
    for (const DomainBackingStore *below = disk->backing_store; below; below = below->backing_store)
        add_source(list, &below->source, FALSE);
}

static void add_chardev(List *list, const ChardevSource *source)
{
    static const char *const ends[] = { "", ".in", ".out" };
    guint from = list->files->len;

    if (source->type == CHARDEV_TYPE_DEV)
        add_if(list, source->path, TRUE);
    if (source->type == CHARDEV_TYPE_UNIX || source->type == CHARDEV_TYPE_FILE)
        add_beside(list, source->path, REACH_FILE, TRUE);
    add_beside(list, source->log_file, REACH_FILE, TRUE);
    for (guint i = 0; source->type == CHARDEV_TYPE_PIPE && source->path && i < G_N_ELEMENTS(ends); i++) {
        g_autofree char *path = g_strconcat(source->path, ends[i], NULL);

        if (access(path, F_OK) == 0)
            add_if(list, path, TRUE);
    }
    for (; from < list->files->len; from++) {
        GuestFile *file = list->files->pdata[from];

        file->labels = (const DeviceSeclabel *const *)source->seclabels;
        file->n_labels = (guint)source->n_seclabels;
    }
}

/* The device of VFIO's group of what @device in sysfs is. */
static void add_vfio_group(List *list, const char *device)
{
    g_autofree char *link = g_strconcat(device, "/iommu_group", NULL), *target = g_file_read_link(link, NULL);
    g_autofree char *number = target ? g_path_get_basename(target) : NULL, *path = number ? g_strconcat("/dev/vfio/", number, NULL) : NULL;

    add_if(list, path, TRUE);
    add_beside(list, "/dev/vfio/vfio", REACH_FILE, TRUE);
}

static void add_pci(List *list, const PciAddress *pci)
{
    g_autofree char *device = NULL;

    if (!pci)
        return;
    device = g_strdup_printf("/sys/bus/pci/devices/%04x:%02x:%02x.%x", pci->domain, pci->bus, pci->slot, pci->function);
    add_vfio_group(list, device);
}

static void add_mdev(List *list, const DomainHostdev *dev)
{
    char uuid[UUID_TEXT_SIZE];
    g_autofree char *device = g_strconcat("/sys/bus/mdev/devices/", uuid_format(dev->source.mdev_uuid, uuid), NULL);

    add_vfio_group(list, device);
}

static void add_usb(List *list, const HostdevUsbAddress *usb)
{
    g_autofree char *path = usb ? g_strdup_printf("/dev/bus/usb/%03u/%03u", usb->bus, usb->device) : NULL;

    add_if(list, path, TRUE);
}

static void add_scsi(List *list, const DomainHostdev *dev)
{
    const HostdevScsiAddress *a = dev->source.scsi_address;
    g_autofree char *folder = NULL;
    g_auto(GStrv) names = NULL;
    unsigned int host;

    if (!a || !dev->source.adapter || sscanf(dev->source.adapter, "scsi_host%u", &host) != 1)
        return;
    folder = g_strdup_printf("/sys/bus/scsi/devices/%u:%u:%u:%" G_GUINT64_FORMAT "/scsi_generic", host, a->bus, a->target, a->unit);
    names = file_list_dir(folder, MAX_ENTRIES);
    virResetLastError();    /* the command line's builder tells of one that isn't there */
    for (guint i = 0; names && names[i]; i++) {
        g_autofree char *path = file_name_is_safe(names[i]) ? g_strconcat("/dev/", names[i], NULL) : NULL;

        add_if(list, path, !dev->readonly);
    }
}

static void add_hostdev(List *list, const DomainHostdev *dev)
{
    switch (dev->type) {
    case DOMAIN_HOSTDEV_TYPE_PCI:
        add_pci(list, dev->source.pci_address);
        break;
    case DOMAIN_HOSTDEV_TYPE_MDEV:
        if (dev->source.has_mdev_uuid)
            add_mdev(list, dev);
        break;
    case DOMAIN_HOSTDEV_TYPE_USB:
        add_usb(list, dev->source.usb_address);
        break;
    case DOMAIN_HOSTDEV_TYPE_SCSI:
        if (dev->source.protocol != HOSTDEV_PROTOCOL_ISCSI)
            add_scsi(list, dev);
        break;
    default:
        break;
    }
}

static void add_interface(List *list, const DomainInterface *net)
{
    DomainHostdev *dev = qemu_interface_is_nic(net) ? qemu_nic_hostdev(net) : NULL;

    if (net->source.type == DOMAIN_INTERFACE_TYPE_VDPA)
        add_beside(list, net->source.dev, REACH_FILE, TRUE);
    if (!dev)
        return;
    add_hostdev(list, dev);
    xml_struct_free(&DOMAIN_HOSTDEV_DESC, dev);
}

static void add_graphics(List *list, const DomainGraphics *graphics)
{
    for (guint i = 0; i < graphics->n_listens; i++)
        add_beside(list, graphics->listens[i]->socket, REACH_FILE, TRUE);
    add_beside(list, graphics->socket, REACH_FILE, TRUE);
    add_beside(list, graphics->gl.rendernode, REACH_FILE, TRUE);
    add_beside(list, graphics->xauth, REACH_FILE, FALSE);
}

static void add_device(List *list, const char *kind, const void *device)
{
    const ChardevSource *source = domain_device_chardev(kind, device);
    const DomainDeviceInfo *info = domain_device_info(kind, (void *)device);

    if (info)
        add_beside(list, info->rom.file, REACH_FILE, FALSE);
    if (source)
        add_chardev(list, source);
    if (g_str_equal(kind, "disk")) {
        add_disk(list, device);
    } else if (g_str_equal(kind, "hostdev")) {
        add_hostdev(list, device);
    } else if (g_str_equal(kind, "interface")) {
        add_interface(list, device);
    } else if (g_str_equal(kind, "input")) {
        add_if(list, ((const DomainInput *)device)->source.evdev, TRUE);
        add_if(list, ((const DomainInput *)device)->source.dev, TRUE);
    } else if (g_str_equal(kind, "memory")) {
        const DomainMemory *memory = device;

        if (memory->model == DOMAIN_MEMORY_MODEL_NVDIMM || memory->model == DOMAIN_MEMORY_MODEL_VIRTIO_PMEM)
            add_if(list, memory->source.path, TRUE);
    } else if (g_str_equal(kind, "tpm")) {
        const DomainTpm *tpm = device;

        if (tpm->backend.type == DOMAIN_TPM_BACKEND_TYPE_PASSTHROUGH)
            add_if(list, tpm->backend.device, TRUE);
    } else if (g_str_equal(kind, "filesystem")) {
        const DomainFilesystem *fs = device;

        if (fs->driver.type != FILESYSTEM_DRIVER_TYPE_VIRTIOFS)
            add_beside(list, fs->source.dir, REACH_TREE, !fs->readonly);
        add_beside(list, fs->source.socket, REACH_FILE, TRUE);
    } else if (g_str_equal(kind, "rng")) {
        add_beside(list, ((const DomainRng *)device)->backend.random, REACH_FILE, FALSE);
    } else if (g_str_equal(kind, "shmem")) {
        g_autofree char *path = qemu_shmem_path(device);

        add_beside(list, path, REACH_FILE, TRUE);
    }
}

static char *name_of(const DomainDef *def, const char *kind, const void *device)
{
    const DomainDeviceInfo *info = domain_device_info(kind, (void *)device);

    if (g_str_equal(kind, "disk"))
        return g_strdup_printf("disk '%s'", ((const DomainDisk *)device)->target.dev);
    return info && info->alias ? g_strdup_printf("%s '%s'", kind, info->alias) : g_strdup(kind);
}

GPtrArray *qemu_files_of_device(const DomainDef *def, const char *kind, const void *device)
{
    g_autofree char *what = name_of(def, kind, device);
    List list = { g_ptr_array_new_with_free_func(guest_file_free), what };

    add_device(&list, kind, device);
    return list.files;
}

static int visit(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info G_GNUC_UNUSED, void *opaque)
{
    List *all = opaque;
    g_autofree char *what = name_of(def, kind, device);
    List list = { all->files, what };

    add_device(&list, kind, device);
    return 0;
}

static void add_firmware_items(List *list, const DomainDef *def)
{
    for (guint i = 0; i < def->n_sysinfos; i++) {
        for (guint k = 0; k < def->sysinfos[i]->n_fwcfg; k++)
            add_beside(list, def->sysinfos[i]->fwcfg[k]->file, REACH_FILE, FALSE);
    }
}

GPtrArray *qemu_files_of(const DomainDef *def)
{
    List list = { g_ptr_array_new_with_free_func(guest_file_free), NULL };
    const DomainOs *os = &def->os;
    const struct {
        const char *what, *path;
        gboolean writes;
    } own[] = {
        { "<kernel>", os->kernel, FALSE }, { "<initrd>", os->initrd, FALSE }, { "<dtb>", os->dtb, FALSE },
        { "<nvram>", os->nvram.path ? os->nvram.path : os->nvram.source.file, TRUE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(own); i++) {
        list.what = own[i].what;
        add_if(&list, own[i].path, own[i].writes);
    }
    list.what = "<os>";
    add_beside(&list, def->devices.emulator, REACH_PROGRAM, FALSE);
    add_beside(&list, os->loader.path, REACH_FILE, FALSE);
    for (guint i = 0; i < os->n_acpi_tables; i++)
        add_beside(&list, os->acpi_tables[i]->value, REACH_FILE, FALSE);
    add_firmware_items(&list, def);
    for (guint i = 0; i < def->devices.n_graphics; i++) {
        list.what = "<graphics>";
        add_graphics(&list, def->devices.graphics[i]);
    }
    domain_def_each_device((DomainDef *)def, visit, &list); /* nothing of it is changed */
    return list.files;
}
