/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Over the network: plain TCP, and TLS with certificates.
 */
#define ERROR_DOMAIN VIR_FROM_RPC
#include "base/error.h"
#include "remote/transport.h"
#include "rpc/tls.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_PORT 16509
#define TLS_PORT 16514
/* How long connecting and the handshake may take together; the name service has deadlines of its own. */
#define CONNECT_MS 30000

static int set_blocking(int fd, gboolean block)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : fcntl(fd, F_SETFL, block ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

static gint64 deadline(void)
{
    return g_get_monotonic_time() / 1000 + CONNECT_MS;
}

static int time_left(gint64 end)
{
    return MAX(end - g_get_monotonic_time() / 1000, 0);
}

/* One address: descriptor, or -1 with errno. */
static int connect_one(const struct addrinfo *a, int ms)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int err = 0, on = 1;
    socklen_t len = sizeof(err);
    if (fd < 0)
        return -1;
    if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
        err = errno;
        if (err == EINPROGRESS) {
            int state = channel_poll(fd, POLLOUT, ms);
            err = state < 0 ? errno : state == 0 ? ETIMEDOUT : 0;
            if (state > 0)
                getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
        }
    }
    if (!err && set_blocking(fd, TRUE) < 0)
        err = errno;
    if (err) {
        close(fd);
        errno = err;
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    return fd;
}

static int connect_to(const Uri *uri, int default_port, gint64 end)
{
    const char *host = uri->server ? uri->server : "localhost";
    g_autofree char *port = g_strdup_printf("%d", uri->port ? uri->port : default_port);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *list = NULL;
    int ret = getaddrinfo(host, port, &hints, &list);
    if (ret == EAI_NONAME || ret == EAI_NODATA) {
        hints.ai_flags = 0; /* a host without network still has itself */
        ret = getaddrinfo(host, port, &hints, &list);
    }
    if (ret != 0)
        return FAIL(VIR_ERR_SYSTEM_ERROR, "Unable to resolve address '%s' service '%s': %s", host, port, gai_strerror(ret));
    int fd = -1, err = EADDRNOTAVAIL;
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = connect_one(a, time_left(end));
        err = errno;
    }
    freeaddrinfo(list);
    return fd < 0 ? FAIL_ERRNO(err, "unable to connect to server at '%s:%s'", host, port) : fd;
}

int transport_open_tcp(Transport *transport, const Uri *uri)
{
    transport->fd = connect_to(uri, TCP_PORT, deadline());
    return transport->fd < 0 ? -1 : 0;
}

/* Certificates */

/* Paths of the files; each may be NULL in a folder that lacks it. */
typedef struct Pki {
    char *ca, *crl, *cert, *key;
} Pki;

static void pki_clear(Pki *pki)
{
    g_free(pki->ca);
    g_free(pki->crl);
    g_free(pki->cert);
    g_free(pki->key);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pki, pki_clear)

static void pki_in_folder(Pki *pki, const char *folder)
{
    pki->ca = g_build_filename(folder, "cacert.pem", NULL);
    pki->crl = g_build_filename(folder, "cacrl.pem", NULL);
    pki->cert = g_build_filename(folder, "clientcert.pem", NULL);
    pki->key = g_build_filename(folder, "clientkey.pem", NULL);
}

static void prefer_system(char **path, const char *system)
{
    if (*path && access(*path, R_OK) == 0)
        return;
    g_free(*path);
    *path = g_strdup(system);
}

static void pki_find(Pki *pki, const Uri *uri)
{
    const char *given = uri_param(uri, "pkipath");
    if (given) {
        pki_in_folder(pki, given);
        return;
    }
    if (geteuid() != 0) {
        g_autofree char *own = g_build_filename(g_get_home_dir(), ".pki", "libvirt", NULL);
        pki_in_folder(pki, own);
    }
    gboolean own_identity = pki->cert && access(pki->cert, R_OK) == 0 && access(pki->key, R_OK) == 0;
    prefer_system(&pki->ca, SYSCONFDIR "/pki/CA/cacert.pem");
    prefer_system(&pki->crl, SYSCONFDIR "/pki/CA/cacrl.pem");
    if (!own_identity) {
        prefer_system(&pki->cert, SYSCONFDIR "/pki/libvirt/clientcert.pem");
        prefer_system(&pki->key, SYSCONFDIR "/pki/libvirt/private/clientkey.pem");
    }
}

static TlsContext *make_context(const Uri *uri)
{
    g_auto(Pki) pki = { NULL };
    pki_find(&pki, uri);
    const char *certs[] = { pki.cert, NULL }, *keys[] = { pki.key, NULL };
    gboolean identity = access(pki.cert, F_OK) == 0 && access(pki.key, F_OK) == 0;
    TlsFiles files = { pki.ca, access(pki.crl, F_OK) == 0 ? pki.crl : NULL, identity ? certs : NULL, identity ? keys : NULL };
    return tls_context_new(FALSE, &files, uri_param(uri, "tls_priority"), !transport_flag(uri, "no_verify"),
                           !transport_flag(uri, "no_sanity"));
}

/* Shake hands and wait for the byte by which the server says that we may come in. */
static int begin_session(Channel *channel, gint64 end)
{
    char welcome = 0;
    ssize_t n = -1;
    gboolean shaken = FALSE;
    while (n < 0) {
        int state = shaken ? 1 : channel_handshake(channel);
        if (state < 0)
            return -1;
        shaken = state == 1;
        if (shaken && ((n = channel_recv_layer(channel, &welcome, 1, FALSE)) >= 0 || errno != EAGAIN))
            break;
        int left = time_left(end);
        if (!left || channel_poll(channel->fd, channel_wants_write(channel) ? POLLOUT : POLLIN, left) <= 0)
            return FAIL(VIR_ERR_OPERATION_TIMEOUT, "the server did not finish the TLS handshake within %d s", CONNECT_MS / 1000);
    }
    if (n != 1 || welcome != 1)
        return FAIL(VIR_ERR_RPC, "server verification (of our certificate or IP address) failed; the daemon's log tells why");
    return 0;
}

int transport_open_tls(Transport *transport, const Uri *uri)
{
    gint64 end = deadline();
    TlsContext *context = make_context(uri);
    if (!context)
        return -1;
    int fd = connect_to(uri, TLS_PORT, end);
    const char *host = uri->server ? uri->server : "localhost";
    ChannelLayer *layer = fd < 0 ? NULL : tls_layer_new(context, fd, host);
    tls_context_unref(context);
    if (!layer) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    Channel channel;
    channel_init(&channel, fd);
    channel_set_layer(&channel, layer);
    if (begin_session(&channel, end) < 0) {
        channel_clear(&channel);
        return -1;
    }
    channel_release(&channel);
    *transport = (Transport) { .fd = fd, .layer = layer, .secure = TRUE, .encrypted = TRUE, .process = -1, .messages = -1 };
    return 0;
}
