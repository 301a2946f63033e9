/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/storage/image_crypt.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/storage/image_tool.h"
#include "secret/host.h"
#include "secret/lookup.h"

/* A raw volume that is encrypted is an image of format luks. */
static gboolean is_luks(const StorageVolDef *def)
{
    return def->target.format <= STORAGE_VOL_FORMAT_RAW;
}

static int check(const StorageVolDef *def)
{
    const StorageEncryption *encryption = def->target.encryption;
    if (!is_luks(def) && def->target.format != STORAGE_VOL_FORMAT_QCOW2)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume '%s': only volumes of format raw and qcow2 can be encrypted", def->name);
    if (encryption->format != STORAGE_ENCRYPTION_FORMAT_LUKS)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume '%s': volumes are encrypted with format='luks', not '%s'", def->name,
                    storage_encryption_format_to_string(encryption->format));
    if (encryption->engine == STORAGE_ENCRYPTION_ENGINE_LIBRBD)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume '%s': engine='librbd' is for volumes of Ceph", def->name);
    if (encryption->n_secrets > 1)
        return FAIL(VIR_ERR_XML_ERROR, "volume '%s': one <secret> is needed, %u are given", def->name, encryption->n_secrets);
    return 0;
}

/* The caller frees the value. */
static guint8 *passphrase(const StorageEncryption *encryption, const char *path, const char *what, gsize *size)
{
    SecretRef ref = { .usage = (char *) path };
    if (encryption && encryption->n_secrets)
        ref = *encryption->secrets[0];
    ref.type = STORAGE_AUTH_SECRET_TYPE_VOLUME;
    return secret_lookup(&ref, what, size);
}

int image_crypt_open(ImageCrypt *crypt, const char *id, const StorageEncryption *encryption, const char *path, const char *what)
{
    gsize size = 0;
    *crypt = (ImageCrypt) { .fd = -1 };
    guint8 *value = passphrase(encryption, path, what, &size);
    return value ? image_crypt_hold(crypt, id, value, size, what) : -1;
}

int image_crypt_hold(ImageCrypt *crypt, const char *id, guint8 *value, gsize size, const char *what)
{
    crypt->fd = memfd_create("passphrase", MFD_CLOEXEC);
    int rc = crypt->fd >= 0 && file_write_all(crypt->fd, value, size) == 0 && lseek(crypt->fd, 0, SEEK_SET) == 0 ? 0
        : FAIL_ERRNO(errno, "cannot have the passphrase of %s at hand", what);
    secret_value_free(value, size);
    crypt->object = g_strdup_printf("secret,id=%s,file=/proc/self/fd/%d", id, crypt->fd);
    return rc;
}

int image_crypt_open_new(ImageCrypt *crypt, const StorageVolDef *def)
{
    g_autofree char *what = g_strdup_printf("volume '%s'", def->name);
    *crypt = (ImageCrypt) { .fd = -1 };
    return check(def) < 0 ? -1 : image_crypt_open(crypt, IMAGE_CRYPT_ID, def->target.encryption, def->target.path, what);
}

void image_crypt_clear(ImageCrypt *crypt)
{
    if (crypt->fd >= 0)
        close(crypt->fd);
    g_free(crypt->object);
    *crypt = (ImageCrypt) { .fd = -1 };
}

const char *image_crypt_format(const StorageVolDef *def)
{
    return is_luks(def) ? "luks" : "qcow2";
}

static void add(const StorageVolDef *def, GString *options, const char *name, const char *value)
{
    g_autofree char *full = g_strconcat(is_luks(def) ? "" : "encrypt.", name, NULL);
    if (value)
        image_tool_add_option(options, full, value);
}

void image_crypt_create_options(const StorageVolDef *def, GString *options)
{
    const StorageEncryption *encryption = def->target.encryption;
    const StorageCipher *cipher = encryption->cipher;
    g_autofree char *algorithm = cipher && cipher->name ? g_strdup_printf("%s-%u", cipher->name, cipher->size) : NULL;
    if (!is_luks(def))
        add(def, options, "format", "luks");
    add(def, options, "key-secret", IMAGE_CRYPT_ID);
    if (cipher) {
        add(def, options, "cipher-alg", algorithm);
        add(def, options, "cipher-mode", cipher->mode);
        add(def, options, "hash-alg", cipher->hash);
    }
    if (encryption->ivgen) {
        add(def, options, "ivgen-alg", encryption->ivgen->name);
        add(def, options, "ivgen-hash-alg", encryption->ivgen->hash);
    }
}

char *image_crypt_spec(const StorageVolDef *def, const char *path)
{
    return g_strdup_printf("driver=%s,%skey-secret=" IMAGE_CRYPT_ID ",file.driver=file,file.filename=%s", image_crypt_format(def),
                           is_luks(def) ? "" : "encrypt.", path);
}
