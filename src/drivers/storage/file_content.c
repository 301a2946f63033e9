/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is in files: read, written, wiped.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/storage/content.h"
#include "drivers/storage/file_vol.h"

int file_vol_open(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, gboolean write, guint64 *size)
{
    struct stat info;
    int fd = file_vol_open_fd(vol, write ? O_RDWR : O_RDONLY);
    if (fd < 0)
        return -1;
    if (fstat(fd, &info) == 0 && (S_ISREG(info.st_mode) || S_ISBLK(info.st_mode))) {
        *size = write ? G_MAXUINT64 : S_ISREG(info.st_mode) ? (guint64) info.st_size : def->capacity;
        return fd;
    }
    close(fd);
    return FAIL(VIR_ERR_OPERATION_INVALID, "volume '%s' is a directory: its content can't be had", storage_vol_name(vol));
}

int file_vol_wipe(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int algorithm)
{
    guint64 size;
    int fd = file_vol_open(pool, vol, def, TRUE, &size);
    if (fd < 0)
        return -1;
    int rc = content_wipe(fd, algorithm, storage_vol_name(vol));
    close(fd);
    return rc;
}
