/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/storage/block_vol.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/storage/device.h"
#include "drivers/storage/file_vol.h"
#include "drivers/storage/folder.h"
#include "drivers/storage/image_tool.h"

/* One call for so much, that it can be seen to move. */
#define ZERO_AT_ONCE ((guint64) 64 << 20)

/* A descriptor of a block device and its size; -1 with an error. */
static int open_device(const char *path, int flags, guint64 *size)
{
    struct stat info;
    int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot open device '%s'", path);
    if (fstat(fd, &info) == 0 && S_ISBLK(info.st_mode) && ioctl(fd, BLKGETSIZE64, size) == 0)
        return fd;
    int saved = S_ISBLK(info.st_mode) ? errno : ENOTBLK;
    close(fd);
    return FAIL_ERRNO(saved, "'%s' is no block device with a size", path);
}

int block_vol_refresh(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageStamp *stamp)
{
    struct statx info;
    guint64 size;
    int fd = open_device(def->target.path, O_RDONLY, &size);
    if (fd < 0)
        return -1;
    int rc = statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &info);
    int saved = errno;
    close(fd);
    if (rc < 0)
        return FAIL_ERRNO(saved, "cannot look at volume '%s'", def->target.path);
    def->type = STORAGE_VOL_TYPE_BLOCK;
    if (def->target.format != STORAGE_VOL_FORMAT_EXTENDED) /* whose device is no more than its first sectors */
        def->capacity = def->allocation = def->physical = size;
    def->has_capacity = def->has_allocation = def->has_physical = true;
    file_look_outside(def, &info);
    return 0;
}

StorageContent *block_vol_open(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, gboolean write)
{
    guint64 size;
    int fd = open_device(def->target.path, write ? O_RDWR : O_RDONLY, &size);
    return fd < 0 ? NULL : content_new_fd(fd, size);
}

/* What the device itself can do. */
static int wipe_by_device(int fd, guint64 size, unsigned long request, const char *name)
{
    for (guint64 at = 0; at < size; at += ZERO_AT_ONCE) {
        guint64 range[2] = { at, MIN(ZERO_AT_ONCE, size - at) };
        if (ioctl(fd, request, range) < 0)
            return FAIL_ERRNO(errno, "cannot wipe volume '%s'", name);
        if (storage_progress(at, size) < 0)
            return -1;
    }
    return fsync(fd) == 0 ? 0 : FAIL_ERRNO(errno, "cannot wipe volume '%s'", name);
}

int block_vol_wipe(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int algorithm)
{
    guint64 size;
    int fd = open_device(def->target.path, O_RDWR | O_EXCL, &size);
    if (fd < 0)
        return -1;
    g_autoptr(StorageContent) content = content_new_fd(fd, size);
    return algorithm == VIR_STORAGE_VOL_WIPE_ALG_ZERO ? wipe_by_device(fd, size, BLKZEROOUT, def->name)
        : algorithm == VIR_STORAGE_VOL_WIPE_ALG_TRIM ? wipe_by_device(fd, size, BLKDISCARD, def->name)
        : storage_content_wipe(content, algorithm, def->name);
}

/* Everything, holes as zeros: what the device held before must not shine through. */
static int copy_all(StorageContent *in, StorageContent *out, guint64 bytes, const char *name)
{
    return storage_content_copy(in, out, bytes, TRUE, FALSE, name) < 0 ? -1 : content_flush(out);
}

static int check_room(guint64 size, guint64 room, const StorageVolDef *def, StorageVol *from)
{
    return size <= room ? 0 : FAIL(VIR_ERR_INVALID_ARG, "volume '%s' has %" G_GUINT64_FORMAT " bytes, less than '%s', which it is made from", def->name,
                                   room, storage_vol_name(from));
}

/* What an image holds becomes what the device does. */
static int convert(StorageContent *out, const StorageVolDef *def, StorageVol *from, const StorageVolDef *source)
{
    g_auto(SourceChain) chain = { NULL };
    return check_room(source->capacity, out->size, def, from) < 0 || source_chain_open(&chain, from, source) < 0 ||
        image_tool_write(out, def, STORAGE_VOL_FORMAT_RAW, &chain) < 0 ? -1 : content_flush(out);
}

static int copy_from(StorageContent *out, const StorageVolDef *def, StorageVol *from)
{
    StorageVolDef *source = storage_vol_copy_def(from);
    int rc;
    if (source->target.format > STORAGE_VOL_FORMAT_RAW && source->type != STORAGE_VOL_TYPE_BLOCK) {
        rc = convert(out, def, from, source);
    } else {
        g_autoptr(StorageContent) in = storage_vol_open_source(from);
        guint64 size = in ? MIN(in->size, source->capacity) : 0;
        rc = !in || check_room(size, out->size, def, from) < 0 ? -1 : copy_all(in, out, size, def->name);
    }
    xml_struct_free(&STORAGE_VOL_DEF_DESC, source);
    return rc;
}

int block_vol_fill(const StorageVolDef *def, StorageVol *from)
{
    guint64 size;
    const StoragePermissions *rights = def->target.permissions;
    if (!from && !rights)
        return 0;
    int fd = open_device(def->target.path, O_RDWR, &size);
    if (fd < 0)
        return -1;
    g_autoptr(StorageContent) out = content_new_fd(fd, size);
    return (from && copy_from(out, def, from) < 0) || (rights && folder_set_rights(fd, def->target.path, rights, 0660) < 0) ? -1 : 0;
}
