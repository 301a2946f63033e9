/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/storage/content.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "storage/backend.h"

#define CHUNK ((size_t) 1 << 20)
/* What the kernel copies in one call: short enough to be given up soon. */
#define RANGE (32 * CHUNK)

typedef struct Copy {
    int from, to;
    guint64 bytes;
    const char *name;
    char *buffer;       /* NULL: the kernel copies */
} Copy;

static int fail(const Copy *copy, int errnum)
{
    return FAIL_ERRNO(errnum, "cannot copy content to volume '%s'", copy->name);
}

static ssize_t copy_piece(Copy *copy, off_t at, size_t n)
{
    off_t in = at, out = at;
    if (!copy->buffer) {
        ssize_t done = copy_file_range(copy->from, &in, copy->to, &out, MIN(n, RANGE), 0);
        if (done >= 0 || (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS && errno != EPERM))
            return done;
        copy->buffer = g_malloc(CHUNK); /* different file systems, or one of them can't */
    }
    ssize_t got = pread(copy->from, copy->buffer, MIN(n, CHUNK), at), put = 0;
    while (put < got) {
        ssize_t done = pwrite(copy->to, copy->buffer + put, (size_t) (got - put), at + put);
        if (done < 0 && errno != EINTR)
            return -1;
        put += MAX(done, 0);
    }
    return got;
}

static int copy_extent(Copy *copy, off_t at, off_t end)
{
    while (at < end) {
        ssize_t done = copy_piece(copy, at, (size_t) (end - at));
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done == 0 ? 0 : fail(copy, errno); /* 0: the source has become shorter */
        at += done;
        if (storage_progress((guint64) at, copy->bytes) < 0)
            return -1;
    }
    return 0;
}

static int copy_data(Copy *copy, gboolean whole)
{
    off_t data = 0, end = (off_t) copy->bytes;
    while (data < end) {
        off_t next = whole ? data : lseek(copy->from, data, SEEK_DATA);
        if (next < 0 && errno == ENXIO)
            return 0; /* nothing but a hole */
        off_t hole = whole || next < 0 ? end : lseek(copy->from, next, SEEK_HOLE);
        next = MAX(next, data);
        hole = hole < 0 || hole > end ? end : hole;
        if (next < end && copy_extent(copy, next, hole) < 0)
            return -1;
        data = MAX(hole, next + 1);
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

int content_copy(int from, int to, guint64 bytes, gboolean whole, gboolean must_share, const char *name)
{
    Copy copy = { .from = from, .to = to, .bytes = MIN(bytes, G_MAXINT64), .name = name };
    if (!whole && share(from, to, bytes))
        return 0;
    if (must_share)
        return FAIL_ERRNO(errno, "volume '%s' can't share blocks with the one that it is made from", name);
    int rc = copy_data(&copy, whole);
    g_free(copy.buffer);
    return rc;
}
