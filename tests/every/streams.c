/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls by hand: what is done with a stream, once a call has bound it. A volume goes up and comes back.
 */
#include "every.h"

enum { SIZE = 64 * 1024, HALF = SIZE / 2 };

/** What a handler has moved. */
typedef struct Moved {
    long long data, holes;
    int events;
} Moved;

static int source(virStreamPtr st, char *data, size_t n, void *opaque)
{
    Moved *m = opaque;
    long long left = SIZE - m->data - m->holes;
    if ((long long) n > left)
        n = (size_t) left;
    memset(data, 'a', n);
    m->data += (long long) n;
    return (int) n;
}

/* The first half is data, the second one a hole. */
static int source_hole(virStreamPtr st, int *in_data, long long *length, void *opaque)
{
    const Moved *m = opaque;
    *in_data = m->data < HALF;
    *length = *in_data ? HALF - m->data : HALF - m->holes;
    return 0;
}

static int source_skip(virStreamPtr st, long long length, void *opaque)
{
    ((Moved *) opaque)->holes += length;
    return 0;
}

static int sink(virStreamPtr st, const char *data, size_t n, void *opaque)
{
    ((Moved *) opaque)->data += (long long) n;
    return (int) n;
}

static int sink_hole(virStreamPtr st, long long length, void *opaque)
{
    ((Moved *) opaque)->holes += length;
    return 0;
}

static void on_event(virStreamPtr st, int events, void *opaque)
{
    ((Moved *) opaque)->events |= events;
}

/* A stream that is bound; NULL on an error, which is reported. */
static virStreamPtr bound(Fixture *x, bool up, unsigned int stream_flags, unsigned int flags)
{
    virStreamPtr st = virStreamNew(x->conn, stream_flags);
    int ret = up ? virStorageVolUpload(x->volume, st, 0, SIZE, flags) : virStorageVolDownload(x->volume, st, 0, SIZE, flags);
    if (ret == 0)
        return st;
    DID(x, bound, false);
    virStreamFree(st);
    return NULL;
}

static void call_sending(Fixture *x)
{
    Moved m = { 0 };
    virStreamPtr st = bound(x, true, 0, 0);
    if (!st)
        return;
    DID(x, virStreamSend, virStreamSend(st, "abc", 3) == 3);
    DID(x, virStreamAbort, virStreamAbort(st) == 0);
    virStreamFree(st);
    if (!(st = bound(x, true, 0, 0)))
        return;
    DID(x, virStreamSendAll, virStreamSendAll(st, source, &m) == 0);
    DID(x, virStreamFinish, virStreamFinish(st) == 0);
    DID(x, virStreamFree, virStreamFree(st) == 0);
    if (!(st = bound(x, true, 0, VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)))
        return;
    m = (Moved) { 0 };
    DID(x, virStreamSparseSendAll, virStreamSparseSendAll(st, source, source_hole, source_skip, &m) == 0 && m.holes == HALF);
    virStreamFinish(st);
    virStreamFree(st);
    if (!(st = bound(x, true, 0, VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)))
        return;
    DID(x, virStreamSendHole, virStreamSendHole(st, HALF, 0) == 0);
    virStreamFinish(st);
    virStreamFree(st);
}

/* All of a sparse stream, piece by piece. Gives 0 at its end. */
static int receive(virStreamPtr st, Moved *m)
{
    char data[4096];
    for (;;) {
        long long hole = 0;
        int n = virStreamRecvFlags(st, data, sizeof(data), VIR_STREAM_RECV_STOP_AT_HOLE);
        if (n == 0 || n == -1)
            return n;
        if (n == -3 && virStreamRecvHole(st, &hole, 0) < 0)
            return -1;
        m->data += n > 0 ? n : 0;
        m->holes += hole;
    }
}

static void call_receiving(Fixture *x)
{
    Moved m = { 0 };
    char data[16];
    virStreamPtr st = bound(x, false, 0, 0);
    if (!st)
        return;
    DID(x, virStreamRecv, virStreamRecv(st, data, sizeof(data)) > 0);
    virStreamAbort(st);
    virStreamFree(st);
    if (!(st = bound(x, false, 0, 0)))
        return;
    DID(x, virStreamRecvAll, virStreamRecvAll(st, sink, &m) == 0 && m.data == SIZE);
    virStreamFinish(st);
    virStreamFree(st);
    if (!(st = bound(x, false, 0, VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)))
        return;
    m = (Moved) { 0 };
    DID(x, virStreamSparseRecvAll, virStreamSparseRecvAll(st, sink, sink_hole, &m) == 0 && m.data + m.holes == SIZE);
    virStreamFinish(st);
    virStreamFree(st);
    if (!(st = bound(x, false, 0, VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)))
        return;
    m = (Moved) { 0 };
    int ret = receive(st, &m);
    DID(x, virStreamRecvFlags, ret == 0);
    DID(x, virStreamRecvHole, ret == 0 && m.holes > 0 && m.data + m.holes == SIZE);
    virStreamFinish(st);
    virStreamFree(st);
}

static void call_watching(Fixture *x)
{
    Moved m = { 0 };
    virStreamPtr st = bound(x, false, VIR_STREAM_NONBLOCK, 0);
    if (!st)
        return;
    DID(x, virStreamEventAddCallback, virStreamEventAddCallback(st, 0, on_event, &m, NULL) == 0);
    DID(x, virStreamEventUpdateCallback, virStreamEventUpdateCallback(st, VIR_STREAM_EVENT_READABLE) == 0);
    while (!m.events && virEventRunDefaultImpl() == 0)
        ;
    DID(x, virStreamEventRemoveCallback, m.events == VIR_STREAM_EVENT_READABLE && virStreamEventRemoveCallback(st) == 0);
    virStreamAbort(st);
    virStreamFree(st);
}

const Call stream_calls[] = {
    { "sending", call_sending }, { "receiving", call_receiving }, { "watching", call_watching },
    { NULL, NULL }
};
