/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "core/direct_copy.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <libvirt/virterror.h>
#include "base/error.h"

/* More than any disk asks places, lengths and addresses to be multiples of. */
#define ALIGNMENT 65536
#define BUFFER (16 * ALIGNMENT)

struct DirectCopy {
    int file;            /* the caller's */
    int pipe, other;     /* ours, theirs */
    int stop;            /* eventfd: look at the two that follow */
    gint patience;       /* atomic: ms that nothing may come for; -1: for ever */
    gint given_up;       /* atomic */
    gboolean reading;    /* the file */
    off_t at;            /* in the file */
    char *buffer, *path;
    GThread *thread;
    virErrorPtr error;   /* of the thread, for who joins it */
};

static int set_direct(const DirectCopy *c, gboolean direct)
{
    int flags = fcntl(c->file, F_GETFL);

    return flags < 0 ? -1 : fcntl(c->file, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT);
}

static int unsupported(const char *path, int error)
{
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "'%s' can't be read or written past the host's cache: its file system says '%s' to O_DIRECT; "
                "it works there without that flag (--bypass-cache)", path, g_strerror(error));
}

/* EINVAL is what a file system says that takes the flag but not what is done then. */
static int failed(const DirectCopy *c)
{
    int error = errno;

    return error == EINVAL ? unsupported(c->path, error) : FAIL_ERRNO(error, c->reading ? "cannot read '%s'" : "cannot write '%s'", c->path);
}

/* Until the pipe has something or room. 1; 0: given up; -1 with an error. */
static int wait_for_pipe(DirectCopy *c)
{
    while (!g_atomic_int_get(&c->given_up)) {
        struct pollfd fds[] = { { c->pipe, c->reading ? POLLOUT : POLLIN, 0 }, { c->stop, POLLIN, 0 } };
        int patience = g_atomic_int_get(&c->patience), n = poll(fds, patience < 0 ? 2 : 1, patience);

        if (n < 0 && errno != EINTR)
            return FAIL_ERRNO(errno, "cannot wait for what goes through '%s'", c->path);
        if (n == 0)
            return FAIL(VIR_ERR_OPERATION_TIMEOUT, "nothing came for '%s' for %d ms, nor the end", c->path, patience);
        if (n > 0 && fds[0].revents)
            return 1;
    }
    return 0;
}

/* Up to @len bytes; less at the end. -1: with an error, or given up without one. */
static ssize_t take(DirectCopy *c, size_t len)
{
    for (size_t have = 0;;) {
        ssize_t n = read(c->pipe, c->buffer + have, len - have);

        if (n > 0)
            have += (size_t)n;
        if (n == 0 || have == len)
            return (ssize_t)have;
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return FAIL_ERRNO(errno, "cannot read what is to be written to '%s'", c->path);
        if (n < 0 && wait_for_pipe(c) <= 0)
            return -1;
    }
}

/* A part that isn't of whole units is written as usual, and leaves the cache once it is on the disk. */
static int store(DirectCopy *c, size_t len)
{
    const off_t from = c->at;
    gboolean direct = from % ALIGNMENT == 0 && len % ALIGNMENT == 0;

    if (set_direct(c, direct) < 0)
        return unsupported(c->path, errno);
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(c->file, c->buffer + done, len - done, c->at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? EIO : errno;
            return failed(c);
        }
        done += (size_t)n;
        c->at += n;
        if (direct && n % ALIGNMENT) {
            direct = FALSE;
            if (set_direct(c, FALSE) < 0)
                return unsupported(c->path, errno);
        }
    }
    if (!direct && fdatasync(c->file) < 0)
        return failed(c);
    if (!direct)
        posix_fadvise(c->file, 0, 0, POSIX_FADV_DONTNEED);
    return 0;
}

static int write_file(DirectCopy *c)
{
    for (;;) {
        size_t want = c->at % ALIGNMENT ? ALIGNMENT - (size_t)(c->at % ALIGNMENT) : BUFFER;
        ssize_t n = take(c, want);

        if (n < 0 || (n > 0 && store(c, (size_t)n) < 0))
            return -1;
        if ((size_t)n < want)
            return 0;
    }
}

static int give(DirectCopy *c, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(c->pipe, data, len);

        if (n < 0 && errno == EPIPE)
            return -1;   /* the reader has all that it wants, or tells itself why it hasn't */
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return FAIL_ERRNO(errno, "cannot pass on what is in '%s'", c->path);
        if (n < 0 && wait_for_pipe(c) <= 0)
            return -1;
        data += MAX(n, 0);
        len -= (size_t)MAX(n, 0);
    }
    return 0;
}

static int read_file(DirectCopy *c)
{
    size_t skip = (size_t)(c->at % ALIGNMENT);

    for (c->at -= (off_t)skip;;) {
        ssize_t n = pread(c->file, c->buffer, BUFFER, c->at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(c);
        if ((size_t)n <= skip)
            return 0;
        if (give(c, c->buffer + skip, (size_t)n - skip) < 0)
            return -1;
        skip = 0;
        c->at += n;
        /* most likely the file's end; if not, the rest is no multiple of what O_DIRECT needs */
        if (n % ALIGNMENT && set_direct(c, FALSE) < 0)
            return unsupported(c->path, errno);
    }
}

static gpointer run(gpointer data)
{
    DirectCopy *c = data;

    virResetLastError();
    if ((c->reading ? read_file(c) : write_file(c)) < 0)
        c->error = error_code() ? error_save() : NULL;
    /* Whoever is at the other end sees that nothing more is taken, or comes. */
    close(c->pipe);
    c->pipe = -1;
    return NULL;
}

static void copy_free(DirectCopy *c)
{
    const int fds[] = { c->pipe, c->other, c->stop };

    for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    free(c->buffer);
    g_free(c->path);
    g_free(c);
}

static int begin(DirectCopy *c)
{
    int ends[2];
    g_autoptr(GError) error = NULL;

    c->at = lseek(c->file, 0, SEEK_CUR);
    if (c->at < 0)
        return FAIL_ERRNO(errno, "cannot tell the place in '%s'", c->path);
    if (set_direct(c, TRUE) < 0)
        return unsupported(c->path, errno);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return FAIL_ERRNO(errno, "cannot make a pipe for '%s'", c->path);
    c->pipe = ends[c->reading];
    c->other = ends[!c->reading];
    c->stop = eventfd(0, EFD_CLOEXEC);
    c->buffer = aligned_alloc(ALIGNMENT, BUFFER);
    if (c->stop < 0 || !c->buffer || fcntl(c->pipe, F_SETFL, O_NONBLOCK) < 0)
        return FAIL_ERRNO(errno, "cannot prepare a copy of '%s'", c->path);
    /* fewer turns of the two; a limit of the user's may forbid it */
    (void)fcntl(c->pipe, F_SETPIPE_SZ, BUFFER);
    c->thread = g_thread_try_new("direct-copy", run, c, &error);
    return c->thread ? 0 : FAIL(VIR_ERR_SYSTEM_ERROR, "cannot begin a thread for '%s': %s", c->path, error->message);
}

static DirectCopy *copy_new(int fd, const char *path, gboolean reading)
{
    DirectCopy *c = g_new0(DirectCopy, 1);

    c->file = fd;
    c->pipe = c->other = c->stop = -1;
    c->patience = -1;
    c->reading = reading;
    c->path = g_strdup(path);
    if (begin(c) == 0)
        return c;
    set_direct(c, FALSE);
    copy_free(c);
    return NULL;
}

DirectCopy *direct_copy_to_file(int fd, const char *path)
{
    return copy_new(fd, path, FALSE);
}

DirectCopy *direct_copy_from_file(int fd, const char *path)
{
    return copy_new(fd, path, TRUE);
}

int direct_copy_fd(const DirectCopy *copy)
{
    return copy->other;
}

int direct_copy_end(DirectCopy *copy, int rc, gint64 patience_ms)
{
    virErrorPtr theirs = rc < 0 ? error_save() : NULL;
    const guint64 one = 1;
    ssize_t told;

    if (rc < 0 || copy->reading)
        g_atomic_int_set(&copy->given_up, 1);
    else
        g_atomic_int_set(&copy->patience, (gint)CLAMP(patience_ms, 0, G_MAXINT));
    close(copy->other);
    copy->other = -1;
    do
        told = write(copy->stop, &one, sizeof(one));
    while (told < 0 && errno == EINTR);
    g_thread_join(copy->thread);
    set_direct(copy, FALSE);
    if (copy->error && (rc < 0 || !copy->reading)) {
        error_restore(g_steal_pointer(&copy->error));
        rc = -1;
    } else if (theirs) {
        error_restore(g_steal_pointer(&theirs));
    }
    virFreeError(theirs);
    virFreeError(copy->error);
    copy_free(copy);
    return rc;
}
