/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#define LOG_SOURCE "storage.folder"
#include "drivers/storage/folder.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

#define FOLDER_MODE 0711
/* More names than this in one pool are not read. */
#define MAX_VOLUMES 1000000

/* ---- the folder ---- */

/* A host without SELinux has no use for it. */
static int set_label(int fd, const char *path, const char *label)
{
    if (!label || access("/sys/fs/selinux/enforce", F_OK) < 0)
        return 0;
    if (fsetxattr(fd, "security.selinux", label, strlen(label) + 1, 0) == 0)
        return 0;
    return FAIL_ERRNO(errno, "cannot give '%s' the label '%s' that its <permissions> name", path, label);
}

/* Whether there is nothing to change; -1: any. */
static gboolean is_owned(int fd, uid_t uid, gid_t gid)
{
    struct stat info;
    return (uid == FILE_OWNER_KEEP && gid == FILE_GROUP_KEEP) ||
        (fstat(fd, &info) == 0 && (uid == FILE_OWNER_KEEP || info.st_uid == uid) && (gid == FILE_GROUP_KEEP || info.st_gid == gid));
}

int folder_set_rights(int fd, const char *path, const StoragePermissions *permissions, mode_t mode)
{
    uid_t uid = permissions && permissions->has_owner ? (uid_t) permissions->owner : FILE_OWNER_KEEP;
    gid_t gid = permissions && permissions->has_group ? (gid_t) permissions->group : FILE_GROUP_KEEP;
    if (permissions && permissions->has_mode)
        mode = (mode_t) permissions->mode;
    if (!is_owned(fd, uid, gid) && fchown(fd, uid, gid) < 0)
        return FAIL_ERRNO(errno, "cannot give '%s' to user %d and group %d", path, (int) uid, (int) gid);
    if (fchmod(fd, mode) < 0)
        return FAIL_ERRNO(errno, "cannot set the mode of '%s' to 0%o", path, (unsigned) mode);
    return set_label(fd, path, permissions ? permissions->label : NULL);
}

int folder_open(const StoragePoolDef *def)
{
    int fd = open(def->target.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : FAIL_ERRNO(errno, "cannot open directory '%s'", def->target.path);
}

int folder_open_beneath(int fd, const char *name, int flags)
{
    struct open_how how = { .flags = (guint64) (flags | O_CLOEXEC), .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    int opened;
    do { /* EAGAIN: somebody renamed a folder meanwhile */
        opened = (int) syscall(SYS_openat2, fd, name, &how, sizeof(how));
    } while (opened < 0 && (errno == EINTR || errno == EAGAIN));
    return opened;
}

int folder_build(const StoragePoolDef *def)
{
    const StoragePermissions *permissions = def->target.permissions;
    gboolean exists = g_file_test(def->target.path, G_FILE_TEST_IS_DIR);
    if (!exists && file_mkdirs(def->target.path, FOLDER_MODE, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0)
        return -1;
    int fd = folder_open(def);
    struct stat info;
    if (fd < 0)
        return -1;
    int rc = fstat(fd, &info) < 0 ? FAIL_ERRNO(errno, "cannot look at '%s'", def->target.path)
        : folder_set_rights(fd, def->target.path, permissions, exists ? info.st_mode & 07777 : FOLDER_MODE);
    close(fd);
    return rc;
}

int folder_check(const StoragePoolDef *def)
{
    int fd = folder_open(def);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

int folder_delete(const StoragePoolDef *def)
{
    return rmdir(def->target.path) == 0 || errno == ENOENT ? 0
        : FAIL_ERRNO(errno, "cannot remove the directory '%s' of pool '%s'", def->target.path, def->name);
}

int folder_sizes(StoragePool *pool, const StoragePoolDef *def)
{
    struct statvfs fs;
    if (statvfs(def->target.path, &fs) < 0)
        return FAIL_ERRNO(errno, "cannot tell how much room '%s' has", def->target.path);
    guint64 capacity = (guint64) fs.f_blocks * fs.f_frsize, available = (guint64) fs.f_bfree * fs.f_frsize;
    storage_pool_set_sizes(pool, capacity, capacity - MIN(capacity, available), available);
    return 0;
}

/* ---- what is in it ---- */

/* Files and folders, also through links that stay in the pool. */
static gboolean is_volume(int folder, const struct dirent *entry)
{
    struct stat info;
    if (entry->d_type == DT_REG || entry->d_type == DT_DIR || entry->d_type == DT_BLK)
        return TRUE;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return FALSE;
    int fd = folder_open_beneath(folder, entry->d_name, O_PATH);
    gboolean is = fd >= 0 && fstat(fd, &info) == 0 && (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode) || S_ISBLK(info.st_mode));
    if (fd >= 0)
        close(fd);
    return is;
}

static int scan_names(DIR *dir, const StoragePoolDef *def, StorageScan *scan)
{
    const struct dirent *entry;
    guint n = 0;
    while ((errno = 0, entry = readdir(dir))) {
        if (!file_name_may_be_volume(entry->d_name) || !is_volume(dirfd(dir), entry))
            continue;
        if (++n > MAX_VOLUMES)
            return FAIL(VIR_ERR_OPERATION_FAILED, "pool '%s' has more than %d volumes", def->name, MAX_VOLUMES);
        g_autofree char *path = g_build_filename(def->target.path, entry->d_name, NULL);
        storage_scan_add_name(scan, entry->d_name, path, path);
    }
    return errno ? FAIL_ERRNO(errno, "cannot read directory '%s'", def->target.path) : 0;
}

int folder_refresh(StoragePool *pool, const StoragePoolDef *def, StorageScan *scan)
{
    struct stat info;
    int fd = folder_open(def);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (fd < 0)
        return -1;
    if (!dir || fstat(fd, &info) < 0) {
        int saved = errno;
        dir ? closedir(dir) : close(fd);
        return FAIL_ERRNO(saved, "cannot look at directory '%s'", def->target.path);
    }
    storage_pool_set_rights(pool, info.st_mode & 07777, info.st_uid, info.st_gid);
    int rc = scan_names(dir, def, scan);
    closedir(dir);
    return rc < 0 ? rc : folder_sizes(pool, def);
}

/* ---- new files ---- */

int folder_be_owner(AsUser *owner, int fd, const char *name)
{
    struct stat info;
    int file = folder_open_beneath(fd, name, O_PATH);
    int rc = file < 0 || fstat(file, &info) < 0 ? FAIL_ERRNO(errno, "cannot tell whose '%s' is", name)
        : as_user_begin(owner, info.st_uid, info.st_gid);
    if (file >= 0)
        close(file);
    return rc;
}

static int remove_left(int folder, const StoragePoolDef *def, const char *name)
{
    int rc = unlinkat(folder, name, 0);
    if (rc == 0 || !as_user_helps(def, errno))
        return rc;
    g_auto(AsUser) owner = AS_USER_INIT;
    return folder_be_owner(&owner, folder, name) < 0 ? -1 : unlinkat(folder, name, 0);
}

void folder_sweep(const StoragePoolDef *def)
{
    DIR *dir = opendir(def->target.path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (file_name_is_left(entry->d_name) && remove_left(dirfd(dir), def, entry->d_name) == 0)
            LOG_INFO("pool '%s': removed '%s', which was not finished", def->name, entry->d_name);
    }
    if (dir)
        closedir(dir);
    virResetLastError();
}

int folder_begin_file(int folder, const char *path, FileName **temporary)
{
    *temporary = NULL;
    int fd = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
        return FAIL_ERRNO(errno, "cannot make a file in '%s'", path);
    for (guint i = 0; i < FILE_NAME_TRIES; i++) {
        g_autoptr(FileName) name = file_name_begin();
        fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 && (errno == EACCES || errno == EPERM)) {
            int saved = errno;
            unlinkat(folder, name, 0); /* made, but not opened: on a server that made it somebody else's */
            errno = saved;
        }
        if (fd >= 0)
            *temporary = g_steal_pointer(&name);
        if (fd >= 0 || errno != EEXIST)
            break;
    }
    return fd >= 0 ? fd : FAIL_ERRNO(errno, "cannot make a file in '%s'", path);
}

int folder_publish(int folder, int fd, const char *temporary, const char *name)
{
    char self[64];
    g_snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    if (fsync(fd) < 0)
        return FAIL_ERRNO(errno, "cannot bring volume '%s' onto the disk", name);
    int rc = temporary ? linkat(folder, temporary, folder, name, 0) : linkat(AT_FDCWD, self, folder, name, AT_SYMLINK_FOLLOW);
    if (rc < 0 && temporary && (errno == EPERM || errno == EOPNOTSUPP)) /* a file system without hard links */
        rc = (int) syscall(SYS_renameat2, folder, temporary, folder, name, RENAME_NOREPLACE);
    else if (rc == 0 && temporary)
        unlinkat(folder, temporary, 0);
    if (rc < 0 && errno == EEXIST)
        return FAIL(VIR_ERR_OPERATION_FAILED, "there is a file '%s' in the pool's directory already; 'virsh pool-refresh' shows it", name);
    if (rc < 0)
        return FAIL_ERRNO(errno, "cannot give volume '%s' its name", name);
    return fsync(folder) == 0 || errno == EINVAL ? 0 : FAIL_ERRNO(errno, "cannot bring the name of volume '%s' onto the disk", name);
}
