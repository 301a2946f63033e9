/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Transient disks: what the guest writes goes to an image of its own, which is based on the disk's image and vanishes with the run.
 * The running definition has it on top of the chain, so that everything else sees a disk like any other. The disk's own image is only
 * read: guests may share it, whether they say so (shareBacking) or not.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/qemu/backend.h"

/* Making an empty image takes no time; a folder that hangs does. */
#define MAKE_MS 30000
#define MAX_WORDS 4096

static int check_transient(const DomainDisk *disk)
{
    const char *format = storage_format_to_string(disk->driver.type);

    if (disk->source.type != DOMAIN_DISK_TYPE_FILE || !disk->source.file || disk->source.fdgroup || disk->device != DOMAIN_DISK_DEVICE_DISK)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': only a disk in a file of the host can be transient", disk->target.dev);
    if (disk->driver.type != STORAGE_FORMAT_RAW && disk->driver.type != STORAGE_FORMAT_QCOW2)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': a transient disk must have the format raw or qcow2, not '%s'", disk->target.dev,
                    format ? format : "none");
    if (disk->encryption || disk->source.encryption || disk->source.n_slices)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': a transient disk can't be encrypted or be a part of an image", disk->target.dev);
    return 0;
}

/* Nothing that was there before is lost: whose name this is must not exist. */
static int claim(const char *path, const DomainDisk *disk)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd >= 0) {
        close(fd);
        return 0;
    }
    if (errno == EEXIST)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "disk '%s': the file '%s' for what the guest writes exists already; remove it if no guest "
                    "uses it", disk->target.dev, path);
    return FAIL_ERRNO(errno, "disk '%s': cannot make the file '%s' for what the guest writes", disk->target.dev, path);
}

static int make_image(const QemuGuest *qemu, const char *path, const DomainDisk *disk)
{
    const char *argv[] = { "qemu-img", "create", "-q", "-f", "qcow2", "-F", storage_format_to_string(disk->driver.type), "-b",
                           disk->source.file, "--", path, NULL };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_auto(ProcessOutput) output = { 0 };

    spec.argv = argv;
    if (process_run_checked(&spec, NULL, 0, MAX_WORDS, MAKE_MS, &output) < 0)
        return -1;
    if (chown(path, qemu->user.uid, qemu->user.gid) < 0)
        return FAIL_ERRNO(errno, "cannot give '%s' to QEMU's user", path);
    return 0;
}

/* The disk's image becomes the one below. */
static void put_on_top(DomainDisk *disk, char *path)
{
    DomainBackingStore *below = xml_struct_new(&DOMAIN_BACKING_STORE_DESC);

    below->source = disk->source;
    below->format = disk->driver.type;
    below->backing_store = disk->backing_store;
    disk->source = (StorageSource){ .type = DOMAIN_DISK_TYPE_FILE, .file = path };
    disk->driver.type = STORAGE_FORMAT_QCOW2;
    disk->backing_store = below;
}

int qemu_make_overlays(QemuGuest *qemu, DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_disks; i++) {
        DomainDisk *disk = def->devices.disks[i];
        g_autofree char *path = NULL;

        if (!disk->has_transient)
            continue;
        if (check_transient(disk) < 0 || file_name_check("name of the domain", def->name) < 0)
            return -1;
        path = g_strdup_printf("%s.TRANSIENT-%s", disk->source.file, def->name);
        if (claim(path, disk) < 0)
            return -1;
        qemu_guest_unlink_later(qemu, path);
        if (make_image(qemu, path, disk) < 0)
            return -1;
        put_on_top(disk, g_steal_pointer(&path));
    }
    return 0;
}

gboolean qemu_has_overlays(const DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_disks; i++) {
        if (def->devices.disks[i]->has_transient)
            return TRUE;
    }
    return FALSE;
}

void qemu_find_overlays(QemuGuest *qemu, const DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_disks; i++) {
        const DomainDisk *disk = def->devices.disks[i];

        if (disk->has_transient && disk->source.file && disk->backing_store)
            qemu_guest_unlink_later(qemu, disk->source.file);
    }
}
