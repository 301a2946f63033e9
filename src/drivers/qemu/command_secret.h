/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Passwords and certificates for QEMU. A value never stands on the command line, in the log or in a file: QEMU reads it from memory
 * that it inherits, or hears it over the monitor.
 */
#pragma once
#include "drivers/qemu/command_priv.h"

/** An object "secret" named @id with the value of @ref. @what says what needs it. 0, or -1 with an error. */
int qemu_secret(QemuCommand *cmd, const char *id, const SecretRef *ref, const char *what);
/** The same with a value. */
int qemu_secret_value(QemuCommand *cmd, const char *id, const guint8 *value, size_t size);

/** Memory with @value, which only its owner @uid may read and nobody can change: a descriptor at its beginning, which the caller closes;
 * -1 with an error. */
int qemu_secret_memory(const guint8 *value, size_t size, uid_t uid, gid_t gid);

/** Path of a file called @name (only its owner, QEMU's user, may read it; nobody can change it) that is in memory which a QEMU
 * that is being started inherits. Caller frees. NULL with an error. */
char *qemu_file_in_memory(QemuCommand *cmd, const char *name, const guint8 *value, size_t size);

typedef enum {
    QEMU_TLS_CHARDEV, QEMU_TLS_VNC, QEMU_TLS_NBD,
} QemuTlsUse;

/** Folder with the certificates of one use: @dir, which is the value of @key in qemu.conf, or the folder for every use if
 * @dir is only the built-in default and isn't there. */
const char *qemu_tls_folder(const QemuConf *conf, const char *key, const char *dir);

/** Credentials for TLS by qemu.conf, as an object named @id. @server: QEMU listens. */
int qemu_tls_credentials(QemuCommand *cmd, QemuTlsUse use, gboolean server, const char *id, const char *what);
