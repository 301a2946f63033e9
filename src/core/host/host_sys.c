/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bounded reading below a root that tests may move, and writing. A file that is missing, or vanishes, is an ordinary thing here.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "core/host/host.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"

#define NUMBER_MAX_BYTES 4096
#define FOLDER_MAX_NAMES 65536

static char *root_dir;

void host_set_root(const char *root)
{
    g_free(root_dir);
    root_dir = g_strdup(root);
}

static char *host_path(const char *fmt, va_list args)
{
    g_autofree char *path = g_strdup_vprintf(fmt, args);

    return host_place(path);
}

char *host_place(const char *path)
{
    return g_strconcat(root_dir ? root_dir : "", path, NULL);
}

int host_write(const char *path, const char *text, int how)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | how), saved;
    ssize_t len = (ssize_t)strlen(text), n;

    if (fd < 0)
        return -1;
    n = write(fd, text, (size_t)len);
    saved = n == len ? 0 : n < 0 ? errno : EIO;
    close(fd);
    errno = saved;
    return saved ? -1 : 0;
}

static char *host_read_path(const char *path, gsize max)
{
    char *text = NULL;

    if (file_read_optional(path, max, &text, NULL) > 0)
        return text;
    virResetLastError();
    return NULL;
}

char *host_read(gsize max, const char *fmt, ...)
{
    g_autofree char *path = NULL;
    va_list args;

    va_start(args, fmt);
    path = host_path(fmt, args);
    va_end(args);
    return host_read_path(path, max);
}

gint64 host_read_number(gint64 fallback, const char *fmt, ...)
{
    g_autofree char *path = NULL, *text = NULL;
    char *end;
    gint64 value;
    va_list args;

    va_start(args, fmt);
    path = host_path(fmt, args);
    va_end(args);
    text = host_read_path(path, NUMBER_MAX_BYTES);
    if (!text)
        return fallback;
    value = g_ascii_strtoll(g_strstrip(text), &end, 0);
    return end == text || *end ? fallback : value;
}

static gint compare_numbers(gconstpointer a, gconstpointer b)
{
    guint x = *(const guint *)a, y = *(const guint *)b;

    return x < y ? -1 : x > y;
}

GArray *host_list_numbers(const char *folder, const char *prefix)
{
    g_autofree char *path = host_place(folder);
    g_auto(GStrv) names = file_list_dir(path, FOLDER_MAX_NAMES);
    GArray *numbers = g_array_new(FALSE, FALSE, sizeof(guint));

    if (!names)
        virResetLastError();
    for (guint i = 0; names && names[i]; i++) {
        guint64 value;
        guint number;

        if (!g_str_has_prefix(names[i], prefix) ||
            !g_ascii_string_to_unsigned(names[i] + strlen(prefix), 10, 0, G_MAXINT32, &value, NULL))
            continue;
        number = value;
        g_array_append_val(numbers, number);
    }
    g_array_sort(numbers, compare_numbers);
    return numbers;
}
