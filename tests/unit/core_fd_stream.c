/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>
#include "core/fd_stream.h"
#include "core/objects.h"

typedef struct Told { guint moved, ended; } Told;

static void moved(void *opaque)
{
    Told *told = opaque;
    g_assert_cmpuint(told->ended, ==, 0);
    told->moved++;
}

static void ended(void *opaque)
{
    ((Told *) opaque)->ended++;
}

static virStreamPtr open_file(virConnectPtr conn, const char *path, Told *told, gboolean sparse)
{
    FdStreamRange range = { 0, G_MAXUINT64, sparse };
    virStreamPtr st = stream_handle_new(conn, 0);
    *told = (Told) { 0 };
    StorageContent *content = content_new_fd(open(path, O_RDWR | O_CLOEXEC), G_MAXUINT64);
    g_assert_cmpint(fd_stream_open_content(st, content, &range, moved, ended, told), ==, 0);
    return st;
}

/* Whoever waits for a file is told that it moves, and once that it has ended; data, holes and pipes alike. */
static void test_moves(void)
{
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "file", NULL);
    char data[10000] = "some data", back[10000];
    virConnectPtr conn = connect_new();
    Told told;
    long long hole;
    int pipes[2];
    g_assert_true(g_file_set_contents(path, "", 0, NULL));

    virStreamPtr st = open_file(conn, path, &told, TRUE);
    g_assert_cmpint(st->driver->send(st, data, sizeof(data)), ==, sizeof(data));
    g_assert_cmpint(st->driver->send_hole(st, 1 << 20, 0), ==, 0);
    g_assert_cmpuint(told.moved, ==, 2);
    g_assert_cmpint(st->driver->finish(st), ==, 0);
    g_assert_cmpuint(told.ended, ==, 1);
    object_unref(st);
    g_assert_cmpuint(told.ended, ==, 1);

    st = open_file(conn, path, &told, TRUE);
    g_assert_cmpint(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), ==, 0);
    int first = st->driver->recv_pipe(st, pipes[1], sizeof(data), VIR_STREAM_RECV_STOP_AT_HOLE);
    g_assert_cmpint(first, >, 9);
    g_assert_cmpint(read(pipes[0], back, sizeof(back)), ==, first);
    g_assert_cmpmem(back, first, data, first);
    while (st->driver->recv(st, back, sizeof(back), VIR_STREAM_RECV_STOP_AT_HOLE) > 0)
        continue;
    g_assert_cmpint(st->driver->recv_pipe(st, pipes[1], sizeof(data), VIR_STREAM_RECV_STOP_AT_HOLE), ==, -3);
    g_assert_cmpint(st->driver->recv_hole(st, &hole, 0), ==, 0);
    g_assert_cmpint(hole, >, 0);
    g_assert_cmpuint(told.moved, >=, 3);
    g_assert_cmpint(st->driver->recv_pipe(st, pipes[1], sizeof(data), 0), ==, 0);
    g_assert_cmpuint(told.ended, ==, 1);
    object_unref(st);

    st = open_file(conn, path, &told, FALSE);     /* a pipe takes no more than it has room for */
    while (st->driver->recv_pipe(st, pipes[1], 1 << 20, 0) > 0)
        continue;
    g_assert_cmpint(st->driver->recv_pipe(st, pipes[1], 1 << 20, 0), ==, -2);
    object_unref(st);
    g_assert_cmpuint(told.ended, ==, 1);
    close(pipes[0]);
    close(pipes[1]);
    object_unref(conn);
    g_unlink(path);
}

/* What a pipe has is written where it belongs, also to a file that only copies of it can be written to, and as far as there is room. */
static void test_from_pipe(void)
{
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "file", NULL);
    virConnectPtr conn = connect_new();
    char data[40000];
    int pipes[2];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char) ('a' + i % 23);
    g_assert_cmpint(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), ==, 0);
    for (int append = 0; append < 2; append++) {
        g_autofree char *content = NULL;
        gsize length;
        Told told = { 0 };
        FdStreamRange range = { 10, 60000, FALSE };
        g_assert_true(g_file_set_contents(path, "0123456789", -1, NULL));
        virStreamPtr st = stream_handle_new(conn, 0);
        int fd = open(path, O_WRONLY | O_CLOEXEC | (append ? O_APPEND : 0));
        g_assert_cmpint(fd_stream_open_content(st, content_new_fd(fd, G_MAXUINT64), &range, moved, ended, &told), ==, 0);
        for (int turn = 0; turn < 2; turn++) {
            const int wanted = turn ? 20000 : (int) sizeof(data);
            g_assert_cmpint(write(pipes[1], data, sizeof(data)), ==, sizeof(data));
            for (int done = 0; done < wanted; ) {
                int sent = st->driver->send_pipe(st, pipes[0], sizeof(data) - done);
                g_assert_cmpint(sent, >, 0);
                done += sent;
                g_assert_cmpint(done, <=, wanted);
            }
        }
        g_assert_cmpint(st->driver->send_pipe(st, pipes[0], 20000), ==, -1);
        g_assert_nonnull(strstr(virGetLastErrorMessage(), "where 0 have room"));
        g_assert_cmpint(read(pipes[0], data, 20000), ==, 20000);
        g_assert_cmpuint(told.moved, >=, 2);
        object_unref(st);
        g_assert_cmpuint(told.ended, ==, 1);
        g_assert_true(g_file_get_contents(path, &content, &length, NULL));
        g_assert_cmpuint(length, ==, 60010);
        for (size_t i = 0; i < 60000; i++)
            g_assert_cmpint(content[10 + i], ==, 'a' + (int) (i % sizeof(data)) % 23);
        for (size_t i = 0; i < sizeof(data); i++)
            data[i] = (char) ('a' + i % 23);
    }
    close(pipes[0]);
    close(pipes[1]);
    object_unref(conn);
    g_unlink(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/fd_stream/moves", test_moves);
    g_test_add_func("/core/fd_stream/from_pipe", test_from_pipe);
    return g_test_run();
}
