/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Block devices, and files that stand for them: what is on them, who uses them, under which names they are known.
 */
#pragma once
#include "model/storage.h"

/** Whether a definition's @path can be given to a program: absolute, without control characters. 0, or -1 with an error. */
int device_check_path(const char *path);

/** What is on a device, as a text like "file system ext4"; the caller frees. 1; 0 if nothing is recognised; -1 with an error. */
int device_content(const char *path, char **content);
/** What decides about writing a new structure (@what: "file system") on the pool's device: with OVERWRITE in @flags (of
 * virStoragePoolBuild()) always, else only if nothing is recognised on it. 0, or -1 with VIR_ERR_STORAGE_POOL_BUILT. */
int device_may_format(const StoragePoolDef *def, const char *path, const char *what, unsigned int flags);
/** Make what is on a device unrecognisable: its first and last MiB become zeros. 0, or -1, also when it is in use. */
int device_clear(const char *path);
/** Whether somebody has it exclusively: it is mounted, part of a volume group … */
gboolean device_is_used(const char *path);

/** Wait for the names that the host's rules give new devices. */
void device_settle(void);
/** Wait until @path is a device. 0, or -1 with VIR_ERR_OPERATION_TIMEOUT. */
int device_wait(const char *path);
/** The name in the folder @target (of a pool) for the device @path, which stays the same when devices are found in another order; the
 * caller frees. @path itself if @target has none, or is "/dev". */
char *device_stable_path(const char *target, const char *path);
