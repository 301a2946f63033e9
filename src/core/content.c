/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "core/content.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"

/* Zeros that are written where they can't be made otherwise. */
#define ZEROS ((gsize) 256 << 10)

void *content_new(gsize struct_size, const StorageContentOps *ops, guint64 size)
{
    StorageContent *content = g_malloc0(struct_size);
    content->refs = 1;
    content->ops = ops;
    content->size = size;
    content->fd = -1;
    return content;
}

StorageContent *content_ref(StorageContent *content)
{
    g_atomic_int_inc(&content->refs);
    return content;
}

void content_unref(StorageContent *content)
{
    if (!content || !g_atomic_int_dec_and_test(&content->refs))
        return;
    content->ops->close(content);
    g_free(content);
}

int content_take_fd(StorageContent *content)
{
    int fd = content->fd;
    content->fd = -1;
    return fd;
}

gssize content_read(StorageContent *content, guint64 at, void *buffer, gsize n)
{
    guint64 left = content->size > at ? content->size - at : 0;
    n = (gsize) MIN(MIN(n, left), G_MAXINT);
    return n ? content->ops->read(content, at, buffer, n) : 0;
}

gssize content_write(StorageContent *content, guint64 at, const void *buffer, gsize n)
{
    if (at > content->size || n > content->size - at)
        return FAIL_ERRNO(ENOSPC, "cannot write %zu bytes where %" G_GUINT64_FORMAT " have room", n, content->size - MIN(at, content->size));
    return n ? content->ops->write(content, at, buffer, MIN(n, G_MAXINT)) : 0;
}

int content_zero(StorageContent *content, guint64 at, guint64 length)
{
    if (at > content->size || length > content->size - at)
        return FAIL_ERRNO(ENOSPC, "cannot make a hole behind the end of a volume");
    if (content->ops->zero)
        return length ? content->ops->zero(content, at, length) : 0;
    g_autofree char *zeros = g_malloc0(MIN(length, ZEROS));
    for (guint64 done = 0; done < length;) {
        gssize n = content->ops->write(content, at + done, zeros, MIN(length - done, ZEROS));
        if (n < 0)
            return -1;
        done += (guint64) n;
    }
    return 0;
}

int content_discard(StorageContent *content)
{
    return content->ops->discard ? content->ops->discard(content) : FAIL(VIR_ERR_NO_SUPPORT, "its storage can't be told that data is not needed");
}

int content_extent(StorageContent *content, guint64 at, guint64 *length, gboolean *is_data)
{
    *length = MIN(*length, content->size > at ? content->size - at : 0);
    *is_data = TRUE;
    return *length && content->ops->extent ? content->ops->extent(content, at, length, is_data) : 0;
}

int content_flush(StorageContent *content)
{
    return content->ops->flush ? content->ops->flush(content) : 0;
}

gssize content_read_all(StorageContent *content, guint64 at, void *buffer, gsize n)
{
    gsize done = 0;
    while (done < n) {
        gssize got = content_read(content, at + done, (char *) buffer + done, n - done);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (gsize) got;
    }
    return (gssize) done;
}

int content_write_all(StorageContent *content, guint64 at, const void *buffer, gsize n)
{
    for (gsize done = 0; done < n;) {
        gssize put = content_write(content, at + done, (const char *) buffer + done, n - done);
        if (put < 0)
            return -1;
        done += (gsize) put;
    }
    return 0;
}

/* ---- behind descriptors ---- */

static gssize fd_read(StorageContent *content, guint64 at, void *buffer, gsize n)
{
    gssize got;
    do {
        got = pread(content->fd, buffer, n, (off_t) at);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? FAIL_ERRNO(errno, "cannot read from a file") : got;
}

static gssize fd_write(StorageContent *content, guint64 at, const void *buffer, gsize n)
{
    gssize put;
    do {
        put = pwrite(content->fd, buffer, n, (off_t) at);
    } while (put < 0 && errno == EINTR);
    return put > 0 ? put : FAIL_ERRNO(put < 0 ? errno : EIO, "cannot write to a file");
}

/* What was there goes; the file ends behind the hole if it ended before. */
static int fd_zero(StorageContent *content, guint64 at, guint64 length)
{
    struct stat info;
    const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (at + length > G_MAXINT64)
        return FAIL_ERRNO(EFBIG, "cannot make a hole in a file");
    int rc = fstat(content->fd, &info);
    if (rc == 0 && S_ISREG(info.st_mode) && at + length > (guint64) info.st_size)
        rc = ftruncate(content->fd, (off_t) (at + length));
    return rc < 0 || fallocate(content->fd, mode, (off_t) at, (off_t) length) < 0 ? FAIL_ERRNO(errno, "cannot make a hole in a file") : 0;
}

static int fd_discard(StorageContent *content)
{
    struct stat info;
    guint64 range[2] = { 0, 0 };
    int rc = fstat(content->fd, &info);
    if (rc == 0 && S_ISREG(info.st_mode))
        rc = info.st_size ? fallocate(content->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, info.st_size) : 0;
    else if (rc == 0)
        rc = ioctl(content->fd, BLKGETSIZE64, &range[1]) < 0 ? -1 : ioctl(content->fd, BLKDISCARD, range);
    return rc < 0 ? FAIL_ERRNO(errno, "cannot give blocks back") : 0;
}

static int fd_extent(StorageContent *content, guint64 at, guint64 *length, gboolean *is_data)
{
    struct stat info;
    if (fstat(content->fd, &info) < 0)
        return FAIL_ERRNO(errno, "cannot look at a file");
    if (S_ISREG(info.st_mode))
        *length = MIN(*length, (guint64) info.st_size > at ? (guint64) info.st_size - at : 0);
    if (!*length)
        return 0;
    off_t data = lseek(content->fd, (off_t) at, SEEK_DATA);
    if (data < 0 && errno != ENXIO)
        return 0; /* a file system without holes, a block device */
    *is_data = data >= 0 && (guint64) data == at;
    off_t next = *is_data ? lseek(content->fd, (off_t) at, SEEK_HOLE) : data;
    if (next > 0 && (guint64) next > at)
        *length = MIN(*length, (guint64) next - at);
    return 0;
}

static int fd_flush(StorageContent *content)
{
    return fsync(content->fd) == 0 ? 0 : FAIL_ERRNO(errno, "cannot bring a file onto the disk");
}

static void fd_close(StorageContent *content)
{
    if (content->fd >= 0)
        close(content->fd);
}

StorageContent *content_new_fd(int fd, guint64 size)
{
    static const StorageContentOps ops = {
        .read = fd_read, .write = fd_write, .zero = fd_zero, .discard = fd_discard, .extent = fd_extent, .flush = fd_flush, .close = fd_close,
    };
    StorageContent *content = CONTENT_NEW(StorageContent, &ops, size);
    content->fd = fd;
    return content;
}
