/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Wiping. A pass writes three bytes again and again, or what chance says, over all that holds data, and is on the disk before the next
 * one begins.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libvirt/libvirt.h>
#include "base/error.h"
#include "base/random.h"
#include "drivers/storage/content.h"
#include "storage/backend.h"

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
    int fd;
    const char *name;
    guint64 done, total;
} Wipe;

static int fail(const Wipe *wipe, int errnum)
{
    return FAIL_ERRNO(errnum, "cannot wipe volume '%s'", wipe->name);
}

/* @pattern: of CHUNK bytes; NULL: chance. */
static int pass_extent(Wipe *wipe, off_t at, off_t end, guint8 *buffer, gboolean chance)
{
    while (at < end) {
        size_t n = MIN((size_t) (end - at), CHUNK);
        if (chance)
            random_bytes(buffer, n);
        ssize_t done = pwrite(wipe->fd, buffer + (chance ? 0 : at % 3), MIN(n, CHUNK - 3), at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail(wipe, done < 0 ? errno : EIO);
        at += done;
        wipe->done += (guint64) done;
        if (storage_progress(wipe->done, wipe->total) < 0)
            return -1;
    }
    return 0;
}

static int pass(Wipe *wipe, guint8 *buffer, gboolean chance)
{
    off_t at = 0, end;
    while ((at = lseek(wipe->fd, at, SEEK_DATA)) >= 0 && (end = lseek(wipe->fd, at, SEEK_HOLE)) >= 0) {
        if (pass_extent(wipe, at, end, buffer, chance) < 0)
            return -1;
        at = end;
    }
    if (at < 0 && errno != ENXIO)
        return fail(wipe, errno);
    return fsync(wipe->fd) == 0 ? 0 : fail(wipe, errno);
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

static guint64 data_bytes(int fd)
{
    guint64 bytes = 0;
    off_t at = 0, end;
    while ((at = lseek(fd, at, SEEK_DATA)) >= 0 && (end = lseek(fd, at, SEEK_HOLE)) >= 0) {
        bytes += (guint64) (end - at);
        at = end;
    }
    return bytes;
}

static int trim(Wipe *wipe)
{
    struct stat info;
    guint64 range[2] = { 0, 0 };
    if (fstat(wipe->fd, &info) < 0)
        return fail(wipe, errno);
    if (S_ISREG(info.st_mode))
        return info.st_size == 0 || fallocate(wipe->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, info.st_size) == 0 ? 0
            : fail(wipe, errno);
    if (ioctl(wipe->fd, BLKGETSIZE64, &range[1]) < 0 || ioctl(wipe->fd, BLKDISCARD, range) < 0)
        return fail(wipe, errno);
    return 0;
}

int content_wipe(int fd, unsigned int algorithm, const char *name)
{
    Wipe wipe = { .fd = fd, .name = name };
    if (algorithm == VIR_STORAGE_VOL_WIPE_ALG_TRIM)
        return trim(&wipe);
    g_auto(GStrv) words = g_strsplit(passes[algorithm], " ", -1);
    g_autofree guint8 *buffer = g_malloc(CHUNK);
    guint n = 0;
    for (char **word = words; *word; word++) {
        const char *what = *word;
        n += repeats(&what);
    }
    wipe.total = data_bytes(fd) * n;
    for (char **word = words; *word; word++) {
        const char *what = *word;
        gboolean chance = g_str_has_suffix(what, "r");
        n = repeats(&what);
        if (!chance)
            fill(buffer, what);
        for (guint i = 0; i < n; i++) {
            if (pass(&wipe, buffer, chance) < 0)
                return -1;
        }
    }
    return 0;
}
