/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Encrypted images: what qemu-img is told of them. The passphrase goes through memory that it inherits, and stands on no command line.
 */
#pragma once
#include "storage/backend.h"

typedef struct ImageCrypt {
    int fd;         /* the passphrase */
    char *object;   /* for --object */
} ImageCrypt;

/** What the passphrase of a volume that is made is called in what image_crypt_create_options() and image_crypt_spec() say. */
#define IMAGE_CRYPT_ID "key"

/** Have a passphrase at hand as @id: that of the secret which @encryption names; where it names none or is NULL, of the one whose usage is
 * @path. @what needs it ("volume 'v'"). 0, or -1 with an error. */
int image_crypt_open(ImageCrypt *crypt, const char *id, const StorageEncryption *encryption, const char *path, const char *what);
/** The same with a passphrase that is known, of @size bytes, which is taken over. */
int image_crypt_hold(ImageCrypt *crypt, const char *id, guint8 *value, gsize size, const char *what);
/** As image_crypt_open() for the volume @def that is made, as IMAGE_CRYPT_ID; it must want an encryption that can be made. */
int image_crypt_open_new(ImageCrypt *crypt, const StorageVolDef *def);
void image_crypt_clear(ImageCrypt *crypt);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImageCrypt, image_crypt_clear)

/** What QEMU calls the format of an encrypted volume, which may have none of its own. */
const char *image_crypt_format(const StorageVolDef *def);
/** Add to @options what a new image is to be encrypted with. */
void image_crypt_create_options(const StorageVolDef *def, GString *options);
/** QEMU's description of the image in the file @path, for --image-opts; the caller frees. */
char *image_crypt_spec(const StorageVolDef *def, const char *path);
