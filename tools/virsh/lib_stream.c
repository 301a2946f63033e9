/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams to files and back. Sparse ones keep holes: they are found with SEEK_DATA and made by ftruncate(). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/virsh/virsh.h"

typedef struct {
    int fd;
    int error;    /* errno of what failed with the file */
} File;

static int write_data(virStreamPtr stream, const char *data, size_t size, void *opaque)
{
    File *file = opaque;
    ssize_t done;

    do
        done = write(file->fd, data, size);
    while (done < 0 && errno == EINTR);
    if (done < 0)
        file->error = errno;
    return done;
}

static int write_hole(virStreamPtr stream, long long length, void *opaque)
{
    File *file = opaque;
    off_t end = lseek(file->fd, length, SEEK_CUR);

    if (end >= 0 && ftruncate(file->fd, end) == 0)
        return 0;
    file->error = errno;
    return -1;
}

static int read_data(virStreamPtr stream, char *data, size_t size, void *opaque)
{
    File *file = opaque;
    ssize_t done;

    do
        done = read(file->fd, data, size);
    while (done < 0 && errno == EINTR);
    if (done < 0)
        file->error = errno;
    return done;
}

/* How far the data or the hole at the file's position reaches. The end of the file is a hole of length 0. */
static int find_hole(virStreamPtr stream, int *in_data, long long *length, void *opaque)
{
    File *file = opaque;
    off_t at = lseek(file->fd, 0, SEEK_CUR), end = lseek(file->fd, 0, SEEK_END);
    off_t data = lseek(file->fd, at, SEEK_DATA);
    off_t next = data == at ? lseek(file->fd, at, SEEK_HOLE) : data < 0 && errno == ENXIO ? MAX(at, end) : data;

    if (at < 0 || next < 0 || lseek(file->fd, at, SEEK_SET) < 0) {
        file->error = errno;
        return -1;
    }
    *in_data = data == at;
    *length = next - at;
    return 0;
}

static int skip_hole(virStreamPtr stream, long long length, void *opaque)
{
    File *file = opaque;

    if (lseek(file->fd, length, SEEK_CUR) >= 0)
        return 0;
    file->error = errno;
    return -1;
}

int virsh_file_create(Shell *shell, const char *path, bool *fresh)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    *fresh = fd >= 0;
    if (fd < 0 && errno == EEXIST)
        fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        shell_error(shell, "cannot create file %s: %s", path, g_strerror(errno));
    return fd;
}

/* Closes the file; one that was made for a transfer that failed goes away. */
bool virsh_file_close(Shell *shell, int fd, const char *path, bool remove)
{
    int error = close(fd) < 0 ? errno : 0;

    if (remove)
        unlink(path);
    return !error || shell_error(shell, "cannot close file %s: %s", path, g_strerror(error));
}

bool virsh_stream_receive(Shell *shell, virStreamPtr stream, int fd, bool sparse)
{
    File file = {.fd = fd};
    int rc = sparse ? virStreamSparseRecvAll(stream, write_data, write_hole, &file)
                    : virStreamRecvAll(stream, write_data, &file);

    if (file.error)
        shell_error(shell, "cannot write to the file: %s", g_strerror(file.error));
    return rc == 0;
}

bool virsh_stream_send(Shell *shell, virStreamPtr stream, int fd, bool sparse)
{
    File file = {.fd = fd};
    int rc = sparse ? virStreamSparseSendAll(stream, read_data, find_hole, skip_hole, &file)
                    : virStreamSendAll(stream, read_data, &file);

    if (file.error)
        shell_error(shell, "cannot read the file: %s", g_strerror(file.error));
    return rc == 0;
}
