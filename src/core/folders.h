/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where a process that owns state keeps its files: the system's folders, those of a user's session, or those below a private root,
 * which is laid out as an installed system.
 */
#pragma once
#include <glib.h>

typedef enum {
    FOLDER_CONFIG,   /**< /etc/libvirt/SUBJECT */
    FOLDER_STATE,    /**< /run/libvirt/SUBJECT: gone with the machine's next boot */
    FOLDER_LIB,      /**< /var/lib/libvirt/SUBJECT */
    FOLDER_CACHE,    /**< /var/cache/libvirt/SUBJECT */
    FOLDER_LOG,      /**< /var/log/libvirt/SUBJECT */
} FolderKind;

/** The folder for @subject ("qemu"); caller frees. @root: "" for the real ones. @privileged: the system's, or the session's. */
char *folder_of(FolderKind kind, const char *root, gboolean privileged, const char *subject);
