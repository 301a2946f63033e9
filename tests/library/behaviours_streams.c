/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Close callbacks, by way of a relay that dies or falls asleep, and streams of the daemon's storage.
 */
#include "behaviours.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- close callbacks ---- */

typedef struct {
    int calls, reason, freed;
} Closed;

static void on_close(virConnectPtr conn, int reason, void *opaque)
{
    Closed *closed = opaque;
    closed->calls++;
    closed->reason = reason;
}

static void on_close_too(virConnectPtr conn, int reason, void *opaque)
{
}

static void on_free(void *opaque)
{
    ((Closed *) opaque)->freed++;
}

static void see_closed(const char *label, Closed *closed)
{
    see(label, "calls %d reason %d freed %d", closed->calls, closed->reason, closed->freed);
    *closed = (Closed){ 0, -1, 0 };
}

static struct sockaddr_un address(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    return a;
}

static int relay_some(int from, int to)
{
    char data[4096];
    ssize_t n = read(from, data, sizeof(data));
    return n > 0 && write(to, data, n) == n ? 0 : -1;
}

/* Takes one connection and passes everything on. Gives the process. */
static pid_t relay(const World *world, const char *path)
{
    struct sockaddr_un near = address(path), far = address(world->socket);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    unlink(path);
    if (bind(listener, (struct sockaddr *) &near, sizeof(near)) < 0 || listen(listener, 1) < 0)
        exit(6);
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0) {
        close(listener);
        return pid;
    }
    int client = accept(listener, NULL, NULL), daemon = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(daemon, (struct sockaddr *) &far, sizeof(far)) < 0)
        _exit(6);
    struct pollfd fds[2] = { { client, POLLIN }, { daemon, POLLIN } };
    while (poll(fds, 2, -1) > 0) {
        if ((fds[0].revents && relay_some(client, daemon) < 0) || (fds[1].revents && relay_some(daemon, client) < 0))
            break;
    }
    _exit(0);
}

static void end_relay(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int ticks;

static void on_tick(int timer, void *opaque)
{
    ticks++;
}

/* Runs the loop until the callback came, for ten seconds at most. */
static void until_closed(Closed *closed)
{
    int timer = virEventAddTimeout(50, on_tick, NULL, NULL);
    ticks = 0;
    while (!closed->calls && ticks < 200)
        virEventRunDefaultImpl();
    virEventRemoveTimeout(timer);
}

static void see_registering(virConnectPtr conn, Closed *closed)
{
    CALL(virConnectRegisterCloseCallback(conn, on_close, closed, on_free));
    CALL(virConnectRegisterCloseCallback(conn, on_close, closed, on_free));
    CALL(virConnectRegisterCloseCallback(conn, on_close_too, closed, on_free));
    CALL(virConnectUnregisterCloseCallback(conn, on_close_too));
    see_closed("registering again", closed);
    CALL(virConnectUnregisterCloseCallback(conn, on_close));
    see_closed("unregistering", closed);
    CALL(virConnectUnregisterCloseCallback(conn, on_close));
    CALL(virConnectRegisterCloseCallback(conn, on_close, closed, NULL));
    CALL(virConnectUnregisterCloseCallback(conn, on_close));
    CALL(virConnectRegisterCloseCallback(conn, on_close, closed, on_free));
}

void see_close(const World *world)
{
    Closed closed = { 0, -1, 0 };
    char *path = NULL, *uri = NULL;
    if (asprintf(&path, "%s/relay", world->folder) < 0 || asprintf(&uri, "test+unix:///default?socket=%s", path) < 0)
        abort();
    virEventRegisterDefaultImpl();
    virConnectPtr conn = open_test();
    puts("-- in this process");
    see_registering(conn, &closed);
    CALL(virConnectClose(conn));
    see_closed("closed in this process", &closed);

    puts("-- by a socket");
    pid_t pid = relay(world, path);
    conn = virConnectOpen(uri);
    see_ptr("open", conn);
    if (!conn)
        exit(7);
    see_registering(conn, &closed);
    virDomainPtr dom = virDomainLookupByName(conn, "test");
    end_relay(pid);
    until_closed(&closed);
    see_closed("the other side went", &closed);
    CALL(virConnectIsAlive(conn));
    CALL_PTR(virDomainGetXMLDesc(dom, 0));
    CALL(virDomainFree(dom));
    CALL(virConnectUnregisterCloseCallback(conn, on_close));
    CALL(virConnectClose(conn));
    see_closed("closed afterwards", &closed);

    pid = relay(world, path);
    conn = virConnectOpen(uri);
    CALL(virConnectRegisterCloseCallback(conn, on_close, &closed, on_free));
    CALL(virConnectSetKeepAlive(conn, 1, 1));
    kill(pid, SIGSTOP);
    until_closed(&closed);
    see_closed("the other side sleeps", &closed);
    CALL(virConnectIsAlive(conn));
    CALL(virConnectClose(conn));
    see_closed("closed after sleep", &closed);
    end_relay(pid);

    pid = relay(world, path);
    conn = virConnectOpen(uri);
    CALL(virConnectRegisterCloseCallback(conn, on_close, &closed, on_free));
    CALL(virConnectClose(conn));
    see_closed("closed by the program", &closed);
    end_relay(pid);
    free(path);
    free(uri);
}

/* ---- streams ---- */

enum { SIZE = 1 << 20 };

typedef struct {
    int calls, fail_at, error, zero_at; /* of the handler */
    size_t done, size;
    int holes, hole_fails, skip_fails;
    long long hole_bytes;
} Mover;

static int source(virStreamPtr st, char *data, size_t n, void *opaque)
{
    Mover *m = opaque;
    if (++m->calls == m->fail_at) {
        errno = m->error;
        return -1;
    }
    if (n > m->size - m->done)
        n = m->size - m->done;
    memset(data, 'a', n);
    m->done += n;
    return n;
}

static int sink(virStreamPtr st, const char *data, size_t n, void *opaque)
{
    Mover *m = opaque;
    if (++m->calls == m->fail_at) {
        errno = m->error;
        return -1;
    }
    if (m->zero_at == m->calls)
        return 0;
    m->done += n;
    return n;
}

static int sink_hole(virStreamPtr st, long long length, void *opaque)
{
    Mover *m = opaque;
    m->holes++;
    m->hole_bytes += length;
    errno = m->error;
    return m->hole_fails ? -1 : 0;
}

/* The first half is data, the second one a hole. */
static int source_hole(virStreamPtr st, int *in_data, long long *length, void *opaque)
{
    Mover *m = opaque;
    m->holes++;
    errno = m->error;
    if (m->hole_fails)
        return -1;
    *in_data = m->done < SIZE / 2;
    *length = *in_data ? (long long) (SIZE / 2 - m->done) : (long long) (SIZE - m->done);
    return 0;
}

static int source_skip(virStreamPtr st, long long length, void *opaque)
{
    Mover *m = opaque;
    errno = m->error;
    if (m->skip_fails)
        return -1;
    m->done += length;
    m->hole_bytes += length;
    return 0;
}

static virConnectPtr daemon_conn;
static virStorageVolPtr volume;

static virStreamPtr uploading(unsigned int flags)
{
    virStreamPtr st = virStreamNew(daemon_conn, 0);
    see_int("upload", virStorageVolUpload(volume, st, 0, SIZE, flags));
    return st;
}

static virStreamPtr downloading(unsigned int flags)
{
    virStreamPtr st = virStreamNew(daemon_conn, 0);
    see_int("download", virStorageVolDownload(volume, st, 0, SIZE, flags));
    return st;
}

/* The end of a stream, however it went; a second end is an error. */
static void ended(const char *label, virStreamPtr st)
{
    char text[80];
    snprintf(text, sizeof(text), "finished after %s", label);
    see_int(text, virStreamFinish(st));
    snprintf(text, sizeof(text), "aborted after %s", label);
    see_int(text, virStreamAbort(st));
    CALL(virStreamFree(st));
}

static void moved(const char *label, virStreamPtr st, int ret, const Mover *m)
{
    virErrorPtr err = virGetLastError();
    see(label, "%d %s int1 %d; done %zu holes %d of %lld", ret, told(err), err ? err->int1 : 0, m->done, m->holes > 0, m->hole_bytes);
    ended(label, st);
}

static void see_sending(void)
{
    Mover m = { .size = SIZE };
    virStreamPtr st = uploading(0);
    moved("send all", st, virStreamSendAll(st, source, &m), &m);
    m = (Mover){ .size = SIZE, .fail_at = 1 };
    st = uploading(0);
    moved("source fails at once", st, virStreamSendAll(st, source, &m), &m);
    m = (Mover){ .size = SIZE, .fail_at = 2, .error = ENOSPC };
    st = uploading(0);
    int ret = virStreamSendAll(st, source, &m);
    m.done = 0; /* what was sent before depends on the size of a piece */
    moved("source fails with ENOSPC", st, ret, &m);
    m = (Mover){ .size = SIZE };
    st = uploading(VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM);
    moved("sparse send all", st, virStreamSparseSendAll(st, source, source_hole, source_skip, &m), &m);
    m = (Mover){ .size = SIZE, .hole_fails = 1, .error = EPERM };
    st = uploading(VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM);
    moved("source's hole fails", st, virStreamSparseSendAll(st, source, source_hole, source_skip, &m), &m);
    m = (Mover){ .size = SIZE, .skip_fails = 1, .error = EPERM };
    st = uploading(VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM);
    moved("source's skip fails", st, virStreamSparseSendAll(st, source, source_hole, source_skip, &m), &m);
    st = uploading(0);
    m = (Mover){ .size = SIZE };
    CALL(virStreamSendAll(st, NULL, &m));
    ended("no handler", st);
    st = uploading(0);
    CALL(virStreamSparseSendAll(st, source, NULL, source_skip, &m));
    ended("no hole handler", st);
    st = uploading(0);
    CALL(virStreamSparseSendAll(st, source, source_hole, NULL, &m));
    ended("no skip handler", st);
    st = uploading(0);
    CALL(virStreamSend(st, NULL, 10));
    CALL(virStreamSend(st, "abc", 3));
    CALL(virStreamAbort(st));
    CALL(virStreamSend(st, "abc", 3));
    CALL(virStreamFinish(st));
    CALL(virStreamFree(st));
    st = uploading(0);
    CALL(virStreamSendHole(st, 10, 0));
    ended("an unexpected hole", st);
    st = uploading(VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM);
    CALL(virStreamSendHole(st, SIZE / 2, 0));
    ended("a hole", st);
}

static void see_receiving(void)
{
    char data[64];
    Mover m = { .size = SIZE };
    virStreamPtr st = downloading(0);
    moved("receive all", st, virStreamRecvAll(st, sink, &m), &m);
    m = (Mover){ .fail_at = 1 };
    st = downloading(0);
    moved("sink fails at once", st, virStreamRecvAll(st, sink, &m), &m);
    m = (Mover){ .fail_at = 1, .error = ENOSPC };
    st = downloading(0);
    moved("sink fails with ENOSPC", st, virStreamRecvAll(st, sink, &m), &m);
    m = (Mover){ .zero_at = 2 };
    st = downloading(0);
    moved("sink takes nothing once", st, virStreamRecvAll(st, sink, &m), &m);
    m = (Mover){ 0 };
    st = downloading(VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM);
    moved("sparse receive all", st, virStreamSparseRecvAll(st, sink, sink_hole, &m), &m);
    m = (Mover){ .hole_fails = 1, .error = EPERM };
    st = downloading(VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM);
    moved("sink's hole fails", st, virStreamSparseRecvAll(st, sink, sink_hole, &m), &m);
    m = (Mover){ 0 };
    st = downloading(VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM);
    moved("holes received as zeros", st, virStreamRecvAll(st, sink, &m), &m);
    st = downloading(0);
    CALL(virStreamRecvAll(st, NULL, &m));
    ended("no sink", st);
    st = downloading(0);
    CALL(virStreamSparseRecvAll(st, sink, NULL, &m));
    ended("no hole sink", st);
    st = downloading(0);
    CALL(virStreamRecv(st, NULL, 10));
    CALL(virStreamRecv(st, data, 0));
    CALL(virStreamRecv(st, data, 10));
    CALL(virStreamRecvFlags(st, data, 10, 0x10));
    CALL(virStreamAbort(st));
    CALL(virStreamRecv(st, data, 10));
    CALL(virStreamFree(st));
    st = downloading(0);
    CALL(virStreamFree(st)); /* neither finished nor aborted */
    CALL(virConnectIsAlive(daemon_conn));
}

static void on_stream(virStreamPtr st, int events, void *opaque)
{
    int *seen = opaque;
    *seen |= events;
}

static void see_unbound(void)
{
    char data[8];
    long long length = 0;
    int seen = 0;
    Mover m = { 0 };
    virStreamPtr st = virStreamNew(daemon_conn, 0);
    CALL(virStreamSend(st, data, 8));
    CALL(virStreamRecv(st, data, 8));
    CALL(virStreamFinish(st));
    CALL(virStreamAbort(st));
    CALL(virStreamSendHole(st, 1, 0));
    CALL(virStreamRecvHole(st, &length, 0));
    CALL(virStreamRecvHole(st, NULL, 0));
    CALL(virStreamRecvFlags(st, data, 8, 0));
    CALL(virStreamSendAll(st, source, &m));
    CALL(virStreamRecvAll(st, sink, &m));
    CALL(virStreamEventAddCallback(st, 1, on_stream, &seen, NULL));
    CALL(virStreamEventUpdateCallback(st, 1));
    CALL(virStreamEventRemoveCallback(st));
    CALL(virStreamFree(st));
    CALL(virStreamSend(NULL, data, 8));
    CALL(virStreamRecv(NULL, data, 8));
    CALL(virStreamFinish(NULL));
    CALL(virStreamSendAll(NULL, source, &m));
    CALL(virStreamEventRemoveCallback(NULL));
}

static void see_nonblocking(void)
{
    char data[64];
    int seen = 0;
    Mover m = { .size = SIZE };
    virStreamPtr st = virStreamNew(daemon_conn, VIR_STREAM_NONBLOCK);
    CALL(virStorageVolDownload(volume, st, 0, SIZE, 0));
    CALL(virStreamRecvAll(st, sink, &m));
    CALL(virStreamFree(st));
    st = virStreamNew(daemon_conn, VIR_STREAM_NONBLOCK);
    CALL(virStorageVolUpload(volume, st, 0, SIZE, 0));
    CALL(virStreamSendAll(st, source, &m));
    CALL(virStreamFree(st));
    st = virStreamNew(daemon_conn, VIR_STREAM_NONBLOCK);
    CALL(virStorageVolDownload(volume, st, 0, SIZE, 0));
    CALL(virStreamEventUpdateCallback(st, VIR_STREAM_EVENT_READABLE));
    CALL(virStreamEventRemoveCallback(st));
    CALL(virStreamEventAddCallback(st, VIR_STREAM_EVENT_READABLE, on_stream, &seen, NULL));
    CALL(virStreamEventAddCallback(st, VIR_STREAM_EVENT_READABLE, on_stream, &seen, NULL));
    while (!seen)
        virEventRunDefaultImpl();
    see("stream events", "%d", seen);
    size_t total = 0;
    for (int n; (n = virStreamRecv(st, data, sizeof(data))) != 0;) {
        if (n == -1)
            break;
        if (n == -2)
            virEventRunDefaultImpl();
        else
            total += n;
    }
    see("received without blocking", "%zu", total);
    CALL(virStreamEventRemoveCallback(st));
    CALL(virStreamFinish(st));
    CALL(virStreamFree(st));
}

void see_streams(const World *world)
{
    char *uri = NULL, *xml = NULL, *folder = NULL;
    if (asprintf(&uri, "qemu+unix:///system?socket=%s", world->socket) < 0 || asprintf(&folder, "%s/pool", world->folder) < 0 ||
        asprintf(&xml, "<pool type='dir'><name>streams</name><target><path>%s</path></target></pool>", folder) < 0)
        abort();
    mkdir(folder, 0755);
    virEventRegisterDefaultImpl();
    daemon_conn = virConnectOpen(uri);
    virStoragePoolPtr pool = virStoragePoolCreateXML(daemon_conn, xml, 0);
    if (!pool) { /* a daemon whose QEMU driver has no storage beside it: that of its test driver */
        virConnectClose(daemon_conn);
        free(uri);
        if (asprintf(&uri, "test+unix:///default?socket=%s", world->socket) < 0)
            abort();
        daemon_conn = virConnectOpen(uri);
        pool = virStoragePoolCreateXML(daemon_conn, xml, 0);
    }
    volume = virStorageVolCreateXML(pool, "<volume><name>v</name><capacity>1048576</capacity></volume>", 0);
    see_ptr("volume", volume);
    if (!volume)
        exit(7);
    see_unbound();
    see_sending();
    see_receiving();
    see_nonblocking();
    virStorageVolDelete(volume, 0);
    virStorageVolFree(volume);
    CALL(virStoragePoolDestroy(pool));
    virStoragePoolFree(pool);
    virConnectClose(daemon_conn);
    free(uri);
    free(xml);
    free(folder);
}
