/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a file tells: sizes, rights and times of the file system, and what its head says.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#define LOG_SOURCE "storage.file"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/log.h"
#include "drivers/storage/file_vol.h"
#include "drivers/storage/folder.h"
#include "storage/image_head.h"
#include "storage/vol_look.h"

static char *time_text(const struct statx_timestamp *t)
{
    return t->tv_nsec ? g_strdup_printf("%" G_GINT64_FORMAT ".%09u", (gint64) t->tv_sec, t->tv_nsec)
        : g_strdup_printf("%" G_GINT64_FORMAT, (gint64) t->tv_sec);
}

static StorageTimestamps *times_of(const struct statx *info)
{
    StorageTimestamps *times = xml_struct_new(&STORAGE_TIMESTAMPS_DESC);
    times->atime = time_text(&info->stx_atime);
    times->mtime = time_text(&info->stx_mtime);
    times->ctime = time_text(&info->stx_ctime);
    times->btime = info->stx_mask & STATX_BTIME ? time_text(&info->stx_btime) : g_strdup("0");
    return times;
}

void file_look_outside(StorageVolDef *def, const struct statx *info)
{
    StorageVolTarget *target = &def->target;
    StoragePermissions *rights = target->permissions ?: (target->permissions = xml_struct_new(&STORAGE_PERMISSIONS_DESC));
    rights->has_mode = rights->has_owner = rights->has_group = true;
    rights->mode = info->stx_mode & 07777;
    rights->owner = info->stx_uid;
    rights->group = info->stx_gid;
    if (target->timestamps)
        xml_struct_free(&STORAGE_TIMESTAMPS_DESC, target->timestamps);
    target->timestamps = times_of(info);
}

/* @fd: of any kind (O_PATH). */
static void look_into(StorageVolDef *def, const StoragePoolDef *pool_def, int fd, guint64 size)
{
    g_auto(AsUser) owner = AS_USER_INIT;
    char self[64];
    g_autofree guint8 *bytes = g_malloc(IMAGE_HEAD_BYTES);
    g_snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    int in = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (in < 0 && as_user_helps(pool_def, errno) && file_vol_be_owner(&owner, pool_def, fd) == 0)
        in = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t n = in < 0 ? -1 : pread(in, bytes, IMAGE_HEAD_BYTES, 0);
    if (n < 0)
        LOG_INFO("volume '%s' can't be looked into: %s", def->target.path, g_strerror(errno));
    if (in >= 0)
        close(in);
    as_user_end(&owner);
    virResetLastError();
    vol_look_inside(def, bytes, (gsize) MAX(n, 0), size);
}

static void set_sizes(StorageVolDef *def, const struct statx *info)
{
    gboolean is_folder = S_ISDIR(info->stx_mode);
    def->type = is_folder ? STORAGE_VOL_TYPE_DIR : S_ISBLK(info->stx_mode) ? STORAGE_VOL_TYPE_BLOCK : STORAGE_VOL_TYPE_FILE;
    def->has_capacity = def->has_allocation = true;
    def->has_physical = !is_folder;
    def->capacity = def->physical = is_folder ? 0 : info->stx_size;
    def->allocation = is_folder ? 0 : info->stx_blocks * 512;
    def->target.format = is_folder ? STORAGE_VOL_FORMAT_DIR : STORAGE_VOL_FORMAT_RAW;
}

static StorageStamp stamp_of(const struct statx *info)
{
    return (StorageStamp) { { (guint64) info->stx_dev_major << 32 | info->stx_dev_minor, info->stx_ino, info->stx_size,
                              (guint64) info->stx_mtime.tv_sec << 30 ^ info->stx_mtime.tv_nsec,
                              (guint64) info->stx_ctime.tv_sec << 30 ^ info->stx_ctime.tv_nsec, info->stx_blocks } };
}

int file_vol_refresh(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageStamp *stamp)
{
    struct statx info;
    int fd = file_vol_open_fd(vol, O_PATH);
    if (fd < 0)
        return -1;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &info) < 0) {
        int saved = errno;
        close(fd);
        return FAIL_ERRNO(saved, "cannot look at volume '%s'", def->target.path);
    }
    StorageStamp now = stamp_of(&info);
    gboolean same = memcmp(&now, stamp, sizeof(now)) == 0;
    file_look_outside(def, &info);
    if (!same) {
        set_sizes(def, &info);
        if (S_ISREG(info.stx_mode) || S_ISBLK(info.stx_mode))
            look_into(def, storage_vol_pool_def(vol), fd, info.stx_size);
        else
            vol_forget_inside(def);
        *stamp = now;
    }
    close(fd);
    return 0;
}
