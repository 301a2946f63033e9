/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams: what the program does with one that a call has bound to a driver.
 */
#define ERROR_DOMAIN VIR_FROM_STREAMS
#include "base/error.h"
#include "lib/entry.h"
#include "rpc/block.h"
#include <errno.h>

/* What sendAll and recvAll move at a time, in whole pages, since the kernel copies between those as fast as it can. */
#define CHUNK (128 * 1024)
#define PAGE 4096

static char *chunk_new(void)
{
    char *data = aligned_alloc(PAGE, CHUNK);
    if (!data)
        g_error("out of memory");
    return data;
}

virStreamPtr virStreamNew(virConnectPtr conn, unsigned int flags)
{
    virResetLastError();
    if (entry_check(conn, OBJECT_CONNECT, ENTRY_READ, __func__) < 0) {
        error_dispatch(NULL);
        return NULL;
    }
    return stream_handle_new(conn, flags & VIR_STREAM_NONBLOCK);    /* programs set flags of their own, which never meant a thing */
}

/* The driver of a stream if it is bound, NULL with the error set otherwise. */
static const StreamDriver *bound(virStreamPtr st, const char *func)
{
    virResetLastError();
    if (entry_check(st, OBJECT_STREAM, ENTRY_READ, func) < 0)
        return NULL;
    if (!st->driver)
        return FAIL_NULL(VIR_ERR_NO_SUPPORT, "%s: the stream is not open, no call has been made with it", func);
    return st->driver;
}

/* -2 (would block) is no error; -3 (hole) neither. */
static int finish(virStreamPtr st, int ret)
{
    if (ret == -1)
        entry_failed(st);
    return ret;
}

#define CALL(st, member, ...) \
    const StreamDriver *driver = bound(st, __func__); \
    if (!driver) \
        return finish(st, -1); \
    if (!driver->member) { \
        entry_unsupported(st, __func__); \
        return -1; \
    } \
    return finish(st, driver->member(st, ##__VA_ARGS__))

/* A missing argument is told even if the stream is not bound. */
#define HAVE(st, arg) \
    do { \
        virResetLastError(); \
        if (entry_check(st, OBJECT_STREAM, ENTRY_READ, __func__) < 0 || entry_nonnull(arg, #arg, __func__) < 0) \
            return finish(st, -1); \
    } while (0)

int virStreamSend(virStreamPtr st, const char *data, size_t nbytes)
{
    HAVE(st, data);
    CALL(st, send, data, nbytes);
}

int virStreamRecv(virStreamPtr st, char *data, size_t nbytes)
{
    HAVE(st, data);
    CALL(st, recv, data, nbytes, 0);
}

int virStreamRecvFlags(virStreamPtr st, char *data, size_t nbytes, unsigned int flags)
{
    HAVE(st, data);
    CALL(st, recv, data, nbytes, flags);
}

int virStreamSendHole(virStreamPtr st, long long length, unsigned int flags)
{
    CALL(st, send_hole, length, flags);
}

int virStreamRecvHole(virStreamPtr st, long long *length, unsigned int flags)
{
    HAVE(st, length);
    CALL(st, recv_hole, length, flags);
}

int virStreamFinish(virStreamPtr st)
{
    CALL(st, finish);
}

int virStreamAbort(virStreamPtr st)
{
    if (object_is(st, OBJECT_STREAM) && !st->driver) { /* nothing is under way */
        virResetLastError();
        return 0;
    }
    CALL(st, abort);
}

int virStreamEventAddCallback(virStreamPtr st, int events, virStreamEventCallback cb, void *opaque, virFreeCallback ff)
{
    CALL(st, add_callback, events, cb, opaque, ff);
}

int virStreamEventUpdateCallback(virStreamPtr st, int events)
{
    CALL(st, update_callback, events);
}

int virStreamEventRemoveCallback(virStreamPtr st)
{
    CALL(st, remove_callback);
}

/* The All functions block by nature. */
static int check_all(virStreamPtr st, const void *handler, const char *func)
{
    if (!bound(st, func) || entry_nonnull(handler, "handler", func) < 0)
        return -1;
    if (st->flags & VIR_STREAM_NONBLOCK)
        return FAIL(VIR_ERR_OPERATION_INVALID, "%s cannot be used on a non-blocking stream", func);
    return 0;
}

/* Abort without losing the error that made us abort. */
static int give_up(virStreamPtr st, int handler_errno)
{
    virErrorPtr saved = error_save();
    if (st && st->driver)
        virStreamAbort(st);
    if (saved)
        error_restore(saved);
    else
        error_report_errno(ERROR_DOMAIN, handler_errno ? handler_errno : EIO, "the program's stream handler failed");
    entry_failed(st);
    return -1;
}

/* What a stream was to carry can't be carried: it ends as if the transfer had failed. */
static int refuse(virStreamPtr st)
{
    if (object_is(st, OBJECT_STREAM))
        return give_up(st, 0);
    entry_failed(st);
    return -1;
}

static int send_whole(virStreamPtr st, const char *data, int n)
{
    for (int done = 0; done < n; ) {
        int sent = st->driver->send(st, data + done, n - done);
        if (sent < 0)
            return -1;
        done += sent;
    }
    return 0;
}

int virStreamSendAll(virStreamPtr st, virStreamSourceFunc handler, void *opaque)
{
    if (check_all(st, (void *) handler, __func__) < 0)
        return refuse(st);
    g_autofree char *data = chunk_new();
    for (;;) {
        errno = 0;
        int got = handler(st, data, CHUNK, opaque);
        if (got == 0)
            return 0;
        if (got < 0 || got > CHUNK || send_whole(st, data, got) < 0)
            return give_up(st, errno);
    }
}

int virStreamSparseSendAll(virStreamPtr st, virStreamSourceFunc handler, virStreamSourceHoleFunc holeHandler,
                           virStreamSourceSkipFunc skipHandler, void *opaque)
{
    if (check_all(st, (void *) handler, __func__) < 0 || entry_nonnull(holeHandler, "holeHandler", __func__) < 0 ||
        entry_nonnull(skipHandler, "skipHandler", __func__) < 0)
        return refuse(st);
    g_autofree char *data = chunk_new();
    for (;;) {
        int in_data = 0;
        long long length = 0;
        errno = 0;
        if (holeHandler(st, &in_data, &length, opaque) < 0)
            return give_up(st, errno);
        if (!in_data && length) {
            if (virStreamSendHole(st, length, 0) < 0 || skipHandler(st, length, opaque) < 0)
                return give_up(st, errno);
            continue;
        }
        if (!in_data)
            return 0;
        int got = handler(st, data, MIN(length, CHUNK), opaque);
        if (got == 0)
            return 0;
        if (got < 0 || got > CHUNK || send_whole(st, data, got) < 0)
            return give_up(st, errno);
    }
}

/* Give the sink what came; 0, or -1. */
static int sink_all(virStreamPtr st, virStreamSinkFunc handler, const char *data, int n, void *opaque)
{
    for (int done = 0; done < n; ) {
        int taken = handler(st, data + done, n - done, opaque);
        if (taken < 0 || taken > n - done)
            return -1;
        done += taken;
    }
    return 0;
}

static int receive_all(virStreamPtr st, virStreamSinkFunc handler, virStreamSinkHoleFunc hole, void *opaque)
{
    const StreamDriver *driver = st->driver;
    const unsigned int flags = hole ? VIR_STREAM_RECV_STOP_AT_HOLE : 0;
    g_autofree char *room = driver->recv_block ? NULL : chunk_new();
    for (;;) {
        uint8_t *block = NULL;
        const char *data = room;
        errno = 0;
        int got = room ? driver->recv(st, room, CHUNK, flags) : driver->recv_block(st, &block, &data, flags);
        if (got == 0)
            return 0;
        if (got == -3) {
            long long length = 0;
            if (virStreamRecvHole(st, &length, 0) < 0 || hole(st, length, opaque) < 0)
                return give_up(st, errno);
            continue;
        }
        int done = got < 0 ? -1 : sink_all(st, handler, data, got, opaque);
        int problem = errno;
        rpc_block_free(block);
        if (done < 0)
            return give_up(st, problem);
    }
}

int virStreamRecvAll(virStreamPtr st, virStreamSinkFunc handler, void *opaque)
{
    if (check_all(st, (void *) handler, __func__) < 0)
        return refuse(st);
    return receive_all(st, handler, NULL, opaque);
}

int virStreamSparseRecvAll(virStreamPtr st, virStreamSinkFunc handler, virStreamSinkHoleFunc holeHandler, void *opaque)
{
    if (check_all(st, (void *) handler, __func__) < 0 || entry_nonnull(holeHandler, "holeHandler", __func__) < 0)
        return refuse(st);
    return receive_all(st, handler, holeHandler, opaque);
}
