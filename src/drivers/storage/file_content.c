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
#include "drivers/storage/file_vol.h"

StorageContent *file_vol_open(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, gboolean write)
{
    struct stat info;
    int fd = file_vol_open_fd(vol, write ? O_RDWR : O_RDONLY);
    if (fd < 0)
        return NULL;
    int rc = fstat(fd, &info);
    if (rc == 0 && S_ISREG(info.st_mode))
        return content_new_fd(fd, write ? G_MAXUINT64 : (guint64) info.st_size);
    if (rc == 0 && S_ISBLK(info.st_mode))
        return content_new_fd(fd, def->capacity);
    close(fd);
    return FAIL_NULL(VIR_ERR_OPERATION_INVALID, "volume '%s' is a directory: its content can't be had", storage_vol_name(vol));
}

int file_vol_wipe(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int algorithm)
{
    g_autoptr(StorageContent) content = file_vol_open(pool, vol, def, TRUE);
    return content ? storage_content_wipe(content, algorithm, storage_vol_name(vol)) : -1;
}
