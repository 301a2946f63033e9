/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Locks that keep two hosts from using a disk at a time: byte 0 of the disk itself, or of a file of its own in a folder that all hosts
 * share, is locked as other implementations do it ("lockd"), so that hosts of either kind respect each other.
 *
 * A lock is an open file description (fcntl(2), F_OFD_SETLK): whoever has a descriptor of it keeps it, and the kernel takes it away with
 * the last one. Given to the process that runs the guest, it lasts exactly as long as that: no daemon has to stay alive for it.
 */
#pragma once
#include "model/domain_def.h"

typedef struct DiskLockSettings {
    gboolean automatic;   /* a lock for each disk that needs one; FALSE: only what definitions name as <lease> */
    const char *files;    /* folder for locks of files; NULL: the disk itself is locked. The same for the following */
    const char *lvm;      /* of logical volumes, by UUID; NULL: as files */
    const char *scsi;     /* of SCSI devices, by identity; NULL: as files */
} DiskLockSettings;

typedef struct DiskLock {
    char *name;           /* unique within a guest */
    int fd;
} DiskLock;

/** Accepts NULL. The lock goes, too, unless another process has got its descriptor. */
void disk_lock_free(DiskLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DiskLock, disk_lock_free)

/** Lock @disk for @domain: alone, or with others that share it. *@lock: NULL if it needs none. 0; -1 with an error, which is
 * VIR_ERR_RESOURCE_BUSY and names who has it if another does. May block. */
int disk_lock_disk(const DiskLockSettings *settings, const char *domain, const DomainDisk *disk, DiskLock **lock);
/** The same for a lease that a definition names: the file LOCKSPACE/KEY in the folder that is its target. */
int disk_lock_lease(const char *domain, const DomainLease *lease, DiskLock **lock);
/** All that @def needs, appended to @locks (of DiskLock). 0, or -1 with an error. */
int disk_lock_all(const DiskLockSettings *settings, const DomainDef *def, GPtrArray *locks);

/** Name of the lock that a disk or a lease has or would have; caller frees. NULL: a disk that needs none. */
char *disk_lock_disk_name(const DomainDisk *disk);
char *disk_lock_lease_name(const DomainLease *lease);
