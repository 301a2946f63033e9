/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The host's keys, in this order: the one that secret.conf names, the one that the service manager hands over as a credential (which it
 * may have sealed with the host's TPM), one of our own. The first that there should be encrypts; any decrypts what it has encrypted. They
 * are read for each use and cleared behind it.
 */
#pragma once
#include "drivers/secret/sealed.h"

/** Name of the credential. */
#define SECRET_CREDENTIAL "secrets-encryption-key"

typedef struct HostKeys HostKeys;

/** @configured: secrets_encryption_key; @credentials: the service manager's folder; either may be NULL. @own: folder for our own key. */
HostKeys *host_keys_new(const char *configured, const char *credentials, const char *own);
/** Accepts NULL. */
void host_keys_free(HostKeys *keys);

/** The key that encrypts; one of our own is made if there is none. -1 with an error: the one that should be there can't be used. Any
 * thread. */
int host_keys_first(HostKeys *keys, SealKey *key);
/** The key of that name. -1 with an error that says what was looked at. Any thread. */
int host_keys_find(HostKeys *keys, const guint8 id[SEALED_ID_SIZE], SealKey *key);
