/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files that are written and read past the host's cache, over a pipe.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "core/direct_copy.h"

#define PATIENCE_MS 20000
#define BEGINNING 92     /* what stands in the file before; of no round length */

static char *path;
static gboolean direct;  /* the file system of the test can do it */

static int open_file(int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    g_assert_cmpint(fd, >=, 0);
    return fd;
}

static char *make_data(gsize len)
{
    char *data = g_malloc(len + 1);

    for (gsize i = 0; i < len; i++)
        data[i] = (char)(i * 7 + i / 251);
    return data;
}

/* Pages of the file in the host's cache. */
static gsize cached_pages(void)
{
    int fd = open_file(O_RDONLY);
    gsize len = (gsize)lseek(fd, 0, SEEK_END), pages = (len + 4095) / 4096, n = 0;
    g_autofree unsigned char *in = g_malloc(pages);
    void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);

    g_assert_true(map != MAP_FAILED);
    g_assert_cmpint(mincore(map, len, in), ==, 0);
    for (gsize i = 0; i < pages; i++)
        n += in[i] & 1;
    munmap(map, len);
    close(fd);
    return n;
}

static void write_data(const char *data, gsize len)
{
    int fd = open_file(O_RDWR | O_CREAT | O_TRUNC);
    DirectCopy *copy;

    g_assert_cmpint(file_write_all(fd, data, BEGINNING), ==, 0);
    copy = direct_copy_to_file(fd, path);
    g_assert_nonnull(copy);
    g_assert_cmpint(file_write_all(direct_copy_fd(copy), data + BEGINNING, len - BEGINNING), ==, 0);
    g_assert_cmpint(direct_copy_end(copy, 0, PATIENCE_MS), ==, 0);
    g_assert_false(fcntl(fd, F_GETFL) & O_DIRECT);
    close(fd);
}

static void read_back(const char *data, gsize len)
{
    int fd = open_file(O_RDONLY);
    g_autofree char *found = g_malloc(len);
    gsize have = BEGINNING;
    DirectCopy *copy;
    ssize_t n;

    g_assert_cmpint(lseek(fd, BEGINNING, SEEK_SET), ==, BEGINNING);
    copy = direct_copy_from_file(fd, path);
    g_assert_nonnull(copy);
    while (have < len && (n = read(direct_copy_fd(copy), found + have, len - have)) > 0)
        have += (gsize)n;
    g_assert_cmpuint(have, ==, len);
    g_assert_cmpint(read(direct_copy_fd(copy), found, 1), ==, 0);
    g_assert_cmpint(direct_copy_end(copy, 0, 0), ==, 0);
    g_assert_cmpint(memcmp(found + BEGINNING, data + BEGINNING, len - BEGINNING), ==, 0);
    close(fd);
}

static void test_lengths(void)
{
    const gsize lengths[] = { BEGINNING, BEGINNING + 1, 65536, 65537, (1 << 20) + 65536, (5 << 20) + 4321 };

    for (guint i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autofree char *data = make_data(lengths[i]), *found = NULL;
        gsize len;

        write_data(data, lengths[i]);
        g_assert_true(g_file_get_contents(path, &found, &len, NULL));
        g_assert_cmpmem(found, len, data, lengths[i]);
        read_back(data, lengths[i]);
    }
}

static void test_cache(void)
{
    const gsize len = 8 << 20;
    g_autofree char *data = make_data(len);

    if (!direct) {
        g_test_skip("the file system of the test keeps all of a file in memory");
        return;
    }
    write_data(data, len);
    g_assert_cmpuint(cached_pages(), <=, 2 * 65536 / 4096);
    read_back(data, len);
    g_assert_cmpuint(cached_pages(), <=, 2 * 65536 / 4096);
}

static void assert_error(int code, const char *part)
{
    g_assert_cmpint(error_code(), ==, code);
    if (!strstr(error_message(), part))
        g_error("'%s' is not in '%s'", part, error_message());
    virResetLastError();
}

/* What can't be had so is told before anything is written. */
static void test_unable(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC), fds[2];

    g_assert_null(direct_copy_to_file(fd, "/dev/null"));
    assert_error(VIR_ERR_OPERATION_UNSUPPORTED, "'/dev/null' can't be read or written past the host's cache");
    g_assert_cmpint(pipe(fds), ==, 0);
    g_assert_null(direct_copy_from_file(fds[0], "a pipe"));
    assert_error(VIR_ERR_SYSTEM_ERROR, "a pipe");
    close(fds[0]);
    close(fds[1]);
    close(fd);
}

/* A disk that is full: the writer hears it, and the end tells why. */
static void test_full(void)
{
    g_autofree char *data = make_data(4 << 20);
    struct rlimit before, limit;
    int fd = open_file(O_RDWR | O_CREAT | O_TRUNC);
    DirectCopy *copy;

    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
    limit = before;
    limit.rlim_cur = 1 << 20;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    copy = direct_copy_to_file(fd, path);
    g_assert_nonnull(copy);
    g_assert_cmpint(file_write_all(direct_copy_fd(copy), data, 4 << 20), ==, -1);
    error_report(VIR_FROM_NONE, VIR_ERR_OPERATION_FAILED, "what the writer says");
    g_assert_cmpint(direct_copy_end(copy, -1, PATIENCE_MS), ==, -1);
    assert_error(VIR_ERR_SYSTEM_ERROR, "cannot write '");
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
    close(fd);
}

/* Whoever fails needn't close anything for the copy to end, and its own error stays. */
static void test_given_up(void)
{
    int fd = open_file(O_RDWR | O_CREAT | O_TRUNC), held;
    DirectCopy *copy = direct_copy_to_file(fd, path);

    g_assert_nonnull(copy);
    held = dup(direct_copy_fd(copy));
    error_report(VIR_FROM_NONE, VIR_ERR_OPERATION_FAILED, "what the writer says");
    g_assert_cmpint(direct_copy_end(copy, -1, PATIENCE_MS), ==, -1);
    assert_error(VIR_ERR_OPERATION_FAILED, "what the writer says");

    /* One that is said to be through but keeps the pipe is waited for, but not for ever. */
    close(held);
    copy = direct_copy_to_file(fd, path);
    held = dup(direct_copy_fd(copy));
    g_assert_cmpint(direct_copy_end(copy, 0, 50), ==, -1);
    assert_error(VIR_ERR_OPERATION_TIMEOUT, "for 50 ms");
    close(held);
    close(fd);
}

/* A reader that has enough, or fails, leaves a copy that can't get rid of the rest. */
static void test_reader_goes(void)
{
    g_autofree char *data = make_data(8 << 20);
    int fd;
    DirectCopy *copy;

    g_assert_true(g_file_set_contents(path, data, 8 << 20, NULL));
    fd = open_file(O_RDONLY);
    copy = direct_copy_from_file(fd, path);
    g_assert_nonnull(copy);
    g_assert_cmpint(direct_copy_end(copy, 0, 0), ==, 0);
    copy = direct_copy_from_file(fd, path);
    error_report(VIR_FROM_NONE, VIR_ERR_OPERATION_FAILED, "what the reader says");
    g_assert_cmpint(direct_copy_end(copy, -1, 0), ==, -1);
    assert_error(VIR_ERR_OPERATION_FAILED, "what the reader says");
    close(fd);
}

static void test_not_here(void)
{
    g_test_skip("the file system of the test's folder has no O_DIRECT");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    g_autofree char *dir = g_dir_make_tmp("direct-XXXXXX", NULL), *kind = NULL;
    path = g_build_filename(dir, "file", NULL);
    g_autofree char *command = g_strconcat("stat -f -c %T ", dir, NULL);
    direct = g_spawn_command_line_sync(command, &kind, NULL, NULL, NULL) && !g_str_has_prefix(kind, "tmpfs");
    g_test_add_func("/direct-copy/unable", test_unable);
    int fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        close(fd);
        g_test_add_func("/direct-copy/lengths", test_lengths);
        g_test_add_func("/direct-copy/cache", test_cache);
        g_test_add_func("/direct-copy/full", test_full);
        g_test_add_func("/direct-copy/given-up", test_given_up);
        g_test_add_func("/direct-copy/reader-goes", test_reader_goes);
    } else {
        g_test_add_func("/direct-copy/not-here", test_not_here);
    }
    int rc = g_test_run();

    g_unlink(path);
    g_rmdir(dir);
    g_free(path);
    return rc;
}
