/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Logical units of a SCSI host, as the kernel tells them: the volumes of pools of type "scsi" and "iscsi".
 */
#pragma once
#include "storage/backend.h"

/** Where the kernel tells of devices; a test puts its own folder here. */
extern const char *scsi_sys;

/** Units of host number @host that are disks or drives, with their sizes; those of a pool with <target> @target. 0 or -1. */
int scsi_units_scan(StoragePool *pool, const StoragePoolDef *def, guint host, StorageScan *scan);
/** Have the kernel ask the host for its units again. 0 or -1. */
int scsi_units_rescan(guint host);

/** Numbers of the SCSI hosts whose attribute @name in the class @class is @value ("port_name" of fc_host …): of the first, or -1. */
int scsi_find_host(const char *class, const char *name, const char *value);
/** Name of a link to a folder that ends in a host: its number, or -1. */
int scsi_host_number(const char *name);

/** Attribute of a device, trimmed; the caller frees. NULL if it can't be read (no error). */
char *scsi_attribute(const char *folder, const char *name);

int scsi_vol_plan(StoragePool *pool, const StoragePoolDef *pool_def, StorageVolDef *def);
int scsi_vol_delete(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int flags);
int scsi_pool_delete(StoragePool *pool, const StoragePoolDef *def, unsigned int flags);
