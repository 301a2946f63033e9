/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_RPC
#include "daemon/network.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

#define BACKLOG 30

static void socket_clear(void *data)
{
    int fd = ((NetworkSocket *) data)->fd;
    if (fd >= 0)
        close(fd);
}

/* Descriptor, or -1 with errno. IPv6 by itself, so that an IPv4 socket can lie beside it. */
static int listen_at(const struct addrinfo *address)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* A host without IPv6 (or IPv4) listens on what it has. */
static int listen_port(GArray *sockets, const char *host, const char *port, ServerTransport transport)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list = NULL;
    int ret = getaddrinfo(host, port, &hints, &list), count = 0, missing = 0;
    if (ret != 0)
        return FAIL(VIR_ERR_SYSTEM_ERROR, "Unable to resolve address '%s' service '%s': %s; see listen_addr and the ports in "
                    "libvirtd.conf", host ? host : "*", port, gai_strerror(ret));
    ret = 0;
    for (const struct addrinfo *address = list; address && ret == 0; address = address->ai_next) {
        NetworkSocket new = { listen_at(address), transport };
        if (new.fd >= 0) {
            g_array_append_val(sockets, new);
            count++;
        } else if (errno == EAFNOSUPPORT || (errno == EADDRNOTAVAIL && address->ai_family == AF_INET6)) {
            missing = errno;
        } else {
            ret = FAIL_ERRNO(errno, "cannot listen on '%s' port '%s'", host ? host : "*", port);
        }
    }
    freeaddrinfo(list);
    if (ret == 0 && !count)
        ret = FAIL_ERRNO(missing, "cannot listen on '%s' port '%s'", host ? host : "*", port);
    return ret;
}

GArray *network_sockets_new(void)
{
    GArray *sockets = g_array_new(FALSE, FALSE, sizeof(NetworkSocket));
    g_array_set_clear_func(sockets, socket_clear);
    return sockets;
}

GArray *network_listen(const LibvirtdConf *conf)
{
    GArray *sockets = network_sockets_new();
    if ((conf->listen_tls && listen_port(sockets, conf->listen_addr, conf->tls_port, SERVER_TLS) < 0) ||
        (conf->listen_tcp && listen_port(sockets, conf->listen_addr, conf->tcp_port, SERVER_TCP) < 0)) {
        g_array_unref(sockets);
        return NULL;
    }
    return sockets;
}

TlsContext *network_read_certificates(const LibvirtdConf *conf)
{
    const char *cert[] = { conf->cert_file, NULL }, *key[] = { conf->key_file, NULL };
    gboolean many = conf->cert_files && conf->cert_files[0];
    TlsFiles files = {
        .ca = conf->ca_file, .crl = conf->crl_file,
        .certs = many ? (const char *const *) conf->cert_files : cert,
        .keys = many ? (const char *const *) conf->key_files : key,
    };
    TlsContext *context = tls_context_new(TRUE, &files, conf->tls_priority, !conf->tls_no_verify_certificate,
                                          !conf->tls_no_sanity_certificate);
    if (context && conf->tls_allowed_dn_list)
        tls_context_allow(context, (const char *const *) conf->tls_allowed_dn_list);
    return context;
}
