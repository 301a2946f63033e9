/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "storage/backend.h"
#include "storage/content.h"

/* A server is asked for so much at once. */
#define CHUNK ((gsize) 4 << 20)
/* What the kernel copies in one call: short enough to be given up soon. */
#define RANGE ((gsize) 32 << 20)

typedef struct Copy {
    StorageContent *from, *to;
    guint64 bytes;
    gboolean whole;
    char *buffer;       /* NULL: the kernel copies */
} Copy;

static gboolean is_zero(const char *buffer, gsize n)
{
    return n == 0 || (buffer[0] == 0 && memcmp(buffer, buffer + 1, n - 1) == 0);
}

/* What was copied; 0: the source ends here, having become shorter. -1 with an error. */
static gssize copy_piece(Copy *copy, guint64 at, gsize n)
{
    off_t in = (off_t) at, out = (off_t) at;
    if (!copy->buffer && copy->from->fd >= 0 && copy->to->fd >= 0) {
        gssize done;
        do {
            done = copy_file_range(copy->from->fd, &in, copy->to->fd, &out, MIN(n, RANGE), 0);
        } while (done < 0 && errno == EINTR);
        if (done >= 0)
            return done;
        if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS && errno != EPERM)
            return FAIL_ERRNO(errno, "the kernel does not copy it");
    }
    if (!copy->buffer)
        copy->buffer = g_malloc(CHUNK); /* different file systems, or one of them can't, or a server */
    gssize got = content_read_all(copy->from, at, copy->buffer, MIN(n, CHUNK));
    if (got <= 0)
        return got;
    gboolean skip = !copy->whole && copy->to->is_zero && is_zero(copy->buffer, (gsize) got);
    return skip || content_write_all(copy->to, at, copy->buffer, (gsize) got) == 0 ? got : -1;
}

static int copy_extent(Copy *copy, guint64 at, guint64 end)
{
    while (at < end) {
        gssize done = copy_piece(copy, at, (gsize) MIN(end - at, RANGE));
        if (done <= 0)
            return (int) done;
        at += (guint64) done;
        if (storage_progress(at, copy->bytes) < 0)
            return -1;
    }
    return 0;
}

static int copy_data(Copy *copy)
{
    guint64 at = 0;
    while (at < copy->bytes) {
        guint64 length = copy->bytes - at;
        gboolean is_data = TRUE;
        if (!copy->whole && content_extent(copy->from, at, &length, &is_data) < 0)
            return -1;
        if (!length)
            return 0;
        if (is_data && copy_extent(copy, at, at + length) < 0)
            return -1;
        at += length;
        if (storage_progress(at, copy->bytes) < 0)
            return -1;
    }
    return 0;
}

/* Whether @to now shares the blocks of @from; it keeps its size if that is larger. */
static gboolean share(int from, int to, guint64 bytes)
{
    struct stat source, target;
    if (fstat(from, &source) < 0 || fstat(to, &target) < 0 || !S_ISREG(source.st_mode) || (guint64) source.st_size != bytes)
        return FALSE;
    return ioctl(to, FICLONE, from) == 0 && (target.st_size <= source.st_size || ftruncate(to, target.st_size) == 0);
}

int storage_content_copy(StorageContent *from, StorageContent *to, guint64 bytes, gboolean whole, gboolean must_share, const char *name)
{
    Copy copy = { .from = from, .to = to, .bytes = MIN(MIN(bytes, from->size), G_MAXINT64), .whole = whole };
    const gboolean files = from->fd >= 0 && to->fd >= 0;
    errno = EOPNOTSUPP;
    if (!whole && files && share(from->fd, to->fd, bytes))
        return 0;
    if (must_share)
        return FAIL_ERRNO(errno, "volume '%s' can't share blocks with the one that it is made from", name);
    int rc = copy_data(&copy);
    g_free(copy.buffer);
    if (rc < 0)
        error_context("cannot copy content to volume '%s'", name);
    return rc;
}
