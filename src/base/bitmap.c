/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sets of small numbers, as words of 64 bits in one allocation. Bits beyond the range are always 0.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/bitmap.h"

#include <string.h>

#include "base/error.h"

#define WORD_BITS 64
#define MAX_TEXT 65536

struct Bitmap {
    size_t n_bits;
    size_t n_words;
    guint64 words[];
};

Bitmap *bitmap_new(size_t n_bits)
{
    size_t n_words = n_bits / WORD_BITS + (n_bits % WORD_BITS != 0);
    Bitmap *bitmap = g_malloc0(sizeof(Bitmap) + n_words * sizeof(guint64));
    bitmap->n_bits = n_bits;
    bitmap->n_words = n_words;
    return bitmap;
}

void bitmap_free(Bitmap *bitmap)
{
    g_free(bitmap);
}

Bitmap *bitmap_copy(const Bitmap *bitmap)
{
    if (!bitmap)
        return NULL;
    return g_memdup2(bitmap, sizeof(Bitmap) + bitmap->n_words * sizeof(guint64));
}

size_t bitmap_size(const Bitmap *bitmap)
{
    return bitmap->n_bits;
}

bool bitmap_set(Bitmap *bitmap, size_t bit)
{
    if (bit >= bitmap->n_bits)
        return false;
    bitmap->words[bit / WORD_BITS] |= G_GUINT64_CONSTANT(1) << bit % WORD_BITS;
    return true;
}

bool bitmap_clear(Bitmap *bitmap, size_t bit)
{
    if (bit >= bitmap->n_bits)
        return false;
    bitmap->words[bit / WORD_BITS] &= ~(G_GUINT64_CONSTANT(1) << bit % WORD_BITS);
    return true;
}

bool bitmap_test(const Bitmap *bitmap, size_t bit)
{
    return bit < bitmap->n_bits && bitmap->words[bit / WORD_BITS] >> bit % WORD_BITS & 1;
}

void bitmap_set_all(Bitmap *bitmap)
{
    memset(bitmap->words, 0xff, bitmap->n_words * sizeof(guint64));
    size_t tail = bitmap->n_bits % WORD_BITS;
    if (tail)
        bitmap->words[bitmap->n_words - 1] = (G_GUINT64_CONSTANT(1) << tail) - 1;
}

size_t bitmap_count(const Bitmap *bitmap)
{
    size_t n = 0;
    for (size_t i = 0; i < bitmap->n_words; i++)
        n += __builtin_popcountll(bitmap->words[i]);
    return n;
}

ssize_t bitmap_next(const Bitmap *bitmap, ssize_t after)
{
    size_t bit = after < 0 ? 0 : (size_t) after + 1;
    size_t i = bit / WORD_BITS;
    if (i >= bitmap->n_words)
        return -1;
    guint64 word = bitmap->words[i] & ~G_GUINT64_CONSTANT(0) << bit % WORD_BITS;
    while (!word) {
        if (++i == bitmap->n_words)
            return -1;
        word = bitmap->words[i];
    }
    return i * WORD_BITS + __builtin_ctzll(word);
}

ssize_t bitmap_last(const Bitmap *bitmap)
{
    for (size_t i = bitmap->n_words; i-- > 0;) {
        if (bitmap->words[i])
            return i * WORD_BITS + WORD_BITS - 1 - __builtin_clzll(bitmap->words[i]);
    }
    return -1;
}

static guint64 word_at(const Bitmap *bitmap, size_t i)
{
    return i < bitmap->n_words ? bitmap->words[i] : 0;
}

bool bitmap_equal(const Bitmap *a, const Bitmap *b)
{
    if (!a || !b)
        return a == b;
    for (size_t i = 0; i < MAX(a->n_words, b->n_words); i++) {
        if (word_at(a, i) != word_at(b, i))
            return false;
    }
    return true;
}

bool bitmap_overlaps(const Bitmap *a, const Bitmap *b)
{
    for (size_t i = 0; i < MIN(a->n_words, b->n_words); i++) {
        if (a->words[i] & b->words[i])
            return true;
    }
    return false;
}

/* ---- text ---- */

static const char *skip_space(const char *at)
{
    while (g_ascii_isspace(*at))
        at++;
    return at;
}

/* One number; NULL if there is none or it isn't below @limit. */
static const char *read_number(const char *at, size_t limit, size_t *number)
{
    if (!g_ascii_isdigit(*at))
        return NULL;
    size_t n = 0;
    for (; g_ascii_isdigit(*at); at++) {
        n = n * 10 + (*at - '0');
        if (n >= limit)
            return NULL;
    }
    *number = n;
    return at;
}

typedef struct {
    bool negative;
    size_t first, last;
} Item;

/* "^"? number ("-" number)?, then a comma (skipped) or the end. */
static const char *read_item(const char *at, size_t limit, Item *item)
{
    at = skip_space(at);
    item->negative = *at == '^';
    if (item->negative)
        at++;
    at = read_number(at, limit, &item->first);
    if (!at)
        return NULL;
    item->last = item->first;
    at = skip_space(at);
    if (*at == '-') {
        at = read_number(skip_space(at + 1), limit, &item->last);
        if (!at || item->last < item->first)
            return NULL;
        at = skip_space(at);
    }
    if (!*at)
        return at;
    if (*at != ',')
        return NULL;
    at = skip_space(at + 1);
    return *at ? at : NULL; /* nothing behind the comma */
}

/* Whole words at a time: a hostile text repeats large ranges. */
static void assign_range(Bitmap *bitmap, size_t first, size_t last, bool value)
{
    if (first >= bitmap->n_bits)
        return;
    last = MIN(last, bitmap->n_bits - 1);
    for (size_t i = first / WORD_BITS; i <= last / WORD_BITS; i++) {
        guint64 mask = ~G_GUINT64_CONSTANT(0);
        if (i == first / WORD_BITS)
            mask &= ~G_GUINT64_CONSTANT(0) << first % WORD_BITS;
        if (i == last / WORD_BITS)
            mask &= ~G_GUINT64_CONSTANT(0) >> (WORD_BITS - 1 - last % WORD_BITS);
        if (value)
            bitmap->words[i] |= mask;
        else
            bitmap->words[i] &= ~mask;
    }
}

static Bitmap *apply_items(const char *text, size_t limit, size_t n_bits)
{
    g_autoptr(Bitmap) bitmap = bitmap_new(n_bits);
    for (const char *at = text; *at;) {
        Item item;
        at = read_item(at, limit, &item);
        if (!at)
            return NULL;
        assign_range(bitmap, item.first, item.last, !item.negative);
    }
    return g_steal_pointer(&bitmap);
}

/* Bits that the text needs; 0 if it is malformed. */
static size_t bits_needed(const char *text, size_t limit)
{
    size_t n = 0;
    for (const char *at = skip_space(text); *at;) {
        Item item;
        at = read_item(at, limit, &item);
        if (!at)
            return 0;
        n = MAX(n, item.last + 1);
    }
    return n;
}

Bitmap *bitmap_parse(const char *text, size_t max_bits)
{
    size_t limit = max_bits ? max_bits : BITMAP_MAX_BITS;
    size_t needed = strnlen(text, MAX_TEXT) < MAX_TEXT ? bits_needed(text, limit) : 0;
    if (!needed)
        return FAIL_NULL(VIR_ERR_INVALID_ARG,
                         "'%.200s' is not a list of numbers below %zu such as '0-3,^2,8'", text, limit);
    return apply_items(text, limit, max_bits ? max_bits : needed);
}

char *bitmap_format(const Bitmap *bitmap)
{
    GString *out = g_string_new(NULL);
    ssize_t first = bitmap_next(bitmap, -1);
    while (first >= 0) {
        ssize_t last = first;
        while (bitmap_test(bitmap, last + 1))
            last++;
        g_string_append_printf(out, last > first ? "%s%zd-%zd" : "%s%zd", out->len ? "," : "", first, last);
        first = bitmap_next(bitmap, last);
    }
    return g_string_free(out, FALSE);
}

Bitmap *bitmap_from_bytes(const unsigned char *bytes, size_t len)
{
    Bitmap *bitmap = bitmap_new(len * 8);
    for (size_t i = 0; i < len; i++)
        bitmap->words[i / 8] |= (guint64) bytes[i] << i % 8 * 8;
    return bitmap;
}

void bitmap_to_bytes(const Bitmap *bitmap, unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = word_at(bitmap, i / 8) >> i % 8 * 8;
}
