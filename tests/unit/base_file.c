/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Files: modes whatever the umask, bounds, crash safety, sockets, PID files. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

static char *dir;

static char *in_dir(const char *name)
{
    return g_build_filename(dir, name, NULL);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    g_assert_cmpint(lstat(path, &st), ==, 0);
    return st.st_mode & 07777;
}

static void test_names(void)
{
    static const char *const good[] = { "a", "-x", ".hidden", "...", "a b", "gäste", "a..b" };
    static const char *const bad[] = { "", ".", "..", "/", "a/b", "../x", "a\nb", "\x7f", "\xff\xfe" };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_cmpint(file_name_check("name", good[i]), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_cmpint(file_name_check("name", bad[i]), ==, -1);
    g_autofree char *longest = g_strnfill(FILE_NAME_MAX, 'x');
    g_autofree char *longer = g_strnfill(FILE_NAME_MAX + 1, 'x');
    g_assert_true(file_name_is_safe(longest));
    g_assert_false(file_name_is_safe(longer));
}

static void test_modes(void)
{
    static const mode_t masks[] = { 0000, 0022, 0077, 0777 };
    for (size_t i = 0; i < G_N_ELEMENTS(masks); i++) {
        mode_t old = umask(masks[i]);
        g_autofree char *a = in_dir("modes-a"), *b = in_dir("modes-b"), *s = in_dir("modes-s"), *d = in_dir("p/q/r");
        g_autofree char *q = in_dir("p/q"), *p = in_dir("p");
        g_assert_cmpint(file_replace(a, "x", 1, 0640, -1, -1), ==, 0);
        int fd = file_create(b, O_APPEND, 0664, getuid(), getgid());
        g_assert_cmpint(fd, >=, 0);
        close(fd);
        fd = file_listen_unix(s, 0770, -1, -1);
        g_assert_cmpint(fd, >=, 0);
        close(fd);
        g_assert_cmpint(file_mkdirs(d, 0710, -1, -1), ==, 0);
        umask(old);
        g_assert_cmpint(mode_of(a), ==, 0640);
        g_assert_cmpint(mode_of(b), ==, 0664);
        g_assert_cmpint(mode_of(s), ==, 0770);
        g_assert_cmpint(mode_of(d), ==, 0710);
        g_assert_cmpint(mode_of(q), ==, 0755);
        rmdir(d);
        rmdir(q);
        rmdir(p);
        unlink(a);
        unlink(b);
        unlink(s);
    }
}

static void test_read(void)
{
    g_autofree char *path = in_dir("read"), *fifo = in_dir("fifo"), *none = in_dir("none");
    g_autofree char *big = g_strnfill(10000, 'y');
    size_t len = 0;
    g_assert_cmpint(file_replace(path, big, 10000, 0600, -1, -1), ==, 0);
    g_autofree char *all = file_read(path, 10000, &len);
    g_assert_cmpuint(len, ==, 10000);
    g_assert_cmpint(all[10000], ==, 0);
    g_assert_null(file_read(path, 9999, &len));
    g_assert_nonnull(strstr(error_message(), "larger than 9999 bytes"));
    g_autofree char *proc = file_read("/proc/self/status", 65536, &len); /* its size is given as 0 */
    g_assert_cmpuint(len, >, 100);

    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    g_assert_null(file_read(fifo, 10, NULL)); /* and doesn't hang */
    g_assert_cmpint(file_open(VIR_FROM_NONE, fifo, O_RDONLY), ==, -1);
    g_assert_cmpint(virGetLastError()->code, ==, VIR_ERR_OPERATION_FAILED);
    g_assert_cmpint(file_open(VIR_FROM_NONE, fifo, O_WRONLY), ==, -1);
    g_assert_null(file_read(dir, 10, NULL));
    char *data = NULL;
    g_assert_cmpint(file_read_optional(none, 10, &data, NULL), ==, 0);
    g_assert_null(data);
    g_assert_null(file_read(none, 10, NULL));
    g_assert_cmpint(error_code(), ==, VIR_ERR_SYSTEM_ERROR);
    g_assert_cmpint(file_remove_sync(path), ==, 0);
    g_assert_cmpint(file_remove_sync(path), ==, 0);
    unlink(fifo);
}

static void test_links(void)
{
    g_autofree char *target = in_dir("target"), *link = in_dir("link");
    g_assert_cmpint(file_replace(target, "old", 3, 0600, -1, -1), ==, 0);
    g_assert_cmpint(symlink(target, link), ==, 0);
    g_assert_cmpint(file_create(link, O_TRUNC, 0600, -1, -1), ==, -1);
    g_assert_cmpint(file_replace(link, "new", 3, 0600, -1, -1), ==, 0);
    g_assert_cmpint(g_unlink(link), ==, 0);
    g_assert_cmpint(symlink(target, link), ==, 0);
    g_assert_cmpint(file_replace_quickly(link, "new", 3, 0600), ==, 0);
    g_autofree char *text = file_read(target, 10, NULL);
    g_assert_cmpstr(text, ==, "old");
    unlink(target);
    unlink(link);
}

/* Every flush of the library ends here; what was flushed, in order: "f" a file, "d" a folder. NULL: nobody asks. */
static GString *flushed;

int fsync(int fd)
{
    struct stat st;
    g_assert_cmpint(fstat(fd, &st), ==, 0);
    if (flushed)
        g_string_append_c(flushed, S_ISDIR(st.st_mode) ? 'd' : 'f');
    return (int) syscall(SYS_fsync, fd);
}

static const char *flushes_of_replace(const char *path)
{
    g_string_truncate(flushed, 0);
    g_assert_cmpint(file_replace(path, "x", 1, 0600, -1, -1), ==, 0);
    return flushed->str;
}

/* A new name comes with its file where the file system does that, and is flushed where it does not; that a name now stands for
 * another file has to be flushed everywhere. */
static void test_flushes(void)
{
    g_autofree char *on_disk = g_strdup_printf("/var/tmp/base-file-%d", (int) getpid());
    g_autofree char *in_memory = g_strdup_printf("/dev/shm/base-file-%d", (int) getpid());
    struct statfs fs;
    flushed = g_string_new(NULL);
    g_assert_cmpint(statfs("/var/tmp", &fs), ==, 0);
    gboolean one_flush = fs.f_type == XFS_SUPER_MAGIC || fs.f_type == BTRFS_SUPER_MAGIC;
    if (!one_flush && fs.f_type != EXT4_SUPER_MAGIC)
        g_assert_cmpstr(flushes_of_replace(on_disk), ==, "fd");
    else if (one_flush || g_file_test("/sys/fs/ext4", G_FILE_TEST_IS_DIR))
        g_assert_cmpstr(flushes_of_replace(on_disk), ==, "f");
    else
        g_assert_cmpint(file_replace(on_disk, "x", 1, 0600, -1, -1), ==, 0);
    g_assert_cmpstr(flushes_of_replace(on_disk), ==, "fd");
    unlink(on_disk);
    if (file_is_in_memory("/dev/shm")) {
        g_assert_cmpstr(flushes_of_replace(in_memory), ==, "fd");
        unlink(in_memory);
    }
    g_string_free(g_steal_pointer(&flushed), TRUE);
}

static void test_failure_leaves_old(void)
{
    g_autofree char *sub = in_dir("sub"), *file = in_dir("sub/f");
    g_assert_cmpint(file_replace(file, "x", 1, 0600, -1, -1), ==, -1); /* no such folder */
    g_assert_cmpint(file_mkdirs(file, 0700, -1, -1), ==, 0);           /* the name is a folder */
    g_assert_cmpint(file_replace(file, "x", 1, 0600, -1, -1), ==, -1);
    g_assert_cmpint(file_replace_quickly(file, "x", 1, 0600), ==, -1);
    g_assert_true(g_file_test(file, G_FILE_TEST_IS_DIR));
    g_auto(GStrv) names = file_list_dir(sub, 10);
    g_assert_cmpuint(g_strv_length(names), ==, 1);
    g_assert_cmpint(file_sweep(sub), ==, 0); /* nothing left behind */
    rmdir(file);
    rmdir(sub);
    g_auto(GStrv) none = file_list_dir(sub, 10);
    g_assert_cmpuint(g_strv_length(none), ==, 0);
}

enum { AGAIN, ANEW, QUICKLY };

G_GNUC_NORETURN static void replace_for_ever(const char *path, const char *const *content, size_t len, int how)
{
    for (int i = 0;; i++) {
        if ((how == ANEW && file_remove_sync(path) < 0) || (how == QUICKLY && file_replace_quickly(path, content[i % 2], len, 0600) < 0) ||
            (how != QUICKLY && file_replace(path, content[i % 2], len, 0600, -1, -1) < 0))
            _exit(1);
    }
}

/* Whenever the writer is killed, the file is one of the two contents, whole; or not there, if it is made anew each time. */
static void test_crash(gconstpointer opaque)
{
    int how = GPOINTER_TO_INT(opaque);
    enum { LEN = 200000, KILLS = 60 };
    g_autofree char *sub = in_dir("crash"), *path = in_dir("crash/f");
    g_autofree char *a = g_strnfill(LEN, 'a'), *b = g_strnfill(LEN, 'b');
    const char *const content[] = { a, b };
    g_assert_cmpint(file_mkdirs(sub, 0700, -1, -1), ==, 0);
    g_assert_cmpint(file_replace(path, a, LEN, 0600, -1, -1), ==, 0);
    for (int i = 0; i < KILLS; i++) {
        pid_t pid = fork();
        if (pid == 0)
            replace_for_ever(path, content, LEN, how);
        g_usleep(g_test_rand_int_range(200, 12000)); /* the moment is the variable here, not a wait */
        kill(pid, SIGKILL);
        int status;
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFSIGNALED(status));
        size_t len = 0;
        g_autofree char *found = NULL;
        g_assert_cmpint(file_read_optional(path, LEN, &found, &len), >=, 0);
        g_assert_true(found || how == ANEW);
        if (!found)
            continue;
        g_assert_cmpuint(len, ==, LEN);
        g_assert_true(memcmp(found, a, LEN) == 0 || memcmp(found, b, LEN) == 0);
    }
    g_test_message("left over by %d kills: %d", KILLS, file_sweep(sub));
    g_assert_cmpint(file_remove_sync(path), ==, 0);
    g_assert_cmpint(rmdir(sub), ==, 0); /* nothing else was in it */
}

static void test_socket(void)
{
    g_autofree char *deep = g_strnfill(150, 'd');
    g_autofree char *sub = in_dir(deep), *path = g_build_filename(sub, "sock", NULL), *file = in_dir("plain");
    g_assert_cmpint(file_mkdirs(sub, 0700, -1, -1), ==, 0);
    for (int i = 0; i < 2; i++) { /* the second time over the first one's remains */
        int fd = file_listen_unix(path, 0700, -1, -1);
        g_assert_cmpint(fd, >=, 0);
        int client = file_connect_unix(path);
        g_assert_cmpint(client, >=, 0);
        int peer = accept(fd, NULL, NULL);
        g_assert_cmpint(peer, >=, 0);
        close(peer);
        close(client);
        close(fd);
    }
    g_assert_cmpint(file_connect_unix(path), ==, -1);
    g_assert_cmpint(errno, ==, ECONNREFUSED);
    g_assert_cmpint(file_replace(file, "x", 1, 0600, -1, -1), ==, 0);
    g_assert_cmpint(file_listen_unix(file, 0700, -1, -1), ==, -1); /* never removes what isn't a socket */
    g_assert_cmpint(mode_of(file), ==, 0600);
    unlink(file);
    unlink(path);
    rmdir(sub);
}

static void test_pid_file(void)
{
    g_autofree char *path = in_dir("pid");
    g_assert_cmpint(pid_file_holder(path), ==, 0);
    PidFile *file = pid_file_acquire(path);
    g_assert_nonnull(file);
    g_assert_cmpint(pid_file_holder(path), ==, getpid());
    g_assert_null(pid_file_acquire(path));
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_INVALID);
    pid_file_release(file);
    g_assert_cmpint(access(path, F_OK), ==, -1);
    g_assert_cmpint(file_replace(path, "1\n", 2, 0644, -1, -1), ==, 0); /* stale: nobody holds it */
    g_assert_cmpint(pid_file_holder(path), ==, 0);
    file = pid_file_acquire(path);
    g_assert_nonnull(file);
    pid_file_release(file);
}

static gpointer kill_later(gpointer pid)
{
    g_usleep(200000);
    g_assert_cmpint(kill(GPOINTER_TO_INT(pid), SIGKILL), ==, 0);
    return NULL;
}

/* Who held it a moment ago was alive when we asked: it is waited for. */
static void test_pid_file_of_the_dying(void)
{
    g_autofree char *path = in_dir("dying");
    pid_t pid = fork();
    if (pid == 0) {
        pid_file_acquire(path);
        for (;;)
            pause();
    }
    while (pid_file_holder(path) != pid)
        g_usleep(1000);
    GThread *killer = g_thread_new("killer", kill_later, GINT_TO_POINTER(pid));
    PidFile *file = pid_file_acquire(path);
    g_assert_nonnull(file);
    g_thread_join(killer);
    g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
    pid_file_release(file);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("base-file-XXXXXX", NULL);
    g_test_add_func("/base/file/names", test_names);
    g_test_add_func("/base/file/modes", test_modes);
    g_test_add_func("/base/file/read", test_read);
    g_test_add_func("/base/file/links", test_links);
    g_test_add_func("/base/file/flushes", test_flushes);
    g_test_add_func("/base/file/failure", test_failure_leaves_old);
    g_test_add_data_func("/base/file/crash", GINT_TO_POINTER(AGAIN), test_crash);
    g_test_add_data_func("/base/file/crash-anew", GINT_TO_POINTER(ANEW), test_crash);
    g_test_add_data_func("/base/file/crash-quickly", GINT_TO_POINTER(QUICKLY), test_crash);
    g_test_add_func("/base/file/socket", test_socket);
    g_test_add_func("/base/file/pid-file", test_pid_file);
    g_test_add_func("/base/file/pid-file-of-the-dying", test_pid_file_of_the_dying);
    int ret = g_test_run();
    g_assert_cmpint(g_rmdir(dir), ==, 0);
    g_free(dir);
    return ret;
}
