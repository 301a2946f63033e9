/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc/xdr.h"
#include <string.h>

/* REMOTE_STRING_MAX of the protocol. */
#define STRING_MAX 4194304

void xdr_out_init(XdrOut *out, size_t max)
{
    memset(out, 0, sizeof(*out));
    out->max = max;
}

void xdr_out_clear(XdrOut *out)
{
    if (out->secret && out->data)
        explicit_bzero(out->data, out->len);
    g_free(out->data);
    memset(out, 0, sizeof(*out));
}

void xdr_out_fail(XdrOut *out, const char *failure)
{
    if (!out->failure)
        out->failure = failure;
}

uint8_t *xdr_out_reserve(XdrOut *out, size_t n)
{
    if (out->failure)
        return NULL;
    if (n > out->max - out->len) {
        xdr_out_fail(out, "message too large");
        return NULL;
    }
    if (out->len + n > out->room) {
        out->room = MIN(MAX(out->room * 2, MAX(out->len + n, 512)), out->max);
        uint8_t *old = out->data;
        if (out->secret && old) { /* g_realloc() might leave a copy behind */
            out->data = g_malloc(out->room);
            memcpy(out->data, old, out->len);
            explicit_bzero(old, out->len);
            g_free(old);
        } else {
            out->data = g_realloc(old, out->room);
        }
    }
    uint8_t *at = out->data + out->len;
    out->len += n;
    return at;
}

void xdr_in_init(XdrIn *in, const void *data, size_t len)
{
    in->at = data;
    in->end = in->at + len;
    in->failure = NULL;
}

void xdr_in_fail(XdrIn *in, const char *failure)
{
    if (!in->failure)
        in->failure = failure;
}

gboolean xdr_in_done(const XdrIn *in)
{
    return !in->failure && in->at == in->end;
}

static const uint8_t *take(XdrIn *in, size_t n)
{
    if (in->failure)
        return NULL;
    if ((size_t) (in->end - in->at) < n) {
        xdr_in_fail(in, "message ends too early");
        return NULL;
    }
    const uint8_t *at = in->at;
    in->at += n;
    return at;
}

void xdr_put_uint(XdrOut *out, unsigned int v)
{
    uint8_t *at = xdr_out_reserve(out, 4);
    uint32_t word = GUINT32_TO_BE(v);
    if (at)
        memcpy(at, &word, 4);
}

void xdr_put_int(XdrOut *out, int v)
{
    xdr_put_uint(out, (unsigned int) v);
}

void xdr_put_uhyper(XdrOut *out, unsigned long long v)
{
    uint8_t *at = xdr_out_reserve(out, 8);
    uint64_t word = GUINT64_TO_BE(v);
    if (at)
        memcpy(at, &word, 8);
}

void xdr_put_hyper(XdrOut *out, long long v)
{
    xdr_put_uhyper(out, (unsigned long long) v);
}

void xdr_put_double(XdrOut *out, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, 8);
    xdr_put_uhyper(out, bits);
}

void xdr_put_uuid(XdrOut *out, const unsigned char *uuid)
{
    uint8_t *at = xdr_out_reserve(out, 16);
    if (at)
        memcpy(at, uuid, 16);
}

/* Bytes and padding to a multiple of four. */
static void put_padded(XdrOut *out, const void *data, size_t len)
{
    size_t padded = (len + 3) & ~(size_t) 3;
    uint8_t *at = xdr_out_reserve(out, padded);
    if (!at)
        return;
    if (len)
        memcpy(at, data, len);
    memset(at + len, 0, padded - len);
}

gboolean xdr_put_count(XdrOut *out, size_t n, size_t max)
{
    if (n > max)
        xdr_out_fail(out, "more elements than the protocol allows");
    xdr_put_uint(out, n);
    return !out->failure;
}

void xdr_put_opaque(XdrOut *out, const void *data, size_t len, size_t max)
{
    if (xdr_put_count(out, len, max))
        put_padded(out, data, len);
}

void xdr_put_string(XdrOut *out, const char *s)
{
    if (!s) {
        xdr_out_fail(out, "a text that must be there is missing");
        return;
    }
    xdr_put_opaque(out, s, strlen(s), STRING_MAX);
}

void xdr_put_string_opt(XdrOut *out, const char *s)
{
    xdr_put_uint(out, s != NULL);
    if (s)
        xdr_put_string(out, s);
}

void xdr_put_chars(XdrOut *out, const char *s, size_t max)
{
    xdr_put_char_array(out, s, strlen(s) + 1, max);
}

void xdr_put_char_array(XdrOut *out, const char *data, size_t n, size_t max)
{
    if (!xdr_put_count(out, n, max))
        return;
    for (size_t i = 0; i < n; i++)
        xdr_put_int(out, data[i]);
}

unsigned int xdr_get_uint(XdrIn *in)
{
    const uint8_t *at = take(in, 4);
    uint32_t word = 0;
    if (at)
        memcpy(&word, at, 4);
    return GUINT32_FROM_BE(word);
}

int xdr_get_int(XdrIn *in)
{
    return (int) xdr_get_uint(in);
}

unsigned long long xdr_get_uhyper(XdrIn *in)
{
    const uint8_t *at = take(in, 8);
    uint64_t word = 0;
    if (at)
        memcpy(&word, at, 8);
    return GUINT64_FROM_BE(word);
}

long long xdr_get_hyper(XdrIn *in)
{
    return (long long) xdr_get_uhyper(in);
}

double xdr_get_double(XdrIn *in)
{
    uint64_t bits = xdr_get_uhyper(in);
    double v;
    memcpy(&v, &bits, 8);
    return v;
}

void xdr_get_uuid(XdrIn *in, unsigned char *uuid)
{
    const uint8_t *at = take(in, 16);
    if (at)
        memcpy(uuid, at, 16);
    else
        memset(uuid, 0, 16);
}

size_t xdr_get_count(XdrIn *in, size_t max)
{
    size_t n = xdr_get_uint(in);
    if (in->failure)
        return 0;
    if (n > max) {
        xdr_in_fail(in, "more elements than the protocol allows");
        return 0;
    }
    if (n > (size_t) (in->end - in->at)) {
        xdr_in_fail(in, "message ends too early");
        return 0;
    }
    return n;
}

/* The bytes of a string or opaque in place. */
static const uint8_t *get_padded(XdrIn *in, size_t max, size_t *len)
{
    *len = xdr_get_count(in, max);
    const uint8_t *at = take(in, (*len + 3) & ~(size_t) 3);
    if (!at)
        *len = 0;
    return at;
}

void *xdr_get_opaque(XdrIn *in, size_t max, size_t *len)
{
    const uint8_t *at = get_padded(in, max, len);
    if (!at)
        return NULL;
    uint8_t *copy = g_malloc(*len + 1);
    memcpy(copy, at, *len);
    copy[*len] = '\0';
    return copy;
}

static const char *get_text(XdrIn *in, size_t max, size_t *len)
{
    const uint8_t *at = get_padded(in, max, len);
    if (at && memchr(at, '\0', *len)) {
        xdr_in_fail(in, "NUL inside a text");
        return NULL;
    }
    return (const char *) at;
}

char *xdr_get_string(XdrIn *in)
{
    size_t len;
    const char *at = get_text(in, STRING_MAX, &len);
    return at ? g_strndup(at, len) : NULL;
}

/* Clients with an encoder of their own (go-libvirt) write other values than 1, and the reference takes them. */
gboolean xdr_get_present(XdrIn *in)
{
    return xdr_get_uint(in) != 0;
}

char *xdr_get_string_opt(XdrIn *in)
{
    return xdr_get_present(in) ? xdr_get_string(in) : NULL;
}

void xdr_get_string_into(XdrIn *in, char *buf, size_t size)
{
    size_t len;
    const char *at = get_text(in, size - 1, &len);
    if (at)
        memcpy(buf, at, len);
    buf[at ? len : 0] = '\0';
}

char *xdr_get_char_array(XdrIn *in, size_t *n, size_t max)
{
    *n = xdr_get_count(in, max);
    char *data = g_malloc(*n + 1);
    for (size_t i = 0; i < *n; i++)
        data[i] = (char) xdr_get_int(in);
    data[*n] = '\0';
    return data;
}

void xdr_get_chars_into(XdrIn *in, char *buf, size_t size, size_t max)
{
    size_t n = xdr_get_count(in, MIN(max, size));
    for (size_t i = 0; i < n; i++)
        buf[i] = (char) xdr_get_int(in);
    buf[MIN(n, size - 1)] = '\0';
    if (in->failure)
        buf[0] = '\0';
}
