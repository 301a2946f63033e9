/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sets of small numbers (CPUs, NUMA nodes, slots) and their text "0-3,^2,8".
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct Bitmap Bitmap;

/** Largest number of bits that a text may ask for. */
#define BITMAP_MAX_BITS (1024 * 1024)

/** New empty set over the numbers 0 … @n_bits - 1. Never fails. */
Bitmap *bitmap_new(size_t n_bits);
void bitmap_free(Bitmap *bitmap);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bitmap, bitmap_free)
Bitmap *bitmap_copy(const Bitmap *bitmap);

/** How many numbers the set ranges over. */
size_t bitmap_size(const Bitmap *bitmap);

/** Numbers outside of the range: set and clear do nothing and return false, test says false. */
bool bitmap_set(Bitmap *bitmap, size_t bit);
bool bitmap_clear(Bitmap *bitmap, size_t bit);
bool bitmap_test(const Bitmap *bitmap, size_t bit);
void bitmap_set_all(Bitmap *bitmap);

size_t bitmap_count(const Bitmap *bitmap);
/** First number of the set that is greater than @after (-1: the very first); -1 if there is none. */
ssize_t bitmap_next(const Bitmap *bitmap, ssize_t after);
/** Greatest number of the set, -1 if it is empty. */
ssize_t bitmap_last(const Bitmap *bitmap);

/** Same numbers, whatever the ranges are. */
bool bitmap_equal(const Bitmap *a, const Bitmap *b);
/** Whether both have a number in common. */
bool bitmap_overlaps(const Bitmap *a, const Bitmap *b);

/** Read "0-3,^2,8": numbers and ranges in order, ^ takes one number or range out again. White space around items is
 * allowed. The set's range is @max_bits (0: as large as the text needs, up to BITMAP_MAX_BITS). NULL
 * with VIR_ERR_INVALID_ARG set if the text is malformed, empty or beyond the range. */
Bitmap *bitmap_parse(const char *text, size_t max_bits);

/** Shortest text, "" for the empty set. Caller frees. */
char *bitmap_format(const Bitmap *bitmap);

/** Byte arrays as the API's cpumaps: number 0 is the lowest bit of the first byte. */
Bitmap *bitmap_from_bytes(const unsigned char *bytes, size_t len);
/** Fill @len bytes; numbers beyond are left out, missing ones are 0. */
void bitmap_to_bytes(const Bitmap *bitmap, unsigned char *bytes, size_t len);
