/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN api_error_domain
#include "domain/console.h"
#include "core/fd_stream.h"
#include "domain/api.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct Session { Guest *guest; char *key; int fd; /* shares the connection with the stream's own */ } Session;

/* All sessions of all guests; they are few. */
static GMutex sessions_lock;
static GSList *sessions;

static Session *find(Guest *guest, const char *key)
{
    for (GSList *l = sessions; l; l = l->next) {
        Session *s = l->data;
        if (s->guest == guest && g_str_equal(s->key, key))
            return s;
    }
    return NULL;
}

static void session_free(Session *s)
{
    guest_unref(s->guest);
    g_free(s->key);
    close(s->fd);
    g_free(s);
}

static void on_closed(void *opaque)
{
    Session *s = opaque;
    g_mutex_lock(&sessions_lock);
    sessions = g_slist_remove(sessions, s);
    g_mutex_unlock(&sessions_lock);
    session_free(s);
}

static int fail_busy(Guest *guest)
{
    return FAIL(VIR_ERR_OPERATION_FAILED, "Active console session exists for this domain: '%s'; 'virsh console %s "
                "--force' cuts it off", guest->name, guest->name);
}

int console_check(Guest *guest, const char *key, gboolean force)
{
    g_mutex_lock(&sessions_lock);
    gboolean busy = !force && find(guest, key);
    g_mutex_unlock(&sessions_lock);
    return busy ? fail_busy(guest) : 0;
}

/* End a session from outside; its reader finds the end of the stream. The lock is held. */
static int cut_off(Session *s)
{
    if (shutdown(s->fd, SHUT_RDWR) < 0)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "the other session of '%s' is on a terminal, which can't be cut off: "
                    "end it first", s->guest->name);
    g_free(s->key);
    s->key = g_strdup("");
    return 0;
}

int console_attach(Guest *guest, const char *key, virStreamPtr stream, int fd, gboolean force)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&sessions_lock);
    Session *old = find(guest, key);
    int rc = !old ? 0 : force ? cut_off(old) : fail_busy(guest);
    int copy = rc == 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
    if (rc == 0 && copy < 0)
        rc = FAIL_ERRNO(errno, "cannot open the console of '%s'", guest->name);
    if (rc < 0) {
        close(fd);
        return -1;
    }
    Session *s = g_new0(Session, 1);
    *s = (Session) { guest_ref(guest), g_strdup(key), copy };
    if (fd_stream_open(stream, fd, on_closed, s) < 0) {
        session_free(s);
        return -1;
    }
    sessions = g_slist_prepend(sessions, s);
    return 0;
}
