/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The other end of a QMP or agent connection, played by a test: a socketpair, a loop on its own thread,
 * and functions that read and write lines. Every wait has a limit that fails the test.
 */
#pragma once
#include <glib.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/loop.h"
#include "drivers/qemu/json_lines.h"

#define PEER_WAIT_MS 20000

typedef struct {
    Loop *loop;
    GThread *thread;
} PeerLoop;

typedef struct {
    int fd;
    JsonLines in;
} Peer;

static gpointer peer_loop_main(gpointer data)
{
    g_assert_cmpint(loop_run(data), ==, 0);
    return NULL;
}

G_GNUC_UNUSED static PeerLoop *peer_loop_start(void)
{
    PeerLoop *pl = g_new0(PeerLoop, 1);

    pl->loop = loop_new();
    g_assert_nonnull(pl->loop);
    pl->thread = g_thread_new("loop", peer_loop_main, pl->loop);
    return pl;
}

G_GNUC_UNUSED static void peer_loop_stop(PeerLoop *pl)
{
    loop_quit(pl->loop);
    g_thread_join(pl->thread);
    loop_free(pl->loop);
    g_free(pl);
}

/* Make a pair; the returned descriptor is for the code under test. */
G_GNUC_UNUSED static int peer_init(Peer *peer)
{
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    peer->fd = fds[0];
    json_lines_init(&peer->in, 1 << 20);
    return fds[1];
}

G_GNUC_UNUSED static void peer_finish(Peer *peer)
{
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = -1;
    json_lines_finish(&peer->in);
}

/* Write all of @len bytes; FALSE if the other side is gone. */
G_GNUC_UNUSED static gboolean peer_write(Peer *peer, const char *data, gsize len)
{
    while (len > 0) {
        gssize n = send(peer->fd, data, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        data += n;
        len -= n;
    }
    return TRUE;
}

G_GNUC_UNUSED G_GNUC_PRINTF(2, 3) static gboolean peer_printf(Peer *peer, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    return peer_write(peer, text, strlen(text));
}

/* Next line, parsed; fails the test if none comes. */
G_GNUC_UNUSED static json_object *peer_read(Peer *peer)
{
    const char *why = NULL;
    char *line;
    gsize len;
    int rc;

    while ((rc = json_lines_next(&peer->in, &line, &len)) == 0) {
        struct pollfd pfd = { peer->fd, POLLIN, 0 };

        g_assert_cmpint(poll(&pfd, 1, PEER_WAIT_MS), ==, 1);
        g_assert_cmpint(json_lines_read(&peer->in, peer->fd), >, 0);
    }
    g_assert_cmpint(rc, ==, 1);
    return json_lines_parse(line, len, &why);
}

/* Expect "execute": @command; returns what its answer says of its id behind other members, nothing if it has none (to be freed). */
G_GNUC_UNUSED static char *peer_expect(Peer *peer, const char *command)
{
    g_autoptr(json_object) line = peer_read(peer);
    const char *id = json_member_string(line, "id");

    g_assert_cmpstr(json_member_string(line, "execute"), ==, command);
    return id ? g_strdup_printf(", \"id\": \"%s\"", id) : g_strdup("");
}

/* Whether nothing arrives for @ms. */
G_GNUC_UNUSED static gboolean peer_is_silent(Peer *peer, int ms)
{
    struct pollfd pfd = { peer->fd, POLLIN, 0 };

    return peer->in.start == peer->in.end && poll(&pfd, 1, ms) == 0;
}
