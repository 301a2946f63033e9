/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is in files: read, written, copied, wiped.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/storage/file_vol.h"
#include "drivers/storage/folder.h"

#define CHUNK ((size_t) 1 << 20)

int file_vol_open(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, gboolean write, guint64 *size)
{
    struct stat info;
    int fd = file_vol_open_fd(vol, write ? O_RDWR : O_RDONLY);
    if (fd < 0)
        return -1;
    if (fstat(fd, &info) == 0 && (S_ISREG(info.st_mode) || S_ISBLK(info.st_mode))) {
        *size = write ? G_MAXUINT64 : S_ISREG(info.st_mode) ? (guint64) info.st_size : def->capacity;
        return fd;
    }
    close(fd);
    return FAIL(VIR_ERR_OPERATION_INVALID, "volume '%s' is a directory: its content can't be had", storage_vol_name(vol));
}

static int fail_copy(const char *name, int errnum)
{
    return FAIL_ERRNO(errnum, "cannot copy content to volume '%s'", name);
}

/* The data between @at and @end. */
static int copy_extent(int from, int to, off_t at, off_t end, const char *name)
{
    while (at < end) {
        off_t in = at, out = at;
        size_t n = MIN((size_t) (end - at), 64 * CHUNK);
        ssize_t done = copy_file_range(from, &in, to, &out, n, 0);
        if (done < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) {
            g_autofree char *buffer = g_malloc(CHUNK);
            done = pread(from, buffer, MIN(n, CHUNK), at);
            if (done > 0)
                done = pwrite(to, buffer, (size_t) done, at);
        }
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done == 0 ? 0 : fail_copy(name, errno); /* the source has become shorter */
        at += done;
    }
    return 0;
}

int file_content_copy(int from, int to, guint64 bytes, gboolean must_share, const char *name)
{
    off_t data = 0, end = (off_t) MIN(bytes, G_MAXINT64);
    struct stat info;
    if (fstat(from, &info) == 0 && S_ISREG(info.st_mode) && (guint64) info.st_size == bytes) {
        struct stat target;
        if (fstat(to, &target) == 0 && ioctl(to, FICLONE, from) == 0) {
            if (target.st_size > info.st_size && ftruncate(to, target.st_size) < 0)
                return fail_copy(name, errno);
            return 0;
        }
    }
    if (must_share)
        return FAIL_ERRNO(errno, "volume '%s' can't share blocks with the one that it is made from", name);
    while (data < end) {
        off_t next = lseek(from, data, SEEK_DATA);
        if (next < 0 && errno == ENXIO)
            return 0; /* nothing but a hole */
        off_t hole = next < 0 ? end : lseek(from, next, SEEK_HOLE);
        next = MAX(next, data);
        if (hole < 0 || hole > end)
            hole = end;
        if (next < end && copy_extent(from, to, next, hole, name) < 0)
            return -1;
        data = MAX(hole, next + 1);
    }
    return 0;
}

/* Zeros over all that holds data. */
static int overwrite(int fd, const char *name)
{
    g_autofree char *zeros = g_malloc0(CHUNK);
    off_t at = 0, end;
    while ((at = lseek(fd, at, SEEK_DATA)) >= 0 && (end = lseek(fd, at, SEEK_HOLE)) >= 0) {
        while (at < end) {
            ssize_t done = pwrite(fd, zeros, MIN((size_t) (end - at), CHUNK), at);
            if (done < 0 && errno == EINTR)
                continue;
            if (done <= 0)
                return FAIL_ERRNO(done < 0 ? errno : EIO, "cannot wipe volume '%s'", name);
            at += done;
        }
    }
    return fsync(fd) == 0 ? 0 : FAIL_ERRNO(errno, "cannot wipe volume '%s'", name);
}

int file_vol_wipe(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int algorithm)
{
    guint64 size;
    int fd = file_vol_open(pool, vol, def, TRUE, &size);
    if (fd < 0)
        return -1;
    int rc = overwrite(fd, storage_vol_name(vol));
    close(fd);
    return rc;
}
