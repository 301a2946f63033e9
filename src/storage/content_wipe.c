/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Wiping. A pass writes three bytes again and again, or what chance says, over all that holds data, and is on the disk before the next
 * one begins.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include <string.h>
#include <libvirt/libvirt.h>
#include "base/error.h"
#include "base/random.h"
#include "storage/backend.h"
#include "storage/content.h"

/* A multiple of three. */
#define CHUNK (3 * 1024 * 512)

/* Passes of an algorithm: "r" is chance, else six hexadecimal digits; a number before is how often. */
static const char *const passes[] = {
    [VIR_STORAGE_VOL_WIPE_ALG_ZERO] = "000000",
    [VIR_STORAGE_VOL_WIPE_ALG_NNSA] = "2r 000000",
    [VIR_STORAGE_VOL_WIPE_ALG_DOD] = "r 000000 ffffff",
    [VIR_STORAGE_VOL_WIPE_ALG_BSI] = "ffffff fefefe fdfdfd fbfbfb f7f7f7 efefef dfdfdf bfbfbf 7f7f7f",
    [VIR_STORAGE_VOL_WIPE_ALG_GUTMANN] = "4r 555555 aaaaaa 924924 492492 249249 000000 111111 222222 333333 444444 555555 666666 777777 "
        "888888 999999 aaaaaa bbbbbb cccccc dddddd eeeeee ffffff 924924 492492 249249 6db6db b6db6d db6db6 4r",
    [VIR_STORAGE_VOL_WIPE_ALG_SCHNEIER] = "ffffff 000000 5r",
    [VIR_STORAGE_VOL_WIPE_ALG_PFITZNER7] = "7r",
    [VIR_STORAGE_VOL_WIPE_ALG_PFITZNER33] = "33r",
    [VIR_STORAGE_VOL_WIPE_ALG_RANDOM] = "r",
};

typedef struct Wipe {
    StorageContent *content;
    guint64 done, total;
} Wipe;

/* @buffer: of CHUNK bytes. */
static int pass_extent(Wipe *wipe, guint64 at, guint64 end, guint8 *buffer, gboolean chance)
{
    while (at < end) {
        gsize n = (gsize) MIN(end - at, CHUNK);
        if (chance)
            random_bytes(buffer, n);
        gssize done = content_write(wipe->content, at, buffer + (chance ? 0 : at % 3), MIN(n, CHUNK - 3));
        if (done < 0)
            return -1;
        at += (guint64) done;
        wipe->done += (guint64) done;
        if (storage_progress(wipe->done, wipe->total) < 0)
            return -1;
    }
    return 0;
}

/* The next stretch of data, from *@at on; *@end the same: there is no more. */
static int next_data(StorageContent *content, guint64 *at, guint64 *end)
{
    guint64 length;
    gboolean is_data = FALSE;
    do {
        length = G_MAXINT64 - *at;
        if (content_extent(content, *at, &length, &is_data) < 0)
            return -1;
        *end = *at + length;
        *at = is_data ? *at : *end;
        storage_answered();
    } while (length && !is_data);
    return 0;
}

static int pass(Wipe *wipe, guint8 *buffer, gboolean chance)
{
    for (guint64 at = 0, end = 0;; at = end) {
        if (next_data(wipe->content, &at, &end) < 0)
            return -1;
        if (at == end)
            return content_flush(wipe->content);
        if (pass_extent(wipe, at, end, buffer, chance) < 0)
            return -1;
    }
}

static void fill(guint8 *buffer, const char *hex)
{
    for (int i = 0; i < CHUNK; i++)
        buffer[i] = (guint8) (g_ascii_xdigit_value(hex[i % 3 * 2]) << 4 | g_ascii_xdigit_value(hex[i % 3 * 2 + 1]));
}

/* How often a word says it; @word is moved on to what. */
static guint repeats(const char **word)
{
    const char *r = *word + strlen(*word) - 1;
    if (*r != 'r')
        return 1;
    guint n = r == *word ? 1 : (guint) g_ascii_strtoull(*word, NULL, 10);
    *word = r;
    return n;
}

static int data_bytes(StorageContent *content, guint64 *bytes)
{
    *bytes = 0;
    for (guint64 at = 0, end = 0;; at = end) {
        if (next_data(content, &at, &end) < 0)
            return -1;
        if (at == end)
            return 0;
        *bytes += end - at;
    }
}

static int overwrite(Wipe *wipe, char *const *words)
{
    g_autofree guint8 *buffer = g_malloc(CHUNK);
    guint n = 0;
    for (char *const *word = words; *word; word++) {
        const char *what = *word;
        n += repeats(&what);
    }
    if (data_bytes(wipe->content, &wipe->total) < 0)
        return -1;
    wipe->total *= n;
    for (char *const *word = words; *word; word++) {
        const char *what = *word;
        gboolean chance = g_str_has_suffix(what, "r");
        n = repeats(&what);
        if (!chance)
            fill(buffer, what);
        for (guint i = 0; i < n; i++) {
            if (pass(wipe, buffer, chance) < 0)
                return -1;
        }
    }
    return 0;
}

int storage_content_wipe(StorageContent *content, unsigned int algorithm, const char *name)
{
    Wipe wipe = { .content = content };
    g_auto(GStrv) words = algorithm == VIR_STORAGE_VOL_WIPE_ALG_TRIM ? NULL : g_strsplit(passes[algorithm], " ", -1);
    if ((words ? overwrite(&wipe, words) : content_discard(content)) == 0)
        return 0;
    error_context("cannot wipe volume '%s'", name);
    return -1;
}
