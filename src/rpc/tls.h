/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * TLS with certificates on both sides, as a layer of a channel.
 */
#pragma once
#include "rpc/channel.h"

/** Where certificates and keys are. NULL: none (only @ca is needed by a client). */
typedef struct TlsFiles {
    const char *ca, *crl;
    const char *const *certs, *const *keys; /* NULL-terminated, in the same order; NULL: none */
} TlsFiles;

/** Certificates, keys and what is demanded of the other side; counted. */
typedef struct TlsContext TlsContext;

/** @priority: GnuTLS's syntax; NULL: its default. @verify: the other side needs a certificate that the CA signed. @sanity:
 * refuse own certificates that nobody could accept (expired, of the wrong kind). NULL with an error. */
TlsContext *tls_context_new(gboolean server, const TlsFiles *files, const char *priority, gboolean verify,
                            gboolean sanity);
/** Names of clients that are let in (* and ? match); copied. NULL: everybody with a good certificate. */
void tls_context_allow(TlsContext *context, const char *const *names);
TlsContext *tls_context_ref(TlsContext *context);
void tls_context_unref(TlsContext *context);

/** A layer above @fd; a server's tells the client, at the end of the handshake, that it is let in. @host: the name that
 * the certificate of the other side must have (clients). NULL with an error. */
ChannelLayer *tls_layer_new(TlsContext *context, int fd, const char *host);
/** Distinguished name of the other side, NULL if it has shown none; the layer's. After the handshake. */
const char *tls_layer_peer(ChannelLayer *layer);
/** Bits of the key that encrypts; 0 if @layer isn't TLS. After the handshake. */
unsigned tls_layer_strength(ChannelLayer *layer);
