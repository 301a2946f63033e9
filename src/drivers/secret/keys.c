/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_SECRET
#define LOG_SOURCE "secret.keys"
#include "drivers/secret/keys.h"
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "secret/host.h"

struct HostKeys {
    char *configured, *credential; /* paths; NULL: there is none */
    char *folder, *own;
    GMutex lock; /* while our own is made */
};

HostKeys *host_keys_new(const char *configured, const char *credentials, const char *own)
{
    HostKeys *keys = g_new0(HostKeys, 1);
    keys->configured = g_strdup(configured);
    keys->credential = credentials ? g_build_filename(credentials, SECRET_CREDENTIAL, NULL) : NULL;
    keys->folder = g_strdup(own);
    keys->own = g_build_filename(own, "host-key", NULL);
    g_mutex_init(&keys->lock);
    return keys;
}

void host_keys_free(HostKeys *keys)
{
    if (!keys)
        return;
    g_free(keys->configured);
    g_free(keys->credential);
    g_free(keys->folder);
    g_free(keys->own);
    g_mutex_clear(&keys->lock);
    g_free(keys);
}

/* 1; 0 if there is no such file; -1 with an error. */
static int read_key(const char *path, SealKey *key)
{
    char *bytes = NULL;
    size_t len = 0;
    int rc = file_read_optional(path, 4096, &bytes, &len);
    if (rc > 0 && len != SECRET_KEY_SIZE)
        rc = FAIL(VIR_ERR_INTERNAL_ERROR, "the key '%s' for secrets has %zu bytes, not %d", path, len, SECRET_KEY_SIZE);
    else if (rc > 0)
        rc = seal_key_make(key, (guint8 *) bytes) < 0 ? -1 : 1;
    secret_value_free((guint8 *) bytes, len);
    return rc;
}

static int make_own(HostKeys *keys, SealKey *key)
{
    guint8 bytes[SECRET_KEY_SIZE];
    random_bytes(bytes, sizeof(bytes));
    int rc = file_mkdirs(keys->folder, 0700, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
    if (rc == 0)
        rc = file_replace(keys->own, bytes, sizeof(bytes), 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
    if (rc == 0)
        rc = seal_key_make(key, bytes);
    explicit_bzero(bytes, sizeof(bytes));
    if (rc == 0)
        LOG_INFO("made the key '%s', which encrypts the values of secrets: back it up apart from them", keys->own);
    return rc;
}

int host_keys_first(HostKeys *keys, SealKey *key)
{
    int rc = keys->configured ? read_key(keys->configured, key) : 0;
    if (rc == 0 && keys->configured)
        return FAIL(VIR_ERR_NO_SECRET, "there is no key '%s', which secrets_encryption_key in secret.conf names", keys->configured);
    if (rc == 0 && keys->credential)
        rc = read_key(keys->credential, key);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    g_mutex_lock(&keys->lock);
    rc = read_key(keys->own, key);
    if (rc == 0)
        rc = make_own(keys, key);
    g_mutex_unlock(&keys->lock);
    return rc < 0 ? -1 : 0;
}

int host_keys_find(HostKeys *keys, const guint8 id[SEALED_ID_SIZE], SealKey *key)
{
    const char *const paths[] = { keys->configured, keys->credential, keys->own };
    g_autoptr(GString) looked = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        int rc = paths[i] ? read_key(paths[i], key) : 0;
        if (rc > 0 && memcmp(key->id, id, SEALED_ID_SIZE) == 0)
            return 0;
        if (paths[i])
            g_string_append_printf(looked, "%s'%s' (%s)", looked->len ? ", " : "", paths[i],
                                   rc > 0 ? "another key" : rc == 0 ? "not there" : error_message());
    }
    seal_key_clear(key);
    return FAIL(VIR_ERR_INTERNAL_ERROR, "it was encrypted with a key that is not there: bring it back, or set the value again "
                "(looked at: %s)", looked->str);
}
