/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_RPC
#include "rpc/tls.h"
#include "base/error.h"
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct TlsContext {
    gint refs;
    gboolean server, verify;
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
    char **allowed;
};

typedef struct TlsLayer {
    ChannelLayer base;
    TlsContext *context;
    gnutls_session_t session;
    int fd;
    char *host;
    char *peer;
    gboolean done;        /* hands are shaken */
    GByteArray *out;      /* where the session's bytes go during a call: memory, which takes all */
} TlsLayer;

/* Contexts */

TlsContext *tls_context_ref(TlsContext *context)
{
    g_atomic_int_inc(&context->refs);
    return context;
}

void tls_context_unref(TlsContext *context)
{
    if (!context || !g_atomic_int_dec_and_test(&context->refs))
        return;
    if (context->credentials)
        gnutls_certificate_free_credentials(context->credentials);
    if (context->priority)
        gnutls_priority_deinit(context->priority);
    g_strfreev(context->allowed);
    g_free(context);
}

void tls_context_allow(TlsContext *context, const char *const *names)
{
    g_strfreev(context->allowed);
    context->allowed = g_strdupv((char **) names);
}

static int load_authority(TlsContext *context, const TlsFiles *files)
{
    if (access(files->ca, R_OK) < 0)
        return FAIL(VIR_ERR_SYSTEM_ERROR, "Cannot read CA certificate '%s': %s", files->ca, g_strerror(errno));
    int ret = gnutls_certificate_set_x509_trust_file(context->credentials, files->ca, GNUTLS_X509_FMT_PEM);
    if (ret < 0)
        return FAIL(VIR_ERR_SYSTEM_ERROR, "Unable to set x509 CA certificate: %s: %s", files->ca, gnutls_strerror(ret));
    if (!files->crl)
        return 0;
    ret = gnutls_certificate_set_x509_crl_file(context->credentials, files->crl, GNUTLS_X509_FMT_PEM);
    if (ret < 0)
        return FAIL(VIR_ERR_SYSTEM_ERROR, "Unable to set x509 certificate revocation list: %s: %s", files->crl,
                    gnutls_strerror(ret));
    return 0;
}

static gnutls_typed_vdata_st purpose(gboolean server)
{
    return (gnutls_typed_vdata_st) { .type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *) (server ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT) };
}

static char *status_text(unsigned status)
{
    gnutls_datum_t text = { NULL, 0 };
    gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0);
    char *copy = g_strstrip(g_strdup(text.data ? (char *) text.data : "it is not valid"));
    gnutls_free(text.data);
    return copy;
}

/* 0 with @status, or an error of GnuTLS. */
static int judge_own(const TlsContext *context, const TlsFiles *files, const gnutls_datum_t *pem, unsigned *status)
{
    gnutls_x509_trust_list_t trust;
    gnutls_x509_crt_t *chain = NULL;
    unsigned n = 0;
    gnutls_typed_vdata_st use = purpose(context->server);
    int ret = gnutls_x509_crt_list_import2(&chain, &n, pem, GNUTLS_X509_FMT_PEM, 0);
    if (ret < 0)
        return ret;
    gnutls_x509_trust_list_init(&trust, 0);
    ret = gnutls_x509_trust_list_add_trust_file(trust, files->ca, files->crl, GNUTLS_X509_FMT_PEM, 0, 0);
    if (ret >= 0)
        ret = gnutls_x509_trust_list_verify_crt2(trust, chain, n, &use, 1, 0, status, NULL);
    gnutls_x509_trust_list_deinit(trust, 1);
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
    return MIN(ret, 0);
}

/* What nobody on the other side would accept is better said here. */
static int check_own(const TlsContext *context, const TlsFiles *files, const char *path)
{
    g_autofree char *text = NULL;
    gsize len = 0;
    g_autoptr(GError) error = NULL;
    if (!g_file_get_contents(path, &text, &len, &error))
        return FAIL(VIR_ERR_SYSTEM_ERROR, "%s", error->message);
    const char *side = context->server ? "server" : "client";
    gnutls_datum_t pem = { (unsigned char *) text, len };
    unsigned status = 0;
    int ret = judge_own(context, files, &pem, &status);
    if (ret < 0)
        return FAIL(VIR_ERR_SYSTEM_ERROR, "Unable to import %s certificate %s: %s", side, path, gnutls_strerror(ret));
    if (!status)
        return 0;
    g_autofree char *why = status_text(status);
    return FAIL(VIR_ERR_SYSTEM_ERROR, "Our own certificate %s failed validation against %s as a %s's: %s Issue a new one; see "
                "virt-pki-validate", path, files->ca, side, why);
}

static int load_identity(TlsContext *context, const TlsFiles *files, gboolean sanity)
{
    for (guint i = 0; files->certs && files->certs[i]; i++) {
        const char *cert = files->certs[i], *key = files->keys[i];
        if (access(cert, R_OK) < 0 || access(key, R_OK) < 0)
            return FAIL(VIR_ERR_SYSTEM_ERROR, "Cannot read certificate '%s' or key '%s': %s. See virt-pki-validate", cert,
                        key, g_strerror(errno));
        if (sanity && check_own(context, files, cert) < 0)
            return -1;
        int ret = gnutls_certificate_set_x509_key_file(context->credentials, cert, key, GNUTLS_X509_FMT_PEM);
        if (ret < 0)
            return FAIL(VIR_ERR_SYSTEM_ERROR, "Unable to set x509 key and certificate: %s, %s: %s", key, cert,
                        gnutls_strerror(ret));
    }
    return 0;
}

static int load_priority(TlsContext *context, const char *priority)
{
    const char *bad = NULL;
    int ret = gnutls_priority_init(&context->priority, priority, &bad);
    return ret < 0 ? FAIL(VIR_ERR_SYSTEM_ERROR, "TLS priority '%s' is wrong at '%s': %s", priority, bad ? bad : "",
                          gnutls_strerror(ret)) : 0;
}

TlsContext *tls_context_new(gboolean server, const TlsFiles *files, const char *priority, gboolean verify,
                            gboolean sanity)
{
    TlsContext *context = g_new0(TlsContext, 1);
    context->refs = 1;
    context->server = server;
    context->verify = verify;
    gnutls_certificate_allocate_credentials(&context->credentials);
    if (load_authority(context, files) == 0 && load_identity(context, files, sanity) == 0 &&
        load_priority(context, priority ? priority : "NORMAL") == 0)
        return context;
    tls_context_unref(context);
    return NULL;
}

/* The session's bytes */

static ssize_t push(gnutls_transport_ptr_t opaque, const void *data, size_t n)
{
    TlsLayer *layer = opaque;
    g_byte_array_append(layer->out, data, n);
    return n;
}

static ssize_t pull(gnutls_transport_ptr_t opaque, void *data, size_t n)
{
    TlsLayer *layer = opaque;
    ssize_t got;
    do {
        got = recv(layer->fd, data, n, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        gnutls_transport_set_errno(layer->session, errno);
    return got;
}

static int pull_timeout(gnutls_transport_ptr_t opaque, unsigned int ms)
{
    TlsLayer *layer = opaque;
    return channel_poll(layer->fd, POLLIN, 0);
}

static ssize_t tls_recv(ChannelLayer *base, void *data, size_t n, GByteArray *out)
{
    TlsLayer *layer = (TlsLayer *) base;
    ssize_t got;
    layer->out = out;
    do {
        got = gnutls_record_recv(layer->session, data, n);
    } while (got < 0 && got != GNUTLS_E_AGAIN && got != GNUTLS_E_REHANDSHAKE && !gnutls_error_is_fatal(got));
    layer->out = NULL;
    if (got >= 0)
        return got;
    if (got == GNUTLS_E_PREMATURE_TERMINATION)
        return 0;
    errno = got == GNUTLS_E_AGAIN ? EAGAIN : EIO;
    return -1;
}

static int tls_encode(ChannelLayer *base, const void *data, size_t n, GByteArray *out)
{
    TlsLayer *layer = (TlsLayer *) base;
    const char *at = data;
    layer->out = out;
    while (n) {
        ssize_t sent = gnutls_record_send(layer->session, at, n);
        if (sent <= 0)
            break;
        at += sent;
        n -= sent;
    }
    layer->out = NULL;
    errno = EIO;
    return n ? -1 : 0;
}

static gboolean tls_pending(ChannelLayer *base)
{
    return gnutls_record_check_pending(((TlsLayer *) base)->session) > 0;
}

static void tls_free(ChannelLayer *base)
{
    TlsLayer *layer = (TlsLayer *) base;
    gnutls_deinit(layer->session);
    tls_context_unref(layer->context);
    g_free(layer->host);
    g_free(layer->peer);
    g_free(layer);
}

/* Who is there */

static int reject(const char *why)
{
    return FAIL(VIR_ERR_AUTH_FAILED, "Failed to verify peer's certificate: %s", why);
}

static void take_peer(TlsLayer *layer)
{
    unsigned n = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(layer->session, &n);
    if (!chain || !n)
        return;
    gnutls_x509_crt_t cert;
    gnutls_datum_t name = { NULL, 0 };
    gnutls_x509_crt_init(&cert);
    if (gnutls_x509_crt_import(cert, &chain[0], GNUTLS_X509_FMT_DER) == 0 && gnutls_x509_crt_get_dn2(cert, &name) == 0)
        layer->peer = g_strndup((char *) name.data, name.size);
    gnutls_free(name.data);
    gnutls_x509_crt_deinit(cert);
}

static gboolean is_allowed(const TlsLayer *layer)
{
    if (!layer->context->allowed)
        return TRUE;
    for (char **name = layer->context->allowed; *name; name++)
        if (g_pattern_match_simple(*name, layer->peer))
            return TRUE;
    return FALSE;
}

static int check_peer(TlsLayer *layer)
{
    unsigned status = 0;
    take_peer(layer);
    if (!layer->context->verify)
        return 0;
    if (!layer->peer)
        return reject("it has none");
    gnutls_typed_vdata_st demands[] = {
        purpose(!layer->context->server), { .type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *) layer->host },
    };
    int ret = gnutls_certificate_verify_peers(layer->session, demands, layer->host ? 2 : 1, &status);
    if (ret < 0)
        return reject(gnutls_strerror(ret));
    if (status) {
        g_autofree char *why = status_text(status);
        return reject(why);
    }
    if (!is_allowed(layer))
        return FAIL(VIR_ERR_AUTH_FAILED, "the client's name '%s' is not in tls_allowed_dn_list of libvirtd.conf; "
                    "virt-pki-query-dn shows how to write it", layer->peer);
    return 0;
}

static int tls_handshake(ChannelLayer *base, GByteArray *out)
{
    TlsLayer *layer = (TlsLayer *) base;
    int ret;
    if (layer->done)
        return 1;
    layer->out = out;
    do {
        ret = gnutls_handshake(layer->session);
    } while (ret < 0 && ret != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(ret));
    layer->out = NULL;
    if (ret == GNUTLS_E_AGAIN)
        return 0;
    if (ret < 0)
        return FAIL(VIR_ERR_AUTH_FAILED, "TLS handshake failed: %s", ret == GNUTLS_E_FATAL_ALERT_RECEIVED
                    ? gnutls_alert_get_name(gnutls_alert_get(layer->session)) : gnutls_strerror(ret));
    if (check_peer(layer) < 0)
        return -1;
    /* a client learns by one byte that it is let in */
    if (layer->context->server && tls_encode(base, "\1", 1, out) < 0)
        return FAIL(VIR_ERR_SYSTEM_ERROR, "the TLS session does not send");
    layer->done = TRUE;
    return 1;
}

static const ChannelLayerOps tls_ops = { tls_recv, tls_encode, tls_pending, tls_handshake, tls_free };

ChannelLayer *tls_layer_new(TlsContext *context, int fd, const char *host)
{
    TlsLayer *layer = g_new0(TlsLayer, 1);
    layer->base.ops = &tls_ops;
    layer->context = tls_context_ref(context);
    layer->fd = fd;
    layer->host = g_strdup(host);
    int ret = gnutls_init(&layer->session, (context->server ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_NONBLOCK);
    if (ret == 0)
        ret = gnutls_priority_set(layer->session, context->priority);
    if (ret == 0)
        ret = gnutls_credentials_set(layer->session, GNUTLS_CRD_CERTIFICATE, context->credentials);
    if (ret < 0) {
        tls_free(&layer->base);
        return FAIL_NULL(VIR_ERR_SYSTEM_ERROR, "cannot begin a TLS session: %s", gnutls_strerror(ret));
    }
    if (context->server)
        gnutls_certificate_server_set_request(layer->session, GNUTLS_CERT_REQUEST);
    else if (host && !g_hostname_is_ip_address(host))
        gnutls_server_name_set(layer->session, GNUTLS_NAME_DNS, host, strlen(host));
    gnutls_transport_set_ptr(layer->session, layer);
    gnutls_transport_set_push_function(layer->session, push);
    gnutls_transport_set_pull_function(layer->session, pull);
    gnutls_transport_set_pull_timeout_function(layer->session, pull_timeout);
    return &layer->base;
}

const char *tls_layer_peer(ChannelLayer *layer)
{
    return layer && layer->ops == &tls_ops ? ((TlsLayer *) layer)->peer : NULL;
}

unsigned tls_layer_strength(ChannelLayer *layer)
{
    if (!layer || layer->ops != &tls_ops)
        return 0;
    return 8 * gnutls_cipher_get_key_size(gnutls_cipher_get(((TlsLayer *) layer)->session));
}
