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
    int fd;                    /* -1 once ended, and for files, which are content */
    gboolean over;             /* it has ended */
    gboolean is_file;          /* what follows is for files and other content only */
    StorageContent *content;   /* reference; NULL once ended. Who works on it has his own: use_content() */
    gboolean written;          /* something was, and nobody has asked yet that it be kept */
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
    StorageContent *content = g_steal_pointer(&fs->content);
    fs->fd = -1;
    fs->over = TRUE;
    g_mutex_unlock(&fs->lock);
    if (fd >= 0)
        close(fd);
    content_unref(content);
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

/* A reference to what the stream is of, at which this call works; NULL with an error: it has ended. */
static StorageContent *use_content(FdStream *fs)
{
    g_mutex_lock(&fs->lock);
    StorageContent *content = fs->content ? content_ref(fs->content) : NULL;
    g_mutex_unlock(&fs->lock);
    return content ? content : FAIL_NULL(VIR_ERR_OPERATION_INVALID, "the stream has ended");
}

/* Bytes from here to where data ends, or (@in_data FALSE) the hole ends. 0: the stream's end. */
static int file_extent(FdStream *fs, StorageContent *content, gboolean *in_data, guint64 *length)
{
    *length = fs->end - fs->pos;
    *in_data = TRUE;
    if (content_extent(content, fs->pos, length, in_data) < 0)
        return -1;
    *in_data |= !fs->sparse;
    return 0;
}

static int file_recv(FdStream *fs, char *data, size_t n, unsigned int flags)
{
    gboolean in_data = TRUE;
    guint64 length = fs->end - fs->pos;
    g_autoptr(StorageContent) content = use_content(fs);
    if (!content || (fs->sparse && file_extent(fs, content, &in_data, &length) < 0))
        return -1;
    n = MIN(MIN(n, length), G_MAXINT);
    if (!in_data && n) {
        if (flags & VIR_STREAM_RECV_STOP_AT_HOLE)
            return -3;
        memset(data, 0, n);
        move(fs, n);
        return (int) n;
    }
    gssize got = content_read(content, fs->pos, data, n);
    if (got < 0)
        return -1;
    move(fs, (guint64) got);
    return (int) got;
}

static int file_recv_pipe(virStreamPtr st, int pipe, size_t n, unsigned int flags)
{
    FdStream *fs = st->data;
    gboolean in_data = TRUE;
    guint64 length = fs->end - fs->pos;
    g_autoptr(StorageContent) content = use_content(fs);
    if (content && content->fd < 0)
        return -4;
    if (!content || (fs->sparse && file_extent(fs, content, &in_data, &length) < 0))
        return -1;
    const gboolean wanted = n > 0;
    n = MIN(MIN(n, length), G_MAXINT);
    if (!in_data && n)
        return flags & VIR_STREAM_RECV_STOP_AT_HOLE ? -3 : -4;
    off_t at = (off_t) fs->pos;
    ssize_t got;
    do {
        got = n ? splice(content->fd, &at, pipe, NULL, n, SPLICE_F_NONBLOCK) : 0;
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
    g_autoptr(StorageContent) content = use_content(fs);
    gssize sent = content ? content_write(content, fs->pos, data, n) : -1;
    if (sent < 0)
        return -1;
    fs->written = TRUE;
    move(fs, (guint64) sent);
    return (int) sent;
}

/* For content without a descriptor, and file systems that take nothing out of a pipe. */
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
    g_autoptr(StorageContent) content = use_content(fs);
    if (!content)
        return -1;
    if (n && fs->pos == fs->end)
        return fail_room(fs, n);
    n = MIN(MIN(n, fs->end - fs->pos), G_MAXINT);
    if (content->fd < 0)
        return send_pipe_copied(fs, pipe, n);
    off_t at = (off_t) fs->pos;
    ssize_t sent;
    do {
        sent = splice(pipe, NULL, content->fd, &at, n, 0);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EINVAL)
        return send_pipe_copied(fs, pipe, n);
    if (sent < 0)
        return FAIL_ERRNO(errno, "cannot write to the stream's file");
    fs->written = TRUE;
    move(fs, (guint64) sent);
    return (int) sent;
}

static int stream_send_hole(virStreamPtr st, long long length, unsigned int flags)
{
    FdStream *fs = st->data;
    if (error_check_flags(ERROR_DOMAIN, "virStreamSendHole", flags, 0) < 0)
        return -1;
    if (fs->over)
        return FAIL(VIR_ERR_OPERATION_INVALID, "the stream has ended");
    if (!fs->sparse)
        return FAIL(VIR_ERR_OPERATION_INVALID, "the stream was not opened as a sparse one");
    if (length < 0 || (guint64) length > fs->end - fs->pos || fs->pos + (guint64) length > G_MAXINT64)
        return FAIL(VIR_ERR_INVALID_ARG, "a hole of %lld bytes has no place in the stream", length);
    g_autoptr(StorageContent) content = use_content(fs);
    if (!content || content_zero(content, fs->pos, (guint64) length) < 0)
        return -1;
    fs->written = TRUE;
    move(fs, (guint64) length);
    return 0;
}

static int stream_in_data(virStreamPtr st, int *in_data, long long *length)
{
    FdStream *fs = st->data;
    gboolean data;
    guint64 n;
    if (fs->over)
        return FAIL(VIR_ERR_OPERATION_INVALID, "the stream has ended");
    if (!fs->is_file)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "only streams of files have holes");
    g_autoptr(StorageContent) content = use_content(fs);
    if (!content || file_extent(fs, content, &data, &n) < 0)
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
    if (fs->over)
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
    if (fs->over)
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
    if (fs->watch >= 0 || fs->over) {
        gboolean over = fs->over;
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

static int stream_abort(virStreamPtr st)
{
    FdStream *fs = st->data;
    if (fs->watch >= 0)
        stream_remove_callback(st);
    stream_end(fs);
    return 0;
}

/* What goes to a file is the kernel's concern by now; what goes to a server may still be on its way, or be refused. */
static int stream_finish(virStreamPtr st)
{
    FdStream *fs = st->data;
    int rc = fs->written && fs->content && fs->content->fd < 0 ? content_flush(fs->content) : 0;
    virErrorPtr saved = rc < 0 ? error_save() : NULL;
    stream_abort(st);
    if (saved)
        error_restore(saved);
    return rc;
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
    .finish = stream_finish, \
    .abort = stream_abort

static const StreamDriver fd_stream_driver = { FUNCTIONS };
static const StreamDriver file_stream_driver = { .waits = TRUE, .recv_pipe = file_recv_pipe, .send_pipe = file_send_pipe, FUNCTIONS };

static FdStream *bind(virStreamPtr st, const StreamDriver *driver, FdStreamMoved moved, FdStreamEnded ended, void *opaque)
{
    FdStream *fs = g_new0(FdStream, 1);
    fs->refs = 1;
    g_mutex_init(&fs->lock);
    fs->fd = -1;
    fs->end = G_MAXINT64;
    fs->watch = -1;
    fs->moved = moved;
    fs->ended = ended;
    fs->ended_opaque = opaque;
    st->driver = driver;
    st->data = fs;
    st->free_data = stream_unref;
    return fs;
}

static void set_content(FdStream *fs, StorageContent *content)
{
    fs->is_file = TRUE;
    fs->content = content;
}

int fd_stream_open(virStreamPtr st, int fd, FdStreamEnded ended, void *opaque)
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
    gboolean is_file = S_ISREG(info.st_mode);
    FdStream *fs = bind(st, is_file ? &file_stream_driver : &fd_stream_driver, NULL, ended, opaque);
    if (!is_file) {
        fs->fd = fd;
    } else {
        off_t here = lseek(fd, 0, SEEK_CUR);
        fs->pos = here > 0 ? (guint64) here : 0;
        set_content(fs, content_new_fd(fd, G_MAXUINT64));
    }
    return 0;
}

int fd_stream_open_content(virStreamPtr st, StorageContent *content, const FdStreamRange *range, FdStreamMoved moved, FdStreamEnded ended,
                           void *opaque)
{
    if (st->driver) {
        content_unref(content);
        return FAIL(VIR_ERR_OPERATION_INVALID, "the stream is already in use");
    }
    FdStream *fs = bind(st, &file_stream_driver, moved, ended, opaque);
    set_content(fs, content);
    fs->sparse = range->sparse;
    fs->pos = MIN(range->offset, G_MAXINT64);
    fs->end = range->length < G_MAXINT64 - fs->pos ? fs->pos + range->length : G_MAXINT64;
    return 0;
}
