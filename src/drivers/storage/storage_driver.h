/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the parts of the storage driver share: the driver itself, and the table of each type of pools.
 */
#pragma once
#include "storage/host.h"

/** The driver of this process. */
typedef struct StorageNode {
    gboolean privileged;
    char *config, *state;   /* folders */
    PoolHost *host;
} StorageNode;

extern const StorageBackend storage_dir_backend;
extern const StorageBackend storage_fs_backend, storage_netfs_backend, storage_disk_backend, storage_logical_backend;
extern const StorageBackend storage_scsi_backend, storage_mpath_backend, storage_iscsi_backend, storage_zfs_backend;
