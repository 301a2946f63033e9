/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files and folders. Theory of operation: a file is replaced by writing a temporary one beside it, flushing it,
 * renaming it over the old and flushing the folder; the order makes a crash at any point harmless. Temporary names
 * begin with TEMP_MARK, so that readers of folders don't see them and file_sweep() finds them.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/random.h"

#define TEMP_MARK ".new-"

bool file_name_is_safe(const char *name)
{
    if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || g_str_has_prefix(name, TEMP_MARK))
        return false;
    size_t len = strnlen(name, FILE_NAME_MAX + 1);
    if (len > FILE_NAME_MAX || !g_utf8_validate(name, len, NULL))
        return false;
    for (const char *at = name; *at; at++) {
        if (*at == '/' || g_ascii_iscntrl(*at))
            return false;
    }
    return true;
}

int file_name_check(const char *what, const char *name)
{
    if (file_name_is_safe(name))
        return 0;
    g_autofree char *shown = g_strescape(name, NULL);
    return FAIL(VIR_ERR_INVALID_ARG,
                "%s '%.*s' cannot be a file name: it must be 1 to %d bytes of UTF-8 without '/' and control characters, "
                "not '.' or '..' and not begin with '" TEMP_MARK "'", what, FILE_NAME_MAX, shown, FILE_NAME_MAX);
}

int file_write_all(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        at += n;
        len -= n;
    }
    return 0;
}

/* Owner first: a change of owner may clear mode bits. */
static int set_owner_and_mode(int fd, mode_t mode, uid_t uid, gid_t gid)
{
    if ((uid != FILE_OWNER_KEEP || gid != FILE_GROUP_KEEP) && fchown(fd, uid, gid) < 0)
        return -1;
    return fchmod(fd, mode);
}

int file_sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot open folder '%s'", dir);
    int ret = fsync(fd);
    int err = errno;
    close(fd);
    if (ret < 0 && err != EINVAL) /* EINVAL: a file system that has nothing to flush */
        return FAIL_ERRNO(err, "cannot flush folder '%s'", dir);
    return 0;
}

static int sync_parent(const char *path)
{
    g_autofree char *dir = g_path_get_dirname(path);
    return file_sync_dir(dir);
}

static char *temp_name(const char *path)
{
    g_autofree char *dir = g_path_get_dirname(path);
    g_autofree char *base = g_path_get_basename(path);
    guint64 salt;
    random_bytes(&salt, sizeof(salt));
    return g_strdup_printf("%s/%s%016" G_GINT64_MODIFIER "x-%.*s", dir, TEMP_MARK, salt, FILE_NAME_MAX, base);
}

/* A new file, open; or -1 with errno. */
static int write_temp(const char *temp, const void *data, size_t len, mode_t mode, uid_t uid, gid_t gid)
{
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || (set_owner_and_mode(fd, mode, uid, gid) == 0 && file_write_all(fd, data, len) == 0))
        return fd;
    int err = errno;
    close(fd);
    unlink(temp);
    errno = err;
    return -1;
}

/* The driver behind EXT4_SUPER_MAGIC is ext4's and not the old one of ext2: ext4 shows each device that it has. */
static bool is_ext4(dev_t device)
{
    g_autofree char *block = g_strdup_printf("/sys/dev/block/%u:%u", major(device), minor(device));
    g_autofree char *place = g_file_read_link(block, NULL);
    if (!place)
        return false;
    g_autofree char *name = g_path_get_basename(place);
    g_autofree char *shown = g_strdup_printf("/sys/fs/ext4/%s", name);
    return access(shown, F_OK) == 0;
}

/* Whether a flush of the new file @fd brings the name that it was given before to the disk, too: these file systems write the
 * change of the folder and the file's own time of change in one transaction. */
static bool flush_brings_name(int fd)
{
    struct statfs fs;
    struct stat st;
    if (fstatfs(fd, &fs) < 0)
        return false;
    if (fs.f_type == EXT4_SUPER_MAGIC)
        return fstat(fd, &st) == 0 && is_ext4(st.st_dev);
    return fs.f_type == XFS_SUPER_MAGIC || fs.f_type == BTRFS_SUPER_MAGIC;
}

/* Give the file its name, and flush it. Where nothing had that name there is nothing to lose either: it is named first, so
 * that one flush can bring both to the disk (two take twice the time); @name_flushed tells whether it did. If the machine stops
 * right then, an incomplete file may be left, of which nobody was told that it is there. 0, or errno. */
static int name_and_flush(int fd, const char *temp, const char *path, bool *name_flushed)
{
    bool named = renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE) == 0;
    int err = fsync(fd) < 0 ? errno : 0;
    if (!named && !err && rename(temp, path) < 0)
        err = errno;
    if (err)
        unlink(named ? path : temp);
    *name_flushed = named && flush_brings_name(fd);
    return err;
}

int file_replace(const char *path, const void *data, size_t len, mode_t mode, uid_t uid, gid_t gid)
{
    g_autofree char *temp = temp_name(path);
    int fd = write_temp(temp, data, len, mode, uid, gid);
    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot write '%s'", path);
    bool name_flushed;
    int err = name_and_flush(fd, temp, path, &name_flushed);
    if (close(fd) < 0 && !err)
        err = errno;
    if (err)
        return FAIL_ERRNO(err, "cannot write '%s'", path);
    return name_flushed ? 0 : sync_parent(path);
}

/* Give the file its name. Old and new change places, since ext4 begins to write out a file at once that takes another's name by
 * rename(), which is waited for (0.9 ms instead of 0.05). 0, or errno, and then @temp is still to be removed. */
static int name_quickly(const char *temp, const char *path)
{
    if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_EXCHANGE) < 0) /* nothing has the name, or the file system can't */
        return rename(temp, path) < 0 ? errno : 0;
    if (unlink(temp) == 0)
        return 0;
    int err = errno; /* it was no file */
    renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_EXCHANGE);
    return err;
}

int file_replace_quickly(const char *path, const void *data, size_t len, mode_t mode)
{
    g_autofree char *temp = temp_name(path);
    int fd = write_temp(temp, data, len, mode, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
    int err = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (!err && (err = name_quickly(temp, path)))
        unlink(temp);
    return err ? FAIL_ERRNO(err, "cannot write '%s'", path) : 0;
}

int file_sweep(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d && errno == ENOENT)
        return 0;
    if (!d)
        return FAIL_ERRNO(errno, "cannot open folder '%s'", dir);
    int removed = 0;
    struct dirent *entry;
    while ((entry = readdir(d))) {
        if (g_str_has_prefix(entry->d_name, TEMP_MARK) && unlinkat(dirfd(d), entry->d_name, 0) == 0)
            removed++;
    }
    closedir(d);
    return removed;
}

/* ---- reading ---- */

/* Everything up to @max bytes, NUL behind. 0 or errno; EFBIG if there is more. */
static int read_bounded(int fd, size_t max, size_t guess, char **data, size_t *len)
{
    size_t size = MIN(max, MAX(guess, (size_t) 4095)) + 1;
    size_t used = 0;
    g_autofree char *buffer = g_malloc(size + 1);
    for (;;) {
        if (used == size) {
            if (size > max)
                return EFBIG;
            size = MIN(size * 2, max + 1);
            buffer = g_realloc(buffer, size + 1);
        }
        ssize_t n = read(fd, buffer + used, size - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0)
            break;
        used += n;
    }
    if (used > max)
        return EFBIG;
    buffer[used] = '\0';
    *data = g_steal_pointer(&buffer);
    if (len)
        *len = used;
    return 0;
}

/* 1: @fd is open. 0: there is no such file. -1: error. */
static int open_regular(int domain, const char *path, int access, int *fd, struct stat *st)
{
    /* non-blocking, or a FIFO at this place would hold us up */
    *fd = open(path, access | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (*fd < 0 && errno == ENOENT)
        return 0;
    if (*fd < 0)
        return error_report_errno(domain, errno, "cannot open '%s'", path), -1;
    int err = fstat(*fd, st) < 0 ? errno : 0;
    if (!err && S_ISREG(st->st_mode))
        return 1;
    close(*fd);
    if (err)
        error_report_errno(domain, err, "cannot open '%s'", path);
    else
        error_report(domain, VIR_ERR_OPERATION_FAILED, "'%s' is not a regular file", path);
    return -1;
}

int file_open(int domain, const char *path, int access)
{
    struct stat st;
    int fd;
    int found = open_regular(domain, path, access, &fd, &st);
    if (found == 0)
        error_report_errno(domain, ENOENT, "cannot open '%s'", path);
    return found > 0 ? fd : -1;
}

int file_read_optional(const char *path, size_t max, char **data, size_t *len)
{
    struct stat st;
    int fd;
    int found = open_regular(ERROR_DOMAIN, path, O_RDONLY, &fd, &st);
    if (found <= 0)
        return found;
    int err = read_bounded(fd, max, st.st_size, data, len);
    close(fd);
    if (err == EFBIG)
        return FAIL(VIR_ERR_OPERATION_FAILED, "'%s' is larger than %zu bytes", path, max);
    if (err)
        return FAIL_ERRNO(err, "cannot read '%s'", path);
    return 1;
}

char *file_read(const char *path, size_t max, size_t *len)
{
    char *data = NULL;
    int found = file_read_optional(path, max, &data, len);
    if (found == 0)
        return FAIL_ERRNO_NULL(ENOENT, "cannot open '%s'", path);
    return found < 0 ? NULL : data;
}

int file_remove_sync(const char *path)
{
    if (unlink(path) < 0) {
        if (errno == ENOENT)
            return 0;
        return FAIL_ERRNO(errno, "cannot remove '%s'", path);
    }
    return sync_parent(path);
}

bool file_is_in_memory(const char *path)
{
    struct statfs fs;
    return statfs(path, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/* ---- creating ---- */

int file_create(const char *path, int flags, mode_t mode, uid_t uid, gid_t gid)
{
    int access = flags & O_RDWR ? O_RDWR : O_WRONLY;
    int fd = open(path, access | (flags & (O_APPEND | O_EXCL)) | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                  mode & 0600);
    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot create '%s'", path);
    struct stat st;
    if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
        close(fd);
        return FAIL(VIR_ERR_OPERATION_FAILED, "'%s' exists and is not a regular file", path);
    }
    if (set_owner_and_mode(fd, mode, uid, gid) < 0 || (flags & O_TRUNC && ftruncate(fd, 0) < 0)) {
        int err = errno;
        close(fd);
        return FAIL_ERRNO(err, "cannot set up '%s'", path);
    }
    return fd;
}

static int make_dir(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    if (mkdir(path, 0700) < 0) {
        struct stat st;
        int err = errno;
        if (err == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            return 0;
        return FAIL_ERRNO(err == EEXIST ? ENOTDIR : err, "cannot create folder '%s'", path);
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int ret = fd < 0 ? -1 : set_owner_and_mode(fd, mode, uid, gid);
    int err = errno;
    if (fd >= 0)
        close(fd);
    if (ret < 0)
        return FAIL_ERRNO(err, "cannot set up folder '%s'", path);
    return 0;
}

int file_mkdirs(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    g_autofree char *copy = g_strdup(path);
    for (char *slash = strchr(copy + 1, '/'); slash && slash[1]; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int ret = stat(copy, &st) == 0 && S_ISDIR(st.st_mode)
                  ? 0 : make_dir(copy, 0755, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
        *slash = '/';
        if (ret < 0)
            return -1;
    }
    return make_dir(copy, mode, uid, gid);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

char **file_list_dir(const char *path, size_t max)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    DIR *d = opendir(path);
    if (!d && errno != ENOENT)
        return FAIL_ERRNO_NULL(errno, "cannot open folder '%s'", path);
    struct dirent *entry;
    while (d && (errno = 0, entry = readdir(d))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || g_str_has_prefix(entry->d_name, TEMP_MARK))
            continue;
        if (names->len == max) {
            closedir(d);
            return FAIL_NULL(VIR_ERR_OPERATION_FAILED, "folder '%s' holds more than %zu files", path, max);
        }
        g_ptr_array_add(names, g_strdup(entry->d_name));
    }
    int err = d ? errno : 0;
    if (d)
        closedir(d);
    if (err)
        return FAIL_ERRNO_NULL(err, "cannot read folder '%s'", path);
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    g_ptr_array_set_free_func(names, NULL);
    return (char **) g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

/* ---- PID file ---- */

enum { PID_FILE_TRIES = 200, PID_FILE_TRIES_ALIVE = 100, PID_FILE_PAUSE_US = 10000 };

struct PidFile {
    char *path;
    int fd;
};

/* An OFD lock: unlike the classic kind it isn't lost when some library opens and closes the same file; it
 * excludes those just as well. 0 or errno. */
static int lock_whole_file(int fd)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? errno : 0;
}

/* A daemon that was killed while it was starting a program: until that program's exec the lock is held by the
 * child, though the process that the file names is gone. (0: the lock was given up just now.) */
static bool holder_is_gone(pid_t holder)
{
    return holder <= 0 || (kill(holder, 0) < 0 && errno == ESRCH);
}

/* Open and lock; the file may be removed by its former holder in between, then again. */
static int open_pid_file(const char *path)
{
    for (int tries = 0;; tries++) {
        int fd = file_create(path, O_RDWR, 0644, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
        if (fd < 0)
            return -1;
        int err = lock_whole_file(fd);
        struct stat ours, there;
        if (!err && fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino
            && ours.st_dev == there.st_dev)
            return fd;
        close(fd);
        if (err == EAGAIN || err == EACCES) {
            pid_t holder = pid_file_holder(path);
            if (tries < (holder_is_gone(holder) ? PID_FILE_TRIES : PID_FILE_TRIES_ALIVE)) { /* which may be just about to end */
                g_usleep(PID_FILE_PAUSE_US);
                continue;
            }
            return FAIL(VIR_ERR_OPERATION_INVALID, "'%s' is locked: process %d is already running",
                        path, holder > 0 ? (int) holder : 0);
        }
        if (err)
            return FAIL_ERRNO(err, "cannot lock '%s'", path);
    }
}

PidFile *pid_file_acquire(const char *path)
{
    int fd = open_pid_file(path);
    if (fd < 0)
        return NULL;
    char text[32];
    int len = g_snprintf(text, sizeof(text), "%d", (int) getpid());
    if (ftruncate(fd, 0) < 0 || file_write_all(fd, text, len) < 0) {
        int err = errno;
        unlink(path);
        close(fd);
        return FAIL_ERRNO_NULL(err, "cannot write '%s'", path);
    }
    PidFile *file = g_new0(PidFile, 1);
    file->path = g_strdup(path);
    file->fd = fd;
    return file;
}

void pid_file_release(PidFile *file)
{
    if (!file)
        return;
    unlink(file->path); /* before the lock goes: nobody else can own this name yet */
    close(file->fd);
    g_free(file->path);
    g_free(file);
}

pid_t pid_file_holder(const char *path)
{
    g_autofree char *text = NULL;
    int found = file_read_optional(path, 64, &text, NULL);
    if (found <= 0)
        return found;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return 0;
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int ret = fcntl(fd, F_OFD_GETLK, &lock);
    close(fd);
    if (ret < 0 || lock.l_type == F_UNLCK)
        return 0;
    gint64 pid = g_ascii_strtoll(text, NULL, 10);
    return pid > 0 && pid <= G_MAXINT32 ? pid : 0;
}
