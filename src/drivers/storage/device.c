/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/storage/device.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/fs.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/loop.h"
#include "drivers/storage/tool.h"

#define EDGE ((size_t) 1 << 20)
#define APPEAR_MS 10000
#define LOOK_AGAIN_US 20000

int device_check_path(const char *path)
{
    gboolean fine = path[0] == '/';
    for (const char *c = path; *c; c++)
        fine = fine && !g_ascii_iscntrl(*c);
    g_autofree char *shown = fine ? NULL : g_strescape(path, NULL);
    return fine ? 0 : FAIL(VIR_ERR_XML_ERROR, "pool.source.device: '%s' is no absolute path", shown);
}

/* ---- content ---- */

/* Value of a line NAME=VALUE, or NULL; the caller frees. */
static char *line_value(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) == 0 && line[len] == '=')
            return g_strndup(line + len + 1, strcspn(line + len + 1, "\n"));
    }
    return NULL;
}

/* blkid's status when it recognises nothing. */
#define BLKID_NOTHING 2

int device_content(const char *path, char **content)
{
    g_auto(ProcessOutput) output = { 0 };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    *content = NULL;
    if (access(path, R_OK) < 0)
        return FAIL_ERRNO(errno, "cannot read '%s'", path);
    spec.argv = TOOL("blkid", "-p", "-o", "export", path);
    if (process_run(&spec, NULL, 0, EDGE, TOOL_MS, &output) < 0)
        return -1;
    if (!output.end.signal && output.end.code == BLKID_NOTHING)
        return 0;
    if (output.end.signal || output.end.code)
        return FAIL(VIR_ERR_OPERATION_FAILED, "it can't be told what is on '%s': it may be more than one thing (see 'wipefs %s')", path, path);
    g_autofree char *type = line_value(output.out, "TYPE"), *table = line_value(output.out, "PTTYPE");
    *content = type ? g_strconcat("file system or volume ", type, NULL) : table ? g_strconcat("partition table ", table, NULL) : NULL;
    return *content ? 1 : 0;
}

int device_may_format(const StoragePoolDef *def, const char *path, const char *what, unsigned int flags)
{
    g_autofree char *content = NULL;
    if (device_is_used(path))
        return FAIL(VIR_ERR_OPERATION_INVALID, "'%s' is in use: no %s is made on it for pool '%s'", path, what, def->name);
    if (flags & VIR_STORAGE_POOL_BUILD_OVERWRITE)
        return 0;
    int rc = device_content(path, &content);
    if (rc > 0)
        return FAIL(VIR_ERR_STORAGE_POOL_BUILT, "there is a %s on '%s', which a new %s would destroy: 'virsh pool-build --overwrite %s' does it",
                    content, path, what, def->name);
    return rc;
}

static int zero_edges(int fd, const char *path)
{
    g_autofree char *zeros = g_malloc0(EDGE);
    off_t end = lseek(fd, 0, SEEK_END);
    size_t n = MIN(EDGE, (size_t) MAX(end, 0));
    if (end < 0 || pwrite(fd, zeros, n, 0) != (ssize_t) n || pwrite(fd, zeros, n, end - (off_t) n) != (ssize_t) n || fsync(fd) < 0)
        return FAIL_ERRNO(errno ? errno : EIO, "cannot overwrite '%s'", path);
    return 0;
}

int device_clear(const char *path)
{
    int fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot open '%s' alone", path);
    int rc = zero_edges(fd, path);
    if (rc == 0)
        ioctl(fd, BLKRRPART); /* the kernel may forget the partitions; a file has none */
    close(fd);
    return rc;
}

gboolean device_is_used(const char *path)
{
    struct stat info;
    if (stat(path, &info) < 0 || !S_ISBLK(info.st_mode))
        return FALSE;
    int fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
    gboolean used = fd < 0 && errno == EBUSY;
    if (fd >= 0)
        close(fd);
    return used;
}

/* ---- names ---- */

void device_settle(void)
{
    g_autofree char *program = g_find_program_in_path("udevadm");
    if (program && tool_run(TOOL("udevadm", "settle", "--timeout=10"), TOOL_MS) < 0)
        virResetLastError(); /* device_wait() decides */
}

int device_wait(const char *path)
{
    gint64 deadline = loop_now_ms() + APPEAR_MS;
    struct stat info;
    device_settle();
    while (stat(path, &info) < 0 || !S_ISBLK(info.st_mode)) {
        if (loop_now_ms() > deadline)
            return FAIL(VIR_ERR_OPERATION_TIMEOUT, "device '%s' did not appear within %d s", path, APPEAR_MS / 1000);
        g_usleep(LOOK_AGAIN_US);
    }
    return 0;
}

char *device_stable_path(const char *target, const char *path)
{
    struct stat device, info;
    g_autofree char *found = NULL;
    if (!target || strcmp(target, "/dev") == 0 || stat(path, &device) < 0)
        return g_strdup(path);
    DIR *dir = opendir(target);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (fstatat(dirfd(dir), entry->d_name, &info, 0) < 0 || !S_ISBLK(info.st_mode) || info.st_rdev != device.st_rdev)
            continue;
        g_autofree char *name = g_build_filename(target, entry->d_name, NULL);
        if (!found || strcmp(name, found) < 0) { /* of several the first, always the same */
            g_free(found);
            found = g_steal_pointer(&name);
        }
    }
    if (dir)
        closedir(dir);
    return found ? g_steal_pointer(&found) : g_strdup(path);
}
