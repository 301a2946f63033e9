/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An encrypted value as bytes: what stands in front, the key's name, a nonce, the ciphertext with its tag (README.md).
 */
#pragma once
#include <glib.h>
#include <stddef.h>
#include "base/uuid.h"

/** Length of a host key. */
#define SECRET_KEY_SIZE 32
/** Length of a key's name. */
#define SEALED_ID_SIZE 8
/** What a value gets longer by. */
#define SEALED_MORE (8 + SEALED_ID_SIZE + 12 + 16)

/** What to encrypt with, made of a host key; cleared with seal_key_clear(). */
typedef struct SealKey {
    guint8 id[SEALED_ID_SIZE];
    guint8 cipher[SECRET_KEY_SIZE];
} SealKey;

/** 0, or -1 with an error. */
int seal_key_make(SealKey *key, const guint8 host_key[SECRET_KEY_SIZE]);
void seal_key_clear(SealKey *key);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SealKey, seal_key_clear)

/** Encrypt the value of the secret @uuid; caller frees @size + SEALED_MORE bytes. NULL with an error. */
guint8 *sealed_make(const SealKey *key, const guint8 uuid[UUID_BYTES], const guint8 *value, size_t size);
/** Name of the key of @bytes; belongs to them. NULL with an error if they are no encrypted value. */
const guint8 *sealed_id(const guint8 *bytes, size_t len);
/** Decrypt what sealed_id() has accepted, with the key of that name; *size is the value's. Freed with secret_value_free(). NULL with an
 * error: it was changed, or belongs to another secret. */
guint8 *sealed_open(const SealKey *key, const guint8 uuid[UUID_BYTES], const guint8 *bytes, size_t len, size_t *size);
