/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Block nodes of a disk: for the command line, and for plugging and media change at run time.
 */
#pragma once
#include <glib.h>
#include "base/json.h"
#include "model/domain_def.h"

/** Names of an image's nodes. Caller frees. */
char *qemu_node_storage(const StorageSource *source);
char *qemu_node_format(const StorageSource *source);
/** Name of the node that the disk's device reads from and writes to. Caller frees. */
char *qemu_disk_node(const DomainDisk *disk);
/** Name of the character device to the process that serves a disk of type vhostuser. Caller frees. */
char *qemu_disk_chardev(const DomainDisk *disk);

/** Cache mode of a disk and all its images. */
typedef struct {
    gboolean direct, no_flush, write_cache;
    gboolean given;          /* the definition wants one */
} QemuCacheMode;
QemuCacheMode qemu_cache_mode(const DomainDisk *disk);

/** Whether a source names anything. */
gboolean qemu_source_is_there(const StorageSource *source);
/** Whether there is anything in the drive. */
gboolean qemu_disk_has_media(const DomainDisk *disk);

/** One thing that a disk left in QEMU: the monitor's command that removes it, and the argument with its name. */
typedef void (*QemuLeftover)(const char *command, const char *key, const char *name, void *opaque);
/** Tell what stays in QEMU when the device of @disk is gone, in the order in which it can be removed. Some of it may not be there. */
void qemu_disk_leftovers(const DomainDisk *disk, QemuLeftover tell, void *opaque);
