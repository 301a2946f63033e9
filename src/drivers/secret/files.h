/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Secrets as files (README.md): FOLDER/UUID.xml, FOLDER/UUID.aes256gcm or FOLDER/UUID.base64.
 */
#pragma once
#include "drivers/secret/keys.h"
#include "secret/backend.h"

typedef struct SecretFiles {
    SecretBackend backend; /* whose opaque it is */
    char *folder;
    HostKeys *keys;
    gboolean encrypt;
} SecretFiles;

/** @keys is taken over. NULL with an error: the folder can't be had. */
SecretFiles *secret_files_new(const char *folder, HostKeys *keys, gboolean encrypt);
/** Accepts NULL. */
void secret_files_free(SecretFiles *files);
/** Read all definitions into the table. What can't be used is reported in the log and left alone. */
void secret_files_load(SecretFiles *files, ManagedTable *table);
