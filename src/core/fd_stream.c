/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The program's (or the daemon's) event loop calls back; regular files are always ready, which loops don't watch, so a
 * timer stands in for them. The daemon has its workers read and write files instead (daemon/dispatch_pump.c).
 */
#define ERROR_DOMAIN VIR_FROM_STREAMS
#include "core/fd_stream.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct FdStream {
    gint refs;
    GMutex lock;
    int fd;                    /* -1 once ended */
    gboolean is_file;          /* what follows is for files only */
    gboolean sparse;
    guint64 pos, end;          /* next byte, and first byte that isn't the stream's */
    int watch;                 /* handle or timer of the event loop; -1 */
    int events;
    virStreamPtr st;           /* not a reference: the callback holds one */
    virStreamEventCallback cb;
    void *cb_opaque;
    virFreeCallback cb_free;
    FdStreamMoved moved;
    FdStreamEnded ended;
    void *ended_opaque;
} FdStream;

static void tell_end(FdStream *fs)
{
    g_mutex_lock(&fs->lock);
    FdStreamEnded ended = fs->ended;
    fs->ended = NULL;
    fs->moved = NULL;
    g_mutex_unlock(&fs->lock);
    if (ended)
        ended(fs->ended_opaque);
}

static void stream_end(FdStream *fs)
{
    g_mutex_lock(&fs->lock);
    int fd = fs->fd;
    fs->fd = -1;
    g_mutex_unlock(&fs->lock);
    if (fd >= 0)
        close(fd);
    tell_end(fs);
}

static void stream_unref(gpointer data)
{
    FdStream *fs = data;
    if (!g_atomic_int_dec_and_test(&fs->refs))
        return;
    stream_end(fs);
    g_mutex_clear(&fs->lock);
    g_free(fs);
}

static int wait_ready(int fd, short events)
{
    struct pollfd p = { fd, events, 0 };
    int n;
    do {
        n = poll(&p, 1, -1);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : 0;
}

/* So much further. */
static void move(FdStream *fs, guint64 n)
{
    fs->pos += n;
    g_mutex_lock(&fs->lock);
    if (fs->moved && n)
        fs->moved(fs->ended_opaque);
    g_mutex_unlock(&fs->lock);
}

/* Bytes from here to where data ends, or (@in_data FALSE) the hole ends. 0: the stream's end. */
static int file_extent(FdStream *fs, gboolean *in_data, guint64 *length)
{
    struct stat info;
    if (fstat(fs->fd, &info) < 0)
        return FAIL_ERRNO(errno, "cannot look at the stream's file");
    guint64 end = S_ISREG(info.st_mode) ? MIN(fs->end, (guint64) info.st_size) : fs->end;
    *in_data = TRUE;
    *length = end > fs->pos ? end - fs->pos : 0;
    if (!*length || !fs->sparse)
        return 0;
    off_t data = lseek(fs->fd, (off_t) fs->pos, SEEK_DATA);
    if (data < 0 && errno != ENXIO)
        return 0; /* a file system without holes, a block device */
    *in_data = data >= 0 && (guint64) data == fs->pos;
    off_t next = *in_data ? lseek(fs->fd, (off_t) fs->pos, SEEK_HOLE) : data;
    if (next > 0 && (guint64) next < end)
        *length = (guint64) next - fs->pos;
    return 0;
}

static int file_recv(FdStream *fs, char *data, size_t n, unsigned int flags)
{
    gboolean in_data = TRUE;
    guint64 length = fs->end - fs->pos;
    if (fs->sparse && file_extent(fs, &in_data, &length) < 0)
        return -1;
    n = MIN(MIN(n, length), G_MAXINT);
    if (!in_data && n) {
        if (flags & VIR_STREAM_RECV_STOP_AT_HOLE)
            return -3;
        memset(data, 0, n);
        move(fs, n);
        return (int) n;
    }
    ssize_t got;
    do {
        got = n ? pread(fs->fd, data, n, (off_t) fs->pos) : 0;
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return FAIL_ERRNO(errno, "cannot read from the stream's file");
    move(fs, (guint64) got);
    return (int) got;
}

static int file_recv_pipe(virStreamPtr st, int pipe, size_t n, unsigned int flags)
{
    FdStream *fs = st->data;
    gboolean in_data = TRUE;
    guint64 length = fs->end - fs->pos;
    if (fs->fd < 0)
        return FAIL(VIR_ERR_OPERATION_INVALID, "the stream has ended");
    if (fs->sparse && file_extent(fs, &in_data, &length) < 0)
        return -1;
    const gboolean wanted = n > 0;
    n = MIN(MIN(n, length), G_MAXINT);
    if (!in_data && n)
        return flags & VIR_STREAM_RECV_STOP_AT_HOLE ? -3 : -4;
    off_t at = (off_t) fs->pos;
    ssize_t got;
    do {
        got = n ? splice(fs->fd, &at, pipe, NULL, n, SPLICE_F_NONBLOCK) : 0;
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EINVAL || errno == ENOSYS))
        return errno == EAGAIN ? -2 : -4;
    if (got < 0)
        return FAIL_ERRNO(errno, "cannot read from the stream's file");
    move(fs, (guint64) got);
    if (!got && wanted) /* as in stream_recv() */
        tell_end(fs);
    return (int) got;
}

static int fail_room(FdStream *fs, size_t n)
{
    return FAIL_ERRNO(ENOSPC, "cannot write %zu bytes where %" G_GUINT64_FORMAT " have room", n, fs->end - fs->pos);
}

static int file_send(FdStream *fs, const char *data, size_t n)
{
    if (n > fs->end - fs->pos)
        return fail_room(fs, n);
    ssize_t sent;
    do {
        sent = pwrite(fs->fd, data, MIN(n, G_MAXINT), (off_t) fs->pos);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return FAIL_ERRNO(errno, "cannot write to the stream's file");
    move(fs, (guint64) sent);
    return (int) sent;
}

/* For file systems that take nothing out of a pipe. */
static int send_pipe_copied(FdStream *fs, int pipe, size_t n)
{
    char data[16384];
    ssize_t got;
    do {
        got = read(pipe, data, MIN(n, sizeof(data)));
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return FAIL_ERRNO(errno, "cannot read from the stream's pipe");
    for (ssize_t done = 0; done < got; ) {
        int sent = file_send(fs, data + done, (size_t) (got - done));
        if (sent < 0)
            return -1;
        done += sent;
    }
    return (int) got;
}

static int file_send_pipe(virStreamPtr st, int pipe, size_t n)
{
    FdStream *fs = st->data;
    if (fs->fd < 0)
        return FAIL(VIR_ERR_OPERATION_INVALID, "the stream has ended");
    if (n && fs->pos == fs->end)
        return fail_room(fs, n);
    n = MIN(MIN(n, fs->end - fs->pos), G_MAXINT);
    off_t at = (off_t) fs->pos;
    ssize_t sent;
    do {
        sent = splice(pipe, NULL, fs->fd, &at, n, 0);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EINVAL)
        return send_pipe_copied(fs, pipe, n);
    if (sent < 0)
        return FAIL_ERRNO(errno, "cannot write to the stream's file");
    move(fs, (guint64) sent);
    return (int) sent;
}

/* What was there goes; the file ends behind the hole if it ended before. */
static int punch(int fd, off_t at, off_t length)
{
    struct stat info;
    if (fstat(fd, &info) < 0)
        return -1;
    if (S_ISREG(info.st_mode) && at + length > info.st_size && ftruncate(fd, at + length) < 0)
        return -1;
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, length);
}

static int stream_send_hole(virStreamPtr st, long long length, unsigned int flags)
{
    FdStream *fs = st->data;
    if (error_check_flags(ERROR_DOMAIN, "virStreamSendHole", flags, 0) < 0)
        return -1;
    if (fs->fd < 0)
        return FAIL(VIR_ERR_OPERATION_INVALID, "the stream has ended");
    if (!fs->sparse)
        return FAIL(VIR_ERR_OPERATION_INVALID, "the stream was not opened as a sparse one");
    if (length < 0 || (guint64) length > fs->end - fs->pos || fs->pos + (guint64) length > G_MAXINT64)
        return FAIL(VIR_ERR_INVALID_ARG, "a hole of %lld bytes has no place in the stream", length);
    if (length && punch(fs->fd, (off_t) fs->pos, (off_t) length) < 0)
        return FAIL_ERRNO(errno, "cannot make a hole in the stream's file");
    move(fs, (guint64) length);
    return 0;
}

static int stream_in_data(virStreamPtr st, int *in_data, long long *length)
{
    FdStream *fs = st->data;
    gboolean data;
    guint64 n;
    if (fs->fd < 0)
        return FAIL(VIR_ERR_OPERATION_INVALID, "the stream has ended");
    if (!fs->is_file)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "only streams of files have holes");
    if (file_extent(fs, &data, &n) < 0)
        return -1;
    *in_data = data;
    *length = (long long) MIN(n, G_MAXINT64);
    return 0;
}

static int stream_recv_hole(virStreamPtr st, long long *length, unsigned int flags)
{
    FdStream *fs = st->data;
    int in_data;
    if (error_check_flags(ERROR_DOMAIN, "virStreamRecvHole", flags, 0) < 0)
        return -1;
    if (stream_in_data(st, &in_data, length) < 0)
        return -1;
    if (in_data)
        return FAIL(VIR_ERR_OPERATION_INVALID, "there is no hole at this place of the stream");
    move(fs, (guint64) *length);
    return 0;
}

static int stream_recv(virStreamPtr st, char *data, size_t n, unsigned int flags)
{
    FdStream *fs = st->data;
    if (fs->fd < 0)
        return FAIL(VIR_ERR_OPERATION_INVALID, "the stream has ended");
    if (fs->is_file) {
        int got = file_recv(fs, data, n, flags);
        if (got == 0 && n) /* some clients never finish a stream that they have read */
            tell_end(fs);
        return got;
    }
    for (;;) {
        ssize_t got = n ? read(fs->fd, data, MIN(n, G_MAXINT)) : 0;
        if (got >= 0)
            return got;
        if (errno == EIO || errno == ECONNRESET)
            return 0;
        if (errno == EAGAIN && (st->flags & VIR_STREAM_NONBLOCK))
            return -2;
        if (errno != EINTR && (errno != EAGAIN || wait_ready(fs->fd, POLLIN) < 0))
            return FAIL_ERRNO(errno, "cannot read from the stream");
    }
}

static int stream_send(virStreamPtr st, const char *data, size_t n)
{
    FdStream *fs = st->data;
    if (fs->fd < 0)
        return FAIL(VIR_ERR_OPERATION_INVALID, "the stream has ended");
    if (fs->is_file)
        return file_send(fs, data, n);
    for (;;) {
        ssize_t sent = write(fs->fd, data, MIN(n, G_MAXINT));
        if (sent >= 0)
            return sent;
        if (errno == EAGAIN && (st->flags & VIR_STREAM_NONBLOCK))
            return -2;
        if (errno != EINTR && (errno != EAGAIN || wait_ready(fs->fd, POLLOUT) < 0))
            return FAIL_ERRNO(errno, "cannot write to the stream");
    }
}

static int to_handle(int events)
{
    return (events & VIR_STREAM_EVENT_READABLE ? VIR_EVENT_HANDLE_READABLE : 0) |
           (events & VIR_STREAM_EVENT_WRITABLE ? VIR_EVENT_HANDLE_WRITABLE : 0);
}

/* The callback and its stream, if it is still wanted. */
static virStreamEventCallback take_callback(FdStream *fs, int watch, virStreamPtr *st, void **opaque, int *events)
{
    g_mutex_lock(&fs->lock);
    virStreamEventCallback cb = fs->watch == watch ? fs->cb : NULL;
    *st = cb ? object_ref(fs->st) : NULL;
    *opaque = fs->cb_opaque;
    *events = fs->events;
    g_mutex_unlock(&fs->lock);
    return cb;
}

static void on_handle(int watch, int fd, int events, void *data)
{
    FdStream *fs = data;
    virStreamPtr st;
    void *opaque;
    int wanted;
    virStreamEventCallback cb = take_callback(fs, watch, &st, &opaque, &wanted);
    if (!cb)
        return;
    int now = (events & VIR_EVENT_HANDLE_READABLE ? VIR_STREAM_EVENT_READABLE : 0) |
              (events & VIR_EVENT_HANDLE_WRITABLE ? VIR_STREAM_EVENT_WRITABLE : 0);
    /* what a peer that hung up has left behind is still to be read */
    if (events & (VIR_EVENT_HANDLE_HANGUP | VIR_EVENT_HANDLE_ERROR))
        now |= wanted & VIR_STREAM_EVENT_READABLE ? VIR_STREAM_EVENT_READABLE : VIR_STREAM_EVENT_HANGUP;
    cb(st, now, opaque);
    object_unref(st);
}

static void on_timer(int watch, void *data)
{
    FdStream *fs = data;
    virStreamPtr st;
    void *opaque;
    int wanted;
    virStreamEventCallback cb = take_callback(fs, watch, &st, &opaque, &wanted);
    if (cb && wanted)
        cb(st, wanted, opaque);
    object_unref(st);
}

static int stream_add_callback(virStreamPtr st, int events, virStreamEventCallback cb, void *opaque, virFreeCallback ff)
{
    FdStream *fs = st->data;
    g_mutex_lock(&fs->lock);
    if (fs->watch >= 0 || fs->fd < 0) {
        gboolean over = fs->fd < 0;
        g_mutex_unlock(&fs->lock);
        return FAIL(VIR_ERR_INTERNAL_ERROR, over ? "the stream has ended" : "the stream already has a callback");
    }
    fs->cb = cb;
    fs->cb_opaque = opaque;
    fs->cb_free = ff;
    fs->events = events;
    fs->st = st;
    g_atomic_int_inc(&fs->refs);
    fs->watch = fs->is_file ? virEventAddTimeout(events ? 0 : -1, on_timer, fs, stream_unref)
                            : virEventAddHandle(fs->fd, to_handle(events), on_handle, fs, stream_unref);
    int watch = fs->watch;
    g_mutex_unlock(&fs->lock);
    if (watch >= 0)
        return 0;
    stream_unref(fs);
    return FAIL(VIR_ERR_INTERNAL_ERROR, "no event loop for the stream's callback");
}

static int stream_update_callback(virStreamPtr st, int events)
{
    FdStream *fs = st->data;
    g_mutex_lock(&fs->lock);
    int watch = fs->watch;
    fs->events = events;
    g_mutex_unlock(&fs->lock);
    if (watch < 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the stream has no callback");
    if (fs->is_file)
        virEventUpdateTimeout(watch, events ? 0 : -1);
    else
        virEventUpdateHandle(watch, to_handle(events));
    return 0;
}

static int stream_remove_callback(virStreamPtr st)
{
    FdStream *fs = st->data;
    g_mutex_lock(&fs->lock);
    int watch = fs->watch;
    virFreeCallback ff = fs->cb_free;
    void *opaque = fs->cb_opaque;
    fs->watch = -1;
    fs->cb = NULL;
    fs->cb_free = NULL;
    fs->st = NULL;
    g_mutex_unlock(&fs->lock);
    if (watch < 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the stream has no callback");
    if (fs->is_file)
        virEventRemoveTimeout(watch);
    else
        virEventRemoveHandle(watch);
    if (ff)
        ff(opaque);
    return 0;
}

static int stream_close(virStreamPtr st)
{
    FdStream *fs = st->data;
    if (fs->watch >= 0)
        stream_remove_callback(st);
    stream_end(fs);
    return 0;
}

#define FUNCTIONS \
    .send = stream_send, \
    .recv = stream_recv, \
    .send_hole = stream_send_hole, \
    .recv_hole = stream_recv_hole, \
    .in_data = stream_in_data, \
    .add_callback = stream_add_callback, \
    .update_callback = stream_update_callback, \
    .remove_callback = stream_remove_callback, \
    .finish = stream_close, \
    .abort = stream_close

static const StreamDriver fd_stream_driver = { FUNCTIONS };
static const StreamDriver file_stream_driver = { .waits = TRUE, .recv_pipe = file_recv_pipe, .send_pipe = file_send_pipe, FUNCTIONS };

static int stream_open(virStreamPtr st, int fd, const FdStreamRange *range, FdStreamMoved moved, FdStreamEnded ended, void *opaque)
{
    struct stat info;
    int flags = fcntl(fd, F_GETFL);
    if (st->driver || flags < 0 || fstat(fd, &info) < 0 ||
        ((st->flags & VIR_STREAM_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)) {
        int saved = errno;
        close(fd);
        if (st->driver)
            return FAIL(VIR_ERR_OPERATION_INVALID, "the stream is already in use");
        return FAIL_ERRNO(saved, "cannot use the descriptor as a stream");
    }
    FdStream *fs = g_new0(FdStream, 1);
    fs->refs = 1;
    g_mutex_init(&fs->lock);
    fs->fd = fd;
    fs->is_file = range || S_ISREG(info.st_mode);
    fs->end = G_MAXINT64;
    if (range) {
        fs->sparse = range->sparse;
        fs->pos = MIN(range->offset, G_MAXINT64);
        fs->end = range->length < G_MAXINT64 - fs->pos ? fs->pos + range->length : G_MAXINT64;
    } else if (fs->is_file) {
        off_t here = lseek(fd, 0, SEEK_CUR);
        fs->pos = here > 0 ? (guint64) here : 0;
    }
    fs->watch = -1;
    fs->moved = moved;
    fs->ended = ended;
    fs->ended_opaque = opaque;
    st->driver = fs->is_file ? &file_stream_driver : &fd_stream_driver;
    st->data = fs;
    st->free_data = stream_unref;
    return 0;
}

int fd_stream_open(virStreamPtr st, int fd, FdStreamEnded ended, void *opaque)
{
    return stream_open(st, fd, NULL, NULL, ended, opaque);
}

int fd_stream_open_file(virStreamPtr st, int fd, const FdStreamRange *range, FdStreamMoved moved, FdStreamEnded ended, void *opaque)
{
    return stream_open(st, fd, range, moved, ended, opaque);
}
