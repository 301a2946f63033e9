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

/** Options of the node that holds the bytes; NULL with an error. */
json_object *qemu_block_storage(const DomainDisk *disk, const StorageSource *source);

/** Options of the node that knows the format. @backing_known: the definition tells what is below, nothing if @backing is
 * NULL. NULL with an error. */
json_object *qemu_block_format(const DomainDisk *disk, const StorageSource *source, StorageFormat format,
                               gboolean readonly, gboolean backing_known, const StorageSource *backing);

/** Whether there is anything in the drive. */
gboolean qemu_disk_has_media(const DomainDisk *disk);
