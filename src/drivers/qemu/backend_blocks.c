/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Disks and memory of a guest from outside: sizes, contents, errors.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/command_block.h"

#define SECTOR 512

int qemu_backend_block_resize(Guest *guest, const DomainDisk *disk, unsigned long long bytes)
{
    g_autofree char *node = NULL;

    if (!qemu_disk_has_media(disk))
        return FAIL(VIR_ERR_OPERATION_INVALID, "disk '%s' of domain '%s' is empty", disk->target.dev, guest->name);
    if (disk->readonly)
        return FAIL(VIR_ERR_OPERATION_INVALID, "disk '%s' of domain '%s' is read-only", disk->target.dev, guest->name);
    if (bytes > G_MAXINT64 - SECTOR)
        return FAIL(VIR_ERR_OVERFLOW, "a size of %llu bytes is too large", bytes);
    node = qemu_disk_node(disk); /* what is below follows; the reverse isn't so */
    return qemu_guest_call(guest, "block_resize", json_make(JSON_STR("node-name", node),
                                                            JSON_UINT("size", (bytes + SECTOR - 1) / SECTOR * SECTOR)), NULL);
}

int qemu_backend_block_threshold(Guest *guest, const DomainDisk *disk, unsigned long long bytes)
{
    g_autofree char *node = NULL;

    if (!qemu_disk_has_media(disk))
        return FAIL(VIR_ERR_OPERATION_INVALID, "disk '%s' of domain '%s' is empty", disk->target.dev, guest->name);
    node = qemu_node_storage(&disk->source);
    return qemu_guest_call(guest, "block-set-write-threshold", json_make(JSON_STR("node-name", node),
                                                                         JSON_UINT("write-threshold", bytes)), NULL);
}

/* What QEMU says of the drive of the disk called @alias; NULL: nothing. */
static json_object *drive_of(json_object *drives, const char *alias)
{
    for (gsize i = 0; json_object_is_type(drives, json_type_array) && i < json_object_array_length(drives); i++) {
        json_object *drive = json_object_array_get_idx(drives, i);
        const char *device = json_member_string(drive, "qdev");
        g_auto(GStrv) parts = g_strsplit(device ? device : "", "/", -1);

        if (alias && g_strv_contains((const char *const *)parts, alias))
            return drive;
    }
    return NULL;
}

int qemu_backend_disk_errors(Guest *guest, const DomainDef *def, int *codes)
{
    g_autoptr(json_object) drives = NULL;

    if (qemu_guest_call(guest, "query-block", NULL, &drives) < 0)
        return -1;
    for (guint i = 0; i < def->devices.n_disks; i++) {
        const char *status = json_member_string(drive_of(drives, def->devices.disks[i]->info.alias), "io-status");

        codes[i] = g_strcmp0(status, "nospace") == 0 ? VIR_DOMAIN_DISK_ERROR_NO_SPACE :
            g_strcmp0(status, "failed") == 0 ? VIR_DOMAIN_DISK_ERROR_UNSPEC : VIR_DOMAIN_DISK_ERROR_NONE;
    }
    return 0;
}

/* @size bytes of a file, from @offset; fewer are an error. */
static int read_part(const char *path, unsigned long long offset, size_t size, void *buffer)
{
    int fd;
    size_t done = 0;

    if (offset > G_MAXINT64 - size)
        return FAIL(VIR_ERR_INVALID_ARG, "no file has %llu bytes", offset);
    fd = file_open(ERROR_DOMAIN, path, O_RDONLY);
    if (fd < 0)
        return -1;
    while (done < size) {
        ssize_t n = pread(fd, (char *)buffer + done, size - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int saved = n < 0 ? errno : ENODATA;

            close(fd);
            return FAIL_ERRNO(saved, "cannot read %zu bytes at %llu of '%s'", size, offset, path);
        }
        done += (size_t)n;
    }
    close(fd);
    return 0;
}

int qemu_backend_block_peek(DomainHost *host, const DomainDisk *disk, unsigned long long offset, size_t size, void *buffer)
{
    const char *path = disk->source.type == DOMAIN_DISK_TYPE_BLOCK ? disk->source.dev :
        disk->source.type == DOMAIN_DISK_TYPE_FILE ? disk->source.file : NULL;

    if (!path)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "disk '%s' is neither a file nor a device of this host", disk->target.dev);
    return read_part(path, offset, size, buffer);
}

/* QEMU writes memory to files alone. */
int qemu_backend_memory_peek(Guest *guest, unsigned long long start, size_t size, void *buffer, gboolean is_virtual)
{
    const QemuGuest *qemu = qemu_guest(guest);
    g_autofree char *path = g_strdup_printf("%s/peek", qemu->dir);
    int fd = file_create(path, O_TRUNC, 0600, qemu->user.uid, qemu->user.gid);
    int rc;

    if (fd < 0)
        return -1;
    close(fd);
    rc = qemu_guest_call(guest, is_virtual ? "memsave" : "pmemsave",
                         json_make(JSON_UINT("val", start), JSON_UINT("size", size), JSON_STR("filename", path)), NULL);
    if (rc == 0)
        rc = read_part(path, 0, size, buffer);
    unlink(path);
    return rc;
}
