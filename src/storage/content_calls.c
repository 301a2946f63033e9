/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN managed_thread_domain
#define LOG_SOURCE "storage.data"
#include "storage/content_calls.h"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "storage/call.h"

/* What is asked of a server at once. */
#define WINDOW ((gsize) 1 << 20)
/* What is zeroed in one call, that it can be seen to move. */
#define ZERO_AT_ONCE ((guint64) 256 << 20)

typedef enum { IO_READ, IO_WRITE, IO_ZERO, IO_EXTENT, IO_FLUSH, IO_CLOSE } IoKind;

/* What a call works on; it may outlive who asked, and then has this alone. */
typedef struct Io {
    gint refs;
    StorageContent *content;    /* reference; NULL once closed */
    IoKind kind;
    guint64 at, length;
    gboolean is_data;
    guint64 held_at;            /* where the bytes of @buffer belong */
    gsize held;
    gboolean dirty;             /* they are still to be written */
    guint8 buffer[WINDOW];
} Io;

typedef struct CallContent {
    StorageContent base;
    VolJob job;                 /* of no access: what a call needs */
    int error_domain;           /* of whose wish it is */
    Io *io;                     /* reference; NULL: a call on it was left behind */
} CallContent;

static void io_unref(gpointer data)
{
    Io *io = data;
    if (!g_atomic_int_dec_and_test(&io->refs))
        return;
    content_unref(io->content);
    g_free(io);
}

static int write_held(Io *io)
{
    return content_write_all(io->content, io->held_at, io->buffer, io->held);
}

static int run_io(StorageCall *call)
{
    Io *io = call->opaque;
    gssize got;
    switch (io->kind) {
    case IO_READ:
        got = content_read(io->content, io->held_at, io->buffer, WINDOW);
        io->held = (gsize) MAX(got, 0);
        return got < 0 ? -1 : 0;
    case IO_WRITE:
        return write_held(io);
    case IO_ZERO:
        return content_zero(io->content, io->at, io->length);
    case IO_EXTENT:
        return content_extent(io->content, io->at, &io->length, &io->is_data);
    case IO_FLUSH:
        return content_flush(io->content);
    default:
        g_clear_pointer(&io->content, content_unref);
        return 0;
    }
}

static const char *const names[] = {
    [IO_READ] = "download", [IO_WRITE] = "upload", [IO_ZERO] = "upload", [IO_EXTENT] = "download", [IO_FLUSH] = "upload", [IO_CLOSE] = "close",
};

/* What its calls work on; NULL with an error if one of them was left behind. */
static Io *io_of(CallContent *self)
{
    return self->io ? self->io
        : FAIL_NULL(VIR_ERR_OPERATION_TIMEOUT, "volume '%s' is not to be had any more: its storage did not respond", self->job.vol->name);
}

static int do_io(CallContent *self, IoKind kind)
{
    managed_thread_domain = self->error_domain;
    g_autoptr(StorageCall) call = vol_job_call(&self->job, names[kind], run_io);
    if (!call)
        return -1;
    self->io->kind = kind;
    g_atomic_int_inc(&self->io->refs);
    call->opaque = self->io;
    call->free_opaque = io_unref;
    call->keeps_name = TRUE;
    call->always = kind == IO_CLOSE;
    int rc = storage_call_run(call);
    if (rc < 0 && error_code() == VIR_ERR_OPERATION_TIMEOUT)
        io_unref(g_steal_pointer(&self->io)); /* a thread may still be at work on it */
    return rc;
}

/* For the next piece: as io_of(), with nothing left to be written. */
static Io *settled(CallContent *self)
{
    Io *io = io_of(self);
    if (!io || !io->dirty)
        return io;
    if (do_io(self, IO_WRITE) < 0)
        return NULL;
    io->dirty = FALSE;
    io->held = 0;
    return io;
}

static gssize call_read(StorageContent *content, guint64 at, void *buffer, gsize n)
{
    CallContent *self = (CallContent *) content;
    Io *io = settled(self);
    if (!io)
        return -1;
    if (at < io->held_at || at >= io->held_at + io->held) {
        io->held_at = at;
        if (do_io(self, IO_READ) < 0)
            return -1;
    }
    gsize skip = (gsize) (at - io->held_at);
    n = MIN(n, io->held - skip);
    memcpy(buffer, io->buffer + skip, n);
    return (gssize) n;
}

/* Up to the next place that is a multiple of the window, so that a server need not put blocks together. */
static gssize call_write(StorageContent *content, guint64 at, const void *buffer, gsize n)
{
    CallContent *self = (CallContent *) content;
    Io *io = io_of(self);
    if (io && (!io->dirty || at != io->held_at + io->held) && (io = settled(self))) {
        io->held_at = at;
        io->held = 0;
    }
    if (!io)
        return -1;
    n = MIN(n, WINDOW - (gsize) (at % WINDOW));
    memcpy(io->buffer + io->held, buffer, n);
    io->held += n;
    io->dirty = TRUE;
    return (at + n) % WINDOW == 0 && !settled(self) ? -1 : (gssize) n;
}

static int call_zero(StorageContent *content, guint64 at, guint64 length)
{
    CallContent *self = (CallContent *) content;
    Io *io = settled(self);
    for (guint64 done = 0; io && done < length; done += ZERO_AT_ONCE) {
        io->at = at + done;
        io->length = MIN(length - done, ZERO_AT_ONCE);
        io->held = 0;
        if (do_io(self, IO_ZERO) < 0)
            return -1;
    }
    return io ? 0 : -1;
}

static int call_extent(StorageContent *content, guint64 at, guint64 *length, gboolean *is_data)
{
    CallContent *self = (CallContent *) content;
    Io *io = settled(self);
    if (!io)
        return -1;
    io->at = at;
    io->length = *length;
    if (do_io(self, IO_EXTENT) < 0)
        return -1;
    *length = io->length;
    *is_data = io->is_data;
    return 0;
}

static int call_flush(StorageContent *content)
{
    CallContent *self = (CallContent *) content;
    return settled(self) ? do_io(self, IO_FLUSH) : -1;
}

static void call_close(StorageContent *content)
{
    CallContent *self = (CallContent *) content;
    virErrorPtr saved = error_save();
    if (self->io && do_io(self, IO_CLOSE) < 0)
        LOG_WARN("volume '%s' is not closed: %s", self->job.vol->name, error_message());
    error_restore(saved);
    if (self->io)
        io_unref(self->io);
    virConnectPtr conn = self->job.conn;
    vol_job_end(&self->job);
    if (conn)
        object_unref(conn); /* last: an embedded driver's objects live no longer than its connection */
}

StorageContent *content_in_calls(const VolJob *job, StorageContent *content)
{
    static const StorageContentOps ops = {
        .read = call_read, .write = call_write, .zero = call_zero, .extent = call_extent, .flush = call_flush, .close = call_close,
    };
    CallContent *self = CONTENT_NEW(CallContent, &ops, content->size);
    self->job = (VolJob) { .conn = job->conn ? object_ref(job->conn) : NULL, .obj = managed_ref(job->obj), .state = managed_state(job->obj),
                           .pool = job->pool, .vol = storage_vol_ref(job->vol), .def = definition_ref(job->def), .access = VOL_LOOK };
    self->io = g_new0(Io, 1);
    self->io->refs = 1;
    self->io->content = content;
    self->error_domain = managed_thread_domain;
    return &self->base;
}
