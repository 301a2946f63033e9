/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * XDR: the wire encoding. Writers and readers have a sticky failure mark instead of a result per call: a sequence of
 * puts or gets is written straight down and checked once at its end. After a failure, puts do nothing and gets give
 * zeros and NULLs. Every count is compared with its maximum before anything is allocated.
 */
#pragma once
#include <glib.h>
#include <stdint.h>

/** A message under construction. Grows up to @max bytes. */
typedef struct XdrOut {
    uint8_t *data;
    size_t len;
    size_t room;
    size_t max;
    const char *failure;   /* static text, NULL as long as all is well */
    int secret;            /* what was written is cleared before the memory is freed */
} XdrOut;

/** Bytes being read; they belong to somebody else. */
typedef struct XdrIn {
    const uint8_t *at;
    const uint8_t *end;
    const char *failure;
} XdrIn;

void xdr_out_init(XdrOut *out, size_t max);
void xdr_out_clear(XdrOut *out);
/** Room for @n more bytes, NULL after marking a failure. The length grows by @n. */
uint8_t *xdr_out_reserve(XdrOut *out, size_t n);
void xdr_out_fail(XdrOut *out, const char *failure);

void xdr_in_init(XdrIn *in, const void *data, size_t len);
void xdr_in_fail(XdrIn *in, const char *failure);
/** Whether everything was read, neither more nor less than there is. */
gboolean xdr_in_done(const XdrIn *in);

void xdr_put_int(XdrOut *out, int v);
void xdr_put_uint(XdrOut *out, unsigned int v);
void xdr_put_hyper(XdrOut *out, long long v);
void xdr_put_uhyper(XdrOut *out, unsigned long long v);
void xdr_put_double(XdrOut *out, double v);
/** Exactly 16 bytes. */
void xdr_put_uuid(XdrOut *out, const unsigned char *uuid);
/** NULL is a failure. */
void xdr_put_string(XdrOut *out, const char *s);
/** NULL is "none". */
void xdr_put_string_opt(XdrOut *out, const char *s);
void xdr_put_opaque(XdrOut *out, const void *data, size_t len, size_t max);
/** Element count; a failure if above @max. */
gboolean xdr_put_count(XdrOut *out, size_t n, size_t max);
/** Each byte of a text, its NUL included, as a word of its own. */
void xdr_put_chars(XdrOut *out, const char *s, size_t max);
/** @n bytes that way (@data may be NULL if there are none). */
void xdr_put_char_array(XdrOut *out, const char *data, size_t n, size_t max);

int xdr_get_int(XdrIn *in);
unsigned int xdr_get_uint(XdrIn *in);
long long xdr_get_hyper(XdrIn *in);
unsigned long long xdr_get_uhyper(XdrIn *in);
double xdr_get_double(XdrIn *in);
void xdr_get_uuid(XdrIn *in, unsigned char *uuid);
/** Owned copies; a NUL inside is a failure. */
char *xdr_get_string(XdrIn *in);
char *xdr_get_string_opt(XdrIn *in);
/** Into a buffer of @size; longer texts are a failure. */
void xdr_get_string_into(XdrIn *in, char *buf, size_t size);
/** Owned; never NULL, with a NUL behind the *@n bytes. */
char *xdr_get_char_array(XdrIn *in, size_t *n, size_t max);
void xdr_get_chars_into(XdrIn *in, char *buf, size_t size, size_t max);
/** Owned copy of at most @max bytes; never NULL on success even for none. */
void *xdr_get_opaque(XdrIn *in, size_t max, size_t *len);
/** Element count at most @max, and not more than the bytes left could hold (each takes at least 4). */
size_t xdr_get_count(XdrIn *in, size_t max);
/** Presence word of an optional value. */
gboolean xdr_get_present(XdrIn *in);

/* Narrow types travel as words. */
#define xdr_put_char xdr_put_int
#define xdr_put_short xdr_put_int
#define xdr_put_uchar xdr_put_uint
#define xdr_put_ushort xdr_put_uint
#define xdr_get_char xdr_get_int
#define xdr_get_short xdr_get_int
#define xdr_get_uchar xdr_get_uint
#define xdr_get_ushort xdr_get_uint
