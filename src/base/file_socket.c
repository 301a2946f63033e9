/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * UNIX sockets in the file system. A path that doesn't fit into sun_path is reached through /proc/self/fd of
 * its folder. The mode is put on the socket before it is bound, so that it never appears with more rights than asked.
 */
#define ERROR_DOMAIN VIR_FROM_RPC
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

/* Fill @addr for @path. @dir_fd: -1, or a descriptor that must stay open until the address was used. 0 or errno. */
static int make_address(const char *path, struct sockaddr_un *addr, int *dir_fd)
{
    *addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
    *dir_fd = -1;
    if (!path[0])
        return EINVAL;
    if (g_strlcpy(addr->sun_path, path, sizeof(addr->sun_path)) < sizeof(addr->sun_path))
        return 0;
    g_autofree char *dir = g_path_get_dirname(path);
    g_autofree char *base = g_path_get_basename(path);
    *dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*dir_fd < 0)
        return errno;
    int n = g_snprintf(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d/%s", *dir_fd, base);
    if (n < (int) sizeof(addr->sun_path))
        return 0;
    close(*dir_fd);
    *dir_fd = -1;
    return ENAMETOOLONG;
}

/* 0 or errno. */
static int remove_old_socket(const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : errno;
    if (!S_ISSOCK(st.st_mode))
        return EEXIST;
    return unlink(path) < 0 && errno != ENOENT ? errno : 0;
}

/* 0 or errno. */
static int bind_with_mode(int fd, const char *path, const struct sockaddr_un *addr, mode_t mode, uid_t uid, gid_t gid)
{
    int err = remove_old_socket(path);
    if (err)
        return err;
    if (fchmod(fd, 0) < 0 || bind(fd, (const struct sockaddr *) addr, sizeof(*addr)) < 0)
        return errno;
    if ((uid != FILE_OWNER_KEEP || gid != FILE_GROUP_KEEP) && lchown(path, uid, gid) < 0)
        return errno;
    if (chmod(path, mode) < 0 || listen(fd, SOMAXCONN) < 0)
        return errno;
    return 0;
}

int file_listen_unix(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    struct sockaddr_un addr;
    int dir_fd;
    int err = make_address(path, &addr, &dir_fd);
    if (err)
        return FAIL_ERRNO(err, "cannot listen on socket '%s'", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    err = fd < 0 ? errno : bind_with_mode(fd, path, &addr, mode, uid, gid);
    if (dir_fd >= 0)
        close(dir_fd);
    if (!err)
        return fd;
    if (fd >= 0)
        close(fd);
    return FAIL_ERRNO(err, "cannot listen on socket '%s'", path);
}

int file_connect_unix(const char *path)
{
    struct sockaddr_un addr;
    int dir_fd;
    int err = make_address(path, &addr, &dir_fd);
    int fd = -1;
    if (!err) {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *) &addr, sizeof(addr)) < 0)
            err = errno;
    }
    if (dir_fd >= 0)
        close(dir_fd);
    if (!err)
        return fd;
    if (fd >= 0)
        close(fd);
    error_report_errno(ERROR_DOMAIN, err, "cannot connect to socket '%s'", path);
    errno = err;
    return -1;
}
