/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_SECRET
#include "drivers/secret/sealed.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include "base/error.h"
#include "base/random.h"
#include "secret/host.h"

#define MAGIC "LVSECR01"
#define MAGIC_SIZE 8
#define NONCE_SIZE 12
#define TAG_SIZE 16
#define HEAD_SIZE (MAGIC_SIZE + SEALED_ID_SIZE)

G_STATIC_ASSERT(SEALED_MORE == HEAD_SIZE + NONCE_SIZE + TAG_SIZE);

static int derive(const guint8 *host_key, const char *label, guint8 out[32])
{
    int rc = gnutls_hmac_fast(GNUTLS_MAC_SHA256, host_key, SECRET_KEY_SIZE, label, strlen(label), out);
    return rc == 0 ? 0 : FAIL(VIR_ERR_INTERNAL_ERROR, "cannot make a key for secrets: %s", gnutls_strerror(rc));
}

int seal_key_make(SealKey *key, const guint8 host_key[SECRET_KEY_SIZE])
{
    guint8 id[32];
    if (derive(host_key, "value of a secret", key->cipher) < 0 || derive(host_key, "name of the key", id) < 0)
        return -1;
    memcpy(key->id, id, sizeof(key->id));
    return 0;
}

void seal_key_clear(SealKey *key)
{
    explicit_bzero(key, sizeof(*key));
}

/* What is authenticated beside the value. */
static void additional(guint8 out[HEAD_SIZE + UUID_BYTES], const guint8 *head, const guint8 *uuid)
{
    memcpy(out, head, HEAD_SIZE);
    memcpy(out + HEAD_SIZE, uuid, UUID_BYTES);
}

static int cipher_open(gnutls_aead_cipher_hd_t *cipher, const SealKey *key)
{
    gnutls_datum_t datum = { (unsigned char *) key->cipher, sizeof(key->cipher) };
    int rc = gnutls_aead_cipher_init(cipher, GNUTLS_CIPHER_AES_256_GCM, &datum);
    return rc == 0 ? 0 : FAIL(VIR_ERR_INTERNAL_ERROR, "cannot encrypt with AES-256-GCM: %s", gnutls_strerror(rc));
}

guint8 *sealed_make(const SealKey *key, const guint8 uuid[UUID_BYTES], const guint8 *value, size_t size)
{
    guint8 more[HEAD_SIZE + UUID_BYTES];
    g_autofree guint8 *bytes = g_malloc(size + SEALED_MORE);
    guint8 *nonce = bytes + HEAD_SIZE;
    gnutls_aead_cipher_hd_t cipher;
    memcpy(bytes, MAGIC, MAGIC_SIZE);
    memcpy(bytes + MAGIC_SIZE, key->id, SEALED_ID_SIZE);
    random_bytes(nonce, NONCE_SIZE);
    additional(more, bytes, uuid);
    if (cipher_open(&cipher, key) < 0)
        return NULL;
    size_t made = size + TAG_SIZE;
    int rc = gnutls_aead_cipher_encrypt(cipher, nonce, NONCE_SIZE, more, sizeof(more), TAG_SIZE, value, size, nonce + NONCE_SIZE, &made);
    gnutls_aead_cipher_deinit(cipher);
    if (rc < 0)
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "cannot encrypt the value of a secret: %s", gnutls_strerror(rc));
    return g_steal_pointer(&bytes);
}

const guint8 *sealed_id(const guint8 *bytes, size_t len)
{
    if (len < MAGIC_SIZE || memcmp(bytes, MAGIC, MAGIC_SIZE) != 0)
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "it is no encrypted value of a secret");
    if (len <= SEALED_MORE)
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "it is cut short: %zu bytes", len);
    return bytes + MAGIC_SIZE;
}

guint8 *sealed_open(const SealKey *key, const guint8 uuid[UUID_BYTES], const guint8 *bytes, size_t len, size_t *size)
{
    guint8 more[HEAD_SIZE + UUID_BYTES];
    const guint8 *nonce = bytes + HEAD_SIZE;
    gnutls_aead_cipher_hd_t cipher;
    additional(more, bytes, uuid);
    if (cipher_open(&cipher, key) < 0)
        return NULL;
    size_t room = len - SEALED_MORE;
    guint8 *value = g_malloc(room);
    *size = room;
    int rc = gnutls_aead_cipher_decrypt(cipher, nonce, NONCE_SIZE, more, sizeof(more), TAG_SIZE, nonce + NONCE_SIZE, room + TAG_SIZE, value,
                                        size);
    gnutls_aead_cipher_deinit(cipher);
    if (rc == 0)
        return value;
    secret_value_free(value, room);
    return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "it was changed since it was written, or is another secret's");
}
