/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools that are a folder of the host: dir, and once they are mounted fs and netfs. Names in a pool are resolved beneath its folder only:
 * a link that leads elsewhere is not followed.
 */
#pragma once
#include <sys/stat.h>
#include "drivers/storage/as_user.h"
#include "storage/backend.h"
#include "storage/file_name.h"

/** Make the folder with the definition's rights if it isn't there, and give it those rights if the definition names any. */
int folder_build(const StoragePoolDef *def);
/** Whether it is there. 0, or -1 with an error. */
int folder_check(const StoragePoolDef *def);
/** Sizes of the file system, rights of the folder, names of what is in it. */
int folder_refresh(StoragePool *pool, const StoragePoolDef *def, StorageScan *scan);
/** Remove what a killed daemon has left half made. */
void folder_sweep(const StoragePoolDef *def);
/** Remove the folder, which must be empty. */
int folder_delete(const StoragePoolDef *def);
/** Sizes of the file system that the pool is on, after a change. */
int folder_sizes(StoragePool *pool, const StoragePoolDef *def);

/** A descriptor of the folder, to which names are relative; -1 with an error. */
int folder_open(const StoragePoolDef *def);
/** Open @name beneath the folder @fd, as open() does; -1 with errno set (EXDEV: it leads out of the folder). */
int folder_open_beneath(int fd, const char *name, int flags);
/** Become the owner of what has @name in the folder @fd, until as_user_end(). 0; -1 with an error. */
int folder_be_owner(AsUser *owner, int fd, const char *name);
/** Begin a file that is none of the folder's volumes before folder_publish() gives it its name. A descriptor for reading and writing;
 * *@temporary: its name until then, which the caller ends; NULL: it has none, and vanishes with the descriptor. -1 with an error. */
int folder_begin_file(int folder, const char *path, FileName **temporary);
/** Give a file of folder_begin_file() its name, on the disk. 0; -1 with an error: VIR_ERR_OPERATION_FAILED if there is such a file. */
int folder_publish(int folder, int fd, const char *temporary, const char *name);

/** Owner, group, label of SELinux and mode that @permissions name (NULL: none), and @mode where it names none. */
int folder_set_rights(int fd, const char *path, const StoragePermissions *permissions, mode_t mode);
