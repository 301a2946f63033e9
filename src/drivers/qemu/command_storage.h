/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The bytes of an image, wherever they are: the innermost block node.
 */
#pragma once
#include "drivers/qemu/command_priv.h"

/** What a disk says about how its images' bytes are reached. Zero-initialise; all may be empty. */
typedef struct {
    DomainDiskIo io;
    gboolean cdrom, floppy, readonly;
    StorageFormat format;        /* of the image */
    const StorageAuth *auth;     /* credentials that stand beside the source; NULL: the source's own */
} QemuStorageAccess;

/** "driver" and what belongs to it of the node @node, without its name. Objects with secrets and certificates that the node refers
 * to come onto the command line before. @what: for messages. NULL with an error. */
json_object *qemu_storage_properties(QemuCommand *cmd, const StorageSource *source, const QemuStorageAccess *access, const char *node,
                                     const char *what);

/** Sets of descriptors that stand for images are numbered from here on, by their images. */
#define QEMU_STORAGE_FDSETS (1u << 20)
guint qemu_storage_fdset(const StorageSource *source);

/** Name of the helper process' object for the persistent reservations of @source. Caller frees. NULL: it has none. */
char *qemu_reservations_id(const StorageSource *source, const char *node);
